"""What is handed to a statement as named rows arrives as it was, or is refused as a fault of the row."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import pytest

from fediverse_support.db.outages import AT_FAULT
from fediverse_support.db.pool import Db
from fediverse_support.db.rows import recordset

pytestmark = pytest.mark.postgres

TAKE = """
select g.text, g.at, g.names, g.number, g.digest, ordinality as place
from rows from (json_to_recordset($1::json) as (
    text text, at timestamptz, names text[], number bigint, digest text
)) with ordinality g
"""
AT = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
LARGEST = 2**63 - 1


async def test_rows_arrive_as_they_were_and_in_their_order(db: Db) -> None:
    texts = ["\"quoted\" \\ and\nbroken\u2028 \U0001f331 '{}'", "", None]
    rows = [
        {"text": text, "at": AT, "names": ("a b", "c,d"), "number": LARGEST, "digest": b"\0\xff"}
        for text in texts
    ]
    async with db.connection() as conn:
        found = await conn.fetch(TAKE, recordset(rows))
    assert [row["text"] for row in found] == texts
    assert [row["place"] for row in found] == [1, 2, 3]
    others = {(row["at"], tuple(row["names"]), row["number"], row["digest"]) for row in found}
    assert others == {(AT, ("a b", "c,d"), LARGEST, b64encode(b"\0\xff").decode())}


@pytest.mark.parametrize("text", ["nothing\0", "half \ud800"])
async def test_what_no_database_holds_is_a_fault_of_the_row(db: Db, text: str) -> None:
    async with db.connection() as conn:
        with pytest.raises(AT_FAULT):
            await conn.fetch(TAKE, recordset([{"text": text}]))
