"""One patient's resources into evaluations: each report as if opened, each order as if signed, at its own date.

This is the whole decision of a replay, and it is pure: the same lines in any order give the same evaluations, whichever
engine brings them. What is decided, and from what, is the service's own ``decide``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import cached_property
from hashlib import blake2b
from typing import Any

from cds_service.cards.silence import Subject, silence_of
from cds_service.fhir.access import Json, day, earliest_day, text
from cds_service.fhir.readers import ReadingRules
from cds_service.fhir.source import PrefetchState, Record, draft_orders, read_record
from cds_service.protocol.call import HookCall
from cds_service.protocol.discovery import Service
from cds_service.replay.export import NotAResource, parsed
from cds_service.replay.relevance import IMAGING_TYPES, ORDER_TYPES, Needs, Relevance, newest_day
from cds_service.service import Answer, Gathered, Ports, decide, real_ports, site_services
from cds_service.settings import Settings
from cds_service.store.records import Response

KNOWN_SINCE: Mapping[str, tuple[str, ...]] = {
    "DiagnosticReport": ("issued", "effectiveDateTime", "effectivePeriod"),
    "Observation": ("issued", "effectiveDateTime", "effectiveInstant", "effectivePeriod"),
    "ImagingStudy": ("started",),
    "Condition": ("recordedDate", "assertedDate", "dateRecorded"),
    "ServiceRequest": ("authoredOn",),
    "MedicationRequest": ("authoredOn",),
}
"""The elements that say since when a resource is known, the best first."""

KNOWN_KEYS = (
    "patient",
    "studies",
    "reports",
    "observations",
    "labs",
    "temperature",
    "conditions",
    "medications",
    "orders",
)
"""The prefetch keys that an export answers: the record holds all that they ask for, if there is any."""

NEVER_SIGNED = ("entered-in-error", "draft")
"""Status of an order that nobody signed, or that was never meant."""

REVIEW, SIGN = "result-review", "order-sign"
NO_INSTANCE = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Row:
    """One evaluation.

    Attributes:
        patient: keyed hash of the patient's id; the same patient has the same in one replay.
        event: its number among the patient's evaluations, in time.
        date: ISO 8601 day on which it plays.
        hook: ``result-review`` or ``order-sign``.
        cards: how many would have been shown.
        tier: urgency of the most urgent card; empty without one.
        topics: what the cards are about: causes, ``order-check``, ``protocol``, ``unread-report``.
        levels: every cause with its level, as ``cause=level``.
        rules: ids of the rules that the cards speak for.
        undecided: ids of raising rules that could not be decided.
        missing: facts that the record does not state and these ask for.
        silenced: whether it had cards, and all would have been kept back, had each been answered when it was shown.
        failed: the kind of error that stopped the evaluation; empty when none did.
        patient_id, reference: who and what it is about. Never leave the folder of work but in the key of a sample.
    """

    patient: str
    event: int
    date: str
    hook: str
    cards: int = 0
    tier: str = ""
    topics: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    silenced: bool = False
    failed: str = ""
    patient_id: str = ""
    reference: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for the folder of work."""
        return vars(self)


@dataclass(frozen=True)
class Site:
    """What a replay decides by: rules, settings, services, and the key of its pseudonyms."""

    settings: Settings
    ports: Ports
    services: Mapping[str, Service]
    key: bytes

    @cached_property
    def relevance(self) -> Relevance:
        """What may lead to a card here."""
        how = ReadingRules(self.ports.rules, self.settings.judgement, self.settings.aliases, date.min)
        return Relevance(how)

    def pseudonym(self, patient_id: str) -> bytes:
        """Return the keyed hash of a patient's id, 16 bytes."""
        return blake2b(patient_id.encode("utf-8", "surrogatepass"), digest_size=16, key=self.key).digest()


def site_of(settings: Settings, key: bytes) -> Site:
    """Return the site of these settings. It asks no FHIR server: a replay knows the export only."""
    services = {service.situation: service for service in site_services(settings).values()}
    return Site(settings, replace(real_ports(settings), fhir=None), services, key)


@dataclass(frozen=True)
class Event:
    """A report opened, or the orders of one moment signed. ``at`` is when, ``day`` that in its own time zone."""

    at: datetime
    hook: str
    day: date
    orders: tuple[str, ...] = ()
    reference: str = ""


@dataclass
class Replayed:
    """What one patient gives: evaluations, and counts for the table of data quality."""

    rows: list[Row] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)


def replay_patient(patient_id: str, lines: Iterable[bytes], site: Site, *, everything: bool = False) -> Replayed:
    """Return the evaluations of one patient, oldest first.

    Lines that are no resource are counted, never fatal. ``everything``: evaluate also what provably gets no card.
    """
    found = Replayed()
    resources = _resources(patient_id, lines, found.tally)
    whens = {key: known_since(one) for key, one in resources.items()}
    newest = {key: newest_day(one) for key, one in resources.items() if one.get("resourceType") in IMAGING_TYPES}
    reports = site.relevance.reports_of_mr(resources)
    events = [*_opened(reports, resources, found.tally), *_signed(resources, found.tally)]
    events = [event for event in events if event.hook in site.services]
    events.sort(key=lambda event: (event.at, event.hook, event.reference))
    wanted = [event for event in events if everything or _may_show(event, resources, whens, newest, site.relevance)]
    if not wanted:
        # Of a patient without an evaluation nothing is told: whether its lines were read depends on the engine.
        return Replayed()
    found.tally.update(f"undated|{one.get('resourceType')}" for key, one in resources.items() if whens[key] is None)
    if "Patient" not in {text(one.get("resourceType")) for one in resources.values()}:
        found.tally["patients without a Patient"] += 1
    pseudonym = site.pseudonym(patient_id).hex()
    answered: list[tuple[Subject, datetime]] = []
    for number, event in enumerate(wanted):
        row = Row(
            pseudonym, number, event.day.isoformat(), event.hook, patient_id=patient_id, reference=event.reference
        )
        known = dict(_known_at(event, resources, whens, is_last=event is events[-1]))
        try:
            reply = _decided(event, known, [resources[key] for key in event.orders], patient_id, site)
        except Exception as error:
            # One record that breaks a reader must not end the replay of all others; it is named in the report.
            found.rows.append(replace(row, failed=type(error).__name__))
            continue
        found.rows.append(_told(row, reply, _all_silent(reply, event, answered, site)))
        found.tally.update(
            f"report|{one.reason or one.outcome}" for one in reply.reading.reports if one.key == row.reference
        )
    found.tally["patients"] += 1
    return found


def _resources(patient_id: str, lines: Iterable[bytes], tally: Counter[str]) -> dict[str, Json]:
    """Return the patient's resources by ``Type/id``, in the order of these; of several versions the newest."""
    entries: list[Json] = []
    for line in lines:
        try:
            entries.append({"resource": parsed(line)})
        except NotAResource as error:
            tally[f"bad|{error}"] += 1
    record = read_record({"export": {"resourceType": "Bundle", "entry": entries}}, {}, patient_id)
    tally.update(f"{problem.code}|{problem.about}" for problem in record.problems)
    return dict(sorted(record.resources.items()))


# When


def known_since(resource: Json) -> datetime | None:
    """Return the first moment at which a resource can have been known; None when it does not say.

    A day without a time is taken from its beginning. A Patient is known always.
    """
    kind = text(resource.get("resourceType"))
    if kind == "Patient":
        return datetime.min.replace(tzinfo=UTC)
    for name in KNOWN_SINCE.get(kind, ()):
        found = _moment(resource.get(name), time.min)
        if found is not None:
            return found
    return None


def _moment(value: Any, without_time: time) -> datetime | None:
    if isinstance(value, Mapping):
        value = value.get("end") or value.get("start")
    written = text(value)
    try:
        if "T" in written:
            found = datetime.fromisoformat(written)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    known = earliest_day(written)
    return datetime.combine(date.fromisoformat(known), without_time, UTC) if known else None


def _event_at(resource: Json, names: Iterable[str]) -> tuple[datetime, date] | None:
    """Return when a resource makes its event; a day without a time is taken at its end, with all data of that day."""
    for name in names:
        value = resource.get(name)
        value = value.get("end") or value.get("start") if isinstance(value, Mapping) else value
        written = day(text(value))
        at = _moment(value, time.max)
        if written and at is not None:
            return at, date.fromisoformat(written)
    return None


def _opened(reports: Iterable[str], resources: Mapping[str, Json], tally: Counter[str]) -> Iterator[Event]:
    for key in sorted(reports):
        when = _event_at(resources[key], KNOWN_SINCE["DiagnosticReport"])
        if when is None:
            tally["not replayed: report without a date"] += 1
            continue
        yield Event(when[0], REVIEW, when[1], reference=key)


def _signed(resources: Mapping[str, Json], tally: Counter[str]) -> Iterator[Event]:
    """Yield the orders of the patient, those of one moment together, as they are signed."""
    together: dict[tuple[datetime, date], list[str]] = {}
    for key, resource in sorted(resources.items()):
        if resource.get("resourceType") not in ORDER_TYPES or text(resource.get("status")) in NEVER_SIGNED:
            continue
        when = _event_at(resource, ("authoredOn",))
        if when is None:
            tally["not replayed: order without a date"] += 1
            continue
        together.setdefault(when, []).append(key)
    for (at, on), keys in together.items():
        yield Event(at, SIGN, on, tuple(keys), " ".join(keys))


def _known_at(
    event: Event, resources: Mapping[str, Json], whens: Mapping[str, datetime | None], *, is_last: bool
) -> Iterator[tuple[str, Json]]:
    """Yield what was known at an event. What does not say since when counts as known at the last one only."""
    for key, resource in resources.items():
        when = whens[key]
        if key in event.orders or (when is None and not is_last) or (when is not None and when > event.at):
            continue
        if resource.get("resourceType") == "Patient" and not is_last and resource.get("deceasedBoolean") is True:
            # A death without a date is known at the last event only, as all else without one.
            yield key, {name: value for name, value in resource.items() if name != "deceasedBoolean"}
        else:
            yield key, resource


# What


def _may_show(
    event: Event,
    resources: Mapping[str, Json],
    whens: Mapping[str, datetime | None],
    newest: Mapping[str, str | None],
    relevance: Relevance,
) -> bool:
    """Whether an event may give a card, by the reasons of ``relevance``. ``newest``: days of what may be imaging."""
    if event.hook == REVIEW:
        return True
    needed = min(relevance.needs(resources[key]) for key in event.orders)
    if needed is Needs.NOTHING:
        return True
    since = "" if needed is Needs.ANY_IMAGING else relevance.fresh_since(event.day)
    return any(
        relevance.may_be_imaging(resources[key])
        for key, on in newest.items()
        if (on is None or on >= since) and ((when := whens[key]) is None or when <= event.at)
    )


def _decided(event: Event, known: dict[str, Json], orders: Iterable[Json], patient_id: str, site: Site) -> Answer:
    """Decide on the call that the event would have made, from everything that was known then."""
    context: dict[str, Any] = {"patientId": patient_id, "userId": "Practitioner/replay"}
    if event.hook == REVIEW:
        context["reportId"] = event.reference.partition("/")[2]
    if event.orders:
        context["draftOrders"] = _bundle({**one, "status": "draft"} for one in orders)
    prefetch = dict.fromkeys(KNOWN_KEYS)
    call = HookCall(site.services[event.hook], NO_INSTANCE, patient_id, "Practitioner/replay", context, prefetch)
    queries = call.queries()
    states = {key: PrefetchState.DATA if key in prefetch else PrefetchState.ABSENT for key in queries}
    drafts = draft_orders(context.get("draftOrders"), patient_id)
    gathered = Gathered(Record(known, states), queries, drafts)
    return decide(call, site.settings, replace(site.ports, today=lambda: event.day), gathered=gathered)


def _bundle(resources: Iterable[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


def _all_silent(reply: Answer, event: Event, answered: list[tuple[Subject, datetime]], site: Site) -> bool:
    """Whether all cards would have been kept back; those that would not are taken to be answered now."""
    shown = [reply.selection.subjects[card.key] for card in reply.contents]
    told = []
    for subject in shown:
        same = [
            Response(one.key, one.basis, one.tier.name.lower(), "overridden", "", at)
            for one, at in answered
            if one.key == subject.key and one.basis == subject.basis
        ]
        if silence_of(subject, same, event.at, site.settings.judgement) is None:
            told.append(subject)
    answered.extend((one, event.at) for one in told)
    return bool(shown) and not told


def _told(row: Row, reply: Answer, silenced: bool) -> Row:  # a column like the others
    """Return the row with what was decided."""
    undecided = reply.assessment.undecided
    shown = reply.contents
    return replace(
        row,
        cards=len(shown),
        tier=max(card.tier for card in shown).name.lower() if shown else "",
        topics=tuple(sorted({card.topic for card in shown})),
        levels=tuple(sorted(f"{cause}={level.name.lower()}" for cause, level in reply.assessment.levels.items())),
        rules=tuple(sorted({rule for card in shown for rule in card.rules})),
        undecided=tuple(sorted({result.rule.id for result in undecided})),
        missing=tuple(sorted({fact.name for result in undecided for fact in result.missing()})),
        silenced=silenced,
    )
