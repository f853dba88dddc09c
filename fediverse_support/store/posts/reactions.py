"""Likes. Who liked what is shown to its author alone; the row exists so that one person counts once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain.facts import Proof
from fediverse_support.domain.ids import ActorId, PostId

INSERT_LIKE: Final = """
insert into reactions (uri, actor_id, actor_uri, post_id, kind, proof, reacted_at)
values ($1, $2, $3, $4, 'like', $5, $6)
on conflict (actor_uri, post_id, kind) do nothing
"""
DELETE_LIKE: Final = """
delete from reactions r using posts p
where p.id = r.post_id and r.actor_uri = $1 and p.uri = $2 and r.kind = 'like'
  and ($3::text is null or exists (select 1 from actors g where g.id = p.group_id and g.uri = $3))
"""
DELETE_LIKES_OF: Final = "delete from reactions where actor_uri = $1"
DELETE_LIKE_BY_URI: Final = "delete from reactions where actor_uri = $1 and uri = $2"


async def insert_like(
    tx: Tx,
    uri: Uri | None,
    actor_id: ActorId | None,
    actor_uri: Uri,
    post_id: PostId,
    proof: Proof,
    now: datetime,
) -> None:
    """Store a like; a second one by the same actor changes nothing."""
    await tx.execute(INSERT_LIKE, uri, actor_id, actor_uri, post_id, proof, now)


async def delete_like(tx: Tx, actor_uri: Uri, post_uri: Uri, *, group_uri: Uri | None = None) -> bool:
    """Take back this actor's like of a post; with `group_uri` only of a post of that group."""
    return await tx.execute(DELETE_LIKE, actor_uri, post_uri, group_uri) != "DELETE 0"


async def delete_likes_of(tx: Tx, actor_uri: Uri) -> None:
    """Take back every like of an actor that is gone."""
    await tx.execute(DELETE_LIKES_OF, actor_uri)


async def delete_like_by_uri(tx: Tx, actor_uri: Uri, uri: Uri) -> bool:
    """Take back this actor's like by the like's own id."""
    return await tx.execute(DELETE_LIKE_BY_URI, actor_uri, uri) != "DELETE 0"
