"""What one card says, before it is put into the form of CDS Hooks.

The same content feeds the card's Markdown, the command line and the vignette output, so that no two of them can
differ in substance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain

from cds_service.cards import wording
from cds_service.cards.selection import Chosen, Selection, Shown
from cds_service.cards.silence import key_of_cause, of_notes, of_order, of_unread, rule_ids
from cds_service.engine.assess import (
    Assessment,
    Diagnosis,
    Outcome,
    RuleResult,
    actions_of,
    evidence_of,
    is_notable,
)
from cds_service.fhir.readers import ReportReading
from cds_service.knowledge.evidence import SOURCE_TITLE, SOURCE_UPDATED
from cds_service.model.case import Lesion
from cds_service.model.condition import Fact, Scope
from cds_service.model.finding import Finding, Provenance, State
from cds_service.model.level import Level, Tier
from cds_service.model.rule import CheckOrder, DraftChange, Evidence, Raise, Reassure, Rule, RuleSet, Warning

MISSING_LIMIT = 12
"""So many missing facts are named on a card; the trace has the rest."""

UNREAD_LIMIT = 12
"""So many unread reports are listed on a card; its summary counts them all."""

Escape = Callable[[str], str]


@dataclass(frozen=True)
class Said:
    """Words that came from the record. They are shown only through an ``Escape``."""

    words: str


@dataclass(frozen=True)
class Text:
    """One line of our own words and words of the record, in the order they are shown."""

    parts: tuple[str | Said, ...]

    def shown(self, escape: Escape, own: Escape = str) -> str:
        """Return the line with the record's words passed through ``escape`` and ours through ``own``."""
        return "".join([escape(part.words) if isinstance(part, Said) else own(part) for part in self.parts])


def line(*parts: str | Said) -> Text:
    """Return a line made of these parts."""
    return Text(parts)


@dataclass(frozen=True)
class Section:
    """A heading with its lines; without a heading, a paragraph."""

    heading: str
    lines: tuple[Text, ...]


@dataclass(frozen=True)
class Referral:
    """A referral the card offers to draft. ``evidence_refs`` are the resources it rests on."""

    target: str
    urgent: bool
    reason: str
    evidence_refs: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """One card: its subject, urgency, words, and what it offers.

    ``key`` makes its ids: the cause and place, or the draft. ``topic`` is a cause id, ``order-check``, ``protocol`` or
    ``unread-report``. ``rules`` are the ids of the rules that it speaks for.
    """

    key: str
    topic: str
    topic_label: str
    tier: Tier
    summary: str
    sections: tuple[Section, ...]
    rules: tuple[str, ...] = ()
    referrals: tuple[Referral, ...] = ()
    warning: bool = False
    draft: int | None = None
    change: DraftChange | None = None


def contents(
    assessment: Assessment,
    selection: Selection,
    rules: RuleSet,
    gaps: Iterable[str] = (),
    *,
    old_before: str = "",
) -> list[Content]:
    """Return the cards of one answer: order checks first, then causes, most urgent first, then what was not read.

    ``gaps`` names what could not be read; every card says so.
    Imaging findings stated before the day ``old_before`` (ISO 8601) are called old.
    """
    write = _Writer(assessment, rules, tuple(gaps), old_before)
    cards = [write.order_check(place, results) for place, results in selection.order_checks.items()]
    for position, chosen in enumerate(selection.shown):
        last = position == len(selection.shown) - 1
        cards.append(write.cause(chosen, leading=position == 0, also=selection.named if last else ()))
    if selection.notes and not selection.shown:
        cards.append(write.notes())
    if selection.unread:
        cards.append(write.unread(selection.unread))
    return cards


class _Writer:
    """Writes the contents of one answer."""

    def __init__(self, assessment: Assessment, rules: RuleSet, gaps: tuple[str, ...], old_before: str) -> None:
        self.assessment = assessment
        self.rules = rules
        self.gaps = gaps
        self.old_before = old_before
        self.offered: set[str] = set()
        self.labels = dict(rules.sites.labels)

    def cause(self, chosen: Chosen, *, leading: bool, also: tuple[Chosen, ...]) -> Content:
        diagnosis = chosen.diagnosis
        lesions = self._lesions(diagnosis)
        place = wording.places_of(lesions, self.labels)
        head = self._head(diagnosis)
        results = diagnosis.results + (self.assessment.notes if leading else ())
        placed_already = chosen.why is Shown.ALREADY_PLACED
        sections = [self._preliminary(lesions)]
        if placed_already:
            sections.append(self._placed(chosen))
        else:
            sections += self._explained(diagnosis, results)
        sections += [
            Section(wording.ALSO, tuple(line(self._head(one.diagnosis)) for one in also)),
            *self._foot(results),
        ]
        tier = chosen.tier
        summary = f"{wording.TIER[tier]}: {head}, {place}{self._dated(lesions)}"
        if placed_already:
            summary = wording.PLACED_SUMMARY.format(day=_on(chosen), head=head, place=place)
        return Content(
            key=key_of_cause(diagnosis, self.assessment),
            topic=diagnosis.cause,
            topic_label=self.rules.causes[diagnosis.cause].label,
            tier=tier,
            summary=summary,
            sections=_filled(sections),
            rules=rule_ids(results),
            referrals=() if placed_already else tuple(self._referrals(chosen, head, place)),
        )

    def notes(self) -> Content:
        """Return the card for advice that belongs to no raised cause, such as a missing sequence."""
        notes = self.assessment.notes
        lesions = list({result.place: self.assessment.case.lesions[result.place] for result in notes}.values())
        notable = [result for result in notes if is_notable(result)]
        place = wording.places_of(lesions, self.labels)
        first = next((sentence for result in notable for sentence in result.rule.says), "")
        tier = self.assessment.tier
        sections = [
            Section(wording.WHY, tuple(line(sentence) for sentence in self._says(notes))),
            *self._advice(notes),
            Section(wording.FINDINGS, tuple(self._stated(lesions, notes))),
            *self._foot(notes),
        ]
        return Content(
            key=of_notes(self.assessment).key,
            topic="protocol",
            topic_label=wording.PROTOCOL_TOPIC,
            tier=tier,
            summary=f"{wording.TIER[tier]}: {place}: {first}",
            sections=_filled(sections),
            rules=rule_ids(notes),
        )

    def order_check(self, place: int, results: tuple[RuleResult, ...]) -> Content:
        """Return the one card about a draft order, which names the order it is about."""
        draft = self.assessment.case.drafts[place]
        effects = [result.rule.effect for result in results if isinstance(result.rule.effect, CheckOrder)]
        warning = any(effect.indicator == "warning" for effect in effects)
        sections = [
            Section("", (line(wording.ABOUT_ORDER, Said(draft.title or draft.reference)),)),
            Section(wording.WHY, tuple(line(sentence) for sentence in self._says(results))),
            *self._advice(results),
            *self._foot(results),
        ]
        return Content(
            key=of_order(draft, results).key,
            topic="order-check",
            topic_label=wording.ORDER_TOPIC,
            tier=Tier.ROUTINE,
            summary=effects[0].summary,
            sections=_filled(sections),
            rules=rule_ids(results),
            warning=warning,
            draft=place,
            change=next((effect.change for effect in effects if effect.change), None),
        )

    def unread(self, reports: tuple[ReportReading, ...]) -> Content:
        """Return the one card about the reports that could not be read, the newest first."""
        newest = reports[0]
        words = wording.UNREAD_ONE if len(reports) == 1 else wording.UNREAD_SEVERAL
        sections = [
            Section("", (line(words.caution),)),
            Section(words.heading, tuple(_unread_line(report) for report in reports[:UNREAD_LIMIT])),
            *self._foot(()),
        ]
        return Content(
            key=of_unread(reports).key,
            topic="unread-report",
            topic_label=wording.UNREAD_TOPIC,
            tier=Tier.ROUTINE,
            summary=words.summary.format(
                count=len(reports), day=wording.OF_DAY.format(newest.day) if newest.day else "", reason=newest.reason
            ),
            sections=_filled(sections),
        )

    # Parts of a card

    def _explained(self, diagnosis: Diagnosis, results: tuple[RuleResult, ...]) -> list[Section]:
        return [
            Section(wording.WHY, tuple(line(sentence) for sentence in self._says(results))),
            *self._advice(results),
            Section(wording.FINDINGS, tuple(self._stated(self._lesions(diagnosis), results))),
            Section(wording.DOUBT, tuple(self._doubtful(diagnosis))),
            Section(wording.MISSING, tuple(self._missing(diagnosis))),
        ]

    def _head(self, diagnosis: Diagnosis) -> str:
        if diagnosis.cause in ("nonspecific", "physiologic"):
            return diagnosis.label
        now = wording.ACT_NOW if diagnosis.act_now and diagnosis.level is not Level.LIKELY else ""
        return f"{diagnosis.label} {wording.LEVEL[diagnosis.level]}{now}"

    def _lesions(self, diagnosis: Diagnosis) -> list[Lesion]:
        return [self.assessment.case.lesions[entry.lesion] for entry in diagnosis.entries]

    def _dated(self, lesions: list[Lesion]) -> str:
        days = sorted({lesion.study.date for lesion in lesions if lesion.study.date})
        return wording.MRI_OF.format(days[-1]) if days else ""

    def _preliminary(self, lesions: list[Lesion]) -> Section:
        early = any(lesion.study.preliminary for lesion in lesions)
        return Section("", (line(wording.PRELIMINARY),) if early else ())

    def _placed(self, chosen: Chosen) -> Section:
        parts = [
            wording.TARGET[target] + (wording.ON_DAY.format(day) if day else wording.AMONG_DRAFTS)
            for target, day in sorted(chosen.placed.items())
        ]
        return Section("", (line(wording.ALREADY_PLACED.format(placed="; ".join(parts))),))

    def _says(self, results: Iterable[RuleResult]) -> list[str]:
        """Return each sentence once, with the statements it rests on; a rule that fires in doubt says so."""
        lines: dict[str, str] = {}
        for result in results:
            for sentence in result.rule.says:
                lines.setdefault(sentence, f"{self._qualified(sentence, result)} [{cited(result.rule.evidence)}]")
        return list(lines.values())

    def _qualified(self, sentence: str, result: RuleResult) -> str:
        if result.outcome is not Outcome.FIRED_IN_DOUBT:
            return sentence
        facts = wording.AND.join(fact.label for fact in result.doubtful())
        return wording.IN_DOUBT.format(facts=facts, sentence=sentence)

    def _stated(self, lesions: list[Lesion], results: Iterable[RuleResult]) -> Iterable[Text]:
        """Yield what the record states: all imaging findings here, and the other facts the fired rules used."""
        used = {finding.fact for result in results for finding in result.findings()}
        several = len(lesions) > 1
        for lesion in lesions:
            where = f" ({wording.place_of(lesion, self.labels)})" if several else ""
            stated = [*lesion.findings.values(), *(f for f in lesion.study.findings.values() if f.fact in used)]
            absent: list[Finding] = []
            for finding in stated:
                fact = self.rules.facts[finding.fact]
                if finding.values == (State.ABSENT,):
                    absent.append(finding)
                else:
                    yield _stated_line(fact, finding, where, self.old_before)
            yield from self._absent(absent, where)
        for finding in self.assessment.case.patient.values():
            if finding.fact in used:
                yield _stated_line(self.rules.facts[finding.fact], finding, "")

    def _absent(self, absent: list[Finding], where: str) -> Iterable[Text]:
        """Yield one line for all that was reported absent in the same place of the record."""
        by_source: dict[Provenance, list[str]] = {}
        for finding in absent:
            source = finding.sources[0] if finding.sources else Provenance()
            key = Provenance(source.reference, source.date)
            by_source.setdefault(key, []).append(self.rules.facts[finding.fact].label)
        for source, names in by_source.items():
            yield line(f"{wording.REPORTED_ABSENT}{where}: {', '.join(names)}", *_told(source, self.old_before))

    def _doubtful(self, diagnosis: Diagnosis) -> Iterable[Text]:
        results = [result for result in diagnosis.results if result.outcome is Outcome.FIRED_IN_DOUBT]
        for fact in dict.fromkeys(chain.from_iterable(result.doubtful() for result in results)):
            yield line(fact.label)

    def _missing(self, diagnosis: Diagnosis) -> Iterable[Text]:
        """Yield the facts that would make this card more urgent or more certain, in rule order."""
        facts = list(dict.fromkeys(self._missing_facts(diagnosis)))
        if facts:
            more = wording.AND_MORE.format(len(facts) - MISSING_LIMIT) if len(facts) > MISSING_LIMIT else ""
            yield line(", ".join(fact.label for fact in facts[:MISSING_LIMIT]) + more)

    def _missing_facts(self, diagnosis: Diagnosis) -> Iterable[Fact]:
        here = {entry.lesion for entry in diagnosis.entries}
        for result in self.assessment.undecided:
            effect = result.rule.effect
            if result.place not in here or not isinstance(effect, Raise) or isinstance(effect, Reassure):
                continue
            tier = self.rules.causes[result.rule.about].tier(effect.level, act_now=effect.act_now)
            surer = result.rule.about == diagnosis.cause and effect.level > diagnosis.level
            if surer or (tier is not None and tier > diagnosis.tier):
                yield from (fact for fact in result.missing() if fact.asked_for)

    def _advice(self, results: Iterable[RuleResult]) -> list[Section]:
        spoken = tuple(results)
        return [
            Section(wording.CONSIDER, tuple(line(action.text) for action in actions_of(spoken))),
            Section(
                wording.WARNINGS,
                tuple(
                    line(cautioned(warning))
                    for warning in self.assessment.warnings_for(spoken)
                    if warning != self.assessment.standing.review_status
                ),
            ),
        ]

    def _foot(self, results: Iterable[RuleResult]) -> list[Section]:
        spoken = tuple(results)
        lines = []
        if self.gaps:
            lines.append(line(wording.NOT_CHECKED.format(gaps=", ".join(self.gaps))))
        if self.assessment.not_assessed:
            causes = ", ".join(self.rules.causes[cause].label for cause in self.assessment.not_assessed)
            lines.append(line(wording.INCOMPLETE.format(causes=causes)))
        evidence = [*evidence_of(spoken), *(w.evidence for w in self.assessment.warnings_for(spoken))]
        references = dict.fromkeys(chain.from_iterable(one.references for one in evidence))
        sources = [line(wording.SOURCE.format(title=SOURCE_TITLE, day=SOURCE_UPDATED))]
        sources += [
            line(f"[{reference.key}] {reference.text}")
            for reference in sorted(references, key=lambda reference: reference.key)
        ]
        status = self.assessment.standing.review_status
        return [
            *(Section("", (line,)) for line in lines),
            Section(wording.SOURCES, tuple(sources)),
            Section("", (line(cautioned(status)),)),
        ]

    def _referrals(self, chosen: Chosen, head: str, place: str) -> Iterable[Referral]:
        diagnosis = chosen.diagnosis
        references = dict.fromkeys(
            source.reference
            for result in diagnosis.results
            for finding in result.findings()
            for source in finding.sources
            if source.reference
        )
        reports = dict.fromkeys(lesion.study.report for lesion in self._lesions(diagnosis) if lesion.study.report)
        for action in actions_of(diagnosis.results):
            # Two causes may call for the same referral: it is offered once, on the more urgent card.
            if action.target and action.target not in chosen.placed and action.target not in self.offered:
                self.offered.add(action.target)
                yield Referral(
                    target=action.target,
                    urgent=diagnosis.tier >= Tier.URGENT,
                    reason=f"{head}, {place}{self._dated(self._lesions(diagnosis))}",
                    evidence_refs=(*reports, *(ref for ref in references if ref not in reports)),
                )


def _unread_line(report: ReportReading) -> Text:
    return line(Said(report.key), f"{f', {report.day}' if report.day else ''}: {report.reason}")


def _filled(sections: Iterable[Section]) -> tuple[Section, ...]:
    return tuple(section for section in sections if section.lines)


def cited(evidence: Iterable[Evidence]) -> str:
    """Return the citation of a sentence: statement numbers, and references from beyond the source by name."""
    parts: list[str] = []
    for one in evidence:
        parts += one.statements
        if one.beyond:
            parts += [f"beyond: {reference.key}" for reference in one.references]
    return ", ".join(dict.fromkeys(parts))


@cache
def cautioned(warning: Warning) -> str:
    """Return a warning with its citation."""
    return f"{warning.text} [{cited((warning.evidence,))}]"


def references_of(rules: Iterable[Rule]) -> dict[str, str]:
    """Return the references that rules rest on, by their keys in order, with their texts."""
    found = {one for rule in rules for evidence in rule.evidence for one in evidence.references}
    return dict(sorted((reference.key, reference.text) for reference in found))


def _on(chosen: Chosen) -> str:
    days = sorted(day for day in chosen.placed.values() if day)
    return wording.ON_DAY.format(days[-1]) if days else ""


def _stated_line(fact: Fact, finding: Finding, where: str, old_before: str = "") -> Text:
    """Return one finding with each of its values beside where it was said; a conflict shows every side."""
    near = where if fact.scope is not Scope.PATIENT else ""
    parts: list[str | Said] = [f"{fact.label}{near}: "]
    sources = finding.sources or (Provenance(),) * len(finding.values)
    for number, (value, source) in enumerate(zip(finding.values, sources, strict=True)):
        parts += [" / " if number else "", wording.value_of(fact, value), *_told(source, old_before)]
    return line(*parts, f" ({wording.DISAGREES})" if finding.is_conflict else "")


def _told(source: Provenance, old_before: str) -> Iterable[str | Said]:
    """Yield where something was said: the resource, the day and whether it is old, and the words, if any."""
    if source.reference:
        yield " – "
        yield Said(source.reference)
    if source.date:
        yield f", {source.date}{wording.OLD if source.date < old_before else ''}"
    if source.quote:
        yield f", {wording.QUOTED} “"
        yield Said(source.quote)
        yield "”"
