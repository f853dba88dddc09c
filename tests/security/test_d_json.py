"""JSON as an attacker writes it: no error of ours, no stuck queue (cases D01 to D10, D21 to D23)."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import pytest

from federation import signatures
from tests.integration.edge import PUBLIC
from tests.security.support import EVE, IO, Place, actor_with, renamed
from tests.security.wire import by_hand


def text_of(place: Place, **more: Any) -> str:
    return json.dumps(place.create(EVE, **more))


PLACES = [
    "content",
    "summary",
    "name",
    "id",
    "inReplyTo",
    "url",
    "published",
    "tag",
    "attachment",
    "to",
    "type",
]


def poisoned(place: Place, where: str, bad: str) -> bytes:
    """Return a Create whose note holds a bad character in one member."""
    values: dict[str, Any] = {
        "tag": [{"type": "Mention", "name": f"@a{bad}", "href": f"https://evil.example/{bad}"}],
        "attachment": [{"type": "Image", "url": "https://evil.example/1", "name": f"alt{bad}"}],
        "to": [PUBLIC, place.uris["pub"], f"https://evil.example/{bad}"],
    }
    return json.dumps(place.create(EVE, **{where: values.get(where, f"https://evil.example/{bad}")})).encode()


@pytest.mark.parametrize("where", PLACES)
async def test_D01_zero_bytes_do_no_harm(place: Place, where: str) -> None:
    await place.dropped(poisoned(place, where, "\0"), EVE, 400)


async def test_D01_zero_bytes_raw_in_names_and_from_our_own_people(place: Place) -> None:
    await place.dropped(text_of(place).encode() + b"\0", EVE, 400)
    await place.dropped(text_of(place).replace("note ", "note \0").encode(), EVE, 400)
    await place.dropped(b'{"\\u0000": 1, ' + text_of(place)[1:].encode(), EVE, 400)
    odd = renamed(EVE, "https://evil.example/u/odd")
    for member in ("name", "preferredUsername", "summary"):
        place.internet.serve(odd.uri, actor_with(odd, **{member: "a\0b"}))
        place.clock.pass_by(minutes=15)
        await place.dropped(place.create(odd), odd, 401)
    for character in ("\0", "\ud800"):
        before = await place.rows("select id from posts order by id")
        got = await place.post_api("/v1/statuses", {"status": f"Hello {character}"}, "wren")
        assert got.status in (200, 400, 422)
        after = await place.rows("select id from posts order by id")
        assert got.status == 200 or after == before


@pytest.mark.parametrize("where", PLACES)
async def test_D02_half_characters_do_no_harm(place: Place, where: str) -> None:
    await place.dropped(poisoned(place, where, "\ud800"), EVE, 400)


async def test_D02_half_characters_in_the_names_of_members(place: Place) -> None:
    await place.dropped(b'{"\\ud800": 1, ' + text_of(place)[1:].encode(), EVE, 400)
    await place.dropped(text_of(place).replace("note ", "note \\udfff").encode(), EVE, 400)


async def test_D03_only_utf8_is_read(place: Place) -> None:
    text = text_of(place, content="<p>grüße</p>").replace("\\u00fc", "ü").replace("\\u00df", "ß")
    for body in (
        text.encode("latin-1"),
        text.encode("utf-16"),
        text.encode("utf-16-le"),
        b"\xff\xfe" + text.encode(),
    ):
        await place.dropped(body, EVE, 400)
    await place.dropped(text.encode().replace("ü".encode(), b"\xc0\xaf"), EVE, 400)
    marked = text_of(place)
    assert (await place.deliver(b"\xef\xbb\xbf" + marked.encode(), EVE)).status == 202
    assert await place.post_of(json.loads(marked)["object"]["id"]) is not None


async def test_D04_a_member_named_twice_has_no_meaning(place: Place) -> None:
    text = text_of(place)
    for first in (
        f'"actor": "{IO.uri}"',
        f'"actor": "{EVE.uri}"',
        f'"id": "{IO.uri}/1"',
        '"type": "Delete"',
        f'"object": "{IO.uri}"',
        '"\\u0061ctor": "x"',
    ):
        await place.dropped(f"{{{first}, {text[1:]}".encode(), EVE, 400)
    inner = text.replace('"attributedTo":', f'"attributedTo": "{IO.uri}", "attributedTo":')
    await place.dropped(inner.encode(), EVE, 400)


async def test_D05_odd_members_mean_nothing(place: Place) -> None:
    quick = time.process_time()
    for odd in (
        {"__proto__": {"actor": IO.uri}, "constructor": {"prototype": {}}, "аctor": IO.uri, "aсtor": IO.uri},
        {"ａctor": IO.uri, "Actor": IO.uri, "ACTOR": IO.uri, "actor ": IO.uri},
    ):
        act = {**place.create(EVE), **odd}
        assert (await place.deliver(act, EVE)).status == 202
        stored = await place.post_of(act["object"]["id"])
        assert stored is not None and stored["host"] == "evil.example"
    await place.dropped({**place.create(EVE), "k" * 900_000: 1}, EVE)
    await place.dropped({**place.create(EVE), **{f"k{number}": 1 for number in range(60_000)}}, EVE)
    await place.dropped({"аctor": IO.uri, **{**place.create(IO), "actor": None}}, EVE, 400, 401)
    assert time.process_time() - quick < 20


DEEP = {
    "arrays": b"[" * 100_000,
    "objects": b'{"a":' * 150_000,
    "closed": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "in a member": b'{"type": "Create", "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "just strings": b'{"a": "' + b"[" * 100_000 + b'"}',
    "commas": b"{" + b",".join(b'"%d":[]' % n for n in range(50_000)) + b"}",
}


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP)
async def test_D06_depth_is_bounded(place: Place, body: bytes) -> None:
    await place.dropped(body, EVE, 400, 413)


async def test_D06_more_than_a_megabyte_is_not_read(place: Place) -> None:
    await place.dropped(b'{"a":' * 1_000_000, EVE, 413)
    wire = place.signed(EVE, b"{}").with_header("content-length", "99999999999")
    await place.refused(wire, 413)


NUMBERS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-0",
    "9" * 10_000,
    str(2**63),
    "1e",
    "01",
    "0x10",
    "1_000",
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda text: text[:12])
async def test_D07_numbers_are_bounded(place: Place, number: str) -> None:
    poll = place.create(EVE)
    poll["object"] |= {
        "type": "Question",
        "oneOf": [{"type": "Note", "name": "tea", "replies": {"type": "Collection", "totalItems": "N"}}],
        "attachment": [{"type": "Image", "url": "https://evil.example/1", "width": "N", "height": "N"}],
        "votersCount": "N",
    }
    body = json.dumps(poll).replace('"N"', number).encode()
    began = time.process_time()
    got = await place.deliver(body, EVE)
    assert got.status in (202, 400)
    assert time.process_time() - began < 5
    page = await place.get("/g/pub", accept="text/html")
    assert page.status == 200 and b"NaN" not in page.body
    await place.still_works()


@pytest.mark.parametrize(
    "kind",
    [7, True, None, {}, {"id": "Create"}, [], [[]], "Unheard-of", "create", "x" * 200_000, ["Unheard-of"],
     ["x"] * 999, "https://evil.example/ns#Create"],
    ids=lambda kind: repr(kind)[:20],
)  # fmt: skip
async def test_D08_types_we_do_not_know_do_nothing(place: Place, kind: Any) -> None:
    await place.dropped({**place.create(EVE), "type": kind}, EVE)
    await place.dropped(place.create(EVE, type=kind), EVE)


async def test_D08_of_several_types_one_decides(place: Place) -> None:
    mine = place.create(EVE)
    await place.deliver(mine, EVE)
    before = await place.value("select count(*) from posts")
    both = {**mine, "id": f"{EVE.uri}/both", "type": ["Create", "Delete"]}
    assert (await place.deliver(both, EVE)).status == 202
    stored = await place.post_of(mine["object"]["id"])
    assert stored is not None and stored["standing"] == "visible"
    assert await place.value("select count(*) from posts") == before
    for order in (["Note", "Person"], ["Person", "Note"], ["Tombstone", "Note"]):
        got = await place.deliver(place.create(EVE, type=order), EVE)
        assert got.status in (202, 400)
    assert await place.value("select kind from actors where uri = $1", EVE.uri) == "person"


async def test_D09_two_actors_are_nobody(place: Place) -> None:
    several: tuple[object, ...] = (
        [EVE.uri, IO.uri],
        [IO.uri, EVE.uri],
        [{"id": EVE.uri}, {"id": IO.uri}],
        [[EVE.uri], IO.uri],
    )
    for actor in several:
        await place.dropped({**place.create(EVE), "actor": actor}, EVE)
        await place.dropped({**place.create(IO), "actor": actor}, EVE)
        await place.dropped(place.create(EVE, attributedTo=actor), EVE)
    for actor in ({"id": EVE.uri, "type": "Person"}, [EVE.uri], [{"id": EVE.uri}]):
        act = {**place.create(EVE), "actor": actor}
        assert (await place.deliver(act, EVE)).status == 202
        stored = await place.post_of(act["object"]["id"])
        assert stored is None or stored["host"] == "evil.example"
    await place.dropped(
        {**place.create(IO), "actor": {"id": IO.uri, "publicKey": actor_with(EVE)["publicKey"]}}, EVE
    )


async def test_D10_many_objects_are_none(place: Place) -> None:
    many = [place.posts["io"], place.posts["pub"], *(f"{EVE.uri}/{number}" for number in range(900))]
    for verb in ("Delete", "Follow", "Like", "Announce", "Undo", "Create", "Update", "Accept"):
        await place.dropped(place.act(verb, EVE, many), EVE)
    await place.dropped(place.act("Follow", EVE, [place.uris["pub"], place.uris["asks"]]), EVE)
    await place.dropped(place.act("Delete", EVE, [f"{EVE.uri}/{number}" for number in range(10_000)]), EVE)


async def test_D21_packed_bodies_are_refused(place: Place) -> None:
    plain = text_of(place).encode()
    for name, packed in (
        ("gzip", gzip.compress(plain)),
        ("deflate", zlib.compress(plain)),
        ("br", plain),
        ("identity", plain),
    ):
        for digest_of in (packed, plain):
            now = place.db.now()
            lines = {"digest": signatures.digest(digest_of), "content-encoding": name}
            await place.refused(by_hand(EVE, packed, now=now, lines=lines), 415)
    bomb = gzip.compress(b"0" * 5_000_000)
    lines = {"content-encoding": "gzip"}
    await place.refused(by_hand(EVE, bomb, now=place.db.now(), lines=lines), 415)


@pytest.mark.parametrize(
    "kind",
    ["text/html", None, "", "application/activity+json; charset=utf-16", "application/json", "text/plain",
     "application/activity+json, text/html", "multipart/form-data", "application/x-www-form-urlencoded"],
)  # fmt: skip
async def test_D22_other_types_of_content_are_refused(place: Place, kind: str | None) -> None:
    wire = by_hand(
        EVE, text_of(place).encode(), now=place.db.now(), covered="(request-target) host date digest",
        lines={"content-type": kind},
    )  # fmt: skip
    await place.refused(wire, 415)


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "+5", " 5", "5 5", "", "9" * 40, "１２"])
async def test_D23_a_length_is_one_plain_number(place: Place, length: str) -> None:
    wire = place.signed(EVE, text_of(place).encode())
    try:
        length.encode("latin-1")
    except UnicodeEncodeError:
        length = "\xb2\xb3"
    await place.refused(wire.with_header("content-length", length), 400, 413)


async def test_D23_two_lengths_are_none(place: Place) -> None:
    body = text_of(place).encode()
    wire = place.signed(EVE, body)
    await place.refused(wire.with_header("content-length", str(len(body)), str(len(body) + 1)), 400)
