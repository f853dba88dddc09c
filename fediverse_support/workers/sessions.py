"""A worker's session of the database: its number, and the ear for hints that there is work.

Both end together. Whoever lost a session gives up what was held under its number and begins anew with a fresh
one: a number that outlived its session would pass for living, and keep lanes that nobody serves.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from fediverse_support.db.pool import Conn, DatabaseUnavailable, Db
from fediverse_support.store import jobs
from fediverse_support.store.exchange import queues

PING_EVERY: Final = 10.0
PING_FOR: Final = 10.0
"""Seconds: a session that answers nothing for so long is lost, even if nobody hung up."""


@dataclass(slots=True)
class Session:
    """A number that is held, and what is heard meanwhile: of lanes with work (`hint`), and of errands."""

    worker: int = field(default_factory=lambda: random.randint(1, 2**31 - 1))  # noqa: S311 (not a secret)
    hint: asyncio.Event = field(default_factory=asyncio.Event)
    errand: asyncio.Event = field(default_factory=asyncio.Event)
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, kind: str) -> None:
        """Note that there is work of a kind."""
        (self.errand if kind == jobs.HINT else self.hint).set()

    async def lasts(self, conn: Conn) -> None:
        """Return when the session is lost."""
        while not self.lost.is_set():
            try:
                async with asyncio.timeout(PING_EVERY):
                    await self.lost.wait()
            except TimeoutError:
                if not await queues.lives(conn, PING_FOR):
                    return


@asynccontextmanager
async def opened(db: Db) -> AsyncIterator[Session]:
    """Hold a fresh number and listen; raise `DatabaseUnavailable` in the body when either is lost."""
    async with db.dedicated() as holding, db.dedicated() as listening:
        session = Session()
        for conn in (holding, listening):
            conn.add_termination_listener(lambda _: session.lost.set())
        await queues.listen(listening, session.hear)
        async with queues.numbered(holding, session.worker):
            lasting = asyncio.create_task(session.lasts(holding))
            try:
                async with _cancelled_by(lasting):
                    yield session
            finally:
                lasting.cancel()
                await asyncio.wait([lasting])  # the connection is its own until then


@asynccontextmanager
async def _cancelled_by(ending: asyncio.Task[None]) -> AsyncIterator[None]:
    """Cut the body off when a task ends; raise `DatabaseUnavailable` then."""
    body = asyncio.current_task()
    assert body is not None  # noqa: S101 (a coroutine runs in a task)
    ending.add_done_callback(lambda done: None if done.cancelled() else body.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if ending.done() and not ending.cancelled() and body.uncancel() == 0:
            raise DatabaseUnavailable("The database went away.") from None
        raise
