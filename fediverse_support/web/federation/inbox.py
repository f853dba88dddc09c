"""The inboxes: what other servers deliver.

In order: size, type, whether we talk to that server at all, shape, proof; then the delivery is stored and
answered with 202. Nothing of it is acted on here, and no other server is asked for anything before its rule
is known. The shared inbox never answers 404 or 410: some servers take that as the end of this one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Receive, Scope

from federation import authenticity, documents, reading, uris, vocab
from federation.authenticity import Authentic, KeyClaim, NeedsFetch
from federation.documents import Document
from federation.errors import Malformed, Unauthentic
from federation.uris import Uri
from federation.vocab import Unsupported
from fediverse_support.actions.exchange import intake
from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.deps import Deps
from fediverse_support.domain.buckets import Buckets
from fediverse_support.reads import federation as reads
from fediverse_support.web import limits
from fediverse_support.web.federation import answers, asking
from fediverse_support.web.federation.answers import Answer

BURST: Final = 2_000
PER_SECOND: Final = 100
"""How many deliveries one server may bring at once, and in the long run."""
BELLS_PER_SECOND: Final = 2
"""How often the workers are told about one server: once they serve its line, they look at it again."""

PLAIN_TYPES: Final = frozenset(
    {
        b"application/activity+json",
        b"application/activity+json; charset=utf-8",
        b'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
        b'application/ld+json; profile="https://www.w3.org/ns/activitystreams"; charset=utf-8',
    }
)
FAREWELLS: Final = frozenset({"Delete", "Update", "Undo"})
TAKES_BACK: Final = ("Delete", "Undo")
MAY_LACK_ID: Final = frozenset({"Like", "Dislike", "EmojiReact", "Follow", "Accept", "Reject", "Undo"})


@dataclass(frozen=True, slots=True)
class Inbox:
    """The handler of every inbox. `is_shared` is False for the inboxes of single actors."""

    deps: Deps
    intake: Intake
    is_shared: bool
    buckets: Buckets
    bells: Buckets
    clock: Callable[[], float] = field(default=time.monotonic)

    async def post(self, scope: Scope, receive: Receive) -> Answer | None:
        """Take one delivery; raises what `asking.Edge` turns into refusals."""
        if refused := _refuse_outright(self.deps, scope):
            return refused
        try:
            body = await limits.read_body(receive, documents.MAX_BYTES)
        except limits.TooLarge:
            return answers.TOO_LARGE
        base = self.deps.instance.base_url
        claim = authenticity.claimed_key(asking.request_of(scope, body), origin=base, now=self.deps.db.now())
        if self.deps.instance.is_ours(claim.key_id):
            raise Unauthentic("signature_invalid")
        is_known = self.deps.remote.keys.kept(claim.key_id) is not None
        if not (self.is_shared and is_known):
            door = await self._door(scope, claim)
            if not door.is_talked_to:
                return answers.FORBIDDEN
            if not door.has_owner:
                return None
            is_known = door.is_known
        return await self._prove(scope, claim, body, is_known=is_known)

    async def _door(self, scope: Scope, claim: KeyClaim) -> reads.Door:
        """Look up the rule before anybody is asked. With a key at hand, storing looks it up early enough."""
        path: bytes = scope["raw_path"]
        owner = Uri(self.deps.instance.base_url + path.decode("latin-1").rpartition("/")[0])
        async with self.deps.db.connection() as conn:
            host = uris.host(claim.key_id)
            override = dict(self.deps.instance.overrides).get("federation")
            return await reads.find_door(
                conn, host, claim.key_id, None if self.is_shared else owner, override
            )

    async def _prove(self, scope: Scope, claim: KeyClaim, body: bytes, *, is_known: bool) -> Answer:
        document = documents.parse(body)
        if not is_known and _is_about_strangers(self.deps, document):
            return answers.ACCEPTED
        known = await asking.verified(self.deps, scope, claim)
        if wait := self.buckets.take(known.host, self.clock()):
            return answers.too_many(wait)
        return await self._store(claim, known.actor_uri, document, body)

    async def _store(self, claim: KeyClaim, signer: Uri, document: Document, body: bytes) -> Answer:
        document, body = _named(document, body, signer)
        kept = _to_keep(document, body, signer)
        if kept is None:
            return answers.ACCEPTED
        uri, is_once = kept
        host, deps = uris.host(signer), self.deps
        accepted = await self.intake.accept(
            uri=uri,
            host=host,
            signer=signer,
            body=body,
            digest=claim.digest,
            takes_back=documents.one(document.get("type")) in TAKES_BACK,
            is_once=is_once,
        )
        if accepted == "refused":
            return answers.FORBIDDEN
        if accepted == "new" and self.bells.take(host, self.clock()) == 0.0:
            await intake.wake_receivers(deps.db, {host})
        return answers.ACCEPTED


def _to_keep(document: Document, body: bytes, signer: Uri) -> tuple[Uri, bool] | None:
    """Return the id under which a delivery is stored, and whether this alone settles that it came before.

    None where nothing is ever done about it. Raises what reading it raises: whoever sent it learns at once
    that it is of no use.
    """
    if reading.is_plain_post(document, body, signer):
        return Uri(str(document["id"])), True
    match authenticity.from_signed_request(document, body, signer):
        case Unsupported():
            return None
        case NeedsFetch():
            # Under an id of its own: what somebody passes on must not stand in the way of the original.
            return _made_up_id(signer, body), True
        case Authentic() as act:
            return act.value.id or _made_up_id(signer, body), vocab.is_settled_by_id(act.value)


def _refuse_outright(deps: Deps, scope: Scope) -> Answer | None:
    """Return the refusal that the request's head alone deserves."""
    try:
        length = limits.declared_length(scope)
    except ValueError:
        return answers.refusal(400, "bad_length")
    if length is not None and length > documents.MAX_BYTES:
        return answers.TOO_LARGE
    kinds = [value for key, value in scope["headers"] if key == b"content-type"]
    if len(kinds) != 1 or not (kinds[0] in PLAIN_TYPES or _is_activity_type(kinds[0])):
        return answers.refusal(415, "bad_media_type")
    if any(key == b"content-encoding" for key, _ in scope["headers"]):
        return answers.refusal(415, "bad_encoding")
    if not all(_is_our_name(deps, value) for key, value in scope["headers"] if key == b"x-forwarded-host"):
        return answers.refusal(400, "bad_host")
    # Where it is not known, the database is asked with the delivery itself.
    return answers.FORBIDDEN if deps.is_surely_off() else None


def _is_our_name(deps: Deps, value: bytes) -> bool:
    """Say whether a proxy forwards a name of ours; what was meant for another server is not for us."""
    try:
        return uris.parse_host(value.decode("latin-1")) == deps.instance.host
    except Malformed:
        return False


def _is_activity_type(value: bytes) -> bool:
    kind, *rest = value.decode("latin-1").lower().split(";")
    given = [part.partition("=") for part in rest]
    parameters = {name.strip(): text.strip().strip('"') for name, _, text in given}
    if len(parameters) != len(given) or parameters.get("charset", "utf-8") not in ("utf-8", "utf8"):
        return False
    if kind.strip() == "application/activity+json":
        return True
    profile = parameters.get("profile", "https://www.w3.org/ns/activitystreams")
    return kind.strip() == "application/ld+json" and profile == "https://www.w3.org/ns/activitystreams"


def _is_about_strangers(deps: Deps, document: Document) -> bool:
    """Say whether an unknown actor changes or takes back something that names nothing of ours.

    Farewells of unknown accounts are a large part of what a small server gets; nobody is asked about them.
    """
    kind = documents.one(document.get("type"))
    if not isinstance(kind, str) or kind not in FAREWELLS:
        return False
    actor = documents.id_of(documents.one(document.get("actor")))
    thing = documents.one(document.get("object"))
    if actor is not None and documents.id_of(thing) == actor:
        return True
    inner = thing if isinstance(thing, dict) else {}
    named = [document.get("object"), inner.get("object"), inner.get("inReplyTo")]
    for holder in (document, inner):
        named += [holder.get("to"), holder.get("cc"), holder.get("audience"), holder.get("target")]
    ids = (documents.id_of(value) for values in named for value in documents.many(values))
    return not any(uri is not None and deps.instance.is_ours(uri) for uri in ids)


def _named(document: Document, body: bytes, signer: Uri) -> tuple[Document, bytes]:
    """Give an activity of old software, which has no id, one that stays the same when it is sent again."""
    kind = documents.one(document.get("type"))
    if "id" in document or not isinstance(kind, str) or kind not in MAY_LACK_ID:
        return document, body
    uri = _made_up_id(signer, body)
    opening = body.index(b"{") + 1
    return {"id": uri, **document}, b'%s"id":"%s",%s' % (body[:opening], uri.encode(), body[opening:])


def _made_up_id(signer: Uri, body: bytes) -> Uri:
    return Uri(f"{uris.without_fragment(signer)}#{hashlib.sha256(body).hexdigest()}")
