"""Fetch what deliveries rest on, outside of any transaction, without one holding up the others.

What needs nobody's answer is ready at once. For the rest, each delivery asks by itself; what is not answered
in time goes on in the background, and its delivery is put off alone, with what has to come after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from federation import authenticity, delivery, uris, vocab
from federation.authenticity import Authentic, NeedsFetch
from federation.errors import FederationError, Unreachable
from federation.uris import Uri
from federation.vocab import Activity
from fediverse_support.db.outages import AT_FAULT
from fediverse_support.deps import Deps
from fediverse_support.domain.buckets import family
from fediverse_support.lookups import UPKEEP, Budget, Cause
from fediverse_support.pipeline import names
from fediverse_support.pipeline.needs import Needs, needs
from fediverse_support.store.exchange import receipts
from fediverse_support.store.people import remote_actors
from fediverse_support.store.posts import posts
from fediverse_support.workers import barred, early, relays
from fediverse_support.workers.jobs import Job, Later

LOG: Final = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 8
"""So often a delivery is tried that is at fault itself; one that waits for a silent server, for a week."""
SECONDS_FOR_FETCHES: Final = timedelta(seconds=30)
PARENT_FOR: Final = timedelta(minutes=15)
"""So long a reply waits until what it answers may be asked for. Then, or once its server was too slow to
answer, it is shown without."""
SLOW_FOR: Final = timedelta(seconds=10)
SLOW_AT_FIRST: Final = timedelta(seconds=2)
"""So long is put off what the rest of its line does not wait for any more: at first, and then again."""
OURS_FOR: Final = timedelta(minutes=1)
"""So long at least waits what we look at again ourselves, where too much is asked for at this moment."""
MOST_UNDERWAY: Final = 100
SOON: Final = timedelta(seconds=1)
CHANCE: Final = 0.5
"""Our own retries need no spreading: each waits in its own lane."""


async def begin(deps: Deps, jobs: Sequence[Job]) -> None:
    """Make ready what needs nobody's answer, and begin to ask for the rest."""
    missing = await _missing(deps, jobs)
    brought: set[Uri] = set()
    begun: list[tuple[Job, asyncio.Task[None]]] = []
    for job in jobs:
        wanted = needs(job.act.value) if isinstance(job.act, Authentic) else Needs()
        lacking = missing - brought
        brought.update(wanted.brings)
        if not _asks(job, wanted, lacking):
            await _prepare(deps, job, wanted, lacking)
        elif job.receipt.id in deps.remote.underway:
            job.later, job.is_ready = Later("slow", deps.db.now() + SLOW_FOR), True
        elif len(deps.remote.underway) >= MOST_UNDERWAY:
            # Nobody was asked yet, and will be: only who was and did not answer is done without.
            job.later, job.is_ready = Later("budget", deps.db.now() + SLOW_FOR), True
        else:
            before = [task for other, task in begun if job.comes_after(other.ids)]
            task = asyncio.create_task(_prepare(deps, job, wanted, lacking, before))
            deps.remote.undertake(job.receipt.id, task)
            begun.append((job, task))


async def wait(deps: Deps, jobs: Iterable[Job], seconds: float | None) -> None:
    """Wait until these are ready, at most so long; raise what struck us while they were prepared."""
    underway = deps.remote.underway
    tasks = [underway[job.receipt.id] for job in jobs if not job.is_ready and job.receipt.id in underway]
    if tasks:
        done, _ = await asyncio.wait(tasks, timeout=seconds)
        for task in done:
            task.result()


def split(jobs: Iterable[Job]) -> tuple[list[Job], list[Job]]:
    """Return those that are ready and come after nothing that is not, and the rest."""
    first: list[Job] = []
    rest: list[Job] = []
    awaited: set[Uri] = set()
    for job in jobs:
        if job.is_ready and not job.comes_after(awaited):
            first.append(job)
        else:
            rest.append(job)
            awaited |= job.ids
    return first, rest


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery that is put off: those after it that are about the same have to wait for it."""

    receipt_id: int
    about: frozenset[Uri]
    why: Later


async def find_held(deps: Deps, jobs: Sequence[Job]) -> list[Held]:
    """Return what was put off earlier, of the host of these, and is about the same."""
    if not any(job.receipt.has_put_off for job in jobs):
        return []
    host = uris.host(jobs[0].receipt.signer_uri)
    named = frozenset[Uri]().union(*(job.ids | job.rests_on for job in jobs))
    async with deps.db.connection() as conn:
        waiting = await receipts.find_put_off(conn, host, named, [job.receipt.id for job in jobs])
    return [
        Held(each.id, each.about, Later("after_another", each.due_at, rule=each.waits_for))
        for each in waiting
    ]


def put_in_order(jobs: Sequence[Job], held: list[Held], now: datetime) -> None:
    """Put off what is not ready, and what has to come after something in `held`, to which it is added."""
    for place, job in enumerate(jobs):
        if not job.is_ready:
            is_known = job.receipt.last_error == "slow"
            job.later = Later("slow", now + (SLOW_FOR if is_known else SLOW_AT_FIRST))
        elif job.later is None and not job.is_barred:
            job.later = next((each.why for each in held if _is_after(job, each)), None)
            job.later = early.at_most(job, job.later, now)
        later = job.later
        if later is not None and later.error == "budget":
            # Each a little later than the one before: all at once would only be put off again.
            later = job.later = replace(later, due_at=later.due_at + timedelta(seconds=place))
        if later is not None and later.holds:
            why = Later("after_another", later.due_at, rule=later.rule)
            held.append(Held(job.receipt.id, job.ids, why))


def _is_after(job: Job, held: Held) -> bool:
    return held.receipt_id < job.receipt.id and job.comes_after(held.about)


def _asks(job: Job, wanted: Needs, lacking: set[Uri]) -> bool:
    """Say whether a delivery may need an answer of another server."""
    if job.receipt.is_under_rule:
        return False
    if isinstance(job.act, NeedsFetch) or wanted.meets:
        return True
    if not isinstance(job.act, Authentic):
        return False
    match job.act.value:
        case vocab.Announce() | vocab.Update() | vocab.Create(object=str()):
            return True
        case vocab.Undo(object=vocab.Delete()):
            return True
    return any(uri in lacking for uri in (*wanted.actors, *wanted.posts, *wanted.awaits))


async def _prepare(
    deps: Deps, job: Job, wanted: Needs, lacking: set[Uri], before: Sequence[asyncio.Task[None]] = ()
) -> None:
    if before:
        await asyncio.wait(before)
    # What we want to know ourselves takes nothing from what other servers' deliveries may ask for.
    sender = Cause("delivery", family(uris.host(job.receipt.signer_uri)))
    cause = UPKEEP if job.receipt.is_ours else sender
    budget = Budget(until=deps.db.now() + SECONDS_FOR_FETCHES, cause=cause)
    try:
        await _ask(deps, job, wanted, lacking, budget)
    except Unreachable as error:
        job.is_barred = error.code == "domain_refused"
        job.later = None if job.is_barred else _later(job, error, deps.db.now())
    except FederationError as error:
        LOG.info("dropped", extra={"receipt": job.receipt.id, "code": error.code})
    except AT_FAULT as error:
        LOG.warning("not prepared", extra={"receipt": job.receipt.id, "error": type(error).__name__})
        job.later = after_fault(job, error, deps.db.now())
    job.is_ready = True


async def _ask(deps: Deps, job: Job, wanted: Needs, lacking: set[Uri], budget: Budget) -> None:
    act = job.act
    if job.receipt.is_under_rule:
        job.acts = [act] if isinstance(act, Authentic) and barred.is_withdrawal(act) else []
    elif isinstance(act, NeedsFetch):
        await relays.hear(deps, act.by, act.uri, budget, is_gone=act.is_gone)
    elif isinstance(act, Authentic):
        await deps.remote.ensure_actors(tuple(uri for uri in wanted.actors if uri in lacking), budget)
        for uri in wanted.posts if job.receipt.last_error != "slow" else ():
            refusal = await deps.remote.ensure_post(uri, budget) if uri in lacking else None
            if refusal is not None and deps.db.now() < job.receipt.received_at + PARENT_FOR:
                raise refusal
            if uri in lacking:
                act = await _by_id(deps, act, uri)
        if wanted.meets:
            await deps.remote.meet(uris.host(act.value.actor), budget)
        job.acts = await relays.unfold(deps, act, budget)
        awaited = [uri for uri in wanted.awaits if uri in lacking]
        if awaited and await early.is_early(deps, job, act.value, awaited):
            job.later = early.later(job, deps.db.now())


def _later(job: Job, error: Unreachable, now: datetime) -> Later:
    """Return when to try again: whoever was asked may be away as long as we would try to reach them."""
    if error.after is not None:
        due_at = now + max(timedelta(seconds=error.after), OURS_FOR if job.receipt.is_ours else SOON)
        return Later(error.code, due_at, holds=error.code != "missing")
    wait = delivery.backoff(job.receipt.attempts + 1, CHANCE)
    return Later(error.code, now + (wait or timedelta()), counts=True, park=wait is None)


def after_fault(job: Job, error: Exception, now: datetime) -> Later:
    """Return when to try a delivery again that is at fault itself."""
    attempts = job.receipt.attempts + 1
    wait = delivery.backoff(attempts, CHANCE)
    park = wait is None or attempts >= MAX_ATTEMPTS
    return Later(type(error).__name__, now + (wait or timedelta()), counts=True, park=park, holds=False)


async def _missing(deps: Deps, jobs: Sequence[Job]) -> set[Uri]:
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
                    job.take(authenticity.renamed(job.act, called.best, called.id_of))
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
