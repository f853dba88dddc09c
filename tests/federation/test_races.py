"""Two things at the same moment: no deleted word comes back, and nothing crosses too late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from federation.http import Reply
from federation.uris import Host, Uri
from fediverse_support.actions import own
from fediverse_support.actions.moderation import moderating
from fediverse_support.actions.posts import posting
from fediverse_support.domain.actors import Person
from fediverse_support.domain.errors import NotFound
from fediverse_support.domain.posts import Audience
from fediverse_support.reads.posts import own_posts
from fediverse_support.store.exchange import deliveries, queues
from fediverse_support.store.exchange.deliveries import Wanted
from fediverse_support.workers import deliver, receive, visits
from tests.federation.internet import Line
from tests.federation.scenes import GROUP, three_servers
from tests.federation.world import Server, World


@asynccontextmanager
async def deleting(server: Server, name: str, uri: Uri) -> AsyncIterator[None]:
    """Delete a post; the transaction ends with the block."""
    person, row_id = server.people[name], await server.row_of(uri)
    async with server.db.transaction() as tx:
        row = await own_posts.find_own(tx, row_id, person.actor_id)
        assert row is not None
        now = server.db.now()
        await own.submit(
            tx, server.deps.instance, posting.withdrawal(server.deps.instance, row, person.uri, now), now
        )
        yield

HOLD_LAST = "update deliveries set attempts = attempts where id = (select max(id) from deliveries)"


async def test_an_edit_does_not_bring_back_what_is_being_deleted(world: World) -> None:
    a = await world.server("a.example")
    await a.a_person("wren")
    await a.a_group("sleepless")
    uri = await a.posts("wren", "Words.", to="sleepless", title="One")
    async with deleting(a, "wren", uri):
        edit = asyncio.create_task(a.edits("wren", uri, "Words again.", title="One"))
        await asyncio.sleep(0.3)
    with pytest.raises(NotFound):
        await edit
    kept = "select standing || title || body_html || body_text from posts where uri = $1"
    assert await a.value(kept, uri) == "deleted"
    assert await a.value("select count(*) from post_edits") == 0


async def test_what_is_being_deleted_does_not_leave(world: World) -> None:
    scene = await three_servers(world)
    uri = await scene.a.posts("wren", "Take it back.", to="sleepless", title="One")
    async with deleting(scene.a, "wren", uri):
        await scene.a.step()
    await world.settle()
    assert await scene.b.texts(GROUP) == []
    assert await scene.c.texts(GROUP) == []


@dataclass
class SlowLine:
    """A way out on which something happens during the first delivery, which takes a while."""

    line: Line
    meanwhile: Callable[[], Awaitable[None]]
    posted: int = 0

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", *, limit: int, seconds: float
    ) -> Reply:
        self.posted += 1
        if self.posted == 1:
            await self.meanwhile()
            time.sleep(visits.TRUSTED_FOR * 1.1)
        return await self.line.send(method, uri, headers, body, limit=limit, seconds=seconds)


async def test_a_suspension_stops_what_a_worker_had_taken_already(world: World) -> None:
    a, b = await world.server("a.example"), await world.server("b.example")
    for server, name in ((a, "wren"), (b, "ada")):
        await server.a_person(name)
    await a.a_group("sleepless")
    await b.follows("ada", GROUP)
    await world.settle()
    for title in ("One", "Two", "Three"):
        await a.posts("wren", title, to="sleepless", title=title)
    line = SlowLine(world.internet.line(a.host), lambda: a.rules("b.example", "suspend"))
    await deliver.serve(replace(a.deps, transport=line), a.sender, b.host, 0)
    assert line.posted == 1


async def test_lanes_that_stand_in_each_others_way_lose_nothing(world: World) -> None:
    scene = await three_servers(world)
    a, b = scene.a, scene.b
    first = await a.posts("wren", "First.", to="sleepless", title="One")
    second = await a.posts("wren", "Second.", to="sleepless", title="Two")
    await world.settle()
    await b.posts("ada", "To the first.", answering=first)
    await b.posts("ada", "To the second.", answering=second)
    while await b.step():
        pass
    async with a.db.transaction() as tx:
        # Another lane answers in the same two threads, the second first.
        await tx.execute("update posts set active_at = active_at where uri = $1", second)
        applying = asyncio.create_task(receive.serve(a.deps, b.host, 0))
        await asyncio.sleep(0.3)
        await tx.execute("update posts set active_at = active_at where uri = $1", first)
    assert await applying
    assert {"To the first.", "To the second."} <= set(await a.texts(GROUP))


async def test_a_removed_post_is_not_sent_when_what_failed_is_tried_again(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    world.internet.dark.add(scene.b.host)
    uri = await a.posts("wren", "Not for long.", to="sleepless", title="One")
    await world.wait(days=10)
    assert await a.value("select count(*) from deliveries where standing = 'parked'") > 0
    await moderating.remove_post(a.db, a.deps.instance, a.people["asha"], await a.row_of(uri))
    world.internet.dark.clear()
    async with a.db.transaction() as tx:
        await queues.retry_all(tx, None, a.db.now())
    world.internet.forget()
    await world.settle()
    assert not any(b"Not for long" in crossing.body for crossing in world.internet.crossings)


async def test_trying_all_again_and_a_worker_that_sends_do_not_wait_for_each_other(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    world.internet.dark |= {scene.b.host, scene.c.host}
    await a.posts("wren", "Later.", to="sleepless", title="One")
    await world.wait(minutes=2)
    await a.value("update deliveries set due_at = due_at + interval '1 day'")
    async with a.db.transaction() as sending:
        await sending.execute(HOLD_LAST)
        async with asyncio.timeout(10), a.db.transaction() as again:
            assert await queues.retry_all(again, None, a.db.now()) >= 2
    assert await a.value("select count(*) from deliveries where due_at > $1", a.db.now()) == 1


async def test_a_host_that_leaves_still_hears_what_to_forget(world: World) -> None:
    scene = await three_servers(world)
    a, b = scene.a, scene.b
    uri = await a.posts("wren", "Forget me.", to="sleepless", title="One")
    await world.settle()
    assert await b.texts(GROUP) == ["Forget me."]
    await a.deletes("wren", uri)
    await b.leaves("ada", GROUP)
    while await b.step():
        pass
    while await receive.step(a.deps):
        pass
    await world.settle()
    assert await b.value("select standing from posts where uri = $1", uri) == "deleted"


async def test_a_removal_and_a_deletion_both_reach_a_host_that_was_away(world: World) -> None:
    scene = await three_servers(world, c_runs="mastodon")
    a = scene.a
    uri = await a.posts("wren", "Twice gone.", to="sleepless", title="One")
    await world.settle()
    world.internet.dark |= {scene.b.host, scene.c.host}
    await moderating.remove_post(a.db, a.deps.instance, a.people["asha"], await a.row_of(uri))
    await a.deletes("wren", uri)
    world.internet.dark.clear()
    await world.settle()
    for server in (scene.b, scene.c):
        assert await server.value("select standing from posts where uri = $1", uri) == "deleted"
    assert await a.value("select count(*) from deliveries") == 0
    undone = "select bool_and(undone_at is not null) from announces"
    assert await scene.c.value(undone)


async def wren_and_her_follower(world: World, **of_a: Any) -> tuple[Server, Server, Person]:
    """Open A with wren and tom, its admin, and B with ada, who follows wren."""
    a, b = await world.server("a.example", **of_a), await world.server("b.example")
    await a.a_person("wren")
    tom = await a.a_person("tom", "admin")
    await b.a_person("ada")
    await b.follows("ada", "wren@a.example")
    await world.settle()
    await a.answers("wren", "ada@b.example", accept=True)
    await world.settle()
    return a, b, tom


async def test_a_post_of_a_profile_that_staff_hides_does_not_leave(world: World) -> None:
    a, b, tom = await wren_and_her_follower(world, undo_for=timedelta(minutes=10))
    uri = await a.posts("wren", "Hide me.")
    await moderating.remove_post(a.db, a.deps.instance, tom, await a.row_of(uri))
    await world.wait(hours=1)
    assert await b.value("select count(*) from posts") == 0


@pytest.mark.parametrize("audience", ["public", "followers"])
async def test_a_post_of_a_profile_that_staff_hides_is_gone_everywhere(
    world: World, audience: Audience
) -> None:
    a, b, tom = await wren_and_her_follower(world)
    uri = await a.posts("wren", "Hide me.", audience=audience)
    await world.settle()
    assert await b.value("select standing from posts where uri = $1", uri) == "visible"
    await moderating.remove_post(a.db, a.deps.instance, tom, await a.row_of(uri))
    await world.settle()
    assert await a.value("select standing from posts where uri = $1", uri) == "removed"
    assert await b.value("select standing from posts where uri = $1", uri) == "deleted"
    assert await a.value("select kind from notifications where post_id is not null") == "removed"


async def test_hosts_that_may_get_nothing_do_not_stand_in_the_line(world: World) -> None:
    scene = await three_servers(world)
    world.internet.dark |= {scene.b.host, scene.c.host}
    await scene.a.posts("wren", "Waits.", to="sleepless", title="One")
    assert await due_hosts(scene.a, "open") == ["b.example", "c.example"]
    await scene.a.rules("c.example", "allow")
    assert await due_hosts(scene.a, "allowlist") == ["c.example"]


async def due_hosts(server: Server, mode: str) -> list[Host]:
    """Return the hosts whose lanes a worker would take now."""
    wanted = Wanted(0, uuid4(), healthy=10, failing=10, after="", mode=mode)
    async with server.db.connection() as conn:
        return [lane.host for lane in await deliveries.take_lanes(conn, wanted, server.db.now())]
