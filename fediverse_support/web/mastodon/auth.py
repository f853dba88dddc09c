"""Who calls, proven by a bearer token, and what that token lets them do."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers

from fediverse_support.db.pool import Conn
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import ActorId
from fediverse_support.reads import accounts
from fediverse_support.web.mastodon.errors import BAD_TOKEN, WRONG_SCOPE, Refused

BEARER: Final = re.compile(r"bearer +([\x21-\x7e]{1,256}) *\Z", re.IGNORECASE)
CHALLENGE: Final = {"www-authenticate": 'Bearer realm="api"'}

# The old bundle `follow` stands for these.
FOLLOW: Final = frozenset(
    f"{verb}:{what}" for verb in ("read", "write") for what in ("blocks", "follows", "mutes")
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: a person with a token, or nobody in particular."""

    person: Person | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def viewer(self) -> ActorId | None:
        """The number `can_see` is asked with."""
        return None if self.person is None else self.person.actor_id

    def may(self, scope: str) -> bool:
        """Say whether the token covers a scope such as `write:statuses`, by itself or by a wider one."""
        wider = scope.partition(":")[0]
        return scope in self.scopes or wider in self.scopes or (scope in FOLLOW and "follow" in self.scopes)


async def caller_of(conn: Conn, digest: bytes) -> Caller:
    """Return who holds the token with this SHA-256; raise `Refused` with 401 or 403."""
    bearer = await accounts.find_bearer(conn, digest)
    if bearer is None or bearer.account_standing == "deleted" or bearer.actor_standing == "deleted":
        raise not_signed_in()
    if bearer.account_standing == "pending":
        raise Refused(403, "Your login is currently pending approval")
    if bearer.account_standing != "active" or bearer.actor_standing == "suspended":
        raise Refused(403, "Your login is currently disabled")
    return Caller(bearer.person, bearer.scopes)


def token_digest(headers: Headers) -> bytes | None:
    """Return the SHA-256 of the bearer token, None without one; raise `Refused` for another kind of
    credential."""
    given = headers.get("authorization")
    if given is None:
        return None
    if (found := BEARER.match(given)) is None:
        raise not_signed_in()
    return hashlib.sha256(found[1].encode()).digest()


def require(caller: Caller, scope: str | None, *, signed_in: bool) -> None:
    """Raise `Refused` unless the caller may pass a door: 401 for nobody, 403 for a token too narrow."""
    if caller.person is None:
        if signed_in:
            raise not_signed_in()
        return
    if scope is not None and not caller.may(scope):
        raise Refused(403, WRONG_SCOPE)


def not_signed_in() -> Refused:
    """Return the 401 that every unknown, missing or ended token gets."""
    refused = Refused(401, BAD_TOKEN)
    refused.headers = dict(CHALLENGE)
    return refused
