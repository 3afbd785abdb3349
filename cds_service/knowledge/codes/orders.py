"""Codes of imaging, of procedures that can be ordered, of reports, and of the categories around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from cds_service.knowledge.codes.entry import Entry, EvidenceTier, Key, Seen, index
from cds_service.knowledge.codes.sites import (
    FOOT_ANKLE,
    HIP,
    KNEE,
    LOWER_LIMB,
    PELVIS,
    SI_JOINT,
    VERTEBRA,
    Place,
)
from cds_service.knowledge.codes.sources import (
    BELGIAN_PROCEDURES,
    PAMA_PROCEDURES,
    RADLEX_TABLE,
    SERVICE_SECTIONS,
    SNOMED_CACHE,
    SNOMED_GPS,
    UTG,
    dicom,
    us_core,
    vsac,
)
from cds_service.model.coding import (
    DIAGNOSTIC_SERVICE_SECTION,
    CptCode,
    DicomCode,
    Hl7Code,
    LoincCode,
    RadLexId,
    SnomedCode,
    key_of,
)

# Modality, sequences, contrast


class Contrast(StrEnum):
    """Whether contrast is given, as far as a procedure code says."""

    WITHOUT = "without"
    WITH = "with"
    WITHOUT_AND_WITH = "without_and_with"


MODALITIES: tuple[Entry[str], ...] = (
    Entry(DicomCode("MR", "Magnetic Resonance"), "MR", dicom("29, 30, 33")),
    Entry(SnomedCode("113091000", "Magnetic resonance imaging (procedure)"), "MR", SNOMED_GPS),
    Entry(RadLexId("RID10312", "magnetic resonance imaging"), "MR", RADLEX_TABLE),
)
"""MR is the only modality this service reads; every other code is simply not MR."""

_MODALITIES = index(MODALITIES)

SEQUENCE_NAMES: tuple[Entry[str], ...] = (
    Entry(RadLexId("RID28699", "short tau inversion recovery"), "stir", RADLEX_TABLE),
    Entry(RadLexId("RID10794", "T1 weighted"), "t1", RADLEX_TABLE),
    Entry(DicomCode("110804", "T1 Weighted MR Signal Intensity"), "t1", dicom("218, 6311, 7180, 7469")),
    Entry(RadLexId("RID10795", "T2 weighted"), "t2", RADLEX_TABLE),
    Entry(DicomCode("110805", "T2 Weighted MR Signal Intensity"), "t2", dicom("218, 6311, 7180, 7469")),
    Entry(RadLexId("RID49531", "dynamic contrast-enhanced magnetic resonance imaging"), "dce", RADLEX_TABLE),
    Entry(DicomCode("130567", "Dynamic Contrast-Enhanced Acquisition"), "dce", dicom("6311")),
    Entry(
        DicomCode("110816", "T1 Weighted Dynamic Contrast Enhanced MR Signal Intensity"),
        "dce",
        dicom("218, 7180, 7469"),
    ),
    Entry(RadLexId("RID10685", "fat saturation"), "fat_suppressed", RADLEX_TABLE),
)
"""Codes of sequences. ``fat_suppressed`` says how, not what: it never makes a sequence acquired by itself."""

SEQUENCE_CODES: Mapping[Key, str] = index(SEQUENCE_NAMES)

CONTRASTS: tuple[Entry[Contrast], ...] = (
    Entry(RadLexId("RID28768", "imaging without IV contrast"), Contrast.WITHOUT, RADLEX_TABLE),
    Entry(RadLexId("RID28769", "imaging with IV contrast"), Contrast.WITH, RADLEX_TABLE),
    Entry(RadLexId("RID28771", "imaging without then with IV contrast"), Contrast.WITHOUT_AND_WITH, RADLEX_TABLE),
)

_CONTRASTS = index(CONTRASTS)

# Imaging procedures


@dataclass(frozen=True)
class ImagingProcedure:
    """What an imaging code asks for.

    Attributes:
        modality: ``MR`` or ``XR``.
        place: the part of the body; for MRI of the pelvis or a lower limb only what it may be.
        contrast: None when the code does not say.
    """

    modality: str
    place: Place
    contrast: Contrast | None = None


def _mr(place: Place, contrast: Contrast | None = None, side: str | None = None) -> ImagingProcedure:
    return ImagingProcedure("MR", replace(place, side=side), contrast)


WITHOUT, WITH, BOTH_PHASES = Contrast.WITHOUT, Contrast.WITH, Contrast.WITHOUT_AND_WITH

IMAGING: tuple[Entry[ImagingProcedure], ...] = (
    Entry(LoincCode("36031-3", "MR Sacroiliac Joint"), _mr(SI_JOINT), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")),
    Entry(
        LoincCode("36502-3", "MR Sacroiliac Joint WO contrast"),
        _mr(SI_JOINT, WITHOUT),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("36218-6", "MR Sacroiliac Joint W contrast IV"),
        _mr(SI_JOINT, WITH),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("36376-2", "MR Sacroiliac Joint WO and W contrast IV"),
        _mr(SI_JOINT, BOTH_PHASES),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        SnomedCode(
            "1332288001", "Magnetic resonance imaging of bilateral sacroiliac joints without contrast (procedure)"
        ),
        _mr(SI_JOINT, WITHOUT, "both"),
        BELGIAN_PROCEDURES,
    ),
    Entry(
        SnomedCode("1332285003", "Magnetic resonance imaging of sacroiliac joint with contrast (procedure)"),
        _mr(SI_JOINT, WITH),
        BELGIAN_PROCEDURES,
    ),
    # MRI of the sacroiliac joints is often ordered and billed as pelvis: only the reason or the text can tell.
    Entry(LoincCode("24867-4", "MR Pelvis"), _mr(PELVIS), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")),
    Entry(
        LoincCode("30673-8", "MR Pelvis WO contrast"),
        _mr(PELVIS, WITHOUT),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("36237-6", "MR Pelvis W contrast IV"),
        _mr(PELVIS, WITH),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("30674-6", "MR Pelvis WO and W contrast IV"),
        _mr(PELVIS, BOTH_PHASES),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        SnomedCode("396161000119106", "Magnetic resonance imaging of pelvis without contrast (procedure)"),
        _mr(PELVIS, WITHOUT),
        BELGIAN_PROCEDURES,
    ),
    Entry(
        SnomedCode("433138001", "Magnetic resonance imaging of pelvis with contrast (procedure)"),
        _mr(PELVIS, WITH),
        BELGIAN_PROCEDURES,
    ),
    Entry(CptCode("72195"), _mr(PELVIS, WITHOUT), PAMA_PROCEDURES),
    Entry(CptCode("72196"), _mr(PELVIS, WITH), PAMA_PROCEDURES),
    Entry(CptCode("72197"), _mr(PELVIS, BOTH_PHASES), PAMA_PROCEDURES),
    Entry(LoincCode("36013-1", "MR Hip"), _mr(HIP), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")),
    Entry(
        LoincCode("30687-8", "MR Hip WO contrast"), _mr(HIP, WITHOUT), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")
    ),
    Entry(
        LoincCode("36199-8", "MR Hip W contrast IV"), _mr(HIP, WITH), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")
    ),
    Entry(
        LoincCode("30688-6", "MR Hip WO and W contrast IV"),
        _mr(HIP, BOTH_PHASES),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("36020-6", "MR Hip - left"), _mr(HIP, None, "left"), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")
    ),
    Entry(
        LoincCode("36022-2", "MR Hip - right"),
        _mr(HIP, None, "right"),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("36017-2", "MR Hip - bilateral"),
        _mr(HIP, None, "both"),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(SnomedCode("241639000", "Magnetic resonance imaging of hip (procedure)"), _mr(HIP), BELGIAN_PROCEDURES),
    Entry(
        SnomedCode("431624001", "Magnetic resonance imaging of hip with contrast (procedure)"),
        _mr(HIP, WITH),
        BELGIAN_PROCEDURES,
    ),
    Entry(LoincCode("24802-1", "MR Knee"), _mr(KNEE), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")),
    Entry(
        LoincCode("30691-0", "MR Knee WO contrast"),
        _mr(KNEE, WITHOUT),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("36223-6", "MR Knee W contrast IV"), _mr(KNEE, WITH), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")
    ),
    Entry(
        LoincCode("24803-9", "MR Knee WO and W contrast IV"),
        _mr(KNEE, BOTH_PHASES),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("26257-6", "MR Knee - left"),
        _mr(KNEE, None, "left"),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("26258-4", "MR Knee - right"),
        _mr(KNEE, None, "right"),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(SnomedCode("241641004", "Magnetic resonance imaging of knee (procedure)"), _mr(KNEE), BELGIAN_PROCEDURES),
    Entry(LoincCode("24707-2", "MR Foot"), _mr(FOOT_ANKLE), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")),
    Entry(
        LoincCode("30681-1", "MR Foot WO contrast"),
        _mr(FOOT_ANKLE, WITHOUT),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("36179-0", "MR Foot W contrast IV"),
        _mr(FOOT_ANKLE, WITH),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("30682-9", "MR Foot WO and W contrast IV"),
        _mr(FOOT_ANKLE, BOTH_PHASES),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(LoincCode("24538-1", "MR Ankle"), _mr(FOOT_ANKLE), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")),
    Entry(
        LoincCode("30680-3", "MR Ankle WO contrast"),
        _mr(FOOT_ANKLE, WITHOUT),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("24539-9", "MR Ankle WO and W contrast IV"),
        _mr(FOOT_ANKLE, BOTH_PHASES),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("26242-8", "MR Foot - left"),
        _mr(FOOT_ANKLE, None, "left"),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("26243-6", "MR Foot - right"),
        _mr(FOOT_ANKLE, None, "right"),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("30692-8", "MR Lower extremity"), _mr(LOWER_LIMB), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")
    ),
    Entry(
        LoincCode("24687-6", "MR Lower Extremity Joint"),
        _mr(LOWER_LIMB),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        SnomedCode("113109007", "Magnetic resonance imaging of lower extremity (procedure)"),
        _mr(LOWER_LIMB),
        BELGIAN_PROCEDURES,
    ),
    Entry(CptCode("73718"), _mr(LOWER_LIMB, WITHOUT), PAMA_PROCEDURES),
    Entry(CptCode("73719"), _mr(LOWER_LIMB, WITH), PAMA_PROCEDURES),
    Entry(CptCode("73720"), _mr(LOWER_LIMB, BOTH_PHASES), PAMA_PROCEDURES),
    Entry(CptCode("73721"), _mr(LOWER_LIMB, WITHOUT), PAMA_PROCEDURES),
    Entry(CptCode("73722"), _mr(LOWER_LIMB, WITH), PAMA_PROCEDURES),
    Entry(CptCode("73723"), _mr(LOWER_LIMB, BOTH_PHASES), PAMA_PROCEDURES),
    Entry(LoincCode("36067-7", "MR Spine"), _mr(VERTEBRA), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")),
    Entry(LoincCode("24968-0", "MR Lumbar spine"), _mr(VERTEBRA), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")),
    Entry(
        LoincCode("30679-5", "MR Lumbar spine WO contrast"),
        _mr(VERTEBRA, WITHOUT),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(
        LoincCode("24967-2", "MR Lumbar spine WO and W contrast IV"),
        _mr(VERTEBRA, BOTH_PHASES),
        vsac("2.16.840.1.113883.3.464.1003.198.12.1034"),
    ),
    Entry(LoincCode("24980-5", "MR Thoracic spine"), _mr(VERTEBRA), vsac("2.16.840.1.113883.3.464.1003.198.12.1034")),
    Entry(CptCode("72148"), _mr(VERTEBRA, WITHOUT), PAMA_PROCEDURES),
    Entry(CptCode("72158"), _mr(VERTEBRA, BOTH_PHASES), PAMA_PROCEDURES),
    Entry(
        SnomedCode("241645008", "Magnetic resonance imaging of spine (procedure)"), _mr(VERTEBRA), BELGIAN_PROCEDURES
    ),
    Entry(SnomedCode("426252008", "Magnetic resonance imaging of whole body (procedure)"), _mr(Place()), SNOMED_GPS),
    Entry(
        SnomedCode("783627007", "Plain X-ray of sacroiliac joint (procedure)"),
        ImagingProcedure("XR", SI_JOINT),
        BELGIAN_PROCEDURES,
    ),
    Entry(
        SnomedCode("1290452004", "Plain X-ray of foot (procedure)"),
        ImagingProcedure("XR", FOOT_ANKLE),
        BELGIAN_PROCEDURES,
    ),
)
"""Imaging procedures, in orders and as the code of a study or report.

"Dynamic MRI of knee" (433139009) and "of pelvis" (446315002) are not among them: they mean imaging in motion, not
dynamic contrast enhancement.
"""

IMAGING_CODES: Mapping[Key, ImagingProcedure] = index(IMAGING)


# Other procedures


class ProcedureKind(StrEnum):
    """What an order other than imaging, medication or referral asks for."""

    ARTHROPLASTY = "arthroplasty"
    BIOPSY = "biopsy"
    CAST = "cast"
    IMMOBILISATION = "immobilisation"
    FOOTWEAR = "footwear"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True)
class Procedure:
    """An ordered procedure and the place its code names."""

    kind: ProcedureKind
    place: Place = Place()


PROCEDURES: tuple[Entry[Procedure], ...] = (
    Entry(
        SnomedCode("397956004", "Prosthetic arthroplasty of the hip (procedure)"),
        Procedure(ProcedureKind.ARTHROPLASTY, HIP),
        SNOMED_GPS,
    ),
    Entry(
        CptCode("27130"), Procedure(ProcedureKind.ARTHROPLASTY, HIP), vsac("2.16.840.1.113883.3.464.1003.198.12.1006")
    ),
    Entry(
        SnomedCode("609588000", "Total knee replacement (procedure)"),
        Procedure(ProcedureKind.ARTHROPLASTY, KNEE),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("19063003", "Arthroplasty of knee (procedure)"),
        Procedure(ProcedureKind.ARTHROPLASTY, KNEE),
        SNOMED_GPS,
    ),
    Entry(
        CptCode("27447"), Procedure(ProcedureKind.ARTHROPLASTY, KNEE), vsac("2.16.840.1.113883.3.464.1003.198.12.1007")
    ),
    # Plain "biopsy", in spite of the label "bone marrow" it carries in the field: see ``biopsy_of``.
    Entry(SnomedCode("86273004", "Biopsy (procedure)"), Procedure(ProcedureKind.BIOPSY), SNOMED_GPS),
    Entry(
        SnomedCode("182572009", "Below knee non-weight-bearing cast"),
        Procedure(ProcedureKind.CAST, FOOT_ANKLE),
        SNOMED_CACHE,
    ),
    Entry(
        SnomedCode("182573004", "Below knee weight-bearing cast"),
        Procedure(ProcedureKind.CAST, FOOT_ANKLE),
        SNOMED_CACHE,
    ),
    Entry(
        SnomedCode("710959006", "Implementation of immobilization regime (regime/therapy)"),
        Procedure(ProcedureKind.IMMOBILISATION),
        SNOMED_GPS,
    ),
    Entry(SnomedCode("88063004", "Footwear"), Procedure(ProcedureKind.FOOTWEAR, FOOT_ANKLE), SNOMED_CACHE),
    Entry(SnomedCode("183141007", "Inshoe orthosis"), Procedure(ProcedureKind.FOOTWEAR, FOOT_ANKLE), SNOMED_CACHE),
    Entry(
        SnomedCode("229839006", "Functional foot orthosis (physical object)"),
        Procedure(ProcedureKind.FOOTWEAR, FOOT_ANKLE),
        SNOMED_CACHE,
    ),
    # Any orthosis, also of the arm.
    Entry(SnomedCode("224898003", "Orthotic device"), Procedure(ProcedureKind.FOOTWEAR), SNOMED_CACHE),
    Entry(SnomedCode("185389009", "Follow-up visit (procedure)"), Procedure(ProcedureKind.FOLLOW_UP), SNOMED_GPS),
)

PROCEDURE_CODES: Mapping[Key, Procedure] = index(PROCEDURES)


# Reports


REPORT_TYPES: tuple[Entry[str], ...] = (
    Entry(
        LoincCode("18748-4", "Diagnostic imaging study"),
        "imaging",
        Seen(EvidenceTier.A, "hl7-eu/imaging@ab1b10af; HL7 US Core requirements"),
    ),
    Entry(
        LoincCode("85430-7", "Diagnostic imaging report"),
        "imaging",
        Seen(EvidenceTier.A, "hl7-eu/imaging@ab1b10af: im-diagnosticreport"),
    ),
    Entry(
        LoincCode("68604-8", "Radiology Diagnostic study note"),
        "imaging",
        Seen(EvidenceTier.A, f"{UTG}: input-cache/txcache/loinc.cache"),
    ),
)

REPORT_SECTIONS: tuple[Entry[str], ...] = (
    Entry(
        LoincCode("59776-5", "Procedure findings Narrative"),
        "findings",
        Seen(EvidenceTier.A, "IHE/RAD.IMR: ex-IMRObservation-Finding.fsh"),
    ),
    Entry(
        LoincCode("18782-3", "Radiology Study observation (narrative)"),
        "findings",
        us_core("observation-xray-chest-findings.json"),
    ),
    Entry(
        LoincCode("19005-8", "Radiology Imaging study [Impression] (narrative)"),
        "impression",
        us_core("observation-xray-chest-impression.json"),
    ),
)
"""Sections of a report that hold its text: findings or impression."""

REPORT_CATEGORIES: tuple[Entry[str], ...] = (
    Entry(Hl7Code(DIAGNOSTIC_SERVICE_SECTION, "RAD", "Radiology"), "imaging", SERVICE_SECTIONS),
    Entry(Hl7Code(DIAGNOSTIC_SERVICE_SECTION, "NMR", "Nuclear Magnetic Resonance"), "imaging", SERVICE_SECTIONS),
    Entry(Hl7Code(DIAGNOSTIC_SERVICE_SECTION, "IMG", "Diagnostic Imaging"), "imaging", SERVICE_SECTIONS),
    Entry(
        LoincCode("85430-7", "Diagnostic imaging report"),
        "imaging",
        Seen(EvidenceTier.A, "hl7-eu/imaging@ab1b10af: im-diagnosticreport"),
    ),
    Entry(
        LoincCode("LP29684-5", "Radiology"),
        "imaging",
        Seen(EvidenceTier.A, "HL7/US-Core@85bf4af6ee: DiagnosticReport for Report and Note exchange"),
    ),
    Entry(Hl7Code(DIAGNOSTIC_SERVICE_SECTION, "LAB", "Laboratory"), "laboratory", SERVICE_SECTIONS),
)


_REPORT_TYPES = index(REPORT_TYPES)
_REPORT_SECTIONS = index(REPORT_SECTIONS)
_REPORT_CATEGORIES = index(REPORT_CATEGORIES)


def modality_of(system: str, code: str) -> str | None:
    """Return ``MR`` for a code of magnetic resonance imaging, else None."""
    return _MODALITIES.get(key_of(system, code))


def sequence_of(system: str, code: str) -> str | None:
    """Return ``stir``, ``t1``, ``t2``, ``dce`` or ``fat_suppressed`` for a code of a sequence, else None."""
    return SEQUENCE_CODES.get(key_of(system, code))


def contrast_of(system: str, code: str) -> Contrast | None:
    """Return whether a contrast code says without, with, or both phases; None for others."""
    return _CONTRASTS.get(key_of(system, code))


def imaging_of(system: str, code: str) -> ImagingProcedure | None:
    """Return what an imaging procedure code asks for, or None."""
    return IMAGING_CODES.get(key_of(system, code))


def procedure_of(system: str, code: str) -> Procedure | None:
    """Return the procedure a code orders, or None. A biopsy is one of marrow only by its body site."""
    return PROCEDURE_CODES.get(key_of(system, code))


def report_type_of(system: str, code: str) -> str | None:
    """Return ``imaging`` for the general codes of an imaging report; specific MRI codes are in ``imaging_of``."""
    return _REPORT_TYPES.get(key_of(system, code))


def section_of(system: str, code: str) -> str | None:
    """Return ``findings`` or ``impression`` for a code of a report section or of text read as one, else None."""
    return _REPORT_SECTIONS.get(key_of(system, code))


def report_category_of(system: str, code: str) -> str | None:
    """Return ``imaging`` or ``laboratory`` for a DiagnosticReport.category, else None. Sites differ: a hint only."""
    return _REPORT_CATEGORIES.get(key_of(system, code))
