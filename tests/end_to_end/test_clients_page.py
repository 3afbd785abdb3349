"""The page on connecting clients: its commands are run as they stand there, on a free port."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from cds_service.protocol.profiles import PROFILES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SANDBOX, SANDBOX_ASKS, SANDBOX_TOKENS, EPIC, EPIC_ASKS = BLOCKS

NOBODY_KNOWN = "callers are not authenticated"
PUBLIC_KEY = "its private key is public"
NOT_OFFERED = "these referrals have none"


def shell(block: str, port: int, folder: Path) -> subprocess.Popen[str]:
    """Start the commands of a block in a shell, with nobody's own settings."""
    command = block.replace(".venv/bin/cds-service", f"exec {sys.executable} -m cds_service.cli")
    command = command.replace("8321", str(port))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BME_")}
    environment = kept | {"BME_PORT": str(port), "XDG_STATE_HOME": str(folder)}
    return subprocess.Popen(  # our own page
        ["/bin/sh", "-c", command],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(server: subprocess.Popen[str], url: str) -> None:
    while server.poll() is None:
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return


def served(block: str, folder: Path, asks: str = "") -> tuple[str, list[str]]:
    """Serve as a block says, ask as another says; returns what came back and the warnings of the log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = shell(block, port, folder)
    try:
        wait_for(server, f"http://127.0.0.1:{port}/health/live")
        asked = shell(asks, port, folder).communicate(timeout=30)[0] if asks else ""
        server.send_signal(signal.SIGTERM)
        said, failed = server.communicate(timeout=30)
    finally:
        server.kill()
        server.communicate()
    assert (server.returncode, failed) == (0, "")
    logged = [json.loads(line) for line in said.splitlines()]
    assert "service started" in [line["event"] for line in logged]
    return asked, [line["event"] for line in logged if line["level"] == "warning"]


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@needs_curl
def test_the_sandbox_is_let_in_as_the_page_says(tmp_path: Path):
    answer, warnings = served(SANDBOX, tmp_path, SANDBOX_ASKS)

    head = answer.splitlines()
    assert head[0].split()[1] == "200"
    assert "Access-Control-Allow-Origin: https://sandbox.cds-hooks.org" in head
    assert "Access-Control-Allow-Headers: authorization, content-type" in head
    assert [NOBODY_KNOWN in one for one in warnings] == [True]


def test_trusting_the_sandbox_is_warned_of(tmp_path: Path):
    _, warnings = served(SANDBOX_TOKENS, tmp_path)

    assert [PUBLIC_KEY in one for one in warnings] == [True]


@needs_curl
def test_epic_is_asked_for_its_token_and_the_referrals_without_a_code_are_named(tmp_path: Path):
    answer, warnings = served(EPIC, tmp_path, EPIC_ASKS)

    assert answer.split()[1] == "401"
    assert [NOT_OFFERED in one for one in warnings] == [True]


def test_the_page_lists_every_profile():
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(PROFILES)
