from __future__ import annotations

from typing import Any

import pytest
from support.records import (
    ABSENT,
    BOTH,
    EDEMA,
    EFFUSION,
    FOOT,
    HIP,
    INDETERMINATE,
    KNEE,
    LEFT,
    PRESENT,
    RIGHT,
    SI_JOINT,
    SYNOVITIS,
    UNKNOWN,
    coded,
    condition,
    edema,
    facts,
    icd,
    lesions,
    local,
    loinc,
    mm,
    observation,
    radlex,
    read,
    report,
    rules_of,
    snomed,
    study,
    to,
)

from cds_service.model.case import Problem
from cds_service.model.coding import DATA_ABSENT_REASON, ICD10_CM, RADLEX, SNOMED
from cds_service.model.finding import Provenance, Trust

Json = Any

GENERIC = snomed("169083003")
"""MRI scan abnormal: the value is the finding."""


def component(code: Json, **value: Any) -> Json:
    return {"code": code, **value}


def depth(quantity: Any, ident: str = "depth", **more: Any) -> Json:
    return observation(ident, local("depth-from-articular-surface"), valueQuantity=quantity, **more)


def bme(reading: Any) -> str:
    """What is said of edema at the only lesion; empty when nothing is."""
    found = [findings.get("bme", "") for findings in lesions(reading).values()]
    return "".join(found)


# ------------------------------------------------------------------------------------ shapes of a finding


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param(snomed(EDEMA), {"bme": "present"}, id="SNOMED CT"),
        pytest.param(radlex("RID3630"), {"synovitis": "present"}, id="RadLex"),
        pytest.param(coded("RID3630", "http://www.radlex.org"), {"synovitis": "present"}, id="RadLex, older address"),
        pytest.param(coded("HP:6000917", "http://human-phenotype-ontology.org"), {"bme": "present"}, id="HPO"),
        pytest.param(coded(EDEMA, "urn:oid:2.16.840.1.113883.6.96"), {"bme": "present"},
                     id="by OID"),
        pytest.param(icd("M25.452"), {"effusion": "present"}, id="ICD-10-CM"),
        pytest.param(local("erosion"), {"erosion": "present"}, id="this project's own"),
        pytest.param({"coding": [{"system": "urn:own", "code": "E"}, {"system": SNOMED, "code": EDEMA}]},
                     {"bme": "present"}, id="a code of theirs beside"),
        pytest.param({"text": "Bone marrow edema"}, {}, id="words only"),
        pytest.param({"coding": [{"system": SNOMED, "display": "Edema of bone marrow"}]}, {}, id="a display only"),
        pytest.param({"coding": [{"code": EDEMA}]}, {}, id="a code without its system"),
        pytest.param(radlex("RID35805"), {}, id="a describing word"),
        pytest.param(snomed("125605004"), {}, id="any fracture"),
        pytest.param(icd("R93.7"), {}, id="any abnormal image"),
        pytest.param(None, {}, id="no code"),
    ],
)  # fmt: skip
def test_a_code_alone_asserts_its_finding(code: Json, found: dict[str, str]):
    assert lesions(read(observation("a", code, bodySite=snomed(HIP, LEFT)))) == ({"hip left": found} if found else {})


@pytest.mark.parametrize(
    ("value", "state"),
    [
        pytest.param({"valueCodeableConcept": snomed(PRESENT)}, "present", id="present"),
        pytest.param({"valueCodeableConcept": snomed(ABSENT)}, "absent", id="absent"),
        pytest.param({"valueCodeableConcept": snomed(INDETERMINATE)}, "indeterminate", id="indeterminate"),
        pytest.param({"valueCodeableConcept": snomed(UNKNOWN)}, "", id="unknown"),
        pytest.param({"valueCodeableConcept": coded("temp-unknown", DATA_ABSENT_REASON)}, "", id="a reason as a value"),
        pytest.param({"valueCodeableConcept": radlex("RID28473")}, "absent", id="absent, RadLex"),
        pytest.param({"valueCodeableConcept": radlex("RID36")}, "indeterminate", id="probably not"),
        pytest.param({"valueBoolean": True}, "present", id="true"),
        pytest.param({"valueBoolean": False}, "absent", id="false"),
        pytest.param({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, "", id="dataAbsentReason"),
        pytest.param({"dataAbsentReason": {"text": "?"}, "valueBoolean": True}, "", id="a reason beside a value"),
        pytest.param({"_valueBoolean": {"extension": [{"valueCode": "unknown"}]}}, "", id="a value left out, with why"),
        pytest.param({"interpretation": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Observation"
                     "Interpretation", "code": "NEG"}]}]}, "absent", id="interpretation NEG"),
        pytest.param({"interpretation": {"coding": [{"system": "http://hl7.org/fhir/v2/0078", "code": "POS"}]}},
                     "present", id="interpretation POS, as in DSTU2"),
        pytest.param({"interpretation": [
            {"coding": [{"system": "http://hl7.org/fhir/v2/0078", "code": code}]} for code in ("POS", "NEG")
        ]}, "indeterminate", id="two interpretations that disagree"),
        pytest.param({"interpretation": [{"text": "abnormal"}]}, "present", id="interpretation in words"),
        pytest.param({"valueString": "see report", "interpretation": [
            {"coding": [{"system": "http://hl7.org/fhir/v2/0078", "code": "NEG"}]}
        ]}, "indeterminate", id="interpretation beside a value that cannot be read"),
        pytest.param({"valueString": "absent"}, "indeterminate", id="text"),
        pytest.param({"valueCodeableConcept": {"text": "Absent"}}, "indeterminate", id="a concept in words"),
        pytest.param({"valueCodeableConcept": {"text": "No bone marrow edema."}}, "absent", id="words that deny it"),
        pytest.param({"valueString": "Bone marrow edema is seen."}, "present", id="words that affirm it"),
        pytest.param({"valueString": "Bone marrow edema cannot be excluded."}, "indeterminate", id="words that doubt"),
        pytest.param({"valueCodeableConcept": {**snomed(ABSENT), "text": "Bone marrow edema."}}, "absent",
                     id="a code counts before its words"),
        pytest.param({"valueString": "Bone marrow edema.", "dataAbsentReason": {"text": "?"}}, "",
                     id="words beside a reason"),
        pytest.param({"valueCodeableConcept": snomed("24484000")}, "indeterminate", id="a severity"),
        pytest.param({"valueQuantity": mm(12)}, "indeterminate", id="a size"),
        pytest.param({"valueInteger": 0}, "indeterminate", id="a score"),
        pytest.param({"valueBoolean": "false"}, "indeterminate", id="a boolean that is text"),
        pytest.param({"valueCodeableConcept": None}, "indeterminate", id="null"),
    ],
)  # fmt: skip
def test_a_value_states_the_finding_and_one_that_cannot_be_read_leaves_it_open(value: Json, state: str):
    assert bme(read(edema(**value))) == state


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(snomed(SYNOVITIS), {"synovitis": "present"}, id="SNOMED CT"),
        pytest.param(
            {"coding": [{"system": SNOMED, "code": SYNOVITIS}, {"system": RADLEX, "code": "RID3630"}]},
            {"synovitis": "present"},
            id="coded twice",
        ),
        pytest.param(local("erosion"), {"erosion": "present"}, id="this project's own"),
        pytest.param(snomed("60168000"), {"osteomyelitis": "present"}, id="a diagnosis"),
        pytest.param(snomed("44054006"), {}, id="something else"),
        pytest.param({"text": "No synovitis."}, {"synovitis": "absent"}, id="words"),
        pytest.param({"coding": [{"system": SNOMED, "display": "Synovitis"}]}, {}, id="a display only"),
    ],
)
def test_the_value_of_a_generic_code_is_the_finding(value: Json, found: dict[str, str]):
    assert lesions(read(observation("a", GENERIC, valueCodeableConcept=value))) == (
        {"si_joint left": found} if found else {}
    )


def test_a_generic_code_without_a_value_says_nothing():
    assert lesions(read(observation("a", GENERIC))) == {}


def test_a_lesion_is_read_with_its_components():
    found = read(
        study(),
        edema(
            valueCodeableConcept=snomed(PRESENT),
            derivedFrom=[to("ImagingStudy/mri")],
            component=[
                component(local("depth-from-articular-surface"), valueQuantity=mm(12)),
                component(local("t1-signal"), valueCodeableConcept=radlex("RID35804")),
                component(local("erosion"), valueCodeableConcept=snomed(ABSENT)),
                component(local("change-from-prior"), valueCodeableConcept=snomed("7147002")),
                component(local("fatty-lesion"), dataAbsentReason={"text": "not assessed"}),
                component(local("sclerosis-of-another-name"), valueBoolean=True),
            ],
        ),
    )

    assert lesions(found) == {
        "si_joint left": {
            "bme": "present",
            "change": "new",
            "depth_mm": "12",
            "erosion": "absent",
            "t1_signal": "low",
        }
    }


# ------------------------------------------------------------------------------------ findings in words


IN_STUDY = {"derivedFrom": [to("ImagingStudy/mri")], "bodySite": None}


def narrative(code: str = "59776-5", **more: Any) -> Json:
    """A section of a report as an observation of its own, with no link to an MRI."""
    return observation("text", loinc(code), **{"bodySite": None, **more})


@pytest.mark.parametrize("code", ["59776-5", "18782-3", "19005-8"])
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"valueString": "Bone marrow edema of the left sacroiliac joint. No erosion."}, id="a string"),
        pytest.param(
            {"valueCodeableConcept": {"text": "Bone marrow edema of the left sacroiliac joint. No erosion."}},
            id="a concept's text",
        ),
        pytest.param(
            {"note": [{"text": "Bone marrow edema of the left sacroiliac joint."}, {"text": "No erosion."}]},
            id="notes",
        ),
        pytest.param({"comments": "Bone marrow edema of the left sacroiliac joint. No erosion."}, id="as in DSTU2"),
        pytest.param({"comment": "Bone marrow edema of the left sacroiliac joint. No erosion."}, id="as in STU3"),
    ],
)
def test_a_narrative_is_read_like_a_report(code: str, more: Json):
    found = read(study(), narrative(code, **{**IN_STUDY, **more}))

    assert lesions(found) == {"si_joint left": {"bme": "present", "erosion": "absent"}}


@pytest.mark.parametrize(
    ("code", "more", "trust"),
    [
        pytest.param("59776-5", {"valueString": "Erosion."}, Trust.FINDINGS_TEXT, id="procedure findings"),
        pytest.param("18782-3", {"valueString": "Erosion."}, Trust.FINDINGS_TEXT, id="study observation"),
        pytest.param("19005-8", {"valueString": "Erosion."}, Trust.IMPRESSION_TEXT, id="impression"),
        pytest.param("19005-8", {"note": [{"text": "Erosion."}]}, Trust.NOTE, id="a note beside it"),
    ],
)
def test_what_is_read_from_a_text_keeps_its_words_and_where_they_stand(code: str, more: Json, trust: Trust):
    (lesion,) = read(study(), narrative(code, **{**IN_STUDY, **more})).case.lesions

    assert lesion.findings["erosion"].sources == (
        Provenance("Observation/text", "2026-03-02", trust, "Erosion.", start=0, end=8),
    )


@pytest.mark.parametrize(
    ("links", "words", "read_as_mri"),
    [
        pytest.param(IN_STUDY, "Erosion.", True, id="of the MR study"),
        pytest.param({}, "MRI of the left hip: erosion.", True, id="told to be of MRI"),
        pytest.param({}, "STIR hyperintense marrow; erosion.", True, id="speaking of what only MRI shows"),
        pytest.param({}, "Erosion.", False, id="of nobody knows what"),
        pytest.param({}, "CT of the hip: erosion.", False, id="told to be of CT"),
        pytest.param({"derivedFrom": [to("ImagingStudy/ct")]}, "Erosion. MRI is advised.", False, id="of a CT study"),
    ],
)
def test_a_narrative_counts_only_when_it_is_one_of_mri(links: Json, words: str, read_as_mri: bool):
    ct = {"resourceType": "ImagingStudy", "id": "ct", "modality": [{"code": "CT"}]}

    found = read(study(), ct, narrative(**{"bodySite": snomed(HIP, LEFT), **links, "valueString": words}))

    assert any("erosion" in findings for findings in lesions(found).values()) is read_as_mri


def test_a_narrative_that_an_mri_report_holds_together_is_of_its_study():
    found = read(
        study(), report(result=[to("Observation/text")]), narrative(valueString="Erosion.", effectiveDateTime=None)
    )

    assert lesions(found) == {"si_joint": {"erosion": "present"}}


def test_a_narrative_has_its_sections_like_a_report():
    words = (
        "INDICATION: acute left hip pain.\nTECHNIQUE: coronal T1 and STIR.\n"
        "FINDINGS: no erosion.\nCOMPARISON: edema of 2024."
    )

    (lesion,) = read(narrative(valueString=f"MRI. {words}", bodySite=snomed(HIP, LEFT))).case.lesions

    assert facts({**lesion.findings, **lesion.study.findings}) == {
        "acute_pain": "present",
        "erosion": "absent",
        "seq.stir": "acquired",
        "seq.t1": "acquired",
    }


GERMAN = "Erosion nicht nachweisbar, kein Ödem."
UNREAD = ("1 Observation (its text is not in English)",)


@pytest.mark.parametrize(
    ("resource", "found", "gaps"),
    [
        pytest.param(narrative(**IN_STUDY, valueString=GERMAN), {}, UNREAD, id="of the MR study"),
        pytest.param(narrative(valueString=GERMAN), {}, UNREAD, id="of nobody knows what"),
        pytest.param(narrative(derivedFrom=[to("ImagingStudy/ct")], valueString=GERMAN), {}, (), id="of a CT study"),
        pytest.param(narrative(**IN_STUDY, language="de", valueString="Erosion."), {}, UNREAD, id="by its tag"),
        pytest.param(
            narrative(**IN_STUDY, valueString="Erosion.", note=[{"text": GERMAN}]), {}, UNREAD, id="half of it"
        ),
        pytest.param(
            edema(valueBoolean=True, note=[{"text": GERMAN}]),
            {"bme": "present"},
            UNREAD,
            id="a note on a coded finding",
        ),
        pytest.param(
            edema(valueBoolean=True, language="de"), {"bme": "present"}, (), id="a coded finding without words"
        ),
        pytest.param(observation("a", loinc("718-7"), note=[{"text": GERMAN}]), {}, (), id="a note on something else"),
    ],
)
def test_words_that_are_not_english_are_not_read_but_counted(resource: Json, found: Json, gaps: tuple[str, ...]):
    ct = {"resourceType": "ImagingStudy", "id": "ct", "modality": [{"code": "CT"}]}

    reading = read(study(), ct, resource)

    assert ({k: v for one in lesions(reading).values() for k, v in one.items()}, reading.gaps) == (found, gaps)


@pytest.mark.parametrize(
    ("more", "found"),
    [
        pytest.param({"note": [{"text": "With erosion."}]}, {"bme": "present", "erosion": "present"}, id="a note"),
        pytest.param({"note": {"text": "With erosion."}}, {"bme": "present", "erosion": "present"}, id="an object"),
        pytest.param({"note": [{"text": "Seen on two planes."}]}, {"bme": "present"}, id="a note of nothing"),
        pytest.param({"note": [{"text": "No bone marrow edema."}]}, {"bme": "absent / present"}, id="a contradiction"),
    ],
)
def test_a_note_on_a_finding_is_read_and_never_unsays_it(more: Json, found: dict[str, str]):
    assert lesions(read(edema(valueBoolean=True, **more))) == {"si_joint left": found}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"note": [{"text": "With erosion."}]}, id="note"),
        pytest.param({"comment": "With erosion."}, id="STU3"),
        pytest.param({"comments": "With erosion."}, id="DSTU2"),
        pytest.param(
            {"component": [component(loinc("718-7"), valueString="x", note=[{"text": "With erosion."}])]},
            id="of a component",
        ),
    ],
)
def test_a_note_in_the_study_is_read_beside_a_value_that_nobody_asks_for(more: Json):
    found = read(study(), observation("a", loinc("718-7"), **IN_STUDY, valueQuantity=mm(3), **more))

    assert lesions(found) == {"si_joint": {"erosion": "present"}}


def test_a_note_on_something_else_that_mentions_an_mri_says_nothing():
    found = read(observation("a", loinc("718-7"), note=[{"text": "MRI: bone marrow edema of the left hip on STIR."}]))

    assert lesions(found) == {}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        pytest.param({}, {"bme": "present"}, id="nothing else"),
        pytest.param({"valueBoolean": False}, {}, id="a question with an answer"),
        pytest.param({"valueString": "none"}, {}, id="a question answered in words"),
        pytest.param({"dataAbsentReason": {"text": "?"}}, {}, id="a question without an answer"),
        pytest.param({"interpretation": [{"text": "negative"}]}, {}, id="a question with an interpretation"),
        pytest.param({"component": [{"valueBoolean": False}]}, {}, id="a question answered by its parts"),
        pytest.param({"_valueBoolean": {"extension": []}}, {}, id="a question whose answer is left out"),
        pytest.param({"derivedFrom": []}, {}, id="not known to be of MRI"),
    ],
)
def test_a_title_in_words_is_a_finding_only_when_it_is_all_there_is(more: Json, found: dict[str, str]):
    place = {"bodySite": snomed(SI_JOINT, LEFT)}
    reading = read(study(), observation("a", {"text": "Bone marrow edema"}, **{**IN_STUDY, **place, **more}))

    assert {name: value for one in lesions(reading).values() for name, value in one.items()} == found


def test_a_component_in_words_without_an_answer_says_nothing():
    found = read(study(), edema(**IN_STUDY, valueBoolean=True, component=[{"code": {"text": "Erosion"}}]))

    assert lesions(found) == {"si_joint": {"bme": "present"}}


def test_a_depth_in_words_is_read_as_text_reads_it():
    words = "Edema extends 12 mm from the articular surface."

    found = read(study(), observation("d", local("depth-from-articular-surface"), valueString=words))

    assert (lesions(found)["si_joint left"]["depth_mm"], found.gaps) == ("12", ())


def test_a_coded_choice_counts_more_than_its_words():
    low = {**radlex("RID35804"), "text": "Low T1 signal in the marrow."}

    (lesion,) = read(observation("t1", local("t1-signal"), valueCodeableConcept=low)).case.lesions

    assert Trust.CODED in {source.trust for source in lesion.findings["t1_signal"].sources}


# ------------------------------------------------------------------------------------- describing words


@pytest.mark.parametrize(
    ("code", "more", "found"),
    [
        pytest.param("RID35805", {"method": radlex("RID28699")}, {"bme": "present"}, id="bright on STIR, coded"),
        pytest.param("RID35805", {"method": {"text": "STIR"}}, {"bme": "present"}, id="bright on STIR, in words"),
        pytest.param("RID35805", {"method": radlex("RID10794")}, {"t1_signal": "high"}, id="bright on T1"),
        pytest.param("RID35804", {"component": [component({"text": "on"}, valueCodeableConcept=radlex("RID10794"))]},
                     {"t1_signal": "low"}, id="dark on T1, which a component names"),
        pytest.param("RID35804", {"method": radlex("RID10794")}, {"t1_signal": "low"}, id="dark on T1"),
        pytest.param("RID5878", {"method": radlex("RID10794")}, {"fatty_lesion": "present"}, id="fatty on T1"),
        pytest.param("RID35805", {"method": {"text": "STIR"}, "valueBoolean": False}, {"bme": "absent"}, id="denied"),
        pytest.param("RID35805", {}, {}, id="bright, on what"),
        pytest.param("RID35805", {"method": radlex("RID10685")}, {}, id="bright on something fat-suppressed"),
        pytest.param(
            "RID35805", {"method": {"coding": [*radlex("RID28699")["coding"], *radlex("RID10794")["coding"]]}}, {},
            id="bright on two that mean different things",
        ),
        pytest.param("RID35805", {"method": radlex("RID28699"), "bodySite": snomed(HIP)}, {}, id="bright, in a joint"),
        pytest.param("RID35805", {"method": radlex("RID28699"), "bodySite": None}, {}, id="bright, nowhere"),
        pytest.param("RID5878", {}, {}, id="fatty, on what"),
        pytest.param("RID5878", {"method": radlex("RID10794"), "bodySite": snomed(HIP)}, {}, id="fatty, in a joint"),
    ],
)  # fmt: skip
def test_a_describing_word_is_a_finding_only_in_bone_on_a_named_sequence(code: str, more: Json, found: Json):
    bone = {"bodySite": snomed("2812003")}

    reading = read(observation("a", radlex(code), **{**bone, **more}))

    assert {name: value for one in lesions(reading).values() for name, value in one.items()} == found


def test_where_a_finding_was_read_is_kept():
    (lesion,) = read(study(), edema(valueBoolean=True), observation("s", snomed(SYNOVITIS))).case.lesions

    assert [lesion.findings[name].sources for name in ("bme", "synovitis")] == [
        (Provenance("Observation/edema", "2026-03-02", Trust.CODED),),
        (Provenance("Observation/s", "2026-03-02", Trust.CODED_WITHOUT_VALUE),),
    ]


def test_a_finding_without_a_date_has_that_of_its_study():
    (lesion,) = read(study(), edema(effectiveDateTime=None)).case.lesions

    assert lesion.findings["bme"].sources[0].date == "2026-03-02"


def test_the_same_finding_stated_twice_with_different_states_is_a_conflict():
    found = read(study(), edema("a", valueBoolean=True), edema("b", valueBoolean=False))

    assert lesions(found) == {"si_joint left": {"bme": "absent / present"}}


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
def test_an_observation_that_was_withdrawn_says_nothing(status: str):
    assert lesions(read(edema(status=status))) == {}


@pytest.mark.parametrize("status", ["final", "amended", "preliminary", "unknown", None])
def test_an_observation_of_another_status_counts(status: Any):
    assert bme(read(edema(status=status))) == "present"


# ----------------------------------------------------------------------------------------- choices and aliases


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param({"valueCodeableConcept": radlex("RID35804")}, "low", id="RadLex"),
        pytest.param({"valueCodeableConcept": local("t1-variable")}, "variable", id="this project's own"),
        pytest.param({"valueCodeableConcept": snomed(INDETERMINATE)}, "indeterminate", id="indeterminate"),
        pytest.param({"valueCodeableConcept": snomed(UNKNOWN)}, "", id="unknown"),
        pytest.param({"valueCodeableConcept": snomed(PRESENT)}, "", id="a state that is no choice"),
        pytest.param({"valueString": "low"}, "", id="text"),
        pytest.param({}, "", id="no value"),
    ],
)
def test_a_choice_is_read_from_its_value(value: Json, found: str):
    states = lesions(read(edema(), observation("t1", local("t1-signal"), **value)))

    assert states["si_joint left"].get("t1_signal", "") == found


OWN = "urn:example:findings"
ALIASES = {
    (OWN, "BME"): "bme",
    (OWN, "NO-BME"): "bme=absent",
    (OWN, "BME?"): "bme=indeterminate",
    (OWN, "T1LOW"): "t1_signal=low",
    (OWN, "DEPTH"): "depth_mm",
    (OWN, "SIJ-R"): "site=si_joint/right",
    (OWN, "R"): "side=right",
    (OWN, "Y"): "state=present",
    (OWN, "N"): "state=absent",
    (OWN, "U"): "state=unknown",
}


def own(code: str) -> Json:
    return coded(code, OWN)


@pytest.mark.parametrize(
    ("code", "value", "found"),
    [
        pytest.param("BME", None, {"bme": "present"}, id="a finding"),
        pytest.param("BME", "N", {"bme": "absent"}, id="denied by its value"),
        pytest.param("BME", "U", {}, id="unknown by its value"),
        pytest.param("NO-BME", None, {"bme": "absent"}, id="a code that denies"),
        pytest.param("NO-BME", "Y", {"bme": "absent"}, id="a code that denies, affirmed"),
        pytest.param("NO-BME", "N", {"bme": "indeterminate"}, id="a code that denies, denied"),
        pytest.param("BME?", "Y", {"bme": "indeterminate"}, id="a vague code, affirmed"),
        pytest.param("BME?", "N", {"bme": "absent"}, id="a vague code, denied"),
        pytest.param("T1LOW", None, {"t1_signal": "low"}, id="a choice"),
        pytest.param("T1LOW", "Y", {"t1_signal": "low"}, id="a choice, affirmed"),
        pytest.param("T1LOW", "N", {}, id="a choice, denied"),
        pytest.param("T1LOW", "U", {}, id="a choice, unknown"),
        pytest.param("T1LOW", "BME", {"t1_signal": "indeterminate"}, id="a choice, with a value of no meaning"),
    ],
)
def test_a_sites_own_codes_are_read_by_its_aliases(code: str, value: str | None, found: dict[str, str]):
    stated = {"valueCodeableConcept": own(value)} if value else {}

    reading = read(observation("a", own(code), **stated), how=rules_of(ALIASES))

    assert lesions(reading) == ({"si_joint left": found} if found else {})


RADELEMENT = "https://radelement.org"
ELEMENTS = {
    (RADELEMENT, "RDE1001"): "bme",
    (RADELEMENT, "RDE1001.0"): "state=absent",
    (RADELEMENT, "RDE1001.1"): "state=present",
    (RADELEMENT, "RDE1002"): "depth_mm",
    (RADELEMENT, "RDE1003"): "t1_signal",
    (RADELEMENT, "RDE1003.2"): "t1_signal=low",
}
"""A site's mapping of made-up elements: RadElement has no set for bone marrow edema."""


def rde(code: str) -> Json:
    return coded(code, RADELEMENT)


@pytest.mark.parametrize(
    ("aliases", "found"),
    [
        pytest.param(ELEMENTS, {"si_joint left": {"bme": "absent", "depth_mm": "12", "t1_signal": "low"}}, id="mapped"),
        pytest.param({}, {}, id="not mapped"),
        pytest.param({(RADELEMENT, "RDE1003"): "t1_signal"}, {}, id="a question mapped, its answer not"),
    ],
)
def test_elements_of_a_radelement_set_are_read_by_the_sites_aliases(aliases: Json, found: Json):
    components = [
        component(rde("RDE1001"), valueCodeableConcept=rde("RDE1001.0")),
        component(rde("RDE1002"), valueQuantity=mm(1.2, "cm")),
        component(rde("RDE1003"), valueCodeableConcept=rde("RDE1003.2")),
        component(rde("RDE9999"), valueCodeableConcept=rde("RDE1001.1")),
    ]

    assert lesions(read(observation("a", rde("RDES99"), component=components), how=rules_of(aliases))) == found


def test_a_sites_own_codes_name_places_sides_and_lengths():
    how = rules_of(ALIASES)

    one = read(edema(bodySite=own("SIJ-R")), how=how)
    other = read(edema(bodySite={"coding": [*snomed(HIP)["coding"], *own("R")["coding"]]}), how=how)
    deep = read(observation("d", own("DEPTH"), valueQuantity=mm(11)), how=how)

    assert [lesions(found) for found in (one, other, deep)] == [
        {"si_joint right": {"bme": "present"}},
        {"hip right": {"bme": "present"}},
        {"si_joint left": {"depth_mm": "11"}},
    ]


# ------------------------------------------------------------------------------------------------ where


@pytest.mark.parametrize(
    ("body_site", "place"),
    [
        pytest.param(snomed(SI_JOINT, LEFT), "si_joint left", id="site and side as two codings"),
        pytest.param(snomed(SI_JOINT), "si_joint", id="no side"),
        pytest.param(snomed(SI_JOINT, BOTH), "si_joint left, si_joint right", id="both sides"),
        pytest.param({**snomed(SI_JOINT), "laterality": snomed(RIGHT)}, "si_joint right", id="laterality beside"),
        pytest.param(
            {
                **snomed(SI_JOINT),
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-laterality-qualifier",
                        "valueCodeableConcept": snomed(RIGHT),
                    }
                ],
            },
            "si_joint right",
            id="laterality as an extension",
        ),
        pytest.param(radlex("RID2577_RID5824"), "si_joint left", id="RadLex with its side"),
        pytest.param(radlex("RID2577"), "si_joint", id="RadLex"),
        pytest.param(
            {"coding": [*radlex("RID2577_RID5824")["coding"], *snomed(RIGHT)["coding"]]},
            "si_joint",
            id="two sides that contradict",
        ),
        pytest.param([snomed(HIP, LEFT), snomed(HIP, RIGHT)], "hip left, hip right", id="a list of both sides"),
        pytest.param([snomed(HIP), snomed(KNEE)], "somewhere", id="a list of two joints"),
        pytest.param(snomed("2812003", HIP, RIGHT), "hip right", id="a part and its joint"),
        pytest.param(snomed("54735007"), "somewhere", id="the sacrum, which is not always the joint"),
        pytest.param({"text": "left SI joint"}, "somewhere", id="words only"),
        pytest.param({"coding": [{"display": "Left sacroiliac joint"}]}, "somewhere", id="a display only"),
        pytest.param(None, "somewhere", id="none"),
    ],
)
def test_a_finding_is_where_its_body_site_says(body_site: Any, place: str):
    assert ", ".join(lesions(read(edema(bodySite=body_site)))) == place


@pytest.mark.parametrize(
    ("components", "place"),
    [
        pytest.param([component(snomed("272741003"), valueCodeableConcept=snomed(RIGHT))], "hip right", id="a side"),
        pytest.param(
            [component({"text": "side"}, valueCodeableConcept=snomed(side)) for side in (LEFT, RIGHT)],
            "hip left, hip right",
            id="both sides, one each",
        ),
        pytest.param([component(local("erosion"), valueCodeableConcept=snomed(RIGHT))], "hip", id="of a finding"),
    ],
)
def test_a_component_may_say_the_side(components: list[Json], place: str):
    assert ", ".join(lesions(read(edema(bodySite=snomed(HIP), component=components)))) == place


def test_a_component_may_say_the_site():
    found = read(edema(bodySite=None, component=[component({"text": "x"}, valueCodeableConcept=snomed(KNEE, LEFT))]))

    assert lesions(found) == {"knee left": {"bme": "present"}}


def test_a_code_that_names_its_joint_is_there_even_in_a_study_of_another():
    found = read(study(), observation("a", snomed("202379000"), bodySite=None))

    assert lesions(found) == {"hip": {"effusion": "present"}, "si_joint": {}}


def test_a_body_site_counts_more_than_the_place_a_code_names():
    assert lesions(read(observation("a", snomed("202379000"), bodySite=snomed(KNEE, LEFT)))) == {
        "knee left": {"effusion": "present"}
    }


def test_a_region_is_narrowed_by_what_the_study_shows():
    found = read(study(), edema(bodySite=snomed("54735007", LEFT), derivedFrom=[to("ImagingStudy/mri")]))

    assert lesions(found) == {"si_joint left": {"bme": "present"}}


# ----------------------------------------------------------------------------------------------- how deep


@pytest.mark.parametrize(
    ("quantity", "found"),
    [
        pytest.param(mm(12), "12", id="mm"),
        pytest.param(mm(1.2, "cm"), "12", id="cm"),
        pytest.param(mm(0.99, "cm"), "9.9", id="just under 1 cm"),
        pytest.param(mm(0.01, "m"), "10", id="m"),
        pytest.param(mm("12"), "12", id="a number as text"),
        pytest.param(mm(10, comparator=">="), ">= 10", id="at least"),
        pytest.param(mm(8, comparator=">"), "> 8", id="more than"),
        pytest.param(mm(10, comparator="<"), "< 10", id="less than"),
        pytest.param(mm(10, comparator="<="), "<= 10", id="at most"),
        pytest.param({"value": 12, "unit": "mm"}, "12", id="without code"),
        pytest.param({"value": 12, "code": "mm"}, "12", id="without unit"),
        pytest.param({"value": 12, "code": "258673006", "system": SNOMED, "unit": "mm"}, "12", id="code of SNOMED CT"),
    ],
)
def test_a_depth_is_read_in_millimetres(quantity: Json, found: str):
    assert lesions(read(depth(quantity))) == {"si_joint left": {"depth_mm": found}}


REJECTED = "depth of edema from the articular surface (value without a usable length)"


@pytest.mark.parametrize(
    "quantity",
    [
        pytest.param({"value": 12}, id="no unit"),
        pytest.param(mm(12, "px"), id="a unit that is no length"),
        pytest.param({"value": 12, "code": "cm", "unit": "mm"}, id="two units"),
        pytest.param(mm(0), id="zero"),
        pytest.param(mm(-3), id="negative"),
        pytest.param(mm(None), id="no number"),
        pytest.param(mm("a lot"), id="words"),
        pytest.param(mm(True), id="a boolean"),
        pytest.param(mm([12]), id="a list"),
        pytest.param(mm(12, comparator="~"), id="another comparator"),
        pytest.param(mm(12, "m"), id="twelve metres"),
        pytest.param(mm(1e300), id="a number without end"),
        pytest.param(mm(1e-300), id="a number next to nothing"),
        pytest.param(mm("1e999999", "cm"), id="a number too large to convert"),
        pytest.param({}, id="an empty quantity"),
    ],
)
def test_a_depth_that_is_no_length_is_rejected_and_named(quantity: Json):
    found = read(edema(), depth(quantity))

    assert lesions(found) == {"si_joint left": {"bme": "present"}}
    assert (found.case.problems, found.gaps) == (
        (Problem("rejected-value", "depth_mm", "Observation/depth"),),
        (REJECTED,),
    )


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param({"low": mm(8), "high": mm(12)}, "8-12", id="both ends"),
        pytest.param({"low": mm(8), "high": mm(1.2, "cm")}, "8-12", id="in two units"),
        pytest.param({"low": mm(8)}, ">= 8", id="only the lower end"),
        pytest.param({"high": mm(12)}, "<= 12", id="only the upper end"),
        pytest.param({"low": mm(12), "high": mm(8)}, "", id="the wrong way round"),
        pytest.param({"low": mm(8), "high": {"value": 12}}, "", id="an end without unit"),
        pytest.param({}, "", id="no end"),
    ],
)
def test_a_depth_may_be_a_range(value: Json, found: str):
    reading = read(observation("depth", local("depth-from-articular-surface"), valueRange=value))

    assert lesions(reading) == ({"si_joint left": {"depth_mm": found}} if found else {})
    assert reading.gaps == (() if found else (REJECTED,))


@pytest.mark.parametrize("value", [{"valueString": "12 mm"}, {"valueInteger": 12}, {"valueBoolean": True}])
def test_a_depth_of_another_type_is_rejected(value: Json):
    assert read(observation("depth", local("depth-from-articular-surface"), **value)).gaps == (REJECTED,)


def test_a_depth_without_a_value_says_nothing():
    found = read(observation("depth", local("depth-from-articular-surface"), dataAbsentReason={"text": "x"}))
    silent = read(observation("depth", local("depth-from-articular-surface")))

    assert [(lesions(one), one.gaps) for one in (found, silent)] == [({}, ())] * 2


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        pytest.param({}, {"derivedFrom": [to("Observation/edema")]}, id="derivedFrom"),
        pytest.param({"hasMember": [to("Observation/depth")]}, {}, id="hasMember"),
        pytest.param({"hasMember": to("https://ehr.example/fhir/Observation/depth")}, {}, id="by an absolute address"),
        pytest.param({}, {"related": [{"type": "derived-from", "target": to("Observation/edema")}]},
                     id="derived-from, as in DSTU2 and STU3"),
        pytest.param({"related": {"type": "has-member", "target": to("Observation/depth")}}, {},
                     id="has-member, as in DSTU2 and STU3"),
    ],
)  # fmt: skip
def test_a_size_of_its_own_belongs_to_its_finding(parent: Json, child: Json):
    found = read(
        study(),
        study("other", started="2026-03-05", procedureCode=[loinc("24802-1")]),
        edema(derivedFrom=[to("ImagingStudy/mri")], **parent),
        depth(mm(1.6, "cm"), bodySite=None, effectiveDateTime=None, **child),
    )

    assert lesions(found) == {"knee": {}, "si_joint left": {"bme": "present", "depth_mm": "16"}}


@pytest.mark.parametrize(
    "child",
    [
        pytest.param({}, id="not linked"),
        pytest.param({"related": [{"type": "replaces", "target": to("Observation/edema")}]}, id="linked otherwise"),
        pytest.param({"derivedFrom": [to("Observation/nobody")]}, id="linked to what was not sent"),
    ],
)
def test_a_size_that_belongs_to_no_finding_has_no_place(child: Json):
    found = read(edema(), depth(mm(12), bodySite=None, **child))

    assert lesions(found) == {"si_joint left": {"bme": "present"}, "somewhere": {"depth_mm": "12"}}


STRUCTURE = {"structure": snomed(HIP), "laterality": snomed(RIGHT)}


@pytest.mark.parametrize(
    ("inside", "place"),
    [
        pytest.param({"includedStructure": [STRUCTURE]}, "hip right", id="a structure with its side"),
        pytest.param({"includedStructure": STRUCTURE}, "hip right", id="an object"),
        pytest.param({"includedStructure": [{"structure": "hip"}]}, "somewhere", id="one that cannot be read"),
        pytest.param({"includedStructure": []}, "somewhere", id="none"),
        pytest.param({"id": "other", "includedStructure": [STRUCTURE]}, "somewhere", id="another than is meant"),
    ],
)
def test_a_body_structure_of_r5_is_read_where_it_is_contained(inside: Json, place: str):
    structure = {"resourceType": "BodyStructure", "id": "b", **inside}

    found = read(edema(bodySite=None, bodyStructure=to("#b"), contained=[structure]))

    assert ", ".join(lesions(found)) == place


# ------------------------------------------------------------------------------------------ of which study


def studies_of(reading: Any) -> dict[str, list[str]]:
    """Which findings belong to which study."""
    return {lesion.study.key: sorted(lesion.findings) for lesion in reading.case.lesions}


KNEE_STUDY = study("knee", started="2026-03-05", procedureCode=[loinc("24802-1")])


@pytest.mark.parametrize(
    "link",
    [
        pytest.param({"derivedFrom": [to("ImagingStudy/knee")]}, id="derivedFrom"),
        pytest.param({"partOf": [to("ImagingStudy/knee")]}, id="partOf"),
        pytest.param({"derivedFrom": [to("https://ehr.example/fhir/ImagingStudy/knee")]}, id="absolute"),
        pytest.param({"effectiveDateTime": "2026-03-05"}, id="its day"),
    ],
)
def test_a_finding_belongs_to_the_study_it_names_or_that_of_its_day(link: Json):
    found = read(study(), KNEE_STUDY, edema(**{"bodySite": snomed(KNEE, LEFT), **link}))

    assert studies_of(found) == {"ImagingStudy/knee": ["bme"], "ImagingStudy/mri": []}


def test_a_finding_belongs_to_the_study_of_the_report_that_names_it():
    found = read(
        study(),
        KNEE_STUDY,
        report(
            code={"text": "MRI knee"},
            imagingStudy=[to("ImagingStudy/knee")],
            result=[to("Observation/edema")],
            effectiveDateTime="2026-03-05",
        ),
        edema(effectiveDateTime=None, bodySite=snomed(KNEE, LEFT)),
    )

    assert studies_of(found) == {"ImagingStudy/knee": ["bme"], "ImagingStudy/mri": []}


def test_a_finding_and_its_report_are_together_even_when_the_study_was_not_sent():
    found = read(
        report(conclusion="Erosion of the left sacroiliac joint.", imagingStudy=[to("ImagingStudy/gone")]),
        edema(derivedFrom=[to("ImagingStudy/gone")]),
    )

    assert studies_of(found) == {"ImagingStudy/gone": ["bme", "erosion"]}


@pytest.mark.parametrize(
    ("day", "together"),
    [
        pytest.param("2026-03-02", True, id="on its day"),
        pytest.param("2026-03-09", True, id="a week later"),
        pytest.param(None, True, id="undated"),
        pytest.param("2026-03-01", False, id="the day before"),
        pytest.param("2026-04-20", False, id="weeks later"),
        pytest.param("2019-03-02", False, id="years before"),
    ],
)
def test_an_unlinked_finding_joins_the_only_study_only_near_its_day(day: str | None, together: bool):
    found = read(study(), edema(effectiveDateTime=day))

    assert ("bme" in studies_of(found).get("ImagingStudy/mri", [])) is together


def test_a_finding_whose_study_was_not_sent_has_a_study_of_its_own_day():
    found = read(edema("a", effectiveDateTime="2026-02-01"), edema("b", effectiveDateTime="2026-03-01"))

    (lesion,) = found.case.lesions
    assert (lesion.study.key, lesion.study.date) == ("observed 2026-03-01", "2026-03-01")


def test_links_in_a_circle_end():
    ring = [
        edema("a", bodySite=None, hasMember=[to("Observation/b")], derivedFrom=[to("Observation/c")]),
        edema("b", bodySite=None, hasMember=[to("Observation/c")], derivedFrom=[to("Observation/b")]),
        edema("c", bodySite=snomed(HIP, LEFT), hasMember=[to("Observation/a")]),
    ]

    assert lesions(read(*ring)) == {"hip left": {"bme": "present"}}


def test_a_long_chain_of_links_is_read_without_delay():
    chain = [
        edema(f"o{number}", bodySite=snomed(HIP, LEFT), derivedFrom=[to(f"Observation/o{number + 1}")])
        for number in range(2000)
    ]

    assert lesions(read(*chain)) == {"hip left": {"bme": "present"}}


CT = {"resourceType": "ImagingStudy", "id": "ct", "modality": [{"code": "CT"}], "started": "2026-03-02"}


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([CT, edema(derivedFrom=[to("ImagingStudy/ct")])], id="of a CT study"),
        pytest.param(
            [report(code={"text": "XR hip left"}, result=[to("Observation/edema")]), edema()],
            id="named by the report of a radiograph",
        ),
        pytest.param(
            [
                edema("whole", derivedFrom=[to("ImagingStudy/ct")], hasMember=[to("Observation/edema")]),
                CT,
                edema(),
            ],
            id="part of such a finding",
        ),
        pytest.param(
            [report(code={"text": "XR hip left"}, contained=[{**edema(), "id": "inside"}])],
            id="inside such a report",
        ),
    ],
)
def test_a_finding_of_another_kind_of_imaging_is_none_of_mri(others: list[Json]):
    assert lesions(read(study(), *others)) == {"si_joint": {}}


@pytest.mark.parametrize(
    "others",
    [
        pytest.param(
            [report(code={"text": "Imaging"}, conclusion="As on radiographs.", result=[to("Observation/edema")])],
            id="named by a report that does not say how it was made",
        ),
        pytest.param([{**CT, "id": "nothing", "modality": []}], id="of a study that does not say how it was made"),
        pytest.param([CT], id="of an MR study and a CT"),
    ],
)  # fmt: skip
def test_a_finding_counts_unless_it_is_known_to_be_of_another_kind(others: list[Json]):
    links = {"ct": ["ct", "mri"], "nothing": ["nothing"]}.get(others[0]["id"], [])

    found = read(study(), *others, edema(derivedFrom=[to(f"ImagingStudy/{ident}") for ident in links]))

    assert lesions(found)["si_joint left"] == {"bme": "present"}


def test_a_finding_that_an_mri_report_names_as_well_counts():
    found = read(
        report("mri", result=[to("Observation/edema")]),
        report("xr", code={"text": "XR pelvis"}, result=[to("Observation/edema")]),
        edema(),
    )

    assert lesions(found) == {"si_joint left": {"bme": "present"}}


# -------------------------------------------------------------------------------------------- diagnoses


def test_an_observation_may_name_a_diagnosis_of_its_place():
    found = read(observation("a", snomed("60168000"), bodySite=snomed(FOOT, RIGHT)))

    assert lesions(found) == {"foot_ankle right": {"osteomyelitis": "present"}}


def test_charcot_in_an_observation_is_named_for_the_place_and_known_of_the_patient():
    found = read(observation("a", snomed("359554008"), bodySite=snomed(FOOT, RIGHT)))

    assert lesions(found) == {"foot_ankle right": {"charcot": "present", "named.charcot": "present"}}


def test_one_thing_coded_twice_is_read_at_the_more_exact_place():
    twice = {"coding": [{"system": SNOMED, "code": "60168000"}, {"system": ICD10_CM, "code": "M86.171"}]}

    found = read(observation("a", twice, bodySite=None))

    assert lesions(found) == {"foot_ankle right": {"osteomyelitis": "present"}}


def test_what_cannot_be_read_does_not_silence_the_rest():
    found = read(depth(mm(-1), "bad"), edema("edema"), observation("s", snomed(SYNOVITIS)), condition("c", {}))

    assert (lesions(found), found.gaps) == (
        {"si_joint left": {"bme": "present", "synovitis": "present"}},
        (REJECTED,),
    )


def test_effusion_and_fluid_are_two_findings():
    found = read(observation("a", snomed(EFFUSION)), observation("b", local("t2-joint-fluid"), valueBoolean=False))

    assert lesions(found) == {"si_joint left": {"effusion": "present", "t2_joint_fluid": "absent"}}
