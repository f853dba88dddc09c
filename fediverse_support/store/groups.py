"""Groups, their moderators and bans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.ids import ActorId

INSERT: Final = """
insert into groups (actor_id, kind, title, language, approval, created_at) values ($1, $2, $3, $4, $5, $6)
"""
NAME_MODERATORS: Final = """
insert into group_moderators (group_id, actor_id, since_at)
select $1, m.id, $3 from unnest($2::bigint[]) as m (id)
on conflict do nothing
"""
PERSONS: Final = """
select lower(c.name) as name, a.id, a.uri
from accounts c join actors a on a.account_id = c.id and a.for_group_id is null
where lower(c.name) = any ($1::text[]) and c.standing = 'active'
"""


async def insert(
    tx: Tx, group_id: ActorId, *, kind: GroupKind, title: str, language: str, approval: bool, now: datetime
) -> None:
    """Store the group beside its actor."""
    await tx.execute(INSERT, group_id, kind, title, language, approval, now)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The open person of an active login."""

    id: ActorId
    uri: Uri


async def find_persons(conn: Conn, names: Sequence[str]) -> dict[str, Candidate]:
    """Return the open person of each of these active logins, by the login's name in lower case."""
    rows = await conn.fetch(PERSONS, [name.lower() for name in names])
    return {row["name"]: Candidate(ActorId(row["id"]), Uri(row["uri"])) for row in rows}


async def name_moderators(tx: Tx, group_id: ActorId, moderators: Sequence[ActorId], now: datetime) -> None:
    """Make people of ours moderators of a group; that they take part in it, too, is their own wish."""
    await tx.execute(NAME_MODERATORS, group_id, list(moderators), now)


MODERATES: Final = "select moderates($1, $2)"


async def moderates(conn: Conn, group_id: ActorId, actor_id: ActorId) -> bool:
    """Say whether a group is in this person's care."""
    return bool(await conn.fetchval(MODERATES, group_id, actor_id))


BAN: Final = """
insert into group_bans (group_id, actor_id, reason, banned_by, banned_at, ends_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (group_id, actor_id) do update set reason = excluded.reason, banned_by = excluded.banned_by,
    banned_at = excluded.banned_at, ends_at = excluded.ends_at
"""
UNBAN: Final = "delete from group_bans where group_id = $1 and actor_id = $2"


async def ban(
    tx: Tx,
    group_id: ActorId,
    actor_id: ActorId,
    reason: str,
    banned_by: ActorId | None,
    now: datetime,
    *,
    ends_at: datetime | None = None,
) -> None:
    """Shut somebody out of a group, for good or until `ends_at`."""
    await tx.execute(BAN, group_id, actor_id, reason, banned_by, now, ends_at)


async def unban(tx: Tx, group_id: ActorId, actor_id: ActorId) -> bool:
    """Let somebody back in; False when they were not shut out."""
    return await tx.execute(UNBAN, group_id, actor_id) == "DELETE 1"


TAKES_PART: Final = """
select exists (select 1 from follows where follower_id = $2 and target_id = $1)
    or exists (select 1 from posts where author_id = $2 and group_id = $1)
"""


async def takes_part(conn: Conn, group_id: ActorId, actor_id: ActorId) -> bool:
    """Say whether somebody ever followed a group or wrote in it."""
    return bool(await conn.fetchval(TAKES_PART, group_id, actor_id))


FIND_MODERATORS_URI: Final = "select moderators_uri from actors where uri = $1 and kind = 'group'"
NAME_MODERATOR: Final = """
insert into group_moderators (group_id, actor_id, since_at)
select g.id, a.id, $3 from actors g join groups r on r.actor_id = g.id, actors a
where g.uri = $1 and g.host is not null and a.uri = $2 and a.host is not null
on conflict do nothing
"""
DISMISS_MODERATOR: Final = """
delete from group_moderators m using actors g, actors a
where g.uri = $1 and g.host is not null and a.uri = $2 and m.group_id = g.id and m.actor_id = a.id
"""


async def find_moderators_uri(conn: Conn, group_uri: Uri) -> Uri | None:
    """Return where a group elsewhere lists its moderators."""
    found = await conn.fetchval(FIND_MODERATORS_URI, group_uri)
    return None if found is None else Uri(found)


async def note_moderator(tx: Tx, group_uri: Uri, actor_uri: Uri, now: datetime, *, is_listed: bool) -> None:
    """Keep what a group elsewhere says about one of its moderators."""
    if is_listed:
        await tx.execute(NAME_MODERATOR, group_uri, actor_uri, now)
    else:
        await tx.execute(DISMISS_MODERATOR, group_uri, actor_uri)


IS_BANNED: Final = "select exists (select 1 from group_bans where group_id = $1 and actor_id = $2)"
FIND_ENDS: Final = """
select g.uri as group_uri, a.uri as actor_uri, r.kind = 'open' and exists (
    select 1 from posts p
    where p.author_id = a.id and p.group_id = g.id and p.audience in ('public', 'unlisted')
      and p.standing in ('visible', 'removed', 'deleted')) as wrote_in_public
from actors g join groups r on r.actor_id = g.id, actors a
where g.id = $1 and g.host is null and a.id = $2 and a.kind <> 'group'
"""


async def is_banned(conn: Conn, group_id: ActorId, actor_id: ActorId) -> bool:
    """Say whether a group shut somebody out, whether or not that is over."""
    return bool(await conn.fetchval(IS_BANNED, group_id, actor_id))


@dataclass(frozen=True, slots=True)
class Ends:
    """A group of ours and somebody whom it is about; whether everybody can have read them in it."""

    group_uri: Uri
    actor_uri: Uri
    wrote_in_public: bool


async def find_ends(conn: Conn, group_id: ActorId, actor_id: ActorId) -> Ends | None:
    """Return a group of ours and a person as activities name them."""
    row = await conn.fetchrow(FIND_ENDS, group_id, actor_id)
    return None if row is None else Ends(**row)
