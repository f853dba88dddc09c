"""A lifted rule leaves nothing behind: what was taken back meanwhile is gone, what was hidden is back."""

from __future__ import annotations

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from federation.uris import Uri
from fediverse_support.lookups import Budget
from tests.federation.scenes import GROUP, hears, three_servers
from tests.federation.world import Server, World


@pytest.mark.parametrize("software", [None, "mastodon"])
async def test_what_was_deleted_during_a_suspension_is_deleted_there_afterwards(
    world: World, software: str | None
) -> None:
    scene = await three_servers(world)
    a, b, _ = scene.everyone
    if software is not None:
        await a.value("update peers set announce_class = 'object' where host = 'b.example' returning 1")
    ours = await a.posts("wren", "I wish I had not said this.", to="sleepless", title="One")
    await world.settle()
    assert await b.texts(GROUP) == ["I wish I had not said this."]

    await a.rules("b.example", "suspend")
    world.internet.forget()
    await a.deletes("wren", ours)
    await world.settle()
    assert world.internet.deliveries("a.example", "b.example") == []

    await a.lifts("b.example")
    await world.settle()
    assert await b.texts(GROUP) == []


async def test_what_came_in_under_a_limit_is_for_everybody_when_it_is_lifted(world: World) -> None:
    scene = await three_servers(world)
    await scene.a.rules("b.example", "limit")
    await scene.b.posts("ada", "A little louder.", to=GROUP, title="One")
    await world.settle()
    assert await scene.a.texts(GROUP) == []
    await scene.a.lifts("b.example")
    assert await scene.a.texts(GROUP) == ["A little louder."]


async def lost_at_its_origin(world: World) -> tuple[Server, Server, Uri]:
    """Have B answer 404 for a post of ada's, and A look at it again after a suspension."""
    scene = await three_servers(world)
    a, b, _ = scene.everyone
    uri = await b.posts("ada", "Still here.", to=GROUP, title="One")
    await world.settle()
    await a.rules("b.example", "suspend")
    path = uri.removeprefix("https://b.example")
    world.internet.apps[b.host] = lost(b.app, path)
    await a.lifts("b.example")
    await world.settle()
    return a, b, uri


def lost(app: ASGIApp, path: str) -> ASGIApp:
    """A server that does not find one of its things."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != path:
            return await app(scope, receive, send)
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return answer


async def test_what_its_origin_does_not_find_is_asked_for_again_and_then_hidden(world: World) -> None:
    a, b, uri = await lost_at_its_origin(world)
    assert await a.texts(GROUP) == ["Still here."]
    await world.wait(days=2)
    assert await a.texts(GROUP) == ["Still here."]
    await world.wait(days=3)
    assert await a.texts(GROUP) == []
    assert await a.value("select count(*) from tombstones where uri = $1", uri) == 0
    # Its server finds it again, and its author says something new with it.
    world.internet.apps[b.host] = b.app
    await b.edits("ada", uri, "Still here, and better.", title="One")
    await world.settle()
    assert await a.texts(GROUP) == ["Still here, and better."]


async def test_what_its_origin_finds_again_is_there_as_before(world: World) -> None:
    a, b, uri = await lost_at_its_origin(world)
    await world.wait(days=5)
    assert await a.texts(GROUP) == []
    world.internet.apps[b.host] = b.app
    await a.deps.remote.learn(uri, Budget())
    assert await a.texts(GROUP) == ["Still here."]


async def test_what_its_author_sends_once_more_after_it_was_not_found_is_there_again(world: World) -> None:
    a, b, uri = await lost_at_its_origin(world)
    sent = next(
        crossing.document for crossing in world.internet.deliveries("b.example", "a.example")
        if crossing.document["type"] == "Create" and crossing.document["object"]["id"] == uri
    )
    await world.wait(days=5)
    assert await a.texts(GROUP) == []
    world.internet.apps[b.host] = b.app
    await hears(a, {**sent, "id": f"{sent['id']}-again"})
    await world.settle()
    assert await a.texts(GROUP) == ["Still here."]


async def test_what_its_author_deleted_during_a_suspension_does_not_come_back(world: World) -> None:
    scene = await three_servers(world)
    a, b, _ = scene.everyone
    theirs = await b.posts("ada", "I should not have told you.", to=GROUP, title="One")
    await b.posts("ada", "This may stay.", to=GROUP, title="Two")
    await world.settle()
    assert len(await a.texts(GROUP)) == 2

    await a.rules("b.example", "suspend")
    await b.deletes("ada", theirs)
    await world.settle()
    assert await a.texts(GROUP) == []

    await a.lifts("b.example")
    await world.settle()
    assert await a.texts(GROUP) == ["This may stay."]
