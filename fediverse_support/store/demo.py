"""What the demo looks for of what it made before, so that it makes nothing twice."""

from __future__ import annotations

from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import AccountId, ActorId, FollowId

FIND_ACCOUNT: Final = "select id from accounts where name = $1"
FIND_GROUP: Final = "select actor_id from names where name = $1"
IS_BEGUN: Final = "select exists (select 1 from posts where group_id = $1)"
LIST_WAITING: Final = "select id from follows where target_id = $1 and standing = 'pending' order by id"
IS_MET: Final = """
select exists (select 1 from follows f join actors t on t.id = f.target_id where t.host is not null)
"""


async def get_account(conn: Conn, name: str) -> AccountId:
    """Return the account that was made under this name."""
    return AccountId(await conn.fetchval(FIND_ACCOUNT, name))


async def get_group(conn: Conn, name: str) -> ActorId:
    """Return the group that was opened under this name."""
    return ActorId(await conn.fetchval(FIND_GROUP, name))


async def list_waiting(conn: Conn, group_id: ActorId) -> list[FollowId]:
    """Return who asks to join a group."""
    return [FollowId(row["id"]) for row in await conn.fetch(LIST_WAITING, group_id)]


async def is_begun(conn: Conn, group_id: ActorId) -> bool:
    """Say whether anything was written in a group."""
    return bool(await conn.fetchval(IS_BEGUN, group_id))


async def is_met(conn: Conn) -> bool:
    """Say whether anybody here follows somebody elsewhere."""
    return bool(await conn.fetchval(IS_MET))
