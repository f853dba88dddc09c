"""Rows of ours as vocabulary values: the one place where what we store becomes what we say.

The pipeline writes activities from it and the federation edge answers fetches with it, so both say the same.
Pure; `federation.writing` turns the values into bytes.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from federation import addressing, vocab
from federation.uris import Host, Uri
from fediverse_support.domain import richtext
from fediverse_support.domain.actors import ActorKind, ActorStanding, GroupKind
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.posts import Audience, PostKind, PostStanding
from fediverse_support.domain.richtext import SafeHtml

KINDS: Final[dict[ActorKind, vocab.ActorKind]] = {
    "person": "Person",
    "group": "Group",
    "instance": "Application",
    "service": "Service",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An actor as a post mentions it. `host` is None for ours."""

    uri: Uri
    name: str
    host: Host | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The group a post belongs to. `host` is None for ours; `url` is the page people open."""

    uri: Uri
    name: str
    host: Host | None = None
    followers_uri: Uri | None = None
    url: Uri | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRow:
    """A post of ours with what its document names. `title` and `body_html` are kept apart, as in the table.

    `parent_uri` is None for a thread's root; `parent_author` is None where nobody knows it.
    """

    id: PostId
    uri: Uri
    kind: PostKind
    author_uri: Uri
    author_followers_uri: Uri | None
    audience: Audience
    standing: PostStanding
    title: str
    body_html: SafeHtml
    body_source: str | None
    warning: str
    sensitive: bool
    language: str
    url: Uri | None
    context_uri: Uri | None
    root_id: PostId
    is_locked: bool
    published_at: datetime
    edited_at: datetime | None
    group: Place | None = None
    parent_uri: Uri | None = None
    parent_author: Named | None = None
    mentions: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRow:
    """An actor of ours as its table has it, without its private key."""

    id: ActorId
    uri: Uri
    kind: ActorKind
    name: str
    display_name: str
    summary_html: SafeHtml
    summary_source: str
    url: Uri | None
    inbox_uri: Uri
    shared_inbox_uri: Uri | None
    outbox_uri: Uri | None
    followers_uri: Uri | None
    key_id: Uri
    public_key_pem: str
    approves_followers: bool
    discoverable: bool
    indexable: bool
    standing: ActorStanding
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow(ActorRow):
    """A group of ours: its actor and what the group's own table adds."""

    group_kind: GroupKind
    title: str
    language: str
    posting_restricted: bool
    moderators_uri: Uri | None = None


def post_document(row: PostRow, instance: Instance) -> vocab.Post:
    """Return a post of ours as peers read it.

    Its title opens the content; a root's content ends by naming its group. Source for `audience`: FEP-1b12.
    """
    is_root = row.parent_uri is None
    place = _addressed_group(row)
    body = richtext.with_title(row.title, row.body_html) if is_root else row.body_html
    if is_root and place is not None:
        # Readers elsewhere see where they are, and answer with the group named.
        body = SafeHtml(body + _link_to(place))
    return vocab.Post(
        id=row.uri,
        kind=row.kind,
        attributed_to=row.author_uri,
        audience=post_audience(row),
        title=row.title if is_root else "",
        content=body,
        source=row.body_source,
        warning=row.warning,
        sensitive=row.sensitive,
        language=None if row.language == "und" else row.language,
        in_reply_to=row.parent_uri,
        url=row.url or _page_of(row, instance),
        context=row.context_uri,
        replies=Uri(f"{row.uri}/replies") if row.audience in ("public", "unlisted") else None,
        published=row.published_at,
        updated=row.edited_at,
        mentions=tuple(
            vocab.Mention(actor.uri, f"@{actor.name}@{actor.host or instance.host}")
            for actor in _mentioned(row)
        ),
        comments_enabled=not row.is_locked,
    )


def post_audience(row: PostRow) -> vocab.Audience:
    """Return to whom a post of ours is addressed; never wider than the row's audience."""
    place = _addressed_group(row)
    named = tuple(actor.uri for actor in _mentioned(row) if place is None or actor.uri != place.uri)
    own = row.author_followers_uri
    if place is None:
        if own is None or row.audience == "group":
            return vocab.Audience(named)
        return addressing.for_profile_post(row.author_uri, own, named, row.audience)
    if place.followers_uri is None:
        to = (place.uri,) if row.audience == "group" else (place.uri, vocab.PUBLIC)
        return vocab.Audience(to, named, place.uri)
    if row.audience == "unlisted":
        return vocab.Audience((place.uri, place.followers_uri), (vocab.PUBLIC, *named), place.uri)
    kind: addressing.GroupKind = "members" if row.audience == "group" else "public"
    return addressing.for_group_post(row.author_uri, place.uri, place.followers_uri, named, kind)


def actor_document(row: ActorRow, instance: Instance) -> vocab.Actor:
    """Return a person of ours, or the instance actor, as peers read it.

    The day it was made is all it says about time: a finer moment would tie an account's persons together.
    """
    return vocab.Actor(
        id=row.uri,
        kind=KINDS[row.kind],
        preferred_username=row.name,
        webfinger=f"{row.name}@{instance.host}",
        name=row.display_name or row.name,
        summary=row.summary_html,
        source=row.summary_source or None,
        url=row.url or (instance.profile_url(row.name) if row.kind == "person" else None),
        inbox=row.inbox_uri,
        shared_inbox=row.shared_inbox_uri,
        outbox=row.outbox_uri,
        followers=row.followers_uri,
        following=Uri(f"{row.uri}/following") if row.kind == "person" else None,
        featured=Uri(f"{row.uri}/featured") if row.kind == "person" else None,
        keys=(_key(row),),
        approves_followers=row.approves_followers,
        discoverable=row.discoverable,
        indexable=row.indexable,
        suspended=row.standing == "suspended",
        published=_day(row.created_at),
    )


def group_document(row: GroupRow, instance: Instance) -> vocab.Actor:
    """Return a group of ours as peers read it.

    `approves_followers` says "private group" to servers that know groups, so an open group that vets its
    members does not set it.
    """
    summary = row.summary_html
    if row.group_kind == "open":
        handle = html.escape(f"@{row.name}@{instance.host}")
        how = f"<p>To start a conversation here, mention {handle} in a public post. Replies are public.</p>"
        summary = SafeHtml(summary + how)
    return vocab.Actor(
        id=row.uri,
        kind="Group",
        preferred_username=row.name,
        webfinger=f"{row.name}@{instance.host}",
        name=row.title or row.display_name or row.name,
        summary=summary,
        source=row.summary_source or None,
        url=row.url or instance.group_url(row.name),
        inbox=row.inbox_uri,
        shared_inbox=row.shared_inbox_uri,
        outbox=row.outbox_uri,
        followers=row.followers_uri,
        featured=Uri(f"{row.uri}/featured") if row.group_kind == "open" else None,
        moderators=row.moderators_uri or Uri(f"{row.uri}/moderators"),
        keys=(_key(row),),
        approves_followers=row.group_kind == "circle",
        discoverable=row.discoverable and row.group_kind == "open",
        indexable=row.indexable and row.group_kind == "open",
        suspended=row.standing == "suspended",
        posting_restricted=row.posting_restricted,
        language=None if row.language == "und" else row.language,
        published=_day(row.created_at),
        updated=row.updated_at,
    )


def _mentioned(row: PostRow) -> tuple[Named, ...]:
    """Everyone a post's document names, each once: the parent's author, those mentioned, the group."""
    first = () if row.parent_author is None else (row.parent_author,)
    place = _addressed_group(row)
    last = () if place is None else (Named(uri=place.uri, name=place.name, host=place.host),)
    everyone = {actor.uri: actor for actor in (*first, *row.mentions, *last) if actor.uri != row.author_uri}
    return tuple(everyone.values())


def _addressed_group(row: PostRow) -> Place | None:
    """The group, unless the post is narrower than it: then nothing of the group is named."""
    return row.group if row.audience in ("public", "unlisted", "group") else None


def _link_to(group: Place) -> str:
    href, name = html.escape(group.url or group.uri), html.escape(group.name)
    return f'<p><a href="{href}" class="u-url mention">@{name}</a></p>'


def _page_of(row: PostRow, instance: Instance) -> Uri:
    if row.group is not None and row.group.host is None:
        return instance.thread_url(row.group.name, row.id)
    return instance.post_url(row.id)


def _key(row: ActorRow) -> vocab.PublicKey:
    return vocab.PublicKey(id=row.key_id, owner=row.uri, pem=row.public_key_pem)


def _day(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), moment.tzinfo)
