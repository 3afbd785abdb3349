"""Codes that qualify a finding: whether it is there, how sure, on which side, how it changed, how it looks."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from cds_service.knowledge.codes.entry import Aliases, Entry, Key, alias_of, index
from cds_service.knowledge.codes.findings import CHOICES
from cds_service.knowledge.codes.local import local_values
from cds_service.knowledge.codes.sources import (
    CLINICAL_STATUS,
    DATA_ABSENT,
    FINDING_MODELS,
    INTERPRETATION,
    INTERPRETATION_HIGH,
    RADLEX_TABLE,
    SNOMED_GPS,
    VERIFICATION_STATUS,
)
from cds_service.model.coding import (
    CONDITION_CLINICAL,
    CONDITION_VERIFICATION,
    DATA_ABSENT_REASON,
    OBSERVATION_INTERPRETATION,
    Hl7Code,
    RadLexId,
    SnomedCode,
    key_of,
)
from cds_service.model.finding import State

STATES: tuple[Entry[State | None], ...] = (
    Entry(SnomedCode("52101004", "Present (qualifier value)"), State.PRESENT, SNOMED_GPS),
    Entry(RadLexId("RID28472", "present"), State.PRESENT, RADLEX_TABLE),
    Entry(SnomedCode("2667000", "Absent (qualifier value)"), State.ABSENT, SNOMED_GPS),
    Entry(RadLexId("RID28473", "absent"), State.ABSENT, RADLEX_TABLE),
    Entry(SnomedCode("82334004", "Indeterminate (qualifier value)"), State.INDETERMINATE, SNOMED_GPS),
    Entry(RadLexId("RID39110", "indeterminate"), State.INDETERMINATE, RADLEX_TABLE),
    # All shades of certainty leave a finding open; "probably not" does not exclude it (fhir-mapping 6.4).
    Entry(RadLexId("RID34", "possibly"), State.INDETERMINATE, RADLEX_TABLE),
    Entry(RadLexId("RID39175", "suspected"), State.INDETERMINATE, RADLEX_TABLE),
    Entry(RadLexId("RID33", "probably"), State.INDETERMINATE, RADLEX_TABLE),
    Entry(RadLexId("RID36", "probably not"), State.INDETERMINATE, RADLEX_TABLE),
    Entry(SnomedCode("261665006", "Unknown (qualifier value)"), None, SNOMED_GPS),
    Entry(RadLexId("RID5655", "unknown"), None, RADLEX_TABLE),
    Entry(Hl7Code(DATA_ABSENT_REASON, "unknown", "Unknown"), None, DATA_ABSENT),
    Entry(Hl7Code(DATA_ABSENT_REASON, "not-performed", "Not Performed"), None, DATA_ABSENT),
    Entry(Hl7Code(DATA_ABSENT_REASON, "not-asked", "Not Asked"), None, DATA_ABSENT),
)
"""What a value says of a yes/no finding; None: it says that nothing is known."""

STATE_CODES: Mapping[Key, State | None] = index(STATES)

INTERPRETATIONS: tuple[Entry[State], ...] = (
    Entry(Hl7Code(OBSERVATION_INTERPRETATION, "POS", "Positive"), State.PRESENT, INTERPRETATION),
    Entry(Hl7Code(OBSERVATION_INTERPRETATION, "A", "Abnormal"), State.PRESENT, INTERPRETATION),
    Entry(Hl7Code(OBSERVATION_INTERPRETATION, "NEG", "Negative"), State.ABSENT, INTERPRETATION),
    Entry(Hl7Code(OBSERVATION_INTERPRETATION, "N", "Normal"), State.ABSENT, INTERPRETATION),
)
"""What an interpretation says of a finding that has no value (fhir-mapping 2)."""

_INTERPRETATIONS = index(INTERPRETATIONS)

RAISED: tuple[Entry[State], ...] = (
    Entry(Hl7Code(OBSERVATION_INTERPRETATION, "H", "High"), State.PRESENT, INTERPRETATION),
    Entry(Hl7Code(OBSERVATION_INTERPRETATION, "HU", "Significantly high"), State.PRESENT, INTERPRETATION_HIGH),
    Entry(Hl7Code(OBSERVATION_INTERPRETATION, "HH", "Critical high"), State.PRESENT, INTERPRETATION_HIGH),
    Entry(Hl7Code(OBSERVATION_INTERPRETATION, "N", "Normal"), State.ABSENT, INTERPRETATION),
)
"""What an interpretation says of a laboratory value being raised. "Abnormal" does not say in which direction."""

_RAISED = index(RAISED)

SIDES: tuple[Entry[str], ...] = (
    Entry(SnomedCode("24028007", "Right (qualifier value)"), "right", SNOMED_GPS),
    Entry(RadLexId("RID5825", "right"), "right", RADLEX_TABLE),
    Entry(SnomedCode("7771000", "Left (qualifier value)"), "left", SNOMED_GPS),
    Entry(RadLexId("RID5824", "left"), "left", RADLEX_TABLE),
    Entry(SnomedCode("51440002", "Right and left (qualifier value)"), "both", SNOMED_GPS),
    Entry(RadLexId("RID5771", "bilateral"), "both", RADLEX_TABLE),
)
"""Sides. "Unilateral" (66459002) is not among them: it does not say which."""

SIDE_CODES: Mapping[Key, str] = index(SIDES)

T1_SIGNALS: tuple[Entry[str], ...] = (
    Entry(RadLexId("RID35804", "hypointense"), "low", RADLEX_TABLE),
    Entry(RadLexId("RID6050", "low signal intensity"), "low", RADLEX_TABLE),
    Entry(RadLexId("RID35805", "hyperintense"), "high", RADLEX_TABLE),
    Entry(RadLexId("RID13173", "normal"), "normal", RADLEX_TABLE),
)
"""Values of the T1 signal. Here the question is known to be T1, so describing words are enough."""

CHANGES: tuple[Entry[str], ...] = (
    Entry(SnomedCode("7147002", "New (qualifier value)"), "new", FINDING_MODELS),
    Entry(RadLexId("RID5720", "new"), "new", RADLEX_TABLE),
    Entry(SnomedCode("35105006", "Increased (qualifier value)"), "increased", SNOMED_GPS),
    Entry(RadLexId("RID36043", "increased"), "increased", RADLEX_TABLE),
    Entry(SnomedCode("1250004", "Decreased (qualifier value)"), "decreased", SNOMED_GPS),
    Entry(RadLexId("RID36044", "decreased"), "decreased", RADLEX_TABLE),
    Entry(SnomedCode("260388006", "No status change (qualifier value)"), "unchanged", SNOMED_GPS),
    Entry(RadLexId("RID39268", "unchanged"), "unchanged", RADLEX_TABLE),
    Entry(RadLexId("RID5734", "stable"), "unchanged", RADLEX_TABLE),
)

CHOICE_CODES: Mapping[str, Mapping[Key, str]] = {
    "t1_signal": index(T1_SIGNALS, local_values("t1_signal")),
    # RadLex words of enhancement are no pattern by themselves, not even here (see findings.DESCRIPTORS).
    "dce_pattern": index(local_values("dce_pattern")),
    "change": index(CHANGES, local_values("change")),
}
"""For each finding with choices, the codes of its values."""


class ConditionStatus(StrEnum):
    """Whether a Condition is going on or over."""

    ACTIVE = "active"
    PAST = "past"


CLINICAL_STATUSES: tuple[Entry[ConditionStatus], ...] = (
    Entry(Hl7Code(CONDITION_CLINICAL, "active", "Active"), ConditionStatus.ACTIVE, CLINICAL_STATUS),
    Entry(Hl7Code(CONDITION_CLINICAL, "recurrence", "Recurrence"), ConditionStatus.ACTIVE, CLINICAL_STATUS),
    Entry(Hl7Code(CONDITION_CLINICAL, "relapse", "Relapse"), ConditionStatus.ACTIVE, CLINICAL_STATUS),
    Entry(Hl7Code(CONDITION_CLINICAL, "inactive", "Inactive"), ConditionStatus.PAST, CLINICAL_STATUS),
    Entry(Hl7Code(CONDITION_CLINICAL, "remission", "Remission"), ConditionStatus.PAST, CLINICAL_STATUS),
    Entry(Hl7Code(CONDITION_CLINICAL, "resolved", "Resolved"), ConditionStatus.PAST, CLINICAL_STATUS),
)

_CLINICAL_STATUSES = index(CLINICAL_STATUSES)


class Verification(StrEnum):
    """How far a Condition is to be believed (decision table 5.3)."""

    CONFIRMED = "confirmed"
    DOUBTFUL = "doubtful"
    VOID = "void"


VERIFICATIONS: tuple[Entry[Verification], ...] = (
    Entry(Hl7Code(CONDITION_VERIFICATION, "confirmed", "Confirmed"), Verification.CONFIRMED, VERIFICATION_STATUS),
    Entry(Hl7Code(CONDITION_VERIFICATION, "provisional", "Provisional"), Verification.DOUBTFUL, VERIFICATION_STATUS),
    Entry(Hl7Code(CONDITION_VERIFICATION, "differential", "Differential"), Verification.DOUBTFUL, VERIFICATION_STATUS),
    Entry(Hl7Code(CONDITION_VERIFICATION, "unconfirmed", "Unconfirmed"), Verification.DOUBTFUL, VERIFICATION_STATUS),
    Entry(Hl7Code(CONDITION_VERIFICATION, "refuted", "Refuted"), Verification.VOID, VERIFICATION_STATUS),
    Entry(
        Hl7Code(CONDITION_VERIFICATION, "entered-in-error", "Entered in Error"), Verification.VOID, VERIFICATION_STATUS
    ),
)

_VERIFICATIONS = index(VERIFICATIONS)


def state_of(system: str, code: str, aliases: Aliases | None = None) -> State | None:
    """Return the state a value code gives a finding; None when it gives none or says that nothing is known.

    Ask ``says_unknown`` to tell the two apart. A site writes its own as ``state=absent``, ``state=unknown``.
    """
    alias = alias_of(system, code, aliases)
    if alias is not None and alias[0] == "state":
        return State(alias[1]) if alias[1] in set(State) else None
    return STATE_CODES.get(key_of(system, code))


def says_unknown(system: str, code: str, aliases: Aliases | None = None) -> bool:
    """Return whether a value code says that the finding was not assessed or is not known."""
    alias = alias_of(system, code, aliases)
    if alias is not None and alias[0] == "state":
        return alias[1] == "unknown"
    key = key_of(system, code)
    # Every code of that system is a reason why there is no value.
    return key[0] == DATA_ABSENT_REASON or (key in STATE_CODES and STATE_CODES[key] is None)


def interpreted(system: str, code: str) -> State | None:
    """Return the state that Observation.interpretation gives a finding without a value, or None."""
    return _INTERPRETATIONS.get(key_of(system, code))


def raised(system: str, code: str) -> State | None:
    """Return whether an interpretation says that a laboratory value is raised: present, absent, or None."""
    return _RAISED.get(key_of(system, code))


def side_of(system: str, code: str, aliases: Aliases | None = None) -> str | None:
    """Return ``left``, ``right`` or ``both``, or None. A site writes its own as ``side=left``."""
    alias = alias_of(system, code, aliases)
    if alias is not None and alias[0] == "side":
        return alias[1] or None
    return SIDE_CODES.get(key_of(system, code))


def choice_of(fact: str, system: str, code: str, aliases: Aliases | None = None) -> str | None:
    """Return which choice of ``t1_signal``, ``dce_pattern`` or ``change`` a value code states, or None.

    A site writes its own as ``t1_signal=low``. Raises KeyError for a fact that has no choices.
    """
    alias = alias_of(system, code, aliases)
    if alias is not None and alias[0] == fact and alias[1] in CHOICES[fact]:
        return alias[1]
    return CHOICE_CODES[fact].get(key_of(system, code))


def clinical_status(system: str, code: str) -> ConditionStatus | None:
    """Return whether a Condition.clinicalStatus code means going on or over; None for one not known."""
    return _CLINICAL_STATUSES.get(key_of(system, code))


def verification(system: str, code: str) -> Verification | None:
    """Return how far a Condition.verificationStatus code makes it to be believed; None for one not known."""
    return _VERIFICATIONS.get(key_of(system, code))
