"""A real PostgreSQL of our own: a cluster in a folder, on a free port of this machine, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

# It refuses to run as root; Debian's package brings a user for it.
WHO: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def programs() -> Path | None:
    """The folder of the newest PostgreSQL here; None without one."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").is_file()]
    on_path = shutil.which("initdb")
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    return Path(on_path).parent if on_path else None


@dataclass
class Cluster:
    """A running server without passwords, reachable from this machine only."""

    programs: Path
    folder: Path
    port: int
    is_up: bool = False

    def run(self, name: str, *arguments: str) -> None:
        log = self.folder / "log"
        with log.open("ab") as written:
            done = subprocess.run(
                [self.programs / name, "-D", self.folder / "data", *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=written,  # not a pipe: the server inherits it and would keep it open
                stderr=subprocess.STDOUT,
                timeout=60,
                check=False,
                **WHO,
            )
        assert done.returncode == 0, log.read_text(errors="replace")[-2_000:]

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.is_up:
            return
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self.run("pg_ctl", "-w", "-o", options, "start")
        self.is_up = True

    def stop(self, how: str = "fast") -> None:
        """Stop it; ``immediate`` as if the machine had failed, so that the next start recovers."""
        self.run("pg_ctl", "-w", "-m", how, "stop")
        self.is_up = False

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"t{uuid4().hex}"
        self.tell(f"CREATE DATABASE {name}")
        return self.url(name)

    def tell(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # our own words, not a literal


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a new cluster. The folder of a test is no place for it: the server's user may not enter there."""
    found = programs()
    assert found is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="bme-postgresql-"))
    if WHO:
        shutil.chown(folder, WHO["user"], WHO["group"])
    made = Cluster(found, folder, port)
    try:
        made.run("initdb", "--auth=trust", "--username=postgres", "--no-locale", "--encoding=UTF8", "--no-sync")
        made.start()
        try:
            yield made
        finally:
            if made.is_up:
                made.stop("immediate")
    finally:
        shutil.rmtree(folder)
