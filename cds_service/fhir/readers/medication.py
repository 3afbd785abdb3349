"""MedicationRequest: which class of medicine, by which route, in which regimen (units converted), and what for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from cds_service.fhir.access import Json, codings, concept_text, day, first_day, key_of, objects, reference_key, text
from cds_service.fhir.readers.versions import reasons
from cds_service.knowledge.codes.context import OTHER_BIOLOGIC_INDICATIONS, context_of
from cds_service.knowledge.codes.entry import Aliases
from cds_service.knowledge.codes.medications import CONTEXT_FACTS, Medicine, medicine_named, medicine_of
from cds_service.knowledge.facts import DRAFT_DRUG
from cds_service.model.case import Statement
from cds_service.model.finding import Provenance, State, Value
from cds_service.model.quantity import Range

Factors = Mapping[str, Fraction]
"""Unit -> how many of the wanted unit it holds. Fractions, so that 360 minutes are 6 hours exactly."""

UG_PER_UNIT: Factors = {
    **dict.fromkeys(("ug", "mcg", "µg", "μg"), Fraction(1)),
    "ng": Fraction(1, 1000),
    "mg": Fraction(1000),
}
HOURS_PER_UNIT: Factors = {
    **dict.fromkeys(("h", "hr", "hour", "hours"), Fraction(1)),
    "min": Fraction(1, 60),
    "s": Fraction(1, 3600),
    "d": Fraction(24),
}
DAYS_PER_UNIT: Factors = {
    **dict.fromkeys(("d", "day", "days"), Fraction(1)),
    "h": Fraction(1, 24),
    "wk": Fraction(7),
}
PER_DAY_BY_CODE: Factors = {
    **dict.fromkeys(("QD", "AM", "PM"), Fraction(1)),
    "BID": Fraction(2),
    "TID": Fraction(3),
    "QID": Fraction(4),
    "QOD": Fraction(1, 2),
}
TAKEN_STATUS = ("active", "")
"""A prescription with one of these, or with none, is taken to be followed."""
LARGEST_POWER = 9
"""A number beyond this power of ten, up or down, is no dose, time or count."""

_INHALED = re.compile(r"(?<!\w)(?:inhal\w*|nebuli[sz]\w*|respiratory)(?!\w)", re.IGNORECASE)


def read_medication(resource: Json, others: Mapping[str, Json], aliases: Aliases) -> Iterator[tuple[str, Value]]:
    """Yield what a MedicationRequest orders as (fact, value); nothing for what it does not say.

    Args:
        others: resources that travel with the order, by key: the medicine may be one of them, or contained.
    """
    drug = _drug(resource, others, aliases)
    yield "order.drug", drug.value if drug is not None and drug.value in DRAFT_DRUG.choices else "other"
    dosages = list(objects(resource.get("dosageInstruction")))
    routes = " ".join(concept_text(dosage.get("route")) for dosage in dosages)
    if _INHALED.search(routes):
        yield "order.inhaled", State.PRESENT
    if len(dosages) == 1:
        yield from _regimen(dosages[0])
    for system, code in (pair for reason in reasons(resource) for pair in codings(reason)):
        for meaning in context_of(system, code, aliases):
            if meaning.fact in OTHER_BIOLOGIC_INDICATIONS:
                yield meaning.fact, meaning.state


def read_taken(resource: Json, aliases: Aliases) -> Iterator[Statement]:
    """Yield what a prescription that is going on says of the patient (anticoagulation); nothing for any other."""
    if text(resource.get("status")) not in TAKEN_STATUS or resource.get("doNotPerform") is True:
        return
    drug = _drug(resource, {}, aliases)
    fact = CONTEXT_FACTS.get(drug) if drug is not None else None
    if fact is not None:
        yield Statement(fact, State.PRESENT, Provenance(key_of(resource), first_day(resource, "authoredOn")))


def _drug(resource: Json, others: Mapping[str, Json], aliases: Aliases) -> Medicine | None:
    """Return the class of the medicine ordered, by its codes or else by its name; None for any other."""
    r5 = resource.get("medication")
    concepts = [resource.get("medicationCodeableConcept"), r5]
    named = resource.get("medicationReference") or (r5.get("reference") if isinstance(r5, Mapping) else None)
    key = reference_key(named)
    for inner in objects(resource.get("contained")):
        if key == f"#{text(inner.get('id'))}":
            concepts.append(inner.get("code"))
    if key in others:
        concepts.append(others[key].get("code"))
    for concept in concepts:
        for system, code in codings(concept):
            found = medicine_of(system, code, aliases)
            if found is not None:
                return found
    for concept in concepts:
        found = medicine_named(concept_text(concept))
        if found is not None:
            return found
    return None


def _regimen(dosage: Json) -> Iterator[tuple[str, Value]]:
    """Yield dose, duration of the infusion, times a day and days, as far as they are given in known units."""
    timing = dosage.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, Mapping) else None
    repeat = repeat if isinstance(repeat, Mapping) else {}
    hours = _in(_only(repeat, "duration"), _unit_of(repeat, "duration"), HOURS_PER_UNIT)
    # DSTU2 and STU3 have the dose beside the timing. Two doses that differ, such as one ordered and one calculated,
    # are none.
    doses = {_dose(rate, hours) for rate in [dosage, *objects(dosage.get("doseAndRate"))]} - {None}
    if len(doses) == 1:
        yield from _given("order.dose_ug", doses.pop())
    yield from _given("order.infusion_h", hours)
    per_day = _per_day(repeat, timing)
    yield from _given("order.per_day", per_day)
    yield from _given("order.days", _days(repeat, per_day))


def _dose(rate: Json, hours: Fraction | None) -> Fraction | None:
    """Return one dose in ug: as it is given, or as a rate over the hours of the infusion."""
    dose = rate.get("doseQuantity")
    if isinstance(dose, Mapping):
        return _in(dose.get("value"), dose.get("code") or dose.get("unit"), UG_PER_UNIT)
    per_hour = _rate(rate)
    return per_hour * hours if per_hour is not None and hours is not None else None


def _only(repeat: Json, name: str) -> object:
    """Return a part of a timing; nothing when it is only the least of a range."""
    return None if repeat.get(f"{name}Max") is not None else repeat.get(name)


def _unit_of(repeat: Json, name: str) -> object:
    """Return the unit of a part of a timing, which DSTU2 writes in the plural."""
    return repeat.get(f"{name}Unit") or repeat.get(f"{name}Units")


def _rate(rate: Json) -> Fraction | None:
    """Return an infusion rate in ug per hour; a rate by body weight is none."""
    quantity = rate.get("rateQuantity")
    if isinstance(quantity, Mapping):
        unit, _, time = text(quantity.get("code") or quantity.get("unit")).partition("/")
        mass, hours = _in(quantity.get("value"), unit, UG_PER_UNIT), HOURS_PER_UNIT.get(time)
        return mass / hours if mass is not None and hours else None
    ratio = rate.get("rateRatio")
    if isinstance(ratio, Mapping):
        top, bottom = ratio.get("numerator"), ratio.get("denominator")
        if isinstance(top, Mapping) and isinstance(bottom, Mapping):
            mass = _in(top.get("value"), top.get("code") or top.get("unit"), UG_PER_UNIT)
            over = _in(bottom.get("value"), bottom.get("code") or bottom.get("unit"), HOURS_PER_UNIT)
            return mass / over if mass is not None and over else None
    return None


def _per_day(repeat: Json, timing: object) -> Fraction | None:
    frequency = _number(_only(repeat, "frequency"))
    period = _in(_only({"period": 1, **repeat}, "period"), _unit_of(repeat, "period"), DAYS_PER_UNIT)
    if frequency is not None and period:
        return frequency / period
    if isinstance(timing, Mapping):
        for _, code in codings(timing.get("code")):
            if code in PER_DAY_BY_CODE:
                return PER_DAY_BY_CODE[code]
    return None


def _days(repeat: Json, per_day: Fraction | None) -> Fraction | None:
    bounds, period = repeat.get("boundsDuration"), repeat.get("boundsPeriod")
    if isinstance(bounds, Mapping):
        return _in(bounds.get("value"), bounds.get("code") or bounds.get("unit"), DAYS_PER_UNIT)
    if isinstance(period, Mapping):
        first, last = day(text(period.get("start"))), day(text(period.get("end")))
        # The last day of a period is part of it.
        length = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1 if first and last else 0
        return Fraction(length) if length > 0 else None
    count = _number(_only(repeat, "count"))
    return count / per_day if count is not None and per_day else None


def _in(value: object, unit: object, factors: Factors) -> Fraction | None:
    number = _number(value)
    factor = factors.get(text(unit).strip())
    return number * factor if number is not None and factor is not None else None


def _number(value: object) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    # Judged before it becomes a fraction: "1e999999999" would be one of a thousand million digits.
    if not number.is_finite() or number <= 0 or abs(number.adjusted()) > LARGEST_POWER:
        return None
    return Fraction(number)


def _given(fact: str, number: Fraction | None) -> Iterator[tuple[str, Value]]:
    if number is not None:
        exact = Decimal(number.numerator) / Decimal(number.denominator)
        yield fact, Range(exact, exact)
