"""Names of people and groups: what may be chosen, and what looks too much like another.

Pure but for the one look into the database that `refuse_taken` takes.
"""

from __future__ import annotations

import re
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.errors import Conflict, Invalid
from fediverse_support.store.accounts import accounts

NAME: Final = re.compile(r"[a-z0-9_]{3,30}\Z")
RESERVED: Final = frozenset(
    """
    about abuse account accounts admin administrator administrators all announcements anonymous api auth
    authority bot contact demo everyone exit federation find following followers group groups guest guide
    help here home host hostmaster inbox info instance join local login logout mail media member members mod
    moderation moderator moderators mods nobody noreply notifications null oauth official outbox owner page
    pages police postmaster privacy profile public register report reports root rules safety search security
    service settings signin signup site staff static status support suspended sysadmin system team tips
    undefined unknown user users webmaster welcome """.split()
)


def check_name(text: str) -> str:
    """Return the name in lower case; raise `Invalid` (field `name`) for one that nobody may have.

    Codes: `malformed` (3 to 30 letters a-z, digits and `_`, not only digits and `_`), `reserved`.
    """
    name = text.strip().lower()
    if not NAME.match(name) or not re.search(r"[a-z]", name):
        raise Invalid({"name": "malformed"})
    if skeleton(name) in {skeleton(word) for word in RESERVED}:
        raise Invalid({"name": "reserved"}, name=name)
    return name


def skeleton(name: str) -> str:
    """Return what a hasty reader sees: `Moderat0r` and `m0derator_` are the same.

    The same as in store.accounts.
    """
    seen = name.translate(str.maketrans("01i5", "olls", "_"))
    return seen.replace("rn", "m").replace("vv", "w")


async def refuse_taken(tx: Tx, name: str) -> None:
    """Raise `Conflict` when a checked name, or one that looks like it, is taken.

    Until the transaction ends nobody else can take a name. Codes: `name_taken`, `name_alike`.
    """
    like = await accounts.find_name_like(tx, name, skeleton(name))
    if like == name:
        raise Conflict(code="name_taken", name=name)
    if like is not None:
        raise Conflict(code="name_alike", name=name)
