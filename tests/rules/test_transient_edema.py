"""Decision table 3.4, row by row: it fires, one fact is off, it is not reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
HEAD, BOTH, KNEE = "femoral_head", "femoral_head_and_neck", "knee_other"

RIM_ON_DCE, HYPER, LESS = "rim_high_flow_no_flow_core", "subchondral_hyperperfusion", "decreased_max_enhancement"
DIFFUSE = {"bme": P, "diffuse_edema_head_neck": P}
TYPICAL = {**DIFFUSE, "rim_sign": A}

TREATABLE = ("likely", "soon", {"ILOPROST_OPTION"}, {"P1"})
LIKELY = ("likely", "soon", set(), {"P1"})
POSSIBLE = ("possible", "soon", set(), {"P1"})
ASK_DCE = ("possible", "soon", {"ORDER_DCE"}, {"P1"})
CONTRADICTED = ("possible", "soon", set(), {"P1", "W_CONFLICT"})
UNLIKELY = ("unlikely", "", set(), set())
NOT_RAISED = ("not raised", "", set(), set())


@pytest.mark.parametrize(
    ("site", "facts", "expected"),
    [
        pytest.param(BOTH, TYPICAL, TREATABLE, id="TB1: diffuse, no rim"),
        pytest.param(BOTH, {**TYPICAL, "diffuse_edema_head_neck": A}, NOT_RAISED, id="TB1: not diffuse"),
        pytest.param(BOTH, {"bme": P, "rim_sign": A}, NOT_RAISED, id="TB1: not reported whether diffuse"),
        pytest.param(BOTH, {**TYPICAL, "dce_pattern": "other"}, TREATABLE, id="TB1: another pattern"),
        pytest.param(BOTH, {**TYPICAL, "dce_pattern": LESS}, CONTRADICTED, id="TB1: decreased enhancement"),
        pytest.param(HEAD, {"bme": P, "dce_pattern": HYPER, "rim_sign": A}, TREATABLE, id="TB2: hyperperfusion"),
        pytest.param(HEAD, {"bme": P, "dce_pattern": HYPER}, TREATABLE, id="TB2: rim not reported"),
        pytest.param(KNEE, {"bme": P, "dce_pattern": HYPER}, NOT_RAISED, id="TB2: the hip only"),
        pytest.param(HEAD, {"bme": P, "dce_pattern": "other"}, NOT_RAISED, id="TB2: another pattern"),
        pytest.param(HEAD, {"bme": P}, NOT_RAISED, id="TB2: pattern not reported"),
        pytest.param(HEAD, {"bme": P, "dce_pattern": HYPER, "rim_sign": I}, POSSIBLE, id="ON6: rim in question"),
        pytest.param(
            HEAD, {"bme": P, "dce_pattern": HYPER, "rim_sign": "conflict"}, POSSIBLE, id="ON6: rim in conflict"
        ),
        pytest.param(BOTH, DIFFUSE, ASK_DCE, id="TB3: rim not reported"),
        pytest.param(BOTH, {**DIFFUSE, "dce": "acquired"}, POSSIBLE, id="TB3: DCE was acquired"),
        pytest.param(BOTH, {**DIFFUSE, "rim_sign": P}, UNLIKELY, id="TB4: rim"),
        pytest.param(BOTH, {**TYPICAL, "dce_pattern": RIM_ON_DCE}, UNLIKELY, id="TB4: rim of flow"),
        pytest.param(HEAD, {"bme": P, "dce_pattern": HYPER, "rim_sign": P}, UNLIKELY, id="TB4: rim and hyperperfusion"),
        pytest.param(BOTH, {**TYPICAL, "osteonecrosis": P}, UNLIKELY, id="TB4: osteonecrosis named"),
        pytest.param(
            BOTH,
            {**TYPICAL, "osteonecrosis": P, "tbmes": I},
            POSSIBLE,
            id="TB4: osteonecrosis named, not excluded itself",
        ),
        pytest.param(BOTH, {**TYPICAL, "t1": "not_acquired"}, POSSIBLE, id="G2: T1 not acquired"),
        pytest.param(BOTH, {**TYPICAL, "t1": "unknown"}, TREATABLE, id="G2: T1 not reported"),
    ],
)
def test_transient_edema(verdict: Callable[..., Any], site: str, facts: dict[str, Any], expected: Any) -> None:
    assert verdict("tbmes", site, **facts) == expected


CAUTIONS = [
    "pregnancy",
    "lactation",
    "bleeding_risk",
    "myocardial_infarction",
    "unstable_angina",
    "heart_failure",
    "stroke_or_tia",
    "anticoagulation",
    "acute_trauma",
]


@pytest.mark.parametrize("state", [P, I, "conflict"])
@pytest.mark.parametrize("caution", CAUTIONS)
def test_iloprost_is_not_offered_against_a_caution_not_even_a_doubtful_one(
    verdict: Callable[..., Any], caution: str, state: str
) -> None:
    """TB5."""
    assert verdict("tbmes", BOTH, **TYPICAL, **{caution: state}) == LIKELY


@pytest.mark.parametrize("state", [A, "unknown"])
@pytest.mark.parametrize("caution", CAUTIONS)
def test_a_caution_that_is_absent_or_not_reported_does_not_stand_against_it(
    verdict: Callable[..., Any], caution: str, state: str
) -> None:
    assert verdict("tbmes", BOTH, **TYPICAL, **{caution: state}) == TREATABLE


@pytest.mark.parametrize(
    ("more", "offered"),
    [
        pytest.param({"osteonecrosis": I}, False, id="osteonecrosis not excluded"),
        pytest.param({"osteonecrosis": A}, True, id="osteonecrosis denied"),
        pytest.param({"sif": I}, False, id="fracture not excluded"),
        pytest.param({"age": 66, "acute_pain": P}, False, id="fracture suspected"),
        pytest.param({"age": 66, "acute_pain": A}, True, id="no acute pain"),
        pytest.param({"postpartum": P, "sex": "female"}, False, id="after childbirth"),
        pytest.param({"postpartum": A, "sex": "female"}, True, id="not after childbirth"),
        pytest.param({"dce_pattern": LESS}, False, id="decreased enhancement"),
        pytest.param({"t1": "not_acquired"}, False, id="T1 not acquired"),
        pytest.param({"rim_sign": "unknown"}, False, id="only possible"),
    ],
)
def test_iloprost_is_offered_only_where_nothing_else_stands(
    answer: Callable[..., Any], more: dict[str, Any], offered: bool
) -> None:
    """TB5."""
    assert ("ILOPROST_OPTION" in answer(BOTH, **{**TYPICAL, **more})["actions"]) is offered


def test_after_childbirth_iloprost_is_mentioned_in_words_only(says: Callable[..., str]) -> None:
    assert "not suggested after childbirth" in says(BOTH, **TYPICAL, postpartum=P, sex="female")


def test_cautions_stand_before_the_regimen(answer: Callable[..., Any]) -> None:
    text = "\n".join(answer(BOTH, **TYPICAL)["texts"])

    assert "50 ug" in text
    assert text.index("Cautions first") < text.index("50 ug")
    assert "self-limiting" in text


def test_transient_edema_is_never_urgent_by_itself(answer: Callable[..., Any]) -> None:
    given = answer(BOTH, **TYPICAL)

    assert (given["leading"], given["urgency"], given["urgent_card"]) == ("tbmes", "soon", False)
