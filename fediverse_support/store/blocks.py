"""Who wants nothing more to do with whom, between persons of any server."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain.ids import ActorId

INSERT: Final = """
insert into blocks (blocker_id, blocked_id, uri, created_at) values ($1, $2, $3, $4)
on conflict (blocker_id, blocked_id) do update set uri = excluded.uri
"""
PART: Final = """
update follows set standing = 'severed', decided_at = $3
where standing in ('pending', 'accepted')
  and ((follower_id = $1 and target_id = $2) or (follower_id = $2 and target_id = $1))
"""
# What waits for the inbox that the blocker has alone; what asks to forget something still goes.
KEEP_BACK: Final = """
delete from deliveries d using actors a, activities x
where a.id = $1 and d.sender_id = $2 and d.host = a.host and d.inbox_uri = a.inbox_uri
  and x.id = d.activity_id and x.verb not in ('Delete', 'Undo', 'Reject')
"""
DELETE: Final = """
delete from blocks b using actors a, actors o
where a.uri = $1 and o.uri = $2 and b.blocker_id = a.id and b.blocked_id = o.id
"""
DELETE_BY_URI: Final = """
delete from blocks b using actors a where a.uri = $1 and b.blocker_id = a.id and b.uri = $2
"""


async def insert(tx: Tx, blocker_id: ActorId, blocked_id: ActorId, uri: Uri, now: datetime) -> None:
    """Note a block; end the follows between the two, and what still waits to be sent to the blocker alone."""
    await tx.execute(INSERT, blocker_id, blocked_id, uri, now)
    await tx.execute(PART, blocker_id, blocked_id, now)
    await tx.execute(KEEP_BACK, blocker_id, blocked_id)


async def delete(tx: Tx, blocker: Uri, blocked: Uri) -> bool:
    """Lift a block; False where there was none."""
    return await tx.execute(DELETE, blocker, blocked) == "DELETE 1"


async def delete_by_uri(tx: Tx, blocker: Uri, uri: Uri) -> bool:
    """Lift a block by its own id; False where there was none."""
    return await tx.execute(DELETE_BY_URI, blocker, uri) == "DELETE 1"
