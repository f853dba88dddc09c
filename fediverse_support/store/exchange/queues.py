"""Lanes: the line of work of one host, served by one worker at a time and in order.

The work itself is rows (`deliveries` and `receipts`, each in a file of its own) written in the transaction
that caused it. A notification only says "there is work of this kind": it is stored nowhere and may be lost
without harm, since the workers also look for due rows. A lane is held by a lease under the number of a worker
whose database session lives, so the lanes of a killed worker are free at once, and a session that is lost
takes its lanes with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import asyncpg

from federation.uris import Host
from fediverse_support.db.pool import Conn, Tx

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


async def listen(conn: Conn, heard: Callable[[str], None]) -> None:
    """Call `heard` with the kind whenever somebody says that there is work, as long as this session lives."""

    def listener(_conn: object, _pid: object, _channel: object, kind: object) -> None:
        heard(str(kind))

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
        await conn.execute(HOLD_NUMBER, worker)
        # Last, and without a parameter: one that has some keeps what it saw until the next one begins, and as
        # long no space of rows that are gone can be used again.
        await conn.execute(STAY)
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
    """Remember that these kinds of work (`receive`, `deliver`, `errands`, each errand) went well just now."""
    await conn.execute(NOTE_PASS, sorted(kinds), now)


# Walks from host to host along the index, so that a long line of one host costs no more than a short one.
DUE_RECEIVE: Final = """
with recursive hosts as (
    select min(host) as host from receipts where standing = 'waiting'
    union all
    select (select min(r.host) from receipts r where r.standing = 'waiting' and r.host > hosts.host)
    from hosts where hosts.host is not null
)
select h.host from hosts h
left join lanes l on l.kind = 'receive' and l.host = h.host
where h.host is not null and (l.worker is null or l.worker <> all ((select living_workers())::int[]))
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


async def due_lanes(
    conn: Conn, now: datetime, limit: int, *, mode: str = "open", busy: Collection[Host] = ()
) -> list[Host]:
    """Return hosts from which something waits that may be applied now and that nobody looks after.

    `mode` says who is talked to; `busy` are those that the caller looks after already.
    """
    return [Host(row["host"]) for row in await conn.fetch(DUE_RECEIVE, now, limit, list(busy), mode)]


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


RETRY_ALL: Final = """
with resting as (
    -- What a worker holds at this moment is being done; to wait for it would make two wait for each other.
    select id from deliveries
    where (standing <> 'waiting' or due_at > $1) and ($2::text is null or host = $2)
    order by id
    for update skip locked
), woken as (
    update deliveries d set standing = 'waiting', due_at = $1 from resting r where d.id = r.id
), rested as (
    update lanes set due_at = '-infinity', failures = 0
    where kind = 'deliver' and ($2::text is null or host = $2)
), again as (
    update receipts set standing = 'waiting', due_at = $1, attempts = 0
    where standing = 'parked' and body is not null and ($2::text is null or host = $2) returning host
)
select (select count(*) from deliveries where $2::text is null or host = $2)
       + (select count(*) from again) as count
"""


async def retry_all(tx: Tx, host: Host | None, now: datetime) -> int:
    """Make everything that waits, rests or was put aside due now; return how many rows that were."""
    return int(await tx.fetchval(RETRY_ALL, now, host))


AHEAD: Final = timedelta(days=2)
"""Nothing that failed is put off for longer than a day and a bit: a clock that ran ahead did that."""
BOUND_DUES: Final = """
with l as (update lanes set due_at = $1 where due_at > $2::timestamptz),
     r as (update receipts set due_at = $1 where standing = 'waiting' and due_at > $2::timestamptz)
update deliveries set due_at = $1
where standing = 'waiting' and due_at > $2::timestamptz and (attempts > 0 or created_at > $2::timestamptz)
"""


async def bound_dues(tx: Tx, now: datetime) -> None:
    """Make due what waits for a time that only a wrong clock can have named."""
    await tx.execute(BOUND_DUES, now, now + AHEAD)
