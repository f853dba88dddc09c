"""Values of the whole instance that are set once."""

from __future__ import annotations

from typing import Final

from fediverse_support.db.pool import Tx

SETTLE: Final = """
insert into settings (name, value) values ($1, $2)
on conflict (name) do update set value = settings.value returning value
"""


async def settle(tx: Tx, name: str, value: str) -> str:
    """Keep a value unless one is kept already; return the one that is kept."""
    return str(await tx.fetchval(SETTLE, name, value))
