"""Decision table 3.3, row by row: it fires, one fact is off, it is not reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
KNEE, CONDYLE, HEAD, FOOT, SI = "knee_other", "medial_femoral_condyle", "femoral_head", "foot_ankle", "si_joint"

CARE = {"REF_ORTHO", "PROTECTED_WB", "MONITOR_SIF"}
LIKELY = ("likely", "urgent", CARE, {"P5"})
SUSPECTED = ("possible", "urgent", CARE, {"P5"})
NOT_RAISED = ("not raised", "", set(), set())

IN_PAIN = {"bme": P, "age": 66, "acute_pain": P}
WOMAN = {"bme": P, "age": 66, "sex": "female"}


@pytest.mark.parametrize(
    ("site", "facts", "expected"),
    [
        *(
            pytest.param(site, {"subchondral_fracture_line": P}, LIKELY, id=f"SF1: {site}")
            for site in (HEAD, "femoral_neck", "femoral_head_and_neck", CONDYLE, KNEE, FOOT, "hip", "knee")
        ),
        *(
            pytest.param(site, {"subchondral_fracture_line": P}, NOT_RAISED, id=f"SF1: not at {site}")
            for site in (SI, "vertebra", "diffuse_marrow")
        ),
        pytest.param(KNEE, {"subchondral_fracture_line": A, "bme": P}, NOT_RAISED, id="SF1: no fracture line"),
        pytest.param(KNEE, {"subchondral_fracture_line": I}, SUSPECTED, id="SF1: fracture line in question"),
        *(pytest.param(site, IN_PAIN, SUSPECTED, id=f"SF2: {site}") for site in (HEAD, KNEE, CONDYLE, FOOT)),
        *(
            pytest.param(site, IN_PAIN, NOT_RAISED, id=f"SF2: not at {site}")
            for site in ("vertebra", "diffuse_marrow", "other", None)
        ),
        pytest.param(KNEE, {**IN_PAIN, "age": 30}, NOT_RAISED, id="SF2: young"),
        pytest.param(KNEE, {**IN_PAIN, "age": None}, NOT_RAISED, id="SF6: age not reported"),
        pytest.param(KNEE, {**IN_PAIN, "acute_pain": A}, NOT_RAISED, id="SF2: no acute pain"),
        pytest.param(KNEE, {**IN_PAIN, "acute_pain": "unknown"}, NOT_RAISED, id="SF2: pain not reported"),
        pytest.param(KNEE, {**IN_PAIN, "acute_pain": I}, SUSPECTED, id="SF2: pain in question"),
        pytest.param(KNEE, {**IN_PAIN, "bme": A}, NOT_RAISED, id="SF2: no edema"),
        pytest.param(KNEE, {**IN_PAIN, "bme": "unknown"}, NOT_RAISED, id="SF2: edema not reported"),
        pytest.param(CONDYLE, {**WOMAN, "acute_pain": P}, LIKELY, id="SF3: medial condyle of a woman"),
        pytest.param(CONDYLE, {**IN_PAIN, "sex": "male"}, SUSPECTED, id="SF3: of a man"),
        pytest.param(CONDYLE, IN_PAIN, SUSPECTED, id="SF3: sex not reported"),
        pytest.param(KNEE, {**WOMAN, "acute_pain": P}, SUSPECTED, id="SF3: another part of the knee"),
        pytest.param(CONDYLE, WOMAN, SUSPECTED, id="SF4: pain not reported"),
        pytest.param(CONDYLE, {**WOMAN, "acute_pain": A}, NOT_RAISED, id="SF4: no acute pain"),
        pytest.param(CONDYLE, {**WOMAN, "sex": "male"}, NOT_RAISED, id="SF4: a man"),
        pytest.param(CONDYLE, {**WOMAN, "sex": "unknown"}, NOT_RAISED, id="SF4: sex not reported"),
        pytest.param(CONDYLE, {**WOMAN, "age": 30}, NOT_RAISED, id="SF4: young"),
        pytest.param(CONDYLE, {**WOMAN, "age": None}, NOT_RAISED, id="SF6: age of a woman not reported"),
        pytest.param(KNEE, WOMAN, NOT_RAISED, id="SF4: another part of the knee"),
        pytest.param(SI, IN_PAIN, SUSPECTED, id="SF7: sacroiliac joint"),
        pytest.param(SI, {**IN_PAIN, "bme": I}, SUSPECTED, id="SF7: edema in question"),
        pytest.param(SI, {**IN_PAIN, "age": 30}, NOT_RAISED, id="SF7: young"),
        pytest.param(SI, {**IN_PAIN, "acute_pain": A}, NOT_RAISED, id="SF7: no acute pain"),
        pytest.param(SI, {"bme": P, "age": 66}, NOT_RAISED, id="SF7: pain not reported"),
        pytest.param(SI, {"bme": P, "acute_pain": P}, NOT_RAISED, id="SF7: age not reported"),
        pytest.param(SI, {**IN_PAIN, "bme": A}, NOT_RAISED, id="SF7: no edema"),
    ],
)
def test_insufficiency_fracture(
    verdict: Callable[..., Any], site: str | None, facts: dict[str, Any], expected: Any
) -> None:
    assert verdict("sif", site, **facts) == expected


@pytest.mark.parametrize(
    ("site", "label"), [(SI, "insufficiency fracture (sacrum)"), (KNEE, "subchondral insufficiency fracture")]
)
def test_at_the_sacrum_it_has_its_own_name(assessment_of: Callable[..., Any], site: str, label: str) -> None:
    assert [one.label for one in assessment_of(site, **IN_PAIN).diagnoses if one.cause == "sif"] == [label]


@pytest.mark.parametrize("radiograph", ["normal", "abnormal", "not_done", "unknown"])
def test_a_normal_radiograph_never_speaks_against_it(
    verdict: Callable[..., Any], says: Callable[..., str], radiograph: str
) -> None:
    """SF5."""
    assert verdict("sif", KNEE, **IN_PAIN, radiograph=radiograph) == SUSPECTED
    text = says(KNEE, **IN_PAIN, radiograph=radiograph)
    assert ("before radiographs show it" in text) is (radiograph == "normal")


def test_a_missing_age_is_neither_old_nor_young(answer: Callable[..., Any]) -> None:
    """SF6."""
    given = answer(KNEE, bme=P, acute_pain=P)

    assert (given["levels"]["sif"], "age" in given["missing"]) == ("not_assessable", True)


@pytest.mark.parametrize(("pain", "asked"), [("unknown", True), (P, False), (I, True)])
def test_at_the_usual_place_pain_is_asked_about(says: Callable[..., str], pain: str, asked: bool) -> None:
    """SF4."""
    assert ("Ask about acute pain" in says(CONDYLE, **WOMAN, acute_pain=pain)) is asked
