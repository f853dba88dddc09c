"""Apply what came in, in the order in which each host sent it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import asyncpg

from federation import authenticity, delivery, uris, vocab
from federation.authenticity import Authentic, NeedsFetch
from federation.errors import FederationError, Unreachable
from federation.uris import Host, Uri
from federation.vocab import Activity
from fediverse_support.db.pool import Conflicted, Tx
from fediverse_support.deps import Deps
from fediverse_support.pipeline import names, outbox
from fediverse_support.pipeline.apply import apply_all
from fediverse_support.pipeline.needs import needs
from fediverse_support.remote import Budget
from fediverse_support.store import peers, posts, receipts, remote_actors
from fediverse_support.store.receipts import Receipt
from fediverse_support.workers import barred, lanes, relays
from fediverse_support.workers.pace import Pace

LOG: Final = logging.getLogger(__name__)

FAULTS: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
"""What a single delivery can be at fault for, as the database says it."""
BATCH: Final = 100
MAX_ATTEMPTS: Final = 8
"""So often a delivery is tried that is at fault itself; one that waits for a silent server, for a week."""
SECONDS_FOR_FETCHES: Final = timedelta(seconds=30)
TOO_EARLY_FOR: Final = timedelta(hours=12)
"""So long a like waits for its post: less than the day for which its Undo is remembered."""
SOON: Final = timedelta(seconds=1)
CHANCE: Final = 0.5
"""Our own retries need no spreading: each waits in its own lane."""


@dataclass(slots=True)
class _Job:
    """One delivery on its way: what is to be applied, or why it is tried again.

    `is_barred` says that a rule about a server stood against preparing it, `is_put_off` against applying it.
    """

    receipt: Receipt
    act: barred.Read = None
    acts: list[Authentic[Activity]] = field(default_factory=list)
    retry: str | None = None
    is_faulty: bool = False
    is_barred: bool = False
    is_put_off: bool = False


async def step(deps: Deps, worker: int = 0) -> bool:
    """Serve one lane that has work; False when there is none."""
    for host in await lanes.due(deps, 1):
        return await serve(deps, host, worker)
    return False


async def serve(deps: Deps, host: Host, worker: int, pace: Pace | None = None) -> bool:
    """Apply what waits in a host's lane; False when another worker has it or nothing waits.

    After less than a whole batch the line is at its end: what came meanwhile is for the next time. `pace`
    lets this worker rest while more comes in.
    """
    heard_at = None
    async with lanes.held(deps.db, "receive", host, worker) as lane:
        is_done = False
        while lane is not None and not is_done:
            async with deps.db.connection() as conn:
                batch = await receipts.take_receipts(
                    conn, host, deps.db.now(), BATCH, mode=deps.instance.federation
                )
            if batch:
                heard_at = batch[-1].received_at
                await _apply_batch(deps, batch, pace)
            is_done = len(batch) < BATCH or lane.is_old(deps.db.now())
        if heard_at is not None:
            async with deps.db.transaction() as tx:
                await peers.hear(tx, host, heard_at)
    return heard_at is not None


async def _apply_batch(deps: Deps, batch: list[Receipt], pace: Pace | None) -> None:
    jobs = [_Job(receipt, _read(receipt)) for receipt in batch]
    await _prepare(deps, jobs)
    # What is tried again came in long ago, which says nothing about the line.
    fresh = (receipt.received_at for receipt in batch if receipt.attempts == 0)
    async with nullcontext() if pace is None else pace.turn(next(fresh, batch[-1].received_at)):
        await _commit_all(deps, jobs)


async def _commit_all(deps: Deps, jobs: list[_Job]) -> None:
    try:
        await _commit(deps, jobs, careful=False)
    except Conflicted:
        # Two lanes answer in the same threads in different order; one by one they cannot.
        for job in jobs:
            await _commit(deps, [job], careful=True)
    except FAULTS:
        # One delivery of the batch has data that cannot be stored: once more, each behind a savepoint.
        await _commit(deps, jobs, careful=True)


async def _commit(deps: Deps, jobs: list[_Job], *, careful: bool) -> None:
    async with deps.db.transaction() as tx:
        if careful:
            hosts: frozenset[Host] = frozenset()
            for job in jobs:
                hosts |= await _apply_carefully(deps, tx, job)
        else:
            hosts = await _apply(deps, tx, jobs)
        await _end(deps, tx, jobs)
        await outbox.wake(tx, hosts)


async def _end(deps: Deps, tx: Tx, jobs: list[_Job]) -> None:
    """Note what became of each: done, tried again, or waiting for the end of a rule."""
    done: list[int] = []
    obeyed: list[int] = []
    is_ruled = any(job.is_put_off for job in jobs)
    for job in jobs:
        if job.retry is not None:
            await _try_again(deps, tx, job, job.retry)
        elif job.is_barred or job.is_put_off:
            await _bar(deps, tx, job)
        elif _counts_again(job, is_ruled=is_ruled):
            obeyed.append(job.receipt.id)
        else:
            done.append(job.receipt.id)
    await receipts.finish_receipts(tx, done)
    if obeyed:
        await receipts.keep_obeyed(tx, obeyed)


def _counts_again(job: _Job, *, is_ruled: bool) -> bool:
    """Say whether a delivery was obeyed before its turn: what it undoes may still wait for the end of a rule.

    What is deleted stays deleted; but an Undo of what was not applied yet is forgotten in the end.
    """
    if isinstance(job.act, Authentic) and isinstance(job.act.value, vocab.Undo):
        return job.receipt.is_under_rule or is_ruled
    return job.receipt.is_under_rule and not barred.is_withdrawal(job.act)


async def _bar(deps: Deps, tx: Tx, job: _Job) -> None:
    match await barred.bar(deps, tx, job.receipt, job.act):
        case "waits":
            return
        case "again":
            await receipts.retry_receipt(tx, job.receipt.id, "busy", deps.db.now() + SOON, park=False)
        case "dropped":
            await apply_all(tx, deps.instance, job.acts, deps.db.now())
            await receipts.drop(tx, job.receipt.id)


def _read(receipt: Receipt) -> barred.Read:
    """Return the activity of a stored delivery; one that cannot be read any more has no effect."""
    if receipt.body is None:
        return None
    try:
        return authenticity.from_stored(receipt.body.encode(), receipt.signer_uri)
    except FederationError as error:
        LOG.info("unreadable", extra={"receipt": receipt.id, "code": error.code})
        return None


async def _prepare(deps: Deps, jobs: list[_Job]) -> None:
    """Fetch what the batch rests on, outside of any transaction."""
    missing = await _missing(deps, jobs)
    brought: set[Uri] = set()
    for job in jobs:
        act = job.act
        budget = Budget(until=deps.db.now() + SECONDS_FOR_FETCHES)
        try:
            if job.receipt.is_under_rule:
                job.acts = [act] if isinstance(act, Authentic) and barred.is_withdrawal(act) else []
            elif isinstance(act, NeedsFetch):
                await relays.hear(deps, act.by, act.uri, budget)
            elif isinstance(act, Authentic):
                wanted = needs(act.value)
                await deps.remote.ensure_actors(tuple(u for u in wanted.actors if u in missing), budget)
                for uri in wanted.posts:
                    if uri in missing and uri not in brought:
                        await deps.remote.ensure_post(uri, budget)
                        act = await _by_id(deps, act, uri)
                if wanted.meets:
                    await deps.remote.meet(uris.host(act.value.actor))
                brought.update(wanted.brings)
                if wanted.awaits in missing - brought and await _is_early(deps, job, act.value):
                    job.retry = "post_unknown"
                    continue
                job.acts = await relays.unfold(deps, act, budget)
        except Unreachable as error:
            job.is_barred = error.code == "domain_refused"
            job.retry = None if job.is_barred else error.code
        except FederationError as error:
            LOG.info("dropped", extra={"receipt": job.receipt.id, "code": error.code})
        except FAULTS as error:
            LOG.warning("not prepared", extra={"receipt": job.receipt.id, "error": type(error).__name__})
            job.retry, job.is_faulty = type(error).__name__, True


async def _missing(deps: Deps, jobs: list[_Job]) -> set[Uri]:
    """Return what the batch rests on and is not here; what it calls by pages is called by ids then."""
    acts = [job.act.value for job in jobs if isinstance(job.act, Authentic)]
    actors = {uri for act in acts for uri in needs(act).actors}
    spoken_of = {uri for act in acts for uri in names.named(act)}
    async with deps.db.connection() as conn:
        known = set(await remote_actors.known(conn, list(actors), deps.db.now())) if actors else set()
        unknown = spoken_of - await posts.known_uris(conn, list(spoken_of)) if spoken_of else set()
        if unknown:
            called = await names.look_up(conn, deps.instance, unknown, _pages(acts))
            for job in jobs:
                if isinstance(job.act, Authentic):
                    job.act = authenticity.renamed(job.act, called.best, called.id_of)
            unknown -= called.ids.keys()
    return (actors - known) | unknown


def _pages(acts: Iterable[Activity]) -> dict[Uri, Uri]:
    """Return the posts that come with the batch, by the addresses of their pages."""
    new = (act.object for act in acts if isinstance(act, vocab.Create) and isinstance(act.object, vocab.Post))
    return {post.url: post.id for post in new if post.url is not None}


async def _by_id(deps: Deps, act: Authentic[Activity], asked: Uri) -> Authentic[Activity]:
    """Call a post that was just asked for by the id under which it was found."""
    async with deps.db.connection() as conn:
        called = await names.look_up(conn, deps.instance, (asked,), {})
    return authenticity.renamed(act, called.best, called.id_of)


async def _is_early(deps: Deps, job: _Job, act: Activity) -> bool:
    """Say whether the post an activity is about may still come, and is worth waiting for."""
    if not isinstance(act, vocab.Like) or deps.instance.is_ours(act.object):
        return False
    if deps.db.now() > job.receipt.received_at + TOO_EARLY_FOR:
        return False
    async with deps.db.connection() as conn:
        return await posts.may_come(conn, act.object, liker=act.actor, named=act.audience.everyone)


async def _apply(deps: Deps, tx: Tx, jobs: list[_Job]) -> frozenset[Host]:
    acts = [act for job in jobs if job.retry is None for act in job.acts]
    applied = await apply_all(tx, deps.instance, acts, deps.db.now(), may_wait=True)
    put_off = {id(act) for act in applied.put_off}
    for job in jobs:
        job.is_put_off = any(id(act) in put_off for act in job.acts)
    return applied.hosts


async def _apply_carefully(deps: Deps, tx: Tx, job: _Job) -> frozenset[Host]:
    try:
        async with tx.transaction():
            return await _apply(deps, tx, [job])
    except FAULTS as error:
        LOG.warning("not applied", extra={"receipt": job.receipt.id, "error": type(error).__name__})
        job.retry, job.is_faulty = type(error).__name__, True
        return frozenset()


async def _try_again(deps: Deps, tx: Tx, job: _Job, error: str) -> None:
    """Put a delivery off: whoever was asked for what it rests on may be away as long as we would try them."""
    attempts = job.receipt.attempts + 1
    wait = delivery.backoff(attempts, CHANCE)
    park = wait is None or (job.is_faulty and attempts >= MAX_ATTEMPTS)
    due_at = deps.db.now() + (wait or timedelta())
    await receipts.retry_receipt(tx, job.receipt.id, error, due_at, park=park)
