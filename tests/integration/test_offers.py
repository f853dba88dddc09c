"""What a page offers is what the action behind it lets through: compared in generated worlds.

Every button and every link to a form is tried, by everybody, whether it is offered to them or not. What it
does is taken back at once, so that the world stays as it was.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from fediverse_support.db.pool import Db, Tx
from fediverse_support.domain.actors import ROLES
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.web.app import assemble
from fediverse_support.web.pages.groups import invitation_address
from fediverse_support.web.pages.routes import routes
from tests.integration.site import Site, make_site

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

WORLDS = int(os.environ.get("OFFERED_WORLDS", "2"))
CAST = ("wren", "marlow", "tansy", "heron", "asha", "tom")
GROUPS = ("frontroom", "appointments", "cafe", "ring", "away")
FORMS: dict[str, dict[str, str]] = {
    "write": {"title": "One", "body": "Words."},
    "join": {"copies": "1"},
    "edit": {"body": "Other words."},
    "again": {"body": "Kinder words.", "title": "One"},
    "tell-us": {"reason": "worried"},
    "take-down": {},
    "remove": {},
}
OF_POSTS = ("reply", "edit", "remove", "tell-us", "take-down", "again", "pause", "go-on")
SHOWN = ("visible", "visible", "visible", "limited", "removed", "deleted")
OFFERS = re.compile(
    r'href="/g/(?P<group>[^/"?]+)/(?P<do>write|join|leave)"'
    r'|href="[^"]*/reply\?to=(?P<to>\d+)"|name="to" value="(?P<first>\d+)"'
    r'|href="/post/(?P<post>\d+)/(?P<act>edit|remove|tell-us|take-down|again)"'
)
PAUSES = re.compile(r'action="/post/(\d+)/pause".*?name="decision" value="(pause|go-on)"', re.DOTALL)
DESK = re.compile(r'action="(/mod/(?:held|reports|messages|members|accounts)/\d+)"(.*?)</form>', re.DOTALL)
DECISION = re.compile(r'name="decision" value="(\w+)"')
# What was judged, noted or told: nothing that anybody does leaves all three as they were.
TRACES = """
select (select count(*) from decisions) + (select count(*) from mod_actions) + (select count(*) from reports)
"""


def slug_of(group: str) -> str:
    return "away@far.example" if group == "away" else group


class TakenBack(Exception):
    """The end of a rehearsal."""


class Rehearsed(Db):
    """The database, where whatever is done is taken back; `done` says whether anything was."""

    def __init__(self, db: Db, before: int) -> None:
        super().__init__(db._pool, db.dsn, db._clock)
        self.before, self.done = before, False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        with contextlib.suppress(TakenBack):
            async with super().transaction() as tx:
                yield tx
                self.done = self.done or await tx.fetchval(TRACES) > self.before
                raise TakenBack


@dataclass
class World:
    """A site, the same in rehearsal, and what there is to be done in it."""

    site: Site
    rehearsal: Site
    stage: Rehearsed
    threads: dict[PostId, list[PostId]] = field(default_factory=dict)
    authors: dict[PostId, str] = field(default_factory=dict)
    places: dict[PostId, str] = field(default_factory=dict)
    answered: set[PostId] = field(default_factory=set)
    desk: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seen: dict[str, set[bool]] = field(default_factory=dict)

    async def writes(self, place: str, name: str, body: str, **draft: Any) -> PostId:
        """Let somebody write in a group."""
        post_id = await self.site.writes(name, body, **draft)
        self.authors[post_id], self.places[post_id] = name, slug_of(place)
        self.answered |= {draft["parent"]} if "parent" in draft else set()
        return post_id

    async def tries(self, name: str, path: str, form: dict[str, str]) -> bool:
        """Send a form as somebody; say whether it did what it is for."""
        self.stage.done = False
        got = await self.rehearsal.post(path, name, form)
        assert got.status_code < 500, (name, path, got.text)
        return got.status_code == 303 and self.stage.done

    async def holds(self, name: str, what: str, path: str, form: dict[str, str], *, offered: bool) -> None:
        """Note where an offer and the action behind it differ."""
        done = await self.tries(name, path, form)
        self.seen.setdefault(what, set()).add(done)
        if done is not offered:
            self.wrong.append(f"{name}: {what} {path} offered {offered}, let through {done}")


async def generate(db: Db, monkeypatch: pytest.MonkeyPatch, seed: int) -> World:
    """Let people write in five groups, and then let this and that become of everything, at random."""
    rng = random.Random(seed)
    site = await make_site(db, monkeypatch)
    await site.group("ring", "The ring", "circle", moderators=("asha",))
    await _group_elsewhere(site)
    world = World(site, site, Rehearsed(db, 0))
    for group in GROUPS:
        for name in ("marlow", "tansy"):
            await _take_part(site, name, group)
        for authors in (("tansy", "asha"), ()):
            root = await world.writes(group, "marlow", "A beginning.", group=group, title="One")
            world.threads[root] = []
            for author in authors if group != "away" else authors[:1]:
                parent = rng.choice([root, *world.threads[root]])
                world.threads[root].append(await world.writes(group, author, "An answer.", parent=parent))
    async with db.transaction() as tx:
        await _befall(tx, rng, world)
        await _wait(tx, rng, world)
        traces = await tx.fetchval(TRACES)
    world.stage.before = traces
    deps = replace(site.deps, db=world.stage)
    world.rehearsal = replace(site, app=assemble(routes(deps), base_url=deps.instance.base_url))
    return world


async def _group_elsewhere(site: Site) -> None:
    site.groups["away"] = ActorId(await site.value(
        "with a as (insert into actors"
        " (uri, kind, host, handle_host, name, inbox_uri, created_at, updated_at) values ("
        "'https://far.example/g/away', 'group', 'far.example', 'far.example', 'away',"
        " 'https://far.example/g/away/inbox', now(), now()) returning id)"
        " insert into groups (actor_id, kind, title, created_at) select id, 'open', 'Away', now() from a"
        " returning actor_id"
    ))  # fmt: skip


async def _take_part(site: Site, name: str, group: str) -> None:
    if group != "away":
        return await site.joins(name, group)
    async with site.db.transaction() as tx:
        await tx.execute(
            "insert into follows (uri, follower_id, target_id, standing, created_at)"
            " values ('x', $1, $2, 'accepted', now())", site.people[name].actor_id, site.groups[group],
        )  # fmt: skip


async def _befall(tx: Tx, rng: random.Random, world: World) -> None:
    """Roles, bans, endings, pauses and decisions."""
    site = world.site
    for name in CAST:
        roles = [role for role in ROLES if rng.random() < 0.15]
        await tx.execute("update accounts set roles = $2 where name = $1", name, roles)
        for group in GROUPS:
            who, where = site.people[name].actor_id, site.groups[group]
            if rng.random() < 0.4:
                await tx.execute(
                    "insert into follows (uri, follower_id, target_id, standing, created_at)"
                    " values ('x', $1, $2, $3, now()) on conflict (follower_id, target_id)"
                    " do update set standing = excluded.standing",
                    who, where, rng.choice(("pending", "accepted", "rejected", "left", "severed")),
                )  # fmt: skip
            if rng.random() < 0.15:
                await tx.execute(
                    "insert into group_bans (group_id, actor_id, banned_at) values ($2, $1, now())",
                    who, where,
                )  # fmt: skip
            if group != "away" and rng.random() < 0.15:
                await tx.execute(
                    "insert into group_moderators (group_id, actor_id, since_at) values ($2, $1, now())"
                    " on conflict do nothing", who, where,
                )  # fmt: skip
    for group in GROUPS:
        await tx.execute(
            "update groups set posting_restricted = $2, approval = $3 where actor_id = $1",
            site.groups[group], rng.random() < 0.25, rng.random() < 0.5,
        )  # fmt: skip
    for post_id in world.authors:
        await tx.execute(
            "update posts set standing = $2, is_locked = $3 where id = $1", post_id,
            # Nobody answers what they do not see.
            rng.choice(SHOWN + (() if post_id in world.answered else ("held",) * 9)),
            post_id in world.threads and rng.random() < 0.3,
        )  # fmt: skip


async def _wait(tx: Tx, rng: random.Random, world: World) -> None:
    """Something of every sort waits for a moderator."""
    site = world.site
    world.desk += [f"/mod/held/{post_id}" for post_id in world.authors]
    for group in (None, *GROUPS):
        group_id = None if group is None else site.groups[group]
        report = await tx.fetchval(
            "insert into reports (group_id, post_ids, reason, body, created_at)"
            " values ($1, '{}', 'other', '', now()) returning id", group_id,
        )  # fmt: skip
        world.desk.append(f"/mod/reports/{report}")
        if group not in (None, "away"):
            message = await tx.fetchval(
                "insert into group_messages (uri, group_id, author_id, body_html, received_at)"
                " values ($1, $2, $3, 'Help.', now()) returning id",
                f"https://far.example/{group}", group_id, site.groups["away"],
            )  # fmt: skip
            world.desk.append(f"/mod/messages/{message}")
    # A group that nobody here moderates.
    await tx.execute("delete from group_moderators where group_id = $1", site.groups[rng.choice(GROUPS)])
    for row in await tx.fetch("select f.id from follows f join groups g on g.actor_id = f.target_id"):
        world.desk.append(f"/mod/members/{row['id']}")
    newcomer = await tx.fetchval(
        "insert into accounts (name, password_hash, standing, created_at)"
        " values ('newcomer', '-', 'pending', now()) returning id"
    )
    world.desk.append(f"/mod/accounts/{newcomer}")


def offered(text: str) -> set[tuple[str, str]]:
    """Return what a page offers, as (what, of which group or post)."""
    found = {(decision, number) for number, decision in PAUSES.findall(text)}
    for match in OFFERS.finditer(text):
        if match["do"]:
            found.add((match["do"], match["group"]))
        elif match["post"]:
            found.add((match["act"], match["post"]))
        else:
            found.add(("reply", match["to"] or match["first"]))
    return found


def form_for(what: str, place: str, root: PostId, post_id: PostId) -> tuple[str, dict[str, str]]:
    """Return where a form about a post is sent, and what stands in it."""
    if what == "reply":
        return f"/g/{place}/t/{root}/reply", {"body": "An answer.", "to": str(post_id)}
    if what in ("pause", "go-on"):
        return f"/post/{post_id}/pause", {"decision": what}
    return f"/post/{post_id}/{what}", FORMS[what]


async def in_groups(world: World, name: str) -> None:
    for group in GROUPS:
        slug = slug_of(group)
        page = await world.site.get(f"/g/{slug}", name)
        offers = offered(page.text)
        for what in ("write", "join"):
            is_offered = (what, slug) in offers
            if page.status_code == 200 or what == "write":
                await world.holds(name, what, f"/g/{slug}/{what}", FORMS[what], offered=is_offered)
        if ("leave", slug) in offers:
            await world.holds(name, "leave", f"/g/{slug}/leave", {}, offered=True)
        for what in ("write", "join"):
            form = await world.site.get(f"/g/{slug}/{what}", name)
            has_form = form.status_code == 200 and f'action="/g/{slug}/{what}"' in form.text
            assert not has_form or (what, slug) in offers or page.status_code == 404, (name, what, slug)


async def in_conversations(world: World, name: str) -> None:
    for root, replies in world.threads.items():
        page = await world.site.get(f"/g/{world.places[root]}/t/{root}", name)
        offers = offered(page.text) if page.status_code == 200 else set()
        for what, slug in offers:
            if what == "join":
                await world.holds(name, "join from there", f"/g/{slug}/join", FORMS["join"], offered=True)
        for post_id in (root, *replies):
            is_author = world.authors[post_id] == name
            for what in OF_POSTS:
                if what in ("pause", "go-on") and post_id != root:
                    continue
                if is_author and what in ("take-down", "tell-us"):
                    # Of one's own, Remove is offered instead.
                    continue
                path, form = form_for(what, world.places[root], root, post_id)
                await world.holds(name, what, path, form, offered=(what, str(post_id)) in offers)


async def at_the_desk(world: World, name: str) -> None:
    offers: set[tuple[str, str]] = set()
    for tab in ("held", "reports", "messages", "members"):
        page = await world.site.get(f"/mod/{tab}", name)
        for path, form in DESK.findall(page.text if page.status_code == 200 else ""):
            offers |= {(path, decision) for decision in DECISION.findall(form) or [""]}
    nav = (await world.site.get("/home", name)).text
    for path in world.desk:
        sort = path.split("/")[2]
        decisions = {"held": ("approve", "refuse"), "members": ("accept", "decline"), "accounts": ("accept",)}
        for decision in decisions.get(sort, ("",)):
            what, form = f"{sort} {decision}", {"decision": decision}
            await world.holds(name, what, path, form, offered=(path, decision) in offers)
    desk = await world.site.get("/mod/held", name)
    assert (desk.status_code == 200) is ('href="/mod/held"' in nav), name
    rule = {"severity": "limit"}
    servers = 'href="/admin/servers"' in nav
    await world.holds(name, "rule", "/admin/servers/loud.example", rule, offered=servers)


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_what_a_page_offers_is_what_is_let_through(
    db: Db, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    world = await generate(db, monkeypatch, seed)
    for name in CAST:
        await in_groups(world, name)
        await in_conversations(world, name)
        await at_the_desk(world, name)
    assert world.wrong == []
    # No world is so simple that everything is let through, or nothing.
    both = {what for what, answers in world.seen.items() if answers == {True, False}}
    assert both >= {"write", "reply", "edit", "remove", "tell-us", "take-down", "held approve", "rule"}
    assert await db_is_as_it_was(world)


async def db_is_as_it_was(world: World) -> bool:
    return bool(await world.site.value(TRACES) == world.stage.before)


async def test_a_closed_group_is_joined_by_its_invitation_and_by_nothing_else(
    db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await make_site(db, monkeypatch)
    pages: Any = site  # it has what an invitation is made from
    address = invitation_address(pages, site.groups["frontroom"], "frontroom")
    invite = address.partition("=")[2]
    assert (await site.post("/g/frontroom/join", "heron")).status_code == 404
    assert (await site.post("/g/frontroom/join", "heron", {"invite": invite})).status_code == 303
