"""What a clinician may do about a finding: the actions of decision table 2.3 that rules call for.

An action's text is advice: short, addressed to a clinician, and leaving the decision with them.
"""

from __future__ import annotations

from cds_service.model.rule import Action

RHEUMATOLOGY = "rheumatology"
ORTHOPEDICS = "orthopedics"
INFECTIOUS_DISEASES = "infectious_diseases"
DIABETIC_FOOT_TEAM = "diabetic_foot_team"
HEMATOLOGY = "hematology"

COMPLETE_SEQ_T1 = Action("COMPLETE_SEQ_T1", "Add a T1-weighted sequence.")
COMPLETE_SEQ_FLUID = Action("COMPLETE_SEQ_FLUID", "Add a STIR or T2-weighted sequence.")
MEASURE_DEPTH = Action("MEASURE_DEPTH", "Ask for the depth of the edema, measured from the articular surface (in mm).")
REPORT_STRUCTURAL = Action(
    "REPORT_STRUCTURAL",
    "Ask for the structural findings on T1: erosion, sclerosis, fatty deposition, ankylosis, joint space signal.",
)
COMPARE_PRIOR = Action("COMPARE_PRIOR", "Compare with the prior study and look for the cause of the change.")
CORRELATE = Action("CORRELATE", "Correlate with history, examination and laboratory findings now.")
REF_RHEUM = Action("REF_RHEUM", "Refer to rheumatology.", target=RHEUMATOLOGY)
REF_ID = Action("REF_ID", "Refer to infectious diseases, with orthopedics as needed.", target=INFECTIOUS_DISEASES)
REF_MDFT = Action("REF_MDFT", "Refer to the multidisciplinary diabetic foot team.", target=DIABETIC_FOOT_TEAM)
PT_NSAID = Action("PT_NSAID", "First line: physical therapy and NSAIDs, if nothing speaks against them.")
DMT_INFO = Action("DMT_INFO", "Consider disease-modifying therapy with the rheumatologist.")
OFFLOAD_6_12W = Action(
    "OFFLOAD_6_12W",
    "Protected weight-bearing with immobilisation by total contact casting or a non-removable knee-high device"
    " for 6-12 weeks.",
)
PROTECTED_WB = Action("PROTECTED_WB", "Consider protected weight-bearing.")
FOOTWEAR_AFTER = Action(
    "FOOTWEAR_AFTER", "After the acute phase: custom footwear with specialised insoles, to prevent recurrence."
)
ORDER_DCE = Action(
    "ORDER_DCE", "Order dynamic contrast-enhanced MRI to tell osteonecrosis from transient bone marrow edema syndrome."
)
REF_ORTHO = Action("REF_ORTHO", "Refer to orthopedics.", target=ORTHOPEDICS)
REF_HEM = Action("REF_HEM", "Refer to hematology.", target=HEMATOLOGY)
CONSIDER_MARROW_BIOPSY = Action("CONSIDER_MARROW_BIOPSY", "Consider bone marrow biopsy.")
ILOPROST_OPTION = Action(
    "ILOPROST_OPTION",
    "An option, after the cautions above: iloprost 50 ug IV over 6 hours daily for 5 consecutive days.",
)
MONITOR_SIF = Action(
    "MONITOR_SIF", "Monitor for progression: articular fragmentation and collapse, above all in the medial condyle."
)
MRI_NOT_XRAY = Action("MRI_NOT_XRAY", "If pain persists, consider MRI: a radiograph may be normal early.")

REFERRAL_ACTIONS = (REF_RHEUM, REF_ORTHO, REF_ID, REF_MDFT, REF_HEM)
