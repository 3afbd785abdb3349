"""What leaves in a card: ids that say nothing, and no word of the record that a screen would take for anything else."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy
from html.parser import HTMLParser
from itertools import combinations
from typing import Any

import orjson
import pytest
from markdown_it import MarkdownIt

from cds_service.cards.text import plain
from cds_service.data import data_path
from cds_service.knowledge.rules import rule_set
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.service import Ports, answer
from cds_service.settings import Settings
from tests.conformance.response_rules import check_response

Json = Any

SERVICES = load_services(data_path("hooks"))
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios(data_path("scenarios"))}
RULES = rule_set()
KEY = "a key for these tests alone"
OURS = frozenset({"p", "strong", "ul", "li"})
"""The elements that a card's detail is made of."""

AUTOMATIC_LINKS = re.compile(r"(?:https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+(?:\.[-\w]+)+", re.IGNORECASE)
GITHUB = MarkdownIt("gfm-like", {"linkify": False, "html": True})

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())


def cards(scenario: Scenario, request: Json = None, key: str = KEY) -> list[Json]:
    asked = deepcopy(request if request is not None else scenario.request)
    call = read_call(asked, SERVICES[f"bme-{asked['hook']}"])
    return [*answer(call, Settings(card_key=key), Ports(RULES, lambda: scenario.as_of)).cards]


# ------------------------------------------------------------------------------------------------- uuids


def uuids(found: list[Json]) -> list[str]:
    """The ids of cards and suggestions, in their order."""
    return [ident for card in found for ident in (card["uuid"], *(one["uuid"] for one in card.get("suggestions", [])))]


@every_scenario
def test_the_same_call_has_the_same_ids_and_no_id_is_given_twice(scenario: Scenario):
    first, again = uuids(cards(scenario)), uuids(cards(scenario))

    assert (first, len(set(first))) == (again, len(first))
    assert {uuid.UUID(ident).version for ident in first} <= {5}


DEEP = SCENARIOS["deep-sacroiliac-edema-with-low-t1"]


def changed(**changes: Json) -> Json:
    return {**deepcopy(DEEP.request), **changes}


def of_another_patient() -> Json:
    """The same call for another patient with the same record."""
    old = DEEP.request["context"]["patientId"]
    return orjson.loads(orjson.dumps(DEEP.request).replace(old.encode(), b"example-somebody-else"))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: cards(DEEP, key="another key"), id="another key"),
        pytest.param(lambda: cards(DEEP, changed(hookInstance="8b1f5a3e-0000-4000-8000-000000000000")), id="call"),
        pytest.param(lambda: cards(DEEP, changed(fhirServer="https://elsewhere.example/fhir")), id="client"),
        pytest.param(lambda: cards(DEEP, of_another_patient()), id="patient"),
    ],
)
def test_another_call_has_other_ids(other: Callable[[], list[Json]]):
    here, there = uuids(cards(DEEP)), uuids(other())

    assert len(here) == len(there) > 0
    assert set(here) & set(there) == set()


def test_an_id_does_not_depend_on_what_the_record_says_beside():
    request = deepcopy(DEEP.request)
    for value in request["prefetch"].values():
        if isinstance(value, dict) and value.get("resourceType") == "Patient":
            value["telecom"] = [{"value": "unrelated"}]

    assert uuids(cards(DEEP, request)) == uuids(cards(DEEP))


def test_ids_cannot_be_made_without_the_key():
    known = (*DEEP.request["context"].values(), DEEP.request["hookInstance"], "bme-result-review")
    words = [one for one in known if isinstance(one, str)]
    guesses = {
        str(uuid.uuid5(space, joint.join(pair)))
        for space in (uuid.NAMESPACE_URL, uuid.NAMESPACE_OID, uuid.NAMESPACE_DNS)
        for joint in ("", "|", "/", "\x1f")
        for pair in combinations(words, 2)
    }

    assert guesses & set(uuids(cards(DEEP))) == set()


# ---------------------------------------------------------------------------------- the record's own words


PAYLOAD = "[x](javascript:1) <img src=x onerror=1> ~~a~~ | **b** `c` www.evil.example \u202e\x07"
STRUCTURE = frozenset(
    {"resourceType", "system", "code", "status", "hook", "patientId", "fhirServer", "relation", "url"}
)
"""What must stay as it is for the record to be read at all."""


def poisoned(value: Json, name: str = "") -> Json:
    """Return the request with the payload in every text that does not hold it together.

    Ids and references change alike, so that links still hold, but for the patient's; dates still begin with their day.
    """
    if isinstance(value, dict):
        is_patient = value.get("resourceType") == "Patient"
        return {key: part if is_patient and key == "id" else poisoned(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [poisoned(part, name) for part in value]
    if not isinstance(value, str) or name in STRUCTURE or "Patient/" in value:
        return value
    if name in ("conclusion", "text"):
        return value.replace(".", f" {PAYLOAD}.") + PAYLOAD
    return value + PAYLOAD


class Seen(HTMLParser):
    """What a browser would make of a piece of HTML: its elements, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.text = ""
        self.feed(GITHUB.render(source))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(f"{tag} {attrs}" if attrs else tag)

    def handle_comment(self, data: str) -> None:
        self.elements.add("comment")

    def handle_data(self, data: str) -> None:
        self.text += data


def plain_texts(card: Json) -> Iterator[str]:
    """Everything on a card that is not Markdown and not a resource."""
    yield card["summary"]
    yield card["source"]["label"]
    yield from (reason["display"] for reason in card["overrideReasons"])
    for suggestion in card.get("suggestions", []):
        yield suggestion["label"]
        yield from (action["description"] for action in suggestion["actions"])


def poisoned_cards(scenario: Scenario) -> list[Json]:
    return cards(scenario, poisoned(scenario.request))


@every_scenario
def test_no_word_of_the_record_becomes_anything_but_text(scenario: Scenario):
    details = [Seen(card["detail"]) for card in poisoned_cards(scenario)]

    assert set().union(*(seen.elements for seen in details)) <= OURS
    assert [AUTOMATIC_LINKS.search(seen.text) for seen in details] == [None] * len(details)
    assert [mark for seen in details for mark in "\u202e\x07" if mark in seen.text] == []


@every_scenario
def test_the_plain_texts_of_a_card_hold_no_word_of_the_record_that_could_do_harm(scenario: Scenario):
    found = poisoned_cards(scenario)

    texts = [text for card in found for text in plain_texts(card)]
    assert [text for text in texts if text != plain(text, 1000) or "<" in text or "](" in text] == []
    assert [card["summary"] for card in found if not 0 < len(card["summary"]) < 140] == []


@every_scenario
def test_poisoned_records_are_answered_with_valid_cards(scenario: Scenario):
    context = poisoned(scenario.request)["context"]

    assert check_response({"cards": poisoned_cards(scenario)}, context=context) == []


def test_the_payload_does_reach_the_cards_that_quote_the_record():
    shown = {
        name: {part for part in ("<img src=x onerror=1>", "[x](javascript:1)", "~~a~~") if part in seen.text}
        for name, scenario in SCENARIOS.items()
        for seen in [Seen("\n\n".join(card["detail"] for card in poisoned_cards(scenario)))]
    }

    assert sum(len(parts) == 3 for parts in shown.values()) >= 10
    assert shown["mri-ordered-with-stir-only"] == {"<img src=x onerror=1>", "[x](javascript:1)", "~~a~~"}


def test_a_suggested_referral_refers_to_no_resource_whose_id_is_none():
    found = [
        action["resource"]
        for scenario in SCENARIOS.values()
        for card in poisoned_cards(scenario)
        for suggestion in card.get("suggestions", [])
        for action in suggestion["actions"]
        if action["type"] == "create"
    ]

    assert found != []
    assert [resource for resource in found if "reasonReference" in resource or "requester" in resource] == []
