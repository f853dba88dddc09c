"""A database server that outlived its owner: find it, end it, forget its pid file."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from fediverse_support.adapters.postgres_files import PostgresProblem

log = logging.getLogger(__name__)

PATIENCE: Final = 3.0
"""Seconds a leftover process is given after each signal."""


def end(data: Path) -> None:
    """End a server that outlived its owner, and forget a pid file whose process is no server of this
    directory.

    Only the owner of the directory's lock comes here. A pid alone proves nothing: it may be a zombie, or
    belong to another program by now, so what counts is a process that works in this very directory.
    """
    pid = pid_in(data)
    if pid is None:
        return
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        alive = _working_in(data, pid)
        if not alive:
            break
        log.warning("ending a database server that outlived its owner", extra={"pids": alive})
        for one in alive if number == signal.SIGKILL else alive[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, number)
        deadline = time.monotonic() + PATIENCE
        while _working_in(data, pid) and time.monotonic() < deadline:
            time.sleep(0.02)
    if alive := _working_in(data, pid):
        raise PostgresProblem(f"Process {alive[0]} is still using {data} and does not end.")
    (data / "postmaster.pid").unlink(missing_ok=True)


def clear(socket_dir: Path) -> None:
    """Remove the socket of a server that is gone, and its lock.

    The directory is ours alone, and `end` has made sure that nobody works on the data. PostgreSQL itself
    would refuse to start while the pid in the lock is a zombie, or some other program by now.
    """
    for path in socket_dir.glob(".s.PGSQL.*"):
        path.unlink(missing_ok=True)


def _working_in(data: Path, pid: int) -> list[int]:
    """Return the database processes whose working directory is `data`, the one with `pid` first."""
    proc = Path("/proc")
    if not (proc / "self" / "cwd").exists():
        return [pid] if _is_postgres(pid, data) else []
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                is_server = (entry / "comm").read_text().startswith("postgres")
                if is_server and (entry / "cwd").readlink() == data:
                    found.append(int(entry.name))
    return sorted(found, key=lambda one: one != pid)


def _is_postgres(pid: int, data: Path) -> bool:
    command = ["ps", "-o", "stat=,command=", "-p", str(pid)]
    line = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    return "postgres" in line and str(data) in line and not line.lstrip().startswith("Z")


def is_alive(pid: int | None) -> bool:
    """Say whether a process of this number is there, whoever's it is."""
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def pid_in(data: Path) -> int | None:
    """Return the pid in the pid file, 0 for one that cannot be read, None without a file."""
    try:
        first = (data / "postmaster.pid").read_text().split("\n", 1)[0]
    except FileNotFoundError:
        return None
    return int(first) if first.strip().isdigit() else 0
