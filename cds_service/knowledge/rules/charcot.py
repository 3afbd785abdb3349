"""Charcot arthropathy of the diabetic foot.

With known Charcot arthropathy, new edema may be its activity or an infection on top of it, and the two are hard to
tell apart (S30). In any diabetic foot with edema it must be thought of (S53). Prompt multidisciplinary referral
prevents deterioration (S31, S54); the foot is offloaded for 6-12 weeks, then protected by custom footwear (S45, S46).
"""

from __future__ import annotations

from cds_service.knowledge.actions import FOOTWEAR_AFTER, OFFLOAD_6_12W, REF_MDFT
from cds_service.knowledge.causes import CHARCOT
from cds_service.knowledge.evidence import IWGDF_CHARCOT, beyond, interpretation, seed
from cds_service.knowledge.facts import BME, CHARCOT_ARTHROPATHY, DIABETES, NAMED_CHARCOT, NEUROPATHY
from cds_service.knowledge.sites import AT_FOOT
from cds_service.knowledge.warnings import P4
from cds_service.model.condition import LevelIs
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Lower, Raise, Rule

KNOWN_CHARCOT = "charcot-known"
RAISED = LevelIs(CHARCOT, frozenset({Level.LIKELY, Level.POSSIBLE}))

RULES = (
    Rule(
        "charcot-named",
        "G0",
        Raise(Level.LIKELY),
        about=CHARCOT,
        when=NAMED_CHARCOT.present,
        evidence=(interpretation("S2", note="data handling"),),
        says=("Charcot arthropathy is named for this study.",),
        not_for="A diagnosis recorded for another site or side.",
    ),
    Rule(
        KNOWN_CHARCOT,
        "CH1",
        Raise(Level.LIKELY),
        about=CHARCOT,
        when=CHARCOT_ARTHROPATHY & BME.not_excluded & AT_FOOT,
        evidence=(seed("S30", "S54"),),
        says=(
            "Charcot arthropathy is on record and this foot shows edema; superimposed osteomyelitis cannot be"
            " excluded on edema alone.",
        ),
        not_for="Edema at other sites of a patient with Charcot arthropathy.",
    ),
    Rule(
        "charcot-diabetic-foot",
        "CH2",
        Raise(Level.POSSIBLE, act_now=True),
        about=CHARCOT,
        when=DIABETES & BME.not_excluded & AT_FOOT,
        unless=(CHARCOT_ARTHROPATHY.absent,),
        evidence=(seed("S53", "S54"),),
        says=("Edema in the foot of a diabetic patient: Charcot arthropathy must be thought of now.",),
        not_for="Patients in whom Charcot arthropathy was looked for and excluded.",
    ),
    Rule(
        "charcot-excluded",
        "CH2",
        Lower(),
        about=CHARCOT,
        when=DIABETES & CHARCOT_ARTHROPATHY.absent & BME.not_excluded & AT_FOOT,
        evidence=(interpretation("S53"),),
        says=("The record states that there is no Charcot arthropathy.",),
    ),
    Rule(
        "charcot-offload",
        "CH3",
        Advise((OFFLOAD_6_12W, FOOTWEAR_AFTER)),
        about=CHARCOT,
        when=RAISED & AT_FOOT,
        evidence=(seed("S45", "S46"), beyond(IWGDF_CHARCOT)),
        says=(
            "Beyond the source document: exclude untreated deep infection and critical ischaemia before casting"
            " (IWGDF 2023).",
        ),
    ),
    Rule(
        "charcot-neuropathy",
        "1.3",
        Advise(),
        about=CHARCOT,
        when=RAISED & DIABETES & NEUROPATHY,
        evidence=(beyond(IWGDF_CHARCOT),),
        says=("Peripheral neuropathy is on record (beyond the source document).",),
    ),
    Rule(
        "charcot-refer",
        "3.6",
        Advise((REF_MDFT,), (P4,)),
        about=CHARCOT,
        when=RAISED,
        evidence=(seed("S31", "S53", "S54"),),
    ),
)
