"""Who asks: a request as it stood on the wire, and the proof of which server sent it.

Nothing here trusts a path that a framework decoded or an address it put together: both are taken from the
raw request.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

from federation import authenticity, uris
from federation.authenticity import KeyClaim
from federation.errors import Gone, Malformed, Unauthentic, Unreachable
from federation.http import Request
from federation.uris import Host, Uri
from fediverse_support.db.pool import DatabaseUnavailable
from fediverse_support.deps import Deps
from fediverse_support.domain.house import House
from fediverse_support.domain.moderation import Severity
from fediverse_support.keyring import KnownKey
from fediverse_support.web import negotiation
from fediverse_support.web.federation import answers
from fediverse_support.web.federation.answers import Answer
from fediverse_support.web.limits import Disconnected, place_of

IDS: Final = re.compile(rb"[a-zA-Z0-9/]{1,200}")
SIGNATURE_HEADERS: Final = frozenset({b"signature", b"signature-input"})


def request_of(scope: Scope, body: bytes = b"") -> Request:
    """Return the request as it stood on the wire: the raw path and query, every header in order."""
    target: bytes = scope["raw_path"]
    if scope["query_string"]:
        target = target + b"?" + scope["query_string"]
    return Request(scope["method"], target.decode("latin-1"), negotiation.all_headers(scope), body)


def is_signed(scope: Scope) -> bool:
    """Say whether a request claims to be signed."""
    return any(key in SIGNATURE_HEADERS for key, _ in scope["headers"])


@dataclass(frozen=True, slots=True)
class Asked:
    """A GET for something of ours, and what the organisation has decided about such.

    `claim` is fresh, but not verified yet; `fault` says why there is none.
    """

    scope: Scope
    uri: Uri
    claim: KeyClaim | None
    fault: str
    house: House

    @property
    def host(self) -> Host | None:
        """The server that claims to ask; proven only by `admit`."""
        return None if self.claim is None else uris.host(self.claim.key_id)

    @property
    def parent_uri(self) -> Uri:
        """The id without its last part: whose collection it is."""
        return Uri(self.uri.rpartition("/")[0])


async def read(deps: Deps, scope: Scope) -> Asked | None:
    """Return what a GET asks for; None where nothing can be: federation off, or a path with escapes."""
    path: bytes = scope["raw_path"]
    if not IDS.fullmatch(path):
        return None
    house = await deps.house()
    if house.federation == "off":
        return None
    uri = Uri(deps.instance.base_url + path.decode("ascii"))
    if not is_signed(scope):
        return Asked(scope, uri, None, "signature_missing", house)
    try:
        claim = authenticity.claimed_key(request_of(scope), origin=deps.instance.base_url, now=deps.db.now())
    except Unauthentic as error:
        return Asked(scope, uri, None, error.code, house)
    if deps.instance.is_ours(claim.key_id):
        return Asked(scope, uri, None, "signature_invalid", house)
    return Asked(scope, uri, claim, "", house)


async def admit(deps: Deps, asked: Asked, severity: Severity | None) -> Answer | None:
    """Return a refusal, or None once it is proven that a server we talk to has signed the request."""
    if asked.claim is None:
        return answers.unauthentic(asked.fault)
    if not asked.house.talks_to(severity):
        return answers.FORBIDDEN
    await verified(deps, asked.scope, asked.claim)
    return None


async def verified(deps: Deps, scope: Scope, claim: KeyClaim) -> KnownKey:
    """Return the key that made the signature, asked for anew once if the known one did not.

    What has to be asked is on the account of the address that the request came from. Raises `Unauthentic`,
    `Gone`, `Unreachable`.
    """
    keys, place = deps.remote.keys, place_of(scope)
    known = await keys.get(claim.key_id, place)
    try:
        claim.verify(known.key)
    except Unauthentic:
        known = await keys.get(claim.key_id, place, refresh=True)
        claim.verify(known.key)
    keys.proven(claim.key_id)
    return known


def _unreachable(error: Unreachable) -> Answer:
    if error.code == "domain_refused":
        return answers.FORBIDDEN
    return answers.KEY_UNREACHABLE if error.after is None else answers.busy(error.after)


Handler = Callable[[Scope, Receive], Awaitable[Answer | None]]


@dataclass(frozen=True, slots=True)
class Edge:
    """An address of this edge as an ASGI application: a handler, and what its faults look like outside."""

    handler: Handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; None from the handler means that nothing of that name is here."""
        try:
            found = await self.handler(scope, receive)
        except (Unauthentic, Gone) as error:
            found = answers.unauthentic(error.code)
        except Malformed as error:
            found = answers.refusal(400, error.code)
        except Unreachable as error:
            found = _unreachable(error)
        except DatabaseUnavailable:
            found = answers.BUSY
        except Disconnected:
            return
        await (found or answers.NOT_FOUND).send(scope, send)
