"""Errands that wait or were put aside: by lane for operators, by kind for `/metrics`. Never content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.reads.exchange.queues import LaneStatus

STATUS: Final = """
select j.kind, j.lane as host,
       count(*) filter (where j.standing = 'waiting') as waiting, 0 as ruled,
       count(*) filter (where j.standing = 'parked') as parked, 0 as refused,
       min(j.created_at) filter (where j.standing = 'waiting') as oldest_at,
       max(j.attempts) as failures, min(j.due_at) filter (where j.standing = 'waiting') as due_at,
       max(j.last_error) as last_error
from jobs j
group by j.kind, j.lane
order by waiting desc, j.kind, j.lane
limit $1
"""


async def status(conn: Conn, *, limit: int = 1000) -> tuple[LaneStatus, ...]:
    """Return the lanes of errands, the fullest first, at most `limit`."""
    return tuple(LaneStatus(**row) for row in await conn.fetch(STATUS, limit))


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many errands of a kind wait, how many were put aside, and the oldest one's age."""

    kind: str
    waiting: int
    parked: int
    oldest_seconds: float


# What waits for a time that was set for it is not late; what failed is as old as it is.
WAITING: Final = """
select j.kind,
       count(*) filter (where j.standing = 'waiting') as waiting,
       count(*) filter (where j.standing = 'parked') as parked,
       coalesce(extract(epoch from $1 - min(j.created_at) filter (
           where j.standing = 'waiting' and (j.due_at <= $1 or j.attempts > 0))), 0)::float as oldest_seconds
from jobs j
group by j.kind
order by j.kind
"""


async def waiting(conn: Conn, now: datetime) -> tuple[Waiting, ...]:
    """Return what waits of every kind of which there is something."""
    return tuple(Waiting(**row) for row in await conn.fetch(WAITING, now))
