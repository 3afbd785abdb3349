"""The words of an order, a study or a report's title, where no code says what is meant or where."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from cds_service.fhir.access import codings, concept_text, objects
from cds_service.knowledge.codes.sites import Place
from cds_service.knowledge.codes.tables import is_understood
from cds_service.knowledge.order_words import (
    BOTH_SIDES_WORDS,
    MR_SIGNAL_WORDS,
    MR_TITLE_WORDS,
    MR_WORDS,
    OTHER_MODALITY_TITLE_WORDS,
    OTHER_MODALITY_WORDS,
    SIDE_WORDS,
    SITE_WORDS,
)

LONGEST = 100_000
"""Characters that are looked at; the rest of a longer text is left alone."""


def words_of(concept: Any) -> str:
    """Return the words of a CodeableConcept that may say what its codes do not: its text, else a display.

    A display beside a code that is understood is never read: it may be wrong (field mapping 3, rule 3).
    """
    for one in objects(concept):
        understood = any(is_understood(*pair) for pair in codings(one))
        found = concept_text(one, displays_too=not understood)
        if found:
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


def site_named(words: str) -> Place:
    """Return the one place that words name; nowhere when they name none or several."""
    found = {site for pattern, site in SITE_WORDS if has(pattern, words)}
    sides = [side for pattern, side in SIDE_WORDS if has(pattern, words)]
    both = len(sides) == 2 or has(BOTH_SIDES_WORDS, words)
    return Place(found.pop() if len(found) == 1 else None, "both" if both else next(iter(sides), None))


def modality_named(title: str) -> str:
    """Return ``MR`` or ``other`` as a title names it; empty when it names no modality."""
    if has(MR_TITLE_WORDS, title):
        return "MR"
    return "other" if has(f"{OTHER_MODALITY_TITLE_WORDS}|{OTHER_MODALITY_WORDS}", title) else ""


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
