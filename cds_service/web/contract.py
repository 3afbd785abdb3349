"""The contract, for programs at ``/openapi.json`` and for people at ``/docs``. Nothing of a patient is in either."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from cds_service.data import data_path
from cds_service.protocol.discovery import Service
from cds_service.scenarios import load_scenarios
from cds_service.settings import Settings
from cds_service.web.openapi import openapi
from cds_service.web.responses import as_json

STYLE = Path(__file__).parent / "static" / "contract.css"
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


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
        response = Response(page(contract()), mimetype="text/html")
        response.headers["Content-Security-Policy"] = POLICY
        return response

    @app.get("/docs.css")
    def show_style() -> Response:
        return Response(STYLE.read_bytes(), mimetype="text/css")


def page(contract: Mapping[str, Any]) -> str:
    """Return a contract as a page: every operation with a line to try it, every form that is sent or answered."""
    environment = Environment(
        loader=PackageLoader("cds_service.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    return environment.get_template("contract.html").render(contract=contract)
