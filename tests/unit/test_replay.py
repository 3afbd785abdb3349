"""A small export, replayed in this process: what fires, and what is told of it. The rest is in end_to_end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from support.exports import Shape, write_export
from typer.testing import CliRunner

from cds_service.cli import app
from cds_service.replay.replay import Wish, replay
from cds_service.replay.results import read_rows
from cds_service.settings import Settings


def test_a_small_export_gives_what_is_expected(tmp_path: Path):
    expected = write_export(tmp_path / "export", Shape(24, seed=5, mri=0.7, ordered=0.2))
    steps: Counter[str] = Counter()

    wish = Wish(tmp_path / "export", tmp_path / "out", processes=1, with_key=True)
    figures = replay(wish, Settings(card_key="a key for pseudonyms"), lambda step, done, _: steps.update({step: done}))

    rows = list(read_rows(tmp_path / "out" / "evaluations.parquet"))
    assert (figures.evaluations, figures.with_cards) == (expected.evaluations, expected.with_cards)
    assert Counter(row["hook"] for row in rows) == expected.evaluations
    assert sum(row["cards"] > 0 for row in rows) == sum(expected.with_cards.values())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "evaluations.parquet",
        "report.html",
        "worksheet-key.csv",
        "worksheet.csv",
    ]
    assert all(steps.values())


def test_a_worksheet_that_was_filled_in_tells_how_often_each_rule_was_right(tmp_path: Path):
    sheet = tmp_path / "worksheet.csv"
    words = ["yes"] * 8 + ["no"] * 2 + ["unsure", ""]
    sheet.write_text("rule,correct\n" + "".join(f"axspa-erosion,{word}\n" for word in words))

    told = CliRunner().invoke(app, ["judged", str(sheet)], env={"COLUMNS": "120"})
    sheet.write_text("rule,correct\naxspa-erosion,perhaps\n")
    refused = CliRunner().invoke(app, ["judged", str(sheet)])

    row = next(line for line in told.stdout.splitlines() if "axspa-erosion" in line)
    assert [one.strip() for one in row.split("│")[1:-1]] == [
        "axspa-erosion",
        "8",
        "10",
        "0.80",
        "0.49 to 0.94",
        "1",
        "1",
    ]
    assert (refused.exit_code, "line 2: 'correct' is neither yes, no nor unsure" in refused.stderr) == (2, True)
