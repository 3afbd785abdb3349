"""Load by wrk, over loopback, from one thread; and what the server spent on it."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from servers import Server

SCRIPT = Path(__file__).with_name("wrk.lua")
SETTLE_S = 0.3
"""After the last answer cards may still be written."""


@dataclass(frozen=True)
class Load:
    """What came of one run. ``cpu_ms`` are processor milliseconds of the server's process group for one call."""

    calls: int
    rate: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float


def press(server: Server, body: bytes, *, seconds: float, connections: int = 8, rest_ms: float = 0) -> Load:
    """Call a server without a pause from so many connections, each resting so long on average between two calls.

    Raises:
        RuntimeError: a call failed.
    """
    with TemporaryDirectory() as folder:
        sent = Path(folder) / "body"
        sent.write_bytes(body)
        environment = os.environ | {"BENCH_BODY": str(sent), "BENCH_DELAY_MS": str(rest_ms)}
        if server.key is not None:
            tokens = Path(folder) / "tokens"
            tokens.write_text("\n".join(server.token() for _ in range(int(seconds * 700) + connections)) + "\n")
            environment["BENCH_TOKENS"] = str(tokens)
        command = ("wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "-s", SCRIPT, server.url)
        before = server.cpu_s()
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        time.sleep(SETTLE_S)
        spent_s = server.cpu_s() - before
    line = next(line for line in told.splitlines() if line.startswith("RESULT "))
    calls, failed, microseconds, p50, p99 = map(int, line.split()[1:])
    if failed or not calls:
        raise RuntimeError(f"{server.name}: {failed} of {calls} calls failed")
    return Load(calls, calls / microseconds * 1e6, spent_s / calls * 1_000, p50 / 1_000, p99 / 1_000)
