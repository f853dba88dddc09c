"""What a group elsewhere decides about our own people: it decides in itself, and they read it in words.

The group is at A, ada and her words are at B. Documents have the shape that servers with groups give them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from federation.uris import Uri
from fediverse_support.domain.errors import NotAllowed
from fediverse_support.reads.exchange import explain
from fediverse_support.reads.posts import home
from tests.federation.scenes import GROUP, Scene, hears, three_servers
from tests.federation.world import Server, World

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
STANDING = "select f.standing from follows f join actors a on a.id = f.follower_id where a.uri = $1"
POST = "select standing, body_text from posts where uri = $1"


class Elsewhere:
    """The group at A as it speaks to B, in the name of its moderators."""

    def __init__(self, scene: Scene, group: Uri) -> None:
        self.scene, self.group, self.count = scene, group, 0

    @property
    def moderator(self) -> Uri:
        return self.scene.a.people["asha"].uri

    def act(self, kind: str, thing: Any, *, by: Uri | None = None, **more: Any) -> dict[str, Any]:
        """Write what a moderator does, as their server writes it."""
        self.count += 1
        actor = by or self.moderator
        return {
            "id": f"{actor}/activities/{kind.lower()}/{self.count}", "type": kind, "actor": actor,
            "object": thing, "to": [PUBLIC], "cc": [self.group], "audience": self.group, **more,
        }  # fmt: skip

    async def says(self, kind: str, thing: Any, *, by: Uri | None = None, **more: Any) -> dict[str, Any]:
        """Relay what a moderator does to B; return it."""
        inner = self.act(kind, thing, by=by, **more)
        await self.relays(inner)
        return inner

    async def relays(self, inner: dict[str, Any], *, group: Uri | None = None) -> None:
        """Announce an activity to B."""
        self.count += 1
        teller = group or self.group
        await hears(
            self.scene.b,
            {
                "id": f"{teller}/announce/{self.count}", "type": "Announce", "actor": teller,
                "to": [PUBLIC], "cc": [f"{teller}/followers"], "object": inner,
            },
        )  # fmt: skip


async def a_group_elsewhere(world: World) -> tuple[Elsewhere, Server, Uri]:
    """Let ada write in the group at A; return the group, her server, and her post."""
    scene = await three_servers(world, c_runs="lemmy")
    uri = await scene.b.posts("ada", "Another long night.", to=GROUP, title="Nights")
    await world.settle()
    group = Uri(await scene.a.value("select uri from actors where id = $1", scene.a.groups["sleepless"]))
    world.internet.forget()
    return Elsewhere(scene, group), scene.b, uri


async def told(server: Server, name: str = "ada") -> list[tuple[str, str]]:
    """Return the kinds and the words of what somebody was told, newest first."""
    person = server.people[name]
    async with server.db.connection() as conn:
        found = await home.list_about_you(
            conn, person.account_id, [person.actor_id], server.db.now() - timedelta(days=9)
        )
    return [(item.kind, item.words) for item in found if item.kind != "joined"]


async def standing(server: Server, uri: Uri) -> str:
    return str(await server.value("select standing from posts where uri = $1", uri))


async def test_a_groups_removal_reaches_the_post_of_one_of_our_people_and_its_author(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    await there.says("Delete", uri, summary="off topic")
    assert await standing(b, uri) == "removed"
    assert await b.value("select body_text from posts where uri = $1", uri) != ""
    assert await b.texts(GROUP) == []
    assert await told(b) == [("removed", "off topic")]
    await world.settle()
    # Nobody is asked to delete it: it may come back, and elsewhere a deletion is for good.
    assert world.internet.deliveries(source="b.example") == []


async def test_a_groups_removal_can_be_explained(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    gone = await there.says("Delete", uri, summary="off topic")
    locked = await there.says("Lock", uri)
    for act in (gone, locked):
        rows = await b.rows("select verdict, proof from decisions where activity_uri = $1", act["id"])
        assert [tuple(row) for row in rows] == [("accept", "group")]


async def test_the_explanation_of_a_relay_leads_to_what_it_carried(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    gone = await there.says("Delete", uri, summary="off topic")
    await there.says("Create", uri, by=b.people["ada"].uri)
    async with b.db.connection() as conn:
        found = [await explain.explain(conn, f"{there.group}/announce/{number}") for number in (2, 4)]
        assert [each.receipts[0].carried for each in found] == [gone["id"], uri]
        (decision,) = (await explain.explain(conn, gone["id"])).decisions
        boost = await explain.explain(conn, f"{there.group}/announce/9")
    assert decision.verdict == "accept" and boost.is_empty


async def test_a_group_lets_a_post_appear_again_that_it_took_out(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    gone = await there.says("Delete", uri, summary="mistake")
    await there.says("Undo", gone)
    assert await standing(b, uri) == "visible"
    assert (await told(b))[0] == ("restored", "")


async def test_what_our_own_team_took_out_no_group_elsewhere_lets_appear(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    async with b.db.transaction() as tx:
        await tx.execute("update posts set standing = 'removed' where uri = $1", uri)
        await tx.execute("insert into removals select id, null, 'visible', '', published_at from posts")
    await there.says("Undo", there.act("Delete", uri, summary="mistake"))
    await hears(b, {"id": f"{there.group}/x", "type": "Announce", "actor": there.group, "object": uri})
    assert await standing(b, uri) == "removed"


async def test_a_group_that_takes_its_boost_back_takes_the_post_out_and_a_new_boost_brings_it(
    world: World,
) -> None:
    there, b, uri = await a_group_elsewhere(world)
    boost = {
        "id": f"{there.group}/announce/cid/2", "type": "Announce", "actor": there.group, "object": uri,
        "to": [PUBLIC],
    }  # fmt: skip
    undo = {"id": f"{there.group}/undo/cid/2", "type": "Undo", "actor": there.group, "object": boost}
    await hears(b, undo)
    assert await standing(b, uri) == "removed"
    assert await told(b) == [("removed", "")]
    await hears(b, {**boost, "id": f"{there.group}/announce/cid/3"})
    assert await standing(b, uri) == "visible"


async def test_a_group_decides_about_nothing_outside_of_it(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    c = there.scene.c
    await c.a_group("others", moderators=("marlow",))
    await b.follows("ada", "others@c.example")
    await world.settle()
    others = Uri(await c.value("select uri from actors where id = $1", c.groups["others"]))
    marlow = c.people["marlow"].uri
    await there.relays(there.act("Delete", uri, by=marlow, summary="no"), group=others)
    await there.relays(there.act("Lock", uri, by=marlow), group=others)
    await there.relays(there.act("Block", b.people["ada"].uri, by=marlow, target=there.group), group=others)
    await there.relays(there.act("Like", uri, by=there.scene.a.people["wren"].uri), group=others)
    assert await b.value("select count(*) from reactions") == 0
    boost = {"id": f"{others}/b", "type": "Announce", "actor": others, "object": uri}
    await hears(b, {"id": f"{others}/u", "type": "Undo", "actor": others, "object": boost})
    assert await standing(b, uri) == "visible"
    assert await b.value("select is_locked from posts where uri = $1", uri) is False
    assert await b.value("select count(*) from group_bans") == 0
    assert await told(b) == []


async def test_a_group_speaks_for_none_of_our_people(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    ada = b.people["ada"].uri
    await there.says("Delete", uri, by=ada)
    await there.says("Lock", uri, by=ada)
    for somebody in (ada, Uri("https://b.example/ap/u/nobody")):
        await there.says("Like", uri, by=somebody)
    assert await standing(b, uri) == "visible"
    assert await b.value("select is_locked from posts where uri = $1", uri) is False
    assert await b.value("select count(*) from reactions") == 0


async def test_a_relayed_removal_by_somebody_of_a_third_server_counts_if_they_moderate(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    a, marlow = there.scene.a, there.scene.c.people["marlow"].uri
    await there.says("Delete", uri, by=marlow, summary="mine now")
    assert await standing(b, uri) == "visible"
    async with a.db.transaction() as tx:
        await tx.execute(
            "insert into group_moderators (group_id, actor_id, since_at)"
            " select $1, id, created_at from actors where uri = $2", a.groups["sleepless"], marlow,
        )  # fmt: skip
    await there.says("Delete", uri, by=marlow, summary="off topic")
    assert await standing(b, uri) == "removed"


async def test_nobody_answers_in_a_thread_that_its_group_locked_until_it_is_opened(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    lock = await there.says("Lock", uri, summary="a rest")
    with pytest.raises(NotAllowed) as refused:
        await b.posts("ada", "One more thing.", answering=uri)
    assert refused.value.reasons == ("thread_locked",)
    assert await told(b) == [("locked", "a rest")]
    # Everybody in it reads why, and whose decision it was.
    why = "select reason, host from pauses join actors a on a.id = by_id"
    assert await b.value(f"select (reason, host)::text from ({why}) w") == '("a rest",a.example)'
    await there.says("Undo", lock)
    assert await b.value("select count(*) from pauses") == 0
    await b.posts("ada", "One more thing.", answering=uri)
    assert (await told(b))[0] == ("unlocked", "")


async def test_a_ban_holds_until_it_ends(world: World) -> None:
    there, b, _ = await a_group_elsewhere(world)
    ends = (world.clock.at + timedelta(days=2)).isoformat()
    await there.says(
        "Block", b.people["ada"].uri, target=there.group, summary="a rest", endTime=ends, removeData=False
    )
    assert await told(b) == [("banned", "a rest")]
    with pytest.raises(NotAllowed) as refused:
        await b.posts("ada", "Still here.", to=GROUP, title="Again")
    assert refused.value.reasons == ("banned_from_group",)
    with pytest.raises(NotAllowed):
        await b.follows("ada", GROUP)
    world.clock.pass_by(days=2)
    await b.posts("ada", "Here again.", to=GROUP, title="Again")


async def test_a_ban_that_is_lifted_is_over(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)
    ban = await there.says("Block", b.people["ada"].uri, target=there.group, removeData=True)
    assert await standing(b, uri) == "removed"
    assert await b.standing("ada", GROUP) == "rejected"
    # The group is not followed here any more, and is heard all the same.
    await there.says("Undo", ban)
    assert (await told(b))[0] == ("unbanned", "")
    await b.posts("ada", "Here again.", to=GROUP, title="Again")


async def test_who_is_shut_out_leaves_there_too_and_may_join_again_when_it_is_over(world: World) -> None:
    there, b, _ = await a_group_elsewhere(world)
    a = there.scene.a
    first = await b.value("select f.uri from follows f join actors t on t.id = f.target_id where t.uri = $1",
                          there.group)  # fmt: skip
    ban = await there.says("Block", b.people["ada"].uri, target=there.group)
    await world.settle()
    sent = [crossing.document for crossing in world.internet.deliveries("b.example", "a.example")]
    assert [(doc["type"], doc["object"]["type"], doc["object"]["id"]) for doc in sent] == [
        ("Undo", "Follow", first)
    ]
    # The group's server kept the membership of whom it shut out; it is over there now.
    assert await a.value(STANDING, b.people["ada"].uri) == "left"
    await there.says("Undo", ban)
    assert await b.follows("ada", GROUP) == "pending"
    await world.settle()
    assert await b.standing("ada", GROUP) == "accepted"


async def test_before_joining_again_a_membership_is_ended_that_a_group_may_still_hold(world: World) -> None:
    _, b, _ = await a_group_elsewhere(world)
    async with b.db.transaction() as tx:
        await tx.execute("update follows set standing = 'rejected'")
    await b.follows("ada", GROUP)
    await world.settle()
    assert [c.what for c in world.internet.deliveries("b.example")] == ["Undo Follow", "Follow"]
    assert await b.standing("ada", GROUP) == "accepted"


async def test_a_group_that_ada_never_was_in_shuts_her_out_without_a_word(world: World) -> None:
    there, b, _ = await a_group_elsewhere(world)
    c = there.scene.c
    await c.a_group("others", moderators=("marlow",))
    await b.finds("others@c.example")
    others = Uri(await c.value("select uri from actors where id = $1", c.groups["others"]))
    block = there.act("Block", b.people["ada"].uri, by=c.people["marlow"].uri, target=others)
    await there.relays(block, group=others)
    assert await told(b) == []
    assert await b.value("select count(*) from group_bans") == 0


async def test_a_post_that_the_groups_server_refuses_is_told_to_its_author_once(world: World) -> None:
    there, b, uri = await a_group_elsewhere(world)

    async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    world.internet.apps[there.scene.a.host] = refuses
    answer = await b.posts("ada", "Is anybody there?", answering=uri)
    await b.edits("ada", answer, "Is anybody there now?")
    await world.settle()
    assert await told(b) == [("not_taken", "")]
    assert await standing(b, answer) == "visible"


async def test_an_authors_restored_post_comes_back_from_its_origin_and_is_relayed(world: World) -> None:
    scene = await three_servers(world, c_runs="lemmy")
    a, b = scene.a, scene.b
    uri = await b.posts("ada", "Another long night.", to=GROUP, title="Nights")
    await world.settle()
    held = await b.rows("select * from posts where uri = $1", uri)
    await b.deletes("ada", uri)
    await world.settle()
    assert await standing(a, uri) == "deleted"
    await _brings_back(b, uri, held[0])
    gone = await a.value("select uri from activities where object_uri = $1 and verb = 'Delete'", uri)
    ada = b.people["ada"].uri
    delete = {"id": gone, "type": "Delete", "actor": ada, "object": uri, "to": [PUBLIC]}
    undo = {"id": f"{ada}/undo/1", "type": "Undo", "actor": ada, "object": delete, "to": [PUBLIC]}
    world.internet.forget()
    await hears(a, undo)
    await world.settle()
    assert await a.texts(GROUP) == ["Another long night."]
    relayed = [crossing.document for crossing in world.internet.deliveries(a.host, "c.example")]
    expected = {"@context": "https://www.w3.org/ns/activitystreams", **undo}
    assert [document["object"] for document in relayed] == [expected]


async def test_only_the_authors_server_lifts_a_tombstone(world: World) -> None:
    there, b, _ = await a_group_elsewhere(world)
    a = there.scene.a
    uri = await a.posts("wren", "Gone for good.", to="sleepless", title="Gone")
    await world.settle()
    held = await a.rows("select * from posts where uri = $1", uri)
    await a.deletes("wren", uri)
    await world.settle()
    await _brings_back(a, uri, held[0])  # its origin would serve it, but its author did not ask
    eve = there.scene.c.people["marlow"].uri
    await there.says("Undo", there.act("Delete", uri, summary="mistake"), by=eve)
    delete = there.act("Delete", uri, by=eve)
    await hears(b, {"id": f"{eve}/undo/9", "type": "Undo", "actor": eve, "object": delete, "to": [PUBLIC]})
    assert await standing(b, uri) == "deleted"


async def test_what_was_taken_out_stays_out_when_its_author_deletes_it_and_thinks_again(world: World) -> None:
    there, b, _ = await a_group_elsewhere(world)
    a = there.scene.a
    uri = await a.posts("wren", "Taken out.", to="sleepless", title="Out")
    await world.settle()
    held = await a.rows("select * from posts where uri = $1", uri)
    await there.says("Delete", uri, summary="off topic")
    await a.deletes("wren", uri)
    await world.settle()
    await _brings_back(a, uri, held[0])
    wren = a.people["wren"].uri
    delete = there.act("Delete", uri, by=wren)
    await hears(b, {"id": f"{wren}/undo/9", "type": "Undo", "actor": wren, "object": delete, "to": [PUBLIC]})
    assert await standing(b, uri) == "removed"


async def _brings_back(server: Server, uri: Uri, row: Any) -> None:
    """Have a server serve a post again that its author deleted."""
    async with server.db.transaction() as tx:
        await tx.execute("delete from tombstones where uri = $1", uri)
        await tx.execute(
            "update posts set standing = 'visible', body_html = $2, body_text = $3, title = $4"
            " where uri = $1", uri, row["body_html"], row["body_text"], row["title"],
        )  # fmt: skip
