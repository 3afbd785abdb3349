"""What nobody gains by tampering with a launch of the app: attack by attack, against the running service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import requests
from flask import Flask
from support.evidence import scenarios
from support.html import parsed
from support.launches import FOOT, HIP, Browser, Watched, answer_of_record, launched, query_of
from support.record import Demo, demo
from support.serving import serving

from cds_service.smart.problems import Problem

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("smart")]


@pytest.fixture(scope="module")
def both_watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Demo, Watched]]:
    watched = Watched()
    with demo(tmp_path_factory.mktemp("store"), watch=watched.install) as both:
        yield both, watched


@pytest.fixture
def watched(both_watched: tuple[Demo, Watched]) -> Watched:
    found = both_watched[1]
    found.seen.clear()
    found.changes.clear()
    return found


@pytest.fixture
def both(both_watched: tuple[Demo, Watched], watched: Watched) -> Demo:
    return both_watched[0]


def told(answer: requests.Response, problem: Problem) -> tuple[bool, bool, bool]:
    """Whether the page has the problem's status, says what happened and what to do."""
    words = parsed(answer.text).text
    return answer.status_code == problem.status, problem.happened in words, problem.advice in words


TOLD = (True, True, True)


@pytest.fixture(scope="module")
def catcher() -> Iterator[tuple[str, list[str]]]:
    """A server that nothing may ever be asked of; yields its address and what was asked."""
    asked: list[str] = []
    app = Flask("catcher")

    @app.before_request
    def note() -> tuple[str, int]:
        asked.append("asked")
        return "", 404

    with serving(app) as address:
        yield address, asked


@pytest.mark.parametrize(
    "iss",
    [
        "{catcher}/fhir",
        "{ehr}/fhir.evil.example",
        "{ehr}/fhir/../x",
        "{ehr}/fhir?x",
        "{ehr}",
        "{ehr}@evil/fhir",
        "",
        "x",
    ],
)
def test_of_an_unknown_record_nothing_is_asked(both: Demo, watched: Watched, catcher: tuple[str, list[str]], iss: str):
    address, asked = catcher

    answer = Browser().get(f"{both.service}/smart/launch", iss=iss.format(catcher=address, ehr=both.ehr), launch="x")

    assert (told(answer, Problem.UNKNOWN_ISSUER), asked, watched.seen) == (TOLD, [], [])
    assert (address in answer.text, answer.headers.get("Set-Cookie")) == (False, None)


@pytest.mark.parametrize("written", ["{ehr}/fhir/", "HTTP{rest}/fhir"])
def test_the_same_address_written_otherwise_is_the_same_record(both: Demo, written: str):
    iss = written.format(ehr=both.ehr, rest=both.ehr.removeprefix("http"))

    assert Browser().get(f"{both.service}/smart/launch", follow=False, iss=iss).status_code == 302


def test_an_answer_counts_once(both: Demo, watched: Watched):
    browser = Browser()
    address = answer_of_record(both, browser)

    first, again = browser.get(address), browser.get(address)

    assert (first.status_code, told(again, Problem.NOT_WAITING), len(watched.to("/auth/token"))) == (200, TOLD, 1)


def test_another_browser_cannot_finish_a_launch_nor_use_it_up(both: Demo, watched: Watched):
    owner, other, bare = Browser(), Browser(), Browser()
    launched(both, other)
    address = answer_of_record(both, owner)
    watched.seen.clear()

    foreign, without = other.get(address), bare.get(address)
    sent = watched.to("/auth/token")

    assert (told(foreign, Problem.NOT_WAITING), told(without, Problem.NO_COOKIE), sent) == (TOLD, TOLD, [])
    assert owner.get(address).status_code == 200


def test_another_browser_cannot_open_answer_or_end_a_page(both: Demo):
    owner, other = Browser(), Browser()
    launched(both, other)
    page = launched(both, owner).url

    answers = [
        other.get(page),
        Browser().get(page),
        other.post(f"{page}feedback", answer="accepted"),
        other.post(f"{page}end"),
    ]

    assert [told(one, Problem.ENDED) for one in answers] == [TOLD] * 4
    assert owner.get(page).status_code == 200


def test_an_answer_with_another_state_is_refused(both: Demo, watched: Watched):
    browser = Browser()
    address = answer_of_record(both, browser)

    answer = browser.get(address.replace(query_of(address)["state"], "x" * 43))

    assert (told(answer, Problem.NOT_WAITING), watched.to("/auth/token")) == (TOLD, [])


def test_an_answer_of_another_authorization_server_is_refused(both: Demo, watched: Watched):
    """Mix-up: the answer says that it is from elsewhere (RFC 9207)."""
    browser = Browser()

    answer = browser.get(f"{answer_of_record(both, browser)}&iss=https://evil.example")

    assert (told(answer, Problem.OTHER_SERVER), watched.to("/auth/token")) == (TOLD, [])


def test_a_refusal_is_told_with_its_code_and_nothing_else_of_it(both: Demo):
    browser = Browser()
    state = query_of(answer_of_record(both, browser))["state"]

    answer = browser.get(
        f"{both.service}/smart/callback", state=state, error="access_denied", error_description="<b>Mary Example</b>"
    )

    assert (told(answer, Problem.REFUSED), "access_denied" in answer.text, "Mary" in answer.text) == (TOLD, True, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"authorization_endpoint": "{catcher}/authorize"},
        {"token_endpoint": "{catcher}/token"},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"token_endpoint": None},
        {"token_endpoint": 7},
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": None},
    ],
)
def test_endpoints_elsewhere_or_without_pkce_are_not_used(
    both: Demo, watched: Watched, catcher: tuple[str, list[str]], changes: dict[str, Any]
):
    given = {name: one.format(catcher=catcher[0]) if isinstance(one, str) else one for name, one in changes.items()}
    watched.change_json("/fhir/.well-known/smart-configuration", **given)

    answer = launched(both, Browser())

    assert (told(answer, Problem.UNUSABLE_CONFIGURATION), catcher[1]) == (TOLD, [])


@pytest.mark.parametrize(
    ("body", "status"), [(b"not JSON", 200), (b"[]", 200), (b"{}", 500), (b" " * 100_000, 200), (b"", 302)]
)
def test_what_is_no_configuration_is_told(
    both: Demo, watched: Watched, catcher: tuple[str, list[str]], body: bytes, status: int
):
    watched.replace("/fhir/.well-known/smart-configuration", body, status, Location=f"{catcher[0]}/moved")

    assert (told(launched(both, Browser()), Problem.NO_CONFIGURATION), catcher[1]) == (TOLD, [])


@pytest.mark.parametrize(
    "identity",
    [
        {"algorithm": "RS512"},
        {"known": False},
        {"header": {"kid": "unknown"}},
        {"aud": "another-app"},
        {"aud": ["bme-smart-app", "another-app"]},
        {"azp": "another-app"},
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": int(time.time()) - 600},
        {"exp": None},
        {"iat": int(time.time()) + 600},
        {"sub": None},
    ],
    ids=repr,
)
def test_an_identity_that_is_not_proven_opens_nothing(both: Demo, watched: Watched, identity: dict[str, Any]):
    watched.sign_identity(**identity)

    assert told(launched(both, Browser()), Problem.BAD_IDENTITY) == TOLD


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "ES256", "ES384"])
def test_an_identity_that_is_proven_opens_the_page(both: Demo, watched: Watched, algorithm: str):
    watched.sign_identity(algorithm)

    assert launched(both, Browser()).status_code == 200


def test_an_identity_without_a_signature_opens_nothing(both: Demo, watched: Watched):
    watched.change_json("/auth/token", id_token="eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.")

    assert told(launched(both, Browser()), Problem.BAD_IDENTITY) == TOLD


def test_a_user_of_another_server_is_nobody_and_nothing_is_asked_there(
    both: Demo, watched: Watched, catcher: tuple[str, list[str]]
):
    watched.sign_identity(fhirUser=f"{catcher[0]}/Practitioner/1")

    assert (launched(both, Browser()).status_code, catcher[1]) == (200, [])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"access_token": None}, Problem.NO_TOKEN),
        ({"access_token": 7}, Problem.NO_TOKEN),
        ({"token_type": "mac"}, Problem.NO_TOKEN),
        ({"patient": None}, Problem.NO_PATIENT),
        ({"patient": "../Patient/1"}, Problem.NO_PATIENT),
    ],
)
def test_a_token_that_cannot_be_used_opens_nothing(both: Demo, watched: Watched, changes: Any, problem: Problem):
    watched.change_json("/auth/token", **changes)

    assert told(launched(both, Browser()), problem) == TOLD


@pytest.mark.parametrize(("body", "status"), [(b"no", 200), (b"{}", 500), (b" " * 100_000, 200), (b"[]", 200)])
def test_an_exchange_that_fails_is_told(both: Demo, watched: Watched, body: bytes, status: int):
    watched.replace("/auth/token", body, status)

    assert told(launched(both, Browser()), Problem.NO_TOKEN) == TOLD


def card_link(both: Demo, patient: str) -> str:
    """The context that a card about a patient hands over, as the service signed it."""
    call = {
        "hook": "patient-view",
        "hookInstance": "1",
        "context": {"patientId": patient, "userId": "Practitioner/1"},
        "fhirServer": f"{both.ehr}/fhir",
        "prefetch": prefetch_of(both, patient),
    }
    cards = requests.post(f"{both.service}/cds-services/bme-patient-view", json=call, timeout=30).json()["cards"]
    return str(cards[0]["links"][0]["appContext"])


def prefetch_of(both: Demo, patient: str) -> dict[str, Any]:

    found = next(one for one in scenarios().values() if one.request["context"]["patientId"] == patient)
    return dict(found.request["prefetch"])


NOTE = "The link that opened this page"


@pytest.mark.parametrize(
    "given",
    ["", "x", "{}", '{"focus":"https://evil.example"}', "x" * 50_000, 7, {"card": "1"}, None],
    ids=["empty", "garbled", "object", "unsigned", "long", "number", "not a text", "none"],
)
def test_a_context_that_is_not_ours_is_not_used(both: Demo, given: Any):
    page = launched(both, Browser(), appContext=given)

    words = parsed(page.text).text
    assert (page.status_code, NOTE in words, "Your answer to the card" in words) == (200, given is not None, False)
    assert "evil.example" not in page.text


def test_a_context_of_1_mb_is_not_read(both: Demo):
    assert told(launched(both, Browser(), appContext="x" * 1_000_000), Problem.NO_TOKEN) == TOLD


def test_a_context_that_was_changed_is_not_used(both: Demo):
    true = card_link(both, FOOT)
    changed = true[:20] + ("A" if true[20] != "A" else "B") + true[21:]

    page = launched(both, Browser(), appContext=changed)

    assert (page.status_code, NOTE in page.text, "Your answer" in page.text) == (200, True, False)


def test_a_context_of_another_patient_is_not_used_and_the_page_says_so(both: Demo):
    page = launched(both, Browser(), HIP, appContext=card_link(both, FOOT))

    words = parsed(page.text).text
    assert (page.status_code, "came from a card about another patient" in words, "Your answer" in words) == (
        200,
        True,
        False,
    )


@pytest.mark.parametrize("style", ["http://169.254.169.254/latest", "{catcher}/style.json", "javascript:alert(1)", 7])
def test_a_style_elsewhere_is_not_asked_for(both: Demo, watched: Watched, catcher: tuple[str, list[str]], style: Any):
    given = style.format(catcher=catcher[0]) if isinstance(style, str) else style
    watched.change_json("/auth/token", smart_style_url=given)

    page = launched(both, Browser())

    assert (page.status_code, "style.css" in page.text, catcher[1]) == (200, False, [])


def test_a_style_cannot_bring_rules_of_its_own(both: Demo, watched: Watched):
    evil = {
        "color_text": "red;} body{display:none",
        "dim_font_size": "99px",
        "font_family_body": "x'}",
        "color_background": "#000",
    }
    watched.replace("/auth/style.json", orjson.dumps({**evil, "color_highlight": "#1b5fae"}))
    browser = Browser()

    page = launched(both, browser)

    sheet = browser.get(f"{page.url}style.css").text
    assert sheet == "@media screen and (prefers-color-scheme: light) { :root { --link: #1b5fae } }\n"


def test_no_parameter_leads_the_browser_elsewhere(both: Demo):
    browser = Browser()
    address = answer_of_record(both, browser)

    answer = browser.get(f"{address}&next=https://evil.example&redirect_uri=https://evil.example", follow=False)

    assert answer.headers["Location"].startswith(f"{both.service}/smart/app/")


def test_two_launches_in_one_browser_keep_their_patients(both: Demo):
    browser = Browser()
    foot, hip = launched(both, browser, FOOT), launched(both, browser, HIP)

    again = [browser.get(page.url).text for page in (foot, hip, foot)]

    names = [parsed(one).one("dl", class_="banner").find("dd")[0].text for one in (foot.text, hip.text, *again)]
    assert (len(browser.cookies), names[0] != names[1], names[2:]) == (1, True, [names[0], names[1], names[0]])


def test_a_page_ends_with_its_token(both: Demo, watched: Watched):
    watched.change_json("/auth/token", expires_in=0.001)
    browser = Browser()

    page = launched(both, browser)
    while page.status_code == 200:  # the token lives on for the rest of this second
        page = browser.get(page.url)

    assert told(page, Problem.ENDED) == TOLD


@pytest.mark.parametrize("place", ["launch?iss={ehr}/fhir&launch=x", "callback?state=x", "app/x/", "static/page.css"])
def test_every_answer_is_kept_out_of_frames_and_referrers(both: Demo, place: str):
    answer = requests.get(
        f"{both.service}/smart/{place.format(ehr=both.ehr)}", timeout=30, allow_redirects=False
    ).headers

    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert (answer["Referrer-Policy"], answer["X-Content-Type-Options"]) == ("no-referrer", "nosniff")
