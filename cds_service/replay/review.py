"""A random sample of what fired, to be judged by a person, and what the judgements say of each rule.

The sample is taken rule by rule, because most rules are rare: of each, the firings whose hash is smallest. The hash is
over the keyed hash of the patient, so the choice is random and yet the same whenever the replay is made with one key.
"""

from __future__ import annotations

import csv
import heapq
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cds_service.model.share import Share

COLUMNS = ("patient", "event", "date", "hook", "rule", "tier", "levels", "correct", "comment")
KEY_COLUMNS = ("patient", "event", "patient_id", "reference")
CORRECT = {"yes": True, "y": True, "1": True, "true": True, "no": False, "n": False, "0": False, "false": False}
UNSURE = ("unsure", "?")


class UnreadableWorksheet(ValueError):
    """A file that is no worksheet; the message says what is wrong."""


@dataclass
class Sample:
    """The firings chosen for review, at most ``size`` of each rule."""

    size: int
    _chosen: dict[str, list[tuple[int, str, int, dict[str, Any]]]] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take the next row in."""
        for rule in row["rules"]:
            name = f"{row['patient']}/{row['event']}/{rule}".encode()
            order = int.from_bytes(blake2b(name, digest_size=8).digest(), "big")
            chosen = self._chosen.setdefault(rule, [])
            # A heap gives up its smallest first, so the largest hash stands as the smallest number.
            entry = (-order, row["patient"], row["event"], {**row, "rule": rule})
            if len(chosen) < self.size:
                heapq.heappush(chosen, entry)
            elif self.size:
                heapq.heappushpop(chosen, entry)

    def rows(self) -> list[dict[str, Any]]:
        """Return the chosen rows with the rule each is to be judged for, rule by rule."""
        return [
            row
            for rule in sorted(self._chosen)
            for _, _, _, row in sorted(self._chosen[rule], key=lambda one: (one[1], one[2]))
        ]

    def worksheet(self) -> str:
        """Return the sample as CSV with a column to fill in: ``yes``, ``no`` or ``unsure``."""
        rows = [{**row, "levels": "; ".join(row["levels"]), "correct": "", "comment": ""} for row in self.rows()]
        return _csv(COLUMNS, rows)

    def key(self) -> str:
        """Return who and what the sample is about, as CSV. It identifies patients."""
        unique = {(row["patient"], row["event"]): row for row in self.rows()}
        return _csv(KEY_COLUMNS, [row for _, row in sorted(unique.items(), key=lambda pair: pair[0])])


def _csv(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@dataclass(frozen=True)
class Judged:
    """What the judgements say of one rule: its positive predictive value, and what was left open."""

    rule: str
    value: Share
    unsure: int
    left_open: int


def judged(worksheet: Path) -> list[Judged]:
    """Return the positive predictive value of each rule of a filled-in worksheet.

    Raises:
        UnreadableWorksheet: it is no worksheet, or a judgement is none that is known; names the line.
    """
    counts: dict[str, Counter[str]] = {}
    try:
        with worksheet.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"rule", "correct"} <= set(rows.fieldnames or ()):
                raise UnreadableWorksheet("it has no columns 'rule' and 'correct'; fill in the worksheet of a replay")
            for row in rows:
                counts.setdefault(row["rule"] or "", Counter())[_judgement(row["correct"] or "", rows.line_num)] += 1
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableWorksheet("it cannot be read as CSV in UTF-8") from error
    return [
        Judged(rule, Share(count["yes"], count["yes"] + count["no"]), count["unsure"], count[""])
        for rule, count in sorted(counts.items())
    ]


def _judgement(written: str, line: int) -> str:
    word = written.strip().lower()
    if not word:
        return ""
    if word in UNSURE:
        return "unsure"
    if word not in CORRECT:
        raise UnreadableWorksheet(f"line {line}: 'correct' is neither yes, no nor unsure; leave it empty if undecided")
    return "yes" if CORRECT[word] else "no"
