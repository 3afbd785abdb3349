"""How ICD-10-CM spells a place: the fifth character names the part, the sixth the side, differently in each family.

Every ending below was compared with the titles of the classification: all codes that begin so name that part and
that side. The WHO's ICD-10 uses its own endings, so rules that name a place are for ICD-10-CM alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cds_service.knowledge.codes.entry import CodedMeaning, Encounter, PrefixRule, Seen
from cds_service.knowledge.codes.sites import (
    FEMUR,
    FOOT_ANKLE,
    HIP,
    KNEE,
    LOWER_LEG,
    OTHER,
    PELVIS,
    VERTEBRA,
    Place,
)
from cds_service.model.coding import ICD10, ICD10_CM

Places = Mapping[str, tuple[str, Place]]
"""Ending of the code -> the words of the classification, and the place."""

PELVIS_OR_FEMUR = Place(may_be=PELVIS.may_be | FEMUR.may_be)
ELSEWHERE = Place(may_be=frozenset({"vertebra", "si_joint", "other"}))
"""ICD's "other site": none of the limbs, which have endings of their own."""

UPPER_LIMB: Places = dict.fromkeys("1234", ("shoulder or arm", OTHER))


def _sides(stem: str, words: str, place: Place, right: str = "1", left: str = "2") -> dict[str, tuple[str, Place]]:
    return {
        **{stem + end: (f"right {words}", replace(place, side="right")) for end in right},
        **{stem + end: (f"left {words}", replace(place, side="left")) for end in left},
    }


JOINT_PLACES: Places = {
    **UPPER_LIMB,
    "5": ("hip", HIP),
    **_sides("5", "hip", HIP),
    "6": ("knee", KNEE),
    **_sides("6", "knee", KNEE),
    "7": ("ankle and foot", FOOT_ANKLE),
    **_sides("7", "ankle or foot", FOOT_ANKLE, right="14", left="25"),
    "8": ("other site", ELSEWHERE),
}
"""M25.4: ankle is 1, 2 and foot 4, 5."""

ANKYLOSIS_PLACES: Places = {
    **{end: place for end, place in JOINT_PLACES.items() if end != "8"},
    "9": ("other specified joint", ELSEWHERE),
}
"""M24.6, where 9 is the joint that has no ending of its own, such as the sacroiliac joint."""

JOINT_AND_SPINE_PLACES: Places = {
    **{end: place for end, place in JOINT_PLACES.items() if end not in ("74", "75")},
    "8": ("vertebrae", VERTEBRA),
}
"""M00 and M14.6."""

FOOT_BONES: Places = {
    "7": ("ankle, foot and toes", FOOT_ANKLE),
    **_sides("7", "ankle, foot or toes", FOOT_ANKLE, right="147", left="258"),
}


def _fracture_places(pelvis: str) -> Places:
    return {
        **UPPER_LIMB,
        "5": ("pelvis and femur", PELVIS_OR_FEMUR),
        pelvis: ("pelvis", PELVIS),
        **_sides("5", "femur", FEMUR),
        "53": ("unspecified femur", FEMUR),
        "59": ("hip, unspecified", HIP),
        "6": ("tibia and fibula", LOWER_LEG),
        **_sides("6", "tibia or fibula", LOWER_LEG, right="13", left="24"),
        **FOOT_BONES,
        "8": ("other site", ELSEWHERE),
    }


STRESS_FRACTURE_PLACES = _fracture_places(pelvis="50")
PATHOLOGICAL_FRACTURE_PLACES = _fracture_places(pelvis="54")


def necrosis_places(unspecified_femur: str) -> Places:
    """Return the endings of an M87 family; the last character for an unspecified femur differs between them."""
    return {
        **UPPER_LIMB,
        "5": ("pelvis and femur", PELVIS_OR_FEMUR),
        "50": ("pelvis", PELVIS),
        **_sides("5", "femur", FEMUR),
        "5" + unspecified_femur: ("unspecified femur", FEMUR),
        "6": ("tibia and fibula", LOWER_LEG),
        **_sides("6", "tibia or fibula", LOWER_LEG, right="14", left="25"),
        **FOOT_BONES,
        "8": ("other site", ELSEWHERE),
    }


OSTEOMYELITIS_PLACES: Places = {
    **UPPER_LIMB,
    "5": ("femur", FEMUR),
    **_sides("5", "femur", FEMUR),
    "6": ("tibia and fibula", LOWER_LEG),
    **_sides("6", "tibia and fibula", LOWER_LEG),
    "7": ("ankle and foot", FOOT_ANKLE),
    **_sides("7", "ankle and foot", FOOT_ANKLE),
    "8": ("other site", ELSEWHERE),
}

OTHER_OSTEOMYELITIS_PLACES: Places = {
    **{f"X{end}": place for end, place in OSTEOMYELITIS_PLACES.items() if len(end) == 1},
}
"""M86.8X-, which has no side."""


def sided(words: str, place: Place) -> Places:
    """Return the endings of a family that is about one part: 1 right, 2 left."""
    return _sides("", words, place)


def family(
    stem: str,
    title: str,
    places: Places,
    meaning: CodedMeaning,
    seen: Seen,
    *,
    who: bool = False,
    encounter: Encounter = Encounter.ANY,
) -> tuple[PrefixRule[CodedMeaning], ...]:
    """Return the rule of a family and one for each place its codes can name.

    Args:
        stem: beginning that all its codes share.
        title: what the classification calls it.
        places: the endings that name a place.
        meaning: what every code of it says; ``places`` says where.
        seen: where the titles were read.
        who: whether the stem means the same in ICD-10 of the WHO.
        encounter: which seventh characters count.
    """
    systems = (ICD10_CM, ICD10) if who else (ICD10_CM,)
    return (
        PrefixRule(stem, meaning, title, seen, systems, encounter),
        *(
            PrefixRule(stem + end, meaning.at(place), f"{title}, {words}", seen, (ICD10_CM,), encounter)
            for end, (words, place) in places.items()
        ),
    )
