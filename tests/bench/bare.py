"""The bare limits: the least that could do the same work on the same libraries. Run as `python -m
tests.bench.bare PORT`."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


def make_app(dsn: str, key: RSAPublicKey, document: bytes) -> Starlette:
    """Return an app whose inbox verifies one signature and inserts one row, and whose actor is constant
    bytes."""
    pools: list[asyncpg.Pool] = []

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
        key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        async with pools[0].acquire() as conn:
            await conn.execute("insert into bare (body) values ($1)", body.decode())
        return Response(status_code=202)

    async def actor(request: Request) -> Response:
        return Response(document, media_type="application/activity+json")

    return Starlette(
        routes=[Route("/ap/inbox", inbox, methods=["POST"]), Route("/actor", actor)], lifespan=lifespan
    )


def main() -> None:
    port, directory = int(sys.argv[1]), Path(sys.argv[2])
    key = serialization.load_pem_public_key((directory / "public.pem").read_bytes())
    assert isinstance(key, RSAPublicKey)
    app = make_app(os.environ["DATABASE_URL"], key, (directory / "actor.json").read_bytes())
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
