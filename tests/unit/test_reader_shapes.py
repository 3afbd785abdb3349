"""Whole records in the shapes of published guides and of other versions of FHIR, and resources that are damaged."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.records import (
    ABSENT,
    DICOM,
    EDEMA,
    FOOT,
    HIP,
    KNEE,
    LEFT,
    PATIENT,
    PRESENT,
    RIGHT,
    SI_JOINT,
    SUBJECT,
    SYNOVITIS,
    coded,
    condition,
    edema,
    icd,
    lesions,
    local,
    loinc,
    marker,
    mm,
    observation,
    order,
    patient,
    read,
    report,
    snomed,
    study,
    to,
)

from cds_service.errors import BadRequest
from cds_service.fhir.readers import Reading
from cds_service.model.coding import ATC, ICD10_CM, RADLEX, SNOMED

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


# ------------------------------------------------------------------------------------------- damaged resources


RAISED_FLAG = coded("H", "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation")
MG_PER_L = {"code": "mg/L", "unit": "mg/L"}

WHOLE: dict[str, list[Json]] = {
    "Patient": [
        {"resourceType": "Patient", "id": PATIENT, "birthDate": "1980-01-01", "gender": "female", "name": [{}]}
    ],
    "Condition": [
        condition(
            "om",
            {"coding": [{"system": ICD10_CM, "code": "M86.171"}, {"system": SNOMED, "code": "60168000"}]},
            clinicalStatus=coded("active", "http://terminology.hl7.org/CodeSystem/condition-clinical"),
            verificationStatus=coded("confirmed", "http://terminology.hl7.org/CodeSystem/condition-ver-status"),
            bodySite=[snomed(FOOT, RIGHT)],
            onsetPeriod={"start": "2026-02-20", "end": "2026-03-01"},
            recordedDate="2026-03-01",
        ),
        condition("injury", coded("417746004"), onsetDateTime="2026-03-01", bodySite=[snomed(FOOT, RIGHT)]),
        condition("mi", icd("I21.4"), onsetDateTime="2026-01-01"),
        edema("foot", bodySite=snomed(FOOT, RIGHT)),
    ],
    "Observation": [
        study(),
        edema(
            valueCodeableConcept=snomed(PRESENT),
            interpretation=[coded("A", "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation")],
            derivedFrom=[to("ImagingStudy/mri")],
            hasMember=[to("Observation/depth")],
            note=[{"text": "With erosion."}],
            component=[
                {"code": local("erosion"), "valueBoolean": True},
                {"code": local("t1-signal"), "valueCodeableConcept": coded("RID35804", RADLEX)},
            ],
        ),
        observation("depth", local("depth-from-articular-surface"), valueQuantity=mm(12), bodySite=None),
        observation("bright", coded("RID35805", RADLEX), bodySite=snomed("2812003"), method=coded("RID28699", RADLEX)),
        observation("range", local("depth-from-articular-surface"), valueRange={"low": mm(8), "high": mm(12)}),
        observation("text", loinc("59776-5"), valueString="MRI: ankylosis of the left sacroiliac joint."),
        observation("generic", coded("169083003"), valueCodeableConcept=snomed(SYNOVITIS)),
    ],
    "laboratory": [
        marker("crp", valueQuantity={"value": 80, **MG_PER_L}, referenceRange=[{"high": {"value": 5, **MG_PER_L}}]),
        marker("wbc", "6690-2", interpretation=[RAISED_FLAG], valueQuantity={"value": 14, "unit": "10*3/uL"}),
        {**marker("panel"), "code": loinc("58410-2"), "component": [
            {"code": loinc("26464-8"), "valueQuantity": {"value": 14, "unit": "K/uL", "comparator": ">"},
             "referenceRange": [{"high": {"value": 11, "unit": "10*9/L"}, "type": coded("normal", "urn:x")}]}
        ]},
    ],
    "ImagingStudy": [
        study("mri", "COR STIR", "t1_se_cor", "t2_tse_sag", "t1_twist_tra", numberOfSeries=4, description="MRI LEFT"),
    ],
    "MedicationRequest": [
        {
            "resourceType": "MedicationRequest",
            "id": "warfarin",
            "status": "active",
            "subject": SUBJECT,
            "medicationReference": to("#m"),
            "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "Warfarin"}}],
        },
    ],
    "DiagnosticReport": [POWERSCRIBE],
}  # fmt: skip
"""Resources that state no finding absent and no sequence missing."""

DRAFTS: list[Json] = [
    order(
        "mri",
        {**loinc("36013-1"), "text": "MRI hip"},
        bodySite=[snomed(HIP, LEFT)],
        orderDetail=[{"text": "T1 and STIR with contrast"}],
        note=[{"text": "T1 and STIR"}],
        reasonCode=[icd("M25.552")],
        priority="routine",
    ),
    {
        "resourceType": "MedicationRequest",
        "id": "iloprost",
        "status": "draft",
        "subject": SUBJECT,
        "medicationCodeableConcept": coded("B01AC11", ATC),
        "dosageInstruction": [
            {
                "route": {"text": "intravenous"},
                "timing": {"repeat": {"duration": 6, "durationUnit": "h", "boundsDuration": {"value": 5, "code": "d"},
                                      "frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 50, "code": "ug"}}],
            }
        ],
    },
    {"resourceType": "DiagnosticOrder", "id": "old", "status": "draft", "item": [{"code": loinc("24802-1")}]},
]  # fmt: skip

WRONG = (None, "", [], {}, "x", 7, 1e300, True, [None], ["x"], [[]], [{}], {"x": 1})
"""What stands in the place of an element: nothing, emptiness, another type."""
LONE, LISTED = object(), object()
"""An object in the place of its list, and a list in the place of what it would hold."""


def places_in(value: Json, path: tuple[Json, ...] = ()) -> list[tuple[Json, ...]]:
    """Every element of a resource, however deep, by the way to it."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [place for name, part in parts for place in places_in(part, (*path, name))]
    return [path, *inner] if path else inner


def damaged(value: Json, path: tuple[Json, ...], wrong: Json) -> Json:
    """The value with another in one place; ``LONE`` and ``LISTED`` put an object for its list, and the reverse."""
    if not path:
        if wrong is LONE:
            return value[0] if isinstance(value, list) and value else value
        return [value] if wrong is LISTED else wrong
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = damaged(value[path[0]], path[1:], wrong)
    return copy


def part_at(value: Json, path: tuple[Json, ...]) -> Json:
    for name in path:
        value = value[name]
    return value


DENIED = ("absent", "not_acquired")


def denied(reading: Reading) -> set[tuple[str, str, str]]:
    """Where something is stated to be absent, or a sequence to be missing, each with the resource that says so."""
    findings = [*reading.case.patient.values()]
    for lesion in reading.case.lesions:
        findings += [*lesion.findings.values(), *lesion.study.findings.values()]
    for one in reading.case.drafts:
        findings += one.findings.values()
    return {
        (finding.fact, str(value), source.reference)
        for finding in findings
        for value, source in zip(finding.values, finding.sources, strict=True)
        if value in DENIED
    }


@pytest.mark.parametrize("kind", WHOLE)
def test_the_whole_resources_deny_nothing(kind: str):
    assert denied(read(*WHOLE[kind])) == set()


DAMAGE = settings(max_examples=200, suppress_health_check=list(HealthCheck))


@st.composite
def a_damaged(draw: st.DrawFn, resource: Json) -> Json:
    """The resource with one element of the wrong shape."""
    path = draw(st.sampled_from(places_in(resource)))
    wrong = draw(st.sampled_from([*WRONG, LONE, LISTED]))
    # A number for a number is another statement, and so is another modality.
    assume(not (isinstance(part_at(resource, path), int | float) and isinstance(wrong, int | float)))
    assume(path[-2:] != ("modality", "code"))
    return damaged(resource, path, wrong)


@pytest.mark.parametrize("kind", WHOLE)
@DAMAGE
@given(data=st.data())
def test_a_damaged_resource_never_raises_and_never_denies_what_the_whole_one_did_not(kind: str, data: st.DataObject):
    sent = WHOLE[kind]
    number = data.draw(st.integers(0, len(sent) - 1))
    broken = data.draw(a_damaged(sent[number]))

    found = read(*sent[:number], broken, *sent[number + 1 :])

    assert denied(found) == set()


@DAMAGE
@given(data=st.data())
def test_a_damaged_draft_never_raises_and_never_denies_what_the_whole_one_did_not(data: st.DataObject):
    number = data.draw(st.integers(0, len(DRAFTS) - 1))
    broken = data.draw(a_damaged(DRAFTS[number]))

    try:
        found = read(drafts=[*DRAFTS[:number], broken, *DRAFTS[number + 1 :]])
    except BadRequest as refused:  # it may have become somebody else's
        found, at = None, refused.at

    assert at == "context.draftOrders" if found is None else denied(found) == set()
