"""Apply what came in, in the order in which each host sent it."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from datetime import timedelta
from typing import Final

from federation import vocab
from federation.authenticity import Authentic
from federation.uris import Host, Uri
from fediverse_support.db.outages import AT_FAULT
from fediverse_support.db.pool import Conflicted, Tx
from fediverse_support.deps import Deps
from fediverse_support.pipeline import outbox
from fediverse_support.pipeline.apply import apply_all
from fediverse_support.store.exchange import peers, receipts
from fediverse_support.store.exchange.receipts import PutOff, Receipt
from fediverse_support.workers import barred, lanes, preparing
from fediverse_support.workers.jobs import Job, Later
from fediverse_support.workers.pace import Pace
from fediverse_support.workers.preparing import Held

LOG: Final = logging.getLogger(__name__)

BATCH: Final = 100
SOON: Final = timedelta(seconds=1)
FIRST: Final = 0.2
"""So long a batch waits for other servers' answers before what is ready goes ahead (seconds),"""
PATIENCE: Final = 0.75
"""and so long the rest waits, before it is put off alone; not at all after a whole batch, for more waits."""


async def step(deps: Deps, worker: int = 0) -> bool:
    """Serve one lane that has work; False when there is none."""
    for host in await lanes.due(deps, 1):
        return await serve(deps, host, worker, patience=None)
    return False


async def serve(
    deps: Deps, host: Host, worker: int, pace: Pace | None = None, *, patience: float | None = PATIENCE
) -> bool:
    """Apply what waits in a host's lane; False when another worker has it or nothing waits.

    After less than a whole batch the line is at its end: what came meanwhile is for the next time. `pace`
    lets this worker rest while more comes in. Other servers' answers are waited for `patience` seconds a
    batch, with None until they are here.
    """
    heard_at, has_served = None, False
    async with lanes.held(deps.db, "receive", host, worker) as lane:
        is_done = False
        while lane is not None and not is_done:
            async with deps.db.connection() as conn:
                mode = (await deps.house(conn)).federation
                batch = await receipts.take_receipts(conn, host, deps.db.now(), BATCH, mode=mode)
            if batch:
                has_served = True
                heard_at = next((r.received_at for r in reversed(batch) if not r.is_ours), heard_at)
                await _apply_batch(deps, batch, pace, patience)
            is_done = len(batch) < BATCH or lane.is_old(deps.db.now())
        if heard_at is not None:
            async with deps.db.transaction() as tx:
                await peers.hear(tx, host, heard_at)
    return has_served


async def _apply_batch(deps: Deps, batch: list[Receipt], pace: Pace | None, patience: float | None) -> None:
    jobs = [Job.of(receipt) for receipt in batch]
    await preparing.begin(deps, jobs)
    await preparing.wait(deps, jobs, None if patience is None else FIRST)
    held = await preparing.find_held(deps, jobs)
    first, rest = preparing.split(jobs)
    if first:
        await _take_turn(deps, first, held, pace)
    if rest:
        await preparing.wait(deps, rest, 0.0 if patience is not None and len(batch) == BATCH else patience)
        await _take_turn(deps, rest, held, pace)


async def _take_turn(deps: Deps, jobs: list[Job], held: list[Held], pace: Pace | None) -> None:
    preparing.put_in_order(jobs, held, deps.db.now())
    # What is tried again, or what we look at ourselves, came in long ago, which says nothing about the line.
    sent = (job.receipt for job in jobs if not job.receipt.is_ours)
    fresh = (receipt.received_at for receipt in sent if receipt.last_error is None)
    async with nullcontext() if pace is None else pace.turn(next(fresh, jobs[-1].receipt.received_at)):
        await _commit_all(deps, jobs)


async def _commit_all(deps: Deps, jobs: list[Job]) -> None:
    try:
        await _commit(deps, jobs, careful=False)
    except Conflicted:
        # Two lanes answer in the same threads in different order; one by one they cannot.
        for job in jobs:
            await _commit(deps, [job], careful=True)
    except AT_FAULT:
        # One delivery of the batch has data that cannot be stored: once more, each behind a savepoint.
        await _commit(deps, jobs, careful=True)


async def _commit(deps: Deps, jobs: list[Job], *, careful: bool) -> None:
    async with deps.db.transaction() as tx:
        if careful:
            hosts: frozenset[Host] = frozenset()
            for job in jobs:
                hosts |= await _apply_carefully(deps, tx, job)
        else:
            hosts = await _apply(deps, tx, jobs)
        await _end(deps, tx, jobs)
        await outbox.wake(tx, hosts)


async def _end(deps: Deps, tx: Tx, jobs: list[Job]) -> None:
    """Note what became of each: done, tried again, or waiting for the end of a rule."""
    done: list[int] = []
    carried: dict[int, Uri] = {}
    obeyed: list[int] = []
    is_ruled = any(job.is_put_off for job in jobs)
    later: list[PutOff] = []
    for job in jobs:
        if job.later is not None:
            later.append(_put_off(job, job.later))
        elif job.is_barred or job.is_put_off:
            await _bar(deps, tx, job)
        elif _counts_again(job, is_ruled=is_ruled):
            obeyed.append(job.receipt.id)
        elif (inside := job.carried) is not None:
            carried[job.receipt.id] = inside
        else:
            done.append(job.receipt.id)
    await receipts.finish_receipts(tx, done)
    if carried:
        await receipts.finish_relays(tx, carried)
    if later:
        await receipts.put_off(tx, later)
    if obeyed:
        await receipts.keep_obeyed(tx, obeyed)


def _put_off(job: Job, later: Later) -> PutOff:
    return PutOff(
        job.receipt.id, later.error, later.due_at, later.counts, later.park, later.rule,
        job.ids if later.holds else (),
    )  # fmt: skip


def _counts_again(job: Job, *, is_ruled: bool) -> bool:
    """Say whether a delivery was obeyed before its turn: what it undoes may still wait for the end of a rule.

    What is deleted stays deleted; but an Undo of what was not applied yet is forgotten in the end.
    """
    if isinstance(job.act, Authentic) and isinstance(job.act.value, vocab.Undo):
        return job.receipt.is_under_rule or is_ruled
    return job.receipt.is_under_rule and not barred.is_withdrawal(job.act)


async def _bar(deps: Deps, tx: Tx, job: Job) -> None:
    match await barred.bar(deps, tx, job):
        case "waits":
            return
        case "again":
            await receipts.put_off(tx, [_put_off(job, Later("busy", deps.db.now() + SOON))])
        case "dropped":
            await apply_all(tx, deps.instance, job.acts, deps.db.now())
            await receipts.drop(tx, job.receipt.id)


async def _apply(deps: Deps, tx: Tx, jobs: list[Job]) -> frozenset[Host]:
    acts = [act for job in jobs if job.later is None for act in job.acts]
    applied = await apply_all(tx, deps.instance, acts, deps.db.now(), may_wait=True)
    put_off = {id(act) for act in applied.put_off}
    for job in jobs:
        job.is_put_off = any(id(act) in put_off for act in job.acts)
    return applied.hosts


async def _apply_carefully(deps: Deps, tx: Tx, job: Job) -> frozenset[Host]:
    try:
        async with tx.transaction():
            return await _apply(deps, tx, [job])
    except AT_FAULT as error:
        LOG.warning("not applied", extra={"receipt": job.receipt.id, "error": type(error).__name__})
        job.later = preparing.after_fault(job, error, deps.db.now())
        return frozenset()
