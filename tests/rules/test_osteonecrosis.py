"""Decision table 3.2, row by row: it fires, one fact is off, it is not reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
HEAD, NECK, BOTH, KNEE = "femoral_head", "femoral_neck", "femoral_head_and_neck", "knee_other"

RIM_ON_DCE, HYPER, LESS = "rim_high_flow_no_flow_core", "subchondral_hyperperfusion", "decreased_max_enhancement"

LIKELY = ("likely", "urgent", {"REF_ORTHO"}, set())
COLLAPSE = ("likely", "urgent", {"REF_ORTHO"}, {"W_COLLAPSE"})
ASK_DCE = ("possible", "soon", {"ORDER_DCE"}, set())
POSSIBLE = ("possible", "soon", set(), set())
UNLIKELY = ("unlikely", "", set(), set())
NOT_RAISED = ("not raised", "", set(), set())


@pytest.mark.parametrize(
    ("site", "facts", "expected"),
    [
        pytest.param(HEAD, {"rim_sign": P}, LIKELY, id="ON1: rim sign"),
        pytest.param(KNEE, {"rim_sign": P}, LIKELY, id="ON1: at another epiphysis"),
        pytest.param(HEAD, {"rim_sign": A, "bme": P}, NOT_RAISED, id="ON1: no rim"),
        pytest.param(HEAD, {"rim_sign": I}, POSSIBLE, id="ON1: rim in question"),
        pytest.param(HEAD, {"rim_sign": P, "t1": "not_acquired"}, LIKELY, id="G2: never capped"),
        pytest.param(HEAD, {"dce_pattern": RIM_ON_DCE}, LIKELY, id="ON2: rim of flow"),
        pytest.param(KNEE, {"dce_pattern": RIM_ON_DCE}, LIKELY, id="ON2: at another epiphysis"),
        pytest.param(HEAD, {"dce_pattern": "other"}, NOT_RAISED, id="ON2: another pattern"),
        pytest.param(HEAD, {"bme": P, "dce_pattern": LESS}, POSSIBLE, id="ON3: decreased enhancement"),
        pytest.param(HEAD, {"dce_pattern": LESS, "rim_sign": A}, POSSIBLE, id="ON3: without edema, without rim"),
        pytest.param(KNEE, {"bme": P, "dce_pattern": LESS}, NOT_RAISED, id="ON3: the hip only"),
        pytest.param(HEAD, {"bme": P}, ASK_DCE, id="ON4: femoral head"),
        pytest.param(BOTH, {"bme": P}, ASK_DCE, id="ON4: head and neck"),
        pytest.param(HEAD, {"bme": P, "dce_pattern": "other"}, ASK_DCE, id="ON4: another pattern"),
        pytest.param(HEAD, {"bme": P, "rim_sign": I}, ASK_DCE, id="ON4: rim in question"),
        pytest.param(HEAD, {"bme": P, "rim_sign": "conflict"}, ASK_DCE, id="ON4: rim in conflict"),
        pytest.param(HEAD, {"bme": P, "dce": "acquired"}, POSSIBLE, id="ON4: DCE was acquired"),
        pytest.param(HEAD, {"bme": P, "dce": "not_acquired"}, ASK_DCE, id="ON4: DCE was not acquired"),
        pytest.param(NECK, {"bme": P}, NOT_RAISED, id="ON4: the neck alone"),
        pytest.param(KNEE, {"bme": P}, NOT_RAISED, id="ON4: the hip only"),
        pytest.param(HEAD, {"bme": A}, NOT_RAISED, id="ON4: no edema"),
        pytest.param(HEAD, {}, NOT_RAISED, id="ON4: edema not reported"),
        pytest.param(HEAD, {"rim_sign": P, "bme": P}, COLLAPSE, id="ON5: rim and edema"),
        pytest.param(HEAD, {"dce_pattern": RIM_ON_DCE, "bme": P}, COLLAPSE, id="ON5: rim of flow and edema"),
        pytest.param(HEAD, {"rim_sign": P, "bme": A}, LIKELY, id="ON5: no edema"),
        pytest.param(BOTH, {"bme": P, "dce_pattern": HYPER, "rim_sign": A}, UNLIKELY, id="ON6: hyperperfusion, no rim"),
        pytest.param(HEAD, {"bme": P, "dce_pattern": HYPER}, UNLIKELY, id="ON6: hyperperfusion, rim not reported"),
        pytest.param(
            HEAD,
            {"dce_pattern": HYPER, "rim_sign": I},
            ("possible", "soon", set(), {"W_CONFLICT"}),
            id="ON6: rim in question",
        ),
        pytest.param(
            HEAD,
            {"dce_pattern": HYPER, "rim_sign": "conflict"},
            ("possible", "soon", set(), {"W_CONFLICT"}),
            id="ON6: rim in conflict",
        ),
        pytest.param(
            BOTH, {"bme": P, "diffuse_edema_head_neck": P, "rim_sign": A}, UNLIKELY, id="ON7: diffuse, no rim"
        ),
        pytest.param(BOTH, {"bme": P, "diffuse_edema_head_neck": P}, ASK_DCE, id="ON7: rim not reported"),
        pytest.param(BOTH, {"bme": P, "diffuse_edema_head_neck": A, "rim_sign": A}, NOT_RAISED, id="ON7: not diffuse"),
        pytest.param(
            BOTH,
            {"bme": P, "diffuse_edema_head_neck": P, "rim_sign": A, "dce_pattern": RIM_ON_DCE},
            COLLAPSE,
            id="ON2 goes before ON7",
        ),
        pytest.param(
            BOTH,
            {"bme": P, "diffuse_edema_head_neck": P, "rim_sign": A, "dce_pattern": LESS},
            POSSIBLE,
            id="ON3 goes before ON7",
        ),
        pytest.param(
            HEAD,
            {"rim_sign": P, "dce_pattern": HYPER},
            ("likely", "urgent", {"REF_ORTHO"}, {"W_CONFLICT"}),
            id="ON8: rim and hyperperfusion",
        ),
        pytest.param("si_joint", {"rim_sign": P}, NOT_RAISED, id="no epiphysis: sacroiliac joint"),
        pytest.param("vertebra", {"dce_pattern": RIM_ON_DCE}, NOT_RAISED, id="no epiphysis: spine"),
    ],
)
def test_osteonecrosis(verdict: Callable[..., Any], site: str, facts: dict[str, Any], expected: Any) -> None:
    assert verdict("osteonecrosis", site, **facts) == expected


@pytest.mark.parametrize(("effusion", "said"), [(P, True), (A, False), ("unknown", False)])
def test_an_effusion_adds_to_the_risk_of_collapse(says: Callable[..., str], effusion: str, said: bool) -> None:
    """ON5."""
    assert ("increase the risk of collapse in particular" in says(HEAD, rim_sign=P, bme=P, effusion=effusion)) is said


def test_where_dce_was_acquired_its_pattern_is_asked_for(says: Callable[..., str]) -> None:
    """ON4."""
    asked = ["ask for its enhancement pattern" in says(HEAD, bme=P, dce=dce) for dce in ("acquired", "unknown")]

    assert asked == [True, False]
