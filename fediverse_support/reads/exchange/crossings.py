"""What came in from other servers, newest first: for developers who watch two instances talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain import keeping


@dataclass(frozen=True, slots=True)
class Crossing:
    """One delivery that was proven, and what became of it. `verdict` is None while it waits."""

    uri: str
    received_at: datetime
    host: str
    signer_uri: str
    standing: str
    verb: str | None
    verdict: str | None
    reasons: tuple[str, ...]


LIST_CROSSINGS: Final = """
select r.uri, r.received_at, r.host, r.signer_uri, r.standing, d.verb, d.verdict,
       coalesce(d.reasons, '{}') as reasons
from receipts r
left join lateral (
    select verb, verdict, reasons from decisions where activity_uri = r.uri order by id desc limit 1
) d on true
order by r.id desc limit $1
"""
FIND_DOCUMENTS: Final = """
select uri, document from activities
where uri = any ($1::text[]) and direction = 'out' and document is not null
"""


async def list_crossings(conn: Conn, limit: int) -> tuple[Crossing, ...]:
    """Return the latest deliveries that came in."""
    rows = await conn.fetch(LIST_CROSSINGS, limit)
    return tuple(Crossing(**{**row, "reasons": tuple(row["reasons"])}) for row in rows)


async def find_documents(conn: Conn, uris: Sequence[str]) -> dict[str, str]:
    """Return the documents we sent under these URIs, without those that were erased."""
    rows = await conn.fetch(FIND_DOCUMENTS, list(uris))
    return {row["uri"]: keeping.restore(row["document"]) for row in rows}
