"""An author deletes in a group elsewhere, whose server alone tells us, and goes on serving the words."""

from __future__ import annotations

from typing import Any

import pytest

from federation.uris import Uri
from tests.federation.test_groups_elsewhere import Elsewhere, a_group_elsewhere, standing
from tests.federation.world import Server, World

WORDS = "select title || body_text || body_html from posts where uri = $1"


async def a_post_there(world: World) -> tuple[Elsewhere, Server, Uri]:
    """Let wren, on the group's own server, write in it; return the group, the other server, the post."""
    there, b, _ = await a_group_elsewhere(world)
    uri = await there.scene.a.posts("wren", "Words of mine.", to="sleepless", title="Mine")
    await world.settle()
    assert await standing(b, uri) == "visible"
    return there, b, uri


def as_tombstone(uri: Uri) -> dict[str, str]:
    return {"id": uri, "type": "Tombstone", "formerType": "Page"}


@pytest.mark.parametrize("shape", [lambda uri: uri, as_tombstone])
async def test_an_authors_deletion_that_their_own_group_relays_erases_the_words(
    world: World, shape: Any
) -> None:
    there, b, uri = await a_post_there(world)
    wren = there.scene.a.people["wren"].uri
    world.internet.forget()
    await there.says("Delete", shape(uri), by=wren)
    assert await standing(b, uri) == "deleted"
    assert await b.value(WORDS, uri) == ""
    # Its origin still serves it, so asking there would have been no use.
    assert await standing(there.scene.a, uri) == "visible"


async def test_an_authors_deleted_reply_is_erased_as_well(world: World) -> None:
    there, b, uri = await a_post_there(world)
    reply = await there.scene.a.posts("wren", "One thing more.", answering=uri)
    await world.settle()
    await there.says("Delete", reply, by=there.scene.a.people["wren"].uri)
    assert (await standing(b, reply), await b.value(WORDS, reply)) == ("deleted", "")
    assert await standing(b, uri) == "visible"


async def test_a_post_that_was_taken_out_is_erased_when_its_author_deletes_it(world: World) -> None:
    there, b, uri = await a_post_there(world)
    await there.says("Delete", uri, summary="off topic")
    assert await standing(b, uri) == "removed"
    await there.says("Delete", uri, by=there.scene.a.people["wren"].uri)
    assert (await standing(b, uri), await b.value(WORDS, uri)) == ("deleted", "")


async def test_a_moderator_on_the_authors_server_is_not_the_author(world: World) -> None:
    there, b, uri = await a_post_there(world)
    await there.says("Delete", uri)
    assert await standing(b, uri) == "removed"
    assert "Words of mine." in await b.value(WORDS, uri)


async def test_a_group_of_another_server_erases_nothing_in_an_authors_name(world: World) -> None:
    there, b, _ = await a_post_there(world)
    theirs = await there.scene.c.posts("marlow", "Words of marlow.", to="sleepless@a.example", title="Too")
    await world.settle()
    await there.says("Delete", theirs, by=there.scene.c.people["marlow"].uri)
    assert await standing(b, theirs) == "removed"
    assert "Words of marlow." in await b.value(WORDS, theirs)


async def test_an_author_who_thinks_again_gets_the_post_back_from_its_origin(world: World) -> None:
    there, b, uri = await a_post_there(world)
    addresses = "select url || ' ' || context_uri from posts where uri = $1"
    before = await b.value(addresses, uri)
    gone = await there.says("Delete", uri, by=there.scene.a.people["wren"].uri)
    assert await b.value(addresses, uri) is None
    await there.says("Undo", gone, by=there.scene.a.people["wren"].uri)
    assert await standing(b, uri) == "visible"
    assert await b.value(addresses, uri) == before is not None
    assert "Words of mine." in await b.value(WORDS, uri)
