"""The document a clinician reviews: everything that runs stands in it, in tables that can be read."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from cds_service.knowledge.rules import rule_set
from cds_service.knowledge.settings import SETTINGS
from cds_service.knowledge.statements import NOT_COMPUTABLE, STATEMENTS
from cds_service.rulebook import fires_in, rulebook, statement_coverage

RULES = rule_set()
FIRES = {RULES.rules[0].id: ["a-first-story", "another-story"]}
DOCUMENT = rulebook(RULES, FIRES)
LINES = DOCUMENT.splitlines()

BAR = re.compile(r"(?<!\\)\|")


def cells(row: str) -> list[str]:
    """Return the cells of a table row; a bar after a backslash is text."""
    return [cell.strip() for cell in BAR.split(row)[1:-1]]


def tables() -> list[list[str]]:
    """Return every table as its lines."""
    found: list[list[str]] = []
    for before, line in pairwise(["", *LINES]):
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append(line)
    return found


def table_under(heading: str) -> list[list[str]]:
    """Return the rows of the first table after a heading, without its header."""
    after = LINES[LINES.index(heading) + 1 :]
    first = next(position for position, line in enumerate(after) if line.startswith("|"))
    end = next((position for position, line in enumerate(after) if position > first and line[:1] != "|"), len(after))
    return [cells(row) for row in after[first + 2 : end]]


# ----------------------------------------------------------------------------------------------- complete


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_a_rule_has_one_section_under_its_row_of_the_decision_table(rule: object) -> None:
    heading = f"### {rule.row}: `{rule.id}`"  # type: ignore[attr-defined]  # a rule, as parametrised

    assert LINES.count(heading) == 1


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_a_rule_shows_when_it_holds_what_it_does_and_on_what_evidence(rule: object) -> None:
    shown = {row[0]: row[1] for row in table_under(f"### {rule.row}: `{rule.id}`")}  # type: ignore[attr-defined]  # as above

    assert [name for name in ("when", "effect", "evidence") if not shown.get(name)] == []
    assert ("unless" in shown, "says" in shown, "not for" in shown) == (
        bool(rule.unless),  # type: ignore[attr-defined]  # as above
        bool(rule.says),  # type: ignore[attr-defined]  # as above
        bool(rule.not_for),  # type: ignore[attr-defined]  # as above
    )


def test_no_section_is_about_a_rule_that_is_gone() -> None:
    named = set(re.findall(r"^### .*: `(.+)`$", DOCUMENT, re.MULTILINE))

    assert named == {rule.id for rule in RULES.rules}


def test_every_setting_stands_in_the_document_with_its_reason() -> None:
    shown = {row[0]: row[2] for row in table_under("## Settings of judgement")}

    assert shown == {f"`{setting.name}`": setting.why for setting in SETTINGS}


def test_every_cause_stands_in_the_document() -> None:
    shown = [row[0] for row in table_under("## Causes")]

    assert shown == [f"{cause.label} (`{cause.id}`)" for cause in RULES.causes.values()]


def test_all_58_statements_stand_in_the_document_in_order() -> None:
    shown = [row[0] for row in table_under("## The 58 statements")]

    assert shown == [f"S{number}" for number in range(1, 59)] == list(STATEMENTS)


def test_every_statement_is_carried_by_something_or_says_why_not() -> None:
    carried = statement_coverage(RULES)

    assert [name for name in STATEMENTS if not carried[name] and not NOT_COMPUTABLE.get(name)] == []
    assert [name for name in NOT_COMPUTABLE if carried[name]] == []


def test_what_carries_a_statement_exists() -> None:
    warnings = {warning.id for rule in RULES.rules for warning in getattr(rule.effect, "warnings", ())} | {
        warning.id
        for warning in (RULES.standing.conflict, RULES.standing.unlisted_reference, RULES.standing.review_status)
    }
    known = {rule.id for rule in RULES.rules} | warnings

    assert {name for names in statement_coverage(RULES).values() for name in names} - known == set()


# --------------------------------------------------------------------------------------------- well formed


def test_every_table_begins_with_a_header_and_a_line_beneath_it() -> None:
    odd = [rows[:2] for rows in tables() if len(rows) < 3 or not re.fullmatch(r"\|(-+\|)+", rows[1])]

    assert odd == []


def test_every_row_of_a_table_has_the_cells_of_its_header() -> None:
    odd = [row for rows in tables() for row in rows if len(cells(row)) != len(cells(rows[0]))]

    assert odd == []


def test_every_row_of_a_table_begins_and_ends_with_a_bar() -> None:
    assert [row for rows in tables() for row in rows if not (row.startswith("|") and row.endswith("|"))] == []


def test_a_blank_line_stands_around_every_table() -> None:
    tight = [
        (before, line)
        for before, line in pairwise(LINES)
        if before.startswith("|") is not line.startswith("|") and before.strip() and line.strip()
    ]

    assert tight == []


def test_nothing_in_a_table_is_struck_out_or_taken_for_html() -> None:
    rows = [row for rows in tables() for row in rows]

    assert [row for row in rows if re.search(r"(?<!\\)~|<", row)] == []


# ---------------------------------------------------------------------------------------------- scenarios


def test_a_rule_names_the_scenarios_it_fires_in() -> None:
    first = RULES.rules[0]

    shown = dict(row[:2] for row in table_under(f"### {first.row}: `{first.id}`"))

    assert shown["scenarios"] == "a-first-story, another-story"


def test_a_rule_that_fires_nowhere_names_no_scenario() -> None:
    other = RULES.rules[1]

    assert "scenarios" not in dict(row[:2] for row in table_under(f"### {other.row}: `{other.id}`"))


def test_a_statement_counts_each_scenario_once() -> None:
    first = RULES.rules[0]
    cited = next(statement for one in first.evidence for statement in one.statements)

    counted = {row[0]: row[4] for row in table_under("## The 58 statements")}

    assert counted[cited] == "2"


def test_nothing_was_assessed_so_nothing_fires() -> None:
    assert fires_in([]) == {}


def test_the_document_is_the_same_each_time() -> None:
    assert rulebook(rule_set(), FIRES) == DOCUMENT
