"""One door for every request under `/api`: who calls, what with, what comes back when it goes wrong."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fediverse_support.deps import Deps
from fediverse_support.domain.actors import Person
from fediverse_support.domain.buckets import Buckets
from fediverse_support.domain.errors import AppError
from fediverse_support.domain.ids import ActorId
from fediverse_support.web import limits
from fediverse_support.web.limits import place_of
from fediverse_support.web.mastodon import auth, params
from fediverse_support.web.mastodon.auth import Caller
from fediverse_support.web.mastodon.errors import Refused, answer_for, json
from fediverse_support.web.mastodon.params import Params

WINDOW_SECONDS: Final = 300
CALLS_PER_WINDOW: Final = 300


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed the door."""

    deps: Deps
    caller: Caller
    params: Params
    path: str
    query: bytes
    headers: Headers
    words: Mapping[str, Any]

    @property
    def person(self) -> Person:
        """The person calling; only behind a door that asks for one."""
        if self.caller.person is None:
            raise auth.not_signed_in()
        return self.caller.person

    @property
    def viewer(self) -> ActorId | None:
        """The number `can_see` is asked with."""
        return self.caller.viewer

    @property
    def id(self) -> int:
        """The row id in the path; `NotFound` for what cannot be one."""
        return params.number(self.words["id"])


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Door:
    """A handler, the scope a token needs for it, and whether one is needed at all."""

    handler: Handler
    scope: str | None = None
    signed_in: bool = True

    @property
    def is_same_for_all(self) -> bool:
        """Nobody is asked who they are: a client with an ended token still learns what server this is."""
        return self.scope is None and not self.signed_in


class Endpoint:
    """An ASGI application for one path: a door per method."""

    def __init__(self, deps: Deps, buckets: Buckets, doors: Mapping[str, Door]) -> None:
        self._deps = deps
        self._buckets = buckets
        self._doors = dict(doors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._answer(Request(scope), receive)
        except limits.Disconnected:
            return
        except (AppError, Refused) as error:
            response = answer_for(error)
        await response(scope, receive, send)

    async def _answer(self, request: Request, receive: Receive) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        allowed = ", ".join(sorted({*self._doors, "OPTIONS"}))
        if method == "OPTIONS":
            return Response(status_code=204, headers={"allow": allowed})
        if (door := self._doors.get(method)) is None:
            return json({"error": "Method not allowed"}, 405, {"allow": allowed})
        caller = await self._caller(request, door)
        auth.require(caller, door.scope, signed_in=door.signed_in)
        query = request.scope["query_string"]
        given = await params.read(method, query, request.headers, receive)
        return await door.handler(
            Call(
                self._deps, caller, given, request.scope["path"], query, request.headers, request.path_params
            )
        )

    async def _caller(self, request: Request, door: Door) -> Caller:
        digest = None if door.is_same_for_all else auth.token_digest(request.headers)
        address = f"address {place_of(request.scope)}"
        if digest is None:
            self._slow_down(address)
            return Caller()
        self._slow_down(f"token {digest.hex()}")
        try:
            async with self._deps.db.connection() as conn:
                return await auth.caller_of(conn, digest)
        except Refused:
            self._slow_down(address)  # tokens cannot be tried out at will
            raise

    def _slow_down(self, key: str) -> None:
        wait = self._buckets.take(key, self._deps.db.now().timestamp())
        if wait > 0:
            refused = Refused(429, "Too many requests")
            refused.headers = {"retry-after": str(math.ceil(wait))}
            raise refused
