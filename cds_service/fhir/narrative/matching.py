"""The phrases of ``knowledge/phrases.py`` looked up in the words of a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, auto
from functools import cache
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from cds_service.knowledge import phrases as known
from cds_service.knowledge.phrases import Cue, Kind, NotMeant, Place, Wording


@dataclass(frozen=True)
class _Element:
    """One element of a phrase: words of which one must stand here, or a gap, or an end."""

    words: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    number: bool = False
    optional: bool = False
    gap: str = ""
    ends: str = ""
    is_one_word: bool = False


class Sort(IntEnum):
    """What a phrase is good for."""

    FACT = auto()
    NOT_MEANT = auto()
    PLACE = auto()
    SIDE = auto()
    BONE = auto()
    TISSUE = auto()
    MARROW = auto()
    CUE = auto()
    CLAUSE = auto()
    EXCEPT = auto()
    ELSEWHERE = auto()
    SPARED = auto()
    CHANGE_BEFORE = auto()
    CHANGE_AFTER = auto()
    ANCHOR = auto()
    WEAK_ANCHOR = auto()
    COMPARATOR = auto()
    COMPARATOR_BEHIND = auto()
    SIZE = auto()
    MEASURED = auto()
    NOT_A_MEASURE = auto()


@dataclass(frozen=True, eq=False, slots=True)
class Entry:
    """One phrase of the book, and what it stands for."""

    form: tuple[_Element, ...]
    sort: Sort
    wording: Wording | None = None
    not_meant: NotMeant | None = None
    place: Place | None = None
    cue: Cue | None = None
    word: str = ""


class Hit(NamedTuple):
    """An entry that was found, from word ``start`` to before word ``end``."""

    start: int
    end: int
    entry: Entry

    def within(self, other: Hit) -> bool:
        return other.start <= self.start and self.end <= other.end

    def overlaps(self, start: int, end: int) -> bool:
        return self.start < end and start < self.end

    def is_twin_of(self, other: Hit) -> bool:
        return self.start == other.start and self.end == other.end

    @property
    def length(self) -> int:
        return self.end - self.start


_ELEMENT = re.compile(r"\([^()]+\)|\[[^\[\]]+\]|\S+")


def _form(phrase: str) -> tuple[_Element, ...]:
    """Return a phrase as elements; the notation is explained at the top of ``knowledge/phrases.py``."""
    elements: list[_Element] = []
    for part in _ELEMENT.findall(phrase):
        if part in ("...", "...."):
            elements.append(_Element(gap=part))
        elif part in ("$", "~"):
            elements.append(_Element(ends=part))
        elif part[0] in "([" and len(part) > 1:
            choices = [choice.strip() for choice in part[1:-1].split("|")]
            elements.append(_one_of(choices, optional=part[0] == "["))
        else:
            elements.append(_one_of([part], optional=False))
    return tuple(elements)


def _one_of(choices: Sequence[str], *, optional: bool) -> _Element:
    plain = [choice for choice in choices if choice != "<n>"]
    rows = tuple(sorted((tuple(choice.split()) for choice in plain if " " in choice), key=len, reverse=True))
    return _Element(
        words=frozenset(choice for choice in plain if " " not in choice and not choice.endswith("*")),
        beginnings=tuple(choice[:-1] for choice in plain if " " not in choice and choice.endswith("*")),
        rows=rows,
        number="<n>" in choices,
        optional=optional,
        is_one_word=not optional and not rows,
    )


def _match(form: Sequence[_Element], words: Sequence[str], at: int, element: int = 0) -> int:
    """Return before which word the phrase ends when it begins at word ``at``; -1 when it does not stand there."""
    while element < len(form) and form[element].is_one_word:
        if at >= len(words) or not _is_one_of(form[element], words[at]):
            return -1
        at, element = at + 1, element + 1
    if element == len(form):
        return at
    for following in _steps(form[element], words, at):
        end = _match(form, words, following, element + 1)
        if end >= 0:
            return end
    return -1


def _steps(element: _Element, words: Sequence[str], at: int) -> Iterator[int]:
    """Return where a phrase may go on after an element that begins at word ``at``, the likeliest first."""
    if element.gap:
        most = _most_between(element.gap)
        last = at
        while last < min(len(words), at + most) and _may_stand_between(words[last]):
            last += 1
        yield from range(at, last + 1) if element.gap == "..." else range(last, at - 1, -1)
    elif element.ends:
        if at == len(words) or words[at] in _PART_ENDS or (element.ends == "~" and words[at] in known.ENDS_BEFORE):
            yield at
    else:
        for row in element.rows:
            if tuple(words[at : at + len(row)]) == row:
                yield at + len(row)
        if at < len(words) and _is_one_of(element, words[at]):
            yield at + 1
        if element.optional:
            yield at


_PART_ENDS = frozenset({",", ";", ":", "(", ")", "?"})


def _is_one_of(element: _Element, word: str) -> bool:
    if word in element.words or (element.beginnings and word.startswith(element.beginnings)):
        return True
    return element.number and word[0].isdigit()


def _may_stand_between(word: str) -> bool:
    return word == "/" or (word[0].isalnum() and word not in known.NOT_BETWEEN)


_Step = tuple[int, int, int, int]
"""Where in a phrase one is: phrase, element, row of that element or -1, and words of the row or gap that are read."""


@dataclass(eq=False, slots=True)
class _Point:
    """What is known after so many words: the steps that may follow, and the phrases that ended on the way.

    ``ends`` holds, by number, after how many words each of them ends; 0 where ``_match`` must say it, because there are
    several such places, or a condition on what follows (``$``). ``following`` holds the points one word on.
    """

    steps: frozenset[_Step]
    read: int
    ends: tuple[tuple[int, int], ...]
    following: dict[str, _Point | None] = field(default_factory=dict)


MOST_KEPT = 200_000
"""Ways from point to point that are kept, and words by their kind: texts can ask for no more memory than that."""


@dataclass
class Book:
    """All phrases, looked up word by word at once: the words read so far lead to a point, the next to another.

    Points are made when a text first needs them. They leave no phrase out that stands in a text, and let none through
    that does not, because only words that fit the same phrases are taken for each other (``_kind``).
    """

    entries: list[Entry] = field(default_factory=list)
    _points: dict[tuple[frozenset[_Step], int, tuple[tuple[int, int], ...]], _Point] = field(default_factory=dict)
    _first: dict[str, _Point | None] = field(default_factory=dict)
    _by_word: dict[str, set[int]] = field(default_factory=dict)
    _by_beginning: dict[str, set[int]] = field(default_factory=dict)
    _by_number: set[int] = field(default_factory=set)
    _beginnings: dict[str, set[str]] = field(default_factory=dict)
    _words: set[str] = field(default_factory=set)
    _kinds: dict[str, str] = field(default_factory=dict)
    _kept: int = 0

    def add(
        self,
        phrases: Iterable[str],
        sort: Sort,
        *,
        wording: Wording | None = None,
        not_meant: NotMeant | None = None,
        place: Place | None = None,
        cue: Cue | None = None,
        word: str = "",
    ) -> None:
        """Add phrases that stand for one thing."""
        for phrase in phrases:
            self._add(Entry(_form(phrase), sort, wording, not_meant, place, cue, word))

    def _add(self, entry: Entry) -> None:
        number = len(self.entries)
        self.entries.append(entry)
        begins = True
        for element in entry.form:
            words = {*element.words, *(row[0] for row in element.rows)}
            self._words |= words | {word for row in element.rows for word in row}
            for beginning in element.beginnings:
                self._beginnings.setdefault(beginning[:3], set()).add(beginning)
            if begins:
                for word in words:
                    self._by_word.setdefault(word, set()).add(number)
                for beginning in element.beginnings:
                    self._by_beginning.setdefault(beginning, set()).add(number)
                if element.number:
                    self._by_number.add(number)
            begins = begins and element.optional

    def hits(self, words: Sequence[str]) -> list[Hit]:
        """Return every phrase in these words that can matter, in the order of their beginnings."""
        hits: list[Hit] = []
        kinds = [self._kinds.get(word) or self._kind(word) for word in words]
        first = self._first
        count = len(kinds)
        speaks = bool(words) and words[0] in known.PRONOUNS
        for start, kind in enumerate(kinds):
            point = first[kind] if kind in first else self._begin(kind)
            if point is None:
                continue
            for at in range(start + 1, count):
                after, following = kinds[at], point.following
                further = following[after] if after in following else self._go_on(point, after)
                if further is None:
                    break
                point = further
            for number, length in point.ends:
                entry = self.entries[number]
                end = start + length if length else _match(entry.form, words, start)
                if end > start:
                    hits.append(Hit(start, end, entry))
                    speaks = speaks or entry.sort in _SPEAK
        return hits if speaks else [hit for hit in hits if hit.entry.sort in _THINGS]

    def _kind(self, word: str) -> str:
        """Return a word of the book as it is, and one word for all others that fit the same phrases."""
        fitting = [one for one in self._beginnings.get(word[:3], ()) if word.startswith(one)]
        if word in self._words or word in known.NOT_BETWEEN:
            kind = word
        elif fitting:
            kind = max(fitting, key=len) + "*"
        elif word[0].isdigit():
            kind = "0*"
        else:
            kind = "*" if _may_stand_between(word) else "!"
        if len(self._kinds) < MOST_KEPT:
            self._kinds[word] = kind
        return kind

    def _begin(self, kind: str) -> _Point | None:
        """Return the point behind the first word of a phrase."""
        numbers = set(self._by_word.get(kind, ()))
        for length in range(3, len(kind) + 1):
            numbers |= self._by_beginning.get(kind[:length], set())
        if kind[0].isdigit():
            numbers |= self._by_number
        start = _Point(frozenset(step for number in numbers for step in self._open(number, 0)[0]), 0, ())
        self._first[kind] = self._go_on(start, kind)
        return self._first[kind]

    def _go_on(self, point: _Point, kind: str) -> _Point | None:
        """Return the point one word on; None when no phrase goes on so."""
        steps: set[_Step] = set()
        ends: set[int] = set()
        for step in point.steps:
            for more, end in self._after(step, kind):
                steps |= more
                ends |= end
        following = None
        if steps or ends:
            read = point.read + 1
            reached = dict(point.ends)
            for number in ends:
                reached[number] = 0 if number in reached or self.entries[number].form[-1].ends else read
            key = frozenset(steps), read, tuple(sorted(reached.items()))
            following = self._points.get(key) or _Point(*key)
            if self._kept < MOST_KEPT:
                self._points[key] = following
        if self._kept < MOST_KEPT:
            self._kept += 1
            point.following[kind] = following
        return following

    def _after(self, step: _Step, kind: str) -> Iterator[tuple[set[_Step], set[int]]]:
        """Return what may follow a step when this word does not stop it."""
        number, at, row, read = step
        element = self.entries[number].form[at]
        if row >= 0:
            words = element.rows[row]
            if words[read] == kind:
                yield self._open(number, at + 1) if read + 1 == len(words) else ({(number, at, row, read + 1)}, set())
            return
        if element.gap:
            if _may_stand_between(kind.rstrip("*") or kind) or kind[0] == "*":
                more, ends = self._open(number, at + 1)
                if read + 1 < _most_between(element.gap):
                    more = more | {(number, at, -1, read + 1)}
                yield more, ends
            return
        if _is_one_of(element, kind):
            yield self._open(number, at + 1)
        for index, words in enumerate(element.rows):
            if words[0] == kind:
                yield self._open(number, at + 1) if len(words) == 1 else ({(number, at, index, 1)}, set())

    def _open(self, number: int, at: int) -> tuple[set[_Step], set[int]]:
        """Return the steps that may be next at an element of a phrase, and the phrase when it may be over."""
        steps: set[_Step] = set()
        form = self.entries[number].form
        while at < len(form):
            if not form[at].ends:
                steps.add((number, at, -1, 0))
                if not form[at].optional and not form[at].gap:
                    return steps, set()
            at += 1
        return steps, {number}


def _most_between(gap: str) -> int:
    return 3 if gap == "..." else 6


_SPEAK = frozenset({Sort.FACT, Sort.CHANGE_BEFORE, Sort.CHANGE_AFTER, Sort.ANCHOR})
_THINGS = _SPEAK | {Sort.NOT_MEANT, Sort.PLACE, Sort.SIDE, Sort.BONE, Sort.TISSUE, Sort.MARROW, Sort.SPARED}
"""What matters also in a sentence that states nothing: what it is about."""


@cache
def book(context: bool) -> Book:
    """Return the phrases for sections with imaging findings, or those for the patient's context."""
    book = Book()
    wordings = known.CONTEXT if context else (*known.IMAGING, *known.NORMAL_STRUCTURES, *known.DIAGNOSES)
    for wording in (*wordings, known.GENERAL_NOUNS):
        book.add(wording.phrases, Sort.FACT, wording=wording)
    for not_meant in known.NOT_MEANT:
        book.add(not_meant.phrases, Sort.NOT_MEANT, not_meant=not_meant)
    for place in known.PLACES:
        book.add(place.phrases, Sort.PLACE, place=place)
    for cue, phrases in known.CUES.items():
        book.add(phrases, Sort.CUE, cue=cue)
    for sort, by_word in (
        (Sort.SIDE, known.SIDES),
        (Sort.CHANGE_BEFORE, known.CHANGE_BEFORE),
        (Sort.CHANGE_AFTER, known.CHANGE_AFTER),
        (Sort.COMPARATOR, known.COMPARATORS),
        (Sort.COMPARATOR_BEHIND, known.COMPARATORS_BEHIND),
        (Sort.SIZE, known.SIZE_WORDS),
    ):
        for word, phrases in by_word.items():
            book.add(phrases, sort, word=word)
    for sort, phrases in (
        (Sort.BONE, known.BONE_WORDS),
        (Sort.TISSUE, known.OTHER_TISSUE_WORDS),
        (Sort.MARROW, known.MARROW_WORDS),
        (Sort.SPARED, known.SPARED),
        (Sort.ANCHOR, known.DEPTH_ANCHORS),
        (Sort.WEAK_ANCHOR, known.DEPTH_WEAK_ANCHORS),
        (Sort.CLAUSE, known.ENDS_CLAUSE),
        (Sort.EXCEPT, known.EXCEPT),
        (Sort.ELSEWHERE, known.ELSEWHERE),
        (Sort.MEASURED, known.MEASURES_OTHERWISE),
        (Sort.NOT_A_MEASURE, known.NOT_A_MEASURE),
    ):
        book.add(phrases, sort)
    return book


CHANGES = frozenset({Sort.CHANGE_BEFORE, Sort.CHANGE_AFTER})


def meant(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits without those inside a phrase that does not mean them."""
    masks = [hit for hit in hits if hit.entry.not_meant is not None]
    if not masks:
        return list(hits)
    return [hit for hit in hits if hit.entry.not_meant is None and not any(_masked(hit, mask) for mask in masks)]


def _masked(hit: Hit, mask: Hit) -> bool:
    not_meant = mask.entry.not_meant
    if not_meant is None or not hit.within(mask):
        return False
    entry = hit.entry
    if not not_meant.facts:
        return entry.sort in (Sort.FACT, Sort.PLACE, Sort.SIDE, Sort.CUE) or entry.sort in CHANGES
    if entry.wording is not None:
        return entry.wording.fact in not_meant.facts
    return "change" in not_meant.facts and entry.sort in CHANGES


def longest(hits: Sequence[Hit]) -> list[Hit]:
    """Return, of hits in their order that overlap, the longest; several in one place are all kept."""
    for hit, following in pairwise(hits):
        if hit.end > following.start and not hit.is_twin_of(following):
            break
    else:
        return [*hits]
    kept: list[Hit] = []
    taken: dict[int, tuple[int, int]] = {}
    for hit in sorted(hits, key=_longest_first):
        span = hit.start, hit.end
        for at in range(*span):
            if taken.get(at, span) != span:
                break
        else:
            taken.update(dict.fromkeys(range(*span), span))
            kept.append(hit)
    return sorted(kept, key=itemgetter(0))


def longest_facts(hits: Sequence[Hit]) -> list[Hit]:
    """Return the facts mentioned: a phrase hides those it covers, and one fact is mentioned once in one place."""
    if len(hits) < 2:
        return [*hits]
    kept: list[Hit] = []
    for hit in sorted(hits, key=_longest_first):
        for other in kept:
            if _hides(other, hit):
                break
        else:
            kept.append(hit)
    return kept


def _longest_first(hit: Hit) -> tuple[int, int]:
    return hit.start - hit.end, hit.start


def _hides(longer: Hit, hit: Hit) -> bool:
    first, second = longer.entry.wording, hit.entry.wording
    if first is None or second is None or not hit.overlaps(longer.start, longer.end):
        return False
    if first.fact == second.fact:
        return True
    return first.covers and hit.within(longer) and hit.length < longer.length and first.kind is not Kind.GENERAL


def without_general_inside(facts: Sequence[Hit]) -> list[Hit]:
    """Return the facts without general nouns that are part of one ("marrow signal changes")."""
    if len(facts) < 2:
        return [*facts]
    named = [hit for hit in facts if hit.entry.wording is not None and hit.entry.wording.fact]
    if len(named) == len(facts):
        return named
    return [hit for hit in facts if hit in named or not any(hit.overlaps(other.start, other.end) for other in named)]
