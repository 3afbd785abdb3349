"""The checker is checked: a good answer passes, and every rule has an answer that breaks it and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.response_rules import (
    RULES,
    Kind,
    Violation,
    check_discovery,
    check_outcome,
    check_response,
)

Json = Any

CONTEXT: dict[str, Json] = {
    "userId": "Practitioner/example-orthopedist",
    "patientId": "example-foot",
    "draftOrders": {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "ServiceRequest", "id": "example-mri", "status": "draft", "reasonCode": []}},
            {"resource": {"resourceType": "MedicationRequest", "id": "example-drug"}},
        ],
    },
}

GOOD_DISCOVERY: Json = {
    "services": [
        {
            "hook": "order-sign",
            "id": "example-order-sign",
            "title": "Example",
            "description": "Looks at orders.",
            "usageRequirements": "FHIR R4.",
            "version": "2.0.1",
            "hookVersion": "1.0",
            "prefetch": {
                "patient": "Patient/{{context.patientId}}",
                "user": "Practitioner/{{userPractitionerId}}",
                "labs": "Observation?patient={{context.patientId}}&code=http://loinc.org|1988-5,4537-7&_sort=-date&_count=9",
                "recent": "Observation?patient={{context.patientId}}&code:in=http://example.org/codes&date=ge2026-01-01",
            },
            "extension": {"org.example.build": "1"},
        },
        {
            "hook": "patient-view",
            "id": "example-patient-view",
            "title": "Example",
            "description": "Looks at records.",
        },
    ]
}

REFERRAL: Json = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "intent": "proposal",
    "priority": "urgent",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral"}]},
    "subject": {"reference": "Patient/example-foot"},
    "requester": {"reference": "Practitioner/example-orthopedist"},
}

GOOD_RESPONSE: Json = {
    "cards": [
        {
            "uuid": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01",
            "summary": "Bone marrow edema of the foot: see the team for diabetic feet",
            "detail": "**Read:** edema, `12 mm`\n\n| finding | value |\n|---|---|\n| T1 | \\<1\\> |\n\n~~not~~ a < b",
            "indicator": "critical",
            "source": {
                "label": "Example source",
                "url": "https://example.org/source",
                "icon": "https://example.org/icon.png",
                "topic": {"system": "https://example.org/topics", "code": "charcot", "display": "Charcot foot"},
            },
            "selectionBehavior": "any",
            "suggestions": [
                {
                    "label": "Refer",
                    "uuid": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a02",
                    "isRecommended": True,
                    "actions": [{"type": "create", "description": "Refer to the team", "resource": REFERRAL}],
                },
                {
                    "label": "Add T1",
                    "uuid": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a03",
                    "isRecommended": True,
                    "actions": [
                        {
                            "type": "update",
                            "description": "Add T1 to the MRI",
                            "resource": {"resourceType": "ServiceRequest", "id": "example-mri", "status": "draft"},
                        }
                    ],
                },
                {
                    "label": "Drop the drug",
                    "uuid": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a04",
                    "actions": [
                        {
                            "type": "delete",
                            "description": "Remove the drug from the orders",
                            "resourceId": "MedicationRequest/example-drug",
                        }
                    ],
                },
            ],
            "overrideReasons": [{"system": "https://example.org/reasons", "code": "seen", "display": "Seen already"}],
            "links": [
                {
                    "label": "Evidence",
                    "url": "https://example.org/launch",
                    "type": "smart",
                    "appContext": "abc",
                    "autolaunchable": False,
                }
            ],
            "extension": {"org.example.card": {"rule": "1"}},
        },
        {
            "uuid": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a05",
            "summary": "Ask for T1 and STIR",
            "indicator": "info",
            "source": {
                "label": "Example source",
                "topic": {"system": "https://example.org/topics", "code": "protocol"},
            },
            "links": [{"label": "Guideline", "url": "https://example.org/guideline", "type": "absolute"}],
        },
    ],
    "systemActions": [{"type": "delete", "description": "Drop", "resourceId": "ServiceRequest/example-mri"}],
}

GOOD_OUTCOME: Json = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "required", "details": {"text": "context.patientId is missing"}}],
}

GOOD = {Kind.DISCOVERY: GOOD_DISCOVERY, Kind.RESPONSE: GOOD_RESPONSE, Kind.OUTCOME: GOOD_OUTCOME}


def check(kind: Kind, body: Json) -> list[Violation]:
    """Check a body as the kind of answer that it is."""
    if kind is Kind.RESPONSE:
        return check_response(body, context=CONTEXT)
    return {Kind.DISCOVERY: check_discovery, Kind.OUTCOME: check_outcome}[kind](body)


# -------------------------------------------------------------------------------------------- good answers


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_a_good_answer_has_no_violation(kind: Kind):
    assert check(kind, GOOD[kind]) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(Kind.DISCOVERY, {"services": []}, id="no services"),
        pytest.param(Kind.RESPONSE, {"cards": []}, id="nothing to say"),
    ],
)
def test_an_empty_answer_has_no_violation(kind: Kind, body: Json):
    assert check(kind, body) == []


def test_without_a_context_nothing_is_compared_with_it():
    assert check_response(GOOD_RESPONSE) == []


# ------------------------------------------------------------------------------------------- answers that break


@dataclass(frozen=True)
class Change:
    """Something done to the good answer at a place such as ``cards.0.summary``."""

    place: str
    do: Callable[[Json, Any], None]

    def __call__(self, body: Json) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in self.place.split(".")]
        for step in way:
            body = body[step]
        self.do(body, last)


def put(place: str, value: Json) -> Change:
    """Return the change that puts ``value`` at a place."""

    def do(owner: Json, key: Any) -> None:
        owner[key] = value

    return Change(place, do)


def drop(place: str) -> Change:
    """Return the change that takes away what is at a place."""

    def do(owner: Json, key: Any) -> None:
        del owner[key]

    return Change(place, do)


def add(place: str, value: Json) -> Change:
    """Return the change that appends ``value`` to the array at a place."""

    def do(owner: Json, key: Any) -> None:
        owner[key].append(value)

    return Change(place, do)


@dataclass(frozen=True)
class Breaker:
    """A change of the good answer that breaks one rule.

    The fault is found where the change was made, unless ``at`` names another path.
    """

    rule: str
    name: str
    change: Change
    at: str = ""

    @property
    def path(self) -> str:
        return self.at or "$." + re.sub(r"\.(\d+)", r"[\1]", self.change.place)


S0, C0 = "services.0", "cards.0"
ACTION_0, UPDATE, DELETE = (f"cards.0.suggestions.{n}.actions.0" for n in range(3))
LINK = "cards.0.links.0"

DISCOVERY_BREAKERS = [
    Breaker("5", "prefetch null", put(f"{S0}.prefetch", None)),
    Breaker("6", "description empty", put(f"{S0}.description", "")),
    Breaker("7", "prefetch empty", put(f"{S0}.prefetch", {})),
    Breaker("10", "services missing", drop("services")),
    Breaker("10", "services an object", put("services", {"a": 1})),
    Breaker("10", "a service that is text", add("services", "x"), "$.services[2]"),
    Breaker("13", "hook missing", drop(f"{S0}.hook")),
    Breaker("14", "title missing", drop(f"{S0}.title")),
    Breaker("15", "description a list", put(f"{S0}.description", ["x"])),
    Breaker("16", "id missing", drop(f"{S0}.id")),
    Breaker("16", "id with a slash", put(f"{S0}.id", "a/b")),
    Breaker("17", "prefetch a list", put(f"{S0}.prefetch", ["Patient/1"])),
    Breaker("17", "template a number", put(f"{S0}.prefetch.patient", 1)),
    Breaker("17", "key with a space behind", put(f"{S0}.prefetch.a ", "Patient/1")),
    Breaker("18", "usageRequirements a list", put(f"{S0}.usageRequirements", ["R4"])),
    Breaker("19", "version in words", put(f"{S0}.version", "second")),
    Breaker("20", "hookVersion of another hook", put(f"{S0}.hookVersion", "1.1")),
    Breaker("21", "the same entry again", add("services", GOOD_DISCOVERY["services"][1]), "$.services[2].id"),
    Breaker("22", "extension a list", put(f"{S0}.extension", [{"a": 1}])),
    Breaker("47", "a brace left open", put(f"{S0}.prefetch.patient", "Patient/{context.patientId}")),
    Breaker("48", "a token that computes", put(f"{S0}.prefetch.patient", "Patient/{{today()}}")),
    Breaker(
        "49",
        "a token that reaches into a Bundle",
        put(f"{S0}.prefetch.patient", "Patient/{{context.draftOrders.entry.resource.id}}"),
    ),
    *(
        Breaker("50", name, put(f"{S0}.prefetch.patient", template), "$.services[0].prefetch.patient")
        for name, template in {
            "an operation": "Patient/{{context.patientId}}/$everything",
            "_include": "ImagingStudy?patient={{context.patientId}}&_include=ImagingStudy:subject",
            "_elements": "ImagingStudy?patient={{context.patientId}}&_elements=series",
            "chaining": "ImagingStudy?patient.name={{context.patientId}}",
            "_has": "Patient?_has:Observation:patient:code=1988-5",
            "a modifier": "Condition?patient={{context.patientId}}&code:not=123",
            "a prefix of dates that few know": "Observation?patient={{context.patientId}}&date=ne2026-01-01",
            "sorting as in DSTU1": "Observation?patient={{context.patientId}}&sort:desc=date",
            "a parameter without a value": "Observation?patient={{context.patientId}}&code",
        }.items()
    ),
    Breaker("118", "a short extension key", put(f"{S0}.extension.build", 1)),
    Breaker("house-11", "prefetch misspelled", put(f"{S0}.prefetchs", {"a": "b"})),
    Breaker("house-12", "one id for two hooks", put("services.1.id", "example-order-sign")),
    Breaker(
        "house-13",
        "date twice",
        put(f"{S0}.prefetch.recent", "Observation?patient={{context.patientId}}&date=ge2026-01-01&date=le2026-02-01"),
    ),
    Breaker("house-14", "a tag in the description", put(f"{S0}.description", "a <b>c</b>")),
]

RESPONSE_BREAKERS = [
    Breaker("5", "detail null", put(f"{C0}.detail", None)),
    Breaker("5", "null in a resource", put(f"{ACTION_0}.resource.note", None)),
    Breaker("6", "summary empty", put(f"{C0}.summary", "")),
    Breaker("6", "an empty list in a resource", put(f"{ACTION_0}.resource.note", [])),
    Breaker("7", "links empty", put(f"{C0}.links", [])),
    Breaker("7", "systemActions empty", put("systemActions", [])),
    Breaker("7", "detail empty", put(f"{C0}.detail", "")),
    Breaker("66", "cards missing", drop("cards")),
    Breaker("66", "cards an object", put("cards", {"a": 1})),
    Breaker("66", "a card that is text", add("cards", "x"), "$.cards[2]"),
    Breaker("68", "systemActions an object", put("systemActions", {"type": "delete"})),
    Breaker("73", "card uuid in words", put(f"{C0}.uuid", "first")),
    Breaker("74", "summary of 140 characters", put(f"{C0}.summary", "x" * 140)),
    Breaker("74", "summary of two lines", put(f"{C0}.summary", "a\nb")),
    Breaker("74", "summary missing", drop(f"{C0}.summary")),
    Breaker("75", "detail a list", put(f"{C0}.detail", ["x"])),
    Breaker("75", "a tag in the text", put(f"{C0}.detail", "edema <b>now</b>")),
    Breaker("75", "a tag in a table", put(f"{C0}.detail", "| a |\n|---|\n| <br> |")),
    Breaker("75", "a block of HTML", put(f"{C0}.detail", "edema\n\n<div>x</div>")),
    Breaker("75", "a comment", put(f"{C0}.detail", "edema <!-- x -->")),
    Breaker("76", "indicator of an old draft", put(f"{C0}.indicator", "hard-stop")),
    Breaker("76", "indicator missing", drop(f"{C0}.indicator")),
    Breaker("77", "source missing", drop(f"{C0}.source")),
    Breaker("78", "a suggestion that is text", add(f"{C0}.suggestions", "x"), "$.cards[0].suggestions[3]"),
    Breaker("79", "selectionBehavior missing", drop(f"{C0}.selectionBehavior")),
    Breaker("79", "selectionBehavior unknown", put(f"{C0}.selectionBehavior", "one")),
    Breaker("80", "a reason without display", drop(f"{C0}.overrideReasons.0.display")),
    Breaker("80", "reasons an object", put(f"{C0}.overrideReasons", {"code": "seen"})),
    Breaker("81", "a link that is text", add(f"{C0}.links", "https://example.org"), "$.cards[0].links[1]"),
    Breaker("82", "extension a list as in FHIR", put(f"{C0}.extension", [{"url": "x"}])),
    Breaker("84", "source label missing", drop(f"{C0}.source.label")),
    Breaker("85", "source url relative", put(f"{C0}.source.url", "/source")),
    Breaker("86", "icon as data", put(f"{C0}.source.icon", "data:image/png;base64,AA")),
    Breaker("87", "topic as text", put(f"{C0}.source.topic", "charcot")),
    Breaker("88", "topic without system", drop(f"{C0}.source.topic.system")),
    Breaker("88", "a reason like a FHIR coding", put(f"{C0}.overrideReasons.0.version", "1")),
    Breaker("90", "suggestion label missing", drop(f"{C0}.suggestions.0.label")),
    Breaker(
        "91", "suggestion uuid in capitals", put(f"{C0}.suggestions.0.uuid", "5A0C1A58-4CC4-5F4F-9B0C-3B1D5F4B0A02")
    ),
    Breaker("92", "isRecommended as text", put(f"{C0}.suggestions.0.isRecommended", "yes")),
    Breaker("93", "actions an object", put(f"{C0}.suggestions.0.actions", {"type": "create"})),
    Breaker("95", "a choice among actions", put(f"{C0}.suggestions.0.actionSelectionBehavior", "all")),
    Breaker("96", "type in capitals", put(f"{ACTION_0}.type", "CREATE")),
    Breaker("97", "action description missing", drop(f"{ACTION_0}.description")),
    Breaker("97", "system action description missing", drop("systemActions.0.description")),
    Breaker("98", "create without resource", drop(f"{ACTION_0}.resource")),
    Breaker("98", "create with JSON in a string", put(f"{ACTION_0}.resource", "{}")),
    Breaker("98", "create of no type", drop(f"{ACTION_0}.resource.resourceType")),
    Breaker("99", "update of a part", drop(f"{UPDATE}.resource.id")),
    Breaker("99", "update that loses what the draft holds", drop(f"{UPDATE}.resource.status")),
    Breaker("100", "delete of a bare id", put(f"{DELETE}.resourceId", "example-drug")),
    Breaker("100", "delete that brings the resource", put(f"{DELETE}.resource", {"resourceType": "MedicationRequest"})),
    Breaker("101", "a system action with a uuid", put("systemActions.0.uuid", "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a09")),
    Breaker("103", "link label missing", drop(f"{LINK}.label")),
    Breaker("103", "link url missing", drop(f"{LINK}.url")),
    Breaker("103", "link type missing", drop(f"{LINK}.type")),
    Breaker("104", "a link that runs a script", put(f"{LINK}.url", "javascript:x")),
    Breaker("104", "a relative link", put(f"{LINK}.url", "app/launch")),
    Breaker("106", "appContext on an absolute link", put(f"{LINK}.type", "absolute"), "$.cards[0].links[0].appContext"),
    Breaker("106", "appContext an object", put(f"{LINK}.appContext", {"a": 1})),
    Breaker("107", "autolaunchable as text", put(f"{LINK}.autolaunchable", "no")),
    Breaker("118", "a short extension key", put(f"{C0}.extension.rule", 1)),
    Breaker("house-1", "no topic", drop(f"{C0}.source.topic")),
    Breaker("house-1", "a topic with words", put(f"{C0}.source.topic.code", "Charcot foot")),
    Breaker("house-2", "one suggestion of many", put("cards.1.selectionBehavior", "at-most-one")),
    Breaker("house-3", "no action", drop(f"{C0}.suggestions.0.actions")),
    Breaker(
        "house-3",
        "two actions",
        add(f"{C0}.suggestions.2.actions", GOOD_RESPONSE["systemActions"][0]),
        "$.cards[0].suggestions[2].actions",
    ),
    Breaker(
        "house-4",
        "an absolute link beside a smart one",
        add(f"{C0}.links", GOOD_RESPONSE["cards"][1]["links"][0]),
        "$.cards[0].links",
    ),
    Breaker("house-5", "an image", put(f"{C0}.detail", "![x](https://example.org/x.png)")),
    Breaker("house-7", "card uuid missing", drop(f"{C0}.uuid")),
    Breaker("house-7", "suggestion uuid missing", drop(f"{C0}.suggestions.0.uuid")),
    Breaker("house-8", "another resource", put(f"{ACTION_0}.resource.resourceType", "Task")),
    Breaker("house-8", "an element that R4B does not know", put(f"{ACTION_0}.resource.specialty", "x")),
    Breaker("house-8", "a coding without a code", drop(f"{ACTION_0}.resource.code.coding.0.code")),
    Breaker("house-9", "an order that is active", put(f"{ACTION_0}.resource.status", "active")),
    Breaker("house-9", "a plan", put(f"{ACTION_0}.resource.intent", "plan")),
    Breaker("house-9", "another patient", put(f"{ACTION_0}.resource.subject.reference", "Patient/example-other")),
    Breaker("house-10", "update of an order that is no draft", put(f"{UPDATE}.resource.id", "example-old")),
    Breaker(
        "house-10", "delete of an order that is no draft", put(f"{DELETE}.resourceId", "ServiceRequest/example-old")
    ),
    Breaker("house-11", "a status at the top", put("status", "ok")),
    Breaker("house-11", "a misspelled attribute", put(f"{LINK}.autoLaunchable", True)),
]

OUTCOME_BREAKERS = [
    Breaker("5", "diagnostics null", put("issue.0.diagnostics", None)),
    Breaker("6", "no issue", put("issue", [])),
    Breaker("70", "another resource", put("resourceType", "Bundle")),
    Breaker("70", "issue missing", drop("issue")),
    Breaker("70", "severity unknown", put("issue.0.severity", "bad")),
    Breaker("70", "code missing", drop("issue.0.code")),
    Breaker("70", "an attribute that R4 does not know", put("issue.0.message", "x")),
    Breaker("house-15", "no words", drop("issue.0.details"), "$.issue[0].details.text"),
]

BREAKERS = [
    *((Kind.DISCOVERY, breaker) for breaker in DISCOVERY_BREAKERS),
    *((Kind.RESPONSE, breaker) for breaker in RESPONSE_BREAKERS),
    *((Kind.OUTCOME, breaker) for breaker in OUTCOME_BREAKERS),
]


@pytest.mark.parametrize(
    ("kind", "breaker"),
    [pytest.param(kind, each, id=f"{kind.value} {each.rule}: {each.name}") for kind, each in BREAKERS],
)
def test_what_breaks_one_rule_is_reported_by_that_rule_alone(kind: Kind, breaker: Breaker):
    body = deepcopy(GOOD[kind])
    breaker.change(body)

    found = check(kind, body)

    assert [(each.rule, each.path) for each in found] == [(breaker.rule, breaker.path)]


def test_a_uuid_given_twice_is_reported_at_both_places():
    body = deepcopy(GOOD_RESPONSE)
    body["cards"][1]["uuid"] = body["cards"][0]["suggestions"][0]["uuid"]

    found = check_response(body)

    assert [(each.rule, each.path) for each in found] == [
        ("house-6", "$.cards[1].uuid"),
        ("house-6", "$.cards[0].suggestions[0].uuid"),
    ]


def test_two_recommendations_where_one_may_be_chosen_are_reported():
    body = deepcopy(GOOD_RESPONSE)
    body["cards"][0]["selectionBehavior"] = "at-most-one"

    found = check_response(body)

    assert [(each.rule, each.path) for each in found] == [
        ("92", "$.cards[0].suggestions"),
        ("house-2", "$.cards[0].selectionBehavior"),
    ]


def test_every_rule_has_an_answer_that_breaks_it():
    broken = {(kind, each.rule) for kind, each in BREAKERS} | {(Kind.RESPONSE, "house-6")}

    assert {(kind, each.number) for each in RULES for kind in each.kinds} == broken


def test_no_two_rules_share_a_number_for_one_kind_of_answer():
    numbers = [(kind, each.number) for each in RULES for kind in each.kinds]

    assert len(numbers) == len(set(numbers))


# --------------------------------------------------------------------------------------- answers of any shape


def places(value: Json, here: str = "") -> Iterator[str]:
    """Yield every place of ``value`` in the notation of ``find``."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        if "." not in str(key):
            yield f"{here}{key}"
            yield from places(item, f"{here}{key}.")


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_any_json_is_checked_without_an_error(kind: Kind):
    assert check(kind, None) != []
    strangers: list[Json] = [None, "", "x", 0, -1.5, True, [], {}, [None], ["x"], [[]], {"x": None}, [{"x": {}}]]
    for stranger in strangers:
        check(kind, stranger)
        for place in places(GOOD[kind]):
            body = deepcopy(GOOD[kind])
            put(place, stranger)(body)
            check(kind, body)


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_what_is_null_or_empty_is_always_reported_and_only_as_that(kind: Kind):
    for stranger in (None, "", [], {}):
        for place in places(GOOD[kind]):
            body = deepcopy(GOOD[kind])
            put(place, stranger)(body)

            allowed = place in {"services", "cards"} and stranger == []
            rules = {each.rule for each in check(kind, body)}

            assert rules in ([set()] if allowed else [{"5"}, {"6"}, {"7"}]), (place, stranger, rules)
