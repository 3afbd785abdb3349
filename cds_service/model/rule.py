"""Rules as values: what fires, when, on what evidence, and what follows.

A rule has a question (``when``), exceptions that count only when established (``unless``), and one effect. ``when``
must be YES. An exception that is not reported counts exactly like one reported absent. Where an effect reassures or
softens, an exception also blocks when it is merely in doubt, so that nothing becomes safer by not knowing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import ClassVar

from cds_service.model.case import SiteMap
from cds_service.model.condition import Condition, Fact, Setting
from cds_service.model.finding import State
from cds_service.model.level import Level, Tier


@dataclass(frozen=True)
class Reference:
    """A published source, as the source document lists it.

    ``listed`` is False for a number the document cites but does not list.
    """

    key: str
    text: str
    listed: bool = True
    url: str = ""

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True)
class Evidence:
    """What a rule rests on: statements of the source document and their references.

    ``beyond`` marks support from outside the source document; ``interpretation`` a reading that is ours.
    """

    statements: tuple[str, ...]
    references: tuple[Reference, ...] = ()
    beyond: bool = False
    interpretation: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if not self.statements and not self.references:
            raise ValueError("evidence needs a statement or a reference")

    def __hash__(self) -> int:
        return hash(self.statements)


@dataclass(frozen=True)
class Action:
    """Something a clinician may do about it. ``target`` names the referral it calls for, if it is one."""

    id: str
    text: str
    target: str = ""

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True)
class Warning:  # noqa: A001  # the decision table's own word; the builtin of that name is never used here
    """A pitfall or a problem in the data that the card must show. Pitfalls carry the source's own number."""

    id: str
    text: str
    evidence: Evidence

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True)
class Cause:
    """One entry of the differential diagnosis.

    Attributes:
        id: identifier of the decision table.
        label: what the card calls it.
        when_likely: its tier at LIKELY.
        when_possible: its tier at POSSIBLE without a reason to act now.
        about: one sentence a clinician recognises.
    """

    id: str
    label: str
    when_likely: Tier
    when_possible: Tier
    about: str

    def tier(self, level: Level, *, act_now: bool) -> Tier | None:
        """Return how urgent this cause is at a level; None when it is not raised."""
        if not level.is_raised:
            return None
        if act_now:
            return max(Tier.URGENT, self.when_likely)
        return self.when_likely if level is Level.LIKELY else self.when_possible


class Step(IntEnum):
    """The fixed order in which rules are read (decision table 3.10.4). Later steps see what earlier ones concluded."""

    DISREGARD = 0
    RAISE = 1
    LOWER = 2
    CAP = 3
    COMPARE = 4
    REASSURE = 5
    REASSURED = 6
    UNEXPLAINED = 7
    TIER = 8
    ADVISE = 9
    ORDER = 10


class Effect:
    """What follows when a rule fires. Subclasses are the only effects there are."""

    softens = False
    """True when the effect makes the case look safer: no doubtful reading, and doubt is enough for an exception."""


@dataclass(frozen=True)
class Raise(Effect):
    """Hold the cause at this level at least. In doubt it is POSSIBLE, never to be acted on now."""

    level: Level
    act_now: bool = False
    label: str = ""

    def __post_init__(self) -> None:
        if not self.level.is_raised:
            raise ValueError("a rule raises to POSSIBLE or LIKELY")


@dataclass(frozen=True)
class Reassure(Raise):
    """Hold a harmless cause at this level: like Raise, but it softens."""

    softens = True


@dataclass(frozen=True)
class Lower(Effect):
    """Hold the cause UNLIKELY, unless something raises it. ``over`` names the rules this one outweighs."""

    over: frozenset[str] = frozenset()
    softens = True


@dataclass(frozen=True)
class Cap(Effect):
    """Hold these causes at POSSIBLE at most."""

    causes: frozenset[str]
    softens = True


@dataclass(frozen=True)
class Disregard(Effect):
    """Do not believe this statement: the fact counts as not reported. ``contradiction`` says so on the card."""

    fact: Fact
    state: State
    contradiction: bool = False


@dataclass(frozen=True)
class Soften(Effect):
    """Hold the cause's tier at this one at most."""

    tier: Tier
    softens = True


@dataclass(frozen=True)
class Floor(Effect):
    """Hold the tier of the case at this one at least."""

    tier: Tier


@dataclass(frozen=True)
class Advise(Effect):
    """Add actions, warnings and sentences without touching levels. ``treats`` marks advice on treatment."""

    actions: tuple[Action, ...] = ()
    warnings: tuple[Warning, ...] = ()
    treats: bool = False
    notable: bool = False
    """True when the advice is worth a card even if no cause is raised."""

    @property
    def softens(self) -> bool:  # type: ignore[override]  # treatment is held to the stricter reading
        return self.treats


class DraftChange(StrEnum):
    """What a suggestion on a draft order would add to it."""

    ADD_T1 = "add-t1"
    ADD_FLUID_SENSITIVE = "add-fluid-sensitive"


@dataclass(frozen=True)
class CheckOrder(Effect):
    """Say something about one draft order. ``indicator`` is info or warning; order cards never raise the tier."""

    summary: str
    indicator: str = "info"
    actions: tuple[Action, ...] = ()
    warnings: tuple[Warning, ...] = ()
    change: DraftChange | None = None
    hooks: frozenset[str] = frozenset({"order-select", "order-sign"})


STEP_OF: Mapping[type[Effect], Step] = {
    Disregard: Step.DISREGARD,
    Raise: Step.RAISE,
    Reassure: Step.REASSURE,
    Lower: Step.LOWER,
    Cap: Step.CAP,
    Soften: Step.TIER,
    Floor: Step.TIER,
    Advise: Step.ADVISE,
    CheckOrder: Step.ORDER,
}


@dataclass(frozen=True)
class Rule:
    """One row of the decision table.

    Attributes:
        id: kebab-case, stable for ever; a rule that changes meaning gets a new id.
        row: the row of the decision table it states.
        about: the cause it speaks of; empty for rules about the record or an order.
        when: must be YES.
        unless: exceptions, any of which stops the rule when established.
        says: sentences for the card when the rule fires.
        not_for: when not to use it.
        step: when it is read; by default what its effect calls for.
    """

    id: str
    row: str
    effect: Effect
    when: Condition
    evidence: tuple[Evidence, ...]
    about: str = ""
    unless: tuple[Condition, ...] = ()
    says: tuple[str, ...] = ()
    not_for: str = ""
    step: Step = field(default=Step.RAISE)
    asks: ClassVar[tuple[Fact, ...]]  # what follows from the fields is none
    """The facts that ``when`` asks for, each once, in the order written."""
    seeks: ClassVar[bool]
    """Whether the rule reaches a diagnosis, so that a record that leaves it undecided lacks something."""

    def __post_init__(self) -> None:
        if self.step is Step.RAISE:
            object.__setattr__(self, "step", STEP_OF[type(self.effect)])
        if not self.evidence:
            raise ValueError(f"rule {self.id!r} needs evidence")
        if not self.when.only_facts and self.step < Step.COMPARE:
            raise ValueError(f"rule {self.id!r}: 'when' may ask only for facts; put the rest into 'unless'")
        if isinstance(self.effect, Raise | Lower | Soften) and not self.about:
            raise ValueError(f"rule {self.id!r} must say which cause it is about")
        object.__setattr__(self, "asks", tuple(dict.fromkeys(self.when.facts())))
        object.__setattr__(self, "seeks", isinstance(self.effect, Raise) and not self.reads_a_diagnosis)

    @property
    def reads_a_diagnosis(self) -> bool:
        """Whether the rule takes over a diagnosis that the record names (G0), rather than reaching one.

        A record that names no diagnosis lacks nothing, so these rules never count as missing an input.
        """
        return self.row == "G0"

    def references(self) -> Iterator[str]:
        """Yield the ids of other rules this rule looks at."""
        yield from self.when.references()
        for condition in self.unless:
            yield from condition.references()

    def facts(self) -> Iterator[Fact]:
        """Yield every fact this rule may read."""
        yield from self.when.facts()
        for condition in self.unless:
            yield from condition.facts()


@dataclass(frozen=True)
class Rank:
    """A place in the order of leading causes; ``when`` restricts it to lesions where that holds."""

    cause: str
    when: Condition | None = None


@dataclass(frozen=True)
class Precedence:
    """``first`` goes before ``second`` whenever ``when`` holds at its lesion and ``unless`` does not."""

    first: str
    second: str
    when: Condition
    unless: Condition


@dataclass(frozen=True)
class Leading:
    """How the leading cause is found (decision table 3.9): tier, then ``bonus``, then level, then ``ranks``."""

    ranks: tuple[Rank, ...]
    bonus: Rank
    precedence: Precedence


@dataclass(frozen=True)
class StandingWarnings:
    """Warnings that follow from the assessment itself: a conflict in the record, a reference the source does not
    list, and the review status of the source, which stands on every card."""

    conflict: Warning
    unlisted_reference: Warning
    review_status: Warning


@dataclass(frozen=True)
class RuleSet:
    """All that medicine says here, as one value: what the engine runs and what the documents print."""

    rules: tuple[Rule, ...]
    causes: Mapping[str, Cause]
    facts: Mapping[str, Fact]
    sites: SiteMap
    settings: tuple[Setting, ...]
    leading: Leading
    standing: StandingWarnings

    def __post_init__(self) -> None:
        ids = [rule.id for rule in self.rules]
        twice = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
        if twice:
            raise ValueError(f"rule ids used twice: {twice}")
        for rule in self.rules:
            if rule.about and rule.about not in self.causes:
                raise ValueError(f"rule {rule.id!r} is about an unknown cause {rule.about!r}")
            strangers = sorted({fact.name for fact in rule.facts()} - set(self.facts))
            if strangers:
                raise ValueError(f"rule {rule.id!r} asks for unlisted facts {strangers}")

    @cached_property
    def not_assessed(self) -> tuple[str, ...]:
        """Causes of the differential that no rule raises yet, in the order of ``causes``."""
        raised = {rule.about for rule in self.rules if isinstance(rule.effect, Raise)}
        return tuple(cause for cause in self.causes if cause not in raised)

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """The rules by id."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def strangers(self) -> Mapping[str, tuple[str, ...]]:
        """Rule id -> the rules it looks at that this set does not have: rivals that are not assessed."""
        known = self.by_id
        return {
            rule.id: tuple(dict.fromkeys(name for name in rule.references() if name not in known))
            for rule in self.rules
        }

    def at_step(self, step: Step) -> tuple[Rule, ...]:
        """Return the rules that are read at this step, in their order."""
        return self._by_step.get(step, ())

    @cached_property
    def _by_step(self) -> Mapping[Step, tuple[Rule, ...]]:
        return {step: tuple(rule for rule in self.rules if rule.step is step) for step in Step}
