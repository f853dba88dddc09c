"""Addresses: who a thing is for, and to which inboxes that leads.

The meaning of `to` and `cc` is a convention, not in the standard: Public in `to` is public, in `cc` unlisted;
the author's own followers make a followers-only post; a group's address without Public is meant for that
group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from federation.uris import Uri, origin, same_origin
from federation.vocab import PUBLIC, Audience

Reach = Literal["public", "unlisted", "followers", "group", "direct"]
GroupKind = Literal["public", "members"]
ProfileKind = Literal["public", "unlisted", "followers", "direct"]


def classify(
    audience: Audience,
    *,
    author_followers: Uri | None,
    groups: Collection[Uri],
    group_followers: Collection[Uri] = (),
) -> Reach:
    """Say whom an audience means.

    `author_followers` is the collection of this very author, as learnt from the author's own actor: no other
    collection counts, whatever it is called. `groups` are the ids of the groups we know; a group's followers
    address means nothing by itself. A message that is not public and names anybody beside a group is for
    those it names: a group's address in it must not show it to the group.
    """
    everyone = audience.everyone
    is_for_group = any(uri in groups for uri in everyone)
    if PUBLIC in audience.to:
        return "public"
    if PUBLIC in audience.cc:
        return "public" if is_for_group else "unlisted"
    if author_followers is not None and author_followers in everyone:
        return "followers"
    is_for_others = any(uri not in groups and uri not in group_followers for uri in everyone)
    return "group" if is_for_group and not is_for_others else "direct"


def for_group_post(
    author: Uri, group: Uri, group_followers: Uri, mentioned: Iterable[Uri], kind: GroupKind
) -> Audience:
    """Address a post in a group.

    Of a `members` post nobody outside the group hears, so it is addressed to no mentioned person and never to
    Public.
    """
    if kind == "members":
        return Audience(to=(group,), cc=(group_followers,), group=group)
    others = _others(mentioned, author, group, group_followers)
    return Audience(to=(group, PUBLIC), cc=(group_followers, *others), group=group)


def for_profile_post(
    author: Uri, author_followers: Uri, mentioned: Iterable[Uri], kind: ProfileKind
) -> Audience:
    """Address a post outside all groups."""
    others = _others(mentioned, author, author_followers)
    match kind:
        case "public":
            return Audience(to=(PUBLIC,), cc=(author_followers, *others))
        case "unlisted":
            return Audience(to=(author_followers,), cc=(PUBLIC, *others))
        case "followers":
            return Audience(to=(author_followers,), cc=others)
        case "direct":
            return Audience(to=others)


def _others(mentioned: Iterable[Uri], *known: Uri) -> tuple[Uri, ...]:
    return tuple(dict.fromkeys(uri for uri in mentioned if uri not in known and uri != PUBLIC))


def inboxes(recipients: Iterable[tuple[Uri, Uri | None]]) -> tuple[Uri, ...]:
    """Return each inbox to deliver to once, in order.

    A recipient is an inbox and perhaps a shared inbox. The shared inbox stands for all recipients of its
    origin that have one, but only if it lies on the same origin as the inbox: nobody can send our deliveries
    to a third host. For a message that not everybody on a host may get, pass None as shared inbox.
    """
    shared: dict[str, Uri] = {}
    found: dict[Uri, None] = {}
    for inbox, common in recipients:
        if common is None or not same_origin(inbox, common):
            found[inbox] = None
        else:
            found[shared.setdefault(origin(inbox), common)] = None
    return tuple(found)
