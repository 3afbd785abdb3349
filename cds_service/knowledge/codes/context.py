"""Codes of what a decision needs to know about the patient (decision table 1.3), as Conditions carry them.

A code can say several things at once: ``E11.621`` is diabetes and a foot ulcer. Windows of time (acute pain and
trauma, childbirth, infarction, stroke) are the reader's business: a code knows no date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from cds_service.knowledge.codes.diagnoses import (
    BOTH,
    NAMED_DIAGNOSES,
    REMISSION,
    diagnosis_of,
)
from cds_service.knowledge.codes.entry import (
    Aliases,
    CodedMeaning,
    Encounter,
    Entry,
    Key,
    PrefixRule,
    alias_of,
    by_prefix,
    index,
    index_prefixes,
)
from cds_service.knowledge.codes.icd10 import JOINT_PLACES, Places, sided
from cds_service.knowledge.codes.sites import FOOT_ANKLE, HIP, KNEE, LOW_BACK, SI_JOINT, Place
from cds_service.knowledge.codes.sources import (
    EXETER_CHARCOT,
    ICD10_CM_TABLE,
    ICD10_TABLES,
    ICD10_WHO_TABLE,
    SNOMED_GPS,
    omop,
)
from cds_service.model.coding import ICD10, ICD10_CM, Icd10Code, SnomedCode, key_of
from cds_service.model.finding import State

Meanings = tuple[CodedMeaning, ...]

CONTEXT_FACTS = frozenset(
    {
        "postpartum",
        "pregnancy",
        "lactation",
        "athlete",
        "healthy_control",
        "acute_pain",
        "acute_trauma",
        "prior_trauma_or_surgery",
        "diabetes",
        "charcot",
        "neuropathy",
        "foot_ulcer",
        "chronic_back_pain",
        "degenerative_change",
        "known_malignancy",
        "fever",
        "sepsis",
        "crp_raised",
        "esr_raised",
        "wbc_raised",
        "prior_osteomyelitis",
        "steroid",
        "alcohol",
        "sickle_cell",
        "osteoporosis",
        "psoriasis",
        "uveitis",
        "ibd",
        "rheumatoid_arthritis",
        "hidradenitis",
        "hla_b27",
        "unstable_angina",
        "myocardial_infarction",
        "heart_failure",
        "bleeding_risk",
        "stroke_or_tia",
        "anticoagulation",
    }
)
"""Every context fact that a code or a site's alias can state. Readers with a date apply their window to
``acute_pain``, ``acute_trauma``, ``postpartum``, ``myocardial_infarction`` and ``stroke_or_tia``."""

OTHER_BIOLOGIC_INDICATIONS = frozenset({"psoriasis", "uveitis", "ibd", "rheumatoid_arthritis", "hidradenitis"})
"""Diseases for which anti-TNF, anti-IL-17 or JAK inhibitors are given for their own sake (decision table 4, O7)."""

CAUTION_DAYS: Mapping[str, int] = MappingProxyType({"myocardial_infarction": 184, "stroke_or_tia": 92})
"""For how many days an event stands against iloprost, even when it is over: six and three months, at their longest."""


def _says(*facts: str, place: Place | None = None) -> Meanings:
    return tuple(CodedMeaning(fact, place=place or Place()) for fact in facts)


def _perhaps(fact: str) -> Meanings:
    return (CodedMeaning(fact, state=State.INDETERMINATE),)


CONTEXT: tuple[Entry[Meanings], ...] = (
    Entry(SnomedCode("86569001", "Postpartum state (finding)"), _says("postpartum"), SNOMED_GPS),
    Entry(SnomedCode("133906008", "Postpartum care (regime/therapy)"), _says("postpartum"), SNOMED_GPS),
    Entry(Icd10Code("Z39.2", "Encounter for routine postpartum follow-up"), _says("postpartum"), ICD10_CM_TABLE),
    Entry(
        Icd10Code("Z39.1", "Encounter for care and examination of lactating mother"),
        _says("postpartum", "lactation"),
        ICD10_CM_TABLE,
    ),
    Entry(SnomedCode("77386006", "Pregnant (finding)"), _says("pregnancy"), SNOMED_GPS),
    Entry(Icd10Code("Z33.1", "Pregnant state, incidental"), _says("pregnancy"), ICD10_CM_TABLE),
    Entry(SnomedCode("160634009", "Competitive athlete (finding)"), _says("athlete"), SNOMED_GPS),
    Entry(SnomedCode("73211009", "Diabetes mellitus (disorder)"), _says("diabetes"), SNOMED_GPS),
    Entry(SnomedCode("44054006", "Diabetes mellitus type 2 (disorder)"), _says("diabetes"), SNOMED_GPS),
    Entry(SnomedCode("46635009", "Diabetes mellitus type 1 (disorder)"), _says("diabetes"), SNOMED_GPS),
    # Charcot codes that also say diabetes; that they say Charcot is added from the diagnoses below.
    Entry(
        SnomedCode("201724008", "Neuropathic arthropathy due to diabetes mellitus (disorder)"),
        _says("diabetes"),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("781000119106", "Neuropathic arthropathy due to type 2 diabetes mellitus (disorder)"),
        _says("diabetes"),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("71771000119100", "Diabetes mellitus type 1 with diabetic Charcot's arthropathy"),
        _says("diabetes"),
        EXETER_CHARCOT,
    ),
    Entry(
        SnomedCode("424736006", "Peripheral neuropathy due to diabetes mellitus (disorder)"),
        _says("diabetes", "neuropathy"),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("230572002", "Neuropathy due to diabetes mellitus (disorder)"),
        _says("diabetes", "neuropathy"),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("49455004", "Polyneuropathy due to diabetes mellitus (disorder)"),
        _says("diabetes", "neuropathy"),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("713706002", "Polyneuropathy due to type 2 diabetes mellitus (disorder)"),
        _says("diabetes", "neuropathy"),
        SNOMED_GPS,
    ),
    Entry(SnomedCode("302226006", "Peripheral nerve disease (disorder)"), _says("neuropathy"), SNOMED_GPS),
    Entry(SnomedCode("386033004", "Neuropathy (disorder)"), _says("neuropathy"), SNOMED_GPS),
    Entry(Icd10Code("G62.9", "Polyneuropathy, unspecified"), _says("neuropathy"), ICD10_CM_TABLE),
    Entry(
        SnomedCode("371087003", "Ulcer of foot due to diabetes mellitus (disorder)"),
        (*_says("diabetes"), *_says("foot_ulcer", place=FOOT_ANKLE)),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("201251005", "Neuropathic ulcer of foot due to diabetes mellitus (disorder)"),
        (*_says("diabetes", "neuropathy"), *_says("foot_ulcer", place=FOOT_ANKLE)),
        SNOMED_GPS,
    ),
    Entry(SnomedCode("95345008", "Ulcer of foot (disorder)"), _says("foot_ulcer", place=FOOT_ANKLE), SNOMED_GPS),
    # "Diabetic foot" alone is not an ulcer (3.10.7).
    Entry(SnomedCode("280137006", "Diabetic foot (disorder)"), _says("diabetes"), SNOMED_GPS),
    Entry(SnomedCode("386661006", "Fever (finding)"), _says("fever"), SNOMED_GPS),
    Entry(Icd10Code("R50.9", "Fever, unspecified"), _says("fever"), ICD10_CM_TABLE),
    Entry(SnomedCode("91302008", "Sepsis (disorder)"), _says("sepsis"), SNOMED_GPS),
    # Germs in the blood are not yet sepsis.
    Entry(SnomedCode("5758002", "Bacteremia (finding)"), _perhaps("sepsis"), SNOMED_GPS),
    Entry(SnomedCode("417746004", "Traumatic injury (disorder)"), _says("acute_trauma"), SNOMED_GPS),
    Entry(Icd10Code("G89.11", "Acute pain due to trauma"), _says("acute_pain", "acute_trauma"), ICD10_CM_TABLE),
    Entry(SnomedCode("274663001", "Acute pain (finding)"), _says("acute_pain"), SNOMED_GPS),
    Entry(SnomedCode("278860009", "Chronic low back pain (finding)"), _says("chronic_back_pain"), SNOMED_GPS),
    Entry(SnomedCode("134407002", "Chronic back pain (finding)"), _says("chronic_back_pain"), SNOMED_GPS),
    Entry(SnomedCode("396275006", "Osteoarthritis (disorder)"), _says("degenerative_change"), SNOMED_GPS),
    Entry(
        SnomedCode("239873007", "Osteoarthritis of knee (disorder)"),
        _says("degenerative_change", place=KNEE),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("239872002", "Osteoarthritis of hip (disorder)"), _says("degenerative_change", place=HIP), SNOMED_GPS
    ),
    Entry(
        SnomedCode("77547008", "Degeneration of intervertebral disc (disorder)"),
        _says("degenerative_change"),
        SNOMED_GPS,
    ),
    Entry(SnomedCode("297279009", "Steroid therapy (procedure)"), _says("steroid"), SNOMED_GPS),
    Entry(Icd10Code("Z79.52", "Long term (current) use of systemic steroids"), _says("steroid"), ICD10_CM_TABLE),
    Entry(
        Icd10Code("T38.0X5A", "Adverse effect of glucocorticoids and synthetic analogues, initial encounter"),
        _says("steroid"),
        ICD10_CM_TABLE,
    ),
    Entry(SnomedCode("7200002", "Alcoholism (disorder)"), _says("alcohol"), SNOMED_GPS),
    Entry(SnomedCode("15167005", "Alcohol abuse (disorder)"), _says("alcohol"), SNOMED_GPS),
    Entry(SnomedCode("66590003", "Alcohol dependence (disorder)"), _says("alcohol"), SNOMED_GPS),
    Entry(SnomedCode("86933000", "Heavy drinker (finding)"), _says("alcohol"), SNOMED_GPS),
    Entry(Icd10Code("F10.20", "Alcohol dependence, uncomplicated"), _says("alcohol"), ICD10_CM_TABLE),
    Entry(Icd10Code("F10.10", "Alcohol abuse, uncomplicated"), _says("alcohol"), ICD10_CM_TABLE),
    Entry(SnomedCode("127040003", "Sickle cell-hemoglobin SS disease (disorder)"), _says("sickle_cell"), SNOMED_GPS),
    Entry(SnomedCode("417425009", "Hemoglobin SS disease with crisis (disorder)"), _says("sickle_cell"), SNOMED_GPS),
    Entry(SnomedCode("9014002", "Psoriasis (disorder)"), _says("psoriasis"), SNOMED_GPS),
    Entry(SnomedCode("33339001", "Psoriasis with arthropathy (disorder)"), _says("psoriasis"), SNOMED_GPS),
    Entry(SnomedCode("410692006", "Anterior uveitis"), _says("uveitis"), omop(1072)),
    Entry(SnomedCode("4927003", "Acute anterior uveitis (disorder)"), _says("uveitis"), SNOMED_GPS),
    Entry(SnomedCode("128473001", "Uveitis (disorder)"), _says("uveitis"), SNOMED_GPS),
    # Exact codes: the family H20.0 also holds infectious iridocyclitis.
    Entry(Icd10Code("H20.9", "Unspecified iridocyclitis"), _says("uveitis"), ICD10_CM_TABLE),
    Entry(Icd10Code("H20.00", "Unspecified acute and subacute iridocyclitis"), _says("uveitis"), ICD10_CM_TABLE),
    Entry(SnomedCode("24526004", "Inflammatory bowel disease (disorder)"), _says("ibd"), SNOMED_GPS),
    Entry(SnomedCode("34000006", "Crohn's disease (disorder)"), _says("ibd"), SNOMED_GPS),
    Entry(SnomedCode("64766004", "Ulcerative colitis (disorder)"), _says("ibd"), SNOMED_GPS),
    Entry(SnomedCode("64859006", "Osteoporosis (disorder)"), _says("osteoporosis"), SNOMED_GPS),
    # Not M81.6: Lequesne's localized form is another name for transient osteoporosis.
    Entry(
        Icd10Code("M81.0", "Age-related osteoporosis without current pathological fracture"),
        _says("osteoporosis"),
        ICD10_CM_TABLE,
    ),
    # "Abnormal" for a protein that has no low range means raised.
    Entry(SnomedCode("166584001", "C-reactive protein abnormal (finding)"), _says("crp_raised"), SNOMED_GPS),
    Entry(Icd10Code("R79.82", "Elevated C-reactive protein (CRP)"), _says("crp_raised"), ICD10_CM_TABLE),
    Entry(SnomedCode("165468009", "Erythrocyte sedimentation rate raised (finding)"), _says("esr_raised"), SNOMED_GPS),
    Entry(Icd10Code("R70.0", "Elevated erythrocyte sedimentation rate"), _says("esr_raised"), ICD10_CM_TABLE),
    Entry(SnomedCode("111583006", "Leukocytosis (disorder)"), _says("wbc_raised"), SNOMED_GPS),
    # Not the family D72.82, which also holds lymphocytosis and basophilia.
    Entry(Icd10Code("D72.829", "Elevated white blood cell count, unspecified"), _says("wbc_raised"), ICD10_CM_TABLE),
    Entry(Icd10Code("I20.0", "Unstable angina"), _says("unstable_angina"), ICD10_CM_TABLE),
    # Older than four weeks; whether within six months, the date must say.
    Entry(Icd10Code("I25.2", "Old myocardial infarction"), _perhaps("myocardial_infarction"), ICD10_CM_TABLE),
    Entry(SnomedCode("1755008", "Old myocardial infarction (disorder)"), _perhaps("myocardial_infarction"), SNOMED_GPS),
    Entry(SnomedCode("84114007", "Heart failure (disorder)"), _says("heart_failure"), SNOMED_GPS),
    Entry(
        Icd10Code("K27.4", "Chronic or unspecified peptic ulcer, site unspecified, with hemorrhage"),
        _says("bleeding_risk"),
        ICD10_CM_TABLE,
    ),
    Entry(
        Icd10Code("K25.4", "Chronic or unspecified gastric ulcer with hemorrhage"),
        _says("bleeding_risk"),
        ICD10_CM_TABLE,
    ),
    Entry(Icd10Code("D68.9", "Coagulation defect, unspecified"), _says("bleeding_risk"), ICD10_CM_TABLE),
    Entry(SnomedCode("1386000", "Intracranial hemorrhage (disorder)"), _says("bleeding_risk"), SNOMED_GPS),
    Entry(SnomedCode("74474003", "Gastrointestinal hemorrhage (disorder)"), _says("bleeding_risk"), SNOMED_GPS),
    Entry(
        Icd10Code("G45.9", "Transient cerebral ischemic attack, unspecified"), _says("stroke_or_tia"), ICD10_CM_TABLE
    ),
    Entry(Icd10Code("Z79.01", "Long term (current) use of anticoagulants"), _says("anticoagulation"), ICD10_CM_TABLE),
    # Antiplatelet treatment, which adds to the bleeding risk of iloprost in the same way.
    Entry(
        Icd10Code("Z79.02", "Long term (current) use of antithrombotics/antiplatelets"),
        _says("anticoagulation"),
        ICD10_CM_TABLE,
    ),
)

_STATED = index(CONTEXT)

_SAME_IN_ICD10 = (
    "D68.9",
    "G45.9",
    "G62.9",
    "H20.9",
    "I20.0",
    "I25.2",
    "K25.4",
    "K27.4",
    "M81.0",
    "R50.9",
    "R70.0",
    "Z39.1",
    "Z39.2",
)
"""Single codes above that mean the same in ICD-10 of the WHO."""

_DIABETES = {
    "E08": ("Diabetes mellitus due to underlying condition", (ICD10_CM,), ICD10_CM_TABLE),
    "E09": ("Drug or chemical induced diabetes mellitus", (ICD10_CM,), ICD10_CM_TABLE),
    "E10": ("Type 1 diabetes mellitus", BOTH, ICD10_TABLES),
    "E11": ("Type 2 diabetes mellitus", BOTH, ICD10_TABLES),
    "E12": ("Malnutrition-related diabetes mellitus", (ICD10,), ICD10_WHO_TABLE),
    "E13": ("Other specified diabetes mellitus", BOTH, ICD10_TABLES),
    "E14": ("Unspecified diabetes mellitus", (ICD10,), ICD10_WHO_TABLE),
}


def _diabetes_rules() -> Iterable[PrefixRule[Meanings]]:
    """Yield every kind of diabetes; ICD-10-CM says the complication in the same code."""
    for stem, (title, systems, seen) in _DIABETES.items():
        yield PrefixRule(stem, _says("diabetes"), title, seen, systems)
        if ICD10_CM not in systems:
            continue
        for ending, complication in ((".40", "neuropathy, unspecified"), (".42", "polyneuropathy")):
            words = f"{title} with diabetic {complication}"
            yield PrefixRule(stem + ending, _says("diabetes", "neuropathy"), words, ICD10_CM_TABLE)
        ulcer = (*_says("diabetes"), *_says("foot_ulcer", place=FOOT_ANKLE))
        yield PrefixRule(f"{stem}.621", ulcer, f"{title} with foot ulcer", ICD10_CM_TABLE)
    yield PrefixRule("E10.A", None, "Type 1 diabetes mellitus, presymptomatic", ICD10_CM_TABLE)
    yield PrefixRule("E11.A", _perhaps("diabetes"), "Type 2 diabetes mellitus ... in remission", ICD10_CM_TABLE)


def _bruise(stem: str, part: str, place: Place) -> Iterable[PrefixRule[Meanings]]:
    """Yield the rules of one contusion family. Only the initial encounter is acute; a bruise is no edema of bone."""
    ends: Places = {"": (part, place), **sided(part, place)}
    for end, (words, where) in ends.items():
        digit = f"{stem}{end}" if end else stem
        yield PrefixRule(
            digit,
            _says("acute_trauma", place=where),
            f"Contusion of {words}",
            ICD10_CM_TABLE,
            encounter=Encounter.INITIAL,
        )


def _ulcer(stem: str, title: str) -> Iterable[PrefixRule[Meanings]]:
    for end, (words, where) in {"": ("", FOOT_ANKLE), **sided("foot", FOOT_ANKLE)}.items():
        yield PrefixRule(stem + end, _says("foot_ulcer", place=where), f"{title} {words}".strip(), ICD10_CM_TABLE)


CONTEXT_PREFIXES: tuple[PrefixRule[Meanings], ...] = (
    *_diabetes_rules(),
    # Chapter II's first block. C44, other cancer of the skin, is too common and too local to count.
    PrefixRule("C", _says("known_malignancy"), "Malignant neoplasms (C00-C97)", ICD10_TABLES, BOTH),
    PrefixRule("C44", None, "Other (and unspecified) malignant neoplasms of skin", ICD10_TABLES, BOTH),
    *(PrefixRule(code, _perhaps("known_malignancy"), "in remission", ICD10_CM_TABLE) for code in REMISSION),
    *_ulcer("L97.4", "Non-pressure chronic ulcer of heel and midfoot"),
    *_ulcer("L97.5", "Non-pressure chronic ulcer of other part of foot"),
    PrefixRule("A40", _says("sepsis"), "Streptococcal sepsis", ICD10_TABLES, BOTH),
    PrefixRule("A41", _says("sepsis"), "Other sepsis", ICD10_TABLES, BOTH),
    *_bruise("S70.0", "hip", HIP),
    *_bruise("S80.0", "knee", KNEE),
    *_bruise("S90.3", "foot", FOOT_ANKLE),
    PrefixRule(
        "T14.8",
        _says("acute_trauma"),
        "Other injury of unspecified body region",
        ICD10_CM_TABLE,
        encounter=Encounter.INITIAL,
    ),
    PrefixRule("M16", _says("degenerative_change", place=HIP), "Osteoarthritis of hip", ICD10_TABLES, BOTH),
    PrefixRule("M17", _says("degenerative_change", place=KNEE), "Osteoarthritis of knee", ICD10_TABLES, BOTH),
    # Not D57.3, the trait, which is no disease.
    PrefixRule("D57.0", _says("sickle_cell"), "Hb-SS disease with crisis", ICD10_TABLES, BOTH),
    PrefixRule("D57.1", _says("sickle_cell"), "Sickle-cell disease without crisis", ICD10_TABLES, BOTH),
    PrefixRule("L40", _says("psoriasis"), "Psoriasis", ICD10_TABLES, BOTH),
    PrefixRule("K50", _says("ibd"), "Crohn's disease", ICD10_TABLES, BOTH),
    PrefixRule("K51", _says("ibd"), "Ulcerative colitis", ICD10_TABLES, BOTH),
    PrefixRule("M80", _says("osteoporosis"), "Osteoporosis with current pathological fracture", ICD10_TABLES, BOTH),
    PrefixRule("M05", _says("rheumatoid_arthritis"), "Rheumatoid arthritis with rheumatoid factor", ICD10_TABLES, BOTH),
    PrefixRule(
        "M06.0", _says("rheumatoid_arthritis"), "Rheumatoid arthritis without rheumatoid factor", ICD10_TABLES, BOTH
    ),
    PrefixRule("M06.8", _says("rheumatoid_arthritis"), "Other specified rheumatoid arthritis", ICD10_TABLES, BOTH),
    PrefixRule("M06.9", _says("rheumatoid_arthritis"), "Rheumatoid arthritis, unspecified", ICD10_TABLES, BOTH),
    PrefixRule("L73.2", _says("hidradenitis"), "Hidradenitis suppurativa", ICD10_TABLES, BOTH),
    PrefixRule("I21", _says("myocardial_infarction"), "Acute myocardial infarction", ICD10_TABLES, BOTH),
    PrefixRule("I50", _says("heart_failure"), "Heart failure", ICD10_TABLES, BOTH),
    PrefixRule("I61", _says("bleeding_risk"), "Nontraumatic intracerebral hemorrhage", ICD10_TABLES, BOTH),
    PrefixRule("I63", _says("stroke_or_tia"), "Cerebral infarction", ICD10_TABLES, BOTH),
    *(
        PrefixRule(code, _STATED[ICD10_CM, code], "as in ICD-10-CM", ICD10_WHO_TABLE, (ICD10,))
        for code in _SAME_IN_ICD10
    ),
)
"""ICD-10 families that state context."""

PAIN: tuple[Entry[Place], ...] = (
    Entry(SnomedCode("49218002", "Hip pain (finding)"), HIP, SNOMED_GPS),
    Entry(SnomedCode("30989003", "Knee pain (finding)"), KNEE, SNOMED_GPS),
    Entry(SnomedCode("47933007", "Foot pain (finding)"), FOOT_ANKLE, SNOMED_GPS),
    Entry(SnomedCode("12584003", "Bone pain (finding)"), Place(), SNOMED_GPS),
    Entry(SnomedCode("279039007", "Low back pain (finding)"), LOW_BACK, SNOMED_GPS),
    Entry(SnomedCode("202487003", "Sacroiliac joint pain (finding)"), SI_JOINT, SNOMED_GPS),
)
"""Pain without a word about how long: acute pain is unknown by these alone, and a reader with a date may decide."""

_PAIN_PLACES: Places = {end: place for end, place in JOINT_PLACES.items() if end not in ("8", "74", "75")}

PAIN_PREFIXES: tuple[PrefixRule[Place], ...] = (
    PrefixRule("M25.5", Place(), "Pain in joint", ICD10_TABLES, BOTH),
    *(
        PrefixRule(f"M25.5{end}", place, f"Pain in {words}", ICD10_CM_TABLE)
        for end, (words, place) in _PAIN_PLACES.items()
    ),
    PrefixRule("M54.5", LOW_BACK, "Low back pain", ICD10_TABLES, BOTH),
    PrefixRule("M79.67", FOOT_ANKLE, "Pain in foot and toes", ICD10_CM_TABLE),
    *(
        PrefixRule(f"M79.67{end}", Place("foot_ankle", side), f"Pain in {side} {part}", ICD10_CM_TABLE)
        for end, side, part in (
            ("1", "right", "foot"),
            ("2", "left", "foot"),
            ("4", "right", "toe"),
            ("5", "left", "toe"),
        )
    ),
)

AS_CONTEXT = {"malignancy": "known_malignancy", "charcot": "charcot"}
"""Named diagnoses that are a context fact as well."""


def _with_diagnosis(stated: Meanings, diagnosis: CodedMeaning | None) -> Meanings:
    """Return the context facts, and the one that the code's diagnosis adds.

    Charcot arthropathy of the shoulder says nothing of the foot, so it adds nothing.
    """
    fact = AS_CONTEXT.get(diagnosis.fact) if diagnosis else None
    if diagnosis is None or fact is None or fact in {meaning.fact for meaning in stated}:
        return stated
    if fact == "charcot" and diagnosis.place.site not in (None, "foot_ankle"):
        return stated
    return (*stated, CodedMeaning(fact, state=diagnosis.state, place=diagnosis.place))


_PREFIXES = index_prefixes(CONTEXT_PREFIXES)

CONTEXT_CODES: Mapping[Key, Meanings] = MappingProxyType(
    {
        **_STATED,
        **{
            key: meanings
            for entry in NAMED_DIAGNOSES
            if (meanings := _with_diagnosis(_STATED.get(key := entry.code.key, ()), entry.meaning))
        },
    }
)
"""What each single code says of the patient, with what its diagnosis adds."""

PAIN_CODES: Mapping[Key, Place] = index(PAIN)
_PAIN_RULES = index_prefixes(PAIN_PREFIXES)


def context_of(system: str, code: str, aliases: Aliases | None = None) -> Meanings:
    """Return every context fact a code states; empty when it states none.

    Active osteomyelitis is no context here: see ``diagnosis_of``, and ``history_of`` once it is over.
    """
    alias = alias_of(system, code, aliases)
    if alias is not None:
        name, value = alias
        name = AS_CONTEXT.get(name, name)
        if name not in CONTEXT_FACTS:
            return ()
        return (CodedMeaning(name, state=State(value) if value in set(State) else State.PRESENT),)
    key = key_of(system, code)
    if key in CONTEXT_CODES:
        return CONTEXT_CODES[key]
    return _with_diagnosis(by_prefix(_PREFIXES, key) or (), diagnosis_of(system, code))


def pain_of(system: str, code: str) -> Place | None:
    """Return where a code of pain says it hurts, or None for codes that are not about pain.

    The code says nothing of how long: only its date can make it acute pain.
    """
    key = key_of(system, code)
    place = PAIN_CODES.get(key)
    return place if place is not None else by_prefix(_PAIN_RULES, key)
