"""The library's view of HTTP: two frozen values and one door to the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from federation.uris import Uri


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands on the wire.

    `target` is the raw path with its query, never decoded. Header names are lower-case; a header that came
    several
    times stands several times, in order.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of one header, in order."""
        return tuple([value for key, value in self.headers if key == name])

    def first(self, name: str) -> str | None:
        """Return the first value of one header, or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, lower-case headers (last one wins), at most the allowed number of body bytes."""

    status: int
    headers: dict[str, str]
    body: bytes
    uri: Uri


class Transport(Protocol):
    """The only way to other servers. It checks the address actually dialled and never follows a redirect."""

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", *, limit: int, seconds: float
    ) -> Reply:
        """Send one request and read at most `limit` bytes within `seconds`.

        Raises `errors.Unreachable` for every failure before a complete answer (`timeout`, `refused`, `tls`,
        `too_large`, `forbidden_address`).
        """
        ...
