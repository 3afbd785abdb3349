"""Start the service and the record beside it, and say where to look."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import requests
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from cds_service.data import data_path
from cds_service.demo.authorization import Client
from cds_service.demo.cards import show_cards
from cds_service.demo.ehr import create_ehr
from cds_service.demo.patients import read_patients
from cds_service.protocol.jwks import Key
from cds_service.protocol.signing import keep_key, new_key, public_keys
from cds_service.scenarios import load_scenarios
from cds_service.show import console

HOST = "127.0.0.1"
START_S = 30
APP = "bme-smart-app"
"""The client id of the service's SMART app, which the record knows."""


def run(port: int, ehr_port: int, *, stay: bool, cards: bool, open_reading: bool) -> int:
    """Start both and wait for Ctrl-C (unless not ``stay``). Returns the exit code.

    Args:
        port, ehr_port: of the service and of the record; 0 for free ones.
        cards: print the cards of every scenario first.
        open_reading: let FHIR be read without a token, for sandboxes that have none.
    """
    out = console()
    ports = [port or _free_port(), ehr_port or _free_port()]
    for wanted, option in zip(ports, ("--port", "--ehr-port"), strict=True):
        if _is_taken(wanted):
            console(error=True).print(f"port {wanted} is in use; choose another with {option}", style="red")
            return 1
    service, ehr = (f"http://{HOST}:{one}" for one in ports)
    key, app_key = new_key("ES384"), new_key("ES384")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the service must end with us
    try:
        with (
            _service(ports[0], service, ehr, key, app_key),
            _record(ports[1], service, ehr, key, app_key, open_reading=open_reading),
        ):
            if cards:
                show_cards(out, service)
            out.print(f"The service runs at {service}/cds-services", markup=False)
            out.print(f"The record's FHIR server runs at {ehr}/fhir", markup=False)
            if stay:
                out.print("Stop both with Ctrl-C. Open in a browser:")
            out.print(ehr, markup=False)
            if stay:
                threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except _NotStarted:
        console(error=True).print("the service did not start", style="red")
        return 1
    return 0


class _NotStarted(Exception):
    """The service ended, or did not answer in time."""


@contextmanager
def _service(port: int, url: str, ehr: str, key: Key, app_key: Key) -> Iterator[None]:
    """Run the real service as `serve` does, set up for the record."""
    with tempfile.TemporaryDirectory(prefix="cds-service-demo-") as remembered:
        app_keys = Path(remembered) / "app-key.json"
        keep_key(app_key, app_keys)
        environment = {
            **os.environ,
            "BME_AUTH": "optional",
            "BME_CARD_KEY": secrets.token_hex(32),
            "BME_CLIENTS": orjson.dumps({f"{ehr}/fhir": {"keys": public_keys(key)}}).decode(),
            "BME_FHIR_SERVERS": orjson.dumps([f"{ehr}/fhir"]).decode(),
            "BME_PUBLIC_URL": url,
            "BME_SMART_ISSUERS": orjson.dumps(
                {f"{ehr}/fhir": {"client_id": APP, "name": "the demo's record"}}
            ).decode(),
            "BME_SMART_KEYS": str(app_keys),
            "BME_STORE_URL": f"sqlite:///{remembered}/store.sqlite3",
        }
        command = [sys.executable, "-m", "cds_service.cli", "serve", "--host", HOST, "--port", str(port)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603  # our own program
        try:
            _wait(url, server)
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


@contextmanager
def _record(port: int, service: str, ehr: str, key: Key, app_key: Key, *, open_reading: bool) -> Iterator[None]:
    """Run the record in this process: what is done in it is forgotten at the end."""
    app = create_ehr(
        read_patients(load_scenarios(data_path("scenarios")), date.today()),  # noqa: DTZ011  # the local day
        ehr,
        service,
        key,
        clients=(Client(APP, (f"{service}/smart/callback",), public_keys(app_key)),),
        app_url=f"{service}/smart/launch",
        open_reading=open_reading,
        today=date.today,
    )
    server = make_server(HOST, port, app, threaded=True, request_handler=_Silent)
    with _in_thread(server):
        yield


@contextmanager
def _in_thread(server: BaseWSGIServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Silent(WSGIRequestHandler):
    """Writes no access log: addresses hold patients' ids, and the habit would be a bad one."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        """Say nothing."""


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if requests.get(f"{url}/cds-services", timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise _NotStarted


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
