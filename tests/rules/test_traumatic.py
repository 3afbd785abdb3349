"""Decision table 3.8, TR1-TR3: it fires, one fact is off, it is not reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
KNEE, FOOT, HEAD = "knee_other", "foot_ankle", "femoral_head"

BRUISE = {"bme": P, "acute_trauma": P, "t1_signal": "normal"}
PROTECT, CAST = {"PROTECTED_WB"}, {"OFFLOAD_6_12W", "FOOTWEAR_AFTER"}
LIKELY = ("likely", "soon", PROTECT, {"P1"})
POSSIBLE = ("possible", "soon", PROTECT, {"P1"})
NOT_RAISED = ("not raised", "", set(), set())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(BRUISE, LIKELY, id="TR1: after an injury"),
        pytest.param({**BRUISE, "acute_trauma": A}, NOT_RAISED, id="TR1: no injury"),
        pytest.param({"bme": P}, NOT_RAISED, id="TR1: injury not reported"),
        pytest.param({**BRUISE, "bme": A}, NOT_RAISED, id="TR1: no edema"),
        pytest.param({"acute_trauma": P}, NOT_RAISED, id="TR1: edema not reported"),
        pytest.param({**BRUISE, "acute_trauma": I}, POSSIBLE, id="TR1: injury in question"),
        pytest.param({**BRUISE, "bme": I}, ("possible", "soon", PROTECT, set()), id="TR1: edema in question"),
        pytest.param({**BRUISE, "crp_raised": P}, LIKELY, id="TR1: something else is possible"),
        pytest.param({**BRUISE, "osteomyelitis": P}, POSSIBLE, id="TR1: something else is likely"),
        pytest.param({**BRUISE, "fever": P}, POSSIBLE, id="TR1: something else is to be acted on now"),
    ],
)
def test_the_knee_after_an_injury(verdict: Callable[..., Any], facts: dict[str, Any], expected: Any) -> None:
    assert verdict("traumatic", KNEE, **facts) == expected


def test_a_more_dangerous_cause_elsewhere_counts_too(verdict: Callable[..., Any]) -> None:
    """Decision table 3.10.1: TR1 compares over the whole case."""
    eroded = ("si_joint", "left", {"bme": P, "erosion": P})

    assert verdict("traumatic", KNEE, **BRUISE, more=[eroded])[:2] == ("possible", "soon")


@pytest.mark.parametrize(
    ("site", "actions"),
    [
        pytest.param(FOOT, CAST, id="TR2: foot or ankle"),
        pytest.param(KNEE, PROTECT, id="TR3: knee"),
        pytest.param("medial_femoral_condyle", PROTECT, id="TR3: medial condyle"),
        pytest.param("knee", PROTECT, id="TR3: knee, site not named"),
        pytest.param(HEAD, PROTECT, id="TR3: femoral head"),
        pytest.param("femoral_neck", PROTECT, id="TR3: femoral neck"),
        pytest.param("hip", PROTECT, id="TR3: hip, site not named"),
        pytest.param("si_joint", set(), id="sacroiliac joint"),
        pytest.param("vertebra", set(), id="spine"),
        pytest.param(None, set(), id="site not named"),
    ],
)
def test_protection_fits_the_site(verdict: Callable[..., Any], site: str | None, actions: set[str]) -> None:
    level, tier, suggested, warnings = verdict("traumatic", site, **BRUISE)

    assert (level, tier, suggested, warnings) == ("likely", "soon", actions, {"P1"})


@pytest.mark.parametrize(
    ("site", "facts", "said"),
    [
        pytest.param(HEAD, {}, True, id="femoral head"),
        pytest.param("femoral_neck", {}, True, id="femoral neck"),
        pytest.param(KNEE, {"athlete": P}, True, id="an athlete"),
        pytest.param(KNEE, {"athlete": A}, False, id="no athlete"),
        pytest.param(KNEE, {}, False, id="not reported whether an athlete"),
        pytest.param(HEAD, {"acute_trauma": A}, False, id="no injury"),
    ],
)
def test_a_fracture_is_to_be_excluded_before_weight_bearing(
    says: Callable[..., str], site: str, facts: dict[str, Any], said: bool
) -> None:
    """TR3."""
    assert ("exclude an occult or stress fracture" in says(site, **{**BRUISE, **facts})) is said


@pytest.mark.parametrize("words", ["6-12 weeks", "total contact", "non-removable"])
def test_the_foot_is_offloaded_in_the_words_of_the_source(answer: Callable[..., Any], words: str) -> None:
    """TR2."""
    assert words in "\n".join(answer(FOOT, **BRUISE, diabetes=A)["texts"])


def test_a_fall_on_a_diabetic_foot_is_not_left_to_trauma(assessment_of: Callable[..., Any]) -> None:
    assessment = assessment_of(FOOT, **BRUISE, diabetes=P)

    assert [(one.cause, one.level.name, one.tier.name) for one in assessment.diagnoses] == [
        ("osteomyelitis", "POSSIBLE", "URGENT"),
        ("charcot", "POSSIBLE", "URGENT"),
        ("traumatic", "POSSIBLE", "SOON"),
    ]
