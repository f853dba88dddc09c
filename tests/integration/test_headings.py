"""How a thread from elsewhere is called here: by what its author says, not by how it got here."""

from __future__ import annotations

import pytest

from fediverse_support.db.pool import Db
from tests.conftest import Clock
from tests.security.conftest import quick_keys
from tests.security.support import BASE, IO, Place, make_place

__all__ = ["quick_keys"]


@pytest.fixture
async def place(db: Db, clock: Clock) -> Place:
    return await make_place(db, clock)


def link(text: str) -> str:
    return (
        f'<span class="h-card"><a href="{BASE}/g/pub" class="u-url mention" rel="nofollow">@<span>{text}'
        "</span></a></span>"
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (f"<p>{link('pub')} Cannot sleep again</p><p>Third night.</p>", "Cannot sleep again\nThird night."),
        (f"<p>{link('pub@support.example')}</p><p>Third night.</p>", "Third night."),
        (f"<p>{link('PUB')}: {link('pub')} again</p>", "again"),
        ("<p>@pub@support.example, hello</p>", "hello"),
        (f"<p>Hello {link('pub')}</p>", "Hello @pub"),
        (f"<p>{link('pub')}</p>", "@pub"),
        ("<p>@public matters</p>", "@public matters"),
        ("<p>@pub@other.example said so</p>", "@pub@other.example said so"),
        ("<p>@pub-night today</p>", "@pub-night today"),
    ],
)
async def test_a_thread_from_elsewhere_is_not_called_by_the_groups_handle(
    place: Place, content: str, text: str
) -> None:
    tag = [{"type": "Mention", "href": place.uris["pub"], "name": "@pub@support.example"}]
    note = place.note(IO, content=content, tag=tag)
    assert (await place.deliver(place.act("Create", IO, note), IO)).status == 202
    row = await place.post_of(note["id"])
    assert row is not None and row["body_text"] == text
    assert row["body_html"].count("@") == content.count("@"), "what they wrote stays as it is"
    page = (await place.get(f"/g/pub/t/{row['id']}", accept="text/html")).body.decode()
    heading = page.split("<h1")[1].split("</h1>")[0].split(">", 1)[1].strip()
    assert heading == text.replace("\n", " ")
    changed = {**note, "content": f"{content}<p>Edited.</p>"}
    assert (await place.deliver(place.act("Update", IO, changed), IO)).status == 202
    row = await place.post_of(note["id"])
    assert row is not None
    assert row["body_text"] == ("Edited." if text == "@pub" else f"{text}\nEdited.")
