"""Follows: of a group, a membership; of a person, a wish to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.actors import FollowStanding
from fediverse_support.domain.ids import AccountId, ActorId, FollowId


@dataclass(frozen=True, slots=True)
class FollowRow:
    """A follow with both ends. Hosts are None for ours."""

    id: FollowId
    uri: Uri
    verb: Literal["Follow", "Join"]
    standing: FollowStanding
    follower_id: ActorId
    follower_uri: Uri
    follower_host: Host | None
    follower_account_id: AccountId | None
    target_id: ActorId
    target_uri: Uri
    target_host: Host | None


FIND_BY_ID: Final = """
select f.id, f.uri, f.verb, f.standing, f.follower_id, a.uri as follower_uri, a.host as follower_host,
       a.account_id as follower_account_id, f.target_id, t.uri as target_uri, t.host as target_host
from follows f join actors a on a.id = f.follower_id join actors t on t.id = f.target_id
where f.id = $1 for update of f
"""
FIND_BY_URI: Final = """
select f.id, f.uri, f.verb, f.standing, f.follower_id, a.uri as follower_uri, a.host as follower_host,
       a.account_id as follower_account_id, f.target_id, t.uri as target_uri, t.host as target_host
from follows f join actors a on a.id = f.follower_id join actors t on t.id = f.target_id
where f.uri = $1 for update of f
"""
FIND_PAIR: Final = """
select f.id, f.uri, f.verb, f.standing, f.follower_id, a.uri as follower_uri, a.host as follower_host,
       a.account_id as follower_account_id, f.target_id, t.uri as target_uri, t.host as target_host
from follows f join actors a on a.id = f.follower_id join actors t on t.id = f.target_id
where f.follower_id = $1 and f.target_id = $2 for update of f
"""
FIND_PAIR_BY_URI: Final = """
select f.id, f.uri, f.verb, f.standing, f.follower_id, a.uri as follower_uri, a.host as follower_host,
       a.account_id as follower_account_id, f.target_id, t.uri as target_uri, t.host as target_host
from follows f join actors a on a.id = f.follower_id join actors t on t.id = f.target_id
where a.uri = $1 and t.uri = $2 for update of f
"""


async def find_by_id(tx: Tx, follow_id: FollowId) -> FollowRow | None:
    """Return and lock a follow by its row id."""
    row = await tx.fetchrow(FIND_BY_ID, follow_id)
    return None if row is None else FollowRow(**row)


async def find_by_uri(tx: Tx, uri: Uri) -> FollowRow | None:
    """Return and lock the follow whose newest activity has this id."""
    row = await tx.fetchrow(FIND_BY_URI, uri)
    return None if row is None else FollowRow(**row)


async def find_pair(tx: Tx, follower_id: ActorId, target_id: ActorId) -> FollowRow | None:
    """Return and lock the follow between two actors, whatever became of it."""
    row = await tx.fetchrow(FIND_PAIR, follower_id, target_id)
    return None if row is None else FollowRow(**row)


async def find_pair_by_uri(tx: Tx, follower: Uri, target: Uri) -> FollowRow | None:
    """Return and lock the follow between two actors, given by URI."""
    row = await tx.fetchrow(FIND_PAIR_BY_URI, follower, target)
    return None if row is None else FollowRow(**row)


UPSERT: Final = """
insert into follows (uri, follower_id, target_id, standing, verb, created_at, decided_at)
values ($1, $2, $3, $4, $5, $6::timestamptz, case when $4::text = 'accepted' then $6::timestamptz end)
on conflict (follower_id, target_id) do update set uri = excluded.uri, standing = excluded.standing,
    verb = excluded.verb, created_at = excluded.created_at, decided_at = excluded.decided_at
returning id
"""


async def upsert(
    tx: Tx,
    uri: Uri,
    follower_id: ActorId,
    target_id: ActorId,
    standing: FollowStanding,
    verb: str,
    now: datetime,
) -> FollowId:
    """Store a follow, new or asked again."""
    return FollowId(await tx.fetchval(UPSERT, uri, follower_id, target_id, standing, verb, now))


# Rules, and what a server runs, are asked at this moment: who is not written to now may be by a later follow.
WELCOME: Final = """
update follows f set is_welcomed = true
from actors a left join peers p on p.host = a.host, groups g
where f.id = $1 and f.standing = 'accepted' and not f.is_welcomed
  and a.id = f.follower_id and a.kind = 'person' and a.host is not null and a.standing = 'visible'
  and not is_cut_off(a.host) and rule_for(a.host) is distinct from 'limit'
  and coalesce(p.announce_class, 'object') = 'object'
  and g.actor_id = f.target_id and g.kind = 'open'
returning a.id, a.uri, a.name, coalesce(a.handle_host, a.host) as host
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody on another server, as a note to them needs them; `name` and `host` are their handle."""

    id: ActorId
    uri: Uri
    name: str
    host: Host


async def welcome(tx: Tx, follow_id: FollowId) -> Reader | None:
    """Note that a new follower of an open group is written to; None where they are not, or were before.

    Nobody is whose server knows groups: there a group has no way to write to one person.
    """
    row = await tx.fetchrow(WELCOME, follow_id)
    return None if row is None else Reader(**row)


SET_STANDING: Final = "update follows set standing = $2, decided_at = $3 where id = $1"


async def set_standing(tx: Tx, follow_id: FollowId, standing: FollowStanding, now: datetime) -> None:
    """Decide or end a follow."""
    await tx.execute(SET_STANDING, follow_id, standing, now)


INSERT_UNDONE: Final = """
insert into undone (actor_uri, uri, undone_at) values ($1, $2, $3)
on conflict (actor_uri, uri) do update set undone_at = excluded.undone_at
"""


async def remember_undone(tx: Tx, actor_uri: Uri, uri: Uri, now: datetime) -> None:
    """Remember that an activity was taken back before we heard of it."""
    await tx.execute(INSERT_UNDONE, actor_uri, uri, now)


FORGET_UNDONE: Final = "delete from undone where actor_uri = $1 and uri = any ($2::text[])"


async def forget_undone(tx: Tx, actor_uri: Uri, uris: Sequence[Uri]) -> None:
    """Note that what was taken back has arrived, and had no effect: if it comes again, it is meant anew."""
    await tx.execute(FORGET_UNDONE, actor_uri, list(uris))


END_ALL: Final = """
update follows set standing = 'left', decided_at = $2
where (follower_id = $1 or target_id = $1) and standing in ('pending', 'accepted')
"""


async def end_all(tx: Tx, actor_id: ActorId, now: datetime) -> None:
    """End every follow from and of an actor that is gone."""
    await tx.execute(END_ALL, actor_id, now)


MODERATORS_HERE: Final = """
select a.id from group_moderators m join actors a on a.id = m.actor_id
where m.group_id = $1 and a.account_id is not null
"""


async def moderators_here(conn: Conn, group_id: ActorId) -> list[ActorId]:
    """Return those of a group's moderators that are ours."""
    return [ActorId(row["id"]) for row in await conn.fetch(MODERATORS_HERE, group_id)]


# A follow that waits for its Accept counts: who was asked may speak before the Accept is here.
IS_FOLLOWED: Final = """
select exists (
    select 1 from follows f join actors t on t.id = f.target_id join actors a on a.id = f.follower_id
    where t.uri = $1 and f.standing in ('pending', 'accepted') and a.host is null)
"""


async def is_followed(conn: Conn, actor_uri: Uri) -> bool:
    """Say whether somebody here follows this actor, or has asked to."""
    return bool(await conn.fetchval(IS_FOLLOWED, actor_uri))


# Who was in a closed group, or waits for it, knows it without reading it; anybody else needs an invitation.
FIND_TARGET: Final = """
select a.uri from actors a
where a.id = $1 and a.standing in ('visible', 'limited') and a.kind in ('person', 'group') and a.id <> $2
  and not is_cut_off(a.host)
  and ($3 or can_see_actor(a, array[$2::bigint]) or exists (
      select 1 from follows f
      where f.follower_id = $2 and f.target_id = a.id and f.standing in ('pending', 'accepted', 'left')))
"""
TAKE_TURNS: Final = "select 1 from actors where id = $1 for no key update"


async def find_target(tx: Tx, target_id: ActorId, person_id: ActorId, *, is_invited: bool) -> Uri | None:
    """Return the id of somebody, or a group, whom this person may ask to follow."""
    uri: Uri | None = await tx.fetchval(FIND_TARGET, target_id, person_id, is_invited)
    return uri


async def take_turns(tx: Tx, person_id: ActorId) -> None:
    """Wait for other calls of this person: each has to see what the one before it asked."""
    await tx.execute(TAKE_TURNS, person_id)
