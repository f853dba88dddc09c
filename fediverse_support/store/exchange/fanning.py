"""Activities of ours for everybody who follows, one delivery an inbox. Only `pipeline.outbox` calls this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from federation.uris import Host, Uri
from fediverse_support.db.pool import Tx
from fediverse_support.db.rows import recordset
from fediverse_support.domain import keeping
from fediverse_support.domain.house import Federation
from fediverse_support.domain.ids import ActorId
from fediverse_support.store.exchange.outgoing import Outgoing, PeerClass


@dataclass(frozen=True, slots=True)
class FanOut:
    """An activity of ours for the accepted followers, elsewhere, of one of our actors.

    `form` keeps to hosts that take that form of Announce. With `author_host` nothing leaves if that server is
    suspended meanwhile.
    """

    out: Outgoing
    of: ActorId = field(kw_only=True)
    form: PeerClass | None = None
    author_host: Host | None = None


MOST_AT_ONCE: Final = 1_000
"""So many deliveries one statement writes at most; with what it writes, it holds up whoever waits for it."""
# Whoever follows, and the rule for each host, is looked up once for all activities of one sender. Without an
# inbox stands an author's server that is suspended.
PLACES: Final = """
with followed as materialized (
    select distinct t.target_id, t.form, a.host, door_of(a.shared_inbox_uri, a.inbox_uri) as inbox,
        coalesce(p.announce_class, 'object') as takes, coalesce(p.refuses_own, false) as is_picky
    from unnest($1::bigint[], $2::text[]) t (target_id, form)
    join follows f on f.target_id = t.target_id and f.standing = 'accepted'
    -- One after the other: how many follow a group differs more than any plan could guess.
    cross join lateral (
        select * from actors where id = f.follower_id and host is not null
        and standing in ('visible', 'limited') offset 0) a
    left join lateral (select * from peers where host = a.host offset 0) p on true
    where (t.form = '' or coalesce(p.announce_class, 'object') = t.form or coalesce(p.refuses_own, false))
), open as materialized (
    select h.host from (select distinct host from followed) h
    cross join lateral talks_to_each(h.host, $3) t (yes) where t.yes
)
select host, target_id, form, inbox, takes, is_picky from followed join open using (host)
union all
select host, null, null, null, null, null from unnest($4::text[]) as h (host) where is_cut_off(host)
order by host
"""
# An activity has its number before it is written, so that its deliveries need not look for it; one that an
# earlier portion wrote has it already.
FAN_OUT: Final = """
with given as materialized (
    select g.*, x.id as known_id, coalesce(x.id, new_id()) as id
    from rows from (json_to_recordset($1::json) as (
        uri text, actor_uri text, verb text, object_uri text, document text, public bool, sender_id bigint,
        post_id bigint, due_at timestamptz, target_id bigint, form text, author_host text
    )) with ordinality g
    left join activities x on x.uri = g.uri
), act as (
    insert into activities (id, uri, actor_uri, verb, object_uri, document, direction, public, created_at)
    select g.id, g.uri, g.actor_uri, g.verb, g.object_uri, g.document, 'out', g.public, $2 from given g
    where g.known_id is null order by g.ordinality
), shut as materialized (
    -- The inboxes that somebody has alone who blocks a post's author. One that many share cannot be told
    -- apart: there the blocker's own server keeps from them what comes for the others.
    select g.ordinality, a.inbox_uri as inbox
    from given g join posts p on p.id = g.post_id
    join blocks b on b.blocked_id = p.author_id
    join actors a on a.id = b.blocker_id and a.host is not null and a.shared_inbox_uri is null
), queued as (
    insert into deliveries (activity_id, sender_id, host, inbox_uri, post_id, due_at, created_at)
    select g.id, g.sender_id, f.host, f.inbox, g.post_id, g.due_at, $2
    from given g
    join json_to_recordset($3::json) as f (
        target_id bigint, form text, host text, inbox text, takes text, is_picky bool
    ) on f.target_id = g.target_id and f.form = g.form
      -- A server that will not have its own activity announced is told of the post by its id instead.
      and (g.form = '' or g.form = case when f.is_picky and f.host = g.author_host and f.takes = 'activity'
           then 'object' else f.takes end)
    where not exists (select 1 from shut s where s.ordinality = g.ordinality and s.inbox = f.inbox)
    order by g.ordinality, f.host
    on conflict (activity_id, inbox_uri) do nothing
    returning host
)
select distinct host from queued
"""


class Place(NamedTuple):
    """An inbox where followers of an actor read, and in which form its server takes an Announce."""

    host: Host
    target_id: ActorId
    form: PeerClass | Literal[""]
    inbox: Uri
    takes: PeerClass
    is_picky: bool


async def fan_out(tx: Tx, wanted: Sequence[FanOut], federation: Federation) -> set[Host]:
    """Store activities with one delivery per inbox of those who follow, in the order given.

    Returns the hosts that got a delivery.
    """
    keys = {(one.of, one.form or "") for one in wanted}
    authors = {one.author_host for one in wanted if one.author_host is not None}
    rows = await tx.fetch(
        PLACES, [of for of, _ in keys], [form for _, form in keys], federation, sorted(authors)
    )
    muted = {Host(row["host"]) for row in rows if row["inbox"] is None}
    places: dict[tuple[ActorId, str], list[Place]] = {key: [] for key in keys}
    for row in rows:
        if row["inbox"] is not None:
            places[row["target_id"], row["form"]].append(Place(*row))
    heard = [one for one in wanted if one.author_host not in muted]
    hosts: set[Host] = set()
    for some, theirs in portions(heard, places):
        hosts |= await _fan_out(tx, some, theirs)
    return hosts


def portions(
    wanted: Sequence[FanOut], places: Mapping[tuple[ActorId, str], Sequence[Place]]
) -> Iterator[tuple[list[FanOut], list[Place]]]:
    """Split activities and those who get them so that no portion makes more than `MOST_AT_ONCE` deliveries.

    Whoever gets several gets them in their order.
    """
    some: list[FanOut] = []
    count = 0
    for one in wanted:
        theirs = places[one.of, one.form or ""]
        if some and count + len(theirs) > MOST_AT_ONCE:
            yield some, _of(some, places)
            some, count = [], 0
        if len(theirs) > MOST_AT_ONCE:
            for start in range(0, len(theirs), MOST_AT_ONCE):
                yield [one], list(theirs[start : start + MOST_AT_ONCE])
        else:
            some.append(one)
            count += len(theirs)
    if some:
        yield some, _of(some, places)


def _of(some: Sequence[FanOut], places: Mapping[tuple[ActorId, str], Sequence[Place]]) -> list[Place]:
    keys = dict.fromkeys((one.of, one.form or "") for one in some)
    return [place for key in keys for place in places[key]]


async def _fan_out(tx: Tx, wanted: Sequence[FanOut], places: Sequence[Place]) -> set[Host]:
    given = [
        {
            "uri": one.out.uri,
            "actor_uri": one.out.actor_uri,
            "verb": one.out.verb,
            "object_uri": one.out.object_uri,
            "document": keeping.shorten(one.out.document),
            "public": one.out.public,
            "sender_id": one.out.sender_id,
            "post_id": one.out.post_id,
            "due_at": one.out.due_at,
            "target_id": one.of,
            "form": one.form or "",
            "author_host": one.author_host,
        }
        for one in wanted
    ]
    now = wanted[0].out.now
    rows = await tx.fetch(FAN_OUT, recordset(given), now, recordset([place._asdict() for place in places]))
    return {Host(row["host"]) for row in rows}
