"""Diffuse change of the marrow signal, and edema in a patient with cancer.

When diffuse signal alteration is found incidentally, a bone marrow biopsy is to be considered (S34); in one
retrospective study 47% of those biopsied had a clinically important hematological disorder (S35). The figure belongs
to incidental findings: it is never quoted when malignancy was known or suspected. Focal edema alone raises nothing.
"""

from __future__ import annotations

from cds_service.knowledge.actions import CONSIDER_MARROW_BIOPSY, REF_HEM
from cds_service.knowledge.causes import MALIGNANCY
from cds_service.knowledge.evidence import SPIERINGS, beyond, interpretation, seed
from cds_service.knowledge.facts import (
    BME,
    DIFFUSE_MARROW_SIGNAL,
    INCIDENTAL,
    KNOWN_MALIGNANCY,
    KNOWN_MALIGNANCY_HERE,
    NAMED_MALIGNANCY,
    T1_SIGNAL,
)
from cds_service.knowledge.named import named_by_the_record
from cds_service.model.condition import Fired, LevelIs
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Raise, Rule

FOUND_INCIDENTALLY = DIFFUSE_MARROW_SIGNAL & INCIDENTAL
INCIDENTAL_CHANGE = "malignancy-incidental-diffuse-change"
NOT_TOLD_WHY = "malignancy-diffuse-change-reason-not-known"

RULES = (
    *named_by_the_record(MALIGNANCY, "malignancy", NAMED_MALIGNANCY, KNOWN_MALIGNANCY_HERE),
    Rule(
        INCIDENTAL_CHANGE,
        "MA1",
        Raise(Level.POSSIBLE, act_now=True),
        about=MALIGNANCY,
        when=FOUND_INCIDENTALLY,
        unless=(KNOWN_MALIGNANCY.present,),
        evidence=(seed("S34", "S35", "S15"),),
        says=("Diffuse marrow signal alteration was found incidentally: hematological disease must be ruled out.",),
        not_for="Focal edema; MRI done because malignancy is known or suspected.",
    ),
    Rule(
        "malignancy-consider-biopsy",
        "MA1",
        Advise((CONSIDER_MARROW_BIOPSY,), treats=True),
        about=MALIGNANCY,
        when=FOUND_INCIDENTALLY,
        unless=(KNOWN_MALIGNANCY.present,),
        evidence=(seed("S34", "S35"),),
        says=(
            "In one retrospective study, a clinically important hematological disorder was found in 47% of patients who"
            " underwent biopsy for incidental diffuse marrow signal change.",
        ),
        not_for="Any patient in whom malignancy is known, suspected, or in doubt.",
    ),
    Rule(
        NOT_TOLD_WHY,
        "MA2",
        Raise(Level.POSSIBLE, act_now=True),
        about=MALIGNANCY,
        when=DIFFUSE_MARROW_SIGNAL.present,
        unless=(INCIDENTAL.settled, KNOWN_MALIGNANCY.present),
        evidence=(interpretation("S34", "S3"),),
        says=("Diffuse marrow signal alteration; ask why the MRI was done, which the record does not clearly say.",),
    ),
    Rule(
        "malignancy-diffuse-change-malignancy-suspected",
        "MA4",
        Raise(Level.POSSIBLE, act_now=True),
        about=MALIGNANCY,
        when=DIFFUSE_MARROW_SIGNAL & INCIDENTAL.absent,
        unless=(KNOWN_MALIGNANCY.present,),
        evidence=(interpretation("S34", "S3"),),
        says=("Diffuse marrow signal alteration on an MRI that was not done for another reason.",),
    ),
    Rule(
        "malignancy-diffuse-change-known-malignancy",
        "MA4",
        Raise(Level.POSSIBLE),
        about=MALIGNANCY,
        when=DIFFUSE_MARROW_SIGNAL & KNOWN_MALIGNANCY,
        unless=(INCIDENTAL.present,),
        evidence=(interpretation("S34"), beyond(SPIERINGS)),
        says=("Diffuse marrow signal alteration in a patient with known malignancy: inform the treating team.",),
    ),
    Rule(
        "malignancy-incidental-change-known-malignancy",
        "MA4",
        Raise(Level.POSSIBLE, act_now=True),
        about=MALIGNANCY,
        when=DIFFUSE_MARROW_SIGNAL & KNOWN_MALIGNANCY & INCIDENTAL,
        evidence=(interpretation("S34", "S3"), beyond(SPIERINGS)),
        says=("Diffuse marrow signal alteration was found incidentally in a patient with known malignancy.",),
    ),
    Rule(
        "malignancy-focal-edema-known-malignancy",
        "MA5",
        Raise(Level.POSSIBLE),
        about=MALIGNANCY,
        when=BME & KNOWN_MALIGNANCY,
        unless=(DIFFUSE_MARROW_SIGNAL.present,),
        evidence=(interpretation("S3", "S9"), beyond(SPIERINGS)),
        says=("Edema in a patient with known malignancy: a metastasis is to be thought of.",),
        not_for="A marrow biopsy, which the source suggests for diffuse change only.",
    ),
    Rule(
        "malignancy-focal-edema-low-t1-known-malignancy",
        "MA5",
        Raise(Level.POSSIBLE, act_now=True),
        about=MALIGNANCY,
        when=BME & KNOWN_MALIGNANCY & T1_SIGNAL.is_one_of("low"),
        unless=(DIFFUSE_MARROW_SIGNAL.present,),
        evidence=(interpretation("S3", "S9"), beyond(SPIERINGS)),
        says=("Low T1 signal in a patient with known malignancy.",),
    ),
    Rule(
        "malignancy-refer",
        "3.7",
        Advise((REF_HEM,)),
        about=MALIGNANCY,
        when=LevelIs(MALIGNANCY, frozenset({Level.LIKELY}), act_now=True),
        unless=(Fired("malignancy-known-is-not-urgent"),),
        evidence=(seed("S3", "S15"),),
    ),
)
