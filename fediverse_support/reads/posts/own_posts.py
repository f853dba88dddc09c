"""What an author is about to change or answer: posts and groups as the writing side needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.documents import Named, Place, PostRow
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.posts import Audience
from fediverse_support.reads.federation import post_row

FIND_OWN: Final = """
select p.id, p.uri, p.kind, p.audience, p.standing, p.title, p.body_html, p.body_source, p.warning,
       p.sensitive, p.language, p.url, p.context_uri, p.root_id, p.is_locked, p.published_at, p.edited_at,
       a.uri as author_uri, a.followers_uri as author_followers_uri,
       g.uri as group_uri, g.name as group_name, coalesce(g.handle_host, g.host) as group_host,
       g.followers_uri as group_followers_uri, g.url as group_url,
       coalesce(q.uri, p.parent_uri) as parent_uri,
       b.uri as parent_author_uri, b.name as parent_author_name,
       coalesce(b.handle_host, b.host) as parent_author_host,
       m.uris as mention_uris, m.names as mention_names, m.hosts as mention_hosts
from posts p
join actors a on a.id = p.author_id
left join actors g on g.id = p.group_id
left join posts q on q.id = p.parent_id
left join actors b on b.id = q.author_id
left join lateral (
    select array_agg(x.uri order by x.id) as uris, array_agg(x.name order by x.id) as names,
           array_agg(coalesce(x.handle_host, x.host) order by x.id) as hosts
    from (select y.* from mentions n join actors y on y.id = n.actor_id
          where n.post_id = p.id order by y.id limit 100) x
) m on true
where p.id = $1 and p.author_id = $2 and p.host is null and p.standing <> 'deleted'
"""


async def find_own(conn: Conn, post_id: PostId, author_id: ActorId) -> PostRow | None:
    """Return this author's own post, whatever its standing, unless it is deleted."""
    row = await conn.fetchrow(FIND_OWN, post_id, author_id)
    return None if row is None else post_row(row)


@dataclass(frozen=True, slots=True)
class TakenOut:
    """Where a post stood that a moderator took out, as far as its author may still write there.

    `group_id` is set for what opened a conversation in a group; `parent_id` for a reply, and it is the first
    post of the conversation when only that one is still there. `reason` are the words that were published
    about it, `by_host` is where the group is that decided, None for here.
    """

    is_reply: bool
    group_id: ActorId | None
    parent_id: PostId | None
    audience: Audience
    mentioned: tuple[ActorId, ...]
    reason: str
    by_host: Host | None


FIND_TAKEN_OUT: Final = """
select p.root_id <> p.id as is_reply, case when p.root_id = p.id then p.group_id end as group_id,
       coalesce(q.id, r.id) as parent_id, p.audience,
       array(select a.id from mentions m join actors a on a.id = m.actor_id
             where m.post_id = p.id and can_see_actor(a, array[$2::bigint])
             order by a.id limit 100) as mentioned,
       coalesce(o.reason, '') as reason, by.host as by_host
from posts p
left join removals o on o.post_id = p.id
left join actors by on by.id = o.by_id
left join posts q on q.id = p.parent_id and can_see(q, array[$2::bigint])
left join posts r on r.id = p.root_id and r.id <> p.id and can_see(r, array[$2::bigint])
where p.id = $1 and can_reread(p, array[$2::bigint])
"""


async def find_taken_out(conn: Conn, post_id: PostId, author_id: ActorId) -> TakenOut | None:
    """Return where this author's post stood that a moderator took out; None for every other post."""
    row = await conn.fetchrow(FIND_TAKEN_OUT, post_id, author_id)
    return None if row is None else TakenOut(**{**row, "mentioned": tuple(row["mentioned"])})


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a new post is to stand: its author, its group, and what it answers."""

    author_followers_uri: Uri | None
    group: Place | None
    group_kind: GroupKind | None
    parent_id: PostId | None
    parent_uri: Uri | None
    parent_author: Named | None
    parent_audience: Audience | None
    root_id: PostId | None
    context_uri: Uri | None
    mentions: tuple[Named, ...]


FIND_SETTING: Final = """
with parent as (
    select p.* from posts p where p.id = $2 and can_see(p, array[$1::bigint])
), place as (
    select g.*, case when $2::bigint is null then r.kind
                     else narrower_kind((select written_in from parent), r.kind) end as group_kind
    from groups r join actors g on g.id = r.actor_id
    where g.id = case when $2::bigint is null then $3::bigint else (select group_id from parent) end
      and ($2::bigint is not null or r.kind in ('open', 'circle', 'home')
           or can_see_group(g.id, array[$1::bigint]))
)
select me.followers_uri as author_followers_uri,
       place.uri as group_uri, place.name as group_name,
       coalesce(place.handle_host, place.host) as group_host,
       place.followers_uri as group_followers_uri, place.url as group_url, place.group_kind,
       parent.id as parent_id, parent.uri as parent_uri, parent.audience as parent_audience, parent.root_id,
       root.context_uri, b.uri as parent_author_uri, b.name as parent_author_name,
       coalesce(b.handle_host, b.host) as parent_author_host,
       (select array_agg(array[x.uri, x.name, coalesce(x.handle_host, x.host)] order by x.id)
        from actors x where x.id = any ($4::bigint[]) and x.kind <> 'group') as mentioned
from actors me
left join parent on true
left join place on true
left join posts root on root.id = parent.root_id
left join actors b on b.id = parent.author_id
where me.id = $1
"""


async def find_setting(
    conn: Conn,
    author_id: ActorId,
    *,
    parent_id: PostId | None,
    group_id: ActorId | None,
    mentioned: tuple[ActorId, ...],
) -> Setting | None:
    """Return where a post would stand; None when the parent or the group is not there for this author."""
    row = await conn.fetchrow(FIND_SETTING, author_id, parent_id, group_id, list(mentioned))
    if row is None or (parent_id is not None and row["parent_id"] is None):
        return None
    if group_id is not None and parent_id is None and row["group_uri"] is None:
        return None
    place = row["group_uri"] and Place(
        uri=row["group_uri"],
        name=row["group_name"],
        host=row["group_host"],
        followers_uri=row["group_followers_uri"],
        url=row["group_url"],
    )
    answered = row["parent_author_uri"] and Named(
        uri=row["parent_author_uri"], name=row["parent_author_name"], host=row["parent_author_host"]
    )
    return Setting(
        author_followers_uri=row["author_followers_uri"],
        group=place,
        group_kind=row["group_kind"],
        parent_id=row["parent_id"],
        parent_uri=row["parent_uri"],
        parent_author=answered,
        parent_audience=row["parent_audience"],
        root_id=row["root_id"],
        context_uri=row["context_uri"],
        mentions=tuple(
            Named(uri=Uri(uri), name=name, host=None if host is None else Host(host))
            for uri, name, host in row["mentioned"] or ()
        ),
    )
