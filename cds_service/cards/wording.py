"""The card's own words. Clinical sentences come from ``knowledge``; this module says everything around them.

A reviewed translation would replace this module and the texts in ``knowledge``.
"""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.model.case import Lesion
from cds_service.model.condition import Fact, Kind
from cds_service.model.finding import Finding, State, Trust, Value
from cds_service.model.level import Level, Tier
from cds_service.model.quantity import Range


@dataclass(frozen=True)
class Unread:
    """What is said of reports that could not be read."""

    summary: str
    caution: str
    heading: str


TIER = {
    Tier.EMERGENT: "Emergency",
    Tier.URGENT: "Urgent",
    Tier.SOON: "Early review",
    Tier.ROUTINE: "For information",
}
LEVEL = {
    Level.LIKELY: "likely",
    Level.POSSIBLE: "possible",
    Level.UNLIKELY: "unlikely",
    Level.NOT_ASSESSABLE: "cannot be assessed",
}

FINDINGS = "Findings read"
WHY = "Why"
CONSIDER = "Consider"
WARNINGS = "Take care"
MISSING = "Not reported, and would change the answer"
DOUBT = "Stated, but not clearly enough"
SOURCES = "Sources"
SHOW_EVIDENCE = "Show the evidence"
ABOUT = "About this advice: purpose, evidence, limits"
CARD_CHANGED = "The record has changed since the card was shown; this page is newer than the card."
CARD_GONE = (
    "The card from which this page was opened is not among those that the record calls for now: it was about an order"
    " not yet signed, or the record has changed since."
)
CARD_OF_OTHER = "The link that opened this page came from a card about another patient. Check whom this page is about."
CARD_UNKNOWN = "The link that opened this page was changed on its way; what it said was not used."
ALSO = "Also raised, see the record"
INCOMPLETE = "This version does not assess {causes}; the differential is not complete."
NOT_CHECKED = "Not checked: {gaps}."
KEY = {
    "patient": "patient",
    "studies": "imaging studies",
    "reports": "reports",
    "observations": "observations",
    "labs": "laboratory results",
    "temperature": "temperature",
    "conditions": "problem list",
    "medications": "medications",
    "orders": "existing orders",
    "report": "the report on screen",
    "study": "the study on screen",
}
"""What each key of the prefetch is called where it could not be had."""
NOT_SENT = "not sent"
QUERY_FAILED = "query failed"
NOT_ALL_PAGES = "not all pages"
PROTOCOL_TOPIC = "imaging protocol"
ORDER_TOPIC = "check of a draft order"
UNREAD_TOPIC = "report that could not be read"
ABOUT_ORDER = "About the order "
ACT_NOW = ", act now"
MRI_OF = " (MRI of {})"
OF_DAY = " of {}"
ON_DAY = " on {}"
AND = " and "
AND_MORE = ", and {} more"
REPORTED_ABSENT = "reported absent"
SOURCE = "{title}, last updated {day} (S-numbers: its statements)"
REFER_LABEL = {True: "Refer to {} (urgent)", False: "Refer to {} (routine)"}
"""By whether the referral is urgent."""
REFER_NOTE = "{}. Suggested by decision support; please confirm clinically."
AMONG_DRAFTS = " among these drafts"
PLACED_SUMMARY = "Referral already placed{day}: {head}, {place}"
ALREADY_PLACED = "Referral already placed: {placed}."
UNREVIEWED = "No clinician has reviewed these rules."
NOT_RAISED = "not raised"
NOT_COVERED = "not assessed by this version"
NO_CAUSE = "no cause"
NO_CARD = "No card: nothing here calls for one."
NOT_REPORTED = "not reported"
NO_PATIENT = "The Patient resource could not be had"
DRAFT = "UNSENT DRAFT. Nothing was sent, and nothing is stored."
DECEASED = "The record says that this patient has died: no advice is given."
DISAGREES = "the record disagrees"
IN_DOUBT = "Not certain, but not excluded ({facts}): {sentence}"
PRELIMINARY = "The report is preliminary."
OLD = " (old)"
NOTHING_EXCLUDED = "Nothing is excluded by this."
UNREAD_ONE = Unread(
    "The report{day} could not be read: {reason}",
    f"{NOTHING_EXCLUDED} What this report says was not taken into account; please read it yourself.",
    "Report not read",
)
UNREAD_SEVERAL = Unread(
    "{count} reports could not be read; the newest{day}: {reason}",
    f"{NOTHING_EXCLUDED} What these reports say was not taken into account; please read them yourself.",
    "Reports not read",
)
QUOTED = "quoted from report:"
PROTOCOL_NOTE = {
    "add-t1": "Protocol: include a T1-weighted sequence.",
    "add-fluid-sensitive": "Protocol: include a STIR or T2-weighted sequence.",
}
PROTOCOL_LABEL = {
    "add-t1": "Add a T1-weighted sequence to this order",
    "add-fluid-sensitive": "Add a STIR or T2-weighted sequence to this order",
}
TARGET = {
    "rheumatology": "rheumatology",
    "orthopedics": "orthopedics",
    "infectious_diseases": "infectious diseases",
    "diabetic_foot_team": "the multidisciplinary diabetic foot team",
    "hematology": "hematology",
}
READ_AS = {
    Trust.CODED: "coded",
    Trust.CONCLUSION_CODE: "coded conclusion of the report",
    Trust.CODED_WITHOUT_VALUE: "coded, without a value",
    Trust.IMPRESSION_TEXT: "read in the impression",
    Trust.FINDINGS_TEXT: "read in the text",
    Trust.NOTE: "read in a note",
}
"""How a statement was made."""
READ_STATE = {State.ABSENT: "negated", State.INDETERMINATE: "uncertain"}
"""What a text was understood to say of it, where that is not simply yes."""
CHOICE = {
    "not_acquired": "not acquired",
    "rim_high_flow_no_flow_core": "rim of high flow around a core without flow",
    "subchondral_hyperperfusion": "subchondral hyperperfusion",
    "decreased_max_enhancement": "decreased maximal enhancement",
    "not_done": "not done",
}


def place_of(lesion: Lesion, labels: dict[str, str]) -> str:
    """Return where a lesion lies, such as "left sacroiliac joint"."""
    name = labels[next(iter(lesion.sites))] if len(lesion.sites) == 1 else labels[lesion.group]
    return f"{lesion.side} {name}" if lesion.side else name


def places_of(lesions: list[Lesion], labels: dict[str, str]) -> str:
    """Return where several lesions lie; both sides of one site become "both ..."."""
    names: list[str] = []
    for lesion in lesions:
        one = place_of(lesion, labels)
        other = {"left": "right", "right": "left"}.get(lesion.side or "")
        twin = other and one.replace(lesion.side or "", other, 1)
        if twin in names:
            names[names.index(twin)] = f"{one.split(' ', 1)[1]}, both sides"
        elif one not in names:
            names.append(one)
    return ", ".join(names)


def value_of(fact: Fact, value: Value) -> str:
    """Return one stated value in words, with its unit."""
    if isinstance(value, Range):
        return f"{value} {fact.unit}".rstrip()
    if fact.kind is Kind.CHOICE and not isinstance(value, State):
        return CHOICE.get(value, value)
    return str(value)


def finding_of(fact: Fact, finding: Finding) -> str:
    """Return what the record says of one fact, such as "depth of edema: 12 mm", for the trace."""
    stated = " / ".join(value_of(fact, value) for value in finding.values)
    return f"{fact.label}: {stated}{f' ({DISAGREES})' if finding.is_conflict else ''}"
