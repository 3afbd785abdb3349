"""Every fixture, with a canary wherever a patient, a token or a comment stands, sent to the running service.

Answers may show the record to a clinician. Nothing else may hold a piece of it: no line of the log, no number, no
error, no row of the database, no file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from support.fhir_server import FhirServer, ok, status
from support.service_process import ADMIN_TOKEN, ServiceProcess, service_process

from cds_service.data import data_path
from cds_service.scenarios import load_scenarios

Json = Any

pytestmark = pytest.mark.slow

MARK = "canary"
PATIENT = f"{MARK}-patient"
PERSONAL = {"family", "given", "value", "line", "city", "authorString", "userComment", "username"}
"""Elements that hold who somebody is; ``value`` only in what an identifier or a contact is."""


def marked(value: Json, inside: str = "") -> Json:
    """A copy with a canary for every name, identifier, address, note and display of a person, and in every text."""
    if isinstance(value, dict):
        return {name: _marked_element(name, part, inside) for name, part in value.items()}
    if isinstance(value, list):
        return [marked(one, inside) for one in value]
    return value


def _marked_element(name: str, part: Json, inside: str) -> Json:
    if name == "conclusion":
        return f"{part} Dictated for {MARK}-name."
    if isinstance(part, str) and (
        (name in PERSONAL and (name != "value" or inside in ("identifier", "telecom")))
        or (name == "display" and inside in ("subject", "performer", "requester", "recorder"))
        or (name == "text" and inside == "note")
    ):
        return f"{MARK}-{name}"
    if name == "given" and isinstance(part, list):
        return [f"{MARK}-given"]
    return marked(part, name)


def with_canaries(request: Json, server: str) -> Json:
    """The request of a scenario as a client full of canaries would send it, its temperature left to be fetched."""
    patient = request["context"]["patientId"]
    changed = marked(json.loads(json.dumps(request).replace(patient, PATIENT)))
    changed["prefetch"].pop("temperature", None)
    changed["context"] |= {"encounterId": f"{MARK}-encounter", "userId": f"Practitioner/{MARK}-user"}
    authorization = {
        "access_token": f"{MARK}-token",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.read",
        "subject": f"{MARK}-subject",
        "patient": PATIENT,
    }
    more = {"fhirServer": server, "fhirAuthorization": authorization, "extension": {MARK: f"{MARK}-extension"}}
    return {**changed, **more, "hookInstance": f"{MARK}-instance"}


FAULTS: dict[str, Callable[[Json], Json | bytes]] = {
    "not whole": lambda sent: json.dumps(sent).encode()[:-20],
    "another patient": lambda sent: {**sent, "context": {**sent["context"], "patientId": f"{MARK}-somebody"}},
    "no patient": lambda sent: {**sent, "context": {**sent["context"], "patientId": {"value": f"{MARK}-object"}}},
    "a key twice": lambda sent: json.dumps(sent).replace("{", f'{{"hook": "{MARK}-first", ', 1).encode(),
    "another hook": lambda sent: {**sent, "hook": f"{MARK}-hook"},
    "a list": lambda sent: [sent],
}


@pytest.mark.requirement("cds-hooks-2.0", 62)
def test_no_canary_is_found_anywhere_but_in_answers(tmp_path: Path):
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": f"{MARK}-outcome"}]}
    refused: list[requests.Response] = []
    answered = 0
    with FhirServer() as server:
        behaviours = [
            ok({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": outcome}]}),
            status(500, json.dumps(outcome).encode()),
            status(302, location=f"https://{MARK}.example/{MARK}"),
            ok({"resourceType": f"{MARK}-type"}),
        ]
        settings = {"workers": "2", "fhir_servers": json.dumps([server.base])}
        with service_process(tmp_path, **settings) as service:
            for number, scenario in enumerate(load_scenarios(data_path("scenarios"))):
                server.every(behaviours[number % len(behaviours)])
                path = f"/cds-services/bme-{scenario.request['hook']}"
                sent = with_canaries(scenario.request, server.base)
                response = post(service, path, sent)
                answered += response.status_code == 200
                told = post(service, f"{path}/feedback", feedback(response.json().get("cards", [])))
                broken = [post(service, path, fault(sent)) for fault in FAULTS.values()]
                assert (response.status_code, told.status_code) == (200, 200)
                assert {one.status_code for one in broken} <= {200, 400}
                refused += [told, *(one for one in broken if one.status_code != 200)]
            refused += list(odd_calls(service, sent))
            numbers, page, table = (
                requests.get(f"{service.url}/{name}", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}, timeout=30)
                for name in ("metrics", "quality", "quality.csv")
            )
            while_it_ran = found_in(tmp_path)

    assert answered == number + 1
    assert len(refused) > 5 * answered
    assert [one.text for one in refused if MARK in f"{one.text} {one.headers}".lower()] == []
    assert "bme_requests_total" in numbers.text
    assert (page.status_code, "result-review" in table.text) == (200, True)
    assert [one.url for one in (numbers, page, table) if MARK in f"{one.text} {one.headers}".lower()] == []
    assert (while_it_ran, found_in(tmp_path)) == ([], [])
    # What was looked through is what was written.
    assert b"bme-result-review" in (tmp_path / "state" / "store.sqlite3").read_bytes()
    assert "call answered" in service.output


def test_the_same_look_finds_what_a_site_asks_to_keep(tmp_path: Path):
    with service_process(tmp_path, store_comments="true") as service:
        post(
            service,
            "/cds-services/bme-order-sign/feedback",
            feedback([{"uuid": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01"}]),
        )

    assert {path.name.partition("-")[0] for path in found_in(tmp_path)} == {"store.sqlite3"}


def post(service: ServiceProcess, path: str, body: Json | bytes) -> requests.Response:
    token = service.token(path, sub=f"{MARK}-client", jti=f"{MARK}-{id(body)}-{len(service.output)}")
    headers = {"User-Agent": f"{MARK}-agent", "X-Request-Id": f"{MARK}-request", "Cookie": f"session={MARK}-cookie"}
    return service.post(path, body, token, headers=headers)


def feedback(cards: list[Json]) -> Json:
    reason = {"reason": {"code": f"{MARK}-code", "display": f"{MARK}-display"}, "userComment": f"{MARK}-comment"}
    return {
        "feedback": [
            {"card": card["uuid"], "outcome": "overridden", "overrideReason": reason, MARK: f"{MARK}-more"}
            for card in cards
        ]
    }


def odd_calls(service: ServiceProcess, sent: Json) -> Iterator[requests.Response]:
    """Calls that are refused before anything of them is read."""
    path = "/cds-services/bme-order-sign"
    yield post(service, f"/cds-services/{MARK}-service", sent)
    yield post(service, f"/{MARK}-address?patient={PATIENT}", sent)
    yield service.post(path, sent, f"{MARK}-token.{MARK}.{MARK}")
    yield service.post(path, sent, service.token(path, iss=f"https://{MARK}.example"))
    yield service.post(path, sent, headers={"Content-Type": f"text/{MARK}"})
    yield requests.put(f"{service.url}{path}?{MARK}={MARK}", json=sent, timeout=30)


def found_in(home: Path) -> list[Path]:
    """The files, of all that the service may write, in which there is a canary."""
    return [
        path
        for path in sorted(home.rglob("*"))
        if path.is_file() and MARK in path.read_bytes().decode("latin-1").lower()
    ]
