"""What this instance decided about other servers, and about its own people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fediverse_support.domain.facts import Facts
from fediverse_support.domain.verdicts import Rank, Verdict

TAKES_BACK: Final = frozenset({"Delete", "Undo"})
"""What is obeyed whatever is decided about a server. The door is shut for all that comes under a rule: only
what was taken in before ever gets here."""


def suspended_server_is_refused(facts: Facts) -> Verdict | None:
    """Nothing comes in from a suspended domain, but what its people take back."""
    if facts.sender == "suspend" and facts.verb not in TAKES_BACK:
        return Verdict(Rank.REJECT, ("domain_suspended",))
    return None


def suspended_server_is_not_named(facts: Facts) -> Verdict | None:
    """What answers, boosts or acts on a thing of a suspended domain is dropped without a word.

    What is one's own is not the other server's: everybody takes back what they said or did, and our people
    change their posts.
    """
    is_theirs = facts.target is not None and facts.target.author_uri == facts.actor_uri
    if facts.verb in TAKES_BACK or (is_theirs and facts.is_local and facts.verb == "Update"):
        return None
    if "suspend" in facts.named:
        return Verdict(Rank.DROP, ("names_suspended_domain",))
    return None


def only_allowed_servers_speak(facts: Facts) -> Verdict | None:
    """With an allow-list, everyone else is refused."""
    if facts.is_local or facts.verb in TAKES_BACK:
        return None
    if facts.federation == "allowlist" and facts.sender != "allow":
        return Verdict(Rank.REJECT, ("not_on_allowlist",))
    return None


def federation_off_is_off(facts: Facts) -> Verdict | None:
    """With federation off, nothing from elsewhere is taken."""
    if facts.federation == "off" and not facts.is_local and facts.verb not in TAKES_BACK:
        return Verdict(Rank.REJECT, ("federation_off",))
    return None


def held_server_waits(facts: Facts) -> Verdict | None:
    """Posts and follows from a held domain wait for a moderator."""
    if facts.is_for_moderators:
        # It waits for them anyway.
        return None
    if facts.sender == "hold" and not facts.approved and (facts.is_post or facts.verb == "Follow"):
        return Verdict(Rank.HOLD, ("domain_held",))
    return None


def held_server_changes_nothing_approved(facts: Facts) -> Verdict | None:
    """What a moderator let pass is not exchanged afterwards by a held domain; it may be deleted."""
    if facts.sender != "hold" or facts.approved or facts.verb != "Update" or facts.target is None:
        return None
    return None if facts.target.standing == "held" else Verdict(Rank.DROP, ("domain_held",))


def limited_server_is_quiet(facts: Facts) -> Verdict | None:
    """Posts from a limited domain are stored, but not passed on."""
    if facts.sender == "limit" and facts.is_post:
        return Verdict(Rank.LIMIT, ("domain_limited",))
    return None


def reports_are_taken_unless_refused(facts: Facts) -> Verdict | None:
    """A domain may be cut off from sending reports."""
    if facts.verb == "Flag" and facts.reports_rejected:
        return Verdict(Rank.DROP, ("reports_rejected",))
    return None


def suspended_actor_is_refused(facts: Facts) -> Verdict | None:
    """A suspended or deleted actor does nothing here."""
    if facts.actor is not None and facts.actor.standing in ("suspended", "deleted"):
        return Verdict(Rank.REJECT, (f"actor_{facts.actor.standing}",))
    return None


def limited_actor_is_quiet(facts: Facts) -> Verdict | None:
    """Posts by a limited actor are stored, but not passed on."""
    if facts.actor is not None and facts.actor.standing == "limited" and facts.is_post:
        return Verdict(Rank.LIMIT, ("actor_limited",))
    return None


def only_active_accounts_act(facts: Facts) -> Verdict | None:
    """An account that waits for approval, or was closed, cannot act."""
    if facts.is_local and facts.actor is not None and facts.actor.account_standing not in (None, "active"):
        return Verdict(Rank.REJECT, ("account_not_active",))
    return None


def strangers_do_nothing(facts: Facts) -> Verdict | None:
    """An actor we do not know has no effect; the worker learns actors before it asks."""
    if facts.actor is None and facts.verb != "Delete" and facts.proof != "group":
        return Verdict(Rank.DROP, ("actor_unknown",))
    return None


RULES: Final[tuple[Callable[[Facts], Verdict | None], ...]] = (
    suspended_server_is_refused,
    suspended_server_is_not_named,
    only_allowed_servers_speak,
    federation_off_is_off,
    held_server_waits,
    held_server_changes_nothing_approved,
    limited_server_is_quiet,
    reports_are_taken_unless_refused,
    suspended_actor_is_refused,
    limited_actor_is_quiet,
    only_active_accounts_act,
    strangers_do_nothing,
)
