"""Nothing that others can see or are sent says that two names belong to one account.

Robin has three: for talk in the open, for the open group, and for the one that asks. Everything public about
each, and all that left the server, is taken down, and what two of them share and nobody else has is a link.
Changes that would make one are tried, too, so that the test is known to find them.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from fediverse_support.actions.accounts import accounts
from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db
from fediverse_support.domain import documents
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import fresh_token
from fediverse_support.domain.posts import Draft
from fediverse_support.reads.people import people
from fediverse_support.store.accounts import accounts as store
from fediverse_support.store.people.local_actors import NewActor, insert_local_actor
from tests.builders import key_pair
from tests.conftest import Clock
from tests.integration.edge import SECRET
from tests.security.internet import AS1
from tests.security.support import HONEST, Place, make_place

NAMES = {"robin": None, "dunnock": "pub", "siskin": "asks"}
"""Of one account, with the group each was made for."""
OTHERS = ("wren", "marlow")
"""Whose accounts have one name each: what they share with others is no link."""
TOKEN = re.compile(r"[\w+/=.:@%-]{5,}")


@dataclass
class Seen:
    """What there is to see of one name: every document with what it is, and where its activities went."""

    person: Person
    documents: dict[str, str] = field(default_factory=dict)
    inboxes: set[str] = field(default_factory=set)

    @property
    def tokens(self) -> set[str]:
        return {token for text in self.documents.values() for token in TOKEN.findall(text)}

    @property
    def marks(self) -> tuple[str, ...]:
        """By which this name is known for certain."""
        return (self.person.uri, f"@{self.person.name}", str(self.person.actor_id))


async def quickly(password: str) -> str:
    return f"quick:{password}"


async def take_name(place: Place, person: Person, name: str, group: str) -> Person:
    """Give an account a name for a group."""
    key = key_pair(20 + list(NAMES).index(name))
    instance, now = place.deps.instance, place.db.now()
    uri = instance.person_uri(fresh_token())
    async with place.db.transaction() as tx:
        actor_id = await insert_local_actor(
            tx, instance,
            NewActor(
                kind="person", uri=uri, name=name, display_name=name, url=instance.profile_url(name),
                public_key_pem=key.public_pem, sealed_key=key.sealed, approves_followers=True,
                account_id=person.account_id, for_group_id=place.groups[group],
            ),
            now,
        )  # fmt: skip
        assert actor_id is not None
        await store.take_name(tx, name, actor_id, now)
    return Person(person.account_id, person.roles, actor_id, uri, name)


async def speaks(place: Place, person: Person, group: str | None) -> None:
    """Have a name join its group and write there, or in the open, at a minute of its own."""
    place.clock.pass_by(minutes=7)
    group_id = None if group is None else place.groups[group]
    if group_id is not None:
        await following.follow(place.db, place.deps.instance, person, group_id)
        await place.rows("update follows set standing = 'accepted' where follower_id = $1", person.actor_id)
    place.clock.pass_by(minutes=4)
    body, title = f"Words of {person.name}.", f"About {person.name}" if group else ""
    await posting.publish(
        place.db, place.deps.instance, person, Draft(body=body, title=title, group_id=group_id)
    )


@dataclass
class Opened:
    """Our server, and what its groups say of themselves, which says nothing of who is in them."""

    place: Place
    common: set[str]


async def opened(db: Db, clock: Clock) -> Opened:
    """Open our server; an account gets its names within one minute, and each of them says something."""
    place = await make_place(db, clock, federation="open")
    common: set[str] = set()
    for group in place.groups:
        for where, accept in ((f"/g/{group}", "text/html"), (place.uris[group], AS1)):
            common |= set(TOKEN.findall((await place.get(where, accept=accept)).body.decode()))
    await place.rows("update follows set standing = 'accepted' where target_id = $1", place.groups["asks"])
    for name in OTHERS:
        await speaks(place, place.people[name], None)
        await speaks(place, place.people[name], "asks")
    clock.pass_by(minutes=9)
    account_id = await accounts.create_account(
        db, place.deps.instance, name="robin", password="three odd socks drying", hash_password=quickly,
        secret=SECRET,
    )  # fmt: skip
    async with db.connection() as conn:
        robin = await people.find_person(conn, account_id)
    assert robin is not None
    await place.rows(
        "update actors set public_key_pem = $2 where id = $1", robin.actor_id, key_pair(20).public_pem
    )
    for name, own in NAMES.items():
        place.people[name] = robin if own is None else await take_name(place, robin, name, own)
    for name, own in NAMES.items():
        await speaks(place, place.people[name], own)
    # Somebody at another server follows the name for talk in the open.
    await place.rows(
        "insert into follows (uri, follower_id, target_id, standing, created_at)"
        " select 'x', a.id, $1, 'accepted', now() from actors a where a.uri = $2",
        robin.actor_id, "https://honest.example/u/bee",
    )  # fmt: skip
    clock.pass_by(minutes=3)
    await posting.publish(db, place.deps.instance, robin, Draft(body="More words of robin."))
    return Opened(place, common)


async def seen_of(place: Place, name: str) -> Seen:
    """Take down all that is public about a name: as a visitor, a server and a member of ours see it."""
    person = place.people[name]
    seen = Seen(person)
    addresses = [
        f"{person.uri}{path}" for path in ("", "/outbox", "/followers", "/following", "/featured")
    ] + [f"/.well-known/webfinger?resource=acct:{name}@support.example"]
    rows = await place.rows("select id, uri from posts where author_id = $1 order by id", person.actor_id)
    addresses += [row["uri"] for row in rows]
    for address in addresses:
        for signer in (None, HONEST):
            seen.documents[f"{address} {signer}"] = (await place.get(address, signer)).body.decode()
    for address in (f"/@{name}", *(f"/post/{row['id']}" for row in rows)):
        seen.documents[address] = (await place.get(address, accept="text/html")).body.decode()
    for path in (f"/v1/accounts/{person.actor_id}", f"/v1/accounts/lookup?acct={name}",
                 f"/v1/accounts/{person.actor_id}/statuses"):  # fmt: skip
        for reader in (None, "marlow"):
            seen.documents[f"{path} {reader}"] = json.dumps(await place.api(path, reader))
    for row in await place.rows(
        "select x.document, d.inbox_uri, d.due_at::text as due from activities x"
        " left join deliveries d on d.activity_id = x.id where x.direction = 'out' and x.document like $1",
        f"%{person.uri}%",
    ):  # fmt: skip
        seen.documents[f"sent {len(seen.documents)}"] = f"{row['document']} {row['inbox_uri']} {row['due']}"
    seen.inboxes = {
        row["inbox_uri"]
        for row in await place.rows(
            "select d.inbox_uri from deliveries d where d.sender_id = $1", person.actor_id
        )
    }
    return seen


def second_of(row: int) -> int:
    """The second that a row number says it was made in."""
    return (row >> 20) // 1000


def links_between(one: Seen, other: Seen, common: set[str]) -> list[str]:
    """Return what ties two names together."""
    found = [f"both have {token}" for token in sorted((one.tokens & other.tokens) - common)]
    for this, that in ((one, other), (other, one)):
        found += [
            f"{what} names {mark}"
            for what, text in this.documents.items()
            for mark in that.marks
            if mark in text
        ]
    if abs(second_of(one.person.actor_id) - second_of(other.person.actor_id)) < 2:
        found.append("their row numbers are of one moment")
    return found


async def links(here: Opened) -> list[str]:
    """Return everything public that ties two names of one account together."""
    place = here.place
    seen = {name: await seen_of(place, name) for name in (*NAMES, *OTHERS)}
    common = here.common.union(*(seen[name].tokens for name in OTHERS))
    found = []
    for one, other in itertools.combinations(NAMES, 2):
        assert seen[one].person.account_id == seen[other].person.account_id
        found += links_between(seen[one], seen[other], common)
    return found


async def test_nothing_public_ties_two_names_of_one_account_together(db: Db, clock: Clock) -> None:
    here = await opened(db, clock)
    seen = await seen_of(here.place, "dunnock")
    # There is something to see at all, and what it says is of this name.
    assert any("Words of dunnock." in text for text in seen.documents.values())
    assert any(what.startswith("sent") for what in seen.documents)
    assert await links(here) == []


async def test_what_a_name_says_goes_to_nobody_for_the_sake_of_another(db: Db, clock: Clock) -> None:
    place = (await opened(db, clock)).place
    followed, other = await seen_of(place, "robin"), await seen_of(place, "dunnock")
    assert followed.inboxes and not followed.inboxes & other.inboxes


def set_both(column: str) -> str:
    """Give one name what another has."""
    return (
        f"update actors set {column} = (select o.{column} from actors o where o.name = 'robin')"
        " where name = 'dunnock'"
    )


@pytest.mark.parametrize(
    "change",
    [
        set_both("public_key_pem"),
        set_both("outbox_uri"),
        set_both("url"),
        set_both("display_name"),
        "update actors set summary_html = '<p>Likes peppermint tea.</p>' where name in ('robin', 'siskin')",
        "update actors set summary_html = '<p>Also known as @robin.</p>' where name = 'dunnock'",
        "update posts set published_at = '2030-05-01T12:34:56Z'"
        " where author_id in (select id from actors where name in ('robin', 'siskin'))",
    ],
)
async def test_a_link_would_be_found(db: Db, clock: Clock, change: str) -> None:
    here = await opened(db, clock)
    await here.place.rows(change)
    assert await links(here) != []


async def test_the_minute_of_joining_would_be_found(
    db: Db, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await opened(db, clock)

    def exactly(moment: datetime) -> datetime:
        return moment

    monkeypatch.setattr(documents, "_day", exactly)
    assert await links(here) != []


async def test_row_numbers_by_the_clock_would_be_found(db: Db, clock: Clock) -> None:
    whole = await whole_function(db, "new_person_id")
    try:
        by_the_clock = "create or replace function new_person_id() returns bigint language sql"
        await run(db, f"{by_the_clock} as 'select new_id()'")
        assert "their row numbers are of one moment" in await links(await opened(db, clock))
    finally:
        await run(db, whole)


async def test_the_row_number_of_a_person_tells_the_day_and_no_more(db: Db) -> None:
    async with db.connection() as conn:
        rows = await conn.fetch("select new_person_id() as id, new_id() as now from generate_series(1, 300)")
    days = {(row["id"] >> 20) // 86_400_000 for row in rows}
    assert days <= {(row["now"] >> 20) // 86_400_000 for row in rows} and len(days) <= 2
    minutes = {(row["id"] >> 20) // 60_000 for row in rows}
    assert len(minutes) > 100 and len({row["id"] for row in rows}) == 300


async def whole_function(db: Db, name: str) -> str:
    async with db.connection() as conn:
        return str(await conn.fetchval("select pg_get_functiondef($1::regproc)", name))


async def run(db: Db, statement: str) -> None:
    async with db.transaction() as tx:
        await tx.execute(statement)
