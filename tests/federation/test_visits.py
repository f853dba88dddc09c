"""Visits to other servers: nobody waits for somebody else's silence, and order holds where it matters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import pytest

from federation import keys, uris
from federation.http import Reply
from federation.keys import Signer
from federation.uris import Host, Uri
from fediverse_support import wiring
from fediverse_support.db.pool import open_db
from fediverse_support.deps import Deps
from fediverse_support.domain.ids import ActivityId, ActorId
from fediverse_support.settings import Settings
from fediverse_support.store.exchange import deliveries
from fediverse_support.store.exchange.deliveries import Delivery, Lane, Wanted
from fediverse_support.workers import loop
from fediverse_support.workers.errands import housekeeping
from fediverse_support.workers.visits import AT_ONCE, Sender, Visit
from tests.builders import SECRET, private_pem
from tests.federation.scenes import GROUP, three_servers
from tests.federation.world import World

pytestmark = pytest.mark.postgres

SEED = """
with sender as (
    insert into actors (uri, kind, name, inbox_uri, key_id, private_key, created_at, updated_at)
    values ('https://support.example/ap/g', 'group', 'g', '/inbox', 'https://support.example/ap/g#key', $2,
        now(), now())
    returning id
), said as (
    insert into activities (uri, actor_uri, verb, document, direction, public, created_at)
    values ('https://support.example/ap/a', 'https://support.example/ap/g', 'Announce', '{}', 'out', true,
        now())
    returning id
)
insert into deliveries (activity_id, sender_id, host, inbox_uri, due_at, created_at)
select said.id, sender.id, h, 'https://' || h || '/inbox', now(), now()
from sender, said, unnest($1::text[]) h
"""


@dataclass
class Outside:
    """Servers of which some never answer, until they are let."""

    silent: Callable[[Uri], bool]
    let: asyncio.Event = field(default_factory=asyncio.Event)
    reached: list[Uri] = field(default_factory=list)
    answered: list[Uri] = field(default_factory=list)

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", *, limit: int, seconds: float
    ) -> Reply:
        self.reached.append(uri)
        if self.silent(uri):
            await self.let.wait()
        self.answered.append(uri)
        return Reply(202, {}, b"", uri)


@pytest.fixture
async def deps(fresh_database: Callable[[], Awaitable[str]]) -> AsyncIterator[Deps]:
    """An instance on the machine's clock; replace its transport."""
    db = await open_db(await fresh_database())
    yield wiring.build(Settings(base_url="https://support.example"), db, Outside(lambda _: False), SECRET)
    await db.close()


async def test_the_living_get_theirs_while_many_keep_silent(deps: Deps) -> None:
    silent = [f"a{number:03}.example" for number in range(2 * loop.VISITS_AT_ONCE)]
    living = [f"z{number:03}.example" for number in range(20)]
    outside = Outside(lambda uri: uris.host(uri).startswith("a"))
    async with deps.db.connection() as conn:
        await conn.execute(SEED, silent + living, keys.seal(private_pem(0), SECRET))
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(wiring.outside(replace(deps, transport=outside)), stop))
    async with asyncio.timeout(30):
        while len(outside.answered) < len(living):
            await asyncio.sleep(0.05)
    assert {uris.host(uri) for uri in outside.answered} == set(living)
    stop.set()
    await running


async def test_those_who_failed_lately_get_a_small_share(deps: Deps) -> None:
    hosts = [f"h{number:02}.example" for number in range(30)]
    async with deps.db.connection() as conn:
        await conn.execute(SEED, hosts, keys.seal(private_pem(0), SECRET))
        await conn.execute(
            "insert into lanes (kind, host, failures) select 'deliver', h, 3 from unnest($1::text[]) h",
            hosts[:20],
        )
        wanted = Wanted(1, uuid4(), healthy=8, failing=3, after="", mode="open")
        taken = await deliveries.take_lanes(conn, wanted, deps.db.now())
    assert [lane.failures for lane in taken].count(3) == 3
    assert [lane.host for lane in taken if not lane.failures] == hosts[20:28]


async def test_whoever_is_at_the_end_of_the_alphabet_has_a_turn(deps: Deps) -> None:
    hosts = [f"h{number:02}.example" for number in range(10)]
    async with deps.db.connection() as conn:
        await conn.execute(SEED, hosts, keys.seal(private_pem(0), SECRET))
        wanted = Wanted(1, uuid4(), healthy=4, failing=0, after="h05.example", mode="open")
        taken = await deliveries.take_lanes(conn, wanted, deps.db.now())
    assert [lane.host for lane in taken] == hosts[6:]


def a_visit(deps: Deps, outside: Outside, sequences: list[int], *, failures: int = 0) -> Visit:
    sender = Sender()
    sender.signers[ActorId(1)] = Signer(Uri("https://support.example/k"), keys.load_private(private_pem(0)))
    lane = Lane(Host("b.example"), uuid4(), deps.db.now(), failures, "cavage")
    visit = Visit(replace(deps, transport=outside), sender, lane, clock=lambda: 0.0)
    for number, sequence in enumerate(sequences):
        inbox = Uri(f"https://b.example/{number}")
        job = Delivery(
            number, ActivityId(number), Host("b.example"), inbox, ActorId(1), None, 0, deps.db.now(), False,
            False, sequence,
        )  # fmt: skip
        visit.add(job, b"{}")
    return visit


def names(found: list[Uri]) -> list[str]:
    return [uri.rpartition("/")[2] for uri in found]


async def test_what_belongs_together_arrives_in_order_and_the_rest_beside_it(deps: Deps) -> None:
    outside = Outside(lambda uri: uri.endswith("/0"))
    visit = a_visit(deps, outside, [7, 7, 8, 7, 9, 8])
    making = asyncio.create_task(visit.make())
    async with asyncio.timeout(10):
        while len(outside.answered) < 3:
            await asyncio.sleep(0.01)
        assert sorted(names(outside.answered)) == ["2", "4", "5"]
        assert names(outside.answered).index("2") < names(outside.answered).index("5")
        outside.let.set()
        await making
    assert [name for name in names(outside.answered) if name in "013"] == ["0", "1", "3"]
    assert sorted(visit.arrived) == list(range(6))


@pytest.mark.parametrize(("failures", "at_once"), [(0, AT_ONCE), (2, 1)])
async def test_a_host_is_asked_for_few_things_at_a_time_and_for_one_after_it_failed(
    deps: Deps, failures: int, at_once: int
) -> None:
    outside = Outside(lambda _: True)
    visit = a_visit(deps, outside, list(range(9)), failures=failures)
    making = asyncio.create_task(visit.make())
    await asyncio.sleep(0.1)
    assert len(outside.reached) == at_once
    outside.let.set()
    async with asyncio.timeout(10):
        await making
    assert sorted(visit.arrived) == list(range(9))


async def test_what_a_clock_that_ran_ahead_put_off_is_due_again(world: World) -> None:
    scene = await three_servers(world)
    world.internet.dark.add(scene.b.host)
    await scene.a.posts("wren", "Now.", to="sleepless", title="One")
    world.clock.at += timedelta(days=7)
    while await scene.a.step():
        pass
    world.clock.at -= timedelta(days=7)
    world.internet.dark.clear()
    await world.settle()
    await housekeeping.step(scene.a.deps)
    world.clock.at += timedelta(minutes=1)
    await world.settle()
    assert "Now." in await scene.b.texts(GROUP)


async def test_a_server_that_will_not_have_its_own_announced_is_told_by_the_posts_id(world: World) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    a, c = scene.a, scene.c
    picky = scene.a.deps.transport

    @dataclass
    class Picky:
        """The way to C, which answers 400 to an activity of its own."""

        async def send(
            self,
            method: str,
            uri: Uri,
            headers: dict[str, str],
            body: bytes = b"",
            *,
            limit: int,
            seconds: float,
        ) -> Reply:
            if method == "POST" and uris.host(uri) == c.host and b"https://c.example/ap/a/" in body:
                return Reply(400, {}, b"", uri)
            return await picky.send(method, uri, headers, body, limit=limit, seconds=seconds)

    a.deps = replace(a.deps, transport=Picky())
    for title in ("One", "Two"):
        world.internet.forget()
        await c.posts("marlow", f"{title}.", to=GROUP, title=title)
        await world.settle()
        assert await a.value("select count(*) from deliveries") == 0
    told = [crossing.what for crossing in world.internet.deliveries("a.example", "c.example")]
    assert told == ["Announce"]
    assert await scene.b.texts(GROUP) == ["One.", "Two."]


async def test_what_was_refused_is_forgotten_on_request(deps: Deps) -> None:
    hosts = ["a.example", "b.example", "c.example"]
    async with deps.db.transaction() as tx:
        await tx.execute(SEED, hosts, keys.seal(private_pem(0), SECRET))
        await tx.execute("update deliveries set standing = 'refused' where host <> 'c.example'")
        assert await deliveries.clear(tx, Host("a.example")) == 1
        assert await deliveries.clear(tx, None) == 1
        assert await tx.fetchval("select host from deliveries") == "c.example"
