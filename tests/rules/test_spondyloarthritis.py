"""Decision table 3.1, row by row: it fires, one fact is off, it is not reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cds_service.engine.assess import assess
from cds_service.knowledge.rules import rule_set
from cds_service.model.level import Level

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
SI = "si_joint"

LIKELY = ("likely", "urgent", {"REF_RHEUM", "PT_NSAID", "DMT_INFO"}, set())
STRUCTURAL = ("likely", "urgent", {"REF_RHEUM", "PT_NSAID", "DMT_INFO"}, {"P3"})
CHRONIC = ("likely", "soon", {"REF_RHEUM"}, {"P3"})
RIVALLED = ("possible", "urgent", {"REF_RHEUM"}, set())
SHALLOW = ("possible", "soon", {"CORRELATE"}, {"P2"})
UNMEASURED = ("possible", "soon", {"CORRELATE", "MEASURE_DEPTH"}, {"P2"})
ELSEWHERE = ("possible", "soon", {"CORRELATE"}, set())
NOT_RAISED = ("not raised", "", set(), set())

DEEP = {"bme": P, "depth_mm": 12}
INFLAMED = {"bme": P, "depth_mm": 6, "synovitis": P, "effusion": P}

ROWS: list[tuple[str, dict[str, Any], Any]] = [
    ("AX1: 10 mm", {"bme": P, "depth_mm": 10}, LIKELY),
    ("AX1: 1 cm", {"bme": P, "depth_mm": {"value": 1, "unit": "cm"}}, LIKELY),
    ("AX1: 9.9 mm is off", {"bme": P, "depth_mm": 9.9}, SHALLOW),
    ("AX1: 0.99 cm is off", {"bme": P, "depth_mm": {"value": 0.99, "unit": "cm"}}, SHALLOW),
    ("AX1: no edema", {"bme": A, "depth_mm": 12}, NOT_RAISED),
    ("AX1: edema not reported", {"depth_mm": 12}, NOT_RAISED),
    ("AX1: depth not reported", {"bme": P}, UNMEASURED),
    ("AX1: depth > 8 mm", {"bme": P, "depth_mm": {"value": 8, "unit": "mm", "comparator": ">"}}, UNMEASURED),
    ("AX1: depth 8-12 mm", {"bme": P, "depth_mm": {"low": 8, "high": 12, "unit": "mm"}}, UNMEASURED),
    ("AX1: depth 8 and 12 mm", {"bme": P, "depth_mm": {"conflict": [8, 12]}}, UNMEASURED),
    ("AX1: depth 11 and 12 mm", {"bme": P, "depth_mm": {"conflict": [11, 12]}}, LIKELY),
    ("AX1: depth without unit", {"bme": P, "depth_mm": {"value": 12, "unit": None}}, UNMEASURED),
    ("AX1: depth zero", {"bme": P, "depth_mm": 0}, UNMEASURED),
    ("AX1b: acute trauma", {**DEEP, "acute_trauma": P}, RIVALLED),
    ("AX1b: no trauma", {**DEEP, "acute_trauma": A}, LIKELY),
    ("AX1b: trauma in question", {**DEEP, "acute_trauma": I}, LIKELY),
    ("AX1b: acute pain at 60", {**DEEP, "age": 60, "acute_pain": P}, RIVALLED),
    ("AX1b: acute pain at 35", {**DEEP, "age": 35, "acute_pain": P}, LIKELY),
    ("AX1b: acute pain, age not known", {**DEEP, "acute_pain": P}, LIKELY),
    ("AX1b: at 60 without acute pain", {**DEEP, "age": 60, "acute_pain": A}, LIKELY),
    ("AX1b: at 60, pain not reported", {**DEEP, "age": 60}, LIKELY),
    ("AX1b: with erosion, too", {**DEEP, "acute_trauma": P, "erosion": P}, STRUCTURAL),
    ("AX1b: with fluid, too", {**DEEP, "acute_trauma": P, "t2_joint_fluid": P}, LIKELY),
    ("AX1b: with synovitis and effusion, too", {**DEEP, "acute_trauma": P, "synovitis": P, "effusion": P}, LIKELY),
    ("AX1b: with erosion in question", {**DEEP, "acute_trauma": P, "erosion": I}, RIVALLED),
    ("AX2: erosion with edema", {"bme": P, "depth_mm": 6, "erosion": P}, STRUCTURAL),
    ("AX2: erosion, edema not reported", {"erosion": P}, STRUCTURAL),
    ("AX2: no erosion", {"bme": P, "depth_mm": 6, "erosion": A}, SHALLOW),
    ("AX2: erosion in question", {"erosion": I}, ("possible", "soon", set(), set())),
    ("AX2: erosion in conflict", {"erosion": "conflict"}, ("possible", "soon", set(), set())),
    ("AX3: fatty deposition", {"bme": P, "depth_mm": 6, "fatty_lesion": P}, STRUCTURAL),
    ("AX3: intra-articular T1 hyperintensity", {"bme": P, "depth_mm": 6, "ia_t1_hyperintensity": P}, LIKELY),
    ("AX3: T2-hyperintense joint fluid", {"bme": P, "depth_mm": 6, "t2_joint_fluid": P}, LIKELY),
    ("AX3: ankylosis", {"ankylosis": P}, STRUCTURAL),
    ("AX3: none of them", {"bme": P, "depth_mm": 6, "fatty_lesion": A, "ankylosis": A, "t2_joint_fluid": A}, SHALLOW),
    ("AX3: an effusion is not the fluid", {"bme": P, "depth_mm": 6, "effusion": P}, SHALLOW),
    ("AX4: edema, synovitis and effusion", INFLAMED, LIKELY),
    ("AX4: no synovitis", {**INFLAMED, "synovitis": A}, SHALLOW),
    ("AX4: no effusion", {**INFLAMED, "effusion": A}, SHALLOW),
    ("AX4: no edema", {**INFLAMED, "bme": A}, NOT_RAISED),
    ("AX4: synovitis not reported", {"bme": P, "depth_mm": 6, "effusion": P}, SHALLOW),
    ("AX4: effusion not reported", {"bme": P, "depth_mm": 6, "synovitis": P}, SHALLOW),
    ("AX4: effusion in question", {**INFLAMED, "effusion": I}, SHALLOW),
    ("AX5: edema in question", {"bme": I, "depth_mm": 6}, SHALLOW),
    ("AX5: edema in conflict", {"bme": "conflict", "depth_mm": 6}, SHALLOW),
    ("AX5: edema in question, depth not reported", {"bme": I}, UNMEASURED),
    ("AX5: no edema", {"bme": A}, NOT_RAISED),
    ("AX5: edema not reported", {"synovitis": P, "effusion": P}, NOT_RAISED),
    ("AX6: sclerosis alone", {"sclerosis": P}, NOT_RAISED),
    ("AX6: sclerosis with shallow edema", {"bme": P, "depth_mm": 6, "sclerosis": P}, (
        "possible", "soon", {"CORRELATE", "REPORT_STRUCTURAL"}, {"P2", "P3"}
    )),
    ("AX8: a deep lesion of an athlete", {**DEEP, "athlete": P}, LIKELY),
    ("AX8: a deep lesion after childbirth", {**DEEP, "postpartum": P, "sex": "female"}, LIKELY),
    ("AX10: erosion without edema", {"bme": A, "erosion": P}, CHRONIC),
    ("AX10: ankylosis without edema, unchanged", {"bme": A, "ankylosis": P, "change": "unchanged"}, CHRONIC),
    ("AX10: erosion without edema, new", {"bme": A, "erosion": P, "change": "new"}, STRUCTURAL),
    ("AX10: erosion without edema, increased", {"bme": A, "erosion": P, "change": "increased"}, STRUCTURAL),
    ("AX10: edema not reported", {"erosion": P, "change": "unchanged"}, STRUCTURAL),
    ("AX10: edema in question", {"bme": I, "erosion": P, "change": "unchanged"}, STRUCTURAL),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_sacroiliac_joint(verdict: Callable[..., Any], facts: dict[str, Any], expected: Any) -> None:
    assert verdict("axspa", SI, **facts) == expected


@pytest.mark.parametrize(
    ("site", "facts", "expected"),
    [
        pytest.param("femoral_head", DEEP, NOT_RAISED, id="AX1: depth at the hip"),
        pytest.param("knee_other", DEEP, NOT_RAISED, id="AX1: depth at the knee"),
        pytest.param("foot_ankle", DEEP, NOT_RAISED, id="AX1: depth at the foot"),
        pytest.param(None, DEEP, NOT_RAISED, id="AX1: depth at a site not named"),
        pytest.param("foot_ankle", {"erosion": P}, NOT_RAISED, id="AX2: erosion of the foot"),
        pytest.param("vertebra", {"ankylosis": P}, NOT_RAISED, id="AX3: ankylosis of the spine"),
        pytest.param("knee_other", {"bme": P}, NOT_RAISED, id="AX5: edema of the knee"),
        pytest.param("foot_ankle", {"sclerosis": P}, NOT_RAISED, id="AX6: sclerosis of the foot"),
        pytest.param("foot_ankle", INFLAMED, ELSEWHERE, id="AX4p: foot or ankle"),
        pytest.param("knee_other", INFLAMED, ELSEWHERE, id="AX4p: knee"),
        pytest.param("medial_femoral_condyle", INFLAMED, ELSEWHERE, id="AX4p: medial condyle"),
        pytest.param("femoral_head", INFLAMED, ELSEWHERE, id="AX4p: hip"),
        pytest.param("foot_ankle", {**INFLAMED, "synovitis": A}, NOT_RAISED, id="AX4p: no synovitis"),
        pytest.param("foot_ankle", {**INFLAMED, "effusion": A}, NOT_RAISED, id="AX4p: no effusion"),
        pytest.param("foot_ankle", {**INFLAMED, "bme": A}, NOT_RAISED, id="AX4p: no edema"),
        pytest.param("foot_ankle", {"bme": P, "effusion": P}, NOT_RAISED, id="AX4p: synovitis not reported"),
        pytest.param("foot_ankle", {"bme": P, "synovitis": P}, NOT_RAISED, id="AX4p: effusion not reported"),
        pytest.param("vertebra", INFLAMED, NOT_RAISED, id="AX4p: not a synovial joint"),
    ],
)
def test_other_joints(verdict: Callable[..., Any], site: str | None, facts: dict[str, Any], expected: Any) -> None:
    assert verdict("axspa", site, **facts) == expected


def test_at_another_joint_it_is_called_inflammatory_arthritis(assessment_of: Callable[..., Any]) -> None:
    assert assessment_of("foot_ankle", **INFLAMED).leading.label == "inflammatory arthritis"


def test_synovitis_on_the_left_and_effusion_on_the_right_do_not_combine(verdict: Callable[..., Any]) -> None:
    left, right = {"bme": P, "depth_mm": 5, "synovitis": P}, {"bme": P, "depth_mm": 5, "effusion": P}

    assert verdict("axspa", SI, "left", **left, more=[(SI, "right", right)]) == SHALLOW


def test_a_site_may_let_depth_count_at_other_joints(assessment_of: Callable[..., Any]) -> None:
    case = assessment_of("knee_other", **DEEP).case

    widened = assess(case, rule_set(), {"depth_sites": (SI, "knee_other")})

    assert (widened.leading.cause, widened.leading.level) == ("axspa", Level.LIKELY)


PHYSIOLOGIC = {
    "bme": P,
    "depth_mm": 5,
    **dict.fromkeys(["erosion", "fatty_lesion", "ankylosis", "ia_t1_hyperintensity", "t2_joint_fluid"], A),
    "athlete": P,
    "age": 26,
}


@pytest.mark.parametrize(
    ("off", "expected"),
    [
        pytest.param({}, ("unlikely", "", set(), set()), id="AX7: physiologic edema"),
        pytest.param({"erosion": "unknown"}, SHALLOW, id="AX7: erosion not reported"),
        pytest.param({"depth_mm": 9.9}, ("unlikely", "", set(), set()), id="AX7: 9.9 mm"),
        pytest.param({"depth_mm": 10}, LIKELY, id="AX7: 10 mm"),
        pytest.param({"athlete": A}, SHALLOW, id="AX7: no benign context"),
        pytest.param({"athlete": "unknown"}, SHALLOW, id="AX7: context not reported"),
    ],
)
def test_physiologic_edema_makes_it_unlikely(verdict: Callable[..., Any], off: dict[str, Any], expected: Any) -> None:
    assert verdict("axspa", SI, **{**PHYSIOLOGIC, **off}) == expected


@pytest.mark.parametrize(
    ("sclerosis", "expected"),
    [
        (P, (True, "routine", False, ["REPORT_STRUCTURAL"], ["P3", "W_REVIEW"])),
        (A, (False, "routine", False, [], [])),
        ("unknown", (False, "routine", False, [], [])),
    ],
)
def test_sclerosis_alone_is_an_info_card(answer: Callable[..., Any], sclerosis: str, expected: Any) -> None:
    given = answer(SI, bme=A, sclerosis=sclerosis)

    assert tuple(given[key] for key in ("cards", "urgency", "urgent_card", "actions", "warnings")) == expected


@pytest.mark.parametrize(
    ("finding", "named"),
    [
        ("erosion", {"P3"}),
        ("fatty_lesion", {"P3"}),
        ("ankylosis", {"P3"}),
        ("sclerosis", {"P3"}),
        ("ia_t1_hyperintensity", set()),
        ("t2_joint_fluid", set()),
    ],
)
def test_structural_changes_outside_the_asas_definition_are_named(
    verdict: Callable[..., Any], finding: str, named: set[str]
) -> None:
    """AX9."""
    assert verdict("axspa", SI, **DEEP, **{finding: P})[3] == named


@pytest.mark.parametrize(
    ("facts", "quoted"),
    [
        pytest.param({**DEEP, "athlete": P}, True, id="athlete"),
        pytest.param({"bme": P, "depth_mm": 5, "erosion": P, "postpartum": P}, True, id="after childbirth"),
        pytest.param({**DEEP, "athlete": A, "postpartum": A}, False, id="neither"),
        pytest.param(DEEP, False, id="not reported"),
        pytest.param({"bme": P, "depth_mm": 5, "athlete": P}, False, id="shallow"),
    ],
)
def test_deep_lesions_after_childbirth_are_put_in_proportion(
    says: Callable[..., str], facts: dict[str, Any], quoted: bool
) -> None:
    """AX8."""
    assert ("1 of 7 women with postpartum back pain" in says(SI, **facts)) is quoted


@pytest.mark.parametrize(
    ("facts", "figures"),
    [
        (DEEP, [">= 1 cm", "almost exclusively"]),
        ({"erosion": P}, ["90-92%", "94-97%"]),
        ({"ankylosis": P}, ["95-98%"]),
        (INFLAMED, ["disease-modifying", "not just symptomatic"]),
        ({"bme": P, "depth_mm": 5}, ["79%", "89%"]),
        (DEEP, ["< 25%", "75%"]),
    ],
)
def test_figures_are_quoted_as_the_source_has_them(
    says: Callable[..., str], facts: dict[str, Any], figures: list[str]
) -> None:
    text = says(SI, **facts)

    assert [figure for figure in figures if figure not in text] == []


@pytest.mark.parametrize(
    ("more", "treatment"),
    [
        pytest.param({"fever": P}, set(), id="osteomyelitis to be acted on"),
        pytest.param({"fever": A}, {"PT_NSAID", "DMT_INFO"}, id="no fever"),
        pytest.param({}, {"PT_NSAID", "DMT_INFO"}, id="fever not reported"),
        pytest.param({"crp_raised": P}, {"PT_NSAID", "DMT_INFO"}, id="only a hint of infection"),
        pytest.param({"osteomyelitis": P}, set(), id="osteomyelitis named"),
        pytest.param({"osteomyelitis": I}, {"PT_NSAID", "DMT_INFO"}, id="osteomyelitis not excluded"),
    ],
)
def test_no_treatment_is_suggested_while_infection_stands(
    verdict: Callable[..., Any], says: Callable[..., str], more: dict[str, Any], treatment: set[str]
) -> None:
    level, tier, actions, _ = verdict("axspa", SI, **DEEP, **more)

    assert (level, tier, actions) == ("likely", "urgent", {"REF_RHEUM"} | treatment)
    assert ("Exclude infection first" in says(SI, **DEEP, **more)) is not bool(treatment)


def test_infection_at_another_site_does_not_forbid_treatment(verdict: Callable[..., Any]) -> None:
    foot = ("foot_ankle", "left", {"bme": P})

    assert verdict("axspa", SI, **DEEP, diabetes=P, more=[foot]) == LIKELY
