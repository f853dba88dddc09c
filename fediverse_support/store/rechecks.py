"""What a server may have taken back while nobody listened to it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Tx

# Written as if each author had said "this changed, go and look": the worker asks the origin, takes over what
# it says now, and erases the post if it is gone.
LOOK_AGAIN: Final = """
insert into receipts (uri, host, signer_uri, body, due_at, received_at)
select i.id, p.host, a.uri,
       json_build_object('@context', 'https://www.w3.org/ns/activitystreams', 'id', i.id, 'type', 'Update',
                         'actor', a.uri, 'object', p.uri)::text, $2, $2
from posts p
join actors a on a.id = p.author_id
cross join lateral (select p.uri || '#looked-at-' || extract(epoch from $2::timestamptz)::bigint as id) i
where p.host is not null and ($1 = any (domain_suffixes(p.host)) or p.host in (
      select n.host from host_names n where $1 = any (domain_suffixes(n.domain))))
  and p.standing in ('visible', 'limited', 'held') and p.audience in ('public', 'unlisted')
order by p.id desc limit $3
on conflict (uri, apart) do nothing
"""


async def look_again(tx: Tx, domain: str, limit: int, now: datetime) -> None:
    """Have the newest public posts of a domain compared with their origin, at most `limit`."""
    await tx.execute(LOOK_AGAIN, domain, now, limit)
