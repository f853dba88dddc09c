"""Following people: they are asked, on whichever server, and they can change their minds."""

from __future__ import annotations

from typing import Any

from tests.federation.world import World

WREN = "wren@a.example"
MINE = "select count(*) from posts p where p.uri = $1 and can_see(p, array[$2::bigint])"
ASKED = "select count(*) from notifications where account_id = $1 and kind = 'follow'"
TOLD_NO = "select count(*) from notifications where kind = 'declined'"


async def two_servers(world: World) -> Any:
    """Wren writes at A; Ada reads at B."""
    a, b = await world.server("a.example"), await world.server("b.example")
    await a.a_person("wren")
    await b.a_person("ada")
    return a, b


async def test_whoever_follows_a_person_waits_for_their_yes(world: World) -> None:
    a, b = await two_servers(world)
    assert await b.follows("ada", WREN) == "pending"
    await world.settle()
    assert await b.standing("ada", WREN) == "pending"
    assert world.internet.deliveries("a.example", "b.example") == []
    early = await a.posts("wren", "Before you answered.", audience="followers")
    await a.posts("wren", "In the open, before you answered.")
    await world.settle()
    assert world.internet.deliveries("a.example", "b.example") == []

    await a.answers("wren", "ada@b.example", accept=True)
    await world.settle()
    assert [d.what for d in world.internet.deliveries("a.example", "b.example")] == ["Accept Follow"]
    assert await b.standing("ada", WREN) == "accepted"
    late = await a.posts("wren", "For those I said yes to.", audience="followers")
    await world.settle()
    assert await b.value(MINE, late, b.people["ada"].actor_id) == 1
    assert await b.value("select count(*) from posts where uri = $1", early) == 0


async def test_a_no_is_sent_and_nothing_else(world: World) -> None:
    a, b = await two_servers(world)
    await b.follows("ada", WREN)
    await world.settle()
    await a.answers("wren", "ada@b.example", accept=False)
    await a.posts("wren", "Not for her.", audience="followers")
    await world.settle()
    assert [d.what for d in world.internet.deliveries("a.example", "b.example")] == ["Reject Follow"]
    assert await b.standing("ada", WREN) == "rejected"
    # "A moderator said not now" would be untrue, and a person owes nobody a word.
    assert await b.value(TOLD_NO) == 0


async def test_a_follower_who_is_removed_hears_nothing_more(world: World) -> None:
    a, b = await two_servers(world)
    await b.follows("ada", WREN)
    await world.settle()
    await a.answers("wren", "ada@b.example", accept=True)
    await world.settle()
    await a.removes("wren", "ada@b.example")
    await world.settle()
    world.internet.forget()
    uri = await a.posts("wren", "After you left.", audience="followers")
    await world.settle()
    assert await b.standing("ada", WREN) == "rejected"
    assert await b.value("select count(*) from posts where uri = $1", uri) == 0
    assert world.internet.deliveries("a.example", "b.example") == []


async def test_another_follower_on_that_server_does_not_read_along(world: World) -> None:
    a, b = await two_servers(world)
    await b.a_person("nils")
    for name in ("ada", "nils"):
        await b.follows(name, WREN)
    await world.settle()
    await a.answers("wren", "ada@b.example", accept=True)
    await world.settle()
    uri = await a.posts("wren", "For Ada.", audience="followers")
    await world.settle()
    assert await b.value(MINE, uri, b.people["ada"].actor_id) == 1
    assert await b.value(MINE, uri, b.people["nils"].actor_id) == 0


async def test_people_of_one_server_ask_each_other_too(world: World) -> None:
    a = await world.server("a.example")
    for name in ("wren", "marlow"):
        await a.a_person(name)
    uri = await a.posts("wren", "For those I said yes to.", audience="followers")
    assert await a.follows("marlow", "wren@a.example") == "pending"
    assert await a.value(MINE, uri, a.people["marlow"].actor_id) == 0
    await a.answers("wren", "marlow@a.example", accept=True)
    assert await a.standing("marlow", "wren@a.example") == "accepted"
    assert await a.value(MINE, uri, a.people["marlow"].actor_id) == 1
    await a.removes("wren", "marlow@a.example")
    assert await a.value(MINE, uri, a.people["marlow"].actor_id) == 0
    assert await a.value(TOLD_NO) == 0


async def test_asking_again_and_again_is_told_once(world: World) -> None:
    a, b = await two_servers(world)
    for _ in range(3):
        assert await b.follows("ada", WREN) == "pending"
        await world.settle()
        await a.answers("wren", "ada@b.example", accept=False)
        await world.settle()
    await b.follows("ada", WREN)
    await world.settle()
    await b.leaves("ada", WREN)
    await b.follows("ada", WREN)
    await world.settle()
    assert await b.standing("ada", WREN) == "pending"
    assert await a.value(ASKED, a.people["wren"].account_id) == 1


async def test_others_are_told_that_our_people_answer_themselves(world: World) -> None:
    _, b = await two_servers(world)
    wren = await b.finds(WREN)
    assert await b.value("select approves_followers from actors where id = $1", wren)
