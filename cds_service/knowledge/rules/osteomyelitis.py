"""Infection of bone.

High marrow signal on STIR together with low signal on T1 suggests osteomyelitis (S29), unless another disease at the
same place explains the low T1 signal. Brightness on STIR alone is only compatible with it (S5, S28). In a diabetic
foot the two cannot be told apart on edema, so every such edema is acted on (S30, S31, S53). Fever, raised white cells
or an ulcer make an infection urgent whatever T1 shows; earlier trauma or surgery makes the signal unreliable (S33).
"""

from __future__ import annotations

from cds_service.knowledge.actions import REF_ID, REF_MDFT
from cds_service.knowledge.causes import OSTEOMYELITIS
from cds_service.knowledge.evidence import IWGDF, beyond, interpretation, seed
from cds_service.knowledge.facts import (
    ACUTE_TRAUMA,
    BME,
    CRP_RAISED,
    DIFFUSE_MARROW_SIGNAL,
    ESR_RAISED,
    KNOWN_MALIGNANCY,
    KNOWN_OSTEOMYELITIS,
    NAMED_OSTEOMYELITIS,
    PRIOR_OSTEOMYELITIS,
    PRIOR_TRAUMA_OR_SURGERY,
    T1_SIGNAL,
    any_present,
)
from cds_service.knowledge.named import named_by_the_record
from cds_service.knowledge.patterns import ACUTE_INFECTION_SIGN, DIABETIC_FOOT, INFECTION_SIGN
from cds_service.knowledge.settings import INFECTION_CONTEXT_RAISES
from cds_service.knowledge.sites import AT_FOOT
from cds_service.knowledge.warnings import P4, W_OM_CHRONIC
from cds_service.model.condition import Fired, LevelIs, SettingIs, at_site
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Raise, Rule

STIR_HIGH_T1_LOW = BME & T1_SIGNAL.is_one_of("low")

PATTERN, PATTERN_WITH_RIVAL, PATTERN_WITH_SIGN = (
    "osteomyelitis-signal-pattern",
    "osteomyelitis-signal-pattern-with-rival",
    "osteomyelitis-signal-pattern-with-infection-sign",
)

RIVALS = (
    *(
        Fired(rule)
        for rule in (
            "axspa-deep-edema",
            "axspa-deep-edema-with-injury-or-age",
            "axspa-erosion",
            "axspa-structural-lesion",
            "axspa-edema-synovitis-effusion",
            "axspa-edema-alone",
            "osteonecrosis-rim-sign",
            "osteonecrosis-perfusion-rim",
            "sif-fracture-line",
            "sif-medial-condyle-in-a-woman",
            "tbmes-diffuse-edema-without-rim",
            "tbmes-hyperperfusion",
        )
    ),
    ACUTE_TRAUMA,
    DIFFUSE_MARROW_SIGNAL,
    KNOWN_MALIGNANCY,
    at_site("vertebra"),
)
"""What else explains low T1 signal at the same place. Charcot arthropathy and diabetes are not rivals."""

STANDS = LevelIs(OSTEOMYELITIS, frozenset({Level.LIKELY}), act_now=True)
RAISED = LevelIs(OSTEOMYELITIS, frozenset({Level.LIKELY, Level.POSSIBLE}))

RULES = (
    *named_by_the_record(
        OSTEOMYELITIS,
        "osteomyelitis",
        NAMED_OSTEOMYELITIS,
        KNOWN_OSTEOMYELITIS,
        soften=False,
        denied_unless=(PRIOR_TRAUMA_OR_SURGERY, PRIOR_OSTEOMYELITIS),
    ),
    Rule(
        PATTERN,
        "OM1",
        Raise(Level.LIKELY),
        about=OSTEOMYELITIS,
        when=STIR_HIGH_T1_LOW,
        unless=RIVALS,
        evidence=(seed("S29"),),
        says=(
            "High marrow signal on STIR combined with low signal on T1 suggests osteomyelitis (sensitivity ~90%,"
            " specificity ~85%; reference 3, 'Speckled STIR Hyperintensities on MRI').",
        ),
        not_for="Chronic post-traumatic osteomyelitis, where earlier surgery disturbs the marrow signal, and places"
        " where another disease explains the low T1 signal.",
    ),
    Rule(
        PATTERN_WITH_RIVAL,
        "OM2",
        Raise(Level.POSSIBLE),
        about=OSTEOMYELITIS,
        when=STIR_HIGH_T1_LOW,
        unless=(Fired(PATTERN), Fired(PATTERN_WITH_SIGN)),
        evidence=(interpretation("S29", "S6", "S3"),),
        says=(
            "High STIR with low T1 signal suggests osteomyelitis (sensitivity ~90%, specificity ~85%), but another"
            " pattern at this place may explain it.",
        ),
    ),
    Rule(
        PATTERN_WITH_SIGN,
        "OM3",
        Raise(Level.LIKELY),
        about=OSTEOMYELITIS,
        when=STIR_HIGH_T1_LOW & INFECTION_SIGN,
        evidence=(interpretation("S29"), beyond(IWGDF)),
        says=(
            "High STIR with low T1 signal (sensitivity ~90%, specificity ~85%) and a sign of infection: osteomyelitis"
            " stands whatever else may explain the signal.",
        ),
    ),
    Rule(
        "osteomyelitis-edema-with-acute-infection-sign",
        "OM4b",
        Raise(Level.POSSIBLE, act_now=True),
        about=OSTEOMYELITIS,
        when=SettingIs(INFECTION_CONTEXT_RAISES) & BME.not_excluded & ACUTE_INFECTION_SIGN,
        evidence=(seed("S28", "S3"), beyond(IWGDF)),
        says=(
            "Edema is compatible with osteomyelitis, and the record holds a sign of infection (beyond the source"
            " document, on as a safety exception).",
        ),
        not_for="Edema without any sign of infection: brightness on STIR alone raises nothing (S5).",
    ),
    Rule(
        "osteomyelitis-edema-with-infection-hint",
        "OM4c",
        Raise(Level.POSSIBLE),
        about=OSTEOMYELITIS,
        when=SettingIs(INFECTION_CONTEXT_RAISES)
        & BME.not_excluded
        & any_present(CRP_RAISED, ESR_RAISED, PRIOR_OSTEOMYELITIS),
        evidence=(seed("S28", "S33"), beyond(IWGDF)),
        says=(
            "Edema is compatible with osteomyelitis, and a raised inflammation marker or an earlier infection of this"
            " bone keeps it possible (beyond the source document).",
        ),
        not_for="Telling infection from active inflammation, which raises the same markers.",
    ),
    Rule(
        "osteomyelitis-diabetic-foot",
        "OM5",
        Raise(Level.POSSIBLE, act_now=True),
        about=OSTEOMYELITIS,
        when=BME.not_excluded & DIABETIC_FOOT,
        evidence=(seed("S30", "S31", "S53", "S54"), interpretation("S53", note="diabetes without Charcot arthropathy")),
        says=(
            "In a diabetic foot, edema of Charcot arthropathy is difficult to distinguish from superimposed"
            " osteomyelitis, which cannot be excluded whatever T1 shows; delayed multidisciplinary referral leads to"
            " significant clinical deterioration.",
        ),
    ),
    Rule(
        "osteomyelitis-diabetic-foot-do-not-delay",
        "OM5",
        Advise(warnings=(P4,)),
        about=OSTEOMYELITIS,
        when=Fired("osteomyelitis-diabetic-foot", even_in_doubt=True),
        evidence=(seed("S53", "S54"),),
    ),
    Rule(
        "osteomyelitis-after-trauma-or-surgery",
        "OM6",
        Advise(warnings=(W_OM_CHRONIC,)),
        about=OSTEOMYELITIS,
        when=(RAISED | BME.not_excluded) & any_present(PRIOR_TRAUMA_OR_SURGERY, PRIOR_OSTEOMYELITIS),
        evidence=(seed("S33"),),
    ),
    Rule(
        "osteomyelitis-mri-is-the-right-test",
        "OM8",
        Advise(),
        about=OSTEOMYELITIS,
        when=RAISED,
        evidence=(seed("S32"),),
        says=("MRI is exceptional for detecting acute osteomyelitis; no other imaging is suggested.",),
    ),
    Rule(
        "osteomyelitis-refer-when-likely",
        "3.5",
        Advise((REF_ID,)),
        about=OSTEOMYELITIS,
        when=LevelIs(OSTEOMYELITIS, frozenset({Level.LIKELY})),
        evidence=(seed("S3", "S15"),),
    ),
    Rule(
        "osteomyelitis-refer-when-urgent",
        "3.5",
        Advise((REF_ID,)),
        about=OSTEOMYELITIS,
        when=STANDS,
        unless=(AT_FOOT,),
        evidence=(seed("S3", "S15"),),
    ),
    Rule(
        "osteomyelitis-refer-foot",
        "3.5",
        Advise((REF_MDFT,)),
        about=OSTEOMYELITIS,
        when=STANDS & AT_FOOT,
        evidence=(seed("S31", "S54"),),
    ),
)
