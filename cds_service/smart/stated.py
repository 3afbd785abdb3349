"""What the record states, as the page shows it: each value with where and how it was read.

Every word of the record goes through ``said``; the template escapes it once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from cds_service.cards import wording
from cds_service.cards.text import plain
from cds_service.fhir.narrative import LONGEST_QUOTE
from cds_service.model.condition import Fact
from cds_service.model.finding import Finding, Provenance, State, Trust, Value

IN_TEXT = (Trust.NOTE, Trust.FINDINGS_TEXT, Trust.IMPRESSION_TEXT)


def said(words: str, limit: int = 80) -> str:
    """Return words of the record on one line, without invisible or bidirectional marks."""
    return plain(words, limit)


class Look(StrEnum):
    """How a finding is marked, beside its words; also the class of its element."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    CONFLICT = "conflict"
    STATED = "stated"


@dataclass(frozen=True)
class Reading:
    """One statement: the value read, where, when (and whether that is old), how, and the words it was read from."""

    value: str
    reference: str
    day: str
    old: bool
    how: str
    quote: str


@dataclass(frozen=True)
class Stated:
    """Everything the record says of one fact. ``supposed``: nothing does, it was filled in to ask what if."""

    fact: str
    label: str
    value: str
    look: Look
    readings: tuple[Reading, ...]
    supposed: bool


def stated(fact: Fact, finding: Finding, old_before: str = "") -> Stated:
    """Return one finding for the page; statements from before the day ``old_before`` (ISO 8601) are called old."""
    value = " / ".join(dict.fromkeys(wording.value_of(fact, value) for value in finding.values))
    return Stated(
        fact=fact.name,
        label=fact.label,
        value=f"{value} ({wording.DISAGREES})" if finding.is_conflict else value,
        look=_look(finding),
        readings=tuple(_readings(fact, finding, old_before)),
        supposed=not finding.sources,
    )


def _look(finding: Finding) -> Look:
    if finding.is_conflict:
        return Look.CONFLICT
    looks: dict[Value, Look] = {
        State.PRESENT: Look.PRESENT,
        State.ABSENT: Look.ABSENT,
        State.INDETERMINATE: Look.UNCERTAIN,
    }
    return looks.get(finding.values[0], Look.STATED)


def _readings(fact: Fact, finding: Finding, old_before: str) -> Iterator[Reading]:
    for value, source in zip(finding.values, finding.sources, strict=False):
        yield Reading(
            value=wording.value_of(fact, value),
            reference=said(source.reference),
            day=source.date,
            old=bool(source.date) and source.date < old_before,
            how=_how(value, source),
            quote=said(source.quote, LONGEST_QUOTE),
        )


def _how(value: Value, source: Provenance) -> str:
    meant = wording.READ_STATE.get(value) if isinstance(value, State) and source.trust in IN_TEXT else None
    return f"{wording.READ_AS[source.trust]}{f', {meant}' if meant else ''}"
