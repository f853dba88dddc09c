"""Drive an ASGI application without a socket: one request in, the whole answer out, the target untouched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp


@dataclass(frozen=True)
class Got:
    """An answer; header names are lower-case, the last of a name wins."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


async def ask(
    app: ASGIApp,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    scheme: str = "https",
) -> Got:
    """Send one request; `headers` must name the host."""
    path, _, query = target.partition("?")
    named = {name.lower(): value for name, value in headers.items()}
    if body:
        named.setdefault("content-length", str(len(body)))
    name, _, port = named["host"].partition(":")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(key.encode(), value.encode("latin-1")) for key, value in named.items()],
        "client": ("192.0.2.7", 5000),
        "server": (name, int(port) if port else 443),
        "state": {},
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    got = {key.decode(): value.decode("latin-1") for key, value in sent[0]["headers"]}
    return Got(sent[0]["status"], got, b"".join(part.get("body", b"") for part in sent[1:]))
