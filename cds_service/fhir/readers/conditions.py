"""Condition: patient context, and diagnoses that are already on record (decision table 5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cds_service.fhir.access import Json, codings, first_day, key_of, text
from cds_service.fhir.readers.context import ReadingRules, place_in
from cds_service.knowledge.codes.context import context_of, pain_of
from cds_service.knowledge.codes.diagnoses import diagnosis_of, history_of
from cds_service.knowledge.codes.entry import CodedMeaning
from cds_service.knowledge.codes.qualifiers import ConditionStatus, Verification, clinical_status, verification
from cds_service.knowledge.codes.sites import Place, settle
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

RECORDED = ("recordedDate", "assertedDate", "dateRecorded")
KNOWN_DISEASES = frozenset({"axspa", "osteonecrosis", "sif", "tbmes", "osteomyelitis"})
NAMED_ELSEWHERE = frozenset({"septic_arthritis", "stress_fracture"})


@dataclass(frozen=True)
class _Condition:
    """What one Condition says of itself, before its codes are read."""

    body: Place
    day: str
    source: Provenance
    status: ConditionStatus
    believed: Verification

    def weighed(self, state: State) -> State:
        return State.INDETERMINATE if self.believed is Verification.DOUBTFUL else state


def read_condition(resource: Json, how: ReadingRules) -> Iterator[Statement]:
    """Yield what a Condition says of the patient and of places; nothing when it is refuted, in error, or not read."""
    day = first_day(resource, "onsetDateTime", "onsetPeriod", *RECORDED)
    one = _Condition(
        body=place_in(resource, how.aliases, "bodySite"),
        day=day,
        source=Provenance(key_of(resource), day),
        status=_status(resource),
        believed=_verification(resource),
    )
    if one.believed is Verification.VOID:
        return
    recorded = Provenance(key_of(resource), first_day(resource, *RECORDED, "onsetDateTime", "onsetPeriod"))
    for system, code in codings(resource.get("code")):
        for meaning in context_of(system, code, how.aliases):
            yield from _context(meaning, one, how)
        pain = pain_of(system, code)
        if pain is not None and one.status is ConditionStatus.ACTIVE and how.within(day, ACUTE_PAIN_DAYS):
            yield from _at("acute_pain", one.weighed(State.PRESENT), settle(one.body, pain), one.source)
        if one.status is ConditionStatus.PAST:
            past = history_of(system, code, how.aliases)
            if past is not None:
                yield from _at(past.fact, one.weighed(past.state), settle(one.body, past.place), one.source)
            continue
        diagnosis = diagnosis_of(system, code, how.aliases)
        if diagnosis is not None:
            yield from _diagnosis(diagnosis, one, recorded)


def _context(meaning: CodedMeaning, one: _Condition, how: ReadingRules) -> Iterator[Statement]:
    if one.status is ConditionStatus.PAST and meaning.fact not in STATED_EVEN_IF_PAST:
        return
    if meaning.fact in WINDOWS and not how.within(one.day, WINDOWS[meaning.fact]):
        return
    place = settle(one.body, meaning.place)
    if meaning.fact == "acute_pain" and not place.sites():
        # Acute pain counts only at the imaged region (decision table 3.10.7); unplaced pain says nothing of it.
        return
    if place.sites() and meaning.fact in LOCAL_FACTS:
        yield from _at(meaning.fact, one.weighed(meaning.state), place, one.source)
    else:
        yield Statement(meaning.fact, one.weighed(meaning.state), one.source)


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
    """Return whether the condition is going on. Without a status it is."""
    value = resource.get("clinicalStatus")
    found = [clinical_status(system, code) for system, code in codings(value)]
    found.append(clinical_status(CONDITION_CLINICAL, text(value)))  # DSTU2 and STU3 send a plain code
    return next((status for status in found if status is not None), ConditionStatus.ACTIVE)


def _verification(resource: Json) -> Verification:
    value = resource.get("verificationStatus")
    found = [verification(system, code) for system, code in codings(value)]
    found.append(verification(CONDITION_VERIFICATION, text(value)))
    return next((status for status in found if status is not None), Verification.CONFIRMED)
