"""Two conversations with a peer built on Fedify.

One signs by RFC 9421 and takes nothing else, one begins with draft-cavage and says it understands announced
activities.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.interop import fedify, kept
from tests.interop.authority import Certificates
from tests.interop.conftest import Installed
from tests.interop.fedify import Dialect, Fedify
from tests.interop.ours import GROUP, Ours
from tests.interop.running import eventually
from tests.interop.tls import Journal

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]  # the first test installs

DIALECTS = (
    Dialect("rfc9421", "rfc9421", takes_9421_only=True, software="interop-peer"),
    Dialect("cavage", "draft-cavage-http-signatures-12", takes_9421_only=False, software="fediverse-support"),
)
STANDS = """
select f.standing = $3
from follows f join actors a on a.id = f.follower_id join actors t on t.id = f.target_id
where a.uri = $1 and t.uri = $2
"""
LIKED = """
select exists (
    select 1 from reactions r join posts p on p.id = r.post_id where r.actor_uri = $1 and p.uri = $2)
"""


@pytest.fixture(scope="module", params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """How the peer of this exchange is set up."""
    return cast(Dialect, request.param)


@pytest.fixture(scope="module")
def journal(dialect: Dialect) -> Journal:
    """A record, and with it a server of ours, for each dialect."""
    return Journal()


@pytest.fixture(scope="module")
async def peer(
    dialect: Dialect,
    installed: Installed,
    node: Path,
    journal: Journal,
    certificates: Certificates,
    folder: Path,
) -> AsyncIterator[Fedify]:
    """A peer, for one exchange."""
    async with fedify.opened(dialect, node, installed.get("fedify"), journal, certificates, folder) as opened:
        yield opened


async def test_the_peer_finds_our_people_and_groups(server: Ours, peer: Fedify) -> None:
    for name, kind in ((GROUP, "Group"), ("wren", "Person")):
        descriptor = await peer.does("webfinger", what=f"acct:{name}@{server.host}")
        assert descriptor["subject"] == f"acct:{name}@{server.host}"
        found = await peer.does("find", by="io", what=f"@{name}@{server.host}")
        assert found["type"] == kind
        assert found["id"] == await server.uri(name)
        assert found["document"]["preferredUsername"] == name
        assert found["document"]["publicKey"]["id"].startswith(found["id"])


async def test_the_peers_person_joins_our_group(server: Ours, peer: Fedify) -> None:
    group = await server.uri(GROUP)
    follow = await peer.does("follow", by="io", what=group)
    accept = await peer.hears(type="Accept", actor=group)
    assert accept["object"] == follow["id"]
    assert await server.value(STANDS, peer.uri("io"), group, "accepted")


async def test_what_the_peers_person_posts_appears_and_comes_back(server: Ours, peer: Fedify) -> None:
    group = await server.uri(GROUP)
    post = await peer.does(
        "post",
        by="io",
        to=group,
        group=group,
        title="Awake at three",
        content="<p>The kettle is on.</p><script>alert(1)</script>",
    )
    status = await server.sees(post["id"])
    assert "The kettle is on." in status["content"]
    assert "script" not in status["content"]
    assert "Awake at three" in await server.page(f"/g/{GROUP}")
    if peer.dialect.software == "interop-peer":
        announce = await peer.hears(type="Announce", actor=group, object=post["id"])
        assert announce["carries"] == "Note"
    else:
        announce = await peer.hears(type="Announce", actor=group, carries="Create", showsId=post["id"])
    assert announce["showsId"] == post["id"]


async def test_what_our_member_posts_reaches_the_peer(server: Ours, peer: Fedify) -> None:
    group = await server.uri(GROUP)
    status = await server.publish("Counting sheep", "I am at *four hundred*.")
    announce = await peer.hears(type="Announce", actor=group, showsId=status["uri"])
    assert announce["shows"] == "Note"
    assert "<em>four hundred</em>" in announce["content"]


async def test_a_reply_from_the_peer_stands_under_our_post(server: Ours, peer: Fedify) -> None:
    group = await server.uri(GROUP)
    status = await server.publish("A question", "Who else is up?")
    await peer.hears(type="Announce", actor=group, showsId=status["uri"])
    reply = await peer.does(
        "post", by="io", to=group, group=group, content="<p>I am.</p>", answering=status["uri"]
    )
    shown = await server.sees(reply["id"])
    assert shown["in_reply_to_id"] == status["id"]
    context = await server.call("GET", f"/api/v1/statuses/{status['id']}/context")
    assert [one["uri"] for one in context["descendants"]] == [reply["id"]]
    answer = await server.answer(shown, "Good to have company.")

    async def is_told() -> bool:
        heard = await peer.heard()
        about = [one for one in heard if answer["uri"] in (one.get("object"), one.get("showsId"))]
        return any("Good to have company." in (one.get("content") or "") for one in about)

    await eventually(is_told, what="the peer never read the answer")


async def test_an_edit_of_the_peer_replaces_the_words(server: Ours, peer: Fedify) -> None:
    group = await server.uri(GROUP)
    post = await peer.does("post", by="io", to=group, group=group, title="Tea", content="<p>Black.</p>")
    await server.sees(post["id"])
    await peer.does(
        "edit", by="io", what=post["id"], to=group, group=group, title="Tea", content="<p>Green.</p>"
    )

    async def is_changed() -> bool:
        status = await server.shown(post["id"])
        return status is not None and "Green." in status["content"]

    await eventually(is_changed, what="the edit never showed")


async def test_what_the_peer_deletes_is_gone(server: Ours, peer: Fedify) -> None:
    group = await server.uri(GROUP)
    post = await peer.does("post", by="io", to=group, group=group, title="Oops", content="<p>Sorry.</p>")
    await server.sees(post["id"])
    await peer.does("remove", by="io", what=post["id"], to=group)
    await server.misses(post["id"])
    assert "Sorry." not in await server.page(f"/g/{GROUP}")


async def test_our_edit_and_deletion_reach_the_peer(server: Ours, peer: Fedify) -> None:
    group = await server.uri(GROUP)
    status = await server.publish("A walk", "Round the pond.")
    await peer.hears(type="Announce", actor=group, showsId=status["uri"])
    await server.edit(status, "A walk", "Round the pond, twice.")

    async def is_told(kind: str) -> bool:
        return any(
            kind in (one["type"], one.get("carries"))
            and status["uri"] in (one.get("object"), one.get("showsId"))
            for one in await peer.heard()
        )

    await eventually(lambda: is_told("Update"), what="the peer never heard of the edit")
    await server.delete(status)
    await eventually(lambda: is_told("Delete"), what="the peer never heard of the deletion")


async def test_a_like_from_the_peer_counts_and_can_be_taken_back(server: Ours, peer: Fedify) -> None:
    wren, io = await server.uri("wren"), peer.uri("io")
    status = await server.publish("Slept", "Six hours!")
    like = await peer.does("like", by="io", what=status["uri"], to=wren)
    await server.comes_true(LIKED, io, status["uri"])
    await peer.does("undo", by="io", what=like["id"], to=wren)
    await server.comes_true(f"select not ({LIKED})", io, status["uri"])


async def test_our_member_follows_the_peers_group_and_reads_it(server: Ours, peer: Fedify) -> None:
    club, wren = peer.uri("club"), await server.uri("wren")
    await server.follow(f"!club@{peer.host}")
    await peer.hears(type="Follow", actor=wren, object=club)
    await server.comes_true(STANDS, wren, club, "accepted")
    assert await peer.does("followers", of="club") == [wren]

    boosted = await peer.does("draft", by="ada", title="By the river", content="<p>Low water.</p>")
    await peer.does("announce", by="club", what=boosted["id"])
    assert "Low water." in (await server.sees(boosted["id"]))["content"]
    whole = await peer.does("draft", by="ada", title="On the hill", content="<p>High wind.</p>")
    await peer.does("announce", by="club", what=whole["id"], whole=True, author="ada")
    assert "High wind." in (await server.sees(whole["id"]))["content"]
    home = await server.call("GET", "/api/v1/timelines/home")
    told = {(one["reblog"] or one)["uri"] for one in home}
    assert {boosted["id"], whole["id"]} <= told


async def test_our_member_follows_a_person_of_the_peer(server: Ours, peer: Fedify) -> None:
    ada, wren = peer.uri("ada"), await server.uri("wren")
    await server.follow(f"@ada@{peer.host}")
    await server.comes_true(STANDS, wren, ada, "accepted")
    post = await peer.does("post", by="ada", content="<p>To all my friends.</p>")
    status = await server.sees(post["id"])
    assert status["account"]["acct"] == f"ada@{peer.host}"


async def test_our_likes_stay_with_us(server: Ours, peer: Fedify) -> None:
    post = await peer.does("post", by="ada", content="<p>Look at this moon.</p>")
    status = await server.sees(post["id"])
    await server.like(status)
    await server.like(status, take_back=True)
    await server.is_at_rest()
    assert await peer.heard(type="Like") == []


async def test_leaving_ends_it_in_both_directions(server: Ours, peer: Fedify) -> None:
    group, wren, club, io = (
        await server.uri(GROUP),
        await server.uri("wren"),
        peer.uri("club"),
        peer.uri("io"),
    )
    row = (await server.find(f"!club@{peer.host}"))["id"]
    await server.unfollow(row)
    await peer.hears(type="Undo", actor=wren, undone="Follow")

    async def has_left() -> bool:
        return bool(await peer.does("followers", of="club") == [])

    await eventually(has_left, what="the peer still counts our member")
    assert not await server.value(STANDS, wren, club, "accepted")

    joined = [one for one in server.journal.exchanges("ours") if '"Follow"' in one.body]
    await peer.does("undo", by="io", what=json.loads(joined[0].body)["id"], to=group)
    await server.comes_true(f"select not coalesce(({STANDS}), false)", io, group, "accepted")
    before = len(await peer.heard(type="Announce"))
    status = await server.publish("Later", "Nobody else needs to know.")
    await server.is_at_rest()
    assert len(await peer.heard(type="Announce")) == before
    assert not [one for one in await peer.heard() if status["uri"] in (one["object"], one.get("showsId"))]


async def test_every_message_was_signed_as_the_dialect_has_it(server: Ours, peer: Fedify) -> None:
    came = [one for one in server.journal.exchanges("ours") if one.target.startswith("/ap/")]
    assert len(came) > 10
    assert {(one.spec, one.status) for one in came} == {(peer.dialect.name, 202)}
    went = [one for one in server.journal.exchanges("peer") if not one.target.startswith("/control/")]
    taken = [one for one in went if one.status < 300]
    assert len(taken) > 10 and {one.spec for one in taken} == {peer.dialect.name}
    refused = [one.status for one in went if one.status >= 300]
    # One refusal is enough: what was taken is remembered.
    assert refused == ([401] if peer.dialect.takes_9421_only else [])


async def test_every_question_was_answered_as_the_dialect_has_it(server: Ours, peer: Fedify) -> None:
    came = [one for one in server.journal.exchanges("ours", "GET") if one.target.startswith("/ap/")]
    assert came
    # This version of the library signs the address of a key with its fragment, which no request carries; it
    # knocks a second time with the other signature.
    refused = [one for one in came if one.status == 401]
    assert {one.spec for one in refused} <= {"rfc9421"}
    assert {one.status for one in came if one not in refused} == {200}
    assert peer.dialect.name in {one.spec for one in came if one.status == 200}


async def test_the_exchange_can_be_replayed(server: Ours, peer: Fedify) -> None:
    for uri in kept.named(server.journal, f"{peer.front.origin}/notes/"):
        await peer.serves(uri)
    await kept.keep(f"fedify_{peer.dialect.name}", server, peer.front.origin)
