"""DiagnosticReport: the study it reports, its coded conclusion, its text, and the observations it holds together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cds_service.fhir.access import Json, codings, first_day, key_of, objects, references, text
from cds_service.fhir.narrative import LONGEST_TEXT, TextStatement, read_text
from cds_service.fhir.readers.context import ReadingRules, StudyPlaces
from cds_service.fhir.readers.observations import ALSO_NAMED
from cds_service.fhir.readers.words import has, modality_named, modality_told, site_named, words_of
from cds_service.fhir.sequences import sequences_named
from cds_service.knowledge.codes.diagnoses import diagnosis_of
from cds_service.knowledge.codes.findings import CHOICES, QUANTITIES, finding_of
from cds_service.knowledge.codes.orders import imaging_of, report_category_of
from cds_service.knowledge.codes.sites import Place, settle
from cds_service.knowledge.order_words import NORMAL_RADIOGRAPH, RADIOGRAPH_WORDS
from cds_service.knowledge.settings import PD_FAT_SUPPRESSED_IS_FLUID_SENSITIVE, SUGGESTIVE_IS_PRESENT
from cds_service.model.case import Statement
from cds_service.model.condition import Scope
from cds_service.model.finding import Provenance, Trust

IGNORED_STATUS = ("entered-in-error", "cancelled", "registered")
EARLY_STATUS = ("preliminary", "partial")
REPLACING_STATUS = ("amended", "corrected")
"""A report with one of these says anew what the report before it said. One that is ``appended`` only adds to it."""


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

    @property
    def is_amended(self) -> bool:
        """Whether it says anew what was reported before."""
        return text(self.resource.get("status")) in REPLACING_STATUS


def current(reports: Iterable[Report]) -> list[Report]:
    """Return the reports without those that a newer one of the same study and place replaces (decision table 5.3)."""
    groups: dict[tuple[str, Place], list[Report]] = {}
    for report in reports:
        groups.setdefault((report.study, report.place), []).append(report)
    kept: list[Report] = []
    for group in groups.values():
        final = max((one.issued for one in group if not one.preliminary), default=None)
        amended = max((one.issued for one in group if one.is_amended), default=None)
        for one in group:
            if one.preliminary and final is not None:
                replaced = final >= one.issued
            else:
                replaced = amended is not None and (
                    amended > one.issued or (amended == one.issued and not one.is_amended)
                )
            if not replaced:
                kept.append(one)
    return kept


def is_readable(resource: Json) -> bool:
    """Whether a report's status lets its content count."""
    return text(resource.get("status")) not in IGNORED_STATUS


def find_report(resource: Json, studies: StudyPlaces) -> Report | None:
    """Return the report if it is one of magnetic resonance imaging that may be read, else None.

    Its study is the one it names, else the one of its day; else it stands for a study of its own.
    """
    if not is_readable(resource):
        return None
    made_by = modality(resource, studies) or modality_told(text(resource.get("conclusion")))
    if made_by != "MR":
        return None
    key = key_of(resource)
    day = first_day(resource, "effectiveDateTime", "effectivePeriod", "issued")
    place = _ordered_place(resource)
    study = _study(resource, studies, place, day) or key
    return Report(
        resource=resource,
        key=key,
        study=study,
        day=day,
        issued=first_day(resource, "issued") or day,
        preliminary=text(resource.get("status")) in EARLY_STATUS,
        place=settle(place, studies.places.get(study, Place())),
    )


def modality(resource: Json, studies: StudyPlaces) -> str:
    """Return ``MR`` or ``other`` when a report's study, code, title or category says how it was made, else empty.

    Its text is not asked here, because the report of a radiograph may well speak of MRI.
    """
    named = _studies_named(resource)
    if any(study in studies.places for study in named):
        return "MR"
    for system, code in codings(resource.get("code")):
        imaging = imaging_of(system, code)
        if imaging is not None:
            return "MR" if imaging.modality == "MR" else "other"
    by_title = modality_named(words_of(resource.get("code")))
    if by_title:
        return by_title
    laboratory = any(report_category_of(s, c) == "laboratory" for s, c in codings(resource.get("category")))
    return "other" if laboratory or any(study in studies.others for study in named) else ""


def _studies_named(resource: Json) -> list[str]:
    return [*references(resource.get("imagingStudy")), *references(resource.get("study"))]


def _study(resource: Json, studies: StudyPlaces, place: Place, day: str) -> str:
    """Return the study a report is about; empty when that cannot be told."""
    named = _studies_named(resource)
    known = [study for study in named if study in studies.places]
    if known:
        # Some senders name the study for comparison, too: the report is about the newest.
        return max(known, key=lambda study: (studies.days.get(study, ""), study))
    not_sent = [study for study in named if study.startswith("ImagingStudy/") and study not in studies.others]
    if not_sent:
        return not_sent[0]
    same_time = studies.study_of(day)
    shown, ordered = studies.places.get(same_time, Place()).sites(), place.sites()
    return same_time if not shown or not ordered or shown & ordered else ""


def _ordered_place(resource: Json) -> Place:
    """Return where the examination was, by the report's code and the words of its title."""
    place = site_named(words_of(resource.get("code")))
    for system, code in codings(resource.get("code")):
        imaging = imaging_of(system, code)
        if imaging is not None:
            return settle(imaging.place, place)
    return place


def read_report(report: Report, how: ReadingRules) -> Iterator[Statement]:
    """Yield what the report's conclusion says, coded first, then in words."""
    # DSTU2 and STU3 have another name for the coded conclusion.
    for concept in [*objects(report.resource.get("conclusionCode")), *objects(report.resource.get("codedDiagnosis"))]:
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
    fluid = bool(how.setting(PD_FAT_SUPPRESSED_IS_FLUID_SENSITIVE))
    for name in sorted(sequences_named(reading.technique, pd_fat_suppressed_is_fluid_sensitive=fluid)):
        yield Statement(f"seq.{name}", "acquired", source, study=report.study)


def read_radiograph(resource: Json) -> Iterator[Statement]:
    """Yield that a radiograph was normal, from its own report or from what the report of the MRI tells of it.

    It is said of the place that was examined: a normal chest says nothing of a hip.
    """
    if not is_readable(resource):
        return
    told = text(resource.get("conclusion"))[:LONGEST_TEXT]
    coded = [imaging_of(system, code) for system, code in codings(resource.get("code"))]
    title = words_of(resource.get("code"))
    own = any(one is not None and one.modality == "XR" for one in coded) or has(RADIOGRAPH_WORDS, title)
    sentences = [told] if own else [one for one in re.split(r"[.;\n]", told) if has(RADIOGRAPH_WORDS, one)]
    place = _ordered_place(resource)
    if not any(has(NORMAL_RADIOGRAPH, sentence) for sentence in sentences):
        return
    day = first_day(resource, "effectiveDateTime", "effectivePeriod", "issued")
    source = Provenance(key_of(resource), day, Trust.FINDINGS_TEXT)
    for site in [place.site] if place.site else sorted(place.sites()):
        yield Statement("radiograph", "normal", source, site, place.side)


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
    source = Provenance(report.key, report.day, statement.trust, statement.quote, statement.start, statement.end)
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
