"""The words of an order, a study or a report's title, where no code says what is meant or where."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache, wraps
from typing import Any, TypeVar

from cds_service.fhir.access import codings, concept_text, objects, text, unwrapped
from cds_service.knowledge.codes.sites import Place
from cds_service.knowledge.codes.tables import is_understood
from cds_service.knowledge.order_words import (
    BOTH_SIDES_WORDS,
    KIND_WORDS,
    MR_SIGNAL_WORDS,
    MR_TITLE_WORDS,
    MR_WORDS,
    OTHER_MODALITY_TITLE_WORDS,
    OTHER_MODALITY_WORDS,
    SIDE_WORDS,
    SITE_WORDS,
    TARGET_WORDS,
)

LONGEST = 100_000
"""Characters that are looked at; the rest of a longer text is left alone."""

LONGEST_TITLE = 60
"""Characters of a text that may be remembered: long enough for a title, and short for a sentence."""

Named = TypeVar("Named")


def words_of(concept: Any) -> str:
    """Return the words of a CodeableConcept that may say what its codes do not: its text, else a display.

    A display beside a code that is understood is never read: it may be wrong (field mapping 3, rule 3).
    """
    for one in objects(concept):
        if found := text(unwrapped(one).get("text")):
            return found
        if not any(is_understood(*pair) for pair in codings(one)) and (found := concept_text(one)):
            return found
    return ""


def has(pattern: str, words: str) -> bool:
    """Whether the words hold one of the pattern's, as whole words."""
    return _first(pattern, words) is not None


def _first(pattern: str, words: str) -> int | None:
    found = _whole_words(pattern).search(words, 0, LONGEST) if words else None
    return found.start() if found else None


@cache
def _whole_words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE)


def _remembered(read: Callable[[str], Named]) -> Callable[[str], Named]:
    """Return a reader of titles that remembers what it read: the same few come again and again in a record."""
    remembered = lru_cache(maxsize=2_000)(read)
    return wraps(read)(lambda words: remembered(words) if len(words) <= LONGEST_TITLE else read(words))


@_remembered
def site_named(words: str) -> Place:
    """Return the one place that words name; nowhere when they name none or several."""
    found = {site for pattern, site in SITE_WORDS if has(pattern, words)}
    sides = [side for pattern, side in SIDE_WORDS if has(pattern, words)]
    both = len(sides) == 2 or has(BOTH_SIDES_WORDS, words)
    return Place(found.pop() if len(found) == 1 else None, "both" if both else next(iter(sides), None))


@_remembered
def modality_named(title: str) -> str:
    """Return ``MR`` or ``other`` as a title names it; empty when it names no modality."""
    if has(MR_TITLE_WORDS, title):
        return "MR"
    return "other" if has(f"{OTHER_MODALITY_TITLE_WORDS}|{OTHER_MODALITY_WORDS}", title) else ""


@_remembered
def kind_named(title: str) -> str:
    """Return the kind of order that a title names, the first of ``KIND_WORDS``; ``other`` when it names none."""
    return next((kind for pattern, kind in KIND_WORDS if has(pattern, title)), "other")


@_remembered
def targets_named(words: str) -> frozenset[str]:
    """Return everybody whom words name to refer to."""
    return frozenset(target for pattern, target in TARGET_WORDS if has(pattern, words))


def modality_told(words: str) -> str:
    """Return ``MR`` or ``other`` as running text tells it; empty when it does not.

    What only MR shows decides. Else the modality named first does: a radiograph's report may end in "MRI is advised".
    """
    if has(MR_SIGNAL_WORDS, words):
        return "MR"
    mr, other = _first(MR_WORDS, words), _first(OTHER_MODALITY_WORDS, words)
    if mr is None or other is None:
        return "MR" if mr is not None else "other" if other is not None else ""
    return "MR" if mr < other else "other"
