"""What waits: per host and direction, for operators and for `/metrics`.

Numbers and codes only, never content.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.db.rows import only
from fediverse_support.domain.house import Federation


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The line of work of one host in one direction, or of errands.

    `failures` in a row make a lane wait until `due_at`; `parked` needs somebody to look at it; `refused`
    was turned away by the other server. `ruled` waits for a rule about a server to end, this one or another
    that it names; it does not count as waiting. `last_error` is a code.
    """

    kind: str
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
    """Sums over all hosts, for graphs. What waits for a rule to end makes nothing old.

    The ages are seconds, of the oldest piece of work that waits.
    """

    receive_waiting: int
    receive_parked: int
    deliver_waiting: int
    deliver_parked: int
    deliver_refused: int
    failing_hosts: int
    receive_oldest_seconds: float
    deliver_oldest_seconds: float

    @property
    def oldest_seconds(self) -> float:
        """Return the age of the oldest of all."""
        return max(self.receive_oldest_seconds, self.deliver_oldest_seconds)


STATUS: Final = """
with work as (
    select 'receive' as kind, r.host, r.standing, count(*) as pieces, min(r.received_at) as since_at,
           max(r.id) filter (where r.last_error is not null) as failed_id
    from receipts r where r.standing = 'waiting' group by r.host, r.standing
    union all
    select 'receive', r.host, r.standing, count(*), min(r.received_at),
           max(r.id) filter (where r.last_error is not null)
    from receipts r where r.standing = 'parked' group by r.host, r.standing
    union all
    select 'receive', r.host, r.standing, count(*), min(r.received_at),
           max(r.id) filter (where r.last_error is not null)
    from receipts r where r.standing = 'ruled' group by r.host, r.standing
    union all
    select 'deliver', d.host, d.standing, count(*), min(d.created_at),
           max(d.id) filter (where d.last_error is not null)
    from deliveries d where d.standing = 'waiting' group by d.host, d.standing
    union all
    select 'deliver', d.host, d.standing, count(*), min(d.created_at),
           max(d.id) filter (where d.last_error is not null)
    from deliveries d where d.standing = 'parked' group by d.host, d.standing
    union all
    select 'deliver', d.host, d.standing, count(*), min(d.created_at),
           max(d.id) filter (where d.last_error is not null)
    from deliveries d where d.standing = 'refused' group by d.host, d.standing
), rules as materialized (
    select h.host, t.yes as lets_in
    from (select distinct host from work) h cross join talks_to_each(h.host, $2) t (yes)
), judged as (
    select w.kind, w.host, w.pieces, w.since_at, w.failed_id,
           case when w.standing = 'waiting' and not r.lets_in then 'ruled' else w.standing end as standing
    from work w join rules r using (host)
)
select w.kind, w.host,
       coalesce(sum(w.pieces) filter (where w.standing = 'waiting'), 0)::bigint as waiting,
       coalesce(sum(w.pieces) filter (where w.standing = 'ruled'), 0)::bigint as ruled,
       coalesce(sum(w.pieces) filter (where w.standing = 'parked'), 0)::bigint as parked,
       coalesce(sum(w.pieces) filter (where w.standing = 'refused'), 0)::bigint as refused,
       min(w.since_at) filter (where w.standing = 'waiting') as oldest_at,
       coalesce(max(l.failures), 0) as failures,
       nullif(max(l.due_at), '-infinity') as due_at,
       case w.kind when 'receive' then (select r.last_error from receipts r where r.id = max(w.failed_id))
            else (select d.last_error from deliveries d where d.id = max(w.failed_id)) end as last_error
from judged w left join lanes l on l.kind = w.kind and l.host = w.host
group by w.kind, w.host
order by waiting desc, w.kind, w.host
limit $1
"""
# Of one host each standing has an index of its own, or few rows.
STATUS_OF_HOST: Final = """
with work as (
    select 'receive' as kind, r.host, r.standing, count(*) as pieces, min(r.received_at) as since_at,
           max(r.id) filter (where r.last_error is not null) as failed_id
    from receipts r where r.host = $3 and r.standing = 'waiting' group by r.host, r.standing
    union all
    select 'receive', r.host, r.standing, count(*), min(r.received_at),
           max(r.id) filter (where r.last_error is not null)
    from receipts r where r.host = $3 and r.standing = 'parked' group by r.host, r.standing
    union all
    select 'receive', r.host, r.standing, count(*), min(r.received_at),
           max(r.id) filter (where r.last_error is not null)
    from receipts r where r.host = $3 and r.standing = 'ruled' group by r.host, r.standing
    union all
    select 'deliver', d.host, d.standing, count(*), min(d.created_at),
           max(d.id) filter (where d.last_error is not null)
    from deliveries d where d.host = $3 and d.standing = 'waiting' group by d.host, d.standing
    union all
    select 'deliver', d.host, d.standing, count(*), min(d.created_at),
           max(d.id) filter (where d.last_error is not null)
    from deliveries d where d.host = $3 and d.standing = 'parked' group by d.host, d.standing
    union all
    select 'deliver', d.host, d.standing, count(*), min(d.created_at),
           max(d.id) filter (where d.last_error is not null)
    from deliveries d where d.host = $3 and d.standing = 'refused' group by d.host, d.standing
), judged as (
    select w.kind, w.host, w.pieces, w.since_at, w.failed_id,
           case when w.standing = 'waiting' and not r.yes then 'ruled' else w.standing end as standing
    from work w cross join talks_to_each($3, $2) r (yes)
)
select w.kind, w.host,
       coalesce(sum(w.pieces) filter (where w.standing = 'waiting'), 0)::bigint as waiting,
       coalesce(sum(w.pieces) filter (where w.standing = 'ruled'), 0)::bigint as ruled,
       coalesce(sum(w.pieces) filter (where w.standing = 'parked'), 0)::bigint as parked,
       coalesce(sum(w.pieces) filter (where w.standing = 'refused'), 0)::bigint as refused,
       min(w.since_at) filter (where w.standing = 'waiting') as oldest_at,
       coalesce(max(l.failures), 0) as failures,
       nullif(max(l.due_at), '-infinity') as due_at,
       case w.kind when 'receive' then (select r.last_error from receipts r where r.id = max(w.failed_id))
            else (select d.last_error from deliveries d where d.id = max(w.failed_id)) end as last_error
from judged w left join lanes l on l.kind = w.kind and l.host = w.host
group by w.kind, w.host
order by waiting desc, w.kind, w.host
limit $1
"""
# Each host is found once, and what waits longest for it is the first in its lane.
TOTALS: Final = """
with recursive receiving (host) as (
    (select r.host from receipts r where r.standing = 'waiting' order by r.host limit 1)
    union all
    select (select r.host from receipts r
            where r.standing = 'waiting' and r.host > h.host order by r.host limit 1)
    from receiving h where h.host is not null
), delivering (host) as (
    (select d.host from deliveries d where d.standing = 'waiting' order by d.host limit 1)
    union all
    select (select d.host from deliveries d
            where d.standing = 'waiting' and d.host > h.host order by d.host limit 1)
    from delivering h where h.host is not null
)
select
    (select count(*) from receipts where standing = 'waiting') as receive_waiting,
    (select count(*) from receipts where standing = 'parked') as receive_parked,
    (select count(*) from deliveries where standing = 'waiting') as deliver_waiting,
    (select count(*) from deliveries where standing = 'parked') as deliver_parked,
    (select count(*) from deliveries where standing = 'refused') as deliver_refused,
    (select count(distinct host) from lanes where failures > 0) as failing_hosts,
    coalesce(extract(epoch from $1 - (
        select min(r.received_at) from receiving h cross join lateral (
            select r.received_at from receipts r where r.host = h.host and r.standing = 'waiting'
            order by r.id limit 1) r
        where h.host is not null
          and (select t.yes from talks_to_each(h.host, 'open') t (yes)))), 0)::float
        as receive_oldest_seconds,
    coalesce(extract(epoch from $1 - (
        select min(d.created_at) from delivering h cross join lateral (
            select d.created_at from deliveries d where d.host = h.host and d.standing = 'waiting'
            order by d.id limit 1) d
        where h.host is not null
          and (select t.yes from talks_to_each(h.host, 'open') t (yes)))), 0)::float
        as deliver_oldest_seconds
"""


async def status(
    conn: Conn, *, host: str | None = None, limit: int = 1000, mode: Federation = "open"
) -> tuple[LaneStatus, ...]:
    """Return what waits, is parked or was refused, the fullest lanes first, at most `limit`."""
    rows = await (
        conn.fetch(STATUS, limit, mode) if host is None else conn.fetch(STATUS_OF_HOST, limit, mode, host)
    )
    return tuple(LaneStatus(**row) for row in rows)


async def totals(conn: Conn, now: datetime) -> QueueTotals:
    """Return the sums over all hosts."""
    return QueueTotals(**only(await conn.fetchrow(TOTALS, now)))


TOO_LONG: Final = timedelta(minutes=5)
"""A lane that is held for longer is stuck: whoever holds it gives it back after a minute."""
TOO_LATE: Final = {
    "receive": timedelta(minutes=3),
    "deliver": timedelta(minutes=3),
    "errands": timedelta(minutes=3),
    "housekeeping": timedelta(hours=3),
}
"""Of other kinds of work there may be nothing to do for long."""


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
            if kind in TOO_LATE and self.at - then > TOO_LATE[kind]
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
