"""The folder of work of a replay: what is done stays done, so that a replay that was stopped goes on where it was.

Every result is written under another name and then renamed, so a file that is there is complete. The folder holds
patients' data as they were exported, is open to its owner only, and goes when the replay is done.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from cds_service.errors import ConfigurationError

FLUSH_BYTES = 8 * 1024 * 1024
"""So much is held in memory before it is written to the partitions."""


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for its owner only; under its own name once everything is in it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Write values as JSON, one a line."""
    with written(path) as file:
        for value in values:
            file.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


def read_lines(path: Path) -> Iterator[Any]:
    """Yield the values of a file of JSON lines."""
    with path.open("rb") as file:
        yield from map(orjson.loads, file)


class Work:
    """The folder of work, and what of it is there already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Return the plan to follow: this one, or the one of a replay that was stopped, with its key.

        Raises:
            ConfigurationError: the folder holds another replay's work.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / "plan.json"
        if path.exists():
            begun: dict[str, Any] = orjson.loads(path.read_bytes())
            if {**begun, "key": ""} != {**plan, "key": ""}:
                raise ConfigurationError(
                    "--out holds the work of a replay that was stopped, of another export or with other rules or"
                    " settings; give another --out, or remove its folder 'work'"
                )
            return begun
        write_lines(path, [plan])
        return plan

    def marks(self, piece: int) -> Path:
        """Return where the marks of a piece are kept."""
        return self.folder / f"marks-{piece:06}"

    def seen(self, look: str, piece: int) -> Path:
        """Return where it is kept what a look at a piece counted."""
        return self.folder / f"{look}-{piece:06}.seen"

    def lines(self, piece: int) -> Path:
        """Return where the lines of a piece are kept, partition by partition."""
        return self.folder / f"lines-{piece:06}"

    def rows(self, partition: int) -> Path:
        """Return where the rows of a partition are kept."""
        return self.folder / f"rows-{partition:06}"


def write_slots(path: Path, slots: Iterable[int]) -> None:
    """Write the places that a piece marks."""
    with written(path) as file:
        array("L", sorted(slots)).tofile(file)


def read_slots(path: Path) -> array[int]:
    """Return the places that a piece marks."""
    slots = array("L")
    slots.frombytes(path.read_bytes())
    return slots


# Lines of one piece, sorted into partitions: a file of lines, run by run, and a file that says where each begins.


def index_of(lines: Path) -> Path:
    """Return the file that says where each partition begins in each run."""
    return lines.with_name(f"{lines.name}.index")


def write_partitions(lines: Path, count: int, sorted_in: Iterable[tuple[int, bytes]]) -> None:
    """Write lines by partition. The index comes first and the lines last: these say that both are complete."""
    index = array("Q")
    with written(lines) as file:
        held: list[list[bytes]] = [[] for _ in range(count)]
        size = at = 0

        def flush() -> None:
            nonlocal at
            for part in held:
                index.append(at)
                at += sum(map(len, part))
                file.writelines(part)
                part.clear()
            index.append(at)

        for partition, line in sorted_in:
            held[partition].append(line)
            size += len(line)
            if size >= FLUSH_BYTES:
                flush()
                size = 0
        if size:
            flush()
        with written(index_of(lines)) as beside:
            index.tofile(beside)


def read_partition(pieces: Sequence[Path], count: int, partition: int) -> Iterator[bytes]:
    """Yield the lines of one partition, from the files of all pieces."""
    width = (count + 1) * 8
    for lines in pieces:
        with index_of(lines).open("rb") as index, lines.open("rb") as file:
            for run in range(os.fstat(index.fileno()).st_size // width):
                edges = array("Q")
                edges.frombytes(os.pread(index.fileno(), 16, run * width + partition * 8))
                if edges[1] > edges[0]:
                    yield from os.pread(file.fileno(), edges[1] - edges[0], edges[0]).split(b"\n")[:-1]
