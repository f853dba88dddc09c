"""The client API as its tests use it: a client for each of the cast, and rows for them to look at."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
from starlette.applications import Starlette

from federation.errors import FederationError
from fediverse_support.db.pool import Db
from fediverse_support.deps import Deps
from fediverse_support.domain import richtext
from fediverse_support.settings import Settings
from fediverse_support.web.mastodon.routes import routes

BASE = "https://support.example"
WREN, MARLOW, TANSY, ASHA, HERON = 101, 102, 103, 104, 105
APPOINTMENTS, FRONTROOM, GARDEN = 201, 202, 203
KINDS = {FRONTROOM: "home", GARDEN: "home-open"}
IO, ADA, BOOKS = 301, 302, 303
PEOPLE = {"wren": WREN, "marlow": MARLOW, "tansy": TANSY, "asha": ASHA, "heron": HERON}


@dataclass
class Elsewhere:
    """What other servers would answer, and what they were asked."""

    known: dict[str, int] = field(default_factory=dict)
    failure: FederationError | None = None
    asked: list[str] = field(default_factory=list)
    for_whom: set[str] = field(default_factory=set)

    async def find(self, text: str, *, by: str = "") -> int | None:
        self.asked.append(text)
        self.for_whom.add(by)
        if self.failure is not None:
            raise self.failure
        return self.known.get(text)


@dataclass
class Api:
    """The application under test and its cast. Wren and Marlow are in the front room; Tansy, Heron in
    nothing."""

    db: Db
    deps: Deps
    remote: Elsewhere
    app: Starlette
    clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)

    def client(self, name: str | None = None, **headers: str) -> httpx2.AsyncClient:
        """A client with the token of one of the cast, or with none."""
        if name is not None:
            headers["authorization"] = f"Bearer token-of-{name}"
        transport = httpx2.ASGITransport(app=self.app)
        return httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers)

    async def get(self, path: str, name: str | None = None, **params: Any) -> httpx2.Response:
        async with self.client(name) as client:
            return await client.get(path, params=params or None)

    async def json(self, path: str, name: str | None = None, **params: Any) -> Any:
        answer = await self.get(path, name, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ids(self, path: str, name: str | None = None, **params: Any) -> list[int]:
        return [int(each["id"]) for each in await self.json(path, name, **params)]

    async def post(self, path: str, name: str | None = None, **body: Any) -> httpx2.Response:
        async with self.client(name) as client:
            return await client.post(path, json=body)

    async def insert(self, table: str, **values: Any) -> None:
        async with self.db.connection() as conn:
            holes = ", ".join(f"${n}" for n in range(1, len(values) + 1))
            await conn.execute(
                f"insert into {table} ({', '.join(values)}) values ({holes})", *values.values()
            )

    async def change(self, text: str, *values: Any) -> None:
        async with self.db.connection() as conn:
            await conn.execute(text, *values)

    async def follow(self, who: int, whom: int, standing: str = "accepted") -> None:
        uri = f"{BASE}/ap/a/follow-{who}-{whom}"
        now = self.db.now()
        await self.insert(
            "follows",
            uri=uri,
            follower_id=who,
            target_id=whom,
            standing=standing,
            created_at=now,
            decided_at=now,
        )

    async def write(
        self,
        number: int,
        author: int,
        text: str = "Something.",
        *,
        group: int | None = None,
        parent: int | None = None,
        root: int | None = None,
        announced: int | None = None,
        **more: Any,
    ) -> int:
        """Store a post as the pipeline would; `announced` is the id of its group's announce."""
        at = self.db.now()
        host = {IO: "masto.example", ADA: "pie.example"}.get(author)
        audience = more.pop("audience", "public" if group in (None, APPOINTMENTS, BOOKS) else "group")
        uri = f"https://{host or 'support.example'}/ap/o/{number}"
        values = {
            "id": number, "uri": uri, "kind": "Note", "author_id": author, "host": host, "group_id": group,
            "root_id": root or parent or number, "parent_id": parent, "audience": audience,
            "standing": "visible", "body_html": richtext.from_markdown(text), "body_text": text,
            "body_source": None if host else text, "language": "en", "published_at": at, "active_at": at,
            "created_at": at,
            "written_in": None if group is None else KINDS.get(group, "open"),
        }  # fmt: skip
        await self.insert("posts", **{**values, **more})
        if announced is not None:
            await self.insert(
                "announces",
                id=announced,
                uri=f"{BASE}/ap/a/{announced}",
                actor_id=group,
                post_id=number,
                announced_at=at,
            )
        return number

    async def mention(self, post: int, actor: int) -> None:
        await self.insert("mentions", post_id=post, actor_id=actor)


async def make_api(db: Db, **settings: Any) -> Api:
    """An application over this database, with its cast in it."""
    chosen = Settings(base_url=BASE, **settings)
    remote = Elsewhere()
    nothing: Any = None
    stand_in: Any = remote
    deps = Deps(chosen, chosen.instance, db, stand_in, nothing, nothing, b"s" * 32)
    api = Api(db, deps, remote, Starlette(routes=routes(deps)))
    await _cast(api)
    return api


async def _cast(api: Api) -> None:
    now = api.db.now() - timedelta(days=40)
    for name, number in PEOPLE.items():
        await _person(api, name, number, now)
    await _group(api, APPOINTMENTS, "appointments", "Getting ready for appointments", "open", now)
    await _group(api, FRONTROOM, "frontroom", "The front room", "home", now, approval=True)
    await _group(api, GARDEN, "garden", "The garden", "home-open", now)
    for number, name, host, kind in (
        (IO, "io", "masto.example", "person"),
        (ADA, "ada", "pie.example", "person"),
        (BOOKS, "books", "pie.example", "group"),
    ):
        await _actor(
            api, number, name, kind, now, host=host, handle_host=host, uri=f"https://{host}/u/{name}",
            url=f"https://{host}/@{name}", display_name=name.capitalize(),
        )  # fmt: skip
    await api.insert("groups", actor_id=BOOKS, kind="open", title="Books", created_at=now)
    for who, whom in ((WREN, FRONTROOM), (MARLOW, FRONTROOM), (WREN, APPOINTMENTS), (ASHA, FRONTROOM)):
        await api.follow(who, whom)


async def _person(api: Api, name: str, number: int, now: datetime) -> None:
    roles = ["admin"] if name == "asha" else []
    await api.insert("accounts", id=number + 1000, name=name, password_hash="-", roles=roles, created_at=now)
    await _actor(
        api, number, name, "person", now, account_id=number + 1000, display_name=name.capitalize(),
        approves_followers=True,
    )  # fmt: skip
    await api.insert("names", name=name, actor_id=number, taken_at=now)
    await give_token(api, f"token-of-{name}", number, ["read", "write", "follow"])


async def give_token(api: Api, token: str, number: int, scopes: list[str]) -> None:
    digest = hashlib.sha256(token.encode()).digest()
    await api.insert(
        "tokens",
        token_hash=digest,
        account_id=number + 1000,
        person_id=number,
        scopes=scopes,
        created_at=api.db.now(),
    )


async def _group(
    api: Api, number: int, name: str, title: str, kind: str, now: datetime, approval: bool = False
) -> None:
    await _actor(api, number, name, "group", now, display_name=title, summary_html=f"<p>{title}.</p>")
    await api.insert("groups", actor_id=number, kind=kind, title=title, approval=approval, created_at=now)
    await api.insert("names", name=name, actor_id=number, taken_at=now)


async def _actor(api: Api, number: int, name: str, kind: str, now: datetime, **more: Any) -> None:
    letter = "g" if kind == "group" else "u"
    uri = more.pop("uri", f"{BASE}/ap/{letter}/{name}")
    values = {
        "id": number, "uri": uri, "kind": kind, "name": name, "inbox_uri": f"{uri}/inbox",
        "followers_uri": f"{uri}/followers", "created_at": now, "updated_at": now,
    }  # fmt: skip
    await api.insert("actors", **{**values, **more})


def dumped(value: Any) -> str:
    """Everything in an answer as text, for looking for what must not be in it."""
    return json.dumps(value, ensure_ascii=False)
