"""One activity to one inbox: build the request, judge the answer, say when to try again. All of it is
pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import urljoin

from federation import signatures, signatures_rfc9421, uris
from federation.errors import FederationError, Malformed
from federation.http import Reply
from federation.keys import Signer
from federation.uris import Uri

Scheme = Literal["cavage", "rfc9421"]

CONTENT_TYPE: Final = "application/activity+json"
ACCEPT: Final = "application/activity+json, application/json;q=0.9"
MAX_REPLY: Final = 64 * 1024
SECONDS: Final = 15.0
SHORT: Final = 5.0
"""Seconds for a host that failed lately, every other time: most are silent, and some are only slow."""
LONGEST_WAIT: Final = timedelta(hours=24)
STEPS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
DAILY: Final = timedelta(hours=24)
SPREAD: Final = 0.2
KEPT_FOR: Final = timedelta(days=8)
"""A server that was down for a week must still catch up."""
KEPT_TO_TAKE_BACK: Final = timedelta(days=30)
"""What asks to forget something is worth a month of trying."""
MOVED: Final = frozenset({301, 302, 307, 308})
TAKEN: Final = frozenset(str(status) for status in range(200, 300))
LATER: Final = frozenset({408, 425, 429})
ABOUT_SIGNATURES: Final = re.compile(rb"signature|digest", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The inbox took it."""

    status: int


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again later: after `after` where the peer said when, by our own backoff where it is None."""

    after: timedelta | None
    code: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The inbox will never take this activity; others may pass."""

    status: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The inbox is not there (404) or no longer there (410): ask for the actor again."""

    status: int


@dataclass(frozen=True, slots=True)
class Knock:
    """Send it once more now, signed by the other scheme."""

    status: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The inbox is elsewhere: fetch the actor again and believe only its document. `to` is what the answer
    said."""

    to: Uri | None


Attempt = Delivered | Retry | Refused | Gone | Knock | Moved


def build(
    activity: bytes,
    inbox: Uri,
    *,
    signer: Signer,
    now: datetime,
    scheme: Scheme = "cavage",
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return every header for a POST of exactly these bytes to `inbox`, signed at `now`."""
    sign = signatures.sign if scheme == "cavage" else signatures_rfc9421.sign
    given = {"Content-Type": CONTENT_TYPE, "Accept": ACCEPT, **(headers or {})}
    return sign("POST", inbox, given, activity, key_id=signer.key_id, private=signer.private, now=now)


def classify(reply: Reply | FederationError, *, knocked: bool = False) -> Attempt:
    """Return what an answer, or the failure to get one, means for the delivery.

    `knocked` says that the other signature scheme was tried already, so that two doors are never knocked at
    in turn.
    """
    if isinstance(reply, FederationError):
        # The peer took it and then talked too long; sending it again would only repeat that.
        if reply.code == "too_large" and reply.detail in TAKEN:
            return Delivered(int(reply.detail))
        return Retry(None, reply.code)
    status = reply.status
    if 200 <= status < 300:
        return Delivered(status)
    if status in MOVED:
        return Moved(_location(reply))
    if status == 401:
        return Retry(None, "status_401") if knocked else Knock(status)
    if status in (400, 403) and not knocked and ABOUT_SIGNATURES.search(reply.body[:4096]):
        return Knock(status)
    if status in (404, 410):
        return Gone(status)
    if status in LATER or status >= 500:
        return Retry(_retry_after(reply), f"status_{status}")
    return Refused(status)


def backoff(attempts: int, chance: float) -> timedelta | None:
    """Return how long to wait after so many failed attempts (from 1 on), or None after eight days of trying.

    `chance` in [0, 1) spreads every wait by 20 % either way, so that a host that comes back is not met by
    everybody at once, and hosts that failed together do not come together again.
    """
    spread = 1 - SPREAD + 2 * SPREAD * chance
    if attempts <= len(STEPS):
        return STEPS[max(attempts, 1) - 1] * spread
    days = attempts - len(STEPS)
    if sum(STEPS, timedelta()) + days * DAILY > KEPT_FOR:
        return None
    return DAILY * spread


def _retry_after(reply: Reply) -> timedelta | None:
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:6])), LONGEST_WAIT) if len(text) <= 6 else LONGEST_WAIT
    try:
        # Both dates are of the peer's clock, so that a wrong one does no harm.
        after = signatures.read_date(text) - signatures.read_date(reply.headers.get("date", ""))
    except FederationError:
        return None
    return min(max(after, timedelta()), LONGEST_WAIT)


def _location(reply: Reply) -> Uri | None:
    location = reply.headers.get("location", "")
    if not location or len(location) > uris.MAX_LENGTH:
        return None
    try:
        return uris.parse(urljoin(reply.uri, location))
    except (ValueError, Malformed):
        return None
