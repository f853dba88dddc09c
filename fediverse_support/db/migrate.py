"""The schema's history: forward-only SQL files, and replaceable functions.

Everything runs under one advisory lock, so that any number of processes may start at the same moment. What
was installed is remembered by a fingerprint of its sources: a start with nothing to do costs one query and
no import.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from fediverse_support.db import pool
from fediverse_support.db.outages import first_line
from fediverse_support.db.pool import Conn
from fediverse_support.db.pooler import refuse_shared_sessions

log = logging.getLogger(__name__)

MIGRATIONS: Final = Path(__file__).parent / "migrations"
FUNCTIONS: Final = Path(__file__).parent / "functions.sql"
FUNCTIONS_NAME: Final = "functions.sql"
LOCK: Final = 0x66656476_73757070
"""Any constant will do for the advisory lock, as long as it never changes."""

HAS_TABLE: Final = "select to_regclass($1) is not null"
APPLIED: Final = "select migration_id from public._pogo_migration where schema_name = 'public'"
TAKE_LOCK: Final = "select pg_advisory_lock($1)"
FIND_FINGERPRINT: Final = "select value from settings where name = 'schema'"
SET_FINGERPRINT: Final = """
    insert into settings (name, value) values ('schema', $1)
    on conflict (name) do update set value = excluded.value
"""


class MigrationFailed(Exception):
    """The schema could not be brought up to date; the text is one sentence."""


def fingerprint() -> str:
    """Return a digest of everything that makes up the schema: our SQL files."""
    digest = hashlib.sha256()
    for path in (*sorted(MIGRATIONS.glob("*.sql")), FUNCTIONS):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


async def migrate(dsn: str) -> tuple[str, ...]:
    """Bring the database up to date and return what ran; safe for several callers at once.

    Raises `pool.DatabaseUnavailable` or `MigrationFailed`. A database made by a newer release is refused.
    """
    async with _one_at_a_time(dsn) as conn:
        todo = await pending(conn)
        if not todo:
            return ()
        try:
            await _install(conn)
        except asyncpg.PostgresError as error:
            raise MigrationFailed(f"The database refuses to be changed: {first_line(error)}.") from error
        log.info("migrated", extra={"steps": todo})
        return todo


async def pending(conn: Conn) -> tuple[str, ...]:
    """Return the names of what `migrate` would run, in order; empty when the schema is up to date."""
    applied = await applied_migrations(conn)
    known = [path.stem for path in sorted(MIGRATIONS.glob("*.sql"))]
    if newer := sorted(applied.difference(known)):
        raise MigrationFailed(
            f"This database was made by a newer release: its migration {newer[-1]} is unknown here. "
            "Install that release or a later one."
        )
    todo = [name for name in known if name not in applied]
    if todo or await conn.fetchval(FIND_FINGERPRINT) != fingerprint():
        todo += [FUNCTIONS_NAME]
    return tuple(todo)


async def is_ready(conn: Conn) -> bool:
    """Say whether every migration this release knows has been applied (a newer database is ready too)."""
    known = {path.stem for path in MIGRATIONS.glob("*.sql")}
    return known <= await applied_migrations(conn)


async def applied_migrations(conn: Conn) -> set[str]:
    """Return the names of the migrations this database has seen."""
    if not await conn.fetchval(HAS_TABLE, "public._pogo_migration"):
        return set()
    return {row["migration_id"] for row in await conn.fetch(APPLIED)}


@asynccontextmanager
async def _one_at_a_time(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await pool.connect(dsn, statement_timeout="0", idle_in_transaction_session_timeout="0")
    try:
        await refuse_shared_sessions(conn, dsn)
        await conn.execute(TAKE_LOCK, LOCK)
        yield conn
    finally:
        await conn.close(timeout=2)


async def _install(conn: asyncpg.Connection) -> None:
    # The library is heavy and needed only here, so it is imported when there is something to do.
    from pogo_core.error import BadMigrationError
    from pogo_core.util import migrate as pogo

    try:
        quiet = logging.getLogger("pogo")
        quiet.setLevel(logging.ERROR)  # it warns of every migration that it applies
        await pogo.apply(conn, MIGRATIONS, schema_name="public", logger=quiet)
    except BadMigrationError as error:
        cause = error.__cause__
        raise MigrationFailed(
            f"{error}: {first_line(cause) if cause else 'the file is malformed'}."
        ) from error
    # Functions may call one another in any order, so their bodies are not checked while they are installed.
    await conn.execute("set local check_function_bodies = off;" + FUNCTIONS.read_text(encoding="utf-8"))
    await conn.execute(SET_FINGERPRINT, fingerprint())
