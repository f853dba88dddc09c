"""What a group lets happen in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fediverse_support.domain.facts import Facts
from fediverse_support.domain.verdicts import Rank, Verdict
from fediverse_support.policy.deciding import decides

DECISIONS: Final = frozenset({"Lock", "Undo Lock", "Ban", "Undo Ban"})
TAKEN_BACK: Final = frozenset({"Undo Like", "Undo Announce"})


def _deletes_their_own(facts: Facts) -> bool:
    is_author = facts.target is not None and facts.target.author_uri == facts.actor_uri
    return facts.verb == "Delete" and is_author


def other_servers_do_not_reach_closed_groups(facts: Facts) -> Verdict | None:
    """For other servers a group that does not federate is a name that never existed.

    A report that names it is no less one: it is for the instance's moderators. And whoever wrote in it while
    it was open may take their own back, whatever it has become.
    """
    if facts.verb == "Flag" or facts.verb in TAKEN_BACK or _deletes_their_own(facts):
        return None
    if facts.group is not None and not facts.is_local and not facts.group.federates:
        return Verdict(Rank.DROP, ("no_such_group",))
    return None


def banned_from_group(facts: Facts) -> Verdict | None:
    """Somebody banned from a group neither posts in it nor joins it; they may write to its moderators."""
    if (
        facts.group is not None
        and facts.group.is_banned
        and not facts.is_for_moderators
        and (facts.is_post or facts.verb in ("Update", "Follow", "Like"))
    ):
        return Verdict(Rank.REJECT, ("banned_from_group",))
    return None


def only_members_write(facts: Facts) -> Verdict | None:
    """In home and circle groups, and where joining needs approval, only members post."""
    group = facts.group
    if group is None or not group.is_local or not facts.is_post or group.is_member or group.is_moderator:
        return None
    if facts.is_for_moderators:
        return None
    if group.kind == "home-open" or (group.kind == "open" and not group.approval):
        return None
    return Verdict(Rank.REJECT, ("not_a_member",))


def only_moderators_start_where_restricted(facts: Facts) -> Verdict | None:
    """A group may keep new threads to its moderators; an answer to what nobody has is one."""
    group = facts.group
    if group is None or not group.is_local or not group.posting_restricted or group.is_moderator:
        return None
    if facts.is_post and facts.parent is None and not facts.is_for_moderators:
        return Verdict(Rank.REJECT, ("posting_restricted",))
    return None


def locked_thread_takes_no_replies(facts: Facts) -> Verdict | None:
    """Nobody but a moderator answers in a locked thread."""
    if facts.is_post and facts.parent is not None and facts.parent.is_locked and not facts.is_for_moderators:
        if facts.group is None or not facts.group.is_moderator:
            return Verdict(Rank.REJECT, ("thread_locked",))
    return None


def a_reply_stays_in_its_group(facts: Facts) -> Verdict | None:
    """A reply that names another group than its thread's is dropped; it is shown in neither."""
    if facts.is_post and facts.names_other_group:
        return Verdict(Rank.DROP, ("another_groups_thread",))
    return None


def only_people_write_to_moderators(facts: Facts) -> Verdict | None:
    """What another group or a server sends to a group alone is a machine's word; answering it would loop."""
    if facts.is_for_moderators and facts.actor is not None and facts.actor.kind in ("group", "instance"):
        return Verdict(Rank.DROP, ("not_from_a_person",))
    return None


def only_followed_groups_distribute(facts: Facts) -> Verdict | None:
    """What a group passes on counts only if somebody here follows that group.

    Its decisions about what is in it count for those who left as well: their posts are still there.
    """
    if facts.verb in DECISIONS or facts.verb in ("Delete", "Undo Delete"):
        return None
    if facts.announced_by is not None and not facts.announced_by.is_followed:
        return Verdict(Rank.DROP, ("group_not_followed",))
    return None


def a_groups_word_counts_for_that_group_alone(facts: Facts) -> Verdict | None:
    """What rests on a group's word must be about something in that very group."""
    if facts.proof != "group":
        return None
    group, teller = facts.group, facts.announced_by
    is_its_own = group is not None and teller is not None and group.id == teller.id
    return None if is_its_own else Verdict(Rank.DROP, ("not_in_that_group",))


def nobody_else_speaks_for_ours(facts: Facts) -> Verdict | None:
    """What our own people did, we know ourselves; no group's word counts for it."""
    if facts.proof == "group" and facts.actor is not None and facts.actor.host is None:
        return Verdict(Rank.DROP, ("speaks_for_ours",))
    return None


def only_moderators_decide(facts: Facts) -> Verdict | None:
    """A thread is locked, and somebody shut out, by the group or its moderators alone."""
    if facts.verb in DECISIONS and not decides(facts):
        return Verdict(Rank.REJECT, ("not_a_moderator",))
    return None


RULES: Final[tuple[Callable[[Facts], Verdict | None], ...]] = (
    other_servers_do_not_reach_closed_groups,
    banned_from_group,
    only_members_write,
    only_moderators_start_where_restricted,
    locked_thread_takes_no_replies,
    a_reply_stays_in_its_group,
    only_people_write_to_moderators,
    only_followed_groups_distribute,
    a_groups_word_counts_for_that_group_alone,
    nobody_else_speaks_for_ours,
    only_moderators_decide,
)
