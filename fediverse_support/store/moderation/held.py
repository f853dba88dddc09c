"""What waits for a moderator, and who may decide about it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from federation import vocab
from federation.uris import Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain import keeping
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import ActorId, PostId, ReportId

ACTIVITIES: Final = """
select actor_uri, document from activities
where object_uri = $1 and direction = 'in' and document is not null and verb in ('Create', 'Update')
order by id
"""
FORGET: Final = "update activities set document = null where object_uri = $1 and direction = 'in'"


async def find_activities(conn: Conn, post_uri: Uri) -> list[tuple[str, str]]:
    """Return actor and exact text of what was kept about a held post, oldest first."""
    rows = await conn.fetch(ACTIVITIES, post_uri)
    return [(row["actor_uri"], keeping.restore(row["document"])) for row in rows]


async def forget(tx: Tx, post_uri: Uri) -> None:
    """Erase what was kept while a post waited."""
    await tx.execute(FORGET, post_uri)


SEEN: Final = """
select p.uri, p.kind, p.audience, p.published_at, a.uri as author_uri, a.followers_uri, g.uri as group_uri,
       coalesce(q.uri, p.parent_uri) as parent_uri,
       array(select x.uri from mentions m join actors x on x.id = m.actor_id
             where m.post_id = p.id order by x.id limit 100) as mentioned
from posts p join actors a on a.id = p.author_id
left join actors g on g.id = p.group_id left join posts q on q.id = p.parent_id
where p.id = $1 and p.standing = 'held' and p.host is not null
"""


async def find_held(conn: Conn, post_id: PostId) -> vocab.Observe | None:
    """Return a held post of another server as its origin served it, without its words; None for any other."""
    row = await conn.fetchrow(SEEN, post_id)
    if row is None:
        return None
    named = tuple(Uri(uri) for uri in row["mentioned"])
    place = () if row["group_uri"] is None else (Uri(row["group_uri"]),)
    reach = {"public": vocab.PUBLIC, "unlisted": vocab.PUBLIC, "followers": row["followers_uri"]}
    first = reach.get(row["audience"])
    to = place if first is None else (Uri(first), *place)
    if row["audience"] == "unlisted":
        audience = vocab.Audience(to=named, cc=to, group=row["group_uri"])
    else:
        audience = vocab.Audience(to=to, cc=named, group=row["group_uri"])
    post = vocab.Post(
        id=row["uri"],
        kind=row["kind"],
        attributed_to=row["author_uri"],
        audience=audience,
        content="",
        in_reply_to=row["parent_uri"],
        published=row["published_at"],
        mentions=tuple(vocab.Mention(uri, "") for uri in named),
    )
    return vocab.Observe(id=post.id, actor=post.attributed_to, object=post, audience=audience)


MAY_MODERATE: Final = """
select 1 from posts p where p.id = $1 and p.standing <> 'deleted' and may_moderate(p.group_id, $2, $3)
for update of p
"""
MAY_APPEAR: Final = "select may_appear(p, $2) from posts p where p.id = $1"
MAY_RESOLVE: Final = """
select exists (select 1 from reports r where r.id = $1 and may_moderate(r.group_id, $2, $3))
"""


async def may_moderate(tx: Tx, post_id: PostId, person: Person) -> bool:
    """Say whether this person may decide about a post, and lock it."""
    return await tx.fetchval(MAY_MODERATE, post_id, person.actor_id, person.roles) is not None


async def may_appear(tx: Tx, post_id: PostId, now: datetime) -> bool:
    """Say whether a post that waits may appear at all."""
    return bool(await tx.fetchval(MAY_APPEAR, post_id, now))


async def may_resolve(conn: Conn, report_id: ReportId, person: Person) -> bool:
    """Say whether this person may close a report."""
    return bool(await conn.fetchval(MAY_RESOLVE, report_id, person.actor_id, person.roles))


GROUP_URI: Final = "select uri from actors where id = $1"
END_MEMBERSHIP: Final = """
update follows set standing = 'rejected', decided_at = $3
where target_id = $1 and follower_id = $2 and standing in ('pending', 'accepted')
returning uri, verb
"""


async def group_uri(conn: Conn, group_id: ActorId | None) -> Uri | None:
    """Return a group's URI."""
    return None if group_id is None else await conn.fetchval(GROUP_URI, group_id)


async def end_membership(
    tx: Tx, group_id: ActorId, actor_id: ActorId, now: datetime
) -> tuple[Uri, Literal["Follow", "Join"]] | None:
    """End a membership without a word to anybody; return the follow it was, None if there was none."""
    row = await tx.fetchrow(END_MEMBERSHIP, group_id, actor_id, now)
    return None if row is None else (Uri(row["uri"]), row["verb"])
