"""What is new for one member: their groups with the latest conversations, and what concerns only them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from asyncpg import Record

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain import files
from fediverse_support.domain.actors import FollowStanding, GroupKind
from fediverse_support.domain.effects import NotificationKind
from fediverse_support.domain.files import File
from fediverse_support.domain.ids import AccountId, ActorId, PostId
from fediverse_support.domain.posts import PostStanding
from fediverse_support.reads.viewer import Readers

DECISIONS: Final[tuple[NotificationKind, ...]] = (
    "joined", "declined", "held", "approved", "removed", "restored", "locked", "unlocked", "banned",
    "unbanned", "not_taken", "message",
)  # fmt: skip
"""What was decided about somebody or waits for them; answers never push it out."""
ANSWERS: Final[tuple[NotificationKind, ...]] = ("mention", "reply", "follow")
LIKES: Final[tuple[NotificationKind, ...]] = ("liked",)
"""However many there are, they push out no answer."""
MOST_DECISIONS: Final = 20
MOST_ANSWERS: Final = 5
MOST_LIKES: Final = 3
MOST_NEWS: Final = 3
PAGE: Final = 20
NEWEST: Final = 2**63 - 1


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
    is_covered: bool
    first_file: str | None

    @property
    def only_file(self) -> File | None:
        """What it is called by where it has no words."""
        return files.read_one(self.first_file)


@dataclass(frozen=True, slots=True)
class JoinedGroup:
    """A group the member is in, or asked to be in, with at most `MOST_NEWS` conversations."""

    id: ActorId
    uri: Uri
    slug: str
    host: Host | None
    kind: GroupKind
    title: str
    standing: FollowStanding
    news: tuple[NewConversation, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class AboutYou:
    """Something that concerns only this member; `post_id` leads there while they may read it, and to their
    own post also after a moderator took it out. `words` are the reason a group gave, `ends_at` is when its
    ban is over.

    `follow` is how its actor's follow of this member stands now; a request to join their group has none.
    """

    id: int
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
       name_shown(u.display_name, u.name) as author_name, t.host, t.published_at, t.standing, (
           select r.created_at from posts r
           where r.root_id = t.id and r.id <> t.id and r.standing in ('visible', 'limited')
             and (r.written_in = t.written_in or r.written_in is not null and can_see(r, $1))
           order by r.id desc limit 1) as replied_at,
       t.warning <> '' or t.sensitive as is_covered,
       case when t.body_text = '' then t.attachments -> 0 end as first_file
from (
    select distinct on (x.target_id) x.target_id, x.standing from follows x
    where x.follower_id = any ($1) and x.standing in ('accepted', 'pending')
    order by x.target_id, x.standing) f
join groups g on g.actor_id = f.target_id
join actors b on b.id = g.actor_id
left join lateral (
    select c.id from (
        select p.id from posts p
        where p.group_id = g.actor_id and p.parent_id is null and p.parent_uri is null
          and p.active_at > $2 and f.standing = 'accepted'
          and coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
        order by p.active_at desc, p.id desc offset 0) c
    where (select v.yes from can_see_post_each(c.id, $1) v (yes))
    limit 4
) s on true
left join posts t on t.id = s.id
left join actors u on u.id = t.author_id
where b.standing in ('visible', 'limited')
  and not is_cut_off(b.host)
order by lower(g.title), g.actor_id, t.active_at desc, t.id desc
limit 800
"""


async def list_joined(conn: Conn, readers: Readers, since: datetime) -> list[JoinedGroup]:
    """Return the member's groups A to Z, each with what was active since `since`."""
    rows = await conn.fetch(LIST_JOINED, readers, since)
    return [_joined(list(lines)) for _, lines in groupby(rows, key=lambda row: row["group_id"])]


def _joined(rows: Sequence[Record]) -> JoinedGroup:
    first = rows[0]
    fields = tuple(NewConversation.__dataclass_fields__)
    host = first["group_host"]
    news = [NewConversation(**{f: row[f] for f in fields}) for row in rows if row["id"] is not None]
    return JoinedGroup(
        id=first["group_id"],
        uri=first["group_uri"],
        slug=first["group_name"] if host is None else f"{first['group_name']}@{host}",
        host=host,
        kind=first["kind"],
        title=first["group_title"],
        standing=first["group_standing"],
        news=tuple(news[:MOST_NEWS]),
        has_more=len(news) > MOST_NEWS,
    )


# Each lot of kinds is found for itself: the latest two hundred are looked through, newest first, until it is
# full.
LIST_ABOUT_YOU: Final = """
select s.* from unnest($4::text[], $5::int[]) with ordinality l (kinds, most, place) cross join lateral (
select n.id, n.kind, n.created_at, t.*
from (
    select m.* from unnest(string_to_array(l.kinds, ' ')) k cross join lateral (
        select n.* from notifications n
        where n.account_id = $1 and n.kind = k and n.id < $6 order by n.id desc limit 200) m
    order by m.id desc limit 200
) n cross join lateral (
select name_shown(u.display_name, u.name) as actor_name, f.standing as follow, p.id as post_id,
       p.root_id, g.name as group_name, g.host as group_host, r.title as group_title, n.words,
       case when n.kind = 'banned' then b.ends_at end as ends_at
from (select 1) one
left join actors u on u.id = n.actor_id
left join follows f on n.kind = 'follow' and f.follower_id = n.actor_id and f.target_id = n.person_id
    and f.standing in ('pending', 'accepted')
left join posts p on p.id = n.post_id and (can_see(p, $2) or (n.kind = 'removed' and can_reread(p, $2)))
left join groups r on r.actor_id = coalesce(p.group_id, n.actor_id)
                  and ((p.id is null and n.kind <> 'removed') or can_see_group(r.actor_id, $2))
left join actors g on g.id = r.actor_id
left join group_bans b on n.kind = 'banned' and b.group_id = n.actor_id and b.actor_id = n.person_id
where n.created_at > $3
  and not exists (select 1 from blocks x where x.blocker_id = n.actor_id and x.blocked_id = n.person_id)
  and (n.kind <> 'joined' or r.approval)
  and (n.kind <> 'held' or p.standing = 'held')
  and (n.kind <> 'follow' or f.id is not null or exists (
    select 1 from follows j
    where j.follower_id = n.actor_id and j.standing = 'pending' and any_moderates(j.target_id, $2)))
  and (p.id is not null or n.kind not in (
    'mention', 'reply', 'liked', 'held', 'approved', 'restored', 'locked', 'unlocked', 'not_taken'))
  and (n.kind <> 'liked' or u.standing in ('visible', 'limited') and exists (
    select 1 from reactions x where x.actor_uri = u.uri and x.post_id = n.post_id and x.kind = 'like'))
  and (n.kind <> 'banned' or b.group_id is not null)
  and not is_cut_off(u.host)
offset 0) t
order by n.id desc
limit l.most) s
order by l.place, s.id desc
"""


async def list_about_you(
    conn: Conn, account_id: AccountId, readers: Readers, since: datetime
) -> list[AboutYou]:
    """Return what was decided about this member since `since`, newest first, then what others answered, and
    then what they liked.

    One more than `MOST_DECISIONS`, `MOST_ANSWERS` and `MOST_LIKES` says that there is more.
    """
    lots = {DECISIONS: MOST_DECISIONS + 1, ANSWERS: MOST_ANSWERS + 1, LIKES: MOST_LIKES + 1}
    return await _list_about_you(conn, account_id, readers, since, lots, NEWEST)


async def _list_about_you(
    conn: Conn,
    account_id: AccountId,
    readers: Readers,
    since: datetime,
    lots: Mapping[tuple[NotificationKind, ...], int],
    before: int,
) -> list[AboutYou]:
    kinds = [" ".join(lot) for lot in lots]
    rows = await conn.fetch(LIST_ABOUT_YOU, account_id, readers, since, kinds, list(lots.values()), before)
    found = []
    for row in rows:
        values = dict(row)
        name, host = values.pop("group_name"), values["group_host"]
        found.append(AboutYou(**values, group_slug=f"{name}@{host}" if host else name))
    return found


# Where looking stopped: of what was looked through, much may not be for this member's eyes any more.
FIND_END: Final = """
select n.id from notifications n
where n.account_id = $1 and n.id < $2 and n.created_at > $3
order by n.id desc offset 199 limit 1
"""


async def list_earlier(
    conn: Conn, account_id: AccountId, readers: Readers, since: datetime, before: int
) -> tuple[list[AboutYou], int | None]:
    """Return up to `PAGE` things that concern this member since `since`, newest first, before the row
    `before`, and the row before which there may be more; None at the end.
    """
    lots = {DECISIONS + ANSWERS + LIKES: PAGE + 1}
    found = await _list_about_you(conn, account_id, readers, since, lots, before)
    if len(found) > PAGE:
        return found[:PAGE], found[PAGE - 1].id
    return found, await conn.fetchval(FIND_END, account_id, before, since)
