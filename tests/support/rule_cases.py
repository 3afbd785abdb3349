"""Small cases made from the rules themselves: for each rule one that fires, and each with one fact changed.

A case is written as plain data (patient, lesions, drafts), so that a person can read it. What is expected of it stands
frozen in ``fixtures/rule_cases/``, one file a cause: a change of any rule shows there as a difference to review.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import islice, product
from pathlib import Path
from typing import Any

import orjson

from cds_service.cards.content import contents
from cds_service.cards.render import texts
from cds_service.cards.selection import HookKind, select
from cds_service.engine.assess import Diagnosis, Outcome, actions_of, assess
from cds_service.model.case import Case, Draft, Lesion, Study
from cds_service.model.condition import (
    AllOf,
    AnyOf,
    AtSite,
    Condition,
    Exactly,
    Fact,
    Fired,
    HasState,
    ImagedThere,
    IsOneOf,
    Kind,
    LevelIs,
    Not,
    Reaches,
    Scope,
    Setting,
    Settled,
    SomeLesion,
    Stated,
)
from cds_service.model.finding import Finding, State, Value
from cds_service.model.level import Level
from cds_service.model.quantity import Range, exact
from cds_service.model.rule import Lower, Raise, Rule, RuleSet

FOLDER = Path(__file__).parents[2] / "fixtures" / "rule_cases"
TOLD_APART = FOLDER / "told_apart.jsonl"
TODAY = date(2026, 11, 20)
CANDIDATES = 400
FIGURE = re.compile(r"[<>~≥≤]*=?\s?\d+(?:\.\d+)?(?:-\d+(?:\.\d+)?)?\s?(?:%|weeks|hours|consecutive|ug|cm|months)")

Wish = dict[str, Any]
"""Fact name -> value wished for; ``site`` names the site."""


# What a condition wishes for


def wishes(condition: Condition, rules: RuleSet, depth: int = 0) -> Iterator[Wish]:
    """Yield ways to make a condition hold, the simplest first."""
    if depth > 8:
        return
    match condition:
        case AllOf():
            options = [list(islice(wishes(part, rules, depth + 1), 12)) for part in condition.parts]
            for combination in islice(product(*options), CANDIDATES):
                merged = _merge(combination)
                if merged is not None:
                    yield merged
        case AnyOf():
            for part in condition.parts:
                yield from wishes(part, rules, depth + 1)
        case Fact():
            yield {condition.name: "present"}
        case HasState():
            for state in sorted(condition.states, reverse=True):
                yield {condition.fact.name: str(state)}
        case IsOneOf():
            for choice in condition.fact.choices:
                if choice in condition.choices:
                    yield {condition.fact.name: choice}
        case Reaches():
            limit = _limit(condition.threshold)
            yield {condition.fact.name: limit if condition.wanted else limit - 1}
        case Exactly():
            number = int(condition.number)
            yield {condition.fact.name: number if condition.wanted else number + 1}
        case AtSite():
            named = condition.sites.default if isinstance(condition.sites, Setting) else condition.sites
            known = [site for site in rules.sites.group_of if site not in rules.sites.sites_in]
            for site in known:
                if (site in named) is condition.wanted:
                    yield {"site": site}
        case Fired():
            rule = rules.by_id.get(condition.rule_id)
            if rule is not None:
                yield from wishes(rule.when, rules, depth + 1)
        case LevelIs():
            for rule in rules.rules:
                effect = rule.effect
                if rule.about != condition.cause or not isinstance(effect, Raise):
                    continue
                if effect.level in condition.levels or (condition.act_now and effect.act_now):
                    yield from islice(wishes(rule.when, rules, depth + 1), 12)
        case SomeLesion():
            yield from wishes(condition.part, rules, depth + 1)
        case Stated() | Settled():
            yield from ({fact.name: _any_value(fact)} for fact in islice(condition.facts(), 1))
        case ImagedThere():
            yield {"bme": "absent"}
        case Not():
            yield {}
        case _:
            yield {}


def _limit(threshold: Any) -> int:
    value = threshold.default if isinstance(threshold, Setting) else threshold
    return int(value)


def _any_value(fact: Fact) -> Any:
    return {Kind.YES_NO: "present", Kind.CHOICE: fact.choices[0] if fact.choices else "", Kind.NUMBER: 1}[fact.kind]


def _merge(parts: tuple[Wish, ...]) -> Wish | None:
    merged: Wish = {}
    for part in parts:
        for name, value in part.items():
            if merged.setdefault(name, value) != value:
                return None
    return merged


# Cases


def case_of(wish: Wish, rules: RuleSet) -> Case:
    """Return a case with one lesion (unless only a draft or the patient is wished for) and at most one draft."""
    layers: dict[Scope, dict[str, Finding]] = {scope: {} for scope in Scope}
    for name, value in wish.items():
        if name == "site":
            continue
        fact = rules.facts[name]
        layers[fact.scope][name] = Finding(name, _values(fact, value))
    site = wish.get("site", "other")
    group = rules.sites.group_of[site]
    lesions = ()
    if layers[Scope.LESION] or layers[Scope.STUDY] or "site" in wish:
        study = Study("study", "2026-11-18", findings=layers[Scope.STUDY])
        lesions = (Lesion(group, "left", frozenset({site}), study, layers[Scope.LESION]),)
    drafts = ()
    if layers[Scope.DRAFT]:
        place = layers[Scope.DRAFT].get("order.site")
        named = str(place.values[0]) if place else (group if lesions else None)
        drafts = (Draft("ServiceRequest/draft", "draft", named, None, findings=layers[Scope.DRAFT]),)
    return Case(layers[Scope.PATIENT], lesions, drafts)


def _values(fact: Fact, value: Any) -> tuple[Value, ...]:
    if isinstance(value, list):
        return tuple(one for part in value for one in _values(fact, part))
    if fact.kind is Kind.NUMBER and isinstance(value, str) and ".." in value:
        low, high = value.split("..")
        return (Range(exact(low).low, exact(high).high),)
    if fact.kind is Kind.NUMBER and value not in set(State):
        return (exact(str(value)),)
    return (State(value) if value in set(State) else value,)


def outcome(case: Case, rules: RuleSet) -> dict[str, Any]:
    """Return all that a reader of the cards could notice about a case."""
    assessment = assess(case, rules)
    hook = HookKind.ORDER_SELECT if case.drafts else HookKind.RESULT_REVIEW
    selection = select(assessment, hook, TODAY)
    written = contents(assessment, selection, rules)
    checks = [result for results in selection.order_checks.values() for result in results]
    spoken = [
        *(result for diagnosis in assessment.diagnoses for result in diagnosis.results),
        *(assessment.notes if assessment.has_message else ()),
        *checks,
    ]
    said = "\n".join(line for content in written for line in texts(content))
    noticed = {
        "tier": assessment.tier.name.lower(),
        "raised": [
            f"{one.cause} {one.level.name.lower()}{', act now' if one.act_now else ''}{_own_label(one, rules)}"
            for one in assessment.diagnoses
        ],
        "unlikely": [cause for cause, level in assessment.levels.items() if level is Level.UNLIKELY],
        "actions": sorted(action.id for action in actions_of(spoken)) if written else [],
        "warnings": sorted(warning.id for warning in assessment.warnings_for(spoken)) if written else [],
        "cards": [
            f"{content.topic} {'warning' if content.warning else content.tier.name.lower()}" for content in written
        ],
        "referrals": [
            f"{one.target} {'urgent' if one.urgent else 'routine'}" for content in written for one in content.referrals
        ],
        "changes": [content.change for content in written if content.change],
        "order_checks": sorted(result.rule.id for result in checks),
        "figures": sorted(set(FIGURE.findall(said))),
        "sentences": len(said.splitlines()),
        "against": sum(len(r.rule.says) for r in assessment.trace if r.fired and isinstance(r.rule.effect, Lower)),
    }
    return {name: value for name, value in noticed.items() if value}


def _own_label(diagnosis: Diagnosis, rules: RuleSet) -> str:
    return "" if diagnosis.label == rules.causes[diagnosis.cause].label else f", as {diagnosis.label}"


SHALLOW: Wish = {
    "site": "si_joint",
    "bme": "present",
    "depth_mm": 5,
    "age": 30,
    "seq.t1": "acquired",
    **dict.fromkeys(("erosion", "fatty_lesion", "ankylosis", "ia_t1_hyperintensity", "t2_joint_fluid"), "absent"),
}
BACKGROUNDS: tuple[Wish, ...] = (
    {},
    {"site": "si_joint", "bme": "present"},
    {"bme": "present"},
    {"site": "foot_ankle", "bme": "present"},
    {"site": "femoral_head_and_neck", "bme": "present"},
    {"site": "medial_femoral_condyle", "bme": "present", "age": 60, "sex": "female"},
    {"site": "si_joint", "erosion": "present"},
    {"site": "diffuse_marrow", "diffuse_marrow_signal": "present"},
    {"site": "femoral_head_and_neck", "bme": "present", "rim_sign": "absent", "diffuse_edema_head_neck": "present"},
    {"rim_sign": "indeterminate"},
    {"fever": "present"},
    {**SHALLOW, "athlete": "present"},
    SHALLOW,
    {**SHALLOW, "site": "knee_other", "healthy_control": "present"},
    {"osteomyelitis": "present"},
    {"tbmes": "present", "site": "femoral_head"},
)
"""What else may be known: a rule is shown where its being there makes a difference."""

WAYS = 24
"""So many ways to make a rule fire are kept, one for each alternative of its question."""


def firing_wishes(rule: Rule, rules: RuleSet) -> list[Wish]:
    """Return ways in which a rule fires: first of all one in which a reader would notice if it did not."""
    without = replace(rules, rules=tuple(one for one in rules.rules if one.id != rule.id))
    noticed: list[Wish] = []
    silent: list[Wish] = []
    for wish in islice(wishes(rule.when, rules), WAYS * 4):
        for background in BACKGROUNDS:
            given = {**background, **wish}
            case = case_of(given, rules)
            trace = assess(case, rules).trace
            if not any(result.rule.id == rule.id and result.outcome is Outcome.FIRED for result in trace):
                continue
            if outcome(case, rules) != outcome(case, without):
                noticed.append(given)
                break
            silent.append(given)
        if len(noticed) >= WAYS:
            break
    return noticed or silent[:1]


def variants(rule: Rule, wish: Wish, rules: RuleSet) -> Iterator[tuple[str, Wish]]:
    """Yield the case that fires, then each with one fact missing, changed or in doubt, then with each exception."""
    yield "fires", wish
    for name, value in wish.items():
        less = {other: kept for other, kept in wish.items() if other != name}
        yield f"{name} not reported", less
        for other in _near(name, value, rules):
            yield f"{name} {other}", {**wish, name: other}
    for number, exception in enumerate(rule.unless, start=1):
        for way, extra in enumerate(islice(wishes(exception, rules), 12), start=1):
            if all(wish.get(name, value) == value for name, value in extra.items()):
                yield f"exception {number}, way {way}", {**wish, **extra}
                yield (
                    f"exception {number}, way {way}, in doubt",
                    {
                        **wish,
                        **{name: _doubt(name, value, rules) for name, value in extra.items() if name not in wish},
                    },
                )


def other_way(way: int, rule: Rule, wish: Wish, rules: RuleSet) -> Iterator[tuple[str, Wish]]:
    """Yield another way in which a rule fires, and the same with each finding that only this way asks for in doubt."""
    yield f"fires, way {way}", wish
    asked = {fact.name for fact in rule.when.facts()}
    for name, value in wish.items():
        if name in asked and name != "site" and rules.facts[name].kind is Kind.YES_NO:
            yield f"way {way}, {name} in doubt", {**wish, name: "indeterminate" if value == "present" else "present"}


def _near(name: str, value: Any, rules: RuleSet) -> Iterator[Any]:
    if name == "site":
        yield from (site for site in ("si_joint", "foot_ankle", "femoral_head", "other") if site != value)
        return
    fact = rules.facts[name]
    if fact.kind is Kind.YES_NO:
        yield "absent" if value == "present" else "present"
        yield "indeterminate"
        yield ["present", "absent"]
    elif fact.kind is Kind.CHOICE:
        yield from (choice for choice in fact.choices if choice != value)
    else:
        yield from (max(value - 1, 0), value + 1, f"{max(value - 2, 1)}..{value + 2}")


def _doubt(name: str, value: Any, rules: RuleSet) -> Any:
    if name == "site" or rules.facts[name].kind is not Kind.YES_NO:
        return value
    return "indeterminate"


def all_cases(rules: RuleSet) -> Iterator[dict[str, Any]]:
    """Yield every case as data: rule, variant, wish, and what comes of it."""
    for rule in rules.rules:
        seen: list[Wish] = []
        for way, wish in enumerate(firing_wishes(rule, rules), start=1):
            for name, given in variants(rule, wish, rules) if way == 1 else other_way(way, rule, wish, rules):
                if given not in seen:
                    seen.append(given)
                    expected = outcome(case_of(given, rules), rules)
                    yield {"rule": rule.id, "variant": name, "given": given, "expected": expected}


def frozen_cases() -> list[dict[str, Any]]:
    """Return the cases as they stand in the files."""
    files = sorted(FOLDER.glob("*.jsonl"))
    return [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]


def told_apart_cases() -> list[dict[str, Any]]:
    """Return the cases that were found because they tell a rule from one with something changed."""
    return [orjson.loads(line) for line in TOLD_APART.read_bytes().splitlines()] if TOLD_APART.exists() else []


def write_told_apart(cases: list[dict[str, Any]]) -> None:
    """Write them anew, sorted by rule."""
    lines = (orjson.dumps(case) + b"\n" for case in sorted(cases, key=lambda case: (case["rule"], case["variant"])))
    TOLD_APART.write_bytes(b"".join(lines))


def main() -> None:
    """Write the files anew."""
    from cds_service.knowledge.rules import rule_set

    rules = rule_set()
    told_apart = [case for case in told_apart_cases() if case["rule"] in rules.by_id]
    by_cause: dict[str, list[bytes]] = {}
    for case in all_cases(rules):
        by_cause.setdefault(rules.by_id[case["rule"]].about or "record", []).append(orjson.dumps(case))
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.jsonl"):
        old.unlink()
    for cause, lines in by_cause.items():
        (FOLDER / f"{cause}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    write_told_apart([{**case, "expected": outcome(case_of(case["given"], rules), rules)} for case in told_apart])


if __name__ == "__main__":
    main()
