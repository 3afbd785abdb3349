"""Each rule, with one fact changed at a time: what a reader of the cards notices is as it was reviewed."""

from __future__ import annotations

from typing import Any

import pytest
from support.rule_cases import case_of, frozen_cases, outcome

from cds_service.knowledge.rules import rule_set

RULES = rule_set()
CASES = frozen_cases()


def cases_of(rule_id: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["rule"] == rule_id]


@pytest.mark.parametrize("rule_id", [rule.id for rule in RULES.rules])
def test_a_rule_answers_its_cases_as_reviewed(rule_id: str):
    changed = {
        case["variant"]: (found, case["expected"])
        for case in cases_of(rule_id)
        if (found := outcome(case_of(case["given"], RULES), RULES)) != case["expected"]
    }

    assert changed == {}, "if that is meant: make cases, review the difference, and say so in the changelog"


@pytest.mark.parametrize("rule_id", [rule.id for rule in RULES.rules])
def test_a_rule_has_a_case_that_fires_one_a_fact_off_and_one_not_reported(rule_id: str):
    names = [case["variant"] for case in cases_of(rule_id)]

    assert (
        "fires" in names,
        any(name.endswith("not reported") for name in names),
        any(not name.endswith("not reported") and name != "fires" for name in names),
    ) == (True, True, True)


def test_no_case_is_about_a_rule_that_is_gone():
    assert {case["rule"] for case in CASES} - {rule.id for rule in RULES.rules} == set()
