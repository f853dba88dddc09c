"""Forget what has served its time."""

from __future__ import annotations

import logging
from typing import Final

from fediverse_support.db.pool import DatabaseUnavailable
from fediverse_support.deps import Deps
from fediverse_support.store import jobs, retention
from fediverse_support.store.exchange import queues
from fediverse_support.store.jobs import Job
from fediverse_support.store.posts import erasing
from fediverse_support.workers.errands.outcomes import Done, Outcome
from fediverse_support.workers.errands.outside import Outside

LOG: Final = logging.getLogger(__name__)


async def errand(outside: Outside, job: Job) -> Outcome:
    """Tidy up; the clock asks for it."""
    await step(outside.deps)
    return Done()


async def step(deps: Deps) -> bool:
    """Forget, rule by rule and a bounded number of rows at a time, all that is past its time."""
    async with deps.db.transaction() as tx:
        await queues.bound_dues(tx, deps.db.now())
        await jobs.bound_dues(tx, deps.db.now(), queues.AHEAD)
    for rule in retention.RULES:
        there_is_more = True
        while there_is_more:
            async with deps.db.connection() as conn:
                there_is_more = await retention.prune(conn, rule, deps.db.now())
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
