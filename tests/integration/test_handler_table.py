"""Every row of the handler table: accepted, a duplicate, the wrong actor, a suspended origin, out of order.

Deliveries go the whole way behind the inbox: read, stored, fetched for, judged, applied.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support import wiring
from fediverse_support.actions import groups, local_keys
from fediverse_support.actions.accounts import accounts
from fediverse_support.actions.moderation import moderating
from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.moderation import DomainRule
from fediverse_support.domain.posts import Draft
from fediverse_support.pipeline.table import TABLE
from fediverse_support.reads.people import people
from fediverse_support.settings import Settings
from tests.builders import PASSWORD, PLENTY, SECRET, QuickPasswords, key_maker
from tests.conftest import Clock
from tests.integration.edge import Internet, Peer
from tests.integration.stage import EVE, IO, PUBLIC, QUIET, Stage, State, Try


@pytest.fixture
async def stage(db: Db, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(local_keys, "make_key_pair", key_maker())
    internet = Internet()
    for peer in (Peer(IO), Peer(EVE), Peer(QUIET, "Group")):
        internet.documents[peer.uri] = peer.document()
    settings = Settings(base_url="https://support.example", newcomer_posts_held=0, undo_for=timedelta())
    deps = wiring.build(settings, db, internet, SECRET, limits=PLENTY)
    await accounts.ensure_instance_actor(db, deps.instance, SECRET)
    account_id = await accounts.create_account(
        db, deps.instance, name="wren", password=PASSWORD, hash_password=QuickPasswords().hash, secret=SECRET
    )
    async with db.connection() as conn:
        wren = await people.find_person(conn, account_id)
    assert wren is not None
    made = Stage(db, deps, clock, internet, wren)
    made.group_id = await groups.create_group(
        db, deps.instance, SECRET, name="sleepless", title="Sleepless", kind="open", moderators=("wren",)
    )
    made.group = Uri(await made.value("select uri from actors where id = $1", made.group_id))
    done = await posting.publish(
        db, deps.instance, wren, Draft(body="Hello.", title="Hello", group_id=made.group_id)
    )
    made.post = Uri(await made.value("select uri from posts where id = $1", done.post_id))
    found = await deps.remote.find(QUIET)
    assert found is not None
    made.quiet_id = ActorId(found)
    await made.deliver(made.activity("Follow", IO, made.group))
    await following.follow(db, deps.instance, wren, made.quiet_id)
    return made


Vector = Callable[[Stage], Awaitable[Try]]


async def create_post(s: Stage) -> Try:
    root, reply = s.note("root"), s.note("reply")
    reply["inReplyTo"] = root["id"]
    s.internet.documents.pop(root["id"])  # it cannot be fetched, so the order of arrival matters
    forged = s.note("forged", IO)
    s.internet.documents.pop(forged["id"])  # io never said that
    return Try(
        act=s.activity("Create", IO, reply),
        forged=s.activity("Create", EVE, forged),
        late=[s.activity("Create", IO, root)],
    )


async def observe_post(s: Stage) -> Try:
    note = s.note("fetched", inReplyTo=s.post)
    return Try(
        act=s.activity("Create", IO, note["id"], to=[PUBLIC, s.group]),
        forged=s.activity("Create", EVE, s.note("elsewhere", EVE, to=[EVE], audience=None)["id"]),
        late=[s.activity("Create", IO, note)],
    )


async def update_post(s: Stage) -> Try:
    note = s.note("old")
    newer = {**note, "content": "<p>new</p>", "updated": "2030-05-01T11:30:00Z"}
    older = {**note, "content": "<p>older</p>", "updated": "2030-05-01T11:20:00Z"}
    return Try(
        before=[s.activity("Create", IO, note)],
        act=s.activity("Update", IO, newer),
        forged=s.activity("Update", EVE, {**newer, "content": "<p>forged</p>"}),
        late=[s.activity("Update", IO, older)],
        late_ends="order",
    )


async def update_actor(s: Stage) -> Try:
    s.clock.pass_by(hours=2)
    changed = json.loads(Peer(IO).document()) | {"name": "Io, renamed"}
    s.internet.documents[IO] = json.dumps(changed).encode()
    return Try(
        act=s.activity("Update", IO, changed),
        forged=s.activity("Update", EVE, changed | {"name": "Forged"}),
    )


async def delete_post(s: Stage) -> Try:
    note = s.note("gone")
    return Try(
        before=[s.activity("Create", IO, note)],
        act=s.activity("Delete", IO, note["id"]),
        forged=s.activity("Delete", EVE, note["id"]),
        late=[s.activity("Create", IO, note)],
        late_ends="nothing",
    )


async def follow(s: Stage) -> Try:
    await s.deliver(s.activity("Undo", IO, s.activity("Follow", IO, s.group)))
    return Try(
        act=s.activity("Follow", IO, s.group),
        forged={**s.activity("Follow", IO, s.group), "id": f"{EVE}/follow"},
    )


async def _ours(s: Stage) -> dict[str, Any]:
    """Return wren's wish to join quiet, as an answer quotes it."""
    sql = "select uri from follows where target_id = $1"
    return {"id": await s.value(sql, s.quiet_id), "type": "Follow", "actor": s.wren.uri, "object": QUIET}


async def accept_follow(s: Stage) -> Try:
    wish = await _ours(s)
    return Try(
        act=s.activity("Accept", QUIET, wish, to=[s.wren.uri]),
        forged=s.activity("Accept", EVE, wish, to=[s.wren.uri]),
    )


async def reject_follow(s: Stage) -> Try:
    wish = await _ours(s)
    return Try(
        act=s.activity("Reject", QUIET, wish, to=[s.wren.uri]),
        forged=s.activity("Reject", EVE, wish, to=[s.wren.uri]),
        late=[s.activity("Accept", QUIET, wish, to=[s.wren.uri])],
    )


async def undo_follow(s: Stage) -> Try:
    sql = (
        "select uri from follows where target_id = $1 and standing = 'accepted' and uri like 'https://masto%'"
    )
    wish = {"id": await s.value(sql, s.group_id), "type": "Follow", "actor": IO, "object": s.group}
    return Try(
        act=s.activity("Undo", IO, wish),
        forged=s.activity("Undo", EVE, {**wish, "actor": EVE}),
    )


async def undo_follow_unheard(s: Stage) -> Try:
    await s.deliver(s.activity("Undo", IO, s.activity("Follow", IO, s.group)))
    wish = s.activity("Follow", IO, s.group)
    undo = s.activity("Undo", IO, wish)
    return Try(act=undo, forged=undo, late=[wish], late_ends="nothing")


async def like(s: Stage) -> Try:
    return Try(
        act=s.activity("Like", IO, s.post),
        forged={**s.activity("Like", IO, s.post), "id": f"{EVE}/like"},
    )


async def undo_like(s: Stage) -> Try:
    liked = s.activity("Like", IO, s.post)
    return Try(
        before=[liked],
        act=s.activity("Undo", IO, liked),
        forged=s.activity("Undo", EVE, {**liked, "actor": EVE}),
        late=[liked],
        late_ends="nothing",
    )


async def announce_post(s: Stage) -> Try:
    boost = s.activity("Announce", IO, s.post)
    return Try(act=boost, forged={**s.activity("Announce", IO, s.post), "id": f"{EVE}/boost"})


async def undo_announce(s: Stage) -> Try:
    boost = s.activity("Announce", IO, s.post)
    return Try(
        before=[boost],
        act=s.activity("Undo", IO, boost),
        forged=s.activity("Undo", EVE, {**boost, "actor": EVE}),
        late=[boost],
        late_ends="nothing",
    )


async def undo_by_id(s: Stage) -> Try:
    liked = s.activity("Like", IO, s.post)
    return Try(
        before=[liked],
        act=s.activity("Undo", IO, liked["id"]),
        forged=s.activity("Undo", EVE, liked["id"]),
        late=[liked],
        late_ends="nothing",
    )


async def _with_io_as_moderator(s: Stage) -> None:
    async with s.db.transaction() as tx:
        await tx.execute(
            "insert into group_moderators (group_id, actor_id, since_at)"
            " select $1, id, created_at from actors where uri = $2", s.group_id, IO,
        )  # fmt: skip


async def undo_delete(s: Stage) -> Try:
    note = s.note("again")
    deleted = s.activity("Delete", IO, note["id"])
    return Try(
        before=[s.activity("Create", IO, note), deleted],
        act=s.activity("Undo", IO, deleted),
        forged=s.activity("Undo", EVE, {**deleted, "actor": EVE}),
        late=[deleted],
        late_ends="nothing",
    )


async def lock(s: Stage) -> Try:
    await _with_io_as_moderator(s)
    return Try(act=s.activity("Lock", IO, s.post), forged=s.activity("Lock", EVE, s.post))


async def undo_lock(s: Stage) -> Try:
    await _with_io_as_moderator(s)
    locked = s.activity("Lock", IO, s.post)
    return Try(
        before=[locked],
        act=s.activity("Undo", IO, locked),
        forged=s.activity("Undo", EVE, {**locked, "actor": EVE}),
        late=[locked],
        late_ends="nothing",
    )


async def ban(s: Stage) -> Try:
    await _with_io_as_moderator(s)
    return Try(
        act=s.activity("Block", IO, s.wren.uri, target=s.group, summary="a rest"),
        forged=s.activity("Block", EVE, s.wren.uri, target=s.group),
    )


async def undo_ban(s: Stage) -> Try:
    await _with_io_as_moderator(s)
    banned = s.activity("Block", IO, s.wren.uri, target=s.group)
    return Try(
        before=[banned],
        act=s.activity("Undo", IO, banned),
        forged=s.activity("Undo", EVE, {**banned, "actor": EVE}),
        late=[banned],
        late_ends="nothing",
    )


async def block(s: Stage) -> Try:
    return Try(
        act=s.activity("Block", IO, s.wren.uri),
        forged={**s.activity("Block", IO, s.wren.uri), "id": f"{EVE}/block"},
    )


async def undo_block(s: Stage) -> Try:
    blocked = s.activity("Block", IO, s.wren.uri)
    return Try(
        before=[blocked],
        act=s.activity("Undo", IO, blocked),
        forged=s.activity("Undo", EVE, {**blocked, "actor": EVE}),
        late=[blocked],
        late_ends="nothing",
    )


async def flag(s: Stage) -> Try:
    return Try(
        act=s.activity("Flag", IO, [s.post], content="Please look."),
        forged=s.activity("Flag", IO, [s.post], content="Forged."),
    )


VECTORS: dict[tuple[str, str], Vector] = {
    ("Create", "Post"): create_post,
    ("Observe", "Post"): observe_post,
    ("Update", "Post"): update_post,
    ("Update", "Actor"): update_actor,
    ("Delete", "Post or actor"): delete_post,
    ("Follow", "Actor"): follow,
    ("Accept", "Follow"): accept_follow,
    ("Reject", "Follow"): reject_follow,
    ("Undo", "Follow"): undo_follow,
    ("Undo", "Like"): undo_like,
    ("Undo", "Announce"): undo_announce,
    ("Undo", "Activity by id"): undo_by_id,
    ("Undo", "Delete"): undo_delete,
    ("Lock", "Post"): lock,
    ("Undo", "Lock"): undo_lock,
    ("Block", "Actor, from a group"): ban,
    ("Undo", "Block from a group"): undo_ban,
    ("Block", "Person"): block,
    ("Undo", "Block"): undo_block,
    ("Like", "Post"): like,
    ("Announce", "Post"): announce_post,
    ("Flag", "Actors and posts"): flag,
}
ROWS = pytest.mark.parametrize("row", VECTORS, ids=lambda row: "-".join(row).replace(" ", "_"))


async def prepared(s: Stage, row: tuple[str, str]) -> tuple[Try, State]:
    """Return the vector of a row, with what comes before it delivered, and the state then."""
    made = await VECTORS[row](s)
    for document in made.before:
        await s.deliver(document)
    return made, await s.state()


def test_every_row_has_its_vectors() -> None:
    assert {(row.verb, row.objects) for row in TABLE} == set(VECTORS)


@ROWS
async def test_accepted(stage: Stage, row: tuple[str, str]) -> None:
    made, before = await prepared(stage, row)
    await stage.deliver(made.act)
    assert await stage.state() != before


@ROWS
async def test_a_duplicate_changes_nothing_more(stage: Stage, row: tuple[str, str]) -> None:
    made, _ = await prepared(stage, row)
    await stage.deliver(made.act)
    once = await stage.state()
    await stage.deliver(made.act)
    assert await stage.state() == once
    if row[0] != "Flag":  # two reports are two reports
        await stage.deliver({**made.act, "id": f"{made.act['id']}/again"})
        assert await stage.state() == once


@ROWS
async def test_the_wrong_actor_has_no_effect(stage: Stage, row: tuple[str, str]) -> None:
    made, _ = await prepared(stage, row)
    await stage.deps.remote.find(EVE)
    before = await stage.state()
    await stage.deliver(made.forged, signer=EVE)
    assert await stage.state() == before


@ROWS
async def test_a_suspended_origin_has_no_effect(stage: Stage, row: tuple[str, str]) -> None:
    made, before = await prepared(stage, row)
    for domain in ("masto.example", "lemmy.example"):
        await moderating.set_domain_rule(stage.db, stage.deps.instance, None, DomainRule(domain, "suspend"))
    await stage.deliver(made.act)
    assert await stage.state() == before


@ROWS
async def test_out_of_order(stage: Stage, row: tuple[str, str]) -> None:
    made = await (undo_follow_unheard if row == ("Undo", "Follow") else VECTORS[row])(stage)
    if made.late_ends == "nothing":
        first = await stage.state()
        await stage.deliver(made.act)
        for document in made.late:
            await stage.deliver(document)
        assert await stage.state() == first
        return
    for document in (*made.before, made.act, *made.late):
        await stage.deliver(document)
    ended = await stage.state()
    if row[0] != "Flag":
        await stage.deliver({**made.act, "id": f"{made.act['id']}/again"})
    assert await stage.state() == ended, "what came late has not undone what should have followed it"
