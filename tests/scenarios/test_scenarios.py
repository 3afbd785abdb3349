"""The synthetic patients of ``fixtures/scenarios``: each is answered as its story says, and survives rough handling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from cds_service.data import data_path
from cds_service.demo.cards import FEATURED
from cds_service.knowledge.codes.tables import is_understood
from cds_service.knowledge.evidence import SOURCE_UPDATED
from cds_service.knowledge.rules import rule_set
from cds_service.model.level import Level
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.service import Answer, Ports, answer
from cds_service.settings import Settings
from cds_service.web import create_app
from tests.conformance.response_rules import check_response

Json = Any

SERVICES = load_services(data_path("hooks"))
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios(data_path("scenarios"))}
KEY, ANOTHER_KEY = "a key for the tests alone", "another key for the tests"

FILES = ["about.md", "expected.json", "request.json"]
DAY = re.compile(r"2026\W+11\W+\d\d")
NOT_A_LEVEL = "nonspecific"
"""Edema without a cause is a card, but no cause with a level (decision table, section 2)."""

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
# Hundreds of requests each: one scenario in eight in `make test`, all of them in the gate.
every_scenario_at_length = pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, id=name, marks=[pytest.mark.slow] if number % 8 else [])
        for number, (name, scenario) in enumerate(SCENARIOS.items())
    ],
)


# ---------------------------------------------------------------------------------------------- asking


def ask(scenario: Scenario, request: Json = None, *, key: str = KEY, today: Any = None) -> Answer:
    """Answer a scenario, or another request on its day, in this process."""
    asked = request or scenario.request
    day = today or scenario.as_of
    call = read_call(asked, SERVICES[f"bme-{asked['hook']}"])
    return answer(call, Settings(card_key=key), Ports(rule_set(), lambda: day))


def client_of(scenario: Scenario) -> FlaskClient:
    """Return a client of the web service on the day of a scenario."""
    return create_app(Settings(card_key=KEY), Ports(rule_set(), lambda: scenario.as_of)).test_client()


def post(client: FlaskClient, request: Json) -> Any:
    return client.post(
        f"/cds-services/bme-{request['hook']}", data=orjson.dumps(request), content_type="application/json"
    )


# ------------------------------------------------------------------------------------- reading answers


def summed_up(found: Answer) -> Json:
    """Return an answer in the form of ``expected.json``, without what is told apart (asOf, says)."""
    levels = found.assessment.levels
    return {
        "tier": found.assessment.tier.name.lower(),
        "levels": {
            cause: level.name.lower()
            for cause, level in levels.items()
            if (level.is_raised or level is Level.UNLIKELY) and cause != NOT_A_LEVEL
        },
        "cards": [
            {
                "summary": card["summary"],
                "indicator": card["indicator"],
                "topic": card["source"]["topic"]["code"],
                "suggestions": [suggestion["label"] for suggestion in card.get("suggestions", [])],
            }
            for card in found.cards
        ],
    }


def as_read(markdown: str) -> str:
    """Return Markdown as a person sees it: without the backslashes that escape punctuation."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


def suggestions_of(cards: list[Json]) -> list[Json]:
    return [suggestion for card in cards for suggestion in card.get("suggestions", [])]


def labels(found: Answer) -> list[str]:
    return [suggestion["label"] for suggestion in suggestions_of(found.cards)]


def ids(cards: list[Json]) -> list[str]:
    """Return the uuids of all cards and suggestions."""
    return [one["uuid"] for one in [*cards, *suggestions_of(cards)]]


def readable(cards: list[Json]) -> list[Json]:
    """Return the cards with details as a person reads them."""
    return [{**card, "detail": as_read(card["detail"])} for card in cards]


def moved(cards: list[Json], days: int) -> list[Json]:
    """Return the cards with every date so many days later, except that of the source document."""

    def later(found: re.Match[str]) -> str:
        day = found[0]
        return day if day == SOURCE_UPDATED else (date.fromisoformat(day) + timedelta(days=days)).isoformat()

    text = orjson.dumps(cards).decode()
    return orjson.loads(re.sub(r"(?<![0-9a-f-])\d{4}-\d{2}-\d{2}(?![0-9a-f-])", later, text))


def without_ids(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: without_ids(inner) for name, inner in value.items() if name != "uuid"}
    return [without_ids(inner) for inner in value] if isinstance(value, list) else value


# ------------------------------------------------------------------------------------ changing requests


def is_resource(value: Json) -> bool:
    return isinstance(value, dict) and value.get("resourceType", "Bundle") != "Bundle"


def name_of(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource.get('id')}"


def resources(value: Json) -> Iterator[Json]:
    """Yield every resource in a request, also those inside others; a resource sent twice comes twice."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if is_resource(value):
        yield value
    for each in inner:
        yield from resources(each)


def changed(request: Json, name: str, change: Callable[[Json], Json]) -> Json:
    """Return the request with every copy of one resource replaced; None takes it out."""

    def rebuilt(value: Json) -> Json:
        if is_resource(value) and name_of(value) == name:
            return change(deepcopy(value))
        if isinstance(value, dict):
            kept = {key: rebuilt(inner) for key, inner in value.items()}
            return {key: inner for key, inner in kept.items() if inner is not None or value[key] is None}
        if isinstance(value, list):
            return [one for one in map(rebuilt, value) if one is not None and one != {"resource": None}]
        return value

    return rebuilt(request)


def without(field: str) -> Callable[[Json], Json]:
    return lambda resource: {key: value for key, value in resource.items() if key != field}


def without_component(number: int) -> Callable[[Json], Json]:
    def change(resource: Json) -> Json:
        del resource["component"][number]
        return resource

    return change


def with_one_thing_less(request: Json) -> Iterator[tuple[str, Json]]:
    """Yield the request without one prefetch key, one resource, one field or one component, each with its name.

    What is taken away is taken away wherever it was sent, so that no second copy makes up for it.
    """
    for key in request["prefetch"]:
        kept = {name: value for name, value in request["prefetch"].items() if name != key}
        yield f"prefetch.{key}", {**request, "prefetch": kept}
    for resource in {name_of(one): one for one in resources(request)}.values():
        name = name_of(resource)
        yield name, changed(request, name, lambda _: None)
        for field in resource:
            yield f"{name}.{field}", changed(request, name, without(field))
        for number in range(len(resource.get("component", []))):
            yield f"{name}.component[{number}]", changed(request, name, without_component(number))


TURNED = ("entry", "series", "component", "contained", "result")
"""Lists whose order says nothing."""


def backwards(value: Json) -> Json:
    """Return the request with the order of everything that may come in any order reversed."""
    if isinstance(value, dict):
        return {
            name: backwards(inner)[::-1] if name in TURNED and isinstance(inner, list) else backwards(inner)
            for name, inner in value.items()
        }
    return [backwards(inner) for inner in value] if isinstance(value, list) else value


def about_to_sign(scenario: Scenario, order: Json) -> Json:
    """Return the patient of a scenario as an EHR sends it when one order is about to be signed."""
    request = deepcopy(scenario.request)
    context = {name: request["context"][name] for name in ("userId", "patientId")}
    context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}
    prefetch = {name: value for name, value in request["prefetch"].items() if name not in ("report", "study")}
    return {**request, "hook": "order-sign", "context": context, "prefetch": prefetch}


def with_order(request: Json, order: Json) -> Json:
    """Return the request with one more order on record."""
    again = deepcopy(request)
    orders = again["prefetch"].get("orders") or {"resourceType": "Bundle", "type": "searchset"}
    kept = [entry for entry in orders.get("entry", []) if entry["resource"]["resourceType"] == "ServiceRequest"]
    again["prefetch"]["orders"] = {**orders, "entry": [*kept, {"resource": order}]}
    return again


OFFERED = [
    pytest.param(scenario, label, id=f"{name}: {label}")
    for name, scenario in SCENARIOS.items()
    for card in scenario.expected["cards"]
    for label in card["suggestions"]
    if label.startswith("Refer to ")
]
"""Every referral that a scenario is expected to offer."""


def accepted(scenario: Scenario, label: str) -> tuple[Json, list[str]]:
    """Return the order behind a suggestion, as the EHR stores it, and the labels of the other suggestions."""
    offered = suggestions_of(ask(scenario).cards)
    (taken,) = [suggestion for suggestion in offered if suggestion["label"] == label]
    (action,) = taken["actions"]
    others = [suggestion["label"] for suggestion in offered if suggestion is not taken]
    return {**action["resource"], "id": "example-accepted-referral"}, others


WRONG_DISPLAY = "Osteomyelitis of the left foot, normal radiograph, biopsy of bone marrow, T1"


def mislabelled(value: Json) -> Json:
    """Return a request in which every understood code carries a display that is not its own."""
    if isinstance(value, list):
        return [mislabelled(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: mislabelled(one) for name, one in value.items()}
    system, code = found.get("system"), found.get("code")
    if isinstance(system, str) and isinstance(code, str) and is_understood(system, code):
        found["display"] = WRONG_DISPLAY
    return found


# ------------------------------------------------------------------------------------- as the story says


@every_scenario
def test_a_scenario_is_answered_as_its_story_says(scenario: Scenario):
    found = ask(scenario)

    assert summed_up(found) == {name: scenario.expected[name] for name in ("tier", "levels", "cards")}


@every_scenario
def test_the_cards_of_a_scenario_say_what_must_be_said(scenario: Scenario):
    said = as_read("\n".join(card["detail"] for card in ask(scenario).cards))

    assert [phrase for phrase in scenario.expected["says"] if phrase not in said] == []


@every_scenario
def test_the_web_service_gives_the_same_answer(scenario: Scenario):
    response = post(client_of(scenario), scenario.request)

    assert (response.status_code, response.json) == (200, {"cards": ask(scenario).cards})


@every_scenario
def test_a_scenario_is_a_folder_with_a_story_a_request_and_an_answer(scenario: Scenario):
    folder = data_path("scenarios") / scenario.name

    assert (sorted(file.name for file in folder.iterdir()), scenario.about[:2]) == (FILES, "# ")


def test_what_was_held_back_is_named_in_the_trace():
    found = ask(SCENARIOS["antibiotic-long-after-the-mri"])

    held_back = [(chosen.diagnosis.cause, chosen.why.value) for chosen in found.selection.held_back]
    assert held_back == [("axspa", "held back: no draft order concerns it and the study is not fresh")]


def test_the_demo_features_a_result_review():
    assert SCENARIOS[FEATURED].request["hook"] == "result-review"


def test_the_changed_mri_order_is_the_whole_draft_with_one_more_note():
    scenario = SCENARIOS["mri-ordered-with-stir-only"]
    (entry,) = scenario.request["context"]["draftOrders"]["entry"]
    draft = entry["resource"]

    (suggestion,) = suggestions_of(ask(scenario).cards)

    added = {"text": "Protocol: include a T1-weighted sequence."}
    assert [(action["type"], action["resource"]) for action in suggestion["actions"]] == [
        ("update", {**draft, "note": [*draft["note"], added]})
    ]


# ---------------------------------------------------------------------------------------- rough handling


@every_scenario_at_length
def test_a_request_with_any_one_thing_less_is_answered_with_valid_cards(scenario: Scenario):
    client = client_of(scenario)
    seen = {post(client, scenario.request).data}

    wrong = {}
    for name, request in with_one_thing_less(scenario.request):
        response = post(client, request)
        if response.status_code != 200:
            wrong[name] = response.json
        elif response.data not in seen and (faults := check_response(response.json, context=request["context"])):
            wrong[name] = faults
        seen.add(response.data)

    assert wrong == {}


@every_scenario
def test_the_order_in_which_a_record_comes_does_not_matter(scenario: Scenario):
    found = ask(scenario, backwards(scenario.request))

    assert found.cards == ask(scenario).cards


@every_scenario
def test_a_request_is_left_as_it_came(scenario: Scenario):
    before = orjson.dumps(scenario.request)

    ask(scenario)

    assert orjson.dumps(scenario.request) == before


@every_scenario
def test_the_same_request_twice_gives_the_same_cards_with_the_same_ids(scenario: Scenario):
    first, second = ask(scenario), ask(scenario)

    assert first.cards == second.cards
    assert len(set(ids(first.cards))) == len(ids(first.cards))


@every_scenario
def test_a_wrong_display_beside_a_code_changes_nothing(scenario: Scenario):
    asked = mislabelled(scenario.request)

    right, wrong = ask(scenario), ask(scenario, asked)

    assert WRONG_DISPLAY in str(asked)
    assert wrong.assessment.case == right.assessment.case
    assert summed_up(wrong) == summed_up(right)
    assert [card["detail"] for card in wrong.cards] == [card["detail"] for card in right.cards]


@every_scenario
def test_another_card_key_changes_every_id_and_nothing_else(scenario: Scenario):
    ours, theirs = ask(scenario).cards, ask(scenario, key=ANOTHER_KEY).cards

    assert without_ids(ours) == without_ids(theirs)
    assert set(ids(ours)) & set(ids(theirs)) == set()


@every_scenario
@pytest.mark.parametrize("days", [10, -400], ids=["ten days later", "more than a year earlier"])
def test_on_another_day_the_same_story_gives_the_same_cards_with_the_dates_moved(scenario: Scenario, days: int):
    day = scenario.as_of + timedelta(days=days)

    found = ask(scenario, scenario.request_on(day), today=day)

    assert readable(found.cards) == moved(readable(ask(scenario).cards), days)


@pytest.mark.parametrize(("scenario", "label"), OFFERED)
def test_a_referral_that_was_accepted_and_is_about_to_be_signed_is_not_suggested_again(scenario: Scenario, label: str):
    order, others = accepted(scenario, label)

    found = ask(scenario, about_to_sign(scenario, order))

    assert labels(found) == others


@pytest.mark.parametrize(("scenario", "label"), OFFERED)
def test_a_referral_that_was_signed_is_not_suggested_again(scenario: Scenario, label: str):
    order, others = accepted(scenario, label)
    signed = {**order, "status": "active", "intent": "order", "authoredOn": scenario.as_of.isoformat()}

    found = ask(scenario, with_order(scenario.request, signed))

    assert labels(found) == others


@pytest.mark.parametrize(("days", "is_old"), [(360, False), (380, True)])
def test_imaging_findings_of_long_ago_are_called_old_with_their_day(days: int, is_old: bool):
    story = SCENARIOS["diabetic-foot-new-edema"]

    found = ask(story, today=story.as_of + timedelta(days=days))

    (stated,) = (line for line in found.cards[0]["detail"].splitlines() if line.startswith("- bone marrow edema"))
    assert (DAY.search(stated) is not None, "(old)" in stated) == (True, is_old)


@pytest.mark.parametrize(
    ("stated", "cards"),
    [
        ({"deceasedBoolean": True}, 0),
        ({"deceasedDateTime": "2026-11-01"}, 0),
        ({"deceasedBoolean": False}, 2),
        ({"deceasedDateTime": "2031-01-01"}, 2),
    ],
)
def test_a_patient_who_has_died_gets_no_cards(stated: Json, cards: int):
    request = deepcopy(SCENARIOS["diabetic-foot-new-edema"].request)
    request["prefetch"]["patient"].update(stated)

    assert len(ask(SCENARIOS["diabetic-foot-new-edema"], request).cards) == cards
