"""What the service counts, for Prometheus. Labels come from fixed lists; none can hold a piece of a record.

With several workers the numbers live in files that all of them write to, in a folder named before the first is counted
(``share``); whoever is asked adds them up.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram

_MAKING = Lock()
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

COUNTERS = {
    "requests": ("Requests answered.", ("endpoint", "service", "status")),
    "cards": ("Cards sent.", ("service", "topic", "tier")),
    "card_rules": ("Cards sent, for each of the rules that they speak for.", ("rule", "tier")),
    "silent_cards": ("Cards not sent, because they were answered before and would say the same.", ("service",)),
    "incomplete_answers": ("Answers that name something that could not be checked.", ("service",)),
    "prefetch": ("Prefetch keys, by the state in which they came.", ("key", "state")),
    "fhir_queries": ("Queries to FHIR servers, by prefetch key: answered, or why not.", ("key", "outcome")),
    "token_failures": ("Tokens refused.", ("reason",)),
    "tokens_remembered_here": ("Tokens remembered in one process only, because the store failed.", ()),
    "feedback": ("Outcomes of cards.", ("outcome",)),
    "events": ("Lines logged.", ("event",)),
}
"""Name -> what it counts, and its labels."""

SECONDS = {
    "request_seconds": ("Time from the first byte read to the answer.", ("endpoint", "service")),
    "phase_seconds": ("Time that a phase of an answer took.", ("service", "phase")),
}

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def share(folder: Path) -> None:
    """Count into files in this folder, which is empty and stays until the service has ended. Before anything else."""
    os.environ[_FOLDER] = str(folder)


def count(name: str, /, *labels: str, by: int = 1) -> None:
    """Add to one of ``COUNTERS``, with its labels in their order."""
    _counter(name, labels).inc(by)


def took(name: str, seconds: float, /, *labels: str) -> None:
    """Record a duration in one of ``SECONDS``."""
    _histogram(name, labels).observe(seconds)


def written() -> tuple[bytes, str]:
    """Return all numbers, of all workers, in Prometheus' text form, and its media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415  # deferred: see _made

    registry = REGISTRY
    if _FOLDER in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it ships half of its types
    return generate_latest(registry), CONTENT_TYPE_LATEST


def forget_worker(pid: int) -> None:
    """Tidy up after a worker that ended; what it counted stays counted."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415  # deferred: see _made

    if _FOLDER in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]  # it ships half of its types


@cache
def _made() -> tuple[dict[str, Counter], dict[str, Histogram]]:
    # Whether numbers are shared is settled when prometheus_client is imported: not before something is counted.
    from prometheus_client import Counter, Histogram  # noqa: PLC0415

    return (
        {name: Counter(f"bme_{name}", about, labels) for name, (about, labels) in COUNTERS.items()},
        {name: Histogram(f"bme_{name}", about, labels, buckets=_BUCKETS) for name, (about, labels) in SECONDS.items()},
    )


@cache
def _counter(name: str, labels: tuple[str, ...]) -> Counter:
    counter = _all()[0][name]
    return counter.labels(*labels) if labels else counter


@cache
def _histogram(name: str, labels: tuple[str, ...]) -> Histogram:
    return _all()[1][name].labels(*labels)


def _all() -> tuple[dict[str, Counter], dict[str, Histogram]]:
    with _MAKING:  # they can be made only once
        return _made()
