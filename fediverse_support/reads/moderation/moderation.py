"""What waits for a moderator: held posts, reports, and people who ask to join.

`can_see` hides a held post from everybody but its author. The lists here ask `may_moderate` instead, as the
actions behind the buttons do again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn
from fediverse_support.db.rows import only
from fediverse_support.domain import files
from fediverse_support.domain.actors import GroupKind, Person
from fediverse_support.domain.files import File
from fediverse_support.domain.ids import AccountId, ActorId, FollowId, MessageId, PostId, ReportId
from fediverse_support.domain.moderation import ReportReason
from fediverse_support.domain.posts import PostStanding
from fediverse_support.domain.richtext import SafeHtml


@dataclass(frozen=True, slots=True)
class HeldPost:
    """A post that waits; `answers` is the title or beginning of the conversation it belongs to.

    `may_appear` is False where its author may not write there now, or what it answers is gone.
    """

    id: PostId
    group_title: str | None
    author_name: str
    author_uri: Uri
    host: Host | None
    title: str
    body_html: SafeHtml
    warning: str
    language: str
    word_count: int
    answers: str | None
    may_appear: bool
    created_at: datetime
    is_covered: bool
    attachments: str

    @property
    def files(self) -> tuple[File, ...]:
        """What stands beside its words."""
        return files.read(self.attachments)


@dataclass(frozen=True, slots=True)
class ReportedPost:
    """A post named in a report."""

    id: PostId
    root_id: PostId
    group_slug: str | None
    author_name: str
    host: Host | None
    standing: PostStanding
    title: str
    body_html: SafeHtml
    warning: str
    language: str
    is_covered: bool
    attachments: str

    @property
    def files(self) -> tuple[File, ...]:
        """What stands beside its words."""
        return files.read(self.attachments)


@dataclass(frozen=True, slots=True)
class OpenReport:
    """A report nobody has closed. Who sent it is not shown; `from_host` is the server it came from, if not
    ours.
    """

    id: ReportId
    reason: ReportReason
    body: str
    from_host: Host | None
    group_title: str | None
    target_name: str | None
    target_host: Host | None
    created_at: datetime
    post_ids: list[PostId]


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody elsewhere wrote to a group's moderators; `handle` is where an answer reaches them."""

    id: MessageId
    group_title: str
    author_name: str
    handle: str
    warning: str
    body_html: SafeHtml
    language: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who asks to join a group."""

    id: FollowId
    group_title: str
    name: str
    uri: Uri
    host: Host | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ModeratedGroup:
    """A group in the reader's care."""

    id: ActorId
    name: str
    title: str
    kind: GroupKind


# Each group in the reader's care is read by itself, up to a page; our team goes through all that waits.
LIST_HELD: Final = """
select p.id, g.title as group_title, name_shown(a.display_name, a.name) as author_name,
       a.uri as author_uri, p.host, p.title, p.body_html, p.warning, p.language,
       coalesce(array_length(regexp_split_to_array(btrim(p.body_text), '\\s+'), 1), 0) as word_count,
       case when can_see(r, array[p.author_id]) and r.id <> p.id
            then coalesce(nullif(r.title, ''), left(r.body_text, 80)) end as answers,
       may_appear(p, $3) as may_appear, p.created_at,
       p.warning <> '' or p.sensitive as is_covered, p.attachments
from (
    select t.id from (
        select t.id from group_moderators m cross join lateral (
            select p.id from posts p
            where p.standing = 'held' and p.group_id = m.group_id
              and not is_cut_off(p.host)
            order by p.id limit 50) t
        where m.actor_id = $1
        union
        (select p.id from (
            select p.id, p.group_id, p.host from posts p
            where role_may($2, 'moderate') and p.standing = 'held' order by p.id offset 0) p
         where may_moderate(p.group_id, $1, $2)
           and not is_cut_off(p.host)
         limit 50)) t
    order by t.id limit 50) s
join posts p on p.id = s.id
join actors a on a.id = p.author_id
left join groups g on g.actor_id = p.group_id
left join posts r on r.id = p.root_id
order by p.id
"""


async def list_held(conn: Conn, person: Person, now: datetime) -> list[HeldPost]:
    """Return up to fifty posts that wait in groups this person moderates, longest wait first."""
    rows = await conn.fetch(LIST_HELD, person.actor_id, person.roles, now)
    return [HeldPost(**row) for row in rows]


LIST_REPORTS: Final = """
select r.id, r.reason, r.body, r.from_host, r.post_ids, r.created_at, g.title as group_title,
       name_shown(t.display_name, t.name) as target_name, t.host as target_host
from (
    select t.id from (
        select t.id from group_moderators m cross join lateral (
            select r.id from reports r
            where r.standing = 'open' and r.group_id = m.group_id order by r.id limit 50) t
        where m.actor_id = $1
        union
        (select r.id from (
            select r.id, r.group_id from reports r
            where role_may($2, 'moderate') and r.standing = 'open' order by r.id offset 0) r
         where may_moderate(r.group_id, $1, $2)
         limit 50)) t
    order by t.id limit 50) s
join reports r on r.id = s.id
left join groups g on g.actor_id = r.group_id
left join actors t on t.id = r.target_id
order by r.id
"""


async def list_reports(conn: Conn, person: Person) -> list[OpenReport]:
    """Return up to fifty open reports for groups this person moderates, longest wait first."""
    return [OpenReport(**row) for row in await conn.fetch(LIST_REPORTS, person.actor_id, person.roles)]


LIST_REPORTED: Final = """
select p.id, p.root_id, case when b.host is null then b.name else b.name || '@' || b.host end as group_slug,
       name_shown(a.display_name, a.name) as author_name, p.host, p.standing,
       p.title, p.body_html, p.warning, p.language,
       p.warning <> '' or p.sensitive as is_covered, p.attachments
from posts p
join actors a on a.id = p.author_id
left join actors b on b.id = p.group_id
where p.id = any ($3) and p.standing <> 'deleted'
  and (may_moderate(p.group_id, $1, $2) or can_see(p, array[$1::bigint]))
order by p.id
limit 200
"""


async def list_reported(conn: Conn, person: Person, post_ids: Sequence[PostId]) -> list[ReportedPost]:
    """Return the reported posts among `post_ids` that this person may judge."""
    if not post_ids:
        return []
    rows = await conn.fetch(LIST_REPORTED, person.actor_id, person.roles, list(post_ids))
    return [ReportedPost(**row) for row in rows]


LIST_MESSAGES: Final = """
select m.id, g.title as group_title, name_shown(a.display_name, a.name) as author_name,
       a.name || coalesce('@' || coalesce(a.handle_host, a.host), '') as handle, m.warning, m.body_html,
       m.language, m.received_at
from group_messages m
join groups g on g.actor_id = m.group_id
join actors a on a.id = m.author_id
where m.done_at is null and may_read_messages(m.group_id, $1, $2)
  and not is_cut_off(a.host)
order by m.id
limit 50
"""


async def list_messages(conn: Conn, person: Person) -> list[Message]:
    """Return up to fifty messages to groups this person moderates that are not done, oldest first."""
    return [Message(**row) for row in await conn.fetch(LIST_MESSAGES, person.actor_id, person.roles)]


LIST_ASKING: Final = """
select f.id, f.created_at, g.title as group_title,
       name_shown(a.display_name, a.name) as name, a.uri, a.host
from (
    select t.id from group_moderators m join actors b on b.id = m.group_id cross join lateral (
        select f.id from follows f
        where f.standing = 'pending' and f.target_id = m.group_id
          and (select not is_cut_off(a.host)
               from actors a where a.id = f.follower_id)
        order by f.id limit 100) t
    where m.actor_id = $1 and b.host is null
    order by t.id limit 100) s
join follows f on f.id = s.id
join groups g on g.actor_id = f.target_id
join actors a on a.id = f.follower_id
order by f.id
"""


async def list_asking(conn: Conn, person: Person) -> list[Asking]:
    """Return people who ask to join groups this person moderates, longest wait first."""
    return [Asking(**row) for row in await conn.fetch(LIST_ASKING, person.actor_id)]


LIST_MODERATED: Final = """
select g.actor_id as id, a.name, g.title, g.kind
from group_moderators m
join groups g on g.actor_id = m.group_id
join actors a on a.id = g.actor_id
where m.actor_id = $1 and a.host is null and a.standing in ('visible', 'limited')
order by lower(g.title), g.actor_id
"""


async def list_moderated(conn: Conn, actor_id: ActorId) -> list[ModeratedGroup]:
    """Return the groups here that this person moderates, A to Z."""
    return [ModeratedGroup(**row) for row in await conn.fetch(LIST_MODERATED, actor_id)]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who asks for an account here."""

    id: AccountId
    name: str
    created_at: datetime


LIST_NEWCOMERS: Final = """
select c.id, c.name, c.created_at from accounts c where c.standing = 'pending' and role_may($1, 'admit')
order by c.id limit 100
"""


async def list_newcomers(conn: Conn, person: Person) -> list[Newcomer]:
    """Return the people who ask for an account, longest wait first; nothing for whoever admits nobody."""
    return [Newcomer(**row) for row in await conn.fetch(LIST_NEWCOMERS, person.roles)]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether something waits for a moderator, of each sort; nobody counts it."""

    posts: bool
    reports: bool
    messages: bool
    people: bool

    @property
    def is_any(self) -> bool:
        """Something waits, of whatever sort."""
        return self.posts or self.reports or self.messages or self.people


# Asked as the lists above ask, and each ends at the first that is found.
FIND_WAITING: Final = """
select
    exists (
        select 1 from group_moderators m cross join lateral (
            select 1 from posts p
            where p.standing = 'held' and p.group_id = m.group_id
              and not is_cut_off(p.host) limit 1) t
        where m.actor_id = $1)
    or role_may($2, 'moderate') and exists (
        select 1 from (
            select p.group_id, p.host from posts p where p.standing = 'held' order by p.id offset 0) p
        where may_moderate(p.group_id, $1, $2)
          and not is_cut_off(p.host)) as posts,
    exists (
        select 1 from group_moderators m cross join lateral (
            select 1 from reports r where r.standing = 'open' and r.group_id = m.group_id limit 1) t
        where m.actor_id = $1)
    or role_may($2, 'moderate') and exists (
        select 1 from (
            select r.group_id from reports r where r.standing = 'open' order by r.id offset 0) r
        where may_moderate(r.group_id, $1, $2)) as reports,
    exists (
        select 1 from group_messages m join actors a on a.id = m.author_id
        where m.done_at is null and may_read_messages(m.group_id, $1, $2)
          and not is_cut_off(a.host)) as messages,
    exists (
        select 1 from group_moderators m join actors b on b.id = m.group_id cross join lateral (
            select 1 from follows f
            where f.standing = 'pending' and f.target_id = m.group_id
              and (select not is_cut_off(a.host)
                   from actors a where a.id = f.follower_id) limit 1) t
        where m.actor_id = $1 and b.host is null)
    or role_may($2, 'admit') and exists (select 1 from accounts c where c.standing = 'pending') as people
"""


async def find_waiting(conn: Conn, person: Person) -> Waiting:
    """Say what waits for this person as a moderator, as the lists above would show it."""
    return Waiting(**only(await conn.fetchrow(FIND_WAITING, person.actor_id, person.roles)))
