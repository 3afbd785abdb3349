"""The requirements of CDS Hooks with what proves each: ``python -m support.conformance`` writes docs/conformance.md.

``tests/conformance/requirements.csv`` holds one row for each requirement, and why it has no test where it has none.
Which tests it has is read from the ``requirement`` markers in the source of the tests, without importing them, and
from the rules of the checker.
"""

from __future__ import annotations

import ast
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.response_rules import Kind, rules_for

TESTS = Path(__file__).parents[1]
TABLE = TESTS / "conformance" / "requirements.csv"
PAGE = TESTS.parent / "docs" / "conformance.md"

SPECIFICATION = "cds-hooks-2.0"
NUMBERS = range(1, 143)

SECTIONS = {
    "A": "Transport and JSON",
    "B": "Discovery",
    "C": "The request",
    "D": "Prefetch: what a service receives",
    "E": "Prefetch: templates",
    "F": "The FHIR server",
    "G": "The answer",
    "H": "Cards",
    "I": "Sources and codings",
    "J": "Suggestions and actions",
    "K": "Links",
    "L": "Feedback",
    "M": "Extensions",
    "N": "Authentication of the client",
    "O": "Calls from browsers",
    "P": "Defining a hook",
    "Q": "Cards over time",
}
BINDS = ("service", "client", "both")
FIRM = frozenset({"SHALL", "SHALL NOT"})
LEVELS = ("SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY", "should", "note", "silent")


@dataclass(frozen=True)
class Requirement:
    """One row: whom it binds and how firmly, in which versions of the text, and why it has no test (or nothing)."""

    number: int
    section: str
    level: str
    binds: str
    versions: str
    subject: str
    reason: str


Proofs = Mapping[int, Sequence[str]]
"""Number of a requirement -> the tests that prove it, such as ``unit/test_web::a_wrong_method``."""


def requirements() -> list[Requirement]:
    """Return all rows of the table."""
    with TABLE.open(encoding="utf-8", newline="") as table:
        return [Requirement(int(row.pop("number")), **row) for row in csv.DictReader(table)]


def proofs() -> dict[int, list[str]]:
    """Return which tests prove which requirement, as the markers of all tests say."""
    found: dict[int, list[str]] = {}
    for path in sorted(TESTS.glob("*/test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "requirement(" in source:
            for number, name in marked(source):
                found.setdefault(number, []).append(f"{path.parent.name}/{path.stem}::{name}")
    return found


def marked(source: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each requirement that a test of ``source`` is marked with, and the test's short name.

    Raises:
        ValueError: a marker does not name our specification and a number.
    """
    for test in ast.parse(source).body:
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
            name = test.name.removeprefix("test_")
            for call in (node for mark in test.decorator_list for node in ast.walk(mark) if isinstance(node, ast.Call)):
                match ast.unparse(call.func).rpartition(".")[2], call.args:
                    case "requirement", [ast.Constant(value=str(spec)), ast.Constant(value=int(number))]:
                        if spec != SPECIFICATION:
                            raise ValueError(f"{test.name} is marked for {spec!r}, not for {SPECIFICATION!r}")
                        yield number, name
                    case "requirement", _:
                        raise ValueError(f"{test.name} has a marker that cannot be read; write the number itself")
                    case "by_number", [ast.Attribute(attr=kind)]:
                        yield from ((int(one.number), name) for one in rules_for(Kind[kind]) if one.number.isdigit())


def problems(rows: Sequence[Requirement], proven: Proofs) -> Iterator[str]:
    """Yield what is wrong with the table and the markers together."""
    numbers = Counter(row.number for row in rows)
    for number in NUMBERS:
        if numbers[number] != 1:
            yield f"requirement {number} has {numbers[number]} rows"
    for number in sorted({*numbers, *proven} - set(NUMBERS)):
        yield f"there is no requirement {number}"
    for row in rows:
        if row.section not in SECTIONS or row.level not in LEVELS or row.binds not in BINDS:
            yield f"requirement {row.number} has a section, a level or a party that is unknown"
        if not row.subject or not row.versions:
            yield f"requirement {row.number} says nothing of its subject or its versions"
        if row.reason and proven.get(row.number):
            yield f"requirement {row.number} has a test and a reason for having none"
        if not row.reason and not proven.get(row.number):
            yield f"requirement {row.number} has neither a test nor a reason for having none"


def page(rows: Sequence[Requirement], proven: Proofs) -> str:
    """Return the whole document as Markdown."""
    tested = [row for row in rows if not row.reason]
    return "\n".join(
        [
            "# What CDS Hooks asks, and what proves it",
            "",
            "Generated by `make docs`; do not edit.",
            "",
            f"{len(rows)} requirements of CDS Hooks 2.0.1 and of what is coming (3.0.0-ballot, `3.0b`, and the later"
            " working text, `CI`), by number.",
            f"{len(tested)} are held by tests; the other {len(rows) - len(tested)} say why not.",
            "",
            *counts(rows),
            "",
            "`should` in small letters is not a keyword of the text, `note` explains or advises, `silent` is what the"
            " text leaves open. `BP` is the best-practice page of CDS Hooks, `CRD` another guide.",
            "A test of `unit/test_x::y` is `def test_y` in `tests/unit/test_x.py`.",
            "`discovery_keeps_the_rule` and `all_scenarios_keep_the_rule` run the rule of that number in"
            " `tests/conformance/response_rules.py`; `test_response_rules.py` shows that each rule notices what breaks"
            " it.",
            "A rule about an optional attribute holds as well where the attribute is left out.",
            "`make conformance URL=http://...` asks the same rules of any CDS Hooks service.",
            *(line for letter in SECTIONS for line in chapter(letter, rows, proven)),
            "",
        ]
    )


def counts(rows: Iterable[Requirement]) -> Iterator[str]:
    yield "| level | binds the service: tested | not tested | binds the client alone: tested | not tested |"
    yield "|---|---|---|---|---|"
    number = Counter((row.level, row.binds == "client", bool(row.reason)) for row in rows)
    for level in LEVELS:
        cells = [str(number[level, client, untested]) for client in (False, True) for untested in (False, True)]
        yield f"| {' | '.join([level, *cells])} |"


def chapter(letter: str, rows: Iterable[Requirement], proven: Proofs) -> Iterator[str]:
    yield from ("", f"## {letter}. {SECTIONS[letter]}", "")
    yield "| number | level | binds | versions | subject | tests, or why none |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        if row.section == letter:
            proof = row.reason or "<br>".join(f"`{test}`" for test in proven.get(row.number, ()))
            yield f"| {row.number} | {row.level} | {row.binds} | {row.versions} | {row.subject} | {proof} |"


if __name__ == "__main__":
    PAGE.write_text(page(requirements(), proofs()), encoding="utf-8")
