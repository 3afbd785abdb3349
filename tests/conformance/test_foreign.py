"""The survey of other services: a good one passes, and what a bad one does wrong is named by its number."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from support.serving import serving
from werkzeug import Request, Response

from tests.conformance.foreign import Survey, main, report, request_for

Json = Any

CARD = {"summary": "Made up", "indicator": "info", "source": {"label": "Example"}}
ENTRY = {"hook": "patient-view", "id": "example", "title": "Example", "description": "Looks at records."}


def answering(answer: Callable[[Request], Response]) -> AbstractContextManager[str]:
    return serving(Request.application(answer))


def as_json(body: Json, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}


def service(discovery: Json, answer: Callable[[Json], Response]) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        if request.path == "/cds-services":
            return as_json(discovery)
        body = request.get_json()
        return answer(body) if body else as_json(OUTCOME, 400)

    return respond


def test_our_own_service_has_no_violation(service_url: str):
    survey = Survey(service_url)

    assert (survey.violations, survey.passed_over) == ([], [])
    assert {name: list(statuses) for name, statuses in survey.statuses.items()} == {
        f"bme-{hook}": ["200"] for hook in ("order-select", "order-sign", "patient-view", "result-review")
    }
    assert report(survey)[1] is False


@pytest.mark.parametrize(
    ("discovery", "answer", "found"),
    [
        pytest.param({"services": [ENTRY]}, lambda _: as_json({"cards": [CARD]}), set(), id="all is well"),
        pytest.param({"services": [ENTRY]}, lambda _: as_json(OUTCOME, 412), set(), id="a refusal is allowed"),
        pytest.param(
            {"services": [{**ENTRY, "description": None}]}, lambda _: as_json({"cards": []}), {"5"}, id="null"
        ),
        pytest.param(
            {"services": [ENTRY]}, lambda _: as_json({"cards": [{**CARD, "summary": "x" * 140}]}), {"74"}, id="too long"
        ),
        pytest.param({"services": [ENTRY]}, lambda _: as_json({"cards": []}, 201), {"66"}, id="201"),
        pytest.param({"services": [ENTRY]}, lambda _: Response("<p>"), {"1"}, id="HTML"),
        pytest.param({"services": [ENTRY]}, lambda _: Response("<p>", 500), {"70"}, id="HTML for a fault"),
        pytest.param({"services": [ENTRY]}, lambda _: as_json(OUTCOME, 404), {"16"}, id="nothing at the address"),
        pytest.param(
            {"services": [ENTRY]},
            lambda body: as_json(OUTCOME, 422) if "extension" in body else as_json({"cards": []}),
            {"117"},
            id="extensions are refused",
        ),
    ],
)
def test_what_a_service_does_wrong_is_named_by_its_number(
    discovery: Json, answer: Callable[[Json], Response], found: set[str]
):
    with answering(service(discovery, answer)) as url:
        survey = Survey(url)

    assert {violation.rule for _, violation in survey.violations} == found


def test_a_violated_shall_is_an_exit_of_1(capsys: pytest.CaptureFixture[str]):
    with answering(service({"services": [ENTRY]}, lambda _: as_json({"cards": None}))) as url:
        code = main([url])

    said = capsys.readouterr().out
    assert (code, said.splitlines()[1:]) == (
        1,
        [
            "5 SHALL NOT (A), null values: 1 x",
            "    example, chart-opened-result-not-acted-on: $.cards is null",
            "1 requirements violated, 1 of them SHALL or SHALL NOT",
        ],
    )


def test_what_is_only_advised_is_no_failure(capsys: pytest.CaptureFixture[str]):
    untitled = {name: value for name, value in ENTRY.items() if name != "title"}

    with answering(service({"services": [untitled]}, lambda _: as_json({"cards": []}))) as url:
        code = main([url])

    assert (code, "14 SHOULD (B)" in capsys.readouterr().out) == (0, True)


def test_a_hook_that_we_have_no_request_for_is_named(capsys: pytest.CaptureFixture[str]):
    with answering(service({"services": [{**ENTRY, "hook": "other-hook"}]}, lambda _: as_json({}))) as url:
        code = main([url])

    assert (code, capsys.readouterr().out.splitlines()[0]) == (
        0,
        "not called, no request for it here: $.services[0]: hook other-hook",
    )


def test_without_a_discovery_there_is_nothing_more_to_ask():
    with answering(lambda _: as_json(OUTCOME, 404)) as url:
        survey = Survey(url)

    assert [(at, one.rule) for at, one in survey.violations] == [("discovery", "9")]


def test_nobody_at_the_address_is_an_exit_of_2():
    with answering(lambda _: as_json({})) as url:
        pass

    assert main([url]) == 2


def test_a_request_holds_the_data_under_the_keys_of_the_service():
    patient, first, second = (
        {"resourceType": kind, "id": kind[:1]} for kind in ("Patient", "Condition", "Observation")
    )
    ours = {
        "hook": "patient-view",
        "hookInstance": "x",
        "fhirServer": "https://ehr.example/fhir",
        "context": {"patientId": "P"},
        "prefetch": {
            "patient": patient,
            "x": None,
            "a": {"resourceType": "Bundle", "entry": [{"resource": first}]},
            "b": second,
        },
    }
    entry = {"prefetch": {"who": "Patient/{{context.patientId}}", "labs": "Observation?x=1", "drugs": "Medication?x=1"}}

    assert request_for(entry, ours) == {
        "hook": "patient-view",
        "hookInstance": "x",
        "context": {"patientId": "P"},
        "prefetch": {
            "who": patient,
            "labs": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": second}]},
            "drugs": None,
        },
    }
    assert request_for({}, ours) == {"hook": "patient-view", "hookInstance": "x", "context": {"patientId": "P"}}
