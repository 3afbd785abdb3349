from __future__ import annotations

from base64 import b64encode
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

from cds_service.fhir.readers import ReportOutcome, ReportReading
from cds_service.fhir.readers.report_text import NotRead
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


@pytest.mark.parametrize(
    ("names", "found"),
    [
        pytest.param(["", "Series 2"], {"seq.stir": "acquired", "seq.t1": "acquired"}, id="names that tell nothing"),
        pytest.param(
            ["COR STIR"],
            {
                "seq.stir": "acquired",
                "seq.t1": "acquired / not_acquired",
                "seq.t2": "not_acquired",
                "seq.dce": "not_acquired",
            },
            id="a list that lacks one",
        ),
    ],
)
def test_the_technique_fills_in_what_the_series_leave_open_and_contradicts_what_they_lack(names, found):
    told = report(
        conclusion=f"TECHNIQUE: Coronal T1 and STIR.\nIMPRESSION: {EDEMA_LEFT}", imagingStudy=[to("ImagingStudy/mri")]
    )

    (lesion,) = read(study("mri", *names), told).case.lesions

    assert facts(lesion.study.findings) == found


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


# ---------------------------------------------------------------------------------- texts in several forms

FULL = "FINDINGS: Bone marrow edema of the left sacroiliac joint, 12 mm deep. No erosion.\nIMPRESSION: Sacroiliitis."


def attached(words: str, kind: str = "text/plain") -> Json:
    return {"contentType": kind, "data": b64encode(words.encode()).decode()}


def narrative(div: str, status: str = "generated") -> Json:
    return {"status": status, "div": f"<div>{div}</div>"}


def said(found: Any) -> list[tuple[str, str, Trust, str]]:
    """What the texts of the reports say, with how firmly and under which heading."""
    return [
        (one.fact, str(one.value), one.source.trust, one.source.section) for one in found.statements if one.source.quote
    ]


FINDINGS = [
    ("bme", "present", Trust.FINDINGS_TEXT, "findings"),
    ("depth_mm", "12", Trust.FINDINGS_TEXT, "findings"),
    ("erosion", "absent", Trust.FINDINGS_TEXT, "findings"),
]
IMPRESSION = ("axspa", "present", Trust.IMPRESSION_TEXT, "impression")


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({"text": narrative(f"<pre>{FULL}</pre>")}, id="narrative"),
        pytest.param({"presentedForm": [attached(FULL)]}, id="attachment"),
        pytest.param({"presentedForm": [attached(f"<div>{FULL}</div>", "text/html")]}, id="HTML"),
        pytest.param({"text": narrative(f"<pre>{FULL}</pre>"), "presentedForm": [attached(FULL)]}, id="both"),
    ],
)
def test_the_full_text_is_read_under_its_headings_and_only_once(form: Json):
    assert said(read(report(**form))) == [*FINDINGS, IMPRESSION]


def test_what_the_full_text_repeats_of_the_conclusion_is_said_once():
    found = read(report(conclusion="Sacroiliitis.", presentedForm=[attached(FULL)]))

    assert said(found) == [("axspa", "present", Trust.IMPRESSION_TEXT, ""), *FINDINGS]


def test_a_piece_of_a_sentence_is_no_repetition_of_it():
    found = read(report(conclusion="No erosion. No bone marrow edema.", presentedForm=[attached("Bone marrow edema.")]))

    (lesion,) = found.case.lesions
    assert facts(lesion.findings) == {"bme": "absent / present", "erosion": "absent"}


def test_a_quote_says_where_in_its_own_text_it_stands():
    found = read(report(conclusion="Sacroiliitis.", presentedForm=[attached(FULL)]))

    (erosion,) = [one.source for one in found.statements if one.fact == "erosion"]
    assert FULL[erosion.start : erosion.end] == erosion.quote == "No erosion."


def test_coded_elements_in_a_generated_narrative_are_no_second_finding():
    rows = "<table><tr><td>Bone marrow edema</td><td>Present</td></tr></table><p>Conclusion code: Osteomyelitis</p>"

    found = read(report(text=narrative(rows), conclusionCode=[snomed("60168000")]))

    assert [(one.fact, one.source.trust) for one in found.statements] == [("osteomyelitis", Trust.CONCLUSION_CODE)]


def test_the_text_of_an_attachment_tells_that_a_report_is_of_mri():
    sent = report(code={"text": "Imaging report"}, presentedForm=[attached("STIR: bone marrow edema.")])

    assert lesions(read(sent)) == {"somewhere": {"bme": "present"}}


# ---------------------------------------------------------------------------------- what became of reports

GERMAN = "Kein Knochenmarködem. Keine Erosionen."
LINK = {"contentType": "application/pdf", "url": "Binary/1"}
RADIOLOGY = coded("RAD", "http://terminology.hl7.org/CodeSystem/v2-0074")
LABORATORY = coded("LAB", "http://terminology.hl7.org/CodeSystem/v2-0074")
READ, NOTHING, NOT_READ = ReportOutcome


def outcomes(*resources: Json) -> list[tuple[ReportOutcome, NotRead | None]]:
    return [(one.outcome, one.reason) for one in read(*resources).reports]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        pytest.param({"conclusion": EDEMA_LEFT}, (READ, None), id="findings"),
        pytest.param({"conclusion": "Normal study."}, (NOTHING, None), id="nothing of ours"),
        pytest.param({"conclusion": EDEMA_LEFT, "presentedForm": [LINK]}, (READ, NotRead.ONLY_LINKED), id="in part"),
        pytest.param({"conclusion": EDEMA_LEFT, "presentedForm": [{**LINK, "language": "de"}]},
                     (READ, NotRead.LANGUAGE), id="with a translation"),
        pytest.param({"conclusion": "See the attached report.", "presentedForm": [LINK]},
                     (NOT_READ, NotRead.ONLY_LINKED), id="only a pointer to what is linked"),
        pytest.param({"presentedForm": [LINK]}, (NOT_READ, NotRead.ONLY_LINKED), id="a link"),
        pytest.param({"presentedForm": [attached("{\\rtf1}", "text/rtf")]}, (NOT_READ, NotRead.FORMAT), id="RTF"),
        pytest.param({"conclusion": GERMAN}, (NOT_READ, NotRead.LANGUAGE), id="German"),
        pytest.param({"conclusion": "Sacroiliitis.", "language": "fr"}, (NOT_READ, NotRead.LANGUAGE), id="said French"),
        pytest.param({"conclusion": GERMAN, "conclusionCode": [snomed("60168000")]}, (NOT_READ, NotRead.LANGUAGE),
                     id="German with a code"),
        pytest.param({}, (NOT_READ, NotRead.NO_TEXT), id="empty"),
        pytest.param({"text": narrative("MRI hip, final")}, (NOT_READ, NotRead.NO_TEXT), id="a summary only"),
        pytest.param({"conclusionCode": [snomed("60168000")]}, (READ, None), id="coded"),
        pytest.param({"contained": [{**edema(), "id": "f"}]}, (READ, None), id="coded inside"),
    ],
)  # fmt: skip
def test_of_every_report_of_an_mri_it_is_known_what_became(changes: Json, outcome: Any):
    assert outcomes(report(**changes)) == [outcome]


def test_a_report_without_text_whose_study_has_coded_findings_is_read():
    sent = report(imagingStudy=[to("ImagingStudy/mri")])

    found = [outcomes(study(), sent), outcomes(study(), sent, edema(derivedFrom=[to("ImagingStudy/mri")]))]

    assert found == [[(NOT_READ, NotRead.NO_TEXT)], [(READ, None)]]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"code": {"text": "MRT Knie links"}}, True, id="MRI in German"),
        pytest.param({"code": {"text": "IRM du genou"}}, True, id="MRI in French"),
        pytest.param({"code": {"text": "Imaging report"}}, True, id="imaging"),
        pytest.param({"code": loinc("18748-4")}, True, id="a general code of imaging"),
        pytest.param({"code": {"text": "Befund"}, "category": [RADIOLOGY]}, True, id="radiology by its category"),
        pytest.param({"code": {"text": "Left hip"}}, True, id="a joint"),
        pytest.param({"code": None}, True, id="nothing at all"),
        pytest.param({"code": {"text": "Befund"}, "imagingStudy": [to("ImagingStudy/x")]}, True, id="with a study"),
        pytest.param({"code": {"text": "MRI head of femur"}}, True, id="a head that is none"),
        pytest.param({"code": {"text": "MRI brain"}}, False, id="MRI of the brain"),
        pytest.param({"code": {"text": "Röntgen Thorax"}, "category": [RADIOLOGY]}, False, id="a chest in German"),
        pytest.param({"code": {"text": "X-ray left hip"}}, False, id="a radiograph"),
        pytest.param({"code": {"text": "CT abdomen"}}, False, id="CT"),
        pytest.param({"code": {"text": "Left hip"}, "category": [LABORATORY]}, False, id="a laboratory's"),
        pytest.param({"code": {"text": "Blood count"}}, False, id="something else"),
        pytest.param({"status": "cancelled"}, False, id="cancelled"),
        pytest.param({"status": "entered-in-error"}, False, id="entered in error"),
    ],
)
def test_a_report_that_cannot_be_read_is_named_when_it_may_be_of_our_concern(changes: Json, named: bool):
    sent = report(presentedForm=[LINK], **changes)

    assert outcomes(sent) == ([(NOT_READ, NotRead.ONLY_LINKED)] if named else [])


@pytest.mark.parametrize(
    ("conclusion", "found"),
    [
        ("Osteomyelitis.", [(NOT_READ, NotRead.UNKNOWN_KIND)]),
        ("Normal lungs.", []),
        ("STIR: osteomyelitis.", [(READ, None)]),
    ],
)
def test_a_finding_is_not_dropped_in_silence_when_nothing_says_how_the_images_were_made(conclusion: str, found: Json):
    assert outcomes(report(conclusion=conclusion, code={"text": "Imaging report"})) == found


def test_a_report_that_may_be_of_mri_makes_no_study_of_its_own():
    found = read(report(code={"text": "Left hip"}, presentedForm=[LINK]))

    assert (found.case.lesions, len(found.unread)) == ((), 1)


def test_the_newest_report_comes_first_and_one_that_was_replaced_is_not_listed():
    found = read(
        report("old", GERMAN, effectiveDateTime="2024-05-01", issued="2024-05-01"),
        report("draft", GERMAN, status="preliminary", imagingStudy=[to("ImagingStudy/mri")]),
        report("final", EDEMA_LEFT, issued=LATER, imagingStudy=[to("ImagingStudy/mri")]),
        study(),
    )

    assert found.reports == (
        ReportReading("DiagnosticReport/final", "2026-03-02", READ, version=f"final|{LATER}|"),
        ReportReading("DiagnosticReport/old", "2024-05-01", NOT_READ, NotRead.LANGUAGE, "final|2024-05-01|"),
    )


def test_reports_not_read_are_counted_by_their_reason_among_the_gaps():
    found = read(
        report("a", GERMAN),
        report("b", GERMAN, code={"text": "MRI hip"}),
        report("c", code={"text": "MRI knee"}, presentedForm=[LINK]),
        report("d", EDEMA_LEFT, presentedForm=[LINK]),
    )

    assert found.gaps == (
        "2 reports (its text is not in English)",
        "1 report (its text is only linked)",
        "1 report (in part: its text is only linked)",
    )


def test_an_unread_report_says_nothing():
    (lesion,) = read(
        report(conclusion="Kein Osteomyelitis", imagingStudy=[to("ImagingStudy/mri")]), study()
    ).case.lesions

    assert facts(lesion.findings) == {}


def test_a_change_is_known_from_the_text_only_not_from_comparing_two_studies():
    older = report("old", NO_EDEMA_LEFT, effectiveDateTime="2025-01-02", issued="2025-01-02")

    found = [read(older, report("new", words)) for words in (EDEMA_LEFT, f"New {EDEMA_LEFT.lower()}")]

    assert [facts(reading.case.lesions[0].findings).get("change") for reading in found] == [None, "new"]
