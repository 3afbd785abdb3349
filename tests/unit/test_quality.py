"""What becomes of the cards: figures counted by hand, and small cells that nothing gives away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.knowledge.codes.overrides import OVERRIDE_REASONS
from cds_service.model.share import Share
from cds_service.smart.quality import (
    FIRST_SPAN,
    NO_REASON,
    REST,
    SMALL,
    Count,
    Figures,
    Part,
    Series,
    gathered,
    portion,
    quality,
    spans_of,
    trend_of,
)
from cds_service.store.records import KeptBack, Outcome

BEGIN = FIRST_SPAN + timedelta(weeks=120)
"""Where a span begins."""
KEPT = {Part.SILENCED: KeptBack.SILENT, Part.HELD: KeptBack.HELD}
MINUTE, DAY = 60.0, 86_400.0
(MISREAD,) = (one.display for one in OVERRIDE_REASONS if one.code == "record-misread")


def cards(part: Part, count: int, week: int = 0, **more: object) -> Outcome:
    """So many alike, in a week of the span."""
    outcome = part.value if part in (Part.ACCEPTED, Part.OVERRIDDEN) else ""
    given = {"rules": ("a-rule",), "hook": "order-sign", "profile": "epic", **more}
    return Outcome(
        week=BEGIN + timedelta(weeks=week),
        cards=count,
        outcome=outcome,
        kept_back=KEPT.get(part),
        **given,  # type: ignore[arg-type]
    )


def part_of(one: Outcome) -> Part:
    if one.kept_back is not None:
        return Part.SILENCED if one.kept_back is KeptBack.SILENT else Part.HELD
    return Part(one.outcome) if one.outcome else Part.UNANSWERED


def words(figures: Figures) -> dict[str, str]:
    named = {"fired": figures.fired, "shown": figures.shown, **{part.value: figures.of(part) for part in Part}}
    return {name: count.words for name, count in named.items()}


def told_of(outcomes: Iterable[Outcome]) -> list[Series]:
    return gathered(outcomes, BEGIN + timedelta(weeks=24))


def only(outcomes: Iterable[Outcome]) -> Series:
    (found,) = told_of(outcomes)
    return found


# --------------------------------------------------------------------------------------------- figures by hand


def test_what_became_of_the_cards_is_counted_by_rule():
    outcomes = [
        cards(Part.ACCEPTED, 12, took_s=2 * MINUTE),
        cards(Part.OVERRIDDEN, 6, reason_code="record-misread", took_s=2 * DAY),
        cards(Part.OVERRIDDEN, 5, took_s=2 * DAY),
        cards(Part.UNANSWERED, 7),
        cards(Part.SILENCED, 8),
        cards(Part.HELD, 9),
        cards(Part.ACCEPTED, 20, rules=("a-rule", "b-rule"), took_s=30.0),
    ]

    a, b = quality(told_of(outcomes))

    assert (a.rule, words(a.figures)) == (
        "a-rule",
        {
            "fired": "67",
            "shown": "50",
            "accepted": "32",
            "overridden": "11",
            "no answer": "7",
            "silenced": "8",
            "held back": "9",
        },
    )
    assert a.reasons == ((MISREAD, 6), (NO_REASON, 5))
    assert a.figures.time_to_action == "1 to 5 minutes"
    assert (b.rule, b.figures.fired, b.figures.time_to_action) == ("b-rule", Count(20, 20), "under 1 minute")


def test_the_share_accepted_is_of_the_answers_with_wilsons_interval():
    figures = only([cards(Part.ACCEPTED, 81), cards(Part.OVERRIDDEN, 182), cards(Part.UNANSWERED, 500)]).told[0].figures

    # Newcombe 1998 (Statistics in Medicine 17:857-872), table I: 81 of 263, Wilson's interval 0.2553 to 0.3662.
    assert figures.accepted is not None
    assert (round(figures.accepted.low, 4), round(figures.accepted.high, 4)) == (0.2553, 0.3662)
    assert figures.accepted.words == "31 % (26–37 %)"


@pytest.mark.parametrize(
    ("accepted", "overridden", "stands_out"),
    [(0, 5, False), (0, 11, False), (0, 12, True), (12, 60, False), (12, 90, True)],
)
def test_a_rule_stands_out_when_it_is_surely_overridden_nearly_always(accepted: int, overridden: int, stands_out: bool):
    figures = only([cards(Part.ACCEPTED, accepted), cards(Part.OVERRIDDEN, overridden)]).told[0].figures

    assert figures.stands_out is stands_out


def test_fewer_than_five_answers_are_not_judged():
    figures = only([cards(Part.OVERRIDDEN, 4), cards(Part.UNANSWERED, 50)]).told[0].figures

    assert (figures.overridden, figures.accepted, figures.stands_out, figures.time_to_action) == (None, None, False, "")


def test_rules_that_stand_out_come_first_then_those_that_fire_most():
    outcomes = [
        cards(Part.UNANSWERED, 10, rules=("rare",)),
        cards(Part.UNANSWERED, 90, rules=("frequent",)),
        cards(Part.OVERRIDDEN, 20, rules=("disliked",)),
    ]

    assert [one.rule for one in quality(told_of(outcomes))] == ["disliked", "frequent", "rare"]


def test_a_hook_or_a_profile_can_be_asked_for_alone():
    outcomes = [
        cards(Part.UNANSWERED, 10, hook=hook, profile=profile)
        for hook, profile in (("order-sign", "epic"), ("order-sign", ""), ("result-review", "epic"))
    ]
    series = told_of(outcomes)

    def fired(**asked: str) -> list[str]:
        return [one.figures.fired.words for one in quality(series, **asked)]

    assert (fired(), fired(hook="order-sign"), fired(hook="order-sign", profile="epic")) == (["30"], ["20"], ["10"])
    assert (fired(profile="not recorded"), fired(profile="crd")) == (["10"], [])


def test_reasons_that_few_gave_are_told_together_and_never_fewer_than_five():
    in_two_weeks = [
        cards(Part.OVERRIDDEN, count, week, reason_code=reason)
        for week in (0, 5)
        for reason, count in (("a", 10), ("b", 3), ("c", 1), ("other", 1))
    ]
    left = [cards(Part.OVERRIDDEN, 3, 6, reason_code="b")]

    (rule,) = quality(told_of([*in_two_weeks, *left]))

    assert (rule.reasons, rule.figures.of(Part.OVERRIDDEN).words) == ((("a", 20), (REST, 10)), "31–34")


# --------------------------------------------------------------------------------------------------- small cells


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (Count.of(0), "0"),
        (Count.of(1), "fewer than 5"),
        (Count.of(4), "fewer than 5"),
        (Count.of(5), "5"),
        (Count.of(12_345), "12,345"),
        (Count.of(3) + Count.of(2), "fewer than 9"),
        (Count.of(3) + Count.of(20), "21–24"),
    ],
)
def test_how_a_count_is_shown(count: Count, shown: str):
    assert count.words == shown


def test_as_few_weeks_are_told_together_as_make_no_small_cell():
    alone = [cards(Part.ACCEPTED, 5, 0), cards(Part.ACCEPTED, 5, 2)]
    together = [cards(Part.ACCEPTED, 3, 3), cards(Part.OVERRIDDEN, 9, 4), cards(Part.ACCEPTED, 3, 6)]
    left = [cards(Part.ACCEPTED, 2, 8), cards(Part.UNANSWERED, 9, 8), cards(Part.ACCEPTED, 1, 11)]
    next_span = [cards(Part.ACCEPTED, 9, 12)]

    told = only([*alone, *together, *left, *next_span]).told

    assert [((one.begin - BEGIN).days // 7, one.weeks, one.figures.fired.words) for one in told] == [
        (0, 1, "5"),
        (2, 1, "5"),
        (3, 4, "15"),
        (8, 4, "10–13"),
        (12, 1, "9"),
    ]


def test_of_weeks_that_are_told_together_only_the_sum_is_told():
    first = [cards(Part.ACCEPTED, 1, 0), cards(Part.ACCEPTED, 6, 1)]
    other = [cards(Part.ACCEPTED, 4, 0), cards(Part.ACCEPTED, 3, 1)]

    assert told_of(first) == told_of(other)


def test_of_hooks_that_are_added_up_no_week_is_cut_that_one_of_them_tells_with_others():
    by_week = [cards(Part.ACCEPTED, 5, week, hook="patient-view") for week in range(6)]
    together = [cards(Part.ACCEPTED, 3, week) for week in (1, 2, 5)]

    (rule,) = quality(told_of([*by_week, *together]))

    assert [(one.first_day, one.last_day, one.figures.fired.words) for one in rule.told] == [
        ("2026-04-20", "2026-04-26", "5"),
        ("2026-04-27", "2026-05-10", "16"),
        ("2026-05-11", "2026-05-17", "5"),
        ("2026-05-18", "2026-05-24", "5"),
        ("2026-05-25", "2026-07-12", "6–9"),
    ]


def test_what_is_asked_for_begins_with_a_whole_span():
    now = BEGIN + timedelta(weeks=14, days=2)

    assert [spans_of(now, weeks) for weeks in (1, 12, 24)] == [
        (BEGIN + timedelta(weeks=12), 3),
        (BEGIN, 15),
        (BEGIN - timedelta(weeks=12), 27),
    ]


COUNTS = st.integers(0, 14)
KEYS = list(product(("a-rule", "b-rule"), ("order-sign", "patient-view"), ("epic", "crd")))
OUTCOMES = st.lists(
    st.builds(
        lambda part, count, week, key, reason, took_s: cards(
            part, count, week, rules=(key[0],), hook=key[1], profile=key[2], reason_code=reason, took_s=took_s
        ),
        st.sampled_from(Part),
        st.integers(1, 14),
        st.integers(0, 23),
        st.sampled_from(KEYS),
        st.sampled_from(("", "record-misread", "other")),
        st.sampled_from((30.0, 500.0, DAY)),
    ),
    max_size=40,
)


@given(OUTCOMES)
def test_no_cell_is_told_of_fewer_than_five(outcomes: list[Outcome]):
    series = told_of(outcomes)
    figures = [told.figures for one in series for told in one.told]

    told = [(count.least, count.most) for one in figures for count in one.counts.values()]
    assert [pair for pair in told if pair != (1, SMALL - 1) and (pair[0] != pair[1] or 0 < pair[0] < SMALL)] == []
    assert [count for one in series for _, why in one.reasons for count in why.values() if count < SMALL] == []


@given(OUTCOMES)
def test_every_count_holds_what_is_true(outcomes: list[Outcome]):
    found = quality(told_of(outcomes))

    true = {rule: sum(one.cards for one in outcomes if rule in one.rules) for rule in ("a-rule", "b-rule")}
    assert [one for one in found if not one.figures.fired.least <= true[one.rule] <= one.figures.fired.most] == []
    assert {one.rule for one in found} == {rule for rule, count in true.items() if count}


@given(OUTCOMES, st.randoms(use_true_random=False))
def test_nothing_that_is_told_depends_on_how_many_are_in_a_small_cell(outcomes: list[Outcome], random: Random):
    """Whatever is asked for: other numbers in the small cells, and page and CSV are the same to the letter."""
    changed = list(_with_other_small_cells(outcomes, random))

    before, after = told_of(outcomes), told_of(changed)

    assert before == after
    for hook, profile in product(("", "order-sign", "patient-view"), ("", "epic", "crd")):
        assert quality(before, hook, profile) == quality(after, hook, profile)


def _with_other_small_cells(outcomes: list[Outcome], random: Random) -> Iterable[Outcome]:
    """The outcomes with as many others, from 1 to 4, wherever a cell that is told holds so few."""
    small = {
        (one.rule, one.hook, one.profile, part, told.begin): told
        for one in told_of(outcomes)
        for told in one.told
        for part in Part
        if told.figures.of(part) == Count(1, SMALL - 1)
    }
    used: set[object] = set()
    for one in sorted(outcomes, key=lambda one: one.week):
        cell = (one.rules[0], one.hook, one.profile, part_of(one))
        key = next((key for key, in_ in small.items() if key[:4] == cell and in_.begin <= one.week < in_.end), None)
        if key is None:
            yield one
        elif key not in used:
            used.add(key)
            yield replace(one, cards=random.randint(1, SMALL - 1))


@given(COUNTS, COUNTS, st.booleans(), st.booleans())
def test_an_interval_holds_that_of_every_number_that_may_be_meant(accepted: int, overridden: int, a: bool, b: bool):
    counts = [Count.of(one) + (Count.of(3) if more else Count.of(0)) for one, more in ((accepted, a), (overridden, b))]
    share = portion(*counts)

    meant = [
        Share(one, one + other)
        for one in range(counts[0].least, counts[0].most + 1)
        for other in range(counts[1].least, counts[1].most + 1)
    ]
    if share is None:
        assert counts[0].least + counts[1].least < SMALL
        return
    assert [one for one in meant if not share.low <= one.low + 1e-12 or not one.high <= share.high + 1e-12] == []
    assert [one for one in meant if not share.least <= one.value <= share.most] == []


# ------------------------------------------------------------------------------------------------------ drawing


def test_a_trend_needs_two_shares():
    one = only([cards(Part.ACCEPTED, 9, 0), cards(Part.UNANSWERED, 9, 1)])
    two = only([cards(Part.ACCEPTED, 9, 0), cards(Part.UNANSWERED, 9, 1), cards(Part.OVERRIDDEN, 9, 2)])

    trend = trend_of(two.told)

    assert trend_of(one.told) is None
    assert trend is not None
    assert [(point.x, point.y) for point in trend.points] == [(92.0, 8.0), (300.0, 88.0)]
    assert (trend.first, trend.last) == (f"{BEGIN:%Y-%m-%d}", f"{BEGIN + timedelta(days=20):%Y-%m-%d}")


def test_spans_begin_on_mondays():
    assert (FIRST_SPAN.weekday(), FIRST_SPAN.isoformat()) == (0, "2024-01-01T00:00:00+00:00")
