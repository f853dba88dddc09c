"""Invitations to this server: whoever has the address comes in, for as many and as long as was said."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fediverse_support.actions.accounts import codes
from fediverse_support.db.pool import Db
from fediverse_support.domain.codes import HINT_LETTERS, NewCode
from fediverse_support.domain.errors import Conflict, Invalid, NotFound
from fediverse_support.domain.instance import Instance
from fediverse_support.store.accounts import codes as stored
from fediverse_support.store.moderation import reports

MOST_USES: Final = 1_000
MOST_DAYS: Final = 365


async def create(db: Db, instance: Instance, *, uses: int, days: int) -> str:
    """Return an address under which so many people make an account here, within so many days.

    For the command line, which may do this; it stands in the record by its first five letters. Raises
    `Invalid` (`uses`, `days`: out_of_range).
    """
    if not 1 <= uses <= MOST_USES:
        raise Invalid({"uses": "out_of_range"}, most_uses=MOST_USES)
    if not 1 <= days <= MOST_DAYS:
        raise Invalid({"days": "out_of_range"}, most_days=MOST_DAYS)
    now = db.now()
    new = NewCode("invite", now + timedelta(days=days), uses=uses, has_hint=True)
    async with db.transaction() as tx:
        code = await codes.make(tx, new, now)
        await reports.log_action(tx, None, "invitation_made", code[:HINT_LETTERS], "", now)
    return f"{instance.base_url}/join/{code}"


async def revoke(db: Db, typed: str) -> str:
    """Let an invitation be good no more; return its first five letters.

    `typed` is its address, its code or those letters. Raises `NotFound`, and `Conflict` where the letters
    are those of several.
    """
    code = typed.strip().rstrip("/").rpartition("/")[2].lower()
    async with db.transaction() as tx:
        gone = await stored.revoke(tx, code)
        if not gone:
            raise NotFound(code="no_invitation", hint=code[:HINT_LETTERS])
        if len(gone) > 1:
            raise Conflict(code="several_invitations")
        await reports.log_action(tx, None, "invitation_revoked", gone[0], "", db.now())
    return gone[0]
