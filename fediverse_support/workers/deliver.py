"""Send what is due, one lane a host; what fails waits its turn and nothing is lost.

Lanes are taken, read and given back by the dozen; each is a visit of its own meanwhile
(`workers.visits`), so that nobody waits for anybody else's silence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from federation.uris import Host
from fediverse_support.db.pool import Conn, Db
from fediverse_support.deps import Deps
from fediverse_support.store.exchange import deliveries
from fediverse_support.store.exchange.deliveries import Lane, Wanted
from fediverse_support.workers.visits import Sender, Visit

LOG: Final = logging.getLogger(__name__)

BATCH: Final = 50
GATHER_FOR: Final = 0.03
"""So many seconds visits that ended wait for others, to be written down together."""


async def step(deps: Deps, sender: Sender, worker: int = 0) -> bool:
    """Make one visit, or one and one to a host that failed lately; False when nothing is due."""
    mode = (await deps.house()).federation
    wanted = Wanted(worker, uuid4(), healthy=1, failing=1, after="", mode=mode)
    return await make_all(deps, await take(deps, sender, wanted))


async def serve(deps: Deps, sender: Sender, host: Host, worker: int) -> bool:
    """Visit one host; False when another worker has its lane or nothing is due."""
    async with deps.db.connection() as conn:
        lane = await deliveries.take_lane(conn, host, worker, uuid4(), deps.db.now())
        visits = [] if lane is None else await _read(conn, deps, sender, [lane])
    return await make_all(deps, visits)


async def make_all(deps: Deps, visits: Sequence[Visit]) -> bool:
    """Make visits one after the other; say whether there was anything to do."""
    desk = Desk(deps.db, gather_for=0.0)
    try:
        for visit in visits:
            try:
                await visit.make()
            finally:
                await desk.settle(visit)
    finally:
        await desk.finish()
    return any(visit.is_useful for visit in visits)


async def take(deps: Deps, sender: Sender, wanted: Wanted) -> list[Visit]:
    """Take lanes with what is due in them, in the order of hosts; each has to be made and settled."""
    async with deps.db.connection() as conn:
        lanes = await deliveries.take_lanes(conn, wanted, deps.db.now())
        return await _read(conn, deps, sender, lanes)


async def _read(conn: Conn, deps: Deps, sender: Sender, lanes: Sequence[Lane]) -> list[Visit]:
    """Read what is due in lanes that are held: each activity once, however many get it."""
    if not lanes:
        return []
    visits = {lane.host: Visit(deps, sender, lane) for lane in lanes}
    mode = (await deps.house(conn)).federation
    jobs = await deliveries.take_deliveries(conn, list(visits), deps.db.now(), BATCH, mode)
    documents = await deliveries.find_documents(conn, {job.activity_id for job in jobs}) if jobs else {}
    if unknown := {job.sender_id for job in jobs} - sender.signers.keys():
        sender.learn(await deliveries.find_keys(conn, unknown), deps.secret)
    for job in jobs:
        if job.activity_id in documents:
            visits[job.host].add(job, documents[job.activity_id])
    return list(visits.values())


@dataclass(slots=True)
class Desk:
    """Where visits that ended are written down, together; `count` is how many deliveries arrived. One per
    process.

    Writing belongs to the desk: it goes on although whoever waited for it is cut off, until `finish`.
    """

    db: Db
    gather_for: float = GATHER_FOR
    count: int = 0
    _waiting: list[Visit] = field(default_factory=list)
    _turn: asyncio.Task[None] | None = None
    _writing: set[asyncio.Task[None]] = field(default_factory=set)

    async def settle(self, visit: Visit) -> None:
        """Return when what arrived is written down and the lane is given back."""
        self._waiting.append(visit)
        if self._turn is None:
            self._turn = asyncio.create_task(self._write())
            self._writing.add(self._turn)
            self._turn.add_done_callback(self._written)
        await asyncio.shield(self._turn)

    async def finish(self) -> None:
        """Return when nothing is being written down any more; call it while the lanes are still held.

        What could not be written down is sent again once the lanes are taken anew, which receivers bear.
        """
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def _write(self) -> None:
        await asyncio.sleep(self.gather_for)
        self._turn = None
        visits, self._waiting = self._waiting, []
        arrived = [number for visit in visits for number in visit.arrived]
        async with self.db.connection() as conn:
            await deliveries.settle(conn, [visit.lane for visit in visits], arrived, self.db.now())
        self.count += len(arrived)

    def _written(self, turn: asyncio.Task[None]) -> None:
        self._writing.discard(turn)
        if not turn.cancelled() and (fault := turn.exception()) is not None:
            # Whoever still waits hears of it too.
            LOG.warning("not written down", extra={"error": type(fault).__name__})
