"""What is still kept of words that are gone: documents with the text before an edit, and space on disk."""

from __future__ import annotations

from typing import Final

import asyncpg

from fediverse_support.db.pool import Conn, Tx

MOST: Final = 2_000
SECONDS: Final = 120
# Of all that carried a post's words only what was said last is kept; the earlier ones as long as somebody is
# owed them, who would else get an edit of what they never had. Row ids begin with the time of their making.
FORGET_OLD_WORDS: Final = """
with edited as (
    select p.uri from posts p where p.id in (
        select e.post_id from post_edits e
        where e.id > ((extract(epoch from clock_timestamp() - interval '35 days') * 1000)::bigint << 20)
        order by e.id desc limit $1)
), said as (
    select e.uri as post, y.id, y.uri, y.document is not null as is_kept
    from edited e join activities y on y.object_uri = e.uri and y.verb in ('Create', 'Update')
), carried as (
    select post, id, rank() over (partition by post order by id desc) as nth from said where is_kept
), relayed as (
    select s.post, x.id, rank() over (partition by s.post, x.actor_uri order by x.id desc) as nth
    from (select distinct post, uri from said) s
    join activities x on x.object_uri = s.uri and x.verb = 'Announce' and x.document is not null
)
update activities a set document = null
from (select id from carried where nth > 1 union select id from relayed where nth > 1) old
where a.id = old.id
  and not exists (select 1 from deliveries d where d.activity_id = a.id and d.standing = 'waiting')
"""
ERASED: Final = """
select exists (
    select 1 from activities
    where id > ((extract(epoch from clock_timestamp() - interval '2 hours') * 1000)::bigint << 20)
      and verb in ('Update', 'Delete'))
"""
CLEAN: Final = "vacuum (skip_locked) posts, post_edits, activities, receipts, notifications"


async def forget_old_words(tx: Tx) -> None:
    """Empty stored documents with words that were edited away, once nobody is owed them any more."""
    await tx.execute(FORGET_OLD_WORDS, MOST)


async def was_anything_erased(conn: Conn) -> bool:
    """Say whether words were deleted or replaced in the last two hours."""
    return bool(await conn.fetchval(ERASED))


async def free_space(conn: asyncpg.Connection) -> None:
    """Let the space that erased words took be written over; in two minutes at most, in no transaction.

    Nothing is locked for it; what somebody else holds is left for the next time.
    """
    await conn.execute(CLEAN, timeout=SECONDS)
