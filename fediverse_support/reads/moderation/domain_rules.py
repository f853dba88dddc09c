"""The rules about other servers, as the command line lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain.moderation import Severity


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule as stored; it holds for the domain and everything below it."""

    domain: str
    severity: Severity
    reject_media: bool
    reject_reports: bool
    reason: str
    private_note: str
    created_at: datetime
    updated_at: datetime


LIST_RULES: Final = """
select domain, severity, reject_media, reject_reports, reason, private_note, created_at, updated_at
from domain_rules order by domain
"""


async def list_rules(conn: Conn) -> tuple[RuleLine, ...]:
    """Return every rule, by domain."""
    return tuple(RuleLine(**row) for row in await conn.fetch(LIST_RULES))
