"""What a statement really reads, under the plan for unknown values that every connection here uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fediverse_support.db.pool import Conn

SMALL: Final = frozenset(
    "groups group_moderators group_bans domain_rules peers lanes worker_passes arrivals".split()
)
"""Tables with a row for each group, server or rule, and not for each post or person: reading one is nothing.
Arrivals are of the last week, and read by the operator alone."""
EXPLAIN: Final = "explain (analyze, buffers, format json, timing off) execute looked_at"


@dataclass(frozen=True, slots=True)
class Reading:
    """One run of a statement: rows it gave, rows and blocks it read for them, the most rows it sorted, the
    tables it read from end to end, and how long it took in milliseconds.

    An entry of an index that is passed by without its row counts as its part of a block alone.
    """

    shown: int
    rows: int
    blocks: int
    sorted: int
    scanned: tuple[str, ...]
    took: float


async def look(conn: Conn, sql: str, args: Sequence[object]) -> Reading:
    """Run a statement with these values, and say what it read."""
    given = f"({', '.join(map(literal, args))})" if args else ""
    await conn.execute(f"prepare looked_at as {sql}")
    try:
        await conn.fetchval(EXPLAIN + given)  # the first time also plans, and warms up what functions keep
        found = json.loads(await conn.fetchval(EXPLAIN + given))[0]
    finally:
        await conn.execute("deallocate looked_at")
    plan = found["Plan"]
    nodes = list(_nodes(plan))
    return Reading(
        shown=round(plan["Actual Rows"]),
        rows=sum(_read(node) for node in nodes),
        blocks=plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0),
        sorted=max((_input_of(node) for node in nodes if node["Node Type"] == "Sort"), default=0),
        scanned=tuple(
            node["Relation Name"]
            for node in nodes
            if node["Node Type"] == "Seq Scan" and _read(node)  # an empty table has no end to come to
        ),
        took=found["Execution Time"],
    )


def literal(value: object) -> str:
    """Return a value as SQL text; its type is the parameter's."""
    match value:
        case None:
            return "null"
        case bool() | int() | float():
            return str(value)
        case datetime():
            return f"'{value.isoformat()}'"
        case bytes():
            return f"'\\x{value.hex()}'"
        case list() | tuple():
            inside = ",".join("null" if each is None else json.dumps(str(each)) for each in value)
            return _quoted("{" + inside + "}")
        case _:
            return _quoted(str(value))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _read(node: dict[str, Any]) -> int:
    if not re.search(r"Scan$", node["Node Type"]) or node.get("Relation Name") in (None, *SMALL):
        return 0
    if node["Node Type"] == "Index Only Scan":
        return int(node["Heap Fetches"])
    left_out = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    rows: float = (node["Actual Rows"] + left_out) * node["Actual Loops"]
    return round(rows)


def _input_of(node: dict[str, Any]) -> int:
    rows: float = sum(part["Actual Rows"] for part in node["Plans"][:1])
    return round(rows)
