"""What is remembered: kept once and for good, on SQLite and on PostgreSQL, or refused; and calls go on without it."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, NullPool, create_engine, inspect, select, text
from support.postgresql import Cluster, cluster, programs

from cds_service.errors import StoreUnavailable
from cds_service.events import configure_logging
from cds_service.store import migrations
from cds_service.store.database import STATEMENTS
from cds_service.store.launches import Launches
from cds_service.store.records import Feedback, IssuedCard, KeptBack, Outcome, Response
from cds_service.store.store import Store
from cds_service.store.tables import feedback, issued_cards, metadata, seen_tokens
from cds_service.store.tables import launches as launches_table
from cds_service.store.tokens import TIDY_AFTER
from cds_service.store.writer import GROUP_LIMIT, QUEUE_LIMIT

ROOT = Path(__file__).parents[2]
NOW = 1_772_445_600.5
CARD, OTHER_CARD = "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a01", "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a02"
TAKEN, ALSO_TAKEN = "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a03", "5a0c1a58-4cc4-5f4f-9b0c-3b1d5f4b0a04"
ISSUED = IssuedCard(
    card=CARD,
    service="bme-order-sign",
    hook="order-sign",
    rules=("b-rule", "a-rule"),
    rule_set="0123456789abcdef",
    tier="soon",
    indicator="warning",
    subject="5ab1ec7",
    basis="ba515",
    profile="epic",
)
KEPT = replace(ISSUED, card="0123456789abcdef", indicator="", subject=None, basis=None, kept_back=KeptBack.SILENT)
SAID = Feedback(
    client="https://ehr.example",
    card=CARD,
    outcome="overridden",
    suggestions=(),
    reason_system="https://example.org/reasons",
    reason_code="record-misread",
    comment="",
    outcome_at=datetime(2026, 3, 2, 10, tzinfo=UTC),
)

SQLITE_ONLY = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.param("postgresql", marks=[pytest.mark.slow, pytest.mark.xdist_group("postgresql")])
POSTGRESQL_ONLY = pytest.mark.parametrize("store_url", [POSTGRESQL], indirect=True)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Cluster]:
    if programs() is None:
        missing = "PostgreSQL is not installed (Debian: postgresql)"
        # The gate must not pass by leaving half of the tests out.
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", POSTGRESQL])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that does not exist yet (SQLite) or is empty (PostgreSQL)."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'store.sqlite3'}"
    server: Cluster = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture(autouse=True)
def _logging_as_it_is_served():
    configure_logging()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with closing(Store(store_url, lambda: NOW)) as made:
        yield made


def engine(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)


def rows(url: str, table: Any) -> list[dict[str, Any]]:
    """The rows of a table with times as UTC, which SQLite returns without saying so."""
    with engine(url).connect() as connection:
        found = [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))]
    return [{name: _utc(value) for name, value in row.items()} for row in found]


def _utc(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def events(written: str) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in json.loads(line).items() if name not in ("timestamp", "level")}
        for line in written.splitlines()
    ]


def process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "support.store_process", *arguments],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


# ------------------------------------------------------------------------------------------------ feedback


def test_feedback_is_kept_as_it_was_said(store: Store, store_url: str):
    store.keep([SAID])

    assert rows(store_url, feedback) == [
        {
            "digest": SAID.digest,
            "client": "https://ehr.example",
            "card": CARD,
            "outcome": "overridden",
            "suggestions": [],
            "reason_system": "https://example.org/reasons",
            "reason_code": "record-misread",
            "comment": "",
            "outcome_at": datetime(2026, 3, 2, 10, tzinfo=UTC),
            "received_at": datetime.fromtimestamp(NOW, UTC),
        }
    ]


def test_feedback_without_a_time_is_kept_without_one(store: Store, store_url: str):
    store.keep([replace(SAID, outcome_at=None)])

    assert [row["outcome_at"] for row in rows(store_url, feedback)] == [None]


def test_feedback_that_comes_again_is_kept_once(store: Store, store_url: str):
    taken = replace(SAID, outcome="accepted", suggestions=(TAKEN, ALSO_TAKEN))

    store.keep([SAID, SAID, taken])
    store.keep([SAID, replace(taken, suggestions=(ALSO_TAKEN, TAKEN)), replace(SAID, comment="again")])

    assert sorted(row["digest"] for row in rows(store_url, feedback)) == sorted([SAID.digest, taken.digest])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client": "https://other.example"}, id="another client"),
        pytest.param({"card": OTHER_CARD}, id="another card"),
        pytest.param({"outcome": "accepted"}, id="another outcome"),
        pytest.param({"suggestions": (TAKEN,)}, id="a suggestion"),
        pytest.param({"reason_system": ""}, id="another list of reasons"),
        pytest.param({"reason_code": "other"}, id="another reason"),
        pytest.param({"outcome_at": datetime(2026, 3, 2, 10, 0, 1, tzinfo=UTC)}, id="another time"),
        pytest.param({"outcome_at": None}, id="no time"),
    ],
)
@SQLITE_ONLY
def test_feedback_that_differs_is_kept_beside_the_first(store: Store, store_url: str, changes: dict[str, Any]):
    store.keep([SAID, replace(SAID, **changes)])

    assert len(rows(store_url, feedback)) == 2


def test_the_same_feedback_to_two_processes_at_once_is_kept_once(store: Store, store_url: str):
    items = [replace(SAID, suggestions=(str(uuid4()),)) for _ in range(40)]

    with closing(Store(store_url)) as other, ThreadPoolExecutor(8) as threads:
        unknown = list(threads.map(lambda one: one[0].keep([one[1]]), [(s, i) for i in items for s in (store, other)]))

    assert (unknown, len(rows(store_url, feedback))) == ([1] * 80, 40)


def test_feedback_about_cards_that_were_never_issued_is_kept_and_counted(store: Store, store_url: str):
    store.record([ISSUED])

    unknown = store.keep([SAID, replace(SAID, card=OTHER_CARD), replace(SAID, card=OTHER_CARD, outcome="accepted")])

    assert (unknown, len(rows(store_url, feedback))) == (2, 3)


def test_no_feedback_is_no_work(store: Store):
    assert store.keep([]) == 0


def test_what_was_answered_to_cards_about_a_subject_is_told(store: Store):
    store.record([ISSUED, replace(ISSUED, card=OTHER_CARD, subject="other")])
    store.keep([SAID, replace(SAID, card=OTHER_CARD)])
    at = datetime.fromtimestamp(NOW, UTC)
    said = Response("5ab1ec7", "ba515", "soon", "overridden", "record-misread", at)

    assert store.responses(["5ab1ec7", "unheard of"], at) == [said]
    assert store.responses(["5ab1ec7"], at + timedelta(seconds=1)) == []
    assert store.responses([], at) == []
    assert [store.responses([*map(str, range(more)), "5ab1ec7"], at) for more in range(2 * STATEMENTS)] == (
        [[said]] * (2 * STATEMENTS)
    )


# --------------------------------------------------------------------------------------------------- cards


def test_an_issued_card_is_recorded_without_anyone_waiting(store: Store, store_url: str):
    store.record([ISSUED])
    store.close()

    assert rows(store_url, issued_cards) == [
        {
            "card": CARD,
            "service": "bme-order-sign",
            "hook": "order-sign",
            "rules": ["b-rule", "a-rule"],
            "rule_set": "0123456789abcdef",
            "tier": "soon",
            "indicator": "warning",
            "issued_at": datetime.fromtimestamp(NOW, UTC),
            "subject": "5ab1ec7",
            "basis": "ba515",
            "profile": "epic",
            "kept_back": None,
        }
    ]


def test_a_card_that_is_sent_again_keeps_its_first_record(store: Store, store_url: str):
    store.record([ISSUED])
    store.record([replace(ISSUED, tier="urgent"), replace(ISSUED, card=OTHER_CARD)])
    store.record([])
    store.close()

    assert [(row["card"], row["tier"]) for row in rows(store_url, issued_cards)] == [
        (CARD, "soon"),
        (OTHER_CARD, "soon"),
    ]


def test_a_stuck_database_holds_no_answer_up_and_what_is_dropped_is_counted(
    store: Store, store_url: str, capsys: pytest.CaptureFixture[str]
):
    store.keep([SAID])
    cards = [replace(ISSUED, card=str(uuid4())) for _ in range(QUEUE_LIMIT + GROUP_LIMIT + 5)]

    with engine(store_url).connect() as other:
        stuck = "BEGIN EXCLUSIVE" if store_url.startswith("sqlite") else "LOCK TABLE issued_cards"
        other.exec_driver_sql(stuck)
        began = time.monotonic()
        for card in cards:
            store.record([card])
        took_s = time.monotonic() - began
        other.rollback()
    store.close()

    assert took_s < 30  # waiting for the lock each time would take more than a thousand seconds
    assert store.dropped >= 5
    assert len(rows(store_url, issued_cards)) + store.dropped == len(cards)
    told = [line["cards"] for line in events(capsys.readouterr().out) if line["event"] == "cards not recorded"]
    assert sum(told) == store.dropped


# --------------------------------------------------------------------------------------- what becomes of cards

WEEK = datetime(2026, 3, 2, tzinfo=UTC)
"""The Monday before ``NOW``."""
AT = datetime.fromtimestamp(NOW, UTC)


def became(store: Store) -> list[Outcome]:
    """What became of the cards of three weeks; what has no feedback first."""
    return sorted(store.outcomes(WEEK - timedelta(weeks=1), 3), key=lambda one: (one.outcome, one.kept_back or ""))


def test_cards_without_an_answer_are_told_by_how_many_are_alike(store: Store):
    alike = [replace(ISSUED, card=str(uuid4())) for _ in range(7)]
    store.record([*alike, KEPT, replace(KEPT, card="another", kept_back=KeptBack.HELD)])
    store.record([alike[0], replace(KEPT, tier="urgent")])
    store.keep([SAID])

    rest = (("b-rule", "a-rule"), "order-sign", "epic", WEEK)
    assert became(store) == [
        Outcome(*rest, cards=7),
        Outcome(*rest, kept_back=KeptBack.HELD),
        Outcome(*rest, kept_back=KeptBack.SILENT),
    ]


@pytest.mark.parametrize(
    ("said", "took_s"),
    [
        pytest.param(AT + timedelta(minutes=5), 300, id="as the client says"),
        pytest.param(None, 600, id="no time: when we were told"),
        pytest.param(AT - timedelta(seconds=1), 600, id="before the card: when we were told"),
        pytest.param(AT + timedelta(minutes=11), 600, id="after we were told: when we were told"),
    ],
)
def test_an_answer_is_told_with_the_time_it_took(store_url: str, said: datetime | None, took_s: float):
    clock = iter([NOW, NOW + 600])
    with closing(Store(store_url, lambda: next(clock))) as made:
        made.record([ISSUED])
        made.keep([replace(SAID, outcome_at=said)])

        found = became(made)

    rest = (("b-rule", "a-rule"), "order-sign", "epic", WEEK)
    assert found == [Outcome(*rest, outcome="overridden", reason_code="record-misread", took_s=took_s)]


@pytest.mark.parametrize("outcomes", [("accepted", "overridden"), ("overridden", "accepted")])
def test_the_last_answer_to_a_card_counts(store_url: str, outcomes: tuple[str, str]):
    times = iter([NOW, NOW + 60, NOW + 90])
    with closing(Store(store_url, lambda: next(times))) as made:
        made.record([ISSUED])
        for outcome in outcomes:
            made.keep([replace(SAID, outcome=outcome, outcome_at=None)])

        assert [(one.outcome, one.took_s) for one in became(made)] == [(outcomes[1], 90)]


def test_only_the_weeks_that_are_asked_for_are_told(store: Store):
    store.record([ISSUED])
    store.keep([replace(SAID, card=OTHER_CARD)])

    found = [len(list(store.outcomes(WEEK + timedelta(weeks=first), 1))) for first in (-1, 0, 1)]

    assert found == [0, 1, 0]


def test_answers_to_cards_that_are_not_recorded_are_counted(store: Store):
    store.record([ISSUED])
    store.keep([SAID, replace(SAID, card=OTHER_CARD), replace(SAID, card=TAKEN)])

    assert [store.answers_to_unknown(since) for since in (WEEK, AT + timedelta(seconds=1))] == [2, 0]


def test_what_was_kept_back_silences_nothing_and_cannot_be_answered(store: Store):
    store.record([KEPT, replace(KEPT, card=OTHER_CARD)])

    unknown = store.keep([SAID, replace(SAID, card=OTHER_CARD)])

    assert (unknown, store.responses(["5ab1ec7", ""], WEEK)) == (2, [])
    assert [one.outcome for one in became(store) if one.kept_back is None] == []


def test_cards_from_before_profiles_have_none(store: Store, store_url: str):
    store.record([ISSUED])
    store.keep([SAID])
    with engine(store_url).begin() as connection:
        connection.execute(text("UPDATE issued_cards SET profile = NULL"))

    assert [one.profile for one in became(store)] == [""]


def test_without_its_database_nothing_is_told_instead_of_none(revive: Callable[[], None], store: Store):
    with pytest.raises(StoreUnavailable):
        list(store.outcomes(WEEK, 1))
    with pytest.raises(StoreUnavailable):
        store.answers_to_unknown(WEEK)

    revive()
    store.record([ISSUED])
    store.keep([replace(SAID, card=OTHER_CARD)])

    assert [one.cards for one in became(store)] == [1]


@SQLITE_ONLY
def test_a_survey_that_fails_keeps_the_answer_path_from_nothing(store: Store, store_url: str):
    store.keep([SAID])
    with engine(store_url).begin() as connection:
        connection.execute(text("ALTER TABLE issued_cards RENAME TO gone"))
    with pytest.raises(StoreUnavailable):
        list(store.outcomes(WEEK, 1))

    assert store.seen.take("issuer", "token", NOW + 300) is True
    assert len(rows(store_url, seen_tokens)) == 1  # not only remembered here


# -------------------------------------------------------------------------------------------------- tokens


def test_a_token_counts_once(store: Store):
    first = [store.seen.take(issuer, token, NOW + 300) for issuer in ("a", "b") for token in ("x", "y", "x")]

    assert first == [True, True, False, True, True, False]


def test_a_token_itself_is_not_kept(store: Store, store_url: str):
    store.seen.take("issuer", "canary", NOW + 299.5)

    assert rows(store_url, seen_tokens) == [
        {
            "issuer": "issuer",
            "token": "e100fbce008c04ec40637af0af91fb2f05aeedc23f856a2d3c0b1580625d755e",
            "expires": 1_772_445_900,
        }
    ]


def test_of_many_threads_and_stores_with_one_token_one_is_first(store: Store, store_url: str):
    with closing(Store(store_url)) as other, ThreadPoolExecutor(16) as threads:
        first = list(threads.map(lambda one: one.seen.take("issuer", "token", NOW + 300), [store, other] * 20))

    assert sorted(first) == [False] * 39 + [True]


@SQLITE_ONLY
def test_a_new_database_that_somebody_else_is_opening_is_waited_for(store: Store, store_url: str):
    path = Path(store_url.removeprefix("sqlite:///"))
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = Timer(0.2, lambda: other.execute("COMMIT"))
        release.start()
        works = store.works()
        release.join()

    assert works


def test_a_token_that_another_process_took_is_refused(store: Store, store_url: str):
    store.seen.take("issuer", "replayed", time.time() + 300)

    assert process("take", store_url, "replayed", "fresh").communicate(timeout=60)[0].split() == ["fresh"]
    assert store.seen.take("issuer", "fresh", time.time() + 300) is False


def test_expired_tokens_are_removed_now_and_then_and_others_kept(store: Store, store_url: str):
    store.seen.take("issuer", "still good", NOW + 1)
    for number in range(TIDY_AFTER - 1):
        store.seen.take("issuer", str(number), NOW - 1)
    store.close()

    assert [row["expires"] for row in rows(store_url, seen_tokens)] == [1_772_445_602]


@pytest.mark.parametrize(("keep_days", "stay"), [(0, {"old", "answered", "new"}), (90, {"answered", "new"})])
def test_cards_are_kept_as_long_as_is_said_and_no_answer_outlives_its_card(
    store_url: str, keep_days: int, stay: set[str]
):
    days = [0.0]
    with closing(Store(store_url, lambda: NOW + days[0] * 86_400, keep_days=keep_days)) as made:
        made.record([replace(ISSUED, card="old"), replace(ISSUED, card="answered")])
        days[0] = 30
        made.keep([replace(SAID, card="answered", outcome_at=None)])
        days[0] = 91
        made.record([replace(ISSUED, card="new")])
        for _ in range(TIDY_AFTER):
            made.seen.take("issuer", str(uuid4()), NOW)

    assert {row["card"] for row in rows(store_url, issued_cards)} == stay
    assert [row["card"] for row in rows(store_url, feedback)] == ["answered"]


# --------------------------------------------------------------------------------- databases that do not work


@pytest.fixture
def revive(store_url: str, request: pytest.FixtureRequest) -> Iterator[Callable[[], None]]:
    """Make the database one that cannot be opened; gives the way to make it work again."""
    if store_url.startswith("sqlite"):
        place = Path(store_url.removeprefix("sqlite:///"))
        place.mkdir(parents=True)
        yield place.rmdir
    else:
        server: Cluster = request.getfixturevalue("postgresql")
        server.stop()
        yield server.start
        server.start()


def test_without_its_database_feedback_is_refused_and_the_rest_goes_on(
    revive: Callable[[], None], store: Store, store_url: str
):
    store.record([ISSUED])
    with pytest.raises(StoreUnavailable) as error:
        store.keep([SAID])
    first = [store.seen.take("issuer", token, NOW + 300) for token in ("x", "x", "y")]
    worked = store.works()

    revive()
    kept = store.keep([SAID])

    assert (error.value.status, error.value.retry_after_s, worked, first) == (503, 60, False, [True, False, True])
    assert (kept, store.works(), store.dropped, len(rows(store_url, feedback))) == (1, True, 1, 1)
    assert [store.seen.take("issuer", token, NOW + 300) for token in ("x", "z")] == [False, True]


def test_a_database_that_may_only_be_read_is_found_out(
    store: Store, store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    store.keep([SAID])
    store.close()
    read_only, code = _read_only(store_url)

    with closing(Store(read_only)) as changed:
        with pytest.raises(StoreUnavailable):
            changed.keep([replace(SAID, card=OTHER_CARD)])
        assert changed.works() is False

    assert (len(rows(store_url, feedback)), {line["error"] for line in events(capsys.readouterr().out)}) == (1, {code})


def _read_only(url: str) -> tuple[str, str]:
    if url.startswith("sqlite"):
        return f"sqlite:///file:{url.removeprefix('sqlite:///')}?mode=ro&uri=true", "SQLITE_READONLY"
    with engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    return url, "25006"


# A limit on the size of files, for a process that is told to go on when it hits it, is a disk that is full.
FULL_DISK = """
import resource, signal, sys
from uuid import uuid4
from cds_service.errors import StoreUnavailable
from cds_service.store.records import Feedback
from cds_service.store.store import Store

def said():
    return [Feedback("c", str(uuid4()), "accepted", (), "", "", "x" * 500, None) for _ in range(50)]

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(sys.argv[1])
store.keep(said())
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
kept = 50
try:
    while kept < 5_000:
        store.keep(said())
        kept += 50
except StoreUnavailable:
    print("refused", store.works(), store.seen.take("i", "t", 2e9), store.seen.take("i", "t", 2e9), file=sys.stderr)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.keep(said())
print(kept + 50, store.works(), file=sys.stderr)
"""


@SQLITE_ONLY
def test_a_full_disk_refuses_feedback_until_there_is_room(store_url: str):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, store_url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )

    refused, worked = done.stderr.splitlines()
    kept, works = worked.split()
    assert (refused, works) == ("refused False True False", "True")
    assert len(rows(store_url, feedback)) == int(kept)


# ----------------------------------------------------------------------------------------------- migrations


def from_today(url: str) -> tuple[list[Any], str | None]:
    """What tells the tables of a database from those of today, and the step that it says it is at."""
    with engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, metadata), context.get_current_revision()


def test_a_new_database_has_the_tables_of_today(store: Store, store_url: str):
    store.keep([SAID])

    assert from_today(store_url) == ([], migrations.HEAD)


def test_the_migrations_lead_to_the_tables_of_today(store: Store, store_url: str):
    store.keep([SAID])
    with engine(store_url).begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DELETE FROM alembic_version"))
        emptied = inspect(connection).get_table_names()

        migrations.upgrade(connection)

    assert (emptied, from_today(store_url)) == (["alembic_version"], ([], migrations.HEAD))


def test_the_newest_migration_is_the_one_that_is_asked_for():
    folder = str(Path(migrations.__file__).parent)

    assert ScriptDirectory(folder, version_locations=[folder]).get_heads() == [migrations.HEAD]


def test_a_database_of_a_later_version_is_left_alone(store: Store, store_url: str, capsys: pytest.CaptureFixture[str]):
    store.keep([SAID])
    store.close()
    with engine(store_url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with closing(Store(store_url)) as older, pytest.raises(StoreUnavailable):
        older.keep([SAID])

    assert events(capsys.readouterr().out) == [{"event": "store failed", "error": "UnknownVersion"}]


@pytest.mark.slow
def test_processes_that_open_a_new_database_at_once_make_it_once(store_url: str):
    running = [process("take", store_url, "token") for _ in range(6)]

    first = [one.communicate(timeout=60)[0].split() for one in running]

    assert (sorted(first), [one.returncode for one in running]) == ([[]] * 5 + [["token"]], [0] * 6)


def test_threads_that_open_new_databases_at_once_do_not_get_into_each_others_way():
    stores = [Store("sqlite://") for _ in range(16)]

    with ThreadPoolExecutor(16) as threads:
        unknown = list(threads.map(lambda store: store.keep([SAID]), stores))
    for store in stores:
        store.close()

    assert unknown == [1] * 16


def test_threads_that_migrate_at_once_do_not_get_into_each_others_way():
    def migrated(_number: int) -> list[str]:
        with engine("sqlite://").begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            migrations.upgrade(connection)
            return list(connection.scalars(text("SELECT version_num FROM alembic_version")))

    with ThreadPoolExecutor(16) as threads:
        versions = list(threads.map(migrated, range(16)))

    assert versions == [[migrations.HEAD]] * 16


@SQLITE_ONLY
def test_nothing_is_opened_before_it_is_needed_and_nobody_else_may_look_into_the_folder(store_url: str):
    folder = Path(store_url.removeprefix("sqlite:///")).parent

    with closing(Store(store_url)) as made:
        before = folder.exists()
        made.keep([SAID])

    assert (before, oct(folder.stat().st_mode & 0o777)) == (False, "0o700")


def test_a_store_in_memory_needs_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    with closing(Store("sqlite://")) as made:
        made.record([ISSUED])
        unknown = made.keep([SAID])
        first = [made.seen.take("issuer", "token", time.time() + 300) for _ in range(2)]

    assert (unknown, first, list(tmp_path.iterdir())) == (0, [True, False], [])


# ------------------------------------------------------------------------------------------------ kill -9


def the_rest(writer: subprocess.Popen[str]) -> list[str]:
    """What a dead process had still acknowledged: whole lines, and none of its log."""
    with writer:
        assert writer.stdout
        whole, _, _ = writer.stdout.read().rpartition("\n")
    return [line for line in whole.split("\n") if re.fullmatch(r"[0-9a-f-]{36}", line)]


@pytest.mark.slow
def test_what_was_acknowledged_outlives_the_death_of_its_writers(store_url: str):
    writers = [process("keep", store_url, "4") for _ in range(2)]
    acknowledged = []
    for writer in writers:
        assert writer.stdout
        acknowledged += [writer.stdout.readline().strip() for _ in range(400)]
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
    for writer in writers:
        acknowledged += the_rest(writer)

    kept = {row["suggestions"][0] for row in rows(store_url, feedback)}

    assert ([writer.returncode for writer in writers], set(acknowledged) - kept) == ([-signal.SIGKILL] * 2, set())
    assert len(acknowledged) == len(set(acknowledged)) >= 800
    with closing(Store(store_url)) as reopened:
        assert (reopened.keep([SAID]), reopened.works()) == (1, True)


@POSTGRESQL_ONLY
def test_what_was_acknowledged_outlives_the_death_of_the_server(store_url: str, postgresql: Cluster):
    writer = process("keep", store_url, "4")
    assert writer.stdout
    acknowledged = [writer.stdout.readline().strip() for _ in range(400)]

    postgresql.stop("immediate")
    writer.kill()
    acknowledged += the_rest(writer)
    postgresql.start()

    kept = {row["suggestions"][0] for row in rows(store_url, feedback)}
    assert (len(acknowledged) >= 400, set(acknowledged) - kept) == (True, set())


# ------------------------------------------------------------------------------------------------- launches of the app

NAME, BROWSER, VALUE = "a name nobody knows", "a cookie", {"token": "a-secret-token", "patient": "patient-1"}


@pytest.fixture
def launches(store: Store) -> Launches:
    return store.launches(b"a secret")


def test_a_launch_is_read_by_its_browser_under_its_name(launches: Launches):
    launches.keep(NAME, BROWSER, VALUE, NOW + 60)

    found = [launches.read(*asked) for asked in ((NAME, BROWSER), (NAME, "another"), ("another", BROWSER))]
    assert found == [VALUE, None, None]


def test_a_launch_is_taken_once_and_by_its_browser_only(launches: Launches):
    launches.keep(NAME, BROWSER, VALUE, NOW + 60)

    taken = [launches.take(NAME, browser) for browser in ("another", BROWSER, BROWSER)]
    assert (taken, launches.read(NAME, BROWSER)) == ([None, VALUE, None], None)


def test_of_many_who_take_a_launch_one_gets_it(launches: Launches):
    launches.keep(NAME, BROWSER, VALUE, NOW + 60)

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: launches.take(NAME, BROWSER), range(16)))

    assert [one for one in taken if one] == [VALUE]


def test_a_launch_that_has_expired_is_gone_and_is_removed_with_the_next(store_url: str, launches: Launches):
    launches.keep("old", BROWSER, VALUE, NOW - 1)
    gone = launches.read("old", BROWSER), launches.take("old", BROWSER)
    launches.keep(NAME, BROWSER, VALUE, NOW + 60)

    assert (gone, len(rows(store_url, launches_table))) == ((None, None), 1)


def test_what_is_kept_of_a_launch_says_nothing(store_url: str, launches: Launches):
    launches.keep(NAME, BROWSER, VALUE, NOW + 60)

    kept = str(rows(store_url, launches_table))
    assert [word in kept for word in (NAME, BROWSER, "secret-token", "patient-1")] == [False] * 4


def test_another_process_with_the_same_secret_opens_it(store_url: str, launches: Launches):
    launches.keep(NAME, BROWSER, VALUE, NOW + 60)

    with closing(Store(store_url, lambda: NOW)) as other:
        assert other.launches(b"a secret").read(NAME, BROWSER) == VALUE
        assert other.launches(b"another secret").read(NAME, BROWSER) is None
