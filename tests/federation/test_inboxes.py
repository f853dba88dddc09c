"""Inboxes that are not where they were: whoever is gone is let go, whoever moved is followed."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from federation.uris import Uri
from tests.federation.scenes import GROUP, Scene, three_servers
from tests.federation.world import World

FOLLOW = "select f.standing from follows f join actors a on a.id = f.follower_id where a.uri = $1"


async def an_inbox_each(scene: Scene) -> Uri:
    """Let ada's server have no shared inbox; return ada's URI."""
    async with scene.a.db.transaction() as tx:
        await tx.execute("update actors set shared_inbox_uri = null where host = 'b.example'")
    return scene.b.people["ada"].uri


def answers(world: World, scene: Scene, statuses: dict[str, int], location: str = "") -> None:
    """Let B answer these paths with nothing but a status."""
    app = world.internet.apps[scene.b.host]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        status = statuses.get(scope["path"])
        if status is None:
            await app(scope, receive, send)
            return
        headers = [(b"location", location.encode())] if location else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    world.internet.apps[scene.b.host] = answer


async def test_a_follower_whose_server_says_that_they_are_gone_is_let_go_and_erased(world: World) -> None:
    scene = await three_servers(world)
    await scene.b.posts("ada", "From ada.", to=GROUP, title="One")
    await world.settle()
    ada = await an_inbox_each(scene)
    async with scene.b.db.transaction() as tx:
        await tx.execute("update actors set standing = 'deleted' where uri = $1", ada)
    await scene.a.posts("wren", "Anybody there?", to="sleepless", title="Two")
    await world.settle()
    assert await scene.a.value(FOLLOW, ada) == "left"
    assert await scene.a.texts(GROUP) == ["Anybody there?"]
    world.internet.forget()
    await scene.a.posts("wren", "And now?", to="sleepless", title="Three")
    await world.wait(days=1)
    assert [x for x in world.internet.crossings if x.target == "b.example"] == []


async def test_a_follower_who_cannot_be_found_for_days_is_let_go_and_nothing_is_erased(world: World) -> None:
    scene = await three_servers(world)
    await scene.b.posts("ada", "From ada.", to=GROUP, title="One")
    await world.settle()
    ada = await an_inbox_each(scene)
    path = ada.removeprefix("https://b.example")
    answers(world, scene, {path: 404, f"{path}/inbox": 404})
    await scene.a.posts("wren", "Anybody there?", to="sleepless", title="Two")
    await world.wait(days=1)
    assert await scene.a.value(FOLLOW, ada) == "accepted"
    await world.wait(days=5)
    assert await scene.a.value(FOLLOW, ada) == "left"
    assert await scene.a.texts(GROUP) == ["From ada.", "Anybody there?"]


async def test_an_inbox_that_moved_is_found_in_the_actors_own_document(world: World) -> None:
    scene = await three_servers(world)
    ada = await an_inbox_each(scene)
    path = ada.removeprefix("https://b.example")
    moved = {f"{path}/inbox": 308, f"{path}/elsewhere": 202}
    answers(world, scene, moved, "https://evil.example/inbox")
    async with scene.b.db.transaction() as tx:
        await tx.execute(
            "update actors set inbox_uri = uri || '/elsewhere', shared_inbox_uri = null,"
            " updated_at = updated_at + interval '1 second' where uri = $1", ada,
        )  # fmt: skip
    world.internet.forget()
    await scene.a.posts("wren", "Where are you?", to="sleepless", title="One")
    await world.settle()
    tried = [x.path for x in world.internet.crossings if x.method == "POST" and x.target == "b.example"]
    assert tried == [f"{path}/inbox", f"{path}/elsewhere"]
    assert await scene.a.value("select count(*) from deliveries where host = 'b.example'") == 0
