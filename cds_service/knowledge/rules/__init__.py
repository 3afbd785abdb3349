"""The rules, one module per cause. A module is found by being here; it offers its rules as ``RULES``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from cds_service.knowledge.causes import CAUSES
from cds_service.knowledge.facts import FACTS
from cds_service.knowledge.leading import LEADING
from cds_service.knowledge.settings import SETTINGS
from cds_service.knowledge.sites import SITES
from cds_service.knowledge.warnings import STANDING
from cds_service.model.rule import Action, Advise, CheckOrder, Rule, RuleSet


@cache
def rule_set() -> RuleSet:
    """Return everything the knowledge package says, as one value.

    Rules about the record come first, then causes in the order of the differential; within a cause, as written.
    """
    rules: list[Rule] = []
    for module in sorted(iter_modules(__path__), key=lambda found: found.name):
        rules.extend(import_module(f"{__name__}.{module.name}").RULES)
    place = {cause: number for number, cause in enumerate(CAUSES, start=1)}
    return RuleSet(
        rules=tuple(sorted(rules, key=lambda rule: place.get(rule.about, 0))),
        causes=CAUSES,
        facts=FACTS,
        sites=SITES,
        settings=SETTINGS,
        leading=LEADING,
        standing=STANDING,
    )


def with_targets(rules: RuleSet, targets: Mapping[str, str]) -> RuleSet:
    """Return the rules with referrals sent elsewhere: action id -> target."""

    def directed(action: Action) -> Action:
        return replace(action, target=targets.get(action.id, action.target))

    def changed(rule: Rule) -> Rule:
        effect = rule.effect
        if not isinstance(effect, Advise | CheckOrder) or not effect.actions:
            return rule
        return replace(rule, effect=replace(effect, actions=tuple(directed(action) for action in effect.actions)))

    return replace(rules, rules=tuple(changed(rule) for rule in rules.rules)) if targets else rules
