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
from fediverse_support.store.exchange import outgoing
from fediverse_support.store.posts import announces, edits, missing


async def on_update(tx: Tx, step: Step, act: Authentic[vocab.Update]) -> Change:
    """Replace a post's words; nothing else about it can change."""
    post, target, facts = act.value.object, step.facts.target, step.facts
    if not isinstance(post, vocab.Post) or target is None or not may_become(target.standing, "deleted"):
        return Change()
    if post.updated is None and not facts.is_local:
        post = replace(post, updated=act.value.published)
    if target.standing == "removed" and not facts.is_local:
        await missing.find_again(tx, target.uri)
    is_up = target.standing == "visible"
    # Of one of ours that waits, nothing but its newest words ever leaves.
    is_news = await take_over(tx, step, post, target, told=is_up or facts.is_local)
    if not is_news or not is_up or target.audience not in ("public", "unlisted", "followers"):
        return Change((), target.id)
    leaves_at = await outgoing.leaves_at(tx, target.id, step.now) if facts.is_local else None
    if leaves_at is not None:
        return Change(await _rewritten(tx, step, act.value, post, target, leaves_at), target.id)
    return Change(_changed(step, act, target), target.id)


async def take_over(tx: Tx, step: Step, post: vocab.Post, target: PostFacts, *, told: bool) -> bool:
    """Give a post these words, as far as they differ; say whether those who have it are owed them."""
    changed = replace(post, in_reply_to=None if target.parent_id is None else post.in_reply_to)
    return await edits.edit_post(
        tx,
        target.id,
        words.read(changed, local=step.facts.is_local, group=step.facts.group_uri),
        words.when(post.updated, step.now),
        words_at=words.by_their_clock(post.updated, step.now),
        told=told,
    )


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
