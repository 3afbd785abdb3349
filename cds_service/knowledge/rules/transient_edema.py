"""Transient bone marrow edema syndrome of the hip.

Diffuse edema throughout the femoral head and neck without the rim sign of osteonecrosis (S44); on dynamic
contrast-enhanced MRI subchondral hyperperfusion (S23). It is idiopathic and self-limiting (S43). The source document
gives an iloprost regimen (S42), which is off-label; its cautions stand before it, and it is only ever offered when
osteonecrosis and fracture do not stand.
"""

from __future__ import annotations

from cds_service.knowledge.actions import ILOPROST_OPTION, ORDER_DCE
from cds_service.knowledge.causes import OSTEONECROSIS, SIF, TBMES
from cds_service.knowledge.evidence import ILOPROST_SMPC, beyond, interpretation, seed
from cds_service.knowledge.facts import (
    ACUTE_TRAUMA,
    ANTICOAGULATION,
    BLEEDING_RISK,
    BME,
    DIFFUSE_EDEMA_HEAD_NECK,
    HEART_FAILURE,
    KNOWN_TBMES,
    LACTATION,
    NAMED_OSTEONECROSIS,
    NAMED_SIF,
    NAMED_TBMES,
    POSTPARTUM,
    PREGNANCY,
    RECENT_INFARCTION,
    RECENT_STROKE,
    RIM_SIGN,
    SEQ_DCE,
    SEQ_T1,
    UNSTABLE_ANGINA,
    any_present,
)
from cds_service.knowledge.named import named_by_the_record
from cds_service.knowledge.patterns import HYPERPERFUSION, NECROSIS_ON_DCE, REDUCED_ENHANCEMENT
from cds_service.knowledge.sites import AT_HIP
from cds_service.knowledge.warnings import P1, W_CONFLICT
from cds_service.model.condition import Fired, LevelIs
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Lower, Raise, Rule

WITHOUT_RIM, WITHOUT_RIM_LESS_ENHANCED, PERFUSED, PERFUSED_RIM_IN_DOUBT, RIM_NOT_KNOWN = (
    "tbmes-diffuse-edema-without-rim",
    "tbmes-diffuse-edema-with-decreased-enhancement",
    "tbmes-hyperperfusion",
    "tbmes-hyperperfusion-rim-in-doubt",
    "tbmes-diffuse-edema-rim-not-known",
)
RAISED = LevelIs(TBMES, frozenset({Level.LIKELY, Level.POSSIBLE}))
CAUTIONS = any_present(
    PREGNANCY,
    LACTATION,
    BLEEDING_RISK,
    RECENT_INFARCTION,
    UNSTABLE_ANGINA,
    HEART_FAILURE,
    RECENT_STROKE,
    ACUTE_TRAUMA,
    ANTICOAGULATION,
)
OTHER_CAUSE_STANDS = LevelIs(OSTEONECROSIS, frozenset({Level.LIKELY, Level.POSSIBLE})) | LevelIs(
    SIF, frozenset({Level.LIKELY, Level.POSSIBLE})
)

RULES = (
    # Never urgent, so known disease has nothing to soften.
    *named_by_the_record(TBMES, "transient bone marrow edema syndrome", NAMED_TBMES, KNOWN_TBMES, soften=False),
    Rule(
        WITHOUT_RIM,
        "TB1",
        Raise(Level.LIKELY),
        about=TBMES,
        when=DIFFUSE_EDEMA_HEAD_NECK & RIM_SIGN.absent,
        unless=(NECROSIS_ON_DCE, Fired(WITHOUT_RIM_LESS_ENHANCED)),
        evidence=(seed("S44"),),
        says=(
            "Diffuse edema throughout the femoral head and neck without the characteristic rim sign of osteonecrosis.",
        ),
        not_for="Edema of one part of the femur, or a rim that was not looked for.",
    ),
    Rule(
        WITHOUT_RIM_LESS_ENHANCED,
        "TB1",
        Raise(Level.POSSIBLE),
        about=TBMES,
        when=DIFFUSE_EDEMA_HEAD_NECK & RIM_SIGN.absent & REDUCED_ENHANCEMENT,
        evidence=(interpretation("S24", "S44"),),
        says=(
            "Diffuse edema without a rim sign speaks for transient edema, decreased maximal enhancement for"
            " osteonecrosis.",
        ),
    ),
    Rule(
        PERFUSED,
        "TB2",
        Raise(Level.LIKELY),
        about=TBMES,
        when=HYPERPERFUSION & AT_HIP,
        unless=(RIM_SIGN.not_excluded, RIM_SIGN.in_doubt),
        evidence=(seed("S23"),),
        says=("Dynamic contrast-enhanced MRI shows subchondral hyperperfusion, as in transient edema.",),
    ),
    Rule(
        PERFUSED_RIM_IN_DOUBT,
        "TB2",
        Raise(Level.POSSIBLE),
        about=TBMES,
        when=HYPERPERFUSION & AT_HIP,
        unless=(RIM_SIGN.present, Fired(PERFUSED)),
        evidence=(interpretation("S23", "S44"),),
        says=("Subchondral hyperperfusion speaks for transient edema, but a rim sign is not excluded.",),
    ),
    Rule(
        RIM_NOT_KNOWN,
        "TB3",
        Raise(Level.POSSIBLE),
        about=TBMES,
        when=DIFFUSE_EDEMA_HEAD_NECK.present,
        unless=(RIM_SIGN.settled,),
        evidence=(seed("S21", "S44"),),
        says=("Diffuse edema of the femoral head and neck; whether there is a rim sign is not reported.",),
    ),
    Rule(
        "tbmes-order-dce",
        "TB3",
        Advise((ORDER_DCE,)),
        about=TBMES,
        when=Fired(RIM_NOT_KNOWN, even_in_doubt=True),
        unless=(SEQ_DCE.is_one_of("acquired"),),
        evidence=(seed("S21"),),
    ),
    Rule(
        "tbmes-unlikely-with-necrosis",
        "TB4",
        Lower(over=frozenset({WITHOUT_RIM, WITHOUT_RIM_LESS_ENHANCED, PERFUSED, PERFUSED_RIM_IN_DOUBT, RIM_NOT_KNOWN})),
        about=TBMES,
        when=RIM_SIGN | NECROSIS_ON_DCE | NAMED_OSTEONECROSIS,
        evidence=(seed("S22", "S44"),),
        says=("A sign of osteonecrosis speaks against transient bone marrow edema syndrome.",),
    ),
    Rule(
        "tbmes-patterns-contradict",
        "TB1",
        Advise(warnings=(W_CONFLICT,)),
        about=TBMES,
        when=Fired(WITHOUT_RIM_LESS_ENHANCED, even_in_doubt=True),
        evidence=(interpretation("S24", "S44"),),
    ),
    Rule(
        "tbmes-is-self-limiting",
        "TB5",
        Advise(),
        about=TBMES,
        when=RAISED,
        evidence=(seed("S43"),),
        says=("Transient bone marrow edema syndrome is idiopathic and self-limiting.",),
    ),
    Rule(
        "tbmes-iloprost",
        "TB5",
        Advise((ILOPROST_OPTION,), treats=True),
        about=TBMES,
        when=LevelIs(TBMES, frozenset({Level.LIKELY})),
        unless=(
            OTHER_CAUSE_STANDS,
            NAMED_OSTEONECROSIS,
            NAMED_SIF,
            SEQ_T1.is_one_of("not_acquired"),
            CAUTIONS,
            POSTPARTUM,
        ),
        evidence=(seed("S42"), beyond(ILOPROST_SMPC)),
        says=(
            "Cautions first, beyond the source document (iloprost SmPC 4.3): hypersensitivity, pregnancy, lactation,"
            " bleeding risk, unstable angina, infarction within 6 months, heart failure (NYHA II-IV), severe"
            " arrhythmia, stroke or TIA within 3 months; check anticoagulation. This use and its fixed dose are"
            " off-label; the label's dose is by weight.",
        ),
        not_for="Any patient with a sign of osteonecrosis or fracture, or a caution of the label.",
    ),
    Rule(
        "tbmes-iloprost-after-childbirth",
        "TB5",
        Advise(),
        about=TBMES,
        when=LevelIs(TBMES, frozenset({Level.LIKELY})) & POSTPARTUM,
        evidence=(seed("S42"), beyond(ILOPROST_SMPC)),
        says=("Iloprost is not suggested after childbirth: lactation is a contraindication of its label.",),
    ),
    Rule(
        "tbmes-is-not-always-benign",
        "G8",
        Advise(warnings=(P1,)),
        about=TBMES,
        when=RAISED & BME,
        evidence=(seed("S47"),),
    ),
)
