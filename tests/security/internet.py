"""Every other server there is, as an attacker or an honest admin would set it up: one table of answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from federation import uris
from federation.errors import Unreachable
from federation.http import Reply, Transport
from federation.uris import Host, Uri

AS1 = "application/activity+json"


@dataclass
class Internet:
    """A `Transport`: answers by address, counts what is asked of whom, may be dark or never answer."""

    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    dark: set[Host] = field(default_factory=set)
    silent: set[Host] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    guard: Transport | None = None
    """What is asked for addresses and names that are not `.example`: the real client, which has to refuse."""

    def serve(
        self,
        uri: str,
        document: Any = None,
        *,
        status: int = 200,
        kind: str = AS1,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer at this address with a document, as JSON unless it is bytes."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.pages[uri] = (status, {"content-type": kind, **(headers or {})}, body)

    def redirect(self, uri: str, to: str) -> None:
        """Send whoever asks here to another address."""
        self.pages[uri] = (302, {"location": to}, b"")

    def gone(self, uri: str) -> None:
        """Answer 410 here from now on."""
        self.pages[uri] = (410, {}, b"")

    def asked_of(self, host: str) -> list[str]:
        """Return what was asked of one host."""
        return [uri for uri in self.asked if uris.host(uri) == host]

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", *, limit: int, seconds: float
    ) -> Reply:
        self.asked.append(uri)
        host = uris.host(uri)
        if self.guard is not None and not host.endswith(".example"):
            return await self.guard.send(method, uri, headers, body, limit=limit, seconds=seconds)
        if host in self.dark:
            raise Unreachable("timeout")
        if host in self.silent:
            await asyncio.Event().wait()
        status, sent, content = self.pages.get(uri, (404, {}, b""))
        if len(content) > limit:
            raise Unreachable("too_large")
        return Reply(status, dict(sent), content, uri)
