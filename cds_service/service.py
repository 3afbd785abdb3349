"""The story of one call: gather what is known, read it, assess it, say it in cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cds_service.cards.content import Content, contents
from cds_service.cards.render import Addressee, render
from cds_service.cards.selection import HookKind, Selection, select
from cds_service.data import data_path
from cds_service.engine.assess import Assessment, assess
from cds_service.errors import MissingData
from cds_service.fhir.access import Json
from cds_service.fhir.readers import Reading, ReadingRules, read_case
from cds_service.fhir.source import PrefetchState, Record, draft_orders, read_record
from cds_service.knowledge.rules import rule_set, with_targets
from cds_service.knowledge.settings import INDICATOR_BY_TIER
from cds_service.model.condition import SettingValue
from cds_service.model.rule import RuleSet
from cds_service.protocol.call import HookCall, read_call
from cds_service.protocol.discovery import Service, load_services
from cds_service.settings import Settings

ESSENTIAL_KEYS = ("reports", "observations", "studies", "report", "study")
"""Of these, result-review and patient-view need at least one (order hooks need none)."""

IMAGING_TYPES = ("DiagnosticReport", "Observation", "ImagingStudy")


@dataclass(frozen=True)
class Ports:
    """What the service needs from outside: the rules and the day. Tests pass their own."""

    rules: RuleSet
    today: Callable[[], date]


@dataclass(frozen=True)
class Answer:
    """One answered call with everything behind it, for the response, the command line and the trace."""

    cards: list[Json]
    contents: list[Content]
    assessment: Assessment
    selection: Selection
    reading: Reading
    gaps: tuple[str, ...]
    settings: Mapping[str, SettingValue]


def real_ports(settings: Settings) -> Ports:
    """Return the packaged rules, directed to the site's referral targets, and today's date."""
    return Ports(with_targets(rule_set(), settings.judgement.get("referral_targets", {})), date.today)


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
    """Answer one hook call.

    Raises:
        MissingData: result-review or patient-view with neither reports nor observations nor studies.
    """
    hook = HookKind(call.service.situation)
    record = read_record(call.prefetch, call.service.prefetch, call.patient_id, call.context.get("results"))
    if not hook.has_drafts:
        _require_imaging(record)
    drafts: dict[str, Json] = {}
    if hook.has_drafts:
        drafts = draft_orders(call.context.get("draftOrders"), call.patient_id, record.problems)
    today = ports.today()
    how = ReadingRules(ports.rules, settings.judgement, settings.aliases, today)
    reading = read_case(record, how, drafts=drafts, selections=_selections(call, hook))
    assessment = assess(reading.case, ports.rules, settings.judgement)
    selection = select(assessment, hook, today, settings.judgement)
    gaps = (*_missing_keys(record), *reading.gaps)
    # A result that was just opened and could not be read must not look like one that shows nothing.
    unread = reading.unread if hook is HookKind.RESULT_REVIEW else ()
    written = contents(assessment, selection, ports.rules, gaps, unread)
    addressee = Addressee(
        client=call.client,
        hook_instance=call.hook_instance,
        service_id=call.service.id,
        patient_id=call.patient_id,
        user_id=call.user_id,
        card_key=settings.card_key.get_secret_value().encode(),
        referral_intent=settings.referral_intent,
        referral_codes={target: code.model_dump() for target, code in settings.referral_codes.items()},
        indicators=settings.judgement.get("indicator_by_tier", INDICATOR_BY_TIER.default),
    )
    draft_keys = [draft.reference for draft in reading.case.drafts]
    cards = render(written, drafts, draft_keys, addressee)
    return Answer(cards, written, assessment, selection, reading, gaps, settings.judgement)


def _require_imaging(record: Record) -> None:
    states = [record.states.get(key, PrefetchState.ABSENT) for key in ESSENTIAL_KEYS]
    sent = any(state.is_answer for state in states)
    if sent or any(True for kind in IMAGING_TYPES for _ in record.of_type(kind)):
        return
    missing = [key for key in ESSENTIAL_KEYS if key in record.states]
    raise MissingData(
        "nothing to assess: none of the prefetch keys " + ", ".join(repr(key) for key in missing) + " could be used;"
        " send at least one of them (null or an empty Bundle when the record holds none)"
    )


def _selections(call: HookCall, hook: HookKind) -> frozenset[str] | None:
    """Return the keys of the orders in focus; None when every draft is."""
    chosen: Any = call.context.get("selections")
    if hook is not HookKind.ORDER_SELECT or not isinstance(chosen, list) or not chosen:
        return None
    return frozenset(one for one in chosen if isinstance(one, str))


NAMES = {
    "patient": "patient",
    "studies": "imaging studies",
    "reports": "reports",
    "observations": "observations",
    "labs": "laboratory results",
    "temperature": "temperature",
    "conditions": "problem list",
    "orders": "existing orders",
}


def _missing_keys(record: Record) -> list[str]:
    """Return, in words, what was asked for and not sent, failed, or came only in part."""
    parts = [
        f"{NAMES[key]} ({'query failed' if state is PrefetchState.FAILED else 'not sent'})"
        for key, state in record.states.items()
        if key in NAMES and not state.is_answer
    ]
    return parts + [f"{NAMES[key]} (first page only)" for key in record.more if key in NAMES]
