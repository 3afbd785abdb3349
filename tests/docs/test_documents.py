"""The documents say what is so: their commands run, their links lead somewhere, what is generated is fresh."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.tables import tables, written

from cds_service.events import Event
from cds_service.knowledge.rules import rule_set
from cds_service.knowledge.settings import SETTINGS
from cds_service.knowledge.statements import NOT_COMPUTABLE, STATEMENTS
from cds_service.protocol.profiles import PROFILES
from cds_service.rulebook import statement_coverage
from cds_service.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("hooks/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "cds_service.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_page_of_settings_lists_every_setting_of_the_environment():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `BME_")]
    listed = [name for row in rows for name in re.findall(r"`BME_(\w+)`", row)]

    assert sorted(listed) == sorted(name.upper() for name in Settings.model_fields)


def test_the_page_on_clients_lists_every_profile():
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(PROFILES)


def test_the_page_on_operations_lists_every_event():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    log = page[page.index("### Log") : page.index("## Back up")]

    assert dict(re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", log, re.MULTILINE)) == {
        event.name.lower(): event.value for event in Event
    }


@pytest.mark.parametrize("page", sorted({page for page, _, _ in tables()}), ids=lambda page: page.name)
def test_the_tables_made_from_data_are_fresh(page: Path):
    assert page.read_text(encoding="utf-8") == written(page), "run: make docs"


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
