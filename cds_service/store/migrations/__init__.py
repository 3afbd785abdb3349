"""The steps from an empty database to the tables of today, one module each, run by Alembic at first use."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

HEAD = "0004"
"""The newest step. Known without Alembic, whose import costs 0.1 s and which an up-to-date database does not need."""

_ONE_AT_A_TIME = Lock()
"""Alembic's ``op`` is one for the whole process."""


class UnknownVersion(SQLAlchemyError):
    """The database was made by a later version of this program, or by another."""


def upgrade(connection: Connection) -> None:
    """Bring the database to ``HEAD`` inside the transaction that the connection is in.

    Raises:
        UnknownVersion: there is no way from where it is.
    """
    made = inspect(connection).has_table("alembic_version")
    if made and connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD:
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
