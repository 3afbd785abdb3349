"""What the evidence page shows of one answer, as values: no markup here, no medicine, and no word left unsaid.

What could not be had is named in the section it belongs to, so that an empty section never looks like a healthy one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from itertools import chain

from cds_service.cards import wording
from cds_service.cards.content import Content, Said, cautioned, cited, references_of
from cds_service.cards.render import summary
from cds_service.cards.text import plain
from cds_service.engine.assess import RuleResult
from cds_service.engine.what_if import thresholds
from cds_service.fhir.access import Json, objects, text
from cds_service.fhir.readers import ReportOutcome
from cds_service.fhir.readers.patient import is_deceased
from cds_service.knowledge.evidence import SOURCE_ATTRIBUTES
from cds_service.knowledge.facts import BME, DEPTH
from cds_service.knowledge.settings import DEPTH_SITES, OLD_AFTER_DAYS
from cds_service.knowledge.statements import STATEMENTS
from cds_service.model.case import Lesion, Problem, Statement, Study
from cds_service.model.condition import Scope, SettingValue
from cds_service.model.finding import Finding
from cds_service.model.quantity import Range
from cds_service.model.rule import Rule, RuleSet, Step
from cds_service.service import KEYS, Answer
from cds_service.smart.differential import Candidate, Weighed, differential, is_open, weigh
from cds_service.smart.drawings import Located, Spot, TimeLine, joint_map, time_line
from cds_service.smart.letter import Letter, letter
from cds_service.smart.stated import Look, Stated, said, stated
from cds_service.smart.what_if import Question, Supposed, WhatIf, questions

NOT_GRANTED = "not granted"
"""Why a prefetch key could not be had when the user, or the site, did not let the app read it."""

OPENED_UP_TO = (wording.WHY, wording.CONSIDER, wording.WARNINGS)
"""Headings of a card that are read at once; from the first other heading on, the card is folded."""

IMAGING_KEYS = ("studies", "study", "reports", "report", "observations")
PATIENT_KEYS = ("patient", "conditions", "medications", "labs", "temperature")


@dataclass(frozen=True)
class Banner:
    """Who the page is about. ``name`` is empty when no Patient could be had."""

    name: str
    born: str
    sex: str
    identifiers: tuple[str, ...]
    ident: str

    @property
    def line(self) -> str:
        """Return all of it on one line."""
        parts = [self.name, f"born {self.born}" if self.born else "", self.sex, *self.identifiers[:1]]
        return ", ".join(part for part in parts if part) or self.ident


@dataclass(frozen=True)
class CardLine:
    """One line of a card: (words, whether they are the record's) in order."""

    parts: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class CardSection:
    """A heading of a card with its lines; without a heading, paragraphs."""

    heading: str
    lines: tuple[CardLine, ...]


@dataclass(frozen=True)
class Card:
    """One card in its own words. ``mark`` is its sign of urgency, ``folded`` what is read later."""

    mark: str
    summary: str
    open: tuple[CardSection, ...]
    folded: tuple[CardSection, ...]


@dataclass(frozen=True)
class Place:
    """What is stated at one site and side, what is stated absent, and what is not reported though a rule asks."""

    anchor: str
    name: str
    study: str
    stated: tuple[Stated, ...]
    absent: tuple[Stated, ...]
    not_reported: tuple[str, ...]


@dataclass(frozen=True)
class StudyRow:
    """One MR study: its day, references, what it says of edema by place, and whether it was assessed."""

    day: str
    reference: str
    report: str
    edema: tuple[str, ...]
    assessed: bool


@dataclass(frozen=True)
class Shown:
    """A conclusion and why it is shown or held back."""

    label: str
    why: str


@dataclass(frozen=True)
class Cited:
    """A rule that a card speaks for: its sentences, what they rest on, and what it is not for."""

    says: tuple[str, ...]
    id: str
    citation: str
    notes: tuple[str, ...]
    not_for: str


@dataclass(frozen=True)
class Query:
    """What came of one prefetch key."""

    key: str
    name: str
    state: str
    why: str


@dataclass(frozen=True)
class Evidence:
    """The whole page. ``missing`` says, for each section, what could not be had and why."""

    banner: Banner
    as_of: str
    assessed: tuple[str, ...]
    version: str
    cards: tuple[Card, ...]
    no_card: str
    not_checked: tuple[str, ...]
    missing: Mapping[str, tuple[str, ...]]
    supposed: tuple[tuple[str, str, bool], ...]
    refused: int
    recorded: tuple[str, ...]
    places: tuple[Place, ...]
    patient: Place
    unread: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    not_assessed: str
    questions: tuple[Question, ...]
    studies: tuple[StudyRow, ...]
    time_line: TimeLine | None
    limits: tuple[str, ...]
    limit_sites: str
    spots: tuple[Spot, ...]
    off_map: tuple[tuple[str, str], ...]
    letters: tuple[Letter, ...]
    shown: tuple[Shown, ...]
    order_checks: tuple[Weighed, ...]
    open_rules: tuple[Weighed, ...]
    not_met: tuple[str, ...]
    cited: tuple[Cited, ...]
    statements: tuple[tuple[str, str], ...]
    references: tuple[tuple[str, str], ...]
    attributes: tuple[tuple[str, str], ...]
    limits_known: tuple[str, ...]
    queries: tuple[Query, ...]
    not_asked: str
    resources: tuple[tuple[str, int], ...]
    problems: tuple[str, ...]
    whole_banner: bool = True
    opened: str = ""
    source: str = ""


def evidence(
    answer: Answer,
    rules: RuleSet,
    version: str,
    *,
    as_of: datetime,
    patient_id: str = "",
    patient_banner: bool = True,
    not_granted: Mapping[str, str] | None = None,
    what_if: WhatIf | None = None,
    opened: str = "",
    source: str = "",
) -> Evidence:
    """Return what the page shows of an answer. The arguments are those of ``page.evidence_page``."""
    page = _Writer(answer, rules, as_of, not_granted or {}, what_if).page(version, patient_id)
    return replace(page, whole_banner=patient_banner, opened=said(opened), source=said(source))


@dataclass
class _Writer:
    answer: Answer
    rules: RuleSet
    as_of: datetime
    not_granted: Mapping[str, str]
    what_if: WhatIf | None
    labels: dict[str, str] = field(init=False)
    old_before: str = field(init=False)

    def __post_init__(self) -> None:
        self.labels = dict(self.rules.sites.labels)
        days = int(str(self._setting(OLD_AFTER_DAYS.name, OLD_AFTER_DAYS.default)))
        self.old_before = (self.as_of.date() - timedelta(days=days)).isoformat()

    def page(self, version: str, patient_id: str) -> Evidence:
        answer, assessment = self.answer, self.answer.assessment
        supposed = self.what_if.supposed if self.what_if else Supposed()
        places = tuple(self._place(number, lesion) for number, lesion in enumerate(assessment.case.lesions))
        located = [self._located(place, lesion) for place, lesion in zip(places, assessment.case.lesions, strict=True)]
        spots = joint_map(located)
        on_map = {spot.anchor for spot in spots}
        banner = self._banner(patient_id)
        return Evidence(
            banner=banner,
            as_of=f"{self.as_of:%Y-%m-%d %H:%M %Z}".strip(),
            assessed=tuple(dict.fromkeys(_study_line(lesion.study) for lesion in assessment.case.lesions)),
            version=version,
            cards=tuple(map(_card, answer.contents)),
            no_card=self._no_card(),
            not_checked=(*(f"{KEYS[key].name} ({why})" for key, why in self.not_had.items()), *answer.reading.gaps),
            missing={
                "imaging": tuple(self._missing(IMAGING_KEYS)),
                "patient": tuple(self._missing(PATIENT_KEYS)),
                "orders": tuple(self._missing(("orders",))),
            },
            supposed=tuple(self._supposed(supposed)),
            refused=supposed.refused,
            recorded=tuple(summary(one) for one in self.what_if.recorded.contents) if self.what_if else (),
            places=(*places, *self._studies()),
            patient=self._patient(),
            unread=tuple(self._unread()),
            candidates=self._candidates(),
            not_assessed=", ".join(self.rules.causes[cause].label for cause in assessment.not_assessed),
            questions=() if self.died else questions(answer, self.rules, supposed),
            studies=tuple(map(self._study_row, self.studies)),
            time_line=time_line([(study.day, depths) for study, depths in self._depths()], self.limits),
            limits=tuple(f"{limit} mm" for limit in self.limits),
            limit_sites=self._limit_sites(),
            spots=spots,
            off_map=tuple((one.anchor, f"{one.place}: {one.words}") for one in located if one.anchor not in on_map),
            # A letter may not rest on what nobody stated.
            letters=() if self.what_if else tuple(self._letters(banner, version)),
            shown=tuple(
                Shown(chosen.diagnosis.label, chosen.why.value)
                for chosen in (*answer.selection.shown, *answer.selection.named, *answer.selection.held_back)
            ),
            order_checks=tuple(self._weigh(one) for one in self._trace if one.rule.step is Step.ORDER and one.fired),
            open_rules=tuple(self._weigh(one) for one in self._trace if is_open(one)),
            not_met=tuple(dict.fromkeys(one.rule.id for one in self._trace if not one.fired and not is_open(one))),
            cited=tuple(_cited(rule) for rule in self.spoken),
            statements=tuple((key, STATEMENTS[key]) for key in STATEMENTS if key in self._statements()),
            references=tuple(references_of(self.spoken).items()),
            attributes=SOURCE_ATTRIBUTES,
            limits_known=tuple(self._limits_known()),
            queries=tuple(self._queries()),
            not_asked=answer.gathered.not_asked or "",
            resources=tuple(self._resources()),
            problems=tuple(map(_problem, dict.fromkeys((*assessment.conflicts, *answer.reading.case.problems)))),
        )

    @cached_property
    def died(self) -> bool:
        """Whether the record says that the patient has died: then nothing on the page is advice."""
        today = self.as_of.date()
        return any(is_deceased(patient, today) for patient in self.answer.record.of_type("Patient"))

    def _candidates(self) -> tuple[Candidate, ...]:
        found = differential(self.answer.assessment, self.rules, self._state)
        return tuple(replace(one, advice=()) for one in found) if self.died else found

    # What could not be had

    @cached_property
    def not_had(self) -> dict[str, str]:
        """Prefetch key -> why it could not be had, or not in full. What was not granted says so."""
        return {
            **{one.key: one.why for one in self.answer.not_had},
            **{key: why for key, why in self.not_granted.items() if key in KEYS},
        }

    def _missing(self, keys: Iterable[str]) -> Iterator[str]:
        yield from (f"{KEYS[key].name}: {self.not_had[key]}" for key in keys if key in self.not_had)

    def _unread(self) -> Iterator[str]:
        for report in self.answer.reading.reports:
            if report.reason is not None:
                part = "" if report.outcome is ReportOutcome.NOT_READ else "in part: "
                yield ", ".join(filter(None, (said(report.key), report.day, f"{part}{report.reason}")))

    # Who, when, what

    def _banner(self, patient_id: str) -> Banner:
        patient = next(self.answer.record.of_type("Patient"), {})
        return Banner(
            name=_name(patient),
            born=said(text(patient.get("birthDate"))),
            sex=said(text(patient.get("gender"))),
            identifiers=tuple(_identifiers(patient)),
            ident=said(f"Patient/{patient_id}") if patient_id else wording.NO_PATIENT,
        )

    def _no_card(self) -> str:
        if self.answer.contents:
            return ""
        return wording.DECEASED if self.died else f"{wording.NO_CARD} {wording.NOTHING_EXCLUDED}"

    def _supposed(self, supposed: Supposed) -> Iterator[tuple[str, str, bool]]:
        """Yield what is supposed in words, and whether it counts anywhere: the record goes before it."""
        case = self.answer.assessment.case
        layers = [case.patient, *chain.from_iterable((one.findings, one.study.findings) for one in case.lesions)]
        for fact, value in supposed.facts:
            counts = any(fact.name in layer and not layer[fact.name].sources for layer in layers)
            yield fact.label, wording.value_of(fact, value), counts

    # Findings

    def _state(self, finding: Finding) -> Stated:
        fact = self.rules.facts[finding.fact]
        return stated(fact, finding, "" if fact.scope is Scope.PATIENT else self.old_before)

    def _place(self, number: int, lesion: Lesion) -> Place:
        asked = (result.missing() for result in self._trace if result.lacks_input and result.place == number)
        missing = dict.fromkeys(fact for fact in chain.from_iterable(asked) if fact.asked_for)
        return self._sorted(
            _anchor(lesion),
            wording.place_of(lesion, self.labels),
            _study_line(lesion.study),
            lesion.findings.values(),
            (fact.label for fact in missing if fact.scope is not Scope.PATIENT),
        )

    def _studies(self) -> Iterator[Place]:
        """Yield what is stated of each assessed study as a whole, such as its sequences."""
        studies = {lesion.study.key: lesion.study for lesion in self.answer.assessment.case.lesions}
        for number, study in enumerate(studies.values(), start=1):
            if study.findings:
                name = f"the whole study{f' of {study.date}' if study.date else ''}"
                yield self._sorted(f"study-{number}", name, _study_line(study), study.findings.values(), ())

    def _patient(self) -> Place:
        missing = [fact.label for fact in self.answer.assessment.missing() if fact.asked_for]
        here = {fact.label for fact in self.rules.facts.values() if fact.scope is Scope.PATIENT}
        found = self.answer.assessment.case.patient.values()
        return self._sorted("patient-facts", "patient", "", found, (label for label in missing if label in here))

    def _sorted(self, anchor: str, name: str, study: str, findings: Iterable[Finding], missing: Iterable[str]) -> Place:
        found = [self._state(finding) for finding in findings]
        return Place(
            anchor=anchor,
            name=name,
            study=study,
            stated=tuple(one for one in found if one.look is not Look.ABSENT),
            absent=tuple(one for one in found if one.look is Look.ABSENT),
            not_reported=tuple(missing),
        )

    def _located(self, place: Place, lesion: Lesion) -> Located:
        edema = lesion.findings.get(BME.name)
        look = stated(BME, edema).look.value if edema else "unknown"
        words = f"{BME.label}: {stated(BME, edema).value if edema else wording.NOT_REPORTED}"
        return Located(place.anchor, lesion.group, lesion.side, place.name, look, words)

    # Studies over time

    @cached_property
    def studies(self) -> tuple[Study, ...]:
        """Every MR study, the newest first; those without a day come last."""
        return tuple(sorted(self.answer.reading.studies, key=lambda study: (study.date, study.key), reverse=True))

    @cached_property
    def limits(self) -> list[Decimal]:
        """The depths in millimetres that rules ask for."""
        return thresholds(DEPTH, self.rules, self.answer.settings)

    def _limit_sites(self) -> str:
        sites = self._setting(DEPTH_SITES.name, DEPTH_SITES.default)
        names = [self.labels[site] for site in sites] if isinstance(sites, tuple) else []
        return ", ".join(names)

    def _said_of(self, study: Study, fact: str) -> Iterator[tuple[str, Statement]]:
        for one in self.answer.reading.statements:
            if one.fact == fact and one.study == study.key:
                site, side = one.site or study.site or "", one.side or study.side
                yield f"{'both sides of the' if side == 'both' else side or ''} {self.labels[site]}".strip(), one

    def _study_row(self, study: Study) -> StudyRow:
        told = [(place, fact, one) for fact in (BME, DEPTH) for place, one in self._said_of(study, fact.name)]
        edema = dict.fromkeys(f"{place}: {fact.label} {wording.value_of(fact, one.value)}" for place, fact, one in told)
        assessed = {lesion.study.key for lesion in self.answer.assessment.case.lesions}
        return StudyRow(study.date, said(study.key), said(study.report), tuple(edema), study.key in assessed)

    def _depths(self) -> Iterator[tuple[StudyRow, list[tuple[Range, str]]]]:
        for study in self.studies:
            depths = [
                (one.value, f"{study.date}, {place}: {wording.value_of(DEPTH, one.value)}")
                for place, one in self._said_of(study, DEPTH.name)
                if isinstance(one.value, Range)
            ]
            yield self._study_row(study), list(dict.fromkeys(depths))

    # Letters

    def _letters(self, banner: Banner, version: str) -> Iterator[Letter]:
        for content in self.answer.contents:
            if content.referrals:
                spoken = [one for one in self._trace if one.fired and one.rule.id in content.rules]
                yield letter(
                    content,
                    patient=", ".join((banner.line, *banner.identifiers[1:])),
                    places=self._told(spoken),
                    says=_lines(content, wording.WHY),
                    missing=tuple(_lines(content, wording.MISSING)),
                    made=f"{self.as_of:%Y-%m-%d %H:%M}, rules {version}",
                )

    def _told(self, spoken: list[RuleResult]) -> Iterator[tuple[str, tuple[Stated, ...]]]:
        """Yield what is stated where a card's rules fired: all imaging findings, and what they used of the patient."""
        case = self.answer.assessment.case
        used = {finding.fact for result in spoken for finding in result.findings()}
        for number in dict.fromkeys(result.place for result in spoken if result.rule.step is not Step.ORDER):
            lesion = case.lesions[number]
            of_study = [finding for finding in lesion.study.findings.values() if finding.fact in used]
            found = [*lesion.findings.values(), *of_study]
            yield wording.place_of(lesion, self.labels), tuple(self._state(one) for one in found)
        yield "patient", tuple(self._state(one) for one in case.patient.values() if one.fact in used)

    # Rules and their evidence

    @property
    def _trace(self) -> tuple[RuleResult, ...]:
        return self.answer.assessment.trace

    @cached_property
    def _weigh(self) -> partial[Weighed]:
        return partial(weigh, assessment=self.answer.assessment, rules=self.rules, state=self._state)

    @cached_property
    def spoken(self) -> tuple[Rule, ...]:
        """The rules that cards speak for, each once."""
        names = dict.fromkeys(chain.from_iterable(content.rules for content in self.answer.contents))
        return tuple(self.rules.by_id[name] for name in names)

    def _statements(self) -> set[str]:
        return {statement for rule in self.spoken for one in rule.evidence for statement in one.statements}

    def _limits_known(self) -> Iterator[str]:
        yield cautioned(self.answer.assessment.standing.review_status)
        yield wording.UNREVIEWED
        causes = ", ".join(self.rules.causes[cause].label for cause in self.answer.assessment.not_assessed)
        if causes:
            yield wording.INCOMPLETE.format(causes=causes)

    # For the informatics team

    def _queries(self) -> Iterator[Query]:
        record = self.answer.record
        for key, state in record.states.items():
            name = KEYS[key].name if key in KEYS else key
            more = wording.NOT_ALL_PAGES if key in record.more else ""
            yield Query(key, name, state.value, self.not_had.get(key, record.failures.get(key, more)))

    def _resources(self) -> Iterator[tuple[str, int]]:
        kinds = [text(resource.get("resourceType")) for resource in self.answer.record.resources.values()]
        yield from ((kind, kinds.count(kind)) for kind in sorted(set(kinds)))

    def _setting(self, name: str, default: SettingValue) -> SettingValue:
        return self.answer.settings.get(name, default)


def _card(content: Content) -> Card:
    sections = tuple(
        CardSection(section.heading, tuple(CardLine(tuple(map(_part, line.parts))) for line in section.lines))
        for section in content.sections
    )
    later = [place for place, one in enumerate(sections) if one.heading and one.heading not in OPENED_UP_TO]
    cut = later[0] if later else len(sections)
    mark = "soon" if content.warning else content.tier.name.lower()
    return Card(mark, summary(content), sections[:cut], sections[cut:])


def _part(part: str | Said) -> tuple[str, bool]:
    return (plain(part.words), True) if isinstance(part, Said) else (part, False)


def _lines(content: Content, heading: str) -> list[str]:
    """Return the lines below one heading of a card, as plain text."""
    return [line.shown(plain) for section in content.sections if section.heading == heading for line in section.lines]


def _anchor(lesion: Lesion) -> str:
    return "-".join(filter(None, ("site", lesion.group or "not-stated", lesion.side)))


def _study_line(study: Study) -> str:
    done = f"MRI of {study.date}" if study.date else "MRI without a date"
    report = f"report {said(study.report)}" if study.report and study.report != study.key else ""
    issued = f"issued {study.issued}" if study.issued and study.issued != study.date else ""
    return ", ".join(filter(None, (done, said(study.key), report, issued, "preliminary" if study.preliminary else "")))


def _name(patient: Json) -> str:
    """Return the name in use, or the first one: its text, else given names and family name."""
    names = sorted(objects(patient.get("name")), key=lambda one: text(one.get("use")) not in ("official", "usual"))
    for one in names:
        given = one.get("given")
        parts = given if isinstance(given, list) else [given]
        written = text(one.get("text")) or " ".join(filter(None, [*map(text, parts), text(one.get("family"))]))
        if written.strip():
            return said(written)
    return ""


def _identifiers(patient: Json) -> Iterator[str]:
    """Yield up to three identifiers with what they are called, medical record numbers first."""
    found: list[tuple[bool, str]] = []
    for one in objects(patient.get("identifier")):
        value = text(one.get("value"))
        kind = next(iter(objects(one.get("type"))), {})
        coding = next(iter(objects(kind.get("coding"))), {})
        called = text(kind.get("text")) or text(coding.get("display")) or text(coding.get("code")) or "identifier"
        if value:
            found.append((text(coding.get("code")) != "MR", f"{said(called)} {said(value)}"))
    yield from (words for _, words in sorted(found, key=lambda pair: pair[0])[:3])


def _cited(rule: Rule) -> Cited:
    kinds = {
        "beyond the source document": any(one.beyond for one in rule.evidence),
        "our reading of it": any(one.interpretation for one in rule.evidence),
    }
    notes = [*(words for words, holds in kinds.items() if holds), *(one.note for one in rule.evidence if one.note)]
    return Cited(rule.says, rule.id, cited(rule.evidence), tuple(notes), rule.not_for)


def _problem(problem: Problem) -> str:
    return " ".join(filter(None, (problem.code, said(problem.about), said(problem.where))))
