"""Who is looking: the signed-in person behind a session, or a visitor.

Every list over posts asks `can_see(post, viewer)` in SQL with the number this module gives; nothing else
decides what may be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Conn
from fediverse_support.db.rows import only
from fediverse_support.domain import house
from fediverse_support.domain.actors import Person
from fediverse_support.domain.house import House, Overrides
from fediverse_support.domain.ids import AccountId, ActorId


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person with the name others see; `moderates` when at least one group is in their care."""

    person: Person
    display_name: str
    moderates: bool


# With what the organisation decided, which every page needs: so a page of somebody costs no question more.
FIND_VIEWER: Final = """
select house_now() as house, v.account_id, v.roles, v.actor_id, v.uri, v.name, v.display_name, v.moderates
from (select 1) as always left join lateral (
    select c.id as account_id, c.roles, a.id as actor_id, a.uri, a.name,
           coalesce(nullif(a.display_name, ''), a.name) as display_name,
           moderates_any(a.id) as moderates
    from sessions s
    join accounts c on c.id = s.account_id
    join actors a on a.account_id = c.id and a.for_group_id is null
    where s.token_hash = $1 and s.expires_at > $2
      and c.standing = 'active' and a.standing in ('visible', 'limited')
) v on true
"""


async def find_viewer(
    conn: Conn, token_hash: bytes, now: datetime, overrides: Overrides
) -> tuple[Viewer | None, House]:
    """Return the person whose session has this token hash, and what the organisation decided.

    None when the session is over or their account is closed.
    """
    row = only(await conn.fetchrow(FIND_VIEWER, token_hash, now))
    decided = house.read(row["house"], overrides)
    if row["account_id"] is None:
        return None, decided
    person = Person(
        account_id=AccountId(row["account_id"]),
        roles=frozenset(row["roles"]),
        actor_id=ActorId(row["actor_id"]),
        uri=Uri(row["uri"]),
        name=row["name"],
    )
    return Viewer(person=person, display_name=row["display_name"], moderates=row["moderates"]), decided
