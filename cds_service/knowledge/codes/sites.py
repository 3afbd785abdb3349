"""Where in the body a code points: sites of the decision table (1.2), their side, and the kind of tissue.

Senders name a region, a joint or a bone, and rarely the exact part. Three grades are kept apart:

* a site of the decision table (``femoral_head``) or one of its two joints (``hip``, ``knee``), in ``Place.site``;
* a wider region (pelvis, femur, lower limb): ``site`` is None and ``may_be`` lists what it can stand for, so that
  what is known of the study can settle it and nothing is guessed;
* nothing.

Sacrum and ilium as whole bones are such regions: decision table 3.1 counts the sacral *ala* and the *iliac side of
the joint* as the sacroiliac joint, and a code for the whole bone does not say which part is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

HIP_SITES = frozenset({"femoral_head", "femoral_neck", "femoral_head_and_neck"})
KNEE_SITES = frozenset({"medial_femoral_condyle", "knee_other"})
SITES = frozenset({"si_joint", *HIP_SITES, *KNEE_SITES, "foot_ankle", "vertebra", "diffuse_marrow", "other"})
"""The sites of decision table 1.2."""

JOINTS = {"hip": HIP_SITES, "knee": KNEE_SITES}
"""The two joints that a statement may name without the exact site."""

_SITES_OF = {**{site: frozenset({site}) for site in SITES}, **JOINTS}

SIDES = frozenset({"left", "right", "both"})


class Tissue(StrEnum):
    """What kind of structure a body site code names. A descriptor needs bone or marrow to mean anything."""

    BONE = "bone"
    SUBCHONDRAL_BONE = "subchondral bone"
    MARROW = "marrow"
    JOINT = "joint"
    REGION = "region"


@dataclass(frozen=True)
class Place:
    """Where something is, as far as a code says.

    Attributes:
        site: a site of the decision table, or ``hip`` or ``knee``; None when the code names neither.
        side: ``left``, ``right``, ``both`` or None.
        may_be: the sites a wider region can stand for; empty when ``site`` is given or nothing is known.
        tissue: the kind of structure, when the code is a body site.
    """

    site: str | None = None
    side: str | None = None
    may_be: frozenset[str] = frozenset()
    tissue: Tissue | None = None

    def __post_init__(self) -> None:
        if self.site is not None and self.site not in SITES and self.site not in JOINTS:
            raise ValueError(f"unknown site {self.site!r}; known: {', '.join(sorted(SITES | set(JOINTS)))}")
        if self.side is not None and self.side not in SIDES:
            raise ValueError(f"unknown side {self.side!r}; known: {', '.join(sorted(SIDES))}")
        if self.site is not None and self.may_be:
            raise ValueError(f"site {self.site!r} is known, so it cannot also be one of several")

    def sites(self) -> frozenset[str]:
        """Return every site this can be; empty when nothing is known."""
        return self.may_be if self.site is None else _SITES_OF[self.site]


SI_JOINT = Place("si_joint")
HIP = Place("hip")
FEMORAL_HEAD = Place("femoral_head")
FEMORAL_NECK = Place("femoral_neck")
KNEE = Place("knee")
MEDIAL_FEMORAL_CONDYLE = Place("medial_femoral_condyle")
KNEE_OTHER = Place("knee_other")
FOOT_ANKLE = Place("foot_ankle")
VERTEBRA = Place("vertebra")
DIFFUSE_MARROW = Place("diffuse_marrow")
OTHER = Place("other")

PELVIS = Place(may_be=frozenset({"si_joint", *HIP_SITES, "other"}))
SACRUM_OR_ILIUM = Place(may_be=frozenset({"si_joint", "other"}))
FEMUR = Place(may_be=HIP_SITES | KNEE_SITES | {"other"})
LOWER_LEG = Place(may_be=frozenset({"knee_other", "foot_ankle", "other"}))
LOWER_LIMB = Place(may_be=HIP_SITES | KNEE_SITES | {"foot_ankle", "other"})
LOW_BACK = Place(may_be=frozenset({"vertebra", "si_joint"}))
SACRAL_SPINE = Place(may_be=frozenset({"vertebra", "si_joint", "other"}))
ANYWHERE = Place()


def settle(stated: Place, study: Place) -> Place:
    """Return where a finding is, from what it says itself and from what the whole study shows.

    The finding's own words win; the study only narrows a region to a site that the region contains ("pelvis" on an
    MRI of the sacroiliac joints is the sacroiliac joint) and gives the side when the finding has none. A study of
    another part of the body changes nothing.
    """
    own, shown = stated.sites(), study.sites()
    if not shown and (stated.side or not study.side):
        # Nothing to narrow by, and no side to borrow: most of what is asked.
        return stated
    side = stated.side or study.side
    if not own:
        return Place(study.site, side, study.may_be, stated.tissue)
    if not shown or not own & shown or own <= shown:
        # Nothing to narrow by. The study's side is not borrowed when the study shows another part of the body.
        return Place(stated.site, side if not shown or own & shown else stated.side, stated.may_be, stated.tissue)
    common = own & shown
    for joint, sites in JOINTS.items():
        if common == sites:
            return Place(joint, side, tissue=stated.tissue)
    if len(common) == 1:
        return Place(next(iter(common)), side, tissue=stated.tissue)
    return Place(None, side, common, stated.tissue)
