"""How much one caller may ask for: who counts as one, and bodies cut at a size."""

from __future__ import annotations

from starlette.types import Receive, Scope

from fediverse_support.domain import places


class TooLarge(Exception):
    """A body beyond its limit; nothing of it is kept."""


class Disconnected(Exception):
    """The caller went away in the middle of its request."""


def place_of(scope: Scope) -> str:
    """Return what counts as the place that a request came from, empty where nobody knows."""
    client = scope.get("client")
    return places.place_of(client[0]) if client else ""


def declared_length(scope: Scope) -> int | None:
    """Return `Content-Length` in bytes, None without one; raise ValueError unless it is one plain number."""
    values = [value for key, value in scope["headers"] if key == b"content-length"]
    if not values:
        return None
    if len(values) > 1 or not values[0].isdigit() or len(values[0]) > 18:
        raise ValueError("content-length")
    return int(values[0])


async def read_body(receive: Receive, limit: int) -> bytes:
    """Read a request's body; raise TooLarge beyond `limit` bytes, Disconnected when the caller goes away."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge
        if part:
            parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
