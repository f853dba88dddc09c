"""Other servers as staff see them: the rules in force, whom we have met, and what a rule would change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.db.rows import only
from fediverse_support.domain.moderation import Severity

MOST: Final = 1000
"""Up to how many of a kind are counted for what a rule would change; the statement has it written out."""


@dataclass(frozen=True, slots=True)
class ServerLine:
    """A server or domain in the list. `rule` is what is in force for it, its own or a wider one's."""

    domain: str
    rule: Severity | None
    reason: str
    software: str | None
    last_heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class ServerView:
    """One domain: its own rule, what is in force, and what suspending it would cut, without names.

    `servers_below` are other servers we have met that its rule covers too, at most `MOST_BELOW` + 1.
    `MOST` of something means that many or more; copies are those of the newest five thousand posts that left.
    `key_fault_at` is when somebody there was last refused because their key is too small to prove anything.
    """

    own_rule: Severity | None
    rule: Severity | None
    reason: str
    private_note: str
    updated_at: datetime | None
    key_fault_at: datetime | None
    our_people_there: int
    their_people_here: int
    our_posts_held: int
    their_posts_held: int
    servers_below: list[str]


FIND_REASON: Final = """
select r.reason from domain_rules r
where r.domain = any (domain_suffixes($1)) and is_cut_off($1)
order by length(r.domain) desc limit 1
"""


async def find_reason(conn: Conn, host: str) -> str:
    """Return why a server is suspended, in the words that were meant for everybody; empty without any."""
    return await conn.fetchval(FIND_REASON, host) or ""


MOST_BELOW: Final = 20
LIST_SERVERS: Final = """
select s.domain, coalesce(s.rule, (select r.severity from rule_for_each(s.domain) r (severity))) as rule,
       s.reason, s.software, s.last_heard_at
from (
    select d.domain, d.severity as rule, d.reason, p.software, p.last_heard_at
    from domain_rules d left join peers p on p.host = d.domain
    union all
    select p.host, null, '', p.software, p.last_heard_at
    from peers p where not exists (select 1 from domain_rules d where d.domain = p.host)
    order by 1
    limit 500) s
order by s.domain
"""


async def list_servers(conn: Conn) -> list[ServerLine]:
    """Return every domain with a rule and every server met, A to Z."""
    return [ServerLine(**row) for row in await conn.fetch(LIST_SERVERS)]


# Hosts are found one by one in their index, and what is at each is counted up to `MOST`.
FIND_SERVER: Final = """
with recursive known (host) as (
    (select a.host from actors a where a.host is not null order by a.host limit 1)
    union all
    select (select a.host from actors a where a.host > k.host order by a.host limit 1)
    from known k where k.host is not null
), hosts as materialized (
    select k.host from known k
    where k.host = $1 or split_part(k.host, ':', 1) = $1
       or right(split_part(k.host, ':', 1), length($1) + 1) = '.' || $1
       or k.host in (
           select n.host from host_names n where $1 = any (domain_suffixes(n.domain)))
), numbers as materialized (
    select hosts_of(array_agg(o.number)) as of_hosts from hosts h join peers o on o.host = h.host
    where o.number is not null
)
select d.severity as own_rule, rule_for($1) as rule, coalesce(d.reason, '') as reason,
       coalesce(d.private_note, '') as private_note, d.updated_at,
       (select max(p.key_fault_at) from peers p
        where p.key_fault is not null and (
            p.host = $1 or split_part(p.host, ':', 1) = $1
            or right(split_part(p.host, ':', 1), length($1) + 1) = '.' || $1)) as key_fault_at,
       (select count(*) from (
            select 1 from actors o
            where o.account_id is not null
              and (select true from follows f
                   where f.follower_id = o.id and f.standing = 'accepted' and (
                       select t.host from actors t where t.id = f.target_id) in (select h.host from hosts h)
                   limit 1)
            limit 1000) c) as our_people_there,
       (select count(*) from (
            select 1 from hosts h join actors a on a.host = h.host
            where (select true from follows f
                   where f.follower_id = a.id and f.standing = 'accepted'
                     and (select t.host is null from actors t where t.id = f.target_id) limit 1)
            limit 1000) c) as their_people_here,
       (select count(*) from (
            select distinct on (c.post_id) c.post_id
            from (select c.post_id, c.hosts from copies c order by c.post_id desc limit 5000) c
            cross join numbers n
            where have_common_host(c.hosts, n.of_hosts)
            order by c.post_id desc limit 1000) c) as our_posts_held,
       (select count(*) from (
            select 1 from hosts h join actors a on a.host = h.host cross join lateral (
                -- Counted whether or not can_see hides them: a rule in force already does.
                select 1 from posts p where p.author_id = a.id and p.standing <> 'deleted' limit 1000) c
            limit 1000) c) as their_posts_held,
       array(select p.host from peers p
             where p.host <> $1 and (
                 split_part(p.host, ':', 1) = $1
                 or right(split_part(p.host, ':', 1), length($1) + 1) = '.' || $1)
             order by p.host limit 21) as servers_below
from (select 1) one
left join domain_rules d on d.domain = $1
"""


async def get_server(conn: Conn, domain: str) -> ServerView:
    """Return what is known about a domain; one never heard of has no rule and zero everywhere."""
    return ServerView(**only(await conn.fetchrow(FIND_SERVER, domain)))
