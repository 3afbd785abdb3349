"""The same patients with their records on a FHIR server, not in prefetch; and each state that a prefetch key has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any
from urllib.parse import unquote

import pytest
from requests.utils import requote_uri
from support.fhir_server import Behaviour, FhirServer, ok, silent, slow, status

from cds_service.data import data_path
from cds_service.fhir.client import FhirClient
from cds_service.knowledge.rules import rule_set
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.service import KEYS, Answer, Ports, answer
from cds_service.settings import Settings

Json = Any

SERVICES = load_services(data_path("hooks"))
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios(data_path("scenarios"))}
every_scenario = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
# One scenario in four in `make test`, all of them in the gate.
every_scenario_in_time = pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, id=name, marks=[pytest.mark.slow] if number % 4 else [])
        for number, (name, scenario) in enumerate(SCENARIOS.items())
    ],
)


@pytest.fixture
def server() -> Iterator[FhirServer]:
    with FhirServer() as running:
        yield running


@pytest.fixture
def fhir() -> Iterator[FhirClient]:
    client = FhirClient()
    yield client
    client.close()


def ask(scenario: Scenario, server: FhirServer, prefetch: Json, fhir: FhirClient, **settings: Any) -> Answer:
    """Answer a scenario with this prefetch; its FHIR server is ours, and may be read."""
    asked = {**scenario.request, "prefetch": prefetch, "fhirServer": server.base}
    call = read_call(asked, SERVICES[f"bme-{asked['hook']}"])
    allowed = Settings(card_key="a key", fhir_servers=[server.base], **settings)
    return answer(call, allowed, Ports(rule_set(), lambda: scenario.as_of, fhir))


def queries_of(scenario: Scenario) -> Mapping[str, str]:
    """Return what is asked of the server for each key, as it arrives there."""
    call = read_call(scenario.request, SERVICES[f"bme-{scenario.request['hook']}"])
    return {key: requote_uri(query) for key, query in call.queries().items()}


def hold(server: FhirServer, scenario: Scenario, *, pages: int = 1, delay_s: float = 0.0) -> None:
    """Put what a scenario prefetches on the server, each search in so many pages."""
    for key, query in queries_of(scenario).items():
        value = scenario.request["prefetch"].get(key, "absent")
        if value == "absent":
            continue
        if value is None:
            server.on(query, ok({"resourceType": "Bundle", "type": "searchset", "total": 0}))
            continue
        parts = list(parts_of(value, pages))
        for number, part in enumerate(parts):
            if number + 1 < len(parts):
                link = {"relation": "next", "url": f"{server.base}/{key}-page-{number + 2}"}
                part = {**part, "link": [link]}  # noqa: PLW2901  # the page with its link
            server.on(query if number == 0 else f"{key}-page-{number + 1}", slow(delay_s, ok(part)))


def parts_of(value: Json, pages: int) -> Iterator[Json]:
    entry = value.get("entry") if value.get("resourceType") == "Bundle" else None
    if not isinstance(entry, list) or len(entry) < pages:
        yield value
        return
    size = -(-len(entry) // pages)
    for start in range(0, len(entry), size):
        yield {**value, "entry": entry[start : start + size]}


def cards_of(found: Answer) -> list[Json]:
    """Return the cards. What was not sent and what the server does not have have different words."""
    return [{**card, "detail": card.get("detail", "").replace("not found", "not sent")} for card in found.cards]


# ---------------------------------------------------------------------------------- a server in the prefetch's place


@pytest.mark.requirement("cds-hooks-2.0", 35)
@pytest.mark.requirement("cds-hooks-2.0", 37)
@pytest.mark.requirement("cds-hooks-2.0", 58)
@every_scenario_in_time
@pytest.mark.parametrize("how", [{}, {"pages": 3}, {"delay_s": 0.05}], ids=["whole", "paged", "slow"])
def test_a_server_in_place_of_the_prefetch_gives_the_same_cards(
    scenario: Scenario, how: Json, server: FhirServer, fhir: FhirClient
):
    hold(server, scenario, **how)

    found = ask(scenario, server, {}, fhir)

    assert cards_of(found) == cards_of(ask(scenario, server, scenario.request["prefetch"], fhir))


@pytest.mark.requirement("cds-hooks-2.0", 36)
@pytest.mark.requirement("cds-hooks-2.0", 65)
@every_scenario
def test_only_what_the_client_left_out_is_asked_of_the_server(scenario: Scenario, server: FhirServer, fhir: FhirClient):
    hold(server, scenario)
    sent = scenario.request["prefetch"]
    kept = {key: sent[key] for number, key in enumerate(sent) if number % 2}

    found = ask(scenario, server, kept, fhir)

    left_out = {f"/fhir/{query}" for key, query in queries_of(scenario).items() if key not in kept}
    assert {one.target for one in server.asked} <= left_out
    assert cards_of(found) == cards_of(ask(scenario, server, sent, fhir))


# ------------------------------------------------------------------------------------------ every state of every key

STORY = SCENARIOS["diabetic-foot-new-edema"]
WITH_SCREEN = {
    **STORY.request,
    "context": {**STORY.request["context"], "reportId": "on-screen", "studyId": "on-screen"},
}
ON_SCREEN = Scenario(STORY.name, STORY.about, WITH_SCREEN, STORY.expected)
NEXT = "further-page"
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]}
NOTHING_FOUND = {**OUTCOME, "issue": [{"severity": "warning", "code": "not-found"}]}
ABSENT = "absent"

EMPTY = {"resourceType": "Bundle", "type": "searchset", "total": 0}


def searchset(*resources: Json, **more: Json) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **more}


def with_next(server: FhirServer, value: Json) -> Json:
    bundle = value if isinstance(value, dict) and value.get("resourceType") == "Bundle" else searchset()
    return {**bundle, "link": [{"relation": "next", "url": f"{server.base}/{NEXT}"}]}


# What the client sends, what the server does; whether the server is asked, and what the card says of the key.
STATES: dict[str, tuple[Any, Behaviour | None, bool, str]] = {
    "absent, no server": (ABSENT, None, False, "not sent"),
    "absent, server has it": (ABSENT, ok(EMPTY), True, ""),
    "absent, server says nothing found": (ABSENT, ok(searchset(NOTHING_FOUND)), True, ""),
    "absent, server answers with an error inside": (ABSENT, ok(OUTCOME), True, "query failed"),
    "absent, server fails": (ABSENT, status(500), True, "server error"),
    "absent, server forbids": (ABSENT, status(403), True, "not permitted"),
    "absent, server has no such thing": (ABSENT, status(404), True, "not found"),
    "absent, server never answers": (ABSENT, silent, True, "timed out"),
    "null": (None, status(500), False, ""),
    "empty Bundle": (EMPTY, status(500), False, ""),
    "OperationOutcome": (OUTCOME, ok(EMPTY), False, "query failed"),
    "OperationOutcome in a Bundle": (searchset(OUTCOME), ok(EMPTY), False, "query failed"),
    "warning in a Bundle": (searchset(NOTHING_FOUND), status(500), False, ""),
    "data with a next page, no server": ("next", None, False, "not all pages"),
    "data with a next page": ("next", ok(EMPTY), True, ""),
    "data with a next page that fails": ("next", status(500), True, "not all pages"),
}


@pytest.mark.requirement("cds-hooks-2.0", 36)
@pytest.mark.requirement("cds-hooks-2.0", 39)
@pytest.mark.requirement("cds-hooks-2.0", 40)
@pytest.mark.requirement("cds-hooks-2.0", 41)
@pytest.mark.requirement("cds-hooks-2.0", 42)
@pytest.mark.requirement("cds-hooks-2.0", 43)
@pytest.mark.parametrize(("key", "state"), [pytest.param(*pair, id=" - ".join(pair)) for pair in product(KEYS, STATES)])
def test_each_state_of_each_key_is_fetched_or_named_as_stated(
    key: str, state: str, server: FhirServer, fhir: FhirClient
):
    sent, behaviour, is_asked, named = STATES[state]
    prefetch = {name: STORY.request["prefetch"].get(name) for name in KEYS}
    query = unquote(queries_of(ON_SCREEN)[key])
    if sent == "next":
        prefetch[key] = with_next(server, prefetch[key])
    elif sent == ABSENT:
        del prefetch[key]
    else:
        prefetch[key] = sent
    if behaviour is not None:
        server.on(NEXT if sent == "next" else requote_uri(query), behaviour)
    servers = [server.base] if behaviour is not None else []

    found = ask_with(prefetch, server, fhir, servers)

    words = f"{KEYS[key].name} ({named})"
    told = [gap for gap in found.gaps if gap.startswith(f"{KEYS[key].name} (")]
    assert (bool(server.asked), told) == (is_asked, [words] if named else [])
    assert all(words in card["detail"].replace("\\", "") for card in found.cards if named)


def ask_with(prefetch: Json, server: FhirServer, fhir: FhirClient, servers: list[str]) -> Answer:
    call = read_call({**WITH_SCREEN, "prefetch": prefetch, "fhirServer": server.base}, SERVICES["bme-result-review"])
    settings = Settings(card_key="a key", fhir_servers=servers, fhir_deadline_s=0.3)
    return answer(call, settings, Ports(rule_set(), lambda: STORY.as_of, fhir))
