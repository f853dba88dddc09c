"""What this instance decided about other servers."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Tx
from fediverse_support.domain.ids import AccountId
from fediverse_support.domain.moderation import DomainRule, Severity

UPSERT: Final = """
insert into domain_rules as r (domain, severity, reject_media, reject_reports, reason, private_note,
    created_by, created_at, updated_at)
values ($1, $2, coalesce($3, false), coalesce($4, false), $5, $6, $7, $8, $8)
on conflict (domain) do update set severity = excluded.severity,
    reject_media = coalesce($3, r.reject_media), reject_reports = coalesce($4, r.reject_reports),
    reason = excluded.reason, private_note = excluded.private_note, updated_at = excluded.updated_at
"""
DELETE: Final = "delete from domain_rules where domain = $1"
IN_FORCE: Final = "select rule_for($1)"
FIND: Final = "select severity from domain_rules where domain = $1 for update"


async def find_severity(tx: Tx, domain: str) -> Severity | None:
    """Return what is decided about exactly this domain, and keep it from changing meanwhile."""
    found: Severity | None = await tx.fetchval(FIND, domain)
    return found


async def upsert(tx: Tx, rule: DomainRule, account_id: AccountId | None, now: datetime) -> None:
    """Put a rule in force; it is in force at commit."""
    await tx.execute(
        UPSERT,
        rule.domain,
        rule.severity,
        rule.reject_media,
        rule.reject_reports,
        rule.reason,
        rule.private_note,
        account_id,
        now,
    )


async def delete(tx: Tx, domain: str) -> None:
    """Lift a rule."""
    await tx.execute(DELETE, domain)


async def in_force(tx: Tx, domain: str) -> Severity | None:
    """Return the rule that counts for a domain, its own or a wider one."""
    found: Severity | None = await tx.fetchval(IN_FORCE, domain)
    return found
