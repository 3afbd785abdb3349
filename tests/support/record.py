"""The demo's record and the service, each on a port of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson
from flask import Flask

from cds_service.data import data_path
from cds_service.demo.authorization import Client
from cds_service.demo.ehr import create_ehr
from cds_service.demo.patients import Patients, read_patients
from cds_service.protocol.jwks import Key
from cds_service.protocol.signing import new_key, public_keys, written_key
from cds_service.scenarios import load_scenarios
from cds_service.settings import Settings
from cds_service.web import create_app
from support.serving import serving

APP = "https://app.example/callback"
APP_ID = "bme-smart-app"


@dataclass(frozen=True)
class Demo:
    """Both, running. ``service_app`` is the application of the service."""

    ehr: str
    service: str
    service_app: Flask


class Later:
    """An application that is made once its address is known."""

    app: Flask

    def __call__(self, environ: Any, start: Any) -> Any:
        return self.app(environ, start)


def patients(today: date) -> Patients:
    return read_patients(load_scenarios(data_path("scenarios")), today)


def record(base: str = "http://localhost", service: str = "http://127.0.0.1:9", **given: Any) -> Flask:
    """The record as an application, with the example patients as of today."""
    today = date.today()  # noqa: DTZ011  # the local day, as the demo means it
    clients = given.pop("clients", (Client("public", (APP,)),))
    key = given.pop("key", None) or new_key("ES384")
    return create_ehr(patients(today), base, service, key, clients=clients, today=lambda: today, **given)


@contextmanager
def demo(
    folder: Path,
    *,
    issuer: Mapping[str, Any] = {},
    app_keys: Sequence[Key] = (),
    watch: Callable[[Flask], None] = lambda _: None,
    sandbox: bool = False,
    **given: Any,
) -> Iterator[Demo]:
    """Run both; what the service remembers goes into the folder.

    ``issuer``: how the record is known to the app, where it differs; ``app_keys``: private ones, of the app; ``watch``
    is given the record's application; ``sandbox``: whether the service takes its clients for the CDS Hooks Sandbox.
    """
    key, ehr, service = new_key("ES384"), Later(), Later()
    app_keys = app_keys or [new_key("ES384")]
    private = {"keys": [orjson.loads(written_key(one)) for one in app_keys]}
    (folder / "app-keys.json").write_bytes(orjson.dumps(private))
    with serving(ehr) as ehr_base, serving(service) as base:
        keys = {} if issuer.get("auth") == "none" else public_keys(*app_keys)
        app = Client(APP_ID, (f"{base}/smart/callback",), keys)
        settings = Settings(
            auth="optional",
            card_key="a key",
            clients={f"{ehr_base}/fhir": {"keys": public_keys(key)}},
            fhir_servers=[f"{ehr_base}/fhir"],
            profile="sandbox" if sandbox else "generic",
            public_url=base,
            smart_issuers={f"{ehr_base}/fhir": {"client_id": APP_ID, "name": "the record", **issuer}},
            smart_keys=folder / "app-keys.json",
            store_url=f"sqlite:///{folder}/store.sqlite3",
        )
        service.app = create_app(settings)
        given = {"clients": (app,), "app_url": f"{base}/smart/launch", **given}
        ehr.app = record(ehr_base, base, key=key, **given)
        watch(ehr.app)
        yield Demo(ehr_base, base, service.app)
