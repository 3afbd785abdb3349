"""``cds-service jwt`` against a real server: what a site does to try its own authentication."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc.jwk import KeySet

from cds_service.protocol.signing import BAD

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "cds_service.cli")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("BME_")} | {"COLUMNS": "400"}
ISSUER = "https://ehr.example/fhir"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "jwt", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )  # fmt: skip


def token(address: str, key: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run("token", address, "--key", key, "--issuer", ISSUER, *more)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "client.json"
    assert run("key", file).returncode == 0
    return file


@pytest.mark.parametrize(("algorithm", "kind"), [((), "EC"), (("--alg", "ES384"), "EC"), (("--alg", "RS384"), "RSA")])
def test_a_key_is_made_for_its_owner_alone_and_published_without_what_is_private(
    tmp_path: Path, algorithm: tuple[str, ...], kind: str
):
    file = tmp_path / "client.json"

    made, again = run("key", file, *algorithm), run("key", file)

    (published,) = json.loads(made.stdout)["keys"]
    private = json.loads(file.read_bytes())
    assert (made.returncode, again.stdout, stat.S_IMODE(file.stat().st_mode)) == (0, made.stdout, 0o600)
    assert (published["kty"], published["use"]) == (kind, "sig")
    assert {name: private[name] for name in published} == published
    assert "d" in private.keys() - published.keys()
    assert not any(key.is_private for key in KeySet.import_key_set({"keys": [published]}))


def test_a_file_that_is_no_key_is_neither_used_nor_overwritten(tmp_path: Path):
    file = tmp_path / "notes.txt"
    file.write_text("{}")

    done = run("key", file)

    assert (done.returncode, done.stdout, file.read_text()) == (2, "", "{}")
    assert done.stderr == f"{file} holds no private key that `cds-service jwt key` made\n"


def test_a_published_key_cannot_sign(tmp_path: Path, key: Path):
    file = tmp_path / "public.json"
    file.write_text(json.dumps(json.loads(run("key", key).stdout)["keys"][0]))

    assert token("https://cds.example/cds-services", file).returncode == 2


def test_a_kind_that_does_not_exist_is_answered_with_those_that_do(key: Path):
    done = token("https://cds.example/cds-services", key, "--bad", "nonsense")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"--bad is none that is known; known: {', '.join(BAD)}\n"


@pytest.fixture(scope="module")
def server(key: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real server, with one client; in one process, because each remembers for itself what was used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {
        "BME_AUTH": "required",
        "BME_PUBLIC_URL": url,
        "BME_CLIENTS": json.dumps({ISSUER: {"keys": json.loads(run("key", key).stdout)}}),
        "BME_WORKERS": "1",
        "BME_PORT": str(port),
    }
    process = subprocess.Popen(
        [*COMMAND, "serve"], cwd=ROOT, env=ENVIRONMENT | settings, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process, url
    finally:
        process.kill()
        process.communicate()


def status(url: str, headers: Any) -> int:
    """Ask for the services, as soon as there is somebody to ask."""
    for _ in range(200):
        try:
            return requests.get(f"{url}/cds-services", headers=headers, timeout=5).status_code
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError("the server did not answer")


def test_a_good_token_opens_a_real_server_once_and_a_bad_one_never(
    server: tuple[subprocess.Popen[str], str], key: Path
):
    process, url = server
    good, bad = (token(f"{url}/cds-services", key, *more) for more in ((), ("--bad", "expired")))

    statuses = [
        status(url, {"Authorization": f"Bearer {one.stdout.strip()}"} if one else {}) for one in (None, good, good, bad)
    ]
    process.terminate()
    out, _ = process.communicate(timeout=10)

    assert (good.stderr, bad.stderr) == ("", "expect 401, and in the log: expired\n")
    assert statuses == [401, 200, 401, 401]
    assert [json.loads(line).get("jwt_failure") for line in out.splitlines()] == [
        None,
        "no token",
        "used before",
        "expired",
    ]
