"""Somebody elsewhere blocks one of our people: the two part, and nothing goes there any more."""

from __future__ import annotations

from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.reads import notices
from fediverse_support.reads.posts.windows import Window
from tests.federation.scenes import Scene, hears, three_servers
from tests.federation.test_groups_elsewhere import told
from tests.federation.world import World

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


async def two_who_follow(world: World) -> tuple[Scene, dict[str, Any]]:
    """Let ada and wren follow each other; return the scene and ada's block of wren."""
    scene = await three_servers(world)
    a, b = scene.a, scene.b
    await a.follows("wren", "ada@b.example")
    await b.follows("ada", "wren@a.example")
    await world.settle()
    await a.answers("wren", "ada@b.example", accept=True)
    await b.answers("ada", "wren@a.example", accept=True)
    await world.settle()
    ada, wren = b.people["ada"].uri, a.people["wren"].uri
    world.internet.forget()
    return scene, {"id": f"{ada}/blocks/1", "type": "Block", "actor": ada, "object": wren, "to": [wren]}


async def test_a_block_ends_follows_both_ways_and_tells_nobody(world: World) -> None:
    scene, block = await two_who_follow(world)
    before = await told(scene.a, "wren")
    await hears(scene.a, block)
    assert await scene.a.standing("wren", "ada@b.example") == "severed"
    ada = await scene.a.finds("ada@b.example")
    standing = "select standing from follows where follower_id = $1 and target_id = $2"
    assert await scene.a.value(standing, ada, scene.a.people["wren"].actor_id) == "severed"
    assert {kind for kind, _ in await told(scene.a, "wren")} <= {kind for kind, _ in before}


async def test_nothing_of_ours_goes_to_whoever_blocked_its_author(world: World) -> None:
    scene, block = await two_who_follow(world)
    a = scene.a
    ada = await a.finds("ada@b.example")
    theirs = await scene.b.posts("ada", "Before.")
    await world.settle()
    await hears(a, block)
    world.internet.forget()
    await a.posts("wren", "For you.", audience="direct", mentioned=(ada,))
    await a.posts("wren", "For followers.", audience="followers", mentioned=(ada,))
    await a.posts("wren", "An answer.", answering=theirs)
    await world.settle()
    assert world.internet.deliveries(target="b.example") == []
    by = block["actor"]
    await hears(a, {"id": f"{by}/undo/1", "type": "Undo", "actor": by, "object": block})
    await a.posts("wren", "For you again.", audience="direct", mentioned=(ada,))
    await world.settle()
    assert [c.what for c in world.internet.deliveries(target="b.example")] == ["Create Note"]


async def test_what_waits_for_whoever_blocks_is_not_sent(world: World) -> None:
    scene, block = await two_who_follow(world)
    a = scene.a
    world.internet.dark.add(scene.b.host)
    await a.posts("wren", "For you.", audience="direct", mentioned=(await a.finds("ada@b.example"),))
    await world.settle()
    await hears(a, block)
    assert await a.value("select count(*) from deliveries d join activities x on x.id = d.activity_id"
                         " where x.verb = 'Create'") == 0  # fmt: skip


async def an_inbox_each(scene: Scene) -> None:
    """Let the people of B have an inbox each, and no other."""
    async with scene.a.db.transaction() as tx:
        await tx.execute("update actors set shared_inbox_uri = null where host = 'b.example'")


@pytest.mark.parametrize("runs", ["lemmy", "gotosocial"])
async def test_a_group_passes_nothing_on_by_whom_somebody_blocks_to_their_own_inbox(
    world: World, runs: str
) -> None:
    scene, block = await two_who_follow(world)
    a = scene.a
    await an_inbox_each(scene)
    form = "activity" if runs == "lemmy" else "object"
    async with a.db.transaction() as tx:
        await tx.execute("update peers set announce_class = $1 where host = 'b.example'", form)
    earlier = await a.posts("wren", "From before.", to="sleepless", title="Before")
    await world.settle()
    await hears(a, block)
    world.internet.forget()
    await a.posts("wren", "Words of wren.", to="sleepless", title="Now")
    await a.edits("wren", earlier, "Other words.")
    await a.posts("asha", "Words of asha.", to="sleepless", title="Too")
    await world.settle()
    inbox = block["actor"].removeprefix("https://b.example") + "/inbox"
    came = [c for c in world.internet.deliveries(target="b.example") if c.path == inbox]
    sent = [str(c.document) for c in came]
    asha = await a.value("select uri from posts where title = 'Too'")
    assert sent and all(asha in document for document in sent)
    # That something is gone, everybody is told who has it.
    world.internet.forget()
    await a.deletes("wren", earlier)
    await world.settle()
    assert any("Delete" in str(c.document) for c in world.internet.deliveries(target="b.example"))


async def test_what_a_group_still_has_to_pass_on_by_the_blocked_is_kept_back(world: World) -> None:
    scene, block = await two_who_follow(world)
    a = scene.a
    await an_inbox_each(scene)
    world.internet.dark.add(scene.b.host)
    uri = await a.posts("wren", "Words of wren.", to="sleepless", title="Now")
    await a.posts("asha", "Words of asha.", to="sleepless", title="Too")
    await world.settle()
    owed = "select count(*) from deliveries d join posts p on p.id = d.post_id where p.uri = $1"
    assert await a.value(owed, uri) == 1
    await hears(a, block)
    assert await a.value(owed, uri) == 0
    assert await a.value("select count(*) from deliveries where host = 'b.example'") == 1


@pytest.mark.parametrize("by_id", [False, True])
async def test_a_wish_to_follow_made_under_a_block_ends_with_it(world: World, by_id: bool) -> None:
    scene, block = await two_who_follow(world)
    a, ada = scene.a, block["actor"]
    await hears(a, block)
    await a.follows("wren", "ada@b.example")
    world.internet.forget()
    undone = block["id"] if by_id else block
    await hears(a, {"id": f"{ada}/undo/1", "type": "Undo", "actor": ada, "object": undone})
    await world.settle()
    assert await a.standing("wren", "ada@b.example") == "severed"
    assert world.internet.deliveries("a.example") == []
    await a.follows("wren", "ada@b.example")
    await world.settle()
    assert [c.what for c in world.internet.deliveries("a.example", "b.example")] == ["Follow"]


async def test_a_block_hides_what_its_author_had_told_the_other(world: World) -> None:
    scene, block = await two_who_follow(world)
    a, wren = scene.a, scene.a.people["wren"]
    ada, note = block["actor"], f"{block['actor']}/notes/1"
    await hears(a, {
        "id": f"{note}/create", "type": "Create", "actor": ada, "to": [wren.uri],
        "object": {"id": note, "type": "Note", "attributedTo": ada, "to": [wren.uri], "content": "Hello.",
                   "tag": [{"type": "Mention", "href": wren.uri}]},
    })  # fmt: skip

    async def listed() -> int:
        async with a.db.connection() as conn:
            found = await notices.of_account(
                conn, wren.account_id, wren.actor_id, ["mention", "reply"], Window(limit=20)
            )
        return len(found)

    assert ("mention", "") in await told(a, "wren") and await listed() == 1
    await hears(a, block)
    assert ("mention", "") not in await told(a, "wren") and await listed() == 0


async def test_only_who_blocked_lifts_the_block(world: World) -> None:
    scene, block = await two_who_follow(world)
    await hears(scene.a, block)
    marlow = scene.c.people["marlow"].uri
    theirs = {**block, "id": f"{marlow}/blocks/1", "actor": marlow}
    await hears(scene.a, {"id": f"{marlow}/undo/1", "type": "Undo", "actor": marlow, "object": theirs})
    await hears(scene.a, {"id": f"{marlow}/undo/2", "type": "Undo", "actor": marlow, "object": f"{marlow}/x"})
    assert await scene.a.value("select count(*) from blocks") == 1
    undo = {"id": f"{block['actor']}/undo/9", "type": "Undo", "actor": block["actor"], "object": block["id"]}
    await hears(scene.a, undo)
    assert await scene.a.value("select count(*) from blocks") == 0


async def test_a_block_of_nobody_here_is_kept_nowhere(world: World) -> None:
    scene, block = await two_who_follow(world)
    await hears(scene.a, {**block, "object": Uri(scene.c.people["marlow"].uri)})
    assert await scene.a.value("select count(*) from blocks") == 0
