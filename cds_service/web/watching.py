"""How the service is: whether it lives and is ready, and what it counts (``metrics``)."""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from time import perf_counter

from flask import Flask, Response, g, request

from cds_service import metrics
from cds_service.errors import NotAuthenticated
from cds_service.protocol.discovery import Service
from cds_service.service import Answer
from cds_service.settings import Settings
from cds_service.store.store import Store
from cds_service.web.responses import as_json

CHALLENGE = 'Basic realm="figures of the service", charset="UTF-8"'
"""By it a browser asks for the password; programs send the token unasked."""


def watch(app: Flask, settings: Settings, store: Store) -> None:
    """Serve the addresses that tell how the service is."""

    @app.get("/health/live")
    def live() -> Response:
        return as_json({"status": "live"})

    @app.get("/health/ready")
    def ready() -> Response:
        # Without its store the service still answers calls, so it must not be taken out of use.
        works = store.works()
        return as_json({"status": "ready" if works else "degraded", "store": "works" if works else "fails"})

    token = settings.admin_token.get_secret_value()
    if token:

        @app.get("/metrics")
        def show_metrics() -> Response:
            admit(token)
            body, kind = metrics.written()
            return Response(body, content_type=kind)


def admit(token: str) -> None:
    """Let only those go on who have the admin token: programs as a bearer, people as a password, whatever their name.

    Raises:
        NotAuthenticated: the request at hand has not.
    """
    given = request.authorization
    told = (given.token if given.type == "bearer" else given.password) if given else None
    if not compare_digest((told or "").encode(), token.encode()):
        raise NotAuthenticated("admin token missing or wrong", CHALLENGE)


def count_requests(app: Flask, services: Mapping[str, Service]) -> None:
    """Count every request, by the service it is to, and the time it takes."""

    @app.before_request
    def begin() -> None:
        g.began = perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        asked = str((request.view_args or {}).get("service_id"))
        about = (request.endpoint or "none", asked if asked in services else "none")
        metrics.count("requests", *about, str(response.status_code))
        metrics.took("request_seconds", perf_counter() - g.began, *about)
        return response


def count_answer(reply: Answer, service: Service) -> None:
    """Count what an answer says, and what it rests on."""
    for content in reply.contents:
        metrics.count("cards", service.id, content.topic, content.tier.name.lower())
        for rule in content.rules:
            metrics.count("card_rules", rule, content.tier.name.lower())
    if reply.selection.silences:
        metrics.count("silent_cards", service.id, by=len(reply.selection.silences))
    if reply.gaps:
        metrics.count("incomplete_answers", service.id)
    for key, state in reply.record.states.items():
        metrics.count("prefetch", key, state.value)
    for key in reply.record.queried:
        failure = reply.record.failures.get(key)
        metrics.count("fhir_queries", key, failure.name.lower() if failure else "answered")
    for phase, seconds in reply.took_s.items():
        metrics.took("phase_seconds", seconds, service.id, phase)
