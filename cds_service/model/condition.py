"""The language in which rules ask the record a question.

A condition answers with a ``Truth`` and can also list its facts, say which of them are still open, and print itself
for a reader. Conditions are values: combine them with ``&``, ``|`` and ``~``; nothing is called until a rule is read.

Each condition is read twice (decision table 3.10.2). *Certain*: present is YES, absent is NO, everything else UNKNOWN;
a range decides when it lies wholly on one side; a conflict is YES when all its values meet the test and never NO.
*Doubtful*: indeterminate, conflicting and straddling values count as met.

Conditions that look at levels, at other rules, or at whether something is known at all (``Settled``, ``Fired``,
``LevelIs``, ``AnyCause``) may change their answer when more is learnt. They belong in a rule's ``unless``, or in the
``when`` of a rule that runs after the levels stand; ``model.rule`` refuses them elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cached_property
from typing import ClassVar, Protocol

from cds_service.model.finding import Finding, State, Value
from cds_service.model.level import Level
from cds_service.model.quantity import Range
from cds_service.model.truth import NO, UNKNOWN, YES, Truth, any_of


class Reading(Enum):
    """How doubtful statements count; see the module's first paragraphs."""

    CERTAIN = "certain"
    DOUBTFUL = "doubtful"


CERTAIN, DOUBTFUL = Reading
"""Short names, as in ``model.truth``."""

SettingValue = int | float | bool | str | tuple[str, ...] | Mapping[str, str]


@dataclass(frozen=True)
class Setting:
    """A judgement where the source document is silent: a default that a site may change.

    ``why`` says where the default comes from; ``unit`` is empty for lists and switches.
    """

    name: str
    default: SettingValue
    why: str
    unit: str = ""


class LevelView(Protocol):
    """What rules that look at other causes may ask (implemented by the engine)."""

    def fired(self, rule_id: str, reading: Reading) -> Truth: ...

    def level(self, cause: str) -> tuple[Level | None, bool]: ...

    def raised(self, *, at_least: Level, or_act_now: bool, besides: frozenset[str], alone: frozenset[str]) -> bool: ...


@dataclass
class Around:
    """What all views of one case share: settings, every lesion, and what has been concluded at each so far."""

    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    lesions: list[View] = field(default_factory=list)
    levels: list[LevelView] = field(default_factory=list)


@dataclass(frozen=True)
class View:
    """What one rule sees: one lesion (or none), its study, the patient, and for order rules one draft.

    Attributes:
        layers: findings by fact name, nearest first (draft, lesion, study, patient).
        sites: sites of the lesion; empty when the record does not name one.
        possible_sites: what the site may be when the record only names a region such as the hip.
        around: the rest of the case.
        ordered: for a draft order, the lesions of the same joint and side.
        levels: what has been concluded so far at this lesion; None where there is no lesion.
    """

    layers: tuple[Mapping[str, Finding], ...]
    sites: frozenset[str] = frozenset()
    possible_sites: frozenset[str] = frozenset()
    around: Around = field(default_factory=Around)
    ordered: tuple[View, ...] = ()
    levels: LevelView | None = None
    stated: Mapping[str, Finding] = field(init=False, repr=False, compare=False)
    """What the nearest layer says of each fact. A single layer is taken as it is, and may still change."""

    def __post_init__(self) -> None:
        stated = self.layers[0] if len(self.layers) == 1 else _merged(self.layers)
        object.__setattr__(self, "stated", stated)

    def finding(self, fact: str) -> Finding | None:
        """Return what the nearest layer says of ``fact``, or None when nothing does."""
        return self.stated.get(fact)

    def setting(self, value: Setting | SettingValue) -> SettingValue:
        """Return the site's value of a setting, or the plain value itself."""
        if isinstance(value, Setting):
            return self.around.settings.get(value.name, value.default)
        return value


def _merged(layers: Sequence[Mapping[str, Finding]]) -> Mapping[str, Finding]:
    return {name: found for layer in reversed(layers) for name, found in layer.items()}


class Condition(ABC):
    """A question with a three-valued answer."""

    only_facts: bool = True
    """False when the answer depends on more than stated facts, so that learning more may change a settled answer."""

    fact_names: frozenset[str] = frozenset()
    """The facts a view must state any of, or the answer is UNKNOWN; empty where it may be known without them."""

    needed: frozenset[str] = frozenset()
    """The facts a view must state all of, or the answer is not YES; not all that there are of them."""

    @abstractmethod
    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        """Return the answer for one view."""

    @abstractmethod
    def facts(self) -> Iterator[Fact]:
        """Yield every fact that is asked about, in the order written (repeats possible)."""

    @abstractmethod
    def open_facts(self, view: View) -> Iterator[Fact]:
        """Yield the facts that leave the certain answer UNKNOWN; nothing when it is settled."""

    @abstractmethod
    def negated(self) -> Condition:
        """Return the opposite question."""

    def references(self) -> Iterator[str]:
        """Yield the ids of rules this condition looks at."""
        yield from ()

    @property
    def settled(self) -> Condition:
        """Whether the record answers this question at all (for ``unless`` and advice only)."""
        return Settled(self)

    def __and__(self, other: Condition) -> Condition:
        return AllOf(_flat(AllOf, self) + _flat(AllOf, other))

    def __or__(self, other: Condition) -> Condition:
        return AnyOf(_flat(AnyOf, self) + _flat(AnyOf, other))

    def __invert__(self) -> Condition:
        return self.negated()


@dataclass(frozen=True)
class _Combined(Condition):
    """Several questions as one; subclasses say how the answers combine."""

    parts: tuple[Condition, ...]
    _asked: ClassVar[tuple[tuple[str, Condition], ...]]  # no field: it follows from the parts
    """The parts in the order they are asked, each beside the one fact it asks for, if it does."""

    @property
    def only_facts(self) -> bool:  # type: ignore[override]  # a property here, a constant in the leaves
        return all(part.only_facts for part in self.parts)

    def __post_init__(self) -> None:
        names = [part.fact_names for part in self.parts]
        object.__setattr__(self, "fact_names", frozenset().union(*names) if all(names) else frozenset())
        # The sites go first, which settle most; not beside other rules, which are read in the order they are asked for.
        parts = [part.present if isinstance(part, Fact) else part for part in self.parts]
        parts.sort(key=lambda part: self.only_facts and not isinstance(part, AtSite))
        asked = tuple((part.fact.name if isinstance(part, _OfOneFact) else "", part) for part in parts)
        object.__setattr__(self, "_asked", asked)

    def facts(self) -> Iterator[Fact]:
        for part in self.parts:
            yield from part.facts()

    def open_facts(self, view: View) -> Iterator[Fact]:
        if self.truth(view) is UNKNOWN:
            for part in self.parts:
                yield from part.open_facts(view)

    def references(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.references()


def _flat(kind: type[_Combined], condition: Condition) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, kind) else (condition,)


@dataclass(frozen=True)
class AllOf(_Combined):
    """Every part must hold."""

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        answer = YES  # as in ``all_of``, written out: a call asks this some hundred times
        stated = view.stated
        for name, part in self._asked:
            if name and name not in stated:
                answer = UNKNOWN
                continue
            found = part.truth(view, reading)
            if found is NO:
                return found
            if found is UNKNOWN:
                answer = found
        return answer

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "needed", frozenset().union(*(part.needed for part in self.parts)))

    def negated(self) -> Condition:
        return AnyOf(tuple(part.negated() for part in self.parts))

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True)
class AnyOf(_Combined):
    """At least one part must hold."""

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        stated = view.stated
        if self.fact_names and self.fact_names.isdisjoint(stated):
            return UNKNOWN
        answer = NO  # as in ``any_of``
        for name, part in self._asked:
            if name and name not in stated:
                answer = UNKNOWN
                continue
            found = part.truth(view, reading)
            if found is YES:
                return found
            if found is UNKNOWN:
                answer = found
        return answer

    def negated(self) -> Condition:
        return AllOf(tuple(part.negated() for part in self.parts))

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, AllOf) else str(part) for part in self.parts)


class Kind(StrEnum):
    """What sort of value a fact holds."""

    YES_NO = "yes/no"
    CHOICE = "choice"
    NUMBER = "number"


class Scope(StrEnum):
    """What a fact belongs to."""

    LESION = "lesion"
    STUDY = "study"
    PATIENT = "patient"
    DRAFT = "draft order"


@dataclass(frozen=True)
class Fact(Condition):
    """Something the record may state. Used as a condition, a yes/no fact asks whether it is present.

    Attributes:
        name: identifier of the decision table, such as ``fatty_lesion``.
        label: what a clinician calls it.
        unit: for numbers, the unit every value is held in.
        choices: for a choice, all its values, least urgent first.
        source: the statement that names it, or "beyond" with its own source.
        asked_for: whether a card may ask for it when it is not reported; nobody reports a diagnosis not made.
    """

    name: str
    label: str
    kind: Kind = Kind.YES_NO
    scope: Scope = Scope.LESION
    unit: str = ""
    choices: tuple[str, ...] = ()
    source: str = ""
    asked_for: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "fact_names", frozenset({self.name}))
        object.__setattr__(self, "needed", self.fact_names)

    def __hash__(self) -> int:
        return hash(self.name)

    @cached_property
    def present(self) -> Condition:
        """Stated as present."""
        return HasState(self, frozenset({State.PRESENT}))

    @property
    def absent(self) -> Condition:
        """Stated as absent; "not mentioned" does not do."""
        return HasState(self, frozenset({State.ABSENT}))

    @property
    def not_excluded(self) -> Condition:
        """Stated as present or as indeterminate."""
        return HasState(self, frozenset({State.PRESENT, State.INDETERMINATE}))

    @property
    def settled(self) -> Condition:
        """Known one way or the other (for ``unless`` and advice only)."""
        return Settled(self if self.kind is Kind.YES_NO else IsOneOf(self, frozenset(self.choices)))

    @property
    def in_doubt(self) -> Condition:
        """Stated, but indeterminate or in conflict (for ``unless`` and advice only)."""
        return Stated(self) & ~self.settled

    def is_one_of(self, *choices: str) -> Condition:
        """Stated as one of the named choices."""
        unknown = set(choices) - set(self.choices)
        if unknown:
            raise ValueError(f"fact {self.name!r} has no choice {sorted(unknown)}; known: {list(self.choices)}")
        return IsOneOf(self, frozenset(choices))

    def at_least(self, threshold: Setting | int | str) -> Condition:
        """Stated as this number or more."""
        return Reaches(self, threshold)

    def below(self, threshold: Setting | int | str) -> Condition:
        """Stated as less than this number."""
        return Reaches(self, threshold, wanted=False)

    def exactly(self, number: int | str) -> Condition:
        """Stated as this number, no more and no less."""
        return Exactly(self, number)

    # As a condition: "is present".

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        return self.present.truth(view, reading)

    def facts(self) -> Iterator[Fact]:
        yield self

    def open_facts(self, view: View) -> Iterator[Fact]:
        yield from self.present.open_facts(view)

    def negated(self) -> Condition:
        return self.absent

    def __str__(self) -> str:
        return f"{self.label} present"


@dataclass(frozen=True)
class _OfOneFact(Condition):
    """A test of one fact; subclasses say which single values meet it."""

    fact: Fact

    def __post_init__(self) -> None:
        object.__setattr__(self, "fact_names", self.fact.fact_names)
        object.__setattr__(self, "needed", self.fact.needed)

    @abstractmethod
    def meets(self, value: Value, view: View) -> Truth:
        """Return whether one stated value meets the test."""

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        found = view.stated.get(self.fact.name)
        if found is None:
            return UNKNOWN
        if len(found.values) == 1:
            answer = self.meets(found.values[0], view)
            return YES if answer is UNKNOWN and reading is DOUBTFUL else answer
        answers = [self.meets(value, view) for value in found.values]
        if reading is DOUBTFUL and any(answer is not NO for answer in answers):
            return YES
        return YES if all(answer is YES for answer in answers) else UNKNOWN

    def facts(self) -> Iterator[Fact]:
        yield self.fact

    def open_facts(self, view: View) -> Iterator[Fact]:
        if self.truth(view) is UNKNOWN:
            yield self.fact


@dataclass(frozen=True)
class HasState(_OfOneFact):
    """A yes/no fact is stated with one of these states."""

    states: frozenset[State]

    def meets(self, value: Value, view: View) -> Truth:
        if value in self.states:
            return YES
        return UNKNOWN if value is State.INDETERMINATE else NO

    def negated(self) -> Condition:
        if self.states == {State.PRESENT, State.INDETERMINATE}:
            return self.fact.absent
        return HasState(self.fact, frozenset({State.PRESENT, State.ABSENT}) - self.states)

    def __str__(self) -> str:
        return f"{self.fact.label} {' or '.join(sorted(self.states, reverse=True))}"


@dataclass(frozen=True)
class IsOneOf(_OfOneFact):
    """A choice is stated as one of these values."""

    choices: frozenset[str]

    def meets(self, value: Value, view: View) -> Truth:
        if value is State.INDETERMINATE:
            return UNKNOWN
        return YES if value in self.choices else NO

    def negated(self) -> Condition:
        return IsOneOf(self.fact, frozenset(self.fact.choices) - self.choices)

    def __str__(self) -> str:
        return f"{self.fact.label} {' or '.join(choice for choice in self.fact.choices if choice in self.choices)}"


@dataclass(frozen=True)
class Reaches(_OfOneFact):
    """A number is at least the threshold (or, not ``wanted``, below it)."""

    threshold: Setting | int | str
    wanted: bool = True

    def meets(self, value: Value, view: View) -> Truth:
        if not isinstance(value, Range):
            return UNKNOWN
        answer = value.reaches(Decimal(str(view.setting(self.threshold))))
        return answer if self.wanted else ~answer

    def negated(self) -> Condition:
        return Reaches(self.fact, self.threshold, not self.wanted)

    def __str__(self) -> str:
        number = str(self.threshold)
        if isinstance(self.threshold, Setting):
            number = f"{self.threshold.name} ({self.threshold.default})"
        return f"{self.fact.label} {'>=' if self.wanted else '<'} {number} {self.fact.unit}".rstrip()


@dataclass(frozen=True)
class Exactly(_OfOneFact):
    """A number is stated as just this one (or, not ``wanted``, as another)."""

    number: int | str
    wanted: bool = True

    def meets(self, value: Value, view: View) -> Truth:
        if not isinstance(value, Range):
            return UNKNOWN
        number = Decimal(str(self.number))
        reached = value.reaches(number)
        if reached is YES and value.high == number:
            answer = YES
        elif reached is NO or (reached is YES and (value.low != number or value.low_open)):
            answer = NO
        else:
            answer = UNKNOWN
        return answer if self.wanted else ~answer

    def negated(self) -> Condition:
        return Exactly(self.fact, self.number, not self.wanted)

    def __str__(self) -> str:
        return f"{self.fact.label} {'is' if self.wanted else 'is not'} {self.number} {self.fact.unit}".rstrip()


SITE = Fact("site", "site", Kind.CHOICE, Scope.LESION)
"""Where a lesion lies; answered by ``AtSite`` from the lesion's own sites."""


@dataclass(frozen=True)
class AtSite(Condition):
    """The lesion shows at one of these sites. UNKNOWN when the record names no site."""

    sites: frozenset[str] | Setting
    wanted: bool = True

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        named = self._named(view)
        if view.sites:
            here = NO if view.sites.isdisjoint(named) else YES
        elif view.possible_sites and view.possible_sites <= named:
            here = YES
        elif view.possible_sites and view.possible_sites.isdisjoint(named):
            here = NO
        else:
            here = UNKNOWN
        return here if self.wanted else ~here

    def _named(self, view: View) -> frozenset[str]:
        if not isinstance(self.sites, Setting):
            return self.sites
        value = view.setting(self.sites)
        return frozenset(value) if isinstance(value, tuple) else frozenset()

    def facts(self) -> Iterator[Fact]:
        yield SITE

    def open_facts(self, view: View) -> Iterator[Fact]:
        if self.truth(view) is UNKNOWN:
            yield SITE

    def negated(self) -> Condition:
        return AtSite(self.sites, not self.wanted)

    def __str__(self) -> str:
        names = f"one of {self.sites.name}" if isinstance(self.sites, Setting) else ", ".join(sorted(self.sites))
        return f"{'at' if self.wanted else 'not at'} {names}"


def at_site(*sites: str) -> Condition:
    """Return the condition that the lesion shows at one of these sites."""
    return AtSite(frozenset(sites))


@dataclass(frozen=True)
class SettingIs(Condition):
    """A switch of the site is on."""

    setting: Setting
    only_facts = True

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        return YES if view.setting(self.setting) else NO

    def facts(self) -> Iterator[Fact]:
        yield from ()

    def open_facts(self, view: View) -> Iterator[Fact]:
        yield from ()

    def negated(self) -> Condition:
        raise TypeError("a switch has no opposite; name the setting for what it turns on")

    def __str__(self) -> str:
        return f"setting {self.setting.name}"


class _BeyondFacts(Condition):
    """Shared by the conditions that depend on more than stated facts."""

    only_facts = False

    def facts(self) -> Iterator[Fact]:
        yield from ()

    def open_facts(self, view: View) -> Iterator[Fact]:
        yield from ()

    def negated(self) -> Condition:
        return Not(self)


@dataclass(frozen=True)
class Not(_BeyondFacts):
    """The opposite of a condition on levels or rules."""

    part: Condition

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        return ~self.part.truth(view, reading)

    def facts(self) -> Iterator[Fact]:
        yield from self.part.facts()

    def references(self) -> Iterator[str]:
        yield from self.part.references()

    def negated(self) -> Condition:
        return self.part

    def __str__(self) -> str:
        return f"not ({self.part})"


@dataclass(frozen=True)
class Settled(_BeyondFacts):
    """The record answers this question, with yes or with no."""

    part: Condition

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        return NO if self.part.truth(view) is UNKNOWN else YES

    def facts(self) -> Iterator[Fact]:
        yield from self.part.facts()

    def __str__(self) -> str:
        return f"it is known whether {self.part}"


@dataclass(frozen=True)
class Stated(_BeyondFacts):
    """The record says anything at all about this fact."""

    fact: Fact

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        return NO if view.finding(self.fact.name) is None else YES

    def facts(self) -> Iterator[Fact]:
        yield self.fact

    def __str__(self) -> str:
        return f"{self.fact.label} stated"


@dataclass(frozen=True)
class SomeLesion(Condition):
    """The question holds at any lesion of the case, or (``ordered``) at any that a draft order is about."""

    part: Condition
    ordered: bool = False

    def _lesions(self, view: View) -> Sequence[View]:
        return view.ordered if self.ordered else view.around.lesions

    @property
    def only_facts(self) -> bool:  # type: ignore[override]  # a property here, a constant in the leaves
        return self.part.only_facts

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        return any_of(self.part.truth(lesion, reading) for lesion in self._lesions(view))

    def facts(self) -> Iterator[Fact]:
        yield from self.part.facts()

    def open_facts(self, view: View) -> Iterator[Fact]:
        if self.truth(view) is UNKNOWN:
            for lesion in self._lesions(view):
                yield from self.part.open_facts(lesion)

    def negated(self) -> Condition:
        raise TypeError("'at no lesion' is not a fact of the record; put SomeLesion into 'unless'")

    def references(self) -> Iterator[str]:
        yield from self.part.references()

    @property
    def where(self) -> str:
        """Where it is looked, in words."""
        return f"at {'the ordered place' if self.ordered else 'any site'}"

    def __str__(self) -> str:
        return f"{self.where}: {self.part}"


@dataclass(frozen=True)
class ImagedThere(_BeyondFacts):
    """The record holds MRI of the place a draft order is about."""

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        return YES if view.ordered else NO

    def __str__(self) -> str:
        return "the record holds MRI of this place"


@dataclass(frozen=True)
class Fired(_BeyondFacts):
    """Another rule is established at this lesion (``even_in_doubt``, or in the doubtful reading: fires in doubt)."""

    rule_id: str
    even_in_doubt: bool = False

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        if view.levels is None:
            return UNKNOWN
        return view.levels.fired(self.rule_id, DOUBTFUL if self.even_in_doubt else reading)

    def references(self) -> Iterator[str]:
        yield self.rule_id

    def __str__(self) -> str:
        return f"rule {self.rule_id}{' (even in doubt)' if self.even_in_doubt else ''}"


@dataclass(frozen=True)
class LevelIs(_BeyondFacts):
    """A cause stands at one of these levels at this lesion (``anywhere``: at any lesion)."""

    cause: str
    levels: frozenset[Level]
    act_now: bool = False
    anywhere: bool = False

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        here = () if view.levels is None else (view.levels,)
        for found in view.around.levels if self.anywhere else here:
            level, act_now = found.level(self.cause)
            if level in self.levels or (self.act_now and act_now):
                return YES
        return NO

    def __str__(self) -> str:
        names = " or ".join(level.name.lower() for level in sorted(self.levels, reverse=True))
        more = " or to be acted on now" if self.act_now else ""
        return f"{self.cause} {names}{more}{' anywhere' if self.anywhere else ''}"


@dataclass(frozen=True)
class AnyCause(_BeyondFacts):
    """Some cause stands at least at this level (``or_act_now``: or is to be acted on now).

    Attributes:
        besides: causes that do not count.
        alone: rules that do not count when nothing else raised their cause.
        anywhere: look at every lesion of the case, not only this one.
    """

    at_least: Level
    or_act_now: bool = False
    besides: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    anywhere: bool = True

    def truth(self, view: View, reading: Reading = CERTAIN) -> Truth:
        here = () if view.levels is None else (view.levels,)
        for found in view.around.levels if self.anywhere else here:
            if found.raised(at_least=self.at_least, or_act_now=self.or_act_now, besides=self.besides, alone=self.alone):
                return YES
        return NO

    def __str__(self) -> str:
        more = " or to be acted on now" if self.or_act_now else ""
        where = " anywhere" if self.anywhere else " at this site"
        less = f", besides {', '.join(sorted(self.besides))}" if self.besides else ""
        return f"any cause at least {self.at_least.name.lower()}{more}{where}{less}"
