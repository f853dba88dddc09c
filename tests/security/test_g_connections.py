"""Many connections, silent ones, slow ones: none of them is work, and none stands in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fediverse_support.web import protocol
from fediverse_support.web.app import assemble
from fediverse_support.web.protocol import Protocol, make_room_for_connections

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEAD = b"GET / HTTP/1.1\r\nHost: localhost:8000\r\n"


async def hello(request: Request) -> Response:
    await asyncio.sleep(0)
    return PlainTextResponse(str(len(await request.body())))


async def endless(request: Request) -> Response:
    return PlainTextResponse("x" * 8_000_000)


@dataclass
class Served:
    """A server on loopback in this process, whose time a test steps by itself."""

    server: uvicorn.Server
    port: int
    opened: list[asyncio.StreamWriter] = field(default_factory=list)

    async def open(self, *sent: bytes) -> Line:
        line = await asyncio.open_connection("127.0.0.1", self.port)
        self.opened.append(line[1])
        line[1].write(b"".join(sent))
        await line[1].drain()
        return line

    async def ask(self, *sent: bytes) -> bytes:
        reader, writer = await self.open(*sent)
        status = await reader.readline()
        writer.close()
        return status

    async def sees(self, count: int) -> None:
        """Wait until so many connections stand and what was sent on them has been read."""
        while len(self.server.server_state.connections) < count:
            await asyncio.sleep(0.01)
        for _ in range(5):
            await asyncio.sleep(0.01)

    def pass_by(self, seconds: float) -> None:
        now = asyncio.get_running_loop().time() + seconds
        for one in tuple(self.server.server_state.connections):
            assert isinstance(one, Protocol)
            one.hang_up_if_late(now)


@pytest.fixture
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    room = make_room_for_connections()

    class Bounded(Protocol):
        most_connections = getattr(request, "param", room)

    routes = [
        Route("/", hello, methods=["GET", "POST"]), Route("/help", hello), Route("/endless", endless),
        Route("/healthz", hello),
    ]  # fmt: skip
    app = assemble(routes, base_url="http://localhost:8000")
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http=Bounded, ws="none", lifespan="off", log_config=None, backlog=2048,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    made = Served(server, server.servers[0].sockets[0].getsockname()[1])
    yield made
    for writer in made.opened:
        writer.transport.abort()
    server.should_exit = True
    await running


async def test_g15_silent_connections_keep_nobody_out_and_are_hung_up_on(served: Served) -> None:
    silent = [await served.open(HEAD if number % 2 else b"") for number in range(1000)]
    await served.sees(1000)
    for path in (b"/", b"/help"):
        asked = HEAD.replace(b"/ ", path + b" ", 1)
        assert await served.ask(asked, b"\r\n") == b"HTTP/1.1 200 OK\r\n"
    served.pass_by(protocol.HEAD_SECONDS + 1)
    for reader, _ in silent:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)


async def test_g15_bytes_that_trickle_buy_no_time(served: Served) -> None:
    reader, writer = await served.open(b"GET / HT")
    await served.sees(1)
    [connection] = served.server.server_state.connections
    assert isinstance(connection, Protocol)
    until = connection.until
    writer.write(b"TP/1.1\r\nHost: ")
    await writer.drain()
    await served.sees(1)
    assert connection.until == until
    writer.write(b"localhost:8000\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()


async def test_g15_a_body_that_never_ends_is_hung_up_on(served: Served) -> None:
    head = HEAD.replace(b"GET", b"POST") + b"Content-Length: 100\r\n\r\n"
    reader, _ = await served.open(head, b"some")
    await served.sees(1)
    served.pass_by(protocol.HEAD_SECONDS + 1)
    await served.sees(1)
    served.pass_by(protocol.BODY_SECONDS + 1)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readexactly(1)


async def test_g15_an_answer_that_nobody_reads_is_given_up(served: Served) -> None:
    await served.open(HEAD.replace(b"/ ", b"/endless ", 1), b"\r\n")
    await served.sees(1)
    served.pass_by(protocol.ANSWER_SECONDS + 1)
    while served.server.server_state.connections:
        await asyncio.sleep(0.01)


async def test_a_herd_of_two_thousand_is_served_to_the_last(served: Served) -> None:
    found = await asyncio.gather(*(served.ask(HEAD, b"\r\n") for _ in range(2000)))
    assert set(found) == {b"HTTP/1.1 200 OK\r\n"}


@pytest.mark.parametrize("served", [50], indirect=True)
async def test_where_there_is_no_room_a_silent_one_goes(served: Served) -> None:
    silent = [await served.open() for _ in range(50)]
    await served.sees(50)
    assert await served.ask(HEAD, b"\r\n") == b"HTTP/1.1 200 OK\r\n"
    ends = [asyncio.create_task(reader.read(1)) for reader, _ in silent]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    await asyncio.gather(*ends, return_exceptions=True)


@pytest.mark.parametrize("path", [b"/", b"/help", b"/healthz"])
async def test_two_names_in_one_request_are_refused_everywhere(served: Served, path: bytes) -> None:
    for second in (b"localhost:8000", b"evil.example"):
        head = HEAD.replace(b"/ ", path + b" ", 1) + b"Host: " + second + b"\r\n\r\n"
        assert await served.ask(head) == b"HTTP/1.1 400 Bad Request\r\n"
    nameless = b"GET " + path + b" HTTP/1.1\r\n\r\n"
    assert await served.ask(nameless) == b"HTTP/1.1 400 Bad Request\r\n"
