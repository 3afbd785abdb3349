"""How fast a bulk export is replayed, beside what parsing its lines costs, and how much memory that takes.

    PYTHONPATH=.:tests .venv/bin/python benchmarks/replay.py --patients 20000

Floor: one process parses every line with orjson and does nothing else. Rows: ``usual`` (3 % of the patients hold a
report of a musculoskeletal MRI) and ``all`` (every patient holds one), each with one process and two. Wall time and the
largest proportional memory (PSS) of the whole process group, sampled ten times a second. Targets: share of the floor's
rate at least 0.5 with one process, 1.6 times that with two, 500 evaluations a second a core where all hold a report,
256 MiB.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
from support.exports import Shape, write_export

MIB = 1024 * 1024


def floor_s(export: Path) -> tuple[float, int]:
    """Return the seconds it takes to parse every line, and how many there are."""
    gc.collect()
    began, lines = time.perf_counter(), 0
    for path in export.iterdir():
        with path.open("rb") as file:
            for line in file:
                orjson.loads(line)
                lines += 1
    return time.perf_counter() - began, lines


def replayed(export: Path, out: Path, processes: int) -> tuple[float, float]:
    """Return the seconds of a replay, starting the program included, and the most memory it took in MiB."""
    command = [sys.executable, "-m", "cds_service.cli", "replay", str(export), "--out", str(out)]
    environment = {**os.environ, "BME_CARD_KEY": "benchmark"}
    began, most = time.perf_counter(), 0.0
    running = subprocess.Popen(
        [*command, "--processes", str(processes)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while running.poll() is None:
        most = max(most, sum(map(pss, group(running.pid))) / MIB)
        time.sleep(0.1)
    if running.returncode:
        raise SystemExit(f"the replay failed ({running.returncode})")
    return time.perf_counter() - began, most


def group(leader: int) -> Iterator[int]:
    """Yield the processes of a session."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == leader:
                    yield int(entry.name)
            except OSError:
                continue


def pss(pid: int) -> int:
    """Return the proportional memory of a process in bytes; nothing of one that has ended."""
    try:
        words = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
    except OSError:
        return 0
    return int(words[words.index("Pss:") + 1]) * 1024 if "Pss:" in words else 0


def row(name: str, shape: Shape) -> None:
    """Measure one export and print its lines."""
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        export = Path(folder) / "export"
        expected = write_export(export, shape)
        evaluations = sum(expected.evaluations.values())
        parsing, lines = floor_s(export)
        print(f"\n{name}: {shape.patients:,} patients, {lines:,} resources, {evaluations:,} evaluations")
        print(f"  floor                 {parsing:7.1f} s   {lines / parsing:9,.0f} resources/s")
        alone = 0.0
        for processes in (1, 2):
            took, memory = replayed(export, Path(folder) / f"out-{processes}", processes)
            alone = alone or took
            words = f"{parsing / took:.2f} of the floor" if processes == 1 else f"{alone / took:.2f} times one process"
            print(
                f"  {processes} process{'es' if processes > 1 else '  '}           {took:7.1f} s   {lines / took:9,.0f}"
                f" resources/s   {evaluations / took / processes:6,.0f} evaluations/s/core  {memory:5.0f} MiB  {words}"
            )


def main() -> None:
    """Print both rows."""
    parser = argparse.ArgumentParser(description="Measure a replay.")
    parser.add_argument("--patients", type=int, default=20_000)
    given = parser.parse_args()
    row("usual", Shape(given.patients))
    row("all", Shape(max(500, given.patients // 10), mri=1.0, ordered=0.0))


if __name__ == "__main__":
    main()
