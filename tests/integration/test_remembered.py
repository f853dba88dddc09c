"""What servers that sign are given without asking the database: only while it would tell of every change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from federation.uris import Uri
from fediverse_support.db.pool import Db
from fediverse_support.db.remembered import SURE_FOR, Remembered
from fediverse_support.reads import federation
from tests.conftest import Clock, Queries
from tests.integration.edge import Peer, Town, make_town

pytestmark = pytest.mark.postgres
IO = Peer(Uri("https://masto.example/users/io"))
SUSPEND = """
insert into domain_rules (domain, severity, created_at, updated_at)
values ('masto.example', 'suspend', now(), now())
"""
HANG_UP = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and query like '%pg_listening_channels%' and pid <> pg_backend_pid()
"""


@pytest.fixture
def remembered() -> Remembered:
    return Remembered()


@pytest.fixture
async def town(db: Db, clock: Clock, remembered: Remembered) -> Town:
    found = await make_town(db, clock, remembered=remembered)
    found.meet(IO)
    await found.run(
        "with made as (insert into accounts (name, password_hash, created_at) values ('wren', 'x', now())"
        " returning id) update actors set account_id = (select id from made) where name = 'wren'"
    )
    return found


@asynccontextmanager
async def listening(remembered: Remembered, db: Db) -> AsyncIterator[None]:
    """Run the ear until it is sure."""
    ear = asyncio.create_task(remembered.listen(db))
    try:
        await until(lambda: remembered.is_sure)
        yield
    finally:
        ear.cancel()
        await asyncio.wait([ear])


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():
            await asyncio.sleep(0.01)


async def read_twice(town: Town) -> None:
    """Have the document kept, and then what it rests on."""
    for _ in range(2):
        assert (await town.get(town.wren.uri, IO)).status == 200


async def test_while_nothing_changes_a_signed_read_asks_the_database_nothing(
    town: Town, db: Db, remembered: Remembered, queries: Queries
) -> None:
    async with listening(remembered, db):
        await read_twice(town)
        queries.forget()
        got = await town.get(town.wren.uri, IO)
        assert (got.status, "endpoints" in got.json) == (200, True)
        assert not [each for each in queries.seen if "pg_listening_channels" not in each]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (SUSPEND, 403),
        (SUSPEND.replace("'masto.example'", "'example'"), 403),
        ("update actors set standing = 'deleted' where name = 'wren'", 410),
        ("update accounts set standing = 'pending'", 404),
    ],
)
async def test_a_change_is_told_and_counts_from_then_on(
    town: Town, db: Db, remembered: Remembered, change: str, status: int
) -> None:
    async with listening(remembered, db):
        await read_twice(town)
        before = remembered.edition
        await town.run(change)
        await until(lambda: remembered.edition != before)
        assert (await town.get(town.wren.uri, IO)).status == status


async def test_nothing_is_remembered_once_the_session_that_listens_is_lost(
    town: Town, db: Db, remembered: Remembered, queries: Queries
) -> None:
    async with listening(remembered, db):
        await read_twice(town)
        await town.run(HANG_UP)
        await until(lambda: not remembered.is_sure)
        queries.forget()
        assert (await town.get(town.wren.uri, IO)).status == 200
        assert federation.FIND_STAMP in queries.seen


async def test_where_nobody_listens_every_read_asks(
    town: Town, remembered: Remembered, queries: Queries
) -> None:
    await read_twice(town)
    queries.forget()
    await read_twice(town)
    assert queries.seen.count(federation.FIND_STAMP) == 2
    assert not remembered.is_sure


async def test_a_group_that_is_closed_is_there_for_nobody_from_then_on(
    town: Town, db: Db, remembered: Remembered
) -> None:
    async with listening(remembered, db):
        for _ in range(2):
            assert (await town.get(town.open_group.uri, IO)).status == 200
        before = remembered.edition
        await town.run("update groups set kind = 'home'")
        await until(lambda: remembered.edition != before)
        assert (await town.get(town.open_group.uri, IO)).status == 404


async def test_what_was_asked_for_before_a_change_is_not_kept_after_it() -> None:
    remembered = Remembered(clock=lambda: 0.0)
    remembered.confirm(0.0)
    edition = remembered.edition
    remembered.forget()
    remembered.keep("rule", (None,), edition)
    assert remembered.recall("rule") is None
    remembered.keep("rule", (None,), remembered.edition)
    assert remembered.recall("rule") == (None,)


async def test_a_silent_session_is_believed_for_a_moment_only() -> None:
    now = [0.0]
    remembered = Remembered(clock=lambda: now[0])
    remembered.confirm(0.0)
    remembered.keep("rule", (None,), remembered.edition)
    assert remembered.recall("rule") == (None,)
    now[0] = SURE_FOR + 0.1
    assert remembered.recall("rule") is None


async def test_changes_of_what_nobody_keeps_are_told_to_nobody(
    town: Town, db: Db, remembered: Remembered
) -> None:
    async with listening(remembered, db):
        before = remembered.edition
        await town.run("update actors set display_name = 'Io Two' where host is not null")
        await town.run("update actors set display_name = display_name where host is null")
        await town.run("update accounts set password_hash = 'another'")
        await town.run(SUSPEND)
        await until(lambda: remembered.edition != before)
        assert remembered.edition == before + 1
