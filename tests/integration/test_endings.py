"""What is under way when a process is told to stop is brought to its end before the database is closed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

import pytest

from federation import keys
from fediverse_support import wiring
from fediverse_support.db.pool import Conn, DatabaseUnavailable, Db, open_db
from fediverse_support.deps import Deps
from fediverse_support.settings import Settings
from fediverse_support.store.exchange import deliveries, queues
from fediverse_support.store.exchange.deliveries import Lane
from fediverse_support.workers import loop, sessions
from fediverse_support.workers.deliver import Desk
from fediverse_support.workers.visits import Visit
from tests.builders import SECRET, private_pem
from tests.federation.test_visits import SEED, Outside

pytestmark = pytest.mark.postgres

HOSTS = ["a.example", "b.example", "c.example"]
LEFT = "select count(*) from deliveries"


@pytest.fixture
async def deps(fresh_database: Callable[[], Awaitable[str]]) -> AsyncIterator[Deps]:
    """An instance on the machine's clock, whose database a test closes itself; everybody answers at once."""
    db = await open_db(await fresh_database())
    yield wiring.build(Settings(base_url="https://support.example"), db, Outside(lambda _: False), SECRET)
    await db.close()


@pytest.fixture
async def unheard() -> AsyncIterator[list[str]]:
    """What went wrong and nobody was told of, once the test looks."""
    found: list[str] = []
    running = asyncio.get_running_loop()
    running.set_exception_handler(lambda _, context: found.append(context["message"]))
    yield found
    running.set_exception_handler(None)


async def stopped_while_writing_down(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the worker at the moment at which the first visit comes to be written down, and close."""
    stop, settle = asyncio.Event(), Desk.settle

    async def settled(desk: Desk, visit: Visit) -> None:
        asyncio.get_running_loop().call_soon(stop.set)
        await settle(desk, visit)

    async with deps.db.connection() as conn:
        await conn.execute(SEED, HOSTS, keys.seal(private_pem(0), SECRET))
    monkeypatch.setattr(Desk, "settle", settled)
    await loop.run(wiring.outside(deps), stop)
    await deps.db.close()
    gc.collect()


async def left(db: Db) -> int:
    again = await open_db(db.dsn)
    try:
        async with again.connection() as conn:
            return int(await conn.fetchval(LEFT))
    finally:
        await again.close()


async def test_what_arrived_is_written_down_before_the_worker_ends(
    deps: Deps, monkeypatch: pytest.MonkeyPatch, unheard: list[str]
) -> None:
    await stopped_while_writing_down(deps, monkeypatch)
    outside = deps.transport
    assert isinstance(outside, Outside)
    assert len(outside.answered) == len(HOSTS)
    assert (await left(deps.db), unheard) == (0, [])


async def test_a_worker_ends_quietly_while_the_database_is_away(
    deps: Deps, monkeypatch: pytest.MonkeyPatch, unheard: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def away(conn: Conn, lanes: Sequence[Lane], arrived: Sequence[int], now: datetime) -> None:
        raise DatabaseUnavailable("The database went away.")

    monkeypatch.setattr(deliveries, "settle", away)
    await stopped_while_writing_down(deps, monkeypatch)
    assert unheard == []
    assert "not written down" in caplog.text


async def test_a_session_ends_while_it_is_asked_whether_it_lives(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def lives(conn: Conn, seconds: float) -> bool:
        asked.set()
        await conn.execute("select pg_sleep(60)")
        return True

    monkeypatch.setattr(queues, "lives", lives)
    monkeypatch.setattr(sessions, "PING_EVERY", 0.01)
    async with asyncio.timeout(20), sessions.opened(deps.db):
        await asked.wait()
