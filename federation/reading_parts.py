"""What actors, posts and activities have in common: types, ids, addresses, languages.

Internal to `reading`: every function takes raw members of a document and gives bounded values.
"""

from __future__ import annotations

import re
from typing import Final, get_args

from federation import contexts
from federation.documents import Document, id_of, line, many, one, text
from federation.errors import Malformed
from federation.uris import Uri, same_origin
from federation.vocab import PUBLIC, ActorKind, Audience, PostKind, Unsupported

MAX_ADDRESSES: Final = 100
MAX_CONTENT: Final = 64 * 1024
MAX_TITLE: Final = 200
MAX_LABEL: Final = 255

POST_KINDS: Final[frozenset[str]] = frozenset(get_args(PostKind))
ACTOR_KINDS: Final[frozenset[str]] = frozenset(get_args(ActorKind))
COLLECTION_KINDS: Final = frozenset(
    {"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"}
)
OBJECT_KINDS: Final = POST_KINDS | ACTOR_KINDS | COLLECTION_KINDS | {"Tombstone"}
VERBS: Final = frozenset(
    {
        *("Follow", "Join", "Leave", "Accept", "Reject", "Undo", "Announce", "Flag"),
        *("Create", "Update", "Delete", "Like", "EmojiReact", "Block", "Lock"),
    }
)
IGNORED_VERBS: Final = frozenset(
    {
        *("Add", "Remove", "Move", "Dislike", "View", "Read", "Listen", "Ignore"),
        *("Invite", "Offer", "Arrive", "Travel", "TentativeAccept", "TentativeReject", "Warn", "Resolve"),
        *("QuoteRequest", "FeatureRequest", "LikeRequest", "ReplyRequest", "AnnounceRequest"),
    }
)
"""Verbs that are well known and have no effect here."""

KNOWN: Final = OBJECT_KINDS | VERBS | IGNORED_VERBS
LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


def types_of(document: Document) -> tuple[str, ...]:
    """Return the types a document claims, at most ten, without a vocabulary prefix."""
    claimed = (
        entry for entry in many(document.get("type"), 10) if isinstance(entry, str) and 0 < len(entry) <= 100
    )
    return tuple(entry.removeprefix(contexts.AS).removeprefix("as:") for entry in claimed)


def first_known(document: Document, known: frozenset[str]) -> str | None:
    """Return the first claimed type that is in `known`."""
    claimed = document.get("type")
    if isinstance(claimed, str) and claimed in known:
        return claimed
    return next((entry for entry in types_of(document) if entry in known), None)


def kind_of(document: Document) -> str | None:
    """Return what a document is: of all the types it claims, the first that we know; it is nothing else."""
    return first_known(document, KNOWN)


def own_id(document: Document) -> Uri:
    """Return the document's `id`.

    Raise `Malformed("bad_id")` where it is missing, relative or no web address.
    """
    found = find_own_id(document)
    if found is None:
        raise Malformed("bad_id")
    return found


def find_own_id(document: Document) -> Uri | None:
    """Return the document's `id`, None where it is missing, relative or no web address."""
    claimed = document.get("id")
    found = id_of(claimed) if isinstance(claimed, str) else None
    return None if found == PUBLIC else found


def required(document: Document, member: str) -> Uri:
    """Return the one URI that `member` names; raise `Malformed("bad_<member>")` for none and for several."""
    found = find_id(document.get(member), member)
    if found is None:
        raise Malformed(f"bad_{member}")
    return found


def find_id(value: object, member: str) -> Uri | None:
    """Return the one URI a value names, None for none; Public is nobody's id.

    Raises `Malformed("several_<member>")` where an array names several: whichever we took, others could take
    another.
    """
    if isinstance(value, list):
        if len({id_of(entry) for entry in value}) > 1:
            raise Malformed(f"several_{member}")
        value = one(value)
    found = id_of(value)
    return None if found == PUBLIC else found


def audience_of(document: Document) -> Audience:
    """Return the addresses of a document: of the first 100 each in `to` and `cc` those that are URIs."""
    named = (id_of(entry) for entry in many(document.get("audience"), MAX_ADDRESSES))
    return Audience(
        to=_addresses(document.get("to")),
        cc=_addresses(document.get("cc")),
        group=next((uri for uri in named if uri is not None and uri != PUBLIC), None),
    )


def _addresses(value: object) -> tuple[Uri, ...]:
    found = (id_of(entry) for entry in many(value, MAX_ADDRESSES))
    return tuple(dict.fromkeys(uri for uri in found if uri is not None))


def language_of(document: Document) -> str | None:
    """Return a language tag from `language`, else from `contentMap`: the entry that is shown, else the first.

    None if there is none.
    """
    claimed = one(document.get("language"))
    tag = claimed.get("identifier") if isinstance(claimed, dict) else claimed
    if _language(tag) is None:
        tag = _language_of_map(document.get("contentMap"), document.get("content"))
    return _language(tag)


def _language_of_map(mapped: object, content: object) -> object:
    """Return the key of what is shown: what equals `content`, else the first text, as `html_of` has it."""
    if not isinstance(mapped, dict):
        return None
    texts = {key: entry for key, entry in mapped.items() if isinstance(entry, str)}
    shown = (key for key, entry in texts.items() if entry == content)
    return next(shown, next(iter(texts), None))


def _language(tag: object) -> str | None:
    if not isinstance(tag, str) or len(tag) > 35 or not LANGUAGE.fullmatch(tag):
        return None
    primary, mark, rest = tag.partition("-")
    return None if primary.lower() == "und" else f"{primary.lower()}{mark}{rest}"


def html_of(document: Document) -> str:
    """Return `content`, else the first of `contentMap`.

    Raise `Malformed("content_too_long")` above 64 KiB.
    """
    content = document.get("content")
    mapped = document.get("contentMap")
    if not isinstance(content, str) and isinstance(mapped, dict):
        content = next((entry for entry in mapped.values() if isinstance(entry, str)), None)
    if not isinstance(content, str):
        return ""
    if len(content) > MAX_CONTENT or len(content.encode("utf-8", "replace")) > MAX_CONTENT:
        raise Malformed("content_too_long")
    return text(content, MAX_CONTENT)


def markdown_of(document: Document) -> str | None:
    """Return `source` where it is Markdown of at most 64 KiB."""
    source = one(document.get("source"))
    if not isinstance(source, dict) or source.get("mediaType") != "text/markdown":
        return None
    content = source.get("content")
    if not isinstance(content, str) or len(content.encode("utf-8", "replace")) > MAX_CONTENT:
        return None
    return text(content, MAX_CONTENT)


def own_host_url(value: object, own: Uri) -> Uri | None:
    """Return the first page address that lies on the origin of `own`.

    A link to another host is no proof of it.
    """
    found = (id_of(entry) for entry in many(value, 10))
    return next((uri for uri in found if uri is not None and same_origin(uri, own)), None)


def unsupported(document: Document, why: str, kind: str | None = None) -> Unsupported:
    """Return the value for a well-formed document on which we do not act."""
    claimed = types_of(document)
    actor = one(document.get("actor"))
    return Unsupported(
        type=kind or line(claimed[0] if claimed else "", 100),
        why=why,
        id=id_of(document.get("id")),
        actor=id_of(actor),
    )
