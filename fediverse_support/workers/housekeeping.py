"""Forget what has served its time."""

from __future__ import annotations

import logging
from typing import Final

from fediverse_support.db.pool import DatabaseUnavailable
from fediverse_support.deps import Deps
from fediverse_support.store import erasing, queues

LOG: Final = logging.getLogger(__name__)


async def step(deps: Deps) -> bool:
    """Prune logs, replies and bodies that are past their time; always done in one go."""
    async with deps.db.transaction() as tx:
        await queues.prune(tx, deps.db.now())
    async with deps.db.transaction() as tx:
        await erasing.forget_old_words(tx)
    await _free_space(deps)
    return False


async def _free_space(deps: Deps) -> None:
    """Let what was erased be written over soon; it is tried again in an hour where it takes too long."""
    async with deps.db.connection() as conn:
        if not await erasing.was_anything_erased(conn):
            return
    try:
        async with deps.db.dedicated() as alone:
            await erasing.free_space(alone)
    except (DatabaseUnavailable, TimeoutError):
        LOG.info("space not freed")
