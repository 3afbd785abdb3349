from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cds_service.knowledge.rules import rule_set
from cds_service.model.condition import Condition, Fact, Fired, LevelIs
from cds_service.model.finding import State
from cds_service.model.level import Level, Tier
from cds_service.model.rule import (
    Advise,
    Cap,
    Cause,
    CheckOrder,
    Disregard,
    Effect,
    Evidence,
    Floor,
    Lower,
    Raise,
    Reassure,
    Reference,
    Rule,
    RuleSet,
    Soften,
    Step,
)

EDEMA = Fact("bme", "edema")
EROSION = Fact("erosion", "erosion")
SEEN = Evidence(("S1",))
SPRAIN = Cause("sprain", "sprain", Tier.SOON, Tier.ROUTINE, "A sprain.")
GOUT = Cause("gout", "gout", Tier.URGENT, Tier.SOON, "Gout.")


def rule(effect: Effect | None = None, **more: Any) -> Rule:
    given = {"id": "a-rule", "row": "A1", "when": EDEMA, "evidence": (SEEN,), "about": "sprain", **more}
    return Rule(effect=effect or Raise(Level.LIKELY), **given)


def rules(*some: Rule) -> RuleSet:
    return replace(
        rule_set(), rules=some, causes={"sprain": SPRAIN, "gout": GOUT}, facts={"bme": EDEMA, "erosion": EROSION}
    )


def test_evidence_needs_a_statement_or_a_reference() -> None:
    with pytest.raises(ValueError, match="evidence needs a statement or a reference"):
        Evidence(())


def test_a_published_source_alone_is_evidence() -> None:
    reference = Reference("1", "A paper")

    assert Evidence((), (reference,)).references == (reference,)


def test_a_rule_needs_evidence() -> None:
    with pytest.raises(ValueError, match="rule 'a-rule' needs evidence"):
        rule(evidence=())


@pytest.mark.parametrize("effect", [Raise(Level.LIKELY), Reassure(Level.LIKELY), Lower(), Soften(Tier.SOON)])
def test_a_rule_that_moves_a_cause_names_it(effect: Effect) -> None:
    with pytest.raises(ValueError, match="must say which cause it is about"):
        rule(effect, about="")


@pytest.mark.parametrize("effect", [Cap(frozenset({"sprain"})), Floor(Tier.SOON), Advise(), CheckOrder("Say so")])
def test_a_rule_about_the_record_needs_no_cause(effect: Effect) -> None:
    assert rule(effect, about="").about == ""


@pytest.mark.parametrize("level", [Level.NOT_ASSESSABLE, Level.UNLIKELY])
def test_raising_means_possible_or_likely(level: Level) -> None:
    with pytest.raises(ValueError, match="raises to POSSIBLE or LIKELY"):
        Raise(level)


@pytest.mark.parametrize(
    ("effect", "step"),
    [
        (Disregard(EDEMA, State.ABSENT), Step.DISREGARD),
        (Raise(Level.POSSIBLE), Step.RAISE),
        (Reassure(Level.POSSIBLE), Step.REASSURE),
        (Lower(), Step.LOWER),
        (Cap(frozenset({"sprain"})), Step.CAP),
        (Soften(Tier.SOON), Step.TIER),
        (Floor(Tier.SOON), Step.TIER),
        (Advise(), Step.ADVISE),
        (CheckOrder("Say so"), Step.ORDER),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Effect) else value.name,
)
def test_the_effect_says_when_a_rule_is_read(effect: Effect, step: Step) -> None:
    assert rule(effect).step is step


def test_a_rule_may_ask_for_a_later_step() -> None:
    assert rule(step=Step.COMPARE).step is Step.COMPARE


BEYOND_FACTS = [Fired("other"), LevelIs("gout", frozenset({Level.LIKELY})), EDEMA.settled, EDEMA & Fired("other")]


@pytest.mark.parametrize("when", BEYOND_FACTS, ids=str)
@pytest.mark.parametrize(
    "effect", [Disregard(EDEMA, State.ABSENT), Raise(Level.LIKELY), Lower(), Cap(frozenset({"sprain"}))]
)
def test_before_levels_stand_a_rule_asks_only_for_facts(effect: Effect, when: Condition) -> None:
    with pytest.raises(ValueError, match="'when' may ask only for facts; put the rest into 'unless'"):
        rule(effect, when=when)


@pytest.mark.parametrize("when", BEYOND_FACTS, ids=str)
def test_once_levels_stand_a_rule_may_ask_for_them(when: Condition) -> None:
    later = [
        rule(effect, when=when) for effect in (Soften(Tier.SOON), Floor(Tier.SOON), Advise(), CheckOrder("Say so"))
    ]
    later.append(rule(Raise(Level.LIKELY), when=when, step=Step.COMPARE))

    assert [one.when for one in later] == [when] * 5


def test_exceptions_may_always_look_beyond_facts() -> None:
    one = rule(unless=(Fired("other"), EROSION))

    assert (list(one.references()), list(one.facts())) == (["other"], [EDEMA, EROSION])


@pytest.mark.parametrize(
    ("effect", "softens"),
    [
        (Disregard(EDEMA, State.ABSENT), False),
        (Raise(Level.LIKELY), False),
        (Reassure(Level.LIKELY), True),
        (Lower(), True),
        (Cap(frozenset({"sprain"})), True),
        (Soften(Tier.SOON), True),
        (Floor(Tier.SOON), False),
        (Advise(), False),
        (Advise(treats=True), True),
        (CheckOrder("Say so"), False),
    ],
)
def test_what_lowers_reassures_or_treats_softens(effect: Effect, softens: bool) -> None:
    assert effect.softens is softens


@pytest.mark.parametrize(
    ("level", "act_now", "tier"),
    [
        (Level.LIKELY, False, Tier.SOON),
        (Level.POSSIBLE, False, Tier.ROUTINE),
        (Level.POSSIBLE, True, Tier.URGENT),
        (Level.UNLIKELY, False, None),
        (Level.NOT_ASSESSABLE, False, None),
    ],
)
def test_the_tier_of_a_cause_follows_its_level(level: Level, act_now: bool, tier: Tier | None) -> None:
    assert SPRAIN.tier(level, act_now=act_now) is tier


def test_only_possible_and_likely_count_as_raised() -> None:
    assert {level: level.is_raised for level in Level} == {
        Level.NOT_ASSESSABLE: False,
        Level.UNLIKELY: False,
        Level.POSSIBLE: True,
        Level.LIKELY: True,
    }


def test_a_set_refuses_an_id_used_twice() -> None:
    with pytest.raises(ValueError, match=r"rule ids used twice: \['a-rule'\]"):
        rules(rule(), rule(row="A2"))


def test_a_set_refuses_a_rule_about_a_cause_it_does_not_have() -> None:
    with pytest.raises(ValueError, match="rule 'a-rule' is about an unknown cause 'mumps'"):
        rules(rule(about="mumps"))


@pytest.mark.parametrize("where", ["when", "unless"])
def test_a_set_refuses_a_rule_that_asks_for_an_unlisted_fact(where: str) -> None:
    rash = Fact("rash", "rash")

    with pytest.raises(ValueError, match=r"rule 'a-rule' asks for unlisted facts \['rash'\]"):
        rules(rule(when=rash) if where == "when" else rule(unless=(rash,)))


def test_a_set_finds_its_rules_by_id_and_by_step() -> None:
    raising, advising = rule(), rule(Advise(), id="advice")
    both = rules(raising, advising)

    assert both.by_id == {"a-rule": raising, "advice": advising}
    assert [both.at_step(step) for step in (Step.RAISE, Step.ADVISE, Step.LOWER)] == [(raising,), (advising,), ()]


def test_causes_that_nothing_raises_are_not_assessed() -> None:
    lowering = rule(Lower(), id="gout-denied", about="gout")

    assert rules(rule(), lowering).not_assessed == ("gout",)
