"""What people whom one follows boost is at home: each post once, and only what everybody may read."""

from __future__ import annotations

import pytest

from fediverse_support.db.pool import Db
from tests.integration.api import ADA, APPOINTMENTS, FRONTROOM, IO, MARLOW, TANSY, WREN, Api, make_api

pytestmark = pytest.mark.postgres
HOME = "/api/v1/timelines/home"


@pytest.fixture
async def api(db: Db) -> Api:
    api = await make_api(db)
    await api.follow(WREN, IO)
    await api.follow(WREN, TANSY)
    return api


async def boost(api: Api, number: int, who: int, post: int) -> None:
    await api.insert(
        "announces",
        id=number,
        uri=f"https://masto.example/a/{number}",
        actor_id=who,
        post_id=post,
        announced_at=api.db.now(),
    )


async def test_what_a_followed_person_boosts_is_at_home(api: Api) -> None:
    await api.write(9001, ADA, "A walk by the sea.")
    await boost(api, 9002, IO, 9001)
    home = await api.json(HOME, "wren")
    assert [(line["id"], line["account"]["id"]) for line in home] == [("9002", str(IO))]
    assert home[0]["reblog"]["id"] == "9001"
    assert await api.ids(HOME, "marlow") == []
    assert await api.ids(HOME, "wren", min_id=9001) == [9002]


async def test_a_boost_taken_back_is_not_at_home(api: Api) -> None:
    await api.write(9001, ADA)
    await boost(api, 9002, IO, 9001)
    await api.change("update announces set undone_at = announced_at")
    assert await api.ids(HOME, "wren") == []


async def test_what_two_people_boost_is_there_once_by_who_was_first(api: Api) -> None:
    await api.write(9001, ADA)
    await boost(api, 9002, TANSY, 9001)
    await boost(api, 9003, IO, 9001)
    home = await api.json(HOME, "wren")
    assert [(line["id"], line["account"]["acct"]) for line in home] == [("9002", "tansy")]


async def test_what_is_at_home_anyway_is_not_there_again_as_a_boost(api: Api) -> None:
    await api.write(9001, WREN)
    await api.write(9002, TANSY)
    await api.write(9003, MARLOW, group=APPOINTMENTS, announced=9004)
    for number in (9001, 9002, 9003):
        await boost(api, number + 100, IO, number)
    assert await api.ids(HOME, "wren") == [9004, 9002, 9001]


@pytest.mark.parametrize(
    "hidden",
    (
        "update posts set audience = 'followers' where id = 9001",
        "update posts set standing = 'removed' where id = 9001",
        "update posts set standing = 'limited' where id = 9001",
        "update actors set standing = 'limited' where id = 302",
        "update actors set standing = 'suspended' where id = 302",
        "update actors set standing = 'suspended' where id = 301",
        "insert into domain_rules (domain, severity, created_at, updated_at)"
        " values ('pie.example', 'limit', now(), now())",
        "insert into domain_rules (domain, severity, created_at, updated_at)"
        " values ('masto.example', 'suspend', now(), now())",
    ),
)
async def test_only_what_is_public_and_of_nobody_limited_comes_by_a_boost(api: Api, hidden: str) -> None:
    await api.write(9001, ADA)
    await boost(api, 9002, IO, 9001)
    assert await api.ids(HOME, "wren") == [9002]
    await api.change(hidden)
    assert await api.ids(HOME, "wren") == []


async def test_what_stays_in_a_closed_group_comes_by_no_boost(api: Api) -> None:
    await api.follow(TANSY, FRONTROOM)
    await api.write(9001, MARLOW, group=FRONTROOM)
    await boost(api, 9002, IO, 9001)
    assert await api.ids(HOME, "tansy") == []
