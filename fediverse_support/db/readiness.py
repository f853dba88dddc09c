"""Can this database take what we would write? Asked cheaply, by writing."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db import migrate
from fediverse_support.db.pool import Conn, Db

# A row that is rewritten finds room on its page even on a full disk, so a sort is made to spill besides: a
# few hundred kilobytes in a temporary file, which is gone at once.
SMALL_MEMORY: Final = "set local work_mem = '64kB'"
SPILL: Final = """
    select count(*)
    from (select md5(n::text) as word from generate_series(1, 4000) as n order by word offset 0) as sorted
"""
VERSION: Final = "show server_version"
TIME: Final = "select clock_timestamp()"
LEAVE_A_MARK: Final = """
    insert into settings (name, value) values ('ready_at', $1)
    on conflict (name) do update set value = excluded.value
"""


async def why_not_ready(db: Db) -> str | None:
    """Return one sentence why requests cannot be served, None where they can.

    Raises `DatabaseUnavailable` where the database is away, read-only or full.
    """
    async with db.transaction() as tx:
        if not await migrate.is_ready(tx):
            return "The schema waits for `fediverse-support migrate`."
        await tx.execute(LEAVE_A_MARK, db.now().isoformat())
        await tx.execute(SMALL_MEMORY)
        await tx.fetchval(SPILL)
    return None


async def version_of(conn: Conn) -> str:
    """Return the version PostgreSQL names for itself."""
    return str(await conn.fetchval(VERSION))


async def time_of(conn: Conn) -> datetime:
    """Return what time it is for PostgreSQL."""
    found: datetime = await conn.fetchval(TIME)
    return found
