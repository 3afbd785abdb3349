"""The story of one call: gather what is known, read it, assess it, say it in cards."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from cds_service.cards.content import Content, contents
from cds_service.cards.render import Addressee, render
from cds_service.cards.selection import HookKind, Selection, select
from cds_service.data import data_path
from cds_service.engine.assess import Assessment, assess
from cds_service.errors import MissingData
from cds_service.fhir.access import Json
from cds_service.fhir.client import Access, FhirClient, Limits
from cds_service.fhir.readers import Reading, ReadingRules, read_case
from cds_service.fhir.readers.patient import is_deceased
from cds_service.fhir.source import Fetch, PrefetchState, Record, draft_orders, read_record
from cds_service.knowledge.rules import rule_set, with_targets
from cds_service.knowledge.settings import INDICATOR_BY_TIER, OLD_AFTER_DAYS
from cds_service.model.condition import SettingValue
from cds_service.model.fingerprint import fingerprint
from cds_service.model.rule import RuleSet
from cds_service.protocol.call import HookCall, read_call
from cds_service.protocol.discovery import Service, load_services
from cds_service.settings import Settings
from cds_service.store.records import IssuedCard


@dataclass(frozen=True)
class Key:
    """What a prefetch key is called on a card, and whether it is one of those of which something must be had.

    Every key that was not sent is asked of the FHIR server, and every one that could not be had is named on the card.
    """

    name: str
    essential: bool = False


KEYS: Mapping[str, Key] = {
    "patient": Key("patient"),
    "studies": Key("imaging studies", essential=True),
    "reports": Key("reports", essential=True),
    "observations": Key("observations", essential=True),
    "labs": Key("laboratory results"),
    "temperature": Key("temperature"),
    "conditions": Key("problem list"),
    "medications": Key("medications"),
    "orders": Key("existing orders"),
    "report": Key("the report on screen", essential=True),
    "study": Key("the study on screen", essential=True),
}
"""Of the essential ones result-review and patient-view need at least one; order hooks need none."""

IMAGING_TYPES = ("DiagnosticReport", "Observation", "ImagingStudy")


@dataclass(frozen=True)
class Ports:
    """What the service needs from outside: rules, day, FHIR servers, clock. Tests pass their own.

    ``now``: seconds since 1970.
    """

    rules: RuleSet
    today: Callable[[], date]
    fhir: FhirClient | None = None
    now: Callable[[], float] = time.time


@dataclass(frozen=True)
class Answer:
    """One answered call with everything behind it, for the response, the command line and the trace.

    ``drafts`` are the draft orders of the call, by key.
    """

    cards: list[Json]
    contents: list[Content]
    assessment: Assessment
    selection: Selection
    reading: Reading
    record: Record
    not_asked: NotAsked | None
    gaps: tuple[str, ...]
    settings: Mapping[str, SettingValue]
    drafts: dict[str, Json]


def real_ports(settings: Settings) -> Ports:
    """Return the packaged rules with the site's referral targets, today's date, and a client for its servers."""
    rules = with_targets(rule_set(), settings.judgement.get("referral_targets", {}))
    limits = Limits(post_search=settings.fhir_post_search, ca_file=settings.fhir_ca_file)
    reads = settings.fhir_servers or any(client.fhir_servers for client in settings.clients.values())
    return Ports(rules, date.today, FhirClient(limits) if reads else None)


def site_services(settings: Settings) -> dict[str, Service]:
    """Return the services a site offers, by id: its own hook definitions or the packaged ones.

    Raises:
        ConfigurationError: the definitions cannot be read.
    """
    folder = settings.hooks_folder or data_path("hooks")
    return load_services(folder, {"result-review": settings.result_review_hook})


def answer_on(day: date, value: Any, service: Service, settings: Settings) -> Answer:
    """Answer a request as on another day; raises what ``read_call`` and ``answer`` raise."""
    return answer(read_call(value, service), settings, replace(real_ports(settings), today=lambda: day))


def answer(call: HookCall, settings: Settings, ports: Ports) -> Answer:
    """Answer one hook call. A patient who has died gets no cards.

    Raises:
        MissingData: result-review or patient-view with neither reports nor observations nor studies.
        BadRequest: the prefetch or a draft order is about another patient.
    """
    decided = decide(call, settings, ports)
    addressee = Addressee(
        client=call.server,
        hook_instance=call.hook_instance,
        service_id=call.service.id,
        patient_id=call.patient_id,
        user_id=call.user_id,
        card_key=settings.card_key.get_secret_value().encode(),
        referral_intent=settings.referral_intent,
        referral_codes={target: code.model_dump() for target, code in settings.referral_codes.items()},
        indicators=settings.judgement.get("indicator_by_tier", INDICATOR_BY_TIER.default),
    )
    draft_keys = [draft.reference for draft in decided.reading.case.drafts]
    return replace(decided, cards=render(decided.contents, decided.drafts, draft_keys, addressee))


def decide(call: HookCall, settings: Settings, ports: Ports) -> Answer:
    """Return all of an answer but the cards themselves; raises what ``answer`` does.

    Each of ``contents`` becomes one card.
    """
    hook = HookKind(call.service.situation)
    drafts = draft_orders(call.context.get("draftOrders"), call.patient_id) if hook.has_drafts else {}
    fetch, not_asked = _server(call, settings, ports)
    queries = call.queries()
    record = read_record(call.prefetch, queries, call.patient_id, call.context.get("results"), fetch)
    if not hook.has_drafts:
        _require_imaging(record, not_asked)
    today = ports.today()
    how = ReadingRules(ports.rules, settings.judgement, settings.aliases, today)
    reading = read_case(record, how, drafts=drafts, selections=_selections(call, hook))
    assessment = assess(reading.case, ports.rules, settings.judgement)
    selection = select(assessment, hook, today, settings.judgement)
    gaps = (*_not_had(record, queries), *reading.gaps)
    # A result that was just opened and could not be read must not look like one that shows nothing.
    unread = reading.unread if hook is HookKind.RESULT_REVIEW else ()
    old_before = today - timedelta(days=int(settings.judgement.get("old_after_days", OLD_AFTER_DAYS.default)))
    written = contents(assessment, selection, ports.rules, gaps, unread, old_before=old_before.isoformat())
    if any(is_deceased(patient, today) for patient in record.of_type("Patient")):
        written = []
    return Answer([], written, assessment, selection, reading, record, not_asked, gaps, settings.judgement, drafts)


def rules_version(settings: Settings, ports: Ports) -> str:
    """Return the fingerprint of what decides: the rules and the site's judgement."""
    return fingerprint((ports.rules, settings.judgement))


def issued_cards(reply: Answer, service: Service, version: str) -> list[IssuedCard]:
    """Return what is remembered of the cards of an answer."""
    return [
        IssuedCard(
            card=card["uuid"],
            service=service.id,
            hook=service.hook,
            rules=content.rules,
            rule_set=version,
            tier=content.tier.name.lower(),
            indicator=card["indicator"],
        )
        for card, content in zip(reply.cards, reply.contents, strict=True)
    ]


class NotAsked(StrEnum):
    """Why the FHIR server that a call names was not asked."""

    NOT_LISTED = "fhirServer is not among the servers that this service reads (BME_FHIR_SERVERS)"
    NO_TOKEN = "fhirAuthorization has expired, or is for another patient"  # noqa: S105  # no secret


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


def _not_had(record: Record, queries: Mapping[str, str]) -> list[str]:
    """Return, in words, what was asked for and could not be had, or came only in part."""
    parts: list[str] = []
    for key, state in record.states.items():
        if key in KEYS and not state.is_answer and queries[key] not in record.resources:
            why = record.failures.get(key) or ("query failed" if state is PrefetchState.FAILED else "not sent")
            parts.append(f"{KEYS[key].name} ({why})")
    return parts + [f"{KEYS[key].name} (not all pages)" for key in record.more if key in KEYS]
