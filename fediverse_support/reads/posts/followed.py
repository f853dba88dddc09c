"""What somebody follows, newest first, as apps show it at home."""

from __future__ import annotations

from typing import Final

from asyncpg import Record

from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import ActorId
from fediverse_support.reads.posts import windows
from fediverse_support.reads.posts.posts import Entry
from fediverse_support.reads.posts.windows import PART, Window

DEEPER: Final = 410
"""So many of each place are read where a page's worth of each leaves too few."""

# What may be at home, newest first, from each place by its own index: announces of groups joined and of
# people followed, what the person wrote, what mentions the person, answers to what the person wrote lately,
# profile posts of people followed, and their replies there. Only then, newest first and until the page is
# full, is asked what the reader may see, and whether it is there already: a group announces its own threads,
# a reply is for those who know what it answers, and what somebody boosts comes once, by who was first, and
# not if it is at home anyway. Below `low` some place was not read; whoever needs to go there reads deeper.
# Each place is read as deep as is asked for ($5), and never deeper than is written out, which is what a plan
# for unknown values goes by.
HOME: Final = """
with joined as materialized (
    select f.target_id as id, a.kind = 'group' as is_group
    from follows f join actors a on a.id = f.target_id
    where f.follower_id = $1 and f.standing = 'accepted'
), found as materialized (
    select 1 as part, j.id as place, t.* from joined j cross join lateral (
        select x.* from (
            select n.id, n.post_id, n.actor_id, j.is_group
            from announces n
            where n.actor_id = j.id and n.undone_at is null and n.id < $2
              and coalesce(n.host, '') not in (select c.domain from cut_off_by_name() c (domain))
            order by n.id desc limit 410) x
        order by x.id desc limit $5) t
    union all
    (select 2, 0, x.id, x.id, null, null
     from (
        select p.id from posts p
        where p.author_id = $1 and p.id < $2 and p.standing in ('visible', 'limited', 'held')
          and (p.group_id is null or p.parent_id is not null or p.parent_uri is not null
               or (select n.id from announces n
                   where n.post_id = p.id and n.actor_id = p.group_id and n.undone_at is null) is null)
        order by p.id desc limit 410) x
     order by x.id desc limit $5)
    union all
    (select 3, 0, x.id, x.id, null, null
     from (
        select p.id
        from mentions m join posts p on p.id = m.post_id
        where m.actor_id = $1 and m.post_id < $2 and p.standing in ('visible', 'limited')
          and (p.parent_id is not null or p.parent_uri is not null or p.group_id is null)
        order by m.post_id desc limit 410) x
     order by x.id desc limit $5)
    union all
    (select 4, 0, t.id, t.id, null, null
     from (select s.id from posts s where s.author_id = $1 order by s.id desc limit 200) mine
     cross join lateral (
        select x.id from (
            select p.id from posts p
            where p.parent_id = mine.id and p.id < $2
            order by p.id desc limit 410) x
        order by x.id desc limit $5) t
     order by t.id desc limit $5)
    union all
    select 5, j.id, t.id, t.id, null, null from joined j cross join lateral (
        select x.id from (
            select p.id from posts p
            where p.author_id = j.id and p.group_id is null and p.parent_id is null and p.parent_uri is null
              and p.standing in ('visible', 'limited') and p.audience <> 'direct' and p.id < $2
            order by p.id desc limit 410) x
        order by x.id desc limit $5) t
    where not j.is_group
    union all
    select 6, j.id, t.id, t.id, null, null from joined j cross join lateral (
        select x.id from (
            select p.id from posts p
            where p.author_id = j.id and p.group_id is null
              and (p.parent_id is not null or p.parent_uri is not null)
              and p.standing in ('visible', 'limited') and p.audience <> 'direct' and p.id < $2
            order by p.id desc limit 410) x
        order by x.id desc limit $5) t
    where not j.is_group
), edge as (
    select coalesce(max(s.low), 0) as low
    from (select min(f.id) as low from found f group by f.part, f.place having count(*) >= $5) s
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

# The same from the other end, for what comes right after a known entry; what is lately stays what it is.
HOME_UPWARDS: Final = """
with joined as materialized (
    select f.target_id as id, a.kind = 'group' as is_group
    from follows f join actors a on a.id = f.target_id
    where f.follower_id = $1 and f.standing = 'accepted'
), found as materialized (
    select 1 as part, j.id as place, t.* from joined j cross join lateral (
        select x.* from (
            select n.id, n.post_id, n.actor_id, j.is_group
            from announces n
            where n.actor_id = j.id and n.undone_at is null and n.id > $3
              and coalesce(n.host, '') not in (select c.domain from cut_off_by_name() c (domain))
            order by n.id asc limit 410) x
        order by x.id asc limit $5) t
    union all
    (select 2, 0, x.id, x.id, null, null
     from (
        select p.id from posts p
        where p.author_id = $1 and p.id > $3 and p.standing in ('visible', 'limited', 'held')
          and (p.group_id is null or p.parent_id is not null or p.parent_uri is not null
               or (select n.id from announces n
                   where n.post_id = p.id and n.actor_id = p.group_id and n.undone_at is null) is null)
        order by p.id asc limit 410) x
     order by x.id asc limit $5)
    union all
    (select 3, 0, x.id, x.id, null, null
     from (
        select p.id
        from mentions m join posts p on p.id = m.post_id
        where m.actor_id = $1 and m.post_id > $3 and p.standing in ('visible', 'limited')
          and (p.parent_id is not null or p.parent_uri is not null or p.group_id is null)
        order by m.post_id asc limit 410) x
     order by x.id asc limit $5)
    union all
    (select 4, 0, t.id, t.id, null, null
     from (select s.id from posts s where s.author_id = $1 order by s.id desc limit 200) mine
     cross join lateral (
        select x.id from (
            select p.id from posts p
            where p.parent_id = mine.id and p.id > $3
            order by p.id asc limit 410) x
        order by x.id asc limit $5) t
     order by t.id asc limit $5)
    union all
    select 5, j.id, t.id, t.id, null, null from joined j cross join lateral (
        select x.id from (
            select p.id from posts p
            where p.author_id = j.id and p.group_id is null and p.parent_id is null and p.parent_uri is null
              and p.standing in ('visible', 'limited') and p.audience <> 'direct' and p.id > $3
            order by p.id asc limit 410) x
        order by x.id asc limit $5) t
    where not j.is_group
    union all
    select 6, j.id, t.id, t.id, null, null from joined j cross join lateral (
        select x.id from (
            select p.id from posts p
            where p.author_id = j.id and p.group_id is null
              and (p.parent_id is not null or p.parent_uri is not null)
              and p.standing in ('visible', 'limited') and p.audience <> 'direct' and p.id > $3
            order by p.id asc limit 410) x
        order by x.id asc limit $5) t
    where not j.is_group
), edge as (
    select coalesce(min(s.low), 9223372036854775807) as low
    from (select max(f.id) as low from found f group by f.part, f.place having count(*) >= $5) s
)
select e.low, t.* from edge e left join lateral (
    select c.id, c.post_id, c.actor_id, case
               when c.actor_id is null then s.published_at
               else (select n.announced_at from announces n where n.id = c.id) end as at
    from (select distinct on (f.id) f.* from found f
          where f.id < $2 and f.id <= e.low order by f.id asc, f.part) c
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
order by t.id asc
"""


async def home(conn: Conn, viewer: ActorId, window: Window) -> list[Entry]:
    """Return what a person follows: each new thread of joined groups once, profile posts, what people they
    follow boost, and what concerns them."""
    found: list[Record] = []
    for depth in (PART, DEEPER):
        rows = await conn.fetch(
            HOME_UPWARDS if window.upwards else HOME, viewer, *windows.ends(window), depth
        )
        found = [row for row in rows if row["id"] is not None]
        edge = rows[0]["low"]
        if len(found) >= window.limit or (edge >= window.below if window.upwards else edge <= window.above):
            break
    return await windows.entries(conn, found, viewer, window)
