"""Edema that may be harmless.

Healthy athletes, women after childbirth and up to 30% of healthy controls show edema that may be physiologic (S12).
That is said only when everything that speaks against it was looked for and is absent: depth below 1 cm, no structural
lesion on T1, nothing new, no infection, no injury, no other cause anywhere. If something needed is merely not
reported, the most that is said is "possible", and what to ask for. If anything speaks against it: unlikely.
"""

from __future__ import annotations

from cds_service.knowledge.actions import MEASURE_DEPTH, REPORT_STRUCTURAL
from cds_service.knowledge.causes import NONSPECIFIC, PHYSIOLOGIC
from cds_service.knowledge.evidence import interpretation, seed
from cds_service.knowledge.facts import (
    ACUTE_PAIN,
    ACUTE_TRAUMA,
    AGE,
    ANKYLOSIS,
    ATHLETE,
    BME,
    CHANGE,
    CRP_RAISED,
    DEPTH,
    DIABETES,
    EFFUSION,
    EROSION,
    ESR_RAISED,
    FATTY_LESION,
    FEVER,
    FOOT_ULCER,
    HEALTHY_CONTROL,
    IA_T1_HYPERINTENSITY,
    KNOWN_MALIGNANCY,
    POSTPARTUM,
    PRIOR_OSTEOMYELITIS,
    SCLEROSIS,
    SEPTIC_ARTHRITIS,
    SEQ_T1,
    STRESS_FRACTURE,
    SYNOVITIS,
    T1_SIGNAL,
    T2_JOINT_FLUID,
    WBC_RAISED,
    all_absent,
    any_present,
)
from cds_service.knowledge.sites import AT_FOOT, AT_SI_JOINT, KNEE_SITES
from cds_service.knowledge.warnings import P1, P2
from cds_service.model.condition import AnyCause, Fired, LevelIs, SomeLesion, at_site
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Lower, Reassure, Rule

BENIGN_CONTEXT = ATHLETE | POSTPARTUM | HEALTHY_CONTROL
STRUCTURAL = (EROSION, FATTY_LESION, ANKYLOSIS, IA_T1_HYPERINTENSITY, T2_JOINT_FLUID)
# A T1 signal that is described although T1 is listed as missing shows that it was acquired (G5).
T1_READ = SEQ_T1.is_one_of("acquired") | (
    SEQ_T1.is_one_of("not_acquired") & T1_SIGNAL.is_one_of("normal", "high", "variable")
)
SHALLOW_WITHOUT_STRUCTURE = DEPTH.below(10) & all_absent(*STRUCTURAL)
ELSEWHERE = at_site(*KNEE_SITES, "foot_ankle", "vertebra", "other")
WITHOUT_PAIN = ACUTE_PAIN.absent | HEALTHY_CONTROL
FOOT_ONLY_WITHOUT_DIABETES = at_site(*KNEE_SITES, "vertebra", "other") | (AT_FOOT & DIABETES.absent)

VETOES = (
    SomeLesion(CHANGE.is_one_of("new", "increased")),
    SomeLesion(T1_SIGNAL.is_one_of("low")),
    SomeLesion(
        any_present(
            ACUTE_TRAUMA,
            KNOWN_MALIGNANCY,
            FEVER,
            CRP_RAISED,
            ESR_RAISED,
            WBC_RAISED,
            FOOT_ULCER,
            PRIOR_OSTEOMYELITIS,
            SEPTIC_ARTHRITIS,
            STRESS_FRACTURE,
            SYNOVITIS,
            EFFUSION,
        )
    ),
    AnyCause(
        Level.POSSIBLE,
        or_act_now=True,
        besides=frozenset({PHYSIOLOGIC, NONSPECIFIC}),
        alone=frozenset({"axspa-edema-alone"}),
    ),
)
"""What forbids reassurance, anywhere in the case, when established or merely in doubt."""

SACROILIAC, SACROILIAC_OPEN = "physiologic-sacroiliac", "physiologic-sacroiliac-incomplete"
OTHER_SITE, OTHER_SITE_OPEN = "physiologic-elsewhere", "physiologic-elsewhere-incomplete"

MAY_BE = (
    "Edema in healthy athletes, postpartum patients, or up to 30% of healthy controls may be physiologic and benign."
)
NOT_FOR = (
    "Children, new or increasing edema, low T1 signal, injury, infection, known malignancy, the femoral head and neck."
)

RULES = (
    Rule(
        SACROILIAC,
        "PH1",
        Reassure(Level.LIKELY),
        about=PHYSIOLOGIC,
        when=BENIGN_CONTEXT & BME & AT_SI_JOINT & SHALLOW_WITHOUT_STRUCTURE & T1_READ & AGE.at_least(18),
        unless=(*VETOES, SCLEROSIS, ACUTE_PAIN),
        evidence=(seed("S5", "S11", "S12"),),
        says=(MAY_BE,),
        not_for=NOT_FOR,
    ),
    Rule(
        OTHER_SITE,
        "PH1",
        Reassure(Level.LIKELY),
        about=PHYSIOLOGIC,
        when=BENIGN_CONTEXT & BME & FOOT_ONLY_WITHOUT_DIABETES & WITHOUT_PAIN & T1_READ & AGE.at_least(18),
        unless=VETOES,
        evidence=(interpretation("S5", "S12"),),
        says=(MAY_BE,),
        not_for=NOT_FOR,
    ),
    Rule(
        SACROILIAC_OPEN,
        "PH2",
        Reassure(Level.POSSIBLE),
        about=PHYSIOLOGIC,
        when=BENIGN_CONTEXT & BME & AT_SI_JOINT,
        unless=(
            *VETOES,
            SCLEROSIS,
            ACUTE_PAIN,
            DEPTH.at_least(10),
            any_present(*STRUCTURAL),
            AGE.below(18),
            Fired(SACROILIAC),
        ),
        evidence=(interpretation("S4", "S10", "S12"),),
        says=(MAY_BE, "It cannot be called so here: findings that would have to be absent are not reported."),
        not_for=NOT_FOR,
    ),
    Rule(
        OTHER_SITE_OPEN,
        "PH2",
        Reassure(Level.POSSIBLE),
        about=PHYSIOLOGIC,
        when=BENIGN_CONTEXT & BME & ELSEWHERE,
        unless=(*VETOES, ACUTE_PAIN, AT_FOOT & DIABETES, AGE.below(18), Fired(OTHER_SITE)),
        evidence=(interpretation("S4", "S12"),),
        says=(MAY_BE, "It cannot be called so here: facts that would have to be known are not reported."),
        not_for=NOT_FOR,
    ),
    Rule(
        "physiologic-contradicted",
        "PH4",
        Lower(),
        about=PHYSIOLOGIC,
        when=BENIGN_CONTEXT & BME.not_excluded,
        evidence=(seed("S12", "S47"),),
        says=("A benign context is on record, but something speaks against a physiologic edema.",),
        not_for="Cases in which nothing speaks against it.",
    ),
    Rule(
        "physiologic-measure-depth",
        "PH2",
        Advise((MEASURE_DEPTH,)),
        about=PHYSIOLOGIC,
        when=Fired(SACROILIAC_OPEN),
        unless=(DEPTH.below(10).settled,),
        evidence=(seed("S10"),),
    ),
    Rule(
        "physiologic-report-structural",
        "PH2",
        Advise((REPORT_STRUCTURAL,)),
        about=PHYSIOLOGIC,
        when=Fired(SACROILIAC_OPEN),
        unless=(
            EROSION.settled
            & FATTY_LESION.settled
            & ANKYLOSIS.settled
            & IA_T1_HYPERINTENSITY.settled
            & T2_JOINT_FLUID.settled,
        ),
        evidence=(seed("S51", "S52"),),
    ),
    Rule(
        "physiologic-sacroiliac-caution",
        "AX7",
        Advise(warnings=(P2,)),
        about=PHYSIOLOGIC,
        when=Fired(SACROILIAC),
        evidence=(seed("S49", "S50"),),
    ),
    Rule(
        "physiologic-is-not-always-benign",
        "G8",
        Advise(warnings=(P1,)),
        about=PHYSIOLOGIC,
        when=LevelIs(PHYSIOLOGIC, frozenset({Level.LIKELY, Level.POSSIBLE})) & BME,
        evidence=(seed("S47"),),
    ),
)
