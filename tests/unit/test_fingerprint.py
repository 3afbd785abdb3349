"""A short name for a value, the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from cds_service.knowledge.rules import rule_set
from cds_service.model.finding import State
from cds_service.model.fingerprint import fingerprint
from cds_service.model.level import Tier

ROOT = Path(__file__).parents[2]
OF_THE_RULES = """
from cds_service.knowledge.rules import rule_set
from cds_service.model.fingerprint import fingerprint
print(fingerprint(rule_set()))
"""


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Thing:
    name: str
    colours: frozenset[Colour] = frozenset(Colour)


def test_equal_values_have_the_same_one_however_they_were_put_together():
    first = {"a": (1, 2.5, None, True), "b": Thing("x", frozenset([Colour.RED, Colour.BLUE]))}
    second = {"b": Thing("x", frozenset([Colour.BLUE, Colour.RED])), "a": [1, 2.5, None, True]}

    assert fingerprint(first) == fingerprint(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param((1, 2), (2, 1), id="the order of a list"),
        pytest.param(1, True, id="a number and a truth"),
        pytest.param(1, "1", id="a number and a text"),
        pytest.param(("a", "b"), ("a,b",), id="two texts and one"),
        pytest.param({"a": 1}, {"a": 2}, id="a value"),
        pytest.param({"a": 1}, {"b": 1}, id="a name"),
        pytest.param(Colour.RED, Colour.BLUE, id="a choice"),
        pytest.param(Thing("x"), Thing("y"), id="a field"),
    ],
)
def test_different_values_have_different_ones(one: Any, other: Any):
    assert fingerprint(one) != fingerprint(other)


def test_a_value_keeps_its_own_from_version_to_version():
    value = {"a": (1, 2.5, None, True), "b": [Decimal("1.50"), State.PRESENT, Tier.SOON], "c": Thing("x"), "d": {2, 1}}

    assert fingerprint(value) == "5abf1e786a28c2cc"


def test_what_has_no_fixed_form_is_refused():
    with pytest.raises(TypeError, match="a function has no form"):
        fingerprint([fingerprint])


def test_the_rules_have_the_same_one_in_every_process():
    there = {
        subprocess.run(
            [sys.executable, "-c", OF_THE_RULES],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert there == {fingerprint(rule_set())}


def test_one_changed_rule_is_another_rule_set():
    rules = rule_set()
    changed = replace(rules, rules=(replace(rules.rules[0], says=("Something else.",)), *rules.rules[1:]))

    assert fingerprint(changed) != fingerprint(rules)
