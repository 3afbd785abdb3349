"""Run the rules over a case.

``assess`` is the only way in. It reads the rules in the fixed order of ``Step`` (decision table 3.10.4) over each
lesion, and returns what was concluded together with the whole trace. It knows no medicine: every question, level,
order of causes and text comes from the ``RuleSet``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from cds_service.engine.lesions import concerns
from cds_service.model.case import Case, Draft, Lesion, Problem
from cds_service.model.condition import CERTAIN, DOUBTFUL, Around, Condition, Fact, Reading, SettingValue, View
from cds_service.model.finding import Finding
from cds_service.model.level import Level, Tier
from cds_service.model.rule import (
    Action,
    Advise,
    Cap,
    CheckOrder,
    Disregard,
    Evidence,
    Floor,
    Lower,
    Raise,
    Rule,
    RuleSet,
    Soften,
    StandingWarnings,
    Step,
    Warning,
)
from cds_service.model.truth import NO, UNKNOWN, YES, Truth


class Outcome(StrEnum):
    """What became of a rule at one lesion or draft."""

    FIRED = "fired"
    FIRED_IN_DOUBT = "fired in doubt"
    EXCEPTED = "stopped by an exception"
    NOT_MET = "not met"
    UNDECIDED = "undecided"


# Short names, as in ``model.truth``: to look up a member of an enum takes longer.
FIRED, IN_DOUBT, EXCEPTED, NOT_MET, UNDECIDED = Outcome


class RuleResult(NamedTuple):
    """One rule read at one place, with everything needed to explain it. A tuple: each case makes some hundred.

    ``place`` is the index of the lesion, or of the draft for order rules. ``stopped_by`` is the exception that held,
    ``not_assessed`` the rules an exception names that this rule set does not have.
    """

    rule: Rule
    place: int
    outcome: Outcome
    view: View
    stopped_by: Condition | None = None
    not_assessed: tuple[str, ...] = ()

    @property
    def fired(self) -> bool:
        """Whether the rule's effect applies, in doubt or not."""
        return self.outcome is FIRED or self.outcome is IN_DOUBT

    @property
    def lacks_input(self) -> bool:
        """Whether this rule might raise its cause, if more were known."""
        return self.outcome is UNDECIDED and self.rule.seeks

    def open_facts(self) -> tuple[Fact, ...]:
        """Return the facts that keep ``when`` from being settled, in rule order, each once."""
        when = self.rule.when
        if when.fact_names and when.fact_names.isdisjoint(self.view.stated):
            return self.rule.asks
        return tuple(dict.fromkeys(when.open_facts(self.view)))

    def missing(self) -> tuple[Fact, ...]:
        """Return the open facts the record does not state at all."""
        stated = self.view.stated
        return tuple([fact for fact in self.open_facts() if fact.name not in stated])

    def doubtful(self) -> tuple[Fact, ...]:
        """Return the open facts that are stated, but indeterminate, in conflict, or not exactly enough."""
        stated = self.view.stated
        return tuple([fact for fact in self.open_facts() if fact.name in stated])

    def findings(self) -> tuple[Finding, ...]:
        """Return what the record states of the facts this rule asks for, each once, in rule order."""
        stated = self.view.stated
        return tuple([stated[fact.name] for fact in self.rule.asks if fact.name in stated])


class Entry(NamedTuple):
    """One cause at one lesion."""

    cause: str
    lesion: int
    level: Level
    act_now: bool
    tier: Tier | None
    raised_by: tuple[RuleResult, ...]
    advised_by: tuple[RuleResult, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """One raised cause over all lesions: its highest level, act_now if any, its highest tier."""

    cause: str
    label: str
    level: Level
    act_now: bool
    tier: Tier
    entries: tuple[Entry, ...]

    @cached_property
    def results(self) -> tuple[RuleResult, ...]:
        """Return every rule result that belongs to this cause, in rule order, lesion by lesion."""
        return tuple(chain.from_iterable(entry.raised_by + entry.advised_by for entry in self.entries))


@dataclass(frozen=True)
class Assessment:
    """All that was concluded about a case.

    Attributes:
        diagnoses: raised causes, leading first.
        levels: every cause that is raised, unlikely or not assessable, at its highest level.
        tier: urgency of the case.
        notes: advice that belongs to no raised cause.
        order_checks: results about the draft orders.
        conflicts: facts in which the record disagrees with itself, or that had to be disregarded.
        not_assessed: causes no rule covers yet.
        trace: every rule at every place.
    """

    case: Case
    diagnoses: tuple[Diagnosis, ...]
    levels: Mapping[str, Level]
    tier: Tier
    notes: tuple[RuleResult, ...]
    order_checks: tuple[RuleResult, ...]
    conflicts: tuple[Problem, ...]
    not_assessed: tuple[str, ...]
    trace: tuple[RuleResult, ...]
    standing: StandingWarnings

    @property
    def leading(self) -> Diagnosis | None:
        """The cause that goes first, or None when nothing is raised."""
        return self.diagnoses[0] if self.diagnoses else None

    @property
    def has_message(self) -> bool:
        """Whether there is anything to say at all (rule G1)."""
        return bool(self.diagnoses or self.order_checks or any(is_notable(result) for result in self.notes))

    def warnings_for(self, results: Iterable[RuleResult]) -> tuple[Warning, ...]:
        """Return the warnings a card made of these results must show, standing ones last, each once."""
        spoken = tuple(results)
        standing: list[Warning] = []
        if self.conflicts:
            standing.append(self.standing.conflict)
        if any(not reference.listed for evidence in evidence_of(spoken) for reference in evidence.references):
            standing.append(self.standing.unlisted_reference)
        standing.append(self.standing.review_status)
        return tuple(dict.fromkeys((*warnings_of(spoken), *standing)))

    @cached_property
    def undecided(self) -> tuple[RuleResult, ...]:
        """The rules that might raise their cause, if more were known."""
        return tuple([result for result in self.trace if result.lacks_input])

    def missing(self) -> tuple[Fact, ...]:
        """Return, in rule order, what the record does not state and a raising rule asks for."""
        return tuple(dict.fromkeys(chain.from_iterable(result.missing() for result in self.undecided)))


def is_notable(result: RuleResult) -> bool:
    """Return whether advice deserves a card when no cause is raised."""
    return isinstance(result.rule.effect, Advise) and result.rule.effect.notable


def actions_of(results: Iterable[RuleResult]) -> tuple[Action, ...]:
    """Return the actions of fired rules, each once, in order."""
    effects = (result.rule.effect for result in results)
    lists = (effect.actions for effect in effects if isinstance(effect, Advise | CheckOrder))
    return tuple(dict.fromkeys(chain.from_iterable(lists)))


def warnings_of(results: Iterable[RuleResult]) -> tuple[Warning, ...]:
    """Return the warnings of fired rules, each once, in order."""
    effects = (result.rule.effect for result in results)
    lists = (effect.warnings for effect in effects if isinstance(effect, Advise | CheckOrder))
    return tuple(dict.fromkeys(chain.from_iterable(lists)))


def evidence_of(results: Iterable[RuleResult]) -> tuple[Evidence, ...]:
    """Return the evidence of fired rules, each once, in order."""
    return tuple(dict.fromkeys(chain.from_iterable(result.rule.evidence for result in results)))


def assess(case: Case, rules: RuleSet, settings: Mapping[str, SettingValue] | None = None) -> Assessment:
    """Return what the rules conclude about a case.

    Pure and deterministic: the same case gives the same assessment, whatever the order its parts came in.
    """
    run = _Run(case, rules, settings or {})
    for step in Step:
        run.read(step)
    return run.assessment()


class _AtLesion:
    """Everything concluded at one lesion so far; answers the questions of ``LevelView``."""

    def __init__(self, run: _Run, place: int, lesion: Lesion) -> None:
        self.rules = run.rules
        self.place = place
        self.layers = (dict(lesion.findings), dict(lesion.study.findings), dict(run.case.patient))
        self.stated: dict[str, Finding] = {}
        self.view = View((self.stated,), lesion.sites, lesion.possible_sites, run.around, levels=self)
        self._merge()
        self.disregarded: list[Problem] = []
        self.results: dict[str, RuleResult] = {}
        self.entries: dict[str, Entry] = {}
        self._reading: set[str] = set()
        self.fired_here: list[RuleResult] = []
        self._about: defaultdict[str, list[RuleResult]] = defaultdict(list)
        self._capped: set[str] = set()
        self._lacking: set[str] = set()
        self._unsettled: set[str] = set()

    def _merge(self) -> None:
        """Let the view state what the layers do, the nearest one first."""
        self.stated.clear()
        for layer in reversed(self.layers):
            self.stated.update(layer)

    def read(self, rules: Iterable[Rule]) -> None:
        """Read those of the rules that were not read here yet."""
        results, reading = self.results, self._reading
        for rule in rules:
            if rule.id in results:
                continue
            if rule.id in reading:
                raise ValueError(f"rules refer to each other in a circle at {rule.id!r}")
            reading.add(rule.id)
            found = results[rule.id] = read_rule(rule, self.place, self.view, self.rules)
            if found.outcome is UNDECIDED:
                if rule.seeks:
                    self._lacking.add(rule.about)
                    self._unsettled.add(rule.about)
            elif found.fired:
                self._gather(found)

    def _gather(self, result: RuleResult) -> None:
        self.fired_here.append(result)
        effect, about = result.rule.effect, result.rule.about
        if isinstance(effect, Disregard):
            self._disregard(effect)
        if isinstance(effect, Cap):
            self._capped |= effect.causes
            self._unsettled |= effect.causes
        if about:
            self._about[about].append(result)
            self._unsettled.add(about)

    def _disregard(self, effect: Disregard) -> None:
        for layer in self.layers:
            found = layer.get(effect.fact.name)
            if found is not None and found.values == (effect.state,):
                del layer[effect.fact.name]
                if effect.contradiction:
                    where = found.sources[0].reference if found.sources else ""
                    self.disregarded.append(Problem("contradiction", effect.fact.name, where))
        self._merge()

    def settle(self) -> None:
        """Work out levels and tiers from the rules read so far."""
        if self._unsettled:
            settled = {
                cause: self._entry(cause) if cause in self._unsettled else self.entries.get(cause)
                for cause in self.rules.causes
            }
            self.entries = {cause: entry for cause, entry in settled.items() if entry is not None}
            self._unsettled.clear()

    def _entry(self, cause: str) -> Entry | None:
        fired = self._about.get(cause, ())
        raised = tuple(r for r in fired if isinstance(r.rule.effect, Raise))
        lowered = [r.rule.effect for r in fired if isinstance(r.rule.effect, Lower)]
        outweighed = frozenset().union(*(effect.over for effect in lowered))
        held = [_held(result) for result in raised if result.rule.id not in outweighed]
        if held:
            level = max(level for level, _ in held)
            act_now = any(now for _, now in held)
            if cause in self._capped:
                level = min(level, Level.POSSIBLE)
        elif lowered:
            level, act_now = Level.UNLIKELY, False
        elif cause in self._lacking:
            level, act_now = Level.NOT_ASSESSABLE, False
        else:
            return None
        tier = self.rules.causes[cause].tier(level, act_now=act_now)
        for result in fired:
            if tier is not None and isinstance(result.rule.effect, Soften):
                tier = min(tier, result.rule.effect.tier)
        advised = tuple(r for r in fired if isinstance(r.rule.effect, Advise | Soften | Cap))
        return Entry(cause, self.place, level, act_now, tier, raised, advised)

    # LevelView

    def fired(self, rule_id: str, reading: Reading) -> Truth:
        found = self.results.get(rule_id)
        if found is None:
            rule = self.rules.by_id.get(rule_id)
            if rule is None:
                return UNKNOWN
            self.read((rule,))
            found = self.results[rule_id]
        outcome = found.outcome
        if outcome is FIRED or (outcome is IN_DOUBT and reading is DOUBTFUL):
            return YES
        return NO

    def level(self, cause: str) -> tuple[Level | None, bool]:
        entry = self.entries.get(cause)
        return (None, False) if entry is None else (entry.level, entry.act_now)

    def raised(self, *, at_least: Level, or_act_now: bool, besides: frozenset[str], alone: frozenset[str]) -> bool:
        return any(
            (entry.level >= at_least or (or_act_now and entry.act_now))
            and entry.level.is_raised
            and cause not in besides
            and not (entry.raised_by and all(result.rule.id in alone for result in entry.raised_by))
            for cause, entry in self.entries.items()
        )


def _held(result: RuleResult) -> tuple[Level, bool]:
    effect = result.rule.effect
    if result.outcome is IN_DOUBT or not isinstance(effect, Raise):
        return Level.POSSIBLE, False
    return effect.level, effect.act_now


def read_rule(rule: Rule, place: int, view: View, rules: RuleSet) -> RuleResult:
    """Return what becomes of a rule where ``view`` looks."""
    when, stopped_by = rule.when, None
    if when.fact_names and when.fact_names.isdisjoint(view.stated):
        outcome = UNDECIDED
    elif (certain := when.truth(view)) is NO:
        outcome = NOT_MET
    elif certain is YES:
        outcome = FIRED
    else:
        may_doubt = when.needed <= view.stated.keys() and isinstance(rule.effect, Raise) and not rule.effect.softens
        outcome = IN_DOUBT if may_doubt and when.truth(view, DOUBTFUL) is YES else UNDECIDED
    # An established exception also settles a question that is still open: nothing more needs to be known.
    if outcome is not NOT_MET and rule.unless:
        strictness = DOUBTFUL if rule.effect.softens else CERTAIN
        for exception in rule.unless:
            if exception.truth(view, strictness) is YES:
                stopped_by, outcome = exception, EXCEPTED
                break
    # As RuleResult(...) does, with fewer steps.
    return tuple.__new__(RuleResult, (rule, place, outcome, view, stopped_by, rules.strangers[rule.id]))


class _Run:
    """One assessment in the making."""

    def __init__(self, case: Case, rules: RuleSet, settings: Mapping[str, SettingValue]) -> None:
        self.case = case
        self.rules = rules
        self.around = Around(settings)
        self.lesions = [_AtLesion(self, place, lesion) for place, lesion in enumerate(case.lesions)]
        self.around.lesions.extend(lesion.view for lesion in self.lesions)
        self.around.levels.extend(self.lesions)
        self.order_results: list[RuleResult] = []

    def read(self, step: Step) -> None:
        rules = self.rules.at_step(step)
        if step is Step.ORDER:
            for place, draft in enumerate(self.case.drafts):
                view = self._view_of(draft)
                self.order_results.extend(read_rule(rule, place, view, self.rules) for rule in rules)
            return
        for lesion in self.lesions:
            lesion.read(rules)
        for lesion in self.lesions:
            lesion.settle()

    def _view_of(self, draft: Draft) -> View:
        ordered = tuple(
            lesion.view
            for lesion, known in zip(self.lesions, self.case.lesions, strict=True)
            if draft.group and concerns(draft, known, self.rules.sites)
        )
        return View((draft.findings, self.case.patient), around=self.around, ordered=ordered)

    def assessment(self) -> Assessment:
        trace = [result for lesion in self.lesions for result in lesion.results.values()] + self.order_results
        order_checks = tuple(result for result in self.order_results if result.fired)
        fired = [*chain.from_iterable(lesion.fired_here for lesion in self.lesions), *order_checks]
        diagnoses = self._diagnoses()
        raised = {(entry.cause, entry.lesion) for diagnosis in diagnoses for entry in diagnosis.entries}
        floors = [r.rule.effect.tier for r in fired if isinstance(r.rule.effect, Floor)]
        notes = tuple(
            result
            for result in fired
            if isinstance(result.rule.effect, Advise | Floor) and (result.rule.about, result.place) not in raised
        )
        return Assessment(
            case=self.case,
            diagnoses=diagnoses,
            levels=self._levels(),
            tier=max([Tier.ROUTINE, *floors, *(diagnosis.tier for diagnosis in diagnoses)]),
            notes=notes,
            order_checks=order_checks,
            conflicts=self._conflicts(),
            not_assessed=self.rules.not_assessed,
            trace=tuple(trace),
            standing=self.rules.standing,
        )

    def _levels(self) -> dict[str, Level]:
        levels: dict[str, Level] = {}
        for lesion in self.lesions:
            for cause, entry in lesion.entries.items():
                levels[cause] = max(entry.level, levels.get(cause, entry.level))
        return levels

    def _conflicts(self) -> tuple[Problem, ...]:
        """Return every fact in conflict, each statement once, and what had to be disregarded or refused."""
        layers = chain([self.case.patient], *((le.findings, le.study.findings) for le in self.case.lesions))
        disagreeing = (found for layer in layers for found in layer.values() if found.is_conflict)
        conflicts = [
            Problem("conflict", found.fact, found.sources[0].reference if found.sources else "")
            for found in disagreeing
        ]
        refused = [problem for problem in self.case.problems if problem.code in ("rejected-value", "contradiction")]
        disregarded = chain.from_iterable(lesion.disregarded for lesion in self.lesions)
        return tuple(dict.fromkeys([*conflicts, *disregarded, *refused]))

    def _diagnoses(self) -> tuple[Diagnosis, ...]:
        found: list[tuple[tuple[int, ...], Diagnosis]] = []
        for cause in self.rules.causes:
            entries = tuple(
                entry for lesion in self.lesions if (entry := lesion.entries.get(cause)) and entry.tier is not None
            )
            if entries:
                diagnosis = self._diagnosis(cause, entries)
                found.append((self._place_in_order(diagnosis), diagnosis))
        ordered = [diagnosis for _, diagnosis in sorted(found, key=lambda pair: pair[0])]
        return tuple(self._with_precedence(ordered))

    def _diagnosis(self, cause: str, entries: tuple[Entry, ...]) -> Diagnosis:
        strongest = sorted(entries, key=lambda entry: (-(entry.tier or 0), -entry.level, entry.lesion))
        effects = (result.rule.effect for entry in strongest for result in entry.raised_by)
        labels = [effect.label for effect in effects if isinstance(effect, Raise)]
        own = [label for label in labels if label]
        return Diagnosis(
            cause=cause,
            label=own[0] if own and len(own) == len(labels) else self.rules.causes[cause].label,
            level=max(entry.level for entry in entries),
            act_now=any(entry.act_now for entry in entries),
            tier=max(entry.tier for entry in entries if entry.tier is not None),
            entries=tuple(strongest),
        )

    def _place_in_order(self, diagnosis: Diagnosis) -> tuple[int, ...]:
        leading = self.rules.leading
        views = [self.lesions[entry.lesion].view for entry in diagnosis.entries]

        def holds(condition: Condition | None) -> bool:
            return condition is None or any(condition.truth(view) is YES for view in views)

        bonus = diagnosis.cause == leading.bonus.cause and holds(leading.bonus.when)
        rank = next(
            (n for n, rank in enumerate(leading.ranks) if rank.cause == diagnosis.cause and holds(rank.when)),
            len(leading.ranks),
        )
        return (-diagnosis.tier, 0 if bonus else 1, -diagnosis.level, rank)

    def _with_precedence(self, ordered: list[Diagnosis]) -> list[Diagnosis]:
        """Return the order with the one exception of 3.9: ``first`` before ``second`` where its condition holds."""
        rule = self.rules.leading.precedence
        names = [diagnosis.cause for diagnosis in ordered]
        if rule.first not in names or rule.second not in names:
            return ordered
        first, second = names.index(rule.first), names.index(rule.second)
        views = [self.lesions[entry.lesion].view for entry in ordered[first].entries]
        holds = any(rule.when.truth(view) is YES and rule.unless.truth(view) is not YES for view in views)
        if holds and second < first:
            ordered.insert(second, ordered.pop(first))
        return ordered
