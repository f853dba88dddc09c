"""Posts, drafts and what may become of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from federation.uris import Host, Uri
from fediverse_support.domain.ids import ActorId, PostId

Audience = Literal["public", "unlisted", "followers", "group", "direct"]
PostStanding = Literal["visible", "held", "limited", "removed", "deleted"]
PostKind = Literal["Note", "Page", "Article", "Question"]

MAX_TITLE: Final = 200
MAX_BODY: Final = 5000
MAX_WARNING: Final = 200

TRANSITIONS: Final[dict[PostStanding, frozenset[PostStanding]]] = {
    "held": frozenset({"visible", "limited", "removed", "deleted"}),
    "visible": frozenset({"limited", "removed", "deleted"}),
    "limited": frozenset({"visible", "removed", "deleted"}),
    "removed": frozenset({"visible", "deleted"}),
    # Only its author brings a deleted post back, with the words that its origin has then.
    "deleted": frozenset({"visible", "limited", "held", "removed"}),
}


def may_become(before: PostStanding, after: PostStanding) -> bool:
    """Say whether a post of standing `before` may get standing `after`."""
    return after in TRANSITIONS[before]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person wants to post. `body` is Markdown; `group_id` for a new thread, `parent_id` for a reply.

    `audience` None is everybody who reads in that place; whatever is wished, a reply reaches nobody whom
    what it answers does not reach.
    """

    body: str
    title: str = ""
    warning: str = ""
    group_id: ActorId | None = None
    parent_id: PostId | None = None
    audience: Audience | None = None
    language: str = "und"
    sensitive: bool = False
    mentioned: tuple[ActorId, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Post:
    """A post row as the writing side needs it. `host` is None for ours."""

    id: PostId
    uri: Uri
    author_id: ActorId
    host: Host | None
    group_id: ActorId | None
    root_id: PostId
    parent_id: PostId | None
    audience: Audience
    standing: PostStanding
    title: str
    warning: str
    edited_at: datetime | None
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a person's post: its row, and whether it waits for a moderator."""

    post_id: PostId
    standing: PostStanding
    leaves_at: datetime | None = None
