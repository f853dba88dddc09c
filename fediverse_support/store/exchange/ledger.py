"""Which hosts hold a copy of a post of ours. A deletion has to reach all of them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from federation.uris import Host
from fediverse_support.db.pool import Conn
from fediverse_support.domain.ids import PostId

NOTE: Final = """
insert into copies (post_id, how, hosts, since_at)
select $1, 'fetched', hosts_of(array[peer_number($2)]), $3
where not exists (
    select 1 from copies c join peers p on p.host = $2 where c.post_id = $1 and has_host(c.hosts, p.number))
on conflict (post_id, how) do update set hosts = all_hosts(copies.hosts, excluded.hosts)
"""


async def note_fetch(conn: Conn, post_id: PostId, host: Host, now: datetime) -> None:
    """Remember that a host has fetched a post; the first way it got there stays."""
    await conn.execute(NOTE, post_id, host, now)
