"""What the organisation decided, as it holds now, and its texts with their versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain import house
from fediverse_support.domain.house import House, Overrides, Setting

FIND: Final = "select house_now()"
LIST: Final = """
select h.key, h.value from house h
union all
select w.key, w.body from wordings w
where w.version = (select max(v.version) from wordings v where v.key = w.key)
"""
FIND_TEXTS: Final = """
select w.key, w.body from wordings w
where w.key = any ($1::text[]) and w.version = (select max(v.version) from wordings v where v.key = w.key)
"""
FIND_WORDING: Final = """
select key, version, body, made_at from wordings where key = $1 and ($2::int is null or version = $2)
order by version desc limit 1
"""


@dataclass(frozen=True, slots=True)
class Wording:
    """One version of a text; versions begin with 1."""

    key: str
    version: int
    body: str
    made_at: datetime


async def find(conn: Conn, overrides: Overrides) -> House:
    """Return what holds at this moment for a process with these overrides."""
    return house.read(await conn.fetchval(FIND), overrides)


async def list_settings(conn: Conn, overrides: Overrides) -> list[Setting]:
    """Return every key with the text that holds and where it comes from; of a secret only that it is set."""
    chosen = {row["key"]: row["value"] for row in await conn.fetch(LIST)}
    here = dict(overrides)
    found = []
    for key in house.TABLE:
        if key.name in here:
            found.append(Setting(key.name, here[key.name], "environment"))
        elif key.name in chosen:
            text = "set" if key.kind == "secret" else chosen[key.name]
            found.append(Setting(key.name, text, "chosen"))
        else:
            found.append(Setting(key.name, key.default, "default"))
    return found


async def find_texts(conn: Conn, *keys: str) -> list[str]:
    """Return the newest version of each of these texts; empty where nobody has written it."""
    found = {row["key"]: row["body"] for row in await conn.fetch(FIND_TEXTS, keys)}
    return [found.get(key, "") for key in keys]


async def find_wording(conn: Conn, key: str, version: int | None = None) -> Wording | None:
    """Return a text in this version, the newest unless one is named; None where nobody has written it."""
    row = await conn.fetchrow(FIND_WORDING, key, version)
    return None if row is None else Wording(**row)
