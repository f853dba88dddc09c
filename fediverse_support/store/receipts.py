"""Incoming deliveries: stored before they are answered with 202, kept until they are applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.moderation import Severity


@dataclass(frozen=True, slots=True)
class Arrival:
    """One proven delivery. `digest` identifies key and signature (32 bytes), None where there was none."""

    uri: Uri
    host: Host
    signer: Uri
    body: str
    digest: bytes | None


# Many in one statement: a row costs little, a commit costs much. They are stored in the order they came in.
INSERT_RECEIPTS: Final = """
with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
        with ordinality as g (uri, host, signer, body, digest, place)
), ruled as materialized (
    select h.host, rule_for(h.host) as severity from (select distinct host from given) h
), let_in as materialized (
    select g.*, r.severity from given g join ruled r using (host)
    where r.severity is distinct from 'suspend' and ($7 <> 'allowlist' or r.severity = 'allow')
), used as (
    insert into seen_signatures (digest, seen_at) select digest, $6 from let_in where digest is not null
    on conflict (digest) do nothing returning digest
), kept as (
    insert into receipts (uri, host, signer_uri, body, due_at, received_at)
    select l.uri, l.host, l.signer, l.body, $6, $6 from let_in l
    where l.digest is null or exists (select 1 from used u where u.digest = l.digest)
    order by l.place
    on conflict (uri) do nothing returning uri
)
select r.severity, exists (select 1 from kept k where k.uri = g.uri) as is_kept
from given g join ruled r using (host) order by g.place
"""


async def insert_receipts(
    conn: Conn, arrivals: Sequence[Arrival], mode: str, now: datetime
) -> list[tuple[Severity | None, bool]]:
    """Store proven deliveries, except those that came before, or whose signature did.

    Returns for each its host's rule, and whether it is kept from now on; of two alike both are.
    """
    rows = await conn.fetch(
        INSERT_RECEIPTS,
        [arrival.uri for arrival in arrivals],
        [arrival.host for arrival in arrivals],
        [arrival.signer for arrival in arrivals],
        [arrival.body for arrival in arrivals],
        [arrival.digest for arrival in arrivals],
        now,
        mode,
    )
    return [(row["severity"], row["is_kept"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Receipt:
    """One incoming delivery to be applied. `body` is None once it was erased: then nothing is left to do."""

    id: int
    uri: Uri
    signer_uri: Uri
    body: str | None
    attempts: int
    received_at: datetime


TAKE_RECEIPTS: Final = """
with due as (
    select id, uri, signer_uri, body, attempts, received_at from receipts
    where host = $1 and standing = 'waiting' and due_at <= $2 and rule_for($1) is distinct from 'suspend'
    order by id limit $3
), sized as (
    select due.*, sum(octet_length(body)) over (order by id) - octet_length(body) as bytes_before from due
)
select id, uri, signer_uri, body, attempts, received_at from sized
where bytes_before is null or bytes_before < $4 order by id
"""
MOST_BYTES: Final = 4 * 1024 * 1024
"""How much a batch may hold, besides its last delivery."""
FINISH_RECEIPTS: Final = "update receipts set standing = 'done', body = null where id = any ($1::bigint[])"
RETRY_RECEIPT: Final = """
update receipts set attempts = attempts + 1, last_error = $2, due_at = $3,
    standing = case when $4 then 'parked' else standing end
where id = $1
"""


async def take_receipts(conn: Conn, host: Host, now: datetime, limit: int) -> list[Receipt]:
    """Return the oldest due deliveries of a lane, up to a number and a size; the caller holds it."""
    return [Receipt(**row) for row in await conn.fetch(TAKE_RECEIPTS, host, now, limit, MOST_BYTES)]


COUNT_SINCE: Final = "select count(*) from (select 1 from receipts where received_at > $1 limit $2) r"


async def count_since(conn: Conn, at: datetime, most: int) -> int:
    """Return how many deliveries came in after this time, counting no further than `most`."""
    return int(await conn.fetchval(COUNT_SINCE, at, most))


async def finish_receipts(tx: Tx, ids: Sequence[int]) -> None:
    """Note that deliveries were applied, and erase their bodies."""
    await tx.execute(FINISH_RECEIPTS, list(ids))


async def retry_receipt(tx: Tx, receipt_id: int, error: str, due_at: datetime, *, park: bool) -> None:
    """Try a delivery again later, or put it aside with its reason."""
    await tx.execute(RETRY_RECEIPT, receipt_id, error, due_at, park)
