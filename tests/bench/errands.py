"""How many jobs a second: written each with its cause, and done, against the least that could do the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from fediverse_support import wiring
from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.db import migrate
from fediverse_support.db.pool import Db, open_db
from fediverse_support.domain.jobs import NewJob
from fediverse_support.settings import Settings
from fediverse_support.store import jobs
from fediverse_support.store.exchange import queues
from fediverse_support.store.jobs import Job
from fediverse_support.workers.errands.kinds import Kind
from fediverse_support.workers.errands.outcomes import Done, Outcome
from fediverse_support.workers.errands.outside import Outside
from fediverse_support.workers.errands.runner import Runner
from tests.bench import ground

ERRANDS, LANES, AT_ONCE = 2_000, 400, 16
WORKER = 7
BARE_TABLE = "create table if not exists bare_jobs (id bigint primary key, payload jsonb not null)"
BARE_WRITE = "insert into bare_jobs select n, '{}' from generate_series(1, $1) n"
BARE_TAKE = """
delete from bare_jobs where id = (select id from bare_jobs order by id limit 1 for update skip locked)
returning id
"""


async def measure(dsn: str, directory: Path) -> None:
    """Print both, with as many connections as a worker has; no worker may be at work on this database."""
    db = await open_db(dsn)
    transport: Any = None  # nobody is asked anything
    settings = Settings(data_dir=directory)
    outside = wiring.outside(wiring.build(settings, db, transport, load_secret(directory)))
    try:
        for _ in range(2):  # the first time warms up
            written = await timed(lambda: write(db))
            done = await timed(lambda: do_all(db, outside))
            await bare_write(db)
            bare = await timed(lambda: bare_all(db))
    finally:
        await db.close()
    say("jobs written a second, each with its own commit", f"{ERRANDS / written:.0f}/s", "one connection")
    say(
        "jobs a second / delete with skip locked",
        f"{bare / done:.2f} ({ERRANDS / done:.0f}/s of {ERRANDS / bare:.0f}/s)",
        f"in {LANES} lanes, each once though killed",
    )


def say(what: str, found: str, aim: str) -> None:
    print(f"{what:<52} {found:<40} {aim}", flush=True)


async def timed(what: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await what()
    return time.perf_counter() - started


async def write(db: Db) -> None:
    for number in range(ERRANDS):
        lane, payload = f"lane{number % LANES}", {"number": number}
        job = NewJob(kind="mail", lane=lane, cause=str(number), due_at=db.now(), payload=payload)
        async with db.transaction() as tx:
            await jobs.enqueue(tx, job, db.now())


async def do_all(db: Db, outside: Outside) -> None:
    count = 0

    async def step(_outside: Outside, _job: Job) -> Outcome:
        nonlocal count
        count += 1
        return Done()

    freed = asyncio.Event()
    kind = Kind("mail", AT_ONCE, (timedelta(minutes=1),), 10.0, step)
    runner = Runner(outside, WORKER, freed, (kind,))
    async with db.dedicated() as conn, queues.numbered(conn, WORKER):
        while count < ERRANDS or runner.in_hand:
            freed.clear()
            await runner.look()
            await freed.wait()


async def bare_write(db: Db) -> None:
    async with db.connection() as conn:
        await conn.execute(BARE_TABLE)
        await conn.execute(BARE_WRITE, ERRANDS)


async def bare_all(db: Db) -> None:
    async def one() -> None:
        while True:
            async with db.connection() as conn:
                if await conn.fetchval(BARE_TAKE) is None:
                    return

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


async def main() -> None:
    with ground.database() as (dsn, directory):
        await migrate.migrate(dsn)
        await measure(dsn, directory)


if __name__ == "__main__":
    asyncio.run(main())
