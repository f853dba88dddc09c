"""What the edges and the workers are handed: everything that lives as long as the process."""

from __future__ import annotations

from dataclasses import dataclass, field

from federation.http import Transport
from fediverse_support.adapters.passwords import Passwords
from fediverse_support.db.pool import Db
from fediverse_support.db.remembered import Remembered
from fediverse_support.domain.instance import Instance
from fediverse_support.remote import Remote
from fediverse_support.settings import Settings


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
