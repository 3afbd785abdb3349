"""The store as the rest of the service sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Row, Select, Text, bindparam, cast, func, select

from cds_service.errors import StoreUnavailable
from cds_service.store.database import STATEMENTS, Database
from cds_service.store.launches import Launches
from cds_service.store.records import Feedback, IssuedCard, KeptBack, Outcome, Response
from cds_service.store.tables import feedback, issued_cards
from cds_service.store.tokens import SeenTokens, tidy
from cds_service.store.writer import Writer


@lru_cache(STATEMENTS)
def _responses(subjects: int) -> Select[Any]:
    """Return the statement that tells what was answered to cards about so many subjects."""
    named: list[Any] = [bindparam(f"subject{number}") for number in range(subjects)]
    return (
        select(
            issued_cards.c.subject,
            issued_cards.c.basis,
            issued_cards.c.tier,
            feedback.c.outcome,
            feedback.c.reason_code,
            feedback.c.received_at,
        )
        .join(feedback, feedback.c.card == issued_cards.c.card)
        .where(issued_cards.c.subject.in_(named), feedback.c.received_at >= bindparam("since"))
    )


ROWS_AT_ONCE = 500

_IN_WEEK = (issued_cards.c.issued_at >= bindparam("since"), issued_cards.c.issued_at < bindparam("until"))

_UNANSWERED = (
    select(
        cast(issued_cards.c.rules, Text).label("rules"),
        issued_cards.c.hook,
        issued_cards.c.profile,
        issued_cards.c.kept_back,
        func.count().label("cards"),
    )
    .outerjoin(feedback, feedback.c.card == issued_cards.c.card)
    .where(*_IN_WEEK, feedback.c.card.is_(None))
    .group_by(cast(issued_cards.c.rules, Text), issued_cards.c.hook, issued_cards.c.profile, issued_cards.c.kept_back)
)
"""One row for all cards that are alike."""

_ANSWERED = (
    select(
        issued_cards.c.card,
        issued_cards.c.rules,
        issued_cards.c.hook,
        issued_cards.c.profile,
        issued_cards.c.issued_at,
        feedback.c.outcome,
        feedback.c.reason_code,
        feedback.c.outcome_at,
        feedback.c.received_at,
    )
    .join(feedback, feedback.c.card == issued_cards.c.card)
    .where(*_IN_WEEK, issued_cards.c.kept_back.is_(None))
    # The last of a card's rows is the one that counts.
    .order_by(issued_cards.c.card, feedback.c.received_at, feedback.c.outcome_at.nulls_first(), feedback.c.digest)
)

_UNKNOWN = (
    select(func.count())
    .select_from(feedback)
    .outerjoin(issued_cards, feedback.c.card == issued_cards.c.card)
    .where(feedback.c.received_at >= bindparam("since"), issued_cards.c.card.is_(None))
)


class Store:
    """Cards issued, feedback, seen tokens, launches. Nothing is opened before something is to be written or asked."""

    def __init__(
        self, url: str, now: Callable[[], float] = time.time, *, tokens_required: bool = False, keep_days: int = 0
    ) -> None:
        """Use the database at ``url``. ``tokens_required``: see ``SeenTokens.take``; ``keep_days``: see ``Writer``."""
        self._database = Database(url)
        self._writer = Writer(self._database, now, keep_days)
        self._now = now
        self.seen = SeenTokens(self._database, self._writer.tidy_soon, now, required=tokens_required)

    @property
    def dropped(self) -> int:
        """How many cards were sent by this process and could not be recorded."""
        return self._writer.dropped

    def record(self, cards: Sequence[IssuedCard]) -> None:
        """Have cards recorded some time soon; never waits and never fails."""
        at = self._time()
        if cards:
            self._writer.record([{**vars(card), "issued_at": at} for card in cards])

    def outcomes(self, first: datetime, weeks: int) -> Iterator[Outcome]:
        """Yield what became of all cards issued, or kept back, in so many weeks from the first on.

        Each week is read by itself, so that no statement takes long; never are more than some hundred rows in memory.

        Raises:
            StoreUnavailable: not all could be read.
        """
        with self._database.survey() as connection:
            reading = connection.execution_options(yield_per=ROWS_AT_ONCE)
            for week in (first + timedelta(weeks=number) for number in range(weeks)):
                within = {"since": week, "until": week + timedelta(weeks=1)}
                for row in reading.execute(_UNANSWERED, within):
                    kept_back = KeptBack(row.kept_back) if row.kept_back else None
                    yield Outcome(
                        tuple(orjson.loads(row.rules)), row.hook, row.profile or "", week, row.cards, kept_back
                    )
                for _, of_card in groupby(reading.execute(_ANSWERED, within), key=itemgetter(0)):
                    *_, last = of_card
                    yield _answered(last, week)

    def answers_to_unknown(self, since: datetime) -> int:
        """Return how many outcomes we were told since then of cards that are not recorded here.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        with self._database.survey() as connection:
            return connection.scalar(_UNKNOWN, {"since": since}) or 0

    def keep(self, items: Sequence[Feedback]) -> int:
        """Keep feedback, once, however often it is sent; return how many items are about unknown cards.

        Raises:
            StoreUnavailable: it is not known that all of it is on the disk; it may be sent again.
        """
        at = self._time()
        if not items:
            return 0
        return self._writer.keep([{**vars(item), "digest": item.digest, "received_at": at} for item in items])

    def responses(self, subjects: Sequence[str], since: datetime) -> list[Response]:
        """Return what was answered since then to cards about these subjects; nothing when that cannot be read."""
        if not subjects:
            return []
        named = {f"subject{number}": subject for number, subject in enumerate(subjects)}
        try:
            rows = self._database.rows(_responses(len(named)), **named, since=since)
        except StoreUnavailable:
            return []
        return [
            Response(subject, basis, tier, outcome, reason, _in_utc(at))
            for subject, basis, tier, outcome, reason, at in rows
        ]

    def launches(self, secret: bytes) -> Launches:
        """Return the launches of the app that are kept here. ``secret``: of the service, the same in all processes."""
        return Launches(self._database, secret, self._now)

    def works(self) -> bool:
        """Whether the database can be written now."""
        try:
            with self._database.write(durable=False) as connection:
                tidy(connection, self._now())
        except StoreUnavailable:
            return False
        return True

    def close(self) -> None:
        """Write what waits and close the database; the next use opens it again."""
        self._writer.close()
        self._database.close()

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def _answered(row: Row[*tuple[Any, ...]], week: datetime) -> Outcome:
    issued, received = _in_utc(row.issued_at), _in_utc(row.received_at)
    acted = received if row.outcome_at is None else _in_utc(row.outcome_at)
    # A client's clock that says a time before the card, or after we were told, is wrong.
    took = (acted if issued <= acted <= received else received) - issued
    return Outcome(
        tuple(row.rules),
        row.hook,
        row.profile or "",
        week,
        outcome=row.outcome,
        reason_code=row.reason_code,
        took_s=max(0.0, took.total_seconds()),
    )


def _in_utc(at: datetime) -> datetime:
    """Return a time of the database, where SQLite leaves out that it is in UTC."""
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
