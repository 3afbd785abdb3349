"""The demo as somebody tries it: a record beside the service, in a browser and without one."""

from __future__ import annotations

import html
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from flask import Flask
from support.record import Demo, Later, demo, patients, record
from support.serving import serving

from cds_service.data import data_path
from cds_service.demo.faults import Fault
from cds_service.demo.orders import label_of
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.settings import Settings
from cds_service.web import create_app

ROOT = Path(__file__).parents[2]
SCENARIOS = {one.request["context"]["patientId"]: one for one in load_scenarios(data_path("scenarios"))}
STORIES = patients(next(iter(SCENARIOS.values())).as_of).stories
DAY = re.compile(r"\d{4}-\d\d-\d\d")
FOOT = "example-diabetic-foot"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("store")) as both:
        yield both


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Demo]:
    with demo(tmp_path) as both:
        yield both


def shown(page: str) -> list[str]:
    """Return the summaries of a page's cards, without days."""
    found = re.findall(r'<h3 id="card-\d+">(.*?)</h3>', page)
    return [DAY.sub("", html.unescape(one)) for one in found]


def expected(scenario: Scenario) -> list[str]:
    rank = ["critical", "warning", "info"]
    cards = sorted(scenario.expected["cards"], key=lambda card: rank.index(card["indicator"]))
    return [DAY.sub("", card["summary"]) for card in cards]


# ------------------------------------------------------------------------------------------------- not in production


def test_the_service_has_no_address_of_the_demo(tmp_path: Path):
    app = create_app(Settings(store_url=f"sqlite:///{tmp_path}/store.sqlite3"))

    assert {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()} == {
        "cds-services",
        "health",
        "docs",
        "docs.css",
        "openapi.json",
        "transparency",
        "transparency.json",
    }


@pytest.mark.slow
def test_serving_imports_nothing_of_the_demo():
    program = "import sys, cds_service.web, cds_service.web.server, cds_service.cli; print(*sys.modules, sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert [one for one in loaded.stdout.split() if one.startswith("cds_service.demo")] == []


# ------------------------------------------------------------------------------------------------- without a browser


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.NONE, Fault.NO_PREFETCH])
def test_every_story_shows_the_cards_of_its_scenario(running: Demo, fault: Fault):
    requests.post(f"{running.ehr}/fault", data={"fault": fault}, timeout=30).raise_for_status()
    reading = [one for one in STORIES.values() if one.report]

    found = {
        one.patient: shown(requests.get(f"{running.ehr}/patients/{one.patient}/reports/{one.report}", timeout=30).text)
        for one in reading
    }

    requests.post(f"{running.ehr}/fault", data={"fault": Fault.NONE}, timeout=30)
    assert (len(reading), found) == (28, {one.patient: expected(SCENARIOS[one.patient]) for one in reading})


@pytest.mark.slow
def test_every_order_of_a_story_shows_the_cards_of_its_scenario(running: Demo):
    found, sent = {}, {}
    for story in STORIES.values():
        chart = f"{running.ehr}/patients/{story.patient}"
        if SCENARIOS[story.patient].request["hook"] != "order-sign" or not all(map(label_of, story.drafts)):
            continue
        for draft in story.drafts:
            requests.post(f"{chart}/orders", data={"order": label_of(draft)}, timeout=30).raise_for_status()
        found[story.patient] = shown(requests.post(f"{chart}/orders/sign", timeout=30).text)
        sent[story.patient] = expected(SCENARIOS[story.patient])

    assert (len(found), found) == (12, sent)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "cards", "told"),
    [
        (Fault.NONE, 2, ""),
        (Fault.FAILING, 2, "Not checked: problem list (server error)."),
        (Fault.MIXED_UP, 2, "Not checked: 1 DiagnosticReport (of another patient)."),
        (Fault.SLOW, 0, "Decision support did not answer (412)."),
        (Fault.EXPIRED_ACCESS, 0, "Decision support did not answer (412)."),
        (Fault.EXPIRED_SIGNATURE, 0, "Decision support did not answer (401)."),
    ],
)
def test_a_fault_is_told_and_never_looks_like_no_card(fresh: Demo, fault: Fault, cards: int, told: str):
    requests.post(f"{fresh.ehr}/fault", data={"fault": fault}, timeout=30).raise_for_status()

    page = requests.get(f"{fresh.ehr}/patients/{FOOT}/reports/{STORIES[FOOT].report}", timeout=30).text

    said = re.findall(r"Not checked: .*?\)\.|Decision support did not answer \(\d+\)\.", page)
    assert (len(shown(page)), set(said)) == (cards, {told} - {""})


def test_a_page_of_another_site_cannot_press_a_button(fresh: Demo):
    pressed = requests.post(f"{fresh.ehr}/fault", data={}, headers={"Origin": "https://evil.example"}, timeout=30)
    renamed = requests.get(fresh.ehr, headers={"Host": "evil.example"}, timeout=30)

    assert (pressed.status_code, renamed.status_code) == (403, 400)


# ---------------------------------------------------------------------------------- cards that are not ours, and apps

STRANGE_CARD = {
    "uuid": "5b1d3b4c-6a38-4a3e-9a8e-0d6a2f1c7b11",
    "summary": "<b>bold</b>",
    "detail": "<script>alert(1)</script> [bad](javascript:alert) ![picture](https://evil.example/x.png)",
    "indicator": "success",
    "source": {"label": "<i>elsewhere</i>"},
    "links": [
        {"label": "bad", "url": "javascript:alert(1)", "type": "absolute"},
        {"label": "The app", "url": "https://app.example/launch?a=1", "type": "smart", "appContext": '{"v":1}'},
    ],
}


@pytest.fixture
def strange() -> Iterator[str]:
    """A record whose decision support sends the strange card; yields its address."""
    other = Flask("other")
    service = {"hook": "patient-view", "id": "other", "description": "", "prefetch": {}}
    other.get("/cds-services", endpoint="list")(lambda: {"services": [service]})
    other.post("/cds-services/other", endpoint="call")(lambda: {"cards": [STRANGE_CARD]})
    ehr = Later()
    with serving(other) as service_base, serving(ehr) as base:
        ehr.app = record(base, service_base, app_url="https://app.example/launch")
        yield base


def redirected(address: str, **fields: str) -> tuple[str, dict[str, str]]:
    """Press a button; return where it leads, and its parameters."""
    answer = requests.post(address, data=fields, timeout=30, allow_redirects=False)
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query))


@pytest.mark.slow
def test_a_card_of_any_service_is_shown_without_running_what_it_brings(strange: str):
    answer = requests.get(f"{strange}/patients/{FOOT}", timeout=30)

    card = answer.text.partition('<article class="card')[2].partition("</article>")[0]
    found = re.findall(r"<(?:script|img|b|i)\b|href=[^ >]*|src=", card)
    assert found == ['href="https://evil.example/x.png"']  # a picture is a link, which nobody has to follow
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in card
    policy = answer.headers["Content-Security-Policy"]
    assert (policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), "unsafe" in policy) == (
        True,
        False,
    )


@pytest.mark.slow
def test_the_link_of_a_card_opens_the_app_with_its_context_and_the_report(strange: str):
    page = requests.get(f"{strange}/patients/{FOOT}", timeout=30).url

    address, given = redirected(f"{page}/cards/0/launch", link="1")
    other, _ = redirected(f"{strange}/patients/{FOOT}/launch", report=STORIES[FOOT].report)
    refused = requests.post(f"{page}/cards/0/launch", data={"link": "0"}, timeout=30)

    assert (address, other, sorted(given)) == (*["https://app.example/launch"] * 2, ["a", "iss", "launch"])
    assert (given["iss"], refused.status_code) == (f"{strange}/fhir", 400)


@pytest.mark.slow
def test_without_decision_support_the_chart_says_so_and_orders_can_be_signed():
    ehr = Later()
    with serving(ehr) as base:
        ehr.app = record(base, "http://127.0.0.1:9")
        order = label_of(STORIES["example-order-stir-only"].drafts[0])
        chart = f"{base}/patients/{FOOT}"
        requests.post(f"{chart}/orders", data={"order": order}, timeout=30).raise_for_status()
        asked = requests.post(f"{chart}/orders/sign", timeout=30)
        signed = requests.post(f"{chart}/orders/file", data={"call": asked.url.rpartition("/")[2]}, timeout=30)

    told = ["Decision support did not answer.", "Sign without decision support", "Signed: the orders are in the chart."]
    assert [one in asked.text for one in told] == [True, True, False]
    assert [one in signed.text for one in told] == [True, False, True]


# ---------------------------------------------------------------------------------------------------- in a browser

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 10_000
SHOTS = ROOT / "build" / "screenshots"
in_a_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium")


@pytest.fixture
def browser(socket_enabled: None) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield started
        started.close()


@pytest.mark.slow
@in_a_browser
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_from_the_result_to_the_referral_in_the_chart(browser: Any, fresh: Demo, tmp_path: Path, scripts: bool):
    page = browser.new_context(java_script_enabled=scripts).new_page()
    page.set_default_timeout(WAIT_MS)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))

    page.goto(fresh.ehr)
    page.get_by_role("heading", name="A diabetic foot with new edema").get_by_role("link").click()
    page.get_by_role("link", name="Open this result").first.click()
    urgent = page.get_by_role("article", name="osteomyelitis possible, act now")
    urgent.get_by_role("button", name="Refer to the multidisciplinary diabetic foot team (urgent)").click()
    accepted = urgent.get_by_role("status").inner_text()
    ordered = page.get_by_role("region", name="Orders").get_by_role("listitem").first.inner_text()
    other = page.get_by_role("article", name="Charcot arthropathy possible, act now")
    other.locator("summary", has_text="Override").click()
    other.get_by_label("The treating specialist already knows").check()
    other.get_by_role("button", name="Send the reason").click()
    overridden = other.get_by_role("status").inner_text()
    page.get_by_role("link", name="Open again").click()
    offered = page.get_by_role("button", name="Refer to").count()

    refer = "Refer to the multidisciplinary diabetic foot team (urgent)"
    assert accepted == f"Accepted: {refer}. The order is in the chart."
    assert DAY.sub("", " ".join(ordered.split())) == (
        " Referral to the multidisciplinary diabetic foot team osteomyelitis possible, act now, left foot or ankle"
        " (MRI of ). Suggested by decision support; please confirm clinically. urgent active"
    )
    assert overridden == "Not followed: The treating specialist already knows."
    assert (offered, problems) == (0, [])
    fresh.service_app.extensions["store"].close()
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as store:
        kept = store.execute("SELECT outcome, reason_code FROM feedback ORDER BY outcome").fetchall()
    assert kept == [("accepted", ""), ("overridden", "already-under-specialist")]


@pytest.mark.slow
@in_a_browser
def test_an_edited_request_is_sent_as_it_was_edited(browser: Any, fresh: Demo):
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{fresh.ehr}/patients/{FOOT}")
    page.locator("summary", has_text="What went over the wire").click()

    page.get_by_label("Request to").fill('{"hook": "patient-view"}')
    page.get_by_role("button", name="Send again").click()

    told = page.get_by_text("Decision support did not answer (400).")
    page.locator("summary", has_text="What went over the wire").click()
    assert (told.is_visible(), page.get_by_label("Request to").input_value()) == (True, '{"hook": "patient-view"}')


@pytest.mark.slow
@in_a_browser
@pytest.mark.parametrize(("width", "scheme"), list(product((360, 768, 1280), ("light", "dark"))), ids=str)
def test_the_pages_can_be_used_by_everybody(browser: Any, fresh: Demo, width: int, scheme: str):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    SHOTS.mkdir(parents=True, exist_ok=True)
    stir_only = f"{fresh.ehr}/patients/example-order-stir-only"

    found: dict[str, Any] = {}

    def look(name: str) -> None:
        page.wait_for_load_state()  # else it may be drawn before its style sheet is there
        page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        violations = axe.run(page).response["violations"]
        serious = [one["id"] for one in violations if one["impact"] in ("serious", "critical")]
        found[name] = (wide, serious)

    page.goto(fresh.ehr)
    look("patients")
    page.goto(f"{fresh.ehr}/patients/{FOOT}/reports/{STORIES[FOOT].report}")
    look("result")
    page.get_by_role("button", name="Refer to").click()
    page.locator("summary", has_text="Override").last.click()
    page.locator("summary", has_text="What went over the wire").click()
    look("all-open")
    page.goto(stir_only)
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Sign").click()
    look("order")
    page.get_by_label("Fault").select_option("slow-server")
    page.get_by_role("button", name="Set").click()
    page.goto(f"{fresh.ehr}/patients/{FOOT}")
    look("fault")

    context.close()
    assert found == dict.fromkeys(found, (False, []))
