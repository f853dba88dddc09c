"""Finding what somebody types or pastes: an address, a handle, part of a name, a word in what they may
read."""

from __future__ import annotations

from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.instance import Instance
from fediverse_support.reads import actors, posts
from fediverse_support.reads.actors import Handle

# Only what the viewer wrote, is mentioned in, or reads as a member, and of each the latest thousands.
# `offset 0` sorts first, so that rights are asked about newest first and only until a page is full.
WORDS: Final = """
with near as (
    (select p.id from posts p where p.author_id = $1 order by p.id desc limit 3000)
    union
    (select m.post_id from mentions m where m.actor_id = $1 order by m.post_id desc limit 3000)
    union
    select t.id from follows f cross join lateral (
        select p.id from posts p where p.group_id = f.target_id order by p.id desc limit 3000) t
    where f.follower_id = $1 and f.standing = 'accepted'
)
select s.id from (
    select p.id, p as post from near n join posts p on p.id = n.id
    where p.body_text ilike $2 or p.title ilike $2
    order by p.id desc offset 0) s
where can_see(s.post, $1)
order by s.id desc limit $3 offset $4
"""

OURS: Final = """
select p.id from posts p where p.id = $2 and can_see(p, $1)
"""


async def in_posts(conn: Conn, text: str, viewer: ActorId, limit: int, offset: int) -> list[int]:
    """Return row ids of posts that hold this text, newest first."""
    literal = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return [row["id"] for row in await conn.fetch(WORDS, viewer, f"%{literal}%", limit, offset)]


async def at_address(
    conn: Conn, instance: Instance, address: str, viewer: ActorId
) -> tuple[int | None, int | None]:
    """Return the actor and the post at an address we know: an id of anybody's, or a page of ours or
    theirs."""
    if address.startswith(f"{instance.base_url}/"):
        row = instance.post_on(address)
        post_id = None if row is None else await conn.fetchval(OURS, viewer, row)
        actor_id = await _actor_of_ours(conn, address.removeprefix(f"{instance.base_url}/"), viewer)
        if actor_id is not None or post_id is not None:
            return actor_id, post_id
    actor_id = await actors.find_by_address(conn, address, viewer)
    if actor_id is not None:
        return actor_id, None
    return None, await posts.find_by_address(conn, address, viewer)


async def _actor_of_ours(conn: Conn, path: str, viewer: ActorId) -> int | None:
    match path.partition("#")[0].partition("?")[0].split("/"):
        case [name] if name.startswith("@"):
            return await actors.find_by_handle(conn, Handle(name[1:], None), viewer)
        case ["g", name]:
            return await actors.find_by_handle(conn, Handle(name, None), viewer)
        case _:
            return None
