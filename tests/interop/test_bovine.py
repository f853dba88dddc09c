"""A conversation with a peer built on bovine_herd, which answers no question that is not signed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.interop import installing, kept, tls
from tests.interop.authority import Certificates
from tests.interop.conftest import Installed
from tests.interop.ours import GROUP, Ours
from tests.interop.running import eventually, running
from tests.interop.tls import Front, Journal

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]  # the first test installs

NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: what the peer would load from the web it does without."""
STANDS = """
select f.standing = $3
from follows f join actors a on a.id = f.follower_id join actors t on t.id = f.target_id
where a.uri = $1 and t.uri = $2
"""


@dataclass(frozen=True)
class Herd:
    """A peer with the person bo."""

    front: Front

    async def does(self, deed: str, **asked: Any) -> Any:
        """Have it do something."""
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{self.front.back_port}/control/{deed}"
            # Under its public name, because it reads its own address from there.
            headers = {"Host": self.front.host, "X-Forwarded-Proto": "https"}
            async with session.post(url, json=asked, headers=headers) as got:
                assert got.status == 200, f"{deed} {asked}: {await got.text()}"
                return await got.json()

    async def hears(self, kind: str, actor: str) -> dict[str, Any]:
        """Wait until it has taken in such an activity, and return the last."""

        async def found() -> list[dict[str, Any]]:
            heard = await self.does("heard")
            return [one for one in heard if (one["type"], one["actor"]) == (kind, actor)]

        return (await eventually(found, what=f"the peer never heard {kind} of {actor}"))[-1]


@pytest.fixture(scope="module")
async def herd(
    installed: Installed, journal: Journal, certificates: Certificates, folder: Path
) -> AsyncIterator[Herd]:
    """A peer, for one exchange."""
    interpreter = installed.get("bovine")
    front = Front("peer", tls.listening(), journal, tls.free_port())
    environ = {
        **os.environ,
        "ORIGIN": front.origin,
        "PYTHONPATH": str(installing.PEERS / "bovine"),
        "SSL_CERT_FILE": str(certificates.authority),
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
    }
    async with running(
        [str(interpreter), "-m", "hypercorn", "--bind", f"127.0.0.1:{front.back_port}", "herd:app"],
        environ=environ,
        folder=folder,
        log=folder / "herd.log",
        probe=f"http://127.0.0.1:{front.back_port}/.well-known/nodeinfo",
    ):
        async with tls.fronting(front, certificates):
            yield Herd(front)


async def test_both_find_each_other(server: Ours, herd: Herd) -> None:
    bo = (await herd.does("whoami"))["id"]
    for name, kind in ((GROUP, "Group"), ("wren", "Person")):
        found = await herd.does("find", what=f"acct:{name}@{server.host}")
        assert found["id"] == found["document"]["id"] == await server.uri(name)
        assert found["document"]["type"] == kind
    account = await server.find(f"@bo@{herd.front.host}")
    assert await server.value("select uri from actors where id = $1", int(account["id"])) == bo


async def test_the_peers_person_joins_our_group(server: Ours, herd: Herd) -> None:
    group, bo = await server.uri(GROUP), (await herd.does("whoami"))["id"]
    await herd.does("follow", what=group)
    await server.comes_true(STANDS, bo, group, "accepted")
    await herd.hears("Accept", group)


async def test_our_member_follows_the_peers_person(server: Ours, herd: Herd) -> None:
    bo, wren = (await herd.does("whoami"))["id"], await server.uri("wren")
    await server.follow(f"@bo@{herd.front.host}")
    await herd.hears("Follow", wren)
    await server.comes_true(STANDS, wren, bo, "accepted")


async def test_posts_cross_both_ways(server: Ours, herd: Herd) -> None:
    group = await server.uri(GROUP)
    said = await herd.does("post", group=group, content="<p>The cows are awake too.</p>")
    status = await server.sees(said["object"]["id"])
    assert "The cows are awake too." in status["content"]
    announce = await herd.hears("Announce", group)
    assert announce["object"] == said["object"]["id"]
    mine = await server.publish("Moo", "A word to the herd.")

    async def is_told() -> bool:
        return bool((await herd.hears("Announce", group))["object"] == mine["uri"])

    await eventually(is_told, what="the peer never heard of our post")
    document = await herd.does("get", what=mine["uri"])
    assert "A word to the herd." in document["content"]


async def test_a_like_of_the_peer_counts(server: Ours, herd: Herd) -> None:
    bo, wren = (await herd.does("whoami"))["id"], await server.uri("wren")
    status = await server.publish("Milk", "Warm.")
    await herd.does("like", what=status["uri"], to=wren)
    await server.comes_true(
        "select exists (select 1 from reactions r join posts p on p.id = r.post_id"
        " where r.actor_uri = $1 and p.uri = $2)",
        bo, status["uri"],
    )  # fmt: skip


async def test_every_question_to_the_peer_was_signed(server: Ours, herd: Herd) -> None:
    asked = [one for one in server.journal.exchanges("peer", "GET") if one.target.startswith("/endpoints/")]
    assert asked and {(one.spec, one.status) for one in asked} == {("cavage", 200)}
    came = server.journal.exchanges("ours")
    assert came and {(one.spec, one.status) for one in came} == {("cavage", 202)}


async def test_the_exchange_can_be_replayed(server: Ours, herd: Herd) -> None:
    await kept.keep("bovine", server, herd.front.origin)
