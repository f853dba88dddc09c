"""What moderators decide in their group about people and conversations; the group says it, never a person.

Each leaves a line in the record, and goes through the pipeline like anything else.
"""

from __future__ import annotations

from datetime import datetime

from federation import vocab
from federation.uris import Uri
from fediverse_support.actions import own
from fediverse_support.actions.moderation import moderating
from fediverse_support.db.pool import Db, Tx
from fediverse_support.domain.actors import Person
from fediverse_support.domain.errors import Conflict, NotFound
from fediverse_support.domain.ids import ActorId, MessageId, PostId, fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.store import groups
from fediverse_support.store.moderation import held, messages, reports
from fediverse_support.store.posts import posts


async def ban(
    db: Db,
    instance: Instance,
    person: Person,
    group_id: ActorId,
    actor_id: ActorId,
    reason: str = "",
    *,
    told: str = "",
    ends_at: datetime | None = None,
) -> None:
    """Shut somebody out of a group, until `ends_at`: their membership ends, they can neither write nor join.

    `reason` stays with our team; `told` is for the person, and other servers read it. Raises `Invalid`,
    `NotFound`.
    """
    told = moderating.public_words(told)
    now = db.now()
    async with db.transaction() as tx:
        if actor_id == person.actor_id or not await groups.moderates(tx, group_id, person.actor_id):
            raise NotFound
        block = await _block(tx, instance, group_id, actor_id, told=told, ends_at=ends_at)
        await own.submit(tx, instance, block, now)
        kept = (reason or told)[: moderating.MAX_REASON]
        await reports.log_action(tx, person.account_id, "banned", f"{group_id}:{actor_id}", kept, now)


async def unban(db: Db, instance: Instance, person: Person, group_id: ActorId, actor_id: ActorId) -> None:
    """Let somebody ask to join again. Raises `NotFound`."""
    now = db.now()
    async with db.transaction() as tx:
        if not await groups.moderates(tx, group_id, person.actor_id) or not await groups.is_banned(
            tx, group_id, actor_id
        ):
            raise NotFound
        block = await _block(tx, instance, group_id, actor_id)
        undo = vocab.Undo(
            id=instance.activity_uri(fresh_token()), actor=block.actor, object=block, audience=block.audience
        )
        await own.submit(tx, instance, undo, now)
        await reports.log_action(tx, person.account_id, "unbanned", f"{group_id}:{actor_id}", "", now)


async def _block(
    tx: Tx,
    instance: Instance,
    group_id: ActorId,
    actor_id: ActorId,
    *,
    told: str = "",
    ends_at: datetime | None = None,
) -> vocab.Block:
    """Return a group's ban, for everybody only if everybody can have read that person in it.

    Being shut out in public is a stigma; whoever never wrote there is nobody's business (FEP-1b12).
    """
    ends = await groups.find_ends(tx, group_id, actor_id)
    if ends is None:
        raise NotFound
    to = (vocab.PUBLIC, ends.group_uri) if ends.wrote_in_public else (ends.actor_uri,)
    return vocab.Block(
        id=instance.activity_uri(fresh_token()),
        actor=ends.group_uri,
        object=ends.actor_uri,
        target=ends.group_uri,
        reason=told,
        ends=ends_at,
        audience=vocab.Audience(to=to, group=ends.group_uri),
    )


async def pause(db: Db, instance: Instance, person: Person, post_id: PostId, *, told: str = "") -> None:
    """Let a conversation take no more replies for now. Raises `Invalid`, `NotFound`, `Conflict`."""
    await _set_paused(db, instance, person, post_id, to=True, told=moderating.public_words(told))


async def go_on(db: Db, instance: Instance, person: Person, post_id: PostId) -> None:
    """Let a conversation take replies again. Raises `NotFound`, `Conflict`."""
    await _set_paused(db, instance, person, post_id, to=False, told="")


async def _set_paused(
    db: Db, instance: Instance, person: Person, post_id: PostId, *, to: bool, told: str
) -> None:
    now = db.now()
    async with db.transaction() as tx:
        post = await posts.find_post(tx, post_id)
        group_uri = None if post is None else await held.group_uri(tx, post.group_id)
        if post is None or group_uri is None or not instance.is_ours(group_uri):
            raise NotFound
        if not await held.may_moderate(tx, post_id, person):
            raise NotFound
        lock = _lock(instance, group_uri, post.uri, told, is_public=post.audience in ("public", "unlisted"))
        act: vocab.Lock | vocab.Undo = lock
        if not to:
            act = vocab.Undo(
                id=instance.activity_uri(fresh_token()), actor=group_uri, object=lock, audience=lock.audience
            )
        outcome = await own.submit(tx, instance, act, now)
        if outcome.change.post_id is None:
            raise Conflict(code="done_already")
        action = "paused" if to else "went_on"
        await reports.log_action(tx, person.account_id, action, str(post_id), told, now)


def _lock(instance: Instance, group_uri: Uri, post_uri: Uri, told: str, *, is_public: bool) -> vocab.Lock:
    return vocab.Lock(
        id=instance.activity_uri(fresh_token()),
        actor=group_uri,
        object=post_uri,
        reason=told,
        audience=vocab.Audience(to=(vocab.PUBLIC, group_uri) if is_public else (group_uri,), group=group_uri),
    )


async def finish_message(db: Db, person: Person, message_id: MessageId) -> None:
    """Mark a message to a group's moderators as done. Raises `NotFound` where it is not theirs, or done."""
    async with db.transaction() as tx:
        if not await messages.finish(tx, message_id, person, db.now()):
            raise NotFound
        await reports.log_action(tx, person.account_id, "message_done", str(message_id), "", db.now())
