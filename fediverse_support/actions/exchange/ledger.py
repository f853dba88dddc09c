"""Remember who fetched a post of ours, before they get it."""

from __future__ import annotations

from federation.uris import Host
from fediverse_support.db.pool import Db
from fediverse_support.domain.ids import PostId
from fediverse_support.store.exchange import ledger


async def note_fetch(db: Db, post_id: PostId, host: Host) -> None:
    """Put a host on record as holding a post, so that its deletion is sent there too."""
    async with db.connection() as conn:
        await ledger.note_fetch(conn, post_id, host, db.now())
