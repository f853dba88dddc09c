"""What we understand of ActivityStreams, as frozen values.

Only values of these classes travel inside; documents (JSON objects) exist left of `reading` and right of
`writing`.
Sources: ActivityStreams 2.0 vocabulary, FEP-1b12, FEP-7888, FEP-4f05.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from federation.uris import Uri

PUBLIC: Final = Uri("https://www.w3.org/ns/activitystreams#Public")

ActorKind = Literal["Person", "Group", "Application", "Service", "Organization"]
PostKind = Literal["Note", "Page", "Article", "Question"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key document: its id, whose it is, and the SPKI PEM."""

    id: Uri
    owner: Uri
    pem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Anything with an inbox. `summary` is the raw HTML of the peer; sanitise before showing."""

    id: Uri
    kind: ActorKind
    preferred_username: str
    inbox: Uri
    name: str = ""
    summary: str = ""
    source: str | None = None
    url: Uri | None = None
    outbox: Uri | None = None
    followers: Uri | None = None
    following: Uri | None = None
    featured: Uri | None = None
    moderators: Uri | None = None
    shared_inbox: Uri | None = None
    keys: tuple[PublicKey, ...] = ()
    webfinger: str | None = None
    approves_followers: bool = False
    discoverable: bool = False
    indexable: bool = False
    suspended: bool = False
    posting_restricted: bool = False
    language: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    also_known_as: tuple[Uri, ...] = ()
    moved_to: Uri | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """Who a thing is addressed to, as written. `group` is the `audience` property."""

    to: tuple[Uri, ...] = ()
    cc: tuple[Uri, ...] = ()
    group: Uri | None = None

    @property
    def everyone(self) -> tuple[Uri, ...]:
        """Every address in `to` and `cc`, and the group; each once, in order."""
        return tuple(dict.fromkeys((*self.to, *self.cc, *((self.group,) if self.group else ()))))

    @property
    def is_public(self) -> bool:
        """Public stands in `to` or `cc`."""
        return PUBLIC in self.to or PUBLIC in self.cc


@dataclass(frozen=True, slots=True)
class Mention:
    """A tag that names an actor."""

    href: Uri
    name: str = ""


@dataclass(frozen=True, slots=True)
class Hashtag:
    """A tag word, without its `#`, lower-case."""

    name: str
    href: Uri | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file or link beside a post. `kind` is the ActivityStreams type."""

    kind: Literal["Image", "Video", "Audio", "Document", "Link"]
    url: Uri
    media_type: str = ""
    alt: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a Question, with the votes its author claims."""

    name: str
    votes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A Note, Page, Article or Question.

    `content` is the raw HTML of the peer (at most 64 KiB), `source` Markdown without the title, `title` one
    plain line, `warning` one plain line. A post without `in_reply_to` is a thread's root; `other_parents` are
    what it names beside it, one of which may be what it answers. `generator` is the actor of a server that
    wrote it by itself.
    """

    id: Uri
    kind: PostKind
    attributed_to: Uri
    audience: Audience
    title: str = ""
    content: str = ""
    source: str | None = None
    warning: str = ""
    sensitive: bool = False
    language: str | None = None
    in_reply_to: Uri | None = None
    other_parents: tuple[Uri, ...] = ()
    url: Uri | None = None
    context: Uri | None = None
    replies: Uri | None = None
    published: datetime | None = None
    updated: datetime | None = None
    mentions: tuple[Mention, ...] = ()
    hashtags: tuple[Hashtag, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    choices: tuple[Choice, ...] = ()
    ends: datetime | None = None
    comments_enabled: bool = True
    generator: Uri | None = None

    @property
    def parents(self) -> tuple[Uri, ...]:
        """Everything that the post names as answered, in its order."""
        return () if self.in_reply_to is None else (self.in_reply_to, *self.other_parents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What stays of a deleted object (FEP-4f05)."""

    id: Uri
    former_type: str = ""
    deleted: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A collection or one page of it: the ids it lists (embedded items are read as their ids)."""

    id: Uri | None
    total: int | None = None
    items: tuple[Uri, ...] = ()
    first: Uri | None = None
    next: Uri | None = None
    attributed_to: Uri | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """A wish to follow; of a group, to take part. `verb` is `Join` where the peer says so.

    Inside an answer or an Undo old software leaves the `id` out: it is known by its two ends.
    """

    id: Uri | None
    actor: Uri
    object: Uri
    verb: Literal["Follow", "Join"] = "Follow"
    audience: Audience = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """The followed actor says yes. `object` is the Follow, or its id."""

    id: Uri
    actor: Uri
    object: Follow | Uri
    audience: Audience = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """The followed actor says no, or ends a follow. `object` is the Follow, or an id."""

    id: Uri
    actor: Uri
    object: Follow | Uri
    audience: Audience = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """A new post. A bare id in `object` means that the post has to be fetched."""

    id: Uri
    actor: Uri
    object: Post | Uri
    audience: Audience = Audience()
    published: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A changed post or actor. An actor's embedded copy is only a hint to fetch it again."""

    id: Uri
    actor: Uri
    object: Post | Actor | Uri
    audience: Audience = Audience()
    published: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """A post or actor is gone. `reason` is set where a moderator removed it (FEP-1b12 practice:
    `summary`).

    `is_missing` never comes from outside: its origin only says that it is not there, and did so for days.
    """

    id: Uri
    actor: Uri
    object: Uri
    former_type: str = ""
    reason: str | None = None
    deleted: datetime | None = None
    audience: Audience = Audience()
    is_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Like:
    """A thumbs-up, or any reaction, to a post."""

    id: Uri | None
    actor: Uri
    object: Uri
    audience: Audience = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """A boost (`object` is an id) or a group's relay (`object` is an activity, FEP-1b12).

    `embedded` keeps the exact text of a relayed activity, None for a boost. Without `id` inside an Undo it is
    known by its actor and object.
    """

    id: Uri | None
    actor: Uri
    object: Activity | Uri
    embedded: bytes | None = None
    audience: Audience = Audience()
    published: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Takes back an earlier activity, given whole or by its id."""

    id: Uri
    actor: Uri
    object: Follow | Like | Announce | Delete | Block | Lock | Uri
    audience: Audience = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Somebody wants nothing more to do with a person; with a `target`, a group shuts them out (FEP-1b12).

    `ends` is when a group's ban is over, None for one without an end. `removes` asks to take out what they
    wrote there. `reason` is one plain line, published by whoever wrote it.
    """

    id: Uri
    actor: Uri
    object: Uri
    target: Uri | None = None
    reason: str = ""
    ends: datetime | None = None
    removes: bool = False
    audience: Audience = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A group takes no more answers to a post. `reason` is one plain line."""

    id: Uri
    actor: Uri
    object: Uri
    reason: str = ""
    audience: Audience = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A report about an actor and posts; at most 50 objects, text of at most 5,000 characters."""

    id: Uri
    actor: Uri
    objects: tuple[Uri, ...]
    content: str = ""
    audience: Audience = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """Ours: a thing that was fetched from its origin and is to be treated like a delivery.

    `restores` says that its author took back having deleted it, `is_old` that it was said while nobody here
    listened: it is no news.
    """

    id: Uri
    actor: Uri
    object: Post
    audience: Audience = Audience()
    announced_by: Uri | None = None
    restores: bool = False
    is_old: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """A well-formed document of a type, or in a shape, that we do not act on."""

    type: str
    why: str
    id: Uri | None = None
    actor: Uri | None = None


Activity = (
    Follow | Accept | Reject | Create | Update | Delete | Like | Announce
    | Undo | Block | Lock | Flag | Observe
)  # fmt: skip
Object = Post | Actor | Tombstone | Collection


def is_settled_by_id(activity: Activity) -> bool:
    """Say whether an activity that comes again under its id is the same one for sure.

    A thing is made, or passed on, once. A follow may come back after it was undone, and a post may change
    again: some software has one id for all follows of a pair, and one for all edits of a post.
    """
    return isinstance(activity, Create | Announce | Observe)


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a WebFinger answer (RFC 7033)."""

    rel: str
    href: Uri | None = None
    type: str | None = None
    template: str | None = None
    properties: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A WebFinger answer: subject, aliases, links."""

    subject: str
    aliases: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
