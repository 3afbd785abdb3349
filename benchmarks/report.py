"""The results as a document: the table of targets, what was measured, the curves, and the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from plots import plot

if TYPE_CHECKING:
    from run import Effort, Results

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
FIGURES = DOCUMENT.with_name("performance")
LIBRARIES = (
    "flask",
    "gunicorn",
    "sqlalchemy",
    "pydantic_settings",
    "fhir.resources",
    "requests",
    "joserfc",
    "jsonschema",
)
NAMES = {
    "hello": "Flask + gunicorn, reads the body, fixed answer (hello)",
    "toy": "Flask, orjson, toy rule",
    "gated": "Flask, our strict JSON gate, toy rule",
    "ours": "this service, tokens off, store on the disk",
    "ours_memory": "the same, store in memory",
    "ours_jwt": "the same, store on the disk, each call with a token (ES384)",
    "healthchain_raw": "HealthChain 0.16.1, toy rule on raw dicts",
    "healthchain_typed": "HealthChain 0.16.1, toy rule on its documented FHIR objects",
}


@dataclass(frozen=True)
class Target:
    """One line of the table. ``at_least`` when more is better; ``why`` is said when it is not met."""

    what: str
    found: float | None
    gate: float
    stretch: float
    unit: str = ""
    at_least: bool = False
    why: str = ""

    def holds(self, limit: float) -> bool:
        """Whether what was found keeps a limit."""
        return self.found is not None and (self.found >= limit if self.at_least else self.found <= limit)

    @property
    def verdict(self) -> str:
        """Met, met with room, or not met."""
        if self.found is None:
            return "not measured"
        return "stretch met" if self.holds(self.stretch) else "met" if self.holds(self.gate) else "**not met**"


def targets(results: Results) -> list[Target]:
    """Return the online targets with what was measured of each."""
    parts, loads = results.parts, results.loads
    small, large = loads["10 KB"], loads["200 KB"]
    ours, hello = small["ours"].cpu_ms, small["hello"].cpu_ms
    order = parts["of it one order validated by fhir.resources"]
    text = next(value for name, value in parts.items() if name.startswith("of it the text"))
    rules = parts["assess, all rules, trace kept"]
    gate = parts["the strict JSON gate, 200 KB"] / parts["orjson, 200 KB"]
    reading = parts["read_case, 305 resources"]
    cores = os.cpu_count() or 1
    one, waits = results.one_by_one, results.waiting
    ideal = 64 / 0.05
    by_cpu = cores * 1_000 / waits["ours_ehr"].cpu_ms
    typed = {
        name: each["healthchain_typed"].cpu_ms / each["ours"].cpu_ms
        for name, each in loads.items()
        if "healthchain_typed" in each
    }
    half = results.half_load
    extra = _extra_worker(results.pss_mb)
    flat = _growth(results.pss_mb)
    needed = rules + text + order + parts["the strict JSON gate"]
    return [
        Target(
            "10 KB call, tokens off, processor time x hello",
            ours / hello,
            2.5,
            1.5,
            "x",
            why=f"hello is {hello:.2f} ms; the text of one report ({text:.2f} ms), all rules with their trace"
            f" ({rules:.2f} ms), one order validated by fhir.resources ({order:.2f} ms)"
            f" and the gate ({parts['the strict JSON gate']:.2f} ms) alone make it"
            f" {(hello + needed) / hello:.1f} x, before anything coded is read or a card is written",
        ),
        Target(
            "200 KB call, tokens off, processor time x gate + toy rule",
            large["ours"].cpu_ms / large["gated"].cpu_ms,
            1.5,
            1.2,
            "x",
            why=f"the floor is {large['gated'].cpu_ms:.1f} ms; what the 10 KB call costs beyond hello"
            f" ({ours - hello:.1f} ms) is in every call and alone makes it"
            f" {(large['gated'].cpu_ms + ours - hello) / large['gated'].cpu_ms:.1f} x; to look at each further resource"
            f" takes {_per_resource_us(parts):.1f} us more",
        ),
        Target("strict JSON gate x orjson, 200 KB", gate, 3, 2, "x"),
        Target(
            "token (ES384) and replay store, on top",
            parts["a token signed, checked, and remembered"] - parts["a token signed"],
            1.5,
            1.1,
            "ms",
        ),
        Target("card recorded, counted, logged, on top", parts["cards recorded, counted and logged"], 0.3, 0.15, "ms"),
        Target(
            "read_case on 305 resources",
            reading,
            2,
            1,
            "ms",
            why=f"{parts['read_case']:.2f} ms of it is the story itself, and of that {text:.2f} ms the text of its"
            f" report; the rest is {_per_resource_us(parts):.1f} us for each resource that does not matter: its type,"
            " id, status and codes, looked at in Python",
        ),
        Target("assess with its full trace", rules, 0.5, 0.2, "ms"),
        Target(
            "p99 at half of the highest rate x hello's",
            half["ours"].p99_ms / half["hello"].p99_ms,
            5,
            3,
            "x",
            why=f"hello {half['hello'].p99_ms:.1f} ms, ours {half['ours'].p99_ms:.1f} ms, at a processor time of"
            f" {ours / hello:.0f} x hello's; the load generator has the same cores",
        ),
        Target(
            "EHR reads needed (5 keys, 50 ms): slowest read plus",
            one["ours_ehr"].p50_ms - 50,
            15,
            6,
            "ms",
            why=f"one read and nothing else takes {one['waiting'].p50_ms - 50:.1f} ms more than 50",
        ),
        Target(
            "64 clients waiting on a 50 ms EHR, share of the ideal",
            waits["ours_ehr"].rate / ideal * 100,
            80,
            90,
            "%",
            at_least=True,
            why=f"the ideal is {ideal:.0f} calls a second; {cores} cores at {waits['ours_ehr'].cpu_ms:.1f} ms a call"
            f" allow {by_cpu:.0f} ({by_cpu / ideal:.0%}) if nothing else ran, and the EHR and wrk run there, too."
            f" An application that makes one read and nothing else reaches {waits['waiting'].rate / ideal:.0%}",
        ),
        Target(
            "start to first card x hello",
            results.first_card_s["ours"] / results.first_card_s["hello"],
            2.5,
            2.0,
            "x",
            why=f"hello {results.first_card_s['hello']:.2f} s, ours {results.first_card_s['ours']:.2f} s; to import the"
            f" libraries alone ({', '.join(LIBRARIES)}) takes {results.first_card_s['libraries']:.2f} s,"
            f" {results.first_card_s['libraries'] / results.first_card_s['hello']:.1f} x",
        ),
        Target("memory of an extra worker (PSS)", extra, 30, 20, "MiB"),
        Target(
            "its growth over the calls made",
            flat,
            2,
            1,
            "MiB",
            why="caches and the memory of threads fill with the first calls of each; --long goes on to 100,000 calls",
        ),
        Target(
            "less processor time than HealthChain's typed path, 10 KB",
            typed.get("10 KB"),
            4,
            5,
            "x",
            at_least=True,
            why="its toy rule asks one question; ours answers all rules on a report that was read. What the typed path"
            f" costs here ({_ms(small, 'healthchain_typed')}) is little more than"
            f" the {needed:.1f} ms that text, rules, order and gate take",
        ),
        Target(
            "the same, 200 KB",
            typed.get("200 KB"),
            15,
            20,
            "x",
            at_least=True,
            why=f"its typed path takes {_ms(large, 'healthchain_typed')}; the server with the gate and a toy rule takes"
            f" {large['gated'].cpu_ms:.1f} ms, and on top comes what the 10 KB call costs beyond hello"
            f" ({ours - hello:.1f} ms)",
        ),
    ]


def _ms(loads: Mapping[str, object], name: str) -> str:
    load = loads.get(name)
    return f"{load.cpu_ms:.1f} ms" if load is not None else "not measured"  # type: ignore[attr-defined]  # a Load


def _per_resource_us(parts: Mapping[str, float]) -> float:
    return (parts["read_case, 305 resources"] - parts["read_case"]) / 297 * 1_000


def _extra_worker(pss_mb: Mapping[str, float]) -> float | None:
    counts = [int(name.rpartition(" ")[2]) for name in pss_mb if name.startswith("ours_3 after")]
    if not counts:
        return None
    return pss_mb[f"ours_3 after {max(counts)}"] - pss_mb[f"ours after {max(counts)}"]


def _growth(pss_mb: Mapping[str, float]) -> float | None:
    counts = sorted(int(name.rpartition(" ")[2]) for name in pss_mb if name.startswith("ours after"))
    return (pss_mb[f"ours after {counts[-1]}"] - pss_mb[f"ours after {counts[0]}"]) / 2 if len(counts) > 1 else None


def _lines(results: Results, effort: Effort, counts: Mapping[str, int]) -> Iterator[str]:
    yield from _head(results, effort)
    yield from _servers(results, counts)
    yield from _ehr(results)
    yield from _parts(results)
    yield from _machine()


def _head(results: Results, effort: Effort) -> Iterator[str]:
    yield "# Performance"
    yield ""
    yield "Written by `make bench`: this service beside its floors and a peer, on the same machine in the same run."
    yield (
        "Processor time for one call is what the operating system accounts to the whole process group of a server,"
        " divided by the calls that wrk made over loopback."
    )
    yield (
        f"Figures are medians of {effort.rounds} rounds through all servers; wall times move with whatever else the"
        " machine does, so targets are ratios within the run."
    )
    yield ""
    yield "## Targets"
    yield ""
    yield "| what | found | gate | stretch | |"
    yield "|---|--:|--:|--:|---|"
    for one in targets(results):
        found = "-" if one.found is None else f"{one.found:.3g}"
        sign = ">= " if one.at_least else ""
        yield f"| {one.what} | {found} {one.unit} | {sign}{one.gate:g} | {sign}{one.stretch:g} | {one.verdict} |"
    unmet = [one for one in targets(results) if one.found is not None and not one.holds(one.gate) and one.why]
    if unmet:
        yield ""
        yield "What forbids those that are not met, by the floors of this run:"
        yield ""
        yield from (f"- {one.what}: {one.why}." for one in unmet)
    yield ""


def _servers(results: Results, counts: Mapping[str, int]) -> Iterator[str]:
    yield "## Servers"
    yield ""
    yield (
        "Two workers each; gunicorn with threads for Flask, uvicorn with uvloop for HealthChain. Bodies: one example"
        " with resources added that change no card; one card, urgent, with a referral, comes back."
    )
    for name, loads in results.loads.items():
        yield ""
        yield f"### {name} ({counts[name]} resources)"
        yield ""
        yield "| server | processor ms a call | x hello | calls/s, 8 clients | p50 ms | p99 ms |"
        yield "|---|--:|--:|--:|--:|--:|"
        for server, load in loads.items():
            times = load.cpu_ms / loads["hello"].cpu_ms
            figures = f"{load.cpu_ms:.2f} | {times:.1f} | {load.rate:.0f} | {load.p50_ms:.1f} | {load.p99_ms:.1f}"
            yield f"| {NAMES[server]} | {figures} |"
    yield ""
    yield "| memory of all processes (PSS) | MiB |"
    yield "|---|--:|"
    yield from (f"| {NAMES.get(name, name)} | {mb:.0f} |" for name, mb in results.pss_mb.items())
    for note in results.notes:
        yield ""
        yield note
    yield ""


def _ehr(results: Results) -> Iterator[str]:
    yield "## Waiting for an EHR"
    yield ""
    yield (
        "A call that lacks five prefetch keys, and a FHIR server that answers each read after 50 ms; beside it an"
        " application that makes one read and gives a fixed answer."
    )
    yield ""
    yield "| | processor ms a call | calls/s | p50 ms | p99 ms |"
    yield "|---|--:|--:|--:|--:|"
    for clients, loads in (("one client", results.one_by_one), ("64 clients", results.waiting)):
        for server, load in loads.items():
            who = "this service, five reads" if server == "ours_ehr" else "one read, fixed answer"
            yield f"| {who}, {clients} | {load.cpu_ms:.2f} | {load.rate:.0f} | {load.p50_ms:.1f} | {load.p99_ms:.1f} |"
    yield ""


def _parts(results: Results) -> Iterator[str]:
    yield "## Parts of an answer"
    yield ""
    yield "Processor time in one process, on the 10 KB body unless said; no server, nothing waited for."
    yield ""
    yield "| part | ms |"
    yield "|---|--:|"
    yield from (f"| {name} | {ms:.3f} |" for name, ms in results.parts.items())
    yield ""
    yield "## Growth"
    yield ""
    yield "![Milliseconds of an answer, the strict gate and orjson over the size of the body](performance/body.svg)"
    yield ""
    yield "![Milliseconds of assess over the number of rules](performance/rules.svg)"
    yield ""
    yield "![Calls a second over the number of clients](performance/concurrency.svg)"
    yield ""


def _machine() -> Iterator[str]:
    yield "## Machine"
    yield ""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown",
    )
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    packages = ("flask", "gunicorn", "orjson", "fhir.resources", "pydantic", "SQLAlchemy", "joserfc", "cryptography")
    kernel = f"{platform.system()} {platform.release().partition('-')[0]}"
    yield f"- {os.cpu_count()} cores ({model}), shared with others; {gigabytes:.0f} GB; {kernel}"
    yield f"- Python {platform.python_version()} ({platform.python_compiler()})"
    yield f"- {', '.join(f'{name} {version(name)}' for name in packages)}"


def write(results: Results, effort: Effort, counts: Mapping[str, int], *, keep: bool) -> str:
    """Return the document; ``keep`` writes it, with its curves."""
    document = "\n".join(_lines(results, effort, counts)) + "\n"
    if keep:
        FIGURES.mkdir(exist_ok=True)
        curves = results.curves
        for name, title, x, y in (
            ("body", "Size of the body", "KB", "ms"),
            ("rules", "Number of rules", "rules", "ms"),
            ("concurrency", "Clients at once, 10 KB", "clients", "calls a second"),
        ):
            (FIGURES / f"{name}.svg").write_text(plot(title, x, y, curves[name]))
        DOCUMENT.write_text(document)
    return document
