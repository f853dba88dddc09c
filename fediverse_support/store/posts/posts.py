"""Posts and what hangs on them: edits, mentions, tombstones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.db.rows import recordset
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.posts import Audience, Post, PostKind, PostStanding
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.store.posts.edits import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPost:
    """A post about to be stored. `id` is chosen beforehand for ours, because their page's address holds
    it. `written_in` is of what kind its group is for it, None outside of groups. `words_at` is when its words
    are from, by its author's clock."""

    id: PostId | None
    uri: Uri
    kind: PostKind
    author_id: ActorId
    host: Host | None
    group_id: ActorId | None
    written_in: GroupKind | None
    root_id: PostId | None
    parent_id: PostId | None
    parent_uri: Uri | None
    audience: Audience
    standing: PostStanding
    title: str
    body_html: SafeHtml
    body_source: str | None
    body_text: str
    warning: str
    sensitive: bool
    language: str
    url: Uri | None
    context_uri: Uri | None
    attachments: str
    published_at: datetime
    words_at: datetime
    mentions: tuple[Uri, ...] = ()


NEW_ID: Final = "select new_id()"


async def new_id(conn: Conn) -> PostId:
    """Return a fresh row id."""
    return PostId(await conn.fetchval(NEW_ID))


INSERT_POSTS: Final = """
with given as materialized (
    select coalesce(g.id, new_id()) as new_id, g.*
    from rows from (json_to_recordset($1::json) as (
        id bigint, uri text, kind text, author_id bigint, host text, group_id bigint, written_in text,
        root_id bigint, parent_id bigint, parent_uri text, audience text, standing text, title text,
        body_html text, body_source text, body_text text, warning text, sensitive bool, language text,
        url text, context_uri text, attachments text, published_at timestamptz, words_at timestamptz,
        mentions text[]
    )) with ordinality g
    order by g.ordinality
), new as (
    insert into posts (
        id, uri, kind, author_id, host, group_id, written_in, root_id, parent_id, parent_uri, audience,
        standing, title, body_html, body_source, body_text, warning, sensitive, language, url, context_uri,
        attachments, published_at, words_at, active_at, created_at)
    select
        new_id, uri, kind, author_id, host, group_id, written_in, coalesce(root_id, new_id), parent_id,
        parent_uri, audience, standing, title, body_html, body_source, body_text, warning, sensitive,
        language, url, context_uri, attachments::jsonb, published_at, words_at, $2, $2
    from given
    on conflict (uri) do nothing
    returning id, uri
), named as (
    insert into mentions (post_id, actor_id)
    select g.new_id, a.id
    from given g join new on new.id = g.new_id
    cross join lateral unnest(g.mentions) m (uri) join actors a on a.uri = m.uri
    on conflict do nothing
), bumped as (
    -- A root that this very statement stores is not seen here, and needs it not.
    update posts set active_at = $2
    where id in (select g.root_id from given g join new on new.id = g.new_id where g.standing = 'visible')
)
select new.id, new.uri, exists (
    select 1 from posts o where o.parent_uri = new.uri and o.parent_id is null) as has_orphans
from new
"""


async def insert_posts(tx: Tx, posts: Sequence[NewPost], now: datetime) -> dict[Uri, PostId]:
    """Store posts with their mentions and wake their threads; return those whose URIs were not known yet."""
    rows = await tx.fetch(INSERT_POSTS, recordset(posts), now)
    by_uri = {post.uri: post for post in posts}
    for row in rows:
        if row["has_orphans"]:
            await _adopt(tx, PostId(row["id"]), by_uri[Uri(row["uri"])])
    return {Uri(row["uri"]): PostId(row["id"]) for row in rows}


ADOPT: Final = """
with orphans as (
    select p.id from posts p left join actors g on g.id = $4
    where p.parent_uri = $2 and p.parent_id is null
      and (g.id is null or g.host is not null or p.group_id = $4)
)
update posts set
    parent_id = case when id in (select id from orphans) then $1 else parent_id end,
    root_id = $3,
    group_id = case when audience in ('followers', 'direct') then group_id else coalesce($4, group_id) end,
    written_in = case
        when audience in ('followers', 'direct') or $4::bigint is null then written_in
        when group_id is null then $5
        else narrower_kind(written_in, $5) end
where id in (select id from orphans) or root_id in (select id from orphans)
"""


async def _adopt(tx: Tx, post_id: PostId, post: NewPost) -> None:
    """Hang replies that arrived before this post below it; in a group of ours only those it was asked about.

    Any other was never judged by that group's rules, so nobody may find it in there.
    """
    await tx.execute(ADOPT, post_id, post.uri, post.root_id or post_id, post.group_id, post.written_in)


FIND_POST: Final = """
select id, uri, author_id, host, group_id, root_id, parent_id, audience, standing, title, warning,
       published_at, edited_at
from posts where id = $1
"""


async def find_post(conn: Conn, post_id: PostId) -> Post | None:
    """Return a post by its row id, whatever its standing; who may see it is the caller's question."""
    row = await conn.fetchrow(FIND_POST, post_id)
    return None if row is None else Post(**row)


FIND_VISIBLE: Final = """
select id, uri, author_id, host, group_id, root_id, parent_id, audience, standing, title, warning,
       published_at, edited_at
from posts p where p.id = $1 and can_see(p, array[$2::bigint])
"""


async def find_visible(conn: Conn, post_id: PostId, viewer: ActorId) -> Post | None:
    """Return a post that this viewer may read."""
    row = await conn.fetchrow(FIND_VISIBLE, post_id, viewer)
    return None if row is None else Post(**row)


KNOWN_URIS: Final = "select uri from posts where uri = any ($1::text[])"


async def known_uris(conn: Conn, wanted: Sequence[Uri]) -> set[Uri]:
    """Return those of these URIs that are posts we have, or had."""
    return {Uri(row["uri"]) for row in await conn.fetch(KNOWN_URIS, list(wanted))}


STILL_UNKNOWN: Final = """
select u.uri from unnest($1::text[]) with ordinality as u (uri, place)
where not exists (select 1 from posts p where p.uri = u.uri)
  and not exists (select 1 from tombstones t where t.uri = u.uri)
  and not exists (select 1 from actors a where a.uri = u.uri)
order by u.place
"""


async def still_unknown(conn: Conn, wanted: Sequence[Uri]) -> list[Uri]:
    """Return those of these URIs that are nothing we have or had, in their order."""
    return [Uri(row["uri"]) for row in await conn.fetch(STILL_UNKNOWN, list(wanted))]


# A group of ours among those an activity names ($1) says that the post is on its way to us; so does, of a
# post on their own server, one of our members there. Anybody else could fill the line with likes of nothing.
MAY_COME: Final = """
select exists (select 1 from actors a join groups g on g.actor_id = a.id
               where a.uri = any ($1::text[]) and a.host is null and g.kind = 'open')
    or $3 and exists (select 1 from follows f join actors a on a.id = f.follower_id
                      join groups g on g.actor_id = f.target_id
                      where a.uri = $2 and f.standing = 'accepted' and g.kind = 'open')
"""


async def may_come(conn: Conn, actor: Uri, *, is_near: bool, named: Sequence[Uri]) -> bool:
    """Say whether a post that is not here may still arrive, by who speaks of it and to whom.

    `is_near` says that it is of the speaker's own server.
    """
    return bool(await conn.fetchval(MAY_COME, list(named), actor, is_near))


FIND_AUTHOR: Final = """
select p.id, a.uri as author_uri, p.audience from posts p join actors a on a.id = p.author_id
where p.uri = $1 and p.standing <> 'deleted'
"""


@dataclass(frozen=True, slots=True)
class Authored:
    """A post's row, its author's URI, and who it is for."""

    id: PostId
    author_uri: Uri
    audience: Audience


async def find_by_uri(conn: Conn, uri: Uri) -> Authored | None:
    """Return a post that is not deleted, by its URI."""
    row = await conn.fetchrow(FIND_AUTHOR, uri)
    return None if row is None else Authored(**row)


SET_STANDING: Final = "update posts set standing = $2 where id = $1 and standing = any ($3::text[])"
WAKE_THREAD: Final = "update posts set active_at = $2 where id = (select root_id from posts where id = $1)"


async def set_standing(
    tx: Tx, post_id: PostId, after: PostStanding, before: tuple[PostStanding, ...]
) -> bool:
    """Change a post's standing if it has one of those in `before`; say whether it did."""
    return await tx.execute(SET_STANDING, post_id, after, list(before)) == "UPDATE 1"


async def wake_thread(tx: Tx, post_id: PostId, now: datetime) -> None:
    """Put the thread of this post on top of its group."""
    await tx.execute(WAKE_THREAD, post_id, now)


PAUSE: Final = """
with paused as (
    update posts set is_locked = true where id = $1 and not is_locked returning id
)
insert into pauses (post_id, by_id, reason, paused_at)
select id, $2, $3, $4 from paused
on conflict (post_id) do update set by_id = excluded.by_id, reason = excluded.reason,
    paused_at = excluded.paused_at
"""
GO_ON: Final = """
with words as (
    delete from pauses where post_id = $1
)
update posts set is_locked = false where id = $1 and is_locked
"""


async def pause(tx: Tx, post_id: PostId, by_id: ActorId, reason: str, now: datetime) -> bool:
    """Have a post take no more answers, by the decision of its group; False where it was so already."""
    return await tx.execute(PAUSE, post_id, by_id, reason, now) == "INSERT 0 1"


async def go_on(tx: Tx, post_id: PostId) -> bool:
    """Have a post take answers again; False where it did already."""
    return await tx.execute(GO_ON, post_id) == "UPDATE 1"


# An address has words too, where a server makes it of a title. Only a thread's id of our own says nothing,
# and is still what new answers in it are told under.
ERASE_POST: Final = """
with words as (
    update posts set standing = 'deleted', title = '', body_html = '', body_source = null, body_text = '',
        warning = '', sensitive = false, language = 'und', url = null,
        context_uri = case when host is null then context_uri end, attachments = '[]', edited_at = null
    where id = any ($1::bigint[])
    returning id, uri, kind
), edits as (
    delete from post_edits where post_id = any ($1::bigint[])
), named as (
    delete from mentions where post_id = any ($1::bigint[])
), told as (
    delete from notifications where post_id = any ($1::bigint[])
), liked as (
    delete from reactions where post_id = any ($1::bigint[])
), judged as (
    update removals set reason = '' where post_id = any ($1::bigint[])
), paused as (
    update pauses set reason = '' where post_id = any ($1::bigint[])
)
insert into tombstones (uri, former_type, deleted_at)
select uri, kind, $2 from words
on conflict (uri) do nothing
"""


async def erase_posts(tx: Tx, post_ids: Sequence[PostId], now: datetime) -> None:
    """Delete posts for good: every word goes, their ids and the time stay as tombstones.

    So do the words in their addresses; an id itself cannot, or the post would come back under it.
    """
    await tx.execute(ERASE_POST, list(post_ids), now)


REVIVE: Final = """
with shown as (
    update posts set standing = case when exists (select 1 from removals r where r.post_id = $1)
            then 'removed' else $2 end,
        title = $3, body_html = $4, body_source = null, body_text = $5, warning = $6, sensitive = $7,
        language = $8, attachments = coalesce($9::jsonb, '[]'), edited_at = $10, url = $12,
        context_uri = $13
    where id = $1 and standing = 'deleted' and host is not null
    returning uri
), named as (
    insert into mentions (post_id, actor_id)
    select $1, a.id from actors a, shown where a.uri = any ($11::text[])
    on conflict do nothing
)
delete from tombstones t using shown where t.uri = shown.uri
"""


async def revive_post(
    tx: Tx,
    post_id: PostId,
    standing: PostStanding,
    words: Words,
    *,
    edited_at: datetime | None,
    mentions: Sequence[Uri],
    url: Uri | None,
    context_uri: Uri | None,
) -> None:
    """Give a deleted post of another server its words again; what was taken out before stays out."""
    await tx.execute(
        REVIVE,
        post_id,
        standing,
        words.title,
        words.body_html,
        words.body_text,
        words.warning,
        words.sensitive,
        words.language,
        words.attachments,
        edited_at,
        list(mentions),
        url,
        context_uri,
    )


INSERT_TOMBSTONE: Final = """
insert into tombstones (uri, former_type, deleted_at) values ($1, $2, $3) on conflict (uri) do nothing
"""


async def insert_tombstone(tx: Tx, uri: Uri, former_type: str, now: datetime) -> None:
    """Remember that an id is gone, so that a late Create is refused."""
    await tx.execute(INSERT_TOMBSTONE, uri, former_type, now)


POSTS_OF: Final = "select id, uri from posts where author_id = $1 and standing <> 'deleted'"


async def posts_of(conn: Conn, author_id: ActorId) -> list[tuple[PostId, Uri]]:
    """Return every post of an author that still has words."""
    return [(PostId(row["id"]), Uri(row["uri"])) for row in await conn.fetch(POSTS_OF, author_id)]
