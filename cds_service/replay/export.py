"""A FHIR Bulk Data export in a folder: its files cut into pieces of work, their lines, and what a line is about.

One resource a line (NDJSON), plain or gzip. Nothing here parses more of a line than it must: the type and the patient
are read from its bytes where their form leaves no doubt, else from the parsed resource.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import DEFAULT_BUFFER_SIZE, BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any

import orjson

from cds_service.errors import ConfigurationError
from cds_service.fhir.access import Json, reference_key, text
from cds_service.fhir.source import READ_TYPES, SUBJECT_FIELDS

ENDINGS = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
PIECE_BYTES = 32 * 1024 * 1024
"""Of a plain file; one of gzip can only be read from its beginning."""
CHUNK_BYTES = 64 * 1024
"""About so much is looked at together; it stays in the cache of a processor."""
LONGEST_LINE = 32 * 1024 * 1024
"""Bytes. A longer line is bad: no resource of a record is that long, attachments included."""
GROWTH_OF_GZIP = 12
"""How much larger than its file the content of gzip is taken to be, for planning only."""


@dataclass(frozen=True)
class Piece:
    """A part of a file: the lines that begin at ``start`` or later, and before ``end`` (bytes; of gzip, the whole)."""

    number: int
    file: str
    start: int
    end: int

    @property
    def is_gzip(self) -> bool:
        """Whether the file is compressed."""
        return self.file.endswith(".gz")

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.end - self.start


@dataclass(frozen=True)
class Chunk:
    """Some lines that follow each other, the place of the first (bytes from the beginning of the content), and
    ``damage``: why nothing more of this piece can be read; empty when nothing is wrong.
    """

    at: int
    content: bytes
    damage: str = ""

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines, each with its end."""
        return BytesIO(self.content).readlines()

    def place(self, number: int) -> int:
        """Return where a line begins."""
        return self.at + sum(map(len, self.lines[:number]))

    @cached_property
    def kind(self) -> bytes:
        """The type that ``kind_of`` gives for each line, if all begin alike and end whole; else empty."""
        found = _TYPE.match(self.lines[0]) if self.lines else None
        # Between two lines stands the end of one and the beginning of the next, and nothing else holds an end of line.
        alike = found and self.content.count(b"}\n" + found[0]) == len(self.lines) - 1
        return found[1] if found and alike and self.content.endswith(b"}\n") else b""


@dataclass(frozen=True)
class BadLine:
    """A line that is no resource: where it is, why, and itself. It is a patient's data."""

    file: str
    at: int
    why: str
    line: bytes

    def as_json(self) -> dict[str, Any]:
        """Return it for the file in which such lines are kept."""
        return {"file": self.file, "at": self.at, "why": self.why, "line": self.line.decode("utf-8", "replace")}


def pieces(folder: Path, piece_bytes: int = PIECE_BYTES) -> list[Piece]:
    """Return the pieces of all files of an export, in the order of their names.

    Raises:
        ConfigurationError: there is no such file.
    """
    names = sorted(path for path in folder.rglob("*") if path.is_file() and path.name.endswith(ENDINGS))
    found: list[Piece] = []
    for path in names:
        size, name = path.stat().st_size, path.relative_to(folder).as_posix()
        step = max(size, 1) if name.endswith(".gz") else piece_bytes
        for start in range(0, size, step):
            found.append(Piece(len(found), name, start, min(start + step, size)))
    if not found:
        raise ConfigurationError(f"the export holds no file that ends in {', '.join(ENDINGS)}")
    return found


def chunks(folder: Path, piece: Piece) -> Iterator[Chunk]:
    """Yield the lines of a piece. What was read before damage (a gzip file that breaks off) is yielded with it.

    Raises:
        OSError: the file cannot be opened, or the disk not be read.
    """
    with (folder / piece.file).open("rb") as raw:
        if piece.is_gzip:
            with gzip.GzipFile(fileobj=raw) as file:
                # In steps, so that damage takes no more than what would have come with the same one.
                yield from _chunks(file, 0, None, DEFAULT_BUFFER_SIZE)
            return
        if piece.start:
            # The line in which the piece begins belongs to the piece before.
            raw.seek(piece.start - 1)
            raw.readline()
        yield from _chunks(raw, raw.tell(), piece.end, CHUNK_BYTES)


def _chunks(file: BufferedIOBase, at: int, end: int | None, step: int) -> Iterator[Chunk]:
    damage = ""
    while not damage and (end is None or at < end):
        content, damage = _read(file, CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - at), step)
        if content or damage:
            yield Chunk(at, content, damage)
        if not content:
            return
        at += len(content)


def _read(file: BufferedIOBase, size: int, step: int) -> tuple[bytes, str]:
    """Return about so many bytes, to the end of a line; of a file that is damaged there, what comes before, and why."""
    parts: list[bytes] = []
    left, begun = size, 0
    try:
        while left > 0 and (part := file.read1(min(left, step))):
            parts.append(part)
            left -= len(part)
            end = part.rfind(b"\n")
            begun = begun + len(part) if end < 0 else len(part) - end - 1
        if begun:
            parts.append(file.readline(LONGEST_LINE - begun))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        whole = b"".join(parts)
        damage = "the file breaks off" if isinstance(error, EOFError) else "the file is no valid gzip from here on"
        return whole[: whole.rfind(b"\n") + 1], damage
    return b"".join(parts), ""


# What a line is about

_TYPE = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')
_SUBJECT = re.compile(rb'"(?:subject|patient)"\s*:\s*\{[^{}]*?"reference"\s*:\s*"([^"\\]*)"')
_PATIENT_ID = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"Patient"\s*,\s*"id"\s*:\s*"([^"\\]*)"')
_PLAIN = b'"subject":{"reference":"Patient/'
is_plain = re.compile(rb"[^/\\\x80-\xff]+").fullmatch
"""Whether ids, as they stand in lines, are ids and need no decoding."""
_OTHERWISE = b"/"
"""Stands for the id of a patient who is named in another form; no plain id holds it."""
_BOM = b"\xef\xbb\xbf"

READ = frozenset(kind.encode() for kind in READ_TYPES)
"""The types that are read, as bytes."""


class NotAResource(ValueError):
    """A line that cannot be used; the message says why, in fixed words."""


def kind_of(line: bytes) -> bytes:
    """Return the type of the resource on a line; empty for a blank line.

    Raises:
        NotAResource: it is no JSON object with a type.
    """
    found = _TYPE.match(line)
    if found is None:
        bare = line.strip().removeprefix(_BOM)
        return text(parsed(bare).get("resourceType")).encode() if bare else b""
    # Cheap, and finds what was cut off; what else is wrong with a line shows when it is parsed.
    if not line.endswith((b"}\n", b"}")) and not line.rstrip().endswith(b"}"):
        raise NotAResource("the line is cut off")
    return found[1]


def parsed(line: bytes) -> Json:
    """Return the resource on a line.

    Raises:
        NotAResource: it is no JSON object with a type.
    """
    try:
        value = orjson.loads(line.strip().removeprefix(_BOM))
    except orjson.JSONDecodeError:
        raise NotAResource("the line is no JSON") from None
    if not isinstance(value, dict) or not text(value.get("resourceType")):
        raise NotAResource("the line is no FHIR resource")
    return value


def patient_of(line: bytes, kind: bytes) -> str:
    """Return the id of the patient whom a line is about; empty when it names none.

    Raises:
        NotAResource: the line had to be parsed for it, and cannot be.
    """
    if kind == b"Patient":
        found = _PATIENT_ID.match(line)
        return found[1].decode("utf-8", "replace") if found else patient_of_resource(parsed(line))
    (ident,) = _plain_subjects((line,))
    if b"/" not in ident and b"\\" not in ident:
        return ident.decode("utf-8", "replace")
    # An inner resource may name somebody, too; with none inside, only the resource itself has a subject.
    found = None if b'"contained"' in line else _SUBJECT.search(line)
    return named_patient(found[1]) if found else patient_of_resource(parsed(line))


def plain_patients(chunk: Chunk) -> list[bytes]:
    """Return the id of whom each line of a chunk of one kind is about; where it ``is_plain``, ``patient_of`` agrees."""
    return list(map(_plain_id, chunk.lines)) if chunk.kind == b"Patient" else _plain_subjects(chunk.lines)


def _plain_id(line: bytes) -> bytes:
    found = _PATIENT_ID.match(line)
    return found[1] if found else _OTHERWISE


def _plain_subjects(lines: Iterable[bytes]) -> list[bytes]:
    # As nearly everybody writes it. Looked for in one go: most of a replay's lines are looked at here and nowhere else.
    size = len(_PLAIN)
    return [
        line[begin : line.find(b'"', begin)]
        if (begin := line.find(_PLAIN) + size) >= size
        and line.find(b'"contained"', 0, begin) < 0
        and line.find(b'"patient"', 0, begin) < 0
        else _OTHERWISE
        for line in lines
    ]


def patient_of_resource(resource: Json) -> str:
    """Return the id of the patient whom a resource is about; empty when it names none."""
    if resource.get("resourceType") == "Patient":
        return text(resource.get("id"))
    for name in SUBJECT_FIELDS:
        subject = resource.get(name)
        if isinstance(subject, dict) and (found := text(subject.get("reference"))):
            return named_patient(found.encode())
    return ""


def named_patient(reference: bytes) -> str:
    """Return the id in a reference to a patient: relative, absolute or ``urn:uuid:``; empty for any other."""
    if reference.startswith(b"Patient/") and reference.count(b"/") == 1:
        return reference[8:].decode("utf-8", "replace")
    words = reference.decode("utf-8", "replace").strip()
    if words.startswith("urn:uuid:"):
        return words.removeprefix("urn:uuid:")
    key = reference_key(words)
    return key.removeprefix("Patient/") if key.startswith("Patient/") else ""
