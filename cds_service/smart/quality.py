"""What becomes of the cards, rule by rule: counts and shares that give no single card away.

A cell is what became of the cards of one rule on one hook for one profile in one span of time. A cell of fewer than
``SMALL`` cards, and of more than none, is never told: it counts as 1 to 4, and every total and share is worked out from
that. So no figure depends on how many cards there are in such a cell, and none can be found by subtraction.

Weeks are told each by itself where that makes no small cell, otherwise with as many of the next as it takes: which ones
is the same whatever is asked for. This begins anew every twelve weeks, so that it does not hang on all that ever was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import reduce
from itertools import groupby, pairwise, zip_longest
from operator import add

from cds_service.knowledge.codes.overrides import OVERRIDE_REASONS
from cds_service.model.share import Share
from cds_service.store.records import KeptBack, Outcome

SMALL = 5
"""Of fewer cards, or answers, nothing is told."""

DAY = timedelta(days=1)
WEEK = 7 * DAY
SPAN = 12 * WEEK
"""Weeks are told together within one of these only."""

FIRST_SPAN = datetime(2024, 1, 1, tzinfo=UTC)
"""A Monday, from which spans are counted."""

NEARLY_ALWAYS = 0.75
"""A rule stands out when, with 95 % confidence, more than this share of those who answered overrode it."""

STEPS: tuple[tuple[float, str], ...] = (
    (60, "under 1 minute"),
    (300, "1 to 5 minutes"),
    (900, "5 to 15 minutes"),
    (3_600, "15 to 60 minutes"),
    (14_400, "1 to 4 hours"),
    (86_400, "4 to 24 hours"),
    (604_800, "1 to 7 days"),
    (float("inf"), "over 7 days"),
)
"""Times to action are told as one of these steps: below so many seconds, and its words."""

NO_PROFILE = "not recorded"
"""The profile of cards from before profiles were recorded."""

REST = "Reasons that too few gave to be told apart"
NO_REASON = "No reason given"
_REASONS = {one.code: one.display for one in OVERRIDE_REASONS} | {"": NO_REASON, "other": "Another reason"}


class Part(Enum):
    """What became of what a rule spoke for."""

    ACCEPTED = "accepted"
    OVERRIDDEN = "overridden"
    UNANSWERED = "no answer"
    SILENCED = "silenced"
    HELD = "held back"


SHOWN = (Part.ACCEPTED, Part.OVERRIDDEN, Part.UNANSWERED)


@dataclass(frozen=True)
class Count:
    """So many, or from ``least`` to ``most`` where small cells are among them."""

    least: int
    most: int

    @classmethod
    def of(cls, cards: int) -> Count:
        """Return what may be told of so many."""
        return cls(1, SMALL - 1) if 0 < cards < SMALL else cls(cards, cards)

    def __add__(self, other: Count) -> Count:
        return Count(self.least + other.least, self.most + other.most)

    @property
    def words(self) -> str:
        """The count as it is shown. No number below ``SMALL`` is, but 0."""
        if self.least == self.most:
            return f"{self.least:,}"
        if self.least >= SMALL:
            return f"{self.least:,}–{self.most:,}"
        return f"fewer than {self.most + 1:,}"


NONE = Count(0, 0)


@dataclass(frozen=True)
class Portion:
    """A share of two counts, and its 95 % interval, whatever is in the small cells. All between 0 and 1."""

    least: float
    most: float
    low: float
    high: float

    @property
    def middle(self) -> float:
        """Where a drawing puts it."""
        return (self.least + self.most) / 2

    @property
    def words(self) -> str:
        """The share and its interval in per cent."""
        least, most, low, high = (round(100 * one) for one in (self.least, self.most, self.low, self.high))
        return f"{least if least == most else f'{least}–{most}'} % ({low}–{high} %)"


def portion(count: Count, others: Count) -> Portion | None:
    """Return the share of ``count`` in both; None when they may be fewer than ``SMALL``."""
    if count.least + others.least < SMALL:
        return None
    fewest, greatest = Share(count.least, count.least + others.most), Share(count.most, count.most + others.least)
    return Portion(fewest.value, greatest.value, fewest.low, greatest.high)


@dataclass(frozen=True)
class Figures:
    """What is told of a rule in some time.

    Attributes:
        counts: of each part; what is not there is none.
        times: of ``STEPS``, by place, of the answers in cells that are told.
    """

    counts: Mapping[Part, Count] = field(default_factory=dict)
    times: Mapping[int, int] = field(default_factory=dict)

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            {part: self.of(part) + other.of(part) for part in Part},
            Counter(self.times) + Counter(other.times),
        )

    def of(self, part: Part) -> Count:
        """Return the count of a part."""
        return self.counts.get(part, NONE)

    @property
    def shown(self) -> Count:
        """Cards sent."""
        return reduce(add, (self.of(part) for part in SHOWN))

    @property
    def fired(self) -> Count:
        """How often the rule spoke for a conclusion, be it shown, silenced or held back."""
        return reduce(add, (self.of(part) for part in Part))

    @property
    def accepted(self) -> Portion | None:
        """The share of the answers that accept."""
        return portion(self.of(Part.ACCEPTED), self.of(Part.OVERRIDDEN))

    @property
    def overridden(self) -> Portion | None:
        """The share of the answers that override."""
        return portion(self.of(Part.OVERRIDDEN), self.of(Part.ACCEPTED))

    @property
    def stands_out(self) -> bool:
        """Whether the rule is overridden nearly always."""
        return self.overridden is not None and self.overridden.low > NEARLY_ALWAYS

    @property
    def time_to_action(self) -> str:
        """The step of the middle answer; empty when there are fewer than ``SMALL``."""
        total = sum(self.times.values())
        passed = 0
        for place, (_, words) in enumerate(STEPS):
            passed += self.times.get(place, 0)
            if total >= SMALL and 2 * passed >= total:
                return words
        return ""


@dataclass(frozen=True)
class Told:
    """The figures of a span of weeks from its first day on."""

    begin: datetime
    weeks: int
    figures: Figures

    @property
    def end(self) -> datetime:
        """The first moment that is no longer in it."""
        return self.begin + self.weeks * WEEK

    @property
    def first_day(self) -> str:
        """As ISO 8601."""
        return day(self.begin)

    @property
    def last_day(self) -> str:
        """As ISO 8601."""
        return day(self.end - DAY)


@dataclass(frozen=True)
class Series:
    """What is told of one rule on one hook for one profile, in order of time.

    ``reasons``: for each span, by its begin, why cards were overridden (in words) and how often; no number is below
    ``SMALL``. They are told for the whole span because there are so many reasons.
    """

    rule: str
    hook: str
    profile: str
    told: tuple[Told, ...]
    reasons: tuple[tuple[datetime, Mapping[str, int]], ...]


@dataclass(frozen=True)
class RuleQuality:
    """What is told of one rule on the chosen hooks for the chosen profiles: in all, and in order of time.

    ``reasons``: why it was overridden and how often, the most frequent first.
    """

    rule: str
    figures: Figures
    told: tuple[Told, ...]
    reasons: tuple[tuple[str, int], ...]


@dataclass
class _Cells:
    """Everything that is known of one rule, hook and profile in some time. Never shown."""

    parts: Counter[Part] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    times: Counter[tuple[Part, int]] = field(default_factory=Counter)

    def take(self, outcome: Outcome) -> None:
        part = _part(outcome)
        self.parts[part] += outcome.cards
        if part is Part.OVERRIDDEN:
            self.reasons[outcome.reason_code] += outcome.cards
        if outcome.took_s is not None:
            self.times[part, next(at for at, (below, _) in enumerate(STEPS) if outcome.took_s < below)] += outcome.cards

    def __add__(self, other: _Cells) -> _Cells:
        return _Cells(self.parts + other.parts, self.reasons + other.reasons, self.times + other.times)

    @property
    def has_small(self) -> bool:
        return any(0 < count < SMALL for count in self.parts.values())

    def told(self) -> Figures:
        times: Counter[int] = Counter()
        for (part, step), count in self.times.items():
            if self.parts[part] >= SMALL:
                times[step] += count
        counts = {part: Count.of(self.parts[part]) for part in Part}
        return Figures(counts, times)


def day(at: datetime) -> str:
    """Return the day of a moment, ISO 8601."""
    return at.date().isoformat()


def spans_of(now: datetime, weeks: int) -> tuple[datetime, int]:
    """Return the begin of the span that held the day so many weeks ago, and the number of weeks from there to now."""
    begin = _span_of(now - weeks * WEEK)
    return begin, -((begin - now) // WEEK)


def gathered(outcomes: Iterable[Outcome], until: datetime) -> list[Series]:
    """Return what may be told of these outcomes, by rule, hook and profile.

    They are all that there are of whole spans (see ``spans_of``), the last of which may end with a week, ``until``.
    """
    cells: dict[tuple[str, str, str], dict[datetime, _Cells]] = defaultdict(lambda: defaultdict(_Cells))
    for outcome in outcomes:
        for rule in outcome.rules:
            cells[rule, outcome.hook, outcome.profile or NO_PROFILE][outcome.week].take(outcome)
    return [_series(key, cells[key], until) for key in sorted(cells)]


def quality(series: Iterable[Series], hook: str = "", profile: str = "") -> list[RuleQuality]:
    """Return the figures of each rule on a hook, for a profile, or on and for all; those that stand out come first."""
    of_rule: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        if hook in ("", one.hook) and profile in ("", one.profile):
            of_rule[one.rule].append(one)
    found = []
    for rule, several in of_rule.items():
        told = _together([one.told for one in several])
        reasons = sum((Counter(why) for one in several for _, why in one.reasons), Counter[str]())
        by_frequency = sorted(reasons.items(), key=lambda pair: (pair[0] == REST, -pair[1], pair[0]))
        total = reduce(add, (one.figures for one in told), Figures())
        found.append(RuleQuality(rule, total, told, tuple(by_frequency)))
    return sorted(found, key=lambda one: (not one.figures.stands_out, -one.figures.fired.least, one.rule))


def _part(outcome: Outcome) -> Part:
    if outcome.kept_back is not None:
        return Part.SILENCED if outcome.kept_back is KeptBack.SILENT else Part.HELD
    return {"accepted": Part.ACCEPTED, "overridden": Part.OVERRIDDEN}.get(outcome.outcome, Part.UNANSWERED)


def _series(key: tuple[str, str, str], weeks: Mapping[datetime, _Cells], until: datetime) -> Series:
    """Return what is told of weeks by their begin: as few together as make no small cell, none beyond a span.

    What is left at the end of a span may hold small cells.
    """
    told: list[Told] = []
    reasons: list[tuple[datetime, Mapping[str, int]]] = []
    for span, of_span in groupby(sorted(weeks), key=_span_of):
        whole = Counter[str]()
        for begin, end, cells in _put_together(list(of_span), weeks, min(span + SPAN, until)):
            told.append(Told(begin, (end - begin) // WEEK, cells.told()))
            if cells.parts[Part.OVERRIDDEN] >= SMALL:
                whole += cells.reasons
        if whole:
            reasons.append((span, dict(_reasons(whole))))
    return Series(*key, tuple(told), tuple(reasons))


def _put_together(
    of_span: Sequence[datetime], weeks: Mapping[datetime, _Cells], end: datetime
) -> Iterator[tuple[datetime, datetime, _Cells]]:
    begin, cells = of_span[0], _Cells()
    for week, following in zip_longest(of_span, of_span[1:]):
        cells += weeks[week]
        if not cells.has_small:
            yield begin, week + WEEK, cells
            begin, cells = following, _Cells()
    if cells.parts:
        # Not only to the last week with a card: that would tell that there is one.
        yield begin, end, cells


def _reasons(given: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield the reasons that enough gave, and the others together; if these are few, with the next more frequent."""
    rest = 0
    for reason, count in sorted(given.items(), key=lambda pair: (pair[1], pair[0])):
        if count < SMALL or 0 < rest < SMALL:
            rest += count
        else:
            yield _REASONS.get(reason, reason), count
    if rest:
        yield REST, rest


def _span_of(day: datetime) -> datetime:
    return FIRST_SPAN + (day - FIRST_SPAN) // SPAN * SPAN


def _together(several: Sequence[Sequence[Told]]) -> tuple[Told, ...]:
    """Return the figures of several series added up, cut only where none of them goes on."""
    everything = [one for told in several for one in told]
    cuts = sorted({at for one in everything for at in (one.begin, one.end)})
    cuts = [at for at in cuts if not any(one.begin < at < one.end for one in everything)]
    found = []
    for begin, end in pairwise(cuts):
        here = [one.figures for one in everything if begin <= one.begin and one.end <= end]
        if here:
            found.append(Told(begin, (end - begin) // WEEK, reduce(add, here)))
    return tuple(found)


TREND_WIDTH, TREND_HEIGHT = 360, 112
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 352, 8, 88


@dataclass(frozen=True)
class Point:
    """A share in a span of time: where it is drawn, with the ends of its interval, and its words."""

    x: float
    y: float
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class Trend:
    """The share of the answers that accept, over time. ``lines`` are the heights of 0, 50 and 100 %."""

    points: tuple[Point, ...]
    lines: tuple[tuple[float, str], ...]
    first: str
    last: str

    @property
    def path(self) -> str:
        """The points of the line, as SVG writes them."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)


def trend_of(told: Sequence[Told]) -> Trend | None:
    """Return the drawing; None when there is no share to be told at two times at least."""
    shares = [(one, one.figures.accepted) for one in told]
    known = [(one, share) for one, share in shares if share is not None]
    if len(known) < 2:
        return None
    begin, end = known[0][0].begin, known[-1][0].end

    def y(share: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * share, 1)

    points = tuple(
        Point(
            round(_LEFT + (_RIGHT - _LEFT) * ((one.begin - begin) + (one.end - one.begin) / 2) / (end - begin), 1),
            y(share.middle),
            y(share.low),
            y(share.high),
            f"{one.first_day} to {one.last_day}: {share.words}",
        )
        for one, share in known
    )
    lines = tuple((y(share), f"{share:.0%}".replace("%", " %")) for share in (0.0, 0.5, 1.0))
    return Trend(points, lines, known[0][0].first_day, known[-1][0].last_day)
