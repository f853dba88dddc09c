"""A small server on loopback that can be as rude as a test wants, and a client that may reach it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import pytest

from federation.errors import Unreachable
from federation.http import Reply
from federation.uris import Uri
from fediverse_support.adapters.http_client import HttpClient

LOOPBACK = (ip_network("127.0.0.0/8"),)
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(answer: Answer, **options: Any) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Run a server on loopback; yield its base URL and the requests it got."""
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                ),
                0,
            )
            request = head + await reader.readexactly(size)
            got.append(request)
            await answer(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **options)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", got
    finally:
        server.close()


def plainly(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> Answer:
    """Return an answer with a length."""

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


def client(**options: Any) -> HttpClient:
    return HttpClient(user_agent="tests/1", **{"allow_http": True, "allow_networks": LOOPBACK, **options})


async def ask(
    uri: str, *, limit: int = 1024 * 1024, seconds: float = 5.0, method: str = "GET", **options: Any
) -> Reply:
    async with client(**options) as http:
        return await http.send(method, Uri(uri), {}, b"", limit=limit, seconds=seconds)


async def refused(uri: str, **options: Any) -> str:
    with pytest.raises(Unreachable) as caught:
        await ask(uri, **options)
    return caught.value.code
