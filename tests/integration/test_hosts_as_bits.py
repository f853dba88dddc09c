"""Which hosts have what: a bit for each, and nothing was lost by the change from a row for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fediverse_support.db import migrate, pool
from fediverse_support.db.pool import Db
from tests.conftest import Server

pytestmark = pytest.mark.postgres

BEFORE = """
insert into actors (id, uri, kind, name, inbox_uri, created_at, updated_at)
values (1, 'https://a.example/u', 'person', 'wren', '/inbox', now(), now());
insert into posts (id, uri, kind, author_id, root_id, audience, standing, published_at, active_at, created_at)
select n, 'https://a.example/' || n, 'Note', 1, n, 'public', 'visible', now(), now(), now()
from generate_series(1, 3) n;
insert into peers (host, software) values ('h1.example', 'known');
insert into copies (post_id, host, how, since_at)
select p, 'h' || h || '.example', case when h = 2 then 'fetched' else 'delivered' end, '2030-05-01'
from generate_series(1, 2) p, generate_series(1, 100) h where h >= p;
insert into arrivals (host, activity_ids, arrived_at)
values ('h1.example', '{7,8}', '2030-05-01'), ('h9.example', '{8}', '2030-05-02');
"""
COPIES = """
select c.post_id, c.how, array_agg(o.host order by o.host) as hosts
from copies c cross join lateral host_numbers(c.hosts) n join peers o on o.number = n
group by c.post_id, c.how
"""
ARRIVALS = """
select r.activity_id, array_agg(o.host order by o.host) as hosts, r.last_at::date::text as day
from arrivals r cross join lateral host_numbers(r.hosts) n join peers o on o.number = n
group by r.activity_id, r.last_at
"""


async def test_who_holds_what_comes_through_the_migration(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    postgres_server.made += 1
    name = f"bits_{postgres_server.made}"
    await postgres_server.run(f"create database {name} owner fediverse_support")
    dsn = postgres_server.dsn_of(name)
    for path in migrate.MIGRATIONS.glob("000[12]_*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with monkeypatch.context() as before:
        before.setattr(migrate, "MIGRATIONS", tmp_path)
        await migrate.migrate(dsn)
    conn = await pool.connect(dsn)
    try:
        await conn.execute(BEFORE)
        await migrate.migrate(dsn)
        copies = {(row["post_id"], row["how"]): set(row["hosts"]) for row in await conn.fetch(COPIES)}
        arrivals = {row["activity_id"]: (row["hosts"], row["day"]) for row in await conn.fetch(ARRIVALS)}
        known = await conn.fetchval("select software from peers where host = 'h1.example'")
    finally:
        await conn.close()
    everyone = {f"h{number}.example" for number in range(1, 101)}
    assert copies == {
        (1, "delivered"): everyone - {"h2.example"},
        (1, "fetched"): {"h2.example"},
        (2, "delivered"): everyone - {"h1.example", "h2.example"},
        (2, "fetched"): {"h2.example"},
    }
    assert arrivals == {7: (["h1.example"], "2030-05-01"), 8: (["h1.example", "h9.example"], "2030-05-02")}
    assert known == "known"


@pytest.mark.parametrize("numbers", [[], [0], [63], [64], [5, 200, 5], list(range(0, 3000, 7))])
async def test_a_set_of_hosts_holds_exactly_those_put_in(db: Db, numbers: list[int]) -> None:
    async with db.connection() as conn:
        found = await conn.fetchval("select array(select host_numbers(hosts_of($1::int[])))", numbers)
        both = await conn.fetchval(
            "select array(select host_numbers(all_hosts(hosts_of($1::int[]), hosts_of('{1, 130}'))))", numbers
        )
        held = await conn.fetch(
            "select n, has_host(hosts_of($1::int[]), n) as yes from generate_series(0, 3100) n", numbers
        )
    assert found == sorted(set(numbers))
    assert both == sorted({*numbers, 1, 130})
    assert {row["n"] for row in held if row["yes"]} == set(numbers)


async def test_a_host_keeps_its_number_and_numbers_leave_no_gaps(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    db = await pool.open_db(await fresh_database())
    try:

        async def number(host: str) -> int:
            async with db.connection() as conn:
                return int(await conn.fetchval("select peer_number($1)", host))

        first = await asyncio.gather(*(number(f"h{step % 10}.example") for step in range(40)))
        assert sorted(set(first)) == list(range(10))
        assert await asyncio.gather(*(number(f"h{step % 10}.example") for step in range(40))) == first
    finally:
        await db.close()
