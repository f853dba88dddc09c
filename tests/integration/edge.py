"""Other servers, as the tests of the server-to-server edge play them: their keys, documents, requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from federation import keys, signatures, uris, vocab, writing
from federation.errors import Unreachable
from federation.http import Reply
from federation.keys import PrivateKey
from federation.uris import Host, Uri
from starlette.applications import Starlette

AS1 = "application/activity+json"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


@cache
def key_pair(name: str) -> tuple[PrivateKey, str]:
    """One RSA key per name and test process: making them is slow."""
    private = keys.load_private(keys.make_rsa())
    return private, keys.public_pem(private)


@dataclass
class Internet:
    """Every other server there is; counts what is asked of whom."""

    documents: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    dark: set[Host] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", *, limit: int, seconds: float
    ) -> Reply:
        self.asked.append(uri)
        if uris.host(uri) in self.dark:
            raise Unreachable("timeout")
        found = self.documents.get(uri)
        status = self.statuses.get(uri, 404 if found is None else 200)
        return Reply(status, {"content-type": AS1}, found or b"", uri)


@dataclass(frozen=True)
class Peer:
    """A person, group or server elsewhere, able to sign."""

    uri: Uri
    kind: vocab.ActorKind = "Person"
    key: str = "peer"

    @property
    def key_id(self) -> Uri:
        return Uri(f"{self.uri}#main-key")

    @property
    def host(self) -> Host:
        return uris.host(self.uri)

    def document(self) -> bytes:
        _, pem = key_pair(self.key)
        return writing.write(
            vocab.Actor(
                id=self.uri,
                kind=self.kind,
                preferred_username=self.uri.rsplit("/", 1)[1],
                inbox=Uri(f"{self.uri}/inbox"),
                keys=(vocab.PublicKey(id=self.key_id, owner=self.uri, pem=pem),),
            )
        )

    def signed(
        self, method: str, uri: str, now: datetime, body: bytes = b"", **headers: str
    ) -> dict[str, str]:
        private, _ = key_pair(self.key)
        return signatures.sign(
            method, Uri(uri), headers, body, key_id=self.key_id, private=private, now=now
        )


@dataclass(frozen=True)
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        loaded = json.loads(self.body)
        assert isinstance(loaded, dict)
        return loaded


async def ask(
    app: Starlette, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Got:
    """Send one request through ASGI, its target untouched, and return the whole answer."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in (headers or {}).items()],
        "client": ("127.0.0.1", 5000),
        "server": ("support.example", 443),
        "state": {},
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers_got = {k.decode(): v.decode("latin-1") for k, v in sent[0]["headers"]}
    return Got(sent[0]["status"], headers_got, b"".join(part.get("body", b"") for part in sent[1:]))


def activity(kind: str, actor: Peer, object: Any, **more: Any) -> bytes:
    """Write an activity of another server by hand."""
    document = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{actor.uri}/activities/{kind.lower()}",
        "type": kind,
        "actor": actor.uri,
        "to": [PUBLIC],
        "object": object,
        **more,
    }
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


LATER = timedelta(minutes=1)
