"""Which missing fact would change the answer most: the case is assessed again with each value it could have.

Slow by nature (one assessment per value), so it is worked out only where it is shown. ``suppose`` fills in one value,
``actions_for`` says what to order to learn it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from cds_service.engine.assess import Assessment, RuleResult, actions_of, assess
from cds_service.model.case import Case
from cds_service.model.condition import (
    AllOf,
    AnyOf,
    Condition,
    Fact,
    Kind,
    Reaches,
    Scope,
    Setting,
    SettingValue,
    SomeLesion,
)
from cds_service.model.finding import Finding, State, Value
from cds_service.model.level import Tier
from cds_service.model.quantity import Range
from cds_service.model.rule import Action, Advise, Rule, RuleSet


@dataclass(frozen=True)
class Change:
    """What one value of a missing fact would make of the case."""

    value: Value
    tier: Tier
    leading: str | None


@dataclass(frozen=True)
class Decisive:
    """A missing fact and every value of it that changes tier or leading cause."""

    fact: Fact
    changes: tuple[Change, ...]


def decisive(
    base: Assessment, rules: RuleSet, settings: Mapping[str, SettingValue] | None = None
) -> tuple[Decisive, ...]:
    """Return the missing facts that would change the answer, the largest change of urgency first.

    Equal changes stay in rule order.
    """
    found: list[tuple[int, Decisive]] = []
    for fact in (fact for fact in base.missing() if fact.asked_for):
        changes = tuple(_changes(fact, base, rules, settings or {}))
        if changes:
            largest = max(abs(change.tier - base.tier) for change in changes)
            found.append((-largest, Decisive(fact, changes)))
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0]))


def _changes(fact: Fact, base: Assessment, rules: RuleSet, settings: Mapping[str, SettingValue]) -> Iterator[Change]:
    before = base.leading.cause if base.leading else None
    for value in _values(fact, rules, settings):
        after = assess(suppose(base.case, fact, value), rules, settings)
        leading = after.leading.cause if after.leading else None
        if after.tier != base.tier or leading != before:
            yield Change(value, after.tier, leading)


def _values(fact: Fact, rules: RuleSet, settings: Mapping[str, SettingValue]) -> list[Value]:
    """Return the values worth trying: both states, every choice, or both sides of every threshold."""
    if fact.kind is Kind.YES_NO:
        return [State.PRESENT, State.ABSENT]
    if fact.kind is Kind.CHOICE:
        return list(fact.choices)
    return [Range(number, number) for limit in thresholds(fact, rules, settings) for number in (limit - 1, limit)]


def thresholds(fact: Fact, rules: RuleSet, settings: Mapping[str, SettingValue]) -> list[Decimal]:
    """Return the numbers that rules compare a fact with, in its unit, the smallest first."""
    asked = {
        threshold
        for rule in rules.rules
        for condition in (rule.when, *rule.unless)
        for threshold in _thresholds(condition, fact)
    }
    return sorted(
        {Decimal(str(settings.get(one.name, one.default) if isinstance(one, Setting) else one)) for one in asked}
    )


def _thresholds(condition: Condition, fact: Fact) -> Iterator[Setting | int | str]:
    if isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from _thresholds(part, fact)
    elif isinstance(condition, SomeLesion):
        yield from _thresholds(condition.part, fact)
    elif isinstance(condition, Reaches) and condition.fact == fact:
        yield condition.threshold


def actions_for(assessment: Assessment, fact: Fact, rules: RuleSet) -> tuple[Action, ...]:
    """Return what the advice given asks to be done to learn a fact, such as a sequence to add.

    That is advice which would not be given were the fact known: the fact is an exception of the rule that gives it, or
    of a rule that this one follows. Referrals and treatment are not ways to learn anything.
    """
    asking = [
        result
        for result in assessment.trace
        if result.fired and isinstance(result.rule.effect, Advise) and not result.rule.effect.treats
        if fact in _exceptions(result, rules)
    ]
    return tuple(action for action in actions_of(asking) if not action.target)


def _exceptions(result: RuleResult, rules: RuleSet) -> set[Fact]:
    followed = [rules.by_id[name] for name in result.rule.when.references() if name in rules.by_id]
    asked: list[Rule] = [result.rule, *followed]
    return {fact for rule in asked for condition in rule.unless for fact in condition.facts()}


def suppose(case: Case, fact: Fact, value: Value) -> Case:
    """Return the case with one fact filled in wherever it is not stated. What is filled in has no source."""
    finding = Finding(fact.name, (value,))
    if fact.scope is Scope.PATIENT:
        return replace(case, patient={fact.name: finding, **case.patient})
    if fact.scope is Scope.STUDY:
        lesions = (
            replace(one, study=replace(one.study, findings={fact.name: finding, **one.study.findings}))
            for one in case.lesions
        )
    else:
        lesions = (replace(one, findings={fact.name: finding, **one.findings}) for one in case.lesions)
    return replace(case, lesions=tuple(lesions))
