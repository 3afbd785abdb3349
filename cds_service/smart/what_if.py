"""What would change the answer, and asking what if, by the address of the page: ``?if.fever=present``.

The record always counts before what is supposed; see ``engine.what_if.suppose``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from cds_service.cards import wording
from cds_service.engine.what_if import Decisive, actions_for, decisive
from cds_service.model.condition import Fact, Kind, Scope
from cds_service.model.finding import State, Value
from cds_service.model.quantity import Range, exact
from cds_service.model.rule import RuleSet
from cds_service.service import Answer

PREFIX = "if."
LARGEST_NUMBER = 1000
"""Nothing that is asked for (years, millimetres) reaches this."""


@dataclass(frozen=True)
class Supposed:
    """Facts with the values to suppose, and how many questions of the address could not be used."""

    facts: tuple[tuple[Fact, Value], ...] = ()
    refused: int = 0


@dataclass(frozen=True)
class WhatIf:
    """A page that supposes something: what, and the answer without it."""

    supposed: Supposed
    recorded: Answer


@dataclass(frozen=True)
class Choice:
    """One value that may be supposed, as it stands in an address and in words."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True)
class Question:
    """A fact the record does not state, what values would lead to what, and how to learn it.

    ``changes`` are pairs of (values in words, what they lead to); none for what is supposed already.
    """

    name: str
    label: str
    choices: tuple[Choice, ...]
    changes: tuple[tuple[str, str], ...]
    actions: tuple[str, ...]


def read_supposed(asked: Iterable[tuple[str, str]], rules: RuleSet) -> Supposed:
    """Return what the names and values of an address suppose. What has no value asks nothing.

    Nothing raises: a question about an unknown fact, or with a value it cannot have, is counted and left out.
    """
    facts: dict[Fact, Value] = {}
    refused = 0
    for name, value in asked:
        if not name.startswith(PREFIX) or not value:
            continue
        fact = rules.facts.get(name.removeprefix(PREFIX))
        found = None if fact is None else _value(fact, value)
        if fact is None or found is None or fact in facts:
            refused += 1
        else:
            facts[fact] = found
    return Supposed(tuple(facts.items()), refused)


def _value(fact: Fact, value: str) -> Value | None:
    if fact.scope is Scope.DRAFT:
        return None
    if fact.kind is Kind.YES_NO:
        return State(value) if value in (State.PRESENT, State.ABSENT) else None
    if fact.kind is Kind.CHOICE:
        return value if value in fact.choices else None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return exact(number) if number.is_finite() and 0 <= number < LARGEST_NUMBER else None


def questions(answer: Answer, rules: RuleSet, supposed: Supposed) -> tuple[Question, ...]:
    """Return what is supposed, and every missing fact that would change the answer, the most decisive first."""
    values = dict(supposed.facts)
    open_ones = decisive(answer.assessment, rules, answer.settings)
    asked = [Decisive(fact, ()) for fact in values] + [one for one in open_ones if one.fact not in values]
    return tuple(
        Question(
            name=f"{PREFIX}{one.fact.name}",
            label=one.fact.label,
            choices=tuple(_choices(one, values.get(one.fact))),
            changes=tuple(_changes(one, rules)),
            actions=tuple(action.text for action in actions_for(answer.assessment, one.fact, rules)),
        )
        for one in asked
    )


def _changes(one: Decisive, rules: RuleSet) -> Iterator[tuple[str, str]]:
    """Yield what values lead to, those that lead to the same together."""
    leading: dict[str, list[str]] = {}
    for change in one.changes:
        cause = rules.causes[change.leading].label if change.leading else wording.NO_CAUSE
        leading.setdefault(f"{wording.TIER[change.tier]}, {cause}", []).append(wording.value_of(one.fact, change.value))
    yield from ((", ".join(values), words) for words, values in leading.items())


def _choices(one: Decisive, chosen: Value | None) -> Iterator[Choice]:
    for value in _possible(one, chosen):
        yield Choice(_written(value), wording.value_of(one.fact, value), chosen == value)


def _possible(one: Decisive, chosen: Value | None) -> list[Value]:
    if one.fact.kind is Kind.YES_NO:
        return [State.PRESENT, State.ABSENT]
    if one.fact.kind is Kind.CHOICE:
        return list(one.fact.choices)
    values: list[Value] = [change.value for change in one.changes]
    return values if chosen is None else list(dict.fromkeys([*values, chosen]))


def _written(value: Value) -> str:
    """Return a value as it stands in an address."""
    return str(value.low) if isinstance(value, Range) else str(value)
