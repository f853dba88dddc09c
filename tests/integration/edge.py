"""Other servers, as the tests of the server-to-server edge play them: their keys, documents, requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from starlette.types import ASGIApp

from federation import keys, signatures, uris, vocab, writing
from federation.errors import Unreachable
from federation.http import Reply
from federation.keys import PrivateKey
from federation.uris import Host, Uri
from fediverse_support.adapters.passwords import Passwords
from fediverse_support.db.pool import Db
from fediverse_support.db.remembered import Remembered
from fediverse_support.deps import Deps
from fediverse_support.domain.actors import ActorKind
from fediverse_support.domain.house import Federation
from fediverse_support.domain.ids import fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.remote import Remote
from fediverse_support.settings import Settings
from fediverse_support.store.people.local_actors import NewActor, insert_local_actor
from fediverse_support.web.app import assemble
from fediverse_support.web.federation.routes import routes
from tests.conftest import Clock

SECRET = b"a secret of thirty-two bytes, yes"
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
        return signatures.sign(method, Uri(uri), headers, body, key_id=self.key_id, private=private, now=now)


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
    app: ASGIApp, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
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


@dataclass(frozen=True)
class Row:
    """An actor or a post of ours."""

    id: int
    uri: Uri
    name: str = ""


@dataclass
class Town:
    """Our server with its edge, a few people and groups, and the rest of the world around it."""

    db: Db
    clock: Clock
    instance: Instance
    internet: Internet
    app: ASGIApp
    wren: Row
    open_group: Row
    home_group: Row
    home_open_group: Row
    at_home: Row

    def meet(self, *peers: Peer) -> None:
        """Let peers serve their own documents."""
        for peer in peers:
            self.internet.documents[peer.uri] = peer.document()

    async def run(self, statement: str, *values: Any) -> Any:
        """Run one statement; return its first value."""
        async with self.db.transaction() as tx:
            return await tx.fetchval(statement, *values)

    async def rule(self, domain: str, severity: str) -> None:
        """Decide about a domain."""
        await self.run(
            "insert into domain_rules (domain, severity, created_at, updated_at)"
            " values ($1, $2, now(), now())",
            domain,
            severity,
        )

    async def get(
        self,
        where: str,
        signer: Peer | None = None,
        *,
        accept: str | None = None,
        method: str = "GET",
        **headers: str,
    ) -> Got:
        """GET an id or a path, signed by a peer or not at all."""
        target = where.removeprefix(self.instance.base_url)
        sent = {**headers} if accept is None else {"Accept": accept, **headers}
        sent.setdefault("Host", self.instance.host)
        if signer is not None:
            sent = signer.signed(method, self.instance.base_url + target, self.db.now(), b"", **sent)
        return await ask(self.app, method, target, sent)

    async def finger(self, name: str) -> Got:
        """Look a name up."""
        return await self.get(f"/.well-known/webfinger?resource=acct:{name}@{self.instance.host}")

    async def post(self, where: str, body: bytes, signer: Peer, **headers: str) -> Got:
        """POST a signed body; `headers` replace those that were signed."""
        target = where.removeprefix(self.instance.base_url)
        sent = signer.signed("POST", self.instance.base_url + target, self.db.now(), body)
        return await ask(self.app, "POST", target, {**sent, **headers}, body)

    async def deliver(self, body: bytes, signer: Peer, **headers: str) -> Got:
        """POST to the shared inbox."""
        return await self.post("/ap/inbox", body, signer, **headers)

    async def receipts(self) -> list[dict[str, Any]]:
        """What was taken in, oldest first."""
        async with self.db.connection() as conn:
            return [
                dict(row)
                for row in await conn.fetch("select uri, host, signer_uri, body from receipts order by id")
            ]

    async def say(
        self,
        *,
        title: str = "",
        body: str = "<p>Hello.</p>",
        warning: str = "",
        audience: str = "public",
        standing: str = "visible",
        group: Row | None = None,
        parent: Row | None = None,
    ) -> Row:
        """Store a post of wren's in a group (the open one unless told otherwise)."""
        token = fresh_token()
        uri = self.instance.post_uri(token)
        group = self.open_group if group is None and audience in ("public", "unlisted") else group
        now = self.db.now()
        post_id = await self.run(
            """
            with fresh as (select new_id() as id)
            insert into posts (id, uri, kind, author_id, group_id, written_in, root_id, parent_id, audience,
                standing, title, body_html, warning, context_uri, published_at, active_at, created_at)
            select id, $1, 'Note', $2, $3, (select kind from groups where actor_id = $3), coalesce($4, id),
                $4, $5, $6, $7, $8, $9, $10, $11, $11, $11
            from fresh
            returning id
            """,
            uri,
            self.wren.id,
            None if group is None else group.id,
            None if parent is None else parent.id,
            audience,
            standing,
            title,
            body,
            warning,
            self.instance.context_uri(token),
            now,
        )
        return Row(post_id, uri)

    async def log(self, verb: str, actor: Uri, object_uri: Uri, text: str, *, public: bool = True) -> Uri:
        """Store an activity of ours as if it had been sent."""
        uri = self.instance.activity_uri(fresh_token())
        await self.run(
            "insert into activities"
            " (uri, actor_uri, verb, object_uri, document, direction, public, created_at)"
            " values ($1, $2, $3, $4, $5, 'out', $6, now())",
            uri,
            actor,
            verb,
            object_uri,
            text,
            public,
        )
        return uri


async def make_town(
    db: Db,
    clock: Clock,
    *,
    federation: Federation = "open",
    undo_for: timedelta = timedelta(),
    again: Town | None = None,
    remembered: Remembered | None = None,
) -> Town:
    """Build our server on an empty database; `again` keeps the people of an earlier town."""
    settings = Settings(base_url="https://support.example", federation=federation, undo_for=undo_for)
    instance = settings.instance
    internet = Internet() if again is None else again.internet
    remote = Remote(db, internet, instance, SECRET)
    deps = Deps(settings, instance, db, remote, internet, Passwords(), SECRET, remembered or Remembered())
    app = assemble(routes(deps), base_url=instance.base_url)
    if again is not None:
        return replace(again, instance=instance, app=app)
    people = await _settle(db, instance)
    return Town(db, clock, instance, internet, app, *people)


async def _settle(db: Db, instance: Instance) -> list[Row]:
    sealed = keys.seal(keys.private_pem(key_pair("ours")[0]), SECRET)

    async def actor(kind: ActorKind, uri: Uri, name: str, **more: Any) -> Row:
        new = NewActor(
            kind=kind, uri=uri, name=name, public_key_pem=key_pair("ours")[1], sealed_key=sealed, **more
        )
        actor_id = await insert_local_actor(tx, instance, new, db.now())
        assert actor_id is not None
        return Row(actor_id, uri, name)

    async def group(name: str, kind: str) -> Row:
        row = await actor("group", instance.group_uri(fresh_token()), name)
        await tx.execute(
            "insert into groups (actor_id, kind, title, created_at) values ($1, $2, $3, now())",
            row.id,
            kind,
            name,
        )
        return row

    async with db.transaction() as tx:
        await actor("instance", instance.actor_uri, instance.host, url=Uri(f"{instance.base_url}/about"))
        wren = await actor("person", instance.person_uri(fresh_token()), "wren", display_name="Wren")
        groups = [
            await group("sleepless", "open"),
            await group("frontroom", "home"),
            await group("kitchen", "home-open"),
        ]
        at_home = await actor(
            "person", instance.person_uri(fresh_token()), "tansy", for_group_id=groups[1].id
        )
    return [wren, *groups, at_home]
