"""The project's own code system, for what no public terminology was found to name.

One table makes the codes that are read, the codes that are sent, and the FHIR CodeSystem that documents them. A site
that has codes of its own for the same things names them by setting (``codes.aliases``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cds_service.knowledge.codes.entry import CodedMeaning, Entry
from cds_service.knowledge.codes.sites import ANYWHERE, DIFFUSE_MARROW, Place
from cds_service.knowledge.codes.sources import OWN
from cds_service.model.coding import LocalCode


class ConceptKind(StrEnum):
    """What a concept of the code system is for."""

    FINDING = "finding"
    VALUE = "value"
    CAUSE = "cause"
    REFERRAL = "referral"
    OVERRIDE_REASON = "override-reason"


@dataclass(frozen=True)
class LocalConcept:
    """One concept: its code, what people read, what it means, and the fact and value it stands for here."""

    code: str
    display: str
    definition: str
    kind: ConceptKind
    fact: str = ""
    value: str = ""
    place: Place = ANYWHERE


def _finding(code: str, display: str, fact: str, definition: str, place: Place = ANYWHERE) -> LocalConcept:
    return LocalConcept(code, display, definition, ConceptKind.FINDING, fact, place=place)


def _value(code: str, display: str, fact: str, value: str, definition: str) -> LocalConcept:
    return LocalConcept(code, display, definition, ConceptKind.VALUE, fact, value)


def _cause(code: str, display: str, definition: str) -> LocalConcept:
    return LocalConcept(code, display, definition, ConceptKind.CAUSE, code)


def _reason(code: str, display: str, definition: str) -> LocalConcept:
    return LocalConcept(code, display, definition, ConceptKind.OVERRIDE_REASON)


CONCEPTS: tuple[LocalConcept, ...] = (
    _finding("erosion", "Erosion", "erosion", "A breach of the subchondral cortical bone at a joint."),
    _finding(
        "fatty-lesion",
        "Subchondral fatty deposition",
        "fatty_lesion",
        "Fatty replacement of subchondral bone marrow; not the T1-bright filling of an erosion cavity (backfill).",
    ),
    _finding(
        "ia-t1-hyperintensity",
        "Intra-articular T1 hyperintensity",
        "ia_t1_hyperintensity",
        "High signal inside the joint space on T1-weighted images.",
    ),
    _finding(
        "t2-joint-fluid",
        "T2-hyperintense joint fluid",
        "t2_joint_fluid",
        "Fluid signal in the joint space on T2-weighted or STIR images. Not the same statement as a joint effusion.",
    ),
    _finding(
        "depth-from-articular-surface",
        "Depth of edema from the articular surface",
        "depth_mm",
        "How far bone marrow edema reaches from the articular surface: a length, as valueQuantity in UCUM mm or cm.",
    ),
    _finding(
        "t1-signal",
        "Marrow signal on T1",
        "t1_signal",
        "Signal of the edematous marrow on T1-weighted images; the value is one of the t1-* concepts or RadLex.",
    ),
    _finding(
        "rim-sign",
        "Rim sign of a necrotic focus",
        "rim_sign",
        "A rim that separates necrotic from living bone, such as the double-line sign.",
    ),
    _finding(
        "dce-pattern",
        "Pattern on dynamic contrast-enhanced MRI",
        "dce_pattern",
        "Perfusion pattern of the lesion; the value is one of the dce-* concepts.",
    ),
    _finding(
        "diffuse-edema-head-neck",
        "Diffuse edema of femoral head and neck",
        "diffuse_edema_head_neck",
        "Edema throughout the femoral head and neck, without a circumscribed focus.",
        Place("femoral_head_and_neck"),
    ),
    _finding(
        "diffuse-marrow-signal",
        "Diffuse marrow signal change",
        "diffuse_marrow_signal",
        "Change of the marrow signal in many bones or throughout the image, rather than at one place.",
        DIFFUSE_MARROW,
    ),
    _finding(
        "incidental",
        "Incidental finding",
        "incidental",
        "The MRI was not asked for because of this finding or because a marrow disease was suspected.",
    ),
    _finding(
        "change-from-prior",
        "Change from the prior study",
        "change",
        "Comparison with the prior study; the value is one of the change-* concepts, SNOMED CT or RadLex.",
    ),
    _finding(
        "subchondral-fracture-line",
        "Subchondral fracture line",
        "subchondral_fracture_line",
        "A fracture line in the bone beneath the joint surface.",
    ),
    _value("t1-low", "Low T1 signal", "t1_signal", "low", "Lower than the marrow around it on T1-weighted images."),
    _value("t1-normal", "Normal T1 signal", "t1_signal", "normal", "No different from the marrow around it on T1."),
    _value("t1-high", "High T1 signal", "t1_signal", "high", "Higher than the marrow around it on T1."),
    _value("t1-variable", "Variable T1 signal", "t1_signal", "variable", "Parts low and parts normal or high on T1."),
    _value(
        "dce-rim-high-flow-no-flow-core",
        "Rim of high flow around a core without flow",
        "dce_pattern",
        "rim_high_flow_no_flow_core",
        "High plasma flow in a rim and none in the centre.",
    ),
    _value(
        "dce-subchondral-hyperperfusion",
        "Subchondral hyperperfusion",
        "dce_pattern",
        "subchondral_hyperperfusion",
        "Raised perfusion beneath the joint surface.",
    ),
    _value(
        "dce-decreased-max-enhancement",
        "Decreased maximal enhancement",
        "dce_pattern",
        "decreased_max_enhancement",
        "The lesion enhances less than normal bone at its maximum.",
    ),
    _value(
        "dce-other", "Other perfusion pattern", "dce_pattern", "other", "A pattern that is none of the other three."
    ),
    _value("change-new", "New since the prior study", "change", "new", "Not there on the prior study."),
    _value(
        "change-increased", "Increased since the prior study", "change", "increased", "More than on the prior study."
    ),
    _value("change-unchanged", "Unchanged since the prior study", "change", "unchanged", "As on the prior study."),
    _value(
        "change-decreased",
        "Decreased since the prior study",
        "change",
        "decreased",
        "Less than on the prior study, or gone.",
    ),
    _cause(
        "axspa",
        "Axial spondyloarthritis or other inflammatory arthritis",
        "A cause of bone marrow edema: inflammation of a joint, above all the sacroiliac joint.",
    ),
    _cause("osteonecrosis", "Osteonecrosis", "A cause of bone marrow edema: death of subchondral bone."),
    _cause(
        "sif",
        "Subchondral insufficiency fracture",
        "A cause of bone marrow edema: a fracture of weak subchondral bone under ordinary load.",
    ),
    _cause(
        "tbmes",
        "Transient bone marrow edema syndrome",
        "A cause of bone marrow edema: self-limiting edema, also called transient osteoporosis.",
    ),
    _cause("osteomyelitis", "Osteomyelitis", "A cause of bone marrow edema: infection of bone."),
    _cause(
        "charcot",
        "Charcot arthropathy",
        "A cause of bone marrow edema: neuropathic arthropathy, above all of the diabetic foot.",
    ),
    _cause("malignancy", "Marrow malignancy", "A cause of marrow signal change: hematological disease or metastasis."),
    _cause(
        "traumatic",
        "Traumatic or mechanical edema",
        "A cause of bone marrow edema: bruise or overload after an injury.",
    ),
    _cause(
        "physiologic",
        "Edema that may be physiologic",
        "A cause of bone marrow edema: load in athletes, childbirth, or chance in healthy people.",
    ),
    _cause("nonspecific", "Nonspecific bone marrow edema", "Bone marrow edema for which no cause is raised."),
    LocalConcept(
        "multidisciplinary-foot-team",
        "Referral to a multidisciplinary diabetic foot team",
        "Referral to the team that treats the diabetic and the Charcot foot together.",
        ConceptKind.REFERRAL,
        "diabetic_foot_team",
    ),
    _reason(
        "record-misread",
        "The service read the record wrongly",
        "The card rests on something that the report or the record does not say, or says differently.",
    ),
    _reason(
        "other-cause-established",
        "Another cause is established",
        "The cause of the finding is known by other means and the card does not mention it.",
    ),
    _reason(
        "already-under-specialist",
        "The treating specialist already knows",
        "The patient is already in the care that the card calls for, although no order shows it.",
    ),
)
"""Every concept, in the order in which it is published."""


def _meaning(concept: LocalConcept) -> CodedMeaning:
    return CodedMeaning(concept.fact, concept.value, place=concept.place)


def local_code(code: str) -> LocalCode:
    """Return one of our codes with its display. Raises KeyError for a code that is not in the code system."""
    return LocalCode(code, {concept.code: concept.display for concept in CONCEPTS}[code])


CONCLUSIONS = frozenset({"traumatic", "physiologic", "nonspecific"})
"""Causes that the service concludes and no report names as a diagnosis."""

LOCAL_FINDINGS: tuple[Entry[CodedMeaning], ...] = tuple(
    Entry(LocalCode(concept.code, concept.display), _meaning(concept), OWN)
    for concept in CONCEPTS
    if concept.kind is ConceptKind.FINDING
)

LOCAL_DIAGNOSES: tuple[Entry[CodedMeaning], ...] = tuple(
    Entry(LocalCode(concept.code, concept.display), _meaning(concept), OWN)
    for concept in CONCEPTS
    if concept.kind is ConceptKind.CAUSE and concept.code not in CONCLUSIONS
)


def local_values(fact: str) -> tuple[Entry[str], ...]:
    """Return our codes for the choices of one fact."""
    return tuple(
        Entry(LocalCode(concept.code, concept.display), concept.value, OWN)
        for concept in CONCEPTS
        if concept.kind is ConceptKind.VALUE and concept.fact == fact
    )
