"""Contents into the form of CDS Hooks 2.0: cards with ids, suggestions, and reasons to override."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.cards import wording
from cds_service.cards.app_link import AppLink
from cds_service.cards.content import Content, Escape, Referral
from cds_service.cards.text import markdown, plain
from cds_service.fhir.access import Json
from cds_service.fhir.orders import UnsendableOrder, referral, with_note
from cds_service.knowledge.codes.overrides import OVERRIDE_REASONS
from cds_service.knowledge.evidence import SOURCE_TITLE
from cds_service.knowledge.settings import INDICATOR_BY_TIER
from cds_service.model.coding import LOCAL
from cds_service.model.fingerprint import keyed_hash
from cds_service.model.level import Tier
from cds_service.protocol.profiles import GENERIC, Profile

SUMMARY_LIMIT = 139
"""A summary has fewer than 140 characters (CDS Hooks requirement 74)."""

_NAMED = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]+")
_NAMESPACE = uuid.UUID("8f0d2f4e-0a1b-5c3d-9e4f-6a7b8c9d0e1f")


@dataclass(frozen=True)
class Addressee:
    """For whom the cards are: what goes into ids and suggested orders, and nothing else of the request.

    ``laid_open``: the address of the page that tells of every rule; empty where the service does not know its own.
    """

    client: str
    hook_instance: str
    service_id: str
    patient_id: str
    user_id: str
    card_key: bytes
    referral_intent: str
    referral_codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    indicators: Mapping[str, str] = field(default_factory=dict)
    profile: Profile = GENERIC
    app: AppLink | None = None
    laid_open: str = ""

    def indicator(self, tier: Tier) -> str:
        """Return how urgent a card of this tier looks here."""
        default = INDICATOR_BY_TIER.default
        known = self.indicators or (default if isinstance(default, Mapping) else {})
        return known[tier.name.lower()]


def render(contents: Iterable[Content], drafts: Mapping[str, Json], draft_keys: list[str], to: Addressee) -> list[Json]:
    """Return the cards of a response, in order.

    Args:
        drafts: the client's draft orders by ``Type/id``.
        draft_keys: the same keys in the order of ``Case.drafts``.
    """
    return [_card(content, drafts, draft_keys, to) for content in contents]


def detail(content: Content, escape: Escape, own: Escape = str) -> str:
    """Return a card's detail as Markdown; words of the record go through ``escape``, ours through ``own``."""
    parts: list[str] = []
    for section in content.sections:
        lines = [line.shown(escape, own) for line in section.lines]
        if section.heading:
            parts.append(f"**{section.heading}**\n\n" + "\n".join(f"- {line}" for line in lines))
        else:
            parts.append("\n\n".join(lines))
    return "\n\n".join(parts)


def _own(words: str) -> str:
    """Return our own words for Markdown, where a tilde ("~90%") would strike out what follows it."""
    return words.replace("~", "\\~")


def summary(content: Content) -> str:
    """Return a card's summary: one plain line of fewer than 140 characters."""
    return plain(content.summary, SUMMARY_LIMIT)


def texts(content: Content) -> list[str]:
    """Return what a card says as plain text, before Markdown escaping."""
    return [summary(content), detail(content, plain)]


def _card(content: Content, drafts: Mapping[str, Json], draft_keys: list[str], to: Addressee) -> Json:
    suggestions = [
        suggestion for offered in content.referrals if (suggestion := _refer(content, offered, to)) is not None
    ]
    if content.change is not None and content.draft is not None and to.profile.changes_drafts:
        changed = _change(content, drafts.get(draft_keys[content.draft]), to)
        suggestions += [changed] if changed else []
    card: dict[str, Any] = {
        "uuid": _uuid(to, "card", content.key),
        "summary": summary(content),
        "detail": detail(content, markdown, _own),
        "indicator": "warning" if content.warning else to.indicator(content.tier),
        "source": {
            "label": SOURCE_TITLE,
            "topic": {"system": LOCAL, "code": topic_code(content, to.profile), "display": content.topic_label},
        },
    }
    if content.draft is not None and to.profile.names_orders and _NAMED.fullmatch(draft_keys[content.draft]):
        card["extension"] = {"davinci-crd.associated-resource": [draft_keys[content.draft]]}
    if suggestions:
        card["suggestions"] = suggestions
        card["selectionBehavior"] = "any"
    card["overrideReasons"] = [
        {"system": reason.system, "code": reason.code, "display": reason.display} for reason in OVERRIDE_REASONS
    ]
    # One link: a card with links to launch and to read is of no kind that Inferno knows (CRD). The app's own page leads
    # on to the other.
    if to.app is not None:
        card["links"] = [to.app.link(card["uuid"], content.key)]
    elif to.laid_open:
        card["links"] = [_about(content, to.laid_open)]
    return card


def _about(content: Content, page: str) -> Json:
    """Return the link to the first of the card's rules, or, on a card of no rule, to the limits."""
    place = next(iter(content.rules), "limits")
    return {"label": wording.ABOUT, "url": f"{page}#{place}", "type": "absolute"}


def topic_code(content: Content, profile: Profile) -> str:
    """Return the code of a card's topic, the same for every patient.

    Where it says what an override silences, it has the urgency of a cause, and the rule of an order check, so that no
    card is silenced because a less urgent one was, or one about another fault of an order.
    """
    if not profile.topic_for_each_message:
        return content.topic
    about = content.tier.name if content.draft is None else content.rules[0]
    return re.sub(r"[^A-Za-z0-9]", "", f"{content.topic}{about.capitalize()}")


def _refer(content: Content, offered: Referral, to: Addressee) -> Json | None:
    own_code = to.referral_codes.get(offered.target)
    systems = to.profile.order_systems
    if systems and (own_code is None or own_code["system"] not in systems):
        return None
    label = wording.REFER_LABEL[offered.urgent].format(wording.TARGET[offered.target])
    try:
        resource = referral(
            offered.target,
            urgent=offered.urgent,
            intent=to.referral_intent,
            own_code=own_code,
            patient_id=to.patient_id,
            user_id=to.user_id,
            reason_text=offered.reason,
            reason_code={"system": LOCAL, "code": content.topic, "display": content.topic_label},
            evidence=offered.evidence_refs,
            note=wording.REFER_NOTE.format(offered.reason),
        )
    except UnsendableOrder:
        return None
    return {
        "label": label,
        "uuid": _uuid(to, "referral", content.key, offered.target),
        "isRecommended": offered.urgent,
        # Epic shows the description alone, so it says all that the label does.
        "actions": [{"type": "create", "description": f"{label}: {offered.reason}", "resource": resource}],
    }


def _change(content: Content, draft: Json | None, to: Addressee) -> Json | None:
    if content.change is None or draft is None:
        return None
    note = wording.PROTOCOL_NOTE[content.change]
    try:
        resource = with_note(draft, note)
    except UnsendableOrder:
        return None
    label = wording.PROTOCOL_LABEL[content.change]
    return {
        "label": label,
        "uuid": _uuid(to, "change", content.key, content.change),
        "isRecommended": True,
        "actions": [{"type": "update", "description": f"{label}: {note}", "resource": resource}],
    }


def _uuid(to: Addressee, *parts: str) -> str:
    """Return an id that is the same for the same call and says nothing about the patient: UUIDv5 of a keyed hash."""
    digest = keyed_hash(to.card_key, to.client, to.hook_instance, to.patient_id, to.service_id, *parts)
    return str(uuid.uuid5(_NAMESPACE, digest))
