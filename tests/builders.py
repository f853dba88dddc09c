"""Things that tests need made: keys without the waiting, passwords without the hashing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

from federation import keys
from fediverse_support.actions.local_keys import KeyPair
from fediverse_support.lookups import Limits

SECRET = b"thirty-two bytes nobody guesses."
PASSWORD = "three odd socks drying"
PLENTY = Limits(*[(10_000.0, 10_000.0)] * len(Limits.__dataclass_fields__))
"""For scenes in which days of conversation happen within one moment."""
DIFFERENT_KEYS = 9


@cache
def private_pem(number: int) -> bytes:
    """One RSA key per number and test process: making them takes a tenth of a second each."""
    return keys.make_rsa()


@cache
def key_pair(number: int, secret: bytes = SECRET) -> KeyPair:
    """That key as an actor of ours has it."""
    pem = private_pem(number)
    return KeyPair(keys.public_pem(keys.load_private(pem)), keys.seal(pem, secret))


def key_maker() -> Callable[[bytes], Coroutine[Any, Any, KeyPair]]:
    """Return what stands in for `local_keys.make_key_pair`: a few keys, in turn."""
    numbers = itertools.cycle(range(DIFFERENT_KEYS))

    async def make(secret: bytes) -> KeyPair:
        return key_pair(next(numbers), secret)

    return make


class QuickPasswords:
    """Passwords without the waiting: the real hash is tested where it is made."""

    async def hash(self, password: str) -> str:
        return f"quick:{password}"

    async def verify(self, password: str, known: str) -> bool:
        return known == f"quick:{password}"
