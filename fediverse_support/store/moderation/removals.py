"""Posts that were taken out: by whose decision, with which published words, and how they come back."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.ids import ActorId, PostId

TAKE_OUT: Final = """
with was as (
    select id, standing from posts
    where id = any ($1::bigint[]) and standing in ('visible', 'limited', 'held') for update
), hidden as (
    update posts p set standing = 'removed' from was where p.id = was.id
)
insert into removals (post_id, by_id, before, reason, removed_at)
select id, $2, standing, $3, $4 from was
on conflict (post_id) do update set by_id = excluded.by_id, before = excluded.before,
    reason = excluded.reason, removed_at = excluded.removed_at
"""
ALL_OF: Final = "select array_agg(id) from posts where author_id = $1 and group_id = $2"
LET_BACK: Final = """
with was as (
    delete from removals r using posts p
    where r.post_id = $1 and p.id = r.post_id and p.standing = 'removed' and r.by_id is not distinct from $2
    returning r.post_id, r.before
)
update posts p set standing = was.before from was where p.id = was.post_id
"""


async def take_out(tx: Tx, post_id: PostId, by_id: ActorId | None, reason: str, now: datetime) -> bool:
    """Hide a post by the decision of a group, None for our own team; False where it was not to be seen."""
    return await tx.execute(TAKE_OUT, [post_id], by_id, reason, now) == "INSERT 0 1"


async def take_out_all(tx: Tx, author_id: ActorId, group_id: ActorId, reason: str, now: datetime) -> None:
    """Hide everything that somebody wrote in a group, by that group's decision."""
    written = await tx.fetchval(ALL_OF, author_id, group_id)
    await tx.execute(TAKE_OUT, written or [], group_id, reason, now)


async def let_back(tx: Tx, post_id: PostId, by_id: ActorId | None) -> bool:
    """Show a post again by the word of those who took it out; False where that was somebody else."""
    return await tx.execute(LET_BACK, post_id, by_id) == "UPDATE 1"
