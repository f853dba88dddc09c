"""Rules about other servers, reports, and what staff may decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["allow", "limit", "hold", "suspend"]
SEVERITIES: Final[tuple[Severity, ...]] = ("allow", "limit", "hold", "suspend")
STRICT: Final[tuple[Severity, ...]] = ("suspend", "hold", "limit")

ReportReason = Literal["worried", "rule", "elsewhere", "spam", "legal", "violation", "other"]

NOT_SAID: Final = "removed by moderators"
"""What is published about a removal for which nobody typed words for everybody."""


def reason_given(published: str | None) -> str:
    """Return the words that somebody typed for everybody; empty where there are none."""
    return "" if published is None or published == NOT_SAID else published


@dataclass(frozen=True, slots=True)
class DomainRule:
    """What this instance decided about a domain and its subdomains.

    `reject_media` and `reject_reports` None means: as they were.
    """

    domain: str
    severity: Severity
    reason: str = ""
    private_note: str = ""
    reject_media: bool | None = None
    reject_reports: bool | None = None


# Under these, and under `co.uk` and its like, strangers have names of their own: a rule there is about all of
# them. Chosen by hand from the public suffix list (publicsuffix.org): where servers like ours are found.
SHARED: Final = frozenset(
    """
    duckdns.org dynv6.net eu.org fly.dev freeddns.org github.io herokuapp.com masto.host netlify.app
    ngrok.io nip.io no-ip.org onrender.com pages.dev sslip.io ts.net vercel.app workers.dev """.split()
)
SECOND_LABELS: Final = frozenset("ac co com edu go gob gov gouv ltd me mil ne net nom or org plc sch".split())


def is_wide(domain: str) -> bool:
    """Say whether a rule about this domain is about everybody who has a name under it: one label, such as
    `org`, a country's second level, such as `co.uk`, or a name that a provider gives to strangers.
    """
    labels = domain.split(".")
    if ":" in domain or domain == "localhost":
        return False
    if len(labels) == 2 and len(labels[1]) == 2 and labels[0] in SECOND_LABELS:
        return True
    return len(labels) == 1 or domain in SHARED


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


def strictest(severities: Iterable[Severity | None]) -> Severity | None:
    """Return the strictest of these, or the first where none forbids anything."""
    found = list(severities)
    return next((rule for rule in STRICT if rule in found), found[0] if found else None)
