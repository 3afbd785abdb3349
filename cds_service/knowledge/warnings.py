"""Pitfalls of the source document (P1-P5, its own numbers) and warnings about the data (decision table 2.3)."""

from __future__ import annotations

from cds_service.knowledge.evidence import seed
from cds_service.model.rule import StandingWarnings, Warning

P1 = Warning(
    "P1",
    "Do not assume that all bone marrow edema is benign: new or increasing edema correlates with pain progression and"
    " can lead to joint destruction if its cause is not addressed.",
    seed("S47", "S48"),
)
P2 = Warning(
    "P2",
    "Do not diagnose axial spondyloarthritis on bone marrow edema alone: it is also seen in age-related degenerative"
    " change, after childbirth, in chronic back pain and in athletes, which lowers the specificity of the ASAS"
    " criteria.",
    seed("S49", "S50"),
)
P3 = Warning(
    "P3",
    "Do not ignore structural change on T1: erosions, sclerosis, fatty deposition and ankylosis lie outside the ASAS"
    " definition of a positive MRI, but matter in practice.",
    seed("S51", "S52"),
)
P4 = Warning(
    "P4",
    "Do not delay diagnosis in a diabetic patient: prompt multidisciplinary referral is essential to prevent"
    " significant clinical deterioration in Charcot arthropathy.",
    seed("S53", "S54"),
)
P5 = Warning(
    "P5",
    "Monitor a subchondral insufficiency fracture for progression: articular fragmentation and collapse, particularly"
    " in the medial femoral condyle.",
    seed("S55"),
)
W_COLLAPSE = Warning(
    "W_COLLAPSE",
    "Edema surrounding a focus of necrosis, particularly with joint effusion, increases the risk of femoral head"
    " collapse.",
    seed("S20"),
)
W_ORDER = Warning("W_ORDER", "This draft order conflicts with the findings on record.", seed("S3"))
W_DOSE = Warning(
    "W_DOSE",
    "The ordered regimen differs from the published one: iloprost 50 ug IV over 6 hours daily for 5 consecutive days.",
    seed("S42"),
)
W_SEQ = Warning(
    "W_SEQ",
    "Sequences are incomplete: both a STIR (or T2-weighted) and a T1-weighted sequence are needed, and STIR"
    " hyperintensity should never be interpreted in isolation.",
    seed("S4", "S5"),
)
W_OM_CHRONIC = Warning(
    "W_OM_CHRONIC",
    "Earlier trauma or surgery makes the marrow signal heterogeneous, so that acute change in chronic post-traumatic"
    " osteomyelitis is hard to detect: a negative or unclear MRI does not exclude it.",
    seed("S33"),
)
W_CONFLICT = Warning(
    "W_CONFLICT",
    "The record disagrees with itself; what disagrees is listed with its sources and was not used to reassure.",
    seed("S2", note="data handling"),
)
W_REF_UNLISTED = Warning(
    "W_REF_UNLISTED",
    "References [5] and [6] are cited by the source document but not listed in it.",
    seed("S58"),
)
W_REVIEW = Warning(
    "W_REVIEW",
    "The source document is educational and its content is pending human review, although its page says that articles"
    " are reviewed for accuracy. It supplements established guidelines; clinical judgement applies.",
    seed("S56", "S57"),
)
STANDING = StandingWarnings(conflict=W_CONFLICT, unlisted_reference=W_REF_UNLISTED, review_status=W_REVIEW)
