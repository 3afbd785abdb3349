"""Edema after an injury.

After acute trauma to the region, edema is most likely a bruise, but only if nothing more dangerous stands anywhere in
the case. The foot is offloaded for 6-12 weeks and then protected (S45, S46); a knee-high cast makes no sense at the
hip or the sacroiliac joint.
"""

from __future__ import annotations

from cds_service.knowledge.actions import FOOTWEAR_AFTER, OFFLOAD_6_12W, PROTECTED_WB
from cds_service.knowledge.causes import NONSPECIFIC, PHYSIOLOGIC, TRAUMATIC
from cds_service.knowledge.evidence import IWGDF_CHARCOT, beyond, interpretation, seed
from cds_service.knowledge.facts import ACUTE_TRAUMA, ATHLETE, BME
from cds_service.knowledge.sites import AT_FOOT, HIP_SITES, KNEE_SITES
from cds_service.knowledge.warnings import P1
from cds_service.model.condition import AnyCause, Fired, LevelIs, at_site
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Raise, Rule, Step

AFTER_INJURY = BME & ACUTE_TRAUMA
SOMETHING_WORSE = AnyCause(Level.LIKELY, or_act_now=True, besides=frozenset({TRAUMATIC, PHYSIOLOGIC, NONSPECIFIC}))
RAISED = LevelIs(TRAUMATIC, frozenset({Level.LIKELY, Level.POSSIBLE}))

RULES = (
    Rule(
        "traumatic-after-injury",
        "TR1",
        Raise(Level.LIKELY),
        about=TRAUMATIC,
        when=AFTER_INJURY,
        unless=(SOMETHING_WORSE,),
        evidence=(seed("S1", "S45"),),
        says=("Edema after acute trauma to this region, and no more dangerous cause stands.",),
        not_for="Trauma to another region, or an injury that is not dated as recent.",
        step=Step.COMPARE,
    ),
    Rule(
        "traumatic-beside-another-cause",
        "TR1",
        Raise(Level.POSSIBLE),
        about=TRAUMATIC,
        when=AFTER_INJURY,
        unless=(Fired("traumatic-after-injury"),),
        evidence=(seed("S1", "S45"),),
        says=("Acute trauma is on record and may contribute.",),
        step=Step.COMPARE,
    ),
    Rule(
        "traumatic-offload-foot",
        "TR2",
        Advise((OFFLOAD_6_12W, FOOTWEAR_AFTER)),
        about=TRAUMATIC,
        when=RAISED & AT_FOOT,
        evidence=(seed("S45", "S46"), beyond(IWGDF_CHARCOT)),
        says=(
            "Beyond the source document: exclude untreated deep infection and critical ischaemia before casting"
            " (IWGDF 2023).",
        ),
    ),
    Rule(
        "traumatic-protect-hip-or-knee",
        "TR3",
        Advise((PROTECTED_WB,)),
        about=TRAUMATIC,
        when=RAISED & at_site(*HIP_SITES, *KNEE_SITES),
        evidence=(interpretation("S45"),),
        says=("Protected weight-bearing is meant here as advice, without a cast.",),
    ),
    Rule(
        "traumatic-exclude-fracture",
        "TR3",
        Advise(),
        about=TRAUMATIC,
        when=RAISED & (at_site(*HIP_SITES) | ATHLETE),
        evidence=(interpretation("S45", note="general practice; no single source verified"),),
        says=("Beyond the source document: exclude an occult or stress fracture before weight-bearing.",),
    ),
    Rule(
        "traumatic-is-not-always-benign",
        "G8",
        Advise(warnings=(P1,)),
        about=TRAUMATIC,
        when=RAISED & BME,
        evidence=(seed("S47"),),
    ),
)
