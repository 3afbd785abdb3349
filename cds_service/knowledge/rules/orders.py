"""Checks of draft orders (decision table section 4). They may add a card and actions; they never raise the urgency.

Only drafts of the call are judged, never orders already signed. Without relevant imaging there is no card (O18), but
for the protocol of an MRI and the radiograph of an older patient in acute pain.
"""

from __future__ import annotations

from cds_service.knowledge.actions import (
    COMPLETE_SEQ_FLUID,
    COMPLETE_SEQ_T1,
    CONSIDER_MARROW_BIOPSY,
    DMT_INFO,
    MRI_NOT_XRAY,
    OFFLOAD_6_12W,
    ORDER_DCE,
    PT_NSAID,
    REF_ORTHO,
    REF_RHEUM,
)
from cds_service.knowledge.causes import AXSPA, CHARCOT, MALIGNANCY, OSTEOMYELITIS, OSTEONECROSIS, SIF, TBMES, TRAUMATIC
from cds_service.knowledge.evidence import ILOPROST_SMPC, IWGDF, IWGDF_CHARCOT, beyond, interpretation, seed
from cds_service.knowledge.facts import (
    ACUTE_PAIN,
    AGE,
    BME,
    DIFFUSE_MARROW_SIGNAL,
    DRAFT_CONTRAST,
    DRAFT_DAYS,
    DRAFT_DOSE,
    DRAFT_DRUG,
    DRAFT_FLUID,
    DRAFT_INFUSION,
    DRAFT_INHALED,
    DRAFT_KIND,
    DRAFT_MARROW,
    DRAFT_PER_DAY,
    DRAFT_SITE,
    DRAFT_T1,
    DRAFT_WEEKS,
    DRAFT_WITH_MRI,
    FOOT_ULCER,
    HIDRADENITIS,
    INFLAMMATORY_BOWEL_DISEASE,
    PSORIASIS,
    RHEUMATOID_ARTHRITIS,
    RIM_SIGN,
    UVEITIS,
    any_present,
)
from cds_service.knowledge.patterns import NECROSIS_ON_DCE
from cds_service.knowledge.settings import INFECTION_ORDER_CHECKS, MIDDLE_AGE_FROM
from cds_service.knowledge.sites import AT_FOOT, AT_HIP
from cds_service.knowledge.warnings import P2, W_DOSE, W_ORDER, W_SEQ
from cds_service.model.condition import Condition, Fired, ImagedThere, LevelIs, SettingIs, SomeLesion, Stated
from cds_service.model.level import Level
from cds_service.model.rule import CheckOrder, DraftChange, Rule

LIKELY = frozenset({Level.LIKELY})
RAISED = frozenset({Level.LIKELY, Level.POSSIBLE})

MRI = DRAFT_KIND.is_one_of("mri")
RADIOGRAPH = DRAFT_KIND.is_one_of("radiograph")
ARTHROPLASTY = DRAFT_KIND.is_one_of("arthroplasty") & DRAFT_SITE.is_one_of("hip", "knee")
MARROW_BIOPSY = DRAFT_KIND.is_one_of("biopsy") & DRAFT_MARROW
IMMOBILISATION = DRAFT_KIND.is_one_of("immobilisation")
NSAID = DRAFT_DRUG.is_one_of("nsaid")
BIOLOGIC_OR_JAK = DRAFT_DRUG.is_one_of("anti_tnf", "anti_il17", "jak")
ILOPROST = DRAFT_DRUG.is_one_of("iloprost")

AXSPA_LIKELY = SomeLesion(LevelIs(AXSPA, LIKELY))
TBMES_LIKELY = SomeLesion(AT_HIP & LevelIs(TBMES, LIKELY))
HIP_EDEMA = SomeLesion(AT_HIP & BME)
NECROSIS_AT_HIP = SomeLesion(AT_HIP & (RIM_SIGN | NECROSIS_ON_DCE))
INFECTION_STANDS = SomeLesion(LevelIs(OSTEOMYELITIS, LIKELY, act_now=True))
OTHER_INDICATION = any_present(PSORIASIS, UVEITIS, INFLAMMATORY_BOWEL_DISEASE, RHEUMATOID_ARTHRITIS, HIDRADENITIS)
PUBLISHED_REGIMEN = (
    DRAFT_DOSE.exactly(50) & DRAFT_INFUSION.exactly(6) & DRAFT_PER_DAY.exactly(1) & DRAFT_DAYS.exactly(5)
)
ANOTHER_REGIMEN = ~PUBLISHED_REGIMEN
INFECTED_FOOT = SomeLesion(AT_FOOT & (LevelIs(OSTEOMYELITIS, LIKELY) | FOOT_ULCER), ordered=True)
SIX_TO_TWELVE_WEEKS = DRAFT_WEEKS.at_least(6) & (DRAFT_WEEKS.below(12) | DRAFT_WEEKS.exactly(12))


def _class_figures(drug: str, name: str, statement: str, figures: str) -> Rule:
    """Return the rule that quotes the published figures of one class of medicine."""
    return Rule(
        f"order-{drug.replace('_', '-')}-figures",
        "O8",
        CheckOrder(f"{name} in axial spondyloarthritis: the published figures", actions=(DMT_INFO,)),
        about=AXSPA,
        when=DRAFT_DRUG.is_one_of(drug) & AXSPA_LIKELY,
        evidence=(seed(statement),),
        says=(f"{name}: ASAS20 improvement in {figures}.",),
        not_for="Any other indication of the same medicine.",
    )


def _iloprost_without(reason: Condition) -> tuple[Condition, ...]:
    return (DRAFT_INHALED.present, reason)


RULES = (
    Rule(
        "order-mri-without-t1",
        "O1",
        CheckOrder(
            "This MRI order names no T1-weighted sequence",
            "warning",
            (COMPLETE_SEQ_T1,),
            (W_SEQ,),
            DraftChange.ADD_T1,
        ),
        when=MRI & DRAFT_FLUID & DRAFT_T1.absent,
        evidence=(seed("S4", "S8"),),
        says=("Order both a STIR (or T2-weighted) and a T1-weighted sequence.",),
        not_for="Orders that leave the protocol to the radiologist.",
    ),
    Rule(
        "order-mri-without-fluid-sensitive-sequence",
        "O1",
        CheckOrder(
            "This MRI order names no STIR or T2-weighted sequence",
            "warning",
            (COMPLETE_SEQ_FLUID,),
            (W_SEQ,),
            DraftChange.ADD_FLUID_SENSITIVE,
        ),
        when=MRI & DRAFT_T1 & DRAFT_FLUID.absent,
        evidence=(seed("S4", "S8"),),
        says=("Order both a T1-weighted and a STIR (or T2-weighted) sequence.",),
        not_for="Orders that leave the protocol to the radiologist.",
    ),
    Rule(
        "order-sacroiliac-mri-without-protocol",
        "O2",
        CheckOrder(
            "Sacroiliac MRI: request STIR and T1",
            "info",
            (COMPLETE_SEQ_T1, COMPLETE_SEQ_FLUID),
            hooks=frozenset({"order-select"}),
        ),
        when=MRI & DRAFT_SITE.is_one_of("si_joint"),
        unless=(Stated(DRAFT_T1),),
        evidence=(seed("S4", "S8"),),
        says=(
            "At the sacroiliac joint, both STIR and T1 are critical: they show the inflammatory and the structural"
            " changes of axial spondyloarthritis.",
        ),
    ),
    Rule(
        "order-radiograph-may-be-normal",
        "O3",
        CheckOrder("A radiograph may be normal early: MRI if pain persists", actions=(MRI_NOT_XRAY,)),
        about=SIF,
        when=RADIOGRAPH
        & DRAFT_SITE.is_one_of("knee", "hip", "foot_ankle")
        & AGE.at_least(MIDDLE_AGE_FROM)
        & ACUTE_PAIN,
        unless=(DRAFT_WITH_MRI.present, ImagedThere()),
        evidence=(seed("S13", "S14", "S27"),),
        says=(
            "In a middle-aged to elderly patient with acute pain, MRI detects a subchondral insufficiency fracture"
            " before radiographs become abnormal. This is advice beside the radiograph, not instead of it.",
        ),
    ),
    Rule(
        "order-hip-mri-without-contrast",
        "O4",
        CheckOrder("Osteonecrosis or transient edema: dynamic contrast-enhanced MRI tells", actions=(ORDER_DCE,)),
        about=OSTEONECROSIS,
        when=MRI
        & DRAFT_SITE.is_one_of("hip")
        & SomeLesion(LevelIs(OSTEONECROSIS, frozenset({Level.POSSIBLE})), ordered=True),
        unless=(DRAFT_CONTRAST.present,),
        evidence=(seed("S21", "S22", "S23", "S24"),),
        says=(
            "Dynamic contrast-enhanced MRI differentiates osteonecrosis (a rim of high plasma flow around an area"
            " without flow, decreased maximal enhancement) from transient bone marrow edema syndrome (subchondral"
            " hyperperfusion).",
        ),
    ),
    Rule(
        "order-nsaid-first-line",
        "O5",
        CheckOrder(
            "NSAIDs are first line in axial spondyloarthritis, and often not enough",
            actions=(PT_NSAID, REF_RHEUM, DMT_INFO),
        ),
        about=AXSPA,
        when=NSAID & AXSPA_LIKELY,
        evidence=(seed("S36", "S37", "S38"),),
        says=(
            "First line is NSAIDs with physical therapy; < 25% achieve complete symptom control with NSAIDs alone, and"
            " about 75% require a biologic or a JAK inhibitor.",
        ),
    ),
    Rule(
        "order-nsaid-not-just-symptomatic",
        "O6",
        CheckOrder("This pattern needs more than symptomatic treatment", actions=(DMT_INFO,)),
        about=AXSPA,
        when=NSAID & SomeLesion(Fired("axspa-edema-synovitis-effusion")),
        evidence=(seed("S16", "S36"),),
        says=(
            "NSAIDs with physical therapy are first line, but edema with synovitis and effusion requires"
            " disease-modifying therapy, not just symptomatic treatment.",
        ),
    ),
    Rule(
        "order-biologic-on-edema-alone",
        "O7",
        CheckOrder("Edema alone is no diagnosis of axial spondyloarthritis", "warning", warnings=(P2, W_ORDER)),
        about=AXSPA,
        when=BIOLOGIC_OR_JAK & SomeLesion(Fired("axspa-edema-alone")),
        unless=(
            OTHER_INDICATION,
            SomeLesion(LevelIs(AXSPA, LIKELY, act_now=True)),
            SomeLesion(Fired("axspa-named") | Fired("axspa-known") | Fired("inflammatory-arthritis-elsewhere")),
        ),
        evidence=(seed("S49", "S50"),),
        says=("The record supports axial spondyloarthritis by bone marrow edema only.",),
        not_for="Rheumatoid or psoriatic arthritis, psoriasis, inflammatory bowel disease, uveitis, hidradenitis.",
    ),
    _class_figures("anti_tnf", "Anti-TNF agents", "S39", "58-64% (placebo 19-38%)"),
    _class_figures("anti_il17", "Anti-IL-17 agents", "S40", "48-61% (placebo 18-29%)"),
    _class_figures("jak", "JAK inhibitors", "S41", "52-56% (placebo 26-29%)"),
    Rule(
        "order-biologic-while-infection-stands",
        "O9",
        CheckOrder("Osteomyelitis is not excluded: exclude infection first", "warning", warnings=(W_ORDER,)),
        about=OSTEOMYELITIS,
        when=SettingIs(INFECTION_ORDER_CHECKS) & BIOLOGIC_OR_JAK & INFECTION_STANDS,
        evidence=(beyond(IWGDF, note="infection risk of immunosuppression; general practice"),),
        says=("Beyond the source document: exclude infection before a biologic or a JAK inhibitor is started.",),
    ),
    Rule(
        "order-iloprost-published-regimen",
        "O10",
        CheckOrder("The iloprost order matches the published regimen"),
        about=TBMES,
        when=ILOPROST & TBMES_LIKELY & PUBLISHED_REGIMEN,
        unless=_iloprost_without(SomeLesion(AT_HIP & LevelIs(OSTEONECROSIS, RAISED))),
        evidence=(seed("S42"), beyond(ILOPROST_SMPC)),
        says=(
            "Cautions first, beyond the source document (iloprost SmPC 4.3): pregnancy, lactation, bleeding risk,"
            " recent infarction, stroke or TIA, heart failure; this use is off-label.",
            "The published regimen is 50 ug IV over 6 hours daily for 5 consecutive days.",
        ),
    ),
    Rule(
        "order-iloprost-other-regimen",
        "O11",
        CheckOrder("The iloprost order differs from the published regimen", "warning", warnings=(W_DOSE,)),
        about=TBMES,
        when=ILOPROST & TBMES_LIKELY & HIP_EDEMA & ANOTHER_REGIMEN,
        unless=(DRAFT_INHALED.present,),
        evidence=(seed("S42"),),
        says=("Check dose, duration, frequency and days of this order.",),
        not_for="Inhaled iloprost, and orders that state no regimen.",
    ),
    Rule(
        "order-iloprost-with-necrosis",
        "O12",
        CheckOrder("Signs of osteonecrosis: iloprost is for transient edema", "warning", (REF_ORTHO,), (W_ORDER,)),
        about=OSTEONECROSIS,
        when=ILOPROST & NECROSIS_AT_HIP,
        unless=(DRAFT_INHALED.present,),
        evidence=(seed("S20", "S22", "S42", "S44"),),
        says=("The regimen is for transient bone marrow edema syndrome; here a sign of osteonecrosis is reported.",),
    ),
    Rule(
        "order-iloprost-without-diagnosis",
        "O12b",
        CheckOrder(
            "Iloprost, but transient bone marrow edema syndrome is not established", "warning", (ORDER_DCE,), (W_ORDER,)
        ),
        about=TBMES,
        when=ILOPROST & HIP_EDEMA,
        unless=(DRAFT_INHALED.present, TBMES_LIKELY, NECROSIS_AT_HIP),
        evidence=(seed("S21", "S42"),),
        says=(
            "The regimen is for transient bone marrow edema syndrome; osteonecrosis and insufficiency fracture are not"
            " excluded.",
        ),
    ),
    Rule(
        "order-arthroplasty-for-transient-edema",
        "O13",
        CheckOrder("Transient edema is self-limiting: is arthroplasty meant?", "warning", warnings=(W_ORDER,)),
        about=TBMES,
        when=ARTHROPLASTY & SomeLesion(LevelIs(TBMES, LIKELY), ordered=True),
        evidence=(seed("S43", "S44"),),
        says=(
            "Transient bone marrow edema syndrome is self-limiting; this joint shows diffuse edema without a rim sign.",
        ),
    ),
    Rule(
        "order-arthroplasty-for-insufficiency-fracture",
        "O14",
        CheckOrder("Insufficiency fracture: confirm stage and early management", "warning", warnings=(W_ORDER,)),
        about=SIF,
        when=ARTHROPLASTY & SomeLesion(LevelIs(SIF, RAISED), ordered=True),
        evidence=(seed("S26", "S55"),),
        says=("Confirm stage and early management before arthroplasty; this is not a veto.",),
    ),
    Rule(
        "order-marrow-biopsy-supported",
        "O15",
        CheckOrder("Marrow biopsy: supported by incidental diffuse change", actions=(CONSIDER_MARROW_BIOPSY,)),
        about=MALIGNANCY,
        when=MARROW_BIOPSY & SomeLesion(Fired("malignancy-incidental-diffuse-change")),
        evidence=(seed("S34", "S35"),),
        says=(
            "In one retrospective study, a clinically important hematological disorder was found in 47% of patients who"
            " underwent biopsy for incidental diffuse marrow signal change.",
        ),
    ),
    Rule(
        "order-marrow-biopsy-for-focal-edema",
        "O16",
        CheckOrder("Marrow biopsy: the source speaks of diffuse incidental change"),
        when=MARROW_BIOPSY & SomeLesion(BME.present),
        unless=(SomeLesion(DIFFUSE_MARROW_SIGNAL.not_excluded),),
        evidence=(seed("S34"),),
        says=("The record holds focal edema; the source suggests biopsy for diffuse change found incidentally.",),
    ),
    Rule(
        "order-offloading-duration",
        "O17",
        CheckOrder("Offloading: the published duration is 6-12 weeks", actions=(OFFLOAD_6_12W,)),
        about=CHARCOT,
        when=IMMOBILISATION
        & SomeLesion(AT_FOOT & (LevelIs(CHARCOT, RAISED) | LevelIs(TRAUMATIC, RAISED)), ordered=True)
        & ~SIX_TO_TWELVE_WEEKS,
        evidence=(seed("S45"),),
        says=("Total contact casting or a non-removable knee-high device is meant for 6-12 weeks.",),
    ),
    Rule(
        "order-cast-over-infection",
        "O19",
        CheckOrder("Before casting: exclude infection and ischaemia", "warning", warnings=(W_ORDER,)),
        about=OSTEOMYELITIS,
        when=SettingIs(INFECTION_ORDER_CHECKS) & IMMOBILISATION & INFECTED_FOOT,
        evidence=(beyond(IWGDF_CHARCOT), interpretation("S45")),
        says=("Beyond the source document: exclude infection and ischaemia first; casting over either is unsafe.",),
    ),
)
