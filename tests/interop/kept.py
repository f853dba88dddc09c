"""What crossed, as test data: written to `recorded/` when INTEROP_RECORD is 1, else only made.

Kept are the deliveries to us with the headers that prove them, what the peer served, what people here did,
and the state it all led to. The words are our own, the keys were made for one run and are gone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.interop.ours import GROUP, PEOPLE, Ours
from tests.interop.tls import Exchange, Journal
from tests.replay.state import state_of

RECORDED = Path(__file__).parent / "recorded"
PROVING = ("content-digest", "content-type", "date", "digest", "host", "signature", "signature-input")


async def keep(name: str, ours: Ours, theirs: str) -> None:
    """Make the record of an exchange, and write it where that is asked for."""
    await ours.is_at_rest()
    record: dict[str, Any] = {
        "ours": ours.front.origin,
        "theirs": theirs,
        "actors": {actor: await ours.uri(actor) for actor in (GROUP, *PEOPLE)},
        "steps": [step for entry in ours.journal.entries if (step := _step(entry)) is not None],
        "served": [_served(entry, theirs) for entry in ours.journal.exchanges("peer", "GET")],
        "state": await state_of(ours.db),
    }
    record["served"] = [one for one in record["served"] if one["status"] not in (401, 502)]
    assert record["steps"] and record["served"] and record["state"]["posts"]
    if os.environ.get("INTEROP_RECORD") == "1":
        text = json.dumps(record, ensure_ascii=False, indent=1)
        (RECORDED / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def named(journal: Journal, beginning: str) -> list[str]:
    """Return the ids that deliveries to us are about and that begin so, each once."""
    found: dict[str, None] = {}
    for one in journal.exchanges("ours"):
        thing = json.loads(one.body).get("object")
        for value in (thing, *(thing.values() if isinstance(thing, dict) else ())):
            uri = value.get("id") if isinstance(value, dict) else value
            if isinstance(uri, str) and uri.startswith(beginning):
                found[uri] = None
    return list(found)


def _step(entry: Exchange | dict[str, Any]) -> dict[str, Any] | None:
    if isinstance(entry, dict):
        return entry
    if entry.to != "ours" or entry.method != "POST" or not entry.target.startswith("/ap/"):
        return None
    assert entry.status == 202
    headers = {header: value for header, value in entry.headers.items() if header in PROVING}
    return {"at": entry.at.isoformat(), "target": entry.target, "headers": headers, "body": entry.body}


def _served(entry: Exchange, theirs: str) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "uri": theirs + entry.target,
        "status": entry.status,
        "type": entry.answer_type,
        "body": entry.answer,
    }
