"""A bulk export, replayed: exactly what is expected fires, whatever interrupts or damages it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from support.exports import Expected, Shape, write_export

from cds_service.replay.figures import Figures
from cds_service.replay.patient import Row, replay_patient, site_of
from cds_service.replay.replay import Wish
from cds_service.replay.replay import replay as run
from cds_service.replay.results import read_rows
from cds_service.settings import Settings

pytestmark = pytest.mark.slow

SETTINGS = Settings(card_key="a key for pseudonyms")
SHAPE = Shape(300, mri=0.6, ordered=0.05)
EVALUATIONS = "evaluations.parquet"


def nobody(_step: str, _done: int, _total: int) -> None:
    """Nobody is told how far it is."""


def found(figures: Figures) -> Expected:
    """What a replay found, in the form in which it is expected. Levels are counted for the last evaluation only."""
    return Expected(
        evaluations=figures.evaluations,
        with_cards=figures.with_cards,
        topics=Counter({f"{hook}|{topic}": count for (hook, topic), count in figures.topics.items()}),
        lines=Counter(figures.told("lines")),
    )


def without_levels(expected: Expected) -> Expected:
    return replace(expected, levels=Counter())


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("seed", [1, 2])
def test_exactly_what_is_expected_fires(tmp_path: Path, seed: int, compressed: bool):
    expected = write_export(tmp_path / "export", replace(SHAPE, seed=seed, compressed=compressed))

    figures = run(Wish(tmp_path / "export", tmp_path / "out", processes=2), SETTINGS, nobody)

    assert found(figures) == without_levels(expected)
    assert expected.evaluations["result-review"] > 150
    assert figures.is_whole


def patients_of(export: Path) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for path in sorted(export.glob("*.ndjson")):
        for line in path.read_bytes().splitlines():
            one = json.loads(line)
            about = one.get("subject") or one.get("patient") or {"reference": f"Patient/{one['id']}"}
            found.setdefault(about["reference"].removeprefix("Patient/"), []).append(line)
    return found


def test_what_is_left_out_gets_no_card(tmp_path: Path):
    """Every report and order is decided here; only rows without a card may be missing from a replay."""
    write_export(tmp_path, replace(SHAPE, patients=120, brain=0.3, chest=0.5))
    site = site_of(SETTINGS, b"a key of 16 bytes")

    def decided(*, everything: bool) -> list[Row]:
        rows = [
            replace(row, event=0)
            for patient, lines in patients_of(tmp_path).items()
            for row in replay_patient(patient, lines, site, everything=everything).rows
        ]
        return [row for row in rows if row.cards or row.failed]

    assert decided(everything=True) == decided(everything=False)
    assert len(decided(everything=False)) > 40


def test_nothing_is_known_before_it_was_issued(tmp_path: Path):
    """A finding that was written down after the report was opened changes nothing at that time."""
    write_export(tmp_path, replace(SHAPE, patients=60))
    site = site_of(SETTINGS, b"a key of 16 bytes")
    later = {"resourceType": "Condition", "recordedDate": "2099-01-01", "code": {"text": "osteomyelitis"}}

    changed = {}
    for patient, lines in patients_of(tmp_path).items():
        told = json.dumps({**later, "id": "later", "subject": {"reference": f"Patient/{patient}"}}).encode()
        before = replay_patient(patient, lines, site).rows
        after = replay_patient(patient, [*lines, told], site).rows
        if before != after:
            changed[patient] = (before, after)

    assert changed == {}


def test_a_card_that_says_the_same_again_would_be_silent(tmp_path: Path):
    """The same report, opened again the next day, and once more when its silence is over."""
    write_export(tmp_path, replace(SHAPE, patients=80))
    site = site_of(SETTINGS, b"a key of 16 bytes")
    found = [
        row
        for patient, lines in patients_of(tmp_path).items()
        for row in replay_patient(patient, lines, site).rows
        if row.cards
    ]
    urgent = next(row for row in found if row.tier == "urgent" and row.hook == "result-review")
    lines = patients_of(tmp_path)[urgent.patient_id]
    order = {"resourceType": "ServiceRequest", "status": "completed", "intent": "order", "code": {"text": "MRI foot"}}
    subject = {"reference": f"Patient/{urgent.patient_id}"}
    again = [
        json.dumps(
            {**order, "id": f"o{hours}", "subject": subject, "authoredOn": f"{urgent.date}T{hours}:30:00Z"}
        ).encode()
        for hours in ("22", "23")
    ]

    rows = [row for row in replay_patient(urgent.patient_id, [*lines, *again], site).rows if row.cards]

    assert [row.silenced for row in found if row.event == 0] == [False] * sum(row.event == 0 for row in found)
    assert rows[-1].silenced


def test_a_full_disk_is_told_and_what_was_done_is_kept(tmp_path: Path):
    write_export(tmp_path / "export", replace(SHAPE, patients=1_000))
    run(Wish(tmp_path / "export", tmp_path / "whole", processes=2), SETTINGS, nobody)
    line = shlex.join(command(tmp_path / "export", tmp_path / "out"))

    # No file may grow beyond 64 kB.
    full = subprocess.run(
        ["bash", "-c", f"ulimit -f 64; exec {line}"], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    again = subprocess.run(command(tmp_path / "export", tmp_path / "out"), env=ENVIRONMENT, check=False, timeout=120)

    assert (full.returncode, "what is done is kept: run it again" in full.stderr) == (2, True), full.stderr
    assert "Traceback" not in full.stderr
    assert again.returncode == 0
    assert (tmp_path / "out" / EVALUATIONS).read_bytes() == (tmp_path / "whole" / EVALUATIONS).read_bytes()


def test_one_process_and_two_write_the_same_bytes(tmp_path: Path):
    write_export(tmp_path / "export", SHAPE)

    for processes in (1, 2):
        run(Wish(tmp_path / "export", tmp_path / str(processes), processes=processes), SETTINGS, nobody)

    written = [(tmp_path / name / EVALUATIONS).read_bytes() for name in ("1", "2")]
    assert written[0] == written[1]
    assert len(list(read_rows(tmp_path / "1" / EVALUATIONS))) > 150


def command(export: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "cds_service.cli", "replay", str(export), "--out", str(out), "--processes", "2"]


ENVIRONMENT = {**os.environ, "BME_CARD_KEY": "a key for pseudonyms"}


@pytest.mark.parametrize("after_s", [0.5, 1.5, 3.0])
def test_a_replay_that_was_killed_ends_as_one_that_was_not(tmp_path: Path, after_s: float):
    write_export(tmp_path / "export", replace(SHAPE, patients=1_500))
    run(Wish(tmp_path / "export", tmp_path / "whole", processes=2), SETTINGS, nobody)

    killed = subprocess.Popen(
        command(tmp_path / "export", tmp_path / "out"), env=ENVIRONMENT, stderr=subprocess.DEVNULL
    )
    time.sleep(after_s)  # any moment will do: what it had reached by then does not matter
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    again = subprocess.run(command(tmp_path / "export", tmp_path / "out"), env=ENVIRONMENT, check=False, timeout=120)

    assert again.returncode == 0
    assert (tmp_path / "out" / EVALUATIONS).read_bytes() == (tmp_path / "whole" / EVALUATIONS).read_bytes()


def test_lines_that_are_no_resources_are_counted_and_change_nothing(tmp_path: Path):
    expected = write_export(tmp_path / "export", SHAPE)
    with (tmp_path / "export" / "DiagnosticReport.000.ndjson").open("ab") as file:
        file.write(b'{"resourceType": "DiagnosticReport", "id": \n[1, 2]\n\xff\xfe\n')

    figures = run(Wish(tmp_path / "export", tmp_path / "out"), SETTINGS, nobody)

    assert sum(figures.bad_lines.values()) > 0 or not figures.is_whole or figures.told("bad")
    assert (figures.evaluations, figures.with_cards) == (expected.evaluations, expected.with_cards)


def test_a_gzip_that_ends_too_early_is_named_and_the_rest_is_read(tmp_path: Path):
    write_export(tmp_path / "export", replace(SHAPE, compressed=True))
    path = tmp_path / "export" / "Observation.000.ndjson.gz"
    path.write_bytes(path.read_bytes()[:-1_000])

    figures = run(Wish(tmp_path / "export", tmp_path / "out"), SETTINGS, nobody)

    assert (figures.is_whole, sum(figures.evaluations.values()) > 150) == (False, True)


def test_the_report_and_the_worksheet_say_nothing_of_who_it_is_about(tmp_path: Path):
    write_export(tmp_path / "export", SHAPE)

    run(Wish(tmp_path / "export", tmp_path / "out", with_key=True), SETTINGS, nobody)

    written = {path.name: path for path in (tmp_path / "out").iterdir()}
    ids = {
        line.split('"id":"')[1].split('"')[0]
        for line in (tmp_path / "export" / "Patient.000.ndjson").read_text().splitlines()
    }
    told = {name for name, path in written.items() if any(one in path.read_bytes().decode("latin-1") for one in ids)}
    assert told == {"worksheet-key.csv"}
    assert {oct(path.stat().st_mode & 0o777) for path in written.values()} == {"0o600"}
