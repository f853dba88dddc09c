"""The command line as operators and their scripts see it: exit status, stdout, one sentence on stderr."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from federation import writing
from fediverse_support.domain import keeping
from tests.conftest import Server
from tests.mailbox import Mailbox
from tests.surroundings import surroundings

pytestmark = pytest.mark.processes

PASSWORD = "a lamp in the window"
COMMANDS = (
    "serve", "demo", "migrate", "world", "doctor", "account create", "account token", "account role",
    "account reset", "invite create", "invite list", "invite revoke",
    "group create", "domain list", "domain allow", "domain limit", "domain hold", "domain suspend",
    "domain clear", "settings list", "settings get", "settings set",
    "queue status", "queue retry", "queue clear", "explain",
)  # fmt: skip


class Shell:
    """Runs the command line against one database and one data directory."""

    def __init__(self, dsn: str, directory: Path) -> None:
        self.directory = directory
        self.environ = {
            **surroundings(),
            "DATABASE_URL": dsn,
            "FEDIVERSE_SUPPORT_BASE_URL": "https://home.example",
            "FEDIVERSE_SUPPORT_DATA_DIR": str(directory / "var"),
        }

    def __call__(self, *words: str, typed: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fediverse_support", *words],
            input=typed, capture_output=True, text=True, cwd=self.directory, env={**self.environ, **environ},
            check=False, timeout=100,
        )  # fmt: skip

    def fine(self, *words: str, typed: str = "") -> str:
        done = self(*words, typed=typed)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    def refused(self, *words: str, status: int = 1, typed: str = "", **environ: str) -> str:
        done = self(*words, typed=typed, **environ)
        assert done.returncode == status, (done.stdout, done.stderr)
        assert done.stdout == ""
        assert done.stderr.startswith("fediverse-support: ") and done.stderr.count("\n") == 1
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
async def shell(postgres_server: Server, tmp_path: Path) -> Shell:
    return Shell(await postgres_server.clone(), tmp_path)


def test_help_names_every_command_and_no_other(shell: Shell) -> None:
    told = shell.fine("--help")
    assert all(command.split()[0] in told for command in COMMANDS)
    assert "backup" not in told and "preview" not in shell.fine("domain", "--help")
    for command in COMMANDS:
        assert "usage:" in shell.fine(*command.split(), "--help")


@pytest.mark.parametrize(
    "words",
    [(), ("nonsense",), ("account",), ("account", "create"), ("account", "create", "wren", "--role", "queen"),
     ("group", "create", "room"), ("group", "create", "room", "--title", "T", "--kind", "secret"),
     ("serve", "--port", "0"), ("serve", "--port", "x"), ("serve", "--role", "cook"),
     ("domain", "forgive", "a.example"), ("explain", "not-a-uri"), ("queue", "retry", "--host", "a b"),
     ("queue", "clear", "--host", "a b"),
     ("domain", "list", "--xml"), ("account", "role", "wren"), ("account", "role", "wren", "admin"),
     ("account", "role", "wren", "+queen"), ("account", "role", "wren", "-queen"),
     ("account", "role", "wren", "+member"), ("account", "role", "wren", "-admin", "+moderator")],
)  # fmt: skip
def test_wrong_usage_is_status_2(shell: Shell, words: tuple[str, ...]) -> None:
    shell.refused(*words, status=2)


@pytest.mark.parametrize(
    "words",
    [("account", "create", "wren", "--email", "a@\udcff.example"), ("account", "create", "\udcff"),
     ("group", "create", "room", "--kind", "open", "--title", "\udcff"),
     ("group", "create", "room", "--kind", "open", "--title", "T", "--summary", "\udcff"),
     ("group", "create", "room", "--kind", "open", "--title", "T", "--moderator", "\udcff"),
     ("domain", "suspend", "loud.example", "--reason", "\udcff"), ("explain", "https://loud.example/\udcff")],
)  # fmt: skip
def test_what_is_no_text_is_wrong_usage(shell: Shell, words: tuple[str, ...]) -> None:
    assert "UTF-8" in shell.refused(*words, status=2)


def test_wrong_settings_are_status_2_and_named(shell: Shell) -> None:
    assert "FEDIVERSE_SUPPORT_TYPO" in shell.refused("queue", "status", status=2, FEDIVERSE_SUPPORT_TYPO="1")
    assert "UNDO_SECONDS" in shell.refused("domain", "list", status=2, FEDIVERSE_SUPPORT_UNDO_SECONDS="soon")
    assert "nowhere.toml" in shell.refused("--config", "nowhere.toml", "domain", "list", status=2)
    assert "nowhere.toml" in shell.refused("domain", "list", "--config", "nowhere.toml", status=2)


def test_a_database_that_is_away_is_one_sentence(shell: Shell) -> None:
    told = shell.refused("queue", "status", DATABASE_URL="postgresql://u:hush@127.0.0.1:1/x")
    assert "hush" not in told


def test_people_groups_and_tokens(shell: Shell) -> None:
    said = shell.fine(
        "account", "create", "asha", "--role", "moderator", "--password-stdin", typed=f"{PASSWORD}\n"
    )
    assert said == "asha@home.example can sign in.\n"
    assert "Password: " in shell.fine("account", "create", "Wren", "--email", "wren@mail.example")
    assert "taken" in shell.refused("account", "create", "WREN")
    assert "looks too much like" in shell.refused("account", "create", "vvren")
    assert "official" in shell.refused("account", "create", "admin")
    assert "12 to 1024" in shell.refused("account", "create", "tansy", "--password-stdin", typed="short\n")
    assert "no password" in shell.refused("account", "create", "tansy", "--password-stdin")
    token = shell.fine("account", "token", "wren")
    assert token.count("\n") == 1 and len(token.strip()) >= 40
    assert "no active account" in shell.refused("account", "token", "nobody")
    assert "scope" in shell.refused("account", "token", "wren", "--scopes", "everything")
    opened = shell.fine(
        "group", "create", "appointments", "--title", "Getting ready", "--kind", "open", "--moderator", "asha"
    )
    assert opened == "https://home.example/g/appointments is open.\n"
    closed = ("--title", "The front room", "--kind", "home", "--moderator", "asha")
    there = shell.fine("group", "create", "frontroom", *closed)
    assert there == "https://home.example/g/frontroom is there.\n"
    assert "taken" in shell.refused("group", "create", "appointments", "--title", "Again", "--kind", "home")
    assert "nobody" in shell.refused(
        "group", "create", "room", "--title", "T", "--kind", "home", "--moderator", "nobody"
    )


def test_an_address_for_a_new_password_is_printed_alone(shell: Shell) -> None:
    shell.fine("account", "create", "wren")
    printed = shell.fine("account", "reset", "Wren")
    assert re.fullmatch(r"https://home\.example/new-password/[0-9a-z]{31}\n", printed)
    assert "no account nobody" in shell.refused("account", "reset", "nobody")


def test_invitations_are_made_listed_and_revoked(shell: Shell) -> None:
    printed = shell.fine("invite", "create", "--uses", "3", "--days", "2")
    assert re.fullmatch(r"https://home\.example/join/[0-9a-z]{31}\n", printed)
    hint = printed.rpartition("/")[2][:5]
    shell.fine("invite", "create")
    listed = json.loads(shell.fine("invite", "list", "--json"))
    assert [set(one) for one in listed] == [{"code_hint", "uses_left", "ends_on", "by"}] * 2
    assert [(one["uses_left"], one["by"]) for one in listed] == [(3, "command line"), (1, "command line")]
    assert listed[0]["code_hint"] == hint and hint in shell.fine("invite", "list")
    assert hint in shell.fine("invite", "revoke", hint)
    assert "There is no invitation" in shell.refused("invite", "revoke", printed.strip())
    shell.refused("invite", "create", "--uses", "0", status=2)
    assert "1000" in shell.refused("invite", "create", "--uses", "1001")


def test_roles_are_given_and_taken(shell: Shell) -> None:
    for name, role in (("asha", "admin"), ("tom", "member")):
        shell.fine("account", "create", name, "--role", role)
    assert shell.fine("account", "role", "Tom", "+moderator") == "tom: moderator.\n"
    assert shell.fine("account", "role", "tom", "+safety-lead") == "tom: moderator, safety-lead.\n"
    assert shell.fine("account", "role", "tom", "-moderator") == "tom: safety-lead.\n"
    only = "asha is the only admin here. Make somebody else an admin first."
    assert only in shell.refused("account", "role", "asha", "-admin")
    assert only in shell.refused("account", "role", "asha", "member")
    assert shell.fine("account", "role", "tom", "+admin") == "tom: admin, safety-lead.\n"
    assert shell.fine("account", "role", "asha", "-admin") == "asha: member.\n"
    assert shell.fine("account", "role", "asha", "+deputy") == "asha: deputy.\n"
    assert shell.fine("account", "role", "asha", "member") == "asha: member.\n"
    assert "no active account nobody" in shell.refused("account", "role", "nobody", "+moderator")


def test_rules_are_set_listed_and_lifted(shell: Shell) -> None:
    assert shell.fine("domain", "list") == "There are no rules.\n"
    assert shell.fine("domain", "suspend", "Evil.Example", "--reason", "spam", "--private-note", "n") == (
        "evil.example: suspend, in force now.\n"
    )
    shell.fine("domain", "limit", "loud.example")
    shell.fine("domain", "hold", "loud.example")
    [evil, loud] = json.loads(shell.fine("domain", "list", "--json"))
    assert (evil["domain"], evil["severity"], evil["reason"], evil["private_note"]) == (
        "evil.example", "suspend", "spam", "n"
    )  # fmt: skip
    assert loud["severity"] == "hold"
    assert "evil.example" in shell.fine("domain", "list")
    shell.fine("domain", "clear", "evil.example")
    assert "no rule" in shell.refused("domain", "clear", "evil.example")
    shell.refused("domain", "suspend", "not a domain")
    assert "--wide" in shell.refused("domain", "suspend", "org")
    assert "in force now" in shell.fine("domain", "hold", "org", "--wide")
    assert "this instance itself" in shell.refused("domain", "suspend", "https://Home.example/about")


def test_queues_and_explanations_of_a_quiet_instance(shell: Shell) -> None:
    assert shell.fine("queue", "status") == "Nothing waits.\n"
    assert json.loads(shell.fine("queue", "status", "--json")) == []
    assert shell.fine("queue", "retry") == "0 to be tried again.\n"
    assert shell.fine("queue", "clear", "--host", "b.example") == "0 forgotten.\n"
    assert "Nothing is known" in shell.refused("explain", "https://peer.example/1")


async def test_what_stayed_here_is_not_called_sent(shell: Shell) -> None:
    uri = "https://home.example/ap/a/a-post-in-a-home-group"
    conn = await asyncpg.connect(shell.environ["DATABASE_URL"])
    await conn.execute(
        "insert into activities (uri, actor_uri, verb, document, direction, public, created_at)"
        " values ($1, $1, 'Create', '{}', 'out', false, now())",
        uri,
    )
    await conn.close()
    told = shell.fine("explain", uri)
    assert "written" in told and "sent" not in told and "delivery" not in told
    assert "{}" not in told
    assert shell.fine("explain", uri, "--bytes").endswith("\n{}\n")


async def test_an_activity_is_told_as_it_was_sent_however_it_is_kept(shell: Shell) -> None:
    uri = "https://home.example/ap/a/kept-short"
    document = f'{{"@context":{bytes(writing.CONTEXT).decode()},"id":"{uri}"}}'
    conn = await asyncpg.connect(shell.environ["DATABASE_URL"])
    await conn.execute(
        "insert into activities (uri, actor_uri, verb, document, direction, public, created_at)"
        " values ($1, $1, 'Create', $2, 'out', false, now())",
        uri,
        keeping.shorten(document),
    )
    await conn.close()
    assert f"{len(document)} bytes kept" in shell.fine("explain", uri)
    assert shell.fine("explain", uri, "--bytes").endswith(f"\n{document}\n")


def test_migrate_says_what_it_does(shell: Shell) -> None:
    assert shell.fine("migrate") == "The schema is up to date.\n"
    assert shell.fine("migrate", "--check") == "The schema is up to date.\n"


def test_the_doctor_finds_that_nobody_answers(shell: Shell) -> None:
    done = shell("doctor", FEDIVERSE_SUPPORT_BASE_URL="http://127.0.0.1:1")
    assert done.returncode == 1 and done.stderr == ""
    lines = {line[6:15].strip(): line[:5].strip() for line in done.stdout.splitlines()}
    assert lines["database"] == lines["schema"] == lines["clock"] == lines["disk"] == lines["mail"] == "ok"
    assert lines["address"] == "WRONG"
    assert lines["decided"] == "ok"


def test_the_house_is_decided_from_the_command_line(shell: Shell) -> None:
    listed = {one["key"]: one for one in json.loads(shell.fine("settings", "list", "--json"))}
    assert listed["name"] == {"key": "name", "value": "Fediverse Support", "source": "default"}
    assert listed["federation"]["source"] == "chosen"  # by the template of these tests
    assert shell.fine("settings", "set", "name", "Harbour") == "name is chosen.\n"
    assert shell.fine("settings", "get", "name") == "Harbour\n"
    assert shell.fine("settings", "set", "undo_seconds", "45s") == "undo_seconds is chosen.\n"
    assert shell.fine("settings", "get", "undo_seconds") == "45s\n"
    assert shell.fine("settings", "set", "rules", "Be kind.\nNo adverts.") == "rules is chosen.\n"
    assert shell.fine("settings", "get", "rules") == "Be kind.\nNo adverts.\n"
    assert "Be kind.…" in shell.fine("settings", "list")


def test_what_cannot_be_decided_is_one_sentence(shell: Shell) -> None:
    assert "open, allowlist or off" in shell.refused("settings", "set", "federation", "everybody")
    assert "There is no setting colour" in shell.refused("settings", "get", "colour")
    assert "There is no setting colour" in shell.refused("settings", "set", "colour", "red")
    shell.refused("settings", "set", "name", status=2)


def test_a_choice_under_an_override_says_that_it_does_not_count_yet(shell: Shell) -> None:
    done = shell("settings", "set", "registration", "open", FEDIVERSE_SUPPORT_REGISTRATION="closed")
    assert done.returncode == 0
    assert "does not count yet: FEDIVERSE_SUPPORT_REGISTRATION is set to closed" in done.stdout
    shown = shell("settings", "list", "--json", FEDIVERSE_SUPPORT_REGISTRATION="closed").stdout
    listed = {one["key"]: one for one in json.loads(shown)}
    assert listed["registration"] == {"key": "registration", "value": "closed", "source": "environment"}
    assert shell.fine("settings", "get", "registration") == "open\n"
    told = shell("doctor", FEDIVERSE_SUPPORT_REGISTRATION="closed").stdout
    assert "registration is closed (set in the environment)" in told


def mail_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stdout.splitlines() if line[6:15].strip() == "mail"]


async def test_the_doctor_asks_the_mail_server_or_says_where_the_files_are(shell: Shell) -> None:
    async with Mailbox() as box:
        url = f"smtp://127.0.0.1:{box.port}"
        [line] = mail_lines(await asyncio.to_thread(shell, "doctor", SMTP_URL=url))
        assert line.startswith("ok") and "mail@home.example" in line
        assert not any(said.startswith("MAIL") for said in box.said)
    [line] = mail_lines(await asyncio.to_thread(shell, "doctor", SMTP_URL=url))
    assert line.startswith("WRONG") and line.endswith("cannot be reached")
    [line] = mail_lines(await asyncio.to_thread(shell, "doctor"))
    assert line.startswith("ok") and str(shell.directory / "var" / "outbox") in line
    done = await asyncio.to_thread(shell, "doctor", SMTP_URL="smtp://u:hush@mail.invalid:1")
    assert [line[:5] for line in mail_lines(done)] == ["WRONG", "WRONG"] and "hush" not in done.stdout


async def test_mails_that_could_not_be_sent_are_shown_tried_again_and_forgotten(shell: Shell) -> None:
    shell.fine("migrate")
    conn = await asyncpg.connect(shell.environ["DATABASE_URL"])
    await conn.execute(
        "insert into jobs (kind, lane, cause, payload, standing, attempts, last_error, due_at, created_at)"
        """ select 'mail', 'mail.example', s, '{"to": "wren@mail.example"}', s, 3, 'smtp_451', now(), now()"""
        " from unnest(array['waiting', 'parked']) s"
    )
    told = shell.fine("queue", "status")
    assert "mail.example" in told and "smtp_451" in told and "wren@" not in told
    [lane] = json.loads(shell.fine("queue", "status", "--json"))
    assert (lane["kind"], lane["host"], lane["waiting"], lane["parked"]) == ("mail", "mail.example", 1, 1)
    assert shell.fine("queue", "clear", "--host", "elsewhere.example") == "0 forgotten.\n"
    assert shell.fine("queue", "retry", "--host", "mail.example") == "2 to be tried again.\n"
    assert json.loads(shell.fine("queue", "status", "--json"))[0]["parked"] == 0
    await conn.execute("update jobs set standing = 'parked'")
    assert shell.fine("queue", "clear") == "2 forgotten.\n"
    await conn.close()


def test_help_starts_quickly_because_nothing_heavy_is_imported(shell: Shell) -> None:
    code = (
        "import sys; from fediverse_support.cli import commands; commands.run(['--help'])\n"
        "heavy = {'asyncpg', 'aiohttp', 'starlette', 'cryptography', 'uvicorn', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=shell.environ
    )
    assert done.stdout.splitlines()[-1] == "[]"
