"""What the thing itself must be for us to keep it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fediverse_support.domain.facts import Facts
from fediverse_support.domain.verdicts import Rank, Verdict


def deleted_stays_deleted(facts: Facts) -> Verdict | None:
    """An id that was deleted, even before we heard of it, never comes back, unless its author says so and
    its origin has it again."""
    if facts.tombstoned and facts.verb != "Delete" and not facts.restores:
        return Verdict(Rank.DROP, ("deleted_before",))
    return None


def undone_stays_undone(facts: Facts) -> Verdict | None:
    """What was taken back before it arrived has no effect."""
    if facts.undone:
        return Verdict(Rank.DROP, ("undone_before",))
    return None


def unsolicited_posts_are_not_kept(facts: Facts) -> Verdict | None:
    """A post from elsewhere is kept only if it concerns somebody here.

    A thread that we have is a reason only for what its readers may read: a message to a few that names nobody
    here would lie below it unseen.
    """
    if facts.is_local or not facts.is_post or facts.target is not None:
        return None
    followed = facts.actor is not None and facts.actor.is_followed
    in_group = facts.group is not None and (facts.group.is_local or facts.group.is_followed)
    is_for_few = facts.audience in ("followers", "direct")
    known_thread = facts.parent is not None and facts.parent.standing != "deleted" and not is_for_few
    if followed or in_group or known_thread or facts.names_ours or facts.proof == "fetch":
        return None
    return Verdict(Rank.DROP, ("not_relevant",))


def gone_parent_takes_no_replies(facts: Facts) -> Verdict | None:
    """Nothing is added below a post that was removed or deleted."""
    if facts.is_for_moderators:
        return None
    if facts.is_post and facts.parent is not None and facts.parent.standing in ("removed", "deleted"):
        return Verdict(Rank.REJECT, ("parent_gone",))
    return None


def one_id_has_one_author(facts: Facts) -> Verdict | None:
    """A second Create for a known id by somebody else is refused; by its author it changes nothing."""
    if facts.is_post and facts.target is not None and facts.target.author_uri != facts.actor_uri:
        return Verdict(Rank.REJECT, ("not_the_author",))
    return None


def a_post_is_no_actor(facts: Facts) -> Verdict | None:
    """The id of somebody we know is not the id of something they wrote."""
    if facts.is_post and facts.target_actor is not None:
        return Verdict(Rank.REJECT, ("id_of_an_actor",))
    return None


def acting_needs_something_to_act_on(facts: Facts) -> Verdict | None:
    """A like, edit or boost of what is not here, or not theirs to see, has no effect."""
    if facts.verb in ("Like", "Update") and facts.target is None and facts.target_actor is None:
        return Verdict(Rank.DROP, ("target_unknown",))
    if facts.verb in ("Like", "Announce") and facts.target is not None:
        if facts.target.standing not in ("visible", "limited") and not _is_shown_again(facts):
            return Verdict(Rank.DROP, ("target_not_visible",))
        if not facts.is_local and facts.target.audience not in ("public", "unlisted"):
            return Verdict(Rank.DROP, ("target_not_visible",))
    return None


def _is_shown_again(facts: Facts) -> bool:
    """A group elsewhere passes on a post of its own that was taken out; the handler asks by whom."""
    group, target = facts.group, facts.target
    return (
        facts.verb == "Announce"
        and target is not None
        and target.standing == "removed"
        and group is not None
        and group.uri == facts.actor_uri
    )


def following_needs_somebody_here(facts: Facts) -> Verdict | None:
    """A follow from elsewhere must aim at a person or group of ours; the instance actor is neither."""
    if facts.verb != "Follow" or facts.is_local:
        return None
    target = facts.target_actor
    if target is None or target.host is not None or target.standing in ("suspended", "deleted"):
        return Verdict(Rank.DROP, ("target_unknown",))
    if target.kind not in ("person", "group"):
        return Verdict(Rank.REJECT, ("not_followable",))
    return None


RULES: Final[tuple[Callable[[Facts], Verdict | None], ...]] = (
    deleted_stays_deleted,
    undone_stays_undone,
    unsolicited_posts_are_not_kept,
    gone_parent_takes_no_replies,
    one_id_has_one_author,
    a_post_is_no_actor,
    acting_needs_something_to_act_on,
    following_needs_somebody_here,
)
