"""The store as the rest of the service sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import bindparam, select

from cds_service.errors import StoreUnavailable
from cds_service.store.database import Database
from cds_service.store.launches import Launches
from cds_service.store.records import Feedback, IssuedCard, Response
from cds_service.store.tables import feedback, issued_cards
from cds_service.store.tokens import SeenTokens, tidy
from cds_service.store.writer import Writer

_RESPONSES = (
    select(
        issued_cards.c.subject,
        issued_cards.c.basis,
        issued_cards.c.tier,
        feedback.c.outcome,
        feedback.c.reason_code,
        feedback.c.received_at,
    )
    .join(feedback, feedback.c.card == issued_cards.c.card)
    .where(
        issued_cards.c.subject.in_(bindparam("subjects", expanding=True)),
        feedback.c.received_at >= bindparam("since"),
    )
)


class Store:
    """Cards issued, feedback, seen tokens, launches. Nothing is opened before something is to be written or asked."""

    def __init__(self, url: str, now: Callable[[], float] = time.time, *, tokens_required: bool = False) -> None:
        """Use the database at ``url``. ``tokens_required``: see ``SeenTokens.take``."""
        self._database = Database(url)
        self._writer = Writer(self._database, now)
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
        wanted = {"subjects": list(subjects), "since": since}
        try:
            with self._database.read() as connection:
                return [Response(*row[:-1], at=_in_utc(row[-1])) for row in connection.execute(_RESPONSES, wanted)]
        except StoreUnavailable:
            return []

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


def _in_utc(at: datetime) -> datetime:
    """Return a time of the database, where SQLite leaves out that it is in UTC."""
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
