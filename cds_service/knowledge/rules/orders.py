"""Checks of draft orders (decision table section 4). They may add a card and actions; they never raise the urgency."""

from __future__ import annotations

from cds_service.knowledge.actions import COMPLETE_SEQ_FLUID, COMPLETE_SEQ_T1
from cds_service.knowledge.evidence import seed
from cds_service.knowledge.facts import DRAFT_FLUID, DRAFT_KIND, DRAFT_SITE, DRAFT_T1
from cds_service.knowledge.warnings import W_SEQ
from cds_service.model.condition import Stated
from cds_service.model.rule import CheckOrder, DraftChange, Rule

MRI = DRAFT_KIND.is_one_of("mri")

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
)
