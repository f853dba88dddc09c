"""What is still to be asked of a server that was not listened to for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx

Kind = Literal["post", "list"]

MOST_ASKED: Final = 500
"""So many posts and lists one server is asked for at most after one suspension."""
ROUNDS: Final = 4
PAGES: Final = 5
MOST_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class CatchUp:
    """One thing to ask `host` for; `rounds` is how much further it may lead, `pages` how many may follow."""

    uri: Uri
    host: Host
    kind: Kind
    rounds: int
    pages: int
    attempts: int


# The threads that both sides took part in, or that somebody here follows, newest first; of each its
# root and the newest few posts of theirs, which name the lists that go on from there. Four seconds lie
# between two questions.
BEGIN: Final = """
with theirs as materialized (
    select p.id, p.uri, p.host, p.root_id
    from actors a join posts p on p.author_id = a.id
    where a.host is not null and ($1 = any (domain_suffixes(a.host)) or a.host in (
          select n.host from host_names n where $1 = any (domain_suffixes(n.domain))))
      and not is_cut_off(a.host)
      and p.standing in ('visible', 'limited', 'held') and p.audience in ('public', 'unlisted')
    order by p.id desc limit 5000
), threads as materialized (
    select r.id, row_number() over (order by r.active_at desc, r.id desc) as place
    from posts r
    left join actors g on g.id = r.group_id
    where r.id in (select root_id from theirs) and not r.is_locked
      and r.standing in ('visible', 'limited', 'held') and r.audience in ('public', 'unlisted')
      and (g.id is not null and g.host is null
           or exists (select 1 from posts o where o.root_id = r.id and o.host is null)
           or exists (select 1 from follows f join actors m on m.id = f.follower_id
                      where f.target_id in (r.author_id, r.group_id) and f.standing = 'accepted'
                        and m.host is null))
    order by r.active_at desc, r.id desc limit 50
), chosen as (
    select t.uri, t.host, h.place, t.id,
           row_number() over (partition by t.root_id order by t.id = t.root_id desc, t.id desc) as nth
    from theirs t join threads h on h.id = t.root_id
)
insert into catch_ups (uri, host, kind, rounds, pages, due_at)
select c.uri, c.host, 'post', $3, 0,
       $2::timestamptz + row_number() over (order by c.place, c.nth) * interval '4 seconds'
from chosen c where c.nth <= 5
order by c.place, c.nth limit $4
on conflict (uri) do update set kind = 'post', rounds = excluded.rounds, pages = excluded.pages,
    due_at = excluded.due_at, attempts = 0, asked_at = null
"""
FORGET: Final = """
delete from catch_ups where $1 = any (domain_suffixes(host)) or host in (
    select n.host from host_names n where $1 = any (domain_suffixes(n.domain)))
"""


async def begin(tx: Tx, domain: str, now: datetime) -> None:
    """Note what to ask a domain's servers for: nothing where nothing was shared. What was noted is over."""
    await tx.execute(FORGET, domain)
    await tx.execute(BEGIN, domain, now, ROUNDS, MOST_ASKED)


TAKE: Final = """
update catch_ups set attempts = attempts + 1, due_at = $1::timestamptz + interval '5 minutes'
where uri = (
    select uri from catch_ups where asked_at is null and due_at <= $1 and attempts < $2
    order by due_at limit 1 for update skip locked)
returning uri, host, kind, rounds, pages, attempts
"""


async def take(conn: Conn, now: datetime) -> CatchUp | None:
    """Return what is due to be asked; whoever took it has five minutes."""
    row = await conn.fetchrow(TAKE, now, MOST_TRIES)
    return None if row is None else CatchUp(**row)


# What is here already, or was deleted, is not asked for; neither is anything beyond what one server may be
# asked.
ADD: Final = """
insert into catch_ups (uri, host, kind, rounds, pages, due_at)
select g.uri, $2, $3, $4, $5, $6::timestamptz + g.place * interval '4 seconds'
from unnest($1::text[]) with ordinality as g (uri, place)
where not exists (select 1 from posts p where p.uri = g.uri)
  and not exists (select 1 from tombstones t where t.uri = g.uri)
  and not exists (select 1 from catch_ups c where c.uri = g.uri)
order by g.place
limit greatest(0, $7 - (select count(*) from catch_ups where host = $2))
on conflict (uri) do nothing
"""


async def add(
    tx: Tx, host: Host, kind: Kind, found: Sequence[Uri], *, rounds: int, pages: int, now: datetime
) -> None:
    """Note what else to ask a server for; each once, and no more than it may be asked."""
    await tx.execute(ADD, list(found), host, kind, rounds, pages, now, MOST_ASKED)


FINISH: Final = "update catch_ups set asked_at = $2 where uri = $1"
PUT_OFF: Final = "update catch_ups set due_at = $2, attempts = attempts - $3 where uri = $1"


async def finish(tx: Tx, uri: Uri, now: datetime) -> None:
    """Have done with a question."""
    await tx.execute(FINISH, uri, now)


async def put_off(tx: Tx, uri: Uri, due_at: datetime, *, counts: bool) -> None:
    """Ask later; without `counts` this was no try."""
    await tx.execute(PUT_OFF, uri, due_at, 0 if counts else 1)
