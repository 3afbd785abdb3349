"""Before any diagnosis: were the sequences complete, does the record contradict itself, is something new?

Both a STIR (or T2-weighted) and a T1-weighted sequence are always needed (S4). Without T1 nothing may be called likely
inflammatory or harmless; without a fluid-sensitive sequence an absent edema means nothing. New or increasing edema is
never called benign (S47, S48).
"""

from __future__ import annotations

from cds_service.knowledge.actions import COMPARE_PRIOR, COMPLETE_SEQ_FLUID, COMPLETE_SEQ_T1
from cds_service.knowledge.causes import AXSPA, PHYSIOLOGIC, TBMES
from cds_service.knowledge.evidence import interpretation, seed
from cds_service.knowledge.facts import (
    ACUTE_PAIN,
    AGE,
    BME,
    CHANGE,
    EROSION,
    FATTY_LESION,
    HEALTHY_CONTROL,
    IA_T1_HYPERINTENSITY,
    POSTPARTUM,
    SEQ_STIR,
    SEQ_T1,
    SEQ_T2,
    SEX,
    T1_SIGNAL,
    any_present,
)
from cds_service.knowledge.named import FINDING_HERE
from cds_service.knowledge.patterns import DIABETIC_FOOT
from cds_service.knowledge.warnings import P1, P4, W_CONFLICT, W_SEQ
from cds_service.model.finding import State
from cds_service.model.level import Tier
from cds_service.model.rule import Advise, Cap, Disregard, Floor, Rule

T1_LISTED_AS_MISSING = SEQ_T1.is_one_of("not_acquired")
SEEN_ON_T1_ONLY = any_present(EROSION, FATTY_LESION, IA_T1_HYPERINTENSITY) | T1_SIGNAL.is_one_of(*T1_SIGNAL.choices)
NO_FLUID_SENSITIVE_SEQUENCE = SEQ_STIR.is_one_of("not_acquired") & SEQ_T2.is_one_of("not_acquired")
FLUID_SENSITIVE_SEQUENCE = SEQ_STIR.is_one_of("acquired") | SEQ_T2.is_one_of("acquired")
NEW_OR_INCREASED = CHANGE.is_one_of("new", "increased")

RULES = (
    Rule(
        "edema-cannot-be-absent-without-fluid-sensitive-sequence",
        "G3",
        Disregard(BME, State.ABSENT),
        when=NO_FLUID_SENSITIVE_SEQUENCE & BME.absent,
        evidence=(seed("S4", "S7"),),
        not_for="Studies whose list of sequences is incomplete.",
    ),
    Rule(
        "postpartum-in-a-man-is-disregarded",
        "5.3",
        Disregard(POSTPARTUM, State.PRESENT, contradiction=True),
        when=SEX.is_one_of("male") & POSTPARTUM,
        evidence=(interpretation("S12", note="a benign context that the record contradicts is not used to reassure"),),
    ),
    Rule(
        "healthy-with-acute-pain-is-disregarded",
        "5.3",
        Disregard(HEALTHY_CONTROL, State.PRESENT, contradiction=True),
        when=ACUTE_PAIN & HEALTHY_CONTROL,
        evidence=(interpretation("S12", note="a benign context that the record contradicts is not used to reassure"),),
    ),
    Rule(
        "without-t1-nothing-is-likely-inflammatory-or-benign",
        "G2",
        Cap(frozenset({AXSPA, TBMES, PHYSIOLOGIC})),
        when=T1_LISTED_AS_MISSING,
        unless=(SEEN_ON_T1_ONLY,),
        evidence=(seed("S4", "S5", "S8"),),
        not_for="Osteonecrosis, Charcot arthropathy, insufficiency fracture, malignancy, a named osteomyelitis, and the"
        " diabetic foot: these are never capped.",
    ),
    Rule(
        "complete-t1",
        "G2",
        Advise((COMPLETE_SEQ_T1,), (W_SEQ,), notable=True),
        when=T1_LISTED_AS_MISSING,
        unless=(SEEN_ON_T1_ONLY,),
        evidence=(seed("S4", "S5", "S8"),),
        says=("No T1-weighted sequence was acquired: structural change and low T1 signal cannot be assessed.",),
    ),
    Rule(
        "complete-fluid-sensitive",
        "G3",
        Advise((COMPLETE_SEQ_FLUID,), (W_SEQ,), notable=True),
        when=NO_FLUID_SENSITIVE_SEQUENCE,
        evidence=(seed("S4", "S7"),),
        says=("No STIR or T2-weighted sequence was acquired: edema could not be assessed, and nothing is excluded.",),
    ),
    Rule(
        "diabetic-foot-without-fluid-sensitive-sequence",
        "G3",
        Floor(Tier.SOON),
        when=NO_FLUID_SENSITIVE_SEQUENCE & DIABETIC_FOOT,
        evidence=(interpretation("S4", "S53"),),
    ),
    Rule(
        "diabetic-foot-without-fluid-sensitive-sequence-do-not-delay",
        "G3",
        Advise(warnings=(P4,), notable=True),
        when=NO_FLUID_SENSITIVE_SEQUENCE & DIABETIC_FOOT,
        evidence=(interpretation("S4", "S53"),),
        says=("Edema of this diabetic foot could not be assessed.",),
    ),
    Rule(
        "confirm-sequences",
        "G4",
        Advise(),
        when=FINDING_HERE,
        unless=(SEQ_T1.settled & (FLUID_SENSITIVE_SEQUENCE | (SEQ_STIR.settled & SEQ_T2.settled)),),
        evidence=(seed("S4"),),
        says=("Confirm that both a T1-weighted and a STIR or T2-weighted sequence were acquired.",),
    ),
    Rule(
        "sequence-list-is-incomplete",
        "G5",
        Advise(warnings=(W_CONFLICT,)),
        when=T1_LISTED_AS_MISSING & SEEN_ON_T1_ONLY,
        evidence=(interpretation("S4", note="data handling"),),
        says=("The list of series has no T1-weighted sequence, yet the report describes a finding seen on T1.",),
    ),
    Rule(
        "new-or-increasing-edema-is-not-routine",
        "G6",
        Floor(Tier.SOON),
        when=NEW_OR_INCREASED & (FINDING_HERE | BME.in_doubt),
        evidence=(seed("S47", "S48"),),
    ),
    Rule(
        "new-or-increasing-edema-compare",
        "G6",
        Advise((COMPARE_PRIOR,), (P1,)),
        when=NEW_OR_INCREASED & (FINDING_HERE | BME.in_doubt),
        evidence=(seed("S47", "S48"),),
        says=("What is found is new or increasing.",),
    ),
    Rule(
        "children",
        "3.10.6",
        Advise(),
        when=AGE.below(18) & FINDING_HERE,
        evidence=(interpretation("S9"),),
        says=("The source document does not address children.",),
    ),
)
