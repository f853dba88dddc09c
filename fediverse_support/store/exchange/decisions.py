"""The log: every activity that was let in, and what was decided about each and why, without content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from fediverse_support.db.pool import Tx
from fediverse_support.db.rows import recordset
from fediverse_support.domain import keeping

RECORD: Final = """
with given as materialized (
    select g.*
    from rows from (json_to_recordset($1::json) as (
        uri text, actor_uri text, verb text, object_uri text, document text, direction text, public bool,
        keep bool, proof text, verdict text, reasons text[], effects text[], facts text
    )) with ordinality g
), act as (
    insert into activities (uri, actor_uri, verb, object_uri, document, direction, public, created_at)
    select distinct on (uri) uri, actor_uri, verb, object_uri, document, direction, public, $2 from given
    where keep order by uri, document is null, ordinality desc
    on conflict (uri) do update set document = coalesce(excluded.document, activities.document),
        object_uri = case when excluded.document is null then activities.object_uri
                          else excluded.object_uri end
    where activities.verb = excluded.verb
)
insert into decisions (
    activity_uri, actor_uri, verb, object_uri, proof, verdict, reasons, effects, facts, decided_at)
select uri, actor_uri, verb, object_uri, proof, verdict, reasons, effects, facts, $2
from given order by ordinality
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
    kept = [replace(line, document=line.document and keeping.shorten(line.document)) for line in lines]
    await tx.execute(RECORD, recordset(kept), now)
