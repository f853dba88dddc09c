"""What could get into a group of ours, out of it, or be told of it, by a way round its rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from federation import vocab
from federation.uris import Uri
from fediverse_support.actions.moderation import deciding
from fediverse_support.reads import federation as reads
from fediverse_support.store.people import remote_actors
from tests.federation.scenes import GROUP, Scene, hears, three_servers
from tests.federation.world import World

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


async def uri_of(scene: Scene) -> Uri:
    return Uri(await scene.a.value("select uri from actors where id = $1", scene.a.groups["sleepless"]))


def create(author: Uri, name: str, to: list[str], **more: Any) -> dict[str, Any]:
    """Write a Create of a note of somebody elsewhere."""
    note = {
        "id": f"{author}/{name}", "type": "Note", "attributedTo": author, "content": name,
        "to": [PUBLIC, *to], **more,
    }  # fmt: skip
    return {
        "id": f"{author}/{name}/create",
        "type": "Create",
        "actor": author,
        "object": note,
        "to": note["to"],
    }


async def test_an_answer_to_nothing_is_no_way_round_restricted_posting(world: World) -> None:
    scene = await three_servers(world)
    async with scene.a.db.transaction() as tx:
        await tx.execute("update groups set posting_restricted = true")
    group, ada = await uri_of(scene), scene.b.people["ada"].uri
    await hears(
        scene.a, create(ada, "sneaky", [group], inReplyTo="https://b.example/nothing", audience=group)
    )
    assert await scene.a.value("select count(*) from posts") == 0


async def test_somebody_banned_is_not_found_below_a_thread_that_came_later(world: World) -> None:
    scene = await three_servers(world)
    a, group = scene.a, await uri_of(scene)
    ada, marlow = scene.b.people["ada"].uri, scene.c.people["marlow"].uri
    await deciding.ban(
        a.db, a.deps.instance, a.people["asha"], a.groups["sleepless"], await a.finds("ada@b.example")
    )
    await hears(a, create(ada, "sneaky", [a.people["wren"].uri], inReplyTo=f"{marlow}/root"))
    await hears(a, create(marlow, "root", [group], audience=group))
    assert await a.texts(GROUP) == ["root"]
    root = await a.row_of(Uri(f"{marlow}/root"))
    assert await a.value("select count(*) from posts where root_id = $1", root) == 1


async def test_an_answer_that_the_group_was_asked_about_finds_its_thread(world: World) -> None:
    scene = await three_servers(world)
    a, group = scene.a, await uri_of(scene)
    ada, marlow = scene.b.people["ada"].uri, scene.c.people["marlow"].uri
    await hears(a, create(ada, "answer", [group], inReplyTo=f"{marlow}/root", audience=group))
    await hears(a, create(marlow, "root", [group], audience=group))
    root = await a.row_of(Uri(f"{marlow}/root"))
    assert await a.value("select count(*) from posts where root_id = $1 and parent_id = $1", root) == 1


async def test_a_lock_holds_for_the_whole_thread(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    root = await a.posts("wren", "Root.", to="sleepless", title="One")
    answer = await a.posts("wren", "Answer.", answering=root)
    await world.settle()
    async with a.db.transaction() as tx:
        await tx.execute("update posts set is_locked = true where uri = $1", root)
    await scene.b.posts("ada", "Too late.", answering=answer)
    await world.settle()
    assert await a.texts(GROUP) == ["Root.", "Answer."]


async def test_a_groups_word_takes_back_likes_in_that_group_alone(world: World) -> None:
    scene = await three_servers(world)
    a, b = scene.a, scene.b
    await b.a_group("others", moderators=("ada",))
    await a.follows("wren", "others@b.example")
    ours = await a.posts("wren", "Ours.", to="sleepless", title="One")
    await world.settle()
    marlow = scene.c.people["marlow"].uri
    others = await b.value("select uri from actors where id = $1", b.groups["others"])
    like = {"id": f"{marlow}/like", "type": "Like", "actor": marlow, "object": ours}
    await hears(a, like)
    undo = {"id": f"{marlow}/undo", "type": "Undo", "actor": marlow, "object": like, "to": [others]}
    await hears(a, {"id": f"{others}/1", "type": "Announce", "actor": others, "object": undo, "to": [PUBLIC]})
    assert await a.value("select count(*) from reactions") == 1


async def test_a_group_elsewhere_that_becomes_private_is_private_here(world: World) -> None:
    a = await world.server("a.example")
    group = vocab.Actor(
        id=Uri("https://b.example/g/1"), kind="Group", preferred_username="others",
        inbox=Uri("https://b.example/g/1/inbox"),
    )  # fmt: skip
    kinds = []
    for is_private in (False, True, False):
        private = replace(group, approves_followers=is_private)
        async with a.db.transaction() as tx:
            await remote_actors.upsert(tx, private, a.db.now())
        kinds.append(await a.value("select kind from groups"))
    assert kinds == ["open", "circle", "circle"]


async def test_an_activity_is_not_shown_with_words_that_were_edited_since(world: World) -> None:
    scene = await three_servers(world)
    a, group = scene.a, await uri_of(scene)
    uri = await a.posts("wren", "First words.", to="sleepless", title="One")
    await world.settle()
    sent = await a.rows("select uri, verb from activities where document like '%First words%'")
    assert {row["verb"] for row in sent} == {"Create", "Announce"}
    world.clock.pass_by(minutes=1)
    await a.edits("wren", uri, "Second words.", title="One")
    await world.settle()
    async with a.db.connection() as conn:
        for row in sent:
            assert await reads.find_activity(conn, row["uri"], None, a.db.now()) is None
        found = await reads.find_actor(conn, group)
        assert found is not None
        listed = await reads.list_outbox(conn, found.row, a.db.now())  # type: ignore[arg-type]
    assert not any(b"First words" in document for document in listed)


async def test_an_activity_of_somebody_suspended_here_is_not_shown(world: World) -> None:
    a = await world.server("a.example")
    await a.a_person("wren")
    await a.a_group("sleepless")
    await a.posts("wren", "Words.", to="sleepless", title="One")
    sent = await a.value("select uri from activities where verb = 'Create'")
    async with a.db.transaction() as tx:
        assert await reads.find_activity(tx, sent, None, a.db.now()) is not None
        await tx.execute("update actors set standing = 'suspended' where name = 'wren'")
        assert await reads.find_activity(tx, sent, None, a.db.now()) is None


async def test_somebody_who_left_a_home_group_hears_of_no_answers_in_it(world: World) -> None:
    a = await world.server("a.example")
    await a.a_group("kitchen", "home", moderators=("asha", "wren", "heron"))
    uri = await a.posts("wren", "Then.", to="kitchen", title="One")
    await a.leaves("wren", "kitchen")
    await a.posts("heron", "Now.", answering=uri)
    told = "select count(*) from notifications where account_id = $1 and kind = 'reply'"
    assert await a.value(told, a.people["wren"].account_id) == 0
