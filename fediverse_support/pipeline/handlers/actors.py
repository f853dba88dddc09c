"""Changed actors. What an actor is, only its own address tells: the copy in an Update is never taken."""

from __future__ import annotations

from federation import vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.pipeline.step import Change, Step


async def on_update(tx: Tx, step: Step, act: Authentic[vocab.Update]) -> Change:
    """Change nothing: the worker has fetched the actor anew before this is reached."""
    return Change()
