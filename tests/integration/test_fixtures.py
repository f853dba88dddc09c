"""The ground the other tests stand on: an empty database, clones, and counted queries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fediverse_support.db import pool
from fediverse_support.db.pool import Db
from tests.conftest import Clock, Queries

INSERT = "insert into tombstones (uri, deleted_at) values ($1, $2)"
COUNT = "select count(*) from tombstones"


async def test_a_test_may_leave_rows_behind(db: Db) -> None:
    async with db.transaction() as tx:
        await tx.execute(INSERT, "https://peer.example/1", db.now())
        assert await tx.fetchval(COUNT) == 1


async def test_the_next_test_finds_none_of_them(db: Db) -> None:
    async with db.connection() as conn:
        assert await conn.fetchval(COUNT) == 0


async def test_queries_are_counted_without_transaction_words(db: Db, queries: Queries) -> None:
    async with db.transaction() as tx:
        await tx.fetchval(COUNT)
        await tx.fetchval(COUNT)
    assert queries.seen == [COUNT, COUNT]
    queries.forget()
    async with db.connection() as conn:
        await conn.fetchval(COUNT)
    assert queries.count == 1


async def test_time_stands_still_until_the_test_moves_it(db: Db, clock: Clock) -> None:
    before = db.now()
    clock.pass_by(hours=3)
    assert (db.now() - before).total_seconds() == 3 * 3600


async def test_clones_are_apart(db: Db, fresh_database: Callable[[], Awaitable[str]]) -> None:
    one, two = await pool.open_db(await fresh_database()), await pool.open_db(await fresh_database())
    try:
        async with one.transaction() as tx:
            await tx.execute(INSERT, "https://peer.example/1", one.now())
        async with two.connection() as conn:
            assert await conn.fetchval(COUNT) == 0
    finally:
        await one.close()
        await two.close()
