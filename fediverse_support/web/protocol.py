"""HTTP on one connection, as uvicorn speaks it, with a time for everything the other side has to do.

A request's head, its body and the reading of an answer each have their seconds; who takes longer is hung up
on. Open connections are not work and are not counted as such; when there are very many, silent ones make
room.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 60.0
"""How long an answer may lie unread."""
LOOK_EVERY: Final = 1.0
MOST_CONNECTIONS: Final = 10_000
FILES_BESIDE: Final = 200
"""Descriptors kept for the database, the log and calls to other servers."""


class Protocol(HttpToolsProtocol):
    """One connection. `until` is when the other side must have done its next part; None while we work."""

    until: float | None = None
    most_connections: int = MOST_CONNECTIONS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request's head; where there is no room, one that is silent goes."""
        if len(self.connections) >= self.most_connections:
            silent = next((one for one in self.connections if is_silent(one)), None)
            if silent is not None:
                silent.transport.abort()
        super().connection_made(transport)
        self.until = self.loop.time() + HEAD_SECONDS

    def on_message_begin(self) -> None:
        """Note when a head must be complete: from its first byte on, however many follow."""
        super().on_message_begin()
        self.until = self.loop.time() + HEAD_SECONDS

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        super().on_headers_complete()
        self.until = self.loop.time() + BODY_SECONDS

    def on_message_complete(self) -> None:
        """From here on it is our turn."""
        super().on_message_complete()
        if not self.cycle.response_complete:
            self.until = None

    def on_response_complete(self) -> None:
        """Begin to wait until the answer has been read; an idle connection ends earlier than that."""
        super().on_response_complete()
        if not self.pipeline:
            self.until = self.loop.time() + ANSWER_SECONDS

    def hang_up_if_late(self, now: float) -> None:
        """Close the connection when the other side's time is over."""
        if self.until is not None and now > self.until:
            self.until = None
            self.transport.abort()


def is_silent(connection: Any) -> bool:
    """Say whether a connection has nothing that is being worked on."""
    return isinstance(connection, Protocol) and connection.until is not None


async def hang_up_on_the_late(connections: set[Any]) -> None:
    """Look at all connections once a second, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_EVERY)
        now = loop.time()
        for one in tuple(connections):
            if isinstance(one, Protocol):
                one.hang_up_if_late(now)


def make_room_for_connections() -> int:
    """Raise this process's limit of open files as far as it may be; return how many connections fit in it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + FILES_BESIDE
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(most, soft) - FILES_BESIDE
