"""A real server, its database reached from the test as well, and killed without warning."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from fediverse_support.adapters import embedded_postgres
from fediverse_support.adapters.postgres_files import PostgresProblem
from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.db.pool import DatabaseUnavailable, Db, open_db
from fediverse_support.settings import Settings
from tests.surroundings import surroundings

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@dataclass
class Running:
    """One installation in a directory of its own; `start` and `kill` as often as you like."""

    directory: Path
    port: int
    process: subprocess.Popen[str] | None = None
    output: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(
            base_url=f"http://localhost:{self.port}",
            data_dir=self.directory / "var",
            allow_http=True,
            newcomer_posts_held=0,
            federation="open",
            undo_for=timedelta(),
        )

    @property
    def secret(self) -> bytes:
        return load_secret(self.settings.data_dir)

    def start(self) -> None:
        """Start it and wait for its one line."""
        with (self.directory / "log").open("a") as log:
            self.process = self._spawn(log)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "is ready" in line, (line, (self.directory / "log").read_text()[-2000:])

    def _spawn(self, log: IO[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "fediverse_support", "serve", "--port", str(self.port)],
            stdout=subprocess.PIPE, stderr=log, text=True,
            cwd=self.directory, start_new_session=True,
            env={
                **surroundings(),
                "FEDIVERSE_SUPPORT_BASE_URL": self.settings.base_url,
                "FEDIVERSE_SUPPORT_DATA_DIR": str(self.settings.data_dir),
                "FEDIVERSE_SUPPORT_ALLOW_HTTP": "1",
                "FEDIVERSE_SUPPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
                "FEDIVERSE_SUPPORT_FEDERATION": "open",
                "FEDIVERSE_SUPPORT_UNDO_SECONDS": "0",
                "FEDIVERSE_SUPPORT_NEWCOMER_POSTS_HELD": "0",
            },
        )  # fmt: skip

    def kill(self, *, database_too: bool) -> None:
        """End every process of it with SIGKILL, and perhaps PostgreSQL; nothing gets to say goodbye."""
        assert self.process is not None
        victims = self._postmaster() if database_too else []
        os.killpg(self.process.pid, signal.SIGKILL)
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        self.process.communicate()
        self.process = None

    async def kill_database(self) -> None:
        """End PostgreSQL alone with SIGKILL, under a living server; return when another one answers."""
        for victim in self._postmaster():
            os.kill(victim, signal.SIGKILL)

        async def answers() -> bool:
            try:
                async with self.database() as db, db.connection() as conn:
                    return bool(await conn.fetchval("select true"))
            except (DatabaseUnavailable, PostgresProblem):
                return False

        await until(answers, "a new database", every=0.3)

    def _postmaster(self) -> list[int]:
        found = list(self.settings.data_dir.rglob("postmaster.pid"))
        return [int(path.read_text().split()[0]) for path in found]

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.communicate(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill(database_too=True)

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[Db]:
        """Lend the running server's database."""
        with embedded_postgres.running(self.settings.data_dir) as dsn:
            db = await open_db(dsn, size=2)
            try:
                yield db
            finally:
                await db.close()

    async def value(self, sql: str, *values: Any) -> Any:
        """Run one statement; return its first value."""
        async with self.database() as db, db.connection() as conn:
            return await conn.fetchval(sql, *values)


async def until(question: Callable[[], Awaitable[bool]], what: str, every: float = 0.05) -> None:
    """Wait until something is true; fail after a minute."""
    end = time.monotonic() + PATIENCE
    while not await question():
        assert time.monotonic() < end, f"{what} never happened"
        await asyncio.sleep(every)
