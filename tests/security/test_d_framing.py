"""Where one request ends and the next begins, asked of the real HTTP server (case D23)."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
import uvicorn

from fediverse_support.cli import children
from tests.integration.edge import AS1
from tests.security.support import EVE, Place

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: support.example\r\n\r\n"
HEAD = f"POST /ap/inbox HTTP/1.1\r\nHost: support.example\r\nContent-Type: {AS1}\r\n".encode()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Any:
        yield


@asynccontextmanager
async def served(place: Place) -> AsyncIterator[int]:
    """Let the real server, set up as in production, serve the place; gives its port."""
    config = children._uvicorn_config(place.app, place.deps.settings)
    config.timeout_keep_alive = 1
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Server(config)
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def talk(port: int, sent: bytes, *, hang_up: bool = False) -> bytes:
    """Send bytes and return everything that is answered until the other side ends, or has nothing to say."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    if hang_up:
        writer.write_eof()
    answered = b""
    with suppress(TimeoutError):
        while part := await asyncio.wait_for(reader.read(65536), 3):
            answered += part
    writer.close()
    return answered


CHUNK = b"%x\r\n%s\r\n"
TRICKS = {
    "both lengths, chunked wins": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + HIDDEN,
    "both lengths, length wins": b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n%s"
    % (len(HIDDEN) + 5, HIDDEN),
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n%s" % (len(HIDDEN), HIDDEN),
    "a list of lengths": b"Content-Length: 0, %d\r\n\r\n%s" % (len(HIDDEN), HIDDEN),
    "a blank in the name": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "nearly chunked": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a folded line": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "garbage after a chunk": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX\r\n0\r\n\r\n" + HIDDEN,
    "a bare line feed": b"Transfer-Encoding: chunked\n\n0\n\n" + HIDDEN,
    "a negative length": b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "an endless chunk size": b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n" + HIDDEN,
}


@pytest.mark.parametrize("rest", TRICKS.values(), ids=TRICKS)
async def test_D23_no_request_hides_in_another(place: Place, rest: bytes) -> None:
    async with place.no_effect():
        async with served(place) as port:
            answered = await talk(port, HEAD + rest)
    lines = [line for line in answered.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert lines
    assert not any(b" 200" in line or b" 202" in line or b" 500" in line for line in lines), lines


async def test_D23_a_body_that_ends_early_is_nothing(place: Place) -> None:
    body = b'{"type": "Create"'
    async with place.no_effect():
        async with served(place) as port:
            answered = await talk(port, HEAD + b"Content-Length: 500\r\n\r\n" + body, hang_up=True)
            assert b" 202" not in answered and b" 500 " not in answered
            cut = CHUNK % (len(body), body)
            answered = await talk(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + cut, hang_up=True)
            assert b" 202" not in answered and b" 500 " not in answered


async def test_D23_an_honest_delivery_passes_the_same_server(place: Place) -> None:
    act = place.create(EVE)
    wire = place.signed(EVE, json.dumps(act).encode())
    head = "".join(f"{name}: {value}\r\n" for name, value in wire.headers)
    async with served(place) as port:
        for framing, body in (
            (f"Content-Length: {len(wire.body)}\r\n", wire.body),
            ("Transfer-Encoding: chunked\r\n", CHUNK % (len(wire.body), wire.body) + b"0\r\n\r\n"),
        ):
            request = f"POST {wire.target} HTTP/1.1\r\n{head}{framing}Connection: close\r\n\r\n".encode()
            assert (await talk(port, request + body)).startswith(b"HTTP/1.1 202")
    await place.settle()
    assert await place.post_of(act["object"]["id"]) is not None
