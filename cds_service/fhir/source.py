"""What the caller sent: prefetch in its states, the results under review, the draft orders.

Nothing here interprets medicine. Each resource is taken on its own; those of another patient are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cds_service.fhir.access import Json, key_of, objects, reference_key, text
from cds_service.model.case import Problem


class PrefetchState(StrEnum):
    """What came for one prefetch key (CDS Hooks requirements 39-43)."""

    ABSENT = "absent"
    NULL = "null"
    EMPTY = "empty"
    FAILED = "failed"
    DATA = "data"

    @property
    def is_answer(self) -> bool:
        """Whether the client told us what there is, even if that is nothing."""
        return self in (PrefetchState.NULL, PrefetchState.EMPTY, PrefetchState.DATA)


READ_TYPES = frozenset(
    {"Patient", "ImagingStudy", "DiagnosticReport", "Observation", "Condition", "ServiceRequest", "MedicationRequest"}
)
SUBJECT_FIELDS = ("subject", "patient")


@dataclass
class Record:
    """The patient's resources by ``Type/id``, and how complete they are.

    ``states`` says what came for each declared prefetch key, ``more`` names keys whose search has further pages.
    """

    resources: dict[str, Json] = field(default_factory=dict)
    states: dict[str, PrefetchState] = field(default_factory=dict)
    more: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def of_type(self, kind: str) -> Iterator[Json]:
        """Yield the resources of one type, in the order of their keys."""
        for key in sorted(self.resources):
            if self.resources[key].get("resourceType") == kind:
                yield self.resources[key]


def read_record(
    prefetch: Mapping[str, Any], declared: Mapping[str, str], patient_id: str, results: Any = None
) -> Record:
    """Return what the prefetch and the results under review hold about this patient.

    Keys that were never declared are read as well: real clients send their own.
    """
    record = Record()
    for key in declared:
        record.states[key] = PrefetchState.ABSENT
    for key, value in sorted(prefetch.items()):
        state, resources = _unpack(value)
        if key in declared:
            record.states[key] = state
        if any(text(link.get("relation")) == "next" for link in objects(_link(value))):
            record.more.append(key)
        for resource in resources:
            _take(record, resource, patient_id)
    for resource in _unpack(results)[1]:
        _take(record, resource, patient_id)
    return record


def entries(bundle: Any) -> list[Json]:
    """Return the resources in a Bundle of any type, or without a type; an entry may be the resource itself."""
    found = []
    for entry in objects(bundle.get("entry")) if isinstance(bundle, Mapping) else ():
        resource = entry.get("resource", entry)
        if isinstance(resource, Mapping) and text(resource.get("resourceType")):
            found.append(resource)
    return found


def _link(value: Any) -> Any:
    return value.get("link") if isinstance(value, Mapping) else None


def _unpack(value: Any) -> tuple[PrefetchState, list[Json]]:
    """Return the state of one prefetch value and the resources in it.

    Epic answers an empty search with a Bundle that holds one OperationOutcome; as a search outcome of warning
    severity that is "nothing found", anything worse is a failure.
    """
    if value is None:
        return PrefetchState.NULL, []
    if not isinstance(value, Mapping):
        return PrefetchState.FAILED, []
    kind = text(value.get("resourceType"))
    if kind == "OperationOutcome":
        return (PrefetchState.FAILED, []) if _is_failure(value) else (PrefetchState.EMPTY, [])
    if kind != "Bundle":
        return (PrefetchState.DATA, [value]) if kind else (PrefetchState.FAILED, [])
    inside = entries(value)
    outcomes = [resource for resource in inside if resource.get("resourceType") == "OperationOutcome"]
    data = [resource for resource in inside if resource.get("resourceType") != "OperationOutcome"]
    if data:
        return PrefetchState.DATA, data
    if any(_is_failure(outcome) for outcome in outcomes):
        return PrefetchState.FAILED, []
    return PrefetchState.EMPTY, []


def _is_failure(outcome: Json) -> bool:
    return any(text(issue.get("severity")) in ("error", "fatal") for issue in objects(outcome.get("issue")))


def _take(record: Record, resource: Json, patient_id: str) -> None:
    kind = text(resource.get("resourceType"))
    if kind not in READ_TYPES:
        return
    if not _is_about(resource, patient_id):
        record.problems.append(Problem("other-patient", kind))
        return
    key = key_of(resource)
    if key == kind:
        key = f"{kind}/(without id, {sum(1 for known in record.resources if known.startswith(f'{kind}/('))})"
    record.resources[key] = resource


def _is_about(resource: Json, patient_id: str) -> bool:
    """Whether a resource belongs to the patient of the call. One that names nobody is taken to."""
    if resource.get("resourceType") == "Patient":
        return text(resource.get("id")) in ("", patient_id)
    for name in SUBJECT_FIELDS:
        subject = reference_key(resource.get(name))
        if subject and not subject.startswith("#"):
            return subject == f"Patient/{patient_id}"
    return True
