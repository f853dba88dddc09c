"""Keep the workers going: lanes as pgqueuer wakes them, due rows besides, housekeeping by the hour.

A wake-up is a hint that may be lost or come too late (a lane that is just being finished counts as awake);
so due rows are looked for
twice a second as well, and lane leases keep two workers apart whoever called them.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from federation.uris import Host
from fediverse_support.db.pool import DatabaseUnavailable
from fediverse_support.deps import Deps
from fediverse_support.store import queues
from fediverse_support.store.queues import Kind
from fediverse_support.workers import deliver, housekeeping, lanes, receive
from fediverse_support.workers.deliver import Sender
from fediverse_support.workers.pace import Pace, pause

if TYPE_CHECKING:
    from pgqueuer.models import Job

LOG: Final = logging.getLogger(__name__)

LANES_AT_ONCE: Final[dict[Kind, int]] = {"receive": 16, "deliver": 32}
LOOK_EVERY: Final = 0.5
GATHER_FOR: Final = 0.2
"""So long a host that goes on sending is let gather: together, many deliveries cost far less than alone."""
PRUNE_EVERY: Final = 3600.0
PAUSE_AFTER_FAULT: Final = 2.0


def _slots() -> dict[Kind, asyncio.Semaphore]:
    return {kind: asyncio.Semaphore(count) for kind, count in LANES_AT_ONCE.items()}


@dataclass(slots=True)
class _Crew:
    """What the lanes of this process share."""

    deps: Deps
    worker: int
    stop: asyncio.Event
    pace: Pace
    sender: Sender = field(default_factory=Sender)
    slots: dict[Kind, asyncio.Semaphore] = field(default_factory=_slots)
    busy: set[tuple[Kind, Host]] = field(default_factory=set)

    async def serve(self, kind: Kind, host: Host) -> None:
        """Serve one lane to its end, unless this process does already; its faults strike no other lane."""
        if (kind, host) in self.busy:
            return
        self.busy.add((kind, host))
        try:
            while await self._serve_once(kind, host) and kind == "receive" and not self.stop.is_set():
                await pause(self.stop, GATHER_FOR)
        except DatabaseUnavailable:
            LOG.warning("database unavailable")
        except Exception:
            LOG.exception("lane fault", extra={"kind": kind, "host": host})
            await pause(self.stop, PAUSE_AFTER_FAULT)
        finally:
            self.busy.discard((kind, host))

    async def _serve_once(self, kind: Kind, host: Host) -> bool:
        async with self.slots[kind]:
            if kind == "receive":
                return await receive.serve(self.deps, host, self.worker, self.pace)
            return await deliver.serve(self.deps, self.sender, host, self.worker)


async def run(deps: Deps, stop: asyncio.Event) -> None:
    """Work until `stop` is set; faults are logged and worked around, never passed on."""
    crew = _Crew(deps, random.randint(1, 2**31 - 1), stop, Pace(deps.db, stop))  # noqa: S311  (a number, not a secret)
    tasks = [
        asyncio.create_task(_again(stop, lambda: _listen(crew, stop))),
        asyncio.create_task(_again(stop, lambda: _look(crew, stop))),
        asyncio.create_task(_again(stop, lambda: _prune(crew, stop))),
    ]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _again(stop: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    """Run something that should never end, and start it anew after a fault."""
    while not stop.is_set():
        try:
            await work()
        except DatabaseUnavailable:
            LOG.warning("database unavailable")
        except Exception:
            LOG.exception("worker fault")
        await pause(stop, PAUSE_AFTER_FAULT)


async def _listen(crew: _Crew, stop: asyncio.Event) -> None:
    """Hold this worker's number, and serve lanes as they are woken."""
    async with crew.deps.db.dedicated() as conn, crew.deps.db.dedicated() as mine:
        await queues.hold_number(mine, crew.worker)
        await queues.forget_jobs(conn)
        from pgqueuer import PgQueuer  # half a second, which start-up need not wait for

        queuer = PgQueuer.from_asyncpg_connection(conn)

        @queuer.entrypoint("receive", accepts_context=False)
        async def on_receive(job: Job) -> None:
            await crew.serve("receive", Host((job.payload or b"").decode()))

        @queuer.entrypoint("deliver", accepts_context=False)
        async def on_deliver(job: Job) -> None:
            await crew.serve("deliver", Host((job.payload or b"").decode()))

        running = asyncio.create_task(
            queuer.qm.run(
                dequeue_timeout=timedelta(seconds=5),
                batch_size=max(LANES_AT_ONCE.values()),
                heartbeat_timeout=timedelta(seconds=30),
            )
        )
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            queuer.qm.shutdown.set()
            running.cancel()
            stopping.cancel()
            await asyncio.gather(running, stopping, return_exceptions=True)


async def _look(crew: _Crew, stop: asyncio.Event) -> None:
    """Find lanes with due rows that nobody serves."""
    async with asyncio.TaskGroup() as group:
        while not stop.is_set():
            for kind, count in LANES_AT_ONCE.items():
                busy = [host for what, host in crew.busy if what == kind]
                for host in await lanes.due(crew.deps, kind, count, busy):
                    group.create_task(crew.serve(kind, host))
            await pause(stop, LOOK_EVERY)


async def _prune(crew: _Crew, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await housekeeping.step(crew.deps)
        await pause(stop, PRUNE_EVERY)
