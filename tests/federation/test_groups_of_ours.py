"""What our own moderators decide: the group says it to other servers, through the pipeline like all else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.actions.moderation import deciding, moderating
from fediverse_support.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.federation.scenes import GROUP, Scene, hears, three_servers
from tests.federation.test_groups_elsewhere import told
from tests.federation.world import World

ACTED = "select verb from activities where actor_uri = $1"


async def group_of(scene: Scene) -> Uri:
    return Uri(await scene.a.value("select uri from actors where id = $1", scene.a.groups["sleepless"]))


def relayed(world: World, verb: str, target: str = "c.example") -> list[dict[str, Any]]:
    """Return what A's group relayed of this verb."""
    found = (crossing.document for crossing in world.internet.deliveries("a.example", target))
    return [d["object"] for d in found if d["type"] == "Announce" and d["object"]["type"] == verb]


async def test_a_removal_is_said_by_the_group_with_the_words_for_everybody(world: World) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    a, group = scene.a, await group_of(scene)
    uri = await a.posts("wren", "Something unkind.", to="sleepless", title="One")
    await world.settle()
    world.internet.forget()
    await moderating.remove_post(
        a.db, a.deps.instance, a.people["asha"], await a.row_of(uri), "third time", told="Please be kind."
    )
    await world.settle()
    assert [(d["actor"], d["summary"]) for d in relayed(world, "Delete")] == [(group, "Please be kind.")]
    assert await told(a, "wren") == [("removed", "Please be kind.")]
    kept = await a.value("select reason from mod_actions order by id desc limit 1")
    assert kept == "third time"
    for crossing in world.internet.deliveries("a.example"):
        assert a.people["asha"].uri.encode() not in crossing.body
        assert b"third time" not in crossing.body
    # Of her own she did one thing: she joined the group.
    assert [row["verb"] for row in await a.rows(ACTED, a.people["asha"].uri)] == ["Follow"]


async def test_a_removal_without_words_says_that_moderators_did_it(world: World) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    a = scene.a
    uri = await a.posts("wren", "Something unkind.", to="sleepless", title="One")
    await world.settle()
    await moderating.remove_post(a.db, a.deps.instance, a.people["asha"], await a.row_of(uri))
    await world.settle()
    assert [d["summary"] for d in relayed(world, "Delete")] == ["removed by moderators"]
    assert await told(a, "wren") == [("removed", "")]


async def test_a_reason_for_everybody_is_bounded(world: World) -> None:
    a = await world.server("a.example")
    await a.a_group("sleepless")
    uri = await a.posts("asha", "Mine.", to="sleepless", title="One")
    with pytest.raises(Invalid):
        await moderating.remove_post(
            a.db, a.deps.instance, a.people["asha"], await a.row_of(uri), told="long " * 200
        )


async def test_a_moderators_own_post_that_they_take_down_is_gone_everywhere(world: World) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    a = scene.a
    await scene.b.follows("ada", "asha@a.example")
    uri = await a.posts("asha", "Said in anger.", to="sleepless", title="One")
    await world.settle()
    await moderating.remove_post(a.db, a.deps.instance, a.people["asha"], await a.row_of(uri))
    await world.settle()
    for server in scene.everyone:
        row = await server.value("select can_see(p, null) from posts p where uri = $1", uri)
        assert row is False, server.host


async def test_what_our_team_takes_out_of_a_group_elsewhere_names_nobody(world: World) -> None:
    scene = await three_servers(world)
    b = scene.b
    await b.a_person("tom", "admin")
    uri = await b.posts("ada", "Something unkind.", to=GROUP, title="One")
    await world.settle()
    await moderating.remove_post(b.db, b.deps.instance, b.people["tom"], await b.row_of(uri))
    assert await b.value("select standing from posts where uri = $1", uri) == "removed"
    assert await b.value("select count(*) from activities where actor_uri = $1", b.people["tom"].uri) == 0
    # It is not the group that decided, so the group does not let it appear again.
    assert await b.value("select by_id from removals") is None


async def test_a_ban_goes_round_only_about_whoever_wrote_for_everybody(world: World) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    a, group = scene.a, await group_of(scene)
    ada, marlow = await a.finds("ada@b.example"), await a.finds("marlow@c.example")
    await scene.b.posts("ada", "Something unkind.", to=GROUP, title="One")
    await world.settle()
    world.internet.forget()
    ends = world.clock.at + timedelta(days=3)
    for actor in (ada, marlow):
        await deciding.ban(
            a.db, a.deps.instance, a.people["asha"], a.groups["sleepless"], actor, "advert", told="A rest.",
            ends_at=ends,
        )  # fmt: skip
    await world.settle()
    (block,) = relayed(world, "Block")
    assert (block["actor"], block["object"], block["target"]) == (group, scene.b.people["ada"].uri, group)
    assert block["summary"] == "A rest." and block["endTime"].startswith(ends.strftime("%Y-%m-%d"))
    # Both hear that they are no members any more; ada reads until when, and is refused at home.
    assert await scene.b.standing("ada", GROUP) == await scene.c.standing("marlow", GROUP) == "rejected"
    assert ("banned", "A rest.") in await told(scene.b)
    with pytest.raises(NotAllowed):
        await scene.b.posts("ada", "Me again.", to=GROUP, title="Two")
    for crossing in world.internet.deliveries("a.example"):
        assert a.people["asha"].uri.encode() not in crossing.body


async def test_a_ban_by_our_group_is_over_when_it_ends_or_is_lifted(world: World) -> None:
    scene = await three_servers(world)
    a, asha, number = scene.a, scene.a.people["asha"], scene.a.groups["sleepless"]
    wren = a.people["wren"].actor_id
    await deciding.ban(a.db, a.deps.instance, asha, number, wren, ends_at=world.clock.at + timedelta(days=1))
    with pytest.raises(NotAllowed):
        await a.posts("wren", "Me again.", to="sleepless", title="One")
    world.clock.pass_by(days=1)
    assert await a.follows("wren", "sleepless") == "accepted"
    await deciding.ban(a.db, a.deps.instance, asha, number, wren)
    await deciding.unban(a.db, a.deps.instance, asha, number, wren)
    assert await a.follows("wren", "sleepless") == "accepted"
    with pytest.raises(NotFound):
        await deciding.unban(a.db, a.deps.instance, asha, number, wren)


async def test_a_conversation_that_our_moderators_pause_takes_no_replies_from_anywhere(world: World) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    a, b, group = scene.a, scene.b, await group_of(scene)
    uri = await a.posts("wren", "Root.", to="sleepless", title="One")
    await world.settle()
    world.internet.forget()
    root = await a.row_of(uri)
    with pytest.raises(NotFound):
        await deciding.pause(a.db, a.deps.instance, a.people["wren"], root)
    await deciding.pause(a.db, a.deps.instance, a.people["asha"], root, told="Until tomorrow.")
    with pytest.raises(Conflict):
        await deciding.pause(a.db, a.deps.instance, a.people["asha"], root)
    answer = await b.posts("ada", "Sent before I knew.", answering=uri)
    await world.settle()
    assert await a.texts(GROUP) == ["Root."]
    assert await a.value("select count(*) from posts where uri = $1", answer) == 0
    assert [(d["actor"], d["summary"]) for d in relayed(world, "Lock")] == [(group, "Until tomorrow.")]
    assert await told(a, "wren") == [("locked", "Until tomorrow.")]
    await deciding.go_on(a.db, a.deps.instance, a.people["asha"], root)
    await world.settle()
    await b.posts("ada", "Thank you.", answering=uri)
    await world.settle()
    assert await a.texts(GROUP) == ["Root.", "Thank you."]


async def test_a_moderator_elsewhere_lets_a_post_of_our_group_back_and_it_is_relayed(world: World) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    a, group, ada = scene.a, await group_of(scene), scene.b.people["ada"].uri
    uri = await a.posts("wren", "Not so unkind.", to="sleepless", title="One")
    await world.settle()
    async with a.db.transaction() as tx:
        await tx.execute(
            "insert into group_moderators (group_id, actor_id, since_at)"
            " select $1, id, created_at from actors where uri = $2", a.groups["sleepless"], ada,
        )  # fmt: skip
    await moderating.remove_post(a.db, a.deps.instance, a.people["asha"], await a.row_of(uri))
    await world.settle()
    world.internet.forget()
    public = "https://www.w3.org/ns/activitystreams#Public"
    gone = {"id": f"{group}/deletes/1", "type": "Delete", "actor": group, "object": uri, "to": [public]}
    undo = {"id": f"{ada}/undo/1", "type": "Undo", "actor": ada, "object": gone, "to": [public]}
    await hears(a, undo)
    await world.settle()
    assert await a.texts(GROUP) == ["Not so unkind."]
    assert [d["id"] for d in relayed(world, "Undo")] == [undo["id"]]
    assert ("restored", "") in await told(a, "wren")
