"""The service under gunicorn: several workers, too many calls, a store that fails, and the end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from support.fhir_server import EMPTY, FhirServer, ok
from support.postgresql import cluster, programs
from support.service_process import ADMIN_TOKEN, ServiceProcess, service_process

from cds_service.data import data_path

Json = Any

pytestmark = pytest.mark.slow

REVIEW = "/cds-services/bme-result-review"
STORY: Json = json.loads((data_path("scenarios") / "diabetic-foot-new-edema" / "request.json").read_text())


def feedback(card: Json, **how: Json) -> Json:
    return {"feedback": [{"card": card["uuid"], "outcome": "accepted", **how}]}


class Holding:
    """A FHIR server that answers nothing until it is told to, and knows how many ask it."""

    def __init__(self, server: FhirServer) -> None:
        self.asked = threading.Semaphore(0)
        self.release = threading.Event()
        self.call = {**STORY, "hookInstance": str(uuid4()), "fhirServer": server.base}
        self.call["prefetch"] = {**STORY["prefetch"]}
        del self.call["prefetch"]["temperature"]
        server.every(self._hold)

    def _hold(self, line: Any) -> bool:
        self.asked.release()
        return self.release.wait(60) and ok(EMPTY)(line)


# ------------------------------------------------------------------------------------------------- several workers


def test_of_many_replays_to_two_workers_one_is_answered(tmp_path: Path):
    with service_process(tmp_path, workers="2") as service, ThreadPoolExecutor(16) as threads:
        for _ in range(5):
            token = service.token(REVIEW)
            sent = [threads.submit(service.post, REVIEW, STORY, token) for _ in range(16)]

            assert Counter(one.result().status_code for one in sent) == {200: 1, 401: 15}


def test_what_is_counted_is_gone_with_the_service_and_shown_to_nobody_else(tmp_path: Path):
    with service_process(tmp_path) as service:
        answers = [
            requests.get(f"{service.url}/metrics", headers=headers, timeout=30).status_code
            for headers in ({}, {"Authorization": "Bearer guessed"}, {"Authorization": f"Bearer {ADMIN_TOKEN}"})
        ]

    assert (answers, list((tmp_path / "tmp").iterdir())) == ([401, 401, 200], [])


# ------------------------------------------------------------------------------------------------- too many calls


def test_calls_beyond_the_limit_are_refused_at_once_and_the_others_answered(tmp_path: Path):
    with FhirServer() as server:
        holding = Holding(server)
        settings = {"workers": "1", "threads": "6", "calls_at_once": "3", "fhir_deadline_s": "30"}
        with service_process(tmp_path, fhir_servers=json.dumps([server.base]), **settings) as service:
            with ThreadPoolExecutor(3) as threads:
                held = [threads.submit(service.post, REVIEW, holding.call) for _ in range(3)]
                for _ in held:
                    assert holding.asked.acquire(timeout=30)
                refused = [service.post(REVIEW, STORY) for _ in range(5)]
                live = requests.get(f"{service.url}/health/live", timeout=30).status_code
                holding.release.set()
                answered = [one.result().status_code for one in held]
            again = service.post(REVIEW, STORY).status_code

    assert [(one.status_code, one.headers["Retry-After"]) for one in refused] == [(503, "1")] * 5
    assert refused[0].json()["issue"][0]["code"] == "throttled"
    assert (live, answered, again) == (200, [200] * 3, 200)


# ------------------------------------------------------------------------------------------------- the end


def test_a_call_in_progress_is_answered_after_the_order_to_stop(tmp_path: Path):
    with FhirServer() as server:
        holding = Holding(server)
        settings = {"fhir_deadline_s": "30", "fhir_servers": json.dumps([server.base])}
        with service_process(tmp_path, **settings) as service, ThreadPoolExecutor(4) as threads:
            held = [threads.submit(service.post, REVIEW, holding.call) for _ in range(4)]
            for _ in held:
                assert holding.asked.acquire(timeout=30)
            service.process.send_signal(signal.SIGTERM)
            _until_refused(service)
            holding.release.set()

            assert [len(one.result().json()["cards"]) for one in held] == [2] * 4
            assert service.process.wait(60) == 0


def test_the_order_to_stop_breaks_no_answer_under_load(tmp_path: Path):
    body = json.dumps(STORY).encode()
    done: Counter[str] = Counter()
    enough, stop = threading.Semaphore(0), threading.Event()

    def ask_again_and_again(service: ServiceProcess) -> None:
        while not stop.is_set():
            connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=30)
            headers = {"Authorization": f"Bearer {service.token(REVIEW)}", "Content-Type": "application/json"}
            try:
                connection.request("POST", REVIEW, body, headers)
                response = connection.getresponse()
            except (ConnectionError, http.client.RemoteDisconnected):
                done["not begun"] += 1  # refused, or closed before a byte of an answer
                return
            # Raises IncompleteRead when an answer that was begun does not arrive whole.
            done[f"{response.status} {len(json.loads(response.read())['cards'])} cards"] += 1
            connection.close()
            enough.release()

    with service_process(tmp_path, workers="2") as service, ThreadPoolExecutor(8) as threads:
        running = [threads.submit(ask_again_and_again, service) for _ in range(8)]
        for _ in range(60):
            assert enough.acquire(timeout=60)
        service.process.send_signal(signal.SIGTERM)
        code = service.process.wait(60)
        stop.set()
        for one in running:
            one.result()

    assert code == 0
    assert done["200 2 cards"] >= 60
    assert set(done) <= {"200 2 cards", "not begun"}


def _until_refused(service: ServiceProcess) -> None:
    """Wait until no new connection is taken any more."""
    while True:
        try:
            requests.get(f"{service.url}/health/live", timeout=5)
        except requests.RequestException:
            return


# ------------------------------------------------------------------------------------------------- a store that fails


def test_without_its_store_the_service_goes_on_and_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    broken = f"sqlite:///{tmp_path / 'file' / 'store.sqlite3'}"
    with service_process(tmp_path, workers="1", store_url=broken) as service:
        tokens = [service.token(REVIEW) for _ in range(3)]
        answers = [service.post(REVIEW, STORY, token) for token in tokens]
        replays = [service.post(REVIEW, STORY, token).status_code for token in tokens]
        told = service.post(f"{REVIEW}/feedback", feedback(answers[0].json()["cards"][0]))
        ready = requests.get(f"{service.url}/health/ready", timeout=30)
        found = service.metrics()
        events = [one["event"] for one in service.events]

    assert ([one.status_code for one in answers], replays) == ([200] * 3, [401] * 3)
    assert (told.status_code, told.headers["Retry-After"]) == (503, "60")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert found["bme_tokens_remembered_here_total"] == 4
    assert sum("remembered in each process only" in event for event in events) == 1


def test_a_site_may_have_calls_refused_while_its_store_fails(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    broken = f"sqlite:///{tmp_path / 'file' / 'store.sqlite3'}"
    with service_process(tmp_path, store_url=broken, store_required="true") as service:
        refused = service.post(REVIEW, STORY)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    assert refused.json()["issue"][0]["code"] == "transient"


@pytest.mark.xdist_group("postgresql")
def test_a_postgresql_that_stops_and_comes_back_stops_no_card(tmp_path: Path):
    if programs() is None:
        missing = "PostgreSQL is not installed (Debian: postgresql)"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with cluster() as server, service_process(tmp_path, workers="1", store_url=server.new_database()) as service:
        before = service.post(REVIEW, STORY)
        server.stop()
        without = service.post(REVIEW, STORY)
        told = service.post(f"{REVIEW}/feedback", feedback(before.json()["cards"][0])).status_code
        ready = requests.get(f"{service.url}/health/ready", timeout=30).json()["status"]

    assert (before.status_code, without.status_code, told, ready) == (200, 200, 503, "degraded")
    assert [card["summary"] for card in without.json()["cards"]] == [card["summary"] for card in before.json()["cards"]]
