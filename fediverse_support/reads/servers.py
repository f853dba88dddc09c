"""Other servers as staff see them: the rules in force, whom we have met, and what a rule would change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain.moderation import Severity


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
    """

    own_rule: Severity | None
    rule: Severity | None
    reason: str
    private_note: str
    updated_at: datetime | None
    our_people_there: int
    their_people_here: int
    our_posts_held: int
    their_posts_held: int
    servers_below: list[str]


MOST_BELOW: Final = 20
LIST_SERVERS: Final = """
select d.domain, d.severity as rule, d.reason, p.software, p.last_heard_at
from domain_rules d left join peers p on p.host = d.domain
union all
select p.host, rule_for(p.host), '', p.software, p.last_heard_at
from peers p where not exists (select 1 from domain_rules d where d.domain = p.host)
order by 1
limit 500
"""


async def list_servers(conn: Conn) -> list[ServerLine]:
    """Return every domain with a rule and every server met, A to Z."""
    return [ServerLine(**row) for row in await conn.fetch(LIST_SERVERS)]


FIND_SERVER: Final = """
select d.severity as own_rule, rule_for($1) as rule, coalesce(d.reason, '') as reason,
       coalesce(d.private_note, '') as private_note, d.updated_at,
       (select count(distinct f.follower_id) from follows f
        join actors t on t.id = f.target_id join actors o on o.id = f.follower_id
        where f.standing = 'accepted' and o.host is null and t.host is not null
          and $1 = any (domain_suffixes(t.host))) as our_people_there,
       (select count(distinct f.follower_id) from follows f
        join actors t on t.id = f.target_id join actors o on o.id = f.follower_id
        where f.standing = 'accepted' and t.host is null and o.host is not null
          and $1 = any (domain_suffixes(o.host))) as their_people_here,
       (select count(distinct c.post_id) from peers o join copies c on has_host(c.hosts, o.number)
        where $1 = any (domain_suffixes(o.host))) as our_posts_held,
       (select count(*) from actors a join posts p on p.author_id = a.id
        -- Counted whether or not can_see hides them: a rule in force already does.
        where a.host is not null and p.standing <> 'deleted'
          and $1 = any (domain_suffixes(a.host))) as their_posts_held,
       array(select p.host from peers p where p.host <> $1 and $1 = any (domain_suffixes(p.host))
             order by p.host limit 21) as servers_below
from (select 1) one
left join domain_rules d on d.domain = $1
"""


async def get_server(conn: Conn, domain: str) -> ServerView:
    """Return what is known about a domain; one never heard of has no rule and zero everywhere."""
    return ServerView(**await conn.fetchrow(FIND_SERVER, domain))
