"""The guarded FHIR client against a server that behaves badly, and a second one that must never see a token."""

from __future__ import annotations

import gc
import json
import logging
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from socket import socket
from time import monotonic
from typing import Any

import pytest
from support.fhir_server import (
    EMPTY,
    PATIENT,
    Behaviour,
    FhirServer,
    answer,
    continue_for_ever,
    drip_body,
    drip_chunks,
    drip_headers,
    drip_until_closed,
    endless_body,
    gzip_bomb,
    half_close,
    ok,
    page,
    page_of,
    raw,
    refusing,
    reset_mid_body,
    silent,
    slow,
    status,
    zipped,
)

from cds_service.fhir.client import Access, Failure, Fetched, FhirClient, Limits
from cds_service.fhir.targets import Target, target_of

TOKEN = "tok-9f8e7d"
WITHIN_S = 0.3
SLACK_S = 0.5
"""What a busy machine may take on top. Every misbehaviour would last for seconds."""

READ = "Patient/1"
SEARCH = "Observation?patient=1&code=http://loinc.org|1988-5"
SEARCH_AS_SENT = "Observation?patient=1&code=http://loinc.org%7C1988-5"
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]}


@pytest.fixture
def server() -> Iterator[FhirServer]:
    with FhirServer() as running:
        yield running


@pytest.fixture
def catcher() -> Iterator[FhirServer]:
    """Another server; whatever reaches it was sent to the wrong place."""
    with FhirServer() as running:
        yield running
        assert running.asked == []


@pytest.fixture
def client() -> Iterator[FhirClient]:
    made = FhirClient()
    yield made
    made.close()


@pytest.fixture
def limited() -> Iterator[Any]:
    """Make clients with other limits; they are closed at the end."""
    made = []

    def make(**limits: Any) -> FhirClient:
        made.append(FhirClient(Limits(**limits)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def fetch(client: FhirClient, base: str, query: str = READ, **access: str) -> Fetched:
    """What one query brings, in the time that it may take."""
    began = monotonic()
    result = client.fetch({"it": query}, Access(base, **{"token": TOKEN, **access}), WITHIN_S)

    assert monotonic() - began < WITHIN_S + SLACK_S
    return result["it"]


def failed(failure: Failure) -> Fetched:
    return Fetched(failure=failure)


# ------------------------------------------------------------------------------------------------------- reading


def test_a_read_brings_the_resource_and_sends_the_token_as_bearer(client: FhirClient, server: FhirServer) -> None:
    server.on(READ, ok(PATIENT))

    assert fetch(client, server.base) == Fetched(pages=(PATIENT,))
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("GET", "/fhir/Patient/1")
    assert asked.headers == {
        "host": server.origin.removeprefix("http://"),
        "accept": "application/fhir+json, application/json;q=0.9",
        "accept-encoding": "gzip",
        "user-agent": "bme-cds-service",
        "authorization": f"Bearer {TOKEN}",
    }


def test_without_a_token_there_is_no_authorization_at_all(client: FhirClient, server: FhirServer) -> None:
    server.on(READ, ok(PATIENT))

    assert fetch(client, server.base, token="") == Fetched(pages=(PATIENT,))
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("token", ["two words", "line\r\nX-Evil: 1", "ключ", "tab\t"])
def test_a_token_that_would_break_the_header_is_not_sent(client: FhirClient, server: FhirServer, token: str) -> None:
    server.on(READ, ok(PATIENT))

    assert fetch(client, server.base, token=token) == failed(Failure.NOT_PERMITTED)
    assert server.connections == 0


def test_queries_run_in_parallel_and_keep_their_keys(client: FhirClient, server: FhirServer) -> None:
    together = threading.Barrier(5)
    queries = {f"key {number}": f"Observation/{number}" for number in range(5)}

    def wait_for_the_others(number: int) -> Behaviour:
        return lambda line: together.wait(5) >= 0 and ok({**PATIENT, "id": str(number)})(line)

    for number in range(5):
        server.on(f"Observation/{number}", wait_for_the_others(number))

    results = client.fetch(queries, Access(server.base), 5)

    assert results == {f"key {number}": Fetched(pages=({**PATIENT, "id": str(number)},)) for number in range(5)}


def test_more_queries_than_run_at_a_time_are_all_read(server: FhirServer, limited: Any) -> None:
    server.on(READ, ok(PATIENT))
    queries = {str(number): READ for number in range(20)}

    results = limited(parallel=2).fetch(queries, Access(server.base), 5)

    assert results == dict.fromkeys(queries, Fetched(pages=(PATIENT,)))
    assert server.connections == 2


def test_one_failing_query_leaves_the_others_alone(client: FhirClient, server: FhirServer) -> None:
    server.on(READ, ok(PATIENT))
    server.on("Patient/2", silent)
    queries = {"well": READ, "silent": "Patient/2", "gone": "Patient/3", "away": "http://evil.example/"}

    assert client.fetch(queries, Access(server.base), WITHIN_S) == {
        "well": Fetched(pages=(PATIENT,)),
        "silent": failed(Failure.TIMED_OUT),
        "gone": failed(Failure.NOT_FOUND),
        "away": failed(Failure.NOT_ALLOWED),
    }


def test_nothing_asked_is_nothing_done(client: FhirClient) -> None:
    assert client.fetch({}, Access("https://ehr.example/fhir"), 1) == {}


def test_connections_are_used_again_by_later_calls(client: FhirClient, server: FhirServer) -> None:
    server.on(READ, ok(PATIENT))

    for _ in range(5):
        assert fetch(client, server.base) == Fetched(pages=(PATIENT,))

    assert (len(server.asked), server.connections) == (5, 1)


def test_cookies_are_not_kept(client: FhirClient, server: FhirServer) -> None:
    server.on(READ, ok(PATIENT, set_cookie="session=1; Path=/"))

    fetch(client, server.base)
    fetch(client, server.base)

    assert [asked.headers.get("cookie") for asked in server.asked] == [None, None]


def test_many_threads_may_fetch_at_once(client: FhirClient, server: FhirServer) -> None:
    for number in range(16):
        server.on(f"Patient/{number}", ok({**PATIENT, "id": str(number)}))

    def one_call(number: int) -> Mapping[str, Fetched]:
        return client.fetch({"a": f"Patient/{number}", "b": "Patient/0"}, Access(server.base, f"t{number}"), 5)

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(one_call, range(16)))

    expected = [{**PATIENT, "id": str(number)} for number in range(16)]
    assert results == [{"a": Fetched((one,)), "b": Fetched((expected[0],))} for one in expected]
    assert {
        (asked.target, asked.headers["authorization"]) for asked in server.asked if asked.target != "/fhir/Patient/0"
    } == {(f"/fhir/Patient/{number}", f"Bearer t{number}") for number in range(1, 16)}


def test_before_the_first_fetch_nothing_is_open() -> None:
    def opened() -> tuple[int, list[str]]:
        return threading.active_count(), sorted(os.listdir("/proc/self/fd"))

    before = opened()
    made = FhirClient()

    assert opened() == before
    made.close()


def test_a_zipped_answer_is_read(client: FhirClient, server: FhirServer) -> None:
    server.on(READ, zipped(json.dumps(PATIENT).encode()))

    assert fetch(client, server.base) == Fetched(pages=(PATIENT,))


@pytest.mark.parametrize("kind", ["application/json", "application/json+fhir", "Application/FHIR+JSON; charset=utf-8"])
def test_the_usual_names_of_fhir_json_are_taken(client: FhirClient, server: FhirServer, kind: str) -> None:
    server.on(READ, ok(PATIENT, content_type=kind))

    assert fetch(client, server.base) == Fetched(pages=(PATIENT,))


def test_an_operation_outcome_comes_as_a_page(client: FhirClient, server: FhirServer) -> None:
    server.on(SEARCH_AS_SENT, ok(OUTCOME))

    assert fetch(client, server.base, SEARCH) == Fetched(pages=(OUTCOME,))


def test_a_search_can_be_posted_and_a_read_cannot(server: FhirServer, limited: Any) -> None:
    following = {**EMPTY, "link": [{"relation": "next", "url": f"{server.base}/Observation?page=2"}]}
    server.on("Observation/_search", ok(following))
    server.on("Observation?page=2", ok(EMPTY))
    server.on(READ, ok(PATIENT))
    client = limited(post_search=True)

    assert fetch(client, server.base, SEARCH) == Fetched(pages=(following, EMPTY))
    assert fetch(client, server.base, READ) == Fetched(pages=(PATIENT,))
    assert [(asked.method, asked.target, asked.body) for asked in server.asked] == [
        ("POST", "/fhir/Observation/_search", "patient=1&code=http://loinc.org%7C1988-5"),
        ("GET", "/fhir/Observation?page=2", ""),
        ("GET", "/fhir/Patient/1", ""),
    ]
    assert server.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"


# ---------------------------------------------------------------------------------------------------- misbehaviour

MISBEHAVIOUR: dict[str, tuple[Behaviour, Failure]] = {
    "never answers": (silent, Failure.TIMED_OUT),
    "answers too late": (slow(1, ok(PATIENT)), Failure.TIMED_OUT),
    "drips the headers": (drip_headers, Failure.TIMED_OUT),
    "drips the body": (drip_body, Failure.TIMED_OUT),
    "drips a body until it closes": (drip_until_closed, Failure.TIMED_OUT),
    "drips chunks": (drip_chunks, Failure.TIMED_OUT),
    "announces for ever": (continue_for_ever, Failure.TIMED_OUT),
    "never stops": (endless_body, Failure.TOO_LARGE),
    "resets in the body": (reset_mid_body, Failure.BROKEN_OFF),
    "closes half": (half_close, Failure.BROKEN_OFF),
    "sends less than it says": (raw(answer(b"{}", content_length="9"), keep=False), Failure.BROKEN_OFF),
    "sends more than it says": (raw(answer(b'{"resourceType": "Patient"}', content_length="9")), Failure.NOT_FHIR),
    "cannot count": (raw(answer(b"{}", content_length="2, 3")), Failure.BROKEN_OFF),
    "breaks off a chunk": (
        raw(answer(b"ff\r\n{", content_length="", transfer_encoding="chunked"), keep=False),
        Failure.BROKEN_OFF,
    ),
    "says nothing": (raw(b"", keep=False), Failure.BROKEN_OFF),
    "does not speak HTTP": (raw(b"SSH-2.0-OpenSSH_9.6\r\n", keep=False), Failure.BROKEN_OFF),
    "has endless headers": (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000, keep=False), Failure.BROKEN_OFF),
    "is a bomb": (gzip_bomb(2**26), Failure.TOO_LARGE),
    "is too large": (raw(answer(b'{"a": "' + b"x" * 5_000_000 + b'"}')), Failure.TOO_LARGE),
    "redirects": (status(302, location="/fhir/Patient/2"), Failure.REDIRECTED),
    "redirects with a bomb": (status(307, b"x" * 20_000_000, location="/fhir/Patient/2"), Failure.REDIRECTED),
    "asks to log in": (raw(answer(b"<html>Log in</html>", content_type="text/html")), Failure.NOT_FHIR),
    "sends HTML as JSON": (raw(answer(b"<html>Log in</html>")), Failure.NOT_FHIR),
    "has no content type": (ok(PATIENT, content_type=""), Failure.NOT_FHIR),
    "sends XML": (ok(PATIENT, content_type="application/fhir+xml"), Failure.NOT_FHIR),
    "sends a list": (ok([PATIENT]), Failure.NOT_FHIR),
    "sends no resource": (ok({"error": "invalid_token"}), Failure.NOT_FHIR),
    "sends an odd resource type": (ok({"resourceType": 7}), Failure.NOT_FHIR),
    "nests too deep": (raw(answer(b'{"resourceType": "Patient", "a": ' + b"[" * 100_000)), Failure.NOT_FHIR),
    "is not zipped": (ok(PATIENT, content_encoding="gzip"), Failure.NOT_FHIR),
    "uses an encoding not asked for": (ok(PATIENT, content_encoding="br"), Failure.NOT_FHIR),
    "has no content": (status(204, b""), Failure.NOT_FHIR),
    "wants a token": (status(401), Failure.NOT_PERMITTED),
    "forbids": (status(403), Failure.NOT_PERMITTED),
    "knows nothing": (status(404), Failure.NOT_FOUND),
    "had it once": (status(410), Failure.NOT_FOUND),
    "does not like the query": (status(400), Failure.REFUSED),
    "cannot handle it": (status(422), Failure.REFUSED),
    "asks for fewer calls": (status(429, retry_after="1"), Failure.BUSY),
    "is overloaded": (status(503), Failure.BUSY),
    "has a bug": (status(500), Failure.SERVER_ERROR),
    "has a bug and drips it": (raw(answer(b"", 500, content_length="9999")), Failure.SERVER_ERROR),
    "has a bad gateway": (status(502), Failure.SERVER_ERROR),
}


@pytest.mark.parametrize(("behaviour", "failure"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR)
def test_a_server_that(client: FhirClient, server: FhirServer, behaviour: Behaviour, failure: Failure) -> None:
    server.on(READ, behaviour)
    server.on("Patient/2", ok(PATIENT))

    assert fetch(client, server.base) == failed(failure)
    # Whatever it was, the next read is as good as new.
    assert fetch(client, server.base, "Patient/2") == Fetched(pages=(PATIENT,))
    assert [asked.target for asked in server.asked] == ["/fhir/Patient/1", "/fhir/Patient/2"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(
    client: FhirClient, server: FhirServer, catcher: FhirServer, code: int
) -> None:
    server.on(READ, status(code, location=f"{catcher.base}/Patient/1"))

    assert fetch(client, server.base) == failed(Failure.REDIRECTED)


def test_a_proxy_or_password_of_the_environment_is_not_used(
    server: FhirServer, catcher: FhirServer, tmp_path: Path, client: FhirClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login evil password evil\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, catcher.origin)
    server.on(READ, ok(PATIENT))

    assert fetch(client, server.base, token="") == Fetched(pages=(PATIENT,))
    assert "authorization" not in server.asked[0].headers


def test_a_bomb_of_one_gibibyte_costs_little_memory(server: FhirServer) -> None:
    server.on(READ, gzip_bomb())
    program = """
import pathlib, re, sys
from cds_service.fhir.client import Access, FhirClient

def peak_mb():  # the kernel's high-water mark of this process
    return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024

client, before = FhirClient(), peak_mb()
result = client.fetch({"it": "Patient/1"}, Access(sys.argv[1]), 5)["it"]
print(result.failure, peak_mb() - before < 40)
"""

    shown = subprocess.run([sys.executable, "-c", program, server.base], capture_output=True, text=True, check=True)

    assert shown.stdout == "too large True\n"


def test_a_refusing_server_could_not_be_reached(client: FhirClient) -> None:
    with refusing() as taken:
        assert fetch(client, f"http://127.0.0.1:{taken.getsockname()[1]}/fhir") == failed(Failure.UNREACHABLE)


def test_a_refused_connection_is_tried_once_more(client: FhirClient) -> None:
    with refusing() as taken, ThreadPoolExecutor(1) as pool:
        address = taken.getsockname()

        def answer_one() -> None:
            with taken.accept()[0] as connection:
                connection.recv(65_536)
                connection.sendall(answer(json.dumps(PATIENT).encode()))

        attempts = []

        def on_connect() -> None:
            attempts.append(1)
            if len(attempts) == 2:
                taken.listen()
                pool.submit(answer_one)

        with watching_connects(address, on_connect):
            assert fetch(client, f"http://127.0.0.1:{address[1]}/fhir") == Fetched(pages=(PATIENT,))


def test_a_refused_connection_is_tried_twice_at_most(client: FhirClient) -> None:
    attempts: list[int] = []
    with refusing() as taken, watching_connects(taken.getsockname(), lambda: attempts.append(1)):
        fetch(client, f"http://127.0.0.1:{taken.getsockname()[1]}/fhir")

    assert len(attempts) == 2


class watching_connects:  # noqa: N801  # used like a function
    """Calls something before each attempt to connect to an address."""

    current: watching_connects | None = None
    hooked = False

    def __init__(self, address: Any, called: Any) -> None:
        self.address, self.called = address, called

    def __enter__(self) -> None:
        if not watching_connects.hooked:
            # Python has no way to take an audit hook out again; ours does nothing outside of a `with`.
            sys.addaudithook(watching_connects.audit)
            watching_connects.hooked = True
        watching_connects.current = self

    def __exit__(self, *_: object) -> None:
        watching_connects.current = None

    @staticmethod
    def audit(event: str, args: Any) -> None:
        current = watching_connects.current
        if event == "socket.connect" and current and args[1] == current.address:
            current.called()
