"""Who a bearer token of the client API speaks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import AccountId, ActorId

FIND_BEARER: Final = """
select t.scopes, c.standing as account_standing, c.roles, c.id as account_id,
       a.id as actor_id, a.uri, a.name, a.standing as actor_standing
from tokens t
join accounts c on c.id = t.account_id
join actors a on a.id = t.person_id and a.account_id = t.account_id
where t.token_hash = $1
"""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A known token: the person it acts as, what it may do, and whether that login is in use at all."""

    person: Person
    scopes: frozenset[str]
    account_standing: str
    actor_standing: str


async def find_bearer(conn: Conn, token_hash: bytes) -> Bearer | None:
    """Return who holds the token with this SHA-256, or None."""
    row = await conn.fetchrow(FIND_BEARER, token_hash)
    if row is None:
        return None
    person = Person(
        account_id=AccountId(row["account_id"]),
        roles=frozenset(row["roles"]),
        actor_id=ActorId(row["actor_id"]),
        uri=Uri(row["uri"]),
        name=row["name"],
    )
    return Bearer(person, frozenset(row["scopes"]), row["account_standing"], row["actor_standing"])


FIND_RECIPIENT: Final = """
select case when email_confirmed_at is not null then email end as address
from accounts where id = $1 and standing = $2
"""


@dataclass(frozen=True, slots=True)
class Recipient:
    """An account that may be written to: at its address, where it has one that is confirmed."""

    address: str | None


async def find_recipient(conn: Conn, account_id: AccountId, standing: str) -> Recipient | None:
    """Return where to write to an account of this standing; None when there is no such account any more."""
    row = await conn.fetchrow(FIND_RECIPIENT, account_id, standing)
    return None if row is None else Recipient(**row)


LIST_INVITATIONS: Final = """
select i.hint, i.uses_left, i.ends_at, c.name as made_by
from codes i
left join accounts c on c.id = i.made_by
where i.purpose = 'invite' and i.uses_left > 0 and i.ends_at > $1
order by i.ends_at, i.hint
"""


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that is still good. `ends_on` is a day in UTC, `by` "command line" or a sign-in name."""

    code_hint: str
    uses_left: int
    ends_on: str
    by: str


async def list_invitations(conn: Conn, now: datetime) -> list[Invitation]:
    """Return all invitations that are still good, the first to end first."""
    return [
        Invitation(
            code_hint=row["hint"],
            uses_left=row["uses_left"],
            ends_on=row["ends_at"].date().isoformat(),
            by=row["made_by"] or "command line",
        )
        for row in await conn.fetch(LIST_INVITATIONS, now)
    ]
