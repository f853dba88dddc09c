"""Finding what somebody types or pastes: an address, a handle, part of a name, a word in what they may
read."""

from __future__ import annotations

from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.instance import Instance
from fediverse_support.reads.people import actors
from fediverse_support.reads.people.actors import Handle
from fediverse_support.reads.posts import posts

# Only what the viewer wrote, is named in, or reads as a member; in open groups what others wrote only where
# they let it be found, then and now, because absence of a word is not consent. What is newest is looked
# through first, in stretches of time that the index knows, until the page is full; of few groups the index
# knows each. The stretch is a condition of its own: of two the index skips what is not in both, and of one it
# reads each word from the first post there ever was.
WORDS: Final = """
with asked as materialized (
    select asked_words($2) as words
), ends as materialized (
    select (select max(p.id) from posts p) as last, (select min(p.id) from posts p) as first
), stretches as materialized (
    select s.mark from (
        select 0 as size, n, ' t' || n as mark
        from ends e, generate_series(greatest((e.last >> 52) << 3, e.first >> 49), e.last >> 49) n
        union all
        select 1, n, ' u' || n
        from ends e, generate_series(greatest((e.last >> 55) << 3, e.first >> 52), (e.last >> 52) - 1) n
        union all
        select 2, n, ' v' || n from ends e, generate_series(e.first >> 55, (e.last >> 55) - 1) n
    ) s order by s.size, s.n desc
), joined as materialized (
    select g.actor_id as id, g.kind = 'open' as is_open
    from follows f join groups g on g.actor_id = f.target_id
    where f.follower_id = $1 and f.standing = 'accepted'
), reach as materialized (
    select case when count(*) filter (where not j.is_open) > 8 then ''
                else any_mark(array_agg(' g' || j.id) filter (where not j.is_open) || (' a' || $1::bigint))
                  || (any_mark(array[' i']) && case when count(*) > 8 then ''
                      else any_mark(array_agg(' g' || j.id) filter (where j.is_open)) end) end as marks
    from joined j
), found as (
    (select t.post_id from stretches s cross join asked q cross join reach r cross join lateral (
        select c.post_id from (
            select w.post_id from post_words w
            where w.words @@ any_mark(array[s.mark]) and w.words @@ (q.words && r.marks)
              and (w.author_id = $1 or w.group_id in (select j.id from joined j where not j.is_open)
                   or (w.findable and w.group_id in (select j.id from joined j)))
            order by w.post_id desc offset 0) c
        where (select v.yes and (
                   p.author_id = $1 or (select g.kind <> 'open' from groups g where g.actor_id = p.group_id)
                   or (select a.indexable from actors a where a.id = p.author_id))
               from posts p
               cross join can_see_each(
                   p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
                   array[$1::bigint]) v (yes)
               where p.id = c.post_id)
        limit $3::bigint + $4::bigint) t
     limit $3::bigint + $4::bigint)
    union
    (select m.post_id from (
        select m.post_id from mentions m where m.actor_id = $1 order by m.post_id desc limit 300) m
     where (select w.words @@ q.words from post_words w cross join asked q where w.post_id = m.post_id)
       and (select v.yes from can_see_post_each(m.post_id, array[$1::bigint]) v (yes)))
)
select f.post_id as id from found f order by f.post_id desc limit $3 offset $4
"""

OURS: Final = """
select p.id from posts p where p.id = $2 and can_see(p, array[$1::bigint])
"""


async def in_posts(conn: Conn, text: str, viewer: ActorId, limit: int, offset: int) -> list[int]:
    """Return row ids of posts that hold all of these words, in any of their forms, newest first."""
    return [row["id"] for row in await conn.fetch(WORDS, viewer, text, limit, offset)]


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
