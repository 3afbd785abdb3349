"""``cds-service demo``: the real service on loopback, real requests over HTTP, cards a person can read."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import requests

from cds_service.data import data_path
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.show import card_lines, cards_panel, console

HOST = "127.0.0.1"
START_SECONDS = 30
FEATURED = "diabetic-foot-new-edema"
"""The scenario whose cards are shown in full, with a curl line to fire it again."""


def run(port: int, *, stay: bool) -> int:
    """Start the service, fire every scenario at it, show one in full, and wait for Ctrl-C. Returns the exit code."""
    out = console()
    port = port or _free_port()
    if _is_taken(port):
        console(error=True).print(f"port {port} is in use; choose another with --port", style="red")
        return 1
    remembered = tempfile.TemporaryDirectory(prefix="cds-service-demo-")
    environment = {
        **os.environ,
        "BME_CARD_KEY": secrets.token_hex(32),
        "BME_AUTH": "off",
        "BME_STORE_URL": f"sqlite:///{remembered.name}/store.sqlite3",
    }
    command = [sys.executable, "-m", "cds_service.cli", "serve", "--host", HOST, "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603  # our own program
    try:
        url = f"http://{HOST}:{port}"
        if not _is_ready(url, server):
            console(error=True).print("the service did not start", style="red")
            return 1
        folder = data_path("scenarios")
        scenarios = list(load_scenarios(folder))
        for scenario in scenarios:
            out.print(_title(scenario), style="bold", markup=False)
            out.print(card_lines(_send(url, scenario)))
        featured = next(scenario for scenario in scenarios if scenario.name == FEATURED)
        out.rule(f"In full: {_title(featured)}")
        out.print(_story(featured), style="dim", markup=False)
        out.print(cards_panel(_send(url, featured)))
        out.rule("Try it yourself")
        out.print(f"The service runs at {url}/cds-services", markup=False)
        out.print(_curl(url, folder), markup=False, soft_wrap=True)
        if stay:
            out.print("Stop it with Ctrl-C.")
            server.wait()
        return 0
    except KeyboardInterrupt:
        return 0
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        remembered.cleanup()


def _send(url: str, scenario: Scenario) -> list[Any]:
    """Fire a scenario as if it played today, and return the cards."""
    request = scenario.request_on(date.today())  # noqa: DTZ011  # the local day, as a person means it
    service = f"bme-{request['hook']}"
    response = requests.post(f"{url}/cds-services/{service}", json=request, timeout=30)
    response.raise_for_status()
    cards: list[Any] = response.json()["cards"]
    return cards


def _title(scenario: Scenario) -> str:
    return scenario.about.splitlines()[0].lstrip("# ")


def _story(scenario: Scenario) -> str:
    return "\n".join(scenario.about.splitlines()[1:]).strip()


def _curl(url: str, folder: Path) -> str:
    request = folder / FEATURED / "request.json"
    here = Path.cwd()
    shown = request.relative_to(here) if request.is_relative_to(here) else request
    return (
        f"curl -s {url}/cds-services/bme-result-review -H 'Content-Type: application/json' --data @{shown}"
        " | python3 -m json.tool"
    )


def _is_ready(url: str, server: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if requests.get(f"{url}/cds-services", timeout=1).ok:
                return True
        except requests.ConnectionError:
            time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
