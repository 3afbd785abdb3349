"""What ``cds-service check`` looks at: hooks, rules, codes and scenarios, each named when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from fhir.resources.R4B import get_fhir_model_class

from cds_service.cards.selection import HookKind
from cds_service.data import data_path
from cds_service.errors import CdsServiceError
from cds_service.fhir.access import key_of, objects
from cds_service.fhir.source import entries
from cds_service.knowledge.codes.local import code_system
from cds_service.knowledge.evidence import REFERENCES_OF
from cds_service.knowledge.rules import rule_set
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.service import answer_on
from cds_service.settings import Settings


def problems(settings: Settings) -> Iterator[str]:
    """Yield everything that is wrong with the data this service runs on; nothing when all is well."""
    yield from _hooks(settings)
    yield from _rules()
    yield from _codes()
    yield from _scenarios(settings)


def _hooks(settings: Settings) -> Iterator[str]:
    try:
        services = load_services(settings.hooks_folder or data_path("hooks"))
    except (CdsServiceError, FileNotFoundError) as error:
        yield f"hooks: {error}"
        return
    for service in services.values():
        if service.situation not in set(HookKind):
            yield f"hooks/{service.situation}: no such situation; known: {', '.join(HookKind)}"
        for name in ("title", "description", "usageRequirements", "prefetch"):
            if not service.entry.get(name):
                yield f"hooks/{service.situation}: {name} is missing"


def _rules() -> Iterator[str]:
    rules = rule_set()
    for rule in rules.rules:
        for evidence in rule.evidence:
            for statement in evidence.statements:
                if statement not in REFERENCES_OF:
                    yield f"rule {rule.id}: cites {statement}, which the source document does not have"
        for reference in rule.references():
            about = reference.split("-")[0]
            if reference not in rules.by_id and about not in rules.not_assessed:
                yield f"rule {rule.id}: looks at {reference}, which does not exist"


def _codes() -> Iterator[str]:
    published = data_path("terminology") / "CodeSystem-bme-finding.json"
    if orjson.loads(published.read_bytes()) != code_system():
        yield "terminology: the published CodeSystem differs from the code table"


def _scenarios(settings: Settings) -> Iterator[str]:
    services = load_services(data_path("hooks"))
    try:
        scenarios = list(load_scenarios(data_path("scenarios")))
    except (OSError, ValueError, KeyError) as error:
        yield f"scenarios: one cannot be read ({type(error).__name__})"
        return
    for scenario in scenarios:
        name = f"scenarios/{scenario.name}"
        if not scenario.about.startswith("# "):
            yield f"{name}: about.md does not begin with a title"
        if not scenario.expected.get("invalidFhir"):
            yield from (f"{name}: {key} is not valid FHIR R4" for key in _invalid(scenario))
        service = services.get(f"bme-{scenario.request.get('hook')}")
        if service is None:
            yield f"{name}: no service answers its hook"
            continue
        try:
            found = answer_on(scenario.as_of, scenario.request, service, settings)
        except CdsServiceError as error:
            yield f"{name}: {error.message}"
            continue
        shown = [card["summary"] for card in found.cards]
        if shown != [card["summary"] for card in scenario.expected["cards"]]:
            yield f"{name}: the cards differ from expected.json"


def _invalid(scenario: Scenario) -> Iterator[str]:
    context = scenario.request.get("context", {})
    bundles = [*scenario.request.get("prefetch", {}).values(), context.get("draftOrders"), context.get("results")]
    for value in objects(bundles):
        for resource in entries(value) if value.get("resourceType") == "Bundle" else [value]:
            try:
                get_fhir_model_class(str(resource["resourceType"])).model_validate(resource)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                yield key_of(resource)
