"""Activities, announces and deliveries: what leaves, and to whom. Only `pipeline.outbox` calls the writing
ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from federation.uris import Host, Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain import keeping
from fediverse_support.domain.house import Federation
from fediverse_support.domain.ids import ActivityId, ActorId, PostId

PeerClass = Literal["activity", "object"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One activity of ours, written. `document` is the exact text that is sent on every attempt."""

    uri: Uri
    actor_uri: Uri
    verb: str
    object_uri: Uri | None
    document: str
    public: bool
    sender_id: ActorId
    post_id: PostId | None
    due_at: datetime
    now: datetime


INSERT_ACTIVITY: Final = """
insert into activities (uri, actor_uri, verb, object_uri, document, direction, public, created_at)
values ($1, $2, $3, $4, $5, 'out', $6, $7)
on conflict (uri) do nothing
returning id
"""


async def insert_activity(tx: Tx, out: Outgoing) -> ActivityId | None:
    """Store an activity of ours; None when it is stored already."""
    found = await tx.fetchval(
        INSERT_ACTIVITY,
        out.uri,
        out.actor_uri,
        out.verb,
        out.object_uri,
        keeping.shorten(out.document),
        out.public,
        out.now,
    )
    return None if found is None else ActivityId(found)


# Who holds a copy is owed the news of it even while suspended; the claim keeps it here until that ends. An
# inbox that somebody has alone who blocks the author hears only that it is gone ($14).
TO_HOLDING_FOLLOWERS: Final = """
with act as (
    insert into activities (uri, actor_uri, verb, object_uri, document, direction, public, created_at)
    values ($1, $9, $10, $11, $12, 'out', $13, $5)
    on conflict (uri) do update set uri = excluded.uri
    returning id
)
insert into deliveries (activity_id, sender_id, host, inbox_uri, post_id, due_at, created_at)
select act.id, $2, t.host, t.inbox, $3,
       greatest($4, (
           select max(d.due_at) from deliveries d
           where d.post_id = $8 and d.host = t.host and d.attempts = 0)), $5
from (
    select distinct a.host, door_of(a.shared_inbox_uri, a.inbox_uri) as inbox
    from follows f
    join actors a on a.id = f.follower_id
    left join peers p on p.host = a.host
    where f.target_id = $6 and f.standing = 'accepted' and a.host is not null
      and a.standing in ('visible', 'limited')
      and coalesce(p.announce_class, 'object') = $7
      and ($14 or a.shared_inbox_uri is not null or not exists (
        select 1 from posts y join blocks b on b.blocked_id = y.author_id
        where y.id = $8 and b.blocker_id = a.id))
      and (exists (select 1 from copies c where c.post_id = $8 and has_host(c.hosts, p.number))
           or exists (select 1 from deliveries d
                      where d.post_id = $8 and d.host = a.host and d.standing = 'waiting'))
) t, act
on conflict (activity_id, inbox_uri) do nothing
returning host
"""


async def post_to_holding_followers(
    tx: Tx, out: Outgoing, *, of: ActorId, peer_class: PeerClass, holding: PostId, takes_back: bool
) -> set[Host]:
    """Store an activity with one delivery per follower's inbox on hosts that hold, or will hold, a post.

    Only for hosts that take this form of Announce, whatever rule there is now: the claim joins the rules
    again. `takes_back` says that it asks to forget something. Returns the hosts that got a delivery.
    """
    rows = await tx.fetch(
        TO_HOLDING_FOLLOWERS,
        out.uri,
        out.sender_id,
        out.post_id,
        out.due_at,
        out.now,
        of,
        peer_class,
        holding,
        out.actor_uri,
        out.verb,
        out.object_uri,
        keeping.shorten(out.document),
        out.public,
        takes_back,
    )
    return {Host(row["host"]) for row in rows}


TO_ACTORS: Final = """
insert into deliveries (activity_id, sender_id, host, inbox_uri, post_id, due_at, created_at)
select $1, $2, t.host, t.inbox, $3, $4, $5
from (
    select distinct a.host, door_of(a.shared_inbox_uri, a.inbox_uri, $8) as inbox
    from actors a
    where a.id = any ($6::bigint[]) and a.host is not null and a.standing in ('visible', 'limited')
      and not exists (select 1 from blocks b where b.blocker_id = a.id and b.blocked_id = $2)
) t cross join lateral talks_to_each(t.host, $7) r (yes)
where r.yes
on conflict (activity_id, inbox_uri) do nothing
returning host
"""


async def deliver_to_actors(
    tx: Tx,
    activity_id: ActivityId,
    out: Outgoing,
    *,
    actors: Sequence[ActorId],
    federation: Federation,
    shared: bool,
) -> set[Host]:
    """Queue deliveries to these actors, through shared inboxes where `shared` says so; return the hosts."""
    rows = await tx.fetch(
        TO_ACTORS,
        activity_id,
        out.sender_id,
        out.post_id,
        out.due_at,
        out.now,
        list(actors),
        federation,
        shared,
    )
    return {Host(row["host"]) for row in rows}


TO_HOLDERS: Final = """
insert into deliveries (activity_id, sender_id, host, inbox_uri, post_id, due_at, created_at)
select $1, $2, t.host, t.inbox, $3,
       greatest($4, (
           select max(d.due_at) from deliveries d
           where d.post_id = $3 and d.host = t.host and d.attempts = 0)), $5
from (
    select distinct on (a.host) a.host, door_of(a.shared_inbox_uri, a.inbox_uri) as inbox
    from (select o.host from copies y cross join lateral host_numbers(y.hosts) n join peers o on o.number = n
          where y.post_id = $6
          union select host from deliveries where post_id = $6 and standing = 'waiting') c
    join actors a on a.host = c.host and a.standing in ('visible', 'limited')
      and ($8 or a.shared_inbox_uri is not null or not exists (
        select 1 from posts y join blocks b on b.blocked_id = y.author_id
        where y.id = $6 and b.blocker_id = a.id))
    left join peers p on p.host = c.host
    where $7::bigint is null or coalesce(p.announce_class, 'object') = 'object' or not exists (
        select 1 from follows f join actors m on m.id = f.follower_id
        where f.target_id = $7 and f.standing = 'accepted' and m.host = c.host)
    order by a.host, (a.shared_inbox_uri is null), a.id
) t
on conflict (activity_id, inbox_uri) do nothing
returning host
"""


async def deliver_to_holders(
    tx: Tx, activity_id: ActivityId, out: Outgoing, *, of: PostId, relayed_by: ActorId | None = None
) -> set[Host]:
    """Queue one delivery per host that has, or is about to get, a copy of this post; the claim joins the
    rules again.

    An inbox that somebody has alone who blocks the author gets only what asks to forget something.
    `relayed_by` leaves out hosts that hear of it from that group in a form they understand.
    """
    rows = await tx.fetch(
        TO_HOLDERS, activity_id, out.sender_id, out.post_id, out.due_at, out.now, of, relayed_by,
        out.verb in ("Delete", "Undo"),
    )  # fmt: skip
    return {Host(row["host"]) for row in rows}


# What asks a host to forget something is never cancelled: it may be the only word that host gets.
CANCEL: Final = """
delete from deliveries d
using activities x left join activities y on x.verb = 'Announce' and y.uri = x.object_uri
where d.post_id = any ($1::bigint[]) and x.id = d.activity_id
  and coalesce(y.verb, x.verb) not in ('Delete', 'Undo')
"""
CANCEL_HOST: Final = """
delete from deliveries d
using activities x left join activities y on x.verb = 'Announce' and y.uri = x.object_uri
where d.sender_id = $1 and d.host = $2 and d.standing = 'waiting' and x.id = d.activity_id
  and coalesce(y.verb, x.verb) not in ('Delete', 'Undo')
  and not exists (
    select 1 from follows f join actors a on a.id = f.follower_id
    where f.target_id = $1 and f.standing = 'accepted' and a.host = $2)
"""


async def cancel_posts(tx: Tx, post_ids: Sequence[PostId]) -> None:
    """Take back every delivery of these posts, also one that was put aside and could be tried again."""
    await tx.execute(CANCEL, list(post_ids))


async def cancel_host(tx: Tx, sender_id: ActorId, host: Host) -> None:
    """Take back what one of our groups still owes a host on which nobody follows it any more."""
    await tx.execute(CANCEL_HOST, sender_id, host)


# What asks a host to forget them has none of the words, and may still be on its way.
ERASE_DOCUMENTS: Final = """
with emptied as (
    update activities set document = null
    where document is not null and object_uri = any ($1::text[]) and verb not in ('Delete', 'Undo')
    returning id
)
delete from deliveries where activity_id in (select id from emptied)
"""
ERASE_RELAYS: Final = """
with emptied as (
    update activities set document = null where document is not null and verb <> 'Undo' and object_uri = any (
        array(select uri from activities
              where object_uri = any ($1::text[]) and verb not in ('Delete', 'Undo')))
    returning id
)
delete from deliveries where activity_id in (select id from emptied)
"""
ERASE_RECEIPTS: Final = """
update receipts set body = null, standing = 'done' where body is not null and uri = any (
    array(select uri from activities where object_uri = any ($1::text[])))
"""


async def erase_documents(tx: Tx, uris: Sequence[Uri]) -> None:
    """Empty every stored document that carried these objects: their activities, and relays of those."""
    await tx.execute(ERASE_RELAYS, list(uris))
    await tx.execute(ERASE_RECEIPTS, list(uris))
    await tx.execute(ERASE_DOCUMENTS, list(uris))


LEAVES_AT: Final = """
select min(due_at) from deliveries
where post_id = $1 and standing = 'waiting' and not exists (select 1 from copies where post_id = $1)
having min(due_at) > $2::timestamptz + interval '5 seconds'
"""


async def leaves_at(tx: Tx, post_id: PostId, now: datetime) -> datetime | None:
    """Return when the first copy of a post leaves; None where one may have left, or none ever will.

    The last five seconds count as left: a worker may take it before this transaction ends.
    """
    found: datetime | None = await tx.fetchval(LEAVES_AT, post_id, now)
    return found
