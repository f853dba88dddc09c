"""Take errands that are due, do them beside each other, and write down what became of each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, assert_never

from fediverse_support.db.pool import Conn, DatabaseUnavailable, Db
from fediverse_support.store import jobs
from fediverse_support.store.jobs import Job
from fediverse_support.workers.errands.kinds import Kind
from fediverse_support.workers.errands.outcomes import Done, Later, Never, Outcome
from fediverse_support.workers.errands.outside import Outside

LOG: Final = logging.getLogger(__name__)

TIDY_EVERY: Final = 5.0
REST: Final = 60.0
"""Seconds for which a kind rests when one of it found that none of it can be done."""
LAST_MOMENT: Final = 1.0
"""Seconds that are left to what is in hand when we are told to stop."""
AGAIN: Final = 0.5
"""Seconds between two tries to write down what is done while the database is away."""


@dataclass(slots=True)
class Runner:
    """What one worker has in hand; `freed` is set whenever there is room for more."""

    outside: Outside
    worker: int
    freed: asyncio.Event
    kinds: Sequence[Kind]
    in_hand: dict[int, tuple[Kind, asyncio.Task[None]]] = field(default_factory=dict)
    went_well: set[str] = field(default_factory=set)
    _past: dict[str, str] = field(default_factory=dict)
    _rests: dict[str, float] = field(default_factory=dict)
    _tidy_at: float = 0.0

    @property
    def db(self) -> Db:
        """The database that errands are written in."""
        return self.outside.deps.db

    async def look(self) -> None:
        """Begin whatever is due and has room. Raises `DatabaseUnavailable`."""
        clock = asyncio.get_running_loop().time()
        room = {kind.name: count for kind in self.kinds if (count := self._room(kind, clock)) > 0}
        async with self.db.connection() as conn:
            if clock >= self._tidy_at:
                await jobs.let_go(conn, self.worker, self.in_hand)
                self._tidy_at = clock + TIDY_EVERY
            due = await jobs.due_kinds(conn, list(room), self.db.now())
            for kind in self.kinds:
                if kind.name in due:
                    await self._take(conn, kind, room[kind.name])

    def _room(self, kind: Kind, clock: float) -> int:
        if clock < self._rests.get(kind.name, 0.0):
            return 0
        return kind.at_once - sum(1 for other, _ in self.in_hand.values() if other is kind)

    async def _take(self, conn: Conn, kind: Kind, most: int) -> None:
        """Take from lane to lane, where it was left off, so that none waits for those before it."""
        past = self._past.get(kind.name, "")
        found = await jobs.claim(
            conn, kind.name, most, past=past, worker=self.worker, now=self.db.now()
        )
        for job in found:
            task = asyncio.create_task(self._do(kind, job))
            self.in_hand[job.id] = kind, task
            task.add_done_callback(partial(self._ended, job.id))
        self._past[kind.name] = found[-1].lane if len(found) == most else ""
        if past and len(found) < most:
            self.freed.set()  # those before it come next

    def _ended(self, job_id: int, _: object) -> None:
        del self.in_hand[job_id]
        self.freed.set()

    async def _do(self, kind: Kind, job: Job) -> None:
        step = asyncio.create_task(self._timed(kind, job))
        try:
            await asyncio.wait([step])
        finally:
            if not step.done():
                step.cancel()
                await asyncio.wait([step])
        await self._settle(kind, job, self._outcome(kind, job, step))

    async def _timed(self, kind: Kind, job: Job) -> Outcome:
        async with asyncio.timeout(kind.seconds):
            return await kind.step(self.outside, job)

    def _outcome(self, kind: Kind, job: Job, step: asyncio.Task[Outcome]) -> Outcome:
        if step.cancelled():
            return Later("cut_off")
        match step.exception():
            case None:
                return step.result()
            case DatabaseUnavailable():
                return Later("database")
            case TimeoutError():
                return Later("too_slow")
            case error:
                LOG.error("errand fault", exc_info=error, extra={"kind": kind.name, "job": job.id})
                return Later(type(error).__name__)

    async def _settle(self, kind: Kind, job: Job, outcome: Outcome) -> None:
        """Write down what became of an errand, as soon as the database takes it."""
        if isinstance(outcome, Later) and outcome.of_all:
            self._rests[kind.name] = asyncio.get_running_loop().time() + REST
        while True:
            try:
                async with self.db.connection() as conn:
                    await self._write(conn, kind, job, outcome)
                return
            except DatabaseUnavailable:
                await asyncio.sleep(AGAIN)

    async def _write(self, conn: Conn, kind: Kind, job: Job, outcome: Outcome) -> None:
        match outcome:
            case Done(then):
                await jobs.complete(conn, job, self.worker)
                self.went_well.add(kind.name)
                then()
            case Later(error) if job.attempts <= len(kind.waits):
                due_at = self.db.now() + kind.waits[job.attempts - 1]
                await jobs.back_off(conn, job, self.worker, due_at, error)
                LOG.info("errand put off", extra={"kind": kind.name, "job": job.id, "code": error})
            case Later(error) | Never(error):
                await jobs.park(conn, job, self.worker, error)
                LOG.warning("errand put aside", extra={"kind": kind.name, "job": job.id, "code": error})
            case _:
                assert_never(outcome)

    async def end(self) -> None:
        """Leave a moment to what is in hand, and cut off the rest: whoever comes next does it again."""
        tasks = [task for _, task in self.in_hand.values()]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=LAST_MOMENT)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
