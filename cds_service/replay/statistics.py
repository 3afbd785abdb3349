"""How many cases a review needs."""

from __future__ import annotations

from math import ceil

from cds_service.model.share import Z_95


def needed(half_width: float, of: int) -> int:
    """Return how many of ``of`` cases must be reviewed to know a share to within ``half_width`` (95 %).

    For the share that needs the most, one half, and with the correction for a finite number of cases (Cochran 1977).
    """
    without_end = Z_95 * Z_95 / 4 / (half_width * half_width)
    return min(of, ceil(without_end / (1 + (without_end - 1) / of))) if of else 0
