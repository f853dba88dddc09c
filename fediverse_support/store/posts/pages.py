"""Which post a page shows: software and people take the address of a page for the id of what is on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import PostId

# A page is on the origin of its post: that was seen to when it was read.
ON_PAGES: Final = """
select distinct on (p.url) p.url as page, p.uri from posts p
where p.url = any ($1::text[]) and p.host is not null and p.standing <> 'deleted'
order by p.url, p.id
"""
OF_ROWS: Final = "select id, uri from posts where id = any ($1::bigint[])"


async def find_on_pages(conn: Conn, pages: Sequence[Uri]) -> dict[Uri, Uri]:
    """Return the ids of posts of other servers by the addresses of their pages, as far as we have them."""
    return {Uri(row["page"]): Uri(row["uri"]) for row in await conn.fetch(ON_PAGES, list(pages))}


async def find_by_rows(conn: Conn, rows: Sequence[PostId]) -> dict[PostId, Uri]:
    """Return the ids of posts by their rows, which our pages are called by."""
    return {PostId(row["id"]): Uri(row["uri"]) for row in await conn.fetch(OF_ROWS, list(rows))}
