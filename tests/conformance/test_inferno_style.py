"""The checks of Inferno's CRD server suite (davinci-crd-test-kit 0.13.0, 1d1f2c4), made anew against this service.

Inferno itself runs in Ruby with a remote validator. Its checks are re-made here from their description, row by row and
as strict as there, for the answers to all scenarios. A check yields what it would report as an error.
``LEFT_OUT`` says why a row, or a part of one, is not asked.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from tests.conformance.stories import STORIES, Told, bearer, send, suggestions, told, told_by

Json = Any
Errors = Iterator[str]

LEFT_OUT = {
    "1, TLS 1.2": "the service speaks HTTP behind the site's own TLS",
    "4, hooks beyond CRD": "Inferno has no entry for patient-view and result-review; their requests are held to row 4's"
    " rules for all hooks",
    "5, profiles": "that resources conform to CRD's own profiles; ours are held to FHIR R4",
    "6, external reference": "a card whose links are all absolute; no card of ours has a link",
    "6, launch SMART app": "a card whose links are all smart; no card of ours has a link",
    "6, form completion": "a Task with a Questionnaire is how CRD asks for documentation of coverage",
    "6, create or update coverage": "Coverage is not ours to write",
    "7, coverage information": "asks for coverage discovery only: whether an order is covered is not what this"
    " service knows",
}

ORDER_TYPES = ("DeviceRequest", "MedicationRequest", "NutritionOrder", "ServiceRequest", "VisionPrescription")
ADDITIONAL_TYPES = ("CommunicationRequest", "Task", *ORDER_TYPES)


# ------------------------------------------------------------------------------------------------- small checks


def wrong(owner: Json, path: str, **kinds: type) -> Errors:
    """Say which fields are missing, of another kind, or there with nothing in them."""
    for key, kind in kinds.items():
        if key not in owner:
            yield f"{path} does not contain `{key}`"
        else:
            yield from wrong_if_there(owner, path, **{key: kind})


def wrong_if_there(owner: Json, path: str, **kinds: type) -> Errors:
    for key, kind in kinds.items():
        if key in owner and not isinstance(owner[key], kind):
            yield f"{path}.{key} is not of type {kind.__name__}"
        elif key in owner and owner[key] in ("", [], {}):
            yield f"{path}.{key} is empty"


def numbered(owner: Json, path: str, key: str) -> Iterator[tuple[str, Json]]:
    """Yield the items of an array with their paths."""
    for place, item in enumerate(owner.get(key) or []):
        yield f"{path}.{key}[{place}]", item


def parses(resource: Json) -> bool:
    """Whether a resource can be parsed as FHIR."""
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except (KeyError, ValidationError):
        return False
    return True


# --------------------------------------------------------------------------------------------- 1, 2. discovery


def test_row_1_discovery_answers_with_json(service_url: str):
    """The base has its trailing slash taken off; a token is sent if it is wanted."""
    base = f"{service_url}/cds-services".removesuffix("/")
    headers = {"Accept": "application/json", "Authorization": token_for(base)}

    response = requests.get(base, headers=headers, timeout=30)

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")


def discovery_errors(body: Json) -> Errors:
    yield from wrong(body, "answer", services=list)
    for path, service in numbered(body, "answer", "services"):
        yield from wrong(service, path, hook=str, description=str, id=str)


def test_row_2_discovery_lists_services_with_hook_description_and_id(service_url: str):
    body = requests.get(f"{service_url}/cds-services", timeout=30).json()

    assert list(discovery_errors(body)) == []
    assert {"order-select", "order-sign"} <= {service["hook"] for service in body["services"]}


# ------------------------------------------------------------------------------------------ 3, 4. the call itself


def token_for(address: str) -> str:
    """Return the Authorization of Inferno for an address."""
    issuer = "https://inferno.example.org/custom/crd_server"
    header = {"alg": "ES384", "typ": "JWT", "kid": "example", "jku": f"{issuer}/jwks.json"}
    claims = {"iss": issuer, "aud": address, "iat": 1764043200, "exp": 1764043500, "jti": "0f" * 32}
    return bearer(header, claims)


@pytest.mark.parametrize("name", STORIES)
def test_row_3_a_call_without_accept_or_origin_is_answered_with_json(service_url: str, name: str):
    told = told_by(service_url)[name]
    service = f"bme-{told.request['hook']}"
    # requests sends an Accept unless it is told to send none.
    headers = {"Accept": None, "Authorization": token_for(f"{service_url}/cds-services/{service}")}

    response = send(service_url, service, told.request, headers)

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert response.json() == told.response.json()


USERS = {
    "order-select": ("Practitioner", "PractitionerRole"),
    "order-sign": ("Practitioner", "PractitionerRole"),
    "patient-view": ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson"),
    "result-review": ("Practitioner", "PractitionerRole"),
}


def request_errors(body: Json) -> Errors:
    """Say what Inferno would not accept in the body that its tester supplies."""
    yield from wrong(body, "request", hook=str, hookInstance=str, context=dict)
    try:
        uuid.UUID(body["hookInstance"])
    except (KeyError, ValueError):
        yield "request.hookInstance is not a UUID"
    if "fhirAuthorization" in body:
        yield from wrong(body, "request", fhirServer=str)
        authorization = {"access_token": str, "token_type": str, "expires_in": int, "scope": str, "subject": str}
        yield from wrong(body["fhirAuthorization"], "fhirAuthorization", **authorization)
    context = body.get("context", {})
    yield from wrong(context, "context", userId=str, patientId=str)
    yield from wrong_if_there(context, "context", encounterId=str)
    kind, _, ident = str(context.get("userId")).partition("/")
    if kind not in USERS.get(str(body.get("hook")), ()) or not ident or "/" in ident:
        yield "context.userId is not the reference of a user"
    for key in ("patientId", "encounterId"):
        if "/" in str(context.get(key, "")):
            yield f"context.{key} is not a plain id"
    if str(body.get("hook")).startswith("order-"):
        yield from draft_errors(context, selected=body["hook"] == "order-select")


def draft_errors(context: Json, *, selected: bool) -> Errors:
    yield from wrong(context, "context", draftOrders=dict)
    orders = [entry["resource"] for _, entry in numbered(context.get("draftOrders", {}), "draftOrders", "entry")]
    if not all(order.get("id") and parses(order) for order in orders):
        yield "an entry of draftOrders has no id or cannot be parsed"
    if not any(order.get("resourceType") in ORDER_TYPES for order in orders):
        yield "draftOrders holds no order"
    if selected:
        yield from wrong(context, "context", selections=list)
        if not set(context.get("selections", [])) <= {f"{order['resourceType']}/{order['id']}" for order in orders}:
            yield "context.selections names what is not in draftOrders"


# Its story is that a client sends orders which are no FHIR.
INCOMPLETE = "incomplete-orders-and-a-charcot-foot"


@pytest.mark.parametrize("name", [name for name in STORIES if name != INCOMPLETE])
def test_row_4_our_own_requests_are_what_a_tester_could_supply(name: str):
    assert list(request_errors(STORIES[name].request)) == []


def test_row_4_incomplete_orders_are_not():
    assert list(request_errors(STORIES[INCOMPLETE].request)) == [
        "an entry of draftOrders has no id or cannot be parsed"
    ]


# ------------------------------------------------------------------------------------------------ 5, 6. the answer


def card_errors(answer: Json) -> Errors:
    """Row 5: the fields that a card must have. A summary has fewer than 140 characters: 140 are too many."""
    # Of all fields this one alone may be empty: Inferno only looks at whether it is there, and at each action.
    if not isinstance(answer.get("systemActions", []), list):
        yield "answer.systemActions is not an array"
    if not isinstance(answer.get("cards"), list):
        yield "answer.cards is not an array"
    for path, card in numbered(answer, "answer", "cards"):
        yield from wrong(card, path, summary=str, indicator=str, source=dict)
        if len(card.get("summary", "")) >= 140:
            yield f"{path}.summary has 140 characters or more"
        if card.get("indicator") not in ("info", "warning", "critical"):
            yield f"{path}.indicator is none of the three"
        source = card.get("source", {})
        yield from wrong(source, f"{path}.source", label=str, topic=dict)
        yield from wrong(source.get("topic", {}), f"{path}.source.topic", code=str, system=str)


def action_errors(answer: Json) -> Errors:
    """Row 5: every action, of suggestions and of the system."""
    found = [*numbered(answer, "answer", "systemActions")]
    for at, card in numbered(answer, "answer", "cards"):
        for path, suggestion in numbered(card, at, "suggestions"):
            found += numbered(suggestion, path, "actions")
    for path, action in found:
        yield from wrong(action, path, type=str, description=str)
        if action.get("type") in ("create", "update"):
            yield from wrong(action, path, resource=dict)
            if not parses(action.get("resource", {})):
                yield f"{path}.resource cannot be parsed"
        elif action.get("type") != "delete":
            yield f"{path}.type is none of the three"
        elif not re.fullmatch(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}", str(action.get("resourceId"))):
            yield f"{path}.resourceId is not the reference of a resource"


def optional_errors(answer: Json) -> Errors:
    """Row 6, card_optional_fields: what need not be there, where it is."""
    for path, card in numbered(answer, "answer", "cards"):
        yield from wrong_if_there(
            card, path, uuid=str, detail=str, suggestions=list, overrideReasons=list, links=list, selectionBehavior=str
        )
        yield from wrong_if_there(card.get("source", {}), f"{path}.source", url=str, icon=str)
        for at, reason in numbered(card, path, "overrideReasons"):
            yield from wrong(reason, at, code=str, system=str, display=str)
        for at, link in numbered(card, path, "links"):
            yield from link_errors(link, at)
        if card.get("suggestions") and card.get("selectionBehavior") not in ("at-most-one", "any"):
            yield f"{path}.selectionBehavior is neither of the two, beside suggestions"
        for at, suggestion in numbered(card, path, "suggestions"):
            yield from wrong(suggestion, at, label=str)
            yield from wrong_if_there(suggestion, at, uuid=str, isRecommended=bool, actions=list)


def link_errors(link: Json, path: str) -> Errors:
    yield from wrong(link, path, label=str, type=str, url=str)
    address = urlsplit(str(link.get("url")))
    if address.scheme not in ("http", "https") or not address.hostname:
        yield f"{path}.url is no address"
    if link.get("type") not in ("absolute", "smart"):
        yield f"{path}.type is neither of the two"
    if link.get("type") == "absolute" and "appContext" in link:
        yield f"{path}.appContext is for smart links"


CHECKS: dict[str, Callable[[Json], Errors]] = {
    "5, cards": card_errors,
    "5, actions": action_errors,
    "6, card_optional_fields": optional_errors,
}


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("row", CHECKS)
def test_the_answer_to_a_scenario_passes_row(service_url: str, row: str, name: str):
    assert list(CHECKS[row](told_by(service_url)[name].response.json())) == []


def test_row_5_order_sign_is_answered_with_system_actions_where_the_client_wants_them(run_service: Callable[..., Any]):
    """For clients of coverage discovery, of which there is none here; CDS Hooks leaves an empty list out."""
    with run_service(profile="crd") as url:
        answers = {name: told(url, name).response.json() for name in ("mri-ordered-with-stir-only", "normal-knee")}

    assert answers["mri-ordered-with-stir-only"]["systemActions"] == []
    assert [list(check(answers["mri-ordered-with-stir-only"])) for check in CHECKS.values()] == [[]] * len(CHECKS)
    assert answers["normal-knee"].keys() == {"cards"}


# ------------------------------------------------------------------------------------- 6. the kinds of responses


def is_instructions(card: Json) -> bool:
    """Whether a card has neither links nor suggestions."""
    return "links" not in card and "suggestions" not in card


def reference(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def proposes_alternate(suggestion: Json, drafted: set[str]) -> bool:
    """Whether a suggestion changes a draft of the request, or deletes one and creates another of its type."""
    updated = {reference(each["resource"]) for each in suggestion["actions"] if each["type"] == "update"}
    deleted = {each["resourceId"] for each in suggestion["actions"] if each["type"] == "delete"}
    created = {each["resource"]["resourceType"] for each in suggestion["actions"] if each["type"] == "create"}
    replaced = deleted <= drafted and {one.partition("/")[0] for one in deleted} == created
    return bool(updated & drafted) or (bool(deleted) and replaced)


def is_additional_orders(suggestion: Json) -> bool:
    """Whether all actions of a suggestion create orders."""
    return all(
        each["type"] == "create" and each["resource"]["resourceType"] in ADDITIONAL_TYPES
        for each in suggestion["actions"]
    )


def drafted_in(request: Json) -> set[str]:
    entries = request["context"].get("draftOrders", {}).get("entry", [])
    return {reference(entry["resource"]) for entry in entries if "id" in entry["resource"]}


@pytest.mark.parametrize("name", STORIES)
def test_row_6_every_card_is_of_a_kind_that_inferno_knows(service_url: str, name: str):
    told: Told = told_by(service_url)[name]
    of_no_kind = [
        each["label"]
        for each in suggestions(told.cards)
        if not is_additional_orders(each) and not proposes_alternate(each, drafted_in(told.request))
    ]

    # No links: then a card has suggestions, or is one of instructions.
    assert [card for card in told.cards if "links" in card] == []
    assert of_no_kind == []


@pytest.mark.parametrize("hook", ["order-select", "order-sign", "patient-view", "result-review"])
def test_row_6_each_hook_has_a_card_of_instructions_or_of_orders(service_url: str, hook: str):
    cards = [card for told in told_by(service_url).values() if told.request["hook"] == hook for card in told.cards]

    assert any(is_instructions(card) or all(map(is_additional_orders, card["suggestions"])) for card in cards)


def test_row_6_instructions_additional_orders_and_an_alternate_are_shown(service_url: str):
    answers = [told for told in told_by(service_url).values() if told.request["hook"] in ("order-select", "order-sign")]
    shown = {
        "instructions": any(is_instructions(card) for told in answers for card in told.cards),
        "additional orders": any(is_additional_orders(each) for told in answers for each in suggestions(told.cards)),
        "propose alternate": any(
            proposes_alternate(each, drafted_in(told.request)) for told in answers for each in suggestions(told.cards)
        ),
    }

    assert shown == {"instructions": True, "additional orders": True, "propose alternate": True}


# ------------------------------------------------------------------------------------------ the checks can fail

SOUND: Json = {
    "cards": [
        {
            "summary": "s" * 139,
            "indicator": "info",
            "source": {"label": "a", "topic": {"code": "a", "system": "b"}},
            "overrideReasons": [{"code": "a", "system": "b", "display": "c"}],
            "links": [{"label": "a", "type": "smart", "url": "https://example.org/launch", "appContext": "x"}],
            "selectionBehavior": "any",
            "suggestions": [
                {
                    "label": "a",
                    "actions": [
                        {"type": "delete", "description": "a", "resourceId": "Patient/1"},
                        {"type": "create", "description": "a", "resource": {"resourceType": "Patient"}},
                    ],
                }
            ],
        }
    ]
}
NOTHING = object()


def spoiled(place: str, value: Json) -> Json:
    """Return the sound answer with another value, or nothing, at a place such as ``cards.0.summary``."""
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]

    def rebuilt(owner: Json, way: list[Any]) -> Json:
        copied = owner.copy()
        if way:
            copied[way[0]] = rebuilt(owner[way[0]], way[1:])
        elif value is NOTHING:
            del copied[last]
        else:
            copied[last] = value
        return copied

    return rebuilt(SOUND, way)


ACTIONS = "cards.0.suggestions.0.actions"


@pytest.mark.parametrize("row", CHECKS)
def test_a_sound_answer_passes_row(row: str):
    assert list(CHECKS[row](SOUND)) == []


@pytest.mark.parametrize(
    ("row", "place", "value"),
    [
        pytest.param(row, place, value, id=f"{row}: {place} {'left out' if value is NOTHING else repr(value)[:20]}")
        for row, place, value in [
            ("5, cards", "cards", NOTHING),
            ("5, cards", "cards.0.summary", NOTHING),
            ("5, cards", "cards.0.summary", "s" * 140),
            ("5, cards", "cards.0.summary", ""),
            ("5, cards", "cards.0.indicator", "hard-stop"),
            ("5, cards", "cards.0.source.label", ""),
            ("5, cards", "cards.0.source.topic", NOTHING),
            ("5, cards", "cards.0.source.topic.system", NOTHING),
            ("5, cards", "systemActions", {}),
            ("5, actions", f"{ACTIONS}.0.type", "remove"),
            ("5, actions", f"{ACTIONS}.0.description", NOTHING),
            ("5, actions", f"{ACTIONS}.0.resourceId", "1"),
            ("5, actions", f"{ACTIONS}.1.resource", NOTHING),
            ("5, actions", f"{ACTIONS}.1.resource", {"resourceType": "Patient", "gender": ["x"]}),
            ("6, card_optional_fields", "cards.0.detail", ""),
            ("6, card_optional_fields", "cards.0.suggestions", []),
            ("6, card_optional_fields", "cards.0.selectionBehavior", NOTHING),
            ("6, card_optional_fields", "cards.0.overrideReasons.0.display", NOTHING),
            ("6, card_optional_fields", "cards.0.links.0.url", "/launch"),
            ("6, card_optional_fields", "cards.0.links.0.type", "absolute"),
            ("6, card_optional_fields", "cards.0.suggestions.0.label", NOTHING),
            ("6, card_optional_fields", ACTIONS, []),
        ]
    ],
)
def test_a_spoiled_answer_does_not_pass_row(row: str, place: str, value: Json):
    assert list(CHECKS[row](spoiled(place, value))) != []


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        pytest.param({"services": []}, ["answer.services is empty"], id="no services"),
        pytest.param(
            {"services": [{"hook": "", "id": "a"}]},
            [
                "answer.services[0].hook is empty",
                "answer.services[0] does not contain `description`",
            ],
            id="a service without hook and description",
        ),
    ],
)
def test_a_spoiled_discovery_does_not_pass_row_2(body: Json, errors: list[str]):
    assert list(discovery_errors(body)) == errors


def test_every_row_is_asked_or_left_out_with_a_reason():
    named = [re.match(r"test_row_(\d)", name) for name in globals()]
    asked = {int(row[1]) for row in named if row} | {int(row[0]) for row in CHECKS}

    assert {*range(1, 8)} - asked == {7}
    assert {int(row[0]) for row in LEFT_OUT} == {1, 4, 5, 6, 7}
