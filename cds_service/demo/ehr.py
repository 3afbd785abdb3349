"""The demo's electronic health record: chart, FHIR server and authorization server, one application on loopback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, request
from flask_cors import CORS

from cds_service.demo.authorization import Authority, Client, configuration, launch_of, register
from cds_service.demo.calls import CdsClient
from cds_service.demo.chart import ChartPages
from cds_service.demo.fhir import Records, fhir_server
from cds_service.demo.patients import USER, Patients
from cds_service.protocol.jwks import Key

LOOPBACK = ["127.0.0.1", "localhost"]


def create_ehr(
    patients: Patients,
    base: str,
    service_base: str,
    key: Key,
    *,
    clients: tuple[Client, ...] = (),
    app_url: str = "",
    open_reading: bool = False,
    today: Callable[[], date],
) -> Flask:
    """Return the record.

    Args:
        base: the address that it is served under, without a slash at its end; FHIR is at ``{base}/fhir``.
        service_base: the CDS service, before ``/cds-services``.
        key: signs the calls; the service knows it as that of the issuer ``{base}/fhir``.
        clients: the SMART apps that may be launched; ``app_url`` is offered in the chart.
        open_reading: whether FHIR may be read without a token, for sandboxes that have none.
    """
    app = Flask(__name__, static_folder=None)
    # A page elsewhere that calls this machine by a name of its own gets nothing.
    app.config["TRUSTED_HOSTS"] = LOOPBACK
    app.config["MAX_CONTENT_LENGTH"] = 10_000_000
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's own provider
    records = Records(patients.resources)
    first = next(iter(patients.stories))
    authority = Authority(clients, f"{base}/auth", f"{base}/fhir", USER, first)
    client = CdsClient(service_base, authority, records, key)
    app.register_blueprint(ChartPages(patients, records, client, authority, app_url, today).blueprint())
    app.register_blueprint(register(app, authority), url_prefix="/auth")
    app.register_blueprint(
        fhir_server(records, authority, authority.fhir_base, open_reading=open_reading), url_prefix="/fhir"
    )
    _well_known(app, authority, patients)
    CORS(
        app, resources={r"/fhir/.*|/auth/(token|jwks|introspect|style\.json)": {"origins": "*", "send_wildcard": True}}
    )
    _protect(app, base, service_base)
    return app


def _well_known(app: Flask, authority: Authority, patients: Patients) -> None:
    @app.get("/fhir/.well-known/smart-configuration")
    @app.get("/fhir/.well-known/openid-configuration")
    def smart_configuration() -> Response:
        return jsonify(configuration(authority))

    # The Sandbox of CDS Hooks writes "Launch", the first SMART launcher "launch".
    @app.post("/fhir/_services/smart/Launch")
    @app.post("/fhir/_services/smart/launch")
    def launch() -> Any:
        try:
            asked = launch_of(request.get_json(force=True, silent=True))
        except ValueError as error:
            return jsonify({"error": str(error)}), 400
        if asked.patient not in patients.stories:
            return jsonify({"error": "there is no such patient"}), 404
        return jsonify({"launch_id": authority.launch(asked)})


def _protect(app: Flask, base: str, service_base: str) -> None:
    @app.before_request
    def own_forms_only() -> None:
        path = request.path
        origin = request.headers.get("Origin")
        if request.method == "POST" and not path.startswith(("/fhir", "/auth")) and origin not in (None, base):
            abort(403)

    # A form that launches the app is redirected to it, and browsers ask form-action for that, too.
    app_origin = "{0.scheme}://{0.netloc}".format(urlsplit(service_base))
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        f" form-action 'self' {app_origin}; base-uri 'none'; frame-ancestors 'none'"
    )

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = policy
        return response
