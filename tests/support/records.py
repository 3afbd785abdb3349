"""Small FHIR resources for the tests of the readers, and short ways to say what was read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from cds_service.fhir.readers import Reading, ReadingRules, read_case
from cds_service.fhir.source import Record, draft_orders, read_record
from cds_service.knowledge.rules import rule_set
from cds_service.model.coding import CPT, ICD10_CM, LOCAL, LOINC, RADLEX, SNOMED
from cds_service.model.finding import Finding

Json = dict[str, Any]

PATIENT = "example"
TODAY = date(2026, 3, 10)
RULES = rule_set()

EDEMA, SYNOVITIS, EFFUSION = "6411000179107", "416209007", "387637008"
SI_JOINT, HIP, KNEE, FOOT = "39723000", "24136001", "49076000", "56459004"
LEFT, RIGHT, BOTH = "7771000", "24028007", "51440002"
PRESENT, ABSENT, INDETERMINATE, UNKNOWN = "52101004", "2667000", "82334004", "261665006"

DICOM = "http://dicom.nema.org/resources/ontology/DCM"


def coded(code: str, system: str = SNOMED, **more: Any) -> Json:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}], **more}


def snomed(*codes: str) -> Json:
    return {"coding": [{"system": SNOMED, "code": code} for code in codes]}


def loinc(code: str) -> Json:
    return coded(code, LOINC)


def local(code: str) -> Json:
    return coded(code, LOCAL)


def icd(code: str) -> Json:
    return coded(code, ICD10_CM)


def cpt(code: str) -> Json:
    return coded(code, CPT)


def radlex(code: str) -> Json:
    return coded(code, RADLEX)


def mm(value: Any, unit: str = "mm", **more: Any) -> Json:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit, **more}


def to(reference: str) -> Json:
    return {"reference": reference}


SUBJECT = to(f"Patient/{PATIENT}")


def study(ident: str = "mri", *series: str, **more: Any) -> Json:
    """An MR study of the left sacroiliac joint, with these series."""
    return {
        "resourceType": "ImagingStudy",
        "id": ident,
        "status": "available",
        "subject": SUBJECT,
        "started": "2026-03-02T09:00:00Z",
        "modality": [{"system": DICOM, "code": "MR"}],
        "procedureCode": [loinc("36502-3")],
        "series": [
            {"uid": f"1.2.{number}", "modality": {"system": DICOM, "code": "MR"}, "description": name}
            for number, name in enumerate(series)
        ],
        **more,
    }


def observation(ident: str, code: Json, **more: Any) -> Json:
    """A coded finding at the left sacroiliac joint on the day of the study."""
    return {
        "resourceType": "Observation",
        "id": ident,
        "status": "final",
        "subject": SUBJECT,
        "effectiveDateTime": "2026-03-02",
        "code": code,
        "bodySite": snomed(SI_JOINT, LEFT),
        **more,
    }


def edema(ident: str = "edema", **more: Any) -> Json:
    return observation(ident, snomed(EDEMA), **more)


def marker(ident: str, code: str = "1988-5", **more: Any) -> Json:
    """A laboratory value; C-reactive protein unless another code is given."""
    return {
        "resourceType": "Observation",
        "id": ident,
        "status": "final",
        "subject": SUBJECT,
        "effectiveDateTime": "2026-03-01",
        "code": loinc(code),
        **more,
    }


def report(ident: str = "report", conclusion: str = "", **more: Any) -> Json:
    """A report of an MRI of the sacroiliac joints."""
    return {
        "resourceType": "DiagnosticReport",
        "id": ident,
        "status": "final",
        "subject": SUBJECT,
        "code": {**loinc("36502-3"), "text": "MRI sacroiliac joints"},
        "effectiveDateTime": "2026-03-02",
        "issued": "2026-03-03T10:00:00Z",
        **({"conclusion": conclusion} if conclusion else {}),
        **more,
    }


def condition(ident: str, code: Json, **more: Any) -> Json:
    return {"resourceType": "Condition", "id": ident, "subject": SUBJECT, "code": code, **more}


def order(ident: str, code: Json, **more: Any) -> Json:
    """A draft order."""
    return {
        "resourceType": "ServiceRequest",
        "id": ident,
        "status": "draft",
        "intent": "order",
        "subject": SUBJECT,
        "code": code,
        **more,
    }


def bundle(*resources: Any, **more: Any) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": resource} for resource in resources],
        **more,
    }


def record_of(*resources: Any) -> Record:
    return read_record({"records": bundle(*resources)}, {}, PATIENT)


def rules_of(aliases: Mapping[tuple[str, str], str] | None = None, **settings: Any) -> ReadingRules:
    return ReadingRules(RULES, settings, aliases or {}, TODAY)


def read(*resources: Any, drafts: Iterable[Any] = (), how: ReadingRules | None = None) -> Reading:
    """Read resources that all belong to the example patient, on the day of the tests."""
    sent = {"entry": [{"resource": draft} for draft in drafts]}
    return read_case(record_of(*resources), how or rules_of(), drafts=draft_orders(sent, PATIENT))


def said(finding: Finding) -> str:
    """What is stated of one fact; values that disagree are joined."""
    return " / ".join(sorted(str(value) for value in finding.values))


def facts(findings: Mapping[str, Finding]) -> dict[str, str]:
    return {name: said(finding) for name, finding in findings.items()}


def lesions(reading: Reading) -> dict[str, dict[str, str]]:
    """What is stated of each lesion, by "group side"; a lesion without a side is its group alone."""
    return {
        f"{lesion.group or 'somewhere'} {lesion.side or ''}".strip(): facts(lesion.findings)
        for lesion in reading.case.lesions
    }


def patient(reading: Reading) -> dict[str, str]:
    return facts(reading.case.patient)


def sequences(reading: Reading) -> dict[str, str]:
    """What is stated of the sequences of the only lesion's study."""
    (lesion,) = reading.case.lesions
    return {name.removeprefix("seq."): said(finding) for name, finding in lesion.study.findings.items()}


def draft(reading: Reading) -> dict[str, str]:
    """What is stated of the only draft, without ``order.`` before it."""
    (one,) = reading.case.drafts
    return {name.removeprefix("order."): said(finding) for name, finding in one.findings.items()}
