"""The sentences below one heading, read one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cds_service.fhir.narrative.changes import changes
from cds_service.fhir.narrative.clauses import NOWHERE, Mention, SentenceParts, Spot, Stated
from cds_service.fhir.narrative.depths import Depths
from cds_service.fhir.narrative.judging import AS_IT_STANDS, UNSURE, Judge
from cds_service.fhir.narrative.matching import Sort, book, meant
from cds_service.fhir.narrative.places import Placing
from cds_service.fhir.narrative.sentences import CONTEXT_SECTIONS, Section, Sentence
from cds_service.knowledge import phrases as known
from cds_service.knowledge.phrases import Cue, Kind
from cds_service.model.finding import State, Value


class Found(NamedTuple):
    """A statement before it is dressed: words ``start`` to ``end`` of the sentence say it."""

    fact: str
    value: Value
    spot: Spot
    section: Section
    sentence: Sentence
    start: int
    end: int


class BlockReader:
    """Reads the sentences below one heading, one after the other, and remembers what they were about."""

    def __init__(self, section: Section, study: Spot, suggestive_is_present: bool) -> None:
        self.section = section
        self.recognised = False
        self._study = study
        self._suggestive = AS_IT_STANDS if suggestive_is_present else UNSURE
        self._book = book(section in CONTEXT_SECTIONS)
        self._forget()

    def _forget(self) -> None:
        self._spots: tuple[Spot, ...] = ()
        self._bone: bool | None = None
        self._last: tuple[Mention, ...] = ()

    def read(self, sentence: Sentence) -> list[Found]:
        """Return what one sentence states."""
        if sentence.new_paragraph:
            self._forget()
        hits = meant(self._book.hits(sentence.words))
        if not hits:
            self._last = ()
            return []
        parts = SentenceParts(sentence, hits, self._bone, self._study.site)
        judge = Judge(parts, self._suggestive)
        judge.judge()
        placing = Placing(parts)
        placing.place(() if self.section in CONTEXT_SECTIONS else self._spots, self._study)
        found = [*_statements(parts), *self._of_the_last(parts, judge, placing)]
        if self.section not in CONTEXT_SECTIONS:
            found += [*changes(parts, judge, placing), *Depths(parts, placing).depths(self._last)]
        self.recognised = self.recognised or bool(found) or any(m.wording.fact for m in parts.mentions)
        self._remember(parts, placing)
        found.sort(key=lambda stated: stated[3])
        return [
            Found(fact, value, spot, self.section, sentence, start, end)
            for fact, value, spots, start, end in found
            for spot in spots or (NOWHERE,)
        ]

    def _remember(self, parts: SentenceParts, placing: Placing) -> None:
        self._last = tuple(parts.subjects)
        bone = parts.tissue()
        self._bone = self._bone if bone is None else bone
        if placing.named_spots:
            self._spots = placing.named_spots

    def _of_the_last(self, parts: SentenceParts, judge: Judge, placing: Placing) -> Iterator[Stated]:
        """Return what "this has resolved" or "it is unchanged" says of the one finding of the sentence before."""
        if len(self._last) != 1 or not parts.words or parts.words[0] not in known.PRONOUNS or parts.subjects:
            return
        last = self._last[0]
        if not last.wording.fact or last.wording.kind is Kind.NORMAL:
            return
        cues = {hit.entry.cue: hit for hit in parts.cues}
        spots = placing.named_spots or last.spots
        if Cue.HAS_ENDED in cues:
            hit = cues[Cue.HAS_ENDED]
            yield last.wording.fact, State.ABSENT, spots, hit.start, hit.end
            yield "change", "decreased", spots, hit.start, hit.end
            return
        for hit in parts.change_hits:
            if hit.entry.sort is Sort.CHANGE_AFTER and not judge.is_denied(hit):
                if last.state is None:
                    yield last.wording.fact, State.PRESENT, spots, hit.start, hit.end
                yield "change", hit.entry.word, spots, hit.start, hit.end


def _statements(parts: SentenceParts) -> list[Stated]:
    """Return what the mentions state."""
    return [
        (mention.wording.fact, value, mention.spots, mention.start, mention.end)
        for mention in parts.mentions
        if mention.wording.fact and (value := mention.value) is not None
    ]
