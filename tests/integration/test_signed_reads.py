"""What servers that sign are given from memory: the same as before, and nothing once a rule is in force."""

from __future__ import annotations

import pytest

from federation.uris import Uri
from fediverse_support.db.pool import Db
from fediverse_support.reads import federation
from tests.conftest import Clock, Queries
from tests.integration.edge import Peer, Town, make_town

pytestmark = pytest.mark.postgres
IO = Peer(Uri("https://masto.example/users/io"))


@pytest.fixture
async def town(db: Db, clock: Clock) -> Town:
    found = await make_town(db, clock)
    found.meet(IO)
    return found


async def test_a_second_signed_read_asks_only_whether_anything_changed(town: Town, queries: Queries) -> None:
    first = await town.get(town.wren.uri, IO)
    queries.forget()
    second = await town.get(town.wren.uri, IO)
    assert (second.status, second.body, second.headers) == (200, first.body, first.headers)
    assert "endpoints" in second.json
    assert federation.FIND_ACTOR not in queries.seen


async def test_a_change_is_seen_by_the_next_signed_read(town: Town) -> None:
    await town.get(town.wren.uri, IO)
    await town.run(
        "update actors set display_name = 'Wren Two', updated_at = updated_at + interval '1 second'"
        " where id = $1",
        town.wren.id,
    )
    assert (await town.get(town.wren.uri, IO)).json["name"] == "Wren Two"
    await town.run("update actors set standing = 'suspended' where id = $1", town.wren.id)
    assert (await town.get(town.wren.uri, IO)).json["suspended"] is True
    await town.run("update actors set standing = 'deleted' where id = $1", town.wren.id)
    assert (await town.get(town.wren.uri, IO)).status == 410


async def test_a_server_that_was_suspended_since_gets_nothing_that_is_kept(town: Town) -> None:
    assert (await town.get(town.wren.uri, IO)).status == 200
    await town.run(
        "insert into domain_rules (domain, severity, created_at, updated_at)"
        " values ('masto.example', 'suspend', now(), now())"
    )
    assert (await town.get(town.wren.uri, IO)).status == 403


async def test_what_is_kept_for_those_who_sign_is_for_nobody_with_a_wrong_signature(town: Town) -> None:
    assert (await town.get(town.wren.uri, IO)).status == 200
    assert (await town.get(town.wren.uri, Peer(IO.uri, key="other"))).status == 401
    assert "endpoints" not in (await town.get(town.wren.uri)).json
