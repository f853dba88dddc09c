"""Proof as a type: the only place where an `Authentic` value is made.

A value is authentic when its author's server vouches for it: by a signature over the request that brought
it, or by serving it under its own id. Everything else a document claims is cut down to an id that can be
asked for at its origin. Sources: ActivityPub section 3, FEP-fe34 (origins), FEP-1b12 (what a group may
relay).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Generic, Literal, TypeVar

from federation import documents, groups, reading, renaming, signatures, signatures_rfc9421, uris
from federation.documents import Document
from federation.errors import Unauthentic
from federation.http import Request
from federation.keys import PublicKeyHandle
from federation.uris import Uri
from federation.vocab import (
    Activity,
    Actor,
    Announce,
    Block,
    Collection,
    Create,
    Delete,
    Flag,
    Like,
    Lock,
    Observe,
    Post,
    Tombstone,
    Undo,
    Unsupported,
    Update,
)

Proof = Literal["signature", "fetch", "local", "group"]
Scheme = Literal["cavage", "rfc9421"]
T_co = TypeVar("T_co", covariant=True)

SELF_SIGNED: Final = ("signature", "proof")
"""Members by which a forwarded document claims to prove itself. They never do here; they make it worth
asking for."""


@dataclass(frozen=True, slots=True)
class Authentic(Generic[T_co]):
    """A value and who vouches for it. `raw` is the exact text it came in, where there is one."""

    value: T_co
    proof: Proof
    by: Uri
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document found at its own id, as `fetching.fetch` returns it.

    `uri` may differ from the address that was asked for; only `uri` counts. `scheme` signed the request.
    """

    uri: Uri
    document: Document
    raw: bytes
    scheme: Scheme = "cavage"


@dataclass(frozen=True, slots=True)
class NeedsFetch:
    """Somebody else's activity, passed on: nothing of it counts, but this id may be asked for at its origin.

    A fetch that finds it gone is how a forwarded Delete comes true. `by` passed it on and bears the cost.
    `is_gone` is what it claims.
    """

    uri: Uri
    by: Uri
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """A request whose signature covers enough, is fresh and fits the body; only the key is still missing."""

    scheme: Scheme
    key_id: Uri
    _claim: signatures.Claim | signatures_rfc9421.Claim
    _request: Request
    _origin: str
    _values: dict[str, str]

    @property
    def digest(self) -> bytes:
        """Return 32 bytes that are equal only for the same key id and signature: seen again, it is a
        replay."""
        return hashlib.sha256(self.key_id.encode() + b"\0" + self._claim.signature).digest()

    def verify(self, key: PublicKeyHandle) -> None:
        """Raise `Unauthentic("signature_invalid")` unless `key` made the signature."""
        if isinstance(self._claim, signatures.Claim):
            signatures.verify(self._claim, self._request, key, values=self._values)
        else:
            signatures_rfc9421.verify(self._claim, self._request, key, origin=self._origin)


def claimed_key(request: Request, *, origin: str, now: datetime) -> KeyClaim:
    """Read the request's signature, of either kind, and check all that needs no key.

    `origin` is our own, from the settings, e.g. `https://support.example`. Raises `Unauthentic`:
    `signature_missing`, `signature_invalid` (shape, coverage, host, digest), `stale`. A `Content-Encoding`
    is the caller's to refuse (415): the digest is compared with the body as it stands.
    """
    origin = uris.origin(origin)
    hosts = frozenset({str(uris.host(origin))})
    # A request with `Signature-Input` is RFC 9421 and nothing else, so no header can be read in two ways.
    newer = signatures_rfc9421.parse(request)
    if newer is not None:
        signatures_rfc9421.check(newer, request, now=now, hosts=hosts)
        return KeyClaim("rfc9421", newer.key_id, newer, request, origin, {})
    older = signatures.parse(request)
    if older is None:
        raise Unauthentic("signature_missing")
    values = signatures.check(older, request, now=now, hosts=hosts)
    return KeyClaim("cavage", older.key_id, older, request, origin, values)


def from_signed_request(
    document: Document, raw: bytes, signer: Uri
) -> Authentic[Activity] | Unsupported | NeedsFetch:
    """Return the activity that `signer` delivered, with everything cut away that they cannot vouch for.

    `signer` is the owner of the key that verified the request. Raises `Unauthentic`: `key_mismatch` where
    the actor is somebody else, `origin_mismatch` where an id or an undone activity is of another origin or
    author; `Malformed` from reading. An embedded post or actor that is not the signer's own becomes its
    bare id.
    """
    activity = reading.read_activity(document, raw=raw)
    if isinstance(activity, Unsupported):
        if activity.actor is not None and activity.actor != signer:
            raise Unauthentic("key_mismatch")
        return activity
    if activity.actor != signer and not _speaks_for(signer, activity):
        forwarded = _forwarded(document, activity)
        if forwarded is None:
            raise Unauthentic("key_mismatch")
        return NeedsFetch(forwarded, signer, isinstance(activity, Delete))
    return Authentic(_own_part(activity), "signature", signer, raw)


def from_stored(raw: bytes, signer: Uri) -> Authentic[Activity] | Unsupported | NeedsFetch:
    """Do the same for a body that was stored after its signature was verified."""
    return from_signed_request(documents.parse(raw), raw, signer)


def from_local(activity: Activity, author: Uri, raw: bytes) -> Authentic[Activity]:
    """Return what one of our own actors did; raise `Unauthentic("key_mismatch")` for another's activity."""
    if activity.actor != author:
        raise Unauthentic("key_mismatch")
    return Authentic(activity, "local", author, raw)


def renamed(
    act: Authentic[Activity], parent_of: Callable[[tuple[Uri, ...]], Uri | None], id_of: Callable[[Uri], Uri]
) -> Authentic[Activity]:
    """Return the same activity, the posts it is about called by their ids."""
    return replace(act, value=renaming.rename(act.value, parent_of, id_of))


def from_absence(claim: Delete, asked: Uri) -> Authentic[Delete]:
    """Return what an origin's own answer proves: that `asked` is not, or no longer, there.

    The caller has just been told so by 404, 410 or a Tombstone under that id. Raises
    `Unauthentic("origin_mismatch")` for a Delete of anything else, or in the name of an actor of another
    origin.
    """
    if claim.object != asked or not uris.same_origin(asked, claim.actor):
        raise Unauthentic("origin_mismatch")
    return Authentic(claim, "fetch", claim.actor, None)


Found = Authentic[Observe] | Authentic[Actor] | Authentic[Tombstone] | Authentic[Collection] | Unsupported


def from_fetch(
    found: Fetched, *, announced_by: Uri | None = None, restores: bool = False, is_old: bool = False
) -> Found:
    """Return what its own origin served under its own id; a post becomes an `Observe`.

    `announced_by` is the group whose relay led here, `restores` that the author's word did, by which it is no
    longer deleted, `is_old` that it is no news. Raises `Unauthentic("origin_mismatch")` where the id is not
    the address it was found at or the author is of another origin; `Malformed` from reading.
    """
    thing = reading.read_object(found.document)
    if isinstance(thing, Unsupported):
        return thing
    if thing.id != found.uri:
        raise Unauthentic("origin_mismatch", "found elsewhere")
    match thing:
        case Post():
            if not uris.same_origin(thing.id, thing.attributed_to):
                raise Unauthentic("origin_mismatch", "author")
            seen = Observe(
                id=thing.id, actor=thing.attributed_to, object=thing, audience=thing.audience,
                announced_by=announced_by, restores=restores, is_old=is_old,
            )  # fmt: skip
            return Authentic(seen, "fetch", thing.attributed_to, found.raw)
        case Actor():
            return Authentic(thing, "fetch", thing.id, found.raw)
        case Tombstone():
            return Authentic(thing, "fetch", thing.id, found.raw)
        case Collection():
            owner = thing.attributed_to
            by = owner if owner is not None and uris.same_origin(owner, found.uri) else found.uri
            return Authentic(thing, "fetch", by, found.raw)


def from_held(seen: Observe) -> Authentic[Observe]:
    """Return a post as it is stored, which its own origin served before and a moderator has read since.

    Raises `Unauthentic("origin_mismatch")` for another origin's, which no fetch can have brought.
    """
    if not uris.same_origin(seen.object.id, seen.actor) or seen.object.attributed_to != seen.actor:
        raise Unauthentic("origin_mismatch", "author")
    return Authentic(seen, "fetch", seen.actor, None)


@dataclass(frozen=True, slots=True)
class ByGroup:
    """Taken at the group's word, which counts inside that group and nowhere else: a reaction, or what its
    moderators decided there."""

    act: Authentic[Activity]


@dataclass(frozen=True, slots=True)
class ToFetch:
    """The group says that this exists or changed; its origin has to say the same."""

    uri: Uri
    group: Uri


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """The group says that this is gone. True once its origin answers 404, 410 or a Tombstone; else `act` is
    what the group decided about it, for itself alone.

    `own` is the Delete as an author's who lives on the group's own server, which says so itself by relaying
    it. It counts where that actor did write the post; nobody has to be asked then, and many servers go on
    serving what was deleted.
    """

    uri: Uri
    group: Uri
    act: Authentic[Activity]
    own: Authentic[Delete] | None = None


@dataclass(frozen=True, slots=True)
class ToRestore:
    """The group says that this is there again. Where its author had deleted it, its origin has to say the
    same; else `act` is what the group decided about it, for itself alone."""

    uri: Uri
    group: Uri
    act: Authentic[Activity]
    is_by_author: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A group cannot relay this. `why` is a stable code."""

    why: str


Relayed = ByGroup | ToFetch | ToConfirm | ToRestore | Refused


def from_relay(announce: Authentic[Announce]) -> Relayed:
    """Return what an activity embedded in a group's Announce amounts to.

    That a group distributed something does not prove that its author did it. Reactions are taken at the
    group's word (`signature` where the author lives on the group's own server), posts and actors are
    fetched, deletions confirmed, but for an author's own on the group's server. What its moderators did is
    the group's own word, wherever they live.
    """
    outer = announce.value
    inner = outer.object
    if isinstance(inner, str):
        return Refused("not_a_relay")
    if inner.id is not None and not uris.same_origin(inner.id, inner.actor):
        return Refused("origin_mismatch")
    group = outer.actor
    match inner:
        case Like():
            return ByGroup(_reaction(inner, announce))
        case Undo(object=Like() as undone):
            if undone.actor != inner.actor or not _is_of(inner.actor, undone.id):
                return Refused("not_their_own")
            return ByGroup(_reaction(inner, announce))
        case Undo(object=Delete() as undone):
            is_by_author = uris.same_origin(inner.actor, undone.object) and undone.actor == inner.actor
            return ToRestore(undone.object, group, _decision(inner, announce), is_by_author)
        case Create() | Update():
            return ToFetch(_id(inner.object), group)
        case Delete():
            return ToConfirm(inner.object, group, _decision(inner, announce), _own_delete(inner, announce))
        case Lock() | Block() | Undo(object=Lock() | Block()):
            return ByGroup(_decision(inner, announce))
        case _:
            return Refused("not_relayable")


def _decision(inner: Activity, announce: Authentic[Announce]) -> Authentic[Activity]:
    """Return what a group's moderators decided: its own word, because nobody else decides in it."""
    return Authentic(inner, "group", announce.value.actor, announce.value.embedded)


def _own_delete(inner: Delete, announce: Authentic[Announce]) -> Authentic[Delete] | None:
    """Return an author's Delete that the server of the author, the post and the group speaks of itself."""
    group = announce.value.actor
    if not (uris.same_origin(inner.actor, group) and uris.same_origin(inner.object, group)):
        return None
    return Authentic(inner, "signature", group, announce.value.embedded)


def _reaction(inner: Activity, announce: Authentic[Announce]) -> Authentic[Activity]:
    group = announce.value.actor
    proof: Proof = "signature" if uris.same_origin(inner.actor, group) else "group"
    return Authentic(inner, proof, group, announce.value.embedded)


def _speaks_for(signer: Uri, activity: Activity) -> bool:
    """Reports may come from the reporter's server instead of the reporter."""
    return isinstance(activity, Flag) and uris.same_origin(signer, activity.actor)


def _forwarded(document: Document, activity: Activity) -> Uri | None:
    """Return the id worth asking for in another's activity that was passed on with a proof of its own."""
    if not any(isinstance(document.get(name), dict) for name in SELF_SIGNED):
        return None
    if not isinstance(activity, Create | Update | Delete):
        return None
    uri = _id(activity.object)
    return uri if uris.same_origin(uri, activity.actor) else None


def _own_part(activity: Activity) -> Activity:
    """Return the activity without what its actor cannot vouch for; raise where nothing would be left."""
    actor = activity.actor
    if not _is_of(actor, activity.id):
        raise Unauthentic("origin_mismatch", "id of the activity")
    match activity:
        case Create(object=Post() as post) if not _is_author(actor, post):
            return replace(activity, object=post.id)
        case Update(object=Post() as post) if not _is_author(actor, post):
            return replace(activity, object=post.id)
        case Update(object=Actor() as changed) if changed.id != actor:
            return replace(activity, object=changed.id)
        case Undo(object=undone) if isinstance(undone, str) or not groups.is_moderation(undone):
            # A moderator may undo what another one did: whether they may is not a question of origin.
            _require_own(actor, undone)
    return activity


def _require_own(actor: Uri, undone: Activity | Uri) -> None:
    # Without this, naming somebody as the author of an embedded activity would be enough to take it back
    # for them.
    if isinstance(undone, str):
        own = uris.same_origin(undone, actor)
    else:
        own = undone.actor == actor and _is_of(actor, undone.id)
    if not own:
        raise Unauthentic("origin_mismatch", "undoes another's activity")


def _is_author(actor: Uri, post: Post) -> bool:
    return post.attributed_to == actor and uris.same_origin(post.id, actor)


def _is_of(actor: Uri, uri: Uri | None) -> bool:
    return uri is None or uris.same_origin(uri, actor)


def _id(thing: Post | Actor | Uri) -> Uri:
    return thing if isinstance(thing, str) else thing.id
