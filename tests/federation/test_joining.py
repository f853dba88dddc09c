"""Joining a group on another server, being let in, and leaving."""

from __future__ import annotations

from tests.federation.scenes import GROUP, three_servers
from tests.federation.world import World


async def test_a_follow_of_an_open_group_is_accepted(world: World) -> None:
    scene = await three_servers(world)
    assert await scene.b.standing("ada", GROUP) == "accepted"
    crossed = [d.what for d in world.internet.deliveries("b.example")]
    assert crossed == ["Follow"]
    answered = [d.what for d in world.internet.deliveries("a.example", "b.example")]
    assert answered == ["Accept Follow"]
    joined = "select count(*) from notifications where account_id = $1 and kind = 'joined'"
    assert await scene.b.value(joined, scene.b.people["ada"].account_id) == 1


async def test_asking_twice_asks_once(world: World) -> None:
    scene = await three_servers(world)
    world.internet.forget()
    assert await scene.b.follows("ada", GROUP) == "accepted"
    await world.settle()
    assert world.internet.deliveries() == []


async def test_a_group_that_asks_lets_in_whom_a_moderator_accepts(world: World) -> None:
    a, b = await world.server("a.example"), await world.server("b.example")
    for name in ("ada", "nils"):
        await b.a_person(name)
    await a.a_group("sleepless", approval=True)
    for name in ("ada", "nils"):
        assert await b.follows(name, GROUP) == "pending"
    await world.settle()
    assert await b.standing("ada", GROUP) == "pending"
    asked = "select count(*) from notifications where account_id = $1 and kind = 'follow'"
    assert await a.value(asked, a.people["asha"].account_id) == 2

    await a.decides("asha", "ada@b.example", "sleepless", accept=True)
    await a.decides("asha", "nils@b.example", "sleepless", accept=False)
    await world.settle()
    assert await b.standing("ada", GROUP) == "accepted"
    assert await b.standing("nils", GROUP) == "rejected"


async def test_whoever_is_not_let_in_does_not_post(world: World) -> None:
    a, b = await world.server("a.example"), await world.server("b.example")
    await b.a_person("ada")
    await a.a_group("sleepless", approval=True)
    await b.follows("ada", GROUP)
    await world.settle()
    await b.posts("ada", "Is anybody here?", to=GROUP, title="Hello")
    await world.settle()
    assert await a.shown(GROUP, "asha") == []


async def test_after_leaving_a_server_hears_nothing_more(world: World) -> None:
    scene = await three_servers(world)
    first = await scene.a.posts("wren", "While you are here.", to="sleepless", title="First")
    await world.settle()
    await scene.b.leaves("ada", GROUP)
    await world.settle()
    world.internet.forget()

    await scene.a.posts("wren", "After you left.", to="sleepless", title="Second")
    await scene.a.posts("wren", "An answer.", answering=first)
    await scene.c.posts("marlow", "Also after.", to=GROUP, title="Third")
    await world.settle()
    assert world.internet.deliveries(target="b.example") == []
    assert await scene.b.texts(GROUP) == ["While you are here."]
    assert len(await scene.c.texts(GROUP)) == 4


async def test_what_was_on_its_way_when_somebody_left_does_not_leave_any_more(world: World) -> None:
    scene = await three_servers(world)
    world.internet.dark.add(scene.b.host)
    await scene.a.posts("wren", "You may miss this.", to="sleepless", title="Missed")
    await world.settle()
    world.internet.dark.clear()
    await scene.b.leaves("ada", GROUP)
    await world.calm(days=1)
    assert await scene.b.texts(GROUP) == []


async def test_another_member_on_the_same_server_still_hears(world: World) -> None:
    scene = await three_servers(world)
    await scene.b.a_person("nils")
    await scene.b.follows("nils", GROUP)
    await world.settle()
    await scene.b.leaves("ada", GROUP)
    await world.settle()
    world.internet.forget()
    await scene.a.posts("wren", "For whoever stayed.", to="sleepless", title="Still here")
    await world.settle()
    assert await scene.b.texts(GROUP) == ["For whoever stayed."]
    assert len(world.internet.deliveries("a.example", "b.example")) == 1


async def test_coming_back_works(world: World) -> None:
    scene = await three_servers(world)
    await scene.b.leaves("ada", GROUP)
    await world.settle()
    assert await scene.b.follows("ada", GROUP) == "pending"
    await world.settle()
    assert await scene.b.standing("ada", GROUP) == "accepted"
    await scene.a.posts("wren", "Welcome back.", to="sleepless", title="Hello")
    await world.settle()
    assert await scene.b.texts(GROUP) == ["Welcome back."]
