"""A database that cannot serve for now: full, read-only, too slow, silent. It is nobody's fault, and nothing
is answered as if it were saved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from federation.uris import Host, Uri
from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.db import outages, pool
from fediverse_support.db.pool import Conflicted, DatabaseUnavailable, Db
from fediverse_support.domain.instance import Instance
from tests.conftest import Server

pytestmark = pytest.mark.postgres
Fresh = Callable[[], Awaitable[str]]
FAULT = "do $$ begin raise exception 'no' using errcode = '{}'; end $$"
INSERT = "insert into settings (name, value) values ('probe', 'x')"


@pytest.fixture
async def own(fresh_database: Fresh) -> AsyncIterator[Db]:
    """A database that only this test has, whose statements may take a second."""
    db = await pool.open_db(await fresh_database(), size=4, statement_seconds=1)
    yield db
    await db.close()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("53100", "disk"), ("53200", "run out"), ("53300", "no connection left"), ("57014", "too long"),
        ("57P01", "stopped"), ("58030", "disk"), ("25006", "not written"), ("55P03", "busy"),
        ("08P01", "away"),
    ],
)  # fmt: skip
async def test_what_is_nobodys_fault_may_be_tried_again(db: Db, state: str, said: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=said):
        async with db.transaction() as tx:
            await tx.execute(FAULT.format(state))


async def test_two_in_each_others_way_are_told_apart(db: Db) -> None:
    with pytest.raises(Conflicted):
        async with db.transaction() as tx:
            await tx.execute(FAULT.format("40P01"))


async def test_a_fault_of_the_statement_stays_one(db: Db) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with db.connection() as conn:
            await conn.fetchval("select 1 / 0")


async def test_a_statement_that_takes_too_long_is_given_up(own: Db) -> None:
    with pytest.raises(DatabaseUnavailable, match="too long"):
        async with own.connection() as conn:
            await conn.fetchval("select pg_sleep(30)")


async def test_a_server_that_says_nothing_is_given_up_and_left(
    own: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        async with own.connection() as conn:
            pid = await conn.fetchval("select pg_backend_pid()")
            await conn.execute("set statement_timeout = 0")
            await conn.fetchval("select pg_sleep(30)", timeout=0.2)
    async with own.connection() as conn:
        assert await conn.fetchval("select pg_backend_pid()") != pid


async def test_after_a_failover_no_connection_stays_read_only(own: Db, postgres_server: Server) -> None:
    name = own.dsn.split("@/")[1].split("?")[0]
    await postgres_server.run(f"alter database {name} set default_transaction_read_only = on")
    await own._pool.expire_connections()
    for _ in range(2):  # several connections, all made in bad times
        with pytest.raises(DatabaseUnavailable, match="not written"):
            async with own.connection(), own.transaction() as tx:
                await tx.execute(INSERT)
    await postgres_server.run(f"alter database {name} reset default_transaction_read_only")
    with pytest.raises(DatabaseUnavailable):
        async with own.transaction() as tx:
            await tx.execute("set transaction read only")
            await tx.execute(INSERT)
    async with own.connection(), own.connection(), own.transaction() as tx:
        await tx.execute(INSERT)


async def test_a_refused_login_is_an_outage(own: Db, postgres_server: Server) -> None:
    await own._pool.expire_connections()
    await postgres_server.run("alter role fediverse_support nologin")
    try:
        with pytest.raises(DatabaseUnavailable, match="refuses the user"):
            async with own.connection() as conn:
                await conn.fetchval("select 1")
    finally:
        await postgres_server.run("alter role fediverse_support login")
    async with own.connection() as conn:
        assert await conn.fetchval("select 1") == 1


async def test_a_delivery_on_a_full_disk_is_refused_for_all_who_came_together(
    db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def full(*_: object) -> None:
        tried.append(1)
        raise asyncpg.DiskFullError("could not extend file")

    monkeypatch.setattr("fediverse_support.store.exchange.receipts.insert_receipts", full)
    intake = Intake(db, Instance(base_url="https://support.example"))
    found = await asyncio.gather(
        *(
            intake.accept(
                uri=Uri(f"https://b.example/{n}"), host=Host("b.example"), signer=Uri("https://b.example/ada"),
                body=b"{}", digest=None,
            )
            for n in range(20)
        ),
        return_exceptions=True,
    )  # fmt: skip
    assert all(isinstance(one, DatabaseUnavailable) for one in found)
    assert len(tried) <= 2


async def test_one_kind_of_use_never_takes_anothers_connections(own: Db) -> None:
    slow, quick = own.share(3), own.share(1)
    started = asyncio.Semaphore(0)

    async def read() -> None:
        async with slow.connection() as conn:
            started.release()
            await conn.fetchval("select pg_sleep(0.9)")

    reading = [asyncio.create_task(read()) for _ in range(12)]
    for _ in range(3):
        await started.acquire()
    async with quick.connection() as conn:
        assert await conn.fetchval("select 1") == 1
    assert not reading[-1].done()
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    async with slow.connection() as conn:
        assert await conn.fetchval("select 1") == 1


@pytest.mark.parametrize("error", [asyncpg.InternalClientError, asyncpg.InterfaceError, ConnectionResetError])
async def test_a_server_that_ends_while_a_connection_is_made_is_away(
    fresh_database: Callable[[], Awaitable[str]], monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    async def cut_off(*_: object, **__: object) -> None:
        raise error("cannot switch to state 14; another operation (13) is in progress")

    dsn = await fresh_database()
    late = await pool.open_db(dsn, size=1, must_answer=False)
    monkeypatch.setattr(pool, "_settle", cut_off)
    with pytest.raises(DatabaseUnavailable):
        async with late.connection():
            pass
    with pytest.raises(DatabaseUnavailable):
        await pool.connect(dsn)
    with pytest.raises(DatabaseUnavailable) as found:
        await pool.open_db(dsn, size=1)
    assert error is not asyncpg.InternalClientError or "hung up" in str(found.value)
    await late.close()


def test_every_outage_has_a_sentence() -> None:
    assert all(said.endswith(".") and "\n" not in said for said in outages.UNABLE.values())
