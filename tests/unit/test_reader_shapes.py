"""Whole records in the shapes of published guides and of other versions of FHIR, and resources that are damaged."""

from __future__ import annotations

from typing import Any

import pytest
from support.records import (
    EDEMA,
    KNEE,
    LEFT,
    RIGHT,
    SI_JOINT,
    SYNOVITIS,
    coded,
    condition,
    edema,
    lesions,
    local,
    mm,
    observation,
    patient,
    read,
    report,
    snomed,
    to,
)

Json = Any

# ------------------------------------------------------------------------------------- inside another resource


POWERSCRIBE = report(
    "ps",
    code={"text": "MRI SI joints"},
    subject=to("#pat"),
    imagingStudy=[to("#study")],
    result=[to("#finding1"), to("#finding2")],
    contained=[
        {"resourceType": "Patient", "id": "pat"},
        {"resourceType": "ImagingStudy", "id": "study", "modality": [{"code": "MR"}], "started": "2026-03-02"},
        {
            "resourceType": "Observation",
            "id": "finding1",
            "subject": to("#pat"),
            "code": snomed(EDEMA),
            "bodySite": snomed(SI_JOINT, LEFT),
            "derivedFrom": [to("#study")],
        },
        {
            "resourceType": "Observation",
            "id": "finding2",
            "code": local("depth-from-articular-surface"),
            "valueQuantity": mm(1.6, "cm"),
            "derivedFrom": [to("#finding1")],
        },
        {"resourceType": "Device", "id": "device"},
    ],
)
"""As a dictation system exports a report: everything inside, linked by local references."""


def test_what_a_report_contains_is_linked_by_its_local_references():
    found = read(POWERSCRIBE)

    (lesion,) = found.case.lesions
    assert lesions(found) == {"si_joint left": {"bme": "present", "depth_mm": "16"}}
    assert (lesion.study.key, lesion.study.date, found.gaps) == ("ImagingStudy/ps#study", "2026-03-02", ())


def test_two_reports_may_use_the_same_local_names():
    knee = {"bodySite": snomed(KNEE, RIGHT)}
    inside = [{**one, **(knee if one["id"] == "finding1" else {})} for one in POWERSCRIBE["contained"]]

    found = read(POWERSCRIBE, {**POWERSCRIBE, "id": "other", "code": {"text": "MRI knee"}, "contained": inside})

    edema_and_depth = {"bme": "present", "depth_mm": "16"}
    assert lesions(found) == {"si_joint left": edema_and_depth, "knee right": edema_and_depth}


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
def test_what_is_inside_a_withdrawn_resource_is_withdrawn(status: str):
    inside = {"contained": [{**edema(), "id": "x"}], "hasMember": [to("#x")]}

    found = read({**POWERSCRIBE, "status": status}, observation("a", {"text": "group"}, **inside, status=status))

    assert lesions(found) == {}


def test_an_observation_may_contain_its_members():
    depth = observation("d", local("depth-from-articular-surface"), valueQuantity=mm(12), bodySite=None)

    found = read(edema(hasMember=[to("#d")], contained=[depth]))

    assert lesions(found) == {"si_joint left": {"bme": "present", "depth_mm": "12"}}


def test_a_contained_subject_is_the_patient_of_its_resource():
    inside: Json = {"subject": to("#p"), "contained": [{"resourceType": "Patient", "id": "p"}]}

    found = read(edema(**inside), condition("dm", coded("73211009"), **inside))

    assert (lesions(found), patient(found), found.gaps) == (
        {"si_joint left": {"bme": "present"}},
        {"diabetes": "present"},
        (),
    )


def test_what_is_contained_and_of_another_patient_is_left_out_and_named():
    other = {**edema("x"), "subject": to("Patient/other")}

    found = read(edema("outer", hasMember=[to("#x")], contained=[{**other, "code": snomed(SYNOVITIS)}]))

    assert (lesions(found), found.gaps) == (
        {"si_joint left": {"bme": "present"}},
        ("1 Observation (of another patient)",),
    )
