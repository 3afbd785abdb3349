"""Three-valued logic (Kleene): yes, no, and not known.

A record that does not mention erosion neither shows nor denies it. ``Truth`` therefore refuses to be used
as a Python boolean: ``if truth:`` raises, so that "not reported" cannot slip into "absent".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NoReturn


class Truth(Enum):
    """The answer to a clinical question put to the record."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def __bool__(self) -> NoReturn:
        raise TypeError("a Truth is yes, no or unknown: compare it with 'is Truth.YES'")

    def __and__(self, other: Truth) -> Truth:
        return all_of((self, other))

    def __or__(self, other: Truth) -> Truth:
        return any_of((self, other))

    def __invert__(self) -> Truth:
        if self is Truth.UNKNOWN:
            return Truth.UNKNOWN
        return Truth.NO if self is Truth.YES else Truth.YES


YES, NO, UNKNOWN = Truth
"""Short names, for where they are compared some thousand times a call: to look up a member of an enum takes longer."""


def all_of(truths: Iterable[Truth]) -> Truth:
    """Return NO if any is NO, else UNKNOWN if any is UNKNOWN, else YES (also for none at all)."""
    answer = YES
    for truth in truths:
        if truth is NO:
            return NO
        if truth is UNKNOWN:
            answer = UNKNOWN
    return answer


def any_of(truths: Iterable[Truth]) -> Truth:
    """Return YES if any is YES, else UNKNOWN if any is UNKNOWN, else NO (also for none at all)."""
    answer = NO
    for truth in truths:
        if truth is YES:
            return YES
        if truth is UNKNOWN:
            answer = UNKNOWN
    return answer
