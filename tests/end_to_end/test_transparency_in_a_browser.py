"""The page of what decides in Chromium: at three widths, light and dark, everything unfolded.

Screenshots for the eye lie in ``build/screenshots``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.evidence import SHOTS
from support.serving import serving

from cds_service.settings import Settings
from cds_service.web import create_app

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

WIDTHS = (360, 768, 1280)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(create_app(Settings())) as found:
        yield found


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_runs_out_of_the_page(browser: Any, address: str, look: str, width: int):
    from axe_playwright_python.sync_playwright import Axe  # deferred: only slow tests have it

    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=look)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{address}/transparency")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"transparency-{look}-{width}.png")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.screenshot(
        path=SHOTS / f"transparency-{look}-{width}-unfolded.png",
        clip={"x": 0, "y": 9000, "width": width, "height": 1800},
        full_page=True,
    )
    violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    spread = page.evaluate("document.documentElement.scrollWidth")
    context.close()

    assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in violations] == []
    assert (spread, complaints) == (width, [])


def test_a_link_to_a_rule_opens_it(browser: Any, address: str):
    page = browser.new_page()
    page.goto(f"{address}/transparency#osteomyelitis-signal-pattern")

    shown = page.locator(":target").is_visible()
    unfolded = page.locator("details[open]:has(:target)").count()
    others = page.locator("section#cause-osteomyelitis details[open]").count()
    page.close()

    assert (shown, unfolded, others) == (True, 1, 1)
