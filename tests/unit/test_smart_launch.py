"""One launch of the app from a record, on loopback: the everyday part of what conformance/test_smart_client.py asks."""

from __future__ import annotations

from pathlib import Path

from support.html import parsed
from support.launches import FOOT, Browser, launched
from support.record import demo


def test_a_launch_opens_a_page_that_is_answered_asked_what_if_and_closed(tmp_path: Path):
    browser = Browser()
    with demo(tmp_path) as both:
        unknown = browser.get(f"{both.service}/smart/launch", iss="https://unknown.example/fhir", launch="x")
        page = launched(both, browser, FOOT, fhirContext=[{"reference": "DiagnosticReport/example-foot-report-13"}])
        what_if = browser.get(f"{page.url}?if.fever=present&if.nothing=1")
        unanswered = browser.post(f"{page.url}feedback", answer="accepted")
        style = browser.get(f"{page.url}style.css")
        keys = browser.get(f"{both.service}/smart/jwks.json")
        closed = browser.post(f"{page.url}end")
        gone = browser.get(page.url)

    assert [one.status_code for one in (unknown, page, what_if, unanswered, style, keys, closed, gone)] == [
        403, 200, 200, 404, 200, 200, 200, 410
    ]  # fmt: skip
    assert parsed(page.text).one("dl", class_="banner").find("dd")[0].text == "Diabetes Example"
    assert "What if, not the record" in parsed(what_if.text).text
    assert [key["alg"] for key in keys.json()["keys"]] == ["ES384"]
