"""A report that could not be read is never passed over: it gets a card, or is named on the cards there are."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import orjson
import pytest
from rich.console import Console
from support.records import PATIENT, TODAY, bundle, loinc, order, report

from cds_service.data import data_path
from cds_service.knowledge.rules import rule_set
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.service import Answer, Ports, answer
from cds_service.settings import Settings
from cds_service.show import trace_tree
from cds_service.web import create_app
from tests.conformance.response_rules import check_response

Json = Any

SERVICES = load_services(data_path("hooks"))
RULES = rule_set()

RTF = {"presentedForm": [{"contentType": "text/rtf", "data": b64encode(b"{\\rtf1 Edema}").decode()}]}
EDEMA = "Bone marrow edema of the left sacroiliac joint."


def request(hook: str, *reports: Json, **prefetch: Json) -> Json:
    draft = order("x", loinc("36502-3"))
    context: Json = {"userId": "Practitioner/x", "patientId": PATIENT}
    if hook == "result-review":
        context["results"] = bundle(*reports)
    if hook.startswith("order"):
        context["draftOrders"] = bundle(draft)
    if hook == "order-select":
        context["selections"] = ["ServiceRequest/x"]
    return {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": context,
        "prefetch": {"reports": bundle(*reports), "observations": bundle(), **prefetch},
    }


def ask(hook: str, *reports: Json, **prefetch: Json) -> Answer:
    sent = request(hook, *reports, **prefetch)
    found = answer(read_call(sent, SERVICES[f"bme-{hook}"]), Settings(), Ports(RULES, lambda: TODAY))
    assert check_response({"cards": found.cards}, context=sent["context"]) == []
    return found


def summed_up(cards: list[Json]) -> list[tuple[str, str, str]]:
    return [(card["source"]["topic"]["code"], card["indicator"], card["summary"]) for card in cards]


def test_on_opening_a_result_that_cannot_be_read_a_card_says_so():
    (card,) = ask("result-review", report(**RTF)).cards

    assert summed_up([card]) == [
        (
            "unread-report",
            "info",
            "The report of 2026-03-02 could not be read: its text is in a format that is not read",
        )
    ]
    assert "suggestions" not in card
    assert card["detail"].splitlines()[:5] == [
        "Nothing is excluded by this. What this report says was not taken into account; please read it yourself.",
        "",
        "**Report not read**",
        "",
        "- DiagnosticReport\\/report, 2026-03-02: its text is in a format that is not read",
    ]
    assert "**Sources**" in card["detail"]


def test_several_reports_share_one_card_with_the_newest_first():
    reports = [report(f"r{year}", effectiveDateTime=f"{year}-01-02", **RTF) for year in range(2000, 2020)]

    (card,) = ask("result-review", *reports).cards

    listed = [row for row in card["detail"].splitlines() if row.startswith("- DiagnosticReport")]
    assert card["summary"] == (
        "20 reports could not be read; the newest of 2019-01-02: its text is in a format that is not read"
    )
    assert (len(listed), listed[0].partition(",")[0]) == (12, "- DiagnosticReport\\/r2019")
    assert "What these reports say was not taken into account; please read them yourself." in card["detail"]
    assert "**Reports not read**" in card["detail"]


def test_beside_other_cards_it_comes_last():
    unread = report("unread", code={"text": "MRI hip"}, **RTF)

    found = ask("result-review", report(conclusion=f"{EDEMA} 12 mm deep."), unread)

    assert [topic for topic, _, _ in summed_up(found.cards)] == ["axspa", "unread-report"]
    assert "1 report (its text is in a format that is not read)" in plain(found.cards[0]["detail"])


@pytest.mark.parametrize("hook", ["order-select", "order-sign", "patient-view"])
def test_on_other_hooks_it_is_named_on_the_cards_there_are_and_makes_none(hook: str):
    unread = report("unread", code={"text": "MRI hip"}, **RTF)

    alone, beside = ask(hook, unread), ask(hook, report(conclusion=f"{EDEMA} 12 mm deep."), unread)

    topics = [topic for topic, _, _ in summed_up([*alone.cards, *beside.cards])]
    assert "unread-report" not in topics
    assert "axspa" in topics
    assert all("1 report (its text is in a format that is not read)" in plain(card["detail"]) for card in beside.cards)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(report(conclusion="Normal study."), id="nothing of ours"),
        pytest.param(report(code={"text": "MRI brain"}, **RTF), id="the brain"),
        pytest.param(report(code={"text": "X-ray left hip"}, **RTF), id="a radiograph"),
        pytest.param(report(status="cancelled", **RTF), id="cancelled"),
    ],
)
def test_without_such_a_report_there_is_no_such_card(sent: Json):
    assert ask("result-review", sent).cards == []


def test_a_day_that_is_not_known_is_left_out():
    (card,) = ask("result-review", report(effectiveDateTime=None, issued=None, **RTF)).cards

    assert card["summary"] == "The report could not be read: its text is in a format that is not read"


def test_the_log_counts_the_reports_not_read(capsys: pytest.CaptureFixture[str]):
    client = create_app(Settings(), Ports(RULES, lambda: TODAY)).test_client()
    capsys.readouterr()

    for reports in ([report(**RTF)], [report(conclusion=EDEMA)]):
        body = orjson.dumps(request("patient-view", *reports))
        client.post("/cds-services/bme-patient-view", data=body, content_type="application/json")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["unread_reports"] for line in lines] == [1, 0]


def test_the_trace_says_what_became_of_every_report():
    found = ask(
        "result-review",
        report("a", EDEMA, effectiveDateTime="2026-03-04"),
        report("b", "Normal study.", code={"text": "MRI knee"}, effectiveDateTime="2026-03-03"),
        report("c", code={"text": "MRI hip"}, effectiveDateTime="2026-03-02", **RTF),
    )

    console = Console(width=200)
    with console.capture() as shown:
        console.print(trace_tree(found, RULES))
    assert [line.strip("├└─ ") for line in shown.get().splitlines() if "report DiagnosticReport" in line] == [
        "report DiagnosticReport/a 2026-03-04: read",
        "report DiagnosticReport/b 2026-03-03: read; nothing this service looks for was recognised",
        "report DiagnosticReport/c 2026-03-02: not read: its text is in a format that is not read",
    ]


def plain(markdown: str) -> str:
    return markdown.replace("\\", "")
