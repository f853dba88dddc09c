"""Accounts, names and access tokens: every write on those tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Literal

from federation.uris import Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.actors import Role
from fediverse_support.domain.ids import AccountId, ActorId

AccountStanding = Literal["pending", "active", "suspended", "deleted"]

LOCK_NAMES: Final = "lock table names in share row exclusive mode"
FIND_LIKE: Final = """
select name from names
where replace(replace(translate(name, '01i5_', 'olls'), 'rn', 'm'), 'vv', 'w') = $1
order by name = $2 desc, name limit 1
"""
TAKE_NAME: Final = "insert into names (name, actor_id, taken_at) values ($1, $2, $3)"
INSERT_ACCOUNT: Final = """
insert into accounts (name, email, email_confirmed_at, password_hash, roles, standing, created_at)
values ($1, $2, case when $2::text is not null then $6::timestamptz end, $3, $4, $5, $6) returning id
"""
INSERT_TOKEN: Final = """
insert into tokens (token_hash, account_id, person_id, scopes, created_at)
select $1, a.id, p.id, $3::text[], $4
from accounts a join actors p on p.account_id = a.id
where lower(a.name) = $2 and a.standing = 'active'
  and case when $5::text is null then p.for_group_id is null
           else lower(p.name) = $5 and p.standing in ('visible', 'limited') end
returning account_id
"""


async def find_name_like(tx: Tx, name: str, skeleton: str) -> str | None:
    """Return the name if it is taken, else a taken one that looks like it, else None.

    No other transaction takes names until this one ends.

    `skeleton` is what `actions.names.skeleton` makes of a name; the statement makes the same of every taken
    one.
    """
    await tx.execute(LOCK_NAMES)
    taken: str | None = await tx.fetchval(FIND_LIKE, skeleton, name)
    return taken


async def take_name(tx: Tx, name: str, actor_id: ActorId, now: datetime) -> None:
    """Give a name to an actor, for good; the caller has made sure that it is free."""
    await tx.execute(TAKE_NAME, name, actor_id, now)


async def insert_account(
    tx: Tx,
    *,
    name: str,
    email: str | None,
    password_hash: str,
    roles: Collection[Role],
    standing: AccountStanding,
    now: datetime,
) -> AccountId:
    """Write a login; whoever makes it vouches for the address."""
    row = await tx.fetchval(INSERT_ACCOUNT, name, email, password_hash, sorted(roles), standing, now)
    return AccountId(row)


async def insert_token(
    tx: Tx, token_hash: bytes, name: str, scopes: Sequence[str], now: datetime, *, person: str | None = None
) -> AccountId | None:
    """Give the active account of this name (lower case) a token; None when there is no such account.

    It speaks for the name without a group, or for another of its names (`person`, lower case).
    """
    account_id = await tx.fetchval(INSERT_TOKEN, token_hash, name, list(scopes), now, person)
    return None if account_id is None else AccountId(account_id)


HAS_ACTOR: Final = "select exists (select 1 from actors where uri = $1)"


async def has_actor(conn: Conn, uri: Uri) -> bool:
    """Say whether there is an actor of this URI."""
    return bool(await conn.fetchval(HAS_ACTOR, uri))
