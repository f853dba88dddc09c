"""What every test may ask for: a database of its own, empty and migrated.

One embedded PostgreSQL runs per test process. Tests that use `db` share one database, emptied between them
(our code opens its own transactions, so a rolled-back one around the test would not do). Tests of several
instances clone the migrated template with `fresh_database`.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from fediverse_support.adapters.embedded_postgres import EmbeddedPostgres
from fediverse_support.db import migrate, pool
from fediverse_support.db.pool import Db

pytest_plugins = ("tests.golden", "tests.patience")

TEMPLATE = "template_of_tests"
KEPT = ("_pogo_migration", "_pogo_version", "settings")
CHOOSE = """
    insert into house (key, value, chosen_at)
    values ('federation', 'open', now()), ('registration', 'approval', now())
"""
"""What the organisation of most tests has decided; a fresh instance talks to nobody and lets nobody in."""


@dataclass
class Clock:
    """A clock that only moves when a test says so."""

    at: datetime = field(default_factory=lambda: datetime(2030, 5, 1, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **how_long: float) -> None:
        self.at += timedelta(**how_long)


@dataclass
class Queries:
    """The SQL that ran since `forget`; what a test asserts query counts on."""

    seen: list[str] = field(default_factory=list)

    def forget(self) -> None:
        self.seen.clear()

    @property
    def count(self) -> int:
        return len(self.seen)

    def note(self, record: asyncpg.connection.LoggedQuery) -> None:
        quiet = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
        if not record.query.lstrip().upper().startswith(quiet):
            self.seen.append(record.query)


@dataclass
class Server:
    """The embedded server of this test process."""

    postgres: EmbeddedPostgres
    made: int = 0

    def dsn_of(self, database: str) -> str:
        return self.postgres.dsn.replace("@/fediverse_support?", f"@/{database}?")

    async def as_superuser(self, dsn: str) -> asyncpg.Connection:
        return await asyncpg.connect(dsn.replace("//fediverse_support@", "//postgres@"))

    async def run(self, statement: str) -> None:
        conn = await self.as_superuser(self.dsn_of("postgres"))
        try:
            await conn.execute(statement)
        finally:
            await conn.close()

    async def clone(self) -> str:
        self.made += 1
        name = f"test_{self.made}"
        await self.run(
            f"create database {name} template {TEMPLATE} owner fediverse_support strategy file_copy"
        )
        return self.dsn_of(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Start this process's PostgreSQL, with the migrated template database, and stop it at the end."""
    directory = Path(tempfile.mkdtemp(prefix="fs-test-"))
    directory.chmod(0o711)  # the server may run as another user, who has to pass through
    server = Server(EmbeddedPostgres(directory, durable=False))
    try:
        server.postgres.start()
        asyncio.run(_make_template(server))
        yield server
    finally:
        server.postgres.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def _make_template(server: Server) -> None:
    await server.run(f"create database {TEMPLATE} owner fediverse_support")
    await migrate.migrate(server.dsn_of(TEMPLATE))
    conn = await server.as_superuser(server.dsn_of(TEMPLATE))
    try:
        await conn.execute(CHOOSE)
    finally:
        await conn.close()


@pytest.fixture
def clock() -> Clock:
    """The virtual clock of this test's `db`."""
    return Clock()


@dataclass
class Shared:
    """The one database of this process that `db` empties between tests."""

    db: Db
    queries: Queries
    clocks: list[Clock]
    broom: asyncpg.Connection


@pytest.fixture(scope="session")
async def shared_database(postgres_server: Server) -> AsyncIterator[Shared]:
    """Made once per process; tests ask for `db`."""
    queries = Queries()
    clocks = [Clock()]

    async def watch(conn: asyncpg.Connection) -> None:
        conn.add_query_logger(queries.note)

    dsn = await postgres_server.clone()
    broom = await postgres_server.as_superuser(dsn)
    db = await pool.open_db(dsn, clock=lambda: clocks[0](), on_connect=watch)
    yield Shared(db, queries, clocks, broom)
    await db.close()
    await broom.close()


@pytest.fixture
async def db(shared_database: Shared, clock: Clock) -> Db:
    """An empty, migrated database whose time is `clock`."""
    shared_database.clocks[0] = clock
    await empty(shared_database.broom)
    shared_database.queries.forget()
    return shared_database.db


@pytest.fixture
def queries(db: Db, shared_database: Shared) -> Queries:
    """What `db` was asked: `queries.forget()`, act, then look at `queries.count` and `queries.seen`."""
    return shared_database.queries


@pytest.fixture
async def fresh_database(postgres_server: Server) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """A function that clones the template and returns the new database's address."""
    made: list[str] = []

    async def make() -> str:
        made.append(await postgres_server.clone())
        return made[-1]

    yield make
    for dsn in made:
        name = dsn.split("@/")[1].split("?")[0]
        await postgres_server.run(f"drop database {name} with (force)")


async def empty(broom: asyncpg.Connection) -> None:
    """Delete every row of every table but the schema's own bookkeeping.

    Foreign keys and triggers look away.
    """
    rows = await broom.fetch("select tablename from pg_tables where schemaname = 'public'")
    tables = [row["tablename"] for row in rows if row["tablename"] not in KEPT]
    deletes = "".join(f'delete from "{table}";' for table in tables)
    await broom.execute(
        "set session_replication_role = 'replica'; begin;"
        f"{deletes} delete from settings where name <> 'schema'; {CHOOSE}; commit"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each tier took, all workers together: where to look when the suite grows slow."""
    took: dict[str, float] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                tier = report.nodeid.split("/")[1]
                took[tier] = took.get(tier, 0.0) + report.duration
    if len(took) > 1:
        terminalreporter.section("seconds of work by tier")
        for tier, seconds in sorted(took.items(), key=lambda each: -each[1]):
            terminalreporter.write_line(f"{tier:<12} {seconds:7.1f}")
