"""`migrate`: bringing the schema up to date."""

from __future__ import annotations

import argparse

from fediverse_support.cli.running import guarded
from fediverse_support.db import migrate as schema
from fediverse_support.db.pool import connect
from fediverse_support.settings import Settings


def migrate(typed: argparse.Namespace, settings: Settings) -> int:
    """Bring the schema up to date, or only say what would run."""

    async def work(dsn: str) -> int:
        if typed.check:
            conn = await connect(dsn)
            try:
                todo, verb = await schema.pending(conn), "would run"
            finally:
                await conn.close()
        else:
            todo, verb = await schema.migrate(dsn), "ran"
        for name in todo:
            print(f"{verb}: {name}")
        if not todo:
            print("The schema is up to date.")
        return 0

    return guarded(settings, work)
