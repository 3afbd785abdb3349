"""The rules as FHIR R4: every rule with its evidence, every action, and every read, in resources that are valid."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import asdict
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from cds_service.data import data_path
from cds_service.fhir.source import READ_TYPES
from cds_service.fhir.terminology import file_name
from cds_service.fhir.terminology import resources as terminology
from cds_service.knowledge.rules import rule_set
from cds_service.model.rule import Advise, CheckOrder
from cds_service.protocol.discovery import load_services
from cds_service.smart.export import export
from cds_service.smart.transparency import transparency

RULES = rule_set()
LAID_OPEN = transparency(RULES, {}, "0123456789abcdef", "1.2.3", "")
SERVICES = load_services(data_path("hooks"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported() -> dict[str, Any]:
    return {file_name(one): one for one in export(RULES, LAID_OPEN, SERVICES.values(), date(2026, 11, 20))}


def test_everything_is_valid_r4_and_has_a_file_of_its_own(exported: dict[str, Any]):
    for resource in exported.values():
        get_fhir_model_class(resource["resourceType"]).model_validate(json.loads(json.dumps(resource)))

    assert list(exported) == sorted(exported)
    assert {file_name(one) for one in terminology()} < set(exported)


def test_every_rule_is_an_action_with_its_conditions_and_its_evidence(exported: dict[str, Any]):
    actions = {one["id"]: one for one in exported["PlanDefinition-bme-rules.json"]["action"]}

    assert list(actions) == [rule.id for rule in RULES.rules]
    for rule in RULES.rules:
        labels = [one["label"] for one in actions[rule.id]["documentation"]]
        cited = [[*one.statements, *(reference.key for reference in one.references)] for one in rule.evidence]
        assert labels == [label for labels in cited for label in labels], rule.id
        assert len(actions[rule.id]["condition"]) == 1 + len(rule.unless), rule.id


def test_no_condition_claims_that_an_engine_can_run_it(exported: dict[str, Any]):
    actions = exported["PlanDefinition-bme-rules.json"]["action"]

    assert {one["expression"]["language"] for action in actions for one in action["condition"]} == {"text/plain"}


def test_every_action_that_is_advised_is_defined_once(exported: dict[str, Any]):
    named = {
        one["definitionCanonical"]
        for rule in exported["PlanDefinition-bme-rules.json"]["action"]
        for one in rule.get("action", ())
    }
    advised = {
        action.id
        for rule in RULES.rules
        if isinstance(rule.effect, Advise | CheckOrder)
        for action in rule.effect.actions
    }

    assert named == {one["url"] for one in exported.values() if one["resourceType"] == "ActivityDefinition"}
    assert len(named) == len(advised)


def test_a_referral_is_a_proposal_with_its_code(exported: dict[str, Any]):
    referral = exported["ActivityDefinition-ref-rheum.json"]

    assert (referral["kind"], referral["intent"], referral["code"]) == (
        "ServiceRequest",
        "proposal",
        {
            "coding": [
                {
                    "system": "http://snomed.info/sct",
                    "code": "306290009",
                    "display": "Referral to rheumatologist (procedure)",
                }
            ],
            "text": "Referral to rheumatology",
        },
    )


def test_the_requirements_list_every_read_of_the_prefetch_and_no_write(exported: dict[str, Any]):
    statement = exported["CapabilityStatement-bme-reads.json"]
    asked = {
        one["type"]: (
            [interaction["code"] for interaction in one["interaction"]],
            [param["name"] for param in one.get("searchParam", ())],
        )
        for one in statement["rest"][0]["resource"]
    }

    assert statement["kind"] == "requirements"
    assert set(asked) == READ_TYPES
    assert asked["ImagingStudy"] == (["read", "search-type"], ["modality", "patient"])
    assert asked["Patient"] == (["read"], [])
    assert {code for codes, _ in asked.values() for code in codes} == {"read", "search-type"}


def test_the_library_holds_what_is_laid_open_word_for_word(exported: dict[str, Any]):
    library = exported["Library-bme-rules.json"]

    assert json.loads(b64decode(library["content"][0]["data"])) == json.loads(json.dumps(asdict(LAID_OPEN)))
    assert library["version"] == "1.2.3+0123456789abcdef"
    assert {one["label"] for one in library["relatedArtifact"]} == set(LAID_OPEN.references)
    required = {one["type"]: one["mustSupport"] for one in library["dataRequirement"]}
    assert required["Patient"] == ["birthDate", "contained", "deceasedBoolean", "deceasedDateTime", "gender", "id"]
