"""Mails to our own people: to confirmed addresses, once, late if need be, and giving nothing away."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from fediverse_support import wiring
from fediverse_support.actions.accounts import accounts, requests
from fediverse_support.adapters.mailer import compose
from fediverse_support.db.pool import Conn, DatabaseUnavailable, Db
from fediverse_support.domain.ids import AccountId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.mails import LetterName, Mail
from fediverse_support.reads import jobs as reads_jobs
from fediverse_support.store import jobs
from fediverse_support.store.jobs import Job
from fediverse_support.workers.errands import letters
from fediverse_support.workers.errands.kinds import KINDS
from fediverse_support.workers.errands.runner import Runner
from tests.conftest import Clock
from tests.golden import Compare
from tests.integration.site import PASSWORD, Site, make_site
from tests.integration.test_errands import living
from tests.mailbox import Mailbox

pytestmark = pytest.mark.postgres

ADDRESS = "fern.hill@mail.example"
SEEN_BY_OTHERS = 140
"""So many characters of a mail are shown on a locked screen."""
GIVES_AWAY = re.compile(
    r"group|support|help|health|member|account|join|crisis|peer|therap|doctor|ill|password", re.IGNORECASE
)
TABLES = "select tablename from pg_tables where schemaname = 'public'"


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with Mailbox() as opened:
        yield opened


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, box: Mailbox) -> Site:
    return await make_site(db, monkeypatch, smtp_url=f"smtp://127.0.0.1:{box.port}", data_dir=tmp_path)


async def asks(site: Site, **more: Any) -> AccountId:
    return await accounts.create_account(
        site.db, site.deps.instance, name="fern", password=PASSWORD, hash_password=site.deps.passwords.hash,
        secret=site.deps.secret, standing="pending", **{"email": ADDRESS, **more},
    )  # fmt: skip


async def decide(site: Site, account_id: AccountId, *, accept: bool) -> None:
    await requests.decide_account(site.db, site.people["tom"], account_id, accept=accept)


async def carry(site: Site, worker: int = 7) -> None:
    """Do what errands are due, as a worker that lives meanwhile."""
    freed = asyncio.Event()
    runner = Runner(wiring.outside(site.deps), worker, freed, KINDS)
    async with living(site.db, worker):
        while True:
            freed.clear()
            await runner.look()
            if not runner.in_hand and not freed.is_set():
                return
            await asyncio.gather(*(task for _, task in runner.in_hand.values()))


async def dump(db: Db) -> str:
    """Return every row of every table as text."""
    async with db.connection() as conn:
        names = [row["tablename"] for row in await conn.fetch(TABLES)]
        found = [await conn.fetchval(f'select json_agg(t)::text from "{name}" t') for name in names]
    return "\n".join(text for text in found if text)


def test_every_mail_is_as_it_was_read_and_shows_nothing_to_whoever_looks_over_a_shoulder(
    golden: Compare,
) -> None:
    names = sorted(get_args(LetterName))
    assert names == sorted(letters.FORMS) == sorted(path.stem for path in letters.FOLDER.iterdir())
    written: dict[str, Any] = {}
    for name in names:
        text = letters.write(name, Instance("https://support.example"))
        at = datetime(2030, 5, 1, tzinfo=UTC)
        mail = Mail(key="1", to=ADDRESS, subject=letters.SUBJECT, text=text, written_at=at)
        message = compose(mail, "mail@support.example")
        shown = [message["Subject"], message["From"].addresses[0].display_name, text[:SEEN_BY_OTHERS]]
        # Of the link that stands there the address of the server cannot be left out, and says what it says.
        assert not [part for part in shown if GIVES_AWAY.search(part.replace("https://support.example", ""))]
        assert text.startswith("You have a message.")
        assert text.count("https://") == 1 and "<" not in text
        assert max(map(len, text.splitlines())) <= 90
        written[name] = {**dict(message.items()), "text": text.splitlines()}
    golden("mails", written)


async def test_a_yes_is_told_in_one_mail_that_says_no_more_than_that_there_is_one(
    site: Site, box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await decide(site, await asks(site), accept=True)
        await carry(site)
        await carry(site)
    [taken] = box.taken
    assert (taken.recipients, taken.message["Subject"]) == ([ADDRESS], "You have a message")
    assert b"https://support.example/sign-in" in taken.raw
    assert b"fern" not in taken.raw.replace(ADDRESS.encode(), b"")
    assert await site.value("select count(*) from jobs") == 0
    assert ADDRESS not in caplog.text
    assert list(site.deps.settings.data_dir.glob("mails-taken/*")) == []


async def test_after_a_no_the_address_is_kept_for_the_mail_alone(site: Site, box: Mailbox) -> None:
    account_id = await asks(site)
    await decide(site, account_id, accept=False)
    assert await site.value("select email from accounts where id = $1", account_id) is None
    assert (await dump(site.db)).count(ADDRESS) == 1
    await carry(site)
    [taken] = box.taken
    assert taken.recipients == [ADDRESS] and b"https://support.example/about" in taken.raw
    assert ADDRESS not in await dump(site.db)


async def test_nobody_is_written_to_who_left_no_address_or_never_confirmed_it(
    site: Site, box: Mailbox
) -> None:
    await decide(site, await asks(site, email=None), accept=True)
    account_id = await accounts.create_account(
        site.db, site.deps.instance, name="moss", password=PASSWORD, secret=site.deps.secret,
        hash_password=site.deps.passwords.hash, standing="pending", email="moss@mail.example",
    )  # fmt: skip
    async with site.db.transaction() as tx:
        await tx.execute("update accounts set email_confirmed_at = null where id = $1", account_id)
    await decide(site, account_id, accept=False)
    assert await site.value("select count(*) from jobs") == 0


@pytest.mark.parametrize(
    "change",
    ["standing = 'suspended'", "standing = 'deleted', email = null", "email_confirmed_at = null"],
)
async def test_a_mail_whose_cause_is_gone_by_then_is_not_sent(site: Site, box: Mailbox, change: str) -> None:
    account_id = await asks(site)
    await decide(site, account_id, accept=True)
    async with site.db.transaction() as tx:
        await tx.execute(f"update accounts set {change} where id = $1", account_id)
    await carry(site)
    assert box.taken == [] and await site.value("select count(*) from jobs") == 0


async def test_whoever_has_another_address_by_then_gets_it_there(site: Site, box: Mailbox) -> None:
    account_id = await asks(site)
    await decide(site, account_id, accept=True)
    async with site.db.transaction() as tx:
        await tx.execute("update accounts set email = 'new@mail.example' where id = $1", account_id)
    await carry(site)
    assert [taken.recipients for taken in box.taken] == [["new@mail.example"]]


async def test_a_change_that_is_undone_sends_nothing(site: Site, box: Mailbox) -> None:
    account_id = await asks(site)
    await decide(site, account_id, accept=True)
    with pytest.raises(Exception, match="already"):
        await decide(site, account_id, accept=False)
    await carry(site)
    assert len(box.taken) == 1


async def test_a_server_that_is_dead_for_a_day_delays_the_mail_and_doubles_nothing(
    site: Site, box: Mailbox, clock: Clock
) -> None:
    await decide(site, await asks(site), accept=True)
    box.answers["EHLO"] = box.answers["HELO"] = None
    for _ in range(24):
        await carry(site)
        clock.pass_by(hours=1)
    assert box.taken == [] and 8 < len(box.said) < 40
    async with site.db.connection() as conn:
        [lane] = await reads_jobs.status(conn)
    assert (lane.kind, lane.host, lane.waiting, lane.last_error) == ("mail", "mail.example", 1, "unreachable")
    box.answers.clear()
    clock.pass_by(hours=3)
    await carry(site)
    await carry(site)
    assert len(box.taken) == 1


async def test_what_could_not_be_sent_in_a_week_is_put_aside_and_goes_when_it_is_asked_for(
    site: Site, box: Mailbox, clock: Clock
) -> None:
    await decide(site, await asks(site), accept=True)
    box.answers["MAIL"] = "451 not now"
    began, parked = clock.at, "select count(*) from jobs where standing = 'parked'"
    while await site.value(parked) == 0:
        await carry(site)
        clock.pass_by(minutes=181)
    assert timedelta(days=6) < clock.at - began < timedelta(days=10)
    asked = len(box.said)
    clock.pass_by(days=1)
    await carry(site)
    assert len(box.said) == asked
    box.answers.clear()
    async with site.db.transaction() as tx:
        assert await jobs.retry_all(tx, None, clock.at) == 1
    await carry(site)
    assert len(box.taken) == 1 and await site.value("select count(*) from jobs") == 0


async def test_an_address_that_is_nobodys_is_tried_once(site: Site, box: Mailbox, clock: Clock) -> None:
    await decide(site, await asks(site), accept=True)
    box.answers["RCPT"] = "550 nobody here"
    for _ in range(3):
        await carry(site)
        clock.pass_by(days=1)
    assert sum(line.startswith("RCPT") for line in box.said) == 1
    assert await site.value("select last_error from jobs where standing = 'parked'") == "smtp_550"


async def test_what_the_server_took_is_not_sent_again_by_whoever_comes_after_a_killed_worker(
    site: Site, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await decide(site, await asks(site), accept=True)
    real, gone = jobs.complete, asyncio.Event()

    async def complete(conn: Conn, job: Job, worker: int) -> None:
        if worker == 7:
            gone.set()
            raise DatabaseUnavailable("The database went away.")
        await real(conn, job, worker)

    monkeypatch.setattr(jobs, "complete", complete)
    killed = asyncio.create_task(carry(site))
    await gone.wait()
    killed.cancel()
    await asyncio.wait([killed])
    for task in asyncio.all_tasks() - {asyncio.current_task()}:  # what it had begun ends with it
        if "Runner._do" in str(task.get_coro()):
            task.cancel()
    assert len(box.taken) == 1 and await site.value("select count(*) from jobs") == 1
    await carry(site, worker=8)
    assert len(box.taken) == 1 and await site.value("select count(*) from jobs") == 0


async def test_without_a_mail_server_the_mail_lies_in_a_folder(site: Site, tmp_path: Path) -> None:
    site.deps = replace(site.deps, settings=replace(site.deps.settings, smtp_url=None))
    await decide(site, await asks(site), accept=True)
    await carry(site)
    [path] = (tmp_path / "outbox").iterdir()
    assert f"To: {ADDRESS}\r\n".encode() in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
