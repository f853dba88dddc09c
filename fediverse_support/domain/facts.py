"""Everything policy may know about one activity, as plain values.

Loaded in one statement by `store.facts`, judged by `policy.decide`. A rule that needs more adds a field
here; a test
fails for a field that no rule or handler reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from federation.uris import Host, Uri
from fediverse_support.domain.actors import ActorKind, ActorStanding, GroupKind
from fediverse_support.domain.house import Federation
from fediverse_support.domain.ids import AccountId, ActorId, PostId
from fediverse_support.domain.moderation import Severity
from fediverse_support.domain.posts import Audience, PostStanding

Proof = Literal["signature", "fetch", "local", "group"]


@dataclass(frozen=True, slots=True)
class ActorFacts:
    """One actor we know. `host` is None for ours."""

    id: ActorId
    uri: Uri
    kind: ActorKind
    host: Host | None
    standing: ActorStanding
    account_id: AccountId | None
    account_standing: str | None
    followers_uri: Uri | None
    approves_followers: bool
    is_followed: bool


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """One group, seen from the acting actor. In a conversation, `kind` is the narrower of what the group is
    now and what it was when that was written."""

    id: ActorId
    uri: Uri
    host: Host | None
    kind: GroupKind
    approval: bool
    posting_restricted: bool
    followers_uri: Uri | None
    is_member: bool
    is_moderator: bool
    is_banned: bool
    is_followed: bool

    @property
    def is_local(self) -> bool:
        """Hosted here."""
        return self.host is None

    @property
    def federates(self) -> bool:
        """Something of it may leave, or come from, another server."""
        return self.kind == "open" or not self.is_local


@dataclass(frozen=True, slots=True)
class PostFacts:
    """One post we have. `host` is its author's, None for ours; `words_at` is by its author's clock."""

    id: PostId
    uri: Uri
    host: Host | None
    author_id: ActorId
    author_uri: Uri
    author_account_id: AccountId | None
    group_id: ActorId | None
    root_id: PostId
    parent_id: PostId | None
    standing: PostStanding
    audience: Audience
    is_locked: bool
    words_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when one activity is judged.

    `sender` is the rule on the actor's host and `named` those on every other host involved. `group` is where
    the
    activity plays; `names_other_group` says that a reply claims another group than its thread's. `target` is
    the post
    acted on (for Create: a post that already has this id), `parent` what it answers. `announced_by` is the
    group that led here, or on whose word it rests; `restores` says that an author took a deletion back.
    """

    verb: str
    proof: Proof
    actor_uri: Uri
    is_local: bool
    federation: Federation
    newcomer_posts_held: int
    undo_for: timedelta
    sender: Severity | None
    named: tuple[Severity, ...]
    reports_rejected: bool
    actor: ActorFacts | None
    group: GroupFacts | None
    parent: PostFacts | None
    target: PostFacts | None
    target_actor: ActorFacts | None
    audience: Audience
    names_other_group: bool
    names_ours: bool
    tombstoned: bool
    undone: bool
    visible_posts: int
    updated: datetime | None
    approved: bool
    announced_by: GroupFacts | None
    restores: bool

    @property
    def group_uri(self) -> Uri | None:
        """The id of the group in which it plays."""
        return None if self.group is None else self.group.uri

    @property
    def is_post(self) -> bool:
        """A new post, delivered or fetched."""
        return self.verb in ("Create", "Observe")

    @property
    def is_for_moderators(self) -> bool:
        """A post to an open group of ours, and to nobody else: no thread, but perhaps a call for help."""
        group = self.group
        if not self.is_post or group is None or self.audience != "group":
            return False
        return group.is_local and group.kind == "open"
