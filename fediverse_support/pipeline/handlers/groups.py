"""Boosts: what a group elsewhere, or a person, passes on by id; a group's own posts come and go with them."""

from __future__ import annotations

from federation import vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.pipeline.handlers import moderation
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store.people import follows
from fediverse_support.store.posts import announces
from fediverse_support.store.posts.announces import OwnPost


async def on_announce(tx: Tx, step: Step, act: Authentic[vocab.Announce]) -> Change:
    """Note that an actor passed on a post that we have; the worker fetched it before, if it was worth it."""
    target, actor = step.facts.target, step.facts.actor
    uri = act.value.id
    if target is None or actor is None or uri is None:
        return Change()
    await announces.hear_announce(tx, uri, actor.id, target.id, step.now)
    if target.standing == "removed":
        # Groups that speak in boosts have no other word for a post that they show again.
        await announces.announce_again(tx, actor.id, target.id)
        return await moderation.let_back(tx, step, target)
    return Change((), target.id)


async def on_undo_announce(tx: Tx, step: Step, act: Authentic[vocab.Undo]) -> Change:
    """Take a boost back, by its id or by what it boosted; a group elsewhere takes its own post out so."""
    undone = act.value.object
    if not isinstance(undone, vocab.Announce):
        return Change()
    actor, boosted = act.value.actor, undone.object if isinstance(undone.object, str) else None
    own = await announces.find_own(tx, actor, announce_uri=undone.id, post_uri=boosted)
    if undone.id is not None and await announces.undo_announce_by_uri(tx, undone.id, actor, step.now):
        pass
    elif boosted is not None and await announces.undo_announce_of(tx, actor, boosted, step.now):
        pass
    elif undone.id is not None:
        await follows.remember_undone(tx, actor, undone.id, step.now)
    return Change() if own is None else await lose(tx, step, own)


async def lose(tx: Tx, step: Step, own: OwnPost) -> Change:
    """Take a post out that its group elsewhere does not pass on any more."""
    return await moderation.take_out(tx, step, own.id, own.our_author_id, own.group_id, "")
