"""What an EHR engineer copies from ``hooks/`` is what the services declare, and CDS Hooks 2.0 allows it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conformance.response_rules import TOKEN, check_discovery

Json = Any

HOOKS = Path(__file__).parents[2] / "hooks"
NAMES = ["order-select", "order-sign", "patient-view", "result-review"]
WITH_DRAFTS = ["order-select", "order-sign"]

RECORD = ["patient", "studies", "reports", "observations", "labs", "temperature", "conditions", "medications", "orders"]


def service(name: str) -> Json:
    return json.loads((HOOKS / name / "service.json").read_text())


def schema(name: str) -> Json:
    return json.loads((HOOKS / name / "context.schema.json").read_text())


def faults(name: str, context: Json) -> list[str]:
    """Return where a context breaks the schema of its hook, and which word of the schema it breaks."""
    errors = Draft202012Validator(schema(name)).iter_errors(context)
    return sorted(f"{error.json_path} {error.validator}" for error in errors)


def context(name: str, **changes: Json) -> Json:
    """Return the smallest context of a hook, with some fields changed; a field given as ``...`` is left out."""
    smallest = {"userId": "Practitioner/example-physician", "patientId": "example-foot"}
    drafts = {"draftOrders": {"resourceType": "Bundle", "entry": []}} if name in WITH_DRAFTS else {}
    return {key: value for key, value in {**smallest, **drafts, **changes}.items() if value is not ...}


def rows(markdown: str) -> list[list[str]]:
    """Return the cells of all table rows of a page; ``\\|`` inside a cell is a plain bar."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])] for line in lines]


# ------------------------------------------------------------------------------------- the discovery entries


def test_there_is_one_folder_per_hook():
    assert sorted(each.name for each in HOOKS.iterdir() if each.is_dir()) == NAMES


@pytest.mark.requirement("cds-hooks-2.0", 52)
@pytest.mark.requirement("cds-hooks-2.0", 53)
def test_the_entries_together_are_a_legal_discovery_answer():
    assert check_discovery({"services": [service(name) for name in NAMES]}) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_named_after_its_folder(name: str):
    assert (service(name)["hook"], service(name)["id"]) == (name, f"bme-{name}")


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_tells_a_person_all_there_is_to_tell(name: str):
    assert list(service(name)) == [
        "hook", "hookVersion", "id", "title", "description", "usageRequirements", "prefetch"
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_texts_read_the_same_as_plain_text_and_as_markdown(name: str):
    entry = service(name)

    assert re.findall(r"[<>*_`\[\]\\#|~]", entry["title"] + entry["description"] + entry["usageRequirements"]) == []


@pytest.mark.parametrize("name", NAMES)
def test_all_services_ask_for_the_same_record(name: str):
    record = {key: service("order-sign")["prefetch"][key] for key in RECORD}
    on_screen = {"report": "DiagnosticReport/{{context.reportId}}", "study": "ImagingStudy/{{context.studyId}}"}

    assert service(name)["prefetch"] == (record | on_screen if name == "result-review" else record)


@pytest.mark.requirement("cds-hooks-2.0", 49)
@pytest.mark.requirement("cds-hooks-2.0", 57)
@pytest.mark.parametrize("name", NAMES)
def test_every_token_is_a_plain_field_of_the_context(name: str):
    fields = schema(name)["properties"]
    tokens = {token for template in service(name)["prefetch"].values() for token in TOKEN.findall(template)}

    kinds = {token: fields[token.removeprefix("context.")]["type"] for token in tokens}

    assert {token: kind for token, kind in kinds.items() if kind not in ("string", ["string", "null"])} == {}


# -------------------------------------------------------------------------------------- the context schemas


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_a_legal_json_schema(name: str):
    Draft202012Validator.check_schema(schema(name))

    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_a_context_is_described(name: str):
    assert [field for field, says in schema(name)["properties"].items() if not says.get("description")] == []


@pytest.mark.parametrize("name", NAMES)
def test_only_what_an_answer_cannot_do_without_is_required(name: str):
    drafts = ["draftOrders"] if name in WITH_DRAFTS else []

    assert schema(name)["required"] == ["userId", "patientId", *drafts]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as small as it can be"),
        pytest.param({"encounterId": "example-visit"}, id="an encounter"),
        pytest.param({"encounterId": None}, id="an encounter that is null"),
        pytest.param({"patientId": "a" * 256}, id="an id longer than FHIR allows"),
        pytest.param({"userId": "example-physician"}, id="a user without type"),
        pytest.param({"userId": "RelatedPerson/example"}, id="a user of a type the hook does not name"),
        pytest.param({"somethingElse": {"deep": [1]}}, id="fields nobody knows"),
    ],
)
def test_what_real_clients_send_is_let_through(name: str, changes: Json):
    assert faults(name, context(name, **changes)) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"userId": ...}, "$ required", id="no user"),
        pytest.param({"patientId": ...}, "$ required", id="no patient"),
        pytest.param({"userId": 7}, "$.userId type", id="a user that is a number"),
        pytest.param({"userId": ""}, "$.userId minLength", id="an empty user"),
        pytest.param({"patientId": None}, "$.patientId type", id="a patient that is null"),
        pytest.param({"patientId": ""}, "$.patientId pattern", id="an empty patient"),
        pytest.param({"patientId": "Patient/example-foot"}, "$.patientId pattern", id="a patient with its type"),
        pytest.param({"patientId": "example foot"}, "$.patientId pattern", id="a blank in the patient"),
        pytest.param({"patientId": "example-foot\n"}, "$.patientId pattern", id="a line end behind the patient"),
        pytest.param({"patientId": "x?_include=*"}, "$.patientId pattern", id="a query in the patient"),
        pytest.param({"patientId": ".."}, "$.patientId pattern", id="a step up instead of the patient"),
        pytest.param({"patientId": "a" * 257}, "$.patientId pattern", id="a patient without end"),
        pytest.param({"encounterId": ["example-visit"]}, "$.encounterId type", id="a list of encounters"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(name: str, changes: Json, fault: str):
    assert faults(name, context(name, **changes)) == [fault]


@pytest.mark.parametrize("name", WITH_DRAFTS)
@pytest.mark.parametrize(
    "drafts",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"resourceType": "Bundle", "entry": [{"resource": {}}]}, id="a Bundle without type"),
        pytest.param({"resourceType": "Bundle", "type": "collection", "entry": None}, id="entries that are null"),
        pytest.param({"entry": [{"resource": {"code": {"coding": [{}]}, "category": {}}}, "x", 1]}, id="no FHIR"),
    ],
)
def test_draft_orders_are_not_checked_against_fhir(name: str, drafts: Json):
    assert faults(name, context(name, draftOrders=drafts)) == []


@pytest.mark.parametrize("name", WITH_DRAFTS)
@pytest.mark.parametrize(
    ("drafts", "fault"),
    [
        pytest.param(..., "$ required", id="left out"),
        pytest.param(None, "$.draftOrders type", id="null"),
        pytest.param([], "$.draftOrders type", id="a list"),
        pytest.param({"entry": {}}, "$.draftOrders.entry type", id="entries that are an object"),
    ],
)
def test_draft_orders_are_an_object_with_a_list_of_entries(name: str, drafts: Json, fault: str):
    assert faults(name, context(name, draftOrders=drafts)) == [fault]


def test_selections_may_be_left_out():
    found = {
        "given": faults("order-select", context("order-select", selections=["ServiceRequest/example-mri"])),
        "null": faults("order-select", context("order-select", selections=None)),
        "text": faults("order-select", context("order-select", selections="ServiceRequest/example-mri")),
        "objects": faults("order-select", context("order-select", selections=[{}])),
    }

    assert found == {
        "given": [],
        "null": [],
        "text": ["$.selections type"],
        "objects": ["$.selections[0] type"],
    }


@pytest.mark.requirement("cds-hooks-2.0", 136)
def test_results_under_review_may_be_given_as_ids_as_a_bundle_or_not_at_all():
    found = {
        "ids": faults("result-review", context("result-review", reportId="example-report", studyId="example-study")),
        "bundle": faults("result-review", context("result-review", results={"entry": [{}]})),
        "null": faults("result-review", context("result-review", reportId=None, studyId=None, results=None)),
        "list": faults("result-review", context("result-review", results=[])),
        "number": faults("result-review", context("result-review", reportId=7)),
    }

    assert found == {"ids": [], "bundle": [], "null": [], "list": ["$.results type"], "number": ["$.reportId type"]}


# -------------------------------------------------------------------------------------- pages for people


@pytest.mark.requirement("cds-hooks-2.0", 23)
def test_the_readme_shows_the_templates_as_they_are():
    page = (HOOKS / "README.md").read_text()
    table = page[page.index("## Prefetch, for typing in by hand") : page.index("### Which key missing does what")]
    shown = {row[0].strip("`"): row[1].strip("`") for row in rows(table) if row[0].startswith("`")}

    assert shown == service("result-review")["prefetch"]


@pytest.mark.requirement("cds-hooks-2.0", 23)
def test_the_readme_shows_the_services_as_they_are():
    page = (HOOKS / "README.md").read_text()
    shown = {
        row[0].strip("`"): (row[1].strip("`"), re.findall(r"`(\w+)`", row[3]), sorted(re.findall(r"`(\w+)`", row[4])))
        for row in rows(page)
        if len(row) == 5 and row[0].strip("`") in NAMES
    }

    assert shown == {
        name: (
            service(name)["id"],
            schema(name)["required"],
            sorted(set(schema(name)["properties"]) - set(schema(name)["required"])),
        )
        for name in NAMES
    }


def definition() -> str:
    return (HOOKS / "result-review" / "hook.md").read_text()


def examples() -> list[Json]:
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", definition(), re.DOTALL | re.MULTILINE)]


def test_the_examples_of_the_definition_are_valid_contexts():
    assert [faults("result-review", example["context"]) for example in examples()] == [[], [], []]


def test_the_examples_of_the_definition_show_every_field():
    assert {field for example in examples() for field in example["context"]} == set(
        schema("result-review")["properties"]
    )


@pytest.mark.requirement("cds-hooks-2.0", 135)
def test_the_definition_and_the_schema_name_the_same_fields():
    table = definition()[definition().index("## Context") : definition().index("### FHIR versions")]
    shown = {row[0].strip("`"): tuple(row[1:4]) for row in rows(table) if row[0].startswith("`")}
    fields = schema("result-review")

    assert shown == {
        field: (
            "REQUIRED" if field in fields["required"] else "OPTIONAL",
            "No" if "object" in says["type"] else "Yes",
            "*object*" if "object" in says["type"] else "*string*",
        )
        for field, says in fields["properties"].items()
    }


@pytest.mark.parametrize("heading", ["## Workflow", "## Context", "## Examples", "## Change Log"])
def test_the_definition_has_the_sections_of_hl7_s_form(heading: str):
    assert definition().count(f"\n{heading}\n") == 1


@pytest.mark.requirement("cds-hooks-2.0", 138)
def test_the_definition_states_its_versions_and_its_maturity():
    page = definition()
    metadata = dict(rows(page[: page.index("## Workflow")]))
    changes = rows(page[page.index("## Change Log") :])

    assert list(metadata) == ["Metadata", "---", "specificationVersion", "hookVersion", "hookMaturity"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", metadata["hookVersion"])
    assert changes[0] == ["Version", "Description"]
    assert metadata["hookVersion"] in [version for version, _ in changes]
    assert metadata["hookVersion"] == service("result-review")["hookVersion"]
