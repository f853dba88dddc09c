"""Signing in and out. A session is a random token in a cookie; only its SHA-256 is stored.

Guessing is counted by the place it comes from, never by the name alone: names are public, and whoever knows
one must not be able to keep its owner out. A device that signed in before has a count of its own. While a
name is being guessed from many places, those that nobody knows get fewer tries, and each takes longer.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from fediverse_support.db.pool import Db
from fediverse_support.domain.errors import NotAllowed, RateLimited
from fediverse_support.domain.places import place_of
from fediverse_support.store.accounts import sessions

LASTS_FOR: Final = timedelta(days=14)
WINDOW: Final = timedelta(minutes=15)
TRIES_PER_NAME: Final = 10
"""Of one place or one device, for one name."""
TRIES_PER_PLACE: Final = 50
"""Of one place, for all names."""
GUESSED: Final = 20
"""Tries for one name, from wherever, from which on it counts as being guessed."""
TRIES_WHILE_GUESSED: Final = 3
PAUSE: Final = 3.0
"""Seconds that a try from an unknown place takes longer while its name is being guessed."""
MAX_PASSWORD: Final = 1024

# Argon2id of a random password nobody has kept, checked for names that do not exist: an unknown name must
# take as
# long as a known one.
NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$YGayh5EEnJa2pHw4Jzw6Jw$VidqHzhQvSmVtyplkgOy8x/T5UDCP4WYsAN+ebmLQy8"
)

Verify = Callable[[str, str], Awaitable[bool]]
Pause = Callable[[float], Awaitable[None]]


def hash_of(token: str) -> bytes:
    """Return what is stored of a session token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def sign_in(
    db: Db,
    name: str,
    password: str,
    *,
    verify: Verify,
    address: str,
    device: str | None = None,
    pause: Pause = asyncio.sleep,
) -> str:
    """Check a name and a password and open a session; return its token.

    `verify(password, hash)` says whether they belong together; `address` is where the request came from;
    `device` is the id of a browser that is known to have signed in with this name before; `pause` waits for
    so many seconds. Raises `RateLimited` after too many tries by this device, or from this place; and
    `NotAllowed` with code `no_match` (the same for a wrong password and an unknown name), `pending` or
    `closed` (only for the right password).
    """
    now = db.now()
    name = name.strip().lower()
    by_name, own = subject("name", name), _own_subject(name, address, device)
    async with db.transaction() as tx:
        is_guessed = await sessions.count_tries(tx, by_name, now - WINDOW, GUESSED) >= GUESSED
        limits = {own: TRIES_PER_NAME}
        if device is None:
            limits[own] = TRIES_WHILE_GUESSED if is_guessed else TRIES_PER_NAME
            limits[subject("place", place_of(address))] = TRIES_PER_PLACE
        failing_since = await sessions.count_try(tx, limits, now - WINDOW, now, also=by_name)
        login = await sessions.find_login(tx, name)
    if failing_since is not None:
        raise RateLimited(max(failing_since + WINDOW - now, timedelta(minutes=1)))
    if is_guessed and device is None:
        await pause(PAUSE)
    known = NOBODY if login is None else login.password_hash
    fits = len(password) <= MAX_PASSWORD and await verify(password, known)
    if login is None or not fits:
        raise NotAllowed(code="no_match")
    if login.standing != "active":
        raise NotAllowed(code="pending" if login.standing == "pending" else "closed")
    token = secrets.token_urlsafe(32)
    async with db.transaction() as tx:
        await sessions.forget_tries(tx, [own])
        await sessions.delete_expired(tx, login.account_id, now)
        if not await sessions.insert_session(tx, hash_of(token), login, now, now + LASTS_FOR):
            raise NotAllowed(code="no_match")
    return token


async def sign_out(db: Db, token: str) -> None:
    """End the session of this token; one that is over already is fine."""
    async with db.transaction() as tx:
        await sessions.delete_session(tx, hash_of(token))


def _own_subject(name: str, address: str, device: str | None) -> str:
    """Return what the tries of one device, or of one place for one name, are counted under."""
    if device is not None:
        return subject("device", device)
    return subject("pair", f"{name} {place_of(address)}")


def subject(kind: str, value: str) -> str:
    """Name what tries are counted under without keeping it readable: its rows live on for two hours at most,
    backups for longer.
    """
    return f"{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
