"""From a text to its sections, their sentences, and the words in the form in which they are compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import NamedTuple

from cds_service.knowledge import phrases as known

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


def plain_form(text: str) -> str:
    """Return the text in lower case and with plain spaces, dashes and quotes, character for character."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    if "\r" in lower:
        lower = re.sub(r"\r(?!\n)", "\n", lower)
    return lower.translate(_SAME_LENGTH)


class Block(NamedTuple):
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


def blocks_of(text: str, plain: str, untitled: Section) -> list[Block]:
    pattern, section_of = _headings()
    marks: list[tuple[int, int, Section | None]] = []
    for match in _headings_in(pattern, text, plain):
        on_new_line = match["line"] is not None
        inside_line = match["colon"] is not None and text[match.start("name")].isupper()
        if on_new_line or inside_line:
            marks.append((match.start(), match.end(), section_of[match["name"]]))
    has_findings = any(section is Section.FINDINGS for _, _, section in marks)
    blocks: list[Block] = []
    first = marks[0][0] if marks else len(plain)
    blocks.append(Block(untitled, 0, first))
    for number, (_, start, section) in enumerate(marks):
        end = marks[number + 1][0] if number + 1 < len(marks) else len(plain)
        blocks.extend(_below(plain, Block(section, start, end), untitled, has_findings))
    return [block for block in blocks if plain[block.start : block.end].strip()]


LONGEST_HEADING = 70
_LINE_OR_COLON = re.compile(r"[\n:]")


def _headings_in(pattern: re.Pattern[str], text: str, plain: str) -> Iterator[re.Match[str]]:
    """Return the headings: at the beginning of a line, or with a capital before a colon."""
    line = end = 0
    for mark in chain([None], _LINE_OR_COLON.finditer(plain)):
        if mark is not None and mark[0] == ":":
            begins = range(max(line + 1, end, mark.start() - LONGEST_HEADING), mark.start())
        else:
            line = mark.end() if mark is not None else 0
            begins = range(line, line + 1)
        for at in begins:
            match = pattern.match(plain, at) if at == line or text[at].isupper() else None
            if match:
                yield match
                end = match.end()
                break


_PARAGRAPH = re.compile(r"\n[ \t]{0,200}\n")


def _below(plain: str, block: Block, untitled: Section, has_findings: bool) -> Iterator[Block]:
    """Return a block. Without a heading FINDINGS, what follows the paragraph of TECHNIQUE or COMPARISON is untitled."""
    if not has_findings and block.section in (Section.TECHNIQUE, Section.COMPARISON):
        begin = block.start
        while begin < block.end and plain[begin].isspace():
            begin += 1
        gap = _PARAGRAPH.search(plain, begin, block.end)
        if gap:
            yield Block(block.section, block.start, gap.start())
            yield Block(untitled, gap.end(), block.end)
            return
    yield block


class Sentence(NamedTuple):
    """A sentence: its place in the text, and its words in the form in which they are compared.

    ``marks`` are the words as they stand in the text, one for each of ``words``.
    """

    start: int
    end: int
    new_paragraph: bool
    words: tuple[str, ...]
    marks: tuple[re.Match[str], ...]

    @property
    def is_question(self) -> bool:
        return self.words[-1:] == ("?",) and self.words[0] in known.QUESTION_BEGINS


_MARK = re.compile(r"[.!?]+(?=[\s)\"'\]]|\Z)|\.(?=[^\W\d_])|\n|[ \t](?=\d{1,2}\)[ \t])")
_BULLET = re.compile(r"[ \t]{0,20}(?:[-*>+]{1,3}(?=[ \t]|[^\W\d])|\(?\d{1,2}[.)](?![\d])|\(?[a-h]\))[ \t]{0,5}")
_LABEL = re.compile(r"[ \t]{0,20}[^\W\d_][^\n:.;,]{0,40}:")
_BETWEEN_WORDS = re.compile(r"[\s,;:()\[\]]")


def sentences_of(text: str, plain: str, block: Block) -> Iterator[Sentence]:
    begin = block.start
    new_paragraph = True
    for mark in chain(_MARK.finditer(plain, block.start, block.end), [None]):
        sort, end = "paragraph", block.end
        if mark is not None:
            if mark.start() < begin:
                continue
            sort, end = _boundary(text, plain, begin, mark, block.end), mark.end()
        if sort == "none":
            continue
        if plain[begin:end].isspace():
            begin = end
        while begin < end:
            cut = end if end - begin <= LONGEST_SENTENCE else _cut(plain, begin)
            sentence = _sentence(plain, begin, cut, new_paragraph)
            if sentence.words:
                yield sentence
                new_paragraph = False
            begin = cut
        new_paragraph = new_paragraph or sort == "paragraph"


def _boundary(text: str, plain: str, begin: int, mark: re.Match[str], end: int) -> str:
    """Return whether a mark ends a ``sentence``, ends a ``paragraph``, or ends ``none``."""
    at = mark.start()
    if plain[at] == "\n":
        return _line_boundary(text, plain, begin, at, end)
    if plain[at] in " \t":  # "1) ... 2) ..." on one line, but not "(image 2) ..."
        return "none" if plain.rfind("(", begin, at) > plain.rfind(")", begin, at) else "sentence"
    word = _last_word(plain[max(begin, at - 20) : at])
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


def _last_word(before: str) -> str:
    """Return the last word of what stands before a mark, or the last 20 characters of a longer one."""
    return _BETWEEN_WORDS.split(before[-20:])[-1]


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
    if before[-1] in ",-/(" or _last_word(before) in known.GOES_ON_AFTER:
        return "none"
    if not text[follows].isupper():
        return "none"
    first = re.compile(r"[\w-]{1,30}").match(plain, follows)
    word = first.group() if first else ""
    long_line = at - plain.rfind("\n", max(0, at - 200), at) > 60
    in_capitals = len(word) > 1 and text[follows : follows + len(word)].upper() == text[follows : follows + len(word)]
    return "none" if long_line and (in_capitals or word in known.NAMES_IN_CAPITALS) else "sentence"


def _cut(plain: str, start: int) -> int:
    """Return where a sentence ends that is too long."""
    cut = plain.rfind(" ", start + LONGEST_SENTENCE // 2, start + LONGEST_SENTENCE)
    return cut if cut > 0 else start + LONGEST_SENTENCE


# A word of plain letters (told fastest), any other word (t1, l5, don't), a decimal, a comparison, a mark. A hyphen
# before a letter says nothing.
_WORD = re.compile(
    r"[a-z]+(?![^\W_]|')|[^\W\d_]+(?:'[^\W\d_]+)?(?:\d{1,2}(?!\d)[a-z]{0,4})?|\d+(?:[.,]\d+)?"
    r"|\+/-|>=|<=|[<>≥≤~≈±?,;:()/+&]|-(?![a-z])"
)


_READ_AS = {
    **{word: tuple(form.split()) for word, form in known.SPELLINGS.items()},
    **dict.fromkeys((*known.LEFT_OUT, "-"), ()),
}
"""Words of the text that are read as others, or as none; of a hyphen ``_dash`` says how it is read."""


def _sentence(plain: str, start: int, end: int, new_paragraph: bool) -> Sentence:
    bullet = _BULLET.match(plain, start, end)
    start = bullet.end() if bullet else start
    while start < end and plain[start].isspace():
        start += 1
    while end > start and plain[end - 1].isspace():
        end -= 1
    words: list[str] = []
    marks: list[re.Match[str]] = []
    for mark in _WORD.finditer(plain, start, end):
        word = mark[0]
        forms = _READ_AS.get(word)
        if forms is None:
            words.append(word)
            marks.append(mark)
            continue
        if word == "-":
            forms = tuple(filter(None, [_dash(plain, mark.start(), mark.end(), words)]))
        words += forms
        marks += [mark] * len(forms)
    return Sentence(start, end, new_paragraph, tuple(words), tuple(marks))


def _dash(plain: str, start: int, end: int, words: Sequence[str]) -> str:
    """Return how a hyphen is read.

    As the dash of a range, the sign of a number, a colon ("erosion - no"), "negative" ("erosion (-)", "edema +,
    erosion -."), or not at all.
    """
    if plain[start - 1 : start] == "(" and plain[end : end + 1] == ")":
        return "negative"
    if (
        plain[start - 1 : start] == " "
        and plain[end : end + 1] in (",", ";", ".")
        and "+" in plain[max(0, start - 80) : end + 80]
    ):
        return "negative"
    after = plain[end : end + 2].lstrip()[:1]
    if words and (words[-1][0].isdigit() or words[-1] in known.LENGTH_UNITS) and after.isdigit():
        return "-"
    if after.isdigit() and plain[end : end + 1].isdigit():
        return "minus" if plain[start - 1 : start] in ("", " ", ":", "\n", "(") else ""
    return ":" if plain[start - 1 : start] == " " and plain[end : end + 1] == " " else ""
