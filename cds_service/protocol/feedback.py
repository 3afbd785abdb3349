"""Feedback on cards: what a clinician did with them.

Only what has a fixed form is read: ids that are UUIDs, as all of ours are, the reasons that our cards offer, and times.
A client may write anything into the other fields, also who the patient is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cds_service.errors import BadRequest
from cds_service.knowledge.codes.overrides import OVERRIDE_REASONS

MOST_ITEMS = 1_000
"""So many outcomes are taken at once."""

LONGEST_COMMENT = 2_000
"""A comment is cut off after so many characters."""

OTHER_REASON = ("", "other")
"""Stands for every reason that our cards do not offer."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OFFERED = {reason.code: (reason.system, reason.code) for reason in OVERRIDE_REASONS}


@dataclass(frozen=True)
class FeedbackItem:
    """One card's outcome.

    ``suggestions`` are the ids taken; ``reason`` is the (system, code) why it was not followed; ``comment`` is empty
    unless comments are asked for; ``at`` is in UTC, None when no time can be read.
    """

    card: str
    outcome: str
    suggestions: tuple[str, ...]
    reason: tuple[str, str] | None
    comment: str
    at: datetime | None


@dataclass(frozen=True)
class FeedbackRead:
    """The items that can be used, in order, and the paths of the fields that make others useless."""

    items: tuple[FeedbackItem, ...]
    unusable: tuple[str, ...]


def read_feedback(value: Any, *, comments: bool = False) -> FeedbackRead:
    """Return what is in a feedback request. Comments are left out unless they are asked for.

    Epic writes ``overrideReasons``, the specification ``overrideReason``; both are read.

    Raises:
        BadRequest: no item can be used; names the first field that is missing or of the wrong kind.
    """
    if not isinstance(value, Mapping):
        raise BadRequest("the body is not a JSON object; send {'feedback': [...]}")
    given = value.get("feedback")
    if not isinstance(given, list):
        raise BadRequest("field 'feedback' is missing or is not a list of outcomes", at="feedback")
    if len(given) > MOST_ITEMS:
        raise BadRequest(f"field 'feedback' has more than {MOST_ITEMS} outcomes; send fewer at once", at="feedback")
    items: list[FeedbackItem] = []
    refused: list[BadRequest] = []
    for position, item in enumerate(given):
        try:
            items.append(_item(item, f"feedback[{position}]", comments=comments))
        except BadRequest as error:
            refused.append(error)
    if refused and not items:
        raise refused[0]
    return FeedbackRead(tuple(items), tuple(error.at for error in refused))


def _item(item: Any, at: str, *, comments: bool) -> FeedbackItem:
    if not isinstance(item, Mapping):
        raise BadRequest(f"field '{at}' is not an object", at=at)
    card = _uuid(item.get("card"))
    if not card:
        raise BadRequest(f"field '{at}.card' is missing or is not the uuid of a card", at=f"{at}.card")
    outcome = item.get("outcome")
    if outcome not in ("accepted", "overridden"):
        raise BadRequest(f"field '{at}.outcome' is neither 'accepted' nor 'overridden'", at=f"{at}.outcome")
    taken = item.get("acceptedSuggestions")
    override = item.get("overrideReason") or item.get("overrideReasons")
    ids = [_uuid(one.get("id")) for one in (taken if isinstance(taken, list) else []) if isinstance(one, Mapping)]
    return FeedbackItem(
        card=card,
        outcome=outcome,
        suggestions=tuple(one for one in ids if one),
        reason=_reason(override),
        comment=_comment(override) if comments else "",
        at=_time(item.get("outcomeTimestamp")),
    )


def _uuid(given: Any) -> str:
    return given.lower() if isinstance(given, str) and _UUID.fullmatch(given) else ""


def _reason(override: Any) -> tuple[str, str] | None:
    """Return the reason that was chosen. The Sandbox leaves its system out; Epic may send its own in an extension."""
    if not isinstance(override, Mapping):
        return None
    reason = override.get("reason")
    if not isinstance(reason, Mapping) or not isinstance(reason.get("code"), str):
        return OTHER_REASON if override.get("reason") or override.get("extension") else None
    known = _OFFERED.get(reason["code"])
    return known if known and reason.get("system") in (None, "", known[0]) else OTHER_REASON


def _comment(override: Any) -> str:
    comment = override.get("userComment") if isinstance(override, Mapping) else None
    # PostgreSQL keeps no NUL.
    return comment[:LONGEST_COMMENT].replace("\0", "") if isinstance(comment, str) else ""


def _time(given: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(given)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
