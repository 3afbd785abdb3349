"""The contract, for programs at ``/openapi.json`` and for people at ``/docs``. Nothing of a patient is in either."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response

from cds_service.data import data_path
from cds_service.protocol.discovery import Service
from cds_service.scenarios import load_scenarios
from cds_service.settings import Settings
from cds_service.web.openapi import openapi
from cds_service.web.pages import as_page
from cds_service.web.responses import as_json

STYLE = Path(__file__).parent / "static" / "contract.css"


def describe(app: Flask, settings: Settings, services: Mapping[str, Service]) -> None:
    """Serve the contract."""

    @cache
    def contract() -> dict[str, Any]:
        return openapi(settings, services, load_scenarios(data_path("scenarios")))

    @app.get("/openapi.json")
    def show_contract() -> Response:
        return as_json(contract())

    @app.get("/docs")
    def show_page() -> Response:
        return as_page("contract.html", contract=contract())

    @app.get("/docs.css")
    def show_style() -> Response:
        return Response(STYLE.read_bytes(), mimetype="text/css")
