"""What can go wrong on purpose, so that one sees what the cards then say."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """A fault of the calls from the chart; it travels with the access token, so that it hits nobody else's."""

    NONE = "none"
    NO_PREFETCH = "no-prefetch"
    FAILING = "failing-query"
    SLOW = "slow-server"
    EXPIRED_ACCESS = "expired-access"
    EXPIRED_SIGNATURE = "expired-signature"
    MIXED_UP = "mixed-up"


LABELS = {
    Fault.NONE: "None: everything works",
    Fault.NO_PREFETCH: "No prefetch: the service reads the record itself",
    Fault.FAILING: "The query for problems and diagnoses fails",
    Fault.SLOW: "No prefetch, and the record answers too slowly",
    Fault.EXPIRED_ACCESS: "No prefetch, and the access token has expired",
    Fault.EXPIRED_SIGNATURE: "The chart signs with an expired token",
    Fault.MIXED_UP: "Another patient's report among the results",
}

WITHOUT_PREFETCH = frozenset({Fault.NO_PREFETCH, Fault.SLOW, Fault.EXPIRED_ACCESS})
