"""From the text of a report to statements, each with the sentence it was read in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cds_service.fhir.narrative.blocks import BlockReader, Found
from cds_service.fhir.narrative.clauses import Spot
from cds_service.fhir.narrative.sentences import (
    CONTEXT_SECTIONS,
    IMAGING_SECTIONS,
    Section,
    Sentence,
    blocks_of,
    plain_form,
    sentences_of,
)
from cds_service.model.finding import State, Trust, Value

LONGEST_TEXT = 100_000
"""Characters that are read; the rest of a longer text is left alone."""
LONGEST_QUOTE = 300
"""Characters of a quote. Of a longer sentence the part around the words that were read is quoted."""


@dataclass(frozen=True)
class TextStatement:
    """One thing that a text says.

    Attributes:
        fact: name of the fact: an imaging finding, a named diagnosis by the id of its cause, or patient context.
        value: a state, one of the fact's choices, or a length in mm. An uncertain choice holds ``indeterminate``.
        site: a site id, ``hip`` or ``knee`` where only the region is named, None when the text does not say.
        side: ``left``, ``right``, ``both`` or None.
        section: where it stands.
        trust: how it was made.
        quote: the sentence, as it stands in the text; at most 300 characters.
        start: offset of the quote in the text that was read.
        end: offset of its end.
    """

    fact: str
    value: Value
    site: str | None
    side: str | None
    section: Section
    trust: Trust
    quote: str
    start: int
    end: int


@dataclass(frozen=True)
class TextReading:
    """What was read from one text.

    Attributes:
        statements: in the order of the text, none twice.
        sections: those the text has, in their order.
        technique: the text below TECHNIQUE; empty when there is none.
        recognised: whether any phrase about a fact was found, also one that states nothing ("no new edema").
    """

    statements: tuple[TextStatement, ...] = ()
    sections: tuple[Section, ...] = ()
    technique: str = ""
    recognised: bool = False


def read_text(
    text: str,
    *,
    trust: Trust = Trust.IMPRESSION_TEXT,
    section: Section = Section.UNTITLED,
    default_site: str | None = None,
    default_side: str | None = None,
    suggestive_is_present: bool = False,
) -> TextReading:
    """Return what a report text says; empty for a text in which nothing is known. Never raises.

    Args:
        text: plain text of a report, of one of its sections, or of an Observation.
        trust: of text without a heading. Below a heading IMPRESSION has its own and the other sections have at most
            that of findings; a note (``Trust.NOTE``) stays a note throughout.
        section: what text without a heading is taken for.
        default_site: site or region of the study, for sentences that name none and inherit none.
        default_side: its side, taken over where the site is the study's.
        suggestive_is_present: whether "suggestive of" and "suspicious for" are read as present; by default they are
            indeterminate, while "consistent with", "compatible with" and "in keeping with" are present.
    Source: field mapping, section 6.
    """
    text = text[:LONGEST_TEXT]
    plain = plain_form(text)
    blocks = blocks_of(text, plain, section)
    study = Spot(default_site, default_side)
    found: list[Found] = []
    recognised = False
    for block in blocks:
        if block.section in IMAGING_SECTIONS or block.section in CONTEXT_SECTIONS:
            reader = BlockReader(block.section, study, suggestive_is_present)
            for sentence in sentences_of(text, plain, block):
                found.extend(reader.read(sentence))
            recognised = recognised or reader.recognised
    return TextReading(
        statements=_statements(text, found, trust),
        sections=tuple(dict.fromkeys(block.section for block in blocks if block.section is not None)),
        technique="\n".join(printable(text[b.start : b.end]) for b in blocks if b.section is Section.TECHNIQUE),
        recognised=recognised,
    )


_SHOWN = (State.PRESENT, State.INDETERMINATE)


def _statements(text: str, found: Sequence[Found], trust: Trust) -> tuple[TextStatement, ...]:
    """Return what was found as statements, without those about one part of a site that shows the finding elsewhere."""
    statements: dict[tuple[object, ...], TextStatement] = {}
    shown = [one for one in found if one.value in _SHOWN]
    for one in found:
        if one.value is State.ABSENT and one.spot.part is not None and _only_a_part(one, shown):
            continue
        quote = _quote(text, one.sentence, one.start, one.end)
        statement = TextStatement(
            fact=one.fact,
            value=one.value,
            site=one.spot.site,
            side=one.spot.side,
            section=one.section,
            trust=_trust(one.section, trust),
            quote=printable(text[quote]),
            start=quote.start,
            end=quote.stop,
        )
        key = (one.fact, one.value, one.spot.site, one.spot.side, one.section, statement.quote)
        statements.setdefault(key, statement)
    return tuple(statements.values())


def _only_a_part(denied: Found, shown: Iterable[Found]) -> bool:
    """Return whether a denial is about one part of a site ("talus") of which another part shows the finding.

    Sites are coarser than reports: without this, "edema of the calcaneus, none in the talus" would be a conflict.
    """
    return any(
        other.fact == denied.fact
        and other.spot.site == denied.spot.site
        and other.spot.part != denied.spot.part
        and (
            other.spot.side == denied.spot.side
            or None in (other.spot.side, denied.spot.side)
            or "both" in (other.spot.side, denied.spot.side)
        )
        for other in shown
    )


def _trust(section: Section, given: Trust) -> Trust:
    if section is Section.UNTITLED or given is Trust.NOTE:
        return given
    if section is Section.IMPRESSION:
        return Trust.IMPRESSION_TEXT
    return min(given, Trust.FINDINGS_TEXT)


def _quote(text: str, sentence: Sentence, start: int, end: int) -> slice:
    """Return where the sentence stands, or the part of it around the words ``start`` to ``end``."""
    first, last = sentence.start, sentence.end
    if last - first <= LONGEST_QUOTE:
        return slice(first, last)
    marks = sentence.marks
    begin, finish = marks[start].start(), marks[end - 1].end()
    room = max(0, LONGEST_QUOTE - (finish - begin))
    first = max(first, min(begin - room // 2, last - LONGEST_QUOTE))
    first = next((mark.start() for mark in marks if first <= mark.start() <= begin), begin)
    limit = first + LONGEST_QUOTE
    last = next((mark.end() for mark in reversed(marks) if mark.end() <= limit), limit)
    piece = text[first:last]
    begin = first + len(piece) - len(piece.lstrip())
    return slice(begin, max(begin, min(first + len(piece.rstrip()), begin + LONGEST_QUOTE)))


_UNPRINTABLE = dict.fromkeys(range(55296, 57344), "�")


def printable(text: str) -> str:
    """Return the text trimmed, with halves of surrogate pairs replaced: they cannot be sent."""
    return text.strip().translate(_UNPRINTABLE) if not text.isascii() else text.strip()
