"""Which tokens were seen, so that none counts twice: shared by all processes on one database."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from threading import Lock

from sqlalchemy import Connection, delete, insert

from cds_service import metrics
from cds_service.errors import StoreUnavailable
from cds_service.events import Event, log
from cds_service.store.database import Database
from cds_service.store.tables import seen_tokens

TIDY_AFTER = 500
"""Expired tokens are removed each time that one process took so many."""

KEPT_HERE = 100_000
"""So many tokens are remembered in this process while the database cannot be written."""


class SeenTokens:
    """The ids (``jti``) of tokens, kept as hashes until they expire."""

    def __init__(
        self,
        database: Database,
        tidy_soon: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
        *,
        required: bool = False,
    ) -> None:
        self._database = database
        self._tidy_soon = tidy_soon
        self._now = now
        self._insert = database.insert_new(seen_tokens).execution_options(preserve_rowcount=True)
        self._required = required
        self._alone = False
        self._lock = Lock()
        self._here: dict[tuple[str, str], int] = {}
        self._taken = 0

    def take(self, issuer: str, jti: str, expires: float) -> bool:
        """Return True the first time that a token is seen, and False ever after.

        While the database cannot be written each process remembers what it takes in the meantime, and no more: calls
        go on, and a replay to another process is not noticed. That is logged once, and each such token is counted.

        Args:
            expires: seconds since 1970 until which the caller accepts the token, leeway included; the caller has
                checked that this is not far away.

        Raises:
            StoreUnavailable: the database cannot be written, and is required.
        """
        key = (issuer, hashlib.sha256(jti.encode(errors="surrogatepass")).hexdigest())
        until = math.ceil(expires)
        if key in self._here:
            return False
        row = {"issuer": issuer, "token": key[1], "expires": until}
        try:
            with self._database.write(durable=False) as connection:
                first: bool = connection.execute(self._insert, row).rowcount == 1
        except StoreUnavailable:
            if self._required:
                raise
            return self._take_here(key, until)
        self._alone = False
        self._taken += 1
        if self._taken % TIDY_AFTER == 0:
            self._tidy_soon()
        return first

    def _take_here(self, key: tuple[str, str], until: int) -> bool:
        metrics.count("tokens_remembered_here")
        with self._lock:
            if not self._alone:
                self._alone = True
                log(Event.TOKENS_REMEMBERED_HERE)
            if key in self._here:
                return False
            if len(self._here) >= KEPT_HERE:
                now = self._now()
                self._here = {one: end for one, end in self._here.items() if end >= now}
            if len(self._here) >= KEPT_HERE:
                del self._here[next(iter(self._here))]
            self._here[key] = until
            return True


def tidy(connection: Connection, now: float) -> None:
    """Remove expired tokens. Something is written in any case, which shows whether the database can be written."""
    connection.execute(delete(seen_tokens).where(seen_tokens.c.expires < now))
    connection.execute(insert(seen_tokens), {"issuer": "", "token": "", "expires": 0})
    connection.execute(delete(seen_tokens).where(seen_tokens.c.issuer == ""))
