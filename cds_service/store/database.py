"""One database, SQLite or PostgreSQL, opened at first use: gunicorn forks first."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, QueuePool, Select, Table, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from cds_service.errors import StoreUnavailable
from cds_service.events import Event, log
from cds_service.store.migrations import upgrade

DURABLE_WAIT_S = 3
"""So long a commit that must reach the disk waits for other processes."""

QUICK_WAIT_S = 1
"""So long the answer path waits for them."""

SURVEY_WAIT_S = 20
"""So long one statement of a survey may take, and so long the next survey waits for its turn."""

PAUSE_S = 2.0
"""After a failure the answer path does without the database for so long, instead of trying and waiting at each call."""

ANSWERING_CONNECTIONS = 4
"""For PostgreSQL. SQLite has one writer at a time: there threads wait in line for one connection, which is faster than
SQLite's own waiting, a sleep."""

STATEMENTS = 16
"""So many that read are kept in the words of the database: calls ask about different numbers of cards."""

MIGRATION_LOCK = 0x626D65
"""PostgreSQL's advisory lock under which one process migrates while the others wait."""


class Database:
    """Two ways to write: ``durable``, on the disk when it returns, and quick, on the disk a little later.

    What was written quickly survives the end of the process, and may be lost when the machine fails.
    """

    def __init__(self, url: str) -> None:
        self._url = _complete(make_url(url))
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        in_memory = self.is_sqlite and not self._url.database
        self._durable = self._engine(durable=True)
        # A database in memory belongs to its one connection.
        self._quick = self._durable if in_memory else self._engine(durable=False)
        # On SQLite readers have connections of their own: nobody who writes is in their way.
        reading = self._engine(durable=False, several=True) if self.is_sqlite and not in_memory else self._quick
        self._reading = reading.execution_options(reads=True)
        surveying = self._durable if in_memory else self._engine(durable=False, several=True, survey=True)
        self._surveying = surveying.execution_options(reads=True)
        self._driver_error: type[Exception] = self._reading.dialect.loaded_dbapi.Error
        self._as_sql = lru_cache(STATEMENTS)(partial(_Sql.of, dialect=self._reading.dialect))
        self._opening = Lock()
        self._open = False
        self._pause_until = 0.0

    @contextmanager
    def write(self, *, durable: bool) -> Iterator[Connection]:
        """Give a connection in a transaction that is committed at the end.

        Raises:
            StoreUnavailable: nothing was written, or it is not known whether it was.
        """
        with self._transaction(self._durable if durable else self._quick, may_pause=not durable) as connection:
            yield connection

    def rows(self, statement: Select[Any], **values: Any) -> list[Sequence[Any]]:
        """Return the rows of one statement, which waits for nobody who writes. ``values``: of its parameters.

        The driver is asked without SQLAlchemy between, which takes a tenth of an answer.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        asked = self._as_sql(statement)
        with self._watched(may_pause=True):
            connection = self._reading.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute(asked.sql, asked.given(values))
                return list(map(asked.read, cursor.fetchall()))
            finally:
                connection.close()

    @contextmanager
    def survey(self) -> Iterator[Connection]:
        """Give the one connection of this process for statements that read much. Raises StoreUnavailable.

        What it waits for, and that it fails, is no matter of the answer path.
        """
        with self._transaction(self._surveying, may_pause=False, pauses=False) as connection:
            yield connection

    @contextmanager
    def _transaction(self, engine: Engine, *, may_pause: bool, pauses: bool = True) -> Iterator[Connection]:
        with self._watched(may_pause=may_pause, pauses=pauses), engine.begin() as connection:
            yield connection

    @contextmanager
    def _watched(self, *, may_pause: bool, pauses: bool = True) -> Iterator[None]:
        if may_pause and time.monotonic() < self._pause_until:
            raise StoreUnavailable
        try:
            self._prepare()
            yield
            self._pause_until = 0.0
        except (SQLAlchemyError, self._driver_error, OSError) as error:
            self._open = False
            if pauses:
                self._pause_until = time.monotonic() + PAUSE_S
            log(Event.STORE_FAILED, error=_name(error))
            raise StoreUnavailable from error

    def insert_new(self, table: Table) -> Any:
        """Return the statement that inserts rows whose primary key is not there yet, and leaves the others."""
        insert = import_module(f"sqlalchemy.dialects.{self._url.get_backend_name()}").insert
        return insert(table).on_conflict_do_nothing()

    def close(self) -> None:
        """Close all connections. The next use opens new ones."""
        self._durable.dispose()
        self._quick.dispose()
        self._reading.dispose()
        self._surveying.dispose()

    def _prepare(self) -> None:
        """Make the folder and the tables, unless that was done and nothing has failed since."""
        if self._open:
            return
        with self._opening:
            if self._open:
                return
            if self.is_sqlite and self._url.database and "uri" not in self._url.query:
                Path(self._url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._durable.begin() as connection:
                if not self.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
                upgrade(connection)
            self._open = True

    def _engine(self, *, durable: bool, several: bool = False, survey: bool = False) -> Engine:
        wait_s = SURVEY_WAIT_S if survey else DURABLE_WAIT_S if durable else QUICK_WAIT_S
        one_connection = durable or survey or (self.is_sqlite and not several)
        engine = create_engine(
            self._url,
            poolclass=QueuePool,
            pool_size=1 if one_connection else ANSWERING_CONNECTIONS,
            max_overflow=0,
            pool_timeout=wait_s,
            pool_pre_ping=not self.is_sqlite,
            hide_parameters=True,
            connect_args={"timeout": wait_s, "check_same_thread": False}
            if self.is_sqlite
            else {"connect_timeout": 2, "tcp_user_timeout": 1_000 * wait_s},
        )
        if self.is_sqlite:
            _as_sqlite(engine, durable=durable, wait_s=wait_s)
        else:
            _as_postgresql(engine, durable=durable, wait_s=wait_s)
        return engine


@dataclass(frozen=True)
class _Sql:
    """A statement in the words of one database, and how its values are written there and read."""

    sql: str
    places: Sequence[str] | None
    """Names of the parameters where the driver knows them by their place."""
    writers: Mapping[str, Callable[[Any], Any]]
    readers: Sequence[Callable[[Any], Any] | None]

    @classmethod
    def of(cls, statement: Select[Any], dialect: Dialect) -> _Sql:
        """Return a statement in the words of a database."""
        compiled = statement.compile(dialect=dialect)
        writers = {name: one.type.dialect_impl(dialect).bind_processor(dialect) for name, one in compiled.binds.items()}
        return cls(
            str(compiled),
            compiled.positiontup,
            {name: writer for name, writer in writers.items() if writer},
            [one.type.dialect_impl(dialect).result_processor(dialect, None) for one in statement.selected_columns],
        )

    def given(self, values: Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
        """Return the values of the parameters as the driver takes them."""
        written = {name: self.writers[name](value) if name in self.writers else value for name, value in values.items()}
        return written if self.places is None else [written[name] for name in self.places]

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """Return the values of a row of the driver's."""
        return [read(value) if read else value for read, value in zip(self.readers, row, strict=True)]


def _complete(url: URL) -> URL:
    """Return the address with the driver that comes with the ``postgresql`` extra."""
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _as_sqlite(engine: Engine, *, durable: bool, wait_s: float) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the transaction is begun below, not by the driver
        # Of several that open a new database at once, SQLite tells all but one at once that it is busy.
        _when_free(lambda: connection.execute("PRAGMA journal_mode=WAL"), wait_s)
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        if not durable:
            # A checkpoint waits for the disk: it is left to the writer's durable commits.
            connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA busy_timeout=2")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        if connection.get_execution_options().get("reads"):
            return  # one statement, which sees one state of the database by itself
        # Asking for the lock at once: a transaction that first reads and then writes may fail instead of waiting.
        _when_free(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"), wait_s)


def _when_free(ask: Callable[[], object], wait_s: float) -> None:
    """Ask again and again while others are busy: SQLite itself sleeps 0.1 s at a time, and is free most of it."""
    give_up = time.monotonic() + wait_s
    while True:
        try:
            ask()
            return
        except (OperationalError, sqlite3.OperationalError) as error:
            if _name(error) != "SQLITE_BUSY" or time.monotonic() > give_up:
                raise


def _as_postgresql(engine: Engine, *, durable: bool, wait_s: int) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.execute(f"SET synchronous_commit = {'on' if durable else 'off'}")
        connection.execute(f"SET statement_timeout = '{wait_s}s'")
        connection.commit()


def _name(error: Exception) -> str:
    """Return what failed as a code, such as SQLITE_FULL or an SQLSTATE; never the text, which may hold values."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(
        getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or type(cause or error).__name__
    )
