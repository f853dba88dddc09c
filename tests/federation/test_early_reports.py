"""What two servers say of one post comes to the same, whichever of their lines is served first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from federation import uris
from federation.uris import Uri
from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.reads.moderation import moderation
from fediverse_support.store.exchange import receipts
from fediverse_support.workers import early, receive
from tests.federation.scenes import Scene, three_servers
from tests.federation.world import World

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
POST = "https://c.example/ap/o/later"
WAITING = "select count(*) from receipts where standing = 'waiting'"
REPORTS = "select count(*) from reports"


@dataclass
class Early:
    """A post of marlow's at C, and what ada at B says of it to A; `scene` is where."""

    scene: Scene
    group: str
    ada: str
    marlow: str

    @property
    def make(self) -> dict[str, Any]:
        return {
            "id": "https://c.example/ap/a/make", "type": "Create", "actor": self.marlow,
            "to": [PUBLIC, self.group],
            "object": {
                "id": POST, "type": "Note", "attributedTo": self.marlow, "content": "Late.",
                "audience": self.group, "to": [PUBLIC, self.group],
            },
        }  # fmt: skip

    def says(self, kind: str, thing: Any = POST, **more: Any) -> dict[str, Any]:
        return {
            "id": f"https://b.example/ap/a/{kind.lower()}", "type": kind, "actor": self.ada, "object": thing,
            **more,
        }  # fmt: skip

    async def takes_in(self, document: dict[str, Any]) -> None:
        """Let A answer 202 and go no further."""
        document = {"@context": "https://www.w3.org/ns/activitystreams", **document}
        signer = Uri(document["actor"])
        await Intake(self.scene.a.db, self.scene.a.deps.instance).accept(
            uri=Uri(document["id"]), host=uris.host(signer), signer=signer,
            body=json.dumps(document).encode(), digest=None,
        )  # fmt: skip

    async def serves(self, host: str) -> None:
        await receive.serve(self.scene.a.deps, uris.Host(host), 0, patience=None)


@pytest.fixture
async def met(world: World) -> Early:
    scene = await three_servers(world)
    group = await scene.a.value("select uri from actors where name = 'sleepless'")
    return Early(scene, group, scene.b.people["ada"].uri, scene.c.people["marlow"].uri)


LANES = pytest.mark.parametrize("first", ["b.example", "c.example"])


async def both(world: World, met: Early, said: dict[str, Any], first: str) -> None:
    await met.takes_in(met.make)
    await met.takes_in(said)
    await met.serves(first)
    await world.wait(minutes=10)
    assert await met.scene.a.value(WAITING) == 0


@LANES
@pytest.mark.parametrize("names", [("post",), ("author", "post")])
async def test_a_report_finds_its_post_whichever_line_is_first(
    world: World, met: Early, first: str, names: tuple[str, ...]
) -> None:
    things = {"post": POST, "author": met.marlow}
    await both(world, met, met.says("Flag", [things[name] for name in names], content="I worry."), first)
    rows = await met.scene.a.rows("select post_ids, group_id, body from reports")
    a = met.scene.a
    assert [tuple(row) for row in rows] == [([await a.row_of(Uri(POST))], a.groups["sleepless"], "I worry.")]


@LANES
async def test_a_like_and_a_boost_find_their_post_whichever_line_is_first(
    world: World, met: Early, first: str
) -> None:
    await met.takes_in(met.make)
    await met.takes_in(met.says("Announce", to=[PUBLIC]))
    await met.takes_in(met.says("Like"))
    await met.serves(first)
    await world.wait(minutes=10)
    a = met.scene.a
    assert await a.value(WAITING) == 0
    assert await a.value("select count(*) from reactions") == 1
    boosts = "select count(*) from announces where uri = $1"
    assert await a.value(boosts, "https://b.example/ap/a/announce") == 1


@LANES
async def test_what_is_taken_back_while_it_waits_stays_taken_back(
    world: World, met: Early, first: str
) -> None:
    like, boost = met.says("Like"), met.says("Announce", to=[PUBLIC])
    await met.takes_in(met.make)
    another = {**met.says("Undo", boost), "id": f"{boost['id']}/undo"}
    for said in (like, boost, met.says("Undo", like), another):
        await met.takes_in(said)
    await met.serves(first)
    await world.wait(hours=13)
    a = met.scene.a
    assert await a.value("select count(*) from reactions") == 0
    boosts = "select count(*) from announces where uri = $1 and undone_at is null"
    assert await a.value(boosts, boost["id"]) == 0
    assert await a.value(WAITING) == 0


async def test_a_report_of_what_never_comes_is_kept_and_names_it(world: World, met: Early) -> None:
    await met.takes_in(met.says("Flag", [POST], content="I worry.", to=[met.group]))
    await world.wait(minutes=20)
    async with met.scene.a.db.connection() as conn:
        [report] = await moderation.list_reports(conn, met.scene.a.people["asha"])
    assert report.body == f"I worry.\n{POST}"
    assert await met.scene.a.value("select group_id from reports") == met.scene.a.groups["sleepless"]


@LANES
@pytest.mark.parametrize("kind", ["Lock", "Delete"])
async def test_a_moderators_word_finds_its_post_whichever_line_is_first(
    world: World, met: Early, first: str, kind: str
) -> None:
    a = met.scene.a
    async with a.db.connection() as conn:
        await conn.execute(
            "insert into group_moderators (group_id, actor_id, since_at)"
            " select $1, id, now() from actors where uri = $2",
            a.groups["sleepless"], met.ada,
        )  # fmt: skip
    await both(world, met, met.says(kind, to=[PUBLIC, met.group], audience=met.group), first)
    [post] = await a.rows("select standing, is_locked from posts where uri = $1", POST)
    assert tuple(post) == (("removed", False) if kind == "Delete" else ("visible", True))


async def test_a_report_that_names_a_closed_group_is_for_the_instance(met: Early) -> None:
    a = met.scene.a
    await a.a_group("frontroom", "home")
    closed = await a.value("select uri from actors where name = 'frontroom'")
    await met.takes_in(met.says("Flag", [met.marlow], content="I worry.", to=[closed]))
    await met.serves("b.example")
    assert [tuple(row) for row in await a.rows("select body, group_id from reports")] == [("I worry.", None)]


async def test_a_report_that_nothing_may_bring_is_kept_at_once(world: World, met: Early) -> None:
    await met.takes_in(met.says("Flag", ["https://d.example/1", met.group], content=""))
    await met.serves("b.example")
    assert await met.scene.a.value("select body from reports") == f"https://d.example/1\n{met.group}"


async def test_a_report_does_not_wait_behind_a_post_that_waits_for_long(world: World, met: Early) -> None:
    a = met.scene.a
    await met.takes_in(met.make)
    async with a.db.connection() as conn:
        await conn.execute(
            "update receipts set last_error = 'slow', about = $1, due_at = due_at + interval '1 day'"
            " where standing = 'waiting'",
            [POST],
        )
    await met.takes_in(met.says("Flag", [POST], content="I worry."))
    own = {"id": "https://c.example/ap/a/flag", "actor": met.marlow}
    await met.takes_in({**met.says("Flag", [POST], content="I worry, too."), **own})
    await world.wait(minutes=14)
    assert await a.value(REPORTS) == 0
    await world.wait(minutes=2)
    assert sorted(row["body"] for row in await a.rows("select body from reports")) == [
        f"I worry, too.\n{POST}", f"I worry.\n{POST}",
    ]  # fmt: skip


async def test_a_line_takes_only_so_much_that_comes_too_early(
    world: World, met: Early, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early, "MOST_OF_A_HOST", 2)
    await met.takes_in(met.make)
    for number in range(4):
        await met.takes_in({**met.says("Like"), "id": f"https://b.example/like/{number}"})
        await met.serves("b.example")
    await met.takes_in(met.says("Flag", [POST], content="I worry."))
    await met.serves("b.example")
    a = met.scene.a
    assert await a.value(f"{WAITING} and host = 'b.example'") == 2
    assert await a.value("select body from reports") == f"I worry.\n{POST}"


async def test_a_post_may_come_through_a_group_elsewhere(met: Early) -> None:
    # B's server follows the group at A; whatever A's own line brought before may bring the post.
    b = met.scene.b
    async with b.db.connection() as conn:
        args = ([Uri(POST)], [uris.Host("c.example")])
        assert not await receipts.may_bring(conn, *args, but=uris.Host("d.example"), before=2**62)
        await conn.execute(
            "insert into receipts (uri, host, signer_uri, due_at, received_at)"
            " values ('https://a.example/1', 'a.example', 'https://a.example/x', now(), now())"
        )
        assert await receipts.may_bring(conn, *args, but=uris.Host("d.example"), before=2**62)
        assert not await receipts.may_bring(conn, *args, but=uris.Host("a.example"), before=2**62)
        assert not await receipts.may_bring(conn, *args, but=uris.Host("d.example"), before=1)
