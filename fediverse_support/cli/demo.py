"""What the demo and the world begin with: six people, two groups, a few kind words.

Seeding can be interrupted at any point and goes on at the next start; once it is whole it never runs again,
so what visitors of a demo change or delete stays as they left it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from fediverse_support.actions import groups
from fediverse_support.actions.accounts import accounts
from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.adapters.passwords import Passwords
from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.cli.serving import DEMO_LOGINS, DEMO_PASSWORD
from fediverse_support.db.pool import Conn, Db
from fediverse_support.domain.actors import ROLES, GroupKind, Person
from fediverse_support.domain.errors import Conflict
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.posts import Draft
from fediverse_support.reads.people import people
from fediverse_support.settings import Settings
from fediverse_support.store import demo as made
from fediverse_support.store.house import settle


@dataclass(frozen=True, slots=True)
class Line:
    """One post of a thread."""

    by: str
    body: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A group of the demo with its first thread."""

    name: str
    title: str
    kind: GroupKind
    summary: str
    thread_title: str
    lines: tuple[Line, ...]


OPENINGS: Final = (
    Opening(
        name="appointments",
        title="Getting ready for appointments",
        kind="open",
        summary=(
            "Questions to take along, notes to bring home, somebody who has sat in the same waiting room. "
            "Everything here can be read by anybody, on any server."
        ),
        thread_title="How do you remember what you wanted to ask?",
        lines=(
            Line(
                "wren",
                "I have twelve minutes with the specialist on Thursday and a head like a sieve. Last time "
                "I came out and thought of three things on the bus.\n\nWhat do you do?",
            ),
            Line(
                "marlow",
                "One card, three questions, the most important first. I hand the card over at the start. "
                "Nobody has ever minded, and twice they read it before I had sat down.",
            ),
            Line(
                "tansy",
                "I ask whether I may write while they talk. It slows both of us down to a speed "
                "I can follow.",
            ),
            Line(
                "heron",
                "Somebody comes along and listens for me. Afterwards we compare what each of us heard. "
                "It is never the same.",
            ),
            Line("wren", "A card. Of course. Thank you, all of you. I will tell you how it went."),
        ),
    ),
    Opening(
        name="frontroom",
        title="The front room",
        kind="home",
        summary="For members of this house only. Nothing written here leaves this server.",
        thread_title="Tea is on",
        lines=(
            Line(
                "asha",
                "Welcome in. This room is for the small things: how the day was, what the cat did, nothing "
                "at all. You can read along for as long as you like before you write.",
            ),
            Line("tansy", "Slept six hours in one piece. I am telling everybody."),
            Line("heron", "Six! Put it on the calendar with a star."),
        ),
    ),
)


CHOSEN: Final = {
    "federation": "open",
    "registration": "approval",
    "undo_seconds": "0",
    "newcomer_posts_held": "0",
}
"""Quick to try: nothing waits for a moderator or for second thoughts, unless somebody chooses otherwise."""


async def seed(db: Db, settings: Settings) -> None:
    """Make what of the demo is not there yet, and mark it as whole."""
    await asyncio.gather(*(_account(db, settings, name, role) for name, role in DEMO_LOGINS))
    async with db.connection() as conn:
        people = {name: await get_person(conn, name) for name, _ in DEMO_LOGINS}
    for opening in OPENINGS:
        await _open(db, settings, opening, people)
    async with db.transaction() as tx:
        await settle(tx, "demo", "whole")


async def _account(db: Db, settings: Settings, name: str, role: str) -> None:
    try:
        await accounts.create_account(
            db,
            settings.instance,
            name=name,
            password=DEMO_PASSWORD,
            hash_password=Passwords().hash,
            secret=load_secret(settings.data_dir),
            roles=[one for one in ROLES if one == role],
        )
    except Conflict:
        return  # made before the last start was interrupted


async def get_person(conn: Conn, name: str) -> Person:
    """Return somebody of the demo by their login."""
    person = await people.find_person(conn, await made.get_account(conn, name))
    assert person is not None  # noqa: S101  (it was made before)
    return person


async def _open(db: Db, settings: Settings, opening: Opening, people: dict[str, Person]) -> None:
    instance = settings.instance
    try:
        await groups.create_group(
            db,
            instance,
            load_secret(settings.data_dir),
            name=opening.name,
            title=opening.title,
            kind=opening.kind,
            summary=opening.summary,
            moderators=("asha",),
        )
    except Conflict:
        pass  # made before the last start was interrupted
    async with db.connection() as conn:
        group_id = await made.get_group(conn, opening.name)
    for name in ("wren", "marlow", "tansy", "heron"):
        await following.follow(db, instance, people[name], group_id, is_invited=True)
    async with db.connection() as conn:
        waiting = await made.list_waiting(conn, group_id)
    for follow_id in waiting:
        await following.decide_member(db, instance, people["asha"], follow_id, accept=True)
    async with db.connection() as conn:
        is_begun = await made.is_begun(conn, group_id)
    if not is_begun:
        await _write(db, settings, opening, people, group_id)


async def _write(
    db: Db, settings: Settings, opening: Opening, people: dict[str, Person], group_id: ActorId
) -> None:
    root_id: PostId | None = None
    for line in opening.lines:
        draft = (
            Draft(line.body, title=opening.thread_title, group_id=group_id, language="en")
            if root_id is None
            else Draft(line.body, parent_id=root_id, language="en")
        )
        published = await posting.publish(db, settings.instance, people[line.by], draft)
        root_id = root_id or published.post_id
