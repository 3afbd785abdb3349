"""What the clients need of an answer: each profile gives its clients that, and breaks no rule of CDS Hooks.

``NEEDS`` says need by need, and for which client, what was read in its source or documentation, or seen in it running
(``test_clients.py`` has the versions). A need of all is asked of the profile ``generic``. What is not asked, and why:

* Oracle Health takes no appContext and removes links that it does not know. No card needs its link to be understood.
* Epic takes a detail in Markdown unless an extension says that it is HTML. Ours is Markdown.
* Epic drops what an order holds beside its code. There is nothing in ours that the card does not say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
import requests

from cds_service.knowledge.codes.referrals import REFERRALS
from cds_service.protocol.profiles import PROFILES
from tests.conformance.conftest import running
from tests.conformance.response_rules import check_discovery, check_response
from tests.conformance.stories import STORIES, actions, suggestions, told

Json = Any

EPIC_LIST = "urn:com.epic.cdshooks.action.code.system.preference-list-item"
SETTINGS: dict[str, Json] = {
    "generic": {},
    "sandbox": {"profile": "sandbox"},
    "epic": {
        "profile": "epic",
        "referral_codes": {target: {"system": EPIC_LIST, "code": "REF", "display": "Referral"} for target in REFERRALS},
    },
    "crd": {"profile": "crd"},
}
PROFILE_OF = {"sandbox": "sandbox", "epic": "epic", "request generator": "crd"}
"""The profile that each client's needs are asked of; generic if there is none."""

SAMPLE = {
    "charcot-foot-with-low-t1",
    "chart-opened-result-not-acted-on",
    "iloprost-ordered-despite-a-rim-sign",
    "mri-ordered-with-stir-only",
}
"""Stories with suggestions to create and to change an order, on three hooks. The gate asks all."""

WHOLE_LISTS = [
    pytest.param(sorted(SAMPLE), id="a sample"),
    pytest.param(sorted(STORIES), id="all scenarios", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def url_of(service_url: str) -> Iterator[Callable[[str], str]]:
    """The address of the service with a profile, started when it is asked for."""
    with ExitStack() as services:

        @cache
        def started(profile: str) -> str:
            settings = SETTINGS[profile]
            return services.enter_context(running(**settings)) if settings else service_url

        yield started


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("names", WHOLE_LISTS)
def test_an_answer_in_a_profile_breaks_no_rule(url_of: Callable[[str], str], profile: str, names: list[str]):
    found = {name: told(url_of(profile), name) for name in names}

    broken = {
        (one.rule, one.path)
        for each in found.values()
        for one in check_response(each.response.json(), context=each.request["context"])
    }

    # Inferno wants the list even if it is empty, which CDS Hooks leaves out (requirement 7).
    assert broken == ({("7", "$.systemActions")} if profile == "crd" else set())


@pytest.mark.parametrize("profile", PROFILES)
def test_the_discovery_in_a_profile_breaks_no_rule(url_of: Callable[[str], str], profile: str):
    listed = requests.get(f"{url_of(profile)}/cds-services", timeout=30).json()

    assert (len(listed["services"]), check_discovery(listed)) == (4, [])


# --------------------------------------------------------------------------------- what they need of an answer


def topic(card: Json) -> Json:
    return card["source"].get("topic", {})


def have(objects: Iterable[Json], *keys: str) -> bool:
    """Whether all objects have all keys, and with a value."""
    return all(each.get(key) for each in objects for key in keys)


def uuids_differ(answer: Json) -> bool:
    given = [each.get("uuid") for each in [*answer["cards"], *suggestions(answer["cards"])]]
    return None not in given and len(set(given)) == len(given)


def first_codings(answer: Json) -> list[Json]:
    """Return the first coding of the code of each order that is created or changed."""
    orders = [action.get("resource", {}) for action in actions(answer) if action.get("type") != "delete"]
    return [order.get("code", {}).get("coding", [{}])[0] for order in orders]


NEEDS: dict[str, Callable[[Json], bool]] = {
    "sandbox: a uuid of its own for each card, or dismissing one hides two": uuids_differ,
    "sandbox: a known indicator, to sort and colour by": lambda answer: all(
        card["indicator"] in ("info", "warning", "critical") for card in answer["cards"]
    ),
    "sandbox: a summary": lambda answer: have(answer["cards"], "summary"),
    "sandbox: the label of a source": lambda answer: have((card["source"] for card in answer["cards"]), "label"),
    "sandbox: a display for each override reason": lambda answer: all(
        have(card.get("overrideReasons", []), "display") for card in answer["cards"]
    ),
    "sandbox: a label and actions for each suggestion": lambda answer: have(
        suggestions(answer["cards"]), "label", "actions"
    ),
    "sandbox: a reason in each order to create or change": lambda answer: have(
        (action.get("resource", {}) for action in actions(answer) if action.get("type") != "delete"), "reasonCode"
    ),
    "sandbox: no order to change, it looks for a rating there": lambda answer: all(
        action["type"] != "update" for action in actions(answer)
    ),
    "sandbox: no card with links to launch and to read": lambda answer: all(
        len({link.get("type") for link in card.get("links", [])}) < 2 for card in answer["cards"]
    ),
    "request generator: no status beside the cards, it would be an error": lambda answer: "status" not in answer,
    "request generator: the display of a topic": lambda answer: have(map(topic, answer["cards"]), "display"),
    "request generator: no tables in a detail": lambda answer: (
        not any(re.search(r"^\s*\|.*\|", card.get("detail", ""), re.MULTILINE) for card in answer["cards"])
    ),
    "request generator: nothing to delete, it looks for that elsewhere": lambda answer: all(
        action["type"] != "delete" for action in actions(answer)
    ),
    "request generator: a coded order to create or change": lambda answer: have(first_codings(answer), "code"),
    "epic: a topic with a short code of letters and digits": lambda answer: all(
        re.fullmatch(r"[A-Za-z0-9]{1,100}", topic(card).get("code", "")) for card in answer["cards"]
    ),
    "epic: suggestions to choose freely from": lambda answer: all(
        card.get("selectionBehavior") == "any" for card in answer["cards"] if card.get("suggestions")
    ),
    "epic: one action for each suggestion": lambda answer: all(
        len(suggestion.get("actions", [])) == 1 for suggestion in suggestions(answer["cards"])
    ),
    "epic: the description of each action says what the label does, for it alone is read": lambda answer: all(
        str(action.get("description")).startswith(f"{suggestion.get('label')}: ")
        for suggestion in suggestions(answer["cards"])
        for action in suggestion.get("actions", [])
    ),
    "epic: what is urgent is chosen at first, and nothing else": lambda answer: all(
        suggestion.get("isRecommended") is ("(urgent)" in str(suggestion.get("label")))
        for suggestion in suggestions(answer["cards"])
    ),
    "epic: nothing to change, in a suggestion it creates or deletes": lambda answer: all(
        action["type"] != "update" for action in actions(answer)
    ),
    "epic: a code of the site's own for each order to create": lambda answer: all(
        coding.get("system") == EPIC_LIST for coding in first_codings(answer)
    ),
    "epic: no system action": lambda answer: "systemActions" not in answer,
    "oracle: cards that say all without links": lambda answer: not any("links" in card for card in answer["cards"]),
    "oracle: something to read in a pop-up": lambda answer: have(answer["cards"], "detail"),
    "healthchain: a summary of 140 characters at most": lambda answer: all(
        len(card["summary"]) <= 140 for card in answer["cards"]
    ),
    "healthchain: a selectionBehavior where there are suggestions": lambda answer: all(
        ("suggestions" in card) == ("selectionBehavior" in card) for card in answer["cards"]
    ),
    "healthchain: the system of each coding": lambda answer: all(
        have([topic(card), *card.get("overrideReasons", [])], "system", "code") for card in answer["cards"]
    ),
    "healthchain: a resource to create or change, a resourceId to delete": lambda answer: all(
        have([action], "resourceId" if action["type"] == "delete" else "resource") for action in actions(answer)
    ),
    "all: no null": lambda answer: None not in everything(answer),
}


def everything(value: Json) -> list[Json]:
    """Return every value inside a value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(each for one in inner for each in everything(one))]


POOR = {
    "status": 200,
    "cards": [
        {
            "summary": "s" * 141,
            "indicator": "hard-stop",
            "source": {"topic": {"code": "a b"}},
            "links": [{"type": "smart"}, {"type": "absolute"}],
            "detail": "| a | b |",
            "suggestions": [
                {"actions": [{"type": "delete"}, {"type": "create", "resource": {"code": {}}}, {"type": "update"}]},
                {"label": None},
            ],
            "overrideReasons": [{}],
        },
        {"summary": "", "indicator": "critical", "source": {}},
    ],
    "systemActions": [],
}

by_need = pytest.mark.parametrize("need", NEEDS)


@by_need
@pytest.mark.parametrize("names", WHOLE_LISTS)
def test_what_a_client_needs_of_an_answer_is_there(url_of: Callable[[str], str], need: str, names: list[str]):
    url = url_of(PROFILE_OF.get(need.partition(":")[0], "generic"))

    assert [name for name in names if not NEEDS[need](told(url, name).response.json())] == []


@by_need
def test_an_answer_without_it_is_noticed(need: str):
    assert NEEDS[need](POOR) is False


def test_every_profile_is_asked():
    assert {"generic", *PROFILE_OF.values()} == set(PROFILES) == set(SETTINGS)
    assert set(PROFILE_OF) <= {need.partition(":")[0] for need in NEEDS}
