"""The addresses of the SMART app: launch, the record's answer, and the evidence page of each open launch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, Response, g, redirect, request

from cds_service import metrics
from cds_service.errors import BadRequest, CdsServiceError, MissingData
from cds_service.events import Event, log, log_failure
from cds_service.knowledge.codes.overrides import OVERRIDE_REASONS
from cds_service.protocol.discovery import Service
from cds_service.protocol.signing import new_secret, public_keys
from cds_service.service import KEYS, Ports, answer, app_address, no_responses
from cds_service.settings import Settings
from cds_service.smart.authorize import Issuer
from cds_service.smart.launch import Launcher, OpenLaunch, not_granted
from cds_service.smart.page import STATIC, evidence_page, notice_page
from cds_service.smart.problems import NotOpened, Problem
from cds_service.smart.style import style_sheet
from cds_service.smart.what_if import WhatIf, read_supposed
from cds_service.store.records import Feedback
from cds_service.store.store import Store
from cds_service.web.responses import as_json

COOKIE = "__Host-bme-app"
KEYS_FRESH_S = 300
ACCEPTED = "accepted"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_STATIC = {"page.css": "text/css", "page.js": "text/javascript"}


def offer_app(
    app: Flask, settings: Settings, ports: Ports, services: Iterable[Service], store: Store, *, version: str
) -> None:
    """Serve the app. ``version``: fingerprint of what decides (``service.rules_version``).

    Raises:
        ConfigurationError: it cannot be served as configured.
    """
    launcher = Launcher(settings, services, store.launches(settings.secret), ports.now)
    # What was answered before keeps cards from being shown again, not from being explained.
    pages = _App(settings, replace(ports, responses=no_responses), launcher, store, version)
    app.register_blueprint(pages.blueprint())


@dataclass(frozen=True)
class _App:
    settings: Settings
    ports: Ports
    launcher: Launcher
    store: Store
    version: str

    def blueprint(self) -> Blueprint:
        pages = Blueprint("smart", __name__, url_prefix="/smart")
        pages.get("/launch")(self.launch)
        pages.get("/callback")(self.callback)
        pages.get("/jwks.json")(self.jwks)
        pages.get("/static/<name>")(self.static_file)
        pages.get("/app/<name>/")(self.show)
        pages.get("/app/<name>/style.css")(self.style)
        pages.post("/app/<name>/feedback")(self.feedback)
        pages.post("/app/<name>/end")(self.end)
        pages.errorhandler(NotOpened)(_not_opened)
        pages.errorhandler(CdsServiceError)(_refused)
        pages.errorhandler(Exception)(_failed)
        pages.after_request(_protect)
        return pages

    # Launching

    def launch(self) -> Any:
        issuer = self.launcher.issuer_of(request.args.get("iss", ""))
        _may_frame(issuer)
        browser = _browser() or new_secret()
        response = redirect(self.launcher.begin(issuer, request.args.get("launch") or None, browser))
        response.set_cookie(COOKIE, browser, secure=True, httponly=True, samesite="None", partitioned=True)
        return response

    def callback(self) -> Any:
        browser = _browser()
        issuer, pending = self.launcher.take_pending(request.args.get("state", ""), browser)
        _may_frame(issuer)
        name = self.launcher.finish(issuer, pending, request.args, browser)
        log(Event.APP_OPENED, issuer=issuer.base)
        return redirect(app_address(self.settings, f"app/{name}/"), 303)

    def jwks(self) -> Response:
        response = as_json(public_keys(*self.launcher.keys))
        response.headers["Cache-Control"] = f"public, max-age={KEYS_FRESH_S}"
        return response

    # An open launch

    def show(self, name: str) -> Response:
        opened, issuer = self._open(name)
        call = self.launcher.call(opened)
        not_read = not_granted(call)
        try:
            recorded = answer(call, self.settings, self.ports)
        except (MissingData, BadRequest) as error:
            lacking = ", ".join(KEYS[key].name for key in not_read if key in KEYS)
            raise NotOpened(Problem.NOT_READ, f"Not granted: {lacking}." if lacking else "") from error
        supposed = read_supposed(request.args.items(multi=True), self.ports.rules)
        asked = bool(supposed.facts or supposed.refused)
        shown = answer(call, self.settings, self.ports, supposed.facts, recorded) if supposed.facts else recorded
        page = evidence_page(
            shown,
            self.ports.rules,
            self.version,
            as_of=datetime.fromtimestamp(self.ports.now()).astimezone(),
            patient_id=call.patient_id,
            patient_banner=opened.banner,
            not_granted=not_read,
            what_if=WhatIf(supposed, recorded) if asked else None,
            opened=opened.focus,
            source=issuer.name,
            assets=_assets(),
            notices=self.launcher.notices(opened, recorded),
            reasons=[(one.code, one.display) for one in OVERRIDE_REASONS] if opened.card else (),
            styled=bool(opened.style),
        )
        return _html(page)

    def style(self, name: str) -> Response:
        return Response(style_sheet(dict(self._open(name)[0].style)), content_type="text/css; charset=utf-8")

    def feedback(self, name: str) -> Response:
        opened, _ = self._open(name)
        chosen = request.form.get("answer", "")
        reason = next((one for one in OVERRIDE_REASONS if one.code == chosen), None)
        if opened.card is None or (reason is None and chosen != ACCEPTED):
            raise NotOpened(Problem.NOTHING_HERE)
        outcome = "overridden" if reason else ACCEPTED
        given = Feedback(
            client=opened.issuer,
            card=opened.card.card,
            outcome=outcome,
            suggestions=(),
            reason_system=reason.system if reason else "",
            reason_code=reason.code if reason else "",
            comment="",
            outcome_at=None,
        )
        unknown = self.store.keep([given])
        metrics.count("feedback", outcome)
        log(Event.FEEDBACK_TAKEN, service="app", items=1, unknown_cards=unknown, unusable=0)
        told = "The card is not shown again for a while, unless what it rests on changes."
        return _notice("Your answer was kept", told, back=".")

    def end(self, name: str) -> Response:
        self._open(name)
        self.launcher.end(name, _browser())
        return _notice("The page is closed", "Nothing of the patient is kept.")

    def static_file(self, name: str) -> Response:
        if name not in _STATIC:
            raise NotOpened(Problem.NOTHING_HERE)
        response = Response((STATIC / name).read_bytes(), content_type=f"{_STATIC[name]}; charset=utf-8")
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    def _open(self, name: str) -> tuple[OpenLaunch, Issuer]:
        opened = self.launcher.read(name, _browser())
        issuer = self.launcher.issuers[opened.issuer]
        _may_frame(issuer)
        return opened, issuer


def _browser() -> str:
    """Return what the browser's cookie holds; nothing unless it has the form of ours."""
    found = request.cookies.get(COOKIE, "")
    return found if _SECRET.fullmatch(found) else ""


def _may_frame(issuer: Issuer) -> None:
    """Let the pages of this record show what is answered in a frame."""
    g.frames = issuer.settings.frames


def _html(page: str, status: int = 200) -> Response:
    return Response(page, status=status, content_type="text/html; charset=utf-8")


def _assets() -> str:
    """Return where the styles lie, from this page: relative, as the service may lie below a path of its host."""
    return "../../static" if "/app/" in request.path else "static"  # /smart/app/<name>/... or /smart/...


def _notice(title: str, *paragraphs: str, back: str = "", status: int = 200) -> Response:
    return _html(notice_page(title, paragraphs, back=back, assets=_assets()), status)


def _told(problem: Problem, detail: str = "") -> Response:
    return _notice("Not opened", problem.happened, detail, problem.advice, status=problem.status)


def _not_opened(error: NotOpened) -> Response:
    log(Event.APP_NOT_OPENED, status=error.problem.status, code=error.problem.name.lower())
    return _told(error.problem, error.detail)


def _refused(error: CdsServiceError) -> Response:
    log(Event.APP_NOT_OPENED, status=error.status, code=error.code)
    return _told(Problem.BUSY if error.status == 503 else Problem.FAILED)


def _failed(error: Exception) -> Response:
    return _told(Problem.FAILED, f"Error {log_failure(error)}.")


def _protect(response: Response) -> Response:
    frames = " ".join(g.get("frames", ())) or "'none'"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self';"
        f" base-uri 'none'; frame-ancestors {frames}"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
