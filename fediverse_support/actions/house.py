"""What belongs to the whole house: the address of its data, which never changes, and what is decided.

A decision is in force, in every process, when the function that makes it returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from federation import keys
from fediverse_support.db.pool import Conn, Db
from fediverse_support.domain.errors import Conflict, Invalid, NotFound
from fediverse_support.domain.house import KEYS, Key
from fediverse_support.domain.ids import AccountId
from fediverse_support.domain.instance import Instance
from fediverse_support.store import house
from fediverse_support.store.moderation import reports
from fediverse_support.store.people import local_actors

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
        raise Conflict(code="other_address", kept=kept, asked=instance.base_url)
    return replace(instance, base_url=kept)


def key_of(name: str, known: Mapping[str, Key] = KEYS) -> Key:
    """Return the key of this name; raise `NotFound` where there is none."""
    if (key := known.get(name)) is None:
        raise NotFound(code="no_setting", name=name, known=", ".join(known))
    return key


async def choose(
    db: Db,
    instance: Instance,
    account_id: AccountId | None,
    key: Key,
    text: str,
    *,
    secret: bytes,
) -> None:
    """Decide one thing; `account_id` is None for the command line. `secret` seals what is secret.

    A text with versions gets its next one, and those before are kept. Raises `Invalid` for a value that the
    key does not take.
    """
    text = text.strip()
    try:
        key.parse(text)
    except ValueError as error:
        raise Invalid({key.name: "malformed"}, setting=key.name, wanted=key.wanted) from error
    now = db.now()
    async with db.transaction() as tx:
        match key.kind:
            case "words":
                await house.add_wording(tx, key.name, text, now)
            case "secret":
                await house.choose_sealed(tx, key.name, keys.seal(text.encode(), secret), now)
            case "value":
                await house.choose(tx, key.name, text, now)
        if key.name == "name":
            await local_actors.rename(tx, instance.actor_uri, text, now)
        await reports.log_action(tx, account_id, "setting_chosen", key.name, "", now)


async def choose_where_nobody_has(db: Db, values: Mapping[str, str]) -> None:
    """Choose for keys about which nobody has decided yet."""
    async with db.transaction() as tx:
        for name, text in values.items():
            await house.choose_first(tx, name, text, db.now())


async def open_secret(conn: Conn, key: Key, secret: bytes) -> str | None:
    """Return a secret in plain, None where none is set; raise `ValueError` where another key sealed it."""
    sealed = await house.find_sealed(conn, key.name)
    return None if sealed is None else keys.unseal(sealed, secret).decode()
