"""`settings`: what the organisation decides, printed and chosen."""

from __future__ import annotations

import argparse
from typing import Final

from fediverse_support import settings
from fediverse_support.cli.running import print_json, print_table, settled, with_database
from fediverse_support.db.pool import Db
from fediverse_support.domain.house import Setting, Source
from fediverse_support.settings import Settings

SOURCES: Final[dict[Source, str]] = {
    "default": "nobody has chosen",
    "chosen": "chosen",
    "environment": "set in the environment",
}
MOST_SHOWN: Final = 60


def list_settings(typed: argparse.Namespace, chosen: Settings) -> int:
    """Print every key with its value and where that comes from."""
    from fediverse_support.reads import house

    async def work(db: Db) -> int:
        async with db.connection() as conn:
            found = await house.list_settings(conn, chosen.overrides)
        if typed.json:
            print_json(found)
        else:
            print_table(("KEY", "VALUE", "SOURCE"), [(one.key, shown(one), one.source) for one in found])
        return 0

    return with_database(chosen, work)


def get_setting(typed: argparse.Namespace, chosen: Settings) -> int:
    """Print the value of one key, and nothing else."""
    from fediverse_support.actions.house import key_of
    from fediverse_support.reads import house

    async def work(db: Db) -> int:
        key = key_of(typed.key)
        async with db.connection() as conn:
            found = await house.list_settings(conn, chosen.overrides)
        print(next(one.value for one in found if one.key == key.name))
        return 0

    return with_database(chosen, work)


def set_setting(typed: argparse.Namespace, chosen: Settings) -> int:
    """Decide one thing, and say so where the environment of this process decides otherwise."""
    from fediverse_support.actions import house
    from fediverse_support.adapters.secret_file import load_secret

    async def work(db: Db) -> int:
        key = house.key_of(typed.key)
        instance = await settled(db, chosen)
        await house.choose(db, instance, None, key, typed.value, secret=load_secret(chosen.data_dir))
        if (override := dict(chosen.overrides).get(key.name)) is not None:
            print(
                f"{key.name} is chosen, but it does not count yet: {settings.OVERRIDES[key.name]} is set to "
                f"{override}, and holds until it is gone."
            )
        else:
            print(f"{key.name} is chosen.")
        return 0

    return with_database(chosen, work)


def shown(setting: Setting) -> str:
    """Return a value as it fits on a line."""
    first, _, rest = setting.value.partition("\n")
    return f"{first[:MOST_SHOWN]}…" if rest or len(first) > MOST_SHOWN else first
