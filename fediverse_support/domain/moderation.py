"""Rules about other servers, reports, and what staff may decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["allow", "limit", "hold", "suspend"]
SEVERITIES: Final[tuple[Severity, ...]] = ("allow", "limit", "hold", "suspend")

ReportReason = Literal["worried", "rule", "elsewhere", "spam", "legal", "violation", "other"]


@dataclass(frozen=True, slots=True)
class DomainRule:
    """What this instance decided about a domain and its subdomains."""

    domain: str
    severity: Severity
    reason: str = ""
    private_note: str = ""
    reject_media: bool = False
    reject_reports: bool = False


def suffixes(host: str) -> tuple[str, ...]:
    """Return every domain a rule about this host may name, longest first: the authority, the name, its
    parents."""
    name = host if host.startswith("[") else host.split(":", 1)[0]
    labels = name.split(".")
    return tuple(dict.fromkeys((host, *(".".join(labels[i:]) for i in range(len(labels))))))


def severity_for(host: str | None, rules: dict[str, Severity]) -> Severity | None:
    """Return the severity of the rule with the longest domain that covers this host."""
    if host is None:
        return None
    return next((rules[domain] for domain in suffixes(host) if domain in rules), None)
