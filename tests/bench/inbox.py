"""What the inbox takes, from one, four and many servers at a time, against limits of the same run.

The fair limit may do what we do: share commits. It is the least code that could do the work and keep it:
verify each signature under its sender's key, and insert the rows that came meanwhile in one statement. What
is sent is a mix as groups see it: new conversations, answers, and posts that name somebody here, of senders
with keys of their own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from federation import keys
from federation.uris import Uri
from fediverse_support.actions.posts import posting
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.posts import Draft
from tests.bench import ground, load, peers
from tests.bench.ground import Running

if TYPE_CHECKING:
    from tests.bench.__main__ import Bench

Mix = Callable[[int, int], list[bytes]]
"""Makes so many different signed deliveries for a port."""

CONNECTIONS = (1, 4, 32)
COUNT = 1_500
SENDERS = 8
WARM_UP = 200
VISIBLE = "select count(*) from posts where host is not null"


@dataclass
class Limits:
    """The two bare servers: one commit each, and commits shared."""

    alone: int
    shared: int


async def measure(bench: Bench, group: ActorId, person: Person) -> None:
    """Print what is accepted and shown a second, beside what the limits take."""
    senders = await meet(bench)
    for sender, private in senders:
        name = sender.id.split("/")[2].replace(":", "_")
        (bench.directory / f"sender-{name}.pem").write_text(keys.public_pem(private))
    parents = await conversations(bench, group, person)
    ports = Limits(ground.free_port(), ground.free_port())
    with (
        ground.bare(bench.env, ports.alone, bench.directory),
        ground.bare(bench.env | {"BARE_SHARES": "1"}, ports.shared, bench.directory),
        ground.ours(bench.env, bench.port) as server,
    ):
        async with bench.db.connection() as conn:
            uri = Uri(await conn.fetchval("select uri from actors where id = $1", group))

        def mix(port: int, count: int) -> list[bytes]:
            return peers.mix(senders, uri, parents, person.uri, count, f"127.0.0.1:{port}")

        for port in (ports.alone, ports.shared, bench.port):
            await load.send(port, mix(port, WARM_UP))
        await shown(bench, WARM_UP)
        for connections in CONNECTIONS:
            await at(bench, server, ports, mix, connections)


async def at(bench: Bench, server: Running, ports: Limits, mix: Mix, connections: int) -> None:
    """Measure with so many connections: the limits, ours, and the limits again."""
    before = [await taken(port, mix, connections) for port in (ports.alone, ports.shared)]
    requests = mix(bench.port, COUNT)
    async with bench.db.connection() as conn:
        there = await conn.fetchval(VISIBLE)
    cpu, started = server.cpu_seconds(), time.perf_counter()
    sent = await load.send(bench.port, requests, connections=connections)
    assert set(sent.statuses) == {202}, sent.statuses
    await shown(bench, there + COUNT)
    visible = COUNT / (time.perf_counter() - started)
    cpu = (server.cpu_seconds() - cpu) / COUNT * 1000
    after = [await taken(port, mix, connections) for port in (ports.alone, ports.shared)]
    alone, shared = ((one + other) / 2 for one, other in zip(before, after, strict=True))
    bench.say(
        f"{connections} connections: limit that shares commits, or not",
        f"{shared:.0f}/s, {alone:.0f}/s",
        "the first is the bar",
    )
    bench.say(
        f"{connections} connections: accepted / that limit",
        f"{sent.per_second / shared:.2f} ({sent.per_second:.0f}/s)",
        "aim >= 0.5 at 4 and 32",
    )
    bench.say(
        f"{connections} connections: visible / that limit",
        f"{visible / shared:.2f} ({visible:.0f}/s, CPU each {cpu:.2f} ms)",
        "aim >= 0.25 at 4 and 32",
    )


async def taken(port: int, mix: Mix, connections: int) -> float:
    """Return how many deliveries a second a limit takes."""
    return (await load.send(port, mix(port, COUNT), connections=connections)).per_second


async def shown(bench: Bench, count: int) -> None:
    """Wait until so many posts of others are there."""
    async with bench.db.connection() as conn:
        while await conn.fetchval(VISIBLE) < count:
            await asyncio.sleep(0.02)


async def meet(bench: Bench) -> list[peers.Sender]:
    """Let senders be known, each on a server of its own and with a key of its own."""
    made = [keys.load_private(keys.make_rsa()) for _ in range(SENDERS)]
    senders = [
        (peers.actor(f"http://127.0.1.{number + 1}:1/u/sender", keys.public_pem(private)), private)
        for number, private in enumerate(made)
    ]
    await peers.settle(bench.db, [sender for sender, _ in senders])
    return senders


async def conversations(bench: Bench, group: ActorId, person: Person) -> list[Uri]:
    """Begin some conversations that can be answered."""
    made = [
        await posting.publish(
            bench.db, bench.instance, person, Draft(body=peers.TEXT, title="Tea", group_id=group)
        )
        for _ in range(20)
    ]
    async with bench.db.connection() as conn:
        return [Uri(await conn.fetchval("select uri from posts where id = $1", one.post_id)) for one in made]
