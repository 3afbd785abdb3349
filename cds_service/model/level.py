"""How likely a cause is, and how soon someone must act: two ordered scales."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """How far the record supports a cause. "Raised" means POSSIBLE or LIKELY."""

    NOT_ASSESSABLE = 0
    UNLIKELY = 1
    POSSIBLE = 2
    LIKELY = 3

    @property
    def is_raised(self) -> bool:
        """Whether the cause is held possible or likely."""
        return self >= Level.POSSIBLE


class Tier(IntEnum):
    """Urgency of a case or of one cause (decision table 2.1)."""

    ROUTINE = 0
    SOON = 1
    URGENT = 2
    EMERGENT = 3
