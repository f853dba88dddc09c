"""Following through the client API: joining a group, asking a person, and what comes of it."""

from __future__ import annotations

import pytest

from fediverse_support.db.pool import Db
from tests.integration.api import (
    APPOINTMENTS,
    FRONTROOM,
    GARDEN,
    IO,
    TANSY,
    WREN,
    Api,
    give_token,
    make_api,
)

pytestmark = pytest.mark.postgres
STATUSES = "/api/v1/statuses"


@pytest.fixture
async def api(db: Db) -> Api:
    return await make_api(db, newcomer_posts_held=0)


async def test_following_is_joining(api: Api) -> None:
    got = await api.post(f"/api/v1/accounts/{GARDEN}/follow", "tansy")
    assert got.status_code == 200, got.text
    assert (got.json()["following"], got.json()["requested"]) == (True, False)
    again = await api.post(f"/api/v1/accounts/{GARDEN}/follow", "tansy", reblogs=True, notify=True)
    assert again.json() == got.json()
    left = await api.post(f"/api/v1/accounts/{GARDEN}/unfollow", "tansy")
    assert (left.json()["following"], left.json()["requested"]) == (False, False)
    left = await api.post(f"/api/v1/accounts/{FRONTROOM}/unfollow", "marlow")
    assert left.json()["following"] is False
    assert (await api.get(f"/api/v1/accounts/{FRONTROOM}", "marlow")).status_code == 404


async def test_where_joining_is_asked_for_it_is_requested(api: Api) -> None:
    await api.change("update groups set approval = true where actor_id = $1", APPOINTMENTS)
    got = await api.post(f"/api/v1/accounts/{APPOINTMENTS}/follow", "tansy")
    assert (got.json()["following"], got.json()["requested"]) == (False, True)
    assert (await api.json(f"/api/v1/accounts/{APPOINTMENTS}", "tansy"))["locked"] is True


async def test_following_somebody_elsewhere_waits_for_their_server(api: Api) -> None:
    got = await api.post(f"/api/v1/accounts/{IO}/follow", "wren")
    assert (got.json()["following"], got.json()["requested"]) == (False, True)


async def test_a_person_here_is_asked(api: Api) -> None:
    assert (await api.json(f"/api/v1/accounts/{WREN}", "tansy"))["locked"] is True
    got = await api.post(f"/api/v1/accounts/{WREN}/follow", "tansy")
    assert (got.json()["following"], got.json()["requested"]) == (False, True)
    asked = await api.json("/api/v1/notifications", "wren")
    assert [(each["type"], each["account"]["username"]) for each in asked] == [("follow_request", "tansy")]
    assert await api.json("/api/v1/notifications", "wren", **{"types[]": "follow"}) == []
    assert await api.ids("/api/v1/follow_requests", "wren") == [TANSY]
    assert await api.ids("/api/v1/follow_requests", "tansy") == []

    yes = f"/api/v1/follow_requests/{TANSY}/authorize"
    assert (await api.post(yes, "heron")).status_code == 404
    assert (await api.post(yes, "wren")).json()["followed_by"] is True
    assert (await api.post(yes, "wren")).status_code == 404
    assert await api.ids("/api/v1/follow_requests", "wren") == []
    told = await api.json("/api/v1/notifications", "wren")
    assert [each["type"] for each in told] == ["follow"]
    ids = {"id[]": [WREN]}
    assert (await api.json("/api/v1/accounts/relationships", "tansy", **ids))[0]["following"] is True

    for _ in range(2):
        gone = await api.post(f"/api/v1/accounts/{TANSY}/remove_from_followers", "wren")
        assert gone.json()["followed_by"] is False
    assert (await api.json("/api/v1/accounts/relationships", "tansy", **ids))[0]["following"] is False
    assert await api.json("/api/v1/notifications", "wren") == []


async def test_a_person_here_says_no(api: Api) -> None:
    await api.post(f"/api/v1/accounts/{WREN}/follow", "tansy")
    got = await api.post(f"/api/v1/follow_requests/{TANSY}/reject", "wren")
    assert (got.json()["followed_by"], got.json()["requested_by"]) == (False, False)
    ids = {"id[]": [WREN]}
    assert (await api.json("/api/v1/accounts/relationships", "tansy", **ids))[0]["requested"] is False
    assert await api.json("/api/v1/notifications", "wren") == []


async def test_nobody_follows_themselves(api: Api) -> None:
    assert (await api.post(f"/api/v1/accounts/{WREN}/follow", "wren")).status_code == 404


async def test_a_token_for_writing_cannot_follow_unless_it_says_so(api: Api) -> None:
    await give_token(api, "narrow", WREN, ["follow"])
    async with api.client(**{"authorization": "Bearer narrow"}) as client:
        assert (await client.post(f"/api/v1/accounts/{GARDEN}/follow")).status_code == 200
        assert (await client.post(STATUSES, json={"status": "x"})).status_code == 403
