"""What we learned about a host: its software's habits, not its people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from federation.delivery import Scheme
from federation.uris import Host
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.db.rows import only
from fediverse_support.domain.moderation import Severity
from fediverse_support.store.exchange.outgoing import PeerClass

ASK_AGAIN_AFTER: Final = timedelta(days=7)

NEEDS_ASKING: Final = """
select not exists (select 1 from peers where host = $1 and asked_at > $2)
"""
LEARN: Final = """
insert into peers (host, software, announce_class, asked_at) values ($1, $2, $3, $4)
on conflict (host) do update set software = excluded.software, asked_at = excluded.asked_at,
    announce_class = case when peers.class_fixed then peers.announce_class else excluded.announce_class end
"""
MANNERS: Final = """
select rule_for($1) as severity, (select signature_scheme from peers where host = $1) as scheme
"""
SET_SCHEME: Final = """
insert into peers (host, signature_scheme) values ($1, $2)
on conflict (host) do update set signature_scheme = excluded.signature_scheme
"""


async def needs_asking(conn: Conn, host: Host, now: datetime) -> bool:
    """Say whether a host's software is unknown, or was asked for long ago."""
    return bool(await conn.fetchval(NEEDS_ASKING, host, now - ASK_AGAIN_AFTER))


async def learn(
    tx: Tx, host: Host, software: str | None, announce_class: PeerClass | None, now: datetime
) -> None:
    """Store what a host says it runs, and which form of Announce that understands."""
    await tx.execute(LEARN, host, software, announce_class, now)


async def find_manners(conn: Conn, host: Host) -> tuple[Severity | None, Scheme]:
    """Return the rule on a host, and the signature scheme that worked last with it."""
    row = only(await conn.fetchrow(MANNERS, host))
    return row["severity"], row["scheme"] or "cavage"


HEARD: Final = """
insert into peers (host, last_heard_at) values ($1, $2)
on conflict (host) do update set last_heard_at = excluded.last_heard_at
"""


async def hear(tx: Tx, host: Host, now: datetime) -> None:
    """Note when a host last told us something that it proved."""
    await tx.execute(HEARD, host, now)


NOTE_KEY_FAULT: Final = """
insert into peers (host, key_fault, key_fault_at) values ($1, $2, $3)
on conflict (host) do update set key_fault = excluded.key_fault, key_fault_at = excluded.key_fault_at
"""


async def note_key_fault(tx: Tx, host: Host, fault: str, now: datetime) -> None:
    """Remember why somebody's key on a host was refused last: `key_too_small`."""
    await tx.execute(NOTE_KEY_FAULT, host, fault, now)


async def set_signature_scheme(tx: Tx, host: Host, scheme: Scheme) -> None:
    """Remember the signature scheme that works with a host."""
    await tx.execute(SET_SCHEME, host, scheme)
