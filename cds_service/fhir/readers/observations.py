"""Observation: coded imaging findings in the shapes seen in the field, and inflammation markers.

Shapes (fhir-mapping section 3): a finding code alone (present), with a value, a generic code whose value is the
finding, a lesion with components, and a separate size that belongs to a finding. Codes of this project's own
CodeSystem and a site's aliases are read like public ones. Displays are never used for matching.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cds_service.fhir.access import Json, codings, first_day, key_of, objects, references, text
from cds_service.fhir.readers.context import ReadingRules, StudyPlaces, place_in
from cds_service.knowledge.codes.diagnoses import diagnosis_of
from cds_service.knowledge.codes.entry import CodedMeaning
from cds_service.knowledge.codes.findings import CHOICES, QUANTITIES, finding_of, is_generic
from cds_service.knowledge.codes.laboratory import RAISED_FACTS, analyte_of
from cds_service.knowledge.codes.qualifiers import choice_of, interpreted, raised, says_unknown, state_of
from cds_service.knowledge.codes.sites import Place, settle
from cds_service.knowledge.settings import INFECTION_SIGN_DAYS
from cds_service.model.case import Problem, Statement
from cds_service.model.finding import Provenance, State, Trust, Value
from cds_service.model.quantity import UnreadableQuantity, length_between_mm, length_mm

IGNORED_STATUS = ("entered-in-error", "cancelled", "registered")
ALSO_NAMED = {"charcot": ("named.charcot",)}
"""Context that a report or an imaging observation names as a diagnosis of its place."""

DAY_FIELDS = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued")


@dataclass(frozen=True)
class ObservationSet:
    """The observations of a record and how they hang together.

    ``study_by_member`` says to which study a report assigns an observation; ``parents`` which observation has another
    as its member or source.
    """

    by_key: Mapping[str, Json]
    study_by_member: Mapping[str, str]
    parents: Mapping[str, str]


def observation_set(resources: Iterable[Json], study_by_member: Mapping[str, str]) -> ObservationSet:
    """Return the observations that count, with their links."""
    by_key = {key_of(one): one for one in resources if text(one.get("status")) not in IGNORED_STATUS}
    parents: dict[str, str] = {}
    for key, resource in by_key.items():
        for member in references(resource.get("hasMember")):
            parents.setdefault(member, key)
        for source in references(resource.get("derivedFrom")):
            if source in by_key:
                parents.setdefault(key, source)
    return ObservationSet(by_key, study_by_member, parents)


def read_observation(
    resource: Json, found: ObservationSet, studies: StudyPlaces, how: ReadingRules, problems: list[Problem]
) -> Iterator[Statement]:
    """Yield what one imaging observation states; what cannot be used is added to ``problems``."""
    key = key_of(resource)
    day = first_day(resource, *DAY_FIELDS)
    study = _study(key, resource, found, studies, day)
    place = _place(key, resource, found, studies.places.get(study, Place()), how)
    for part in (resource, *objects(resource.get("component"))):
        for meaning in _meanings(part, how):
            try:
                told = _told(meaning, part, how)
            except UnreadableQuantity:
                problems.append(Problem("rejected-value", meaning.fact, key))
                continue
            if told is None:
                continue
            value, trust = told
            where = settle(place, meaning.place)
            for fact in (meaning.fact, *ALSO_NAMED.get(meaning.fact, ())):
                yield Statement(fact, value, Provenance(key, day, trust), where.site, where.side, study)


def read_marker(resources: Iterable[Json], how: ReadingRules) -> Iterator[Statement]:
    """Yield whether CRP, ESR, white cells or temperature are raised, from the newest recent value of each.

    The laboratory's own interpretation decides, or its reference range; no threshold is invented here.
    """
    newest: dict[str, tuple[str, str, State]] = {}
    for resource in resources:
        if text(resource.get("status")) in IGNORED_STATUS:
            continue
        day = first_day(resource, *DAY_FIELDS)
        for system, code in codings(resource.get("code")):
            fact = RAISED_FACTS.get(analyte_of(system, code) or "")
            state = _raised(resource)
            if fact and state is not None and how.within(day, INFECTION_SIGN_DAYS):
                newest[fact] = max(newest.get(fact, ("", "", State.ABSENT)), (day, key_of(resource), state))
    for fact, (day, key, state) in sorted(newest.items()):
        yield Statement(fact, state, Provenance(key, day))


def _raised(resource: Json) -> State | None:
    for system, code in codings(resource.get("interpretation")):
        state = raised(system, code)
        if state is not None:
            return state
    quantity = resource.get("valueQuantity")
    if not isinstance(quantity, Mapping):
        return None
    for reference in objects(resource.get("referenceRange")):
        high = reference.get("high")
        if not isinstance(high, Mapping) or not _same_unit(quantity, high):
            continue
        value, limit = quantity.get("value"), high.get("value")
        if not isinstance(value, int | float) or not isinstance(limit, int | float):
            continue
        if not text(quantity.get("comparator")).startswith("<"):
            return State.PRESENT if value > limit else State.ABSENT
    return None


def _same_unit(one: Json, other: Json) -> bool:
    return (one.get("code") or one.get("unit")) == (other.get("code") or other.get("unit"))


def _study(key: str, resource: Json, found: ObservationSet, studies: StudyPlaces, day: str) -> str:
    """Return the study an observation belongs to: by its own links, its report, its parent, or its day."""
    links = [*references(resource.get("derivedFrom")), *references(resource.get("partOf"))]
    for link in links:
        if link.startswith("ImagingStudy/"):
            return link
    if key in found.study_by_member:
        return found.study_by_member[key]
    parent = found.parents.get(key, "")
    if parent in found.by_key and parent != key:
        return _study(parent, found.by_key[parent], _without(found, key), studies, day)
    return studies.study_of(day) or f"observed {day}"


def _without(found: ObservationSet, key: str) -> ObservationSet:
    """Return the set without one link upwards, so that links in a circle end."""
    return ObservationSet(
        found.by_key, found.study_by_member, {child: parent for child, parent in found.parents.items() if child != key}
    )


def _place(key: str, resource: Json, found: ObservationSet, study: Place, how: ReadingRules) -> Place:
    """Return where the finding lies: its own body site, else its parent's, narrowed by what the study shows."""
    own = place_in(resource, how.aliases, "bodySite", "bodyStructure")
    parent = found.parents.get(key, "")
    if not own.sites() and parent in found.by_key and parent != key:
        above = _place(parent, found.by_key[parent], _without(found, key), study, how)
        own = Place(above.site, own.side or above.side, above.may_be, above.tissue)
    return settle(own, study)


@dataclass(frozen=True)
class _Asserted(CodedMeaning):
    """A finding named by the value of a generic code ("MRI finding: synovitis"): the value is the assertion."""


def _meanings(resource: Json, how: ReadingRules) -> Iterator[CodedMeaning]:
    """Yield each finding or diagnosis that the code, or the value of a generic code, names."""
    named = {
        (meaning.fact, meaning.value): meaning
        for system, code in codings(resource.get("code"))
        if (meaning := _meaning(system, code, how)) is not None
    }
    yield from named.values()
    if not named and any(is_generic(system, code) for system, code in codings(resource.get("code"))):
        for system, code in codings(resource.get("valueCodeableConcept")):
            meaning = _meaning(system, code, how)
            if meaning is not None:
                yield _Asserted(meaning.fact, meaning.value, meaning.state, meaning.place)


def _meaning(system: str, code: str, how: ReadingRules) -> CodedMeaning | None:
    return finding_of(system, code, how.aliases) or diagnosis_of(system, code, how.aliases)


def _told(meaning: CodedMeaning, resource: Json, how: ReadingRules) -> tuple[Value, Trust] | None:
    """Return what is said of a meaning's fact, and how firmly; None when nothing is known of it.

    Raises:
        UnreadableQuantity: a length that is none.
    """
    if isinstance(meaning, _Asserted):
        return meaning.value or meaning.state, Trust.CODED_WITHOUT_VALUE
    value = _value(meaning.fact, meaning, resource, how)
    if value is None:
        return None
    has_value = any(name.startswith("value") for name in resource)
    return value, Trust.CODED if has_value else Trust.CODED_WITHOUT_VALUE


def _value(fact: str, meaning: CodedMeaning, resource: Json, how: ReadingRules) -> Value | None:
    """Return what an observation or component says of its fact; None when it says that nothing is known.

    Raises:
        UnreadableQuantity: a length that is none.
    """
    if resource.get("dataAbsentReason") is not None:
        return None
    if fact in QUANTITIES:
        return _length(resource)
    if fact in CHOICES:
        if meaning.value:
            return meaning.value
        chosen = (choice_of(fact, s, c, how.aliases) for s, c in codings(resource.get("valueCodeableConcept")))
        return next((value for value in chosen if value is not None), None)
    if isinstance(resource.get("valueBoolean"), bool):
        return State.PRESENT if resource["valueBoolean"] else State.ABSENT
    coded = list(codings(resource.get("valueCodeableConcept")))
    for system, code in coded:
        state = state_of(system, code, how.aliases)
        if state is not None:
            return state
        if says_unknown(system, code, how.aliases):
            return None
    for system, code in codings(resource.get("interpretation")):
        state = interpreted(system, code)
        if state is not None:
            return state
    if any(name.startswith("value") for name in resource):
        # Some value is there, but not one we can read: it is neither taken as present nor as absent.
        return State.INDETERMINATE
    return meaning.state


def _length(resource: Json) -> Value | None:
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, Mapping):
        unit = quantity.get("code") or quantity.get("unit")
        return length_mm(quantity.get("value"), unit, quantity.get("comparator"))
    span = resource.get("valueRange")
    if isinstance(span, Mapping):
        low, high = span.get("low"), span.get("high")
        if isinstance(low, Mapping) and isinstance(high, Mapping):
            unit = low.get("code") or low.get("unit")
            if unit != (high.get("code") or high.get("unit")):
                raise UnreadableQuantity("the two ends of the range have different units")
            return length_between_mm(low.get("value"), high.get("value"), unit)
    if any(name.startswith("value") for name in resource):
        raise UnreadableQuantity("a length is a quantity or a range")
    return None
