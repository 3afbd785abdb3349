"""The clinical cases of ``fixtures/vignettes.jsonl``: every strict field of each must hold."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_service.knowledge.rules import rule_set
from cds_service.vignettes import UnreadableVignette, assess_vignette, misses, not_covered, read_vignette

LINES = (Path(__file__).parents[2] / "fixtures" / "vignettes.jsonl").read_text(encoding="utf-8").splitlines()
RAW: list[dict[str, Any]] = [json.loads(line) for line in LINES]
VIGNETTES = [read_vignette(raw, rule_set()) for raw in RAW]
UNCOVERED = {vignette.id: lacking for vignette in VIGNETTES if (lacking := not_covered(vignette, rule_set()))}


@pytest.mark.parametrize("vignette", VIGNETTES, ids=lambda vignette: vignette.id)
def test_a_vignette_is_answered_as_expected(vignette: Any) -> None:
    if vignette.id in UNCOVERED:
        pytest.skip(f"not covered yet: {', '.join(UNCOVERED[vignette.id])}")

    result = assess_vignette(vignette, rule_set(), date(2026, 3, 31))

    assert {key: (result.get(key), vignette.expected.get(key)) for key in misses(result, vignette)} == {}


def test_every_vignette_is_either_answered_or_named_as_not_covered() -> None:
    covered = [vignette.id for vignette in VIGNETTES if vignette.id not in UNCOVERED]

    assert len(covered) + len(UNCOVERED) == len({raw["id"] for raw in RAW}) == 51


def test_what_is_not_covered_follows_from_what_the_rules_do_not_assess() -> None:
    if not rule_set().not_assessed:
        assert {lacking for lacks in UNCOVERED.values() for lacking in lacks if "order check" not in lacking} == set()


def test_a_vignette_that_expects_something_else_is_noticed() -> None:
    """The comparison itself: each strict key is missed when the answer differs in it."""
    raw = next(raw for raw in RAW if raw["id"] == "V01")
    other = {
        "cards": False,
        "leading": ["sif"],
        "levels": {"axspa": "unlikely"},
        "urgency": "soon",
        "urgent_card": False,
        "actions": ["REF_HEM"],
        "warnings": ["P4"],
        "forbidden_actions": ["REF_RHEUM"],
        "quotes": ["47%"],
    }
    turned = read_vignette({**raw, "expected": other}, rule_set())

    missed = misses(assess_vignette(turned, rule_set(), date(2026, 3, 31)), turned)

    assert sorted(missed) == sorted(raw["strict"]) == sorted(other)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(None, id="no input"),
        pytest.param([], id="input is a list"),
        pytest.param({"patient": {"age": "abc"}}, id="age is a word"),
        pytest.param({"sequences": {"pd": "acquired"}}, id="unknown sequence"),
        pytest.param({"sites": [1]}, id="site is a number"),
        pytest.param({"draft_orders": [{}]}, id="order without type"),
    ],
)
def test_a_line_that_is_no_vignette_is_refused(given: Any) -> None:
    with pytest.raises(UnreadableVignette):
        read_vignette({"id": "X", "input": given}, rule_set())
