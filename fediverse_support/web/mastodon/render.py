"""Views into the JSON of the client API: pure functions, one per entity, every member always there.

Nobody is counted: every total is 0, for everyone. What is null here may be null by that API's documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from fediverse_support.domain import richtext
from fediverse_support.domain.instance import Instance
from fediverse_support.reads.notices import NotificationView
from fediverse_support.reads.people.actors import ActorView, Relation
from fediverse_support.reads.posts.posts import Attachment, Entry, PostView
from fediverse_support.web.mastodon.composing import source_of

Json = dict[str, Any]
Made = dict[int, Json]

VISIBILITIES: Final = {
    "public": "public",
    "unlisted": "unlisted",
    "followers": "private",
    "group": "private",
    "direct": "direct",
}
WHO_READS: Final = {
    "home": "Approved members, on this server",
    "home-open": "Anyone who is signed in on this server",
    "circle": "Approved members",
    "open": "Anyone",
}
ABOUT_CALLER: Final[Json] = {
    "favourited": False,
    "reblogged": False,
    "muted": False,
    "bookmarked": False,
    "pinned": False,
    "filtered": (),
}
EVERYONE_ROLE: Final = {"id": "-99", "name": "", "color": "", "permissions": "0", "highlighted": False}


def moment(at: datetime) -> str:
    """Return a time with milliseconds and Z."""
    at = at if at.tzinfo is UTC else at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def day(at: datetime) -> str:
    """Return midnight of a day: when somebody came is nobody's business to the minute."""
    at = at if at.tzinfo is UTC else at.astimezone(UTC)
    return f"{at.date().isoformat()}T00:00:00.000Z"


def acct(name: str, host: str | None) -> str:
    """Return a handle without its mark: bare for ours."""
    return name if host is None else f"{name}@{host}"


def account(view: ActorView, instance: Instance, made: Made | None = None) -> Json:
    """Return a person or a group as an Account; `made` holds those of this answer, which are made once."""
    if made is not None and (found := made.get(view.id)) is not None:
        return found
    json = _account(view, instance)
    if made is not None:
        made[view.id] = json
    return json


def _account(view: ActorView, instance: Instance) -> Json:
    avatar, header = picture(instance, "avatars"), picture(instance, "headers")
    json: Json = {
        "id": str(view.id),
        "username": view.name,
        "acct": acct(view.name, view.handle_host),
        "display_name": view.display_name or view.name,
        "locked": view.is_locked,
        "bot": view.kind == "service",
        "group": view.is_group,
        "discoverable": view.discoverable,
        "indexable": view.indexable,
        "hide_collections": True,
        "noindex": not view.indexable,
        "created_at": day(view.created_at),
        "note": view.summary_html,
        "url": actor_url(view, instance),
        "uri": view.uri,
        "avatar": avatar,
        "avatar_static": avatar,
        "header": header,
        "header_static": header,
        "followers_count": 0,
        "following_count": 0,
        "statuses_count": 0,
        "last_status_at": None,
        "emojis": [],
        "roles": [],
        "fields": group_fields(view, instance),
    }
    if view.is_limited:
        json["limited"] = True
    return json


def credential_account(view: ActorView, instance: Instance) -> Json:
    """Return the caller's own account."""
    source = {
        "privacy": "private",
        "sensitive": False,
        "language": None,
        "note": view.summary_source,
        "fields": [],
        "follow_requests_count": 0,
        "hide_collections": True,
        "discoverable": view.discoverable,
        "indexable": view.indexable,
        "attribution_domains": [],
    }
    return {**account(view, instance), "source": source, "role": EVERYONE_ROLE}


def relationship(relation: Relation) -> Json:
    """Return how the caller stands to an account."""
    following = relation.mine == "accepted"
    return {
        "id": str(relation.id),
        "following": following,
        "showing_reblogs": following,
        "notifying": False,
        "languages": [],
        "followed_by": relation.theirs == "accepted",
        "blocking": False,
        "blocked_by": False,
        "muting": False,
        "muting_notifications": False,
        "muting_expires_at": None,
        "requested": relation.mine == "pending",
        "requested_by": relation.theirs == "pending",
        "domain_blocking": False,
        "endorsed": False,
        "note": "",
    }


def entries(lines: Iterable[Entry], instance: Instance, *, signed_in: bool) -> list[Json]:
    """Return a page of a timeline."""
    made: Made = {}
    return [entry(line, instance, signed_in=signed_in, made=made) for line in lines]


def statuses(views: Iterable[PostView], instance: Instance, *, signed_in: bool) -> list[Json]:
    """Return several posts as Statuses."""
    made: Made = {}
    return [status(view, instance, signed_in=signed_in, made=made) for view in views]


def entry(line: Entry, instance: Instance, *, signed_in: bool, made: Made | None = None) -> Json:
    """Return a line of a timeline: the status itself, or a reblog of it by a group or a person."""
    inner = status(line.post, instance, signed_in=signed_in, made=made)
    if line.by is None:
        return inner
    outer = {
        **inner,
        "id": str(line.id),
        "uri": f"{line.post.uri}#announce-{line.id}",
        "created_at": moment(line.at),
        "edited_at": None,
        "account": account(line.by, instance, made),
        "content": "",
        "spoiler_text": "",
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "reblog": inner,
    }
    return outer


def status(view: PostView, instance: Instance, *, signed_in: bool, made: Made | None = None) -> Json:
    """Return a post as a Status; `signed_in` adds the members about the caller."""
    has_parent = view.parent_id is not None
    json: Json = {
        "id": str(view.id),
        "uri": view.uri,
        "url": post_url(view, instance),
        "created_at": moment(view.published_at),
        "edited_at": None if view.edited_at is None else moment(view.edited_at),
        "account": account(view.author, instance, made),
        "content": content(view),
        "visibility": visibility(view),
        "sensitive": view.sensitive or bool(view.warning),
        "spoiler_text": view.warning,
        "media_attachments": [attachment(each, view.id + n) for n, each in enumerate(view.attachments, 1)],
        "mentions": mentions(view, instance),
        "tags": [],
        "emojis": [],
        "reblogs_count": 0,
        "favourites_count": 0,
        "replies_count": 0,
        "quotes_count": 0,
        "in_reply_to_id": str(view.parent_id) if has_parent else None,
        "in_reply_to_account_id": str(view.parent_author_id) if has_parent else None,
        "reblog": None,
        "poll": None,
        "card": None,
        "language": None if view.language == "und" else view.language,
        "quote": None,
        "quote_approval": None,
    }
    if signed_in:
        json |= ABOUT_CALLER
        json["favourited"] = view.is_liked
    # Members of our own: the group a post is in, and that it waits for a moderator.
    if view.group is not None:
        json["group"] = _place(view.group)
    if view.standing == "held":
        json["pending"] = True
    return json


def _place(group: ActorView) -> Json:
    return {
        "id": str(group.id),
        "acct": acct(group.name, group.handle_host),
        "title": group.display_name,
    }


def content(view: PostView) -> str:
    """Return a post's HTML, opened by its title unless the text begins with it anyway."""
    return richtext.with_title(view.title, richtext.SafeHtml(view.body_html))


def visibility(view: PostView) -> str:
    """Return who reads a post in this API's four words; what stays in a group is `private`."""
    if view.kind not in (None, "open") and view.audience != "direct":
        return "private"
    if view.audience == "group":
        return "public"
    return VISIBILITIES[view.audience]


def mentions(view: PostView, instance: Instance) -> list[Json]:
    """Return who is mentioned, the group first, so that a reply names it too."""
    named = ((view.group,) if view.group is not None else ()) + view.mentioned
    return [
        {
            "id": str(each.id),
            "username": each.name,
            "acct": acct(each.name, each.handle_host),
            "url": actor_url(each, instance),
        }
        for each in named
    ]


def attachment(view: Attachment, number: int) -> Json:
    """Return a remote file as a link; it is neither copied nor previewed here."""
    return {
        "id": str(number),
        "type": "unknown",
        "url": view.url,
        "preview_url": None,
        "remote_url": view.url,
        "preview_remote_url": None,
        "text_url": None,
        "meta": {},
        "description": view.description or None,
        "blurhash": None,
    }


def source(view: PostView) -> Json:
    """Return what an author edits."""
    return {
        "id": str(view.id),
        "text": source_of(view, names_group=view.starts_thread),
        "spoiler_text": view.warning,
    }


def group_fields(view: ActorView, instance: Instance) -> list[Json]:
    """Return the two facts that belong beside a group of ours."""
    if view.group_kind is None or view.host is not None:
        return []
    rules = f"{instance.base_url}/rules"
    return [
        {"name": "Posts are visible to", "value": WHO_READS[view.group_kind], "verified_at": None},
        {
            "name": "Rules",
            "value": f'<a href="{rules}" rel="nofollow noopener noreferrer">{rules}</a>',
            "verified_at": None,
        },
    ]


def actor_url(view: ActorView, instance: Instance) -> str:
    """Return the page of an actor."""
    if view.host is not None:
        return view.url or view.uri
    return instance.group_url(view.name) if view.is_group else instance.profile_url(view.name)


def post_url(view: PostView, instance: Instance) -> str:
    """Return the page of a post."""
    if view.url:
        return view.url
    if view.host is not None:
        return view.uri
    if view.group is not None and view.group.host is None:
        return instance.thread_url(view.group.name, view.root_id)
    return instance.post_url(view.id)


def picture(instance: Instance, kind: str) -> str:
    """Return the stand-in for a picture nobody chose; clients know it by its name."""
    return f"{instance.base_url}/{kind}/original/missing.png"


def notification(view: NotificationView, kind: str, instance: Instance) -> Json:
    """Return a notification under this API's name for its kind."""
    json: Json = {
        "id": str(view.id),
        "type": kind,
        "created_at": moment(view.created_at),
        "group_key": f"ungrouped-{view.id}",
        "account": account(view.actor, instance),
    }
    if view.post is not None:
        json["status"] = status(view.post, instance, signed_in=True)
    return json
