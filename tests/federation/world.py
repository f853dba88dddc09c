"""Several whole servers in one process: a database and a policy each, one clock and one internet for all."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.types import ASGIApp

from federation import uris
from federation.uris import Host, Uri
from fediverse_support import wiring
from fediverse_support.actions import groups, house
from fediverse_support.actions.accounts import accounts
from fediverse_support.actions.moderation import moderating
from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db, open_db
from fediverse_support.deps import Deps
from fediverse_support.domain.actors import FollowStanding, GroupKind, Person, Role
from fediverse_support.domain.ids import ActorId, FollowId, PostId
from fediverse_support.domain.moderation import DomainRule, Severity
from fediverse_support.domain.posts import Draft, Published
from fediverse_support.lookups import Limits
from fediverse_support.reads.people import people
from fediverse_support.settings import Settings
from fediverse_support.workers import catching_up, deliver, receive
from fediverse_support.workers.visits import Sender
from tests.asgi import Got, ask
from tests.builders import PASSWORD, PLENTY, SECRET, QuickPasswords
from tests.conftest import Clock
from tests.federation.internet import Internet

DUE = """
select min(at) from (
    select greatest(d.due_at, coalesce(l.due_at, '-infinity')) as at
    from deliveries d left join lanes l on l.kind = 'deliver' and l.host = d.host
    left join posts p on p.id = d.post_id
    where d.standing = 'waiting' and rule_for(d.host) is distinct from 'suspend'
      and (p.host is null or rule_for(p.host) is distinct from 'suspend')
    union all
    select r.due_at from receipts r
    where r.standing = 'waiting' and (r.takes_back or rule_for(r.host) is distinct from 'suspend')
    union all
    select c.due_at from catch_ups c where c.asked_at is null and c.attempts < 8
) t
"""
KNOWN = "select id from actors where name = $1 and host is not distinct from $2"
SHOWN = """
select a.name || '@' || coalesce(a.handle_host, a.host, $3) as author, p.uri, p.title, p.body_text, p.warning,
       p.standing, q.uri as parent, p.id
from posts p join actors a on a.id = p.author_id left join posts q on q.id = p.parent_id
where p.group_id = $1 and can_see(p, array[$2::bigint])
order by p.published_at, p.id
"""


@dataclass(frozen=True)
class Shown:
    """A post as somebody sees it in a group."""

    author: str
    uri: Uri
    title: str
    body_text: str
    warning: str
    standing: str
    parent: Uri | None
    id: int


@dataclass
class Server:
    """One instance with its people, groups and workers."""

    world: World
    deps: Deps
    app: ASGIApp
    sender: Sender
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, ActorId] = field(default_factory=dict)

    @property
    def host(self) -> Host:
        return self.deps.instance.host

    @property
    def db(self) -> Db:
        return self.deps.db

    async def value(self, sql: str, *values: Any) -> Any:
        """Run one statement; return its first value."""
        async with self.db.connection() as conn:
            return await conn.fetchval(sql, *values)

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        """Run one statement; return its rows."""
        async with self.db.connection() as conn:
            return list(await conn.fetch(sql, *values))

    async def chooses(self, key: str, value: str) -> None:
        """Let the organisation decide something."""
        await house.choose(self.db, self.deps.instance, None, house.key_of(key), value, secret=SECRET)

    async def a_person(self, name: str, *roles: Role) -> Person:
        """Open an account."""
        account_id = await accounts.create_account(
            self.db, self.deps.instance, name=name, password=PASSWORD, roles=roles, secret=SECRET,
            hash_password=QuickPasswords().hash,
        )  # fmt: skip
        async with self.db.connection() as conn:
            person = await people.find_person(conn, account_id)
        assert person is not None
        self.people[name] = person
        return person

    async def a_group(
        self, name: str, kind: GroupKind = "open", *, moderators: tuple[str, ...] = ("asha",), **more: Any
    ) -> ActorId:
        """Open a group; asha moderates it unless told otherwise."""
        for moderator in moderators:
            if moderator not in self.people:
                await self.a_person(moderator)
        self.groups[name] = await groups.create_group(
            self.db, self.deps.instance, SECRET, name=name, title=name.title(), kind=kind,
            moderators=moderators, **more,
        )  # fmt: skip
        return self.groups[name]

    async def finds(self, handle: str) -> ActorId:
        """Type a handle into the search box; whom we know already is looked up here."""
        name, _, host = handle.lstrip("@!").partition("@")
        known = await self.value(KNOWN, name, None if host in ("", self.host) else host)
        if known is not None:
            return ActorId(known)
        found = await self.deps.remote.find(handle)
        assert found is not None, f"{handle} cannot be found from {self.host}"
        return ActorId(found)

    async def follows(self, name: str, handle: str) -> FollowStanding:
        """Join a group, or follow a person."""
        target = await self.finds(handle)
        return await following.follow(
            self.db, self.deps.instance, self.people[name], target, is_invited=True
        )

    async def leaves(self, name: str, handle: str) -> None:
        """Leave a group, or stop following a person."""
        target = await self.finds(handle)
        await following.unfollow(self.db, self.deps.instance, self.people[name], target)

    async def standing(self, name: str, handle: str) -> FollowStanding | None:
        """Say where a follow stands as this server sees it."""
        target = await self.finds(handle)
        found: FollowStanding | None = await self.value(
            "select standing from follows where follower_id = $1 and target_id = $2",
            self.people[name].actor_id, target,
        )  # fmt: skip
        return found

    async def answers(self, name: str, handle: str, *, accept: bool) -> None:
        """Let somebody follow one of our people, or not; `handle` is theirs."""
        person = self.people[name]
        number = await self.follow_of(handle, person.actor_id)
        await following.decide_member(
            self.db, self.deps.instance, person, FollowId(number), accept=accept
        )

    async def removes(self, name: str, handle: str) -> None:
        """Let a follower of one of our people go."""
        person = self.people[name]
        number = await self.follow_of(handle, person.actor_id)
        await following.remove_member(self.db, self.deps.instance, person, FollowId(number))

    async def follow_of(self, handle: str, target_id: ActorId) -> int:
        """Return the row of somebody's follow."""
        return int(
            await self.value(
                "select f.id from follows f join actors a on a.id = f.follower_id"
                " where f.target_id = $1 and a.name = $2 and coalesce(a.host, $4) = $3",
                target_id, *handle.split("@"), str(self.host),
            )
        )  # fmt: skip

    async def decides(self, moderator: str, handle: str, group: str, *, accept: bool) -> None:
        """Let somebody into a group that asks, or not; `handle` is theirs."""
        number = await self.follow_of(handle, self.groups[group])
        await following.decide_member(
            self.db, self.deps.instance, self.people[moderator], FollowId(number), accept=accept
        )

    async def posts(
        self,
        name: str,
        body: str,
        *,
        to: str | None = None,
        answering: Uri | None = None,
        title: str = "",
        **draft: Any,
    ) -> Uri:
        """Write a thread in a group, or answer a post; return the post's id."""
        done = await self.publishes(name, body, to=to, answering=answering, title=title, **draft)
        return Uri(await self.value("select uri from posts where id = $1", done.post_id))

    async def publishes(
        self, name: str, body: str, *, to: str | None = None, answering: Uri | None = None, **draft: Any
    ) -> Published:
        """The same, returning what the person is told."""
        return await posting.publish(
            self.db,
            self.deps.instance,
            self.people[name],
            Draft(
                body=body,
                group_id=None if to is None else await self.finds(to),
                parent_id=None if answering is None else await self.row_of(answering),
                **draft,
            ),
        )

    async def row_of(self, uri: Uri) -> PostId:
        """Return this server's row of a post."""
        found = await self.value("select id from posts where uri = $1", uri)
        assert found is not None, f"{self.host} has no {uri}"
        return PostId(found)

    async def edits(self, name: str, uri: Uri, body: str, **draft: Any) -> None:
        """Replace the words of one's own post."""
        await posting.edit(
            self.db, self.deps.instance, self.people[name], await self.row_of(uri), Draft(body=body, **draft)
        )

    async def deletes(self, name: str, uri: Uri) -> None:
        """Delete one's own post."""
        await posting.delete(self.db, self.deps.instance, self.people[name], await self.row_of(uri))

    async def rules(self, domain: str, severity: Severity) -> None:
        """Decide about a domain."""
        await moderating.set_domain_rule(
            self.db, self.deps.instance, None, DomainRule(domain, severity, reason="a test")
        )

    async def lifts(self, domain: str) -> None:
        """Take the decision back."""
        await moderating.clear_domain_rule(self.db, None, domain)

    async def approves(self, moderator: str, uri: Uri) -> None:
        """Let a held post appear."""
        await moderating.approve_post(
            self.db, self.deps.instance, self.people[moderator], await self.row_of(uri)
        )

    async def shown(self, group: str, viewer: str | None = None) -> list[Shown]:
        """Return what is seen in a group (by handle), oldest first."""
        seen_by = None if viewer is None else self.people[viewer].actor_id
        rows = await self.rows(SHOWN, await self.finds(group), seen_by, str(self.host))
        return [Shown(**row) for row in rows]

    async def texts(self, group: str, viewer: str | None = None) -> list[str]:
        """Return the words seen in a group, without the line that names the group under a thread."""
        name = group.lstrip("@!").partition("@")[0]
        return [
            post.body_text.removesuffix(f"@{name}").rstrip() for post in await self.shown(group, viewer)
        ]

    async def get(self, target: str, **headers: str) -> Got:
        """Ask this server for a page, as a stranger would."""
        return await ask(self.app, "GET", target, {"Host": str(self.host), **headers})

    async def step(self) -> bool:
        """Serve one lane each way; say whether there was anything to do."""
        came_in = await receive.step(self.deps)
        went_out = await deliver.step(self.deps, self.sender)
        caught_up = await catching_up.step(self.deps)
        return came_in or went_out or caught_up


@dataclass
class World:
    """All of it. Nothing happens until `settle` is called, and no time passes until `wait` is."""

    fresh_database: Callable[[], Awaitable[str]]
    clock: Clock
    internet: Internet
    servers: dict[Host, Server] = field(default_factory=dict)

    async def server(
        self, host: str, *, newcomer_posts_held: int = 0, limits: Limits = PLENTY, **settings: Any
    ) -> Server:
        """Open an instance at `https://<host>`; people's posts leave at once unless `undo_for` is given."""
        settings.setdefault("undo_for", timedelta())
        chosen = Settings(base_url=f"https://{host}", newcomer_posts_held=newcomer_posts_held, **settings)
        number = len(self.servers)
        place = uris.host(chosen.base_url)
        db = await open_db(await self.fresh_database(), clock=self.clock, size=4)
        deps = wiring.build(chosen, db, self.internet.line(place), SECRET, limits=limits)
        app = wiring.web(deps)
        await accounts.ensure_instance_actor(db, chosen.instance, SECRET)
        chance = random.Random(number)
        self.servers[place] = Server(self, deps, app, Sender(chance=chance.random))
        self.internet.apps[place] = app
        return self.servers[place]

    async def close(self) -> None:
        """Close every database."""
        for server in self.servers.values():
            await server.deps.remote.close()
            await server.db.close()

    async def settle(self) -> None:
        """Step all workers until nothing is left that can be done now."""
        for _ in range(10_000):
            did = await self.internet.arrive()
            for server in self.servers.values():
                did |= await server.step()
            if not did:
                return
        raise AssertionError("the servers never come to rest")

    async def wait(self, **how_long: float) -> None:
        """Let time pass, with the workers awake at every moment at which something is due."""
        end = self.clock.at + timedelta(**how_long)
        while True:
            await self.settle()
            due = await self.next_due()
            if due is None or due > end:
                break
            self.clock.at = max(due, self.clock.at + timedelta(milliseconds=1))
        self.clock.at = max(end, self.clock.at)
        await self.settle()

    async def next_due(self) -> datetime | None:
        """Return when something can be done next, None when nothing waits anywhere."""
        dues = [await server.value(DUE) for server in self.servers.values()]
        return min((due for due in dues if due is not None), default=None)

    async def calm(self, **at_most: float) -> None:
        """Let time pass until nothing waits anywhere; fail if that takes longer than `at_most`."""
        end = self.clock.at + timedelta(**at_most)
        while True:
            await self.settle()
            due = await self.next_due()
            if due is None:
                return
            assert due <= end, f"something still waits until {due}"
            self.clock.at = max(due, self.clock.at + timedelta(milliseconds=1))
