"""Why a rule fired, or did not, in words: shared by the trace of the command line, the rule book and the app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from cds_service.cards import wording
from cds_service.cards.selection import HookKind
from cds_service.engine.assess import Outcome, RuleResult
from cds_service.model.condition import (
    AllOf,
    AnyCause,
    AnyOf,
    AtSite,
    Condition,
    IsOneOf,
    LevelIs,
    Not,
    Reaches,
    Reading,
    SomeLesion,
    View,
)
from cds_service.model.finding import Finding
from cds_service.model.rule import (
    Action,
    Advise,
    Cap,
    CheckOrder,
    Disregard,
    Floor,
    Lower,
    Raise,
    Rule,
    RuleSet,
    Soften,
    Warning,
)
from cds_service.model.truth import Truth


class Met(StrEnum):
    """What the record answers to one criterion. Unknown is never counted as no."""

    MET = "met"
    IN_DOUBT = "in doubt"
    NOT_MET = "not met"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Criterion:
    """One part of what a rule asks, the answer, and what the record states about it."""

    condition: Condition
    met: Met
    found: tuple[Finding, ...]


def criteria(result: RuleResult) -> tuple[Criterion, ...]:
    """Return what a rule asks, part by part: all of it must hold."""
    when = result.rule.when
    parts = when.parts if isinstance(when, AllOf) else (when,)
    return tuple(Criterion(part, _met(part, result.view), _found(part, result.view)) for part in parts)


def _met(part: Condition, view: View) -> Met:
    match part.truth(view):
        case Truth.YES:
            return Met.MET
        case Truth.NO:
            return Met.NOT_MET
    return Met.IN_DOUBT if part.truth(view, Reading.DOUBTFUL) is Truth.YES else Met.UNKNOWN


def _found(part: Condition, view: View) -> tuple[Finding, ...]:
    found = (view.finding(fact.name) for fact in dict.fromkeys(part.facts()))
    return tuple(finding for finding in found if finding is not None)


def in_words(condition: Condition, rules: RuleSet, view: View) -> str:
    """Return a condition as a clinician would read it, with the names and settings that hold where ``view`` looks."""
    match condition:
        case AllOf() | AnyOf():
            word = " and " if isinstance(condition, AllOf) else " or "
            parts = [in_words(part, rules, view) for part in condition.parts]
            inner = AnyOf if isinstance(condition, AllOf) else AllOf
            return word.join(
                f"({words})" if isinstance(part, inner) else words
                for part, words in zip(condition.parts, parts, strict=True)
            )
        case AtSite():
            sites = condition.sites if isinstance(condition.sites, frozenset) else view.setting(condition.sites)
            named = sorted(sites) if isinstance(sites, frozenset | tuple) else ()
            names = dict.fromkeys(rules.sites.labels[site] for site in named)
            return f"{'at' if condition.wanted else 'not at'} {' or '.join(names)}"
        case Reaches():
            number = f"{view.setting(condition.threshold)} {condition.fact.unit}".rstrip()
            return f"{condition.fact.label} {'>=' if condition.wanted else '<'} {number}"
        case LevelIs():
            return str(replace(condition, cause=rules.causes[condition.cause].label))
        case AnyCause():
            return str(replace(condition, besides=frozenset(rules.causes[one].label for one in condition.besides)))
        case SomeLesion():
            return f"{condition.where}: {in_words(condition.part, rules, view)}"
        case Not():
            return f"not ({in_words(condition.part, rules, view)})"
        case IsOneOf():
            chosen = [choice for choice in condition.fact.choices if choice in condition.choices]
            return f"{condition.fact.label} {' or '.join(wording.CHOICE.get(one, one) for one in chosen)}"
    return str(condition)


def reasons(result: RuleResult) -> Iterator[tuple[str, str]]:
    """Yield (kind, words) of what explains the outcome: the question, what stopped it, what is open.

    Nothing for a rule that is not met: its question was answered with no.
    """
    if result.outcome is Outcome.NOT_MET:
        return
    yield "when", f"when {result.rule.when}"
    if result.stopped_by is not None:
        yield "stopped", f"stopped by: {result.stopped_by}"
    if result.missing():
        yield "missing", f"not reported: {', '.join(fact.label for fact in result.missing())}"
    if result.doubtful():
        yield "doubt", f"in doubt: {', '.join(fact.label for fact in result.doubtful())}"
    if result.not_assessed:
        yield "not-assessed", f"rivals not assessed: {', '.join(result.not_assessed)}"


def effect_of(rule: Rule, named: Callable[[str], str], advised: Callable[[Action | Warning], str]) -> str:
    """Return what follows when a rule fires.

    Args:
        named: what to call a cause.
        advised: what to call an action or a warning.
    """
    effect = rule.effect
    match effect:
        case Raise():
            now = ", act now" if effect.act_now else ""
            return f"{named(rule.about)} {effect.level.name.lower()}{now}"
        case Lower():
            over = f", outweighing {', '.join(sorted(effect.over))}" if effect.over else ", unless something raises it"
            return f"{named(rule.about)} unlikely{over}"
        case Cap():
            return f"at most possible: {', '.join(named(cause) for cause in sorted(effect.causes))}"
        case Soften():
            return f"{named(rule.about)} at most {effect.tier.name.lower()}"
        case Floor():
            return f"the case at least {effect.tier.name.lower()}"
        case Disregard():
            return f"'{effect.fact.label} {effect.state}' is not believed"
        case CheckOrder():
            hooks = ", ".join(hook for hook in HookKind if hook in effect.hooks)
            return f"card '{effect.summary}' ({effect.indicator}; {hooks}); {_calls(effect, advised)}"
        case Advise():
            return _calls(effect, advised) or "text only"
    return ""


def _calls(effect: Advise | CheckOrder, advised: Callable[[Action | Warning], str]) -> str:
    calls: tuple[Action | Warning, ...] = (*effect.actions, *effect.warnings)
    return ", ".join(advised(one) for one in calls)
