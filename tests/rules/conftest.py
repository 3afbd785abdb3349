"""From a line of facts to a verdict, through ``cds_service.vignettes`` and the real rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from cds_service.engine.assess import Assessment, Diagnosis, actions_of, assess, warnings_of
from cds_service.knowledge.rules import rule_set
from cds_service.model.condition import Scope
from cds_service.model.level import Level
from cds_service.vignettes import SEQUENCE_FACTS, Vignette, assess_vignette, read_vignette

TODAY = date(2026, 3, 31)
BOTH_ACQUIRED = {"stir": "acquired", "t1": "acquired"}
NOT_RAISED = ("not raised", "", set(), set())
PATIENT = ("age", "sex")

Facts = Mapping[str, Any]
Verdict = tuple[str, str, set[str], set[str]]


def vignette_input(site: str | None, side: str | None = "left", /, **facts: Any) -> dict[str, Any]:
    """Return the ``input`` of a vignette from facts by name, each put where vignettes have it.

    STIR and T1 are acquired unless said otherwise. ``more`` is a list of further places: (site, side, findings).
    """
    known = rule_set().facts
    sites = [{"site": site, "side": side, "findings": {}}]
    given: dict[str, Any] = {
        "patient": {name: facts.pop(name) for name in PATIENT if name in facts},
        "sequences": {**BOTH_ACQUIRED, **{name: facts.pop(name) for name in SEQUENCE_FACTS if name in facts}},
        "change": facts.pop("change", "unknown"),
        "draft_orders": facts.pop("draft_orders", []),
        "context": {},
        "sites": sites,
    }
    sites.extend({"site": other, "side": its_side, "findings": its} for other, its_side, its in facts.pop("more", []))
    for name, value in facts.items():
        place = given["context"] if known[name].scope is Scope.PATIENT else sites[0]["findings"]
        place[name] = value
    return given


def _read(given: Facts, hook: str = "result-review") -> Vignette:
    return read_vignette({"id": "case", "hook": hook, "input": given}, rule_set())


@pytest.fixture(scope="session")
def assessment_of() -> Callable[..., Assessment]:
    """Assess facts at a place: ``assessment_of("si_joint", bme="present", depth_mm=10)``."""
    return lambda *place, **facts: assess(_read(vignette_input(*place, **facts)).case, rule_set())


@pytest.fixture(scope="session")
def answer() -> Callable[..., dict[str, Any]]:
    """What the service concludes, under the decision table's ids: ``answer("si_joint", bme="present")``."""

    def of(*place: Any, hook: str = "result-review", **facts: Any) -> dict[str, Any]:
        return assess_vignette(_read(vignette_input(*place, **facts), hook), rule_set(), TODAY)

    return of


@pytest.fixture(scope="session")
def verdict(assessment_of: Callable[..., Assessment]) -> Callable[..., Verdict]:
    """Level, tier, actions and warnings of one cause: ``verdict("axspa", "si_joint", bme="present")``.

    Sequences are acquired, age and sex are not known unless given. "Not raised" includes "not assessable".
    """

    def of(cause: str, *place: Any, **facts: Any) -> Verdict:
        assessment = assessment_of(*place, **facts)
        raised: Diagnosis | None = next((one for one in assessment.diagnoses if one.cause == cause), None)
        if raised is None:
            unlikely = assessment.levels.get(cause) is Level.UNLIKELY
            return ("unlikely", "", set(), set()) if unlikely else NOT_RAISED
        return (
            raised.level.name.lower(),
            raised.tier.name.lower(),
            {action.id for action in actions_of(raised.results)},
            {warning.id for warning in warnings_of(raised.results)},
        )

    return of


@pytest.fixture(scope="session")
def says(assessment_of: Callable[..., Assessment]) -> Callable[..., str]:
    """All sentences of the rules that fired: ``says("si_joint", bme="present")``."""

    def of(*place: Any, **facts: Any) -> str:
        return "\n".join(
            line for result in assessment_of(*place, **facts).trace if result.fired for line in result.rule.says
        )

    return of
