"""Activities: document → `vocab.Activity` or `Unsupported`. Internal to `reading`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from federation import groups, quirks, reading_actors, reading_objects
from federation.documents import Document, id_of, line, many, moment, one, text
from federation.errors import Malformed
from federation.reading_parts import (
    ACTOR_KINDS,
    IGNORED_VERBS,
    OBJECT_KINDS,
    POST_KINDS,
    VERBS,
    audience_of,
    find_own_id,
    kind_of,
    own_id,
    required,
    types_of,
    unsupported,
)
from federation.uris import Uri
from federation.vocab import (
    PUBLIC,
    Accept,
    Activity,
    Actor,
    Announce,
    Audience,
    Block,
    Create,
    Delete,
    Flag,
    Follow,
    Like,
    Lock,
    Post,
    Reject,
    Undo,
    Unsupported,
    Update,
)

MAX_NESTING: Final = 4
MAX_FLAGGED: Final = 50
MAX_REPORT: Final = 5_000
MAX_REASON: Final = 500
UNDOABLE: Final = frozenset(
    {"Follow", "Join", "Like", "EmojiReact", "Announce", "Delete", "Block", "Lock"}
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """An activity's document with what every verb needs of it."""

    document: Document
    actor: Uri
    object: object
    audience: Audience
    depth: int
    raw: bytes | None

    @property
    def id(self) -> Uri:
        """The activity's own id; raises `Malformed("bad_id")` where there is none."""
        return own_id(self.document)

    @property
    def id_or_none(self) -> Uri | None:
        """The same, but for an activity inside another None: old software leaves it out, or counts there."""
        found = find_own_id(self.document)
        return self.id if found is None and self.depth == 0 else found


def read(document: Document, *, raw: bytes | None = None, depth: int = 0) -> Activity | Unsupported:
    """Return the activity in a document; the first verb we know decides.

    `raw` is the exact body, from which a relayed activity is cut. Raises `Malformed`: `bad_id`, `bad_actor`,
    `several_actor`, `bad_object`, `several_object`, `not_an_activity`, `foreign_undo`, and the codes of
    objects.
    """
    if depth > MAX_NESTING:
        return unsupported(document, "nested_too_deep")
    document = quirks.mend(document)
    verb = kind_of(document)
    if verb is None and types_of(document):
        return unsupported(document, "unknown_type")
    if verb is None or verb in OBJECT_KINDS:
        raise Malformed("not_an_activity")
    actor = required(document, "actor")
    if verb in IGNORED_VERBS:
        return unsupported(document, "not_handled", verb)
    return READERS[verb](
        Envelope(
            document=document,
            actor=actor,
            object=document.get("object") if verb == "Flag" else _single(document.get("object")),
            audience=audience_of(document),
            depth=depth,
            raw=raw,
        )
    )


def _single(value: object) -> object:
    if isinstance(value, list) and len(value) > 1:
        raise Malformed("several_object")
    return one(value)


def _target(value: object) -> Uri:
    found = id_of(value)
    if found is None or found == PUBLIC:
        raise Malformed("bad_object")
    return found


def _is_bare(value: object) -> bool:
    """Say whether a value only names a thing: a string, or an object without a type."""
    return not isinstance(value, dict) or not types_of(value)


def _follow(it: Envelope) -> Follow:
    return Follow(id=it.id_or_none, actor=it.actor, object=_target(it.object), audience=it.audience)


def _join(it: Envelope) -> Follow:
    return Follow(
        id=it.id_or_none, actor=it.actor, object=_target(it.object), verb="Join", audience=it.audience
    )


def _leave(it: Envelope) -> Undo:
    # A Leave names the group, not the Join; the app finds what is undone by actor and object.
    joined = Follow(id=None, actor=it.actor, object=_target(it.object), verb="Join", audience=it.audience)
    return Undo(id=it.id, actor=it.actor, object=joined, audience=it.audience)


def _answered(it: Envelope) -> Follow | Uri | None:
    if _is_bare(it.object):
        return _target(it.object)
    inner = _inner(it.object, it.depth, frozenset({"Follow", "Join"}))
    return inner if isinstance(inner, Follow) else None


def _accept(it: Envelope) -> Accept | Unsupported:
    answered = _answered(it)
    if answered is None:
        return unsupported(it.document, "object_type", "Accept")
    return Accept(id=it.id, actor=it.actor, object=answered, audience=it.audience)


def _reject(it: Envelope) -> Reject | Unsupported:
    answered = _answered(it)
    if answered is None:
        return unsupported(it.document, "object_type", "Reject")
    return Reject(id=it.id, actor=it.actor, object=answered, audience=it.audience)


def _create(it: Envelope) -> Create | Unsupported:
    created: object = _target(it.object) if _is_bare(it.object) else None
    if isinstance(it.object, dict) and created is None:
        created = reading_objects.read(it.object, by=it.actor)
    if isinstance(created, Unsupported):
        return unsupported(it.document, created.why, "Create")
    if not isinstance(created, str | Post):
        return unsupported(it.document, "object_type", "Create")
    return Create(
        id=it.id,
        actor=it.actor,
        object=created if isinstance(created, Post) else Uri(created),
        audience=it.audience,
        published=moment(it.document.get("published")),
    )


def _update(it: Envelope) -> Update | Unsupported:
    changed: Post | Actor | Uri
    if _is_bare(it.object):
        changed = _target(it.object)
    elif isinstance(it.object, dict) and kind_of(it.object) in ACTOR_KINDS:
        # An embedded actor is only a hint to fetch it, so a broken copy is as good as its id.
        try:
            changed = reading_actors.read(quirks.mend(it.object))
        except Malformed:
            changed = _target(it.object)
    else:
        found = reading_objects.read(it.object, by=it.actor) if isinstance(it.object, dict) else None
        if not isinstance(found, Post):
            why = found.why if isinstance(found, Unsupported) else "object_type"
            return unsupported(it.document, why, "Update")
        changed = found
    return Update(
        id=it.id,
        actor=it.actor,
        object=changed,
        audience=it.audience,
        published=moment(it.document.get("published")),
    )


def _delete(it: Envelope) -> Delete:
    former, deleted = "", None
    if isinstance(it.object, dict):
        kind = kind_of(it.object)
        if kind == "Tombstone":
            stone = reading_objects.read_tombstone(it.object)
            former, deleted = stone.former_type, stone.deleted
        else:
            former = kind if kind is not None and kind in POST_KINDS | ACTOR_KINDS else ""
    return Delete(
        id=it.id,
        actor=it.actor,
        object=_target(it.object),
        former_type=former,
        reason=_reason(it),
        deleted=deleted,
        audience=it.audience,
    )


def _reason(it: Envelope) -> str | None:
    summary = it.document.get("summary")
    return line(summary, MAX_REASON) if isinstance(summary, str) else None


def _block(it: Envelope) -> Block:
    target = it.document.get("target")
    ends = moment(it.document.get("endTime"))
    return Block(
        id=it.id,
        actor=it.actor,
        object=_target(it.object),
        target=None if target is None else _target(_single(target)),
        reason=_reason(it) or "",
        # Older software has the end of a ban under another name.
        ends=moment(it.document.get("expires")) if ends is None else ends,
        removes=it.document.get("removeData") is True,
        audience=it.audience,
    )


def _lock(it: Envelope) -> Lock:
    return Lock(
        id=it.id,
        actor=it.actor,
        object=_target(it.object),
        reason=_reason(it) or "",
        audience=it.audience,
    )


def _like(it: Envelope) -> Like:
    own = it.id if it.depth == 0 and it.document.get("id") is not None else find_own_id(it.document)
    return Like(id=own, actor=it.actor, object=_target(it.object), audience=it.audience)


def _announce(it: Envelope) -> Announce | Unsupported:
    announced: Activity | Uri
    embedded = None
    if isinstance(it.object, dict) and kind_of(it.object) in VERBS | IGNORED_VERBS:
        inner = _inner(it.object, it.depth, (VERBS | IGNORED_VERBS) - {"Announce"})
        if inner is None:
            return unsupported(it.document, "nested_announce", "Announce")
        if isinstance(inner, Unsupported):
            return unsupported(it.document, f"inner_{inner.why}", "Announce")
        if not groups.may_relay(inner):
            return unsupported(it.document, "inner_not_relayable", "Announce")
        announced, embedded = inner, _cut(it)
    elif isinstance(it.object, dict) and kind_of(it.object) in ACTOR_KINDS:
        return unsupported(it.document, "object_type", "Announce")
    else:
        # An embedded object proves nothing about its author: only its id is taken.
        announced = _target(it.object)
    own = it.id_or_none
    if announced == own:
        raise Malformed("announces_itself")
    return Announce(
        id=own,
        actor=it.actor,
        object=announced,
        embedded=embedded,
        audience=it.audience,
        published=moment(it.document.get("published")),
    )


def _undo(it: Envelope) -> Undo | Unsupported:
    if _is_bare(it.object):
        return Undo(id=it.id, actor=it.actor, object=_target(it.object), audience=it.audience)
    inner = _inner(it.object, it.depth, UNDOABLE)
    if not isinstance(inner, Follow | Like | Announce | Delete | Block | Lock):
        return unsupported(it.document, "object_type", "Undo")
    # Only what moderators do may be taken back by somebody else: another one restores what the first removed.
    if inner.actor != it.actor and not groups.is_moderation(inner):
        raise Malformed("foreign_undo")
    return Undo(id=it.id, actor=it.actor, object=inner, audience=it.audience)


def _flag(it: Envelope) -> Flag:
    found = (id_of(entry) for entry in many(it.object, MAX_FLAGGED))
    flagged = tuple(dict.fromkeys(uri for uri in found if uri is not None and uri != PUBLIC))
    if not flagged:
        raise Malformed("bad_object")
    return Flag(
        id=it.id,
        actor=it.actor,
        objects=flagged,
        content=text(it.document.get("content"), MAX_REPORT).strip(),
        audience=it.audience,
    )


def _inner(value: object, depth: int, verbs: frozenset[str]) -> Activity | Unsupported | None:
    """Return the embedded activity if its verb is one of `verbs`; None otherwise."""
    if not isinstance(value, dict) or kind_of(value) not in verbs:
        return None
    return read(value, depth=depth + 1)


class _Wrapper(msgspec.Struct):
    object: msgspec.Raw


class _ListWrapper(msgspec.Struct):
    object: list[msgspec.Raw]


def _cut(it: Envelope) -> bytes:
    """Return the exact text of the relayed activity, so that a proof inside it stays valid."""
    if it.raw is None:
        return msgspec.json.encode(it.object)
    raw = it.raw.removeprefix(b"\xef\xbb\xbf")
    try:
        if isinstance(it.document.get("object"), list):
            return bytes(msgspec.json.decode(raw, type=_ListWrapper).object[0])
        return bytes(msgspec.json.decode(raw, type=_Wrapper).object)
    except (msgspec.MsgspecError, UnicodeDecodeError, IndexError) as error:
        raise Malformed("not_json") from error


READERS: Final[Mapping[str, Callable[[Envelope], Activity | Unsupported]]] = {
    "Follow": _follow,
    "Join": _join,
    "Leave": _leave,
    "Accept": _accept,
    "Reject": _reject,
    "Create": _create,
    "Update": _update,
    "Delete": _delete,
    "Like": _like,
    "EmojiReact": _like,
    "Announce": _announce,
    "Block": _block,
    "Lock": _lock,
    "Undo": _undo,
    "Flag": _flag,
}
