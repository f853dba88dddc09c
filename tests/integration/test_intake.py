"""How proven deliveries become durable: together where they come together, and each by itself where one is at
fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from federation.uris import Host, Uri
from fediverse_support.actions.exchange import intake as actions_intake
from fediverse_support.actions.exchange.intake import Accepted, Intake
from fediverse_support.db.pool import Conn, DatabaseUnavailable, Db
from fediverse_support.domain.instance import Instance
from fediverse_support.workers import pace
from fediverse_support.workers.pace import RUSH, Pace
from tests.conftest import Clock, Queries

pytestmark = pytest.mark.postgres

INSTANCE = Instance(base_url="https://support.example")
URIS = "select uri from receipts order by id"


async def accept(
    intake: Intake, name: str, *, host: str = "b.example", body: str = "{}", digest: bytes | None = None
) -> Accepted:
    origin = f"https://{host}"
    return await intake.accept(
        uri=Uri(f"{origin}/a/{name}"), host=Host(host), signer=Uri(f"{origin}/ada"), body=body.encode(),
        digest=digest,
    )  # fmt: skip


async def stored(db: Db) -> list[str]:
    async with db.connection() as conn:
        return [row["uri"].rpartition("/")[2] for row in await conn.fetch(URIS)]


async def test_what_comes_together_is_stored_together_and_in_order(db: Db, queries: Queries) -> None:
    intake = Intake(db, INSTANCE)
    names = [f"{number:02}" for number in range(30)]
    queries.forget()
    assert set(await asyncio.gather(*(accept(intake, name) for name in names))) == {"new"}
    await asyncio.sleep(0)
    assert sum("insert into receipts" in sql for sql in queries.seen) <= 2
    assert await stored(db) == names


async def test_two_alike_at_the_same_moment_are_one(db: Db) -> None:
    intake = Intake(db, INSTANCE)
    await asyncio.gather(*(accept(intake, "one") for _ in range(5)))
    assert await accept(intake, "one") == "seen"
    assert await stored(db) == ["one"]


async def test_a_signature_is_good_for_one_delivery(db: Db) -> None:
    intake = Intake(db, INSTANCE)
    assert await accept(intake, "one", digest=b"x" * 32) == "new"
    assert await accept(intake, "two", digest=b"x" * 32) == "seen"
    assert await stored(db) == ["one"]


async def test_one_that_cannot_be_stored_does_not_hurt_the_others(db: Db) -> None:
    intake = Intake(db, INSTANCE)
    found = await asyncio.gather(
        accept(intake, "first"),
        accept(intake, "one"),
        accept(intake, "bad", body="\0"),
        accept(intake, "two"),
        return_exceptions=True,
    )
    assert [found[0], found[1], found[3]] == ["new"] * 3
    assert isinstance(found[2], asyncpg.DataError)
    assert sorted(await stored(db)) == ["first", "one", "two"]


async def test_after_one_at_fault_the_others_are_stored_together_again(db: Db, queries: Queries) -> None:
    intake = Intake(db, INSTANCE)
    first = [accept(intake, str(n), body="\0" if n == 3 else "{}") for n in range(10)]
    later = [accept(intake, f"later-{n}") for n in range(50)]
    waiting = asyncio.gather(*first, return_exceptions=True)
    await asyncio.sleep(0)
    queries.forget()
    assert set(await asyncio.gather(*later)) == {"new"}
    found = await waiting
    assert [one for one in found if one != "new"] == [found[3]] and isinstance(found[3], asyncpg.DataError)
    await asyncio.sleep(0)
    assert sum("insert into receipts" in sql for sql in queries.seen) <= 20


async def test_a_twin_of_one_at_fault_is_answered_for_itself(db: Db) -> None:
    intake = Intake(db, INSTANCE)
    names = ["first", "one", "bad", "one"]
    found = await asyncio.gather(
        *(accept(intake, name, body="\0" if name == "bad" else "{}") for name in names),
        return_exceptions=True,
    )
    assert found[0] == "new" and sorted([str(found[1]), str(found[3])]) == ["new", "seen"]


async def test_a_group_is_bounded_in_size(db: Db, queries: Queries) -> None:
    intake = Intake(db, INSTANCE)
    large = "x" * 1024 * 1024
    await accept(intake, "first")
    queries.forget()
    await asyncio.gather(*(accept(intake, str(n), body=large) for n in range(9)))
    await asyncio.sleep(0)
    assert sum("insert into receipts" in sql for sql in queries.seen) >= 4


async def test_each_host_has_its_own_rule(db: Db) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            "insert into domain_rules (domain, severity, created_at, updated_at)"
            " values ('evil.example', 'suspend', now(), now())"
        )
    intake = Intake(db, INSTANCE)
    found = await asyncio.gather(
        accept(intake, "first"),
        accept(intake, "one"),
        accept(intake, "two", host="deep.evil.example", digest=b"y" * 32),
        accept(intake, "three"),
    )
    assert list(found) == ["new", "new", "refused", "new"]
    assert await stored(db) == ["first", "one", "three"]
    async with db.connection() as conn:
        assert await conn.fetchval("select count(*) from seen_signatures") == 0


class Away:
    """A database that is not there for a while."""

    def __init__(self, db: Db) -> None:
        self.db = db
        self.is_away = True
        self.now = db.now

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Conn]:
        await asyncio.sleep(0.01)
        if self.is_away:
            raise DatabaseUnavailable("The database cannot be reached.")
        async with self.db.connection() as conn:
            yield conn


async def test_without_a_database_everybody_is_told_at_once_and_it_goes_on_later(db: Db) -> None:
    away = Away(db)
    intake = Intake(away, INSTANCE)  # type: ignore[arg-type]
    found = await asyncio.gather(*(accept(intake, str(n)) for n in range(20)), return_exceptions=True)
    assert all(isinstance(one, DatabaseUnavailable) for one in found)
    away.is_away = False
    assert await accept(intake, "later") == "new"
    assert await stored(db) == ["later"]


async def test_whoever_hangs_up_takes_nobody_along(db: Db) -> None:
    away = Away(db)
    away.is_away = False
    intake = Intake(away, INSTANCE)  # type: ignore[arg-type]
    leader = asyncio.create_task(accept(intake, "leader"))
    await asyncio.sleep(0)
    others = [asyncio.create_task(accept(intake, name)) for name in ("one", "two", "three")]
    await asyncio.sleep(0)
    leader.cancel()
    others[1].cancel()
    async with asyncio.timeout(5):
        found = await asyncio.gather(leader, *others, return_exceptions=True)
    assert [found[1], found[3]] == ["new", "new"]
    assert {"one", "three"} <= set(await stored(db))
    assert await accept(intake, "after") == "new"


async def fill(db: Db, count: int) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            "insert into receipts (uri, host, signer_uri, due_at, received_at)"
            " select 'https://b.example/' || n, 'b.example', '', $1, $1 from generate_series(1, $2) n",
            db.now(),
            count,
        )


@pytest.mark.parametrize(
    ("count", "seconds_old", "rests"), [(RUSH, 1, True), (RUSH - 1, 1, False), (RUSH, 11, False)]
)
async def test_in_a_rush_a_worker_rests_until_the_line_is_late(
    db: Db, clock: Clock, monkeypatch: pytest.MonkeyPatch, count: int, seconds_old: int, rests: bool
) -> None:
    rested: list[float] = []

    async def note(stop: asyncio.Event, seconds: float) -> None:
        rested.append(seconds)

    oldest = clock()
    clock.pass_by(seconds=seconds_old)
    await fill(db, count)
    monkeypatch.setattr(pace, "pause", note)
    async with Pace(db, asyncio.Event()).turn(oldest):
        await asyncio.sleep(0.001)
    assert bool(rested) is rests


async def test_nobody_waits_for_ever(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions_intake, "WAIT_SECONDS", 0.05)
    intake = Intake(db, INSTANCE)
    await intake._turn.acquire()  # as if a statement hung
    with pytest.raises(DatabaseUnavailable):
        await accept(intake, "one")
    intake._turn.release()
    assert await accept(intake, "two") == "new"


async def test_however_many_gave_up_before_whoever_stayed_is_served(db: Db) -> None:
    intake = Intake(db, INSTANCE)
    await intake._turn.acquire()
    gone = [asyncio.create_task(accept(intake, f"gone-{number}")) for number in range(250)]
    stays = asyncio.create_task(accept(intake, "stays"))
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    intake._turn.release()
    assert await stays == "new"
    assert await accept(intake, "after") == "new"
