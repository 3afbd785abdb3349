"""The record of one call: prefetch in its states, what the FHIR server adds to it, results under review, drafts.

Nothing here interprets medicine. Each resource is taken on its own; those of another patient are left out and counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from cds_service.errors import BadRequest
from cds_service.fhir.access import Json, key_of, objects, reference_key, text
from cds_service.fhir.client import Failure, Fetched
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
HARMLESS = frozenset({"information", "warning", "success"})
"""Severities of an OperationOutcome that do not mean that the query failed."""


@dataclass
class Record:
    """The patient's resources by ``Type/id``, and how complete they are.

    ``states`` says what came for each declared prefetch key, from the client or the server, ``failures`` why the server
    gave nothing, ``queried`` names the keys that it was asked for, ``more`` those whose search has further pages. A
    resource without an id is given one that no server would.
    """

    resources: dict[str, Json] = field(default_factory=dict)
    states: dict[str, PrefetchState] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    queried: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def of_type(self, kind: str) -> Iterator[Json]:
        """Yield the resources of one type, in the order of their keys. The record is complete by then."""
        yield from self.keyed(kind).values()

    def keyed(self, kind: str) -> Mapping[str, Json]:
        """Return the resources of one type by their keys, in the order of these. The record is complete by then."""
        return self._by_type.get(kind, {})

    @cached_property
    def _by_type(self) -> Mapping[str, Mapping[str, Json]]:
        found: dict[str, dict[str, Json]] = {}
        for key in sorted(self.resources):
            resource = self.resources[key]
            found.setdefault(resource["resourceType"], {})[key] = resource
        return found


@dataclass(frozen=True)
class _Unpacked:
    """One prefetch value: what came, the resources in it, and what of it was no resource or a failure."""

    state: PrefetchState
    resources: tuple[Json, ...] = ()
    unusable: int = 0
    partly_failed: bool = False
    next: str | None = None
    """Address of the next page; None on the last, empty when it cannot be told."""


Fetch = Callable[[Mapping[str, str]], Mapping[str, Fetched]]
"""Asks the FHIR server: key -> query (or address of a next page) to what came of it."""


def read_record(
    prefetch: Mapping[str, Any],
    queries: Mapping[str, str],
    patient_id: str,
    results: Any = None,
    fetch: Fetch | None = None,
) -> Record:
    """Return what the prefetch, the results under review and the FHIR server hold about this patient.

    A key that the client did not send is asked of the server, and so are the further pages of one that it did. A query
    of the client's that failed is not made again (CDS Hooks requirement 42), and what it knows to be nothing is not
    asked for. Keys that were never declared are read as well: real clients send their own. Of two versions of a
    resource the newer counts.

    Args:
        queries: declared prefetch key -> its query with the context filled in; empty where that cannot be done.
        fetch: asks the FHIR server; None when there is none to ask.

    Raises:
        BadRequest: the prefetch holds another patient than the call is about.
    """
    record = Record(states=dict.fromkeys(queries, PrefetchState.ABSENT))
    taken = _Taken(patient_id, record.problems)
    following: dict[str, str] = {}
    for key, value in sorted(prefetch.items()):
        found = _unpack(value)
        if key in queries:
            _same_patient(key, found, patient_id)
            record.states[key] = found.state
            if found.partly_failed:
                record.problems.append(Problem("partly-failed", key))
            if found.next is not None:
                following[key] = found.next
        taken.add(found)
    taken.add(_unpack(results))
    wanted = {
        key: query
        for key, query in queries.items()
        if query and record.states[key] is PrefetchState.ABSENT and query not in taken.by_key
    }
    pages_left = {key: address for key, address in following.items() if address}
    fetched = fetch(wanted | pages_left) if fetch is not None and (wanted or pages_left) else {}
    for key, answer in sorted(fetched.items()):
        pages = [_unpack(page) for page in answer.pages]
        for page in pages:
            taken.add(page)
        record.queried.append(key)
        if key in wanted:
            record.states[key] = _state_of(pages)
        if answer.failure is not None:
            record.failures[key] = answer.failure
        elif not answer.incomplete:
            following.pop(key, None)
        if answer.incomplete or any(page.partly_failed or not page.state.is_answer for page in pages[1:]):
            following.setdefault(key, "")
    record.more.extend(sorted(following))
    record.resources.update(taken.resources())
    return record


def _state_of(pages: Sequence[_Unpacked]) -> PrefetchState:
    """Return what the pages of one query amount to: data if any holds data, a failure if the first one is."""
    if not pages:
        return PrefetchState.FAILED
    return PrefetchState.DATA if any(page.state is PrefetchState.DATA for page in pages) else pages[0].state


def _same_patient(key: str, found: _Unpacked, patient_id: str) -> None:
    if key != "patient":
        return
    idents = {text(one.get("id")) for one in found.resources if one.get("resourceType") == "Patient"}
    if idents and patient_id not in idents and "" not in idents:
        raise BadRequest(
            "prefetch 'patient' holds another patient than context.patientId; send the resource that"
            " 'Patient/{{context.patientId}}' returns, or leave the key out",
            at="prefetch.patient",
        )


def entries(bundle: Any) -> list[Json]:
    """Return the resources in a Bundle of any type, or without a type; an entry may be the resource itself."""
    return _entries(bundle)[0]


def draft_orders(bundle: Any, patient_id: str) -> dict[str, Json]:
    """Return the draft orders of a call by key.

    Clients leave out ids, or use one twice: such a draft gets its place in the Bundle as its key.

    Raises:
        BadRequest: a draft is for another patient than the call is about.
    """
    drafts: dict[str, Json] = {}
    for place, draft in enumerate(entries(bundle), start=1):
        kind, key = text(draft.get("resourceType")), key_of(draft)
        if not is_about(draft, patient_id):
            raise BadRequest(
                f"draft order {place} is for another patient than context.patientId; send the drafts of this patient",
                at="context.draftOrders",
            )
        drafts[f"{kind}/(draft {place})" if key == kind or key in drafts else key] = draft
    return drafts


def _entries(bundle: Any) -> tuple[list[Json], int]:
    """Return the resources in a Bundle, and how many entries hold none."""
    listed = _part(bundle, "entry")
    rows = listed if isinstance(listed, list) else [] if listed is None else [listed]
    resources = [row.get("resource", row) for row in rows if isinstance(row, dict)]
    usable: list[Json] = [one for one in resources if isinstance(one, dict) and text(one.get("resourceType"))]
    return usable, len(rows) - len(usable)


def _part(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _unpack(value: Any) -> _Unpacked:
    """Return the state of one prefetch value and the resources in it.

    Epic answers an empty search with a Bundle that holds one OperationOutcome; of warning severity that is "nothing
    found", anything worse, or without a severity, is a failure.
    """
    if value is None:
        return _Unpacked(PrefetchState.NULL)
    if not isinstance(value, Mapping):
        return _Unpacked(PrefetchState.FAILED)
    kind = text(value.get("resourceType"))
    if kind == "OperationOutcome":
        return _Unpacked(PrefetchState.FAILED if is_failure(value) else PrefetchState.EMPTY)
    if kind != "Bundle":
        return _Unpacked(PrefetchState.DATA, (value,)) if kind else _Unpacked(PrefetchState.FAILED)
    inside, unusable = _entries(value)
    data: list[Json] = []
    outcomes: list[Json] = []
    for resource in inside:
        (outcomes if resource["resourceType"] == "OperationOutcome" else data).append(resource)
    failed = any(is_failure(outcome) for outcome in outcomes)
    following = next((link for link in objects(value.get("link")) if text(link.get("relation")) == "next"), None)
    next_page = None if following is None else text(following.get("url"))
    if data:
        return _Unpacked(PrefetchState.DATA, tuple(data), unusable, partly_failed=failed, next=next_page)
    # A total without entries was counted, not sent: it must not pass for "nothing there".
    counted = value.get("total")
    kept_back = not outcomes and isinstance(counted, int) and counted > 0
    state = PrefetchState.FAILED if failed or unusable or kept_back else PrefetchState.EMPTY
    return _Unpacked(state, (), unusable, next=next_page)


def is_failure(outcome: Json) -> bool:
    """Whether an OperationOutcome says that a query failed."""
    severities = [text(issue.get("severity")) for issue in objects(outcome.get("issue"))]
    return not severities or not HARMLESS.issuperset(severities)


def is_about(resource: Json, patient_id: str) -> bool:
    """Whether a resource belongs to the patient of the call. One that names nobody is taken to."""
    if resource.get("resourceType") == "Patient":
        return text(resource.get("id")) in ("", patient_id)
    mine = f"Patient/{patient_id}"
    for name in SUBJECT_FIELDS:
        subject = resource.get(name)
        # Nearly always the plain reference.
        if subject is None or (isinstance(subject, dict) and subject.get("reference") == mine):
            continue
        if not all(_is_patient(one, patient_id) for one in _named(subject)):
            return False
    return True


def _is_patient(reference: str, patient_id: str) -> bool:
    # A contained subject has no id that could be compared: its resource is the patient's if it was sent as such.
    same = (f"Patient/{patient_id}", patient_id, f"urn:uuid:{patient_id}")
    return reference in same or reference.startswith("#") or reference_key(reference) == same[0]


class _Taken:
    """Gathers the resources that are read and about the patient, each once, whatever the order they come in."""

    def __init__(self, patient_id: str, problems: list[Problem]) -> None:
        self.patient_id = patient_id
        self.problems = problems
        self.by_key: dict[str, Json] = {}
        self.without_id: dict[str, Json] = {}

    def add(self, found: _Unpacked) -> None:
        self.problems.extend([Problem("unreadable", "Bundle entry")] * found.unusable)
        for resource in found.resources:
            kind = resource["resourceType"]
            if kind not in READ_TYPES:
                continue
            if not is_about(resource, self.patient_id):
                self.problems.append(Problem("other-patient", kind))
                continue
            own = self._with_own_parts(resource) if "contained" in resource else resource
            ident = text(own.get("id"))
            if not ident:
                self.without_id[_content(own)] = own
                continue
            key = f"{kind}/{ident}"
            self.by_key[key] = _newer(self.by_key[key], own) if key in self.by_key else own

    def resources(self) -> dict[str, Json]:
        """Return all of them by ``Type/id``."""
        named = [
            {**resource, "id": f"(without id, {place})"}
            for place, (_, resource) in enumerate(sorted(self.without_id.items(), key=lambda pair: pair[0]))
        ]
        return self.by_key | {key_of(resource): resource for resource in named}

    def _with_own_parts(self, resource: Json) -> Json:
        """Return the resource without contained resources that name another patient."""
        if not resource.get("contained"):
            return resource
        parts = list(objects(resource.get("contained")))
        own = [part for part in parts if part.get("resourceType") == "Patient" or is_about(part, self.patient_id)]
        if len(own) == len(parts):
            return resource
        self.problems.extend(
            Problem("other-patient", text(part.get("resourceType")))
            for part in parts
            if part not in own and text(part.get("resourceType")) in READ_TYPES
        )
        return {**resource, "contained": own}


def _named(value: Any) -> Iterator[str]:
    """Yield the references of a subject: a Reference, a list of them, or the bare string."""
    for one in value if isinstance(value, list) else [value]:
        found = text(one.get("reference") if isinstance(one, Mapping) else one).strip()
        if found:
            yield found


def _newer(one: Json, other: Json) -> Json:
    """Return the newer of two versions of a resource; when nothing tells them apart, always the same one."""
    if one == other:  # what is on screen was often sent in a list, too
        return one
    return max((one, other), key=_version)


def _version(resource: Json) -> tuple[datetime, int, str]:
    updated, version = text(_part(resource.get("meta"), "lastUpdated")), text(_part(resource.get("meta"), "versionId"))
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 20 else -1
    return _instant(updated), number, _content(resource)


def _instant(stated: str) -> datetime:
    try:
        found = datetime.fromisoformat(stated)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def _content(resource: Json) -> str:
    return json.dumps(resource, sort_keys=True)
