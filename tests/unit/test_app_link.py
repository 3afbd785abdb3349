"""What a card hands to the app: which card it was, and no word of whom or what it was about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from itsdangerous import URLSafeSerializer

from cds_service.cards.app_link import LONGEST, AppLink, CardOpened, NotOurs, OtherPatient, Since, read_app_context

KEY = b"a key"
CARD = "5b1d3b4c-6a38-4a3e-9a8e-0d6a2f1c7b11"
BASES = {"osteomyelitis|foot/left": "0123456789abcdef", "notes|foot/left": "fedcba9876543210"}


def link(**changes: Any) -> dict[str, Any]:
    given = {
        "url": "https://cds.example/smart/launch",
        "key": KEY,
        "patient_id": "patient-1",
        "bases": BASES,
        **changes,
    }
    return AppLink(**given).link(CARD, "osteomyelitis|foot/left")


def opened() -> CardOpened:
    return read_app_context(link()["appContext"], KEY, "patient-1")


def test_the_link_is_one_of_cds_hooks():
    made = link()

    assert {name: made[name] for name in ("label", "url", "type")} == {
        "label": "Show the evidence",
        "url": "https://cds.example/smart/launch",
        "type": "smart",
    }


def test_the_context_names_the_card_and_neither_patient_nor_finding():
    context = link()["appContext"]

    _, said = URLSafeSerializer("anybody can read it").loads_unsafe(context)
    assert (said["card"], sorted(said), len(context) < LONGEST) == (CARD, ["about", "basis", "card", "for", "v"], True)
    assert not any(
        word in json.dumps(said) for word in ("patient-1", "osteomyelitis", "foot", BASES["notes|foot/left"])
    )


def test_the_same_card_hands_over_the_same():
    assert link() == link()


def test_what_became_of_the_card():
    changed = {**BASES, "osteomyelitis|foot/left": "another"}

    since = [opened().since(bases, KEY, "patient-1") for bases in (BASES, changed, {"notes|foot/left": "x"}, {})]

    assert (opened().card, since) == (CARD, [Since.SAME, Since.CHANGED, Since.GONE, Since.GONE])


@pytest.mark.parametrize(
    "value", [None, 7, "", "x", "e30.x", link(key=b"another key")["appContext"], link()["appContext"] + "x" * LONGEST]
)
def test_what_is_not_ours_is_refused(value: Any):
    with pytest.raises(NotOurs):
        read_app_context(value, KEY, "patient-1")


def test_a_context_of_another_patient_is_refused():
    with pytest.raises(OtherPatient):
        read_app_context(link()["appContext"], KEY, "patient-2")
