"""The report of a replay as one page of HTML: inline CSS and SVG, nothing fetched, no patient data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cds_service.model.share import Share
from cds_service.replay.figures import HOOKS, Figures
from cds_service.replay.patient import REVIEW
from cds_service.replay.statistics import needed
from cds_service.templates import templates

WIDTH, HEIGHT = 720, 160
"""Of a chart, in pixels."""
PRECISIONS = (0.1, 0.05)
MOST_MISSING = 20
MOST_ALERTS = 5
"""Patients with so many alerts or more are counted together."""


@dataclass(frozen=True)
class About:
    """What was replayed: the version of the service, of its rules, and the number of pieces and lines."""

    version: str
    rules: str


@dataclass(frozen=True)
class Rate:
    """A line of a table: what it is of, and its share."""

    name: str
    share: Share


@dataclass(frozen=True)
class Bar:
    """One bar of a chart, in pixels: the rate, and the ends of its interval."""

    label: str
    title: str
    x: float
    width: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Chart:
    """The rates of one hook by month; ``top`` is the rate per 1,000 at its upper edge."""

    hook: str
    bars: tuple[Bar, ...]
    top: float


def report(figures: Figures, about: About, labels: dict[str, str]) -> str:
    """Return the report. ``labels`` are what facts are called."""
    environment = templates("replay")
    environment.filters["per_1000"] = lambda share: f"{share.value * 1000:,.1f}"
    environment.filters["between"] = lambda share: f"{share.low * 1000:,.1f} – {share.high * 1000:,.1f}"
    return environment.get_template("report.html").render(_values(figures, about, labels))


def _values(figures: Figures, about: About, labels: dict[str, str]) -> dict[str, Any]:
    reviewed = figures.evaluations[REVIEW]
    repeats = figures.repeats
    return {
        "about": about,
        "figures": figures,
        "hooks": [Rate(hook, figures.of_evaluations(hook, figures.with_cards[hook])) for hook in HOOKS],
        "rules": {hook: _rates(figures, hook, figures.rules) for hook in HOOKS},
        "levels": {hook: _rates(figures, hook, figures.levels) for hook in HOOKS},
        "tiers": {hook: _rates(figures, hook, figures.tiers) for hook in HOOKS},
        "charts": [chart for hook in HOOKS if (chart := _chart(figures, hook)).bars],
        "missing": [
            Rate(labels.get(name, name), Share(count, reviewed))
            for name, count in _most(figures.missing.items())[:MOST_MISSING]
        ],
        "undecided": [Rate(name, Share(count, reviewed)) for name, count in _most(figures.undecided.items())],
        "quality": _quality(figures),
        "repeated": Share(repeats.repeated, repeats.alerts),
        "silenced": Share(repeats.silenced, repeats.alerts),
        "by_patient": _by_patient(repeats.by_patient),
        "precisions": PRECISIONS,
        "needs": [
            (rule, count, [needed(width, count) for width in PRECISIONS])
            for rule, count in _most(_firings(figures).items())
        ],
    }


def _rates(figures: Figures, hook: str, counted: Counter[tuple[str, str]]) -> list[Rate]:
    here = [(name, count) for (of, name), count in counted.items() if of == hook]
    return [Rate(name, figures.of_evaluations(hook, count)) for name, count in _most(here)]


def _firings(figures: Figures) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, rule), count in figures.rules.items():
        found[rule] += count
    return found


def _most(counted: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(counted, key=lambda pair: (-pair[1], pair[0]))


def _by_patient(counted: Counter[int]) -> list[tuple[str, int]]:
    few = [(str(alerts), counted[alerts]) for alerts in range(1, MOST_ALERTS)]
    more = sum(count for alerts, count in counted.items() if alerts >= MOST_ALERTS)
    return [*few, (f"{MOST_ALERTS} or more", more)]


QUALITY = (
    ("lines", "{} lines"),
    ("damaged", "File read in part: {}"),
    ("bad", "Bad lines: {}"),
    ("of no patient", "{} that names no patient"),
    ("undated", "{} without the date since when it is known (counts at the last event only)"),
    ("other-patient", "{} that holds another patient's"),
    ("unreadable", "{} that could not be read"),
    ("not replayed: report without a date", "Report without a date, not replayed"),
    ("not replayed: order without a date", "Order without a date, not replayed"),
    ("patients without a Patient", "Patients whose Patient resource is not in the export (no age, no sex)"),
    ("report", "Report: {}"),
)
"""Kinds of counts of the tally, and how a line of them reads."""


def _quality(figures: Figures) -> list[tuple[str, int]]:
    rows: list[tuple[str, int]] = []
    for kind, words in QUALITY:
        named = dict(figures.bad_lines) if kind == "bad" else figures.told(kind)
        rows += ((words.format(name), count) for name, count in sorted(named.items()))
        if kind in figures.tally:
            rows.append((words, figures.tally[kind]))
    return rows


def _chart(figures: Figures, hook: str) -> Chart:
    months = sorted(month for of, month in figures.months if of == hook)
    shares = [Share(figures.months_with_cards[hook, month], figures.months[hook, month]) for month in months]
    top = max((share.high for share in shares), default=0.0) or 1.0
    step = WIDTH / max(len(months), 1)

    def y(value: float) -> float:
        return round(HEIGHT * (1 - value / top), 1)

    bars = tuple(
        Bar(
            label=month,
            title=f"{month}: {share.value * 1000:.1f} per 1,000 ({share.count} of {share.of})",
            x=round(number * step, 1),
            width=round(step * 0.7, 1),
            y=y(share.value),
            low=y(share.low),
            high=y(share.high),
        )
        for number, (month, share) in enumerate(zip(months, shares, strict=True))
    )
    return Chart(hook, bars, top * 1000)
