"""How deep edema reaches (``depth_mm``): the lengths of a sentence, and whether they measure its depth."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cds_service.fhir.narrative.clauses import Clause, Mention, SentenceParts, Spot, Stated
from cds_service.fhir.narrative.matching import Hit, Sort, longest
from cds_service.fhir.narrative.places import Placing
from cds_service.knowledge import phrases as known
from cds_service.knowledge.phrases import Cue, Kind
from cds_service.model.finding import State
from cds_service.model.quantity import (
    Range,
    UnreadableQuantity,
    length_about_mm,
    length_between_mm,
    length_mm,
    length_up_to_mm,
)


@dataclass(frozen=True)
class _Length:
    """A length in the words ``start`` to ``end``."""

    start: int
    end: int
    range: Range


class Depths:
    """Reads the lengths of one sentence."""

    def __init__(self, parts: SentenceParts, placing: Placing) -> None:
        self._parts = parts
        self._words = parts.words
        self._placing = placing

    def depths(self, last: Sequence[Mention]) -> Iterator[Stated]:
        """Return how far edema reaches from the articular surface (``depth_mm``, decision table 5.1).

        A length counts only in a sentence with one of the anchor words, and only when it is the edema that is measured:
        not a fracture line, erosion, cyst or slice, not an earlier value, not one that is denied.
        """
        of = self._parts.of
        if not (of(Sort.ANCHOR) or of(Sort.WEAK_ANCHOR)) or of(Sort.NOT_A_MEASURE):
            return
        lengths = [one for one in self._lengths() if self._is_depth(one, last)]
        if not lengths:
            return
        lengths = self._nearest_the_anchor(lengths)
        for clause in self._parts.clauses:
            here = [one for one in lengths if clause.start <= one.start < clause.end]
            own: Mapping[Mention, tuple[Spot, ...]] = {}
            stand_ins = {one: Mention(one.start, one.end, known.GENERAL_NOUNS) for one in here}
            if len(here) > 1 and len(clause.spots) + len(clause.sides) > 1:
                own = self._placing.nearest(clause, list(stand_ins.values()), None)
            for one in here:
                spots = own.get(stand_ins[one]) or self._spots_of_depth(clause)
                silent = self._placing.spots_of(clause)[0]
                spots = tuple(Spot(s.site or silent.site, s.side or silent.side, s.part) for s in spots)
                doubted = any(c.entry.cue is Cue.DOUBTS and 0 <= one.start - c.end <= 2 for c in clause.cues)
                yield "depth_mm", State.INDETERMINATE if doubted else one.range, spots, one.start, one.end

    def _nearest_the_anchor(self, lengths: Sequence[_Length]) -> list[_Length]:
        """Return the lengths between the same commas as an anchor word, or with a side; all of them when none is."""
        commas = [at for at, word in enumerate(self._words) if word in (",", ";")]
        anchored = {bisect(commas, hit.start) for hit in self._parts.of(Sort.ANCHOR)}
        sided = {bisect(commas, hit.start) for hit in self._parts.of(Sort.SIDE)}
        near = [one for one in lengths if bisect(commas, one.start) in anchored]
        return [one for one in lengths if one in near or bisect(commas, one.start) in sided] if near else list(lengths)

    def _spots_of_depth(self, clause: Clause) -> tuple[Spot, ...]:
        edema = [m for m in clause.mentions if m.wording.fact == "bme"] or (
            [m for m in self._parts.mentions if m.wording.fact == "bme"] if not clause.spots else []
        )
        return edema[0].spots if edema else self._placing.spots_of(clause)

    def _is_depth(self, length: _Length, last: Sequence[Mention]) -> bool:
        words, start, end = self._words, length.start, length.end
        behind_it = words[end : end + 2] if words[end : end + 1] in (("on",), ("at",)) else words[end : end + 1]
        if known.EARLIER_VALUE & {*words[max(0, start - 3) : start], *behind_it}:
            return False
        if words[max(0, start - 2) : start] in (("compared", "with"), ("compared", "to")):
            return False
        if known.SIZED & set(words[end : end + 1]) and not self._parts.of(Sort.ANCHOR):
            return False
        if known.SCORE_WORDS & set(words[max(0, start - 1) : start]):
            return False
        denials = [c for c in self._parts.cues if c.entry.cue in (Cue.DENIES, Cue.DENIES_NEXT) and c.end <= start]
        if any(start - c.end <= 3 and not self._mentioned_between(c.end, start) for c in denials):
            return False
        edema = [m for m in self._parts.mentions if m.wording.fact == "bme"]
        if edema and all(m.denied for m in edema):
            return False
        behind = self._measured_behind(end)
        measured = behind if behind is not None else self._measured_before(start)
        if measured is not None:
            return measured
        here_before = [m for m in last if m.state not in (State.ABSENT, None) and m.wording.kind is Kind.FINDING]
        return bool(self._parts.of(Sort.ANCHOR)) and (
            not here_before or any(m.wording.fact == "bme" for m in here_before)
        )

    def _mentioned_between(self, start: int, end: int) -> bool:
        return any(start <= m.start and m.end <= end for m in self._parts.subjects)

    def _measured_behind(self, end: int) -> bool | None:
        """Return whether edema is what a length stands before ("12 mm band of edema"); None when nothing is."""
        for start, is_edema in sorted(self._measurable(lambda m: m.start)):
            if start >= end:
                gap = self._words[end:start]
                return is_edema if len(gap) <= 3 and not known.PARTS_MEASURE & set(gap) else None
        return None

    def _measured_before(self, start: int) -> bool | None:
        """Return whether edema is what was last named before a length; None when nothing was."""
        before = [(end, is_edema) for end, is_edema in self._measurable(lambda m: m.end) if end <= start]
        return max(before)[1] if before else None

    def _measurable(self, edge: Callable[[Mention | Hit], int]) -> list[tuple[int, bool]]:
        """Return where the things stand that a length may be of, and whether each is edema."""
        denied = [c.end for c in self._parts.cues if c.entry.cue in (Cue.DENIES, Cue.HALF_DENIES)]
        others = [h for h in self._parts.of(Sort.MEASURED) if not any(0 <= h.start - at <= 2 for at in denied)]
        findings = [
            m for m in self._parts.mentions if m.wording.kind is Kind.FINDING and m.state not in (State.ABSENT, None)
        ]
        return [
            *((edge(h), False) for h in others),
            *((edge(m), m.wording.fact in known.MEASURED_AS_EDEMA) for m in findings),
        ]

    def _lengths(self) -> Iterator[_Length]:
        at = 0
        bounds = {hit.end: hit for hit in longest(self._parts.of(Sort.COMPARATOR))}
        behind = {hit.start: hit for hit in self._parts.of(Sort.COMPARATOR_BEHIND)}
        while at < len(self._words):
            length = self._length(at, bounds, behind) if self._words[at][0].isdigit() else None
            if length is not None:
                yield length
            at = max(at + 1, length.end if length is not None else 0)
        for hit in self._parts.of(Sort.SIZE):
            yield _Length(hit.start, hit.end, length_mm(1, "cm", hit.entry.word))

    def _length(self, at: int, bounds: Mapping[int, Hit], behind: Mapping[int, Hit]) -> _Length | None:
        """Return the length that begins with the number at word ``at``, with the bound before or behind it."""
        numbers, unit, end, join = self._numbers(at)
        if unit is None or self._words[max(0, at - 1) : at] == ("minus",):
            return None
        start, comparator = at, ""
        while start in bounds and not comparator:
            comparator, start = bounds[start].entry.word, bounds[start].start
        if end in behind:
            comparator, end = behind[end].entry.word, behind[end].end
        try:
            value = self._range(at, numbers, unit, comparator, join)
        except UnreadableQuantity:
            return None
        return _Length(start, end, value)

    def _range(self, at: int, numbers: Sequence[str], unit: str, comparator: str, join: str) -> Range:
        if join == "x":  # of two or three dimensions, one is the depth; which, is not said
            measures = [length_mm(number, unit).low or Decimal(0) for number in numbers]
            return Range(min(measures), max(measures))
        if len(numbers) > 1:
            if (
                join == "to"
                and self._words[max(0, at - 1) : at] == ("from",)
                and (self._parts.of(Sort.CHANGE_BEFORE) or self._parts.of(Sort.CHANGE_AFTER))
            ):
                return length_mm(numbers[1], unit)  # "increased from 8 to 12 mm"
            return length_between_mm(numbers[0], numbers[1], unit)
        if comparator == "about":
            return length_about_mm(numbers[0], unit)
        if comparator == "up to":
            return length_up_to_mm(numbers[0], unit)
        return length_mm(numbers[0], unit, comparator)

    def _numbers(self, at: int) -> tuple[list[str], str | None, int, str]:
        """Return the numbers of "12 mm", "8-12 mm", "8 mm to 1 cm", "10 x 8 mm", their unit, the end and the joint."""
        words = self._words
        read: list[tuple[str, str | None]] = []
        join = ""
        while True:
            unit = known.LENGTH_UNITS.get(words[at + 1]) if at + 1 < len(words) else None
            read.append((words[at], unit))
            at += 2 if unit else 1
            following = words[at : at + 2]
            joins = len(following) == 2 and following[0] in ("-", "to", "and", "x", "by") and following[1][0].isdigit()
            if (
                not joins
                or len(read) > 2
                or (
                    following[0] == "and"
                    and words[at - 3 : at - 2] != ("between",)
                    and words[at - 2 : at - 1] != ("between",)
                )
            ):
                break
            join = "x" if following[0] in ("x", "by") else "to"
            at += 1
        last = read[-1][1]
        if last is None:
            return [read[0][0]], read[0][1], at, ""
        return [_in_unit(number, unit or last, last) for number, unit in read], last, at, join if len(read) > 1 else ""


def _in_unit(number: str, unit: str, wanted: str) -> str:
    """Return a number in another length unit: "8 mm to 1 cm"."""
    if unit == wanted:
        return number
    measure = length_mm(number, unit).low
    factor = length_mm(1, wanted).low
    return number if measure is None or factor is None else str(measure / factor)
