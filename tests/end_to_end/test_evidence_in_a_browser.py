"""The evidence page in Chromium: is it usable in a narrow pane, without a script, on paper, with a hostile record?

Served as the app will serve it, below its policy. Screenshots for the eye lie in ``build/screenshots``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from pypdf import PdfReader
from support.evidence import SHOTS, hostile, page_about, page_server, scenarios
from support.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

PAGES = {
    "two-urgent-causes": "diabetic-foot-new-edema",
    "a-conflict": "depth-coded-and-dictated-differently",
    "no-card": "normal-knee",
    "what-if": "hip-edema-rim-not-described?if.fever=present",
}
WIDTHS = (360, 768, 1280)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(page_server()) as found:
        yield found


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Any]:
    """Open a page by its name; what it complains of or asks for elsewhere fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def show(name: str, width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(address) else None)
        page.goto(f"{address}/page/{name}")
        return page

    yield show
    for context in contexts:
        context.close()
    assert complaints == []


def unfold(page: Any) -> None:
    """Open everything that is folded, so that it is looked at too."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize("name", PAGES.values(), ids=PAGES.keys())
@pytest.mark.parametrize("look", ["light", "dark", "print"])
def test_axe_finds_nothing_at_any_width(opened: Any, name: str, look: str):
    from axe_playwright_python.sync_playwright import Axe  # deferred: only slow tests have it

    found: dict[int, list[Any]] = {}
    for width in WIDTHS:
        page = opened(name, width, color_scheme="dark" if look == "dark" else "light")
        if look == "print":
            page.emulate_media(media="print")
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name.partition('?')[0]}-{look}-{width}.png", full_page=True)
        unfold(page)
        results = Axe().run(page, options={"resultTypes": ["violations"]})
        found[width] = [
            (one["id"], [node["html"][:120] for node in one["nodes"]]) for one in results.response["violations"]
        ]

    assert found == {width: [] for width in WIDTHS}


@pytest.mark.parametrize("name", PAGES.values(), ids=PAGES.keys())
def test_nothing_runs_out_of_a_pane_of_320_pixels(opened: Any, name: str):
    page = opened(name, 320)
    unfold(page)

    assert page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize("name", PAGES.values(), ids=PAGES.keys())
def test_what_is_pressed_is_24_pixels_or_more(opened: Any, name: str):
    page = opened(name, 360)
    unfold(page)

    # Links inside a sentence or a cell are as high as their line (WCAG 2.5.8, inline).
    small = page.evaluate(
        """[...document.querySelectorAll('nav a, .button, button, summary, select, textarea, .map a')]
            .filter(one => one.checkVisibility())
            .map(one => [one.textContent.trim().slice(0, 30), one.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24).map(([words]) => words)"""
    )
    assert small == []


def test_the_first_key_leads_to_the_bottom_line_and_focus_is_seen(opened: Any):
    page = opened(PAGES["two-urgent-causes"])

    page.keyboard.press("Tab")

    focused = "[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]"
    assert page.evaluate(focused) == ["To the bottom line", "solid"]


def test_without_a_script_everything_is_there_and_what_if_is_asked(opened: Any, address: str):
    page = opened("hip-edema-rim-not-described", 360, java_script_enabled=False)

    page.get_by_label("What if fever", exact=True).select_option("present")
    page.get_by_role("button", name="Show what if").click()

    assert page.url.startswith(f"{address}/page/hip-edema-rim-not-described?")
    assert page.url.endswith("#bottom-line")
    assert "if.fever=present" in page.url
    assert page.locator("article h3").first.inner_text().strip().startswith("Urgent: osteomyelitis possible, act now")
    page.get_by_role("link", name="Back to the record").first.click()
    assert page.locator(".what-if-box").count() == 0


def test_with_a_script_the_letter_is_copied(opened: Any):
    page = opened(PAGES["two-urgent-causes"], permissions=["clipboard-read", "clipboard-write"])
    letter = page.locator("textarea")
    letter.fill("Edited by a clinician.")

    page.get_by_role("button", name="Copy").click()

    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "Edited by a clinician."


def test_where_the_clipboard_is_forbidden_the_letter_is_selected(opened: Any):
    page = opened(PAGES["two-urgent-causes"])
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")

    page.get_by_role("button", name="Copy").click()

    page.get_by_text("Selected; copy it with the keyboard.").wait_for()


@pytest.mark.parametrize("name", sorted(scenarios()))
def test_the_print_is_one_page_of_a4(opened: Any, name: str):
    page = opened(name)

    printed = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))

    # A page of A4 is 595 by 842 points.
    assert [(round(one.mediabox.width), round(one.mediabox.height)) for one in printed.pages] == [(595, 842)]


def test_the_print_holds_the_patient_the_bottom_line_the_findings_the_causes_and_the_letter(opened: Any):
    page = opened(PAGES["two-urgent-causes"])

    (printed,) = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True))).pages

    text = " ".join(printed.extract_text().split())
    wanted = [
        "Diabetes Example",
        "Urgent: osteomyelitis possible",
        "marrow signal on T1",
        "Cannot be assessed",
        "UNSENT",
    ]
    assert [words for words in wanted if words not in text] == []


# ---------------------------------------------------------------------------------------------- hostile records

MARK = "zq7"
PAYLOADS = {
    "script": f"<script>alert('{MARK}')</script>",
    "image": f"<img src=x onerror=alert('{MARK}')>",
    "svg": f"<svg/onload=alert('{MARK}')>",
    "attribute": f"\" autofocus onfocus=alert('{MARK}') x=\"",
    "single-quote": f"' onmouseover=alert('{MARK}') '",
    "link": f"javascript:alert('{MARK}')",
    "address": f"https://evil.example/{MARK}",
    "closing-tags": f"</bdi></td></table></textarea></title></style><h1>{MARK}</h1>",
    "textarea": f"</textarea><iframe src=//evil.example/{MARK}></iframe>",
    "comment": f"--><meta http-equiv=refresh content=0;url=//evil.example/{MARK}><!--",
    "right-to-left": f"\u202e\u2066{MARK}\u2069\u200f",
    "template": "{{ 7*7 }}{% for x in ().__class__.__base__.__subclasses__() %}" + MARK + "{% endfor %}",
    "style": f"}} * {{ background: url(//evil.example/{MARK}) }} @import '//evil.example/{MARK}';",
    "entity": f"&lt;script&gt;{MARK}&#x3c;b&#x3e;",
}
MEANING = (
    "resourceType", "id", "reference", "system", "code", "status", "contentType", "data", "relation", "started",
    "effectiveDateTime", "issued", "onsetDateTime", "recordedDate", "authoredOn", "type", "fullUrl", "start", "end",
)  # fmt: skip
"""Elements that decide what is read. Left as they are, all words beside them are shown; poisoned, little is read."""


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
@pytest.mark.parametrize("kept", [MEANING, ("resourceType", "id", "reference")], ids=["words", "everything"])
def test_no_word_of_a_record_becomes_anything_but_text(browser: Any, payload: str, kept: tuple[str, ...]):
    names = ("diabetic-foot-new-edema", "cast-ordered-over-a-foot-ulcer", "charcot-foot-with-low-t1")
    pages = {}
    for name in names:
        scenario = scenarios()[name]
        pages[name] = page_about(hostile(scenario.request, payload, kept), scenario.as_of, assets="/static")
    with serving(page_server(pages)) as address:
        page = browser.new_page()
        happened: list[str] = []
        page.on("dialog", lambda dialog: (happened.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda asked: happened.append(asked.url) if not asked.url.startswith(address) else None)
        for name in names:
            page.goto(f"{address}/page/{name}")
            unfold(page)
            page.mouse.move(200, 300)
            shapes = page.evaluate(SHAPES)

            assert MARK in page.inner_text("body"), "the payload must be shown, or this proves nothing"
            assert [shape for shape in shapes if MARK in shape] == []
            assert {shape.split(" ")[0] for shape in shapes} <= set(ELEMENTS.split())
            assert page.evaluate(BIDI) == []
        page.close()
    assert happened == []


SHAPES = """[...document.querySelectorAll('*')].map(one => [one.localName,
    ...[...one.attributes].map(found => `${found.name}=${found.value}`)].join(' '))"""
"""Every element with its attributes, as one string."""
BIDI = r"""[...document.body.textContent.matchAll(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g)].map(one => one[0])"""
ELEMENTS = """
html head meta title link script body a header h1 h2 h3 h4 span dl div dt dd strong bdi p time main section nav ul li
article svg path circle rect text tspan g defs pattern desc details summary table caption thead tbody tr th td q mark
form label select option button textarea footer
"""
"""What the templates are made of."""
