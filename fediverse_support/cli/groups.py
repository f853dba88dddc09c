"""`group`: opening groups and naming their moderators."""

from __future__ import annotations

import argparse

from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.cli.running import settled, with_database
from fediverse_support.db.pool import Db
from fediverse_support.settings import Settings


def create_group(typed: argparse.Namespace, settings: Settings) -> int:
    """Open a group and name its moderators."""

    async def work(db: Db) -> int:
        from fediverse_support.actions import groups

        instance = await settled(db, settings)
        await groups.create_group(
            db,
            instance,
            load_secret(settings.data_dir),
            name=typed.name,
            title=typed.title,
            kind=typed.kind,
            summary=typed.summary,
            moderators=tuple(typed.moderator),
            language=typed.language,
        )
        state = "open" if typed.kind == "open" else "there"
        print(f"{instance.group_url(typed.name.strip().lower())} is {state}.")
        return 0

    return with_database(settings, work)
