"""Names, numbers, tokens and texts of a patient are put wherever a request can hold them; none may come out.

They may come out of an answered call only where a clinician is shown the record. They never come out of an error, a
header or a line of the log.
"""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from support.records import TODAY, bundle, loinc, snomed, to

from cds_service.events import ALLOWED_KEYS, Event, configure_logging, log
from cds_service.knowledge.rules import rule_set
from cds_service.service import Ports
from cds_service.settings import Settings
from cds_service.web import create_app

Json = Any

NAME, MRN, TOKEN, TEXT, KEY = "Canarisson", "mrn-774411", "tok-9f8e7d", "canary-text", "canary-key"
CANARIES = (NAME, MRN, TOKEN, TEXT, KEY)
RULES = rule_set()
HOOKS = ["order-select", "order-sign", "patient-view", "result-review"]


def about(**more: Any) -> Json:
    """A resource of the patient that holds a canary in every usual place."""
    return {
        "id": MRN,
        "meta": {"lastUpdated": "2026-03-02T10:00:00Z", "versionId": MRN, "source": TEXT},
        "text": {"status": "generated", "div": f"<div>{NAME} {TEXT}</div>"},
        "identifier": [{"system": TEXT, "value": MRN}],
        "subject": {**to(f"Patient/{MRN}"), "display": NAME},
        "note": [{"text": f"{NAME} {TEXT}", "authorString": NAME}],
        "extension": [{"url": f"https://ehr.example/{TEXT}", "valueString": TEXT}],
        **more,
    }


def call(hook: str, **changes: Json) -> Json:
    """A call in which everything that can be anything is a canary."""
    edema = about(
        resourceType="Observation",
        status="final",
        effectiveDateTime=f"2026-03-02{TEXT}",
        code={**snomed("6411000179107"), "text": TEXT},
        bodySite={**snomed("39723000", "7771000"), "text": TEXT},
        valueCodeableConcept={**snomed("52101004"), "text": TEXT},
    )
    depth = about(
        resourceType="Observation",
        status=TEXT,
        code={"coding": [{"system": "https://bme-cds.example/fhir/CodeSystem/bme-finding",
                          "code": "depth-from-articular-surface", "display": TEXT}]},
        valueQuantity={"value": TEXT, "unit": TEXT},
    )  # fmt: skip
    told = about(
        resourceType="DiagnosticReport",
        status="final",
        code={**loinc("36502-3"), "text": f"MRI {NAME}"},
        effectiveDateTime="2026-03-02",
        conclusion=f"{NAME}: bone marrow edema of the left sacroiliac joint, {TEXT}. DOB {MRN}.",
        presentedForm=[{"contentType": "text/plain", "data": TEXT, "title": NAME}],
    )
    unread = about(
        resourceType="DiagnosticReport",
        status="final",
        code={"text": f"MRI hip {NAME}"},
        language=TEXT,
        presentedForm=[
            {"contentType": "text/plain", "data": b64encode(f"{NAME} {TEXT}".encode()).decode(), "title": NAME},
            {"contentType": f"application/pdf; {TEXT}", "data": b64encode(f"%PDF-1.7 {NAME}".encode()).decode()},
            {"contentType": TEXT, "url": f"https://{TEXT}.example/{MRN}"},
        ],
    )
    unread["id"] = f"{MRN}-unread"
    who = {"resourceType": "Patient", "id": MRN, "name": [{"family": NAME}], "birthDate": TEXT, "gender": TEXT}
    other = about(resourceType="Condition", code={"text": TEXT}, subject=to("Patient/somebody-else"))
    draft = about(resourceType="ServiceRequest", status="draft", intent="order", code={"text": f"MRI SI joint {TEXT}"})
    body: Json = {
        "hook": hook,
        "hookInstance": f"{TEXT}-instance",
        "fhirServer": f"https://{TEXT}.example/fhir",
        "fhirAuthorization": {"access_token": TOKEN, "token_type": "Bearer", "scope": TEXT, "subject": TEXT},
        "context": {
            "userId": f"Practitioner/{NAME}",
            "patientId": MRN,
            "encounterId": TEXT,
            "draftOrders": bundle({**draft, "note": [{"text": f"STIR only {TEXT}"}]}),
            "selections": [f"ServiceRequest/{MRN}"],
            "results": bundle(told),
            KEY: TEXT,
        },
        "prefetch": {
            "patient": who,
            "reports": bundle(told, unread, {"resourceType": "OperationOutcome", "issue": [
                {"severity": "error", "code": "exception", "diagnostics": f"{NAME} {MRN}"}]}),
            "observations": bundle(edema, depth, {KEY: TEXT}, TEXT, link=[{"relation": "next", "url": TOKEN}]),
            "conditions": bundle(other),
            "labs": TEXT,
            KEY: bundle(other),
        },
        "extension": {KEY: TEXT},
        KEY: {"deep": [TEXT]},
    }  # fmt: skip
    return {**body, **changes}


HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "User-Agent": TEXT,
    "Referer": f"https://{TEXT}.example/{MRN}",
    "X-Request-Id": MRN,
    "Cookie": f"session={TOKEN}",
    "Origin": f"https://{TEXT}.example",
}


def web(today: Callable[[], date] = lambda: TODAY, **configured: Any) -> FlaskClient:
    return create_app(Settings(**configured), Ports(RULES, today)).test_client()


def send(client: FlaskClient, path: str, body: Json, **more: Any) -> Any:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    given = {"method": "POST", "content_type": "application/json", "headers": HEADERS, **more}
    return client.open(path, data=data, **given)


def leaked(*said: object) -> list[str]:
    words = " ".join(str(one) for one in said).lower()
    return [canary for canary in CANARIES if canary.lower() in words]


@pytest.fixture
def written(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Everything that was written since it was asked last: standard output and error, and the log of libraries."""
    caplog.set_level(logging.DEBUG)

    def since() -> str:
        streams = capfd.readouterr()
        records = [record.getMessage() + str(record.exc_info) for record in caplog.records]
        caplog.clear()
        return f"{streams.out}{streams.err}{records}"

    return since


# ------------------------------------------------------------------------------------------- calls answered


@pytest.mark.requirement("cds-hooks-2.0", 62)
@pytest.mark.parametrize("hook", HOOKS)
def test_an_answered_call_shows_the_record_on_the_card_only(hook: str, written: Callable[[], str]):
    response = send(web(), f"/cds-services/bme-{hook}", call(hook))

    log_line = written()
    assert (response.status_code, leaked(log_line, response.headers)) == (200, [])
    assert response.get_json()["cards"] != []
    assert "call answered" in log_line
    assert set(leaked(response.get_data(as_text=True))) <= {MRN, NAME, TEXT}


@pytest.mark.requirement("cds-hooks-2.0", 62)
@pytest.mark.parametrize("hook", HOOKS)
def test_no_key_token_or_unrelated_text_reaches_a_card(hook: str):
    body = send(web(), f"/cds-services/bme-{hook}", call(hook)).get_data(as_text=True)

    assert {TOKEN, KEY} & set(leaked(body)) == set()


CARD = "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01"
FEEDBACK = {
    "card": CARD,
    "outcome": "overridden",
    "acceptedSuggestions": [{"id": MRN, KEY: NAME}],
    "overrideReason": {"reason": {"code": NAME, "system": MRN, "display": NAME}, "userComment": f"{NAME} {MRN}"},
    "outcomeTimestamp": TEXT,
    "extension": {TEXT: TOKEN},
    KEY: TEXT,
}


def test_feedback_leaves_no_comment_behind(written: Callable[[], str]):
    sent = {"feedback": [FEEDBACK, {**FEEDBACK, "card": NAME}], KEY: TEXT}

    response = send(web(), "/cds-services/bme-order-sign/feedback", sent)

    assert (response.status_code, leaked(written(), response.headers, response.get_data())) == (200, [])


# --------------------------------------------------------------------------------------------- the database


def remembered(place: Path, **configured: Any) -> bytes:
    """Everything in the files of the database after calls, feedback and a token that are full of canaries."""
    client = web(store_url=f"sqlite:///{place / 'store.sqlite3'}", **configured)
    store = client.application.extensions["store"]
    for hook in HOOKS:
        send(client, f"/cds-services/bme-{hook}", call(hook))
    send(client, f"/cds-services/{NAME}/feedback", {"feedback": [FEEDBACK]})
    kept = send(client, "/cds-services/bme-order-sign/feedback", {"feedback": [FEEDBACK, {**FEEDBACK, "card": NAME}]})
    store.seen.take("https://ehr.example", f"{TOKEN} {NAME} {MRN} {TEXT} {KEY}", 1e10)
    before_the_end = b"".join(path.read_bytes() for path in sorted(place.iterdir()))
    store.close()
    assert kept.status_code == 200
    return before_the_end + b"".join(path.read_bytes() for path in sorted(place.iterdir()))


def test_nothing_of_a_patient_reaches_the_database(tmp_path: Path):
    files = remembered(tmp_path).decode("latin-1")

    assert leaked(files) == []
    assert [word for word in (CARD, "bme-result-review", "https://ehr.example") if word not in files] == []


def test_what_a_site_asks_to_keep_is_found_there_by_the_same_look(tmp_path: Path):
    files = remembered(tmp_path, store_comments=True).decode("latin-1")

    assert leaked(files) == [NAME, MRN]


# ---------------------------------------------------------------------------------------------- errors


def a_fault() -> date:
    raise ValueError(f"{NAME} {MRN} {TOKEN} {TEXT} {KEY}")


@pytest.mark.requirement("cds-hooks-2.0", 62)
@pytest.mark.parametrize(
    ("status", "sent"),
    [
        pytest.param(400, lambda: send(web(), "/cds-services/bme-order-sign", f'{{"{KEY}": "{TEXT}"'.encode()),
                     id="no JSON"),
        pytest.param(400, lambda: send(web(), "/cds-services/bme-order-sign", [NAME]), id="no object"),
        pytest.param(400, lambda: send(web(), "/cds-services/bme-order-sign", call(TEXT)), id="another hook"),
        pytest.param(400, lambda: send(web(), "/cds-services/bme-order-sign", call("order-sign", context=TEXT)),
                     id="a context that is text"),
        pytest.param(400, lambda: send(web(), "/cds-services/bme-order-sign", call("order-sign", context={
            "patientId": {KEY: MRN}, "userId": [NAME], KEY: TEXT})), id="a patient that is an object"),
        pytest.param(400, lambda: send(web(), "/cds-services/bme-order-sign", call("order-sign", context={
            "patientId": f"Patient/{MRN}", "userId": NAME, "draftOrders": {}})), id="a patient with its type"),
        pytest.param(400, lambda: send(web(), "/cds-services/bme-order-sign", call("order-sign", prefetch=[TEXT])),
                     id="a prefetch that is a list"),
        pytest.param(400, lambda: send(web(), "/cds-services/bme-order-sign", call("order-sign", fhirServer=None)),
                     id="a token without its server"),
        pytest.param(400, lambda: send(web(), "/cds-services/bme-order-sign/feedback", {"feedback": [{KEY: TEXT}]}),
                     id="feedback of another form"),
        pytest.param(401, lambda: send(web(auth="required", public_url="https://cds.example", clients={
            "https://ehr.example": {"keys": {"keys": []}}}), f"/cds-services/{MRN}", call("order-sign")),
                     id="a caller who is not known"),
        pytest.param(404, lambda: send(web(), f"/cds-services/{MRN}", call("order-sign")), id="an unknown service"),
        pytest.param(404, lambda: send(web(), f"/{NAME}/{TOKEN}?patient={MRN}", call("order-sign")),
                     id="an unknown address"),
        pytest.param(405, lambda: send(web(), f"/cds-services/bme-order-sign?{KEY}={MRN}", {KEY: TEXT}, method="PUT"),
                     id="a wrong method"),
        pytest.param(412, lambda: send(web(), "/cds-services/bme-patient-view", call("patient-view", prefetch={
            "reports": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": NAME}]},
            KEY: TEXT}, context={"userId": NAME, "patientId": MRN})), id="nothing to work with"),
        pytest.param(413, lambda: send(web(max_body_bytes=1_000), "/cds-services/bme-order-sign", call("order-sign")),
                     id="too large"),
        pytest.param(415, lambda: send(web(), "/cds-services/bme-order-sign", call("order-sign"),
                                       content_type=f"text/{TEXT}"), id="another type"),
        pytest.param(500, lambda: send(web(a_fault), "/cds-services/bme-order-sign", call("order-sign")),
                     id="a fault of ours"),
    ],
)  # fmt: skip
def test_an_error_says_nothing_of_the_request(status: int, sent: Callable[[], Any], written: Callable[[], str]):
    written()

    response = sent()

    assert response.status_code == status
    assert leaked(response.get_data(as_text=True), response.headers, written()) == []


# ------------------------------------------------------------------------------------------------- the log


def test_a_line_of_the_log_holds_allowed_keys_only(capsys: pytest.CaptureFixture[str]):
    configure_logging()

    log(Event.CALL_ANSWERED, service="bme-order-sign", cards=1, patient=MRN, name=NAME)

    line = json.loads(capsys.readouterr().out)
    assert {name: value for name, value in line.items() if name != "timestamp"} == {
        "service": "bme-order-sign",
        "cards": 1,
        "event": "call answered",
        "level": "info",
    }
    assert line.keys() <= ALLOWED_KEYS


def test_a_line_of_the_log_is_written_at_once_so_that_those_of_two_workers_stay_apart(monkeypatch: pytest.MonkeyPatch):
    written: list[str] = []
    output = StringIO()
    output.write = written.append  # piece by piece
    monkeypatch.setattr("sys.stdout", output)
    configure_logging()

    log(Event.STARTED)

    (piece,) = written
    assert piece.endswith("}\n")


def test_every_call_writes_one_line_of_counts_and_codes(capsys: pytest.CaptureFixture[str]):
    client = web()
    capsys.readouterr()

    send(client, "/cds-services/bme-result-review", call("result-review"))
    send(client, "/cds-services/bme-order-sign", call("order-sign", context=None))

    answered, refused = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert {name: value for name, value in answered.items() if name not in ("timestamp", "took_ms", "rules")} == {
        "event": "call answered",
        "level": "info",
        "service": "bme-result-review",
        "cards": 2,
        "silent": 0,
        "gaps": answered["gaps"],
        "fetch_failures": [],
        "not_asked": "NOT_LISTED",
        "unread_reports": 1,
    }
    assert set(answered["rules"]) <= {rule.id for rule in RULES.rules}
    assert {name: value for name, value in refused.items() if name != "timestamp"} == {
        "event": "call refused",
        "level": "info",
        "status": 400,
        "code": "invalid",
        "at": "context",
    }


def test_settings_and_calls_do_not_show_their_secrets():
    configured = Settings(card_key=TOKEN)

    assert leaked(configured, repr(configured), configured.model_dump()) == []
