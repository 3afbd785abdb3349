"""The replay on this machine: look whose lines matter, gather these in partitions, decide partition by partition.

Worker processes are forked from one that has read the rules, and each result is a file in the folder of work, so that
nothing but a number travels between processes.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cds_service.replay.export import GROWTH_OF_GZIP, Piece, kind_of, patient_of
from cds_service.replay.patient import Site, replay_patient
from cds_service.replay.scan import Marks, Seen, gather, mark
from cds_service.replay.work import (
    Work,
    read_lines,
    read_partition,
    read_slots,
    write_lines,
    write_partitions,
    write_slots,
)

PARTITION_BYTES = 8 * 1024 * 1024
MOST_PARTITIONS = 16_384
YOUNG_OBJECTS = 20_000
"""How many objects are made between two looks for garbage; a record is thousands that all go together."""

Progress = Callable[[str, int, int], None]
"""Is told the step, how much of it was just done, and how much there is in all."""


@dataclass(frozen=True)
class Job:
    """One replay: the export and its pieces, the folder of work, the number of partitions, and how to decide."""

    export: Path
    pieces: list[Piece]
    work: Work
    partitions: int
    site: Site

    def partition_of(self, patient_id: str) -> int:
        """Return the partition of a patient. Those of smaller hashes come first, so that all rows come sorted."""
        return int.from_bytes(self.site.pseudonym(patient_id)[:4], "big") * self.partitions >> 32


def partitions_for(pieces: Iterable[Piece]) -> int:
    """Return how many partitions keep each small even when every line has to be decided."""
    size = sum(piece.size * (GROWTH_OF_GZIP if piece.is_gzip else 1) for piece in pieces)
    return min(max(1, size // PARTITION_BYTES), MOST_PARTITIONS)


def run(job: Job, processes: int, progress: Progress) -> Iterator[dict[str, Any]]:
    """Yield everything that the replay gives: counts, bad lines, and the rows sorted by patient and event.

    Raises:
        OSError: a file cannot be read, or the disk is full. What is done is kept.
        BrokenProcessPool: a worker was ended from outside.
    """
    workers = Workers(processes, progress)
    of_pieces = {piece.number: piece.size for piece in job.pieces}
    workers.do(Step("looking", job, _mark, of_pieces, job.work.marks))
    workers.do(Step("gathering", job, _gather, of_pieces, job.work.lines, all_marks(job)))
    workers.do(Step("deciding", job, _decide, dict.fromkeys(range(job.partitions), 1), job.work.rows))
    for look in ("mark", "gather"):
        for number in of_pieces:
            yield from read_lines(job.work.seen(look, number))
    for partition in range(job.partitions):
        yield from read_lines(job.work.rows(partition))


def all_marks(job: Job) -> Marks:
    """Return the marks of all pieces together."""
    marks = Marks()
    for piece in job.pieces:
        marks.add(read_slots(job.work.marks(piece.number)))
    return marks


@dataclass(frozen=True)
class Step:
    """One step: its tasks by number, with the size of each, and the file that says that a task is done."""

    name: str
    job: Job
    task: Callable[[Step, int], None]
    sizes: Mapping[int, int]
    result: Callable[[int], Path]
    marks: Marks = field(default_factory=lambda: Marks(bytearray()))


# One task


def _mark(step: Step, number: int) -> None:
    job, seen = step.job, Seen()
    slots = mark(job.export, job.pieces[number], job.site.relevance, seen)
    write_lines(job.work.seen("mark", number), seen.as_json())
    write_slots(job.work.marks(number), slots)


def _gather(step: Step, number: int) -> None:
    job, seen = step.job, Seen()
    found = gather(job.export, job.pieces[number], step.marks, seen)
    placed = ((job.partition_of(patient_id), line) for patient_id, line in found)
    with_seen = _then(placed, lambda: write_lines(job.work.seen("gather", number), seen.as_json()))
    write_partitions(job.work.lines(number), job.partitions, with_seen)


def _then(values: Iterator[tuple[int, bytes]], at_the_end: Callable[[], None]) -> Iterator[tuple[int, bytes]]:
    yield from values
    at_the_end()


def _decide(step: Step, partition: int) -> None:
    job = step.job
    by_patient: dict[str, list[bytes]] = {}
    lines = [job.work.lines(piece.number) for piece in job.pieces]
    for line in read_partition(lines, job.partitions, partition):
        by_patient.setdefault(patient_of(line, kind_of(line)), []).append(line)
    tally: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    for patient_id in sorted(by_patient, key=job.site.pseudonym):
        found = replay_patient(patient_id, by_patient.pop(patient_id), job.site)
        tally.update(found.tally)
        rows += ({"row": row.as_json()} for row in found.rows)
    write_lines(job.work.rows(partition), [{"tally": dict(sorted(tally.items()))}, *rows])


# Many tasks

_forked_step: list[Step] = []
"""The step that forked workers do: put here before they are forked."""


class Workers:
    """Does the tasks of a step that are not done yet, in this process or in several."""

    def __init__(self, processes: int, progress: Progress) -> None:
        self.processes = processes
        self.progress = progress

    def do(self, step: Step) -> None:
        """Do each task whose result is not there."""
        todo = [number for number in step.sizes if not step.result(number).exists()]
        total = sum(step.sizes.values())
        self.progress(step.name, total - sum(step.sizes[number] for number in todo), total)
        for number in self._done(step, todo):
            self.progress(step.name, step.sizes[number], total)

    def _done(self, step: Step, todo: list[int]) -> Iterator[int]:
        """Do the tasks; yield the number of each as it is done."""
        # What has been loaded stays: it need not be looked through again, and forked workers share it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
        if self.processes == 1 or len(todo) < 2:
            for number in todo:
                step.task(step, number)
                yield number
            return
        _forked_step[:] = [step]
        left = iter(todo)
        with ProcessPoolExecutor(
            self.processes, mp_context=get_context("fork"), initializer=_end_with, initargs=(os.getpid(),)
        ) as pool:
            try:
                running: dict[Future[None], int] = {}
                while True:
                    for number in islice(left, 2 * self.processes - len(running)):
                        running[pool.submit(_forked, number)] = number
                    if not running:
                        return
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        number = running.pop(future)
                        future.result()
                        yield number
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _forked(number: int) -> None:
    step = _forked_step[0]
    step.task(step, number)


def _end_with(parent: int) -> None:
    """End this worker soon after the process that started it has ended, however that was."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
