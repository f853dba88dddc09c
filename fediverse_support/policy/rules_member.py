"""What a person may do to what is theirs, and how newcomers begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fediverse_support.domain.facts import Facts
from fediverse_support.domain.verdicts import Rank, Verdict


def first_posts_are_held(facts: Facts) -> Verdict | None:
    """The first posts of a new author in a group of ours wait for a moderator."""
    group = facts.group
    if not facts.is_post or facts.approved or group is None or not group.is_local or group.is_moderator:
        return None
    if facts.target is None and facts.visible_posts < facts.newcomer_posts_held:
        return Verdict(Rank.HOLD, ("first_posts_held",))
    return None


def what_follows_waits_with_its_post(facts: Facts) -> Verdict | None:
    """What comes from elsewhere about a post that waits is kept until a moderator has decided about both.

    That is an edit, or the Create of a post that was fetched before.
    """
    if facts.verb not in ("Create", "Update") or facts.is_local or facts.approved or facts.target is None:
        return None
    return Verdict(Rank.HOLD, ("post_waits",)) if facts.target.standing == "held" else None


def an_edit_is_for_the_same_people(facts: Facts) -> Verdict | None:
    """Words for followers alone do not replace public ones, where everybody would read them."""
    if facts.verb != "Update" or facts.target is None or facts.audience != "followers":
        return None
    return (
        Verdict(Rank.DROP, ("audience_changed",)) if facts.target.audience in ("public", "unlisted") else None
    )


def only_the_author_edits(facts: Facts) -> Verdict | None:
    """Nobody changes another's post."""
    if facts.verb == "Update" and facts.target is not None and facts.target.author_uri != facts.actor_uri:
        return Verdict(Rank.REJECT, ("not_the_author",))
    return None


def only_author_or_moderator_deletes(facts: Facts) -> Verdict | None:
    """A post goes by its author's word, or by that of a moderator of its group."""
    target = facts.target
    if facts.verb != "Delete" or target is None or target.author_uri == facts.actor_uri:
        return None
    if facts.group is not None and facts.group.is_moderator and facts.group.is_local:
        return None
    if facts.is_local and facts.actor is not None and facts.actor.account_role in ("moderator", "admin"):
        return None
    if facts.proof == "fetch":
        return None
    return Verdict(Rank.REJECT, ("not_the_author",))


def only_self_is_deleted(facts: Facts) -> Verdict | None:
    """An actor is deleted by itself alone."""
    if (
        facts.verb == "Delete"
        and facts.target_actor is not None
        and facts.target_actor.uri != facts.actor_uri
    ):
        return Verdict(Rank.REJECT, ("not_the_author",))
    return None


def older_edit_is_ignored(facts: Facts) -> Verdict | None:
    """An edit that is older than what we have changes nothing."""
    if facts.verb != "Update" or facts.target is None or facts.updated is None:
        return None
    if facts.updated < (facts.target.edited_at or facts.target.published_at):
        return Verdict(Rank.DROP, ("older_than_ours",))
    return None


RULES: Final[tuple[Callable[[Facts], Verdict | None], ...]] = (
    first_posts_are_held,
    what_follows_waits_with_its_post,
    an_edit_is_for_the_same_people,
    only_the_author_edits,
    only_author_or_moderator_deletes,
    only_self_is_deleted,
    older_edit_is_ignored,
)
