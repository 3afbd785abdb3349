"""From the text of an English radiology report to statements about facts, each with the sentence it was read in.

What the words mean stands in ``knowledge/phrases.py``; here is only how a text is cut and how its phrases are put
together. The reader is cautious in one direction: a finding is absent only when a denial reaches it beyond doubt.
Where that cannot be told ("no fracture with marrow edema") the finding is indeterminate, and where only a kind of it
is denied ("no new edema") nothing is stated.

How a text is read:

1. Headings cut it into sections. Imaging findings come from FINDINGS, IMPRESSION and text without a heading; context
   of the patient from INDICATION and HISTORY; TECHNIQUE is handed on; COMPARISON says nothing.
2. Sections are cut into sentences, sentences into words, and at "but", "however", "except" into clauses.
3. Phrases are looked up word by word. The longest wins: "bone marrow edema syndrome" holds no edema, and "cannot be
   excluded" no exclusion.
4. For every mention the nearest word before it that denies or doubts decides, as far as its list reaches; then what
   stands behind it.
5. Places and sides bind to the nearest finding. A sentence that names none takes them from the sentence before when
   that names exactly one, otherwise from the study.

Nothing raises, whatever the text, and the time grows with its length only: there is no backtracking beyond a phrase.

Source: field mapping, section 6; decision table 3.10 and 5.1.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum, StrEnum, auto
from functools import cache
from typing import NamedTuple

from cds_service.knowledge import phrases as known
from cds_service.knowledge.phrases import Anchor, Cue, Kind, NotMeant, Place, Wording
from cds_service.model.finding import State, Trust, Value
from cds_service.model.quantity import (
    Range,
    UnreadableQuantity,
    length_about_mm,
    length_between_mm,
    length_mm,
    length_up_to_mm,
)

__all__ = ["LONGEST_QUOTE", "LONGEST_TEXT", "Section", "TextReading", "TextStatement", "read_text"]

LONGEST_TEXT = 100_000
"""Characters that are read; the rest of a longer text is left alone."""
LONGEST_QUOTE = 300
"""Characters of a quote. Of a longer sentence the part around the words that were read is quoted."""
LONGEST_SENTENCE = 1_500
"""Characters after which a text without full stops is cut all the same."""


class Section(StrEnum):
    """The part of a report in which something stands."""

    FINDINGS = "findings"
    IMPRESSION = "impression"
    INDICATION = "indication"
    HISTORY = "history"
    TECHNIQUE = "technique"
    COMPARISON = "comparison"
    UNTITLED = "untitled"


IMAGING_SECTIONS = frozenset({Section.FINDINGS, Section.IMPRESSION, Section.UNTITLED})
CONTEXT_SECTIONS = frozenset({Section.INDICATION, Section.HISTORY})


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
    plain = _plain(text)
    blocks = _blocks(text, plain, section)
    study = _Spot(default_site, default_side)
    found: list[_Found] = []
    recognised = False
    for block in blocks:
        if block.section in IMAGING_SECTIONS or block.section in CONTEXT_SECTIONS:
            reader = _BlockReader(block.section, study, suggestive_is_present)
            for sentence in _sentences(text, plain, block):
                found.extend(reader.read(sentence))
            recognised = recognised or reader.recognised
    return TextReading(
        statements=_statements(text, found, trust),
        sections=tuple(dict.fromkeys(block.section for block in blocks if block.section is not None)),
        technique="\n".join(_printable(text[b.start : b.end]) for b in blocks if b.section is Section.TECHNIQUE),
        recognised=recognised,
    )


def _statements(text: str, found: Sequence[_Found], trust: Trust) -> tuple[TextStatement, ...]:
    """Return what was found as statements, without those about one part of a site that shows the finding elsewhere."""
    statements: dict[TextStatement, TextStatement] = {}
    by_fact: dict[str, list[_Found]] = {}
    for one in found:
        by_fact.setdefault(one.fact, []).append(one)
    for one in found:
        if one.value is State.ABSENT and _only_a_part(one, by_fact[one.fact]):
            continue
        quote = _quote(text, one.sentence, one.start, one.end)
        statement = TextStatement(
            fact=one.fact,
            value=one.value,
            site=one.spot.site,
            side=one.spot.side,
            section=one.section,
            trust=_trust(one.section, trust),
            quote=_printable(text[quote]),
            start=quote.start,
            end=quote.stop,
        )
        statements.setdefault(replace(statement, start=0, end=0), statement)
    return tuple(statements.values())


def _only_a_part(denied: _Found, others: Iterable[_Found]) -> bool:
    """Return whether a denial is about one part of a site ("talus") of which another part shows the finding.

    Sites are coarser than reports: without this, "edema of the calcaneus, none in the talus" would be a conflict.
    """
    if denied.spot.part is None:
        return False
    return any(
        other.value in (State.PRESENT, State.INDETERMINATE)
        and other.spot.site == denied.spot.site
        and other.spot.part != denied.spot.part
        and (
            other.spot.side == denied.spot.side
            or None in (other.spot.side, denied.spot.side)
            or "both" in (other.spot.side, denied.spot.side)
        )
        for other in others
    )


def _trust(section: Section, given: Trust) -> Trust:
    if section is Section.UNTITLED or given is Trust.NOTE:
        return given
    if section is Section.IMPRESSION:
        return Trust.IMPRESSION_TEXT
    return min(given, Trust.FINDINGS_TEXT)


def _quote(text: str, sentence: _Sentence, start: int, end: int) -> slice:
    """Return where the sentence stands, or the part of it around the words ``start`` to ``end``."""
    first, last = sentence.start, sentence.end
    if last - first > LONGEST_QUOTE:
        begin, finish = sentence.starts[start], sentence.ends[end - 1]
        room = max(0, LONGEST_QUOTE - (finish - begin))
        first = max(first, min(begin - room // 2, last - LONGEST_QUOTE))
        first = next((at for at in sentence.starts if first <= at <= begin), begin)
        last = next((at for at in reversed(sentence.ends) if at <= first + LONGEST_QUOTE), first + LONGEST_QUOTE)
    piece = text[first:last]
    begin = first + len(piece) - len(piece.lstrip())
    return slice(begin, max(begin, min(first + len(piece.rstrip()), begin + LONGEST_QUOTE)))


_UNPRINTABLE = dict.fromkeys(range(55296, 57344), "�")


def _printable(text: str) -> str:
    """Return the text trimmed, with halves of surrogate pairs replaced: they cannot be sent."""
    return text.strip().translate(_UNPRINTABLE) if not text.isascii() else text.strip()


# --- From text to sentences -----------------------------------------------------------------------------------------

_SAME_LENGTH = {
    **dict.fromkeys(range(0x00, 0x20), " "),
    **dict.fromkeys(range(0x7F, 0xA1), " "),
    **dict.fromkeys((0x2028, 0x2029, 0x85, 0x0A, 0x0B, 0x0C), "\n"),
    0x0D: " ",  # what ends a line beside it; alone it is made a line feed before
    **dict.fromkeys((*range(0x2000, 0x200C), 0x202F, 0x205F, 0x3000, 0xFEFF), " "),
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xAD), "-"),
    **dict.fromkeys((0x2018, 0x2019, 0x02BC, 0x60), "'"),
    **dict.fromkeys((0x2022, 0x25CF, 0x25AA, 0x25E6, 0xB7, 0x2043), "*"),
    0xD7: "x",
}


def _plain(text: str) -> str:
    """Return the text in lower case and with plain spaces, dashes and quotes, character for character."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    if "\r" in lower:
        lower = re.sub(r"\r(?!\n)", "\n", lower)
    return lower.translate(_SAME_LENGTH)


@dataclass(frozen=True)
class _Block:
    """A piece of text below one heading; without a section it is not read."""

    section: Section | None
    start: int
    end: int


@cache
def _headings() -> tuple[re.Pattern[str], Mapping[str, Section | None]]:
    section_of = {
        heading: Section(section) if section else None
        for section, headings in known.HEADINGS.items()
        for heading in headings
    }
    one = "|".join(sorted(map(re.escape, section_of), key=len, reverse=True))
    pattern = (
        rf"(?P<line>^[ \t]{{0,20}}(?:[#*_>-]{{1,6}}[ \t]{{0,5}})?(?:\d{{1,2}}[.)][ \t]{{0,5}})?)?(?<![\w'-])"
        rf"(?P<name>{one})(?:[ \t]{{0,3}}(?:/|&|and|,)[ \t]{{0,3}}(?:{one}))?[*_]{{0,3}}[ \t]{{0,5}}"
        rf"(?:(?P<colon>:)[*_]{{0,3}}|(?P<dash>-)(?=[ \t])|(?=\n|\Z))"
    )
    return re.compile(pattern, re.MULTILINE), section_of


def _blocks(text: str, plain: str, untitled: Section) -> list[_Block]:
    pattern, section_of = _headings()
    marks: list[tuple[int, int, Section | None]] = []
    for match in pattern.finditer(plain):
        on_new_line = match["line"] is not None
        inside_line = match["colon"] is not None and text[match.start("name")].isupper()
        if on_new_line or inside_line:
            marks.append((match.start(), match.end(), section_of[match["name"]]))
    has_findings = any(section is Section.FINDINGS for _, _, section in marks)
    blocks: list[_Block] = []
    first = marks[0][0] if marks else len(plain)
    blocks.append(_Block(untitled, 0, first))
    for number, (_, start, section) in enumerate(marks):
        end = marks[number + 1][0] if number + 1 < len(marks) else len(plain)
        blocks.extend(_below(plain, _Block(section, start, end), untitled, has_findings))
    return [block for block in blocks if plain[block.start : block.end].strip()]


_PARAGRAPH = re.compile(r"\n[ \t]{0,200}\n")


def _below(plain: str, block: _Block, untitled: Section, has_findings: bool) -> Iterator[_Block]:
    """Return a block. Without a heading FINDINGS, what follows the paragraph of TECHNIQUE or COMPARISON is untitled."""
    if not has_findings and block.section in (Section.TECHNIQUE, Section.COMPARISON):
        begin = block.start
        while begin < block.end and plain[begin].isspace():
            begin += 1
        gap = _PARAGRAPH.search(plain, begin, block.end)
        if gap:
            yield _Block(block.section, block.start, gap.start())
            yield _Block(untitled, gap.end(), block.end)
            return
    yield block


@dataclass(frozen=True)
class _Sentence:
    """A sentence: its place in the text, and its words in the form in which they are compared."""

    start: int
    end: int
    new_paragraph: bool
    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def is_question(self) -> bool:
        return bool(self.words) and self.words[-1] == "?" and self.words[0] in known.QUESTION_BEGINS


_MARK = re.compile(r"[.!?]+(?=[\s)\"'\]]|\Z)|\.(?=[^\W\d_])|\n|[ \t](?=\d{1,2}\)[ \t])")
_BULLET = re.compile(r"[ \t]{0,20}(?:[-*>+]{1,3}(?=[ \t]|[^\W\d])|\(?\d{1,2}[.)](?![\d])|\(?[a-h]\))[ \t]{0,5}")
_LABEL = re.compile(r"[ \t]{0,20}[^\W\d_][^\n:.;,]{0,40}:")
_LAST_WORD = re.compile(r"[^\s,;:()\[\]]{1,20}\Z")


def _sentences(text: str, plain: str, block: _Block) -> Iterator[_Sentence]:
    begin = block.start
    new_paragraph = True
    for mark in _MARK.finditer(plain, block.start, block.end):
        if mark.start() < begin:
            continue
        sort = _boundary(text, plain, begin, mark, block.end)
        if sort == "none":
            continue
        for start, end in _short_enough(plain, begin, mark.end()):
            sentence = _sentence(plain, start, end, new_paragraph)
            if sentence.words:
                yield sentence
                new_paragraph = False
        if sort == "paragraph":
            new_paragraph = True
        begin = mark.end()
    for start, end in _short_enough(plain, begin, block.end):
        sentence = _sentence(plain, start, end, new_paragraph)
        if sentence.words:
            yield sentence
            new_paragraph = False


def _boundary(text: str, plain: str, begin: int, mark: re.Match[str], end: int) -> str:
    """Return whether a mark ends a ``sentence``, ends a ``paragraph``, or ends ``none``."""
    at = mark.start()
    if plain[at] == "\n":
        return _line_boundary(text, plain, begin, at, end)
    if plain[at] in " \t":  # "1) ... 2) ..." on one line, but not "(image 2) ..."
        return "none" if plain.rfind("(", begin, at) > plain.rfind(")", begin, at) else "sentence"
    last = _LAST_WORD.search(plain, max(begin, at - 20), at)
    word = last.group() if last else ""
    if plain[at] == "?":
        return "sentence" if word else "none"
    if plain[at] == ".":
        inside = mark.end() < len(plain) and not plain[mark.end()].isspace() and plain[mark.end()] not in ")\"']"
        if inside:  # "edema.No erosion": a missing blank
            return "sentence" if len(word) > 2 and word.isalpha() and text[mark.end()].isupper() else "none"
        if word.strip("(") in known.ABBREVIATIONS:
            return "none"
        if word == "no" and plain[mark.end() : mark.end() + 3].strip()[:1].isdigit():
            return "none"
        if not plain[begin:at].strip(" \t\n(").strip("0123456789") or (len(word) == 1 and word.isalpha()):
            return "none"  # the number of a list, or an initial
    return "sentence"


def _line_boundary(text: str, plain: str, begin: int, at: int, end: int) -> str:
    """Return what a line break ends. A line that may go on does so only where its words ask for it."""
    follows = at + 1
    while follows < end and plain[follows] in " \t":
        follows += 1
    if follows >= end or plain[follows] == "\n":
        return "paragraph"
    before = plain[begin:at].rstrip()
    if not before or before[-1] in ".:;!?":
        return "sentence"
    if _BULLET.match(plain, at + 1, end) or _LABEL.match(plain, at + 1, min(end, at + 80)):
        return "sentence"
    last = _LAST_WORD.search(before)
    if before[-1] in ",-/(" or (last and last.group() in known.GOES_ON_AFTER):
        return "none"
    if not text[follows].isupper():
        return "none"
    first = re.compile(r"[\w-]{1,30}").match(plain, follows)
    word = first.group() if first else ""
    long_line = at - plain.rfind("\n", max(0, at - 200), at) > 60
    in_capitals = len(word) > 1 and text[follows : follows + len(word)].upper() == text[follows : follows + len(word)]
    return "none" if long_line and (in_capitals or word in known.NAMES_IN_CAPITALS) else "sentence"


def _short_enough(plain: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > LONGEST_SENTENCE:
        cut = plain.rfind(" ", start + LONGEST_SENTENCE // 2, start + LONGEST_SENTENCE)
        cut = cut if cut > 0 else start + LONGEST_SENTENCE
        yield start, cut
        start = cut
    yield start, end


# A decimal, a word (t1, l5, don't), a comparison, a mark. A hyphen stands only between or before numbers.
_WORD = re.compile(
    r"(?<![\d.,])-(?=\d)|\d+(?:[.,]\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?(?:\d{1,2}(?!\d)[a-z]{0,4})?"
    r"|\+/-|>=|<=|[<>≥≤~≈±?,;:()/+&-]"
)


def _sentence(plain: str, start: int, end: int, new_paragraph: bool) -> _Sentence:
    bullet = _BULLET.match(plain, start, end)
    start = bullet.end() if bullet else start
    while start < end and plain[start].isspace():
        start += 1
    while end > start and plain[end - 1].isspace():
        end -= 1
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _WORD.finditer(plain, start, end):
        word = match.group()
        if word in known.LEFT_OUT:
            continue
        if word == "-":
            word = _dash(plain, match.start(), match.end(), words)
            if not word:
                continue
        for part in known.SPELLINGS.get(word, word).split():
            words.append(part if part != "+/-" else "±")
            starts.append(match.start())
            ends.append(match.end())
    return _Sentence(start, end, new_paragraph, tuple(words), tuple(starts), tuple(ends))


def _dash(plain: str, start: int, end: int, words: Sequence[str]) -> str:
    """Return how a hyphen is read: as the dash of a range, the sign of a number, a colon ("erosion - no"), or not."""
    after = plain[end : end + 2].lstrip()[:1]
    if words and (words[-1][0].isdigit() or words[-1] in known.LENGTH_UNITS) and after.isdigit():
        return "-"
    if after.isdigit() and plain[end : end + 1].isdigit():
        return "minus" if plain[start - 1 : start] in ("", " ", ":", "\n", "(") else ""
    return ":" if plain[start - 1 : start] == " " and plain[end : end + 1] == " " else ""


# --- Phrases --------------------------------------------------------------------------------------------------------


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


class _Sort(Enum):
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


@dataclass(frozen=True, eq=False)
class _Entry:
    """One phrase of the book, and what it stands for."""

    form: tuple[_Element, ...]
    sort: _Sort
    wording: Wording | None = None
    not_meant: NotMeant | None = None
    place: Place | None = None
    cue: Cue | None = None
    word: str = ""

    @property
    def second(self) -> _Element | None:
        """What must stand right behind the first word; None when that may be anything."""
        if not self.form[0].is_one_word:
            return None
        words: set[str] = set()
        beginnings: list[str] = []
        number = False
        for element in self.form[1:]:
            if element.gap or element.ends:
                return None
            words |= element.words | {row[0] for row in element.rows}
            beginnings += element.beginnings
            number = number or element.number
            if not element.optional:
                return _Element(frozenset(words), tuple(beginnings), number=number)
        return None


class _Hit(NamedTuple):
    """An entry that was found, from word ``start`` to before word ``end``."""

    start: int
    end: int
    entry: _Entry

    def within(self, other: _Hit) -> bool:
        return other.start <= self.start and self.end <= other.end

    def overlaps(self, start: int, end: int) -> bool:
        return self.start < end and start < self.end

    def is_twin_of(self, other: _Hit) -> bool:
        return (self.start, self.end) == (other.start, other.end)

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
        most = 3 if element.gap == "..." else 6
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


@dataclass
class _Book:
    """All phrases, found by the word they begin with."""

    by_word: dict[str, list[tuple[_Element | None, _Entry]]] = field(default_factory=dict)
    by_beginning: dict[str, list[tuple[str, _Entry]]] = field(default_factory=dict)
    by_number: list[_Entry] = field(default_factory=list)

    def add(
        self,
        phrases: Iterable[str],
        sort: _Sort,
        *,
        wording: Wording | None = None,
        not_meant: NotMeant | None = None,
        place: Place | None = None,
        cue: Cue | None = None,
        word: str = "",
    ) -> None:
        """Add phrases that stand for one thing."""
        for phrase in phrases:
            self._add(_Entry(_form(phrase), sort, wording, not_meant, place, cue, word))

    def _add(self, entry: _Entry) -> None:
        for element in entry.form:
            for word in {*element.words, *(row[0] for row in element.rows)}:
                self.by_word.setdefault(word, []).append((entry.second, entry))
            for beginning in element.beginnings:
                self.by_beginning.setdefault(beginning[:3], []).append((beginning, entry))
            if element.number:
                self.by_number.append(entry)
            if not element.optional:
                break

    def hits(self, words: Sequence[str]) -> list[_Hit]:
        """Return every phrase in these words, in the order of their beginnings."""
        hits: list[_Hit] = []
        for at, word in enumerate(words):
            found: dict[_Entry, _Hit] = {}
            following = words[at + 1] if at + 1 < len(words) else None
            for second, entry in self.by_word.get(word, ()):
                if second is None or (following is not None and _is_one_of(second, following)):
                    self._try(entry, words, at, found)
            for beginning, entry in self.by_beginning.get(word[:3], ()):
                if word.startswith(beginning):
                    self._try(entry, words, at, found)
            if word[0].isdigit():
                for entry in self.by_number:
                    self._try(entry, words, at, found)
            hits.extend(found.values())
        return hits

    @staticmethod
    def _try(entry: _Entry, words: Sequence[str], at: int, found: dict[_Entry, _Hit]) -> None:
        end = _match(entry.form, words, at)
        if end > at:
            found[entry] = _Hit(at, end, entry)


@dataclass
class _Library:
    """The phrases in two books, so that a sentence about nothing we know is left after the first."""

    things: _Book = field(default_factory=_Book)
    grammar: _Book = field(default_factory=_Book)

    def hits(self, words: Sequence[str]) -> list[_Hit]:
        """Return every phrase in these words that can matter."""
        things = self.things.hits(words)
        speaks = any(hit.entry.sort in _SPEAK for hit in things) or (bool(words) and words[0] in known.PRONOUNS)
        return [*things, *self.grammar.hits(words)] if speaks else things


_SPEAK = frozenset({_Sort.FACT, _Sort.CHANGE_BEFORE, _Sort.CHANGE_AFTER, _Sort.ANCHOR})


@cache
def _library(context: bool) -> _Library:
    """Return the phrases for sections with imaging findings, or those for the patient's context."""
    library = _Library()
    things, grammar = library.things, library.grammar
    wordings = known.CONTEXT if context else (*known.IMAGING, *known.NORMAL_STRUCTURES, *known.DIAGNOSES)
    for wording in (*wordings, known.GENERAL_NOUNS):
        things.add(wording.phrases, _Sort.FACT, wording=wording)
    for not_meant in known.NOT_MEANT:
        things.add(not_meant.phrases, _Sort.NOT_MEANT, not_meant=not_meant)
    for place in known.PLACES:
        things.add(place.phrases, _Sort.PLACE, place=place)
    for cue, phrases in known.CUES.items():
        grammar.add(phrases, _Sort.CUE, cue=cue)
    for book, sort, by_word in (
        (things, _Sort.SIDE, known.SIDES),
        (things, _Sort.CHANGE_BEFORE, known.CHANGE_BEFORE),
        (things, _Sort.CHANGE_AFTER, known.CHANGE_AFTER),
        (grammar, _Sort.COMPARATOR, known.COMPARATORS),
        (grammar, _Sort.COMPARATOR_BEHIND, known.COMPARATORS_BEHIND),
        (grammar, _Sort.SIZE, known.SIZE_WORDS),
    ):
        for word, phrases in by_word.items():
            book.add(phrases, sort, word=word)
    for book, sort, phrases in (
        (things, _Sort.BONE, known.BONE_WORDS),
        (things, _Sort.TISSUE, known.OTHER_TISSUE_WORDS),
        (things, _Sort.MARROW, known.MARROW_WORDS),
        (things, _Sort.SPARED, known.SPARED),
        (things, _Sort.ANCHOR, known.DEPTH_ANCHORS),
        (grammar, _Sort.WEAK_ANCHOR, known.DEPTH_WEAK_ANCHORS),
        (grammar, _Sort.CLAUSE, known.ENDS_CLAUSE),
        (grammar, _Sort.EXCEPT, known.EXCEPT),
        (grammar, _Sort.ELSEWHERE, known.ELSEWHERE),
        (grammar, _Sort.MEASURED, known.MEASURES_OTHERWISE),
        (grammar, _Sort.NOT_A_MEASURE, known.NOT_A_MEASURE),
    ):
        book.add(phrases, sort)
    return library


# --- One block of text ----------------------------------------------------------------------------------------------


class _Spot(NamedTuple):
    """A place as a sentence names it. ``part`` tells parts of one site apart; None is all of it."""

    site: str | None = None
    side: str | None = None
    part: str | None = None
    plural: bool = False


@dataclass(frozen=True)
class _Found:
    """A statement before it is dressed: words ``start`` to ``end`` of the sentence say it."""

    fact: str
    value: Value
    spot: _Spot
    section: Section
    sentence: _Sentence
    start: int
    end: int


@dataclass(eq=False)
class _Mention:
    """A phrase about a fact where it stands, and what the words around it make of it."""

    start: int
    end: int
    wording: Wording
    state: State | None = State.PRESENT
    denied: bool = False
    limited: bool = False
    ended: bool = False
    spots: tuple[_Spot, ...] = ()

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


@dataclass(frozen=True)
class _Verdict:
    state: State | None = State.PRESENT
    denied: bool = False
    limited: bool = False
    ended: bool = False


_AS_IT_STANDS = _Verdict()
_ABSENT = _Verdict(State.ABSENT, denied=True)
_UNSURE = _Verdict(State.INDETERMINATE)
_NOT_SURELY_DENIED = _Verdict(State.INDETERMINATE, denied=True)
_NOTHING = _Verdict(None, limited=True)

_BEHIND = frozenset({Cue.DENIED, Cue.DOUBTED, Cue.KEPT, Cue.HAS_ENDED, Cue.UNJUDGED})
_LISTS = frozenset(
    {Cue.DENIES, Cue.DENIES_NEXT, Cue.HALF_DENIES, Cue.LIMITS, Cue.LIMITS_DIAGNOSIS, Cue.ENDED, Cue.KEEPS, Cue.DOUBTS}
)
_CHANGES = frozenset({_Sort.CHANGE_BEFORE, _Sort.CHANGE_AFTER})
_JOINS = frozenset({",", "or", "nor", "and", "&", "/"})


@dataclass
class _Clause:
    """A part of a sentence between "but", "however", "except" and their like."""

    start: int
    end: int
    begins_exception: bool
    mentions: list[_Mention] = field(default_factory=list)
    cues: list[_Hit] = field(default_factory=list)
    places: list[_Hit] = field(default_factory=list)
    sides: list[_Hit] = field(default_factory=list)
    spots: tuple[_Spot, ...] = ()  # as the clause names them
    named: tuple[_Spot, ...] = ()  # with what the words before say of them

    @property
    def subjects(self) -> list[_Mention]:
        """The mentions that can be denied, doubted and placed on their own."""
        return [m for m in self.mentions if m.wording.kind not in (Kind.QUALITY, Kind.GENERAL)]


class _BlockReader:
    """Reads the sentences below one heading, one after the other, and remembers what they were about."""

    def __init__(self, section: Section, study: _Spot, suggestive_is_present: bool) -> None:
        self.section = section
        self.recognised = False
        self._study = study
        self._suggestive = _AS_IT_STANDS if suggestive_is_present else _UNSURE
        self._library = _library(section in CONTEXT_SECTIONS)
        self._forget()

    def _forget(self) -> None:
        self._spots: tuple[_Spot, ...] = ()
        self._bone: bool | None = None
        self._last: tuple[_Mention, ...] = ()

    def read(self, sentence: _Sentence) -> list[_Found]:
        """Return what one sentence states."""
        if sentence.new_paragraph:
            self._forget()
        read = _SentenceReader(sentence, _meant(self._library.hits(sentence.words)))
        read.mention(self._bone, self._study.site)
        read.judge(self._suggestive)
        read.place(() if self.section in CONTEXT_SECTIONS else self._spots, self._study)
        found = [*read.statements(), *self._of_the_last(read)]
        if self.section not in CONTEXT_SECTIONS:
            found += [*read.changes(), *read.depths(self._last)]
        subjects = read.subjects
        self.recognised = self.recognised or bool(found) or any(m.wording.fact for m in read.mentions)
        self._remember(read, subjects)
        return [
            _Found(fact, value, spot, self.section, sentence, start, end)
            for fact, value, spots, start, end in sorted(found, key=lambda stated: stated[3])
            for spot in (spots or (_Spot(),))
        ]

    def _remember(self, read: _SentenceReader, subjects: Sequence[_Mention]) -> None:
        self._last = tuple(subjects)
        bone = read.tissue()
        self._bone = self._bone if bone is None else bone
        if read.named_spots:
            self._spots = read.named_spots

    def _of_the_last(self, read: _SentenceReader) -> Iterator[_Stated]:
        """Return what "this has resolved" or "it is unchanged" says of the one finding of the sentence before."""
        if read.subjects or len(self._last) != 1 or not read.words or read.words[0] not in known.PRONOUNS:
            return
        last = self._last[0]
        if not last.wording.fact or last.wording.kind is Kind.NORMAL:
            return
        cues = {hit.entry.cue: hit for hit in read.cues}
        spots = read.named_spots or last.spots
        if Cue.HAS_ENDED in cues:
            hit = cues[Cue.HAS_ENDED]
            yield last.wording.fact, State.ABSENT, spots, hit.start, hit.end
            yield "change", "decreased", spots, hit.start, hit.end
            return
        for hit in read.change_hits:
            if hit.entry.sort is _Sort.CHANGE_AFTER and not read.is_denied(hit):
                if last.state is None:
                    yield last.wording.fact, State.PRESENT, spots, hit.start, hit.end
                yield "change", hit.entry.word, spots, hit.start, hit.end


_Stated = tuple[str, Value, tuple[_Spot, ...], int, int]
"""Fact, value, places, and the words that say it."""


def _meant(hits: Sequence[_Hit]) -> list[_Hit]:
    """Return the hits without those inside a phrase that does not mean them."""
    masks = [hit for hit in hits if hit.entry.not_meant is not None]
    return [hit for hit in hits if hit.entry.not_meant is None and not any(_masked(hit, mask) for mask in masks)]


def _masked(hit: _Hit, mask: _Hit) -> bool:
    not_meant = mask.entry.not_meant
    if not_meant is None or not hit.within(mask):
        return False
    entry = hit.entry
    if not not_meant.facts:
        return entry.sort in (_Sort.FACT, _Sort.PLACE, _Sort.SIDE, _Sort.CUE) or entry.sort in _CHANGES
    if entry.wording is not None:
        return entry.wording.fact in not_meant.facts
    return "change" in not_meant.facts and entry.sort in _CHANGES


class _SentenceReader:
    """Reads one sentence: which facts it mentions, how surely, where."""

    def __init__(self, sentence: _Sentence, hits: Sequence[_Hit]) -> None:
        self.words = sentence.words
        self.sentence = sentence
        self.mentions: list[_Mention] = []
        self.cues: list[_Hit] = []
        self.clauses: list[_Clause] = []
        self.named_spots: tuple[_Spot, ...] = ()
        self._hits = hits

    def _of(self, *sorts: _Sort) -> list[_Hit]:
        return [hit for hit in self._hits if hit.entry.sort in sorts]

    @property
    def subjects(self) -> list[_Mention]:
        return [mention for clause in self.clauses for mention in clause.subjects]

    # What is mentioned

    def mention(self, bone_before: bool | None, study_site: str | None) -> None:
        """Find the facts that the sentence mentions, the words that affirm and deny, and cut it into clauses."""
        facts = _longest_facts(self._of(_Sort.FACT))
        facts = [hit for hit in facts if self._is_anchored(hit, bone_before, study_site)]
        facts = _without_general_inside(facts)
        self.mentions = [_Mention(hit.start, hit.end, w) for hit in facts if (w := hit.entry.wording) is not None]
        self.mentions.sort(key=lambda mention: (mention.start, mention.end))
        self._all_cues = self._of(_Sort.CUE)
        self.cues = self._cues_beside(m for m in self.mentions if m.wording.covers and m.wording.fact)
        self._cut()

    def _is_anchored(self, hit: _Hit, bone_before: bool | None, study_site: str | None) -> bool:
        wording = hit.entry.wording
        if wording is None or wording.anchor is Anchor.NOTHING:
            return True
        if wording.anchor is Anchor.MARROW:
            return bool(self._of(_Sort.MARROW))
        nearest: tuple[int, bool] | None = None
        separators = [one.start for one in self._of(_Sort.CLAUSE)]
        for tissue in self._tissues():
            if tissue.entry.sort is _Sort.TISSUE and tissue.overlaps(hit.start, hit.end):
                continue  # the "fluid" of "fluid-sensitive"
            distance = max(hit.start - tissue.end, tissue.start - hit.end, 0)
            low, high = min(hit.start, tissue.start), max(hit.start, tissue.start)
            distance += 100 * sum(low <= at < high for at in separators)
            if nearest is None or distance < nearest[0]:
                nearest = distance, tissue.entry.sort is not _Sort.TISSUE
        if nearest is not None:
            return nearest[1]
        if bone_before is not None:
            return bone_before
        return study_site in known.BONE_WITHOUT_SAYING

    def _tissues(self) -> list[_Hit]:
        places = [hit for hit in self._of(_Sort.PLACE) if hit.entry.place is not None and hit.entry.place.bone]
        return [*self._of(_Sort.BONE, _Sort.TISSUE), *places]

    def tissue(self) -> bool | None:
        """Return whether the sentence speaks of bone; None when it names no tissue."""
        if any(mention.wording.fact == "bme" for mention in self.mentions):
            return True
        last = max(self._tissues(), key=lambda hit: hit.start, default=None)
        return None if last is None else last.entry.sort is not _Sort.TISSUE

    def _cues_beside(self, mentions: Iterable[_Mention]) -> list[_Hit]:
        """Return the cues outside these mentions; of those that overlap, the longest."""
        taken: dict[int, tuple[int, int]] = {at: (-1, -1) for m in mentions for at in range(m.start, m.end)}
        kept: list[_Hit] = []
        twins: dict[tuple[int, int], set[Cue | None]] = {}
        for hit in sorted(self._all_cues, key=lambda hit: (-hit.length, hit.start)):
            span = (hit.start, hit.end)
            if all(taken.get(at, span) == span for at in range(*span)):
                taken.update(dict.fromkeys(range(*span), span))
                kept.append(hit)
                twins.setdefault(span, set()).add(hit.entry.cue)
        kept.sort(key=lambda hit: hit.start)
        return [hit for hit in kept if self._looks_right(hit, twins[hit.start, hit.end])]

    def _looks_right(self, hit: _Hit, twins: set[Cue | None]) -> bool:
        """Return whether a word that may look both ways ("possible", "resolved") looks this way here.

        Right behind a finding, or with no finding to follow, it speaks of what stands before.
        """
        if not (twins & _BEHIND and twins & _LISTS):
            return True
        named = [mention for mention in self.mentions if mention.wording.fact]
        right_behind = any(0 <= hit.start - mention.end <= 1 for mention in named)
        follows = any(0 <= mention.start - hit.end <= 6 for mention in named)
        return (hit.entry.cue in _BEHIND) == (right_behind or not follows)

    def _cut(self) -> None:
        separators = [hit for hit in self._of(_Sort.CLAUSE, _Sort.EXCEPT) if self._separates(hit)]
        separators.sort(key=lambda hit: hit.start)
        begin, exception = 0, False
        for hit in separators:
            if hit.start < begin:
                continue
            self.clauses.append(_Clause(begin, hit.start, exception))
            # Of ", none" and "and not" only the first word separates; the other has its own say.
            begin = hit.start + 1 if self.words[hit.start] in (",", "and") else hit.end
            exception = hit.entry.sort is _Sort.EXCEPT
        self.clauses.append(_Clause(begin, len(self.words), exception))
        spared = self._of(_Sort.SPARED)
        places = _longest([hit for hit in self._of(_Sort.PLACE) if not self._is_spared(hit, spared)])
        sides = _longest([hit for hit in self._of(_Sort.SIDE) if not self._is_spared(hit, spared)])
        for clause in self.clauses:
            clause.mentions = [m for m in self.mentions if clause.start <= m.start and m.end <= clause.end]
            clause.cues = [hit for hit in self.cues if clause.start <= hit.start and hit.end <= clause.end]
            clause.places = [hit for hit in places if clause.start <= hit.start < clause.end]
            clause.sides = [hit for hit in sides if clause.start <= hit.start < clause.end]
        self.mentions = [mention for clause in self.clauses for mention in clause.mentions]

    def _separates(self, hit: _Hit) -> bool:
        if any(hit.within(cue) and cue.length > hit.length for cue in self.cues):
            return False
        if any(hit.overlaps(mention.start, mention.end) for mention in self.mentions):
            return False
        if self.words[hit.start] not in known.PARENTHETIC:
            return True
        after = {cue.start for cue in self.cues if cue.entry.cue in _BEHIND}
        return not (hit.end in after or (hit.end + 1 in after and self.words[hit.end] == ","))

    def _is_spared(self, place: _Hit, spared: Iterable[_Hit]) -> bool:
        """Return whether a place is named only to say that the finding is not there."""
        return any(
            0 <= place.start - hit.end <= 3 and not _JOINS & set(self.words[hit.end : place.start]) for hit in spared
        )

    # How surely

    def judge(self, suggestive: _Verdict) -> None:
        """Set the state of every mention."""
        for clause in self.clauses:
            for mention in clause.mentions:
                events = self._events(clause, mention)
                self._set(mention, self._before(clause, mention, events, suggestive))
            self._look_behind(clause)
            self._either(clause)
            self._earlier(clause)
        for clause, following in zip(self.clauses, self.clauses[1:], strict=False):
            if following.begins_exception:
                self._excepted(clause, following)
        stands_out = bool(self._of(_Sort.ELSEWHERE))
        has_exception = any(clause.begins_exception for clause in self.clauses)
        for mention in self.mentions:
            if stands_out and mention.state is State.ABSENT and mention.wording.kind is not Kind.CONTEXT:
                mention.state = None
            if mention.wording.kind is Kind.NORMAL and (stands_out or has_exception):
                mention.state = None
            if self.sentence.is_question and mention.state is not None:
                mention.state = State.INDETERMINATE

    @staticmethod
    def _set(mention: _Mention, verdict: _Verdict) -> None:
        mention.state = verdict.state
        mention.denied = verdict.denied
        mention.limited = verdict.limited
        mention.ended = verdict.ended

    def _events(self, clause: _Clause, mention: _Mention) -> list[_Hit | _Mention]:
        cues = clause.cues
        if not mention.wording.covers:
            others = (m for m in self.mentions if m is mention or (m.wording.covers and m.wording.fact))
            outside = [m for m in others if m is mention or m.end <= mention.start or m.start >= mention.end]
            cues = [hit for hit in self._cues_beside(outside) if clause.start <= hit.start and hit.end <= clause.end]
        events: list[_Hit | _Mention] = [*cues, *(m for m in clause.mentions if m.wording.kind is not Kind.GENERAL)]
        return sorted(events, key=lambda event: (event.start, event.end))

    def _before(
        self, clause: _Clause, mention: _Mention, events: Sequence[_Hit | _Mention], suggestive: _Verdict
    ) -> _Verdict:
        """Return what stands before a mention makes of it: walk back to the nearest word that governs it."""
        listed: list[_Mention] = []  # what stands between, nearest first
        loose = shows = False
        through: _Hit | None = None  # "suggestive of", "consistent with"
        for event in reversed([event for event in events if event.end <= mention.start]):
            if isinstance(event, _Mention):
                denied_by_itself = event.wording.kind is Kind.NORMAL and self.words[event.start] in ("no", "without")
                if denied_by_itself and through is not None and not listed and through.start - event.end <= 2:
                    return _ABSENT  # "no abnormal marrow signal to suggest ..."
                if event.wording.kind is not Kind.QUALITY:
                    listed.append(event)
                continue
            cue = event.entry.cue
            if cue in (Cue.BREAK, Cue.STATED) or cue in _BEHIND:
                break
            if cue is Cue.VERB and not (through is not None and self.words[through.start] == "to" and not listed):
                break
            loose = loose or cue is Cue.LOOSE
            shows = shows or cue is Cue.SHOWS
            if cue in (Cue.SUGGESTS, Cue.ASSERTS):
                if through is None and (loose or self._reach(clause, mention, listed, event, loose) == "own"):
                    doubtful = cue is Cue.SUGGESTS and mention.wording.kind is Kind.DIAGNOSIS
                    return suggestive if doubtful else _AS_IT_STANDS
                if through is None:
                    through, listed = event, []
            elif cue in _LISTS:
                if through is not None:
                    return self._through(event, through, listed, suggestive)
                return self._governed(clause, mention, event, listed, loose=loose, shows=shows, events=events)
        if through is not None and through.entry.cue is Cue.SUGGESTS:
            return suggestive
        return _AS_IT_STANDS

    def _through(self, event: _Hit, through: _Hit, listed: Sequence[_Mention], suggestive: _Verdict) -> _Verdict:
        """Return what a denial or a doubt makes of the object of "suggestive of" or "consistent with"."""
        own = suggestive if through.entry.cue is Cue.SUGGESTS else _AS_IT_STANDS
        between = self.words[(listed[0].end if listed else event.end) : through.start]
        if "," in between:
            return own
        match event.entry.cue:
            case Cue.DENIES:
                # "No edema to suggest X" denies X; "edema without erosion suggestive of X" may not.
                surely = self.words[event.start] in ("no", "nor") or self.words[through.start] == "to"
                return _ABSENT if surely or not listed else _UNSURE
            case Cue.HALF_DENIES:
                return _NOT_SURELY_DENIED
            case Cue.LIMITS | Cue.LIMITS_DIAGNOSIS:
                return _NOTHING
            case Cue.DOUBTS if len(between) <= 3:
                return _UNSURE
        return own

    def _governed(
        self,
        clause: _Clause,
        mention: _Mention,
        event: _Hit,
        listed: Sequence[_Mention],
        *,
        loose: bool,
        shows: bool,
        events: Sequence[_Hit | _Mention],
    ) -> _Verdict:
        """Return what a governing word makes of a mention, as far as its list reaches."""
        cue = event.entry.cue
        between = self.words[event.end : mention.start]
        if cue is Cue.KEEPS:
            return _AS_IT_STANDS
        if shows and (listed or "," in between or cue is Cue.DOUBTS):
            return _AS_IT_STANDS
        reach = self._reach(clause, mention, listed, event, loose)
        if cue is Cue.DOUBTS:
            return self._doubted(mention, event, listed, reach, loose)
        if reach == "own" or (cue is Cue.DENIES_NEXT and not listed and len(between) > 2):
            return _AS_IT_STANDS
        if reach == "unsure":
            return _NOT_SURELY_DENIED
        diagnosis = mention.wording.kind is Kind.DIAGNOSIS
        match cue:
            case Cue.HALF_DENIES:
                return _NOT_SURELY_DENIED
            case Cue.LIMITS:
                return _NOTHING
            case Cue.LIMITS_DIAGNOSIS if diagnosis or "chronic" in self.words[event.start : event.end]:
                return _NOTHING
            case Cue.ENDED:
                return _Verdict(State.ABSENT, ended=True)
        if self._is_denied_in_extent(mention) or self._is_doubted_itself(event, events):
            return _NOT_SURELY_DENIED
        return _ABSENT

    def _doubted(self, mention: _Mention, event: _Hit, listed: Sequence[_Mention], reach: str, loose: bool) -> _Verdict:
        between = self.words[event.end : mention.start]
        kind = mention.wording.kind
        if kind is Kind.CONTEXT:
            near = len(between) <= 3 and not known.CLINICAL_BREAKS & set(between)
            return _UNSURE if near else _AS_IT_STANDS
        if kind is Kind.DIAGNOSIS:
            # "Concern for osteomyelitis superimposed on Charcot arthropathy" doubts the first only.
            behind = self.words[listed[0].end : mention.start] if listed else ()
            return _AS_IT_STANDS if known.BACKGROUND & set(behind) else _UNSURE
        if loose or reach == "own":
            return _AS_IT_STANDS
        cause = bool(between) and self.words[event.start] in known.CAUSE_DOUBTS and between[0] in known.CAUSE_WORDS
        another = not listed and "," in between and between.index(",") > 2
        return _AS_IT_STANDS if cause or another else _UNSURE

    def _is_denied_in_extent(self, mention: _Mention) -> bool:
        """Return whether a denial is only of how far a finding reaches: "no edema deeper than 10 mm"."""
        return any(
            hit.entry.cue is Cue.EXTENT
            and 0 <= hit.start - mention.end <= 1
            and "," not in self.words[mention.end : hit.start]
            for hit in self.cues
        )

    def _is_doubted_itself(self, denial: _Hit, events: Sequence[_Hit | _Mention]) -> bool:
        """Return whether a denial is only likely: "probably no edema"."""
        return any(
            isinstance(event, _Hit) and event.entry.cue is Cue.DOUBTS and 0 <= denial.start - event.end <= 1
            for event in events
        )

    def _reach(self, clause: _Clause, mention: _Mention, listed: Sequence[_Mention], event: _Hit, loose: bool) -> str:
        """Return whether a mention is in the ``list`` that an event governs, has its ``own`` say, or is ``unsure``.

        "No erosion, sclerosis or ankylosis" is a list. A comma and an amount ("no erosion, moderate edema") or a
        predicate of its own ("no erosion, edema is present") begin something new.
        """
        if loose:
            return "unsure"
        begin = listed[0].end if listed else event.end
        gap = self.words[begin : mention.start]
        join = next((word for word in reversed(gap) if word in _JOINS), "")
        at = len(gap) - 1 - tuple(reversed(gap)).index(join) if join else -1
        before, after = gap[: max(at, 0)], gap[at + 1 :]
        own_phrase = event.entry.cue is not Cue.ENDED and self._is_phrase_of_its_own(after)
        if own_phrase or (not join and (listed or len(gap) > 8)):
            return "unsure"
        if join in ("", "or", "nor", "/") or self._list_goes_on(clause, mention):
            return "list"
        if not listed and not set(before) - known.AMOUNT_WORDS:  # "no subtle, patchy edema"
            return "list"
        anew = bool((known.AMOUNT_WORDS | known.BEGINS_ANEW) & set(after))
        placed = self._is_placed(clause, begin, mention.start)
        stated = self._is_stated(clause, mention)
        if join == ",":
            behind = set(self.words[mention.end : mention.end + 1])
            if anew or stated or behind & known.BEGINS_ANEW:
                return "own"
            unsure = placed or bool(set(after) & known.BESIDE or behind & known.STATED_BRIEFLY)
            unsure = unsure or self._is_placed(clause, mention.end, mention.end + 4)
            return "unsure" if unsure or mention.wording.kind is Kind.CONTEXT else "list"
        if anew and placed:
            return "own"
        return "unsure" if anew or stated or placed else "list"

    @staticmethod
    def _is_phrase_of_its_own(words: Sequence[str]) -> bool:
        """Return whether words between a denial and a finding are more than adjectives: "no fracture within edema"."""
        return any(
            word in known.NO_ADJECTIVES
            and not (word in ("of", "for") and at and words[at - 1] in known.MEASURES_OF)
            and not (word == "as" and at and words[at - 1] == "such")
            for at, word in enumerate(words)
        )

    @staticmethod
    def _is_placed(clause: _Clause, start: int, end: int) -> bool:
        return any(start <= hit.start < end for hit in (*clause.places, *clause.sides))

    def _list_goes_on(self, clause: _Clause, mention: _Mention) -> bool:
        """Return whether "or" still follows in the same list."""
        stops = {hit.start for hit in clause.cues if hit.entry.cue in (Cue.VERB, Cue.STATED, Cue.SHOWS, Cue.BREAK)}
        stops |= {hit.start for hit in clause.cues if hit.entry.cue in _LISTS}
        for at in range(mention.end, clause.end):
            if at in stops:
                return False
            if self.words[at] in ("or", "nor") and self.words[at - 1] not in ("left", "right"):
                return True
        return False

    def _is_stated(self, clause: _Clause, mention: _Mention) -> bool:
        """Return whether a predicate of its own follows the mention."""
        following = [m.start for m in clause.subjects if m.start >= mention.end]
        until = min(following, default=clause.end)
        return any(
            hit.entry.cue is Cue.STATED and mention.end <= hit.start <= min(until, mention.end + 8)
            for hit in clause.cues
        )

    def _look_behind(self, clause: _Clause) -> None:
        """Let the predicates that follow speak: "not seen", "cannot be excluded", "has resolved"."""
        mentions = [m for m in clause.mentions if m.wording.kind is not Kind.GENERAL]
        for hit in clause.cues:
            if hit.entry.cue in _BEHIND:
                for mention, surely in self._spoken_of(clause, mentions, hit):
                    self._apply(mention, hit.entry.cue, surely)

    def _spoken_of(self, clause: _Clause, mentions: Sequence[_Mention], hit: _Hit) -> Iterator[tuple[_Mention, bool]]:
        """Return the mentions a predicate is about, with whether that is beyond doubt: the nearest, and its list."""
        before = [mention for mention in mentions if mention.end <= hit.start]
        if not before:
            return
        last = max(before, key=lambda mention: mention.end)
        gap = self.words[last.end : hit.start]
        plain = [word for word in gap if word not in known.PARENTHETIC]
        while plain and plain[-1] == ",":
            plain.pop()
        spoken_for = any(
            other.entry.cue in (Cue.STATED, Cue.BREAK) or other.entry.cue in _BEHIND
            for other in clause.cues
            if last.end <= other.start and other.end <= hit.start
        )
        if spoken_for or "," in plain[1 if plain[:1] == [","] else 0 :] or len(plain) > 14:
            return
        yield last, True
        joined = False
        for earlier in sorted((m for m in before if m is not last), key=lambda mention: -mention.end):
            between = self.words[earlier.end : last.start]
            if earlier.end > last.start:  # one inside the other
                yield earlier, True
                continue
            governed = any(
                earlier.end <= other.start < last.start and other.entry.cue not in (Cue.EITHER, Cue.STILL)
                for other in clause.cues
            )
            joined = joined or bool({"and", "or", "nor", "&", "/"} & set(between))
            if governed or not joined or not _JOINS & set(between):
                return
            placed = any(earlier.end <= one.start < last.start for one in (*clause.places, *clause.sides))
            yield earlier, not placed
            last = earlier

    @staticmethod
    def _apply(mention: _Mention, cue: Cue, surely: bool) -> None:
        if cue is Cue.UNJUDGED:
            mention.state, mention.limited = None, True
        elif cue is Cue.KEPT:
            mention.state = mention.state if mention.state is State.INDETERMINATE else State.PRESENT
        elif cue is Cue.DOUBTED or not surely or mention.state is State.INDETERMINATE:
            mention.state = State.INDETERMINATE
        elif cue is Cue.HAS_ENDED:
            mention.state, mention.ended = State.ABSENT, True
        elif cue is Cue.DENIED:
            # Two denials may cancel each other or not.
            mention.state = State.ABSENT if mention.state is State.PRESENT else State.INDETERMINATE
            mention.denied = True

    def _either(self, clause: _Clause) -> None:
        """Doubt what stands on both sides of "or" and "versus"."""
        mentions = [m for m in clause.subjects if m.wording.kind is not Kind.NORMAL]
        for hit in clause.cues:
            if hit.entry.cue is not Cue.EITHER or self.words[hit.end : hit.end + 1] in (("more",), ("less",), ("so",)):
                continue
            reach = 2 if self.words[hit.start] == "or" else 8
            # A comma may stand before "versus", but behind "or" it begins something else.
            end = hit.start - 1 if self.words[hit.start - 1 : hit.start] == (",",) else hit.start
            left = [m for m in mentions if m.end <= end and self._is_beside(clause, m.end, end, min(reach, 4))]
            right = [m for m in mentions if m.start >= hit.end and self._is_beside(clause, hit.end, m.start, reach)]
            first, second = left[-1:], right[:1]
            if first and second and first[0].wording.fact == second[0].wording.fact:
                continue
            for mention in (*first, *second):
                if mention.state is State.PRESENT:
                    mention.state = State.INDETERMINATE

    def _is_beside(self, clause: _Clause, start: int, end: int, reach: int) -> bool:
        gap = self.words[start:end]
        return len(gap) <= reach and not {",", "with"} & set(gap) and not self._is_placed(clause, start, end)

    def _earlier(self, clause: _Clause) -> None:
        """Take back what is said of an earlier study, unless the sentence says how it is now."""
        now = [hit.start for hit in self.cues if hit.entry.cue in (Cue.STILL, Cue.BREAK, Cue.STATED)]
        for hit in clause.cues:
            if hit.entry.cue is Cue.EARLIER_SHOWED:
                for mention in clause.mentions:
                    told = mention.start >= hit.end and not any(hit.end <= at < mention.start for at in now)
                    if told and not self._is_of_now(clause, mention):
                        mention.state = None
            elif hit.entry.cue is Cue.SEEN_EARLIER:
                self._seen_earlier(clause, hit)

    def _is_of_now(self, clause: _Clause, mention: _Mention) -> bool:
        """Return whether the sentence says how an earlier finding is now."""
        return (
            mention.ended
            or any(hit.entry.cue in (Cue.STILL, Cue.KEPT) for hit in self.cues)
            or any(hit.entry.cue is Cue.STATED and hit.start >= mention.end for hit in clause.cues)
            or any(hit.entry.sort is _Sort.CHANGE_AFTER and hit.start >= mention.end for hit in self.change_hits)
        )

    def _seen_earlier(self, clause: _Clause, hit: _Hit) -> None:
        before = [m for m in clause.mentions if 0 <= hit.start - m.end <= 8]
        after = [m for m in clause.mentions if 0 <= m.start - hit.end <= 4]
        mention = before[-1] if before else (after[0] if after else None)
        if mention is None or self._is_of_now(clause, mention):
            return
        if mention.denied or self.words[hit.start] in ("was", "were"):
            # "Was seen on the prior study", "no edema was seen on the prior study"
            mention.state = mention.state if self._denied_behind(clause, mention, hit) else None
        elif mention.state is State.PRESENT:
            mention.state = State.INDETERMINATE

    @staticmethod
    def _denied_behind(clause: _Clause, mention: _Mention, hit: _Hit) -> bool:
        return any(one.entry.cue is Cue.DENIED and one.start >= max(mention.end, hit.end) for one in clause.cues)

    def _excepted(self, clause: _Clause, following: _Clause) -> None:
        """Read "no edema except in the left ilium": the denial names what it leaves out."""
        if [m for m in following.subjects if m.wording.kind is not Kind.NORMAL]:
            for mention in clause.mentions:
                if mention.limited:
                    mention.state, mention.limited = State.PRESENT, False
            return
        denied = [m for m in clause.subjects if m.limited or m.state is State.ABSENT]
        for mention in denied:
            mention.state = State.PRESENT if len(denied) == 1 else State.INDETERMINATE
            mention.denied = mention.limited = False
            clause.places, clause.sides = [*following.places], [*following.sides]

    # Where

    def place(self, before: tuple[_Spot, ...], study: _Spot) -> None:
        """Set the places of every mention."""
        inherited = _one_of_all(before) or _Spot()
        side_before = inherited.side or study.side
        silent: list[_Spot] = []
        for clause in self.clauses:
            clause.spots = self._spots(clause.places, clause.sides, side_before)
        for number, clause in enumerate(self.clauses):
            fallback = self._fallback(number, inherited)
            own = self._bound(clause, side_before)
            for mention in clause.mentions:
                spots = [_said_by_itself(mention.wording.site, spot) for spot in own.get(mention, (_Spot(),))]
                mention.spots = tuple(dict.fromkeys(_completed(spot, fallback, study) for spot in spots))
                if mention.wording.fact in known.OF_THE_PATIENT:
                    mention.spots = (_Spot(),)
                elif mention.wording.fact in known.ABOUT_ALL_MARROW:
                    mention.spots = (_Spot("diffuse_marrow"),)
            clause.named = tuple(dict.fromkeys(_completed(spot, fallback, study) for spot in clause.spots))
            silent.append(_completed(_Spot(), fallback, study))
        self.named_spots = tuple(dict.fromkeys(spot for clause in self.clauses for spot in clause.named))
        self._silent = tuple(silent)

    def _fallback(self, number: int, inherited: _Spot) -> _Spot:
        """Return the place of a clause that names none: of the clauses before it, else of the next, else inherited."""
        for clause in reversed(self.clauses[:number]):
            if clause.named:
                return _one_of_all(clause.named) or _Spot()
        for clause in self.clauses[number + 1 : number + 2]:
            if clause.spots and not clause.subjects:
                return _one_of_all(clause.spots) or inherited
        return inherited

    def _bound(self, clause: _Clause, side_before: str | None) -> dict[_Mention, tuple[_Spot, ...]]:
        """Return the places of each mention: those nearest to it, else those of its neighbour in a list."""
        leading = clause.subjects or clause.mentions
        bound = self._nearest(clause, leading, side_before)
        shared = _shared(clause.spots)
        for mention in leading:
            spots = bound.get(mention)
            if spots is None:
                bound[mention] = self._of_neighbours(clause, leading, mention, bound) or (shared,)
            else:
                bound[mention] = tuple(
                    _Spot(
                        spot.site or shared.site, spot.side or _side_of_same(spot, clause.spots), spot.part, spot.plural
                    )
                    for spot in spots
                )
        for mention in clause.mentions:
            if mention not in bound:
                bound[mention] = self._of_its_finding(clause, mention, bound, side_before)
        return bound

    def _nearest(
        self, clause: _Clause, mentions: Sequence[_Mention], side_before: str | None
    ) -> dict[_Mention, tuple[_Spot, ...]]:
        if not mentions:
            return {}
        places: dict[_Mention, list[_Hit]] = {}
        sides: dict[_Mention, list[_Hit]] = {}
        for hits, by_mention in ((clause.places, places), (clause.sides, sides)):
            for hit in hits:
                nearest = min(mentions, key=lambda mention: self._distance(mention, hit))
                by_mention.setdefault(nearest, []).append(hit)
        return {
            mention: self._spots(places.get(mention, ()), sides.get(mention, ()), side_before)
            for mention in mentions
            if mention in places or mention in sides
        }

    def _distance(self, mention: _Mention, hit: _Hit) -> int:
        """Return how far a place is from a mention, in words; "and", "with" and commas keep apart."""
        if hit.overlaps(mention.start, mention.end):
            return -1
        gap = self.words[mention.end : hit.start] if mention.end <= hit.start else self.words[hit.end : mention.start]
        return len(gap) + 4 * sum(word in known.KEEPS_APART for word in gap)

    def _of_neighbours(
        self,
        clause: _Clause,
        mentions: Sequence[_Mention],
        mention: _Mention,
        bound: Mapping[_Mention, tuple[_Spot, ...]],
    ) -> tuple[_Spot, ...]:
        """Return the places of the mentions before and behind in the same list, when they agree."""
        at = mentions.index(mention)
        found: list[tuple[_Spot, ...]] = []
        for step in (-1, 1):
            current, other = at, at + step
            while 0 <= other < len(mentions) and self._is_listed(
                mentions[min(current, other)], mentions[max(current, other)]
            ):
                if mentions[other] in bound:
                    found.append(bound[mentions[other]])
                    break
                current, other = other, other + step
        return found[0] if found and all(spots == found[0] for spots in found) else ()

    def _is_listed(self, first: _Mention, second: _Mention) -> bool:
        gap = self.words[first.end : second.start]
        return first.end > second.start or (
            len(gap) <= 4 and bool(_JOINS & set(gap)) and "left" not in gap and "right" not in gap
        )

    def _of_its_finding(
        self,
        clause: _Clause,
        mention: _Mention,
        bound: Mapping[_Mention, tuple[_Spot, ...]],
        side_before: str | None,
    ) -> tuple[_Spot, ...]:
        """Return the places of a quality or a change: its own when several are told apart, else its finding's."""
        same = [m for m in clause.mentions if m.wording.fact == mention.wording.fact]
        if len(same) > 1 and len(clause.spots) > 1:
            own = self._nearest(clause, same, side_before).get(mention)
            if own:
                return own
        findings = [m for m in clause.subjects if m.wording.kind is not Kind.NORMAL]
        edema = [m for m in findings if m.wording.fact == "bme"]
        if not findings:
            return (_shared(clause.spots),)
        nearest = min(edema or findings, key=lambda m: max(m.start - mention.end, mention.start - m.end))
        return bound[nearest]

    def _spots(self, places: Sequence[_Hit], sides: Sequence[_Hit], side_before: str | None) -> tuple[_Spot, ...]:
        """Return places and sides as spots; with several of both, each place keeps the side that stands at it."""
        names = [(hit, _side_name(hit.entry.word, side_before)) for hit in sides]
        all_sides = _joined([side for _, side in names])
        sites = _most_exact([hit for hit in places if hit.entry.place is not None])
        if not sites:
            return (_Spot(side=all_sides),) if all_sides else ()
        spots: list[_Spot] = []
        for site, hit in sites:
            side = all_sides
            if len(sites) > 1 and all_sides == "both" and len(names) > 1:
                beside = [name for one, name in names if self._stands_at(one, hit)]
                side = _joined(beside) if beside else all_sides
            place = hit.entry.place
            part = None if place is None or place.whole else place.phrases[0]
            spots.append(_Spot(site, side, part, self.words[hit.end - 1] in known.PLURALS))
        sides_of: dict[_Spot, list[str | None]] = {}
        for spot in spots:
            sides_of.setdefault(spot._replace(side=None), []).append(spot.side)
        return tuple(spot._replace(side=_joined(several)) for spot, several in sides_of.items())

    def _stands_at(self, side: _Hit, place: _Hit) -> bool:
        """Return whether a side is the side of a place: "left posterior ilium", "ilium on the left"."""
        if side.end <= place.start:
            gap = self.words[side.end : place.start]
            return len(gap) <= 3 and not _JOINS & set(gap)
        return set(self.words[place.end : side.start]) <= {"on", "in", "at", "("} and side.start >= place.end

    # What is stated

    def statements(self) -> Iterator[_Stated]:
        """Return what the mentions state."""
        for mention in self.mentions:
            value = mention.value
            if value is not None and mention.wording.fact:
                yield mention.wording.fact, value, mention.spots, mention.start, mention.end

    @property
    def change_hits(self) -> list[_Hit]:
        """Words of change, outside the findings' own words; of those that overlap, the longest."""
        spans = [(m.start, m.end) for m in self.mentions if m.wording.covers and m.wording.fact]
        free = [hit for hit in self._of(*_CHANGES) if not any(hit.overlaps(*span) for span in spans)]
        before = _longest([hit for hit in free if hit.entry.sort is _Sort.CHANGE_BEFORE])
        after = _longest([hit for hit in free if hit.entry.sort is _Sort.CHANGE_AFTER])
        return [hit for hit in (*before, *after) if not self._is_limited(hit)]

    def _is_limited(self, change: _Hit) -> bool:
        """Return whether a longer phrase ("no increase in", "no new") takes the change back."""
        limits = (Cue.KEEPS, Cue.LIMITS, Cue.HALF_DENIES)
        return any(
            hit.entry.cue in limits and hit.overlaps(change.start, change.end) and hit.length > change.length
            for hit in self.cues
        )

    def is_denied(self, hit: _Hit) -> bool:
        """Return whether a change is denied ("not increased")."""
        return self._change_state(hit) is not State.PRESENT

    def _change_state(self, hit: _Hit) -> State | None:
        clause = self._clause_of(hit)
        mention = _Mention(hit.start, hit.end, known.GENERAL_NOUNS)
        cues = [cue for cue in clause.cues if not cue.overlaps(hit.start, hit.end)]
        return self._before(clause, mention, cues, _UNSURE).state

    def _clause_of(self, hit: _Hit) -> _Clause:
        return next((c for c in self.clauses if c.start <= hit.start < c.end), self.clauses[-1])

    def changes(self) -> Iterator[_Stated]:
        """Return how findings changed from the earlier study (``change``)."""
        for mention in self.mentions:
            if mention.ended and mention.wording.fact:
                yield "change", "decreased", mention.spots, mention.start, mention.end
        for hit in self.change_hits:
            clause = self._clause_of(hit)
            target = self._changed(clause, hit)
            alone = hit.entry.sort is _Sort.CHANGE_AFTER and (hit.start == 0 or self.words[hit.start] == "no")
            if target is None and alone and not self.subjects:  # "No interval change.", "Unchanged from prior."
                yield "change", hit.entry.word, self._spots_of(clause), hit.start, hit.end
            if target is None or target.state in (State.ABSENT, None) or target.ended:
                continue
            state = self._change_state(hit)
            if state is State.ABSENT or state is None:
                continue
            sure = state is State.PRESENT and target.state is State.PRESENT
            yield "change", hit.entry.word if sure else State.INDETERMINATE, target.spots, hit.start, hit.end

    def _changed(self, clause: _Clause, hit: _Hit) -> _Mention | None:
        """Return what a word of change is about: what follows at once, or what stands before in the same clause."""
        of_change = [
            m for m in clause.mentions if m.wording.kind is not Kind.QUALITY and m.wording.fact != "incidental"
        ]
        if hit.entry.sort is _Sort.CHANGE_BEFORE:
            following = next((m for m in of_change if 0 <= m.start - hit.end <= 4), None)
            return None if following is None or "," in self.words[hit.end : following.start] else following
        before = [m for m in of_change if m.end <= hit.start <= m.end + 15]
        return before[-1] if before else None

    def _spots_of(self, clause: _Clause) -> tuple[_Spot, ...]:
        """Return the one place of a clause, else what a clause without a place inherits."""
        silent = self._silent[self.clauses.index(clause)]
        shared = _shared(clause.spots)
        return (shared if shared.site is not None else _Spot(silent.site, shared.side or silent.side, silent.part),)

    # How deep

    def depths(self, last: Sequence[_Mention]) -> Iterator[_Stated]:
        """Return how far edema reaches from the articular surface (``depth_mm``, decision table 5.1).

        A length counts only in a sentence with one of the anchor words, and only when it is the edema that is measured:
        not a fracture line, erosion, cyst or slice, not an earlier value, not one that is denied.
        """
        if not self._of(_Sort.ANCHOR, _Sort.WEAK_ANCHOR) or self._of(_Sort.NOT_A_MEASURE):
            return
        lengths = self._nearest_the_anchor([one for one in self._lengths() if self._is_depth(one, last)])
        for clause in self.clauses:
            here = [one for one in lengths if clause.start <= one.start < clause.end]
            own: Mapping[_Mention, tuple[_Spot, ...]] = {}
            stand_ins = {one: _Mention(one.start, one.end, known.GENERAL_NOUNS) for one in here}
            if len(here) > 1 and len(clause.spots) + len(clause.sides) > 1:
                own = self._nearest(clause, list(stand_ins.values()), None)
            for one in here:
                spots = own.get(stand_ins[one]) or self._spots_of_depth(clause)
                silent = self._spots_of(clause)[0]
                spots = tuple(_Spot(s.site or silent.site, s.side or silent.side, s.part) for s in spots)
                doubted = any(c.entry.cue is Cue.DOUBTS and 0 <= one.start - c.end <= 2 for c in clause.cues)
                yield "depth_mm", State.INDETERMINATE if doubted else one.range, spots, one.start, one.end

    def _nearest_the_anchor(self, lengths: Sequence[_Length]) -> list[_Length]:
        """Return the lengths between the same commas as an anchor word; all of them when none is."""
        commas = [at for at, word in enumerate(self.words) if word in (",", ";")]
        anchored = {bisect(commas, hit.start) for hit in self._of(_Sort.ANCHOR)}
        near = [one for one in lengths if bisect(commas, one.start) in anchored]
        return near or list(lengths)

    def _spots_of_depth(self, clause: _Clause) -> tuple[_Spot, ...]:
        edema = [m for m in clause.mentions if m.wording.fact == "bme"] or (
            [m for m in self.mentions if m.wording.fact == "bme"] if not clause.spots else []
        )
        return edema[0].spots if edema else self._spots_of(clause)

    def _is_depth(self, length: _Length, last: Sequence[_Mention]) -> bool:
        words, start, end = self.words, length.start, length.end
        behind_it = words[end : end + 2] if words[end : end + 1] in (("on",), ("at",)) else words[end : end + 1]
        if known.EARLIER_VALUE & {*words[max(0, start - 3) : start], *behind_it}:
            return False
        if words[max(0, start - 2) : start] in (("compared", "with"), ("compared", "to")):
            return False
        if known.SCORE_WORDS & set(words[max(0, start - 1) : start]):
            return False
        denials = [c for c in self.cues if c.entry.cue in (Cue.DENIES, Cue.DENIES_NEXT) and c.end <= start]
        if any(start - c.end <= 3 and not self._mentioned_between(c.end, start) for c in denials):
            return False
        edema = [m for m in self.mentions if m.wording.fact == "bme"]
        if edema and all(m.denied for m in edema):
            return False
        behind = self._measured_behind(end)
        measured = behind if behind is not None else self._measured_before(start)
        if measured is not None:
            return measured
        here_before = [m for m in last if m.state not in (State.ABSENT, None) and m.wording.kind is Kind.FINDING]
        return bool(self._of(_Sort.ANCHOR)) and (not here_before or any(m.wording.fact == "bme" for m in here_before))

    def _mentioned_between(self, start: int, end: int) -> bool:
        return any(start <= m.start and m.end <= end for m in self.subjects)

    def _measured_behind(self, end: int) -> bool | None:
        """Return whether edema is what a length stands before ("12 mm band of edema"); None when nothing is."""
        for start, is_edema in sorted(self._measurable(lambda m: m.start)):
            if start >= end:
                gap = self.words[end:start]
                return is_edema if len(gap) <= 3 and not known.PARTS_MEASURE & set(gap) else None
        return None

    def _measured_before(self, start: int) -> bool | None:
        """Return whether edema is what was last named before a length; None when nothing was."""
        before = [(end, is_edema) for end, is_edema in self._measurable(lambda m: m.end) if end <= start]
        return max(before)[1] if before else None

    def _measurable(self, edge: Callable[[_Mention | _Hit], int]) -> list[tuple[int, bool]]:
        """Return where the things stand that a length may be of, and whether each is edema."""
        denied = [c.end for c in self.cues if c.entry.cue in (Cue.DENIES, Cue.HALF_DENIES)]
        others = [h for h in self._of(_Sort.MEASURED) if not any(0 <= h.start - at <= 2 for at in denied)]
        findings = [m for m in self.mentions if m.wording.kind is Kind.FINDING and m.state not in (State.ABSENT, None)]
        return [
            *((edge(h), False) for h in others),
            *((edge(m), m.wording.fact in known.MEASURED_AS_EDEMA) for m in findings),
        ]

    def _lengths(self) -> Iterator[_Length]:
        at = 0
        bounds = {hit.end: hit for hit in _longest(self._of(_Sort.COMPARATOR))}
        behind = {hit.start: hit for hit in self._of(_Sort.COMPARATOR_BEHIND)}
        while at < len(self.words):
            length = self._length(at, bounds, behind) if self.words[at][0].isdigit() else None
            if length is not None:
                yield length
            at = max(at + 1, length.end if length is not None else 0)
        for hit in self._of(_Sort.SIZE):
            yield _Length(hit.start, hit.end, length_mm(1, "cm", hit.entry.word))

    def _length(self, at: int, bounds: Mapping[int, _Hit], behind: Mapping[int, _Hit]) -> _Length | None:
        """Return the length that begins with the number at word ``at``, with the bound before or behind it."""
        numbers, unit, end, join = self._numbers(at)
        if unit is None or self.words[max(0, at - 1) : at] == ("minus",):
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
            if join == "to" and self.words[max(0, at - 1) : at] == ("from",) and self._of(*_CHANGES):
                return length_mm(numbers[1], unit)  # "increased from 8 to 12 mm"
            return length_between_mm(numbers[0], numbers[1], unit)
        if comparator == "about":
            return length_about_mm(numbers[0], unit)
        if comparator == "up to":
            return length_up_to_mm(numbers[0], unit)
        return length_mm(numbers[0], unit, comparator)

    def _numbers(self, at: int) -> tuple[list[str], str | None, int, str]:
        """Return the numbers of "12 mm", "8-12 mm", "8 mm to 1 cm", "10 x 8 mm", their unit, the end and the joint."""
        words = self.words
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


@dataclass(frozen=True)
class _Length:
    """A length in the words ``start`` to ``end``."""

    start: int
    end: int
    range: Range


def _in_unit(number: str, unit: str, wanted: str) -> str:
    """Return a number in another length unit: "8 mm to 1 cm"."""
    if unit == wanted:
        return number
    measure = length_mm(number, unit).low
    factor = length_mm(1, wanted).low
    return number if measure is None or factor is None else str(measure / factor)


# --- Places ---------------------------------------------------------------------------------------------------------


def _side_name(name: str, side_before: str | None) -> str | None:
    if name != "opposite":
        return name
    return {"left": "right", "right": "left"}.get(side_before or "")


def _joined(sides: Iterable[str | None]) -> str | None:
    """Return one side for several: left and right are both."""
    distinct = {side for side in sides if side is not None}
    if len(distinct) > 1 or "both" in distinct:
        return "both"
    return next(iter(distinct), None)


def _most_exact(places: Sequence[_Hit]) -> list[tuple[str, _Hit]]:
    """Return the sites named, without a region of which a site is named; head and neck are one."""
    sites = [(hit.entry.place.site, hit) for hit in places if hit.entry.place is not None]
    names = {site for site, _ in sites}
    regions = {known.REGION_OF[site] for site in names if site in known.REGION_OF and known.REGION_OF[site] != site}
    exact = [(site, hit) for site, hit in sites if site not in regions]
    if {"femoral_head", "femoral_neck"} <= names or "femoral_head_and_neck" in names:
        merged = [(s if s not in ("femoral_head", "femoral_neck") else "femoral_head_and_neck", h) for s, h in exact]
        return list({site: (site, hit) for site, hit in reversed(merged)}.values())
    return exact


def _shared(spots: Sequence[_Spot]) -> _Spot:
    """Return what all spots have in common."""
    sites = {spot.site for spot in spots}
    sides = {spot.side for spot in spots}
    parts = {spot.part for spot in spots}
    return _Spot(
        site=next(iter(sites)) if len(sites) == 1 else None,
        side=next(iter(sides)) if len(sides) == 1 else None,
        part=next(iter(parts)) if len(parts) == 1 else None,
        plural=any(spot.plural for spot in spots),
    )


def _side_of_same(spot: _Spot, spots: Sequence[_Spot]) -> str | None:
    """Return the one side that the clause gives to this spot's region."""
    sides = {other.side for other in spots if other.side and _region(other.site) == _region(spot.site)}
    return next(iter(sides)) if len(sides) == 1 else None


def _one_of_all(spots: Sequence[_Spot]) -> _Spot | None:
    """Return the one place that spots name; None for none or for several."""
    return _shared(spots) if len({(spot.site, spot.side) for spot in spots}) == 1 else None


def _region(site: str | None) -> str | None:
    return known.REGION_OF.get(site, site) if site is not None else None


def _said_by_itself(site: str | None, spot: _Spot) -> _Spot:
    """Return a spot with the site that a phrase names by itself ("sacroiliitis"), unless a nearer one is named."""
    if site is None or (_region(spot.site) == _region(site) and known.REGION_OF.get(site) == site):
        return spot
    return _Spot(site, spot.side, spot.part if _region(spot.site) == _region(site) else None, spot.plural)


def _completed(spot: _Spot, fallback: _Spot, study: _Spot) -> _Spot:
    """Return a spot with what the words before, then the study, say of its site and side."""
    site, part = spot.site, spot.part
    if site is None:
        site, part = (fallback.site, fallback.part) if fallback.site is not None else (study.site, None)
    side = spot.side
    if side is None and not spot.plural:
        if _region(fallback.site) == _region(site) or fallback.site is None:
            side = fallback.side
        of_study = study.site is None or _region(study.site) == _region(site)
        if side is None and of_study and site not in known.WITHOUT_SIDE:
            side = study.side
    return _Spot(site, side, part, spot.plural)


# --- Hits that overlap ----------------------------------------------------------------------------------------------


def _longest(hits: Sequence[_Hit]) -> list[_Hit]:
    """Return, of hits that overlap, the longest; several in one place are all kept."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: (-hit.length, hit.start)):
        if all(hit.is_twin_of(other) or not hit.overlaps(other.start, other.end) for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.start)


def _longest_facts(hits: Sequence[_Hit]) -> list[_Hit]:
    """Return the facts mentioned: a phrase hides those it covers, and one fact is mentioned once in one place."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: (-hit.length, hit.start)):
        if not any(_hides(other, hit) for other in kept):
            kept.append(hit)
    return kept


def _hides(longer: _Hit, hit: _Hit) -> bool:
    first, second = longer.entry.wording, hit.entry.wording
    if first is None or second is None or not hit.overlaps(longer.start, longer.end):
        return False
    if first.fact == second.fact:
        return True
    return first.covers and hit.within(longer) and hit.length < longer.length and first.kind is not Kind.GENERAL


def _without_general_inside(facts: Sequence[_Hit]) -> list[_Hit]:
    """Return the facts without general nouns that are part of one ("marrow signal changes")."""
    named = [hit for hit in facts if hit.entry.wording is not None and hit.entry.wording.fact]
    return [hit for hit in facts if hit in named or not any(hit.overlaps(other.start, other.end) for other in named)]
