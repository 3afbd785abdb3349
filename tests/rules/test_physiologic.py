"""Decision table 3.8, PH1-PH4: what may be called physiologic, and everything that forbids it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
SI, KNEE, FOOT = "si_joint", "knee_other", "foot_ankle"

STRUCTURE = ["erosion", "fatty_lesion", "ankylosis", "ia_t1_hyperintensity", "t2_joint_fluid"]
AT_SI = {"bme": P, "depth_mm": 5, **dict.fromkeys(STRUCTURE, A), "age": 26}
AT_KNEE = {"bme": P, "acute_pain": A, "age": 26}
AT_FOOT = {**AT_KNEE, "diabetes": A}

LIKELY, POSSIBLE, UNLIKELY, NOT_RAISED = (
    ("likely", "routine"),
    ("possible", "soon"),
    ("unlikely", ""),
    ("not raised", ""),
)

CONTEXTS = {
    "athlete": {"athlete": P},
    "postpartum": {"postpartum": P, "sex": "female"},
    "healthy": {"healthy_control": P},
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
@pytest.mark.parametrize(
    ("site", "facts"),
    [(SI, AT_SI), (KNEE, AT_KNEE), ("medial_femoral_condyle", AT_KNEE), ("vertebra", AT_KNEE), (FOOT, AT_FOOT)],
)
def test_with_everything_looked_for_it_may_be_physiologic(
    verdict: Callable[..., Any], site: str, facts: dict[str, Any], context: dict[str, Any]
) -> None:
    """PH1."""
    assert verdict("physiologic", site, **facts, **context)[:2] == LIKELY


def test_a_physiologic_edema_is_an_info_card_with_its_cautions(answer: Callable[..., Any]) -> None:
    given = answer(SI, **AT_SI, athlete=P)

    assert {key: given[key] for key in ("cards", "leading", "urgency", "urgent_card", "actions", "warnings")} == {
        "cards": True,
        "leading": "physiologic",
        "urgency": "routine",
        "urgent_card": False,
        "actions": [],
        "warnings": ["P2", "P1", "W_REVIEW"],
    }
    assert "up to 30% of healthy controls may be physiologic" in "\n".join(given["texts"])


# PH2: what must be known. Each of these facts, when it is not reported, leaves "possible" and is asked for.


@pytest.mark.parametrize("fact", ["depth_mm", *STRUCTURE, "age", "t1"])
def test_at_the_sacroiliac_joint_a_fact_that_is_not_reported_leaves_it_possible(
    verdict: Callable[..., Any], fact: str
) -> None:
    facts = {**AT_SI, "athlete": P, fact: None if fact == "age" else "unknown"}

    assert verdict("physiologic", SI, **facts)[:2] == POSSIBLE


@pytest.mark.parametrize(
    ("site", "facts", "fact"),
    [(KNEE, AT_KNEE, fact) for fact in ("acute_pain", "age", "t1")]
    + [(FOOT, AT_FOOT, fact) for fact in ("acute_pain", "age", "t1", "diabetes")],
)
def test_elsewhere_a_fact_that_is_not_reported_leaves_it_possible(
    verdict: Callable[..., Any], site: str, facts: dict[str, Any], fact: str
) -> None:
    facts = {**facts, "athlete": P, fact: None if fact == "age" else "unknown"}

    assert verdict("physiologic", site, **facts)[:2] == POSSIBLE


@pytest.mark.parametrize(
    ("unknown", "asked"),
    [
        ("depth_mm", {"MEASURE_DEPTH"}),
        *((fact, {"REPORT_STRUCTURAL"}) for fact in STRUCTURE),
        ("age", set()),
    ],
)
def test_what_is_missing_is_asked_for(verdict: Callable[..., Any], unknown: str, asked: set[str]) -> None:
    facts = {**AT_SI, "athlete": P, unknown: None if unknown == "age" else "unknown"}

    assert verdict("physiologic", SI, **facts)[2] == asked


def test_without_t1_it_is_possible_at_most_and_t1_is_asked_for(
    verdict: Callable[..., Any], answer: Callable[..., Any]
) -> None:
    facts = {**AT_KNEE, "athlete": P, "t1": "not_acquired"}

    assert verdict("physiologic", KNEE, **facts)[:2] == POSSIBLE
    assert "COMPLETE_SEQ_T1" in answer(KNEE, **facts)["actions"]


@pytest.mark.parametrize("context", ["acute_pain", "diabetes"])
def test_healthy_controls_need_not_be_asked_about_pain(verdict: Callable[..., Any], context: str) -> None:
    facts = {**AT_FOOT, "healthy_control": P, context: "unknown"}

    assert verdict("physiologic", FOOT, **facts)[:2] == (LIKELY if context == "acute_pain" else POSSIBLE)


# PH4: what speaks against it, everywhere and at one site only

AGAINST_ANYWHERE: list[dict[str, Any]] = [
    {"change": "new"},
    {"change": "increased"},
    {"t1_signal": "low"},
    *(
        {fact: P}
        for fact in (
            "acute_trauma",
            "known_malignancy",
            "fever",
            "crp_raised",
            "esr_raised",
            "wbc_raised",
            "prior_osteomyelitis",
            "septic_arthritis",
            "synovitis",
            "effusion",
            "osteomyelitis",
        )
    ),
    {"age": 16},
]
AGAINST_AT_SI: list[dict[str, Any]] = [
    *({fact: P} for fact in STRUCTURE),
    {"depth_mm": 10},
    {"depth_mm": {"low": 8, "high": 12}},
    {"depth_mm": {"conflict": [8, 12]}},
    {"sclerosis": P},
    {"acute_pain": P},
]


def _names(against: list[dict[str, Any]]) -> list[str]:
    return [f"{fact} {value}" for facts in against for fact, value in facts.items()]


@pytest.mark.parametrize("against", AGAINST_ANYWHERE, ids=_names(AGAINST_ANYWHERE))
@pytest.mark.parametrize(("site", "facts"), [(SI, AT_SI), (KNEE, AT_KNEE), (FOOT, AT_FOOT)])
def test_what_speaks_against_it_makes_it_unlikely(
    verdict: Callable[..., Any], site: str, facts: dict[str, Any], against: dict[str, Any]
) -> None:
    assert verdict("physiologic", site, **{**facts, "athlete": P, **against}) == (*UNLIKELY, set(), set())


@pytest.mark.parametrize("against", AGAINST_AT_SI, ids=_names(AGAINST_AT_SI))
def test_what_speaks_against_it_at_the_sacroiliac_joint(verdict: Callable[..., Any], against: dict[str, Any]) -> None:
    assert verdict("physiologic", SI, **{**AT_SI, "athlete": P, **against})[:2] == UNLIKELY


@pytest.mark.parametrize(
    ("site", "facts"),
    [
        pytest.param(KNEE, {**AT_KNEE, "acute_pain": P}, id="acute pain of the knee"),
        pytest.param(FOOT, {**AT_FOOT, "diabetes": P}, id="a diabetic foot"),
        pytest.param("femoral_head", AT_KNEE, id="femoral head"),
        pytest.param("femoral_neck", AT_KNEE, id="femoral neck"),
        pytest.param("femoral_head_and_neck", AT_KNEE, id="femoral head and neck"),
        pytest.param("hip", AT_KNEE, id="hip, site not named"),
        pytest.param(KNEE, {**AT_KNEE, "bme": I}, id="edema in question"),
    ],
)
def test_where_and_when_it_is_never_called_physiologic(
    verdict: Callable[..., Any], site: str, facts: dict[str, Any]
) -> None:
    assert verdict("physiologic", site, **facts, athlete=P)[:2] == UNLIKELY


DOUBTED = ["synovitis", "effusion", "acute_trauma", "known_malignancy", "fever", "crp_raised", "prior_osteomyelitis"]


@pytest.mark.parametrize("doubt", [I, "conflict"])
@pytest.mark.parametrize("fact", DOUBTED)
@pytest.mark.parametrize(("site", "facts"), [(SI, AT_SI), (KNEE, AT_KNEE)])
def test_doubt_is_enough_to_speak_against_it(
    verdict: Callable[..., Any], site: str, facts: dict[str, Any], fact: str, doubt: str
) -> None:
    assert verdict("physiologic", site, **{**facts, "athlete": P, fact: doubt})[:2] == UNLIKELY


@pytest.mark.parametrize("doubt", [I, "conflict"])
@pytest.mark.parametrize("fact", [*STRUCTURE, "sclerosis", "acute_pain"])
def test_at_the_sacroiliac_joint_doubt_about_structure_or_pain_is_enough(
    verdict: Callable[..., Any], fact: str, doubt: str
) -> None:
    assert verdict("physiologic", SI, **{**AT_SI, "athlete": P, fact: doubt})[:2] == UNLIKELY


@pytest.mark.parametrize("change", ["unchanged", "decreased", "unknown"])
def test_edema_that_is_not_new_or_increasing_does_not_speak_against_it(
    verdict: Callable[..., Any], change: str
) -> None:
    assert verdict("physiologic", SI, **AT_SI, athlete=P, change=change)[:2] == LIKELY


def test_a_change_in_conflict_speaks_against_it(verdict: Callable[..., Any]) -> None:
    change = {"conflict": ["new", "unchanged"]}

    assert verdict("physiologic", SI, **AT_SI, athlete=P, change=change)[:2] == UNLIKELY


@pytest.mark.parametrize("t1_signal", ["normal", "high", "variable"])
def test_a_t1_signal_that_is_not_low_does_not_speak_against_it(verdict: Callable[..., Any], t1_signal: str) -> None:
    assert verdict("physiologic", SI, **AT_SI, athlete=P, t1_signal=t1_signal)[:2] == LIKELY


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(("femoral_head", "right", {"bme": P, "rim_sign": P}), UNLIKELY, id="a rim in the other hip"),
        pytest.param((SI, "right", {"bme": P, "depth_mm": 12}), UNLIKELY, id="a deep lesion on the other side"),
        pytest.param((SI, "right", {"effusion": I}), UNLIKELY, id="a questionable effusion on the other side"),
        pytest.param((KNEE, "left", {"bme": P, "t1_signal": "low"}), UNLIKELY, id="low T1 in the knee"),
        pytest.param((SI, "right", {"bme": A}), LIKELY, id="no edema on the other side"),
    ],
)
def test_what_speaks_against_it_counts_anywhere_in_the_case(
    verdict: Callable[..., Any], other: tuple[str, str, dict[str, Any]], expected: tuple[str, str]
) -> None:
    assert verdict("physiologic", SI, "left", **AT_SI, athlete=P, more=[other])[:2] == expected


# PH3, and contexts that the record contradicts


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        pytest.param({}, NOT_RAISED, id="PH3: not reported"),
        pytest.param({"athlete": A, "postpartum": A, "healthy_control": A}, NOT_RAISED, id="PH3: none"),
        pytest.param({"athlete": I}, NOT_RAISED, id="PH3: in question"),
        pytest.param({"athlete": "conflict"}, NOT_RAISED, id="PH3: in conflict"),
        pytest.param({"postpartum": P, "sex": "male"}, NOT_RAISED, id="5.3: a man after childbirth"),
        pytest.param({"postpartum": P}, LIKELY, id="5.3: sex not reported"),
        pytest.param({"healthy_control": P, "acute_pain": P}, NOT_RAISED, id="5.3: healthy, but in acute pain"),
        pytest.param({"postpartum": P, "sex": "male", "athlete": P}, LIKELY, id="5.3: another context stands"),
    ],
)
def test_without_a_benign_context_it_is_not_raised(
    verdict: Callable[..., Any], context: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert verdict("physiologic", SI, **AT_SI, **context)[:2] == expected


def test_a_contradicted_context_is_a_conflict_of_the_record(answer: Callable[..., Any]) -> None:
    warned = [
        "W_CONFLICT" in answer(SI, **AT_SI, postpartum=P, sex=sex)["warnings"] for sex in ("male", "female", "unknown")
    ]

    assert warned == [True, False, False]


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        pytest.param({}, "LIKELY", id="T1 acquired"),
        pytest.param({"t1": "not_acquired", "t1_signal": "normal"}, "LIKELY", id="G5: T1 listed as missing, yet read"),
    ],
)
def test_t1_must_have_been_read(assessment_of: Callable[..., Any], facts: dict[str, Any], level: str) -> None:
    assert assessment_of(SI, **AT_SI, athlete=P, **facts).levels["physiologic"].name == level
