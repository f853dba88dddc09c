"""Edits of posts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import cast

from federation import authenticity, vocab, writing
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Cancel, Effect, Erase, Relay, Send
from fediverse_support.domain.facts import PostFacts
from fediverse_support.domain.ids import fresh_token
from fediverse_support.domain.posts import may_become
from fediverse_support.pipeline.handlers.posts import spread, words
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store import announces, outgoing
from fediverse_support.store import posts as store


async def on_update(tx: Tx, step: Step, act: Authentic[vocab.Update]) -> Change:
    """Replace a post's words; nothing else about it can change."""
    post, target, facts = act.value.object, step.facts.target, step.facts
    if not isinstance(post, vocab.Post) or target is None or not may_become(target.standing, "deleted"):
        return Change()
    if post.updated is None and not facts.is_local:
        # Without a time it cannot be told from a late copy of an older text.
        post = replace(post, updated=act.value.published)
    changed = replace(post, in_reply_to=None if target.parent_id is None else post.in_reply_to)
    said = words.read(changed, local=facts.is_local)
    await store.edit_post(tx, target.id, said, words.when(post.updated, step.now))
    if target.standing != "visible" or target.audience not in ("public", "unlisted", "followers"):
        return Change((), target.id)
    leaves_at = await outgoing.leaves_at(tx, target.id, step.now) if facts.is_local else None
    if leaves_at is not None:
        return Change(await _rewritten(tx, step, act.value, post, target, leaves_at), target.id)
    return Change(_changed(step, act, target), target.id)


async def _rewritten(
    tx: Tx, step: Step, update: vocab.Update, post: vocab.Post, target: PostFacts, leaves_at: datetime
) -> tuple[Effect, ...]:
    """An edit before anything has left: only the new words ever leave, at the time that was promised."""
    create = vocab.Create(
        id=step.instance.activity_uri(fresh_token()),
        actor=update.actor,
        object=post,
        audience=post.audience,
        published=post.published,
    )
    fresh = cast(
        Authentic[vocab.Create], authenticity.from_local(create, create.actor, writing.write(create))
    )
    await announces.forget_announce(tx, target.id)
    sent = await spread.everywhere(tx, step, fresh, post, target.id)
    if not any(isinstance(one, Send) for one in sent):
        sent = (Send(sender_id=target.author_id, activity=create, post_id=target.id), *sent)
    after = leaves_at - step.now
    return (
        Cancel(post_id=target.id),
        Erase(uris=(target.uri,)),
        *(replace(one, after=after) for one in sent),
    )


def _changed(step: Step, act: Authentic[vocab.Update], target: PostFacts) -> tuple[Effect, ...]:
    """Tell everybody who has the old words."""
    group = step.facts.group
    author = target.author_id if step.facts.is_local else None
    if group is not None and group.is_local:
        if group.kind != "open" or act.raw is None:
            return ()
        return (
            Relay(group_id=group.id, activity=act.value, raw=act.raw, post_id=target.id, author_id=author),
        )
    if author is None:
        return ()
    return (Send(sender_id=author, activity=act.value, post_id=target.id, holders_of=target.id),)
