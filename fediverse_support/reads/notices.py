"""What one account was told, newest first, as far as it may still be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from fediverse_support.db.pool import Conn
from fediverse_support.domain.effects import NotificationKind
from fediverse_support.domain.ids import AccountId, ActorId
from fediverse_support.reads.people import actors
from fediverse_support.reads.people.actors import ActorView
from fediverse_support.reads.posts import posts
from fediverse_support.reads.posts.posts import PostView
from fediverse_support.reads.posts.windows import Window

# A follow that waits for the viewer's answer is told as a request, one that is over not at all.
# Each kind is read by itself, in its order, and one after the other only as far as the list goes; what one
# actor caused ($7) is read by an index of its own instead. These are all the kinds that this list knows. Only
# one end of the window is inside.
LIST: Final = """
select s.id, s.kind, s.actor_id, s.post_id, s.created_at
from (
    select n.id, t.kind, n.actor_id, n.post_id, n.created_at
    from (
        (select n.* from notifications n
         where n.account_id = $2 and n.kind = 'mention' and n.id < $4
           and $7::bigint is null and 'mention' = any ($3::text[])
         order by n.id desc offset 0)
        union all
        (select n.* from notifications n
         where n.account_id = $2 and n.kind = 'reply' and n.id < $4
           and $7::bigint is null and 'reply' = any ($3::text[])
         order by n.id desc offset 0)
        union all
        (select n.* from notifications n
         where n.account_id = $2 and n.kind = 'follow' and n.id < $4
           and $7::bigint is null and $3::text[] && '{follow,follow_request}'
         order by n.id desc offset 0)
        union all
        (select n.* from notifications n
         where n.account_id = $2 and n.kind = 'liked' and n.id < $4
           and $7::bigint is null and 'liked' = any ($3::text[])
         order by n.id desc offset 0)
        union all
        (select n.* from notifications n
         where n.account_id = $2 and n.actor_id = $7 and n.id < $4
           and n.kind in ('mention', 'reply', 'follow', 'liked')
         order by n.id desc offset 0)
        order by id desc offset 0) n
    cross join lateral (
        select case when n.kind <> 'follow' then n.kind else (
            select case f.standing when 'accepted' then 'follow' when 'pending' then 'follow_request' end
            from follows f where f.follower_id = n.actor_id and f.target_id = $1) end
        offset 0) as t (kind)
    where n.actor_id is not null and n.person_id = $1 and t.kind = any ($3::text[])
      and (n.kind <> 'liked' or exists (
          select 1 from actors u join reactions x on x.actor_uri = u.uri and x.kind = 'like'
          where u.id = n.actor_id and x.post_id = n.post_id))
      and (select x.blocker_id from blocks x where x.blocker_id = n.actor_id and x.blocked_id = $1) is null
      and (n.post_id is null or (
          select coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
                 and v.yes
          from posts p
          cross join can_see_each(
              p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
              array[$1::bigint]) v (yes)
          where p.id = n.post_id))
    order by n.id desc limit 81
) s
where s.id > $5 order by s.id desc limit $6
"""

# The same from the other end, for what comes right after a known entry.
LIST_UPWARDS: Final = """
select s.id, s.kind, s.actor_id, s.post_id, s.created_at
from (
    select n.id, t.kind, n.actor_id, n.post_id, n.created_at
    from (
        (select n.* from notifications n
         where n.account_id = $2 and n.kind = 'mention' and n.id > $5
           and $7::bigint is null and 'mention' = any ($3::text[])
         order by n.id asc offset 0)
        union all
        (select n.* from notifications n
         where n.account_id = $2 and n.kind = 'reply' and n.id > $5
           and $7::bigint is null and 'reply' = any ($3::text[])
         order by n.id asc offset 0)
        union all
        (select n.* from notifications n
         where n.account_id = $2 and n.kind = 'follow' and n.id > $5
           and $7::bigint is null and $3::text[] && '{follow,follow_request}'
         order by n.id asc offset 0)
        union all
        (select n.* from notifications n
         where n.account_id = $2 and n.kind = 'liked' and n.id > $5
           and $7::bigint is null and 'liked' = any ($3::text[])
         order by n.id asc offset 0)
        union all
        (select n.* from notifications n
         where n.account_id = $2 and n.actor_id = $7 and n.id > $5
           and n.kind in ('mention', 'reply', 'follow', 'liked')
         order by n.id asc offset 0)
        order by id asc offset 0) n
    cross join lateral (
        select case when n.kind <> 'follow' then n.kind else (
            select case f.standing when 'accepted' then 'follow' when 'pending' then 'follow_request' end
            from follows f where f.follower_id = n.actor_id and f.target_id = $1) end
        offset 0) as t (kind)
    where n.actor_id is not null and n.person_id = $1 and t.kind = any ($3::text[])
      and (n.kind <> 'liked' or exists (
          select 1 from actors u join reactions x on x.actor_uri = u.uri and x.kind = 'like'
          where u.id = n.actor_id and x.post_id = n.post_id))
      and (select x.blocker_id from blocks x where x.blocker_id = n.actor_id and x.blocked_id = $1) is null
      and (n.post_id is null or (
          select coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
                 and v.yes
          from posts p
          cross join can_see_each(
              p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing,
              array[$1::bigint]) v (yes)
          where p.id = n.post_id))
    order by n.id asc limit 81
) s
where s.id < $4 order by s.id asc limit $6
"""

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
    ends = (window.below, window.above, window.limit)
    rows = await conn.fetch(
        LIST_UPWARDS if window.upwards else LIST, viewer, account_id, list(kinds), *ends, actor_id
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
