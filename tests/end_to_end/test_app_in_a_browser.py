"""From the chart to the card, the app and back, in Chromium; and where the app's cookie comes back, and where not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from support.evidence import SHOTS
from support.launches import FOOT, HIP, handle_for
from support.record import Demo, demo
from support.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

WAIT_MS = 15_000


@pytest.fixture(scope="module")
def frames() -> Iterator[tuple[str, dict[str, str]]]:
    """A record's page that shows the app in a frame; yields its address, and where the frame leads."""
    shown: dict[str, str] = {}
    page = Flask("frames")

    @page.get("/")
    def frame() -> str:
        return f'<!doctype html><title>Chart</title><iframe name="app" width="700" height="700" src="{shown["app"]}">'

    with serving(page) as address:
        yield address, shown


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, frames: tuple[str, dict[str, str]]) -> Iterator[Demo]:
    here = frames[0]
    allowed = [here, here.replace("127.0.0.1", "localhost")]
    with demo(tmp_path_factory.mktemp("store"), issuer={"frames": allowed}) as running:
        yield running


def launch_address(both: Demo, patient: str) -> str:
    return f"{both.service}/smart/launch?iss={both.ehr}/fhir&launch={handle_for(both, patient)}"


def new_page(context: Any) -> Any:
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    return page


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_from_the_chart_to_the_card_to_the_app_and_its_answer(browser: Any, both: Demo, scripts: bool):
    context = browser.new_context(java_script_enabled=scripts)
    chart, complaints, elsewhere = new_page(context), [], []
    context.on("console", lambda message: complaints.append(message.text))
    context.on("request", lambda asked: elsewhere.append(asked.url) if "//127.0.0.1:" not in asked.url else None)
    patient = FOOT if scripts else HIP
    chart.goto(f"{both.ehr}/patients/{patient}")
    card = chart.locator("article.card").first
    summary = card.get_by_role("heading").first.inner_text()

    with context.expect_page() as opening:
        card.get_by_role("button", name="Show the evidence").click()
    app = opening.value
    app.set_default_timeout(WAIT_MS)
    app.wait_for_load_state()
    said = app.locator("#bottom-line ~ .cards .summary, .cards .summary").first.inner_text()
    app.screenshot(path=SHOTS / f"app-{'scripts' if scripts else 'no-scripts'}.png", full_page=True)
    app.get_by_label("What becomes of the card").select_option(value="already-under-specialist")
    app.get_by_role("button", name="Send the answer").click()
    kept = app.get_by_role("heading", level=2).inner_text()
    app.get_by_role("link", name="Back to the evidence").click()
    back = app.locator(".cards .summary").first.inner_text()
    app.get_by_role("button", name="Close this page").click()
    closed = app.get_by_role("heading", level=2).inner_text()
    app.go_back()
    app.reload()
    over = app.locator("main").inner_text()
    chart.goto(f"{both.ehr}/patients/{patient}")
    left = chart.locator("article.card").all_inner_texts()

    assert (said, back, kept, closed) == (summary, summary, "Your answer was kept", "The page is closed")
    assert "This page is closed" in over
    assert not any(summary in one for one in left)  # the answer counts: the card is silent now
    # Leaving the page is told by the browser as the 410 that it is.
    assert ([one for one in complaints if "410" not in one], elsewhere) == ([], [])
    context.close()


def test_two_patients_side_by_side_stay_apart(browser: Any, both: Demo):
    context = browser.new_context()
    foot, hip = new_page(context), new_page(context)
    foot.goto(launch_address(both, FOOT))
    hip.goto(launch_address(both, HIP))

    first = [page.locator("dl.banner dd").first.inner_text() for page in (foot, hip)]
    for page in (foot, hip, foot):
        page.reload()
    again = [page.locator("dl.banner dd").first.inner_text() for page in (foot, hip)]

    assert (first == again, len(set(first)), len(context.cookies())) == (True, 2, 1)
    context.close()


@pytest.mark.parametrize("where", list(product(["same-site", "cross-site"], ["private", "persistent"])), ids="-".join)
def test_in_a_frame_the_cookie_comes_back(
    browser: Any, both: Demo, frames: tuple[str, dict[str, str]], tmp_path: Path, where: tuple[str, str]
):
    (address, shown), (site, profile) = frames, where
    shown["app"] = launch_address(both, FOOT)
    outer = address if site == "same-site" else address.replace("127.0.0.1", "localhost")
    if profile == "persistent":
        context = browser.browser_type.launch_persistent_context(
            tmp_path, executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
    else:
        context = browser.new_context()
    page = new_page(context)
    page.goto(outer)

    name = page.frame_locator('iframe[name="app"]').locator("dl.banner dd").first.inner_text()

    if (site, profile) == ("cross-site", "private"):
        page.screenshot(path=SHOTS / "app-in-a-frame.png")
    cookies = context.cookies()
    context.close()
    assert (name, len(cookies)) == ("Diabetes Example", 1)


def test_a_page_that_is_not_listed_cannot_frame_the_app(browser: Any, both: Demo):
    page = Flask("other")
    with serving(page) as address:
        link = launch_address(both, FOOT)
        page.get("/", endpoint="frame")(lambda: f'<!doctype html><iframe name="app" src="{link}"></iframe>')
        context = browser.new_context()
        shown = new_page(context)
        refused: list[str] = []
        shown.on("console", lambda message: refused.append(message.text))
        shown.goto(address)
        shown.wait_for_load_state("networkidle")
        words = shown.frames[1].locator("body").inner_text()
        context.close()

    assert ("Diabetes Example" in words, any("frame-ancestors" in one for one in refused)) == (False, True)


def test_without_cookies_the_page_says_what_to_do(browser: Any, both: Demo):
    context = browser.new_context()
    page = new_page(context)
    page.route("**/smart/callback*", lambda route: route.continue_(headers={**route.request.headers, "cookie": ""}))
    page.goto(launch_address(both, FOOT))
    context.clear_cookies()
    page.reload()

    words = page.locator("main").inner_text()
    context.close()
    assert "Open the app again from the patient's chart." in words


@pytest.mark.parametrize("look", ["light", "dark", "print"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_axe_finds_nothing_on_any_page_of_the_app(browser: Any, both: Demo, width: int, look: str):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if look == "dark" else "light"
    )
    page = new_page(context)
    found: dict[str, Any] = {}

    def look_at(name: str) -> None:
        page.emulate_media(media="print" if look == "print" else "screen")
        found[name] = [one["id"] for one in Axe().run(page).response["violations"]]
        page.screenshot(path=SHOTS / f"app-{name}-{width}-{look}.png")
        page.emulate_media(media="screen")

    page.goto(f"{both.service}/smart/launch?iss=https://unknown.example")
    look_at("unknown-record")
    page.goto(launch_address(both, FOOT))
    look_at("evidence")
    page.get_by_role("button", name="Close this page").click()
    look_at("closed")
    context.close()

    assert found == {"unknown-record": [], "evidence": [], "closed": []}


def test_everything_is_reached_by_keyboard(browser: Any, both: Demo):
    context = browser.new_context()
    chart = new_page(context)
    chart.goto(f"{both.ehr}/patients/{FOOT}/reports/example-foot-report-13")
    button = chart.get_by_role("button", name="Show the evidence").first
    button.focus()
    with context.expect_page() as opening:
        chart.keyboard.press("Enter")
    app = opening.value
    app.wait_for_load_state()
    names = []
    for _ in range(80):
        app.keyboard.press("Tab")
        names.append(app.evaluate("(document.activeElement.innerText || document.activeElement.id).slice(0, 40)"))
        if names[-1].startswith("Close this page"):
            break
    app.keyboard.press("Enter")
    app.wait_for_load_state()
    closed = app.get_by_role("heading", level=2).inner_text()
    context.close()

    assert (names[0], "Send the answer" in names, "Show what if" in names, closed) == (
        "To the bottom line",
        True,
        True,
        "The page is closed",
    )
