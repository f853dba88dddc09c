"""What one of our people is told; it never leaves this server."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import NotificationKind, Notify
from fediverse_support.domain.ids import PostId

INSERT: Final = """
insert into notifications (account_id, kind, actor_id, post_id, created_at) values ($1, $2, $3, $4, $5)
"""

TELL_AUTHOR: Final = """
insert into notifications (account_id, kind, post_id, created_at)
select a.account_id, $2, p.id, $3
from posts p join actors a on a.id = p.author_id where p.id = $1 and a.account_id is not null
"""


async def insert(tx: Tx, note: Notify, now: datetime) -> None:
    """Store one notification."""
    await tx.execute(INSERT, note.account_id, note.kind, note.actor_id, note.post_id, now)


async def tell_author(tx: Tx, kind: NotificationKind, post_id: PostId, now: datetime) -> None:
    """Tell the author of a post about it; nobody, if they are of another server."""
    await tx.execute(TELL_AUTHOR, post_id, kind, now)
