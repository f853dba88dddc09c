"""The table of errands: how many of a kind are done at once, how they are tried again, and by which step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fediverse_support.domain.jobs import JobKind
from fediverse_support.store.jobs import Job
from fediverse_support.workers.errands import housekeeping, mail
from fediverse_support.workers.errands.outcomes import Outcome
from fediverse_support.workers.errands.outside import Outside

Step = Callable[[Outside, Job], Awaitable[Outcome]]

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
A_WEEK: Final = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, *(3 * HOUR,) * 55)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of errand. Its lanes are named by whoever writes one down; of each, one at a time is done.

    `waits` stand between two tries, and after the last it is put aside. One try takes `seconds` at most.
    """

    name: JobKind
    at_once: int
    waits: tuple[timedelta, ...]
    seconds: float
    step: Step


KINDS: Final = (
    # lane: the domain of the address, so that one server that puts us off delays nobody else's mail
    Kind("mail", 4, A_WEEK, 60.0, mail.step),
    # lane: the chore itself, so that it is never done twice at the same time
    Kind("housekeeping", 1, (MINUTE, 5 * MINUTE, 15 * MINUTE), 1800.0, housekeeping.errand),
)
