"""Edema that no rule explains.

Bone marrow edema is nonspecific and demands immediate clinical correlation (S2). Where no cause is raised, that is
what the card says; it is never called benign (S47).
"""

from __future__ import annotations

from cds_service.knowledge.actions import CORRELATE
from cds_service.knowledge.causes import NONSPECIFIC
from cds_service.knowledge.evidence import seed
from cds_service.knowledge.facts import BME
from cds_service.knowledge.warnings import P1
from cds_service.model.condition import AnyCause, Fired
from cds_service.model.level import Level
from cds_service.model.rule import Advise, Raise, Rule, Step

UNEXPLAINED = "nonspecific-edema"

RULES = (
    Rule(
        UNEXPLAINED,
        "G7",
        Raise(Level.POSSIBLE),
        about=NONSPECIFIC,
        when=BME.not_excluded,
        unless=(AnyCause(Level.POSSIBLE, anywhere=False),),
        evidence=(seed("S2", "S47"),),
        says=("Bone marrow edema on MRI is nonspecific and demands immediate clinical correlation.",),
        step=Step.UNEXPLAINED,
    ),
    Rule(
        "nonspecific-correlate",
        "G7",
        Advise((CORRELATE,), (P1,)),
        about=NONSPECIFIC,
        when=Fired(UNEXPLAINED, even_in_doubt=True),
        evidence=(seed("S2", "S3", "S47"),),
        says=(
            "Separate benign, self-limited conditions from osteonecrosis, insufficiency fracture, inflammatory"
            " arthritis, infection and malignancy.",
        ),
    ),
)
