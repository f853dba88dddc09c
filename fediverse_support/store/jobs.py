"""Errands of any kind, written in the transaction of their cause: every write on `jobs` and `rounds`.

An errand in hand bears the number of its worker and is in hand for as long as that worker lives, so whoever
is killed loses nothing, and what they had is done by the next one. As with lanes, a notification says that
there is work, and may be lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from fediverse_support.db.pool import Conn, Tx
from fediverse_support.db.rows import count_of
from fediverse_support.domain.jobs import JobKind, NewJob

HINT: Final = "jobs"
"""What workers hear, on the channel of all work, when an errand is written."""


@dataclass(frozen=True, slots=True)
class Job:
    """An errand in hand. `attempts` counts this try, too."""

    id: int
    lane: str
    payload: dict[str, str | int]
    attempts: int
    created_at: datetime


# What was given up and is wanted again, is tried again.
ENQUEUE: Final = """
with written as (
    insert into jobs (kind, lane, cause, payload, due_at, created_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (kind, cause) do update set standing = 'waiting', due_at = excluded.due_at, attempts = 0
        where jobs.standing = 'parked'
    returning id
)
select pg_notify('fediverse_support_work', 'jobs') from written
"""


async def enqueue(tx: Tx, job: NewJob, now: datetime) -> None:
    """Write an errand down, and have the workers hear of it once this is committed."""
    payload = msgspec.json.encode(job.payload).decode()
    await tx.execute(ENQUEUE, job.kind, job.lane, job.cause, payload, job.due_at, now)


DUE_KINDS: Final = """
select k.kind from unnest($1::text[]) as k (kind)
where exists (select 1 from jobs j where j.kind = k.kind and j.standing = 'waiting' and j.due_at <= $2)
"""
CLAIM: Final = """
select id, lane, payload, attempts, created_at from claim_jobs($1, $2, $3, $4, $5) order by lane
"""


async def due_kinds(conn: Conn, kinds: Sequence[JobKind], now: datetime) -> set[str]:
    """Return those of the kinds of which something is due, be it in hand or not."""
    return {row["kind"] for row in await conn.fetch(DUE_KINDS, list(kinds), now)}


async def claim(
    conn: Conn, kind: JobKind, most: int, *, past: str, worker: int, now: datetime
) -> list[Job]:
    """Take what is due, one of each lane, of at most so many lanes that come after `past`, in their order."""
    rows = await conn.fetch(CLAIM, kind, most, past, now, worker)
    return [Job(**{**row, "payload": msgspec.json.decode(row["payload"])}) for row in rows]


COMPLETE: Final = "delete from jobs where id = $1 and worker = $2"
BACK_OFF: Final = """
update jobs set worker = null, held_at = null, due_at = $3, last_error = $4 where id = $1 and worker = $2
"""
PARK: Final = """
update jobs set worker = null, held_at = null, standing = 'parked', last_error = $3
where id = $1 and worker = $2
"""


async def complete(conn: Conn, job: Job, worker: int) -> None:
    """Take an errand that is done off the list."""
    await conn.execute(COMPLETE, job.id, worker)


async def back_off(conn: Conn, job: Job, worker: int, due_at: datetime, error: str) -> None:
    """Give an errand back until a time; `error` is a code."""
    await conn.execute(BACK_OFF, job.id, worker, due_at, error)


async def park(conn: Conn, job: Job, worker: int, error: str) -> None:
    """Put an errand aside for somebody to look at; `error` is a code."""
    await conn.execute(PARK, job.id, worker, error)


LET_GO: Final = """
update jobs set worker = null, held_at = null where worker = $1 and id <> all ($2::bigint[])
"""
RETRY_ALL: Final = """
with resting as (
    select id from jobs
    where ($2::text is null or lane = $2) and (standing = 'parked' or attempts > 0)
      and (worker is null or not worker_lives(worker))
    for update skip locked
)
update jobs j set standing = 'waiting', due_at = $1, attempts = 0 from resting r where j.id = r.id
"""
CLEAR: Final = "delete from jobs where standing = 'parked' and ($1::text is null or lane = $1)"
BOUND_DUES: Final = """
update jobs set due_at = $1 where standing = 'waiting' and attempts > 0 and due_at > $2
"""


async def let_go(conn: Conn, worker: int, in_hand: Collection[int] = ()) -> None:
    """Free what is under this worker's number, other than what it has in hand."""
    await conn.execute(LET_GO, worker, list(in_hand))


async def retry_all(tx: Tx, lane: str | None, now: datetime) -> int:
    """Make what failed or was put aside due now, in one lane or in all; return how many errands that were."""
    return count_of(await tx.execute(RETRY_ALL, now, lane))


async def clear(tx: Tx, lane: str | None) -> int:
    """Forget what was put aside; return how many errands that were."""
    return count_of(await tx.execute(CLEAR, lane))


async def bound_dues(tx: Tx, now: datetime, ahead: timedelta) -> None:
    """Make due what failed and waits for longer than that: only a wrong clock can have named such a time."""
    await tx.execute(BOUND_DUES, now, now + ahead)


ROUNDS: Final = "select kind, at from rounds"
TAKE_ROUND: Final = """
insert into rounds (kind, at) values ($1, $2)
on conflict (kind) do update set at = excluded.at where rounds.at < excluded.at or rounds.at > $3
returning true
"""


async def rounds(conn: Conn) -> dict[str, datetime]:
    """Return for each chore the newest moment for which an errand was written."""
    return {row["kind"]: row["at"] for row in await conn.fetch(ROUNDS)}


async def take_round(tx: Tx, kind: JobKind, at: datetime, latest: datetime) -> bool:
    """Say whether a chore's moment is nobody else's yet; from now on it is ours.

    What is noted to be done after `latest` was noted by a wrong clock, and counts for nothing.
    """
    return bool(await tx.fetchval(TAKE_ROUND, kind, at, latest))
