"""Codes of diagnoses that a report, a conclusion code or a Condition can name (decision table G0).

The fact has the id of the cause, and two more that are named only: ``septic_arthritis`` and ``stress_fracture``. A
diagnosis is never a finding: osteomyelitis says nothing about edema or T1 signal.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from cds_service.knowledge.codes.icd10 import (
    JOINT_AND_SPINE_PLACES,
    OSTEOMYELITIS_PLACES,
    OTHER_OSTEOMYELITIS_PLACES,
    PATHOLOGICAL_FRACTURE_PLACES,
    STRESS_FRACTURE_PLACES,
    family,
    necrosis_places,
)
from cds_service.knowledge.codes.local import LOCAL_DIAGNOSES
from cds_service.knowledge.codes.sites import (
    FEMORAL_HEAD,
    FOOT_ANKLE,
    HIP,
    OTHER,
    SACRAL_SPINE,
    SI_JOINT,
    VERTEBRA,
)
from cds_service.knowledge.codes.sources import (
    BELGIAN_INDICATIONS,
    EXETER_CHARCOT,
    ICD10_CM_TABLE,
    ICD10_TABLES,
    RADLEX_TABLE,
    SNOMED_GPS,
    agreeing,
    omop,
    vsac,
)
from cds_service.model.coding import ICD10, ICD10_CM, Icd10Code, RadLexId, SnomedCode, key_of
from cds_service.model.finding import State

DIAGNOSES = frozenset(
    {
        "axspa",
        "osteonecrosis",
        "sif",
        "tbmes",
        "osteomyelitis",
        "charcot",
        "malignancy",
        "septic_arthritis",
        "stress_fracture",
    }
)
"""The diagnoses that can be named."""

BOTH = (ICD10_CM, ICD10)

_AXSPA = CodedMeaning("axspa", place=SI_JOINT)
_AXSPA_OF_SPINE = CodedMeaning("axspa", place=VERTEBRA)
_OSTEONECROSIS = CodedMeaning("osteonecrosis")
_FRACTURE_OF_UNKNOWN_CAUSE = CodedMeaning("sif", state=State.INDETERMINATE)
_OSTEOMYELITIS = CodedMeaning("osteomyelitis")
_CHRONIC_OSTEOMYELITIS = CodedMeaning("osteomyelitis", chronic=True)
_CHARCOT = CodedMeaning("charcot")
_CHARCOT_FOOT = CodedMeaning("charcot", place=FOOT_ANKLE)
_MALIGNANCY = CodedMeaning("malignancy")
_INFECTED_JOINT = CodedMeaning("septic_arthritis")
_STRESS_FRACTURE = CodedMeaning("stress_fracture")

NAMED_DIAGNOSES: tuple[Entry[CodedMeaning], ...] = (
    # Axial spondyloarthritis is a disease of the sacroiliac joints first, so that is the site it implies.
    Entry(
        SnomedCode("723116002", "axial spondyloarthritis / ankylosing_spondyloarthritis"),
        _AXSPA,
        agreeing("two public code lists; the display is not official"),
    ),
    Entry(SnomedCode("713777005", "Non-radiographic axial spondyloarthritis"), _AXSPA, omop(1013)),
    Entry(SnomedCode("9631008", "Ankylosing spondylitis (disorder)"), _AXSPA, SNOMED_GPS),
    Entry(RadLexId("RID3604", "ankylosing spondylitis"), _AXSPA, RADLEX_TABLE),
    # Spondyloarthropathy includes the peripheral forms, so it implies no site.
    Entry(RadLexId("RID3603", "spondyloarthropathy"), CodedMeaning("axspa"), RADLEX_TABLE),
    Entry(SnomedCode("55146009", "Inflammation of sacroiliac joint (disorder)"), _AXSPA, SNOMED_GPS),
    Entry(SnomedCode("239815007", "Solitary sacroiliitis (disorder)"), _AXSPA, SNOMED_GPS),
    # The other families of M46 hold infections and unspecified disease: this one code, not M46.8.
    Entry(
        Icd10Code("M46.88", "Other specified inflammatory spondylopathies, sacral and sacrococcygeal region"),
        _AXSPA,
        ICD10_CM_TABLE,
    ),
    Entry(Icd10Code("L40.53", "Psoriatic spondylitis"), _AXSPA, ICD10_CM_TABLE),
    Entry(SnomedCode("398199007", "Aseptic necrosis of bone (disorder)"), _OSTEONECROSIS, SNOMED_GPS),
    Entry(SnomedCode("397758007", "Avascular necrosis of bone (disorder)"), _OSTEONECROSIS, SNOMED_GPS),
    Entry(SnomedCode("240196003", "Bone necrosis (disorder)"), _OSTEONECROSIS, SNOMED_GPS),
    Entry(
        SnomedCode("203476003", "Avascular necrosis of the head of femur (disorder)"),
        _OSTEONECROSIS.at(FEMORAL_HEAD),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("29281007", "Aseptic necrosis of head AND/OR neck of femur (disorder)"),
        _OSTEONECROSIS.at(HIP),
        SNOMED_GPS,
    ),
    Entry(RadLexId("RID5180", "osteonecrosis"), _OSTEONECROSIS, RADLEX_TABLE),
    Entry(RadLexId("RID34605", "avascular necrosis"), _OSTEONECROSIS, RADLEX_TABLE),
    Entry(SnomedCode("702561005", "Insufficiency fracture (disorder)"), CodedMeaning("sif"), BELGIAN_INDICATIONS),
    Entry(RadLexId("RID4667", "insufficiency fracture"), CodedMeaning("sif"), RADLEX_TABLE),
    Entry(SnomedCode("240197007", "Stress fracture (disorder)"), _STRESS_FRACTURE, SNOMED_GPS),
    Entry(RadLexId("RID4695", "stress fracture"), _STRESS_FRACTURE, RADLEX_TABLE),
    Entry(RadLexId("RID6339", "fatigue fracture"), _STRESS_FRACTURE, RADLEX_TABLE),
    # "Bone marrow edema syndrome" has no code of its own; transient osteoporosis is the same disease by another name.
    Entry(
        SnomedCode("240159007", "Transient osteoporosis of hip (disorder)"),
        CodedMeaning("tbmes", place=HIP),
        vsac("2.16.840.1.113883.3.464.1003.113.12.1038"),
    ),
    Entry(
        SnomedCode("699528002", "Transient osteoporosis (disorder)"),
        CodedMeaning("tbmes"),
        vsac("2.16.840.1.113883.3.464.1003.113.12.1038"),
    ),
    Entry(RadLexId("RID5390", "transient osteoporosis"), CodedMeaning("tbmes"), RADLEX_TABLE),
    Entry(SnomedCode("60168000", "Osteomyelitis (disorder)"), _OSTEOMYELITIS, SNOMED_GPS),
    Entry(SnomedCode("409780002", "Acute osteomyelitis (disorder)"), _OSTEOMYELITIS, SNOMED_GPS),
    Entry(SnomedCode("40970001", "Chronic osteomyelitis (disorder)"), _CHRONIC_OSTEOMYELITIS, SNOMED_GPS),
    Entry(
        SnomedCode("28769004", "Osteomyelitis of ankle AND/OR foot (disorder)"),
        _OSTEOMYELITIS.at(FOOT_ANKLE),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("268017000", "Acute osteomyelitis of ankle and/or foot (disorder)"),
        _OSTEOMYELITIS.at(FOOT_ANKLE),
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("268019002", "Chronic osteomyelitis of ankle and/or foot (disorder)"),
        _CHRONIC_OSTEOMYELITIS.at(FOOT_ANKLE),
        SNOMED_GPS,
    ),
    Entry(SnomedCode("203241002", "Osteomyelitis of vertebra (disorder)"), _OSTEOMYELITIS.at(VERTEBRA), SNOMED_GPS),
    Entry(RadLexId("RID3715", "osteomyelitis"), _OSTEOMYELITIS, RADLEX_TABLE),
    Entry(SnomedCode("201724008", "Neuropathic arthropathy due to diabetes mellitus (disorder)"), _CHARCOT, SNOMED_GPS),
    Entry(SnomedCode("359554008", "Charcot's arthropathy (disorder)"), _CHARCOT, EXETER_CHARCOT),
    Entry(SnomedCode("309255002", "Charcot's joint of foot (disorder)"), _CHARCOT_FOOT, EXETER_CHARCOT),
    Entry(SnomedCode("700437007", "Charcot arthropathy of midfoot (disorder)"), _CHARCOT_FOOT, EXETER_CHARCOT),
    Entry(SnomedCode("700438002", "Charcot arthropathy of hindfoot (disorder)"), _CHARCOT_FOOT, EXETER_CHARCOT),
    Entry(SnomedCode("700077008", "Charcot arthropathy of joint of ankle (disorder)"), _CHARCOT_FOOT, EXETER_CHARCOT),
    Entry(SnomedCode("705058008", "Charcot arthropathy of forefoot (disorder)"), _CHARCOT_FOOT, EXETER_CHARCOT),
    Entry(
        SnomedCode("781000119106", "Neuropathic arthropathy due to type 2 diabetes mellitus (disorder)"),
        _CHARCOT,
        SNOMED_GPS,
    ),
    Entry(
        SnomedCode("71771000119100", "Diabetes mellitus type 1 with diabetic Charcot's arthropathy"),
        _CHARCOT,
        EXETER_CHARCOT,
    ),
    Entry(RadLexId("RID5074", "neuropathic joint"), _CHARCOT, RADLEX_TABLE),
    Entry(SnomedCode("109989006", "Multiple myeloma (disorder)"), _MALIGNANCY, SNOMED_GPS),
    Entry(SnomedCode("93143009", "Leukemia, disease (disorder)"), _MALIGNANCY, SNOMED_GPS),
    Entry(SnomedCode("118600007", "Malignant lymphoma (disorder)"), _MALIGNANCY, SNOMED_GPS),
    Entry(SnomedCode("109995007", "Myelodysplastic syndrome (disorder)"), _MALIGNANCY, SNOMED_GPS),
    # Monoclonal gammopathy may precede myeloma; it is no malignancy by itself.
    Entry(
        SnomedCode("109983007", "Monoclonal gammopathy (disorder)"),
        CodedMeaning("malignancy", state=State.INDETERMINATE),
        SNOMED_GPS,
    ),
    Entry(SnomedCode("94222008", "Secondary malignant neoplasm of bone (disorder)"), _MALIGNANCY, SNOMED_GPS),
    Entry(
        SnomedCode("94217008", "Secondary malignant neoplasm of bone marrow (disorder)"),
        _MALIGNANCY,
        vsac("2.16.840.1.113762.1.4.1111.161"),
    ),
    Entry(
        SnomedCode("93720005", "Primary malignant neoplasm of bone marrow (disorder)"),
        _MALIGNANCY,
        vsac("2.16.840.1.113762.1.4.1111.161"),
    ),
    Entry(RadLexId("RID3864", "multiple myeloma"), _MALIGNANCY, RADLEX_TABLE),
    Entry(RadLexId("RID3863", "leukemia"), _MALIGNANCY, RADLEX_TABLE),
    Entry(RadLexId("RID3840", "lymphoma"), _MALIGNANCY, RADLEX_TABLE),
    Entry(SnomedCode("396234004", "Infective arthritis (disorder)"), _INFECTED_JOINT, SNOMED_GPS),
    Entry(SnomedCode("302935008", "Infective discitis (disorder)"), _INFECTED_JOINT.at(VERTEBRA), SNOMED_GPS),
    # Discitis is mostly, but not always, an infection.
    Entry(
        SnomedCode("2304001", "Discitis (disorder)"),
        CodedMeaning("septic_arthritis", state=State.INDETERMINATE, place=VERTEBRA),
        SNOMED_GPS,
    ),
)

_SPINE_LEVELS = {
    "1": "occipito-atlanto-axial region",
    "2": "cervical region",
    "3": "cervicothoracic region",
    "4": "thoracic region",
    "5": "thoracolumbar region",
    "6": "lumbar region",
    "7": "lumbosacral region",
}

REMISSION = (
    *(f"C81.{kind}A" for kind in "0123479"),
    *(f"C82.{kind}A" for kind in "012345689"),
    *(f"C83.{kind}A" for kind in "0135789"),
    *(f"C84.{kind}A" for kind in "01469AZ"),
    "C84.7B",  # C84.7A is the lymphoma of breast implants
    *(f"C85.{kind}A" for kind in "1289"),
    *(f"C86.{kind}1" for kind in "0123456"),
    *(f"C88.{kind}1" for kind in "023489"),
    *(f"C90.{kind}1" for kind in "0123"),
    *(f"C91.{kind}1" for kind in "013456AZ9"),
    *(f"C92.{kind}1" for kind in "0123456AZ9"),
    *(f"C93.{kind}1" for kind in "013Z9"),
    *(f"C94.{kind}1" for kind in "02348"),
    *(f"C95.{kind}1" for kind in "019"),
)
"""All ICD-10-CM codes of malignancies that are in remission."""

_BLOOD_CANCERS = {
    "C81": "Hodgkin lymphoma",
    "C82": "Follicular lymphoma",
    "C83": "Non-follicular lymphoma",
    "C84": "Mature T/NK-cell lymphomas",
    "C85": "Other specified and unspecified types of non-Hodgkin lymphoma",
    "C86": "Other specified types of T/NK-cell lymphoma",
    "C88": "Malignant immunoproliferative diseases and certain other B-cell lymphomas",
    "C90": "Multiple myeloma and malignant plasma cell neoplasms",
    "C91": "Lymphoid leukemia",
    "C92": "Myeloid leukemia",
    "C93": "Monocytic leukemia",
    "C94": "Other leukemias of specified cell type",
    "C95": "Leukemia of unspecified cell type",
    "D46": "Myelodysplastic syndromes",
}

DIAGNOSIS_PREFIXES: tuple[PrefixRule[CodedMeaning], ...] = (
    PrefixRule("M45", _AXSPA, "Ankylosing spondylitis", ICD10_TABLES, BOTH),
    *(
        PrefixRule(f"M45.{level}", _AXSPA_OF_SPINE, f"Ankylosing spondylitis of {region}", ICD10_CM_TABLE)
        for level, region in _SPINE_LEVELS.items()
    ),
    PrefixRule("M45.A", _AXSPA, "Non-radiographic axial spondyloarthritis", ICD10_CM_TABLE),
    *(
        PrefixRule(
            f"M45.A{level}", _AXSPA_OF_SPINE, f"Non-radiographic axial spondyloarthritis of {region}", ICD10_CM_TABLE
        )
        for level, region in _SPINE_LEVELS.items()
    ),
    PrefixRule("M46.1", _AXSPA, "Sacroiliitis, not elsewhere classified", ICD10_TABLES, BOTH),
    PrefixRule("M87", _OSTEONECROSIS, "Osteonecrosis", ICD10_TABLES, BOTH),
    *family(
        "M87.0", "Idiopathic aseptic necrosis of bone", necrosis_places("9"), _OSTEONECROSIS, ICD10_TABLES, who=True
    ),
    *family("M87.1", "Osteonecrosis due to drugs", necrosis_places("9"), _OSTEONECROSIS, ICD10_TABLES, who=True),
    PrefixRule("M87.180", _OSTEONECROSIS.at(OTHER), "Osteonecrosis due to drugs, jaw", ICD10_CM_TABLE),
    *family(
        "M87.2", "Osteonecrosis due to previous trauma", necrosis_places("6"), _OSTEONECROSIS, ICD10_TABLES, who=True
    ),
    *family("M87.3", "Other secondary osteonecrosis", necrosis_places("3"), _OSTEONECROSIS, ICD10_TABLES, who=True),
    *family("M87.8", "Other osteonecrosis", necrosis_places("9"), _OSTEONECROSIS, ICD10_TABLES, who=True),
    # A pathological fracture breaks weak bone of any kind, so it leaves an insufficiency fracture open (3.10.7).
    *family(
        "M84.4",
        "Pathological fracture, not elsewhere classified",
        PATHOLOGICAL_FRACTURE_PLACES,
        _FRACTURE_OF_UNKNOWN_CAUSE,
        ICD10_TABLES,
        who=True,
        encounter=Encounter.NOT_SEQUELA,
    ),
    *family(
        "M84.3",
        "Stress fracture",
        STRESS_FRACTURE_PLACES,
        _STRESS_FRACTURE,
        ICD10_TABLES,
        who=True,
        encounter=Encounter.NOT_SEQUELA,
    ),
    PrefixRule("M86", _OSTEOMYELITIS, "Osteomyelitis", ICD10_TABLES, BOTH),
    *family("M86.0", "Acute hematogenous osteomyelitis", OSTEOMYELITIS_PLACES, _OSTEOMYELITIS, ICD10_TABLES, who=True),
    *family("M86.1", "Other acute osteomyelitis", OSTEOMYELITIS_PLACES, _OSTEOMYELITIS, ICD10_TABLES, who=True),
    *family("M86.2", "Subacute osteomyelitis", OSTEOMYELITIS_PLACES, _OSTEOMYELITIS, ICD10_TABLES, who=True),
    # The multifocal form is most often an inflammation without a germ, so it only leaves infection open.
    *family(
        "M86.3",
        "Chronic multifocal osteomyelitis",
        OSTEOMYELITIS_PLACES,
        CodedMeaning("osteomyelitis", state=State.INDETERMINATE, chronic=True),
        ICD10_TABLES,
        who=True,
    ),
    *family(
        "M86.4",
        "Chronic osteomyelitis with draining sinus",
        OSTEOMYELITIS_PLACES,
        _CHRONIC_OSTEOMYELITIS,
        ICD10_TABLES,
        who=True,
    ),
    *family(
        "M86.5",
        "Other chronic hematogenous osteomyelitis",
        OSTEOMYELITIS_PLACES,
        _CHRONIC_OSTEOMYELITIS,
        ICD10_TABLES,
        who=True,
    ),
    *family(
        "M86.6", "Other chronic osteomyelitis", OSTEOMYELITIS_PLACES, _CHRONIC_OSTEOMYELITIS, ICD10_TABLES, who=True
    ),
    *family("M86.8", "Other osteomyelitis", OTHER_OSTEOMYELITIS_PLACES, _OSTEOMYELITIS, ICD10_TABLES, who=True),
    PrefixRule("M46.2", _OSTEOMYELITIS.at(VERTEBRA), "Osteomyelitis of vertebra", ICD10_TABLES, BOTH),
    PrefixRule(
        "M46.28",
        _OSTEOMYELITIS.at(SACRAL_SPINE),
        "Osteomyelitis of vertebra, sacral and sacrococcygeal region",
        ICD10_CM_TABLE,
    ),
    *(
        PrefixRule(f"{kind}.610", _CHARCOT, f"{name} with diabetic neuropathic arthropathy", ICD10_CM_TABLE)
        for kind, name in (
            ("E08", "Diabetes mellitus due to underlying condition"),
            ("E09", "Drug or chemical induced diabetes mellitus"),
            ("E10", "Type 1 diabetes mellitus"),
            ("E11", "Type 2 diabetes mellitus"),
            ("E13", "Other specified diabetes mellitus"),
        )
    ),
    *family("M14.6", "Charcot's joint", JOINT_AND_SPINE_PLACES, _CHARCOT, ICD10_TABLES, who=True),
    *(PrefixRule(stem, _MALIGNANCY, title, ICD10_TABLES, BOTH) for stem, title in _BLOOD_CANCERS.items()),
    *(PrefixRule[CodedMeaning](code, None, "in remission", ICD10_CM_TABLE) for code in REMISSION),
    PrefixRule("C79.5", _MALIGNANCY, "Secondary malignant neoplasm of bone and bone marrow", ICD10_TABLES, BOTH),
    PrefixRule(
        "D47.2",
        CodedMeaning("malignancy", state=State.INDETERMINATE),
        "Monoclonal gammopathy (of undetermined significance)",
        ICD10_TABLES,
        BOTH,
    ),
    *family("M00", "Pyogenic arthritis", {}, _INFECTED_JOINT, ICD10_TABLES, who=True),
    *family("M00.0", "Staphylococcal arthritis", JOINT_AND_SPINE_PLACES, _INFECTED_JOINT, ICD10_TABLES, who=True),
    *family("M00.1", "Pneumococcal arthritis", JOINT_AND_SPINE_PLACES, _INFECTED_JOINT, ICD10_TABLES, who=True),
    *family("M00.2", "Other streptococcal arthritis", JOINT_AND_SPINE_PLACES, _INFECTED_JOINT, ICD10_TABLES, who=True),
    *family(
        "M00.8", "Arthritis due to other bacteria", JOINT_AND_SPINE_PLACES, _INFECTED_JOINT, ICD10_TABLES, who=True
    ),
    PrefixRule(
        "M46.3", _INFECTED_JOINT.at(VERTEBRA), "Infection of intervertebral disc (pyogenic)", ICD10_TABLES, BOTH
    ),
)
"""ICD-10 families that name a diagnosis."""

DIAGNOSIS_CODES: Mapping[Key, CodedMeaning] = index(NAMED_DIAGNOSES, LOCAL_DIAGNOSES)
_PREFIXES = index_prefixes(DIAGNOSIS_PREFIXES)

HISTORY_FACTS: Mapping[str, str] = {"osteomyelitis": "prior_osteomyelitis"}
"""The fact that remains when a diagnosis is over."""


def diagnosis_of(system: str, code: str, aliases: Aliases | None = None) -> CodedMeaning | None:
    """Return the diagnosis a code names, or None.

    The state is what the bare code asserts; a doubtful verification status makes it weaker still, which is the
    reader's business. A code of cancer in remission names nothing here (see ``context_of``).
    """
    alias = alias_of(system, code, aliases)
    if alias is not None:
        name, value = alias
        if name not in DIAGNOSES:
            return None
        return CodedMeaning(name, state=State(value) if value in set(State) else State.PRESENT)
    key = key_of(system, code)
    return DIAGNOSIS_CODES.get(key) or by_prefix(_PREFIXES, key)


def history_of(system: str, code: str, aliases: Aliases | None = None) -> CodedMeaning | None:
    """Return what a past diagnosis still says: osteomyelitis that is over is ``prior_osteomyelitis`` there.

    For a Condition that is inactive, in remission or resolved. None when its being over leaves no fact.
    """
    meaning = diagnosis_of(system, code, aliases)
    if meaning is None or meaning.fact not in HISTORY_FACTS:
        return None
    return CodedMeaning(HISTORY_FACTS[meaning.fact], state=meaning.state, place=meaning.place)
