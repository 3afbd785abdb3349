"""Which missing fact would change the answer most, worked out with the real rules."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.engine.assess import Assessment, assess
from cds_service.engine.what_if import Change, Decisive, actions_for, decisive, suppose, thresholds
from cds_service.knowledge.facts import DCE_PATTERN, DEPTH, FEVER
from cds_service.knowledge.rules import rule_set
from cds_service.model.case import Case
from cds_service.model.finding import State
from cds_service.model.level import Tier
from cds_service.model.quantity import Range, exact
from cds_service.vignettes import read_vignette

RULES = rule_set()

KNEE = {"site": "medial_femoral_condyle", "bme": "present"}
WOMAN_IN_PAIN = {**KNEE, "sex": "female", "acute_pain": "present"}
SI_JOINT = {"site": "si_joint", "bme": "present"}
FOOT = {"site": "foot_ankle", "bme": "present", "t1_signal": "normal"}
CASES = {"knee": KNEE, "woman with a painful knee": WOMAN_IN_PAIN, "sacroiliac joint": SI_JOINT, "foot": FOOT}

every_case = pytest.mark.parametrize("facts", CASES.values(), ids=CASES.keys())


def assessed(facts: dict[str, Any], settings: Any = None) -> Assessment:
    """Assess facts at the left side of one site; STIR and T1 are acquired."""
    context = ("age", "sex")
    place = {"bme", "t1_signal", "depth_mm", "erosion", "rim_sign", "subchondral_fracture_line", "synovitis"}
    place.add("diffuse_edema_head_neck")
    given = {
        "patient": {name: value for name, value in facts.items() if name in context},
        "context": {name: value for name, value in facts.items() if name not in {*context, *place, "site"}},
        "sequences": {"stir": "acquired", "t1": "acquired"},
        "sites": [
            {
                "site": facts["site"],
                "side": "left",
                "findings": {name: value for name, value in facts.items() if name in place},
            }
        ],
    }
    return assess(read_vignette({"input": given}, RULES).case, RULES, settings)


def found(facts: dict[str, Any]) -> dict[str, tuple[Change, ...]]:
    return {one.fact.name: one.changes for one in decisive(assessed(facts), RULES)}


def number(value: str) -> Range:
    value_of = exact(value)
    assert isinstance(value_of, Range)
    return value_of


# ---------------------------------------------------------------------------------------------- what changes


@pytest.mark.parametrize(
    ("facts", "fact", "changes"),
    [
        pytest.param(
            WOMAN_IN_PAIN,
            "age",
            (Change(number("45"), Tier.URGENT, "sif"),),
            id="the age of a woman with a painful knee",
        ),
        pytest.param(
            SI_JOINT, "depth_mm", (Change(number("10"), Tier.URGENT, "axspa"),), id="the depth at a sacroiliac joint"
        ),
        pytest.param(FOOT, "charcot", (Change(State.PRESENT, Tier.URGENT, "charcot"),), id="Charcot arthropathy"),
        pytest.param(FOOT, "crp_raised", (Change(State.PRESENT, Tier.SOON, "osteomyelitis"),), id="a raised marker"),
        pytest.param(WOMAN_IN_PAIN, "t1_signal", (Change("low", Tier.URGENT, "osteomyelitis"),), id="T1 signal"),
    ],
)
def test_a_missing_fact_is_listed_with_the_values_that_change_the_answer(
    facts: dict[str, Any], fact: str, changes: tuple[Change, ...]
) -> None:
    assert found(facts)[fact] == changes


@pytest.mark.parametrize(
    ("facts", "fact"),
    [
        pytest.param(SI_JOINT, "sclerosis", id="sclerosis raises nothing alone"),
        pytest.param(SI_JOINT, "athlete", id="an athlete with edema of unknown depth"),
        pytest.param(WOMAN_IN_PAIN, "synovitis", id="synovitis alone at a knee"),
        pytest.param(FOOT, "acute_pain", id="pain at an unknown age"),
    ],
)
def test_a_fact_that_changes_nothing_is_not_listed(facts: dict[str, Any], fact: str) -> None:
    assert fact not in found(facts)


@pytest.mark.parametrize(
    ("facts", "fact"),
    [
        pytest.param({**SI_JOINT, "depth_mm": 5}, "depth_mm", id="a depth that was measured"),
        pytest.param({**WOMAN_IN_PAIN, "age": 30}, "age", id="an age that is known"),
        pytest.param({**SI_JOINT, "erosion": "indeterminate"}, "erosion", id="a doubtful erosion"),
    ],
)
def test_a_fact_that_is_stated_is_not_listed(facts: dict[str, Any], fact: str) -> None:
    assert fact not in found(facts)


@every_case
def test_every_listed_value_makes_another_answer(facts: dict[str, Any]) -> None:
    base = assessed(facts)
    answer = (base.tier, base.leading.cause if base.leading else None)

    assert [one for one in decisive(base, RULES) if not one.changes] == []
    assert [
        (one.fact.name, change)
        for one in decisive(base, RULES)
        for change in one.changes
        if (change.tier, change.leading) == answer
    ] == []


@every_case
def test_the_foreseen_answer_is_the_one_that_comes_when_the_fact_is_known(facts: dict[str, Any]) -> None:
    differing = {}
    for name, changes in found(facts).items():
        for change in changes:
            value = change.value.low if isinstance(change.value, Range) else change.value
            if name not in (
                "t1_signal",
                "erosion",
                "rim_sign",
                "subchondral_fracture_line",
                "depth_mm",
                "age",
                "fever",
            ):
                continue
            known = assessed({**facts, name: int(value) if isinstance(change.value, Range) else value})
            after = (known.tier, known.leading.cause if known.leading else None)
            if after != (change.tier, change.leading):
                differing[name, str(change.value)] = after

    assert differing == {}


# ---------------------------------------------------------------------------------------------------- order


def rank(base: Assessment, one: Decisive) -> int:
    return max(abs(change.tier - base.tier) for change in one.changes)


@every_case
def test_the_largest_change_of_urgency_comes_first(facts: dict[str, Any]) -> None:
    base = assessed(facts)

    ranks = [rank(base, one) for one in decisive(base, RULES)]

    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] > ranks[-1]


@every_case
def test_equal_changes_stay_in_rule_order(facts: dict[str, Any]) -> None:
    base = assessed(facts)
    place = {fact.name: position for position, fact in enumerate(base.missing())}

    listed = [(-rank(base, one), place[one.fact.name]) for one in decisive(base, RULES)]

    assert listed == sorted(listed)


@every_case
def test_the_same_case_gives_the_same_list_however_it_is_written(facts: dict[str, Any]) -> None:
    backwards = dict(reversed(facts.items()))

    assert decisive(assessed(facts), RULES) == decisive(assessed(backwards), RULES)


@every_case
def test_the_case_itself_is_left_as_it_was(facts: dict[str, Any]) -> None:
    base = assessed(facts)

    decisive(base, RULES)

    assert base.case == assessed(facts).case


def test_a_case_with_nothing_open_has_nothing_decisive() -> None:
    assert decisive(assess(Case({}, ()), RULES), RULES) == ()


def test_a_case_in_which_nothing_is_raised_says_what_would_raise_something() -> None:
    given = {"sites": [{"site": "foot_ankle", "side": "left", "findings": {}}], "context": {"diabetes": "present"}}

    listed = decisive(assess(read_vignette({"input": given}, RULES).case, RULES), RULES)

    assert {one.fact.name: one.changes for one in listed}["bme"] == (
        Change(State.PRESENT, Tier.URGENT, "osteomyelitis"),
    )


def test_a_sequence_that_is_not_listed_is_filled_in_for_the_study() -> None:
    without = ("erosion", "fatty_lesion", "ankylosis", "ia_t1_hyperintensity", "t2_joint_fluid")
    shallow = {"bme": "present", "depth_mm": 5, **dict.fromkeys(without, "absent")}
    given = {
        "patient": {"age": 30},
        "context": {"athlete": "present"},
        "sequences": {"stir": "acquired"},
        "sites": [{"site": "si_joint", "side": "left", "findings": shallow}],
    }

    listed = decisive(assess(read_vignette({"input": given}, RULES).case, RULES), RULES)

    assert {one.fact.name: one.changes for one in listed}["seq.t1"] == (
        Change("acquired", Tier.ROUTINE, "physiologic"),
    )


# ------------------------------------------------------------------------------------------------- settings


def test_the_thresholds_that_are_tried_are_those_of_the_site() -> None:
    settings = {"middle_age_from": 60}

    listed = {one.fact.name: one.changes for one in decisive(assessed(WOMAN_IN_PAIN, settings), RULES, settings)}

    assert listed.get("age") == (Change(number("60"), Tier.URGENT, "sif"),)


# ---------------------------------------------------------------------------------------------- how to learn it


def test_a_depth_not_reported_is_learnt_by_asking_for_it():
    assert [action.id for action in actions_for(assessed(SI_JOINT), DEPTH, RULES)] == ["MEASURE_DEPTH"]


def test_what_a_rule_that_is_followed_makes_an_exception_of_is_learnt_by_the_same_action():
    hip = assessed({"site": "femoral_head_and_neck", "bme": "present", "diffuse_edema_head_neck": "present"})

    assert [action.id for action in actions_for(hip, DCE_PATTERN, RULES)] == ["ORDER_DCE"]


def test_no_referral_is_a_way_to_learn_a_fact():
    foot = assessed({**FOOT, "diabetes": "present"})
    asked = {action for fact in foot.missing() for action in actions_for(foot, fact, RULES)}

    assert [action.id for action in asked if action.target] == []


def test_the_depths_that_rules_ask_for_are_those_of_the_source():
    assert thresholds(DEPTH, RULES, {}) == [10]


def test_what_is_supposed_does_not_replace_what_is_stated():
    stated = assessed({**SI_JOINT, "fever": "absent"}).case

    assert suppose(stated, FEVER, State.PRESENT) == stated
