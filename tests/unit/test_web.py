"""The HTTP face, in this process: statuses, errors as OperationOutcome, and no answer that says too much."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.records import TODAY, bundle, edema, loinc, order, report, snomed, study

from cds_service.data import data_path
from cds_service.errors import ConfigurationError
from cds_service.knowledge.rules import rule_set
from cds_service.model.fingerprint import fingerprint
from cds_service.service import Ports
from cds_service.settings import Settings
from cds_service.web import create_app
from tests.conformance.response_rules import check_outcome, check_response

Json = Any

RULES = rule_set()
CANARY = "canary-5b1f"
HOOKS = ["order-select", "order-sign", "patient-view", "result-review"]


def client(ports: Ports | None = None, **configured: Any) -> FlaskClient:
    return create_app(Settings(**configured), ports or Ports(RULES, lambda: TODAY)).test_client()


@pytest.fixture(scope="module")
def web() -> FlaskClient:
    return client()


def call(hook: str, /, **changes: Json) -> Json:
    body: Json = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/example", "patientId": "example"},
        "prefetch": {"reports": None},
    }
    if hook.startswith("order"):
        body["context"]["draftOrders"] = bundle()
    return {**body, **changes}


def post(web: FlaskClient, path: str, body: Json, content_type: str = "application/json", **more: Any) -> Any:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return web.post(path, data=data, content_type=content_type, **more)


def told(response: Any) -> tuple[int, Json]:
    return response.status_code, response.get_json()


def outcome(response: Any) -> tuple[int, str, str]:
    """Status, code and text of an error that is a proper OperationOutcome."""
    assert check_outcome(response.get_json()) == []
    (issue,) = response.get_json()["issue"]
    return response.status_code, issue["code"], issue["details"]["text"]


# ------------------------------------------------------------------------------------------- what is served


def test_discovery_lists_the_services(web: FlaskClient):
    status, body = told(web.get("/cds-services"))

    assert (status, [entry["id"] for entry in body["services"]]) == (200, [f"bme-{hook}" for hook in HOOKS])


@pytest.mark.parametrize("hook", HOOKS)
def test_a_call_with_nothing_to_say_is_answered_with_no_card(web: FlaskClient, hook: str):
    assert told(post(web, f"/cds-services/bme-{hook}", call(hook))) == (200, {"cards": []})


def test_a_call_with_something_to_say_is_answered_with_cards(web: FlaskClient):
    sent = call("result-review", prefetch={"observations": bundle(edema())})

    status, body = told(post(web, "/cds-services/bme-result-review", sent))

    assert (status, len(body["cards"])) == (200, 1)
    assert check_response(body, context=sent["context"]) == []


def test_a_service_in_order_says_so(web: FlaskClient):
    assert told(web.get("/health/live")) == (200, {"status": "live"})
    assert told(web.get("/health/ready")) == (200, {"status": "ready", "store": "works"})


@pytest.mark.parametrize("path", ["/cds-services", "/nowhere"])
def test_no_answer_is_kept_or_guessed_at(web: FlaskClient, path: str):
    headers = web.get(path).headers

    assert {name: headers[name] for name in ("Content-Type", "Cache-Control", "X-Content-Type-Options")} == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/fhir+json"])
def test_json_may_be_called_by_its_several_names(web: FlaskClient, kind: str):
    assert told(post(web, "/cds-services/bme-order-sign", call("order-sign"), kind)) == (200, {"cards": []})


# --------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("path", "body", "headers", "found"),
    [
        pytest.param("bme-order-sign", b"{", {}, (400, "invalid", "the body is not JSON (line 1, column 2); send one"
                     " JSON object"), id="no JSON"),
        pytest.param("bme-order-sign", [], {}, (400, "invalid", "the body is not a JSON object; send a CDS Hooks"
                     " request"), id="no object"),
        pytest.param("bme-order-sign", call("order-sign", hook="x"), {}, (400, "value", "field 'hook' is not the hook"
                     " of service 'bme-order-sign'; send 'order-sign' here, or call the service that the discovery"
                     " lists for your hook"), id="another hook"),
        pytest.param("bme-order-sing", call("order-sign"), {}, (404, "not-found", "there is no service of this id; did"
                     " you mean 'bme-order-sign'? known: bme-order-select, bme-order-sign, bme-patient-view,"
                     " bme-result-review"), id="an unknown service"),
        pytest.param("bme-patient-view", call("patient-view", prefetch={}), {}, (412, "required", "nothing to assess:"
                     " none of the prefetch keys 'studies', 'reports', 'observations' could be had; send at least one"
                     " of them (null or an empty Bundle when the record holds none), or let the FHIR server be read"),
                     id="nothing to work with"),
        pytest.param("bme-order-sign", b"{}", {"content_type": "text/plain"}, (415, "not-supported", "the body is not"
                     " sent as JSON; set Content-Type to application/json"), id="text"),
        pytest.param("bme-order-sign", b"{}", {"headers": {"Content-Encoding": "gzip"}}, (415, "not-supported",
                     "the body is compressed; send plain application/json"), id="compressed"),
        pytest.param("bme-order-sign/feedback", {}, {}, (400, "invalid", "field 'feedback' is missing or is not a list"
                     " of outcomes"), id="no feedback"),
        pytest.param("bme-order-sing/feedback", {}, {}, (404, "not-found", "there is no service of this id; did you"
                     " mean 'bme-order-sign'? known: bme-order-select, bme-order-sign, bme-patient-view,"
                     " bme-result-review"), id="feedback for an unknown service"),
        pytest.param("bme-order-sign/else", {}, {}, (404, "not-found", "there is nothing at this address; the services"
                     " are listed at /cds-services"), id="an unknown address"),
    ],
)  # fmt: skip
def test_an_error_says_what_is_wrong_and_what_to_do(
    web: FlaskClient, path: str, body: Json, headers: Json, found: tuple[int, str, str]
):
    assert outcome(post(web, f"/cds-services/{path}", body, **headers)) == found


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/cds-services", "GET, HEAD, OPTIONS"),
        ("GET", "/cds-services/bme-order-sign", "OPTIONS, POST"),
        ("DELETE", "/cds-services/bme-order-sign/feedback", "OPTIONS, POST"),
    ],
)
def test_a_wrong_method_is_answered_with_the_right_ones(web: FlaskClient, method: str, path: str, allowed: str):
    response = web.open(path, method=method)

    assert outcome(response) == (405, "not-supported", f"this address answers {allowed} only")
    assert response.headers["Allow"] == allowed


@pytest.mark.parametrize("said_length", [True, False])
def test_a_body_too_large_is_refused(said_length: bool):
    small = client(max_body_bytes=1_000)
    body = orjson.dumps(call("order-sign", extension={"x": "y" * 2_000}))
    in_chunks = {"headers": {"Transfer-Encoding": "chunked"}, "environ_overrides": {"wsgi.input_terminated": True}}
    more: Json = {} if said_length else in_chunks

    assert outcome(post(small, "/cds-services/bme-order-sign", body, **more)) == (
        413,
        "too-long",
        "the body is larger than this service accepts; send fewer resources",
    )


def test_a_draft_nested_beyond_reason_is_refused_and_never_an_error_of_ours(web: FlaskClient):
    deep: Json = {"url": "x", "valueString": "y"}
    for _ in range(60):
        deep = {"url": "x", "extension": [deep]}
    sent = call("order-sign")
    sent["context"]["draftOrders"] = bundle(
        order("a", loinc("36502-3"), note=[{"text": "STIR only"}], extension=[deep])
    )

    assert outcome(post(web, "/cds-services/bme-order-sign", sent)) == (
        400,
        "invalid",
        "the body is JSON nested more than 64 deep; send the resources as FHIR has them",
    )


# ------------------------------------------------------------------------------------------------ the store

FEEDBACK = "/cds-services/bme-result-review/feedback"
SOMETHING = call("result-review", prefetch={"observations": bundle(edema())})
STRANGE_CARD = "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01"


def item(card: str = STRANGE_CARD, **changes: Json) -> Json:
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:00:00Z", **changes}


def kept(place: Path, what: str) -> list[Any]:
    connection = sqlite3.connect(place)
    try:
        return connection.execute(what).fetchall()
    finally:
        connection.close()


def lines(capsys: pytest.CaptureFixture[str]) -> list[Json]:
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [{name: value for name, value in line.items() if name not in ("timestamp", "level")} for line in found]


def test_an_issued_card_is_recorded_with_what_it_rests_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    place = tmp_path / "store.sqlite3"
    web = client(store_url=f"sqlite:///{place}", judgement={"fresh_days": 30})

    (card,) = post(web, "/cds-services/bme-result-review", SOMETHING).get_json()["cards"]
    web.application.extensions["store"].close()

    ((*found, rules),) = kept(place, "SELECT card, service, hook, tier, indicator, rule_set, rules FROM issued_cards")
    version = fingerprint((RULES, {"fresh_days": 30}))
    (_, answered) = lines(capsys)  # the first says that callers are not authenticated
    assert found == [card["uuid"], "bme-result-review", "result-review", "soon", card["indicator"], version]
    assert sorted(json.loads(rules)) == answered["rules"]


def test_feedback_is_kept_and_told_apart_by_whether_we_know_the_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    place = tmp_path / "store.sqlite3"
    web = client(store_url=f"sqlite:///{place}")
    (card,) = post(web, "/cds-services/bme-result-review", SOMETHING).get_json()["cards"]
    capsys.readouterr()

    response = post(web, FEEDBACK, {"feedback": [item(card["uuid"]), item(), {"card": CANARY}, None]})

    assert told(response) == (200, {})
    assert lines(capsys) == [
        {"event": "feedback taken", "service": "bme-result-review", "items": 2, "unknown_cards": 1, "unusable": 2}
    ]
    assert kept(place, "SELECT card FROM feedback ORDER BY card") == sorted([(card["uuid"],), (STRANGE_CARD,)])


def test_feedback_of_which_nothing_can_be_used_is_refused(web: FlaskClient):
    assert outcome(post(web, FEEDBACK, {"feedback": [{"card": CANARY}, None]})) == (
        400,
        "invalid",
        "field 'feedback[0].card' is missing or is not the uuid of a card",
    )


@pytest.mark.parametrize(("setting", "found"), [({}, ""), ({"store_comments": True}, CANARY)])
def test_a_comment_is_kept_only_where_the_site_wants_it(tmp_path: Path, setting: Json, found: str):
    place = tmp_path / "store.sqlite3"
    web = client(store_url=f"sqlite:///{place}", **setting)

    post(web, FEEDBACK, {"feedback": [item(overrideReason={"userComment": CANARY})]})

    assert kept(place, "SELECT comment FROM feedback") == [(found,)]


def test_without_its_store_the_service_answers_calls_and_asks_for_feedback_later(tmp_path: Path):
    web = client(store_url=f"sqlite:///{tmp_path}")  # a folder is no database

    answered = post(web, "/cds-services/bme-result-review", SOMETHING)
    refused = post(web, FEEDBACK, {"feedback": [item()]})

    assert (answered.status_code, len(answered.get_json()["cards"])) == (200, 1)
    assert outcome(refused) == (
        503,
        "transient",
        "what was sent cannot be kept now and was perhaps not kept; send it again later",
    )
    assert refused.headers["Retry-After"] == "60"
    assert told(web.get("/health/ready")) == (200, {"status": "degraded", "store": "fails"})
    assert told(web.get("/health/live")) == (200, {"status": "live"})


# ------------------------------------------------------------------------------------------ a fault of ours


def a_fault() -> date:
    raise RuntimeError(f"the record of {CANARY} is broken")


def test_a_fault_of_ours_is_answered_with_an_id_and_nothing_else(capsys: pytest.CaptureFixture[str]):
    failing = client(Ports(RULES, a_fault))
    capsys.readouterr()

    response = post(failing, "/cds-services/bme-order-sign", call("order-sign", extension={"name": CANARY}))

    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ident = line["error_id"]
    assert told(response) == (
        500,
        {
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "severity": "error",
                    "code": "exception",
                    "details": {"text": "the service failed to answer"},
                    "diagnostics": f"error id {ident}",
                }
            ],
        },
    )
    assert {name: value for name, value in line.items() if name not in ("timestamp", "error_id")} == {
        "event": "call failed",
        "level": "info",
        "status": 500,
        "error": "RuntimeError",
        "where": line["where"],
    }
    assert (len(ident), line["where"].partition(":")[0]) == (32, "a_fault")
    assert CANARY not in f"{response.get_data(as_text=True)}{response.headers}{line}"


def test_two_faults_have_two_ids():
    failing = client(Ports(RULES, a_fault))

    ids = {
        post(failing, "/cds-services/bme-order-sign", call("order-sign")).get_json()["issue"][0]["diagnostics"]
        for _ in range(2)
    }

    assert len(ids) == 2


def test_after_a_fault_the_service_still_answers():
    days = iter([None, TODAY])

    def once_broken() -> date:
        day = next(days)
        if day is None:
            raise RuntimeError
        return day

    web = client(Ports(RULES, once_broken))

    answers = [post(web, "/cds-services/bme-order-sign", call("order-sign")).status_code for _ in range(2)]

    assert answers == [500, 200]


# ----------------------------------------------------------------------------------------------- the start


def test_definitions_for_situations_that_nothing_answers_stop_the_start(tmp_path: Path):
    place = tmp_path / "appointment-book"
    place.mkdir()
    (place / "service.json").write_text('{"hook": "appointment-book", "id": "a", "description": "A."}')
    (place / "context.schema.json").write_text("{}")

    with pytest.raises(ConfigurationError) as error:
        client(hooks_folder=tmp_path)

    assert error.value.message == (
        "nothing is known to answer for the hook definitions ['appointment-book'];"
        " known: result-review, order-select, order-sign, patient-view"
    )


@contextmanager
def a_site(at: Path) -> Iterator[FlaskClient]:
    place = at / "patient-view"
    place.mkdir()
    packaged = data_path("hooks") / "patient-view"
    entry = json.loads((packaged / "service.json").read_bytes())
    (place / "service.json").write_text(json.dumps({**entry, "id": "ours"}))
    (place / "context.schema.json").write_bytes((packaged / "context.schema.json").read_bytes())
    yield client(hooks_folder=at)


def test_a_site_may_bring_its_own_definitions(tmp_path: Path):
    with a_site(tmp_path) as web:
        listed = [entry["id"] for entry in web.get("/cds-services").get_json()["services"]]
        answered = told(post(web, "/cds-services/ours", call("patient-view")))

    assert (listed, answered) == (["ours"], (200, {"cards": []}))


def test_result_review_may_have_another_name():
    web = client(result_review_hook="org.example.result-review")

    renamed = post(web, "/cds-services/bme-result-review", call("result-review", hook="org.example.result-review"))
    as_before = post(web, "/cds-services/bme-result-review", call("result-review"))

    assert (told(renamed), as_before.status_code) == ((200, {"cards": []}), 400)


# ----------------------------------------------------------------------------------------- whatever is sent


PATHS = [
    "/cds-services",
    *(f"/cds-services/bme-{hook}" for hook in HOOKS),
    *(f"/cds-services/bme-{hook}/feedback" for hook in HOOKS),
]
WORDS = st.sampled_from(
    ["hook", "hookInstance", "context", "prefetch", "patientId", "userId", "draftOrders", "selections", "results",
     "entry", "resource", "resourceType", "id", "code", "coding", "feedback", "card", "outcome", "example"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=6) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
NEVER_500 = settings(max_examples=150, suppress_health_check=list(HealthCheck))


@NEVER_500
@given(body=JSON, path=st.sampled_from(PATHS))
def test_any_json_is_answered_or_refused_and_never_an_error_of_ours(web: FlaskClient, body: Json, path: str):
    assert post(web, path, body).status_code in (200, 400, 405, 412)


@NEVER_500
@given(body=st.binary(max_size=60), path=st.sampled_from(PATHS))
def test_any_bytes_are_refused_and_never_an_error_of_ours(web: FlaskClient, body: bytes, path: str):
    assert post(web, path, body).status_code in (400, 405)


SOUND = {
    hook: call(
        hook,
        fhirServer="https://ehr.example/fhir",
        prefetch={
            "reports": bundle(report(conclusion="Bone marrow edema of the left sacroiliac joint.")),
            "observations": bundle(edema()),
            "studies": bundle(study("mri", "COR STIR")),
        },
        context={
            "userId": "Practitioner/example",
            "patientId": "example",
            "selections": ["ServiceRequest/a"],
            "results": bundle(edema("b")),
            "draftOrders": bundle(
                order("a", loinc("36502-3"), note=[{"text": "STIR only"}]), order("b", snomed("306290009"))
            ),
        },
    )
    for hook in HOOKS
}


def places(value: Json, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every part of a JSON value."""
    if way:
        yield way
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*way, name))


WAYS = {hook: list(places(body)) for hook, body in SOUND.items()}


def has(owner: Json, step: Any) -> bool:
    """Whether a value has a part of this name or number."""
    if isinstance(owner, dict):
        return isinstance(step, str) and step in owner
    return isinstance(owner, list) and step in range(len(owner))


def put(body: Json, way: tuple[Any, ...], value: Json) -> None:
    """Put a value at a place of the body, unless an earlier change took that place away."""
    for step in way[:-1]:
        if not has(body, step):
            return
        body = body[step]
    if has(body, way[-1]):
        body[way[-1]] = value


@NEVER_500
@given(data=st.data(), hook=st.sampled_from(HOOKS))
def test_a_sound_call_with_anything_anywhere_is_answered_or_refused(web: FlaskClient, data: st.DataObject, hook: str):
    body = deepcopy(SOUND[hook])
    for way in data.draw(st.lists(st.sampled_from(WAYS[hook]), min_size=1, max_size=3)):
        put(body, way, data.draw(JSON))

    response = post(web, f"/cds-services/bme-{hook}", body)

    assert response.status_code in (200, 400, 412)
    if response.status_code == 200:
        assert check_response(response.get_json(), context=body["context"]) == []


# ------------------------------------------------------------------------------------------------- browsers


SANDBOX = "https://sandbox.example"


@pytest.fixture
def from_browsers() -> FlaskClient:
    return create_app(Settings(card_key="a key", cors_origins=[SANDBOX])).test_client()


def cors_headers(response: Any) -> dict[str, str]:
    return {
        name.lower().removeprefix("access-control-"): value
        for name, value in response.headers
        if name.lower().startswith("access-control-")
    }


@pytest.mark.requirement("cds-hooks-2.0", 131)
@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/"])
@pytest.mark.parametrize("origin", [SANDBOX, "https://anybody.example", "null"])
def test_a_page_of_any_origin_may_read_the_discovery(from_browsers: FlaskClient, path: str, origin: str):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    preflight = from_browsers.options(path, headers=asked)
    response = from_browsers.get(path, headers={"Origin": origin})

    assert (preflight.status_code, cors_headers(preflight)) == (
        200,
        {"allow-origin": "*", "allow-headers": "authorization", "allow-methods": "GET, POST", "max-age": "600"},
    )
    assert (response.status_code, cors_headers(response)) == (200, {"allow-origin": "*"})


@pytest.mark.requirement("cds-hooks-2.0", 131)
@pytest.mark.parametrize(
    "path",
    [
        "/cds-services/bme-order-sign",
        "/cds-services//bme-order-sign",
        "/cds-services/bme-order-sign/",
        "/cds-services/bme-order-sign/feedback",
        "/cds-services//bme-order-sign/feedback",
    ],
)
def test_a_page_of_a_listed_origin_may_call_the_services_and_read_their_errors(from_browsers: FlaskClient, path: str):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = from_browsers.options(path, headers={"Origin": SANDBOX, **asked})
    refused = from_browsers.post(path, data=b"{", content_type="application/json", headers={"Origin": SANDBOX})

    assert (preflight.status_code, cors_headers(preflight)) == (
        200,
        {
            "allow-origin": SANDBOX,
            "allow-headers": "authorization, content-type",
            "allow-methods": "GET, POST",
            "max-age": "600",
        },
    )
    assert (refused.status_code, cors_headers(refused)) == (400, {"allow-origin": SANDBOX})


def test_an_origin_of_ipv6_is_one_origin():
    web = create_app(Settings(card_key="a key", cors_origins=["http://[::1]:9000"])).test_client()
    asked = {"Access-Control-Request-Method": "POST"}
    path = "/cds-services/bme-order-sign"

    assert cors_headers(web.options(path, headers={"Origin": "http://[::1]:9000", **asked}))["allow-origin"] == (
        "http://[::1]:9000"
    )
    assert cors_headers(web.options(path, headers={"Origin": "http://1:9000", **asked})) == {}


@pytest.mark.requirement("cds-hooks-2.0", 131)
@pytest.mark.parametrize("origin", ["https://anybody.example", "null", SANDBOX + ".example", "http://sandbox.example"])
def test_a_page_of_another_origin_may_not_call_the_services(from_browsers: FlaskClient, origin: str):
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}

    assert cors_headers(from_browsers.options("/cds-services/bme-order-sign", headers=asked)) == {}
    assert cors_headers(from_browsers.post("/cds-services/bme-order-sign", headers={"Origin": origin})) == {}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"profile": "sandbox"}, id="for all callers"),
        pytest.param(
            {"clients": {"https://ehr.example": {"jku": "https://ehr.example/j", "profile": "sandbox"}}}, id="for one"
        ),
    ],
)
@pytest.mark.parametrize(
    ("origin", "may_call"),
    [
        ("https://sandbox.cds-hooks.org", True),
        ("http://localhost:8080", True),
        ("http://localhost:8080.evil.example", False),
        ("http://localhost.evil.example:8080", False),
        ("https://sandbox.cds-hooks.org.example", False),
        ("https://sandboxxcds-hooks.org", False),
    ],
)
def test_pages_of_the_sandbox_may_call_in_its_profile(settings: Json, origin: str, may_call: bool):
    web = client(**settings)

    allowed = web.post("/cds-services/bme-order-sign", headers={"Origin": origin}).headers.get(
        "Access-Control-Allow-Origin"
    )

    assert allowed == (origin if may_call else None)


def test_the_log_names_the_referrals_that_a_client_is_not_offered(capsys: pytest.CaptureFixture[str]):
    ours = {"system": "urn:com.epic.cdshooks.action.code.system.orderset-item", "code": "1", "display": "Referral"}
    other = {**ours, "system": "urn:example:orderables"}
    capsys.readouterr()

    client(profile="epic", referral_codes={"rheumatology": ours, "orthopedics": ours, "hematology": other})

    said = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "referrals" in line]
    assert [(line["level"], line["profile"], line["targets"]) for line in said] == [
        ("warning", "epic", ["diabetic_foot_team", "hematology", "infectious_diseases"])
    ]


def test_a_client_to_whom_all_referrals_can_be_offered_needs_no_warning(capsys: pytest.CaptureFixture[str]):
    client(profile="generic")

    assert "referrals" not in capsys.readouterr().out


@pytest.mark.parametrize("path", ["/cds-services/bme-patient-view/", "/cds-services//bme-patient-view"])
def test_an_address_with_a_slash_too_many_is_answered_without_a_redirect(from_browsers: FlaskClient, path: str):
    response = from_browsers.post(path, data=b"{}", content_type="application/json")

    assert (response.status_code, response.get_json()["issue"][0]["expression"]) == (400, ["hook"])
