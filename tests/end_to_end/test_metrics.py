"""Every number of ``/metrics``, against a scripted load on two workers.

What each number must be is counted here, from what was sent and what came back: answers, the cards' own words, the
store, the log, and what the FHIR server was asked. A number that nothing here expects fails the test, and so does a
family of numbers that nothing here moves.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from requests.utils import requote_uri
from support.fhir_server import EMPTY, Behaviour, FhirServer, Line, ok, raw, status
from support.service_process import ISSUER, ServiceProcess, service_process

from cds_service import metrics
from cds_service.data import data_path
from cds_service.events import Event
from cds_service.protocol.call import read_call
from cds_service.protocol.client_jwt import JwtFailure
from cds_service.protocol.discovery import load_services
from cds_service.protocol.signing import BAD, draft
from cds_service.scenarios import load_scenarios

Json = Any

pytestmark = pytest.mark.slow

SERVICES = load_services(data_path("hooks"))
REVIEW = "bme-result-review"
# Today's patients, so that their cards are not those about old findings.
TODAY = datetime.now(UTC).date()
STORIES = {one.name: one.request_on(TODAY) for one in load_scenarios(data_path("scenarios"))}
FOOT = STORIES["diabetic-foot-new-edema"]
QUIET = STORIES["normal-knee"]
QUERIES = read_call(FOOT, SERVICES[REVIEW]).queries()

FROM_SERVER: dict[str, tuple[Behaviour, str, str]] = {
    "patient": (ok(FOOT["prefetch"]["patient"]), "data", "answered"),
    "labs": (ok(EMPTY), "empty", "answered"),
    "temperature": (status(500), "failed", "server_error"),
    "conditions": (status(403), "failed", "not_permitted"),
    "medications": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"),
        "failed",
        "not_fhir",
    ),
    "orders": (status(404), "failed", "not_found"),
}
"""Key that is left to the FHIR server -> what that does, and what becomes of it."""

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
IN_STATES = {"labs": None, "temperature": EMPTY, "medications": OUTCOME}
AT_ONCE, PLACES = 24, 2 * 3
"""Calls sent at once, and how many of them two workers of four threads can answer."""


class Expected(Counter[str]):
    """What the numbers must be, by their names as Prometheus writes them."""

    def add(self, family: str, by: int = 1, **labels: object) -> None:
        told = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
        self[f"bme_{family}{{{told}}}" if told else f"bme_{family}"] += by

    def request(self, endpoint: str, response: requests.Response, service: str = "none") -> requests.Response:
        self.add("requests_total", endpoint=endpoint, service=service, status=response.status_code)
        self.add("request_seconds_count", endpoint=endpoint, service=service)
        return response

    def answer(self, sent: Json, response: requests.Response, from_server: Json = {}) -> list[Json]:  # noqa: B006
        """Count a call that was answered, and return its cards. ``from_server``: key -> what the server made of it."""
        service = f"bme-{sent['hook']}"
        assert self.request("call_service", response, service).status_code == 200
        *phases, total = response.headers["Server-Timing"].split(", ")
        assert total.startswith("total;dur=")
        for phase in phases:
            self.add("phase_seconds_count", service=service, phase=phase.partition(";")[0])
        for key in SERVICES[service].prefetch:
            state, outcome = from_server.get(key, (state_of(sent["prefetch"], key), ""))
            self.add("prefetch_total", key=key, state=state)
            if outcome:
                self.add("fhir_queries_total", key=key, outcome=outcome)
        cards: list[Json] = response.json()["cards"]
        if any("Not checked: " in card["detail"] for card in cards):
            self.add("incomplete_answers_total", service=service)
        return cards


def state_of(prefetch: Json, key: str) -> str:
    value = prefetch.get(key, "absent")
    if value is None or isinstance(value, str):
        return value or "null"
    if value["resourceType"] == "OperationOutcome":
        return "failed"
    if value["resourceType"] != "Bundle":
        return "data"
    # Epic sends a search without results as a Bundle with a warning in it.
    kinds = {entry["resource"]["resourceType"] for entry in value.get("entry", [])}
    return "data" if kinds - {"OperationOutcome"} else "empty"


class Load:
    """The script. Each step counts what it must have moved."""

    def __init__(self, service: ServiceProcess, server: FhirServer, home: Path) -> None:
        self.service = service
        self.server = server
        self.database = home / "state" / "store.sqlite3"
        self.expected = Expected()
        self.expected.add("requests_total", endpoint="live", service="none", status=200)  # until it answered
        self.expected.add("request_seconds_count", endpoint="live", service="none")
        self.sent: list[tuple[str, Json]] = []
        """Service and card of every card that came."""

    def post(self, sent: Json, token: str | None = None) -> requests.Response:
        return self.service.post(f"/cds-services/bme-{sent['hook']}", sent, token)

    def call(self, sent: Json, **more: Any) -> list[Json]:
        sent = {**sent, "hookInstance": str(uuid4())}
        return self.keep(sent, self.expected.answer(sent, self.post(sent), **more))

    def keep(self, sent: Json, cards: list[Json]) -> list[Json]:
        self.sent += [(f"bme-{sent['hook']}", card) for card in cards]
        return cards

    def every_scenario(self) -> None:
        with ThreadPoolExecutor(3) as threads:
            for sent, response in zip(STORIES.values(), threads.map(self.post, STORIES.values()), strict=True):
                self.keep(sent, self.expected.answer(sent, response))

    def other_states_of_prefetch(self) -> None:
        prefetch = {key: value for key, value in FOOT["prefetch"].items() if key != "orders"}
        self.call({**FOOT, "prefetch": {**prefetch, **IN_STATES}})

    def keys_from_the_server(self) -> None:
        for key, (behaviour, _, _) in FROM_SERVER.items():
            self.server.on(requote_uri(QUERIES[key]), behaviour)
        prefetch = {key: value for key, value in FOOT["prefetch"].items() if key not in FROM_SERVER}
        sent = {**FOOT, "prefetch": prefetch, "fhirServer": self.server.base}
        self.call(sent, from_server={key: became for key, (_, *became) in FROM_SERVER.items()})

        assert len(self.server.asked) == len(FROM_SERVER)

    def feedback(self) -> None:
        first, second = self.call(FOOT)
        self.kept()  # a card is kept a moment after it was sent, and nobody answers within that
        told = [{"card": first["uuid"], "outcome": "accepted"}, {"card": second["uuid"], "outcome": "overridden"}]
        for one in told:
            response = self.service.post(f"/cds-services/{REVIEW}/feedback", {"feedback": [one]})
            assert self.expected.request("take_feedback", response, REVIEW).status_code == 200
            self.expected.add("feedback_total", outcome=one["outcome"])

    def silence(self) -> None:
        """What was answered in ``feedback`` is not shown again."""
        left = len(self.call(FOOT))
        assert left < 2
        self.expected.add("silent_cards_total", 2 - left, service=REVIEW)

    def refused(self) -> None:
        """Calls of which nothing is assessed."""
        path = f"/cds-services/{REVIEW}"
        for body, code in ((b"{", 400), ([], 400), ({**FOOT, "prefetch": {}}, 412)):
            response = self.expected.request("call_service", self.service.post(path, body), REVIEW)
            assert response.status_code == code
        for address, endpoint in (("/cds-services/bme-nothing", "call_service"), ("/nothing", "none")):
            assert self.expected.request(endpoint, self.service.post(address, FOOT)).status_code == 404
        headers = {"Authorization": f"Bearer {self.service.token(path)}"}
        put = requests.put(f"{self.service.url}{path}", headers=headers, timeout=30)
        assert self.expected.request("none", put).status_code == 405

    def bad_tokens(self) -> None:
        path = f"/cds-services/{REVIEW}"
        good = draft(self.service.key, ISSUER, f"{self.service.url}{path}", time.time())
        bad = [(reason, self.post(FOOT, make(good))) for reason, make in BAD.values()]
        bad.append((JwtFailure.NO_TOKEN, requests.post(f"{self.service.url}{path}", json=FOOT, timeout=30)))
        once = self.service.token(path)
        self.keep(FOOT, self.expected.answer(FOOT, self.post(FOOT, once)))
        bad += [(JwtFailure.REPLAYED, self.post(FOOT, once)) for _ in range(3)]
        for reason, response in bad:
            assert self.expected.request("call_service", response, REVIEW).status_code == 401
            self.expected.add("token_failures_total", reason=reason)
        wrong = requests.get(f"{self.service.url}/metrics", headers={"Authorization": "Bearer guessed"}, timeout=30)
        assert self.expected.request("show_metrics", wrong).status_code == 401
        self.expected.add("token_failures_total", reason="admin token missing or wrong")

    def too_many_at_once(self) -> None:
        """Hold all places with a FHIR server that does not answer; the calls beyond them are refused meanwhile."""
        release = threading.Event()

        def hold(line: Line) -> bool:
            return release.wait(60) and ok(EMPTY)(line)

        self.server.on(requote_uri(QUERIES["temperature"]), hold)
        prefetch = {key: value for key, value in FOOT["prefetch"].items() if key != "temperature"}
        sent = {**FOOT, "prefetch": prefetch, "fhirServer": self.server.base, "hookInstance": str(uuid4())}
        with ThreadPoolExecutor(AT_ONCE) as threads:
            calls = [threads.submit(self.post, sent) for _ in range(AT_ONCE)]
            for number, _ in enumerate(as_completed(calls, timeout=60), start=1):
                if number == AT_ONCE - PLACES:
                    release.set()
        responses = [one.result() for one in calls]
        held = [one for one in responses if one.status_code == 200]
        assert 0 < len(held) <= PLACES
        for one in held:
            self.keep(sent, self.expected.answer(sent, one, from_server={"temperature": ("empty", "answered")}))
        for one in responses:
            if one not in held:
                assert self.expected.request("call_service", one, REVIEW).status_code == 503

    def other_addresses(self) -> None:
        for path, endpoint in (
            ("/health/live", "live"),
            ("/health/ready", "ready"),
            ("/transparency.json", "send_transparency"),
        ):
            assert self.expected.request(endpoint, requests.get(f"{self.service.url}{path}", timeout=30)).ok

    def store_fails(self) -> None:
        """Have tokens remembered by each process alone: a replay passes where it comes to the other one."""
        with locked(self.database):
            for token in [self.service.token(f"/cds-services/{REVIEW}") for _ in range(2)] * 2:
                response = self.post(QUIET, token)
                if response.status_code == 200:
                    self.expected.answer(QUIET, response)
                    self.expected.add("tokens_remembered_here_total")
                else:
                    assert self.expected.request("call_service", response, REVIEW).status_code == 401
                    self.expected.add("token_failures_total", reason=JwtFailure.REPLAYED)
            ready = requests.get(f"{self.service.url}/health/ready", timeout=30)
            assert self.expected.request("ready", ready).json() == {"status": "degraded", "store": "fails"}

    def cards_in_the_store(self) -> None:
        """Count the cards that came, by what was kept of them."""
        kept = self.kept()
        for service, card in self.sent:
            rules, tier = kept[card["uuid"]]
            self.expected.add("cards_total", service=service, topic=card["source"]["topic"]["code"], tier=tier)
            for rule in rules:
                self.expected.add("card_rules_total", rule=rule, tier=tier)

    def kept(self) -> dict[str, tuple[list[str], str]]:
        """Return rules and tier of all cards that came, by their ids, as soon as they are in the store."""
        return until(self._rows, lambda rows: {card["uuid"] for _, card in self.sent} <= rows.keys())

    def _rows(self) -> dict[str, tuple[list[str], str]]:
        with closing(sqlite3.connect(self.database)) as database:
            rows = database.execute("SELECT card, rules, tier FROM issued_cards")
            return {card: (json.loads(rules), tier) for card, rules, tier in rows}

    def settled(self) -> dict[str, float]:
        """Return the numbers once every line of the log is written that was counted, and expect what the log says."""

        def read() -> tuple[dict[str, float], Counter[str]]:
            found = self.service.metrics()
            return found, Counter(Event(one["event"]).name.lower() for one in self.service.events)

        found, lines = until(read, lambda pair: of_family("events_total", pair[0]) == pair[1].total())
        for event, times in lines.items():
            self.expected.add("events_total", times, event=event)
        # Each look is counted after what it shows was written.
        at = 'bme_requests_total{endpoint="show_metrics",service="none",status="200"}'
        looked = {name: value for name, value in found.items() if name != at}
        self.expected.add("request_seconds_count", int(found.get(at, 0)), endpoint="show_metrics", service="none")
        return looked


def until(look: Any, is_so: Any, within_s: float = 20) -> Any:
    """Return what is seen as soon as it is so."""
    give_up = time.monotonic() + within_s
    while not is_so(seen := look()):
        assert time.monotonic() < give_up, seen
        time.sleep(0.02)
    return seen


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Let nobody else write to a database."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def of_family(name: str, found: dict[str, float]) -> float:
    return sum(value for one, value in found.items() if one.partition("{")[0] == f"bme_{name}")


def test_every_number_is_right_with_two_workers(tmp_path: Path):
    settings = {"workers": "2", "threads": "4", "fhir_deadline_s": "30"}
    with (
        FhirServer() as server,
        service_process(tmp_path, fhir_servers=json.dumps([server.base]), **settings) as service,
    ):
        load = Load(service, server, tmp_path)
        load.every_scenario()
        load.other_states_of_prefetch()
        load.keys_from_the_server()
        load.refused()
        load.bad_tokens()
        load.too_many_at_once()
        load.other_addresses()
        load.feedback()
        load.silence()
        load.cards_in_the_store()
        load.store_fails()
        found = load.settled()
        counting = {path.name for path in tmp_path.glob("tmp/*/counter_*.db")}

    buckets = {name for name in found if "_bucket{" in name}
    sums = {name: value for name, value in found.items() if "_sum{" in name}
    assert {name: value for name, value in found.items() if name not in buckets | sums.keys()} == load.expected
    # Times differ from run to run: there is one for all that was counted, and it took time.
    assert {name.replace("_sum{", "_count{") for name, value in sums.items() if value > 0} == {
        name for name in load.expected if "_seconds_count{" in name
    }
    # Nothing is counted that this load does not move.
    families = {f"{name}_total" for name in metrics.COUNTERS} | {f"{name}_count" for name in metrics.SECONDS}
    assert {name for name in families if of_family(name, found) == 0} == set()
    assert len(counting) == 3  # of the one that starts the workers, and of each of them
