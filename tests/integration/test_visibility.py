"""Who may read what, twice: in SQL for lists, in Python for people to read; compared in generated worlds."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, get_args

import pytest

from federation.uris import Uri
from fediverse_support.db.pool import Db, Tx
from fediverse_support.domain.actors import ROLES, ActorStanding, GroupKind, Person, Role
from fediverse_support.domain.ids import AccountId, ActorId, PostId
from fediverse_support.domain.moderation import SEVERITIES, Severity, severity_for
from fediverse_support.domain.posts import Audience, PostStanding
from fediverse_support.policy.access import (
    Below,
    Power,
    Readable,
    Reader,
    may,
    may_enter,
    may_moderate,
    may_read,
    may_read_messages,
    may_reread,
    may_write,
)
from fediverse_support.store.moderation import held
from tests.unit.policy.cases import group

AUDIENCES: tuple[Audience, ...] = ("public", "unlisted", "followers", "group", "direct")
STANDINGS: tuple[PostStanding, ...] = ("visible", "visible", "held", "limited", "removed", "deleted")
ACTOR_STANDINGS: tuple[ActorStanding, ...] = (
    "visible",
    "visible",
    "visible",
    "limited",
    "suspended",
    "deleted",
)
KINDS: tuple[GroupKind, ...] = ("home", "home-open", "circle", "open")
FOLLOWS = ("pending", "accepted", "accepted", "rejected", "left", "severed")
HOSTS = (
    None,
    None,
    "masto.example",
    "a.pie.example",
    "pie.example",
    "pie.example:8443",
    "deep.a.pie.example",
)
DOMAINS = ("masto.example", "pie.example", "a.pie.example", "pie.example:8443", "example", "other.example")

Names = tuple[ActorId, ...]
"""Those of one account; none for a visitor."""

INSERT_ACTOR = """
insert into actors (uri, kind, host, name, inbox_uri, standing, account_id, created_at, updated_at)
values ($1, $2, $3, $4, $1 || '/inbox', $5, $6, $7, $7) returning id
"""
INSERT_POST = """
with fresh as (select new_id() as id)
insert into posts (id, uri, kind, author_id, host, group_id, root_id, audience, standing, published_at,
    active_at, created_at, written_in)
select id, $1, 'Note', $2, $3, $4, id, $5, $6, $7, $7, $7, $8 from fresh returning id
"""
ASK = """
select p.id, v.names, can_see(p, v.readers) as seen, can_reread(p, v.readers) as kept,
       (select s.yes from can_see_post_each(p.id, v.readers) s (yes)) as seen_in_lists
from posts p
cross join (select names, string_to_array(names, ' ')::bigint[] as readers from unnest($1::text[]) names) v
"""


@dataclass
class World:
    """What was generated, as the rule in Python is told it."""

    rng: random.Random
    rules: dict[str, Severity] = field(default_factory=dict)
    actors: dict[ActorId, tuple[str | None, ActorStanding, bool]] = field(default_factory=dict)
    groups: dict[ActorId, GroupKind] = field(default_factory=dict)
    follows: set[tuple[ActorId, ActorId]] = field(default_factory=set)
    posts: dict[PostId, tuple[ActorId, ActorId | None, Audience, PostStanding]] = field(default_factory=dict)
    written_in: dict[PostId, GroupKind | None] = field(default_factory=dict)
    mentions: set[tuple[PostId, ActorId]] = field(default_factory=set)

    def readable(self, post_id: PostId) -> Readable:
        author_id, group_id, audience, standing = self.posts[post_id]
        host, author_standing, _ = self.actors[author_id]
        return Readable(
            author_id=author_id,
            author_standing=author_standing,
            rule=severity_for(host, self.rules),
            standing=standing,
            audience=audience,
            group_kind=None if group_id is None else self.groups[group_id],
            written_in=self.written_in[post_id],
        )

    def reader(self, names: Names, author_id: ActorId, group_id: ActorId | None, post: PostId) -> Reader:
        return Reader(
            ids=frozenset(names),
            is_ours=any(self.actors[name][2] for name in names),
            is_member=any((name, group_id) in self.follows for name in names),
            is_follower=any((name, author_id) in self.follows for name in names),
            is_mentioned=any((post, name) in self.mentions for name in names),
        )

    def readers(self) -> list[Names]:
        """A visitor, everybody by themselves, and accounts with two names and with three."""
        ours = [actor for actor, (_, _, has_account) in self.actors.items() if has_account]
        several = [tuple(self.rng.sample(ours, size)) for size in (2, 2, 2, 3, 3) if len(ours) >= size]
        return [(), *((actor,) for actor in self.actors), *several]


def typed(readers: list[Names]) -> list[str]:
    """The same as a statement takes them."""
    return [" ".join(map(str, names)) for names in readers]


def names_of(row: Any) -> Names:
    return tuple(ActorId(int(name)) for name in row["names"].split())


async def generate(db: Db, seed: int) -> World:
    """Fill an empty database at random, and remember what was put there."""
    world = World(random.Random(seed))
    async with db.transaction() as tx:
        for domain in DOMAINS:
            if world.rng.random() < 0.5:
                world.rules[domain] = world.rng.choice(SEVERITIES)
                await tx.execute(
                    "insert into domain_rules (domain, severity, created_at, updated_at)"
                    " values ($1, $2, $3, $3)",
                    domain, world.rules[domain], db.now(),
                )  # fmt: skip
        await _actors(tx, db, world)
        await _follows(tx, db, world)
        await _posts(tx, db, world)
    return world


async def _actors(tx: Tx, db: Db, world: World) -> None:
    rng, now = world.rng, db.now()
    for number in range(10):
        host, standing, account = rng.choice(HOSTS), rng.choice(ACTOR_STANDINGS), None
        if host is None and rng.random() < 0.8:
            account = await tx.fetchval(
                "insert into accounts (name, password_hash, created_at) values ($1, 'x', $2) returning id",
                f"person{number}", now,
            )  # fmt: skip
        uri = f"https://{host or 'support.example'}/u/{number}"
        actor_id = await tx.fetchval(INSERT_ACTOR, uri, "person", host, f"p{number}", standing, account, now)
        world.actors[ActorId(actor_id)] = (host, standing, account is not None)
    for number, kind in enumerate(KINDS * 2):
        host = None if number < 4 else rng.choice(HOSTS)
        uri = f"https://{host or 'support.example'}/g/{number}"
        actor_id = await tx.fetchval(INSERT_ACTOR, uri, "group", host, f"g{number}", "visible", None, now)
        world.groups[ActorId(actor_id)] = kind
        await tx.execute(
            "insert into groups (actor_id, kind, title, created_at) values ($1, $2, 'A group', $3)",
            actor_id, kind, now,
        )  # fmt: skip


async def _follows(tx: Tx, db: Db, world: World) -> None:
    for follower in world.actors:
        for target in (*world.actors, *world.groups):
            if follower == target or world.rng.random() < 0.5:
                continue
            standing = world.rng.choice(FOLLOWS)
            if standing == "accepted":
                world.follows.add((follower, target))
            await tx.execute(
                "insert into follows (uri, follower_id, target_id, standing, created_at)"
                " values ('x', $1, $2, $3, $4)", follower, target, standing, db.now(),
            )  # fmt: skip


async def _posts(tx: Tx, db: Db, world: World) -> None:
    rng = world.rng
    for number in range(120):
        author = rng.choice(list(world.actors))
        host = world.actors[author][0]
        group = rng.choice([None, *world.groups])
        audience, standing = rng.choice(AUDIENCES), rng.choice(STANDINGS)
        uri = f"https://{host or 'support.example'}/o/{number}"
        then = None if group is None else rng.choice((world.groups[group], *KINDS))
        row = await tx.fetchval(INSERT_POST, uri, author, host, group, audience, standing, db.now(), then)
        post = PostId(row)
        world.posts[post] = (author, group, audience, standing)
        world.written_in[post] = then
        for named in world.actors:
            if rng.random() < 0.2:
                world.mentions.add((post, named))
                await tx.execute("insert into mentions (post_id, actor_id) values ($1, $2)", post, named)


@pytest.mark.parametrize("seed", range(8))
async def test_what_lists_show_is_what_may_be_read(db: Db, seed: int) -> None:
    world = await generate(db, seed)
    readers = world.readers()
    async with db.connection() as conn:
        rows = await conn.fetch(ASK, typed(readers))
    assert len(rows) == len(world.posts) * len(readers)
    # In two worlds, only one person has an account here.
    assert seed in (2, 6) or max(map(len, readers)) >= 2
    wrong: list[Any] = []
    answers: dict[tuple[Audience, GroupKind | None], set[bool]] = {}
    for row in rows:
        author_id, group_id, _, _ = world.posts[row["id"]]
        post, reader = world.readable(row["id"]), world.reader(names_of(row), author_id, group_id, row["id"])
        answer = may_read(post, reader)
        answers.setdefault((post.audience, post.kind), set()).add(answer)
        if answer is not row["seen"] or answer is not row["seen_in_lists"]:
            wrong.append((post, reader, row["seen"], row["seen_in_lists"]))
    assert wrong == []
    # No world is so closed that every answer is the same.
    assert sum(found == {True, False} for found in answers.values()) >= 5


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_removed_is_kept_for_its_author_alone(db: Db, seed: int) -> None:
    world = await generate(db, seed)
    readers = world.readers()
    async with db.connection() as conn:
        rows = await conn.fetch(ASK, typed(readers))
    for row in rows:
        author_id, group_id, _, standing = world.posts[row["id"]]
        reader = world.reader(names_of(row), author_id, group_id, row["id"])
        assert row["kept"] is may_reread(world.readable(row["id"]), reader)
        assert not row["kept"] or (author_id in names_of(row) and standing == "removed")
        assert not (row["kept"] and row["seen"])
    # In the first two worlds, somebody here wrote something that was removed.
    assert seed >= 2 or any(row["kept"] for row in rows)


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_in_a_group_is_shown_to_those_who_may_enter(db: Db, seed: int) -> None:
    world = await generate(db, seed)
    async with db.connection() as conn:
        for group_id, kind in world.groups.items():
            for names in world.readers():
                reader = Reader(
                    ids=frozenset(names),
                    is_ours=any(world.actors[name][2] for name in names),
                    is_member=any((name, group_id) in world.follows for name in names),
                )
                shown = await conn.fetchval("select can_see_group($1, $2)", group_id, names)
                assert shown is may_enter(kind, reader), (kind, reader)


ROLE_SETS: tuple[frozenset[Role], ...] = tuple(
    frozenset(roles) for size in range(3) for roles in itertools.combinations(ROLES, size)
)


async def name_moderators(db: Db, world: World) -> set[tuple[ActorId, ActorId]]:
    """Let the first person moderate every second group, and the last one another; return who does which."""
    people, groups = list(world.actors), list(world.groups)
    cared = {(people[0], group) for group in groups[::2]} | {(people[-1], groups[1])}
    async with db.transaction() as tx:
        for person, group in cared:
            await tx.execute(
                "insert into group_moderators (group_id, actor_id, since_at) values ($1, $2, $3)",
                group, person, db.now(),
            )  # fmt: skip
    return cared


async def test_who_decides_about_a_post_is_the_same_in_both(db: Db) -> None:
    world = await generate(db, 99)
    cared = await name_moderators(db, world)
    answers: set[tuple[GroupKind | None, bool]] = set()
    async with db.transaction() as tx:
        for post_id, (_, group_id, _, standing) in world.posts.items():
            if standing == "deleted":
                continue
            kind = None if group_id is None else world.groups[group_id]
            for actor_id, roles in itertools.product(list(world.actors)[:2], ROLE_SETS):
                is_moderator = group_id is not None and (actor_id, group_id) in cared
                expected = may_moderate(kind, is_moderator=is_moderator, roles=roles)
                person = Person(AccountId(1), roles, actor_id, Uri("x"), "x")
                assert await held.may_moderate(tx, post_id, person) is expected
                answers.add((kind, expected))
    assert answers == {(kind, answer) for kind in (None, *KINDS) for answer in (True, False)}


async def test_who_reads_messages_to_a_group_is_the_same_in_both(db: Db) -> None:
    world = await generate(db, 98)
    cared = await name_moderators(db, world)
    answers = set()
    async with db.connection() as conn:
        for actor_id, group_id, roles in itertools.product(world.actors, world.groups, ROLE_SETS):
            has_here = any(world.actors[person][2] for person, group in cared if group == group_id)
            expected = may_read_messages(
                is_moderator=(actor_id, group_id) in cared, has_moderator_here=has_here, roles=roles
            )
            asked = await conn.fetchval("select may_read_messages($1, $2, $3)", group_id, actor_id, roles)
            assert asked is expected, (actor_id, group_id, roles)
            answers.add(asked)
    assert answers == {True, False}


async def test_what_a_role_gives_is_the_same_in_both(db: Db) -> None:
    async with db.connection() as conn:
        for roles, power in itertools.product(ROLE_SETS, get_args(Power)):
            assert await conn.fetchval("select role_may($1, $2)", roles, power) is may(roles, power)
        assert await conn.fetchval("select role_may($1, 'no such power')", list(ROLES)) is False


@pytest.mark.parametrize("seed", range(2))
async def test_who_may_write_is_the_same_in_both(db: Db, seed: int) -> None:
    world = await generate(db, seed)
    cared, rng = await name_moderators(db, world), world.rng
    waiting, banned = set(list(world.actors)[::4]), set()
    rules: dict[ActorId, tuple[bool, bool]] = {}
    async with db.transaction() as tx:
        await tx.execute(
            "update accounts c set standing = 'pending' from actors a"
            " where c.id = a.account_id and a.id = any ($1)", waiting,
        )  # fmt: skip
        for group_id in world.groups:
            rules[group_id] = (rng.random() < 0.5, rng.random() < 0.5)
            await tx.execute(
                "update groups set approval = $2, posting_restricted = $3 where actor_id = $1",
                group_id, *rules[group_id],
            )  # fmt: skip
            for actor_id in rng.sample(list(world.actors), 3):
                days = rng.choice((-1, 1, None))
                ends_at = None if days is None else db.now() + timedelta(days=days)
                banned |= set() if days == -1 else {(actor_id, group_id)}
                await tx.execute(
                    "insert into group_bans (group_id, actor_id, banned_at, ends_at) values ($1, $2, $3, $4)",
                    group_id, actor_id, db.now(), ends_at,
                )  # fmt: skip
        locked = set(rng.sample(list(world.posts), 30))
        await tx.execute("update posts set is_locked = true where id = any ($1)", locked)
        rows = await tx.fetch("select id, host from actors where kind = 'group'")
        hosts = {row["id"]: row["host"] for row in rows}
        wrong, answers = [], set()
        parents = [None, *rng.sample(list(world.posts), 25)]
        places: list[ActorId | None] = [None, *world.groups]
        for actor_id, where, parent in itertools.product(world.actors, places, parents):
            place = None if where is None else replace(
                group(), kind=world.groups[where], host=hosts[where], approval=rules[where][0],
                posting_restricted=rules[where][1], is_member=(actor_id, where) in world.follows,
                is_moderator=(actor_id, where) in cared, is_banned=(actor_id, where) in banned,
            )  # fmt: skip
            answered = None if parent is None else Below(world.posts[parent][3], parent in locked)
            has_account, waits = world.actors[actor_id][2], actor_id in waiting
            standing = "pending" if has_account and waits else "active"
            expected = may_write(place, answered, account_standing=standing)
            asked = await tx.fetchval(
                "select may_write($1, $2, $3, $4)", where, actor_id, parent, db.now()
            )
            wrong += [] if asked is expected else [(place, answered, standing, asked)]
            answers.add(asked)
    assert wrong == [] and answers == {True, False}
