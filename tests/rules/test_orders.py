"""Decision table section 4: what is said about draft orders, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cds_service.cards.selection import HookKind
from cds_service.engine.assess import RuleResult
from cds_service.model.level import Tier
from cds_service.model.rule import CheckOrder

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
SI, KNEE, FOOT, HEAD, HIP = "si_joint", "knee_other", "foot_ankle", "femoral_head", "femoral_head_and_neck"

Order = dict[str, Any]
Check = tuple[str, str, set[str], set[str]]

DEEP = {"bme": P, "depth_mm": 12}
SHALLOW = {"bme": P, "depth_mm": 5}
INFLAMED = {"bme": P, "depth_mm": 5, "synovitis": P, "effusion": P}
TRANSIENT = {"bme": P, "diffuse_edema_head_neck": P, "rim_sign": A}
INCIDENTAL = {"diffuse_marrow_signal": P, "incidental": P, "known_malignancy": A}


def mri(place: str, note: str = "", **more: Any) -> Order:
    return {"type": "ServiceRequest", "category": "imaging", "code": f"MRI {place}", "note": note, **more}


def radiograph(place: str) -> Order:
    return {"type": "ServiceRequest", "category": "imaging", "code": f"X-ray {place}"}


def drug(name: str, **more: Any) -> Order:
    return {"type": "MedicationRequest", "drug": name, **more}


def procedure(name: str, **more: Any) -> Order:
    return {"type": "ServiceRequest", "category": "procedure", "code": name, **more}


REGIMEN = {"dose": "50 ug", "duration_h": 6, "frequency": "daily", "days": 5, "route": "intravenous"}


def said(result: RuleResult) -> Check:
    effect = result.rule.effect
    assert isinstance(effect, CheckOrder)
    actions, warnings = {action.id for action in effect.actions}, {warning.id for warning in effect.warnings}
    return result.rule.row, effect.indicator, actions, warnings


@pytest.fixture
def checks(assessment_of: Callable[..., Any]) -> Callable[..., list[Check]]:
    """What is said about one draft: row, indicator, actions and warnings of each check that speaks on the hook."""

    def of(order: Order, *place: Any, hook: HookKind = HookKind.ORDER_SIGN, **facts: Any) -> list[Check]:
        results = assessment_of(*(place or (None,)), draft_orders=[order], **facts).order_checks
        return [said(result) for result in results if hook in result.rule.effect.hooks]

    return of


NOTHING: list[Check] = []
ASK_T1 = [("O1", "warning", {"COMPLETE_SEQ_T1"}, {"W_SEQ"})]
ASK_FLUID = [("O1", "warning", {"COMPLETE_SEQ_FLUID"}, {"W_SEQ"})]
ASK_BOTH = [("O2", "info", {"COMPLETE_SEQ_T1", "COMPLETE_SEQ_FLUID"}, set())]


@pytest.mark.parametrize("hook", [HookKind.ORDER_SELECT, HookKind.ORDER_SIGN])
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param(mri("knee", "STIR only"), ASK_T1, id="O1: STIR only"),
        pytest.param(mri("knee", "T2 axial and coronal"), ASK_T1, id="O1: T2 only"),
        pytest.param(mri("knee", "T1 only"), ASK_FLUID, id="O1: T1 only"),
        pytest.param(mri("SI joint", "STIR only"), ASK_T1, id="O1: at the sacroiliac joint"),
        pytest.param(mri("knee", "STIR and T1"), NOTHING, id="O1: both named"),
        pytest.param(mri("knee"), NOTHING, id="O1: no protocol named"),
        pytest.param(procedure("CT knee", note="STIR only"), NOTHING, id="O1: not an MRI"),
    ],
)
def test_an_mri_order_that_names_one_kind_of_sequence(
    checks: Callable[..., list[Check]], hook: HookKind, order: Order, expected: list[Check]
) -> None:
    assert checks(order, hook=hook) == expected


@pytest.mark.parametrize(
    ("hook", "order", "expected"),
    [
        pytest.param(HookKind.ORDER_SELECT, mri("SI joint"), ASK_BOTH, id="O2: no protocol"),
        pytest.param(HookKind.ORDER_SIGN, mri("SI joint"), NOTHING, id="O2: too late when signing"),
        pytest.param(HookKind.ORDER_SELECT, mri("SI joint", "STIR and T1"), NOTHING, id="O2: protocol named"),
        pytest.param(HookKind.ORDER_SELECT, mri("knee"), NOTHING, id="O2: another joint"),
    ],
)
def test_a_sacroiliac_mri_order_without_protocol(
    checks: Callable[..., list[Check]], hook: HookKind, order: Order, expected: list[Check]
) -> None:
    assert checks(order, hook=hook) == expected


OLDER_IN_PAIN = {"age": 67, "acute_pain": P}
NOT_XRAY = [("O3", "info", {"MRI_NOT_XRAY"}, set())]


@pytest.mark.parametrize(
    ("order", "facts", "expected"),
    [
        pytest.param(radiograph("knee"), OLDER_IN_PAIN, NOT_XRAY, id="O3: knee"),
        pytest.param(radiograph("hip"), OLDER_IN_PAIN, NOT_XRAY, id="O3: hip"),
        pytest.param(radiograph("foot"), OLDER_IN_PAIN, NOT_XRAY, id="O3: foot"),
        pytest.param(radiograph("spine"), OLDER_IN_PAIN, NOTHING, id="O3: another site"),
        pytest.param(radiograph("knee"), {**OLDER_IN_PAIN, "age": 30}, NOTHING, id="O3: younger"),
        pytest.param(radiograph("knee"), {"acute_pain": P}, NOTHING, id="O3: age not reported"),
        pytest.param(radiograph("knee"), {"age": 67, "acute_pain": A}, NOTHING, id="O3: no acute pain"),
        pytest.param(radiograph("knee"), {"age": 67}, NOTHING, id="O3: pain not reported"),
        pytest.param(mri("knee", "STIR and T1"), OLDER_IN_PAIN, NOTHING, id="O3: not a radiograph"),
    ],
)
def test_a_radiograph_in_acute_pain(
    checks: Callable[..., list[Check]], order: Order, facts: dict[str, Any], expected: list[Check]
) -> None:
    assert checks(order, **facts) == expected


def test_a_radiograph_after_an_mri_of_the_joint_needs_no_advice(checks: Callable[..., list[Check]]) -> None:
    """O3."""
    assert checks(radiograph("knee"), KNEE, bme=A, **OLDER_IN_PAIN) == NOTHING


TELL_APART = [("O4", "info", {"ORDER_DCE"}, set())]


@pytest.mark.parametrize(
    ("order", "facts", "expected"),
    [
        pytest.param(mri("hip without contrast"), {"bme": P}, TELL_APART, id="O4: the question is open"),
        pytest.param(mri("hip with contrast"), {"bme": P}, NOTHING, id="O4: with contrast"),
        pytest.param(mri("hip without contrast"), {"bme": P, "rim_sign": P}, NOTHING, id="O4: a rim answers it"),
        pytest.param(mri("hip without contrast"), {"bme": A}, NOTHING, id="O4: no edema"),
        pytest.param(mri("hip without contrast"), {}, NOTHING, id="O4: edema not reported"),
        pytest.param(mri("knee without contrast"), {"bme": P}, NOTHING, id="O4: another joint"),
    ],
)
def test_a_hip_mri_without_contrast(
    checks: Callable[..., list[Check]], order: Order, facts: dict[str, Any], expected: list[Check]
) -> None:
    assert checks(order, HEAD, **facts) == expected


NSAID_FIRST = ("O5", "info", {"PT_NSAID", "REF_RHEUM", "DMT_INFO"}, set())
NSAID_NOT_ENOUGH = ("O6", "info", {"DMT_INFO"}, set())
FIGURES = ("O8", "info", {"DMT_INFO"}, set())
EDEMA_ALONE = ("O7", "warning", set(), {"P2", "W_ORDER"})
INFECTION_FIRST = ("O9", "warning", set(), {"W_ORDER"})


@pytest.mark.parametrize(
    ("order", "facts", "expected"),
    [
        pytest.param(drug("naproxen"), DEEP, [NSAID_FIRST], id="O5: axspa likely"),
        pytest.param(drug("naproxen"), SHALLOW, NOTHING, id="O5: axspa only possible"),
        pytest.param(drug("naproxen"), {"bme": A}, NOTHING, id="O5: no edema"),
        pytest.param(drug("paracetamol"), DEEP, NOTHING, id="O5: not an NSAID"),
        pytest.param(drug("naproxen"), INFLAMED, [NSAID_FIRST, NSAID_NOT_ENOUGH], id="O6: synovitis and effusion"),
        pytest.param(drug("naproxen"), {**INFLAMED, "effusion": A}, NOTHING, id="O6: no effusion"),
        pytest.param(drug("naproxen"), {**INFLAMED, "effusion": "unknown"}, NOTHING, id="O6: effusion not reported"),
        *(
            pytest.param(drug(name), SHALLOW, [EDEMA_ALONE], id=f"O7: {name} on edema alone")
            for name in ("adalimumab", "secukinumab", "tofacitinib")
        ),
        pytest.param(drug("adalimumab"), {"bme": P}, [EDEMA_ALONE], id="O7: depth not reported"),
        pytest.param(drug("adalimumab"), {**SHALLOW, "psoriasis": P}, NOTHING, id="O7: another indication"),
        pytest.param(drug("adalimumab"), {**SHALLOW, "psoriasis": A}, [EDEMA_ALONE], id="O7: no other indication"),
        pytest.param(drug("adalimumab"), {"bme": A}, NOTHING, id="O7: no edema"),
        pytest.param(drug("adalimumab"), {}, NOTHING, id="O18: nothing imaged"),
        *(
            pytest.param(drug(name), DEEP, [FIGURES], id=f"O8: {name}")
            for name in ("adalimumab", "secukinumab", "tofacitinib")
        ),
        pytest.param(drug("adalimumab"), {**DEEP, "fever": P}, [FIGURES, INFECTION_FIRST], id="O9: act now"),
        pytest.param(drug("tofacitinib"), {**DEEP, "osteomyelitis": P}, [FIGURES, INFECTION_FIRST], id="O9: likely"),
        pytest.param(drug("adalimumab"), {**DEEP, "crp_raised": P}, [FIGURES], id="O9: only possible"),
        pytest.param(drug("naproxen"), {**DEEP, "fever": P}, [NSAID_FIRST], id="O9: not a biologic"),
    ],
)
def test_medicines_for_the_sacroiliac_joint(
    checks: Callable[..., list[Check]], order: Order, facts: dict[str, Any], expected: list[Check]
) -> None:
    assert checks(order, SI, **facts) == expected


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("adalimumab", ["58-64%", "19-38%"]),
        ("secukinumab", ["48-61%", "18-29%"]),
        ("tofacitinib", ["52-56%", "26-29%"]),
        ("naproxen", ["< 25%", "75%"]),
    ],
)
def test_each_class_quotes_its_own_figures_and_that_their_source_is_not_listed(
    answer: Callable[..., Any], name: str, figures: list[str]
) -> None:
    given = answer(SI, **DEEP, hook="order-sign", draft_orders=[drug(name)])
    text = "\n".join(given["texts"])

    assert [figure for figure in figures if figure not in text] == []
    assert "W_REF_UNLISTED" in given["warnings"]


def test_edema_alone_is_no_warning_where_the_other_side_shows_the_disease(checks: Callable[..., list[Check]]) -> None:
    eroded = [("si_joint", "right", {"erosion": P})]

    assert checks(drug("adalimumab"), SI, **SHALLOW, more=eroded) == [FIGURES]


def test_a_biologic_on_physiologic_edema_is_a_warning_but_nothing_urgent(answer: Callable[..., Any]) -> None:
    """O7: the card is a warning even when the case is routine."""
    structure = dict.fromkeys(["erosion", "fatty_lesion", "ankylosis", "ia_t1_hyperintensity", "t2_joint_fluid"], A)
    given = answer(SI, **SHALLOW, **structure, athlete=P, age=26, hook="order-sign", draft_orders=[drug("adalimumab")])

    assert (given["leading"], given["urgency"], given["urgent_card"]) == ("physiologic", "routine", False)
    assert {"P2", "W_ORDER"} <= set(given["warnings"])


MATCHES = [("O10", "info", set(), set())]
DIFFERS = [("O11", "warning", set(), {"W_DOSE"})]
NECROSIS = [("O12", "warning", {"REF_ORTHO"}, {"W_ORDER"})]
NOT_ESTABLISHED = [("O12b", "warning", {"ORDER_DCE"}, {"W_ORDER"})]


@pytest.mark.parametrize(
    ("regimen", "facts", "expected"),
    [
        pytest.param(REGIMEN, TRANSIENT, MATCHES, id="O10: the published regimen"),
        pytest.param({}, TRANSIENT, NOTHING, id="O10: no regimen given"),
        pytest.param({**REGIMEN, "dose": "100 ug"}, TRANSIENT, DIFFERS, id="O11: another dose"),
        pytest.param({**REGIMEN, "duration_h": 4}, TRANSIENT, DIFFERS, id="O11: another duration"),
        pytest.param({**REGIMEN, "frequency": "twice daily"}, TRANSIENT, DIFFERS, id="O11: another frequency"),
        pytest.param({**REGIMEN, "days": 3}, TRANSIENT, DIFFERS, id="O11: other days"),
        pytest.param({"dose": "20 ug"}, TRANSIENT, DIFFERS, id="O11: only a dose, and another"),
        pytest.param({"dose": "50 ug"}, TRANSIENT, NOTHING, id="O11: only a dose, the published one"),
        pytest.param({**REGIMEN, "dose": "0.05 mg"}, TRANSIENT, MATCHES, id="O10: the same dose in mg"),
        pytest.param({"dose": "5 ug", "route": "inhalation"}, TRANSIENT, NOTHING, id="O11: inhaled is never judged"),
        pytest.param(REGIMEN, {"bme": P, "rim_sign": P}, NECROSIS, id="O12: a rim sign"),
        pytest.param(
            REGIMEN, {"bme": P, "dce_pattern": "rim_high_flow_no_flow_core"}, NECROSIS, id="O12: necrosis on DCE"
        ),
        pytest.param({}, {"rim_sign": P}, NECROSIS, id="O12: edema not reported"),
        pytest.param(REGIMEN, {"bme": P}, NOT_ESTABLISHED, id="O12b: nothing told apart"),
        pytest.param(REGIMEN, {"bme": P, "rim_sign": A}, NOT_ESTABLISHED, id="O12b: no rim, no diffuse edema"),
        pytest.param(REGIMEN, {**TRANSIENT, "t1": "not_acquired"}, NOT_ESTABLISHED, id="O12b: capped for want of T1"),
        pytest.param(REGIMEN, {"bme": A}, NOTHING, id="O12b: no edema"),
        pytest.param(REGIMEN, {}, NOTHING, id="O18: nothing imaged"),
        pytest.param({"route": "inhalation"}, {"bme": P, "rim_sign": P}, NOTHING, id="O12: inhaled is never judged"),
    ],
)
def test_iloprost(
    checks: Callable[..., list[Check]], regimen: dict[str, Any], facts: dict[str, Any], expected: list[Check]
) -> None:
    assert checks(drug("iloprost", **regimen), HIP, **facts) == expected


SELF_LIMITING = [("O13", "warning", set(), {"W_ORDER"})]
NOT_A_VETO = [("O14", "warning", set(), {"W_ORDER"})]
CONDYLE = {"bme": P, "age": 67, "acute_pain": P}


@pytest.mark.parametrize(
    ("order", "place", "facts", "expected"),
    [
        pytest.param(procedure("hip arthroplasty"), (HIP, "left"), TRANSIENT, SELF_LIMITING, id="O13: hip"),
        pytest.param(procedure("left hip arthroplasty"), (HIP, "left"), TRANSIENT, SELF_LIMITING, id="O13: same side"),
        pytest.param(procedure("right hip arthroplasty"), (HIP, "left"), TRANSIENT, NOTHING, id="O13: other side"),
        pytest.param(procedure("knee arthroplasty"), (HIP, "left"), TRANSIENT, NOTHING, id="O13: other joint"),
        pytest.param(
            procedure("hip arthroplasty"),
            (HIP, "left"),
            {**TRANSIENT, "rim_sign": "unknown"},
            NOTHING,
            id="O13: possible",
        ),
        pytest.param(procedure("knee arthroplasty"), (KNEE, "left"), CONDYLE, NOT_A_VETO, id="O14: knee, possible"),
        pytest.param(
            procedure("knee arthroplasty"),
            (KNEE, "left"),
            {"subchondral_fracture_line": P},
            NOT_A_VETO,
            id="O14: knee, likely",
        ),
        pytest.param(procedure("right knee arthroplasty"), (KNEE, "left"), CONDYLE, NOTHING, id="O14: other side"),
        pytest.param(
            procedure("knee arthroplasty"), (KNEE, "left"), {"bme": P}, NOTHING, id="O14: nothing points to it"
        ),
        pytest.param(procedure("hip arthroplasty"), (None, None), {}, NOTHING, id="O18: nothing imaged"),
    ],
)
def test_arthroplasty(
    checks: Callable[..., list[Check]], order: Order, place: Any, facts: dict[str, Any], expected: list[Check]
) -> None:
    assert checks(order, *place, **facts) == expected


@pytest.mark.parametrize(
    ("place", "facts", "expected"),
    [
        pytest.param("diffuse_marrow", INCIDENTAL, [("O15", "info", {"CONSIDER_MARROW_BIOPSY"}, set())], id="O15: MA1"),
        pytest.param("diffuse_marrow", {**INCIDENTAL, "incidental": A}, NOTHING, id="O15: not incidental"),
        pytest.param(
            "diffuse_marrow", {**INCIDENTAL, "incidental": "unknown"}, NOTHING, id="O15: not reported whether"
        ),
        pytest.param("diffuse_marrow", {**INCIDENTAL, "known_malignancy": P}, NOTHING, id="O15: known malignancy"),
        pytest.param(KNEE, {"bme": P}, [("O16", "info", set(), set())], id="O16: focal edema"),
        pytest.param(KNEE, {"bme": A}, NOTHING, id="O16: no edema"),
        pytest.param(None, {}, NOTHING, id="O18: nothing imaged"),
    ],
)
def test_marrow_biopsy(
    checks: Callable[..., list[Check]], place: str | None, facts: dict[str, Any], expected: list[Check]
) -> None:
    assert checks(procedure("bone marrow biopsy"), place, **facts) == expected


BRUISED = {"bme": P, "acute_trauma": P, "diabetes": A, "t1_signal": "normal"}
WEEKS = ("O17", "info", {"OFFLOAD_6_12W"}, set())
NOT_OVER_INFECTION = ("O19", "warning", set(), {"W_ORDER"})


@pytest.mark.parametrize(
    ("weeks", "facts", "expected"),
    [
        pytest.param(3, BRUISED, [WEEKS], id="O17: 3 weeks"),
        pytest.param(16, BRUISED, [WEEKS], id="O17: 16 weeks"),
        pytest.param(6, BRUISED, NOTHING, id="O17: 6 weeks"),
        pytest.param(12, BRUISED, NOTHING, id="O17: 12 weeks"),
        pytest.param(None, BRUISED, NOTHING, id="O17: duration not given"),
        pytest.param(3, {"bme": P, "charcot": P}, [WEEKS], id="O17: Charcot"),
        pytest.param(3, {"bme": P, "t1_signal": "normal"}, NOTHING, id="O17: neither Charcot nor trauma"),
        pytest.param(8, {"bme": P, "charcot": P, "t1_signal": "low"}, [NOT_OVER_INFECTION], id="O19: infection likely"),
        pytest.param(8, {**BRUISED, "foot_ulcer": P}, [NOT_OVER_INFECTION], id="O19: an ulcer"),
        pytest.param(8, {**BRUISED, "foot_ulcer": A}, NOTHING, id="O19: no ulcer"),
        pytest.param(8, {"bme": P, "charcot": P}, NOTHING, id="O19: infection only possible"),
        pytest.param(3, {"bme": P, "charcot": P, "t1_signal": "low"}, [WEEKS, NOT_OVER_INFECTION], id="O17 and O19"),
    ],
)
def test_casts_of_the_foot(
    checks: Callable[..., list[Check]], weeks: int | None, facts: dict[str, Any], expected: list[Check]
) -> None:
    order = procedure("total contact cast", site="foot_ankle", **({"weeks": weeks} if weeks else {}))

    assert sorted(checks(order, FOOT, **facts), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    "order",
    [
        mri("hip without contrast"),
        drug("naproxen"),
        drug("adalimumab"),
        drug("tofacitinib"),
        drug("iloprost", **REGIMEN),
        procedure("hip arthroplasty"),
        procedure("bone marrow biopsy"),
        procedure("total contact cast", site="foot_ankle", weeks=3),
    ],
    ids=lambda order: order.get("drug") or order["code"],
)
def test_without_imaging_there_is_nothing_to_say_about_an_order(answer: Callable[..., Any], order: Order) -> None:
    """O18."""
    given = answer(None, hook="order-sign", draft_orders=[order])

    assert (given["cards"], given["texts"]) == (False, [])


def test_an_order_card_never_makes_the_case_more_urgent(assessment_of: Callable[..., Any]) -> None:
    assessment = assessment_of(KNEE, bme=A, draft_orders=[mri("knee", "STIR only")])

    assert (len(assessment.order_checks), assessment.tier) == (1, Tier.ROUTINE)
