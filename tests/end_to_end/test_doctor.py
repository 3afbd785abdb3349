"""The doctor finds what is set up wrong between an EHR and the service, and names what mends it.

Each mistake is planted alone into a set-up that is in order, with real servers on this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from time import time
from typing import Any

import pytest
from joserfc.jwk import ECKey
from support.fhir_server import EMPTY, FhirServer, ok, page, raw, slow, status
from support.serving import serving

from cds_service.fhir.source import READ_TYPES
from cds_service.protocol.discovery import Service
from cds_service.service import site_services
from cds_service.settings import Settings
from cds_service.web import create_app
from cds_service.web.doctor import Patient, Step, walk

PATIENT_ID, TOKEN = "canary-patient-4711", "canary-token-0815"
WRONG_USE = ECKey.generate_key("P-384", {"use": "enc", "kid": "two"})
KEYS = {"keys": [ECKey.generate_key("P-384", {"use": "sig", "kid": "one"}).as_dict(private=False)]}
OBSERVATIONS = "query observations"


def metadata(version: str = "4.0.1", kinds: Any = READ_TYPES) -> Any:
    resources = [{"type": kind} for kind in sorted(kinds)]
    return {"resourceType": "CapabilityStatement", "fhirVersion": version, "rest": [{"resource": resources}]}


@dataclass
class SetUp:
    """A service and a record that are connected in order, until something is planted."""

    ehr: FhirServer
    service: str
    settings: dict[str, Any]
    url: str = ""
    fhir: str = ""
    services: dict[str, Service] = field(default_factory=dict)

    def steps(self) -> list[Step]:
        settings = Settings(**self.settings)
        services = self.services or site_services(settings)
        return list(walk(self.url, settings, services, Patient(self.fhir, PATIENT_ID, TOKEN)))

    def to_mend(self) -> dict[str, str]:
        return {step.name: f"{step.found} -> {step.mend}" for step in self.steps() if step.mend}


@contextmanager
def in_order(**served_with: Any) -> Iterator[SetUp]:
    with ExitStack() as stack:
        ehr = stack.enter_context(FhirServer())
        ehr.every(ok(EMPTY))
        ehr.on("metadata", ok(metadata()))
        ehr.on(f"Patient/{PATIENT_ID}", ok({"resourceType": "Patient", "id": PATIENT_ID}))
        ehr.on("/jwks", ok(KEYS, content_type="application/json"))
        settings = {
            "auth": "optional",
            "clients": {"https://ehr.example": {"jku": f"{ehr.origin}/jwks"}},
            "public_url": "https://cds.example",
            "fhir_servers": [ehr.base],
        }
        url = stack.enter_context(serving(create_app(Settings(**{**settings, **served_with}))))
        settings["public_url"] = url
        yield SetUp(ehr, url, settings, url, ehr.base)


@pytest.fixture
def set_up() -> Iterator[SetUp]:
    with in_order() as found:
        yield found


def test_where_all_is_in_order_nothing_is_to_be_mended(set_up: SetUp):
    steps = set_up.steps()

    assert {step.name: step.found for step in steps if step.mend} == {}
    assert {step.name: step.found for step in steps} == {
        "clock of the service": "as this machine's",
        "discovery": "lists 4 services, as set up",
        "who may call": "1 clients, with tokens for this address (BME_AUTH=optional)",
        "clock of https://ehr.example": "not told",
        "keys of https://ehr.example": "1 usable at the jku",
        "FHIR server may be read": "it is among those that the service reads",
        "clock of the FHIR server": "not told",
        "FHIR metadata": "FHIR 4.0.1 with every type that is read",
        **{
            f"query {key}": f"0 {kind}"
            for key, kind in {
                "studies": "ImagingStudy",
                "reports": "DiagnosticReport",
                "observations": "Observation",
                "labs": "Observation",
                "temperature": "Observation",
                "conditions": "Condition",
                "medications": "MedicationRequest",
                "orders": "ServiceRequest",
            }.items()
        },
        "query patient": "1 Patient",
        "query report": "not tried: it needs more than the patient",
        "query study": "not tried: it needs more than the patient",
    }


def nothing_listens(set_up: SetUp) -> None:
    set_up.url = set_up.settings["public_url"] = "http://127.0.0.1:9"


def a_path_is_cut_off(set_up: SetUp) -> None:
    set_up.url = set_up.settings["public_url"] = f"{set_up.service}/somewhere"


def another_public_address(set_up: SetUp) -> None:
    set_up.settings["public_url"] = "https://another.example"


def other_hooks_are_served(set_up: SetUp) -> None:
    set_up.services = site_services(Settings(result_review_hook="example.org.result-review"))


def anybody_may_call(set_up: SetUp) -> None:
    set_up.settings |= {"auth": "off"}
    set_up.url = set_up.url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104  # this machine, by a name that is not


def no_client_is_known(set_up: SetUp) -> None:
    set_up.settings["clients"] = {}


def the_jku_is_not_there(set_up: SetUp) -> None:
    set_up.ehr.on("/jwks", status(404))


def the_keys_are_not_for_signatures(set_up: SetUp) -> None:
    set_up.ehr.on("/jwks", ok({"keys": [WRONG_USE.as_dict(private=False)]}, content_type="application/json"))


def the_server_is_not_listed(set_up: SetUp) -> None:
    set_up.settings["fhir_servers"] = []


def the_base_is_a_page(set_up: SetUp) -> None:
    set_up.ehr.on("metadata", status(404))


def the_server_speaks_stu3(set_up: SetUp) -> None:
    set_up.ehr.on("metadata", ok(metadata("3.0.2")))


def a_type_is_not_offered(set_up: SetUp) -> None:
    set_up.ehr.on("metadata", ok(metadata(kinds=READ_TYPES - {"ImagingStudy"})))


def observations(set_up: SetUp, behaviour: Any) -> None:
    for service in site_services(Settings()).values():
        query = service.prefetch["observations"].replace("{{context.patientId}}", PATIENT_ID)
        set_up.ehr.on(query, behaviour)


def the_token_lacks_a_scope(set_up: SetUp) -> None:
    observations(set_up, status(403))


def a_search_is_refused(set_up: SetUp) -> None:
    observations(set_up, status(400))


def an_error_inside_an_answer(set_up: SetUp) -> None:
    issue = [{"severity": "error", "code": "not-supported"}]
    observations(set_up, ok({**EMPTY, "entry": [{"resource": {"resourceType": "OperationOutcome", "issue": issue}}]}))


def the_server_is_slow(set_up: SetUp) -> None:
    set_up.settings["fhir_deadline_s"] = 0.2
    observations(set_up, slow(5, ok(EMPTY)))


def its_clock_is_wrong(set_up: SetUp) -> None:
    set_up.ehr.on("metadata", ok(metadata(), date=formatdate(time() + 600, usegmt=True)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plant", "where", "found", "fix"),
    [
        (nothing_listens, "discovery", "no answer (nothing listens there)", "start the service"),
        (a_path_is_cut_off, "discovery", "HTTP 404, and no list of services", "/somewhere/cds-services and all below"),
        (another_public_address, "who may call", "tokens must name another address", "set BME_PUBLIC_URL=http://127."),
        (other_hooks_are_served, "discovery", "lists other services", "BME_RESULT_REVIEW_HOOK"),
        pytest.param(
            anybody_may_call,
            "who may call",
            "anybody who reaches this address",
            "set BME_AUTH=required",
            marks=pytest.mark.allow_hosts(["127.0.0.1", "0.0.0.0"]),  # noqa: S104  # this machine
        ),
        (no_client_is_known, "who may call", "no client is known", "name the EHR in BME_CLIENTS"),
        (
            the_jku_is_not_there,
            "keys of https://ehr.example",
            "the jku answers HTTP 404",
            "ask the EHR for the address",
        ),
        (
            the_keys_are_not_for_signatures,
            "keys of https://ehr.example",
            "none of the keys at the jku",
            "2048 to 4096 bits",
        ),
        (the_server_is_not_listed, "FHIR server may be read", "not among those", "to BME_FHIR_SERVERS"),
        (the_base_is_a_page, "FHIR metadata", "HTTP 404, and no CapabilityStatement", "name the base address"),
        (the_server_speaks_stu3, "FHIR metadata", "FHIR version 3.0.2", "name the R4 address"),
        (a_type_is_not_offered, "FHIR metadata", "R4, but without ImagingStudy", "open these types"),
        (the_token_lacks_a_scope, OBSERVATIONS, "Observation: not permitted", "the scope patient/Observation.rs"),
        (a_search_is_refused, OBSERVATIONS, "Observation: query refused", "short form in hooks/README.md"),
        (an_error_inside_an_answer, OBSERVATIONS, "answered with an error inside", "short form in hooks/README.md"),
        (the_server_is_slow, OBSERVATIONS, "Observation: timed out", "BME_FHIR_DEADLINE_S"),
        (its_clock_is_wrong, "clock of the FHIR server", "before this machine's", "by NTP"),
    ],
)
def test_a_planted_mistake_is_found_alone_and_its_fix_named(
    set_up: SetUp, plant: Any, where: str, found: str, fix: str
):
    plant(set_up)

    told = set_up.to_mend()

    assert list(told) == [where]
    assert (found in told[where].partition(" -> ")[0], fix in told[where].partition(" -> ")[2]) == (True, True), told


@pytest.mark.slow
def test_a_discovery_that_asks_for_a_token_is_said_to_be_so():
    with in_order(auth="required") as set_up:
        set_up.settings["auth"] = "required"

        (step,) = [one for one in set_up.steps() if one.name == "discovery"]

    assert (step.found, step.mend) == (
        "asks for a token, as set up; an EHR that reads it without one needs BME_AUTH_DISCOVERY=false",
        "",
    )


@pytest.mark.slow
def test_what_the_doctor_prints_names_neither_the_patient_nor_the_token(set_up: SetUp):
    the_token_lacks_a_scope(set_up)
    set_up.ehr.on("metadata", raw(b"nonsense", keep=False))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BME_")}
    environment |= {f"BME_{name.upper()}": _written(value) for name, value in set_up.settings.items()}
    environment |= {"FHIR_TOKEN": TOKEN, "BME_STORE_URL": "sqlite://"}

    command = [sys.executable, "-m", "cds_service.cli", "doctor", set_up.url]
    command += ["--fhir", set_up.fhir, "--patient", PATIENT_ID]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (1, "")
    assert [line.partition(":")[0] for line in done.stdout.splitlines() if line.startswith("MEND")] == [
        "MEND  FHIR metadata",
        "MEND  query observations",
    ]
    assert done.stdout.splitlines()[-1] == "2 to mend"
    assert any(one.headers.get("authorization") == f"Bearer {TOKEN}" for one in set_up.ehr.asked)
    assert [secret for secret in (PATIENT_ID, TOKEN) if secret in done.stdout] == []


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_a_patient_of_the_doctor_is_not_shown():
    assert [secret for secret in (PATIENT_ID, TOKEN) if secret in repr(Patient("https://e", PATIENT_ID, TOKEN))] == []


def page_with_more(set_up: SetUp) -> None:
    observations(set_up, page(1, None))


@pytest.mark.slow
def test_what_a_query_brings_is_counted_and_not_shown(set_up: SetUp):
    page_with_more(set_up)

    assert [one.found for one in set_up.steps() if one.name == OBSERVATIONS] == ["1 Observation"]
