from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.access import (
    codings,
    concept_text,
    day,
    earliest_day,
    first_date,
    first_day,
    key_of,
    objects,
    reference_key,
    references,
    text,
)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["coding", "code", "system", "text", "display", "reference", "concept", "start", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param({"a": 1}, [{"a": 1}], id="an object where a list belongs"),
        pytest.param([{"a": 1}, None, "x", {"b": 2}, [{}]], [{"a": 1}, {"b": 2}], id="a list with other things"),
        pytest.param(None, [], id="null"),
        pytest.param("x", [], id="text"),
        pytest.param(7, [], id="a number"),
    ],
)
def test_objects_are_taken_from_a_list_or_alone(value: Any, found: list[Any]):
    assert list(objects(value)) == found


def test_only_text_is_text():
    assert [text(value) for value in ("a", "", None, 1, ["a"])] == ["a", "", "", "", ""]


@pytest.mark.parametrize(
    ("concept", "found"),
    [
        pytest.param({"coding": [{"system": "s", "code": "a"}, {"code": "b"}]}, [("s", "a"), ("", "b")], id="concept"),
        pytest.param({"coding": {"system": "s", "code": "a"}}, [("s", "a")], id="coding that is an object"),
        pytest.param({"system": "s", "code": "a"}, [("s", "a")], id="a Coding"),
        pytest.param([{"code": "a"}, {"coding": [{"code": "b"}]}], [("", "a"), ("", "b")], id="a list of both"),
        pytest.param({"concept": {"coding": [{"code": "a"}]}}, [("", "a")], id="R5's CodeableReference"),
        pytest.param({"coding": [{}]}, [], id="the Sandbox's empty coding"),
        pytest.param({"coding": [{"code": 5}, {"code": None}, {"code": ""}]}, [], id="codes that are none"),
        pytest.param({"text": "a"}, [], id="text only"),
        pytest.param(None, [], id="null"),
    ],
)
def test_codings_are_found_in_every_shape(concept: Any, found: list[tuple[str, str]]):
    assert list(codings(concept)) == found


@pytest.mark.parametrize(
    ("concept", "words"),
    [
        pytest.param({"text": "own words", "coding": [{"display": "display"}]}, "own words", id="text before display"),
        pytest.param({"coding": [{}, {"display": "second"}]}, "second", id="the first display there is"),
        pytest.param({"display": "of a Coding"}, "of a Coding", id="a Coding"),
        pytest.param([{}, {"text": "of the second"}], "of the second", id="a list"),
        pytest.param({"concept": {"text": "of R5"}}, "of R5", id="R5's CodeableReference"),
        pytest.param({"text": ["x"]}, "", id="text that is a list"),
        pytest.param(None, "", id="null"),
    ],
)
def test_the_words_of_a_concept_are_its_text_or_a_display(concept: Any, words: str):
    assert concept_text(concept) == words


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        pytest.param({"reference": "Patient/1"}, "Patient/1", id="relative"),
        pytest.param("Patient/1", "Patient/1", id="a bare string"),
        pytest.param({"reference": "https://ehr.example/fhir/Patient/1"}, "Patient/1", id="absolute"),
        pytest.param({"reference": "Patient/1/_history/2"}, "Patient/1", id="of one version"),
        pytest.param({"reference": "https://ehr.example/fhir/Patient/1/_history/2"}, "Patient/1", id="both"),
        pytest.param({"reference": "#finding"}, "#finding", id="contained"),
        pytest.param({"reference": "urn:uuid:4f6c"}, "", id="a urn"),
        pytest.param({"reference": "Patient?identifier=x/1"}, "", id="a search"),
        pytest.param({"reference": "Patient"}, "", id="a type only"),
        pytest.param({"reference": "https://ehr.example"}, "", id="a server only"),
        pytest.param({"identifier": {"value": "x"}}, "", id="an identifier only"),
        pytest.param({"reference": {"reference": "Patient/1"}}, "", id="an object inside"),
        pytest.param(None, "", id="null"),
    ],
)
def test_a_reference_is_known_by_type_and_id(reference: Any, key: str):
    assert reference_key(reference) == key


def test_references_leave_out_what_names_nothing():
    assert references([{"reference": "A/1"}, {}, None, {"reference": "Aa/1"}, {"display": "x"}]) == ["Aa/1"]


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        pytest.param({"resourceType": "Patient", "id": "1"}, "Patient/1", id="usual"),
        pytest.param({"resourceType": "Patient"}, "Patient", id="without id"),
        pytest.param({"resourceType": "Patient", "id": 1}, "Patient", id="an id that is a number"),
        pytest.param({}, "", id="nothing"),
    ],
)
def test_a_resource_is_known_by_type_and_id(resource: Any, key: str):
    assert key_of(resource) == key


@pytest.mark.parametrize(
    ("value", "full", "earliest"),
    [
        pytest.param("2026-03-02", "2026-03-02", "2026-03-02", id="date"),
        pytest.param("2026-03-02T23:59:00-05:00", "2026-03-02", "2026-03-02", id="dateTime, as the sender's day"),
        pytest.param("2026-03", "", "2026-03-01", id="month"),
        pytest.param("2026", "", "2026-01-01", id="year"),
        pytest.param({"start": "2026-03-02", "end": "2026-03-04"}, "2026-03-02", "2026-03-02", id="Period"),
        pytest.param({"start": "2026", "end": "2026-03-04"}, "2026-03-04", "2026-01-01", id="Period, start a year"),
        pytest.param({"end": "2026-03-04"}, "2026-03-04", "", id="Period that only ends"),
        pytest.param("2026-02-30", "", "", id="no such day"),
        pytest.param("0000-01-01", "", "", id="year 0"),
        pytest.param("9999-12-31", "9999-12-31", "9999-12-31", id="year 9999"),
        pytest.param("20260302", "", "", id="as in HL7 version 2"),
        pytest.param("yesterday", "", "", id="words"),
        pytest.param({"start": {"start": "2026-03-02"}}, "", "", id="a Period in a Period"),
        pytest.param(20260302, "", "", id="a number"),
        pytest.param(None, "", "", id="null"),
    ],
)
def test_a_date_gives_its_day_and_the_earliest_it_may_be(value: Any, full: str, earliest: str):
    assert (day(value), earliest_day(value)) == (full, earliest)


def test_the_first_element_with_a_full_day_gives_the_day():
    resource = {"a": None, "b": "2026", "c": {"start": "2026-03-02"}, "d": "2025-01-01"}

    assert first_day(resource, "a", "b", "c", "d") == "2026-03-02"
    assert first_day(resource, "a", "b") == ""


@pytest.mark.parametrize(
    ("value", "stated"),
    [
        ("2026-03-02T10:00:00Z", "2026-03-02"),
        ("2026-03", "2026-03"),
        ("2026", "2026"),
        ({"start": "2026-03"}, "2026-03"),
        ({"end": "2026-03"}, "2025-01-01"),
        ("2026-13", "2025-01-01"),
        ("soon", "2025-01-01"),
        (None, "2025-01-01"),
    ],
)
def test_the_first_date_is_given_as_far_as_it_is_stated(value: Any, stated: str):
    assert first_date({"a": value, "b": "2025-01-01"}, "a", "b") == stated


@given(JSON)
def test_whatever_is_asked_nothing_raises(value: Any):
    found = [list(objects(value)), text(value), list(codings(value)), concept_text(value), reference_key(value)]

    assert len(found) == 5
    for stated in (day(value), earliest_day(value)):
        assert not stated or date.fromisoformat(stated)
    assert all(isinstance(key, str) for key in references(value))
