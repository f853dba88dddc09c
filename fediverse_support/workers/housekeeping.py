"""Forget what has served its time."""

from __future__ import annotations

from fediverse_support.deps import Deps
from fediverse_support.store import queues


async def step(deps: Deps) -> bool:
    """Prune logs, replies and bodies that are past their time; always done in one go."""
    async with deps.db.transaction() as tx:
        await queues.prune(tx, deps.db.now())
    return False
