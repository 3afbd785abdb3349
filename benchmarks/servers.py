"""Servers to be compared, each a process group of its own, and what the operating system says that they use."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cds_service.protocol.signing import draft, new_key

HERE = Path(__file__).parent
PATH = "/cds-services/bme-result-review"
ISSUER = "https://ehr.example"
TICKS = os.sysconf("SC_CLK_TCK")
WORKERS = 2
THREADS = 48
HEALTHCHAIN = HERE / ".envs" / "healthchain"
HEALTHCHAIN_PACKAGES = ("healthchain==0.16.1", "uvloop==0.23.0", "httptools==0.9.0")
READY_S = 60


@dataclass
class Server:
    """A running server. ``key`` signs tokens for it; ``None`` when it asks for none."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    key: Any = None
    started: float = field(default_factory=time.perf_counter)

    @property
    def url(self) -> str:
        """Where calls go."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    def token(self) -> str:
        """Return a token that was not used."""
        return draft(self.key, ISSUER, self.url, time.time()).signed()

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Make one call; returns status and body."""
        headers = {"Content-Type": "application/json"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.token()}"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", PATH, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def first_answer_s(self, body: bytes) -> float:
        """Wait for the first card; returns the seconds since the start of the process.

        Raises:
            RuntimeError: it ended, or it answers something else than cards.
        """
        while time.perf_counter() - self.started < READY_S:
            if self.process.poll() is not None:
                break
            try:
                status, answer = self.post(body)
            except OSError:
                time.sleep(0.005)
                continue
            if status == 200 and json.loads(answer)["cards"]:
                return time.perf_counter() - self.started
            raise RuntimeError(f"{self.name} answers {status}: {answer[:300]!r}")
        raise RuntimeError(f"{self.name} does not start")

    def processes(self) -> list[int]:
        """Return the ids of the group's processes."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(stat.read_text().rpartition(")")[2].split()[2]) == self.process.pid:
                    found.append(int(stat.parent.name))
            except OSError:
                continue
        return sorted(found)

    def cpu_s(self) -> float:
        """Return the processor seconds of the whole group, of ended children too."""
        ticks = 0
        for pid in self.processes():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(map(int, fields[11:15]))
        return ticks / TICKS

    def pss_mb(self) -> float:
        """Return the memory of the group, shared pages divided among those that share them."""
        kilobytes = 0
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kilobytes += int(line.split()[1])
        return kilobytes / 1024


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(
    name: str,
    port: int,
    command: Sequence[object],
    environment: Mapping[str, str],
    *,
    key: Any = None,
    given: bytes = b"",
) -> Iterator[Server]:
    """Run a command in a process group of its own until the end. Its output goes nowhere, as into a pipe."""
    clean = {one: value for one, value in os.environ.items() if not one.startswith("BME_")}
    clean.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed comes compiled
    clean["PYTHONPATH"] = os.pathsep.join((str(HERE.parent), str(HERE)))
    started = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=HERE.parent,
        env=clean | environment,
        stdin=subprocess.PIPE if given else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if process.stdin:
        process.stdin.write(given)
        process.stdin.close()
    try:
        yield Server(name, port, process, key, started)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def ours(name: str = "ours", *, workers: int = WORKERS, signed: bool = False, **settings: str) -> Iterator[Server]:
    """Run the service, with its store on the disk."""
    port, key = free_port(), new_key("ES384") if signed else None
    given = {"store_url": "", "card_key": "benchmark", "workers": str(workers), "threads": str(THREADS), **settings}
    if key is not None:
        given |= {
            "auth": "required",
            "public_url": f"http://127.0.0.1:{port}",
            "clients": json.dumps({ISSUER: {"keys": {"keys": [key.as_dict(private=False)]}}}),
        }
    with TemporaryDirectory() as home:
        given["store_url"] = given["store_url"] or f"sqlite:///{home}/store.sqlite3"
        environment = {f"BME_{one.upper()}": value for one, value in given.items()}
        command = (sys.executable, "-m", "cds_service.cli", "serve", "--port", port)
        with _running(name, port, command, environment, key=key) as server:
            yield server


@contextmanager
def floor(name: str, *, workers: int = WORKERS, **environment: str) -> Iterator[Server]:
    """Run one of the applications of ``floors``, or the one that waits, on the same gunicorn."""
    port, module = free_port(), "waiting_floor" if name == "waiting" else "floors"
    command = (sys.executable, "-m", "gunicorn", "--preload", "-k", "gthread", "-w", workers, "--threads", THREADS)
    with _running(name, port, (*command, "-b", f"127.0.0.1:{port}", f"{module}:{name}"), environment) as server:
        yield server


@contextmanager
def healthchain(name: str, *, workers: int = WORKERS) -> Iterator[Server]:
    """Run HealthChain under uvicorn with uvloop, in its own environment."""
    port = free_port()
    command = (healthchain_python(), "-m", "uvicorn", f"healthchain_app:{name.removeprefix('healthchain_')}")
    options = ("--port", port, "--workers", workers, "--loop", "uvloop", "--no-access-log", "--log-level", "critical")
    with _running(name, port, (*command, *options), {}) as server:
        yield server


def healthchain_python() -> Path:
    """Return the Python of HealthChain's environment; the first call makes it.

    Raises:
        subprocess.CalledProcessError: it cannot be installed.
    """
    python = HEALTHCHAIN / "bin" / "python"
    if not (HEALTHCHAIN / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", HEALTHCHAIN], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *HEALTHCHAIN_PACKAGES], check=True)
        (HEALTHCHAIN / "made").touch()
    return python


@contextmanager
def slow_ehr(answers: Mapping[str, Any], seconds: float) -> Iterator[Server]:
    """Run a FHIR server that answers each read after so many seconds."""
    port = free_port()
    command = (sys.executable, HERE / "slow_ehr.py", port, seconds)
    with _running("slow_ehr", port, command, {}, given=json.dumps(answers).encode()) as server:
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.01)
        yield server
