"""Which cause leads (decision table 3.9): after urgency and level, this order."""

from __future__ import annotations

from cds_service.knowledge import causes
from cds_service.knowledge.patterns import DIABETIC_FOOT, INFECTION_SIGN
from cds_service.model.condition import Fired
from cds_service.model.rule import Leading, Precedence, Rank

LEADING = Leading(
    ranks=(
        Rank(causes.OSTEOMYELITIS, when=DIABETIC_FOOT),
        Rank(causes.CHARCOT),
        Rank(causes.OSTEONECROSIS),
        Rank(causes.SIF),
        Rank(causes.AXSPA),
        Rank(causes.MALIGNANCY),
        Rank(causes.OSTEOMYELITIS),
        Rank(causes.TBMES),
        Rank(causes.TRAUMATIC),
        Rank(causes.PHYSIOLOGIC),
        Rank(causes.NONSPECIFIC),
    ),
    bonus=Rank(causes.OSTEOMYELITIS, when=INFECTION_SIGN),
    precedence=Precedence(
        first=causes.CHARCOT,
        second=causes.OSTEOMYELITIS,
        when=Fired("charcot-known"),
        unless=Fired("osteomyelitis-signal-pattern") | Fired("osteomyelitis-signal-pattern-with-infection-sign"),
    ),
)
"""Known Charcot arthropathy goes before osteomyelitis, which is then said to be not excluded, unless the infection
pattern itself is there (S30)."""
