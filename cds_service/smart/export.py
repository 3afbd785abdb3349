"""The rules as FHIR R4, for a catalogue of decision support: what is asked of a record, what decides, what follows.

Conditions are written in words, as plain text: no engine can run them, and none needs to, because the service does.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fhir.resources.R4B import get_fhir_model_class

from cds_service.fhir.terminology import file_name
from cds_service.fhir.terminology import resources as terminology
from cds_service.knowledge.codes.referrals import REFERRALS
from cds_service.model.coding import CANONICAL
from cds_service.model.rule import Action, Advise, CheckOrder, Reference, Rule, RuleSet
from cds_service.protocol.discovery import Service
from cds_service.smart.transparency import RuleEntry, Transparency

Resource = dict[str, Any]

RULES_ID = "bme-rules"
SEARCH_TYPES = {"patient": "reference", "code": "token", "category": "token", "modality": "token", "status": "token"}
"""Kinds of the search parameters that prefetch templates use, besides those of the result (_sort, _count)."""


def export(rules: RuleSet, laid_open: Transparency, services: Iterable[Service], day: date) -> list[Resource]:
    """Return everything, valid FHIR R4, in the order of the file names.

    Args:
        laid_open: the same rules in words, under the site's judgement.
        day: when it is exported.

    Raises:
        ValueError: a resource is not valid, so that nothing is written.
    """
    made = [
        _capabilities(laid_open, services, day),
        _library(rules, laid_open, day),
        _plan(rules, laid_open, day),
        *(_activity(action, laid_open, day) for action in _actions(rules)),
    ]
    for resource in made:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return sorted([*made, *terminology()], key=file_name)


def _head(kind: str, ident: str, title: str, laid_open: Transparency, day: date) -> Resource:
    return {
        "resourceType": kind,
        "id": ident,
        "url": f"{CANONICAL}{kind}/{ident}",
        "version": f"{laid_open.version}+{laid_open.rule_set}",
        "name": "".join(word.capitalize() for word in ["bme", *ident.removeprefix("bme-").split("-")]),
        "title": title,
        "status": "draft",
        "experimental": False,
        "date": day.isoformat(),
    }


# What is asked of a record


def _capabilities(laid_open: Transparency, services: Iterable[Service], day: date) -> Resource:
    title = "Bone marrow edema on MRI: what the service reads of a record"
    reads = _reads(query for service in services for query in service.prefetch.values())
    resources = [
        {
            "type": kind,
            "documentation": f"Read of it: {', '.join(laid_open.resources[kind])}.",
            "interaction": [{"code": code} for code in sorted(interactions)],
            **({"searchParam": [{"name": one, "type": SEARCH_TYPES[one]} for one in sorted(params)]} if params else {}),
        }
        for kind, (interactions, params) in sorted(reads.items())
    ]
    return {
        **_head("CapabilityStatement", "bme-reads", title, laid_open, day),
        "description": "What a FHIR server must offer where the prefetch does not hold it. Nothing is written.",
        "kind": "requirements",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": resources}],
    }


def _reads(queries: Iterable[str]) -> Mapping[str, tuple[set[str], set[str]]]:
    """Return for each type the interactions and the search parameters that prefetch queries need."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for query in queries:
        path, _, criteria = query.partition("?")
        interactions, params = found.setdefault(path.partition("/")[0], (set(), set()))
        interactions.add("search-type" if criteria else "read")
        params |= {name for name, _ in parse_qsl(criteria) if not name.startswith("_")}
    return found


# What decides


def _library(rules: RuleSet, laid_open: Transparency, day: date) -> Resource:
    title = "Bone marrow edema on MRI: the rules, their inputs and their evidence"
    system = "http://terminology.hl7.org/CodeSystem/library-type"
    references = dict.fromkeys(one for rule in rules.rules for support in rule.evidence for one in support.references)
    return {
        **_head("Library", RULES_ID, title, laid_open, day),
        "type": {"coding": [{"system": system, "code": "logic-library"}]},
        "description": " ".join((laid_open.purpose, *laid_open.limits)),
        "purpose": laid_open.purpose,
        "usage": f"{laid_open.users} {laid_open.population}",
        "relatedArtifact": list(map(_cited, references)),
        "dataRequirement": [
            {"type": kind, "mustSupport": [one for one in elements if one in _elements(kind)]}
            for kind, elements in laid_open.resources.items()
        ],
        "content": [
            {"contentType": "application/json", "data": b64encode(orjson.dumps(asdict(laid_open))).decode()},
        ],
    }


def _elements(kind: str) -> list[str]:
    """Return the elements that R4 gives a type: a few that are read are of other versions."""
    names: list[str] = get_fhir_model_class(kind).elements_sequence()
    return names


def _plan(rules: RuleSet, laid_open: Transparency, day: date) -> Resource:
    title = "Bone marrow edema on MRI: when what is advised"
    system = "http://terminology.hl7.org/CodeSystem/plan-definition-type"
    words = {entry.id: entry for chapter in laid_open.chapters for entry in chapter.rules}
    return {
        **_head("PlanDefinition", RULES_ID, title, laid_open, day),
        "type": {"coding": [{"system": system, "code": "eca-rule"}]},
        "description": laid_open.purpose,
        "usage": f"{laid_open.users} {laid_open.population} {' '.join(laid_open.limits)}",
        "library": [f"{CANONICAL}Library/{RULES_ID}"],
        "action": [_rule(rule, words[rule.id]) for rule in rules.rules],
    }


def _rule(rule: Rule, words: RuleEntry) -> Resource:
    conditions = [words.when, *(f"not: {one}" for one in words.unless)]
    action: Resource = {
        "id": rule.id,
        "title": rule.id,
        "description": words.effect,
        "documentation": [
            one for support in rule.evidence for one in _documents(support.statements, support.references)
        ],
        "condition": [
            {"kind": "applicability", "expression": {"language": "text/plain", "expression": one}} for one in conditions
        ],
    }
    if rule.says:
        action["textEquivalent"] = " ".join(rule.says)
    if isinstance(rule.effect, CheckOrder):
        action["trigger"] = [{"type": "named-event", "name": hook} for hook in sorted(rule.effect.hooks)]
    if advised := _advised(rule):
        action["action"] = [{"title": one.text, "definitionCanonical": _canonical(one)} for one in advised]
    return action


def _documents(statements: Iterable[str], references: Iterable[Reference]) -> Iterator[Resource]:
    for statement in statements:
        yield {"type": "derived-from", "label": statement, "display": f"Statement {statement} of the source document"}
    yield from map(_cited, references)


def _cited(reference: Reference) -> Resource:
    url = {"url": reference.url} if reference.url else {}
    return {"type": "citation", "label": reference.key, "citation": reference.text, **url}


# What follows


def _advised(rule: Rule) -> tuple[Action, ...]:
    return rule.effect.actions if isinstance(rule.effect, Advise | CheckOrder) else ()


def _actions(rules: RuleSet) -> list[Action]:
    """Return every action that a rule calls for, once."""
    return sorted({one.id: one for rule in rules.rules for one in _advised(rule)}.values(), key=lambda one: one.id)


def _ident(action: Action) -> str:
    return action.id.lower().replace("_", "-")


def _canonical(action: Action) -> str:
    return f"{CANONICAL}ActivityDefinition/{_ident(action)}"


def _activity(action: Action, laid_open: Transparency, day: date) -> Resource:
    found = _head("ActivityDefinition", _ident(action), action.text, laid_open, day)
    found["description"] = f"{action.text} Offered to a clinician, who decides."
    if referral := REFERRALS.get(action.target):
        codings = [{"system": one.system, "code": one.code, "display": one.display} for one in referral.codes]
        found |= {
            "kind": "ServiceRequest",
            "intent": "proposal",
            "code": {"coding": codings, "text": referral.text},
        }
    return found
