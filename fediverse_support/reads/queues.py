"""What waits: per host and direction, for operators and for `/metrics`.

Numbers and codes only, never content.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from fediverse_support.db.pool import Conn
from fediverse_support.domain.instance import Federation


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The line of work of one host in one direction.

    `failures` in a row make a lane wait until `due_at`; `parked` needs somebody to look at it; `refused`
    was turned away by the other server. `ruled` waits for a rule about a server to end, this one or another
    that it names; it does not count as waiting. `last_error` is a code.
    """

    kind: Literal["receive", "deliver"]
    host: str
    waiting: int
    ruled: int
    parked: int
    refused: int
    oldest_at: datetime | None
    failures: int
    due_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class QueueTotals:
    """Sums over all hosts, for graphs. What waits for a rule to end makes nothing old."""

    receive_waiting: int
    receive_parked: int
    deliver_waiting: int
    deliver_parked: int
    deliver_refused: int
    failing_hosts: int
    oldest_seconds: float


STATUS: Final = """
with work as (
    select 'receive' as kind, host, standing, received_at as since_at, last_error, id
    from receipts where standing <> 'done'
    union all
    select 'deliver', host, standing, created_at, last_error, id from deliveries
), rules as materialized (
    select h.host, talks_to(h.host, $3) as lets_in from (select distinct host from work) h
), judged as (
    select w.kind, w.host, w.since_at, w.last_error, w.id,
           case when w.standing = 'waiting' and not r.lets_in then 'ruled' else w.standing end as standing
    from work w join rules r using (host)
)
select w.kind, w.host,
       count(*) filter (where w.standing = 'waiting') as waiting,
       count(*) filter (where w.standing = 'ruled') as ruled,
       count(*) filter (where w.standing = 'parked') as parked,
       count(*) filter (where w.standing = 'refused') as refused,
       min(w.since_at) filter (where w.standing = 'waiting') as oldest_at,
       coalesce(max(l.failures), 0) as failures,
       nullif(max(l.due_at), '-infinity') as due_at,
       (array_agg(w.last_error order by w.id desc) filter (where w.last_error is not null))[1] as last_error
from judged w left join lanes l on l.kind = w.kind and l.host = w.host
where $1::text is null or w.host = $1
group by w.kind, w.host
order by waiting desc, w.kind, w.host
limit $2
"""
TOTALS: Final = """
select
    (select count(*) from receipts where standing = 'waiting') as receive_waiting,
    (select count(*) from receipts where standing = 'parked') as receive_parked,
    (select count(*) from deliveries where standing = 'waiting') as deliver_waiting,
    (select count(*) from deliveries where standing = 'parked') as deliver_parked,
    (select count(*) from deliveries where standing = 'refused') as deliver_refused,
    (select count(distinct host) from lanes where failures > 0) as failing_hosts,
    coalesce(extract(epoch from $1 - least(
        (select min(h.since_at) from (
            select host, min(received_at) as since_at from receipts where standing = 'waiting' group by host
         ) h where talks_to(h.host, 'open')),
        (select min(h.since_at) from (
            select host, min(created_at) as since_at from deliveries where standing = 'waiting' group by host
         ) h where talks_to(h.host, 'open'))
    )), 0)::float as oldest_seconds
"""


async def status(
    conn: Conn, *, host: str | None = None, limit: int = 1000, mode: Federation = "open"
) -> tuple[LaneStatus, ...]:
    """Return what waits, is parked or was refused, the fullest lanes first, at most `limit`."""
    return tuple(LaneStatus(**row) for row in await conn.fetch(STATUS, host, limit, mode))


async def totals(conn: Conn, now: datetime) -> QueueTotals:
    """Return the sums over all hosts; `oldest_seconds` is the age of the oldest waiting piece of work."""
    return QueueTotals(**await conn.fetchrow(TOTALS, now))


TOO_LONG: Final = timedelta(minutes=5)
"""A lane that is held for longer is stuck: whoever holds it gives it back after a minute."""
TOO_LATE: Final = {
    "receive": timedelta(minutes=3),
    "deliver": timedelta(minutes=3),
    "housekeeping": timedelta(hours=3),
}


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether the workers get on.

    `passes` says when each kind of work last went well, `held` since when lanes are held, each with its
    direction and host, the longest first.
    """

    at: datetime
    passes: dict[str, datetime]
    held: tuple[tuple[str, str, datetime], ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for everything that does not get on; an instance without any worker yet has none."""
        late = [
            f"The workers have not got through `{kind}` since {then:%Y-%m-%d %H:%M:%S}Z."
            for kind, then in self.passes.items()
            if self.at - then > TOO_LATE.get(kind, TOO_LONG)
        ]
        stuck = [
            f"The lane of {host} ({kind}) is held since {then:%Y-%m-%d %H:%M:%S}Z."
            for kind, host, then in self.held
            if self.at - then > TOO_LONG
        ]
        return (*late, *stuck)

    @property
    def longest_held_seconds(self) -> float:
        """Return for how long a lane has been held at most."""
        return max(((self.at - then).total_seconds() for _, _, then in self.held), default=0.0)


PASSES: Final = "select kind, succeeded_at from worker_passes order by kind"
HELD: Final = """
select kind, host, held_at from lanes
where held_at is not null and worker_lives(worker) order by held_at limit 20
"""


async def pulse(conn: Conn, now: datetime) -> Pulse:
    """Return whether the workers get on, in two queries."""
    passes = {row["kind"]: row["succeeded_at"] for row in await conn.fetch(PASSES)}
    held = tuple((row["kind"], row["host"], row["held_at"]) for row in await conn.fetch(HELD))
    return Pulse(now, passes, held)
