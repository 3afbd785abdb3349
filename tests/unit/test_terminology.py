"""The tables as FHIR: what a ValueSet holds is what the look-ups read, no more and no less."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.codesystem import CodeSystem
from fhir.resources.R4B.valueset import ValueSet

from cds_service.fhir.terminology import code_system, file_name, resources, written_form
from cds_service.knowledge.codes.context import context_of
from cds_service.knowledge.codes.diagnoses import REMISSION, diagnosis_of
from cds_service.knowledge.codes.findings import finding_of
from cds_service.knowledge.codes.local import CONCEPTS
from cds_service.knowledge.codes.medications import Medicine, medicine_of
from cds_service.knowledge.codes.notices import NOTICES
from cds_service.knowledge.codes.tables import ICD10_PREFIXES, TABLES
from cds_service.lint import accidental_overlaps
from cds_service.model.coding import ATC, CPT, DICOM, ICD10, ICD10_CM, LOCAL, LOINC, RADLEX, SNOMED, THO, misprint
from cds_service.model.finding import State

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "fixtures" / "terminology"
RESOURCES = resources()
SETS = {one["url"]: one for one in RESOURCES if one["resourceType"] == "ValueSet"}

BESIDE_FAMILIES = (
    *("C44.311", "C50.911", "C84.7A", "C95.90", "E10.A0", "E11.A", "E11.65", "E11.621", "H20.03", "L40.53", "M46.88"),
    *("M14.611", "M84.374A", "M84.374S", "M84.459A", "M84.459S", "M84.4", "M87.051", "S90.31XA", "S90.31XD", "S90.31"),
    *("T14.8XXA", "T14.8XXS", "M25.452", "M54.59", "D57.3", "I25.2"),
)
"""Codes at the edges of families: exceptions, encounters, codes of their own."""


def is_in(url: str, system: str, code: str) -> bool:
    """Expand one ValueSet for one code, as a terminology server would."""
    compose = SETS[url]["compose"]

    def takes(part: Json) -> bool:
        if "valueSet" in part:
            return all(is_in(other, system, code) for other in part["valueSet"])
        if part["system"] != system:
            return False
        if "concept" in part:
            return code in {one["code"] for one in part["concept"]}
        return all(re.fullmatch(one["value"], code) for one in part["filter"])

    return any(map(takes, compose["include"])) and not any(map(takes, compose.get("exclude", [])))


def url_of(name: str) -> str:
    return f"https://bme-cds.example/fhir/ValueSet/{name.replace('_', '-')}"


def keys() -> list[tuple[str, str]]:
    with (ROOT / "fixtures" / "verified_codes.csv").open(encoding="utf-8", newline="") as file:
        verified = {(row["system"], row["code"]) for row in csv.DictReader(file)}
    shipped = {row.code.key for table in TABLES.values() for row in table}
    families = {(system, rule.prefix) for rule in ICD10_PREFIXES for system in rule.systems}
    edges = {(system, code) for system in (ICD10_CM, ICD10) for code in (*BESIDE_FAMILIES, *REMISSION)}
    return sorted(verified | shipped | families | edges)


def read_as(system: str, code: str) -> set[str]:
    """Return the names of the sets that should hold a code, by the look-ups."""
    told = [finding_of(system, code), diagnosis_of(system, code), *context_of(system, code)]
    return {
        "-".join(filter(None, [one.fact, one.value, "possible" * (one.state is State.INDETERMINATE)])).replace("_", "-")
        for one in told
        if one is not None
    }


FACT_SETS = sorted({name for key in keys() for name in read_as(*key)})


@pytest.mark.parametrize("name", FACT_SETS)
def test_the_set_of_a_fact_holds_what_is_read_as_that_fact(name: str):
    expected = {key for key in keys() if name in read_as(*key)}

    assert {key for key in keys() if is_in(url_of(name), *key)} == expected


@pytest.mark.parametrize("medicine", Medicine)
def test_the_set_of_a_medicine_holds_what_is_read_as_that_medicine(medicine: Medicine):
    codes = {*keys(), (ATC, "M01AC06"), (ATC, "M01AX05"), (ATC, "L04AF03"), (ATC, "L04AC05")}

    assert {key for key in codes if is_in(url_of(f"medicine-{medicine}"), *key)} == {
        key for key in codes if medicine_of(*key) is medicine
    }


def test_the_published_files_are_fresh():
    published = {path.name: path.read_bytes() for path in PUBLISHED.iterdir()}

    assert published == {file_name(one): written_form(one) for one in RESOURCES}, (
        "run: cds-service terminology --out fixtures/terminology"
    )


@pytest.mark.parametrize("path", sorted(PUBLISHED.iterdir()), ids=lambda path: path.stem)
def test_a_published_file_is_valid_fhir(path: Path):
    kind, _, name = path.stem.partition("-")
    model = {"CodeSystem": CodeSystem, "ValueSet": ValueSet}[kind]

    resource = model.model_validate_json(path.read_bytes())

    assert (resource.id, resource.url, resource.status) == (
        name,
        f"https://bme-cds.example/fhir/{kind}/{name}",
        "draft",
    )
    assert re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", resource.name)


@pytest.mark.parametrize("resource", SETS.values(), ids=lambda one: one["id"])
def test_a_value_set_carries_the_notice_of_every_system_it_uses(resource: Json):
    systems = {part["system"] for part in resource["compose"]["include"] if "system" in part}

    assert resource.get("copyright", "") == " ".join(NOTICES[one] for one in sorted(systems) if one in NOTICES)


def test_every_public_system_of_the_tables_has_a_notice_and_stands_in_the_notice_file():
    used = {row.code.system for table in TABLES.values() for row in table}
    used |= {system for rule in ICD10_PREFIXES for system in rule.systems}
    text = " ".join((ROOT / "NOTICE").read_text(encoding="utf-8").split())

    assert {one for one in used if not one.startswith(THO)} - {LOCAL, DICOM} == set(NOTICES)
    assert [notice for notice in NOTICES.values() if notice not in text] == []


def test_no_value_set_holds_a_descriptor_of_cpt():
    concepts = [
        concept
        for one in SETS.values()
        for part in one["compose"]["include"]
        if part.get("system") == CPT
        for concept in part["concept"]
    ]

    assert len(concepts) == 13
    assert {name for concept in concepts for name in concept} == {"code"}


def test_no_two_resources_have_one_name():
    names = [one["name"] for one in RESOURCES]

    assert len(set(names)) == len(names)


def test_the_code_system_counts_its_concepts():
    system = code_system()

    assert system["url"] == LOCAL
    assert system["count"] == len(system["concept"]) == len({one["code"] for one in system["concept"]}) == len(CONCEPTS)


# ------------------------------------------------------------------------------------------------------ the checks


@pytest.mark.parametrize(
    ("system", "code", "why"),
    [
        pytest.param(SNOMED, "39723000", "", id="right"),
        pytest.param(SNOMED, "39732000", "the check digit is wrong (Verhoeff)", id="digits swapped"),
        pytest.param("urn:oid:2.16.840.1.113883.6.96", "39732000", "the check digit is wrong (Verhoeff)", id="by OID"),
        pytest.param(SNOMED, "left", "a SNOMED CT id is 6 to 18 digits", id="no number"),
        pytest.param(LOINC, "36502-3", "", id="right LOINC"),
        pytest.param(LOINC, "36052-3", "the check digit is wrong (mod 10)", id="LOINC digits swapped"),
        pytest.param(RADLEX, "RID2577_RID5824", "", id="without a check digit"),
        pytest.param("https://ehr.example/codes", "39732000", "", id="of a system not known"),
    ],
)
def test_a_misprinted_code_is_told_by_its_check_digit(system: str, code: str, why: str):
    found = misprint(system, code)

    assert why in found
    assert bool(found) == bool(why)


def test_a_code_under_two_facts_needs_a_reason():
    stated = {
        (SNOMED, "1"): {"bme", "erosion"},
        (SNOMED, "2"): {"bme", "t1_signal"},
        (SNOMED, "3"): {"synovitis"},
    }

    found = list(accidental_overlaps(stated))

    assert found[0] == f"codes: 1 of {SNOMED} states both bme and erosion; OVERLAPS gives no reason"
    assert "codes: OVERLAPS allows charcot with diabetes, which no code states together" in found
    assert not any("t1_signal" in one for one in found)


def test_both_addresses_of_radlex_are_understood_for_every_code_of_it():
    codes = [row.code.code for table in TABLES.values() for row in table if row.code.system == RADLEX]

    assert {code: read_as("http://www.radlex.org", code) for code in codes} == {
        code: read_as(RADLEX, code) for code in codes
    }
