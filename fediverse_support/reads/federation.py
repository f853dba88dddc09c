"""What another server may know of us: actors, posts, activities and threads of ours, by their ids.

What no other server may ever know (home groups and what is in them, posts narrower than public) is not
found here, so nobody above can show it. Every finder takes the host that asks, and says which rule is in
force for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from asyncpg import Record

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn
from fediverse_support.db.rows import only
from fediverse_support.domain import keeping
from fediverse_support.domain.documents import ActorRow, GroupRow, Named, Place, PostRow
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.moderation import Severity

PAGE: Final = 40
Reaction = Literal["likes", "shares"]


@dataclass(frozen=True, slots=True)
class FoundActor:
    """An actor of ours that others may know, and the rule for the host that asks."""

    row: ActorRow | GroupRow
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class FoundPost:
    """A post of ours that was public: `row` is None once it is gone, `is_copied` if the host is on record."""

    id: PostId
    kind: str
    row: PostRow | None
    gone_at: datetime | None = None
    is_copied: bool = False
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class FoundActivity:
    """A public activity of ours; `document` is None once it was erased."""

    verb: str
    document: str | None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """What an inbox has to know before it listens: may the host speak, are signer and owner here."""

    is_talked_to: bool
    is_known: bool
    has_owner: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of ids, and where the next page starts (None at the end)."""

    uris: tuple[Uri, ...] = ()
    next_after: int | None = None


FIND_DOOR: Final = """
select talks_to($1, federation_now($4)) as is_talked_to,
       exists (select 1 from actors a where a.key_id = $2 or a.uri = split_part($2, '#', 1)) as is_known,
       $3::text is null or exists (
           select 1 from actors o
           left join groups g on g.actor_id = o.id
           left join groups h on h.actor_id = o.for_group_id
           left join accounts c on c.id = o.account_id
           where o.uri = $3 and o.host is null and o.standing in ('visible', 'limited')
             and is_known_outside(g.kind, h.kind, c.standing)) as has_owner
"""

# A person who speaks in a closed group only is as unknown outside as the group. Circle groups are closed
# until their own rules for other servers exist.
FIND_ACTOR: Final = """
select a.id, a.uri, a.kind, a.name, a.display_name, a.summary_html, a.summary_source, a.url, a.inbox_uri,
       a.shared_inbox_uri, a.outbox_uri, a.followers_uri, a.key_id, a.public_key_pem, a.approves_followers,
       a.discoverable, a.indexable, a.standing, a.created_at, a.updated_at,
       g.kind as group_kind, g.title, g.language, g.posting_restricted, a.moderators_uri,
       rule_for($2) as severity
from actors a
left join groups g on g.actor_id = a.id
left join groups h on h.actor_id = a.for_group_id
left join accounts c on c.id = a.account_id
where a.uri = $1 and a.host is null and a.key_id is not null
  and is_known_outside(g.kind, h.kind, c.standing)
"""

# What a kept document of an actor rests on, as it is now, and the rule for the host that asks.
FIND_STAMP: Final = """
select rule_for($2) as severity, (
    select concat_ws(
        ' ', a.id, extract(epoch from a.updated_at), a.standing, a.key_id, c.standing, g.kind, h.kind)
    from actors a
    left join groups g on g.actor_id = a.id
    left join groups h on h.actor_id = a.for_group_id
    left join accounts c on c.id = a.account_id
    where a.uri = $1 and a.host is null) as stamp
"""

FIND_NAMED: Final = """
select a.uri from actors a
left join groups g on g.actor_id = a.id
left join groups h on h.actor_id = a.for_group_id
left join accounts c on c.id = a.account_id
where lower(a.name) = $1 and a.host is null and a.kind = any ($2::text[])
  and a.standing in ('visible', 'limited')
  and is_known_outside(g.kind, h.kind, c.standing)
"""

# What has not left yet, because its author may still take it back, is not there for others.
FIND_POST: Final = """
select p.id, p.uri, p.kind, p.audience, p.standing, p.title, p.body_html, p.body_source, p.warning,
       p.sensitive, p.language, p.url, p.context_uri, p.root_id, p.is_locked, p.published_at, p.edited_at,
       a.uri as author_uri, a.followers_uri as author_followers_uri,
       g.uri as group_uri, g.name as group_name, coalesce(g.handle_host, g.host) as group_host,
       g.followers_uri as group_followers_uri, g.url as group_url,
       coalesce(q.uri, p.parent_uri) as parent_uri,
       b.uri as parent_author_uri, b.name as parent_author_name,
       coalesce(b.handle_host, b.host) as parent_author_host,
       m.uris as mention_uris, m.names as mention_names, m.hosts as mention_hosts,
       can_fetch(p) and p.published_at <= $3 and a.standing in ('visible', 'limited') as is_there,
       p.standing in ('deleted', 'removed') and p.audience in ('public', 'unlisted')
           and in_the_open(p.group_id, p.written_in) as is_gone,
       (select t.deleted_at from tombstones t where t.uri = p.uri) as gone_at,
       exists (select 1 from copies c join peers o on o.host = $2
               where c.post_id = p.id and has_host(c.hosts, o.number)) as is_copied,
       rule_for($2) as severity
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
where p.uri = $1 and p.host is null
"""

FIND_POST_URI: Final = """
select p.uri from posts p join actors a on a.id = p.author_id
where p.id = $1 and can_fetch(p) and p.published_at <= $2 and a.standing in ('visible', 'limited')
"""

# A public activity about a post is there as long as the post is; a relay, as long as what it relays. What
# carries words that were edited since is not.
FIND_ACTIVITY: Final = """
select x.verb, x.document, rule_for($2) as severity
from activities x
left join activities y on y.uri = x.object_uri
left join posts p on p.uri = coalesce(y.object_uri, x.object_uri)
left join actors a on a.id = p.author_id
where x.uri = $1 and x.direction = 'out' and x.public and x.verb <> 'Flag'
  and case when p.id is null then x.verb <> 'Announce'
           when p.standing = 'deleted' then x.verb in ('Delete', 'Undo') or x.document is null
           when a.standing not in ('visible', 'limited') then false
           when coalesce(y.verb, x.verb) in ('Create', 'Update') and x.created_at < p.edited_at then false
           when p.host is null then can_fetch(p) and p.published_at <= $3
           else p.standing in ('visible', 'limited') and not is_cut_off(p.host)
                and in_the_open(p.group_id, p.written_in) end
"""

LIST_OUTBOX: Final = """
select x.document from (
    select x.object_uri, x.document, x.created_at from activities x
    where x.actor_uri = $1 and x.direction = 'out' and x.verb = 'Announce' and x.public
      and x.document is not null
    order by x.id desc offset 0) x
where (select p.group_id = $2 and in_the_open(p.group_id, p.written_in)
              and is_public(p.audience, p.standing, a.standing)
              and coalesce(p.host, '') not in (select c.domain from cut_off_by_name() c (domain))
              and (p.edited_at is null or x.created_at >= p.edited_at)
              and case when p.host is null then p.published_at <= $3
                       else not is_cut_off(p.host) end
       from activities y join posts p on p.uri = y.object_uri join actors a on a.id = p.author_id
       where y.uri = x.object_uri and y.verb = 'Create')
limit 20
"""

LIST_CONTEXT: Final = """
select p.id, p.uri from posts p join actors a on a.id = p.author_id
where p.root_id = $1 and p.id > $2
  and in_the_open(p.group_id, p.written_in) and is_public(p.audience, p.standing, a.standing)
  and case when p.host is null then p.published_at <= $3 else not is_cut_off(p.host) end
order by p.id limit $4
"""

LIST_REPLIES: Final = """
select p.id, p.uri from posts p join actors a on a.id = p.author_id
where p.parent_id = $1 and p.root_id = $5 and p.id > $2
  and in_the_open(p.group_id, p.written_in) and is_public(p.audience, p.standing, a.standing)
  and case when p.host is null then p.published_at <= $3 else not is_cut_off(p.host) end
order by p.id limit $4
"""

COUNT_LIKES: Final = "select count(*) from reactions where post_id = $1 and kind = 'like'"
COUNT_SHARES: Final = "select count(*) from announces where post_id = $1 and undone_at is null"

LIST_MODERATORS: Final = """
select a.uri from group_moderators m join actors a on a.id = m.actor_id
where m.group_id = $1 and a.standing in ('visible', 'limited')
order by m.since_at, a.id limit 100
"""


async def find_door(
    conn: Conn, host: Host, key_id: Uri, owner: Uri | None, override: str | None = None
) -> Door:
    """Return what an inbox has to know about a host and a key; `owner` is None for the shared inbox."""
    return Door(**only(await conn.fetchrow(FIND_DOOR, host, key_id, owner, override)))


async def find_actor(conn: Conn, uri: Uri, host: Host | None = None) -> FoundActor | None:
    """Return an actor of ours that other servers may know, of whatever standing; `host` is who asks."""
    row = await conn.fetchrow(FIND_ACTOR, uri, host)
    if row is None:
        return None
    values = dict(row)
    severity = values.pop("severity")
    if values["group_kind"] is not None:
        return FoundActor(GroupRow(**values), severity)
    for name in ("group_kind", "title", "language", "posting_restricted", "moderators_uri"):
        del values[name]
    return FoundActor(ActorRow(**values), severity)


async def find_stamp(conn: Conn, uri: Uri, host: Host | None) -> tuple[str | None, Severity | None]:
    """Return what changes when the document of an actor of ours does, and the rule for the host that asks."""
    row = only(await conn.fetchrow(FIND_STAMP, uri, host))
    return row["stamp"], row["severity"]


async def find_named(conn: Conn, name: str, kinds: tuple[str, ...]) -> Uri | None:
    """Return the id of the actor of ours with this lower-case name, if other servers may know it."""
    uri: Uri | None = await conn.fetchval(FIND_NAMED, name, list(kinds))
    return uri


async def find_post(conn: Conn, uri: Uri, host: Host | None, left_by: datetime) -> FoundPost | None:
    """Return a post of ours that is, or was, public; `left_by`: only posts published until then have left."""
    row = await conn.fetchrow(FIND_POST, uri, host, left_by)
    if row is None or not (row["is_there"] or row["is_gone"]):
        return None
    found = FoundPost(row["id"], row["kind"], None, row["gone_at"], row["is_copied"], row["severity"])
    return replace(found, row=post_row(row)) if row["is_there"] else found


async def find_post_uri(conn: Conn, post_id: int, left_by: datetime) -> Uri | None:
    """Return the id of a public post of ours by its row."""
    uri: Uri | None = await conn.fetchval(FIND_POST_URI, post_id, left_by)
    return uri


async def find_activity(conn: Conn, uri: Uri, host: Host | None, left_by: datetime) -> FoundActivity | None:
    """Return a public activity of ours as it was sent."""
    row = await conn.fetchrow(FIND_ACTIVITY, uri, host, left_by)
    if row is None:
        return None
    document = row["document"] and keeping.restore(row["document"])
    return FoundActivity(row["verb"], document, row["severity"])


async def list_context(conn: Conn, root_id: PostId, after: int, left_by: datetime) -> Listing:
    """Return a page of a public thread, oldest first: every post that is public, ours and others'."""
    return _listing(await conn.fetch(LIST_CONTEXT, root_id, after, left_by, PAGE + 1))


async def list_replies(conn: Conn, post: PostRow, after: int, left_by: datetime) -> Listing:
    """Return a page of the public replies to a post."""
    return _listing(await conn.fetch(LIST_REPLIES, post.id, after, left_by, PAGE + 1, post.root_id))


async def count_reactions(conn: Conn, post_id: PostId, what: Reaction) -> int:
    """Return how many likes or shares a post has; who gave them is nobody's business."""
    count: int = await conn.fetchval(COUNT_LIKES if what == "likes" else COUNT_SHARES, post_id)
    return count


async def list_outbox(conn: Conn, group: GroupRow, left_by: datetime) -> tuple[bytes, ...]:
    """Return the newest 20 posts that a group of ours passed on, as the Announces it sent."""
    rows = await conn.fetch(LIST_OUTBOX, group.uri, group.id, left_by)
    return tuple(keeping.restore(row["document"]).encode() for row in rows)


async def list_moderators(conn: Conn, group_id: ActorId) -> tuple[Uri, ...]:
    """Return the ids of a group's moderators."""
    return tuple(row["uri"] for row in await conn.fetch(LIST_MODERATORS, group_id))


def _listing(rows: list[Record]) -> Listing:
    kept = rows[:PAGE]
    return Listing(tuple(row["uri"] for row in kept), kept[-1]["id"] if len(rows) > PAGE else None)


def post_row(row: Record) -> PostRow:
    """Return a row of `FIND_POST`'s shape as what a document is made from."""
    group = row["group_uri"] and Place(
        uri=row["group_uri"],
        name=row["group_name"],
        host=row["group_host"],
        followers_uri=row["group_followers_uri"],
        url=row["group_url"],
    )
    parent_author = row["parent_author_uri"] and Named(
        uri=row["parent_author_uri"], name=row["parent_author_name"], host=row["parent_author_host"]
    )
    columns = (row[name] or () for name in ("mention_uris", "mention_names", "mention_hosts"))
    return PostRow(
        id=row["id"],
        uri=row["uri"],
        kind=row["kind"],
        author_uri=row["author_uri"],
        author_followers_uri=row["author_followers_uri"],
        audience=row["audience"],
        standing=row["standing"],
        title=row["title"],
        body_html=row["body_html"],
        body_source=row["body_source"],
        warning=row["warning"],
        sensitive=row["sensitive"],
        language=row["language"],
        url=row["url"],
        context_uri=row["context_uri"],
        root_id=row["root_id"],
        is_locked=row["is_locked"],
        published_at=row["published_at"],
        edited_at=row["edited_at"],
        group=group,
        parent_uri=row["parent_uri"],
        parent_author=parent_author,
        mentions=tuple(
            Named(uri=uri, name=name, host=host) for uri, name, host in zip(*columns, strict=True)
        ),
    )
