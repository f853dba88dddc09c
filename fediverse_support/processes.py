"""The processes of one server: a small parent, PostgreSQL, one process for the web and one for the work.

The parent imports next to nothing and holds the listening socket, so that a crashed child is replaced
without a refused connection. Parent and child hold the two ends of a socket pair: the parent says "go" when
the database is prepared, the child says "ready", and whichever end closes tells the other that its partner
is gone.
"""

from __future__ import annotations

import errno
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from fediverse_support.adapters.embedded_postgres import EmbeddedPostgres
from fediverse_support.adapters.postgres_files import PostgresProblem
from fediverse_support.settings import Settings

Role = Literal["web", "worker", "prepare"]

GO: Final = b"g"
READY: Final = b"r"
STOP_SECONDS: Final = 2.5
"""Children are given this long to finish; PostgreSQL gets the rest of the five seconds."""
HEALTHY_SECONDS: Final = 60.0
LONGEST_PAUSE: Final = 15.0
LOOK_EVERY: Final = 1.0
"""How often we look whether a database that another process runs is still there."""
NAMES: Final[dict[Role, str]] = {"web": "web", "worker": "worker", "prepare": "preparing"}


class ServeProblem(Exception):
    """The server cannot run; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    `extra` goes to every child's command line, `announcement` is printed when all are ready.
    """

    settings: Settings
    roles: tuple[Role, ...]
    listener: socket.socket | None
    announcement: str
    environ: Mapping[str, str]
    extra: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()


@dataclass(slots=True)
class Child:
    """One running process and our end of the pair."""

    role: Role
    process: subprocess.Popen[bytes]
    link: socket.socket
    started_at: float
    is_ready: bool = False


@dataclass(slots=True)
class Record:
    """How often something ended lately, and when it is started again."""

    crashes: int = 0
    due_at: float | None = None

    def note_crash(self, started_at: float) -> float:
        """Note that what was started at a time has ended; return the seconds until it is started again.

        It is never given up: what keeps it from running may pass by itself.
        """
        now = time.monotonic()
        self.crashes = 1 if now - started_at > HEALTHY_SECONDS else self.crashes + 1
        pause = float(min(LONGEST_PAUSE, 0.5 * 2 ** min(self.crashes - 1, 10)))
        self.due_at = now + pause
        return pause


@dataclass(slots=True)
class Supervisor:
    """Runs a plan until it is told to stop or cannot go on."""

    plan: Plan
    children: dict[Role, Child] = field(default_factory=dict)
    records: dict[Role, Record] = field(default_factory=dict)
    postgres: EmbeddedPostgres | None = None
    may_work: bool = False
    has_announced: bool = False
    is_told_to_stop: bool = False
    postgres_record: Record = field(default_factory=Record)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def run(self) -> None:
        """Start everything, watch it, and stop everything again; raise `ServeProblem` with one sentence."""
        receiver, sender = socket.socketpair()
        sender.setblocking(False)
        receiver.setblocking(False)
        self.selector.register(receiver, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # the number arrives through the wake-up socket
        try:
            self._start()
            while not self.is_told_to_stop:
                self._turn()
        finally:
            self._stop()

    def _start(self) -> None:
        if self.plan.settings.database_url is None:
            postgres = EmbeddedPostgres(self.plan.settings.data_dir)
            try:
                postgres.start()
            except PostgresProblem as error:
                raise ServeProblem(str(error)) from error
            self.postgres = postgres
        for role in ("prepare", *self.plan.roles):
            self.records[role] = Record()
            self._spawn(role)

    def _turn(self) -> None:
        """Wait for one event, or for the next restart, and deal with it."""
        records = (*self.records.values(), self.postgres_record)
        due = [record.due_at for record in records if record.due_at is not None]
        if self.postgres is not None and not self.postgres.is_owner:
            due.append(time.monotonic() + LOOK_EVERY)
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        for key, _ in self.selector.select(timeout):
            if key.data is None:
                self._hear_signals(key.fileobj)
            elif not self.is_told_to_stop:
                self._hear_child(key.data)
        if self.is_told_to_stop:
            return
        self._look_after_postgres()
        for role in list(self.children):
            self._look_after(self.children[role])
        for role, record in self.records.items():
            if record.due_at is not None and record.due_at <= time.monotonic():
                record.due_at = None
                self._spawn(role)

    def _hear_signals(self, receiver: object) -> None:
        assert isinstance(receiver, socket.socket)  # noqa: S101 (it is ours)
        if any(number != signal.SIGCHLD for number in receiver.recv(64)):
            self.is_told_to_stop = True

    def _hear_child(self, child: Child) -> None:
        try:
            heard = child.link.recv(64)
        except OSError:
            heard = b""
        if not heard:
            self.selector.unregister(child.link)  # SIGCHLD tells the rest
            return
        child.is_ready = True
        if not self.has_announced and all(
            role in self.children and self.children[role].is_ready for role in self.plan.roles
        ):
            self.has_announced = True
            print(self.plan.announcement, flush=True)

    def _look_after(self, child: Child) -> None:
        status = child.process.poll()
        if status is None:
            return
        self._forget(child)
        if child.role == "prepare":
            if status != 0:
                raise ServeProblem("The database could not be prepared; the line above says why.")
            self.may_work = True
            for other in self.children.values():
                _say(other.link, GO)
            return
        name = NAMES[child.role]
        if not child.is_ready and not self.has_announced:
            raise ServeProblem(f"The {name} process ended before it was ready ({_how(status)}).")
        pause = self.records[child.role].note_crash(child.started_at)
        _tell(f"The {name} process ended ({_how(status)}); it is started again in {pause:g} s.")

    def _look_after_postgres(self) -> None:
        """Start our database again after a pause; meanwhile the web still shows where help is."""
        if self.postgres is None:
            return
        record = self.postgres_record
        if record.due_at is None:
            if (status := self.postgres.poll()) is None:
                return
            if self.postgres.is_owner:
                pause = record.note_crash(self.postgres.started_at)
                _tell(f"PostgreSQL ended ({_how(status)}); it is started again in {pause:g} s.")
            else:
                record.due_at = time.monotonic()
        if record.due_at is None or record.due_at > time.monotonic():
            return
        record.due_at = None
        try:
            self.postgres.revive()
        except PostgresProblem as error:
            pause = record.note_crash(time.monotonic())
            _tell(f"{error} It is tried again in {pause:g} s.")

    def _spawn(self, role: Role) -> None:
        ours, theirs = socket.socketpair()
        passed = [theirs.fileno()]
        command = [sys.executable, "-m", "fediverse_support", f"_{role}", "--link", str(theirs.fileno())]
        if role == "web":
            assert self.plan.listener is not None  # noqa: S101 (a plan with a web role has one)
            passed.append(self.plan.listener.fileno())
            command += ["--socket", str(self.plan.listener.fileno())]
        command += self.plan.prepare if role == "prepare" else ()
        command += self.plan.extra
        environ = dict(self.plan.environ)
        if self.postgres is not None:
            environ["DATABASE_URL"] = self.postgres.dsn
        process = subprocess.Popen(  # noqa: S603 (ourselves, no shell)
            command, env=environ, stdin=subprocess.DEVNULL, pass_fds=passed, start_new_session=True
        )
        theirs.close()
        ours.setblocking(False)
        child = self.children[role] = Child(role, process, ours, time.monotonic())
        self.selector.register(ours, selectors.EVENT_READ, child)
        if self.may_work:
            _say(ours, GO)

    def _forget(self, child: Child) -> None:
        del self.children[child.role]
        if child.link.fileno() in self.selector.get_map():
            self.selector.unregister(child.link)
        child.link.close()

    def _stop(self) -> None:
        """End the children, then PostgreSQL, all within five seconds."""
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children.values():
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        for child in self.children.values():
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            child.link.close()
        if self.postgres is not None:
            self.postgres.stop(1.0)
        signal.set_wakeup_fd(-1)
        self.selector.close()


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to this address; raise `ServeProblem` with one sentence when it cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(2048)
    except socket.gaierror as error:
        raise ServeProblem(f"The address {host} is not one of this machine: {error.strerror}.") from error
    except OverflowError as error:
        raise ServeProblem(f"{port} is no port; ports go from 1 to 65535.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ServeProblem(
                f"Port {port} on {host} is in use by another program; stop it, or choose another with --port."
            ) from error
        raise ServeProblem(f"Port {port} on {host} cannot be opened: {error.strerror}.") from error
    return listener


def environment(settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for children."""
    kept = dict(environ)
    # An absolute path, so that a child never depends on where it was started.
    # glibc keeps a pool of memory per thread; two are enough and keep idle processes small.
    kept.setdefault("MALLOC_ARENA_MAX", "2")
    kept["FEDIVERSE_SUPPORT_DATA_DIR"] = str(Path(settings.data_dir).absolute())
    return kept


def serve(plan: Plan) -> None:
    """Run a plan until SIGTERM, SIGINT or SIGHUP; raise `ServeProblem` when it cannot go on."""
    Supervisor(plan).run()


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _say(link: socket.socket, word: bytes) -> None:
    try:
        link.send(word)
    except OSError:
        return  # the child is gone; its exit status will tell


def _how(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def roles_for(role: str) -> tuple[Role, ...]:
    """Return the processes that `--role` asks for."""
    wanted: Sequence[Role] = ("web", "worker")
    return tuple(one for one in wanted if role in ("all", one))
