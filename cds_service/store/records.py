"""What is remembered, as values. None can hold a name, a patient's id or a text of the record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class KeptBack(StrEnum):
    """Why what rules speak for became no card."""

    SILENT = "silent"
    """It was answered before and would say the same."""
    HELD = "held"
    """It does not concern what is being done, somebody has acted on it, or more urgent cards fill the place."""


@dataclass(frozen=True)
class IssuedCard:
    """One card that was sent, or kept back: its id, where it was shown, and what it rests on.

    ``rule_set`` is the fingerprint of the rules and the site's judgement; ``tier`` and ``indicator`` are as in CDS
    Hooks and ``model.level.Tier``, in small letters; ``profile`` is the kind of client. ``subject`` (the patient and
    what the card is about) and ``basis`` (what it rests on) are keyed hashes. What was kept back has neither, nor an
    indicator, and its id is no UUID: nothing can be answered to it.
    """

    card: str
    service: str
    hook: str
    rules: tuple[str, ...]
    rule_set: str
    tier: str
    indicator: str
    subject: str | None
    basis: str | None
    profile: str
    kept_back: KeptBack | None = None


@dataclass(frozen=True)
class Feedback:
    """What one client says became of one card.

    ``card`` and ``suggestions`` are UUIDs; the reason is one that our cards offer, or empty; ``comment`` is free text
    and stays empty unless the site keeps comments. ``outcome_at`` is None when the client gave no time.
    """

    client: str
    card: str
    outcome: str
    suggestions: tuple[str, ...]
    reason_system: str
    reason_code: str
    comment: str
    outcome_at: datetime | None

    @property
    def digest(self) -> str:
        """The same for the same feedback, however often it is sent; 64 hex digits. The comment does not count."""
        reason = (self.reason_system, self.reason_code)
        at = self.outcome_at.isoformat() if self.outcome_at else ""
        said = (self.client, self.card, self.outcome, sorted(self.suggestions), reason, at)
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@dataclass(frozen=True)
class Response:
    """What somebody answered to a card that was issued: which card, and how. ``at`` is when we were told, in UTC."""

    subject: str
    basis: str
    tier: str
    outcome: str
    reason_code: str
    at: datetime


@dataclass(frozen=True)
class Outcome:
    """What became of one card, or of several that are alike; no trace of whom they were about.

    Attributes:
        profile: empty for cards from before it was recorded.
        week: its begin.
        outcome: of the last feedback, empty without any.
        reason_code: why it was not followed, empty if no reason was given.
        took_s: seconds until somebody acted, None without feedback.
    """

    rules: tuple[str, ...]
    hook: str
    profile: str
    week: datetime
    cards: int = 1
    kept_back: KeptBack | None = None
    outcome: str = ""
    reason_code: str = ""
    took_s: float | None = None
