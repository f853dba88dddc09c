"""Collections and their pages, as bytes.

Short closed lists stand in the collection itself, since some peers never turn a page; long ones are paged
with opaque addresses. Source: ActivityStreams 2.0 section 5, FEP-7888, FEP-f228 for contexts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from federation.documents import Document
from federation.uris import Uri
from federation.writing import CONTEXT

Item = Uri | bytes
"""An id, or a document that is already written."""

OPENING: Final = msgspec.json.encode({"@context": CONTEXT})[:-1] + b","


def ordered(
    id: Uri,
    total: int | None,
    first: Uri | None = None,
    items: Iterable[Item] = (),
    *,
    attributed_to: Uri | None = None,
) -> bytes:
    """Return an OrderedCollection: with its items if it has no first page or if there are any."""
    inside = [_item(item) for item in items]
    return _encode(
        {
            "id": id,
            "type": "OrderedCollection",
            "attributedTo": attributed_to,
            "totalItems": total,
            "first": first,
            "orderedItems": inside if inside or first is None else None,
        }
    )


def page(id: Uri, part_of: Uri, items: Iterable[Item], next: Uri | None = None) -> bytes:
    """Return one page of an OrderedCollection."""
    return _encode(
        {
            "id": id,
            "type": "OrderedCollectionPage",
            "partOf": part_of,
            "next": next,
            "orderedItems": [_item(item) for item in items],
        }
    )


def count(
    id: Uri, total: int | None, type: Literal["Collection", "OrderedCollection"] = "Collection"
) -> bytes:
    """Return a collection that tells at most how many it holds, never which; None tells nothing at all."""
    return _encode({"id": id, "type": type, "totalItems": total})


def _encode(members: Document) -> bytes:
    kept = {member: value for member, value in members.items() if value is not None}
    return msgspec.json.encode({"@context": CONTEXT, **kept})


def _item(item: Item) -> object:
    if not isinstance(item, bytes):
        return item
    if item.startswith(OPENING):
        return msgspec.Raw(b"{" + item[len(OPENING) :])
    # Somebody else's document: only its outermost context goes, every other character stays.
    whole = msgspec.json.decode(item, type=dict[str, msgspec.Raw])
    whole.pop("@context", None)
    return whole
