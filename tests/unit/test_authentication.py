"""The gate: which calls need a token, what a refused caller is told, and what the log says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from support.fhir_server import EMPTY, FhirServer, ok
from support.records import TODAY

from cds_service.errors import ConfigurationError
from cds_service.fhir.client import FhirClient
from cds_service.knowledge.rules import rule_set
from cds_service.protocol.signing import BAD, Draft, draft, new_key
from cds_service.service import Ports, real_ports
from cds_service.settings import Settings
from cds_service.web import create_app
from cds_service.web.authentication import audiences

Json = Any

NOW = 1_780_000_000
KEY, OTHER = new_key("ES384"), new_key("ES384")
EHR, OTHER_EHR = "https://ehr.example/fhir", "https://other.example/fhir"
URL = "https://cds.example/bme"
DISCOVERY, SERVICE = "/cds-services", "/cds-services/bme-order-sign"
FEEDBACK = f"{SERVICE}/feedback"
RULES = rule_set()
CALL: Json = {
    "hook": "order-sign",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/a", "patientId": "p", "draftOrders": {"resourceType": "Bundle"}},
    "prefetch": {},
}
BODIES: Mapping[str, Json] = {
    SERVICE: CALL,
    FEEDBACK: {
        "feedback": [
            {
                "card": "3b6e5b5c-3f0e-5c52-9c0a-6d6d6d6d6d6d",
                "outcome": "overridden",
                "outcomeTimestamp": "2026-03-02T10:00:00Z",
            }
        ]
    },
}


def public(*keys: Any) -> Json:
    return {"keys": [key.as_dict(private=False) for key in keys]}


CLIENTS = {EHR: {"keys": public(KEY)}, OTHER_EHR: {"keys": public(OTHER)}}


def configured(**settings: Any) -> Settings:
    return Settings(**{"auth": "required", "public_url": URL, "clients": CLIENTS, **settings})


def service(fhir: FhirClient | None = None, **settings: Any) -> FlaskClient:
    ports = Ports(RULES, lambda: TODAY, fhir, lambda: NOW)
    return create_app(configured(**settings), ports).test_client()


def token(path: str, key: Any = KEY, issuer: str = EHR, url: str = URL) -> Draft:
    return draft(key, issuer, f"{url}{path}", NOW)


def ask(web: FlaskClient, path: str, authorization: str | None = None, body: Json = None, **headers: str) -> Any:
    """GET the discovery, POST to everything else."""
    given = {"headers": {**headers, **({} if authorization is None else {"Authorization": authorization})}}
    if path == DISCOVERY:
        return web.get(path, **given)
    return web.post(path, data=orjson.dumps(body or BODIES.get(path, CALL)), content_type="application/json", **given)


def bearer(path: str, **more: Any) -> str:
    return f"Bearer {token(path, **more).signed()}"


def lines(capsys: pytest.CaptureFixture[str]) -> list[Json]:
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [{name: value for name, value in line.items() if name != "timestamp"} for line in found]


# ---------------------------------------------------------------------------------------------------- modes

NONE, GOOD, BROKEN = "no token", "a good token", "a bad token"


def sent(kind: str, path: str) -> str | None:
    return {NONE: None, GOOD: bearer(path), BROKEN: f"{bearer(path)}x"}[kind]


@pytest.mark.parametrize("path", [DISCOVERY, SERVICE, FEEDBACK])
@pytest.mark.parametrize(
    ("auth", "statuses"),
    [
        ("required", {NONE: 401, GOOD: 200, BROKEN: 401}),
        ("optional", {NONE: 200, GOOD: 200, BROKEN: 401}),
        ("off", {NONE: 200, GOOD: 200, BROKEN: 200}),
    ],
)
@pytest.mark.requirement("cds-hooks-2.0", 24)
@pytest.mark.requirement("cds-hooks-2.0", 115)
@pytest.mark.requirement("cds-hooks-2.0", 119)
@pytest.mark.requirement("cds-hooks-2.0", 121)
def test_a_mode_says_which_calls_are_answered(auth: str, statuses: dict[str, int], path: str):
    web = service(auth=auth)

    assert {kind: ask(web, path, sent(kind, path)).status_code for kind in statuses} == statuses


def test_the_list_of_services_can_be_open_while_calls_are_not():
    web = service(auth_discovery=False)

    assert [ask(web, DISCOVERY, sent(kind, DISCOVERY)).status_code for kind in (NONE, GOOD, BROKEN)] == [200, 200, 401]
    assert [ask(web, path).status_code for path in (SERVICE, FEEDBACK)] == [401, 401]


@pytest.mark.parametrize("path", [DISCOVERY, SERVICE, FEEDBACK, "/cds-services/unknown", "/cds-services/a/b/c"])
def test_a_preflight_needs_no_token(path: str):
    assert service().options(path).status_code != 401


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path",
    [DISCOVERY, SERVICE, FEEDBACK, "/cds-services/", "/cds-services//bme-order-sign", "//cds-services",
     "/cds-services/unknown", "/cds-services/a/b/c"],
)  # fmt: skip
def test_whoever_is_unknown_does_not_learn_what_there_is(method: str, path: str):
    # Not as an address: the test client would take "//" for the beginning of a host.
    asked = service().open(method=method, environ_overrides={"PATH_INFO": path})

    assert asked.status_code == 401


def test_other_addresses_are_none_of_the_gates_business():
    assert ask(service(), "/nowhere").status_code == 404


def test_an_unknown_service_is_named_to_a_caller_who_is_known():
    path = "/cds-services/bme-order-sing"

    assert ask(service(), path, bearer(path)).status_code == 404


# ------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize("signed", [DISCOVERY, SERVICE, FEEDBACK])
@pytest.mark.parametrize("called", [DISCOVERY, SERVICE, FEEDBACK, "/cds-services/bme-order-select"])
@pytest.mark.requirement("cds-hooks-2.0", 124)
def test_a_token_opens_the_one_address_that_it_names(signed: str, called: str):
    body = {**CALL, "hook": "order-select"} if called.endswith("select") else None

    assert ask(service(), called, bearer(signed), body).status_code == (200 if signed == called else 401)


@pytest.mark.parametrize("ending", ["", "/"])
@pytest.mark.parametrize("way", ["/", "//"])
def test_the_address_may_be_signed_as_the_sandbox_calls_it(way: str, ending: str):
    signed = SERVICE.replace("/bme", f"{way}bme") + ending

    assert ask(service(), SERVICE, bearer(signed)).status_code == 200


@pytest.mark.parametrize(
    ("place", "names"),
    [
        (["cds-services"], {"u/cds-services", "u/cds-services/"}),
        (["cds-services", "a"], {"u/cds-services/a", "u/cds-services/a/", "u/cds-services//a", "u/cds-services//a/"}),
        (
            ["cds-services", "a", "feedback"],
            {"u/cds-services/a/feedback", "u/cds-services/a/feedback/", "u/cds-services//a/feedback",
             "u/cds-services//a/feedback/"},
        ),
    ],
)  # fmt: skip
def test_an_address_has_these_spellings(place: list[str], names: set[str]):
    assert audiences("u", place) == names


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Server", "Forwarded", "X-Original-Host"])
def test_what_a_request_says_of_the_host_does_not_make_a_token_valid(header: str):
    elsewhere = bearer(SERVICE, url="https://evil.example/bme")
    value = "host=evil.example;proto=https" if header == "Forwarded" else "evil.example"

    assert ask(service(), SERVICE, elsewhere, **{header: value, "X-Forwarded-Proto": "https"}).status_code == 401


def test_a_slash_behind_the_public_address_does_not_matter():
    assert ask(service(public_url=f"{URL}/"), SERVICE, bearer(SERVICE)).status_code == 200


# --------------------------------------------------------------------------------------------------- refusal


@pytest.mark.requirement("cds-hooks-2.0", 129)
def test_a_refused_caller_is_told_nothing_but_that():
    response = ask(service(), SERVICE)

    assert (response.status_code, response.get_json(), response.headers["WWW-Authenticate"]) == (
        401,
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]},
        "Bearer",
    )


@pytest.mark.parametrize("kind", BAD)
def test_every_bad_token_has_the_same_answer_and_a_reason_in_the_log(kind: str, capsys: pytest.CaptureFixture[str]):
    why, make = BAD[kind]
    web = service(clients={EHR: {"keys": public(KEY), "tenants": ["north"]}})
    good = token(SERVICE).with_claims(tenant="north", canary="canary-claim").with_header(canary="canary-header")
    bad = make(good)
    capsys.readouterr()

    response = ask(web, SERVICE, f"Bearer {bad}", {**CALL, "extension": {"canary": "canary-body"}})

    assert response.get_data() == ask(web, SERVICE).get_data()
    assert lines(capsys)[0] == {
        "event": "call refused",
        "level": "info",
        "status": 401,
        "code": "login",
        "jwt_failure": why.value,
    }
    said = f"{response.get_data(as_text=True)} {response.headers}"
    assert [part for part in (*bad.split("."), "canary", EHR) if part and part in said] == []


def test_a_call_is_refused_before_its_body_is_read():
    web = service(max_body_bytes=1_000)

    assert ask(web, SERVICE, None, {"x": "y" * 2_000}).status_code == 401


@pytest.mark.requirement("cds-hooks-2.0", 128)
def test_a_token_works_once(capsys: pytest.CaptureFixture[str]):
    web, one = service(), bearer(SERVICE)

    assert [ask(web, SERVICE, one).status_code for _ in range(2)] == [200, 401]
    assert lines(capsys)[-1]["jwt_failure"] == "used before"


def test_a_token_used_with_one_process_is_refused_by_another(tmp_path: Path):
    one, store_url = bearer(SERVICE), f"sqlite:///{tmp_path / 'store.sqlite3'}"
    processes = [service(store_url=store_url) for _ in range(2)]

    assert [ask(web, SERVICE, one).status_code for web in processes] == [200, 401]


# ------------------------------------------------------------------------------------------------- keys, jku


@pytest.mark.requirement("cds-hooks-2.0", 125)
def test_a_token_that_names_another_key_set_makes_no_request():
    with FhirServer() as catcher, FhirServer() as ehr:
        web = service(
            clients={EHR: {"jku": f"{ehr.origin}/jwks.json", "keys": public(KEY)}, OTHER_EHR: CLIENTS[OTHER_EHR]}
        )
        tokens = [
            token(SERVICE, key=key, issuer=issuer).with_header(jku=jku, **more)
            for jku in (f"{catcher.origin}/jwks.json", f"{ehr.origin}/jwks.json?x", f"{ehr.origin}/other.json")
            for key, issuer in ((KEY, EHR), (OTHER, EHR), (OTHER, OTHER_EHR))
            for more in ({}, {"kid": "unknown"})
        ]
        offered = [
            token(SERVICE).with_header(kid="unknown", **{name: f"{catcher.origin}/x"}) for name in ("x5u", "jwk", "x5c")
        ]

        statuses = {ask(web, SERVICE, f"Bearer {one.signed()}").status_code for one in [*tokens, *offered]}

        assert (statuses, catcher.connections, ehr.connections) == ({401}, 0, 0)


def test_keys_are_fetched_from_the_configured_address_when_the_first_call_needs_them():
    with FhirServer() as ehr:
        jku = f"{ehr.origin}/jwks.json"
        ehr.on("/jwks.json", ok(public(KEY)))
        web = service(clients={EHR: {"jku": jku}})
        before = ehr.connections

        statuses = [
            ask(web, SERVICE, f"Bearer {one.signed()}").status_code
            for one in (token(SERVICE).with_header(jku=jku), token(SERVICE), token(SERVICE, key=OTHER))
        ]

        assert (before, statuses, ehr.connections) == (0, [200, 200, 401], 1)


# ---------------------------------------------------------------------------------------------- FHIR servers


@pytest.mark.parametrize(
    ("key", "issuer", "reads"), [(KEY, EHR, True), (OTHER, OTHER_EHR, False)], ids=["its", "not its"]
)
def test_a_client_may_name_its_own_fhir_servers_and_nobody_elses(key: Any, issuer: str, reads: bool):
    with FhirServer() as fhir:
        clients = {EHR: {**CLIENTS[EHR], "fhir_servers": [f"{fhir.base}/"]}, OTHER_EHR: CLIENTS[OTHER_EHR]}
        fhir.on("Patient/p", ok(EMPTY))
        client = FhirClient()
        web = service(client, clients=clients)

        answered = ask(web, SERVICE, bearer(SERVICE, key=key, issuer=issuer), {**CALL, "fhirServer": fhir.base})
        client.close()

        assert (answered.status_code, fhir.connections > 0) == (200, reads)


def test_servers_of_clients_are_enough_to_have_a_fhir_client():
    with_servers = {EHR: {**CLIENTS[EHR], "fhir_servers": ["https://ehr.example/fhir"]}}

    assert [real_ports(configured(clients=clients)).fhir is not None for clients in (CLIENTS, with_servers)] == [
        False,
        True,
    ]


def test_a_client_is_answered_in_its_own_profile_and_others_in_that_of_the_service():
    clients = {EHR: {**CLIENTS[EHR], "profile": "generic"}, OTHER_EHR: CLIENTS[OTHER_EHR]}
    web = service(clients=clients, profile="crd", auth="optional")
    callers = [bearer(SERVICE), bearer(SERVICE, key=OTHER, issuer=OTHER_EHR), None]

    answers = [ask(web, SERVICE, caller).json for caller in callers]

    assert answers == [{"cards": []}, {"cards": [], "systemActions": []}, {"cards": [], "systemActions": []}]


# ----------------------------------------------------------------------------------------------- the start


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.7", "cds.example", "127.0.0.1.example"])  # noqa: S104  # refused
def test_without_authentication_only_this_machine_is_served(host: str):
    with pytest.raises(ConfigurationError) as error:
        service(auth="off", host=host)

    assert error.value.message == (
        "callers are not authenticated (BME_AUTH=off), which is for this machine only: set BME_AUTH=required with"
        " BME_CLIENTS and BME_PUBLIC_URL, or BME_HOST=127.0.0.1"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_the_log_warns_that_nobody_is_authenticated(host: str, capsys: pytest.CaptureFixture[str]):
    service(auth="off", host=host)

    assert lines(capsys) == [
        {
            "event": "WARNING: callers are not authenticated (BME_AUTH=off); anyone on this machine is answered",
            "level": "warning",
        }
    ]


def test_the_log_warns_that_anybody_can_sign_as_the_public_sandbox(capsys: pytest.CaptureFixture[str]):
    service(clients={"https://sandbox.cds-hooks.org": CLIENTS[EHR]})

    assert lines(capsys) == [
        {
            "event": "WARNING: tokens of the public CDS Hooks Sandbox are taken; its private key is public, so that"
            " anybody can sign them: for demonstrations with made-up patients only",
            "level": "warning",
        }
    ]


@pytest.mark.parametrize("auth", ["required", "optional"])
def test_with_authentication_any_host_is_served_and_no_warning_given(auth: str, capsys: pytest.CaptureFixture[str]):
    service(auth=auth, host="0.0.0.0")  # noqa: S104  # not listened on

    assert lines(capsys) == []


@pytest.mark.parametrize("auth", ["required", "optional"])
@pytest.mark.parametrize("lacking", [{"clients": {}}, {"public_url": ""}], ids=["clients", "address"])
def test_authentication_needs_clients_and_an_address(auth: str, lacking: Json):
    with pytest.raises(ConfigurationError) as error:
        service(auth=auth, **lacking)

    assert error.value.message == (
        f"BME_AUTH={auth} needs BME_CLIENTS, whose tokens are taken, and BME_PUBLIC_URL, which they name"
    )


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"kid": "a"}, id="a key instead of a set"),
        pytest.param({"keys": "x"}, id="no list"),
        pytest.param(
            {"keys": [KEY.as_dict(private=False), {"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]}, id="a secret"
        ),
        pytest.param(public(KEY, KEY), id="one kid twice"),
    ],
)
def test_a_key_that_cannot_be_used_stops_the_start(keys: Json):
    with pytest.raises(ConfigurationError) as error:
        service(clients={EHR: {"keys": keys}})

    assert error.value.message.startswith(f"BME_CLIENTS: the keys of {EHR!r} cannot be used: give {{'keys': [...]}}")
