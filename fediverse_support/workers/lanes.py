"""Taking a lane, and giving it back whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from federation.uris import Host
from fediverse_support.db.pool import Db
from fediverse_support.deps import Deps
from fediverse_support.store.exchange import queues
from fediverse_support.store.exchange.queues import Kind

LONGEST_VISIT: Final = timedelta(minutes=1)
"""After so long a lane is given back and taken anew: one that is held much longer is stuck, and shows."""


@dataclass(slots=True)
class Lane:
    """A lane that is held. What is set here is written when it is given back."""

    kind: Kind
    host: Host
    lease: UUID
    failures: int
    held_at: datetime
    due_at: datetime | None = None

    def is_old(self, now: datetime) -> bool:
        """Say whether it is time to give the lane back, even if there is more to do."""
        return now - self.held_at > LONGEST_VISIT


@asynccontextmanager
async def held(db: Db, kind: Kind, host: Host, worker: int) -> AsyncIterator[Lane | None]:
    """Hold the lane of a host; None when another worker has it or it rests."""
    lease = uuid4()
    now = db.now()
    async with db.connection() as conn:
        failures = await queues.claim(conn, kind, host, worker, lease, now)
    if failures is None:
        yield None
        return
    lane = Lane(kind, host, lease, failures, now)
    try:
        yield lane
    finally:
        async with db.connection() as conn:
            await queues.release(conn, kind, host, lease, failures=lane.failures, due_at=lane.due_at)


async def due(deps: Deps, limit: int, busy: Collection[Host] = ()) -> list[Host]:
    """Return hosts from which something waits that may be applied now, other than those in `busy`."""
    async with deps.db.connection() as conn:
        mode = (await deps.house(conn)).federation
        return await queues.due_lanes(conn, deps.db.now(), limit, mode=mode, busy=busy)
