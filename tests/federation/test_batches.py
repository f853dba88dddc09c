"""Deliveries that are applied together: each counts as if it had come alone, in its turn."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from federation import uris
from federation.uris import Uri
from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.domain.ids import fresh_token
from fediverse_support.reads.exchange import explain
from fediverse_support.store import facts
from fediverse_support.workers import receive
from tests.federation.scenes import GROUP, Scene, three_servers
from tests.federation.world import Server, World

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
THREAD = """
select p.standing, p.group_id is not null, r.uri, q.uri
from posts p join posts r on r.id = p.root_id left join posts q on q.id = p.parent_id where p.uri = $1
"""


async def place(server: Server, uri: str) -> tuple[Any, ...]:
    """Return standing, whether it is in a group, root and parent of a post."""
    [row] = await server.rows(THREAD, uri)
    return tuple(row)


async def group_uri(scene: Scene) -> str:
    return str(await scene.a.value("select uri from actors where name = 'sleepless'"))


def create(author: str, group: str, name: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    origin = uris.origin(author)
    post = {
        "id": f"{origin}/o/{name}", "type": "Note", "attributedTo": author, "content": f"<p>{name}</p>",
        "to": [group, PUBLIC], "audience": group, "inReplyTo": parent, **more,
    }  # fmt: skip
    act = {"type": "Create", "actor": author, "to": [group, PUBLIC], "object": post}
    return {"id": f"{origin}/a/{fresh_token()}", **act}


async def hears_together(server: Server, *documents: dict[str, Any]) -> None:
    """Let a server apply activities of one host as one batch."""
    intake = Intake(server.db, server.deps.instance)
    for document in documents:
        signer = Uri(document["actor"])
        body = json.dumps({"@context": "https://www.w3.org/ns/activitystreams", **document}).encode()
        await intake.accept(
            uri=Uri(document["id"]), host=uris.host(signer), signer=signer, body=body, digest=None
        )
    while await receive.step(server.deps):
        pass


async def test_a_whole_conversation_in_one_batch(world: World) -> None:
    scene = await three_servers(world)
    ada, group = scene.b.people["ada"].uri, await group_uri(scene)
    one, two, three = (f"https://b.example/o/{name}" for name in ("one", "two", "three"))
    await hears_together(
        scene.a,
        create(ada, group, "one"),
        create(ada, group, "other"),
        create(ada, group, "two", one),
        create(ada, group, "three", two),
        {"id": "https://b.example/a/like", "type": "Like", "actor": ada, "object": three},
        {"id": "https://b.example/a/gone", "type": "Delete", "actor": ada, "object": "https://b.example/o/other"},
        create(ada, group, "late"),
    )  # fmt: skip
    assert await place(scene.a, two) == ("visible", True, one, one)
    assert await place(scene.a, three) == ("visible", True, one, two)
    assert await scene.a.value("select count(*) from reactions") == 1
    assert await scene.a.value("select standing from posts where uri like '%/other'") == "deleted"
    assert await scene.a.value("select standing from posts where uri like '%/late'") == "visible"
    assert await scene.a.value("select count(*) from announces where undone_at is null") == 4


async def test_replies_that_waited_for_a_post_of_the_batch(world: World) -> None:
    scene = await three_servers(world)
    ada, marlow, group = scene.b.people["ada"].uri, scene.c.people["marlow"].uri, await group_uri(scene)
    root, waiting = "https://b.example/o/root", "https://c.example/o/waiting"
    await hears_together(scene.a, create(marlow, group, "waiting", root))
    assert (await place(scene.a, waiting))[2:] == (waiting, None)
    await hears_together(scene.a, create(ada, group, "root"), create(ada, group, "behind", waiting))
    assert (await place(scene.a, waiting))[2:] == (root, root)
    assert (await place(scene.a, "https://b.example/o/behind"))[2:] == (root, waiting)


async def test_the_same_post_twice_in_a_batch_is_one_post_and_goes_round_once(world: World) -> None:
    scene = await three_servers(world)
    ada, group = scene.b.people["ada"].uri, await group_uri(scene)
    await hears_together(
        scene.a, create(ada, group, "one"), create(ada, group, "two"), create(ada, group, "one")
    )
    assert await scene.a.value("select count(*) from posts") == 2
    assert await scene.a.value("select count(*) from announces") == 2
    assert await scene.a.value("select count(*) from decisions where verb = 'Create'") == 3


async def test_a_newcomers_first_posts_wait_however_many_come_together(world: World) -> None:
    scene = await three_servers(world, newcomer_posts_held=2)
    ada, group = scene.b.people["ada"].uri, await group_uri(scene)
    await hears_together(scene.a, *(create(ada, group, str(number)) for number in range(4)))
    assert [row[0] for row in await scene.a.rows("select standing from posts")] == ["held"] * 4
    assert await scene.a.value("select count(*) from announces") == 0


async def test_one_that_cannot_be_applied_does_not_hurt_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await three_servers(world)
    ada, group = scene.b.people["ada"].uri, await group_uri(scene)
    insert = facts.load_all

    async def faulty(*given: Any) -> Any:
        raise asyncpg.DataError("as if one of them could not be stored")

    monkeypatch.setattr(facts, "load_all", faulty)
    await hears_together(scene.a, create(ada, group, "one"), create(ada, group, "two"))
    monkeypatch.setattr(facts, "load_all", insert)
    assert await scene.a.value("select count(*) from posts") == 2
    assert await scene.a.value("select count(*) from receipts where standing = 'waiting'") == 0


async def test_what_is_suspended_while_a_batch_is_applied_does_not_go_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await three_servers(world)
    ada, group = scene.b.people["ada"].uri, await group_uri(scene)
    load = facts.load_all

    async def then_suspended(*given: Any) -> Any:
        loaded = await load(*given)
        await scene.a.rules("b.example", "suspend")
        return loaded

    monkeypatch.setattr(facts, "load_all", then_suspended)
    await hears_together(scene.a, create(ada, group, "one"), create(ada, group, "two"))
    assert await scene.a.value("select count(*) from activities where verb = 'Announce'") == 0
    assert await scene.a.texts("sleepless") == []
    await world.settle()
    assert await scene.c.texts(GROUP) == []


async def test_the_way_of_a_post_is_told_to_its_end(world: World) -> None:
    scene = await three_servers(world)
    uri = await scene.a.posts("wren", "Good morning.", to="sleepless", title="One")
    await world.settle()
    async with scene.a.db.connection() as conn:
        told = await explain.explain(conn, uri)
    assert {arrival.host for arrival in told.arrivals} == {"b.example", "c.example"}
    assert told.deliveries == ()
    [decision] = told.decisions
    assert decision.facts is not None
    assert (decision.facts["verb"], decision.facts["is_local"]) == ("Create", True)
    assert "Good morning" not in json.dumps(decision.facts)
