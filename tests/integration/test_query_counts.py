"""How many statements each handler runs, with facts, outgoing work and record: numbers that do not grow."""

from __future__ import annotations

import asyncio
import json

import pytest

from federation import authenticity, documents
from federation.authenticity import Authentic
from fediverse_support.pipeline.apply import apply
from tests.conftest import Queries
from tests.integration import test_handler_table as table
from tests.integration.stage import Stage
from tests.integration.test_handler_table import VECTORS

stage = table.stage

EVERY = 2  # the facts, and the record
COUNTS = {
    ("Create", "Post"): EVERY + 4,  # the post, the group's announce, its relay (2: who follows, and the rows)
    ("Update", "Post"): EVERY + 3,  # the turn, the words, the relay
    ("Delete", "Post or actor"): EVERY
    + 10,  # the turn, the words wherever they are (5), relay and unboost (4)
    # the follow as it was and is, the Accept and its delivery, and whether somebody is welcomed
    ("Follow", "Actor"): EVERY + 5,
    ("Accept", "Follow"): EVERY + 3,  # the follow as it was and is, the notification
    ("Undo", "Follow"): EVERY + 3,  # the follow as it was and is, what was owed to its host
    ("Like", "Post"): EVERY + 2,  # the like, the notification
    ("Announce", "Post"): EVERY + 1,
}


@pytest.mark.parametrize("row", COUNTS, ids=lambda row: row[0] + "-" + row[1].replace(" ", "_"))
async def test_a_handler_runs_so_many_statements(
    stage: Stage, queries: Queries, row: tuple[str, str]
) -> None:
    vector = await VECTORS[row](stage)
    for document in vector.before:
        await stage.deliver(document)
    body = json.dumps(vector.act).encode()
    act = authenticity.from_signed_request(documents.parse(body), body, vector.act["actor"])
    assert isinstance(act, Authentic)
    async with stage.db.transaction() as tx:
        queries.forget()
        outcome = await apply(tx, stage.deps.instance, act, stage.db.now())
        await asyncio.sleep(0)  # the last statement is noted only now
        seen = list(queries.seen)
    assert outcome.verdict.lets_in, outcome.verdict
    assert len(seen) == COUNTS[row], "\n".join(" ".join(sql.split())[:80] for sql in seen)
