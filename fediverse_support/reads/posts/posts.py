"""Posts as others see them: one, several, and the thread around one. Every SELECT asks `can_see`.

What lies above a post is named only to those who may read it too: no parent, no parent's author, no mention
of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from asyncpg import Record
from msgspec import Struct

from fediverse_support.db.pool import Conn
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.audiences import narrower_kind
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.posts import Audience, PostStanding
from fediverse_support.reads.people import actors
from fediverse_support.reads.people.actors import ActorView

# Each parent is asked about once, however many replies it has.
LOAD: Final = """
with above as materialized (
    select q.id
    from posts q
    cross join can_see_each(
        q.id, q.author_id, q.host, q.group_id, q.written_in, q.audience, q.standing,
        array[$1::bigint]) s (yes)
    where q.id = any (array(select p.parent_id from posts p where p.id = any ($2))) and s.yes
)
select p.id, p.uri, p.url, p.host, p.author_id, p.group_id, p.written_in, p.root_id, p.audience, p.standing,
       p.title, p.body_html, p.body_source, p.body_text, p.warning, p.sensitive, p.language, p.attachments,
       p.published_at, p.edited_at,
       case when p.parent_id in (select q.id from above q) then p.parent_id end as parent_id,
       case when p.parent_id in (select q.id from above q)
            then (select q.author_id from posts q where q.id = p.parent_id) end as parent_author_id,
       p.parent_id is not null or p.parent_uri is not null as is_reply,
       array(select m.actor_id from mentions m
             where m.post_id = p.id and m.actor_id is distinct from p.group_id
               and (m.actor_id = $1 or p.parent_id in (select q.id from above q)
                    or not exists (
                        select 1 from posts h
                        where h.id = p.parent_id and h.author_id = m.actor_id
                          and not can_see(h, array[$1::bigint])))
             order by m.actor_id limit 50) as mentioned,
       exists (select 1 from reactions r
               where r.post_id = p.id and r.actor_id = $1 and r.kind = 'like') as is_liked
from posts p
cross join can_see_each(
    p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing, array[$1::bigint]) s (yes)
where p.id = any ($2) and s.yes
"""

RESOLVE: Final = """
select p.id as post_id, null::bigint as announce_id, null::bigint as actor_id, p.published_at as at
from posts p where p.id = $1 and can_see(p, array[$2::bigint])
union all
select p.id, n.id, n.actor_id, n.announced_at
from announces n join posts p on p.id = n.post_id
where n.id = $1 and n.undone_at is null and can_see(p, array[$2::bigint])
"""

FIND_BY_ADDRESS: Final = """
select p.id from posts p
where (p.uri = $2 or (p.host is not null and p.url = $2)) and can_see(p, array[$1::bigint])
order by p.id limit 1
"""

THREAD: Final = """
select p.id, p.parent_id from posts p
cross join can_see_each(
    p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing, array[$1::bigint]) s (yes)
where p.root_id = (select f.root_id from posts f where f.id = $2 and can_see(f, array[$1::bigint])) and s.yes
order by p.id limit $3
"""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture, sound or film that another server's post points to; it is not copied here."""

    url: str
    media_type: str
    description: str


class PostView(Struct, frozen=True):
    """One post as one viewer may read it. `host` is None for ours; `group` only where it was posted in one.

    `parent_id` and `parent_author_id` are None when there is no parent, and when the viewer may not read it.
    """

    id: PostId
    uri: str
    url: str | None
    host: str | None
    author: ActorView
    group: ActorView | None
    written_in: GroupKind | None
    root_id: PostId
    parent_id: PostId | None
    parent_author_id: ActorId | None
    is_reply: bool
    audience: Audience
    standing: PostStanding
    title: str
    body_html: str
    body_source: str | None
    body_text: str
    warning: str
    sensitive: bool
    language: str
    attachments: tuple[Attachment, ...]
    published_at: datetime
    edited_at: datetime | None
    mentioned: tuple[ActorView, ...]
    is_liked: bool

    @property
    def kind(self) -> GroupKind | None:
        """Who reads in its group, of this post: nobody who could not have then. None outside of groups."""
        now = None if self.group is None else self.group.group_kind
        if now is None or self.written_in is None:
            return self.written_in
        return narrower_kind(self.written_in, now)

    @property
    def starts_thread(self) -> bool:
        """First post of a conversation in a group."""
        return self.group is not None and not self.is_reply


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline: a post, or an announce of it by a group or a person (`by`, with the announce's
    own id and time)."""

    id: int
    post: PostView
    at: datetime
    by: ActorView | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Where a timeline found an entry, before the post itself is loaded."""

    id: int
    post_id: int
    actor_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Around:
    """What stands above and below a post in its thread, as far as the viewer may read it."""

    above: tuple[PostView, ...]
    below: tuple[PostView, ...]


async def load(conn: Conn, ids: Iterable[int], viewer: ActorId | None) -> dict[int, PostView]:
    """Return those of these posts that the viewer may read, in two queries."""
    wanted = list(set(ids))
    rows = await conn.fetch(LOAD, viewer, wanted) if wanted else []
    seen = {row["author_id"] for row in rows} | {row["group_id"] for row in rows if row["group_id"]}
    people = await actors.load(conn, seen.union(*(row["mentioned"] for row in rows)), viewer)
    return {row["id"]: _view(row, people) for row in rows if row["author_id"] in people}


async def find(conn: Conn, post_id: int, viewer: ActorId | None) -> PostView | None:
    """Return this post, or None if it is not there for the viewer."""
    return (await load(conn, (post_id,), viewer)).get(post_id)


async def find_entry(conn: Conn, entry_id: int, viewer: ActorId | None) -> Entry | None:
    """Return the post, or the announce, with this id."""
    found = await conn.fetch(RESOLVE, entry_id, viewer)
    rows = [
        Row(row["announce_id"] or row["post_id"], row["post_id"], row["actor_id"], row["at"]) for row in found
    ]
    return next(iter(await entries(conn, rows, viewer)), None)


async def find_by_address(conn: Conn, address: str, viewer: ActorId | None) -> int | None:
    """Return the row id of the post with this URI, or a remote one with this URL."""
    found: int | None = await conn.fetchval(FIND_BY_ADDRESS, viewer, address)
    return found


async def entries(conn: Conn, rows: Iterable[Row], viewer: ActorId | None) -> list[Entry]:
    """Return the entries of these rows, in their order, without those that vanished meanwhile."""
    rows = tuple(rows)
    posts = await load(conn, (row.post_id for row in rows), viewer)
    known = {post.group.id: post.group for post in posts.values() if post.group is not None}
    others = {row.actor_id for row in rows if row.actor_id is not None and row.actor_id not in known}
    by = known | (await actors.load(conn, others, viewer) if others else {})
    return [
        Entry(row.id, posts[row.post_id], row.at, None if row.actor_id is None else by[row.actor_id])
        for row in rows
        if row.post_id in posts and (row.actor_id is None or row.actor_id in by)
    ]


async def around(
    conn: Conn, post_id: int, viewer: ActorId | None, *, most_above: int, most_below: int, depth: int
) -> Around | None:
    """Return what is above (nearest last) and below (each reply after its parent) a post; None if it is not
    there.

    Below a thread's first post stand also replies whose parent the viewer may not read.
    """
    rows = await conn.fetch(THREAD, viewer, post_id, max(most_below, 4096))
    parents: dict[int, int | None] = {row["id"]: row["parent_id"] for row in rows}
    if post_id not in parents:
        return None
    above: list[int] = []
    step = parents[post_id]
    while step in parents and step not in above and len(above) < most_above:
        above.append(step)
        step = parents[step]
    below = _descend(post_id, parents, most_below, depth)
    posts = await load(conn, [*above, *below], viewer)
    return Around(
        tuple(posts[each] for each in reversed(above) if each in posts),
        tuple(posts[each] for each in below if each in posts),
    )


def _descend(start: int, parents: dict[int, int | None], most: int, depth: int) -> list[int]:
    children: dict[int, list[int]] = {}
    first = min(parents)
    for each, parent in parents.items():
        above = parent if parent in parents else (start if start == first else None)
        if above is not None and each != start:
            children.setdefault(above, []).append(each)
    found: list[int] = []
    waiting = [(each, 1) for each in reversed(children.get(start, ()))]
    while waiting and len(found) < most:
        each, level = waiting.pop()
        found.append(each)
        if level < depth:
            waiting.extend((child, level + 1) for child in reversed(children.get(each, ())))
    return found


def _view(row: Record, people: dict[int, ActorView]) -> PostView:
    values = dict(row)
    author = people[values.pop("author_id")]
    group = people.get(values.pop("group_id"))
    mentioned = tuple([people[each] for each in values.pop("mentioned") if each in people])
    attachments = _attachments(values.pop("attachments"))
    return PostView(author=author, group=group, mentioned=mentioned, attachments=attachments, **values)


def _attachments(text: str) -> tuple[Attachment, ...]:
    listed = () if text == "[]" else msgspec.json.decode(text)
    return tuple(
        Attachment(each["url"], each.get("media_type") or "", each.get("alt") or "")
        for each in listed
        if isinstance(each, dict) and isinstance(each.get("url"), str)
    )
