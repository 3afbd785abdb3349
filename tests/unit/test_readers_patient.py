from __future__ import annotations

from typing import Any

import pytest
from support.records import PATIENT, TODAY, patient, read

from cds_service.fhir.readers.patient import is_deceased


def person(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": PATIENT, **more}


@pytest.mark.parametrize(
    ("birth_date", "age"),
    [
        pytest.param("1980-03-10", "46", id="birthday today"),
        pytest.param("1980-03-11", "45", id="birthday tomorrow"),
        pytest.param("2008-02-29", "18", id="on a leap day"),
        pytest.param("2026-03-10", "0", id="born today"),
        pytest.param("1980", "45-46", id="year only"),
        pytest.param("1980-03", "45-46", id="this month"),
        pytest.param("1980-02", "46", id="last month"),
        pytest.param("1980-04", "45", id="next month"),
        pytest.param("2026", "0", id="this year"),
        pytest.param("2025", "0-1", id="last year"),
        pytest.param("1980-03-10T00:00:00Z", "46", id="with a time"),
        pytest.param("2026-03-11", "", id="tomorrow"),
        pytest.param("2027", "", id="next year"),
        pytest.param("2026-04", "", id="next month of this year"),
        pytest.param("1880-01-01", "", id="too long ago"),
        pytest.param("1980-13-45", "", id="no such day"),
        pytest.param("1980-13", "", id="no such month"),
        pytest.param("10/03/1980", "", id="another order"),
        pytest.param(1980, "", id="a number"),
        pytest.param(None, "", id="null"),
    ],
)
def test_age_comes_from_the_date_of_birth_as_far_as_it_is_known(birth_date: Any, age: str):
    assert patient(read(person(birthDate=birth_date))) == ({"age": age} if age else {})


@pytest.mark.parametrize(
    ("gender", "sex"),
    [
        ("female", "female"),
        ("male", "male"),
        ("other", "other"),
        ("Female", "female"),
        ("unknown", ""),
        ("F", ""),
        ("", ""),
        (["female"], ""),
        (None, ""),
    ],
)
def test_sex_is_what_the_record_says_or_not_known(gender: Any, sex: str):
    assert patient(read(person(gender=gender))) == ({"sex": sex} if sex else {})


@pytest.mark.parametrize(
    ("stated", "deceased"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"deceasedBoolean": True}, True, id="true"),
        pytest.param({"deceasedBoolean": False}, False, id="false"),
        pytest.param({"deceasedBoolean": "true"}, False, id="a boolean that is text"),
        pytest.param({"deceasedDateTime": "2026-03-10"}, True, id="today"),
        pytest.param({"deceasedDateTime": "2026-03-11T00:30:00+10:00"}, True, id="today, elsewhere"),
        pytest.param({"deceasedDateTime": "2027-01-01"}, False, id="in the future"),
        pytest.param({"deceasedDateTime": "2025"}, True, id="in a year"),
        pytest.param({"deceasedDateTime": "2026-03"}, True, id="in a month"),
        pytest.param({"deceasedBoolean": False, "deceasedDateTime": "2025-01-01"}, True, id="a date beside false"),
        pytest.param({"deceasedDateTime": "yes"}, False, id="words"),
        pytest.param({"deceasedDateTime": None, "deceasedBoolean": None}, False, id="null"),
        pytest.param({"deceasedDateTime": {"value": "2025"}}, False, id="an object"),
    ],
)
def test_a_patient_has_died_only_when_the_record_says_so(stated: dict[str, Any], deceased: bool):
    assert is_deceased(person(**stated), TODAY) is deceased


def test_a_patient_of_dstu2_is_read():
    found = read(person(name=[{"family": ["Example"], "given": ["Ex"]}], birthDate="1980-01-01", gender="male"))

    assert patient(found) == {"age": "46", "sex": "male"}


def test_another_patient_is_not_read():
    found = read({**person(birthDate="1980-01-01", gender="male"), "id": "other"})

    assert (patient(found), found.gaps) == ({}, ("1 Patient (of another patient)",))
