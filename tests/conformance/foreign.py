"""Any running service, asked what CDS Hooks asks of all: ``python -m tests.conformance.foreign http://HOST:PORT``.

Its discovery and its answers are checked by the rules of ``response_rules``; what we promise beyond the specification
(house-1 and so on) is left out. Each listed service gets the requests of our scenarios for its hook, about made-up
patients and without a FHIR server, the data under the keys that it asks for itself. What the rows of sections A, B and
G ask of the transport is reported under their numbers, too; so is a refused extension, and the form of a refusal.

Exits with 1 when a SHALL is violated, with 2 when a request gets no answer at all.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import requests
from support.conformance import FIRM, requirements

from cds_service.data import data_path
from cds_service.scenarios import load_scenarios
from tests.conformance.response_rules import (
    Answer,
    Violation,
    check_discovery,
    check_outcome,
    check_response,
    members,
    templates,
    text,
)

Json = Any
Place: TypeAlias = tuple[str, Violation]
"""Where a violation was seen (the discovery, or service and scenario), and the violation."""

TIMEOUT_S = 30.0
SHOWN = 3


class Survey:
    """What one service was asked and how it did: violations with their places, statuses by service id."""

    def __init__(self, url: str) -> None:
        self.base = f"{url.rstrip('/')}/cds-services"
        self.statuses: dict[str, Counter[str]] = {}
        self.passed_over: list[str] = []
        self.violations = [(at, one) for at, one in self._look() if one.rule.isdigit()]

    def _look(self) -> Iterator[Place]:
        response = requests.get(self.base, timeout=TIMEOUT_S, allow_redirects=False)
        if response.status_code != 200:
            yield "discovery", Violation("9", "$", f"answers with {response.status_code}")
            return
        try:
            discovery = response.json()
        except ValueError:
            yield "discovery", Violation("1", "$", "is not JSON")
            return
        yield from (("discovery", one) for one in check_discovery(discovery))
        for path, entry in Answer(discovery).services():
            yield from self._call(path, entry)

    def _call(self, path: str, entry: Json) -> Iterator[Place]:
        name, hook = text(entry, "id"), text(entry, "hook")
        known = [one for one in load_scenarios(data_path("scenarios")) if one.request["hook"] == hook]
        if not (name and known):
            self.passed_over.append(f"{path}: hook {hook or 'unknown'}")
            return
        statuses = self.statuses.setdefault(name, Counter())
        for scenario in known:
            response = self._post(name, request_for(entry, scenario.request))
            statuses[str(response.status_code)] += 1
            yield from ((f"{name}, {scenario.name}", one) for one in faults(response, scenario.request["context"]))
        if "200" in statuses:
            extended = {**request_for(entry, known[0].request), "extension": {"org.example.note": {"text": "x"}}}
            response = self._post(name, extended)
            if response.status_code >= 400:
                yield (
                    f"{name}, an extension in the request",
                    Violation("117", "$.extension", f"is an object, and is refused with {response.status_code}"),
                )
        yield from ((f"{name}, an empty request", one) for one in faults(self._post(name, {}), {}))

    def _post(self, name: str, body: Json) -> requests.Response:
        return requests.post(f"{self.base}/{name}", json=body, timeout=TIMEOUT_S, allow_redirects=False)


def request_for(entry: Mapping[str, Json], ours: Json) -> Json:
    """Return one of our requests with its data under the keys of a service's own templates."""
    held: dict[str, dict[str, Json]] = {}
    for value in ours["prefetch"].values():
        entries = [each.get("resource") for _, each in members("", value, "entry")]
        for resource in entries if text(value or {}, "resourceType") == "Bundle" else [value]:
            if isinstance(resource, dict):
                held.setdefault(text(resource, "resourceType"), {})[text(resource, "id")] = resource
    prefetch: dict[str, Json] = {}
    for path, template in templates(Answer({"services": [entry]})):
        found = list(held.get(re.split(r"\W", template)[0], {}).values())
        prefetch[path.removeprefix("$.services[0].prefetch.")] = (
            {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in found]}
            if "?" in template and found
            else next(iter(found), None)
        )
    asked = {key: ours[key] for key in ("hook", "hookInstance", "context")}
    return {**asked, "prefetch": prefetch} if prefetch else asked


def faults(response: requests.Response, context: Mapping[str, Json]) -> Iterator[Violation]:
    """Yield what is wrong with the answer to a call. To refuse it is allowed."""
    status = response.status_code
    if status != 200 and status < 400:
        yield Violation("66", "$", f"success is 200, not {status}")
        return
    if status in (404, 405):
        yield Violation("16", "$", f"the address of the entry answers with {status}")
    try:
        body = response.json()
    except ValueError:
        yield Violation("1" if status == 200 else "70", "$", "is not JSON")
        return
    if status == 200:
        yield from check_response(body, context=context)
    else:
        # Only its form: what else a refusal may hold is nowhere defined.
        yield from (one for one in check_outcome(body) if one.rule == "70")


def report(survey: Survey) -> tuple[str, bool]:
    """Return what there is to say, and whether a SHALL is violated."""
    rows = {row.number: row for row in requirements()}
    lines = [
        f"{name}: {', '.join(f'{times} x {status}' for status, times in statuses.items())}"
        for name, statuses in survey.statuses.items()
    ]
    lines += [f"not called, no request for it here: {one}" for one in survey.passed_over]
    by_number: dict[int, list[Place]] = {}
    for at, violation in survey.violations:
        by_number.setdefault(int(violation.rule), []).append((at, violation))
    for number, places in sorted(by_number.items()):
        row = rows[number]
        lines.append(f"{number} {row.level} ({row.section}), {row.subject}: {len(places)} x")
        lines += [f"    {at}: {one.path} {one.message}" for at, one in places[:SHOWN]]
    firm = sum(rows[number].level in FIRM for number in by_number)
    lines.append(f"{len(by_number)} requirements violated, {firm} of them SHALL or SHALL NOT")
    return "\n".join(lines), firm > 0


def main(arguments: list[str]) -> int:
    """Survey the service at an address and print the report."""
    parser = argparse.ArgumentParser(description="Check a running CDS Hooks service.")
    parser.add_argument("url", help="base address, above /cds-services")
    try:
        said, violated = report(Survey(parser.parse_args(arguments).url))
    except requests.RequestException as error:
        sys.stdout.write(f"no answer: {type(error).__name__}\n")
        return 2
    sys.stdout.write(f"{said}\n")
    return int(violated)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
