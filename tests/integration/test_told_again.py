"""What comes again under an id that is known, and what names an earlier activity without its id.

Some servers have one Follow id for a pair of people, and one Update id for all edits of a post; old ones
leave the id of what they answer or undo away. Deliveries are signed and go the whole way.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.actions.moderation import moderating
from fediverse_support.actions.people import following
from fediverse_support.db.pool import Db
from fediverse_support.domain.ids import ActorId, PostId
from tests.conftest import Clock
from tests.integration.edge import Peer
from tests.security.conftest import quick_keys
from tests.security.support import BEE, IO, QUIET, Place, make_place

__all__ = ["quick_keys"]

TESS = Peer(Uri("https://honest.example/@tess@honest.example/"), key="io")
MIKO = Peer(Uri("https://honest.example/users/9wq1"), key="io")
ACCEPTS = "select count(*) from activities where verb = 'Accept' and direction = 'out' and document like $1"
TEXT = "select body_text from posts where uri = $1"


@pytest.fixture
async def place(db: Db, clock: Clock) -> Place:
    made = await make_place(db, clock)
    made.meet(TESS, preferredUsername="tess")
    made.meet(MIKO)
    return made


Follow = tuple[Peer, dict[str, Any], dict[str, Any]]


def with_one_id_a_follow(place: Place, target: str) -> Follow:
    """A follow whose row keeps its number when it ends, and its Undo."""
    wish = {
        "id": f"{TESS.uri}follow/64888997491233/", "type": "Follow", "actor": TESS.uri,
        "object": place.uris[target],
    }  # fmt: skip
    return TESS, wish, {"id": f"{wish['id']}#undo", "type": "Undo", "actor": TESS.uri, "object": wish}


def with_one_id_a_pair(place: Place, target: str) -> Follow:
    """A follow that is called by its two ends."""
    wish = {
        "id": "https://honest.example/follows/9wq1/7tt2", "type": "Follow", "actor": MIKO.uri,
        "object": place.uris[target],
    }  # fmt: skip
    return MIKO, wish, {"id": f"{wish['id']}/undo", "type": "Undo", "actor": MIKO.uri, "object": wish}


SHAPES = pytest.mark.parametrize("shape", [with_one_id_a_follow, with_one_id_a_pair])


def with_context(document: dict[str, Any]) -> dict[str, Any]:
    return {"@context": "https://www.w3.org/ns/activitystreams", **document}


async def say(place: Place, document: dict[str, Any], peer: Peer) -> None:
    assert (await place.deliver(with_context(document), peer)).status == 202


@SHAPES
@pytest.mark.parametrize("target", ["pub", "wren", "asks"])
async def test_whoever_comes_back_under_the_same_follow_id_is_heard_each_time(
    place: Place, shape: Any, target: str
) -> None:
    peer, wish, undo = shape(place, target)
    heard = "accepted" if target == "pub" else "pending"
    for _ in range(3):
        await say(place, wish, peer)
        assert await place.standing(peer.uri, place.uris[target]) == heard
        await say(place, undo, peer)
        await say(place, undo, peer)
        assert await place.standing(peer.uri, place.uris[target]) == "left"
    await say(place, wish, peer)
    assert await place.standing(peer.uri, place.uris[target]) == heard
    if target == "pub":
        assert await place.value(ACCEPTS, f"%{wish['id']}%") == 4


@SHAPES
async def test_a_follow_that_its_undo_overtook_has_no_effect_and_the_next_one_has(
    place: Place, shape: Any
) -> None:
    peer, wish, undo = shape(place, "pub")
    await say(place, undo, peer)
    await say(place, wish, peer)
    assert await place.standing(peer.uri, place.uris["pub"]) is None
    await say(place, wish, peer)
    assert await place.standing(peer.uri, place.uris["pub"]) == "accepted"


async def test_the_very_same_request_again_brings_nobody_back(place: Place) -> None:
    peer, wish, undo = with_one_id_a_pair(place, "pub")
    asked = place.signed(peer, json.dumps(with_context(wish)).encode())
    assert (await place.send(asked)).status == 202
    await place.settle()
    await say(place, undo, peer)
    assert (await place.send(asked)).status == 202
    await place.settle()
    assert await place.standing(peer.uri, place.uris["pub"]) == "left"


async def test_two_of_the_very_same_request_at_one_moment_are_one(place: Place) -> None:
    peer, wish, _ = with_one_id_a_pair(place, "pub")
    asked = place.signed(peer, json.dumps(with_context(wish)).encode())
    await asyncio.gather(*(place.send(asked) for _ in range(5)))
    assert await place.value("select count(*) from receipts where uri = $1", wish["id"]) == 1


def edits(place: Place, group: str = "pub") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A post, and two edits of it under one id."""
    note = place.note(TESS, group, id=f"{TESS.uri}posts/6488901704675/", content="<p>First words.</p>")
    note["attributedTo"] = TESS.uri
    changed = [
        {**note, "content": f"<p>{words}</p>", "updated": f"{place.db.now():%Y-%m-%dT%H}:{minute}:00Z"}
        for minute, words in enumerate(("Second words.", "Third words."), 10)
    ]
    return place.act("Create", TESS, note), [
        place.act("Update", TESS, one, id=f"{note['id']}#update") for one in changed
    ]


async def test_every_edit_counts_where_all_edits_have_one_id(place: Place) -> None:
    create, updates = edits(place)
    place.clock.pass_by(hours=2)
    await say(place, create, TESS)
    for update, words in zip(updates, ("Second words.", "Third words."), strict=True):
        await say(place, update, TESS)
        assert await place.value(TEXT, create["object"]["id"]) == words
    await say(place, updates[0], TESS)
    assert await place.value(TEXT, create["object"]["id"]) == "Third words."


async def test_of_edits_under_one_id_the_newest_waits_with_its_post(db: Db, clock: Clock) -> None:
    place = await make_place(db, clock, newcomer_posts_held=2)
    place.meet(TESS, preferredUsername="tess")
    create, updates = edits(place)
    place.clock.pass_by(hours=2)
    for document in (create, *updates):
        await say(place, document, TESS)
    uri = create["object"]["id"]
    assert await place.value("select standing from posts where uri = $1", uri) == "held"
    row = PostId(await place.value("select id from posts where uri = $1", uri))
    await moderating.approve_post(place.db, place.deps.instance, place.people["asha"], row)
    assert await place.value("select standing || ' ' || body_text from posts where uri = $1", uri) == (
        "visible Third words."
    )


async def test_what_is_made_or_passed_on_under_a_known_id_is_the_same(place: Place) -> None:
    create = place.create(IO)
    await say(place, create, IO)
    other = {**create, "object": {**create["object"], "id": f"{IO.uri}/notes/other"}}
    await say(place, other, IO)
    assert await place.post_of(f"{IO.uri}/notes/other") is None


BOOSTED = "select count(*) from announces where undone_at is null and actor_id = $1"


@pytest.mark.parametrize("named", [{}, {"id": "9"}])
async def test_a_boost_is_taken_back_by_its_two_ends_and_may_come_again(
    place: Place, named: dict[str, Any]
) -> None:
    root = place.posts["pub"]
    me = await place.value("select id from actors where uri = $1", IO.uri)
    await say(place, place.act("Announce", IO, root), IO)
    assert await place.value(BOOSTED, me) == 1
    boost = {**named, "type": "Announce", "actor": IO.uri, "object": root}
    await say(place, place.act("Undo", IO, boost), IO)
    assert await place.value(BOOSTED, me) == 0
    await say(place, place.act("Announce", IO, root), IO)
    assert await place.value(BOOSTED, me) == 1


@pytest.mark.parametrize("named", [{}, {"id": "9"}, {"id": ""}])
async def test_whoever_leaves_by_naming_two_ends_hears_nothing_more(
    place: Place, named: dict[str, Any]
) -> None:
    group = place.uris["pub"]
    wish = {**named, "type": "Follow", "actor": IO.uri, "object": group}
    assert await place.standing(IO.uri, group) == "accepted"
    await say(place, place.act("Undo", IO, wish), IO)
    assert await place.standing(IO.uri, group) == "left"
    # The same words again end nothing that begins later.
    await say(place, place.act("Undo", IO, wish), IO)
    await say(place, place.act("Follow", IO, group), IO)
    assert await place.standing(IO.uri, group) == "accepted"


async def test_leaving_by_two_ends_counts_before_the_follow_is_here(place: Place) -> None:
    group = place.uris["pub"]
    await say(place, place.act("Undo", BEE, {"type": "Follow", "actor": BEE.uri, "object": group}), BEE)
    await say(place, place.act("Follow", BEE, group), BEE)
    assert await place.standing(BEE.uri, group) is None


async def test_nobody_leaves_for_somebody_else_by_naming_their_ends(place: Place) -> None:
    group = place.uris["pub"]
    for wish in (
        {"type": "Follow", "actor": IO.uri, "object": group},
        {"id": "9", "type": "Follow", "actor": IO.uri, "object": group},
    ):
        await place.deliver(with_context(place.act("Undo", BEE, wish)), BEE)
    assert await place.standing(IO.uri, group) == "accepted"


async def marlow_asks(place: Place, peer: Peer) -> None:
    target = await place.deps.remote.find(peer.uri)
    assert target is not None
    await following.follow(place.db, place.deps.instance, place.people["marlow"], ActorId(target))


@pytest.mark.parametrize("named", [{}, {"id": "9"}])
@pytest.mark.parametrize(("answer", "then"), [("Accept", "accepted"), ("Reject", "rejected")])
async def test_an_answer_is_found_by_the_two_ends_of_what_it_answers(
    place: Place, named: dict[str, Any], answer: str, then: str
) -> None:
    await marlow_asks(place, QUIET)
    marlow = place.uris["marlow"]
    assert await place.standing(marlow, QUIET.uri) == "pending"
    wish = {**named, "type": "Follow", "actor": marlow, "object": QUIET.uri}
    await place.deliver(place.act(answer, BEE, wish), BEE)
    assert await place.standing(marlow, QUIET.uri) == "pending", "only the one who was asked answers"
    await say(place, place.act(answer, QUIET, wish, to=[marlow]), QUIET)
    assert await place.standing(marlow, QUIET.uri) == then


async def test_calls_to_follow_at_the_same_moment_ask_once(place: Place) -> None:
    target = await place.deps.remote.find(QUIET.uri)
    assert target is not None
    calls = (
        following.follow(place.db, place.deps.instance, place.people["marlow"], ActorId(target))
        for _ in range(8)
    )
    assert set(await asyncio.gather(*calls)) == {"pending"}
    sent = "select count(*) from activities where verb = 'Follow' and actor_uri = $1 and object_uri = $2"
    assert await place.value(sent, place.uris["marlow"], QUIET.uri) == 1


async def test_a_follow_of_an_unknown_shape_is_still_refused(place: Place) -> None:
    async with place.no_effect():
        got = await place.deliver(place.act("Follow", IO, place.uris["wren"], id="9"), IO)
        assert got.status == 400
