"""One-time codes: made, tried and used. Tries are bounded by the place they come from.

Opening a code's address does nothing and asks nothing, so that whoever fetches it beforehand (a mail filter,
a preview) uses nothing up and learns nothing. A code that is wrong, used or over gets one same answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from fediverse_support.actions.accounts.sessions import subject
from fediverse_support.db.pool import Db, Tx
from fediverse_support.domain.codes import NewCode, Purpose, Used, fresh_code
from fediverse_support.domain.errors import NotAllowed, RateLimited
from fediverse_support.domain.places import place_of
from fediverse_support.store.accounts import codes, sessions

WINDOW: Final = timedelta(hours=1)
TRIES_PER_PLACE: Final = 60
NOT_GOOD: Final = "code_over"
"""The refusal's code for each code that opens nothing."""


async def make(tx: Tx, new: NewCode, now: datetime) -> str:
    """Write a fresh code down and return it; from now on only its hash is here."""
    code = fresh_code()
    await codes.insert(tx, code, new, now)
    return code


async def check(db: Db, purpose: Purpose, code: str, address: str) -> None:
    """Raise unless a code could be used now: `NotAllowed` (`code_over`), after too many tries `RateLimited`.

    `address` is where the request came from. Done before anything that costs much.
    """
    now = db.now()
    async with db.transaction() as tx:
        limits = {subject("codes", place_of(address)): TRIES_PER_PLACE}
        since = await sessions.count_try(tx, limits, now - WINDOW, now)
        is_good = await codes.holds(tx, purpose, code, now)
    if since is not None:
        raise RateLimited(max(since + WINDOW - now, timedelta(minutes=1)))
    if not is_good:
        raise NotAllowed(code=NOT_GOOD)


async def use(tx: Tx, purpose: Purpose, code: str, now: datetime) -> Used:
    """Use a code once, together with what it is for; raise `NotAllowed` (`code_over`) unless it is good."""
    used = await codes.use(tx, purpose, code, now)
    if used is None:
        raise NotAllowed(code=NOT_GOOD)
    return used
