"""Conversations of several pages: everybody lands on the post, and finds the way back and forth."""

from __future__ import annotations

import html
import re

import pytest

from fediverse_support.db.pool import Db
from tests.integration.site import Site, make_site, went_to

pytestmark = pytest.mark.postgres

MANY = """
insert into posts (uri, kind, author_id, group_id, written_in, root_id, parent_id, audience, standing,
    body_html, body_text, published_at, active_at, created_at)
select 'https://support.example/ap/o/n' || i, 'Note', $1, $2, 'home', $3, $3, 'group', 'visible',
       'Reply ' || i, 'Reply ' || i, $4, $4, $4
from generate_series($5::int, $6::int) i order by i
"""


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def answered(site: Site, root: int, first: int, last: int) -> None:
    """Let Marlow answer again and again."""
    async with site.db.transaction() as tx:
        await tx.execute(
            MANY, site.people["marlow"].actor_id, site.groups["frontroom"], root, site.db.now(), first, last
        )


async def number_of(site: Site, reply: int) -> int:
    return int(await site.value("select id from posts where body_text = $1", f"Reply {reply}"))


def shown(text: str) -> list[int]:
    return [int(number) for number in re.findall(r">Reply (\d+)<", text)]


def links(text: str, words: str) -> list[str]:
    return [html.unescape(where) for where in re.findall(rf'href="([^"]+)">{words}', text)]


async def follow_to(site: Site, where: str, name: str) -> str:
    """Open an address as a browser does, and check that the post it names is on the page."""
    got = await site.get(where, name)
    if got.status_code == 303:
        where = str(got.headers["location"])
        got = await site.get(where.partition("#")[0], name)
    assert got.status_code == 200
    anchor = where.partition("#")[2]
    assert f'id="{anchor}"' in got.text, "the address names a post that is not on the page"
    return got.text


async def test_who_replies_in_a_long_conversation_lands_on_their_reply(site: Site) -> None:
    root = await site.writes("tansy", "Here is a long one.", group="frontroom", title="Long")
    await answered(site, root, 1, 45)
    sent = await site.post(f"/g/frontroom/t/{root}/reply", "wren", {"body": "And mine."})
    where = went_to(sent)
    page = await site.get(where.partition("#")[0], "wren")
    assert page.status_code == 200
    assert f'id="{where.partition("#")[2]}"' in page.text and "And mine." in page.text
    assert shown(page.text) == list(range(37, 46))


async def test_a_notice_leads_to_the_reply_wherever_it_stands(site: Site) -> None:
    root = await site.writes("tansy", "Here is a long one.", group="frontroom", title="Long")
    own = await site.writes("wren", "Me too.", parent=root)
    await answered(site, root, 1, 45)
    answer = await site.writes("marlow", "How so?", parent=own)
    home = (await site.get("/home", "wren")).text
    (notice,) = links(home, "marlow replied to you")
    assert "How so?" in await follow_to(site, notice, "wren")
    for number in (1, 29, 30, 31, 45):
        assert f">Reply {number}<" in await follow_to(site, f"/post/{await number_of(site, number)}", "wren")
    await follow_to(site, f"/post/{answer}", "tansy")
    await follow_to(site, f"/post/{root}", "tansy")


async def test_pages_of_a_conversation_lead_forth_and_back(site: Site) -> None:
    root = await site.writes("tansy", "Here is a long one.", group="frontroom", title="Long")
    await answered(site, root, 1, 95)
    base = f"/g/frontroom/t/{root}"
    text = (await site.get(base, "wren")).text
    assert shown(text) == list(range(1, 31)) and not links(text, "Earlier replies")
    seen = shown(text)
    while later := links(text, "Later replies"):
        text = (await site.get(later[0], "wren")).text
        seen += shown(text)
        assert links(text, "The first post") == [base]
    assert seen == list(range(1, 96))
    back = shown(text)
    while earlier := links(text, "Earlier replies"):
        text = (await site.get(earlier[0], "wren")).text
        back = shown(text) + back
    assert back == list(range(1, 96)) and "Here is a long one." in text
    middle = await follow_to(site, f"/post/{await number_of(site, 50)}", "wren")
    assert shown(middle) == list(range(41, 71))
    before = (await site.get(links(middle, "Earlier replies")[0], "wren")).text
    assert shown(before) == list(range(11, 41))
    first = (await site.get(links(before, "Earlier replies")[0], "wren")).text
    assert shown(first) == list(range(1, 31))


async def test_a_reply_names_what_it_answers_also_on_another_page(site: Site) -> None:
    root = await site.writes("tansy", "Here is a long one.", group="frontroom", title="Long")
    own = await site.writes("wren", "I made his soup.", parent=root)
    kept = await site.writes("wren", "Something hard.", parent=root, warning="grief")
    await answered(site, root, 1, 45)
    far = await site.writes("marlow", "Which soup?", parent=own)
    hard = await site.writes("marlow", "I am here.", parent=kept)
    text = html.unescape(await follow_to(site, f"/post/{far}", "tansy"))
    assert f'<a href="/post/{own}">Replying to <bdi>wren</bdi>: “<bdi>I made his soup.</bdi>”</a>' in text
    assert f'<a href="/post/{kept}">Replying to <bdi>wren</bdi></a>' in text
    await follow_to(site, f"/post/{own}", "tansy")
    near = await site.writes("wren", "Leek.", parent=far)
    assert f'<a href="#p{far}">Replying to' in await follow_to(site, f"/post/{near}", "tansy")
    await site.post(f"/post/{kept}/remove", "wren")
    assert f"/post/{kept}" not in await follow_to(site, f"/post/{hard}", "tansy")
