"""A small FHIR R4 server: records in memory, the searches that our prefetch templates need, nothing guessed.

A parameter that it does not know is refused and never ignored: an ignored filter answers a question nobody asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from cds_service.demo.authorization import Authority, Grant
from cds_service.demo.faults import Fault

Json = dict[str, Any]

MIME = "application/fhir+json"
ACCEPTED = (MIME, "application/json", "application/json+fhir", "*/*", "application/*")
"""``application/json+fhir`` is the name of DSTU2, which the CDS Hooks Sandbox still asks for."""

PAGE = 50
LONGEST_PAGE = 500
SLOW_S = 3.0
"""How long a slow server takes: longer than the service waits."""

SUBJECT = ("subject.reference",)
TOKEN_PATHS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Patient": {"_id": ("id",), "identifier": ("identifier",)},
    "Practitioner": {"_id": ("id",)},
    "ImagingStudy": {"_id": ("id",), "patient": SUBJECT, "modality": ("modality", "series.modality")},
    "DiagnosticReport": {"_id": ("id",), "patient": SUBJECT, "category": ("category",), "code": ("code",)},
    "Observation": {"_id": ("id",), "patient": SUBJECT, "category": ("category",), "code": ("code",)},
    "Condition": {"_id": ("id",), "patient": SUBJECT},
    "MedicationRequest": {"_id": ("id",), "patient": SUBJECT, "status": ("status",)},
    "ServiceRequest": {"_id": ("id",), "patient": SUBJECT, "status": ("status",)},
}
"""Type -> search parameter -> where its values are. ``patient`` is a reference, all others are tokens."""

_WHEN = ("effectiveDateTime", "effectivePeriod.start", "effectiveInstant")
SORT_PATHS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ImagingStudy": {"started": ("started",)},
    "DiagnosticReport": {"date": _WHEN},
    "Observation": {"date": _WHEN},
    "MedicationRequest": {"authoredon": ("authoredOn",)},
    "ServiceRequest": {"authored": ("authoredOn",)},
}
"""Type -> what it can be sorted by -> where its values are."""

WRITABLE = ("ServiceRequest", "MedicationRequest")


class Refused(Exception):
    """The server does not do what it was asked; ``status`` is of HTTP, ``code`` an issue type of FHIR."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Found:
    """One page of a search; ``following`` are the parameters of the next page, None after the last."""

    total: int
    resources: list[Json]
    following: list[tuple[str, str]] | None


class Records:
    """All resources by type and id, in memory."""

    def __init__(self, resources: Iterable[Json]) -> None:
        self._kept: dict[str, dict[str, Json]] = {kind: {} for kind in TOKEN_PATHS}
        for one in resources:
            self._kept[one["resourceType"]][one["id"]] = one

    def all_of(self, kind: str, patient: str) -> list[Json]:
        """Return the resources of one patient, as they were put in."""
        wanted = f"Patient/{patient}"
        return [one for one in self._kept[kind].values() if wanted in _values(one, SUBJECT)]

    def read(self, kind: str, name: str) -> Json:
        """Return one resource. Raises Refused."""
        if name not in self._of(kind):
            raise Refused(404, "not-found", f"there is no such {kind}")
        return self._of(kind)[name]

    def search(self, kind: str, parameters: Iterable[tuple[str, str]]) -> Found:
        """Return the resources that satisfy every parameter. Raises Refused."""
        matching = list(self._of(kind).values())
        count, start, order, kept = PAGE, 0, "", []
        for name, value in parameters:
            if name == "_count":
                count = min(_number(name, value), LONGEST_PAGE)
            elif name == "_page":
                start = _number(name, value)
                continue
            elif name == "_sort":
                order = value
            elif name in TOKEN_PATHS[kind]:
                matching = [one for one in matching if _matches(one, name, TOKEN_PATHS[kind][name], value)]
            else:
                raise Refused(400, "not-supported", f"{kind} cannot be searched by {name!r}; {_known(kind)}")
            kept.append((name, value))
        for key in reversed(order.split(",") if order else []):
            paths = SORT_PATHS.get(kind, {}).get(key.removeprefix("-"))
            if paths is None:
                raise Refused(400, "not-supported", f"{kind} cannot be sorted by {key!r}; {_known(kind)}")
            matching.sort(key=lambda one, paths=paths: _first(one, paths), reverse=key.startswith("-"))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        page = matching[start : start + count]
        more = count and start + count < len(matching)
        return Found(len(matching), page, [*kept, ("_page", str(start + count))] if more else None)

    def create(self, resource: Json) -> Json:
        """Keep a new resource under an id of our own, and return it. Raises Refused."""
        return self._keep({**resource, "id": str(uuid4())}, version=1)

    def update(self, resource: Json) -> Json:
        """Replace a resource that is there, and return it. Raises Refused."""
        known = self.read(str(resource.get("resourceType")), str(resource.get("id")))
        return self._keep(resource, version=int(known.get("meta", {}).get("versionId", "1")) + 1)

    def _keep(self, resource: Json, version: int) -> Json:
        kind = str(resource.get("resourceType"))
        if kind not in WRITABLE:
            raise Refused(405, "not-supported", f"only these are written here: {', '.join(WRITABLE)}")
        patients = [key.partition("/")[2] for key in _values(resource, SUBJECT)]
        if not patients or patients[0] not in self._kept["Patient"]:
            raise Refused(422, "business-rule", "the resource is about no patient of this server")
        _check(kind, resource)
        meta = {"versionId": str(version), "lastUpdated": datetime.now(UTC).isoformat(timespec="seconds")}
        kept = {**resource, "meta": {**resource.get("meta", {}), **meta}}
        self._kept[kind][kept["id"]] = kept
        return kept

    def _of(self, kind: str) -> dict[str, Json]:
        if kind not in self._kept:
            raise Refused(404, "not-supported", f"this server has no {kind!r}; it has {', '.join(self._kept)}")
        return self._kept[kind]


def _check(kind: str, resource: Json) -> None:
    # deferred: slow import, needed only when something is written
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415

    try:
        get_fhir_model_class(kind).model_validate(orjson.loads(orjson.dumps(resource)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(422, "invalid", f"this is not a valid {kind} of FHIR R4") from error


def _matches(resource: Json, name: str, paths: tuple[str, ...], wanted: str) -> bool:
    """Whether one of the alternatives, separated by commas, is a value of the resource."""
    values = list(_values(resource, paths))
    if name == "patient":
        return any(f"Patient/{one.removeprefix('Patient/')}" in values for one in wanted.split(","))
    tokens = [token for value in values for token in _tokens(value)]
    return any(_is_token(one, tokens) for one in wanted.split(","))


def _is_token(wanted: str, tokens: list[tuple[str, str]]) -> bool:
    system, bar, code = wanted.rpartition("|")
    return any((not bar or system == has) and (not code or code == value) for has, value in tokens)


def _tokens(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, dict):
        for one in value.get("coding", [value]):
            yield one.get("system", ""), one.get("code", one.get("value", ""))


def _first(resource: Json, paths: tuple[str, ...]) -> str:
    return str(next(_values(resource, paths), ""))


def _values(value: Any, paths: tuple[str, ...]) -> Iterator[Any]:
    for path in paths:
        found = [value]
        for step in path.split("."):
            inner = [one.get(step) for one in found if isinstance(one, dict)]
            found = [part for one in inner if one is not None for part in (one if isinstance(one, list) else [one])]
        yield from found


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise Refused(400, "invalid", f"{name} is not a whole number")
    return int(value)


def _known(kind: str) -> str:
    return f"known: {', '.join([*TOKEN_PATHS[kind], '_count', '_sort'])}"


def bundle(found: Found, base: str, kind: str, asked: Iterable[tuple[str, str]]) -> Json:
    """Return a page of a search as a searchset."""
    links = [{"relation": "self", "url": _address(base, kind, asked)}]
    if found.following is not None:
        links.append({"relation": "next", "url": _address(base, kind, found.following)})
    entries = [
        {"fullUrl": f"{base}/{kind}/{one['id']}", "resource": one, "search": {"mode": "match"}}
        for one in found.resources
    ]
    return {"resourceType": "Bundle", "type": "searchset", "total": found.total, "link": links, "entry": entries}


def _address(base: str, kind: str, parameters: Iterable[tuple[str, str]]) -> str:
    return f"{base}/{kind}?{urlencode(list(parameters))}".rstrip("?")


def outcome(code: str, message: str) -> Json:
    """Return an OperationOutcome that says why something was refused."""
    issue = {"severity": "error", "code": code, "diagnostics": message}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


# ------------------------------------------------------------------------------------------------------ over HTTP


def fhir_server(records: Records, authority: Authority, base: str, *, open_reading: bool) -> Blueprint:
    """Return the server, to be put below ``base``. ``open_reading``: whether reading needs no token."""
    pages = Blueprint("fhir", __name__)

    @pages.before_request
    def admit() -> None:
        accepted = [kind for kind, _ in request.accept_mimetypes]
        if accepted and not any(kind in ACCEPTED for kind in accepted):
            raise Refused(406, "not-supported", f"this server answers {MIME} only")
        kind = (request.view_args or {}).get("kind")
        if kind is not None and request.method != "OPTIONS":
            _admit(kind, authority, open_reading=open_reading)

    @pages.get("/metadata")
    def metadata() -> Response:
        return _sent(capability_statement(base))

    @pages.get("/<kind>/<name>")
    def read(kind: str, name: str) -> Response:
        found = records.read(kind, name)
        _same_patient(kind, found)
        return _sent(found)

    @pages.get("/<kind>")
    @pages.post("/<kind>/_search")
    def search(kind: str) -> Response:
        # In a search by POST both places count (FHIR R4, 3.1.0.8.2.2).
        asked = [*request.args.items(multi=True), *request.form.items(multi=True)]
        return _sent(bundle(records.search(kind, _limited(kind, asked)), base, kind, asked))

    @pages.post("/<kind>")
    def create(kind: str) -> Response:
        made = records.create(_written(kind))
        return _sent(made, 201, Location=f"{base}/{kind}/{made['id']}/_history/1")

    @pages.put("/<kind>/<name>")
    def update(kind: str, name: str) -> Response:
        resource = _written(kind)
        if resource.get("id") != name:
            raise Refused(400, "invalid", "the id of the resource is not that of the address")
        _same_patient(kind, records.read(kind, name))
        return _sent(records.update(resource))

    @pages.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
        return _sent(outcome(error.code, error.message), error.status, **headers)

    @pages.errorhandler(HTTPException)
    def not_served(error: HTTPException) -> Response:
        return _sent(outcome("not-supported", "this server does not answer that"), error.code or 500)

    return pages


def _admit(kind: str, authority: Authority, *, open_reading: bool) -> None:
    """Refuse who may not do this. Raises Refused; the grant, if there is one, is ``g.grant`` afterwards."""
    searching = request.path.endswith("/_search") or (
        request.method == "GET" and "name" not in (request.view_args or {})
    )
    letter = "s" if searching else {"GET": "r", "HEAD": "r", "PUT": "u"}.get(request.method, "c")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    g.grant = None
    if not token:
        if open_reading and letter in "rs":
            return
        raise Refused(401, "login", "a token is needed")
    grant = authority.grant_of(token) if scheme.lower() == "bearer" else None
    if grant is None:
        raise Refused(401, "login", "the token is not known, or no longer valid")
    if grant.fault is Fault.SLOW:
        time.sleep(SLOW_S)
    if grant.fault is Fault.FAILING and kind == "Condition":
        raise Refused(500, "exception", "the search failed (a fault of the demo)")
    if not grant.allows(kind, letter):
        raise Refused(403, "forbidden", f"the token is not for this use of {kind}")
    g.grant = grant


def _limited(kind: str, asked: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parameters of a search, kept within the patient of the token. Raises Refused for another patient."""
    grant: Grant | None = g.grant
    if grant is None or not grant.patient or kind == "Practitioner":
        return asked
    limit = "_id" if kind == "Patient" else "patient"
    named = {value.removeprefix("Patient/") for name, value in asked if name == limit}
    if named - {grant.patient}:
        raise Refused(403, "forbidden", "the token is for another patient")
    return asked if named else [*asked, (limit, grant.patient)]


def _same_patient(kind: str, resource: Json) -> None:
    grant: Grant | None = g.grant
    if grant is None or not grant.patient or kind == "Practitioner":
        return
    about = [resource["id"]] if kind == "Patient" else [key.partition("/")[2] for key in _values(resource, SUBJECT)]
    if grant.patient not in about:
        raise Refused(403, "forbidden", "the token is for another patient")


def _written(kind: str) -> Json:
    resource = request.get_json(force=True, silent=True)
    if not isinstance(resource, dict) or resource.get("resourceType") != kind:
        raise Refused(400, "invalid", f"the body is not a {kind} as JSON")
    _same_patient(kind, {"id": "", **resource})
    return resource


def _sent(resource: Json, status: int = 200, **headers: str) -> Response:
    return Response(orjson.dumps(resource), status, headers, mimetype=MIME)


def capability_statement(base: str) -> Json:
    """Return what the server does, as ``metadata`` says it."""
    resources = [
        {
            "type": kind,
            "interaction": [{"code": code} for code in ("read", "search-type")]
            + [{"code": code} for code in ("create", "update") if kind in WRITABLE],
            "searchParam": [
                {"name": name, "type": "reference" if name == "patient" else "token"} for name in parameters
            ],
        }
        for kind, parameters in TOKEN_PATHS.items()
    ]
    service = {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-25",
        "kind": "instance",
        "software": {"name": "Demo record of bme-cds-service"},
        "implementation": {"description": "Synthetic patients in memory", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": {"cors": True, "service": [{"coding": [service]}]},
                "resource": resources,
            }
        ],
    }
