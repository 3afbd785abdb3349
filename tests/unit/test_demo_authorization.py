"""The authorization server of the demo holds an app to what SMART App Launch asks of it."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet
from support.record import APP, record

from cds_service.demo.authorization import Client
from cds_service.protocol.signing import draft, new_key

Json = Any

BASE = "http://localhost"
FHIR = f"{BASE}/fhir"
TOKEN = f"{BASE}/auth/token"
FOOT = "example-diabetic-foot"
VERIFIER = "a-verifier-that-is-long-enough-for-what-the-standard-asks"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SCOPE = "launch openid fhirUser patient/DiagnosticReport.rs patient/Patient.r offline_access"
APP_CONTEXT = '{"v":1,"focus":"DiagnosticReport/1"}'
KEY = new_key("ES384")
CLIENTS = (Client("public", (APP,)), Client("signing", (APP,), {"keys": [KEY.as_dict(private=False)]}))


@pytest.fixture(scope="module")
def server() -> FlaskClient:
    return record(BASE, clients=CLIENTS).test_client()


def launch(server: FlaskClient, **parameters: Json) -> str:
    asked = {"launchUrl": "https://app.example/launch", "parameters": {"patient": FOOT, **parameters}}
    return str(server.post("/fhir/_services/smart/Launch", json=asked).json["launch_id"])


def authorize(server: FlaskClient, handle: str | None, **changes: str | None) -> Json:
    """Return the parameters that come back to the app, or the answer if nothing does."""
    asked = {
        "response_type": "code",
        "client_id": "public",
        "redirect_uri": APP,
        "scope": SCOPE,
        "state": "a-state",
        "aud": FHIR,
        "launch": handle,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "nonce": uuid4().hex,
        **changes,
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    answer = server.get(f"/auth/authorize?{query}")
    if answer.status_code != 302:
        return answer.status_code
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}


def token(server: FlaskClient, code: str, **changes: str) -> Any:
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": APP, "code_verifier": VERIFIER}
    return server.post("/auth/token", data={**asked, "client_id": "public", **changes})


def signed(address: str = TOKEN, **claims: Json) -> Json:
    assertion = draft(KEY, "signing", address, time.time()).with_claims(sub="signing", **claims).signed()
    return {
        "client_id": "signing",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }


def test_an_app_gets_the_context_that_the_chart_handed_over(server: FlaskClient):
    about = [{"reference": "DiagnosticReport/1"}]
    back = authorize(server, launch(server, appContext=APP_CONTEXT, fhirContext=about), nonce="a-nonce")

    given = token(server, back["code"]).json

    access, id_token = given.pop("access_token"), given.pop("id_token")
    assert back["state"] == "a-state"
    assert given == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": SCOPE.removesuffix(" offline_access"),
        "patient": FOOT,
        "need_patient_banner": True,
        "smart_style_url": f"{BASE}/auth/style.json",
        "appContext": APP_CONTEXT,
        "fhirContext": about,
    }
    keys = KeySet.import_key_set(server.get("/auth/jwks").json)
    claims = jwt.decode(id_token, keys, algorithms=["RS256"]).claims
    assert {name: claims[name] for name in ("iss", "aud", "nonce", "fhirUser")} == {
        "iss": FHIR,
        "aud": "public",
        "nonce": "a-nonce",
        "fhirUser": f"{FHIR}/Practitioner/example-physician",
    }
    reading = {"Authorization": f"Bearer {access}"}
    statuses = [
        server.get(f"/fhir/{address}", headers=reading).status_code
        for address in (
            f"Patient/{FOOT}",
            f"DiagnosticReport?patient={FOOT}",
            "Practitioner/example-physician",
            f"Condition?patient={FOOT}",
            "Patient/example-charcot",
            "DiagnosticReport?patient=example-charcot",
            "Patient",
        )
    ]
    assert statuses == [200, 200, 200, 403, 403, 403, 403]


def test_a_search_without_a_patient_stays_with_the_patient_of_the_token(server: FlaskClient):
    access = token(server, authorize(server, launch(server))["code"]).json["access_token"]

    found = server.get("/fhir/DiagnosticReport", headers={"Authorization": f"Bearer {access}"}).json

    subjects = {one["resource"]["subject"]["reference"] for one in found["entry"]}
    assert (found["total"], subjects) == (3, {f"Patient/{FOOT}"})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"aud": "https://elsewhere.example/fhir"}, id="another-audience"),
        pytest.param({"aud": f"{FHIR}-other"}, id="longer-audience"),
        pytest.param({"code_challenge_method": "plain"}, id="plain"),
        pytest.param({"code_challenge": None}, id="no-challenge"),
        pytest.param({"launch": "made-up"}, id="unknown-launch"),
        pytest.param({"launch": None}, id="no-launch"),
        pytest.param({"state": None}, id="no-state"),
    ],
)
def test_an_authorization_request_that_lacks_something_is_refused_at_the_app(server: FlaskClient, change: Json):
    back = authorize(server, launch(server), **change)

    assert (back["error"], "code" in back) == ("invalid_request", False)


@pytest.mark.parametrize("change", [{"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}])
def test_nobody_is_sent_to_an_address_that_is_not_registered(server: FlaskClient, change: Json):
    assert authorize(server, launch(server), **change) in (400, 401)


def test_a_launch_and_a_code_work_once(server: FlaskClient):
    handle = launch(server)
    code = authorize(server, handle)["code"]

    again = authorize(server, handle)
    statuses = [token(server, code).status_code for _ in range(2)]

    assert (again["error"], statuses) == ("invalid_request", [200, 400])


def test_a_wrong_verifier_gets_no_token_and_spends_the_code(server: FlaskClient):
    code = authorize(server, launch(server))["code"]

    statuses = [token(server, code, code_verifier=one).status_code for one in ("x" * 43, VERIFIER)]

    assert statuses == [400, 400]


def test_a_signing_app_proves_itself_with_a_fresh_assertion(server: FlaskClient):
    codes = [authorize(server, launch(server), client_id="signing")["code"] for _ in range(5)]
    good = signed()
    attempts = [
        good,
        good,  # replayed
        signed("https://elsewhere.example/token"),
        signed(exp=int(time.time()) - 600),
        {"client_id": "signing"},  # without proof
    ]

    statuses = [token(server, code, **how).status_code for code, how in zip(codes, attempts, strict=True)]

    assert [status == 200 for status in statuses] == [True, False, False, False, False]


def test_a_token_can_be_looked_up_by_its_app_only(server: FlaskClient):
    access = token(server, authorize(server, launch(server))["code"]).json["access_token"]

    own = server.post("/auth/introspect", data={"token": access, "client_id": "public"}).json
    others = server.post("/auth/introspect", data={"token": access, **signed()}).json

    assert (own["active"], own["patient"], others) == (True, FOOT, {"active": False})


def test_an_app_may_start_by_itself(server: FlaskClient):
    back = authorize(server, None, scope="launch/patient openid patient/Patient.rs")

    assert token(server, back["code"]).json["scope"] == "launch/patient openid patient/Patient.rs"


@pytest.mark.parametrize(("asked", "status"), [({}, 400), ({"parameters": {"patient": "nobody"}}, 404)])
def test_a_launch_without_a_known_patient_is_refused(server: FlaskClient, asked: Json, status: int):
    assert server.post("/fhir/_services/smart/Launch", json=asked).status_code == status


def test_what_the_configuration_names_is_there(server: FlaskClient):
    found = server.get("/fhir/.well-known/smart-configuration", headers={"Origin": "https://app.example"})

    named = {name: address for name, address in found.json.items() if name.endswith(("_endpoint", "_uri"))}
    statuses = {
        name: server.open(address.removeprefix(BASE), method="OPTIONS").status_code for name, address in named.items()
    }
    assert (found.headers["Access-Control-Allow-Origin"], set(statuses.values())) == ("*", {200})
