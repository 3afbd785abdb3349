"""Reasons that a card offers a clinician who does not follow it.

HL7's list for CDS Hooks 3.0 (ballot, trial use) says most of what is needed; what it lacks, that a card may simply
be wrong about this patient, is our own. HL7's displays are kept word for word, so that clients can compare them.
"""

from __future__ import annotations

from cds_service.knowledge.codes.entry import Entry
from cds_service.knowledge.codes.local import local_code
from cds_service.knowledge.codes.sources import OVERRIDES, OWN
from cds_service.model.coding import NON_ADHERENCE_REASON, Code, Hl7Code


def _hl7(code: str, display: str) -> Entry[None]:
    return Entry(Hl7Code(NON_ADHERENCE_REASON, code, display), None, OVERRIDES)


def _own(code: str) -> Entry[None]:
    return Entry(local_code(code), None, OWN)


OVERRIDE_ENTRIES: tuple[Entry[None], ...] = (
    _hl7("action-completed", "Recommended action was already completed"),
    _own("already-under-specialist"),
    _own("other-cause-established"),
    _own("record-misread"),
    _hl7("patient-ineligible", "Patient does not meet eligibility for recommended action"),
    _hl7("patient-contraindication", "Patient has contraindication to recommended action"),
    _hl7("action-not-priority", "Recommended action is not relevant or a priority in current state of health"),
    _hl7(
        "need-more-info",
        "Could not address recommended action due to need for more information/pending results/pending consult",
    ),
    _hl7("recipient-does-not-trust", "Recipient does not agree with or trust the recommended action"),
    _hl7("does-not-align-preferences", "Recommendation does not align with patient preferences or values"),
    _hl7("service-not-available", "Treatment or service is not practically available"),
)

OVERRIDE_REASONS: tuple[Code, ...] = tuple(entry.code for entry in OVERRIDE_ENTRIES)
"""The reasons in the order in which a card offers them; every one has a display."""
