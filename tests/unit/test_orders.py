from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.records import PATIENT, SUBJECT, cpt, order, snomed

from cds_service.fhir.orders import UnsendableOrder, referral, with_note
from cds_service.knowledge.codes.referrals import REFERRALS
from cds_service.model.coding import LOCAL

Json = Any

NOTE = "Protocol: include a T1-weighted sequence."


def refer(target: str = "rheumatology", **more: Any) -> Json:
    given_ = {
        "urgent": True,
        "intent": "proposal",
        "patient_id": PATIENT,
        "user_id": "Practitioner/example",
        "reason_text": "axial spondyloarthritis likely, left sacroiliac joint",
        "reason_code": {"system": LOCAL, "code": "axspa", "display": "Axial spondyloarthritis"},
        "evidence": ("DiagnosticReport/report", "Observation/edema"),
        "note": "Please confirm clinically.",
        **more,
    }
    return referral(target, **given_)


def test_a_referral_is_a_draft_for_the_patient_of_the_call():
    assert refer() == {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "priority": "urgent",
        "code": {
            "coding": [
                {
                    "system": "http://snomed.info/sct",
                    "code": "306290009",
                    "display": "Referral to rheumatologist (procedure)",
                }
            ],
            "text": "Referral to rheumatology",
        },
        "subject": {"reference": "Patient/example"},
        "requester": {"reference": "Practitioner/example"},
        "performerType": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/service-type",
                    "code": "182",
                    "display": "Rheumatology",
                }
            ],
            "text": "Rheumatology",
        },
        "reasonCode": [
            {
                "coding": [{"system": LOCAL, "code": "axspa", "display": "Axial spondyloarthritis"}],
                "text": "axial spondyloarthritis likely, left sacroiliac joint",
            }
        ],
        "reasonReference": [{"reference": "DiagnosticReport/report"}, {"reference": "Observation/edema"}],
        "note": [{"text": "Please confirm clinically."}],
    }


@pytest.mark.requirement("cds-hooks-2.0", 3)
@pytest.mark.parametrize("target", REFERRALS)
@pytest.mark.parametrize("urgent", [True, False])
@pytest.mark.parametrize("intent", ["proposal", "order"])
def test_every_referral_is_valid_fhir_with_a_code(target: str, urgent: bool, intent: str):
    found = refer(target, urgent=urgent, intent=intent)

    assert ServiceRequest.model_validate(deepcopy(found)).status == "draft"
    assert (found["priority"], found["intent"]) == ("urgent" if urgent else "routine", intent)
    assert [bool(coding["code"]) for coding in found["code"]["coding"]] == [True] * len(REFERRALS[target].codes)


def test_a_sites_own_code_comes_before_the_public_ones():
    own = {"system": "urn:own", "code": "RHEUM", "display": "Rheumatology clinic"}

    found = refer(own_code=own)

    assert [coding["code"] for coding in found["code"]["coding"]] == ["RHEUM", "306290009"]


@pytest.mark.parametrize(
    ("user", "requester"),
    [
        pytest.param("Practitioner/example", {"reference": "Practitioner/example"}, id="Practitioner"),
        pytest.param("PractitionerRole/example-1", {"reference": "PractitionerRole/example-1"}, id="PractitionerRole"),
        pytest.param("Patient/example", None, id="Patient"),
        pytest.param("RelatedPerson/x", None, id="RelatedPerson"),
        pytest.param("Practitioner/", None, id="no id"),
        pytest.param("Practitioner", None, id="no type"),
        pytest.param("https://ehr.example/Practitioner/1", None, id="an address"),
        pytest.param("Practitioner/1/_history/2", None, id="a version"),
        pytest.param("Practitioner/a b", None, id="an id that is none"),
        pytest.param("Practitioner/1\n", None, id="a line break"),
        pytest.param("example", None, id="a bare id"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_only_a_practitioner_is_named_as_requester(user: str, requester: Json):
    assert refer(user_id=user).get("requester") == requester


@pytest.mark.parametrize(
    ("key", "is_named"),
    [
        ("DiagnosticReport/report", True),
        ("Observation/edema", True),
        ("Condition/a.b-C9", True),
        ("ImagingStudy/mri", False),
        ("ServiceRequest/a", False),
        ("Observation/report#finding", False),
        ("Observation/(without id, 0)", False),
        ("Observation", False),
        ("Observation/", False),
        ("Observation/a b", False),
        ("Observation/http://evil.example", False),
        ("DiagnosticReport/<img src=x>", False),
        ("", False),
    ],
)
def test_a_reason_is_referred_to_only_when_the_ehr_can_open_it(key: str, is_named: bool):
    assert refer(evidence=(key,)).get("reasonReference") == ([{"reference": key}] if is_named else None)


def test_a_reason_is_referred_to_once():
    found = refer(evidence=("Observation/a", "Observation/b", "Observation/a"))

    assert found["reasonReference"] == [{"reference": "Observation/a"}, {"reference": "Observation/b"}]


def test_a_referral_that_is_not_valid_is_not_made():
    with pytest.raises(UnsendableOrder):
        refer(intent="")


# ------------------------------------------------------------------------------------- a draft with a note


FULL = order(
    "draft",
    {**cpt("72195"), "text": "MRI sacroiliac joints"},
    intent="original-order",
    meta={"versionId": "3", "tag": [{"system": "urn:x", "code": "y"}]},
    extension=[{"url": "https://ehr.example/ext", "valueString": "kept"}],
    contained=[{"resourceType": "Practitioner", "id": "p", "name": [{"family": "Example"}]}],
    identifier=[{"value": "1"}],
    priority="routine",
    bodySite=[snomed("39723000")],
    note=[{"text": "STIR only", "time": "2026-03-02T10:00:00Z"}],
)


@pytest.mark.requirement("cds-hooks-2.0", 99)
def test_a_note_is_added_and_everything_else_is_kept():
    before = deepcopy(FULL)

    found = with_note(FULL, NOTE)

    assert found == {**before, "note": [*before["note"], {"text": NOTE}]}
    assert before == FULL


@pytest.mark.parametrize("notes", [{}, {"note": []}, {"note": None}])
def test_a_draft_without_notes_gets_one(notes: Json):
    draft = {key: value for key, value in FULL.items() if key != "note"} | notes

    assert with_note(draft, NOTE)["note"] == [{"text": NOTE}]


def test_a_note_that_stands_alone_becomes_the_first_of_a_list():
    assert with_note({**FULL, "note": {"text": "STIR only"}}, NOTE)["note"] == [{"text": "STIR only"}, {"text": NOTE}]


@pytest.mark.requirement("cds-hooks-2.0", 3)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"resourceType": "MedicationRequest"}, id="another type"),
        pytest.param({"id": None}, id="no id, so nothing to update"),
        pytest.param({"id": 7}, id="an id that is a number"),
        pytest.param({"note": "STIR only"}, id="notes that are text"),
        pytest.param({"note": [{"text": "a"}, "b"]}, id="a note that is text"),
        pytest.param({"intent": None}, id="no intent"),
        pytest.param({"status": None}, id="no status"),
        pytest.param({"subject": None}, id="no subject"),
        pytest.param({"code": {"coding": {"code": "x"}}}, id="coding that is an object"),
        pytest.param({"category": {"text": "x"}}, id="category that is an object"),
        pytest.param({"unknownField": 1}, id="a field that FHIR does not know"),
        pytest.param({"contained": [{"resourceType": "Nothing"}]}, id="a contained resource of no type"),
        pytest.param({"authoredOn": "yesterday"}, id="a date that is none"),
        pytest.param({"subject": {**SUBJECT, "display": None}}, id="a null inside"),
        pytest.param({"reasonCode": []}, id="an empty list"),
        pytest.param({"code": {"coding": [{}]}}, id="the Sandbox's empty coding"),
        pytest.param({"code": {"text": ""}}, id="an empty text"),
    ],
)
def test_a_draft_that_is_not_valid_is_not_sent_back(changes: Json):
    draft = {name: value for name, value in {**FULL, **changes}.items() if value is not None}

    with pytest.raises(UnsendableOrder):
        with_note(draft, NOTE)


def test_a_draft_nested_beyond_reason_is_not_sent_back():
    deep: Json = {"url": "https://ehr.example", "valueString": "x"}
    for _ in range(3000):
        deep = {"url": "https://ehr.example", "extension": [deep]}

    with pytest.raises(UnsendableOrder):
        with_note({**FULL, "extension": [deep]}, NOTE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "text", "url", "code"]), inner),
    max_leaves=5,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*FULL, "x"]), JSON, max_size=3))
def test_a_strange_draft_is_kept_whole_or_not_sent_back_and_never_changed(changes: Json):
    draft = {**FULL, "subject": SUBJECT, **changes}
    before = deepcopy(draft)

    try:
        found = with_note(draft, NOTE)
    except UnsendableOrder:
        found = None

    assert draft == before
    if found is not None:
        assert found["note"][-1] == {"text": NOTE}
        assert {name: value for name, value in found.items() if name != "note"} == {
            name: value for name, value in before.items() if name != "note"
        }
