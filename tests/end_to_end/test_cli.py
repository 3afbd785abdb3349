"""The command line as a person uses it: real processes, real files, a real server on this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from cds_service.data import data_path

ROOT = Path(__file__).parents[2]
SCENARIOS = data_path("scenarios")
COMMAND = (sys.executable, "-m", "cds_service.cli")

# Nobody's own settings, and lines wide enough that nothing we look for is wrapped.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("BME_")} | {"COLUMNS": "200"}

DEEP_EDEMA = {
    "id": "T01",
    "hook": "result-review",
    "input": {
        "patient": {"age": 36, "sex": "male"},
        "context": {},
        "sequences": {"stir": "acquired", "t1": "acquired"},
        "sites": [{"site": "si_joint", "side": "left", "findings": {"bme": "present", "depth_mm": 10}}],
    },
    "expected": {"cards": True, "leading": ["axspa"], "levels": {"axspa": "likely"}, "urgency": "urgent"},
    "strict": ["cards", "leading", "levels", "urgency"],
}
NOTHING = {
    "id": "T02",
    "hook": "result-review",
    "input": {"sites": [{"site": "knee_other", "side": "right", "findings": {"bme": "absent"}}]},
    "expected": {"cards": False},
    "strict": ["cards"],
}


def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``cds-service`` with these arguments and settings until it ends."""
    environment = ENVIRONMENT | settings
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def request_of(scenario: str) -> Path:
    return SCENARIOS / scenario / "request.json"


def expected_of(scenario: str) -> Any:
    return json.loads((SCENARIOS / scenario / "expected.json").read_bytes())


def written(path: Path, *vignettes: Any) -> Path:
    """Write vignettes, one a line; text is written as it is."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in vignettes]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ------------------------------------------------------------------------------------------ one request


def test_try_shows_the_cards_as_a_person_reads_them():
    done = run("try", request_of("edema-ten-millimetres-deep"), "--today", "2026-11-19")

    (card,) = expected_of("edema-ten-millimetres-deep")["cards"]
    wanted = [card["summary"], card["indicator"], *(f"[ {label} ]" for label in card["suggestions"]), "Findings read"]
    assert (done.returncode, [words for words in wanted if words not in done.stdout], done.stderr) == (0, [], "")


@pytest.mark.slow
def test_try_says_that_there_is_no_card():
    done = run("try", request_of("normal-knee"))

    assert (done.returncode, done.stdout, done.stderr) == (0, "No card: nothing here calls for one.\n", "")


def test_try_as_json_prints_the_response_and_nothing_else():
    done = run("try", "--json", request_of("diabetic-foot-new-edema"), "--today", "2026-11-18")

    response = json.loads(done.stdout)
    summaries = [card["summary"] for card in expected_of("diabetic-foot-new-edema")["cards"]]
    assert (done.returncode, list(response), done.stderr) == (0, ["cards"], "")
    assert [card["summary"] for card in response["cards"]] == summaries


@pytest.mark.slow
def test_try_names_the_field_that_a_request_lacks(tmp_path: Path):
    body = json.loads(request_of("normal-knee").read_bytes())
    del body["context"]["patientId"]

    done = run("try", written(tmp_path / "request.json", body))

    assert (done.returncode, done.stdout) == (2, "")
    assert "context.patientId" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_day_that_is_none_is_refused_with_the_form_to_use():
    done = run("try", request_of("normal-knee"), "--today", "19.11.2026")

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "--today is not a day; write YYYY-MM-DD\n")


def test_explain_prints_what_was_read_and_why_each_rule_fired_or_not():
    done = run("explain", request_of("sacroiliac-study-without-t1"), "--today", "2026-11-17")

    wanted = [
        "left sacroiliac joint, study ImagingStudy/example-si-study",
        "depth of edema from the articular surface: 12 mm",
        "T1 sequence: not acquired",
        "fired axspa-deep-edema (AX1)",
        "fired complete-t1 (G2)",
        "undecided axspa-erosion (AX2)",
        "not met osteonecrosis-",
        "not reported: erosion",
    ]
    shown = " ".join(done.stdout.split())
    assert (done.returncode, done.stdout.splitlines()[0], done.stderr) == (0, "soon", "")
    assert [words for words in wanted if words not in shown] == []


@pytest.mark.slow
def test_explain_writes_the_evidence_page_as_one_file(tmp_path: Path):
    page = tmp_path / "page.html"

    done = run("explain", request_of("sacroiliac-study-without-t1"), "--today", "2026-11-17", "--html", page)

    written = page.read_text(encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert written.startswith("<!doctype html>")
    assert written.count("<style>") == 1
    assert "As of <time>2026-11-17" in written


# ---------------------------------------------------------------------------------------------- reading

REPORT = """\
TECHNIQUE: Coronal T1 and STIR.
FINDINGS: New bone marrow edema, up to 12 mm deep. No erosion.
IMPRESSION: Sacroiliitis cannot be excluded. Depth more than 9 mm.
"""
IN_GERMAN = "Kein Knochenmarködem. Keine Erosionen.\n"


def saved(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def read_as_json(*arguments: str | Path) -> list[Any]:
    done = run("read", "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_read_prints_what_is_read_in_the_text_of_a_report(tmp_path: Path):
    done = run("read", saved(tmp_path / "si.txt", REPORT), "--site", "si_joint", "--side", "left")

    rows = [line.split() for line in done.stdout.splitlines()]
    wanted = ["bme", "present", "si_joint", "left", "new", "findings", "text", "New", "bone", "marrow", "edema,", "up"]
    assert (done.returncode, done.stderr, rows[1]) == (0, "", ["report:", "read"])
    assert wanted in [row[: len(wanted)] for row in rows]
    assert "[42-82]" in next(row for row in rows if row[:1] == ["bme"])


@pytest.mark.slow
def test_read_as_json_gives_every_finding_every_key(tmp_path: Path):
    path = saved(tmp_path / "si.txt", REPORT)

    (found,) = read_as_json(path, "--site", "si_joint", "--side", "left")

    sentence = "New bone marrow edema, up to 12 mm deep."
    edema = {
        "finding": "bme",
        "state": "present",
        "value": None,
        "unit": None,
        "site": "si_joint",
        "side": "left",
        "change": "new",
        "section": "findings",
        "quote": sentence,
        "start": REPORT.index(sentence),
        "end": REPORT.index(sentence) + len(sentence),
        "how": "findings_text",
    }
    assert (list(found), found["file"]) == (["file", "findings"], str(path))
    assert {tuple(one) for one in found["findings"]} == {tuple(edema)}
    assert [one for one in found["findings"] if one["finding"] == "bme"] == [edema]
    assert [(one["finding"], one["state"], one["value"], one["unit"], one["change"]) for one in found["findings"]] == [
        ("change", "new", None, None, None),
        ("bme", "present", None, None, "new"),
        ("depth_mm", None, 12, "mm", "new"),
        ("erosion", "absent", None, None, None),
        ("axspa", "indeterminate", None, None, None),
        ("depth_mm", None, [9, None], "mm", None),
        ("seq.stir", "acquired", None, None, None),
        ("seq.t1", "acquired", None, None, None),
    ]


@pytest.mark.slow
def test_read_says_why_a_text_is_not_read(tmp_path: Path):
    german, empty = saved(tmp_path / "de.txt", IN_GERMAN), saved(tmp_path / "empty.txt", " \n")

    assert read_as_json(german, empty) == [
        {"file": str(german), "findings": [], "not_read": "its text is not in English"},
        {"file": str(empty), "findings": [], "not_read": "it holds no text"},
    ]


@pytest.mark.slow
def test_read_takes_a_bundle_and_says_what_became_of_each_report(tmp_path: Path):
    subject = {"reference": "Patient/example"}
    mri = {"resourceType": "DiagnosticReport", "subject": subject, "code": {"text": "MRI left hip"}, "status": "final"}
    entries = [
        {"resource": {**mri, "id": "a", "effectiveDateTime": "2026-03-02", "conclusion": "Bone marrow edema."}},
        {"resource": {**mri, "id": "b", "effectiveDateTime": "2026-03-01", "conclusion": IN_GERMAN}},
        {"resource": {"resourceType": "Patient", "id": "example", "birthDate": "1960-01-01"}},
    ]

    (found,) = read_as_json(saved(tmp_path / "b.json", {"resourceType": "Bundle", "entry": entries}))

    assert [(one["finding"], one["site"], one["side"], one["section"], one["how"]) for one in found["findings"]] == [
        ("bme", "hip", "left", "untitled", "impression_text"),
        ("age", None, None, None, "coded"),
    ]
    reason = "its text is not in English"
    assert found["reports"] == [
        {"report": "DiagnosticReport/a", "day": "2026-03-02", "outcome": "findings", "reason": None},
        {"report": "DiagnosticReport/b", "day": "2026-03-01", "outcome": "not_read", "reason": reason},
    ]
    assert found["gaps"] == ["1 report (its text is not in English)"]


@pytest.mark.slow
def test_read_takes_a_single_resource(tmp_path: Path):
    observation = {
        "resourceType": "Observation",
        "id": "a",
        "status": "final",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "6411000179107"}]},
        "valueBoolean": False,
    }

    (found,) = read_as_json(saved(tmp_path / "o.json", observation))

    assert [(one["finding"], one["state"], one["quote"], one["start"], one["how"]) for one in found["findings"]] == [
        ("bme", "absent", None, None, "coded")
    ]


@pytest.mark.slow
def test_read_names_each_file_that_cannot_be_read_and_reads_the_others(tmp_path: Path):
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"\xd6dem")
    good = saved(tmp_path / "good.txt", "Bone marrow edema.")
    bad = [
        tmp_path / "missing.txt",
        latin,
        saved(tmp_path / "broken.json", "{"),
        saved(tmp_path / "list.json", []),
        saved(tmp_path / "none.json", {"hook": "result-review"}),
        saved(tmp_path / "report.doc", "Bone marrow edema."),
    ]

    done = run("read", "--json", *bad, good)

    assert (done.returncode, [json.loads(line)["file"] for line in done.stdout.splitlines()]) == (2, [str(good)])
    assert done.stderr.splitlines() == [
        f"{bad[0]}: it cannot be opened (No such file or directory)",
        f"{bad[1]}: it is not UTF-8 (byte 0); save it as UTF-8",
        f"{bad[2]}: it holds no JSON that can be used: the body is not JSON (line 1, column 2); send one JSON object",
        f"{bad[3]}: it is JSON, but no FHIR resource: it has no resourceType",
        f"{bad[4]}: it is JSON, but no FHIR resource: it has no resourceType",
        f"{bad[5]}: the name ends neither in .txt (text of a report) nor in .json (FHIR)",
    ]


@pytest.mark.parametrize(("option", "value"), [("--site", "elbow"), ("--side", "middle")])
@pytest.mark.slow
def test_read_refuses_a_place_it_does_not_know(tmp_path: Path, option: str, value: str):
    done = run("read", saved(tmp_path / "a.txt", "Edema."), option, value)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{option} is none that is known; known: ")


# -------------------------------------------------------------------------------------------- vignettes


def test_assess_prints_one_assessment_a_line_and_counts_the_agreement(tmp_path: Path):
    done = run("assess", written(tmp_path / "cases.jsonl", DEEP_EDEMA, NOTHING))

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [(line["id"], line["cards"], line["leading"], line["urgency"]) for line in lines] == [
        ("T01", True, "axspa", "urgent"),
        ("T02", False, None, "routine"),
    ]
    assert done.stderr == "2 agree, 0 differ, 0 not yet covered\n"


@pytest.mark.slow
def test_assess_ends_with_1_and_names_the_case_when_a_strict_expectation_is_missed(tmp_path: Path):
    wrong = DEEP_EDEMA | {"expected": DEEP_EDEMA["expected"] | {"levels": {"axspa": "possible"}, "urgency": "soon"}}

    done = run("assess", written(tmp_path / "cases.jsonl", NOTHING, wrong))

    assert (done.returncode, len(done.stdout.splitlines())) == (1, 2)
    assert done.stderr == "T01: differs in levels, urgency\n1 agree, 1 differ, 0 not yet covered\n"


@pytest.mark.slow
def test_assess_does_not_judge_what_is_not_strict(tmp_path: Path):
    loose = DEEP_EDEMA | {"expected": {"levels": {"axspa": "possible"}}, "strict": []}

    done = run("assess", written(tmp_path / "cases.jsonl", loose))

    assert (done.returncode, done.stderr) == (0, "0 agree, 0 differ, 0 not yet covered\n")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param('{"id": "T03", "input"', id="cut off"),
        pytest.param("[]", id="a list"),
        pytest.param('"T03"', id="a string"),
        pytest.param('{"id": "T03"}', id="no input"),
        pytest.param('{"id": "T03", "input": {"sites": "left"}}', id="sites that are no list"),
    ],
)
@pytest.mark.slow
def test_a_line_that_is_no_vignette_is_named_by_its_number(tmp_path: Path, bad: str):
    done = run("assess", written(tmp_path / "cases.jsonl", NOTHING, bad))

    assert (done.returncode, len(done.stdout.splitlines())) == (2, 1)
    assert re.fullmatch(r"line 2 is not a vignette: [^\n]+\n", done.stderr)


# ------------------------------------------------------------------------------------------------ check


@pytest.mark.slow
def test_check_finds_the_packaged_data_in_order():
    done = run("check")

    assert (done.returncode, done.stdout, done.stderr) == (0, "hooks, rules, codes and scenarios are in order\n", "")


@pytest.mark.slow
def test_check_names_a_misprinted_code_of_the_site():
    aliases = json.dumps({"http://snomed.info/sct|39732000": "site=hip", "http://loinc.org|36502-3": "erosion"})

    done = run("check", BME_CODE_ALIASES=aliases)

    reason = "the check digit is wrong (Verhoeff); compare it with the place it was copied from"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"code_aliases: SnomedCode '39732000': {reason}\n"


@pytest.mark.slow
def test_terminology_writes_what_the_package_holds(tmp_path: Path):
    done = run("terminology", "--out", tmp_path / "new" / "folder")

    written = {path.name: path.read_bytes() for path in (tmp_path / "new" / "folder").iterdir()}
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{len(written)} resources written\n", "")
    assert written == {path.name: path.read_bytes() for path in data_path("terminology").iterdir()}


# -------------------------------------------------------------------------------------- serve and demo


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real server on a free port, with its address. What it remembers goes into the folder of the test."""
    port = free_port()
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", str(port)],
        cwd=ROOT,
        env=ENVIRONMENT | {"XDG_STATE_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def discovered(process: subprocess.Popen[str], url: str) -> Any:
    """Return the discovery answer, as soon as there is one."""
    for _ in range(200):
        try:
            return requests.get(f"{url}/cds-services", timeout=5).json()
        except requests.ConnectionError:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
    raise AssertionError("the server did not answer")


def test_serve_answers_until_it_is_told_to_stop_and_then_ends_well(
    server: tuple[subprocess.Popen[str], str], tmp_path: Path
):
    process, url = server
    listed = sorted(entry["id"] for entry in discovered(process, url)["services"])
    body = json.loads(request_of("mri-ordered-with-stir-only").read_bytes())
    answered = requests.post(f"{url}/cds-services/bme-order-sign", json=body, timeout=10).json()

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=5)

    assert listed == ["bme-order-select", "bme-order-sign", "bme-patient-view", "bme-result-review"]
    assert [card["summary"] for card in answered["cards"]] == ["This MRI order names no T1-weighted sequence"]
    assert [json.loads(line)["event"] for line in out.splitlines()] == [
        "WARNING: callers are not authenticated (BME_AUTH=off); anyone on this machine is answered",
        "service started",
        "call answered",
    ]
    assert (process.returncode, err) == (0, "")
    # The first card opens the database, which takes longer than the signal.
    with closing(sqlite3.connect(tmp_path / "bme-cds-service" / "store.sqlite3")) as store:
        issued = store.execute("SELECT card FROM issued_cards").fetchall()
    assert issued == [(card["uuid"],) for card in answered["cards"]]


@pytest.mark.slow
def test_serve_has_kept_all_it_was_told_when_it_ends(server: tuple[subprocess.Popen[str], str], tmp_path: Path):
    process, url = server
    discovered(process, url)
    body = json.loads(request_of("mri-ordered-with-stir-only").read_bytes())
    suggestions = [str(uuid4()) for _ in range(30)]  # each on a connection of its own, so that both workers have some

    (card,) = requests.post(f"{url}/cds-services/bme-order-sign", json=body, timeout=10).json()["cards"]
    for suggestion in suggestions:
        taken = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": suggestion}]}
        answer = requests.post(f"{url}/cds-services/bme-order-sign/feedback", json={"feedback": [taken]}, timeout=10)
        assert answer.status_code == 200
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)

    with closing(sqlite3.connect(tmp_path / "bme-cds-service" / "store.sqlite3")) as store:
        assert store.execute("SELECT card FROM issued_cards").fetchall() == [(card["uuid"],)]
        kept = store.execute("SELECT suggestions FROM feedback").fetchall()
    assert sorted(json.loads(one)[0] for (one,) in kept) == sorted(suggestions)


@pytest.mark.slow
def test_serve_says_which_setting_cannot_be_used():
    done = run("serve", "--port", "99999")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == "the settings cannot be used:"
    assert done.stderr.splitlines()[1].startswith("  BME_PORT: ")


@pytest.mark.slow
def test_serve_refuses_to_listen_to_others_without_authentication():
    done = run("serve", "--host", "0.0.0.0")  # noqa: S104  # refused

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("callers are not authenticated (BME_AUTH=off), which is for this machine only: set ")


def test_demo_says_where_it_runs_and_last_where_to_look():
    done = run("demo", "--no-stay", "--port", "0", "--ehr-port", "0")

    service, fhir, chart = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"The service runs at http://127\.0\.0\.1:\d+/cds-services", service)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", chart)
    assert fhir == f"The record's FHIR server runs at {chart}/fhir"


@pytest.mark.slow
def test_demo_shows_every_scenario_s_cards_and_a_line_to_copy():
    done = run("demo", "--no-stay", "--cards", "--port", "0", "--ehr-port", "0")

    titles = [about.read_text(encoding="utf-8").splitlines()[0][2:] for about in sorted(SCENARIOS.glob("*/about.md"))]
    shown = " ".join(done.stdout.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert [title for title in titles if " ".join(title.split()) not in shown] == []
    assert "Urgent: osteomyelitis possible, act now, left foot or ankle" in shown
    assert "Refer to the multidisciplinary diabetic foot team (urgent)" in shown
    (request,) = re.findall(
        r"^curl -s http://127\.0\.0\.1:\d+/cds-services/bme-result-review .* --data @(\S+) ", done.stdout, re.MULTILINE
    )
    assert json.loads((ROOT / request).read_bytes())["hook"] == "result-review"


@pytest.mark.slow
def test_demo_says_so_when_its_port_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = run("demo", "--no-stay", "--port", str(port), "--ehr-port", "0")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"port {port} is in use; choose another with --port\n"


@pytest.mark.slow
def test_config_show_prints_every_setting_and_no_secret():
    done = run("config", "show", BME_ADMIN_TOKEN="canary-admin-token", BME_PORT="8400")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == ['BME_HOST="127.0.0.1"  (default)', "BME_PORT=8400"]
    assert 'BME_ADMIN_TOKEN="**********"' in done.stdout.splitlines()


@pytest.mark.slow
def test_config_schema_prints_json():
    done = run("config", "schema")

    assert (done.returncode, json.loads(done.stdout)["properties"]["BME_PORT"]["maximum"]) == (0, 65535)


@pytest.mark.slow
def test_a_misspelt_setting_stops_every_command():
    done = run("config", "show", BME_AUHT="required")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "the settings cannot be used:\n  BME_AUHT: there is no such setting; did you mean BME_AUTH?\n"
    )


@pytest.mark.slow
def test_export_writes_the_rules_as_fhir(tmp_path: Path):
    done = run("export", tmp_path / "made")

    written = list((tmp_path / "made").iterdir())
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{len(written)} resources written\n")
    kinds = {json.loads(file.read_bytes())["resourceType"] for file in written}
    assert kinds == {
        "ActivityDefinition",
        "CapabilityStatement",
        "CodeSystem",
        "Library",
        "PlanDefinition",
        "ValueSet",
    }
