"""Edema that no rule explains (decision table 3.0, G7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

P, A, I = "present", "absent", "indeterminate"  # noqa: E741  # the three states, as short as in the tables below
KNEE = "knee_other"

UNEXPLAINED = ("possible", "soon", {"CORRELATE"}, {"P1"})
NOT_RAISED = ("not raised", "", set(), set())


@pytest.mark.parametrize(
    ("site", "facts", "expected"),
    [
        pytest.param(KNEE, {"bme": P}, UNEXPLAINED, id="edema"),
        pytest.param(KNEE, {"bme": I}, UNEXPLAINED, id="edema in question"),
        pytest.param(KNEE, {"bme": "conflict"}, UNEXPLAINED, id="edema in conflict"),
        pytest.param(KNEE, {"bme": A}, NOT_RAISED, id="no edema"),
        pytest.param(KNEE, {"effusion": P}, NOT_RAISED, id="edema not reported"),
        pytest.param(None, {"bme": P}, UNEXPLAINED, id="5.2: site not named"),
        pytest.param("femoral_neck", {"bme": P}, UNEXPLAINED, id="femoral neck"),
        pytest.param(KNEE, {"bme": P, "acute_trauma": P}, NOT_RAISED, id="trauma explains it"),
        pytest.param(KNEE, {"bme": P, "crp_raised": P}, NOT_RAISED, id="something is possible"),
        pytest.param("si_joint", {"bme": P}, NOT_RAISED, id="the sacroiliac joint is never unexplained"),
        pytest.param(KNEE, {"bme": P, "athlete": P}, NOT_RAISED, id="a benign context, not all of it known"),
        pytest.param(KNEE, {"bme": P, "athlete": P, "acute_pain": P}, UNEXPLAINED, id="a benign context, contradicted"),
    ],
)
def test_edema_that_nothing_explains(
    verdict: Callable[..., Any], site: str | None, facts: dict[str, Any], expected: Any
) -> None:
    assert verdict("nonspecific", site, **facts) == expected


def test_it_is_not_urgent_and_not_called_benign(answer: Callable[..., Any]) -> None:
    given = answer(KNEE, bme=P)

    assert (given["cards"], given["leading"], given["urgency"], given["urgent_card"]) == (
        True,
        "nonspecific",
        "soon",
        False,
    )
    assert "nonspecific" not in given["levels"]


def test_it_demands_clinical_correlation_of_what_may_be_behind_it(says: Callable[..., str]) -> None:
    text = says(KNEE, bme=P)

    assert "demands immediate clinical correlation" in text
    assert "osteonecrosis, insufficiency fracture, inflammatory arthritis, infection and malignancy" in text


def test_an_explained_lesion_does_not_explain_another(verdict: Callable[..., Any]) -> None:
    eroded = ("si_joint", "left", {"bme": P, "erosion": P})

    assert verdict("nonspecific", KNEE, bme=P, more=[eroded]) == UNEXPLAINED
