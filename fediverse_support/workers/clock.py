"""What comes round by the clock: each chore at its own times, in one of the worker processes.

What is due at a time is pure, so that a year can be stepped through in a moment. A chore that is due is
written down as an errand, which is then done like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fediverse_support.deps import Deps
from fediverse_support.domain.jobs import JobKind, NewJob
from fediverse_support.store import jobs

MIDNIGHT: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Chore:
    """An errand that comes round `every` so often, counted from midnight (UTC) and `after` it."""

    kind: JobKind
    every: timedelta
    after: timedelta = timedelta()

    def newest(self, now: datetime) -> datetime:
        """Return the last moment at which this came round, now included."""
        first = MIDNIGHT + self.after
        return first + (now - first) // self.every * self.every


@dataclass(frozen=True, slots=True)
class Moment:
    """A chore is due, and has been since `at`."""

    chore: Chore
    at: datetime


CHORES: Final = (Chore("housekeeping", timedelta(hours=1)),)


def due(now: datetime, done: Mapping[str, datetime], chores: Sequence[Chore] = CHORES) -> list[Moment]:
    """Return what has come round since it was `done` last; of moments that were missed only the newest.

    Whatever is noted to be done more than a round ahead of now was noted by a wrong clock.
    """
    found = []
    for chore in chores:
        at, last = chore.newest(now), done.get(chore.kind)
        if last is None or last < at or last > now + chore.every:
            found.append(Moment(chore, at))
    return found


def next_at(now: datetime, chores: Sequence[Chore] = CHORES) -> datetime:
    """Return when the next chore comes round."""
    return min(chore.newest(now) + chore.every for chore in chores)


async def step(deps: Deps) -> timedelta:
    """Write down whatever is due; return for how long there is nothing more to do."""
    now = deps.db.now()
    async with deps.db.connection() as conn:
        done = await jobs.rounds(conn)
    for moment in due(now, done):
        chore = moment.chore
        errand = NewJob(kind=chore.kind, lane=chore.kind, cause=chore.kind, due_at=now, payload={})
        async with deps.db.transaction() as tx:
            if await jobs.take_round(tx, chore.kind, moment.at, now + chore.every):
                await jobs.enqueue(tx, errand, now)
    return next_at(now) - now
