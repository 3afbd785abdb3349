"""The contract holds: every answer has the form it promises, and every example is taken."""

from __future__ import annotations

from copy import deepcopy
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker

from cds_service.data import data_path
from cds_service.knowledge.rules import rule_set
from cds_service.protocol.discovery import load_services
from cds_service.scenarios import load_scenarios
from cds_service.service import Ports
from cds_service.settings import Settings
from cds_service.web import create_app
from cds_service.web.openapi import openapi

Json = Any

SERVICES = load_services(data_path("hooks"))
SCENARIOS = list(load_scenarios(data_path("scenarios")))
CONTRACT = openapi(Settings(), SERVICES, SCENARIOS)
TODAY = SCENARIOS[0].as_of


def form(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker())


def problems(name: str, value: Json) -> list[str]:
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in form(name).iter_errors(value)]


@pytest.fixture(scope="module")
def web() -> FlaskClient:
    return create_app(Settings(), Ports(rule_set(), lambda: TODAY)).test_client()


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(one, id=one.name, marks=[pytest.mark.slow] if place % 6 else [])
        for place, one in enumerate(SCENARIOS)
    ],
)
def test_requests_and_answers_of_the_scenarios_have_the_form_that_is_promised(web: FlaskClient, scenario: Json):
    service = f"bme-{scenario.request['hook']}"

    response = web.post(f"/cds-services/{service}", json=scenario.request)

    assert problems(f"Request-{service}", scenario.request) == []
    assert (response.status_code, problems("Answer", response.get_json())) == (200, [])


def test_an_answer_of_another_form_is_told_apart(web: FlaskClient):
    scenario = next(one for one in SCENARIOS if one.name == "diabetic-foot-new-edema")
    answer = web.post("/cds-services/bme-result-review", json=scenario.request).get_json()
    changed = deepcopy(answer)
    changed["cards"][0] |= {"indicator": "hard-stop", "summary": "x" * 140}
    del changed["cards"][1]["source"]["topic"]

    assert problems("Answer", answer) == []
    assert len(problems("Answer", changed)) == 3


@pytest.mark.parametrize(
    ("path", "name", "sent"),
    [
        ("/cds-services", "Discovery", None),
        ("/health/live", "Health", None),
        ("/health/ready", "Health", None),
        ("/transparency.json", "Transparency", None),
        ("/cds-services/bme-order-sign", "OperationOutcome", {}),
        ("/cds-services/bme-order-sign/feedback", "OperationOutcome", {}),
        ("/cds-services/nobody", "OperationOutcome", {}),
    ],
)
def test_everything_else_that_is_answered_has_its_form(web: FlaskClient, path: str, name: str, sent: Json):
    response = web.get(path) if sent is None else web.post(path, json=sent)

    assert problems(name, response.get_json()) == []


def test_the_contract_is_itself_sound_and_names_every_service(web: FlaskClient):
    served = web.get("/openapi.json").get_json()

    for schema in served["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert served == CONTRACT
    assert set(served["paths"]) == {
        "/cds-services",
        "/health/live",
        "/health/ready",
        "/transparency",
        *(f"/cds-services/{name}{end}" for name in SERVICES for end in ("", "/feedback")),
    }


def test_where_calls_need_a_token_the_contract_says_so():
    keys = {"https://ehr.example": {"jku": "https://ehr.example/jwks.json"}}
    settings = Settings(auth="required", public_url="https://cds.example", clients=keys, auth_discovery=False)
    found = openapi(settings, SERVICES)

    assert found["servers"] == [{"url": "https://cds.example"}]
    assert {path: [one["security"] for one in ways.values()] for path, ways in found["paths"].items()} == {
        path: [[{"client": []}] if path.startswith("/cds-services/") else []] for path in CONTRACT["paths"]
    }


class Page(HTMLParser):
    """The ids, links and elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.ids += [str(given["id"])] if "id" in given else []
        self.links += [str(given[name]) for name in ("href", "src") if name in given]


def test_the_page_for_people_shows_every_operation_and_needs_nothing_from_elsewhere(web: FlaskClient):
    response = web.get("/docs")
    page = Page(response.get_data(as_text=True))
    operations = {one["operationId"] for ways in CONTRACT["paths"].values() for one in ways.values()}

    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert operations <= set(page.ids)
    assert [link for link in page.links if not link.startswith("#")] == ["docs.css", "openapi.json"]
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert page.tags & {"script", "style", "iframe", "img"} == set()
    assert web.get("/docs.css").mimetype == "text/css"
