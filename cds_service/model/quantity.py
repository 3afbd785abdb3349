"""Lengths as the record states them: a number, a bound, a range, or "about so much".

Every measure is held in millimetres as a range of decimals, so that 0.99 cm is 9.9 mm exactly and
"> 8 mm" can be asked whether it reaches 10 mm (it may or may not).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cds_service.model.truth import Truth

MM_PER_UNIT = {"mm": Decimal(1), "cm": Decimal(10), "m": Decimal(1000)}
"""UCUM length units that are read; anything else is refused."""

ABOUT_SHARE = Decimal("0.2")
"""How far "about N" may lie from N (decision table 5.1: plus or minus 20 %)."""


class UnreadableQuantity(ValueError):
    """The number, its unit or its comparator is not a positive length."""


@dataclass(frozen=True)
class Range:
    """All the values a statement leaves possible, in the unit of its fact (mm for lengths, years for ages).

    ``None`` stands for "no bound on this side"; ``low_open`` and ``high_open`` exclude the bound itself. With equal
    bounds, ``low_open`` means "up to" that number: it counts as the number, but may fall just short of it.
    """

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise UnreadableQuantity("a range needs at least one bound")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise UnreadableQuantity("the lower bound lies above the upper bound")

    def reaches(self, threshold: Decimal) -> Truth:
        """Return whether the value is at least ``threshold``: YES and NO only when no possible value disagrees."""
        if self.low == threshold and self.low == self.high and self.low_open:
            return Truth.UNKNOWN
        if self.low is not None and self.low >= threshold:
            return Truth.YES
        if self.high is not None and (self.high < threshold or (self.high == threshold and self.high_open)):
            return Truth.NO
        return Truth.UNKNOWN

    @property
    def is_exact(self) -> bool:
        """Whether the statement names one number."""
        return self.low is not None and self.low == self.high and not self.low_open

    def __str__(self) -> str:
        if self.low is not None and self.low == self.high:
            return f"up to {_plain(self.low)}" if self.low_open else _plain(self.low)
        if self.high is None and self.low is not None:
            return f"{'>' if self.low_open else '>='} {_plain(self.low)}"
        if self.low is None and self.high is not None:
            return f"{'<' if self.high_open else '<='} {_plain(self.high)}"
        return "-".join(_plain(bound) for bound in (self.low, self.high) if bound is not None)


def exact(value: Decimal | int | str) -> Range:
    """Return the range that holds one number only."""
    number = Decimal(value)
    return Range(number, number)


def length_mm(value: object, unit: object, comparator: object = None) -> Range:
    """Return a length in millimetres from a FHIR-like quantity.

    Args:
        value: a JSON number, a Decimal, or a number as text.
        unit: ``mm``, ``cm`` or ``m`` (UCUM).
        comparator: ``<``, ``<=``, ``>=``, ``>`` or nothing.

    Raises:
        UnreadableQuantity: no number, zero or negative, no unit, a unit that is no length, another comparator.
    Source: decision table 5.1.
    """
    number = _length(value, unit)
    match comparator:
        case None | "" | "=":
            return Range(number, number)
        case ">=":
            return Range(number, None)
        case ">":
            return Range(number, None, low_open=True)
        case "<=":
            return Range(None, number)
        case "<":
            return Range(None, number, high_open=True)
    raise UnreadableQuantity("the comparator is none of <, <=, >=, >")


def length_between_mm(low: object, high: object, unit: object) -> Range:
    """Return the range "low to high" in millimetres. Raises UnreadableQuantity like ``length_mm``."""
    return Range(_length(low, unit), _length(high, unit))


def length_about_mm(value: object, unit: object) -> Range:
    """Return "about N" as N plus or minus 20 %, in millimetres."""
    number = _length(value, unit)
    return Range(number * (1 - ABOUT_SHARE), number * (1 + ABOUT_SHARE))


def length_up_to_mm(value: object, unit: object) -> Range:
    """Return "up to N" in millimetres: N itself, but undecided for a threshold that lies exactly at N."""
    number = _length(value, unit)
    return Range(number, number, low_open=True)


def _length(value: object, unit: object) -> Decimal:
    if not isinstance(unit, str) or unit.strip() not in MM_PER_UNIT:
        raise UnreadableQuantity("the unit is missing or is not mm, cm or m")
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise UnreadableQuantity("the value is not a number")
    try:
        number = Decimal(str(value).strip().replace(",", ".")) * MM_PER_UNIT[unit.strip()]
    except (ArithmeticError, ValueError) as error:
        raise UnreadableQuantity("the value is not a usable number") from error
    if not number.is_finite() or number <= 0:
        raise UnreadableQuantity("the length is not above zero")
    return number


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
