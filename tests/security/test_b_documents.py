"""Identity and origin of documents: whose word a thing is (cases B01 to B09, B13, B14)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.security.support import BASE, EVE, IO, Place, actor_with, renamed

HANDLE = "io@honest.example"


async def test_B01_a_thing_of_another_server_is_not_taken_from_the_body(place: Place) -> None:
    fake = place.note(IO, content="<p>Never said.</p>")
    await place.dropped(place.act("Create", EVE, fake), EVE)
    await place.dropped(place.act("Create", EVE, {**fake, "attributedTo": EVE.uri}), EVE)
    # Where its own server has such a thing, its own words are kept and nothing of the forged ones.
    place.internet.serve(fake["id"], {**fake, "content": "<p>Really said.</p>"})
    await place.deliver(place.act("Create", EVE, fake), EVE)
    stored = await place.post_of(fake["id"])
    assert stored is not None and "Really said" in stored["body_html"]
    assert stored["host"] == "honest.example"


async def test_B02_nobody_is_made_the_author_by_another_server(place: Place) -> None:
    forged = place.note(IO, id="https://evil.example/notes/1")
    place.internet.serve(forged["id"], forged)
    await place.dropped(place.act("Create", EVE, forged), EVE)
    await place.dropped(place.act("Create", EVE, forged["id"]), EVE)
    async with place.no_effect():
        assert await place.search(forged["id"]) == ([], [])


async def test_B03_an_actor_is_only_what_its_own_address_says(place: Place) -> None:
    fake = actor_with(IO, name="Not Io", publicKey=actor_with(EVE)["publicKey"])
    place.internet.serve("https://evil.example/u/io", fake)
    async with place.no_effect():
        assert await place.search("https://evil.example/u/io") in (([], []), ([HANDLE], []))
    # An update that carries the forged copy leads to the real one at most.
    await place.dropped(place.act("Update", EVE, fake), EVE)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "image/png",
        "application/json",
        "application/ld+json",
        'application/ld+json; profile="https://evil.example/ns"',
        "application/activity+json; charset=utf-16",
        "",
    ],
)
async def test_B04_an_uploaded_file_is_no_document(place: Place, kind: str) -> None:
    fake = renamed(IO, "https://honest.example/media/1")
    note = place.note(IO, id="https://honest.example/media/2")
    place.internet.serve(fake.uri, actor_with(fake, publicKey=actor_with(EVE)["publicKey"]), kind=kind)
    place.internet.serve(note["id"], note, kind=kind)
    async with place.no_effect():
        assert await place.search(fake.uri) == ([], [])
        assert await place.search(note["id"]) == ([], [])
        assert (await place.deliver(place.create(fake), fake)).status == 401
        await place.deliver(place.act("Create", IO, note["id"]), IO)


async def test_B06_a_redirect_lends_no_authority(place: Place) -> None:
    theirs = place.note(EVE, content="<p>Of Eve.</p>")
    place.internet.serve(theirs["id"], theirs)
    place.internet.redirect("https://honest.example/notes/moved", theirs["id"])
    place.internet.redirect("https://evil.example/notes/moved", place.posts["io"])
    claimed = {**theirs, "id": "https://honest.example/notes/claimed", "attributedTo": IO.uri}
    place.internet.serve("https://evil.example/notes/claimed", claimed)
    place.internet.redirect(claimed["id"], "https://evil.example/notes/claimed")
    for here, there in (("1", "2"), ("2", "1")):
        place.internet.redirect(f"https://evil.example/circle/{here}", f"https://evil.example/circle/{there}")
    async with place.no_effect():
        for uri in (
            "https://honest.example/notes/moved",
            "https://evil.example/notes/moved",
            claimed["id"],
            "https://evil.example/notes/claimed",
            "https://evil.example/circle/1",
        ):
            place.internet.asked.clear()
            assert await place.search(uri) == ([], []), uri
            assert len(place.internet.asked) <= 4


@pytest.mark.parametrize(
    "actor",
    [
        "https://honest.example@evil.example/u/io",
        "https://user:pw@honest.example/u/io",
        "https://honest.example.evil.example/u/io",
        "https://honest.example:8443/u/io",
        "http://honest.example/u/io",
        "https://honest.example/u/IO",
        "https://honest.example\\@evil.example/u/io",
        "https://honest.example/u/io\n",
    ],
)
async def test_B07_addresses_that_look_like_another_are_others(place: Place, actor: str) -> None:
    await place.dropped({**place.create(IO), "actor": actor}, EVE, 400, 401)
    # Not even the real Io's signature makes one of these Io.
    await place.dropped({**place.create(IO), "actor": actor}, IO, 400, 401)


async def test_B07_spellings_of_the_same_address_are_the_same_actor(place: Place) -> None:
    before = await place.value("select count(*) from actors")
    for actor in ("HTTPS://HONEST.EXAMPLE/u/io", "https://honest.example:443/u/io"):
        hello = {**place.create(IO), "actor": actor}
        assert (await place.deliver(hello, IO)).status == 202
        stored = await place.post_of(hello["object"]["id"])
        assert stored is not None
        assert stored["author_id"] == await place.value("select id from actors where uri = $1", IO.uri)
    assert await place.value("select count(*) from actors") == before


async def test_B09_a_link_to_another_server_is_not_shown_as_the_posts_own(place: Place) -> None:
    post = place.create(EVE, url="https://honest.example/@io/1", content="<p>Where am I from?</p>")
    assert (await place.deliver(post, EVE)).status == 202
    stored = await place.post_of(post["object"]["id"])
    assert stored is not None and stored["url"] is None
    page = await place.get(f"/g/pub/t/{stored['id']}", accept="text/html")
    assert page.status == 200 and b"Where am I from?" in page.body
    assert b"honest.example/@io/1" not in page.body
    shown = await place.api(f"/v1/statuses/{stored['id']}", "wren")
    assert "honest.example/@io/1" not in json.dumps(shown)


@pytest.mark.parametrize("bad", [None, "", "relative", "/u/new", "javascript:alert(1)", 7, True, ["x"], {}])
async def test_B13_an_actor_without_a_proper_id_is_nobody(place: Place, bad: Any) -> None:
    nobody = renamed(EVE, "https://evil.example/u/nobody")
    place.internet.serve(nobody.uri, {**actor_with(nobody), "id": bad})
    async with place.no_effect():
        assert await place.search(nobody.uri) == ([], [])
        assert (await place.deliver(place.create(nobody), nobody)).status == 401


NOBODY = [
    1,
    "1",
    "admin",
    "tom",
    "/users/admin",
    "acct:tom@support.example",
    True,
    None,
    [],
    {},
    [1, 2],
    {"id": 1},
]


@pytest.mark.parametrize("who", NOBODY, ids=repr)
async def test_B14_numbers_and_names_are_no_addresses(place: Place, who: Any) -> None:
    async with place.no_effect():
        for forged in (
            {**place.create(EVE), "actor": who},
            place.create(EVE, attributedTo=who),
            {**place.act("Delete", EVE, who)},
            {**place.act("Follow", EVE, who)},
            {**place.act("Undo", EVE, who)},
        ):
            got = await place.deliver(forged, EVE)
            assert 200 <= got.status < 500


async def test_B14_our_own_addresses_are_not_theirs_to_sign_with(place: Place) -> None:
    tom = renamed(EVE, place.uris["tom"])
    await place.dropped(place.create(tom), tom, 401)
    await place.dropped({**place.create(EVE), "actor": place.uris["tom"]}, EVE, 401)
    note = place.note(EVE, attributedTo=place.uris["tom"], id=f"{BASE}/ap/o/{'x' * 26}")
    await place.dropped(place.act("Create", EVE, note), EVE)
