"""The synthetic patients of ``fixtures/scenarios``, moved to today, and what a running service tells about them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import requests

from cds_service.data import data_path
from cds_service.scenarios import load_scenarios

Json = Any

STORIES = {scenario.name: scenario for scenario in load_scenarios(data_path("scenarios"))}


@dataclass(frozen=True)
class Told:
    """What one patient's record was sent as, and what came back."""

    request: Json
    response: requests.Response

    @property
    def cards(self) -> list[Json]:
        """The cards of the answer."""
        cards: list[Json] = self.response.json()["cards"]
        return cards


def story(name: str) -> Json:
    """Return the request of a scenario as if it played today; nobody else holds it."""
    return STORIES[name].request_on(date.today())  # noqa: DTZ011  # the day that the running service takes it for


def send(url: str, service_id: str, body: Json, headers: Mapping[str, str | None] | None = None) -> requests.Response:
    """Call a service as a browser would: no redirect is followed. A header of None is not sent."""
    return requests.post(
        f"{url}/cds-services/{service_id}", json=body, headers=headers, timeout=30, allow_redirects=False
    )


@cache
def told(url: str, name: str) -> Told:
    """Return the answer of the service at ``url`` to a scenario."""
    body = story(name)
    return Told(body, send(url, f"bme-{body['hook']}", body))


def told_by(url: str) -> dict[str, Told]:
    """Return the answers of the service at ``url`` to all scenarios, by name."""
    return {name: told(url, name) for name in STORIES}


def suggestions(cards: Iterable[Json]) -> list[Json]:
    """Return the suggestions of all cards, in order."""
    return [suggestion for card in cards for suggestion in card.get("suggestions", [])]


def actions(answer: Json) -> list[Json]:
    """Return the actions of all suggestions of an answer, in order."""
    return [action for suggestion in suggestions(answer["cards"]) for action in suggestion.get("actions", [])]


def bearer(header: Json, claims: Json) -> str:
    """Return a token in the form of a JWT. Its signature proves nothing."""
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (header, claims)]
    return "Bearer " + ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in [*parts, b"\0" * 96])
