"""The process tree of `serve`: up with one line, down within five seconds, nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fediverse_support.adapters.embedded_postgres import EmbeddedPostgres
from fediverse_support.processes import HEALTHY_SECONDS, LONGEST_PAUSE, Record
from tests.surroundings import surroundings

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Place:
    """A data directory and a port, and the server processes started there."""

    directory: Path
    port: int = field(default_factory=free_port)
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    host: str | None = None

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "fediverse_support", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.directory,
            start_new_session=True,
            env={
                **surroundings(),
                "FEDIVERSE_SUPPORT_DATA_DIR": str(self.directory / "var"), **environ,
            },
        )  # fmt: skip
        self.started.append(process)
        return process

    def serve(self, command: str = "serve", *words: str, **environ: str) -> subprocess.Popen[str]:
        process = self.start(command, "--port", str(self.port), *words, **environ)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "is ready" in line, process.communicate(timeout=10)
        return process

    def get(self, path: str) -> tuple[int, str]:
        with contextlib.suppress(urllib.error.HTTPError):
            named = {} if self.host is None else {"Host": self.host}
            asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=named)
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, answer.read().decode()
        return 0, ""

    def until(self, path: str, said: str) -> str:
        """Ask until the answer says this; how often is bounded, not how long it takes."""
        for _ in range(100):
            if said in (answer := self.get(path)[1]):
                return answer
            time.sleep(0.1)
        raise AssertionError(f"{path} never said {said}: {answer}")

    def ours(self) -> list[int]:
        """Every living process that works in this directory or names it."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                    words = (entry / "cmdline").read_bytes().decode(errors="replace")
                    cwd = str((entry / "cwd").readlink())
                    if state != "Z" and (str(self.directory) in words or cwd.startswith(str(self.directory))):
                        found.append(int(entry.name))
        return found

    def children(self) -> dict[str, int]:
        """The living children by what they are: `_web`, `_worker`, `postgres`."""
        found: dict[str, int] = {}
        for pid in self.ours():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                found |= {role: pid for role in ("_web", "_worker") if role in words}
                if words[0].endswith("/postgres"):
                    found["postgres"] = pid
        return found

    def wait_until(self, question: object, seconds: float = 30) -> None:
        assert callable(question)
        deadline = time.monotonic() + seconds
        while not question():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)


@pytest.fixture
def place() -> Iterator[Place]:
    directory = Path(tempfile.mkdtemp(prefix="fs-proc-"))
    directory.chmod(0o711)
    made = Place(directory)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        process.communicate()
    made.wait_until(lambda: not made.ours(), 10)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
def test_a_server_comes_up_answers_and_leaves_nothing_behind(place: Place) -> None:
    server = place.serve()
    assert place.get("/healthz") == (200, "up\n")
    assert place.get("/readyz") == (200, "ready\n")
    assert "fediverse_support_work" in place.get("/metrics")[1]
    assert set(place.children()) == {"_web", "_worker", "postgres"}
    before = time.monotonic()
    server.send_signal(signal.SIGTERM)
    _, said = server.communicate(timeout=10)
    assert time.monotonic() - before < 5
    assert server.returncode == 0 and said.count("Traceback") == 0
    assert place.ours() == []


def test_ctrl_c_ends_it_the_same_way(place: Place) -> None:
    server = place.serve()
    os.killpg(server.pid, signal.SIGINT)  # a terminal sends it to the whole group
    _, said = server.communicate(timeout=10)
    assert server.returncode == 0 and "Traceback" not in said
    assert place.ours() == []


def test_the_demo_keeps_its_data_and_shows_its_logins(place: Place) -> None:
    first = place.serve("demo")
    assert first.stdout is not None
    said = "".join(iter(first.stdout.readline, "Ctrl-C stops it; the data stays.\n"))
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=10)
    assert all(name in said for name in ("wren", "asha", "tom", "lamp-in-the-window"))
    place.serve("demo")
    status, page = place.get("/g/appointments")
    assert status == 200 and page.count("How do you remember what you wanted to ask?") >= 1


def test_the_demo_lets_people_ask_and_its_organisation_can_decide_otherwise(place: Place) -> None:
    place.serve("demo")
    assert "Ask to join" in place.get("/join")[1]
    done = place.start("settings", "set", "registration", "closed")
    assert done.wait(60) == 0
    assert "We are not taking new members right now." in place.until("/join", "not taking new members")


def test_a_fresh_server_lets_nobody_in_and_talks_to_nobody(place: Place) -> None:
    place.serve()
    assert "We are not taking new members right now." in place.get("/join")[1]
    told = json.loads(place.get("/nodeinfo/2.1")[1])
    assert told["openRegistrations"] is False and told["metadata"]["federation"] == {"enabled": False}


async def test_what_is_decided_holds_in_every_process_without_a_restart(
    place: Place, fresh_database: Callable[[], Awaitable[str]]
) -> None:
    other = Place(place.directory, host=f"localhost:{place.port}")
    address = {
        "DATABASE_URL": await fresh_database(),
        "FEDIVERSE_SUPPORT_BASE_URL": f"http://localhost:{place.port}",
    }
    try:
        for each in (place, other):
            each.serve("serve", "--role", "web", **address)
            each.until("/join", "Ask to join")
        for key, value in (("registration", "open"), ("name", "Harbour")):
            assert place.start("settings", "set", key, value, **address).wait(60) == 0
        for each in (place, other):
            assert "Harbour" in each.until("/join", "Create my account")
            assert json.loads(each.until("/nodeinfo/2.1", "Harbour"))["openRegistrations"] is True
            assert json.loads(each.until("/api/v2/instance", "Harbour"))["registrations"]["enabled"] is True
    finally:
        place.started += other.started


def test_a_port_in_use_is_one_sentence(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", place.port))
        taken.listen()
        server = place.start("serve", "--port", str(place.port))
        said, complaint = server.communicate(timeout=30)
    assert server.returncode == 1 and said == ""
    assert complaint == (
        f"fediverse-support: Port {place.port} on 127.0.0.1 is in use by another program; "
        "stop it, or choose another with --port.\n"
    )


def test_a_strange_data_directory_is_one_sentence(place: Place) -> None:
    (place.directory / "var" / "postgres" / "data").mkdir(parents=True)
    (place.directory / "var" / "postgres" / "data" / "mine.txt").write_text("")
    for path in ("var", "var/postgres"):
        (place.directory / path).chmod(0o711)
    server = place.start("serve", "--port", str(place.port))
    _, complaint = server.communicate(timeout=30)
    assert server.returncode == 1
    assert complaint.count("\n") == 1 and "is not a PostgreSQL data directory" in complaint


def test_a_database_that_is_away_is_told_once(place: Place) -> None:
    server = place.start("serve", "--port", str(place.port), DATABASE_URL="postgresql://u:hush@127.0.0.1:1/x")
    said, complaint = server.communicate(timeout=60)
    assert server.returncode == 1 and said == ""
    assert "cannot be reached" in complaint and "hush" not in complaint and "Traceback" not in complaint


def test_a_child_that_dies_is_replaced(place: Place) -> None:
    place.serve()
    old = place.children()
    for role in ("_web", "_worker"):
        os.kill(old[role], signal.SIGKILL)
    place.wait_until(lambda: {"_web", "_worker"} <= set(place.children()) and place.get("/readyz")[0] == 200)
    new = place.children()
    assert new["_web"] != old["_web"] and new["_worker"] != old["_worker"]
    assert new["postgres"] == old["postgres"]


def test_a_database_that_dies_is_started_again(place: Place) -> None:
    place.serve()
    old = place.children()
    os.kill(old["postgres"], signal.SIGKILL)
    place.wait_until(lambda: place.children().get("postgres") not in (None, old["postgres"]))
    place.wait_until(lambda: place.get("/readyz")[0] == 200)


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_when_the_parent_is_killed_everything_ends_and_the_next_start_works(place: Place) -> None:
    server = place.serve()
    server.kill()
    server.communicate()
    place.wait_until(lambda: not place.ours(), 10)
    place.serve()
    assert place.get("/readyz") == (200, "ready\n")


def test_a_second_server_on_the_same_data_takes_over_when_the_first_ends(place: Place) -> None:
    first = place.serve()
    other = Place(place.directory, host=f"localhost:{place.port}")
    address = {"FEDIVERSE_SUPPORT_BASE_URL": f"http://localhost:{place.port}"}
    second = other.serve(**address)
    place.started.append(second)
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=15)
    assert first.returncode == 0 and "Traceback" not in said
    place.wait_until(lambda: other.get("/readyz")[0] == 200)
    assert other.children().keys() >= {"_web", "_worker", "postgres"}
    second.send_signal(signal.SIGTERM)
    _, said = second.communicate(timeout=15)
    assert second.returncode == 0 and "Traceback" not in said
    assert place.ours() == []


def test_a_database_that_stays_away_is_waited_for_in_few_words(place: Place) -> None:
    given = EmbeddedPostgres(place.directory / "given", durable=False)
    given.start()
    try:
        address = {"FEDIVERSE_SUPPORT_BASE_URL": f"http://localhost:{place.port}"}
        server = place.serve(DATABASE_URL=given.dsn, **address)
        given.stop()
        for role in ("_web", "_worker"):
            os.kill(place.children()[role], signal.SIGKILL)
        place.wait_until(lambda: {"_web", "_worker"} <= place.children().keys())
        place.wait_until(lambda: place.get("/help")[0] == 200)
        assert place.get("/readyz")[0] == 0  # 503
        again = place.children()
        given.start()
        place.wait_until(lambda: place.get("/readyz")[0] == 200)
        assert {role: place.children()[role] for role in ("_web", "_worker")} == {
            role: again[role] for role in ("_web", "_worker")
        }
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=15)
        assert "Traceback" not in said and said.count("database unavailable") <= 2
    finally:
        given.stop()


def test_what_ends_again_and_again_is_started_again_for_ever() -> None:
    record = Record()
    pauses = [record.note_crash(time.monotonic()) for _ in range(100)]
    assert pauses == sorted(pauses) and pauses[0] < 1 and pauses[-1] == LONGEST_PAUSE
    assert record.note_crash(time.monotonic() - HEALTHY_SECONDS - 1) == pauses[0]


def test_commands_work_beside_a_running_server(place: Place) -> None:
    place.serve()
    made = place.start("account", "create", "wren")
    said, complaint = made.communicate(timeout=60)
    assert made.returncode == 0, complaint
    assert f"wren@localhost:{place.port} can sign in." in said
    assert place.get("/readyz") == (200, "ready\n")


def test_web_and_workers_may_run_apart(place: Place) -> None:
    web = place.start("serve", "--port", str(place.port), "--role", "web")
    assert web.stdout is not None and "is ready" in web.stdout.readline()
    worker = place.start("serve", "--role", "worker")
    assert worker.stdout is not None and worker.stdout.readline() == "The workers are ready.\n"
    for process in (worker, web):
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert process.returncode == 0


def test_another_address_for_the_same_data_is_one_sentence(place: Place) -> None:
    place.serve().send_signal(signal.SIGTERM)
    place.wait_until(lambda: not place.ours())
    server = place.start("serve", "--port", str(free_port()))
    said, complaint = server.communicate(timeout=60)
    assert server.returncode == 1 and said == ""
    assert f"The data here belong to http://localhost:{place.port}" in complaint
