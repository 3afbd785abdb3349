"""The app as a client of SMART App Launch 2.2.0, check by check, on the wire between it and a real record.

Numbers are those of the requirements that Inferno lists for clients of SMART 2.2.0 (smart-app-launch-test-kit), where
one is known; ``i-`` names what its client suite asserts of a request.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import orjson
import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet
from support.html import parsed
from support.launches import FOOT, Browser, Seen, Watched, launched
from support.record import APP_ID, Demo, demo, patients

from cds_service.protocol.signing import new_key

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("smart")]

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Launched:
    """One launch, as the record saw it."""

    both: Demo
    watched: Watched
    handle: str
    page: requests.Response
    browser: Browser

    @property
    def authorize(self) -> dict[str, str]:
        return self.watched.to("/auth/authorize")[-1].query

    @property
    def token(self) -> Seen:
        return self.watched.to("/auth/token")[-1]

    @property
    def reads(self) -> list[Seen]:
        return [one for one in self.watched.seen if one.path.startswith("/fhir/") and "authorization" in one.headers]

    @property
    def callback(self) -> str:
        return f"{self.both.service}/smart/callback"

    def assertion(self) -> Any:
        """The signed assertion, verified with the keys that the app publishes."""
        keys = KeySet.import_key_set(requests.get(f"{self.both.service}/smart/jwks.json", timeout=30).json())
        return jwt.decode(self.token.form["client_assertion"], keys, algorithms=["ES384", "RS384"])


def launch(both: Demo, watched: Watched, **parameters: Any) -> Launched:
    browser = Browser()
    page = launched(both, browser, FOOT, **parameters)
    return Launched(both, watched, watched.to("/auth/authorize")[-1].query["launch"], page, browser)


@pytest.fixture(scope="module")
def confidential(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    watched = Watched()
    with demo(tmp_path_factory.mktemp("store"), watch=watched.install) as both:
        yield launch(both, watched)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    watched = Watched()
    with demo(tmp_path_factory.mktemp("store"), watch=watched.install, issuer={"auth": "none"}) as both:
        yield launch(both, watched)


def verifies(one: Launched) -> bool:
    digest = hashlib.sha256(one.token.form["code_verifier"].encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=") == one.authorize["code_challenge"]


CHECKS: dict[str, Callable[[Launched], bool]] = {
    "i-page-opens": lambda one: one.page.status_code == 200,
    "i-authorize-response-type": lambda one: one.authorize["response_type"] == "code",
    "i-authorize-client-id": lambda one: one.authorize["client_id"] == APP_ID,
    "i-authorize-redirect-uri-registered": lambda one: one.authorize["redirect_uri"] == one.callback,
    "i-authorize-launch-echoed": lambda one: one.authorize["launch"] == one.handle,
    "i-authorize-aud-is-fhir-base": lambda one: one.authorize["aud"] == f"{one.both.ehr}/fhir",
    "i-authorize-scope-present": lambda one: bool(one.authorize["scope"]),
    "i-authorize-pkce-s256": lambda one: one.authorize["code_challenge_method"] == "S256",
    "40-state-of-122-bits": lambda one: len(one.authorize["state"]) * 6 >= 122,
    "211-no-max-age-or-auth-time": lambda one: not {"max_age", "auth_time"} & one.authorize.keys(),
    "no-wildcard-scope": lambda one: "*" not in one.authorize["scope"],
    "no-write-scope": lambda one: not any(set("cud") & set(word.rpartition(".")[2]) for word in resource_scopes(one)),
    "i-token-is-post-with-form": lambda one: (one.token.method, one.token.query) == ("POST", {}),
    "i-token-grant-type": lambda one: one.token.form["grant_type"] == "authorization_code",
    "i-token-redirect-uri-equal": lambda one: one.token.form["redirect_uri"] == one.authorize["redirect_uri"],
    "i-token-pkce-verifies": verifies,
    "verifier-has-43-to-128-characters": lambda one: 43 <= len(one.token.form["code_verifier"]) <= 128,
    "i-token-used-on-fhir": lambda one: len(one.reads) > 5,
    "token-in-the-header-only": lambda one: not any("access_token" in (*read.query, *read.form) for read in one.reads),
    "7-no-token-in-a-cookie": lambda one: not any(bearer(one) in cookie for cookie in one.browser.cookies.values()),
    "no-token-on-the-page": lambda one: bearer(one) not in one.page.text + str(one.page.headers) + one.page.url,
}
"""What holds of a launch, whichever way the app proves who it is."""


def resource_scopes(one: Launched) -> list[str]:
    return [word for word in one.authorize["scope"].split() if "/" in word and not word.startswith("launch/")]


def bearer(one: Launched) -> str:
    return one.reads[-1].headers["authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("way", ["confidential", "public"])
@pytest.mark.parametrize("check", CHECKS)
def test_a_launch(check: str, way: str, request: pytest.FixtureRequest):
    assert CHECKS[check](request.getfixturevalue(way)), check


CONFIDENTIAL: dict[str, Callable[[Launched], bool]] = {
    "72-no-client-id-in-the-body": lambda one: "client_id" not in one.token.form,
    "i-assertion-type": lambda one: one.token.form["client_assertion_type"] == ASSERTION,
    "i-assertion-typ": lambda one: one.assertion().header["typ"] == "JWT",
    "308-assertion-es384": lambda one: one.assertion().header["alg"] == "ES384",
    "313-assertion-kid-is-published": lambda one: one.assertion().header["kid"] in kids(one),
    "i-assertion-iss-and-sub": lambda one: {one.assertion().claims[name] for name in ("iss", "sub")} == {APP_ID},
    "i-assertion-aud-is-token-endpoint": lambda one: one.assertion().claims["aud"] == f"{one.both.ehr}/auth/token",
    "331-assertion-lives-five-minutes": lambda one: time.time() < one.assertion().claims["exp"] <= time.time() + 300,
    "assertion-has-a-jti": lambda one: len(one.assertion().claims["jti"]) > 20,
    "303-keys-have-kty-and-kid": lambda one: all({"kty", "kid"} <= key.keys() for key in keys(one)),
    "303-keys-are-public": lambda one: not any({"d", "p", "q", "k"} & key.keys() for key in keys(one)),
    "keys-say-how-long-they-count": lambda one: "max-age" in jwks(one).headers["Cache-Control"],
}
"""What holds of a client that signs (private_key_jwt)."""


def jwks(one: Launched) -> requests.Response:
    return requests.get(f"{one.both.service}/smart/jwks.json", timeout=30)


def keys(one: Launched) -> list[dict[str, Any]]:
    return list(jwks(one).json()["keys"])


def kids(one: Launched) -> list[str]:
    return [key["kid"] for key in keys(one)]


@pytest.mark.parametrize("check", CONFIDENTIAL)
def test_a_client_that_signs(check: str, confidential: Launched):
    assert CONFIDENTIAL[check](confidential), check


def test_a_public_client_names_itself_and_signs_nothing(public: Launched):
    assert (public.token.form["client_id"], "client_assertion" in public.token.form) == (APP_ID, False)


def test_no_assertion_state_or_nonce_is_used_twice(confidential: Launched):
    both, watched = confidential.both, confidential.watched
    again = launch(both, watched)

    published = KeySet.import_key_set(jwks(again).json())
    signed = [one.form["client_assertion"] for one in watched.to("/auth/token")]
    asked = [one.query for one in watched.to("/auth/authorize")]
    used = {
        "jti": [jwt.decode(one, published, algorithms=["ES384"]).claims["jti"] for one in signed],
        "state": [one["state"] for one in asked],
        "nonce": [one["nonce"] for one in asked],
    }
    assert {name: len(set(values)) for name, values in used.items()} == {name: len(asked) for name in used}
    assert len(asked) > 1


def test_the_scopes_are_what_the_page_reads_and_no_more(confidential: Launched):
    assert confidential.authorize["scope"].split() == [
        "launch",
        "openid",
        "fhirUser",
        "patient/Condition.rs",
        "patient/DiagnosticReport.rs",
        "patient/ImagingStudy.rs",
        "patient/MedicationRequest.rs",
        "patient/Observation.rs",
        "patient/Patient.r",
        "patient/ServiceRequest.rs",
    ]
    assert {one.path.split("/")[2] for one in confidential.reads} <= {
        word.removeprefix("patient/").partition(".")[0] for word in resource_scopes(confidential)
    }


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Launched]:
    """A record of its own, to change."""
    seen = Watched()
    with demo(tmp_path, watch=seen.install) as both:
        yield Launched(both, seen, "", requests.Response(), Browser())


def test_a_record_of_version_1_is_asked_in_its_words(watched: Launched):
    watched.watched.change_json("/fhir/.well-known/smart-configuration", capabilities=["launch-ehr", "permission-v1"])

    page = launched(watched.both, watched.browser)

    assert (page.status_code, resource_scopes(watched)[0]) == (200, "patient/Condition.read")


def test_endpoints_may_be_relative_to_the_fhir_base(watched: Launched):
    """Requirement 379."""
    watched.watched.change_json(
        "/fhir/.well-known/smart-configuration",
        authorization_endpoint="../auth/authorize",
        token_endpoint="/auth/token",
    )

    assert launched(watched.both, watched.browser).status_code == 200


def test_a_record_that_takes_rs384_only_gets_rs384(tmp_path: Path):
    """Requirements 308 and 309: both are supported."""
    seen, several = Watched(), [new_key("ES384"), new_key("RS384")]
    with demo(tmp_path, watch=seen.install, app_keys=several) as both:
        seen.change_json(
            "/fhir/.well-known/smart-configuration", token_endpoint_auth_signing_alg_values_supported=["RS384"]
        )
        page = launched(both, Browser())
        keys = KeySet.import_key_set(requests.get(f"{both.service}/smart/jwks.json", timeout=30).json())
        signed = jwt.decode(seen.to("/auth/token")[0].form["client_assertion"], keys, algorithms=["RS384"])

    assert (page.status_code, signed.header["alg"], [key.alg for key in keys.keys]) == (
        200,
        "RS384",
        ["ES384", "RS384"],
    )


def test_standalone_the_record_is_asked_for_a_patient(watched: Launched):
    page = watched.browser.get(f"{watched.both.service}/smart/launch", iss=f"{watched.both.ehr}/fhir")

    assert (page.status_code, watched.authorize["scope"].split()[0], "launch" in watched.authorize) == (
        200,
        "launch/patient",
        False,
    )


@pytest.mark.parametrize(
    ("taken", "named"),
    [
        ("Condition", "problem list: not granted"),
        ("Observation", "observations: not granted"),
        ("ServiceRequest", "existing orders: not granted"),
        ("MedicationRequest", "medications: not granted"),
        ("ImagingStudy", "imaging studies: not granted"),
        ("Patient", "patient: not granted"),
    ],
)
def test_what_was_not_granted_is_called_so_and_never_none(watched: Launched, taken: str, named: str):
    """Requirement 147: the granted scope is looked at."""
    scope = "launch openid fhirUser " + " ".join(
        f"patient/{kind}.rs"
        for kind in (
            "Condition",
            "DiagnosticReport",
            "ImagingStudy",
            "MedicationRequest",
            "Observation",
            "Patient",
            "ServiceRequest",
        )
        if kind != taken
    )
    watched.watched.change_json("/auth/token", scope=scope)

    page = launched(watched.both, watched.browser)

    words = parsed(page.text).text
    named_first = words.partition("Not checked:")[2].partition(".")[0]
    asked = [one for one in watched.watched.seen if one.path.startswith(f"/fhir/{taken}")]
    assert (page.status_code, named in words, "(not granted)" in named_first, asked) == (200, True, True, [])


def test_without_any_imaging_there_is_no_page_but_what_was_not_granted(watched: Launched):
    watched.watched.change_json("/auth/token", scope="launch patient/Patient.r")

    page = launched(watched.both, watched.browser)

    assert (page.status_code, "Not granted: " in page.text, "Nothing is excluded by this." in page.text) == (
        502,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ([{"reference": "DiagnosticReport/example-foot-report-13"}], "DiagnosticReport/example-foot-report-13"),
        ([{"reference": "ImagingStudy/example-foot-study-13", "role": "launch"}], "ImagingStudy/example-foot-study-13"),
        ([{"reference": "DiagnosticReport/example-foot-report-13", "role": "other"}], ""),
        ([{"reference": "https://evil.example/DiagnosticReport/1"}], ""),
        ([{"canonical": "https://example.org/Questionnaire/1"}], ""),
        ([{"reference": "../Patient/1"}], ""),
        ("no list", ""),
    ],
)
def test_what_is_on_screen_there_is_in_focus_here(watched: Launched, given: Any, opened: str):
    """Requirement 191: without a role it is that of the launch."""
    watched.watched.change_json("/auth/token", fhirContext=given, intent="something-nobody-knows")

    page = launched(watched.both, watched.browser)

    shown = parsed(page.text).text
    assert (page.status_code, shown.count("Opened for"), opened in shown) == (200, int(bool(opened)), True)


@pytest.mark.parametrize(("needed", "whole"), [(True, True), (None, True), (False, False)])
def test_the_banner_is_whole_unless_the_record_shows_its_own(watched: Launched, needed: bool | None, whole: bool):
    watched.watched.change_json("/auth/token", need_patient_banner=needed)

    page = parsed(launched(watched.both, watched.browser).text)

    assert (len(page.find("dl", class_="banner")), "Diabetes Example" in page.text) == (int(whole), True)


# ------------------------------------------------------------------------------------------ the card and the page


def result_review(both: Demo, patient: str, report: str, **more: Any) -> list[dict[str, Any]]:
    """The cards of a call with a token and no prefetch, as the page has them read."""
    call = {
        "hook": "result-review",
        "hookInstance": "1",
        "context": {"patientId": patient, "userId": "Practitioner/1", "reportId": report},
        "fhirServer": f"{both.ehr}/fhir",
        **more,
    }
    answer = requests.post(f"{both.service}/cds-services/bme-result-review", json=call, timeout=30)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["cards"])


def test_every_page_says_what_the_cards_say(tmp_path: Path):
    """The same for all example patients: the card's summary, and every sentence of it."""
    stories = [one for one in patients(date.today()).stories.values() if one.report]  # noqa: DTZ011  # the local day
    differ = {}
    with demo(tmp_path, open_reading=True) as both:
        for one in stories:
            cards = result_review(both, one.patient, one.report)
            page = launched(both, Browser(), one.patient, fhirContext=[{"reference": f"DiagnosticReport/{one.report}"}])
            shown = parsed(page.text).find("article", class_="card")
            said = [(card.one("span", class_="summary").text, len(card.find("li"))) for card in shown]
            wanted = [(" ".join(card["summary"].split()), card["detail"].count("\n- ")) for card in cards]
            if said != wanted:
                differ[one.patient] = (said, wanted)

    assert (len(stories), differ) == (28, {})


def test_the_page_leads_to_what_is_laid_open_of_the_rules(watched: Launched):
    page = launched(watched.both, Browser())
    (link,) = [one for one in parsed(page.text).find("a", target="_blank") if "limits" in one.text]

    found = requests.get(urljoin(page.url, link.attributes["href"]), timeout=30)

    assert (found.url, found.status_code) == (f"{watched.both.service}/transparency", 200)
    assert parsed(found.text).one("h2", id="limits").text == "Known limits"


def test_as_the_sandbox_does_it_a_card_opens_its_page_and_takes_an_answer(tmp_path: Path):
    """The CDS Hooks Sandbox: POST to _services/smart/Launch, then the link's address with launch and iss."""
    with demo(tmp_path, open_reading=True, sandbox=True) as both:
        origin = {"Origin": "https://sandbox.cds-hooks.org"}
        listed = requests.get(f"{both.service}/cds-services/", headers=origin, timeout=30)
        card = result_review(both, FOOT, "example-foot-report-13")[0]
        link = card["links"][0]
        asked = {"launchUrl": link["url"], "parameters": {"patient": FOOT, "appContext": link["appContext"]}}
        launch = requests.post(f"{both.ehr}/fhir/_services/smart/Launch", json=asked, timeout=30).json()["launch_id"]
        browser = Browser()
        page = browser.get(link["url"], iss=f"{both.ehr}/fhir", launch=launch)
        words = parsed(page.text).text
        kept = browser.post(f"{page.url}feedback", answer="already-under-specialist")
        wrong = browser.post(f"{page.url}feedback", answer="anything")
        left = [one["uuid"] for one in result_review(both, FOOT, "example-foot-report-13")]

    assert (listed.headers["Access-Control-Allow-Origin"], link["type"]) == ("*", "smart")
    assert (page.status_code, card["summary"] in words, "Your answer to the card" in words) == (200, True, True)
    assert "since the card was shown" not in words
    assert (kept.status_code, wrong.status_code, card["uuid"] in left) == (200, 404, False)


def test_a_page_of_a_card_says_so_when_the_record_has_changed(watched: Launched):
    both = watched.both
    cards = requests.post(f"{both.service}/cds-services/bme-patient-view", json=patient_view(both), timeout=30).json()
    context = cards["cards"][0]["links"][0]["appContext"]

    same = launched(both, Browser(), FOOT, appContext=context)
    watched.watched.replace("/fhir/Condition", b'{"resourceType": "Bundle", "type": "searchset"}')
    changed = launched(both, Browser(), FOOT, appContext=context)

    note = "<strong>Note:</strong>"
    assert [(page.status_code, note in page.text) for page in (same, changed)] == [(200, False), (200, True)]


def patient_view(both: Demo) -> dict[str, Any]:
    """The call that the chart makes when it is opened."""
    chart = requests.get(f"{both.ehr}/patients/{FOOT}", timeout=30)
    return dict(orjson.loads(parsed(chart.text).one("textarea", id="request").text))


def test_no_line_of_the_log_and_no_number_says_whom_a_launch_was_about(
    watched: Launched, capfd: pytest.CaptureFixture[str]
):
    page = launched(watched.both, watched.browser)
    watched.browser.post(f"{page.url}end")
    watched.browser.get(page.url)

    written = "".join(capfd.readouterr())
    token = watched.reads[-1].headers["authorization"].removeprefix("Bearer ")
    secrets = [token, FOOT, "Diabetes Example", page.url.split("/")[-2], *watched.browser.cookies.values()]
    assert ("app opened" in written, "app not opened" in written) == (True, True)
    assert [one for one in secrets if one in written] == []


def test_a_query_that_fails_leaves_a_page_that_says_so(watched: Launched):
    watched.watched.replace("/fhir/Condition", b"{}", 500)

    page = launched(watched.both, watched.browser)

    assert (page.status_code, "problem list (server error)" in parsed(page.text).text) == (200, True)
