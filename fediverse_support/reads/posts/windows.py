"""Windows into lists of posts: which part is asked for, and what was found there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncpg import Record

from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import ActorId
from fediverse_support.reads.posts import posts
from fediverse_support.reads.posts.posts import Entry, Row

MAX_ID: Final = 2**63 - 1

PART: Final = 41
"""A page, and the one entry that shows that more follow. It is written out in the statements, because plans
for unknown values read everything where they do not know how little is wanted."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list: ids strictly between `above` and `below`, at most `limit` of them.

    From the newest down, or with `upwards` from the oldest up; what comes back is newest first either way.
    """

    below: int = MAX_ID
    above: int = 0
    limit: int = 20
    upwards: bool = False


def ends(window: Window) -> tuple[int, int, int]:
    """Return what every list of posts is asked with: below, above, how many."""
    return window.below, window.above, min(window.limit, PART)


async def entries(conn: Conn, found: Sequence[Record], viewer: ActorId | None, window: Window) -> list[Entry]:
    """Return the posts that were found, newest first, as far as the viewer may read them."""
    rows = [Row(row["id"], row["post_id"], row["actor_id"], row["at"]) for row in found]
    if window.upwards:
        rows.reverse()
    return await posts.entries(conn, rows, viewer)
