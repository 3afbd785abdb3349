from __future__ import annotations

import re
from itertools import combinations

import pytest

from cds_service.knowledge.codes.aliases import check_aliases
from cds_service.knowledge.codes.body_sites import BODY_SITE_CODES, site_of
from cds_service.knowledge.codes.context import CONTEXT_CODES, CONTEXT_FACTS, CONTEXT_PREFIXES, context_of, pain_of
from cds_service.knowledge.codes.diagnoses import DIAGNOSES, DIAGNOSIS_CODES, diagnosis_of, history_of
from cds_service.knowledge.codes.entry import CodedMeaning, Entry, EvidenceTier, PrefixRule, Seen, index, index_prefixes
from cds_service.knowledge.codes.findings import (
    CHOICES,
    FINDING_CODES,
    QUANTITIES,
    YES_NO_FINDINGS,
    described,
    finding_of,
    is_generic,
    refused,
)
from cds_service.knowledge.codes.laboratory import RAISED_FACTS, analyte_of
from cds_service.knowledge.codes.local import CONCEPTS
from cds_service.knowledge.codes.medications import Medicine, medicine_named, medicine_of
from cds_service.knowledge.codes.orders import (
    Contrast,
    ImagingProcedure,
    Procedure,
    ProcedureKind,
    contrast_of,
    imaging_of,
    modality_of,
    procedure_of,
    report_category_of,
    section_of,
    sequence_of,
)
from cds_service.knowledge.codes.overrides import OVERRIDE_REASONS
from cds_service.knowledge.codes.qualifiers import (
    CHOICE_CODES,
    ConditionStatus,
    Verification,
    choice_of,
    clinical_status,
    interpreted,
    raised,
    says_unknown,
    side_of,
    state_of,
    verification,
)
from cds_service.knowledge.codes.referrals import REFERRALS, is_referral, referral_of
from cds_service.knowledge.codes.sites import Place, Tissue, settle
from cds_service.knowledge.codes.sources import OWN
from cds_service.knowledge.codes.tables import ICD10_PREFIXES, TABLES
from cds_service.knowledge.facts import FACTS
from cds_service.knowledge.sites import SITES as SITE_MAP
from cds_service.model.coding import (
    ATC,
    CONDITION_CLINICAL,
    CONDITION_VERIFICATION,
    CPT,
    DATA_ABSENT_REASON,
    DICOM,
    HPO,
    ICD10,
    ICD10_CM,
    LOCAL,
    LOINC,
    NON_ADHERENCE_REASON,
    OBSERVATION_INTERPRETATION,
    RADLEX,
    RXNORM,
    SERVICE_TYPE,
    SNOMED,
    RadLexId,
)
from cds_service.model.finding import State

RIGHT_FOOT = Place("foot_ankle", "right")
FEMUR_SITES = frozenset(
    {"femoral_head", "femoral_neck", "femoral_head_and_neck", "medial_femoral_condyle", "knee_other", "other"}
)


# ------------------------------------------------------------------------------------------- the tables as a whole


def every_entry():
    return [pytest.param(entry, id=f"{name}-{entry.code.code}") for name, rows in TABLES.items() for entry in rows]


@pytest.mark.parametrize("entry", every_entry())
def test_a_shipped_code_says_where_it_was_seen(entry):
    assert entry.seen.tier in EvidenceTier
    assert len(entry.seen.where) > 10
    assert entry.seen.where.strip() == entry.seen.where


def test_a_code_seen_in_one_third_party_place_only_is_not_shipped():
    shipped = {entry.code.key for rows in TABLES.values() for entry in rows}

    # HLA-B27, lactate dehydrogenase, biopsy of bone
    assert not shipped & {(LOINC, "4821-5"), (LOINC, "2532-0"), (SNOMED, "13861005")}


def test_no_source_points_to_a_place_that_only_we_can_see():
    seen = {entry.seen.where for rows in TABLES.values() for entry in rows}
    seen |= {rule.seen.where for rule in ICD10_PREFIXES}

    assert [where for where in seen if re.search(r"\brecord\b|\bid \d|/(work|home|tmp)/", where)] == []


def test_cpt_is_shipped_as_numbers_without_descriptors():
    cpt = {
        entry.code.code: entry.code.display for rows in TABLES.values() for entry in rows if entry.code.system == CPT
    }

    assert cpt == dict.fromkeys(
        [
            *("72195", "72196", "72197", "73718", "73719", "73720", "73721", "73722", "73723"),
            *("72148", "72158", "27130", "27447"),
        ],
        "",
    )


def test_all_other_public_codes_carry_the_display_they_were_seen_with():
    silent = {
        entry.code.key
        for rows in TABLES.values()
        for entry in rows
        if entry.code.system != CPT and not entry.code.display
    }

    assert silent == set()


QUESTIONS = {
    name: {entry.code.key for entry in TABLES[name]}
    for name in (
        "imaging findings",
        "describing words",
        "codes that announce a finding",
        "codes never read as a finding",
        "named diagnoses",
        "pain",
    )
}


@pytest.mark.parametrize(("one", "other"), list(combinations(QUESTIONS, 2)))
def test_no_code_answers_two_questions(one, other):
    assert QUESTIONS[one] & QUESTIONS[other] == set()


@pytest.mark.parametrize("name", sorted(set(QUESTIONS) - {"named diagnoses"}))
def test_context_codes_are_nothing_else_but_a_diagnosis(name):
    assert set(CONTEXT_CODES) & QUESTIONS[name] == set()


def test_a_code_cannot_stand_twice_in_a_table():
    entry = Entry(RadLexId("RID3630"), "one", OWN)

    with pytest.raises(ValueError, match=r"RID3630 of http://radlex\.org stands twice"):
        index((entry,), (Entry(RadLexId("RID3630"), "two", OWN),))


def test_a_prefix_cannot_stand_twice():
    rule = PrefixRule("M87", "one", "Osteonecrosis", OWN)

    with pytest.raises(ValueError, match="the prefix M87 stands twice"):
        index_prefixes((rule, rule))


def test_a_source_cannot_be_empty():
    with pytest.raises(ValueError, match="where the code was seen"):
        Seen(EvidenceTier.A, " ")


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.prefix) for rule in ICD10_PREFIXES])
def test_an_icd_family_has_a_title_and_a_source(rule):
    assert rule.title
    assert rule.seen.tier is EvidenceTier.A
    assert re.fullmatch(r"C|[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,3})?", rule.prefix)


def test_the_who_shares_only_three_and_four_characters():
    deeper = {rule.prefix for rule in ICD10_PREFIXES if ICD10 in rule.systems and len(rule.prefix) > 5}

    assert deeper == set()


def test_every_fact_a_code_states_is_one_that_rules_know_or_that_is_listed():
    stated = {meaning.fact for meaning in FINDING_CODES.values()}
    stated |= {meaning.fact for meaning in DIAGNOSIS_CODES.values()}

    assert stated <= set(FACTS)
    assert YES_NO_FINDINGS | QUANTITIES | set(CHOICES) | DIAGNOSES <= set(FACTS)


@pytest.mark.parametrize("fact", CHOICES)
def test_choices_are_those_of_the_fact(fact):
    assert set(CHOICES[fact]) == set(FACTS[fact].choices)
    assert set(CHOICE_CODES[fact].values()) <= set(FACTS[fact].choices)


def test_every_context_fact_a_code_states_is_listed():
    stated = {meaning.fact for meanings in CONTEXT_CODES.values() for meaning in meanings}
    stated |= {meaning.fact for rule in CONTEXT_PREFIXES for meaning in rule.meaning or ()}

    assert stated <= CONTEXT_FACTS


def test_every_place_is_one_the_engine_has_a_group_for():
    places = [place for place in BODY_SITE_CODES.values() if place.site]

    assert {place.site for place in places} <= set(SITE_MAP.group_of)


# ---------------------------------------------------------------------------------------------------------- findings


@pytest.mark.parametrize(
    ("system", "code", "meaning"),
    [
        (SNOMED, "6411000179107", CodedMeaning("bme")),
        (HPO, "HP:6000917", CodedMeaning("bme")),
        (SNOMED, "416209007", CodedMeaning("synovitis")),
        (SNOMED, "387637008", CodedMeaning("effusion")),
        (SNOMED, "202379000", CodedMeaning("effusion", place=Place("hip"))),
        (SNOMED, "202381003", CodedMeaning("effusion", place=Place("knee"))),
        (RADLEX, "RID35173", CodedMeaning("rim_sign")),
        ("http://www.radlex.org", "RID5395", CodedMeaning("ankylosis")),
        (ICD10_CM, "M25.452", CodedMeaning("effusion", place=Place("hip", "left"))),
        (ICD10_CM, "M25474", CodedMeaning("effusion", place=RIGHT_FOOT)),
        (ICD10_CM, "M25.411", CodedMeaning("effusion", place=Place("other"))),
        (ICD10, "M25.4", CodedMeaning("effusion")),
        (LOCAL, "erosion", CodedMeaning("erosion")),
        (LOCAL, "depth-from-articular-surface", CodedMeaning("depth_mm")),
        (LOCAL, "t1-signal", CodedMeaning("t1_signal")),
        (LOCAL, "change-from-prior", CodedMeaning("change")),
        (
            LOCAL,
            "diffuse-edema-head-neck",
            CodedMeaning("diffuse_edema_head_neck", place=Place("femoral_head_and_neck")),
        ),
        (LOCAL, "diffuse-marrow-signal", CodedMeaning("diffuse_marrow_signal", place=Place("diffuse_marrow"))),
        (LOCAL, "subchondral-fracture-line", CodedMeaning("subchondral_fracture_line")),
    ],
)
def test_a_finding_code_states_its_finding(system, code, meaning):
    assert finding_of(system, code) == meaning


def test_the_side_of_the_whos_icd_is_not_guessed():
    # The WHO writes no sixth character; the same letters would be another classification's.
    assert finding_of(ICD10, "M25.452") == CodedMeaning("effusion")


def test_synovitis_or_tenosynovitis_is_only_perhaps_synovitis():
    assert finding_of(ICD10_CM, "M65.90") == CodedMeaning("synovitis", state=State.INDETERMINATE)


@pytest.mark.parametrize(
    "code", ["R93.6", "R93.7", "M89.8X9", "M89.8X5", "M89.8X7", "M898X5"], ids=lambda code: f"icd-{code}"
)
def test_an_icd_code_for_an_abnormal_image_is_never_edema(code):
    assert finding_of(ICD10_CM, code) is None
    assert diagnosis_of(ICD10_CM, code) is None
    assert refused(ICD10_CM, code).endswith("not edema")


@pytest.mark.parametrize(("system", "code"), [(SNOMED, "125605004"), (RADLEX, "RID4650")])
def test_a_fracture_is_not_an_insufficiency_fracture(system, code):
    assert finding_of(system, code) is None
    assert diagnosis_of(system, code) is None
    assert refused(system, code) == "any fracture; an insufficiency fracture has a code of its own"


def test_the_whos_icd_is_refused_in_the_same_way():
    assert refused(ICD10, "R93.6") == "any abnormal image of a limb, not edema"
    assert refused(ICD10, "M89.8") == "any other disorder of bone, not edema"
    assert refused(ICD10, "M87.0") == ""


@pytest.mark.parametrize("code", ["RID34391", "RID34392", "RID35490"])
def test_a_rim_sign_of_another_organ_is_no_rim_of_osteonecrosis(code):
    assert finding_of(RADLEX, code) is None


def test_the_misprinted_charcot_id_means_nothing():
    assert diagnosis_of(SNOMED, "203099009") is None
    assert context_of(SNOMED, "203099009") == ()


@pytest.mark.parametrize("code", ["433139009", "446315002"])
def test_mri_in_motion_is_not_contrast_dynamics(code):
    assert imaging_of(SNOMED, code) is None
    assert sequence_of(SNOMED, code) is None


def test_a_generic_code_announces_a_finding_and_states_none():
    assert is_generic(SNOMED, "169083003")
    assert finding_of(SNOMED, "169083003") is None


@pytest.mark.parametrize(
    ("system", "code"),
    [
        pytest.param(RADLEX, "RID5878", id="fatty"),
        pytest.param(RADLEX, "RID35805", id="hyperintense"),
        pytest.param(RADLEX, "RID35804", id="hypointense"),
        pytest.param(RADLEX, "RID39467", id="t2-hyperintensity"),
        pytest.param(RADLEX, "RID4865", id="edema"),
        pytest.param(SNOMED, "79654002", id="edema-morphology"),
        pytest.param(RADLEX, "RID39095", id="hyperenhancement"),
        pytest.param(RADLEX, "RID34303", id="rim-enhancement"),
    ],
)
def test_a_describing_word_alone_is_no_finding(system, code):
    assert finding_of(system, code) is None
    assert described(system, code, None, ()) is None
    assert described(system, code, Tissue.JOINT, ("stir", "t1", "dce")) is None
    assert described(system, code, Tissue.REGION, ("stir",)) is None


@pytest.mark.parametrize(
    ("code", "tissue", "sequences", "meaning"),
    [
        pytest.param("RID35805", Tissue.BONE, ("stir",), CodedMeaning("bme"), id="bright-on-stir"),
        pytest.param("RID35805", Tissue.MARROW, ("t1",), CodedMeaning("t1_signal", "high"), id="bright-on-t1"),
        pytest.param("RID35805", Tissue.BONE, (), None, id="bright-on-what"),
        pytest.param("RID35805", Tissue.BONE, ("stir", "t1"), None, id="bright-on-both"),
        pytest.param("RID35804", Tissue.BONE, ("t1",), CodedMeaning("t1_signal", "low"), id="dark-on-t1"),
        pytest.param("RID35804", Tissue.BONE, ("stir",), None, id="dark-on-stir"),
        pytest.param("RID39467", Tissue.MARROW, (), CodedMeaning("bme"), id="t2-bright-marrow"),
        pytest.param("RID5878", Tissue.BONE, ("t1",), CodedMeaning("fatty_lesion"), id="fatty-on-t1"),
        pytest.param("RID5878", Tissue.BONE, ("stir",), None, id="fatty-on-stir"),
        pytest.param("RID4865", Tissue.MARROW, (), CodedMeaning("bme"), id="edema-of-marrow"),
        pytest.param("RID4865", Tissue.BONE, (), None, id="edema-of-bone-unseen"),
        pytest.param("RID4865", Tissue.BONE, ("t2",), CodedMeaning("bme"), id="edema-of-bone-on-t2"),
        pytest.param(
            "RID39095",
            Tissue.SUBCHONDRAL_BONE,
            ("dce",),
            CodedMeaning("dce_pattern", "subchondral_hyperperfusion"),
            id="subchondral-hyperenhancement",
        ),
        pytest.param("RID39095", Tissue.BONE, ("dce",), None, id="hyperenhancement-somewhere"),
        pytest.param(
            "RID39126",
            Tissue.BONE,
            ("dce",),
            CodedMeaning("dce_pattern", "decreased_max_enhancement"),
            id="hypoenhancement",
        ),
        pytest.param("RID34303", Tissue.BONE, ("dce",), CodedMeaning("dce_pattern", "other"), id="rim-without-core"),
    ],
)
def test_a_describing_word_counts_with_its_tissue_and_sequence(code, tissue, sequences, meaning):
    assert described(RADLEX, code, tissue, sequences) == meaning


# --------------------------------------------------------------------------------------------------------- diagnoses


@pytest.mark.parametrize(
    ("system", "code", "meaning"),
    [
        (SNOMED, "9631008", CodedMeaning("axspa", place=Place("si_joint"))),
        (SNOMED, "55146009", CodedMeaning("axspa", place=Place("si_joint"))),
        (RADLEX, "RID3603", CodedMeaning("axspa")),
        (ICD10_CM, "M45.A8", CodedMeaning("axspa", place=Place("si_joint"))),
        (ICD10_CM, "M45.A2", CodedMeaning("axspa", place=Place("vertebra"))),
        (ICD10_CM, "M45.2", CodedMeaning("axspa", place=Place("vertebra"))),
        (ICD10_CM, "M45.9", CodedMeaning("axspa", place=Place("si_joint"))),
        (ICD10_CM, "M46.1", CodedMeaning("axspa", place=Place("si_joint"))),
        (SNOMED, "203476003", CodedMeaning("osteonecrosis", place=Place("femoral_head"))),
        (SNOMED, "29281007", CodedMeaning("osteonecrosis", place=Place("hip"))),
        (ICD10_CM, "M87.051", CodedMeaning("osteonecrosis", place=Place(None, "right", FEMUR_SITES))),
        (ICD10_CM, "M87.256", CodedMeaning("osteonecrosis", place=Place(None, None, FEMUR_SITES))),
        (ICD10_CM, "M87.072", CodedMeaning("osteonecrosis", place=Place("foot_ankle", "left"))),
        (ICD10_CM, "M87.180", CodedMeaning("osteonecrosis", place=Place("other"))),
        (ICD10, "M87.0", CodedMeaning("osteonecrosis")),
        (SNOMED, "702561005", CodedMeaning("sif")),
        (SNOMED, "240159007", CodedMeaning("tbmes", place=Place("hip"))),
        (SNOMED, "40970001", CodedMeaning("osteomyelitis", chronic=True)),
        (SNOMED, "28769004", CodedMeaning("osteomyelitis", place=Place("foot_ankle"))),
        (ICD10_CM, "M86.171", CodedMeaning("osteomyelitis", place=RIGHT_FOOT)),
        (ICD10_CM, "M86.672", CodedMeaning("osteomyelitis", place=Place("foot_ankle", "left"), chronic=True)),
        (ICD10_CM, "M86.8X7", CodedMeaning("osteomyelitis", place=Place("foot_ankle"))),
        (ICD10_CM, "M46.26", CodedMeaning("osteomyelitis", place=Place("vertebra"))),
        (SNOMED, "700437007", CodedMeaning("charcot", place=Place("foot_ankle"))),
        (ICD10_CM, "E11.610", CodedMeaning("charcot")),
        (ICD10_CM, "M14.671", CodedMeaning("charcot", place=RIGHT_FOOT)),
        (ICD10_CM, "C90.00", CodedMeaning("malignancy")),
        (ICD10_CM, "C79.51", CodedMeaning("malignancy")),
        (SNOMED, "396234004", CodedMeaning("septic_arthritis")),
        (ICD10_CM, "M00.862", CodedMeaning("septic_arthritis", place=Place("knee", "left"))),
        (ICD10_CM, "M84.374A", CodedMeaning("stress_fracture", place=RIGHT_FOOT)),
        (LOCAL, "tbmes", CodedMeaning("tbmes")),
    ],
)
def test_a_diagnosis_code_names_its_cause(system, code, meaning):
    assert diagnosis_of(system, code) == meaning


def test_a_diagnosis_is_never_a_finding():
    findings = {(system, code): finding_of(system, code) for system, code in DIAGNOSIS_CODES}

    assert {key: found for key, found in findings.items() if found} == {}


@pytest.mark.parametrize(
    ("system", "code", "fact"),
    [
        pytest.param(ICD10_CM, "M84.459A", "sif", id="pathological-fracture"),
        pytest.param(ICD10, "M84.4", "sif", id="pathological-fracture-who"),
        pytest.param(ICD10_CM, "M86.30", "osteomyelitis", id="multifocal-osteomyelitis"),
        pytest.param(ICD10_CM, "D47.2", "malignancy", id="monoclonal-gammopathy"),
        pytest.param(SNOMED, "109983007", "malignancy", id="monoclonal-gammopathy-snomed"),
        pytest.param(SNOMED, "2304001", "septic_arthritis", id="discitis"),
    ],
)
def test_a_code_that_may_mean_something_else_is_indeterminate(system, code, fact):
    meaning = diagnosis_of(system, code)

    assert meaning is not None
    assert (meaning.fact, meaning.state) == (fact, State.INDETERMINATE)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        pytest.param(SNOMED, "84172003", id="spondylitis-of-any-cause"),
        pytest.param(ICD10_CM, "M46.90", id="unspecified-spondylopathy"),
        pytest.param(ICD10_CM, "M46.50", id="infective-spondylopathy-is-no-axspa"),
        pytest.param(ICD10_CM, "M84.50XA", id="fracture-in-neoplastic-disease"),
        pytest.param(ICD10_CM, "M84.459S", id="sequela"),
        pytest.param(ICD10_CM, "M84.374S", id="stress-fracture-sequela"),
        pytest.param(ICD10_CM, "C90.01", id="myeloma-in-remission"),
        pytest.param(ICD10_CM, "C84.7B", id="lymphoma-in-remission"),
        pytest.param(ICD10_CM, "C50.911", id="breast-cancer-is-no-marrow-disease"),
        pytest.param(ICD10_CM, "E11.618", id="other-diabetic-arthropathy"),
        pytest.param(ICD10_CM, "Z87.39", id="history-of-other-disease"),
        pytest.param(ICD10_CM, "M88.0", id="next-chapter"),
    ],
)
def test_a_family_does_not_reach_beyond_its_meaning(system, code):
    assert diagnosis_of(system, code) is None


@pytest.mark.parametrize("code", ["C90.02", "C84.7A", "C95.90"], ids=["relapse", "breast-implant-lymphoma", "active"])
def test_a_cancer_that_is_not_in_remission_is_named(code):
    assert diagnosis_of(ICD10_CM, code) == CodedMeaning("malignancy")


def test_osteomyelitis_that_is_over_is_earlier_osteomyelitis_there():
    assert history_of(ICD10_CM, "M86.171") == CodedMeaning("prior_osteomyelitis", place=RIGHT_FOOT)
    assert history_of(SNOMED, "9631008") is None


def test_history_of_other_musculoskeletal_disease_is_no_earlier_osteomyelitis():
    assert history_of(ICD10_CM, "Z87.39") is None
    assert context_of(ICD10_CM, "Z87.39") == ()
    assert refused(ICD10_CM, "Z87.39") == "history of any other musculoskeletal disease, not certainly osteomyelitis"


# ----------------------------------------------------------------------------------------------------------- context


@pytest.mark.parametrize(
    ("system", "code", "meanings"),
    [
        (SNOMED, "44054006", (CodedMeaning("diabetes"),)),
        (ICD10_CM, "E11.65", (CodedMeaning("diabetes"),)),
        (ICD10, "E14.9", (CodedMeaning("diabetes"),)),
        (ICD10_CM, "E11.42", (CodedMeaning("diabetes"), CodedMeaning("neuropathy"))),
        (ICD10_CM, "E11.621", (CodedMeaning("diabetes"), CodedMeaning("foot_ulcer", place=Place("foot_ankle")))),
        (ICD10_CM, "E10.610", (CodedMeaning("diabetes"), CodedMeaning("charcot"))),
        (SNOMED, "201724008", (CodedMeaning("diabetes"), CodedMeaning("charcot"))),
        (ICD10_CM, "M14.671", (CodedMeaning("charcot", place=RIGHT_FOOT),)),
        (ICD10_CM, "L97.511", (CodedMeaning("foot_ulcer", place=RIGHT_FOOT),)),
        (ICD10_CM, "S90.31XA", (CodedMeaning("acute_trauma", place=RIGHT_FOOT),)),
        (ICD10_CM, "T14.8XXA", (CodedMeaning("acute_trauma"),)),
        (ICD10_CM, "G89.11", (CodedMeaning("acute_pain"), CodedMeaning("acute_trauma"))),
        (SNOMED, "274663001", (CodedMeaning("acute_pain"),)),
        (ICD10_CM, "Z39.1", (CodedMeaning("postpartum"), CodedMeaning("lactation"))),
        (ICD10, "Z39.1", (CodedMeaning("postpartum"), CodedMeaning("lactation"))),
        (SNOMED, "160634009", (CodedMeaning("athlete"),)),
        (SNOMED, "134407002", (CodedMeaning("chronic_back_pain"),)),
        (ICD10_CM, "C50.911", (CodedMeaning("known_malignancy"),)),
        (ICD10_CM, "C79.51", (CodedMeaning("known_malignancy"),)),
        (SNOMED, "109989006", (CodedMeaning("known_malignancy"),)),
        (ICD10_CM, "D46.9", (CodedMeaning("known_malignancy"),)),
        (ICD10_CM, "L40.53", (CodedMeaning("psoriasis"),)),
        (ICD10_CM, "K51.90", (CodedMeaning("ibd"),)),
        (ICD10_CM, "M06.9", (CodedMeaning("rheumatoid_arthritis"),)),
        (ICD10_CM, "D57.1", (CodedMeaning("sickle_cell"),)),
        (ICD10_CM, "R79.82", (CodedMeaning("crp_raised"),)),
        (SNOMED, "165468009", (CodedMeaning("esr_raised"),)),
        (ICD10_CM, "D72.829", (CodedMeaning("wbc_raised"),)),
        (ICD10_CM, "I21.9", (CodedMeaning("myocardial_infarction"),)),
    ],
)
def test_a_condition_code_states_its_context(system, code, meanings):
    assert context_of(system, code) == meanings


@pytest.mark.parametrize(
    ("code", "fact"),
    [
        pytest.param("E11.A", "diabetes", id="diabetes-in-remission"),
        pytest.param("C90.01", "known_malignancy", id="myeloma-in-remission"),
        pytest.param("D47.2", "known_malignancy", id="monoclonal-gammopathy"),
        pytest.param("I25.2", "myocardial_infarction", id="old-infarction"),
    ],
)
def test_context_that_is_open_is_indeterminate(code, fact):
    assert context_of(ICD10_CM, code) == (CodedMeaning(fact, state=State.INDETERMINATE),)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        pytest.param(ICD10_CM, "E10.A0", id="presymptomatic-diabetes"),
        pytest.param(ICD10_CM, "R73.03", id="prediabetes"),
        pytest.param(ICD10_CM, "O24.410", id="gestational-diabetes"),
        pytest.param(ICD10_CM, "C44.311", id="skin-cancer"),
        pytest.param(ICD10_CM, "D57.3", id="sickle-cell-trait"),
        pytest.param(ICD10_CM, "S90.31XD", id="bruise-later-encounter"),
        pytest.param(ICD10_CM, "S90.31XS", id="bruise-sequela"),
        pytest.param(ICD10_CM, "S90.31", id="bruise-without-encounter"),
        pytest.param(ICD10_CM, "R50.2", id="drug-fever"),
        pytest.param(ICD10_CM, "M81.6", id="localized-osteoporosis"),
        pytest.param(ICD10_CM, "H20.03", id="infectious-uveitis"),
        pytest.param(ICD10_CM, "D72.820", id="lymphocytosis"),
        pytest.param(ICD10_CM, "M06.4", id="inflammatory-polyarthropathy"),
        pytest.param(ICD10, "L97", id="ulcer-of-the-leg"),
        pytest.param(ICD10_CM, "M14.611", id="charcot-of-the-shoulder"),
        pytest.param(ICD10_CM, "M53.3", id="sacrococcygeal-disorder"),
        pytest.param(SNOMED, "60168000", id="active-osteomyelitis"),
    ],
)
def test_a_code_beside_a_context_family_states_none_of_it(system, code):
    assert context_of(system, code) == ()


def test_diabetic_foot_alone_is_not_an_ulcer():
    assert context_of(SNOMED, "280137006") == (CodedMeaning("diabetes"),)


@pytest.mark.parametrize(
    ("system", "code", "place"),
    [
        (SNOMED, "49218002", Place("hip")),
        (ICD10_CM, "M25.561", Place("knee", "right")),
        (ICD10_CM, "M79.672", Place("foot_ankle", "left")),
        (SNOMED, "12584003", Place()),
        (ICD10_CM, "M54.59", Place(may_be=frozenset({"vertebra", "si_joint"}))),
    ],
)
def test_plain_pain_has_a_place_and_is_not_acute(system, code, place):
    assert pain_of(system, code) == place
    assert context_of(system, code) == ()


# ------------------------------------------------------------------------------------------- qualifiers and statuses


@pytest.mark.parametrize(
    ("system", "code", "state", "unknown"),
    [
        (SNOMED, "52101004", State.PRESENT, False),
        (SNOMED, "2667000", State.ABSENT, False),
        (RADLEX, "RID39110", State.INDETERMINATE, False),
        (RADLEX, "RID36", State.INDETERMINATE, False),
        (SNOMED, "261665006", None, True),
        (DATA_ABSENT_REASON, "not-performed", None, True),
        (SNOMED, "39723000", None, False),
    ],
    ids=["present", "absent", "indeterminate", "probably-not", "unknown", "not-performed", "no-state"],
)
def test_a_value_code_gives_a_state(system, code, state, unknown):
    assert state_of(system, code) is state
    assert says_unknown(system, code) is unknown


@pytest.mark.parametrize(
    ("code", "finding", "laboratory"),
    [
        ("POS", State.PRESENT, None),
        ("A", State.PRESENT, None),
        ("N", State.ABSENT, State.ABSENT),
        ("NEG", State.ABSENT, None),
        ("H", None, State.PRESENT),
        ("HH", None, State.PRESENT),
        ("L", None, None),
    ],
)
def test_an_interpretation_speaks_of_findings_and_of_values_apart(code, finding, laboratory):
    assert interpreted(OBSERVATION_INTERPRETATION, code) is finding
    assert raised("http://hl7.org/fhir/v2/0078", code) is laboratory


@pytest.mark.parametrize(
    ("system", "code", "side"),
    [
        (SNOMED, "24028007", "right"),
        (RADLEX, "RID5824", "left"),
        (SNOMED, "51440002", "both"),
        (SNOMED, "66459002", None),
    ],
    ids=["right", "left", "both", "unilateral"],
)
def test_a_side_code_names_a_side(system, code, side):
    assert side_of(system, code) == side


@pytest.mark.parametrize(
    ("fact", "system", "code", "choice"),
    [
        ("t1_signal", RADLEX, "RID35804", "low"),
        ("t1_signal", RADLEX, "RID13173", "normal"),
        ("t1_signal", LOCAL, "t1-variable", "variable"),
        ("dce_pattern", LOCAL, "dce-subchondral-hyperperfusion", "subchondral_hyperperfusion"),
        ("dce_pattern", RADLEX, "RID39095", None),
        ("change", SNOMED, "7147002", "new"),
        ("change", RADLEX, "RID5734", "unchanged"),
        ("change", LOCAL, "change-decreased", "decreased"),
        ("change", LOCAL, "t1-low", None),
    ],
)
def test_a_value_code_is_a_choice_of_its_own_fact_only(fact, system, code, choice):
    assert choice_of(fact, system, code) == choice


def test_condition_statuses_are_read_as_the_decision_table_says():
    clinical = {code: clinical_status(CONDITION_CLINICAL, code) for code in ("relapse", "remission", "other")}
    believed = {code: verification(CONDITION_VERIFICATION, code) for code in ("confirmed", "differential", "refuted")}

    assert clinical == {"relapse": ConditionStatus.ACTIVE, "remission": ConditionStatus.PAST, "other": None}
    assert believed == {
        "confirmed": Verification.CONFIRMED,
        "differential": Verification.DOUBTFUL,
        "refuted": Verification.VOID,
    }


# ------------------------------------------------------------------------------------------------------------- sites


@pytest.mark.parametrize(
    ("system", "code", "place"),
    [
        (SNOMED, "39723000", Place("si_joint", tissue=Tissue.JOINT)),
        (SNOMED, "2812003", Place("femoral_head", tissue=Tissue.BONE)),
        (SNOMED, "29836001", Place("hip", tissue=Tissue.REGION)),
        (SNOMED, "310651003", Place("hip", tissue=Tissue.BONE)),
        (SNOMED, "122474001", Place("medial_femoral_condyle", tissue=Tissue.BONE)),
        (SNOMED, "122475000", Place("knee_other", tissue=Tissue.BONE)),
        (RADLEX, "RID2577_RID5824", Place("si_joint", "left", tissue=Tissue.JOINT)),
        (SNOMED, "80144004", Place("foot_ankle", tissue=Tissue.BONE)),
        (SNOMED, "14016003", Place(tissue=Tissue.MARROW)),
    ],
)
def test_a_body_site_code_points_to_its_place(system, code, place):
    assert site_of(system, code) == place


def test_the_whole_sacrum_may_or_may_not_be_the_sacroiliac_joint():
    assert site_of(SNOMED, "54735007") == Place(may_be=frozenset({"si_joint", "other"}), tissue=Tissue.BONE)


def test_marrow_beside_an_edema_does_not_make_it_diffuse():
    place = site_of(SNOMED, "14016003")

    assert place is not None
    assert place.sites() == frozenset()


@pytest.mark.parametrize(
    ("stated", "study", "result"),
    [
        pytest.param("12921003", Place("si_joint", "left"), Place("si_joint", "left"), id="pelvis-on-si-joint-mri"),
        pytest.param("54735007", Place("si_joint"), Place("si_joint"), id="sacrum-on-si-joint-mri"),
        pytest.param("12921003", Place("hip", "right"), Place("hip", "right"), id="pelvis-on-hip-mri"),
        pytest.param("2812003", Place("hip", "right"), Place("femoral_head", "right"), id="own-words-win"),
        pytest.param("29836001", Place("femoral_head"), Place("femoral_head"), id="hip-narrowed"),
        pytest.param("29836001", Place("knee", "left"), Place("hip"), id="another-region"),
    ],
)
def test_a_study_settles_what_a_finding_leaves_open(stated, study, result):
    place = site_of(SNOMED, stated)
    assert place is not None

    settled = settle(place, study)

    assert (settled.site, settled.side, settled.may_be) == (result.site, result.side, result.may_be)


def test_two_regions_leave_what_they_share():
    pelvis, femur = site_of(SNOMED, "12921003"), site_of(SNOMED, "71341001")
    assert pelvis is not None
    assert femur is not None

    settled = settle(pelvis, femur)

    assert settled.may_be == {"femoral_head", "femoral_neck", "femoral_head_and_neck", "other"}


def test_a_finding_without_a_place_lies_where_the_study_looked():
    assert settle(Place(), Place("si_joint", "right")) == Place("si_joint", "right")


@pytest.mark.parametrize(
    ("site", "side", "may_be"),
    [("sacrum", None, frozenset()), ("hip", "middle", frozenset()), ("hip", None, frozenset({"other"}))],
    ids=["unknown-site", "unknown-side", "known-and-open"],
)
def test_a_place_that_cannot_be_is_refused(site, side, may_be):
    with pytest.raises(ValueError, match=r"unknown s|cannot also be"):
        Place(site, side, may_be)


# --------------------------------------------------------------------------------- orders, laboratory, medicines


@pytest.mark.parametrize(
    ("system", "code", "procedure"),
    [
        (LOINC, "36376-2", ImagingProcedure("MR", Place("si_joint"), Contrast.WITHOUT_AND_WITH)),
        (LOINC, "36020-6", ImagingProcedure("MR", Place("hip", "left"))),
        (SNOMED, "1332288001", ImagingProcedure("MR", Place("si_joint", "both"), Contrast.WITHOUT)),
        (SNOMED, "783627007", ImagingProcedure("XR", Place("si_joint"))),
    ],
)
def test_an_imaging_code_says_what_where_and_with_which_contrast(system, code, procedure):
    assert imaging_of(system, code) == procedure


def test_mri_of_the_pelvis_may_be_of_the_sacroiliac_joints():
    pelvis = imaging_of(CPT, "72195")

    assert pelvis is not None
    assert pelvis.place.site is None
    assert {"si_joint", "femoral_head"} < pelvis.place.may_be


@pytest.mark.parametrize(
    ("system", "code", "name"),
    [
        (RADLEX, "RID28699", "stir"),
        (DICOM, "110804", "t1"),
        (DICOM, "130567", "dce"),
        (RADLEX, "RID10685", "fat_suppressed"),
    ],
)
def test_a_sequence_code_names_its_sequence(system, code, name):
    assert sequence_of(system, code) == name


@pytest.mark.parametrize(
    ("system", "code", "procedure"),
    [
        (SNOMED, "86273004", Procedure(ProcedureKind.BIOPSY)),
        (CPT, "27130", Procedure(ProcedureKind.ARTHROPLASTY, Place("hip"))),
        (SNOMED, "609588000", Procedure(ProcedureKind.ARTHROPLASTY, Place("knee"))),
        (SNOMED, "182572009", Procedure(ProcedureKind.CAST, Place("foot_ankle"))),
        (SNOMED, "710959006", Procedure(ProcedureKind.IMMOBILISATION)),
    ],
)
def test_a_procedure_code_says_what_is_done_where(system, code, procedure):
    assert procedure_of(system, code) == procedure


def test_report_codes_say_what_text_they_hold():
    assert section_of(LOINC, "19005-8") == "impression"
    assert section_of(LOINC, "59776-5") == "findings"
    assert report_category_of("http://hl7.org/fhir/v2/0074", "RAD") == "imaging"
    assert report_category_of(LOINC, "LP29684-5") == "imaging"


@pytest.mark.parametrize(
    ("look_up", "system", "code", "meaning"),
    [
        (modality_of, DICOM, "MR", "MR"),
        (modality_of, DICOM, "CT", None),
        (contrast_of, RADLEX, "RID28769", Contrast.WITH),
    ],
)
def test_a_category_code_says_its_kind(look_up, system, code, meaning):
    assert look_up(system, code) == meaning


def test_laboratory_codes_name_their_test_and_the_fact_behind_it():
    named = {code: analyte_of(LOINC, code) for code in ("30522-7", "4537-7", "26464-8", "8310-5", "2532-0")}

    assert named == {"30522-7": "crp", "4537-7": "esr", "26464-8": "wbc", "8310-5": "temperature", "2532-0": None}
    assert set(RAISED_FACTS.values()) <= CONTEXT_FACTS


@pytest.mark.parametrize(
    ("system", "code", "medicine"),
    [
        (RXNORM, "40138", Medicine.ILOPROST),
        (ATC, "M01AE01", Medicine.NSAID),
        (ATC, "M01AC06", Medicine.NSAID),
        (ATC, "M01AX05", None),
        (ATC, "L04AB02", Medicine.ANTI_TNF),
        (ATC, "L04AC10", Medicine.ANTI_IL17),
        (ATC, "L04AC05", None),
        (ATC, "L04AF03", Medicine.JAK),
        (ATC, "L04AA29", Medicine.JAK),
        (ATC, "L04AA24", None),
        (SNOMED, "704313003", Medicine.JAK),
        (RXNORM, "1191", Medicine.ANTIPLATELET),
    ],
    ids=str,
)
def test_a_medication_code_belongs_to_its_class_and_no_wider(system, code, medicine):
    assert medicine_of(system, code) is medicine


@pytest.mark.parametrize(
    ("text", "medicine"),
    [
        ("Upadacitinib 15 MG Extended Release Oral Tablet", Medicine.JAK),
        ("INDOMETHACIN 25 mg capsule", Medicine.NSAID),
        ("Naproxen and ibuprofen", Medicine.NSAID),
        ("adalimumab or ibuprofen", None),
        ("iloprosta", None),
        ("", None),
    ],
)
def test_a_medicine_may_be_known_by_its_name(text, medicine):
    assert medicine_named(text) is medicine


# ---------------------------------------------------------------------------------------------- referrals, overrides


@pytest.mark.parametrize("target", REFERRALS)
def test_a_referral_we_send_is_recognised_when_it_comes_back(target):
    referral = REFERRALS[target]
    read = {referral_of(*code.key) for code in referral.codes}
    if referral.performer_type:
        read.add(referral_of(*referral.performer_type.key))

    assert read - {None} == {target}
    assert all(is_referral(*code.key) for code in referral.codes)


def test_a_referral_to_somebody_else_is_not_the_one_a_card_calls_for():
    assert referral_of(SNOMED, "183530004") == "diabetology"
    assert referral_of(SNOMED, "183529009") == "oncology"
    assert referral_of(SNOMED, "3457005") is None
    assert is_referral(SNOMED, "3457005")
    assert not is_referral(SERVICE_TYPE, "182")


def test_every_override_reason_can_be_shown():
    systems = {reason.system for reason in OVERRIDE_REASONS}

    assert systems == {NON_ADHERENCE_REASON, LOCAL}
    assert all(reason.display for reason in OVERRIDE_REASONS)
    assert len({reason.key for reason in OVERRIDE_REASONS}) == len(OVERRIDE_REASONS)


# --------------------------------------------------------------------------------------- a site's own codes, our own


SITE = "https://ehr.example/codes"


def test_a_sites_own_codes_are_read():
    aliases = {
        (SITE, "ERO"): "erosion",
        (SITE, "T1L"): "t1_signal=low",
        (SITE, "DEPTH"): "depth_mm",
        (SITE, "BME?"): "bme=indeterminate",
        (SITE, "OM"): "osteomyelitis",
        (SITE, "DM"): "diabetes",
        (SITE, "NEG"): "state=absent",
        (SITE, "NA"): "state=unknown",
        (SITE, "FH-L"): "site=femoral_head/left",
        (SITE, "L"): "side=left",
        (SITE, "NSAID"): "medicine=nsaid",
        (SITE, "RHE"): "referral=rheumatology",
    }

    check_aliases(aliases)

    assert finding_of(SITE, "ERO", aliases) == CodedMeaning("erosion")
    assert finding_of(SITE, "T1L", aliases) == CodedMeaning("t1_signal", "low")
    assert choice_of("t1_signal", SITE, "T1L", aliases) == "low"
    assert finding_of(SITE, "DEPTH", aliases) == CodedMeaning("depth_mm")
    assert finding_of(SITE, "BME?", aliases) == CodedMeaning("bme", state=State.INDETERMINATE)
    assert diagnosis_of(SITE, "OM", aliases) == CodedMeaning("osteomyelitis")
    assert history_of(SITE, "OM", aliases) == CodedMeaning("prior_osteomyelitis")
    assert context_of(SITE, "DM", aliases) == (CodedMeaning("diabetes"),)
    assert state_of(SITE, "NEG", aliases) is State.ABSENT
    assert says_unknown(SITE, "NA", aliases)
    assert site_of(SITE, "FH-L", aliases) == Place("femoral_head", "left")
    assert side_of(SITE, "L", aliases) == "left"
    assert medicine_of(SITE, "NSAID", aliases) is Medicine.NSAID
    assert referral_of(SITE, "RHE", aliases) == "rheumatology"


def test_a_sites_own_code_answers_only_its_own_question():
    aliases = {(SITE, "ERO"): "erosion"}

    assert diagnosis_of(SITE, "ERO", aliases) is None
    assert context_of(SITE, "ERO", aliases) == ()
    assert state_of(SITE, "ERO", aliases) is None
    assert finding_of(SITE, "ERO") is None


def test_a_site_can_correct_a_code_of_ours():
    aliases = {(RADLEX, "RID5227"): "bme=indeterminate"}

    assert finding_of("http://www.radlex.org", "RID5227", aliases) == CodedMeaning("bme", state=State.INDETERMINATE)


def test_a_sites_cancer_code_is_also_known_malignancy():
    aliases = {(SITE, "CA"): "malignancy"}

    assert context_of(SITE, "CA", aliases) == (CodedMeaning("known_malignancy"),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("erosoin", "there is no fact 'erosoin'; did you mean 'erosion'?"),
        ("xyz", "there is no fact 'xyz'; known: "),
        ("t1_signal=dark", "t1_signal cannot be 'dark'; it takes high, low, normal, variable"),
        ("depth_mm=12", "depth_mm cannot be '12'; it takes no value"),
        ("site=sacrum", "site cannot be 'sacrum'"),
        ("side=", "side cannot be ''"),
    ],
)
def test_an_alias_nobody_would_understand_is_refused(text, why):
    with pytest.raises(ValueError, match=f"^alias for ERO of {SITE}: ") as refusal:
        check_aliases({(SITE, "ERO"): text})

    assert why in str(refusal.value)


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda concept: concept.code)
def test_a_concept_of_ours_is_explained(concept):
    assert concept.definition.endswith(".")
    assert concept.display != concept.definition
