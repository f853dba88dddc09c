"""Which address this database belongs to. Ids and handles are made from it, so it never changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fediverse_support.db.pool import Db
from fediverse_support.domain.errors import Conflict
from fediverse_support.domain.instance import Instance
from fediverse_support.store import house

NAME: Final = "base_url"


async def settle(db: Db, instance: Instance, *, is_chosen: bool) -> Instance:
    """Return the instance under the address its data were made with; a new database takes the one given.

    `is_chosen` says that the operator named the address: then another one in the data is a `Conflict`.
    """
    async with db.transaction() as tx:
        kept = await house.settle(tx, NAME, instance.base_url)
    if kept == instance.base_url:
        return instance
    if is_chosen:
        raise Conflict(
            f"The data here belong to {kept}, and this start is for {instance.base_url}. The addresses of "
            "people and posts are made from it, so it cannot change: set FEDIVERSE_SUPPORT_BASE_URL or "
            "--port back, or use another FEDIVERSE_SUPPORT_DATA_DIR or DATABASE_URL."
        )
    return replace(instance, base_url=kept)
