"""Decision table 3.7, row by row: it fires, one fact is off, it is not reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
MARROW, TIBIA = "diffuse_marrow", "other"

BIOPSY = ("possible", "urgent", {"CONSIDER_MARROW_BIOPSY", "REF_HEM"}, set())
ACT_NOW = ("possible", "urgent", {"REF_HEM"}, set())
SOON = ("possible", "soon", set(), set())
NOT_RAISED = ("not raised", "", set(), set())

DIFFUSE = {"diffuse_marrow_signal": P}
BY_CHANCE = {**DIFFUSE, "incidental": P}
NOT_BY_CHANCE = {**DIFFUSE, "incidental": A}
CANCER = {"known_malignancy": P}


@pytest.mark.parametrize(
    ("site", "facts", "expected"),
    [
        pytest.param(MARROW, {**BY_CHANCE, "known_malignancy": A}, BIOPSY, id="MA1: found by chance"),
        pytest.param(MARROW, BY_CHANCE, BIOPSY, id="MA1: malignancy not reported"),
        pytest.param(MARROW, {**BY_CHANCE, "known_malignancy": I}, ACT_NOW, id="MA1: malignancy in question"),
        pytest.param(MARROW, {**BY_CHANCE, "known_malignancy": "conflict"}, ACT_NOW, id="MA1: malignancy in conflict"),
        pytest.param(MARROW, {**BY_CHANCE, "diffuse_marrow_signal": A}, NOT_RAISED, id="MA1: no diffuse change"),
        pytest.param(MARROW, {"incidental": P}, NOT_RAISED, id="MA1: diffuse change not reported"),
        pytest.param(MARROW, {**BY_CHANCE, "diffuse_marrow_signal": I}, SOON, id="MA1: diffuse change in question"),
        pytest.param(MARROW, DIFFUSE, ACT_NOW, id="MA2: not reported why the MRI was done"),
        pytest.param(MARROW, {**DIFFUSE, "incidental": I}, ACT_NOW, id="MA2: by chance or not, in question"),
        pytest.param(MARROW, {**DIFFUSE, "incidental": "conflict"}, ACT_NOW, id="MA2: by chance or not, in conflict"),
        pytest.param(TIBIA, {"bme": P}, NOT_RAISED, id="MA3: focal edema"),
        pytest.param(TIBIA, {"bme": P, "diffuse_marrow_signal": A, "incidental": P}, NOT_RAISED, id="MA3: by chance"),
        pytest.param(MARROW, {**DIFFUSE, **CANCER}, SOON, id="MA4a: known malignancy"),
        pytest.param(MARROW, {**NOT_BY_CHANCE, **CANCER}, SOON, id="MA4a: known malignancy, not by chance"),
        pytest.param(MARROW, {**BY_CHANCE, **CANCER}, ACT_NOW, id="MA4b: known malignancy, by chance"),
        pytest.param(MARROW, NOT_BY_CHANCE, ACT_NOW, id="MA4b: malignancy was suspected"),
        pytest.param(MARROW, {**NOT_BY_CHANCE, "known_malignancy": A}, ACT_NOW, id="MA4b: and is not known"),
        pytest.param(TIBIA, {"bme": P, **CANCER}, SOON, id="MA5: focal edema, known malignancy"),
        pytest.param(TIBIA, {"bme": P, **CANCER, "t1_signal": "normal"}, SOON, id="MA5: T1 normal"),
        pytest.param(TIBIA, {"bme": P, **CANCER, "t1_signal": "low"}, ACT_NOW, id="MA5: T1 low"),
        pytest.param(TIBIA, {"bme": A, **CANCER}, NOT_RAISED, id="MA5: no edema"),
        pytest.param(TIBIA, CANCER, NOT_RAISED, id="MA5: edema not reported"),
        pytest.param(TIBIA, {"bme": P, "known_malignancy": A}, NOT_RAISED, id="MA5: no malignancy"),
        pytest.param(TIBIA, {"bme": P, "known_malignancy": I}, SOON, id="MA5: malignancy in question"),
    ],
)
def test_malignancy(verdict: Callable[..., Any], site: str, facts: dict[str, Any], expected: Any) -> None:
    assert verdict("malignancy", site, **facts) == expected


@pytest.mark.parametrize(
    ("facts", "quoted"),
    [
        pytest.param(BY_CHANCE, True, id="by chance"),
        pytest.param({**BY_CHANCE, **CANCER}, False, id="known malignancy"),
        pytest.param({**BY_CHANCE, "known_malignancy": I}, False, id="malignancy in question"),
        pytest.param(NOT_BY_CHANCE, False, id="malignancy was suspected"),
        pytest.param(DIFFUSE, False, id="not reported why"),
    ],
)
def test_the_biopsy_figure_is_quoted_for_chance_findings_only(
    answer: Callable[..., Any], facts: dict[str, Any], quoted: bool
) -> None:
    given = answer(MARROW, None, **facts)

    assert ("47%" in "\n".join(given["texts"]), "W_REF_UNLISTED" in given["warnings"]) == (quoted, True)


@pytest.mark.parametrize(
    ("facts", "words"),
    [(DIFFUSE, "ask why the MRI was done"), ({**DIFFUSE, **CANCER}, "inform the treating team")],
)
def test_the_card_says_what_to_do_about_it(says: Callable[..., str], facts: dict[str, Any], words: str) -> None:
    assert words in says(MARROW, None, **facts)


def test_known_malignancy_forbids_calling_edema_physiologic(verdict: Callable[..., Any]) -> None:
    """MA5."""
    facts = {"bme": P, "acute_pain": A, "athlete": P, "age": 26}

    assert [verdict("physiologic", TIBIA, **facts, **more)[0] for more in ({}, CANCER)] == ["likely", "unlikely"]
