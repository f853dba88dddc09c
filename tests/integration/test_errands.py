"""Errands: written with their cause, each lane one at a time, done once though workers die."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from federation.uris import Host
from fediverse_support import wiring
from fediverse_support.db.pool import Conn, DatabaseUnavailable, Db
from fediverse_support.deps import Deps
from fediverse_support.domain.jobs import NewJob
from fediverse_support.reads import jobs as reads_jobs
from fediverse_support.settings import Settings
from fediverse_support.store import jobs, retention
from fediverse_support.store.exchange import queues
from fediverse_support.store.jobs import Job
from fediverse_support.workers import clock as clocks
from fediverse_support.workers import loop
from fediverse_support.workers.errands.kinds import KINDS, Kind
from fediverse_support.workers.errands.outcomes import Done, Later, Never, Outcome
from fediverse_support.workers.errands.outside import Outside
from fediverse_support.workers.errands.runner import Runner
from tests.conftest import Clock
from tests.federation.internet import Internet, Line

pytestmark = pytest.mark.postgres

SECRET = b"sixteen bytes and more"
MINUTE = timedelta(minutes=1)
COUNT = "select count(*) from jobs"


@pytest.fixture
def deps(db: Db) -> Deps:
    line = Line(Internet(db.now, Random(1)), Host("support.example"))
    return wiring.build(Settings(base_url="https://support.example"), db, line, SECRET)


async def write(db: Db, cause: str, lane: str = "", **more: Any) -> None:
    payload = {"cause": cause, **more}
    job = NewJob(kind="mail", lane=lane or cause, cause=cause, due_at=db.now(), payload=payload)
    async with db.transaction() as tx:
        await jobs.enqueue(tx, job, db.now())


async def take(db: Db, worker: int, most: int = 10, past: str = "") -> list[str]:
    async with db.connection() as conn:
        found = await jobs.claim(conn, "mail", most, past=past, worker=worker, now=db.now())
    return [str(job.payload["cause"]) for job in found]


async def value(db: Db, sql: str) -> Any:
    async with db.connection() as conn:
        return await conn.fetchval(sql)


@asynccontextmanager
async def living(db: Db, *workers: int) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for worker in workers:
            conn = await stack.enter_async_context(db.dedicated())
            await stack.enter_async_context(queues.numbered(conn, worker))
        yield


@dataclass
class Doings:
    """A step whose outcome a test decides, and which remembers what it was asked to do."""

    say: Callable[[Job], Outcome] = field(default=lambda job: Done())
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    at_once: int = 0
    most: int = 0

    async def step(self, outside: Outside, job: Job) -> Outcome:
        self.asked.append(str(job.payload["cause"]))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
            return self.say(job)
        finally:
            self.at_once -= 1

    def kind(self, *, at_once: int = 3, waits: tuple[timedelta, ...] = (MINUTE, 5 * MINUTE)) -> Kind:
        return Kind("mail", at_once, waits, 5.0, self.step)


async def work(deps: Deps, kind: Kind, worker: int = 7) -> None:
    """Do whatever is due now, under the number of a living worker."""
    freed = asyncio.Event()
    runner = Runner(wiring.outside(deps), worker, freed, kinds=(kind,))
    async with living(deps.db, worker):
        while True:
            freed.clear()
            await runner.look()
            if not runner.in_hand and not freed.is_set():
                return
            await asyncio.gather(*(task for _, task in runner.in_hand.values()))


async def test_an_errand_is_there_if_and_only_if_its_cause_is(db: Db) -> None:
    job = NewJob(kind="mail", lane="a", cause="one", due_at=db.now(), payload={})
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await jobs.enqueue(tx, job, db.now())
            raise ZeroDivisionError
    assert await value(db, COUNT) == 0
    await write(db, "one")
    await write(db, "one")
    assert await value(db, COUNT) == 1


async def test_of_a_lane_one_is_taken_at_a_time_in_order_and_no_lane_waits_for_another(
    db: Db, clock: Clock
) -> None:
    for cause, lane in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c"), ("c2", "c")):
        await write(db, cause, lane)
        clock.pass_by(seconds=1)
    async with living(db, 7, 8):
        assert await take(db, 7, most=2) == ["a1", "b1"]
        assert await take(db, 8) == ["c1"]
        assert await take(db, 7) == []
        async with db.connection() as conn:
            [a1] = [job for job in await rows(conn) if job.payload["cause"] == "a1"]
            await jobs.complete(conn, a1, 7)
        assert await take(db, 8) == ["a2"]


async def rows(conn: Conn) -> list[Job]:
    found = await conn.fetch("select id, lane, payload, attempts, created_at from jobs order by id")
    return [Job(**{**row, "payload": msgspec.json.decode(row["payload"])}) for row in found]


async def test_lanes_before_the_last_one_served_have_their_turn(db: Db) -> None:
    for number in range(6):
        await write(db, f"l{number}")
    async with living(db, 7):
        assert await take(db, 7, most=2, past="l3") == ["l4", "l5"]
        assert await take(db, 7, most=2) == ["l0", "l1"]


async def test_workers_that_claim_at_the_same_moment_never_have_a_lane_twice(db: Db) -> None:
    for number in range(60):
        await write(db, f"c{number}", lane=f"lane{number % 12}")
    async with living(db, 7, 8, 9):
        taken = await asyncio.gather(*(take(db, worker, most=5) for worker in (7, 8, 9) * 4))
    causes = [cause for found in taken for cause in found]
    assert len(causes) == len(set(causes)) == 12
    assert await value(db, "select count(distinct lane) from jobs where worker is not null") == 12


async def test_what_a_dead_worker_had_in_hand_is_anybodys_at_once(db: Db) -> None:
    await write(db, "one")
    async with living(db, 7):
        assert await take(db, 7) == ["one"]
        assert await take(db, 8) == []
    async with living(db, 8):
        assert await take(db, 8) == ["one"]
    assert await value(db, "select attempts from jobs") == 2


async def test_whoever_was_thought_dead_cannot_take_another_ones_errand_off_the_list(db: Db) -> None:
    await write(db, "one")
    async with db.connection() as conn:
        [mine] = await jobs.claim(conn, "mail", 1, past="", worker=7, now=db.now())
    assert await take(db, 8) == ["one"]
    async with db.connection() as conn:
        await jobs.complete(conn, mine, 7)
    assert await value(db, COUNT) == 1


async def test_an_errand_is_done_and_off_the_list(deps: Deps) -> None:
    doings, then = Doings(), list[str]()
    doings.say = lambda job: Done(lambda: then.append(job.lane))
    for number in range(10):
        await write(deps.db, f"c{number}", lane=f"l{number % 5}")
    await work(deps, doings.kind())
    assert sorted(doings.asked) == [f"c{number}" for number in range(10)]
    assert len(then) == 10 and await value(deps.db, COUNT) == 0
    assert doings.most == 3


async def test_what_fails_is_tried_again_ever_later_and_then_put_aside(deps: Deps, clock: Clock) -> None:
    doings = Doings(lambda job: Later("down"))
    await write(deps.db, "one")
    for wait in (timedelta(), MINUTE, 5 * MINUTE):
        clock.at += wait - timedelta(seconds=1 if wait else 0)
        tried = len(doings.asked)
        if wait:
            await work(deps, doings.kind())
            assert len(doings.asked) == tried, "too early"
            clock.pass_by(seconds=1)
        await work(deps, doings.kind())
        assert len(doings.asked) == tried + 1
    clock.pass_by(days=3)
    await work(deps, doings.kind())
    assert len(doings.asked) == 3
    async with deps.db.connection() as conn:
        [lane] = await reads_jobs.status(conn)
        [waiting] = await reads_jobs.waiting(conn, clock.at)
    assert (lane.kind, lane.host, lane.parked, lane.waiting, lane.last_error) == ("mail", "one", 1, 0, "down")
    assert (waiting.kind, waiting.waiting, waiting.parked, waiting.oldest_seconds) == ("mail", 0, 1, 0.0)
    doings.say = lambda job: Done()
    async with deps.db.transaction() as tx:
        assert await jobs.retry_all(tx, "elsewhere", clock.at) == 0
        assert await jobs.retry_all(tx, "one", clock.at) == 1
    await work(deps, doings.kind())
    assert await value(deps.db, COUNT) == 0


async def test_what_will_never_go_is_put_aside_at_once_and_forgotten_in_time(
    deps: Deps, clock: Clock
) -> None:
    doings = Doings(lambda job: Never("no_such_address"))
    for cause in ("one", "two"):
        await write(deps.db, cause)
    await work(deps, doings.kind())
    assert await value(deps.db, "select count(*) from jobs where standing = 'parked'") == 2
    async with deps.db.transaction() as tx:
        assert await jobs.clear(tx, "one") == 1
    [rule] = [rule for rule in retention.RULES if rule.table == "jobs"]
    for days, left in ((13, 1), (2, 0)):
        clock.pass_by(days=days)
        async with deps.db.connection() as conn:
            await retention.prune(conn, rule, clock.at)
        assert await value(deps.db, COUNT) == left


async def test_a_fault_in_one_errand_strikes_no_other_and_says_nothing_of_anybody(
    deps: Deps, caplog: pytest.LogCaptureFixture
) -> None:
    def say(job: Job) -> Outcome:
        if job.lane == "bad":
            raise AttributeError("as if nobody had thought of it")
        return Done()

    doings = Doings(say)
    for cause in ("bad", "good"):
        await write(deps.db, cause)
    with caplog.at_level(logging.ERROR):
        await work(deps, doings.kind())
    assert "errand fault" in caplog.text
    assert await value(deps.db, "select string_agg(lane || last_error, '') from jobs") == "badAttributeError"


async def test_an_errand_that_takes_too_long_is_cut_off(deps: Deps) -> None:
    doings = Doings(gate=asyncio.Event())
    await write(deps.db, "one")
    kind = Kind("mail", 1, (MINUTE,), 0.05, doings.step)
    await work(deps, kind)
    assert await value(deps.db, "select last_error from jobs where worker is null") == "too_slow"


async def test_when_nothing_of_a_kind_can_be_done_the_others_are_not_even_tried(deps: Deps) -> None:
    doings = Doings(lambda job: Later("server_down", of_all=True))
    for number in range(20):
        await write(deps.db, f"c{number:02}")
    await work(deps, doings.kind())
    assert len(doings.asked) == 3


async def test_what_is_done_while_the_database_is_away_is_written_down_and_not_done_again(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, missed = jobs.complete, list[int]()

    async def complete(conn: Conn, job: Job, worker: int) -> None:
        if len(missed) < 2:
            missed.append(job.id)
            raise DatabaseUnavailable("The database went away.")
        await real(conn, job, worker)

    monkeypatch.setattr(jobs, "complete", complete)
    monkeypatch.setattr("fediverse_support.workers.errands.runner.AGAIN", 0.01)
    doings = Doings()
    await write(deps.db, "one")
    await work(deps, doings.kind())
    assert doings.asked == ["one"] and await value(deps.db, COUNT) == 0


async def test_what_was_taken_without_our_hearing_of_it_is_freed(deps: Deps) -> None:
    await write(deps.db, "one")
    await take(deps.db, 7)  # the answer was lost on its way to us
    doings = Doings()
    await work(deps, doings.kind(), worker=7)
    assert doings.asked == ["one"]


async def test_whoever_is_told_to_stop_ends_what_is_nearly_done_and_leaves_the_rest(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fediverse_support.workers.errands.runner.LAST_MOMENT", 0.2)
    doings = Doings(gate=asyncio.Event())
    for cause in ("quick", "slow"):
        await write(deps.db, cause)

    async def step(outside: Outside, job: Job) -> Outcome:
        if job.lane == "slow":
            await asyncio.Event().wait()
        return await doings.step(outside, job)

    async with living(deps.db, 7):
        kinds = (Kind("mail", 2, (MINUTE,), 5.0, step),)
        runner = Runner(wiring.outside(deps), 7, asyncio.Event(), kinds)
        await runner.look()
        assert doings.gate is not None
        doings.gate.set()
        await runner.end()
    assert await value(deps.db, "select string_agg(lane, ' ') from jobs") == "slow"
    async with living(deps.db, 8):
        assert await take(deps.db, 8) == ["slow"]


async def test_of_several_workers_one_writes_a_chore_down(deps: Deps, clock: Clock) -> None:
    naps = await asyncio.gather(*(clocks.step(deps) for _ in range(4)))
    assert await value(deps.db, COUNT) == 1
    assert naps == [timedelta(hours=1)] * 4
    async with deps.db.transaction() as tx:
        await tx.execute("delete from jobs")
    await clocks.step(deps)
    assert await value(deps.db, COUNT) == 0, "it was done this hour"
    clock.pass_by(minutes=61)
    await clocks.step(deps)
    assert await value(deps.db, COUNT) == 1


async def test_a_clock_that_ran_ahead_keeps_no_chore_from_being_done(deps: Deps, clock: Clock) -> None:
    at = clock.at
    clock.pass_by(days=400)
    await clocks.step(deps)
    async with deps.db.transaction() as tx:
        await tx.execute("delete from jobs")
    clock.at = at
    await clocks.step(deps)
    assert await value(deps.db, COUNT) == 1


async def test_the_loop_does_errands_when_it_hears_of_them(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    doings, stop = Doings(), asyncio.Event()
    kinds = (doings.kind(), *(kind for kind in KINDS if kind.name != "mail"))
    monkeypatch.setattr(loop, "LOOK_FOR_ERRANDS_EVERY", 60.0)
    monkeypatch.setattr(loop, "TIDY_EVERY", 0.05)
    monkeypatch.setattr(loop, "KINDS", kinds)
    running = asyncio.create_task(loop.run(wiring.outside(deps), stop))
    async with asyncio.timeout(20):
        while await value(deps.db, "select count(*) from worker_passes where kind = 'housekeeping'") == 0:
            await asyncio.sleep(0.05)
        await write(deps.db, "one")
        while not doings.asked or await value(deps.db, COUNT):
            await asyncio.sleep(0.02)
    stop.set()
    await running
    assert doings.asked == ["one"]
