"""The code blocks of the documents: each page's commands are run, in their order, and say what the page says.

A page is one session of a shell in a copy of the checkout. ``cds-service serve`` goes on in the background until the
next one, or the end of the page; ``text`` blocks are lines that must have been printed. A new block is run, therefore,
unless it is named in ``NOT_RUN``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from support.exports import Shape, write_export

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("hooks/**/*.md")])
COPIED = ("cds_service", "docs", "fixtures", "hooks", "tests", "Makefile", "pyproject.toml", "CHANGELOG.md")

NOT_RUN = {
    ".venv/bin/cds-service demo": "stays; tests/end_to_end/test_demo.py runs it",
    ".venv/bin/pip install": "asks the package index; the gate installs in this way",
    "pip install": "asks the package index; the gate installs in this way",
    "python3.11 -m venv": "the gate makes its environment in this way",
    ".venv/bin/python -m pytest -m": "is the suite that this test belongs to",
    "make demo": "stays; tests/end_to_end/test_demo.py runs what it starts",
    "make setup": "asks the package index; the gate installs in this way",
    "make test": "is the suite that this test belongs to",
    "cds-service replay EXPORT --out RESULTS --engine spark": "needs Spark and several machines; `make spark` runs it",
    "sudo": "needs root and systemd",
    "docker": "needs Docker",
    "pg_dump": "needs PostgreSQL; its own tool",
}
"""Beginnings of lines that are left out, each with the reason."""

SHELL = """
set -eu
serve() {
  stop
  .venv/bin/cds-service serve "$@" & server=$!
  until curl -s -o /dev/null "http://127.0.0.1:$BME_PORT/health/live"; do kill -0 $server; sleep 0.1; done
}
stop() { if [ -n "${server:-}" ]; then kill $server; wait $server || true; server=; fi; }
trap stop EXIT
"""
CHECK_SETTINGS = ".venv/bin/cds-service config show > /dev/null"


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the kind and the text of every fenced block of a page."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [(token.info.strip(), token.content) for token in tokens if token.type == "fence"]


def commands(page: Path) -> list[str]:
    return [text for kind, text in blocks(page) if kind == "sh"]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def script(page: Path) -> str:
    """Return all commands of a page as one script; what a block exports must be settings that can be used."""
    lines = [SHELL]
    for block in commands(page):
        kept = [line for line in block.splitlines() if not line.startswith(tuple(NOT_RUN))]
        lines += [re.sub(r"^(\.venv/bin/)?cds-service serve", "serve", line) for line in kept]
        if any(line.startswith("export BME_") for line in kept):
            lines.append(CHECK_SETTINGS)
    return "\n".join(lines)


def checkout(folder: Path) -> Path:
    """Make a copy of the checkout whose ``.venv`` runs the Python of the tests; make takes it for installed."""
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, folder / name)
    for lock in ROOT.glob("*.lock"):
        shutil.copyfile(lock, folder / lock.name)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, what in {"python": "", "cds-service": " -m cds_service.cli"}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable}{what} "$@"\n')
        (programs / name).chmod(0o755)
    for stamp in (".python", ".runtime", ".dev"):
        (folder / ".venv" / stamp).touch()
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None and os.environ.get("CI") != "true", reason="curl is not installed")
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=named)
def test_the_commands_of_a_page_run_and_print_what_it_says(page: Path, tmp_path: Path):
    folder, home, port = checkout(tmp_path / "checkout"), tmp_path / "home", free_port()
    home.mkdir()
    write_export(folder / "EXPORT", Shape(patients=20))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BME_")}
    environment = kept | {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "BME_PORT": str(port),
        "COLUMNS": "80",
    }

    done = subprocess.run(
        ["bash", "-c", script(page).replace("127.0.0.1:8321", f"127.0.0.1:{port}")],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )

    said = [line for kind, text in blocks(page) if kind == "text" for line in text.splitlines()]
    assert (done.returncode, [line for line in said if line not in done.stdout]) == (0, []), done.stdout


def test_every_block_is_of_a_kind_that_somebody_looks_at():
    """Blocks without a kind are drawings; one of a new kind needs a test that runs it."""
    kinds = {named(page): {kind for kind, _ in blocks(page)} - {"", "json", "sh", "text"} for page in PAGES}

    assert {page: kinds for page, kinds in kinds.items() if kinds} == {}


@pytest.mark.parametrize("text", [text for page in PAGES for kind, text in blocks(page) if kind == "json"])
def test_every_block_of_json_is_an_object(text: str):
    assert isinstance(json.loads(text), dict)


def test_nothing_is_left_out_that_is_not_there():
    lines = [line for page in PAGES for block in commands(page) for line in block.splitlines()]

    assert [start for start in NOT_RUN if not any(line.startswith(start) for line in lines)] == []


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = [line for page in PAGES for block in commands(page) for line in block.splitlines()]
    targets = {word for line in lines if line.startswith("make ") for word in line.split()[1:] if word.islower()}

    assert targets - set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) == set()
