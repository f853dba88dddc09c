"""A new password for whoever lost theirs, by an address that somebody of our team hands over."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fediverse_support.actions.accounts import codes
from fediverse_support.actions.accounts.accounts import HashPassword, check_password
from fediverse_support.db.pool import Db
from fediverse_support.domain.codes import NewCode
from fediverse_support.domain.errors import NotAllowed, NotFound
from fediverse_support.domain.instance import Instance
from fediverse_support.store.accounts import codes as stored
from fediverse_support.store.accounts import passwords
from fediverse_support.store.moderation import reports

LASTS_FOR: Final = timedelta(hours=24)


async def offer_reset(db: Db, instance: Instance, name: str) -> str:
    """Return an address under which the account of this name gets a new password once, within 24 hours.

    An earlier one is good no more. For the command line, which may do this; it stands in the record. Raises
    `NotFound` where no account of that name is in use or waits for us.
    """
    now = db.now()
    async with db.transaction() as tx:
        account_id = await passwords.find_account(tx, name.strip().lower())
        if account_id is None:
            raise NotFound(code="no_account_to_let_in", name=name.strip())
        await stored.forget(tx, account_id, "reset")
        code = await codes.make(tx, NewCode("reset", now + LASTS_FOR, account_id), now)
        await reports.log_action(tx, None, "password_reset_offered", name.strip().lower(), "", now)
    return f"{instance.base_url}/new-password/{code}"


async def reset(db: Db, code: str, password: str, *, hash_password: HashPassword, address: str) -> None:
    """Give the account that a code is for this password; all its sessions and apps are signed out.

    `address` is where the request came from. Raises `Invalid` (`password`) before the code is looked at, and
    what `codes.check` raises; where anything is refused the code stays good.
    """
    check_password(password)
    await codes.check(db, "reset", code, address)
    password_hash = await hash_password(password)
    async with db.transaction() as tx:
        used = await codes.use(tx, "reset", code, db.now())
        if used.account_id is None or not await passwords.replace(tx, used.account_id, password_hash):
            raise NotAllowed(code=codes.NOT_GOOD)
        await stored.forget(tx, used.account_id, "reset")
