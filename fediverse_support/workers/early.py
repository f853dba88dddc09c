"""What comes before the post that it is about: it waits a while, where the post may be on its way.

Each host has its own line. What somebody says about a post may be served before the post is, though the post
was taken in first; and a group's members may be told of a post sooner than we are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from federation import uris, vocab
from federation.authenticity import Authentic
from federation.uris import Host, Uri
from federation.vocab import Activity
from fediverse_support.db.pool import Conn
from fediverse_support.deps import Deps
from fediverse_support.store.exchange import receipts
from fediverse_support.store.posts import posts
from fediverse_support.workers.jobs import Job, Later

REACTION_FOR: Final = timedelta(hours=12)
"""So long a like or a boost waits for its post: less than the day for which its Undo is remembered."""
REPORT_FOR: Final = timedelta(minutes=15)
"""So long a report waits for the posts it names. Then it is taken without them: somebody may be in need."""
SOON: Final = timedelta(seconds=10)
MOST_OF_A_HOST: Final = 1000
"""So many deliveries of one host wait like this; what comes on top counts at once, or not at all."""
ERROR: Final = "post_unknown"


async def is_early(deps: Deps, job: Job, act: Activity, awaited: Sequence[Uri]) -> bool:
    """Say whether posts an activity is about are not here, may still arrive, and are worth waiting for."""
    theirs = [uri for uri in awaited if not deps.instance.is_ours(uri)]
    if not theirs or deps.db.now() >= _until(job):
        return False
    lane = uris.host(job.receipt.signer_uri)
    async with deps.db.connection() as conn:
        theirs = await posts.still_unknown(conn, theirs)
        if not theirs or not await _may_come(conn, job.receipt.id, lane, act, theirs):
            return False
        return await receipts.has_room(conn, lane, job.receipt.id, error=ERROR, most=MOST_OF_A_HOST)


async def _may_come(conn: Conn, receipt_id: int, lane: Host, act: Activity, theirs: Sequence[Uri]) -> bool:
    # What its own host brought before it came in order; others' lines may be behind.
    others = {uris.host(uri) for uri in theirs} - {lane}
    if await receipts.may_bring(conn, theirs, others, but=lane, before=receipt_id):
        return True
    if isinstance(act, vocab.Announce):
        return False
    is_near = any(uris.same_origin(uri, act.actor) for uri in theirs)
    return await posts.may_come(conn, act.actor, is_near=is_near, named=act.audience.everyone)


def later(job: Job, now: datetime) -> Later:
    """Return when to look again: soon at first, then after half the time it has waited."""
    wait = max(SOON, (now - job.receipt.received_at) / 2)
    return Later(ERROR, min(now + wait, _until(job)), holds=False)


def at_most(job: Job, why: Later | None, now: datetime) -> Later | None:
    """Return why a delivery comes after another; a report waits for others no longer than for posts."""
    if why is None or not _is_report(job):
        return why
    until = _until(job)
    return None if now >= until else replace(why, due_at=min(why.due_at, until), rule=None)


def _until(job: Job) -> datetime:
    return job.receipt.received_at + (REPORT_FOR if _is_report(job) else REACTION_FOR)


def _is_report(job: Job) -> bool:
    return isinstance(job.act, Authentic) and isinstance(job.act.value, vocab.Flag)
