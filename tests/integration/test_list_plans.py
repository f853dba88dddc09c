"""No list reads more than it shows: every statement of `reads` on a server that has been there for years.

`STORED_POSTS=1000000` does the same with a million posts.
"""

from __future__ import annotations

import ast
import asyncio
import os
import re
from collections.abc import AsyncIterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from fediverse_support.db import pool
from fediverse_support.db.pool import Conn
from fediverse_support.reads import house, jobs
from fediverse_support.reads.exchange import queues
from fediverse_support.reads.moderation import servers
from fediverse_support.reads.posts import search
from fediverse_support.store import facts
from tests import plans
from tests.conftest import Server
from tests.house.source import modules
from tests.integration.lists import Case, cases
from tests.stored import BASE, OPEN, SMALL, WRITER, Stored, store

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

POSTS = int(os.environ.get("STORED_POSTS", "100000"))
PAGE = 40
"""Where a list shows fewer, because there are no more, what it reads is held against a page."""
ROWS, BLOCKS, SORTED = 20, 60, 1_000
"""What may be read for each one shown, and sorted in all."""
WHOLE = {house.LIST, queues.STATUS, jobs.STATUS, jobs.WAITING}
NUMBERS = WHOLE | {queues.STATUS_OF_HOST, queues.TOTALS, servers.FIND_SERVER}
"""They read what they count, and the whole queue only who asks for the whole queue."""


@dataclass
class Large:
    """The server, a connection of ours to it, and what that was asked."""

    conn: Conn
    stored: Stored
    asked: list[tuple[str, Any]]

    async def statements(self, case: Case) -> list[tuple[str, Any]]:
        """Return what is asked for one case."""
        self.asked.clear()
        await case.ask(self.conn)
        await asyncio.sleep(0)  # the last statement is noted only now
        return [each for each in self.asked if re.match(r"\s*(select|with|/\*|--)", each[0])]


@pytest.fixture(scope="module")
async def large(postgres_server: Server) -> AsyncIterator[Large]:
    """Stored once for all tests here."""
    dsn = await postgres_server.clone()
    broom = await postgres_server.as_superuser(dsn)
    stored = await store(broom, POSTS)
    await broom.close()
    conn = await pool.connect(dsn)
    asked: list[tuple[str, Any]] = []
    conn.add_query_logger(lambda record: asked.append((record.query, record.args)))
    yield Large(conn, stored, asked)
    await conn.close()
    await postgres_server.run(f"drop database {dsn.split('@/')[1].split('?')[0]} with (force)")


async def test_no_list_reads_more_than_it_shows(large: Large) -> None:
    """One test with the next question, because asking everything takes a while."""
    seen: dict[str, Any] = {}
    wrong = []
    for case in cases(large.stored):
        for sql, args in await large.statements(case):
            if seen.get(sql) == args:
                continue
            seen[sql] = args
            found = await plans.look(large.conn, sql, args)
            shown = max(found.shown, PAGE)
            rows = ROWS * (5 if sql == search.WORDS else 1)  # which looks a word up for a whole week at once
            too_much = found.sorted > SORTED or (sql not in NUMBERS and found.rows > rows * shown)
            scanned = sql not in WHOLE and found.scanned
            blocks = BLOCKS * (6 if sql in NUMBERS else 1)
            if scanned or too_much or found.blocks > blocks * shown:
                wrong.append((case.name, " ".join(sql.split())[:60], found))
    assert wrong == [], "\n".join(map(str, wrong))
    assert unasked(seen.keys()) == []


async def test_what_is_known_of_a_small_group_is_found_without_reading_who_follows_the_large_ones(
    large: Large,
) -> None:
    """How many follow one group or another differs so much that no plan may count on it."""
    writer, group = f"{BASE}/u/{WRITER}", f"{BASE}/u/{SMALL[0]}"
    now = datetime.now(UTC)
    nothing: list[str] = []
    args = ([writer, group], nothing, [writer], nothing, nothing, nothing, now, now, nothing)
    between = large.conn.transaction()
    await between.start()
    await large.conn.execute("delete from follows where target_id <> all ($1::bigint[])", [OPEN, SMALL[0]])
    await large.conn.execute("analyze follows")
    found = await plans.look(large.conn, facts.LOAD, args)
    await between.rollback()
    assert found.shown == 1
    assert found.rows < 100 and "follows" not in found.scanned, found


def unasked(seen: Set[str]) -> list[str]:
    """Return where in `reads` a statement stands that no case asked, so that it was not looked at."""
    return [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if str(module.path).startswith("fediverse_support/reads/")
        for node in module.tree.body
        if isinstance(value := getattr(node, "value", None), ast.Constant)
        and isinstance(value.value, str)
        and re.match(r"\s*(select|with)\b", value.value)
        and value.value not in seen
    ]
