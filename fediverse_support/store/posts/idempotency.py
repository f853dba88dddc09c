"""Keys that clients send so that a post repeated by a bad connection exists once; kept for an hour."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.ids import AccountId, PostId

LOCK: Final = "select pg_advisory_xact_lock(hashtextextended($1 || ':' || $2, 0))"
FIND: Final = """
select k.post_id, p.standing from idempotency_keys k join posts p on p.id = k.post_id
where k.account_id = $1 and k.key = $2 and k.created_at > $3::timestamptz - interval '1 hour'
"""
KEEP: Final = """
insert into idempotency_keys (account_id, key, post_id, created_at) values ($1, $2, $3, $4)
on conflict (account_id, key) do update set post_id = excluded.post_id, created_at = excluded.created_at
"""


async def find(tx: Tx, account_id: AccountId, key: str, now: datetime) -> tuple[PostId, str] | None:
    """Return what was posted under this key, after waiting for a twin that is being posted right now."""
    await tx.execute(LOCK, str(account_id), key)
    row = await tx.fetchrow(FIND, account_id, key, now)
    return None if row is None else (PostId(row["post_id"]), row["standing"])


async def keep(tx: Tx, account_id: AccountId, key: str, post_id: PostId, now: datetime) -> None:
    """Remember what was posted under this key."""
    await tx.execute(KEEP, account_id, key, post_id, now)
