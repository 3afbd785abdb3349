"""The files a replay leaves: the evaluations as Parquet, the report, the worksheet, and the lines that were bad.

Both engines give the same stream of counts, bad lines and sorted rows; everything here is made from that stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from cds_service.errors import ConfigurationError
from cds_service.replay.figures import Figures
from cds_service.replay.review import Sample
from cds_service.replay.work import written

EVALUATIONS = "evaluations.parquet"
REPORT = "report.html"
WORKSHEET = "worksheet.csv"
KEY = "worksheet-key.csv"
BAD_LINES = "bad-lines.ndjson"
ROWS_A_GROUP = 5_000
NOTICE = "pseudonymous patient data: handle as patient data"

LISTS = ("topics", "levels", "rules", "undecided", "missing")


@dataclass(frozen=True)
class Results:
    """What was found, and the sample that was drawn."""

    figures: Figures
    sample: Sample


def needs(module: str, extra: str) -> Any:
    """Return a module of an extra.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigurationError(f"a replay needs more: pip install 'bme-cds-service[{extra}]'") from error


def write_evaluations(out: Path, items: Iterable[Mapping[str, Any]], sample_size: int) -> Results:
    """Write the rows and the bad lines of a replay into ``out``; return the figures and the sample.

    Raises:
        ConfigurationError: pyarrow is not installed.
        OSError: a file cannot be written.
    """
    figures, sample = Figures(), Sample(sample_size)
    with written(out / EVALUATIONS) as file, written(out / BAD_LINES) as bad, _Table(file) as table:
        for item in items:
            if "row" in item:
                row = item["row"]
                figures.add(row)
                sample.add(row)
                table.add(row)
            elif "bad" in item:
                figures.bad_lines[item["bad"]["why"]] += 1
                bad.write(orjson.dumps(item["bad"], option=orjson.OPT_APPEND_NEWLINE))
            else:
                figures.tally.update(item["tally"])
    figures.repeats.end()
    if not figures.bad_lines:
        (out / BAD_LINES).unlink()
    return Results(figures, sample)


class _Table:
    """Writes rows as Parquet, in groups of a fixed size, so that the same rows make the same bytes."""

    def __init__(self, file: Any) -> None:
        self.arrow = needs("pyarrow", "replay")
        parquet = needs("pyarrow.parquet", "replay")
        self.schema = _schema(self.arrow)
        self.writer = parquet.ParquetWriter(file, self.schema, compression="zstd")
        self.rows: list[dict[str, Any]] = []

    def add(self, row: Mapping[str, Any]) -> None:
        self.rows.append({**row, "date": date.fromisoformat(row["date"])})
        if len(self.rows) == ROWS_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        columns = {name: [row[name] for row in self.rows] for name in self.schema.names}
        self.writer.write_table(self.arrow.table(columns, schema=self.schema))
        self.rows.clear()

    def __enter__(self) -> _Table:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            # What could not be written cannot be closed either; left alone, the writer would try once more later.
            with suppress(OSError, ValueError):
                self.writer.close()
            return
        if self.rows:
            self._flush()
        self.writer.close()


def _schema(arrow: Any) -> Any:
    words = arrow.string()
    plain = {"patient": words, "event": arrow.int32(), "date": arrow.date32(), "hook": words, "cards": arrow.int16()}
    lists = dict.fromkeys(LISTS, arrow.list_(words))
    rest = {"tier": words, **lists, "silenced": arrow.bool_(), "failed": words}
    return arrow.schema(list({**plain, **rest}.items()), metadata={"notice": NOTICE})


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of evaluations."""
    for batch in needs("pyarrow.parquet", "replay").ParquetFile(path).iter_batches():
        yield from batch.to_pylist()
