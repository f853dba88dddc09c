"""Values of the wrong kind, size, time or manners (cases D11 to D20, D24, D25)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.edge import PUBLIC, Got
from tests.security.support import EVE, Place, actor_with, renamed

BIDI = "\u202e\u202d\u2066\u2067\u200f"
EMPTY: list[object] = [None, 7, [], ["x"], {}, "   \n", "\u200b\u2060", "<p> </p>", "<br>"]


async def stored(place: Place, act: dict[str, Any]) -> dict[str, Any] | None:
    """Deliver a Create of Eve's that may be refused; return the row of its post, None where there is none."""
    got = await place.deliver(act, EVE)
    assert got.status in (202, 400), (got.status, got.body)
    assert await place.rows("select uri, last_error from receipts where standing <> 'done'") == []
    return await place.post_of(act["object"]["id"])


async def page_of(place: Place, row: dict[str, Any]) -> Got:
    """Return the page of a thread."""
    return await place.get(f"/g/pub/t/{row['id']}", accept="text/html")


@pytest.mark.parametrize("member", ["to", "cc", "audience"])
async def test_D11_whatever_stands_in_the_addresses(place: Place, member: str) -> None:
    odd: list[Any] = [
        PUBLIC, {"id": PUBLIC}, None, 7, [[PUBLIC]], [None, 1, {}, "not an address", "javascript:x"],
        [f"https://evil.example/u/{n}" for n in range(900)],
        [f"https://evil.example/u/{n}" for n in range(10_000)],
        f"{place.uris['pub']}/followers", f"{place.uris['circle']}/followers", place.uris["circle"],
        place.uris["room"], ["https://evil2.example/u/a", "https://127.0.0.1/", "http://10.0.0.1/x"],
    ]  # fmt: skip
    await place.deliver(place.create(EVE), EVE)
    place.internet.asked.clear()
    for value in odd:
        row = await stored(place, {**place.create(EVE, **{member: value}), member: value})
        assert row is None or row["group_id"] in (None, place.groups["pub"])
    assert place.internet.asked_of("evil.example") == place.internet.asked_of("evil2.example") == []
    assert not any("127.0.0.1" in uri or "10.0.0.1" in uri for uri in place.internet.asked)
    await place.still_works()


WHEN = [
    "0000-00-00", "9999-12-31T23:59:59Z", "1899-12-31T00:00:00Z", "+1000000-01-01T00:00:00Z", 1893499200,
    "yesterday", "2030-05-01T24:00:60Z", "2030-05-01T11:00:00+99:99", "2030-02-30T11:00:00Z",
    "", None, [], {}, "2030-05-04T12:00:00Z", "2010-04-01T12:00:00Z", "-2030-05-01T00:00:00Z", "x" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("when", WHEN, ids=lambda when: repr(when)[:28])
async def test_D12_D13_times_that_cannot_be_become_now(place: Place, when: Any) -> None:
    row = await stored(place, place.create(EVE, published=when, updated=when))
    if row is not None:
        assert place.db.now() - timedelta(minutes=1) <= row["published_at"] <= place.db.now()
        assert row["active_at"] <= place.db.now()
    # An edit from the year 9999 does not end all editing.
    mine = place.create(EVE)
    await place.deliver(mine, EVE)
    for words in ("first", "second"):
        place.clock.pass_by(minutes=5)
        updated = when if words == "first" else f"{place.db.now():%Y-%m-%dT%H:%M:%SZ}"
        note = {**mine["object"], "content": f"<p>{words}</p>", "updated": updated}
        got = await place.deliver(place.act("Update", EVE, note), EVE)
        assert got.status in (202, 400)
    after = await place.post_of(mine["object"]["id"])
    assert after is not None and after["body_text"] == "second"
    assert after["edited_at"] is None or after["edited_at"] <= place.db.now()
    await place.still_works()


async def test_D13_a_time_in_the_past_is_kept(place: Place) -> None:
    row = await stored(place, place.create(EVE, published="2030-04-01T08:30:00+02:00"))
    assert row is not None and row["published_at"] == datetime(2030, 4, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("content", EMPTY, ids=repr)
async def test_D14_nothing_to_read_is_shown_as_nothing(place: Place, content: Any) -> None:
    row = await stored(place, place.create(EVE, content=content))
    if row is not None:
        assert row["body_text"].strip(" \n\u200b\u2060") == ""
        assert (await page_of(place, row)).status == 200
    await place.still_works()


async def test_D14_endless_words_are_refused(place: Place) -> None:
    for size in (70_000, 200_000, 300_000, 5_000_000):
        await place.dropped(place.create(EVE, content="x" * size), EVE)


async def test_D15_names_are_one_plain_line(place: Place) -> None:
    zalgo = "e" + "\u0301" * 500
    for bad in (
        "<b>bold</b><script>alert(1)</script>",
        "two\nlines\r\nmore",
        f"{BIDI}evil",
        "x" * 100_000,
        zalgo,
    ):
        eve = renamed(EVE, f"https://evil.example/u/n{len(bad)}")
        place.internet.serve(eve.uri, actor_with(eve, name=bad, summary=bad))
        act = place.create(eve, name=bad, summary=bad)
        got = await place.deliver(act, eve)
        assert got.status in (202, 400, 401)
        row = await place.post_of(act["object"]["id"])
        actor = await place.rows("select display_name from actors where uri = $1", eve.uri)
        shown = [one["display_name"] for one in actor] + (
            [row["title"], row["warning"]] if row is not None else []
        )
        for text in shown:
            assert len(text) <= 200 and "\n" not in text and "\r" not in text
            assert not set(text) & set(BIDI)
            assert text.count("\u0301") <= 4
        page = await place.get("/g/pub", accept="text/html")
        assert page.status == 200 and b"<script>alert" not in page.body and b"<b>bold" not in page.body
    await place.still_works()


async def test_D16_of_many_languages_one_is_taken(place: Place) -> None:
    many = {f"x{number}": f"<p>{number}</p>" for number in range(900)}
    mappings: tuple[object, ...] = (
        {"../../etc": "<p>one</p>"},
        {"en": "<p>one</p>", "de": "<p>zwei</p>"},
        {"en": 7},
        many,
        [],
        7,
    )
    for mapped in mappings:
        row = await stored(place, place.create(EVE, content=None, contentMap=mapped))
        if row is not None:
            assert "/" not in row["language"] and len(row["language"]) <= 35
            assert (await page_of(place, row)).status == 200
    too_many = {f"x{number}": "<p>x</p>" for number in range(10_000)}
    await place.dropped(place.create(EVE, content=None, contentMap=too_many), EVE)


async def test_D18_no_context_is_ever_asked_for(place: Place) -> None:
    place.internet.asked.clear()
    contexts: list[object] = [
        "https://evil.example/context", ["https://www.w3.org/ns/activitystreams", "https://127.0.0.1/context"],
        {"@import": "https://evil.example/context"}, {"@vocab": "https://evil.example/ns#"}, 7, None, [[]],
        [{"x": {"@id": "https://evil.example/x", "@context": "https://evil.example/context"}}],
    ]  # fmt: skip
    for context in contexts:
        got = await place.deliver({**place.create(EVE), "@context": context}, EVE)
        assert got.status in (202, 400)
        note: dict[str, Any] = {"@context": context}
        got = await place.deliver(place.create(EVE, **note), EVE)
        assert got.status in (202, 400)
    assert not any("context" in uri for uri in place.internet.asked)
    await place.still_works()


async def test_D19_files_are_few_and_well_formed(place: Place) -> None:
    good = {"type": "Image", "url": "https://evil.example/1.png", "mediaType": "image/png", "name": "A cup."}
    odd: list[Any] = [
        good, [good] * 900, [None, 7, "x", [], {}],
        {**good, "url": [[{"type": "Link", "href": good["url"]}]]},
        {**good, "mediaType": "x" * 200_000}, {**good, "mediaType": 'image/png"><script>'},
        {**good, "width": -1, "height": 1e9}, {**good, "blurhash": "x" * 100_000},
        {**good, "focalPoint": ["a"]}, {**good, "url": "javascript:alert(1)"},
        {**good, "url": "data:text/html,<script>"}, {**good, "name": {"a": 1}},
        {**good, "url": f"https://evil.example/{'x' * 100_000}"},
        {**good, "name": "<img onerror=alert(1)>" * 900}, {**good, "type": ["Image", "Create"]},
    ]  # fmt: skip
    for value in odd:
        row = await stored(place, place.create(EVE, attachment=value))
        if row is None:
            continue
        files = json.loads(row["attachments"])
        assert len(files) <= 16
        assert all(file["url"].startswith("https://") and len(file["url"]) <= 2048 for file in files)
        assert all(len(file["media_type"]) <= 130 and len(file["alt"]) <= 5000 for file in files)
        page = await page_of(place, row)
        assert page.status == 200 and b"<script>" not in page.body and b"<img onerror" not in page.body
    await place.dropped(place.create(EVE, attachment=[good] * 10_000), EVE)


async def test_D20_no_picture_is_drawn_from_a_tag(place: Place) -> None:
    for name in (":<img src=x onerror=alert(1)>:", ":x:", "", ":" * 1000, '":onload="alert(1)'):
        for icon in (
            "https://evil.example/x.svg",
            "javascript:alert(1)",
            "data:image/svg+xml,<svg onload=alert(1)>",
        ):
            emoji = {"type": "Emoji", "name": name, "icon": {"type": "Image", "url": icon}}
            act = place.create(EVE, tag=[emoji] * 20, content=f"<p>Hello {name}</p>", name=f"Title {name}")
            row = await stored(place, act)
            assert row is not None
            page = await page_of(place, row)
            for trace in (b"onerror=", b"onload=alert", b"javascript:", b"evil.example/x.svg"):
                assert trace not in page.body.replace(b"onerror=alert(1)&gt;", b"")
    await place.dropped(place.create(EVE, tag=[{"type": "Emoji", "name": ":x:"}] * 10_000), EVE)


META = "%s {0} {{7*7}} {% raw %} '; drop table posts; -- \\ $1 ${x} #{x} \\x00 <%= 1 %> %n%n :x"


async def test_D24_signs_that_mean_something_elsewhere_are_only_words(place: Place) -> None:
    eve = renamed(EVE, "https://evil.example/u/meta")
    place.internet.serve(eve.uri, actor_with(eve, name=META, summary=META))
    act = place.create(eve, name=META, content=f"<p>{META.replace('<', '&lt;')}</p>", summary=META)
    assert (await place.deliver(act, eve)).status == 202
    row = await place.post_of(act["object"]["id"])
    assert row is not None
    for text in (row["title"], row["warning"], row["body_text"]):
        assert "{{7*7}}" in text and "'; drop table posts; --" in text and "%s {0}" in text
    page = await page_of(place, row)
    assert page.status == 200 and b"{{7*7}}" in page.body and b"<%=" not in page.body
    await place.deliver(place.act("Flag", eve, [place.posts["pub"]], to=None, content=META), eve)
    assert await place.value("select body from reports") == META
    found = await place.api("/v1/timelines/home", "wren")
    assert "{{7*7}}" in json.dumps(found)
    await place.still_works()


async def test_D25_endless_addresses_are_refused(place: Place) -> None:
    endless = f"https://evil.example/{'x' * 100_000}"
    just = f"https://evil.example/{'x' * 3_000}"
    # Few signs, many bytes, and none of them repeats: no index of the database takes that.
    dense = f"https://evil.example/{''.join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(1_500))}"
    began = time.process_time()
    for uri in (endless, just, dense):
        await place.dropped(place.create(EVE, id=uri), EVE, 400)
        await place.dropped({**place.create(EVE), "id": uri}, EVE, 400)
        for member in ("inReplyTo", "url", "context", "attributedTo"):
            row = await stored(place, place.create(EVE, **{member: uri}))
            assert row is None or uri not in json.dumps(row, default=str)
        for verb in ("Like", "Delete", "Follow", "Announce", "Undo", "Accept"):
            await place.dropped(place.act(verb, EVE, uri), EVE)
    assert time.process_time() - began < 20
    # Two thousand characters are an address like any other.
    longest = f"https://evil.example/{'y' * 2_000}"
    row = await stored(place, place.create(EVE, id=longest))
    assert row is not None
    await place.still_works()
