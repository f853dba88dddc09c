"""One post for many servers is written a bounded number of rows at a time, and to each server in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

import pytest

from federation import vocab
from federation.uris import Uri
from fediverse_support.actions import local_keys
from fediverse_support.store.exchange import fanning
from fediverse_support.store.people import follows, remote_actors
from tests.builders import key_maker
from tests.conftest import Clock
from tests.federation.internet import Internet
from tests.federation.world import Server, World

pytestmark = pytest.mark.postgres

HOSTS = 20
ORDER = """
select d.host, array_agg(d.post_id order by d.id) = array_agg(d.post_id order by d.post_id) as in_order,
       count(*) as count, count(distinct d.activity_id) as activities
from deliveries d group by d.host
"""
# Each statement of a transaction has a number, which its rows bear.
STATEMENTS = "select count(*) as count from deliveries group by xmin::text, cmin::text"


async def follow(server: Server, group: str, now: Clock) -> None:
    """Let somebody on each server follow a group, half of them on servers that know groups."""
    made = server.groups[group]
    async with server.db.transaction() as tx:
        for number in range(HOSTS):
            uri = Uri(f"https://h{number:02}.example/u")
            actor = vocab.Actor(id=uri, kind="Person", preferred_username="u", inbox=Uri(f"{uri}/inbox"))
            row = await remote_actors.upsert(tx, actor, now.at)
            assert row is not None
            await follows.upsert(tx, Uri(f"{uri}/f"), row, made, "accepted", "Follow", now.at)
            await tx.execute(
                "insert into peers (host, announce_class) values ($1, $2) on conflict (host) do update"
                " set announce_class = excluded.announce_class",
                f"h{number:02}.example",
                ("activity", "object")[number % 2],
            )


@pytest.mark.parametrize("most", [1, 7, 10, 1_000])
async def test_a_fan_out_is_written_in_bounded_statements(
    fresh_database: Callable[[], Awaitable[str]],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
) -> None:
    monkeypatch.setattr(local_keys, "make_key_pair", key_maker())
    monkeypatch.setattr(fanning, "MOST_AT_ONCE", most)
    world = World(fresh_database, clock, Internet(clock, Random(1)))
    server = await world.server("a.example")
    await server.a_person("wren")
    await server.a_group("sleepless")
    await follow(server, "sleepless", clock)
    for number in range(3):
        await server.posts("wren", "Tea helps.", to="sleepless", title=f"Evening {number}")
    found = await server.rows(ORDER)
    statements = [row["count"] for row in await server.rows(STATEMENTS)]
    kept = await server.value("select count(*) from activities where verb = 'Announce'")
    await world.close()
    assert len(found) == HOSTS
    assert {(row["count"], row["activities"], row["in_order"]) for row in found} == {(3, 3, True)}
    assert max(statements) <= most
    assert kept == 6  # each once, however many statements told of it
