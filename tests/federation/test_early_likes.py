"""A like that comes before its post waits for it, for a while."""

from __future__ import annotations

from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.store.exchange import outgoing, queues
from tests.federation.scenes import hears, three_servers
from tests.federation.world import World

LIKES = "select count(*) from reactions"
WAITING = "select count(*) from receipts where standing = 'waiting'"
POST = "https://c.example/ap/o/later"


async def start(world: World) -> Any:
    scene = await three_servers(world)
    ada, marlow = scene.b.people["ada"].uri, scene.c.people["marlow"].uri
    group = await scene.a.value("select uri from actors where name = 'sleepless'")
    like = {"id": "https://b.example/ap/a/like", "type": "Like", "actor": ada, "object": POST, "to": [group]}
    post = {
        "id": "https://c.example/ap/a/make", "type": "Create", "actor": marlow,
        "to": ["https://www.w3.org/ns/activitystreams#Public", group],
        "object": {
            "id": POST, "type": "Note", "attributedTo": marlow, "content": "Late.", "audience": group,
            "to": ["https://www.w3.org/ns/activitystreams#Public", group],
        },
    }  # fmt: skip
    return scene, like, post


async def test_a_like_that_comes_before_its_post_is_kept(world: World) -> None:
    scene, like, post = await start(world)
    await hears(scene.a, like)
    assert await scene.a.value(WAITING) == 1
    await hears(scene.a, post)
    await world.wait(minutes=10)
    assert await scene.a.value(LIKES) == 1
    assert await scene.a.value(WAITING) == 0


async def test_one_taken_back_while_it_waits_does_not_count(world: World) -> None:
    scene, like, post = await start(world)
    await hears(scene.a, like)
    await hears(
        scene.a, {"id": "https://b.example/ap/a/undo", "type": "Undo", "actor": like["actor"], "object": like}
    )
    await hears(scene.a, post)
    await world.wait(hours=13)
    assert await scene.a.value(LIKES) == 0
    assert await scene.a.value(WAITING) == 0


@pytest.mark.parametrize("change", [{"to": []}, {"id": None}, {"object": "https://a.example/ap/o/never"}])
async def test_what_cannot_come_is_not_waited_for(world: World, change: dict[str, Any]) -> None:
    scene, like, _ = await start(world)
    like = {key: value for key, value in (like | change).items() if value is not None}
    await hears(scene.a, {"id": "https://b.example/x"} | like) if "id" in like else None
    assert await scene.a.value(WAITING) == 0


async def test_it_does_not_wait_for_ever(world: World) -> None:
    scene, like, _ = await start(world)
    await hears(scene.a, like)
    await world.wait(hours=30)
    assert await scene.a.value(WAITING) == 0
    assert await scene.a.value("select count(*) from decisions where 'target_unknown' = any (reasons)") == 1


async def test_a_member_is_waited_for_near_their_own_home_and_a_stranger_is_not(world: World) -> None:
    scene, like, _ = await start(world)
    near = {**like, "to": [], "object": "https://b.example/ap/o/later"}
    stranger = await scene.b.a_person("bracken")
    await hears(scene.a, {**near, "id": "https://b.example/x", "actor": stranger.uri})
    assert await scene.a.value(WAITING) == 0
    assert await scene.a.value("select count(*) from decisions where 'target_unknown' = any (reasons)") == 1
    await hears(scene.a, near)
    assert await scene.a.value(WAITING) == 1


async def test_what_is_erased_while_it_waits_is_not_tried_again(world: World) -> None:
    scene, like, _ = await start(world)
    await hears(scene.a, like)
    async with scene.a.db.transaction() as tx:
        # As a group's relay of the same like would log it.
        await tx.execute(
            "insert into activities (uri, actor_uri, verb, object_uri, direction, created_at)"
            " values ($1, $2, 'Like', $3, 'in', $4)",
            like["id"], like["actor"], POST, scene.a.db.now(),
        )  # fmt: skip
        await outgoing.erase_documents(tx, [Uri(POST)])
    assert await scene.a.value(WAITING) == 0
    async with scene.a.db.transaction() as tx:
        await queues.retry_all(tx, None, scene.a.db.now())
    assert await scene.a.value(WAITING) == 0


async def test_what_is_erased_is_owed_to_nobody(world: World) -> None:
    scene, _, _ = await start(world)
    world.internet.dark |= {scene.b.host, scene.c.host}
    uri = await scene.a.posts("wren", "Taken back.", to="sleepless", title="One")
    async with scene.a.db.transaction() as tx:
        await outgoing.erase_documents(tx, [uri])
    assert await scene.a.value("select count(*) from deliveries") == 0
