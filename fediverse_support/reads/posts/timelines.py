"""Lists of posts, newest first, and windows into them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncpg import Record

from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import ActorId
from fediverse_support.reads.posts import posts
from fediverse_support.reads.posts.posts import Entry, Row

MAX_ID: Final = 2**63 - 1

PART: Final = 41
"""A page, and the one entry that shows that more follow. It is written out in the statements, because plans
for unknown values read everything where they do not know how little is wanted."""

# What may be at home, newest first, from each place by its own index: announces of groups joined and of
# people followed, what the person wrote, what mentions the person, answers to what the person wrote lately,
# profile posts of people followed, and their replies there. Only then, newest first and until the page is
# full, is asked what the reader may see, and whether it is there already: a group announces its own threads,
# a reply is for those who know what it answers, and what somebody boosts comes once, by who was first, and
# not if it is at home anyway. Below `low` some place was not read; whoever needs to go there reads deeper.
HOME: Final = """
with joined as materialized (
    select f.target_id as id, a.kind = 'group' as is_group
    from follows f join actors a on a.id = f.target_id
    where f.follower_id = $1 and f.standing = 'accepted'
), found as materialized (
    select 1 as part, j.id as place, t.* from joined j cross join lateral (
        select n.id, n.post_id, n.actor_id, j.is_group
        from announces n
        where n.actor_id = j.id and n.undone_at is null and n.id < $2
          and coalesce(n.host, '') not in (select c.domain from cut_off_by_name() c (domain))
        order by n.id desc limit 41) t
    union all
    (select 2, 0, p.id, p.id, null, null
     from posts p
     where p.author_id = $1 and p.id < $2 and p.standing in ('visible', 'limited', 'held')
       and (p.group_id is null or p.parent_id is not null or p.parent_uri is not null
            or (select n.id from announces n
                where n.post_id = p.id and n.actor_id = p.group_id and n.undone_at is null) is null)
     order by p.id desc limit 41)
    union all
    (select 3, 0, p.id, p.id, null, null
     from mentions m join posts p on p.id = m.post_id
     where m.actor_id = $1 and m.post_id < $2 and p.standing in ('visible', 'limited')
       and (p.parent_id is not null or p.parent_uri is not null or p.group_id is null)
     order by m.post_id desc limit 41)
    union all
    (select 4, 0, t.id, t.id, null, null
     from (select s.id from posts s where s.author_id = $1 order by s.id desc limit 200) mine
     cross join lateral (
        select p.id from posts p where p.parent_id = mine.id and p.id < $2 order by p.id desc limit 41) t
     order by t.id desc limit 41)
    union all
    select 5, j.id, t.id, t.id, null, null from joined j cross join lateral (
        select p.id from posts p
        where p.author_id = j.id and p.group_id is null and p.parent_id is null and p.parent_uri is null
          and p.standing in ('visible', 'limited') and p.audience <> 'direct' and p.id < $2
        order by p.id desc limit 41) t
    where not j.is_group
    union all
    select 6, j.id, t.id, t.id, null, null from joined j cross join lateral (
        select p.id from posts p
        where p.author_id = j.id and p.group_id is null
          and (p.parent_id is not null or p.parent_uri is not null)
          and p.standing in ('visible', 'limited') and p.audience <> 'direct' and p.id < $2
        order by p.id desc limit 41) t
    where not j.is_group
), edge as (
    select coalesce(max(s.low), 0) as low
    from (select min(f.id) as low from found f group by f.part, f.place having count(*) > 40) s
)
select e.low, t.* from edge e left join lateral (
    select c.id, c.post_id, c.actor_id, case
               when c.actor_id is null then s.published_at
               else (select n.announced_at from announces n where n.id = c.id) end as at
    from (select distinct on (f.id) f.* from found f
          where f.id > $3 and f.id >= e.low order by f.id desc, f.part) c
    cross join lateral (
           select p.published_at, v.yes and case
                  when c.part = 6
                  then (select q.author_id in (p.author_id, $1) from posts q where q.id = p.parent_id)
                  when c.actor_id is null then true
                  when c.is_group
                  then p.group_id = c.actor_id and p.parent_id is null and p.parent_uri is null
                  else p.audience = 'public' and p.standing = 'visible' and p.author_id <> $1
                       and (select o.yes from in_the_open_each(p.group_id, p.written_in) o (yes))
                       and (select f.yes from is_free_each(p.host) f (yes))
                       and (select a.standing from actors a where a.id = p.author_id) = 'visible'
                       and p.id not in (select f.id from found f where f.part between 2 and 5)
                       and not exists (
                           select 1 from joined j
                           where j.id = case when p.parent_id is not null or p.parent_uri is not null then 0
                                             else coalesce(p.group_id, p.author_id) end)
                       and not exists (
                           select 1 from announces n
                           where n.post_id = p.id and n.id < c.id and n.undone_at is null
                             and n.actor_id in (select j.id from joined j where not j.is_group)) end as yes
           from posts p
           cross join can_see_each(
               p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
               array[$1::bigint]) v (yes)
           where p.id = c.post_id offset 0) s
    where s.yes and (c.actor_id is null or (
        select v.yes from actors a
        cross join can_see_actor_each(
            a.id, a.kind, a.standing, a.host, a.account_id, a.for_group_id, array[$1::bigint]) v (yes)
        where a.id = c.actor_id))
    limit $4
) t on true
order by t.id desc
"""

# Here too every place is read by an index of its own, in its order, and rights are asked of what comes by
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

OWN: Final = """
select s.id, s.id as post_id, null::bigint as actor_id, s.at from (
    select p.id, p.published_at as at from posts p
    cross join can_see_each(
        p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
        array[$1::bigint]) v (yes)
    where p.author_id = $1 and p.id < $2 and v.yes
    order by p.id desc limit 41) s
where s.id > $3 order by s.id desc limit $4
"""

# What was written in a closed group is for the group, whoever looks.
AUTHOR: Final = """
select s.id, s.id as post_id, null::bigint as actor_id, s.at from (
    select p.id, p.published_at as at from posts p
    cross join can_see_each(
        p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
        array[$1::bigint]) v (yes)
    where p.author_id = $5 and p.id < $2 and p.audience <> 'group'
      and (select a.standing not in ('suspended', 'deleted')
                  and not is_cut_off(a.host)
           from actors a where a.id = $5)
      and (select o.yes from in_the_open_each(p.group_id, p.written_in) o (yes))
      and v.yes
    order by p.id desc limit 41) s
where s.id > $3 order by s.id desc limit $4
"""

GROUP: Final = """
select s.id, s.id as post_id, null::bigint as actor_id,
       (select p.published_at from posts p where p.id = s.id) as at
from (
    select c.id from (
        select p.id from posts p
        where p.group_id = $5 and p.parent_id is null and p.parent_uri is null and p.id < $2
          and coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
        order by p.id desc offset 0) c
    where (select v.yes from can_see_post_each(c.id, array[$1::bigint]) v (yes))
    limit 41) s
where s.id > $3 order by s.id desc limit $4
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


def _with(text: str, *more: str) -> str:
    return text.replace("id < $2", " and ".join(("id < $2", *more)))


ROOTS: Final = "p.parent_id is null and p.parent_uri is null"
PICTURES: Final = "p.attachments <> '[]'::jsonb"
BY_AUTHOR: Final = {
    (text, replies, media): _with(text, *(() if replies else (ROOTS,)), *((PICTURES,) if media else ()))
    for text in (OWN, AUTHOR) for replies in (True, False) for media in (True, False)
}  # fmt: skip
GROUP_PICTURES: Final = _with(GROUP, PICTURES)
HOME_DEEPER: Final = HOME.replace("limit 41", "limit 410").replace("> 40", "> 409")

# The same lists read from the other end, for what comes right after a known entry.
TURNED: Final = {
    "id < $2": "id > $3", "id > $3": "id < $2", " desc": " asc",
    "min(f.id)": "max(f.id)", "f.id >= e": "f.id <= e",
    "coalesce(max(s.low), 0)": f"coalesce(min(s.low), {MAX_ID})",
}  # fmt: skip
LATEST: Final = r"(?! limit 200)"  # which is lately, whichever way the list is read
TURN: Final = re.compile("|".join(map(re.escape, TURNED)).replace("desc", f"desc{LATEST}"))
UPWARDS: Final = {
    text: TURN.sub(lambda found: TURNED[found[0]], text)
    for text in (HOME, HOME_DEEPER, PUBLIC, GROUP, GROUP_PICTURES, ANNOUNCED, *BY_AUTHOR.values())
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
    """Return what a person follows: each new thread of joined groups once, profile posts, what people they
    follow boost, and what concerns them."""
    found: list[Record] = []
    for text in (HOME, HOME_DEEPER):
        rows = await conn.fetch(UPWARDS[text] if window.upwards else text, viewer, *_ends(window))
        found = [row for row in rows if row["id"] is not None]
        edge = rows[0]["low"]
        if len(found) >= window.limit or (edge >= window.below if window.upwards else edge <= window.above):
            break
    return await _entries(conn, found, viewer, window)


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
    if viewer == author_id:
        return await _read(conn, BY_AUTHOR[OWN, replies, media], viewer, window)
    return await _read(conn, BY_AUTHOR[AUTHOR, replies, media], viewer, window, author_id)


async def in_group(
    conn: Conn, group_id: int, viewer: ActorId | None, window: Window, *, announced: bool, media: bool = False
) -> list[Entry]:
    """Return a group's threads, as its announces or as the posts themselves; those with pictures as the posts
    themselves, because an announce has none."""
    text = GROUP_PICTURES if media else ANNOUNCED if announced else GROUP
    return await _read(conn, text, viewer, window, group_id)


async def _read(conn: Conn, text: str, viewer: ActorId | None, window: Window, *more: object) -> list[Entry]:
    query = UPWARDS[text] if window.upwards else text
    return await _entries(conn, await conn.fetch(query, viewer, *_ends(window), *more), viewer, window)


def _ends(window: Window) -> tuple[int, int, int]:
    return window.below, window.above, min(window.limit, PART)


async def _entries(
    conn: Conn, found: Sequence[Record], viewer: ActorId | None, window: Window
) -> list[Entry]:
    rows = [Row(row["id"], row["post_id"], row["actor_id"], row["at"]) for row in found]
    if window.upwards:
        rows.reverse()
    return await posts.entries(conn, rows, viewer)
