"""A sentence taken apart: which facts it mentions, which words affirm and deny, and where it is cut into clauses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from cds_service.fhir.narrative.matching import Hit, Sort, longest, longest_facts, without_general_inside
from cds_service.fhir.narrative.sentences import Sentence
from cds_service.knowledge import phrases as known
from cds_service.knowledge.phrases import Anchor, Cue, Kind, Wording
from cds_service.model.finding import State, Value


class Spot(NamedTuple):
    """A place as a sentence names it. ``part`` tells parts of one site apart; None is all of it."""

    site: str | None = None
    side: str | None = None
    part: str | None = None
    plural: bool = False


NOWHERE = Spot()


@dataclass(eq=False, slots=True)
class Mention:
    """A phrase about a fact where it stands, and what the words around it make of it."""

    start: int
    end: int
    wording: Wording
    state: State | None = State.PRESENT
    denied: bool = False
    limited: bool = False
    ended: bool = False
    spots: tuple[Spot, ...] = ()

    @property
    def value(self) -> Value | None:
        """What is stated; None when nothing is."""
        stated = self.wording.value
        if self.state is None or (self.wording.only and self.state not in self.wording.only):
            return None
        if stated is State.PRESENT:
            return self.state
        if self.state is State.ABSENT:
            return None
        return stated if self.state is State.PRESENT else State.INDETERMINATE


BEHIND = frozenset({Cue.DENIED, Cue.DOUBTED, Cue.KEPT, Cue.HAS_ENDED, Cue.UNJUDGED})
LISTS = frozenset(
    {Cue.DENIES, Cue.DENIES_NEXT, Cue.HALF_DENIES, Cue.LIMITS, Cue.LIMITS_DIAGNOSIS, Cue.ENDED, Cue.KEEPS, Cue.DOUBTS}
)
JOINS = frozenset({",", "or", "nor", "and", "&", "/"})


@dataclass(eq=False, slots=True)
class Clause:
    """A part of a sentence between "but", "however", "except" and their like."""

    start: int
    end: int
    begins_exception: bool
    takes_up: bool = False  # speaks of the finding of the clause before without naming it
    mentions: list[Mention] = field(default_factory=list)
    cues: list[Hit] = field(default_factory=list)
    places: list[Hit] = field(default_factory=list)
    sides: list[Hit] = field(default_factory=list)
    spots: tuple[Spot, ...] = ()  # as the clause names them
    named: tuple[Spot, ...] = ()  # with what the words before say of them

    @property
    def subjects(self) -> list[Mention]:
        """The mentions that can be denied, doubted and placed on their own."""
        return _subjects(self.mentions)

    def is_placed(self, start: int, end: int) -> bool:
        """Return whether a place or a side stands between two words."""
        return any(start <= hit.start < end for hit in (*self.places, *self.sides))


_NO_SUBJECTS = (Kind.QUALITY, Kind.GENERAL)


def _subjects(mentions: Iterable[Mention]) -> list[Mention]:
    return [mention for mention in mentions if mention.wording.kind not in _NO_SUBJECTS]


Stated = tuple[str, Value, tuple[Spot, ...], int, int]
"""Fact, value, places, and the words that say it."""


class SentenceParts:
    """One sentence taken apart: the facts it mentions, the words that affirm and deny, and its clauses."""

    def __init__(
        self, sentence: Sentence, hits: Sequence[Hit], bone_before: bool | None, study_site: str | None
    ) -> None:
        self.words = sentence.words
        self.sentence = sentence
        self.mentions: list[Mention] = []
        self.cues: list[Hit] = []
        self.clauses: list[Clause] = []
        self._by_sort: dict[Sort, list[Hit]] = defaultdict(list)
        for hit in hits:
            self._by_sort[hit.entry.sort].append(hit)
        self._mention(bone_before, study_site)

    def of(self, sort: Sort) -> Sequence[Hit]:
        """Return the hits of one sort."""
        return self._by_sort.get(sort, ())

    @property
    def subjects(self) -> list[Mention]:
        """The mentions that can be denied, doubted and placed on their own."""
        return _subjects(self.mentions)

    def clause_of(self, hit: Hit) -> Clause:
        """Return the clause in which a hit stands."""
        return next((c for c in self.clauses if c.start <= hit.start < c.end), self.clauses[-1])

    def _mention(self, bone_before: bool | None, study_site: str | None) -> None:
        """Find the facts that the sentence mentions, the words that affirm and deny, and cut it into clauses."""
        facts = longest_facts(self.of(Sort.FACT))
        facts = [hit for hit in facts if self._is_anchored(hit, bone_before, study_site)]
        facts = without_general_inside(facts)
        self.mentions = [Mention(hit.start, hit.end, w) for hit in facts if (w := hit.entry.wording) is not None]
        self.mentions.sort(key=lambda mention: (mention.start, mention.end))
        self._all_cues = self.of(Sort.CUE)
        self.cues = self.cues_beside(m for m in self.mentions if m.wording.covers and m.wording.fact)
        self._cut()
        self.change_hits = self._changes()

    def _is_anchored(self, hit: Hit, bone_before: bool | None, study_site: str | None) -> bool:
        wording = hit.entry.wording
        if wording is None or wording.anchor is Anchor.NOTHING:
            return True
        if wording.anchor is Anchor.MARROW:
            return bool(self.of(Sort.MARROW))
        nearest: tuple[int, bool] | None = None
        separators = [one.start for one in self.of(Sort.CLAUSE)]
        for tissue in self._tissues():
            if tissue.entry.sort is Sort.TISSUE and tissue.overlaps(hit.start, hit.end):
                continue  # the "fluid" of "fluid-sensitive"
            distance = max(hit.start - tissue.end, tissue.start - hit.end, 0)
            low, high = min(hit.start, tissue.start), max(hit.start, tissue.start)
            distance += 100 * sum(low <= at < high for at in separators)
            if nearest is None or distance < nearest[0]:
                nearest = distance, tissue.entry.sort is not Sort.TISSUE
        if nearest is not None:
            return nearest[1]
        if bone_before is not None:
            return bone_before
        return study_site in known.BONE_WITHOUT_SAYING

    def _tissues(self) -> list[Hit]:
        places = [hit for hit in self.of(Sort.PLACE) if hit.entry.place is not None and hit.entry.place.bone]
        return [*self.of(Sort.BONE), *self.of(Sort.TISSUE), *places]

    def tissue(self) -> bool | None:
        """Return whether the sentence speaks of bone; None when it names no tissue."""
        for mention in self.mentions:
            if mention.wording.fact == "bme":
                return True
        last = max(self._tissues(), key=lambda hit: hit.start, default=None)
        return None if last is None else last.entry.sort is not Sort.TISSUE

    def cues_beside(self, mentions: Iterable[Mention]) -> list[Hit]:
        """Return the cues outside these mentions; of those that overlap, the longest."""
        if not self._all_cues:
            return []
        taken = {at for mention in mentions for at in range(mention.start, mention.end)}
        kept = longest([hit for hit in self._all_cues if taken.isdisjoint(range(hit.start, hit.end))])
        if not any(hit.is_twin_of(following) for hit, following in pairwise(kept)):
            return kept
        twins: dict[tuple[int, int], set[Cue | None]] = defaultdict(set)
        for hit in kept:
            twins[hit.start, hit.end].add(hit.entry.cue)
        return [hit for hit in kept if self._looks_right(hit, twins[hit.start, hit.end])]

    def _looks_right(self, hit: Hit, twins: set[Cue | None]) -> bool:
        """Return whether a word that may look both ways ("possible", "resolved") looks this way here.

        Right behind a finding, or with no finding to follow, it speaks of what stands before.
        """
        if BEHIND.isdisjoint(twins) or LISTS.isdisjoint(twins):
            return True
        named = [mention for mention in self.mentions if mention.wording.fact]
        if self.words[hit.end : hit.end + 1] == (",",) and hit.start:
            return hit.entry.cue in BEHIND
        right_behind = any(0 <= hit.start - mention.end <= 1 for mention in named)
        follows = any(0 <= mention.start - hit.end <= 6 for mention in named)
        return (hit.entry.cue in BEHIND) == (right_behind or not follows)

    def _cut(self) -> None:
        separators = [*self.of(Sort.CLAUSE), *self.of(Sort.EXCEPT)]
        if separators:
            separators = sorted(filter(self._separates, separators), key=lambda hit: hit.start)
        begin, exception = 0, False
        for hit in separators:
            if hit.start < begin:
                continue
            self.clauses.append(Clause(begin, hit.start, exception))
            # Of ", none" and "and not" only the first word separates; the other has its own say.
            begin = hit.start + 1 if self.words[hit.start] in (",", "and") else hit.end
            exception = hit.entry.sort is Sort.EXCEPT
        self.clauses.append(Clause(begin, len(self.words), exception))
        spared = self.of(Sort.SPARED)
        places = longest([hit for hit in self.of(Sort.PLACE) if not self._is_spared(hit, spared)])
        sides = longest([hit for hit in self.of(Sort.SIDE) if not self._is_spared(hit, spared)])
        if len(self.clauses) == 1:
            (clause,) = self.clauses
            clause.mentions, clause.cues, clause.places, clause.sides = self.mentions, self.cues, places, sides
            return
        for clause in self.clauses:
            clause.mentions = [m for m in self.mentions if clause.start <= m.start and m.end <= clause.end]
            clause.cues = [hit for hit in self.cues if clause.start <= hit.start and hit.end <= clause.end]
            clause.places = [hit for hit in places if clause.start <= hit.start < clause.end]
            clause.sides = [hit for hit in sides if clause.start <= hit.start < clause.end]
        for clause, following in pairwise(self.clauses):
            self._take_up(clause, following)
        self.mentions = [mention for clause in self.clauses for mention in clause.mentions]

    def _take_up(self, clause: Clause, following: Clause) -> None:
        """Let a clause that names no finding speak of the one of the clause before.

        "None on the right", "not seen on the right", "today there is none", "on the left it persists".
        """
        if following.mentions or len(clause.subjects) != 1:
            return
        words = self.words[following.start : following.end]
        it = next((at for at, word in enumerate(words[:8]) if word in ("it", "they")), None)
        if words[:1] in (("none",), ("not",), ("absent",)) and following.is_placed(
            following.start, following.start + 5
        ):
            denial = following.start
        elif words[-3:] in (("there", "is", "none"), ("there", "are", "none")):
            denial = following.end - 1
        elif it is not None and following.is_placed(following.start, following.end):
            denial = following.start + it
        else:
            return
        looks_back = any(hit.start == denial and hit.entry.cue in BEHIND for hit in following.cues)
        at = denial if looks_back else denial + 1
        following.takes_up = True
        following.mentions.append(Mention(at, at, clause.subjects[0].wording))

    def _separates(self, hit: Hit) -> bool:
        if any(hit.within(cue) and cue.length > hit.length for cue in self.cues):
            return False
        if any(hit.overlaps(mention.start, mention.end) for mention in self.mentions):
            return False
        if self.words[hit.start] not in known.PARENTHETIC:
            return True
        after = {cue.start for cue in self.cues if cue.entry.cue in BEHIND}
        return not (hit.end in after or (hit.end + 1 in after and self.words[hit.end] == ","))

    def _is_spared(self, place: Hit, spared: Iterable[Hit]) -> bool:
        """Return whether a place is named only to say that the finding is not there."""
        if place.start and self.words[place.start - 1] == "not":  # "of the left, not the right, femoral head"
            return True
        return any(
            0 <= place.start - hit.end <= 3 and not JOINS & set(self.words[hit.end : place.start]) for hit in spared
        )

    def _changes(self) -> list[Hit]:
        """Return the words of change outside the findings' own words; of those that overlap, the longest."""
        before, after = self.of(Sort.CHANGE_BEFORE), self.of(Sort.CHANGE_AFTER)
        if not (before or after):
            return []
        spans = [(m.start, m.end) for m in self.mentions if m.wording.covers and m.wording.fact]
        changes: list[Hit] = []
        for hits in (before, after):
            changes += longest([hit for hit in hits if not any(hit.overlaps(*span) for span in spans)])
        return [hit for hit in changes if not self._is_limited(hit)]

    def _is_limited(self, change: Hit) -> bool:
        """Return whether a longer phrase ("no increase in", "no new") takes the change back."""
        limits = (Cue.KEEPS, Cue.LIMITS, Cue.HALF_DENIES)
        return any(
            hit.entry.cue in limits and hit.overlaps(change.start, change.end) and hit.length > change.length
            for hit in self.cues
        )
