"""Accounts that wait for a yes: every write that lets them in or not."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.ids import AccountId

ADMIT: Final = """
update accounts set standing = 'active' where id = $1 and standing = 'pending' returning name
"""
# What they chose to sign in with is erased; the name stays taken, so that nobody can pass for them.
DECLINE: Final = """
update accounts set standing = 'deleted', password_hash = '', email = null
where id = $1 and standing = 'pending' returning name
"""
CLOSE_PERSONS: Final = """
update actors set standing = 'deleted', updated_at = $2 where account_id = $1 and standing <> 'deleted'
"""


WAITING: Final = "select count(*) from (select 1 from accounts where standing = 'pending' limit $1) p"


async def count_waiting(tx: Tx, most: int) -> int:
    """Return how many accounts wait; counting ends at `most`."""
    return int(await tx.fetchval(WAITING, most))


async def admit(tx: Tx, account_id: AccountId) -> str | None:
    """Open a waiting account; return its name, or None when it waits no more."""
    name: str | None = await tx.fetchval(ADMIT, account_id)
    return name


async def decline(tx: Tx, account_id: AccountId, now: datetime) -> str | None:
    """Close a waiting account for good; return its name, or None when it waits no more."""
    name: str | None = await tx.fetchval(DECLINE, account_id)
    if name is not None:
        await tx.execute(CLOSE_PERSONS, account_id, now)
    return name
