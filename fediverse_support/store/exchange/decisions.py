"""The log: every activity that was let in, and what was decided about each and why, without content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from fediverse_support.db.pool import Tx
from fediverse_support.domain import keeping

RECORD: Final = """
with given as materialized (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[],
        $8::bool[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
        with ordinality as g (uri, actor_uri, verb, object_uri, document, direction, public, is_kept, proof,
            verdict, reasons, effects, facts, place)
), act as (
    insert into activities (uri, actor_uri, verb, object_uri, document, direction, public, created_at)
    select distinct on (uri) uri, actor_uri, verb, object_uri, document, direction, public, $14 from given
    where is_kept order by uri, document is null, place desc
    on conflict (uri) do update set document = coalesce(excluded.document, activities.document),
        object_uri = case when excluded.document is null then activities.object_uri
                          else excluded.object_uri end
    where activities.verb = excluded.verb
)
insert into decisions (activity_uri, actor_uri, verb, object_uri, proof, verdict, reasons, effects, facts,
    decided_at)
select uri, actor_uri, verb, object_uri, proof, verdict, string_to_array(reasons, ' '),
    string_to_array(effects, ' '), facts, $14
from given order by place
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the decision log, and the activity it is about. `facts` is JSON, without content."""

    uri: str
    actor_uri: str
    verb: str
    object_uri: str | None
    document: str | None
    direction: Literal["in", "out"]
    public: bool
    keep: bool
    proof: str
    verdict: str
    reasons: tuple[str, ...]
    effects: tuple[str, ...]
    facts: str


async def record(tx: Tx, lines: Sequence[Record], now: datetime) -> None:
    """Log what was decided, and the activities themselves where they were let in."""
    await tx.execute(
        RECORD,
        [line.uri for line in lines],
        [line.actor_uri for line in lines],
        [line.verb for line in lines],
        [line.object_uri for line in lines],
        [line.document and keeping.shorten(line.document) for line in lines],
        [line.direction for line in lines],
        [line.public for line in lines],
        [line.keep for line in lines],
        [line.proof for line in lines],
        [line.verdict for line in lines],
        [" ".join(line.reasons) for line in lines],
        [" ".join(line.effects) for line in lines],
        [line.facts for line in lines],
        now,
    )
