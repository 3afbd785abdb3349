"""Osteonecrosis: death of subchondral bone, at the hip above all.

Edema around a focus of necrosis, particularly with effusion, increases the risk that the femoral head collapses (S20).
A rim sign names the focus (S44); dynamic contrast-enhanced MRI shows a rim of high plasma flow around an area without
flow (S22) and less enhancement overall than in transient edema or insufficiency fracture (S24). Where neither was
reported for an edematous femoral head, that MRI is the way to tell it from transient edema (S21).
"""

from __future__ import annotations

from cds_service.knowledge.actions import ORDER_DCE, REF_ORTHO
from cds_service.knowledge.causes import OSTEONECROSIS
from cds_service.knowledge.evidence import interpretation, seed
from cds_service.knowledge.facts import (
    BME,
    DCE_PATTERN,
    DIFFUSE_EDEMA_HEAD_NECK,
    EFFUSION,
    KNOWN_OSTEONECROSIS,
    NAMED_OSTEONECROSIS,
    RIM_SIGN,
    SEQ_DCE,
)
from cds_service.knowledge.named import named_by_the_record
from cds_service.knowledge.patterns import HYPERPERFUSION, NECROSIS_ON_DCE, REDUCED_ENHANCEMENT
from cds_service.knowledge.sites import AT_HIP
from cds_service.knowledge.warnings import W_COLLAPSE, W_CONFLICT
from cds_service.model.condition import Fired, LevelIs, at_site
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Lower, Raise, Rule

RIM, PERFUSION_RIM, NOT_TOLD_APART = (
    "osteonecrosis-rim-sign",
    "osteonecrosis-perfusion-rim",
    "osteonecrosis-not-told-from-transient-edema",
)
NO_EPIPHYSIS = at_site("si_joint", "vertebra", "diffuse_marrow")
DESCRIBED_ON_DCE = DCE_PATTERN.is_one_of(
    "subchondral_hyperperfusion", "decreased_max_enhancement", "rim_high_flow_no_flow_core"
)

RULES = (
    *named_by_the_record(OSTEONECROSIS, "osteonecrosis", NAMED_OSTEONECROSIS, KNOWN_OSTEONECROSIS),
    Rule(
        RIM,
        "ON1",
        Raise(Level.LIKELY),
        about=OSTEONECROSIS,
        when=RIM_SIGN.present,
        unless=(NO_EPIPHYSIS,),
        evidence=(seed("S20", "S44"),),
        says=("A rim sign is the characteristic sign of osteonecrosis.",),
        not_for="Rim signs of organs other than bone.",
    ),
    Rule(
        PERFUSION_RIM,
        "ON2",
        Raise(Level.LIKELY),
        about=OSTEONECROSIS,
        when=NECROSIS_ON_DCE,
        unless=(NO_EPIPHYSIS,),
        evidence=(seed("S22"),),
        says=(
            "Dynamic contrast-enhanced MRI shows a rim of high plasma flow around a subchondral area without flow,"
            " as in osteonecrosis.",
        ),
    ),
    Rule(
        "osteonecrosis-decreased-enhancement",
        "ON3",
        Raise(Level.POSSIBLE),
        about=OSTEONECROSIS,
        when=REDUCED_ENHANCEMENT & AT_HIP,
        evidence=(seed("S24"),),
        says=(
            "Osteonecrosis shows overall decreased maximal enhancement compared with transient bone marrow edema"
            " syndrome or subchondral insufficiency fracture.",
        ),
    ),
    Rule(
        NOT_TOLD_APART,
        "ON4",
        Raise(Level.POSSIBLE),
        about=OSTEONECROSIS,
        when=BME & at_site("femoral_head", "femoral_head_and_neck"),
        unless=(RIM_SIGN.settled, DESCRIBED_ON_DCE),
        evidence=(seed("S21"),),
        says=(
            "Neither a rim sign nor the enhancement pattern is reported for this femoral head; dynamic"
            " contrast-enhanced MRI differentiates osteonecrosis from transient bone marrow edema syndrome.",
        ),
        not_for="Edema of the femoral neck alone.",
    ),
    Rule(
        "osteonecrosis-order-dce",
        "ON4",
        Advise((ORDER_DCE,)),
        about=OSTEONECROSIS,
        when=Fired(NOT_TOLD_APART, even_in_doubt=True),
        unless=(SEQ_DCE.is_one_of("acquired"),),
        evidence=(seed("S21"),),
    ),
    Rule(
        "osteonecrosis-ask-for-enhancement",
        "ON4",
        Advise(),
        about=OSTEONECROSIS,
        when=Fired(NOT_TOLD_APART, even_in_doubt=True) & SEQ_DCE.is_one_of("acquired"),
        evidence=(seed("S21", "S22", "S23"),),
        says=("A dynamic contrast series was acquired: ask for its enhancement pattern.",),
    ),
    Rule(
        "osteonecrosis-risk-of-collapse",
        "ON5",
        Advise(warnings=(W_COLLAPSE,)),
        about=OSTEONECROSIS,
        when=(Fired(RIM) | Fired(PERFUSION_RIM)) & BME,
        evidence=(seed("S20"),),
    ),
    Rule(
        "osteonecrosis-risk-of-collapse-with-effusion",
        "ON5",
        Advise(),
        about=OSTEONECROSIS,
        when=(Fired(RIM) | Fired(PERFUSION_RIM)) & BME & EFFUSION,
        evidence=(seed("S20"),),
        says=("A joint effusion is reported, which is said to increase the risk of collapse in particular.",),
    ),
    Rule(
        "osteonecrosis-unlikely-with-hyperperfusion",
        "ON6",
        Lower(),
        about=OSTEONECROSIS,
        when=HYPERPERFUSION & AT_HIP,
        unless=(RIM_SIGN.present,),
        evidence=(seed("S23"),),
        says=("Subchondral hyperperfusion speaks for transient bone marrow edema syndrome.",),
    ),
    Rule(
        "osteonecrosis-unlikely-without-rim",
        "ON7",
        Lower(),
        about=OSTEONECROSIS,
        when=RIM_SIGN.absent & DIFFUSE_EDEMA_HEAD_NECK,
        evidence=(seed("S44"),),
        says=("Diffuse edema of the head and neck without a rim sign speaks against osteonecrosis.",),
    ),
    Rule(
        "osteonecrosis-rim-and-hyperperfusion-contradict",
        "ON8",
        Advise(warnings=(W_CONFLICT,)),
        about=OSTEONECROSIS,
        when=HYPERPERFUSION & (RIM_SIGN.not_excluded | RIM_SIGN.in_doubt),
        evidence=(interpretation("S20", "S23"),),
        says=("A rim sign and subchondral hyperperfusion contradict each other; the more dangerous reading stands.",),
    ),
    Rule(
        "osteonecrosis-refer",
        "3.2",
        Advise((REF_ORTHO,)),
        about=OSTEONECROSIS,
        when=LevelIs(OSTEONECROSIS, frozenset({Level.LIKELY})),
        unless=(Fired("osteonecrosis-known-is-not-urgent"),),
        evidence=(seed("S3", "S15", "S20"),),
    ),
)
