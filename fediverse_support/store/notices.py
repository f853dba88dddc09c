"""What one of our people is told; it never leaves this server."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Notify

INSERT: Final = """
insert into notifications (account_id, person_id, kind, actor_id, post_id, words, created_at)
select a.account_id, a.id, $2, $3, $4, $5, $6
from actors a
where a.id = $1 and a.account_id is not null and ($2 <> 'liked' or not exists (
    select 1 from blocks b
    where b.blocker_id = $3 and b.blocked_id = $1 or b.blocker_id = $1 and b.blocked_id = $3))
on conflict (person_id, actor_id, post_id) where kind = 'liked' do nothing
"""


async def insert(tx: Tx, note: Notify, now: datetime) -> None:
    """Store one notification; nobody is told of it but who looks.

    That somebody liked a post is told once, however often they do, and not where one of the two blocks the
    other.
    """
    await tx.execute(INSERT, note.person_id, note.kind, note.actor_id, note.post_id, note.words, now)


# Only the group's own server decides whether a post is in its group; told once, whatever else it refuses.
TELL_NOT_TAKEN: Final = """
insert into notifications (account_id, person_id, kind, actor_id, post_id, created_at)
select a.account_id, a.id, 'not_taken', g.id, p.id, $2
from deliveries d
join activities x on x.id = d.activity_id and x.verb = 'Create'
join posts p on p.id = d.post_id and p.author_id = d.sender_id and p.standing in ('visible', 'limited')
join actors a on a.id = p.author_id and a.account_id is not null
join actors g on g.id = p.group_id and g.host = d.host
where d.id = $1 and not exists (
    select 1 from notifications n
    where n.account_id = a.account_id and n.post_id = p.id and n.kind = 'not_taken')
"""


async def tell_not_taken(tx: Tx, delivery_id: int, now: datetime) -> None:
    """Tell the author of a post that the server of its group did not take it, if that is what was sent."""
    await tx.execute(TELL_NOT_TAKEN, delivery_id, now)
