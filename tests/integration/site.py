"""The pages as their tests use them: a small server with its cast, and a browser for each of them.

Wren, Marlow and Tansy are members of the front room (a home group that Asha moderates) and of the open group
about appointments; Heron has an account and is in no group; Tom runs the server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.types import ASGIApp

from federation import keys
from fediverse_support.actions import groups, local_keys
from fediverse_support.actions.accounts import accounts, sessions
from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db
from fediverse_support.deps import Deps
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import AccountId, ActorId, FollowId, PostId
from fediverse_support.domain.posts import Draft
from fediverse_support.reads.people import people
from fediverse_support.settings import Settings
from fediverse_support.web.app import assemble
from fediverse_support.web.pages.routes import routes
from fediverse_support.web.sessions import Sessions

BASE = "https://support.example"
PASSWORD = "three odd socks drying"
SECRET = b"s" * 32
FORM = {"sec-fetch-site": "same-origin", "origin": "null"}
TOKEN = re.compile(r'name="token" value="([^"]+)"')


class NoRemote:
    """Nobody else is out there, and asking is an error."""


TABLES = (
    "accounts",
    "actors",
    "names",
    "groups",
    "group_moderators",
    "follows",
    "activities",
    "notifications",
)


@dataclass(frozen=True)
class Cast:
    """The rows of a freshly opened server: making them anew for every test would take most of its time."""

    rows: dict[str, str]
    people: dict[str, Person]
    groups: dict[str, ActorId]


@cache
def casts() -> dict[str, Cast]:
    """What was remembered in this process, by base address."""
    return {}


async def remember(site: Site) -> Cast:
    rows = {
        table: await site.value(f"select coalesce(json_agg(t), '[]')::text from {table} t")
        for table in TABLES
    }
    return Cast(rows, dict(site.people), dict(site.groups))


async def recall(site: Site, cast: Cast) -> None:
    async with site.db.transaction() as tx:
        for table, rows in cast.rows.items():
            await tx.execute(
                f"insert into {table} select * from json_populate_recordset(null::{table}, $1::json)", rows
            )
    site.people.update(cast.people)
    site.groups.update(cast.groups)


@cache
def one_key_pair() -> tuple[bytes, str]:
    """Keys are slow to make; everybody in a test shares one."""
    pem = keys.make_rsa()
    return keys.seal(pem, SECRET), keys.public_pem(keys.load_private(pem))


class QuickPasswords:
    """Passwords without the waiting: the real hash is tested where it is made."""

    async def hash(self, password: str) -> str:
        return f"quick:{password}"

    async def verify(self, password: str, known: str) -> bool:
        return known == f"quick:{password}"


@dataclass
class Site:
    """The application with its people (by name), groups (by name), and their sessions."""

    db: Db
    deps: Deps
    app: ASGIApp
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, ActorId] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def sessions(self) -> Sessions:
        return Sessions(self.deps.secret, self.deps.instance.base_url.startswith("https://"))

    async def account(self, name: str, **more: Any) -> Person:
        account_id = await accounts.create_account(
            self.db,
            self.deps.instance,
            name=name,
            password=PASSWORD,
            hash_password=self.deps.passwords.hash,
            secret=self.deps.secret,
            **more,
        )
        person = await self.person(account_id)
        if person is not None:
            self.people[name] = person
        return self.people[name]

    async def person(self, account_id: AccountId) -> Person | None:
        async with self.db.connection() as conn:
            return await people.find_person(conn, account_id)

    async def group(self, name: str, title: str, kind: Any, **more: Any) -> ActorId:
        self.groups[name] = await groups.create_group(
            self.db, self.deps.instance, self.deps.secret, name=name, title=title, kind=kind, **more
        )
        return self.groups[name]

    async def joins(self, name: str, group: str) -> None:
        """Let somebody in, through the moderator where the group asks for one."""
        standing = await following.follow(
            self.db, self.deps.instance, self.people[name], self.groups[group], is_invited=True
        )
        if standing == "pending":
            number = await self.value(
                "select id from follows where follower_id = $1 and target_id = $2",
                self.people[name].actor_id,
                self.groups[group],
            )
            await following.decide_member(
                self.db, self.deps.instance, self.people["asha"], FollowId(number), accept=True
            )

    async def writes(self, name: str, body: str, **draft: Any) -> PostId:
        """Publish a post; `group` is a name, `parent` a post."""
        group, parent = draft.pop("group", None), draft.pop("parent", None)
        done = await posting.publish(
            self.db,
            self.deps.instance,
            self.people[name],
            Draft(body=body, group_id=self.groups[group] if group else None, parent_id=parent, **draft),
        )
        return done.post_id

    async def value(self, sql: str, *values: Any) -> Any:
        async with self.db.connection() as conn:
            return await conn.fetchval(sql, *values)

    async def session(self, name: str) -> str:
        if name not in self.tokens:
            self.tokens[name] = await sessions.sign_in(
                self.db, name, PASSWORD, verify=self.deps.passwords.verify, address=name
            )
        return self.tokens[name]

    def browser(self, token: str | None = None) -> httpx2.AsyncClient:
        """A browser that does not follow redirects; its cookies are kept."""
        base = self.deps.instance.base_url
        cookies = httpx2.Cookies()
        if token is not None:
            name = "__Host-session" if base.startswith("https://") else "session"
            cookies.set(name, token, domain=urlsplit(base).hostname or "")
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app), base_url=base, cookies=cookies
        )

    async def get(self, path: str, name: str | None = None, **headers: str) -> httpx2.Response:
        async with self.browser(await self.session(name) if name else None) as browser:
            return await browser.get(path, headers=headers)

    async def post(
        self, path: str, name: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> httpx2.Response:
        """Send a form of ours as somebody."""
        token = await self.session(name)
        fields = {"token": self.sessions.form_token(token), **(form or {})}
        async with self.browser(token) as browser:
            return await browser.post(path, data=fields, headers=FORM | headers)


def make_deps(db: Db, base_url: str = BASE, **settings: Any) -> Deps:
    """Put together what the pages are handed."""
    chosen = Settings(base_url=base_url, **{"newcomer_posts_held": 0, **settings})
    passwords: Any = QuickPasswords()
    nothing: Any = NoRemote()
    return Deps(
        settings=chosen,
        instance=chosen.instance,
        db=db,
        remote=nothing,
        transport=nothing,
        passwords=passwords,
        secret=SECRET,
    )


async def make_site(db: Db, monkeypatch: pytest.MonkeyPatch, base_url: str = BASE, **settings: Any) -> Site:
    """Open the server with its cast."""
    sealed, pem = one_key_pair()

    async def quickly(secret: bytes) -> Any:
        return local_keys.KeyPair(public_pem=pem, sealed=sealed)

    monkeypatch.setattr(local_keys, "make_key_pair", quickly)
    deps = make_deps(db, base_url, **settings)
    site = Site(db, deps, assemble(routes(deps), base_url=base_url))
    remembered = casts().get(base_url)
    if remembered is None:
        await gather_cast(site)
        casts()[base_url] = await remember(site)
    else:
        await recall(site, remembered)
    return site


async def gather_cast(site: Site) -> None:
    """Let everybody arrive, through the same actions as on a real server."""
    await accounts.ensure_instance_actor(site.db, site.deps.instance, site.deps.secret)
    for name in ("wren", "marlow", "tansy", "heron", "asha"):
        await site.account(name)
    await site.account("tom", roles=["admin"])
    await site.group(
        "frontroom",
        "The front room",
        "home",
        moderators=("asha",),
        summary="For whoever needs company today.",
    )
    await site.group(
        "appointments",
        "Getting ready for appointments",
        "open",
        moderators=("asha",),
        summary="For people who find appointments hard, and for people who go along with them.",
    )
    await site.group("cafe", "Everyday chat", "home-open", moderators=("asha",))
    for name in ("wren", "marlow", "tansy"):
        await site.joins(name, "frontroom")
        await site.joins(name, "appointments")


def went_to(got: httpx2.Response) -> str:
    """Return where an answer sends the browser."""
    assert got.status_code == 303, got.text
    return str(got.headers["location"])
