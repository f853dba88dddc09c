"""What somebody writes to a group and not for everybody, perhaps a call for help: for its moderators."""

from __future__ import annotations

from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.actions.moderation import deciding
from fediverse_support.domain.errors import NotFound
from fediverse_support.reads.moderation import moderation
from fediverse_support.workers.errands import housekeeping
from tests.federation.scenes import GROUP, Scene, hears, three_servers
from tests.federation.test_groups_elsewhere import told
from tests.federation.test_groups_of_ours import group_of
from tests.federation.world import World

WORDS = "I do not know whom to tell."


async def a_scene(world: World) -> tuple[Scene, Uri, Uri]:
    """Return the scene, the group at A, and ada at B."""
    scene = await three_servers(world)
    world.internet.forget()
    return scene, await group_of(scene), scene.b.people["ada"].uri


def message(author: Uri, group: Uri, name: str = "1", **more: Any) -> dict[str, Any]:
    """Write a direct message as microblogs do: the group is mentioned, and stands in `cc` or `to` alone."""
    note = {
        "id": f"{author}/notes/{name}", "type": "Note", "attributedTo": author, "content": f"<p>{WORDS}</p>",
        "to": [], "cc": group, "tag": {"type": "Mention", "href": group, "name": "@sleepless"}, **more,
    }  # fmt: skip
    return {
        "id": f"{author}/notes/{name}/create", "type": "Create", "actor": author, "object": note,
        "to": note["to"], "cc": note["cc"],
    }  # fmt: skip


async def waiting(scene: Scene, name: str = "asha") -> list[moderation.Message]:
    async with scene.a.db.connection() as conn:
        return await moderation.list_messages(conn, scene.a.people[name])


async def test_a_direct_message_to_a_group_waits_for_its_moderators_and_nobody_else(world: World) -> None:
    scene, group, ada = await a_scene(world)
    await scene.a.a_person("tom", "admin")
    await hears(scene.a, message(ada, group, summary="a bad night"))
    (found,) = await waiting(scene)
    assert (WORDS in found.body_html, found.warning, found.handle) == (True, "a bad night", "ada@b.example")
    assert await told(scene.a, "asha") == [("message", "")]
    assert await waiting(scene, "wren") == await waiting(scene, "tom") == []
    assert await scene.a.texts(GROUP, "asha") == await scene.a.texts(GROUP) == []
    assert await scene.a.value("select count(*) from posts") == 0
    await world.settle()
    assert not [c for c in world.internet.deliveries("a.example") if WORDS.encode() in c.body]
    assert await scene.a.value("select count(*) from activities where document like $1", f"%{WORDS}%") == 0
    assert await scene.a.value("select count(*) from receipts where body like $1", f"%{WORDS}%") == 0


async def test_its_writer_gets_one_automatic_answer_that_promises_nothing(world: World) -> None:
    scene, group, ada = await a_scene(world)
    await hears(scene.a, message(ada, group))
    await hears(scene.a, message(ada, group, "2"))
    await world.settle()
    (answer,) = [c.document for c in world.internet.deliveries("a.example", "b.example")]
    note = answer["object"]
    assert (answer["actor"], answer["to"], answer["cc"]) == (group, [ada], [])
    assert (note["attributedTo"], note["to"], note["inReplyTo"]) == (group, [ada], f"{ada}/notes/1")
    assert note["tag"] == [{"type": "Mention", "href": ada, "name": "@ada@b.example"}]
    assert note["content"].startswith("<p>This is an automatic message.")
    assert note["generator"] == {"id": "https://a.example/ap/instance", "type": "Service"}
    assert "https://a.example/help" in note["content"] and WORDS not in note["content"]
    seen = "select can_see(p, array[$1::bigint]) from posts p where uri = $2"
    assert await scene.b.value(seen, scene.b.people["ada"].actor_id, note["id"]) is True
    world.clock.pass_by(days=7)
    await hears(scene.a, message(ada, group, "3"))
    await world.settle()
    assert len(world.internet.deliveries("a.example", "b.example")) == 2
    assert len(await waiting(scene)) == 3


async def test_groups_and_automatons_are_not_answered(world: World) -> None:
    scene, group, ada = await a_scene(world)
    a = scene.a
    await scene.c.a_group("others", moderators=("marlow",))
    await a.finds("others@c.example")
    others = Uri(await scene.c.value("select uri from actors where id = $1", scene.c.groups["others"]))
    await hears(a, message(others, group))
    assert await waiting(scene) == []
    async with a.db.transaction() as tx:
        await tx.execute("update actors set kind = 'service' where uri = $1", ada)
    await hears(a, message(ada, group))
    await world.settle()
    assert len(await waiting(scene)) == 1
    assert world.internet.deliveries("a.example") == []


async def test_whoever_is_shut_out_may_still_write_to_the_moderators(world: World) -> None:
    scene, group, ada = await a_scene(world)
    a = scene.a
    number = await a.finds("ada@b.example")
    await deciding.ban(a.db, a.deps.instance, a.people["asha"], a.groups["sleepless"], number)
    await hears(a, message(ada, group))
    assert len(await waiting(scene)) == 1


async def test_a_message_is_done_when_a_moderator_says_so_and_forgotten_later(world: World) -> None:
    scene, group, ada = await a_scene(world)
    a = scene.a
    await hears(a, message(ada, group))
    (found,) = await waiting(scene)
    with pytest.raises(NotFound):
        await deciding.finish_message(a.db, a.people["wren"], found.id)
    await deciding.finish_message(a.db, a.people["asha"], found.id)
    assert await waiting(scene) == []
    world.clock.pass_by(days=29)
    await housekeeping.step(a.deps)
    assert await a.value("select count(*) from group_messages") == 1
    world.clock.pass_by(days=2)
    await housekeeping.step(a.deps)
    assert await a.value("select count(*) from group_messages") == 0


async def test_a_message_that_its_writer_takes_back_is_gone(world: World) -> None:
    scene, group, ada = await a_scene(world)
    await hears(scene.a, message(ada, group))
    gone = {"type": "Delete", "object": f"{ada}/notes/1", "to": [group]}
    marlow = scene.c.people["marlow"].uri
    await hears(scene.a, {**gone, "id": f"{marlow}/d", "actor": marlow})
    assert len(await waiting(scene)) == 1
    await hears(scene.a, {**gone, "id": f"{ada}/d", "actor": ada})
    assert await waiting(scene) == []


async def test_nobody_fills_the_list_alone_and_a_suspended_server_is_not_in_it(world: World) -> None:
    scene, group, ada = await a_scene(world)
    for number in range(60):
        await hears(scene.a, message(ada, group, str(number)))
    assert await scene.a.value("select count(*) from group_messages") == 50
    await scene.a.rules("b.example", "suspend")
    assert await waiting(scene) == []


async def test_a_direct_message_to_a_person_that_names_a_group_is_for_that_person(world: World) -> None:
    scene, group, ada = await a_scene(world)
    a = scene.a
    await a.a_person("heron")
    wren = a.people["wren"].uri
    tags = [{"type": "Mention", "href": wren, "name": "@wren"}, {"type": "Mention", "href": group}]
    await hears(a, message(ada, group, to=[wren, group], cc=[], tag=tags))
    uri = f"{ada}/notes/1"
    assert await told(a, "wren") == [("mention", "")]
    assert await a.rows("select audience, group_id from posts where uri = $1", uri) == [("direct", None)]
    sees = "select can_see(p, array[$1::bigint]) from posts p where uri = $2"
    assert await a.value(sees, a.people["wren"].actor_id, uri) is True
    for other in ("asha", "heron"):
        assert await a.value(sees, a.people[other].actor_id, uri) is False
    assert await waiting(scene) == [] and await told(a, "asha") == []
    await world.settle()
    assert world.internet.deliveries("a.example") == []


async def test_a_followers_only_answer_that_names_somebody_here_is_read_by_them_alone(world: World) -> None:
    scene, group, ada = await a_scene(world)
    a = scene.a
    await a.a_person("heron")
    root = await a.posts("wren", "Root.", to="sleepless", title="One")
    await world.settle()
    world.internet.forget()
    wren, uri = a.people["wren"].uri, f"{ada}/notes/1"
    note = message(ada, group, to=[f"{ada}/followers"], cc=[wren], inReplyTo=root,
                   tag=[{"type": "Mention", "href": wren, "name": "@wren@a.example"}])  # fmt: skip
    await hears(a, note)
    assert await a.rows("select audience, group_id from posts where uri = $1", uri) == [("followers", None)]
    assert await told(a, "wren") == [("reply", "")]
    sees = "select can_see(p, array[$1::bigint]) from posts p where uri = $2"
    assert await a.value(sees, a.people["wren"].actor_id, uri) is True
    assert await a.value(sees, a.people["heron"].actor_id, uri) is False
    assert await a.value(sees, None, uri) is False
    await world.settle()
    assert world.internet.deliveries("a.example") == []


async def test_whom_a_followers_only_post_of_ours_names_may_read_it_and_is_told(world: World) -> None:
    a = await world.server("a.example")
    for name in ("wren", "heron", "tansy"):
        await a.a_person(name)
    heron = a.people["heron"]
    uri = await a.posts("wren", "For a few.", audience="followers", mentioned=(heron.actor_id,))
    assert await told(a, "heron") == [("mention", "")]
    sees = "select can_see(p, array[$1::bigint]) from posts p where uri = $2"
    assert await a.value(sees, heron.actor_id, uri) is True
    assert await a.value(sees, a.people["tansy"].actor_id, uri) is False
    assert await a.value(sees, None, uri) is False


async def test_a_followers_only_answer_by_a_stranger_that_names_nobody_here_is_not_kept(world: World) -> None:
    scene, _, ada = await a_scene(world)
    root = await scene.a.posts("wren", "Root.", to="sleepless", title="One")
    note = message(ada, ada, to=[f"{ada}/followers"], cc=[], tag=[], inReplyTo=root)
    await hears(scene.a, note)
    assert await scene.a.value("select count(*) from posts where host is not null") == 0


async def test_whoever_is_answered_reads_an_answer_for_followers_and_is_told(world: World) -> None:
    scene, _, _ = await a_scene(world)
    a, b = scene.a, scene.b
    await a.a_person("heron")
    for server, name in ((a, "wren"), (b, "ada")):
        await server.follows(name, "heron@a.example")
    await world.settle()
    await a.answers("heron", "wren@a.example", accept=True)
    await a.answers("heron", "ada@b.example", accept=True)
    await world.settle()
    root = await a.posts("heron", "For those who follow me.", audience="followers")
    await world.settle()
    # A page says nothing of whom it answers, and names nobody.
    answer = await a.posts("wren", "I read it.", answering=root)
    sees = "select can_see(p, array[$1::bigint]) from posts p where uri = $2"
    assert await a.value(sees, a.people["heron"].actor_id, answer) is True
    assert ("reply", "") in await told(a, "heron")
    world.internet.forget()
    theirs = await b.posts("ada", "I do, too.", answering=root)
    await world.settle()
    assert await a.value(sees, a.people["heron"].actor_id, theirs) is True
