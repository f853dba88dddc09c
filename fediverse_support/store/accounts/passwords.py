"""Replacing a password, and with it everything that was signed in by the old one."""

from __future__ import annotations

from typing import Final

from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.ids import AccountId

FIND_ACCOUNT: Final = "select id from accounts where lower(name) = $1 and standing in ('active', 'pending')"
# One statement: nothing is signed in by the old password once there is a new one.
REPLACE: Final = """
with changed as (
    update accounts set password_hash = $2 where id = $1 and standing in ('active', 'pending') returning id
), ended as (
    delete from sessions where account_id in (select id from changed)
), taken as (
    delete from tokens where account_id in (select id from changed)
)
select exists (select 1 from changed)
"""


async def find_account(conn: Conn, name: str) -> AccountId | None:
    """Return the account of this name (lower case) that may sign in now or later, or None."""
    account_id = await conn.fetchval(FIND_ACCOUNT, name)
    return None if account_id is None else AccountId(account_id)


async def replace(tx: Tx, account_id: AccountId, password_hash: str) -> bool:
    """Set the password and end every session and token; False where the account is closed by now."""
    return bool(await tx.fetchval(REPLACE, account_id, password_hash))
