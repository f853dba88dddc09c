"""Posts that are called by the addresses of their pages, and posts with several authors or parents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fediverse_support.db.pool import Db
from fediverse_support.workers import receive
from tests.conftest import Clock
from tests.integration.edge import PUBLIC
from tests.security.conftest import quick_keys
from tests.security.support import BASE, BEE, EVE, IO, QUIET, Place, make_place

__all__ = ["quick_keys"]

PARENT = "select q.uri from posts p join posts q on q.id = p.parent_id where p.uri = $1"
PAGE = "https://honest.example/@io/77"


@pytest.fixture
async def place(db: Db, clock: Clock) -> Place:
    return await make_place(db, clock)


async def say(place: Place, document: dict[str, Any], peer: Any = IO) -> None:
    assert (await place.deliver(document, peer)).status == 202


async def pages_of(place: Place, name: str = "pub", group: str = "pub") -> list[str]:
    """Return the addresses under which people find a post of ours; its number has as many digits as any."""
    row = str(await place.value("select id from posts where uri = $1", place.posts[name]))
    assert len(row) == 19
    page = f"{BASE}/g/{group}/t/{row}"
    return [page, f"{page}#p{row}", f"{page}?after=5#p{row}", f"{BASE}/post/{row}", f"{page}#"]


@pytest.mark.parametrize("which", range(5))
async def test_a_reply_to_a_page_of_ours_stands_below_its_post(place: Place, which: int) -> None:
    page = (await pages_of(place))[which]
    note = place.note(IO, None, inReplyTo=page, cc=[place.uris["wren"]])
    await say(place, place.act("Create", IO, note))
    assert await place.value(PARENT, note["id"]) == place.posts["pub"]
    group = "select a.uri from posts p join actors a on a.id = p.group_id where p.uri = $1"
    assert await place.value(group, note["id"]) == place.uris["pub"]


async def test_a_fragment_names_the_reply_it_points_at(place: Place) -> None:
    reply = place.note(IO, inReplyTo=place.posts["pub"])
    await say(place, place.act("Create", IO, reply))
    row = await place.value("select id from posts where uri = $1", reply["id"])
    note = place.note(BEE, None, inReplyTo=f"{(await pages_of(place))[0]}#p{row}")
    await say(place, place.act("Create", BEE, note), BEE)
    assert await place.value(PARENT, note["id"]) == reply["id"]


async def test_what_acts_on_a_page_of_ours_acts_on_its_post(place: Place) -> None:
    page = (await pages_of(place))[0]
    likes = "select count(*) from reactions r join posts p on p.id = r.post_id where p.uri = $1"
    boosts = (
        "select count(*) from announces n join posts p on p.id = n.post_id join actors a on a.id = n.actor_id"
        " where p.uri = $1 and a.host is not null and n.undone_at is null"
    )
    like, boost = place.act("Like", IO, page), place.act("Announce", IO, page)
    for act, count in ((like, likes), (boost, boosts)):
        await say(place, act)
        assert await place.value(count, place.posts["pub"]) == 1
        await say(place, place.act("Undo", IO, {**act, "id": "9"}))
        assert await place.value(count, place.posts["pub"]) == 0
    await say(place, place.act("Flag", IO, [page], content="Please look."))
    assert await place.value("select count(*) from reports where cardinality(post_ids) = 1") == 1


async def test_a_page_of_ours_is_found_by_its_address(place: Place) -> None:
    for page in await pages_of(place):
        assert await place.search(page) == ([], [place.posts["pub"]])
    assert await place.search(f"{BASE}/g/pub/t/{2**63}") == ([], [])
    assert await place.search(f"{BASE}/g/pub/t/1{'0' * 400}") == ([], [])


async def test_a_page_of_a_closed_group_tells_nothing_and_takes_nothing(place: Place) -> None:
    row = await place.value(
        "select p.id from posts p join groups g on g.actor_id = p.group_id where g.kind = 'home' limit 1"
    )
    assert row is not None
    page = f"{BASE}/g/room/t/{row}"
    async with place.no_effect():
        await place.deliver(place.act("Like", IO, page), IO)
        await place.deliver(place.act("Create", IO, place.note(IO, None, inReplyTo=page)), IO)


async def test_a_page_elsewhere_is_taken_for_the_post_of_its_origin_that_it_shows(place: Place) -> None:
    root = place.note(IO, url=PAGE)
    await say(place, place.act("Create", IO, root))
    reply = place.note(BEE, None, inReplyTo=PAGE)
    await say(place, place.act("Create", BEE, reply), BEE)
    assert await place.value(PARENT, reply["id"]) == root["id"]


async def test_nobody_else_claims_a_page(place: Place) -> None:
    root = place.note(EVE, url=PAGE)
    await say(place, place.act("Create", EVE, root), EVE)
    reply = place.note(BEE, url=f"{PAGE}/1", inReplyTo=PAGE)
    await say(place, place.act("Create", BEE, reply), BEE)
    assert await place.value(PARENT, reply["id"]) is None


@pytest.mark.parametrize("answered", ["delivered", "fetched"])
async def test_a_page_that_is_not_known_yet_is_taken_to_the_id_its_document_names(
    place: Place, answered: str
) -> None:
    root = place.note(IO, url=PAGE)
    place.internet.serve(PAGE, root)
    place.internet.serve(root["id"], root)
    reply = place.note(BEE, inReplyTo=PAGE)
    place.internet.serve(reply["id"], reply)
    await say(place, place.act("Create", BEE, reply if answered == "delivered" else reply["id"]), BEE)
    assert await place.value(PARENT, reply["id"]) == root["id"]


async def test_a_post_and_the_reply_to_its_page_may_come_together(place: Place) -> None:
    root = place.note(IO, url=PAGE)
    reply = place.note(BEE, inReplyTo=PAGE)
    for document, peer in ((place.act("Create", IO, root), IO), (place.act("Create", BEE, reply), BEE)):
        assert (await place.send(place.signed(peer, json.dumps(document).encode()))).status == 202
    while await receive.step(place.deps):
        pass
    assert await place.value(PARENT, reply["id"]) == root["id"]


@pytest.mark.parametrize("first", ["known", "unknown"])
@pytest.mark.parametrize("answered", ["delivered", "fetched"])
async def test_of_several_parents_the_first_that_is_here_counts(
    place: Place, first: str, answered: str
) -> None:
    parents: list[Any] = [place.posts["pub"], f"{IO.uri}/notes/never"]
    if first == "unknown":
        parents.reverse()
    note = place.note(IO, inReplyTo=[{"id": parents[0], "type": "Note"}, parents[1]])
    place.internet.serve(note["id"], note)
    await say(place, place.act("Create", IO, note if answered == "delivered" else note["id"]))
    assert await place.value(PARENT, note["id"]) == place.posts["pub"]


async def test_of_several_parents_that_are_not_here_the_first_is_waited_for(place: Place) -> None:
    roots = [place.note(IO), place.note(IO)]
    note = place.note(IO, inReplyTo=[root["id"] for root in roots])
    await say(place, place.act("Create", IO, note))
    for root in roots:
        await say(place, place.act("Create", IO, root))
    assert await place.value(PARENT, note["id"]) == roots[0]["id"]


@pytest.mark.parametrize("order", [(IO.uri, BEE.uri), (BEE.uri, IO.uri)])
async def test_what_several_of_one_server_wrote_is_taken_for_whoever_sent_it(
    place: Place, order: tuple[str, str]
) -> None:
    note = place.note(IO, attributedTo=list(order))
    await say(place, place.act("Create", IO, note))
    author = "select a.uri from posts p join actors a on a.id = p.author_id where p.uri = $1"
    assert await place.value(author, note["id"]) == IO.uri


async def test_nobody_writes_together_with_somebody_of_another_server(place: Place) -> None:
    for authors in ([EVE.uri, IO.uri], [IO.uri, EVE.uri]):
        await place.dropped(place.act("Create", EVE, place.note(EVE, attributedTo=authors)), EVE, 400)


async def test_a_post_is_not_called_like_anybody(place: Place) -> None:
    await place.dropped(place.act("Create", IO, place.note(IO, id=IO.uri)), IO, 400)
    await place.dropped(place.act("Create", IO, place.note(IO, id=QUIET.uri)), IO, 202)
    note = place.note(IO, None, id=IO.uri, to=[PUBLIC, place.uris["pub"]])
    place.internet.serve(IO.uri, note)
    async with place.no_effect():
        assert await place.search(IO.uri) in (([], []), (["io@honest.example"], []))
