"""Reports come in as reports, to the moderators of the group they are about."""

from __future__ import annotations

import json

from federation import signatures
from federation.uris import Uri
from fediverse_support.actions.moderation import moderating
from fediverse_support.domain.moderation import DomainRule
from fediverse_support.reads.moderation import moderation
from tests.federation.scenes import Scene, three_servers
from tests.federation.world import World


async def flag(world: World, scene: Scene, objects: list[str], text: str, number: int = 1) -> int:
    """Send a report from B's instance actor to A, as some software does, and return the status."""
    signer = await scene.b.deps.remote.signer()
    actor = scene.b.deps.instance.actor_uri
    document = {
        "@context": "https://www.w3.org/ns/activitystreams", "id": f"{actor}/flags/{number}", "type": "Flag",
        "actor": actor, "object": objects, "content": text,
    }  # fmt: skip
    body = json.dumps(document).encode()
    inbox = scene.a.deps.instance.inbox_uri
    headers = signatures.sign(
        "POST", inbox, {"Content-Type": "application/activity+json"}, body, key_id=signer.key_id,
        private=signer.private, now=world.clock.at,
    )  # fmt: skip
    reply = await scene.b.deps.transport.send("POST", inbox, headers, body, limit=65536, seconds=5)
    await world.settle()
    return reply.status


async def test_a_report_reaches_the_groups_moderators(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    uri = await a.posts("wren", "Hello.", to="sleepless", title="One")
    await world.settle()
    assert await flag(world, scene, [a.people["wren"].uri, uri], "I worry about wren.") == 202
    async with a.db.connection() as conn:
        [report] = await moderation.list_reports(conn, a.people["asha"])
    assert "I worry about wren." in repr(report)
    rows = await a.rows("select reporter_id, from_host, post_ids, group_id from reports")
    assert [tuple(row) for row in rows] == [
        (None, "b.example", [await a.row_of(uri)], a.groups["sleepless"])
    ]


async def test_a_report_is_stored_once(world: World) -> None:
    scene = await three_servers(world)
    uri = await scene.a.posts("wren", "Hello.", to="sleepless", title="One")
    await flag(world, scene, [uri], "Once.")
    world.clock.pass_by(minutes=1)
    await flag(world, scene, [uri], "Once.")
    assert await scene.a.value("select count(*) from reports") == 1


async def test_a_report_says_nothing_about_what_its_sender_may_not_see(world: World) -> None:
    scene = await three_servers(world)
    a = scene.a
    await a.a_group("frontroom", "home")
    uri = await a.posts("asha", "Between us.", to="frontroom", title="One")
    await flag(world, scene, [uri], "What is in there?")
    assert await a.value("select count(*) from reports") == 0


async def test_a_server_whose_reports_are_refused_sends_none(world: World) -> None:
    scene = await three_servers(world)
    uri = Uri(await scene.a.posts("wren", "Hello.", to="sleepless", title="One"))
    rule = DomainRule("b.example", "allow", reject_reports=True, reason="too many")
    await moderating.set_domain_rule(scene.a.db, scene.a.deps.instance, None, rule)
    assert await flag(world, scene, [uri], "Again.") == 202
    assert await scene.a.value("select count(*) from reports") == 0
