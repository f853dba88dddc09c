"""The rest of the world on loopback: inboxes that only listen, and an author with a key."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from federation import keys, signatures, vocab, writing
from federation.uris import Uri
from fediverse_support.adapters.http_client import HttpClient
from tests.builders import private_pem

HOSTS = 20
ADDRESSES = tuple(f"127.0.0.{2 + number}" for number in range(HOSTS))
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


@dataclass
class World:
    """One listener under twenty addresses. `got` counts, per inbox, the activities that arrived there."""

    port: int = 0
    got: dict[str, Counter[str]] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    count: int = 0
    server: asyncio.Server | None = None
    open_lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> None:
        """Start to listen."""
        first = await asyncio.start_server(self._serve, ADDRESSES[0], 0)
        self.port = first.sockets[0].getsockname()[1]
        first.close()
        self.server = await asyncio.start_server(self._serve, list(ADDRESSES), self.port)

    async def close(self) -> None:
        """Stop to listen, and hang up."""
        assert self.server is not None
        self.server.close()
        for writer in self.open_lines:
            writer.close()
        await asyncio.sleep(0)
        await asyncio.gather(*(writer.wait_closed() for writer in self.open_lines), return_exceptions=True)

    async def hears(self, how_many: int) -> None:
        """Wait until so many requests have arrived since the last `forget`."""
        async with self.arrived, asyncio.timeout(60):
            await self.arrived.wait_for(lambda: self.count >= how_many)

    def forget(self) -> None:
        """Count anew."""
        self.count = 0

    def hear(self, address: str, body: bytes) -> None:
        """Note what arrived in an inbox."""
        self.got.setdefault(address, Counter())[json.loads(body)["object"]["id"]] += 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_lines.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                request, *lines = head.decode("latin-1").split("\r\n")
                named = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
                body = await reader.readexactly(int(named.get("content-length", 0)))
                method, target = request.split()[:2]
                await self._answer(writer, method, target, named["host"], body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open_lines.discard(writer)
            writer.close()

    async def _answer(
        self, writer: asyncio.StreamWriter, verb: str, path: str, host: str, body: bytes
    ) -> None:
        address = f"http://{host}{path}"
        found = self.documents.get(address, b"")
        if verb == "POST":
            await asyncio.sleep(0.005)  # a far server takes its time
            self.hear(address, body)
        status = "202 Accepted" if verb == "POST" else "200 OK" if found else "404 Not Found"
        writer.write(
            f"HTTP/1.1 {status}\r\ncontent-type: application/activity+json\r\n"
            f"content-length: {len(found)}\r\n\r\n".encode()
            + found
        )
        await writer.drain()
        async with self.arrived:
            self.count += 1
            self.arrived.notify_all()


@dataclass(frozen=True)
class Author:
    """Io, who writes into our group from elsewhere and tries again until told that it was taken."""

    uri: Uri
    inbox: Uri
    group: Uri

    @property
    def key_id(self) -> Uri:
        return Uri(f"{self.uri}#main-key")

    def document(self) -> bytes:
        """Return io's actor document."""
        pem = keys.public_pem(keys.load_private(private_pem(0)))
        return writing.write(
            vocab.Actor(
                id=self.uri, kind="Person", preferred_username="iolanthe", inbox=Uri(f"{self.uri}/inbox"),
                keys=(vocab.PublicKey(id=self.key_id, owner=self.uri, pem=pem),),
            )
        )  # fmt: skip

    def note(self, name: str) -> tuple[str, bytes]:
        """Write a Create; return the id of its post and the body."""
        uri = f"{self.uri}/notes/{name}"
        document = {
            "@context": "https://www.w3.org/ns/activitystreams", "id": f"{uri}/create", "type": "Create",
            "actor": self.uri, "to": [PUBLIC, self.group],
            "object": {
                "id": uri, "type": "Note", "attributedTo": self.uri, "content": f"<p>{name}</p>",
                "to": [PUBLIC, self.group], "audience": self.group,
            },
        }  # fmt: skip
        return uri, json.dumps(document).encode()

    async def deliver(self, client: HttpClient, body: bytes, now: datetime) -> int:
        """POST it, signed; return the status. Raises `Unreachable`."""
        headers = signatures.sign(
            "POST", self.inbox, {"Content-Type": "application/activity+json"}, body, key_id=self.key_id,
            private=keys.load_private(private_pem(0)), now=now,
        )  # fmt: skip
        reply = await client.send("POST", self.inbox, headers, body, limit=65536, seconds=15)
        return reply.status
