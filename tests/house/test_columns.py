"""Every column is written by something and read by something, but those that wait for what comes next."""

from __future__ import annotations

import re

from fediverse_support.db.pool import Db
from tests.house.source import ROOT
from tests.house.test_sql import statements

UNREAD = {
    "codes made_at": "sessions and codes as their owner sees them",
    "group_messages done_by": "the record of a shift",
    "jobs held_at": "what an operator sees who looks at a job that hangs",
    "mod_actions account_id": "the record of what the team did",
    "mod_actions id": "the same",
    "mod_actions reason": "the same",
    "arrivals first_at": "the ledger of copies",
    "host_names since_at": "what an operator sees who asks why a rule holds",
    "reports reporter_id": "the answer to whoever told us",
    "reports resolved_by": "the record of what the team did",
    "sessions created_at": "sessions as their owner sees them",
    "tokens created_at": "the same, of apps",
    "tokens last_used_at": "the same",
}
"""Written and never read, with what will read it."""
UNWRITTEN = {
    "notifications read_at": "markers, by which apps say how far somebody has read",
    "peers class_fixed": "an operator's word on what software another server runs",
    "tokens last_used_at": "apps as their owner sees them",
}
"""Read and never set, with what will set it."""
BY_ITSELF = {"decisions id", "mod_actions id", "notifications id", "post_edits id", "reactions id"}
"""The database makes them."""
COLUMNS = """
select table_name || ' ' || column_name from information_schema.columns
where table_schema = 'public' and table_name !~ '^_?pogo|^pg_'
"""


def texts() -> list[str]:
    functions = (ROOT / "fediverse_support/db/functions.sql").read_text(encoding="utf-8")
    return [*statements(), functions, *_triggers()]


def _triggers() -> list[str]:
    """What migrations leave in the database that writes by itself."""
    folder = ROOT / "fediverse_support/db/migrations"
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))]


def is_written(table: str, column: str, text: str) -> bool:
    listed = rf"insert\s+into\s+{table}\s*(?:as\s+\w+\s*)?\([^)]*\b{column}\b"
    changed = rf"(?:update\s+{table}\b|insert\s+into\s+{table}\b)[\s\S]*\bset\b[\s\S]*\b{column}\s*="
    return re.search(f"{listed}|{changed}", text, re.IGNORECASE) is not None


def is_read(column: str, text: str) -> bool:
    bare = re.sub(r"insert\s+into\s+\w+\s*\([^)]*\)", "", text, flags=re.IGNORECASE)
    bare = re.sub(rf"(\bset|,)\s*{column}\s*=", "", bare, flags=re.IGNORECASE)
    return re.search(rf"\b{column}\b", bare) is not None


async def test_every_column_is_written_and_read(db: Db) -> None:
    async with db.connection() as conn:
        columns = {row[0] for row in await conn.fetch(COLUMNS)}
    said = texts()
    code = [text for text in said if text not in _triggers()]
    unread, unwritten = set(), set()
    for each in columns:
        table, column = each.split()
        about = [text for text in said if re.search(rf"\b{table}\b", text)]
        if not any(is_written(table, column, text) for text in about):
            unwritten.add(each)
        whole = [text for text in code if re.search(rf"\b{table}\b", text)]
        if not any(is_read(column, text) or re.search(r"select \*|\b\w+\.\*", text) for text in whole):
            unread.add(each)
    assert unread == UNREAD.keys()
    assert unwritten - BY_ITSELF == UNWRITTEN.keys()
