"""A network between any two that can be cut: it hangs, or it drops, and it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Wire:
    """Takes connections on loopback and passes them on, as long as it is whole."""

    addresses: list[str]
    reach: Callable[[str], Awaitable[Ends]]
    port: int = 0
    server: asyncio.Server | None = None
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    is_dropping: bool = False
    ends: set[asyncio.StreamWriter] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Begin to listen, on one port of all addresses."""
        self.flowing.set()
        if not self.port:
            probe = await asyncio.start_server(self._carry, self.addresses[0], 0)
            self.port = probe.sockets[0].getsockname()[1]
            probe.close()
        self.server = await asyncio.start_server(self._carry, self.addresses, self.port)

    async def close(self) -> None:
        """Hang up everywhere."""
        assert self.server is not None
        self.server.close()
        self.drop()
        self.flowing.set()
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def hang(self) -> None:
        """Let nothing through, and nobody know."""
        self.flowing.clear()

    def drop(self) -> None:
        """Reset what is open, and whatever comes."""
        self.is_dropping = True
        for end in self.ends:
            end.transport.abort()

    def mend(self) -> None:
        """Let everything through again."""
        self.is_dropping = False
        self.flowing.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        far_writer: asyncio.StreamWriter | None = None
        self.ends.add(writer)
        try:
            await self.flowing.wait()
            if self.is_dropping:
                return
            far_reader, far_writer = await self.reach(writer.get_extra_info("sockname")[0])
            self.ends.add(far_writer)
            await asyncio.wait(
                [
                    asyncio.ensure_future(self._pump(reader, far_writer)),
                    asyncio.ensure_future(self._pump(far_reader, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        except OSError:
            pass
        finally:
            for end in (writer, far_writer):
                if end is not None:
                    self.ends.discard(end)
                    end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self.flowing.wait()
                writer.write(data)
                await writer.drain()
            await asyncio.sleep(0.05)  # what was written last is still on its way
        except OSError:
            return


def to_tcp(port: int, host: str | None = None) -> Callable[[str], Awaitable[Ends]]:
    """Return a way to a port of the address that was called, or of `host`."""

    async def reach(called: str) -> Ends:
        return await asyncio.open_connection(host or called, port)

    return reach


def to_socket(path: str) -> Callable[[str], Awaitable[Ends]]:
    """Return a way to a unix socket."""

    async def reach(_: str) -> Ends:
        return await asyncio.open_unix_connection(path)

    return reach
