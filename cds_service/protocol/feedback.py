"""Feedback on cards: what a clinician did with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.errors import BadRequest


@dataclass(frozen=True)
class FeedbackItem:
    """One card's outcome. ``suggestions`` are the ids taken, ``reason`` the code why it was not followed."""

    card: str
    outcome: str
    suggestions: tuple[str, ...]
    reason: tuple[str, str] | None
    timestamp: str


def read_feedback(value: Any) -> tuple[FeedbackItem, ...]:
    """Return the items of a feedback request, in order.

    Epic writes ``overrideReasons``, the specification ``overrideReason``; both are read. Comments are not kept.

    Raises:
        BadRequest: naming the field that is missing or of the wrong kind.
    """
    if not isinstance(value, Mapping):
        raise BadRequest("the body is not a JSON object; send {'feedback': [...]}")
    items = value.get("feedback")
    if not isinstance(items, list):
        raise BadRequest("field 'feedback' is missing or is not a list of outcomes", at="feedback")
    return tuple(_item(item, f"feedback[{position}]") for position, item in enumerate(items))


def _item(item: Any, at: str) -> FeedbackItem:
    if not isinstance(item, Mapping):
        raise BadRequest(f"field '{at}' is not an object", at=at)
    card = item.get("card")
    if not isinstance(card, str) or not card:
        raise BadRequest(f"field '{at}.card' is missing or is not the uuid of a card", at=f"{at}.card")
    outcome = item.get("outcome")
    if outcome not in ("accepted", "overridden"):
        raise BadRequest(f"field '{at}.outcome' is neither 'accepted' nor 'overridden'", at=f"{at}.outcome")
    taken = item.get("acceptedSuggestions")
    timestamp = item.get("outcomeTimestamp")
    return FeedbackItem(
        card=card,
        outcome=outcome,
        suggestions=tuple(
            one["id"]
            for one in (taken if isinstance(taken, list) else [])
            if isinstance(one, Mapping) and isinstance(one.get("id"), str)
        ),
        reason=_reason(item.get("overrideReason") or item.get("overrideReasons")),
        timestamp=timestamp if isinstance(timestamp, str) else "",
    )


def _reason(given: Any) -> tuple[str, str] | None:
    reason = given.get("reason") if isinstance(given, Mapping) else None
    if not isinstance(reason, Mapping) or not isinstance(reason.get("code"), str):
        return None
    system = reason.get("system")
    return (system if isinstance(system, str) else "", reason["code"])
