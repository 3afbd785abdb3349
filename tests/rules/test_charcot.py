"""Decision table 3.6, row by row: it fires, one fact is off, it is not reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
FOOT = "foot_ankle"

CARE = {"REF_MDFT", "OFFLOAD_6_12W", "FOOTWEAR_AFTER"}
KNOWN = ("likely", "urgent", CARE, {"P4"})
SUSPECTED = ("possible", "urgent", CARE, {"P4"})
UNLIKELY = ("unlikely", "", set(), set())
NOT_RAISED = ("not raised", "", set(), set())


@pytest.mark.parametrize(
    ("site", "facts", "expected"),
    [
        pytest.param(FOOT, {"bme": P, "charcot": P}, KNOWN, id="CH1: edema"),
        pytest.param(FOOT, {"bme": I, "charcot": P}, KNOWN, id="CH1: edema in question"),
        pytest.param(FOOT, {"bme": P, "charcot": P, "diabetes": P}, KNOWN, id="CH1: with diabetes"),
        pytest.param(FOOT, {"bme": A, "charcot": P}, NOT_RAISED, id="CH1: no edema"),
        pytest.param(FOOT, {"charcot": P}, NOT_RAISED, id="CH1: edema not reported"),
        pytest.param(FOOT, {"bme": P, "charcot": A}, NOT_RAISED, id="CH1: no Charcot, diabetes not reported"),
        pytest.param(FOOT, {"bme": P}, NOT_RAISED, id="CH1: Charcot not reported"),
        pytest.param("knee_other", {"bme": P, "charcot": P}, NOT_RAISED, id="CH1: another site"),
        pytest.param(None, {"bme": P, "charcot": P}, NOT_RAISED, id="CH1: site not named"),
        pytest.param(FOOT, {"bme": P, "charcot": I}, SUSPECTED, id="CH1: Charcot in question"),
        pytest.param(FOOT, {"bme": P, "diabetes": P}, SUSPECTED, id="CH2: diabetes"),
        pytest.param(FOOT, {"bme": I, "diabetes": P}, SUSPECTED, id="CH2: edema in question"),
        pytest.param(FOOT, {"bme": P, "diabetes": A}, NOT_RAISED, id="CH2: no diabetes"),
        pytest.param(FOOT, {"bme": A, "diabetes": P}, NOT_RAISED, id="CH2: no edema"),
        pytest.param(FOOT, {"diabetes": P}, NOT_RAISED, id="CH2: edema not reported"),
        pytest.param(FOOT, {"bme": P, "diabetes": P, "charcot": A}, UNLIKELY, id="CH2: Charcot excluded"),
        pytest.param(FOOT, {"bme": P, "diabetes": P, "charcot": "conflict"}, SUSPECTED, id="CH2: Charcot in conflict"),
        pytest.param("knee_other", {"bme": P, "diabetes": P}, NOT_RAISED, id="CH2: another site"),
        pytest.param(FOOT, {"bme": P, "named.charcot": P}, KNOWN, id="G0: named by the report"),
        pytest.param(FOOT, {"bme": P, "named.charcot": I}, SUSPECTED, id="G0: not excluded by the report"),
    ],
)
def test_the_foot_of_a_diabetic_patient(
    verdict: Callable[..., Any], site: str | None, facts: dict[str, Any], expected: Any
) -> None:
    assert verdict("charcot", site, **facts) == expected


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        pytest.param({"charcot": P}, "possible", id="CH1"),
        pytest.param({"charcot": P, "t1_signal": "low"}, "likely", id="CH1 with low T1"),
        pytest.param({"diabetes": P}, "possible", id="CH2"),
        pytest.param({"diabetes": P, "charcot": A}, "possible", id="Charcot excluded: osteomyelitis as before"),
    ],
)
def test_osteomyelitis_is_at_least_possible_beside_it(
    verdict: Callable[..., Any], facts: dict[str, Any], level: str
) -> None:
    assert verdict("osteomyelitis", FOOT, bme=P, **facts)[:2] == (level, "urgent")


@pytest.mark.parametrize(
    ("facts", "leads"),
    [
        pytest.param({"charcot": P}, "charcot", id="known Charcot"),
        pytest.param({"charcot": P, "fever": P}, "charcot", id="known Charcot, fever"),
        pytest.param({"charcot": P, "t1_signal": "low"}, "osteomyelitis", id="known Charcot, low T1"),
        pytest.param({"diabetes": P}, "osteomyelitis", id="diabetes"),
        pytest.param({"diabetes": P, "charcot": A}, "osteomyelitis", id="Charcot excluded"),
    ],
)
def test_which_leads(assessment_of: Callable[..., Any], facts: dict[str, Any], leads: str) -> None:
    assert assessment_of(FOOT, bme=P, **facts).leading.cause == leads


@pytest.mark.parametrize("site", ["si_joint", "vertebra", "femoral_head"])
def test_no_cast_is_suggested_where_none_makes_sense(verdict: Callable[..., Any], site: str) -> None:
    """Decision table 5.4: never OFFLOAD_6_12W for sacroiliac joint, hip or spine, whatever the report names there."""
    assert verdict("charcot", site, **{"bme": P, "named.charcot": P})[2] & {"OFFLOAD_6_12W"} == set()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"charcot": P}, ["critical ischaemia before casting", "multidisciplinary", "cannot be excluded"]),
        ({"diabetes": P}, ["critical ischaemia before casting", "multidisciplinary", "must be thought of now"]),
    ],
)
def test_the_card_says_why_and_what_to_exclude_before_a_cast(
    says: Callable[..., str], facts: dict[str, Any], words: list[str]
) -> None:
    text = says(FOOT, bme=P, **facts)

    assert [phrase for phrase in words if phrase not in text] == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"diabetes": P, "neuropathy": P}, True),
        ({"diabetes": P, "neuropathy": A}, False),
        ({"diabetes": P}, False),
        ({"charcot": P, "neuropathy": P, "diabetes": A}, False),
    ],
)
def test_neuropathy_of_a_diabetic_patient_is_mentioned(
    says: Callable[..., str], facts: dict[str, Any], said: bool
) -> None:
    assert ("neuropathy is on record" in says(FOOT, bme=P, **facts)) is said


@pytest.mark.parametrize(("diabetes", "missing"), [("unknown", True), (P, False), (A, False)])
def test_diabetes_that_is_not_recorded_is_listed_as_missing(
    answer: Callable[..., Any], diabetes: str, missing: bool
) -> None:
    """Decision table 5.2: it changes the urgency of an edematous foot."""
    assert ("diabetes" in answer(FOOT, bme=P, t1_signal="normal", diabetes=diabetes)["missing"]) is missing
