"""The same replay on Spark, really run: `make spark` (PySpark is in an environment of its own, and needs Java)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.exports import Shape, write_export

from cds_service.replay.replay import Wish, replay
from cds_service.settings import Settings

pytest.importorskip("pyspark", reason="`make spark` runs this")
pytestmark = pytest.mark.slow

SHAPE = Shape(200, mri=0.6, ordered=0.05, compressed=True)


def test_spark_writes_the_same_bytes_as_this_machine_alone(tmp_path: Path):
    settings = Settings(card_key="a key for pseudonyms")
    expected = write_export(tmp_path / "export", replace(SHAPE, seed=3))
    wish = Wish(tmp_path / "export", tmp_path / "local", processes=2)

    found = [
        replay(one, settings, lambda *_: None)
        for one in (wish, replace(wish, out=tmp_path / "spark", engine="spark", master="local[2]"))
    ]

    written = [(tmp_path / name / "evaluations.parquet").read_bytes() for name in ("local", "spark")]
    assert written[0] == written[1]
    assert [one.evaluations for one in found] == [expected.evaluations] * 2
