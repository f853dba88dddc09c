"""One installation whose parts can be stopped, killed and hidden: database, web, worker, wires."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fediverse_support.adapters import embedded_postgres
from fediverse_support.adapters.embedded_postgres import EmbeddedPostgres
from fediverse_support.adapters.postgres_files import PostgresProblem
from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.db.pool import Db, open_db
from fediverse_support.settings import Settings
from tests.chaos.plans import Fault
from tests.chaos.wires import Wire, to_socket, to_tcp
from tests.crash.peers import ADDRESSES
from tests.crash.test_kill import free_port
from tests.surroundings import surroundings

NAMES = {"web": "_web", "worker": "_worker"}


@dataclass
class Site:
    """The processes of one server; `given` says that its database is run by somebody else."""

    given: bool
    world_port: int
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="fs-chaos-")))
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    wires: dict[str, Wire] = field(default_factory=dict)
    database: EmbeddedPostgres | None = None
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    dsn: str = ""
    lasting: set[asyncio.Task[None]] = field(default_factory=set)
    is_ending: bool = False

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.wires['peers-web'].port}"

    @property
    def settings(self) -> Settings:
        return Settings(
            base_url=self.base_url, data_dir=self.directory / "var", allow_http=True, federation="open"
        )

    @property
    def secret(self) -> bytes:
        return load_secret(self.settings.data_dir)

    async def open(self) -> None:
        """Start everything and wait until it is ready."""
        self.directory.chmod(0o711)
        self.wires["peers-web"] = Wire(["127.0.0.1"], to_tcp(self.port))
        self.wires["worker-peers"] = Wire(list(ADDRESSES), to_tcp(self.world_port))
        for wire in self.wires.values():
            await wire.open()
        if self.given:
            await self._open_given()
        else:
            await self._serve("web", "all", None)
            self.dsn = self.stack.enter_context(embedded_postgres.running(self.settings.data_dir))

    async def _open_given(self) -> None:
        self.database = EmbeddedPostgres(self.directory / "given")
        self.database.start()
        self.dsn = self.database.dsn
        socket = f"{self.dsn.partition('host=')[2].replace('%2F', '/')}/.s.PGSQL.5432"
        for name, role in (("web-database", "web"), ("worker-database", "worker")):
            wire = self.wires[name] = Wire(["127.0.0.1"], to_socket(socket))
            await wire.open()
            user = self.dsn.partition("//")[2].partition("@")[0]
            await self._serve(role, role, f"postgresql://{user}@127.0.0.1:{wire.port}/{user}")

    async def _serve(self, name: str, role: str, dsn: str | None) -> None:
        with (self.directory / f"log.{name}").open("wb") as log:
            process = self._spawn(role, dsn, log)
        self.processes.append(process)
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        assert b"ready" in line, (line, self.logs()[-4000:])

    def _spawn(self, role: str, dsn: str | None, log: IO[bytes]) -> subprocess.Popen[bytes]:
        environ = {
            **surroundings(),
            "FEDIVERSE_SUPPORT_BASE_URL": self.base_url,
            "FEDIVERSE_SUPPORT_DATA_DIR": str(self.settings.data_dir),
            "FEDIVERSE_SUPPORT_ALLOW_HTTP": "1",
            "FEDIVERSE_SUPPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
            "FEDIVERSE_SUPPORT_FEDERATION": "open",
            "FEDIVERSE_SUPPORT_UNDO_SECONDS": "0",
            "FEDIVERSE_SUPPORT_NEWCOMER_POSTS_HELD": "0",
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "fediverse_support", "serve", "--port", str(self.port), "--role", role],
            stdout=subprocess.PIPE, stderr=log, cwd=self.directory, start_new_session=True,
            env=environ if dsn is None else environ | {"DATABASE_URL": dsn},
        )  # fmt: skip

    async def close(self) -> str:
        """Stop everything as an operator would; return what was logged."""
        self.is_ending = True
        await self.settle()
        self.stack.close()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            await asyncio.to_thread(process.communicate, None, 20)
        for wire in self.wires.values():
            await wire.close()
        if self.database is not None:
            await asyncio.to_thread(self.database.stop)
        said = self.logs()
        shutil.rmtree(self.directory, ignore_errors=True)
        return said

    def logs(self) -> str:
        """Return what the processes said so far."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.directory.glob("log.*")))

    @contextlib.asynccontextmanager
    async def reached(self):  # type: ignore[no-untyped-def]
        """Lend the database, past every wire."""
        db: Db = await open_db(self.dsn, size=2, must_answer=False)
        try:
            yield db
        finally:
            await db.close()

    def pids(self, part: str) -> list[int]:
        """Return the processes of a part that run now."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    if self._is_ours(entry, words) and part == self._part(entry, words):
                        found.append(int(entry.name))
        return found

    def _is_ours(self, entry: Path, words: list[str]) -> bool:
        cwd = (entry / "cwd").readlink()
        return cwd.is_relative_to(self.directory) or str(self.directory) in " ".join(words)

    def _part(self, entry: Path, words: list[str]) -> str:
        if (entry / "comm").read_text().startswith("postgres"):
            return "database"
        return next((part for part, name in NAMES.items() if name in words), "")

    def happens(self, fault: Fault) -> None:
        """Let a fault begin; what lasts ends by itself."""
        if fault.what in ("hang", "drop"):
            for name in fault.whom:
                getattr(self.wires[name], fault.what)()
            self._later(self._mended(fault))
            return
        for part in fault.whom:
            pids = self.pids(part)
            if fault.what == "kill":
                _signal(pids[:1] if part != "database" else _masters(pids), signal.SIGKILL)
            else:
                _signal(pids, signal.SIGSTOP)
                self._later(self._going_on(pids, fault.seconds))

    def _later(self, what) -> None:  # type: ignore[no-untyped-def]
        task = asyncio.ensure_future(what)
        self.lasting.add(task)
        task.add_done_callback(self.lasting.discard)

    async def _mended(self, fault: Fault) -> None:
        await asyncio.sleep(fault.seconds)
        for name in fault.whom:
            self.wires[name].mend()

    async def _going_on(self, pids: list[int], seconds: float) -> None:
        await asyncio.sleep(seconds)
        _signal(pids, signal.SIGCONT)

    async def settle(self) -> None:
        """Wait until no fault lasts."""
        await asyncio.gather(*self.lasting)

    async def look_after_given(self) -> None:
        """Start the given database again when it was killed, as whoever runs it would."""
        while self.database is not None and not self.is_ending:
            await asyncio.sleep(0.5)
            if self.database.poll() is not None:
                with contextlib.suppress(PostgresProblem):
                    self.database.revive()  # here, not in a thread: it ends with the thread that started it


def _masters(pids: list[int]) -> list[int]:
    """Of the processes of a database, those that no other of them started."""

    def parent(pid: int) -> int:
        with contextlib.suppress(OSError):
            return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return 0

    return [pid for pid in pids if parent(pid) not in pids]


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
