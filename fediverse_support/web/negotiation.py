"""A page for a person or a document for a program: what the `Accept` header asks for.

Every edge may use it. Source: RFC 9110 section 12.5.1, ActivityPub section 3.2.
"""

from __future__ import annotations

import re
from typing import Final

from starlette.responses import Response
from starlette.types import Scope

from federation.uris import Uri

ACTIVITY: Final = "application/activity+json"
LINKED_DATA: Final = "application/ld+json"
PROFILE: Final = "https://www.w3.org/ns/activitystreams"
PAGE: Final = frozenset({"text/html", "application/xhtml+xml"})
VARY: Final = "Accept, Signature, Signature-Input, Authorization, Cookie"
MAX_ACCEPT: Final = 1024

RANGE: Final = re.compile(
    r'\s*([^\s;,"]+)((?:\s*;\s*[a-z0-9*_-]+\s*=\s*(?:"[^"]*"|[^\s;,"]*))*)\s*(?:,|\Z)', re.IGNORECASE
)
PARAMETER: Final = re.compile(r';\s*([a-z0-9*_-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))', re.IGNORECASE)


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first value of a request header; `name` is lower-case."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in headers if key == name), None)


def accept_of(scope: Scope) -> str | None:
    """Return what the request accepts; several lines of one header are one list (RFC 9110 section 5.3)."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    lines = [value.decode("latin-1") for key, value in headers if key == b"accept"]
    return ", ".join(lines) if lines else None


def accepted(text: str | None) -> dict[str, float]:
    """Return each media type asked for with its quality (0 to 1); linked data only with no profile or ours.

    A missing header, a too long one, and what cannot be read of one, count as not given.
    """
    found: dict[str, float] = {}
    if not text or len(text) > MAX_ACCEPT:
        return found
    position = 0
    while position < len(text) and (part := RANGE.match(text, position)):
        position = part.end()
        parameters = {name.lower(): quoted or plain for name, quoted, plain in PARAMETER.findall(part[2])}
        kind = part[1].lower()
        if kind == LINKED_DATA and parameters.get("profile", PROFILE) != PROFILE:
            continue
        found[kind] = max(found.get(kind, 0.0), _quality(parameters.get("q")))
    return found


def wants_activity(scope: Scope) -> bool:
    """Say whether a page's address was asked for its document, by name and before HTML."""
    text = accept_of(scope)
    if text is None or "json" not in text.lower():
        return False
    types = accepted(text)
    named = max(types.get(ACTIVITY, 0.0), types.get(LINKED_DATA, 0.0))
    return named > max(types.get(kind, 0.0) for kind in PAGE)


def prefers_page(scope: Scope) -> bool:
    """Say whether a document's address was asked by a browser: HTML before everything a document could be."""
    text = accept_of(scope)
    if text is None or "html" not in text.lower():
        return False
    types = accepted(text)
    documents = (ACTIVITY, LINKED_DATA, "application/json", "application/*", "*/*")
    return max(types.get(kind, 0.0) for kind in PAGE) > max(types.get(kind, 0.0) for kind in documents)


def ap_redirect(uri: Uri) -> Response:
    """Send a program from a page's address to the document's own id, on the same host."""
    headers = {"location": uri, "vary": VARY, "cache-control": "private, no-store"}
    return Response(status_code=302, headers=headers)


def _quality(text: str | None) -> float:
    if text is None:
        return 1.0
    try:
        value = float(text[:6])
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0


def all_headers(scope: Scope) -> tuple[tuple[str, str], ...]:
    """Return all request headers as text, in order; a server gives their names in lower case."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return tuple([(key.decode("latin-1"), value.decode("latin-1")) for key, value in headers])
