"""The differential diagnosis, how urgent each cause is, and which one leads (decision table 2.1 and 3.9)."""

from __future__ import annotations

from cds_service.model.level import Tier
from cds_service.model.rule import Cause

AXSPA = "axspa"
OSTEONECROSIS = "osteonecrosis"
SIF = "sif"
TBMES = "tbmes"
OSTEOMYELITIS = "osteomyelitis"
CHARCOT = "charcot"
MALIGNANCY = "malignancy"
TRAUMATIC = "traumatic"
PHYSIOLOGIC = "physiologic"
NONSPECIFIC = "nonspecific"

CAUSES = {
    cause.id: cause
    for cause in (
        Cause(
            AXSPA,
            "inflammatory arthritis / axial spondyloarthritis",
            when_likely=Tier.URGENT,
            when_possible=Tier.SOON,
            about="Inflammation of the sacroiliac joint, with edema now and structural change later.",
        ),
        Cause(
            OSTEONECROSIS,
            "osteonecrosis",
            when_likely=Tier.URGENT,
            when_possible=Tier.SOON,
            about="Death of subchondral bone, which may collapse.",
        ),
        Cause(
            SIF,
            "subchondral insufficiency fracture",
            when_likely=Tier.URGENT,
            when_possible=Tier.URGENT,
            about="A fracture of weak subchondral bone under ordinary load, seen on MRI before radiographs.",
        ),
        Cause(
            TBMES,
            "transient bone marrow edema syndrome",
            when_likely=Tier.SOON,
            when_possible=Tier.SOON,
            about="Self-limiting edema of the femoral head and neck without a necrotic focus.",
        ),
        Cause(
            OSTEOMYELITIS,
            "osteomyelitis",
            when_likely=Tier.URGENT,
            when_possible=Tier.SOON,
            about="Infection of bone.",
        ),
        Cause(
            CHARCOT,
            "Charcot arthropathy",
            when_likely=Tier.URGENT,
            when_possible=Tier.URGENT,
            about="Destructive neuropathic arthropathy of the diabetic foot.",
        ),
        Cause(
            MALIGNANCY,
            "marrow malignancy",
            when_likely=Tier.URGENT,
            when_possible=Tier.SOON,
            about="Hematological disease or metastasis behind a marrow signal change.",
        ),
        Cause(
            TRAUMATIC,
            "traumatic or mechanical edema",
            when_likely=Tier.SOON,
            when_possible=Tier.SOON,
            about="Bone bruise or overload after an injury.",
        ),
        Cause(
            PHYSIOLOGIC,
            "edema that may be physiologic",
            when_likely=Tier.ROUTINE,
            when_possible=Tier.SOON,
            about="Benign edema of athletes, after childbirth, or in healthy people.",
        ),
        Cause(
            NONSPECIFIC,
            "nonspecific bone marrow edema",
            when_likely=Tier.SOON,
            when_possible=Tier.SOON,
            about="Edema that no rule explains.",
        ),
    )
}
