"""A TLS terminator before every server of an exchange. It passes on what it gets, unchanged, and keeps a
journal."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import uvicorn
from multidict import CIMultiDict
from starlette.types import ASGIApp, Receive, Scope, Send
from yarl import URL

from tests.interop.authority import Certificates

KEPT = (
    "accept",
    "content-digest",
    "content-type",
    "date",
    "digest",
    "host",
    "signature",
    "signature-input",
    "user-agent",
)
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "te", "trailer"}


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    to: str
    at: datetime
    method: str
    target: str
    headers: dict[str, str]
    body: str
    status: int
    answer_type: str
    answer: str

    @property
    def spec(self) -> str:
        """How it was signed."""
        if "signature-input" in self.headers:
            return "rfc9421"
        return "cavage" if "signature" in self.headers else "none"


@dataclass
class Journal:
    """All that crossed, and between it what people here did, in order."""

    entries: list[Exchange | dict[str, Any]] = field(default_factory=list)

    def did(self, deed: dict[str, Any]) -> None:
        """Note what somebody here did."""
        self.entries.append({"at": datetime.now(UTC).isoformat(), **deed})

    def exchanges(self, to: str, method: str = "POST") -> list[Exchange]:
        """Return the requests that reached one server, in order."""
        return [
            entry
            for entry in self.entries
            if isinstance(entry, Exchange) and entry.to == to and entry.method == method
        ]


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the test run keeps its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Front:
    """What others see of a server: https on a port of 127.0.0.1."""

    name: str
    listener: socket.socket
    journal: Journal
    back_port: int
    session: aiohttp.ClientSession | None = None

    @property
    def host(self) -> str:
        """Address and port: the domain in handles."""
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    @property
    def origin(self) -> str:
        return f"https://{self.host}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on and its answer back."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        target = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        headers = CIMultiDict(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
            if name.decode("latin-1") not in HOP_BY_HOP
        )
        at = datetime.now(UTC)
        status, answered, answer = await self._ask(scope["method"], target, headers, body)
        self.journal.entries.append(
            Exchange(
                to=self.name,
                at=at,
                method=scope["method"],
                target=target,
                headers={name.lower(): value for name, value in headers.items() if name.lower() in KEPT},
                body=body.decode(),
                status=status,
                answer_type=answered.get("content-type", ""),
                answer=answer.decode("utf-8", "replace"),
            )
        )
        passed = [(name.lower().encode(), value.encode("latin-1")) for name, value in answered.items()]
        passed = [(name, value) for name, value in passed if name.decode() not in HOP_BY_HOP]
        passed.append((b"content-length", str(len(answer)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": passed})
        await send({"type": "http.response.body", "body": answer})

    async def _ask(
        self, method: str, target: str, headers: CIMultiDict[str], body: bytes
    ) -> tuple[int, CIMultiDict[str], bytes]:
        assert self.session is not None
        url = URL(f"http://127.0.0.1:{self.back_port}{target}", encoded=True)
        passed = CIMultiDict(headers)
        passed["X-Forwarded-Proto"] = "https"
        try:
            async with self.session.request(
                method,
                url,
                headers=passed,
                data=body or None,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                allow_redirects=False,
            ) as got:
                return got.status, CIMultiDict(got.headers), await got.read()
        except aiohttp.ClientError:
            return 502, CIMultiDict(), b""


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def listening() -> socket.socket:
    """Return a socket bound to a free port of 127.0.0.1."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with listening() as listener:
        return int(listener.getsockname()[1])


@asynccontextmanager
async def fronting(front: Front, certificates: Certificates) -> AsyncIterator[None]:
    """Serve a front while the context lasts; inside that of the server behind it, so that nobody is connected
    to that any more when it is told to stop."""
    async with aiohttp.ClientSession(auto_decompress=False) as front.session:
        async with serving(front, front.listener, certificates):
            yield


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket, certificates: Certificates) -> AsyncIterator[None]:
    """Serve an application over TLS while the context lasts."""
    config = uvicorn.Config(
        app,
        log_level="critical",
        lifespan="off",
        access_log=False,
        ws="none",
        proxy_headers=False,
        ssl_certfile=certificates.chain,
        ssl_keyfile=certificates.key,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task
