"""What a handler may ask for: what must become true for others once this change is committed.

Effects speak of distribution, not of features; the particulars are in the activity they carry. A closed
union of
five, with a ceiling of eight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from federation import vocab
from federation.uris import Uri
from fediverse_support.domain.ids import ActorId, PostId

NotificationKind = Literal[
    "mention",
    "reply",
    "liked",
    "follow",
    "joined",
    "declined",
    "held",
    "approved",
    "removed",
    "restored",
    "locked",
    "unlocked",
    "banned",
    "unbanned",
    "not_taken",
    "message",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One activity from one of our actors: to some actors, to the followers of one, to every host holding a
    post."""

    sender_id: ActorId
    activity: vocab.Activity
    to: tuple[ActorId, ...] = ()
    followers_of: ActorId | None = None
    post_id: PostId | None = None
    holders_of: PostId | None = None
    after: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A group distributes an activity to its followers, in the form each class of host understands.

    `raw` is the activity's exact text. `boost` names the new thread root that hosts of the `object` class
    get as a
    plain Announce; `unboost` the post whose boost is taken back. `direct` also sends the author's own
    activity to the
    `object` class hosts that hold the post (edits and deletions by our people).
    """

    group_id: ActorId
    activity: vocab.Activity
    raw: bytes
    post_id: PostId | None = None
    boost: Uri | None = None
    unboost: bool = False
    author_id: ActorId | None = None
    after: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Tell one of our people, under the name it concerns, in a notice here, and elsewhere if they chose so.

    `words` are what a group gave as its reason.
    """

    person_id: ActorId
    kind: NotificationKind
    actor_id: ActorId | None = None
    post_id: PostId | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Take back every delivery about this post that has not left yet."""

    post_id: PostId


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """Empty the stored documents that carried these objects (deleted words stay nowhere)."""

    uris: tuple[Uri, ...] = field(default=())


Effect = Send | Relay | Notify | Cancel | Erase
