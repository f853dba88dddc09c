"""The page on which people answer who would like to follow them."""

from __future__ import annotations

import pytest

from fediverse_support.actions.people import following
from fediverse_support.db.pool import Db
from tests.integration.site import Site, make_site, went_to

pytestmark = pytest.mark.postgres

ANSWER = ">Accept</button>"
FOLLOW = "select id from follows where target_id = $1 and follower_id = $2"
STANDING = "select standing from follows where id = $1"
STRANGER = """
insert into actors (uri, kind, host, name, display_name, summary_html, inbox_uri, created_at, updated_at)
values ('https://masto.example/u/io', 'person', 'masto.example', 'io', 'Io <3', '<p>Bees.</p>',
        'https://masto.example/u/io/inbox', now(), now()) returning id
"""
ASKS = """
insert into follows (uri, follower_id, target_id, standing, created_at)
values ('https://masto.example/f/1', $1, $2, 'pending', now()) returning id
"""


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def asks(site: Site, name: str, whom: str) -> int:
    """Have one of the cast ask to follow another; return the row."""
    follower, target = site.people[name], site.people[whom]
    await following.follow(site.db, site.deps.instance, follower, target.actor_id)
    return int(await site.value(FOLLOW, target.actor_id, follower.actor_id))


async def stranger_asks(site: Site, whom: str) -> int:
    io = await site.value(STRANGER)
    return int(await site.value(ASKS, io, site.people[whom].actor_id))


async def test_nobody_waiting_is_said_without_a_number(site: Site) -> None:
    text = (await site.get("/followers", "wren")).text
    assert "Nobody is waiting for an answer." in text and ANSWER not in text
    assert "People who follow you</h2>" not in text
    assert went_to(await site.get("/followers")) == "/sign-in?back=%2Ffollowers"
    assert 'href="/followers"' in (await site.get("/@wren", "wren")).text
    assert 'href="/followers"' not in (await site.get("/@wren", "marlow")).text


async def test_the_page_says_who_asks_and_from_where(site: Site) -> None:
    await stranger_asks(site, "wren")
    await asks(site, "marlow", "wren")
    text = (await site.get("/followers", "wren")).text
    assert "Io &lt;3" in text and "@io@masto.example" in text and "<p>Bees.</p>" in text
    assert "@marlow</bdi>, on this server" in text
    assert text.index("@io@masto.example") < text.index("@marlow")
    assert text.count(ANSWER) == 2


async def test_accepting_and_taking_it_back(site: Site) -> None:
    number = await asks(site, "marlow", "wren")
    assert await site.value(STANDING, number) == "pending"
    home = (await site.get("/home", "wren")).text
    assert '<a href="/followers">marlow would like to follow you</a>' in home
    got = await site.post(f"/followers/{number}", "wren", {"decision": "accept"})
    assert went_to(got) == "/followers?done=accepted"
    assert await site.value(STANDING, number) == "accepted"
    text = (await site.get("/followers?done=accepted", "wren")).text
    assert "They follow you now." in text and ANSWER not in text and "Remove follower</button>" in text
    assert '<a href="/followers">marlow follows you</a>' in (await site.get("/home", "wren")).text

    got = await site.post(f"/followers/{number}", "wren", {"decision": "remove"})
    assert went_to(got) == "/followers?done=follower-removed"
    assert await site.value(STANDING, number) == "rejected"
    assert "marlow" not in (await site.get("/home", "wren")).text
    assert "said not now" not in (await site.get("/home", "marlow")).text


async def test_declining_tells_nobody(site: Site) -> None:
    number = await asks(site, "marlow", "wren")
    got = await site.post(f"/followers/{number}", "wren", {"decision": "decline"})
    assert went_to(got) == "/followers?done=declined"
    assert await site.value(STANDING, number) == "rejected"
    assert "said not now" not in (await site.get("/home", "marlow")).text
    assert "follow" not in (await site.get("/home", "wren")).text.replace("nofollow", "")


async def test_an_answer_that_comes_twice_or_too_late_changes_nothing(site: Site) -> None:
    number = await asks(site, "marlow", "wren")
    await following.unfollow(site.db, site.deps.instance, site.people["marlow"], site.people["wren"].actor_id)
    for decision in ("accept", "decline", "remove"):
        got = await site.post(f"/followers/{number}", "wren", {"decision": decision})
        assert went_to(got) == "/followers?done=answered"
    assert await site.value(STANDING, number) == "left"
    assert "Nothing was changed." in (await site.get("/followers?done=answered", "wren")).text


async def test_only_the_one_who_is_asked_answers(site: Site) -> None:
    number = await asks(site, "marlow", "wren")
    for name in ("marlow", "asha", "tom"):
        await site.post(f"/followers/{number}", name, {"decision": "accept"})
        assert "@marlow</bdi>" not in (await site.get("/followers", name)).text
    assert await site.value(STANDING, number) == "pending"
    assert (await site.post(f"/followers/{number}", "wren", {"decision": "sideways"})).status_code == 404
    assert (await site.post("/followers/no-number", "wren", {"decision": "accept"})).status_code == 404
    without_token = await site.post(f"/followers/{number}", "wren", {"decision": "accept", "token": "x"})
    assert without_token.status_code == 403
    assert await site.value(STANDING, number) == "pending"


async def test_whoever_asks_from_a_suspended_server_is_not_there(site: Site) -> None:
    await stranger_asks(site, "wren")
    async with site.db.connection() as conn:
        await conn.execute(
            "insert into domain_rules (domain, severity, created_at, updated_at)"
            " values ('masto.example', 'suspend', now(), now())"
        )
    assert "masto.example" not in (await site.get("/followers", "wren")).text
    assert "Io" not in (await site.get("/home", "wren")).text


async def test_a_wish_to_join_a_group_leads_its_moderator_elsewhere(site: Site) -> None:
    await following.follow(
        site.db, site.deps.instance, site.people["heron"], site.groups["frontroom"], is_invited=True
    )
    text = (await site.get("/home", "asha")).text
    assert '<a href="/mod/members">heron would like to join a group in your care</a>' in text
    assert "heron" not in (await site.get("/followers", "asha")).text


async def test_many_followers_come_in_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fediverse_support.reads.people.followers.PAGE", 2)
    for name in ("marlow", "tansy", "heron"):
        await site.post(f"/followers/{await asks(site, name, 'wren')}", "wren", {"decision": "accept"})
    first = (await site.get("/followers", "wren")).text
    assert "@marlow<" in first and "@tansy<" in first and "@heron<" not in first
    path = first.partition('href="/followers?after=')[2].partition('"')[0]
    second = (await site.get(f"/followers?after={path}", "wren")).text
    assert "@heron<" in second and "@tansy<" not in second and "Nobody is waiting" not in second
