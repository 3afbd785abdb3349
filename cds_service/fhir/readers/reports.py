"""DiagnosticReport: the study it reports, its coded conclusion, its text, and the observations it holds together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cds_service.fhir.access import Json, codings, concept_text, first_day, key_of, objects, references, text
from cds_service.fhir.narrative import TextStatement, read_text
from cds_service.fhir.readers.context import ReadingRules, StudyPlaces
from cds_service.fhir.readers.drafts import site_named
from cds_service.fhir.readers.observations import ALSO_NAMED
from cds_service.fhir.sequences import sequences_named
from cds_service.knowledge.codes.diagnoses import diagnosis_of
from cds_service.knowledge.codes.findings import CHOICES, QUANTITIES, finding_of
from cds_service.knowledge.codes.orders import imaging_of
from cds_service.knowledge.codes.sites import Place, settle
from cds_service.knowledge.settings import SUGGESTIVE_IS_PRESENT
from cds_service.model.case import Statement
from cds_service.model.condition import Scope
from cds_service.model.finding import Provenance, Trust

READ_STATUS = ("final", "amended", "corrected", "appended", "preliminary", "partial")
EARLY_STATUS = ("preliminary", "partial")

_MR_WORDS = re.compile(
    r"(?<![\w-])(?:mri?|magnetic resonance|stir|t[12][- ]?(?:weighted|hyper\w+|hypo\w+))(?![\w-])", re.IGNORECASE
)


@dataclass(frozen=True)
class Report:
    """One imaging report and the study it belongs to."""

    resource: Json
    key: str
    study: str
    day: str
    issued: str
    preliminary: bool
    place: Place


def find_report(resource: Json, studies: StudyPlaces) -> Report | None:
    """Return the report if it is one of magnetic resonance imaging that may be read, else None.

    Its study is the one it names, else the one of its day; else it stands for a study of its own.
    """
    if text(resource.get("status")) not in READ_STATUS:
        return None
    key = key_of(resource)
    day = first_day(resource, "effectiveDateTime", "effectivePeriod", "issued")
    named = [*references(resource.get("imagingStudy")), *references(resource.get("study"))]
    linked = [study for study in named if study in studies.places]
    place = _ordered_place(resource)
    if not linked and not _is_mr(resource):
        return None
    study = linked[0] if linked else studies.study_of(day) or key
    return Report(
        resource=resource,
        key=key,
        study=study,
        day=day,
        issued=first_day(resource, "issued") or day,
        preliminary=text(resource.get("status")) in EARLY_STATUS,
        place=settle(place, studies.places.get(study, Place())),
    )


def _ordered_place(resource: Json) -> Place:
    for system, code in codings(resource.get("code")):
        imaging = imaging_of(system, code)
        if imaging is not None:
            return imaging.place
    return site_named(concept_text(resource.get("code")))


def _is_mr(resource: Json) -> bool:
    for system, code in codings(resource.get("code")):
        imaging = imaging_of(system, code)
        if imaging is not None:
            return imaging.modality == "MR"
    words = " ".join((concept_text(resource.get("code")), text(resource.get("conclusion"))))
    return _MR_WORDS.search(words[:100_000]) is not None


def read_report(report: Report, how: ReadingRules) -> Iterator[Statement]:
    """Yield what the report's conclusion says, coded first, then in words."""
    for concept in objects(report.resource.get("conclusionCode")):
        yield from _conclusion_code(concept, report, how)
    reading = read_text(
        text(report.resource.get("conclusion")),
        trust=Trust.IMPRESSION_TEXT,
        default_site=report.place.site,
        default_side=report.place.side,
        suggestive_is_present=bool(how.setting(SUGGESTIVE_IS_PRESENT)),
    )
    for statement in reading.statements:
        yield from _said(statement, report, how)
    source = Provenance(report.key, report.day, Trust.FINDINGS_TEXT, reading.technique.strip())
    for name in sorted(sequences_named(reading.technique)):
        yield Statement(f"seq.{name}", "acquired", source, study=report.study)


def _conclusion_code(concept: Json, report: Report, how: ReadingRules) -> Iterator[Statement]:
    for system, code in codings(concept):
        source = Provenance(report.key, report.day, Trust.CONCLUSION_CODE)
        diagnosis = diagnosis_of(system, code, how.aliases)
        finding = finding_of(system, code, how.aliases)
        for meaning in (diagnosis, finding):
            if meaning is None or meaning.fact in QUANTITIES:
                continue
            if meaning.fact in CHOICES and not meaning.value:
                continue
            place = settle(meaning.place, report.place)
            for fact in _facts(meaning.fact):
                yield Statement(fact, meaning.value or meaning.state, source, place.site, place.side, report.study)


def _said(statement: TextStatement, report: Report, how: ReadingRules) -> Iterator[Statement]:
    """Yield one statement of the text where it belongs: a lesion, the study, or the patient."""
    fact = how.rules.facts.get(statement.fact)
    if fact is None:
        return
    source = Provenance(report.key, report.day, statement.trust, statement.quote)
    if fact.scope is Scope.PATIENT and statement.fact not in ALSO_NAMED:
        # Pain and injury in the indication are those of the imaged region (decision table 3.10.7).
        local = statement.fact in ("acute_pain", "acute_trauma", "foot_ulcer")
        site = statement.site or (report.place.site if local else None)
        yield Statement(statement.fact, statement.value, source, site, statement.side)
        return
    for name in _facts(statement.fact):
        yield Statement(name, statement.value, source, statement.site, statement.side, report.study)


def _facts(fact: str) -> tuple[str, ...]:
    return (fact, *ALSO_NAMED.get(fact, ()))


def contained(resource: Json) -> Mapping[str, Json]:
    """Return the resources inside a report by ``#id``."""
    return {f"#{text(one.get('id'))}": one for one in objects(resource.get("contained")) if text(one.get("id"))}
