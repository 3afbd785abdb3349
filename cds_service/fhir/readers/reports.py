"""DiagnosticReport: the study it reports, its coded conclusion, its text, and the observations it holds together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from cds_service.fhir.access import Json, codings, first_day, key_of, objects, references, text
from cds_service.fhir.narrative import LONGEST_TEXT
from cds_service.fhir.readers.context import ReadingRules, StudyPlaces
from cds_service.fhir.readers.prose import ALSO_NAMED, in_words
from cds_service.fhir.readers.report_text import NotRead, ReportTexts, is_english, texts_of
from cds_service.fhir.readers.words import has, modality_named, modality_told, site_named, words_of
from cds_service.knowledge.codes.diagnoses import diagnosis_of
from cds_service.knowledge.codes.findings import CHOICES, QUANTITIES, finding_of
from cds_service.knowledge.codes.orders import imaging_of, report_category_of, report_type_of, section_of
from cds_service.knowledge.codes.sites import Place, settle
from cds_service.knowledge.order_words import NORMAL_RADIOGRAPH, RADIOGRAPH_WORDS
from cds_service.knowledge.report_words import IMAGING_TITLE_WORDS, OTHER_TITLE_WORDS
from cds_service.model.case import Statement
from cds_service.model.finding import Provenance, Trust

IGNORED_STATUS = ("entered-in-error", "cancelled", "registered")
EARLY_STATUS = ("preliminary", "partial")
REPLACING_STATUS = ("amended", "corrected")
"""A report with one of these says anew what the report before it said. One that is ``appended`` only adds to it."""


@dataclass(frozen=True)
class Report:
    """One imaging report and the study it belongs to.

    ``is_mr`` is not set where nothing says how the images were made: such a report is not read, but it is named.
    """

    resource: Json
    key: str
    study: str
    day: str
    issued: str
    preliminary: bool
    version: str
    place: Place
    texts: ReportTexts
    is_mr: bool

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


def version_of(resource: Json) -> str:
    """Return what changes when a report is written anew: its status, its time, and the server's number for it."""
    meta = resource.get("meta")
    number = text(meta.get("versionId")) if isinstance(meta, dict) else ""
    return "|".join((text(resource.get("status")), text(resource.get("issued")), number))


def is_readable(resource: Json) -> bool:
    """Whether a report's status lets its content count."""
    return text(resource.get("status")) not in IGNORED_STATUS


def find_report(resource: Json, studies: StudyPlaces, made_by: str, members: Iterable[Json]) -> Report | None:
    """Return the report if it is, or may be, one of magnetic resonance imaging that counts, else None.

    Its study is the one it names, else the one of its day; else it stands for a study of its own. ``made_by`` is its
    ``modality``, ``members`` are the observations that it names or holds.
    """
    if not is_readable(resource) or made_by == "other":
        return None
    texts = texts_of(resource, _narrated(members))
    made_by = made_by or modality_told("\n".join(one.words for one in texts.texts))
    if made_by == "other" or not (made_by or _may_be_imaging(resource)):
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
        version=version_of(resource),
        place=settle(place, studies.places.get(study, Place())),
        texts=texts,
        is_mr=made_by == "MR",
    )


def _narrated(members: Iterable[Json]) -> list[str]:
    """Return the texts of a report that its observations hold, which their own reader reads."""
    return [
        words
        for member in members
        if (words := text(member.get("valueString"))) and any(section_of(*pair) for pair in codings(member.get("code")))
    ]


def _may_be_imaging(resource: Json) -> bool:
    """Whether a report that does not say how it was made may be one of imaging: by its code, category or title."""
    title, coded = words_of(resource.get("code")), list(codings(resource.get("code")))
    categories = list(codings(resource.get("category")))
    if not (title or coded or categories):
        return True
    return (
        bool(_studies_named(resource))
        or any(report_type_of(system, code) for system, code in coded)
        or any(report_category_of(system, code) == "imaging" for system, code in categories)
        or has(IMAGING_TITLE_WORDS, title)
        or bool(site_named(title).sites())
    )


def modality(resource: Json, studies: StudyPlaces) -> str:
    """Return ``MR`` or ``other`` when a report's study, code, title or category says how it was made, else empty.

    Its text is not asked here, because the report of a radiograph may well speak of MRI.
    """
    named = _studies_named(resource)
    if not studies.places.keys().isdisjoint(named):
        return "MR"
    for system, code in codings(resource.get("code")):
        imaging = imaging_of(system, code)
        if imaging is not None:
            return "MR" if imaging.modality == "MR" else "other"
    by_title = modality_named(words_of(resource.get("code")))
    if by_title:
        return by_title
    laboratory = any(report_category_of(s, c) == "laboratory" for s, c in codings(resource.get("category")))
    return "other" if laboratory or not studies.others.isdisjoint(named) else ""


def _studies_named(resource: Json) -> list[str]:
    return references(resource.get("imagingStudy")) + references(resource.get("study"))


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
    """Yield what the report's conclusion says, coded first, then what its texts say."""
    # DSTU2 and STU3 have another name for the coded conclusion.
    for concept in [*objects(report.resource.get("conclusionCode")), *objects(report.resource.get("codedDiagnosis"))]:
        yield from _conclusion_code(concept, report, how)
    yield from read_texts(report.texts, Provenance(report.key, report.day), report.place, report.study, how)


def read_texts(
    texts: ReportTexts, source: Provenance, place: Place, study: str, how: ReadingRules
) -> Iterator[Statement]:
    """Yield what the texts of a report say. What one says in the same words as another before it is said once."""
    if len(texts.texts) == 1:
        (only,) = texts.texts
        yield from in_words(only.words, replace(source, trust=only.trust), place, study, how)
        return
    said: set[tuple[object, ...]] = set()
    for one in texts.texts:
        here: set[tuple[object, ...]] = set()
        for statement in in_words(one.words, replace(source, trust=one.trust), place, study, how):
            words = tuple(re.findall(r"\w+", statement.source.quote.casefold()))
            same = (statement.fact, statement.value, statement.site, statement.side, words)
            if same not in said:
                yield statement
            here.add(same)
        said |= here


class ReportOutcome(StrEnum):
    """What became of a report, in the words that are shown."""

    FINDINGS = "read"
    NOTHING = "read; nothing this service looks for was recognised"
    NOT_READ = "not read"


@dataclass(frozen=True)
class ReportReading:
    """What became of one report that is, or may be, of an MRI of bones or joints.

    Attributes:
        key: its reference.
        day: ISO 8601 day of the examination, or empty.
        outcome: whether it was read, and anything recognised.
        reason: why it was not read, or why only in part; None when it was read as a whole.
        version: changes when the report is written anew.
    """

    key: str
    day: str
    outcome: ReportOutcome
    reason: NotRead | None = None
    version: str = ""


def outcome_of(
    report: Report, members: Iterable[Json], statements: Iterable[Statement], how: ReadingRules
) -> ReportReading | None:
    """Return what became of a report; None for one that could not be read but is clearly not our concern.

    ``members`` are its observations, ``statements`` all of the record. A report in whose text nothing was recognised
    counts as unread when a part of it could not be read: what is missing may stand there. One without any text is read
    when the record holds coded findings of its study.
    """
    observations = list(members)
    parts = {report.key, *map(key_of, observations)}
    findings = [one for one in statements if not one.fact.startswith("seq.")]
    here = [one for one in findings if one.source.reference in parts]
    refused = next(iter(report.texts.refused), None)
    is_foreign = NotRead.LANGUAGE in report.texts.refused and not report.texts.texts
    if not is_foreign and any(one.source.quote for one in here):
        return ReportReading(report.key, report.day, ReportOutcome.FINDINGS, refused)
    if refused is None and not report.is_mr:
        told = read_texts(report.texts, Provenance(report.key), report.place, report.study, how)
        refused = NotRead.UNKNOWN_KIND if any(one.study for one in told) else None
    elif refused is None:
        if here or (not report.texts.texts and any(one.study == report.study for one in findings)):
            return ReportReading(report.key, report.day, ReportOutcome.FINDINGS)
        if _narrated(observations) or any(not one.is_summary for one in report.texts.texts):
            return ReportReading(report.key, report.day, ReportOutcome.NOTHING)
        refused = NotRead.NO_TEXT
    if refused is None or _is_of_another_region(report.resource):
        return None
    return ReportReading(report.key, report.day, ReportOutcome.NOT_READ, refused)


def _is_of_another_region(resource: Json) -> bool:
    title = words_of(resource.get("code"))
    return has(OTHER_TITLE_WORDS, title) and not _ordered_place(resource).sites()


def read_radiograph(resource: Json) -> Iterator[Statement]:
    """Yield that a radiograph was normal, from its own report or from what the report of the MRI tells of it.

    It is said of the place that was examined: a normal chest says nothing of a hip.
    """
    told = text(resource.get("conclusion"))[:LONGEST_TEXT]
    if not told or not is_readable(resource):
        return
    place = _ordered_place(resource)
    sites = [place.site] if place.site else sorted(place.sites())
    if not sites:
        return
    coded = [imaging_of(system, code) for system, code in codings(resource.get("code"))]
    title = words_of(resource.get("code"))
    own = any(one is not None and one.modality == "XR" for one in coded) or has(RADIOGRAPH_WORDS, title)
    sentences = [told] if own else [one for one in re.split(r"[.;\n]", told) if has(RADIOGRAPH_WORDS, one)]
    if not any(has(NORMAL_RADIOGRAPH, sentence) for sentence in sentences) or not is_english(told):
        return
    day = first_day(resource, "effectiveDateTime", "effectivePeriod", "issued")
    source = Provenance(key_of(resource), day, Trust.FINDINGS_TEXT)
    for site in sites:
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
            for fact in (meaning.fact, *ALSO_NAMED.get(meaning.fact, ())):
                yield Statement(fact, meaning.value or meaning.state, source, place.site, place.side, report.study)


def contained(resource: Json) -> Mapping[str, Json]:
    """Return the resources inside a report by ``#id``."""
    inside = resource.get("contained")
    return {f"#{text(one.get('id'))}": one for one in objects(inside) if text(one.get("id"))} if inside else {}


def inner_key(outer: Json, reference: str, kind: str) -> str:
    """Return the key that a reference such as ``#finding1``, to what is inside a resource, has in the record."""
    return f"{kind}/{key_of(outer).split('/')[-1]}{reference}" if reference.startswith("#") else reference


def members(report: Json) -> list[str]:
    """Return the keys of the observations that a report names or holds."""
    named = [*references(report.get("result")), *contained(report)]
    return [inner_key(report, key, "Observation") if key.startswith("#") else key for key in named]
