"""The synthetic scenarios that travel with the package: complete requests with the expected answer beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson

_DAY = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")


@dataclass(frozen=True)
class Scenario:
    """One patient's situation: ``about`` in words, the request, and what is expected on the day ``as_of``."""

    name: str
    about: str
    request: dict[str, Any]
    expected: dict[str, Any]

    @property
    def as_of(self) -> date:
        """The day on which the scenario plays."""
        return date.fromisoformat(self.expected["asOf"])

    def request_on(self, day: date) -> dict[str, Any]:
        """Return the request as if it played on another day: every date in it moves along."""
        shift = day - self.as_of
        moved: dict[str, Any] = _moved(self.request, shift)
        return moved


def load_scenarios(folder: Path) -> Iterator[Scenario]:
    """Yield every scenario of a folder, by name.

    Raises:
        OSError, ValueError, KeyError: a scenario is incomplete or not JSON.
    """
    for request in sorted(folder.glob("*/request.json")):
        place = request.parent
        scenario = Scenario(
            name=place.name,
            about=(place / "about.md").read_text(encoding="utf-8"),
            request=orjson.loads(request.read_bytes()),
            expected=orjson.loads((place / "expected.json").read_bytes()),
        )
        scenario.as_of  # noqa: B018  # an unusable date is found here, not when somebody runs it
        yield scenario


def _moved(value: Any, shift: timedelta) -> Any:
    if isinstance(value, dict):
        return {name: _moved(inner, shift) for name, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, shift) for inner in value]
    if isinstance(value, str):
        return _DAY.sub(lambda found: (date.fromisoformat(found[0]) + shift).isoformat(), value)
    return value
