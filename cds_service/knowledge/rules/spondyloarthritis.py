"""Inflammation of the sacroiliac joint: axial spondyloarthritis.

Edema that reaches 1 cm or more below the articular surface is found almost exclusively in axial spondyloarthritis
(S10), and so are erosions and other structural changes on T1 (S18, S19). Edema with synovitis and effusion together
means inflammatory disease (S16). Shallow edema alone is a weak sign: athletes, women after childbirth and people with
degenerative change have it too (S49, S50). The sacral ala and the iliac side of the joint count as the joint.
"""

from __future__ import annotations

from cds_service.knowledge.actions import (
    CORRELATE,
    DMT_INFO,
    MEASURE_DEPTH,
    PT_NSAID,
    REF_RHEUM,
    REPORT_STRUCTURAL,
)
from cds_service.knowledge.causes import AXSPA, OSTEOMYELITIS
from cds_service.knowledge.evidence import DE_WINTER, beyond, interpretation, seed
from cds_service.knowledge.facts import (
    ACUTE_PAIN,
    ACUTE_TRAUMA,
    AGE,
    ANKYLOSIS,
    ATHLETE,
    BME,
    CHANGE,
    DEPTH,
    EFFUSION,
    EROSION,
    FATTY_LESION,
    IA_T1_HYPERINTENSITY,
    KNOWN_AXSPA,
    NAMED_AXSPA,
    POSTPARTUM,
    SCLEROSIS,
    SYNOVITIS,
    T2_JOINT_FLUID,
    any_present,
)
from cds_service.knowledge.named import named_by_the_record
from cds_service.knowledge.settings import DEPTH_SITES, MIDDLE_AGE_FROM
from cds_service.knowledge.sites import AT_OTHER_SYNOVIAL_JOINT, AT_SI_JOINT
from cds_service.knowledge.warnings import P2, P3
from cds_service.model.condition import AtSite, Fired, LevelIs
from cds_service.model.level import Level, Tier
from cds_service.model.rule import Advise, Lower, Raise, Rule, Soften, Step

DEEP_EDEMA = BME & DEPTH.at_least(10) & AtSite(DEPTH_SITES)
SPECIFIC_STRUCTURE = any_present(FATTY_LESION, IA_T1_HYPERINTENSITY, T2_JOINT_FLUID, ANKYLOSIS)
EDEMA_SYNOVITIS_EFFUSION = BME & SYNOVITIS & EFFUSION

DEEP, DEEP_OLDER = "axspa-deep-edema", "axspa-deep-edema-with-injury-or-age"
ERODED, STRUCTURAL, INFLAMED, EDEMA_ALONE = (
    "axspa-erosion",
    "axspa-structural-lesion",
    "axspa-edema-synovitis-effusion",
    "axspa-edema-alone",
)
SPECIFIC_RULES = (DEEP, DEEP_OLDER, ERODED, STRUCTURAL, INFLAMED)

LIKELY_HERE = LevelIs(AXSPA, frozenset({Level.LIKELY}))
INFECTION_FIRST = LevelIs(OSTEOMYELITIS, frozenset({Level.LIKELY}), act_now=True)
KNOWN_AND_SOFTENED = Fired("axspa-known-is-not-urgent")
CHRONIC = Fired("axspa-chronic-structural-change")

RULES = (
    *named_by_the_record(AXSPA, "axial spondyloarthritis or sacroiliitis", NAMED_AXSPA, KNOWN_AXSPA),
    Rule(
        DEEP,
        "AX1",
        Raise(Level.LIKELY),
        about=AXSPA,
        when=DEEP_EDEMA,
        unless=(Fired(DEEP_OLDER),),
        evidence=(
            seed("S10", "S11"),
            beyond(DE_WINTER, note="deep lesions in 42 of 47 (89.4%) patients and in no healthy volunteer or runner"),
        ),
        says=(
            "Edema extending >= 1 cm from the articular surface is highly specific for pathologic inflammation and is"
            " found almost exclusively in axial spondyloarthritis; depth separates it from physiologic variants.",
        ),
        not_for="Depth at any other site than the sacroiliac joint.",
    ),
    Rule(
        DEEP_OLDER,
        "AX1b",
        Raise(Level.POSSIBLE, act_now=True),
        about=AXSPA,
        when=DEEP_EDEMA & (ACUTE_TRAUMA | (AGE.at_least(MIDDLE_AGE_FROM) & ACUTE_PAIN)),
        unless=(Fired(ERODED), Fired(STRUCTURAL), Fired(INFLAMED)),
        evidence=(interpretation("S10", "S13", "S3"),),
        says=(
            "Edema extends >= 1 cm from the articular surface, but acute trauma, or acute pain at this age, makes a"
            " fracture of the sacrum a rival that must be ruled out as well.",
        ),
        not_for="Patients with erosion, another structural lesion, or synovitis and effusion here.",
    ),
    Rule(
        ERODED,
        "AX2",
        Raise(Level.LIKELY),
        about=AXSPA,
        when=EROSION & AT_SI_JOINT,
        evidence=(seed("S18"),),
        says=(
            "Erosions and/or edema combined: sensitivity 90-92%, specificity 94-97% for axial spondyloarthritis,"
            " higher than edema alone.",
        ),
        not_for="Erosions of other joints.",
    ),
    Rule(
        STRUCTURAL,
        "AX3",
        Raise(Level.LIKELY),
        about=AXSPA,
        when=SPECIFIC_STRUCTURE & AT_SI_JOINT,
        evidence=(seed("S19"),),
        says=(
            "Subchondral fatty deposition, intra-articular T1 hyperintensity, T2-hyperintense joint fluid and ankylosis"
            " are highly specific for axial spondyloarthritis (95-98% specificity).",
        ),
        not_for="An ordinary joint effusion, which is not T2-hyperintense joint fluid as the source means it.",
    ),
    Rule(
        INFLAMED,
        "AX4",
        Raise(Level.LIKELY),
        about=AXSPA,
        when=EDEMA_SYNOVITIS_EFFUSION & AT_SI_JOINT,
        evidence=(seed("S16"),),
        says=(
            "Edema with synovitis and joint effusion indicates inflammatory disease that requires disease-modifying"
            " therapy, not just symptomatic treatment.",
        ),
        not_for="Synovitis on one side and effusion on the other: findings add up only within one joint.",
    ),
    Rule(
        "inflammatory-arthritis-elsewhere",
        "AX4p",
        Raise(Level.POSSIBLE, label="inflammatory arthritis"),
        about=AXSPA,
        when=EDEMA_SYNOVITIS_EFFUSION & AT_OTHER_SYNOVIAL_JOINT,
        evidence=(interpretation("S16"),),
        says=(
            "Edema with synovitis and joint effusion indicates inflammatory disease; osteoarthritis, trauma and"
            " infection can look alike at this joint.",
        ),
        not_for="Starting treatment: the pattern is not specific outside the sacroiliac joint.",
    ),
    Rule(
        "inflammatory-arthritis-elsewhere-correlate",
        "AX4p",
        Advise((CORRELATE,)),
        about=AXSPA,
        when=Fired("inflammatory-arthritis-elsewhere", even_in_doubt=True),
        evidence=(interpretation("S16", "S2"),),
    ),
    Rule(
        EDEMA_ALONE,
        "AX5",
        Raise(Level.POSSIBLE),
        about=AXSPA,
        when=BME.not_excluded & AT_SI_JOINT,
        unless=tuple(Fired(rule) for rule in SPECIFIC_RULES),
        evidence=(seed("S17", "S49", "S50"),),
        says=(
            "Edema alone (the ASAS definition of a positive MRI) has sensitivity 79% and specificity 89% for axial"
            " spondyloarthritis.",
        ),
        not_for="Diagnosing axial spondyloarthritis by itself.",
    ),
    Rule(
        "axspa-edema-alone-correlate",
        "AX5",
        Advise((CORRELATE,), (P2,)),
        about=AXSPA,
        when=Fired(EDEMA_ALONE, even_in_doubt=True),
        unless=(Fired("physiologic-sacroiliac"),),
        evidence=(seed("S2", "S49", "S50"),),
    ),
    Rule(
        "axspa-measure-depth",
        "AX5",
        Advise((MEASURE_DEPTH,)),
        about=AXSPA,
        when=Fired(EDEMA_ALONE, even_in_doubt=True),
        unless=(DEPTH.at_least(10).settled,),
        evidence=(seed("S10"),),
    ),
    Rule(
        "sacroiliac-sclerosis-alone",
        "AX6",
        Advise((REPORT_STRUCTURAL,), (P3,), notable=True),
        about=AXSPA,
        when=SCLEROSIS & AT_SI_JOINT,
        evidence=(seed("S51", "S52"),),
        says=("Sclerosis of the sacroiliac joint is reported; by itself it raises no diagnosis.",),
    ),
    Rule(
        "axspa-unlikely-when-physiologic",
        "AX7",
        Lower(over=frozenset({EDEMA_ALONE})),
        about=AXSPA,
        when=Fired("physiologic-sacroiliac"),
        evidence=(seed("S11", "S12", "S50"),),
        says=("Shallow edema without structural change in this context makes axial spondyloarthritis unlikely.",),
        step=Step.REASSURED,
    ),
    Rule(
        "axspa-in-athlete-or-after-childbirth",
        "AX8",
        Advise(),
        about=AXSPA,
        when=LIKELY_HERE & (ATHLETE | POSTPARTUM),
        evidence=(
            seed("S11"),
            beyond(DE_WINTER, note="deep lesions in 1 of 7 (14.3%) women with postpartum back pain"),
        ),
        says=(
            "Being an athlete or recently postpartum does not explain this pattern; beyond the source document, deep"
            " lesions were also seen in 1 of 7 women with postpartum back pain (de Winter).",
        ),
    ),
    Rule(
        "sacroiliac-structural-change",
        "AX9",
        Advise(warnings=(P3,)),
        about=AXSPA,
        when=any_present(EROSION, FATTY_LESION, ANKYLOSIS, SCLEROSIS) & AT_SI_JOINT,
        evidence=(seed("S51", "S52"),),
    ),
    Rule(
        "axspa-chronic-structural-change",
        "AX10",
        Soften(Tier.SOON),
        about=AXSPA,
        when=(EROSION | SPECIFIC_STRUCTURE) & BME.absent & AT_SI_JOINT,
        unless=(CHANGE.is_one_of("new", "increased"),),
        evidence=(interpretation("S7", "S18", "S19"),),
        says=("Chronic structural change; activity is not shown on this MRI.",),
        not_for="Studies in which edema is not reported, or anything is new or increasing.",
    ),
    Rule(
        "axspa-refer",
        "3.1",
        Advise((REF_RHEUM,)),
        about=AXSPA,
        when=LevelIs(AXSPA, frozenset({Level.LIKELY}), act_now=True),
        unless=(KNOWN_AND_SOFTENED,),
        evidence=(seed("S3", "S15"),),
    ),
    Rule(
        "axspa-first-line",
        "3.1",
        Advise((PT_NSAID,), treats=True),
        about=AXSPA,
        when=LIKELY_HERE,
        unless=(INFECTION_FIRST, KNOWN_AND_SOFTENED, CHRONIC),
        evidence=(seed("S36", "S37"),),
        says=("First line is physical therapy and NSAIDs; < 25% achieve complete symptom control with NSAIDs alone.",),
    ),
    Rule(
        "axspa-disease-modifying",
        "3.1",
        Advise((DMT_INFO,), treats=True),
        about=AXSPA,
        when=LIKELY_HERE,
        unless=(INFECTION_FIRST, KNOWN_AND_SOFTENED, CHRONIC),
        evidence=(seed("S16", "S38"),),
        says=("About 75% require a biologic (anti-TNF or anti-IL-17) or a JAK inhibitor.",),
    ),
    Rule(
        "axspa-exclude-infection-first",
        "3.1",
        Advise(),
        about=AXSPA,
        when=LIKELY_HERE & INFECTION_FIRST,
        evidence=(interpretation("S3"),),
        says=("Exclude infection first: no anti-inflammatory treatment is suggested while osteomyelitis stands.",),
    ),
)
