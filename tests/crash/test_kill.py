"""Killed without warning in the middle of the work: what was accepted is there, what was promised is sent."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from federation import vocab
from federation.errors import FederationError
from federation.uris import Uri
from fediverse_support.actions import groups
from fediverse_support.actions.accounts import accounts, requests
from fediverse_support.actions.posts import posting
from fediverse_support.adapters.http_client import HttpClient
from fediverse_support.db.pool import Db
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import AccountId, ActorId
from fediverse_support.domain.posts import Draft
from fediverse_support.reads.people import people
from fediverse_support.store.people import remote_actors
from tests.builders import PASSWORD, QuickPasswords
from tests.crash.peers import ADDRESSES, Author, World
from tests.crash.running import Running, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

KILLS = 10
KINDS_OF_KILLS = 3
INBOXES = 200
INCOMING = 500
SENDERS = 8

FOLLOW = """
insert into follows (uri, follower_id, target_id, standing, created_at, decided_at)
values ($1, $2, $3, 'accepted', now(), now())
"""
SHOWN = "select count(*) from posts where standing = 'visible' and uri = any ($1::text[])"
NEWEST = "select uri from activities where verb = 'Create' order by id desc limit 1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    directory = Path(tempfile.mkdtemp(prefix="fs-crash-"))
    directory.chmod(0o711)
    running = Running(directory, free_port())
    running.start()
    yield running
    running.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def outside() -> AsyncIterator[World]:
    made = World()
    await made.open()
    yield made
    await made.close()


async def settle_in(server: Running, db: Db) -> tuple[Person, ActorId, Uri]:
    """Open wren's account and her group."""
    instance = server.settings.instance
    account_id = await accounts.create_account(
        db, instance, name="wren", password=PASSWORD, secret=server.secret,
        hash_password=QuickPasswords().hash,
    )  # fmt: skip
    group_id = await groups.create_group(
        db, instance, server.secret, name="sleepless", title="Sleepless", kind="open", moderators=("wren",)
    )
    async with db.connection() as conn:
        wren = await people.find_person(conn, account_id)
        uri = await conn.fetchval("select uri from actors where id = $1", group_id)
    assert wren is not None
    return wren, group_id, Uri(uri)


async def gather_followers(db: Db, outside: World, group_id: ActorId) -> list[str]:
    """Let two hundred people on twenty servers follow the group; return their inboxes."""
    inboxes = []
    async with db.transaction() as tx:
        for number in range(INBOXES):
            uri = Uri(f"http://{ADDRESSES[number % len(ADDRESSES)]}:{outside.port}/users/u{number}")
            actor = vocab.Actor(
                id=uri, kind="Person", preferred_username=f"u{number}", inbox=Uri(f"{uri}/inbox")
            )
            follower_id = await remote_actors.upsert(tx, actor, datetime.now(UTC))
            await tx.execute(FOLLOW, f"{uri}/follow", follower_id, group_id)
            inboxes.append(f"{uri}/inbox")
        await tx.execute(
            "insert into peers (host, announce_class, asked_at) select distinct host, 'activity', now()"
            " from actors where host is not null"
        )
    return inboxes


async def strike(server: Running, number: int) -> None:
    """Kill, in turn, the server, the server and its database, and the database alone."""
    if number % 3 == 2:
        await server.kill_database()
    else:
        server.kill(database_too=number % 3 == 1)
        server.start()


async def test_every_inbox_gets_every_activity_though_the_server_is_killed_ten_times(
    server: Running, outside: World
) -> None:
    chance = random.Random(11)
    async with server.database() as db:
        wren, group_id, _ = await settle_in(server, db)
        inboxes = await gather_followers(db, outside, group_id)
    sent = []
    for number in range(KILLS):
        outside.forget()
        async with server.database() as db:
            draft = Draft(body=f"Word {number}.", title=f"Thread {number}", group_id=group_id)
            await posting.publish(db, server.settings.instance, wren, draft)
            async with db.connection() as conn:
                sent.append(await conn.fetchval(NEWEST))
        await outside.hears(chance.randrange(1, INBOXES - 10))
        await strike(server, number)

    async def is_done() -> bool:
        return bool(await server.value("select count(*) from deliveries") == 0)

    await until(is_done, "an empty queue", every=0.3)
    missing = [(box, uri) for box in inboxes for uri in sent if not outside.got.get(box, {}).get(uri)]
    assert missing == []
    assert set(outside.got) == set(inboxes)


async def test_everything_answered_202_is_visible_though_the_server_is_killed_ten_times(
    server: Running, outside: World
) -> None:
    chance = random.Random(12)
    async with server.database() as db:
        _, _, group = await settle_in(server, db)
    instance = server.settings.instance
    author = Author(Uri(f"http://{ADDRESSES[0]}:{outside.port}/users/io"), instance.inbox_uri, group)
    outside.documents[author.uri] = author.document()
    promised: list[str] = []
    for number in range(KILLS):
        waiting = [author.note(f"{number}-{step}") for step in range(INCOMING)]
        wanted = len(waiting)
        bound = chance.randrange(20, INCOMING - 20)
        promised += await deliver_until(author, waiting, at_least=bound)
        await strike(server, number)
        promised += await deliver_until(author, waiting, at_least=len(waiting))
        assert len(promised) == (number + 1) * wanted

        async def is_done() -> bool:
            left = await server.value("select count(*) from receipts where standing <> 'done'")
            return bool(left == 0)

        if number == KILLS - 1:
            await until(is_done, "an empty queue", every=0.3)
    assert len(set(promised)) == KILLS * INCOMING
    assert await server.value(SHOWN, promised) == KILLS * INCOMING


ASK = """
insert into accounts (name, email, email_confirmed_at, password_hash, standing, created_at)
select 'asks' || n, 'asks' || n || '@mail.example', now(), '', 'pending', now() from generate_series(1, $1) n
returning id
"""
MAILS = "select count(*) from jobs where kind = 'mail'"


async def test_every_mail_is_written_once_though_the_server_is_killed_three_times(server: Running) -> None:
    chance, each = random.Random(13), 40
    async with server.database() as db:
        wren, _, _ = await settle_in(server, db)
        async with db.connection() as conn:
            waiting = [AccountId(row["id"]) for row in await conn.fetch(ASK, KINDS_OF_KILLS * each)]
    team = replace(wren, roles=frozenset({"admin"}))
    for number in range(KINDS_OF_KILLS):
        async with server.database() as db:
            for account_id in waiting[number * each : (number + 1) * each]:
                await requests.decide_account(db, team, account_id, accept=number % 2 == 0)
        await asyncio.sleep(chance.random() / 5)
        await strike(server, number)

    async def is_done() -> bool:
        return bool(await server.value(MAILS) == 0)

    await until(is_done, "an empty list", every=0.3)
    written = list((server.settings.data_dir / "outbox").glob("*.eml"))
    told = [re.findall(rb"^To: (\S+)\r$", path.read_bytes(), re.MULTILINE) for path in written]
    assert sorted(told) == sorted([f"asks{n}@mail.example".encode()] for n in range(1, len(waiting) + 1))


async def deliver_until(author: Author, waiting: list[tuple[str, bytes]], *, at_least: int) -> list[str]:
    """Deliver from the end of `waiting` with eight connections until so many were answered 202.

    What was answered is taken off the list and returned; what was under way and not answered stays on it.
    """
    taken: list[str] = []

    async def send(client: HttpClient) -> None:
        while waiting and len(taken) < at_least:
            uri, body = waiting.pop()
            try:
                status = await author.deliver(client, body, datetime.now(UTC))
            except FederationError:
                status = 0
            if status == 202:
                taken.append(uri)
            else:
                waiting.append((uri, body))
                await asyncio.sleep(0.05)

    async with HttpClient(
        user_agent="a peer", allow_http=True, allow_networks=(ip_network("127.0.0.0/8"),)
    ) as client:
        await asyncio.gather(*(send(client) for _ in range(SENDERS)))
    return taken
