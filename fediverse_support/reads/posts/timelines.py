"""Lists of posts, newest first: the public ones, those of a person, those of a group.

Each is written out for both ends: from the newest down, and upwards from a known entry.
"""

from __future__ import annotations

from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import ActorId
from fediverse_support.reads.posts import windows
from fediverse_support.reads.posts.posts import Entry
from fediverse_support.reads.posts.windows import Window

# Every place is read by an index of its own, in its order, and rights are asked of what comes by
# until a page is full. What is hidden because its server is suspended costs an entry of the index and no row.
# Only one end of the window is inside, where it says where to begin; with both, plans expect to find next to
# nothing.
PUBLIC: Final = """
select s.id, s.id as post_id, null::bigint as actor_id,
       (select p.published_at from posts p where p.id = s.id) as at
from (
    (select c.id from (
        select p.id from posts p
        where p.host is null and p.audience = 'public' and p.standing = 'visible'
          and p.parent_id is null and p.parent_uri is null and p.id < $2 and coalesce($5::boolean, true)
        order by p.id desc offset 0) c
     where (select (select o.yes from in_the_open_each(p.group_id, p.written_in) o (yes))
                   and (select a.standing from actors a where a.id = p.author_id) = 'visible' and v.yes
            from posts p
            cross join can_see_each(
                p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
                array[$1::bigint]) v (yes)
            where p.id = c.id)
     limit 41)
    union all
    (select c.id from (
        select p.id from posts p
        where p.host is not null and p.audience = 'public' and p.standing = 'visible'
          and p.parent_id is null and p.parent_uri is null and p.id < $2 and not coalesce($5::boolean, false)
          and p.host not in (select h.domain from held_back_by_name() h (domain))
        order by p.id desc offset 0) c
     where (select (select o.yes from in_the_open_each(p.group_id, p.written_in) o (yes))
                   and (select f.yes from is_free_each(p.host) f (yes))
                   and (select a.standing from actors a where a.id = p.author_id) = 'visible' and v.yes
            from posts p
            cross join can_see_each(
                p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
                array[$1::bigint]) v (yes)
            where p.id = c.id)
     limit 41)
) s
where s.id > $3 order by s.id desc limit $4
"""

PUBLIC_UPWARDS: Final = """
select s.id, s.id as post_id, null::bigint as actor_id,
       (select p.published_at from posts p where p.id = s.id) as at
from (
    (select c.id from (
        select p.id from posts p
        where p.host is null and p.audience = 'public' and p.standing = 'visible'
          and p.parent_id is null and p.parent_uri is null and p.id > $3 and coalesce($5::boolean, true)
        order by p.id asc offset 0) c
     where (select (select o.yes from in_the_open_each(p.group_id, p.written_in) o (yes))
                   and (select a.standing from actors a where a.id = p.author_id) = 'visible' and v.yes
            from posts p
            cross join can_see_each(
                p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
                array[$1::bigint]) v (yes)
            where p.id = c.id)
     limit 41)
    union all
    (select c.id from (
        select p.id from posts p
        where p.host is not null and p.audience = 'public' and p.standing = 'visible'
          and p.parent_id is null and p.parent_uri is null and p.id > $3 and not coalesce($5::boolean, false)
          and p.host not in (select h.domain from held_back_by_name() h (domain))
        order by p.id asc offset 0) c
     where (select (select o.yes from in_the_open_each(p.group_id, p.written_in) o (yes))
                   and (select f.yes from is_free_each(p.host) f (yes))
                   and (select a.standing from actors a where a.id = p.author_id) = 'visible' and v.yes
            from posts p
            cross join can_see_each(
                p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
                array[$1::bigint]) v (yes)
            where p.id = c.id)
     limit 41)
) s
where s.id < $2 order by s.id asc limit $4
"""

# All of them ($5), or what answers nothing, and only those with pictures ($6): each by an index of its own,
# and what is not asked for is not read.
OWN: Final = """
select s.id, s.id as post_id, null::bigint as actor_id,
       (select p.published_at from posts p where p.id = s.id) as at
from (
    select c.id from (
        (select p.id from posts p
         where p.author_id = $1 and p.id < $2 and $5::boolean and not $6::boolean
         order by p.id desc offset 0)
        union all
        (select p.id from posts p
         where p.author_id = $1 and p.id < $2 and not $5::boolean and not $6::boolean
           and p.parent_id is null and p.parent_uri is null
         order by p.id desc offset 0)
        union all
        (select p.id from posts p
         where p.author_id = $1 and p.id < $2 and $6::boolean and p.attachments <> '[]'::jsonb
           and ($5::boolean or p.parent_id is null and p.parent_uri is null)
         order by p.id desc offset 0)
        order by id desc offset 0) c
    where (select v.yes from can_see_post_each(c.id, array[$1::bigint]) v (yes))
    limit 41) s
where s.id > $3 order by s.id desc limit $4
"""

OWN_UPWARDS: Final = """
select s.id, s.id as post_id, null::bigint as actor_id,
       (select p.published_at from posts p where p.id = s.id) as at
from (
    select c.id from (
        (select p.id from posts p
         where p.author_id = $1 and p.id > $3 and $5::boolean and not $6::boolean
         order by p.id asc offset 0)
        union all
        (select p.id from posts p
         where p.author_id = $1 and p.id > $3 and not $5::boolean and not $6::boolean
           and p.parent_id is null and p.parent_uri is null
         order by p.id asc offset 0)
        union all
        (select p.id from posts p
         where p.author_id = $1 and p.id > $3 and $6::boolean and p.attachments <> '[]'::jsonb
           and ($5::boolean or p.parent_id is null and p.parent_uri is null)
         order by p.id asc offset 0)
        order by id asc offset 0) c
    where (select v.yes from can_see_post_each(c.id, array[$1::bigint]) v (yes))
    limit 41) s
where s.id < $2 order by s.id asc limit $4
"""

# What was written in a closed group is for the group, whoever looks.
AUTHOR: Final = """
select s.id, s.id as post_id, null::bigint as actor_id,
       (select p.published_at from posts p where p.id = s.id) as at
from (
    select c.id from (
        (select p.id from posts p
         where p.author_id = $7 and p.id < $2 and $5::boolean and not $6::boolean and p.audience <> 'group'
         order by p.id desc offset 0)
        union all
        (select p.id from posts p
         where p.author_id = $7 and p.id < $2 and not $5::boolean and not $6::boolean
           and p.parent_id is null and p.parent_uri is null and p.audience <> 'group'
         order by p.id desc offset 0)
        union all
        (select p.id from posts p
         where p.author_id = $7 and p.id < $2 and $6::boolean and p.attachments <> '[]'::jsonb
           and ($5::boolean or p.parent_id is null and p.parent_uri is null) and p.audience <> 'group'
         order by p.id desc offset 0)
        order by id desc offset 0) c
    where (select a.standing not in ('suspended', 'deleted') and not is_cut_off(a.host)
           from actors a where a.id = $7)
      and (select v.yes and (select o.yes from in_the_open_each(p.group_id, p.written_in) o (yes))
           from posts p
           cross join can_see_each(
               p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
               array[$1::bigint]) v (yes)
           where p.id = c.id)
    limit 41) s
where s.id > $3 order by s.id desc limit $4
"""

AUTHOR_UPWARDS: Final = """
select s.id, s.id as post_id, null::bigint as actor_id,
       (select p.published_at from posts p where p.id = s.id) as at
from (
    select c.id from (
        (select p.id from posts p
         where p.author_id = $7 and p.id > $3 and $5::boolean and not $6::boolean and p.audience <> 'group'
         order by p.id asc offset 0)
        union all
        (select p.id from posts p
         where p.author_id = $7 and p.id > $3 and not $5::boolean and not $6::boolean
           and p.parent_id is null and p.parent_uri is null and p.audience <> 'group'
         order by p.id asc offset 0)
        union all
        (select p.id from posts p
         where p.author_id = $7 and p.id > $3 and $6::boolean and p.attachments <> '[]'::jsonb
           and ($5::boolean or p.parent_id is null and p.parent_uri is null) and p.audience <> 'group'
         order by p.id asc offset 0)
        order by id asc offset 0) c
    where (select a.standing not in ('suspended', 'deleted') and not is_cut_off(a.host)
           from actors a where a.id = $7)
      and (select v.yes and (select o.yes from in_the_open_each(p.group_id, p.written_in) o (yes))
           from posts p
           cross join can_see_each(
               p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
               array[$1::bigint]) v (yes)
           where p.id = c.id)
    limit 41) s
where s.id < $2 order by s.id asc limit $4
"""

GROUP: Final = """
select s.id, s.id as post_id, null::bigint as actor_id,
       (select p.published_at from posts p where p.id = s.id) as at
from (
    select c.id from (
        (select p.id from posts p
         where p.group_id = $5 and p.parent_id is null and p.parent_uri is null and p.id < $2
           and not $6::boolean
           and coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
         order by p.id desc offset 0)
        union all
        (select p.id from posts p
         where p.group_id = $5 and p.parent_id is null and p.parent_uri is null and p.id < $2
           and $6::boolean and p.attachments <> '[]'::jsonb
           and coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
         order by p.id desc offset 0)
        order by id desc offset 0) c
    where (select v.yes from can_see_post_each(c.id, array[$1::bigint]) v (yes))
    limit 41) s
where s.id > $3 order by s.id desc limit $4
"""

GROUP_UPWARDS: Final = """
select s.id, s.id as post_id, null::bigint as actor_id,
       (select p.published_at from posts p where p.id = s.id) as at
from (
    select c.id from (
        (select p.id from posts p
         where p.group_id = $5 and p.parent_id is null and p.parent_uri is null and p.id > $3
           and not $6::boolean
           and coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
         order by p.id asc offset 0)
        union all
        (select p.id from posts p
         where p.group_id = $5 and p.parent_id is null and p.parent_uri is null and p.id > $3
           and $6::boolean and p.attachments <> '[]'::jsonb
           and coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
         order by p.id asc offset 0)
        order by id asc offset 0) c
    where (select v.yes from can_see_post_each(c.id, array[$1::bigint]) v (yes))
    limit 41) s
where s.id < $2 order by s.id asc limit $4
"""

ANNOUNCED: Final = """
select s.id, s.post_id, $5::bigint as actor_id,
       (select n.announced_at from announces n where n.id = s.id) as at
from (
    select n.id, n.post_id from announces n
    where n.actor_id = $5 and n.undone_at is null and n.id < $2
      and coalesce(n.host, '') not in (select c.domain from cut_off_by_name() c (domain))
      and (select p.group_id = $5 and p.parent_id is null and p.parent_uri is null and v.yes
           from posts p
           cross join can_see_each(
               p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
               array[$1::bigint]) v (yes)
           where p.id = n.post_id)
    order by n.id desc limit 41) s
where s.id > $3 order by s.id desc limit $4
"""

ANNOUNCED_UPWARDS: Final = """
select s.id, s.post_id, $5::bigint as actor_id,
       (select n.announced_at from announces n where n.id = s.id) as at
from (
    select n.id, n.post_id from announces n
    where n.actor_id = $5 and n.undone_at is null and n.id > $3
      and coalesce(n.host, '') not in (select c.domain from cut_off_by_name() c (domain))
      and (select p.group_id = $5 and p.parent_id is null and p.parent_uri is null and v.yes
           from posts p
           cross join can_see_each(
               p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
               array[$1::bigint]) v (yes)
           where p.id = n.post_id)
    order by n.id asc limit 41) s
where s.id < $2 order by s.id asc limit $4
"""


async def public(conn: Conn, viewer: ActorId, window: Window, *, local: bool | None = None) -> list[Entry]:
    """Return public threads and profile posts of this server (`local`), of others (False), or of all."""
    asked = (viewer, *windows.ends(window), local)
    rows = await conn.fetch(PUBLIC_UPWARDS if window.upwards else PUBLIC, *asked)
    return await windows.entries(conn, rows, viewer, window)


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
    asked = (viewer, *windows.ends(window), replies, media)
    if viewer == author_id:
        rows = await conn.fetch(OWN_UPWARDS if window.upwards else OWN, *asked)
    else:
        rows = await conn.fetch(AUTHOR_UPWARDS if window.upwards else AUTHOR, *asked, author_id)
    return await windows.entries(conn, rows, viewer, window)


async def in_group(
    conn: Conn, group_id: int, viewer: ActorId | None, window: Window, *, announced: bool, media: bool = False
) -> list[Entry]:
    """Return a group's threads, as its announces or as the posts themselves; those with pictures as the posts
    themselves, because an announce has none."""
    asked = (viewer, *windows.ends(window), group_id)
    if announced and not media:
        rows = await conn.fetch(ANNOUNCED_UPWARDS if window.upwards else ANNOUNCED, *asked)
    else:
        rows = await conn.fetch(GROUP_UPWARDS if window.upwards else GROUP, *asked, media)
    return await windows.entries(conn, rows, viewer, window)
