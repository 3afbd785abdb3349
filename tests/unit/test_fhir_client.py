"""The guarded FHIR client against a server that behaves badly, and a second one that must never see a token."""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import ssl
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
    Line,
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

from cds_service.fhir.client import RETRY_PAUSE_S, Access, Failure, Fetched, FhirClient, Limits
from cds_service.fhir.targets import Target, target_of

TOKEN = "tok-9f8e7d"
WITHIN_S = 10.0
"""For what ends by itself."""

BRIEF_S = 0.3
"""For what would go on for minutes, or for ever."""

SLACK_S = 5.0
"""What a busy machine may take on top."""

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


def fetch(client: FhirClient, base: str, query: str = READ, *, within_s: float = WITHIN_S, **access: str) -> Fetched:
    """What one query brings, in the time that it may take."""
    began = monotonic()
    result = client.fetch({"it": query}, Access(base, **{"token": TOKEN, **access}), within_s)

    assert monotonic() - began < within_s + SLACK_S
    return result["it"]


def failed(failure: Failure) -> Fetched:
    return Fetched(failure=failure)


# ------------------------------------------------------------------------------------------------------- reading


@pytest.mark.requirement("cds-hooks-2.0", 59)
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

    assert client.fetch(queries, Access(server.base), 4 * BRIEF_S) == {
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
    program = """
import os, threading
from cds_service.fhir.client import FhirClient

def opened():
    return threading.active_count(), os.listdir("/proc/self/fd")

before = opened()
client = FhirClient()
print(opened() == before)
"""

    assert printed_by(program) == "True\n"


def printed_by(program: str, *arguments: str) -> str:
    """What a Python program of its own process prints."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


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

    within_s = BRIEF_S if failure is Failure.TIMED_OUT else WITHIN_S
    assert fetch(client, server.base, within_s=within_s) == failed(failure)
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

    assert printed_by(program, server.base) == "too large True\n"


def test_a_refusing_server_could_not_be_reached(client: FhirClient) -> None:
    with refusing() as taken:
        assert fetch(client, f"http://127.0.0.1:{taken.getsockname()[1]}/fhir") == failed(Failure.UNREACHABLE)


_before: dict[tuple[str, int], Callable[[], object]] = {}
"""What to do before a step of connecting to a port."""


def _on_audit(event: str, args: tuple[Any, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.connect"):
        port = args[1] if event == "socket.getaddrinfo" else args[1][1]
        _before.get((event, port), lambda: None)()


@contextmanager
def before(event: str, port: int, called: Callable[[], object]) -> Iterator[None]:
    """Call something, in the thread that connects, before it looks up the name or connects to a port."""
    if not _before:
        # There is no way to take an audit hook out again; with nothing to call, ours does nothing.
        sys.addaudithook(_on_audit)
    _before[event, port] = called
    yield
    _before[event, port] = lambda: None


def test_a_refused_connection_is_tried_once_more(client: FhirClient) -> None:
    with refusing() as taken, ThreadPoolExecutor(1) as pool:
        port = taken.getsockname()[1]
        attempts = []

        def answer_one() -> None:
            with taken.accept()[0] as connection:
                connection.recv(65_536)
                connection.sendall(answer(json.dumps(PATIENT).encode()))

        def listen_for_the_second() -> None:
            attempts.append(1)
            if len(attempts) == 2:
                taken.listen()
                pool.submit(answer_one)

        with before("socket.connect", port, listen_for_the_second):
            assert fetch(client, f"http://127.0.0.1:{port}/fhir") == Fetched((PATIENT,))


def test_a_refused_connection_is_tried_twice_at_most(client: FhirClient) -> None:
    attempts: list[float] = []
    with refusing() as taken:
        port = taken.getsockname()[1]
        with before("socket.connect", port, lambda: attempts.append(monotonic())):
            fetch(client, f"http://127.0.0.1:{port}/fhir")

    first, second = attempts
    assert second - first >= RETRY_PAUSE_S


def test_after_a_look_up_that_took_too_long_no_token_is_sent(limited: Any) -> None:
    client, found = limited(), threading.Event()
    with FhirServer() as server:
        server.on("Patient/2", ok(PATIENT))
        port = int(server.origin.rpartition(":")[2])

        with before("socket.getaddrinfo", port, lambda: found.wait(10)):
            assert fetch(client, f"http://localhost:{port}/fhir", within_s=BRIEF_S) == failed(Failure.TIMED_OUT)
            found.set()
            client.close()
            for thread in threading.enumerate():
                if thread.name.startswith("fhir-read"):
                    thread.join()
        # Connections are taken in turn: what came before this one has come.
        assert fetch(limited(), server.base, "Patient/2") == Fetched((PATIENT,))

    assert [asked.target for asked in server.asked] == ["/fhir/Patient/2"]


# --------------------------------------------------------------------------------------------------------- paging

FIRST = "Observation?patient=1"


def paged(server: FhirServer, *links: str | None) -> None:
    """Let the first search and the pages after it lead to these addresses."""
    for number, link in enumerate(links, start=1):
        server.on(FIRST if number == 1 else f"Observation?page={number}", page(number, link))


def shown(fetched: Fetched) -> list[str]:
    """The ids of the resources on the pages."""
    return [entry["resource"]["id"] for one in fetched.pages for entry in one["entry"]]


@pytest.mark.requirement("cds-hooks-2.0", 43)
def test_next_links_are_followed_to_the_last_page(client: FhirClient, server: FhirServer) -> None:
    paged(server, f"{server.base}/Observation?page=2", "Observation?page=3", None)

    fetched = fetch(client, server.base, FIRST)

    assert (shown(fetched), fetched.failure, fetched.incomplete) == (["1", "2", "3"], None, False)
    assert [asked.headers["authorization"] for asked in server.asked] == [f"Bearer {TOKEN}"] * 3


def test_a_next_link_may_be_the_bare_base_with_a_query(client: FhirClient, server: FhirServer) -> None:
    address = f"{server.base}?_getpages=0b5e&_getpagesoffset=20"
    server.on(FIRST, page(1, address))
    server.on("/fhir?_getpages=0b5e&_getpagesoffset=20", page(2, None))

    assert shown(fetch(client, server.base, FIRST)) == ["1", "2"]


def test_pages_stop_at_the_limit(server: FhirServer, limited: Any) -> None:
    paged(server, *(f"{server.base}/Observation?page={number}" for number in range(2, 9)))

    fetched = fetch(limited(max_pages=3), server.base, FIRST)

    assert (shown(fetched), fetched.failure, fetched.incomplete) == (["1", "2", "3"], None, True)
    assert len(server.asked) == 3


@pytest.mark.parametrize("link", [FIRST, "Observation?page=2", ""])
def test_a_next_link_in_a_circle_is_not_followed(client: FhirClient, server: FhirServer, link: str) -> None:
    paged(server, "Observation?page=2", link)

    fetched = fetch(client, server.base, FIRST)

    assert (shown(fetched), fetched.failure, fetched.incomplete) == (["1", "2"], None, True)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "behaviour", [silent, drip_body, reset_mid_body, status(500), status(401), status(302, location="/fhir/x")]
)
def test_a_later_page_that_fails_leaves_the_earlier_ones(
    client: FhirClient, server: FhirServer, behaviour: Behaviour
) -> None:
    paged(server, "Observation?page=2")
    server.on("Observation?page=2", behaviour)

    fetched = fetch(client, server.base, FIRST, within_s=4 * BRIEF_S)

    assert (shown(fetched), fetched.failure, fetched.incomplete) == (["1"], None, True)


def test_a_next_link_without_an_address_leaves_the_search_incomplete(client: FhirClient, server: FhirServer) -> None:
    bundle = page_of(1) | {"link": [{"relation": "next"}]}
    server.on(FIRST, ok(bundle))

    assert fetch(client, server.base, FIRST) == Fetched((bundle,), incomplete=True)


@pytest.mark.parametrize("link", [None, 7, "next", ["next"], [{"relation": 7, "url": "x"}], {"relation": "self"}])
def test_odd_links_are_no_next_link(client: FhirClient, server: FhirServer, link: Any) -> None:
    server.on(FIRST, ok(EMPTY | {"link": link}))

    assert fetch(client, server.base, FIRST) == Fetched((EMPTY | {"link": link},))


# ------------------------------------------------------------------------------------------------- hostile addresses

BASE = "https://ehr.example/fhir"

HOSTILE = {
    "the base as a parameter": "https://evil.example/?u=https://ehr.example/fhir/Patient/1",
    "the base as a path": "https://evil.example/https://ehr.example/fhir/Patient/1",
    "the base as a fragment": "https://evil.example/#https://ehr.example/fhir/",
    "a host that begins like ours": "https://ehr.example.evil.example/fhir/Patient/1",
    "a host that ends like ours": "https://evil-ehr.example/fhir/Patient/1",
    "ours as the user": "https://ehr.example@evil.example/fhir/Patient/1",
    "ours as user and password": "https://ehr.example:443@evil.example/fhir/Patient/1",
    "a user at ours": "https://user@ehr.example/fhir/Patient/1",
    "a backslash before the at": "https://ehr.example\\@evil.example/fhir/Patient/1",
    "backslashes for slashes": "https:\\\\evil.example\\fhir\\Patient",
    "no scheme": "//evil.example/fhir/Patient/1",
    "three slashes": "///evil.example/fhir/Patient/1",
    "another port": "https://ehr.example:8443/fhir/Patient/1",
    "port nought": "https://ehr.example:0/fhir/Patient/1",
    "a port that is none": "https://ehr.example:port/fhir/Patient/1",
    "another scheme": "http://ehr.example/fhir/Patient/1",
    "another scheme, our port": "http://ehr.example:443/fhir/Patient/1",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://ehr.example/fhir/Patient/1",
    "a script": "javascript:alert(1)",
    "up": "../admin",
    "up and down again": "Patient/../../fhir/Patient/1",
    "up, in full": "https://ehr.example/fhir/../admin",
    "up, encoded": "https://ehr.example/fhir/%2e%2e/admin",
    "up, half encoded": "Patient/.%2E/.%2e/admin",
    "up, encoded twice": "Patient/%252e%252e/admin",
    "up, for Java servers": "https://ehr.example/fhir/..;/admin",
    "up, at the end": "https://ehr.example/fhir/..",
    "an encoded slash": "Patient%2f..%2f..%2fadmin",
    "an encoded backslash": "Patient/..%5c..%5cadmin",
    "a path that begins like ours": "https://ehr.example/fhirX/Patient/1",
    "a path of another case": "https://ehr.example/FHIR/Patient/1",
    "the path above ours": "https://ehr.example/",
    "from the root": "/admin",
    "a fragment": "Patient/1#x",
    "a fragment in the query": "Observation?patient=1#x",
    "a line break": "https://ehr.example/fhir/Patient/1\r\nX-Evil: 1",
    "a line break in the query": "Observation?patient=1\r\nX-Evil: 1",
    "a tab in the scheme": "ht\ttps://evil.example/",
    "a null": "Patient/1\x00",
    "a trailing dot": "https://ehr.example./fhir/Patient/1",
    "a letter that looks the same": "https://\u0435hr.example/fhir/Patient/1",
    "a wide letter": "https://\uff45hr.example/fhir/Patient/1",
    "a wide slash": "https://ehr.example\uff0fevil.example/fhir/Patient/1",
    "an encoded letter in the host": "https://%65hr.example/fhir/Patient/1",
    "an address instead of the name": "https://169.254.169.254/fhir/Patient/1",
    "a broken IPv6 address": "https://[::1/fhir/Patient/1",
    "nothing": "",
}


@pytest.mark.parametrize("address", HOSTILE.values(), ids=HOSTILE)
def test_an_address_that_is_not_below_the_base_is_refused(address: str) -> None:
    assert target_of(BASE, address) is None


@pytest.mark.parametrize(
    ("address", "path", "below", "query"),
    [
        ("Patient/1", "/fhir/Patient/1", "Patient/1", ""),
        ("Observation?code=http://loinc.org|1-2", "/fhir/Observation", "Observation", "code=http://loinc.org|1-2"),
        (r"Observation?code=a\,b&name=x y", "/fhir/Observation", "Observation", r"code=a\,b&name=x y"),
        ("Observation?date=ge2026-01-01&x=../..", "/fhir/Observation", "Observation", "date=ge2026-01-01&x=../.."),
        ("https://ehr.example/fhir/Patient/1", "/fhir/Patient/1", "Patient/1", ""),
        ("HTTPS://EHR.Example:443/fhir/Patient/1.2", "/fhir/Patient/1.2", "Patient/1.2", ""),
        ("/fhir/Patient/1", "/fhir/Patient/1", "Patient/1", ""),
        ("?_getpages=1", "/fhir/", "", "_getpages=1"),
        ("https://ehr.example/fhir?_getpages=1", "/fhir", "", "_getpages=1"),
    ],
)
def test_an_address_below_the_base_is_taken(address: str, path: str, below: str, query: str) -> None:
    for base in (BASE, f"{BASE}/"):
        assert target_of(base, address) == Target("https://ehr.example", path, below, query)


@pytest.mark.parametrize(
    "base",
    [
        "",
        "ehr.example/fhir",
        "ftp://ehr.example/fhir",
        "https://user:secret@ehr.example/fhir",
        "https://ehr.example/fhir?tenant=1",
        "https://ehr.example/fhir#1",
        "https:///fhir",
        "https://ehr.example/a/../fhir",
        "https://[::1/fhir",
    ],
)
def test_a_base_that_cannot_be_read_one_way_only_allows_nothing(client: FhirClient, base: str) -> None:
    assert fetch(client, base) == failed(Failure.NOT_ALLOWED)


def test_a_base_at_the_root_of_its_host_holds_all_of_it() -> None:
    assert target_of("https://ehr.example", "Patient/1") == Target("https://ehr.example", "/Patient/1", "Patient/1", "")


def elsewhere(server: FhirServer, catcher: FhirServer) -> dict[str, str]:
    """Ways to name the catcher, or something on the server that is not FHIR."""
    ours, port = server.origin.removeprefix("http://"), catcher.origin.rpartition(":")[2]
    return {
        "plainly": f"{catcher.base}/Patient/1",
        "with the base as a parameter": f"{catcher.base}/Patient/1?u={server.base}/",
        "with ours as the user": f"http://{ours}@127.0.0.1:{port}/fhir/Patient/1",
        "with a backslash": f"http://{ours}\\@127.0.0.1:{port}/fhir/Patient/1",
        "without a scheme": f"//127.0.0.1:{port}/fhir/Patient/1",
        "by its port": f"http://127.0.0.1:{port}/fhir/Patient/1",
        "by another name": f"http://localhost:{port}/fhir/Patient/1",
        "in hexadecimal": f"http://0x7f000001:{port}/fhir/Patient/1",
        "ours by another name": f"http://localhost:{server.origin.rpartition(':')[2]}/fhir/Patient/1",
        "up": "../admin",
        "up, encoded": f"{server.base}/%2e%2e/admin",
        "beside": f"{server.base}X/Patient/1",
    }


def test_nothing_is_sent_to_an_address_elsewhere(client: FhirClient, server: FhirServer, catcher: FhirServer) -> None:
    queries = elsewhere(server, catcher)

    results = client.fetch(queries, Access(server.base, TOKEN), WITHIN_S)

    assert results == dict.fromkeys(queries, failed(Failure.NOT_ALLOWED))
    assert (server.connections, catcher.connections) == (0, 0)


def test_a_next_link_elsewhere_is_not_followed(client: FhirClient, server: FhirServer, catcher: FhirServer) -> None:
    links = elsewhere(server, catcher)
    for name, link in links.items():
        server.on(f"Observation?name={name.replace(' ', '%20')}", page(1, link))

    results = client.fetch({name: f"Observation?name={name}" for name in links}, Access(server.base, TOKEN), 5)

    assert [(shown(one), one.failure, one.incomplete) for one in results.values()] == [(["1"], None, True)] * len(links)
    assert (len(server.asked), catcher.connections) == (len(links), 0)


# ----------------------------------------------------------------------------------------------- what scopes allow


@pytest.mark.requirement("cds-hooks-2.0", 61)
@pytest.mark.parametrize(
    ("scope", "read", "search"),
    [
        ("", True, True),
        ("patient/*.*", True, True),
        ("launch user/*.read openid", True, True),
        ("user/Observation.rs", True, True),
        ("user/Observation.s", False, True),
        ("patient/Observation.r", True, False),
        ("patient/Observation.cruds?category=laboratory", True, True),
        ("user/Observation.write", False, False),
        ("user/Observation.cud", False, False),
        ("patient/Patient.read launch", False, False),
        ("patient/Patient.read user/Observation.read", True, True),
        ("Patient.Search (R4) Observation.Read (Labs)", True, True),
    ],
)
def test_what_the_token_does_not_cover_is_not_asked(
    client: FhirClient, server: FhirServer, scope: str, read: bool, search: bool
) -> None:
    server.on("Observation/1", ok(PATIENT))
    server.on(FIRST, ok(PATIENT))
    expected = {True: Fetched((PATIENT,)), False: failed(Failure.NOT_PERMITTED)}

    assert fetch(client, server.base, "Observation/1", scope=scope) == expected[read]
    assert fetch(client, server.base, FIRST, scope=scope) == expected[search]
    assert len(server.asked) == read + search


def test_without_a_token_scopes_mean_nothing(client: FhirClient, server: FhirServer) -> None:
    server.on(READ, ok(PATIENT))

    assert fetch(client, server.base, token="", scope="patient/Observation.read") == Fetched((PATIENT,))


# ------------------------------------------------------------------------------------------ bulkhead, circuit breaker


def test_a_server_that_takes_all_places_is_busy_at_once(server: FhirServer, limited: Any) -> None:
    client, asked = limited(in_flight=2), threading.Semaphore(0)
    release = threading.Event()

    def hold(line: Any) -> bool:
        asked.release()
        return release.wait(60) and ok(PATIENT)(line)

    server.on(READ, hold)
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(client.fetch, {"a": READ, "b": READ}, Access(server.base), 60)
        for _ in range(2):
            assert asked.acquire(timeout=5)

        began = monotonic()
        refused = client.fetch({"c": READ}, Access(server.base), WITHIN_S)
        took_s = monotonic() - began
        release.set()

    assert refused == {"c": failed(Failure.BUSY)}
    assert took_s < SLACK_S
    assert holding.result() == dict.fromkeys("ab", Fetched((PATIENT,)))
    assert server.connections == 2


def test_a_call_makes_do_with_the_places_that_are_free(server: FhirServer, limited: Any) -> None:
    server.on(READ, ok(PATIENT))

    results = limited(in_flight=1).fetch(dict.fromkeys("abc", READ), Access(server.base), 5)

    assert results == dict.fromkeys("abc", Fetched((PATIENT,)))
    assert server.connections == 1


@pytest.mark.parametrize("behaviour", [silent, drip_headers, drip_body, drip_until_closed, drip_chunks])
def test_a_place_is_free_again_when_the_call_is_over(server: FhirServer, limited: Any, behaviour: Behaviour) -> None:
    server.on(READ, behaviour)
    server.on("Patient/2", ok(PATIENT))
    client = limited(in_flight=1)

    assert fetch(client, server.base, within_s=BRIEF_S) == failed(Failure.TIMED_OUT)
    assert fetch(client, server.base, "Patient/2") == Fetched((PATIENT,))


def test_one_origin_does_not_take_the_places_of_another(server: FhirServer, limited: Any) -> None:
    client = limited(in_flight=1)
    release = threading.Event()
    asked = threading.Event()

    def hold(line: Any) -> bool:
        asked.set()
        return release.wait(60) and ok(PATIENT)(line)

    server.on(READ, hold)
    with FhirServer() as other, ThreadPoolExecutor(1) as pool:
        other.on(READ, ok(PATIENT))
        holding = pool.submit(client.fetch, {"a": READ}, Access(server.base), 60)
        assert asked.wait(5)

        assert fetch(client, other.base) == Fetched((PATIENT,))
        release.set()
        assert holding.result() == {"a": Fetched((PATIENT,))}


@pytest.mark.parametrize("behaviour", [status(500), status(503), silent, reset_mid_body])
def test_a_failing_server_is_left_alone(server: FhirServer, limited: Any, behaviour: Behaviour) -> None:
    server.on(READ, behaviour)
    client = limited(failures_to_open=2)
    for _ in range(2):
        assert fetch(client, server.base, within_s=BRIEF_S).failure in (
            Failure.SERVER_ERROR,
            Failure.BUSY,
            Failure.TIMED_OUT,
            Failure.BROKEN_OFF,
        )

    assert fetch(client, server.base) == failed(Failure.NOT_TRIED)
    assert len(server.asked) == 2


def test_a_refusing_server_is_left_alone(limited: Any) -> None:
    client = limited(failures_to_open=1)
    with refusing() as taken:
        base = f"http://127.0.0.1:{taken.getsockname()[1]}/fhir"

        assert fetch(client, base) == failed(Failure.UNREACHABLE)
        assert fetch(client, base) == failed(Failure.NOT_TRIED)


@pytest.mark.parametrize(
    "behaviour",
    [
        *(status(code) for code in (400, 401, 403, 404, 410, 422, 429, 302, 204)),
        ok(PATIENT, content_type="text/html"),
        ok(PATIENT, content_encoding="gzip"),
        ok([]),
        endless_body,
    ],
)
def test_an_answer_that_is_no_failure_of_the_server_does_not_count(
    server: FhirServer, limited: Any, behaviour: Behaviour
) -> None:
    server.on(READ, behaviour)
    server.on("Patient/2", ok(PATIENT))
    client = limited(failures_to_open=1)

    assert fetch(client, server.base).failure
    assert fetch(client, server.base, "Patient/2") == Fetched((PATIENT,))


def test_a_server_that_was_left_alone_is_tried_again_and_taken_back(server: FhirServer, limited: Any) -> None:
    server.on(READ, status(500))
    server.on("Patient/2", ok(PATIENT))
    client = limited(failures_to_open=2, open_s=0.0)
    fetch(client, server.base)
    fetch(client, server.base)

    # Half open: one more failure would close the door again, a success opens it.
    assert fetch(client, server.base, "Patient/2") == Fetched((PATIENT,))
    assert fetch(client, server.base) == failed(Failure.SERVER_ERROR)
    assert fetch(client, server.base, "Patient/2") == Fetched((PATIENT,))


def test_one_failing_origin_does_not_speak_against_another(server: FhirServer, limited: Any) -> None:
    client = limited(failures_to_open=1)
    with FhirServer() as failing:
        failing.on(READ, status(500))
        server.on(READ, ok(PATIENT))
        fetch(client, failing.base)

        assert fetch(client, failing.base) == failed(Failure.NOT_TRIED)
        assert fetch(client, server.base) == Fetched((PATIENT,))


# --------------------------------------------------------------------------------------------------------- TLS, leaks


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that 127.0.0.1 made for itself, with its key."""
    made = tmp_path_factory.mktemp("tls") / "loopback.pem"
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=loopback "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {made} -out {made}.crt".split(" "),
        check=True,
        capture_output=True,
    )
    made.write_text(made.read_text() + Path(f"{made}.crt").read_text())
    return made


@pytest.fixture
def secured(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_nobody_vouches_for_gets_no_request(
    client: FhirClient, secured: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with FhirServer(secured) as server:
        server.on(READ, ok(PATIENT))

        assert fetch(client, server.base) == failed(Failure.NOT_SECURE)
        assert (server.connections, server.asked) == (1, [])


def test_a_site_names_its_own_authorities(secured: ssl.SSLContext, certificate: Path, limited: Any) -> None:
    client = limited(ca_file=str(certificate))
    with FhirServer(secured) as server:
        server.on(READ, ok(PATIENT))
        server.on("Patient/2", drip_body)
        server.on("Patient/3", reset_mid_body)

        assert fetch(client, server.base) == Fetched((PATIENT,))
        assert fetch(client, server.base) == Fetched((PATIENT,))
        assert server.connections == 1
        assert fetch(client, server.base, "Patient/2", within_s=BRIEF_S) == failed(Failure.TIMED_OUT)
        assert fetch(client, server.base, "Patient/3") == failed(Failure.BROKEN_OFF)


def test_what_is_no_tls_any_more_is_not_secure_before_the_answer_and_breaks_it_off_after(
    secured: ssl.SSLContext, certificate: Path, limited: Any
) -> None:
    def in_the_clear(secured: bytes) -> Behaviour:
        def behave(line: Line) -> bool:
            line.send(secured)
            os.write(line.socket.fileno(), b"not of TLS " * 10)  # past the layer that would make records of it
            line.rest()
            return False

        return behave

    client = limited(ca_file=str(certificate))
    with FhirServer(secured) as server:
        server.on(READ, in_the_clear(b"HTTP/1.1 200 OK\r\n"))
        server.on("Patient/2", in_the_clear(answer(b"", content_length="1000")))

        assert fetch(client, server.base) == failed(Failure.NOT_SECURE)
        assert fetch(client, server.base, "Patient/2") == failed(Failure.BROKEN_OFF)


def test_a_certificate_for_another_host_gets_no_request(
    secured: ssl.SSLContext, certificate: Path, limited: Any
) -> None:
    client = limited(ca_file=str(certificate))
    with FhirServer(secured) as server:
        server.on(READ, ok(PATIENT))
        base = server.base.replace("127.0.0.1", "localhost")

        assert fetch(client, base) == failed(Failure.NOT_SECURE)
        assert server.asked == []


def test_a_handshake_that_never_comes_ends_in_time(limited: Any) -> None:
    with socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()

        base = f"https://127.0.0.1:{deaf.getsockname()[1]}/fhir"
        assert fetch(limited(), base, within_s=BRIEF_S) == failed(Failure.TIMED_OUT)


@pytest.mark.requirement("cds-hooks-2.0", 28)
def test_a_server_without_tls_is_not_secure(client: FhirClient, server: FhirServer) -> None:
    server.on(READ, ok(PATIENT))

    assert fetch(client, server.base.replace("http:", "https:")) == failed(Failure.NOT_SECURE)


@pytest.mark.requirement("cds-hooks-2.0", 62)
def test_the_token_is_in_no_repr() -> None:
    assert TOKEN not in repr(Access(BASE, TOKEN))


@pytest.mark.requirement("cds-hooks-2.0", 62)
def test_nothing_is_logged(client: FhirClient, server: FhirServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.on(READ, ok(PATIENT))
    # What urllib3 logs with the address at WARNING.
    server.on("Patient/2", raw(answer(json.dumps(PATIENT).encode(), **{"content_type": "x\r\n: nameless"})))
    server.on("Patient/3", reset_mid_body)

    client.fetch({str(number): f"Patient/{number}" for number in range(1, 4)}, Access(server.base, TOKEN), BRIEF_S)

    assert caplog.records == []


@pytest.mark.requirement("cds-hooks-2.0", 62)
@pytest.mark.requirement("cds-hooks-2.0", 64)
@pytest.mark.slow
def test_the_token_is_gone_when_the_call_is_over(client: FhirClient, server: FhirServer) -> None:
    server.on(READ, ok(PATIENT))
    server.on("Patient/2", drip_body)
    server.on("Patient/3", reset_mid_body)
    server.on("Patient/4", status(500))
    access = Access(server.base, f"tok-{os.urandom(8).hex()}")
    kept = weakref.ref(access)

    client.fetch({str(number): f"Patient/{number}" for number in range(1, 5)}, access, BRIEF_S)
    assert len(server.asked) == 4
    server.asked.clear()
    del access
    gc.collect()

    assert kept() is None
    assert [one for one in gc.get_objects() if any(map(holds_a_token, gc.get_referents(one)))] == []


def holds_a_token(value: object) -> bool:
    if isinstance(value, dict | tuple) and not gc.is_tracked(value):  # one of strings only
        return any(map(holds_a_token, gc.get_referents(value)))
    found = value.decode("latin-1") if isinstance(value, bytes) else value
    return isinstance(found, str) and re.search("tok-[0-9a-f]{16}", found) is not None
