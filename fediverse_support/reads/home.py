"""What is new for one member: their groups with the latest conversations, and what concerns only them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain.actors import FollowStanding, GroupKind
from fediverse_support.domain.effects import NotificationKind
from fediverse_support.domain.ids import AccountId, ActorId, PostId
from fediverse_support.domain.posts import PostStanding


@dataclass(frozen=True, slots=True)
class NewConversation:
    """A line under a group: a conversation in which something happened; as `groups.ConversationView`."""

    id: PostId
    title: str
    excerpt: str
    warning: str
    language: str
    author_name: str
    host: Host | None
    published_at: datetime
    standing: PostStanding
    replied_at: datetime | None


@dataclass(frozen=True, slots=True)
class JoinedGroup:
    """A group the member is in, or asked to be in, with at most three conversations."""

    id: ActorId
    uri: Uri
    slug: str
    kind: GroupKind
    title: str
    standing: FollowStanding
    news: tuple[NewConversation, ...]


@dataclass(frozen=True, slots=True)
class AboutYou:
    """Something that concerns only this member; `post_id` leads there while they may read it, and to their
    own post also after a moderator took it out. `words` are the reason a group gave, `ends_at` is when its
    ban is over.

    `follow` is how its actor's follow of this member stands now; a request to join their group has none.
    """

    kind: NotificationKind
    created_at: datetime
    actor_name: str | None
    follow: FollowStanding | None
    post_id: PostId | None
    root_id: PostId | None
    group_slug: str | None
    group_title: str | None
    group_host: Host | None
    words: str
    ends_at: datetime | None


LIST_JOINED: Final = """
select g.actor_id as group_id, b.uri as group_uri, b.name as group_name, b.host as group_host, g.kind,
       g.title as group_title, f.standing as group_standing,
       t.id, t.title, left(t.body_text, 80) as excerpt, t.warning, t.language,
       coalesce(nullif(u.display_name, ''), u.name) as author_name, t.host, t.published_at, t.standing, (
           select r.created_at from posts r
           where r.root_id = t.id and r.id <> t.id and r.standing in ('visible', 'limited')
           order by r.id desc limit 1) as replied_at
from follows f
join groups g on g.actor_id = f.target_id
join actors b on b.id = g.actor_id
left join lateral (
    select c.id from (
        select p.id from posts p
        where p.group_id = g.actor_id and p.parent_id is null and p.parent_uri is null
          and p.active_at > $2 and f.standing = 'accepted'
          and coalesce(p.host, '') not in (select d.domain from domain_rules d where d.severity = 'suspend')
        order by p.active_at desc, p.id desc offset 0) c
    where (select can_see(p, $1) from posts p where p.id = c.id)
    limit 3
) s on true
left join posts t on t.id = s.id
left join actors u on u.id = t.author_id
where f.follower_id = $1 and f.standing in ('accepted', 'pending') and b.standing in ('visible', 'limited')
  and (b.host is null or rule_for(b.host) is distinct from 'suspend')
order by lower(g.title), g.actor_id, t.active_at desc, t.id desc
limit 600
"""


async def list_joined(conn: Conn, viewer_id: ActorId, since: datetime) -> list[JoinedGroup]:
    """Return the member's groups A to Z, each with up to three conversations active since `since`."""
    rows = await conn.fetch(LIST_JOINED, viewer_id, since)
    return [_joined(list(lines)) for _, lines in groupby(rows, key=lambda row: row["group_id"])]


def _joined(rows: Sequence[Any]) -> JoinedGroup:
    first = rows[0]
    fields = tuple(NewConversation.__dataclass_fields__)
    host = first["group_host"]
    return JoinedGroup(
        id=first["group_id"],
        uri=first["group_uri"],
        slug=first["group_name"] if host is None else f"{first['group_name']}@{host}",
        kind=first["kind"],
        title=first["group_title"],
        standing=first["group_standing"],
        news=tuple(NewConversation(**{f: row[f] for f in fields}) for row in rows if row["id"] is not None),
    )


# The latest two hundred are looked through, newest first, until five are found.
LIST_ABOUT_YOU: Final = """
select n.kind, n.created_at, t.*
from (
    select n.* from notifications n where n.account_id = $1 order by n.id desc limit 200
) n cross join lateral (
select coalesce(nullif(u.display_name, ''), u.name) as actor_name, f.standing as follow, p.id as post_id,
       p.root_id, g.name as group_name, g.host as group_host, r.title as group_title, n.words,
       case when n.kind = 'banned' then b.ends_at end as ends_at
from (select 1) one
left join actors u on u.id = n.actor_id
left join follows f on n.kind = 'follow' and f.follower_id = n.actor_id and f.target_id = $2
    and f.standing in ('pending', 'accepted')
left join posts p on p.id = n.post_id and (can_see(p, $2) or (n.kind = 'removed' and can_reread(p, $2)))
left join groups r on r.actor_id = coalesce(p.group_id, n.actor_id)
                  and ((p.id is null and n.kind <> 'removed') or can_see_group(r.actor_id, $2))
left join actors g on g.id = r.actor_id
left join group_bans b on n.kind = 'banned' and b.group_id = n.actor_id and b.actor_id = $2
where n.created_at > $3
  and not exists (select 1 from blocks x where x.blocker_id = n.actor_id and x.blocked_id = $2)
  and (n.kind <> 'joined' or r.approval)
  and (n.kind <> 'held' or p.standing = 'held')
  and (n.kind <> 'follow' or f.id is not null or exists (
    select 1 from follows j join group_moderators m on m.group_id = j.target_id
    where j.follower_id = n.actor_id and j.standing = 'pending' and m.actor_id = $2))
  and (p.id is not null or n.kind not in (
    'mention', 'reply', 'held', 'approved', 'restored', 'locked', 'unlocked', 'not_taken'))
  and (n.kind <> 'banned' or b.group_id is not null)
  and (u.host is null or rule_for(u.host) is distinct from 'suspend')
offset 0) t
limit 5
"""


async def list_about_you(
    conn: Conn, account_id: AccountId, viewer_id: ActorId, since: datetime
) -> list[AboutYou]:
    """Return the latest five things that concern this member since `since`, newest first."""
    found = []
    for row in await conn.fetch(LIST_ABOUT_YOU, account_id, viewer_id, since):
        values = dict(row)
        name, host = values.pop("group_name"), values["group_host"]
        found.append(AboutYou(**values, group_slug=f"{name}@{host}" if host else name))
    return found
