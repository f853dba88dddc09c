"""What was answered with 202 before a rule about a server is not lost: it waits under it, and goes on."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from federation import uris
from federation.uris import Uri
from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.reads.exchange import explain, queues
from fediverse_support.store import facts as store_facts
from fediverse_support.workers import receive
from fediverse_support.workers.errands import housekeeping
from tests.federation.scenes import GROUP, Scene, hears, three_servers
from tests.federation.test_batches import create, group_uri
from tests.federation.world import Server, World

WAITING = "select count(*) from receipts where standing <> 'done'"
Meanwhile = Callable[[], Awaitable[None]]


def meanwhile(monkeypatch: pytest.MonkeyPatch, *steps: Meanwhile) -> None:
    """Let something happen each time between the taking of a batch and its application."""
    load, load_all, left = store_facts.load, store_facts.load_all, list(steps)

    async def slow(*given: Any, **more: Any) -> Any:
        if left:
            await left.pop(0)()
        return await load(*given, **more)

    async def slow_all(*given: Any, **more: Any) -> Any:
        if left:
            await left.pop(0)()
        return await load_all(*given, **more)

    monkeypatch.setattr(store_facts, "load", slow)
    monkeypatch.setattr(store_facts, "load_all", slow_all)


async def works(server: Server) -> None:
    while await receive.step(server.deps):
        pass


async def test_what_was_taken_in_goes_on_when_the_rule_is_lifted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await three_servers(world)
    a, b, c = scene.everyone
    for title in ("One", "Two", "Three"):
        await b.posts("ada", title, to=GROUP, title=title)
    while await b.step():
        pass
    # The batch is taken before the rule and applied under it.
    meanwhile(monkeypatch, lambda: a.rules("b.example", "suspend"))
    await works(a)
    assert await a.texts(GROUP) == []
    assert await a.value(WAITING) == 3
    assert await a.value("select count(*) from decisions where verdict = 'reject'") == 0
    await a.lifts("b.example")
    await world.settle()
    assert await a.texts(GROUP) == ["One", "Two", "Three"]
    assert set(await c.texts(GROUP)) == {"One", "Two", "Three"}
    assert await a.value(WAITING) == 0


async def test_ten_switches_in_a_row_under_deliveries_lose_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await three_servers(world)
    a, b = scene.a, scene.b
    promised: list[str] = []

    async def flip() -> None:
        on = await a.value("select rule_for('b.example')") == "suspend"
        await (a.lifts("b.example") if on else a.rules("b.example", "suspend"))

    for switch in range(10):
        for number in range(3):
            text = f"{switch}.{number}"
            uri = await b.posts("ada", text, to=GROUP, title=text)
            promised.append(uri)
            while await b.step():
                pass
        meanwhile(monkeypatch, flip)
        await works(a)
        await flip() if await a.value("select rule_for('b.example')") == "suspend" else None
    await world.calm(days=8)
    assert {post.uri for post in await a.shown(GROUP)} == set(promised)


@pytest.mark.parametrize("mode", ["allowlist", "off"])
async def test_what_was_taken_in_waits_while_its_server_is_not_listed(world: World, mode: Any) -> None:
    scene = await three_servers(world)
    a, b = scene.a, scene.b
    uri = await b.posts("ada", "Just in time.", to=GROUP, title="One")
    while await b.step():
        pass
    await a.chooses("federation", mode)
    await works(a)
    assert await a.value(WAITING) == 1
    if mode == "allowlist":
        await a.rules("b.example", "allow")
    else:
        await a.chooses("federation", "open")
    await works(a)
    assert await a.value("select standing from posts where uri = $1", uri) == "visible"


async def test_what_its_author_took_back_before_the_rule_is_obeyed_under_it(world: World) -> None:
    scene = await three_servers(world)
    a, b, c = scene.everyone
    uri = await b.posts("ada", "I should not have told you.", to=GROUP, title="One")
    await world.settle()
    await b.deletes("ada", uri)
    later = await b.posts("ada", "Nor this.", to=GROUP, title="Two")
    await b.deletes("ada", later)
    await b.leaves("ada", GROUP)
    while await b.step():
        pass
    await a.rules("b.example", "suspend")
    await world.settle()
    assert await a.value("select standing from posts where uri = $1", uri) == "deleted"
    assert await c.texts(GROUP) == []
    # Ada has left: nothing of the group is owed to her, whatever becomes of the rule.
    left = "select f.standing from follows f join actors x on x.id = f.follower_id where x.host = 'b.example'"
    assert await a.value(left) == "left"
    await a.lifts("b.example")
    await world.settle()
    assert await a.texts(GROUP) == []
    assert await a.value(left) == "left"
    assert await a.value(WAITING) == 0


async def test_who_joined_and_left_before_a_rule_is_no_member_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await three_servers(world)
    a, b = scene.a, scene.b
    await b.a_person("iona")
    await b.follows("iona", GROUP)
    await b.leaves("iona", GROUP)
    while await b.step():
        pass
    meanwhile(monkeypatch, lambda: a.rules("b.example", "suspend"))
    await works(a)
    await world.wait(days=3)
    await a.lifts("b.example")
    await world.settle()
    members = "select f.standing from follows f join actors x on x.id = f.follower_id where x.name = 'iona'"
    assert await a.value(members) == "left"


async def answer_to_suspended(scene: Scene, world: World) -> tuple[Uri, dict[str, Any]]:
    """Let ada ask something at B, and return the id of marlow's answer to it, and its Create."""
    theirs = await scene.b.posts("ada", "From B.", to=GROUP, title="One")
    await world.settle()
    marlow = scene.c.people["marlow"].uri
    act = create(marlow, await group_uri(scene), "answer", theirs)
    return Uri(act["object"]["id"]), act


async def test_an_answer_to_a_suspended_servers_post_that_was_taken_in_before_waits(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    uri, act = await answer_to_suspended(scene, world)
    signer = Uri(act["actor"])
    await Intake(a.db, a.deps.instance).accept(
        uri=Uri(act["id"]), host=uris.host(signer), signer=signer, digest=None,
        body=json.dumps({"@context": "https://www.w3.org/ns/activitystreams", **act}).encode(),
    )  # fmt: skip
    world.clock.pass_by(minutes=5)
    await a.rules("b.example", "suspend")
    await works(a)
    async with a.db.connection() as conn:
        [told] = (await explain.explain(conn, act["id"])).receipts
        [lane] = await queues.status(conn)
    assert (told.standing, told.waits_for) == ("ruled", "b.example")
    assert (lane.host, lane.waiting, lane.ruled) == ("c.example", 0, 1)
    # However long the rule stands.
    world.clock.pass_by(days=90)
    await housekeeping.step(a.deps)
    await a.lifts("b.example")
    await world.settle()
    assert await a.value("select standing from posts where uri = $1", uri) == "visible"


async def test_an_answer_that_comes_under_the_rule_is_dropped_as_ever(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    _, act = await answer_to_suspended(scene, world)
    await a.rules("b.example", "suspend")
    world.clock.pass_by(minutes=5)
    await hears(a, act)
    assert await a.value(WAITING) == 0
    reasons = await a.value("select reasons from decisions where activity_uri = $1", act["id"])
    assert reasons == ["names_suspended_domain"]


async def test_explain_and_queue_status_say_what_waits_under_a_rule(world: World) -> None:
    scene = await three_servers(world)
    a, b = scene.a, scene.b
    await b.posts("ada", "Just in time.", to=GROUP, title="One")
    while await b.step():
        pass
    await a.rules("b.example", "suspend")
    await works(a)
    uri = await a.value("select uri from receipts where standing = 'waiting'")
    async with a.db.connection() as conn:
        [told] = (await explain.explain(conn, uri)).receipts
        [lane] = await queues.status(conn)
        totals = await queues.totals(conn, a.db.now())
    assert told.waits_for == "b.example"
    assert (lane.host, lane.waiting, lane.ruled) == ("b.example", 0, 1)
    assert totals.oldest_seconds == 0.0


async def test_what_a_group_passed_on_before_the_rule_about_its_authors_server_waits(world: World) -> None:
    scene = await three_servers(world)
    a, b, c = scene.everyone
    await c.a_group("nights", moderators=("mabel",))
    for server, name in ((a, "wren"), (b, "ada")):
        await server.follows(name, "nights@c.example")
    await world.settle()
    uri = await b.posts("ada", "Passed on in time.", to="nights@c.example", title="One")
    while await b.step() or await c.step():
        pass
    world.clock.pass_by(minutes=5)
    await a.rules("b.example", "suspend")
    await works(a)
    known = "select standing from posts where uri = $1"
    assert await a.value(known, uri) is None
    assert await a.value("select standing from receipts where standing <> 'done'") == "ruled"
    await a.lifts("b.example")
    await world.settle()
    assert await a.value(known, uri) == "visible"
    assert await a.value(WAITING) == 0
