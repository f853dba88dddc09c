"""What several handlers ask about people, and what happens when one is gone."""

from __future__ import annotations

from datetime import datetime

from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Cancel, Effect, Erase
from fediverse_support.domain.facts import ActorFacts
from fediverse_support.pipeline.step import Change
from fediverse_support.store.moderation import messages
from fediverse_support.store.people import follows, remote_actors
from fediverse_support.store.posts import posts, reactions


async def let_go(tx: Tx, actor: ActorFacts, now: datetime) -> Change:
    """End the follows of an actor who cannot be found; they may come back, so nothing of theirs is erased."""
    await follows.end_all(tx, actor.id, now)
    return Change()


async def farewell(tx: Tx, actor: ActorFacts, now: datetime) -> Change:
    """Erase everything an actor wrote and liked, end its follows, keep its id so that it cannot come back."""
    written = await posts.posts_of(tx, actor.id)
    await posts.erase_posts(tx, [post_id for post_id, _ in written], now)
    await reactions.delete_likes_of(tx, actor.uri)
    await follows.end_all(tx, actor.id, now)
    await messages.erase_of(tx, actor.id)
    await remote_actors.mark_deleted(tx, actor.id, now)
    await posts.insert_tombstone(tx, actor.uri, "Actor", now)
    cancels: tuple[Effect, ...] = tuple(Cancel(post_id=post_id) for post_id, _ in written)
    return Change((*cancels, Erase(uris=tuple(uri for _, uri in written))))
