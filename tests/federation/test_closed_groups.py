"""A home group is for people here: for every other server, on every path, it is a name that never existed."""

from __future__ import annotations

import json

import pytest

from federation import keys, signatures
from federation.errors import FederationError
from federation.keys import Signer
from federation.uris import Uri
from fediverse_support.domain.actors import GroupKind
from tests.federation.world import Server, World

ACTIVITY = "application/activity+json"
PARTS = ("inbox", "outbox", "followers", "following", "featured", "moderators")
COUNTS = {
    "posts": "select count(*) from posts where host is not null",
    "reactions": "select count(*) from reactions",
    "announces": """
        select count(*) from announces n join actors x on x.id = n.actor_id where x.host is not null
    """,
    "members": """
        select count(*) from follows f join actors x on x.id = f.follower_id
        where x.host is not null and f.standing in ('pending', 'accepted')
    """,
}


@pytest.fixture(params=["home", "home-open", "circle"])
async def kind(request: pytest.FixtureRequest) -> GroupKind:
    chosen: GroupKind = request.param
    return chosen


async def closed(world: World, kind: GroupKind) -> tuple[Server, Server, Uri, Uri]:
    """Give A a closed group with a thread in it by its moderator; return its and the thread's id."""
    a, b = await world.server("a.example"), await world.server("b.example")
    await b.a_person("ada")
    group_id = await a.a_group("frontroom", kind)
    post = await a.posts("asha", "Between us.", to="frontroom", title="Quiet")
    group = Uri(await a.value("select uri from actors where id = $1", group_id))
    return a, b, group, post


async def signed_get(world: World, source: Server, uri: str) -> int:
    """Ask as another server would, signed by its instance actor; return the status."""
    signer: Signer = await source.deps.remote.signer()
    headers = signatures.sign(
        "GET", Uri(uri), {"Accept": ACTIVITY}, b"", key_id=signer.key_id, private=signer.private,
        now=world.clock.at,
    )  # fmt: skip
    reply = await source.deps.transport.send("GET", Uri(uri), headers, limit=65536, seconds=5)
    return reply.status


async def test_every_path_of_a_home_group_is_404_for_a_peer(world: World, kind: GroupKind) -> None:
    a, b, group, post = await closed(world, kind)
    token = post.rsplit("/", 1)[1]
    paths = [
        group,
        *(f"{group}/{part}" for part in PARTS),
        f"{a.deps.instance.base_url}/g/frontroom",
        post,
        *(f"{post}/{part}" for part in ("replies", "likes", "shares")),
        f"{a.deps.instance.base_url}/ap/c/{token}",
        f"{a.deps.instance.base_url}/.well-known/webfinger?resource=acct:frontroom@a.example",
        f"{a.deps.instance.base_url}/.well-known/webfinger?resource={group}",
    ]
    never = await signed_get(world, b, f"{a.deps.instance.base_url}/ap/g/00000000000000000000000000")
    assert never == 404
    found = {path: await signed_get(world, b, path) for path in paths}
    found.pop(f"{group}/inbox")  # an inbox takes POST only
    assert set(found.values()) == {404}, found
    activities = await a.rows("select uri from activities")
    assert {await signed_get(world, b, row["uri"]) for row in activities} <= {404}


async def test_nothing_said_in_a_closed_group_is_shown_or_sent_to_others(
    world: World, kind: GroupKind
) -> None:
    a, b, _, post = await closed(world, kind)
    await a.a_person("wren")
    world.internet.forget()
    await a.posts("asha", "Another word between us.", answering=post)
    await a.edits("asha", post, "Between us, again.", title="Quiet")
    await world.settle()
    await a.deletes("asha", post)
    await world.settle()
    assert world.internet.crossings == []
    assert await signed_get(world, b, post) == 404


async def test_a_peer_that_knows_the_address_of_a_home_group_gets_nowhere(
    world: World, kind: GroupKind
) -> None:
    a, b, group, post = await closed(world, kind)
    before = await b.value("select count(*) from actors")
    with pytest.raises(FederationError):
        await b.deps.remote.find(group)
    assert await b.value("select count(*) from actors") == before
    with pytest.raises(FederationError):
        await b.deps.remote.find(post)
    ada = b.people["ada"]
    pem = keys.unseal(
        await b.value("select private_key from actors where id = $1", ada.actor_id), b.deps.secret
    )
    wishes: tuple[dict[str, object], ...] = (
        {"type": "Follow", "object": group},
        {"type": "Create", "object": {
            "id": f"{ada.uri}/notes/1", "type": "Note", "attributedTo": ada.uri, "content": "<p>Hi</p>",
            "to": [group, "https://www.w3.org/ns/activitystreams#Public"], "audience": group,
        }},
        {"type": "Create", "object": {
            "id": f"{ada.uri}/notes/2", "type": "Note", "attributedTo": ada.uri, "content": "<p>Hi</p>",
            "to": ["https://www.w3.org/ns/activitystreams#Public"], "inReplyTo": post,
        }},
        {"type": "Like", "object": post},
        {"type": "Announce", "object": post},
    )  # fmt: skip
    for number, wish in enumerate(wishes):
        body = json.dumps(
            {"@context": "https://www.w3.org/ns/activitystreams", "id": f"{ada.uri}/acts/{number}",
             "actor": ada.uri, "to": [group], **wish}
        ).encode()  # fmt: skip
        inbox = a.deps.instance.inbox_uri
        headers = signatures.sign(
            "POST", inbox, {"Content-Type": ACTIVITY}, body, key_id=keys.key_id(ada.uri),
            private=keys.load_private(pem), now=world.clock.at,
        )  # fmt: skip
        reply = await b.deps.transport.send("POST", inbox, headers, body, limit=65536, seconds=5)
        assert reply.status == 202, "the answer tells nothing"
    await world.settle()
    assert {what: await a.value(sql) for what, sql in COUNTS.items()} == dict.fromkeys(COUNTS, 0)


async def test_what_somebody_elsewhere_wrote_while_the_group_was_open_is_theirs_to_delete_when_it_is_closed(
    world: World, kind: GroupKind
) -> None:
    a, b = await world.server("a.example"), await world.server("b.example")
    await b.a_person("ada")
    group_id = await a.a_group("sleepless", "open")
    await b.follows("ada", "sleepless@a.example")
    await world.settle()
    uri = await b.posts("ada", "A hard week.", to="sleepless@a.example", title="Today")
    await world.settle()
    assert await a.value("select standing from posts where uri = $1", uri) == "visible"
    async with a.db.transaction() as tx:
        await tx.execute("update groups set kind = $2 where actor_id = $1", group_id, kind)
    await b.deletes("ada", uri)
    await world.settle()
    assert await a.value("select standing from posts where uri = $1", uri) == "deleted"
    assert await a.value("select title || body_text || body_html from posts where uri = $1", uri) == ""
