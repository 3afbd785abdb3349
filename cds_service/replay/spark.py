"""The same replay on Spark, in this process or on a cluster: the same looks, the same decision, the same rows.

Spark reads no file itself: it hands out the pieces of the export, and its workers read them as the local engine does.
On a cluster the export must lie under the same path on every machine.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from cds_service.replay.export import Piece
from cds_service.replay.local import Job, Progress, all_marks
from cds_service.replay.patient import replay_patient, site_of
from cds_service.replay.results import needs
from cds_service.replay.scan import Marks, Seen, gather, mark
from cds_service.replay.work import read_lines, write_lines, write_slots
from cds_service.settings import Settings

Batches = Iterator[Any]
MARKED = "piece int, slots binary, seen binary"
LINES = "patient string, piece int, line binary"
ROWS = "patient string, event int, row string"
LINES_A_BATCH = 1_000
SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(LINES_A_BATCH),
    "spark.sql.session.timeZone": "UTC",
    "spark.log.level": "ERROR",
}


def run(job: Job, master: str, progress: Progress) -> Iterator[dict[str, Any]]:
    """Yield everything that the replay gives: counts, bad lines, and the rows sorted by patient and event.

    Raises:
        ConfigurationError: PySpark is not installed.
        OSError: a file cannot be written.
    """
    sql = needs("pyspark.sql", "spark")
    # Workers must be the interpreter that runs here, with the packages that are installed for it.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    builder = sql.SparkSession.builder.master(master).appName("cds-service replay")
    here = {"spark.local.dir": str(job.work.folder / "spark")} if master.startswith("local") else {}
    for name, value in (SETTINGS | here).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        _mark(session, job, progress)
        progress("deciding", 0, 1)
        folder = job.work.folder / "rows.spark"
        if not (folder / "_SUCCESS").exists():
            _decide(session, job, folder)
        progress("deciding", 1, 1)
    finally:
        session.stop()
    for number in range(len(job.pieces)):
        yield from read_lines(job.work.seen("mark", number))
    for part in sorted(folder.glob("part-*")):
        yield from read_lines(part)


def _pieces(session: Any, pieces: list[Piece]) -> Any:
    frame = session.createDataFrame([(piece.number,) for piece in pieces], "piece int")
    # One task a piece: they differ in size, and each takes long.
    return frame.repartitionByRange(len(pieces), "piece")


def _mark(session: Any, job: Job, progress: Progress) -> None:
    todo = [piece for piece in job.pieces if not job.work.marks(piece.number).exists()]
    total = sum(piece.size for piece in job.pieces)
    progress("looking", total - sum(piece.size for piece in todo), total)
    if not todo:
        return
    export, pieces, settings = job.export, job.pieces, job.site.settings

    def look(batches: Batches) -> Batches:
        relevance = site_of(settings, b"").relevance
        for number in _numbers(batches):
            seen = Seen()
            slots = sorted(mark(export, pieces[number], relevance, seen))
            yield _batch(MARKED, [(number, orjson.dumps(slots), orjson.dumps(seen.as_json()))])

    for row in _pieces(session, todo).mapInArrow(look, MARKED).toLocalIterator():
        write_lines(job.work.seen("mark", row.piece), orjson.loads(bytes(row.seen)))
        write_slots(job.work.marks(row.piece), orjson.loads(bytes(row.slots)))
        progress("looking", pieces[row.piece].size, total)


def _decide(session: Any, job: Job, folder: Path) -> None:
    export, pieces, settings, key = job.export, job.pieces, job.site.settings, job.site.key
    field = session.sparkContext.broadcast(bytes(all_marks(job).bits))

    def lines(batches: Batches) -> Batches:
        marks = Marks(bytearray(field.value))
        for number in _numbers(batches):
            seen = Seen()
            found = ((patient, number, line) for patient, line in gather(export, pieces[number], marks, seen))
            yield from _batches(LINES, found)
            yield _batch(LINES, [("", number, orjson.dumps(one)) for one in seen.as_json()])

    def decide(batches: Batches) -> Batches:
        yield from _batches(ROWS, _rows(batches, settings, key))

    frame = _pieces(session, pieces).mapInArrow(lines, LINES)
    tasks = max(session.sparkContext.defaultParallelism * 4, len(pieces))
    by_patient = frame.repartition(tasks, "patient").sortWithinPartitions("patient")
    rows = by_patient.mapInArrow(decide, ROWS).orderBy("patient", "event", "row")
    rows.select("row").write.mode("overwrite").text(str(folder.resolve()))


def _rows(batches: Batches, settings: Settings, key: bytes) -> Iterator[tuple[str, int, str]]:
    """Yield the evaluations of patients whose lines come together, and what else the lines tell of the export."""
    site = site_of(settings, key)
    tally: Counter[str] = Counter()
    for patient_id, lines in groupby(_lines(batches), key=lambda one: one[0]):
        if not patient_id:
            yield from (("", number, line.decode()) for _, number, line in lines)
            continue
        found = replay_patient(patient_id, (line for _, _, line in lines), site)
        tally.update(found.tally)
        for row in found.rows:
            yield row.patient, row.event, orjson.dumps({"row": row.as_json()}).decode()
    yield "", 0, orjson.dumps({"tally": dict(sorted(tally.items()))}).decode()


def _numbers(batches: Batches) -> Iterator[int]:
    for batch in batches:
        yield from batch.column(0).to_pylist()


def _lines(batches: Batches) -> Iterator[tuple[str, int, bytes]]:
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _batches(schema: str, values: Iterable[tuple[Any, ...]]) -> Batches:
    held: list[tuple[Any, ...]] = []
    for value in values:
        held.append(value)
        if len(held) == LINES_A_BATCH:
            yield _batch(schema, held)
            held = []
    yield _batch(schema, held)


def _batch(schema: str, values: list[tuple[Any, ...]]) -> Any:
    arrow = needs("pyarrow", "spark")
    kinds = {"int": arrow.int32(), "string": arrow.string(), "binary": arrow.binary()}
    named = [part.split() for part in schema.split(", ")]
    columns = [[value[place] for value in values] for place in range(len(named))]
    arrays = [arrow.array(column, kinds[kind]) for column, (_, kind) in zip(columns, named, strict=True)]
    return arrow.RecordBatch.from_arrays(arrays, names=[name for name, _ in named])
