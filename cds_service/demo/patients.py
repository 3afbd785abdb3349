"""The patients of the demo: each packaged scenario as the record of one patient, as if it played today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.scenarios import Scenario

Json = dict[str, Any]

NOT_SHOWN = frozenset({"another-patients-results-mixed-in"})
"""Scenarios about what a client sends, not about what a record holds: our server would sort it out. (The chart has a
fault that does the same.)"""

USER = "Practitioner/example-physician"
"""Who works with the chart."""


@dataclass(frozen=True)
class Story:
    """A patient of the demo. ``about`` is Markdown; ``report`` is the id of the report to read, or empty."""

    patient: str
    title: str
    about: str
    report: str
    drafts: tuple[Json, ...]


@dataclass(frozen=True)
class Patients:
    """All stories, by the id of their patient, and the resources of their records."""

    stories: Mapping[str, Story]
    resources: tuple[Json, ...]


def read_patients(scenarios: Iterable[Scenario], today: date) -> Patients:
    """Return the scenarios as records of ``today``.

    Ids are unique in a record only, so every resource but the patient gets the number of its scenario: on a server a
    search for one patient's report must not find another's.
    """
    stories: dict[str, Story] = {}
    resources: list[Json] = [_physician()]
    for number, scenario in enumerate(scenarios, start=1):
        if scenario.name in NOT_SHOWN:
            continue
        request = scenario.request_on(today)
        record = {f"{one['resourceType']}/{one['id']}": one for one in _resources(request["prefetch"])}
        names = {key: key if key.startswith("Patient/") else f"{key}-{number:02}" for key in record}
        resources += [_renamed(one, key, names) for key, one in record.items()]
        context = request["context"]
        drafts = [entry["resource"] for entry in context.get("draftOrders", {}).get("entry", [])]
        title, _, about = scenario.about.partition("\n")
        report = names.get(f"DiagnosticReport/{context.get('reportId')}", "").partition("/")[2]
        story = Story(context["patientId"], title.lstrip("# "), about.strip(), report, tuple(drafts))
        stories[story.patient] = story
    return Patients(stories, tuple(resources))


def _resources(prefetch: Json) -> Iterator[Json]:
    """Yield the resources that a server holds; a Bundle's OperationOutcome is part of an answer, not of a record."""
    for value in filter(None, prefetch.values()):
        entries = value.get("entry", []) if value["resourceType"] == "Bundle" else [{"resource": value}]
        yield from (entry["resource"] for entry in entries if entry["resource"]["resourceType"] != "OperationOutcome")


def _renamed(resource: Json, key: str, names: Mapping[str, str]) -> Json:
    """Return the resource under its name on the server, with its references to others of the record likewise."""
    moved: Json = _with_references(resource, names)
    return {**moved, "id": names[key].partition("/")[2]}


def _with_references(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_references(inner, names) for inner in value]
    if not isinstance(value, dict):
        return value
    moved = {name: _with_references(inner, names) for name, inner in value.items()}
    if isinstance(reference := value.get("reference"), str):
        # Some scenarios play on servers that write whole addresses.
        relative = "/".join(reference.rsplit("/", 2)[-2:])
        moved["reference"] = names.get(relative, relative)
    return moved


def _physician() -> Json:
    kind, _, name = USER.partition("/")
    return {"resourceType": kind, "id": name, "name": [{"family": "Example", "given": ["Demo"], "prefix": ["Dr."]}]}
