"""Signing in and out. A session is a random token in a cookie; only its SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from fediverse_support.db.pool import Db
from fediverse_support.domain.errors import NotAllowed, RateLimited
from fediverse_support.store import sessions

LASTS_FOR: Final = timedelta(days=14)
WINDOW: Final = timedelta(minutes=15)
TRIES_PER_NAME: Final = 10
TRIES_PER_ADDRESS: Final = 50
MAX_PASSWORD: Final = 1024

# Argon2id of a random password nobody has kept, checked for names that do not exist: an unknown name must
# take as
# long as a known one.
NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$YGayh5EEnJa2pHw4Jzw6Jw$VidqHzhQvSmVtyplkgOy8x/T5UDCP4WYsAN+ebmLQy8"
)

Verify = Callable[[str, str], Awaitable[bool]]


def hash_of(token: str) -> bytes:
    """Return what is stored of a session token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def sign_in(db: Db, name: str, password: str, *, verify: Verify, address: str) -> str:
    """Check a name and a password and open a session; return its token.

    `verify(password, hash)` says whether they belong together; `address` is where the request came from.
    Raises `RateLimited` after too many tries for the name or from the address, and `NotAllowed` with code
    `no_match` (the same for a wrong password and an unknown name), `pending` or `closed` (only for the
    right password).
    """
    now = db.now()
    name = name.strip().lower()
    by_name, by_address = _subject("name", name), _subject("address", address)
    limits = {by_name: TRIES_PER_NAME, by_address: TRIES_PER_ADDRESS}
    async with db.transaction() as tx:
        failing_since = await sessions.count_try(tx, limits, now - WINDOW, now)
        login = await sessions.find_login(tx, name)
    if failing_since is not None:
        raise RateLimited(max(failing_since + WINDOW - now, timedelta(minutes=1)))
    known = NOBODY if login is None else login.password_hash
    fits = len(password) <= MAX_PASSWORD and await verify(password, known)
    if login is None or not fits:
        raise NotAllowed(code="no_match")
    if login.standing != "active":
        raise NotAllowed(code="pending" if login.standing == "pending" else "closed")
    token = secrets.token_urlsafe(32)
    async with db.transaction() as tx:
        await sessions.forget_tries(tx, [by_name])
        await sessions.delete_expired(tx, login.account_id, now)
        await sessions.insert_session(tx, hash_of(token), login.account_id, now, now + LASTS_FOR)
    return token


async def sign_out(db: Db, token: str) -> None:
    """End the session of this token; one that is over already is fine."""
    async with db.transaction() as tx:
        await sessions.delete_session(tx, hash_of(token))


def _subject(kind: str, value: str) -> str:
    """Name a subject without keeping it readable: the table lives on for minutes, backups for longer."""
    return f"{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
