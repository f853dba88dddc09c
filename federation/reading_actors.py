"""Actors: document → `vocab.Actor`. Internal to `reading`."""

from __future__ import annotations

import re
from typing import Final, cast

from federation.documents import Document, id_of, line, many, moment, one, text
from federation.errors import Malformed
from federation.reading_parts import (
    ACTOR_KINDS,
    MAX_CONTENT,
    MAX_TITLE,
    kind_of,
    language_of,
    markdown_of,
    own_host_url,
    own_id,
)
from federation.uris import Uri, same_origin
from federation.vocab import Actor, ActorKind, PublicKey

MAX_KEYS: Final = 10
MAX_PEM: Final = 16 * 1024
MAX_ALIASES: Final = 20
NAME: Final = re.compile(
    r"[^\x00-\x20\x7f-\xa0@/\\?#%\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]{1,255}"
)
HANDLE: Final = re.compile(r"(?:acct:)?@?([A-Za-z0-9_.~-]{1,255}@[A-Za-z0-9.:-]{1,255})")


def read(document: Document) -> Actor:
    """Return the actor in an already mended document, or raise `Malformed`.

    Codes: `not_an_actor`, `bad_id`, `bad_name`, `bad_inbox`, `inbox_origin`. Every collection and inbox lies
    on the actor's own origin; what lies elsewhere is dropped, so that no actor can aim deliveries or reads at
    a third host.
    """
    kind = kind_of(document)
    if kind not in ACTOR_KINDS:
        raise Malformed("not_an_actor")
    own = own_id(document)
    return Actor(
        id=own,
        kind=cast(ActorKind, kind),
        preferred_username=_username(document.get("preferredUsername")),
        inbox=_inbox(document.get("inbox"), own),
        name=line(document.get("name"), MAX_TITLE),
        summary=text(document.get("summary"), MAX_CONTENT // 4),
        source=markdown_of(document),
        url=_page(document.get("url"), own),
        outbox=_beside(document.get("outbox"), own),
        followers=_beside(document.get("followers"), own),
        following=_beside(document.get("following"), own),
        featured=_beside(document.get("featured"), own),
        moderators=_moderators(document, own, kind),
        shared_inbox=_shared_inbox(document.get("endpoints"), own),
        keys=_keys(document, own),
        webfinger=_handle(document.get("webfinger")),
        approves_followers=document.get("manuallyApprovesFollowers") is True,
        discoverable=document.get("discoverable") is True,
        indexable=document.get("indexable") is True,
        suspended=document.get("suspended") is True,
        posting_restricted=document.get("postingRestrictedToMods") is True,
        language=language_of(document),
        published=moment(document.get("published")),
        updated=moment(document.get("updated")),
        also_known_as=_aliases(document.get("alsoKnownAs")),
        moved_to=id_of(one(document.get("movedTo"))),
    )


def _username(value: object) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise Malformed("bad_name")
    return value


def _inbox(value: object, own: Uri) -> Uri:
    found = id_of(one(value))
    if found is None:
        raise Malformed("bad_inbox")
    if not same_origin(own, found):
        raise Malformed("inbox_origin")
    return found


def _shared_inbox(endpoints: object, own: Uri) -> Uri | None:
    return _beside(endpoints.get("sharedInbox"), own) if isinstance(endpoints, dict) else None


def _handle(value: object) -> str | None:
    found = HANDLE.fullmatch(value) if isinstance(value, str) else None
    return found[1].lower() if found else None


def _beside(value: object, own: Uri) -> Uri | None:
    """Return the URI of an actor's own collection or inbox, None if it lies on another origin."""
    found = id_of(one(value))
    return found if found is not None and same_origin(found, own) else None


def _page(value: object, own: Uri) -> Uri | None:
    # Where several links are given, the one for people is marked as HTML; the others lead to feeds and
    # documents.
    links = many(value, 10)
    pages = [
        link for link in links if not isinstance(link, dict) or link.get("mediaType") in (None, "text/html")
    ]
    return own_host_url(pages, own)


def _moderators(document: Document, own: Uri, kind: str | None) -> Uri | None:
    """Return a group's list of moderators: `moderators`, else `attributedTo` as one plain URI."""
    found = _beside(document.get("moderators"), own)
    if found is None and kind == "Group" and isinstance(document.get("attributedTo"), str):
        found = _beside(document["attributedTo"], own)
    return found if found != own else None


def _keys(document: Document, own: Uri) -> tuple[PublicKey, ...]:
    found: dict[Uri, PublicKey] = {}
    for entry in many(document.get("publicKey"), MAX_KEYS):
        if not isinstance(entry, dict):
            continue
        key, owner, pem = id_of(entry.get("id")), id_of(entry.get("owner")), entry.get("publicKeyPem")
        if key is None or owner != own or not same_origin(key, own) or not isinstance(pem, str):
            continue
        if len(pem) <= MAX_PEM and pem.isascii() and "\0" not in pem:
            # One spelling of line ends, so that equal keys are equal text.
            found.setdefault(
                key, PublicKey(id=key, owner=own, pem="\n".join(pem.split("\r\n")).strip() + "\n")
            )
    return tuple(found.values())


def _aliases(value: object) -> tuple[Uri, ...]:
    found = (id_of(entry) for entry in many(value, MAX_ALIASES))
    return tuple(dict.fromkeys(uri for uri in found if uri is not None))
