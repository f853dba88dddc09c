"""Boosts: what a group elsewhere, or a person, passes on by id."""

from __future__ import annotations

from federation import vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store import announces, follows


async def on_announce(tx: Tx, step: Step, act: Authentic[vocab.Announce]) -> Change:
    """Note that an actor passed on a post that we have; the worker fetched it before, if it was worth it."""
    target, actor = step.facts.target, step.facts.actor
    if target is None or actor is None:
        return Change()
    await announces.insert_announce(tx, act.value.id, actor.id, target.id, step.now)
    return Change((), target.id)


async def on_undo_announce(tx: Tx, step: Step, act: Authentic[vocab.Undo]) -> Change:
    """Take a boost back, by its id or by what it boosted."""
    undone = act.value.object
    if not isinstance(undone, vocab.Announce):
        return Change()
    actor = act.value.actor
    if await announces.undo_announce_by_uri(tx, undone.id, actor, step.now):
        return Change()
    boosted = undone.object
    if isinstance(boosted, str) and await announces.undo_announce_of(tx, actor, boosted, step.now):
        return Change()
    await follows.remember_undone(tx, actor, undone.id, step.now)
    return Change()
