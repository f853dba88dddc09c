"""What lists cost on a server that has been there for years: CPU a request, and the slowest statements.

`python -m tests.bench.reads` measures these alone; `STORED_POSTS=1000000` does it with a million posts.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from federation import keys, signatures
from federation.uris import Uri
from fediverse_support.db import migrate, pool
from fediverse_support.domain.instance import Instance
from tests import stored
from tests.bench import ground, load, peers
from tests.bench.ground import Running
from tests.integration import lists

if TYPE_CHECKING:
    from tests.bench.__main__ import Bench

POSTS = int(os.environ.get("STORED_POSTS", "100000"))
TIMES, REQUESTS, SLOWEST = 9, 60, 12  # a person may ask three hundred times in a while
SIGNED = 2_000
TOKEN = "of-the-bench"
ACTIVITY = "application/activity+json"
ADD_SESSION = """
insert into sessions (token_hash, account_id, created_at, expires_at)
values ($1, $2, now(), now() + interval '1 day')
"""
ADD_TOKEN = """
insert into tokens (token_hash, account_id, person_id, scopes, created_at)
values ($1, $2, $2, '{read}', now())
"""


async def measure(bench: Bench) -> None:
    """Store the posts beside the bench's own database, and ask for everything."""
    dsn = bench.dsn.replace("@/fediverse_support?", "@/stored?")
    maker = await asyncpg.connect(bench.dsn.replace("//fediverse_support@", "//postgres@"))
    await maker.execute("create database stored owner fediverse_support")
    await maker.close()
    await migrate.migrate(dsn)
    filler = await asyncpg.connect(dsn.replace("//fediverse_support@", "//postgres@"))
    found = await stored.store(filler, POSTS)
    for who in (stored.ASHA, stored.OWNER, stored.QUIET):
        await filler.execute(ADD_TOKEN, hashlib.sha256(f"{TOKEN}-{who}".encode()).digest(), who)
    await filler.execute(ADD_SESSION, hashlib.sha256(TOKEN.encode()).digest(), stored.ASHA)
    await filler.close()
    await measure_statements(bench, dsn, found)
    await measure_requests(bench, dsn, found)


async def measure_statements(bench: Bench, dsn: str, found: stored.Stored) -> None:
    conn, asked = await pool.connect(dsn), list[tuple[str, Any]]()
    pid = await conn.fetchval("select pg_backend_pid()")
    conn.add_query_logger(lambda record: asked.append((record.query, record.args)))
    took: dict[str, float] = {}
    for case in lists.cases(found):
        asked.clear()
        await case.ask(conn)
        await asyncio.sleep(0)
        statements = [each for each in asked if each[0].lstrip().startswith(("select", "with"))]
        took[case.name] = sum([await median(conn, pid, *each) for each in statements])
    await conn.close()
    for name in sorted(took, key=lambda name: -took[name])[:SLOWEST]:
        aim = "aim <= 30 ms" if name.startswith("words") else "aim <= 10 ms"
        bench.say(f"{name}, {POSTS} posts stored", f"{took[name]:.1f} ms of the database", aim)


async def median(conn: pool.Conn, pid: int, sql: str, args: Any) -> float:
    """Return the milliseconds that the database computes for a statement, whoever else is at work."""
    statement, took = await conn.prepare(sql), []
    for _ in range(TIMES + 2):  # twice to warm up
        before = nanoseconds(pid)
        await statement.fetch(*args)
        took.append((nanoseconds(pid) - before) / 1e6)
    return statistics.median(took[2:])


def nanoseconds(pid: int) -> int:
    """Return for how long a process has run."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


async def measure_requests(bench: Bench, dsn: str, found: stored.Stored) -> None:
    port = ground.free_port()
    env = {**bench.env, "DATABASE_URL": dsn, "FEDIVERSE_SUPPORT_BASE_URL": f"http://127.0.0.1:{port}"}
    host = f"127.0.0.1:{port}"
    with ground.ours(env, port, role="web") as server:
        for what, path, who, aim in (
            ("thread page of 50", f"/g/group{stored.OPEN}/t/{found.fifty}", None, "aim <= 3 + 2 ms"),
            ("context of 50", f"/api/v1/statuses/{found.fifty}/context", stored.ASHA, "aim <= 3 + 3 ms"),
            ("context of 500", f"/api/v1/statuses/{found.five_hundred}/context", stored.ASHA, "aim <= 25 ms"),
            ("API home", "/api/v1/timelines/home", stored.ASHA, "aim <= 2.5 + 8 ms"),
            ("API home, who never wrote", "/api/v1/timelines/home", stored.QUIET, "aim <= 2.5 + 15 ms"),
            ("API home, 200 answers", "/api/v1/timelines/home", stored.OWNER, "aim <= 2.5 + 15 ms"),
        ):
            kind = "text/html" if who is None else "application/json"
            request = load.get(host, path, kind)
            if who is not None:
                bearer = f"authorization: Bearer {TOKEN}-{who}\r\n\r\n".encode()
                request = request.removesuffix(b"\r\n") + bearer
            await say_cost(bench, server, what, [request] * REQUESTS, aim)
        for what, path, aim in (
            ("a member's home", "/home", "aim <= 6 + 8 ms"),
            ("a member's group page", f"/g/group{stored.OPEN}", "aim <= 4 + 8 ms"),
            ("a member's thread of 50", f"/g/group{stored.OPEN}/t/{found.fifty}", "aim <= 4 + 4 ms"),
        ):
            cookie = f"cookie: session={TOKEN}\r\n\r\n".encode()
            request = load.get(host, path, "text/html").removesuffix(b"\r\n") + cookie
            await say_cost(bench, server, what, [request] * REQUESTS, aim)
        stubs = [load.get(host, path, ACTIVITY) for path in await many_people(dsn, port)]
        await say_cost(
            bench, server, f"GET of {len(stubs)} different people, each once", stubs, "aim <= 1 ms"
        )
        signed = await signed_read(bench, dsn, port)
        await say_cost(bench, server, "signed GET of a person", [signed] * SIGNED, "aim <= 0.4 ms in all")


async def say_cost(bench: Bench, server: Running, what: str, requests: list[bytes], aim: str) -> None:
    """Print what a request costs the server and the database."""
    await load.send(server.port, requests[:10])  # to warm up
    before, below = server.cpu_seconds(), database_seconds(bench.directory)
    sent = await load.send(server.port, requests)
    assert set(sent.statuses) == {200}, (what, sent.statuses)
    ours = (server.cpu_seconds() - before) / len(requests) * 1000
    theirs = (database_seconds(bench.directory) - below) / len(requests) * 1000
    bench.say(f"{what}, CPU a request", f"{ours:.2f} + {theirs:.2f} ms", aim)


async def many_people(dsn: str, port: int) -> list[str]:
    """Give people here the addresses of this server; return them."""
    conn = await asyncpg.connect(dsn)
    await conn.execute(
        "update actors set uri = $1 || id where account_id is not null", f"http://127.0.0.1:{port}/ap/u/p"
    )
    rows = await conn.fetch("select id from actors where account_id is not null order by id limit 400")
    await conn.close()
    return [f"/ap/u/p{row['id']}" for row in rows]


async def signed_read(bench: Bench, dsn: str, port: int) -> bytes:
    """Let a person of a peer be known, and return their signed GET of a person here."""
    base = f"http://127.0.0.1:{port}"
    target = Uri(f"{base}/ap/u/bench")
    db = await pool.open_db(dsn, size=1)
    reader = peers.actor("http://127.0.0.9:1/u/reader", bench.public_pem)
    await peers.settle(db, [reader])
    async with db.connection() as conn:
        await conn.execute("update actors set uri = $1 where id = $2", target, stored.ASHA)
    headers = signatures.sign(
        "GET", target, {"Accept": "application/activity+json"}, b"",
        key_id=reader.keys[0].id, private=keys.load_private(bench.pem), now=db.now(),
    )  # fmt: skip
    await db.close()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET /ap/u/bench HTTP/1.1\r\n{lines}\r\n".encode()


def database_seconds(directory: Path) -> float:
    """Return the time that the processes of the database have used, those that ended too."""
    postmaster = int(next(directory.rglob("postmaster.pid")).read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    total = 0
    for pid in (postmaster, *map(int, children)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15] if pid == postmaster else fields[11:13]))
    return total / ground.TICKS


async def main() -> None:
    from tests.bench.__main__ import Bench  # which measures these, too

    with ground.database() as (dsn, directory):
        port = ground.free_port()
        env = ground.settings(dsn, directory, port)
        await migrate.migrate(dsn)
        db = await pool.open_db(dsn, size=2)
        instance = Instance(base_url=env["FEDIVERSE_SUPPORT_BASE_URL"], allow_http=True)
        try:
            await measure(Bench(dsn, directory, db, instance, port, env))
        finally:
            await db.close()


if __name__ == "__main__":
    asyncio.run(main())
