"""How fast deliveries are applied while more come in: whoever takes them in goes first.

What was taken in is durable and can wait for a few seconds; the server that brings more cannot, and would
try again. So in a rush the workers rest between two batches, until it is over or the line has become `LATE`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from fediverse_support.db.pool import Db
from fediverse_support.store.exchange import receipts

AT_ONCE: Final = 2
"""So many batches are applied at the same time: while one waits for the database, the other computes."""
LATE: Final = timedelta(seconds=10)
RUSH: Final = 50
"""So many deliveries in a quarter of a second are a rush."""
QUARTER: Final = timedelta(seconds=0.25)
REST: Final = 6.0
"""So many times as long as a batch took is rested after it in a rush,"""
LONGEST_REST: Final = 1.0
"""but no longer than this (seconds)."""


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so many seconds, or until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


@dataclass(slots=True)
class Pace:
    """Gives out turns to apply a batch. One per process."""

    db: Db
    stop: asyncio.Event
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @asynccontextmanager
    async def turn(self, oldest: datetime) -> AsyncIterator[None]:
        """Wait for a turn, and rest at its end where that helps; `oldest` of the batch came in then."""
        async with self._turns:
            began = time.monotonic()
            yield
            took = time.monotonic() - began
            if await self._is_rush(oldest):
                await pause(self.stop, min(REST * took, LONGEST_REST))

    async def _is_rush(self, oldest: datetime) -> bool:
        now = self.db.now()
        if oldest < now - LATE:
            return False
        async with self.db.connection() as conn:
            return await receipts.count_since(conn, now - QUARTER, RUSH) == RUSH
