"""What policy may answer, from mildest to strictest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """The five answers; the strictest given wins."""

    ACCEPT = 0
    LIMIT = 1
    HOLD = 2
    DROP = 3
    REJECT = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rank and every reason for it and for milder ones, as stable codes."""

    rank: Rank
    reasons: tuple[str, ...] = ()

    @property
    def lets_in(self) -> bool:
        """Something is stored."""
        return self.rank <= Rank.HOLD
