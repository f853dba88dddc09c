"""The one answer to "may this person ...?": read, join, write, answer, change, remove, decide, administer.

Pure, from plain values. Actions ask it before they do something, pages and the client API before they offer
it. Where many rows are asked about at once, a twin in `functions.sql` answers (`can_see`, `may_moderate`,
...); tests in generated worlds hold each equal to its twin, what may be written to what `decide` says, and
what a page offers to what the action behind it lets through.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, assert_never

from fediverse_support.domain.actors import ActorStanding, GroupKind, Role
from fediverse_support.domain.audiences import narrower_kind
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.moderation import Severity
from fediverse_support.domain.posts import Audience, PostStanding

Power = Literal["moderate", "read-messages", "admit", "rule", "administer", "link-names"]
"""What a role gives.

`moderate`: decide about posts, conversations, people and reports. `read-messages`: read what is written to a
group's moderators. `admit`: say who gets an account. `rule`: decide about other servers. `administer`: decide
what the organisation decides, and who has which role. `link-names`: learn which names are one account's.
"""

_TEAM: Final[frozenset[Power]] = frozenset({"moderate", "read-messages", "admit", "rule"})

POWERS: Final[Mapping[Role | Literal["group-moderator"], frozenset[Power]]] = {
    # In their own group alone, whatever its kind; the team has no say in closed groups.
    "group-moderator": frozenset({"moderate", "read-messages"}),
    "moderator": _TEAM,
    "deputy": _TEAM,
    "safety-lead": _TEAM | {"link-names"},
    "admin": _TEAM | {"administer"},
}
"""What each role may do. `role_may` in SQL is the same table."""


def may(roles: Collection[Role], power: Power) -> bool:
    """Say whether somebody with these roles in our team may do this, in any place where the team has a say.

    In SQL it is `role_may`.
    """
    return any(power in POWERS[role] for role in roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """Of a post, what decides who may read it.

    `rule` is the one in force for its author's server, None for ours and without a rule; `group_kind` is what
    its group is now and `written_in` what it was then, None outside of groups.
    """

    author_id: ActorId
    author_standing: ActorStanding
    rule: Severity | None
    standing: PostStanding
    audience: Audience
    group_kind: GroupKind | None
    written_in: GroupKind | None

    @property
    def kind(self) -> GroupKind | None:
        """Who reads in its group, of this post: nobody who could not have then."""
        if self.group_kind is None or self.written_in is None:
            return None
        return narrower_kind(self.written_in, self.group_kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody as they stand to one post, with all the names they have; a visitor has none, and nothing else.

    `is_ours` means an account here; `is_member` is of the post's group, `is_follower` of its author, each
    under any of their names.
    """

    ids: frozenset[ActorId]
    is_ours: bool = False
    is_member: bool = False
    is_follower: bool = False
    is_mentioned: bool = False


VISITOR: Final = Reader(ids=frozenset())


def may_read(post: Readable, reader: Reader = VISITOR) -> bool:
    """Say whether somebody may read a post. It is the same rule as `can_see` in SQL.

    Authors read their own whether or not its group is still open to them.
    """
    return (
        _is_shown(post, reader)
        and post.rule != "suspend"
        and post.author_standing not in ("suspended", "deleted")
        and (post.author_id in reader.ids or (_is_meant(post, reader) and may_enter(post.kind, reader)))
    )


def may_reread(post: Readable, reader: Reader = VISITOR) -> bool:
    """Say whether somebody may still read what a moderator took out or did not let appear: its author, here.

    Whether they may still enter its group does not matter, because nobody loses their own words. Only pages
    that say what happened ask this. It is the same rule as `can_reread` in SQL.
    """
    return (
        post.standing == "removed"
        and post.author_id in reader.ids
        and reader.is_ours
        and post.author_standing not in ("suspended", "deleted")
    )


def _is_shown(post: Readable, reader: Reader) -> bool:
    match post.standing:
        case "visible":
            return True
        case "limited":
            return bool(reader.ids) or (post.rule != "limit" and post.author_standing != "limited")
        case "held":
            return post.author_id in reader.ids
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
        case "home":
            return reader.is_member and reader.is_ours
        case "circle":
            return reader.is_member
        case _:
            assert_never(kind)


class Place(Protocol):
    """A group as it stands to one of our people: what is loaded for a decision, and what a page shows."""

    @property
    def kind(self) -> GroupKind:
        """Who reads there."""

    @property
    def is_local(self) -> bool:
        """Hosted here."""

    @property
    def approval(self) -> bool:
        """A moderator answers who asks to join."""

    @property
    def posting_restricted(self) -> bool:
        """Only moderators start conversations."""

    @property
    def is_member(self) -> bool:
        """They take part."""

    @property
    def is_moderator(self) -> bool:
        """They moderate it."""

    @property
    def is_banned(self) -> bool:
        """They are shut out, for now."""


class Standing(Protocol):
    """A post, as far as it matters to taking it back."""

    @property
    def standing(self) -> PostStanding:
        """What became of it."""


class Written(Standing, Protocol):
    """A post, as far as it matters to what is done with it."""

    @property
    def is_locked(self) -> bool:
        """It takes no answers for now."""


@dataclass(frozen=True, slots=True)
class Below:
    """What would be answered, as part of its conversation."""

    standing: PostStanding
    is_locked: bool


def below(parent: Written, root: Written) -> Below:
    """Return what would be answered: with its first post, all of a conversation is paused."""
    return Below(parent.standing, parent.is_locked or root.is_locked)


def may_write(
    place: Place | None, parent: Written | None = None, *, account_standing: str = "active"
) -> bool:
    """Say whether one of our people may write: a new conversation, or below `parent`.

    `place` is the group, None outside of groups. That the post may wait for a moderator does not matter here.
    It is what `decide` says about the post.
    """
    if account_standing != "active" or (parent is not None and parent.standing in ("removed", "deleted")):
        return False
    if parent is not None and parent.is_locked and (place is None or not place.is_moderator):
        return False
    if place is None:
        return True
    if place.is_banned:
        return False
    if not place.is_local or place.is_moderator:
        return True
    if place.posting_restricted and parent is None:
        return False
    return place.is_member or place.kind == "home-open" or (place.kind == "open" and not place.approval)


def has_joined(place: Place) -> bool:
    """Say whether somebody may write here as one who takes part.

    Pages ask for no less: where posts leave this server people join first, because there they say yes to it.
    """
    return not place.is_banned and (place.is_member or place.is_moderator or place.kind == "home-open")


def may_start(place: Place) -> bool:
    """Say whether somebody who takes part may start a conversation here, also in a group elsewhere."""
    return has_joined(place) and (place.is_moderator or not place.posting_restricted)


def may_answer(place: Place | None, root: Written) -> bool:
    """Say whether somebody who takes part may answer in the conversation that `root` opened."""
    is_there = root.standing in ("visible", "limited")
    return is_there and may_write(place, root) and (place is None or has_joined(place))


def may_join(place: Place, *, is_waiting: bool, knows_it: bool) -> bool:
    """Say whether somebody may join, or ask to.

    `knows_it` says that they may read the group, were invited, or took part before: for everybody else a
    closed group does not exist.
    """
    return knows_it and not (place.is_member or place.is_banned or is_waiting)


def may_edit(place: Place | None, post: Written, *, is_author: bool) -> bool:
    """Say whether somebody may change a post: its author, unless a moderator took it out or shut them out."""
    is_there = post.standing not in ("removed", "deleted")
    return is_author and is_there and (place is None or not place.is_banned)


def may_remove(post: Standing, *, is_author: bool) -> bool:
    """Say whether somebody may take their words back: always."""
    return is_author and post.standing != "deleted"


def may_moderate(kind: GroupKind | None, *, is_moderator: bool, roles: Collection[Role]) -> bool:
    """Say whether somebody decides about what is in a group: its moderators do, our team where it reads.

    `kind` is the group's, None outside of groups. It is the same rule as `may_moderate` in SQL.
    """
    in_group = is_moderator and "moderate" in POWERS["group-moderator"]
    return in_group or (may(roles, "moderate") and kind in (None, "open", "home-open"))


def may_read_messages(*, is_moderator: bool, has_moderator_here: bool, roles: Collection[Role]) -> bool:
    """Say whether somebody reads what is written to a group's moderators: they, else our team.

    It is the same rule as `may_read_messages` in SQL.
    """
    in_group = is_moderator and "read-messages" in POWERS["group-moderator"]
    return in_group or (may(roles, "read-messages") and not has_moderator_here)


def has_a_desk(*, moderates: bool, roles: Collection[Role]) -> bool:
    """Say whether the pages of what waits for a moderator are there for somebody: for all who have a group in
    their care, and for our team."""
    return moderates or may(roles, "moderate")
