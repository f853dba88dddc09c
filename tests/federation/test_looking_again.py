"""After a silence posts are looked at again, one by one; what their server sends waits for none of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from federation.uris import Uri
from fediverse_support.lookups import Budget
from tests.builders import PLENTY
from tests.federation.scenes import GROUP, Scene, hears, three_servers
from tests.federation.world import Server, World

POSTS = 12
LOOK_UPS = "select count(*), count(distinct uri) from receipts where uri like '%#looked-at%'"
WAITING = "select count(*) from receipts where standing = 'waiting' and uri like '%#looked-at%'"
LIKES = "select count(*) from reactions r join posts p on p.id = r.post_id where p.uri = $1"


async def talked_to(scene: Scene, posts: int = POSTS) -> list[Uri]:
    """Let ada write so many threads, the oldest first."""
    uris = [await scene.b.posts("ada", f"Night {n}.", to=GROUP, title=f"Night {n}") for n in range(posts)]
    await scene.a.world.settle()
    return uris


async def switched(a: Server, times: int = 3) -> None:
    for _ in range(times):
        await a.rules("b.example", "suspend")
        await a.lifts("b.example")


def unwell(app: ASGIApp) -> ASGIApp:
    """A server that answers every question with 500."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            return await app(scope, receive, send)
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return answer


def slow(app: ASGIApp, path: str, meanwhile: Callable[[], Awaitable[None]]) -> ASGIApp:
    """A server whose first answer about one thing is on its way while something happens."""
    happened: list[str] = []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)

        await app(scope, receive, keep)
        if scope["path"] == path and not happened:
            happened.append(path)
            await meanwhile()
        for message in said:
            await send(message)

    return answer


async def test_what_a_server_sends_does_not_wait_for_what_it_is_asked(world: World) -> None:
    scene = await three_servers(world)
    a, b, _ = scene.everyone
    await b.a_person("una")
    await b.follows("una", GROUP)
    uris = await talked_to(scene)
    world.internet.apps[b.host] = unwell(b.app)
    await switched(a)
    await world.settle()
    assert await a.value(WAITING) == POSTS

    await world.wait(minutes=1)
    await b.posts("una", "I was awake, too.", answering=uris[5])
    await b.edits("ada", uris[6], "Night 6, and a better one.", title="Night 6")
    una = await b.value("select uri from actors where name = 'una'")
    like = f"{una}/likes/1"
    await hears(a, {"id": like, "type": "Like", "actor": una, "object": uris[11], "to": [f"{una}/followers"]})
    await world.settle()
    assert await a.value(WAITING) == POSTS
    shown = "\n".join(await a.texts(GROUP))
    assert "I was awake, too." in shown
    assert "Night 6, and a better one." in shown
    assert await a.value(LIKES, uris[11]) == 1


async def test_however_often_a_rule_is_switched_each_post_is_looked_at_once(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    uris = await talked_to(scene)
    for _ in range(3):
        await switched(a, times=1)
        world.clock.pass_by(seconds=10)
    assert tuple((await a.rows(LOOK_UPS))[0]) == (POSTS, POSTS)
    # Their threads are asked for, too, which is another matter.
    await a.rows("delete from catch_ups returning 1")
    world.internet.forget()
    await world.calm(minutes=5)
    asked = [
        f"https://{crossing.target}{crossing.path}" for crossing in world.internet.crossings
        if crossing.method == "GET" and crossing.source == a.host
    ]
    assert sorted(uri for uri in asked if uri in uris) == sorted(uris)


async def test_what_was_deleted_in_the_second_silence_is_found_like_that_of_the_first(world: World) -> None:
    scene = await three_servers(world)
    a, b, _ = scene.everyone
    uris = await talked_to(scene)
    for uri in (uris[0], uris[11]):
        await a.rules("b.example", "suspend")
        await b.deletes("ada", uri)
        await world.settle()
        await a.lifts("b.example")
        await world.calm(minutes=5)
        assert await a.value("select standing from posts where uri = $1", uri) == "deleted"
    assert len(await a.texts(GROUP)) == POSTS - 2


async def test_what_was_deleted_while_an_answer_was_on_its_way_is_asked_for_once_more(world: World) -> None:
    scene = await three_servers(world)
    a, b, _ = scene.everyone
    [uri] = await talked_to(scene, posts=1)

    async def silence() -> None:
        await a.rules("b.example", "suspend")
        await b.deletes("ada", uri)
        await b.rows("delete from deliveries returning 1")
        await a.lifts("b.example")

    world.internet.apps[b.host] = slow(b.app, uri.removeprefix("https://b.example"), silence)
    await switched(a, times=1)
    await world.settle()
    assert await a.texts(GROUP) == []


async def test_an_answer_from_before_an_edit_does_not_undo_it(world: World) -> None:
    scene = await three_servers(world)
    a, b, _ = scene.everyone
    [uri] = await talked_to(scene, posts=1)

    async def edited() -> None:
        await world.wait(minutes=5)
        await b.edits("ada", uri, "A better night.", title="Night 0")
        await world.settle()

    world.internet.apps[b.host] = slow(b.app, uri.removeprefix("https://b.example"), edited)
    await a.deps.remote.learn(uri, Budget())
    assert await a.texts(GROUP) == ["A better night."]


async def test_looking_at_one_servers_posts_takes_nothing_from_what_another_sends(world: World) -> None:
    scene = await three_servers(world, limits=replace(PLENTY, deliveries=(8, 1 / 60)))
    a, b, c = scene.everyone
    await talked_to(scene)
    theirs = await c.posts("marlow", "It rains.", to=GROUP, title="Rain")
    await world.wait(hours=1)
    world.internet.apps[b.host] = unwell(b.app)
    await switched(a)
    await world.settle()

    await c.edits("marlow", theirs, "It rained.", title="Rain")
    await c.rows("delete from deliveries returning 1")
    marlow = await c.value("select uri from actors where name = 'marlow'")
    await hears(a, {"id": f"{theirs}#changed", "type": "Update", "actor": marlow, "object": theirs})
    assert "It rained." in await a.texts(GROUP)
