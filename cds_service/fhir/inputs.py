"""What is read of a record: the elements of each resource type, and nothing else.

A test holds this list equal to what the readers really look at, over all scenarios.
"""

from __future__ import annotations

from collections.abc import Mapping

ALWAYS = ("contained", "id", "resourceType")
"""Which resource it is, and what lies inside it; read of every type."""

ELEMENTS_READ: Mapping[str, tuple[str, ...]] = {
    "Patient": ("birthDate", "deceasedBoolean", "deceasedDateTime", "gender"),
    "ImagingStudy": (
        "description",
        "meta",
        "modality",
        "modalityList",
        "numberOfSeries",
        "procedure",
        "procedureCode",
        "series",
        "started",
        "status",
        "subject",
    ),
    "DiagnosticReport": (
        "category",
        "code",
        "codedDiagnosis",
        "conclusion",
        "conclusionCode",
        "effectiveDateTime",
        "effectivePeriod",
        "imagingStudy",
        "issued",
        "language",
        "meta",
        "presentedForm",
        "result",
        "status",
        "study",
        "subject",
        "text",
    ),
    "Observation": (
        "bodySite",
        "bodyStructure",
        "code",
        "comment",
        "comments",
        "component",
        "dataAbsentReason",
        "derivedFrom",
        "effectiveDateTime",
        "effectiveInstant",
        "effectivePeriod",
        "hasMember",
        "interpretation",
        "issued",
        "language",
        "method",
        "note",
        "partOf",
        "referenceRange",
        "related",
        "status",
        "subject",
        "valueBoolean",
        "valueCodeableConcept",
        "valueQuantity",
        "valueRange",
        "valueString",
        "value[x]",
    ),
    "Condition": (
        "abatement[x]",
        "assertedDate",
        "bodySite",
        "clinicalStatus",
        "code",
        "dateRecorded",
        "onsetDateTime",
        "onsetPeriod",
        "onset[x]",
        "recordedDate",
        "subject",
        "verificationStatus",
    ),
    "MedicationRequest": (
        "authoredOn",
        "doNotPerform",
        "dosageInstruction",
        "medication",
        "medicationCodeableConcept",
        "medicationReference",
        "note",
        "reasonCode",
        "status",
        "subject",
    ),
    "ServiceRequest": (
        "authoredOn",
        "bodySite",
        "category",
        "code",
        "doNotPerform",
        "note",
        "occurrenceDateTime",
        "occurrencePeriod",
        "occurrenceTiming",
        "orderDetail",
        "patientInstruction",
        "performerType",
        "reason",
        "reasonCode",
        "status",
        "subject",
    ),
}
"""Resource type -> elements read for an answer; of one with [x] only whether there is any.

A few are of other versions of FHIR. Names, identifiers, addresses, telecom, race, ethnicity and language of the patient
are not among them.
"""
