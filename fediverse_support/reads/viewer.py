"""Who is looking, and as whom: an account with all its names, or a visitor.

Pages read with all names of an account, and act under one. Every list over posts asks
`can_see(post, readers)` in SQL with the numbers this module gives; nothing else decides what may be read.
Nothing that leaves the server, and nothing that others see, holds two names of one account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asyncpg import Record

from federation.uris import Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain import house
from fediverse_support.domain.actors import Person
from fediverse_support.domain.house import House, Overrides
from fediverse_support.domain.ids import AccountId, ActorId, PostId

Readers = Sequence[ActorId]
"""The names somebody reads with; none for a visitor."""


@dataclass(frozen=True, slots=True)
class Name:
    """A person of an account, as others see them. `for_group_id` is the group it was made for, None for talk
    in the open."""

    person: Person
    display_name: str
    for_group_id: ActorId | None


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in account; `moderates` when at least one group is in their care.

    `names` are all it has, that for talk in the open first, if there is one. `person` stands for the account
    in what only its owner and our team see.
    """

    names: tuple[Name, ...]
    moderates: bool

    @property
    def person(self) -> Person:
        """The name for talk in the open, or the first there is."""
        return self.names[0].person

    @property
    def display_name(self) -> str:
        """How `person` is called."""
        return self.names[0].display_name

    @property
    def readers(self) -> Readers:
        """All names, as `can_see` is asked with them."""
        return [name.person.actor_id for name in self.names]

    def named(self, actor_id: ActorId) -> Name | None:
        """Return this name, or None where it is not theirs."""
        return next((name for name in self.names if name.person.actor_id == actor_id), None)


# With what the organisation decided, which every page needs: so a page of somebody costs no question more.
FIND_VIEWER: Final = """
select house_now() as house,
       v.account_id, v.roles, v.actor_id, v.uri, v.name, v.for_group_id, v.display_name, v.moderates
from (select 1) as always left join lateral (
    select c.id as account_id, c.roles, a.id as actor_id, a.uri, a.name, a.for_group_id,
           name_shown(a.display_name, a.name) as display_name,
           moderates_any(a.id) as moderates
    from sessions s
    join accounts c on c.id = s.account_id
    join actors a on a.account_id = c.id
    where s.token_hash = $1 and s.expires_at > $2
      and c.standing = 'active' and a.standing in ('visible', 'limited')
) v on true
order by v.for_group_id nulls first
"""


async def find_viewer(
    conn: Conn, token_hash: bytes, now: datetime, overrides: Overrides
) -> tuple[Viewer | None, House]:
    """Return whose session has this token hash, and what the organisation decided.

    None when the session is over, their account is closed, or all their names are.
    """
    rows = await conn.fetch(FIND_VIEWER, token_hash, now)
    decided = house.read(rows[0]["house"], overrides)
    if rows[0]["account_id"] is None:
        return None, decided
    return Viewer(tuple(_name(row) for row in rows), any(row["moderates"] for row in rows)), decided


def _name(row: Record) -> Name:
    person = Person(
        account_id=AccountId(row["account_id"]),
        roles=frozenset(row["roles"]),
        actor_id=ActorId(row["actor_id"]),
        uri=Uri(row["uri"]),
        name=row["name"],
    )
    return Name(person, row["display_name"], row["for_group_id"])


# Of names that may read the group, the one that was made for it, else the one for talk in the open. Where
# nobody reads before they are let in, they ask under the same.
ACTING_IN: Final = """
select n.id from unnest($1::bigint[], $2::bigint[]) as n (id, for_group_id)
where coalesce(n.for_group_id, $3) = $3
order by can_see_group($3, array[n.id]) desc, n.for_group_id is null
limit 1
"""
# Of names that may read the post: whom it was meant for, the one made for its group, the one for talk in the
# open. A name made for another group is nobody here, unless it was written to.
ACTING_ON: Final = """
select n.id
from posts p
cross join unnest($1::bigint[], $2::bigint[]) as n (id, for_group_id)
cross join lateral (
    select p.audience in ('followers', 'direct') as is_personal,
           (select true from mentions m where m.post_id = p.id and m.actor_id = n.id) as is_named) t
where p.id = $3 and can_see(p, array[n.id])
  and (n.for_group_id is null or n.for_group_id = p.group_id or t.is_personal)
order by (t.is_personal and t.is_named) is not true, n.for_group_id = p.group_id desc nulls last,
    n.for_group_id nulls first
limit 1
"""


async def acting_in(conn: Conn, viewer: Viewer, group_id: ActorId) -> Name | None:
    """Return the name under which an account acts in a group, or asks to join it; None where it has none."""
    if (only := _only(viewer)) is not None:
        return only
    found = await conn.fetchval(ACTING_IN, viewer.readers, _made_for(viewer), group_id)
    return None if found is None else viewer.named(found)


async def acting_on(conn: Conn, viewer: Viewer, post_id: PostId) -> Name | None:
    """Return the name under which an account answers a post, or does anything else with it.

    It may itself read the post; what was written to one name is answered under that one. None where there is
    none.
    """
    if (only := _only(viewer)) is not None:
        return only
    found = await conn.fetchval(ACTING_ON, viewer.readers, _made_for(viewer), post_id)
    return None if found is None else viewer.named(found)


def _only(viewer: Viewer) -> Name | None:
    """Return the name of an account that has one, for talk in the open: what is done asks whether it may."""
    names = viewer.names
    return names[0] if len(names) == 1 and names[0].for_group_id is None else None


def _made_for(viewer: Viewer) -> list[ActorId | None]:
    return [name.for_group_id for name in viewer.names]
