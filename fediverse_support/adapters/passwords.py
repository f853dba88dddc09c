"""Password hashes: Argon2id, made and checked in a thread so that nobody else waits."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pwdlib.hashers.argon2 import Argon2Hasher


class Passwords:
    """Hashes and checks passwords; at most two at a time, because each takes 19 MiB for its while."""

    def __init__(self) -> None:
        self._two_at_a_time = asyncio.Semaphore(2)

    @cached_property
    def _hasher(self) -> Argon2Hasher:
        # The memory and rounds that OWASP's cheat sheet gives as its first choice. Imported on first use:
        # most processes never check a password.
        from pwdlib.hashers.argon2 import Argon2Hasher

        return Argon2Hasher(memory_cost=19_456, time_cost=2, parallelism=1)

    async def hash(self, password: str) -> str:
        """Return the hash of a password in the usual `$argon2id$…` form."""
        async with self._two_at_a_time:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, known: str) -> bool:
        """Say whether `known` is the hash of `password`; False for a hash that cannot be read."""
        async with self._two_at_a_time:
            return await asyncio.to_thread(self._check, password, known)

    def _check(self, password: str, known: str) -> bool:
        from pwdlib.exceptions import HasherNotAvailable

        try:
            return bool(known) and self._hasher.verify(password, known)
        except (HasherNotAvailable, UnicodeEncodeError, ValueError):
            return False
