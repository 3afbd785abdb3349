from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from support.records import PATIENT, SUBJECT, bundle, coded, condition, edema, marker, order, report, study, to

from cds_service.errors import BadRequest
from cds_service.fhir.source import PrefetchState, Record, entries, read_record
from cds_service.model.case import Problem

Json = Any
DECLARED = {"conditions": "Condition?patient={{context.patientId}}"}
FEVER = condition("fever", coded("386661006"))


def outcome(severity: Any = "error") -> Json:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


def record(value: Any, results: Any = None) -> Record:
    return read_record({"conditions": value}, DECLARED, PATIENT, results)


def summed_up(found: Record) -> tuple[str, list[str], list[Problem]]:
    return found.states["conditions"].value, sorted(found.resources), found.problems


# ------------------------------------------------------------------------------------------ states of a key


@pytest.mark.requirement("cds-hooks-2.0", 39)
def test_a_declared_key_that_was_not_sent_is_absent():
    found = read_record({}, {"patient": "", "conditions": ""}, PATIENT)

    assert found == Record(states={"patient": PrefetchState.ABSENT, "conditions": PrefetchState.ABSENT})


@pytest.mark.requirement("cds-hooks-2.0", 40)
@pytest.mark.requirement("cds-hooks-2.0", 41)
@pytest.mark.requirement("cds-hooks-2.0", 42)
@pytest.mark.parametrize(
    ("value", "state"),
    [
        pytest.param(None, "null", id="null"),
        pytest.param(bundle(), "empty", id="empty Bundle"),
        pytest.param({"resourceType": "Bundle"}, "empty", id="Bundle without anything"),
        pytest.param(bundle(total=0), "empty", id="total 0"),
        pytest.param(outcome(), "failed", id="OperationOutcome"),
        pytest.param(outcome("fatal"), "failed", id="fatal OperationOutcome"),
        pytest.param(outcome("information"), "empty", id="information"),
        pytest.param(outcome(None), "failed", id="OperationOutcome without severity"),
        pytest.param({"resourceType": "OperationOutcome"}, "failed", id="OperationOutcome without issue"),
        pytest.param(bundle(outcome("warning")), "empty", id="Epic's search without results"),
        pytest.param(bundle(outcome()), "failed", id="Epic's search that failed"),
        pytest.param(bundle(outcome("warning"), outcome()), "failed", id="a warning and an error"),
        pytest.param(bundle(total=3), "failed", id="counted, not sent"),
        pytest.param("<html><body>Sign in</body></html>", "failed", id="HTML"),
        pytest.param(7, "failed", id="a number"),
        pytest.param(False, "failed", id="false"),
        pytest.param([], "failed", id="a list"),
        pytest.param([FEVER], "failed", id="a list of resources"),
        pytest.param({}, "failed", id="an object without type"),
        pytest.param({"resourceType": 7}, "failed", id="a type that is no text"),
    ],
)
def test_what_came_for_a_key_without_data_is_told_apart(value: Any, state: str):
    found = record(value)

    assert summed_up(found) == (state, [], [])


def test_only_null_an_empty_bundle_and_data_are_answers():
    assert {state.value for state in PrefetchState if state.is_answer} == {"null", "empty", "data"}


@pytest.mark.requirement("cds-hooks-2.0", 45)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(FEVER, id="the resource itself"),
        pytest.param(bundle(FEVER), id="searchset"),
        pytest.param(bundle(FEVER, type="collection"), id="collection"),
        pytest.param({"resourceType": "Bundle", "entry": [{"resource": FEVER}]}, id="without type"),
        pytest.param({"resourceType": "Bundle", "entry": {"resource": FEVER}}, id="entry that is an object"),
        pytest.param({"resourceType": "Bundle", "entry": [FEVER]}, id="entry that is the resource"),
        pytest.param(bundle(FEVER, outcome("warning")), id="with a warning beside it"),
    ],
)
def test_data_are_read_from_a_bundle_of_any_kind(value: Any):
    assert summed_up(record(value)) == ("data", ["Condition/fever"], [])


def test_an_error_beside_data_is_named_and_the_data_count():
    found = record(bundle(FEVER, outcome()))

    assert summed_up(found) == ("data", ["Condition/fever"], [Problem("partly-failed", "conditions")])


def test_a_failure_for_a_key_of_the_clients_own_is_not_named_after_it():
    found = read_record({"-secret-name": bundle(FEVER, outcome())}, DECLARED, PATIENT)

    assert summed_up(found) == ("absent", ["Condition/fever"], [])


@pytest.mark.parametrize(
    ("rows", "unusable"),
    [
        pytest.param([{"fullUrl": "https://ehr.example/Condition/1"}], 1, id="without resource"),
        pytest.param([{"resource": None}, {"resource": []}, {"resource": "x"}, {"resource": {}}], 4, id="no resource"),
        pytest.param([None, 1, "x"], 3, id="no object"),
        pytest.param("x", 1, id="text for a list"),
    ],
)
def test_an_entry_without_a_resource_is_counted_and_the_others_count(rows: Any, unusable: int):
    alone = record({"resourceType": "Bundle", "entry": rows})
    beside = record({"resourceType": "Bundle", "entry": [*(rows if isinstance(rows, list) else [rows]), FEVER]})

    problems = [Problem("unreadable", "Bundle entry")] * unusable
    assert summed_up(alone) == ("failed", [], problems)
    assert summed_up(beside) == ("data", ["Condition/fever"], problems)


@pytest.mark.requirement("cds-hooks-2.0", 43)
def test_a_search_with_further_pages_is_named():
    found = record(bundle(FEVER, link=[{"relation": "self", "url": "a"}, {"relation": "next", "url": "b"}]))

    assert (found.more, summed_up(found)) == (["conditions"], ("data", ["Condition/fever"], []))


def test_keys_that_were_never_asked_for_are_read_by_type():
    found = read_record({"-user": {"resourceType": "Practitioner", "id": "x"}, "own": bundle(FEVER)}, {}, PATIENT)

    assert (found.states, sorted(found.resources)) == ({}, ["Condition/fever"])


def test_results_under_review_are_read_beside_the_prefetch():
    found = record(bundle(FEVER), results={"entry": [{"resource": edema()}], "resourceType": "Bundle"})

    assert summed_up(found) == ("data", ["Condition/fever", "Observation/edema"], [])


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        pytest.param(bundle(order("a", {}), FEVER), ["a", "fever"], id="usual"),
        pytest.param({"entry": [{"resource": order("a", {})}]}, ["a"], id="no resourceType"),
        pytest.param({"entry": [None, 1, "x", {}, {"resource": []}, order("a", {})]}, ["a"], id="other things"),
        pytest.param({}, [], id="nothing"),
        pytest.param({"entry": {}}, [], id="entry an empty object"),
        pytest.param(None, [], id="null"),
        pytest.param([order("a", {})], [], id="a list"),
    ],
)
def test_the_entries_of_draft_orders_are_taken_as_far_as_they_are_resources(value: Any, ids: list[str]):
    assert [resource["id"] for resource in entries(value)] == ids


# ------------------------------------------------------------------------------------------- whose they are


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(SUBJECT, id="relative"),
        pytest.param(to(f"https://ehr.example/fhir/Patient/{PATIENT}"), id="absolute"),
        pytest.param(to(f"Patient/{PATIENT}/_history/3"), id="of one version"),
        pytest.param(to(f"urn:uuid:{PATIENT}"), id="a urn of the id"),
        pytest.param(to("#patient"), id="contained"),
        pytest.param([SUBJECT], id="in a list"),
        pytest.param(f"Patient/{PATIENT}", id="a bare string"),
        pytest.param({"identifier": {"value": "mrn"}}, id="by identifier"),
        pytest.param({"display": "somebody"}, id="by display"),
        pytest.param(None, id="nobody"),
    ],
)
@pytest.mark.parametrize("field", ["subject", "patient"])
def test_a_resource_about_the_patient_or_about_nobody_is_taken(field: str, subject: Any):
    found = record(bundle({"resourceType": "Condition", "id": "a", field: subject}))

    assert summed_up(found) == ("data", ["Condition/a"], [])


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(to("Patient/other"), id="relative"),
        pytest.param(to("https://ehr.example/fhir/Patient/other"), id="absolute"),
        pytest.param(to(f"Patient/{PATIENT}-2"), id="an id that begins alike"),
        pytest.param(to("Patient/EXAMPLE"), id="another case"),
        pytest.param(to(f"Group/{PATIENT}"), id="a group of the same id"),
        pytest.param(to("urn:uuid:4f6c"), id="a urn"),
        pytest.param(to("other"), id="a bare id"),
        pytest.param([SUBJECT, to("Patient/other")], id="one of two"),
        pytest.param("Patient/other", id="a bare string"),
    ],
)
@pytest.mark.parametrize("field", ["subject", "patient"])
def test_a_resource_of_another_patient_is_left_out_and_counted(field: str, subject: Any):
    found = record(bundle({"resourceType": "Condition", "id": "a", field: subject}, FEVER))

    assert summed_up(found) == ("data", ["Condition/fever"], [Problem("other-patient", "Condition")])


@pytest.mark.parametrize(
    ("ident", "taken"), [({"id": PATIENT}, True), ({}, True), ({"id": "other"}, False), ({"id": 7}, True)]
)
def test_a_patient_counts_only_under_the_id_of_the_call(ident: Json, taken: bool):
    found = record({"resourceType": "Patient", **ident})

    assert len(found.resources) == taken
    assert found.problems == ([] if taken else [Problem("other-patient", "Patient")])


def test_a_contained_resource_of_another_patient_is_left_out_and_counted():
    own = {"resourceType": "Observation", "id": "own", "subject": to("#who")}
    silent = {"resourceType": "Observation", "id": "silent"}
    foreign = {"resourceType": "Observation", "id": "foreign", "subject": to("Patient/other")}
    who = {"resourceType": "Patient", "id": "who"}
    sent = report(subject=to("#who"), contained=[own, silent, foreign, who])

    found = record(bundle(deepcopy(sent)))

    assert found.resources == {"DiagnosticReport/report": {**sent, "contained": [own, silent, who]}}
    assert found.problems == [Problem("other-patient", "Observation")]


def test_types_that_are_not_read_are_passed_over_in_silence():
    found = record(bundle({"resourceType": "Practitioner", "id": "x", "subject": to("Patient/other")}))

    assert summed_up(found) == ("data", [], [])


# --------------------------------------------------------------------------------------------- which version


def version(value: str, **meta: str) -> Json:
    return condition("a", {"text": value}, meta=meta)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        pytest.param(
            version("old", lastUpdated="2026-03-01T10:00:00Z"),
            version("new", lastUpdated="2026-03-01T10:00:01Z"),
            id="updated later",
        ),
        pytest.param(
            version("old", lastUpdated="2026-03-01T11:30:00+02:00"),
            version("new", lastUpdated="2026-03-01T10:00:00Z"),
            id="in another time zone",
        ),
        pytest.param(version("old", versionId="9"), version("new", versionId="10"), id="version 9 and 10"),
        pytest.param(
            version("old", lastUpdated="2026-03-01T10:00:00Z", versionId="1"),
            version("new", lastUpdated="2026-03-01T10:00:00Z", versionId="2"),
            id="at the same time",
        ),
        pytest.param(version("old"), version("new", versionId="1"), id="one without meta"),
        pytest.param(
            version("old", lastUpdated="long ago"), version("new", lastUpdated="2026-03-01"), id="a date that is none"
        ),
    ],
)
def test_of_two_versions_the_newer_counts_in_whichever_order_they_come(older: Json, newer: Json):
    both_ways = [record(bundle(older, newer)), record(bundle(newer, older))]
    in_two_keys = [read_record({"a": one, "b": other}, {}, PATIENT) for one, other in ((older, newer), (newer, older))]
    under_review = [record(older, results=bundle(newer)), record(newer, results=bundle(older))]

    assert [found.resources for found in (*both_ways, *in_two_keys, *under_review)] == [{"Condition/a": newer}] * 6


def test_when_nothing_tells_two_versions_apart_the_choice_does_not_depend_on_their_order():
    one, other = version("one"), version("other")

    assert record(bundle(one, other)) == record(bundle(other, one))


def test_resources_without_id_are_each_kept_once_whatever_their_order():
    crp, esr = marker("", "1988-5"), marker("", "30341-2")

    found, turned = record(bundle(crp, esr, deepcopy(crp))), record(bundle(esr, crp))

    assert [sorted(found.resources), len(found.resources)] == [
        ["Observation/(without id, 0)", "Observation/(without id, 1)"],
        2,
    ]
    assert found == turned
    assert [resource["id"] for resource in found.of_type("Observation")] == ["(without id, 0)", "(without id, 1)"]


def test_resources_of_a_type_come_in_the_order_of_their_keys():
    found = record(bundle(study("b"), study("a"), edema("c")))

    assert [resource["id"] for resource in found.of_type("ImagingStudy")] == ["a", "b"]


def test_what_was_sent_is_left_as_it_was():
    sent = {"conditions": bundle(marker(""), report(contained=[{"resourceType": "Observation", "subject": "x"}]))}
    before = deepcopy(sent)

    read_record(sent, DECLARED, PATIENT)

    assert sent == before


# ---------------------------------------------------------------------------------------- another patient's record


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"resourceType": "Patient", "id": "other"}, id="the patient alone"),
        pytest.param(bundle({"resourceType": "Patient", "id": "other"}), id="in a Bundle"),
    ],
)
def test_a_prefetched_patient_who_is_not_the_calls_is_refused(sent: Json):
    with pytest.raises(BadRequest) as raised:
        read_record({"patient": sent}, {"patient": "Patient/example"}, PATIENT)

    assert (raised.value.at, raised.value.message) == (
        "prefetch.patient",
        "prefetch 'patient' holds another patient than context.patientId; send the resource that"
        " 'Patient/{{context.patientId}}' returns, or leave the key out",
    )


def test_a_patient_without_an_id_is_taken_for_the_calls():
    found = read_record({"patient": {"resourceType": "Patient"}}, {"patient": "Patient/example"}, PATIENT)

    assert (list(found.resources), found.problems) == (["Patient/(without id, 0)"], [])
