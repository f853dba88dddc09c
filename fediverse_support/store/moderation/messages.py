"""What somebody wrote to a group's moderators: kept for them, and for nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import ActorId, MessageId
from fediverse_support.domain.richtext import SafeHtml

MOST_WAITING: Final = 50
"""So many messages of one writer wait in one group; nobody fills a moderator's list alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message about to be stored."""

    uri: Uri
    group_id: ActorId
    author_id: ActorId
    warning: str
    body_html: SafeHtml
    language: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that was stored: what an answer needs, and when its writer got the last one."""

    id: MessageId
    group_title: str
    author_name: str
    author_host: Host | None
    answered_at: datetime | None


INSERT: Final = """
with new as (
    insert into group_messages (uri, group_id, author_id, warning, body_html, language, received_at)
    select $1, $2, $3, $4, $5, $6, $7
    where (select count(*) from group_messages
           where author_id = $3 and group_id = $2 and done_at is null) < $8
    on conflict (uri) do nothing
    returning id
)
select new.id, g.title as group_title, a.name as author_name, coalesce(a.handle_host, a.host) as author_host,
       (select max(m.answered_at) from group_messages m
        where m.author_id = $3 and m.group_id = $2) as answered_at
from new, groups g, actors a where g.actor_id = $2 and a.id = $3
"""
ANSWERED: Final = "update group_messages set answered_at = $2 where id = $1"


async def insert(tx: Tx, message: NewMessage, now: datetime) -> Kept | None:
    """Store a message; None where it is here already, or its writer has too many waiting."""
    row = await tx.fetchrow(
        INSERT,
        message.uri,
        message.group_id,
        message.author_id,
        message.warning,
        message.body_html,
        message.language,
        now,
        MOST_WAITING,
    )
    return None if row is None else Kept(**row)


async def note_answer(tx: Tx, message_id: MessageId, now: datetime) -> None:
    """Note that the automatic answer to a message was written."""
    await tx.execute(ANSWERED, message_id, now)


# The same as `list_messages` asks: a group's moderators; our team where the group has none of ours.
FINISH: Final = """
update group_messages m set done_at = $2, done_by = $3
where m.id = $1 and m.done_at is null and may_read_messages(m.group_id, $4, $5)
"""
ERASE_BY_URI: Final = """
delete from group_messages m using actors a where m.uri = $1 and a.uri = $2 and m.author_id = a.id
"""
ERASE_OF: Final = "delete from group_messages where author_id = $1"


async def finish(tx: Tx, message_id: MessageId, person: Person, now: datetime) -> bool:
    """Mark a message as done; False where it is not this person's to read, or done already."""
    done = await tx.execute(FINISH, message_id, now, person.account_id, person.actor_id, person.roles)
    return str(done) == "UPDATE 1"


async def erase_by_uri(tx: Tx, uri: Uri, author: Uri) -> None:
    """Erase a message that its writer took back."""
    await tx.execute(ERASE_BY_URI, uri, author)


async def erase_of(tx: Tx, author_id: ActorId) -> None:
    """Erase everything that somebody who is gone wrote to moderators."""
    await tx.execute(ERASE_OF, author_id)
