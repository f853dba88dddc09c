"""One-time codes: what they are for, and how one is made.

Whoever has a code may do the one thing that it is for, so it has as many random bits as a key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from fediverse_support.domain.ids import AccountId, fresh_token

Purpose = Literal["reset", "invite"]

HINT_LETTERS: Final = 5
"""So many letters of an invitation are kept and shown to staff; the 26 others alone are 130 random bits."""
LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code to be written down. `account_id` is for whom it is, `made_by` None for the command line."""

    purpose: Purpose
    ends_at: datetime
    account_id: AccountId | None = None
    made_by: AccountId | None = None
    payload: dict[str, str | int] = field(default_factory=dict)
    uses: int = 1
    has_hint: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """What a code that was good said, and for whom it was."""

    account_id: AccountId | None
    payload: dict[str, str | int]


def fresh_code() -> str:
    """Return 31 random small letters and digits (155 bits)."""
    return fresh_token()[:HINT_LETTERS] + fresh_token()


def hash_of(code: str) -> bytes:
    """Return what is stored of a code, however somebody wrote it."""
    return hashlib.sha256(code.strip().lower()[:LONGEST].encode("utf-8", "surrogatepass")).digest()
