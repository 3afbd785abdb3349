"""Where things go in the two drawings of the page: the time line of studies and the map of the joints.

Coordinates are in the units of each drawing's ``viewBox``. What a drawing shows also stands in words beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from textwrap import wrap

from cds_service.model.quantity import Range

TIME_WIDTH, TIME_HEIGHT = 320, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 306, 16, 150
_INSET = 34
"""Half the room that the words of a day need."""
_ROOM = Decimal("1.25")
"""The depth axis reaches this much beyond the deepest edema or line."""

MAP_WIDTH, MAP_HEIGHT = 320, 330
_LABEL_CHARACTERS = 16
_LABEL_LINE = 14
_SPOTS: Mapping[str, tuple[int, int]] = {
    "vertebra": (0, 96),
    "si_joint": (10, 140),
    "hip": (24, 158),
    "medial_femoral_condyle": (10, 226),
    "knee": (15, 232),
    "knee_other": (19, 232),
    "foot_ankle": (17, 300),
}
"""Lesion group -> distance from the midline and height. What is not here has no place on the figure."""


@dataclass(frozen=True)
class Mark:
    """One depth at one time; equal ``top`` and ``bottom`` are one number, otherwise a range."""

    x: float
    top: float
    bottom: float
    words: str


@dataclass(frozen=True)
class Line:
    """A horizontal line at a depth that a rule asks for, with its words."""

    y: float
    words: str


@dataclass(frozen=True)
class Tick:
    """A day on the time axis; ``measured`` where a depth is known, ``shown`` where there is room for its words."""

    x: float
    day: str
    measured: bool
    shown: bool


@dataclass(frozen=True)
class TimeLine:
    """Studies over time by depth of edema; the articular surface is the upper edge."""

    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]


def time_line(studies: Sequence[tuple[str, Sequence[tuple[Range, str]]]], limits: Sequence[Decimal]) -> TimeLine | None:
    """Return the drawing, or None when there is nothing to see: neither a depth with a day, nor two days.

    Args:
        studies: for each, its ISO 8601 day (or empty) and its depths in millimetres, each with its words.
        limits: depths that rules ask for, in millimetres.
    """
    dated = sorted((day, depths) for day, depths in studies if day)
    days = sorted({date.fromisoformat(day) for day, _ in dated})
    if len(days) < 2 and not any(depths for _, depths in dated):
        return None
    known = [bound for _, depths in dated for one, _ in depths for bound in (one.low, one.high) if bound is not None]
    deepest = max([*known, *limits, Decimal(1)]) * _ROOM

    def x(day: date) -> float:
        span = (days[-1] - days[0]).days
        return round(_LEFT + _INSET + (_RIGHT - _LEFT - 2 * _INSET) * ((day - days[0]).days / span if span else 0.5), 1)

    def y(depth: Decimal) -> float:
        return round(_TOP + (_BOTTOM - _TOP) * float(depth / deepest), 1)

    marks = [
        Mark(
            x(date.fromisoformat(day)),
            y(Decimal(0) if one.low is None else one.low),
            y(deepest if one.high is None else one.high),
            words,
        )
        for day, depths in dated
        for one, words in depths
    ]
    measured = {day for day, depths in dated if depths}
    ticks: list[Tick] = []
    for day in days:
        room = not any(tick.shown and x(day) - tick.x < 70 for tick in ticks)
        ticks.append(Tick(x(day), day.isoformat(), day.isoformat() in measured, shown=room))
    # Without a depth to compare, a line would only seem to say something.
    lines = [Line(y(limit), f"{limit} mm line") for limit in limits if marks]
    return TimeLine(tuple(marks), tuple(lines), tuple(ticks))


@dataclass(frozen=True)
class Spot:
    """One lesion on the map: its mark (two where the side is not stated), its words, and the finding it links to."""

    anchor: str
    look: str
    marks: tuple[tuple[int, int], ...]
    words: tuple[str, ...]
    x: int
    y: int
    on_left: bool


@dataclass(frozen=True)
class Located:
    """A lesion to be drawn: the id of its findings, where it is, and what is shown there."""

    anchor: str
    group: str
    side: str | None
    place: str
    look: str
    words: str


def joint_map(lesions: Iterable[Located]) -> tuple[Spot, ...]:
    """Return the lesions that have a place on the figure. The patient faces the reader: right is on the left."""
    middle = MAP_WIDTH // 2
    free = {True: 0, False: 0}
    spots: list[Spot] = []
    known = [one for one in lesions if one.group in _SPOTS]
    for one in sorted(known, key=lambda lesion: _SPOTS[lesion.group][1]):
        off, height = _SPOTS[one.group]
        sides = {"left": (off,), "right": (-off,)}.get(one.side or "", (-off, off) if off else (0,))
        on_left = one.side == "right"
        words = (*wrap(one.place, _LABEL_CHARACTERS), *wrap(one.words, _LABEL_CHARACTERS))
        y = max(height - _LABEL_LINE * len(words) // 2, free[on_left])
        free[on_left] = y + _LABEL_LINE * len(words) + 8
        spots.append(
            Spot(
                anchor=one.anchor,
                look=one.look,
                marks=tuple((middle + side, height) for side in sides),
                words=words,
                x=4 if on_left else MAP_WIDTH - 112,
                y=y,
                on_left=on_left,
            )
        )
    return tuple(spots)
