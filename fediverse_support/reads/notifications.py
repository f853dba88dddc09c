"""What one account was told, newest first, as far as it may still be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from fediverse_support.db.pool import Conn
from fediverse_support.domain.effects import NotificationKind
from fediverse_support.domain.ids import AccountId, ActorId
from fediverse_support.reads import actors, posts
from fediverse_support.reads.actors import ActorView
from fediverse_support.reads.posts import PostView
from fediverse_support.reads.timelines import Window

# A follow that waits for the viewer's answer is told as a request, one that is over not at all.
LIST: Final = """
select n.id, k.kind, n.actor_id, n.post_id, n.created_at
from notifications n
left join follows f on n.kind = 'follow' and f.follower_id = n.actor_id and f.target_id = $1
cross join lateral (select case when n.kind <> 'follow' or f.standing = 'accepted' then n.kind
                                when f.standing = 'pending' then 'follow_request' end) as k (kind)
where n.account_id = $2 and k.kind = any ($3::text[]) and n.id < $4 and n.id > $5 and n.actor_id is not null
  and ($7::bigint is null or n.actor_id = $7)
  and not exists (select 1 from blocks x where x.blocker_id = n.actor_id and x.blocked_id = $1)
  and (n.post_id is null or exists (select 1 from posts p where p.id = n.post_id and can_see(p, $1)))
order by n.id desc limit $6
"""
UPWARDS: Final = LIST.replace(" desc", " asc")


Told = NotificationKind | Literal["follow_request"]


@dataclass(frozen=True, slots=True)
class NotificationView:
    """Who did something that concerns the account, and the post it was done with."""

    id: int
    kind: Told
    actor: ActorView
    post: PostView | None
    created_at: datetime


async def of_account(
    conn: Conn,
    account_id: AccountId,
    viewer: ActorId,
    kinds: Sequence[str],
    window: Window,
    actor_id: int | None = None,
) -> list[NotificationView]:
    """Return notifications of these kinds, all of them or those that one actor caused."""
    query = UPWARDS if window.upwards else LIST
    rows = await conn.fetch(
        query, viewer, account_id, list(kinds), window.below, window.above, window.limit, actor_id
    )
    if window.upwards:
        rows = rows[::-1]
    people = await actors.load(conn, (row["actor_id"] for row in rows), viewer)
    read = await posts.load(conn, (row["post_id"] for row in rows if row["post_id"] is not None), viewer)
    return [
        NotificationView(
            row["id"], row["kind"], people[row["actor_id"]], read.get(row["post_id"]), row["created_at"]
        )
        for row in rows
        if row["actor_id"] in people and (row["post_id"] is None or row["post_id"] in read)
    ]
