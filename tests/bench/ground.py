"""What the benchmark runs on: one durable PostgreSQL, a real server, a bare server, peers that exist as rows
only."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fediverse_support.adapters.embedded_postgres import EmbeddedPostgres

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
DECIDED = (("federation", "open"), ("undo_seconds", "0"), ("newcomer_posts_held", "0"))
"""What the environment that `settings` gives a server says instead of its organisation."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Running:
    """A server's processes, to be measured."""

    process: subprocess.Popen[bytes]
    port: int
    started_in: float

    @property
    def pids(self) -> list[int]:
        """The parent and its Python children; the database is never among them."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *(int(pid) for pid in children if _is_python(int(pid)))]

    def cpu_seconds(self) -> float:
        """User and system time used so far."""
        total = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def megabytes(self) -> tuple[float, float]:
        """Resident and proportional memory."""
        rss = pss = 0
        for pid in self.pids:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name in ("Rss", "Pss"):
                    value = int(rest.split()[0])
                    rss, pss = (rss + value, pss) if name == "Rss" else (rss, pss + value)
        return rss / 1024, pss / 1024


def _is_python(pid: int) -> bool:
    return "python" in os.readlink(f"/proc/{pid}/exe")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def database() -> Iterator[tuple[str, Path]]:
    """Run a durable PostgreSQL in a fresh folder; give its address and the folder."""
    directory = Path(tempfile.mkdtemp(prefix="fs-bench-"))
    directory.chmod(0o711)
    postgres = EmbeddedPostgres(directory)
    postgres.start()
    try:
        yield postgres.dsn, directory
    finally:
        postgres.stop()
        shutil.rmtree(directory, ignore_errors=True)


def settings(dsn: str, directory: Path, port: int) -> dict[str, str]:
    return {
        "DATABASE_URL": dsn,
        "FEDIVERSE_SUPPORT_BASE_URL": f"http://127.0.0.1:{port}",
        "FEDIVERSE_SUPPORT_DATA_DIR": str(directory),
        "FEDIVERSE_SUPPORT_ALLOW_HTTP": "1",
        "FEDIVERSE_SUPPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "FEDIVERSE_SUPPORT_FEDERATION": "open",
        "FEDIVERSE_SUPPORT_UNDO_SECONDS": "0",
        "FEDIVERSE_SUPPORT_NEWCOMER_POSTS_HELD": "0",
    }


@contextmanager
def ours(env: dict[str, str], port: int, *, role: str = "all") -> Iterator[Running]:
    """Run the real server, one web and one worker process."""
    command = [sys.executable, "-m", "fediverse_support", "serve", "--host", "127.0.0.1", "--port", str(port)]
    with _running([*command, "--role", role], env, port, is_up=b"ready") as running:
        yield running


@contextmanager
def bare(env: dict[str, str], port: int, directory: Path) -> Iterator[Running]:
    """Run the bare server."""
    with _running(
        [sys.executable, "-m", "tests.bench.bare", str(port), str(directory)], env, port
    ) as running:
        yield running


@contextmanager
def _running(
    command: list[str], env: dict[str, str], port: int, is_up: bytes | None = None
) -> Iterator[Running]:
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE)
    try:
        if is_up is not None:
            assert process.stdout is not None
            while is_up not in (line := process.stdout.readline()):
                assert line, "the server ended before it was ready"
        else:
            wait_for(port)
        yield Running(process, port, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("nothing listens")
