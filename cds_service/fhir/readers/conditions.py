"""Condition: patient context, and diagnoses that are already on record (decision table 5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cds_service.fhir.access import Json, codings, concept_text, earliest_day, first_date, first_day, key_of, text
from cds_service.fhir.readers.context import ReadingRules, merged, place_in
from cds_service.knowledge.codes.context import CAUTION_DAYS, context_of, pain_of
from cds_service.knowledge.codes.diagnoses import diagnosis_of, history_of
from cds_service.knowledge.codes.entry import CodedMeaning
from cds_service.knowledge.codes.qualifiers import ConditionStatus, Verification, clinical_status, verification
from cds_service.knowledge.codes.sites import Place, settle
from cds_service.knowledge.codes.tables import may_be_context
from cds_service.knowledge.settings import ACUTE_PAIN_DAYS, ACUTE_TRAUMA_DAYS, INFECTION_SIGN_DAYS, POSTPARTUM_DAYS
from cds_service.model.case import Statement
from cds_service.model.coding import CONDITION_CLINICAL, CONDITION_VERIFICATION
from cds_service.model.condition import Setting
from cds_service.model.finding import Provenance, State

WINDOWS: dict[str, Setting] = {
    "acute_trauma": ACUTE_TRAUMA_DAYS,
    "postpartum": POSTPARTUM_DAYS,
    "fever": INFECTION_SIGN_DAYS,
    "crp_raised": INFECTION_SIGN_DAYS,
    "esr_raised": INFECTION_SIGN_DAYS,
    "wbc_raised": INFECTION_SIGN_DAYS,
}
"""Facts that are only true for a time. Older or undated, they count as not stated."""

STATED_EVEN_IF_PAST = frozenset({"postpartum"})
LOCAL_FACTS = frozenset({"acute_pain", "acute_trauma", "foot_ulcer", "charcot"})
"""Facts of the patient that are true of one region only, when the record names it."""

ONSET = ("onsetDateTime", "onsetPeriod")
RECORDED = ("recordedDate", "assertedDate", "dateRecorded")
KNOWN_DISEASES = frozenset({"axspa", "osteonecrosis", "sif", "tbmes", "osteomyelitis"})
NAMED_ELSEWHERE = frozenset({"septic_arthritis", "stress_fracture"})


@dataclass(frozen=True)
class _Condition:
    """What one Condition says of itself, before its codes are read. ``since`` is the earliest it can have begun."""

    body: Place
    since: str
    source: Provenance
    status: ConditionStatus
    believed: Verification

    def weighed(self, state: State) -> State:
        return State.INDETERMINATE if self.believed is Verification.DOUBTFUL else state


def may_say_anything(resource: Json, how: ReadingRules) -> bool:
    """Whether any code of a Condition is known: of one without, ``read_condition`` has nothing to say."""
    return may_be_context(codings(resource.get("code")), how.aliases)


def read_condition(resource: Json, how: ReadingRules) -> Iterator[Statement]:
    """Yield what a Condition says of the patient and of places; nothing when it is refuted, in error, or not read."""
    coded = list(codings(resource.get("code")))
    context = merged(meaning for system, code in coded for meaning in context_of(system, code, how.aliases))
    named = (diagnosis_of(system, code, how.aliases) for system, code in coded)
    diagnoses = merged(meaning for meaning in named if meaning is not None)
    pains = [place for system, code in coded if (place := pain_of(system, code)) is not None]
    if not (context or diagnoses or pains):
        return
    one = _Condition(
        body=place_in(resource, how.aliases, "bodySite"),
        since=_since(resource),
        source=Provenance(key_of(resource), first_date(resource, *ONSET, *RECORDED)),
        status=_status(resource),
        believed=_verification(resource),
    )
    if one.believed is Verification.VOID:
        return
    for meaning in context:
        yield from _context(meaning, one, how)
    if one.status is ConditionStatus.PAST:
        past = (history_of(system, code, how.aliases) for system, code in coded)
        for meaning in merged(meaning for meaning in past if meaning is not None):
            yield from _at(meaning.fact, one.weighed(meaning.state), settle(one.body, meaning.place), one.source)
        return
    if how.within(one.since, ACUTE_PAIN_DAYS):
        # Pain that is not said to be acute is when its date says so.
        for meaning in merged(CodedMeaning("acute_pain", place=place) for place in pains):
            yield from _at("acute_pain", one.weighed(State.PRESENT), settle(one.body, meaning.place), one.source)
    # "Since 2015" is before a study of 2026, so the year alone will do.
    recorded = Provenance(key_of(resource), first_date(resource, *RECORDED, *ONSET))
    for meaning in diagnoses:
        yield from _diagnosis(meaning, one, recorded)


def _since(resource: Json) -> str:
    """Return the earliest day a Condition can have begun; empty when it says only in words or by age.

    Without any word on its onset, the day it was recorded stands for it.
    """
    if any(name.startswith("onset") and value is not None for name, value in resource.items()):
        return next((found for name in ONSET if (found := earliest_day(resource.get(name)))), "")
    return first_day(resource, *RECORDED)


def _context(meaning: CodedMeaning, one: _Condition, how: ReadingRules) -> Iterator[Statement]:
    if meaning.fact in CAUTION_DAYS:
        yield from _caution(meaning, one, how)
        return
    if meaning.fact == "acute_trauma" and (one.status is ConditionStatus.PAST or _is_long_ago(one, how)):
        yield from _at(
            "prior_trauma_or_surgery", one.weighed(meaning.state), settle(one.body, meaning.place), one.source
        )
        return
    if one.status is ConditionStatus.PAST and meaning.fact not in STATED_EVEN_IF_PAST:
        return
    if meaning.fact in WINDOWS and not how.within(one.since, WINDOWS[meaning.fact]):
        return
    place = settle(one.body, meaning.place)
    if meaning.fact == "acute_pain" and not (
        place.sites() and (not one.since or how.within(one.since, ACUTE_PAIN_DAYS))
    ):
        # Acute pain counts only at the imaged region (decision table 3.10.7); unplaced pain says nothing of it, and
        # pain that was acute long ago is not now.
        return
    if place.sites() and meaning.fact in LOCAL_FACTS:
        yield from _at(meaning.fact, one.weighed(meaning.state), place, one.source)
    else:
        yield Statement(meaning.fact, one.weighed(meaning.state), one.source)


def _caution(meaning: CodedMeaning, one: _Condition, how: ReadingRules) -> Iterator[Statement]:
    """Yield an event that stands against a treatment for some months, over or not. Undated it may be recent."""
    state = one.weighed(meaning.state)
    if not one.since:
        yield Statement(meaning.fact, State.INDETERMINATE, one.source)
    elif how.within(one.since, CAUTION_DAYS[meaning.fact]):
        yield Statement(meaning.fact, state, one.source)


def _is_long_ago(one: _Condition, how: ReadingRules) -> bool:
    """Whether an injury is known to be older than what counts as acute."""
    return bool(one.since) and one.since < how.today.isoformat() and not how.within(one.since, ACUTE_TRAUMA_DAYS)


def _diagnosis(meaning: CodedMeaning, one: _Condition, source: Provenance) -> Iterator[Statement]:
    place = settle(one.body, meaning.place)
    state = one.weighed(meaning.state)
    if meaning.fact in KNOWN_DISEASES:
        earlier = f"known.{meaning.fact}"
    elif meaning.fact in NAMED_ELSEWHERE:
        earlier = meaning.fact
    else:
        return
    sites: list[str | None] = [*sorted(place.sites())] if place.site is None else [place.site]
    for site in sites or [None]:
        yield Statement(meaning.fact, state, source, site, place.side, earlier_fact=earlier)
    if meaning.chronic and meaning.fact == "osteomyelitis":
        yield from _at("prior_osteomyelitis", state, place, source)


def _at(fact: str, state: State, place: Place, source: Provenance) -> Iterator[Statement]:
    """Yield the statement for every site the place can be; it then joins whatever lesion lies there."""
    for site in [place.site] if place.site else sorted(place.sites()):
        yield Statement(fact, state, source, site, place.side)


def _status(resource: Json) -> ConditionStatus:
    """Return whether the condition is going on. Without a status it is, unless it says that it ended."""
    for system, code in _coded_status(resource.get("clinicalStatus"), CONDITION_CLINICAL):
        status = clinical_status(system, code)
        if status is not None:
            return status
    ended = any(name.startswith("abatement") and value not in (None, False) for name, value in resource.items())
    return ConditionStatus.PAST if ended else ConditionStatus.ACTIVE


def _verification(resource: Json) -> Verification:
    for system, code in _coded_status(resource.get("verificationStatus"), CONDITION_VERIFICATION):
        if code == "unknown":  # DSTU2
            return Verification.DOUBTFUL
        status = verification(system, code)
        if status is not None:
            return status
    return Verification.CONFIRMED


def _coded_status(value: Any, system_meant: str) -> Iterator[tuple[str, str]]:
    """Yield the codes of a status. DSTU2 and STU3 send a plain code; some send R4's without its system, or as text."""
    for system, code in codings(value):
        yield system or system_meant, code
    for word in (text(value), concept_text(value)):
        yield system_meant, word.strip().lower().replace(" ", "-")
