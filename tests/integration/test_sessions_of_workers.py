"""A worker and its session of the database: what is held ends with it, and whatever sticks is seen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from random import Random

import pytest

from federation.uris import Host
from fediverse_support import wiring
from fediverse_support.db.pool import Db, open_db
from fediverse_support.deps import Deps
from fediverse_support.reads.exchange import queues as reads_queues
from fediverse_support.settings import Settings
from fediverse_support.store.exchange import queues
from fediverse_support.web import health
from fediverse_support.workers import lanes, loop, receive, sessions
from fediverse_support.workers.pace import Pace
from tests.conftest import Clock, Server
from tests.federation.internet import Internet, Line
from tests.integration.test_worker_loop import SECRET, WAITING, comes_in, until

pytestmark = pytest.mark.postgres

HOSTS = 3
HELD = "select count(*) from lanes where worker is not null and worker_lives(worker)"


@pytest.fixture
async def deps(fresh_database: Callable[[], Awaitable[str]]) -> AsyncIterator[Deps]:
    """An instance with a database of its own, which may go away."""
    db = await open_db(await fresh_database())
    internet = Internet(db.now, Random(1))
    line = Line(internet, Host("support.example"))
    yield wiring.build(Settings(base_url="https://support.example"), db, line, SECRET)
    await db.close()


def name_of(deps: Deps) -> str:
    return deps.db.dsn.split("@/")[1].split("?")[0]


async def goes_away(server: Server, deps: Deps) -> None:
    """Hang up on everybody, and take no calls."""
    await server.run(f"alter database {name_of(deps)} with allow_connections false")
    await server.run(
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name_of(deps)}'"
    )


async def comes_back(server: Server, deps: Deps) -> None:
    await server.run(f"alter database {name_of(deps)} with allow_connections true")


@pytest.mark.parametrize("is_back_when_noticed", [True, False])
async def test_no_lane_is_frozen_after_the_database_was_away(
    deps: Deps, postgres_server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    is_back_when_noticed: bool,
) -> None:  # fmt: skip
    for number in range(HOSTS):
        await comes_in(deps, f"h{number}.example", "1")
    serve, in_hand, gate, stop = receive.serve, set[Host](), asyncio.Event(), asyncio.Event()

    async def served(deps: Deps, host: Host, worker: int, pace: Pace | None = None) -> bool:
        if not gate.is_set():
            async with lanes.held(deps.db, "receive", host, worker):
                in_hand.add(host)
                await gate.wait()
        return await serve(deps, host, worker, pace)

    monkeypatch.setattr(receive, "serve", served)
    monkeypatch.setattr(loop, "PAUSE_AFTER_FAULT", 0.1)
    with caplog.at_level(logging.INFO):
        running = asyncio.create_task(loop.run(wiring.outside(deps), stop))
        async with asyncio.timeout(30):
            while len(in_hand) < HOSTS:
                await asyncio.sleep(0.02)
            await goes_away(postgres_server, deps)
            if is_back_when_noticed:
                await comes_back(postgres_server, deps)
                gate.set()
            else:
                gate.set()
                while "database unavailable" not in caplog.text:
                    await asyncio.sleep(0.02)
                await comes_back(postgres_server, deps)
            await until(deps, WAITING, 0)
            await until(deps, HELD, 0)
            stop.set()
            await running
    ours = [record for record in caplog.records if record.name.startswith("fediverse_support")]
    assert [record.getMessage() for record in ours].count("database unavailable") == 1
    assert not any(record.exc_info for record in ours)


async def test_a_session_that_is_lost_is_followed_by_one_of_another_number(
    deps: Deps, postgres_server: Server
) -> None:
    numbers = []
    for _ in range(2):
        async with asyncio.timeout(10):
            with pytest.raises(Exception, match="went away"):
                async with sessions.opened(deps.db) as session:
                    numbers.append(session.worker)
                    await postgres_server.run(
                        "select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid)"
                        f" where locktype = 'advisory' and classid = 7042 and objid = {session.worker}"
                    )
                    await asyncio.Event().wait()
    assert numbers[0] != numbers[1]
    async with deps.db.connection() as conn:
        assert not await conn.fetchval("select worker_lives($1)", numbers[0])


async def test_a_lane_that_could_not_be_given_back_is_freed_by_its_worker(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    await comes_in(deps, "h.example", "1")
    real, missed = queues.release, list[object]()

    async def release(*given: object, **more: object) -> None:
        if not missed:
            missed.append(given)
            return
        await real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(queues, "release", release)
    monkeypatch.setattr(loop, "TIDY_EVERY", 0.05)
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(wiring.outside(deps), stop))
    await until(deps, WAITING, 0)
    await comes_in(deps, "h.example", "2")
    await until(deps, WAITING, 0)
    stop.set()
    await running
    assert missed


async def test_a_worker_hears_of_work_at_once_and_listens_again_after_an_outage(
    deps: Deps, postgres_server: Server
) -> None:
    for _ in range(2):
        async with asyncio.timeout(10), sessions.opened(deps.db) as session:
            session.hint.clear()
            async with deps.db.transaction() as tx:
                await queues.wake(tx, "deliver", {Host("a.example")})
                await queues.wake(tx, "deliver", {Host("b.example")})
            await session.hint.wait()
        await goes_away(postgres_server, deps)
        await comes_back(postgres_server, deps)


async def test_whoever_holds_a_number_keeps_no_row_that_is_gone(db: Db) -> None:
    async with db.dedicated() as conn, queues.numbered(conn, 77), db.connection() as other:
        pid = conn.get_server_pid()
        assert await other.fetchval("select worker_lives(77)")
        assert await other.fetchval("select backend_xmin from pg_stat_activity where pid = $1", pid) is None


async def test_passes_that_fail_for_minutes_show(db: Db, clock: Clock) -> None:
    async with db.transaction() as tx:
        await queues.note_passes(tx, ["receive", "deliver", "housekeeping"], clock.at)
    clock.pass_by(minutes=2)
    assert await health.why_not_ready(db) is None
    async with db.transaction() as tx:
        await queues.note_passes(tx, ["deliver"], clock.at)
    clock.pass_by(minutes=2)
    assert "doctor" in (await health.why_not_ready(db) or "")
    async with db.connection() as conn:
        pulse = await reads_queues.pulse(conn, clock.at)
    assert [problem.split("`")[1] for problem in pulse.problems] == ["receive"]


async def test_a_lane_that_is_held_for_minutes_shows(db: Db, clock: Clock) -> None:
    async with db.dedicated() as conn, queues.numbered(conn, 77):
        async with lanes.held(db, "deliver", Host("b.example"), 77):
            clock.pass_by(minutes=4)
            assert await health.why_not_ready(db) is None
            clock.pass_by(minutes=2)
            assert "doctor" in (await health.why_not_ready(db) or "")
            async with db.connection() as reading:
                pulse = await reads_queues.pulse(reading, clock.at)
            assert "b.example" in pulse.problems[0]
            assert pulse.longest_held_seconds == timedelta(minutes=6).total_seconds()
        assert await health.why_not_ready(db) is None
