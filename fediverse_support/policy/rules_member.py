"""What a person may do to what is theirs, and how newcomers begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from federation import uris
from fediverse_support.domain.facts import Facts, PostFacts
from fediverse_support.domain.verdicts import Rank, Verdict
from fediverse_support.policy.deciding import decides


def first_posts_are_held(facts: Facts) -> Verdict | None:
    """The first posts of a new author in a group of ours wait for a moderator."""
    group = facts.group
    if not facts.is_post or facts.approved or group is None or not group.is_local or group.is_moderator:
        return None
    if facts.is_for_moderators:
        return None
    is_new = facts.target is None or facts.target.standing == "deleted"
    if is_new and facts.visible_posts < facts.newcomer_posts_held:
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
    """A post goes, or comes back, by its author's word, or by that of those who decide in its group."""
    if facts.verb not in ("Delete", "Undo Delete") or facts.target is None:
        return None
    if _is_the_authors_word(facts, facts.target) or decides(facts):
        return None
    if facts.is_local and facts.actor is not None and facts.actor.kind == "instance":
        # Our own team, where the group is not ours or there is none.
        return None
    if facts.proof == "fetch":
        return None
    return Verdict(Rank.REJECT, ("not_the_author",))


def _is_the_authors_word(facts: Facts, target: PostFacts) -> bool:
    """A relay is not, but where the author's own server says it, their group may hide it for itself."""
    if facts.proof == "group":
        return target.host is not None and uris.same_origin(facts.actor_uri, target.author_uri)
    return facts.actor_uri == target.author_uri


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
    """An edit that is older than what we have changes nothing; by its author's clock, which alone tells."""
    if facts.verb != "Update" or facts.is_local or facts.target is None or facts.updated is None:
        return None
    if facts.updated < facts.target.words_at:
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
