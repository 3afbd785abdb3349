"""What is read in a file: the text of a report, or FHIR resources. The readers are those of a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from cds_service.errors import BadRequest
from cds_service.fhir.access import Json, objects, reference_key, text
from cds_service.fhir.readers import ReadingRules, ReportOutcome, ReportReading, read_case
from cds_service.fhir.readers.report_text import NotRead, texts_of
from cds_service.fhir.readers.reports import read_texts
from cds_service.fhir.source import SUBJECT_FIELDS, entries, read_record
from cds_service.knowledge.codes.sites import Place
from cds_service.model.case import Statement
from cds_service.model.condition import Fact
from cds_service.model.finding import Provenance
from cds_service.model.quantity import Range
from cds_service.protocol.strict_json import parse_json


class UnreadableFile(ValueError):
    """A file that holds neither the text of a report nor FHIR; the message says what is wrong with it."""


@dataclass(frozen=True)
class FileReading:
    """What was read in one file.

    Attributes:
        statements: everything that is stated, in the order of the text or of the resources.
        reports: what became of each report; of a text file, the one report it is.
        gaps: in words, what of the resources could not be used.
        is_fhir: whether the file holds FHIR.
    """

    statements: tuple[Statement, ...]
    reports: tuple[ReportReading, ...]
    gaps: tuple[str, ...] = ()
    is_fhir: bool = False


def read_file(path: Path, how: ReadingRules, place: Place) -> FileReading:
    """Return what is read in a file. ``place`` is where the study of a text was, where that is known otherwise.

    Raises:
        UnreadableFile: it cannot be opened, is not UTF-8, or holds no report and no FHIR resource.
    """
    kind = path.suffix.lower()
    if kind not in (".txt", ".json"):
        raise UnreadableFile("the name ends neither in .txt (text of a report) nor in .json (FHIR)")
    try:
        content = path.read_bytes()
        words = content.decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"it cannot be opened ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"it is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    return _of_text(words, how, place) if kind == ".txt" else _of_fhir(words, how)


def _of_text(words: str, how: ReadingRules, place: Place) -> FileReading:
    texts = texts_of({"conclusion": words})
    found = tuple(read_texts(texts, Provenance(), place, "study", how))
    reason = next(iter(texts.refused), None if texts.texts else NotRead.NO_TEXT)
    read = ReportOutcome.FINDINGS if found else ReportOutcome.NOTHING
    return FileReading(found, (ReportReading("", "", read if texts.texts else ReportOutcome.NOT_READ, reason),))


def _of_fhir(words: str, how: ReadingRules) -> FileReading:
    try:
        value = parse_json(words.encode())
    except BadRequest as error:
        raise UnreadableFile(f"it holds no JSON that can be used: {error.message}") from error
    if not isinstance(value, Mapping) or not text(value.get("resourceType")):
        raise UnreadableFile("it is JSON, but no FHIR resource: it has no resourceType")
    resources = entries(value) if value["resourceType"] == "Bundle" else [value]
    reading = read_case(read_record({"file": value}, {}, _patient_id(resources)), how, drafts={})
    return FileReading(reading.statements, reading.reports, reading.gaps, is_fhir=True)


def _patient_id(resources: Iterable[Json]) -> str:
    """Return the id of the patient whose record this is: the Patient in it, or else the first one it names."""
    named = ""
    for resource in resources:
        if resource.get("resourceType") == "Patient":
            return text(resource.get("id"))
        subjects = (
            key for name in SUBJECT_FIELDS for one in objects(resource.get(name)) if (key := reference_key(one))
        )
        named = named or next((key.split("/")[-1] for key in subjects), "")
    return named


def as_json(name: str, reading: FileReading, facts: Mapping[str, Fact]) -> dict[str, Any]:
    """Return what was read under the names of the vignettes; every finding has every key.

    A text that was not read, or only in part, has the reason under ``not_read``; FHIR has what became of each report
    and the gaps.
    """
    changes: dict[tuple[object, ...], set[str]] = {}
    for statement in reading.statements:
        if statement.fact == "change":
            changes.setdefault(_where_said(statement), set()).add(str(statement.value))
    # What is kept twice for the rules is shown once: "charcot" stands beside "named.charcot".
    shown = [one for one in reading.statements if not one.fact.startswith("named.")]
    result: dict[str, Any] = {"file": name, "findings": [_finding(one, facts[one.fact], changes) for one in shown]}
    if reading.is_fhir:
        result["reports"] = [
            {"report": one.key, "day": one.day, "outcome": one.outcome.name.lower(), "reason": one.reason}
            for one in reading.reports
        ]
        result["gaps"] = list(reading.gaps)
    for report in reading.reports:
        if report.reason is not None and not reading.is_fhir:
            result["not_read"] = report.reason
    return result


def _where_said(statement: Statement) -> tuple[object, ...]:
    source = statement.source
    return source.reference, source.start, source.end, source.quote


def _finding(statement: Statement, fact: Fact, changes: Mapping[tuple[object, ...], set[str]]) -> dict[str, Any]:
    source, value = statement.source, statement.value
    is_length = isinstance(value, Range)
    # A sentence that states several changes does not tell which of its findings each is of.
    stated = changes.get(_where_said(statement), set()) if not fact.name.startswith(("change", "seq.")) else set()
    return {
        "finding": fact.name,
        "state": None if is_length else str(value),
        "value": _numbers(value) if isinstance(value, Range) else None,
        "unit": (fact.unit or None) if is_length else None,
        "site": statement.site,
        "side": statement.side,
        "change": next(iter(stated)) if len(stated) == 1 else None,
        "section": source.section or ("untitled" if source.quote else None),
        "quote": source.quote or None,
        "start": source.start,
        "end": source.end,
        "how": source.trust.name.lower(),
    }


def _numbers(value: Range) -> float | list[float | None]:
    """Return one number, or the bounds of a range; None where it has no bound."""
    low, high = _number(value.low), _number(value.high)
    return low if low is not None and low == high else [low, high]


def _number(value: Decimal | None) -> float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)
