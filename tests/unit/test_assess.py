"""What the engine makes of rules, whatever they say: small rule sets written for the purpose.

Only the order of leading causes (decision table 3.9) is tested with the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cds_service.engine.assess import Assessment, Outcome, actions_of, assess, evidence_of, is_notable, warnings_of
from cds_service.knowledge.rules import rule_set
from cds_service.knowledge.warnings import STANDING
from cds_service.model.case import Case, Draft, Lesion, Problem, SiteMap, Study
from cds_service.model.condition import (
    SITE,
    AnyCause,
    Condition,
    Fact,
    Fired,
    Kind,
    LevelIs,
    Scope,
    Setting,
    Stated,
    at_site,
)
from cds_service.model.finding import Finding, Provenance, State, Value
from cds_service.model.level import Level, Tier
from cds_service.model.quantity import exact, length_between_mm
from cds_service.model.rule import (
    Action,
    Advise,
    Cap,
    Cause,
    CheckOrder,
    Disregard,
    Effect,
    Evidence,
    Floor,
    Leading,
    Lower,
    Precedence,
    Raise,
    Rank,
    Reassure,
    Reference,
    Rule,
    RuleSet,
    Soften,
    Step,
    Warning,
)

PRESENT, ABSENT, INDETERMINATE = State.PRESENT, State.ABSENT, State.INDETERMINATE
CONFLICT = (PRESENT, ABSENT)
NOT_ASSESSABLE, UNLIKELY, POSSIBLE, LIKELY = Level
ROUTINE, SOON, URGENT = Tier.ROUTINE, Tier.SOON, Tier.URGENT
RAISED = frozenset({LIKELY, POSSIBLE})

SWOLLEN, WARM, BITTEN, CALM = (Fact(name, name) for name in ("swollen", "warm", "bitten", "calm"))
WIDTH = Fact("width_mm", "width", Kind.NUMBER, unit="mm")
CLIMBER = Fact("climber", "climber", scope=Scope.PATIENT)
WIDE_FROM = Setting("wide_from", 10, "A judgement.", "mm")
GOUT = Cause("gout", "gout", when_likely=URGENT, when_possible=SOON, about="Crystals.")
SPRAIN = Cause("sprain", "sprain", when_likely=SOON, when_possible=SOON, about="Overload.")
HARMLESS = Cause("harmless", "harmless", when_likely=ROUTINE, when_possible=SOON, about="Nothing.")
CAUSES = {cause.id: cause for cause in (GOUT, SPRAIN, HARMLESS)}
FACTS = {fact.name: fact for fact in (SWOLLEN, WARM, BITTEN, CALM, WIDTH, CLIMBER, SITE)}
NOWHERE = SiteMap({}, {}, {}, {}, {})
SEEN = (Evidence(("S1",)),)


def rule(rule_id: str, effect: Effect, when: Condition, about: str = "gout", **more: Any) -> Rule:
    return Rule(rule_id, "A1", effect, when, more.pop("evidence", SEEN), about=about, **more)


def rules(*some: Rule, leading: Leading | None = None) -> RuleSet:
    plain = Leading(
        ranks=tuple(Rank(cause) for cause in CAUSES),
        bonus=Rank("sprain", when=BITTEN),
        precedence=Precedence("harmless", "gout", when=CALM, unless=BITTEN),
    )
    return RuleSet(some, CAUSES, FACTS, NOWHERE, (WIDE_FROM,), leading or plain, STANDING)


def findings(stated: Mapping[str, Any]) -> dict[str, Finding]:
    return {
        name: Finding(name, values := one if isinstance(one, tuple) else (one,), (Provenance(),) * len(values))
        for name, one in stated.items()
    }


def lesion(**stated: Value | tuple[Value, ...]) -> Lesion:
    return Lesion("knee", "left", frozenset({"knee"}), Study("mri"), findings(stated))


def concluded(given: Case | Lesion | Mapping[str, Any], *some: Rule) -> Assessment:
    if isinstance(given, Mapping):
        given = lesion(**given)
    case = given if isinstance(given, Case) else Case(lesions=(given,))
    return assess(case, rules(*some))


def outcome(given: Case | Lesion | Mapping[str, Any], *some: Rule) -> dict[str, Outcome]:
    return {result.rule.id: result.outcome for result in concluded(given, *some).trace}


GOUT_LIKELY = rule("swelling", Raise(LIKELY), SWOLLEN)
GOUT_POSSIBLE = rule("warmth", Raise(POSSIBLE), WARM)
GOUT_NOW = rule("bite", Raise(POSSIBLE, act_now=True), BITTEN)


# One rule


@pytest.mark.parametrize(
    ("recorded", "became"),
    [
        pytest.param({}, Outcome.UNDECIDED, id="not reported"),
        pytest.param({"swollen": PRESENT}, Outcome.FIRED, id="present"),
        pytest.param({"swollen": ABSENT}, Outcome.NOT_MET, id="absent"),
        pytest.param({"swollen": INDETERMINATE}, Outcome.FIRED_IN_DOUBT, id="indeterminate"),
        pytest.param({"swollen": CONFLICT}, Outcome.FIRED_IN_DOUBT, id="conflict"),
    ],
)
def test_a_raising_rule_fires_in_doubt_on_doubtful_facts(recorded: Mapping[str, Any], became: Outcome) -> None:
    assert outcome(recorded, GOUT_LIKELY) == {"swelling": became}


@pytest.mark.parametrize(
    "effect",
    [Reassure(LIKELY), Lower(), Cap(frozenset({"gout"})), Soften(SOON), Floor(SOON), Advise(), Advise(treats=True)],
    ids=lambda effect: type(effect).__name__,
)
@pytest.mark.parametrize("doubt", [INDETERMINATE, CONFLICT])
def test_no_other_rule_fires_in_doubt(effect: Effect, doubt: Any) -> None:
    assert outcome({"swollen": doubt}, rule("r", effect, SWOLLEN)) == {"r": Outcome.UNDECIDED}


def test_a_rule_in_doubt_holds_its_cause_possible_and_names_the_doubt() -> None:
    sure_and_urgent = rule("r", Raise(LIKELY, act_now=True), SWOLLEN & WIDTH.at_least(WIDE_FROM))

    assessment = concluded({"swollen": PRESENT, "width_mm": length_between_mm(8, 12, "mm")}, sure_and_urgent)

    (diagnosis,) = assessment.diagnoses
    assert (diagnosis.level, diagnosis.act_now, diagnosis.tier) == (POSSIBLE, False, SOON)
    assert assessment.trace[0].doubtful() == (WIDTH,)
    assert assessment.trace[0].missing() == ()


def test_an_undecided_rule_names_what_is_missing() -> None:
    result = concluded({"swollen": PRESENT}, rule("r", Raise(LIKELY), SWOLLEN & WARM & (BITTEN | CALM))).trace[0]

    assert (result.outcome, result.missing(), result.doubtful()) == (Outcome.UNDECIDED, (WARM, BITTEN, CALM), ())


def test_a_rule_shows_the_findings_it_asked_for() -> None:
    result = concluded({"calm": PRESENT, "warm": ABSENT, "swollen": PRESENT}, rule("r", Raise(LIKELY), SWOLLEN | WARM))

    assert [found.fact for found in result.trace[0].findings()] == ["swollen", "warm"]


@pytest.mark.parametrize("exception", [{}, {"warm": ABSENT}, {"warm": INDETERMINATE}, {"warm": CONFLICT}])
def test_an_exception_that_is_not_established_does_not_stop_a_raising_rule(exception: Mapping[str, Any]) -> None:
    assert outcome({"swollen": PRESENT, **exception}, replace(GOUT_LIKELY, unless=(BITTEN, WARM))) == {
        "swelling": Outcome.FIRED
    }


def test_an_exception_is_not_asked_for_where_a_rule_is_not_met() -> None:
    result = concluded({"swollen": ABSENT, "warm": PRESENT}, replace(GOUT_LIKELY, unless=(WARM,))).trace[0]

    assert (result.outcome, result.stopped_by) == (Outcome.NOT_MET, None)


def test_an_established_exception_stops_a_rule_and_is_named() -> None:
    result = concluded({"swollen": PRESENT, "warm": PRESENT}, replace(GOUT_LIKELY, unless=(BITTEN, WARM))).trace[0]

    assert (result.outcome, result.stopped_by) == (Outcome.EXCEPTED, WARM)


@pytest.mark.parametrize(
    ("exception", "became"),
    [
        pytest.param({}, Outcome.FIRED, id="not reported"),
        pytest.param({"warm": ABSENT}, Outcome.FIRED, id="absent"),
        pytest.param({"warm": PRESENT}, Outcome.EXCEPTED, id="present"),
        pytest.param({"warm": INDETERMINATE}, Outcome.EXCEPTED, id="indeterminate"),
        pytest.param({"warm": CONFLICT}, Outcome.EXCEPTED, id="conflict"),
    ],
)
@pytest.mark.parametrize(
    "effect",
    [Reassure(LIKELY), Lower(), Cap(frozenset({"gout"})), Soften(SOON), Advise(treats=True)],
    ids=lambda effect: type(effect).__name__,
)
def test_doubt_about_an_exception_is_enough_to_stop_what_softens(
    effect: Effect, exception: Mapping[str, Any], became: Outcome
) -> None:
    softening = rule("r", effect, SWOLLEN, unless=(WARM,))

    assert outcome({"swollen": PRESENT, **exception}, softening) == {"r": became}


def test_a_rule_in_doubt_is_no_established_exception_for_another() -> None:
    other = rule("other", Raise(LIKELY), BITTEN, "sprain", unless=(Fired("swelling"),))
    softer = rule("softer", Lower(), BITTEN, "sprain", unless=(Fired("swelling"),))

    assert outcome({"swollen": INDETERMINATE, "bitten": PRESENT}, GOUT_LIKELY, other, softer) == {
        "swelling": Outcome.FIRED_IN_DOUBT,
        "other": Outcome.FIRED,
        "softer": Outcome.EXCEPTED,
    }


def test_a_rule_may_be_an_exception_before_it_is_written() -> None:
    first = replace(GOUT_POSSIBLE, unless=(Fired("swelling"),))

    assert outcome({"swollen": PRESENT, "warm": PRESENT}, first, GOUT_LIKELY) == {
        "swelling": Outcome.FIRED,
        "warmth": Outcome.EXCEPTED,
    }


def test_an_exception_has_other_rules_read_in_the_order_it_names_them() -> None:
    asking = replace(GOUT_POSSIBLE, unless=(Fired("bite") & Fired("swelling") & at_site("hip"),))

    assert list(outcome({"warm": PRESENT, "bitten": PRESENT, "swollen": PRESENT}, asking, GOUT_LIKELY, GOUT_NOW)) == [
        "bite",
        "swelling",
        "warmth",
    ]


def test_rules_that_except_each_other_are_refused() -> None:
    one, other = replace(GOUT_LIKELY, unless=(Fired("warmth"),)), replace(GOUT_POSSIBLE, unless=(Fired("swelling"),))

    with pytest.raises(ValueError, match="circle at 'swelling'"):
        concluded({"swollen": PRESENT, "warm": PRESENT}, one, other)


def test_a_rule_the_set_does_not_have_stops_nothing_and_is_named() -> None:
    result = concluded({"swollen": PRESENT}, replace(GOUT_LIKELY, unless=(Fired("mumps-likely"),))).trace[0]

    assert (result.outcome, result.not_assessed) == (Outcome.FIRED, ("mumps-likely",))


def test_a_setting_of_the_site_reaches_the_rules() -> None:
    wide = rules(rule("wide", Raise(LIKELY), WIDTH.at_least(WIDE_FROM)))
    case = Case(lesions=(lesion(width_mm=exact(8)),))

    assert [assess(case, wide, chosen).levels for chosen in (None, {"wide_from": 8})] == [{}, {"gout": LIKELY}]


# Levels and tiers


@pytest.mark.parametrize(
    ("recorded", "level", "act_now", "tier"),
    [
        pytest.param({"warm": PRESENT}, POSSIBLE, False, SOON, id="possible"),
        pytest.param({"swollen": PRESENT}, LIKELY, False, URGENT, id="likely"),
        pytest.param({"bitten": PRESENT}, POSSIBLE, True, URGENT, id="possible, act now"),
        pytest.param({"warm": PRESENT, "swollen": PRESENT}, LIKELY, False, URGENT, id="the highest level counts"),
        pytest.param({"bitten": PRESENT, "swollen": PRESENT}, LIKELY, True, URGENT, id="act now if any says so"),
        pytest.param({"swollen": INDETERMINATE, "warm": PRESENT}, POSSIBLE, False, SOON, id="in doubt adds nothing"),
    ],
)
def test_the_highest_level_wins(recorded: Mapping[str, Any], level: Level, act_now: bool, tier: Tier) -> None:
    (diagnosis,) = concluded(recorded, GOUT_LIKELY, GOUT_POSSIBLE, GOUT_NOW).diagnoses

    assert (diagnosis.level, diagnosis.act_now, diagnosis.tier) == (level, act_now, tier)


def test_a_cause_that_nothing_speaks_for_has_no_level() -> None:
    assert concluded({"swollen": ABSENT}, GOUT_LIKELY).levels == {}


def test_a_cause_whose_deciding_fact_is_not_reported_is_not_assessable() -> None:
    assessment = concluded({}, GOUT_LIKELY)

    assert (assessment.levels, assessment.diagnoses, assessment.tier) == ({"gout": NOT_ASSESSABLE}, (), ROUTINE)
    assert assessment.missing() == (SWOLLEN,)


DENIED = rule("denied", Lower(), CALM)


@pytest.mark.parametrize(
    ("recorded", "level"),
    [
        pytest.param({"calm": PRESENT}, UNLIKELY, id="nothing raises"),
        pytest.param({"calm": PRESENT, "swollen": PRESENT}, LIKELY, id="likely"),
        pytest.param({"calm": PRESENT, "warm": PRESENT}, POSSIBLE, id="possible"),
        pytest.param({"calm": PRESENT, "warm": INDETERMINATE}, POSSIBLE, id="in doubt"),
    ],
)
def test_lowering_never_beats_what_raises(recorded: Mapping[str, Any], level: Level) -> None:
    assert concluded(recorded, GOUT_LIKELY, GOUT_POSSIBLE, DENIED).levels["gout"] is level


@pytest.mark.parametrize(
    ("recorded", "level"),
    [
        pytest.param({"calm": PRESENT, "warm": PRESENT}, UNLIKELY, id="only what it outweighs"),
        pytest.param({"calm": PRESENT, "warm": INDETERMINATE}, UNLIKELY, id="only what it outweighs, in doubt"),
        pytest.param({"calm": PRESENT, "warm": PRESENT, "swollen": PRESENT}, LIKELY, id="something else, too"),
        pytest.param({"calm": INDETERMINATE, "warm": PRESENT}, POSSIBLE, id="lowering itself in doubt"),
    ],
)
def test_lowering_beats_only_the_rules_it_outweighs(recorded: Mapping[str, Any], level: Level) -> None:
    outweighing = rule("denied", Lower(over=frozenset({"warmth"})), CALM)

    assert concluded(recorded, GOUT_LIKELY, GOUT_POSSIBLE, outweighing).levels["gout"] is level


def test_a_rule_that_is_outweighed_says_nothing_about_the_level_of_the_others() -> None:
    """A likely that is outweighed leaves the possible of another rule."""
    outweighing = rule("denied", Lower(over=frozenset({"swelling", "bite"})), CALM)

    (diagnosis,) = concluded(
        {"calm": PRESENT, "swollen": PRESENT, "bitten": PRESENT, "warm": PRESENT},
        GOUT_LIKELY,
        GOUT_NOW,
        GOUT_POSSIBLE,
        outweighing,
    ).diagnoses

    assert (diagnosis.level, diagnosis.act_now, diagnosis.tier) == (POSSIBLE, False, SOON)


@pytest.mark.parametrize(
    ("recorded", "level", "tier"),
    [
        pytest.param({"swollen": PRESENT, "calm": PRESENT}, POSSIBLE, SOON, id="likely"),
        pytest.param({"warm": PRESENT, "calm": PRESENT}, POSSIBLE, SOON, id="possible stays"),
        pytest.param({"swollen": PRESENT, "calm": INDETERMINATE}, LIKELY, URGENT, id="cap in doubt"),
        pytest.param({"swollen": PRESENT}, LIKELY, URGENT, id="cap not reported"),
    ],
)
def test_a_cap_holds_a_cause_at_possible(recorded: Mapping[str, Any], level: Level, tier: Tier) -> None:
    cap = rule("cap", Cap(frozenset({"gout"})), CALM, about="")

    (diagnosis,) = concluded(recorded, GOUT_LIKELY, GOUT_POSSIBLE, cap).diagnoses

    assert (diagnosis.level, diagnosis.tier) == (level, tier)


def test_a_cap_leaves_other_causes_alone() -> None:
    cap = rule("cap", Cap(frozenset({"sprain"})), CALM, about="")

    assert concluded({"swollen": PRESENT, "calm": PRESENT}, GOUT_LIKELY, cap).levels == {"gout": LIKELY}


def test_caps_on_several_causes_hold_each_of_them() -> None:
    some = (
        rule("gout", Raise(LIKELY), SWOLLEN),
        rule("sprain", Raise(LIKELY), SWOLLEN, "sprain"),
        rule("cap-gout", Cap(frozenset({"gout"})), CALM, about=""),
        rule("cap-sprain", Cap(frozenset({"sprain"})), CALM, about=""),
    )

    assert concluded({"swollen": PRESENT, "calm": PRESENT}, *some).levels == {"gout": POSSIBLE, "sprain": POSSIBLE}


def test_softening_takes_the_urgency_and_leaves_the_level() -> None:
    (diagnosis,) = concluded(
        {"swollen": PRESENT, "calm": PRESENT}, GOUT_LIKELY, rule("s", Soften(SOON), CALM)
    ).diagnoses

    assert (diagnosis.level, diagnosis.tier) == (LIKELY, SOON)


def test_softening_never_makes_anything_more_urgent() -> None:
    calming = [rule("r", Raise(LIKELY), SWOLLEN, "harmless"), rule("s", Soften(SOON), CALM, "harmless")]

    assert concluded({"swollen": PRESENT, "calm": PRESENT}, *calming).tier is ROUTINE


def test_softening_one_cause_leaves_the_others_urgent() -> None:
    soften = rule("s", Soften(SOON), CALM, "sprain")

    assert concluded({"swollen": PRESENT, "calm": PRESENT}, GOUT_LIKELY, soften).tier is URGENT


@pytest.mark.parametrize(
    ("recorded", "tier"),
    [({}, ROUTINE), ({"calm": PRESENT}, SOON), ({"calm": PRESENT, "swollen": PRESENT}, URGENT)],
)
def test_a_floor_holds_the_case_at_its_tier_at_least(recorded: Mapping[str, Any], tier: Tier) -> None:
    assert concluded(recorded, GOUT_LIKELY, rule("floor", Floor(SOON), CALM, about="")).tier is tier


# The order of steps


def test_rules_are_read_step_by_step_whatever_their_order() -> None:
    some = [
        rule("advise", Advise(), LevelIs("gout", RAISED)),
        rule("compare", Raise(LIKELY), BITTEN, "sprain", unless=(AnyCause(LIKELY),), step=Step.COMPARE),
        rule("cap", Cap(frozenset({"gout"})), CALM, about=""),
        rule("disregard", Disregard(WARM, PRESENT), CALM, about=""),
        GOUT_POSSIBLE,
        GOUT_LIKELY,
    ]
    case = Case(lesions=(lesion(swollen=PRESENT, warm=PRESENT, bitten=PRESENT, calm=PRESENT),))

    forwards, backwards = assess(case, rules(*some)), assess(case, rules(*reversed(some)))

    assert {result.rule.id: result.outcome for result in forwards.trace} == {
        "disregard": Outcome.FIRED,
        "warmth": Outcome.UNDECIDED,
        "swelling": Outcome.FIRED,
        "cap": Outcome.FIRED,
        "compare": Outcome.FIRED,
        "advise": Outcome.FIRED,
    }
    assert forwards.levels == backwards.levels == {"gout": POSSIBLE, "sprain": LIKELY}


@pytest.mark.parametrize(
    ("calm", "levels"), [(ABSENT, {"gout": LIKELY}), (PRESENT, {"gout": POSSIBLE, "sprain": LIKELY})]
)
def test_comparing_rules_see_capped_levels(calm: State, levels: Mapping[str, Level]) -> None:
    cap = rule("cap", Cap(frozenset({"gout"})), CALM, about="")
    compare = rule("compare", Raise(LIKELY), BITTEN, "sprain", unless=(AnyCause(LIKELY),), step=Step.COMPARE)

    assert concluded({"swollen": PRESENT, "bitten": PRESENT, "calm": calm}, GOUT_LIKELY, cap, compare).levels == levels


def test_reassurance_sees_every_lesion_of_the_case() -> None:
    calm = rule(
        "calm", Reassure(LIKELY), CALM, "harmless", unless=(AnyCause(POSSIBLE, besides=frozenset({"harmless"})),)
    )
    calm_here, gout_there = lesion(calm=PRESENT), replace(lesion(swollen=PRESENT), side="right")

    alone = concluded(calm_here, GOUT_LIKELY, calm)
    together = concluded(Case(lesions=(calm_here, gout_there)), GOUT_LIKELY, calm)

    assert (alone.leading.cause, [one.cause for one in together.diagnoses]) == ("harmless", ["gout"])


def test_what_is_left_unexplained_comes_last_and_only_where_nothing_is_raised() -> None:
    unexplained = rule("u", Raise(POSSIBLE), BITTEN, "sprain", unless=(AnyCause(POSSIBLE, anywhere=False),))
    last = replace(unexplained, step=Step.UNEXPLAINED)
    both = Case(lesions=(lesion(swollen=PRESENT, bitten=PRESENT), replace(lesion(bitten=PRESENT), side="right")))

    assert [
        (diagnosis.cause, [entry.lesion for entry in diagnosis.entries])
        for diagnosis in concluded(both, GOUT_LIKELY, last).diagnoses
    ] == [("gout", [0]), ("sprain", [1])]


# Disregarded statements and conflicts


def test_a_disregarded_statement_counts_as_not_reported() -> None:
    disregard = rule("d", Disregard(WARM, PRESENT), CALM, about="")

    assessment = concluded({"warm": PRESENT, "calm": PRESENT}, GOUT_POSSIBLE, disregard)

    assert (assessment.levels, assessment.conflicts) == ({"gout": NOT_ASSESSABLE}, ())


def test_where_a_statement_is_disregarded_the_next_one_counts() -> None:
    disregard = rule("d", Disregard(WARM, PRESENT), CALM, about="")
    case = Case(patient=findings({"warm": ABSENT}), lesions=(lesion(warm=PRESENT, calm=PRESENT),))

    assert outcome(case, GOUT_POSSIBLE) == {"warmth": Outcome.FIRED}
    assert outcome(case, GOUT_POSSIBLE, disregard) == {"warmth": Outcome.NOT_MET, "d": Outcome.FIRED}


@pytest.mark.parametrize("other", [ABSENT, INDETERMINATE, CONFLICT])
def test_only_the_named_state_is_disregarded(other: Any) -> None:
    disregard = rule("d", Disregard(WARM, PRESENT), CALM, about="")

    with_rule, without = (
        concluded({"warm": other, "calm": PRESENT}, GOUT_POSSIBLE, *more).levels for more in ([disregard], [])
    )

    assert with_rule == without


def test_a_contradicted_statement_is_listed() -> None:
    disregard = rule("d", Disregard(CLIMBER, PRESENT, contradiction=True), CALM, about="")
    case = Case(patient=findings({"climber": PRESENT}), lesions=(lesion(calm=PRESENT), lesion(calm=PRESENT)))

    assert concluded(case, disregard).conflicts == (Problem("contradiction", "climber"),)


def test_a_contradicted_statement_is_listed_with_its_place_in_the_record() -> None:
    disregard = rule("d", Disregard(CLIMBER, PRESENT, contradiction=True), CALM, about="")
    climber = Finding("climber", (PRESENT,), (Provenance("Condition/climber"),))
    case = Case(patient={"climber": climber}, lesions=(lesion(calm=PRESENT),))

    assert concluded(case, disregard).conflicts == (Problem("contradiction", "climber", "Condition/climber"),)


@pytest.mark.parametrize(
    ("asked", "stated", "holds"),
    [
        pytest.param(LevelIs("gout", frozenset({LIKELY}), act_now=True), {}, False, id="not raised"),
        pytest.param(
            LevelIs("gout", frozenset({LIKELY}), act_now=True),
            {"swollen": ABSENT, "warm": ABSENT, "bitten": ABSENT},
            False,
            id="nothing speaks for it",
        ),
        pytest.param(LevelIs("gout", frozenset({LIKELY}), act_now=True), {"bitten": PRESENT}, True, id="act now"),
        pytest.param(LevelIs("gout", frozenset({LIKELY}), act_now=True), {"warm": PRESENT}, False, id="possible"),
        pytest.param(AnyCause(LIKELY), {"bitten": PRESENT}, False, id="any cause, act now does not count"),
        pytest.param(AnyCause(LIKELY, or_act_now=True), {"bitten": PRESENT}, True, id="any cause, act now counts"),
        pytest.param(AnyCause(LIKELY, or_act_now=True), {"warm": PRESENT}, False, id="any cause, possible"),
        pytest.param(AnyCause(LIKELY), {"swollen": PRESENT}, True, id="any cause, likely"),
    ],
)
def test_a_level_is_asked_with_or_without_what_is_to_be_acted_on_now(
    asked: Condition, stated: Mapping[str, Any], holds: bool
) -> None:
    comparing = rule("c", Advise(), asked)

    found = outcome(stated, GOUT_LIKELY, GOUT_POSSIBLE, GOUT_NOW, comparing)

    assert found["c"] is (Outcome.FIRED if holds else Outcome.NOT_MET)


def test_a_statement_disregarded_at_one_lesion_still_counts_at_another() -> None:
    disregard = rule("d", Disregard(CLIMBER, PRESENT), CALM, about="")
    climbing = rule("r", Raise(LIKELY), CLIMBER)
    case = Case(patient=findings({"climber": PRESENT}), lesions=(lesion(calm=PRESENT), lesion()))

    (diagnosis,) = concluded(case, disregard, climbing).diagnoses

    assert [entry.lesion for entry in diagnosis.entries] == [1]


def test_every_conflict_and_every_refused_value_is_listed_once() -> None:
    study = Study("mri", findings={"calm": Finding("calm", CONFLICT)})
    at_observation = Finding("warm", CONFLICT, (Provenance("Observation/1"), Provenance("Observation/2")))
    one = replace(lesion(swollen=PRESENT), study=study, findings={"warm": at_observation})
    problems = (Problem("rejected-value", "width_mm", "Observation/3"), Problem("unreadable", "Observation"))
    case = Case(patient=findings({"climber": CONFLICT}), lesions=(one, replace(one, side="right")), problems=problems)

    assert concluded(case).conflicts == (
        Problem("conflict", "climber"),
        Problem("conflict", "warm", "Observation/1"),
        Problem("conflict", "calm"),
        Problem("rejected-value", "width_mm", "Observation/3"),
    )


# Over several lesions


def test_a_diagnosis_holds_the_highest_level_and_tier_of_its_lesions() -> None:
    case = Case(lesions=(lesion(warm=PRESENT), lesion(swollen=PRESENT), lesion(bitten=PRESENT), lesion()))

    (diagnosis,) = concluded(case, GOUT_LIKELY, GOUT_POSSIBLE, GOUT_NOW).diagnoses

    assert (diagnosis.level, diagnosis.act_now, diagnosis.tier) == (LIKELY, True, URGENT)
    assert [(entry.lesion, entry.level) for entry in diagnosis.entries] == [(1, LIKELY), (2, POSSIBLE), (0, POSSIBLE)]


def test_a_level_of_the_case_is_its_highest_over_lesions() -> None:
    case = Case(lesions=(lesion(calm=PRESENT), lesion(), lesion(calm=PRESENT, warm=PRESENT)))

    assert concluded(case, GOUT_POSSIBLE, DENIED).levels == {"gout": POSSIBLE}
    assert concluded(replace(case, lesions=case.lesions[:2]), GOUT_POSSIBLE, DENIED).levels == {"gout": UNLIKELY}


def test_a_finding_of_one_side_proves_nothing_on_the_other() -> None:
    together = rule("r", Raise(LIKELY), SWOLLEN & WARM)
    case = Case(lesions=(lesion(swollen=PRESENT), replace(lesion(warm=PRESENT), side="right")))

    assert concluded(case, together).levels == {"gout": NOT_ASSESSABLE}


def test_a_label_of_a_rule_is_used_where_only_such_rules_raise() -> None:
    other_name = rule("r", Raise(POSSIBLE, label="crystals"), WARM)

    alone, with_more = (
        concluded(given, other_name, GOUT_LIKELY).leading
        for given in ({"warm": PRESENT}, {"warm": PRESENT, "swollen": PRESENT})
    )

    assert (alone.label, with_more.label) == ("crystals", "gout")


def test_the_label_of_a_diagnosis_does_not_depend_on_the_order_of_lesions() -> None:
    """One lesion raises the cause under a name of its own, another under the usual one."""
    other_name = rule("r", Raise(POSSIBLE, label="crystals"), WARM)
    usual_name = rule("u", Raise(POSSIBLE), BITTEN)
    pair = (lesion(warm=PRESENT), lesion(bitten=PRESENT))

    labels = {concluded(Case(lesions=lesions), other_name, usual_name).leading.label for lesions in (pair, pair[::-1])}

    assert labels == {"gout"}


# What is said


LOOK = Action("LOOK", "Look again.")
REST = Action("REST", "Rest.", target="physiotherapy")
TAKE_CARE = Warning("W", "Take care.", Evidence(("S2",)))
UNLISTED = Evidence((), (Reference("5", "not in the list", listed=False),))


def test_advice_of_a_raised_cause_belongs_to_it_and_the_rest_is_a_note() -> None:
    advice = rule("advice", Advise((LOOK,), (TAKE_CARE,)), WARM)
    case = Case(lesions=(lesion(warm=PRESENT, swollen=PRESENT), replace(lesion(warm=PRESENT), side="right")))

    assessment = concluded(case, GOUT_LIKELY, advice)

    (diagnosis,) = assessment.diagnoses
    assert [(result.rule.id, result.place) for result in diagnosis.results] == [("swelling", 0), ("advice", 0)]
    assert [(result.rule.id, result.place) for result in assessment.notes] == [("advice", 1)]


@pytest.mark.parametrize("notable", [True, False])
def test_without_a_cause_only_notable_advice_is_worth_a_card(notable: bool) -> None:
    assessment = concluded({"warm": PRESENT}, rule("advice", Advise((LOOK,), notable=notable), WARM, about=""))

    assert (assessment.has_message, [is_notable(note) for note in assessment.notes]) == (notable, [notable])


def test_actions_warnings_and_evidence_are_said_once_in_rule_order() -> None:
    first = rule("one", Advise((LOOK, REST)), WARM)
    second = rule("two", Advise((REST,), (TAKE_CARE,)), WARM, evidence=(UNLISTED, *SEEN))

    results = concluded({"warm": PRESENT}, first, second).trace

    assert (actions_of(results), warnings_of(results), evidence_of(results)) == (
        (LOOK, REST),
        (TAKE_CARE,),
        (*SEEN, UNLISTED),
    )


@pytest.mark.parametrize(
    ("given", "evidence", "standing"),
    [
        ({"warm": PRESENT}, SEEN, (STANDING.review_status,)),
        ({"warm": PRESENT}, (UNLISTED,), (STANDING.unlisted_reference, STANDING.review_status)),
        ({"warm": PRESENT, "calm": CONFLICT}, SEEN, (STANDING.conflict, STANDING.review_status)),
    ],
)
def test_standing_warnings_follow_from_the_record_and_the_evidence(
    given: Mapping[str, Any], evidence: tuple[Evidence, ...], standing: tuple[Warning, ...]
) -> None:
    assessment = concluded(given, rule("one", Advise((), (TAKE_CARE,)), WARM, evidence=evidence))

    assert assessment.warnings_for(assessment.trace) == (TAKE_CARE, *standing)


def test_causes_without_a_raising_rule_are_listed_as_not_assessed() -> None:
    assert concluded({}, GOUT_LIKELY).not_assessed == ("sprain", "harmless")


# Draft orders


def test_an_order_check_sees_the_draft_the_patient_and_the_levels_of_the_case() -> None:
    check = rule("check", CheckOrder("Wait"), WARM & CLIMBER & LevelIs("gout", RAISED, anywhere=True), about="")
    case = Case(
        patient=findings({"climber": PRESENT}),
        lesions=(lesion(swollen=PRESENT),),
        drafts=(Draft("a", findings=findings({"warm": PRESENT})), Draft("b", findings=findings({"warm": ABSENT}))),
    )

    assessment = concluded(case, GOUT_LIKELY, check)

    assert [(result.rule.id, result.place) for result in assessment.order_checks] == [("check", 0)]
    assert assessment.has_message


def test_an_order_check_never_raises_the_tier() -> None:
    check = rule("check", CheckOrder("Wait", "warning"), Stated(WARM), about="")
    case = Case(drafts=(Draft("a", findings=findings({"warm": PRESENT})),))

    assessment = concluded(case, check)

    assert (assessment.tier, assessment.diagnoses, len(assessment.order_checks)) == (ROUTINE, (), 1)


# Which cause leads


def order(given: Mapping[str, Any], *some: Rule) -> list[str]:
    return [diagnosis.cause for diagnosis in concluded(given, *some).diagnoses]


SPRAIN_LIKELY = rule("sprained", Raise(LIKELY), SWOLLEN, "sprain")


@pytest.mark.parametrize(
    ("given", "leads"),
    [
        pytest.param({"swollen": PRESENT, "warm": PRESENT}, ["sprain", "gout"], id="level before rank"),
        pytest.param({"swollen": PRESENT, "bitten": PRESENT}, ["gout", "sprain"], id="tier before everything"),
        pytest.param({"swollen": INDETERMINATE, "warm": PRESENT}, ["gout", "sprain"], id="then rank"),
    ],
)
def test_causes_go_by_tier_then_level_then_rank(given: Mapping[str, Any], leads: list[str]) -> None:
    assert order(given, GOUT_POSSIBLE, GOUT_NOW, SPRAIN_LIKELY) == leads


def test_the_bonus_goes_before_level_but_not_before_tier() -> None:
    sprain = rule("sprained", Raise(POSSIBLE), CALM, "sprain")
    equal = [rule("h", Raise(LIKELY), SWOLLEN, "harmless"), rule("f", Raise(POSSIBLE), SWOLLEN, "gout"), sprain]

    assert order({"calm": PRESENT, "bitten": PRESENT, "swollen": PRESENT}, *equal)[0] == "sprain"
    assert order({"calm": PRESENT, "bitten": PRESENT, "swollen": PRESENT}, GOUT_LIKELY, sprain)[0] == "gout"


@pytest.mark.parametrize(
    ("more", "leads"),
    [
        pytest.param({"calm": PRESENT}, ["harmless", "gout"], id="holds"),
        pytest.param({"calm": INDETERMINATE}, ["gout", "harmless"], id="in doubt"),
        pytest.param({}, ["gout", "harmless"], id="not reported"),
        pytest.param({"calm": PRESENT, "bitten": PRESENT}, ["gout", "harmless"], id="excepted"),
        pytest.param({"calm": PRESENT, "bitten": INDETERMINATE}, ["harmless", "gout"], id="exception in doubt"),
    ],
)
def test_precedence_puts_one_cause_before_another(more: Mapping[str, Any], leads: list[str]) -> None:
    harmless = rule("h", Raise(LIKELY), SWOLLEN, "harmless")

    assert order({"swollen": PRESENT, **more}, GOUT_LIKELY, harmless) == leads


def test_precedence_without_the_second_cause_changes_nothing() -> None:
    assert order({"swollen": PRESENT, "calm": PRESENT}, rule("h", Raise(LIKELY), SWOLLEN, "harmless")) == ["harmless"]


# The real order (decision table 3.9): causes of one tier and level, made equal by rules of this test

RANKED = [
    "charcot",
    "osteonecrosis",
    "sif",
    "axspa",
    "malignancy",
    "osteomyelitis",
    "tbmes",
    "traumatic",
    "physiologic",
    "nonspecific",
]


def led(patient: Mapping[str, Any], *causes: str, site: str = "other", level: Level = LIKELY, **more: Any) -> list[str]:
    """Return the order of causes that all stand at one level and, by a floor of their own, at one tier."""
    real = rule_set()
    edema = real.facts["bme"]
    even = {name: replace(cause, when_likely=SOON, when_possible=SOON) for name, cause in real.causes.items()}
    raising = tuple(
        Rule(f"{cause}-{site}", "3.9", Raise(level), edema, SEEN, about=cause) for cause in (causes or RANKED)
    )
    place = Lesion(site, "left", frozenset({site}), Study("mri"), findings({"bme": PRESENT, **more}))
    case = Case(patient=findings(patient), lesions=(place,))
    known = real.by_id["charcot-known"], real.by_id["osteomyelitis-signal-pattern"]
    return [one.cause for one in assess(case, replace(real, rules=(*raising, *known), causes=even)).diagnoses]


def test_causes_of_one_tier_and_level_lead_in_the_order_of_the_table() -> None:
    assert led({}) == RANKED


@pytest.mark.parametrize(
    ("patient", "site", "first"),
    [
        pytest.param({"diabetes": PRESENT}, "foot_ankle", "osteomyelitis", id="diabetic foot"),
        pytest.param({"diabetes": PRESENT}, "vertebra", "charcot", id="diabetes, not the foot"),
        pytest.param({"diabetes": ABSENT}, "foot_ankle", "charcot", id="foot without diabetes"),
        pytest.param({"diabetes": INDETERMINATE}, "foot_ankle", "charcot", id="diabetes in doubt"),
        pytest.param({"fever": PRESENT}, "other", "osteomyelitis", id="fever"),
        pytest.param({"wbc_raised": PRESENT}, "other", "osteomyelitis", id="raised white cells"),
        pytest.param({"prior_osteomyelitis": PRESENT}, "other", "osteomyelitis", id="earlier osteomyelitis"),
        pytest.param({"foot_ulcer": PRESENT}, "foot_ankle", "osteomyelitis", id="ulcer of the foot"),
        pytest.param({"foot_ulcer": PRESENT}, "vertebra", "charcot", id="ulcer elsewhere"),
        pytest.param({"crp_raised": PRESENT, "esr_raised": PRESENT}, "other", "charcot", id="a hint is no sign"),
        pytest.param({"fever": ABSENT}, "other", "charcot", id="no fever"),
    ],
)
def test_osteomyelitis_goes_first_at_a_diabetic_foot_and_with_an_infection_sign(
    patient: Mapping[str, Any], site: str, first: str
) -> None:
    assert led(patient, site=site)[0] == first


@pytest.mark.parametrize(
    ("t1", "leads"),
    [
        pytest.param("normal", ["charcot", "osteomyelitis"], id="T1 normal"),
        pytest.param("low", ["osteomyelitis", "charcot"], id="the infection pattern itself"),
    ],
)
def test_known_charcot_leads_unless_the_infection_pattern_is_there(t1: str, leads: list[str]) -> None:
    patient = {"charcot": PRESENT, "fever": PRESENT}

    assert led(patient, "osteomyelitis", site="foot_ankle", t1_signal=t1) == leads


# The same case, in another order


def test_the_order_of_lesions_does_not_change_what_is_concluded() -> None:
    some = [GOUT_LIKELY, GOUT_POSSIBLE, SPRAIN_LIKELY, rule("advice", Advise((LOOK,)), CALM, about="")]
    here, there, calm = lesion(swollen=PRESENT), replace(lesion(warm=PRESENT), side="right"), lesion(calm=PRESENT)

    one, other = (concluded(Case(lesions=lesions), *some) for lesions in ((here, there, calm), (calm, there, here)))

    assert [(d.cause, d.level, d.tier) for d in one.diagnoses] == [(d.cause, d.level, d.tier) for d in other.diagnoses]
    assert (one.levels, one.tier, len(one.notes)) == (other.levels, other.tier, len(other.notes))


def test_a_site_that_is_not_named_leaves_a_site_bound_rule_open() -> None:
    at_knee = rule("r", Raise(LIKELY), SWOLLEN & at_site("knee"))
    nowhere = replace(lesion(swollen=PRESENT), group="", sites=frozenset())

    result = concluded(nowhere, at_knee).trace[0]

    assert (result.outcome, [fact.name for fact in result.missing()]) == (Outcome.UNDECIDED, ["site"])


@pytest.mark.parametrize(("possible", "level"), [({"knee", "shin"}, LIKELY), ({"knee", "hip"}, NOT_ASSESSABLE)])
def test_a_region_is_at_a_site_only_if_all_it_may_be_are(possible: set[str], level: Level) -> None:
    somewhere = replace(lesion(swollen=PRESENT), sites=frozenset(), possible_sites=frozenset(possible))
    bound = rule("r", Raise(LIKELY), SWOLLEN & at_site("knee", "shin"))

    assert concluded(somewhere, bound).levels == {"gout": level}
