"""Incoming deliveries: stored before they are answered with 202, kept until they are applied."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.db.rows import recordset

Accepted = Literal["new", "seen", "refused"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One proven delivery. `digest` identifies key and signature (32 bytes), None where there was none.

    `takes_back` says that its sender deletes or undoes something with it.
    `is_once` says that its id alone settles whether it came before.
    """

    uri: Uri
    host: Host
    signer: Uri
    body: str
    digest: bytes | None
    takes_back: bool = False
    is_once: bool = True


# Many in one statement: a row costs little, a commit costs much. They are stored in the order they came in.
INSERT_RECEIPTS: Final = """
with given as (
    select g.uri, g.host, g.signer, g.body, decode(g.digest, 'base64') as digest, g.takes_back, g.is_once,
           g.ordinality as place
    from rows from (json_to_recordset($1::json) as (
        uri text, host text, signer text, body text, digest text, takes_back bool, is_once bool
    )) with ordinality g
), ruled as materialized (
    select h.host, t.yes as lets_in
    from (select distinct host from given) h cross join (select federation_now($3) as mode) m
    cross join lateral talks_to_each(h.host, m.mode) t (yes)
), let_in as materialized (
    select g.* from given g join ruled r using (host) where r.lets_in
), used as (
    insert into seen_signatures (digest, seen_at) select digest, $2 from let_in where digest is not null
    on conflict (digest) do nothing returning digest
), kept as (
    insert into receipts (uri, host, signer_uri, body, takes_back, due_at, received_at, apart)
    select l.uri, l.host, l.signer, l.body, l.takes_back, $2, $2, case when l.is_once then 0 else new_id() end
    from (select *, row_number() over (partition by digest order by place) as nth from let_in) l
    where l.digest is null or l.nth = 1 and exists (select 1 from used u where u.digest = l.digest)
    order by l.place
    on conflict (uri, apart) do nothing returning uri
)
select case when not r.lets_in then 'refused'
            when exists (select 1 from kept k where k.uri = g.uri) then 'new' else 'seen' end as answer
from given g join ruled r using (host) order by g.place
"""


async def insert_receipts(
    conn: Conn, arrivals: Sequence[Arrival], override: str | None, now: datetime
) -> list[Accepted]:
    """Store proven deliveries, except those whose signature came before, or whose id did if that settles it.

    Returns for each whether it is kept from now on; of two alike both are. `refused` are those of hosts that
    are not talked to at this moment; `override` is the mode where it is not the one that was chosen.
    """
    rows = await conn.fetch(INSERT_RECEIPTS, recordset(arrivals), now, override)
    return [row["answer"] for row in rows]


@dataclass(frozen=True, slots=True)
class Receipt:
    """One incoming delivery to be applied. `body` is None once it was erased: then nothing is left to do.

    `is_under_rule` says that its host is not talked to any more: then it is one that takes something back.
    `has_put_off` says that something its host brought is put off; `last_error` is why itself was, last time.
    `is_ours` says that nobody sent it: we mean to look at a post again.
    """

    id: int
    uri: Uri
    signer_uri: Uri
    body: str | None
    attempts: int
    received_at: datetime
    is_under_rule: bool = False
    has_put_off: bool = False
    last_error: str | None = None
    is_ours: bool = False


# Of a host that is not talked to, only what takes something back goes on; the rest was promised, and waits.
# What we look at again ourselves comes behind all that was sent, and a few at a time.
TAKE_RECEIPTS: Final = """
with rule as materialized (
    select talks_to($1, $5) as lets_in, exists (
        select 1 from receipts where host = $1 and standing in ('waiting', 'ruled') and about is not null
    ) as has_put_off
), due as (
    select r.id, r.uri, r.signer_uri, r.body, r.attempts, r.received_at, not rule.lets_in as is_under_rule,
        rule.has_put_off, r.last_error, false as is_ours
    from rule, receipts r
    where r.host = $1 and r.standing = 'waiting' and r.due_at <= $2 and (rule.lets_in or r.takes_back)
      and r.apart <> -1
    order by r.id limit $3
), looked_at as (
    select r.id, r.uri, r.signer_uri, r.body, r.attempts, r.received_at, false, rule.has_put_off,
        r.last_error, true
    from rule, receipts r
    where r.host = $1 and r.standing = 'waiting' and r.due_at <= $2 and rule.lets_in and r.apart = -1
    order by r.id limit least($6, $3 - (select count(*) from due))
), sized as (
    select both_of.*,
        sum(octet_length(body)) over (order by is_ours, id) - octet_length(body) as bytes_before
    from (select * from due union all select * from looked_at) both_of
)
select id, uri, signer_uri, body, attempts, received_at, is_under_rule, has_put_off, last_error, is_ours
from sized
where bytes_before is null or bytes_before < $4 order by is_ours, id
"""
MOST_LOOKED_AT: Final = 10
"""How many posts that we look at again ourselves are in a batch."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""How much a batch may hold, besides its last delivery."""
FINISH_RECEIPTS: Final = "update receipts set standing = 'done', body = null where id = any ($1::bigint[])"
FINISH_RELAYS: Final = """
update receipts r set standing = 'done', body = null, carried = g.carried
from unnest($1::bigint[], $2::text[]) as g (id, carried) where r.id = g.id
"""


async def take_receipts(
    conn: Conn, host: Host, now: datetime, limit: int, *, mode: str = "open"
) -> list[Receipt]:
    """Return the oldest due deliveries of a lane, up to a number and a size; the caller holds it.

    Of a host that is not talked to in this `mode`, those that take something back.
    """
    rows = await conn.fetch(TAKE_RECEIPTS, host, now, limit, MOST_BYTES, mode, MOST_LOOKED_AT)
    return [Receipt(**row) for row in rows]


COUNT_SINCE: Final = "select count(*) from (select 1 from receipts where received_at > $1 limit $2) r"


async def count_since(conn: Conn, at: datetime, most: int) -> int:
    """Return how many deliveries came in after this time, counting no further than `most`."""
    return int(await conn.fetchval(COUNT_SINCE, at, most))


async def finish_receipts(tx: Tx, ids: Sequence[int]) -> None:
    """Note that deliveries were applied, and erase their bodies."""
    await tx.execute(FINISH_RECEIPTS, list(ids))


async def finish_relays(tx: Tx, carried: Mapping[int, Uri]) -> None:
    """Do the same for relays, and keep under which id that is logged which each of them carried."""
    await tx.execute(FINISH_RELAYS, list(carried), list(carried.values()))


@dataclass(frozen=True, slots=True)
class PutOff:
    """A delivery that is tried again later. `about` is what those that come after it wait for, if they do.

    `counts` says that this was a try, `park` that there is none any more. With `rule` it waits for the end of
    the rule about that host.
    """

    id: int
    error: str
    due_at: datetime
    counts: bool
    park: bool
    rule: Host | None
    about: Collection[Uri]


PUT_OFF: Final = """
update receipts r set
    attempts = r.attempts + g.counts::int, last_error = g.error, due_at = g.due_at, waits_for = g.rule,
    standing = case when g.park then 'parked' when g.rule is not null then 'ruled' else 'waiting' end,
    about = nullif(g.about, '{}')
from json_to_recordset($1::json) as g (
    id bigint, error text, due_at timestamptz, counts bool, park bool, rule text, about text[])
where r.id = g.id and r.standing = 'waiting'
"""


async def put_off(tx: Tx, those: Sequence[PutOff]) -> None:
    """Try deliveries again later, or put them aside, with the reason."""
    await tx.execute(PUT_OFF, recordset(those))


@dataclass(frozen=True, slots=True)
class Awaited:
    """A delivery of a host that is put off, and what comes after it if it is about the same."""

    id: int
    due_at: datetime
    about: frozenset[Uri]
    waits_for: Host | None


FIND_PUT_OFF: Final = """
select id, due_at, about, waits_for from receipts
where host = $1 and standing in ('waiting', 'ruled') and about is not null and about && $2 and id <> all ($3)
order by id limit 1000
"""


async def find_put_off(conn: Conn, host: Host, about: Collection[Uri], but: Collection[int]) -> list[Awaited]:
    """Return what a host brought about any of these and was put off, other than those in `but`."""
    rows = await conn.fetch(FIND_PUT_OFF, host, list(about), list(but))
    return [Awaited(row["id"], row["due_at"], frozenset(row["about"]), row["waits_for"]) for row in rows]


# Of what was never tried, only its turn says what it brings: a post comes from its own host ($2), or through
# a group elsewhere. What was put off says what it is about.
MAY_BRING: Final = """
select exists (
    select 1 from receipts r
    where r.standing = 'waiting' and r.host = any ($2::text[]) and r.id < $4 and r.last_error is null)
or exists (select 1 from receipts r where r.standing = 'waiting' and r.about is not null and r.about && $1)
or exists (
    select 1 from groups g join actors a on a.id = g.actor_id
    where a.host is not null and a.host <> $3
      and exists (select 1 from follows f where f.target_id = a.id and f.standing = 'accepted')
      and exists (select 1 from receipts r where r.standing = 'waiting' and r.host = a.host and r.id < $4
                  and r.last_error is null))
"""
HAS_ROOM: Final = """
select count(*) < $4 from (
    select r.last_error from receipts r
    where r.host = $1 and r.standing = 'waiting' and r.id < $2 order by r.id limit 2 * $4::int) oldest
where last_error = $3
"""


async def may_bring(
    conn: Conn, posts: Collection[Uri], hosts: Collection[Host], *, but: Host, before: int
) -> bool:
    """Say whether something waits that may bring one of these posts: of what came in before the receipt
    `before`, whatever is of their hosts, or of a group's elsewhere on another host than `but`."""
    return bool(await conn.fetchval(MAY_BRING, list(posts), list(hosts), but, before))


async def has_room(conn: Conn, host: Host, before: int, *, error: str, most: int) -> bool:
    """Say whether fewer than `most` of what a host sent before a receipt wait for this reason."""
    return bool(await conn.fetchval(HAS_ROOM, host, before, error, most))


OBEYED: Final = "update receipts set takes_back = false where id = any ($1::bigint[])"
RULED_SINCE: Final = """
select h.host, greatest(
    (select max(r.updated_at) from domain_rules r where r.domain = any (ruled_by(h.host))),
    (select max(m.created_at) from mod_actions m
     where m.subject = any (ruled_by(h.host)) and m.action like 'domain%')) as since
from unnest($1::text[]) h (host)
where not talks_to(h.host, $2)
"""
WAIT_FOR_RULE: Final = """
update receipts set standing = 'ruled', waits_for = $2, about = $3, last_error = 'names_suspended_domain'
where id = $1 and standing = 'waiting'
"""
GO_ON: Final = """
update receipts set standing = 'waiting', waits_for = null, due_at = $2
where standing = 'ruled' and ($1 = any (domain_suffixes(waits_for)) or waits_for in (
    select n.host from host_names n where $1 = any (domain_suffixes(n.domain))))
"""


async def keep_obeyed(tx: Tx, ids: Sequence[int]) -> None:
    """Let what was obeyed under a rule wait like everything else: it counts once more, in its turn."""
    await tx.execute(OBEYED, list(ids))


async def ruled_since(conn: Conn, hosts: Collection[Host], mode: str) -> dict[Host, datetime | None]:
    """Return those of these hosts that are not talked to in this `mode`, and since when as far as known."""
    rows = await conn.fetch(RULED_SINCE, list(hosts), mode)
    return {Host(row["host"]): row["since"] for row in rows}


async def wait_for_rule(tx: Tx, receipt_id: int, host: Host, about: Collection[Uri]) -> None:
    """Put a delivery, and what comes after it, aside until the rule about a host that it names is another."""
    await tx.execute(WAIT_FOR_RULE, receipt_id, host, list(about))


DROP: Final = """
update receipts set standing = 'done', body = null, last_error = 'names_suspended_domain' where id = $1
"""


async def drop(tx: Tx, receipt_id: int) -> None:
    """Have done with a delivery that names a server we do not talk to."""
    await tx.execute(DROP, receipt_id)


async def go_on(tx: Tx, domain: str, now: datetime) -> None:
    """Let go on what waits for the rule about a domain or one of its subdomains."""
    await tx.execute(GO_ON, domain, now)
