"""What is deleted is gone: no table of any server keeps a word of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from federation.uris import Uri
from federation.vocab import PUBLIC
from fediverse_support.actions.moderation import moderating
from fediverse_support.workers.errands import housekeeping
from tests.federation.scenes import GROUP, Scene, hears, three_servers
from tests.federation.world import Server, World

FIRST, SECOND = "quietmarlinphrase", "loudheronphrase"


async def keepers(server: Server, *words: str) -> list[str]:
    """Return every row of every table, as text, that has one of these words in it."""
    found = []
    for row in await server.rows("select tablename from pg_tables where schemaname = 'public'"):
        table = row["tablename"]
        rows = await server.rows(f'select t::text as line from "{table}" t')
        found += [
            f"{server.host} {table}: {each['line'][:200]}"
            for each in rows
            if any(word in each["line"] for word in words)
        ]
    return found


async def everywhere(scene: Scene) -> list[str]:
    return [line for server in scene.everyone for line in await keepers(server, FIRST, SECOND)]


@pytest.mark.parametrize("undo_for", [timedelta(), timedelta(minutes=10)])
async def test_our_own_post_its_edit_and_its_deletion_leave_no_word(
    world: World, undo_for: timedelta
) -> None:
    scene = await three_servers(world, c_runs="mastodon", undo_for=undo_for)
    a = scene.a
    uri = await a.posts("wren", f"**{FIRST}** for @asha", to="sleepless", title=FIRST, warning=FIRST)
    answer = await a.posts("wren", f"Below: {FIRST}", answering=uri)
    await world.settle()
    world.clock.pass_by(minutes=1)
    await a.edits("wren", uri, SECOND, title=SECOND, warning=SECOND)
    await world.wait(hours=1)
    assert await everywhere(scene) != []
    for each in (uri, answer):
        await a.deletes("wren", each)
    await world.wait(hours=1)
    assert await everywhere(scene) == []


async def kept_by(scene: Scene) -> list[str]:
    """Return what keeps the first words, apart from what moderators have of an edited post."""
    found = [line for server in scene.everyone for line in await keepers(server, FIRST)]
    return [line.split(":")[0] for line in found if " post_edits:" not in line]


@pytest.mark.parametrize("writer", ["ours", "theirs"])
async def test_words_that_were_edited_away_are_kept_for_moderators_alone(world: World, writer: str) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    server, name = (scene.a, "wren") if writer == "ours" else (scene.b, "ada")
    uri = await server.posts(name, FIRST, to=GROUP, title="One")
    await world.settle()
    for words in ("Other words.", SECOND):
        world.clock.pass_by(minutes=1)
        await server.edits(name, uri, words, title="One")
        await world.settle()
    assert await kept_by(scene) != []
    for each in scene.everyone:
        await housekeeping.step(each.deps)
    assert await kept_by(scene) == []
    assert any(" activities:" in line for line in await everywhere(scene)), "the last words are still told"


async def test_words_that_somebody_is_still_owed_are_kept_until_they_have_them(world: World) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    world.internet.dark.add(scene.c.host)
    uri = await scene.a.posts("wren", FIRST, to="sleepless", title="One")
    await world.settle()
    world.clock.pass_by(minutes=1)
    await scene.a.edits("wren", uri, SECOND, title="One")
    await world.settle()
    await housekeeping.step(scene.a.deps)
    world.internet.dark.clear()
    await world.calm(days=1)
    assert (await scene.c.texts(GROUP)) == [SECOND]
    await housekeeping.step(scene.a.deps)
    assert await kept_by(scene) == []


async def test_a_post_taken_back_in_time_leaves_no_word(world: World) -> None:
    scene = await three_servers(world, undo_for=timedelta(minutes=10))
    uri = await scene.a.posts("wren", FIRST, to="sleepless", title=FIRST)
    await scene.a.edits("wren", uri, SECOND, title=SECOND)
    await scene.a.deletes("wren", uri)
    assert await everywhere(scene) == []
    await world.wait(hours=1)
    assert await everywhere(scene) == []


async def test_a_post_from_elsewhere_its_edit_and_its_deletion_leave_no_word(world: World) -> None:
    scene = await three_servers(world)
    uri = await scene.b.posts("ada", FIRST, to=GROUP, title=FIRST, warning=FIRST)
    await world.settle()
    world.clock.pass_by(minutes=1)
    await scene.b.edits("ada", uri, SECOND, title=SECOND)
    await world.settle()
    assert len({line.split()[0] for line in await everywhere(scene)}) == 3
    await scene.b.deletes("ada", uri)
    await world.settle()
    assert await everywhere(scene) == []


async def test_a_post_that_waited_leaves_no_word(world: World) -> None:
    scene = await three_servers(world)
    await scene.a.rules("b.example", "hold")
    uri = await scene.b.posts("ada", FIRST, to=GROUP, title=FIRST)
    await world.settle()
    world.clock.pass_by(minutes=1)
    await scene.b.edits("ada", uri, SECOND, title=SECOND)
    await world.settle()
    await scene.b.deletes("ada", uri)
    await world.settle()
    assert await everywhere(scene) == []


async def test_what_a_refused_post_was_kept_for_is_forgotten(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    await a.rules("b.example", "hold")
    uri = await scene.b.posts("ada", FIRST, to=GROUP, title=FIRST)
    await world.settle()
    await moderating.refuse_post(a.db, a.deps.instance, a.people["asha"], await a.row_of(uri))
    assert {line.split()[1] for line in await keepers(a, FIRST)} == {"posts:"}


async def test_what_somebody_wrote_and_liked_goes_with_them(world: World) -> None:
    scene = await three_servers(world)
    a, ada = scene.a, scene.b.people["ada"].uri
    ours = await a.posts("wren", "Ours.", to="sleepless", title="One")
    await scene.b.posts("ada", FIRST, to=GROUP, title=FIRST)
    await world.settle()
    await hears(a, {"id": f"{ada}/like", "type": "Like", "actor": ada, "object": ours})
    assert await a.value("select count(*) from reactions") == 1
    await hears(a, {"id": f"{ada}#gone", "type": "Delete", "actor": ada, "object": ada})
    assert await keepers(a, FIRST) == []
    assert await a.value("select count(*) from reactions") == 0


def telling(ada: Uri, uri: str, words: str) -> dict[str, Any]:
    """Return a post of ada's in the group with words in every field that can hold some, its addresses too."""
    page = f"https://b.example/topic/{words}"
    return {
        "id": uri,
        "type": "Page",
        "attributedTo": ada,
        "name": words,
        "nameMap": {"en": words},
        "summary": words,
        "summaryMap": {"en": words},
        "content": f'<p>{words} <a href="{page}">{words}</a></p>',
        "contentMap": {"en": words},
        "source": {"content": words, "mediaType": "text/markdown"},
        "mediaType": "text/html",
        "sensitive": True,
        "url": [{"type": "Link", "href": page, "mediaType": "text/html"}],
        "context": f"{page}/context",
        "conversation": f"{page}/conversation",
        "replies": f"{page}/replies",
        "attachment": [
            {"type": "Image", "name": words, "summary": words, "url": f"{page}.png"},
            {"type": "Link", "href": page, "name": words},
        ],
        "image": {"type": "Image", "name": words, "url": f"{page}.png"},
        "preview": {"type": "Note", "content": words},
        "location": {"type": "Place", "name": words},
        "tag": [{"type": "Hashtag", "name": f"#{words}", "href": f"https://b.example/tag/{words}"}],
        "published": "2026-01-01T00:00:00Z",
        "to": [PUBLIC],
        "cc": ["https://a.example/@sleepless"],
    }


@pytest.mark.parametrize(
    "way", ["their word", "with a moderator first", "goodbye", "while it waits", "gone there"]
)
async def test_nothing_of_a_post_from_elsewhere_outlives_it_its_address_neither(
    world: World, way: str
) -> None:
    scene = await three_servers(world)
    a, ada = scene.a, scene.b.people["ada"].uri
    uri = f"{ada}/posts/1"
    if way == "while it waits":
        await a.rules("b.example", "hold")
    post = telling(ada, uri, FIRST)
    group = await a.value("select uri from actors where name = 'sleepless'")
    post |= {"audience": group, "cc": [group]}
    await hears(a, {"id": f"{uri}/create", "type": "Create", "actor": ada, "object": post, "to": post["to"]})
    await world.settle()
    assert FIRST in await a.value("select url || context_uri from posts where uri = $1", uri)
    if way == "with a moderator first":
        row = await a.row_of(Uri(uri))
        await moderating.remove_post(a.db, a.deps.instance, a.people["asha"], row, reason="Not here.")
    what = ada if way == "goodbye" else uri
    if way == "gone there":
        await a.deps.remote.forget(Uri(uri))
    else:
        await hears(a, {"id": f"{ada}#gone", "type": "Delete", "actor": ada, "object": what})
    await world.settle()
    assert await keepers(a, FIRST) == []
