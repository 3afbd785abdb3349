"""Flask: the addresses, and every error as an OperationOutcome."""

from __future__ import annotations

import re
from dataclasses import replace
from time import perf_counter
from typing import Any

from flask import Flask, Response, request
from flask_cors import CORS
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from cds_service import metrics
from cds_service.cards.selection import HookKind
from cds_service.errors import (
    BodyTooLarge,
    CdsServiceError,
    ConfigurationError,
    NotAuthenticated,
    UnknownService,
    UnsupportedMediaType,
)
from cds_service.events import Event, configure_logging, log, log_failure
from cds_service.knowledge.codes.referrals import REFERRALS
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import Service, discovery
from cds_service.protocol.feedback import FeedbackItem, read_feedback
from cds_service.protocol.outcome import operation_outcome
from cds_service.protocol.profiles import PROFILES
from cds_service.protocol.strict_json import parse_json
from cds_service.service import Ports, answer, issued_cards, real_ports, rules_version, site_services
from cds_service.settings import Settings
from cds_service.store.records import Feedback
from cds_service.store.store import Store
from cds_service.web.authentication import authenticate, caller
from cds_service.web.contract import describe
from cds_service.web.overload import limit_calls
from cds_service.web.quality import show_quality
from cds_service.web.responses import as_json
from cds_service.web.transparency import lay_open
from cds_service.web.watching import count_answer, count_requests, watch


def create_app(settings: Settings | None = None, ports: Ports | None = None) -> Flask:
    """Return the application, ready to serve.

    Raises:
        ConfigurationError: the hook definitions cannot be read, or are for situations that nothing answers; callers are
            neither authenticated nor all on this machine, or cannot be authenticated.
    """
    configure_logging()
    settings = settings or Settings()
    ports = ports or real_ports(settings)
    services = site_services(settings)
    unknown = {service.situation for service in services.values()} - {kind.value for kind in HookKind}
    if unknown:
        raise ConfigurationError(
            f"nothing is known to answer for the hook definitions {sorted(unknown)}; known: {', '.join(HookKind)}"
        )
    listing = discovery(services, settings.discovery_version)
    version = rules_version(settings, ports)
    store = Store(
        settings.store_url.get_secret_value(),
        ports.now,
        tokens_required=settings.store_required,
        keep_days=settings.store_days,
    )
    ports = replace(ports, responses=store.responses)
    app = Flask(__name__, static_folder=None)
    app.extensions["store"] = store
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes

    count_requests(app, services)
    limit_calls(app, settings)
    authenticate(app, settings, store.seen, ports.now)

    def service_of(service_id: str) -> Service:
        if service_id not in services:
            raise UnknownService(service_id, services)
        return services[service_id]

    # Browsers follow no redirect of a preflight, and clients write base addresses with a slash behind them.
    app.url_map.merge_slashes = False

    @app.get("/cds-services")
    @app.get("/cds-services/")
    def list_services() -> Response:
        return as_json(listing)

    @app.post("/cds-services/<service_id>")
    @app.post("/cds-services/<service_id>/")
    @app.post("/cds-services//<service_id>")
    @app.post("/cds-services//<service_id>/")
    def call_service(service_id: str) -> Response:
        started = perf_counter()
        service = service_of(service_id)
        reply = answer(read_call(_body(), service, caller()), settings, ports)
        log(
            Event.CALL_ANSWERED,
            service=service.id,
            cards=len(reply.cards),
            silent=len(reply.selection.silences),
            gaps=len(reply.gaps),
            fetch_failures=sorted(reply.record.failures.values()),
            not_asked=reply.gathered.not_asked.name if reply.gathered.not_asked else "",
            unread_reports=len(reply.reading.unread),
            rules=sorted({result.rule.id for result in reply.assessment.trace if result.fired}),
            took_ms=round((perf_counter() - started) * 1000, 1),
        )
        count_answer(reply, service)
        store.record(issued_cards(reply, service, version))
        response = as_json(reply.response)
        phases = {**reply.took_s, "total": perf_counter() - started}
        response.headers["Server-Timing"] = ", ".join(f"{name};dur={1000 * s:.1f}" for name, s in phases.items())
        return response

    @app.post("/cds-services/<service_id>/feedback")
    @app.post("/cds-services/<service_id>/feedback/")
    @app.post("/cds-services//<service_id>/feedback")
    @app.post("/cds-services//<service_id>/feedback/")
    def take_feedback(service_id: str) -> Response:
        service = service_of(service_id)
        read = read_feedback(_body(), comments=settings.store_comments)
        unknown = store.keep([_feedback(item, caller().issuer) for item in read.items])
        for item in read.items:
            metrics.count("feedback", item.outcome)
        log(
            Event.FEEDBACK_TAKEN,
            service=service.id,
            items=len(read.items),
            unknown_cards=unknown,
            unusable=len(read.unusable),
        )
        return as_json({})

    watch(app, settings, store)
    show_quality(app, settings, services.values(), store, ports.now)
    if settings.smart_issuers:
        from cds_service.web.smart_app import offer_app  # noqa: PLC0415  # deferred: slow import

        offer_app(app, settings, ports, services.values(), store, version=version)
    describe(app, settings, services)
    lay_open(app, settings, ports.rules, version)
    _answer_errors(app)
    app.after_request(_protect)
    _let_browsers_call(app, settings)
    _name_what_is_not_offered(settings)
    return app


def _name_what_is_not_offered(settings: Settings) -> None:
    for name in sorted(settings.profiles):
        systems = PROFILES[name].order_systems
        coded = {target for target, code in settings.referral_codes.items() if code.system in systems}
        if systems and (lacking := sorted(REFERRALS.keys() - coded)):
            log(Event.REFERRALS_NOT_OFFERED, profile=name, targets=lacking)


def _let_browsers_call(app: Flask, settings: Settings) -> None:
    """Let pages of other origins read the discovery, and those of the site and of its clients call the services."""
    pages = [origin for name in sorted(settings.profiles) for origin in PROFILES[name].origins]
    allowed = {"methods": ["GET", "POST"], "allow_headers": ["Authorization", "Content-Type"], "max_age": 600}
    CORS(
        app,
        resources={
            re.compile("/cds-services/?$"): {**allowed, "origins": "*", "send_wildcard": True},
            re.compile("/cds-services/.+"): {**allowed, "origins": [*map(_exactly, settings.cors_origins), *pages]},
        },
    )


def _exactly(origin: str) -> re.Pattern[str]:
    """Return what matches this origin only: as text, flask-cors would take ``http://[::1]`` for a pattern."""
    return re.compile(rf"{re.escape(origin)}\Z", re.IGNORECASE)


def _feedback(item: FeedbackItem, client: str) -> Feedback:
    system, code = item.reason or ("", "")
    return Feedback(
        client=client,
        card=item.card,
        outcome=item.outcome,
        suggestions=item.suggestions,
        reason_system=system,
        reason_code=code,
        comment=item.comment,
        outcome_at=item.at,
    )


def _body() -> Any:
    """Return the JSON of the request.

    Raises:
        UnsupportedMediaType: it is not sent as plain JSON.
        BodyTooLarge: it has too many bytes.
        BadRequest: it is not JSON.
    """
    kind = request.mimetype
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType("the body is not sent as JSON; set Content-Type to application/json")
    if request.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise UnsupportedMediaType("the body is compressed; send plain application/json")
    try:
        body = request.get_data(cache=False)
        # A body without a length, sent in chunks, is not refused by Flask but cut off at the limit.
        if request.content_length is None and len(body) >= (request.max_content_length or len(body) + 1):
            raise RequestEntityTooLarge
    except RequestEntityTooLarge as error:
        raise BodyTooLarge("the body is larger than this service accepts; send fewer resources") from error
    return parse_json(body)


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(CdsServiceError)
    def refused(error: CdsServiceError) -> Response:
        log(Event.CALL_REFUSED, status=error.status, code=error.code, at=error.at)
        response = as_json(operation_outcome(error.code, error.message, at=error.at), error.status)
        if error.retry_after_s:
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response

    @app.errorhandler(NotAuthenticated)
    def not_let_in(error: NotAuthenticated) -> Response:
        metrics.count("token_failures", error.failure)
        log(Event.CALL_REFUSED, status=error.status, code=error.code, jwt_failure=error.failure)
        response = as_json(operation_outcome(error.code), error.status)
        response.headers["WWW-Authenticate"] = error.challenge
        return response

    @app.errorhandler(HTTPException)
    def not_served(error: HTTPException) -> Response:
        status = error.code or 500
        if isinstance(error, MethodNotAllowed):
            allowed = ", ".join(sorted(error.valid_methods or ()))
            response = as_json(operation_outcome("not-supported", f"this address answers {allowed} only"), status)
            response.headers["Allow"] = allowed
            return response
        texts = {
            404: ("not-found", "there is nothing at this address; the services are listed at /cds-services"),
            413: ("too-long", "the body is larger than this service accepts; send fewer resources"),
        }
        code, message = texts.get(status, ("processing", "the request could not be processed"))
        return as_json(operation_outcome(code, message), status)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        return as_json(operation_outcome("exception", "the service failed to answer", error_id=log_failure(error)), 500)


def _protect(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
