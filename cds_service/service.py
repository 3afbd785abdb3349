"""The story of one call: gather what is known, read it, assess it, say it in cards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any

from cds_service.cards import wording
from cds_service.cards.app_link import AppLink
from cds_service.cards.content import Content, contents
from cds_service.cards.render import Addressee, render
from cds_service.cards.selection import HookKind, Selection, Shown, select
from cds_service.cards.silence import Silence, Subject, longest, of_cause, of_notes, silence_of
from cds_service.data import data_path
from cds_service.engine.assess import Assessment, assess
from cds_service.engine.what_if import suppose
from cds_service.errors import MissingData
from cds_service.fhir.access import Json
from cds_service.fhir.client import Access, FhirClient, Limits
from cds_service.fhir.readers import Reading, ReadingRules, read_case
from cds_service.fhir.readers.patient import is_deceased
from cds_service.fhir.source import Fetch, PrefetchState, Record, draft_orders, read_record
from cds_service.knowledge.rules import rule_set, with_targets
from cds_service.knowledge.settings import INDICATOR_BY_TIER, OLD_AFTER_DAYS
from cds_service.model.condition import Fact, SettingValue
from cds_service.model.finding import Value
from cds_service.model.fingerprint import fingerprint, keyed_hash
from cds_service.model.level import Tier
from cds_service.model.rule import RuleSet
from cds_service.protocol.call import HookCall, read_call
from cds_service.protocol.discovery import Service, load_services
from cds_service.protocol.profiles import PROFILES, Profile
from cds_service.settings import Settings, normal_address
from cds_service.store.records import IssuedCard, KeptBack, Response


@dataclass(frozen=True)
class Key:
    """What a prefetch key is called on a card, and whether it is one of those of which something must be had.

    Every key that was not sent is asked of the FHIR server, and every one that could not be had is named on the card.
    """

    name: str
    essential: bool = False


ESSENTIAL = ("studies", "reports", "observations", "report", "study")
KEYS: Mapping[str, Key] = {key: Key(name, key in ESSENTIAL) for key, name in wording.KEY.items()}
"""Of the essential ones result-review and patient-view need at least one; order hooks need none."""

IMAGING_TYPES = ("DiagnosticReport", "Observation", "ImagingStudy")


Responses = Callable[[Sequence[str], datetime], list[Response]]
"""Returns what was answered, since a time, to cards about these subjects (``Owner.hashed``)."""


def no_responses(_subjects: Sequence[str], _since: datetime) -> list[Response]:
    """Return nothing: as if no card had been answered."""
    return []


@dataclass(frozen=True)
class Ports:
    """What the service needs from outside: rules, day, FHIR servers, clock, memory. Tests pass their own.

    ``now``: seconds since 1970.
    """

    rules: RuleSet
    today: Callable[[], date]
    fhir: FhirClient | None = None
    now: Callable[[], float] = time.time
    responses: Responses = no_responses


@dataclass(frozen=True)
class Owner:
    """Whose cards they are: the patient of a client's server. Only a hash of that is ever kept."""

    card_key: bytes = field(repr=False)
    words: tuple[str, ...] = field(repr=False)

    def hashed(self, what: str) -> str:
        """Return a name for something about this patient that says nothing of either."""
        return keyed_hash(self.card_key, *self.words, what)


PHASES = ("gather", "read", "assess", "select")
"""What a decision takes its time for, in this order; the first may wait for a FHIR server."""


@dataclass(frozen=True)
class Gathered:
    """What a call is decided from: the record, the draft orders by key, and why its FHIR server was not asked.

    ``queries`` are those of the call (``HookCall.queries``), by prefetch key.
    """

    record: Record
    queries: Mapping[str, str]
    drafts: Mapping[str, Json]
    not_asked: NotAsked | None = None


@dataclass(frozen=True)
class Answer:
    """One answered call with everything behind it, for the response, the command line and the trace.

    ``took_s`` are the seconds of each of ``PHASES``; ``kept_back`` is what rules speak for and no card says, and why.
    """

    call: HookCall = field(repr=False)
    profile: Profile
    response: Json
    contents: list[Content]
    assessment: Assessment
    selection: Selection
    reading: Reading
    gathered: Gathered
    not_had: tuple[NotHad, ...]
    gaps: tuple[str, ...]
    settings: Mapping[str, SettingValue]
    owner: Owner
    took_s: Mapping[str, float]
    kept_back: tuple[tuple[Subject, KeptBack], ...] = ()

    @property
    def record(self) -> Record:
        """The record of the patient."""
        return self.gathered.record

    @property
    def cards(self) -> list[Json]:
        """The cards of the response."""
        cards: list[Json] = self.response["cards"]
        return cards


@dataclass(frozen=True)
class NotHad:
    """A prefetch key of which nothing could be had, or not all, and why in words."""

    key: str
    why: str


def real_ports(settings: Settings) -> Ports:
    """Return the packaged rules with the site's referral targets, today's date, and a client for its servers."""
    rules = with_targets(rule_set(), settings.judgement.get("referral_targets", {}))
    limits = Limits(post_search=settings.fhir_post_search, ca_file=settings.fhir_ca_file)
    clients = settings.clients.values()
    reads = settings.fhir_servers or settings.smart_issuers or any(client.fhir_servers for client in clients)
    return Ports(rules, date.today, FhirClient(limits) if reads else None)


def site_services(settings: Settings) -> dict[str, Service]:
    """Return the services a site offers, by id: its own hook definitions or the packaged ones.

    Raises:
        ConfigurationError: the definitions cannot be read.
    """
    folder = settings.hooks_folder or data_path("hooks")
    return load_services(folder, {"result-review": settings.result_review_hook})


def answer_on(
    day: date, value: Any, service: Service, settings: Settings, responses: Responses = no_responses
) -> Answer:
    """Answer a request as on another day; raises what ``read_call`` and ``answer`` raise."""
    ports = replace(real_ports(settings), today=lambda: day, responses=responses)
    return answer(read_call(value, service), settings, ports)


def answer(
    call: HookCall,
    settings: Settings,
    ports: Ports,
    assumed: Iterable[tuple[Fact, Value]] = (),
    known: Answer | None = None,
) -> Answer:
    """Answer one hook call. A patient who has died gets no cards.

    What is ``assumed`` counts wherever the record does not state it: such an answer is no answer about the record.
    ``known`` is an answer to the same call: what it read is not read again.

    Raises:
        MissingData: result-review or patient-view with neither reports nor observations nor studies.
        BadRequest: the prefetch or a draft order is about another patient.
    """
    decided = decide(call, settings, ports, assumed, known.gathered if known else None)
    profile = decided.profile
    addressee = Addressee(
        client=call.server,
        hook_instance=call.hook_instance,
        service_id=call.service.id,
        patient_id=call.patient_id,
        user_id=call.user_id,
        card_key=settings.secret,
        referral_intent=settings.referral_intent,
        referral_codes={target: code.model_dump() for target, code in settings.referral_codes.items()},
        indicators=settings.judgement.get("indicator_by_tier", INDICATOR_BY_TIER.default),
        profile=profile,
        app=_app_link(call, settings, decided.selection),
        laid_open=settings.public_url and f"{settings.public_url}/transparency",
    )
    draft_keys = [draft.reference for draft in decided.reading.case.drafts]
    response: dict[str, Any] = {"cards": render(decided.contents, decided.gathered.drafts, draft_keys, addressee)}
    if call.service.situation in profile.system_actions_on:
        response["systemActions"] = []
    return replace(decided, response=response)


def decide(
    call: HookCall,
    settings: Settings,
    ports: Ports,
    assumed: Iterable[tuple[Fact, Value]] = (),
    gathered: Gathered | None = None,
) -> Answer:
    """Return all of an answer but its response; raises what ``answer`` does.

    Each of ``contents`` becomes one card. What is ``gathered`` already is not gathered again.
    """
    times = [perf_counter()]
    hook = HookKind(call.service.situation)
    if gathered is None:
        queries = call.queries()
        drafts = draft_orders(call.context.get("draftOrders"), call.patient_id) if hook.has_drafts else {}
        fetch, not_asked = _server(call, settings, ports)
        record = read_record(call.prefetch, queries, call.patient_id, call.context.get("results"), fetch)
        gathered = Gathered(record, queries, drafts, not_asked)
    record = gathered.record
    if not hook.has_drafts:
        _require_imaging(record, gathered.not_asked)
    times.append(perf_counter())
    today = ports.today()
    owner = Owner(settings.secret, (call.caller.issuer, call.server.rstrip("/"), call.patient_id))
    how = ReadingRules(ports.rules, settings.judgement, settings.aliases, today)
    reading = read_case(record, how, drafts=gathered.drafts, selections=_selections(call, hook))
    for fact, value in assumed:
        reading = replace(reading, case=suppose(reading.case, fact, value))
    times.append(perf_counter())
    assessment = assess(reading.case, ports.rules, settings.judgement)
    times.append(perf_counter())
    silent_of = partial(_silences, owner, ports, settings.judgement)
    selection = select(assessment, hook, today, settings.judgement, unread=reading.unread, silent_of=silent_of)
    not_had = tuple(_not_had(record, gathered.queries))
    gaps = (*(f"{KEYS[one.key].name} ({one.why})" for one in not_had), *reading.gaps)
    old_before = today - timedelta(days=int(settings.judgement.get("old_after_days", OLD_AFTER_DAYS.default)))
    written = contents(assessment, selection, ports.rules, gaps, old_before=old_before.isoformat())
    kept_back = tuple(_kept_back(selection, assessment))
    if any(is_deceased(patient, today) for patient in record.of_type("Patient")):
        written, kept_back = [], ()
    times.append(perf_counter())
    return Answer(
        call=call,
        profile=call.caller.profile or PROFILES[settings.profile],
        response={},
        contents=written,
        assessment=assessment,
        selection=selection,
        reading=reading,
        gathered=gathered,
        not_had=not_had,
        gaps=gaps,
        settings=settings.judgement,
        owner=owner,
        took_s={name: end - begin for name, (begin, end) in zip(PHASES, pairwise(times), strict=True)},
        kept_back=kept_back,
    )


def _kept_back(selection: Selection, assessment: Assessment) -> Iterator[tuple[Subject, KeptBack]]:
    for silence in selection.silences:
        yield silence.subject, KeptBack.SILENT
    for one in (*selection.held_back, *selection.named):
        if one.why is not Shown.SILENT:
            yield of_cause(one.diagnosis, assessment, one.tier), KeptBack.HELD
    if assessment.diagnoses and assessment.notes and not selection.shown:
        # They would stand on the first card.
        silent = any(one.why is Shown.SILENT for one in selection.held_back)
        yield of_notes(assessment), KeptBack.SILENT if silent else KeptBack.HELD


def rules_version(settings: Settings, ports: Ports) -> str:
    """Return the fingerprint of what decides: the rules and the site's judgement."""
    return fingerprint((ports.rules, settings.judgement))


def issued_cards(reply: Answer, service: Service, version: str) -> list[IssuedCard]:
    """Return what is remembered of the cards of an answer, and of what was kept back."""
    made = partial(
        IssuedCard, service=service.id, hook=service.hook, rule_set=version, profile=reply.profile.name.value
    )
    sent = [
        made(
            card=card["uuid"],
            rules=content.rules,
            tier=content.tier.name.lower(),
            indicator=card["indicator"],
            subject=reply.owner.hashed(content.key),
            basis=reply.owner.hashed(reply.selection.subjects[content.key].basis),
        )
        for card, content in zip(reply.cards, reply.contents, strict=True)
    ]
    unsent = [
        made(
            card=reply.owner.hashed("|".join(("kept-back", service.id, reply.call.hook_instance, subject.key)))[:36],
            rules=subject.rules,
            tier=subject.tier.name.lower(),
            indicator="",
            subject=None,
            basis=None,
            kept_back=why,
        )
        for subject, why in reply.kept_back
    ]
    return sent + unsent


class NotAsked(StrEnum):
    """Why the FHIR server that a call names was not asked."""

    NOT_LISTED = "fhirServer is not among the servers that this service reads (BME_FHIR_SERVERS)"
    NO_TOKEN = "fhirAuthorization has expired, or is for another patient"  # noqa: S105  # no secret


def app_address(settings: Settings, place: str) -> str:
    """Return an address of the app, such as that of ``launch``, as browsers and records know it."""
    return f"{settings.public_url}/smart/{place}"


def _app_link(call: HookCall, settings: Settings, selection: Selection) -> AppLink | None:
    """Return the link to the app; None where the record that calls could not open it."""
    if not settings.smart_issuers or (call.server and normal_address(call.server) not in settings.smart_issuers):
        return None
    return AppLink(app_address(settings, "launch"), settings.secret, call.patient_id, selection.bases)


def _silences(
    owner: Owner, ports: Ports, judgement: Mapping[str, SettingValue], subjects: Sequence[Subject]
) -> dict[str, Silence]:
    """Return which of the subjects are silent for this patient, by key."""
    now = datetime.fromtimestamp(ports.now(), UTC)
    since = now - longest(Tier.ROUTINE, judgement)
    keys = {owner.hashed(subject.key): subject for subject in subjects}
    given: dict[str, list[Response]] = {}
    for response in ports.responses(tuple(keys), since):
        given.setdefault(response.subject, []).append(response)
    found = {}
    for hashed, subject in keys.items():
        if responses := given.get(hashed):
            same = [one for one in responses if one.basis == owner.hashed(subject.basis)]
            if silence := silence_of(subject, same, now, judgement):
                found[subject.key] = silence
    return found


def _server(call: HookCall, settings: Settings, ports: Ports) -> tuple[Fetch | None, NotAsked | None]:
    """Return how to ask the FHIR server that the call names, or why it is not asked; neither when it names none."""
    if not call.server:
        return None, None
    allowed = (*settings.fhir_servers, *call.caller.fhir_servers)
    if ports.fhir is None or call.server.rstrip("/") not in allowed:
        return None, NotAsked.NOT_LISTED
    if not call.authorization.is_for(call.patient_id):
        return None, NotAsked.NO_TOKEN
    access = Access(call.server, call.authorization.token, call.authorization.scope)
    return partial(ports.fhir.fetch, access=access, within_s=settings.fhir_deadline_s), None


def _require_imaging(record: Record, not_asked: NotAsked | None) -> None:
    essential = [key for key in record.states if key in KEYS and KEYS[key].essential]
    if any(record.states[key].is_answer for key in essential):
        return
    if any(True for kind in IMAGING_TYPES for _ in record.of_type(kind)):
        return
    why = f"; {not_asked}" if not_asked else ""
    failed = [f"{key!r} ({record.failures[key]})" if key in record.failures else repr(key) for key in essential]
    raise MissingData(
        "nothing to assess: none of the prefetch keys " + ", ".join(failed) + " could be had; send at least one of them"
        " (null or an empty Bundle when the record holds none), or let the FHIR server be read" + why
    )


def _selections(call: HookCall, hook: HookKind) -> frozenset[str] | None:
    """Return the keys of the orders in focus; None when every draft is."""
    chosen: Any = call.context.get("selections")
    if hook is not HookKind.ORDER_SELECT or not isinstance(chosen, list) or not chosen:
        return None
    return frozenset(one for one in chosen if isinstance(one, str))


def _not_had(record: Record, queries: Mapping[str, str]) -> Iterator[NotHad]:
    """Yield what was asked for and could not be had, or came only in part."""
    for key, state in record.states.items():
        if key in KEYS and not state.is_answer and queries[key] not in record.resources:
            otherwise = wording.QUERY_FAILED if state is PrefetchState.FAILED else wording.NOT_SENT
            yield NotHad(key, record.failures.get(key, otherwise))
    yield from (NotHad(key, wording.NOT_ALL_PAGES) for key in record.more if key in KEYS)
