"""One record into one case.

Each resource is read on its own: one that cannot be read is counted and named, and the others still count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from cds_service.engine.lesions import assemble, with_context
from cds_service.fhir.access import Json, key_of, references, text
from cds_service.fhir.readers.conditions import read_condition
from cds_service.fhir.readers.context import ReadingRules, StudyPlaces
from cds_service.fhir.readers.drafts import read_drafts, read_placed
from cds_service.fhir.readers.imaging_study import IGNORED_STATUS, is_mr, read_sequences, study_day, study_place
from cds_service.fhir.readers.observations import observation_set, read_marker, read_observation
from cds_service.fhir.readers.patient import read_patient
from cds_service.fhir.readers.reports import Report, contained, find_report, read_report
from cds_service.fhir.source import Record
from cds_service.model.case import Case, PlacedOrder, Problem, Statement, Study

UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, RecursionError)
"""What a resource of an unexpected shape may raise in a reader; anything else is our mistake."""


@dataclass(frozen=True)
class Reading:
    """A case, and in words what of the record could not be used."""

    case: Case
    gaps: tuple[str, ...]


def read_case(
    record: Record, how: ReadingRules, *, drafts: list[Json], selections: frozenset[str] | None = None
) -> Reading:
    """Return the record as a case.

    Args:
        drafts: the draft orders of the call.
        selections: keys of the drafts in focus; None when all are.
    """
    problems = list(record.problems)
    statements: list[Statement] = []

    def collect(resource: Json, read: Callable[[], Iterable[Statement]]) -> None:
        try:
            statements.extend(list(read()))
        except UNREADABLE:
            problems.append(Problem("unreadable", text(resource.get("resourceType")), key_of(resource)))

    inner = _contained(record)
    studies, places = _studies([*record.of_type("ImagingStudy"), *_of_type(inner, "ImagingStudy")], how, collect)
    reports = _reports(record, places, problems)
    for report in reports:
        studies[report.study] = _reported(studies.get(report.study), report)
    known = StudyPlaces(
        {**{report.study: report.place for report in reports}, **places.places},
        {key: study.date for key, study in studies.items()},
    )
    for report in reports:
        collect(report.resource, partial(read_report, report, how))
    observations = [*record.of_type("Observation"), *_of_type(inner, "Observation")]
    members = {member: report.study for report in reports for member in _members(report)}
    found = observation_set(observations, members)
    for key in sorted(found.by_key):
        resource = found.by_key[key]
        collect(resource, partial(read_observation, resource, found, known, how, problems))
    statements.extend(read_marker(found.by_key.values(), how))
    for resource in record.of_type("Patient"):
        collect(resource, partial(read_patient, resource, how))
    for resource in record.of_type("Condition"):
        collect(resource, partial(read_condition, resource, how))

    patient, lesions = assemble(statements, studies, how.rules.facts, how.rules.sites)
    case = Case(
        patient=patient,
        lesions=lesions,
        drafts=tuple(
            with_context(draft, statements, how.rules.facts, how.rules.sites)
            for draft in read_drafts(drafts, how.aliases, selections)
        ),
        placed=tuple(_placed(record, how)),
        problems=tuple(dict.fromkeys(problems)),
    )
    return Reading(case, _gaps(problems))


def _contained(record: Record) -> list[Json]:
    """Return what reports carry inside themselves, under ids that no other report uses."""
    found: list[Json] = []
    for report in record.of_type("DiagnosticReport"):
        for name, resource in contained(report).items():
            kind = text(resource.get("resourceType"))
            found.append({**resource, "id": f"{key_of(report).split('/')[-1]}{name}", "resourceType": kind})
    return found


def _of_type(resources: Iterable[Json], kind: str) -> list[Json]:
    return [resource for resource in resources if resource.get("resourceType") == kind]


def _inner_key(report: Json, reference: str, kind: str) -> str:
    """Return the key under which ``_contained`` lists a reference such as ``#finding1``."""
    return f"{kind}/{key_of(report).split('/')[-1]}{reference}" if reference.startswith("#") else reference


def _studies(
    resources: Iterable[Json], how: ReadingRules, collect: Callable[[Json, Callable[[], Iterable[Statement]]], None]
) -> tuple[dict[str, Study], StudyPlaces]:
    studies: dict[str, Study] = {}
    places = {}
    for resource in resources:
        if text(resource.get("status")) in IGNORED_STATUS or not is_mr(resource):
            continue
        key = key_of(resource)
        place = study_place(resource, how)
        studies[key] = Study(key, study_day(resource), place.site, place.side)
        places[key] = place
        collect(resource, partial(read_sequences, resource, how))
    return studies, StudyPlaces(places, {key: study.date for key, study in studies.items()})


def _reports(record: Record, studies: StudyPlaces, problems: list[Problem]) -> list[Report]:
    """Return the reports to read; of several for one study the newest last, so that it names the study."""
    found: list[Report] = []
    for resource in record.of_type("DiagnosticReport"):
        try:
            report = find_report(_with_inner_studies(resource), studies)
        except UNREADABLE:
            problems.append(Problem("unreadable", "DiagnosticReport", key_of(resource)))
            continue
        if report is not None:
            found.append(report)
    return sorted(found, key=lambda report: (report.issued, report.key))


def _with_inner_studies(resource: Json) -> Json:
    """Return the report with references to contained studies written as ``_contained`` lists them."""
    named = [_inner_key(resource, key, "ImagingStudy") for key in references(resource.get("imagingStudy"))]
    return {**resource, "imagingStudy": [{"reference": key} for key in named]} if named else resource


def _members(report: Report) -> list[str]:
    return [_inner_key(report.resource, key, "Observation") for key in references(report.resource.get("result"))]


def _reported(study: Study | None, report: Report) -> Study:
    if study is None:
        study = Study(report.study, report.day, report.place.site, report.place.side)
    return replace(study, report=report.key, issued=report.issued, preliminary=report.preliminary)


def _placed(record: Record, how: ReadingRules) -> Iterator[PlacedOrder]:
    for resource in record.of_type("ServiceRequest"):
        placed = read_placed(resource, how.aliases)
        if placed is not None:
            yield placed


def _gaps(problems: Iterable[Problem]) -> tuple[str, ...]:
    """Return in words, counted, what could not be used; never which patient or value."""
    kinds = {
        "unreadable": "{n} {about} (unreadable)",
        "other-patient": "{n} {about} (of another patient)",
        "rejected-value": "{about} (value without a usable length)",
    }
    counted: dict[tuple[str, str], int] = {}
    for problem in problems:
        counted[problem.code, problem.about] = counted.get((problem.code, problem.about), 0) + 1
    return tuple(kinds[code].format(n=n, about=about) for (code, about), n in sorted(counted.items()) if code in kinds)
