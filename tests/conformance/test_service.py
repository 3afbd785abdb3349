"""The service, spoken to over a socket as an EHR would: every requirement of CDS Hooks 2.0.1 that binds a service.

``requirements.csv`` lists the requirements and says why a row has no test; tests name the rows that they prove, here
and in other folders. docs/conformance.md is made of both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from jsonschema import Draft202012Validator

from cds_service.data import data_path
from tests.conformance.response_rules import (
    Answer,
    Kind,
    Rule,
    check_discovery,
    check_outcome,
    check_response,
    rules_for,
)

Json = Any

BY_DEFAULT_HOOKS = ["order-select", "order-sign", "patient-view", "result-review"]
ESSENTIAL = ["observations", "reports", "studies"]
SCENARIOS = sorted(each.parent.name for each in data_path("scenarios").glob("*/request.json"))

# crd-request-generator sends this one with every call.
CONSTANT_HOOK_INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
CANARY = "canary-5b1f"
REMOVED = object()

requirement = pytest.mark.requirement


# ---------------------------------------------------------------------------------------------- speaking


def a_request(hook: str, changes: dict[str, Json] | None = None) -> Json:
    """Return a small request for a hook about a record that holds nothing, with changes at dotted places."""
    body: Json = {
        "hook": hook,
        "hookInstance": CONSTANT_HOOK_INSTANCE,
        "context": {"userId": f"Practitioner/{CANARY}", "patientId": CANARY},
        "prefetch": dict.fromkeys(ESSENTIAL),
    }
    if hook.startswith("order-"):
        body["context"]["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": []}
    for place, value in (changes or {}).items():
        owner = body
        *way, last = place.split(".")
        for step in way:
            owner = owner[step]
        if value is REMOVED:
            del owner[last]
        else:
            owner[last] = value
    return body


def call(url: str, hook: str, body: Json) -> requests.Response:
    """Send a request to the service of a hook."""
    return requests.post(f"{url}/cds-services/bme-{hook}", json=body, timeout=30)


def words(outcome: Json) -> str:
    """Return all that an OperationOutcome says to people and programs, without its codes."""
    said = [
        [issue.get("details", {}).get("text", ""), issue.get("diagnostics", ""), *issue.get("expression", [])]
        for issue in outcome["issue"]
    ]
    return "\n".join(line for lines in said for line in lines)


def refusal(response: requests.Response, *named: str) -> tuple[int, list[Any], list[str], bool]:
    """Return the status of a refusal, the faults of its OperationOutcome, what it fails to name, and any leak."""
    faults = check_outcome(response.json())
    unnamed = [name for name in named if name not in words(response.json())]
    return response.status_code, faults, unnamed, CANARY in response.text


@pytest.fixture(scope="session")
def discovered(service_url: str) -> Json:
    return requests.get(f"{service_url}/cds-services", timeout=30).json()


@dataclass(frozen=True)
class Told:
    """What a scenario asked and what it was told."""

    request: Json
    response: requests.Response


@pytest.fixture(scope="session")
def told(service_url: str) -> dict[str, Told]:
    """The answers to all scenarios, by name."""
    answers = {}
    for name in SCENARIOS:
        body = json.loads((data_path("scenarios") / name / "request.json").read_bytes())
        answers[name] = Told(body, call(service_url, body["hook"], body))
    return answers


def by_number(kind: Kind) -> list[Any]:
    """Return the rules for a kind of answer as parameters, marked with the requirements they stand for."""
    return [
        pytest.param(
            each,
            id=f"{each.number}: {each.asks}",
            marks=[requirement("cds-hooks-2.0", int(each.number))] if each.number.isdigit() else [],
        )
        for each in rules_for(kind)
    ]


# -------------------------------------------------------------------------------------------- B. discovery


@requirement("cds-hooks-2.0", 1)
@requirement("cds-hooks-2.0", 9)
@requirement("cds-hooks-2.0", 12)
@requirement("cds-hooks-2.0", 117)
def test_discovery_answers_at_cds_services(service_url: str):
    response = requests.get(f"{service_url}/cds-services", timeout=30)

    assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (200, "application/json")
    assert check_discovery(response.json()) == []


@pytest.mark.parametrize("rule", by_number(Kind.DISCOVERY))
def test_discovery_keeps_the_rule(discovered: Json, rule: Rule):
    assert list(rule.find(Answer(discovered))) == []


def test_discovery_lists_the_entries_of_the_hook_data(discovered: Json):
    listed = {entry["hook"]: entry for entry in discovered["services"]}
    written = {name: json.loads((data_path("hooks") / name / "service.json").read_bytes()) for name in BY_DEFAULT_HOOKS}

    # CDS Hooks 2.0 knows no hookVersion.
    assert {name: entry.pop("hookVersion") for name, entry in written.items()}.keys() == listed.keys()
    assert listed == written


def test_discovery_names_versions_where_a_site_wants_them(run_service: Callable[..., Any], discovered: Json):
    with run_service(discovery_version="2.0.1") as url:
        named = requests.get(f"{url}/cds-services", timeout=30).json()

    assert check_discovery(named) == []
    assert [(entry.pop("hook"), entry.pop("version"), entry.pop("hookVersion")) for entry in named["services"]] == [
        ("order-select", "2.0.1", "1.0"),
        ("order-sign", "2.0.1", "1.0"),
        ("patient-view", "2.0.1", "1.0"),
        ("result-review", "2.0.1", "0.1.0"),
    ]
    # The rest is what is listed without them.
    rest = [{name: value for name, value in entry.items() if name != "hook"} for entry in discovered["services"]]
    assert named["services"] == rest


@requirement("cds-hooks-2.0", 16)
def test_every_listed_service_answers_at_its_own_address(service_url: str, discovered: Json):
    answers = {
        entry["id"]: requests.post(f"{service_url}/cds-services/{entry['id']}", json={}, timeout=30).status_code
        for entry in discovered["services"]
    }

    assert answers == {f"bme-{hook}": 400 for hook in BY_DEFAULT_HOOKS}


@requirement("cds-hooks-2.0", 134)
def test_a_site_may_give_result_review_another_name(run_service: Callable[..., Any]):
    with run_service(result_review_hook="org.example.result-review") as url:
        listed = [entry["hook"] for entry in requests.get(f"{url}/cds-services", timeout=30).json()["services"]]
        renamed = call(url, "result-review", a_request("result-review", {"hook": "org.example.result-review"}))
        as_before = call(url, "result-review", a_request("result-review"))

    assert sorted(listed) == ["order-select", "order-sign", "org.example.result-review", "patient-view"]
    assert (renamed.status_code, renamed.json()) == (200, {"cards": []})
    assert refusal(as_before, "hook") == (400, [], [], False)


# ------------------------------------------------------------------------------------ G to K. the scenarios


def test_there_are_scenarios():
    assert len(SCENARIOS) >= 10


@requirement("cds-hooks-2.0", 1)
@requirement("cds-hooks-2.0", 4)
@requirement("cds-hooks-2.0", 25)
@requirement("cds-hooks-2.0", 66)
@requirement("cds-hooks-2.0", 117)
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_answered_without_a_violation(told: dict[str, Told], name: str):
    request, response = told[name].request, told[name].response

    assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (200, "application/json")
    assert check_response(response.json(), context=request["context"]) == []


@pytest.mark.parametrize("rule", by_number(Kind.RESPONSE))
def test_all_scenarios_keep_the_rule(told: dict[str, Told], rule: Rule):
    broken = {
        name: faults
        for name, each in told.items()
        if (faults := list(rule.find(Answer(each.response.json(), each.request["context"]))))
    }

    assert broken == {}


def test_the_scenarios_show_what_the_rules_speak_of(told: dict[str, Told]):
    answers = [Answer(each.response.json(), each.request["context"]) for each in told.values()]
    shown = {
        *(f"indicator {card['indicator']}" for each in answers for _, card in each.cards()),
        *(f"action {action['type']}" for each in answers for _, action in each.actions()),
        *("detail" for each in answers for _, card in each.cards() if "detail" in card),
        *("topic" for each in answers for _ in each.topics()),
        *("override reason" for each in answers for _ in each.reasons()),
        *("no card" for each in answers if each.body == {"cards": []}),
    }

    assert {
        "indicator info", "indicator warning", "indicator critical", "action create", "detail", "topic",
        "override reason", "no card",
    } - shown == set()  # fmt: skip


@requirement("cds-hooks-2.0", 38)
def test_an_answer_takes_no_longer_than_a_clinician_may_wait(told: dict[str, Told]):
    assert median(each.response.elapsed.total_seconds() for each in told.values()) < 0.5


@pytest.mark.parametrize("name", SCENARIOS)
def test_asking_again_gives_the_same_answer(service_url: str, told: dict[str, Told], name: str):
    request = told[name].request

    again = call(service_url, request["hook"], request)

    assert again.json() == told[name].response.json()


@requirement("cds-hooks-2.0", 67)
@pytest.mark.parametrize("hook", BY_DEFAULT_HOOKS)
def test_nothing_to_say_is_an_empty_list_of_cards(service_url: str, hook: str):
    response = call(service_url, hook, a_request(hook))

    assert (response.status_code, response.json()) == (200, {"cards": []})


# ----------------------------------------------------------------------------------- the data cannot be had


FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}


@requirement("cds-hooks-2.0", 44)
@requirement("cds-hooks-2.0", 69)
@requirement("cds-hooks-2.0", 70)
@pytest.mark.parametrize("hook", ["result-review", "patient-view"])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"prefetch": REMOVED}, id="no prefetch"),
        pytest.param({"prefetch": {}}, id="an empty prefetch"),
        pytest.param({"prefetch": {"patient": None, "conditions": None}}, id="other keys only"),
        pytest.param({"prefetch": dict.fromkeys(ESSENTIAL, FAILED)}, id="failed queries only"),
        pytest.param({"prefetch": {"somethingElse": None}}, id="keys never asked for only"),
        # Port 9 discards what it gets, where anything listens there at all.
        pytest.param({"prefetch": REMOVED, "fhirServer": "https://127.0.0.1:9/fhir"}, id="a server out of reach"),
    ],
)
def test_without_any_imaging_data_the_answer_is_412_and_names_the_keys(
    service_url: str, hook: str, changes: dict[str, Json]
):
    response = call(service_url, hook, a_request(hook, changes))

    assert refusal(response, *ESSENTIAL) == (412, [], [], False)


def test_an_empty_bundle_of_results_says_nothing_of_the_record(service_url: str):
    """The hook names what is on screen; that nothing is does not tell what the record holds."""
    changes = {"prefetch": REMOVED, "context.results": {"resourceType": "Bundle", "entry": []}}

    response = call(service_url, "result-review", a_request("result-review", changes))

    assert refusal(response, *ESSENTIAL) == (412, [], [], False)


@requirement("cds-hooks-2.0", 40)
@pytest.mark.parametrize("hook", ["result-review", "patient-view"])
@pytest.mark.parametrize("key", ESSENTIAL)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param({"resourceType": "Bundle", "type": "searchset", "total": 0}, id="an empty Bundle"),
    ],
)
def test_a_key_that_says_there_is_nothing_is_an_answer(service_url: str, hook: str, key: str, value: Json):
    response = call(service_url, hook, a_request(hook, {"prefetch": {key: value}}))

    assert (response.status_code, response.json()) == (200, {"cards": []})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"prefetch": {"report": None}}, id="the report on screen"),
        pytest.param({"prefetch": {"study": None}}, id="the study on screen"),
    ],
)
def test_what_is_under_review_stands_in_for_the_searches(service_url: str, changes: dict[str, Json]):
    response = call(service_url, "result-review", a_request("result-review", changes))

    assert (response.status_code, response.json()) == (200, {"cards": []})


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_hook_needs_no_prefetch(service_url: str, hook: str):
    response = call(service_url, hook, a_request(hook, {"prefetch": REMOVED}))

    assert (response.status_code, response.json()) == (200, {"cards": []})


# -------------------------------------------------------------------------------------- requests that are wrong


@requirement("cds-hooks-2.0", 26)
@requirement("cds-hooks-2.0", 27)
@requirement("cds-hooks-2.0", 28)
@requirement("cds-hooks-2.0", 30)
@requirement("cds-hooks-2.0", 70)
@requirement("cds-hooks-2.0", 71)
@pytest.mark.parametrize("hook", BY_DEFAULT_HOOKS)
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"hook": REMOVED}, "hook", id="no hook"),
        pytest.param({"hook": CANARY}, "hook", id="the hook of another service"),
        pytest.param({"hook": [CANARY]}, "hook", id="a list of hooks"),
        pytest.param({"hookInstance": REMOVED}, "hookInstance", id="no hookInstance"),
        pytest.param({"hookInstance": 7}, "hookInstance", id="a hookInstance that is a number"),
        pytest.param({"context": REMOVED}, "context", id="no context"),
        pytest.param({"context": [CANARY]}, "context", id="a context that is a list"),
        pytest.param({"context.userId": REMOVED}, "context.userId", id="no user"),
        pytest.param({"context.patientId": REMOVED}, "context.patientId", id="no patient"),
        pytest.param({"context.patientId": {CANARY: CANARY}}, "context.patientId", id="a patient that is an object"),
        pytest.param({"context.patientId": f"Patient/{CANARY}"}, "context.patientId", id="a patient with its type"),
        pytest.param({"prefetch": [CANARY]}, "prefetch", id="a prefetch that is a list"),
        pytest.param(
            {"fhirAuthorization": {"access_token": CANARY, "token_type": "Bearer"}},
            "fhirServer",
            id="a token for nowhere",
        ),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not_repeated(
    service_url: str, hook: str, changes: dict[str, Json], named: str
):
    response = call(service_url, hook, a_request(hook, changes))

    assert refusal(response, named) == (400, [], [], False)


@requirement("cds-hooks-2.0", 26)
def test_a_call_for_another_entry_s_hook_is_refused(service_url: str):
    response = call(service_url, "order-select", a_request("order-sign"))

    assert refusal(response, "hook") == (400, [], [], False)


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize(
    "drafts", [pytest.param(REMOVED, id="left out"), pytest.param(None, id="null"), pytest.param([CANARY], id="a list")]
)
def test_an_order_hook_needs_draft_orders(service_url: str, hook: str, drafts: Json):
    response = call(service_url, hook, a_request(hook, {"context.draftOrders": drafts}))

    assert refusal(response, "context.draftOrders") == (400, [], [], False)


# The first value of each field is one that the schema lets through, the others are not.
CONTEXT_FIELDS: dict[str, list[Json]] = {
    "userId": ["example-physician", "", None, 7],
    "patientId": ["a" * 256, "", "a b", "a/b", "a?b", "..", "a\n", "a" * 257, None, 7],
    "encounterId": [None, ["x"], 7],
    "somethingElse": [{"x": 1}],
}
MORE_CONTEXT_FIELDS: dict[str, dict[str, list[Json]]] = {
    "order-sign": {"draftOrders": [{}, {"entry": None}, {"entry": ["x", {}]}, {"entry": {}}, "x"]},
    "order-select": {"draftOrders": [{}, {"entry": {}}], "selections": [None, ["ServiceRequest/x"], "x", [{}]]},
    "patient-view": {},
    "result-review": {"reportId": [None, "x", 7], "studyId": [None, "x", {}], "results": [None, {}, [], "x"]},
}


def shown(value: Json) -> str:
    """Return a value for the name of a test."""
    return json.dumps(value) if len(str(value)) < 40 else f"of {len(value)} characters"


@requirement("cds-hooks-2.0", 30)
@pytest.mark.parametrize(
    ("hook", "field", "value"),
    [
        pytest.param(hook, field, value, id=f"{hook} {field} {shown(value)}")
        for hook in BY_DEFAULT_HOOKS
        for field, values in {**CONTEXT_FIELDS, **MORE_CONTEXT_FIELDS[hook]}.items()
        for value in values
    ],
)
def test_a_context_is_refused_exactly_when_its_schema_refuses_it(service_url: str, hook: str, field: str, value: Json):
    schema = json.loads((data_path("hooks") / hook / "context.schema.json").read_bytes())
    body = a_request(hook, {f"context.{field}": value})

    response = call(service_url, hook, body)

    assert response.status_code == (200 if Draft202012Validator(schema).is_valid(body["context"]) else 400)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(f'{{"hook": "{CANARY}'.encode(), id="cut off"),
        pytest.param(f'{{"hook": "{CANARY}",}}'.encode(), id="a trailing comma"),
        pytest.param(f'{{"hook": NaN, "x": "{CANARY}"}}'.encode(), id="a number that JSON does not know"),
        pytest.param(f'["{CANARY}"]'.encode(), id="a list"),
        pytest.param(f'"{CANARY}"'.encode(), id="a string"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff\xfe" + f'{{"hook": "{CANARY}"}}'.encode("utf-16-le"), id="UTF-16"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, id="without end"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(service_url: str, body: bytes):
    response = requests.post(
        f"{service_url}/cds-services/bme-order-sign",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=30,
    )

    assert refusal(response, "JSON") == (400, [], [], False)


@requirement("cds-hooks-2.0", 70)
@pytest.mark.parametrize("below", ["", "/feedback"])
def test_an_unknown_service_is_answered_with_the_nearest_name(service_url: str, below: str):
    response = requests.post(
        f"{service_url}/cds-services/bme-order-sing{below}", json=a_request("order-sign"), timeout=30
    )

    assert refusal(response, "bme-order-sign") == (404, [], [], False)


@pytest.mark.parametrize("path", ["/nowhere", "/cds-services/bme-order-sign/elsewhere"])
def test_an_unknown_address_is_an_operation_outcome_too(service_url: str, path: str):
    response = requests.post(f"{service_url}{path}", json=a_request("order-sign"), timeout=30)

    assert refusal(response) == (404, [], [], False)


@requirement("cds-hooks-2.0", 25)
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/cds-services", "GET"),
        ("GET", "/cds-services/bme-order-sign", "POST"),
        ("PUT", "/cds-services/bme-order-sign", "POST"),
        ("GET", "/cds-services/bme-order-sign/feedback", "POST"),
    ],
)
def test_a_wrong_method_is_answered_with_the_right_one(service_url: str, method: str, path: str, allowed: str):
    response = requests.request(method, f"{service_url}{path}", json={"x": CANARY}, timeout=30)

    assert refusal(response) == (405, [], [], False)
    assert allowed in response.headers["Allow"].split(", ")


def test_a_body_too_large_is_refused_before_it_is_sent(service_url: str):
    connection = HTTPConnection(urlsplit(service_url).netloc, timeout=30)
    connection.putrequest("POST", "/cds-services/bme-order-sign")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()

    with connection.getresponse() as response:
        status, outcome = response.status, json.loads(response.read())
    connection.close()

    assert (status, check_outcome(outcome)) == (413, [])


@requirement("cds-hooks-2.0", 1)
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Content-Type": "text/plain"}, id="text"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, id="a form"),
        pytest.param({"Content-Type": "application/json", "Content-Encoding": "gzip"}, id="compressed"),
    ],
)
def test_what_is_not_sent_as_json_is_refused(service_url: str, headers: dict[str, str]):
    response = requests.post(
        f"{service_url}/cds-services/bme-order-sign",
        data=json.dumps(a_request("order-sign")),
        headers=headers,
        timeout=30,
    )

    assert refusal(response, "application/json") == (415, [], [], False)


# ------------------------------------------------------------------------- what real clients get away with


def bundle(*resources: Json, **more: Json) -> Json:
    return {"resourceType": "Bundle", **more, "entry": [{"resource": resource} for resource in resources]}


SANDBOX_MEDICATION = {
    "resourceType": "MedicationRequest",
    "id": "request-123",
    "status": "draft",
    "category": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category"}]},
    "subject": {"reference": f"Patient/{CANARY}"},
    "authoredOn": "2026-03-02",
}
SANDBOX_IMAGING = {
    "resourceType": "ServiceRequest",
    "id": "example-request-id",
    "status": "draft",
    "intent": "plan",
    "code": {"coding": [{}]},
    "reasonCode": [],
    "subject": {"reference": f"Patient/{CANARY}"},
}
EPIC_NOTHING_FOUND = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 0,
    "entry": [
        {
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "warning", "code": "processing", "details": {"text": "No results"}}],
            },
            "search": {"mode": "outcome"},
        }
    ],
}
DSTU2_PATIENT = {"resourceType": "Patient", "id": CANARY, "name": [{"family": ["Example"], "given": ["Ex"]}]}


@requirement("cds-hooks-2.0", 8)
@requirement("cds-hooks-2.0", 32)
@requirement("cds-hooks-2.0", 35)
@pytest.mark.parametrize(
    ("hook", "changes"),
    [
        pytest.param(hook, changes, id=f"{hook}: {name}")
        for hook, cases in {
            "order-sign": {
                "draftOrders without a Bundle type": {"context.draftOrders": bundle(SANDBOX_MEDICATION)},
                "category an object": {"context.draftOrders": bundle(SANDBOX_MEDICATION, type="collection")},
                "a coding without anything": {"context.draftOrders": bundle(SANDBOX_IMAGING)},
                "an order of DSTU2": {"context.draftOrders": bundle({"resourceType": "MedicationOrder", "id": "x"})},
                "entries that are no resources": {
                    "context.draftOrders": {"entry": [None, 1, "x", {}, {"resource": []}]}
                },
                "draftOrders that are empty": {"context.draftOrders": {}},
            },
            "order-select": {
                "a chosen order that says nothing": {
                    "context.draftOrders": bundle(SANDBOX_IMAGING),
                    "context.selections": ["ServiceRequest/example-request-id"],
                },
                "a choice that is not among the drafts": {"context.selections": ["ServiceRequest/elsewhere"]},
                "no selections": {"context.draftOrders": bundle(SANDBOX_MEDICATION)},
            },
            "patient-view": {
                "keys never asked for": {
                    "prefetch.-user": {"resourceType": "Practitioner", "id": "x"},
                    "prefetch.serviceRequestBundle": bundle(SANDBOX_IMAGING, type="collection"),
                },
                "a search that found nothing, in Epic's way": {
                    "prefetch": dict.fromkeys([*ESSENTIAL, "conditions"], EPIC_NOTHING_FOUND)
                },
                "one query that failed": {"prefetch.conditions": FAILED, "prefetch.reports": FAILED},
                "a page of HTML": {"prefetch.conditions": "<html><body>Sign in</body></html>"},
                "a number": {"prefetch.labs": 7},
                "a patient of DSTU2": {"prefetch.patient": DSTU2_PATIENT},
                "a Bundle for a read": {"prefetch.patient": bundle(DSTU2_PATIENT, type="collection")},
                "a resource for a search": {"prefetch.conditions": {"resourceType": "Condition", "id": "x"}},
                "fields nobody knows": {
                    "extension": {"davinci-crd.configuration": {"max-cards": 1}},
                    "somethingElse": [1],
                    "context.somethingElse": {"x": 1},
                },
                "an encounter that is null": {"context.encounterId": None},
                "a user who is no practitioner": {"context.userId": "RelatedPerson/example"},
                "an id longer than FHIR allows": {"context.patientId": "e" * 80},
                "a token that is empty": {
                    "fhirServer": "http://127.0.0.1:9/fhir",
                    "fhirAuthorization": {"access_token": "", "token_type": "Bearer", "scope": "a b"},
                },
            },
            "result-review": {
                "ids that are null": {"context.reportId": None, "context.studyId": None, "context.results": None},
                "results without a Bundle type": {"context.results": bundle({"resourceType": "DiagnosticReport"})},
            },
        }.items()
        for name, changes in cases.items()
    ],
)
def test_what_real_clients_send_is_answered(service_url: str, hook: str, changes: dict[str, Json]):
    body = a_request(hook, changes)

    response = call(service_url, hook, body)

    assert response.status_code == 200, response.text
    assert check_response(response.json(), context=body["context"]) == []


@requirement("cds-hooks-2.0", 27)
def test_a_hook_instance_that_never_changes_is_answered_every_time(service_url: str):
    other = a_request("order-sign", {"context.patientId": "example-other"})
    calls = [a_request("order-sign"), other, a_request("order-sign")]

    answers = [call(service_url, "order-sign", body) for body in calls]

    assert [(each.status_code, each.json()) for each in answers] == [(200, {"cards": []})] * 3


def test_a_character_set_may_be_named(service_url: str):
    response = requests.post(
        f"{service_url}/cds-services/bme-patient-view",
        data=json.dumps(a_request("patient-view")),
        headers={"Content-Type": "application/json; charset=utf-8", "Accept": "*/*"},
        timeout=30,
    )

    assert (response.status_code, response.json()) == (200, {"cards": []})


# ---------------------------------------------------------------------------------------------- L. feedback

ACCEPTED = {
    "card": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01",
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a02"}],
    "outcomeTimestamp": "2026-03-02T10:00:00.000Z",
}
OVERRIDDEN = {
    "card": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01",
    "outcome": "overridden",
    "outcomeTimestamp": "2026-03-02T10:00:00Z",
}
REASON = {"reason": {"code": "seen", "system": "https://example.org/reasons"}, "userComment": CANARY}


def send_feedback(url: str, body: Json) -> requests.Response:
    return requests.post(f"{url}/cds-services/bme-result-review/feedback", json=body, timeout=30)


@requirement("cds-hooks-2.0", 109)
@requirement("cds-hooks-2.0", 111)
@requirement("cds-hooks-2.0", 112)
@requirement("cds-hooks-2.0", 113)
@requirement("cds-hooks-2.0", 116)
@pytest.mark.parametrize(
    "items",
    [
        pytest.param([ACCEPTED], id="accepted"),
        pytest.param([OVERRIDDEN], id="dismissed without a reason"),
        pytest.param([{**OVERRIDDEN, "overrideReason": REASON}], id="overridden with a reason"),
        pytest.param([{**OVERRIDDEN, "overrideReasons": REASON}], id="a reason in Epic's spelling"),
        pytest.param([{**OVERRIDDEN, "overrideReason": {"reason": {"code": "seen"}}}], id="a reason without system"),
        pytest.param([{**ACCEPTED, "card": "00000000-0000-4000-8000-000000000000"}], id="a card never seen here"),
        pytest.param([{**ACCEPTED, "extension": {"com.example.x": 1}, "other": 1}], id="fields nobody knows"),
        pytest.param([ACCEPTED, OVERRIDDEN, ACCEPTED], id="several at once, one of them twice"),
        pytest.param([{**ACCEPTED, "card": None}, ACCEPTED], id="several at once, one of them without its card"),
        pytest.param([], id="none"),
    ],
)
def test_feedback_is_taken(service_url: str, items: list[Json]):
    response = send_feedback(service_url, {"feedback": items})

    assert response.status_code == 200, response.text
    assert response.content.strip() in (b"", b"{}")


@requirement("cds-hooks-2.0", 110)
@requirement("cds-hooks-2.0", 111)
@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param([ACCEPTED], "JSON", id="a list"),
        pytest.param({}, "feedback", id="no feedback"),
        pytest.param({"feedback": ACCEPTED}, "feedback", id="feedback that is an object"),
        pytest.param({"feedback": [CANARY]}, "feedback[0]", id="an item that is text"),
        pytest.param({"feedback": [{**ACCEPTED, "card": None}]}, "feedback[0].card", id="no card"),
        pytest.param({"feedback": [{**ACCEPTED, "card": [CANARY]}]}, "feedback[0].card", id="a list of cards"),
        pytest.param({"feedback": [{**ACCEPTED, "outcome": CANARY}]}, "feedback[0].outcome", id="an unknown outcome"),
    ],
)
def test_feedback_that_cannot_be_read_is_refused_by_the_name_of_the_field(service_url: str, body: Json, named: str):
    response = send_feedback(service_url, body)

    assert refusal(response, named) == (400, [], [], False)
