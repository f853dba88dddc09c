"""Sessions and counted tries: every write on those tables, and the look-up of a login."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.ids import AccountId

AccountStanding = Literal["pending", "active", "suspended", "deleted"]


@dataclass(frozen=True, slots=True)
class Login:
    """What is needed to check a password."""

    account_id: AccountId
    password_hash: str
    standing: AccountStanding


FIND_LOGIN: Final = """
select id as account_id, password_hash, standing from accounts
where lower(name) = $1 and standing <> 'deleted'
"""


async def find_login(conn: Conn, name: str) -> Login | None:
    """Return the login of this name (lower case), or None."""
    row = await conn.fetchrow(FIND_LOGIN, name)
    return None if row is None else Login(**row)


# Only while the password holds that was checked: a new one ends what the old one opened, and is waited for.
INSERT_SESSION: Final = """
insert into sessions (token_hash, account_id, created_at, expires_at)
select $1, id, $4, $5 from accounts where id = $2 and password_hash = $3 and standing = 'active'
for share
returning account_id
"""


async def insert_session(
    tx: Tx, token_hash: bytes, login: Login, now: datetime, expires_at: datetime
) -> bool:
    """Open a session; False where the login is another by now: closed, or with another password."""
    whose = (login.account_id, login.password_hash)
    return await tx.fetchval(INSERT_SESSION, token_hash, *whose, now, expires_at) is not None


DELETE_SESSION: Final = "delete from sessions where token_hash = $1"
DELETE_EXPIRED: Final = "delete from sessions where account_id = $1 and expires_at <= $2"


async def delete_session(tx: Tx, token_hash: bytes) -> None:
    """End a session; one that is not there is fine."""
    await tx.execute(DELETE_SESSION, token_hash)


async def delete_expired(tx: Tx, account_id: AccountId, now: datetime) -> None:
    """Drop this account's sessions that are over."""
    await tx.execute(DELETE_EXPIRED, account_id, now)


# One statement counts what is recent and writes this try down unless a subject is already over its limit, so
# a burst of parallel guesses is counted as it comes in and a blocked subject does not grow the table.
COUNT_TRY: Final = """
with recent as (
    select subject, count(*) as tries, min(failed_at) as first_at from sign_in_failures
    where subject = any ($1::text[]) and failed_at > $3 group by subject
), tried as (
    select s.subject, s.allowed, coalesce(r.tries, 0) as tries, r.first_at
    from unnest($1::text[], $2::int[]) as s (subject, allowed) left join recent r using (subject)
), written as (
    insert into sign_in_failures (subject, failed_at)
    select s.subject, $4 from unnest($1::text[] || $5::text[]) as s (subject)
    where not exists (select 1 from tried where tries >= allowed)
)
select max(first_at) from tried where tries >= allowed
"""
# Only of these: what is counted elsewhere in the program may count for longer. The rest goes in housekeeping.
DELETE_OLD_TRIES: Final = "delete from sign_in_failures where subject = any ($1::text[]) and failed_at <= $2"
DELETE_TRIES: Final = "delete from sign_in_failures where subject = any ($1::text[])"
LOCK_SUBJECT: Final = "select pg_advisory_xact_lock(hashtextextended($1, 0))"


async def count_try(
    tx: Tx, limits: dict[str, int], since: datetime, now: datetime, *, also: str | None = None
) -> datetime | None:
    """Write one try down per subject; return None, or since when a subject over its limit has been trying.

    Tries for one subject wait for each other, so a burst cannot all see the same count. `also` is a subject
    whose tries are counted and have no limit. What is older than `since` counts no more, and goes.
    """
    for subject in sorted(limits):
        await tx.execute(LOCK_SUBJECT, subject)
    unlimited = [] if also is None else [also]
    await tx.execute(DELETE_OLD_TRIES, [*limits, *unlimited], since)
    first_at: datetime | None = await tx.fetchval(
        COUNT_TRY, list(limits), list(limits.values()), since, now, unlimited
    )
    return first_at


COUNT_TRIES: Final = """
select count(*) from (
    select 1 from sign_in_failures where subject = $1 and failed_at > $2 limit $3
) s
"""


async def count_tries(tx: Tx, subject: str, since: datetime, most: int) -> int:
    """Return how many tries for a subject are written down since then; counting ends at `most`."""
    return int(await tx.fetchval(COUNT_TRIES, subject, since, most))


async def forget_tries(tx: Tx, subjects: list[str]) -> None:
    """Forget the tries of these subjects."""
    await tx.execute(DELETE_TRIES, subjects)
