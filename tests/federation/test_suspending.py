"""What an instance decides about another server is in force at once, both ways, and undone without loss."""

from __future__ import annotations

import pytest

from federation.errors import Unauthentic
from fediverse_support.domain.errors import NotAllowed
from tests.federation.scenes import GROUP, three_servers
from tests.federation.world import World


async def test_a_suspended_server_is_cut_off_at_once_and_comes_back_whole(world: World) -> None:
    scene = await three_servers(world)
    a, b, c = scene.everyone
    ours = await a.posts("wren", "Before, from A.", to="sleepless", title="One")
    theirs = await b.posts("ada", "Before, from B.", to=GROUP, title="Two")
    await world.settle()
    assert await a.texts(GROUP) == ["Before, from A.", "Before, from B."]

    await a.rules("b.example", "suspend")
    assert await a.texts(GROUP) == ["Before, from A."]
    page = await a.get("/g/sleepless")
    assert page.status == 200
    assert "Before, from A." in page.text and "Before, from B." not in page.text

    world.internet.forget()
    await b.posts("ada", "During, from B.", to=GROUP, title="Three")
    await b.posts("ada", "During, an answer.", answering=ours)
    await b.edits("ada", theirs, "Edited during.", title="Two")
    await a.posts("wren", "During, from A.", to="sleepless", title="Four")
    await c.posts("marlow", "During, from C.", to=GROUP, title="Five")
    await world.settle()
    assert world.internet.deliveries("a.example", "b.example") == []
    assert world.internet.deliveries("b.example", "a.example") == []
    assert await a.texts(GROUP) == ["Before, from A.", "During, from A.", "During, from C."]
    assert "During, from A." not in await b.texts(GROUP)
    assert "During, from B." not in await c.texts(GROUP)

    await a.lifts("b.example")
    assert "Before, from B." in await a.texts(GROUP)
    await b.posts("ada", "Afterwards, from B.", to=GROUP, title="Six")
    await a.posts("wren", "Afterwards, from A.", to="sleepless", title="Seven")
    await world.settle()
    for server in scene.everyone:
        assert {"Afterwards, from B.", "Afterwards, from A."} <= set(await server.texts(GROUP)), server.host


async def test_what_was_queued_when_a_server_was_suspended_does_not_leave(world: World) -> None:
    scene = await three_servers(world)
    world.internet.dark.add(scene.b.host)
    await scene.a.posts("wren", "Already on its way.", to="sleepless", title="One")
    await world.settle()
    await scene.a.rules("b.example", "suspend")
    world.internet.dark.clear()
    world.internet.forget()
    await world.wait(days=1)
    assert [d for d in world.internet.crossings if d.target == "b.example" and d.source == "a.example"] == []


async def test_what_came_in_just_before_a_server_was_suspended_is_not_shown(world: World) -> None:
    scene = await three_servers(world)
    await scene.b.posts("ada", "Just in time?", to=GROUP, title="One")
    while await scene.b.step():
        pass
    assert await scene.a.value("select count(*) from receipts where standing = 'waiting'") == 1
    await scene.a.rules("b.example", "suspend")
    await world.settle()
    assert await scene.a.texts(GROUP) == []
    assert await scene.c.texts(GROUP) == []


async def test_a_rule_covers_subdomains_and_the_longest_wins(world: World) -> None:
    a = await world.server("a.example")
    b, c = await world.server("one.peer.example"), await world.server("two.peer.example")
    await a.a_person("wren")
    await a.a_group("sleepless")
    for server, name in ((b, "ada"), (c, "marlow")):
        await server.a_person(name)
        await server.follows(name, GROUP)
    await world.settle()
    await a.rules("peer.example", "suspend")
    await a.rules("two.peer.example", "allow")
    world.internet.forget()
    await a.posts("wren", "Who hears this?", to="sleepless", title="One")
    await world.settle()
    assert {d.target for d in world.internet.deliveries("a.example")} == {"two.peer.example"}


async def test_a_suspended_server_is_asked_for_nothing_and_given_nothing(world: World) -> None:
    scene = await three_servers(world)
    uri = await scene.a.posts("wren", "Not for you.", to="sleepless", title="One")
    await scene.a.rules("b.example", "suspend")
    await world.settle()
    world.internet.forget()
    with pytest.raises(Exception, match=r"refused"):
        await scene.b.deps.remote.find(uri)
    answers = {x.status for x in world.internet.crossings if x.target == "a.example" and "/ap/o/" in x.path}
    assert answers <= {403}
    world.internet.forget()
    with pytest.raises(Exception, match="domain_refused"):
        await scene.a.deps.remote.find("ada@b.example")
    assert world.internet.crossings == []


async def test_nobody_answers_a_post_of_a_suspended_server(world: World) -> None:
    scene = await three_servers(world)
    theirs = await scene.b.posts("ada", "From B.", to=GROUP, title="One")
    await world.settle()
    await scene.a.rules("b.example", "suspend")
    with pytest.raises(Exception) as refusal:
        await scene.a.posts("wren", "An answer to nobody.", answering=theirs)
    assert type(refusal.value).__name__ in ("NotFound", "NotAllowed")
    answer = await scene.c.posts("marlow", "An answer from C.", answering=theirs)
    await world.settle()
    assert answer not in [post.uri for post in await scene.a.shown(GROUP)]


async def test_only_allowed_servers_reach_an_instance_with_an_allow_list(world: World) -> None:
    a = await world.server("a.example", federation="allowlist")
    b, c = await world.server("b.example"), await world.server("c.example")
    await a.a_person("wren")
    await a.a_group("sleepless")
    await a.rules("b.example", "allow")
    for server, name in ((b, "ada"), (c, "marlow")):
        await server.a_person(name)
    await b.follows("ada", GROUP)
    with pytest.raises(Unauthentic, match="403"):
        await c.follows("marlow", GROUP)
    await world.settle()
    assert await b.standing("ada", GROUP) == "accepted"
    world.internet.forget()
    await a.posts("wren", "For the allowed.", to="sleepless", title="One")
    await world.settle()
    assert {d.target for d in world.internet.deliveries("a.example")} == {"b.example"}


async def test_with_federation_off_nothing_crosses(world: World) -> None:
    a, b = await world.server("a.example", federation="off"), await world.server("b.example")
    await a.a_person("wren")
    await b.a_person("ada")
    await a.a_group("sleepless")
    await a.posts("wren", "Only here.", to="sleepless", title="One")
    with pytest.raises(Exception, match=r"not_found|gone"):
        await b.follows("ada", GROUP)
    await world.settle()
    assert world.internet.deliveries() == []
    assert {x.status for x in world.internet.crossings if x.target == "a.example"} == {404}


async def test_a_limited_servers_posts_are_kept_but_not_passed_on(world: World) -> None:
    scene = await three_servers(world)
    await scene.a.rules("b.example", "limit")
    await scene.b.posts("ada", "A little louder.", to=GROUP, title="One")
    await world.settle()
    assert await scene.a.texts(GROUP) == []
    assert await scene.a.texts(GROUP, "wren") == ["A little louder."]
    assert await scene.c.texts(GROUP) == []


async def test_a_banned_member_does_not_post_from_elsewhere(world: World) -> None:
    from fediverse_support.actions.moderation import deciding

    scene = await three_servers(world)
    a = scene.a
    await deciding.ban(
        a.db, a.deps.instance, a.people["asha"], a.groups["sleepless"], await a.finds("ada@b.example")
    )
    await scene.b.posts("ada", "Let me in.", to=GROUP, title="One")
    await world.settle()
    assert await a.texts(GROUP, "asha") == []
    assert await scene.c.texts(GROUP) == []
    await scene.b.leaves("ada", GROUP)
    with pytest.raises(NotAllowed):  # the group told her server of it
        await scene.b.follows("ada", GROUP)
    await world.settle()
    assert await scene.b.standing("ada", GROUP) != "accepted"


async def test_a_banned_member_here_is_told(world: World) -> None:
    from fediverse_support.actions.moderation import deciding

    scene = await three_servers(world)
    a = scene.a
    await deciding.ban(
        a.db, a.deps.instance, a.people["asha"], a.groups["sleepless"], a.people["wren"].actor_id
    )
    with pytest.raises(NotAllowed):
        await a.posts("wren", "Let me in.", to="sleepless", title="One")


async def test_a_suspended_servers_post_that_waits_for_others_waits_until_it_is_lifted(world: World) -> None:
    scene = await three_servers(world)
    world.internet.dark.add(scene.c.host)
    await scene.b.posts("ada", "Passed on.", to=GROUP, title="One")
    await world.settle()
    await scene.a.rules("b.example", "suspend")
    world.internet.dark.clear()
    await world.wait(days=1)
    assert await scene.c.texts(GROUP) == []
    await scene.a.lifts("b.example")
    await world.wait(days=1)
    assert await scene.c.texts(GROUP) == ["Passed on."]
