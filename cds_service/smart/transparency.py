"""All that decides, laid open: what it is for, what it reads, on what evidence, in which version.

Made from the rules that run and the site's judgement, so that it cannot differ from them. No patient is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cds_service.cards import wording
from cds_service.cards.content import cautioned, references_of
from cds_service.cards.reasons import effect_of, in_words
from cds_service.data import data_path
from cds_service.fhir.inputs import ALWAYS, ELEMENTS_READ
from cds_service.knowledge.evidence import SOURCE_ATTRIBUTES
from cds_service.knowledge.intended_use import LIMITS, POPULATION, PURPOSE, USERS
from cds_service.knowledge.statements import POPULATION_OF, STATEMENTS
from cds_service.model.condition import Around, Setting, SettingValue, View
from cds_service.model.rule import Evidence, Rule, RuleSet

THE_RECORD = "The record, and checks that concern no one cause"


@dataclass(frozen=True)
class Support:
    """What one sentence or step rests on. ``kind``: from the source, our reading of it, or from beyond it."""

    statements: Mapping[str, str]
    references: tuple[str, ...]
    kind: str
    note: str


@dataclass(frozen=True)
class Figure:
    """A figure, the statement it stands in, and in whom it was found."""

    statement: str
    figure: str
    population: str


@dataclass(frozen=True)
class RuleEntry:
    """One rule in words. ``inputs`` are the facts it may ask for."""

    id: str
    row: str
    when: str
    unless: tuple[str, ...]
    effect: str
    says: tuple[str, ...]
    evidence: tuple[Support, ...]
    inputs: tuple[str, ...]
    not_for: str


@dataclass(frozen=True)
class Chapter:
    """The rules about one cause."""

    id: str
    label: str
    about: str
    rules: tuple[RuleEntry, ...]


@dataclass(frozen=True)
class FactEntry:
    """A fact that rules ask for, and the statement or source it comes from."""

    name: str
    label: str
    kind: str
    of: str
    unit: str
    source: str
    asked_by: int


@dataclass(frozen=True)
class Judgement:
    """A judgement where the source is silent: the value in force here, the one by default, and why."""

    name: str
    value: str
    default: str
    why: str


@dataclass(frozen=True)
class Change:
    """What changed for the cards in one version."""

    version: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Transparency:
    """The whole of it. ``rule_set`` is the fingerprint of the rules and the site's judgement."""

    purpose: str
    users: str
    population: str
    version: str
    rule_set: str
    limits: tuple[str, ...]
    attributes: Mapping[str, str]
    resources: Mapping[str, tuple[str, ...]]
    facts: tuple[FactEntry, ...]
    figures: tuple[Figure, ...]
    chapters: tuple[Chapter, ...]
    references: Mapping[str, str]
    judgement: tuple[Judgement, ...]
    changes: tuple[Change, ...]


def transparency(
    rules: RuleSet, judgement: Mapping[str, SettingValue], rule_set: str, version: str, changes: str
) -> Transparency:
    """Return what is laid open of the rules under a site's judgement.

    Args:
        rule_set: their fingerprint (``service.rules_version``).
        version: that of the service.
        changes: the text of the change log, see ``changelog``.
    """
    view = View((), around=Around(judgement))
    causes = [("", THE_RECORD, ""), *((one.id, one.label, one.about) for one in rules.causes.values())]
    chapters = (
        Chapter(
            cause or "record",
            label,
            about,
            tuple(_entry(one, rules, view) for one in rules.rules if one.about == cause),
        )
        for cause, label, about in causes
    )
    return Transparency(
        purpose=PURPOSE,
        users=USERS,
        population=POPULATION,
        version=version,
        rule_set=rule_set,
        limits=tuple(_limits(rules)),
        attributes=dict(SOURCE_ATTRIBUTES),
        resources={kind: tuple(sorted((*ALWAYS, *names))) for kind, names in ELEMENTS_READ.items()},
        facts=tuple(_facts(rules)),
        figures=tuple(Figure(one, STATEMENTS[one], population) for one, population in POPULATION_OF.items()),
        chapters=tuple(one for one in chapters if one.rules),
        references=references_of(rules.rules),
        judgement=tuple(_judgement(setting, judgement) for setting in rules.settings),
        changes=tuple(clinical_changes(changes)),
    )


def changelog() -> str:
    """Return the text of the change log; empty where it did not travel along."""
    try:
        return (data_path("changelog") / "CHANGELOG.md").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def clinical_changes(changes: str) -> Iterator[Change]:
    """Yield for each version of a change log what stands under **Clinical**, in its order."""
    for version in re.split(r"^## ", changes, flags=re.MULTILINE)[1:]:
        clinical = re.search(r"^### Clinical\n(.*?)(?=^### |\Z)", version, re.MULTILINE | re.DOTALL)
        if clinical:
            lines = re.split(r"^- ", clinical[1], flags=re.MULTILINE)[1:]
            yield Change(version.partition("\n")[0].strip("[]"), tuple(" ".join(line.split()) for line in lines))


def _entry(rule: Rule, rules: RuleSet, view: View) -> RuleEntry:
    return RuleEntry(
        id=rule.id,
        row=rule.row,
        when=in_words(rule.when, rules, view),
        unless=tuple(in_words(one, rules, view) for one in rule.unless),
        effect=effect_of(rule, lambda cause: rules.causes[cause].label, lambda one: one.text.rstrip(".")),
        says=rule.says,
        evidence=tuple(map(_support, rule.evidence)),
        inputs=tuple(dict.fromkeys(fact.label for fact in rule.facts())),
        not_for=rule.not_for,
    )


def _support(evidence: Evidence) -> Support:
    kind = "the source document"
    if evidence.beyond:
        kind = "beyond the source document"
    elif evidence.interpretation:
        kind = "our reading of the source document"
    return Support(
        {one: STATEMENTS[one] for one in evidence.statements},
        tuple(reference.key for reference in evidence.references),
        kind,
        evidence.note,
    )


def _limits(rules: RuleSet) -> Iterator[str]:
    standing = rules.standing
    yield wording.UNREVIEWED
    for warning in (standing.review_status, standing.unlisted_reference):
        yield cautioned(warning)
    yield from LIMITS
    if rules.not_assessed:
        yield wording.INCOMPLETE.format(causes=", ".join(rules.causes[cause].label for cause in rules.not_assessed))


def _facts(rules: RuleSet) -> Iterator[FactEntry]:
    asked = {rule.id: {fact.name for fact in rule.facts()} for rule in rules.rules}
    for fact in rules.facts.values():
        if times := sum(fact.name in names for names in asked.values()):
            yield FactEntry(fact.name, fact.label, fact.kind.value, fact.scope.value, fact.unit, fact.source, times)


def _judgement(setting: Setting, given: Mapping[str, SettingValue]) -> Judgement:
    value = given.get(setting.name, setting.default)
    return Judgement(
        setting.name, setting_in_words(setting, value), setting_in_words(setting, setting.default), setting.why
    )


def setting_in_words(setting: Setting, value: SettingValue) -> str:
    """Return a value of a setting as it is written in a document, with its unit."""
    if isinstance(value, Mapping):
        words = ", ".join(f"{name}: {one}" for name, one in value.items()) or "none"
    else:
        words = ", ".join(value) if isinstance(value, tuple) else str(value)
    return f"{words} {setting.unit}".rstrip()
