"""Whole records in the shapes of published guides and of other versions of FHIR, and resources that are damaged."""

from __future__ import annotations

from typing import Any

import pytest
from support.records import (
    ABSENT,
    DICOM,
    EDEMA,
    KNEE,
    LEFT,
    PATIENT,
    RIGHT,
    SI_JOINT,
    SUBJECT,
    SYNOVITIS,
    coded,
    condition,
    edema,
    lesions,
    local,
    loinc,
    mm,
    observation,
    patient,
    read,
    report,
    snomed,
    study,
    to,
)

Json = Any

ABSOLUTE = to(f"https://ehr.example/dstu2/Patient/{PATIENT}")

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


# ------------------------------------------------------------------------------- guides, and other versions of FHIR


IMAGING = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "imaging"}]}]
FINDINGS = "There is bone marrow edema of the left sacroiliac joint without erosion."


def gaps(*kinds: str) -> tuple[str, ...]:
    return tuple(f"1 {kind} (of another FHIR version, read as far as its parts are known)" for kind in kinds)


IHE_IMR = [
    study(),
    report(
        code=loinc("18748-4"),
        category=[{"coding": [{"system": "http://loinc.org", "code": "LP29684-5"}]}],
        imagingStudy=[to("ImagingStudy/mri")],
        result=[to("Observation/findings"), to("Observation/impression")],
    ),
    observation("findings", loinc("59776-5"), category=IMAGING, bodySite=None, valueString=FINDINGS),
    observation("impression", loinc("19005-8"), category=IMAGING, bodySite=None, valueString="Left sacroiliitis."),
]
"""IHE RAD Interactive Multimedia Report: the text stands in two observations that the report names."""

US_CORE = [
    report(
        code={"coding": [{"system": "http://loinc.org", "code": "36502-3"}]},
        category=[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}],
        result=[to("Observation/findings")],
    ),
    observation("findings", loinc("18782-3"), category=IMAGING, bodySite=None, valueString=FINDINGS),
]
"""US Core: a note exchange report without its study, and a clinical result that is text."""

R5 = [
    {
        "resourceType": "ImagingStudy",
        "id": "mri",
        "status": "available",
        "subject": SUBJECT,
        "started": "2026-03-02",
        "modality": [coded("MR", DICOM)],
        "procedure": [{"concept": loinc("36502-3")}],
        "series": [{"bodySite": {"concept": snomed(SI_JOINT)}, "laterality": snomed(LEFT), "description": "COR STIR"}],
    },
    {**report("r5", study=[to("ImagingStudy/mri")], result=[to("Observation/edema")])},
    edema(
        bodySite=None,
        bodyStructure=to("#b"),
        contained=[
            {
                "resourceType": "BodyStructure",
                "id": "b",
                "includedStructure": [{"structure": snomed(SI_JOINT), "laterality": snomed(LEFT)}],
            }
        ],
        component=[{"code": local("erosion"), "valueCodeableConcept": snomed(ABSENT)}],
    ),
]

STU3 = [
    study(modality=None, modalityList=[{"system": DICOM, "code": "MR"}], patient=SUBJECT, subject=None),
    edema(
        valueBoolean=True,
        comment="No erosion.",
        related=[{"type": "derived-from", "target": to("ImagingStudy/mri")}],
    ),
    condition("dm", coded("73211009"), clinicalStatus="active", assertedDate="2020-01-01"),
]

DSTU2 = [
    {
        "resourceType": "Patient",
        "id": PATIENT,
        "name": [{"family": ["Example"]}],
        "birthDate": "1980-03-11",
        "gender": "male",
    },
    study(modality=None, modalityList=[{"system": DICOM, "code": "MR"}], patient=ABSOLUTE, subject=None),
    edema(subject=ABSOLUTE, valueBoolean=True, comments="No erosion."),
    condition(
        "dm",
        coded("73211009"),
        patient=ABSOLUTE,
        subject=None,
        category={"coding": [{"code": "diagnosis"}]},
        clinicalStatus="active",
        verificationStatus="confirmed",
        dateRecorded="2020-01-01",
    ),
]


@pytest.mark.parametrize(
    ("sent", "found", "of_patient", "named"),
    [
        pytest.param(IHE_IMR, {"bme": "present", "erosion": "absent", "axspa": "present"}, {}, (), id="IHE IMR"),
        pytest.param(US_CORE, {"bme": "present", "erosion": "absent"}, {}, (), id="US Core"),
        pytest.param(
            R5,
            {"bme": "present", "erosion": "absent"},
            {},
            gaps("DiagnosticReport", "ImagingStudy", "Observation"),
            id="R5",
        ),
        pytest.param(
            STU3,
            {"bme": "present", "erosion": "absent"},
            {"diabetes": "present"},
            gaps("Condition", "ImagingStudy", "Observation"),
            id="STU3",
        ),
        pytest.param(
            DSTU2,
            {"bme": "present", "erosion": "absent"},
            {"age": "45", "diabetes": "present", "sex": "male"},
            gaps("Condition", "ImagingStudy", "Observation"),
            id="DSTU2",
        ),
    ],
)
def test_a_record_of_a_published_shape_is_read(sent: list[Json], found: Json, of_patient: Json, named: tuple[str, ...]):
    reading = read(*sent)

    assert (lesions(reading), patient(reading), reading.gaps) == ({"si_joint left": found}, of_patient, named)
