"""Keep the workers going: lanes with due rows, looked for at every hint and twice a second besides; errands;
and the clock.

A hint may be lost, which costs half a second and nothing else. Lanes are held for as long as one session of
the database: when that is lost, all of them are let go, and the next session begins with a fresh number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from federation.uris import Host
from fediverse_support.db.pool import DatabaseUnavailable
from fediverse_support.deps import Deps
from fediverse_support.store import jobs
from fediverse_support.store.exchange import deliveries, queues
from fediverse_support.store.exchange.deliveries import Wanted
from fediverse_support.store.exchange.queues import Kind
from fediverse_support.workers import catching_up, clock, deliver, lanes, receive, sessions
from fediverse_support.workers.deliver import Desk
from fediverse_support.workers.errands.kinds import KINDS
from fediverse_support.workers.errands.outside import Outside
from fediverse_support.workers.errands.runner import Runner
from fediverse_support.workers.pace import Pace, pause
from fediverse_support.workers.sessions import Session
from fediverse_support.workers.visits import Sender, Visit

LOG: Final = logging.getLogger(__name__)

RECEIVE_AT_ONCE: Final = 16
VISITS_AT_ONCE: Final = 48
"""So many hosts are visited at a time, not counting those that are slow to answer"""
SLOW_AT_ONCE: Final = 240
"""or that failed lately; these wait beside, so many at most,"""
FAILING_AT_ONCE: Final = 48
"""and so many of them failed lately."""
LOOK_EVERY: Final = 0.5
LOOK_SELDOM: Final = 0.05
"""Seconds between two looks at least: hints come in crowds."""
TIDY_EVERY: Final = 5.0
CLEAN_AFTER: Final = 1_000
"""So many deliveries that arrived leave space behind which is worth freeing before more is taken."""
GATHER_FOR: Final = 0.2
"""So long a host that goes on sending is let gather: together, many deliveries cost far less than alone."""
LOOK_FOR_ERRANDS_EVERY: Final = 1.0
LONGEST_NAP: Final = 60.0
"""Seconds: the clock is looked at this often, since it may be set."""
PAUSE_AFTER_FAULT: Final = 2.0
CATCH_UP_EVERY: Final = 15.0


@dataclass(slots=True)
class _Crew:
    """What the lanes of this process share, from one session to the next."""

    outside: Outside
    deps: Deps
    stop: asyncio.Event
    pace: Pace
    desk: Desk
    sender: Sender = field(default_factory=Sender)
    busy: set[tuple[Kind, Host]] = field(default_factory=set)
    serving: set[asyncio.Task[None]] = field(default_factory=set)
    visits: dict[Host, Visit] = field(default_factory=dict)
    after: str = ""
    went_well: set[str] = field(default_factory=set)
    was: Session | None = None
    is_away: bool = False

    def miss(self) -> None:
        """Say once that the database is away."""
        if not self.is_away:
            self.is_away = True
            LOG.warning("database unavailable")

    def meet(self) -> None:
        """Say once that the database is back."""
        if self.is_away:
            self.is_away = False
            LOG.info("database available")

    def begin(self, session: Session, kind: Kind, host: Host, work: Coroutine[Any, Any, None]) -> None:
        """Serve a lane beside the others; its faults strike no other lane."""
        self.busy.add((kind, host))
        task = asyncio.create_task(self._guarded(kind, host, work))
        self.serving.add(task)

        def ended(task: asyncio.Task[None]) -> None:  # also of one that is cut off before it begins
            work.close()
            self.serving.discard(task)
            self.busy.discard((kind, host))
            if kind == "deliver":
                del self.visits[host]
            session.hint.set()

        task.add_done_callback(ended)

    async def _guarded(self, kind: Kind, host: Host, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            self.went_well.add(kind)
        except DatabaseUnavailable:
            self.miss()
        except Exception:
            LOG.exception("lane fault", extra={"kind": kind, "host": host})
            await pause(self.stop, PAUSE_AFTER_FAULT)

    async def end(self) -> None:
        """Cut off whatever is being served, and see to it that what arrived is written down."""
        for task in self.serving:
            task.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)
        await self.desk.finish()


async def run(outside: Outside, stop: asyncio.Event) -> None:
    """Work until `stop` is set; faults are logged and worked around, never passed on."""
    deps = outside.deps
    crew = _Crew(outside, deps, stop, Pace(deps.db, stop), Desk(deps.db))
    tasks = [
        asyncio.create_task(_again(crew, lambda: _work(crew))),
        asyncio.create_task(_again(crew, lambda: _wind(crew))),
        asyncio.create_task(_again(crew, lambda: _catch_up(crew))),
    ]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await crew.end()  # once more: the end of a session may itself have been cut off


async def _again(crew: _Crew, work: Callable[[], Awaitable[None]]) -> None:
    """Run something that should never end, and start it anew after a fault."""
    while not crew.stop.is_set():
        try:
            await work()
        except DatabaseUnavailable:
            crew.miss()
        except Exception:
            LOG.exception("worker fault")
        await pause(crew.stop, PAUSE_AFTER_FAULT)


async def _work(crew: _Crew) -> None:
    """Serve lanes and do errands for as long as one session lasts."""
    async with sessions.opened(crew.deps.db) as session:
        await _begin(crew, session)
        errands = asyncio.create_task(_again(crew, lambda: _do_errands(crew, session)))
        try:
            await _look_on(crew, session)
        finally:
            errands.cancel()
            await asyncio.gather(crew.end(), errands, return_exceptions=True)


async def _begin(crew: _Crew, session: Session) -> None:
    """Free what was held under the number of an earlier session: the database may think that it lives."""
    async with crew.deps.db.transaction() as tx:
        if crew.was is not None:
            await queues.let_go(tx, crew.was.worker)
            await jobs.let_go(tx, crew.was.worker)
        await queues.bound_dues(tx, crew.deps.db.now())
    crew.was = session


async def _look_on(crew: _Crew, session: Session) -> None:
    """Find lanes with due rows that nobody serves, and have them served."""
    clock = asyncio.get_running_loop().time
    tidy_at = clock()
    while True:
        session.hint.clear()
        try:
            await _look_in(crew, session)
            await _look_out(crew, session)
            if clock() >= tidy_at:
                await _tidy(crew, session)
                tidy_at = clock() + TIDY_EVERY
        except DatabaseUnavailable:
            crew.miss()
        else:
            crew.meet()
        await asyncio.sleep(LOOK_SELDOM)
        await pause(session.hint, LOOK_EVERY)


async def _look_in(crew: _Crew, session: Session) -> None:
    """Find hosts from which something waits."""
    busy = [host for kind, host in crew.busy if kind == "receive"]
    if len(busy) >= RECEIVE_AT_ONCE:
        return
    hosts = await lanes.due(crew.deps, RECEIVE_AT_ONCE - len(busy), busy)
    if not hosts and not busy:
        crew.went_well.add("receive")
    for host in hosts:
        crew.begin(session, "receive", host, _apply(crew, session, host))


async def _look_out(crew: _Crew, session: Session) -> None:
    """Find hosts for which something waits, and visit them."""
    quick = sum(1 for visit in crew.visits.values() if visit.is_quick())
    failing = sum(1 for visit in crew.visits.values() if visit.lane.failures)
    healthy = min(VISITS_AT_ONCE - quick, VISITS_AT_ONCE + SLOW_AT_ONCE - len(crew.visits))
    if healthy <= 0:
        return
    wanted = Wanted(
        session.worker,
        uuid4(),
        healthy=healthy,
        failing=max(0, FAILING_AT_ONCE - failing),
        after=crew.after,
        mode=(await crew.deps.house()).federation,
    )
    visits = await deliver.take(crew.deps, crew.sender, wanted)
    if not visits and not crew.visits:
        crew.went_well.add("deliver")
    found = [visit.lane.host for visit in visits if not visit.lane.failures]
    if len(found) < healthy and crew.after:
        session.hint.set()  # those before it come next
    crew.after = found[-1] if len(found) >= healthy else ""
    for visit in visits:
        crew.visits[visit.lane.host] = visit
        crew.begin(session, "deliver", visit.lane.host, _send(crew, visit))


async def _tidy(crew: _Crew, session: Session) -> None:
    """Free lanes that could not be given back, and note what went well since the last time."""
    async with crew.deps.db.connection() as conn:
        await queues.let_go(conn, session.worker, crew.busy)
        kinds, crew.went_well = crew.went_well, set()
        if kinds:
            await queues.note_passes(conn, kinds, crew.deps.db.now())
    if crew.desk.count >= CLEAN_AFTER:
        crew.desk.count = 0
        try:
            async with crew.deps.db.dedicated() as alone:
                await deliveries.free_space(alone)
        except TimeoutError:
            LOG.info("space not freed")


async def _apply(crew: _Crew, session: Session, host: Host) -> None:
    while await receive.serve(crew.deps, host, session.worker, crew.pace):
        await pause(crew.stop, GATHER_FOR)


async def _send(crew: _Crew, visit: Visit) -> None:
    try:
        await visit.make()
    finally:
        await crew.desk.settle(visit)


async def _do_errands(crew: _Crew, session: Session) -> None:
    """Do errands until cut off."""
    runner = Runner(crew.outside, session.worker, session.errand, KINDS)
    try:
        while True:
            session.errand.clear()
            try:
                await runner.look()
            except DatabaseUnavailable:
                crew.miss()
            else:
                crew.went_well |= {"errands", *runner.went_well}
                runner.went_well.clear()
            await pause(session.errand, LOOK_FOR_ERRANDS_EVERY)
    finally:
        await runner.end()


async def _wind(crew: _Crew) -> None:
    """Write down what comes round by the clock."""
    while True:
        nap = await clock.step(crew.deps)
        await pause(crew.stop, min(nap.total_seconds(), LONGEST_NAP))


async def _catch_up(crew: _Crew) -> None:
    """Ask one thing a second at most, and look seldom whether there is any."""
    while True:
        is_more = await catching_up.step(crew.deps)
        await pause(crew.stop, 1.0 if is_more else CATCH_UP_EVERY)
