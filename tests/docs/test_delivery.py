"""What the service is delivered with agrees with the service: container, compose file, unit, audit.

No container is built here: there is no engine to build it with.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.audit import NOT_REACHED, VULNERABLE, told

from cds_service.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
UNIT = ROOT / "deploy" / "bme-cds-service.service"
SETTINGS = {f"BME_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("file", ["Dockerfile", "compose.yaml", "deploy/bme-cds-service.service"])
def test_every_setting_that_is_named_exists(file: str):
    named = set(re.findall(r"\bBME_[A-Z_]*[A-Z]", (ROOT / file).read_text(encoding="utf-8")))

    assert named - SETTINGS == set()


def test_all_that_the_image_copies_is_there_and_is_sent():
    copied = set(" ".join(re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)).split()) - {"./"}
    wanted = {word for word in copied if (ROOT / word).exists()}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}

    assert copied == wanted
    assert sent == wanted


def test_the_image_carries_every_file_that_goes_into_the_wheel():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    included = re.search(r"force-include\]\n(.*?)\n\n", project, re.DOTALL)
    copied = set(" ".join(re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)).split())

    assert included is not None
    assert {one.split("/")[0] for one in re.findall(r'^"([^"]+)"', included[1], re.MULTILINE)} <= copied


def test_the_container_is_not_root_and_writes_only_where_it_may():
    stages = DOCKERFILE.split("FROM ")[1:]
    service = COMPOSE["services"]["cds"]

    assert re.findall(r"^USER (\S+)$", stages[-1], re.MULTILINE) == ["10001"]
    assert [stage.split()[0] for stage in stages] == ["python:3.11-slim", "python:3.11-slim"]
    assert (service["read_only"], service["cap_drop"], service["tmpfs"], service["volumes"]) == (
        True,
        ["ALL"],
        ["/tmp"],  # noqa: S108  # of the container
        ["state:/state"],
    )
    assert service["ports"] == ["127.0.0.1:8321:8321"]


def test_compose_asks_for_every_secret_and_has_none():
    secrets = {
        **COMPOSE["services"]["cds"]["environment"],
        **COMPOSE["services"]["db"]["environment"],
    }

    for name in ("BME_CARD_KEY", "BME_CLIENTS", "POSTGRES_PASSWORD"):
        assert re.fullmatch(rf"\$\{{{name}:\?[^}}]+\}}", secrets[name])
    assert "${POSTGRES_PASSWORD:?" in secrets["BME_STORE_URL"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_understands_the_unit():
    done = subprocess.run(["systemd-analyze", "verify", UNIT], capture_output=True, text=True, check=False, timeout=60)

    # The program is not installed where the tests run, and there is nothing else to complain of.
    complaints = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert complaints == [
        f"{UNIT.name}: Command /opt/bme-cds-service/bin/cds-service is not executable: No such file or directory"
    ]


def package(name: str, **more: Any) -> Any:
    return {"name": name, "version": "1.0", **more}


def test_an_audit_that_found_nothing_says_of_how_many():
    lines = ["2 of 2 packages looked up, 0 vulnerabilities"]

    assert told([package("a", vulns=[]), package("b", vulns=[])]) == (lines, 0)


def test_a_known_vulnerability_is_named_with_the_version_that_mends_it():
    known = [{"id": "CVE-1", "fix_versions": ["1.1"]}, {"id": "CVE-2", "fix_versions": []}]

    assert told([package("a", vulns=known)]) == (
        [
            "a 1.0: CVE-1, mended in 1.1",
            "a 1.0: CVE-2, mended in no version",
            "1 of 1 packages looked up, 2 vulnerabilities",
        ],
        VULNERABLE,
    )


def test_a_package_that_nobody_could_be_asked_about_is_never_taken_for_sound():
    told_of = told([package("a", vulns=[]), package("b", skip_reason="not found")])

    assert told_of == (
        [
            "1 of 2 packages looked up, 0 vulnerabilities",
            "NOT AUDITED: nothing is known of b; ask where they are known",
        ],
        NOT_REACHED,
    )


def test_an_audit_of_nothing_is_none():
    assert told([])[1] == NOT_REACHED
