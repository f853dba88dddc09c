"""What we understand → documents, byte for byte the same every time.

Members stand in a fixed order; `to`, `cc`, `tag` and `attachment` are always arrays, `actor`, `attributedTo`,
`inReplyTo` and `audience` always plain strings; nothing is ever null or an empty address; times are UTC with
at most milliseconds. What was written and is read again is the same value (times cut to milliseconds).
Sources: ActivityStreams 2.0, FEP-1b12, FEP-4f05, FEP-044f, FEP-844e.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from federation import contexts
from federation.documents import Document
from federation.uris import Uri
from federation.vocab import (
    Accept,
    Activity,
    Actor,
    Announce,
    Attachment,
    Audience,
    Block,
    Choice,
    Collection,
    Create,
    Delete,
    Flag,
    Follow,
    Hashtag,
    Like,
    Lock,
    Mention,
    Object,
    Observe,
    Post,
    PublicKey,
    Reject,
    Tombstone,
    Undo,
    Update,
)

Writable = Activity | Object

CONTEXT: Final = msgspec.Raw(msgspec.json.encode(contexts.OURS))
RELAY_CONTEXT: Final = msgspec.Raw(msgspec.json.encode(contexts.ACTIVITYSTREAMS))
"""A relayed activity brings its own context. Terms that ours protects and its own spells otherwise would make
the whole document invalid for whoever expands it (JSON-LD 1.1, protected term definitions)."""
RFC_9421: Final = {
    "type": "Application",
    "implements": [
        {
            "href": "https://datatracker.ietf.org/doc/html/rfc9421",
            "name": "RFC-9421: HTTP Message Signatures",
        }
    ],
}
LANGUAGE_NAMES: Final = {
    "ar": "العربية",
    "cs": "Čeština",
    "da": "Dansk",
    "de": "Deutsch",
    "el": "Ελληνικά",
    "en": "English",
    "es": "Español",
    "fa": "فارسی",
    "fi": "Suomi",
    "fr": "Français",
    "he": "עברית",
    "hu": "Magyar",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "nb": "Norsk bokmål",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
    "ro": "Română",
    "ru": "Русский",
    "sv": "Svenska",
    "tr": "Türkçe",
    "uk": "Українська",
    "zh": "中文",
}


def write(value: Writable) -> bytes:
    """Return the document of a value, with our context; around a relayed activity, with nothing but
    ActivityStreams.

    Raises `TypeError` for an Observe, which is ours alone.
    """
    is_relay = isinstance(value, Announce) and value.embedded is not None
    return msgspec.json.encode({"@context": RELAY_CONTEXT if is_relay else CONTEXT, **members(value)})


def write_announce(announce: Announce) -> bytes:
    """Return an Announce; the text of a relayed activity stands in it unchanged, character for character."""
    return write(announce)


def write_stub(actor: Actor) -> bytes:
    """Return the little that a stranger needs to deliver to an actor and to check its signatures."""
    whole = members(actor)
    shown = ("id", "type", "preferredUsername", "inbox", "outbox", "publicKey")
    return msgspec.json.encode(
        {"@context": CONTEXT, **{member: whole[member] for member in shown if member in whole}}
    )


def members(value: Writable) -> Document:
    """Return a value's members in order, without a context: as it stands inside another document."""
    match value:
        case Post():
            return _post(value)
        case Actor():
            return _actor(value)
        case Tombstone():
            return _tombstone(value.id, value.former_type, value.deleted)
        case Collection():
            return _collection(value)
        case _:
            return _activity(value)


def _kept(document: Document) -> Document:
    """Leave out what is not there."""
    return {member: value for member, value in document.items() if value is not None}


def _time(at: datetime | None) -> str | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    utc = at.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1_000 else "seconds") + "Z"


def _language(tag: str | None) -> Document | None:
    return (
        None if tag is None else {"identifier": tag, "name": LANGUAGE_NAMES.get(tag.partition("-")[0], tag)}
    )


def _markdown(source: str | None) -> Document | None:
    return None if source is None else {"content": source, "mediaType": "text/markdown"}


def _audience(audience: Audience) -> Document:
    return {"to": list(audience.to), "cc": list(audience.cc)}


def _post(post: Post) -> Document:
    return _kept(
        {
            "id": post.id,
            "type": post.kind,
            "attributedTo": post.attributed_to,
            "audience": post.audience.group,
            **_audience(post.audience),
            "name": _name(post),
            "summary": post.warning or None,
            "sensitive": post.sensitive,
            "content": post.content,
            "contentMap": {post.language: post.content} if post.language else None,
            "mediaType": "text/html",
            "source": _markdown(post.source),
            "language": _language(post.language),
            "inReplyTo": post.in_reply_to,
            "url": post.url,
            "context": post.context,
            "replies": _replies(post),
            "published": _time(post.published),
            "updated": _time(post.updated),
            "commentsEnabled": post.comments_enabled,
            "generator": None if post.generator is None else {"id": post.generator, "type": "Service"},
            "oneOf": [_choice(choice) for choice in post.choices] or None,
            "endTime": _time(post.ends),
            "tag": [*map(_mention, post.mentions), *map(_hashtag, post.hashtags)],
            "attachment": [_attachment(attachment) for attachment in post.attachments],
            "interactionPolicy": {
                "canQuote": {"automaticApproval": [], "manualApproval": [post.attributed_to]}
            },
        }
    )


def _replies(post: Post) -> Document | None:
    """Name the collection and no more: an address alone would be asked for by everybody who gets the post."""
    return None if post.replies is None else {"id": post.replies, "type": "OrderedCollection"}


def _name(post: Post) -> str | None:
    """Return the title of a thread's root, its warning before it: who shows titles does not show warnings."""
    if post.in_reply_to is not None or not post.title:
        return None
    return f"[CW: {post.warning}] {post.title}" if post.warning else post.title


def _mention(mention: Mention) -> Document:
    return _kept({"type": "Mention", "href": mention.href, "name": mention.name or None})


def _hashtag(hashtag: Hashtag) -> Document:
    return _kept({"type": "Hashtag", "href": hashtag.href, "name": f"#{hashtag.name}"})


def _choice(choice: Choice) -> Document:
    return {
        "type": "Note",
        "name": choice.name,
        "replies": {"type": "Collection", "totalItems": choice.votes},
    }


def _attachment(attachment: Attachment) -> Document:
    return _kept(
        {
            "type": attachment.kind,
            "mediaType": attachment.media_type or None,
            "href" if attachment.kind == "Link" else "url": attachment.url,
            "name": attachment.alt or None,
            "width": attachment.width,
            "height": attachment.height,
        }
    )


def _actor(actor: Actor) -> Document:
    is_group = actor.kind == "Group"
    return _kept(
        {
            "id": actor.id,
            "type": actor.kind,
            "preferredUsername": actor.preferred_username,
            "webfinger": actor.webfinger,
            "name": actor.name or None,
            "summary": actor.summary or None,
            "source": _markdown(actor.source),
            "url": actor.url,
            "inbox": actor.inbox,
            "outbox": actor.outbox,
            "followers": actor.followers,
            "following": actor.following,
            "featured": actor.featured,
            # Peers that know groups look for the list under `attributedTo`, as one plain address.
            "attributedTo": actor.moderators if is_group else None,
            "moderators": actor.moderators,
            "postingRestrictedToMods": actor.posting_restricted if is_group else None,
            "manuallyApprovesFollowers": actor.approves_followers,
            "discoverable": actor.discoverable,
            "indexable": actor.indexable,
            "suspended": True if actor.suspended else None,
            "language": [_language(actor.language)] if actor.language else None,
            "endpoints": {"sharedInbox": actor.shared_inbox} if actor.shared_inbox else None,
            "published": _time(actor.published),
            "updated": _time(actor.updated),
            "alsoKnownAs": list(actor.also_known_as) or None,
            "movedTo": actor.moved_to,
            "publicKey": _keys(actor.keys),
            "generator": RFC_9421,
        }
    )


def _keys(keys: tuple[PublicKey, ...]) -> object:
    written = [{"id": key.id, "owner": key.owner, "publicKeyPem": key.pem} for key in keys]
    # One key stands alone: few peers look into an array.
    return (written[0] if len(written) == 1 else written) if written else None


def _tombstone(uri: Uri, former: str, deleted: datetime | None) -> Document:
    return _kept({"id": uri, "type": "Tombstone", "formerType": former or None, "deleted": _time(deleted)})


def _collection(collection: Collection) -> Document:
    return _kept(
        {
            "id": collection.id,
            "type": "OrderedCollection",
            "attributedTo": collection.attributed_to,
            "totalItems": collection.total,
            "first": collection.first,
            "next": collection.next,
            "orderedItems": list(collection.items) if collection.items or not collection.first else None,
        }
    )


def _activity(activity: Activity) -> Document:
    if isinstance(activity, Observe):
        raise TypeError("an Observe never leaves this server")
    document: Document = {
        "id": activity.id,
        "type": activity.verb if isinstance(activity, Follow) else type(activity).__name__,
        "actor": activity.actor,
        **_audience(activity.audience),
        "audience": activity.audience.group,
    }
    if isinstance(activity, Create | Update | Announce):
        document["published"] = _time(activity.published)
    document["object"] = _object(activity)
    if isinstance(activity, Delete):
        document["summary"] = activity.reason
    elif isinstance(activity, Lock):
        document["summary"] = activity.reason or None
    elif isinstance(activity, Block):
        document |= _terms(activity)
    elif isinstance(activity, Flag):
        document["content"] = activity.content
    return _kept(document)


def _terms(block: Block) -> Document:
    """Return what a group's ban says beside whom it shuts out; a person's block says nothing more."""
    if block.target is None:
        return {}
    return {
        "target": block.target,
        "summary": block.reason or None,
        "removeData": block.removes,
        "endTime": _time(block.ends),
        "expires": _time(block.ends),
    }


def _object(
    activity: Follow
    | Accept
    | Reject
    | Create
    | Update
    | Delete
    | Like
    | Announce
    | Undo
    | Block
    | Lock
    | Flag,
) -> object:
    match activity:
        case Flag():
            return list(activity.objects)
        case Announce(embedded=bytes() as embedded):
            return msgspec.Raw(embedded)
        case Delete(former_type=former, deleted=deleted) if former or deleted is not None:
            return _tombstone(activity.object, former, deleted)
        case Accept(object=Follow() as nested) | Reject(object=Follow() as nested) | Undo(object=nested):
            return _nested(nested)
        case _:
            return activity.object if isinstance(activity.object, str) else members(activity.object)


def _nested(activity: Follow | Like | Announce | Delete | Block | Lock | Uri) -> object:
    """Return an earlier activity as peers match it: whole, but without addresses where it never had any."""
    if isinstance(activity, str):
        return activity
    document = members(activity)
    if not activity.audience.to and not activity.audience.cc:
        del document["to"], document["cc"]
    return document
