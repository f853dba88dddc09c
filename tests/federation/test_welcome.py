"""Whoever follows an open group from a microblog reads once, from the group, what their server will show."""

from __future__ import annotations

from typing import Any

import pytest

from tests.federation.scenes import GROUP
from tests.federation.world import Server, World

NOTES = "select count(*) from posts p join actors a on a.id = p.author_id where a.kind = 'group'"


async def two_servers(world: World, runs: str = "mastodon", **group: Any) -> tuple[Server, Server]:
    """Return A with the group, and B, whose people read a microblog."""
    a, b = await world.server("a.example"), await world.server("b.example")
    world.internet.software[b.host] = runs
    await a.a_group("sleepless", **group)
    await b.a_person("ada")
    return a, b


async def test_it_comes_once_after_the_accept_and_says_that_no_human_wrote_it(world: World) -> None:
    a, b = await two_servers(world)
    await b.follows("ada", GROUP)
    await world.settle()
    accept, create = [c.document for c in world.internet.deliveries("a.example", "b.example")]
    assert (accept["type"], create["type"]) == ("Accept", "Create")
    note, ada = create["object"], b.people["ada"].uri
    group = await a.value("select uri from actors where name = 'sleepless'")
    assert (create["actor"], note["attributedTo"], note["to"], note["cc"]) == (group, group, [ada], [])
    assert note["tag"] == [{"type": "Mention", "href": ada, "name": "@ada@b.example"}]
    assert note["generator"] == {"id": "https://a.example/ap/instance", "type": "Service"}
    assert note["content"] == (
        "<p>This is an automatic message. Thank you for following this group.</p>"
        "<p>Your own server may show other people that you follow us. What you post here also shows on your "
        "own profile. To be more private, hide who you follow, or use a new account.</p>"
        "<p>We are not a crisis service. If you need help now, use this link: "
        '<a href="https://a.example/help">https://a.example/help</a></p>'
    )
    await b.leaves("ada", GROUP)
    await world.settle()
    await b.follows("ada", GROUP)
    await world.settle()
    assert await b.standing("ada", GROUP) == "accepted"
    assert await b.value(NOTES) == 1


async def test_it_waits_for_whoever_has_to_be_let_in(world: World) -> None:
    a, b = await two_servers(world, approval=True)
    await b.follows("ada", GROUP)
    await world.settle()
    assert await b.value(NOTES) == 0
    await a.decides("asha", "ada@b.example", "sleepless", accept=True)
    await world.settle()
    assert await b.value(NOTES) == 1


@pytest.mark.parametrize("runs", ["lemmy", "piefed", "nodebb", "fediverse-support"])
async def test_servers_whose_groups_write_to_nobody_alone_get_none(world: World, runs: str) -> None:
    a, b = await two_servers(world, runs)
    await b.follows("ada", GROUP)
    await world.settle()
    assert [c.what for c in world.internet.deliveries("a.example", "b.example")] == ["Accept Follow"]
    assert not await a.value("select bool_or(is_welcomed) from follows")


async def test_a_limited_server_gets_none_and_a_held_one_when_a_moderator_said_yes(world: World) -> None:
    a, b = await two_servers(world)
    await a.rules("b.example", "limit")
    await b.follows("ada", GROUP)
    await world.settle()
    assert await b.standing("ada", GROUP) == "accepted" and await b.value(NOTES) == 0
    await a.rules("b.example", "hold")
    await b.a_person("nils")
    await b.follows("nils", GROUP)
    await world.settle()
    assert await b.value(NOTES) == 0
    await a.decides("asha", "nils@b.example", "sleepless", accept=True)
    await world.settle()
    assert await b.value(NOTES) == 1


async def test_a_person_who_is_followed_writes_no_such_note(world: World) -> None:
    a, b = await two_servers(world)
    await a.a_person("wren")
    await b.follows("ada", "wren@a.example")
    await world.settle()
    await a.answers("wren", "ada@b.example", accept=True)
    await world.settle()
    assert [c.what for c in world.internet.deliveries("a.example", "b.example")] == ["Accept Follow"]


async def test_our_own_members_get_none(world: World) -> None:
    a, _ = await two_servers(world)
    await a.a_person("wren")
    await a.follows("wren", "sleepless@a.example")
    await world.settle()
    assert await a.value(NOTES) == 0 and world.internet.deliveries("a.example") == []


async def test_it_is_not_lost_with_a_server_that_does_not_answer(world: World) -> None:
    _, b = await two_servers(world)
    await b.follows("ada", GROUP)
    world.internet.dark.add(b.host)
    await world.settle()
    world.internet.dark.clear()
    await world.calm(days=1)
    assert await b.standing("ada", GROUP) == "accepted"
    assert await b.value(NOTES) == 1
