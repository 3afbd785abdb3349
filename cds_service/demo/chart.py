"""The pages of the record: patients, a chart, its decision support, and what went over the wire.

Everything works without JavaScript: a click is a link or a form, and an answer is a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from markdown_it import MarkdownIt
from markupsafe import Markup

from cds_service.demo.authorization import Authority, Launch
from cds_service.demo.calls import CdsClient, Exchange, written
from cds_service.demo.faults import LABELS, Fault
from cds_service.demo.fhir import Records, Refused
from cds_service.demo.orders import catalogue, detail_of, draft_for, label_of, signed, words_of
from cds_service.demo.patients import Patients
from cds_service.demo.record import read_chart

Json = dict[str, Any]

MOST_EXCHANGES = 200
SHOWN_SECTIONS = 3
"""So many parts of a card are shown at once; the rest opens on demand."""

INDICATORS = {"critical": "Urgent", "warning": "Attention", "info": "For information"}
HOOKS = {
    "patient-view": "Chart opened",
    "result-review": "Result opened",
    "order-select": "Order chosen",
    "order-sign": "Orders about to be signed",
}
_SECTION = re.compile(r"\n\n(?=\*\*)")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


@dataclass
class Desk:
    """What the clinician at the chart is doing: calls made, orders not yet signed, the fault that is switched on."""

    calls: dict[int, Exchange] = field(default_factory=dict)
    drafts: dict[str, list[Json]] = field(default_factory=dict)
    fault: Fault = Fault.NONE
    made: int = 0

    def keep(self, exchange: Exchange) -> int:
        """Keep a call, forget the oldest, and return the number of the new one."""
        self.made += 1
        self.calls[self.made] = exchange
        self.calls.pop(self.made - MOST_EXCHANGES, None)
        return self.made


def chart(
    patients: Patients,
    records: Records,
    client: CdsClient,
    authority: Authority,
    app_url: str,
    today: Callable[[], date],
) -> Blueprint:
    """Return the pages. ``app_url``: the launch address of a SMART app to offer in the chart, or empty."""
    pages = Blueprint("chart", __name__, template_folder="templates", static_folder="static")
    desk = Desk()
    orders = catalogue(patients.stories.values())

    def story_of(patient: str) -> Any:
        return patients.stories.get(patient) or abort(404)

    def call_of(patient: str, number: int) -> Exchange:
        exchange = desk.calls.get(number)
        if exchange is None or exchange.patient != patient:
            abort(404)
        return exchange

    def fire(hook: str, patient: str, context: Mapping[str, Any], report: str = "") -> int:
        return desk.keep(client.fire(hook, patient, context, desk.fault, report))

    def shown(patient: str, number: int) -> Any:
        return redirect(url_for(".show_call", patient=patient, number=number), 303)

    def draft_context(patient: str) -> Json:
        entries = [{"resource": draft} for draft in desk.drafts.get(patient, [])]
        return {"draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": entries}}

    @pages.get("/")
    def list_patients() -> str:
        rows = [(story, read_chart(records, story.patient, today())) for story in patients.stories.values()]
        return render_template("patients.html", rows=rows, fault=desk.fault, labels=LABELS)

    @pages.get("/patients/<patient>")
    def open_chart(patient: str) -> Any:
        story_of(patient)
        return shown(patient, fire("patient-view", patient, {}))

    @pages.get("/patients/<patient>/reports/<report>")
    def open_report(patient: str, report: str) -> Any:
        story_of(patient)
        found = next((one for one in records.all_of("DiagnosticReport", patient) if one["id"] == report), None)
        if found is None:
            abort(404)
        context = {"reportId": report}
        if study := _study_of(found):
            context["studyId"] = study
        return shown(patient, fire("result-review", patient, context, report))

    @pages.get("/patients/<patient>/calls/<int:number>")
    def show_call(patient: str, number: int) -> str:
        exchange = call_of(patient, number)
        reading = read_chart(records, patient, today())
        return render_template(
            "chart.html",
            story=story_of(patient),
            about=markdown(story_of(patient).about),
            record=reading,
            report=exchange.report or story_of(patient).report,
            exchange=exchange,
            number=number,
            cards=[_card(exchange, place) for place in range(len(exchange.cards))],
            answer=written(exchange.response),
            curl=curl_of(exchange),
            hook=HOOKS.get(exchange.hook, exchange.hook),
            drafts=[
                (one["id"], words_of(one) or "An order without a name", detail_of(one))
                for one in desk.drafts.get(patient, [])
            ],
            orders=orders,
            proposed=[label_of(one) for one in story_of(patient).drafts if label_of(one) in orders],
            fault=desk.fault,
            labels=LABELS,
            app_url=app_url,
        )

    @pages.post("/patients/<patient>/calls/<int:number>/again")
    def send_again(patient: str, number: int) -> Any:
        first = call_of(patient, number)
        body = request.form.get("request", "").replace("\r\n", "\n")
        return shown(
            patient, desk.keep(client.send(first.service, first.hook, patient, body, desk.fault, first.report))
        )

    @pages.post("/patients/<patient>/calls/<int:number>/cards/<int:place>/accept")
    def accept(patient: str, number: int, place: int) -> Any:
        exchange, card = _card_of(call_of(patient, number), place)
        suggestion = _chosen(card.get("suggestions"), "suggestion")
        done = [
            _apply(action, records, desk.drafts.setdefault(patient, [])) for action in suggestion.get("actions", [])
        ]
        exchange.outcomes[place] = f"Accepted: {suggestion['label']}. {' '.join(done)}".strip()
        taken = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": suggestion["uuid"]}]}
        client.feedback(exchange, taken)
        return shown(patient, number)

    @pages.post("/patients/<patient>/calls/<int:number>/cards/<int:place>/override")
    def override(patient: str, number: int, place: int) -> Any:
        exchange, card = _card_of(call_of(patient, number), place)
        reason = _chosen(card.get("overrideReasons"), "reason")
        exchange.outcomes[place] = f"Overridden: {reason['display']}."
        why: Json = {"reason": reason}
        if comment := request.form.get("comment", "").strip():
            why["userComment"] = comment
        client.feedback(exchange, {"card": card["uuid"], "outcome": "overridden", "overrideReason": why})
        return shown(patient, number)

    @pages.post("/patients/<patient>/calls/<int:number>/cards/<int:place>/launch")
    def launch_link(patient: str, number: int, place: int) -> Any:
        exchange, card = _card_of(call_of(patient, number), place)
        link = _chosen(card.get("links"), "link")
        context = {"appContext": link["appContext"]} if link.get("appContext") else {}
        return _launched(link["url"], patient, exchange.report, context)

    @pages.post("/patients/<patient>/launch")
    def launch_app(patient: str) -> Any:
        story_of(patient)
        return _launched(app_url, patient, request.form.get("report", ""), {}) if app_url else abort(404)

    def _launched(url: str, patient: str, report: str, context: Json) -> Any:
        """Do what a record does for a link of type smart: keep the context, and open the app with a handle for it."""
        if urlsplit(url).scheme not in ("http", "https"):
            abort(400)
        found = next((one for one in records.all_of("DiagnosticReport", patient) if one["id"] == report), None)
        if found is not None:
            study = _study_of(found)
            about = [f"DiagnosticReport/{report}", *([f"ImagingStudy/{study}"] if study else [])]
            context = {**context, "fhirContext": [{"reference": one} for one in about]}
        handle = authority.launch(Launch(patient, context))
        mark = "&" if urlsplit(url).query else "?"
        return redirect(f"{url}{mark}{urlencode({'launch': handle, 'iss': authority.fhir_base})}", 303)

    @pages.post("/patients/<patient>/orders")
    def choose_order(patient: str) -> Any:
        story_of(patient)
        order = orders.get(request.form.get("order", "")) or abort(400)
        draft = draft_for(order, patient, datetime.now().astimezone())
        desk.drafts.setdefault(patient, []).append(draft)
        selection = {"selections": [f"{draft['resourceType']}/{draft['id']}"]}
        return shown(patient, fire("order-select", patient, {**selection, **draft_context(patient)}))

    @pages.post("/patients/<patient>/orders/remove")
    def remove_order(patient: str) -> Any:
        kept = [one for one in desk.drafts.get(patient, []) if one["id"] != request.form.get("draft")]
        desk.drafts[patient] = kept
        return shown(patient, _number(request.form.get("call"))) if request.form.get("call") else open_chart(patient)

    @pages.post("/patients/<patient>/orders/sign")
    def sign_orders(patient: str) -> Any:
        """Ask the service before orders are signed. Without a card they are; with one, the clinician is asked."""
        story_of(patient)
        number = fire("order-sign", patient, draft_context(patient))
        exchange = desk.calls[number]
        if exchange.status == 200 and not exchange.cards:
            _file(patient)
        return shown(patient, number)

    @pages.post("/patients/<patient>/orders/file")
    def file_orders(patient: str) -> Any:
        _file(patient)
        return shown(patient, _number(request.form.get("call")))

    def _file(patient: str) -> None:
        for draft in desk.drafts.pop(patient, []):
            records.create(signed(draft))

    @pages.post("/fault")
    def set_fault() -> Any:
        desk.fault = Fault(request.form.get("fault", "")) if request.form.get("fault") in list(Fault) else Fault.NONE
        before = desk.calls.get(_number(request.form.get("call", "0")))
        if before is None:
            return redirect(url_for(".list_patients"), 303)
        if before.hook == "result-review" and before.report:
            return redirect(url_for(".open_report", patient=before.patient, report=before.report), 303)
        return redirect(url_for(".open_chart", patient=before.patient), 303)

    @pages.app_errorhandler(404)
    def not_there(_: Exception) -> Any:
        return render_template("missing.html"), 404

    return pages


def markdown(text: str) -> Markup:
    """Return Markdown as HTML. HTML in it is shown as text, and no picture is fetched."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704  # markdown-it escapes, with html switched off


def curl_of(exchange: Exchange) -> str:
    """Return the call as a line to paste into a shell; unsigned, which the demo's service allows."""
    body = exchange.request.replace("'", "'\\''")
    return f"curl -s '{exchange.url}' -H 'Content-Type: application/json' --data-binary '{body}'"


def _card(exchange: Exchange, place: int) -> Json:
    """Return a card as the page draws it: Markdown rendered, its later parts apart, links of other kinds left out."""
    card = exchange.cards[place]
    parts = _SECTION.split(card.get("detail", ""))
    return {
        **card,
        "word": INDICATORS.get(card["indicator"], "For information"),
        "first": markdown("\n\n".join(parts[:SHOWN_SECTIONS])),
        "rest": markdown("\n\n".join(parts[SHOWN_SECTIONS:])),
        "outcome": exchange.outcomes.get(place, ""),
        "links": [
            {**link, "place": number}
            for number, link in enumerate(card.get("links", []))
            if urlsplit(link["url"]).scheme in ("http", "https")
        ],
    }


def _card_of(exchange: Exchange, place: int) -> tuple[Exchange, Json]:
    if place >= len(exchange.cards) or place in exchange.outcomes and not request.path.endswith("/launch"):
        abort(400)
    return exchange, exchange.cards[place]


def _chosen(offered: list[Json] | None, name: str) -> Json:
    """Return what a form chose among what a card offers."""
    place = _number(request.form.get(name))
    if place >= len(offered or []):
        abort(400)
    return (offered or [])[place]


def _number(given: str | None) -> int:
    if given is None or not (given.isascii() and given.isdigit()):
        abort(400)
    return int(given)


def _apply(action: Json, records: Records, drafts: list[Json]) -> str:
    """Do what a suggestion says, and return it in words."""
    kind, resource = action["type"], action.get("resource", {})
    try:
        if kind == "create":
            records.create(signed(resource))
            return "The order is in the chart."
        ids = [one["id"] for one in drafts]
        name = str(action.get("resourceId", "")).rpartition("/")[2] if kind == "delete" else resource.get("id")
        if name not in ids:
            return "The order that it would change is no longer there."
        if kind == "delete":
            drafts.pop(ids.index(name))
            return "The order was removed."
        drafts[ids.index(name)] = resource
    except Refused as error:
        return f"The record did not take the order: {error.message}."
    return "The order was changed."


def _study_of(report: Json) -> str:
    return str(next((one["reference"].rpartition("/")[2] for one in report.get("imagingStudy", [])), ""))
