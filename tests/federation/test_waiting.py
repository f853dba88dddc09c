"""What waits: posts of held servers and newcomers for a moderator, everybody's until nobody can undo them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from federation.uris import Uri
from fediverse_support.actions.moderation import moderating
from fediverse_support.domain.errors import Conflict
from fediverse_support.remote import Budget
from fediverse_support.store import groups
from tests.federation.scenes import GROUP, Scene, three_servers
from tests.federation.test_groups_elsewhere import told
from tests.federation.world import World


async def test_a_held_servers_post_waits_and_is_distributed_when_approved(world: World) -> None:
    scene = await three_servers(world)
    await scene.a.rules("b.example", "hold")
    world.internet.forget()
    uri = await scene.b.posts("ada", "May I?", to=GROUP, title="One")
    await world.settle()
    assert await scene.a.texts(GROUP, "wren") == []
    assert world.internet.deliveries("a.example") == []

    await scene.a.approves("asha", uri)
    await world.settle()
    assert await scene.a.texts(GROUP) == ["May I?"]
    assert await scene.c.texts(GROUP) == ["May I?"]
    told = [d.what for d in world.internet.deliveries("a.example", "c.example")]
    assert told == ["Announce Create"]


async def test_a_held_post_that_was_edited_is_approved_in_its_newest_words(world: World) -> None:
    scene = await three_servers(world)
    await scene.a.rules("b.example", "hold")
    uri = await scene.b.posts("ada", "First words.", to=GROUP, title="One")
    await world.settle()
    world.clock.pass_by(minutes=1)
    await scene.b.edits("ada", uri, "Second words.", title="One")
    await world.settle()
    await scene.a.approves("asha", uri)
    await world.settle()
    assert await scene.a.texts(GROUP) == ["Second words."]
    assert await scene.c.texts(GROUP) == ["Second words."]


async def test_a_held_post_that_was_fetched_before_it_came_is_distributed_when_approved(world: World) -> None:
    scene = await three_servers(world)
    await scene.a.rules("b.example", "hold")
    uri = await scene.b.posts("ada", "May I?", to=GROUP, title="One")
    await scene.a.deps.remote.learn(uri, Budget())
    assert await scene.a.value("select standing from posts") == "held"
    await world.settle()
    await scene.a.approves("asha", uri)
    await world.settle()
    assert await scene.c.texts(GROUP) == ["May I?"]
    heard = await scene.a.value("select last_heard_at from peers where host = 'b.example'")
    assert heard == world.clock.at


async def a_fetched_answer_that_waits(world: World) -> tuple[Scene, Uri]:
    """Let ada answer wren under a rule that holds, and A only fetch what she wrote."""
    scene = await three_servers(world)
    root = await scene.a.posts("wren", "Anybody there?", to="sleepless", title="One")
    await world.settle()
    await scene.a.rules("b.example", "hold")
    world.internet.dark.add(scene.a.host)
    uri = await scene.b.posts("ada", "I am.", answering=root)
    await world.settle()
    world.internet.dark.clear()
    await scene.a.deps.remote.learn(uri, Budget())
    assert await scene.a.value("select standing from posts where uri = $1", uri) == "held"
    return scene, uri


async def test_a_fetched_post_that_waited_is_logged_and_told_when_it_is_approved(world: World) -> None:
    scene, uri = await a_fetched_answer_that_waits(world)
    a = scene.a
    assert await told(a, "wren") == []
    await a.approves("asha", uri)
    assert await a.value("select standing from posts where uri = $1", uri) == "visible"
    assert await told(a, "wren") == [("reply", "")]
    logged = "select verb, verdict from decisions where object_uri = $1 order by id desc limit 1"
    assert [tuple(row) for row in await a.rows(logged, uri)] == [("Observe", "accept")]


async def test_an_approval_does_not_override_a_ban_that_came_meanwhile(world: World) -> None:
    scene, uri = await a_fetched_answer_that_waits(world)
    a = scene.a
    ada = await a.finds("ada@b.example")
    async with a.db.transaction() as tx:
        await groups.ban(tx, a.groups["sleepless"], ada, "", None, world.clock.at)
    with pytest.raises(Conflict):
        await a.approves("asha", uri)
    assert await a.value("select standing from posts where uri = $1", uri) == "held"


async def test_only_the_words_that_were_read_are_passed_on(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    await a.rules("b.example", "hold")
    uri = await scene.b.posts("ada", "As it came.", to=GROUP, title="One")
    await a.deps.remote.learn(uri, Budget())
    async with a.db.transaction() as tx:
        # What ada's server answered when it was asked was something else.
        await tx.execute("update posts set body_html = '<p>As it was read.</p>'")
    await world.settle()
    world.internet.forget()
    await a.approves("asha", uri)
    await world.settle()
    assert await a.value("select standing from posts") == "visible"
    assert not any(b"As it came." in crossing.body for crossing in world.internet.crossings)


async def test_a_held_post_that_its_author_deletes_never_appears(world: World) -> None:
    scene = await three_servers(world)
    await scene.a.rules("b.example", "hold")
    uri = await scene.b.posts("ada", "Never mind.", to=GROUP, title="One")
    await world.settle()
    await scene.b.deletes("ada", uri)
    await world.settle()
    assert await scene.a.value("select standing from posts where uri = $1", uri) == "deleted"
    with pytest.raises(Exception) as refusal:
        await scene.a.approves("asha", uri)
    assert type(refusal.value).__name__ in ("NotFound", "Conflict")
    left = "select count(*) from activities where document like '%Never mind%'"
    assert await scene.a.value(left) == 0
    assert await scene.c.texts(GROUP) == []


async def test_a_refused_post_stays_unseen(world: World) -> None:
    scene = await three_servers(world)
    await scene.a.rules("b.example", "hold")
    uri = await scene.b.posts("ada", "Buy now.", to=GROUP, title="One")
    await world.settle()
    world.internet.forget()
    await moderating.refuse_post(
        scene.a.db, scene.a.deps.instance, scene.a.people["asha"], await scene.a.row_of(uri), "spam"
    )
    await world.settle()
    assert await scene.a.texts(GROUP, "asha") == []
    assert world.internet.deliveries("a.example", "c.example") == []
    with pytest.raises(Conflict):
        await scene.a.approves("asha", uri)


@pytest.mark.parametrize("who", ["wren", "ada"])
async def test_a_newcomers_first_posts_wait_and_the_next_ones_do_not(world: World, who: str) -> None:
    scene = await three_servers(world, newcomer_posts_held=2)
    home = scene.a if who == "wren" else scene.b
    uris = []
    for number in (1, 2):
        uris.append(await home.posts(who, f"Post {number}.", to=GROUP, title=f"Title {number}"))
    await world.settle()
    assert await scene.a.texts(GROUP) == []
    assert await scene.c.texts(GROUP) == []
    for uri in uris:
        await scene.a.approves("asha", uri)
    await world.settle()
    await home.posts(who, "Post 3.", to=GROUP, title="Title 3")
    await world.settle()
    for server in scene.everyone:
        assert sorted(await server.texts(GROUP)) == ["Post 1.", "Post 2.", "Post 3."], server.host


async def test_an_approved_post_is_distributed_once(world: World) -> None:
    scene = await three_servers(world, newcomer_posts_held=1)
    uri = await scene.a.posts("wren", "First.", to="sleepless", title="One")
    await world.settle()
    world.internet.forget()
    await scene.a.approves("asha", uri)
    with pytest.raises(Conflict):
        await scene.a.approves("asha", uri)
    await world.settle()
    assert [d.what for d in world.internet.deliveries("a.example", "b.example")] == ["Announce Create"]


async def test_a_post_leaves_only_when_it_cannot_be_taken_back_any_more(world: World) -> None:
    scene = await three_servers(world, undo_for=timedelta(minutes=10))
    world.internet.forget()
    done = await scene.a.publishes("wren", "Give me a moment.", to="sleepless", title="One")
    assert done.leaves_at == world.clock.at + timedelta(minutes=10)
    await world.wait(minutes=9)
    assert world.internet.deliveries() == []
    assert await scene.a.texts(GROUP) == ["Give me a moment."]
    await world.wait(minutes=2)
    assert await scene.b.texts(GROUP) == ["Give me a moment."]
    assert await scene.c.texts(GROUP) == ["Give me a moment."]


async def test_a_post_deleted_in_time_never_leaves(world: World) -> None:
    scene = await three_servers(world, undo_for=timedelta(minutes=10))
    world.internet.forget()
    uri = await scene.a.posts("wren", "That was too much.", to="sleepless", title="One")
    await world.wait(minutes=5)
    await scene.a.deletes("wren", uri)
    await world.wait(days=1)
    assert [d for d in world.internet.crossings if d.method == "POST"] == []
    assert await scene.a.texts(GROUP) == []


async def test_a_post_edited_in_time_leaves_in_its_newest_words_only(world: World) -> None:
    scene = await three_servers(world, undo_for=timedelta(minutes=10))
    uri = await scene.a.posts("wren", "Hasty words.", to="sleepless", title="One")
    await world.wait(minutes=5)
    await scene.a.edits("wren", uri, "Better words.", title="One")
    await world.wait(hours=1)
    assert await scene.b.texts(GROUP) == ["Better words."]
    assert not any(b"Hasty words." in d.body for d in world.internet.deliveries()), "the first words left too"


async def test_an_answer_to_a_post_that_has_not_left_waits_behind_it(world: World) -> None:
    scene = await three_servers(world, undo_for=timedelta(minutes=10))
    root = await scene.a.posts("wren", "A question.", to="sleepless", title="One")
    await world.wait(minutes=5)
    await scene.a.posts("asha", "An answer.", answering=root)
    await world.wait(hours=1)
    for server in (scene.b, scene.c):
        assert await server.texts(GROUP) == ["A question.", "An answer."]
        assert await server.value("select count(distinct root_id) from posts") == 1
