"""Values of the whole instance: those that are set once, what the organisation chose, and its texts."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Conn, Tx

SETTLE: Final = """
insert into settings (name, value) values ($1, $2)
on conflict (name) do update set value = settings.value returning value
"""
FIND_SETTLED: Final = "select value from settings where name = $1"
CHOOSE: Final = """
insert into house (key, value, sealed, chosen_at) values ($1, $2, $3, $4)
on conflict (key) do update set value = excluded.value, sealed = excluded.sealed,
    version = house.version + 1, chosen_at = excluded.chosen_at
where (house.value, house.sealed) is distinct from (excluded.value, excluded.sealed)
"""
CHOOSE_FIRST: Final = """
insert into house (key, value, chosen_at) values ($1, $2, $3) on conflict (key) do nothing
"""
# Turns are taken, so that two at the same moment make two versions.
LOCK_WORDINGS: Final = "lock table wordings in share row exclusive mode"
ADD_WORDING: Final = """
insert into wordings (key, version, body, made_at)
select $1, coalesce(max(w.version), 0) + 1, $2, $3 from wordings w where w.key = $1
having (array_agg(w.body order by w.version desc))[1] is distinct from $2
returning version
"""
FIND_SEALED: Final = "select sealed from house where key = $1"


async def settle(tx: Tx, name: str, value: str) -> str:
    """Keep a value unless one is kept already; return the one that is kept."""
    return str(await tx.fetchval(SETTLE, name, value))


async def find_settled(conn: Conn, name: str) -> str | None:
    """Return a value that is set once, None where it is not yet."""
    found: str | None = await conn.fetchval(FIND_SETTLED, name)
    return found


async def choose(tx: Tx, key: str, value: str, now: datetime) -> None:
    """Keep what was chosen for a key."""
    await tx.execute(CHOOSE, key, value, None, now)


async def choose_sealed(tx: Tx, key: str, sealed: bytes, now: datetime) -> None:
    """Keep a secret, sealed."""
    await tx.execute(CHOOSE, key, None, sealed, now)


async def choose_first(tx: Tx, key: str, value: str, now: datetime) -> None:
    """Keep a value for a key for which nobody has chosen one."""
    await tx.execute(CHOOSE_FIRST, key, value, now)


async def add_wording(tx: Tx, key: str, body: str, now: datetime) -> int | None:
    """Keep a text as the next version; return its number, None where the newest says the same."""
    await tx.execute(LOCK_WORDINGS)
    version: int | None = await tx.fetchval(ADD_WORDING, key, body, now)
    return version


async def find_sealed(conn: Conn, key: str) -> bytes | None:
    """Return a secret as it is kept, sealed; None where none is."""
    sealed: bytes | None = await conn.fetchval(FIND_SEALED, key)
    return sealed
