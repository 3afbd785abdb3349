"""The documents say what is so: their commands run, their links lead somewhere, what is generated is fresh."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cds_service.knowledge.rules import rule_set
from cds_service.knowledge.settings import SETTINGS
from cds_service.knowledge.statements import NOT_COMPUTABLE, STATEMENTS
from cds_service.rulebook import statement_coverage
from cds_service.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("hooks/**/*.md")])
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")

MADE_ELSEWHERE = ("make", "python3.11", ".venv/bin/pip", ".venv/bin/python", ".venv/bin/cds-service demo")
"""Commands of the README that set up or serve: the gate and the command line's own tests run them."""


def commands() -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return [line for block in BLOCK.findall(readme) for line in block.splitlines() if line]


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "cds_service.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("command", [one for one in commands() if not one.startswith(MADE_ELSEWHERE)])
def test_a_command_of_the_readme_runs(command: str):
    program, *arguments = shlex.split(command)

    assert (program, bool(run(*arguments))) == (".venv/bin/cds-service", True)


def test_every_make_target_of_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {line.split()[1] for line in commands() if line.startswith("make ")}

    assert named == {name for name in named if re.search(rf"^{name}:", makefile, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_lists_every_setting_of_the_environment():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [name for name in Settings.model_fields if f"`BME_{name.upper()}`" not in readme] == []


def test_the_page_of_rules_is_fresh():
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == run("rules"), "run: make docs"


def test_the_contract_is_fresh():
    assert (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8") == run("openapi"), "run: make docs"


def test_the_page_of_rules_lists_every_setting_of_judgement():
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")

    assert [setting.name for setting in SETTINGS if f"| `{setting.name}` |" not in page] == []


def test_there_are_58_statements():
    assert list(STATEMENTS) == [f"S{number}" for number in range(1, 59)]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_is_carried_by_a_rule_or_a_text_or_says_why_not(statement: str):
    carried = statement_coverage(rule_set())[statement]

    assert bool(carried) != (statement in NOT_COMPUTABLE)
