"""Who passed on which post (announces, ours and those of groups elsewhere)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.ids import ActorId, PostId

INSERT_ANNOUNCES: Final = """
insert into announces (uri, actor_id, post_id, host, announced_at)
select g.uri, g.actor_id, g.post_id, (select p.host from posts p where p.id = g.post_id), $4
from unnest($1::text[], $2::bigint[], $3::bigint[]) with ordinality as g (uri, actor_id, post_id, place)
order by g.place
on conflict do nothing
returning uri
"""
FIND_ANNOUNCE: Final = """
select n.uri, p.uri as post_uri from announces n join posts p on p.id = n.post_id
where n.actor_id = $1 and n.post_id = $2 and n.undone_at is null
"""
UNDO_ANNOUNCE: Final = (
    "update announces set undone_at = $3 where actor_id = $1 and post_id = $2 and undone_at is null"
)
UNDO_ANNOUNCE_URI: Final = """
update announces n set undone_at = $3 from actors a
where n.uri = $1 and a.id = n.actor_id and a.uri = $2 and n.undone_at is null
"""
UNDO_ANNOUNCE_PAIR: Final = """
update announces n set undone_at = $3 from actors a, posts p
where a.id = n.actor_id and a.uri = $1 and p.id = n.post_id and p.uri = $2 and n.undone_at is null
"""


FIND_OWN: Final = """
select p.id, p.group_id, case when b.account_id is not null then b.id end as our_author_id
from actors g join posts p on p.group_id = g.id join actors b on b.id = p.author_id
where g.uri = $1 and g.host is not null
  and (p.uri = $3 or p.id = (select n.post_id from announces n where n.uri = $2 and n.actor_id = g.id))
limit 1
"""
AGAIN: Final = "update announces set undone_at = null where actor_id = $1 and post_id = $2"


@dataclass(frozen=True, slots=True)
class OwnPost:
    """A post in a group elsewhere; `our_author_id` is set where one of our people wrote it."""

    id: PostId
    group_id: ActorId
    our_author_id: ActorId | None


@dataclass(frozen=True, slots=True)
class Announced:
    """An actor announced a post."""

    uri: Uri
    actor_id: ActorId
    post_id: PostId


async def insert_announces(tx: Tx, announced: Sequence[Announced], now: datetime) -> set[Uri]:
    """Note who announced which posts; return the announces that are the first of their actor and post."""
    rows = await tx.fetch(
        INSERT_ANNOUNCES,
        [one.uri for one in announced],
        [one.actor_id for one in announced],
        [one.post_id for one in announced],
        now,
    )
    return {Uri(row["uri"]) for row in rows}


async def insert_announce(tx: Tx, uri: Uri, actor_id: ActorId, post_id: PostId, now: datetime) -> None:
    """Note that an actor announced a post, if it has not done so before."""
    await insert_announces(tx, [Announced(uri, actor_id, post_id)], now)


HEAR_ANNOUNCE: Final = """
with again as (
    update announces set uri = $1, announced_at = $4, undone_at = null
    where actor_id = $2 and post_id = $3 and undone_at is not null and uri <> $1
    returning id
)
insert into announces (uri, actor_id, post_id, announced_at)
select $1, $2, $3, $4 where not exists (select 1 from again)
on conflict do nothing
"""


async def hear_announce(tx: Tx, uri: Uri, actor_id: ActorId, post_id: PostId, now: datetime) -> None:
    """Note that an actor elsewhere announced a post, for the first time or after taking it back."""
    await tx.execute(HEAR_ANNOUNCE, uri, actor_id, post_id, now)


async def find_announce(conn: Conn, actor_id: ActorId, post_id: PostId) -> tuple[Uri, Uri] | None:
    """Return the URIs of a standing announce and of its post."""
    row = await conn.fetchrow(FIND_ANNOUNCE, actor_id, post_id)
    return None if row is None else (Uri(row["uri"]), Uri(row["post_uri"]))


async def find_own(
    conn: Conn, group_uri: Uri, *, announce_uri: Uri | None, post_uri: Uri | None
) -> OwnPost | None:
    """Return the post that a group elsewhere announced, by the announce or by the post, if it is in that
    very group."""
    row = await conn.fetchrow(FIND_OWN, group_uri, announce_uri, post_uri)
    return None if row is None else OwnPost(**row)


async def announce_again(tx: Tx, actor_id: ActorId, post_id: PostId) -> None:
    """Note that an announce which had been taken back stands again."""
    await tx.execute(AGAIN, actor_id, post_id)


async def undo_announce(tx: Tx, actor_id: ActorId, post_id: PostId, now: datetime) -> None:
    """Note that an announce was taken back."""
    await tx.execute(UNDO_ANNOUNCE, actor_id, post_id, now)


async def undo_announce_by_uri(tx: Tx, uri: Uri, actor_uri: Uri, now: datetime) -> bool:
    """Take back an announce by its own id, if this actor made it."""
    return await tx.execute(UNDO_ANNOUNCE_URI, uri, actor_uri, now) != "UPDATE 0"


async def undo_announce_of(tx: Tx, actor_uri: Uri, post_uri: Uri, now: datetime) -> bool:
    """Take back this actor's announce of a post."""
    return await tx.execute(UNDO_ANNOUNCE_PAIR, actor_uri, post_uri, now) != "UPDATE 0"


FORGET_ANNOUNCE: Final = """
delete from announces n using actors a where n.post_id = $1 and a.id = n.actor_id and a.host is null
"""


async def forget_announce(tx: Tx, post_id: PostId) -> None:
    """Forget that a group of ours announced a post that has not left yet; it will be announced anew."""
    await tx.execute(FORGET_ANNOUNCE, post_id)


NOTE_ANNOUNCE: Final = """
insert into announces (uri, actor_id, post_id, host, announced_at)
select $3, g.id, p.id, p.host, $4
from actors g join posts p on p.group_id = g.id
where g.uri = $1 and p.uri = $2 and g.host is not null and p.standing in ('visible', 'limited')
on conflict do nothing
"""


async def note_announce(tx: Tx, group_uri: Uri, post_uri: Uri, announce_uri: Uri, now: datetime) -> None:
    """Note that a group elsewhere passed on a post of its own; the first time counts."""
    await tx.execute(NOTE_ANNOUNCE, group_uri, post_uri, announce_uri, now)
