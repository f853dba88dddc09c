"""Is there a pooler between us and PostgreSQL, and does it leave us our sessions?

Session locks, LISTEN and prepared statements need one server connection for as long as ours lives. A pooler
that hands it on after every transaction takes them away without a word, so it is found out before anything
rests on them.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from fediverse_support.db.pool import DatabaseUnavailable

PID: Final = "select pg_backend_pid()"
BEGIN: Final = "begin"
PATIENCE: Final = 5.0
"""Seconds for an answer; a pooler with a single connection would let the question wait for ever."""
SENTENCE: Final = (
    "DATABASE_URL leads to a pooler that shares connections between transactions; "
    "set its pool_mode to session, or name PostgreSQL itself."
)


SIGNS: Final = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
"""What comes of it where a statement was prepared on another connection."""


async def refuse_shared_sessions(conn: asyncpg.Connection, dsn: str) -> None:
    """Raise `DatabaseUnavailable` with one sentence where `conn`, made with `dsn`, is no session of its own.

    Costs one query where nothing stands between, and two connections for a moment where something does.
    """
    try:
        pid = await conn.fetchval(PID)
        if pid == conn.get_server_pid():
            return
        is_shared = await _is_shared(conn, dsn, pid)
    except SIGNS as error:
        raise DatabaseUnavailable(SENTENCE) from error
    if is_shared:
        raise DatabaseUnavailable(SENTENCE)


async def _is_shared(conn: asyncpg.Connection, dsn: str, pid: int) -> bool:
    """Say whether another connection, busy with a transaction, takes our server connection away."""
    others = []
    try:
        for _ in range(2):
            other = await asyncpg.connect(dsn, timeout=PATIENCE, statement_cache_size=0)
            others.append(other)
            try:
                await other.execute(BEGIN, timeout=PATIENCE)
            except TimeoutError:
                return False  # the pooler has no more connections; ours is kept for us
            except asyncpg.PostgresConnectionError:
                return True  # no transaction is allowed at all: even statements share
            if await conn.fetchval(PID, timeout=PATIENCE) != pid:
                return True
    except TimeoutError:
        return True
    finally:
        for other in others:
            other.terminate()
    return False
