"""What a replay comes to: counts, rates and repeats, gathered row by row; no patient in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.model.share import Share
from cds_service.replay.patient import REVIEW, SIGN
from cds_service.replay.relevance import ORDER_TYPES

HOOKS = (REVIEW, SIGN)


@dataclass
class Repeats:
    """How often the same was shown to one patient again; rows come sorted by patient and event.

    ``repeated`` alerts hold nothing that was not shown for the patient before; ``silenced`` are those that silencing
    would have kept back, None while that is not worked out.
    """

    alerts: int = 0
    repeated: int = 0
    silenced: int = 0
    by_patient: Counter[int] = field(default_factory=Counter)
    _patient: str = ""
    _shown: set[str] = field(default_factory=set)
    _count: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Take the next row in."""
        if row["patient"] != self._patient:
            self.end()
            self._patient, self._shown, self._count = row["patient"], set(), 0
        self.silenced += row["silenced"]
        if not row["cards"]:
            return
        says = {*row["topics"], *row["rules"]}
        self.alerts += 1
        self.repeated += says <= self._shown
        self._shown |= says
        self._count += 1

    def end(self) -> None:
        """Count the last patient."""
        if self._count:
            self.by_patient[self._count] += 1
        self._count = 0


@dataclass
class Figures:
    """All counts of a replay. Keys of the counters by hook begin with the hook."""

    tally: Counter[str] = field(default_factory=Counter)
    bad_lines: Counter[str] = field(default_factory=Counter)
    evaluations: Counter[str] = field(default_factory=Counter)
    with_cards: Counter[str] = field(default_factory=Counter)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    levels: Counter[tuple[str, str]] = field(default_factory=Counter)
    tiers: Counter[tuple[str, str]] = field(default_factory=Counter)
    topics: Counter[tuple[str, str]] = field(default_factory=Counter)
    months: Counter[tuple[str, str]] = field(default_factory=Counter)
    months_with_cards: Counter[tuple[str, str]] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    repeats: Repeats = field(default_factory=Repeats)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take the next row in; rows come sorted by patient and event."""
        hook, month = row["hook"], row["date"][:7]
        self.evaluations[hook] += 1
        self.months[hook, month] += 1
        if row["failed"]:
            self.failed[row["failed"]] += 1
            return
        if row["cards"]:
            self.with_cards[hook] += 1
            self.months_with_cards[hook, month] += 1
            self.tiers[hook, row["tier"]] += 1
        self.rules.update((hook, rule) for rule in row["rules"])
        self.levels.update((hook, level) for level in row["levels"])
        self.topics.update((hook, topic) for topic in row["topics"])
        if hook == REVIEW:
            self.undecided.update(row["undecided"])
            self.missing.update(row["missing"])
        self.repeats.add(row)

    def told(self, kind: str) -> dict[str, int]:
        """Return the counts of the tally of one kind, by what they are of."""
        return {
            name.partition("|")[2]: count for name, count in sorted(self.tally.items()) if name.startswith(f"{kind}|")
        }

    @property
    def orders(self) -> int:
        """Orders in the export."""
        return sum(self.told("lines").get(kind, 0) for kind in ORDER_TYPES)

    def of_evaluations(self, hook: str, count: int) -> Share:
        """Return a count as a share of a hook's evaluations."""
        return Share(count, self.evaluations[hook])

    @property
    def is_whole(self) -> bool:
        """Whether every file was read to its end and every evaluation made."""
        return not self.told("damaged") and not self.failed
