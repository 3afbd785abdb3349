"""Diagnoses that the record names (rule G0): the same four rules for every cause.

Named by the report, its conclusion code or a Condition of this study's time: likely. "Cannot be excluded": possible.
Denied: lowers only when no rule raises it. Recorded before this study and not repeated: known disease, whose treating
team should hear of the study, and which is urgent only when something is new or increased.
"""

from __future__ import annotations

from cds_service.knowledge.evidence import interpretation
from cds_service.knowledge.facts import CHANGE, IMAGING_FINDINGS, any_not_excluded
from cds_service.model.condition import Condition, Fact
from cds_service.model.level import Level, Tier
from cds_service.model.rule import Lower, Raise, Rule, Soften

FINDING_HERE = any_not_excluded(*IMAGING_FINDINGS)
"""Some imaging finding is present or indeterminate at this lesion."""

_DATA = (interpretation("S2", note="data handling"),)
_NOT_FOR = "A diagnosis recorded for another site or side."


def named_by_the_record(
    cause: str,
    label: str,
    named: Fact,
    known: Fact,
    *,
    soften: bool = True,
    denied_unless: tuple[Condition, ...] = (),
) -> tuple[Rule, ...]:
    """Return the rules for a diagnosis the record names.

    ``soften`` is off where a known disease stays urgent; ``denied_unless`` is when a denial does not lower.
    """
    rules = (
        Rule(
            f"{cause}-named",
            "G0",
            Raise(Level.LIKELY),
            about=cause,
            when=named.present,
            evidence=_DATA,
            says=(f"{label[:1].upper()}{label[1:]} is named for this study.",),
            not_for=_NOT_FOR,
        ),
        Rule(
            f"{cause}-denied",
            "G0",
            Lower(),
            about=cause,
            when=named.absent,
            unless=denied_unless,
            evidence=_DATA,
            says=(f"The report denies {label}.",),
            not_for="A cause that another rule raises: a denial never outweighs a finding.",
        ),
        Rule(
            f"{cause}-known",
            "G0",
            Raise(Level.LIKELY),
            about=cause,
            when=known.present & FINDING_HERE,
            evidence=_DATA,
            says=(f"{label[:1].upper()}{label[1:]} was recorded before this study: inform the treating team.",),
            not_for=_NOT_FOR,
        ),
    )
    if not soften:
        return rules
    softened = Rule(
        f"{cause}-known-is-not-urgent",
        "G0",
        Soften(Tier.SOON),
        about=cause,
        when=known.present & FINDING_HERE,
        unless=(CHANGE.is_one_of("new", "increased"), named.present),
        evidence=_DATA,
        not_for="New or increasing edema; a diagnosis this report names again; osteomyelitis and Charcot arthropathy.",
    )
    return (*rules, softened)
