"""Our server under attack: the whole application through HTTP, its workers stepped by hand, and a way to say
"no effect".

Wren is in every group, Marlow in none, Asha moderates, Tom runs the server. Io at honest.example is a member
of the open group and waits for an answer in the one that asks; Eve at evil.example controls her whole server,
and a second domain.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp

from federation import vocab, writing
from federation.uris import Uri
from fediverse_support import wiring
from fediverse_support.actions import groups
from fediverse_support.actions.accounts import accounts
from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db
from fediverse_support.deps import Deps
from fediverse_support.domain.actors import GroupKind, Person
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.posts import Draft
from fediverse_support.reads.people import people
from fediverse_support.settings import Settings
from fediverse_support.workers import receive
from tests.conftest import Clock
from tests.integration.edge import PUBLIC, SECRET, Got, Peer
from tests.security.internet import AS1, Internet
from tests.security.wire import INBOX, Wire, send

BASE = "https://support.example"
IO = Peer(Uri("https://honest.example/u/io"), key="io")
BEE = Peer(Uri("https://honest.example/u/bee"), key="io")
QUIET = Peer(Uri("https://honest.example/g/quiet"), kind="Group", key="io")
HONEST = Peer(Uri("https://honest.example/actor"), kind="Application", key="honest")
EVE = Peer(Uri("https://evil.example/u/eve"), key="evil")
EVA = Peer(Uri("https://evil.example/u/eva"), key="evil")
EVL2 = Peer(Uri("https://evil2.example/u/eve"), key="evil")
ATTACKERS = ("evil.example", "evil2.example")

WORLD = {
    "posts": "select uri, author_id, group_id, parent_id, audience, standing, title, body_html, warning, url,"
    " attachments::text, published_at, edited_at from posts order by id",
    "follows": "select follower_id, target_id, standing from follows order by id",
    "reactions": "select actor_uri, post_id from reactions order by id",
    "announces": "select actor_id, post_id, undone_at from announces order by id",
    "mentions": "select post_id, actor_id from mentions order by 1, 2",
    "reports": "select target_id, post_ids, body from reports order by id",
    "notifications": "select account_id, kind, post_id from notifications order by id",
    "deliveries": "select inbox_uri, activity_id from deliveries order by id",
    "group_moderators": "select group_id, actor_id from group_moderators order by 1, 2",
    "group_bans": "select group_id, actor_id from group_bans order by 1, 2",
    "accounts": "select name, roles, standing from accounts order by id",
    "groups": "select actor_id, kind, title, approval from groups where actor_id in"
    " (select id from actors where host is null or host = 'honest.example') order by 1",
    "actors": "select uri, kind, name, handle_host, display_name, url, inbox_uri, shared_inbox_uri,"
    " followers_uri, key_id, public_key_pem, standing from actors"
    " where host is null or host = 'honest.example' order by id",
}


@dataclass
class Place:
    """Our server with its cast, and the world around it."""

    db: Db
    clock: Clock
    deps: Deps
    app: ASGIApp
    internet: Internet
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, ActorId] = field(default_factory=dict)
    uris: dict[str, Uri] = field(default_factory=dict)
    posts: dict[str, Uri] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    count: int = 0

    # -- what the attacker and the honest send -----------------------------------------------------------

    def act(self, kind: str, actor: Peer, thing: Any, **more: Any) -> dict[str, Any]:
        """Write an activity by hand, addressed to a group of ours; None takes a member away."""
        self.count += 1
        document = {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": f"{actor.uri}/activities/{self.count}",
            "type": kind,
            "actor": actor.uri,
            "to": [PUBLIC, self.uris["pub"]],
            "object": thing,
            **more,
        }
        return {name: value for name, value in document.items() if value is not None}

    def note(self, author: Peer, group: str | None = "pub", **more: Any) -> dict[str, Any]:
        """Write a public note in a group of ours."""
        self.count += 1
        where = [] if group is None else [self.uris[group]]
        note = {
            "id": f"{author.uri}/notes/{self.count}",
            "type": "Note",
            "attributedTo": author.uri,
            "to": [PUBLIC, *where],
            "cc": [],
            "content": f"<p>note {self.count}</p>",
            "published": f"{self.db.now() - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}",
            **more,
        }
        return {name: value for name, value in note.items() if value is not None}

    def create(self, author: Peer, group: str | None = "pub", **more: Any) -> dict[str, Any]:
        """Write the Create of a note."""
        note = self.note(author, group, **more)
        return self.act("Create", author, note, to=note.get("to"))

    async def send(self, wire: Wire) -> Got:
        """Send any request."""
        return await send(self.app, wire)

    def signed(
        self, signer: Peer, body: bytes = b"", target: str = INBOX, method: str = "POST", **headers: str
    ) -> Wire:
        """Return a request that is signed as it should be."""
        self.clock.pass_by(seconds=1)
        sent = signer.signed(method, f"{BASE}{target}", self.db.now(), body, **headers)
        return Wire(method, target, tuple(sent.items()), body)

    async def deliver(
        self, what: dict[str, Any] | bytes, signer: Peer, inbox: str = INBOX, **headers: str
    ) -> Got:
        """Deliver with a correct signature of `signer`, and let the worker do its work."""
        body = what if isinstance(what, bytes) else json.dumps(what).encode()
        got = await self.send(self.signed(signer, body, inbox, **headers))
        await self.settle()
        return got

    async def settle(self) -> None:
        """Apply everything that came in."""
        while await receive.step(self.deps):
            pass

    async def get(self, where: str, signer: Peer | None = None, accept: str = AS1) -> Got:
        """GET an address of ours, signed or not."""
        target = where.removeprefix(BASE)
        if signer is not None:
            return await self.send(self.signed(signer, b"", target, "GET", Accept=accept))
        lines = (("host", "support.example"), ("accept", accept))
        return await self.send(Wire("GET", target, lines))

    async def api(self, path: str, name: str | None = None) -> Any:
        """Ask the client API as one of our people."""
        lines = [("host", "support.example"), ("accept", "application/json")]
        if name is not None:
            if name not in self.tokens:
                self.tokens[name] = await accounts.create_token(self.db, name)
            lines.append(("authorization", f"Bearer {self.tokens[name]}"))
        got = await self.send(Wire("GET", f"/api{path}", tuple(lines)))
        assert got.status == 200, (path, got.status, got.body)
        return json.loads(got.body)

    async def post_api(self, path: str, body: Any, name: str) -> Got:
        """Send JSON to the client API as one of our people."""
        await self.api("/v1/preferences", name)
        lines = (
            ("host", "support.example"), ("content-type", "application/json"),
            ("authorization", f"Bearer {self.tokens[name]}"),
        )  # fmt: skip
        return await self.send(Wire("POST", f"/api{path}", lines, json.dumps(body).encode()))

    async def search(self, text: str) -> tuple[list[str], list[str]]:
        """Paste an address or a handle into the search as Wren; return the handles and post ids it finds."""
        self.clock.pass_by(minutes=2)
        found = await self.api(f"/v2/search?resolve=true&q={quote(text, safe='')}", "wren")
        return [each["acct"] for each in found["accounts"]], [each["uri"] for each in found["statuses"]]

    # -- what can be seen --------------------------------------------------------------------------------

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Run one statement."""
        async with self.db.connection() as conn:
            return [dict(row) for row in await conn.fetch(statement, *values)]

    async def value(self, statement: str, *values: Any) -> Any:
        """Run one statement; return its first value."""
        async with self.db.connection() as conn:
            return await conn.fetchval(statement, *values)

    async def post_of(self, uri: str) -> dict[str, Any] | None:
        """Return the row of a post, None where we have none."""
        found = await self.rows("select * from posts where uri = $1", uri)
        return found[0] if found else None

    async def standing(self, follower: str, target: str) -> str | None:
        """Return where a follow stands."""
        found: str | None = await self.value(
            "select f.standing from follows f join actors a on a.id = f.follower_id"
            " join actors t on t.id = f.target_id where a.uri = $1 and t.uri = $2", follower, target,
        )  # fmt: skip
        return found

    async def world(self) -> dict[str, Any]:
        """Return everything that anybody could notice: rows, pages, API, collections."""
        found: dict[str, Any] = {name: await self.rows(statement) for name, statement in WORLD.items()}
        found["page"] = (await self.get("/g/pub", accept="text/html")).body
        found["api"] = [
            await self.api("/v1/timelines/public"),
            await self.api("/v1/timelines/home", "wren"),
            await self.api("/v1/notifications", "wren"),
            await self.api("/v1/notifications", "asha"),
        ]
        for name in ("outbox", "followers"):
            got = await self.get(f"{self.uris['pub']}/{name}", HONEST)
            found[name] = (got.status, got.body)
        return found

    @asynccontextmanager
    async def no_effect(self, *, but: Iterable[str] = ()) -> AsyncIterator[None]:
        """Assert that what happens inside leaves no trace, poisons no queue, and blocks no later message."""
        before = await self.world()
        yield
        await self.settle()
        after = await self.world()
        for name, value in before.items():
            if name not in but:
                assert after[name] == value, name
        assert await self.rows("select uri, last_error from receipts where standing <> 'done'") == []
        strangers = await self.value(
            "select count(*) from actors where host is not null and host <> 'honest.example'"
            " and host <> all ($1::text[])", list(ATTACKERS),
        )  # fmt: skip
        assert strangers == 0
        await self.still_works()

    async def still_works(self) -> None:
        """A legitimate message gets through as ever."""
        hello = self.create(IO)
        assert (await self.deliver(hello, IO)).status == 202
        stored = await self.post_of(hello["object"]["id"])
        assert stored is not None and stored["standing"] == "visible"

    async def refused(self, wire: Wire, *statuses: int) -> Got:
        """Send a request that has to be refused (401 unless told otherwise) without a trace."""
        async with self.no_effect():
            got = await self.send(wire)
            assert got.status in (statuses or (401,)), (got.status, got.body)
        return got

    async def dropped(self, what: dict[str, Any] | bytes, signer: Peer, *statuses: int) -> Got:
        """Deliver something that must have no effect; by default any answer between 200 and 499 will do."""
        async with self.no_effect():
            got = await self.deliver(what, signer)
            assert got.status in statuses if statuses else 202 <= got.status < 500, (got.status, got.body)
        return got

    def meet(self, *peers: Peer, **more: Any) -> None:
        """Let peers serve their own documents, with some members replaced."""
        for peer in peers:
            self.internet.serve(peer.uri, {**json.loads(document_of(peer)), **more})


def document_of(peer: Peer) -> bytes:
    """Return a peer's actor document."""
    actor = json.loads(peer.document())
    return json.dumps({**actor, "followers": f"{peer.uri}/followers"}).encode()


async def make_place(db: Db, clock: Clock, **settings: Any) -> Place:
    """Open our server with its cast on an empty database."""
    chosen = Settings(
        base_url=BASE,
        **{"newcomer_posts_held": 0, "undo_for": timedelta(), "registration": "open", **settings},
    )
    internet = Internet()
    deps = wiring.build(chosen, db, internet, SECRET)
    place = Place(db, clock, deps, wiring.web(deps), internet)
    place.meet(IO, BEE, QUIET, HONEST, EVE, EVA, EVL2)
    await accounts.ensure_instance_actor(db, deps.instance, SECRET)
    await _people(place)
    if chosen.federation in (None, "open"):
        await _neighbours(place)
    await _posts(place)
    return place


async def _people(place: Place) -> None:
    async def quick(password: str) -> str:
        return f"quick:{password}"

    db, instance = place.db, place.deps.instance
    for name in ("wren", "marlow", "asha", "tom"):
        account_id = await accounts.create_account(
            db, instance, name=name, password="three odd socks drying", hash_password=quick, secret=SECRET,
            roles=["admin"] if name == "tom" else [],
        )  # fmt: skip
        async with db.connection() as conn:
            person = await people.find_person(conn, account_id)
        assert person is not None
        place.people[name] = person
        place.uris[name] = person.uri
    made: tuple[tuple[str, GroupKind, bool], ...] = (
        ("pub", "open", False), ("asks", "open", True), ("circle", "circle", False), ("room", "home", False),
    )  # fmt: skip
    for name, kind, approval in made:
        group_id = await groups.create_group(
            db, instance, SECRET, name=name, title=name.title(), kind=kind, moderators=("asha",),
            approval=approval,
        )  # fmt: skip
        place.groups[name] = group_id
        place.uris[name] = Uri(await place.value("select uri from actors where id = $1", group_id))
        standing = await following.follow(
            db, instance, place.people["wren"], group_id, is_invited=True
        )
        if standing == "pending":
            await place.rows(
                "update follows set standing = 'accepted' where target_id = $1 and follower_id = $2",
                group_id, place.people["wren"].actor_id,
            )  # fmt: skip


async def _neighbours(place: Place) -> None:
    """Io joins the open group and asks for the other; Wren follows a group of Io's server."""
    for name in ("pub", "asks"):
        follow = place.act("Follow", IO, place.uris[name], id=f"{IO.uri}/follows/{name}")
        assert (await place.deliver(follow, IO)).status == 202
    assert await place.standing(IO.uri, place.uris["pub"]) == "accepted"
    assert await place.standing(IO.uri, place.uris["asks"]) == "pending"
    # Everybody at honest.example is known from here on, so that a look at us changes nothing.
    assert (await place.get(f"{place.uris['pub']}/outbox", HONEST)).status == 200
    assert await place.deps.remote.find(BEE.uri) is not None
    quiet = await place.deps.remote.find(QUIET.uri)
    assert quiet is not None
    await following.follow(place.db, place.deps.instance, place.people["wren"], ActorId(quiet))
    assert await place.standing(place.uris["wren"], QUIET.uri) == "pending"
    theirs = place.create(IO, id=f"{IO.uri}/notes/theirs", content="<p>of Io</p>")
    assert (await place.deliver(theirs, IO)).status == 202
    place.posts["io"] = Uri(theirs["object"]["id"])
    place.internet.serve(place.posts["io"], theirs["object"])
    assert await place.post_of(place.posts["io"]) is not None


async def _posts(place: Place) -> None:
    wren = place.people["wren"]
    for name in ("pub", "circle", "room"):
        draft = Draft(body=f"Words of Wren in {name}.", title=f"In {name}", group_id=place.groups[name])
        done = await posting.publish(place.db, place.deps.instance, wren, draft)
        place.posts[name] = Uri(await place.value("select uri from posts where id = $1", done.post_id))
    followers = await posting.publish(
        place.db, place.deps.instance, wren, Draft(body="For my followers.", audience="followers")
    )
    place.posts["followers"] = Uri(
        await place.value("select uri from posts where id = $1", followers.post_id)
    )


def actor_with(peer: Peer, **more: Any) -> dict[str, Any]:
    """Return an actor document with some members replaced; None takes one away."""
    actor = {**json.loads(document_of(peer)), **more}
    return {name: value for name, value in actor.items() if value is not None}


def tombstone(uri: str) -> bytes:
    """Return a Tombstone."""
    return writing.write(vocab.Tombstone(id=Uri(uri), former_type="Note"))


def renamed(peer: Peer, uri: str) -> Peer:
    """Return another actor of the same server with the same key."""
    return replace(peer, uri=Uri(uri))
