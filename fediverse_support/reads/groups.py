"""Groups as pages show them: the directory, one group, and its conversations. Nobody is counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain import files
from fediverse_support.domain.actors import FollowStanding, GroupKind
from fediverse_support.domain.files import File
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.posts import PostStanding
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.reads.viewer import Readers

PAGE: Final = 20


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group for one viewer. `copies_to` is how many other servers get copies; it is only known for a
    circle.
    """

    id: ActorId
    uri: Uri
    host: Host | None
    name: str
    kind: GroupKind
    title: str
    summary_html: SafeHtml
    language: str
    approval: bool
    posting_restricted: bool
    is_readable: bool
    standing: FollowStanding | None
    is_moderator: bool
    is_banned: bool
    moderator_names: list[str]
    moderator_ids: list[ActorId]
    copies_to: int

    @property
    def is_local(self) -> bool:
        """Hosted here."""
        return self.host is None

    @property
    def is_member(self) -> bool:
        """The viewer takes part."""
        return self.standing == "accepted"

    @property
    def is_waiting(self) -> bool:
        """The viewer asked to join."""
        return self.standing == "pending"

    @property
    def slug(self) -> str:
        """The name in this group's address."""
        return self.name if self.host is None else f"{self.name}@{self.host}"


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group in the directory."""

    id: ActorId
    uri: Uri
    name: str
    kind: GroupKind
    title: str
    summary_html: SafeHtml
    standing: FollowStanding | None


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation in a list: its title and how it begins.

    `active_at` is what it is sorted by; `replied_at` is when the last reply that others see came, None
    without one. One that is `held` is shown to its author alone.
    """

    id: PostId
    title: str
    excerpt: str
    warning: str
    language: str
    author_name: str
    host: Host | None
    published_at: datetime
    active_at: datetime
    standing: PostStanding
    replied_at: datetime | None
    is_covered: bool
    first_file: str | None

    @property
    def only_file(self) -> File | None:
        """What it is called by where it has no words."""
        return files.read_one(self.first_file)


FIND_GROUP: Final = """
select g.actor_id as id, a.uri, a.host, a.name, g.kind, g.title, a.summary_html, g.language, g.approval,
       g.posting_restricted, can_see_group(g.actor_id, $2) as is_readable, f.standing,
       any_moderates(g.actor_id, $2) as is_moderator,
       exists (select 1 from group_bans b
               where b.group_id = g.actor_id and b.actor_id = any ($2)
                 and (b.ends_at is null or b.ends_at > $4)) as is_banned,
       array(select name_shown(p.display_name, p.name)
             from group_moderators m join actors p on p.id = m.actor_id
             where m.group_id = g.actor_id order by m.since_at, p.id) as moderator_names,
       array(select m.actor_id from group_moderators m where m.group_id = g.actor_id) as moderator_ids,
       case when g.kind <> 'circle' then 0 else (
           select count(distinct p.host) from follows o join actors p on p.id = o.follower_id
           where o.target_id = g.actor_id and o.standing = 'accepted' and p.host is not null) end as copies_to
from groups g
join actors a on a.id = g.actor_id
left join lateral (
    select x.standing from follows x where x.follower_id = any ($2) and x.target_id = g.actor_id
    order by x.standing = 'accepted' desc, x.standing = 'pending' desc, x.id limit 1) f on true
where a.id = coalesce(
        (select n.actor_id from names n where n.name = $1 and $3::text is null),
        (select r.id from actors r where lower(r.name) = $1 and r.handle_host = $3 and r.kind = 'group'
         and r.host is not null limit 1))
  and a.standing in ('visible', 'limited')
  and not is_cut_off(a.host)
"""


async def find_group(conn: Conn, slug: str, readers: Readers, now: datetime) -> GroupView | None:
    """Return the group with this name (`name` for ours, `name@host` for one elsewhere), readable or not."""
    name, _, host = slug.lower().partition("@")
    row = await conn.fetchrow(FIND_GROUP, name, readers, host or None, now)
    return None if row is None else GroupView(**row)


LIST_GROUPS: Final = """
select g.actor_id as id, a.uri, a.name, g.kind, g.title, a.summary_html,
       (select f.standing from follows f where f.follower_id = any ($1) and f.target_id = g.actor_id
        order by f.standing = 'accepted' desc, f.standing = 'pending' desc, f.id limit 1) as standing
from actors a
join groups g on g.actor_id = a.id
where a.kind = 'group' and a.host is null and a.standing in ('visible', 'limited')
  and (select s.yes from can_see_group_each(g.actor_id, $1) s (yes))
order by lower(g.title), g.actor_id
limit 200
"""


async def list_groups(conn: Conn, readers: Readers) -> list[ListedGroup]:
    """Return the groups here that this viewer may read, A to Z."""
    return [ListedGroup(**row) for row in await conn.fetch(LIST_GROUPS, readers)]


# Those of a suspended server are passed by in the index; the others are asked about until a page is full.
LIST_CONVERSATIONS: Final = """
select p.id, p.title, left(p.body_text, 240) as excerpt, p.warning, p.language,
       name_shown(a.display_name, a.name) as author_name, p.host, p.published_at, p.active_at,
       p.standing, (
           select r.created_at from posts r
           where r.root_id = p.id and r.id <> p.id and r.standing in ('visible', 'limited')
             and (r.written_in = p.written_in or r.written_in is not null and can_see(r, $2))
           order by r.id desc limit 1) as replied_at,
       p.warning <> '' or p.sensitive as is_covered,
       case when p.body_text = '' then p.attachments -> 0 end as first_file
from (
    select c.id from (
        select p.id from posts p
        where p.group_id = $1 and p.parent_id is null and p.parent_uri is null
          and (p.active_at, p.id) < ($3, $4)
          and coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
        order by p.active_at desc, p.id desc offset 0) c
    where (select v.yes from can_see_post_each(c.id, $2) v (yes))
    limit 21) s
join posts p on p.id = s.id
join actors a on a.id = p.author_id
order by p.active_at desc, p.id desc
"""


async def list_conversations(
    conn: Conn, group_id: ActorId, readers: Readers, before: tuple[datetime, int]
) -> list[ConversationView]:
    """Return up to `PAGE` + 1 conversations older than `before` (last activity, id), latest reply first."""
    rows = await conn.fetch(LIST_CONVERSATIONS, group_id, readers, *before)
    return [ConversationView(**row) for row in rows]
