"""From the names of MR series, or from free text, to the sequences a study has: STIR, T2, T1, dynamic contrast.

The words and what they mean stand in ``knowledge/sequences.py``; here is only how a name is cut into words and in
which order the tables are asked. Nothing raises, whatever the string, and the time grows with its length only.

Source: field mapping, section 4; decision table 1.2 (``seq.*``) and gates G2-G5.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from cds_service.knowledge import sequences as known
from cds_service.knowledge.sequences import ACQUIRED, NOT_ACQUIRED, Weighting

__all__ = ["ACQUIRED", "NOT_ACQUIRED", "Sequences", "Weighting", "classify", "sequences_named", "sequences_of"]


@dataclass(frozen=True)
class Sequences:
    """Which sequences a study has: ``"acquired"``, ``"not_acquired"``, or None when the series do not tell.

    ``t2`` stands for T2 and whatever else is fluid-sensitive but not STIR; ``note`` says when that is proton density,
    and what else a reader of the answer should know. No note holds a series' name.
    """

    stir: str | None
    t2: str | None
    t1: str | None
    dce: str | None
    note: tuple[str, ...] = ()


def classify(description: str) -> Weighting:
    """Return what a series shows, as far as its name tells; ``UNRECOGNISED`` when it does not, also for no name.

    Source: field mapping 4.1 and 4.2, rules 1-7.
    """
    return _read(description).weighting


def sequences_of(
    descriptions: Iterable[str],
    *,
    complete: bool,
    pd_fat_suppressed_is_fluid_sensitive: bool = True,
    contrast_throughout: bool = False,
) -> Sequences:
    """Return the sequences of one study from the names of its MR series, in any order.

    A sequence is missing (``"not_acquired"``) only when the list is complete, every series was recognised and none is
    or may be that sequence. A list without one image (empty, localizers only) says nothing.

    Args:
        descriptions: one string for each MR series; an empty one for a series without a name, so that it counts as
            unrecognised. Series of another modality are left out by the caller.
        complete: whether these are all series of the study (``numberOfSeries`` absent or equal).
        pd_fat_suppressed_is_fluid_sensitive: whether proton density or intermediate-weighted images with fat
            suppression count as fluid-sensitive. They then stand as ``t2`` with a note, so that G3 does not hold.
        contrast_throughout: whether all images were taken with contrast, as the code of the examination says. T1 is
            then after contrast unless its name says "pre". Of an examination without and with contrast only the
            names tell which is which.
    Source: field mapping 4.2, rules 4 and 8, and the settings of rule 8.
    """
    series = [_read(description, contrast_throughout) for description in descriptions]
    silent = frozenset() if pd_fat_suppressed_is_fluid_sensitive else known.FLUID_SENSITIVE_BY_SETTING
    counted: set[str] = set()
    left_open: set[str] = set()
    for one in series:
        if one.weighting not in silent:
            counted |= known.ANSWERS[one.weighting].counts_for
            left_open |= known.ANSWERS[one.weighting].leaves_open
        left_open |= one.also_open
    has_image = any(one.weighting is not Weighting.NOT_AN_IMAGE for one in series)

    def state(name: str) -> str | None:
        if name in counted:
            return ACQUIRED
        return NOT_ACQUIRED if complete and has_image and name not in left_open else None

    note = (*_fluid_notes(series, counted, silent), *_t1_notes(series), *_list_notes(series, complete))
    return Sequences(state("stir"), state("t2"), state("t1"), state("dce"), note)


def sequences_named(text: str, *, pd_fat_suppressed_is_fluid_sensitive: bool = True) -> frozenset[str]:
    """Return which of ``stir``, ``t2``, ``t1``, ``dce`` an English text names as acquired or wanted.

    For the technique section of a report ("coronal T1 and STIR images were obtained") and for the note of an order
    ("STIR only"). A sequence that is denied ("no T1", "STIR was not obtained", "rather than T1") is not named, nor is
    T1 that is only fat-suppressed or after contrast, a signal ("T1 hypointense"), or a vertebra ("T1 fracture").
    Not being named says nothing about the sequence.

    Fat-suppressed proton density and "fluid-sensitive" are named as ``t2``, as in ``sequences_of``.
    """
    named: set[str] = set()
    for clause in _clauses(text):
        named |= _named_in(clause, pd_fat_suppressed_is_fluid_sensitive)
    return frozenset(named)


# --- One series -----------------------------------------------------------------------------------------------------

# DICOM pads with blanks and NUL; mojibake leaves replacement characters. Dashes of every kind separate like a hyphen.
_SEPARATORS = re.compile(r"[\s_\-.,()/:\x00-\x1f\x7f-\x9f\u200b-\u2015\u2212\ufeff\ufffd]+")
_LONGEST_WORD = 100
"""Longer runs without a blank are not Unicode-normalised: that takes quadratic time on piled-up accents."""


@dataclass(frozen=True)
class _Series:
    weighting: Weighting
    also_open: frozenset[str] = frozenset()
    fat_suppressed: bool = False
    dixon: bool = False


_UNRECOGNISED = _Series(Weighting.UNRECOGNISED)
_LONGEST_NAME = 64
"""DICOM's limit for a series description. Names of scanners come again and again; what is longer is not remembered."""


def _read(description: str, contrast_throughout: bool = False) -> _Series:
    read = _read_name if len(description) <= _LONGEST_NAME else _read_name.__wrapped__
    return read(description, contrast_throughout)


@lru_cache(maxsize=4_000)
def _read_name(description: str, contrast_throughout: bool) -> _Series:
    tokens = _tokens(description)
    words = _with_pairs(tokens)
    if words & known.NOT_IMAGES.keys():
        return _Series(Weighting.NOT_AN_IMAGE)
    if words & known.OTHER_IMAGES.keys():
        return _Series(Weighting.OTHER_KNOWN)
    if _is_dynamic(tokens, words):
        return _Series(Weighting.DCE)
    if words & known.DERIVED.keys():
        source = _weighted(tokens, words, contrast_throughout)
        if source.weighting is Weighting.UNRECOGNISED:
            return _Series(Weighting.NOT_AN_IMAGE)
        answer = known.ANSWERS[source.weighting]
        return _Series(Weighting.NOT_AN_IMAGE, answer.counts_for | answer.leaves_open | source.also_open)
    return _weighted(tokens, words, contrast_throughout)


def _weighted(tokens: Sequence[str], words: frozenset[str], contrast_throughout: bool) -> _Series:
    """Return the weighting that is written. Two that exclude each other are as good as none."""
    t1 = bool(words & known.T1.keys())
    intermediate = bool(words & known.INTERMEDIATE_WEIGHTED.keys())
    proton = intermediate or bool(words & known.PROTON_DENSITY.keys())
    t2 = bool(words & known.T2.keys()) or (not t1 and not proton and bool(words & known.T2_WHEN_NOTHING_ELSE.keys()))
    if words & known.FLAIR.keys():
        if not t1 or t2:
            return _Series(Weighting.FLAIR)
    elif words & known.STIR.keys():
        return _Series(Weighting.STIR, frozenset({"t1"}) if t1 else frozenset())
    elif _is_inversion(words):
        meant = not t1 and (t2 or not words & known.STIR_WITH_T2.keys())
        return _Series(Weighting.STIR) if meant else _UNRECOGNISED
    if t1:
        return _UNRECOGNISED if t2 or proton else _t1(tokens, words, contrast_throughout)
    if words & known.T2_STAR.keys():
        return _Series(Weighting.GRADIENT_ECHO)
    if words & known.GRADIENT_ECHO.keys():
        return _Series(Weighting.GRADIENT_ECHO, frozenset() if t2 or proton else frozenset({"t1"}))
    return _spin_echo(tokens, words, t2=t2, proton=proton, intermediate=intermediate)


def _spin_echo(tokens: Sequence[str], words: frozenset[str], *, t2: bool, proton: bool, intermediate: bool) -> _Series:
    part = _dixon_part(tokens, words)
    if part == "fat":
        return _Series(Weighting.DIXON_FAT_OR_OPPOSED)
    water = part == "water" or (part == "unnamed" and bool(words & known.DIXON_WATER_WHEN_UNNAMED.keys()))
    suppressed = water or _states(tokens, known.FAT_SUPPRESSION)
    if t2:  # a double echo, "PD/T2", holds a T2
        return _Series(Weighting.T2_FAT_SUPPRESSED if suppressed else Weighting.T2)
    if proton and suppressed:
        return _Series(Weighting.PD_FAT_SUPPRESSED)
    if proton:
        return _Series(Weighting.INTERMEDIATE if intermediate else Weighting.PD)
    return _Series(Weighting.DIXON_WATER_UNKNOWN) if part else _UNRECOGNISED


def _t1(tokens: Sequence[str], words: frozenset[str], contrast_throughout: bool) -> _Series:
    part = _dixon_part(tokens, words)
    suppressed = _states(tokens, known.FAT_SUPPRESSION)
    if part == "fat":
        return _Series(Weighting.DIXON_FAT_OR_OPPOSED)
    if _is_post_contrast(tokens, words, contrast_throughout):
        return _Series(Weighting.T1_POST_CONTRAST, fat_suppressed=suppressed or part == "water")
    if suppressed:
        return _Series(Weighting.T1_FAT_SUPPRESSED, fat_suppressed=True)
    # Rule 7: one Dixon acquisition gives water, fat and in-phase images, so its water image counts as T1.
    dixon = part in ("water", "unnamed")
    if words & known.GRADIENT_ECHO.keys() or words & known.T2_STAR.keys():
        return _Series(Weighting.T1_GRADIENT_ECHO, dixon=dixon)
    return _Series(Weighting.T1, dixon=dixon)


def _is_inversion(words: frozenset[str]) -> bool:
    by_name = words & (known.STIR_UNLESS_T1.keys() | known.STIR_WITH_T2.keys())
    by_parts = words & known.STIR_WITH_SPIN_ECHO.keys() and words & known.SPIN_ECHO_TRAIN.keys()
    return bool(by_name or by_parts)


def _is_dynamic(tokens: Sequence[str], words: frozenset[str]) -> bool:
    if words & known.DYNAMIC.keys() or any(token.startswith(tuple(known.DYNAMIC_BEGINNINGS)) for token in tokens):
        return True
    if not words & known.DYNAMIC_WHEN_REPEATED.keys():
        return False
    return bool(words & known.REPEATED.keys()) or any(re.fullmatch(r"ph[0-9]+", token) for token in tokens)


def _is_post_contrast(tokens: Sequence[str], words: frozenset[str], contrast_throughout: bool = False) -> bool:
    if words & known.BEFORE_CONTRAST.keys():
        return False
    said = [not _denied(tokens, index) for index in _contrast_words(tokens)]
    return any(said) or (contrast_throughout and not said)


def _contrast_words(tokens: Sequence[str]) -> Iterator[int]:
    """Yield where contrast is named, or denied."""
    beginnings = tuple(known.CONTRAST_BEGINNINGS)
    for index, token in enumerate(tokens):
        is_suffix = index == len(tokens) - 1 and token in known.CONTRAST_AS_LAST_WORD
        if is_suffix or token in known.CONTRAST or token.startswith(beginnings):
            yield index


def _dixon_part(tokens: Sequence[str], words: frozenset[str]) -> str:
    """Return which image of a Dixon acquisition this is: water, in-phase, fat, unnamed; empty when it is none."""
    family = bool(words & known.DIXON.keys())
    if "water excitation" not in words and words & known.DIXON_WATER.keys():
        return "water"
    if family and words & known.DIXON_WATER_LETTERS.keys():
        return "water"
    if words & known.DIXON_IN_PHASE.keys() or (family and words & known.DIXON_IN_PHASE_LETTERS.keys()):
        return "in-phase"
    if _names_fat_image(tokens) or (family and words & known.DIXON_FAT_OR_OPPOSED_LETTERS.keys()):
        return "fat"
    return "unnamed" if family else ""


def _names_fat_image(tokens: Sequence[str]) -> bool:
    for index, token in enumerate(tokens):
        pair = " ".join(tokens[index : index + 2])
        if pair in known.FAT_SUPPRESSION:
            continue
        if token in known.DIXON_FAT_OR_OPPOSED or pair in known.DIXON_FAT_OR_OPPOSED:
            return True
    return False


def _normalise(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        word = match.group()
        return word if len(word) > _LONGEST_WORD else unicodedata.normalize("NFKC", word)

    return (text if text.isascii() else re.sub(r"\S+", one, text)).lower()


def _tokens(description: str) -> list[str]:
    tokens: list[str] = []
    for word in _SEPARATORS.split(_normalise(description)):
        if word:
            tokens.extend(known.GLUED.get(word, (word,)))
    return tokens


def _with_pairs(tokens: Sequence[str]) -> frozenset[str]:
    return frozenset(tokens) | {f"{one} {next_one}" for one, next_one in pairwise(tokens)}


def _states(tokens: Sequence[str], table: known.Words) -> bool:
    """Return whether a word of the table stands there without a "no" or "without" before it."""
    for index, token in enumerate(tokens):
        stands = token in table or " ".join(tokens[index : index + 2]) in table
        if stands and not _denied(tokens, index):
            return True
    return False


def _denied(tokens: Sequence[str], index: int) -> bool:
    before = index - 1
    while before > index - 4 and before >= 0 and tokens[before] in known.BETWEEN_DENIAL_AND_CONTRAST:
        before -= 1
    if before < 0:
        return False
    return tokens[before] in known.NOT_WITH or " ".join(tokens[max(before - 1, 0) : before + 1]) in known.NOT_WITH


# --- Notes ----------------------------------------------------------------------------------------------------------


def _fluid_notes(series: Sequence[_Series], counted: set[str], silent: frozenset[Weighting]) -> list[str]:
    kinds = {one.weighting for one in series}
    if kinds & {Weighting.T2, Weighting.T2_FAT_SUPPRESSED}:
        return []
    if Weighting.PD_FAT_SUPPRESSED in kinds:
        return [known.NOTE_PD_NOT_COUNTED if silent else known.NOTE_PD_COUNTED]
    if Weighting.INTERMEDIATE in kinds and not silent and "stir" not in counted:
        return [known.NOTE_INTERMEDIATE]
    return []


def _t1_notes(series: Sequence[_Series]) -> list[str]:
    plain = [one for one in series if one.weighting in (Weighting.T1, Weighting.T1_GRADIENT_ECHO)]
    if any(one.weighting is Weighting.T1 and not one.dixon for one in plain):
        return []
    if plain:
        gradient_echo = all(one.weighting is Weighting.T1_GRADIENT_ECHO for one in plain)
        dixon = all(one.dixon for one in plain)
        return [*[known.NOTE_T1_GRADIENT_ECHO] * gradient_echo, *[known.NOTE_T1_DIXON] * dixon]
    altered = [one for one in series if one.weighting in (Weighting.T1_POST_CONTRAST, Weighting.T1_FAT_SUPPRESSED)]
    if not altered:
        return []
    post_contrast = all(one.weighting is Weighting.T1_POST_CONTRAST for one in altered)
    fat_suppressed = all(one.fat_suppressed for one in altered)
    if post_contrast and fat_suppressed:
        return [known.NOTE_T1_FAT_SUPPRESSED_POST_CONTRAST]
    if post_contrast:
        return [known.NOTE_T1_POST_CONTRAST]
    return [known.NOTE_T1_FAT_SUPPRESSED if fat_suppressed else known.NOTE_T1_EITHER]


def _list_notes(series: Sequence[_Series], complete: bool) -> list[str]:
    notes = []
    count = sum(one.weighting is Weighting.UNRECOGNISED for one in series)
    if count == 1:
        notes.append(known.NOTE_ONE_UNRECOGNISED)
    elif count:
        notes.append(known.NOTE_SEVERAL_UNRECOGNISED.format(count=count))
    if not complete:
        notes.append(known.NOTE_INCOMPLETE)
    return notes


# --- Free text ------------------------------------------------------------------------------------------------------

_TEXT_TOKENS = re.compile(
    r"\+(?:c|gd|km|contrast)\b|(?<!\w)t2w?\s?\*|[^\W_]+|[,/&+|;!?]|\.(?=\s|$)",
)
_SENTENCE_END = frozenset(".;!?")
_JOINERS = frozenset({",", "/", "&", "+", "|", "and", "or", "nor", "plus"})
_ANDS = _JOINERS - {","}
_TEXT_REWRITES = (
    (re.compile(r"n['\u2019]t\b"), " not"),
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/ ?"), "with "),
    # "with and without contrast": there are images before contrast, which is what matters for T1.
    (re.compile(r"\bwith wo\b"), "pre"),
    (re.compile(r"\b(?:with|w|pre-?|before) ?(?:and|&|/) ?(?:without|post|after)\b"), "pre"),
    (re.compile(r"\b(?:without|post-?|after) ?(?:and|&|/) ?(?:with|pre|before)\b"), "pre"),
)
_VERTEBRAE = re.compile(r"\b[ctls][0-9]{1,2}(?: ?(?:-|/|to|through|thru) ?[ctls][0-9]{1,2})+\b")
_NEAR = 5


def _clauses(text: str) -> list[list[str]]:
    """Return the words of a text, cut where a statement about sequences ends."""
    line = " ".join(_normalise(text).split())
    line = re.sub("[\u2010-\u2015\u2212]", "-", line)
    for pattern, replacement in _TEXT_REWRITES:
        line = pattern.sub(replacement, line)
    line = _VERTEBRAE.sub(_keep_weightings, line)
    clauses: list[list[str]] = [[]]
    for word in _TEXT_TOKENS.findall(line):
        if word in _SENTENCE_END or word in known.TURN:
            clauses.append([])
        else:
            clauses[-1].extend(known.GLUED.get(word, (word.replace(" ", ""),)))
    return clauses


def _keep_weightings(match: re.Match[str]) -> str:
    """Keep "T1/T2", which may be two weightings; drop "C7-T1", which cannot."""
    levels = set(re.findall(r"[ctls][0-9]+", match.group()))
    return match.group() if levels <= {"t1", "t2"} else " "


def _named_in(words: Sequence[str], pd_counts: bool) -> set[str]:
    mentions = _mentions(words)
    denied = _denied_mentions(words, mentions)
    named = set()
    for index, name in mentions.items():
        if index in denied:
            continue
        phrase = _phrase(words, mentions, index)
        suppressed = _states(phrase, known.FAT_SUPPRESSION)
        if name == "pd":
            if suppressed and pd_counts:
                named.add("t2")
        elif name != "t1" or not (suppressed or _is_post_contrast(phrase, _with_pairs(phrase))):
            named.add(name)
    return named


def _mentions(words: Sequence[str]) -> dict[int, str]:
    """Return where a sequence is mentioned, and which: stir, t2, t1, dce, or pd."""
    mentions: dict[int, str] = {}
    proton = known.PROTON_DENSITY.keys() | known.INTERMEDIATE_WEIGHTED.keys()
    for index, word in enumerate(words):
        ahead = _ahead(words, index)
        if word in known.STIR or word in known.STIR_UNLESS_T1 or tuple(words[index : index + 3]) in known.SHORT_TAU:
            name = "stir"
        elif word in known.T1:
            name = "t1"
        elif word in known.T2:
            if not known.T2_BELONGS_TO.isdisjoint(ahead[:1]) or not known.FLAIR.keys().isdisjoint(
                words[index - 1 : index]
            ):
                continue
            name = "t2"
        elif tuple(words[index : index + 2]) == known.FLUID_SENSITIVE:
            name = "t2"
        elif word in proton or " ".join(words[index : index + 2]) in proton:
            name = "pd"
        elif _is_dynamic_in_text(words, index):
            name = "dce"
        else:
            continue
        if name == "dce" or not _is_finding_or_vertebra(words, index, ahead):
            mentions[index] = name
    return mentions


def _ahead(words: Sequence[str], index: int) -> list[str]:
    """Return the next words, leaving out "weighted" and "images" that belong to the weighting."""
    skip = index + 1
    while skip < min(len(words), index + 4) and words[skip] in ("weighted", "w", "images", "image"):
        skip += 1
    return list(words[skip : skip + 2])


def _is_finding_or_vertebra(words: Sequence[str], index: int, ahead: list[str]) -> bool:
    if ahead and (ahead[0] in known.SIGNAL or ahead[0] in known.VERTEBRA):
        return True
    if len(ahead) == 2 and ahead[0] in known.SIGNAL_BEFORE | {"marrow"} and ahead[1] in known.SIGNAL:
        return True
    return index > 0 and words[index - 1] in known.SIGNAL_BEFORE


def _is_dynamic_in_text(words: Sequence[str], index: int) -> bool:
    word, following = words[index], words[index + 1 : index + 4]
    if word in known.DYNAMIC_IN_TEXT:
        return True
    if word == "perfusion":
        return bool(following) and following[0] in known.PERFUSION_WITH
    return word == "dynamic" and not known.DYNAMIC_WITH.isdisjoint(following)


def _phrase(words: Sequence[str], mentions: dict[int, str], index: int) -> list[str]:
    """Return the words that describe one mention: its neighbours up to a comma, an "and" or another mention."""
    start = index
    while start > max(0, index - _NEAR) and start - 1 not in mentions and words[start - 1] not in _JOINERS:
        start -= 1
    end = index + 1
    while end < min(len(words), index + 1 + _NEAR) and end not in mentions and words[end] not in _JOINERS:
        end += 1
    before = list(words[start:index])
    # "MRI with contrast T1 ...": the contrast belongs to the examination, not to this T1.
    for position in range(len(before) - 1, 0, -1):
        if before[position] in known.CONTRAST and before[position - 1] in ("with", "without", "iv"):
            before = before[position + 1 :]
            break
    return [*before, *words[index:end]]


def _denied_mentions(words: Sequence[str], mentions: dict[int, str]) -> set[int]:
    """Return the mentions that the text denies: "no T1 or T2", "T1 was not obtained"."""
    denied: set[int] = set()
    spent: set[int] = set()  # a "not" that spoke of the mention before it does not speak of the next
    last_or = max((i for i, word in enumerate(words) if word in ("or", "nor")), default=-1)
    for index in mentions:
        at = _denial_behind(words, mentions, index)
        if at is not None and not _is_alone(words, index):
            spent.add(at)
            _spread_back(words, mentions, index, denied)
    for index, word in enumerate(words):
        pair = tuple(words[index : index + 2])
        if index in spent or not (word in known.NOT_WANTED_AHEAD or pair in known.NOT_WANTED_AHEAD_PAIRS):
            continue
        if index > 0 and words[index - 1] in known.NOT_WANTED_AHEAD:  # "do not omit T1"
            continue
        start = index + (2 if pair in known.NOT_WANTED_AHEAD_PAIRS else 1)
        if words[start : start + 1] and words[start] in known.NOT_A_DENIAL_BEFORE:
            continue
        first = _first_denied(words, mentions, start)
        if first is not None:
            _spread_ahead(words, mentions, first, last_or, denied)
    return denied


def _first_denied(words: Sequence[str], mentions: dict[int, str], start: int) -> int | None:
    for index in range(start, min(len(words), start + _NEAR)):
        if index in mentions:
            return None if _is_alone(words, index) else index
        after_post = index > 0 and words[index - 1] in ("post", "after")
        if words[index] in known.DENIAL_ENDS_AT | known.NOT_WANTED_AHEAD or words[index] in (",", "&", "+", "|"):
            return None
        if words[index] == "contrast" and not after_post:
            return None
    return None


def _spread_ahead(words: Sequence[str], mentions: dict[int, str], index: int, last_or: int, denied: set[int]) -> None:
    """Deny a mention and the rest of its list. A comma goes on only when an "or" follows: "no T1, STIR only"."""
    while index not in denied:
        denied.add(index)
        joined = False
        position = index + 1
        while position < min(len(words), index + 1 + 2 * _NEAR) and position not in mentions:
            word = words[position]
            if word in _ANDS or (word == "," and last_or > position):
                joined = True
            elif word not in known.BETWEEN:
                return
            position += 1
        if not joined or position not in mentions or _is_alone(words, position):
            return
        index = position


def _spread_back(words: Sequence[str], mentions: dict[int, str], index: int, denied: set[int]) -> None:
    """Deny a mention and the list before it: "T1, T2 and STIR were not obtained", but not "STIR, T1 not needed"."""
    has_and = False
    while index not in denied:
        denied.add(index)
        joined = False
        position = index - 1
        while position >= max(0, index - 2 * _NEAR) and position not in mentions:
            word = words[position]
            if word in _ANDS or (word == "," and has_and):
                joined = has_and = True
            elif word not in known.BETWEEN:
                return
            position -= 1
        if not joined or position not in mentions or _is_alone(words, position):
            return
        index = position


def _denial_behind(words: Sequence[str], mentions: dict[int, str], index: int) -> int | None:
    """Return where a denial stands that follows the mention: "was not obtained", "omitted", "no"."""
    for position in range(index + 1, min(len(words), index + 2 + _NEAR)):
        word = words[position]
        following = _until_mention(words, mentions, position + 1)
        if word in known.NOT_WANTED_BEHIND:
            return position
        if word in ("not", "never"):
            return position if not known.DONE.isdisjoint(following) else None
        if word in ("no", "none"):
            return position if not following or following[0] == "," else None
        if position in mentions or word in _JOINERS or word in known.REASON or word in known.CONTRAST:
            return None
    return None


def _until_mention(words: Sequence[str], mentions: dict[int, str], start: int) -> list[str]:
    end = start
    while end < min(len(words), start + 3) and end not in mentions:
        end += 1
    return list(words[start:end])


def _is_alone(words: Sequence[str], index: int) -> bool:
    """Return whether "only" follows: that sequence is wanted whatever stands before it."""
    position = index + 1
    while position < min(len(words), index + _NEAR) and words[position] in known.BETWEEN:
        position += 1
    return words[position : position + 1] in (["only"], ["alone"])
