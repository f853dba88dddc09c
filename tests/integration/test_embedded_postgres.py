"""The embedded PostgreSQL: made once, found again, never two, never left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from fediverse_support.adapters import embedded_postgres, postgres_files
from fediverse_support.adapters.embedded_postgres import EmbeddedPostgres
from fediverse_support.adapters.postgres_files import PostgresProblem, RunAs

pytestmark = pytest.mark.processes


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty data directory that every user may pass through; its server is ended afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="fs-pg-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


async def ask(dsn: str, question: str) -> object:
    conn = await asyncpg.connect(dsn, timeout=5)
    try:
        return await conn.fetchval(question)
    finally:
        await conn.close()


def started(data_dir: Path) -> EmbeddedPostgres:
    server = EmbeddedPostgres(data_dir, durable=False)
    server.start()
    return server


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0])


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_a_second_start_finds_the_data_of_the_first(data_dir: Path) -> None:
    first = started(data_dir)
    await ask(first.dsn, "create table kept (n int)")
    first.stop()
    second = started(data_dir)
    try:
        assert await ask(second.dsn, "select count(*) from kept") == 0
    finally:
        second.stop()


async def test_we_are_no_superuser_and_sort_the_same_everywhere(data_dir: Path) -> None:
    server = started(data_dir)
    try:
        assert await ask(server.dsn, "select rolsuper from pg_roles where rolname = current_user") is False
        assert await ask(server.dsn, "select lower('ÉÀ Σ')") == "éà σ"
        assert await ask(server.dsn, "show data_checksums") == "on"
        assert await ask(server.dsn, "show listen_addresses") == ""
    finally:
        server.stop()


def test_nobody_else_may_look_into_the_data(data_dir: Path) -> None:
    server = started(data_dir)
    try:
        home = (data_dir / "postgres").resolve()
        assert home.stat().st_mode & 0o077 == 0
        assert (home / "data").stat().st_mode & 0o077 == 0
        assert (home / "run").stat().st_mode & 0o077 == 0
        if os.geteuid() == 0:
            assert home.stat().st_uid != 0
    finally:
        server.stop()


async def test_a_second_process_attaches_and_is_waited_for(data_dir: Path) -> None:
    owner = started(data_dir)
    guest = started(data_dir)
    assert owner.is_owner and not guest.is_owner
    assert await ask(guest.dsn, "select 1") == 1
    guest.stop()
    assert await ask(owner.dsn, "select 1") == 1
    owner.stop()


def test_a_stop_leaves_no_process_and_is_quick(data_dir: Path) -> None:
    server = started(data_dir)
    pid = postmaster(data_dir)
    before = time.monotonic()
    server.stop()
    assert time.monotonic() - before < 5
    assert not is_alive(pid)


async def test_a_stale_pid_file_of_an_unrelated_process_is_forgotten(data_dir: Path) -> None:
    started(data_dir).stop()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pid_file = data_dir / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{other.pid}\n{data_dir}/postgres/data\n0\n5432\n/tmp\n\n0 0\nready\n")
    try:
        server = started(data_dir)
        assert await ask(server.dsn, "select 1") == 1
        server.stop()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


async def test_a_server_that_outlived_its_owner_is_ended_first(data_dir: Path) -> None:
    started(data_dir).stop()
    script = (
        "import sys, os; from pathlib import Path\n"
        "from fediverse_support.adapters import embedded_postgres as e\n"
        "e.PR_SET_PDEATHSIG = 0\n"  # no such signal: as on systems without it
        "s = e.EmbeddedPostgres(Path(sys.argv[1]), durable=False); s.start(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(data_dir)], check=True)
    old = postmaster(data_dir)
    assert is_alive(old)
    server = started(data_dir)
    try:
        assert not is_alive(old)
        assert await ask(server.dsn, "select 1") == 1
    finally:
        server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_the_server_ends_when_its_owner_is_killed(data_dir: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from fediverse_support.adapters.embedded_postgres import EmbeddedPostgres\n"
        "s = EmbeddedPostgres(Path(sys.argv[1]), durable=False); s.start()\n"
        "print('up', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", script, str(data_dir)], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"up\n"
    pid = postmaster(data_dir)
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)


async def test_a_crash_loses_nothing_that_was_committed(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    server.start()
    await ask(server.dsn, "create table kept (n int)")
    await ask(server.dsn, "insert into kept values (1) returning n")
    os.kill(postmaster(data_dir), signal.SIGKILL)
    while server.poll() is None:
        time.sleep(0.01)
    server.stop()
    again = started(data_dir)
    try:
        assert await ask(again.dsn, "select n from kept") == 1
    finally:
        again.stop()


async def test_a_half_made_data_directory_is_made_anew(data_dir: Path) -> None:
    home = data_dir / "postgres"
    home.mkdir(mode=0o700)
    postgres_files.hand_over(home, postgres_files.choose_user())
    (home / "data.new").mkdir()
    (home / "data.new" / "PG_VERSION").write_text("18\n")
    server = started(data_dir)
    try:
        assert await ask(server.dsn, "select 1") == 1
        assert not (home / "data.new").exists()
    finally:
        server.stop()


def one_sentence(problem: pytest.ExceptionInfo[PostgresProblem]) -> str:
    text = str(problem.value)
    assert "\n" not in text and text.endswith(".")
    return text


def test_a_directory_with_something_else_in_it_is_left_alone(data_dir: Path) -> None:
    strange = data_dir / "postgres" / "data"
    strange.mkdir(parents=True)
    (data_dir / "postgres").chmod(0o711)
    (strange / "letter.txt").write_text("mine")
    with pytest.raises(PostgresProblem) as problem:
        started(data_dir)
    assert "is not a PostgreSQL data directory" in one_sentence(problem)
    assert (strange / "letter.txt").read_text() == "mine"


def test_a_broken_data_directory_gives_one_sentence(data_dir: Path) -> None:
    started(data_dir).stop()
    (data_dir / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(PostgresProblem) as problem:
        started(data_dir)
    assert one_sentence(problem).startswith("PostgreSQL did not start: ")


def test_another_major_version_gives_one_sentence(data_dir: Path) -> None:
    started(data_dir).stop()
    (data_dir / "postgres" / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(PostgresProblem) as problem:
        started(data_dir)
    assert "was made by PostgreSQL 15" in one_sentence(problem)


def test_a_data_directory_that_is_a_file_gives_one_sentence(data_dir: Path) -> None:
    (data_dir / "var").write_text("")
    with pytest.raises(PostgresProblem) as problem:
        started(data_dir / "var")
    assert str(data_dir / "var") in one_sentence(problem)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_gives_one_sentence(data_dir: Path) -> None:
    small = data_dir / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0711", "tmpfs", str(small)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        with pytest.raises(PostgresProblem) as problem:
            started(small)
        assert "disk is full" in one_sentence(problem)
    finally:
        subprocess.run(["umount", str(small)], check=True)


async def test_a_long_path_gets_a_short_socket(data_dir: Path) -> None:
    deep = data_dir / ("d" * 100)
    deep.mkdir(mode=0o711)
    server = started(deep)
    try:
        assert await ask(server.dsn, "select 1") == 1
        assert "fsup-" in server.dsn
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
async def test_below_a_closed_directory_root_keeps_the_data_elsewhere_and_opens_nothing(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = data_dir / "elsewhere"
    monkeypatch.setattr(postgres_files, "ELSEWHERE", elsewhere)
    closed = data_dir / "home"
    closed.mkdir(mode=0o700)
    server = started(closed / "var")
    try:
        assert await ask(server.dsn, "select 1") == 1
        assert (closed / "var" / "postgres").resolve().parent == elsewhere.resolve()
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
    again = started(closed / "var")
    assert await ask(again.dsn, "select 1") == 1
    again.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
async def test_programs_that_the_user_cannot_read_are_copied(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_files, "_readable", lambda *_: False)
    server = started(data_dir)
    try:
        assert await ask(server.dsn, "select 1") == 1
        assert list((data_dir / "postgres").glob("programs-*"))
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
async def test_data_keep_their_user_when_another_one_appears_on_the_machine(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = "games", "daemon"
    monkeypatch.setattr(postgres_files, "SYSTEM_USERS", (first,))
    started(data_dir).stop()
    monkeypatch.setattr(postgres_files, "SYSTEM_USERS", (later, first))
    server = started(data_dir)
    try:
        assert await ask(server.dsn, "select 1") == 1
        assert (data_dir / "postgres" / "data").stat().st_uid == pwd.getpwnam(first).pw_uid
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_the_advice_for_data_of_somebody_else_works(data_dir: Path) -> None:
    started(data_dir).stop()
    home = data_dir / "postgres"
    for path in (home, *home.rglob("*")):
        os.chown(path, 0, 0)
    with pytest.raises(PostgresProblem) as problem:
        started(data_dir)
    command = one_sentence(problem).split("`")[1]
    assert command.startswith("chown -R ")
    subprocess.run(command.split(), check=True)
    server = started(data_dir)
    assert await ask(server.dsn, "select 1") == 1
    server.stop()


def test_a_user_without_a_name_gets_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(PostgresProblem) as problem:
        postgres_files.choose_user()
    assert "4242" in one_sentence(problem)


def test_bits_decide_who_may_enter(data_dir: Path) -> None:
    stranger = RunAs(54321, 54321, "stranger")
    assert postgres_files.may_enter(data_dir, stranger)
    (data_dir / "closed").mkdir(mode=0o700)
    assert not postgres_files.may_enter(data_dir / "closed", stranger)


def test_the_worst_line_is_the_one_that_is_told() -> None:
    said = "LOG: starting\nFATAL:  could not open file\nDETAIL: x\nLOG: shut down\n"
    assert embedded_postgres._worst_line(said) == "could not open file."
    assert embedded_postgres._worst_line("") == "it said nothing."
