"""Forged activities: other people's posts, follows and memberships (cases C01 to C14)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.edge import PUBLIC, Peer
from tests.security.support import BASE, BEE, EVE, HONEST, IO, QUIET, Place, actor_with


def theirs(place: Place, **more: Any) -> dict[str, Any]:
    """Return Io's note that we have, with something changed."""
    return {
        "id": place.posts["io"],
        "type": "Note",
        "attributedTo": IO.uri,
        "to": [PUBLIC, place.uris["pub"]],
        "content": "<p>changed</p>",
        "updated": "2030-05-01T13:00:00Z",
        **more,
    }


async def wren_follow(place: Place) -> dict[str, Any]:
    """Return Wren's follow of the group at Io's server, as it was sent."""
    uri = await place.value(
        "select f.uri from follows f join actors t on t.id = f.target_id where t.uri = $1", QUIET.uri
    )
    return {"id": uri, "type": "Follow", "actor": place.uris["wren"], "object": QUIET.uri}


def io_follow(place: Place, group: str = "asks") -> dict[str, Any]:
    """Return Io's follow of a group of ours, as it was sent."""
    return {
        "id": f"{IO.uri}/follows/{group}", "type": "Follow", "actor": IO.uri, "object": place.uris[group],
    }  # fmt: skip


async def test_C01_nobody_edits_anothers_words(place: Place) -> None:
    for changed in (
        theirs(place),
        theirs(place, attributedTo=EVE.uri),
        {**place.note(EVE), "id": place.posts["pub"]},
        {**place.note(EVE), "id": place.posts["pub"], "attributedTo": place.uris["wren"]},
    ):
        await place.dropped(place.act("Update", EVE, changed), EVE)
        # Somebody of Io's own server is not Io either.
        await place.dropped(place.act("Update", BEE, changed), BEE)


async def test_C02_nobody_deletes_anothers_words(place: Place) -> None:
    for thing in (place.posts["io"], place.posts["pub"], place.posts["room"], IO.uri, place.uris["wren"]):
        for shape in (thing, {"id": thing, "type": "Tombstone"}, {"id": thing, "type": "Note"}):
            await place.dropped(place.act("Delete", EVE, shape), EVE)
        await place.dropped(place.act("Delete", BEE, thing), BEE)
    # Nor do they become "deleted before": a later edit by the author still counts.
    edit = place.act("Update", IO, theirs(place))
    assert (await place.deliver(edit, IO)).status == 202
    stored = await place.post_of(place.posts["io"])
    assert stored is not None and "changed" in stored["body_html"]


async def test_C03_a_second_create_widens_nothing(place: Place) -> None:
    followers = place.create(IO, group=None, to=[f"{IO.uri}/followers", place.uris["wren"]])
    followers["object"]["tag"] = [{"type": "Mention", "href": place.uris["wren"]}]
    await place.deliver(followers, IO)
    private = await place.post_of(followers["object"]["id"])
    assert private is not None and private["audience"] == "followers"
    wider = {**followers["object"], "to": [PUBLIC], "cc": [place.uris["pub"]]}
    for peer in (EVE, BEE, IO):
        # For our server a private note is "not found" at its origin; that does not make it deleted here.
        await place.dropped(place.act("Create", peer, wider), peer)
        await place.dropped(place.act("Create", peer, wider["id"]), peer)
        await place.dropped(place.act("Update", peer, {**wider, "attributedTo": peer.uri}), EVE)
    # A note of Eve's that points into a closed group brings nothing of it to light.
    for name in ("circle", "room", "followers"):
        reply = place.create(EVE, inReplyTo=place.posts[name], quote=place.posts[name])
        await place.dropped(reply, EVE)
    assert (await place.get(place.posts["circle"], EVE)).status == 404


async def test_C05_an_older_edit_changes_nothing(place: Place) -> None:
    newer = theirs(place, content="<p>newest</p>", updated="2030-05-01T11:59:50Z")
    older = theirs(place, content="<p>older</p>", updated="2030-05-01T11:59:20Z")
    assert (await place.deliver(place.act("Update", IO, newer), IO)).status == 202
    stored = await place.post_of(place.posts["io"])
    assert stored is not None and "newest" in stored["body_html"]
    await place.dropped(place.act("Update", IO, older), IO)


async def test_C06_nobody_takes_back_what_another_did(place: Place) -> None:
    like = place.act("Like", IO, place.posts["pub"])
    announce = place.act("Announce", IO, place.posts["pub"])
    for done in (like, announce):
        assert (await place.deliver(done, IO)).status == 202
    assert await place.value("select count(*) from reactions") == 1
    follow = io_follow(place, "pub")
    block = {"id": f"{IO.uri}/blocks/1", "type": "Block", "actor": IO.uri, "object": EVE.uri}
    for done in (like, announce, follow, block):
        for shape in (done, {**done, "actor": EVE.uri}, done["id"], {"id": done["id"]}):
            await place.dropped(place.act("Undo", EVE, shape), EVE)
            await place.dropped(place.act("Undo", BEE, shape), BEE)
    assert await place.standing(IO.uri, place.uris["pub"]) == "accepted"


async def test_C07_several_things_are_not_undone_at_once(place: Place) -> None:
    likes = [place.act("Like", peer, place.posts["pub"]) for peer in (IO, EVE)]
    for like, peer in zip(likes, (IO, EVE), strict=True):
        await place.deliver(like, peer)
    assert await place.value("select count(*) from reactions") == 2
    await place.dropped(place.act("Undo", EVE, [like["id"] for like in likes]), EVE)
    await place.dropped(place.act("Undo", EVE, likes), EVE)
    await place.dropped(place.act("Undo", EVE, [likes[1], likes[0]["id"]]), EVE)


async def test_C08_an_unasked_accept_makes_nobody_a_member(place: Place) -> None:
    await place.deliver(place.create(EVE), EVE)
    follow = {"id": f"{EVE.uri}/follows/1", "type": "Follow", "actor": EVE.uri}
    for group in ("pub", "asks", "circle", "room"):
        wish = {**follow, "object": place.uris[group]}
        for shape in (wish, wish["id"], {**wish, "actor": place.uris["marlow"]}):
            await place.dropped(place.act("Accept", EVE, shape), EVE)
    for invented in (
        {**follow, "actor": place.uris["marlow"], "object": EVE.uri},
        f"{BASE}/ap/a/{'x' * 26}",
        place.posts["pub"],
    ):
        await place.dropped(place.act("Accept", EVE, invented), EVE)


async def test_C09_only_the_one_followed_says_yes(place: Place) -> None:
    follow = await wren_follow(place)
    for shape in (follow, follow["id"]):
        await place.dropped(place.act("Accept", EVE, shape), EVE)
        await place.dropped({**place.act("Accept", EVE, shape), "actor": QUIET.uri}, EVE, 401)
        for neighbour in (IO, HONEST):
            await place.dropped(place.act("Accept", neighbour, shape), neighbour)
    assert await place.standing(place.uris["wren"], QUIET.uri) == "pending"
    assert (await place.deliver(place.act("Accept", QUIET, follow), QUIET)).status == 202
    assert await place.standing(place.uris["wren"], QUIET.uri) == "accepted"


async def test_C10_nobody_lets_themselves_in(place: Place) -> None:
    follow = io_follow(place)
    for shape in (follow, follow["id"], {**follow, "object": IO.uri}):
        await place.dropped(place.act("Accept", IO, shape), IO)
        await place.dropped({**place.act("Accept", IO, shape), "actor": place.uris["asks"]}, IO, 401)
    # Asking again, or for somebody else, is not being let in either.
    await place.dropped({**follow, "@context": "https://www.w3.org/ns/activitystreams"}, IO)
    await place.dropped(place.act("Join", IO, place.uris["asks"]), IO)
    await place.dropped(
        {**place.act("Follow", IO, place.uris["asks"]), "actor": place.uris["marlow"]}, IO, 401
    )
    for closed in ("circle", "room"):
        await place.dropped(place.act("Follow", IO, place.uris[closed]), IO)
    assert await place.standing(IO.uri, place.uris["asks"]) == "pending"


async def test_C11_only_the_one_followed_says_no(place: Place) -> None:
    follow = await wren_follow(place)
    for shape in (follow, follow["id"]):
        await place.dropped(place.act("Reject", EVE, shape), EVE)
        await place.dropped(place.act("Reject", IO, shape), IO)
    for shape in (io_follow(place, "pub"), io_follow(place, "pub")["id"]):
        await place.dropped(place.act("Reject", EVE, shape), EVE)
    post = {"type": "Create", "id": f"{IO.uri}/c", "actor": IO.uri, "object": place.posts["io"]}
    for shape in (post, place.posts["io"], place.posts["pub"]):
        await place.dropped(place.act("Reject", EVE, shape), EVE)
        await place.dropped(place.act("Reject", QUIET, shape), QUIET)


async def test_C12_C13_C14_moving_house_moves_nobodys_membership(place: Place) -> None:
    new = actor_with(EVE, alsoKnownAs=[IO.uri])
    for target in (BEE.uri, EVE.uri, place.uris["wren"], IO.uri):
        for origin, signer in ((IO, IO), (IO, EVE), (EVE, EVE), (BEE, BEE)):
            await place.dropped(place.act("Move", signer, origin.uri, target=target), signer)
    place.internet.serve(EVE.uri, new)
    place.internet.serve(IO.uri, actor_with(IO, movedTo=EVE.uri))
    await place.dropped(place.act("Move", IO, IO.uri, target=EVE.uri), IO)
    place.clock.pass_by(hours=2)
    await place.deliver(place.act("Update", IO, actor_with(IO, movedTo=EVE.uri)), IO)
    for group in ("pub", "asks"):
        assert await place.standing(EVE.uri, place.uris[group]) is None
    assert await place.standing(IO.uri, place.uris["pub"]) == "accepted"


@pytest.mark.parametrize("peer", [EVE, BEE], ids=["another server", "the same server"])
async def test_C06_an_id_alone_takes_back_only_ones_own(place: Place, peer: Peer) -> None:

    assert (
        await place.deliver(place.act("Like", IO, place.posts["pub"], id=f"{IO.uri}#like"), IO)
    ).status == 202
    await place.dropped(place.act("Undo", peer, f"{IO.uri}#like"), peer)
    assert await place.value("select count(*) from reactions") == 1
