"""What is said to be read is what is read: of resources, and of the facts that rules ask for."""

from __future__ import annotations

from typing import Any

import pytest
from support.records import SUBJECT, condition, icd, observation, radlex, report, snomed
from support.watched import Looked, watched

from cds_service.data import data_path
from cds_service.fhir.inputs import ALWAYS, ELEMENTS_READ
from cds_service.knowledge.rules import rule_set
from cds_service.model.condition import Kind, Reading, View
from cds_service.model.finding import Finding, Provenance, State
from cds_service.model.quantity import exact
from cds_service.model.rule import Rule
from cds_service.protocol.call import read_call
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import load_scenarios
from cds_service.service import Ports, answer
from cds_service.settings import Settings

RULES = rule_set()
SERVICES = load_services(data_path("hooks"))
SCENARIOS = list(load_scenarios(data_path("scenarios")))
DAYS = ("effectiveDateTime", "issued", "started", "onsetDateTime", "recordedDate", "authoredOn", "occurrenceDateTime")
PROTOCOL = ("Bundle", "OperationOutcome")
"""What resources come in; no part of the record."""


def ask(request: Any, looked: Looked, day: Any, without: tuple[str, ...] = ()) -> None:
    service = SERVICES[f"bme-{request['hook']}"]
    answer(read_call(watched(request, looked, without), service), Settings(), Ports(RULES, lambda: day))


def with_more() -> Any:
    """A scenario, and its request with what none holds, such as a second version, or a report of nobody knows what."""
    scenario = next(one for one in SCENARIOS if one.name == "transient-edema-of-the-hip")
    subject = {"reference": f"Patient/{scenario.request['context']['patientId']}"}
    more = (
        condition("ended", icd("I21.9"), clinicalStatus=None, abatementDateTime="2026-01-05"),
        condition("not-ended", icd("I21.9"), clinicalStatus=None),
        request("taken", {"text": "Warfarin 5 mg"}),
        report("unnamed", code={"text": "Letter"}),
        observation("bright", radlex("RID35805"), bodySite=snomed("2812003"), method={"text": "STIR"}),
    )
    sent = {one["id"]: {**one, "subject": subject} for one in more}
    sent["study"] = {**scenario.request["prefetch"]["study"], "meta": {"versionId": "0"}}
    return scenario, {**scenario.request, "prefetch": {**scenario.request["prefetch"], **sent}}


def request(ident: str, medicine: Any) -> Any:
    return {
        "resourceType": "MedicationRequest",
        "id": ident,
        "status": "active",
        "intent": "order",
        "subject": SUBJECT,
        "medicationCodeableConcept": medicine,
    }


@pytest.fixture(scope="module")
def looked() -> Looked:
    found: Looked = {}
    for scenario in SCENARIOS:
        ask(scenario.request, found, scenario.as_of)
        ask(scenario.request, found, scenario.as_of, DAYS)
    scenario, more = with_more()
    ask(more, found, scenario.as_of)
    return found


@pytest.mark.slow
def test_what_is_declared_of_the_record_is_what_is_read(looked: Looked):
    read = {kind: sorted(names - set(ALWAYS)) for kind, names in looked.items() if kind not in PROTOCOL}

    assert read == {kind: sorted(names) for kind, names in ELEMENTS_READ.items()}


@pytest.mark.slow
def test_who_the_patient_is_is_not_read(looked: Looked):
    assert looked["Patient"] & {"name", "identifier", "telecom", "address", "communication", "extension"} == set()


class Layer(dict[str, Finding]):
    """Findings that note which facts are asked for."""

    def __init__(self, findings: dict[str, Finding]) -> None:
        super().__init__(findings)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def _findings(state: State) -> dict[str, Finding]:
    values: dict[Kind, Any] = {Kind.YES_NO: state, Kind.NUMBER: exact(1 if state is State.ABSENT else 100)}
    return {
        name: Finding(name, (values.get(fact.kind) or fact.choices[0],), (Provenance("Observation/a"),))
        for name, fact in RULES.facts.items()
        if fact.kind in values or fact.choices
    }


NOTHING: dict[str, Finding] = {}
ALL_PRESENT, ALL_ABSENT = _findings(State.PRESENT), _findings(State.ABSENT)


def asked_by(rule: Rule) -> set[str]:
    """Return the facts that a rule asks a record for, whatever it answers."""
    asked: set[str] = set()
    for findings in NOTHING, ALL_PRESENT, ALL_ABSENT:
        layer = Layer(findings)
        for part in (rule.when, *rule.unless):
            if part.only_facts:
                for reading in Reading:
                    part.truth(View((layer,)), reading)
        asked |= layer.asked
    return asked


def test_no_rule_asks_for_a_fact_that_it_does_not_declare():
    undeclared = {rule.id: asked_by(rule) - {fact.name for fact in rule.facts()} for rule in RULES.rules}

    assert undeclared == {rule.id: set() for rule in RULES.rules}


def test_what_a_rule_asks_for_is_noticed():
    rule = RULES.by_id["charcot-diabetic-foot"]

    assert asked_by(rule) == {"diabetes", "bme", "charcot"}
