"""Collections of actors: outbox, followers, following, featured, moderators.

Who follows a support group, and whom a person follows, is listed for nobody, not even as a number. A
group's outbox shows its newest conversations, as servers that know groups expect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

from federation import collections
from federation.uris import Uri
from fediverse_support.deps import Deps
from fediverse_support.domain.documents import ActorRow, GroupRow
from fediverse_support.reads import federation as reads
from fediverse_support.web.federation import actors, answers, asking
from fediverse_support.web.federation.answers import Answer
from fediverse_support.web.federation.asking import Asked, Edge

Builder = Callable[[Deps, Asked, ActorRow], Awaitable[bytes]]


async def _hidden(_: Deps, asked: Asked, __: ActorRow) -> bytes:
    """It exists; that is all."""
    return collections.count(asked.uri, None)


async def _empty(_: Deps, asked: Asked, __: ActorRow) -> bytes:
    return collections.ordered(asked.uri, 0)


async def _outbox(deps: Deps, asked: Asked, row: ActorRow) -> bytes:
    if not isinstance(row, GroupRow) or row.group_kind != "open":
        return collections.ordered(asked.uri, None)
    async with deps.db.connection() as conn:
        relayed = await reads.list_outbox(conn, row, deps.db.now() - asked.house.undo_for)
    return collections.ordered(asked.uri, len(relayed), items=relayed)


async def _moderators(deps: Deps, asked: Asked, row: ActorRow) -> bytes:
    async with deps.db.connection() as conn:
        listed = await reads.list_moderators(conn, row.id)
    return collections.ordered(asked.uri, len(listed), items=listed)


OF_PEOPLE: Final[dict[str, Builder]] = {
    "outbox": _outbox,
    "followers": _hidden,
    "following": _hidden,
    "featured": _empty,
}
OF_GROUPS: Final[dict[str, Builder]] = {
    "outbox": _outbox,
    "followers": _hidden,
    "featured": _empty,
    "moderators": _moderators,
}


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection of every person, or of every group."""

    deps: Deps
    build: Builder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one GET."""
        await Edge(self.get)(scope, receive, send)

    async def get(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer a server that signs; an actor others may not know has no collections either."""
        asked = await asking.read(self.deps, scope)
        if asked is None:
            return None
        async with self.deps.db.connection() as conn:
            found = await reads.find_actor(conn, asked.parent_uri, asked.host)
        if found is None:
            return None
        if found.row.standing == "deleted":
            return actors.tombstone(found.row)
        if refused := await asking.admit(self.deps, asked, found.severity):
            return refused
        return answers.document(await self.build(self.deps, asked, found.row))


@dataclass(frozen=True, slots=True)
class NoPosts:
    """The outbox of the instance actor: always empty, always readable."""

    deps: Deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one GET."""
        body = collections.ordered(Uri(f"{self.deps.instance.actor_uri}/outbox"), 0)
        await answers.document(body, cache=answers.PUBLIC).send(scope, send)
