"""Answers of this edge: status, bytes and headers, and how they leave.

They are plain values, sent straight through ASGI: the addresses here are asked far more often than any page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import Scope, Send

from fediverse_support.web.negotiation import VARY

ACTIVITY_TYPE: Final = b"application/activity+json; charset=utf-8"
JSON_TYPE: Final = b"application/json; charset=utf-8"
SAFETY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
PUBLIC: Final = b"public, max-age=180"
PRIVATE: Final = b"private, no-store"
KEY_RETRY: Final = b"600"
BUSY_RETRY: Final = b"60"
SOONEST_RETRY: Final = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. `headers` is complete, with lower-case names."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]

    async def send(self, scope: Scope, send: Send) -> None:
        """Send it; a HEAD request gets everything but the body."""
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


def answer(
    status: int,
    body: bytes = b"",
    *,
    kind: bytes = JSON_TYPE,
    cache: bytes = PRIVATE,
    extra: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:
    """Make an answer with the headers that every one of this edge has."""
    typed = ((b"content-type", kind),) if body else ()
    length = (b"content-length", str(len(body)).encode())
    fixed = (length, (b"vary", VARY.encode()), (b"cache-control", cache))
    return Answer(status, body, (*typed, *fixed, *SAFETY, *extra))


def document(body: bytes, *, cache: bytes = PRIVATE, status: int = 200) -> Answer:
    """Make an answer with an ActivityStreams document."""
    return answer(status, body, kind=ACTIVITY_TYPE, cache=cache)


def refusal(status: int, code: str, *, extra: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """Make a refusal whose body is nothing but a stable code."""
    return answer(status, b'{"error":"%s"}' % code.encode("ascii"), extra=extra)


def moved(uri: str) -> Answer:
    """Send a browser to the page of what it asked for."""
    return answer(302, extra=((b"location", uri.encode("ascii")),))


ACCEPTED: Final = answer(202)
NOT_FOUND: Final = refusal(404, "not_found")
FORBIDDEN: Final = refusal(403, "forbidden")
TOO_LARGE: Final = refusal(413, "too_large")
BUSY: Final = refusal(503, "unavailable", extra=((b"retry-after", BUSY_RETRY),))
KEY_UNREACHABLE: Final = refusal(503, "key_unreachable", extra=((b"retry-after", KEY_RETRY),))


def busy(seconds: float) -> Answer:
    """Ask to come again after some seconds: nothing is wrong, but others are asked for too much now."""
    return refusal(503, "busy", extra=((b"retry-after", str(max(SOONEST_RETRY, int(seconds) + 1)).encode()),))


def unauthentic(code: str) -> Answer:
    """Ask for a signature, or say with a code why the given one proves nothing."""
    return refusal(401, code, extra=((b"www-authenticate", b"Signature"),))


def too_many(seconds: float) -> Answer:
    """Ask to come back after some seconds."""
    return refusal(429, "too_many", extra=((b"retry-after", str(int(seconds) + 1).encode()),))
