"""Who decides in a group: pure, and asked by every rule about what moderators do."""

from __future__ import annotations

from federation import uris
from fediverse_support.domain.facts import Facts


def decides(facts: Facts) -> bool:
    """Say whether the actor may decide about what is in `facts.group`.

    The group itself always may. In ours so do its moderators and nobody else; being an admin of some server
    gives nothing. For a group elsewhere its own relay counts (FEP-1b12), of what somebody on its server did,
    or a moderator of its list.
    """
    group = facts.group
    if group is None:
        return False
    if facts.actor_uri == group.uri and facts.proof in ("signature", "local"):
        return True
    if group.is_local:
        return group.is_moderator and facts.proof in ("signature", "local")
    teller = facts.announced_by
    if facts.proof != "group" or teller is None or teller.id != group.id:
        return False
    return group.is_moderator or uris.same_origin(facts.actor_uri, group.uri)
