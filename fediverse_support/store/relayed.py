"""What groups elsewhere say about posts."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Conn, Tx

# A follow that waits for its Accept counts: who was asked may speak before the Accept is here.
IS_FOLLOWED: Final = """
select exists (
    select 1 from follows f join actors t on t.id = f.target_id join actors a on a.id = f.follower_id
    where t.uri = $1 and f.standing in ('pending', 'accepted') and a.host is null)
"""


async def is_followed(conn: Conn, actor_uri: Uri) -> bool:
    """Say whether somebody here follows this actor, or has asked to."""
    return bool(await conn.fetchval(IS_FOLLOWED, actor_uri))


NOTE_ANNOUNCE: Final = """
insert into announces (uri, actor_id, post_id, host, announced_at)
select $3, g.id, p.id, p.host, $4
from actors g join posts p on p.group_id = g.id
where g.uri = $1 and p.uri = $2 and g.host is not null and p.standing in ('visible', 'limited')
on conflict do nothing
"""


async def note_announce(tx: Tx, group_uri: Uri, post_uri: Uri, announce_uri: Uri, now: datetime) -> None:
    """Note that a group elsewhere passed on a post of its own; the first time counts."""
    await tx.execute(NOTE_ANNOUNCE, group_uri, post_uri, announce_uri, now)
