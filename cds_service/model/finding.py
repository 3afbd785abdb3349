"""What the record says about one thing, and where it says so.

A yes/no finding is present, absent or indeterminate ("cannot be excluded"). Two statements that disagree are kept
side by side and called a conflict. "Unknown" has no value here: it is simply not being there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cds_service.model.quantity import Range


class State(StrEnum):
    """What a statement says of a yes/no finding."""

    PRESENT = "present"
    ABSENT = "absent"
    INDETERMINATE = "indeterminate"


Value = State | str | Range
"""A state, one of a fact's named choices (``low``, ``acquired``, ``new`` ...), or a range of numbers.

A choice fact whose statement is uncertain holds ``State.INDETERMINATE``.
"""


class Trust(IntEnum):
    """How firmly a statement was made, weakest first (fhir-mapping 6.6)."""

    NOTE = 1
    FINDINGS_TEXT = 2
    IMPRESSION_TEXT = 3
    CODED_WITHOUT_VALUE = 4
    CONCLUSION_CODE = 5
    CODED = 6


@dataclass(frozen=True)
class Provenance:
    """Where a statement was read.

    Attributes:
        reference: the resource, such as ``Observation/edema-1``; empty when the case did not come from FHIR.
        date: ISO 8601 day of the statement, or empty.
        trust: how it was made.
        quote: the exact words, for what was read from text.
        start: offset of the quote in that text; None for what was not read from text.
        end: offset of its end.
        section: the section of the text it stands in, such as ``impression``; empty where no heading says.
    """

    reference: str = ""
    date: str = ""
    trust: Trust = Trust.CODED
    quote: str = ""
    start: int | None = None
    end: int | None = None
    section: str = ""


@dataclass(frozen=True)
class Finding:
    """Everything the record says about one fact at one place.

    ``values`` holds one value, or every value of a conflict; ``sources`` stands beside it, one for each statement
    that was kept, in the order of the values.
    """

    fact: str
    values: tuple[Value, ...]
    sources: tuple[Provenance, ...] = ()

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"finding {self.fact!r} needs a value; leave out what is unknown")

    @property
    def is_conflict(self) -> bool:
        """Whether the record disagrees with itself here."""
        return len(self.values) > 1
