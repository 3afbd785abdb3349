"""Observation: whether inflammation markers and temperature are raised, as the laboratory itself judges them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cds_service.fhir.access import Json, codings, first_day, key_of, objects, text
from cds_service.fhir.readers.context import UNREADABLE, ReadingRules
from cds_service.fhir.readers.observations import DAY_FIELDS
from cds_service.knowledge.codes.laboratory import RAISED_FACTS, analyte_of
from cds_service.knowledge.codes.qualifiers import raised
from cds_service.knowledge.settings import INFECTION_SIGN_DAYS
from cds_service.model.case import Problem, Statement
from cds_service.model.finding import Provenance, State


def read_markers(resources: Iterable[Json], how: ReadingRules, problems: list[Problem]) -> Iterator[Statement]:
    """Yield whether CRP, ESR, white cells or temperature are raised, from the newest recent value of each.

    The laboratory's own interpretation decides, or its reference range; no threshold is invented here. A value that
    cannot be judged does not unsay a raised one before it, but no older value counts as normal beside it.
    """
    newest: dict[str, tuple[str, bool, str, State]] = {}
    measured: dict[str, str] = {}
    for resource in resources:
        try:
            day, state = first_day(resource, *DAY_FIELDS), _raised(resource)
            facts = {RAISED_FACTS.get(analyte_of(s, c) or "") for s, c in codings(resource.get("code"))} - {None}
        except UNREADABLE:
            problems.append(Problem("unreadable", "Observation", key_of(resource)))
            continue
        for fact in facts:
            if fact is None or not how.within(day, INFECTION_SIGN_DAYS):
                continue
            measured[fact] = max(measured.get(fact, ""), day)
            if state is not None:
                # Of several on one day a raised one counts: fever in the morning is fever.
                one = (day, state is State.PRESENT, key_of(resource), state)
                newest[fact] = max(newest.get(fact, one), one)
    for fact, (day, is_raised, key, state) in sorted(newest.items()):
        if is_raised or day == measured[fact]:
            yield Statement(fact, state, Provenance(key, day))


def _raised(resource: Json) -> State | None:
    for system, code in codings(resource.get("interpretation")):
        state = raised(system, code)
        if state is not None:
            return state
    quantity = resource.get("valueQuantity")
    if not isinstance(quantity, Mapping):
        return None
    judged = {_above(quantity, one) for one in objects(resource.get("referenceRange")) if _is_normal_range(one)}
    return judged.pop() if len(judged) == 1 else None


def _is_normal_range(reference: Json) -> bool:
    """Whether a reference range is that of healthy people, and not, for example, of a treatment."""
    kinds = {code for _, code in codings(reference.get("type"))}
    return not kinds or "normal" in kinds


def _above(quantity: Json, reference: Json) -> State | None:
    """Return whether a value lies above a reference range; None when its comparator or unit leaves that open."""
    high = reference.get("high")
    if not isinstance(high, Mapping) or not _same_unit(quantity, high):
        return None
    value, limit = quantity.get("value"), high.get("value")
    if not isinstance(value, int | float) or not isinstance(limit, int | float):
        return None
    match text(quantity.get("comparator")):
        case "":
            return State.PRESENT if value > limit else State.ABSENT
        case ">" if value >= limit:
            return State.PRESENT
        case ">=" if value > limit:
            return State.PRESENT
        case "<" | "<=" if value <= limit:
            return State.ABSENT
    return None


def _same_unit(quantity: Json, limit: Json) -> bool:
    """Whether both have one unit. A limit without a unit has that of the value."""
    stated = text(limit.get("code")) or text(limit.get("unit"))
    return not stated or stated in (text(quantity.get("code")), text(quantity.get("unit")))
