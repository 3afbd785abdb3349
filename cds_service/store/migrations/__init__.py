"""The steps from the first tables to those of today, one module each, run by Alembic at first use.

A database without any table gets those of today at once: a test holds the steps to the same.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from cds_service.store.tables import metadata

HEAD = "0004"
"""The newest step. Known without Alembic, whose import costs 0.1 s and which only an older database needs."""

_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As Alembic makes it: one row, the step that the database is at."""

_ONE_AT_A_TIME = Lock()
"""Alembic's ``op`` is one for the whole process."""


class UnknownVersion(SQLAlchemyError):
    """The database was made by a later version of this program, or by another."""


def upgrade(connection: Connection) -> None:
    """Bring the database to ``HEAD`` inside the transaction that the connection is in.

    Raises:
        UnknownVersion: there is no way from where it is.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        metadata.create_all(connection)
        _VERSION.create(connection)
        connection.execute(_VERSION.insert().values(version_num=HEAD))
        return
    if _VERSION.name in tables and connection.scalar(select(_VERSION.c.version_num)) == HEAD:
        return
    from alembic.config import Config  # noqa: PLC0415  # deferred: slow import
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415  # deferred: slow import
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # deferred: slow import
    from alembic.util import CommandError  # noqa: PLC0415  # deferred: slow import

    folder = str(Path(__file__).parent)
    script = ScriptDirectory(folder, version_locations=[folder])
    steps = EnvironmentContext(Config(), script, fn=lambda now, _: script._upgrade_revs(HEAD, now))
    try:
        with _ONE_AT_A_TIME, steps:
            steps.configure(connection=connection, transactional_ddl=True)
            steps.run_migrations()
    except CommandError as error:
        raise UnknownVersion from error
