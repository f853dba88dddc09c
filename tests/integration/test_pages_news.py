"""What is new for somebody: decisions first, nothing lost behind answers, and no claim that is not so."""

from __future__ import annotations

import html
import re

import pytest

from fediverse_support.actions.moderation import moderating
from fediverse_support.db.pool import Db
from fediverse_support.web.words import sentences
from tests.conftest import Clock
from tests.integration.site import Site, make_site
from tests.integration.test_pages_states import a_group_elsewhere

pytestmark = pytest.mark.postgres

UP_TO_DATE = "That is everything new. You are up to date."


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def answers(site: Site, root: int, number: int) -> None:
    """Let Marlow have answered Wren so often, as far as notices tell."""
    async with site.db.transaction() as tx:
        await tx.execute(
            "insert into notifications (account_id, person_id, kind, actor_id, post_id, created_at)"
            " select $1, $6, 'reply', $2, $3, $4 from generate_series(1, $5::int)",
            site.people["wren"].account_id, site.people["marlow"].actor_id, root, site.db.now(), number,
            site.people["wren"].actor_id,
        )  # fmt: skip


async def test_a_decision_does_not_vanish_behind_answers(site: Site) -> None:
    post = await site.writes("wren", "Something unkind.", group="frontroom")
    root = await site.writes("wren", "Hello.", group="frontroom")
    await moderating.remove_post(site.db, site.deps.instance, site.people["asha"], post)
    await answers(site, root, 250)
    home = (await site.get("/home", "wren")).text
    assert sentences.NOTICES["removed"] in home and home.count("marlow replied to you") == 5
    assert home.index(sentences.NOTICES["removed"]) < home.index("marlow replied to you")
    assert 'href="/home/earlier"' in home and UP_TO_DATE not in home


async def test_all_of_thirty_days_is_found_page_by_page(site: Site, clock: Clock) -> None:
    root = await site.writes("wren", "Hello.", group="frontroom")
    await answers(site, root, 3)
    clock.pass_by(days=31)
    hidden = await site.writes("marlow", "Not for Wren.", group="cafe")
    await answers(site, root, 2)
    await answers(site, hidden, 230)
    async with site.db.transaction() as tx:
        await tx.execute("update posts set standing = 'held' where id = $1", hidden)
    await answers(site, root, 43)
    where, seen = "/home/earlier", 0
    for _ in range(9):
        page = (await site.get(where, "wren")).text
        seen += page.count("marlow replied to you")
        further = re.search(r'href="(/home/earlier\?before=\d+)"', page)
        if further is None:
            break
        where = further[1]
    assert seen == 45 and "There is nothing earlier." in page
    assert (await site.get("/home/earlier?before=x", "wren")).status_code == 200
    assert (await site.get("/home/earlier")).status_code == 303


async def test_up_to_date_is_said_only_where_it_is_so(site: Site) -> None:
    for number in range(3):
        await site.writes("marlow", f"Number {number}.", group="frontroom")
    assert UP_TO_DATE in (await site.get("/home", "wren")).text
    await site.writes("marlow", "One more.", group="frontroom")
    home = (await site.get("/home", "wren")).text
    assert UP_TO_DATE not in home and "More in <bdi>The front room</bdi>" in home


async def test_groups_of_one_name_are_told_apart_by_their_servers(site: Site) -> None:
    await a_group_elsewhere(site, "The front room", "wren", "marlow")
    root = await site.writes("wren", "Hello.", group="front@far.example", title="A walk")
    await site.writes("marlow", "Hello too.", parent=root)
    far = 'The front room</bdi> <span class="from">on <bdi>far.example</bdi></span>'
    home = (await site.get("/home", "wren")).text
    assert home.count(far) == 2 and "The front room</bdi></a>" in home
    for page in ("/@wren", f"/g/front@far.example/t/{root}", "/g/front@far.example/write"):
        assert far in (await site.get(page, "wren")).text, page


async def test_moderators_read_on_their_page_that_something_waits(site: Site) -> None:
    said = "Something waits for the team"
    assert said not in (await site.get("/home", "asha")).text
    assert "Nothing is waiting." in (await site.get("/mod/held", "asha")).text
    post = await site.writes("wren", "Something unkind.", group="frontroom")
    await site.post(f"/post/{post}/tell-us", "marlow", {"reason": "rule", "body": "This hurt."})
    home = (await site.get("/home", "asha")).text
    assert f'<a href="/mod/reports">{said}</a>' in home
    assert said not in (await site.get("/home", "wren")).text
    held = html.unescape((await site.get("/mod/held", "asha")).text)
    assert "Nothing is waiting." not in held and "No posts wait. Reports wait." in held
    assert '/mod/reports">Reports</a> <span class="small" id="waits-2">wait</span>' in held
    assert 'href="/mod/messages">Messages</a></span>' in held


async def test_a_like_from_elsewhere_is_told_in_words_with_the_way_to_the_post(site: Site) -> None:
    post = await site.writes("wren", "A long night.", group="cafe")
    async with site.db.transaction() as tx:
        await tx.execute(
            "with u as (insert into actors (uri, kind, host, handle_host, name, display_name, inbox_uri,"
            "     created_at, updated_at)"
            "   values ('https://far.example/u/io', 'person', 'far.example', 'far.example', 'io', 'Io',"
            "     'https://far.example/i', $1, $1) returning id, uri),"
            " r as (insert into reactions (actor_id, actor_uri, post_id, proof, reacted_at)"
            "   select id, uri, $2, 'signature', $1 from u)"
            " insert into notifications (account_id, person_id, kind, actor_id, post_id, created_at)"
            " select $3, $4, 'liked', id, $2, $1 from u",
            site.db.now(), post, site.people["wren"].account_id, site.people["wren"].actor_id,
        )  # fmt: skip
    told = f'<a href="/post/{post}">Io liked what you wrote. Only you can see this</a>'
    for page in ("/home", "/home/earlier"):
        assert told in (await site.get(page, "wren")).text
        assert "liked what you wrote" not in (await site.get(page, "marlow")).text
