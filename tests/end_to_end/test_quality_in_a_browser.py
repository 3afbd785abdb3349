"""The page of what becomes of the cards in Chromium: at three widths, light and dark, with and without scripts.

Screenshots for the eye lie in ``build/screenshots``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.evidence import SHOTS
from support.quality import ADMIN_TOKEN, DISLIKED, NOW, fill
from support.serving import serving

from cds_service.service import real_ports
from cds_service.settings import Settings
from cds_service.web import create_app

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

WIDTHS = (360, 768, 1280)
ADMIN = {"username": "anybody", "password": ADMIN_TOKEN}


def serve(folder: Path) -> Any:
    settings = Settings(store_url=f"sqlite:///{folder / 'store.sqlite3'}", admin_token=ADMIN_TOKEN)
    return serving(create_app(settings, replace(real_ports(settings), now=NOW.timestamp)))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("quality")
    fill(f"sqlite:///{folder / 'store.sqlite3'}")
    with serve(folder) as found:
        yield found


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_runs_out_of_the_page(browser: Any, address: str, look: str, width: int):
    from axe_playwright_python.sync_playwright import Axe  # deferred: only slow tests have it

    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=look, http_credentials=ADMIN)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{address}/quality")
    complaints.clear()  # the browser tells of the 401 that asked for the password
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"quality-{look}-{width}.png")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.locator(f"#{DISLIKED}").screenshot(path=SHOTS / f"quality-{look}-{width}-rule.png")
    violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    spread = page.evaluate("document.documentElement.scrollWidth")
    context.close()

    assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in violations] == []
    assert (spread, complaints) == (width, [])


def test_without_scripts_the_form_chooses_and_a_link_opens_the_rule(browser: Any, address: str):
    context = browser.new_context(java_script_enabled=False, http_credentials=ADMIN)
    page = context.new_page()
    page.goto(f"{address}/quality")
    page.get_by_label("Hook", exact=True).select_option("order-sign")
    page.get_by_label("Profile of the client").select_option("epic")
    page.get_by_label("Weeks back").select_option("24")
    page.get_by_role("button", name="Show").click()
    asked = page.url.partition("?")[2]
    chosen = [page.get_by_label(name).input_value() for name in ("Hook", "Profile of the client", "Weeks back")]
    page.get_by_role("region", name="Table of all rules").get_by_role("link").first.click()
    opened = page.locator("section.rule").first.is_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="quality.csv").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    context.close()

    assert (asked, chosen, opened) == (
        "hook=order-sign&profile=epic&weeks=24",
        ["order-sign", "epic", "24"],
        True,
    )
    assert {tuple(line.split(",")[1:3]) for line in lines[1:]} == {("order-sign", "epic")}


def test_nothing_recorded_and_nothing_read_have_pages_of_their_own(browser: Any, tmp_path: Path):
    (tmp_path / "broken" / "store.sqlite3").mkdir(parents=True)
    context = browser.new_context(http_credentials=ADMIN, viewport={"width": 768, "height": 500})
    page = context.new_page()
    told = []
    for name in ("empty", "broken"):
        with serve(tmp_path / name) as found:
            response = page.goto(f"{found}/quality")
            page.screenshot(path=SHOTS / f"quality-{name}.png")
            told.append((response.status, page.locator(".look").inner_text()))
    context.close()

    assert told == [
        (200, "Nothing is recorded since 2026-07-13. Figures appear as soon as cards are sent."),
        (503, "The store could not be read, so there are no figures here: not none, but unknown."),
    ]
