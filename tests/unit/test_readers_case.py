"""The record as a whole: nothing raises, nothing depends on the order of entries, nothing is lost in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.records import (
    DICOM,
    EDEMA,
    LEFT,
    PATIENT,
    SI_JOINT,
    bundle,
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
    rules_of,
    snomed,
    study,
    to,
)

from cds_service.data import data_path
from cds_service.fhir.access import codings
from cds_service.fhir.readers import Reading, read_case
from cds_service.fhir.source import READ_TYPES, read_record
from cds_service.knowledge.codes.findings import FINDINGS
from cds_service.model.case import Problem

Json = Any

RICH = [
    {"resourceType": "Patient", "id": PATIENT, "birthDate": "1980", "gender": "male"},
    study("mri", "COR STIR", "t1_se_cor"),
    study("other", "COR STIR", started="2026-03-02", procedureCode=[loinc("24802-1")]),
    edema("a", valueBoolean=True, derivedFrom=[to("ImagingStudy/mri")], hasMember=[to("Observation/depth")]),
    edema("b", valueBoolean=False),
    observation("depth", local("depth-from-articular-surface"), valueQuantity=mm(12), bodySite=None),
    observation("bad", local("depth-from-articular-surface"), valueQuantity=mm(-1)),
    report("first", "Bone marrow edema of the left sacroiliac joint.", imagingStudy=[to("ImagingStudy/mri")]),
    report("second", "No erosion.", status="amended", issued="2026-03-04", imagingStudy=[to("ImagingStudy/mri")]),
    report(
        "texts",
        code={"text": "Imaging report"},
        text={"status": "generated", "div": "<div><p>STIR: bone marrow edema.</p></div>"},
        presentedForm=[{"contentType": "text/html", "data": "PHA+Tm8gZXJvc2lvbi48L3A+"}, {"url": "Binary/1"}],
    ),
    report("inside", contained=[{**edema(), "id": "x"}], code={"text": "MRI HIP LEFT"}),
    condition("om", icd("M86.171"), recordedDate="2020-01-01"),
    condition("dm", coded("73211009")),
    condition("foreign", coded("73211009"), subject=to("Patient/other")),
    marker("crp", interpretation=[coded("H", "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation")]),
    marker("", "6690-2"),
    marker("", "8310-5"),
    order("ref", snomed("306290009"), status="active", authoredOn="2026-03-05"),
    {**edema("a", valueBoolean=False), "meta": {"versionId": "0"}},
]


def scenarios() -> Iterator[Any]:
    for folder in sorted(data_path("scenarios").iterdir()):
        if (folder / "request.json").is_file():
            yield pytest.param(json.loads((folder / "request.json").read_bytes()), id=folder.name)


# ------------------------------------------------------------------------------------- nothing lost in silence


def test_a_resource_that_cannot_be_read_is_counted_and_named_and_the_others_count():
    # A side that is none cannot be put into a place: the reader of whatever carries it fails.
    how = rules_of({("urn:own", "X"): "side=middle"})
    broken = coded("X", "urn:own")

    found = read(
        study("mri", "COR STIR"),
        edema("broken", bodySite=broken),
        edema("also", bodySite=broken),
        edema("fine"),
        condition("broken", coded("73211009"), bodySite=[broken]),
        condition("fine", coded("44054006")),
        drafts=[order("broken", loinc("36502-3"), bodySite=[broken]), order("fine", loinc("36502-3"))],
        how=how,
    )

    assert lesions(found) == {"si_joint left": {"bme": "present"}}
    assert patient(found) == {"diabetes": "present"}
    assert [draft.reference for draft in found.case.drafts] == ["ServiceRequest/fine"]
    assert found.gaps == ("1 Condition (unreadable)", "2 Observation (unreadable)", "1 ServiceRequest (unreadable)")
    assert found.case.problems == tuple(
        Problem("unreadable", key.partition("/")[0], key)
        for key in ("Condition/broken", "Observation/also", "Observation/broken", "ServiceRequest/broken")
    )


def test_everything_that_could_not_be_used_is_said_in_words():
    sent = {
        "conditions": bundle(
            condition("a", coded("73211009"), subject=to("Patient/other")),
            condition("b", coded("73211009"), subject=to("Patient/other")),
            {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]},
            {},
        ),
        "observations": bundle(observation("d", local("depth-from-articular-surface"), valueQuantity=mm(0))),
    }

    found = read_case(read_record(sent, dict.fromkeys(sent, ""), PATIENT), rules_of(), drafts={})

    assert found.gaps == (
        "2 Condition (of another patient)",
        "conditions (query failed in part)",
        "depth of edema from the articular surface (value without a usable length)",
        "1 Bundle entry (unreadable)",
    )


def test_nothing_sent_is_nothing_known():
    found = read()

    assert (found.case.patient, found.case.lesions, found.case.problems, found.gaps) == ({}, (), (), ())


def test_what_was_sent_is_left_as_it_was():
    sent = deepcopy(RICH)

    read(*sent, drafts=[order("a", loinc("36502-3"))])

    assert sent == RICH


# ----------------------------------------------------------------------------------------- order of entries


def everything(reading: Reading) -> Any:
    return reading.case, reading.gaps


@settings(max_examples=40)
@given(st.permutations(RICH))
def test_the_order_of_the_entries_never_matters(resources: list[Json]):
    assert everything(read(*deepcopy(resources))) == everything(read(*deepcopy(RICH)))


@pytest.mark.parametrize("request_body", list(scenarios()))
def test_the_order_of_a_scenarios_entries_and_keys_never_matters(request_body: Json):
    prefetch = request_body.get("prefetch", {})
    who = request_body["context"]["patientId"]
    turned: Json = {
        key: {**value, "entry": value["entry"][::-1]} if isinstance(value, dict) and "entry" in value else value
        for key, value in reversed(prefetch.items())
    }

    as_sent, other_way = (
        everything(read_case(read_record(sent, {}, who), rules_of(), drafts={})) for sent in (prefetch, turned)
    )

    assert as_sent == other_way


# ----------------------------------------------------------------------------------------- nothing raises


CODES = [
    *(pair for entry in FINDINGS[:4] for pair in codings({"system": entry.code.system, "code": entry.code.code})),
    ("http://snomed.info/sct", EDEMA),
    ("http://snomed.info/sct", SI_JOINT),
    ("http://snomed.info/sct", LEFT),
    ("http://snomed.info/sct", "52101004"),
    ("http://snomed.info/sct", "60168000"),
    ("http://snomed.info/sct", "169083003"),
    ("http://loinc.org", "36502-3"),
    ("http://loinc.org", "1988-5"),
    (DICOM, "MR"),
    ("http://hl7.org/fhir/sid/icd-10-cm", "M86.171"),
    ("https://bme-cds.example/fhir/CodeSystem/bme-finding", "depth-from-articular-surface"),
    ("https://bme-cds.example/fhir/CodeSystem/bme-finding", "t1-signal"),
]
SCALARS = st.sampled_from(
    [None, True, 0, -1, 12, 0.5, 1e300, "", "x", "final", "active", "MRI left hip", "STIR only", "mm", "cm", "<", ">=",
     "2026-03-02", "2026", "1e999999", "MR", "H", "Bone marrow edema."]
) | st.text(max_size=4)  # fmt: skip
CODING = st.sampled_from([{"system": system, "code": code} for system, code in CODES])
REFERENCE = st.sampled_from(
    [{"reference": key} for key in ("Observation/a", "Observation/b", "ImagingStudy/a", "#a", "Patient/example", "x")]
)
QUANTITY = st.builds(lambda value, unit: {"value": value, "unit": unit, "comparator": "<"}, SCALARS, SCALARS)
PART = SCALARS | CODING | CODING.map(lambda one: {"coding": [one]}) | REFERENCE | QUANTITY
ANYTHING = (
    PART
    | st.lists(PART, max_size=2)
    | st.builds(lambda name, part: {name: part}, st.sampled_from(["low", "high", "code", "text", "start"]), PART)
)
FIELDS = st.sampled_from(
    [
        "id", "status", "code", "bodySite", "subject", "patient", "valueCodeableConcept", "valueQuantity", "valueRange",
        "valueBoolean", "valueString", "interpretation", "dataAbsentReason", "derivedFrom", "hasMember", "partOf",
        "result", "imagingStudy", "study", "modality", "effectiveDateTime", "effectivePeriod", "issued", "started",
        "onsetDateTime", "onsetPeriod", "onsetString", "abatementDateTime", "recordedDate", "birthDate", "gender",
        "clinicalStatus", "verificationStatus", "conclusion", "conclusionCode", "numberOfSeries", "description",
        "referenceRange", "meta", "performerType", "category", "reasonCode", "reason", "orderDetail", "note",
        "laterality", "procedureCode", "procedure", "authoredOn", "dosageInstruction", "medicationCodeableConcept",
        "extension", "occurrenceTiming", "component", "contained", "series",
    ]
)  # fmt: skip
TYPES = st.sampled_from(
    ["Patient", "ImagingStudy", "DiagnosticReport", "Observation", "Condition", "ServiceRequest", "MedicationRequest"]
)
CHANGES = st.lists(st.tuples(FIELDS, ANYTHING), max_size=5)
"""Objects where lists belong, lists where objects belong, and what is neither."""

PLAIN = st.sampled_from([*RICH, order("a", loinc("36502-3"))])
FLAT = st.builds(lambda kind, parts: {"resourceType": kind, **dict(parts)}, TYPES, CHANGES)
NESTED = st.builds(
    lambda outer, field, inner: {**outer, field: inner},
    FLAT,
    st.sampled_from(["component", "contained", "series"]),
    st.lists(FLAT, max_size=2),
)
RESOURCE = FLAT | NESTED | st.builds(lambda plain, changes: {**plain, **dict(changes)}, PLAIN, CHANGES)
ROWS = st.lists(RESOURCE.map(lambda found: {"resource": found}) | RESOURCE | ANYTHING, max_size=4)
BUNDLE = ROWS.map(lambda rows: {"resourceType": "Bundle", "entry": rows})
ROUGHLY_FHIR = settings(max_examples=300, suppress_health_check=list(HealthCheck))


@ROUGHLY_FHIR
@given(BUNDLE | RESOURCE | ANYTHING, BUNDLE | ANYTHING, st.lists(RESOURCE, max_size=2))
def test_whatever_looks_roughly_like_fhir_is_read_without_raising(sent: Json, results: Json, drafts: Json):
    record = read_record({"reports": sent}, {"reports": ""}, PATIENT, results)
    found = read_case(record, rules_of(), drafts={str(number): one for number, one in enumerate(drafts)})

    assert all(isinstance(gap, str) for gap in found.gaps)
    assert {resource["resourceType"] for resource in record.resources.values()} <= READ_TYPES


@ROUGHLY_FHIR
@given(st.lists(RESOURCE, min_size=2, max_size=4))
def test_whatever_looks_roughly_like_fhir_may_come_in_any_order(resources: list[Json]):
    assert everything(read(*deepcopy(resources))) == everything(read(*deepcopy(resources[::-1])))


@ROUGHLY_FHIR
@given(st.builds(lambda kind, parts: {"resourceType": kind, **dict(parts), "id": "strange"}, TYPES, CHANGES))
def test_a_strange_resource_never_hides_a_plain_one(strange: Json):
    beside = read(edema("plain"), strange)

    said = [finding for lesion in beside.case.lesions for finding in lesion.findings.values() if finding.fact == "bme"]
    assert any("Observation/plain" in {source.reference for source in finding.sources} for finding in said)
