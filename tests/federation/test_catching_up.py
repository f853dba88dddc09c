"""After a suspension, what was said meanwhile in shared threads is asked for once, and nothing besides."""

from __future__ import annotations

import pytest

from federation.uris import Uri
from fediverse_support.domain.moderation import Severity
from fediverse_support.store.exchange import catch_ups
from tests.federation.internet import Crossing
from tests.federation.scenes import GROUP, Scene, three_servers
from tests.federation.world import World

NEWS = "select count(*) from notifications"


def asked(world: World) -> list[Crossing]:
    """What A asked of B."""
    return [
        crossing for crossing in world.internet.crossings
        if (crossing.source, crossing.target, crossing.method) == ("a.example", "b.example", "GET")
    ]  # fmt: skip


async def a_suspension(world: World, scene: Scene) -> tuple[Uri, Uri]:
    """Ada opens a thread and answers one of wren's; both go on during a suspension, in both of them."""
    a, b, _ = scene.everyone
    ours = await a.posts("wren", "Mine.", to="sleepless", title="One")
    theirs = await b.posts("ada", "Hers.", to=GROUP, title="Two")
    await world.settle()
    answer = await b.posts("ada", "Her answer.", answering=ours)
    await world.settle()
    await a.rules("b.example", "suspend")
    await b.posts("ada", "Said to herself.", answering=answer)
    inner = await b.posts("ada", "Said in her own thread.", answering=theirs)
    await b.posts("ada", "And then some.", answering=inner)
    await b.posts("ada", "A thread that nobody here knows.", to=GROUP, title="Three")
    await a.posts("wren", "Meanwhile, here.", answering=ours)
    await world.wait(days=1)
    world.internet.forget()
    return ours, theirs


async def test_what_was_said_in_shared_threads_during_a_suspension_is_here_once_afterwards(
    world: World,
) -> None:
    scene = await three_servers(world)
    a = scene.a
    await a_suspension(world, scene)
    told = await a.value(NEWS)

    await a.lifts("b.example")
    await world.wait(hours=2)
    texts = await a.texts(GROUP)
    assert sorted(texts) == sorted(
        ["Mine.", "Hers.", "Her answer.", "Meanwhile, here.", "Said to herself.",
         "Said in her own thread.", "And then some."]
    )  # fmt: skip
    assert await a.value(NEWS) == told
    # Everything once more changes nothing, and is asked for no second time.
    world.internet.forget()
    await world.wait(days=1)
    assert asked(world) == []
    assert await a.texts(GROUP) == texts


@pytest.mark.parametrize(("rule", "seen_by"), [("hold", None), ("limit", "wren")])
async def test_a_suspension_that_becomes_a_milder_rule_has_it_judged_by_that(
    world: World, rule: Severity, seen_by: str | None
) -> None:
    scene = await three_servers(world)
    a = scene.a
    await a_suspension(world, scene)
    await a.rules("b.example", rule)
    await world.wait(hours=2)
    assert "And then some." not in await a.texts(GROUP)
    standing = await a.value("select standing from posts where body_text = 'And then some.'")
    assert standing == {"hold": "held", "limit": "limited"}[rule]
    assert ("And then some." in await a.texts(GROUP, seen_by)) == (rule == "limit")


async def test_a_server_that_stands_on_the_allow_list_again_is_asked(world: World) -> None:
    a, b = await world.server("a.example", federation="allowlist"), await world.server("b.example")
    await a.a_person("wren")
    await a.a_group("sleepless")
    await b.a_person("ada")
    await a.rules("b.example", "allow")
    await b.follows("ada", GROUP)
    await world.settle()
    theirs = await b.posts("ada", "Hers.", to=GROUP, title="One")
    await world.settle()
    await a.lifts("b.example")
    await b.posts("ada", "Meanwhile.", answering=theirs)
    await world.wait(days=1)
    assert "Meanwhile." not in await a.texts(GROUP)
    await a.rules("b.example", "allow")
    await world.wait(hours=2)
    assert await a.texts(GROUP) == ["Hers.", "Meanwhile."]


async def test_nothing_is_asked_where_nothing_was_shared(world: World) -> None:
    a, b = await world.server("a.example"), await world.server("b.example")
    await a.a_person("wren")
    await b.a_person("ada")
    await a.a_group("sleepless")
    await a.finds("ada@b.example")
    await a.posts("wren", "Only ours.", to="sleepless", title="One")
    await world.settle()
    await a.rules("b.example", "suspend")
    await world.settle()
    world.internet.forget()
    await a.lifts("b.example")
    await world.wait(days=1)
    assert asked(world) == []


async def test_a_suspension_that_comes_back_ends_the_questions(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    await a_suspension(world, scene)
    await a.lifts("b.example")
    await a.rules("b.example", "suspend")
    await world.wait(days=1)
    assert asked(world) == []
    assert await a.value("select count(*) from catch_ups where asked_at is null") == 0


async def test_one_server_is_asked_a_bounded_number_of_things(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_ups, "MOST_ASKED", 4)
    scene = await three_servers(world)
    a = scene.a
    await a_suspension(world, scene)
    await a.lifts("b.example")
    await world.wait(hours=2)
    assert await a.value("select count(*) from catch_ups") == 4


async def test_what_a_list_names_besides_the_thread_is_not_taken_in(world: World) -> None:
    scene = await three_servers(world)
    a, b, _ = scene.everyone
    _, theirs = await a_suspension(world, scene)
    other = await b.posts("ada", "Not of this thread.", title="Four")
    stranger = await b.posts("ada", "Nor this.", answering=other)
    # Her server lies: what hangs below something unknown is listed below a thread that is known.
    await b.value(
        "update posts set root_id = (select root_id from posts where uri = $1) where uri = $2 returning 1",
        theirs, stranger,
    )  # fmt: skip
    await a.lifts("b.example")
    await world.wait(hours=2)
    assert any(crossing.path == stranger.removeprefix("https://b.example") for crossing in asked(world))
    assert await a.value("select count(*) from posts where uri = any ($1)", [other, stranger]) == 0


async def test_a_rule_for_one_name_that_lifts_a_wider_suspension_has_that_server_asked(world: World) -> None:
    a, b = await world.server("a.example"), await world.server("one.peer.example")
    await a.a_person("wren")
    await a.a_group("sleepless")
    await b.a_person("ada")
    await b.follows("ada", GROUP)
    await world.settle()
    theirs = await b.posts("ada", "Hers.", to=GROUP, title="One")
    await world.settle()
    await a.rules("peer.example", "suspend")
    await b.posts("ada", "Meanwhile.", answering=theirs)
    await world.wait(days=1)
    await a.rules("one.peer.example", "limit")
    await world.wait(hours=2)
    assert await a.texts(GROUP, "wren") == ["Hers.", "Meanwhile."]
