"""Looking up actors, ours and others', by their URI."""

from __future__ import annotations

from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Conn

SEALED_KEY: Final = "select private_key from actors where uri = $1 and host is null"
IS_KNOWN: Final = "select exists (select 1 from actors where uri = $1)"
FIND_ROW: Final = """
select id from actors where (uri = $1) and standing <> 'deleted'
union all
select id from posts where (uri = $1) and standing <> 'deleted'
limit 1
"""


class NoKey(Exception):
    """An actor of ours has no private key; the instance was not set up."""


async def get_sealed_key(conn: Conn, uri: Uri) -> bytes:
    """Return the sealed private key of one of our actors; raise `NoKey`."""
    sealed: bytes | None = await conn.fetchval(SEALED_KEY, uri)
    if sealed is None:
        raise NoKey(uri)
    return sealed


async def is_known(conn: Conn, uri: Uri) -> bool:
    """Say whether there is an actor of this id, of whatever standing."""
    return bool(await conn.fetchval(IS_KNOWN, uri))


async def find_row(conn: Conn, uri: Uri) -> int | None:
    """Return the row of the living actor or post with this id."""
    row_id: int | None = await conn.fetchval(FIND_ROW, uri)
    return row_id
