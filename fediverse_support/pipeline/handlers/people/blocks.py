"""Blocks between persons: somebody elsewhere wants nothing more to do with one of ours. Nobody is told."""

from __future__ import annotations

from federation import vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store.people import blocks as store
from fediverse_support.store.people import follows


async def on_block(tx: Tx, step: Step, act: Authentic[vocab.Block]) -> Change:
    """Part two persons: follows between them end, and nothing of the one is sent to an inbox of the other
    alone; what is public stays for everybody to fetch."""
    actor, target = step.facts.actor, step.facts.target_actor
    if actor is None or target is None or actor.id == target.id:
        return Change()
    if actor.kind == "group" or target.account_id is None:
        return Change()
    await store.insert(tx, actor.id, target.id, act.value.id, step.now)
    return Change()


async def on_undo_block(tx: Tx, step: Step, act: Authentic[vocab.Undo]) -> Change:
    """Lift a block; what ended with it, or was wished for under it, does not begin again by itself."""
    block = act.value.object
    if not isinstance(block, vocab.Block):
        return Change()
    if not await store.delete(tx, act.value.actor, block.object, step.now):
        await follows.remember_undone(tx, act.value.actor, block.id, step.now)
    return Change()
