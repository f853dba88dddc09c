"""Whose turn it is: a bound on the work that is done at once, not on the connections that are open.

Who finds all places taken waits in a line of their own, and the lines are served in turn, so that a crowd of
two thousand is served to the last and a single caller with many requests holds up nobody else. Of one caller
only a few reads are worked on at once: lists may be slow, and what is slow must not fill every place.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fediverse_support.web.errors import answer
from fediverse_support.web.limits import Disconnected, place_of

READS_AT_ONCE: Final = 60
READS_OF_ONE: Final = 3
"""Fewer than the connections any edge has for itself."""
WRITES_AT_ONCE: Final = 60
WRITES_OF_ONE: Final = 50
"""What is stored comes quickly and together: one server's deliveries share a commit."""
MOST_WAITING: Final = 5_000
WAIT_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 15
BODY_READ_FIRST: Final = 64 * 1024
"""So much of a body is waited for before a place is taken: who sends slowly holds up nobody."""
FREE: Final = ("/help", "/healthz", "/readyz", "/metrics", "/static/")
"""What is answered at once however much there is to do."""
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Turns:
    """The places where work of one kind is done, and the lines before them, by caller; one per process."""

    at_once: int
    of_one: int
    most_waiting: int = MOST_WAITING
    wait_seconds: float = WAIT_SECONDS
    _working: Counter[str] = field(default_factory=Counter)
    _at_work: int = 0
    _lines: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)
    _waiting: int = 0

    async def take(self, caller: str) -> bool:
        """Take a place, waiting for it if need be; False where the lines are too long or the wait is."""
        if caller not in self._lines and self._has_place_for(caller):
            self._enter(caller)
            return True
        if self._waiting >= self.most_waiting:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(caller, deque()).append(turn)
        self._waiting += 1
        try:
            async with asyncio.timeout(self.wait_seconds):
                await turn
        except TimeoutError:
            pass  # or called at the very last moment
        except asyncio.CancelledError:
            if _is_called(turn):
                self.give_back(caller)
            raise
        finally:
            self._waiting -= 1
            self._leave_line(caller, turn)
        return _is_called(turn)

    def give_back(self, caller: str) -> None:
        """Leave a place, and call whose turn it is."""
        self._at_work -= 1
        self._working[caller] -= 1
        if not self._working[caller]:
            del self._working[caller]
        self._call_next()

    def _has_place_for(self, caller: str) -> bool:
        return self._at_work < self.at_once and self._working[caller] < self.of_one

    def _enter(self, caller: str) -> None:
        self._at_work += 1
        self._working[caller] += 1

    def _call_next(self) -> None:
        """Give free places to the lines, the one that was served longest ago first."""
        while self._at_work < self.at_once:
            caller = next((one for one in self._lines if self._has_place_for(one)), None)
            if caller is None:
                return
            line = self._lines.pop(caller)
            turn = line.popleft()
            if line:
                self._lines[caller] = line  # behind all others
            if not turn.done():
                self._enter(caller)
                turn.set_result(None)

    def _leave_line(self, caller: str, turn: asyncio.Future[None]) -> None:
        if (line := self._lines.get(caller)) is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._lines[caller]


def _is_called(turn: asyncio.Future[None]) -> bool:
    return turn.done() and not turn.cancelled()


class InTurn:
    """Lets requests in one after the other where there are many."""

    def __init__(self, app: ASGIApp, *, reads: Turns | None = None, writes: Turns | None = None) -> None:
        self.app = app
        self.reads = reads or Turns(READS_AT_ONCE, READS_OF_ONE)
        self.writes = writes or Turns(WRITES_AT_ONCE, WRITES_OF_ONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request when it is its turn, or refuse it with 503."""
        if scope["path"].startswith(FREE):
            await self.app(scope, receive, send)
            return
        if scope["method"] in READS:
            turns = self.reads
        else:
            turns, receive = self.writes, await _with_body(receive)
        caller = place_of(scope)
        if not await turns.take(caller):
            sentence = "This server has more to do than it can. Please try again in a moment."
            await answer(send, scope, 503, sentence, retry_after=RETRY_SECONDS)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            turns.give_back(caller)


async def _with_body(receive: Receive) -> Receive:
    """Read the first part of a body, and return what hands it out again before it reads on.

    Raises `Disconnected` when the caller goes away before it has come.
    """
    heard: deque[Message] = deque()
    size, has_more = 0, True
    while has_more and size < BODY_READ_FIRST:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        heard.append(message)
        size += len(message.get("body", b""))
        has_more = message.get("more_body", False)

    async def again() -> Message:
        return heard.popleft() if heard else await receive()

    return again
