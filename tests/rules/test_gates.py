"""Decision table 3.0 and section 5: gates before any diagnosis, and what the record leaves out or contradicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
SI, KNEE, FOOT, TIBIA = "si_joint", "knee_other", "foot_ankle", "other"
NO_T1 = {"t1": "not_acquired"}
NO_FLUID = {"stir": "not_acquired", "t2": "not_acquired"}
DEEP = {"bme": P, "depth_mm": 12}

Answer = Callable[..., dict[str, Any]]
Verdict = Callable[..., Any]


def parts(given: dict[str, Any], *keys: str) -> tuple[Any, ...]:
    return tuple(given[key] for key in keys)


# G1: nothing to say


@pytest.mark.parametrize(
    ("site", "facts"),
    [
        pytest.param(SI, {}, id="nothing reported"),
        pytest.param(SI, {"bme": A, "erosion": A, "ankylosis": A}, id="all absent"),
        pytest.param(KNEE, {"bme": A, "change": "new"}, id="nothing there, and that is new"),
        pytest.param(KNEE, {"diabetes": P, "athlete": P, "fever": P, "age": 60}, id="only the patient is known"),
        pytest.param(SI, {"stir": "unknown", "t1": "unknown"}, id="sequences not reported"),
        pytest.param(TIBIA, {"bme": A, "osteomyelitis": A}, id="a diagnosis denied"),
        pytest.param(SI, {"known.axspa": P}, id="G0: a known disease without any finding"),
        pytest.param(SI, {"known.axspa": P, "bme": A, "erosion": A}, id="G0: a known disease, findings absent"),
    ],
)
def test_without_a_finding_there_is_no_card(answer: Answer, site: str, facts: dict[str, Any]) -> None:
    given = answer(site, **facts)

    assert parts(given, "cards", "leading", "actions", "warnings", "texts") == (False, None, [], [], [])


@pytest.mark.parametrize(
    ("site", "facts"),
    [
        pytest.param(KNEE, {"bme": P}, id="edema"),
        pytest.param(KNEE, {"bme": I}, id="edema in question"),
        pytest.param(SI, {"sclerosis": P}, id="another finding"),
        pytest.param("diffuse_marrow", {"diffuse_marrow_signal": P}, id="diffuse marrow signal"),
        pytest.param(TIBIA, {"osteomyelitis": P}, id="a diagnosis named"),
        pytest.param(TIBIA, {"osteomyelitis": I}, id="a diagnosis not excluded"),
        pytest.param(SI, NO_T1, id="T1 known to be missing"),
        pytest.param(SI, NO_FLUID, id="STIR and T2 known to be missing"),
    ],
)
def test_anything_found_or_missing_is_worth_a_card(answer: Answer, site: str, facts: dict[str, Any]) -> None:
    assert answer(site, **facts)["cards"] is True


# G0: diagnoses that the record names

NAMED = {
    "axspa": (SI, "urgent", "soon"),
    "osteonecrosis": ("femoral_head", "urgent", "soon"),
    "sif": (KNEE, "urgent", "urgent"),
    "tbmes": ("femoral_head", "soon", "soon"),
    "osteomyelitis": (TIBIA, "urgent", "soon"),
    "malignancy": (TIBIA, "urgent", "soon"),
}
EACH_NAMED = pytest.mark.parametrize("cause", NAMED)


@EACH_NAMED
def test_a_named_diagnosis_is_held_as_the_record_holds_it(verdict: Verdict, cause: str) -> None:
    site, when_likely, when_possible = NAMED[cause]

    held = {state: verdict(cause, site, **{cause: state})[:2] for state in (P, I, "conflict", A, "unknown")}

    assert held == {
        P: ("likely", when_likely),
        I: ("possible", when_possible),
        "conflict": ("possible", when_possible),
        A: ("unlikely", ""),
        "unknown": ("not raised", ""),
    }


@pytest.mark.parametrize(
    ("cause", "site", "facts"),
    [
        pytest.param("axspa", SI, {"erosion": P}, id="axspa"),
        pytest.param("osteonecrosis", "femoral_head", {"rim_sign": P}, id="osteonecrosis"),
        pytest.param("sif", KNEE, {"subchondral_fracture_line": P}, id="sif"),
        pytest.param("osteomyelitis", TIBIA, {"bme": P, "t1_signal": "low"}, id="osteomyelitis"),
        pytest.param("malignancy", TIBIA, {"diffuse_marrow_signal": P}, id="malignancy"),
    ],
)
def test_a_denied_diagnosis_never_outweighs_a_finding(
    verdict: Verdict, cause: str, site: str, facts: dict[str, Any]
) -> None:
    assert verdict(cause, site, **facts, **{cause: A}) == verdict(cause, site, **facts)


@EACH_NAMED
@pytest.mark.parametrize("change", ["unknown", "unchanged", "decreased"])
def test_a_disease_known_before_is_not_urgent(verdict: Verdict, cause: str, change: str) -> None:
    """Osteomyelitis is exempt: it stays urgent."""
    site, tier = NAMED[cause][0], "urgent" if cause == "osteomyelitis" else "soon"

    assert verdict(cause, site, **{f"known.{cause}": P, "bme": P, "change": change})[:2] == ("likely", tier)


@EACH_NAMED
@pytest.mark.parametrize("change", ["new", "increased"])
def test_a_known_disease_with_something_new_is_as_urgent_as_ever(verdict: Verdict, cause: str, change: str) -> None:
    site, when_likely, _ = NAMED[cause]

    assert verdict(cause, site, **{f"known.{cause}": P, "bme": P, "change": change})[:2] == ("likely", when_likely)


@EACH_NAMED
def test_a_known_disease_that_this_report_names_again_is_as_urgent_as_ever(verdict: Verdict, cause: str) -> None:
    """Known disease is what was recorded before this study and not repeated by its report."""
    site, when_likely, _ = NAMED[cause]

    assert verdict(cause, site, **{f"known.{cause}": P, cause: P, "bme": P})[:2] == ("likely", when_likely)


@EACH_NAMED
def test_a_known_disease_is_for_the_treating_team_and_silent_without_a_finding(
    verdict: Verdict, says: Callable[..., str], cause: str
) -> None:
    site = NAMED[cause][0]

    assert "inform the treating team" in says(site, **{f"known.{cause}": P, "bme": P})
    assert verdict(cause, site, **{f"known.{cause}": P})[0] == "not raised"


# G2: no T1


@pytest.mark.parametrize(
    ("site", "facts", "cause", "expected"),
    [
        pytest.param(SI, DEEP, "axspa", ("possible", "soon"), id="axspa by depth"),
        pytest.param(SI, {"bme": P, "synovitis": P, "effusion": P}, "axspa", ("possible", "soon"), id="axspa by AX4"),
        pytest.param(SI, {"axspa": P}, "axspa", ("possible", "soon"), id="axspa by name"),
        pytest.param(
            "femoral_head_and_neck",
            {"bme": P, "diffuse_edema_head_neck": P, "rim_sign": A},
            "tbmes",
            ("possible", "soon"),
            id="tbmes",
        ),
        pytest.param("femoral_head", {"rim_sign": P}, "osteonecrosis", ("likely", "urgent"), id="never osteonecrosis"),
        pytest.param(FOOT, {"bme": P, "charcot": P}, "charcot", ("likely", "urgent"), id="never charcot"),
        pytest.param(KNEE, {"subchondral_fracture_line": P}, "sif", ("likely", "urgent"), id="never sif"),
        pytest.param(TIBIA, {"malignancy": P}, "malignancy", ("likely", "urgent"), id="never malignancy"),
        pytest.param(TIBIA, {"osteomyelitis": P}, "osteomyelitis", ("likely", "urgent"), id="never a named infection"),
        pytest.param(FOOT, {"bme": P, "diabetes": P}, "osteomyelitis", ("possible", "urgent"), id="never OM5"),
        pytest.param(TIBIA, {"bme": P, "acute_trauma": P}, "traumatic", ("likely", "soon"), id="never traumatic"),
    ],
)
def test_without_t1_some_causes_are_possible_at_most(
    verdict: Verdict, site: str, facts: dict[str, Any], cause: str, expected: tuple[str, str]
) -> None:
    assert verdict(cause, site, **facts, **NO_T1)[:2] == expected


@pytest.mark.parametrize(("site", "facts"), [(SI, DEEP), (KNEE, {"bme": P}), (SI, {"bme": A}), (FOOT, {"diabetes": P})])
def test_a_missing_t1_is_asked_for_whatever_was_found(answer: Answer, site: str, facts: dict[str, Any]) -> None:
    given = answer(site, **facts, **NO_T1)

    assert ("COMPLETE_SEQ_T1" in given["actions"], "W_SEQ" in given["warnings"]) == (True, True)


@pytest.mark.parametrize("t1", ["acquired", "unknown"])
def test_t1_that_was_acquired_or_is_not_reported_caps_nothing(verdict: Verdict, answer: Answer, t1: str) -> None:
    given = answer(SI, **DEEP, t1=t1)

    assert verdict("axspa", SI, **DEEP, t1=t1)[:2] == ("likely", "urgent")
    assert ("COMPLETE_SEQ_T1" in given["actions"], "W_SEQ" in given["warnings"]) == (False, False)


# G3: no fluid-sensitive sequence


@pytest.mark.parametrize(
    ("sequences", "asked"),
    [
        pytest.param(NO_FLUID, True, id="neither STIR nor T2"),
        pytest.param({"stir": "not_acquired", "t2": "acquired"}, False, id="T2 was acquired"),
        pytest.param({"stir": "acquired", "t2": "not_acquired"}, False, id="STIR was acquired"),
        pytest.param({"stir": "not_acquired"}, False, id="T2 not reported"),
        pytest.param({"stir": "unknown"}, False, id="neither reported"),
    ],
)
def test_a_study_needs_stir_or_t2(answer: Answer, sequences: dict[str, str], asked: bool) -> None:
    given = answer(SI, sclerosis=P, **sequences)

    assert ("COMPLETE_SEQ_FLUID" in given["actions"], "W_SEQ" in given["warnings"]) == (asked, asked)


@pytest.mark.parametrize(
    ("sequences", "tier"),
    [
        pytest.param(NO_FLUID, "urgent", id="absent edema means nothing"),
        pytest.param({"stir": "not_acquired"}, "soon", id="T2 not reported"),
        pytest.param({}, "soon", id="STIR acquired"),
    ],
)
def test_without_a_fluid_sensitive_sequence_edema_is_not_absent_but_unknown(
    verdict: Verdict, sequences: dict[str, str], tier: str
) -> None:
    """Erosion without edema is chronic change (AX10) only when edema could be seen."""
    assert verdict("axspa", SI, erosion=P, bme=A, **sequences)[:2] == ("likely", tier)


def test_without_a_fluid_sensitive_sequence_nothing_is_excluded_and_the_card_says_so(answer: Answer) -> None:
    given = answer(SI, bme=A, erosion=A, sclerosis=A, **NO_FLUID)

    assert parts(given, "cards", "leading", "urgency", "urgent_card") == (True, None, "routine", False)
    assert "nothing is excluded" in "\n".join(given["texts"])
    assert [cause for cause, level in given["levels"].items() if level == "unlikely"] == []


@pytest.mark.parametrize(
    ("site", "context", "expected"),
    [
        pytest.param(FOOT, {"diabetes": P}, ("soon", True), id="diabetes"),
        pytest.param(FOOT, {"charcot": P}, ("soon", True), id="Charcot"),
        pytest.param(FOOT, {"diabetes": A}, ("routine", False), id="no diabetes"),
        pytest.param(FOOT, {}, ("routine", False), id="diabetes not reported"),
        pytest.param(KNEE, {"diabetes": P}, ("routine", False), id="another site"),
    ],
)
def test_a_diabetic_foot_without_fluid_sensitive_sequence_does_not_wait(
    answer: Answer, site: str, context: dict[str, str], expected: tuple[str, bool]
) -> None:
    given = answer(site, t1_signal="low", **NO_FLUID, **context)

    assert (given["urgency"], "P4" in given["warnings"]) == expected
    assert ("could not be assessed" in "\n".join(given["texts"]), given["urgent_card"]) == (True, False)


# G4, G5: a list of sequences that says little, or too little


@pytest.mark.parametrize(
    ("sequences", "asked"),
    [
        pytest.param({}, False, id="both acquired"),
        pytest.param({"stir": "unknown", "t2": "acquired"}, False, id="T2 stands for STIR"),
        pytest.param({"t1": "unknown"}, True, id="T1 not reported"),
        pytest.param({"stir": "unknown"}, True, id="STIR and T2 not reported"),
        pytest.param({"stir": "not_acquired"}, True, id="STIR missing, T2 not reported"),
        pytest.param(NO_T1, False, id="T1 known to be missing"),
    ],
)
def test_sequences_that_are_not_reported_are_asked_about_in_words_only(
    answer: Answer, says: Callable[..., str], sequences: dict[str, str], asked: bool
) -> None:
    words = "Confirm that both a T1-weighted and a STIR or T2-weighted sequence were acquired"

    assert (words in says(KNEE, bme=P, **sequences)) is asked
    assert ("W_SEQ" in answer(KNEE, bme=P, **sequences)["warnings"]) is (sequences == NO_T1)


@pytest.mark.parametrize(
    "seen",
    [
        {"erosion": P},
        {"fatty_lesion": P},
        {"ia_t1_hyperintensity": P},
        {"t1_signal": "normal"},
        {"t1_signal": "low"},
    ],
    ids=lambda seen: " ".join(next(iter(seen.items()))),
)
def test_a_finding_seen_on_t1_shows_that_t1_was_acquired(
    verdict: Verdict, answer: Answer, seen: dict[str, str]
) -> None:
    given = answer(SI, **DEEP, **seen, **NO_T1)

    assert verdict("axspa", SI, **DEEP, **seen, **NO_T1)[:2] == ("likely", "urgent")
    assert ("W_CONFLICT" in given["warnings"], "COMPLETE_SEQ_T1" in given["actions"]) == (True, False)


@pytest.mark.parametrize("seen", [{"erosion": A}, {"sclerosis": P}, {}])
def test_other_findings_do_not_show_it(verdict: Verdict, answer: Answer, seen: dict[str, str]) -> None:
    given = answer(SI, **DEEP, **seen, **NO_T1)

    assert verdict("axspa", SI, **DEEP, **seen, **NO_T1)[:2] == ("possible", "soon")
    assert ("W_CONFLICT" in given["warnings"], "COMPLETE_SEQ_T1" in given["actions"]) == (False, True)


# New or increasing edema (G6)


@pytest.mark.parametrize(
    ("site", "facts", "tier"),
    [
        pytest.param(KNEE, {"bme": P}, "soon", id="edema"),
        pytest.param(KNEE, {"bme": I}, "soon", id="edema in question"),
        pytest.param(SI, DEEP, "urgent", id="urgent edema"),
        pytest.param("diffuse_marrow", {"diffuse_marrow_signal": P}, "urgent", id="diffuse marrow signal"),
        pytest.param(SI, {"bme": A, "erosion": P}, "urgent", id="erosion without edema"),
        pytest.param(SI, {"bme": A, "sclerosis": P}, "soon", id="sclerosis without edema"),
        pytest.param(SI, {"sclerosis": P}, "soon", id="sclerosis, edema not reported"),
        pytest.param(KNEE, {"bme": "conflict"}, "soon", id="edema in conflict"),
    ],
)
@pytest.mark.parametrize("change", ["new", "increased"])
def test_what_is_new_or_increasing_is_compared_and_never_routine(
    answer: Answer, site: str, facts: dict[str, Any], tier: str, change: str
) -> None:
    given = answer(site, **facts, change=change)

    assert (given["urgency"], "COMPARE_PRIOR" in given["actions"], "P1" in given["warnings"]) == (tier, True, True)


@pytest.mark.parametrize("change", ["unchanged", "decreased", "unknown"])
def test_what_is_not_new_is_not_compared(answer: Answer, change: str) -> None:
    given = answer(SI, **DEEP, change=change)

    assert ("COMPARE_PRIOR" in given["actions"], "P1" in given["warnings"]) == (False, False)


def test_new_edema_says_what_it_may_lead_to(answer: Answer) -> None:
    text = "\n".join(answer(KNEE, bme=P, change="increased")["texts"])

    assert [words for words in ("pain progression", "joint destruction") if words not in text] == []


# G8: the benign-sounding causes


@pytest.mark.parametrize(
    ("site", "facts", "leading"),
    [
        (KNEE, {"bme": P}, "nonspecific"),
        (KNEE, {"bme": P, "acute_trauma": P}, "traumatic"),
        (KNEE, {"bme": P, "athlete": P, "acute_pain": A, "age": 26}, "physiologic"),
        ("femoral_head_and_neck", {"bme": P, "diffuse_edema_head_neck": P, "rim_sign": A}, "tbmes"),
    ],
)
def test_no_edema_is_assumed_to_be_benign(answer: Answer, site: str, facts: dict[str, Any], leading: str) -> None:
    given = answer(site, **facts)

    assert (given["leading"], "P1" in given["warnings"]) == (leading, True)


# G9 and 5.1: conflicts and refused values


@pytest.mark.parametrize(
    ("site", "facts"),
    [
        pytest.param(KNEE, {"bme": "conflict"}, id="edema"),
        pytest.param(SI, {**DEEP, "erosion": "conflict"}, id="erosion"),
        pytest.param(SI, {"bme": P, "depth_mm": {"conflict": [8, 12]}}, id="depth"),
        pytest.param(TIBIA, {"bme": P, "t1_signal": {"conflict": ["low", "normal"]}}, id="T1"),
        pytest.param(TIBIA, {"bme": P, "t1_signal": "conflict"}, id="T1, values not given"),
        pytest.param(KNEE, {"bme": P, "change": {"conflict": ["new", "unchanged"]}}, id="change"),
        pytest.param(KNEE, {"bme": P, "change": "conflict"}, id="change, values not given"),
        pytest.param(FOOT, {"bme": P, "diabetes": "conflict"}, id="diabetes"),
        pytest.param(KNEE, {"bme": P, "athlete": "conflict"}, id="benign context"),
        pytest.param(SI, {"bme": P, "depth_mm": 0}, id="depth zero"),
        pytest.param(SI, {"bme": P, "depth_mm": -12}, id="depth negative"),
        pytest.param(SI, {"bme": P, "depth_mm": {"value": 12}}, id="depth without unit"),
        pytest.param(SI, {"bme": P, "depth_mm": {"value": 12, "unit": "g"}}, id="depth in grams"),
    ],
)
def test_a_record_that_disagrees_with_itself_is_told_so(answer: Answer, site: str, facts: dict[str, Any]) -> None:
    assert "W_CONFLICT" in answer(site, **facts)["warnings"]


def test_a_record_that_agrees_is_not(answer: Answer) -> None:
    assert "W_CONFLICT" not in answer(SI, **DEEP)["warnings"]


@pytest.mark.parametrize(
    ("cause", "site", "facts", "conflict"),
    [
        pytest.param("axspa", SI, {"erosion": P}, {"bme": "conflict"}, id="AX10: edema"),
        pytest.param("charcot", FOOT, {"bme": P, "diabetes": P}, {"charcot": "conflict"}, id="CH2: Charcot"),
        pytest.param(
            "axspa", SI, {"known.axspa": P, "bme": P}, {"change": {"conflict": ["new", "unchanged"]}}, id="G0"
        ),
    ],
)
def test_a_conflict_never_lowers(
    verdict: Verdict, cause: str, site: str, facts: dict[str, Any], conflict: dict[str, Any]
) -> None:
    assert verdict(cause, site, **facts, **conflict)[1] == "urgent"


# 5.2: missing


def test_a_site_that_is_not_named_is_listed_as_missing(answer: Answer) -> None:
    given = answer(None, bme=P, depth_mm=12)

    assert (given["leading"], "site" in given["missing"]) == ("nonspecific", True)


@pytest.mark.parametrize(
    ("cause", "site", "facts"),
    [
        pytest.param("charcot", "vertebra", {"bme": P}, id="Charcot of the spine"),
        pytest.param("osteomyelitis", KNEE, {"bme": A}, id="infection without edema"),
    ],
)
def test_a_diagnosis_that_nobody_named_is_no_missing_input(
    answer: Answer, cause: str, site: str, facts: dict[str, Any]
) -> None:
    """Section 2: not assessable means that a deciding input is missing, not that the report names other things."""
    given = answer(site, **facts)

    assert (cause in given["levels"], {cause, f"known.{cause}", f"named.{cause}"} & set(given["missing"])) == (
        False,
        set(),
    )


@pytest.mark.parametrize(("age", "said"), [(12, True), (17, True), (18, False), (None, False)])
def test_children_are_told_to_be_outside_the_source(says: Callable[..., str], age: int | None, said: bool) -> None:
    """Decision table 3.10.6."""
    assert ("does not address children" in says(KNEE, bme=P, age=age)) is said
