"""What the record does as a CDS client: discover services, prefetch, sign, call, send feedback."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import orjson
import requests

from cds_service.demo.authorization import Authority, Grant
from cds_service.demo.faults import WITHOUT_PREFETCH, Fault
from cds_service.demo.fhir import Records, Refused, bundle
from cds_service.demo.patients import USER
from cds_service.protocol.jwks import Key
from cds_service.protocol.signing import LIFE_S, draft, new_secret

Json = dict[str, Any]

TIMEOUT_S = 30
SCOPE = "patient/*.rs"
ACCESS_LIFE_S = 300
_TOKEN = re.compile(r"\{\{context\.(\w+)\}\}")


@dataclass
class Exchange:
    """One call of a service and what came of it.

    ``cards`` is None when there was no answer, which is something else than no card; ``status`` is 0 when nothing came
    back at all. ``outcomes``: place of a card -> what the clinician did with it.
    """

    patient: str
    service: str
    hook: str
    url: str
    request: str
    report: str = ""
    status: int = 0
    response: str = ""
    took_ms: int = 0
    cards: list[Json] | None = None
    outcomes: dict[int, str] = field(default_factory=dict)
    feedback: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Why the service gave no cards, in its own words (OperationOutcome), or what else is known of it."""
        try:
            first: Json = orjson.loads(self.response)["issue"][0]
            return str(first.get("details", {}).get("text") or first.get("diagnostics", ""))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return self.response if self.status == 0 else ""


class CdsClient:
    """The record's side of CDS Hooks. ``key`` signs; the service knows it by ``authority.fhir_base``."""

    def __init__(self, service_base: str, authority: Authority, records: Records, key: Key) -> None:
        self.base = service_base
        self._authority, self._records, self._key = authority, records, key
        self._services: dict[str, Json] = {}

    def fire(self, hook: str, patient: str, context: Mapping[str, Any], fault: Fault, report: str = "") -> Exchange:
        """Call the service of a hook about a patient."""
        try:
            service = self._service(hook)
        except (requests.RequestException, ValueError, KeyError) as error:
            why = f"The list of services could not be read ({type(error).__name__})."
            return Exchange(patient, "", hook, f"{self.base}/cds-services", "", report, response=why)
        grant = self._access(patient, fault)
        body: Json = {
            "hook": hook,
            "hookInstance": str(uuid4()),
            "fhirServer": self._authority.fhir_base,
            "fhirAuthorization": {
                "access_token": grant.token,
                "token_type": "Bearer",
                "expires_in": ACCESS_LIFE_S,
                "scope": grant.scope,
                "subject": "bme-cds-service",
                "patient": patient,
            },
            "context": {"userId": USER, "patientId": patient, **context},
        }
        if fault not in WITHOUT_PREFETCH:
            body["prefetch"] = self._prefetch(service["prefetch"], body["context"], fault)
        written = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
        url = f"{self.base}/cds-services/{service['id']}"
        return self.send(Exchange(patient, service["id"], hook, url, written, report), fault)

    def send(self, call: Exchange, fault: Fault) -> Exchange:
        """Send the request of a call as it is written, so that one edited by hand arrives as it was edited."""
        status, text, took_ms = self._post(call.url, call.request, fault)
        cards = _cards(text) if status == 200 else None
        return replace(call, status=status, response=text, took_ms=took_ms, cards=cards, outcomes={}, feedback=[])

    def feedback(self, exchange: Exchange, item: Mapping[str, Any]) -> None:
        """Tell the service what a clinician did with a card; the exchange keeps what was said and answered."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = orjson.dumps({"feedback": [{**item, "outcomeTimestamp": at}]}, option=orjson.OPT_INDENT_2).decode()
        status, _, took_ms = self._post(f"{exchange.url}/feedback", body, Fault.NONE)
        exchange.feedback.append(f"POST {exchange.url}/feedback\n{body}\n\n{status} in {took_ms} ms")

    def _service(self, hook: str) -> Json:
        if hook not in self._services:
            answer = requests.get(f"{self.base}/cds-services", timeout=TIMEOUT_S).json()
            self._services = {one["hook"]: one for one in answer["services"]}
        return self._services[hook]

    def _access(self, patient: str, fault: Fault) -> Grant:
        """Return a token for the service to read this record with."""
        lives_s = -1 if fault is Fault.EXPIRED_ACCESS else ACCESS_LIFE_S
        grant = Grant(new_secret(), "bme-cds-service", SCOPE, patient, USER, time.time() + lives_s, fault)
        self._authority.issue(grant)
        return grant

    def _prefetch(self, templates: Mapping[str, str], context: Json, fault: Fault) -> Json:
        """Return what the templates ask for. A key with a value that is not there, or that fails, is left out."""
        found: Json = {}
        for key, template in templates.items():
            names = _TOKEN.findall(template)
            if all(name in context for name in names) and not (fault is Fault.FAILING and key == "conditions"):
                # What is not found or not searchable is left out: null would say that the record holds none.
                with suppress(Refused):
                    found[key] = self._asked(_TOKEN.sub(lambda token: context[token[1]], template))
        if fault is Fault.MIXED_UP and found.get("reports"):
            found["reports"]["entry"].append({"resource": self._foreign_report(context["patientId"])})
        return found

    def _asked(self, query: str) -> Json:
        """Return what the server answers to a query of a template, its first page. Raises Refused."""
        path, _, parameters = query.partition("?")
        kind, _, name = path.partition("/")
        if name:
            return self._records.read(kind, name)
        asked = parse_qsl(parameters)
        return bundle(self._records.search(kind, asked), self._authority.fhir_base, kind, asked)

    def _foreign_report(self, patient: str) -> Json:
        reports = self._records.search("DiagnosticReport", [("_count", "500")]).resources
        return next(one for one in reports if one["subject"]["reference"] != f"Patient/{patient}")

    def _post(self, url: str, body: str, fault: Fault) -> tuple[int, str, int]:
        """Return the status, the body and the milliseconds of an answer; status 0 when there was none."""
        issued = time.time() - (10 * LIFE_S if fault is Fault.EXPIRED_SIGNATURE else 0)
        signed = draft(self._key, self._authority.fhir_base, url, issued).signed()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {signed}"}
        started = time.perf_counter()
        try:
            answer = requests.post(url, data=body.encode(), headers=headers, timeout=TIMEOUT_S)
            status, text = answer.status_code, answer.text
        except requests.RequestException as error:
            status, text = 0, f"The service could not be reached ({type(error).__name__})."
        return status, text, round((time.perf_counter() - started) * 1000)


_RANK = {"critical": 0, "warning": 1}


def _cards(text: str) -> list[Json] | None:
    """Return the cards of an answer, the most urgent first; None if it is not the answer of a service."""
    try:
        return sorted(orjson.loads(text)["cards"], key=lambda card: _RANK.get(card["indicator"], 2))
    except (ValueError, KeyError, TypeError):
        return None


def written(text: str) -> str:
    """Return JSON in lines, or the text as it is."""
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except ValueError:
        return text
