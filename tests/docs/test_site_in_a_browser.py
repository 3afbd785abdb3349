"""The documentation site in Chromium, from the disk: every page at three widths, light and dark, everything unfolded.

Screenshots for the eye lie in ``build/screenshots``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.evidence import SHOTS, chromium
from support.site import ROOT, lay_out, placed

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

MKDOCS = ROOT / ".venv-site" / "bin" / "mkdocs"
NAMES = sorted({place.removesuffix(".md") for place in placed().values() if place.endswith(".md")})
LOOKS = [(360, "light"), (768, "light"), (1280, "light"), (1280, "dark")]
ONLY_CONTRAST = {"runOnly": ["color-contrast"]}
IN_THE_DARK = ["hooks", "operations", "quick-start"]
"""Pages that have all there is to see; only contrast changes there."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew and strictly: a link that leads nowhere ends it."""
    if not MKDOCS.exists() and os.environ.get("CI") != "true":
        pytest.skip("the generator is not installed: make site")
    folder = tmp_path_factory.mktemp("documents")
    assert built(folder) == (0, [])
    return folder / "site"


def built(folder: Path, **changed: str) -> tuple[int, list[str]]:
    """Build the site in a folder, with some pages changed; return how that ended, and its warnings."""
    shutil.copytree(ROOT / "docs" / "theme", folder / "docs" / "theme")
    shutil.copyfile(ROOT / "mkdocs.yml", folder / "mkdocs.yml")
    lay_out(ROOT, folder / "build" / "pages")
    for name, text in changed.items():
        (folder / "build" / "pages" / f"{name}.md").write_text(text, encoding="utf-8")
    done = subprocess.run([MKDOCS, "build"], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith(("WARNING", "ERROR"))]


@pytest.mark.parametrize(("width", "look"), LOOKS, ids=str)
def test_axe_finds_nothing_and_nothing_is_asked_of_elsewhere(browser: Any, site: Path, width: int, look: str):
    from axe_playwright_python.sync_playwright import Axe  # deferred: only slow tests have it

    # What axe would load again of the style sheets, it may not from the disk.
    options = {"resultTypes": ["violations"], "preload": False, **({} if look == "light" else ONLY_CONTRAST)}
    axe = Axe()
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=look)
    page = context.new_page()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url.partition("://")[0]))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    SHOTS.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for name in NAMES if look == "light" else IN_THE_DARK:
        page.goto(f"file://{site}/{name}.html")
        page.screenshot(path=SHOTS / f"site-{name}-{width}-{look}.png")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        violations = axe.run(page, options=options).response["violations"]
        spread = page.evaluate("document.documentElement.scrollWidth")
        if violations or spread > width:
            found[name] = (
                spread,
                [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in violations],
            )
    context.close()

    assert (found, asked, complaints) == ({}, {"file"}, [])


def test_a_page_leads_to_all_others(browser: Any, site: Path):
    page = browser.new_page()
    page.goto(f"file://{site}/index.html")
    links = page.eval_on_selector_all("nav a", "all => all.map(one => one.href.split('/').pop())")
    page.close()

    assert sorted(links) == [f"{name}.html" for name in NAMES]


def test_a_link_that_leads_nowhere_ends_the_building(tmp_path: Path, site: Path):
    ended, warnings = built(tmp_path, security="# Broken\n\n[gone](gone.md), [gone, too](rules.md#no-such-place)\n")

    assert (ended, [re.findall(r"'(gone\.md|rules\.md#no-such-place)'", one) for one in warnings]) == (
        1,
        [["gone.md"], ["rules.md#no-such-place"]],
    )
