"""Lists of posts, newest first, and windows into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import ActorId
from fediverse_support.reads import posts
from fediverse_support.reads.posts import Entry, Row

MAX_ID: Final = 2**63 - 1

# Each part is read newest first by its own index, and stops after a page, before the parts are put together.
# In order: new threads, as their groups announce them; what the person wrote; profile posts of people
# followed; what mentions the person; answers to what the person wrote lately. Three things keep plans for
# unknown values from reading whole groups: 41 (a page, and the one entry that shows that more follow) is
# written out, only one end of the window is inside, and the subquery about one's own threads is of the kind
# that is asked per row.
HOME: Final = """
with joined as (
    select f.target_id as id from follows f where f.follower_id = $1 and f.standing = 'accepted'
), found as (
    select t.* from joined j cross join lateral (
        select n.id, n.post_id, n.actor_id, n.announced_at as at
        from announces n join posts p on p.id = n.post_id
        where n.actor_id = j.id and n.undone_at is null and n.id < $2
          and p.group_id = j.id and p.parent_id is null and p.parent_uri is null and can_see(p, $1)
        order by n.id desc limit 41) t
    union all
    (select p.id, p.id, null, p.published_at
     from posts p
     where p.author_id = $1 and p.id < $2
       and (p.group_id is null or p.parent_id is not null or p.parent_uri is not null
            or (select n.id from announces n
                where n.post_id = p.id and n.actor_id = p.group_id and n.undone_at is null) is null)
       and can_see(p, $1)
     order by p.id desc limit 41)
    union all
    select t.* from joined j cross join lateral (
        select p.id, p.id as post_id, null::bigint as actor_id, p.published_at as at
        from posts p
        where p.author_id = j.id and p.group_id is null and p.id < $2 and can_see(p, $1)
          and ((p.parent_id is null and p.parent_uri is null)
               or exists (
                   select 1 from posts q where q.id = p.parent_id and q.author_id in (p.author_id, $1)))
        order by p.id desc limit 41) t
    union all
    (select p.id, p.id, null, p.published_at
     from mentions m join posts p on p.id = m.post_id
     where m.actor_id = $1 and m.post_id < $2
       and (p.parent_id is not null or p.parent_uri is not null or p.group_id is null) and can_see(p, $1)
     order by m.post_id desc limit 41)
    union all
    (select p.id, p.id, null, p.published_at
     from (select s.id, s.root_id from posts s where s.author_id = $1 order by s.id desc limit 200) mine
     join posts p on p.root_id = mine.root_id and p.parent_id = mine.id
     where p.id < $2 and can_see(p, $1)
     order by p.id desc limit 41)
)
select distinct on (id) id, post_id, actor_id, at from found where id > $3 order by id desc limit $4
"""

PUBLIC: Final = """
select p.id, p.id as post_id, null::bigint as actor_id, p.published_at as at
from posts p join actors a on a.id = p.author_id
where p.audience = 'public' and p.standing = 'visible' and p.id < $2 and p.id > $3
  and p.parent_id is null and p.parent_uri is null and a.standing = 'visible'
  and (p.group_id is null
       or exists (select 1 from groups g where g.actor_id = p.group_id and g.kind = 'open'))
  and (p.host is null or coalesce(rule_for(p.host), 'allow') = 'allow')
  and ($5::boolean is null or (p.host is null) = $5)
  and can_see(p, $1)
order by p.id desc limit $4
"""

AUTHOR: Final = """
select p.id, p.id as post_id, null::bigint as actor_id, p.published_at as at
from posts p left join groups g on g.actor_id = p.group_id
where p.author_id = $5 and p.id < $2 and p.id > $3
  and (p.author_id = $1 or p.group_id is null or g.kind = 'open')
  and (not $6::boolean or (p.parent_id is null and p.parent_uri is null))
  and (not $7::boolean or p.attachments <> '[]'::jsonb)
  and can_see(p, $1)
order by p.id desc limit $4
"""

GROUP: Final = """
select p.id, p.id as post_id, null::bigint as actor_id, p.published_at as at
from posts p
where p.group_id = $5 and p.id < $2 and p.id > $3 and p.parent_id is null and p.parent_uri is null
  and (not $6::boolean or p.attachments <> '[]'::jsonb)
  and can_see(p, $1)
order by p.id desc limit $4
"""

ANNOUNCED: Final = """
select n.id, n.post_id, n.actor_id, n.announced_at as at
from announces n join posts p on p.id = n.post_id
where n.actor_id = $5 and n.undone_at is null and n.id < $2 and n.id > $3
  and p.group_id = $5 and p.parent_id is null and p.parent_uri is null
  and (not $6::boolean or p.attachments <> '[]'::jsonb)
  and can_see(p, $1)
order by n.id desc limit $4
"""

# The same lists read from the other end, for what comes right after a known entry.
TURNED: Final = {"id < $2": "id > $3", "id > $3": "id < $2", " desc": " asc"}
UPWARDS: Final = {
    text: re.sub(r"id < \$2|id > \$3| desc", lambda found: TURNED[found[0]], text)
    for text in (HOME, PUBLIC, AUTHOR, GROUP, ANNOUNCED)
}


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list: ids strictly between `above` and `below`, at most `limit` of them.

    From the newest down, or with `upwards` from the oldest up; what comes back is newest first either way.
    """

    below: int = MAX_ID
    above: int = 0
    limit: int = 20
    upwards: bool = False


async def home(conn: Conn, viewer: ActorId, window: Window) -> list[Entry]:
    """Return what a person follows: each new thread of joined groups once, profile posts, and what concerns
    them."""
    return await _read(conn, HOME, viewer, window)


async def public(conn: Conn, viewer: ActorId, window: Window, *, local: bool | None = None) -> list[Entry]:
    """Return public threads and profile posts of this server (`local`), of others (False), or of all."""
    return await _read(conn, PUBLIC, viewer, window, local)


async def by_author(
    conn: Conn,
    author_id: int,
    viewer: ActorId | None,
    window: Window,
    *,
    replies: bool = True,
    media: bool = False,
) -> list[Entry]:
    """Return what one person wrote in the open and on the own profile; to themselves everything.

    Who takes part in which closed group is nobody's business, not even that of other members.
    """
    return await _read(conn, AUTHOR, viewer, window, author_id, not replies, media)


async def in_group(
    conn: Conn, group_id: int, viewer: ActorId | None, window: Window, *, announced: bool, media: bool = False
) -> list[Entry]:
    """Return a group's threads, as its announces or as the posts themselves."""
    return await _read(conn, ANNOUNCED if announced else GROUP, viewer, window, group_id, media)


async def _read(conn: Conn, text: str, viewer: ActorId | None, window: Window, *more: object) -> list[Entry]:
    query = UPWARDS[text] if window.upwards else text
    rows = [
        Row(**row) for row in await conn.fetch(query, viewer, window.below, window.above, window.limit, *more)
    ]
    if window.upwards:
        rows.reverse()
    return await posts.entries(conn, rows, viewer)
