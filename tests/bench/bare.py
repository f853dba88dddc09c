"""The bare limits: the least that could do the same work on the same libraries. Run as `python -m
tests.bench.bare PORT`."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import uvicorn
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SIGNED = ("(request-target)", "host", "date", "digest", "content-type")


INSERT = "insert into bare (body) select unnest($1::text[])"


@dataclass
class Shared:
    """Rows that arrive while others are being committed are committed together."""

    pools: list[asyncpg.Pool]
    waiting: list[tuple[str, asyncio.Future[None]]] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def keep(self, body: str) -> None:
        """Return when the row is durable."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((body, kept))
        async with self.turn:
            if not kept.done():
                taken, self.waiting = self.waiting, []
                async with self.pools[0].acquire() as conn:
                    await conn.execute(INSERT, [body for body, _ in taken])
                for _, each in taken:
                    each.set_result(None)


def make_app(dsn: str, keys: dict[str, RSAPublicKey], document: bytes, *, shares: bool) -> Starlette:
    """Return an app whose inbox verifies one signature and inserts one row, alone or with those that came
    meanwhile, and whose actor is constant bytes. Keys are found by the host of their sender."""
    pools: list[asyncpg.Pool] = []
    shared = Shared(pools)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        pools.append(await asyncpg.create_pool(dsn, min_size=4, max_size=10))
        async with pools[0].acquire() as conn:
            await conn.execute(
                "create table if not exists bare (id bigint generated always as identity, body text)"
            )
        yield
        await pools[0].close()

    async def inbox(request: Request) -> Response:
        body = await request.body()
        headers = request.headers
        if headers["digest"] != "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode():
            return Response(status_code=401)
        values = {**headers, "(request-target)": f"post {request.scope['raw_path'].decode()}"}
        text = "\n".join(f"{name}: {values[name]}" for name in SIGNED)
        signature = base64.b64decode(headers["signature"].rpartition('signature="')[2].rstrip('"'))
        sender = headers["signature"].partition('keyId="http://')[2].partition("/")[0]
        key = keys.get(sender) or keys[""]
        key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        if shares:
            await shared.keep(body.decode())
        else:
            async with pools[0].acquire() as conn:
                await conn.execute("insert into bare (body) values ($1)", body.decode())
        return Response(status_code=202)

    async def actor(request: Request) -> Response:
        return Response(document, media_type="application/activity+json")

    return Starlette(
        routes=[Route("/ap/inbox", inbox, methods=["POST"]), Route("/actor", actor)], lifespan=lifespan
    )


def load_key(path: Path) -> RSAPublicKey:
    key = serialization.load_pem_public_key(path.read_bytes())
    assert isinstance(key, RSAPublicKey)
    return key


def main() -> None:
    port, directory = int(sys.argv[1]), Path(sys.argv[2])
    keys = {"": load_key(directory / "public.pem")}
    for path in directory.glob("sender-*.pem"):
        keys[path.stem.removeprefix("sender-").replace("_", ":")] = load_key(path)
    shares = os.environ.get("BARE_SHARES") == "1"
    document = (directory / "actor.json").read_bytes()
    app = make_app(os.environ["DATABASE_URL"], keys, document, shares=shares)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
    )


if __name__ == "__main__":
    main()
