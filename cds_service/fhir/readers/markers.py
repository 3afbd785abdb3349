"""Observation: whether inflammation markers and temperature are raised, as the laboratory itself judges them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import isfinite

from cds_service.fhir.access import Json, codings, first_day, key_of, objects, text
from cds_service.fhir.readers.context import UNREADABLE, ReadingRules
from cds_service.fhir.readers.observations import DAY_FIELDS
from cds_service.knowledge.codes.laboratory import raised_fact_of
from cds_service.knowledge.codes.qualifiers import raised
from cds_service.knowledge.settings import INFECTION_SIGN_DAYS
from cds_service.model.case import Problem, Statement
from cds_service.model.coding import OBSERVATION_INTERPRETATION
from cds_service.model.finding import Provenance, State

UNITS: Mapping[str, tuple[Fraction, str]] = {
    **dict.fromkeys(("mg/L", "ug/mL"), (Fraction(1), "mg/L")),
    "mg/dL": (Fraction(10), "mg/L"),
    "g/L": (Fraction(1000), "mg/L"),
    **dict.fromkeys(("/uL", "/mm3", "{cells}/uL", "cells/uL"), (Fraction(1), "/uL")),
    **dict.fromkeys(("10*3/uL", "10^3/uL", "10*9/L", "10^9/L", "K/uL", "x10E3/uL"), (Fraction(1000), "/uL")),
    **dict.fromkeys(("mm/h", "mm/hr", "mm/1h"), (Fraction(1), "mm/h")),
}
"""Units in which a laboratory gives a value and its limit, each as how much of one unit of its kind."""


def read_markers(resources: Iterable[Json], how: ReadingRules, problems: list[Problem]) -> Iterator[Statement]:
    """Yield whether CRP, ESR, white cells or temperature are raised, from the newest recent value of each.

    The laboratory's own interpretation decides, or its reference range; no threshold is invented here. A value that
    cannot be judged does not unsay a raised one before it, but no older value counts as normal beside it.
    """
    newest: dict[str, tuple[str, bool, str, State]] = {}
    measured: dict[str, str] = {}
    for resource in resources:
        every = (resource, *objects(resource.get("component")))
        parts = [(part, facts) for part in every if (facts := _facts(part))]
        day = first_day(resource, *DAY_FIELDS) if parts else ""
        if not parts or not how.within(day, INFECTION_SIGN_DAYS):
            continue
        try:
            judged = [(fact, _raised(part)) for part, facts in parts for fact in facts]
        except UNREADABLE:
            problems.append(Problem("unreadable", "Observation", key_of(resource)))
            continue
        for fact, state in judged:
            measured[fact] = max(measured.get(fact, ""), day)
            if state is not None:
                # Of several on one day a raised one counts: fever in the morning is fever.
                one = (day, state is State.PRESENT, key_of(resource), state)
                newest[fact] = max(newest.get(fact, one), one)
    for fact, (day, is_raised, key, state) in sorted(newest.items()):
        if is_raised or day == measured[fact]:
            yield Statement(fact, state, Provenance(key, day))


def _facts(part: Json) -> set[str]:
    """Return the facts that a value, or one of the values of a panel, is about."""
    return {fact for pair in codings(part.get("code")) if (fact := raised_fact_of(*pair))}


def _raised(resource: Json) -> State | None:
    if resource.get("dataAbsentReason") is not None:
        return None
    flags = codings(resource.get("interpretation"))
    told = {state for s, c in flags if (state := raised(s or OBSERVATION_INTERPRETATION, c)) is not None}
    if len(told) == 1:
        return told.pop()
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
    if not isinstance(high, Mapping):
        return None
    # A limit without a unit has that of the value.
    value, limit = _amount(quantity, quantity), _amount(high, high if _units(high) else quantity)
    if value is None or limit is None or value[1] != limit[1]:
        return None
    match text(quantity.get("comparator")):
        case "":
            return State.PRESENT if value[0] > limit[0] else State.ABSENT
        case ">" if value[0] >= limit[0]:
            return State.PRESENT
        case ">=" if value[0] > limit[0]:
            return State.PRESENT
        case "<" | "<=" if value[0] <= limit[0]:
            return State.ABSENT
    return None


def _amount(quantity: Json, united: Json) -> tuple[Fraction, str] | None:
    """Return a number and its unit, in the smallest of a unit's kind; None for what is no number or has no unit."""
    value = quantity.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    units = _units(united)
    known = {UNITS[unit] for unit in units if unit in UNITS} or {(Fraction(1), unit) for unit in units[:1]}
    if len(known) != 1:
        return None
    factor, kind = known.pop()
    return Fraction(str(value)) * factor, kind


def _units(quantity: Json) -> list[str]:
    return [unit for name in ("code", "unit") if (unit := text(quantity.get(name)).strip())]
