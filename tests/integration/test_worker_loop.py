"""The worker's loop: one lane at fault strikes no other, and everything ends when it is told to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random

import pytest

from federation.uris import Host, Uri
from fediverse_support import wiring
from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.db.pool import Db
from fediverse_support.deps import Deps
from fediverse_support.settings import Settings
from fediverse_support.store.exchange import receipts
from fediverse_support.workers import loop, receive
from fediverse_support.workers.pace import Pace
from tests.federation.internet import Internet, Line

pytestmark = pytest.mark.postgres

SECRET = b"sixteen bytes and more"
WAITING = "select count(*) from receipts where standing = 'waiting'"


@pytest.fixture
def deps(db: Db) -> Deps:
    """An instance whose clock is the machine's: the loop waits for real."""
    real = Db(db._pool, db.dsn)
    settings = Settings(base_url="https://support.example")
    internet = Internet(real.now, Random(1))
    return wiring.build(settings, real, Line(internet, Host("support.example")), SECRET)


async def comes_in(deps: Deps, host: str, name: str, body: bytes = b"{}") -> None:
    await Intake(deps.db, deps.instance).accept(
        uri=Uri(f"https://{host}/a/{name}"), host=Host(host), signer=Uri(f"https://{host}/ada"), body=body,
        digest=None,
    )  # fmt: skip


async def ended(deps: Deps, during: Callable[[], Awaitable[None]]) -> float:
    """Run the loop while something happens, stop it, and return how many seconds it took to end."""
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(wiring.outside(deps), stop))
    try:
        await during()
    finally:
        stop.set()
        began = time.perf_counter()
        async with asyncio.timeout(20):
            await running
    return time.perf_counter() - began


async def until(deps: Deps, sql: str, value: int) -> None:
    async with asyncio.timeout(15), deps.db.connection() as conn:
        while await conn.fetchval(sql) != value:
            await asyncio.sleep(0.05)


async def test_a_lane_at_fault_strikes_no_other(
    deps: Deps, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await comes_in(deps, "bad.example", "1")
    await comes_in(deps, "good.example", "1")
    serve = receive.serve

    async def served(deps: Deps, host: Host, worker: int, pace: Pace | None = None) -> bool:
        if host == "bad.example":
            raise AttributeError("as if nobody had thought of it")
        await asyncio.sleep(1.0)  # long enough to be cut off by a neighbour
        return await serve(deps, host, worker, pace)

    monkeypatch.setattr(receive, "serve", served)

    async def during() -> None:
        await until(deps, WAITING, 1)

    with caplog.at_level(logging.ERROR):
        await ended(deps, during)
    assert "lane fault" in caplog.text


async def test_whoever_goes_on_sending_does_not_keep_the_worker_from_ending(deps: Deps) -> None:
    async def during() -> None:
        for number in range(20):
            await comes_in(deps, "busy.example", str(number))
            await asyncio.sleep(0.05)

    feeding = asyncio.create_task(during())
    assert await ended(deps, lambda: asyncio.sleep(0.5)) < 2.0
    await feeding


async def test_an_erased_delivery_that_still_waits_is_done(deps: Deps) -> None:
    await comes_in(deps, "b.example", "1")
    async with deps.db.transaction() as tx:
        await tx.execute("update receipts set body = null")
    assert await receive.step(deps)
    async with deps.db.connection() as conn:
        assert await conn.fetchval(WAITING) == 0


async def test_a_batch_is_bounded_in_size(deps: Deps) -> None:
    for number in range(4):
        await comes_in(deps, "b.example", str(number), b"x" * (receipts.MOST_BYTES // 2))
    async with deps.db.connection() as conn:
        taken = await receipts.take_receipts(conn, Host("b.example"), datetime.now(UTC), 100)
        alone = await receipts.take_receipts(conn, Host("b.example"), datetime.now(UTC), 1)
    assert (len(taken), len(alone)) == (2, 1)
