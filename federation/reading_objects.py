"""What can stand in an activity's `object`: posts, actors, tombstones, collections. Internal to `reading`."""

from __future__ import annotations

from typing import Final

from federation import quirks, reading_actors, reading_posts
from federation.documents import Document, count, id_of, many, moment, one
from federation.errors import Malformed
from federation.reading_parts import (
    ACTOR_KINDS,
    MAX_LABEL,
    OBJECT_KINDS,
    POST_KINDS,
    kind_of,
    own_id,
    types_of,
    unsupported,
)
from federation.uris import Uri, same_origin
from federation.vocab import Actor, Collection, Post, Tombstone, Unsupported

MAX_ITEMS: Final = 1_000


def read(
    document: Document, *, by: Uri | None = None
) -> Post | Actor | Tombstone | Collection | Unsupported:
    """Return the object in a document; `by` is who delivered it.

    The first type we know decides. Raises `Malformed` for a broken one.
    """
    document = quirks.mend(document)
    kind = kind_of(document)
    if kind not in OBJECT_KINDS:
        if not types_of(document):
            raise Malformed("no_type")
        return unsupported(document, "unknown_type" if kind is None else "activity_as_object")
    if kind in POST_KINDS:
        if reading_posts.is_vote(document):
            return unsupported(document, "vote", kind)
        return reading_posts.read(document, by=by)
    if kind in ACTOR_KINDS:
        return reading_actors.read(document)
    return read_tombstone(document) if kind == "Tombstone" else read_collection(document)


def read_tombstone(document: Document) -> Tombstone:
    """Return what stays of a deleted object."""
    former = one(document.get("formerType"))
    return Tombstone(
        id=own_id(document),
        former_type=former
        if isinstance(former, str) and former.isalnum() and len(former) <= MAX_LABEL
        else "",
        deleted=moment(document.get("deleted")),
    )


def read_collection(document: Document) -> Collection:
    """Return a collection or page: its own ids, and where it goes on, as long as that is on its own origin.

    A first page that is embedded counts as part of the collection.
    """
    own = id_of(document.get("id"))
    items = _items(document)
    first = one(document.get("first"))
    following = id_of(one(document.get("next")))
    if isinstance(first, dict) and not items:
        items = _items(first)
        following = following or id_of(one(first.get("next")))
    return Collection(
        id=own,
        total=count(document.get("totalItems")),
        items=items,
        first=_onward(id_of(first), own),
        next=_onward(following, own),
        attributed_to=id_of(one(document.get("attributedTo"))),
    )


def _items(document: Document) -> tuple[Uri, ...]:
    value = document.get("orderedItems")
    found = (id_of(entry) for entry in many(document.get("items") if value is None else value, MAX_ITEMS))
    return tuple(dict.fromkeys(uri for uri in found if uri is not None))


def _onward(uri: Uri | None, own: Uri | None) -> Uri | None:
    return uri if uri is not None and (own is None or same_origin(uri, own)) else None
