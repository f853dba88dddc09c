"""A lifted rule leaves nothing behind: what was taken back meanwhile is gone, what was hidden is back."""

from __future__ import annotations

import pytest

from tests.federation.scenes import GROUP, three_servers
from tests.federation.world import World


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
