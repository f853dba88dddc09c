"""Keys for actors of ours, made in a thread and sealed before they touch the database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from federation import keys


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new RSA key: the public half to publish, the private half sealed under the instance's secret."""

    public_pem: str
    sealed: bytes


async def make_key_pair(secret: bytes) -> KeyPair:
    """Make a key; call it before a transaction is opened, for it takes about a tenth of a second."""
    return await asyncio.to_thread(_make, secret)


def _make(secret: bytes) -> KeyPair:
    pem = keys.make_rsa()
    return KeyPair(keys.public_pem(keys.load_private(pem)), keys.seal(pem, secret))
