"""The gate before every address under ``/cds-services``: who calls, and whether that has to be known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Flask, g, request

from cds_service.errors import ConfigurationError
from cds_service.events import Event, log
from cds_service.fhir.documents import fetch_document
from cds_service.protocol.client_jwt import NOBODY, Caller, Client, SeenTokens, Verifier
from cds_service.protocol.jwks import KeyRing, read_keys
from cds_service.protocol.profiles import PROFILES
from cds_service.settings import ClientSettings, Settings, is_loopback

ROOT = "cds-services"
SANDBOX = "https://sandbox.cds-hooks.org"
"""Issuer of the public CDS Hooks Sandbox; its private key lies in its repository."""


def authenticate(app: Flask, settings: Settings, seen: SeenTokens, now: Callable[[], float]) -> None:
    """Let no call through that is not authenticated as the settings ask. ``now``: seconds since 1970.

    Raises:
        ConfigurationError: the settings leave the service open to others, or cannot authenticate anybody.
    """
    if settings.auth == "off":
        if not is_loopback(settings.host):
            raise ConfigurationError(
                "callers are not authenticated (BME_AUTH=off), which is for this machine only: set BME_AUTH=required"
                " with BME_CLIENTS and BME_PUBLIC_URL, or BME_HOST=127.0.0.1"
            )
        log(Event.NOT_AUTHENTICATED)
        return
    if not settings.clients or not settings.public_url:
        raise ConfigurationError(
            f"BME_AUTH={settings.auth} needs BME_CLIENTS, whose tokens are taken, and BME_PUBLIC_URL, which they name"
        )
    clients = {issuer: _client(issuer, given, settings) for issuer, given in settings.clients.items()}
    if SANDBOX in clients:
        log(Event.PUBLIC_KEY_TRUSTED)
    verifier = Verifier(clients, seen, now, settings.token_lifetime_s)

    @app.before_request
    def check_caller() -> None:
        if not is_guarded():
            return
        place = _place()
        authorization = request.headers.get("Authorization", "")
        needed = settings.auth == "required" and (settings.auth_discovery or len(place) > 1)
        if authorization or needed:
            g.caller = verifier.caller(authorization, audiences(settings.public_url, place))


def is_guarded() -> bool:
    """Whether the request at hand is one to the services. A browser's preflight is not: it carries no token."""
    return _place()[:1] == [ROOT] and request.method != "OPTIONS"


def _place() -> list[str]:
    return [part for part in request.path.split("/") if part]


def caller() -> Caller:
    """Return who has proven to make the request at hand."""
    found: Caller = g.get("caller", NOBODY)
    return found


def audiences(public_url: str, place: list[str]) -> frozenset[str]:
    """Return how a token may name the address called, given by the parts of its path.

    A client that was told of ``.../cds-services/`` calls and signs ``.../cds-services//<id>`` (the CDS Hooks Sandbox
    at 3b7e255). What the request says of the host is not asked.
    """
    root, *below = place
    ways = ("/", "//") if below else ("",)
    return frozenset(f"{public_url}/{root}{way}{'/'.join(below)}{end}" for way in ways for end in ("", "/"))


def _client(issuer: str, given: ClientSettings, settings: Settings) -> Client:
    try:
        keys = read_keys(given.keys) if given.keys else {}
        usable = len(keys) == len(given.keys.get("keys", ()))
    except ValueError:
        usable, keys = False, {}
    if not usable:
        raise ConfigurationError(
            f"BME_CLIENTS: the keys of {issuer!r} cannot be used: give {{'keys': [...]}}, each an EC key (P-256, P-384,"
            " P-521) or an RSA key of 2048 to 4096 bits, for signatures, with a kid of its own"
        )
    fetch = partial(fetch_document, ca_file=settings.fhir_ca_file) if given.jku else None
    profile = PROFILES[given.profile] if given.profile else None
    return Client(KeyRing(issuer, keys, given.jku, fetch), given.jku, given.tenants, given.fhir_servers, profile)
