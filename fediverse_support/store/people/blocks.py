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
# What waits for the inbox that the blocker has alone, whether its author sends it or a group passes it on;
# what asks to forget something still goes.
KEEP_BACK: Final = """
delete from deliveries d
using actors a, activities x left join activities y on x.verb = 'Announce' and y.uri = x.object_uri
where a.id = $1 and d.host = a.host and d.inbox_uri = a.inbox_uri
  and (d.sender_id = $2 or exists (select 1 from posts p where p.id = d.post_id and p.author_id = $2))
  and x.id = d.activity_id and coalesce(y.verb, x.verb) not in ('Delete', 'Undo', 'Reject')
"""
# A wish to follow that was made under the block never left. It ends with it: lifting a block invites nobody,
# and whoever made the wish may make it again.
DELETE: Final = """
with gone as (
    delete from blocks b using actors a, actors o
    where a.uri = $1 and b.blocker_id = a.id and o.id = b.blocked_id
      and (o.uri = $2::text or b.uri = $3::text)
    returning b.blocker_id, b.blocked_id
), ended as (
    update follows f set standing = 'severed', decided_at = $4 from gone
    where f.follower_id = gone.blocked_id and f.target_id = gone.blocker_id and f.standing = 'pending'
)
select exists (select 1 from gone)
"""


async def insert(tx: Tx, blocker_id: ActorId, blocked_id: ActorId, uri: Uri, now: datetime) -> None:
    """Note a block; end the follows between the two, and what still waits to be sent to the blocker alone."""
    await tx.execute(INSERT, blocker_id, blocked_id, uri, now)
    await tx.execute(PART, blocker_id, blocked_id, now)
    await tx.execute(KEEP_BACK, blocker_id, blocked_id)


async def delete(tx: Tx, blocker: Uri, blocked: Uri, now: datetime) -> bool:
    """Lift a block, and end the wishes that it kept from being told; False where there was none."""
    return bool(await tx.fetchval(DELETE, blocker, blocked, None, now))


async def delete_by_uri(tx: Tx, blocker: Uri, uri: Uri, now: datetime) -> bool:
    """Lift a block by its own id, in the same way; False where there was none."""
    return bool(await tx.fetchval(DELETE, blocker, None, uri, now))
