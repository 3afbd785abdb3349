"""The pages of the record: patients, a chart, its decision support, and what went over the wire.

Everything works without JavaScript: a click is a link or a form, and an answer is a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, abort, redirect, render_template, request, url_for
from markdown_it import MarkdownIt
from markupsafe import Markup

from cds_service.demo.authorization import Authority, Launch
from cds_service.demo.calls import CdsClient, Exchange, written
from cds_service.demo.faults import LABELS, Fault
from cds_service.demo.fhir import Records, Refused
from cds_service.demo.orders import catalogue, detail_of, draft_for, label_of, signed, words_of
from cds_service.demo.patients import Patients, Story
from cds_service.demo.record import Chart, read_chart

Json = dict[str, Any]

FEATURED_PATIENT = "example-diabetic-foot"
"""With whom somebody who does not know the demo begins."""

MOST_EXCHANGES = 200
SOURCES = "\n\n**Sources**"
"""From here on a card opens on demand: what was found, and what was not checked, stands before it."""

INDICATORS = {"critical": "Urgent", "warning": "Attention", "info": "For information"}
HOOKS = {
    "patient-view": "Chart opened",
    "result-review": "Result opened",
    "order-select": "Order chosen",
    "order-sign": "Orders about to be signed",
}
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


@dataclass(frozen=True)
class ChartPages:
    """The views of the chart. ``app_url``: the launch address of a SMART app to offer, or empty."""

    patients: Patients
    records: Records
    client: CdsClient
    authority: Authority
    app_url: str
    today: Callable[[], date]
    desk: Desk = field(default_factory=Desk)

    def blueprint(self) -> Blueprint:
        """Return the pages at their addresses."""
        pages = Blueprint("chart", __name__, template_folder="templates", static_folder="static")
        chart, call = "/patients/<patient>", "/patients/<patient>/calls/<int:number>"
        card = f"{call}/cards/<int:place>"
        pages.get("/")(self.list_patients)
        pages.get(chart)(self.open_chart)
        pages.get(f"{chart}/reports/<report>")(self.open_report)
        pages.get(call)(self.show_call)
        pages.post(f"{call}/again")(self.send_again)
        pages.post(f"{card}/accept")(self.accept)
        pages.post(f"{card}/override")(self.override)
        pages.post(f"{card}/launch")(self.launch_link)
        pages.post(f"{chart}/launch")(self.launch_app)
        pages.post(f"{chart}/orders")(self.choose_order)
        pages.post(f"{chart}/orders/remove")(self.remove_order)
        pages.post(f"{chart}/orders/sign")(self.sign_orders)
        pages.post(f"{chart}/orders/file")(self.file_orders)
        pages.post("/fault")(self.set_fault)
        pages.app_errorhandler(404)(lambda _: (render_template("missing.html"), 404))
        return pages

    # Looking

    def list_patients(self) -> str:
        groups: dict[str, list[tuple[Story, Chart]]] = {
            "A result to read": [],
            "An order to write": [],
            "A chart to open": [],
        }
        for story in self.patients.stories.values():
            heading = "A result to read" if story.report else "An order to write" if story.drafts else "A chart to open"
            groups[heading].append((story, read_chart(self.records, story.patient, self.today())))
        first = self.patients.stories[FEATURED_PATIENT]
        return render_template(
            "patients.html", groups=groups.items(), first=first, fault=self.desk.fault, labels=LABELS
        )

    def open_chart(self, patient: str) -> Any:
        return self._shown(patient, self._fire("patient-view", patient, {}))

    def open_report(self, patient: str, report: str) -> Any:
        found = self._report(patient, report) or abort(404)
        study = _study_of(found)
        context = {"reportId": report, "studyId": study} if study else {"reportId": report}
        return self._shown(patient, self._fire("result-review", patient, context, report))

    def show_call(self, patient: str, number: int) -> str:
        exchange, story = self._call(patient, number), self._story(patient)
        orders = self._catalogue()
        return render_template(
            "chart.html",
            story=story,
            about=markdown(story.about),
            record=read_chart(self.records, patient, self.today()),
            report=exchange.report or story.report,
            exchange=exchange,
            number=number,
            cards=None if exchange.cards is None else [_card(exchange, place) for place in range(len(exchange.cards))],
            answer=written(exchange.response),
            curl=curl_of(exchange),
            hook=HOOKS.get(exchange.hook, exchange.hook),
            drafts=[
                (one["id"], words_of(one) or "An order without a name", detail_of(one)) for one in self._drafts(patient)
            ],
            orders=orders,
            proposed=[label_of(one) for one in story.drafts if label_of(one) in orders],
            fault=self.desk.fault,
            labels=LABELS,
            app_url=self.app_url,
        )

    # What is done with a call and its cards

    def send_again(self, patient: str, number: int) -> Any:
        first = self._call(patient, number)
        body = request.form.get("request", "").replace("\r\n", "\n")
        return self._shown(patient, self.desk.keep(self.client.send(replace(first, request=body), self.desk.fault)))

    def accept(self, patient: str, number: int, place: int) -> Any:
        exchange, card = self._open_card(patient, number, place)
        suggestion = _chosen(card.get("suggestions"), "suggestion")
        done = [self._apply(action, patient) for action in suggestion.get("actions", [])]
        exchange.outcomes[place] = " ".join([f"Accepted: {suggestion['label']}.", *done])
        taken = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": suggestion["uuid"]}]}
        self.client.feedback(exchange, taken)
        return self._shown(patient, number, place)

    def override(self, patient: str, number: int, place: int) -> Any:
        exchange, card = self._open_card(patient, number, place)
        reason = _chosen(card.get("overrideReasons"), "reason")
        exchange.outcomes[place] = f"Not followed: {reason['display']}."
        why: Json = {"reason": reason}
        if comment := request.form.get("comment", "").strip():
            why["userComment"] = comment
        self.client.feedback(exchange, {"card": card["uuid"], "outcome": "overridden", "overrideReason": why})
        return self._shown(patient, number, place)

    def launch_link(self, patient: str, number: int, place: int) -> Any:
        exchange = self._call(patient, number)
        link = _chosen(_card_at(exchange, place).get("links"), "link")
        context = {"appContext": link["appContext"]} if link.get("appContext") else {}
        return self._launched(link["url"], patient, exchange.report, context)

    def launch_app(self, patient: str) -> Any:
        self._story(patient)
        return self._launched(self.app_url or abort(404), patient, request.form.get("report", ""), {})

    def set_fault(self) -> Any:
        given = request.form.get("fault", "")
        self.desk.fault = Fault(given) if given in list(Fault) else abort(400)
        before = self.desk.calls.get(_number(request.form.get("call", "0")))
        if before is None:
            return redirect(url_for("chart.list_patients"), 303)
        if before.hook == "result-review" and before.report:
            return redirect(url_for("chart.open_report", patient=before.patient, report=before.report), 303)
        return redirect(url_for("chart.open_chart", patient=before.patient), 303)

    # Orders

    def choose_order(self, patient: str) -> Any:
        order = self._catalogue().get(request.form.get("order", "")) or abort(400)
        draft = draft_for(order, patient)
        self.desk.drafts.setdefault(patient, []).append(draft)
        selections = [f"{draft['resourceType']}/{draft['id']}"]
        context = {"selections": selections, **self._draft_context(patient)}
        return self._shown(patient, self._fire("order-select", patient, context))

    def remove_order(self, patient: str) -> Any:
        self.desk.drafts[patient] = [one for one in self._drafts(patient) if one["id"] != request.form.get("draft")]
        return self._shown(patient, _number(request.form.get("call")))

    def sign_orders(self, patient: str) -> Any:
        """Ask the service before orders are signed. Without a card they are; with one, the clinician decides."""
        number = self._fire("order-sign", patient, self._draft_context(patient))
        if self.desk.calls[number].cards == []:
            self._file(patient)
        return self._shown(patient, number)

    def file_orders(self, patient: str) -> Any:
        self._file(patient)
        return self._shown(patient, _number(request.form.get("call")))

    def _file(self, patient: str) -> None:
        for draft in self.desk.drafts.pop(patient, []):
            self.records.create(signed(draft))

    def _drafts(self, patient: str) -> list[Json]:
        return self.desk.drafts.get(patient, [])

    def _draft_context(self, patient: str) -> Json:
        entries = [{"resource": draft} for draft in self._drafts(patient)]
        return {"draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": entries}}

    def _catalogue(self) -> Mapping[str, Json]:
        return catalogue(self.patients.stories.values())

    # Shared

    def _fire(self, hook: str, patient: str, context: Mapping[str, Any], report: str = "") -> int:
        self._story(patient)
        return self.desk.keep(self.client.fire(hook, patient, context, self.desk.fault, report))

    def _shown(self, patient: str, number: int, card: int | None = None) -> Any:
        """Show a call, at the card that something was done with."""
        anchor = None if card is None else f"card-{card}"
        return redirect(url_for("chart.show_call", patient=patient, number=number, _anchor=anchor), 303)

    def _story(self, patient: str) -> Story:
        return self.patients.stories.get(patient) or abort(404)

    def _report(self, patient: str, report: str) -> Json | None:
        return next((one for one in self.records.all_of("DiagnosticReport", patient) if one["id"] == report), None)

    def _call(self, patient: str, number: int) -> Exchange:
        exchange = self.desk.calls.get(number)
        return exchange if exchange is not None and exchange.patient == patient else abort(404)

    def _open_card(self, patient: str, number: int, place: int) -> tuple[Exchange, Json]:
        """Return a card that nothing was done with yet."""
        exchange = self._call(patient, number)
        return (exchange, _card_at(exchange, place)) if place not in exchange.outcomes else abort(409)

    def _launched(self, url: str, patient: str, report: str, context: Json) -> Any:
        """Do what a record does for a link of type smart: keep the context, and open the app with a handle for it."""
        if not _is_web(url):
            abort(400)
        if found := self._report(patient, report):
            study = _study_of(found)
            about = [f"DiagnosticReport/{report}", *([f"ImagingStudy/{study}"] if study else [])]
            context = {**context, "fhirContext": [{"reference": one} for one in about]}
        handle = self.authority.launch(Launch(patient, context))
        mark = "&" if urlsplit(url).query else "?"
        return redirect(f"{url}{mark}{urlencode({'launch': handle, 'iss': self.authority.fhir_base})}", 303)

    def _apply(self, action: Json, patient: str) -> str:
        """Do what a suggestion says, and return it in words."""
        kind, resource, drafts = action["type"], action.get("resource", {}), self._drafts(patient)
        if kind == "create":
            try:
                self.records.create(signed(resource))
            except Refused as error:
                return f"The record did not take the order: {error.message}."
            return "The order is in the chart."
        ids = [one["id"] for one in drafts]
        name = str(action.get("resourceId", "")).rpartition("/")[2] if kind == "delete" else resource.get("id")
        if name not in ids:
            return "The order that it would change is no longer there."
        if kind == "delete":
            drafts.pop(ids.index(name))
            return "The order was removed."
        drafts[ids.index(name)] = resource
        return "The order was changed; it is not yet signed."


def markdown(text: str) -> Markup:
    """Return Markdown as HTML. HTML in it is shown as text, and no picture is fetched."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704  # markdown-it escapes, with html switched off


def curl_of(exchange: Exchange) -> str:
    """Return the call as a line to paste into a shell; unsigned, which the demo's service allows."""
    body = exchange.request.replace("'", "'\\''")
    return f"curl -s '{exchange.url}' -H 'Content-Type: application/json' --data-binary '{body}'"


def _card(exchange: Exchange, place: int) -> Json:
    """Return a card as the page draws it: Markdown rendered, its later parts apart, links of other kinds left out."""
    card = _card_at(exchange, place)
    shown, mark, rest = card.get("detail", "").partition(SOURCES)
    return {
        **card,
        "word": INDICATORS.get(card["indicator"], "For information"),
        "detail": markdown(shown),
        "sources": markdown(mark + rest),
        "outcome": exchange.outcomes.get(place, ""),
        "links": [
            {**link, "place": number} for number, link in enumerate(card.get("links", [])) if _is_web(link["url"])
        ],
    }


def _card_at(exchange: Exchange, place: int) -> Json:
    cards = exchange.cards or []
    return cards[place] if place < len(cards) else abort(404)


def _is_web(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


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


def _study_of(report: Json) -> str:
    return str(next((one["reference"].rpartition("/")[2] for one in report.get("imagingStudy", [])), ""))
