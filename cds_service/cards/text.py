"""Text that is safe to show: the only two ways in which the record's own words reach a card.

Every string that came from a client goes through one of these. ``markdown`` is for ``detail`` (GitHub-flavoured
Markdown); ``plain`` is for ``summary``, labels and descriptions, which are not Markdown.
"""

from __future__ import annotations

import re
import string
import unicodedata

QUOTE_LIMIT = 160
"""Longest piece of report text on a card (security, section 3)."""

_ESCAPED = str.maketrans({mark: f"\\{mark}" for mark in string.punctuation})
_DROPPED = ("Cf", "Cs", "Co", "Cn")
_BLANK = ("Cc", "Zl", "Zp", "Zs")

# Renderers such as remark-gfm look for addresses in the finished text, where no escape is left to stop them.
_ADDRESS = re.compile(r"(?<=www)(?=\.)|(?<=:)(?=//)|(?<=[\w.+-])(?=@)", re.IGNORECASE)


def plain(text: str, limit: int = QUOTE_LIMIT) -> str:
    """Return the text on one line: normalised, without control, invisible or bidirectional marks, at most ``limit``.

    An address of the web or of mail gets a blank, so that nothing makes it a link.
    """
    kept = text[: limit * 8]
    if not (kept.isascii() and kept.isprintable()):
        categories = ((mark, unicodedata.category(mark)) for mark in kept)
        kept = "".join(" " if kind in _BLANK else mark for mark, kind in categories if kind not in _DROPPED)
        kept = unicodedata.normalize("NFC", kept)
    line = _ADDRESS.sub(" ", " ".join(kept.split()))
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def markdown(text: str, limit: int = QUOTE_LIMIT) -> str:
    """Return the text so that Markdown shows it as it is: like ``plain``, with all ASCII punctuation escaped."""
    return plain(text, limit).translate(_ESCAPED)
