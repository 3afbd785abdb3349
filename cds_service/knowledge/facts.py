"""Every fact a rule may ask for: the inputs of the decision table (sections 1.2 and 1.3).

``source`` says where the input comes from: a statement of the source document, or "beyond" with its own source.
"""

from __future__ import annotations

from cds_service.model.condition import SITE, Condition, Fact, Kind, Scope

# Imaging findings of one lesion

BME = Fact("bme", "bone marrow edema", source="S2 S6 S28")
T1_SIGNAL = Fact(
    "t1_signal", "marrow signal on T1", Kind.CHOICE, choices=("normal", "high", "variable", "low"), source="S6 S7 S29"
)
DEPTH = Fact("depth_mm", "depth of edema from the articular surface", Kind.NUMBER, unit="mm", source="S10")
EROSION = Fact("erosion", "erosion", source="S18 S52")
FATTY_LESION = Fact("fatty_lesion", "subchondral fatty deposition", source="S19 S52")
SCLEROSIS = Fact("sclerosis", "sclerosis", source="S52")
ANKYLOSIS = Fact("ankylosis", "ankylosis", source="S19 S52")
IA_T1_HYPERINTENSITY = Fact("ia_t1_hyperintensity", "intra-articular T1 hyperintensity", source="S19")
T2_JOINT_FLUID = Fact("t2_joint_fluid", "T2-hyperintense joint fluid", source="S19")
SYNOVITIS = Fact("synovitis", "synovitis", source="S16")
EFFUSION = Fact("effusion", "joint effusion", source="S16 S20")
RIM_SIGN = Fact("rim_sign", "rim sign of a necrotic focus", source="S20 S44")
DCE_PATTERN = Fact(
    "dce_pattern",
    "pattern on dynamic contrast-enhanced MRI",
    Kind.CHOICE,
    choices=("other", "subchondral_hyperperfusion", "decreased_max_enhancement", "rim_high_flow_no_flow_core"),
    source="S22 S23 S24",
    asked_for=False,  # its absence is normal (decision table 5.2); a rule asks for it where it helps
)
SUBCHONDRAL_FRACTURE_LINE = Fact(
    "subchondral_fracture_line", "subchondral fracture line", source="beyond: Thieme review 10.1055/a-2344-5337"
)
DIFFUSE_EDEMA_HEAD_NECK = Fact(
    "diffuse_edema_head_neck", "diffuse edema of the femoral head and neck", source="S44", asked_for=False
)
DIFFUSE_MARROW_SIGNAL = Fact("diffuse_marrow_signal", "diffuse marrow signal change", source="S34", asked_for=False)
INCIDENTAL = Fact("incidental", "incidental finding", source="S34")
RADIOGRAPH = Fact(
    "radiograph", "radiograph", Kind.CHOICE, Scope.PATIENT, choices=("normal", "abnormal", "not_done"), source="S14 S27"
)

# The study


def _sequence(name: str, label: str, source: str) -> Fact:
    return Fact(name, label, Kind.CHOICE, Scope.STUDY, choices=("acquired", "not_acquired"), source=source)


SEQ_STIR = _sequence("seq.stir", "STIR sequence", "S4")
SEQ_T2 = _sequence("seq.t2", "T2 sequence", "S4")
SEQ_T1 = _sequence("seq.t1", "T1 sequence", "S4")
SEQ_DCE = _sequence("seq.dce", "dynamic contrast series", "S21")
CHANGE = Fact(
    "change",
    "change from the prior study",
    Kind.CHOICE,
    Scope.STUDY,
    choices=("decreased", "unchanged", "increased", "new"),
    source="S48",
)

# The patient

AGE = Fact("age", "age", Kind.NUMBER, Scope.PATIENT, unit="years", source="S13")
SEX = Fact("sex", "sex", Kind.CHOICE, Scope.PATIENT, choices=("male", "female", "other"), source="S25")


def _patient(name: str, label: str, source: str) -> Fact:
    return Fact(name, label, scope=Scope.PATIENT, source=source)


POSTPARTUM = _patient("postpartum", "postpartum", "S12 S50")
ATHLETE = _patient("athlete", "athlete", "S12 S50")
HEALTHY_CONTROL = _patient("healthy_control", "healthy person without symptoms", "S12")
ACUTE_PAIN = _patient("acute_pain", "acute pain at this region", "S13")
ACUTE_TRAUMA = _patient("acute_trauma", "acute trauma", "S1 S45")
PRIOR_TRAUMA_OR_SURGERY = _patient("prior_trauma_or_surgery", "earlier trauma or surgery here", "S33")
DIABETES = _patient("diabetes", "diabetes", "S30 S53")
CHARCOT_ARTHROPATHY = _patient("charcot", "Charcot arthropathy", "S30 S54")
CHRONIC_BACK_PAIN = _patient("chronic_back_pain", "chronic back pain", "S50")
DEGENERATIVE_CHANGE = _patient("degenerative_change", "degenerative change", "S50")
KNOWN_MALIGNANCY = _patient("known_malignancy", "known malignancy", "beyond: Spierings 2014")
FOOT_ULCER = _patient("foot_ulcer", "foot ulcer", "beyond: IWGDF/IDSA 2023")
FEVER = _patient("fever", "fever", "beyond: IWGDF/IDSA 2023")
CRP_RAISED = _patient("crp_raised", "raised C-reactive protein", "beyond: IWGDF/IDSA 2023")
ESR_RAISED = _patient("esr_raised", "raised erythrocyte sedimentation rate", "beyond: IWGDF/IDSA 2023")
WBC_RAISED = _patient("wbc_raised", "raised white cell count", "beyond: IWGDF/IDSA 2023")
PRIOR_OSTEOMYELITIS = _patient(
    "prior_osteomyelitis", "earlier osteomyelitis of this bone", "S33; beyond: IWGDF/IDSA 2023"
)
NEUROPATHY = _patient("neuropathy", "peripheral neuropathy", "beyond: IWGDF 2023")

# Cautions of the iloprost label (beyond: iloprost SmPC 4.3)

PREGNANCY = _patient("pregnancy", "pregnancy", "beyond: iloprost SmPC 4.3")
LACTATION = _patient("lactation", "lactation", "beyond: iloprost SmPC 4.3")
BLEEDING_RISK = _patient("bleeding_risk", "bleeding risk", "beyond: iloprost SmPC 4.3")
RECENT_INFARCTION = _patient(
    "myocardial_infarction", "myocardial infarction within 6 months", "beyond: iloprost SmPC 4.3"
)
UNSTABLE_ANGINA = _patient("unstable_angina", "unstable angina", "beyond: iloprost SmPC 4.3")
HEART_FAILURE = _patient("heart_failure", "heart failure", "beyond: iloprost SmPC 4.3")
RECENT_STROKE = _patient("stroke_or_tia", "stroke or TIA within 3 months", "beyond: iloprost SmPC 4.3")
ANTICOAGULATION = _patient("anticoagulation", "anticoagulation", "beyond: general pharmacology, not verified")

# Other reasons for a biologic or a JAK inhibitor (order check O7)

PSORIASIS = _patient("psoriasis", "psoriasis", "O7")
UVEITIS = _patient("uveitis", "uveitis", "O7")
INFLAMMATORY_BOWEL_DISEASE = _patient("ibd", "inflammatory bowel disease", "O7")
RHEUMATOID_ARTHRITIS = _patient("rheumatoid_arthritis", "rheumatoid arthritis", "O7")
HIDRADENITIS = _patient("hidradenitis", "hidradenitis", "O7")

# Diagnoses that the report, its conclusion code or a Condition names (rule G0)


def _named(name: str, label: str, source: str = "G0") -> Fact:
    return Fact(name, f"{label}, as a named diagnosis", source=source, asked_for=False)


NAMED_AXSPA = _named("axspa", "axial spondyloarthritis or sacroiliitis")
NAMED_OSTEONECROSIS = _named("osteonecrosis", "osteonecrosis")
NAMED_SIF = _named("sif", "insufficiency fracture")
NAMED_TBMES = _named("tbmes", "transient bone marrow edema syndrome")
NAMED_OSTEOMYELITIS = _named("osteomyelitis", "osteomyelitis")
NAMED_CHARCOT = _named("named.charcot", "Charcot arthropathy")
NAMED_MALIGNANCY = _named("malignancy", "malignancy")
SEPTIC_ARTHRITIS = _named("septic_arthritis", "septic arthritis or abscess", "3.10.9")
STRESS_FRACTURE = _named("stress_fracture", "stress fracture", "3.10.9")


def known(named: Fact) -> Fact:
    """Return the fact that a diagnosis was recorded before this study and is not repeated by its report (G0)."""
    label = named.label.replace(", as a named diagnosis", "")
    return Fact(f"known.{named.name}", f"{label}, known before this study", source="G0", asked_for=False)


KNOWN_AXSPA = known(NAMED_AXSPA)
KNOWN_OSTEONECROSIS = known(NAMED_OSTEONECROSIS)
KNOWN_SIF = known(NAMED_SIF)
KNOWN_TBMES = known(NAMED_TBMES)
KNOWN_OSTEOMYELITIS = known(NAMED_OSTEOMYELITIS)
KNOWN_MALIGNANCY_HERE = known(NAMED_MALIGNANCY)

# A draft order

DRAFT_KIND = Fact(
    "order.kind",
    "kind of order",
    Kind.CHOICE,
    Scope.DRAFT,
    choices=("mri", "radiograph", "medication", "arthroplasty", "biopsy", "immobilisation", "referral", "other"),
    source="section 4",
)
DRAFT_SITE = Fact(
    "order.site",
    "site of the order",
    Kind.CHOICE,
    Scope.DRAFT,
    choices=("si_joint", "hip", "knee", "foot_ankle", "vertebra", "diffuse_marrow", "other"),
    source="section 4",
)
DRAFT_T1 = Fact("order.t1", "T1 named in the order", scope=Scope.DRAFT, source="S4")
DRAFT_FLUID = Fact("order.fluid", "STIR or T2 named in the order", scope=Scope.DRAFT, source="S4")

DRAFT_WITH_MRI = Fact(
    "order.with_mri", "MRI of the same region among the drafts", scope=Scope.DRAFT, source="section 4, O3"
)
DRAFT_CONTRAST = Fact("order.contrast", "contrast named in the order", scope=Scope.DRAFT, source="section 4, O4")
DRAFT_DRUG = Fact(
    "order.drug",
    "class of the ordered medicine",
    Kind.CHOICE,
    Scope.DRAFT,
    choices=("other", "nsaid", "anti_tnf", "anti_il17", "jak", "iloprost"),
    source="section 4",
)
DRAFT_INHALED = Fact("order.inhaled", "inhaled route", scope=Scope.DRAFT, source="section 4, O11")
DRAFT_MARROW = Fact("order.marrow", "bone marrow as the site of a biopsy", scope=Scope.DRAFT, source="section 4, O15")


def _ordered(name: str, label: str, unit: str, source: str) -> Fact:
    return Fact(name, label, Kind.NUMBER, Scope.DRAFT, unit, source=source)


DRAFT_DOSE = _ordered("order.dose_ug", "ordered dose", "ug", "S42")
DRAFT_INFUSION = _ordered("order.infusion_h", "ordered duration of the infusion", "h", "S42")
DRAFT_PER_DAY = _ordered("order.per_day", "ordered times a day", "", "S42")
DRAFT_DAYS = _ordered("order.days", "ordered number of days", "days", "S42")
DRAFT_WEEKS = _ordered("order.weeks", "ordered duration of immobilisation", "weeks", "S45")

FACTS = {fact.name: fact for fact in [*globals().values(), SITE] if isinstance(fact, Fact)}
"""Every fact by name."""

IMAGING_FINDINGS: tuple[Fact, ...] = (
    BME,
    EROSION,
    FATTY_LESION,
    SCLEROSIS,
    ANKYLOSIS,
    IA_T1_HYPERINTENSITY,
    T2_JOINT_FLUID,
    SYNOVITIS,
    EFFUSION,
    RIM_SIGN,
    SUBCHONDRAL_FRACTURE_LINE,
    DIFFUSE_EDEMA_HEAD_NECK,
    DIFFUSE_MARROW_SIGNAL,
)


def any_present(*facts: Fact) -> Condition:
    """Return the condition that at least one of these facts is present."""
    condition: Condition = facts[0].present
    for fact in facts[1:]:
        condition = condition | fact.present
    return condition


def any_not_excluded(*facts: Fact) -> Condition:
    """Return the condition that at least one of these facts is present or indeterminate."""
    condition: Condition = facts[0].not_excluded
    for fact in facts[1:]:
        condition = condition | fact.not_excluded
    return condition


def all_absent(*facts: Fact) -> Condition:
    """Return the condition that every one of these facts is stated as absent."""
    condition: Condition = facts[0].absent
    for fact in facts[1:]:
        condition = condition & fact.absent
    return condition
