"""The record of one patient as the chart shows it: plain words, newest first."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.demo.fhir import Records
from cds_service.demo.orders import detail_of, words_of

Json = dict[str, Any]

_TAG = re.compile(r"<[^>]*>")
_NO_TEXT = "No text of this report is in the record."


@dataclass(frozen=True)
class Line:
    """One entry of a list in the chart. ``mark`` is a short word to be shown beside it, or empty."""

    id: str
    day: str
    words: str
    detail: str
    mark: str = ""


@dataclass(frozen=True)
class Chart:
    """What the record holds, by heading. An empty list means that it holds none."""

    name: str
    sex: str
    born: str
    age: str
    number: str
    reports: list[Line]
    findings: list[Line]
    problems: list[Line]
    orders: list[Line]


def read_chart(records: Records, patient: str, today: date) -> Chart:
    """Return the chart of a patient. Raises fhir.Refused if there is no such patient."""
    person = records.read("Patient", patient)
    born = str(person.get("birthDate", ""))
    orders = [*records.all_of("ServiceRequest", patient), *records.all_of("MedicationRequest", patient)]
    return Chart(
        name=_name(person),
        sex=str(person.get("gender", "sex not recorded")),
        born=born,
        age=_age(born, today),
        number=next((str(one.get("value", "")) for one in person.get("identifier", [])), ""),
        reports=_newest_first(_report(one) for one in records.all_of("DiagnosticReport", patient)),
        findings=_newest_first(_finding(one) for one in records.all_of("Observation", patient)),
        problems=_newest_first(_problem(one) for one in records.all_of("Condition", patient)),
        orders=_newest_first(_order(one) for one in orders),
    )


def _newest_first(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.day, reverse=True)


def _name(person: Json) -> str:
    name: Json = next(iter(person.get("name", [])), {})
    return " ".join([*name.get("given", []), name.get("family", "")]).strip() or "Name not recorded"


def _age(born: str, today: date) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", born):
        return ""
    day = date.fromisoformat(born)
    return f"{today.year - day.year - ((today.month, today.day) < (day.month, day.day))} years"


def _report(one: Json) -> Line:
    return Line(one["id"], _day(one), _words(one.get("code")), _text(one), str(one.get("status", "")))


def _text(report: Json) -> str:
    """Return the words of a report, wherever they are."""
    if report.get("conclusion"):
        return str(report["conclusion"])
    for form in report.get("presentedForm", []):
        if str(form.get("contentType", "")).startswith("text/") and form.get("data"):
            try:
                written = base64.b64decode(form["data"]).decode(errors="replace")
            except binascii.Error:
                continue
            return _without_tags(written) if "html" in form["contentType"] else written
    coded = [_words(one) for one in report.get("conclusionCode", [])]
    return _without_tags(report.get("text", {}).get("div", "")) or "; ".join(coded) or _NO_TEXT


def _without_tags(written: str) -> str:
    return html.unescape(_TAG.sub(" ", written)).strip()


def _finding(one: Json) -> Line:
    codes = [_words(part) for part in one.get("interpretation", [])]
    parts = [f"{_words(part.get('code'))}: {_value(part)}" for part in one.get("component", [])]
    value = "; ".join(part for part in [_value(one), *parts, *codes] if part)
    return Line(one["id"], _day(one), _words(one.get("code")), value)


def _value(one: Json) -> str:
    if quantity := one.get("valueQuantity"):
        return f"{quantity.get('comparator', '')}{quantity.get('value', '')} {quantity.get('unit', '')}".strip()
    if concept := one.get("valueCodeableConcept"):
        return _words(concept)
    if "valueBoolean" in one:
        return "yes" if one["valueBoolean"] else "no"
    return str(one.get("valueString", one.get("valueInteger", "")))


def _problem(one: Json) -> Line:
    status = next((part.get("code", "") for part in one.get("clinicalStatus", {}).get("coding", [])), "")
    since = one.get("onsetDateTime") or one.get("recordedDate") or ""
    return Line(one["id"], str(since)[:10], _words(one.get("code")), "", status)


def _order(one: Json) -> Line:
    status = " ".join(part for part in (one.get("priority"), one.get("status")) if part and part != "routine")
    return Line(one["id"], str(one.get("authoredOn", ""))[:10], words_of(one), detail_of(one), status)


def _words(concept: Json | None) -> str:
    if not concept:
        return "not named"
    codings = (one.get("display") or one.get("code", "") for one in concept.get("coding", []))
    return str(concept.get("text") or next(codings, "not named"))


def _day(one: Json) -> str:
    when = one.get("effectiveDateTime") or one.get("effectivePeriod", {}).get("start") or one.get("issued") or ""
    return str(when)[:10]
