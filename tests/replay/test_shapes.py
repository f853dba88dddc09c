"""Exchanges in the shapes that live peers send, written anew: as they come, and in orders that mean the same.

Each file holds deliveries, what their server serves meanwhile, the orders in which they may come, and the
state that every order has to lead to. Names of ours stand in braces.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.db.pool import Db
from tests.conftest import Clock
from tests.integration.edge import Peer
from tests.security.conftest import quick_keys
from tests.security.support import BEE, IO, QUIET, make_place

__all__ = ["quick_keys"]

SHAPES = sorted((Path(__file__).parent / "shapes").glob("*.json"))
CASES = [
    pytest.param(path, number, id=f"{path.stem}-{number}")
    for path in SHAPES
    for number in range(len(json.loads(path.read_text(encoding="utf-8"))["orders"]))
]
PEERS = {
    peer.uri: peer
    for peer in (
        IO,
        BEE,
        QUIET,
        Peer(Uri("https://honest.example/@tess@honest.example/"), key="io"),
        Peer(Uri("https://honest.example/users/9wq1"), key="io"),
    )
}
STATE = {
    "follows": """
        select a.uri, t.uri as target, f.standing from follows f join actors a on a.id = f.follower_id
        join actors t on t.id = f.target_id
        where a.host is not null and f.standing = 'accepted' and a.uri = any ($1::text[]) order by f.id
    """,
    "posts": """
        select p.uri, p.body_text from posts p join actors a on a.id = p.author_id
        where a.uri = any ($1::text[]) and p.uri <> $2 order by p.id
    """,
    "boosts": """
        select a.uri, p.uri as post from announces n
        join actors a on a.id = n.actor_id join posts p on p.id = n.post_id
        where a.uri = any ($1::text[]) and n.undone_at is null and p.uri <> $2 order by n.id
    """,
    "told": """
        select n.kind, p.uri from notifications n join posts p on p.id = n.post_id
        join actors a on a.id = p.author_id where a.uri = any ($1::text[]) and p.uri <> $2 order by n.id
    """,
}


@pytest.mark.parametrize(("path", "order"), CASES)
async def test_every_order_that_means_the_same_leads_to_the_same(
    path: Path, order: int, db: Db, clock: Clock
) -> None:
    place = await make_place(db, clock)
    for peer in PEERS.values():
        last = peer.uri.strip("/").rpartition("/")[2]
        place.meet(peer, preferredUsername=last.strip("@").partition("@")[0])
    text = path.read_text(encoding="utf-8")
    named = {"{group}": place.uris["pub"], "{wren}": place.uris["wren"], "{post}": place.posts["pub"]}
    for name, uri in named.items():
        text = text.replace(name, uri)
    shape: dict[str, Any] = json.loads(text)
    for document in shape["served"]:
        place.internet.serve(document["id"], document)
    for number in shape["orders"][order]:
        delivery = shape["deliveries"][number]
        assert (await place.deliver(delivery, PEERS[delivery["actor"]])).status == 202
    actors = list({delivery["actor"] for delivery in shape["deliveries"]})
    for table, rows in shape["state"].items():
        values = [actors] if table == "follows" else [actors, place.posts["io"]]
        found = [list(row.values()) for row in await place.rows(STATE[table], *values)]
        assert found == rows, table
