"""What goes on meanwhile: signed activities come in from four servers, a member writes, six listen."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from urllib.parse import urlencode

from federation import vocab
from federation.errors import FederationError
from federation.uris import Uri
from fediverse_support.actions import groups
from fediverse_support.actions.accounts import accounts, requests
from fediverse_support.actions.moderation import moderating
from fediverse_support.adapters.http_client import HttpClient
from fediverse_support.db.pool import DatabaseUnavailable, Db
from fediverse_support.domain.actors import Person
from fediverse_support.domain.errors import Conflict, NotFound
from fediverse_support.domain.ids import AccountId, ActorId
from fediverse_support.domain.moderation import DomainRule
from fediverse_support.store.people import remote_actors
from tests.builders import PASSWORD, QuickPasswords
from tests.chaos.plans import Fault
from tests.chaos.site import Site
from tests.crash.peers import ADDRESSES, Author, World

AUTHORS = ADDRESSES[:4]
"""The last two are the ones that rules are made about."""
SINKS = ADDRESSES[4:10]
PAUSE = 0.3
OWN_PAUSE = 1.2
RULED = {"first": AUTHORS[2], "second": AUTHORS[3]}

FOLLOW = """
insert into follows (uri, follower_id, target_id, standing, created_at, decided_at)
values ($1, $2, $3, 'accepted', now(), now())
"""

ASK = """
insert into accounts (name, email, email_confirmed_at, password_hash, standing, created_at)
values ($1, $1, now(), '', 'pending', now())
on conflict (lower(name)) do update set email = excluded.email
returning id
"""


@dataclass
class Listening(World):
    """A world that remembers which activity told which inbox of which post."""

    told: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def hear(self, address: str, body: bytes) -> None:
        activity = json.loads(body)
        inner = activity.get("object")
        if activity.get("type") == "Announce" and isinstance(inner, dict):
            thing = inner.get("object", inner)
            post = thing.get("id") if isinstance(thing, dict) else thing
            self.told[address, str(post)].add(activity["id"])


@dataclass
class Load:
    """Everything that was promised with a 2xx."""

    site: Site
    world: Listening
    account_id: AccountId | None = None
    token: str = ""
    group_id: int = 0
    group: Uri = Uri("")
    inboxes: list[str] = field(default_factory=list)
    came_in: dict[str, str] = field(default_factory=dict)
    """Promised posts of others, with the address of their server."""
    written: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    """Addresses to each of which one mail is owed."""
    rules: dict[str, str] = field(default_factory=dict)
    was_held: set[str] = field(default_factory=set)
    is_over: bool = False

    @property
    def port(self) -> int:
        return self.site.wires["worker-peers"].port

    async def settle_in(self) -> None:
        """Open wren's account and group, and let the sinks follow it."""
        instance = self.site.settings.instance
        async with self.site.reached() as db:
            self.account_id = await accounts.create_account(
                db, instance, name="wren", password=PASSWORD, secret=self.site.secret,
                hash_password=QuickPasswords().hash,
            )  # fmt: skip
            self.token = await accounts.create_token(db, "wren")
            self.group_id = await groups.create_group(
                db, instance, self.site.secret, name="sleepless", title="Sleepless", kind="open",
                moderators=("wren",),
            )  # fmt: skip
            async with db.connection() as conn:
                self.group = Uri(await conn.fetchval("select uri from actors where id = $1", self.group_id))
            await self._gather(db)

    async def _gather(self, db: Db) -> None:
        async with db.transaction() as tx:
            for number, address in enumerate(SINKS):
                uri = Uri(f"http://{address}:{self.port}/users/u{number}")
                actor = vocab.Actor(
                    id=uri, kind="Person", preferred_username=f"u{number}", inbox=Uri(f"{uri}/inbox")
                )
                follower_id = await remote_actors.upsert(tx, actor, datetime.now(UTC))
                await tx.execute(FOLLOW, f"{uri}/follow", follower_id, self.group_id)
                self.inboxes.append(f"{uri}/inbox")
            await tx.execute(
                "insert into peers (host, announce_class, asked_at) select distinct host, 'activity', now()"
                " from actors where host is not null"
            )

    async def goes_on(self) -> None:
        """Deliver and write until it is over; what is not answered with 2xx is tried again."""
        nets = (ip_network("127.0.0.0/8"),)
        async with HttpClient(user_agent="a peer", allow_http=True, allow_networks=nets) as client:
            await asyncio.gather(
                *(self._delivers(client, at) for at in AUTHORS), self._writes(client), self._answers()
            )

    async def _delivers(self, client: HttpClient, address: str) -> None:
        base = self.site.settings.instance.inbox_uri
        author = Author(Uri(f"http://{address}:{self.port}/users/io"), base, self.group)
        self.world.documents[author.uri] = author.document()
        for number in itertools.count():
            uri, body = author.note(str(number))
            self.world.documents[uri] = json.dumps(
                {"@context": "https://www.w3.org/ns/activitystreams", **json.loads(body)["object"]}
            ).encode()
            while not self.is_over:
                try:
                    status = await author.deliver(client, body, datetime.now(UTC))
                except FederationError:
                    status = 0
                await asyncio.sleep(PAUSE)
                if 200 <= status < 300:
                    self.came_in[uri] = address
                    break
            if self.is_over:
                return

    async def _writes(self, client: HttpClient) -> None:
        address = Uri(f"{self.site.base_url}/api/v1/statuses")
        for number in itertools.count():
            words = {"status": f"Word {number}.", "title": f"Thread {number}", "group_id": str(self.group_id)}
            headers = {
                "Authorization": f"Bearer {self.token}", "Idempotency-Key": f"word-{number}",
                "Content-Type": "application/x-www-form-urlencoded",
            }  # fmt: skip
            while not self.is_over:
                try:
                    reply = await client.send(
                        "POST", address, headers, urlencode(words).encode(), limit=1 << 20, seconds=15
                    )
                except FederationError:
                    reply = None
                await asyncio.sleep(OWN_PAUSE)
                if reply is not None and reply.status == 200:
                    self.written.append(json.loads(reply.body)["uri"])
                    break
            if self.is_over:
                return

    async def _answers(self) -> None:
        """Let people in who asked for an account, each of whom is owed a mail, until it is over."""
        for number in itertools.count():
            address = f"asks{number}@mail.example"
            while not self.is_over:
                try:
                    async with self.site.reached() as db:
                        await self._let_in(db, address)
                    self.answered.append(address)
                    break
                except DatabaseUnavailable:
                    await asyncio.sleep(PAUSE)
            await asyncio.sleep(PAUSE)
            if self.is_over:
                return

    async def _let_in(self, db: Db, address: str) -> None:
        async with db.transaction() as tx:
            account_id = AccountId(await tx.fetchval(ASK, address))
        assert self.account_id is not None
        team = Person(self.account_id, frozenset({"admin"}), ActorId(0), Uri(""), "")
        with contextlib.suppress(Conflict):  # done, though the answer was lost
            await requests.decide_account(db, team, account_id, accept=True)

    async def decide(self, fault: Fault) -> None:
        """Make or lift a rule, trying until the database takes it."""
        severity, which = fault.whom
        domain = f"{RULED[which]}:{self.port}"
        if severity == "hold":
            self.was_held.add(RULED[which])
        async with self.site.reached() as db:
            while True:
                try:
                    if severity == "clear":
                        with contextlib.suppress(NotFound):  # there was none
                            await moderating.clear_domain_rule(db, None, domain)
                        self.rules.pop(RULED[which], None)
                    else:
                        rule = DomainRule(domain=domain, severity=severity)  # type: ignore[arg-type]
                        instance = self.site.settings.instance
                        await moderating.set_domain_rule(db, instance, None, rule, is_meant=True)
                        self.rules[RULED[which]] = severity
                    return
                except DatabaseUnavailable:
                    await asyncio.sleep(0.3)
