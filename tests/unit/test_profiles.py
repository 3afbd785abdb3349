"""In what the answers of a profile differ from the plain ones, and in nothing else."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from cds_service.cards.content import Content
from cds_service.cards.render import topic_code
from cds_service.data import data_path
from cds_service.knowledge.codes.referrals import REFERRALS
from cds_service.knowledge.rules import rule_set
from cds_service.model.level import Tier
from cds_service.model.rule import CheckOrder
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.protocol.profiles import PROFILES, ProfileName
from cds_service.scenarios import load_scenarios
from cds_service.service import Ports, answer
from cds_service.settings import Settings

Json = Any

RULES = rule_set()
SERVICES = load_services(data_path("hooks"))
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios(data_path("scenarios"))}
SAMPLE = {"charcot-foot-with-low-t1", "iloprost-ordered-despite-a-rim-sign", "mri-ordered-with-stir-only"}
"""Stories with suggestions to create and to change an order, and with several checks. The gate asks all."""

PREFERENCE_LIST = "urn:com.epic.cdshooks.action.code.system.preference-list-item"
OWN = {"system": PREFERENCE_LIST, "code": "REF1", "display": "Referral"}
EPIC = {"profile": "epic", "referral_codes": dict.fromkeys(REFERRALS, OWN)}

every_scenario = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLE else [pytest.mark.slow]) for name in SCENARIOS]
)


def told(name: str, **settings: Any) -> Json:
    """Answer a scenario under these settings."""
    scenario = SCENARIOS[name]
    call = read_call(scenario.request, SERVICES[f"bme-{scenario.request['hook']}"])
    return answer(call, Settings(card_key="a key", **settings), Ports(RULES, lambda: scenario.as_of)).response


def without_changes_of_drafts(answered: Json) -> Json:
    """Return the answer without suggestions to change a draft order."""
    cards = []
    for card in answered["cards"]:
        kept = [one for one in card.get("suggestions", []) if one["actions"][0]["type"] != "update"]
        rest = {name: value for name, value in card.items() if name not in ("suggestions", "selectionBehavior")}
        cards.append({**card, "suggestions": kept} if kept else rest)
    return {"cards": cards}


def without_topic_codes(answered: Json) -> Json:
    """Return the answer without the codes of topics."""
    cards = [
        {**card, "source": {**card["source"], "topic": {**card["source"]["topic"], "code": ""}}}
        for card in answered["cards"]
    ]
    return {**answered, "cards": cards}


def suggested(answered: Json) -> list[Json]:
    return [one for card in answered["cards"] for one in card.get("suggestions", [])]


@every_scenario
def test_the_sandbox_is_not_offered_what_its_imaging_tab_fails_on(name: str):
    assert told(name, profile="sandbox") == without_changes_of_drafts(told(name))


@every_scenario
def test_epic_gets_other_topics_and_no_changes_of_drafts(name: str):
    plain = told(name, referral_codes=EPIC["referral_codes"])

    assert without_topic_codes(told(name, **EPIC)) == without_topic_codes(without_changes_of_drafts(plain))


@every_scenario
def test_coverage_discovery_is_told_which_order_a_card_is_about(name: str):
    request = SCENARIOS[name].request
    drafts = [entry["resource"] for entry in request["context"].get("draftOrders", {}).get("entry", [])]
    references = {f"{one['resourceType']}/{one['id']}" for one in drafts if "id" in one}

    found = told(name, profile="crd")

    named = {
        card["summary"]: card.pop("extension")
        for card in found["cards"]
        if card["source"]["topic"]["code"] == "order-check"
    }
    assert all(one in [{"davinci-crd.associated-resource": [key]} for key in references] for one in named.values())
    assert found.pop("systemActions", None) == ([] if request["hook"] == "order-sign" else None)
    assert found == told(name)


def test_a_changed_order_that_is_not_offered_is_still_advised_in_words():
    (card,) = told("mri-ordered-with-stir-only", profile="sandbox")["cards"]

    assert "suggestions" not in card
    assert "**Consider**\n\n- Add a T1-weighted sequence." in card["detail"]


def test_a_draft_without_an_id_is_not_named():
    scenario = SCENARIOS["mri-ordered-with-stir-only"]
    (entry,) = scenario.request["context"]["draftOrders"]["entry"]
    order = {name: value for name, value in entry["resource"].items() if name != "id"}
    request = {
        **scenario.request,
        "context": {
            **scenario.request["context"],
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": order}]},
        },
    }
    call = read_call(request, SERVICES["bme-order-sign"])

    found = answer(call, Settings(profile="crd"), Ports(RULES, lambda: scenario.as_of)).cards

    assert [card["source"]["topic"]["code"] for card in found] == ["order-check"]
    assert "extension" not in found[0]


@pytest.mark.parametrize(
    "codes",
    [
        pytest.param({}, id="no code"),
        pytest.param({"orthopedics": {**OWN, "system": "urn:example:orderables"}}, id="a code of another system"),
    ],
)
def test_epic_is_not_offered_an_order_it_could_not_place(codes: Json):
    name = "hip-with-rim-and-effusion"

    plain, found = told(name), told(name, profile="epic", referral_codes=codes)

    assert [one["label"] for one in suggested(plain)] == ["Refer to orthopedics (urgent)"]
    assert suggested(found) == []
    # What is advised is on the card all the same.
    assert [card["detail"] for card in found["cards"]] == [card["detail"] for card in plain["cards"]]
    assert "rthoped" in found["cards"][0]["detail"]


# ------------------------------------------------------------------------------------------------ topics


def content(topic: str, tier: Tier = Tier.ROUTINE, rule: str = "") -> Content:
    draft = 0 if topic == "order-check" else None
    return Content(topic, topic, "", tier, "", (), (rule,) if rule else (), draft=draft)


CHECKS = [rule.id for rule in RULES.rules if isinstance(rule.effect, CheckOrder)]
MESSAGES = [
    *(content(topic, tier) for topic, tier in product([*RULES.causes, "protocol", "unread-report"], Tier)),
    *(content("order-check", rule=rule) for rule in CHECKS),
]


def test_no_two_messages_share_a_topic_where_an_override_silences_it():
    codes = [topic_code(one, PROFILES[ProfileName.EPIC]) for one in MESSAGES]

    assert len(CHECKS) > 5
    assert [code for code in codes if not re.fullmatch(r"[A-Za-z0-9]{1,100}", code)] == []
    assert len(set(codes)) == len({code.lower() for code in codes}) == len(codes)


def test_a_topic_says_what_it_is_about():
    epic = PROFILES[ProfileName.EPIC]

    assert [
        topic_code(one, epic)
        for one in (content("osteomyelitis", Tier.URGENT), content("order-check", rule="order-stir-only"))
    ] == ["osteomyelitisUrgent", "ordercheckOrderstironly"]


def test_every_topic_of_the_scenarios_is_one_of_these():
    known = {one.topic for one in MESSAGES}

    assert {card["topic"] for one in SCENARIOS.values() for card in one.expected["cards"]} - known == set()


def test_every_name_has_a_profile():
    assert list(PROFILES) == list(ProfileName)
