"""What ``cds-service check`` looks at: hooks, rules, codes and scenarios, each named when something is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from cds_service.cards.selection import HookKind
from cds_service.data import data_path
from cds_service.errors import CdsServiceError
from cds_service.fhir.access import Json, key_of, objects
from cds_service.fhir.source import entries
from cds_service.fhir.terminology import file_name, resources, written_form
from cds_service.knowledge.codes.entry import Key
from cds_service.knowledge.codes.tables import OVERLAPS, TABLES, facts_stated, single_and_family_keys
from cds_service.knowledge.evidence import REFERENCES_OF
from cds_service.knowledge.rules import rule_set
from cds_service.model.coding import SYSTEM_ALIASES, misprint, same_system
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.service import answer_on
from cds_service.settings import Settings


def problems(settings: Settings) -> Iterator[str]:
    """Yield everything that is wrong with the data this service runs on; nothing when all is well."""
    yield from _hooks(settings)
    yield from _rules()
    yield from _codes(settings)
    yield from _terminology()
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


def _codes(settings: Settings) -> Iterator[str]:
    for name, table in TABLES.items():
        for row in table:
            yield from _misprinted(f"codes, {name}", row.code.system, row.code.code)
    for system, code in settings.aliases:
        yield from _misprinted("code_aliases", system, code)
    for target, referral in settings.referral_codes.items():
        yield from _misprinted(f"referral_codes, {target}", referral.system, referral.code)
    yield from accidental_overlaps({key: facts_stated(key) for key in single_and_family_keys()})
    for other, system in SYSTEM_ALIASES.items():
        if same_system(other) != system:
            yield f"codes: {other} is not understood as {system}"


def _misprinted(where: str, system: str, code: str) -> Iterator[str]:
    if problem := misprint(system, code):
        yield f"{where}: {problem}"


def accidental_overlaps(stated: Mapping[Key, Iterable[str]]) -> Iterator[str]:
    """Yield the codes that state two facts without a reason in ``OVERLAPS``, and the reasons that no code needs."""
    unused = set(OVERLAPS)
    for (system, code), facts in sorted(stated.items()):
        for pair in combinations(sorted(facts), 2):
            if frozenset(pair) not in OVERLAPS:
                yield f"codes: {code} of {system} states both {pair[0]} and {pair[1]}; OVERLAPS gives no reason"
            unused.discard(frozenset(pair))
    for one, other in sorted(map(sorted, unused)):
        yield f"codes: OVERLAPS allows {one} with {other}, which no code states together"


def _terminology() -> Iterator[str]:
    folder = data_path("terminology")
    written = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    made = {file_name(resource): written_form(resource) for resource in resources()}
    for name in sorted(made.keys() | written.keys()):
        if made.get(name) != written.get(name):
            yield f"terminology/{name}: differs from the code tables; write it anew with cds-service terminology"


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
            for coding in _codings(scenario.request):
                yield from _misprinted(name, coding["system"], coding["code"])
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


def _codings(value: Any) -> Iterator[Json]:
    """Yield every coding inside a value: what has a system and a code, both text."""
    for one in objects(value):
        if isinstance(one.get("system"), str) and isinstance(one.get("code"), str):
            yield one
        for inner in one.values():
            yield from _codings(inner)
