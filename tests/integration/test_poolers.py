"""A pooler before PostgreSQL: in session mode everything works, in any other the start says why not."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fediverse_support.adapters import postgres_files
from fediverse_support.db import migrate, pool, pooler
from fediverse_support.db.pool import DatabaseUnavailable
from tests.conftest import Server

ROOT = Path(__file__).parents[2]
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(PROGRAM is None, reason="PGBOUNCER IS NOT INSTALLED: poolers are not tried"),
]
Fresh = Callable[[], Awaitable[str]]


@dataclass
class Pooler:
    """A PgBouncer on loopback before the database of this test."""

    dsn: str
    process: subprocess.Popen[bytes]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def pooled(dsn: str, mode: str, size: int = 20) -> Iterator[Pooler]:
    """Run a pooler as the user that PostgreSQL runs as: peer authentication asks who comes."""
    assert PROGRAM is not None
    user = postgres_files.choose_user()
    directory = Path(tempfile.mkdtemp(prefix="fs-pooler-"))
    port, name = free_port(), dsn.split("@/")[1].split("?")[0]
    host = dsn.partition("host=")[2].replace("%2F", "/")
    (directory / "users").write_text('"fediverse_support" ""\n')
    (directory / "ini").write_text(
        f"[databases]\n{name} = host={host} dbname={name}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = trust\nauth_file = {directory}/users\npool_mode = {mode}\n"
        f"default_pool_size = {size}\nunix_socket_dir =\n"
    )
    for path in (directory, *directory.iterdir()):
        os.chown(path, user.uid, user.gid)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, str(directory / "ini")], stdout=log, stderr=log, cwd=directory,
            user=user.uid if user.is_other else None,
        )  # fmt: skip
    try:
        _wait_for(port, process, directory / "log")
        yield Pooler(f"postgresql://fediverse_support@127.0.0.1:{port}/{name}", process)
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(directory, ignore_errors=True)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def run(dsn: str, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as directory:
        return subprocess.run(
            [sys.executable, "-m", "fediverse_support", *words],
            capture_output=True, text=True, check=False, cwd=directory, input=typed, timeout=60,
            env={
                "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": dsn,
                "FEDIVERSE_SUPPORT_DATA_DIR": directory, "HOME": pwd.getpwuid(os.geteuid()).pw_dir,
            },
        )  # fmt: skip


async def test_a_pooler_in_session_mode_is_as_good_as_none(fresh_database: Fresh) -> None:
    with pooled(await fresh_database(), "session") as between:
        assert await migrate.migrate(between.dsn) == ()
        db = await pool.open_db(between.dsn, size=3)
        try:
            async with db.connection() as conn, db.transaction() as tx:
                assert await conn.fetchval("show jit") == "off"
                assert await tx.fetchval("show plan_cache_mode") == "force_generic_plan"
                assert await tx.fetchval("select $1::int + 1", 1) == 2
            async with db.dedicated() as mine:
                assert await mine.fetchval("select pg_try_advisory_lock(4711)")
                async with db.connection() as conn:
                    assert not await conn.fetchval("select pg_try_advisory_lock(4711)")
        finally:
            await db.close()


@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_a_pooler_that_shares_sessions_is_refused_in_one_sentence(
    fresh_database: Fresh, mode: str
) -> None:
    with pooled(await fresh_database(), mode) as between:
        with pytest.raises(DatabaseUnavailable) as problem:
            await migrate.migrate(between.dsn)
    assert str(problem.value) == pooler.SENTENCE


async def test_a_pooler_with_a_single_shared_connection_is_found_out_too(
    fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "PATIENCE", 0.5)
    with pooled(await fresh_database(), "transaction", size=1) as between:
        with pytest.raises(DatabaseUnavailable, match="session"):
            await migrate.migrate(between.dsn)


async def test_a_pooler_that_has_no_more_sessions_is_not_taken_for_one_that_shares_them(
    fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "PATIENCE", 0.5)
    with pooled(await fresh_database(), "session", size=1) as between:
        assert await migrate.migrate(between.dsn) == ()


@pytest.mark.processes
async def test_commands_behind_a_pooler_never_show_a_traceback(
    fresh_database: Fresh, postgres_server: Server
) -> None:
    dsn = await fresh_database()
    for mode, status, said in (("session", 0, ""), ("transaction", 1, "pool_mode")):
        with pooled(dsn, mode) as between:
            words = ("account", "create", "wren", "--password-stdin")
            done = run(between.dsn, *words, typed="three odd socks drying\n")
        assert done.returncode == status and said in done.stderr, done.stderr
        assert "Traceback" not in done.stderr and done.stderr.count("\n") <= 1
