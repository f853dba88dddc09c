"""One post to many servers: its cost beside bare signed deliveries, with dead servers among them, and what it
leaves in the database. `python -m tests.bench.fanout` runs this part alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from federation import delivery, keys
from federation.keys import Signer
from federation.uris import Uri
from fediverse_support.actions import groups
from fediverse_support.actions.accounts import accounts
from fediverse_support.actions.posts import posting
from fediverse_support.adapters.http_client import HttpClient
from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.db import migrate
from fediverse_support.db.pool import Db, open_db
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.posts import Draft
from fediverse_support.reads.people import people as read_people
from tests.bench import ground, load, peers
from tests.bench.ground import TICKS, Running
from tests.builders import QuickPasswords

LIVING = 1_500
SILENT, REFUSING = 250, 250
GROWING = int(os.environ.get("BENCH_POSTS", "20"))
BODY = b'{"type":"Announce","object":"https://peer.example/notes/1","padding":"%s"}' % (b"x" * 2_000)


@dataclass
class Wide:
    """A group with followers on many servers."""

    db: Db
    instance: Instance
    directory: Path
    server: Running
    person: Person
    pem: bytes
    port: int

    async def group(self, name: str, addresses: list[str]) -> ActorId:
        """Open a group that somebody at each of these addresses follows."""
        public = keys.public_pem(keys.load_private(self.pem))
        made = await groups.create_group(
            self.db, self.instance, load_secret(self.directory), name=name, title=name.title(), kind="open",
            moderators=("wide",),
        )  # fmt: skip
        followers = [peers.actor(f"http://{address}/u/{name}", public) for address in addresses]
        await peers.settle(self.db, followers, following=made)
        return made

    async def post(
        self, group: ActorId, living: int, *, are_all_alive: bool = True
    ) -> tuple[float, float, float]:
        """Publish; return how long the living waited, and CPU seconds of the server and of the database."""
        before, ours, theirs = await taken(self.port), self.server.cpu_seconds(), database_cpu(self.directory)
        async with self.db.connection() as conn:
            newest = await conn.fetchval("select coalesce(max(id), 0) from deliveries")
        started = time.perf_counter()
        await posting.publish(self.db, self.instance, self.person, Draft(body=peers.TEXT, group_id=group))
        while await taken(self.port) < before + living and time.perf_counter() - started < 180:
            await asyncio.sleep(0.05)
        seconds = time.perf_counter() - started
        if are_all_alive:
            await self.is_done(newest)
        return seconds, self.server.cpu_seconds() - ours, database_cpu(self.directory) - theirs

    async def is_done(self, newest: int) -> None:
        """Wait until what arrived is written down, of what was queued after this row."""
        async with self.db.connection() as conn:
            async with asyncio.timeout(60):
                while await conn.fetchval(
                    "select count(*) from deliveries where attempts = 0 and id > $1", newest
                ):
                    await asyncio.sleep(0.05)

    async def bare(self, inboxes: list[Uri]) -> tuple[float, float]:
        """Sign and send as often, with the same client; return seconds and CPU seconds."""
        signer = Signer(Uri(f"{self.instance.base_url}/ap/x#main-key"), keys.load_private(self.pem))
        waiting = iter(inboxes)
        async with HttpClient(allow_http=True, allow_networks=ground.LOOPBACK, user_agent="bench") as client:

            async def one() -> None:
                for inbox in waiting:
                    headers = delivery.build(BODY, inbox, signer=signer, now=self.db.now())
                    await client.send("POST", inbox, headers, BODY, limit=1024, seconds=10)

            started, cpu = time.perf_counter(), time.process_time()
            await asyncio.gather(*(one() for _ in range(32)))
            return time.perf_counter() - started, time.process_time() - cpu

    async def sizes(self) -> dict[str, int]:
        """Return the bytes of every table with its indexes, after a vacuum."""
        async with self.db.dedicated() as conn:
            await conn.execute("vacuum")
            rows = await conn.fetch(
                "select c.relname, pg_total_relation_size(c.oid) as bytes from pg_class c"
                " join pg_namespace n on n.oid = c.relnamespace"
                " where c.relkind = 'r' and n.nspname = 'public'"
            )
        return {row["relname"]: row["bytes"] for row in rows}


def database_cpu(directory: Path) -> float:
    """Return the CPU seconds of PostgreSQL, with those of its processes that have ended."""
    pid = int(next(directory.rglob("postmaster.pid")).read_text().split()[0])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = _ticks(pid, (11, 12, 13, 14)) + sum(_ticks(int(child), (11, 12)) for child in children)
    return total / TICKS


def _ticks(pid: int, places: tuple[int, ...]) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return sum(int(fields[place]) for place in places)


async def taken(port: int) -> int:
    """Ask the sink how many deliveries arrived so far."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(load.get("sink", "/", "*/*"))
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    count = int(await reader.readexactly(length))
    writer.close()
    return count


@contextmanager
def sink() -> Iterator[int]:
    """Run the servers that take everything; give their port."""
    port = ground.free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.sink", str(port)])
    try:
        ground.wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def addresses(port: int, first: int, count: int) -> list[str]:
    return [f"127.{first + number // 250}.{number % 250}.9:{port}" for number in range(count)]


async def measure(db: Db, instance: Instance, directory: Path, server: Running, pem: bytes) -> None:
    """Print what one post to many servers costs."""
    secret = load_secret(directory)
    account_id = await accounts.create_account(
        db, instance, name="wide", password="a long enough password", secret=secret,
        hash_password=QuickPasswords().hash,
    )  # fmt: skip
    async with db.connection() as conn:
        person = await read_people.find_person(conn, account_id)
    assert person is not None
    with sink() as port:
        wide = Wide(db, instance, directory, server, person, pem, port)
        living = addresses(port, 30, LIVING)
        many = await wide.group("manyhosts", living)
        twenty = await wide.group("twentyhosts", living[:20])
        nobody = await wide.group("nobodyaway", [])
        await wide.post(many, LIVING)  # everybody is new once
        await one_post(wide, many, living)
        await twenty_hosts(wide, twenty, nobody)
        await growth(wide, many)
        await with_dead(wide, living)


async def one_post(wide: Wide, group: ActorId, living: list[str]) -> None:
    inboxes = [Uri(f"http://{address}/inbox") for address in living]
    _, bare_cpu = await wide.bare(inboxes)
    seconds, server_cpu, database = await wide.post(group, LIVING)
    bare_seconds, again = await wide.bare(inboxes)
    bare_cpu = (bare_cpu + again) / 2
    total = server_cpu + database
    say(
        f"one post to {LIVING} servers / bare deliveries, CPU",
        f"{total / bare_cpu:.2f} ({server_cpu:.2f} + {database:.2f} s of {bare_cpu:.2f} s)",
        "aim <= 1.8",
    )
    say("the same, time", f"{seconds / bare_seconds:.2f} ({seconds:.1f} s of {bare_seconds:.1f} s)", "")


async def twenty_hosts(wide: Wide, group: ActorId, nobody: ActorId) -> None:
    """Print what an activity to twenty servers costs, and how much of it is writing the post alone."""
    found = []
    for to, hosts in ((group, 20), (nobody, 0)):
        await wide.post(to, hosts)
        posts = [await wide.post(to, hosts) for _ in range(40)]
        found.append([sum(costs) / len(posts) * 1000 for costs in list(zip(*posts, strict=True))[1:]])
    (server, database), (_, writing) = found
    say(
        "an activity to 20 servers, CPU",
        f"{server:.1f} ms server, {database:.1f} ms database",
        f"aim <= 17 and <= 6; of the latter {writing:.1f} ms for a post to nobody elsewhere",
    )


async def growth(wide: Wide, group: ActorId) -> None:
    before = await wide.sizes()
    for _ in range(GROWING):
        await wide.post(group, LIVING)
    after = await wide.sizes()
    each = {name: (after[name] - before[name]) / GROWING / 1000 for name in after}
    most = sorted(each.items(), key=lambda item: -item[1])[:5]
    parts = ", ".join(f"{name} {kb:.1f}" for name, kb in most)
    say(f"growth a post to {LIVING} servers, of {GROWING}", f"{sum(each.values()):.1f} kB", "aim <= 12 kB")
    say("  the most", parts, "")


async def with_dead(wide: Wide, living: list[str]) -> None:
    alive = living[: LIVING - SILENT - REFUSING]
    silent = addresses(wide.port, 77, SILENT)[:SILENT]
    refusing = [f"127.90.{number}.9:1" for number in range(REFUSING)]
    alone = await wide.group("aliveonly", alive)
    mixed = await wide.group("withdead", [*alive, *silent, *refusing])
    await wide.post(alone, len(alive))
    without, _, _ = await wide.post(alone, len(alive))
    seconds, _, _ = await wide.post(mixed, len(alive), are_all_alive=False)
    say(
        f"{len(alive)} living with {SILENT} silent and {REFUSING} refusing / without",
        f"{seconds / without:.2f} ({seconds:.1f} s of {without:.1f} s)",
        "aim <= 1.2",
    )


def say(what: str, found: str, aim: str) -> None:
    print(f"{what:<52} {found:<48} {aim}", flush=True)


async def main() -> None:
    with ground.database() as (dsn, directory):
        port = ground.free_port()
        env = ground.settings(dsn, directory, port)
        await migrate.migrate(dsn)
        db = await open_db(dsn, size=4)
        instance = Instance(
            base_url=env["FEDIVERSE_SUPPORT_BASE_URL"], allow_http=True, overrides=ground.DECIDED,
        )  # fmt: skip
        await accounts.ensure_instance_actor(db, instance, load_secret(directory))
        try:
            with ground.ours(env, port) as server:
                await measure(db, instance, directory, server, keys.make_rsa())
        finally:
            await db.close()


if __name__ == "__main__":
    asyncio.run(main())
