"""Posts of other servers that their own server says are not there, which is no proof that they are gone."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Tx
from fediverse_support.db.rows import only
from fediverse_support.domain.ids import PostId

NOTE: Final = """
insert into missing_posts (uri, since_at, asked_at) values ($1, $2, $2)
on conflict (uri) do update set asked_at = $2,
    times = missing_posts.times + (missing_posts.asked_at < $2::timestamptz - interval '12 hours')::int
returning times, since_at
"""
HIDE: Final = """
with before as (
    select uri, standing from posts where id = $1 and standing in ('visible', 'limited', 'held') for update
), noted as (
    update missing_posts m set hidden_from = before.standing from before where m.uri = before.uri
    returning m.uri
)
update posts set standing = 'removed' where uri in (select uri from noted)
"""
FIND_AGAIN: Final = """
with found as (
    delete from missing_posts where uri = $1 returning uri, hidden_from
)
update posts p set standing = found.hidden_from from found
where p.uri = found.uri and p.standing = 'removed' and found.hidden_from is not null
"""


async def note(tx: Tx, uri: Uri, now: datetime) -> tuple[int, datetime]:
    """Note that a post was not found; return on how many half days it was not, and since when."""
    row = only(await tx.fetchrow(NOTE, uri, now))
    return row["times"], row["since_at"]


async def hide(tx: Tx, post_id: PostId) -> None:
    """Show a post no more that was not found for days; its words are kept."""
    await tx.execute(HIDE, post_id)


async def find_again(tx: Tx, uri: Uri) -> bool:
    """Have a post as it was before it could not be found; say whether it was hidden for that."""
    return await tx.execute(FIND_AGAIN, uri) == "UPDATE 1"
