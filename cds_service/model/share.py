"""A share of what was counted, with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054
"""Standard score of a two-sided interval of 95 %."""


@dataclass(frozen=True)
class Share:
    """So many of so many, with the Wilson score interval of 95 % (Wilson 1927). All between 0 and 1."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share itself; 0 of nothing."""
        return self.count / self.of if self.of else 0.0

    @property
    def low(self) -> float:
        """Lower end of the interval; 0 when nothing was counted."""
        return self._ends()[0]

    @property
    def high(self) -> float:
        """Upper end of the interval; 1 when nothing was counted."""
        return self._ends()[1]

    def _ends(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        square = Z_95 * Z_95 / self.of
        middle = (self.value + square / 2) / (1 + square)
        half = Z_95 / (1 + square) * sqrt(self.value * (1 - self.value) / self.of + square / (4 * self.of))
        # At the ends the exact bound is the end itself; arithmetic only comes near it.
        return (
            0.0 if self.count == 0 else max(0.0, middle - half),
            1.0 if self.count == self.of else min(1.0, middle + half),
        )
