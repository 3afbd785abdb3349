"""Key sets: which keys are used, and how they are fetched from a client that may be slow, broken or hostile."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey
from support.fhir_server import (
    Behaviour,
    FhirServer,
    Line,
    answer,
    continue_for_ever,
    drip_body,
    drip_headers,
    endless_body,
    gzip_bomb,
    half_close,
    ok,
    raw,
    refusing,
    reset_mid_body,
    silent,
    status,
)

from cds_service.events import configure_logging
from cds_service.fhir.documents import fetch_document
from cds_service.protocol.jwks import Key, KeyRing, read_keys
from cds_service.protocol.signing import new_key

Json = Any

ELLIPTIC, RSA, OTHER = new_key("ES384"), new_key("RS384"), new_key("ES384")
DAY_S = 86_400


def segment(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


# ------------------------------------------------------------------------------------------ which are used


def ids(value: Json) -> list[str]:
    return list(read_keys(value))


def entry(key: Key = ELLIPTIC, **changes: Any) -> Json:
    return {**key.as_dict(private=False), **changes}


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(OctKey.generate_key(256, auto_kid=True).as_dict(), id="a secret"),
        pytest.param(OKPKey.generate_key("Ed25519", auto_kid=True).as_dict(private=False), id="Ed25519"),
        pytest.param(ECKey.generate_key("secp256k1", auto_kid=True).as_dict(private=False), id="secp256k1"),
        pytest.param(entry(kty="AKP"), id="a type of the future"),
        pytest.param(entry(kty=["EC"]), id="a type that is a list"),
        pytest.param(entry(kid=None), id="no kid"),
        pytest.param(entry(kid=7), id="a kid that is a number"),
        pytest.param(entry(kid=""), id="an empty kid"),
        pytest.param(entry(use="enc"), id="for encryption"),
        pytest.param(entry(use=["sig"]), id="a use that is a list"),
        pytest.param(entry(key_ops=7), id="operations that are a number"),
        pytest.param(entry(alg=7), id="an algorithm that is a number"),
        pytest.param(entry(x="AAAA"), id="a point not on the curve"),
        pytest.param(entry(x="!"), id="no base64"),
        pytest.param(entry(x=7), id="a coordinate that is a number"),
        pytest.param(entry(crv="P-999"), id="a curve that does not exist"),
        pytest.param(entry(RSA, n=segment(b"\xff" * 128)), id="RSA of 1024 bits"),
        pytest.param(entry(RSA, n=segment(b"\xff" * 513)), id="RSA of 4104 bits"),
        pytest.param(entry(RSA, n="_" * 60_000), id="RSA of 360000 bits"),
        pytest.param(entry(RSA, e="AA"), id="RSA with an exponent of 0"),
        pytest.param(entry(RSA, n=""), id="RSA without a modulus"),
        pytest.param("x", id="a text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_a_key_that_cannot_be_used_is_left_out_and_the_others_stay(odd: Json):
    assert ids({"keys": [odd, entry(OTHER)]}) == [OTHER.kid]


@pytest.mark.parametrize("bits", [2048, 4096])
def test_rsa_keys_of_2048_to_4096_bits_are_used(bits: int):
    assert ids({"keys": [entry(RSA, n=segment(b"\xff" * (bits // 8)))]}) == [RSA.kid]


def test_what_is_private_in_a_key_set_is_not_kept():
    key = read_keys({"keys": [ELLIPTIC.as_dict(private=True)]})[str(ELLIPTIC.kid)]

    assert (key.is_private, "d" in key.dict_value) == (False, False)


def test_of_two_keys_with_one_id_the_first_counts():
    assert read_keys({"keys": [entry(), entry(RSA, kid=ELLIPTIC.kid)]})[str(ELLIPTIC.kid)].key_type == "EC"


def test_the_list_that_crd_request_generator_answers_with_is_read():
    without = {name: value for name, value in entry(RSA).items() if name != "kid"}

    assert ids([{"pem": entry(), "id": "ignored"}, {"pem": without, "id": "by its id"}, {"pem": 7}, 7]) == [
        ELLIPTIC.kid,
        "by its id",
    ]


@pytest.mark.parametrize(
    "value",
    [None, 7, "x", {}, {"keys": {}}, {"keys": None}, {"keys": [{}] * 51}, [{}] * 51],
    ids=["null", "number", "text", "no keys", "object", "null keys", "51 keys", "a list of 51"],
)
def test_what_is_no_key_set_is_refused(value: Json):
    with pytest.raises(ValueError, match="not a key set"):
        read_keys(value)


# --------------------------------------------------------------------------------------------------- fetched


class Client:
    """A client that publishes its keys, and the service's view of it, with a clock that is set by hand."""

    def __init__(self, server: FhirServer, *given: Key) -> None:
        self.server = server
        self.now = 1_000.0
        address = f"{server.origin}/jwks.json"
        self.ring = KeyRing(
            "https://ehr.example", read_keys(public(*given)), address, fetch_document, clock=lambda: self.now
        )

    def publish(self, *keys: Key, **headers: str) -> None:
        self.does(ok(public(*keys), **headers))

    def does(self, behaviour: Behaviour) -> None:
        self.server.on("/jwks.json", behaviour)

    def has(self, key: Key) -> bool:
        return self.ring.find(str(key.kid)) is not None

    def after(self, seconds: float) -> Client:
        self.now += seconds
        return self

    @property
    def asked(self) -> int:
        return len(self.server.asked)


def public(*keys: Key) -> Json:
    return {"keys": [key.as_dict(private=False) for key in keys]}


@pytest.fixture
def ehr() -> Iterator[Client]:
    with FhirServer() as server:
        yield Client(server)


def test_nothing_is_fetched_before_it_is_needed(ehr: Client):
    assert ehr.server.connections == 0


def test_a_key_is_fetched_once_and_then_known(ehr: Client):
    ehr.publish(ELLIPTIC, RSA)

    assert ([ehr.has(key) for key in (ELLIPTIC, RSA, ELLIPTIC)], ehr.asked) == ([True, True, True], 1)


def test_what_is_asked_says_nothing_but_what_is_wanted(ehr: Client):
    ehr.publish(ELLIPTIC)
    ehr.has(ELLIPTIC)

    (asked,) = ehr.server.asked
    assert (asked.method, asked.target, asked.body) == ("GET", "/jwks.json", "")
    assert {name: value for name, value in asked.headers.items() if name not in ("host", "connection")} == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "bme-cds-service",
    }


def test_a_key_given_by_hand_is_used_without_asking(ehr: Client):
    by_hand = Client(ehr.server, ELLIPTIC)

    assert (by_hand.has(ELLIPTIC), ehr.asked) == (True, 0)


def test_a_client_without_an_address_is_not_asked():
    assert KeyRing("https://ehr.example", read_keys(public(ELLIPTIC))).find(str(OTHER.kid)) is None


def test_a_new_key_is_found_without_a_restart(ehr: Client):
    ehr.publish(ELLIPTIC)
    before = ehr.has(ELLIPTIC)
    ehr.publish(OTHER)

    assert (before, ehr.after(60).has(OTHER), ehr.has(ELLIPTIC)) == (True, True, False)


def test_a_key_that_was_withdrawn_is_refused_when_the_set_is_read_again(ehr: Client):
    ehr.publish(ELLIPTIC, OTHER)
    before = ehr.has(ELLIPTIC)
    ehr.publish(OTHER)

    assert (before, ehr.after(299).has(ELLIPTIC), ehr.after(1).has(ELLIPTIC)) == (True, True, False)


def test_unknown_keys_make_us_ask_once_a_minute(ehr: Client):
    ehr.publish(ELLIPTIC)
    ehr.has(ELLIPTIC)

    counts = []
    for seconds in (0, 59, 0.9, 0.1, 0, 59.9, 0.1):
        ehr.after(seconds)
        ehr.ring.find(f"unknown at {ehr.now}")
        counts.append(ehr.asked)

    assert counts == [1, 1, 1, 2, 2, 2, 3]


@pytest.mark.parametrize(
    ("cache_control", "fresh_s"),
    [
        ("", 300),
        ("no-store", 300),
        ("max-age=1", 300),
        ("max-age=3600", 3_600),
        ("public, max-age=3600, must-revalidate", 3_600),
        ("MAX-AGE=3600", 3_600),
        ("s-maxage=9, max-age=3600", 3_600),
        ("max-age=999999999", DAY_S),
        ("max-age=9999999999", 300),
        ("max-age=-1", 300),
        ("max-age=x", 300),
    ],
)
def test_a_set_is_fresh_for_as_long_as_it_says_within_five_minutes_and_a_day(
    ehr: Client, cache_control: str, fresh_s: int
):
    ehr.publish(ELLIPTIC, cache_control=cache_control)
    ehr.has(ELLIPTIC)

    assert [(ehr.after(seconds).has(ELLIPTIC), ehr.asked) for seconds in (fresh_s - 1, 1)] == [(True, 1), (True, 2)]


def test_a_set_that_cannot_be_fetched_again_is_used_for_another_day(ehr: Client):
    ehr.publish(ELLIPTIC)
    before = ehr.has(ELLIPTIC)
    ehr.does(status(503))

    assert [before, *(ehr.after(seconds).has(ELLIPTIC) for seconds in (300, DAY_S - 1, 1))] == [True, True, True, False]


def test_a_set_that_fails_again_is_asked_for_once_a_minute(ehr: Client):
    ehr.publish(ELLIPTIC)
    ehr.has(ELLIPTIC)
    ehr.does(status(503))

    assert [(ehr.after(seconds).has(ELLIPTIC), ehr.asked) for seconds in (300, 59, 1)] == [
        (True, 2),
        (True, 2),
        (True, 3),
    ]


def test_without_any_keys_we_ask_again_after_ten_seconds(ehr: Client):
    first = ehr.has(ELLIPTIC)
    ehr.publish(ELLIPTIC)

    assert [first, *((ehr.after(seconds).has(ELLIPTIC), ehr.asked) for seconds in (9, 1))] == [
        False,
        (False, 1),
        (True, 2),
    ]


def test_many_calls_at_a_time_share_one_fetch(ehr: Client):
    everyone_is_here, all_asked = threading.Event(), threading.Barrier(9)

    def wait_for_all(line: Line) -> bool:
        everyone_is_here.wait(10)
        return ok(public(ELLIPTIC))(line)

    def ask() -> bool:
        all_asked.wait(10)
        return ehr.has(ELLIPTIC)

    ehr.does(wait_for_all)
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(ask) for _ in range(8)]
        all_asked.wait(10)
        everyone_is_here.set()
        found = [call.result() for call in calls]

    assert (found, ehr.asked) == ([True] * 8, 1)


def test_a_known_key_does_not_wait_for_a_fetch_that_is_under_way(ehr: Client):
    ehr.publish(ELLIPTIC)
    ehr.has(ELLIPTIC)
    under_way, go_on = threading.Event(), threading.Event()

    def hold(line: Line) -> bool:
        under_way.set()
        go_on.wait(10)
        return ok(public(OTHER))(line)

    ehr.does(hold)
    ehr.after(300)
    with ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(ehr.has, OTHER)
        under_way.wait(10)
        started = monotonic()
        meanwhile, took_s = ehr.has(ELLIPTIC), monotonic() - started
        go_on.set()

        assert (meanwhile, took_s < 1, fetching.result(), ehr.has(ELLIPTIC), ehr.asked) == (True, True, True, False, 2)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(status(404), id="not found"),
        pytest.param(status(302, location="/elsewhere"), id="redirected"),
        pytest.param(status(308, location="/elsewhere"), id="redirected for good"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), id="an empty object"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), id="nothing"),
        pytest.param(ok({"keys": [{}] * 51}), id="too many keys"),
        pytest.param(raw(answer(json.dumps(public(ELLIPTIC)).encode() + b" " * 64_000)), id="more than 64 kB"),
        pytest.param(ok("x"), id="a text"),
        pytest.param(raw(b"garbage\r\n\r\n", keep=False), id="no HTTP"),
        pytest.param(gzip_bomb(2**26), id="compressed"),
        pytest.param(endless_body, id="an endless body"),
        pytest.param(reset_mid_body, id="broken off"),
        pytest.param(silent, id="silent"),
        pytest.param(half_close, id="half closed"),
        pytest.param(drip_headers, id="dripping headers"),
        pytest.param(drip_body, id="a dripping body"),
        pytest.param(continue_for_ever, id="never coming to the point"),
    ],
)
@pytest.mark.slow
def test_a_server_that_does_anything_else_costs_two_seconds_and_no_key(ehr: Client, behaviour: Behaviour):
    ehr.does(behaviour)
    ehr.server.on("/elsewhere", ok(public(ELLIPTIC)))
    started = monotonic()

    found = ehr.has(ELLIPTIC)

    assert (found, ehr.asked, monotonic() - started < 3) == (False, 1, True)


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        pytest.param(status(404), "the document could not be had (HTTP 404)", id="not found"),
        pytest.param(status(302, location="/x"), "the document could not be had (HTTP 302)", id="redirected"),
        pytest.param(raw(b"garbage\r\n\r\n", keep=False), "the document could not be had", id="no HTTP"),
        pytest.param(ok("x" * 64_000), "the document is too large", id="too large"),
        pytest.param(ok({"canary": 1}), "not a key set", id="something else"),
        pytest.param(raw(answer(b"canary")), "not a key set", id="no JSON"),
    ],
)
def test_the_log_says_whose_key_set_could_not_be_read_and_why(
    ehr: Client, behaviour: Behaviour, why: str, capsys: pytest.CaptureFixture[str]
):
    configure_logging()
    ehr.does(behaviour)

    ehr.has(ELLIPTIC)

    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {name: value for name, value in line.items() if name != "timestamp"} == {
        "event": "key set could not be read",
        "level": "warning",
        "issuer": "https://ehr.example",
        "error": why,
    }


def test_an_address_where_nobody_listens_is_no_key():
    with refusing() as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/jwks.json"
        ring = KeyRing("https://ehr.example", {}, address, fetch_document)

        assert ring.find(str(ELLIPTIC.kid)) is None


def test_proxies_and_passwords_of_the_environment_are_not_used(ehr: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    ehr.publish(ELLIPTIC)

    assert ehr.has(ELLIPTIC)
