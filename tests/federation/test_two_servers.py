"""The main job, between two and three servers: join, talk, edit, delete, leave."""

from __future__ import annotations

from tests.federation.world import Server, World


async def two(world: World) -> tuple[Server, Server]:
    """A has the group and wren in it; B has ada, who joins."""
    a, b = await world.server("a.example"), await world.server("b.example")
    await a.a_person("wren")
    await b.a_person("ada")
    await a.a_group("sleepless")
    await a.follows("wren", "sleepless")
    await b.follows("ada", "sleepless@a.example")
    await world.settle()
    return a, b


async def test_a_follow_is_accepted(world: World) -> None:
    a, b = await two(world)
    assert await b.standing("ada", "sleepless@a.example") == "accepted"
    assert await a.value("select count(*) from follows where standing = 'accepted'") == 3


async def test_a_members_post_reaches_the_other_server_once(world: World) -> None:
    a, b = await two(world)
    uri = await a.posts("wren", "Hello from A.", to="sleepless", title="Hello")
    await world.settle()
    [post] = await b.shown("sleepless@a.example")
    assert (post.uri, post.title, post.author) == (uri, "Hello", "wren@a.example")
    assert [d.what for d in world.internet.deliveries("a.example", "b.example")].count("Announce Create") == 1


async def test_a_remote_members_post_is_shown_on_both_once(world: World) -> None:
    a, b = await two(world)
    uri = await b.posts("ada", "Hello from B.", to="sleepless@a.example", title="Hi")
    await world.settle()
    for server in (a, b):
        assert [p.uri for p in await server.shown("sleepless@a.example")] == [uri], server.host
