"""Every cause of the differential, ranked, with what was asked of the record for it and what it answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cds_service.cards import wording
from cds_service.cards.content import cited
from cds_service.cards.reasons import criteria, effect_of, in_words
from cds_service.engine.assess import (
    Assessment,
    Diagnosis,
    Outcome,
    RuleResult,
    actions_of,
    warnings_of,
)
from cds_service.model.condition import SITE, Fact
from cds_service.model.finding import Finding
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Lower, Raise, Rule, RuleSet, Step
from cds_service.smart.stated import Stated, said

State = Callable[[Finding], Stated]


@dataclass(frozen=True)
class Asked:
    """One criterion of a rule: its words, the answer, what the record states about it, and where, if that is asked."""

    words: str
    met: str
    found: tuple[Stated, ...]
    place: str


@dataclass(frozen=True)
class Weighed:
    """One rule at one place: what it asks, what became of it, what follows, and on what evidence.

    ``advises`` are the texts of its actions and warnings, ``stopped_by`` is the exception that holds, ``missing`` what
    keeps it open.
    """

    id: str
    row: str
    place: str
    outcome: str
    effect: str
    advises: tuple[str, ...]
    citation: str
    says: tuple[str, ...]
    criteria: tuple[Asked, ...]
    stopped_by: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """One cause: how likely, how urgent, where, and why.

    ``speaking`` are the rules that settle how likely or urgent it is, ``advice`` those that follow, ``open`` those that
    lack an answer, ``not_met`` the rest. ``rank`` counts the raised causes only; ``because`` are the findings that
    raise it, or that make it unlikely.
    """

    id: str
    label: str
    about: str
    level: str
    rank: int | None
    tier: str
    act_now: bool
    places: str
    because: tuple[Stated, ...]
    speaking: tuple[Weighed, ...]
    advice: tuple[Weighed, ...]
    open: tuple[Weighed, ...]
    not_met: tuple[Weighed, ...]


def differential(assessment: Assessment, rules: RuleSet, state: State) -> tuple[Candidate, ...]:
    """Return every cause the rules know: raised ones first, in the engine's order, then the most nearly raised."""
    raised = {diagnosis.cause: diagnosis for diagnosis in assessment.diagnoses}
    rest = sorted((cause for cause in rules.causes if cause not in raised), key=lambda one: _rest(one, assessment))
    return tuple(
        replace(_candidate(cause, raised.get(cause), assessment, rules, state), rank=rank if cause in raised else None)
        for rank, cause in enumerate([*raised, *rest], start=1)
    )


def _rest(cause: str, assessment: Assessment) -> int:
    """Sort what could not be assessed before what nothing speaks for, and that before what is unlikely."""
    level = assessment.levels.get(cause)
    return 1 if level is None else 2 if level is Level.UNLIKELY else 0


def _candidate(
    cause: str, diagnosis: Diagnosis | None, assessment: Assessment, rules: RuleSet, state: State
) -> Candidate:
    known = rules.causes[cause]
    about = [result for result in assessment.trace if result.rule.about == cause and result.rule.step is not Step.ORDER]
    weighed = [(result, weigh(result, assessment, rules, state)) for result in about]
    level = wording.LEVEL[assessment.levels[cause]] if cause in assessment.levels else wording.NOT_RAISED
    if cause in assessment.not_assessed:
        level = wording.NOT_COVERED
    lesions = [assessment.case.lesions[entry.lesion] for entry in diagnosis.entries] if diagnosis else []
    return Candidate(
        id=cause,
        label=diagnosis.label if diagnosis else known.label,
        about=known.about,
        level=wording.LEVEL[diagnosis.level] if diagnosis else level,
        rank=None,
        tier=wording.TIER[diagnosis.tier] if diagnosis else "",
        act_now=diagnosis.act_now if diagnosis else False,
        places=wording.places_of(lesions, dict(rules.sites.labels)),
        because=_because(diagnosis, about, state),
        speaking=tuple(one for result, one in weighed if result.fired and not isinstance(result.rule.effect, Advise)),
        # The same advice follows at every place; it is said once.
        advice=tuple(
            {one.id: one for result, one in weighed if result.fired and isinstance(result.rule.effect, Advise)}.values()
        ),
        open=tuple(one for result, one in weighed if is_open(result)),
        not_met=tuple(one for result, one in weighed if not result.fired and not is_open(result)),
    )


def is_open(result: RuleResult) -> bool:
    """Whether a rule waits for an answer. A diagnosis that nobody named is no answer that is missing."""
    return result.outcome is Outcome.UNDECIDED and not result.rule.reads_a_diagnosis


def _because(diagnosis: Diagnosis | None, about: Iterable[RuleResult], state: State) -> tuple[Stated, ...]:
    """Return what the record states that raised a cause, or made it unlikely."""
    if diagnosis is not None:
        results = [result for entry in diagnosis.entries for result in entry.raised_by]
    else:
        results = [result for result in about if result.fired and isinstance(result.rule.effect, Lower)]
    found = (state(finding) for result in results for finding in result.findings())
    return tuple({(one.label, one.value): one for one in found}.values())


def weigh(result: RuleResult, assessment: Assessment, rules: RuleSet, state: State) -> Weighed:
    """Return one rule of the trace as the page shows it."""
    labels = dict(rules.sites.labels)
    rule = result.rule
    if rule.step is Step.ORDER:
        draft = assessment.case.drafts[result.place]
        place = said(draft.title or draft.reference)
    else:
        place = wording.place_of(assessment.case.lesions[result.place], labels)
    return Weighed(
        id=rule.id,
        row=rule.row,
        place=place,
        outcome=result.outcome.value,
        effect=_effect(rule, rules),
        advises=(
            *(action.text for action in actions_of([result])),
            *(warning.text for warning in warnings_of([result])),
        ),
        citation=cited(rule.evidence),
        says=rule.says,
        criteria=tuple(
            Asked(
                in_words(one.condition, rules, result.view),
                one.met.value,
                tuple(state(finding) for finding in one.found),
                place if SITE in one.condition.facts() else "",
            )
            for one in criteria(result)
        ),
        stopped_by="" if result.stopped_by is None else in_words(result.stopped_by, rules, result.view),
        missing=_labels(result.missing()),
    )


def _effect(rule: Rule, rules: RuleSet) -> str:
    effect = effect_of(rule, lambda cause: rules.causes[cause].label, lambda one: one.text)
    if isinstance(rule.effect, Raise) and rule.effect.label:
        return effect.replace(rules.causes[rule.about].label, rule.effect.label, 1)
    return effect


def _labels(facts: Iterable[Fact]) -> tuple[str, ...]:
    return tuple(fact.label for fact in facts)
