"""One record into one case.

Each resource is read on its own: one that cannot be read is counted and named, and the others still count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from cds_service.engine.lesions import assemble, with_context
from cds_service.fhir.access import Json, key_of, references, text
from cds_service.fhir.readers.conditions import may_say_anything, read_condition
from cds_service.fhir.readers.context import UNREADABLE, ReadingRules, StudyPlaces
from cds_service.fhir.readers.drafts import read_drafts, read_placed
from cds_service.fhir.readers.imaging_study import IGNORED_STATUS, read_sequences, study_day, study_place
from cds_service.fhir.readers.imaging_study import modality as modality_of_study
from cds_service.fhir.readers.markers import read_markers
from cds_service.fhir.readers.medication import read_taken
from cds_service.fhir.readers.observations import (
    Links,
    may_say_something,
    observation_set,
    read_observation,
)
from cds_service.fhir.readers.patient import read_patient
from cds_service.fhir.readers.report_text import NotRead
from cds_service.fhir.readers.reports import (
    Report,
    ReportOutcome,
    ReportReading,
    contained,
    current,
    find_report,
    inner_key,
    is_readable,
    members,
    modality,
    outcome_of,
    read_radiograph,
    read_report,
)
from cds_service.fhir.readers.versions import is_of_another_version
from cds_service.fhir.source import Record
from cds_service.knowledge.codes.sites import Place
from cds_service.knowledge.codes.tables import may_be_a_finding
from cds_service.model.case import Case, PlacedOrder, Problem, Statement, Study


@dataclass(frozen=True)
class Reading:
    """A case, what became of each report, and in words what of the record could not be used.

    ``statements`` are all that was read, before they were sorted into the case; ``reports`` are those that are, or may
    be, of an MRI of bones or joints, the newest first; ``studies`` are all MR studies, also those that are history.
    """

    case: Case
    gaps: tuple[str, ...]
    reports: tuple[ReportReading, ...] = ()
    statements: tuple[Statement, ...] = ()
    studies: tuple[Study, ...] = ()

    @property
    def unread(self) -> tuple[ReportReading, ...]:
        """The reports that could not be read."""
        return tuple(report for report in self.reports if report.outcome is ReportOutcome.NOT_READ)


def read_case(
    record: Record, how: ReadingRules, *, drafts: Mapping[str, Json], selections: frozenset[str] | None = None
) -> Reading:
    """Return the record as a case.

    Args:
        drafts: the draft orders of the call, by key.
        selections: keys of the drafts in focus; None when all are.
    """
    problems = list(record.problems)
    problems += [
        Problem("other-version", text(resource.get("resourceType")), key)
        for key, resource in record.resources.items()
        if is_of_another_version(resource)
    ]
    statements: list[Statement] = []

    def collect(resource: Json, read: Callable[[], Iterable[Statement]]) -> None:
        try:
            statements.extend(list(read()))
        except UNREADABLE:
            problems.append(Problem("unreadable", text(resource.get("resourceType")), key_of(resource)))

    inner = _contained(record)
    studies, places = _studies(
        [*record.of_type("ImagingStudy"), *_of_type(inner, "ImagingStudy")], how, collect, problems
    )
    by_key = {
        key: _with_inner_links(one, one) if "contained" in one else one
        for key, one in record.keyed("Observation").items()
    }
    by_key |= {key_of(one): one for one in _of_type(inner, "Observation")}
    every_report, others = _reports(record, places, by_key, problems)
    reports = [report for report in every_report if report.is_mr]
    for report in reports:
        studies[report.study] = _reported(studies.get(report.study), report)
    known = StudyPlaces(
        {**places.places, **{report.study: report.place for report in reports}},
        {key: study.date for key, study in studies.items()},
        places.others,
    )
    for report in reports:
        collect(report.resource, partial(read_report, report, how))
    links = Links(
        {member: report.study for report in reports for member in members(report.resource)},
        others,
    )
    found = observation_set(by_key, links)
    observed = {key: resource for key, resource in found.by_key.items() if may_say_something(resource, how)}
    for key in sorted(key for key, resource in observed.items() if may_say_something(resource, how, may_be_a_finding)):
        collect(observed[key], partial(read_observation, observed[key], found, known, how, problems))
    statements.extend(read_markers(observed.values(), how, problems))
    for resource in record.of_type("DiagnosticReport"):
        collect(resource, partial(read_radiograph, resource))
    for resource in record.of_type("Patient"):
        collect(resource, partial(read_patient, resource, how))
    for resource in filter(partial(may_say_anything, how=how), record.of_type("Condition")):
        collect(resource, partial(read_condition, resource, how))
    for resource in record.of_type("MedicationRequest"):
        collect(resource, partial(read_taken, resource, how.aliases))

    studies |= _unsent(statements, studies)

    patient, lesions = assemble(statements, studies, how.rules.facts, how.rules.sites)
    case = Case(
        patient=patient,
        lesions=lesions,
        drafts=tuple(
            with_context(draft, statements, how.rules.facts, how.rules.sites)
            for draft in read_drafts(drafts, how.aliases, selections, problems)
        ),
        placed=tuple(_placed(record, how, problems)),
        problems=tuple(sorted(set(problems), key=_problem_key)),
    )
    outcomes = [
        replace(outcome, version=report.version)
        for report in every_report
        if (outcome := outcome_of(report, _observations(report.resource, by_key), statements, how)) is not None
    ]
    newest_first = tuple(sorted(outcomes, key=lambda one: (one.day, one.key), reverse=True))
    gaps = (*_gaps(problems, how), *_report_gaps(newest_first))
    return Reading(case, gaps, newest_first, tuple(statements), tuple(studies.values()))


def _contained(record: Record) -> list[Json]:
    """Return what reports and observations carry inside themselves, under ids that nothing else uses.

    What is inside a resource has no life of its own: it does not count when the resource does not.
    """
    found: list[Json] = []
    outers = [*record.of_type("DiagnosticReport"), *record.of_type("Observation")]
    for outer in [one for one in outers if "contained" in one and is_readable(one)]:
        for name, resource in contained(outer).items():
            kind = text(resource.get("resourceType"))
            linked = _with_inner_links(resource, outer)
            found.append({**linked, "id": f"{key_of(outer).split('/')[-1]}{name}", "resourceType": kind})
    return found


def _with_inner_links(resource: Json, outer: Json) -> Json:
    """Return an observation with its links to what ``outer`` contains written as ``_contained`` lists it."""
    if not outer.get("contained"):
        return resource
    kinds = {name: text(inner.get("resourceType")) for name, inner in contained(outer).items()}
    links = {name: references(resource.get(name)) for name in ("derivedFrom", "hasMember", "partOf")}
    mapped = {
        name: [{"reference": inner_key(outer, key, kinds.get(key, ""))} for key in keys]
        for name, keys in links.items()
        if any(key in kinds for key in keys)
    }
    return {**resource, **mapped}


def _of_type(resources: Iterable[Json], kind: str) -> list[Json]:
    return [resource for resource in resources if resource.get("resourceType") == kind]


def _studies(
    resources: Iterable[Json],
    how: ReadingRules,
    collect: Callable[[Json, Callable[[], Iterable[Statement]]], None],
    problems: list[Problem],
) -> tuple[dict[str, Study], StudyPlaces]:
    studies: dict[str, Study] = {}
    places: dict[str, Place] = {}
    others: set[str] = set()
    for resource in resources:
        key = key_of(resource)
        if text(resource.get("status")) in IGNORED_STATUS:
            continue
        made_by = modality_of_study(resource)
        if made_by != "MR":
            others |= {key} if made_by else set()
            continue
        place = study_place(resource, how)
        studies[key] = Study(key, study_day(resource), place.site, place.side)
        places[key] = place
        collect(resource, partial(read_sequences, resource, how, problems))
    days = {key: study.date for key, study in studies.items()}
    return studies, StudyPlaces(places, days, frozenset(others))


def _reports(
    record: Record, studies: StudyPlaces, by_key: Mapping[str, Json], problems: list[Problem]
) -> tuple[list[Report], list[Json]]:
    """Return the reports that count, and those known to be of another kind of imaging, or of none.

    Of several for one study the newest comes last, so that it names the study.
    """
    found: list[Report] = []
    others: list[Json] = []
    for resource in record.of_type("DiagnosticReport"):
        try:
            linked = _with_inner_studies(resource)
            made_by = modality(linked, studies)
            if made_by == "other":
                others.append(resource)
                continue
            report = find_report(linked, studies, made_by, _observations(resource, by_key))
        except UNREADABLE:
            problems.append(Problem("unreadable", "DiagnosticReport", key_of(resource)))
            continue
        if report is not None:
            found.append(report)
    return sorted(current(found), key=lambda report: (report.issued, report.key)), others


def _with_inner_studies(resource: Json) -> Json:
    """Return the report with references to contained studies written as ``_contained`` lists them."""
    if not resource.get("contained"):
        return resource
    mapped = {
        name: [{"reference": inner_key(resource, key, "ImagingStudy")} for key in references(resource.get(name))]
        for name in ("imagingStudy", "study")
    }
    return {**resource, **{name: found for name, found in mapped.items() if found}}


def _observations(report: Json, by_key: Mapping[str, Json]) -> list[Json]:
    return [by_key[key] for key in dict.fromkeys(members(report)) if key in by_key]


def _reported(study: Study | None, report: Report) -> Study:
    if study is None:
        study = Study(report.study, report.day)
    return replace(
        study,
        date=study.date or report.day,
        site=study.site or report.place.site,
        side=study.side or report.place.side,
        report=report.key,
        issued=report.issued,
        preliminary=report.preliminary,
        version=report.version,
    )


def _unsent(statements: Iterable[Statement], studies: Mapping[str, Study]) -> dict[str, Study]:
    """Return a study for findings whose study was not sent, dated as the newest of them."""
    found: dict[str, Study] = {}
    for statement in statements:
        if statement.study and statement.study not in studies:
            known = found.get(statement.study, Study(statement.study)).date
            found[statement.study] = Study(statement.study, max(known, statement.source.date))
    return found


def _placed(record: Record, how: ReadingRules, problems: list[Problem]) -> Iterator[PlacedOrder]:
    for resource in record.of_type("ServiceRequest"):
        try:
            placed = read_placed(resource, how.aliases)
        except UNREADABLE:
            problems.append(Problem("unreadable", "ServiceRequest", key_of(resource)))
            continue
        if placed is not None:
            yield placed


def _problem_key(problem: Problem) -> tuple[str, str, str]:
    return problem.code, problem.about, problem.where


def _gaps(problems: Iterable[Problem], how: ReadingRules) -> tuple[str, ...]:
    """Return in words, counted, what could not be used; never which patient or value."""
    kinds = {
        "unreadable": "{n} {about} (unreadable)",
        "other-patient": "{n} {about} (of another patient)",
        "other-language": f"{{n}} {{about}} ({NotRead.LANGUAGE})",
        "other-version": "{n} {about} (of another FHIR version, read as far as its parts are known)",
        "partly-failed": "{about} (query failed in part)",
        "rejected-value": "{about} (value without a usable length)",
    }
    # A resource may be met twice; what has no place of its own is counted each time.
    met = Counter(problem for problem in problems if problem.code in kinds)
    counted: Counter[tuple[str, str]] = Counter()
    for problem, times in met.items():
        counted[problem.code, problem.about] += 1 if problem.where else times
    facts = how.rules.facts
    return tuple(
        kinds[code].format(n=n, about=facts[about].label if about in facts else about)
        for (code, about), n in sorted(counted.items())
    )


def _report_gaps(reports: Iterable[ReportReading]) -> Iterator[str]:
    """Yield in words, counted by reason, which reports could not be read, or only in part."""
    counted = Counter(
        (one.outcome is not ReportOutcome.NOT_READ, one.reason) for one in reports if one.reason is not None
    )
    for (in_part, reason), n in sorted(counted.items()):
        yield f"{n} {'report' if n == 1 else 'reports'} ({'in part: ' if in_part else ''}{reason})"
