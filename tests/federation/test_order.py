"""What a host gets first: the post from its author, then the group's word of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from federation import uris
from tests.federation.scenes import GROUP, Scene, three_servers
from tests.federation.world import World


async def both(scene: Scene) -> dict[str, Any]:
    return {"mentioned": tuple([await scene.a.finds(h) for h in ("ada@b.example", "marlow@c.example")])}


def got(world: World, host: str) -> list[str]:
    return [d.what for d in world.internet.deliveries("a.example", host)]


@pytest.mark.parametrize("of_a", [{}, {"undo_for": timedelta(minutes=10)}, {"newcomer_posts_held": 1}])
@pytest.mark.parametrize("answers", [False, True])
async def test_whoever_is_named_gets_the_post_before_the_groups_word_of_it(
    world: World, of_a: dict[str, Any], answers: bool
) -> None:
    world.internet.software[uris.parse_host("b.example")] = "mastodon"
    scene = await three_servers(world, c_runs="lemmy", **of_a)
    a = scene.a
    root = None
    if answers:
        root = await scene.b.posts("ada", "Who is awake?", to=GROUP, title="Awake")
        await world.calm(hours=1)
        if await a.value("select standing from posts where uri = $1", root) == "held":
            await a.approves("asha", root)
            await world.calm(hours=1)
    world.internet.forget()
    mine: dict[str, Any] = {"to": "sleepless", "title": "Hello"} if root is None else {"answering": root}
    uri = await a.posts("wren", "Would you have a look?", **mine, **await both(scene))
    if of_a.get("newcomer_posts_held"):
        assert got(world, "b.example") == []
        await a.approves("asha", uri)
    await world.calm(hours=1)
    assert got(world, "b.example")[0] == "Create Note"
    assert got(world, "c.example") == ["Create Note", "Announce Create"]
    if root is None:
        assert got(world, "b.example") == ["Create Note", "Announce"]
        told = "select n.kind from notifications n join posts p on p.id = n.post_id where p.uri = $1"
        assert await scene.b.value(told, uri) == "mention"


async def test_an_edit_before_it_leaves_keeps_the_order(world: World) -> None:
    world.internet.software[uris.parse_host("b.example")] = "mastodon"
    scene = await three_servers(world, undo_for=timedelta(minutes=10))
    uri = await scene.a.posts("wren", "A look?", to="sleepless", title="Hello", **await both(scene))
    await world.settle()
    await scene.a.edits("wren", uri, "A look? It is late.", title="Hello")
    world.internet.forget()
    await world.calm(hours=1)
    assert got(world, "b.example") == ["Create Note", "Announce"]
