"""What decides, laid open at ``/transparency``: as a page for people, as JSON for programs. Nothing of a patient."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from importlib.metadata import version

from flask import Flask, Response, request

from cds_service.model.rule import RuleSet
from cds_service.settings import Settings
from cds_service.smart.transparency import Transparency, changelog, transparency
from cds_service.web.pages import as_page
from cds_service.web.responses import as_json


def lay_open(app: Flask, settings: Settings, rules: RuleSet, rule_set: str) -> None:
    """Serve what decides, of the service as it is set up. ``rule_set``: its fingerprint (``service.rules_version``)."""

    @cache
    def found() -> Transparency:
        return transparency(rules, settings.judgement, rule_set, version("bme-cds-service"), changelog())

    @app.get("/transparency")
    def show_transparency() -> Response:
        kinds = ("text/html", "application/json")
        if request.accept_mimetypes.best_match(kinds, default=kinds[0]) == kinds[1]:
            response = as_json(asdict(found()))
        else:
            response = as_page("transparency.html", page=found())
        response.headers["Vary"] = "Accept"
        return response

    @app.get("/transparency.json")
    def send_transparency() -> Response:
        return as_json(asdict(found()))
