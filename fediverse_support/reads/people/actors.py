"""People and groups as others see them: by row id, by handle, by address; and how a viewer stands to them.

A group is there only for those who may read it, a person made for one group likewise; the suspended and the
deleted, and everybody on a suspended server, are there for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import Struct

from fediverse_support.db.pool import Conn
from fediverse_support.domain.actors import ActorKind, GroupKind
from fediverse_support.domain.ids import ActorId

LOAD: Final = """
select a.id, a.uri, a.kind, a.host, a.name, coalesce(a.handle_host, a.host) as handle_host,
       case when a.kind = 'group' then name_shown(g.title, a.display_name)
            else a.display_name end as display_name,
       a.summary_html, a.summary_source, a.url,
       a.approves_followers or coalesce(g.approval, false) as is_locked,
       a.discoverable, a.indexable, a.created_at, a.standing = 'limited' as is_limited, g.kind as group_kind
from actors a left join groups g on g.actor_id = a.id
cross join can_see_actor_each(
    a.id, a.kind, a.standing, a.host, a.account_id, a.for_group_id, array[$1::bigint]) s (yes)
where a.id = any ($2) and s.yes
"""

FIND_BY_HANDLE: Final = """
select a.id from actors a
where lower(a.name) = lower($2) and coalesce(a.handle_host, a.host) is not distinct from $3
  and can_see_actor(a, array[$1::bigint])
order by a.id limit 1
"""

FIND_BY_ADDRESS: Final = """
select a.id from actors a
where (a.uri = $2 or (a.url = $2 and a.host is not null)) and can_see_actor(a, array[$1::bigint])
order by a.id limit 1
"""

NAMED: Final = """
select n.handle, a.id, a.kind, a.name, coalesce(a.handle_host, a.host) as handle_host, g.title
from unnest($2::text[], $3::text[], $4::text[]) as n (handle, name, host)
join actors a on lower(a.name) = n.name and coalesce(a.handle_host, a.host, '') = n.host
left join groups g on g.actor_id = a.id
where can_see_actor(a, array[$1::bigint])
"""

# Groups by their title or name, people who want to be found by how their names begin, each by an index, and
# the people somebody follows; `$3` comes right after every name that begins with `$2`.
SEARCH: Final = """
select s.id from (
    (select a.id, 0 as place, lower(a.name) as name
     from groups g join actors a on a.id = g.actor_id
     where (strpos(lower(g.title), $2) > 0 or starts_with(lower(a.name), $2)
            or starts_with(lower(a.display_name), $2))
       and can_see_actor(a, array[$1::bigint])
     order by lower(a.name), a.id limit 1100)
    union
    (select a.id, 1, lower(a.name) from actors a
     where a.kind <> 'group' and a.discoverable and lower(a.name) collate "C" >= $2
       and lower(a.name) collate "C" < $3 and can_see_actor(a, array[$1::bigint])
     order by lower(a.name) collate "C" limit $4::bigint + $5::bigint)
    union
    (select a.id, 1, lower(a.name) from actors a
     where a.kind <> 'group' and a.discoverable and lower(a.display_name) collate "C" >= $2
       and lower(a.display_name) collate "C" < $3 and can_see_actor(a, array[$1::bigint])
     order by lower(a.display_name) collate "C" limit $4::bigint + $5::bigint)
    union
    select a.id, 1, lower(a.name)
    from (select $1::bigint as id union all
          select f.target_id from follows f where f.follower_id = $1 and f.standing = 'accepted') k
    join actors a on a.id = k.id
    where a.kind <> 'group' and (starts_with(lower(a.name), $2) or starts_with(lower(a.display_name), $2))
      and can_see_actor(a, array[$1::bigint])
) s
order by s.place, s.name collate "C", s.id limit $4 offset $5
"""

RELATIONS: Final = """
select t.id, mine.standing as mine, theirs.standing as theirs
from unnest($2::bigint[]) with ordinality as t (id, place)
join actors a on a.id = t.id
cross join can_see_actor_each(
    a.id, a.kind, a.standing, a.host, a.account_id, a.for_group_id, array[$1::bigint]) s (yes)
left join follows mine on mine.follower_id = $1 and mine.target_id = t.id
left join follows theirs on theirs.follower_id = t.id and theirs.target_id = $1
where s.yes
order by t.place
"""

LAST: Final = "\U0010ffff"

CONTACT: Final = """
select a.id from accounts c join actors a on a.account_id = c.id and a.for_group_id is null
where role_may(c.roles, 'administer') and c.standing = 'active'
order by c.id limit 1
"""


class ActorView(Struct, frozen=True):
    """What anybody who may see this actor can know. `host` is None for ours; `group_kind` only on groups.

    A struct, like the posts, because pages are full of them: it is made in a tenth of a dataclass's time.
    """

    id: ActorId
    uri: str
    kind: ActorKind
    host: str | None
    name: str
    handle_host: str | None
    display_name: str
    summary_html: str
    summary_source: str
    url: str | None
    is_locked: bool
    discoverable: bool
    indexable: bool
    created_at: datetime
    is_limited: bool
    group_kind: GroupKind | None

    @property
    def is_group(self) -> bool:
        """A group, ours or a peer's."""
        return self.kind == "group"


@dataclass(frozen=True, slots=True)
class Handle:
    """`@name@host` taken apart; `host` is None for ours. `is_group` says it was written with `!`."""

    name: str
    host: str | None
    is_group: bool = False

    @property
    def key(self) -> str:
        """One spelling for comparing."""
        return f"{self.name.lower()}@{self.host or ''}"


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a handle in a text means. `title` only for groups."""

    id: ActorId
    kind: ActorKind
    name: str
    handle_host: str | None
    title: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """How the viewer stands to `id`, and `id` to the viewer, as standings of follows; None where there is
    none."""

    id: ActorId
    mine: str | None
    theirs: str | None


async def load(conn: Conn, ids: Iterable[int], viewer: ActorId | None) -> dict[int, ActorView]:
    """Return those of these actors that the viewer may see."""
    wanted = list(set(ids))
    if not wanted:
        return {}
    return {row["id"]: ActorView(**row) for row in await conn.fetch(LOAD, viewer, wanted)}


async def find(conn: Conn, actor_id: int, viewer: ActorId | None) -> ActorView | None:
    """Return this actor, or None if it is not there for the viewer."""
    return (await load(conn, (actor_id,), viewer)).get(actor_id)


async def find_contact(conn: Conn) -> ActorView | None:
    """Return the person of the first admin, whom others may turn to."""
    actor_id = await conn.fetchval(CONTACT)
    return None if actor_id is None else await find(conn, actor_id, None)


async def find_by_handle(conn: Conn, handle: Handle, viewer: ActorId | None) -> int | None:
    """Return the row id of the actor with this handle, if we know it and the viewer may see it."""
    found: int | None = await conn.fetchval(FIND_BY_HANDLE, viewer, handle.name, handle.host)
    return found


async def find_by_address(conn: Conn, address: str, viewer: ActorId | None) -> int | None:
    """Return the row id of the actor with this URI, or a remote one with this URL."""
    found: int | None = await conn.fetchval(FIND_BY_ADDRESS, viewer, address)
    return found


async def named(conn: Conn, handles: Iterable[Handle], viewer: ActorId | None) -> Mapping[str, Named]:
    """Return whom these handles mean, by `Handle.key`; those nobody may see, or nobody has, are missing."""
    wanted = {handle.key: handle for handle in handles}
    if not wanted:
        return {}
    names = [handle.name.lower() for handle in wanted.values()]
    hosts = [handle.host or "" for handle in wanted.values()]
    rows = await conn.fetch(NAMED, viewer, list(wanted), names, hosts)
    return {
        row["handle"]: Named(row["id"], row["kind"], row["name"], row["handle_host"], row["title"])
        for row in rows
    }


async def search(conn: Conn, text: str, viewer: ActorId, limit: int, offset: int) -> list[int]:
    """Return row ids of groups, of people who want to be found, and of people followed, whose names hold
    the text."""
    text = text.lower()
    rows = await conn.fetch(SEARCH, viewer, text, text + LAST, limit, offset)
    return [row["id"] for row in rows]


async def relations(conn: Conn, viewer: ActorId, ids: Iterable[int]) -> list[Relation]:
    """Return how the viewer stands to each of these, in their order, without those the viewer may not see."""
    rows = await conn.fetch(RELATIONS, viewer, list(dict.fromkeys(ids)))
    return [Relation(row["id"], row["mine"], row["theirs"]) for row in rows]
