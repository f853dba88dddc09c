"""What a server may have taken back while nobody listened to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from fediverse_support.db.pool import Tx

AT_ONCE: Final = 8
"""So many posts are asked for at once,"""
APART: Final = timedelta(seconds=6)
"""and then one each time this has passed: that leaves a third of the questions for what the server sends."""

# Written as if each author had said "this changed, go and look": the worker asks the origin, takes over what
# it says now, and erases the post if it is gone. `apart` of -1 marks that these words are ours, under an id
# which nobody's delivery can have, so that there is one of a post at most. A new number has whoever is asking
# at this moment finish the old one only: what they heard may be from before the silence.
LOOK_AGAIN: Final = """
with looked_at as (
    select p.uri, p.host, a.uri as author, row_number() over (order by p.id desc) as place
    from posts p
    join actors a on a.id = p.author_id
    where p.host is not null and ($1 = any (domain_suffixes(p.host)) or p.host in (
          select n.host from host_names n where $1 = any (domain_suffixes(n.domain))))
      and p.standing in ('visible', 'limited', 'held') and p.audience in ('public', 'unlisted')
    order by p.id desc limit $3
)
insert into receipts (uri, apart, host, signer_uri, body, due_at, received_at)
select i.id, -1, l.host, l.author,
       json_build_object('@context', 'https://www.w3.org/ns/activitystreams', 'id', i.id, 'type', 'Update',
                         'actor', l.author, 'object', l.uri)::text,
       $2::timestamptz + greatest(l.place - $4::int, 0) * $5::interval, $2
from looked_at l
cross join lateral (select l.uri || '#looked-at' as id) i
order by l.place
on conflict (uri, apart) do update set
    id = new_id(), host = excluded.host, signer_uri = excluded.signer_uri, body = excluded.body,
    standing = 'waiting', attempts = 0, last_error = null, about = null, waits_for = null,
    due_at = excluded.due_at, received_at = excluded.received_at
"""


async def look_again(tx: Tx, domain: str, limit: int, now: datetime) -> None:
    """Have the newest public posts of a domain compared with their origin, at most `limit`, each once.

    What waits from the last time is not asked for twice, but from now on.
    """
    await tx.execute(LOOK_AGAIN, domain, now, limit, AT_ONCE, APART)
