"""A year passes, day by day: what is stored is bounded by posts and people, never by time alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from federation import uris, vocab
from federation.errors import Unreachable
from federation.http import Reply
from federation.uris import Uri
from fediverse_support.actions import local_keys
from fediverse_support.db.pool import Db
from fediverse_support.deps import Deps
from fediverse_support.store import retention
from fediverse_support.store.exchange.deliveries import Wanted
from fediverse_support.store.people import follows, remote_actors
from fediverse_support.workers import deliver
from fediverse_support.workers.errands import housekeeping
from fediverse_support.workers.visits import Sender
from tests.builders import key_maker
from tests.conftest import Clock
from tests.federation.internet import Internet
from tests.federation.world import Server, World
from tests.stored import bits

pytestmark = pytest.mark.postgres

HOSTS = 10
ACTIVE, MONTH = 60, 30
TABLES = "select tablename from pg_tables where schemaname = 'public' order by tablename"
# What every day brings that has to be forgotten again: undone, expired, of strangers, of nobody here.
NOISE = """
with n as (select $1::timestamptz as at, 'd' || $2::int || '-' || g as day
           from generate_series(1, $3::int) g),
     who as (select account_id as id, id as person_id from actors where account_id is not null limit 1),
     what as (select id from posts order by id limit 1),
     a as (insert into decisions (activity_uri, actor_uri, verb, proof, verdict, reasons, decided_at)
           select day || g, 'x', 'Like', 'signature', 'accept', '{}', at from n, generate_series(1, 5) g),
     b as (insert into receipts (uri, host, signer_uri, standing, due_at, received_at)
           select day || s, 'odd' || day, 'x', s, at, at from n, unnest('{done,parked}'::text[]) s),
     c as (insert into seen_signatures (digest, seen_at) select sha256(day::bytea), at from n),
     d as (insert into activities (uri, actor_uri, verb, object_uri, direction, created_at)
           select day || v, 'x', v, 'https://b.example/' || day, 'in', at
           from n, unnest('{Like,Undo}'::text[]) v),
     e as (insert into tombstones (uri, deleted_at) select 'https://b.example/' || day, at from n),
     f as (insert into undone (actor_uri, uri, undone_at) select 'x', day, at from n),
     g as (insert into notifications (account_id, person_id, kind, created_at)
           select id, person_id, 'follow', at from n, who),
     h as (insert into sessions (token_hash, account_id, created_at, expires_at)
           select sha256(day::bytea), id, at, at + interval '14 days' from n, who),
     i as (insert into sign_in_failures (subject, failed_at) select day, at from n),
     j as (insert into lanes (kind, host) select 'receive', 'odd' || day || '.example' from n),
     k as (insert into peers (host, last_heard_at) select 'odd' || day || '.example', at from n),
     l as (insert into post_edits (post_id, title, body_html, warning, replaced_at)
           select id, '', '', '', at from n, what),
     m as (insert into jobs (kind, lane, cause, payload, standing, due_at, created_at)
           select 'mail', 'mail.example', day, '{}', 'parked', at, at from n)
insert into idempotency_keys (account_id, key, post_id, created_at)
select who.id, day, what.id, at from n, who, what
"""


@dataclass
class Outside:
    """Ten servers, one of which is never there."""

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", *, limit: int, seconds: float
    ) -> Reply:
        if uris.host(uri) == "h0.example":
            raise Unreachable("timeout")
        return Reply(202, {}, b"", uri)


async def counted(db: Db) -> dict[str, int]:
    async with db.connection() as conn:
        tables = [row["tablename"] for row in await conn.fetch(TABLES)]
        return {name: await conn.fetchval(f'select count(*) from "{name}"') for name in tables}


async def vacuum(db: Db) -> None:
    async with db.dedicated() as conn:
        await conn.execute("vacuum")


async def sized(db: Db) -> dict[str, int]:
    await vacuum(db)
    async with db.connection() as conn:
        rows = await conn.fetch(
            "select tablename, pg_total_relation_size(tablename::regclass) as bytes from pg_tables"
            " where schemaname = 'public'"
        )
    return {row["tablename"]: row["bytes"] for row in rows}


async def a_day(deps: Deps, sender: Sender, clock: Clock, number: int, strangers: int) -> None:
    """Let a day pass: what is due is sent, what it brought is there, what is old is forgotten."""
    wanted = Wanted(0, uuid4(), healthy=2 * HOSTS, failing=HOSTS, after="", mode="open")
    await deliver.make_all(deps, await deliver.take(deps, sender, wanted))
    async with deps.db.connection() as conn:
        await conn.execute(NOISE, clock.at, number, strangers)
    clock.pass_by(days=1)
    await housekeeping.step(deps)


@pytest.fixture
async def server(
    fresh_database: Callable[[], Awaitable[str]], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Server]:
    """One instance with wren and an open group, followed from ten servers."""
    monkeypatch.setattr(local_keys, "make_key_pair", key_maker())
    world = World(fresh_database, clock, Internet(clock, Random(1)))
    made = await world.server("a.example")
    made.deps = replace(made.deps, transport=Outside())
    await made.a_person("wren")
    group = await made.a_group("sleepless")
    async with made.db.transaction() as tx:
        for number in range(HOSTS):
            uri = Uri(f"https://h{number}.example/u")
            actor = vocab.Actor(id=uri, kind="Person", preferred_username="u", inbox=Uri(f"{uri}/inbox"))
            row = await remote_actors.upsert(tx, actor, clock.at)
            assert row is not None
            await follows.upsert(tx, Uri(f"{uri}/f"), row, group, "accepted", "Follow", clock.at)
    yield made
    await world.close()


@pytest.mark.parametrize(
    "strangers", [1, pytest.param(300, marks=[pytest.mark.chaos, pytest.mark.timeout(1800)])]
)
async def test_nothing_grows_with_time_alone(server: Server, clock: Clock, strangers: int) -> None:
    seen: dict[int, dict[str, int]] = {}
    sizes: dict[int, dict[str, int]] = {}
    for day in range(1, 12 * MONTH + 1):
        if day <= ACTIVE:
            for number in range(2):
                await server.posts("wren", f"Day {day}.", to="sleepless", title=f"Evening {number}")
        await a_day(server.deps, server.sender, clock, day, strangers)
        if day % MONTH == 0:
            seen[day // MONTH] = await counted(server.db)
            sizes[day // MONTH] = await sized(server.db) if strangers > 1 else {}
    posts = {month: found["posts"] for month, found in seen.items()}
    assert (posts[1], posts[2], posts[12]) == (2 * MONTH, 2 * ACTIVE, 2 * ACTIVE)
    # Ten months without a post: nothing is more at their end than it was on the way, nor takes more room.
    grown = {name: (seen[8][name], count) for name, count in seen[12].items() if count > seen[8][name]}
    assert grown == {}
    # With posts, no more than a few rows for each.
    bounded = {name: seen[2][name] - seen[1][name] for name in retention.BOUNDED}
    assert {name: rows for name, rows in bounded.items() if rows > 2 * (posts[2] - posts[1])} == {}
    swollen = {name for name, size in sizes[12].items() if size > 1.2 * sizes[8][name]}
    assert swollen == set()


A_DAY, LATER = (300, 6), (50, 1)
"""Posts and new people a day in the first half of a busy year, and in the second: what grew with time would
show there."""
ROWS = {
    "posts": "id uri kind author_id group_id root_id audience standing title body_html body_text published_at"
    " active_at created_at",
    "activities": "id uri actor_uri verb object_uri document direction public created_at",
    "announces": "id uri actor_id post_id announced_at",
    "decisions": "activity_uri actor_uri verb object_uri proof verdict reasons facts decided_at",
    "copies": "post_id how hosts since_at",
    "arrivals": "activity_id hosts first_at last_at",
    "deliveries": "activity_id sender_id host inbox_uri post_id standing attempts due_at created_at",
    "peers": "host last_heard_at",
    "actors": "uri kind host name inbox_uri created_at updated_at",
}


def a_post(place: int, at: datetime, wren: int, group: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What one post of ours leaves behind, as rows: it went to ten servers, one of which was never there."""
    number, base = int(at.timestamp() * 1000 + place) << 20, "https://a.example"
    uri, text = f"{base}/o/{number}", f"Evening {place} of {at:%x}. " * 5
    yield "posts", (number, uri, "Note", wren, group, number, "public", "visible", "Evening", text, text, at,
                    at, at)  # fmt: skip
    create, boost, relay = (f"{base}/a/{number}/{kind}" for kind in ("create", "boost", "relay"))
    for step, (own, verb, about) in enumerate(
        ((create, "Create", uri), (boost, "Announce", uri), (relay, "Announce", create)), 1
    ):
        yield "activities", (number + step, own, "x", verb, about, text * 3, "out", True, at)
        yield "arrivals", (number + step, bits("01" * 5), at, at)
        yield "decisions", (own, "x", verb, about, "local", "accept", [], text, at)
        inbox = "https://h0.example/u/inbox"
        yield "deliveries", (number + step, wren, "h0.example", inbox, number, "parked", 8, at, at)
    yield "announces", (number + 4, boost, group, number, at)
    yield "copies", (number, "delivered", bits("01" * 5), at)


async def store_a_day(server: Server, at: datetime, day: int, posts: int, people: int) -> None:
    """Store a day's posts, and new people, each of a new server, by COPY."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in ROWS}
    wren = await server.value("select id from actors where name = 'wren'")
    group = await server.value("select id from actors where name = 'sleepless'")
    for place in range(posts):
        for name, row in a_post(place, at, wren, group):
            rows[name].append(row)
    for place in range(people):
        host = f"new{day}-{place}.example"
        rows["peers"].append((host, at))
        inbox = f"https://{host}/u/inbox"
        rows["actors"].append((f"https://{host}/u", "person", host, "u", inbox, at, at))
    async with server.db.connection() as conn:
        for name, records in rows.items():
            await conn.copy_records_to_table(name, records=records, columns=ROWS[name].split())


@pytest.mark.chaos
@pytest.mark.timeout(1800)
async def test_a_busy_year_is_as_large_as_its_posts_and_people(server: Server, clock: Clock) -> None:
    seen: dict[int, dict[str, int]] = {}
    sizes: dict[int, dict[str, int]] = {}
    for day in range(1, 12 * MONTH + 1):
        await store_a_day(server, clock.at, day, *(A_DAY if day <= 6 * MONTH else LATER))
        async with server.db.connection() as conn:
            await conn.execute(NOISE, clock.at, day, 100)
        clock.pass_by(days=1)
        await housekeeping.step(server.deps)
        if day % 3 == 0:
            await vacuum(server.db)  # which the database does by itself, in days of its own
        if day in (MONTH, 6 * MONTH, 12 * MONTH):
            seen[day // MONTH], sizes[day // MONTH] = await counted(server.db), await sized(server.db)
            print(day, seen[day // MONTH], sizes[day // MONTH])
    made = {month: found["posts"] + found["actors"] for month, found in seen.items()}
    for found, spare in ((seen, 100), (sizes, 512 * 1024)):
        over = {
            name: (found[1][name], found[6][name], last)
            for name, last in found[12].items()
            if last > on_the_line(made, found[1][name], found[6][name]) * 1.1 + spare
        }
        assert over == {}


def on_the_line(made: dict[int, int], first: int, sixth: int) -> float:
    """Return what a table has at the end of the year if it grew with posts and people as before."""
    return sixth + max(0, sixth - first) / (made[6] - made[1]) * (made[12] - made[6])
