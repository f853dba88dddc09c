"""Requests as they stand on the wire, signed by hand: wise or not, as the case wants it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from starlette.types import ASGIApp

from federation import keys, signatures
from tests.integration.edge import AS1, Got, Peer, key_pair

HOST = "support.example"
INBOX = "/ap/inbox"
USUAL = "(request-target) host date digest content-type"


@dataclass(frozen=True)
class Wire:
    """A request ready to be sent; header lines may stand twice."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def with_header(self, name: str, *values: str) -> Wire:
        """Return the request with all lines of one header replaced by these."""
        kept = tuple(line for line in self.headers if line[0].lower() != name)
        return replace(self, headers=kept + tuple((name, value) for value in values))

    def header(self, name: str) -> str:
        """Return the one value of a header."""
        return next(value for key, value in self.headers if key.lower() == name)


def by_hand(
    peer: Peer,
    body: bytes,
    *,
    now: datetime,
    covered: str | None = USUAL,
    target: str = INBOX,
    signed_target: str | None = None,
    lines: Mapping[str, str | None] | None = None,
    special: Mapping[str, str] | None = None,
    algorithm: str | None = "rsa-sha256",
    hash_algorithm: Any = keys.SHA256,
    key_id: str | None = None,
    extra: Iterable[str] = (),
) -> Wire:
    """Return a POST with a correct RSA signature over exactly what is asked for.

    `lines` replaces header lines, None takes one away.
    """
    usual = {
        "host": HOST,
        "date": signatures.write_date(now),
        "digest": signatures.digest(body),
        "content-type": AS1,
    }
    sent = {name: value for name, value in {**usual, **(lines or {})}.items() if value is not None}
    values = {**sent, **(special or {}), "(request-target)": f"post {signed_target or target}"}
    text = "\n".join(f"{name}: {values[name]}" for name in (covered or "date").split(" "))
    private, _ = key_pair(peer.key)
    assert isinstance(private, RSAPrivateKey)
    signature = base64.b64encode(private.sign(text.encode(), keys.PKCS1, hash_algorithm)).decode()
    parts = [f'keyId="{key_id or peer.key_id}"']
    parts += [] if algorithm is None else [f'algorithm="{algorithm}"']
    parts += [] if covered is None else [f'headers="{covered}"']
    parts += [*extra, f'signature="{signature}"']
    return Wire("POST", target, (*sent.items(), ("signature", ",".join(parts))), body)


async def send(app: ASGIApp, wire: Wire) -> Got:
    """Send a request the way the HTTP server hands it over: the path decoded, the raw one beside it."""
    path, _, query = wire.target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": wire.method,
        "scheme": "https",
        "path": unquote(path, errors="replace"),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in wire.headers],
        "client": ("198.51.100.7", 5000),
        "server": (HOST, 443),
        "state": {},
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": wire.body, "more_body": False}

    async def take(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, take)
    headers = {key.decode(): value.decode("latin-1") for key, value in sent[0]["headers"]}
    return Got(sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:]))
