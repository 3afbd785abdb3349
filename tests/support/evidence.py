"""Evidence pages for the tests: of a scenario, or of a request made from one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from cds_service.data import data_path
from cds_service.protocol.call import read_call
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.service import Answer, Ports, answer, real_ports, rules_version, site_services
from cds_service.settings import Settings
from cds_service.smart.evidence import Evidence, evidence
from cds_service.smart.page import STATIC, evidence_page
from cds_service.smart.what_if import Supposed, WhatIf, read_supposed

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; script-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
"""What the app will send with the page."""

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
"""Where screenshots for the eye lie."""

SETTINGS = Settings(card_key="a key for the tests alone")
PORTS = real_ports(SETTINGS)
RULES = PORTS.rules
VERSION = rules_version(SETTINGS, PORTS)


@cache
def scenarios() -> dict[str, Scenario]:
    return {one.name: one for one in load_scenarios(data_path("scenarios"))}


def answered(request: dict[str, Any], day: date, supposed: Supposed | None = None) -> Answer:
    services = {one.hook: one for one in site_services(SETTINGS).values()}
    ports: Ports = replace(PORTS, today=lambda: day)
    call = read_call(request, services[request["hook"]])
    return answer(call, SETTINGS, ports, supposed.facts if supposed else ())


@cache
def answer_of(name: str, query: tuple[tuple[str, str], ...] = ()) -> Answer:
    """The answer to a scenario, or to one with what a query supposes."""
    scenario = scenarios()[name]
    return answered(scenario.request, scenario.as_of, read_supposed(query, RULES))


def _arguments(name: str, query: tuple[tuple[str, str], ...], more: dict[str, Any]) -> dict[str, Any]:
    supposed = read_supposed(query, RULES)
    what_if = WhatIf(supposed, answer_of(name)) if supposed.facts or supposed.refused else None
    return {"as_of": at_night(scenarios()[name].as_of), "what_if": what_if, **more}


def at_night(day: date) -> datetime:
    return datetime.combine(day, time(2, 7), UTC)


def evidence_of(name: str, query: Iterable[tuple[str, str]] = (), **more: Any) -> Evidence:
    """What the page of a scenario shows, as values."""
    asked = tuple(query)
    return evidence(answer_of(name, asked), RULES, VERSION, **_arguments(name, asked, more))


def page_of(name: str, query: Iterable[tuple[str, str]] = (), **more: Any) -> str:
    """The page of a scenario."""
    asked = tuple(query)
    return evidence_page(answer_of(name, asked), RULES, VERSION, **_arguments(name, asked, more))


def page_about(body: dict[str, Any], day: date, **more: Any) -> str:
    """The page of a request."""
    return evidence_page(answered(body, day), RULES, VERSION, as_of=at_night(day), **more)


def page_server(pages: dict[str, str] | None = None) -> Flask:
    """Serve the pages of scenarios as the app will: below its policy, with the static files beside them.

    ``pages`` are documents served as they are, by name.
    """
    app = Flask(__name__)

    @app.get("/static/<name>")
    def static_file(name: str) -> Response:
        kind = {"css": "text/css", "js": "text/javascript"}[name.rpartition(".")[2]]
        return Response((STATIC / name).read_bytes(), content_type=kind)

    @app.get("/page/<name>")
    def page(name: str) -> Response:
        found = (pages or {}).get(name)
        html = page_of(name, tuple(request.args.items()), assets="/static") if found is None else found
        return Response(html, headers={"Content-Security-Policy": CSP})

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)

    return app


def hostile(request: dict[str, Any], payload: str, kept: Iterable[str]) -> dict[str, Any]:
    """Return a request with the payload put into every string of its record that is not one of those ``kept``.

    Codes, dates, ids and references keep their meaning, so that what is read stays the same and is shown.
    """
    names = frozenset(kept)
    changed: dict[str, Any] = json.loads(json.dumps(request))

    def poisoned(value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return {inner: poisoned(one, inner) for inner, one in value.items()}
        if isinstance(value, list):
            return [poisoned(one, name) for one in value]
        return f"{value} {payload}" if isinstance(value, str) and name not in names else value

    changed["prefetch"] = poisoned(changed["prefetch"], "prefetch")
    return changed


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser that talks to this machine only."""
    from playwright.sync_api import sync_playwright  # deferred: only slow tests have it

    flags = (
        "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
        " --disable-component-update --disable-sync"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags.split())
        try:
            yield browser
        finally:
            browser.close()
