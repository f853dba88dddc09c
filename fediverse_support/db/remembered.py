"""What was read a moment ago and still holds, for as long as the database would tell that it changed.

The database says so itself, by triggers on what such answers rest on, in the same moment in which a change is
committed; whoever hears that forgets everything. Nothing is taken from memory without an ear, nor when it has
been longer than `SURE_FOR` since the ear's own session answered a question: whatever was committed before the
answer was heard before it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from fediverse_support.db.pool import Conn, DatabaseUnavailable, Db

CHANNEL: Final = "fediverse_support_changes"
SURE_FOR: Final = 2.0
ASK_EVERY: Final = 1.0
ANSWER_WITHIN: Final = 2.0
AGAIN_AFTER: Final = 5.0
MOST: Final = 4096
HEARS: Final = "select $1 in (select pg_listening_channels())"


@dataclass(slots=True)
class Remembered:
    """A bounded memory, the oldest out first. `edition` changes whenever everything was forgotten."""

    clock: Callable[[], float] = time.monotonic
    edition: int = 0
    _sure_until: float = float("-inf")
    _found: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_sure(self) -> bool:
        """Say whether a change would have been heard of."""
        return self.clock() <= self._sure_until

    def recall(self, key: Any) -> Any:
        """Return what was kept under `key` if it surely holds still, else None."""
        self._wanted.set()
        return self._found.get(key) if self.is_sure else None

    def keep(self, key: Any, value: Any, edition: int) -> None:
        """Keep an answer. `edition` is that from before it was asked for: a change since may not be in it."""
        if edition != self.edition or not self.is_sure:
            return
        self._found[key] = value
        if len(self._found) > MOST:
            self._found.popitem(last=False)

    def forget(self) -> None:
        """Forget everything, what is being asked for at this moment too."""
        self.edition += 1
        self._found.clear()

    def confirm(self, since: float) -> None:
        """Trust what is kept for a while from `since` on: when a question began that the ear has answered."""
        self._sure_until = max(self._sure_until, since + SURE_FOR)

    def doubt(self) -> None:
        """Take nothing from here before the next `confirm`: nobody listens."""
        self._sure_until = float("-inf")
        self.forget()

    async def listen(self, db: Db) -> None:
        """Listen until cancelled, with a fresh session after each that was lost; asks nothing while idle."""
        while True:
            try:
                async with db.dedicated() as conn:
                    await self._hear(conn)
            except (DatabaseUnavailable, TimeoutError):
                pass
            finally:
                self.doubt()
            await asyncio.sleep(AGAIN_AFTER)

    async def _hear(self, conn: Conn) -> None:
        conn.add_termination_listener(lambda _: self.doubt())
        await conn.add_listener(CHANNEL, lambda *_: self.forget())
        self.forget()
        while True:
            since = self.clock()
            if not await conn.fetchval(HEARS, CHANNEL, timeout=ANSWER_WITHIN):
                return  # a pooler gave the session to somebody else
            self.confirm(since)
            self._wanted.clear()
            await asyncio.sleep(ASK_EVERY)
            await self._wanted.wait()
