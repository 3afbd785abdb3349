"""Two looks at each piece of an export: whose lines may lead to a card (``mark``), then all their lines (``gather``).

Nearly no line matters. So where all lines of a chunk are of one type, as in every export that keeps to the
specification, those that provably cannot matter are left out together; the others are looked at one by one, as all
lines of any other chunk are.

What the first look finds is one bit for each patient, in a field of fixed size, so that memory does not grow with the
export. Two patients may share a bit; then one is decided for nothing, and nothing else changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from cds_service.replay.export import (
    READ,
    BadLine,
    Chunk,
    NotAResource,
    Piece,
    chunks,
    is_plain,
    kind_of,
    parsed,
    patient_of,
    plain_patients,
)
from cds_service.replay.relevance import JUDGED, Relevance

SLOTS = 2**26
"""Bits of the field: 8 MiB. With a million marked patients, one of seventy others is decided for nothing."""


def slot_of(patient_id: str) -> int:
    """Return the place of a patient in the field of bits."""
    return _slot(_written(patient_id))


def _written(patient_id: str) -> bytes:
    return patient_id.encode("utf-8", "surrogatepass")


def _slot(written: bytes) -> int:
    return crc32(written) % SLOTS


class Marks:
    """A field of bits: whose lines may lead to a card."""

    def __init__(self, bits: bytearray | None = None) -> None:
        self.bits = bytearray(SLOTS // 8) if bits is None else bits

    def add(self, slots: Iterable[int]) -> None:
        """Set the bits of these places."""
        for slot in slots:
            self.bits[slot >> 3] |= 1 << (slot & 7)

    def has(self, patient_id: str) -> bool:
        """Whether a patient may have an evaluation."""
        return bool(self._set_of([_written(patient_id)]))

    def _set_of(self, ids: Iterable[bytes]) -> list[bytes]:
        """Return those of the ids whose bit is set."""
        bits = self.bits
        return [one for one in ids if bits[(slot := _slot(one)) >> 3] >> (slot & 7) & 1]

    def suspects(self, chunk: Chunk) -> list[tuple[int, str]]:
        """Return the numbers of those lines of a chunk of one kind that may be about a marked patient.

        Each comes with the patient's id, or with none where that has to be looked for.
        """
        ids = plain_patients(chunk)
        named = set(ids)
        found = {one: one.decode("utf-8", "replace") for one in self._set_of(named)}
        if b"" in named or not is_plain(b"".join(named)):
            found |= {one: "" for one in named if not is_plain(one)}
        return [(number, found[one]) for number, one in enumerate(ids) if one in found] if found else []


@dataclass
class Seen:
    """What a look at a piece finds beside its lines."""

    tally: Counter[str] = field(default_factory=Counter)
    bad: list[BadLine] = field(default_factory=list)

    def as_json(self) -> list[dict[str, Any]]:
        """Return it as lines of the folder of work."""
        return [{"tally": dict(sorted(self.tally.items()))}, *({"bad": one.as_json()} for one in self.bad)]


def mark(folder: Path, piece: Piece, relevance: Relevance, seen: Seen) -> set[int]:
    """Return the places of all patients in a piece whose lines may lead to a card; counts its lines by type."""
    slots: set[int] = set()
    kinds: Counter[bytes] = Counter()
    for chunk in chunks(folder, piece):
        numbers = relevance.suspects(chunk) if chunk.kind else range(len(chunk.lines))
        kinds[chunk.kind] += len(chunk.lines) - len(numbers)
        for number in numbers:
            line = chunk.lines[number]
            try:
                kind = chunk.kind or kind_of(line)
                kinds[kind] += 1
                if kind in READ and relevance.marks(kind, line):
                    slots.add(slot_of(patient_of(line, kind)))
            except NotAResource as error:
                seen.bad.append(BadLine(piece.file, chunk.place(number), str(error), line))
        if chunk.damage:
            seen.tally[f"damaged|{piece.file}: {chunk.damage}"] += 1
    kinds.pop(b"", None)
    seen.tally.update({f"lines|{kind.decode()}": count for kind, count in kinds.items()})
    return slots


def gather(folder: Path, piece: Piece, marks: Marks, seen: Seen) -> Iterator[tuple[str, bytes]]:
    """Yield every line of a marked patient that is read, with the patient's id."""
    nobody: Counter[bytes] = Counter()
    for chunk in chunks(folder, piece):
        if chunk.kind and chunk.kind not in READ:
            continue
        suspects = marks.suspects(chunk) if chunk.kind else ((number, "") for number in range(len(chunk.lines)))
        for number, named in suspects:
            line, kind = chunk.lines[number], b""
            try:
                kind = chunk.kind or kind_of(line)
                if kind not in READ:
                    continue
                patient_id = named or patient_of(line, kind)
                if not patient_id:
                    nobody[kind] += 1
                elif named or marks.has(patient_id):
                    parsed(line)
                    yield patient_id, line if line.endswith(b"\n") else line + b"\n"
            except NotAResource as error:
                # Of a type that ``mark`` judges, or of no type, it has been counted.
                if kind and kind not in JUDGED:
                    seen.bad.append(BadLine(piece.file, chunk.place(number), str(error), line))
    seen.tally.update({f"of no patient|{kind.decode()}": count for kind, count in nobody.items()})
