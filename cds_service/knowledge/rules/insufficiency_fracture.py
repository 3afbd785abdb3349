"""Subchondral insufficiency fracture: weak bone giving way under ordinary load.

In a middle-aged to elderly patient with acute pain it must be suspected (S13), because untreated it can progress to
collapse of the joint (S26). The medial femoral condyle of women is its usual place (S25). MRI shows it before
radiographs do (S14, S27), so a normal radiograph never speaks against it. At the sacroiliac joint the sacrum may be
what broke.
"""

from __future__ import annotations

from cds_service.knowledge.actions import MONITOR_SIF, PROTECTED_WB, REF_ORTHO
from cds_service.knowledge.causes import SIF
from cds_service.knowledge.evidence import THIEME, beyond, interpretation, seed
from cds_service.knowledge.facts import (
    ACUTE_PAIN,
    AGE,
    BME,
    KNOWN_SIF,
    NAMED_SIF,
    RADIOGRAPH,
    SEX,
    SUBCHONDRAL_FRACTURE_LINE,
)
from cds_service.knowledge.named import named_by_the_record
from cds_service.knowledge.settings import MIDDLE_AGE_FROM
from cds_service.knowledge.sites import AT_SI_JOINT, LOWER_LIMB_SITES
from cds_service.knowledge.warnings import P5
from cds_service.model.condition import Fired, LevelIs, at_site
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Raise, Rule

AT_ARTICULAR_SITE = at_site(*LOWER_LIMB_SITES)
AT_MEDIAL_CONDYLE = at_site("medial_femoral_condyle")
OLDER = AGE.at_least(MIDDLE_AGE_FROM)
WOMAN = SEX.is_one_of("female")
RAISED = LevelIs(SIF, frozenset({Level.LIKELY, Level.POSSIBLE}))
PAIN_NOT_KNOWN = "sif-medial-condyle-pain-not-known"

RULES = (
    *named_by_the_record(SIF, "insufficiency fracture", NAMED_SIF, KNOWN_SIF),
    Rule(
        "sif-fracture-line",
        "SF1",
        Raise(Level.LIKELY),
        about=SIF,
        when=SUBCHONDRAL_FRACTURE_LINE & AT_ARTICULAR_SITE,
        evidence=(seed("S26"), beyond(THIEME)),
        says=("A subchondral fracture line is reported (as a sign, beyond the source document).",),
        not_for="Fractures of the spine and the sacrum.",
    ),
    Rule(
        "sif-acute-pain-at-this-age",
        "SF2",
        Raise(Level.POSSIBLE, act_now=True),
        about=SIF,
        when=BME & OLDER & ACUTE_PAIN & AT_ARTICULAR_SITE,
        evidence=(seed("S13", "S26"),),
        says=(
            "In a middle-aged to elderly patient with acute pain, subchondral insufficiency fracture is to be"
            " suspected and ruled out early: untreated it can progress to articular collapse requiring arthroplasty.",
        ),
        not_for="Young patients; a missing age is neither old nor young.",
    ),
    Rule(
        "sif-medial-condyle-in-a-woman",
        "SF3",
        Raise(Level.LIKELY),
        about=SIF,
        when=BME & OLDER & ACUTE_PAIN & WOMAN & AT_MEDIAL_CONDYLE,
        evidence=(seed("S25"),),
        says=(
            "Subchondral insufficiency fracture most commonly affects the medial femoral condyle in middle-aged to"
            " elderly females.",
        ),
    ),
    Rule(
        PAIN_NOT_KNOWN,
        "SF4",
        Raise(Level.POSSIBLE, act_now=True),
        about=SIF,
        when=BME & OLDER & WOMAN & AT_MEDIAL_CONDYLE,
        unless=(ACUTE_PAIN.absent,),
        evidence=(seed("S25", "S26"),),
        says=(
            "Subchondral insufficiency fracture most commonly affects the medial femoral condyle in middle-aged to"
            " elderly females.",
        ),
        not_for="Women in whom acute pain was asked for and denied.",
    ),
    Rule(
        "sif-ask-about-pain",
        "SF4",
        Advise(),
        about=SIF,
        when=Fired(PAIN_NOT_KNOWN, even_in_doubt=True),
        unless=(ACUTE_PAIN.settled,),
        evidence=(seed("S13"),),
        says=("Ask about acute pain: it is not reported.",),
    ),
    Rule(
        "sif-sacrum",
        "SF7",
        Raise(Level.POSSIBLE, act_now=True, label="insufficiency fracture (sacrum)"),
        about=SIF,
        when=BME.not_excluded & OLDER & ACUTE_PAIN & AT_SI_JOINT,
        evidence=(interpretation("S3", "S13"),),
        says=(
            "Edema beside the sacroiliac joint of a middle-aged to elderly patient with acute pain: an insufficiency"
            " fracture of the sacrum is to be ruled out.",
        ),
    ),
    Rule(
        "sif-radiograph-may-be-normal",
        "SF5",
        Advise(),
        about=SIF,
        when=RAISED & RADIOGRAPH.is_one_of("normal"),
        evidence=(seed("S14", "S27"),),
        says=("The normal radiograph does not speak against it: MRI identifies these before radiographs show it.",),
    ),
    Rule(
        "sif-refer-and-monitor",
        "3.3",
        Advise((REF_ORTHO, PROTECTED_WB, MONITOR_SIF), (P5,)),
        about=SIF,
        when=RAISED,
        unless=(Fired("sif-known-is-not-urgent"),),
        evidence=(seed("S26", "S55"),),
    ),
    Rule(
        "sif-known-monitor",
        "3.3",
        Advise((MONITOR_SIF,), (P5,)),
        about=SIF,
        when=Fired("sif-known-is-not-urgent"),
        evidence=(seed("S55"),),
    ),
)
