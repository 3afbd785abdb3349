"""``cds-service demo --cards``: every scenario sent to the running service, and its cards in the terminal."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from cds_service.data import data_path
from cds_service.scenarios import Scenario, load_scenarios
from cds_service.show import card_lines, cards_panel

FEATURED = "diabetic-foot-new-edema"
"""The scenario whose cards are shown in full, with a curl line to fire it again."""


def show_cards(out: Console, url: str) -> None:
    """Fire every scenario at the service, and show one in full."""
    folder = data_path("scenarios")
    scenarios = list(load_scenarios(folder))
    for scenario in scenarios:
        out.print(_title(scenario), style="bold", markup=False)
        out.print(card_lines(_send(url, scenario)))
    featured = next(scenario for scenario in scenarios if scenario.name == FEATURED)
    out.rule(f"In full: {_title(featured)}")
    out.print(_story(featured), style="dim", markup=False)
    out.print(cards_panel(_send(url, featured)))
    out.rule("Try it yourself")
    out.print(_curl(url, folder), markup=False, soft_wrap=True)


def _send(url: str, scenario: Scenario) -> list[Any]:
    """Fire a scenario as if it played today, and return the cards."""
    request = scenario.request_on(date.today())  # noqa: DTZ011  # the local day, as a person means it
    service = f"bme-{request['hook']}"
    response = requests.post(f"{url}/cds-services/{service}", json=request, timeout=30)
    response.raise_for_status()
    cards: list[Any] = response.json()["cards"]
    return cards


def _title(scenario: Scenario) -> str:
    return scenario.about.splitlines()[0].lstrip("# ")


def _story(scenario: Scenario) -> str:
    return "\n".join(scenario.about.splitlines()[1:]).strip()


def _curl(url: str, folder: Path) -> str:
    request = folder / FEATURED / "request.json"
    here = Path.cwd()
    shown = request.relative_to(here) if request.is_relative_to(here) else request
    return (
        f"curl -s {url}/cds-services/bme-result-review -H 'Content-Type: application/json' --data @{shown}"
        " | python3 -m json.tool"
    )
