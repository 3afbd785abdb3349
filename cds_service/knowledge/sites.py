"""Where a lesion may lie, and what belongs together (decision table 1.2 and 3.10.1)."""

from __future__ import annotations

from cds_service.model.case import SiteMap
from cds_service.model.condition import Condition, at_site

HIP_SITES = ("femoral_head", "femoral_neck", "femoral_head_and_neck")
KNEE_SITES = ("medial_femoral_condyle", "knee_other")
LOWER_LIMB_SITES = (*HIP_SITES, *KNEE_SITES, "foot_ankle")

SITES = SiteMap(
    group_of={
        "si_joint": "si_joint",
        **dict.fromkeys(HIP_SITES, "hip"),
        "hip": "hip",
        "medial_femoral_condyle": "medial_femoral_condyle",
        "knee_other": "knee_other",
        "knee": "knee",
        "foot_ankle": "foot_ankle",
        "vertebra": "vertebra",
        "diffuse_marrow": "diffuse_marrow",
        "other": "other",
    },
    sites_in={"hip": frozenset(HIP_SITES), "knee": frozenset(KNEE_SITES)},
    shared={"knee": frozenset({"effusion", "synovitis", "rim_sign", "dce_pattern"})},
    joint_of={"medial_femoral_condyle": "knee", "knee_other": "knee", "knee": "knee"},
    labels={
        "": "site not stated",
        "si_joint": "sacroiliac joint",
        "hip": "hip",
        "femoral_head": "femoral head",
        "femoral_neck": "femoral neck",
        "femoral_head_and_neck": "femoral head and neck",
        "medial_femoral_condyle": "medial femoral condyle",
        "knee_other": "knee",
        "knee": "knee",
        "foot_ankle": "foot or ankle",
        "vertebra": "spine",
        "diffuse_marrow": "marrow, diffuse",
        "other": "other bone",
    },
)

AT_SI_JOINT: Condition = at_site("si_joint")
AT_FOOT: Condition = at_site("foot_ankle")
AT_HIP: Condition = at_site(*HIP_SITES)
AT_OTHER_SYNOVIAL_JOINT: Condition = at_site(*HIP_SITES, *KNEE_SITES, "foot_ankle")
