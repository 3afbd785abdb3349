"""``make bench``: our service beside its floors and a peer, in one run; writes ``docs/performance.md``.

    python benchmarks/run.py            some twenty minutes
    python benchmarks/run.py --quick    less than two minutes, few calls, nothing written
    python benchmarks/run.py --long     also memory over 100,000 calls

Processor time for one call is what the operating system accounts to the whole process group of a server, divided by the
calls that wrk made. Each round goes through all servers, which run side by side; figures are medians of the rounds, and
what is judged are ratios within one run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

import components
import orjson
import servers
from bodies import SIZES, STORY, body, resources
from components import call_of
from load import Load, press
from report import LIBRARIES, write
from servers import Server

CONNECTIONS = 8
EHR_S = 0.05
EHR_KEYS = ("studies", "reports", "observations", "labs", "conditions")
WAITING = 64


@dataclass(frozen=True)
class Effort:
    """How much of everything a run does. Times in seconds."""

    rounds: int
    press_s: float
    part_rounds: int
    starts: int
    memory_calls: tuple[int, ...]
    bodies: tuple[str, ...]
    concurrency: tuple[int, ...]
    clutter: tuple[int, ...]


FULL = Effort(3, 4, 5, 5, (1_000, 10_000), tuple(SIZES), (1, 2, 4, 8, 16, 32, 64), (0, 100, 300, 1_000, 3_000))
QUICK = Effort(1, 1, 2, 1, (200, 500), ("10 KB", "200 KB"), (1, 8, 64), (0, 100, 300))


@dataclass
class Results:
    """All that was measured. ``loads``: body -> server -> median; ``notes`` say what could not be."""

    loads: dict[str, dict[str, Load]] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    half_load: dict[str, Load] = field(default_factory=dict)
    one_by_one: dict[str, Load] = field(default_factory=dict)
    waiting: dict[str, Load] = field(default_factory=dict)
    first_card_s: dict[str, float] = field(default_factory=dict)
    pss_mb: dict[str, float] = field(default_factory=dict)
    curves: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def say(words: str) -> None:
    """Tell how far the run is."""
    print(words, file=sys.stderr, flush=True)


def middle(loads: list[Load]) -> Load:
    """Return the median of each figure."""
    names = ("calls", "rate", "cpu_ms", "p50_ms", "p99_ms")
    return Load(*(median(getattr(load, name) for load in loads) for name in names))


def rounds(found: list[Server], sent: bytes, effort: Effort, **how: Any) -> dict[str, Load]:
    """Return the median load of each server, pressed in turns. A short first press warms each up."""
    loads: dict[str, list[Load]] = {server.name: [] for server in found}
    for server in found:
        press(server, sent, seconds=1, **how)
    for _ in range(effort.rounds):
        for server in found:
            loads[server.name].append(press(server, sent, seconds=effort.press_s, **how))
    return {name: middle(each) for name, each in loads.items()}


@contextmanager
def running(*made: Callable[[], AbstractContextManager[Server]]) -> Iterator[list[Server]]:
    """Run several servers, each ready to answer."""
    with ExitStack() as stack:
        found = [stack.enter_context(one()) for one in made]
        for server in found:
            server.first_answer_s(body(10_000))
        yield found


def compare(results: Results, effort: Effort) -> None:
    """Measure processor time, rate and memory for every body and server."""
    made = [partial(servers.floor, name) for name in ("hello", "toy", "gated")]
    made += [servers.ours, partial(servers.ours, "ours_memory", store_url="sqlite://")]
    made.append(partial(servers.ours, "ours_jwt", signed=True))
    try:
        servers.healthchain_python()
        made += [partial(servers.healthchain, name) for name in ("healthchain_raw", "healthchain_typed")]
    except Exception as error:  # whatever keeps it from being installed
        results.notes.append(f"HealthChain could not be installed here ({type(error).__name__}), so it is missing.")
    with running(*made) as found:
        for name in effort.bodies:
            taking = [one for one in found if name != "2 MB" or one.name != "healthchain_typed"]
            say(f"{name}: {', '.join(one.name for one in taking)}")
            results.loads[name] = rounds(taking, body(SIZES[name]), effort)
        results.pss_mb |= {one.name: one.pss_mb() for one in found}
        say("p99 at half of the highest rate")
        for one in found[:1] + found[3:4]:
            results.half_load[one.name] = at_half_load(one, results.loads["10 KB"][one.name], effort)
        say("concurrency")
        curves: dict[str, list[tuple[float, float]]] = {"hello": [], "ours": []}
        for connections in effort.concurrency:
            for one in found[:1] + found[3:4]:
                load = press(one, body(SIZES["10 KB"]), seconds=effort.press_s, connections=connections)
                curves[one.name].append((connections, load.rate))
        results.curves["concurrency"] = curves


def at_half_load(server: Server, full: Load, effort: Effort) -> Load:
    """Return what happens at about half of the highest rate: connections that rest as long as they wait, and longer."""
    rest_ms = max(1.0, CONNECTIONS / (full.rate / 2) * 1_000 - full.p50_ms / CONNECTIONS)
    loads = [
        press(server, body(SIZES["10 KB"]), seconds=effort.press_s, rest_ms=rest_ms)
        for _ in range(max(3, effort.rounds))
    ]
    return middle(loads)


def read_the_ehr(results: Results, effort: Effort) -> None:
    """Measure calls that lack five prefetch keys, which a FHIR server 50 ms away holds."""
    request = orjson.loads(orjson.dumps(STORY.request))
    call = call_of(orjson.dumps(request))
    answers = {query: request["prefetch"][key] for key, query in call.queries().items() if query}
    for key in EHR_KEYS:
        del request["prefetch"][key]
    with servers.slow_ehr(answers, EHR_S) as ehr:
        base = f"http://127.0.0.1:{ehr.port}/fhir"
        request["fhirServer"] = base
        request["fhirAuthorization"] = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 300}
        sent = orjson.dumps(request)
        one_read = f"{base}/{call.queries()['studies']}"
        made = (
            partial(servers.floor, "waiting", BENCH_READ=one_read),
            # One worker may get more than its share of the clients: it is to answer them, too.
            partial(
                servers.ours,
                "ours_ehr",
                fhir_servers=orjson.dumps([base]).decode(),
                calls_at_once=str(WAITING),
            ),
        )
        with running(*made) as found:
            say("EHR reads: one by one")
            results.one_by_one = rounds(found, sent, effort, connections=1)
            say(f"EHR reads: {WAITING} clients waiting")
            results.waiting = rounds(found, sent, effort, connections=WAITING)


def start_up(results: Results, effort: Effort) -> None:
    """Measure the time from the start of the process to the first card, and that to import the libraries."""
    sent = body(10_000)
    times: dict[str, list[float]] = {"hello": [], "ours": [], "libraries": []}
    imports = ", ".join("fhir.resources.R4B.servicerequest" if name == "fhir.resources" else name for name in LIBRARIES)
    for _ in range(effort.starts):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {imports}, gunicorn.app.base"], check=True)
        times["libraries"].append(time.perf_counter() - began)
        for name, made in (("hello", partial(servers.floor, "hello")), ("ours", servers.ours)):
            with made() as server:
                times[name].append(server.first_answer_s(sent))
    results.first_card_s = {name: median(each) for name, each in times.items()}


def memory(results: Results, effort: Effort) -> None:
    """Measure what a third worker adds, and whether memory grows with the calls."""
    sent = body(10_000)
    with running(servers.ours, partial(servers.ours, "ours_3", workers=3)) as found:
        done = 0
        for calls in effort.memory_calls:
            for server in found:
                made = 0
                while made < calls - done:
                    made += press(server, sent, seconds=max(1, effort.press_s)).calls
                results.pss_mb[f"{server.name} after {calls}"] = server.pss_mb()
            done = calls


def main() -> None:
    """Measure, print the table of targets, and write the document."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--long", action="store_true")
    given = asked.parse_args()
    effort = QUICK if given.quick else FULL
    if given.long:
        effort = Effort(**{**vars(effort), "memory_calls": (1_000, 10_000, 100_000)})
    results = Results()
    say("parts of an answer")
    results.parts = components.measure(effort.part_rounds)
    results.curves["body"] = components.growth_of_body(effort.clutter, effort.part_rounds)
    results.curves["rules"] = {"assess": components.growth_of_rules((0.25, 0.5, 1, 2, 4), effort.part_rounds)}
    compare(results, effort)
    read_the_ehr(results, effort)
    say("first card")
    start_up(results, effort)
    say("memory")
    memory(results, effort)
    counts = {name: resources(orjson.loads(body(SIZES[name]))) for name in effort.bodies}
    print(write(results, effort, counts, keep=not given.quick))


if __name__ == "__main__":
    main()
