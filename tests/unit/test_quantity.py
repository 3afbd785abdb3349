from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.model.quantity import (
    Range,
    UnreadableQuantity,
    exact,
    length_about_mm,
    length_between_mm,
    length_mm,
    length_up_to_mm,
)
from cds_service.model.truth import Truth

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
ONE_CM = Decimal(10)
TENTHS = st.integers(1, 500).map(lambda tenths: Decimal(tenths) / 10)


def between(low: object, high: object) -> Range:
    return length_between_mm(low, high, "mm")


# Decision table 5.1, row by row: what is recorded, and whether it reaches 10 mm.
ROWS = [
    ("10 mm", length_mm(10, "mm"), YES),
    ("10.0 mm", length_mm(10.0, "mm"), YES),
    ("1 cm", length_mm(1, "cm"), YES),
    ("1.0 cm", length_mm("1.0", "cm"), YES),
    ("0.01 m", length_mm(0.01, "m"), YES),
    ("9.9 mm", length_mm(9.9, "mm"), NO),
    ("9.99 mm", length_mm("9.99", "mm"), NO),
    ("0.99 cm", length_mm(0.99, "cm"), NO),
    ("> 10 mm", length_mm(10, "mm", ">"), YES),
    (">= 10 mm", length_mm(10, "mm", ">="), YES),
    ("> 12 mm", length_mm(12, "mm", ">"), YES),
    ("< 10 mm", length_mm(10, "mm", "<"), NO),
    ("< 8 mm", length_mm(8, "mm", "<"), NO),
    ("< 11 mm", length_mm(11, "mm", "<"), UNKNOWN),
    ("<= 10 mm", length_mm(10, "mm", "<="), UNKNOWN),
    ("<= 9.9 mm", length_mm(9.9, "mm", "<="), NO),
    ("> 8 mm", length_mm(8, "mm", ">"), UNKNOWN),
    (">= 9.9 mm", length_mm(9.9, "mm", ">="), UNKNOWN),
    ("10-12 mm", between(10, 12), YES),
    ("8-9.9 mm", between(8, 9.9), NO),
    ("8-12 mm", between(8, 12), UNKNOWN),
    ("8-10 mm", between(8, 10), UNKNOWN),
    ("about 9 mm", length_about_mm(9, "mm"), UNKNOWN),
    ("about 12.5 mm", length_about_mm(12.5, "mm"), YES),
    ("about 12 mm", length_about_mm(12, "mm"), UNKNOWN),
    ("about 8.3 mm", length_about_mm(8.3, "mm"), NO),
    ("about 1 cm", length_about_mm(1, "cm"), UNKNOWN),
    ("up to 12 mm", length_up_to_mm(12, "mm"), YES),
    ("up to 10 mm", length_up_to_mm(10, "mm"), UNKNOWN),
    ("up to 1 cm", length_up_to_mm(1, "cm"), UNKNOWN),
    ("up to 9.9 mm", length_up_to_mm(9.9, "mm"), NO),
    ("up to 10.005 mm", length_up_to_mm("10.005", "mm"), YES),
    ("subcentimetre", length_mm(1, "cm", "<"), NO),
    ("multicentimetre", length_mm(1, "cm", ">"), YES),
]


@pytest.mark.parametrize(("length", "reaches"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_recorded_depth_reaches_one_centimetre_as_the_table_says(length: Range, reaches: Truth) -> None:
    assert length.reaches(ONE_CM) is reaches


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        pytest.param(10, None, id="no unit"),
        pytest.param(10, "", id="empty unit"),
        pytest.param(10, "g", id="not a length"),
        pytest.param(10, "[in_i]", id="a length that is not read"),
        pytest.param(10, "MM", id="UCUM is case-sensitive"),
        pytest.param(10, 1, id="unit is a number"),
        pytest.param(-10, "mm", id="negative"),
        pytest.param(0, "mm", id="zero"),
        pytest.param("0.0", "cm", id="zero as text"),
        pytest.param(None, "mm", id="no value"),
        pytest.param(True, "mm", id="a boolean"),
        pytest.param([10], "mm", id="a list"),
        pytest.param("deep", "mm", id="a word"),
        pytest.param("", "mm", id="empty text"),
        pytest.param("10 mm", "mm", id="unit inside the value"),
        pytest.param(float("nan"), "mm", id="not a number"),
        pytest.param(float("inf"), "mm", id="infinite"),
        pytest.param("-Infinity", "mm", id="infinitely negative"),
        pytest.param("sNaN", "mm", id="signalling not a number"),
    ],
)
@pytest.mark.parametrize(
    "read", [length_mm, length_about_mm, length_up_to_mm, lambda value, unit: length_between_mm(value, value, unit)]
)
def test_a_value_that_is_no_positive_length_is_refused(read: Any, value: object, unit: object) -> None:
    with pytest.raises(UnreadableQuantity):
        read(value, unit)


@pytest.mark.parametrize(
    "value", [pytest.param("9e999999", id="exponent too large"), pytest.param(10**5000, id="too many digits")]
)
def test_a_number_too_large_to_convert_is_refused_like_any_other_nonsense(value: object) -> None:
    with pytest.raises(UnreadableQuantity):
        length_mm(value, "m")


@pytest.mark.parametrize("comparator", ["~", "ad", "!=", 5])
def test_a_comparator_that_is_not_of_fhir_is_refused(comparator: object) -> None:
    with pytest.raises(UnreadableQuantity, match="comparator"):
        length_mm(10, "mm", comparator)


def test_a_range_from_high_to_low_is_refused() -> None:
    with pytest.raises(UnreadableQuantity, match="lower bound lies above"):
        length_between_mm(12, 8, "mm")


def test_a_range_without_any_bound_is_refused() -> None:
    with pytest.raises(UnreadableQuantity, match="at least one bound"):
        Range(None, None)


@pytest.mark.parametrize(
    ("value", "unit", "mm"),
    [
        (0.99, "cm", "9.9"),
        (0.29, "cm", "2.9"),
        (1.1, "cm", "11"),
        ("1,2", "cm", "12"),
        (" 7 ", " mm ", "7"),
        (0.0099, "m", "9.9"),
        (Decimal("0.999999999999999999"), "cm", "9.99999999999999999"),
    ],
)
def test_conversion_is_exact(value: object, unit: str, mm: str) -> None:
    """0.29 * 10 is 2.9000000000000004 in binary; 0.99 * 10 must not become 10."""
    assert length_mm(value, unit) == exact(mm)


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (length_mm(1, "cm"), "10"),
        (length_mm("9.90", "mm"), "9.9"),
        (length_mm(100, "mm"), "100"),
        (length_mm(8, "mm", ">"), "> 8"),
        (length_mm(8, "mm", ">="), ">= 8"),
        (length_mm(8, "mm", "<"), "< 8"),
        (length_mm(8, "mm", "<="), "<= 8"),
        (between(8, 12), "8-12"),
        (length_about_mm(10, "mm"), "8-12"),
    ],
)
def test_a_length_reads_as_it_was_stated(length: Range, shown: str) -> None:
    assert str(length) == shown


@pytest.mark.parametrize(
    ("length", "is_exact"),
    [(exact(9), True), (between(9, 9), True), (between(8, 9), False), (length_mm(9, "mm", ">"), False)],
)
def test_a_length_knows_whether_it_is_one_number(length: Range, is_exact: bool) -> None:
    assert length.is_exact is is_exact


@given(tenths=TENTHS, threshold=TENTHS)
def test_one_number_always_decides(tenths: Decimal, threshold: Decimal) -> None:
    assert exact(tenths).reaches(threshold) is (YES if tenths >= threshold else NO)


@given(low=TENTHS, high=TENTHS, threshold=TENTHS, inside=TENTHS)
def test_a_range_never_says_what_a_number_inside_it_contradicts(
    low: Decimal, high: Decimal, threshold: Decimal, inside: Decimal
) -> None:
    low, inside, high = sorted([low, inside, high])

    answers = {between(low, high).reaches(threshold), exact(inside).reaches(threshold)}

    assert answers != {YES, NO}


@given(centimetres=TENTHS)
def test_the_unit_does_not_matter(centimetres: Decimal) -> None:
    assert length_mm(centimetres, "cm") == length_mm(centimetres * 10, "mm") == length_mm(centimetres / 100, "m")
