"""Changed actors. Who an actor is, only its own address tells; how it describes itself, its own word, too."""

from __future__ import annotations

from federation import vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store.people import remote_actors


async def on_update(tx: Tx, step: Step, act: Authentic[vocab.Update]) -> Change:
    """Take over how somebody describes themselves; keys, addresses and kind come from their address alone.

    The worker has fetched the actor anew before, but no more than once an hour: who takes a name off their
    profile must not have to wait for that.
    """
    actor = act.value.object
    if isinstance(actor, vocab.Actor) and actor.id == act.value.actor and act.proof == "signature":
        await remote_actors.describe(tx, actor, step.now)
    return Change()
