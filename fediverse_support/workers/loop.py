"""Keep the workers going: lanes with due rows, looked for at every hint and twice a second besides, and
housekeeping by the hour.

A hint may be lost, which costs half a second and nothing else. Lanes are held for as long as one session of
the database: when that is lost, all of them are let go, and the next session begins with a fresh number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from federation.uris import Host
from fediverse_support.db.pool import DatabaseUnavailable
from fediverse_support.deps import Deps
from fediverse_support.store import queues
from fediverse_support.store.queues import KINDS, Kind
from fediverse_support.workers import deliver, housekeeping, lanes, receive, sessions
from fediverse_support.workers.deliver import Sender
from fediverse_support.workers.pace import Pace, pause
from fediverse_support.workers.sessions import Session

LOG: Final = logging.getLogger(__name__)

LANES_AT_ONCE: Final[dict[Kind, int]] = {"receive": 16, "deliver": 32}
LOOK_EVERY: Final = 0.5
LOOK_SELDOM: Final = 0.02
"""Seconds between two looks at least: hints come in crowds."""
TIDY_EVERY: Final = 5.0
GATHER_FOR: Final = 0.2
"""So long a host that goes on sending is let gather: together, many deliveries cost far less than alone."""
PRUNE_EVERY: Final = 3600.0
PAUSE_AFTER_FAULT: Final = 2.0


@dataclass(slots=True)
class _Crew:
    """What the lanes of this process share, from one session to the next."""

    deps: Deps
    stop: asyncio.Event
    pace: Pace
    sender: Sender = field(default_factory=Sender)
    busy: set[tuple[Kind, Host]] = field(default_factory=set)
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

    def count(self, kind: Kind) -> int:
        """Return how many lanes of a kind are being served."""
        return sum(1 for what, _ in self.busy if what == kind)


async def run(deps: Deps, stop: asyncio.Event) -> None:
    """Work until `stop` is set; faults are logged and worked around, never passed on."""
    crew = _Crew(deps, stop, Pace(deps.db, stop))
    tasks = [
        asyncio.create_task(_again(crew, lambda: _work(crew))),
        asyncio.create_task(_again(crew, lambda: _prune(crew))),
    ]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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
    """Serve lanes for as long as one session lasts."""
    async with sessions.opened(crew.deps.db) as session:
        await _begin(crew, session)
        serving: set[asyncio.Task[None]] = set()
        try:
            await _look_on(crew, session, serving)
        finally:
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)


async def _begin(crew: _Crew, session: Session) -> None:
    """Free what was held under the number of an earlier session: the database may think that it lives."""
    if crew.was is not None:
        async with crew.deps.db.connection() as conn:
            await queues.let_go(conn, crew.was.worker)
    crew.was = session


async def _look_on(crew: _Crew, session: Session, serving: set[asyncio.Task[None]]) -> None:
    """Find lanes with due rows that nobody serves, and have them served."""
    clock = asyncio.get_running_loop().time
    tidy_at = clock()
    while True:
        session.hint.clear()
        try:
            await _look(crew, session, serving)
            if clock() >= tidy_at:
                await _tidy(crew, session)
                tidy_at = clock() + TIDY_EVERY
        except DatabaseUnavailable:
            crew.miss()
        else:
            crew.meet()
        await asyncio.sleep(LOOK_SELDOM)
        await pause(session.hint, LOOK_EVERY)


async def _look(crew: _Crew, session: Session, serving: set[asyncio.Task[None]]) -> None:
    for kind in KINDS:
        free = LANES_AT_ONCE[kind] - crew.count(kind)
        if free == 0:
            continue
        busy = [host for what, host in crew.busy if what == kind]
        hosts = await lanes.due(crew.deps, kind, free, busy)
        if not hosts and not busy:
            crew.went_well.add(kind)
        for host in hosts:
            serving.add(task := asyncio.create_task(_serve(crew, session, kind, host)))
            crew.busy.add((kind, host))

            def is_free(task: asyncio.Task[None], lane: tuple[Kind, Host] = (kind, host)) -> None:
                serving.discard(task)
                crew.busy.discard(lane)
                session.hint.set()

            task.add_done_callback(is_free)  # one that is cut off before it begins has no other end


async def _tidy(crew: _Crew, session: Session) -> None:
    """Free lanes that could not be given back, and note what went well since the last time."""
    async with crew.deps.db.connection() as conn:
        await queues.let_go(conn, session.worker, crew.busy)
        kinds, crew.went_well = crew.went_well, set()
        if kinds:
            await queues.note_passes(conn, kinds, crew.deps.db.now())


async def _serve(crew: _Crew, session: Session, kind: Kind, host: Host) -> None:
    """Serve one lane to its end; its faults strike no other lane."""
    try:
        while await _serve_once(crew, session, kind, host) and kind == "receive":
            await pause(crew.stop, GATHER_FOR)
        crew.went_well.add(kind)
    except DatabaseUnavailable:
        crew.miss()
    except Exception:
        LOG.exception("lane fault", extra={"kind": kind, "host": host})
        await pause(crew.stop, PAUSE_AFTER_FAULT)


async def _serve_once(crew: _Crew, session: Session, kind: Kind, host: Host) -> bool:
    if kind == "receive":
        return await receive.serve(crew.deps, host, session.worker, crew.pace)
    return await deliver.serve(crew.deps, crew.sender, host, session.worker)


async def _prune(crew: _Crew) -> None:
    while True:
        await housekeeping.step(crew.deps)
        crew.went_well.add("housekeeping")
        await pause(crew.stop, PRUNE_EVERY)
