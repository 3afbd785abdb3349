"""Codes of body sites, read into the places of ``sites``. DICOM context group 4 is where scanners take theirs from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cds_service.knowledge.codes.entry import Aliases, Entry, Key, alias_of, index
from cds_service.knowledge.codes.qualifiers import side_of
from cds_service.knowledge.codes.sites import (
    FEMORAL_HEAD,
    FEMORAL_NECK,
    FEMUR,
    FOOT_ANKLE,
    HIP,
    JOINTS,
    KNEE,
    KNEE_OTHER,
    LOWER_LIMB,
    MEDIAL_FEMORAL_CONDYLE,
    PELVIS,
    SACRUM_OR_ILIUM,
    SI_JOINT,
    SITES,
    VERTEBRA,
    Place,
    Tissue,
)
from cds_service.knowledge.codes.sources import (
    ANATOMIC_LOCATIONS,
    BELGIAN_INDICATIONS,
    RADLEX_TABLE,
    SNOMED_GPS,
)
from cds_service.model.coding import RADLEX, RadLexId, SnomedCode, key_of


def _bone(place: Place) -> Place:
    return replace(place, tissue=Tissue.BONE)


def _joint(place: Place) -> Place:
    return replace(place, tissue=Tissue.JOINT)


def _region(place: Place) -> Place:
    return replace(place, tissue=Tissue.REGION)


BODY_SITES: tuple[Entry[Place], ...] = (
    Entry(SnomedCode("39723000", "Sacroiliac joint structure (body structure)"), _joint(SI_JOINT), SNOMED_GPS),
    Entry(RadLexId("RID2577", "sacroiliac joint"), _joint(SI_JOINT), RADLEX_TABLE),
    Entry(SnomedCode("54735007", "Bone structure of sacrum (body structure)"), _bone(SACRUM_OR_ILIUM), SNOMED_GPS),
    Entry(RadLexId("RID2509", "sacrum"), _bone(SACRUM_OR_ILIUM), RADLEX_TABLE),
    Entry(SnomedCode("22356005", "Bone structure of ilium (body structure)"), _bone(SACRUM_OR_ILIUM), SNOMED_GPS),
    Entry(RadLexId("RID2531", "ilium"), _bone(SACRUM_OR_ILIUM), RADLEX_TABLE),
    Entry(
        SnomedCode("816092008", "Structure of pelvic cross-sectional segment of trunk (body structure)"),
        _region(PELVIS),
        SNOMED_GPS,
    ),
    Entry(SnomedCode("12921003", "Structure of pelvis (body structure)"), _region(PELVIS), SNOMED_GPS),
    Entry(SnomedCode("118645006", "Bone structure of pelvis (body structure)"), _bone(PELVIS), SNOMED_GPS),
    Entry(SnomedCode("24136001", "Hip joint structure (body structure)"), _joint(HIP), SNOMED_GPS),
    Entry(SnomedCode("29836001", "Hip region structure (body structure)"), _region(HIP), SNOMED_GPS),
    Entry(RadLexId("RID2640", "hip joint"), _joint(HIP), RADLEX_TABLE),
    Entry(SnomedCode("2812003", "Structure of head of femur (body structure)"), _bone(FEMORAL_HEAD), SNOMED_GPS),
    Entry(SnomedCode("29627003", "Structure of neck of femur"), _bone(FEMORAL_NECK), ANATOMIC_LOCATIONS),
    Entry(RadLexId("RID2668", "femoral neck"), _bone(FEMORAL_NECK), RADLEX_TABLE),
    Entry(SnomedCode("310651003", "Bone structure of proximal femur (body structure)"), _bone(HIP), SNOMED_GPS),
    Entry(SnomedCode("71341001", "Bone structure of femur (body structure)"), _bone(FEMUR), SNOMED_GPS),
    Entry(SnomedCode("49076000", "Knee joint structure (body structure)"), _joint(KNEE), SNOMED_GPS),
    Entry(SnomedCode("72696002", "Knee region structure (body structure)"), _region(KNEE), SNOMED_GPS),
    Entry(RadLexId("RID2751", "knee joint"), _joint(KNEE), RADLEX_TABLE),
    Entry(
        SnomedCode("122474001", "Structure of medial condyle of femur"),
        _bone(MEDIAL_FEMORAL_CONDYLE),
        ANATOMIC_LOCATIONS,
    ),
    Entry(RadLexId("RID2688", "medial condyle of femur"), _bone(MEDIAL_FEMORAL_CONDYLE), RADLEX_TABLE),
    Entry(SnomedCode("122475000", "Structure of lateral condyle of femur"), _bone(KNEE_OTHER), ANATOMIC_LOCATIONS),
    Entry(RadLexId("RID2686", "lateral condyle of femur"), _bone(KNEE_OTHER), RADLEX_TABLE),
    Entry(SnomedCode("56459004", "Foot structure (body structure)"), _region(FOOT_ANKLE), SNOMED_GPS),
    Entry(RadLexId("RID28829", "foot"), _region(FOOT_ANKLE), RADLEX_TABLE),
    Entry(SnomedCode("70258002", "Ankle joint structure (body structure)"), _joint(FOOT_ANKLE), SNOMED_GPS),
    Entry(SnomedCode("344001", "Ankle region structure"), _region(FOOT_ANKLE), ANATOMIC_LOCATIONS),
    Entry(
        SnomedCode("419605007", "Structure of ankle and/or foot (body structure)"),
        _region(FOOT_ANKLE),
        BELGIAN_INDICATIONS,
    ),
    Entry(RadLexId("RID3004", "ankle joint"), _joint(FOOT_ANKLE), RADLEX_TABLE),
    Entry(SnomedCode("108371006", "Bone structure of tarsus (body structure)"), _bone(FOOT_ANKLE), SNOMED_GPS),
    Entry(SnomedCode("27949001", "Intertarsal joint structure (body structure)"), _joint(FOOT_ANKLE), SNOMED_GPS),
    Entry(SnomedCode("75772009", "Bone structure of navicular (body structure)"), _bone(FOOT_ANKLE), SNOMED_GPS),
    Entry(SnomedCode("67453005", "Bone structure of talus (body structure)"), _bone(FOOT_ANKLE), SNOMED_GPS),
    Entry(SnomedCode("80144004", "Bone structure of calcaneum (body structure)"), _bone(FOOT_ANKLE), SNOMED_GPS),
    Entry(SnomedCode("280711000", "Region of metatarsal (body structure)"), _region(FOOT_ANKLE), SNOMED_GPS),
    Entry(RadLexId("RID35743", "tarsal bone"), _bone(FOOT_ANKLE), RADLEX_TABLE),
    Entry(SnomedCode("51282000", "Bone structure of spine (body structure)"), _bone(VERTEBRA), SNOMED_GPS),
    Entry(SnomedCode("421060004", "Structure of vertebral column (body structure)"), _bone(VERTEBRA), SNOMED_GPS),
    Entry(
        SnomedCode("122496007", "Structure of lumbar vertebral column (body structure)"), _bone(VERTEBRA), SNOMED_GPS
    ),
    Entry(
        SnomedCode("122495006", "Structure of thoracic vertebral column (body structure)"), _bone(VERTEBRA), SNOMED_GPS
    ),
    Entry(
        SnomedCode("122494005", "Structure of cervical vertebral column (body structure)"), _bone(VERTEBRA), SNOMED_GPS
    ),
    # A tissue, not a place: "bone marrow" beside an edema does not make it diffuse.
    Entry(SnomedCode("14016003", "Bone marrow structure (body structure)"), Place(tissue=Tissue.MARROW), SNOMED_GPS),
    Entry(RadLexId("RID38594", "bone marrow"), Place(tissue=Tissue.MARROW), RADLEX_TABLE),
    Entry(RadLexId("RID6120", "subchondral bone"), Place(tissue=Tissue.SUBCHONDRAL_BONE), RADLEX_TABLE),
    Entry(SnomedCode("61685007", "Lower limb structure (body structure)"), _region(LOWER_LIMB), SNOMED_GPS),
    Entry(SnomedCode("68367000", "Thigh structure (body structure)"), _region(FEMUR), SNOMED_GPS),
)

BODY_SITE_CODES: Mapping[Key, Place] = index(BODY_SITES)


def site_of(system: str, code: str, aliases: Aliases | None = None) -> Place | None:
    """Return where a body site code points, or None for a code not known here.

    RadLex ids may carry their side (``RID2577_RID5824`` is the left sacroiliac joint). A site writes its own as
    ``site=femoral_head`` or ``site=femoral_head/left``.
    """
    alias = alias_of(system, code, aliases)
    if alias is not None and alias[0] == "site":
        site, _, side = alias[1].partition("/")
        return Place(site, side or None) if site in SITES or site in JOINTS else None
    known, name = key_of(system, code)
    if known == RADLEX and "_" in name:
        site, _, side = name.partition("_")
        place = BODY_SITE_CODES.get((known, site))
        return replace(place, side=side_of(known, side)) if place is not None else None
    return BODY_SITE_CODES.get((known, name))
