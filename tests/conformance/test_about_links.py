"""The link of a card to the page that lays its rule open, followed over the wire, for every example patient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from support.html import parsed
from support.record import Later
from support.serving import serving

from cds_service.protocol.profiles import PROFILES
from cds_service.settings import Settings
from cds_service.web import create_app
from tests.conformance.response_rules import check_response
from tests.conformance.stories import told_by

Json = Any

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=PROFILES)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a service that knows it, in each profile."""
    service = Later()
    with serving(service) as url:
        service.app = create_app(Settings(public_url=url, profile=request.param, judgement={"silence_days": 0}))
        yield url


def test_every_card_leads_to_its_rule_under_its_cause(address: str):
    page = parsed(requests.get(f"{address}/transparency", timeout=30).text)
    chapters = requests.get(f"{address}/transparency.json", timeout=30).json()["chapters"]
    causes = {chapter["id"] for chapter in chapters}
    cause_of = {rule["id"]: chapter["id"] for chapter in chapters for rule in chapter["rules"]}

    followed = 0
    for name, told in told_by(address).items():
        for card in told.cards:
            (link,) = card["links"]
            where, _, place = link["url"].partition("#")
            about = card["source"]["topic"]["code"]
            assert (where, link["type"]) == (f"{address}/transparency", "absolute")
            assert len(page.find(id=place)) == 1, (name, place)
            assert cause_of[place] == about or about not in causes, (name, place)
            followed += 1
    assert followed > 50


def test_an_answer_with_links_breaks_no_rule(address: str):
    answers = {name: (told.response.json(), told.request["context"]) for name, told in told_by(address).items()}

    broken = {(name, one.rule) for name, (body, at) in answers.items() for one in check_response(body, context=at)}

    assert {rule for _, rule in broken} <= {"7"}  # profile crd: see test_profiles.py
