"""The way of one activity or object through this instance: received, proven, judged, done, sent on.

For operators. It tells codes, ids and times; of what people wrote only whether the bytes are still kept, and
the bytes themselves to those who ask for them in so many words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from asyncpg import Record

from federation import uris
from fediverse_support.db.pool import Conn
from fediverse_support.db.rows import only
from fediverse_support.domain import keeping
from fediverse_support.domain.house import Federation

MOST: Final = 200
"""How many rows of a kind are told of one URI."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """An incoming delivery that was proven and answered with 202.

    `bytes_kept` is None once they are erased. `waits_for` is the host whose rule it waits for the end of.
    `carried` is the id to ask for next where it only passed something on.
    """

    uri: str
    host: str
    signer_uri: str
    standing: str
    attempts: int
    last_error: str | None
    received_at: datetime
    bytes_kept: int | None
    waits_for: str | None
    carried: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What policy said, and what followed. `proof` is how the author was proven.

    `facts` are what it rested on, as they were then, without what was not there or not so; None for one that
    was logged before they were kept.
    """

    activity_uri: str
    actor_uri: str
    verb: str
    object_uri: str | None
    proof: str
    verdict: str
    reasons: tuple[str, ...]
    effects: tuple[str, ...]
    facts: Mapping[str, object] | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Logged:
    """An activity in the log. `bytes_kept` is the size of its whole document; None once that is erased."""

    uri: str
    actor_uri: str
    verb: str
    object_uri: str | None
    direction: str
    created_at: datetime
    bytes_kept: int | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is still owed to an inbox, or was given up."""

    activity_uri: str
    host: str
    inbox_uri: str
    standing: str
    attempts: int
    due_at: datetime
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A host took an activity of ours; `arrived_at` is when the last host did that took it so far."""

    activity_uri: str
    host: str
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """A host that holds a copy of the post; `since_at` is when the first host got it this way."""

    host: str
    how: str
    since_at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one URI. `stored` is its exact text, where it was asked for and is still kept.

    `key_fault` is why keys of people on its server were refused, last at `key_fault_at`.
    """

    uri: str
    receipts: tuple[Receipt, ...]
    decisions: tuple[Decision, ...]
    activities: tuple[Logged, ...]
    deliveries: tuple[Delivery, ...]
    arrivals: tuple[Arrival, ...]
    copies: tuple[Copy, ...]
    stored: tuple[str, ...]
    post_standing: str | None
    actor_standing: str | None
    deleted_at: datetime | None
    key_fault: str | None
    key_fault_at: datetime | None

    @property
    def is_empty(self) -> bool:
        """Nothing here has ever heard of this URI, or it is longer ago than the log reaches."""
        found = (self.receipts, self.decisions, self.activities, self.post_standing, self.actor_standing)
        return not any(found) and self.deleted_at is None and self.key_fault is None


RECEIPTS: Final = """
select uri, host, signer_uri, standing, attempts, last_error, received_at, carried,
       octet_length(body) as bytes_kept,
       case when standing = 'ruled' then waits_for
            when standing = 'waiting' and not talks_to(host, $3) then host end as waits_for
from receipts where uri = $1 order by id limit $2
"""
DECISIONS: Final = """
select activity_uri, actor_uri, verb, object_uri, proof, verdict, reasons, effects, facts, decided_at
from decisions where activity_uri = $1 or object_uri = $1 order by id limit $2
"""
ACTIVITIES: Final = """
select uri, actor_uri, verb, object_uri, direction, created_at, document
from activities where uri = $1 or object_uri = $1 order by id limit $2
"""
DELIVERIES: Final = """
select a.uri as activity_uri, d.host, d.inbox_uri, d.standing, d.attempts, d.due_at, d.last_error
from (
    select x.id, x.uri from activities x where x.uri = $1
    union
    select x.id, x.uri from activities x where x.object_uri = $1
    union
    select x.id, x.uri from activities y join activities x on x.object_uri = y.uri where y.object_uri = $1
) a
join deliveries d on d.activity_id = a.id
order by d.id limit $2
"""
ARRIVALS: Final = """
select a.uri as activity_uri, o.host, r.last_at as arrived_at
from (
    select x.id, x.uri from activities x where x.uri = $1 and x.direction = 'out'
    union
    select x.id, x.uri from activities x where x.object_uri = $1 and x.direction = 'out'
    union
    select x.id, x.uri from activities y join activities x on x.object_uri = y.uri and x.direction = 'out'
    where y.object_uri = $1
) a
join arrivals r on r.activity_id = a.id
cross join lateral host_numbers(r.hosts) n join peers o on o.number = n
order by r.activity_id, o.host limit $2
"""
COPIES: Final = """
select o.host, c.how, c.since_at
from copies c join posts p on p.id = c.post_id
cross join lateral host_numbers(c.hosts) n join peers o on o.number = n
where p.uri = $1 order by o.host limit $2
"""
STANDINGS: Final = """
select (select standing from posts where uri = $1) as post_standing,
       (select standing from actors where uri = $1) as actor_standing,
       (select deleted_at from tombstones where uri = $1) as deleted_at,
       (select key_fault from peers where host = $2) as key_fault,
       (select key_fault_at from peers where host = $2) as key_fault_at
"""


BYTES: Final = """
select body as text, false as is_short from receipts where uri = $1 and body is not null
union
select document, true from activities where uri = $1 and document is not null
"""


async def explain(
    conn: Conn, uri: str, *, with_bytes: bool = False, mode: Federation = "open"
) -> Explanation:
    """Return the way of one activity, post or actor by its URI, in seven queries, eight `with_bytes`.

    `mode` is that of the instance: it says whose deliveries wait for the end of a rule.
    """
    decisions = await conn.fetch(DECISIONS, uri, MOST)
    standings = only(await conn.fetchrow(STANDINGS, uri, uris.host(uri)))
    return Explanation(
        uri=uri,
        receipts=tuple(Receipt(**row) for row in await conn.fetch(RECEIPTS, uri, MOST, mode)),
        decisions=tuple(
            Decision(
                **{
                    **row,
                    "reasons": tuple(row["reasons"]),
                    "effects": tuple(row["effects"]),
                    "facts": None if row["facts"] is None else msgspec.json.decode(row["facts"]),
                }
            )
            for row in decisions
        ),
        activities=tuple(_logged(row) for row in await conn.fetch(ACTIVITIES, uri, MOST)),
        deliveries=tuple(Delivery(**row) for row in await conn.fetch(DELIVERIES, uri, MOST)),
        arrivals=tuple(Arrival(**row) for row in await conn.fetch(ARRIVALS, uri, MOST)),
        copies=tuple(Copy(**row) for row in await conn.fetch(COPIES, uri, MOST)),
        stored=await _stored(conn, uri) if with_bytes else (),
        **standings,
    )


def _logged(row: Record) -> Logged:
    values = dict(row)
    document = values.pop("document")
    return Logged(**values, bytes_kept=None if document is None else len(keeping.restore(document).encode()))


async def _stored(conn: Conn, uri: str) -> tuple[str, ...]:
    """Return the exact texts under a URI, each once."""
    rows = await conn.fetch(BYTES, uri)
    texts = (keeping.restore(row["text"]) if row["is_short"] else row["text"] for row in rows)
    return tuple(dict.fromkeys(texts))
