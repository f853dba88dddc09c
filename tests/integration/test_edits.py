"""Which words of a post stand in the end, who is told of them, and what is no edit at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.posts import Draft
from tests.conftest import Clock
from tests.integration.edge import PUBLIC, Peer
from tests.security.conftest import quick_keys
from tests.security.support import IO, QUIET, Place, make_place

__all__ = ["quick_keys"]

FAR = Peer(Uri("https://far.example/u/far"), key="io")
TEXT = "select body_text from posts where uri = $1"
EDITED = "select edited_at from posts where uri = $1"
RELAYS = "select count(*) from activities where verb = 'Announce' and document like '%\"Update\"%'"


@pytest.fixture
async def place(db: Db, clock: Clock) -> Place:
    """Our server; io and, at another server, far are members of its open group."""
    made = await make_place(db, clock)
    made.meet(FAR)
    assert (await made.deliver(made.act("Follow", FAR, made.uris["pub"]), FAR)).status == 202
    await made.value("update peers set announce_class = 'activity' where host = 'far.example'")
    return made


def at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


async def say(place: Place, document: dict[str, Any], peer: Peer = IO) -> None:
    assert (await place.deliver(document, peer)).status == 202


def edit(place: Place, note: dict[str, Any], words: str, **more: Any) -> dict[str, Any]:
    changed = {key: value for key, value in {**note, "content": words, **more}.items() if value is not None}
    return place.act("Update", IO, changed)


@pytest.mark.parametrize("ahead", [timedelta(minutes=-50), timedelta(), timedelta(minutes=50)])
@pytest.mark.parametrize("timed_by", ["post", "activity"])
async def test_an_older_edit_that_comes_late_loses_however_the_authors_clock_runs(
    place: Place, ahead: timedelta, timed_by: str
) -> None:
    start = place.db.now() + ahead
    note = place.note(IO, published=at(start))
    await say(place, place.act("Create", IO, note))
    for minutes, words in ((9, "newest"), (5, "older"), (8, "old")):
        update = edit(place, note, words)
        (update["object"] if timed_by == "post" else update)[
            "updated" if timed_by == "post" else "published"
        ] = at(start + timedelta(minutes=minutes))
        await say(place, update)
        assert await place.value(TEXT, note["id"]) == "newest"


async def test_of_two_edits_in_the_same_second_the_later_one_counts(place: Place) -> None:
    note = place.note(IO)
    await say(place, place.act("Create", IO, note))
    for words in ("first", "second"):
        await say(place, edit(place, note, words, updated=note["published"]))
        assert await place.value(TEXT, note["id"]) == words


async def test_a_fetched_post_is_not_set_back_by_an_edit_from_before(place: Place) -> None:
    note = place.note(IO, updated=at(place.db.now() - timedelta(minutes=5)), content="as it is now")
    note["published"] = at(place.db.now() - timedelta(hours=1))
    place.internet.serve(note["id"], note)
    await say(place, place.act("Create", IO, note["id"]))
    assert await place.value(TEXT, note["id"]) == "as it is now"
    await say(place, edit(place, note, "as it was", updated=at(place.db.now() - timedelta(minutes=30))))
    assert await place.value(TEXT, note["id"]) == "as it is now"


async def test_a_clock_that_is_wrong_by_years_shuts_nobody_out_of_their_own_post(place: Place) -> None:
    note = place.note(IO)
    await say(place, place.act("Create", IO, note))
    await say(place, edit(place, note, "from another age", updated="2199-01-01T00:00:00Z"))
    await say(place, edit(place, note, "today", updated=at(place.db.now())))
    assert await place.value(TEXT, note["id"]) == "today"


def relayed(place: Place, page: dict[str, Any]) -> dict[str, Any]:
    update = {"id": f"{page['id']}/update/{place.count}", "type": "Update", "actor": IO.uri, "object": page,
              "to": [PUBLIC, QUIET.uri]}  # fmt: skip
    return place.act("Announce", QUIET, update, to=[PUBLIC])


@pytest.mark.parametrize(
    "updated", [(None, None), ("2026-11-26 23:00:00",) * 2, ("same",) * 2, ("yesterday", None), ([], {})]
)
async def test_a_relayed_edit_counts_whatever_the_page_says_about_its_time(
    place: Place, updated: tuple[Any, Any]
) -> None:
    page = place.note(IO, None, type="Page", name="Title", audience=QUIET.uri, to=[PUBLIC, QUIET.uri])
    place.internet.serve(page["id"], page)
    await say(place, place.act("Announce", QUIET, place.act("Create", IO, page), to=[PUBLIC]), QUIET)
    for claimed, words in zip(updated, ("second text", "third text"), strict=True):
        place.clock.pass_by(minutes=2)
        changed = {**page, "content": words, "updated": page["published"] if claimed == "same" else claimed}
        changed = {name: value for name, value in changed.items() if value is not None}
        place.internet.serve(page["id"], changed)
        await say(place, relayed(place, changed), QUIET)
        assert await place.value(TEXT, page["id"]) == words
        assert await place.value(EDITED, page["id"]) is not None


async def test_what_the_origin_says_is_older_than_ours_changes_nothing(place: Place) -> None:
    page = place.note(IO, None, type="Page", name="Title", audience=QUIET.uri, to=[PUBLIC, QUIET.uri])
    page["updated"] = at(place.db.now())
    place.internet.serve(page["id"], page)
    await say(place, place.act("Announce", QUIET, place.act("Create", IO, page), to=[PUBLIC]), QUIET)
    older = {**page, "content": "from a cache", "updated": at(place.db.now() - timedelta(minutes=20))}
    place.internet.serve(page["id"], older)
    await say(place, relayed(place, older), QUIET)
    assert await place.value(TEXT, page["id"]) != "from a cache"


async def trace(place: Place, uri: str) -> list[Any]:
    """Return what an edit leaves behind: a mark, a stored version, and what is passed on."""
    return [
        await place.value(EDITED, uri),
        await place.value("select count(*) from post_edits"),
        await place.value(RELAYS),
        await place.value("select count(*) from deliveries"),
    ]


@pytest.mark.parametrize("updated", [None, "now"])
async def test_an_update_without_change_is_no_edit(place: Place, updated: str | None) -> None:
    note = place.note(IO, contentMap={"en": "<p>words</p>"}, content="<p>words</p>", summary="grief")
    await say(place, place.act("Create", IO, note))
    before = await trace(place, note["id"])
    for _ in range(3):
        more = {} if updated is None else {"updated": at(place.db.now())}
        await say(place, edit(place, note, note["content"], **more))
    assert await trace(place, note["id"]) == before and before[0] is None


async def test_votes_that_come_in_are_no_edit(place: Place) -> None:
    poll = place.note(IO, type="Question", content="<p>Tea or coffee?</p>", votersCount=0, oneOf=[
        {"type": "Note", "name": name, "replies": {"type": "Collection", "totalItems": 0}}
        for name in ("Tea", "Coffee")
    ])  # fmt: skip
    await say(place, place.act("Create", IO, poll))
    before = await trace(place, poll["id"])
    voted = {**poll, "votersCount": 3}
    tea, coffee = poll["oneOf"]
    voted["oneOf"] = [{**tea, "replies": {"type": "Collection", "totalItems": 3}}, coffee]
    await say(place, place.act("Update", IO, voted))
    assert await trace(place, poll["id"]) == before and before[0] is None


@pytest.mark.parametrize(
    "change",
    [
        {"content": "<p>other words</p>"},
        {"summary": "grief"},
        {"sensitive": True},
        {"contentMap": {"de": "<p>words</p>"}},
        {"attachment": [{"type": "Image", "url": "https://honest.example/1.png", "mediaType": "image/png"}]},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_what_changed_is_marked_and_passed_on_once(place: Place, change: dict[str, Any]) -> None:
    note = place.note(IO, content="<p>words</p>")
    await say(place, place.act("Create", IO, note))
    before = await trace(place, note["id"])
    for _ in range(2):
        await say(place, edit(place, {**note, **change}, change.get("content", note["content"])))
    after = await trace(place, note["id"])
    assert after[0] is not None and after[2:] == [before[2] + 1, before[3] + 1]


async def test_what_was_fetched_before_its_update_came_is_still_passed_on(place: Place) -> None:
    note = place.note(IO, content="<p>words</p>")
    await say(place, place.act("Create", IO, note))
    before = await trace(place, note["id"])
    changed = {**note, "content": "<p>new words</p>"}
    place.internet.serve(note["id"], changed)
    await say(place, place.act("Update", IO, note["id"]))
    assert await place.value(TEXT, note["id"]) == "new words"
    assert (await trace(place, note["id"]))[2:] == before[2:]
    await say(place, place.act("Update", IO, changed))
    assert (await trace(place, note["id"]))[2:] == [before[2] + 1, before[3] + 1]


async def test_an_edit_is_passed_on_after_a_create_that_came_later_than_its_fetch(place: Place) -> None:
    note = place.note(IO, content="<p>words</p>")
    changed = {**note, "content": "<p>new words</p>"}
    place.internet.serve(note["id"], changed)
    await say(place, place.act("Create", IO, note["id"]))
    await say(place, place.act("Create", IO, note))
    before = await trace(place, note["id"])
    for _ in range(2):
        await say(place, place.act("Update", IO, changed))
    after = await trace(place, note["id"])
    assert after[:2] == before[:2] and after[2:] == [before[2] + 1, before[3] + 1]
    assert await place.value(TEXT, note["id"]) == "new words"


async def test_saving_ones_own_words_unchanged_is_no_edit(place: Place) -> None:
    uri = place.posts["pub"]
    row = PostId(await place.value("select id from posts where uri = $1", uri))
    source, title = (await place.rows("select body_source, title from posts where id = $1", row))[0].values()
    before = await trace(place, uri)
    place.clock.pass_by(minutes=5)
    await posting.edit(
        place.db, place.deps.instance, place.people["wren"], row, Draft(body=source, title=title)
    )
    assert await trace(place, uri) == before and before[0] is None
    await posting.edit(
        place.db, place.deps.instance, place.people["wren"], row, Draft(body="Other words.", title=title)
    )
    assert (await trace(place, uri))[:2] == [place.db.now(), before[1] + 1]
