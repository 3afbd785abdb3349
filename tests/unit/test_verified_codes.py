"""The code tables against the list of codes that were verified (fixtures/verified_codes.csv).

The list has 561 rows: a concept, a code, and whether the code was seen in an authoritative source, a curated list, or
two independent places. A verified code is read as its concept, or it stands here with the reason why not; a code of
ours that the list lacks stands here with the place that shows it.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cds_service.knowledge.codes.context import context_of, pain_of
from cds_service.knowledge.codes.diagnoses import diagnosis_of
from cds_service.knowledge.codes.findings import DESCRIPTOR_CODES, finding_of, refused
from cds_service.knowledge.codes.sites import Place
from cds_service.knowledge.codes.tables import TABLES
from cds_service.model.coding import (
    ATC,
    ICD10_CM,
    LOCAL,
    LOINC,
    NON_ADHERENCE_REASON,
    OBSERVATION_INTERPRETATION,
    RADLEX,
    SNOMED,
)
from cds_service.model.finding import State

Key = tuple[str, str]

LIST = Path(__file__).parents[2] / "fixtures" / "verified_codes.csv"


def rows() -> list[dict[str, str]]:
    with LIST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


VERIFIED: dict[str, list[Key]] = {}
for one in rows():
    if one["verified"] == "yes":
        VERIFIED.setdefault(one["concept"], []).append((one["system"], one["code"]))
UNVERIFIED = {(one["system"], one["code"]) for one in rows() if one["verified"] == "no"}

READ_BY_LOOK_UP = {
    "imaging findings",
    "describing words",
    "named diagnoses",
    "patient context",
    "pain",
    "codes never read as a finding",
}
"""Tables whose meaning the look-ups give, together with that of whole families of ICD-10."""


def words(meaning: object) -> str:
    """Return a meaning in short: a place by its site or the sites it may be, the rest as it is."""
    place = meaning if isinstance(meaning, Place) else getattr(meaning, "place", None)
    kind = getattr(meaning, "modality", None) or getattr(meaning, "kind", "")
    if isinstance(place, Place):
        return " ".join(filter(None, [kind, place.site or "/".join(sorted(place.may_be)) or place.tissue]))
    return str(meaning)


def readings(key: Key) -> set[str]:
    """Return all that the tables say of a code; "?" where they only leave it open."""
    told = [finding_of(*key), diagnosis_of(*key), *context_of(*key)]
    found = {one.fact + "?" * (one.state is State.INDETERMINATE) for one in told if one is not None}
    found |= {f"describes {one.meaning.fact}" for one in DESCRIPTOR_CODES.get(key, ())}
    if (place := pain_of(*key)) is not None:
        found.add(f"pain {words(place)}".strip())
    if refused(*key):
        found.add("refused")
    for name, table in TABLES.items():
        if name not in READ_BY_LOOK_UP:
            found |= {f"{name}: {words(row.meaning)}" for row in table if row.code.key == key}
    return found


PELVIS = "femoral_head/femoral_head_and_neck/femoral_neck/other/si_joint"
FEMUR = "femoral_head/femoral_head_and_neck/femoral_neck/knee_other/medial_femoral_condyle/other"
LOWER_LIMB = "femoral_head/femoral_head_and_neck/femoral_neck/foot_ankle/knee_other/medial_femoral_condyle/other"

READ_AS: dict[str, tuple[str, ...]] = {
    # Findings
    "bme": ("bme",),
    "edema_generic": ("describes bme",),
    "t2_stir_hyperintensity": ("describes bme",),
    "t1_hypointensity": ("describes t1_signal",),
    "fatty_lesion": ("describes fatty_lesion",),
    "sclerosis": ("sclerosis",),
    "ankylosis": ("ankylosis",),
    "synovitis": ("synovitis", "synovitis?"),
    "joint_effusion": ("effusion",),
    "hip_effusion": ("effusion",),
    "knee_effusion": ("effusion",),
    "double_line_sign": ("rim_sign",),
    "dce_hyperperfusion": ("describes dce_pattern",),
    "dce_hypoperfusion": ("describes dce_pattern",),
    "dce_rim_enhancement": ("describes dce_pattern",),
    "mri_abnormal": ("codes that announce a finding: None",),
    "lesion_of_bone": ("codes that announce a finding: None",),
    # Named diagnoses
    "dx_axspa": ("axspa",),
    "dx_sacroiliitis": ("axspa",),
    "dx_osteonecrosis": ("osteonecrosis",),
    "dx_sif": ("sif", "sif?"),
    "dx_stress_fracture": ("stress_fracture",),
    "dx_tbmes": ("tbmes",),
    "dx_osteomyelitis": ("osteomyelitis",),
    "dx_charcot": ("charcot",),
    "dx_malignancy": ("malignancy", "malignancy?"),
    "dx_septic_arthritis": ("septic_arthritis", "septic_arthritis?"),
    "dx_normal_variant": ("T1 signal: normal",),
    # Context
    "dx_oa": ("degenerative_change",),
    "dx_trauma": ("acute_trauma",),
    "ctx_trauma": ("acute_trauma",),
    "ctx_postpartum": ("postpartum",),
    "ctx_pregnant": ("pregnancy", "laboratory: pregnancy_status"),
    "ctx_athlete": ("athlete",),
    "ctx_diabetes": ("diabetes",),
    "ctx_neuropathy": ("neuropathy",),
    "ctx_foot_ulcer": ("foot_ulcer",),
    "ctx_fever": ("fever", "laboratory: temperature"),
    "ctx_sepsis": ("sepsis", "sepsis?"),
    "ctx_steroid": ("steroid", "medicines: glucocorticoid"),
    "ctx_alcohol": ("alcohol",),
    "ctx_sickle": ("sickle_cell",),
    "ctx_back_pain": ("chronic_back_pain", "pain si_joint/vertebra", "pain si_joint"),
    "ctx_acute_pain": ("acute_pain", "pain", "pain hip", "pain knee", "pain foot_ankle"),
    "ctx_psoriasis": ("psoriasis",),
    "ctx_uveitis": ("uveitis",),
    "ctx_ibd": ("ibd",),
    "ctx_osteoporosis": ("osteoporosis",),
    "ci_cardiac": ("unstable_angina", "myocardial_infarction", "myocardial_infarction?", "heart_failure"),
    "ci_bleeding": ("bleeding_risk",),
    "ci_cva": ("stroke_or_tia",),
    "ci_bp": ("laboratory: systolic_blood_pressure",),
    "lab_abn": ("crp_raised", "esr_raised", "wbc_raised"),
    # Qualifiers
    "present": ("states: present",),
    "absent": ("states: absent",),
    "indeterminate": ("states: indeterminate",),
    "certainty_possible": ("states: indeterminate",),
    "unknown": ("states: None",),
    "new": ("change: new",),
    "increased": ("change: increased",),
    "decreased": ("change: decreased",),
    "unchanged": ("change: unchanged",),
    "right": ("sides: right",),
    "left": ("sides: left",),
    "bilateral": ("sides: both",),
    "interp": ("interpretations: present", "interpretations: absent", "raised values: present"),
    "condstat": (
        *("clinical status: active", "clinical status: past"),
        *("verification status: confirmed", "verification status: doubtful", "verification status: void"),
    ),
    # Sites
    "site_si_joint": ("body sites: si_joint",),
    "site_sacrum": ("body sites: other/si_joint",),
    "site_ilium": ("body sites: other/si_joint",),
    "site_pelvis": (f"body sites: {PELVIS}",),
    "site_hip": ("body sites: hip",),
    "site_femoral_head": ("body sites: femoral_head",),
    "site_femoral_neck": ("body sites: femoral_neck",),
    "site_proximal_femur": ("body sites: hip", f"body sites: {FEMUR}"),
    "site_knee": ("body sites: knee",),
    "site_mfc": ("body sites: medial_femoral_condyle",),
    "site_lfc": ("body sites: knee_other",),
    "site_foot": ("body sites: foot_ankle",),
    "site_ankle": ("body sites: foot_ankle",),
    "site_midfoot": ("body sites: foot_ankle",),
    "site_vertebra": ("body sites: vertebra",),
    "site_lower_limb": (f"body sites: {FEMUR}", f"body sites: {LOWER_LIMB}"),
    "site_diffuse_marrow": ("body sites: marrow",),
    "bone_marrow": ("body sites: marrow",),
    "subchondral_bone": ("body sites: subchondral bone",),
    # Imaging and reports
    "modality_mr": ("modality: MR",),
    "seq_stir": ("sequences: stir",),
    "seq_t1": ("sequences: t1",),
    "seq_t2": ("sequences: t2",),
    "seq_dce": ("sequences: dce",),
    "seq_fatsat": ("sequences: fat_suppressed",),
    "contrast": ("contrast: without", "contrast: with", "contrast: without_and_with"),
    "mr_si": ("imaging procedures: MR si_joint",),
    "mr_pelvis": (f"imaging procedures: MR {PELVIS}",),
    "mr_hip": ("imaging procedures: MR hip",),
    "mr_knee": ("imaging procedures: MR knee",),
    "mr_foot": ("imaging procedures: MR foot_ankle",),
    "mr_lower_ext": (f"imaging procedures: MR {LOWER_LIMB}",),
    "mr_spine": ("imaging procedures: MR vertebra",),
    "mr_whole_body": ("imaging procedures: MR",),
    "xr": ("imaging procedures: XR si_joint", "imaging procedures: XR foot_ankle"),
    "report_types": ("report categories: imaging",),
    "report_sections": ("report sections: findings", "report sections: impression"),
    "dxcat": ("report categories: imaging", "report categories: laboratory"),
    # Orders
    "rx_iloprost": ("medicines: iloprost",),
    "rx_nsaid": ("medicines: nsaid",),
    "rx_anti_tnf": ("medicines: anti_tnf",),
    "rx_anti_il17": ("medicines: anti_il17",),
    "rx_jak": ("medicines: jak",),
    "rx_anticoag": ("anticoagulation", "medicines: anticoagulant", "medicines: antiplatelet"),
    "act_arthroplasty": ("procedures: arthroplasty hip", "procedures: arthroplasty knee"),
    "act_biopsy": ("procedures: biopsy",),
    "act_immobilise": ("procedures: immobilisation", "procedures: cast foot_ankle"),
    "act_footwear": ("procedures: footwear", "procedures: footwear foot_ankle"),
    "act_followup": ("procedures: follow_up",),
    "act_referral": ("general referrals: None",),
    "ref_rheum": ("referrals: rheumatology",),
    "ref_ortho": ("referrals: orthopedics",),
    "ref_id": ("referrals: infectious_diseases",),
    "ref_hematology": ("referrals: hematology",),
    "ref_podiatry": ("referrals: diabetic_foot_team",),
    "ref_oncology": ("referrals: oncology",),
    "ref_diabetes": ("referrals: diabetology",),
    "ref_vascular": ("referrals: vascular_surgery",),
    "ref_ed": ("referrals: emergency",),
    "ref_physio": ("referrals: physiotherapy",),
    # Laboratory
    "lab_crp": ("laboratory: crp",),
    "lab_esr": ("laboratory: esr",),
    "lab_wbc": ("laboratory: wbc",),
    "lab_cbc": ("laboratory: cbc", "laboratory: hemoglobin", "laboratory: platelets"),
    "lab_blood_culture": ("laboratory: blood_culture",),
    "lab_hba1c": ("laboratory: hba1c",),
    "lab_creat": ("laboratory: creatinine", "laboratory: calcium", "laboratory: protein_electrophoresis"),
    "lab_inr": ("laboratory: inr",),
}
"""What the codes of each concept may be read as."""

LEFT_OUT = {
    "depth_mm": "a unit: lengths are read in ``model.quantity``",
    "unilateral": "does not say which side",
    "fracture_line": "any fracture of any bone",
    "ctx_prior_osteomyelitis": "history of any other musculoskeletal disease",
    "ctx_weight_loss": "no rule of the decision table asks for weight loss or night sweats",
    "cat_service": "no reader asks for the category of an order",
    "condcat": "no reader asks for the category of a condition",
    "enc": "no rule asks where the patient is seen",
    "obscat": "an observation is read by its code, whatever its category (they differ between sites)",
    "prio": "priorities are plain codes of FHIR, without a system",
}
"""Concepts that are not read, with the reason."""

CODES_LEFT_OUT = {
    (ICD10_CM, "R93.6"): "any abnormal image of a limb, not edema",
    (ICD10_CM, "R93.7"): "any abnormal image of the musculoskeletal system, not edema",
    (ICD10_CM, "M89.8X9"): "any other disorder of bone, not edema",
    (ICD10_CM, "M53.3"): "any sacrococcygeal disorder, not certainly pain",
    (SNOMED, "84172003"): "inflammation of the spine of any cause, also infection",
    (SNOMED, "280137006"): "diabetic foot alone is not an ulcer (decision table 3.10.7)",
    (RADLEX, "RID13212"): "no rule asks for a normal variant",
    (LOINC, "18748-4"): "a report is read by its study, title or category; this says imaging of any kind",
    (LOINC, "68604-8"): "a report is read by its study, title or category; this says imaging of any kind",
}
"""Codes that are not read as their concept, with the reason."""

SEEN_ELSEWHERE = {
    **dict.fromkeys(
        [(OBSERVATION_INTERPRETATION, code) for code in ("HU", "HH")],
        "the same code system as the rest, in a newer copy",
    ),
    (LOINC, "LP29684-5"): "a category that US Core names beside the codes of HL7 version 2",
    **dict.fromkeys(
        [(ATC, code) for code in ("M01AA", "M01AB", "M01AC", "M01AE", "M01AG", "M01AH", "L04AB", "L04AF")],
        "groups of the verified substances",
    ),
}
"""Codes of ours that the list lacks. Reasons for an override come from the CDS Hooks 3.0 ballot, whole."""


@pytest.mark.parametrize("concept", VERIFIED)
def test_a_verified_code_is_read_as_its_concept_or_left_out_with_a_reason(concept: str):
    left_out = concept in LEFT_OUT
    read_otherwise = {
        key: found
        for key in VERIFIED[concept]
        if key not in CODES_LEFT_OUT and (found := readings(key)).isdisjoint(READ_AS.get(concept, ()))
    }

    assert left_out != (concept in READ_AS)
    assert {key for key, found in read_otherwise.items() if not left_out or found - {"refused"}} == set()


@pytest.mark.parametrize("key", CODES_LEFT_OUT, ids=lambda key: key[1])
def test_a_code_left_out_is_truly_not_read_as_its_concept(key: Key):
    (concept,) = (concept for concept, keys in VERIFIED.items() if key in keys)

    assert readings(key).isdisjoint(READ_AS[concept])


def test_every_code_of_ours_is_verified_or_says_where_else_it_stands():
    ours = {
        row.code.key
        for table in TABLES.values()
        for row in table
        if row.code.system not in (LOCAL, NON_ADHERENCE_REASON)
    }
    verified = {key for keys in VERIFIED.values() for key in keys}

    assert ours - verified == set(SEEN_ELSEWHERE)


def test_no_code_that_failed_to_be_verified_is_ours():
    ours = {row.code.key for table in TABLES.values() for row in table}

    assert len(UNVERIFIED) == 3
    assert ours & UNVERIFIED == set()
