"""A store in which much has become of cards: for the page that shows it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from cds_service.knowledge.codes.overrides import OVERRIDE_REASONS
from cds_service.knowledge.rules import rule_set
from cds_service.store.store import Store
from cds_service.store.tables import feedback, issued_cards

ADMIN_TOKEN = "an admin token for the tests alone"
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
DISLIKED = "osteomyelitis-signal-pattern"
"""The rule that nearly everybody overrides."""

CELLS = (
    # hook, profile, cards a week, silenced or held back, of those answered overridden
    ("result-review", "epic", 30, "silent", 0.35),
    ("order-sign", "epic", 12, "held", 0.5),
    ("order-sign", "generic", 3, "silent", 0.5),
)


def fill(url: str, weeks: int = 20) -> None:
    """Make the tables, and cards of so many weeks before ``NOW``, the same each time."""
    chance = random.Random(1)  # noqa: S311  # no secret
    rules = [rule.id for rule in rule_set().rules][:24]
    cards, items = [], []
    for week in range(weeks):
        for number, rule in enumerate([*rules, DISLIKED]):
            for hook, profile, each, kept_back, overridden in CELLS:
                where = {"service": f"bme-{hook}", "hook": hook, "profile": profile}
                for _ in range(max(0, each - number)):
                    at = NOW - timedelta(weeks=week, hours=chance.randrange(160))
                    card = str(UUID(int=chance.getrandbits(128)))
                    kept = kept_back if chance.random() < 0.15 else None
                    cards.append(_card(card, rule, where, at, kept))
                    if kept is None and chance.random() < 0.6:
                        against = chance.random() < (0.97 if rule == DISLIKED else overridden)
                        items.append(_item(card, at, chance, against=against))
    store = Store(url)
    store.works()
    with store._database.write(durable=True) as connection:
        connection.execute(insert(issued_cards), cards)
        connection.execute(insert(feedback), items)
    store.close()


def _card(card: str, rule: str, where: dict[str, str], at: datetime, kept: str | None) -> dict[str, object]:
    how = {"tier": "soon", "indicator": "warning", "issued_at": at, "subject": None, "basis": None, "kept_back": kept}
    return {"card": card, "rules": [rule], "rule_set": "0" * 16, **where, **how}


def _item(card: str, at: datetime, chance: random.Random, *, against: bool) -> dict[str, object]:
    reason = chance.choice([*OVERRIDE_REASONS[:4], OVERRIDE_REASONS[0], None]) if against else None
    acted = at + timedelta(seconds=chance.choice([40, 200, 400, 3_000, 90_000]))
    return {
        "digest": card,
        "client": "https://ehr.example",
        "card": card,
        "outcome": "overridden" if against else "accepted",
        "suggestions": [],
        "reason_system": reason.system if reason else "",
        "reason_code": reason.code if reason else "",
        "comment": "",
        "outcome_at": acted,
        "received_at": acted + timedelta(hours=1),
    }
