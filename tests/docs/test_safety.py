"""The log of hazards names tests that exist, and no row goes without one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOG = (ROOT / "docs" / "clinical-safety.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (H\d+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")


@cache
def named_in(path: str) -> set[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    return {one.name for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")}


def rows() -> dict[str, list[str]]:
    return {name: re.split(r" \| ", cells) for name, cells in ROW.findall(LOG)}


def test_every_hazard_has_a_cause_a_control_and_a_test():
    found = rows()

    assert list(found) == [f"H{number}" for number in range(1, len(found) + 1)]
    assert {name: len(cells) for name, cells in found.items() if len(cells) != 4 or not all(cells)} == {}
    assert [name for name, cells in found.items() if not TEST.findall(cells[3])] == []


def test_every_test_that_is_named_exists():
    named = TEST.findall(LOG)

    assert [(path, name) for path, name in named if not named_in(path) or (name and name not in named_in(path))] == []


def test_every_hazard_that_another_page_names_is_in_the_log():
    elsewhere = (ROOT / "docs" / "regulatory.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\bH\d+\b", elsewhere)) <= set(rows())
