"""What must hold once it is quiet: every promise is kept, nothing stands twice, nothing is stuck."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from fediverse_support.db.pool import DatabaseUnavailable
from fediverse_support.store.exchange import queues
from tests.chaos.load import Load

QUIET_SECONDS = 60.0

STANDINGS = "select uri, standing from posts where uri = any ($1::text[])"
WAITING = """
select body::jsonb -> 'object' ->> 'id' as post from receipts where standing = 'waiting' and body is not null
"""
# What a standing rule keeps back waits lawfully: from a suspended server nothing is applied or passed on.
DUE = """
select (select count(*) from jobs where standing = 'waiting' and due_at <= now())
     + (select count(*) from receipts r where r.standing = 'waiting' and r.due_at <= now()
        and rule_for(r.host) is distinct from 'suspend')
     + (select count(*) from (select distinct host from deliveries where standing = 'waiting') d
        left join lanes l on l.kind = 'deliver' and l.host = d.host
        cross join lateral has_due_delivery_each(d.host, now(), 'open')
        where coalesce(l.due_at, '-infinity') <= now())
"""
PARKED = """
select (select count(*) from jobs where standing = 'parked')
     + (select count(*) from receipts where standing = 'parked')
     + (select count(*) from deliveries where standing <> 'waiting')
"""
LEFT = "select count(*) from deliveries"
LANES = """
select w.kind, w.host, w.waiting, w.oldest::text, l.worker, now() - l.held_at as held_for, l.failures,
       l.due_at::text as lane_due_at, w.errors
from (select 'deliver' as kind, host, count(*) as waiting, min(due_at) as oldest, max(last_error) as errors
      from deliveries where standing = 'waiting' group by host
      union all
      select 'receive', host, count(*), min(due_at), max(last_error) from receipts
      where standing = 'waiting' group by host) w
left join lanes l on l.kind = w.kind and l.host = w.host
"""
TWICE = """
select (select count(*) from (select from announces group by actor_id, post_id having count(*) > 1) a)
     + (select count(*) from (select from activities where verb = 'Announce' and direction = 'out'
        group by object_uri, actor_uri, verb having count(*) > 1) b)
"""
NOTICES_TWICE = """
select count(*) from (select from notifications n group by to_jsonb(n) - 'id' - 'created_at' - 'read_at'
    having count(*) > 1) twice
"""


async def settled(load: Load) -> str:
    """Return what does not hold within a minute of quiet; an empty text when all is well."""
    end = time.monotonic() + QUIET_SECONDS
    while True:
        try:
            wrong = await _wrong(load)
        except DatabaseUnavailable as error:
            wrong = str(error)
        if not wrong or time.monotonic() > end:
            return wrong
        await asyncio.sleep(0.5)


async def _wrong(load: Load) -> str:
    async with load.site.reached() as db, db.connection() as conn:
        promised = [*load.came_in, *load.written]
        standings = {row["uri"]: row["standing"] for row in await conn.fetch(STANDINGS, promised)}
        waiting = {row["post"] for row in await conn.fetch(WAITING)}
        lost = [uri for uri in promised if not is_kept(load, uri, standings, waiting)]
        due, parked, twice, notices = [
            await conn.fetchval(sql) for sql in (DUE, PARKED, TWICE, NOTICES_TWICE)
        ]
    found = {
        "promised and not there": lost[:5], "due and not done": due, "parked": parked,
        "announced twice": twice, "noticed twice": notices, "mails not there once": await mails(load),
    }  # fmt: skip
    return ", ".join(f"{name}: {what}" for name, what in found.items() if what)


async def mails(load: Load) -> list[str]:
    """Return to whom not exactly one mail was written, of those who are owed one."""
    folder = load.site.settings.data_dir / "outbox"
    texts = await asyncio.to_thread(lambda: [path.read_text() for path in folder.glob("*.eml")])
    told = Counter(line.split()[1] for text in texts for line in text.splitlines() if line[:3] == "To:")
    return [address for address in load.answered if told[address] != 1][:5]


def is_kept(load: Load, uri: str, standings: Mapping[str, str], waiting: set[str]) -> bool:
    """Say whether a promised post is there, or waits as the rules want it."""
    host, standing = load.came_in.get(uri), standings.get(uri)
    if standing == "visible":
        return True
    if host in load.was_held and standing == "held":
        return True  # a moderator decides about it
    return host is not None and load.rules.get(host) == "suspend" and uri in waiting


async def lanes(load: Load) -> str:
    """Return the lanes that have work, for whoever looks why it is not done."""
    async with load.site.reached() as db, db.connection() as conn:
        rows = await conn.fetch(LANES)
        now = await conn.fetchval("select now()::text")
    return "\n  ".join([f"at {now}", *(str(dict(row)) for row in rows)])


async def told(load: Load) -> str:
    """Let the lanes that rest go on, and return what did not reach every listening server once."""
    end = time.monotonic() + QUIET_SECONDS
    async with load.site.reached() as db:
        while True:
            async with db.transaction() as tx:
                await queues.retry_all(tx, None, datetime.now(UTC))
            async with db.connection() as conn:
                left = await conn.fetchval(LEFT)
            if not left or time.monotonic() > end:
                break
            await asyncio.sleep(1.0)
        async with db.connection() as conn:
            rows = await conn.fetch(STANDINGS, [*load.came_in, *load.written])
    visible = {row["uri"] for row in rows if row["standing"] == "visible"}
    missed = [(box, uri) for uri in visible for box in load.inboxes if not load.world.told.get((box, uri))]
    twice = [key for key, ids in load.world.told.items() if len(ids) > 1]
    found = {"still to be sent": left, "not told": missed[:5], "told twice": twice[:5]}
    return ", ".join(f"{name}: {what}" for name, what in found.items() if what)
