"""Who reads, as something to compare: of two audiences, or of two kinds of group, what both let read.

Pure. What answers something is for no more people than that, and what a group keeps was written for those who
could read it then.
"""

from __future__ import annotations

from typing import Final

from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.posts import Audience

WITHIN: Final[dict[Audience, frozenset[Audience]]] = {
    "public": frozenset({"public", "unlisted", "followers", "group", "direct"}),
    "unlisted": frozenset({"unlisted", "followers", "group", "direct"}),
    "followers": frozenset({"followers", "direct"}),
    "group": frozenset({"group", "direct"}),
    "direct": frozenset({"direct"}),
}
"""For each audience, those that reach nobody else."""


def narrower(one: Audience, other: Audience) -> Audience:
    """Return the widest audience that reaches nobody whom one of these does not reach.

    Followers and a group's readers are different people, so both together are those who are named.
    """
    if one in WITHIN[other]:
        return one
    return other if other in WITHIN[one] else "direct"


def widest_in(kind: GroupKind | None) -> Audience:
    """Return the widest audience in a group of this kind; None is outside of groups."""
    return "public" if kind in (None, "open") else "group"


def narrower_kind(one: GroupKind, other: GroupKind) -> GroupKind:
    """Return the kind of group that lets read whom both of these kinds let read.

    Everybody signed in here, and members here and elsewhere, have the members here in common. It is the same
    rule as `narrower_kind` in SQL.
    """
    if one == other or other == "open":
        return one
    return other if one == "open" else "home"
