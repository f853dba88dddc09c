"""The scene most tests begin with: a group at A, with a member each at A, B and C."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from federation import uris
from federation.uris import Uri
from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.workers import receive
from tests.federation.world import Server, World

GROUP = "sleepless@a.example"


@dataclass(frozen=True)
class Scene:
    """A has the group, moderated by asha, and wren; ada is at B, marlow at C."""

    a: Server
    b: Server
    c: Server

    @property
    def everyone(self) -> tuple[Server, Server, Server]:
        return (self.a, self.b, self.c)


async def three_servers(world: World, *, c_runs: str | None = None, **of_a: Any) -> Scene:
    """Open three servers and let everybody join; C claims to run `c_runs`, `of_a` are A's settings."""
    a = await world.server("a.example", **of_a)
    b = await world.server("b.example")
    c = await world.server("c.example")
    if c_runs is not None:
        world.internet.software[c.host] = c_runs
    for server, name in ((a, "wren"), (b, "ada"), (c, "marlow")):
        await server.a_person(name)
    await a.a_group("sleepless")
    for server, name in ((a, "wren"), (b, "ada"), (c, "marlow")):
        await server.follows(name, GROUP)
    await world.settle()
    return Scene(a, b, c)


async def hears(server: Server, document: dict[str, Any]) -> None:
    """Let a server apply one activity as if its actor's own server had delivered and proven it."""
    document = {"@context": "https://www.w3.org/ns/activitystreams", **document}
    signer = Uri(document["actor"])
    await Intake(server.db, server.deps.instance).accept(
        uri=Uri(document["id"]), host=uris.host(signer), signer=signer,
        body=json.dumps(document).encode(), digest=None,
        is_once=document["type"] in ("Create", "Announce"),
    )  # fmt: skip
    while await receive.step(server.deps):
        pass
