"""What a rule about many servers would cut is counted in one go, however their numbers lie."""

from __future__ import annotations

import pytest

from fediverse_support.db.pool import Db
from fediverse_support.reads.moderation import servers
from tests.conftest import Clock
from tests.integration.edge import Town, make_town

pytestmark = pytest.mark.postgres
COMMON = "select have_common_host(hosts_of($1), hosts_of($2))"


@pytest.fixture
async def town(db: Db, clock: Clock) -> Town:
    return await make_town(db, clock)


async def test_copies_at_any_server_below_a_domain_are_counted_once(town: Town) -> None:
    for number, host in ((3, "a.example"), (130, "b.example"), (131, "c.other")):
        await town.run("insert into peers (host, number) values ($1, $2)", host, number)
        await town.run(
            "insert into actors (uri, kind, host, name, inbox_uri, created_at, updated_at)"
            " values ('https://' || $1 || '/u', 'person', $1, 'u', 'https://' || $1 || '/i', now(), now())",
            host,
        )
    for how, hosts in (("delivered", [3, 130]), ("fetched", [131]), ("delivered", [131]), ("fetched", [])):
        said = await town.say()
        await town.run(
            "insert into copies (post_id, how, hosts, since_at) values ($1, $2, hosts_of($3), now())",
            said.id, how, hosts,
        )  # fmt: skip
        if how == "delivered" and 3 in hosts:
            await town.run(
                "insert into copies (post_id, how, hosts, since_at)"
                " values ($1, 'fetched', hosts_of('{130}'), now())",
                said.id,
            )
    async with town.db.connection() as conn:
        for domain, count in (
            ("example", 1), ("a.example", 1), ("b.example", 1), ("c.other", 2), ("other", 2), ("nobody", 0),
        ):  # fmt: skip
            found = await servers.get_server(conn, domain)
            assert (domain, found.our_posts_held) == (domain, count)


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [([1], [1], True), ([1], [2], False), ([70, 1], [1], True), ([70], [1], False), ([], [1], False)],
)
async def test_sets_of_any_length_can_be_compared(
    town: Town, one: list[int], other: list[int], common: bool
) -> None:
    assert await town.run(COMMON, one, other) is common
    assert await town.run(COMMON, other, one) is common
