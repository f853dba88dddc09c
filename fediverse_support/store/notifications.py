"""What one of our people is told; it never leaves this server."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Notify

INSERT: Final = """
insert into notifications (account_id, kind, actor_id, post_id, created_at) values ($1, $2, $3, $4, $5)
"""


async def insert(tx: Tx, note: Notify, now: datetime) -> None:
    """Store one notification."""
    await tx.execute(INSERT, note.account_id, note.kind, note.actor_id, note.post_id, now)
