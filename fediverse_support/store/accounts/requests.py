"""Accounts that wait for a yes: every write that lets them in or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.ids import AccountId

ADMIT: Final = """
update accounts set standing = 'active' where id = $1 and standing = 'pending'
returning name, case when email_confirmed_at is not null then email end as address
"""
# What they chose to sign in with is erased; the name stays taken, so that nobody can pass for them.
DECLINE: Final = """
update accounts a set standing = 'deleted', password_hash = '', email = null, email_confirmed_at = null
from (select id, case when email_confirmed_at is not null then email end as address
      from accounts where id = $1 for update) b
where a.id = b.id and a.standing = 'pending'
returning a.name, b.address
"""
CLOSE_PERSONS: Final = """
update actors set standing = 'deleted', updated_at = $2 where account_id = $1 and standing <> 'deleted'
"""


WAITING: Final = "select count(*) from (select 1 from accounts where standing = 'pending' limit $1) p"


async def count_waiting(tx: Tx, most: int) -> int:
    """Return how many accounts wait; counting ends at `most`."""
    return int(await tx.fetchval(WAITING, most))


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked: the sign-in name, and the address to answer to where one was left and confirmed."""

    name: str
    address: str | None


async def admit(tx: Tx, account_id: AccountId) -> Asked | None:
    """Open a waiting account; return whose it is, or None when it waits no more."""
    row = await tx.fetchrow(ADMIT, account_id)
    return None if row is None else Asked(**row)


async def decline(tx: Tx, account_id: AccountId, now: datetime) -> Asked | None:
    """Close a waiting account for good, and forget its address; return whose it was, or None when it waits no
    more."""
    row = await tx.fetchrow(DECLINE, account_id)
    if row is None:
        return None
    await tx.execute(CLOSE_PERSONS, account_id, now)
    return Asked(**row)
