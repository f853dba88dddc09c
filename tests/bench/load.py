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


class Sink:
    """An inbox on many ports that takes everything and counts it."""

    def __init__(self) -> None:
        self.count = 0
        self._servers: list[asyncio.Server] = []

    async def open(self, ports: range) -> None:
        for port in ports:
            self._servers.append(await asyncio.start_server(self._serve, "127.0.0.1", port))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await _skip_body(reader, head)
                self.count += 1
                writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def reached(self, count: int, *, within: float = 120.0) -> float:
        """Wait until so many requests came; return how long that took."""
        started = time.perf_counter()
        while self.count < count and time.perf_counter() - started < within:
            await asyncio.sleep(0.002)
        return time.perf_counter() - started

    def close(self) -> None:
        for server in self._servers:
            server.close()
