"""The web application put together: walls first, then whose turn it is, then the edges' routes.

All walls are plain ASGI. Behind them no request has an unknown `Host`, more than a hundred headers, more
than 32 KiB of them, or a body beyond the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from federation import uris
from federation.errors import Malformed
from fediverse_support.web.errors import OutermostHandler, answer
from fediverse_support.web.limits import TooLarge, declared_length
from fediverse_support.web.turns import InTurn

MAX_BODY: Final = 1024 * 1024
MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 32 * 1024
FOR_ANY_HOST: Final = frozenset({"/healthz", "/readyz", "/metrics"})
LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


def assemble(routes: Sequence[BaseRoute], *, base_url: str) -> ASGIApp:
    """Return the application of an instance at `base_url`.

    `routes` are tried in order, so the hot ones come first.
    """
    router = BySegment(routes)
    return OutermostHandler(Walls(InTurn(ExceptionMiddleware(router)), accepted_hosts(base_url)))


class BySegment:
    """A router that tries, in order, only routes whose first part of the path may be that of the request.

    There are about a hundred, and most of them begin with a word.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        firsts = [_first_segment(getattr(route, "path", "")) for route in routes]
        self.routers = {
            first: Router(
                [route for route, its in zip(routes, firsts, strict=True) if its in (first, None)],
                redirect_slashes=False,
            )
            for first in {*firsts, None}
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        router = self.routers.get(_first_segment(scope["path"], may_vary=False)) or self.routers[None]
        await router(scope, receive, send)


def _first_segment(path: str, *, may_vary: bool = True) -> str | None:
    """Return the first part of a path, None for one that matches several, or no path at all."""
    first = path.removeprefix("/").partition("/")[0]
    return None if may_vary and (not path or "{" in first) else first


def accepted_hosts(base_url: str) -> frozenset[str]:
    """Return the normalised `Host` values that mean this instance; all names of loopback mean the same."""
    host = uris.host(base_url)
    name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
    names: Iterable[str] = LOOPBACK if name in LOOPBACK else (name,)
    return frozenset(f"{one}:{port}" if port else one for one in names)


class Walls:
    """Refuses what no edge should ever see."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts
        self._plain = frozenset(host.encode() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it with 400, 413 or 431."""
        if scope["type"] != "http":
            return
        headers = scope["headers"]
        if (
            len(headers) > MAX_HEADERS
            or sum(len(key) + len(value) for key, value in headers) > MAX_HEADER_BYTES
        ):
            await answer(send, scope, 431, "The request has too many or too long headers.")
            return
        if not self._is_for_us(scope):
            await answer(send, scope, 400, "This server does not go by the name in the Host header.")
            return
        try:
            length = declared_length(scope)
        except ValueError:
            await answer(send, scope, 400, "The Content-Length header is not one number.")
            return
        if length is not None and length > MAX_BODY:
            await answer(send, scope, 413, "The request is too large.")
            return
        if length is not None:
            await self.app(scope, receive, send)  # the server below reads no more than was declared
            return
        await self._counted(scope, receive, send)

    def _is_for_us(self, scope: Scope) -> bool:
        found = [value for key, value in scope["headers"] if key == b"host"]
        if len(found) == 1 and found[0] in self._plain:
            return True
        if len(found) != 1:  # RFC 9112, section 3.2; before HTTP/1.1 there was no such header
            return not found and scope["http_version"] == "1.0" and scope["path"] in FOR_ANY_HOST
        if scope["path"] in FOR_ANY_HOST:
            return True
        try:
            return uris.parse_host(found[0].decode("ascii")) in self.hosts
        except (Malformed, UnicodeDecodeError):
            return False

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0
        has_started = False

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                raise TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except TooLarge:
            if not has_started:
                await answer(send, scope, 413, "The request is too large.")
