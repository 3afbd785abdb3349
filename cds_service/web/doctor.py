"""The connection to an EHR, walked step by step as the EHR would: what works, and what to do where it does not.

Reads what the service would read, from the same places and within the same limits, and nothing else. No message holds
a token, a patient's id or anything of a record.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
from requests import Request

from cds_service.fhir.access import objects, text
from cds_service.fhir.client import Access, Failure, Fetched, FhirClient, Limits
from cds_service.fhir.source import READ_TYPES, entries, is_failure
from cds_service.fhir.transport import TimedAdapter, end_reads_at, time_left, tls_context
from cds_service.protocol.call import HookCall
from cds_service.protocol.client_jwt import LEEWAY_S
from cds_service.protocol.discovery import Service, discovery
from cds_service.protocol.jwks import read_keys
from cds_service.settings import ClientSettings, Settings, is_loopback

WITHIN_S = 5.0
"""How long the doctor waits for one answer, which is longer than the service does."""
MAX_BYTES = 5_000_000


@dataclass(frozen=True)
class Step:
    """One thing that was looked at, what was found, and what to do about it (empty when it is in order)."""

    name: str
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Patient:
    """A test patient of the EHR: on which FHIR server, which id, and a token to read with."""

    base: str
    ident: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class _Got:
    status: int
    headers: Mapping[str, str]
    body: bytes
    at: float


def walk(url: str, settings: Settings, services: Mapping[str, Service], patient: Patient | None) -> Iterator[Step]:
    """Yield every step of the way from the EHR to us and from us to its FHIR server.

    Args:
        url: the address that the EHR is given, before ``/cds-services``.
        services: those of this service, by id.
        patient: whom to try the queries for; None when there is no FHIR server to look at.
    """
    url = url.rstrip("/").removesuffix("/cds-services")
    yield from _discovery(url, settings, services)
    yield from _callers(url, settings)
    for issuer, client in settings.clients.items():
        yield from _keys(issuer, client, settings.fhir_ca_file)
    if patient is None:
        yield Step("FHIR server", "not looked at; name it with --fhir")
    else:
        yield from _server(patient, settings)
        yield from _queries(patient, settings, services)


# How the EHR sees us


def _discovery(url: str, settings: Settings, services: Mapping[str, Service]) -> Iterator[Step]:
    name = "discovery"
    try:
        got = _get(f"{url}/cds-services", settings.fhir_ca_file)
    except OSError as error:
        yield Step(
            name,
            f"no answer ({error})",
            "start the service, and let the name and the port lead to it or to"
            " what ends TLS in front of it; the certificate must name this host",
        )
        return
    yield _clock("clock of the service", got, "the service")
    if got.status == 401 and settings.auth == "required" and settings.auth_discovery:
        yield Step(name, "asks for a token, as set up; an EHR that reads it without one needs BME_AUTH_DISCOVERY=false")
        return
    listed = _listed(got)
    if listed is None:
        where = "a redirect, which clients do not follow" if got.status // 100 == 3 else f"HTTP {got.status}"
        yield Step(
            name,
            f"{where}, and no list of services",
            f"forward {url}/cds-services and all below it to the"
            " service unchanged: no other path, no login page, no redirect",
        )
        return
    ours = {one["id"]: one for one in discovery(services, settings.discovery_version)["services"]}
    wrong = sorted(name for name in {*ours, *listed} if ours.get(name) != listed.get(name))
    if wrong:
        yield Step(
            name,
            f"lists other services than these settings make: {', '.join(wrong)}",
            "the address leads to"
            " another service or an older version, or this environment is not the service's own: give it the"
            " same BME_HOOKS_FOLDER, BME_RESULT_REVIEW_HOOK and BME_DISCOVERY_VERSION",
        )
    else:
        yield Step(name, f"lists {len(ours)} services, as set up")


def _listed(got: _Got) -> dict[str, Any] | None:
    found = _json(got)
    services = found.get("services") if got.status == 200 and isinstance(found, dict) else None
    return None if services is None else {text(one.get("id")): one for one in objects(services)}


def _callers(url: str, settings: Settings) -> Iterator[Step]:
    name = "who may call"
    if settings.auth == "off":
        if is_loopback(urlsplit(url).hostname):
            yield Step(name, "anybody on this machine (BME_AUTH=off)")
        else:
            yield Step(
                name,
                "anybody who reaches this address (BME_AUTH=off)",
                "set BME_AUTH=required with BME_CLIENTS and BME_PUBLIC_URL",
            )
        return
    if not settings.clients:
        yield Step(
            name,
            "nobody: tokens are asked for, and no client is known",
            "name the EHR in BME_CLIENTS, with the issuer (iss) of its tokens and its jku or keys",
        )
    if settings.public_url != url:
        yield Step(
            name,
            "tokens must name another address than this one",
            f"set BME_PUBLIC_URL={url}, if this is what the EHR calls: its tokens name the address called (aud)",
        )
    elif settings.clients:
        yield Step(name, f"{len(settings.clients)} clients, with tokens for this address (BME_AUTH={settings.auth})")


def _keys(issuer: str, client: ClientSettings, ca_file: str) -> Iterator[Step]:
    name = f"keys of {issuer}"
    if client.keys:
        yield _usable(name, client.keys, "in BME_CLIENTS")
    if not client.jku:
        return
    try:
        got = _get(client.jku, ca_file)
    except OSError as error:
        yield Step(
            name,
            f"the jku gives no answer ({error})",
            "let this machine reach the address (firewall, proxy),"
            " set BME_FHIR_CA_FILE for authorities that are not public, or give the keys by hand",
        )
        return
    yield _clock(f"clock of {issuer}", got, "the EHR")
    if got.status != 200:
        yield Step(
            name,
            f"the jku answers HTTP {got.status}",
            "ask the EHR for the address of its key set; it must be the same, to the letter, as jku in its tokens",
        )
    else:
        yield _usable(name, _json(got), "at the jku")


def _usable(name: str, value: Any, where: str) -> Step:
    fix = "it must be {'keys': [...]}: EC keys (P-256, P-384, P-521) or RSA keys of 2048 to 4096 bits, for signatures,"
    fix += " each with a kid"
    try:
        keys = read_keys(value)
    except ValueError:
        return Step(name, f"no key set {where}", fix)
    if not keys:
        return Step(name, f"none of the keys {where} can be used", fix)
    return Step(name, f"{len(keys)} usable {where}")


# How we see the EHR's FHIR server


def _server(patient: Patient, settings: Settings) -> Iterator[Step]:
    base = patient.base.rstrip("/")
    allowed = {*settings.fhir_servers, *(one for client in settings.clients.values() for one in client.fhir_servers)}
    if base in allowed:
        yield Step("FHIR server may be read", "it is among those that the service reads")
    else:
        yield Step(
            "FHIR server may be read",
            "it is not among those that the service reads",
            f"add {base} to BME_FHIR_SERVERS, as calls name it in fhirServer",
        )
    name = "FHIR metadata"
    try:
        got = _get(f"{base}/metadata", settings.fhir_ca_file)
    except OSError as error:
        yield Step(
            name,
            f"no answer ({error})",
            "let this machine reach the address (firewall, proxy), and set"
            " BME_FHIR_CA_FILE if its certificate is not of a public authority",
        )
        return
    yield _clock("clock of the FHIR server", got, "the FHIR server")
    statement = _json(got)
    if not isinstance(statement, dict) or statement.get("resourceType") != "CapabilityStatement":
        yield Step(
            name,
            f"HTTP {got.status}, and no CapabilityStatement",
            "name the base address of the FHIR server,"
            " such as https://ehr.example/fhir/R4, not a page or a resource of it",
        )
        return
    version = text(statement.get("fhirVersion"))
    if not version.startswith("4."):
        yield Step(
            name,
            f"FHIR version {version or 'not stated'}",
            "name the R4 address of the server: what other versions send is read only as far as its parts are known",
        )
        return
    kinds = {text(one.get("type")) for rest in objects(statement.get("rest")) for one in objects(rest.get("resource"))}
    if lacking := sorted(READ_TYPES - kinds):
        yield Step(
            name,
            f"R4, but without {', '.join(lacking)}",
            "ask the EHR to open these types to the app, or send"
            " them as prefetch; what stays missing is named on cards",
        )
    else:
        yield Step(name, f"FHIR {version} with every type that is read")


FIXES: Mapping[Failure, str] = {
    Failure.NOT_PERMITTED: "give the token the scope {scope}; a fresh one if it has run out",
    Failure.REFUSED: "the server does not take this query: use the short form in hooks/README.md, in a folder named by"
    " BME_HOOKS_FOLDER",
    Failure.NOT_FOUND: "the server has no such patient or type: check the id and the base address",
    Failure.TIMED_OUT: "the server needs longer than BME_FHIR_DEADLINE_S: send this key as prefetch, or raise the limit"
    " if the EHR waits so long",
    Failure.NOT_SECURE: "set BME_FHIR_CA_FILE to the authority of its certificate",
    Failure.UNREACHABLE: "let this machine reach the address (firewall, proxy)",
    Failure.REDIRECTED: "name the address that it redirects to: no redirect is followed",
    Failure.NOT_FHIR: "the answer is no FHIR JSON: name the base address of the FHIR server, not of a page",
    Failure.TOO_LARGE: "lower _count in the template (hooks/README.md)",
}


def _queries(patient: Patient, settings: Settings, services: Mapping[str, Service]) -> Iterator[Step]:
    if not patient.ident:
        yield Step("queries", "not tried; name a test patient with --patient")
        return
    limits = Limits(post_search=settings.fhir_post_search, ca_file=settings.fhir_ca_file, connect_s=WITHIN_S)
    fhir = FhirClient(limits)
    access = Access(patient.base.rstrip("/"), patient.token)
    try:
        for key, query in _every_query(patient, services.values()).items():
            if not query:
                yield Step(f"query {key}", "not tried: it needs more than the patient")
                continue
            yield _tried(key, query, fhir.fetch({key: query}, access, settings.fhir_deadline_s)[key])
    finally:
        fhir.close()


def _every_query(patient: Patient, services: Iterable[Service]) -> dict[str, str]:
    """Return the queries of all services by key; empty where the context has to name more than a patient."""
    found: dict[str, str] = {}
    for service in services:
        call = HookCall(
            service, str(uuid4()), patient.ident, "", {"patientId": patient.ident}, dict.fromkeys(service.prefetch)
        )
        found |= call.queries()
    return found


def _tried(key: str, query: str, came: Fetched) -> Step:
    name, kind = f"query {key}", query.partition("?")[0].partition("/")[0]
    if came.failure is not None:
        right = "rs" if "?" in query else "r"
        fix = FIXES.get(came.failure, "see the log of the FHIR server; what it cannot say is named on cards")
        return Step(name, f"{kind}: {came.failure}", fix.format(scope=f"patient/{kind}.{right}"))
    resources = [one for page in came.pages for one in (page, *entries(page))]
    if any(one.get("resourceType") == "OperationOutcome" and is_failure(one) for one in resources):
        return Step(name, f"{kind}: answered with an error inside", FIXES[Failure.REFUSED])
    found = sum(one.get("resourceType") == kind for one in resources)
    return Step(name, f"{found} {kind}{', and more than is read' if came.incomplete else ''}")


# What every step needs


def _clock(name: str, got: _Got, whose: str) -> Step:
    try:
        skew = parsedate_to_datetime(got.headers.get("Date", "")).timestamp() - got.at
    except ValueError:
        return Step(name, "not told")
    if abs(skew) > LEEWAY_S:
        return Step(
            name,
            f"{abs(skew):.0f} s {'before' if skew > 0 else 'behind'} this machine's",
            f"set both clocks by"
            f" NTP, that of this machine and of {whose}: tokens would count as not yet valid or as run out",
        )
    return Step(name, "as this machine's")


def _get(address: str, ca_file: str) -> _Got:
    """Return what an address answers. Raises OSError, with a text that holds nothing of the address."""
    adapter = TimedAdapter(1, tls_context(ca_file) if address.startswith("https:") else None)
    end_reads_at(time.monotonic() + WITHIN_S)
    request = Request("GET", address, headers={"Accept": "application/json", "Accept-Encoding": "identity"}).prepare()
    try:
        with adapter.send(request, stream=True, timeout=(WITHIN_S, time_left())) as response:
            body = response.raw.read(MAX_BYTES, decode_content=False)
            return _Got(response.status_code, response.headers, body, time.time())
    except Exception as error:  # whatever a server provokes in the libraries, whose words hold addresses
        raise OSError(_kind_of(error)) from None
    finally:
        adapter.close()


def _kind_of(error: Exception) -> str:
    words = f"{type(error).__name__} {error!r}"
    for sign, told in (
        ("SSL", "no secure connection"),
        ("NameResolution", "the name is not known"),
        ("refused", "nothing listens there"),
        ("imed out", "too slow"),
        ("Timeout", "too slow"),
    ):
        if sign in words:
            return told
    return "broken off"


def _json(got: _Got) -> Any:
    try:
        return orjson.loads(got.body)
    except orjson.JSONDecodeError:
        return None
