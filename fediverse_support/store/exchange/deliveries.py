"""Deliveries on their way out: lanes are taken and given back by the dozen, and so is what is in them.

A statement for many hosts costs little more than one for one host; a statement for each of 1,500 would cost
more than sending to them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from federation.delivery import Scheme
from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.db.rows import count_of
from fediverse_support.domain import keeping
from fediverse_support.domain.ids import ActivityId, ActorId, PostId


@dataclass(slots=True)
class Lane:
    """The lane of a host, held until `lease` gives it back. It failed so often in a row, and rests until
    `due_at`."""

    host: Host
    lease: UUID
    held_at: datetime
    failures: int
    scheme: Scheme
    due_at: datetime | None = None


# Hosts that failed lately are taken by themselves and in a small number. Everybody else is walked through
# from host to host along the index, from where the last walk ended, so that nobody at the end of the alphabet
# waits for those at its beginning.
TAKE_LANES: Final = """
with recursive alive as materialized (
    select living_workers() as numbers
), hosts as (
    (select host from deliveries where standing = 'waiting' and host > $2 order by host limit 1)
    union all
    select (select d.host from deliveries d
            where d.standing = 'waiting' and d.host > hosts.host order by d.host limit 1)
    from hosts where hosts.host is not null
), failing as (
    select host from lanes
    where kind = 'deliver' and failures > 0 and due_at <= $1
      and (worker is null or worker <> all ((select numbers from alive)::int[]))
    order by due_at
), due as (
    (select h.host from hosts h
     left join lanes l on l.kind = 'deliver' and l.host = h.host
     cross join lateral has_due_delivery_each(h.host, $1, $7)
     where h.host is not null and coalesce(l.failures, 0) = 0 and (l.due_at is null or l.due_at <= $1)
       and (l.worker is null or l.worker <> all ((select numbers from alive)::int[]))
     limit $3)
    union all
    (select f.host from failing f cross join lateral has_due_delivery_each(f.host, $1, $7) limit $4)
), taken as (
    insert into lanes (kind, host, worker, lease, held_at)
    select 'deliver', host, $5, $6, $1 from due order by host
    on conflict (kind, host)
    do update set worker = excluded.worker, lease = excluded.lease, held_at = excluded.held_at
    where (lanes.worker is null or lanes.worker <> all ((select numbers from alive)::int[]))
      and lanes.due_at <= $1
    returning host, failures
)
select t.host, t.failures, coalesce(p.signature_scheme, 'cavage') as scheme
from taken t left join peers p on p.host = t.host order by t.host
"""
TAKE_LANE: Final = """
insert into lanes (kind, host, worker, lease, held_at) values ('deliver', $2, $3, $4, $1)
on conflict (kind, host)
do update set worker = excluded.worker, lease = excluded.lease, held_at = excluded.held_at
where (lanes.worker is null or not worker_lives(lanes.worker)) and lanes.due_at <= $1
returning host, failures,
    coalesce((select signature_scheme from peers where host = $2), 'cavage') as scheme
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many lanes are wanted for this worker: of hosts that answer, and of hosts that failed lately.

    The walk begins behind the host `after`; `mode` says who may get anything.
    """

    worker: int
    lease: UUID
    healthy: int
    failing: int
    after: str
    mode: str


async def take_lanes(conn: Conn, wanted: Wanted, now: datetime) -> list[Lane]:
    """Take lanes with something due; from now on they are this worker's."""
    rows = await conn.fetch(
        TAKE_LANES,
        now,
        wanted.after,
        wanted.healthy,
        wanted.failing,
        wanted.worker,
        wanted.lease,
        wanted.mode,
    )
    return [Lane(Host(row["host"]), wanted.lease, now, row["failures"], row["scheme"]) for row in rows]


async def take_lane(conn: Conn, host: Host, worker: int, lease: UUID, now: datetime) -> Lane | None:
    """Take the lane of one host; None when another worker has it or it rests."""
    row = await conn.fetchrow(TAKE_LANE, now, host, worker, lease)
    return None if row is None else Lane(host, lease, now, row["failures"], row["scheme"])


@dataclass(frozen=True, slots=True)
class Delivery:
    """One activity to one inbox.

    What has the same `sequence` arrives in the order of `id`: what belongs to one thread, and whatever a
    group of ours, or somebody who writes in it, tells a server that knows groups. `is_theirs`: a group passes
    on what came from that very server.
    """

    id: int
    activity_id: ActivityId
    host: Host
    inbox_uri: Uri
    sender_id: ActorId
    post_id: PostId | None
    attempts: int
    created_at: datetime
    takes_back: bool
    is_theirs: bool
    sequence: int


# What is suspended is passed on to nobody, but every host may be asked to forget it.
TAKE_DELIVERIES: Final = """
with given as materialized (
    select h.host, coalesce(p.announce_class, 'object') as form
    from unnest($1::text[]) as h (host) cross join lateral talks_to_each(h.host, $4) t (yes)
    left join peers p on p.host = h.host
    where t.yes
), due as materialized (
    select t.*, o.host, o.form from given o cross join lateral (
        select d.id, d.activity_id, d.inbox_uri, d.sender_id, d.post_id, d.attempts, d.created_at,
               coalesce(y.verb, x.verb) in ('Delete', 'Undo', 'Reject') as takes_back,
               x.verb = 'Announce' and p.host is not distinct from o.host as is_theirs, p.root_id, p.group_id
        from deliveries d join activities x on x.id = d.activity_id
        left join activities y on x.verb = 'Announce' and y.uri = x.object_uri
        left join posts p on p.id = d.post_id
        where d.host = o.host and d.standing = 'waiting' and d.due_at <= $2 and x.document is not null
          and (p.host is null or coalesce(y.verb, x.verb) in ('Delete', 'Undo', 'Reject')
               or not is_cut_off(p.host))
        order by d.id limit $3
        for update of d skip locked
    ) t
), leaving as (
    insert into copies (post_id, how, hosts, since_at)
    select c.post_id, 'delivered', hosts_of(array_agg(coalesce(p.number, peer_number(c.host)))), $2
    from (select distinct post_id, host from due where post_id is not null) c
    left join peers p on p.host = c.host group by c.post_id
    order by c.post_id
    on conflict (post_id, how) do update set hosts = all_hosts(copies.hosts, excluded.hosts)
    where all_hosts(copies.hosts, excluded.hosts) <> copies.hosts
)
select due.id, due.activity_id, due.host, due.inbox_uri, due.sender_id, due.post_id, due.attempts,
       due.created_at, due.takes_back, due.is_theirs,
       case when due.form = 'activity' and a.kind = 'group' then due.sender_id
            when due.form = 'activity' and g.id is not null then g.id
            else coalesce(due.root_id, due.sender_id) end as sequence
from due join actors a on a.id = due.sender_id
left join actors g on g.id = due.group_id and g.host is null
order by due.id
"""
STILL_WANTED: Final = """
select d.id from deliveries d join activities x on x.id = d.activity_id
left join activities y on x.verb = 'Announce' and y.uri = x.object_uri
left join posts p on p.id = d.post_id
where d.id = any ($1::bigint[]) and d.standing = 'waiting' and x.document is not null
  and (p.host is null or coalesce(y.verb, x.verb) in ('Delete', 'Undo', 'Reject')
       or not is_cut_off(p.host))
  and talks_to($2, $3)
"""
DOCUMENTS: Final = """
select id, document from activities where id = any ($1::bigint[]) and document is not null
"""
KEYS: Final = "select id, key_id, private_key from actors where id = any ($1::bigint[])"


async def take_deliveries(
    conn: Conn, hosts: Sequence[Host], now: datetime, limit: int, mode: str
) -> list[Delivery]:
    """Return the oldest due deliveries of lanes that are held, at most `limit` a lane, in their order.

    From here on their posts count as copied to those hosts. One that is being taken back at this moment is
    passed over; whoever takes it back later sees the copy.
    """
    return [Delivery(**row) for row in await conn.fetch(TAKE_DELIVERIES, list(hosts), now, limit, mode)]


async def still_wanted(conn: Conn, host: Host, ids: Sequence[int], mode: str) -> set[int]:
    """Return those of the deliveries to a host that may still be sent, without what was taken back."""
    return {row["id"] for row in await conn.fetch(STILL_WANTED, list(ids), host, mode)}


async def find_documents(conn: Conn, activities: Collection[ActivityId]) -> dict[ActivityId, bytes]:
    """Return the exact bytes of activities, without those that were erased."""
    rows = await conn.fetch(DOCUMENTS, list(activities))
    return {ActivityId(row["id"]): keeping.restore(row["document"]).encode() for row in rows}


async def find_keys(conn: Conn, senders: Collection[ActorId]) -> dict[ActorId, tuple[Uri, bytes]]:
    """Return the key of each of our actors: its id, and the key as it is sealed."""
    rows = await conn.fetch(KEYS, list(senders))
    return {ActorId(row["id"]): (Uri(row["key_id"]), row["private_key"]) for row in rows}


# Many lanes at once. A lease that is no longer ours gives nothing back.
SETTLE: Final = """
with done as (
    delete from deliveries where id = any ($1::bigint[]) returning activity_id, host
), arrived as (
    insert into arrivals (activity_id, hosts, first_at, last_at)
    select d.activity_id, hosts_of(array_agg(coalesce(p.number, peer_number(d.host)))), $6, $6
    from done d left join peers p on p.host = d.host group by d.activity_id order by d.activity_id
    on conflict (activity_id)
    do update set hosts = all_hosts(arrivals.hosts, excluded.hosts), last_at = excluded.last_at
)
update lanes l set worker = null, lease = null, held_at = null, failures = g.failures,
    due_at = coalesce(g.due_at, '-infinity')
from unnest($2::text[], $3::uuid[], $4::int[], $5::timestamptz[]) as g (host, lease, failures, due_at)
where l.kind = 'deliver' and l.host = g.host and l.lease = g.lease
"""


async def settle(conn: Conn, lanes: Sequence[Lane], arrived: Sequence[int], now: datetime) -> None:
    """Give lanes back, and forget deliveries that arrived; for a while it is remembered that they did."""
    given = sorted(lanes, key=lambda lane: lane.host)
    await conn.execute(
        SETTLE,
        list(arrived),
        [lane.host for lane in given],
        [lane.lease for lane in given],
        [lane.failures for lane in given],
        [lane.due_at for lane in given],
        now,
    )


CLEAN: Final = "vacuum (skip_locked) deliveries, lanes, arrivals, copies"
SECONDS: Final = 60


async def free_space(conn: Conn) -> None:
    """Let the space of deliveries that are gone be used again, before more is taken; in no transaction."""
    await conn.execute(CLEAN, timeout=SECONDS)


RETRY_DELIVERY: Final = (
    "update deliveries set attempts = attempts + 1, last_error = $2, due_at = $3 where id = $1"
)
PUT_ASIDE: Final = (
    "update deliveries set attempts = attempts + 1, last_error = $2, standing = $3 where id = $1"
)


async def retry_delivery(conn: Conn, delivery_id: int, error: str, due_at: datetime) -> None:
    """Try a delivery again later."""
    await conn.execute(RETRY_DELIVERY, delivery_id, error, due_at)


async def put_aside(conn: Conn, delivery_id: int, error: str, standing: Literal["refused", "parked"]) -> None:
    """Keep a delivery that will not be tried again, with its reason, for the admin."""
    await conn.execute(PUT_ASIDE, delivery_id, error, standing)


NOTE_PICKY: Final = """
insert into peers (host, refuses_own) values ($1, true)
on conflict (host) do update set refuses_own = true
"""
DROP: Final = "delete from deliveries where id = $1"


async def drop_own(tx: Tx, delivery_id: int, host: Host) -> None:
    """Forget a delivery that told a server of what is its own, and that it will not hear that way again."""
    await tx.execute(DROP, delivery_id)
    await tx.execute(NOTE_PICKY, host)


CLEAR: Final = """
delete from deliveries where standing in ('refused', 'parked') and ($1::text is null or host = $1)
"""


async def clear(tx: Tx, host: Host | None) -> int:
    """Forget what was refused or given up; return how many deliveries that were."""
    return count_of(await tx.execute(CLEAR, host))


READDRESS: Final = """
with place as (
    select door_of(shared_inbox_uri, inbox_uri, $3) as inbox_uri
    from actors where id = $2
)
update deliveries d set inbox_uri = place.inbox_uri, attempts = d.attempts + 1 from place
where d.id = $1 and d.inbox_uri <> place.inbox_uri and not exists (
    select 1 from deliveries o where o.activity_id = d.activity_id and o.inbox_uri = place.inbox_uri)
"""
REFUSE_INBOX: Final = """
update deliveries set standing = 'refused', last_error = $3
where host = $1 and inbox_uri = $2 and standing = 'waiting'
"""


async def readdress(tx: Tx, delivery_id: int, owner: ActorId, *, is_shared: bool) -> bool:
    """Aim a delivery at the inbox its owner has now; False where that is the same one."""
    return await tx.execute(READDRESS, delivery_id, owner, is_shared) == "UPDATE 1"


async def refuse_inbox(tx: Tx, host: Host, inbox: Uri, error: str) -> None:
    """Put aside everything that waits for an inbox that is no more."""
    await tx.execute(REFUSE_INBOX, host, inbox, error)
