from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from support.records import (
    ABSENT,
    DICOM,
    EDEMA,
    FOOT,
    HIP,
    LEFT,
    RIGHT,
    SI_JOINT,
    coded,
    cpt,
    edema,
    facts,
    icd,
    lesions,
    local,
    loinc,
    patient,
    read,
    report,
    rules_of,
    snomed,
    study,
    to,
)

from cds_service.model.finding import Provenance, Trust

Json = Any

EDEMA_LEFT = "Bone marrow edema of the left sacroiliac joint."
NO_EDEMA_LEFT = "No bone marrow edema of the left sacroiliac joint."
PRESENT_LEFT = {"si_joint left": {"bme": "present"}}


# --------------------------------------------------------------------------------- which reports are read


@pytest.mark.parametrize(
    ("changes", "read_at"),
    [
        pytest.param({}, "si_joint", id="a code of MRI"),
        pytest.param({"code": {"text": "MRI HIP LEFT WO CONTRAST"}}, "hip left", id="MRI in its title"),
        pytest.param({"code": {"coding": [{"display": "MR Knee - right"}]}}, "knee right", id="MR in its display"),
        pytest.param({"code": {**loinc("18748-4"), "text": "Diagnostic imaging study"}}, "somewhere",
                     id="a general title, sequences in its text"),
        pytest.param({"code": None}, "somewhere", id="no title, sequences in its text"),
        pytest.param({"code": {"text": "XR FOOT LEFT 3 VIEWS"}}, "", id="a radiograph"),
        pytest.param({"code": {"text": "X-ray left foot"}}, "", id="an x-ray"),
        pytest.param({"code": {"text": "CT pelvis"}}, "", id="CT"),
        pytest.param({"code": {"text": "US KNEE"}}, "", id="ultrasound"),
        pytest.param({"code": {"text": "Bone scan, whole body"}}, "", id="a bone scan"),
        pytest.param({"code": snomed("1290452004")}, "", id="a code of a radiograph"),
        pytest.param({"code": {"text": "PET/MR whole body"}}, "somewhere", id="MR with another"),
    ],
)  # fmt: skip
def test_reports_of_mri_are_read_and_those_of_other_imaging_are_not(changes: Json, read_at: str):
    found = read(report(conclusion="T1-weighted and STIR images show bone marrow edema.", **changes))

    assert lesions(found) == ({read_at: {"bme": "present"}} if read_at else {})


@pytest.mark.parametrize(
    ("conclusion", "counts"),
    [
        pytest.param("MRI of the hip: osteomyelitis.", True, id="MRI"),
        pytest.param("Osteomyelitis. Low T1 signal.", True, id="a signal"),
        pytest.param("MRI: osteomyelitis. Compared with radiographs.", True, id="MRI, then radiographs"),
        pytest.param("Radiographs: osteomyelitis. MRI is advised.", False, id="radiographs, then MRI"),
        pytest.param("Mr. Example has osteomyelitis. Radiographs.", False, id="a person"),
        pytest.param("Computed tomography shows osteomyelitis.", False, id="CT"),
        pytest.param("Osteomyelitis.", False, id="nothing tells"),
    ],
)
def test_without_a_title_the_text_tells_how_a_report_was_made(conclusion: str, counts: bool):
    found = read(report(conclusion=conclusion, code={"text": "Diagnostic imaging report"}))

    assert (lesions(found) != {}) is counts


CT = {"resourceType": "ImagingStudy", "id": "ct", "modality": [{"system": DICOM, "code": "CT"}]}


@pytest.mark.parametrize(
    ("title", "counts"),
    [
        pytest.param("Imaging report", False, id="a general title"),
        pytest.param("MRI sacroiliac joints", True, id="a title that says MRI"),
    ],
)
def test_a_report_of_a_ct_study_is_none_of_mri_unless_it_says_so(title: str, counts: bool):
    sent = report(conclusion=f"STIR: {EDEMA_LEFT}", code={"text": title}, imagingStudy=[to("ImagingStudy/ct")])

    assert (lesions(read(CT, sent)) != {}) is counts


def test_a_report_without_a_title_is_of_mri_when_its_study_is():
    found = read(study(), report(conclusion="Osteomyelitis.", code=None, imagingStudy=[to("ImagingStudy/mri")]))

    assert lesions(found) == {"si_joint": {"osteomyelitis": "present"}}


def test_a_laboratory_report_is_not_read():
    lab = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB"}]}

    assert lesions(read(report(conclusion=f"STIR: {EDEMA_LEFT}", code={"text": "Pathology"}, category=[lab]))) == {}


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("final", True),
        ("amended", True),
        ("corrected", True),
        ("appended", True),
        ("preliminary", True),
        ("partial", True),
        ("modified", True),
        ("unknown", True),
        (None, True),
        ("entered-in-error", False),
        ("cancelled", False),
        ("registered", False),
    ],
)
def test_the_status_of_a_report_decides_whether_it_counts(status: Any, counts: bool):
    inside = {**edema(bodySite=snomed(SI_JOINT, RIGHT)), "id": "f"}

    found = read(report(conclusion=EDEMA_LEFT, status=status, contained=[inside], result=[to("#f")]))

    both = PRESENT_LEFT | {"si_joint right": {"bme": "present"}}
    assert lesions(found) == (both if counts else {})


@pytest.mark.parametrize(("status", "early"), [("preliminary", True), ("partial", True), ("final", False)])
def test_a_report_that_may_still_change_is_marked(status: str, early: bool):
    (lesion,) = read(report(conclusion=EDEMA_LEFT, status=status)).case.lesions

    assert lesion.study.preliminary is early


# -------------------------------------------------------------------------------- versions of one report


FIRST, LATER = "2026-03-03T10:00:00Z", "2026-03-04T10:00:00Z"


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        pytest.param({}, {"status": "amended", "issued": LATER}, "absent", id="amended"),
        pytest.param({}, {"status": "corrected"}, "absent", id="corrected on the same day"),
        pytest.param({}, {"status": "appended", "issued": LATER}, "absent / present", id="added to"),
        pytest.param({"status": "preliminary"}, {"issued": LATER}, "absent", id="final after preliminary"),
        pytest.param({"status": "preliminary"}, {}, "absent", id="final on the same day"),
        pytest.param({"status": "preliminary", "issued": LATER}, {}, "absent / present", id="preliminary after final"),
        pytest.param({"issued": LATER}, {"status": "amended"}, "absent / present", id="amended before the final"),
        pytest.param({}, {"issued": LATER}, "absent / present", id="two final reports"),
        pytest.param(
            {"status": "amended"}, {"status": "amended", "issued": LATER}, "absent", id="amended a second time"
        ),
        pytest.param({}, {"status": "amended", "issued": LATER, "code": loinc("36020-6")}, "present", id="of a hip"),
    ],
)
def test_an_amended_report_takes_the_place_of_the_one_before(first: Json, second: Json, state: str):
    one = report("one", conclusion=EDEMA_LEFT, imagingStudy=[to("ImagingStudy/mri")], **first)
    other = report("other", conclusion=NO_EDEMA_LEFT, imagingStudy=[to("ImagingStudy/mri")], **second)
    if "code" in second:
        other["conclusion"] = "No effusion."

    found = [lesions(read(study(), *both))["si_joint left"]["bme"] for both in permutations((one, other))]

    assert found == [state, state]


def test_the_newest_report_names_the_study():
    sent = [report("one", issued=LATER, conclusion=EDEMA_LEFT), report("two", issued=FIRST, conclusion=EDEMA_LEFT)]

    found = [read(study(), *both).case.lesions[0].study for both in permutations(sent)]

    assert [(one.report, one.issued, one.date) for one in found] == [
        ("DiagnosticReport/one", "2026-03-04", "2026-03-02")
    ] * 2


# --------------------------------------------------------------------------------------------- which study


def studies_of(reading: Any) -> dict[str, list[str]]:
    return {lesion.study.key: sorted(lesion.findings) for lesion in reading.case.lesions}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        pytest.param({"imagingStudy": [to("ImagingStudy/mri")]}, "ImagingStudy/mri", id="it names"),
        pytest.param({"imagingStudy": to("https://ehr.example/fhir/ImagingStudy/mri")}, "ImagingStudy/mri",
                     id="it names by an absolute address"),
        pytest.param({"study": [to("ImagingStudy/mri")]}, "ImagingStudy/mri", id="it names as in R5"),
        pytest.param({}, "ImagingStudy/mri", id="of its day"),
        pytest.param({"effectiveDateTime": None}, "ImagingStudy/mri", id="reported the day after"),
        pytest.param({"effectiveDateTime": "2025-03-02"}, "DiagnosticReport/report", id="not the one of a year later"),
        pytest.param({"code": {"text": "MRI knee left"}}, "DiagnosticReport/report", id="not one of another joint"),
        pytest.param({"imagingStudy": [to("ImagingStudy/gone")]}, "ImagingStudy/gone", id="that was not sent"),
    ],
)  # fmt: skip
def test_a_report_is_about_the_study(changes: Json, key: str):
    found = read(study(), report(conclusion="Bone marrow edema.", **changes))

    assert studies_of(found)[key] == ["bme"]


def test_a_report_that_names_a_study_for_comparison_is_about_the_newer():
    named = [to("ImagingStudy/mri"), to("ImagingStudy/prior")]

    found = read(study(), study("prior", started="2024-01-01"), report(conclusion=EDEMA_LEFT, imagingStudy=named))

    assert studies_of(found) == {"ImagingStudy/mri": ["bme"]}


def test_the_title_gives_a_study_the_place_it_does_not_name():
    nameless = study(procedureCode=[], description="")

    found = read(nameless, report(code={"text": "MRI left hip"}), edema(bodySite=None))

    assert lesions(found) == {"hip left": {"bme": "present"}}


def test_a_report_of_the_pelvis_is_placed_by_its_title():
    found = read(report(conclusion="Bone marrow edema.", code={**cpt("72195"), "text": "MRI SI joints"}))

    assert lesions(found) == {"si_joint": {"bme": "present"}}


@pytest.mark.parametrize(
    ("title", "text", "found"),
    [
        pytest.param("MRI brain", "No acute infarct. Mastoid air cells are clear.", {}, id="nothing of ours"),
        pytest.param("MRI shoulder", "Bone marrow edema.", {"somewhere": {"bme": "present"}}, id="edema elsewhere"),
    ],
)
def test_a_report_of_another_region_is_not_mixed_into_the_study(title: str, text: str, found: Json):
    sent = report(conclusion=text, code={"text": title}, effectiveDateTime="2026-02-01", issued="2026-02-01")

    assert lesions(read(study(), sent)) == {"si_joint": {}} | found


# ------------------------------------------------------------------------------------ links and contained


def test_a_report_with_everything_inside_it_is_read():
    sent = report(
        code={"text": "Diagnostic imaging study"},
        imagingStudy=[to("#study")],
        result=[to("#one")],
        contained=[
            {"resourceType": "Patient", "id": "who"},
            {**study(description="Left SI joint"), "id": "study", "subject": to("#who")},
            {**edema(bodySite=None), "id": "one", "subject": to("#who")},
            {**edema(bodySite=None, valueBoolean=False), "id": "two", "code": local("erosion")},
            {"resourceType": "Device", "id": "scanner"},
            {"resourceType": "Observation", "code": snomed(EDEMA)},
        ],
    )

    found = read(sent)

    assert lesions(found) == {"si_joint left": {"bme": "present", "erosion": "absent"}}
    assert (found.case.lesions[0].study.key, found.case.lesions[0].study.date) == (
        "ImagingStudy/report#study",
        "2026-03-02",
    )


def test_the_same_name_inside_two_reports_is_two_findings():
    inside = {**edema(), "id": "f"}

    found = read(
        report("one", contained=[{**inside, "bodySite": snomed(SI_JOINT, LEFT)}]),
        report("two", contained=[{**inside, "bodySite": snomed(SI_JOINT, RIGHT)}]),
    )

    assert sorted(lesions(found)) == ["si_joint left", "si_joint right"]


# ---------------------------------------------------------------------------------------- coded conclusion


@pytest.mark.parametrize(
    ("concept", "found"),
    [
        pytest.param(snomed("60168000"), {"foot_ankle right": {"osteomyelitis": "present"}}, id="a diagnosis"),
        pytest.param(icd("M86.171"), {"foot_ankle right": {"osteomyelitis": "present"}}, id="of ICD-10-CM"),
        pytest.param(icd("M86.172"), {"foot_ankle left": {"osteomyelitis": "present"}, "foot_ankle right": {}},
                     id="of the other side"),
        pytest.param(icd("M86.371"), {"foot_ankle right": {"osteomyelitis": "indeterminate"}}, id="a vague one"),
        pytest.param(snomed(EDEMA), {"foot_ankle right": {"bme": "present"}}, id="a finding"),
        pytest.param(snomed("359554008"), {"foot_ankle right": {"charcot": "present", "named.charcot": "present"}},
                     id="Charcot, which is context as well"),
        pytest.param(local("t1-signal"), {"foot_ankle right": {}}, id="a question without its answer"),
        pytest.param(local("depth-from-articular-surface"), {"foot_ankle right": {}}, id="a length without its value"),
        pytest.param({"text": "Osteomyelitis"}, {"foot_ankle right": {}}, id="words only"),
        pytest.param(snomed("38341003"), {"foot_ankle right": {}}, id="another disease"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["conclusionCode", "codedDiagnosis"])
def test_the_coded_conclusion_is_read(name: str, concept: Json, found: Json):
    assert lesions(read(report(code={"text": "MRI FOOT RIGHT"}, **{name: [concept]}))) == found


def test_a_coded_conclusion_counts_more_than_a_note_but_less_than_a_coded_finding():
    found = read(report(code={"text": "MRI FOOT RIGHT"}, conclusionCode=[snomed("60168000")]))

    (lesion,) = found.case.lesions
    assert lesion.findings["osteomyelitis"].sources == (
        Provenance("DiagnosticReport/report", "2026-03-02", Trust.CONCLUSION_CODE),
    )


def test_a_sites_own_code_may_name_the_conclusion():
    how = rules_of({("urn:own", "X"): "osteomyelitis=indeterminate"})

    found = read(report(conclusionCode=[coded("X", "urn:own")]), how=how)

    assert lesions(found) == {"si_joint": {"osteomyelitis": "indeterminate"}}


# --------------------------------------------------------------------------------------------------- text


def test_the_conclusion_is_read_with_its_words():
    (lesion,) = read(report(conclusion=EDEMA_LEFT)).case.lesions

    assert (lesion.group, lesion.side) == ("si_joint", "left")
    assert lesion.findings["bme"].sources == (
        Provenance("DiagnosticReport/report", "2026-03-02", Trust.IMPRESSION_TEXT, EDEMA_LEFT, 0, len(EDEMA_LEFT)),
    )


def test_text_that_names_no_place_is_about_the_place_of_the_report():
    assert lesions(read(report(conclusion="Bone marrow edema.", code={"text": "MRI HIP LEFT"}))) == {
        "hip left": {"bme": "present"}
    }


def test_a_coded_finding_and_the_text_that_disagree_are_a_conflict_with_both_sources():
    (lesion,) = read(study(), report(conclusion=NO_EDEMA_LEFT), edema(valueBoolean=True)).case.lesions

    finding = lesion.findings["bme"]
    assert (facts(lesion.findings), [source.reference for source in finding.sources]) == (
        {"bme": "absent / present"},
        ["Observation/edema", "DiagnosticReport/report"],
    )


def test_the_technique_names_sequences_where_no_series_does():
    found = read(report(conclusion=f"TECHNIQUE: Coronal T1 and STIR.\nIMPRESSION: {EDEMA_LEFT}"))

    assert facts(found.case.lesions[0].study.findings) == {"seq.stir": "acquired", "seq.t1": "acquired"}


def test_pain_in_the_indication_is_that_of_the_imaged_joint():
    found = read(
        report(
            conclusion="INDICATION: Acute knee pain.\nIMPRESSION: Bone marrow edema.", code={"text": "MRI KNEE LEFT"}
        )
    )

    assert {name: said["acute_pain"] for name, said in lesions(found).items()} == {"knee left": "present"}
    assert patient(found) == {}


def test_suggestive_is_read_as_the_site_has_set():
    sent = report(conclusion="Findings suggestive of osteomyelitis of the left sacroiliac joint.")

    by_default, by_setting = read(sent), read(sent, how=rules_of(suggestive_is_present=True))

    assert [lesions(found)["si_joint left"]["osteomyelitis"] for found in (by_default, by_setting)] == [
        "indeterminate",
        "present",
    ]


@pytest.mark.parametrize("conclusion", ["", "   ", None, 7, ["Bone marrow edema."], {"text": "x"}, "\x00\u202e" * 50])
def test_a_conclusion_that_is_no_text_says_nothing_and_is_named(conclusion: Any):
    found = read(report(**{"conclusion": conclusion}) | {"conclusion": conclusion})

    assert (lesions(found), found.gaps) == ({"si_joint": {}}, ("1 report (it holds no text)",))


def test_an_observation_of_the_result_list_is_read_with_its_report():
    found = read(
        report(code={"text": "MRI FOOT RIGHT"}, result=[to("Observation/edema"), to("Observation/gone"), None]),
        edema(bodySite=None, valueCodeableConcept=snomed(ABSENT), effectiveDateTime="2019-01-01"),
    )

    assert lesions(found) == {"foot_ankle right": {"bme": "absent"}}


def test_reports_of_two_joints_stay_apart():
    found = read(
        report("foot", code={"text": "MRI FOOT RIGHT"}, conclusionCode=[snomed("60168000")]),
        report("hip", code={"text": "MRI HIP LEFT"}, conclusion="Bone marrow edema."),
        edema(bodySite=snomed(HIP, LEFT), effectiveDateTime="2020-01-01"),
        edema("b", bodySite=snomed(FOOT, RIGHT), partOf=[to("ImagingStudy/gone")]),
    )

    assert sorted(lesions(found)) == ["foot_ankle right", "hip left"]


# ------------------------------------------------------------------------------------------ normal radiographs


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({"code": {"text": "X-ray left hip"}, "conclusion": "Normal."}, "normal", id="of this hip"),
        pytest.param({"code": {"text": "X-ray hip"}, "conclusion": "No acute fracture."}, "normal", id="of a hip"),
        pytest.param({"code": {"text": "X-ray right hip"}, "conclusion": "Normal."}, "", id="of the other hip"),
        pytest.param({"code": {"text": "X-ray chest"}, "conclusion": "Normal."}, "", id="of the chest"),
        pytest.param({"code": {"text": "X-ray left hip"}, "conclusion": "Fracture."}, "", id="that shows something"),
        pytest.param({"code": {"text": "X-ray left hip"}, "conclusion": "Abnormal."}, "", id="that is abnormal"),
        pytest.param({"code": {"text": "X-ray left hip"}, "conclusion": "Normal.", "status": "cancelled"}, "",
                     id="that was cancelled"),
        pytest.param({"code": {"text": "MRI left hip"}, "conclusion": "Radiographs were normal; now edema."}, "normal",
                     id="told of in the report of the MRI"),
        pytest.param({"code": {"text": "MRI left hip"}, "conclusion": "Normal labrum. Compared with radiographs."}, "",
                     id="told of, and something else normal"),
    ],
)  # fmt: skip
def test_a_normal_radiograph_is_known_of_the_place_it_shows(changes: Json, found: str):
    reading = read(edema(bodySite=snomed(HIP, LEFT)), report(**changes))

    assert lesions(reading)["hip left"].get("radiograph", "") == found
    assert patient(reading) == {}


def test_a_long_text_without_a_full_stop_is_read_without_delay():
    endless = "bone marrow edema and radiographs " * 20_000

    found = read(report(conclusion=endless), report("xr", endless, code={"text": "X-ray left hip"}))

    assert sorted(lesions(found)) == ["si_joint"]
