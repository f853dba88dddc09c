"""What a hundred answers to servers that never answer cost everything else from their author's server."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from federation import uris, vocab
from federation.uris import Uri
from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.db.pool import Db
from fediverse_support.domain.ids import fresh_token
from fediverse_support.domain.instance import Instance

SILENT = [f"127.0.1.{number}" for number in range(1, 101)]
PLAIN = 20
COUNT = "select count(*) from posts where uri = any ($1::text[])"


@contextmanager
def silence() -> Iterator[int]:
    """Listen at a hundred addresses of this machine and never say a word; yield the port."""
    with socket.socket() as first:
        first.bind((SILENT[0], 0))
        port = first.getsockname()[1]
    held = []
    try:
        for address in SILENT:
            held.append(socket.socket())
            held[-1].bind((address, port))
            held[-1].listen(16)
        yield port
    finally:
        for one in held:
            one.close()


def create(author: Uri, group: Uri, parent: str | None) -> dict[str, object]:
    origin = uris.origin(author)
    note = {
        "id": f"{origin}/notes/{fresh_token()}", "type": "Note", "attributedTo": author,
        "content": "<p>Yes.</p>", "to": [group, vocab.PUBLIC], "inReplyTo": parent,
    }  # fmt: skip
    return {
        "@context": "https://www.w3.org/ns/activitystreams", "id": f"{origin}/acts/{fresh_token()}",
        "type": "Create", "actor": author, "to": note["to"], "object": note,
    }  # fmt: skip


async def seconds_until_shown(db: Db, instance: Instance, author: Uri, group: Uri) -> float:
    """Have answers to silent servers taken in, then plain posts of the same server; return how long these
    take from then on."""
    with silence() as port:
        answers = [create(author, group, f"http://{address}:{port}/notes/1") for address in SILENT]
        plain = [create(author, group, None) for _ in range(PLAIN)]
        intake = Intake(db, instance)
        for act in (*answers, *plain):
            await intake.accept(
                uri=Uri(str(act["id"])), host=uris.host(author), signer=author,
                body=json.dumps(act).encode(), digest=None,
            )  # fmt: skip
        began = time.monotonic()
        wanted = [act["object"]["id"] for act in plain]  # type: ignore[index]
        while time.monotonic() < began + 300:
            async with db.connection() as conn:
                if await conn.fetchval(COUNT, wanted) == PLAIN:
                    return time.monotonic() - began
            await asyncio.sleep(0.02)
    return float("inf")
