"""The whole web application with its shares of the database: slow reads starve nobody, and readiness is tried
by writing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from fediverse_support import wiring
from fediverse_support.adapters.embedded_postgres import EmbeddedPostgres
from fediverse_support.db import migrate, pool, readiness
from fediverse_support.db.pool import DatabaseUnavailable, Db
from fediverse_support.settings import Settings
from tests.asgi import ask
from tests.conftest import Server

pytestmark = pytest.mark.postgres
Fresh = Callable[[], Awaitable[str]]
HOST = {"host": "support.example"}
LARGE = "create table large as select repeat(n::text, 99) from generate_series(1, 9999) n"


class NoTransport:
    """Nobody else is out there."""


@pytest.fixture
async def own(fresh_database: Fresh) -> AsyncIterator[Db]:
    size = sum(wiring.CONNECTIONS.values())
    db = await pool.open_db(await fresh_database(), size=size, statement_seconds=1)
    yield db
    await db.close()


@pytest.fixture
def app(own: Db) -> ASGIApp:
    settings = Settings(base_url="https://support.example")
    return wiring.web(wiring.build(settings, own, NoTransport(), b"s" * 32))  # type: ignore[arg-type]


def come_from(app: ASGIApp, address: str) -> ASGIApp:
    async def moved(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": (address, 1)}, receive, send)

    return moved


async def waiting(dsn: str) -> int:
    conn = await pool.connect(dsn)
    try:
        return int(await conn.fetchval("select count(*) from pg_locks where not granted"))
    finally:
        await conn.close()


async def test_slow_lists_keep_nobody_from_signing_in_or_from_help(app: ASGIApp, own: Db) -> None:
    locked = await pool.connect(own.dsn)
    await locked.execute("begin; lock table groups, posts, actors in access exclusive mode")
    slow = [
        asyncio.create_task(ask(come_from(app, f"198.51.100.{number}"), "GET", path, HOST))
        for path in ("/g/frontroom", "/api/v1/accounts/1/statuses?only_media=true")
        for number in range(12)
    ]
    while await waiting(own.dsn) == 0:
        await asyncio.sleep(0.01)
    for path in ("/help", "/sign-in", "/healthz", "/readyz"):
        assert (await ask(app, "GET", path, HOST)).status == 200, path
    assert not all(task.done() for task in slow)
    found = await asyncio.gather(*slow)
    await locked.close()
    assert {got.status for got in found} == {503}
    assert all(int(got.headers["retry-after"]) > 0 for got in found)


def test_no_use_of_the_database_can_take_what_another_has() -> None:
    from fediverse_support.web.turns import READS_OF_ONE

    assert all(READS_OF_ONE < wiring.CONNECTIONS[use] for use in ("federation", "client", "pages"))


async def test_a_database_that_cannot_be_written_to_is_not_ready(
    app: ASGIApp, own: Db, postgres_server: Server
) -> None:
    assert (await ask(app, "GET", "/readyz", HOST)).text == "ready\n"
    name = own.dsn.split("@/")[1].split("?")[0]
    await postgres_server.run(f"alter database {name} set default_transaction_read_only = on")
    await own._pool.expire_connections()
    got = await ask(app, "GET", "/readyz", HOST)
    assert (got.status, got.text) == (503, "The database can be read but not written.\n")
    await postgres_server.run(f"alter database {name} reset default_transaction_read_only")
    assert (await ask(app, "GET", "/readyz", HOST)).status == 200


async def test_the_probe_of_readiness_goes_to_the_disk(own: Db) -> None:
    async with own.transaction() as tx:
        await tx.execute(readiness.SMALL_MEMORY)
        plan = await tx.fetch(f"explain (analyze, costs off, timing off) {readiness.SPILL}")
    assert any("external merge" in row[0] for row in plan)


async def test_leaving_in_a_hurry_waits_for_no_database(own: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(base_url="https://support.example")
    app = wiring.web(wiring.build(settings, own, NoTransport(), b"s" * 32))  # type: ignore[arg-type]
    monkeypatch.setattr(Db, "_acquire", _away)
    got = await ask(app, "GET", "/exit", {**HOST, "cookie": "__Host-session=abc; session=abc"})
    assert got.status == 303 and not got.headers["location"].startswith("/")


async def _away(_: Db) -> None:
    raise DatabaseUnavailable("The database cannot be reached.")


@pytest.mark.processes
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
async def test_a_full_disk_is_not_ready_and_what_needs_room_is_told_to_come_again() -> None:
    directory = Path(tempfile.mkdtemp(prefix="fs-full-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m,mode=0711", "tmpfs", str(directory)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    server = EmbeddedPostgres(directory)
    try:
        server.start()
        await migrate.migrate(server.dsn)
        db = await pool.open_db(server.dsn, size=3)
        settings = Settings(base_url="https://support.example", data_dir=directory)
        app = wiring.web(wiring.build(settings, db, NoTransport(), b"s" * 32))  # type: ignore[arg-type]
        assert (await ask(app, "GET", "/readyz", HOST)).status == 200
        _fill(directory)
        got = await ask(app, "GET", "/readyz", HOST)
        assert (got.status, got.text) == (503, "The disk of the database is full.\n")
        with pytest.raises(DatabaseUnavailable, match="disk"):
            async with db.transaction() as tx:
                await tx.execute(LARGE)
        (directory / "ballast").unlink()
        assert (await ask(app, "GET", "/readyz", HOST)).status == 200
        await db.close()
    finally:
        server.stop()
        subprocess.run(["umount", str(directory)], check=True)
        shutil.rmtree(directory, ignore_errors=True)


def _fill(directory: Path) -> None:
    with (directory / "ballast").open("wb", buffering=0) as ballast:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while ballast.write(b"\0" * size) == size:
                    pass


