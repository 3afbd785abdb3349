"""Every requirement of CDS Hooks is proved by a test or says why not, and the page that lists them is fresh."""

from __future__ import annotations

import pytest
from support.conformance import NUMBERS, PAGE, Requirement, marked, page, problems, proofs, requirements

ROWS = [Requirement(number, "A", "SHALL", "service", "all", "something", "") for number in NUMBERS]
PROVEN = {number: ["unit/test_it::it_holds"] for number in NUMBERS}


def test_every_requirement_has_a_test_or_a_reason():
    assert list(problems(requirements(), proofs())) == []


def test_the_page_of_requirements_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == page(requirements(), proofs()), "run: make docs"


def test_a_whole_table_has_no_problem():
    assert list(problems(ROWS, PROVEN)) == []


@pytest.mark.parametrize(
    ("rows", "proven", "said"),
    [
        pytest.param(
            ROWS, {**PROVEN, 7: []}, "requirement 7 has neither a test nor a reason for having none", id="bare"
        ),
        pytest.param(
            [Requirement(1, "A", "SHALL", "service", "all", "something", "no need"), *ROWS[1:]],
            PROVEN,
            "requirement 1 has a test and a reason for having none",
            id="a test and a reason",
        ),
        pytest.param(ROWS, {**PROVEN, 143: ["x"]}, "there is no requirement 143", id="a marker with another number"),
        pytest.param(ROWS[:-1], PROVEN, "requirement 142 has 0 rows", id="a row that is missing"),
        pytest.param([*ROWS, ROWS[0]], PROVEN, "requirement 1 has 2 rows", id="a row twice"),
        pytest.param(
            [Requirement(1, "A", "MUST", "service", "all", "something", ""), *ROWS[1:]],
            PROVEN,
            "requirement 1 has a section, a level or a party that is unknown",
            id="a level that is none",
        ),
        pytest.param(
            [Requirement(1, "A", "SHALL", "service", "all", "", ""), *ROWS[1:]],
            PROVEN,
            "requirement 1 says nothing of its subject or its versions",
            id="a row without subject",
        ),
    ],
)
def test_what_is_wrong_with_the_table_is_named(rows: list[Requirement], proven: dict[int, list[str]], said: str):
    assert list(problems(rows, proven)) == [said]


def test_markers_are_read_wherever_they_stand():
    source = """
@pytest.mark.requirement("cds-hooks-2.0", 9)
@requirement("cds-hooks-2.0", 12)
@pytest.mark.parametrize("x", [1, pytest.param(2, marks=requirement("cds-hooks-2.0", 70))])
def test_it(x): ...

@pytest.mark.parametrize("rule", by_number(Kind.OUTCOME))
def test_a_rule(rule): ...
"""

    assert list(marked(source)) == [(9, "it"), (12, "it"), (70, "it"), (5, "a_rule"), (6, "a_rule"), (70, "a_rule")]


@pytest.mark.parametrize("mark", ['requirement("cds-hooks-9", 1)', "requirement(SPEC, 1)", "requirement()"])
def test_a_marker_that_cannot_be_read_is_refused(mark: str):
    with pytest.raises(ValueError, match="test_it"):
        list(marked(f"@{mark}\ndef test_it(): ..."))
