"""Activities, announces and deliveries: what leaves, and to whom. Only `pipeline.outbox` calls the writing
ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.ids import ActivityId, ActorId, PostId
from fediverse_support.domain.instance import Federation

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
        INSERT_ACTIVITY, out.uri, out.actor_uri, out.verb, out.object_uri, out.document, out.public, out.now
    )
    return None if found is None else ActivityId(found)


TO_FOLLOWERS: Final = """
with act as (
    insert into activities (uri, actor_uri, verb, object_uri, document, direction, public, created_at)
    values ($1, $10, $11, $12, $13, 'out', $14, $5)
    on conflict (uri) do update set uri = excluded.uri
    returning id
)
insert into deliveries (activity_id, sender_id, host, inbox_uri, post_id, due_at, created_at)
select act.id, $2, t.host, t.inbox, $3,
       greatest($4, (select max(d.due_at) from deliveries d where d.post_id = $9 and d.host = t.host and
           d.attempts = 0)), $5
from (
    select distinct a.host, coalesce(a.shared_inbox_uri, a.inbox_uri) as inbox
    from follows f
    join actors a on a.id = f.follower_id
    left join peers p on p.host = a.host
    where f.target_id = $6 and f.standing = 'accepted' and a.host is not null
      and a.standing in ('visible', 'limited')
      and ($7::text is null or coalesce(p.announce_class, 'object') = $7)
      and ($9::bigint is null or exists (select 1 from copies c where c.post_id = $9 and c.host = a.host)
           or exists (select 1 from deliveries d where d.post_id = $9 and d.host = a.host and d.standing =
               'waiting'))
) t, act
-- Who holds a copy is owed the news of it even while suspended; the claim keeps it here until that ends.
where $9::bigint is not null or case $8 when 'off' then false when 'allowlist' then rule_for(t.host) = 'allow'
      else rule_for(t.host) is distinct from 'suspend' end
on conflict (activity_id, inbox_uri) do nothing
returning host
"""


async def post_to_followers(
    tx: Tx,
    out: Outgoing,
    *,
    of: ActorId,
    federation: Federation,
    peer_class: PeerClass | None = None,
    holding: PostId | None = None,
) -> set[Host]:
    """Store an activity with one delivery per inbox of the accepted followers elsewhere, in one statement.

    `peer_class` keeps to hosts that take that form of Announce, `holding` to hosts that have a copy of a
    post, whatever rule there is now: the claim joins the rules again. Returns the hosts that got a delivery.
    """
    rows = await tx.fetch(
        TO_FOLLOWERS,
        out.uri,
        out.sender_id,
        out.post_id,
        out.due_at,
        out.now,
        of,
        peer_class,
        federation,
        holding,
        out.actor_uri,
        out.verb,
        out.object_uri,
        out.document,
        out.public,
    )
    return {Host(row["host"]) for row in rows}


TO_ACTORS: Final = """
insert into deliveries (activity_id, sender_id, host, inbox_uri, post_id, due_at, created_at)
select $1, $2, t.host, t.inbox, $3, $4, $5
from (
    select distinct a.host, case when $8 then coalesce(a.shared_inbox_uri, a.inbox_uri) else a.inbox_uri end
        as inbox
    from actors a
    where a.id = any ($6::bigint[]) and a.host is not null and a.standing in ('visible', 'limited')
) t
where case $7 when 'off' then false when 'allowlist' then rule_for(t.host) = 'allow'
      else rule_for(t.host) is distinct from 'suspend' end
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
       greatest($4, (select max(d.due_at) from deliveries d where d.post_id = $3 and d.host = t.host and
           d.attempts = 0)), $5
from (
    select distinct on (a.host) a.host, coalesce(a.shared_inbox_uri, a.inbox_uri) as inbox
    from (select host from copies where post_id = $6
          union select host from deliveries where post_id = $6 and standing = 'waiting') c
    join actors a on a.host = c.host and a.standing in ('visible', 'limited')
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

    `relayed_by` leaves out hosts that hear of it from that group in a form they understand.
    """
    rows = await tx.fetch(
        TO_HOLDERS, activity_id, out.sender_id, out.post_id, out.due_at, out.now, of, relayed_by
    )
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
update activities set document = null
where document is not null and object_uri = any ($1::text[]) and verb not in ('Delete', 'Undo')
"""
ERASE_RELAYS: Final = """
update activities set document = null where document is not null and verb <> 'Undo' and object_uri = any (
    array(select uri from activities where object_uri = any ($1::text[]) and verb not in ('Delete', 'Undo')))
"""
ERASE_RECEIPTS: Final = """
update receipts set body = null where body is not null and uri = any (
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
FORGET_ANNOUNCE: Final = """
delete from announces n using actors a where n.post_id = $1 and a.id = n.actor_id and a.host is null
"""


async def leaves_at(tx: Tx, post_id: PostId, now: datetime) -> datetime | None:
    """Return when the first copy of a post leaves; None where one may have left, or none ever will.

    The last five seconds count as left: a worker may take it before this transaction ends.
    """
    found: datetime | None = await tx.fetchval(LEAVES_AT, post_id, now)
    return found


async def forget_announce(tx: Tx, post_id: PostId) -> None:
    """Forget that a group of ours announced a post that has not left yet; it will be announced anew."""
    await tx.execute(FORGET_ANNOUNCE, post_id)


INSERT_ANNOUNCE: Final = """
insert into announces (uri, actor_id, post_id, announced_at) values ($1, $2, $3, $4)
on conflict do nothing
returning id
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


async def insert_announce(tx: Tx, uri: Uri, actor_id: ActorId, post_id: PostId, now: datetime) -> bool:
    """Note that an actor announced a post; False when it had done so before."""
    return await tx.fetchval(INSERT_ANNOUNCE, uri, actor_id, post_id, now) is not None


async def find_announce(conn: Conn, actor_id: ActorId, post_id: PostId) -> tuple[Uri, Uri] | None:
    """Return the URIs of a standing announce and of its post."""
    row = await conn.fetchrow(FIND_ANNOUNCE, actor_id, post_id)
    return None if row is None else (Uri(row["uri"]), Uri(row["post_uri"]))


async def undo_announce(tx: Tx, actor_id: ActorId, post_id: PostId, now: datetime) -> None:
    """Note that an announce was taken back."""
    await tx.execute(UNDO_ANNOUNCE, actor_id, post_id, now)


async def undo_announce_by_uri(tx: Tx, uri: Uri, actor_uri: Uri, now: datetime) -> bool:
    """Take back an announce by its own id, if this actor made it."""
    return await tx.execute(UNDO_ANNOUNCE_URI, uri, actor_uri, now) != "UPDATE 0"


async def undo_announce_of(tx: Tx, actor_uri: Uri, post_uri: Uri, now: datetime) -> bool:
    """Take back this actor's announce of a post."""
    return await tx.execute(UNDO_ANNOUNCE_PAIR, actor_uri, post_uri, now) != "UPDATE 0"


RECORD: Final = """
with act as (
    insert into activities (uri, actor_uri, verb, object_uri, document, direction, public, created_at)
    select $1, $2, $3, $4, $5, $6, $7, $8 where $9
    on conflict (uri) do update set document = coalesce(activities.document, excluded.document)
)
insert into decisions (activity_uri, actor_uri, verb, object_uri, proof, verdict, reasons, effects,
    decided_at)
values ($1, $2, $3, $4, $10, $11, $12, $13, $8)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the decision log, and the activity it is about."""

    uri: str
    actor_uri: str
    verb: str
    object_uri: str | None
    document: str | None
    direction: Literal["in", "out"]
    public: bool
    keep: bool
    proof: str
    verdict: str
    reasons: tuple[str, ...]
    effects: tuple[str, ...]


async def record(tx: Tx, line: Record, now: datetime) -> None:
    """Log what was decided, and the activity itself where it was let in."""
    await tx.execute(
        RECORD,
        line.uri,
        line.actor_uri,
        line.verb,
        line.object_uri,
        line.document,
        line.direction,
        line.public,
        now,
        line.keep,
        line.proof,
        line.verdict,
        line.reasons,
        line.effects,
    )
