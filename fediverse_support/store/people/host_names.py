"""By which domains servers name their people, and who is named so."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx

MOST_NAMES: Final = 20

IS_WORTH_ASKING: Final = """
select coalesce((select asked_at is null or names_people_by is not null from peers where host = $1), true)
"""
NOTE: Final = """
with noted as (
    insert into peers (host, names_people_by) values ($1, $2)
    on conflict (host) do update set names_people_by = excluded.names_people_by
)
insert into host_names (host, domain, since_at)
select $1, $2, $3
where not $2 = any (domain_suffixes($1)) and (select count(*) from host_names where host = $1) < $4
on conflict do nothing
"""
SHOWN_AT: Final = "select handle_host from actors where uri = $1 and host is not null"
SHOW_AT: Final = """
update actors set handle_host = $2
where uri = $1 and lower(name) = lower($3) and host is not null and handle_host is distinct from $2
"""


async def is_worth_asking(conn: Conn, host: Host) -> bool:
    """Say whether a host names people by another domain than its own, or was never asked anything."""
    return bool(await conn.fetchval(IS_WORTH_ASKING, host))


async def note(tx: Tx, host: Host, domain: Host, now: datetime) -> None:
    """Note that a host names people by a domain: from now on a rule for that counts for it, too."""
    await tx.execute(NOTE, host, domain, now, MOST_NAMES)


async def shown_at(conn: Conn, uri: Uri) -> Host | None:
    """Return the domain in the handle under which an actor elsewhere is shown."""
    found = await conn.fetchval(SHOWN_AT, uri)
    return None if found is None else Host(found)


async def show_at(tx: Tx, uri: Uri, name: str, domain: Host) -> None:
    """Show an actor under `name@domain`, if that is its name."""
    await tx.execute(SHOW_AT, uri, domain, name)
