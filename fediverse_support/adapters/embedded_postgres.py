"""A PostgreSQL of our own: made on the first start, our child while we run, gone when we are.

Standard library only and synchronous, so that a small parent process can hold it. Reached through a unix
socket in a private directory, by peer authentication: no port, no password. One process owns the server;
others on the same data directory (the command line while the server runs) attach to it, and the owner waits
for them before it stops.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import logging
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, TypedDict
from urllib.parse import quote

from fediverse_support.adapters import postgres_files, postgres_leftovers
from fediverse_support.adapters.postgres_files import Places, PostgresProblem, RunAs

log = logging.getLogger(__name__)

NAME: Final = "fediverse_support"
START_SECONDS: Final = 60.0
"""Recovery after a crash may take a while; a start normally takes a twentieth of a second."""
STOP_SECONDS: Final = 3.0
LOG_LIMIT: Final = 4 * 1024 * 1024
PR_SET_PDEATHSIG: Final = 1

INITDB: Final = (
    "--username=postgres", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8", "--data-checksums", "--auth-local=peer", "--auth-host=reject",
    "--no-instructions",
)  # fmt: skip
# Nothing people wrote may reach the log: no statement, no parameter, no detail line with a row's values.
OPTIONS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
CREATE: Final = f"create role {NAME} login\ncreate database {NAME} owner {NAME}\n"
ROLES: Final = f"local all {NAME} peer map=owner\nlocal all postgres peer map=owner\n"


class EmbeddedPostgres:
    """The server of one data directory.

    `start`, then `dsn`, then `stop`; `poll` tells whether it still runs.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir: Final = data_dir.absolute()
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None
        self._places: Places | None = None
        self._owner_lock: IO[str] | None = None
        self._guest_lock: IO[str] | None = None
        self.started_at = 0.0

    @property
    def dsn(self) -> str:
        """The address for the database driver."""
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self._socket_dir), safe='')}"

    @property
    def is_owner(self) -> bool:
        """The server is our child; False when we attached to another process's."""
        return self._process is not None

    def start(self) -> None:
        """Start the server, or attach to the one another process runs on this directory.

        Raises `PostgresProblem` with one sentence. Must be called from the main thread: on Linux the server
        is told to stop when the thread that started it ends.
        """
        try:
            self._make_data_dir()
            if self._take_ownership():
                self._start_own()
        except PostgresProblem:
            self._let_go()
            raise
        except OSError as error:
            self._let_go()
            raise PostgresProblem(_sentence_for(error, self.data_dir)) from error

    def revive(self) -> None:
        """Start the server again after it ended; raise `PostgresProblem` when it will not.

        A guest takes the data over when nobody owns them any more, and changes nothing while somebody does.
        """
        try:
            if self._owner_lock is None and not self._inherit():
                return
            self._start_own()
        except OSError as error:
            raise PostgresProblem(_sentence_for(error, self.data_dir)) from error

    def _inherit(self) -> bool:
        if (lock := _locked(self.data_dir / "postgres.lock", fcntl.LOCK_EX)) is None:
            return False
        self._own_by(lock)
        if self._guest_lock is not None:
            self._guest_lock.close()
            self._guest_lock = None
        log.warning("taking over the database of a process that is gone", extra={"data": str(self.data_dir)})
        return True

    def poll(self) -> int | None:
        """Return the exit status of our server if it has ended, 0 if another's is gone, else None."""
        if self._process is not None:
            return self._process.poll()
        is_gone = self._owner_lock is not None or (self._guest_lock is not None and not self._is_served())
        return 0 if is_gone else None

    def _is_served(self) -> bool:
        """Say whether the server that another process runs is there."""
        if self._running_socket() is None:
            return False
        places = Places((self.data_dir / "postgres").resolve())
        return postgres_leftovers.is_alive(postgres_leftovers.pid_in(places.data))

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End our server: fast for `seconds`, then at once.

        Attached guests are given two seconds to finish.
        """
        if self._process is not None:
            self._wait_for_guests(2.0 if self._process.poll() is None else 0.0)
            for number, patience in ((signal.SIGINT, seconds), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 5.0)):
                if self._process.poll() is not None:
                    break
                self._process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience)
            self._process = None
            if self._socket_dir is not None and self._places and self._socket_dir.parent != self._places.home:
                shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._let_go()

    def _make_data_dir(self) -> None:
        # A database of another user must be able to pass through; what lies beside it is 0600 or 0700.
        self.data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)

    def _take_ownership(self) -> bool:
        """Own the data directory, or become a guest of the process that does.

        Wait while it starts or stops.
        """
        deadline = time.monotonic() + 15
        while True:
            if (lock := _locked(self.data_dir / "postgres.lock", fcntl.LOCK_EX)) is not None:
                self._own_by(lock)
                return True
            guest = _locked(self.data_dir / "postgres.guests.lock", fcntl.LOCK_SH)
            if guest is not None and (socket_dir := self._running_socket()) is not None:
                self._guest_lock, self._socket_dir = guest, socket_dir
                return False
            if guest is not None:
                guest.close()
            if time.monotonic() > deadline:
                owner = (self.data_dir / "postgres.lock").read_text().strip() or "unknown"
                raise PostgresProblem(
                    f"The database in {self.data_dir} is held by process {owner}, which does not share it."
                )
            time.sleep(0.05)

    def _own_by(self, lock: IO[str]) -> None:
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._owner_lock = lock

    def _running_socket(self) -> Path | None:
        data = (self.data_dir / "postgres").resolve() / "data"
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        is_ready = len(lines) >= 8 and lines[7].strip() == "ready"
        return Path(lines[4]) if is_ready and lines[4] else None

    def _start_own(self) -> None:
        user = postgres_files.choose_user(self.data_dir)
        places = self._places = postgres_files.prepare_places(self.data_dir, user)
        programs = postgres_files.find_programs(places, user)
        if not (places.data / "PG_VERSION").is_file():
            _make_cluster(programs, places, user, durable=self._durable)
        _check_version(places)
        postgres_leftovers.end(places.data)
        _write_access_rules(places, user)
        if self._socket_dir is None:  # kept over a revival, because others know it by now
            self._socket_dir = postgres_files.prepare_socket_dir(places, user)
        elif not self._socket_dir.is_dir():  # the former owner took it along
            self._socket_dir.mkdir(mode=0o700)
            postgres_files.hand_over(self._socket_dir, user)
        postgres_leftovers.clear(self._socket_dir)
        self._process = _spawn(programs, places, user, self._options())
        self.started_at = time.monotonic()
        self._wait_until_ready(places)

    def _options(self) -> dict[str, str]:
        options = {**OPTIONS, "unix_socket_directories": str(self._socket_dir)}
        if not self._durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return options

    def _wait_until_ready(self, places: Places) -> None:
        assert self._process is not None  # noqa: S101 (called right after it was set)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise PostgresProblem(f"PostgreSQL did not start: {_last_words(places.log)}")
            if (
                postgres_leftovers.pid_in(places.data) == self._process.pid
                and self._running_socket() is not None
            ):
                return
            time.sleep(0.01)
        self.stop(0.0)
        raise PostgresProblem(
            f"PostgreSQL was not ready after {START_SECONDS:.0f} seconds; see {places.log}."
        )

    def _wait_for_guests(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (lock := _locked(self.data_dir / "postgres.guests.lock", fcntl.LOCK_EX)) is None:
            if time.monotonic() >= deadline:
                return
            time.sleep(0.02)
        self._guest_lock = lock  # keeps new guests away until the server is gone

    def _let_go(self) -> None:
        for lock in (self._guest_lock, self._owner_lock):
            if lock is not None:
                lock.close()
        self._guest_lock = self._owner_lock = None


@contextlib.contextmanager
def running(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """Lend the address of a running server: our own for this while, or the one that runs already."""
    server = EmbeddedPostgres(data_dir, durable=durable)
    server.start()
    try:
        yield server.dsn
    finally:
        server.stop()


def _locked(path: Path, how: int) -> IO[str] | None:
    file = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    path.chmod(0o600)
    return file


def _make_cluster(programs: Path, places: Places, user: RunAs, *, durable: bool) -> None:
    """Make a new cluster with its role and database, and put it in its place when it is whole."""
    if places.data.exists() and any(places.data.iterdir()):
        raise PostgresProblem(
            f"{places.data} is not a PostgreSQL data directory; move it away and start again."
        )
    shutil.rmtree(places.unfinished, ignore_errors=True)
    flags = INITDB if durable else (*INITDB, "--no-sync")
    _run([str(programs / "initdb"), *flags, "-D", str(places.unfinished)], places, user, "")
    single = ["--single", "-D", str(places.unfinished), "-c", "log_min_messages=error"]
    _run([str(programs / "postgres"), *single, "postgres"], places, user, CREATE)
    if places.data.exists():
        places.data.rmdir()
    places.unfinished.rename(places.data)


def _run(command: list[str], places: Places, user: RunAs, text: str) -> None:
    done = subprocess.run(  # noqa: S603 (our own programs, no shell)
        command,
        input=text,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        cwd=places.home,
        env=_environment(),
        start_new_session=True,  # a Ctrl-C is for us to hear, not for a half-made database
        **_identity(user),
    )
    if done.returncode != 0 or "FATAL" in done.stdout or "ERROR" in done.stdout:
        shutil.rmtree(places.unfinished, ignore_errors=True)
        raise PostgresProblem(f"A new database could not be made: {_worst_line(done.stdout)}")


class Identity(TypedDict, total=False):
    """What `subprocess` needs to run a program as somebody else; empty for ourselves."""

    user: int
    group: int
    extra_groups: list[int]


def _identity(user: RunAs) -> Identity:
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if user.is_other else {}


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "PGTZ": "UTC"}


def _check_version(places: Places) -> None:
    version = (places.data / "PG_VERSION").read_text().strip()
    if version != postgres_files.MAJOR:
        raise PostgresProblem(
            f"{places.data} was made by PostgreSQL {version} and this release brings {postgres_files.MAJOR}; "
            "dump it with the old release and load it with the new one."
        )


def _write_access_rules(places: Places, user: RunAs) -> None:
    names = dict.fromkeys([pwd.getpwuid(os.geteuid()).pw_name, user.name])
    idents = "".join(f'owner "{name}" {role}\n' for name in names for role in (NAME, "postgres"))
    for name, text in (("pg_hba.conf", ROLES), ("pg_ident.conf", idents)):
        path = places.data / name
        path.write_text(text, encoding="utf-8")
        postgres_files.hand_over(path, user)


def _spawn(programs: Path, places: Places, user: RunAs, options: dict[str, str]) -> subprocess.Popen[bytes]:
    if places.log.exists() and places.log.stat().st_size > LOG_LIMIT:
        places.log.replace(places.log.with_suffix(".log.1"))
    command = [str(programs / "postgres"), "-D", str(places.data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    us = os.getpid()

    def die_with_us() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != us:
                os._exit(1)

    with places.log.open("ab") as out:
        places.log.chmod(0o600)
        return subprocess.Popen(  # noqa: S603 (our own program, no shell)
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=places.home, env=_environment(),
            start_new_session=True, preexec_fn=die_with_us, **_identity(user),
        )  # fmt: skip


def _last_words(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            return _worst_line(file.read().decode(errors="replace"))
    except OSError as error:
        return _sentence_for(error, path)


def _worst_line(text: str) -> str:
    """Pick from what a program said the line that tells most, as a sentence."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return "the disk is full."
    for mark in ("FATAL:", "PANIC:", "ERROR:", "error:"):
        for line in reversed(lines):
            if mark in line:
                return line.split(mark, 1)[1].strip().rstrip(".") + "."
    return (lines[-1] if lines else "it said nothing").rstrip(".") + "."


def _sentence_for(error: OSError, where: Path) -> str:
    if error.errno == 28:
        return f"The disk is full: the database in {where} cannot be started."
    place = error.filename or where
    return f"The embedded PostgreSQL cannot use {place}: {error.strerror or error}."
