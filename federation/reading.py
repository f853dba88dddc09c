"""Documents → what we understand of them.

The one entrance: a document goes in, a frozen value of `vocab` comes out, or `Unsupported` for what is well
formed and not ours to act on, or `Malformed` is raised. No other exception, whatever the peer wrote. Nothing
here says that a document is *true*: whose word it is, is decided by `authenticity`.
Sources: ActivityStreams 2.0, FEP-1b12, FEP-fe34.
"""

from __future__ import annotations

from typing import Final

from federation import (
    quirks,
    reading_activities,
    reading_actors,
    reading_objects,
    reading_posts,
    uris,
)
from federation.documents import Document
from federation.errors import Malformed
from federation.reading_parts import IGNORED_VERBS, VERBS, kind_of
from federation.uris import Uri
from federation.vocab import PUBLIC, Activity, Actor, Collection, Post, Tombstone, Unsupported

HIDDEN: Final = frozenset({"bto", "bcc"})
MAX_PLAIN: Final = 8 * 1024
PLAIN_KINDS: Final = ("Note", "Page", "Article")


def read(document: Document) -> Activity | Post | Actor | Tombstone | Collection | Unsupported:
    """Return the value of a document of any kind; the first type that we know decides."""
    _refuse_hidden_recipients(document)
    if kind_of(document) in VERBS | IGNORED_VERBS:
        return reading_activities.read(document)
    return reading_objects.read(document)


def read_activity(document: Document, *, raw: bytes | None = None) -> Activity | Unsupported:
    """Return the activity in a document.

    `raw` is the exact body it was parsed from: a group's relay keeps the relayed activity's text as it stands
    there. Raises `Malformed`; `bto_present` for hidden recipients anywhere in the document, since what is
    kept must never be able to betray them.
    """
    if raw is None or may_hide_recipients(raw):
        _refuse_hidden_recipients(document)
    return reading_activities.read(document, raw=raw)


def read_object(document: Document) -> Post | Actor | Tombstone | Collection | Unsupported:
    """Return the object in a document that was fetched; raises `Malformed`."""
    _refuse_hidden_recipients(document)
    return reading_objects.read(document)


def read_actor(document: Document) -> Actor:
    """Return the actor in a document; raises `Malformed` for a broken one and for anything else."""
    _refuse_hidden_recipients(document)
    return reading_actors.read(quirks.mend(document))


def read_post(document: Document) -> Post:
    """Return the post in a document; raises `Malformed` for a broken one and for anything else."""
    _refuse_hidden_recipients(document)
    return reading_posts.read(quirks.mend(document))


def is_plain_post(document: Document, raw: bytes, signer: Uri) -> bool:
    """Say whether this is the Create of a short post by `signer` in its plainest form.

    Then `authenticity.from_signed_request` returns it whole: nothing about it is left to be refused.
    Everything else has to be read to know that. It costs a tenth of reading, and most of what groups get is
    of this kind.
    """
    post = document.get("object")
    if len(raw) > MAX_PLAIN or document.get("type") != "Create" or not isinstance(post, dict):
        return False
    return (
        document.get("actor") == signer == post.get("attributedTo")
        and post.get("type") in PLAIN_KINDS
        and bool(post.get("content"))
        and isinstance(post["content"], str)
        and (post.get("inReplyTo") is None or isinstance(post["inReplyTo"], str))
        and _is_plainly_of(signer, document.get("id"))
        and _is_plainly_of(signer, post.get("id"))
        and post["id"] != signer
        and not may_hide_recipients(raw)
    )


def _is_plainly_of(actor: Uri, uri: object) -> bool:
    found = uris.find(uri)
    return found is not None and found != PUBLIC and found == uri and uris.same_origin(found, actor)


def may_hide_recipients(raw: bytes) -> bool:
    """Say whether a member of the document may be `bto` or `bcc`; one with escapes may spell anything."""
    return b'bto"' in raw or b'bcc"' in raw or b"\\u" in raw


def _refuse_hidden_recipients(document: Document) -> None:
    waiting: list[object] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            # An empty list hides nobody; some software always writes one.
            if not HIDDEN.isdisjoint(value) and any(value.get(member) for member in HIDDEN):
                raise Malformed("bto_present")
            waiting.extend(entry for entry in value.values() if isinstance(entry, dict | list))
        elif isinstance(value, list):
            waiting.extend(entry for entry in value if isinstance(entry, dict | list))
