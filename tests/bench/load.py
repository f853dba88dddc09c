"""A load generator that costs little: requests are bytes made beforehand, answers are read as far as
needed."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

CONNECTIONS = 32
"""As if so many servers spoke at once."""


@dataclass
class Result:
    """What a run gave. `seconds` is wall time."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds


async def send(port: int, requests: Sequence[bytes], *, connections: int = CONNECTIONS) -> Result:
    """Send every request once over keep-alive connections; return how long it took and what was answered."""
    waiting = iter(requests)
    statuses: Counter[int] = Counter()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for request in waiting:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                statuses[int(head[9:12])] += 1
                await _skip_body(reader, head.lower())
        finally:
            writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return Result(time.perf_counter() - started, statuses)


async def _skip_body(reader: asyncio.StreamReader, head: bytes) -> None:
    at = head.find(b"content-length:")
    if at >= 0:
        length = int(head[at + 15 : head.index(b"\r\n", at)])
        if length:
            await reader.readexactly(length)
    elif b"transfer-encoding: chunked" in head:
        while size := int((await reader.readuntil(b"\r\n"))[:-2], 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)


def get(host: str, path: str, accept: str) -> bytes:
    """Return a GET as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n\r\n".encode()
