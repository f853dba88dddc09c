"""Lanes: the line of work of one host, served by one worker at a time and in order.

The work itself is rows (`deliveries` here, `receipts` in their own file) written in the transaction that
caused it. A notification only says "there is work of this kind": it is stored nowhere and may be lost without
harm, since the workers also look for due rows. A lane is held by a lease under the number of a worker whose
database session lives, so the lanes of a killed worker are free at once, and a session that is lost takes its
lanes with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.ids import ActivityId, ActorId, PostId

Kind = Literal["receive", "deliver"]
KINDS: Final[tuple[Kind, ...]] = ("receive", "deliver")

CHANNEL: Final = "fediverse_support_work"
NOTIFY: Final = "select pg_notify('fediverse_support_work', $1)"


async def wake(conn: Conn, kind: Kind, hosts: Collection[Host]) -> None:
    """Have the workers look for lanes with work once this transaction is committed.

    However often one transaction asks, the workers hear it once.
    """
    if hosts:
        await conn.execute(NOTIFY, kind)


async def listen(conn: Conn, heard: Callable[[], None]) -> None:
    """Call `heard` whenever somebody says that there is work, for as long as this session lives."""

    def listener(*_: Any) -> None:
        heard()

    await conn.add_listener(CHANNEL, listener)


# 7042 marks the locks of workers; `worker_lives` in functions.sql looks for the same.
HOLD_NUMBER: Final = "select pg_advisory_xact_lock(7042, $1)"
STAY: Final = "set local idle_in_transaction_session_timeout = 0"
PING: Final = "select 1"
LET_GO: Final = """
update lanes l set worker = null, lease = null, held_at = null
where l.worker = $1 and not exists (
    select 1 from unnest($2::text[], $3::text[]) as b (kind, host) where b.kind = l.kind and b.host = l.host)
"""


@asynccontextmanager
async def numbered(conn: Conn, worker: int) -> AsyncIterator[None]:
    """Show that this worker lives, until the end or as long as this session does.

    A transaction holds the number, so that a pooler which lends sessions by the transaction keeps this one.
    """
    async with conn.transaction():
        await conn.execute(STAY)
        await conn.execute(HOLD_NUMBER, worker)
        yield


async def lives(conn: Conn, seconds: float) -> bool:
    """Find out whether a session still answers within so many seconds."""
    try:
        await conn.execute(PING, timeout=seconds)
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
        return False
    return True


async def let_go(conn: Conn, worker: int, in_hand: Collection[tuple[Kind, Host]] = ()) -> None:
    """Free the lanes under this worker's number, other than those it has `in_hand`."""
    held = list(in_hand)
    await conn.execute(LET_GO, worker, [kind for kind, _ in held], [host for _, host in held])


NOTE_PASS: Final = """
insert into worker_passes (kind, succeeded_at) select kind, $2 from unnest($1::text[]) as k (kind)
on conflict (kind) do update set succeeded_at = greatest(worker_passes.succeeded_at, excluded.succeeded_at)
"""


async def note_passes(conn: Conn, kinds: Collection[str], now: datetime) -> None:
    """Remember that these kinds of work (`receive`, `deliver`, `housekeeping`) went well just now."""
    await conn.execute(NOTE_PASS, sorted(kinds), now)


# Both walk from host to host along the index, so that a long line of one host costs no more than a short one.
DUE_RECEIVE: Final = """
with recursive hosts as (
    select min(host) as host from receipts where standing = 'waiting'
    union all
    select (select min(r.host) from receipts r where r.standing = 'waiting' and r.host > hosts.host)
    from hosts where hosts.host is not null
)
select h.host from hosts h
left join lanes l on l.kind = 'receive' and l.host = h.host
where h.host is not null and (l.worker is null or not worker_lives(l.worker))
  and h.host <> all ($3::text[])
  -- Of a host that is not talked to any more, only what takes something back goes on.
  and case when talks_to(h.host, $4) then (
          select true from receipts r
          where r.standing = 'waiting' and r.host = h.host and r.due_at <= $1 limit 1)
      else (
          select true from receipts r
          where r.standing = 'waiting' and r.takes_back and r.host = h.host and r.due_at <= $1 limit 1) end
limit $2
"""
DUE_DELIVER: Final = """
with recursive hosts as (
    select min(host) as host from deliveries where standing = 'waiting'
    union all
    select (select min(d.host) from deliveries d where d.standing = 'waiting' and d.host > hosts.host)
    from hosts where hosts.host is not null
)
select h.host from hosts h
left join lanes l on l.kind = 'deliver' and l.host = h.host
where h.host is not null and (l.due_at is null or l.due_at <= $1)
  and (l.worker is null or not worker_lives(l.worker))
  and h.host <> all ($3::text[])
  and exists (
      select 1 from deliveries d join activities x on x.id = d.activity_id
      left join activities y on x.verb = 'Announce' and y.uri = x.object_uri
      left join posts p on p.id = d.post_id
      where d.standing = 'waiting' and d.host = h.host and d.due_at <= $1
        and (p.host is null or coalesce(y.verb, x.verb) in ('Delete', 'Undo', 'Reject')
             or rule_for(p.host) is distinct from 'suspend'))
  and case $4 when 'off' then false when 'allowlist' then rule_for(h.host) = 'allow'
      else rule_for(h.host) is distinct from 'suspend' end
limit $2
"""


async def due_lanes(
    conn: Conn, kind: Kind, now: datetime, limit: int, *, mode: str = "open", busy: Collection[Host] = ()
) -> list[Host]:
    """Return hosts with work that may be done now and that nobody is doing; `mode` says who is talked to.

    `busy` are those that the caller looks after already.
    """
    if kind == "receive":
        rows = await conn.fetch(DUE_RECEIVE, now, limit, list(busy), mode)
    else:
        rows = await conn.fetch(DUE_DELIVER, now, limit, list(busy), mode)
    return [Host(row["host"]) for row in rows]


CLAIM: Final = """
insert into lanes (kind, host, worker, lease, held_at) values ($1, $2, $3, $4, $5)
on conflict (kind, host)
do update set worker = excluded.worker, lease = excluded.lease, held_at = excluded.held_at
where (lanes.worker is null or not worker_lives(lanes.worker)) and lanes.due_at <= $5
returning failures
"""
RELEASE: Final = """
update lanes set worker = null, lease = null, held_at = null, failures = $4,
    due_at = coalesce($5::timestamptz, '-infinity')
where kind = $1 and host = $2 and lease = $3
"""


async def claim(conn: Conn, kind: Kind, host: Host, worker: int, lease: UUID, now: datetime) -> int | None:
    """Take a lane; return how often it failed in a row, None when a living worker has it or it rests."""
    found = await conn.fetchval(CLAIM, kind, host, worker, lease, now)
    return None if found is None else int(found)


async def release(
    conn: Conn, kind: Kind, host: Host, lease: UUID, *, failures: int = 0, due_at: datetime | None = None
) -> None:
    """Give a lane back; with `due_at` it rests until then."""
    await conn.execute(RELEASE, kind, host, lease, failures, due_at)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One activity to one inbox, with what is needed to sign and send it."""

    id: int
    activity_id: ActivityId
    inbox_uri: Uri
    document: str
    sender_uri: Uri
    key_id: Uri
    private_key: bytes
    sender_id: ActorId
    post_id: PostId | None
    attempts: int
    created_at: datetime
    takes_back: bool


TAKE_DELIVERIES: Final = """
with due as (
    select d.id, d.activity_id, d.inbox_uri, x.document, a.uri as sender_uri, a.key_id, a.private_key,
        d.sender_id,
           d.post_id, d.attempts, d.created_at,
           coalesce(y.verb, x.verb) in ('Delete', 'Undo', 'Reject') as takes_back
    from deliveries d join activities x on x.id = d.activity_id join actors a on a.id = d.sender_id
    left join activities y on x.verb = 'Announce' and y.uri = x.object_uri
    left join posts p on p.id = d.post_id
    where d.host = $1 and d.standing = 'waiting' and d.due_at <= $2 and x.document is not null
      -- What is suspended is passed on to nobody, but every host may be asked to forget it.
      and (p.host is null or coalesce(y.verb, x.verb) in ('Delete', 'Undo', 'Reject')
           or rule_for(p.host) is distinct from 'suspend')
      and case $4 when 'off' then false when 'allowlist' then rule_for($1) = 'allow'
          else rule_for($1) is distinct from 'suspend' end
    order by d.id limit $3
    for update of d skip locked
), leaving as (
    insert into copies (post_id, host, how, since_at)
    select distinct due.post_id, $1, 'delivered', $2::timestamptz from due where due.post_id is not null
    on conflict (post_id, host) do nothing
)
select * from due order by id
"""
DONE_DELIVERIES: Final = """
with done as (
    delete from deliveries where id = any ($1::bigint[]) returning activity_id, host
)
insert into arrivals (host, activity_ids, arrived_at)
select host, array_agg(activity_id), $2 from done group by host
"""
RETRY_DELIVERY: Final = (
    "update deliveries set attempts = attempts + 1, last_error = $2, due_at = $3 where id = $1"
)
PUT_ASIDE: Final = (
    "update deliveries set attempts = attempts + 1, last_error = $2, standing = $3 where id = $1"
)


async def take_deliveries(conn: Conn, host: Host, now: datetime, limit: int, mode: str) -> list[Delivery]:
    """Return the oldest due deliveries of a lane; from here on their posts count as copied to that host.

    One that is being taken back at this moment is passed over; whoever takes it back later sees the copy.
    """
    return [Delivery(**row) for row in await conn.fetch(TAKE_DELIVERIES, host, now, limit, mode)]


async def finish_deliveries(conn: Conn, ids: Sequence[int], now: datetime) -> None:
    """Forget deliveries that arrived; for a week it is remembered that they did."""
    if ids:
        await conn.execute(DONE_DELIVERIES, list(ids), now)


async def retry_delivery(conn: Conn, delivery_id: int, error: str, due_at: datetime) -> None:
    """Try a delivery again later."""
    await conn.execute(RETRY_DELIVERY, delivery_id, error, due_at)


async def put_aside(conn: Conn, delivery_id: int, error: str, standing: Literal["refused", "parked"]) -> None:
    """Keep a delivery that will not be tried again, with its reason, for the admin."""
    await conn.execute(PUT_ASIDE, delivery_id, error, standing)


READDRESS: Final = """
with place as (
    select case when $3 then coalesce(shared_inbox_uri, inbox_uri) else inbox_uri end as inbox_uri
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


RETRY_ALL: Final = """
with woken as (
    update deliveries set standing = 'waiting', due_at = $1 where ($2::text is null or host = $2) returning
        host
), rested as (
    update lanes set due_at = '-infinity', failures = 0 where kind = 'deliver' and ($2::text is null or host
        = $2)
), again as (
    update receipts set standing = 'waiting', due_at = $1, attempts = 0
    where standing = 'parked' and body is not null and ($2::text is null or host = $2) returning host
)
select (select count(*) from woken) + (select count(*) from again) as count
"""


async def retry_all(tx: Tx, host: Host | None, now: datetime) -> int:
    """Make everything that waits, rests or was put aside due now; return how many rows that were."""
    return int(await tx.fetchval(RETRY_ALL, now, host))


PRUNE: Final = """
with s as (delete from seen_signatures where seen_at < $1::timestamptz - interval '13 hours'),
     d as (delete from decisions where decided_at < $1::timestamptz - interval '7 days'),
     a as (delete from arrivals where arrived_at < $1::timestamptz - interval '7 days'),
     r as (delete from receipts where standing = 'done' and received_at < $1::timestamptz - interval '30
         days'),
     p as (update receipts set body = null where standing = 'parked' and received_at < $1::timestamptz -
         interval '7 days'),
     u as (delete from undone where undone_at < $1::timestamptz - interval '24 hours'),
     i as (delete from idempotency_keys where created_at < $1::timestamptz - interval '1 hour'),
     n as (delete from notifications where created_at < $1::timestamptz - interval '30 days'),
     f as (delete from sign_in_failures where failed_at < $1::timestamptz - interval '1 day'),
     e as (delete from sessions where expires_at < $1)
delete from deliveries where standing <> 'waiting' and created_at < $1::timestamptz - interval '30 days'
"""


async def prune(tx: Tx, now: datetime) -> None:
    """Forget what has served its time."""
    await tx.execute(PRUNE, now)
