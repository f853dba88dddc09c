"""Which hosts hold a copy of a post of ours. A deletion has to reach all of them."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from federation.uris import Host
from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import PostId

NOTE: Final = """
insert into copies (post_id, host, how, since_at) values ($1, $2, $3, $4)
on conflict (post_id, host) do nothing
"""


async def note(
    conn: Conn, post_id: PostId, host: Host, how: Literal["delivered", "fetched"], now: datetime
) -> None:
    """Remember that a host has a post; the first way it got there stays."""
    await conn.execute(NOTE, post_id, host, how, now)
