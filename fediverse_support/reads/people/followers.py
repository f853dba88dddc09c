"""Who asks to follow one of our people, and who follows them: for that person and nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Host
from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import ActorId, FollowId
from fediverse_support.domain.richtext import SafeHtml

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Follower:
    """Somebody who asks to follow, or follows. `host` is None for people here."""

    id: FollowId
    actor_id: ActorId
    name: str
    handle: str
    host: Host | None
    summary_html: SafeHtml
    created_at: datetime


# Each standing is written out, because each has an index of its own.
LIST_ASKING: Final = """
select f.id, a.id as actor_id, name_shown(a.display_name, a.name) as name, a.name as handle,
       coalesce(a.handle_host, a.host) as host, a.summary_html, f.created_at
from follows f join actors a on a.id = f.follower_id
where f.target_id = $1 and f.standing = 'pending' and can_see_actor(a, array[$1::bigint]) and f.id > $2
order by f.id limit $3
"""
LIST_FOLLOWERS: Final = """
select f.id, a.id as actor_id, name_shown(a.display_name, a.name) as name, a.name as handle,
       coalesce(a.handle_host, a.host) as host, a.summary_html, f.created_at
from follows f join actors a on a.id = f.follower_id
where f.target_id = $1 and f.standing = 'accepted' and can_see_actor(a, array[$1::bigint]) and f.id > $2
order by f.id limit $3
"""


async def list_asking(conn: Conn, person_id: ActorId) -> list[Follower]:
    """Return who waits for this person's answer, longest wait first."""
    return [Follower(**row) for row in await conn.fetch(LIST_ASKING, person_id, 0, PAGE)]


async def list_followers(conn: Conn, person_id: ActorId, after: int = 0) -> list[Follower]:
    """Return who follows this person: a page and one more, in the order in which they first asked."""
    return [Follower(**row) for row in await conn.fetch(LIST_FOLLOWERS, person_id, after, PAGE + 1)]


FIND_FOLLOW: Final = """
select f.id from follows f join actors a on a.id = f.follower_id
where f.target_id = $1 and f.follower_id = $2 and f.standing in ('pending', 'accepted')
  and can_see_actor(a, array[$1::bigint])
"""


async def find_follow(conn: Conn, person_id: ActorId, follower_id: int) -> FollowId | None:
    """Return the follow of this person by somebody, asked for or accepted."""
    found: FollowId | None = await conn.fetchval(FIND_FOLLOW, person_id, follower_id)
    return found
