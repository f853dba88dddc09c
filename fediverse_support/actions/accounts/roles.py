"""Who has which role in our team."""

from __future__ import annotations

from collections.abc import Collection

from fediverse_support.db.pool import Db
from fediverse_support.domain.actors import Person, Role
from fediverse_support.domain.errors import Conflict, NotFound
from fediverse_support.policy import access
from fediverse_support.store.accounts import roles
from fediverse_support.store.moderation import reports


async def change_roles(
    db: Db,
    by: Person | None,
    name: str,
    *,
    gives: Collection[Role] = (),
    takes: Collection[Role] = (),
) -> frozenset[Role]:
    """Give an account roles and take others from it; return those it has then. `by` None: command line.

    Roles in both are given. Raises `NotFound` for whoever does not administer this server and where there is
    no active account of that name, `Conflict` (`last_admin`) where nobody would administer it any more.
    """
    if by is not None and not access.may(by.roles, "administer"):
        raise NotFound
    now = db.now()
    async with db.transaction() as tx:
        known = await roles.lock_team(tx, name.strip())
        account = next((one for one in known if one.is_named), None)
        if account is None:
            raise NotFound(code="no_account", name=name.strip())
        after = (account.roles - frozenset(takes)) | frozenset(gives)
        others = [one for one in known if one is not account]
        is_last = access.may(account.roles, "administer") and not access.may(after, "administer")
        if is_last and not any(access.may(one.roles, "administer") for one in others):
            raise Conflict(code="last_admin", name=account.name)
        if after != account.roles:
            await roles.set_roles(tx, account.id, after)
            by_id, said = None if by is None else by.account_id, " ".join(sorted(after)) or "member"
            await reports.log_action(tx, by_id, "roles_changed", account.name, said, now)
    return after
