"""``cds-service serve`` as a process of its own: real gunicorn, real sockets, a client that signs its calls."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from cds_service.protocol.signing import draft, new_key

ROOT = Path(__file__).parents[2]
ISSUER = "https://ehr.example"
ADMIN_TOKEN = "an admin token for tests"
READY_S = 30


@dataclass
class ServiceProcess:
    """The running service. ``home`` holds everything that it may write: its state, its temporary files, its output."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]
    key: Any

    @property
    def output(self) -> str:
        return (self.home / "output").read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def token(self, path: str, **claims: Any) -> str:
        good = draft(self.key, ISSUER, f"{self.url}{path}", time.time())
        return good.with_claims(**claims).signed()

    def post(self, path: str, body: Any, token: str | None = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token(path)}", **more.pop("headers", {})}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
        return requests.post(f"{self.url}{path}", data=data, headers=headers, timeout=60, **more)

    def metrics(self) -> dict[str, float]:
        """Every number by its name and labels as Prometheus writes them."""
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        text = requests.get(f"{self.url}/metrics", headers=headers, timeout=30).text
        lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def service_process(home: Path, **settings: str) -> Iterator[ServiceProcess]:
    """Serve with these settings (``workers="2"``) until the end; calls need a token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key, url = new_key("ES384"), f"http://127.0.0.1:{port}"
    for folder in ("state", "tmp"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    given = {
        "auth": "required",
        "public_url": url,
        "clients": json.dumps({ISSUER: {"keys": {"keys": [key.as_dict(private=False)]}}}),
        "admin_token": ADMIN_TOKEN,
        "card_key": "a key for tests",
        "store_url": f"sqlite:///{home / 'state' / 'store.sqlite3'}",
        **settings,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BME_")}
    environment |= {f"BME_{name.upper()}": value for name, value in given.items()} | {
        "TMPDIR": str(home / "tmp"),
        "PYTHONUNBUFFERED": "1",  # as in containers
    }
    command = [sys.executable, "-m", "cds_service.cli", "serve", "--port", str(port)]
    with (home / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    made = ServiceProcess(url, home, process, key)
    try:
        _until_live(made)
        yield made
    finally:
        made.stop()


def _until_live(service: ServiceProcess) -> None:
    give_up = time.monotonic() + READY_S
    while time.monotonic() < give_up and service.process.poll() is None:
        try:
            if requests.get(f"{service.url}/health/live", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError(f"the service did not start: {service.output}")
