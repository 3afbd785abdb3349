"""Codes of imaging findings, and of words that describe a signal but are no finding by themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cds_service.knowledge.codes.entry import (
    Aliases,
    CodedMeaning,
    Entry,
    Key,
    PrefixRule,
    alias_of,
    by_prefix,
    index,
    index_prefixes,
)
from cds_service.knowledge.codes.icd10 import ANKYLOSIS_PLACES, JOINT_PLACES, family
from cds_service.knowledge.codes.local import LOCAL_FINDINGS
from cds_service.knowledge.codes.sites import ANYWHERE, HIP, KNEE, Tissue
from cds_service.knowledge.codes.sources import (
    FINDING_MODELS,
    HPO_TERMS,
    ICD10_CM_TABLE,
    ICD10_TABLES,
    RADLEX_TABLE,
    SNOMED_GPS,
    omop,
)
from cds_service.model.coding import ICD10, ICD10_CM, HpoCode, Icd10Code, RadLexId, SnomedCode, key_of
from cds_service.model.finding import State

YES_NO_FINDINGS = frozenset(
    {
        "bme",
        "erosion",
        "fatty_lesion",
        "sclerosis",
        "ankylosis",
        "ia_t1_hyperintensity",
        "t2_joint_fluid",
        "synovitis",
        "effusion",
        "rim_sign",
        "subchondral_fracture_line",
        "diffuse_edema_head_neck",
        "diffuse_marrow_signal",
        "incidental",
    }
)
CHOICES: Mapping[str, tuple[str, ...]] = {
    "t1_signal": ("low", "normal", "high", "variable"),
    "dce_pattern": (
        "rim_high_flow_no_flow_core",
        "subchondral_hyperperfusion",
        "decreased_max_enhancement",
        "other",
    ),
    "change": ("new", "increased", "unchanged", "decreased"),
}
"""Findings that have named choices, with the choices of decision table 1.2."""
QUANTITIES = frozenset({"depth_mm"})
"""Findings that are a length."""

FINDINGS: tuple[Entry[CodedMeaning], ...] = (
    Entry(SnomedCode("6411000179107", "Edema of bone marrow"), CodedMeaning("bme"), omop(1215)),
    Entry(HpoCode("HP:6000917", "Bone marrow edema"), CodedMeaning("bme"), HPO_TERMS),
    Entry(RadLexId("RID5228", "osteosclerosis"), CodedMeaning("sclerosis"), RADLEX_TABLE),
    Entry(RadLexId("RID5227", "sclerosis"), CodedMeaning("sclerosis"), RADLEX_TABLE),
    Entry(SnomedCode("111227009", "Ankylosis of joint (disorder)"), CodedMeaning("ankylosis"), SNOMED_GPS),
    Entry(RadLexId("RID5395", "ankylosis"), CodedMeaning("ankylosis"), RADLEX_TABLE),
    Entry(SnomedCode("416209007", "Synovitis (disorder)"), CodedMeaning("synovitis"), SNOMED_GPS),
    Entry(RadLexId("RID3630", "synovitis"), CodedMeaning("synovitis"), RADLEX_TABLE),
    # The ICD-10-CM family puts tenosynovitis, which is no joint finding, under the same code.
    Entry(
        Icd10Code("M65.90", "Unspecified synovitis and tenosynovitis, unspecified site"),
        CodedMeaning("synovitis", state=State.INDETERMINATE),
        ICD10_CM_TABLE,
    ),
    Entry(SnomedCode("387637008", "Effusion of joint (disorder)"), CodedMeaning("effusion"), SNOMED_GPS),
    Entry(SnomedCode("202379000", "Hip joint effusion"), CodedMeaning("effusion", place=HIP), FINDING_MODELS),
    Entry(SnomedCode("202381003", "Knee joint effusion (disorder)"), CodedMeaning("effusion", place=KNEE), SNOMED_GPS),
    # RadLex calls signs of the adrenal, kidney, gallbladder and shoulder "rim sign"; only this one is a sign of bone.
    Entry(RadLexId("RID35173", "double-line sign"), CodedMeaning("rim_sign"), RADLEX_TABLE),
)

FINDING_PREFIXES: tuple[PrefixRule[CodedMeaning], ...] = (
    *family("M24.6", "Ankylosis", ANKYLOSIS_PLACES, CodedMeaning("ankylosis"), ICD10_TABLES, who=True),
    *family("M25.4", "Effusion", JOINT_PLACES, CodedMeaning("effusion"), ICD10_TABLES, who=True),
)

FINDING_CODES: Mapping[Key, CodedMeaning] = index(FINDINGS, LOCAL_FINDINGS)
_PREFIXES = index_prefixes(FINDING_PREFIXES)
_PLACES_IMPLIED = {entry.meaning.fact: entry.meaning.place for entry in LOCAL_FINDINGS}
"""Where a finding lies by its very name, for a site's aliases."""


@dataclass(frozen=True)
class Refused:
    """Why a code that looks like a finding says none."""

    reason: str


REFUSED: tuple[Entry[Refused], ...] = (
    Entry(
        Icd10Code("R93.7", "Abnormal findings on diagnostic imaging of other parts of musculoskeletal system"),
        Refused("any abnormal image of the musculoskeletal system, not edema"),
        ICD10_CM_TABLE,
    ),
    Entry(
        Icd10Code("R93.6", "Abnormal findings on diagnostic imaging of limbs"),
        Refused("any abnormal image of a limb, not edema"),
        ICD10_CM_TABLE,
    ),
    Entry(
        Icd10Code("M89.8X9", "Other specified disorders of bone, unspecified site"),
        Refused("any other disorder of bone, not edema"),
        ICD10_CM_TABLE,
    ),
    Entry(
        SnomedCode("125605004", "Fracture of bone (disorder)"),
        Refused("any fracture; an insufficiency fracture has a code of its own"),
        SNOMED_GPS,
    ),
    Entry(
        RadLexId("RID4650", "fracture"),
        Refused("any fracture; an insufficiency fracture has a code of its own"),
        RADLEX_TABLE,
    ),
    # Spondylitis is the parent of infectious spondylitis too.
    Entry(
        SnomedCode("84172003", "Spondylitis (disorder)"),
        Refused("inflammation of the spine of any cause, also infection"),
        SNOMED_GPS,
    ),
    Entry(
        Icd10Code("Z87.39", "Personal history of other diseases of the musculoskeletal system and connective tissue"),
        Refused("history of any other musculoskeletal disease, not certainly osteomyelitis"),
        ICD10_CM_TABLE,
    ),
    Entry(
        Icd10Code("M53.3", "Sacrococcygeal disorders, not elsewhere classified"),
        Refused("any other sacrococcygeal disorder, not certainly pain"),
        ICD10_CM_TABLE,
    ),
)
"""Codes that must never be read as a finding, a diagnosis or a context fact, however a sender uses them."""

REFUSED_PREFIXES = ("M89.8",)
"""ICD-10 families, of the same kind."""

_REFUSED = index(REFUSED)

GENERIC: tuple[Entry[None], ...] = (
    Entry(SnomedCode("169083003", "Magnetic resonance imaging scan abnormal (finding)"), None, SNOMED_GPS),
    Entry(SnomedCode("76069003", "Disorder of bone (disorder)"), None, SNOMED_GPS),
)
"""Codes that only announce a finding: the value, if it is coded, is the finding (fhir-mapping 3, pattern E)."""

_GENERIC = index(GENERIC)

BONE = frozenset({Tissue.BONE, Tissue.SUBCHONDRAL_BONE, Tissue.MARROW})
FLUID_SENSITIVE = frozenset({"stir", "t2"})
T1 = frozenset({"t1"})
DCE = frozenset({"dce"})


@dataclass(frozen=True)
class Descriptor:
    """What a describing word comes to, once the tissue and the sequence are named beside it.

    ``sequences`` empty: no sequence is needed, because the word itself names it or speaks of the substance.
    """

    meaning: CodedMeaning
    tissues: frozenset[Tissue] = BONE
    sequences: frozenset[str] = field(default_factory=frozenset)


DESCRIPTORS: tuple[Entry[tuple[Descriptor, ...]], ...] = (
    # RadLex has no single term for marrow edema; "edema" of "bone marrow" is how it says it, and needs no sequence.
    Entry(
        SnomedCode("79654002", "Edema (morphologic abnormality)"),
        (
            Descriptor(CodedMeaning("bme"), frozenset({Tissue.MARROW})),
            Descriptor(CodedMeaning("bme"), BONE, FLUID_SENSITIVE),
        ),
        SNOMED_GPS,
    ),
    Entry(
        RadLexId("RID4865", "edema"),
        (
            Descriptor(CodedMeaning("bme"), frozenset({Tissue.MARROW})),
            Descriptor(CodedMeaning("bme"), BONE, FLUID_SENSITIVE),
        ),
        RADLEX_TABLE,
    ),
    Entry(RadLexId("RID39467", "T2 hyperintensity"), (Descriptor(CodedMeaning("bme"), BONE),), RADLEX_TABLE),
    Entry(
        RadLexId("RID35805", "hyperintense"),
        (
            Descriptor(CodedMeaning("bme"), BONE, FLUID_SENSITIVE),
            Descriptor(CodedMeaning("t1_signal", "high"), BONE, T1),
        ),
        RADLEX_TABLE,
    ),
    Entry(RadLexId("RID35804", "hypointense"), (Descriptor(CodedMeaning("t1_signal", "low"), BONE, T1),), RADLEX_TABLE),
    Entry(
        RadLexId("RID6050", "low signal intensity"),
        (Descriptor(CodedMeaning("t1_signal", "low"), BONE, T1),),
        RADLEX_TABLE,
    ),
    Entry(RadLexId("RID5878", "fatty"), (Descriptor(CodedMeaning("fatty_lesion"), BONE, T1),), RADLEX_TABLE),
    # Enhancement alone is no pattern: only "subchondral" makes it the hyperperfusion of S23, and a bright rim is the
    # pattern of S22 only together with a core without flow, which this code does not say.
    Entry(
        RadLexId("RID39095", "hyperenhancement"),
        (
            Descriptor(
                CodedMeaning("dce_pattern", "subchondral_hyperperfusion"), frozenset({Tissue.SUBCHONDRAL_BONE}), DCE
            ),
        ),
        RADLEX_TABLE,
    ),
    Entry(
        RadLexId("RID39126", "hypoenhancement"),
        (Descriptor(CodedMeaning("dce_pattern", "decreased_max_enhancement"), BONE, DCE),),
        RADLEX_TABLE,
    ),
    Entry(
        RadLexId("RID34303", "rim enhancement"),
        (Descriptor(CodedMeaning("dce_pattern", "other"), BONE, DCE),),
        RADLEX_TABLE,
    ),
)
"""Words for a signal or a substance. As the code of an Observation they are no finding (fhir-mapping 3, rule 1)
unless its body site is bone or marrow and a sequence is named."""

DESCRIPTOR_CODES: Mapping[Key, tuple[Descriptor, ...]] = index(DESCRIPTORS)


def finding_of(system: str, code: str, aliases: Aliases | None = None) -> CodedMeaning | None:
    """Return the imaging finding a code states, or None.

    A site's own codes come first: ``aliases`` maps (system, code) to ``erosion``, ``t1_signal=low`` or
    ``bme=indeterminate``. A descriptor states no finding here; ask ``described`` with its tissue and sequence.
    The place is the one the code itself names; whatever the record says beside it counts more.
    """
    alias = alias_of(system, code, aliases)
    if alias is not None:
        return _aliased(*alias)
    key = key_of(system, code)
    return FINDING_CODES.get(key) or by_prefix(_PREFIXES, key)


def _aliased(name: str, value: str) -> CodedMeaning | None:
    """Return the meaning of a site's alias, or None when it names no imaging finding."""
    if name in CHOICES:
        return CodedMeaning(name, value) if value in ("", *CHOICES[name]) else None
    if name in QUANTITIES:
        return CodedMeaning(name)
    if name in YES_NO_FINDINGS:
        state = State(value) if value in set(State) else State.PRESENT
        return CodedMeaning(name, state=state, place=_PLACES_IMPLIED.get(name, ANYWHERE))
    return None


def described(system: str, code: str, tissue: Tissue | None, sequences: Collection[str]) -> CodedMeaning | None:
    """Return what a descriptor comes to at a tissue on a sequence (``stir``, ``t2``, ``t1``, ``dce``), or None.

    None as well when several sequences are named and the word would mean different things on them.
    """
    candidates = DESCRIPTOR_CODES.get(key_of(system, code), ())
    meanings = {
        descriptor.meaning
        for descriptor in candidates
        if tissue in descriptor.tissues
        and (not descriptor.sequences or any(name in descriptor.sequences for name in sequences))
    }
    return meanings.pop() if len(meanings) == 1 else None


def is_generic(system: str, code: str) -> bool:
    """Return whether the code only announces that something was found."""
    return key_of(system, code) in _GENERIC


def refused(system: str, code: str) -> str:
    """Return why a code is never read as a finding or a diagnosis; empty for all others."""
    key = key_of(system, code)
    if key[0] == ICD10:
        # The three and four characters that the WHO's ICD-10 shares.
        key = ICD10_CM, key[1]
    entry = _REFUSED.get(key)
    if entry is not None:
        return entry.reason
    if key[0] == ICD10_CM and key[1].startswith(REFUSED_PREFIXES):
        return "any other disorder of bone, not edema"
    return ""
