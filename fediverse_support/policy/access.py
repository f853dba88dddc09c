"""The same questions for people at a screen: may I read this, write here, decide about this?

Pure, from plain values. What lists show is decided in SQL (`can_see` in `functions.sql`), because a page of
posts cannot be asked about one by one; tests hold both answers equal, and hold `may_post` equal to what
`decide` says about a post.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from fediverse_support.domain.actors import ActorStanding, GroupKind, Role
from fediverse_support.domain.facts import GroupFacts, PostFacts
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.moderation import Severity
from fediverse_support.domain.posts import Audience, PostStanding

STAFF: Final[frozenset[Role]] = frozenset({"moderator", "admin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """Of a post, what decides who may read it.

    `rule` is the one in force for its author's server, None for ours and without a rule; `group_kind` is None
    outside of groups.
    """

    author_id: ActorId
    author_standing: ActorStanding
    rule: Severity | None
    standing: PostStanding
    audience: Audience
    group_kind: GroupKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody as they stand to one post. `id` is None for a visitor, to whom nothing else applies either.

    `is_ours` means an account here; `is_member` is of the post's group, `is_follower` of its author.
    """

    id: ActorId | None
    is_ours: bool = False
    is_member: bool = False
    is_follower: bool = False
    is_mentioned: bool = False


VISITOR: Final = Reader(id=None)


def may_read(post: Readable, reader: Reader = VISITOR) -> bool:
    """Say whether somebody may read a post. It is the same rule as `can_see` in SQL.

    Authors read their own whether or not its group is still open to them.
    """
    return (
        _is_shown(post, reader)
        and post.rule != "suspend"
        and post.author_standing not in ("suspended", "deleted")
        and (post.author_id == reader.id or (_is_meant(post, reader) and may_enter(post.group_kind, reader)))
    )


def may_reread(post: Readable, reader: Reader = VISITOR) -> bool:
    """Say whether somebody may still read what a moderator took out or did not let appear: its author, here.

    Whether they may still enter its group does not matter, because nobody loses their own words. Only pages
    that say what happened ask this. It is the same rule as `can_reread` in SQL.
    """
    return (
        post.standing == "removed"
        and post.author_id == reader.id
        and reader.is_ours
        and post.author_standing not in ("suspended", "deleted")
    )


def _is_shown(post: Readable, reader: Reader) -> bool:
    match post.standing:
        case "visible":
            return True
        case "limited":
            return reader.id is not None or (post.rule != "limit" and post.author_standing != "limited")
        case "held":
            return post.author_id == reader.id
        case "removed" | "deleted":
            return False
        case _:
            assert_never(post.standing)


def _is_meant(post: Readable, reader: Reader) -> bool:
    match post.audience:
        case "public" | "unlisted":
            return True
        case "group":
            return post.group_kind is not None
        case "followers":
            return reader.is_follower or reader.is_mentioned
        case "direct":
            return reader.is_mentioned
        case _:
            assert_never(post.audience)


def may_enter(kind: GroupKind | None, reader: Reader = VISITOR) -> bool:
    """Say whether somebody may read what is in a group of this kind; None is outside of groups."""
    match kind:
        case None | "open":
            return True
        case "home-open":
            return reader.is_ours
        case "home" | "circle":
            return reader.is_member
        case _:
            assert_never(kind)


def may_post(group: GroupFacts | None, *, account_standing: str, parent: PostFacts | None = None) -> bool:
    """Say whether one of our people may write here: a new thread, or below `parent`.

    `group` is the group as it stands to this person, None for their own profile. That the post may wait for a
    moderator does not matter here.
    """
    if account_standing != "active" or (parent is not None and parent.standing in ("removed", "deleted")):
        return False
    if parent is not None and parent.is_locked and (group is None or not group.is_moderator):
        return False
    if group is None:
        return True
    if group.is_banned:
        return False
    if not group.is_local or group.is_moderator:
        return True
    if group.posting_restricted and parent is None:
        return False
    return group.is_member or group.kind == "home-open" or (group.kind == "open" and not group.approval)


def may_moderate(kind: GroupKind | None, *, is_moderator: bool, role: Role) -> bool:
    """Say whether one of our people decides about a post: its group's moderators, staff where they may read.

    `kind` is that of the post's group, None outside of groups. It is the same rule as
    `waiting.may_moderate` in SQL.
    """
    return is_moderator or (role in STAFF and kind in (None, "open", "home-open"))
