from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations, product
from typing import Any

import pytest

from cds_service.model.condition import (
    SITE,
    AllOf,
    AnyCause,
    AnyOf,
    Around,
    Condition,
    Fact,
    Fired,
    Kind,
    LevelIs,
    Reading,
    Scope,
    Setting,
    SettingIs,
    SettingValue,
    SomeLesion,
    Stated,
    View,
    at_site,
)
from cds_service.model.finding import Finding, State, Value
from cds_service.model.level import Level
from cds_service.model.quantity import Range, exact, length_between_mm, length_mm
from cds_service.model.truth import Truth, all_of, any_of

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
PRESENT, ABSENT, INDETERMINATE = State.PRESENT, State.ABSENT, State.INDETERMINATE

EDEMA = Fact("bme", "edema")
EROSION = Fact("erosion", "erosion")
T1 = Fact("t1_signal", "T1 signal", Kind.CHOICE, choices=("normal", "high", "variable", "low"))
DEPTH = Fact("depth_mm", "depth", Kind.NUMBER, unit="mm")
OLD_FROM = Setting("old_from", 45, "A judgement.", "years")
AGE = Fact("age", "age", Kind.NUMBER, Scope.PATIENT, unit="years")

EIGHT_TO_TWELVE = length_between_mm(8, 12, "mm")
OVER_EIGHT = length_mm(8, "mm", ">")


def said(**facts: Value | tuple[Value, ...]) -> dict[str, Finding]:
    """Return findings: one value, or several for a conflict."""
    return {name: Finding(name, one if isinstance(one, tuple) else (one,)) for name, one in facts.items()}


def seen(**facts: Value | tuple[Value, ...]) -> View:
    return View((said(**facts),))


def both_readings(condition: Condition, view: View) -> tuple[Truth, Truth]:
    return condition.truth(view, Reading.CERTAIN), condition.truth(view, Reading.DOUBTFUL)


def rows(*table: tuple[str, Any, Any, Any]) -> list[Any]:
    return [pytest.param(*row[1:], id=row[0]) for row in table]


# What a fact's record may be: nothing, a state, or a conflict; then the answer in the certain and the doubtful reading.


@pytest.mark.parametrize(
    ("recorded", "certain", "doubtful"),
    rows(
        ("not reported", (), UNKNOWN, UNKNOWN),
        ("present", PRESENT, YES, YES),
        ("absent", ABSENT, NO, NO),
        ("indeterminate", INDETERMINATE, UNKNOWN, YES),
        ("conflict", (PRESENT, ABSENT), UNKNOWN, YES),
    ),
)
@pytest.mark.parametrize("condition", [EDEMA, EDEMA.present, ~EDEMA.absent], ids=["fact", "present", "not absent"])
def test_present(condition: Condition, recorded: Any, certain: Truth, doubtful: Truth) -> None:
    assert both_readings(condition, seen(bme=recorded) if recorded else seen()) == (certain, doubtful)


@pytest.mark.parametrize(
    ("recorded", "certain", "doubtful"),
    rows(
        ("not reported", (), UNKNOWN, UNKNOWN),
        ("present", PRESENT, NO, NO),
        ("absent", ABSENT, YES, YES),
        ("indeterminate", INDETERMINATE, UNKNOWN, YES),
        ("conflict", (PRESENT, ABSENT), UNKNOWN, YES),
    ),
)
@pytest.mark.parametrize(
    "condition",
    [EDEMA.absent, ~EDEMA, ~EDEMA.present, ~EDEMA.not_excluded],
    ids=["absent", "not the fact", "not present", "excluded"],
)
def test_absent(condition: Condition, recorded: Any, certain: Truth, doubtful: Truth) -> None:
    """The opposite of "present or indeterminate" is written as absent, so an indeterminate fact leaves it open."""
    assert both_readings(condition, seen(bme=recorded) if recorded else seen()) == (certain, doubtful)


@pytest.mark.parametrize(
    ("recorded", "certain", "doubtful"),
    rows(
        ("not reported", (), UNKNOWN, UNKNOWN),
        ("present", PRESENT, YES, YES),
        ("absent", ABSENT, NO, NO),
        ("indeterminate", INDETERMINATE, YES, YES),
        ("conflict", (PRESENT, ABSENT), UNKNOWN, YES),
    ),
)
def test_present_or_indeterminate(recorded: Any, certain: Truth, doubtful: Truth) -> None:
    assert both_readings(EDEMA.not_excluded, seen(bme=recorded) if recorded else seen()) == (certain, doubtful)


@pytest.mark.parametrize(
    ("recorded", "certain", "doubtful"),
    rows(
        ("not reported", (), UNKNOWN, UNKNOWN),
        ("one of them", "low", YES, YES),
        ("another", "normal", NO, NO),
        ("indeterminate", INDETERMINATE, UNKNOWN, YES),
        ("conflict, one of them", ("low", "normal"), UNKNOWN, YES),
        ("conflict among them", ("low", "high"), YES, YES),
        ("conflict among others", ("normal", "variable"), UNKNOWN, UNKNOWN),
    ),
)
@pytest.mark.parametrize("condition", [T1.is_one_of("low", "high"), ~T1.is_one_of("normal", "variable")])
def test_one_of_several_choices(condition: Condition, recorded: Any, certain: Truth, doubtful: Truth) -> None:
    assert both_readings(condition, seen(t1_signal=recorded) if recorded else seen()) == (certain, doubtful)


@pytest.mark.parametrize(
    ("recorded", "certain", "doubtful"),
    rows(
        ("not reported", (), UNKNOWN, UNKNOWN),
        ("the number itself", exact(10), YES, YES),
        ("just below", exact("9.99"), NO, NO),
        ("a range across it", EIGHT_TO_TWELVE, UNKNOWN, YES),
        ("a bound below it", OVER_EIGHT, UNKNOWN, YES),
        ("a range above it", length_between_mm(10, 12, "mm"), YES, YES),
        ("a range below it", length_between_mm(8, 9, "mm"), NO, NO),
        ("indeterminate", INDETERMINATE, UNKNOWN, YES),
        ("conflict across it", (exact(8), exact(12)), UNKNOWN, YES),
        ("conflict above it", (exact(11), exact(12)), YES, YES),
        ("conflict below it", (exact(8), exact(9)), UNKNOWN, UNKNOWN),
    ),
)
@pytest.mark.parametrize("condition", [DEPTH.at_least(10), ~DEPTH.below(10)], ids=["at least", "not below"])
def test_at_least_a_number(condition: Condition, recorded: Any, certain: Truth, doubtful: Truth) -> None:
    assert both_readings(condition, seen(depth_mm=recorded) if recorded else seen()) == (certain, doubtful)


@pytest.mark.parametrize(
    ("recorded", "certain", "doubtful"),
    rows(
        ("not reported", (), UNKNOWN, UNKNOWN),
        ("the number itself", exact(10), NO, NO),
        ("just below", exact("9.99"), YES, YES),
        ("a range across it", EIGHT_TO_TWELVE, UNKNOWN, YES),
        ("indeterminate", INDETERMINATE, UNKNOWN, YES),
        ("conflict across it", (exact(8), exact(12)), UNKNOWN, YES),
        ("conflict above it", (exact(11), exact(12)), UNKNOWN, UNKNOWN),
        ("conflict below it", (exact(8), exact(9)), YES, YES),
    ),
)
@pytest.mark.parametrize("condition", [DEPTH.below(10), ~DEPTH.at_least(10)], ids=["below", "not at least"])
def test_below_a_number(condition: Condition, recorded: Any, certain: Truth, doubtful: Truth) -> None:
    assert both_readings(condition, seen(depth_mm=recorded) if recorded else seen()) == (certain, doubtful)


@pytest.mark.parametrize(
    ("recorded", "certain", "doubtful"),
    rows(
        ("not reported", (), UNKNOWN, UNKNOWN),
        ("the number itself", exact("10.0"), YES, YES),
        ("less", exact(9), NO, NO),
        ("more", exact(11), NO, NO),
        ("a range that holds it", EIGHT_TO_TWELVE, UNKNOWN, YES),
        ("a range that begins with it", length_between_mm(10, 12, "mm"), UNKNOWN, YES),
        ("at least it", length_mm(10, "mm", ">="), UNKNOWN, YES),
        ("at most it", length_mm(10, "mm", "<="), UNKNOWN, YES),
        ("more than it", length_mm(10, "mm", ">"), NO, NO),
        ("less than it", length_mm(10, "mm", "<"), NO, NO),
        ("indeterminate", INDETERMINATE, UNKNOWN, YES),
        ("conflict", (exact(10), exact(12)), UNKNOWN, YES),
    ),
)
def test_just_one_number(recorded: Any, certain: Truth, doubtful: Truth) -> None:
    assert both_readings(DEPTH.exactly(10), seen(depth_mm=recorded) if recorded else seen()) == (certain, doubtful)


@pytest.mark.parametrize(
    ("recorded", "other"), [(exact(10), NO), (exact(9), YES), (EIGHT_TO_TWELVE, UNKNOWN), (OVER_EIGHT, UNKNOWN)]
)
def test_another_number(recorded: Range, other: Truth) -> None:
    assert (~DEPTH.exactly(10)).truth(seen(depth_mm=recorded)) is other


RECORDS: list[tuple[Fact, Value | tuple[Value, ...]]] = [
    *((EDEMA, state) for state in State),
    (EDEMA, (PRESENT, ABSENT)),
    *((T1, choice) for choice in T1.choices),
    *((T1, conflict) for conflict in [("low", "high"), ("normal", "low"), ("normal", "variable")]),
    (T1, INDETERMINATE),
    *((DEPTH, number) for number in [exact(9), exact(10), EIGHT_TO_TWELVE, OVER_EIGHT, (exact(8), exact(12))]),
    *((DEPTH, number) for number in [(exact(8), exact(9)), (exact(11), exact(12)), INDETERMINATE]),
]
QUESTIONS: Mapping[Fact, list[Condition]] = {
    EDEMA: [EDEMA, EDEMA.present, EDEMA.absent, EDEMA.not_excluded],
    T1: [T1.is_one_of("low"), T1.is_one_of("normal", "high"), T1.is_one_of(*T1.choices)],
    DEPTH: [DEPTH.at_least(10), DEPTH.below(10), DEPTH.exactly(10)],
}


@pytest.mark.parametrize(("fact", "recorded"), RECORDS)
def test_a_conflict_is_never_no(fact: Fact, recorded: Value | tuple[Value, ...]) -> None:
    view = seen(**{fact.name: recorded})

    answers = {condition.truth(view, reading) for condition, reading in product(QUESTIONS[fact], Reading)}

    assert not (isinstance(recorded, tuple) and NO in answers)


@pytest.mark.parametrize(("fact", "recorded"), RECORDS)
def test_the_doubtful_reading_only_adds_yes(fact: Fact, recorded: Value | tuple[Value, ...]) -> None:
    view = seen(**{fact.name: recorded})

    answers = {both_readings(condition, view) for condition in QUESTIONS[fact]}

    assert answers <= {(YES, YES), (NO, NO), (UNKNOWN, UNKNOWN), (UNKNOWN, YES)}


@pytest.mark.parametrize(("fact", "recorded"), RECORDS)
def test_a_question_and_its_opposite_never_hold_both(fact: Fact, recorded: Value | tuple[Value, ...]) -> None:
    view = seen(**{fact.name: recorded})

    together = {(condition & ~condition).truth(view) for condition in QUESTIONS[fact] if condition != EDEMA}

    assert YES not in together


@pytest.mark.parametrize(("fact", "recorded"), RECORDS)
def test_exactly_an_open_answer_names_its_fact(fact: Fact, recorded: Value | tuple[Value, ...]) -> None:
    view = seen(**{fact.name: recorded})

    named = {(condition.truth(view) is UNKNOWN, tuple(condition.open_facts(view))) for condition in QUESTIONS[fact]}

    assert named <= {(True, (fact,)), (False, ())}


# Whether something is known at all


@pytest.mark.parametrize(
    ("recorded", "settled", "stated", "in_doubt"),
    [
        pytest.param((), NO, NO, NO, id="not reported"),
        pytest.param(PRESENT, YES, YES, NO, id="present"),
        pytest.param(ABSENT, YES, YES, NO, id="absent"),
        pytest.param(INDETERMINATE, NO, YES, YES, id="indeterminate"),
        pytest.param((PRESENT, ABSENT), NO, YES, YES, id="conflict"),
    ],
)
def test_settled_stated_and_in_doubt(recorded: Any, settled: Truth, stated: Truth, in_doubt: Truth) -> None:
    view = seen(bme=recorded) if recorded else seen()

    answers = [both_readings(one, view) for one in (EDEMA.settled, Stated(EDEMA), EDEMA.in_doubt)]

    assert answers == [(settled, settled), (stated, stated), (in_doubt, in_doubt)]


@pytest.mark.parametrize(
    ("condition", "view", "settled"),
    [
        pytest.param(T1.settled, seen(t1_signal="normal"), YES, id="a choice"),
        pytest.param(T1.settled, seen(t1_signal=INDETERMINATE), NO, id="an uncertain choice"),
        pytest.param(DEPTH.at_least(10).settled, seen(depth_mm=exact(9)), YES, id="a depth on one side"),
        pytest.param(DEPTH.at_least(10).settled, seen(depth_mm=EIGHT_TO_TWELVE), NO, id="a depth across"),
        pytest.param(DEPTH.at_least(10).settled, seen(depth_mm=(exact(8), exact(12))), NO, id="a depth in conflict"),
        pytest.param((EDEMA & EROSION).settled, seen(bme=ABSENT), YES, id="one no is enough"),
        pytest.param((EDEMA & EROSION).settled, seen(bme=PRESENT), NO, id="one yes is not"),
    ],
)
def test_a_question_is_settled_when_it_has_an_answer(condition: Condition, view: View, settled: Truth) -> None:
    assert condition.truth(view) is settled


def test_conditions_that_learning_may_change_say_so() -> None:
    beyond = [EDEMA.settled, Stated(EDEMA), EDEMA.in_doubt, Fired("x"), LevelIs("x", frozenset()), ~Fired("x")]
    beyond += [AnyCause(Level.POSSIBLE), SomeLesion(Fired("x")), EDEMA & Fired("x"), EDEMA | Fired("x")]
    within = [EDEMA, EDEMA & EROSION, EDEMA | EROSION, at_site("hip"), SomeLesion(EDEMA), DEPTH.below(10)]

    assert ([one.only_facts for one in beyond], [one.only_facts for one in within]) == ([False] * 10, [True] * 6)


# Combining


@pytest.mark.parametrize("reading", Reading)
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"depth_mm": exact(3)},
        {"bme": PRESENT},
        {"bme": INDETERMINATE, "t1_signal": "low"},
        {"bme": ABSENT, "erosion": PRESENT},
        {"bme": (PRESENT, ABSENT), "erosion": ABSENT, "t1_signal": "low"},
        {"bme": PRESENT, "erosion": PRESENT, "t1_signal": "high"},
    ],
    ids=str,
)
def test_parts_combine_as_their_answers_do_in_whatever_order(facts: dict[str, Any], reading: Reading) -> None:
    parts = (EDEMA, at_site("head"), T1.is_one_of("low"), EROSION | EDEMA.absent)
    views = [View((said(**facts),), frozenset(sites)) for sites in ([], ["head"], ["foot"])]
    some = [few for count in range(len(parts) + 1) for few in permutations(parts, count)]

    found = [(AllOf(few).truth(one, reading), AnyOf(few).truth(one, reading)) for few in some for one in views]

    answers = [[part.truth(one, reading) for part in few] for few in some for one in views]
    assert found == [(all_of(each), any_of(each)) for each in answers]


@pytest.mark.parametrize(
    ("edema", "erosion", "open_in_both", "open_in_either"),
    [
        (None, None, (EDEMA, EROSION), (EDEMA, EROSION)),
        (PRESENT, None, (EROSION,), ()),
        (ABSENT, None, (), (EROSION,)),
        (INDETERMINATE, PRESENT, (EDEMA,), ()),
        (INDETERMINATE, ABSENT, (), (EDEMA,)),
        (INDETERMINATE, INDETERMINATE, (EDEMA, EROSION), (EDEMA, EROSION)),
        (PRESENT, PRESENT, (), ()),
        (ABSENT, ABSENT, (), ()),
    ],
)
def test_only_what_could_still_change_the_answer_is_named_as_open(
    edema: State | None, erosion: State | None, open_in_both: tuple[Fact, ...], open_in_either: tuple[Fact, ...]
) -> None:
    view = seen(**{name: state for name, state in (("bme", edema), ("erosion", erosion)) if state})

    named = tuple((EDEMA & EROSION).open_facts(view)), tuple((EDEMA | EROSION).open_facts(view))

    assert named == (open_in_both, open_in_either)


@pytest.mark.parametrize(("edema", "erosion"), list(product(State, State)))
@pytest.mark.parametrize("reading", Reading)
def test_negation_moves_into_the_parts(edema: State, erosion: State, reading: Reading) -> None:
    view = seen(bme=edema, erosion=erosion)

    neither, not_both = ~(EDEMA | EROSION), ~(EDEMA & EROSION)

    assert neither.truth(view, reading) is (~EDEMA & ~EROSION).truth(view, reading)
    assert not_both.truth(view, reading) is (~EDEMA | ~EROSION).truth(view, reading)


def test_conditions_are_values_that_read_aloud() -> None:
    condition = EDEMA & (EROSION.absent | T1.is_one_of("low", "high")) & DEPTH.at_least(10) & ~at_site("hip", "foot")

    assert condition == EDEMA & (EROSION.absent | T1.is_one_of("high", "low")) & DEPTH.at_least(10) & ~at_site(
        "foot", "hip"
    )
    assert str(condition) == (
        "edema present and (erosion absent or T1 signal high or low) and depth >= 10 mm and not at foot, hip"
    )
    assert [fact.name for fact in condition.facts()] == ["bme", "erosion", "t1_signal", "depth_mm", "site"]


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (EDEMA.not_excluded, "edema present or indeterminate"),
        (DEPTH.below(10), "depth < 10 mm"),
        (DEPTH.exactly(10), "depth is 10 mm"),
        (AGE.at_least(OLD_FROM), "age >= old_from (45) years"),
        (EDEMA.settled, "it is known whether edema present"),
        (Stated(EDEMA), "edema stated"),
        (SomeLesion(EDEMA), "at any site: edema present"),
        (Fired("some-rule"), "rule some-rule"),
        (~Fired("some-rule"), "not (rule some-rule)"),
        (LevelIs("gout", frozenset({Level.LIKELY}), act_now=True), "gout likely or to be acted on now"),
        (AnyCause(Level.POSSIBLE), "any cause at least possible anywhere"),
        (EDEMA & EROSION | T1.is_one_of("low"), "(edema present and erosion present) or T1 signal low"),
    ],
)
def test_each_condition_reads_aloud(condition: Condition, text: str) -> None:
    assert str(condition) == text


def test_a_choice_that_the_fact_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"fact 't1_signal' has no choice \['dark'\]; known: \['normal'"):
        T1.is_one_of("dark")


def test_the_nearest_statement_of_a_fact_counts() -> None:
    view = View((said(bme=ABSENT), said(bme=PRESENT, erosion=PRESENT)))

    assert [one.truth(view) for one in (EDEMA, EROSION, T1.is_one_of("low"))] == [NO, YES, UNKNOWN]


# Where


@pytest.mark.parametrize(
    ("sites", "possible", "at_head", "at_any_hip_site", "at_foot"),
    [
        pytest.param([], [], UNKNOWN, UNKNOWN, UNKNOWN, id="no site named"),
        pytest.param(["head"], [], YES, YES, NO, id="the site itself"),
        pytest.param(["neck"], [], NO, YES, NO, id="another site of the region"),
        pytest.param(["foot"], [], NO, NO, YES, id="elsewhere"),
        pytest.param(["head", "neck"], [], YES, YES, NO, id="two sites"),
        pytest.param([], ["head", "neck"], UNKNOWN, YES, NO, id="only the region"),
    ],
)
def test_at_a_site(
    sites: list[str], possible: list[str], at_head: Truth, at_any_hip_site: Truth, at_foot: Truth
) -> None:
    view = View((), frozenset(sites), frozenset(possible))
    places = [at_site("head"), at_site("head", "neck"), at_site("foot")]

    assert [place.truth(view) for place in places] == [at_head, at_any_hip_site, at_foot]
    assert [(~place).truth(view) for place in places] == [~at_head, ~at_any_hip_site, ~at_foot]
    assert [tuple(place.open_facts(view)) == (SITE,) for place in places] == [
        answer is UNKNOWN for answer in (at_head, at_any_hip_site, at_foot)
    ]


def settled_by(value: SettingValue | None, name: str = "old_from") -> Around:
    return Around(settings={} if value is None else {name: value})


@pytest.mark.parametrize(("chosen", "old"), [(None, YES), (50, NO), (40, YES), ("45.5", NO)])
def test_a_site_may_move_a_threshold(chosen: SettingValue | None, old: Truth) -> None:
    view = View((said(age=exact(45)),), around=settled_by(chosen))

    assert AGE.at_least(OLD_FROM).truth(view) is old


@pytest.mark.parametrize(("chosen", "on"), [(None, NO), (True, YES), (False, NO)])
def test_a_switch_is_on_or_off_and_never_unknown(chosen: bool | None, on: Truth) -> None:
    switch = SettingIs(Setting("careful", False, "A judgement."))

    assert both_readings(switch, View((), around=settled_by(chosen, "careful"))) == (on, on)


# Other places, causes and rules


def test_some_lesion_asks_every_lesion_of_the_case() -> None:
    around = Around()
    around.lesions.extend([seen(bme=ABSENT), seen(bme=INDETERMINATE), seen()])
    here = View((said(bme=ABSENT),), around=around)

    assert both_readings(SomeLesion(EDEMA), here) == (UNKNOWN, YES)
    assert tuple(SomeLesion(EDEMA).open_facts(here)) == (EDEMA, EDEMA)
    assert SomeLesion(EDEMA).truth(View((said(bme=PRESENT),))) is NO


@pytest.mark.parametrize("condition", [SomeLesion(EDEMA), SettingIs(Setting("careful", False, "A judgement."))])
def test_what_has_no_opposite_in_the_record_refuses_one(condition: Condition) -> None:
    with pytest.raises(TypeError):
        _ = ~condition


@dataclass
class Concluded:
    """What an engine concluded at one lesion."""

    certain: tuple[str, ...] = ()
    in_doubt: tuple[str, ...] = ()
    levels: Mapping[str, tuple[Level, bool]] = field(default_factory=dict)

    def fired(self, rule_id: str, reading: Reading) -> Truth:
        rules = self.certain if reading is Reading.CERTAIN else self.certain + self.in_doubt
        return YES if rule_id in rules else NO

    def level(self, cause: str) -> tuple[Level | None, bool]:
        return self.levels.get(cause, (None, False))

    def raised(self, *, at_least: Level, or_act_now: bool, besides: frozenset[str], alone: frozenset[str]) -> bool:
        return any(
            cause not in besides and (level >= at_least or (or_act_now and now))
            for cause, (level, now) in self.levels.items()
        )


def concluded(here: Concluded, *elsewhere: Concluded) -> View:
    around = Around()
    around.levels.extend([here, *elsewhere])
    return View((), around=around, levels=here)


def test_a_rule_in_doubt_counts_as_fired_only_in_the_doubtful_reading() -> None:
    view = concluded(Concluded(certain=("sure",), in_doubt=("perhaps",)))

    answers = [both_readings(Fired(rule), view) for rule in ("sure", "perhaps", "other")]

    assert answers == [(YES, YES), (NO, YES), (NO, NO)]
    assert Fired("sure").truth(seen()) is UNKNOWN
    assert list((EDEMA & Fired("sure") & ~Fired("other")).references()) == ["sure", "other"]


def test_a_level_is_asked_here_or_anywhere() -> None:
    here = Concluded(levels={"gout": (Level.POSSIBLE, True)})
    view = concluded(here, Concluded(levels={"sprain": (Level.LIKELY, False)}))
    likely = frozenset({Level.LIKELY})

    answers = {
        "gout likely": LevelIs("gout", likely).truth(view),
        "gout likely or act now": LevelIs("gout", likely, act_now=True).truth(view),
        "sprain likely here": LevelIs("sprain", likely).truth(view),
        "sprain likely anywhere": LevelIs("sprain", likely, anywhere=True).truth(view),
        "not: sprain likely here": (~LevelIs("sprain", likely)).truth(view),
    }

    assert answers == {
        "gout likely": NO,
        "gout likely or act now": YES,
        "sprain likely here": NO,
        "sprain likely anywhere": YES,
        "not: sprain likely here": YES,
    }


def test_any_cause_leaves_out_the_named_ones() -> None:
    view = concluded(
        Concluded(levels={"gout": (Level.POSSIBLE, True)}), Concluded(levels={"rest": (Level.LIKELY, False)})
    )

    answers = {
        "possible, here": AnyCause(Level.POSSIBLE, anywhere=False).truth(view),
        "likely, here": AnyCause(Level.LIKELY, anywhere=False).truth(view),
        "likely or act now, here": AnyCause(Level.LIKELY, or_act_now=True, anywhere=False).truth(view),
        "likely, anywhere": AnyCause(Level.LIKELY).truth(view),
        "likely, besides rest": AnyCause(Level.LIKELY, besides=frozenset({"rest"})).truth(view),
    }

    assert answers == {
        "possible, here": YES,
        "likely, here": NO,
        "likely or act now, here": YES,
        "likely, anywhere": YES,
        "likely, besides rest": NO,
    }
