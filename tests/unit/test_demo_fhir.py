"""The FHIR server of the demo: it answers what our templates ask, and refuses what it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from support.record import patients, record

from cds_service.data import data_path
from cds_service.demo.fhir import Records, Refused
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import load_scenarios

Json = Any

SCENARIOS = {one.request["context"]["patientId"]: one for one in load_scenarios(data_path("scenarios"))}
TEMPLATES = {key: query for one in load_services(data_path("hooks")).values() for key, query in one.prefetch.items()}
TODAY = date(2026, 11, 25)
PATIENTS = patients(TODAY)
RECORDS = Records(PATIENTS.resources)
FOOT = "example-diabetic-foot"
ORDER = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "code": {"text": "MRI of the foot"},
    "subject": {"reference": f"Patient/{FOOT}"},
}


@pytest.fixture(scope="module")
def server() -> FlaskClient:
    """The server, open for reading."""
    return record(open_reading=True).test_client()


@pytest.fixture(scope="module")
def closed() -> FlaskClient:
    return record().test_client()


def names(resources: list[Json]) -> set[str]:
    """Types and ids, without the number that makes the ids of all records differ."""
    return {re.sub(r"-\d\d$", "", f"{one['resourceType']}/{one['id']}") for one in resources}


def held(value: Json) -> set[str]:
    entries = (value or {}).get("entry", [])
    return names([one["resource"] for one in entries if one["resource"]["resourceType"] != "OperationOutcome"])


def issue(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["issue"][0]["code"]


def pages(server: FlaskClient, query: str) -> Iterator[Json]:
    following: str | None = query
    while following:
        page = server.get(following).json
        yield page
        following = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)


@pytest.mark.parametrize("key", [key for key in TEMPLATES if "?" in TEMPLATES[key]])
def test_a_template_finds_in_each_record_what_its_scenario_prefetches(key: str):
    parts = urlsplit(TEMPLATES[key])

    found, sent = {}, {}
    for patient in PATIENTS.stories:
        query = parse_qsl(parts.query.replace("{{context.patientId}}", patient))
        found[patient] = names(RECORDS.search(parts.path, query).resources)
        sent[patient] = held(SCENARIOS[patient].request["prefetch"].get(key))

    assert found == sent


def test_no_two_records_share_an_id_and_every_reference_leads_to_the_own_record():
    about = {
        one["subject"]["reference"]: one["id"]
        for one in PATIENTS.resources
        if one["resourceType"] == "DiagnosticReport" and "subject" in one
    }
    ids = [f"{one['resourceType']}/{one['id']}" for one in PATIENTS.resources]
    study = RECORDS.read("DiagnosticReport", PATIENTS.stories[FOOT].report)["imagingStudy"][0]["reference"]

    assert (len(set(ids)), about.keys() <= set(ids)) == (len(ids), True)
    assert RECORDS.read(*study.split("/"))["subject"]["reference"] == f"Patient/{FOOT}"


def test_the_newest_comes_first_where_a_template_asks_for_it():
    found = RECORDS.search("DiagnosticReport", [("patient", FOOT), ("_sort", "-date")]).resources

    days = [one["effectiveDateTime"] for one in found]
    assert (len(days) > 1, days) == (True, sorted(days, reverse=True))


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        pytest.param("Condition", [("patient", FOOT), ("onset-date", "gt2020")], id="unknown-parameter"),
        pytest.param("Observation", [("code:in", "a-value-set")], id="modifier"),
        pytest.param("DiagnosticReport", [("_include", "DiagnosticReport:subject")], id="include"),
        pytest.param("Condition", [("_sort", "-onset-date")], id="sorting"),
        pytest.param("Condition", [("_count", "many")], id="count"),
        pytest.param("Immunization", [("patient", FOOT)], id="unknown-type"),
    ],
)
def test_what_is_not_known_is_refused_and_never_ignored(kind: str, parameters: list[tuple[str, str]]):
    with pytest.raises(Refused):
        RECORDS.search(kind, parameters)


def test_an_unknown_parameter_is_a_400_that_names_the_known_ones(server: FlaskClient):
    answer = server.get(f"/fhir/Condition?patient={FOOT}&code=1")

    told = "Condition cannot be searched by 'code'; known: _id, patient, _count, _sort"
    expected = {"severity": "error", "code": "not-supported", "diagnostics": told}
    assert (answer.status_code, answer.json["issue"], answer.mimetype) == (400, [expected], "application/fhir+json")


def test_search_by_post_finds_the_same(server: FlaskClient):
    query = {"patient": FOOT, "code": "http://loinc.org|1988-5", "_sort": "-date"}

    posted = server.post("/fhir/Observation/_search", data=query).json
    got = server.get("/fhir/Observation", query_string=query).json

    assert (posted, got["total"]) == (got, 1)


def test_next_links_lead_through_all_pages(server: FlaskClient):
    query = f"/fhir/DiagnosticReport?patient={FOOT}&_sort=-date"

    single = [page["entry"][0]["resource"]["id"] for page in pages(server, f"{query}&_count=1")]
    (whole,) = pages(server, query)

    assert (len(single), single) == (3, [one["resource"]["id"] for one in whole["entry"]])


@pytest.mark.parametrize("accept", ["application/json+fhir", "application/fhir+json", "application/json", "*/*"])
def test_json_is_sent_under_every_name_that_clients_ask_for_it(server: FlaskClient, accept: str):
    assert server.get(f"/fhir/Patient/{FOOT}", headers={"Accept": accept}).json["id"] == FOOT


def test_xml_is_not_sent(server: FlaskClient):
    assert issue(server.get("/fhir/metadata", headers={"Accept": "application/fhir+xml"})) == (406, "not-supported")


@pytest.mark.parametrize("method", ["get", "head"])
def test_without_a_token_nothing_is_read(closed: FlaskClient, method: str):
    answer = getattr(closed, method)(f"/fhir/Patient/{FOOT}")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_wrong_token_is_refused_even_where_reading_is_open(server: FlaskClient):
    assert issue(server.get(f"/fhir/Patient/{FOOT}", headers={"Authorization": "Bearer wrong"})) == (401, "login")


def test_writing_needs_a_token_even_where_reading_is_open(server: FlaskClient):
    assert issue(server.post("/fhir/ServiceRequest", json=ORDER)) == (401, "login")


def test_what_is_created_can_be_found_and_changed():
    records = Records(PATIENTS.resources)

    made = records.create(ORDER)
    changed = records.update({**made, "status": "completed"})

    found = records.search("ServiceRequest", [("patient", FOOT), ("status", "completed"), ("_id", made["id"])])
    assert (found.resources, changed["meta"]["versionId"]) == ([changed], "2")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"status": None}, 422, id="invalid"),
        pytest.param({"subject": {"reference": "Patient/nobody"}}, 422, id="unknown-patient"),
        pytest.param({"resourceType": "Condition"}, 405, id="other-type"),
    ],
)
def test_what_cannot_be_kept_is_refused(change: Json, status: int):
    records = Records(PATIENTS.resources)
    order = {name: value for name, value in {**ORDER, **change}.items() if value is not None}

    with pytest.raises(Refused) as refused:
        records.create(order)

    assert refused.value.status == status
