"""The roles of accounts in our team: every write on them but the first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.actors import Role
from fediverse_support.domain.ids import AccountId


@dataclass(frozen=True, slots=True)
class TeamAccount:
    """An active account with its roles; `is_named` is the one that was asked for."""

    id: AccountId
    name: str
    roles: frozenset[Role]
    is_named: bool


# In one order, so that two who take a role from each other wait, and the second sees what the first did.
LOCK_TEAM: Final = """
select c.id, c.name, c.roles, lower(c.name) = lower($1) as is_named
from accounts c
where c.standing = 'active' and (c.roles <> '{}' or lower(c.name) = lower($1))
order by c.id
for update
"""
SET_ROLES: Final = "update accounts set roles = $2 where id = $1"


async def lock_team(tx: Tx, name: str) -> list[TeamAccount]:
    """Return the account of this name and all that have a role; nobody else changes their roles meanwhile."""
    rows = await tx.fetch(LOCK_TEAM, name)
    return [TeamAccount(**{**row, "roles": frozenset(row["roles"])}) for row in rows]


async def set_roles(tx: Tx, account_id: AccountId, roles: Collection[Role]) -> None:
    """Let an account have these roles and no others."""
    await tx.execute(SET_ROLES, account_id, sorted(roles))
