"""Home, public and account timelines: what is in them, once, in which order, and how to page through them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from fediverse_support.db.pool import Db
from tests.conftest import Queries
from tests.integration.api import (
    APPOINTMENTS,
    FRONTROOM,
    GARDEN,
    HERON,
    IO,
    MARLOW,
    TANSY,
    WREN,
    Api,
    make_api,
)

pytestmark = pytest.mark.postgres
HOME = "/api/v1/timelines/home"
PUBLIC = "/api/v1/timelines/public"
LINK = re.compile(r'<([^>]+)>; rel="(next|prev)"')


@pytest.fixture
async def api(db: Db) -> Api:
    return await make_api(db)


def links(header: str) -> dict[str, str]:
    return {name: urlsplit(url).path + "?" + urlsplit(url).query for url, name in LINK.findall(header)}


async def test_a_thread_is_once_in_home_as_its_groups_reblog(api: Api) -> None:
    await api.write(9001, MARLOW, group=FRONTROOM, announced=9002)
    home = await api.json(HOME, "wren")
    assert [status["id"] for status in home] == ["9002"]
    assert home[0]["account"]["id"] == str(FRONTROOM)
    assert home[0]["account"]["group"] is True
    assert home[0]["reblog"]["id"] == "9001"
    assert home[0]["reblog"]["account"]["acct"] == "marlow"


async def test_ones_own_thread_is_once_in_home_too(api: Api) -> None:
    await api.write(9001, WREN, group=FRONTROOM, announced=9002)
    assert await api.ids(HOME, "wren") == [9002]


async def test_a_thread_its_group_did_not_announce_is_not_in_home(api: Api) -> None:
    await api.write(9001, MARLOW, group=FRONTROOM)
    assert await api.ids(HOME, "wren") == []


async def test_a_thread_whose_boost_was_taken_back_is_not_there(api: Api) -> None:
    await api.write(9001, MARLOW, group=APPOINTMENTS, announced=9002)
    await api.change("update announces set undone_at = announced_at")
    assert await api.ids(HOME, "wren") == []


async def test_only_replies_that_concern_one_are_in_home(api: Api) -> None:
    await api.write(9001, MARLOW, group=FRONTROOM, announced=9002)
    await api.write(9003, WREN, group=FRONTROOM, parent=9001)
    await api.write(9004, MARLOW, group=FRONTROOM, parent=9003, root=9001)
    await api.write(9005, MARLOW, group=FRONTROOM, parent=9001)
    await api.write(9006, MARLOW, group=FRONTROOM, parent=9001)
    await api.mention(9006, WREN)
    assert await api.ids(HOME, "wren") == [9006, 9004, 9003, 9002]


async def test_people_followed_are_in_home_and_others_are_not(api: Api) -> None:
    await api.follow(WREN, IO)
    await api.follow(WREN, TANSY, "pending")
    await api.write(9001, IO, "for all")
    await api.write(9002, IO, "for followers", audience="followers")
    await api.write(9003, TANSY)
    await api.write(9004, HERON)
    await api.write(9005, IO, parent=9004)
    await api.write(9006, IO, parent=9001)
    assert await api.ids(HOME, "wren") == [9006, 9002, 9001]


async def test_a_held_post_is_in_its_authors_home_and_in_nobody_elses(api: Api) -> None:
    await api.write(9001, WREN, group=FRONTROOM, standing="held")
    assert [status["pending"] for status in await api.json(HOME, "wren")] == [True]
    assert await api.ids(HOME, "marlow") == []


async def test_leaving_a_group_empties_home_of_it(api: Api) -> None:
    await api.write(9001, MARLOW, group=FRONTROOM, announced=9002)
    await api.write(9003, MARLOW, group=FRONTROOM, parent=9001)
    await api.mention(9003, WREN)
    await api.change("update follows set standing = 'left' where follower_id = $1", WREN)
    assert await api.ids(HOME, "wren") == []


async def test_a_suspended_server_is_gone_from_home_and_comes_back(api: Api) -> None:
    await api.follow(WREN, IO)
    await api.write(9001, IO)
    now = api.db.now()
    await api.insert(
        "domain_rules", domain="masto.example", severity="suspend", created_at=now, updated_at=now
    )
    assert await api.ids(HOME, "wren") == []
    assert (await api.get(f"/api/v1/accounts/{IO}", "wren")).status_code == 404
    await api.change("delete from domain_rules")
    assert await api.ids(HOME, "wren") == [9001]


async def test_home_pages_down_and_up_without_gap_or_repeat(api: Api) -> None:
    for number in range(9000, 9050, 2):
        await api.write(number, MARLOW, group=FRONTROOM, announced=number + 1)
    everything = list(range(9049, 9000, -2))
    path, seen = f"{HOME}?limit=10", []
    while path:
        got = await api.get(path, "wren")
        seen += [int(status["id"]) for status in got.json()]
        path = links(got.headers["link"]).get("next", "")
    assert seen == everything
    path, seen = f"{HOME}?limit=10&min_id=0", []
    while path:
        got = await api.get(path, "wren")
        seen = [int(status["id"]) for status in got.json()] + seen
        path = links(got.headers.get("link", "")).get("prev", "")
    assert seen == everything


async def test_the_three_cursors(api: Api) -> None:
    for number in range(9001, 9010):
        await api.write(number, WREN)
    path = f"/api/v1/accounts/{WREN}/statuses"
    assert await api.ids(path, None, max_id="9004") == [9003, 9002, 9001]
    assert await api.ids(path, None, since_id="9006", limit=2) == [9009, 9008]
    assert await api.ids(path, None, min_id="9006", limit=2) == [9008, 9007]
    assert await api.ids(path, None, max_id="9008", min_id="9005") == [9007, 9006]


async def test_the_link_header_is_written_as_clients_cut_it_apart(api: Api) -> None:
    for number in range(9001, 9005):
        await api.write(number, WREN)
    path = f"/api/v1/accounts/{WREN}/statuses"
    got = await api.get(f"{path}?limit=2&exclude_replies=true&max_id=9999")
    start = f"https://support.example{path}?limit=2&exclude_replies=true"
    assert got.headers["link"] == f'<{start}&max_id=9003>; rel="next", <{start}&min_id=9004>; rel="prev"'
    last = await api.get(f"{path}?max_id=9003&limit=2")
    assert last.headers["link"] == f'<https://support.example{path}?limit=2&min_id=9002>; rel="prev"'
    assert "link" not in (await api.get(f"{path}?max_id=9001")).headers


async def test_pages_are_never_longer_than_forty(api: Api) -> None:
    for number in range(9001, 9046):
        await api.write(number, WREN)
    assert len(await api.ids(HOME, "wren", limit=4000)) == 40
    assert len(await api.ids(HOME, "wren")) == 20


async def test_public_shows_what_is_public_to_people_of_this_server(api: Api) -> None:
    await api.write(9001, MARLOW, group=APPOINTMENTS, announced=9002)
    await api.write(9003, MARLOW, group=FRONTROOM, announced=9004)
    await api.write(9005, MARLOW, group=GARDEN, announced=9006)
    await api.write(9007, TANSY, audience="unlisted")
    await api.write(9008, TANSY, audience="followers")
    await api.write(9009, IO)
    await api.write(9010, IO, standing="limited")
    await api.write(9011, TANSY)
    assert await api.ids(PUBLIC, "wren") == [9011, 9009, 9001]
    assert await api.ids(PUBLIC, "wren", local="true") == [9011, 9001]
    assert await api.ids(PUBLIC, "wren", remote="true") == [9009]
    assert await api.ids(PUBLIC) == []


async def test_a_limited_server_is_not_in_public(api: Api) -> None:
    await api.write(9001, IO)
    now = api.db.now()
    await api.insert("domain_rules", domain="example", severity="limit", created_at=now, updated_at=now)
    assert await api.ids(PUBLIC, "wren") == []


async def test_a_groups_statuses_are_its_threads(api: Api) -> None:
    await api.write(9001, MARLOW, group=FRONTROOM, announced=9002)
    await api.write(9003, WREN, group=FRONTROOM, parent=9001)
    path = f"/api/v1/accounts/{FRONTROOM}/statuses"
    assert await api.ids(path, "wren") == [9002]
    assert await api.ids(path, "wren", exclude_reblogs="true") == [9001]
    assert await api.ids(path, "wren", pinned="true") == []
    assert (await api.get(path, "tansy")).status_code == 404


async def test_a_persons_statuses_tell_nothing_of_closed_groups(api: Api) -> None:
    await api.write(9001, MARLOW)
    await api.write(9002, MARLOW, group=FRONTROOM, announced=9003)
    await api.write(9004, MARLOW, group=APPOINTMENTS, announced=9005)
    await api.write(9006, MARLOW, group=APPOINTMENTS, parent=9004)
    path = f"/api/v1/accounts/{MARLOW}/statuses"
    assert await api.ids(path, "wren") == [9006, 9004, 9001]
    assert await api.ids(path) == [9006, 9004, 9001]
    assert await api.ids(path, "marlow") == [9006, 9004, 9002, 9001]
    assert await api.ids(path, "wren", exclude_replies="true") == [9004, 9001]
    assert await api.ids(path, "wren", only_media="true") == []


async def test_four_queries_make_a_timeline_however_long(api: Api, queries: Queries) -> None:
    for number in range(9000, 9040, 2):
        await api.write(number, MARLOW, group=FRONTROOM, announced=number + 1)
        await api.mention(number, WREN)
    for path, most in ((HOME, 4), (PUBLIC, 4), (f"/api/v1/accounts/{FRONTROOM}/statuses", 5)):
        queries.forget()
        await api.json(path, "wren", limit=40)
        assert queries.count <= most, queries.seen
    for path, most in (
        ("/api/v1/statuses/9000/context", 4),
        ("/api/v1/statuses/9000", 4),
        (f"/api/v1/accounts/{MARLOW}", 2),
        ("/api/v1/accounts/relationships?id[]=101&id[]=102", 2),
        ("/api/v1/notifications", 4),
        ("/api/v1/custom_emojis", 0),
        ("/api/v1/filters", 1),
    ):
        queries.forget()
        await api.json(path, "wren")
        assert queries.count <= most, queries.seen


async def test_a_thread_reads_top_down(api: Api) -> None:
    await api.write(9001, MARLOW, group=FRONTROOM)
    await api.write(9002, WREN, group=FRONTROOM, parent=9001)
    await api.write(9003, MARLOW, group=FRONTROOM, parent=9001)
    await api.write(9004, MARLOW, group=FRONTROOM, parent=9002, root=9001)
    await api.write(9005, WREN, group=FRONTROOM, parent=9004, root=9001)
    around = await api.json("/api/v1/statuses/9001/context", "wren")
    assert [status["id"] for status in around["descendants"]] == ["9002", "9004", "9005", "9003"]
    around = await api.json("/api/v1/statuses/9004/context", "wren")
    assert [status["id"] for status in around["ancestors"]] == ["9001", "9002"]
    assert [status["id"] for status in around["descendants"]] == ["9005"]
