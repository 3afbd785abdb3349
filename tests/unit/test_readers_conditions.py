from __future__ import annotations

from typing import Any

import pytest
from support.records import (
    FOOT,
    HIP,
    KNEE,
    LEFT,
    RIGHT,
    SI_JOINT,
    coded,
    condition,
    edema,
    icd,
    lesions,
    patient,
    read,
    report,
    rules_of,
    snomed,
    study,
)

from cds_service.model.coding import ICD10_CM, SNOMED

Json = Any

DIABETES, FEVER, OSTEOMYELITIS, INJURY = "73211009", "386661006", "60168000", "417746004"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"

RECENT = {"onsetDateTime": "2026-03-01"}
AT_FOOT = edema("foot", bodySite=snomed(FOOT, RIGHT), effectiveDateTime="2026-03-02")
"""Edema of the right foot, so that there is a lesion that a diagnosis can belong to."""


def clinical(code: str) -> Json:
    return {"clinicalStatus": coded(code, CLINICAL)}


def believed(code: str) -> Json:
    return {"verificationStatus": coded(code, VERIFICATION)}


def at_foot(*conditions: Json, **more: Any) -> dict[str, str]:
    """What is stated of the right foot beside its edema."""
    stated = lesions(read(AT_FOOT, *conditions, **more))["foot_ankle right"]
    return {name: value for name, value in stated.items() if name != "bme"}


# ------------------------------------------------------------------------------------ going on, and believed


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        pytest.param({}, True, id="none"),
        pytest.param(clinical("active"), True, id="active"),
        pytest.param(clinical("recurrence"), True, id="recurrence"),
        pytest.param(clinical("relapse"), True, id="relapse"),
        pytest.param(clinical("inactive"), False, id="inactive"),
        pytest.param(clinical("remission"), False, id="remission"),
        pytest.param(clinical("resolved"), False, id="resolved"),
        pytest.param({"clinicalStatus": "resolved"}, False, id="a plain code, as in DSTU2 and STU3"),
        pytest.param({"clinicalStatus": "active"}, True, id="a plain code, active"),
        pytest.param({"clinicalStatus": {"coding": [{"code": "resolved"}]}}, False, id="a code without its system"),
        pytest.param({"clinicalStatus": {"text": "Resolved"}}, False, id="in words"),
        pytest.param({"clinicalStatus": {"coding": [{}]}}, True, id="an empty coding"),
        pytest.param({"clinicalStatus": ["resolved"]}, True, id="a list that cannot be read"),
        pytest.param({"abatementDateTime": "2020-01-01"}, False, id="none, but it ended"),
        pytest.param({"abatementBoolean": True}, False, id="none, but it ended, as in DSTU2"),
        pytest.param({"abatementBoolean": False}, True, id="none, and it did not end"),
        pytest.param({**clinical("active"), "abatementString": "x"}, True, id="active, whatever else it says"),
        pytest.param({"category": {"coding": [{"code": "diagnosis"}]}}, True, id="a category that is an object"),
    ],
)
def test_a_condition_counts_while_it_goes_on(status: Json, counts: bool):
    assert patient(read(condition("a", snomed(DIABETES), **status))) == ({"diabetes": "present"} if counts else {})


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param(believed("confirmed"), "present", id="confirmed"),
        pytest.param(believed("provisional"), "indeterminate", id="provisional"),
        pytest.param(believed("differential"), "indeterminate", id="differential"),
        pytest.param(believed("unconfirmed"), "indeterminate", id="unconfirmed"),
        pytest.param(believed("refuted"), "", id="refuted"),
        pytest.param(believed("entered-in-error"), "", id="entered in error"),
        pytest.param({"verificationStatus": "entered-in-error"}, "", id="a plain code, as in DSTU2 and STU3"),
        pytest.param({"verificationStatus": "unknown"}, "indeterminate", id="unknown, as in DSTU2"),
        pytest.param({"verificationStatus": {"text": "Entered in Error"}}, "", id="in words"),
        pytest.param({"verificationStatus": {"coding": [{"code": "refuted"}]}}, "", id="a code without its system"),
        pytest.param({"verificationStatus": 7}, "present", id="a number"),
    ],
)
def test_a_condition_is_weighed_by_how_far_it_is_believed(status: Json, state: str):
    for code, fact in ((DIABETES, "diabetes"), (OSTEOMYELITIS, "osteomyelitis")):
        found = read(AT_FOOT, condition("a", snomed(code), **status))
        stated = {**patient(found), **lesions(found)["foot_ankle right"]}

        assert stated == {"bme": "present"} | ({fact: state} if state else {})


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param(icd("E11.621"), {"diabetes": "present"}, id="diabetes, and a foot ulcer at the foot"),
        pytest.param(snomed("424736006"), {"diabetes": "present", "neuropathy": "present"}, id="two facts in one code"),
        pytest.param({"coding": [{"system": SNOMED, "code": DIABETES}, {"system": ICD10_CM, "code": "E11.9"}]},
                     {"diabetes": "present"}, id="coded twice"),
        pytest.param(icd("e11621"), {"diabetes": "present"}, id="without its dot"),
        pytest.param(snomed("280137006"), {"diabetes": "present"}, id="diabetic foot, which is no ulcer"),
        pytest.param({"text": "Diabetes mellitus"}, {}, id="words only"),
        pytest.param(snomed("38341003"), {}, id="another disease"),
        pytest.param(None, {}, id="no code"),
    ],
)  # fmt: skip
def test_codes_state_what_is_to_be_known_of_the_patient(code: Json, found: dict[str, str]):
    assert patient(read(condition("a", code))) == found


# --------------------------------------------------------------------------------------- windows of time


@pytest.mark.parametrize(
    ("when", "counts"),
    [
        pytest.param({"onsetDateTime": "2026-03-01"}, True, id="days ago"),
        pytest.param({"onsetPeriod": {"start": "2026-03-01"}}, True, id="since days ago"),
        pytest.param({"recordedDate": "2026-03-01"}, True, id="recorded days ago"),
        pytest.param({"assertedDate": "2026-03-01"}, True, id="asserted days ago, as in STU3"),
        pytest.param({"dateRecorded": "2026-03-01"}, True, id="recorded days ago, as in DSTU2"),
        pytest.param({"onsetDateTime": "2026-03"}, True, id="this month"),
        pytest.param({"onsetDateTime": "2026-01-01"}, False, id="months ago"),
        pytest.param({"onsetDateTime": "2026", "recordedDate": "2026-03-01"}, False, id="this year, perhaps long ago"),
        pytest.param({"onsetDateTime": "2015", "recordedDate": "2026-03-01"}, False, id="years ago, recorded now"),
        pytest.param({"onsetString": "childhood", "recordedDate": "2026-03-01"}, False, id="in words, recorded now"),
        pytest.param({"onsetAge": {"value": 9}, "recordedDate": "2026-03-01"}, False, id="by age, recorded now"),
        pytest.param({"onsetDateTime": "2027-01-01"}, False, id="in the future"),
        pytest.param({}, False, id="undated"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("code", "fact"), [(INJURY, "acute_trauma"), (FEVER, "fever"), ("166584001", "crp_raised")])
def test_what_is_true_for_a_time_only_needs_a_recent_beginning(when: Json, counts: bool, code: str, fact: str):
    assert patient(read(condition("a", snomed(code), **when))) == ({fact: "present"} if counts else {})


@pytest.mark.parametrize(
    ("days", "when", "counts"),
    [(42, "2026-01-27", True), (42, "2026-01-26", False), (60, "2026-01-20", True)],
)
def test_a_site_sets_how_long_an_injury_is_recent(days: int, when: str, counts: bool):
    found = read(condition("a", snomed(INJURY), onsetDateTime=when), how=rules_of(acute_trauma_days=days))

    assert (patient(found) != {}) is counts


@pytest.mark.parametrize("status", [{}, clinical("resolved")])
def test_childbirth_counts_for_a_year_even_when_it_is_over(status: Json):
    code = snomed("86569001")

    recent, long_ago = (
        patient(read(condition("a", code, onsetDateTime=day, **status))) for day in ("2025-06-01", "2024-06-01")
    )

    assert (recent, long_ago) == ({"postpartum": "present"}, {})


INFARCTION, STROKE = "I21.4", "I63.9"


@pytest.mark.parametrize("status", [{}, clinical("active"), clinical("resolved")])
@pytest.mark.parametrize(
    ("code", "when", "fact"),
    [
        pytest.param(INFARCTION, "2025-10-01", {"myocardial_infarction": "present"}, id="infarction, five months ago"),
        pytest.param(INFARCTION, "2025-08-01", {}, id="infarction, seven months ago"),
        pytest.param(INFARCTION, None, {"myocardial_infarction": "indeterminate"}, id="infarction, undated"),
        pytest.param(STROKE, "2026-01-10", {"stroke_or_tia": "present"}, id="stroke, two months ago"),
        pytest.param(STROKE, "2025-11-01", {}, id="stroke, four months ago"),
        pytest.param(STROKE, None, {"stroke_or_tia": "indeterminate"}, id="stroke, undated"),
        pytest.param("I25.2", "2026-02-01", {"myocardial_infarction": "indeterminate"}, id="an old infarction"),
    ],
)
def test_an_event_counts_against_iloprost_for_some_months_even_when_it_is_over(
    code: str, when: str | None, fact: Json, status: Json
):
    assert patient(read(condition("a", icd(code), onsetDateTime=when, **status))) == fact


AT_RIGHT_FOOT = {"bodySite": [snomed(FOOT, RIGHT)]}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        pytest.param({**RECENT, **AT_RIGHT_FOOT}, {"acute_trauma": "present"}, id="days ago"),
        pytest.param(
            {"onsetDateTime": "2015", **AT_RIGHT_FOOT}, {"prior_trauma_or_surgery": "present"}, id="years ago"
        ),
        pytest.param({**clinical("resolved"), **AT_RIGHT_FOOT}, {"prior_trauma_or_surgery": "present"}, id="over"),
        pytest.param(
            {"onsetDateTime": "2015", "bodySite": [snomed(FOOT, LEFT)]}, {}, id="years ago, on the other side"
        ),
        pytest.param({"onsetDateTime": "2015"}, {}, id="years ago, somewhere"),
        pytest.param({"onsetDateTime": "2027-01-01", **AT_RIGHT_FOOT}, {}, id="in the future"),
        pytest.param(AT_RIGHT_FOOT, {}, id="undated"),
        pytest.param({"onsetDateTime": "2015", **AT_RIGHT_FOOT, **believed("refuted")}, {}, id="refuted"),
    ],
)
def test_an_injury_of_long_ago_is_earlier_trauma_of_its_place(more: Json, found: Json):
    assert at_foot(condition("a", snomed(INJURY), **more)) == found


def test_an_onset_that_is_null_is_none():
    found = read(condition("a", snomed(FEVER), onsetDateTime=None, recordedDate="2026-03-01"))

    assert patient(found) == {"fever": "present"}


# ------------------------------------------------------------------------------------------------- pain


@pytest.mark.parametrize(
    ("code", "more", "found"),
    [
        pytest.param(snomed("30989003"), RECENT, {"acute_pain": "present"}, id="pain of this joint, recent"),
        pytest.param(icd("M25.562"), RECENT, {"acute_pain": "present"}, id="of this side, recent"),
        pytest.param(icd("M25.561"), RECENT, {}, id="of the other side"),
        pytest.param(snomed("49218002"), RECENT, {}, id="of another joint"),
        pytest.param(snomed("30989003"), {}, {}, id="undated, so not acute"),
        pytest.param(snomed("30989003"), {"onsetDateTime": "2025-01-01"}, {}, id="long-standing"),
        pytest.param(snomed("30989003"), {**RECENT, **clinical("resolved")}, {}, id="recent and over"),
        pytest.param(snomed("30989003"), {**RECENT, **believed("provisional")}, {"acute_pain": "indeterminate"},
                     id="recent and in doubt"),
        pytest.param(snomed("12584003"), RECENT, {}, id="pain somewhere"),
        pytest.param(snomed("12584003"), {**RECENT, "bodySite": [snomed(KNEE, LEFT)]}, {"acute_pain": "present"},
                     id="pain, its place beside"),
        pytest.param(snomed("274663001"), {"bodySite": [snomed(KNEE, LEFT)]}, {"acute_pain": "present"},
                     id="said to be acute, undated"),
        pytest.param(snomed("274663001"), {"bodySite": [snomed(KNEE, LEFT)], "onsetDateTime": "2020-01-01"}, {},
                     id="said to be acute, years ago"),
        pytest.param(snomed("274663001"), {}, {}, id="said to be acute, nowhere"),
    ],
)  # fmt: skip
def test_pain_is_acute_only_when_recent_and_at_the_imaged_joint(code: Json, more: Json, found: Json):
    reading = read(edema(bodySite=snomed(KNEE, LEFT)), condition("a", code, **more))

    assert lesions(reading) == {"knee left": {"bme": "present", **found}}
    assert patient(reading) == {}


# ------------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("code", "more", "found"),
    [
        pytest.param(snomed("95345008"), {}, {"foot_ulcer": "present"}, id="of a foot"),
        pytest.param(icd("L97.512"), {}, {"foot_ulcer": "present"}, id="of this foot"),
        pytest.param(icd("L97.522"), {}, {}, id="of the other foot"),
        pytest.param(snomed("95345008"), {"bodySite": [snomed(FOOT, LEFT)]}, {}, id="of the other foot by body site"),
        pytest.param({"coding": [{"system": SNOMED, "code": "371087003"}, {"system": ICD10_CM, "code": "L97.522"}]},
                     {}, {}, id="coded twice, once with the other side"),
        pytest.param(snomed(OSTEOMYELITIS), {"bodySite": [snomed(FOOT, RIGHT)]}, {"osteomyelitis": "present"},
                     id="a diagnosis of this foot"),
        pytest.param(snomed(OSTEOMYELITIS), {"bodySite": [snomed(HIP)]}, {}, id="a diagnosis of a hip"),
        pytest.param(icd("M86.171"), {}, {"osteomyelitis": "present"}, id="a diagnosis that names this foot"),
        pytest.param(icd("M86.172"), {}, {}, id="a diagnosis that names the other foot"),
        pytest.param({"coding": [{"system": SNOMED, "code": OSTEOMYELITIS}, {"system": ICD10_CM, "code": "M86.172"}]},
                     {}, {}, id="a diagnosis coded twice, once for the other foot"),
        pytest.param(snomed(OSTEOMYELITIS), {}, {"osteomyelitis": "present"}, id="a diagnosis of no place"),
        pytest.param(snomed("359554008"), {"bodySite": [snomed(FOOT, RIGHT)]}, {"charcot": "present"}, id="Charcot"),
        pytest.param(snomed("359554008"), {"bodySite": [snomed(FOOT, LEFT)]}, {}, id="Charcot of the other foot"),
    ],
)  # fmt: skip
def test_what_has_a_place_counts_there_only(code: Json, more: Json, found: Json):
    assert at_foot(condition("a", code, **more)) == found


def test_a_diagnosis_without_a_place_belongs_to_a_lesion_only_when_it_is_the_only_one():
    found = read(AT_FOOT, edema(bodySite=snomed(SI_JOINT, LEFT)), condition("a", snomed(OSTEOMYELITIS)))

    assert lesions(found) == {"foot_ankle right": {"bme": "present"}, "si_joint left": {"bme": "present"}}


def test_a_diagnosis_makes_no_lesion():
    found = read(condition("a", snomed(OSTEOMYELITIS), bodySite=[snomed(FOOT, RIGHT)]))

    assert (lesions(found), patient(found)) == ({}, {})


# ------------------------------------------------------------------------------------ before or with the study


@pytest.mark.parametrize(
    ("when", "fact"),
    [
        pytest.param({"recordedDate": "2026-03-02"}, "osteomyelitis", id="on its day"),
        pytest.param({"recordedDate": "2026-03-05"}, "osteomyelitis", id="after it"),
        pytest.param({"recordedDate": "2026-03-01"}, "known.osteomyelitis", id="the day before"),
        pytest.param({"recordedDate": "2020-01-01"}, "known.osteomyelitis", id="years before"),
        pytest.param({"recordedDate": "2026-03-05", "onsetDateTime": "2025-01-01"}, "osteomyelitis",
                     id="recorded after it, whenever it began"),
        pytest.param({"onsetDateTime": "2025-01-01"}, "known.osteomyelitis", id="began before it"),
        pytest.param({"onsetDateTime": "2015"}, "known.osteomyelitis", id="began in a year before it"),
        pytest.param({"onsetDateTime": "2026-04"}, "osteomyelitis", id="began in a month after it"),
        pytest.param({"onsetString": "long ago"}, "osteomyelitis", id="began at a time that cannot be read"),
        pytest.param({"assertedDate": "2020-01-01"}, "known.osteomyelitis", id="as in STU3"),
        pytest.param({}, "osteomyelitis", id="undated"),
    ],
)  # fmt: skip
def test_a_diagnosis_recorded_before_the_study_is_known_disease(when: Json, fact: str):
    foot = study(procedureCode=[{"text": "MRI FOOT RIGHT"}])

    found = read(foot, AT_FOOT, condition("a", snomed(OSTEOMYELITIS), bodySite=[snomed(FOOT, RIGHT)], **when))

    assert lesions(found) == {"foot_ankle right": {"bme": "present", fact: "present"}}


def test_findings_without_their_study_are_dated_so_that_known_disease_is_known():
    found = at_foot(condition("a", snomed(OSTEOMYELITIS), recordedDate="2020-01-01"))

    assert found == {"known.osteomyelitis": "present"}


def test_a_known_disease_that_the_report_repeats_is_named_as_well():
    found = read(
        report(code={"text": "MRI FOOT RIGHT"}, conclusionCode=[snomed(OSTEOMYELITIS)]),
        condition("a", icd("M86.171"), recordedDate="2020-01-01"),
    )

    assert lesions(found) == {"foot_ankle right": {"osteomyelitis": "present", "known.osteomyelitis": "present"}}


# ------------------------------------------------------------------------------------------------ history


@pytest.mark.parametrize("status", ["inactive", "remission", "resolved"])
def test_osteomyelitis_that_is_over_is_history_of_its_place(status: str):
    assert at_foot(condition("a", icd("M86.171"), **clinical(status))) == {"prior_osteomyelitis": "present"}
    assert at_foot(condition("a", icd("M86.172"), **clinical(status))) == {}


def test_chronic_osteomyelitis_is_both_named_and_history():
    assert at_foot(condition("a", icd("M86.671"))) == {
        "osteomyelitis": "present",
        "prior_osteomyelitis": "present",
    }


def test_another_diagnosis_that_is_over_leaves_nothing():
    assert at_foot(condition("a", snomed("398199007"), **clinical("resolved"))) == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param(snomed("109989006"), {"known_malignancy": "present"}, id="myeloma"),
        pytest.param(icd("C50.911"), {"known_malignancy": "present"}, id="breast cancer"),
        pytest.param(icd("C44.91"), {}, id="of the skin"),
        pytest.param(icd("C90.01"), {"known_malignancy": "indeterminate"}, id="in remission"),
    ],
)
def test_malignancy_is_known_of_the_patient(code: Json, found: dict[str, str]):
    assert patient(read(condition("a", code))) == found


def test_a_sites_own_codes_are_read_by_its_aliases():
    how = rules_of({("urn:own", "DM"): "diabetes", ("urn:own", "OM"): "osteomyelitis"})

    found = read(AT_FOOT, condition("a", coded("DM", "urn:own")), condition("b", coded("OM", "urn:own")), how=how)

    assert (patient(found), lesions(found)) == (
        {"diabetes": "present"},
        {"foot_ankle right": {"bme": "present", "osteomyelitis": "present"}},
    )
