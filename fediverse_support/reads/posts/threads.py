"""Conversations as pages show them: a first post and its replies, flat, in the order they arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import Struct

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain import files
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.files import File
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.posts import Audience, PostStanding
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.reads.viewer import Readers

PAGE: Final = 30


class PostView(Struct, frozen=True):
    """A post for one viewer. When they may not read it, `is_visible` is False and every text is empty.

    `is_kept` says that a moderator took it out and that the viewer, its author, still has the words; then
    `is_visible` is False too, so that nothing can be done with it but what is meant for that. `body_source`
    is what was typed, and only its author gets it. `is_covered`: it opens with a click, because its author
    put a content note before it or marked it as sensitive.
    """

    id: PostId
    uri: Uri
    root_id: PostId
    parent_id: PostId | None
    group_id: ActorId | None
    written_in: GroupKind | None
    author_id: ActorId
    author_uri: Uri
    author_name: str
    host: Host | None
    audience: Audience
    standing: PostStanding
    is_visible: bool
    is_kept: bool
    title: str
    body_html: SafeHtml
    body_source: str | None
    excerpt: str
    warning: str
    is_covered: bool
    attachments: str
    language: str
    is_locked: bool
    published_at: datetime
    edited_at: datetime | None
    group_name: str | None = None
    group_host: Host | None = None

    @property
    def files(self) -> tuple[File, ...]:
        """What stands beside its words."""
        return files.read(self.attachments)

    @property
    def is_root(self) -> bool:
        """Opens a conversation."""
        return self.id == self.root_id

    @property
    def group_slug(self) -> str | None:
        """The name in its group's address, or None outside of groups."""
        return self.group_name if self.group_host is None else f"{self.group_name}@{self.group_host}"


FIND_POST: Final = """
select p.id, p.uri, p.root_id, p.parent_id, p.group_id, p.written_in, p.author_id, a.uri as author_uri,
       name_shown(a.display_name, a.name) as author_name, p.host, p.audience, p.standing,
       v.yes as is_visible, v.kept as is_kept,
       case when v.yes or v.kept then p.title else '' end as title,
       case when v.yes or v.kept then p.body_html else '' end as body_html,
       case when (v.yes or v.kept) and p.author_id = any ($2) then p.body_source end as body_source,
       case when v.yes or v.kept then left(p.body_text, 240) else '' end as excerpt,
       case when v.yes or v.kept then p.warning else '' end as warning,
       (v.yes or v.kept) and (p.warning <> '' or p.sensitive) as is_covered,
       case when v.yes or v.kept then p.attachments else '[]' end as attachments,
       p.language, p.is_locked, p.published_at, p.edited_at, g.name as group_name, g.host as group_host
from posts p
cross join lateral (
    select s.yes, can_reread(p, $2) as kept
    from can_see_each(
        p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing, $2) s (yes) offset 0) v
join actors a on a.id = p.author_id
left join actors g on g.id = p.group_id
where p.id = $1
"""


async def find_post(conn: Conn, post_id: PostId, readers: Readers) -> PostView | None:
    """Return a post with what this viewer may read of it; None when there is no such row at all."""
    row = await conn.fetchrow(FIND_POST, post_id, readers)
    return None if row is None else PostView(**row)


# A removed reply keeps its place as one sentence, so that answers to it still make sense; not for somebody
# who may not read the group any more, and finds only their own words.
# `offset 0` lets each post be asked about once, and not for every column that depends on the answer.
LIST_REPLIES: Final = """
select p.id, p.uri, p.root_id, p.parent_id, p.group_id, p.written_in, p.author_id, a.uri as author_uri,
       name_shown(a.display_name, a.name) as author_name, p.host, p.audience, p.standing,
       v.yes as is_visible, v.kept as is_kept,
       case when v.yes or v.kept then p.title else '' end as title,
       case when v.yes or v.kept then p.body_html else '' end as body_html,
       null as body_source,
       case when v.yes or v.kept then left(p.body_text, 60) else '' end as excerpt,
       case when v.yes or v.kept then p.warning else '' end as warning,
       (v.yes or v.kept) and (p.warning <> '' or p.sensitive) as is_covered,
       case when v.yes or v.kept then p.attachments else '[]' end as attachments,
       p.language, p.is_locked, p.published_at, p.edited_at
from posts p
cross join lateral (
    select s.yes, can_reread(p, $2) as kept
    from can_see_each(
        p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing, $2) s (yes) offset 0) v
join actors a on a.id = p.author_id
where p.root_id = $1 and p.id > $3 and p.id <> $1
  and (v.yes or v.kept or (p.standing = 'removed' and (
      p.group_id is null or can_see_in_group(p.group_id, p.written_in, $2))))
order by p.id
limit 31
"""


async def list_replies(conn: Conn, root_id: PostId, readers: Readers, after: int) -> list[PostView]:
    """Return up to `PAGE` + 1 replies that came after the row `after`, in the order they arrived."""
    return [PostView(**row) for row in await conn.fetch(LIST_REPLIES, root_id, readers, after)]


LIST_BEFORE: Final = """
select p.id from posts p
cross join can_see_each(
    p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing, $2) v (yes)
where p.root_id = $1 and p.id < $3 and p.id <> $1
  and (v.yes or can_reread(p, $2)
       or (p.standing = 'removed' and (
           p.group_id is null or can_see_in_group(p.group_id, p.written_in, $2))))
order by p.id desc
limit 31
"""


async def list_before(conn: Conn, root_id: PostId, readers: Readers, before: int) -> list[int]:
    """Return the ids of up to `PAGE` + 1 replies that come before the row `before`, the nearest first."""
    return [row["id"] for row in await conn.fetch(LIST_BEFORE, root_id, readers, before)]


@dataclass(frozen=True, slots=True)
class QuotedView:
    """A post that a reply answers, as far as one line shows it: without any word where it `is_gone`."""

    id: PostId
    standing: PostStanding
    is_locked: bool
    is_gone: bool
    author_name: str
    excerpt: str
    warning: str
    is_covered: bool


LIST_QUOTED: Final = """
select p.id, p.standing, p.is_locked, not v.yes as is_gone,
       case when v.yes then name_shown(a.display_name, a.name) else '' end as author_name,
       case when v.yes then left(p.body_text, 60) else '' end as excerpt,
       case when v.yes then p.warning else '' end as warning,
       v.yes and (p.warning <> '' or p.sensitive) as is_covered
from posts p
cross join lateral (
    select s.yes
    from can_see_each(
        p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing, $2) s (yes) offset 0) v
join actors a on a.id = p.author_id
where p.id = any ($1) and (v.yes or p.standing in ('removed', 'deleted'))
"""


async def list_quoted(conn: Conn, post_ids: Sequence[PostId], readers: Readers) -> dict[PostId, QuotedView]:
    """Return those of the posts that this viewer may read, and without words those that are gone, by id."""
    rows = await conn.fetch(LIST_QUOTED, list(post_ids), readers) if post_ids else []
    return {row["id"]: QuotedView(**row) for row in rows}


@dataclass(frozen=True, slots=True)
class PauseView:
    """Why a conversation is paused, in published words; `host` is where the group is that decided."""

    reason: str
    host: Host | None


FIND_PAUSE: Final = """
select u.reason, g.host from pauses u left join actors g on g.id = u.by_id where u.post_id = $1
"""


async def find_pause(conn: Conn, root_id: PostId) -> PauseView | None:
    """Return why a conversation is paused; None where nothing was said about it."""
    row = await conn.fetchrow(FIND_PAUSE, root_id)
    return None if row is None else PauseView(**row)


LIST_DECIDERS: Final = """
select r.post_id, g.host from removals r join actors g on g.id = r.by_id where r.post_id = any ($1)
"""


async def list_deciders(conn: Conn, post_ids: Sequence[PostId]) -> dict[PostId, Host]:
    """Return the servers of the groups elsewhere that took these posts out, by post."""
    rows = await conn.fetch(LIST_DECIDERS, list(post_ids)) if post_ids else []
    return {row["post_id"]: row["host"] for row in rows if row["host"] is not None}


HAS_OWN: Final = """
select exists (
    select 1 from posts p
    where p.root_id = $1 and p.author_id = any ($2) and (can_see(p, $2) or can_reread(p, $2)))
"""


async def has_own(conn: Conn, root_id: PostId, readers: Readers) -> bool:
    """Say whether this viewer still has words of their own in a conversation."""
    return bool(await conn.fetchval(HAS_OWN, root_id, readers))


@dataclass(frozen=True, slots=True)
class CopiesView:
    """Copies of a deleted post: servers asked to delete, and those that have not answered yet."""

    asked: int
    unanswered: int
    federates: bool

    @property
    def answered(self) -> int:
        """Servers that took the request."""
        return self.asked - self.unanswered


FIND_COPIES: Final = """
select (select count(distinct n) from copies c, host_numbers(c.hosts) n where c.post_id = p.id) as asked,
       (select count(distinct d.host) from deliveries d where d.post_id = p.id) as unanswered,
       in_the_open(p.group_id, p.written_in)
           or (select a.host from actors a where a.id = p.group_id) is not null as federates
from posts p
where p.id = $1 and p.author_id = any ($2) and p.standing = 'deleted' and not can_see(p, $2)
"""


async def find_copies(conn: Conn, post_id: PostId, readers: Readers) -> CopiesView | None:
    """Return where copies of a post they deleted went; None when it is not theirs or not deleted."""
    row = await conn.fetchrow(FIND_COPIES, post_id, readers)
    return (
        None
        if row is None
        else CopiesView(row["asked"], min(row["unanswered"], row["asked"]), row["federates"])
    )
