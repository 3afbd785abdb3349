from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.model.truth import Truth, all_of, any_of

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
TRUTHS = st.sampled_from(Truth)


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        (YES, YES, YES, YES),
        (YES, NO, NO, YES),
        (YES, UNKNOWN, UNKNOWN, YES),
        (NO, YES, NO, YES),
        (NO, NO, NO, NO),
        (NO, UNKNOWN, NO, UNKNOWN),
        (UNKNOWN, YES, UNKNOWN, YES),
        (UNKNOWN, NO, NO, UNKNOWN),
        (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    ],
    ids=lambda truth: truth.value,
)
def test_and_and_or_follow_the_tables_of_kleene(left: Truth, right: Truth, both: Truth, either: Truth) -> None:
    assert (left & right, left | right) == (both, either)


@pytest.mark.parametrize(("truth", "opposite"), [(YES, NO), (NO, YES), (UNKNOWN, UNKNOWN)])
def test_the_opposite_of_not_known_is_not_known(truth: Truth, opposite: Truth) -> None:
    assert ~truth is opposite


def test_of_no_answers_all_hold_and_none_holds() -> None:
    assert (all_of([]), any_of([])) == (YES, NO)


@pytest.mark.parametrize("truth", Truth, ids=lambda truth: truth.value)
def test_a_truth_refuses_to_be_a_python_boolean(truth: Truth) -> None:
    with pytest.raises(TypeError, match=r"compare it with 'is Truth\.YES'"):
        bool(truth)


def test_a_truth_is_no_condition_of_an_if() -> None:
    with pytest.raises(TypeError, match="yes, no or unknown"):
        _ = "absent" if UNKNOWN else "present"


@given(st.lists(TRUTHS))
def test_order_and_repetition_do_not_matter(truths: list[Truth]) -> None:
    shuffled = [*reversed(truths), *truths]

    assert (all_of(shuffled), any_of(shuffled)) == (all_of(truths), any_of(truths))


@given(st.lists(TRUTHS))
def test_not_all_is_any_not(truths: list[Truth]) -> None:
    assert ~all_of(truths) is any_of(~truth for truth in truths)


@pytest.mark.parametrize("combine", [all_of, any_of])
def test_learning_what_was_unknown_never_turns_a_settled_answer(combine: object) -> None:
    """The reason why rules may ask with it: an answer that did not need a fact does not change with the fact."""
    turned = [
        (before, after)
        for before in product(Truth, repeat=3)
        for after in product(Truth, repeat=3)
        if all(old in (UNKNOWN, new) for old, new in zip(before, after, strict=True))
        and combine(before) is not UNKNOWN
        and combine(after) is not combine(before)
    ]

    assert turned == []
