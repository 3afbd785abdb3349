"""Text that is safe to show: the only two ways in which the record's own words reach a card.

Every string that came from a client goes through one of these. ``markdown`` is for ``detail`` (GitHub-flavoured
Markdown); ``plain`` is for ``summary``, labels and descriptions, which are not Markdown.
"""

from __future__ import annotations

import string
import unicodedata

QUOTE_LIMIT = 160
"""Longest piece of report text on a card (security, section 3)."""

_ESCAPED = str.maketrans({mark: f"\\{mark}" for mark in string.punctuation})


def plain(text: str, limit: int = QUOTE_LIMIT) -> str:
    """Return the text on one line: normalised, without control, invisible or bidirectional marks, at most ``limit``."""
    composed = unicodedata.normalize("NFC", text[: limit * 8])
    kept = "".join(
        " " if unicodedata.category(mark) in ("Cc", "Zl", "Zp", "Zs") else mark
        for mark in composed
        if unicodedata.category(mark) not in ("Cf", "Cs", "Co", "Cn")
    )
    line = " ".join(kept.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def markdown(text: str, limit: int = QUOTE_LIMIT) -> str:
    """Return the text so that Markdown shows it as it is: like ``plain``, with all ASCII punctuation escaped."""
    return plain(text, limit).translate(_ESCAPED)
