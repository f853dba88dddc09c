"""One-time codes: every write on that table."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.codes import HINT_LETTERS, NewCode, Purpose, Used, hash_of
from fediverse_support.domain.ids import AccountId

INSERT: Final = """
insert into codes (hash, purpose, hint, account_id, made_by, payload, uses_left, ends_at, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
# Of many who come at once each waits for the one before, and then finds what that one has left.
USE: Final = """
update codes set uses_left = uses_left - 1
where hash = $1 and purpose = $2 and uses_left > 0 and ends_at > $3
returning account_id, payload
"""
HOLDS: Final = """
select exists (select 1 from codes where hash = $1 and purpose = $2 and uses_left > 0 and ends_at > $3)
"""
REVOKE: Final = "delete from codes where purpose = 'invite' and (hash = $1 or hint = $2) returning hint"
FORGET: Final = "delete from codes where account_id = $1 and purpose = $2"


async def insert(tx: Tx, code: str, new: NewCode, now: datetime) -> None:
    """Write a code down, by its hash."""
    hint = code[:HINT_LETTERS] if new.has_hint else None
    payload = msgspec.json.encode(new.payload).decode()
    whose = (new.account_id, new.made_by)
    await tx.execute(INSERT, hash_of(code), new.purpose, hint, *whose, payload, new.uses, new.ends_at, now)


async def use(tx: Tx, purpose: Purpose, code: str, now: datetime) -> Used | None:
    """Use a code once; None for one that is wrong, used up or over, or for something else."""
    row = await tx.fetchrow(USE, hash_of(code), purpose, now)
    if row is None:
        return None
    account_id = None if row["account_id"] is None else AccountId(row["account_id"])
    return Used(account_id, msgspec.json.decode(row["payload"], type=dict[str, str | int]))


async def holds(conn: Conn, purpose: Purpose, code: str, now: datetime) -> bool:
    """Say whether a code could be used now; it is not used by that."""
    return bool(await conn.fetchval(HOLDS, hash_of(code), purpose, now))


async def forget(tx: Tx, account_id: AccountId, purpose: Purpose) -> None:
    """Let none of an account's codes for this be good any more."""
    await tx.execute(FORGET, account_id, purpose)


async def revoke(tx: Tx, code: str) -> list[str]:
    """Let the invitations of this code, or of these first letters, be good no more; return their hints."""
    return [row["hint"] for row in await tx.fetch(REVOKE, hash_of(code), code)]
