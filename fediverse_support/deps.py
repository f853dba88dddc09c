"""What the edges and the workers are handed: everything that lives as long as the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from federation.http import Transport
from fediverse_support.adapters.passwords import Passwords
from fediverse_support.db.pool import Conn, Db
from fediverse_support.db.remembered import Remembered
from fediverse_support.domain import house
from fediverse_support.domain.house import House
from fediverse_support.domain.instance import Instance
from fediverse_support.reads import house as decided
from fediverse_support.remote import Remote
from fediverse_support.settings import Settings

HOUSE: Final = "house"
NOTHING_CHOSEN: Final = house.read(None)


@dataclass(slots=True)
class Latest:
    """What the organisation had decided when this process last looked: for pages that ask no database."""

    house: House = NOTHING_CHOSEN


@dataclass(frozen=True, slots=True)
class Deps:
    """Made once, in `wiring`. `secret` seals private keys and forms' tokens;
    `remembered` gives nothing unless its `listen` runs."""

    settings: Settings
    instance: Instance
    db: Db
    remote: Remote
    transport: Transport
    passwords: Passwords
    secret: bytes
    remembered: Remembered = field(default_factory=Remembered)
    latest: Latest = field(default_factory=Latest)

    def is_surely_off(self) -> bool:
        """Say whether we exchange nothing with anybody, as far as that is known without asking."""
        override = dict(self.instance.overrides).get("federation")
        if override is not None:
            return override == "off"
        found: House | None = self.remembered.recall(HOUSE)
        return found is not None and found.federation == "off"

    async def house(self, conn: Conn | None = None) -> House:
        """Return what the organisation decided, as it holds at this moment.

        Asks the database, by `conn` or a connection of its own, unless it would have told of a change.
        Whoever holds a connection hands it in: one more could wait for itself.
        """
        edition = self.remembered.edition
        found: House | None = self.remembered.recall(HOUSE)
        if found is None:
            if conn is None:
                async with self.db.connection() as own:
                    found = await decided.find(own, self.instance.overrides)
            else:
                found = await decided.find(conn, self.instance.overrides)
            self.remembered.keep(HOUSE, found, edition)
            self.latest.house = found
        return found
