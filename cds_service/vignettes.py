"""Clinical cases as data: one JSON object a line, assessed without FHIR.

A vignette names findings by the decision table's own identifiers. In it the study counts as fresh and nobody has
acted yet (decision table 3.10.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.cards.content import contents
from cds_service.cards.render import texts
from cds_service.cards.selection import HookKind, select
from cds_service.engine.assess import actions_of, assess
from cds_service.engine.lesions import assemble
from cds_service.fhir.readers.drafts import read_draft
from cds_service.knowledge import causes
from cds_service.knowledge.facts import CHANGE
from cds_service.model.case import Case, Problem, Statement, Study
from cds_service.model.condition import Fact, Kind
from cds_service.model.finding import Provenance, State, Trust, Value
from cds_service.model.level import Tier
from cds_service.model.quantity import Range, UnreadableQuantity, exact, length_mm
from cds_service.model.rule import RuleSet

STUDY = "study"
SEQUENCE_FACTS = {"stir": "seq.stir", "t2": "seq.t2", "t1": "seq.t1", "dce": "seq.dce"}
NAMED_AS_WELL = {"charcot": "named.charcot"}
"""Context that, written under a site, is also a diagnosis the report names there."""


class UnreadableVignette(ValueError):
    """A vignette does not have the form of the others; the message names the key."""


@dataclass(frozen=True)
class Vignette:
    """One case and, where the file gives it, what is expected of it."""

    id: str
    hook: str
    case: Case
    expected: Mapping[str, Any]
    strict: tuple[str, ...]


def read_vignette(raw: Any, rules: RuleSet) -> Vignette:
    """Return one vignette as a case.

    Raises:
        UnreadableVignette: the input is missing or a value is of the wrong kind.
    """
    if not isinstance(raw, Mapping):
        raise UnreadableVignette("it is not a JSON object")
    if not isinstance(raw.get("input"), Mapping):
        raise UnreadableVignette("key 'input' is missing or is not an object")
    given = raw["input"]
    problems: list[Problem] = []
    try:
        statements = [*_patient(given, rules), *_study(given), *_findings(given, rules, problems)]
        problems += _conflicts_without_values(given, rules)
        patient, lesions = assemble(statements, {STUDY: _silent_place(given)}, rules.facts, rules.sites)
        orders = enumerate(given.get("draft_orders") or [])
        drafts = tuple(read_draft(_as_order(order, number)) for number, order in orders)
    except (TypeError, AttributeError, KeyError, ValueError, ArithmeticError) as error:
        raise UnreadableVignette("key 'input' does not have the form of the other vignettes") from error
    return Vignette(
        id=str(raw.get("id", "")),
        hook=str(raw.get("hook", "result-review")),
        case=Case(patient, lesions, drafts, problems=tuple(problems)),
        expected=raw.get("expected") or {},
        strict=tuple(raw.get("strict") or ()),
    )


def _patient(given: Mapping[str, Any], rules: RuleSet) -> Iterator[Statement]:
    patient = given.get("patient") or {}
    if patient.get("age") is not None:
        yield Statement("age", exact(str(patient["age"])))
    if patient.get("sex") not in (None, "unknown"):
        yield Statement("sex", patient["sex"])
    for name, value in (given.get("context") or {}).items():
        for state in _states(value, rules.facts.get(name)):
            yield Statement(name, state)


def _study(given: Mapping[str, Any]) -> Iterator[Statement]:
    for name, value in (given.get("sequences") or {}).items():
        if value not in (None, "unknown"):
            yield Statement(SEQUENCE_FACTS[name], value, study=STUDY)
    if given.get("change") not in (None, "unknown"):
        for value in _states(given["change"], CHANGE):
            yield Statement("change", value, study=STUDY)


def _conflicts_without_values(given: Mapping[str, Any], rules: RuleSet) -> Iterator[Problem]:
    """Yield the choices a vignette calls a conflict without saying of what."""
    layers = [{"change": given.get("change")}, *(place.get("findings") or {} for place in given.get("sites") or [])]
    for layer in layers:
        for name, value in layer.items():
            if value == "conflict" and name in rules.facts and rules.facts[name].kind is Kind.CHOICE:
                yield Problem("contradiction", name)


def _silent_place(given: Mapping[str, Any]) -> Study:
    """Return the study, covering the place of which nothing is stated, so that missing sequences are noticed there."""
    places = given.get("sites") or [{"site": "other"}]
    silent: Mapping[str, Any] = next((place for place in places if not place.get("findings")), {})
    return Study(STUDY, site=silent.get("site"), side=silent.get("side"))


def _findings(given: Mapping[str, Any], rules: RuleSet, problems: list[Problem]) -> Iterator[Statement]:
    for place in given.get("sites") or []:
        site = None if place.get("site") in (None, "unknown") else place["site"]
        for name, value in (place.get("findings") or {}).items():
            fact = rules.facts.get(name)
            number = fact is not None and fact.kind is Kind.NUMBER
            try:
                values = list(_lengths(value)) if number else list(_states(value, fact))
            except UnreadableQuantity:
                problems.append(Problem("rejected-value", name))
                continue
            for position, one in enumerate(values):
                source = Provenance(trust=Trust(Trust.CODED - position))
                yield Statement(name, one, source, site, place.get("side"), STUDY)
                if name in NAMED_AS_WELL:
                    yield Statement(NAMED_AS_WELL[name], one, source, site, place.get("side"), STUDY)


def _states(value: Any, fact: Fact | None) -> Iterator[Value]:
    """Yield the states or choices of one value: none when unknown, two when the record disagrees.

    A choice in conflict of which the values are not given is indeterminate.
    """
    if isinstance(value, Mapping) and isinstance(value.get("conflict"), list):
        for one in value["conflict"]:
            yield from _states(one, fact)
    elif value == "conflict" and fact is not None and fact.kind is Kind.CHOICE:
        yield State.INDETERMINATE
    elif value == "conflict":
        yield from (State.PRESENT, State.ABSENT)
    elif value not in (None, "unknown"):
        yield State(value) if value in set(State) else str(value)


def _lengths(value: Any) -> Iterator[Value]:
    if isinstance(value, Mapping):
        if isinstance(value.get("conflict"), list):
            for one in value["conflict"]:
                yield from _lengths(one)
        elif "low" in value or "high" in value:
            yield _between(value)
        elif value.get("value") is not None:
            yield length_mm(value["value"], value.get("unit"), value.get("comparator"))
    elif value == "indeterminate":
        yield State.INDETERMINATE
    elif value not in (None, "unknown"):
        yield length_mm(value, "mm")


def _between(value: Mapping[str, Any]) -> Range:
    unit = value.get("unit", "mm")
    low = length_mm(value["low"], unit).low if value.get("low") is not None else None
    high = length_mm(value["high"], unit).high if value.get("high") is not None else None
    return Range(low, high)


def _as_order(order: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the order as an EHR would send it, from its description in a vignette."""
    resource: dict[str, Any] = {"resourceType": order["type"], "id": f"draft-{number}", "status": "draft"}
    if order["type"] == "MedicationRequest":
        resource["medicationCodeableConcept"] = {"text": order.get("drug")}
        resource["dosageInstruction"] = [_dosage(order)]
        return resource
    resource["code"] = {"text": order.get("code")}
    resource["category"] = [{"text": order.get("category")}]
    notes = [order.get("note"), f"{order['weeks']} weeks" if order.get("weeks") else None]
    resource["note"] = [{"text": note} for note in notes if note]
    if order.get("site"):
        side = f" {order['side']}" if order.get("side") else ""
        resource["note"].append({"text": order["site"].replace("_", " ") + side})
    return resource


def _dosage(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return the regimen of a vignette as a FHIR Dosage, with what it leaves out left out."""
    value, _, unit = str(order.get("dose") or "").partition(" ")
    repeat: dict[str, Any] = {}
    if order.get("duration_h"):
        repeat |= {"duration": order["duration_h"], "durationUnit": "h"}
    if order.get("frequency"):
        times = {"daily": 1, "once daily": 1, "twice daily": 2}.get(str(order["frequency"]))
        repeat |= {"frequency": times, "period": 1, "periodUnit": "d"} if times else {}
    if order.get("days"):
        repeat["boundsDuration"] = {"value": order["days"], "unit": "d"}
    return {
        "route": {"text": order.get("route")},
        "timing": {"repeat": repeat},
        "doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}] if value else [],
    }


def assess_vignette(vignette: Vignette, rules: RuleSet, today: date) -> dict[str, Any]:
    """Return what the service concludes of a vignette, under the decision table's own ids.

    Keys: id, cards, leading, levels, urgency, urgent_card, actions, warnings, missing, texts.
    """
    hook = HookKind(vignette.hook)
    assessment = assess(vignette.case, rules)
    selection = select(assessment, hook, today)
    written = contents(assessment, selection, rules)
    checks = [result for results in selection.order_checks.values() for result in results]
    spoken = [
        *(result for diagnosis in assessment.diagnoses for result in diagnosis.results),
        *(assessment.notes if assessment.has_message else ()),
        *checks,
    ]
    leading = assessment.leading
    return {
        "id": vignette.id,
        "cards": bool(written),
        "leading": leading.cause if leading else None,
        "levels": {
            cause: level.name.lower() for cause, level in assessment.levels.items() if cause != causes.NONSPECIFIC
        },
        "urgency": assessment.tier.name.lower(),
        "urgent_card": any(content.tier >= Tier.URGENT for content in written),
        "actions": [action.id for action in actions_of(spoken)] if written else [],
        "warnings": [warning.id for warning in assessment.warnings_for(spoken)] if written else [],
        "missing": [fact.name for fact in assessment.missing()],
        "texts": [line for content in written for line in texts(content)],
    }


def misses(result: Mapping[str, Any], vignette: Vignette) -> list[str]:
    """Return the strict keys of a vignette's expectation that a result does not meet."""
    expected = vignette.expected
    wanted_leading = expected.get("leading") or [None, causes.NONSPECIFIC]
    held: Mapping[str, Callable[[], bool]] = {
        "cards": lambda: result["cards"] == expected["cards"],
        "leading": lambda: result["leading"] in wanted_leading,
        "levels": lambda: all(
            result["levels"].get(cause, "unlikely") == level for cause, level in expected["levels"].items()
        ),
        "urgency": lambda: result["urgency"] == expected["urgency"],
        "urgent_card": lambda: result["urgent_card"] == expected["urgent_card"],
        "actions": lambda: set(expected["actions"]) <= set(result["actions"]),
        "warnings": lambda: set(expected["warnings"]) <= set(result["warnings"]),
        "forbidden_actions": lambda: not set(expected["forbidden_actions"]) & {*result["actions"], *result["warnings"]},
        "quotes": lambda: all(quote in "\n".join(result["texts"]) for quote in expected["quotes"]),
    }
    return [key for key in vignette.strict if key in held and not held[key]()]


def not_covered(vignette: Vignette, rules: RuleSet) -> list[str]:
    """Return the causes a vignette expects that no rule raises yet."""
    wanted = {*(vignette.expected.get("leading") or ()), *(vignette.expected.get("levels") or {})}
    return sorted(wanted & set(rules.not_assessed))
