"""Likes. They stay on this server unless the person asks for the author's server to be told."""

from __future__ import annotations

from federation import vocab
from fediverse_support.actions import own
from fediverse_support.db.pool import Db
from fediverse_support.domain.actors import Person
from fediverse_support.domain.errors import NotFound
from fediverse_support.domain.ids import PostId, fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.store.posts import posts, reactions


async def like(db: Db, instance: Instance, person: Person, post_id: PostId) -> None:
    """Like a post this person may read; a second time changes nothing. Raises `NotFound`."""
    now = db.now()
    async with db.transaction() as tx:
        post = await posts.find_visible(tx, post_id, person.actor_id)
        if post is None:
            raise NotFound
        act = vocab.Like(id=instance.activity_uri(fresh_token()), actor=person.uri, object=post.uri)
        await own.submit(tx, instance, act, now)


async def unlike(db: Db, instance: Instance, person: Person, post_id: PostId) -> None:
    """Take a like back. Raises `NotFound` for a post this person may not read."""
    async with db.transaction() as tx:
        post = await posts.find_visible(tx, post_id, person.actor_id)
        if post is None:
            raise NotFound
        await reactions.delete_like(tx, person.uri, post.uri)
