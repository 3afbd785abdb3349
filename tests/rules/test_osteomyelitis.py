"""Decision table 3.5, row by row: it fires, one fact is off, it is not reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
TIBIA, FOOT, SI = "other", "foot_ankle", "si_joint"

LIKELY = ("likely", "urgent", {"REF_ID"}, set())
POSSIBLE = ("possible", "soon", set(), set())
ACT_NOW = ("possible", "urgent", {"REF_ID"}, set())
FOOT_NOW = ("possible", "urgent", {"REF_MDFT"}, set())
NOT_RAISED = ("not raised", "", set(), set())
CHRONIC = {"W_OM_CHRONIC"}

LOW = {"bme": P, "t1_signal": "low"}
NORMAL = {"bme": P, "t1_signal": "normal"}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(LOW, LIKELY, id="OM1: STIR high and T1 low"),
        pytest.param({**LOW, "bme": A}, NOT_RAISED, id="OM1: no edema"),
        pytest.param({"t1_signal": "low"}, NOT_RAISED, id="OM1: edema not reported"),
        pytest.param({**LOW, "t1_signal": "high"}, NOT_RAISED, id="OM1: T1 high"),
        pytest.param({**LOW, "t1_signal": "variable"}, NOT_RAISED, id="OM1: T1 variable"),
        pytest.param({"bme": P}, NOT_RAISED, id="OM1: T1 not reported"),
        pytest.param({**LOW, "bme": I}, POSSIBLE, id="OM1: edema in question"),
        pytest.param({**LOW, "t1_signal": I}, POSSIBLE, id="OM1: T1 in question"),
        pytest.param({**LOW, "t1_signal": {"conflict": ["low", "normal"]}}, POSSIBLE, id="OM1: T1 in conflict"),
        pytest.param({**LOW, "t1_signal": "conflict"}, POSSIBLE, id="OM1: T1 in conflict, values not given"),
        pytest.param(NORMAL, NOT_RAISED, id="OM4: T1 normal and no sign of infection"),
        pytest.param({**NORMAL, "fever": A, "crp_raised": A}, NOT_RAISED, id="OM4: signs looked for and absent"),
        pytest.param({**NORMAL, "fever": P}, ACT_NOW, id="OM4b: fever"),
        pytest.param({**NORMAL, "wbc_raised": P}, ACT_NOW, id="OM4b: raised white cells"),
        pytest.param({"bme": I, "fever": P}, ACT_NOW, id="OM4b: edema in question, T1 not reported"),
        pytest.param({"bme": A, "fever": P}, NOT_RAISED, id="OM4b: no edema"),
        pytest.param({"fever": P}, NOT_RAISED, id="OM4b: edema not reported"),
        pytest.param({**NORMAL, "fever": I}, POSSIBLE, id="OM4b: fever in question"),
        pytest.param({**NORMAL, "fever": "conflict"}, POSSIBLE, id="OM4b: fever in conflict"),
        pytest.param({**NORMAL, "foot_ulcer": P}, NOT_RAISED, id="OM4b: an ulcer of the foot is far from the tibia"),
        pytest.param({**NORMAL, "crp_raised": P}, POSSIBLE, id="OM4c: raised CRP"),
        pytest.param({**NORMAL, "esr_raised": P}, POSSIBLE, id="OM4c: raised ESR"),
        pytest.param({"bme": I, "crp_raised": P}, POSSIBLE, id="OM4c: edema in question"),
        pytest.param({**NORMAL, "crp_raised": A, "esr_raised": A}, NOT_RAISED, id="OM4c: no marker raised"),
        pytest.param(
            {**NORMAL, "prior_osteomyelitis": P}, ("possible", "soon", set(), CHRONIC), id="OM4c: earlier osteomyelitis"
        ),
        pytest.param({**NORMAL, "prior_osteomyelitis": A}, NOT_RAISED, id="OM4c: no earlier osteomyelitis"),
        pytest.param({**NORMAL, "diabetes": P}, NOT_RAISED, id="OM5: diabetes, but not the foot"),
        pytest.param({**NORMAL, "diabetes": P, "charcot": P}, NOT_RAISED, id="OM5: Charcot, but not the foot"),
        pytest.param({"bme": P, "t1": "not_acquired"}, NOT_RAISED, id="OM7: T1 not acquired"),
        pytest.param({"bme": P, "t1": "not_acquired", "fever": P}, ACT_NOW, id="OM7: T1 not acquired, fever"),
    ],
)
def test_a_long_bone(verdict: Callable[..., Any], facts: dict[str, Any], expected: Any) -> None:
    assert verdict("osteomyelitis", TIBIA, **facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({**NORMAL, "diabetes": P}, ("possible", "urgent", {"REF_MDFT"}, {"P4"}), id="OM5: diabetes"),
        pytest.param({"bme": I, "charcot": P}, ("possible", "urgent", {"REF_MDFT"}, {"P4"}), id="OM5: Charcot"),
        pytest.param({**LOW, "diabetes": P}, ("likely", "urgent", {"REF_MDFT", "REF_ID"}, {"P4"}), id="OM5 and OM1"),
        pytest.param(
            {**LOW, "charcot": P, "diabetes": P},
            ("likely", "urgent", {"REF_MDFT", "REF_ID"}, {"P4"}),
            id="OM1: Charcot and diabetes are no rivals",
        ),
        pytest.param({**NORMAL, "diabetes": A}, NOT_RAISED, id="OM5: no diabetes"),
        pytest.param({**NORMAL, "diabetes": A, "charcot": A}, NOT_RAISED, id="OM5: neither"),
        pytest.param(NORMAL, NOT_RAISED, id="OM5: neither reported"),
        pytest.param({"bme": A, "diabetes": P}, NOT_RAISED, id="OM5: no edema"),
        pytest.param({"diabetes": P}, NOT_RAISED, id="OM5: edema not reported"),
        pytest.param({**NORMAL, "diabetes": I}, ("possible", "soon", set(), {"P4"}), id="OM5: diabetes in question"),
        pytest.param(
            {"bme": "conflict", "diabetes": P}, ("possible", "soon", set(), {"P4"}), id="OM5: edema in conflict"
        ),
        pytest.param({**NORMAL, "foot_ulcer": P}, FOOT_NOW, id="OM4b: ulcer of the foot"),
        pytest.param({**NORMAL, "foot_ulcer": A}, NOT_RAISED, id="OM4b: no ulcer"),
        pytest.param({**NORMAL, "fever": P}, FOOT_NOW, id="OM4b: fever"),
        pytest.param(LOW, ("likely", "urgent", {"REF_MDFT", "REF_ID"}, set()), id="OM1"),
    ],
)
def test_the_foot(verdict: Callable[..., Any], facts: dict[str, Any], expected: Any) -> None:
    assert verdict("osteomyelitis", FOOT, **facts) == expected


# OM1-OM3: what else explains low T1 signal at the same place

# (what, site, facts beside edema and low T1, the fact without which it is no rival)
RIVALS: list[tuple[str, str, dict[str, Any], str]] = [
    ("AX1 deep edema", SI, {"depth_mm": 12}, ""),
    ("AX1b deep edema after trauma", SI, {"depth_mm": 12, "acute_trauma": P}, ""),
    ("AX2 erosion", SI, {"depth_mm": 5, "erosion": P}, ""),
    ("AX3 ankylosis", SI, {"depth_mm": 5, "ankylosis": P}, ""),
    ("AX4 synovitis and effusion", SI, {"synovitis": P, "effusion": P}, ""),
    ("AX5 edema alone", SI, {"depth_mm": 5}, ""),
    ("ON1 rim sign", "femoral_head", {"rim_sign": P}, "rim_sign"),
    ("ON2 perfusion rim", "femoral_head", {"dce_pattern": "rim_high_flow_no_flow_core"}, "dce_pattern"),
    ("SF1 fracture line", "knee_other", {"subchondral_fracture_line": P}, "subchondral_fracture_line"),
    ("SF3 condyle of an older woman", "medial_femoral_condyle", {"age": 66, "sex": "female", "acute_pain": P}, "sex"),
    ("TB1 without rim", "femoral_head_and_neck", {"diffuse_edema_head_neck": P, "rim_sign": A}, "rim_sign"),
    ("TB2 hyperperfusion", "femoral_head", {"dce_pattern": "subchondral_hyperperfusion"}, "dce_pattern"),
    ("acute trauma", TIBIA, {"acute_trauma": P}, "acute_trauma"),
    ("diffuse marrow signal", TIBIA, {"diffuse_marrow_signal": P}, "diffuse_marrow_signal"),
    ("known malignancy", TIBIA, {"known_malignancy": P}, "known_malignancy"),
    ("vertebra", "vertebra", {}, ""),
]
NAMES = [rival[0] for rival in RIVALS]


@pytest.mark.parametrize(("site", "rival"), [row[1:3] for row in RIVALS], ids=NAMES)
def test_with_an_established_rival_osteomyelitis_is_possible_and_soon(
    verdict: Callable[..., Any], site: str, rival: dict[str, Any]
) -> None:
    """OM2."""
    assert verdict("osteomyelitis", site, **LOW, **rival) == POSSIBLE


@pytest.mark.parametrize("sign", ["fever", "wbc_raised", "septic_arthritis"])
@pytest.mark.parametrize(("site", "rival"), [row[1:3] for row in RIVALS], ids=NAMES)
def test_with_a_rival_and_an_infection_sign_it_is_likely(
    verdict: Callable[..., Any], site: str, rival: dict[str, Any], sign: str
) -> None:
    """OM3."""
    assert verdict("osteomyelitis", site, **LOW, **rival, **{sign: P}) == LIKELY


@pytest.mark.parametrize("hint", ["crp_raised", "esr_raised"])
@pytest.mark.parametrize(("site", "rival"), [row[1:3] for row in RIVALS], ids=NAMES)
def test_a_hint_of_infection_does_not_outweigh_a_rival(
    verdict: Callable[..., Any], site: str, rival: dict[str, Any], hint: str
) -> None:
    assert verdict("osteomyelitis", site, **LOW, **rival, **{hint: P}) == POSSIBLE


@pytest.mark.parametrize(
    ("site", "rival", "without"), [row[1:] for row in RIVALS if row[3]], ids=[row[0] for row in RIVALS if row[3]]
)
def test_a_rival_that_is_not_reported_is_no_rival(
    verdict: Callable[..., Any], site: str, rival: dict[str, Any], without: str
) -> None:
    facts = {**LOW, **rival, without: "unknown"}

    assert verdict("osteomyelitis", site, **facts) == LIKELY


@pytest.mark.parametrize("state", [A, I, "conflict"])
@pytest.mark.parametrize("rival", ["acute_trauma", "diffuse_marrow_signal", "known_malignancy"])
def test_a_rival_that_is_absent_or_in_doubt_is_no_rival(verdict: Callable[..., Any], rival: str, state: str) -> None:
    assert verdict("osteomyelitis", TIBIA, **LOW, **{rival: state}) == LIKELY


def test_earlier_osteomyelitis_of_this_bone_is_an_infection_sign(verdict: Callable[..., Any]) -> None:
    assert verdict("osteomyelitis", TIBIA, **LOW, acute_trauma=P, prior_osteomyelitis=P) == (
        "likely",
        "urgent",
        {"REF_ID"},
        CHRONIC,
    )


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        pytest.param(FOOT, ("likely", "urgent", {"REF_MDFT", "REF_ID"}, set()), id="the same foot"),
        pytest.param(TIBIA, POSSIBLE, id="elsewhere"),
    ],
)
def test_an_ulcer_is_an_infection_sign_of_the_foot_only(verdict: Callable[..., Any], site: str, expected: Any) -> None:
    assert verdict("osteomyelitis", site, **LOW, acute_trauma=P, foot_ulcer=P) == expected


def test_a_rival_at_another_site_does_not_count(verdict: Callable[..., Any]) -> None:
    rim = ("femoral_head", "right", {"bme": P, "rim_sign": P})

    assert verdict("osteomyelitis", TIBIA, **LOW, more=[rim]) == LIKELY


@pytest.mark.parametrize(
    ("facts", "leads"),
    [
        pytest.param({**LOW, "depth_mm": 12, "fever": P}, "osteomyelitis", id="OM3 leads"),
        pytest.param({**LOW, "depth_mm": 12}, "axspa", id="OM2 stays named behind its rival"),
    ],
)
def test_which_of_the_rivals_leads(assessment_of: Callable[..., Any], facts: dict[str, Any], leads: str) -> None:
    causes = [one.cause for one in assessment_of(SI, **facts).diagnoses]

    assert (causes[0], sorted(causes)) == (leads, ["axspa", "osteomyelitis"])


# OM6-OM8


NOT_EXCLUDED = {"osteomyelitis": I}
WARNED = ("possible", "soon", set(), CHRONIC)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            {**LOW, "prior_trauma_or_surgery": P}, ("likely", "urgent", {"REF_ID"}, CHRONIC), id="the level stays"
        ),
        pytest.param({**LOW, "prior_trauma_or_surgery": A}, LIKELY, id="no earlier trauma"),
        pytest.param({**NOT_EXCLUDED, "bme": A, "prior_trauma_or_surgery": P}, WARNED, id="a negative MRI"),
        pytest.param({**NOT_EXCLUDED, "bme": I, "prior_trauma_or_surgery": P}, WARNED, id="an unclear MRI"),
        pytest.param({**NOT_EXCLUDED, "prior_osteomyelitis": P}, WARNED, id="edema not reported"),
        pytest.param(NOT_EXCLUDED, POSSIBLE, id="history not reported"),
    ],
)
def test_after_trauma_or_surgery_the_signal_is_unreliable(
    verdict: Callable[..., Any], facts: dict[str, Any], expected: Any
) -> None:
    """OM6: the level is unchanged, the pitfall is named."""
    assert verdict("osteomyelitis", TIBIA, **facts) == expected


def test_a_report_without_infection_never_lowers_it_after_trauma_or_surgery(verdict: Callable[..., Any]) -> None:
    """OM6: a negative or unclear MRI never lowers."""
    facts = {"bme": P, "t1_signal": "normal", "osteomyelitis": A}

    lowered, kept = (verdict("osteomyelitis", TIBIA, **facts, prior_trauma_or_surgery=prior)[0] for prior in (A, P))

    assert (lowered, kept) == ("unlikely", "not raised")


def test_without_t1_the_pattern_is_not_assessable_and_t1_is_asked_for(answer: Callable[..., Any]) -> None:
    """OM7."""
    given = answer(FOOT, bme=P, t1="not_acquired", diabetes=A)

    assert (given["levels"]["osteomyelitis"], "COMPLETE_SEQ_T1" in given["actions"]) == ("not_assessable", True)


@pytest.mark.parametrize(("facts", "said"), [(LOW, True), ({**NORMAL, "crp_raised": P}, True), (NORMAL, False)])
def test_once_suspected_no_other_imaging_is_suggested(
    says: Callable[..., str], facts: dict[str, Any], said: bool
) -> None:
    """OM8."""
    assert ("MRI is exceptional for detecting acute osteomyelitis" in says(TIBIA, **facts)) is said


@pytest.mark.parametrize("facts", [LOW, {**LOW, "acute_trauma": P}, {**LOW, "fever": P}])
def test_the_pattern_quotes_its_figures(says: Callable[..., str], facts: dict[str, Any]) -> None:
    text = says(TIBIA, **facts)

    assert [figure for figure in ("~90%", "~85%") if figure not in text] == []


def test_the_figures_name_the_title_of_their_source(says: Callable[..., str]) -> None:
    assert "Speckled STIR Hyperintensities on MRI" in says(TIBIA, **LOW)
