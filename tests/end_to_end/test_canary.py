"""Every fixture, with a canary wherever a patient, a token or a comment stands, sent to the running service.

Answers may show the record to a clinician. Nothing else may hold a piece of it: no line of the log, no number, no
error, no page that is laid open, no row of the database, no file. Nor may what the commands print for those who run
the service, or a replay leave behind, but for what is named as holding it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from support.exports import resources_of
from support.fhir_server import EMPTY, Behaviour, FhirServer, ok, status
from support.launches import Browser, query_of
from support.service_process import ADMIN_TOKEN, ISSUER, ROOT, ServiceProcess, service_process

from cds_service.data import data_path
from cds_service.protocol.signing import new_key, public_keys
from cds_service.replay.results import read_rows
from cds_service.scenarios import load_scenarios

Json = Any

pytestmark = pytest.mark.slow

MARK = "canary"
PATIENT = f"{MARK}-patient"
PERSONAL = {"family", "given", "value", "line", "city", "authorString", "userComment", "username"}
"""Elements that hold who somebody is; ``value`` only in what an identifier or a contact is."""


def marked(value: Json, inside: str = "") -> Json:
    """A copy with a canary for every name, identifier, address, note and display of a person, and in every text."""
    if isinstance(value, dict):
        return {name: _marked_element(name, part, inside) for name, part in value.items()}
    if isinstance(value, list):
        return [marked(one, inside) for one in value]
    return value


def _marked_element(name: str, part: Json, inside: str) -> Json:
    if name == "conclusion":
        return f"{part} Dictated for {MARK}-name."
    if isinstance(part, str) and (
        (name in PERSONAL and (name != "value" or inside in ("identifier", "telecom")))
        or (name == "display" and inside in ("subject", "performer", "requester", "recorder"))
        or (name == "text" and inside == "note")
    ):
        return f"{MARK}-{name}"
    if name == "given" and isinstance(part, list):
        return [f"{MARK}-given"]
    return marked(part, name)


def with_canaries(request: Json, server: str) -> Json:
    """The request of a scenario as a client full of canaries would send it, its temperature left to be fetched."""
    patient = request["context"]["patientId"]
    changed = marked(json.loads(json.dumps(request).replace(patient, PATIENT)))
    changed["prefetch"].pop("temperature", None)
    changed["context"] |= {"encounterId": f"{MARK}-encounter", "userId": f"Practitioner/{MARK}-user"}
    authorization = {
        "access_token": f"{MARK}-token",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.read",
        "subject": f"{MARK}-subject",
        "patient": PATIENT,
    }
    more = {"fhirServer": server, "fhirAuthorization": authorization, "extension": {MARK: f"{MARK}-extension"}}
    return {**changed, **more, "hookInstance": f"{MARK}-instance"}


FAULTS: dict[str, Callable[[Json], Json | bytes]] = {
    "not whole": lambda sent: json.dumps(sent).encode()[:-20],
    "another patient": lambda sent: {**sent, "context": {**sent["context"], "patientId": f"{MARK}-somebody"}},
    "no patient": lambda sent: {**sent, "context": {**sent["context"], "patientId": {"value": f"{MARK}-object"}}},
    "a key twice": lambda sent: json.dumps(sent).replace("{", f'{{"hook": "{MARK}-first", ', 1).encode(),
    "another hook": lambda sent: {**sent, "hook": f"{MARK}-hook"},
    "a list": lambda sent: [sent],
}


OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": f"{MARK}-outcome"}]}
UNHELPFUL: list[Behaviour] = [
    ok({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": OUTCOME}]}),
    status(500, json.dumps(OUTCOME).encode()),
    status(302, location=f"https://{MARK}.example/{MARK}"),
    ok({"resourceType": f"{MARK}-type"}),
]
"""What a FHIR server that is full of canaries answers."""


@pytest.mark.requirement("cds-hooks-2.0", 62)
def test_no_canary_is_found_anywhere_but_in_answers(tmp_path: Path):
    refused: list[requests.Response] = []
    answered = 0
    with FhirServer() as server:
        app = {server.base: {"client_id": "an app", "auth": "none"}}
        settings = {"workers": "2", "fhir_servers": json.dumps([server.base]), "smart_issuers": json.dumps(app)}
        with service_process(tmp_path, **settings) as service:
            for number, scenario in enumerate(load_scenarios(data_path("scenarios"))):
                server.every(UNHELPFUL[number % len(UNHELPFUL)])
                path = f"/cds-services/bme-{scenario.request['hook']}"
                sent = with_canaries(scenario.request, server.base)
                response = post(service, path, sent)
                answered += response.status_code == 200
                told = post(service, f"{path}/feedback", feedback(response.json().get("cards", [])))
                broken = [post(service, path, fault(sent)) for fault in FAULTS.values()]
                assert (response.status_code, told.status_code) == (200, 200)
                assert {one.status_code for one in broken} <= {200, 400}
                refused += [told, *(one for one in broken if one.status_code != 200)]
            refused += list(odd_calls(service, sent))
            refused += list(pages_of_the_app(service, server))
            not_http = [answer_to(service, one) for one in NOT_HTTP]
            laid_open = [requests.get(f"{service.url}{path}", timeout=30).text for path in LAID_OPEN]
            numbers, page, table = (
                requests.get(f"{service.url}/{name}", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}, timeout=30)
                for name in ("metrics", "quality", "quality.csv")
            )
            while_it_ran = found_in(tmp_path)

    assert answered == number + 1
    assert len(refused) > 5 * answered
    assert [one.text for one in refused if MARK in f"{one.text} {one.headers}".lower()] == []
    assert [one[:12] for one in not_http] == ["HTTP/1.1 400"] * len(NOT_HTTP)
    assert [one for one in (*laid_open, *not_http) if MARK in one.lower()] == []
    assert [len(one) > 10_000 for one in laid_open] == [True] * len(LAID_OPEN)
    assert "bme_requests_total" in numbers.text
    assert (page.status_code, "result-review" in table.text) == (200, True)
    assert [one.url for one in (numbers, page, table) if MARK in f"{one.text} {one.headers}".lower()] == []
    assert (while_it_ran, found_in(tmp_path)) == ([], [])
    # What was looked through is what was written.
    assert b"bme-result-review" in (tmp_path / "state" / "store.sqlite3").read_bytes()
    assert {"call answered", "app not opened", "request is not HTTP"} <= {one["event"] for one in service.events}


def test_the_same_look_finds_what_a_site_asks_to_keep(tmp_path: Path):
    with service_process(tmp_path, store_comments="true") as service:
        post(
            service,
            "/cds-services/bme-order-sign/feedback",
            feedback([{"uuid": "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01"}]),
        )

    assert {path.name.partition("-")[0] for path in found_in(tmp_path)} == {"store.sqlite3"}


def post(service: ServiceProcess, path: str, body: Json | bytes) -> requests.Response:
    token = service.token(path, sub=f"{MARK}-client", jti=f"{MARK}-{id(body)}-{len(service.output)}")
    headers = {"User-Agent": f"{MARK}-agent", "X-Request-Id": f"{MARK}-request", "Cookie": f"session={MARK}-cookie"}
    return service.post(path, body, token, headers=headers)


def feedback(cards: list[Json]) -> Json:
    reason = {"reason": {"code": f"{MARK}-code", "display": f"{MARK}-display"}, "userComment": f"{MARK}-comment"}
    return {
        "feedback": [
            {"card": card["uuid"], "outcome": "overridden", "overrideReason": reason, MARK: f"{MARK}-more"}
            for card in cards
        ]
    }


def odd_calls(service: ServiceProcess, sent: Json) -> Iterator[requests.Response]:
    """Calls that are refused before anything of them is read."""
    path = "/cds-services/bme-order-sign"
    yield post(service, f"/cds-services/{MARK}-service", sent)
    yield post(service, f"/{MARK}-address?patient={PATIENT}", sent)
    yield service.post(path, sent, f"{MARK}-token.{MARK}.{MARK}")
    yield service.post(path, sent, service.token(path, iss=f"https://{MARK}.example"))
    yield service.post(path, sent, headers={"Content-Type": f"text/{MARK}"})
    yield requests.put(f"{service.url}{path}?{MARK}={MARK}", json=sent, timeout=30)


LAID_OPEN = ("/transparency", "/transparency.json", "/openapi.json")

NOT_HTTP = (
    f"GET /{PATIENT}\r\n\r\n",
    f"GET /cds-services HTTP/{MARK}\r\n\r\n",
    f"POST /cds-services HTTP/1.1\r\n{MARK} name: 1\r\n\r\n",
    f"POST /cds-services HTTP/1.1\r\nContent-Length: {MARK}\r\n\r\n",
    f"{MARK}\r\n\r\n",
)


def answer_to(service: ServiceProcess, sent: str) -> str:
    """What comes back for bytes that no HTTP client would send."""
    with socket.create_connection((urlsplit(service.url).hostname, urlsplit(service.url).port), timeout=30) as line:
        line.sendall(sent.encode())
        return b"".join(iter(lambda: line.recv(65_536), b"")).decode()


def pages_of_the_app(service: ServiceProcess, server: FhirServer) -> Iterator[requests.Response]:
    """Launches of the app that come to nothing, and addresses that somebody made up."""
    app, signs_in = f"{service.url}/smart", "/fhir/.well-known/smart-configuration"
    endpoints = {name: f"{server.origin}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
    configuration = {**endpoints, "code_challenge_methods_supported": ["S256"], MARK: f"{MARK}-more"}

    def begun(browser: Browser) -> requests.Response:
        return browser.get(f"{app}/launch", follow=False, iss=server.base, launch=f"{MARK}-launch")

    def come_back(**told: str) -> requests.Response:
        browser = Browser()
        state = query_of(begun(browser).headers["Location"])["state"]
        return browser.get(f"{app}/callback", state=state, **told)

    yield Browser().get(f"{app}/launch", iss=f"https://{MARK}.example/fhir", launch=f"{MARK}-launch")
    for behaviour in UNHELPFUL:
        server.on(signs_in, behaviour)
        yield begun(Browser())
    server.on(signs_in, ok(configuration, content_type="application/json"))
    yield come_back(error="access_denied", error_description=f"{MARK}-description", error_uri=f"https://{MARK}.example")
    yield come_back(error=f"{MARK}-error")
    tokens = {"access_token": f"{MARK}-token", "token_type": "Bearer", "scope": f"{MARK}-scope"}
    for behaviour in (*UNHELPFUL, ok(tokens), ok({**tokens, "patient": {MARK: MARK}, "id_token": f"{MARK}-identity"})):
        server.on("/token_endpoint", behaviour)
        yield come_back(code=f"{MARK}-code")
    yield Browser().get(f"{app}/callback", state=f"{MARK}-state", code=f"{MARK}-code")
    for path in ("/", "/style.css"):
        yield Browser().get(f"{app}/app/{MARK}-name{path}")
    for path in ("/feedback", "/end"):
        yield Browser().post(f"{app}/app/{MARK}-name{path}", answer=f"{MARK}-answer")
    yield Browser().get(f"{app}/static/{MARK}.css")


def found_in(home: Path) -> list[Path]:
    """The files, of all that the service may write, in which there is a canary."""
    return [
        path
        for path in sorted(home.rglob("*"))
        if path.is_file() and MARK in path.read_bytes().decode("latin-1").lower()
    ]


# ------------------------------------------------------------------------------------------------- the commands


def run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the service; ``home`` holds everything that it may write."""
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BME_")}
    ours = {"TMPDIR": str(home / "tmp"), "BME_STORE_URL": f"sqlite:///{home / 'state' / 'store.sqlite3'}"}
    command = [sys.executable, "-m", "cds_service.cli", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**clean, **ours, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def has_canary(said: str) -> bool:
    return MARK in said.lower()


def test_the_settings_are_shown_without_a_secret(tmp_path: Path):
    keys = public_keys(new_key("ES384"))
    keys["keys"][0]["kid"] = f"{MARK}-kid"
    secret = {
        "BME_ADMIN_TOKEN": f"{MARK}-admin-token-that-nobody-guesses",
        "BME_CARD_KEY": f"{MARK}-card-key-that-nobody-guesses",
        "BME_CLIENTS": json.dumps({ISSUER: {"keys": keys}}),
        "BME_STORE_URL": f"sqlite:///{tmp_path}/{MARK}.sqlite3",
    }

    shown = run(tmp_path, "config", "show", **secret)
    with_another = run(tmp_path, "config", "show", **secret, BME_CORS_ORIGINS=f'["https://{MARK}.example"]')

    assert (shown.returncode, has_canary(shown.stdout), shown.stderr) == (0, False, "")
    assert (with_another.returncode, has_canary(with_another.stdout)) == (0, True)


def test_the_doctor_prints_nothing_of_the_patient_it_asks_for(tmp_path: Path):
    turns = cycle([*UNHELPFUL, ok({**EMPTY, "entry": [{"resource": {"resourceType": "Patient", "id": PATIENT}}]})])
    with FhirServer() as server:
        server.every(lambda line: next(turns)(line))  # noqa: PLW0108  # another each time
        asked = ("doctor", server.origin, "--fhir", server.base, "--patient", PATIENT)
        done = run(tmp_path, *asked, FHIR_TOKEN=f"{MARK}-token", BME_FHIR_SERVERS=json.dumps([server.base]))

    assert (done.returncode, has_canary(done.stdout), done.stderr) == (1, False, "")
    assert "MEND  query observations" in done.stdout
    assert len([one for one in server.asked if has_canary(one.target) and has_canary(one.headers["authorization"])]) > 5
    assert found_in(tmp_path) == []


@pytest.mark.parametrize("command", [["try"], ["explain"], ["explain", "--remembered"], ["read"]], ids=" ".join)
def test_a_command_that_shows_a_record_writes_it_nowhere_else(tmp_path: Path, command: list[str]):
    given, home = tmp_path / "request.json", tmp_path / "home"
    story = json.loads((data_path("scenarios") / "diabetic-foot-new-edema" / "request.json").read_text())
    sent = with_canaries(story, "https://nobody.example/fhir")
    sent = json.loads(json.dumps(sent).replace("example-", f"{MARK}-"))  # what is shown names its resources
    given.write_text(json.dumps(sent["prefetch"]["reports"] if command == ["read"] else sent))

    shown = run(home, *command, str(given))
    given.write_text(given.read_text()[:-20])
    broken = run(home, *command, str(given))

    assert (shown.returncode, has_canary(shown.stdout), has_canary(shown.stderr)) == (0, True, False), shown.stderr
    assert (broken.returncode, has_canary(broken.stdout + broken.stderr)) == (2, False)
    assert found_in(home) == []


def test_a_replay_says_whom_it_is_about_in_the_files_alone_that_are_named_so(tmp_path: Path):
    export, home, out = tmp_path / "export", tmp_path / "home", tmp_path / "out"
    export.mkdir()
    for number, story in enumerate(load_scenarios(data_path("scenarios"))):
        for key, resource in resources_of(story.request, story.as_of).items():
            own = json.dumps(marked(resource)).replace("example-", f"{MARK}-{number}-")
            with (export / f"{key.partition('/')[0]}.ndjson").open("a") as file:
                file.write(f"{own}\n")
    with (export / "DiagnosticReport.ndjson").open("a") as file:
        file.write(f'{own[:-20]}\n["{MARK}-list"]\n{{"resourceType": "DiagnosticReport", "id": "{MARK}-nobody"}}\n')

    done = run(home, "replay", str(export), "--out", str(out), "--with-key", BME_CARD_KEY=f"{MARK}-card-key")

    rows = list(read_rows(out / "evaluations.parquet"))
    assert (done.returncode, has_canary(done.stdout + done.stderr)) == (0, False), done.stderr
    assert len(rows) > 40
    assert [row for row in rows if has_canary(json.dumps(row, default=str))] == []
    assert [path.name for path in found_in(out)] == ["bad-lines.ndjson", "worksheet-key.csv"]
    assert {path.name for path in out.iterdir()} >= {"report.html", "worksheet.csv"}
    assert found_in(home) == []
