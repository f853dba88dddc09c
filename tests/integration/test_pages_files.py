"""What other servers put beside their words: links and pictures in words, and covers without a note."""

from __future__ import annotations

import html
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.actions.accounts import sessions
from fediverse_support.actions.moderation import reporting
from fediverse_support.db.pool import Db
from fediverse_support.domain import files
from fediverse_support.domain.files import File
from fediverse_support.domain.ids import PostId
from fediverse_support.web.words import sentences
from tests.builders import QuickPasswords
from tests.conftest import Clock
from tests.security.conftest import quick_keys
from tests.security.support import IO, Place, make_place
from tests.security.wire import Wire

__all__ = ["quick_keys"]

PICTURE = {
    "type": "Document",
    "mediaType": "image/jpeg",
    "url": "https://x.example/p.jpg",
    "name": "A sunrise",
}
NAMELESS = {"type": "Document", "mediaType": "image/png", "url": "https://x.example/q.png"}
STORY = {"type": "Link", "href": "https://news.example/story", "mediaType": "text/html; charset=utf-8"}
SHOWN = '<a href="https://x.example/p.jpg" rel="noreferrer nofollow">Open it on <bdi>x.example</bdi></a>'
LINKED = (
    '<a href="https://news.example/story" rel="noreferrer nofollow"><bdi>news.example/story</bdi></a>'
    ' <span class="from">on <bdi>news.example</bdi></span>'
)


@pytest.fixture
async def place(db: Db, clock: Clock) -> Place:
    return await make_place(db, clock)


async def read(place: Place, path: str, name: str | None = None) -> str:
    lines = [("host", "support.example"), ("accept", "text/html")]
    if name is not None:
        token = await sessions.sign_in(
            place.db, name, "three odd socks drying", verify=QuickPasswords().verify, address=name
        )
        lines.append(("cookie", f"__Host-session={token}"))
    got = await place.send(Wire("GET", path, tuple(lines)))
    assert got.status == 200, (path, got.status)
    return html.unescape(got.body.decode())


async def arrives(place: Place, **more: Any) -> int:
    note = place.note(IO, **more)
    assert (await place.deliver(place.act("Create", IO, note), IO)).status == 202
    row = await place.post_of(note["id"])
    assert row is not None
    return int(row["id"])


async def test_a_link_post_has_its_link_above_its_words(place: Place) -> None:
    post = await arrives(
        place, type="Page", name="A good article", content="<p>What do you think?</p>", attachment=[STORY]
    )
    page = await read(place, f"/g/pub/t/{post}")
    assert page.index(LINKED) < page.index("What do you think?")
    named = await arrives(place, content="<p>x</p>", attachment=[{**STORY, "name": "The story"}])
    assert "<bdi>The story</bdi></a>" in await read(place, f"/g/pub/t/{named}")


async def test_a_picture_is_named_by_what_it_shows_and_is_asked_of_nobody(place: Place) -> None:
    post = await arrives(place, content="<p>This morning.</p>", attachment=[PICTURE, NAMELESS])
    page = await read(place, f"/g/pub/t/{post}")
    assert f"Picture: A sunrise</span> {SHOWN}" in page
    assert "Picture, not described</span> " in page
    assert "<img" not in page and 'src="https://x.example' not in page


async def test_a_post_that_is_only_a_picture_says_so_wherever_it_is_named(place: Place) -> None:
    post = await arrives(place, content="", attachment=[PICTURE])
    page = await read(place, f"/g/pub/t/{post}")
    assert "Picture: A sunrise</h1>" in page and SHOWN in page and "No words" not in page
    for path, name in (("/g/pub", None), ("/home", "wren")):
        listed = await read(place, path, name)
        assert f'/t/{post}">Picture: A sunrise</a>' in listed, path


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sensitive": True}, sentences.COVERED),
        ({"sensitive": True, "summary": "death and grief"}, "Content note: <bdi>death and grief</bdi>"),
        (
            {"summary": "<p>Talk of <em>loss</em> &amp; grief</p>"},
            "Content note: <bdi>Talk of loss & grief</bdi>",
        ),
    ],
)
async def test_what_is_marked_as_sensitive_is_covered_everywhere(
    place: Place, more: dict[str, Any], said: str
) -> None:
    post = await arrives(place, content="<p>Forty candles.</p>", attachment=[PICTURE], **more)
    page = await read(place, f"/g/pub/t/{post}")
    fold = page.split('<details class="fold">')[1].split("</details>")[0]
    assert f"<span>{said}</span></summary>" in fold and "Forty candles." in fold and SHOWN in fold
    assert page.count("Forty candles.") == 1 and page.count("A sunrise") == 1
    for path, name in (("/g/pub", None), ("/home", "wren")):
        listed = await read(place, path, name)
        assert said in listed and "Forty candles." not in listed and "A sunrise" not in listed, path
    titled = await arrives(place, name="A hard year", content="<p>Forty candles.</p>", **more)
    listed = await read(place, "/g/pub")
    assert f'/t/{titled}">A hard year</a>' in listed and "Forty candles." not in listed
    assert f'<span class="tag">{said}</span>' in listed


async def test_a_reply_does_not_quote_what_is_covered(place: Place) -> None:
    root = await arrives(place, content="<p>First.</p>")
    uri = await place.value("select uri from posts where id = $1", root)
    covered = await arrives(place, content="<p>Forty candles.</p>", sensitive=True, inReplyTo=uri)
    there = await place.value("select uri from posts where id = $1", covered)
    await arrives(place, content="<p>I know.</p>", inReplyTo=there)
    page = await read(place, f"/g/pub/t/{root}")
    assert "Replying to" in page and page.count("Forty candles.") == 1


async def test_moderators_see_what_stands_beside_a_post(place: Place) -> None:
    post = await arrives(place, content="", sensitive=True, attachment=[PICTURE, STORY])
    wren = place.people["wren"]
    await reporting.report(
        place.db,
        place.deps.instance,
        wren,
        target_id=None,
        post_ids=(PostId(post),),
        reason="rule",
        body="Look.",
    )
    reports = await read(place, "/mod/reports", "asha")
    assert "<bdi>io</bdi>, marked as sensitive</span>" in reports and SHOWN in reports and LINKED in reports
    async with place.db.transaction() as tx:
        await tx.execute("update posts set standing = 'held' where id = $1", post)
    held = await read(place, "/mod/held", "asha")
    assert f"<span>{sentences.COVERED}</span>" in held and SHOWN in held and LINKED in held


async def test_a_title_from_elsewhere_does_not_begin_with_the_groups_handle(place: Place) -> None:
    tag = [{"type": "Mention", "href": place.uris["pub"], "name": "@pub@support.example"}]
    post = await arrives(
        place, type="Article", name="@pub@support.example Nights", content="<p>x</p>", tag=tag
    )
    assert "Nights</h1>" in await read(place, f"/g/pub/t/{post}")
    assert await place.value("select title from posts where id = $1", post) == "Nights"


def test_files_are_read_as_what_they_are() -> None:
    stored = (
        '[{"kind": "Document", "url": "https://x.example/a", "media_type": "video/mp4",'
        ' "alt": "Rain\\n on tin"},'
        ' {"kind": "Audio", "url": "https://x.example/b", "media_type": "", "alt": ""},'
        ' {"kind": "Document", "url": "https://x.example/c", "media_type": "application/pdf", "alt": null},'
        ' {"kind": "Link", "url": "https://x.example/d/", "media_type": "text/html", "alt": ""},'
        ' {"kind": "Link", "url": "javascript:alert(1)"}, {"kind": "Image"}]'
    )
    found = files.read(stored)
    assert [(file.kind, file.name) for file in found] == [
        ("link", ""), ("film", "Rain on tin"), ("sound", ""), ("file", ""),
    ]  # fmt: skip
    assert [sentences.named(file) for file in found] == [
        "x.example/d", "Video: Rain on tin", "Sound, not described", "File, not described",
    ]  # fmt: skip
    assert files.read("[]") == () and files.read_one(None) is None
    far = Uri(f"https://x.example/{'d' * 200}")
    assert File("link", far, "").place == f"x.example/{'d' * 70}…"
