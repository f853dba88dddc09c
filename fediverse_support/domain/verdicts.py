"""What policy may answer, from mildest to strictest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

AS_LONG_AS_RULED: Final = frozenset(
    {"domain_suspended", "names_suspended_domain", "not_on_allowlist", "federation_off"}
)
"""Reasons that end with a rule about a server."""


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

    @property
    def is_for_now(self) -> bool:
        """A refusal that a rule about a server gives, and that may be another one once the rule is."""
        return not self.lets_in and not AS_LONG_AS_RULED.isdisjoint(self.reasons)
